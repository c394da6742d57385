package console

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// Resolve finds the Console that a request is for: one server holds many.
type Resolve func(c echo.Context) *Console

// call is one authenticated request on its way through.
type call struct {
	*Console
	echo.Context
	operation
	who   *Principal
	trace *Trace // nil unless somebody asked why
}

// operation names what is called, as the document writes it: method and path
// with its {parameters}. The zero value is none.
type operation struct{ method, path string }

func (c *call) context() context.Context { return c.Request().Context() }

// handler answers a call; what it returns as an error becomes the Console's
// error body.
type handler func(c *call) error

// router registers operations under the names that the document gives them.
type router struct {
	echo    *echo.Echo
	resolve Resolve
}

// Register adds all routes of the Console, with and without the /api prefix:
// clients use both. docs is where the browsable reference lives, on the host's
// root as in the product.
func Register(e *echo.Echo, document *openapi.Document, resolve Resolve) {
	r := &router{echo: e, resolve: resolve}
	for _, kind := range document.Kinds() {
		r.kind(kind)
	}
	r.secured(http.MethodPost, "/public/v1/clusters/{clusterName}/topics", listTopics)
	r.secured(http.MethodPost, "/public/v1/clusters/{clusterName}/consumergroups", listConsumerGroups)
	r.tokens()
	r.groupsV1()
	r.usersV1()
	r.clustersV1()
	r.certificates()
	r.acls()
	r.confluentAccounts()
	r.aivenAccounts()
	r.interceptors()
	r.ksqlDB()
	r.catalog()
	r.sql()
	r.partnerZones()
	r.autoRestart()
	r.debug()
	r.route(http.MethodPost, "/login", login)
	r.open(http.MethodGet, "/public/docs/docs.yaml", documentYAML)
	r.open(http.MethodGet, "/public/docs/docs.json", documentJSON)
	r.open(http.MethodGet, "/health/live", live)
	r.open(http.MethodGet, "/health/ready", ready)
	r.open(http.MethodGet, "/versions", versions)
	r.secured(http.MethodGet, "/organizations", organizations)
	r.secured(http.MethodGet, "/organizations/{slug}/platform-license", platformLicense)
}

func (r *router) kind(kind *openapi.Kind) {
	r.secured(http.MethodGet, kind.ListPath, func(c *call) error { return c.listKind(kind) })
	r.secured(http.MethodPut, kind.ListPath, func(c *call) error { return c.applyKind(kind) })
	r.secured(http.MethodGet, kind.ItemPath, func(c *call) error { return c.getKind(kind) })
	r.secured(http.MethodDelete, kind.ItemPath, func(c *call) error { return c.deleteKind(kind) })
	if kind.Create {
		r.secured(http.MethodPost, kind.ListPath, func(c *call) error { return c.createKind(kind) })
	}
}

// secured registers an operation that needs a caller.
func (r *router) secured(method, path string, handle handler) {
	r.route(method, path, func(c *call) error {
		who, err := c.Authenticate(c.context(), c.Request().Header)
		if err == nil {
			c.who, c.trace = who, traceOf(c.context())
		}
		// An outage hits also whoever would have been refused.
		if err := c.enter(""); err != nil {
			return err
		}
		if err != nil {
			return err
		}
		return handle(c)
	})
}

// open registers an operation that anybody may call.
func (r *router) open(method, path string, handle handler) {
	r.route(method, path, func(c *call) error {
		if err := c.enter(""); err != nil {
			return err
		}
		return handle(c)
	})
}

// route registers an operation that says itself who calls.
func (r *router) route(method, path string, handle handler) {
	route := strings.ReplaceAll(strings.ReplaceAll(path, "{", ":"), "}", "") // a Replacer costs its tables each time
	serve := func(c echo.Context) error {
		console := r.resolve(c)
		called := operation{method: method, path: path}
		traceOf(c.Request().Context()).operation(called)
		if err := handle(&call{Console: console, Context: c, operation: called}); err != nil {
			return console.fail(c, called, err)
		}
		return nil
	}
	for _, prefix := range []string{"", "/api"} {
		r.echo.Add(method, prefix+route, serve)
	}
}

// Fail writes an error that arose outside of an operation, such as an unknown
// path, in the Console's form.
func (s *Console) Fail(c echo.Context, err error) error { return s.fail(c, operation{}, err) }

// param returns a path parameter, unescaped.
func (c *call) param(name string) (string, error) {
	raw := c.Param(name)
	if c.Request().URL.RawPath == "" {
		return raw, nil
	}
	value, err := url.PathUnescape(raw)
	if err != nil {
		return "", &kinds.Error{Code: kinds.Invalid, Field: name, Message: "Invalid value for: path parameter " + name}
	}
	return value, nil
}

// key reads the parents of a kind and, with named, the name out of the path.
func (c *call) key(kind *openapi.Kind, named bool) (kinds.Key, error) {
	key := kinds.Key{Parents: make([]string, len(kind.Parents))}
	for i, parent := range kind.Parents {
		value, err := c.param(parent)
		if err != nil {
			return key, err
		}
		key.Parents[i] = value
	}
	if !named {
		return key, nil
	}
	name, err := c.param(kind.NameParam)
	if err != nil {
		return key, err
	}
	if problem := store.ValidName(name); problem != "" {
		return key, &kinds.Error{Code: kinds.Invalid, Field: kind.NameParam,
			Message: "Invalid value for: path parameter " + kind.NameParam + " (" + problem + ")"}
	}
	if len(kind.Names) > 0 && !slices.Contains(kind.Names, name) {
		return key, &kinds.Error{Code: kinds.Invalid, Field: kind.NameParam,
			Message: fmt.Sprintf("Invalid value for: path parameter %s (expected one of %s, got %q)", kind.NameParam, strings.Join(kind.Names, ", "), name)}
	}
	key.Name = name
	return key, nil
}

// checkQuery refuses query parameters of the wrong form.
func (c *call) checkQuery(method, path string) error {
	if c.Request().URL.RawQuery == "" {
		return nil
	}
	problems := c.Document.ValidateQuery(method, path, c.QueryParams())
	if len(problems) == 0 {
		return nil
	}
	refused := kinds.FromProblems(problems)
	refused.Message = strings.ReplaceAll(refused.Message, "Invalid value for: body", "Invalid value for: query parameter")
	return refused
}
