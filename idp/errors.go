package idp

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// Error codes of RFC 6749 (sections 4.1.2.1 and 5.2), RFC 6750 (section 3.1),
// RFC 7591 (section 3.2.2), RFC 8628 (section 3.5), RFC 8707 (section 2), RFC
// 9449 (sections 5 and 8), OpenID Connect Core 1.0 (section 3.1.2.6) and OpenID
// Connect Core Error Code unmet_authentication_requirements.
const (
	errInvalidRequest          = "invalid_request"
	errInvalidClient           = "invalid_client"
	errInvalidGrant            = "invalid_grant"
	errInvalidScope            = "invalid_scope"
	errInvalidTarget           = "invalid_target"
	errInvalidToken            = "invalid_token"
	errInsufficientScope       = "insufficient_scope"
	errUnauthorizedClient      = "unauthorized_client"
	errUnsupportedGrantType    = "unsupported_grant_type"
	errUnsupportedResponseType = "unsupported_response_type"
	errAccessDenied            = "access_denied"
	errServerError             = "server_error"
	errLoginRequired           = "login_required"
	errAuthorizationPending    = "authorization_pending"
	errSlowDown                = "slow_down"
	errExpiredToken            = "expired_token"
	errInvalidProof            = "invalid_dpop_proof"
	errUseNonce                = "use_dpop_nonce"
	errUnmetAuthentication     = "unmet_authentication_requirements"
	errInvalidRequestURI       = "invalid_request_uri"
	errInvalidClientMetadata   = "invalid_client_metadata"
	errInvalidRedirectURI      = "invalid_redirect_uri"
	errRequestNotSupported     = "request_not_supported"
	errRequestURINotSupported  = "request_uri_not_supported"
	errRegistrationUnsupported = "registration_not_supported"
	errTemporarilyUnavailable  = "temporarily_unavailable"
)

// headerReason carries the description of a refusal on every answer, also
// where the body belongs to someone else's format.
const headerReason = "Mock-Reason"

// Error is a refusal in the terms of OAuth 2.0.
type Error struct {
	// Code is the error member.
	Code string
	// Description says what is wrong and what to do; the error_description.
	Description string
	// Status of the JSON answer; 0: 400.
	Status int
	// Challenge is the WWW-Authenticate header, if there is to be one.
	Challenge string
}

// Error is code and description in one line.
func (e *Error) Error() string { return e.Code + ": " + e.Description }

func refuse(code, description string) *Error { return &Error{Code: code, Description: description} }

// redirectError is a refusal that the client is told of by redirect. There is
// one only where client and redirect URI have been found good.
type redirectError struct {
	refusal *Error
	to      target
}

func (e *redirectError) Error() string { return e.refusal.Error() }

// pageError is a refusal that must not leave this host: a page for the person
// at the browser, who most likely is the developer.
type pageError struct {
	title string
	// status of the answer; 0: 400.
	status int
	// says is what happened, remedy what to do about it.
	says, remedy string
	facts        []fact
	code         string
}

// fact is a line of an error page: what was asked, what is registered.
type fact struct {
	Name   string
	Values []string
}

func (e *pageError) Error() string { return e.title + ": " + e.says }

// fail is the one place where errors become answers: a redirect, a page or
// JSON (RFC 6749, section 5.2).
func (p *Provider) fail(c echo.Context, page bool, err error) error {
	var redirect *redirectError
	if errors.As(err, &redirect) {
		p.logRefusal(c, redirect.refusal)
		setReason(c, redirect.refusal.Description)
		return p.respond(c, redirect.to, []pair{
			{"error", redirect.refusal.Code},
			{"error_description", ascii(redirect.refusal.Description)},
		})
	}
	var shown *pageError
	if errors.As(err, &shown) {
		p.config.Logger.WarnContext(c.Request().Context(), "refused", "path", c.Request().URL.Path, "title", shown.title, "reason", shown.says)
		setReason(c, shown.says)
		return p.errorPage(c, shown)
	}
	var refusal *Error
	var full *FullError
	if errors.As(err, &full) {
		refusal = full.refusal()
		p.logRefusal(c, refusal)
	} else if !errors.As(err, &refusal) {
		p.config.Logger.ErrorContext(c.Request().Context(), "request failed", "path", c.Request().URL.Path, "error", err)
		refusal = &Error{Status: http.StatusInternalServerError, Code: errServerError, Description: "the provider failed; its log says why"}
	} else {
		p.logRefusal(c, refusal)
	}
	setReason(c, refusal.Description)
	status := refusal.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	if page {
		return p.errorPage(c, &pageError{title: "This request cannot be served", status: status, says: refusal.Description, code: refusal.Code})
	}
	header := c.Response().Header()
	if refusal.Challenge != "" {
		header.Set(echo.HeaderWWWAuthenticate, refusal.Challenge)
	}
	noStore(c)
	status, body := p.word(c, refusal, status)
	switch body := body.(type) {
	case nil:
		return c.NoContent(status)
	case string:
		return c.String(status, body)
	}
	return c.JSON(status, body)
}

func (p *Provider) logRefusal(c echo.Context, e *Error) {
	p.config.Logger.LogAttrs(c.Request().Context(), slog.LevelInfo, "refused",
		slog.String("path", c.Request().URL.Path), slog.String("error", e.Code), slog.String("reason", e.Description))
}

func setReason(c echo.Context, reason string) {
	c.Response().Header().Set(headerReason, ascii(reason))
}

// noStore is RFC 6749, section 5.1.
func noStore(c echo.Context) {
	header := c.Response().Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Pragma", "no-cache")
}

// ascii keeps to the characters of error_description (RFC 6749, section 5.2),
// which are also safe in a quoted header parameter.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '"':
			return '\''
		case r == '\\':
			return '/'
		case r < 0x20 || r > 0x7e:
			return '?'
		}
		return r
	}, s)
}
