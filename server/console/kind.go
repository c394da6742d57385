package console

import (
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// listKind answers all resources of a kind that the caller may see, as one array.
func (c *call) listKind(kind *openapi.Kind) error {
	if err := c.checkQuery(http.MethodGet, kind.ListPath); err != nil {
		return err
	}
	key, err := c.key(kind, false)
	if err != nil {
		return err
	}
	tx := c.World.View()
	if err := c.Engine.CheckParents(tx, kind, key.Parents); err != nil {
		return err
	}
	rule := c.Engine.Rule(kind)
	if err := c.instanceKeyMay(tx, rule, kind); err != nil {
		return err
	}
	keep := c.filters(kind, rule)
	body := make([]byte, 0, 4096)
	body = append(body, '[')
	for resource := range c.visible(tx, kind, rule, key.Parents) {
		if !keep(resource) {
			continue
		}
		if len(body) > 1 {
			body = append(body, ',')
		}
		body = append(body, resource.JSON...)
	}
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, append(body, ']'))
}

// visible walks the resources of a collection that the caller may see, in name
// order. Where grants speak of names, it walks only what is granted.
func (c *call) visible(tx *store.Tx, kind *openapi.Kind, rule *kinds.Rule, parents []string) iter.Seq[*store.Resource] {
	all := tx.Resources(kind.Name, kind.Version, parents, "")
	if c.who.Admin() {
		return all
	}
	if rule.Access.Spans != nil {
		return c.spans(tx, kind, rule, parents)
	}
	return func(yield func(*store.Resource) bool) {
		for resource := range all {
			if !c.holds(c.who, readNeed(rule, resource)) {
				continue
			}
			if !yield(resource) {
				return
			}
		}
	}
}

func readNeed(rule *kinds.Rule, resource *store.Resource) kinds.Need {
	if rule.Access.Read == nil {
		return kinds.Need{}
	}
	return rule.Access.Read(kinds.Key{Parents: resource.Parents, Name: resource.Name}, nil)
}

func (c *call) spans(tx *store.Tx, kind *openapi.Kind, rule *kinds.Rule, parents []string) iter.Seq[*store.Resource] {
	need := rule.Access.Spans(parents)
	spans := c.who.Subject().Spans(need.Resource, need.Cluster, need.Connect, need.AnyOf...)
	if spans.All {
		return tx.Resources(kind.Name, kind.Version, parents, "")
	}
	return func(yield func(*store.Resource) bool) {
		literals := spans.Literals
		literal := func(below string) bool {
			for len(literals) > 0 && (below == "" || literals[0] < below) {
				name := literals[0]
				literals = literals[1:]
				resource, err := tx.Resource(kind.Name, kind.Version, parents, name)
				if err == nil && !yield(resource) {
					return false
				}
			}
			return true
		}
		for _, prefix := range spans.Prefixes {
			if !literal(prefix) {
				return
			}
			for resource := range tx.Resources(kind.Name, kind.Version, parents, prefix) {
				if !yield(resource) {
					return
				}
			}
		}
		literal("")
	}
}

// filters joins the list's query parameters into one condition.
func (c *call) filters(kind *openapi.Kind, rule *kinds.Rule) func(*store.Resource) bool {
	type condition struct {
		matches func(*store.Resource, string) bool
		value   string
	}
	var conditions []condition
	for _, filter := range kind.Filters {
		matches, known := rule.Filters[filter.Name]
		if value := c.QueryParam(filter.Name); known && value != "" {
			conditions = append(conditions, condition{matches, value})
		}
	}
	return func(resource *store.Resource) bool {
		return !slices.ContainsFunc(conditions, func(one condition) bool { return !one.matches(resource, one.value) })
	}
}

// instanceKeyMay refuses an application-instance key on a kind it is not for.
func (c *call) instanceKeyMay(tx *store.Tx, rule *kinds.Rule, kind *openapi.Kind) error {
	if c.who.Sort != SortInstanceKey || rule.Access.InstanceKey {
		return nil
	}
	return &kinds.Error{Code: kinds.Forbidden, Message: "Missing permission: admin",
		Reason: fmt.Sprintf("%s is for what the application instance %s owns; it may not use the kind %s", c.who, c.who.Instance, kind.Name)}
}

func (c *call) getKind(kind *openapi.Kind) error {
	key, err := c.key(kind, true)
	if err != nil {
		return err
	}
	tx := c.World.View()
	if err := c.Engine.CheckParents(tx, kind, key.Parents); err != nil {
		return err
	}
	rule := c.Engine.Rule(kind)
	if err := c.instanceKeyMay(tx, rule, kind); err != nil {
		return err
	}
	resource, err := c.Engine.Find(tx, kind, key)
	var refused *kinds.Error
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	need := kinds.Need{}
	if rule.Access.Read != nil {
		need = rule.Access.Read(key, nil)
	}
	if refused != nil && need.Cluster != "" {
		return refused // everything below an unknown cluster is a 404 too
	}
	// Permission before existence: a refused caller learns nothing of what there is.
	if err := c.allow(tx, c.who, need); err != nil {
		return err
	}
	if refused != nil {
		return refused
	}
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, resource.JSON)
}

// errDry undoes the transaction of a dry run.
var errDry = errors.New("dry run")

func (c *call) applyKind(kind *openapi.Kind) error {
	if err := c.checkQuery(http.MethodPut, kind.ListPath); err != nil {
		return err
	}
	dry := c.QueryParam("dryMode") == "true"
	resource, outcome, err := c.upsert(kind, false, dry)
	if err != nil {
		return err
	}
	return c.result(resource, "upsertResult", string(outcome))
}

func (c *call) createKind(kind *openapi.Kind) error {
	resource, outcome, err := c.upsert(kind, true, false)
	if err != nil {
		return err
	}
	return c.result(resource, "createResult", string(outcome))
}

// result joins kept bytes, so that a resource is never encoded twice.
func (c *call) result(resource *store.Resource, field, outcome string) error {
	body := make([]byte, 0, len(resource.JSON)+64)
	body = append(body, `{"resource":`...)
	body = append(body, resource.JSON...)
	body = append(body, `,"`+field+`":"`+outcome+`"}`...)
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, body)
}

func (c *call) upsert(kind *openapi.Kind, createOnly, dry bool) (*store.Resource, kinds.Outcome, error) {
	path, err := c.key(kind, false)
	if err != nil {
		return nil, "", err
	}
	object, err := c.body()
	if err != nil {
		return nil, "", err
	}
	if err := c.Engine.Validate(kind, object); err != nil {
		return nil, "", err
	}
	sent, err := kinds.KeyOf(kind, object)
	if err != nil {
		return nil, "", err
	}
	for i, parent := range kind.Parents {
		if sent.Parents[i] != path.Parents[i] {
			return nil, "", &kinds.Error{Code: kinds.Invalid, Field: "metadata." + parent,
				Message: fmt.Sprintf("Invalid value for: body (%q differs from %q in the path at 'metadata.%s')", sent.Parents[i], path.Parents[i], parent)}
		}
	}
	var resource *store.Resource
	var outcome kinds.Outcome
	err = c.World.Update(func(tx *store.Tx) error {
		if err := c.instanceKeyMay(tx, c.Engine.Rule(kind), kind); err != nil {
			return err
		}
		var err error
		resource, outcome, err = c.Engine.Apply(tx, kinds.Request{
			Kind: kind, Object: object, CreateOnly: createOnly,
			Allow: func(need kinds.Need) error { return c.allow(tx, c.who, need) },
		})
		if err == nil && dry {
			return errDry
		}
		return err
	})
	if errors.Is(err, errDry) {
		err = nil
	}
	return resource, outcome, err
}

func (c *call) deleteKind(kind *openapi.Kind) error {
	key, err := c.key(kind, true)
	if err != nil {
		return err
	}
	err = c.World.Update(func(tx *store.Tx) error {
		if err := c.instanceKeyMay(tx, c.Engine.Rule(kind), kind); err != nil {
			return err
		}
		return c.Engine.Delete(tx, kind, key, func(need kinds.Need) error { return c.allow(tx, c.who, need) })
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusOK)
}
