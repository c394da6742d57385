package console

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/kinds"
)

// ReasonHeader carries why a request was refused. The real Console has no such
// header; it is ours.
const ReasonHeader = "Mock-Reason"

// problem is the one body of every JSON error (console-api, section 3).
type problem struct {
	Title   string `json:"title"`
	Message string `json:"msg,omitempty"`
	Cause   string `json:"cause,omitempty"`
}

// text is the body of an error that is plain text.
func (p problem) text() string {
	if p.Message == "" {
		return p.Title
	}
	return p.Message
}

// titleUnexpected is the product's general sentence for a 500.
const titleUnexpected = "An unexpected error occurred in the server"

var statuses = map[kinds.Code]int{
	kinds.Invalid: http.StatusBadRequest, kinds.Unauthorized: http.StatusUnauthorized,
	kinds.Forbidden: http.StatusForbidden, kinds.NotFound: http.StatusNotFound,
	kinds.Conflict: http.StatusConflict, kinds.TooLarge: http.StatusRequestEntityTooLarge,
	kinds.Limited: http.StatusTooManyRequests, kinds.MethodNotAllowed: http.StatusMethodNotAllowed,
	kinds.Unsupported: http.StatusUnsupportedMediaType, kinds.LongURL: http.StatusRequestURITooLong,
	kinds.LongHeaders: http.StatusRequestHeaderFieldsTooLarge, kinds.Timeout: http.StatusServiceUnavailable,
	kinds.Slow: http.StatusRequestTimeout,
}

// The product's general sentences.
var titles = map[kinds.Code]string{
	kinds.Invalid:      "The request is not valid",
	kinds.Unauthorized: "The user is not authenticated",
	kinds.Forbidden:    "The user doesn't have sufficient privilege to do this operation",
	kinds.NotFound:     "Not found",
	kinds.Conflict:     "The request does not match one of the business rules",
	kinds.TooLarge:     "The request is too large",
	kinds.Limited:      "Too many requests",
	kinds.LongURL:      "The address is too long",
	kinds.LongHeaders:  "The header fields are too large",
	kinds.Timeout:      "The request took too long",
	kinds.Slow:         "The request came too slowly",
}

// fail is the one place where errors become answers. Which form an answer has
// is the document's to say: many older operations answer 400 in plain text.
func (s *Console) fail(c echo.Context, called operation, err error) error {
	var injected *Injected
	if errors.As(err, &injected) {
		return s.inject(c, called, injected)
	}
	refused := kinds.Refusal(err)
	if refused == nil {
		s.noteRefusal(c, &kinds.Error{Reason: err.Error()})
		s.Logger.LogAttrs(c.Request().Context(), slog.LevelError, "request failed",
			slog.String("method", c.Request().Method), slog.String("path", c.Request().URL.Path), slog.Any("error", err))
		return c.JSON(http.StatusInternalServerError, problem{Title: titleUnexpected, Message: err.Error()})
	}
	s.noteRefusal(c, refused)
	traceOf(c.Request().Context()).refused(refused)
	body := problem{Title: refused.Title, Message: refused.Message}
	if body.Title == "" {
		body.Title = titles[refused.Code]
	}
	status, plain := s.form(called, statuses[refused.Code])
	if refused.Reason != "" && !s.Settings.HideReasons {
		body.Cause = refused.Reason
		c.Response().Header().Set(ReasonHeader, headerText(refused.Reason))
	}
	if refused.Code == kinds.Unauthorized {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Bearer")
	}
	if refused.Reason != "" {
		s.Logger.LogAttrs(c.Request().Context(), slog.LevelInfo, "refused",
			slog.Int("status", status), slog.String("method", c.Request().Method),
			slog.String("path", c.Request().URL.Path), slog.String("reason", refused.Reason))
	}
	if plain {
		return c.String(status, body.text())
	}
	return c.JSON(status, body)
}

// form settles the status of a refusal and whether its body is plain text.
// Operations that list no 404 or no 409 refuse with 400 what others would
// refuse with these. A 403 stands whether it is listed or not: 19 of the older
// operations list none, and any other answer would mislead more.
func (s *Console) form(called operation, status int) (int, bool) {
	switch status {
	case http.StatusBadRequest:
	case http.StatusNotFound, http.StatusConflict:
		if called.path == "" || s.Document.AnswerForm(called.method, called.path, status) != openapi.Unlisted {
			return status, false
		}
	default:
		return status, false
	}
	switch s.Document.AnswerForm(called.method, called.path, http.StatusBadRequest) {
	case openapi.Text:
		return http.StatusBadRequest, true
	case openapi.JSON:
		return http.StatusBadRequest, false
	}
	return status, false
}

// maxHeaderText is the longest reason in the header, in bytes. It may quote what
// the caller sent; a header too long is an error to proxies (Node's parser, and
// with it Backstage's, takes 16 KiB in all). The body has the whole.
const maxHeaderText = 2048

// headerText makes a text fit for a header field (RFC 9110, section 5.5).
func headerText(reason string) string {
	if len(reason) > maxHeaderText {
		reason = reason[:maxHeaderText-3] + "..."
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, reason)
}
