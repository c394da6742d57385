package console

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

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

var statuses = map[kinds.Code]int{
	kinds.Invalid: http.StatusBadRequest, kinds.Unauthorized: http.StatusUnauthorized,
	kinds.Forbidden: http.StatusForbidden, kinds.NotFound: http.StatusNotFound,
	kinds.Conflict: http.StatusConflict, kinds.TooLarge: http.StatusRequestEntityTooLarge,
	kinds.Limited: http.StatusTooManyRequests, kinds.MethodNotAllowed: http.StatusMethodNotAllowed,
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
}

// fail is the one place where errors become answers.
func (s *Console) fail(c echo.Context, err error) error {
	var refused *kinds.Error
	if !errors.As(err, &refused) {
		s.Logger.LogAttrs(c.Request().Context(), slog.LevelError, "request failed",
			slog.String("method", c.Request().Method), slog.String("path", c.Request().URL.Path), slog.Any("error", err))
		return c.JSON(http.StatusInternalServerError, problem{Title: "An unexpected error occurred in the server", Message: err.Error()})
	}
	body := problem{Title: refused.Title, Message: refused.Message}
	if body.Title == "" {
		body.Title = titles[refused.Code]
	}
	if refused.Reason != "" && !s.Settings.HideReasons {
		body.Cause = refused.Reason
		c.Response().Header().Set(ReasonHeader, headerText(refused.Reason))
	}
	if refused.Code == kinds.Unauthorized {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Bearer")
	}
	if refused.Reason != "" {
		s.Logger.LogAttrs(c.Request().Context(), slog.LevelInfo, "refused",
			slog.Int("status", statuses[refused.Code]), slog.String("method", c.Request().Method),
			slog.String("path", c.Request().URL.Path), slog.String("reason", refused.Reason))
	}
	return c.JSON(statuses[refused.Code], body)
}

// headerText makes a text fit for a header field (RFC 9110, section 5.5).
func headerText(reason string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, reason)
}
