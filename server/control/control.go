// Package control is the API under /_mock with which tests and demos set the
// scene. The emulated products have nothing like it.
package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server/store"
)

// Control acts on one world.
type Control struct {
	World *store.World
	// Provider finds an identity provider by name, the built-in one by "".
	Provider func(name string) *idp.Provider
	Settings Settings
	CA       []byte // development CA in PEM; nil where there is none
}

// failure is the error body of this API.
type failure struct {
	Error  string `json:"error"`
	Remedy string `json:"remedy,omitempty"`
}

// Register adds the routes below /_mock; resolve finds the world that a
// request is for.
func Register(e *echo.Echo, resolve func(echo.Context) *Control) {
	e.POST("/_mock/tokens", func(c echo.Context) error { return resolve(c).mint(c) }, jsonOnly)
	e.GET("/_mock/settings", func(c echo.Context) error { return resolve(c).settings(c) })
	e.GET("/_mock/ca.pem", func(c echo.Context) error { return resolve(c).authority(c) })
}

// jsonOnly refuses bodies that a page of any other site could send: a browser
// asks before it sends JSON across origins, and is told no.
func jsonOnly(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		media, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
		if err != nil || media != echo.MIMEApplicationJSON {
			return c.JSON(http.StatusUnsupportedMediaType, failure{Error: "the body must be JSON", Remedy: "send Content-Type: application/json"})
		}
		return next(c)
	}
}

// maxBody is the longest body accepted, in bytes.
const maxBody = 1 << 20

// tokenRequest asks for the tokens of a person, or of a client itself.
type tokenRequest struct {
	As       string `json:"as"`        // login or e-mail; "" = the client itself
	ClientID string `json:"client_id"` // the client that the tokens are for
	Scope    string `json:"scope"`
	Nonce    string `json:"nonce"`
	Provider string `json:"provider"` // a Provider by name; "" = the built-in one
}

func (t *Control) mint(c echo.Context) error {
	decoder := json.NewDecoder(http.MaxBytesReader(c.Response(), c.Request().Body, maxBody))
	decoder.DisallowUnknownFields()
	var request tokenRequest
	if err := decoder.Decode(&request); err != nil {
		return c.JSON(http.StatusBadRequest, failure{Error: "the body is not what is expected: " + err.Error(),
			Remedy: `send {"as": LOGIN_OR_EMAIL, "client_id": CLIENT}`})
	}
	provider := t.Provider(request.Provider)
	if provider == nil {
		return c.JSON(http.StatusNotFound, failure{Error: fmt.Sprintf("there is no Provider %q", request.Provider), Remedy: "leave provider out for the built-in one"})
	}
	tokens, err := Mint(c.Request().Context(), t.World, provider, request.As,
		idp.MintRequest{ClientID: request.ClientID, Scope: request.Scope, Nonce: request.Nonce})
	switch {
	case errors.Is(err, idp.ErrNotFound):
		return c.JSON(http.StatusNotFound, failure{Error: err.Error()})
	case err != nil:
		return c.JSON(http.StatusBadRequest, failure{Error: err.Error()})
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, tokens)
}
