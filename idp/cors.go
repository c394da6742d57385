package idp

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// allowOrigin lets a page of any origin read the answer. The origin is
// repeated rather than *, since some clients fetch with credentials; no
// endpoint that has this looks at cookies.
func allowOrigin(c echo.Context) {
	header := c.Response().Header()
	header.Add("Vary", echo.HeaderOrigin)
	origin := c.Request().Header.Get(echo.HeaderOrigin)
	if origin == "" {
		return
	}
	header.Set(echo.HeaderAccessControlAllowOrigin, origin)
	header.Set(echo.HeaderAccessControlAllowCredentials, "true")
	header.Set(echo.HeaderAccessControlExposeHeaders, "WWW-Authenticate, "+headerDPoPNonce+", "+headerReason)
}

// preflight answers OPTIONS. A preflight never carries credentials (Fetch
// standard, section 4.8), so none are asked for.
func preflight(c echo.Context, methods []string) error {
	header := c.Response().Header()
	allow := strings.Join(methods, ", ")
	header.Set("Allow", allow)
	header.Set(echo.HeaderAccessControlAllowMethods, allow)
	if asked := c.Request().Header.Get(echo.HeaderAccessControlRequestHeaders); asked != "" {
		header.Set(echo.HeaderAccessControlAllowHeaders, asked)
	} else {
		header.Set(echo.HeaderAccessControlAllowHeaders, "Authorization, Content-Type, "+headerDPoP)
	}
	header.Set(echo.HeaderAccessControlMaxAge, "600")
	return c.NoContent(http.StatusNoContent)
}
