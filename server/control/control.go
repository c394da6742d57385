// Package control is the API under /_mock with which tests and demos set the
// scene. The emulated products have nothing like it; openapi/mock describes it.
package control

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server/explain"
	"github.com/mockduktor/mockduktor/server/journal"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/limits"
	"github.com/mockduktor/mockduktor/server/state"
	"github.com/mockduktor/mockduktor/server/store"
)

// Control acts on one world: the main one or that of a sandbox.
type Control struct {
	World  *store.World
	Prefix string // path before everything: /s/{id} in a sandbox, or ""
	Engine *kinds.Engine
	// Provider finds an identity provider by name, the built-in one by "".
	Provider func(name string) *idp.Provider
	Settings Settings
	Limits   limits.Limits
	// HandlerTime bounds how long an explanation may take.
	HandlerTime time.Duration
	CA          []byte // development CA in PEM; nil where there is none
	// Guard refuses who may not use this API, with a *kinds.Error.
	Guard func(*http.Request) error

	// Update changes the world in one transaction. Keys that could not sign are
	// refused; keys that can are in force afterwards.
	Update func(change func(tx *store.Tx) error) error
	// Sync puts the signing keys of the world in force after another state took
	// its place.
	Sync func() error
	// Apply puts documents into the world, all or none; faults are seed.Faults.
	Apply func(documents []*seed.Document) error
	// Replace makes documents the whole world and its seed.
	Replace func(documents []*seed.Document) error
	// Sources are those of the server's world; nil in a sandbox, which has none.
	Sources *Sources
	// State keeps the server's world in a file; nil where none is kept.
	State *state.Keeper
	// Stage is a copy of the site on which requests are tried.
	Stage func() (*explain.Stage, error)
	// Export returns every resource as a seed has it.
	Export  func() []map[string]any
	Journal *journal.Journal
	// Open is a context that ends with the world: when its server does, or its
	// sandbox expires.
	Open func(context.Context) (context.Context, context.CancelFunc)
	// Called is told of each call; path is as the document writes it.
	Called func(c echo.Context, path string)
	// Sandboxes are those of the server; nil in a sandbox, which has none.
	Sandboxes *Sandboxes
}

// call is one request of an operation.
type call struct {
	*Control
	echo.Context
	method, path string // as the document writes them
}

// handler answers a call; what it returns as an error becomes the error body.
type handler func(c *call) error

// adder registers the handler of an operation; path is as the document writes it.
type adder func(method, path string, handle handler)

// Register adds the routes below /_mock; resolve finds the world that a request
// is for.
func Register(e *echo.Echo, resolve func(echo.Context) *Control) {
	add := func(method, path string, handle handler) {
		route := strings.ReplaceAll(strings.ReplaceAll(path, "{", ":"), "}", "")
		e.Add(method, route, func(c echo.Context) error {
			called := &call{Control: resolve(c), Context: c, method: method, path: path}
			called.Called(c, path)
			err := called.guard()
			if err == nil {
				err = handle(called)
			}
			if err != nil {
				return fail(c, err)
			}
			return nil
		})
	}
	for _, kind := range openapi.Mock().Kinds() {
		registerKind(add, kind)
	}
	registerState(add)
	registerKept(add)
	registerResources(add)
	registerClock(add)
	registerSandboxes(add)
	registerTokens(add)
	registerKeys(add)
	registerExplain(add)
	registerSimulation(add)
	registerJournal(add)
	registerFaults(add)
	registerSettings(add)
	registerDocs(add)
	registerPage(e, resolve)
}

// param returns a path parameter, unescaped.
func (c *call) param(name string) (string, error) {
	raw := c.Param(name)
	if c.Request().URL.RawPath == "" {
		return raw, nil
	}
	value, err := url.PathUnescape(raw)
	if err != nil {
		return "", invalid(name, "expected text in URL encoding, got %q", raw)
	}
	return value, nil
}

// crossOrigin tells changes that a page of another site asks for: this API wants
// no credentials, so such a page must not reach it through somebody's browser.
var crossOrigin = http.NewCrossOriginProtection()

// public are the operations that everybody may call: they tell what a client has
// to know of the server anyhow.
var public = map[string]bool{
	"/_mock/settings": true, "/_mock/ca.pem": true, "/_mock/openapi.yaml": true, "/_mock/openapi.json": true,
}

// guard refuses a request before anything is done.
func (c *call) guard() error {
	if !public[c.path] {
		if err := c.Guard(c.Request()); err != nil {
			return err
		}
	}
	if err := crossOrigin.Check(c.Request()); err != nil {
		return &kinds.Error{Code: kinds.Forbidden, Message: "A page of another origin sent this (" + err.Error() + "): call /_mock from a program, or from a page of this server"}
	}
	if c.Request().URL.RawQuery == "" {
		return nil
	}
	return refused("query", openapi.Mock().ValidateQuery(c.method, c.path, c.QueryParams()))
}
