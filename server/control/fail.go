package control

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// problem is the error body, in the form of the Console's.
type problem struct {
	Title   string  `json:"title"`
	Message string  `json:"msg,omitempty"`
	Faults  []Fault `json:"faults,omitempty"`
	Nearest []near  `json:"nearest,omitempty"` // entries, where one was waited for
}

// Fault is one fault of a seed; lines and columns count from 1.
type Fault struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Kind    string `json:"kind,omitempty"`
	Name    string `json:"name,omitempty"`
	Field   string `json:"field,omitempty"`
	Problem string `json:"problem"`
	Remedy  string `json:"remedy,omitempty"`
}

// outcome is how a sort of refusal is answered.
type outcome struct {
	status int
	title  string
}

var outcomes = map[kinds.Code]outcome{
	kinds.Invalid:     {http.StatusBadRequest, "The request is invalid"},
	kinds.Forbidden:   {http.StatusForbidden, "Not allowed"},
	kinds.NotFound:    {http.StatusNotFound, "Not found"},
	kinds.Conflict:    {http.StatusConflict, "A rule forbids this"},
	kinds.TooLarge:    {http.StatusRequestEntityTooLarge, "The request is too large"},
	kinds.Limited:     {http.StatusTooManyRequests, "Too many requests"},
	kinds.Slow:        {http.StatusRequestTimeout, "The request came too slowly"},
	kinds.Timeout:     {http.StatusServiceUnavailable, "The request took too long"},
	kinds.Unsupported: {http.StatusUnsupportedMediaType, "The body is of the wrong type"},
}

// fail is the one place where errors of this API become answers.
func fail(c echo.Context, err error) error {
	var faults seed.Faults
	if errors.As(err, &faults) {
		return c.JSON(http.StatusBadRequest, problem{Title: outcomes[kinds.Invalid].title, Message: faults.Error(), Faults: FaultsOf(faults)})
	}
	refusal := kinds.Refusal(err)
	var refusedByProvider *idp.Error
	var full *idp.FullError
	switch {
	case refusal != nil:
	case errors.As(err, &full):
		refusal = &kinds.Error{Code: kinds.Limited, Message: full.Reason}
	case errors.Is(err, store.ErrNotFound), errors.Is(err, idp.ErrNotFound):
		refusal = &kinds.Error{Code: kinds.NotFound, Message: err.Error()}
	case errors.As(err, &refusedByProvider):
		refusal = &kinds.Error{Message: err.Error()}
	default:
		return c.JSON(http.StatusInternalServerError, problem{Title: "Internal error", Message: err.Error()})
	}
	answer, known := outcomes[refusal.Code]
	if !known {
		answer = outcomes[kinds.Invalid]
	}
	return c.JSON(answer.status, problem{Title: answer.title, Message: refusal.Error()})
}

// FaultsOf are the faults of a seed as this API shows them.
func FaultsOf(faults seed.Faults) []Fault {
	list := make([]Fault, len(faults))
	for i, one := range faults {
		list[i] = Fault{one.File, one.Line, one.Column, one.Kind, one.Name, one.Field, one.Problem, one.Remedy}
	}
	return list
}

// invalid refuses a field of a request.
func invalid(field, format string, args ...any) error {
	return &kinds.Error{Field: field, Message: fmt.Sprintf(format, args...)}
}

// notFound says that what a request names does not exist.
func notFound(format string, args ...any) error {
	return &kinds.Error{Code: kinds.NotFound, Message: fmt.Sprintf(format, args...)}
}

// refused turns what the document finds wrong into one error, nil for nothing.
func refused(in string, problems []openapi.Problem) error {
	if len(problems) == 0 {
		return nil
	}
	texts := make([]string, len(problems))
	for i, one := range problems {
		texts[i] = one.String()
	}
	return &kinds.Error{Message: in + ": " + strings.Join(texts, "; ")}
}
