package control

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// registerKind serves a kind of our own as the Console serves its kinds.
func registerKind(add adder, kind *openapi.Kind) {
	named := func(c *call) (string, error) { return c.param(kind.NameParam) }
	add(http.MethodGet, kind.ListPath, func(c *call) error { return c.listKind(kind, c.param) })
	add(http.MethodPut, kind.ListPath, func(c *call) error { return c.putKind(kind) })
	add(http.MethodGet, kind.ItemPath, func(c *call) error { return c.getKind(kind, c.param, named) })
	add(http.MethodDelete, kind.ItemPath, func(c *call) error { return c.deleteKind(kind, c.param, named) })
}

// registerResources serves every kind, Conduktor's too, without a token: the
// kind in the path, its version and parents in the query.
func registerResources(add adder) {
	named := func(c *call) (string, error) { return c.param("name") }
	with := func(handle func(c *call, kind *openapi.Kind) error) handler {
		return func(c *call) error {
			name, err := c.param("kind")
			if err != nil {
				return err
			}
			kind, err := c.Engine.Named(name, c.QueryParam("version"))
			if err != nil {
				return err
			}
			return handle(c, kind)
		}
	}
	add(http.MethodGet, "/_mock/resources/{kind}", with(func(c *call, kind *openapi.Kind) error {
		return c.listKind(kind, c.query)
	}))
	add(http.MethodPut, "/_mock/resources/{kind}", with(func(c *call, kind *openapi.Kind) error { return c.putKind(kind) }))
	add(http.MethodGet, "/_mock/resources/{kind}/{name}", with(func(c *call, kind *openapi.Kind) error {
		return c.getKind(kind, c.query, named)
	}))
	add(http.MethodDelete, "/_mock/resources/{kind}/{name}", with(func(c *call, kind *openapi.Kind) error {
		return c.deleteKind(kind, c.query, named)
	}))
}

// query returns a query parameter.
func (c *call) query(name string) (string, error) { return c.QueryParam(name), nil }

// parents reads those of a kind; values gives one by its name. With whole, all
// must be there, else as many as there are.
func (c *call) parents(kind *openapi.Kind, values func(string) (string, error), whole bool) ([]string, error) {
	var parents []string
	for _, field := range kind.Parents {
		value, err := values(field)
		if err != nil {
			return nil, err
		}
		if value == "" {
			if whole {
				return nil, invalid(field, "a %s belongs to something: name it with ?%s=…", kind.Name, strings.Join(kind.Parents, "=…&"))
			}
			return parents, nil
		}
		parents = append(parents, value)
	}
	var owners []string
	for _, param := range kind.Owner {
		owners = append(owners, param.Name)
		if value := c.QueryParam(param.Name); value != "" {
			parents = append(parents, kinds.OwnerKey(param.Name, value))
		}
	}
	if named := len(parents) - len(kind.Parents); named > 1 || whole && len(owners) > 0 && named != 1 {
		return nil, invalid(owners[0], "a %s belongs to somebody: name one of %s", kind.Name, strings.Join(owners, ", "))
	}
	return parents, nil
}

// all sees everything: this API asks for no token.
func (c *call) all(tx *store.Tx) kinds.View {
	return kinds.View{Tx: tx, Now: c.World.Clock.Now(), Query: func(string) string { return "" },
		May: func(kinds.Need) bool { return true }}
}

func (c *call) listKind(kind *openapi.Kind, values func(string) (string, error)) error {
	parents, err := c.parents(kind, values, false)
	if err != nil {
		return err
	}
	tx := c.World.View()
	if len(parents) == len(kind.Parents) {
		if err := c.Engine.CheckParents(tx, kind, parents); err != nil {
			return err
		}
	}
	body := []byte{'['}
	list := slices.Collect(tx.Resources(kind.Name, kind.Version, parents, ""))
	for _, resource := range append(list, c.Engine.Rule(kind).Fixed...) {
		shown, err := c.Engine.Present(kind, c.all(tx), resource)
		if err != nil {
			return err
		}
		if len(body) > 1 {
			body = append(body, ',')
		}
		body = append(body, shown...)
	}
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, append(body, ']'))
}

// key is that of the one resource that a request names.
func (c *call) key(kind *openapi.Kind, values func(string) (string, error), named func(*call) (string, error)) (kinds.Key, error) {
	parents, err := c.parents(kind, values, true)
	if err != nil {
		return kinds.Key{}, err
	}
	name, err := named(c)
	if err != nil {
		return kinds.Key{}, err
	}
	if problem := store.ValidName(name); problem != "" {
		return kinds.Key{}, invalid("name", "%s", problem)
	}
	return kinds.Key{Parents: parents, Name: name}, nil
}

func (c *call) getKind(kind *openapi.Kind, values func(string) (string, error), named func(*call) (string, error)) error {
	key, err := c.key(kind, values, named)
	if err != nil {
		return err
	}
	tx := c.World.View()
	resource, err := c.Engine.Find(tx, kind, key)
	if err != nil {
		return err
	}
	shown, err := c.Engine.Present(kind, c.all(tx), resource)
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, shown)
}

// errDry undoes the transaction of a dry run.
var errDry = errors.New("dry run")

func (c *call) putKind(kind *openapi.Kind) error {
	object, _, err := c.object()
	if err != nil {
		return err
	}
	if err := c.Engine.Validate(kind, object); err != nil {
		return err
	}
	sent, err := kinds.KeyOf(kind, object)
	if err != nil {
		return err
	}
	for i, field := range kind.Parents {
		value, err := c.param(field)
		if err != nil {
			return err
		}
		if strings.Contains(c.path, "{"+field+"}") && value != sent.Parents[i] {
			return invalid("metadata."+field, "%q differs from %q in the path", sent.Parents[i], value)
		}
	}
	var body []byte
	err = c.Update(func(tx *store.Tx) error {
		resource, what, err := c.Engine.Apply(tx, kinds.Request{Kind: kind, Object: object})
		if err != nil {
			return err
		}
		view := c.all(tx)
		view.Now = tx.Now()
		shown, err := c.Engine.Present(kind, view, resource)
		if err != nil {
			return err
		}
		body = append(append([]byte(`{"resource":`), shown...), `,"upsertResult":"`+string(what)+`"}`...)
		if c.QueryParam("dryMode") == "true" {
			return errDry
		}
		return nil
	})
	if err != nil && !errors.Is(err, errDry) {
		return err
	}
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, body)
}

func (c *call) deleteKind(kind *openapi.Kind, values func(string) (string, error), named func(*call) (string, error)) error {
	key, err := c.key(kind, values, named)
	if err != nil {
		return err
	}
	if err := c.Update(func(tx *store.Tx) error { return c.Engine.Delete(tx, kind, key, nil) }); err != nil {
		return err
	}
	return c.NoContent(http.StatusOK)
}
