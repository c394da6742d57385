package console

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/kinds"
)

// Hooks tell others of calls while they are served. Each may be nil.
type Hooks struct {
	// Called comes once it is known who calls, before anything is done. An error
	// is answered in place of the operation's answer; an *Injected says how.
	Called func(c echo.Context, call Call) error
	// Permitted comes when the caller holds what the operation needs.
	Permitted func(c echo.Context, who *Principal, need kinds.Need)
	// Refused comes before an error is answered.
	Refused func(c echo.Context, refused *kinds.Error)
}

// Call is a request to an operation of the Console.
type Call struct {
	Method, Path string     // as the document writes them
	Who          *Principal // nil for operations that anybody may call and for a credential that was not accepted
	Login        string     // who signs in, at the login operation
}

// Injected is an error answer that a fault makes, in the Console's form.
type Injected struct {
	Status         int
	Title, Message string // "" = the product's own words for the status
	Reason         string // which fault it was
}

func (e *Injected) Error() string { return e.Reason }

// enter tells of a call that is about to be served.
func (c *call) enter(login string) error {
	if c.Hooks.Called == nil {
		return nil
	}
	return c.Hooks.Called(c.Context, Call{Method: c.method, Path: c.path, Who: c.who, Login: login})
}

func (s *Console) noteRefusal(c echo.Context, refused *kinds.Error) {
	if s.Hooks.Refused != nil {
		s.Hooks.Refused(c, refused)
	}
}

// inject answers what a fault makes of a call: status and words are the
// fault's, the form that of the operation.
func (s *Console) inject(c echo.Context, called operation, fault *Injected) error {
	s.noteRefusal(c, &kinds.Error{Reason: fault.Reason})
	body := problem{Title: fault.Title, Message: fault.Message}
	for code, status := range statuses {
		if status == fault.Status && body.Title == "" {
			body.Title = titles[code]
		}
	}
	switch {
	case body.Title != "":
	case fault.Status == http.StatusInternalServerError:
		body.Title = titleUnexpected
	default:
		body.Title = http.StatusText(fault.Status)
	}
	if !s.Settings.HideReasons {
		body.Cause = fault.Reason
		c.Response().Header().Set(ReasonHeader, headerText(fault.Reason))
	}
	if fault.Status == http.StatusUnauthorized {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Bearer")
	}
	if s.Document.AnswerForm(called.method, called.path, fault.Status) == openapi.Text {
		return c.String(fault.Status, body.text())
	}
	return c.JSON(fault.Status, body)
}
