package console

import (
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// listKind answers all resources of a kind that the caller may see, as one array.
func (c *call) listKind(kind *openapi.Kind) error {
	if err := c.checkQuery(http.MethodGet, kind.ListPath); err != nil {
		return err
	}
	key, err := c.ownedKey(kind, false)
	if err != nil {
		return err
	}
	tx := c.World.View()
	if err := c.Engine.CheckParents(tx, kind, key.Parents); err != nil {
		return err
	}
	rule := c.Engine.Rule(kind)
	if err := c.mayUse(rule, kind); err != nil {
		return err
	}
	keep, view := c.filters(tx, kind, rule), c.view(tx)
	view.Query = c.QueryParam
	space := c.space()
	defer c.free(space)
	body := append(*space, '[')
	for resource := range c.ordered(tx, kind, rule, key.Parents) {
		if !keep(resource) {
			continue
		}
		if len(body) > 1 {
			body = append(body, ',')
		}
		if rule.Present == nil {
			body = append(body, resource.JSON...)
			continue
		}
		shown, err := c.Engine.Present(kind, view, resource)
		if err != nil {
			return err
		}
		body = append(body, shown...)
	}
	body = append(body, ']')
	*space = body
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, body)
}

// view is what readings of this call depend on.
func (c *call) view(tx *store.Tx) kinds.View {
	return kinds.View{Tx: tx, Now: c.World.Clock.Now(), Query: func(string) string { return "" },
		May: func(need kinds.Need) bool { return c.may(need) }}
}

// ordered is visible, with what every world has, in the kind's own order.
func (c *call) ordered(tx *store.Tx, kind *openapi.Kind, rule *kinds.Rule, parents []string) iter.Seq[*store.Resource] {
	if rule.Order == nil {
		return c.visible(tx, kind, rule, parents)
	}
	list := slices.Collect(c.visible(tx, kind, rule, parents))
	for _, fixed := range rule.Fixed {
		if c.may(c.readNeed(tx, kind, rule, fixed)) {
			list = append(list, fixed)
		}
	}
	order := rule.Order
	if c.QueryParam("descSort") == "true" {
		order = func(a, b *store.Resource) int { return rule.Order(b, a) }
	}
	slices.SortStableFunc(list, order)
	return slices.Values(list)
}

// visible walks the resources of a collection that the caller may see, in name
// order. Where grants speak of names, it walks only what is granted.
func (c *call) visible(tx *store.Tx, kind *openapi.Kind, rule *kinds.Rule, parents []string) iter.Seq[*store.Resource] {
	if c.trace != nil {
		return c.trace.listing(tx, c, kind, rule, parents)
	}
	return c.granted(tx, kind, rule, parents)
}

func (c *call) granted(tx *store.Tx, kind *openapi.Kind, rule *kinds.Rule, parents []string) iter.Seq[*store.Resource] {
	all := tx.Resources(kind.Name, kind.Version, parents, "")
	if c.who.Admin() {
		return all
	}
	if rule.Access.Spans != nil {
		return c.spans(tx, kind, rule, parents)
	}
	return func(yield func(*store.Resource) bool) {
		for resource := range all {
			if !c.may(c.readNeed(tx, kind, rule, resource)) {
				continue
			}
			if !yield(resource) {
				return
			}
		}
	}
}

func (c *call) readNeed(tx *store.Tx, kind *openapi.Kind, rule *kinds.Rule, resource *store.Resource) kinds.Need {
	if rule.Access.Read == nil {
		return kinds.Need{}
	}
	return rule.Access.Read(kinds.Ask{Tx: tx, Kind: kind, Key: kinds.Key{Parents: resource.Parents, Name: resource.Name}, Old: resource})
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
func (c *call) filters(tx *store.Tx, kind *openapi.Kind, rule *kinds.Rule) func(*store.Resource) bool {
	type condition struct {
		matches func(*store.Tx, *store.Resource, string) bool
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
		return !slices.ContainsFunc(conditions, func(one condition) bool { return !one.matches(tx, resource, one.value) })
	}
}

// mayUse refuses an application-instance key on a kind it is not for, and paid
// kinds on the free plan.
func (c *call) mayUse(rule *kinds.Rule, kind *openapi.Kind) error {
	if kind.Licensed && c.Settings.Plan == PlanFree {
		return &kinds.Error{Code: kinds.Forbidden, Message: "The kind " + kind.Name + " is not part of the free plan",
			Reason: fmt.Sprintf("the platform licence is %s; with %s the kind %s can be used (--plan)", PlanFree, PlanEnterprise, kind.Name)}
	}
	if c.who.Sort != SortInstanceKey || rule.Access.InstanceKey {
		return nil
	}
	return &kinds.Error{Code: kinds.Forbidden, Message: "Missing permission: admin",
		Reason: fmt.Sprintf("%s is for what the application instance %s owns; it may not use the kind %s", c.who, c.who.Instance, kind.Name)}
}

func (c *call) getKind(kind *openapi.Kind) error {
	if err := c.checkQuery(http.MethodGet, kind.ItemPath); err != nil {
		return err
	}
	key, err := c.ownedKey(kind, true)
	if err != nil {
		return err
	}
	tx := c.World.View()
	if err := c.Engine.CheckParents(tx, kind, key.Parents); err != nil {
		return err
	}
	rule := c.Engine.Rule(kind)
	if err := c.mayUse(rule, kind); err != nil {
		return err
	}
	if key, err = c.findOwner(tx, kind, rule, key); err != nil {
		return err
	}
	resource, err := c.Engine.Find(tx, kind, key)
	var refused *kinds.Error
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	need := kinds.Need{}
	if rule.Access.Read != nil {
		need = rule.Access.Read(kinds.Ask{Tx: tx, Kind: kind, Key: key, Old: resource})
	}
	if refused != nil && need.Cluster != "" {
		return refused // everything below an unknown cluster is a 404 too
	}
	// Permission before existence: a refused caller learns nothing of what there is.
	if err := c.permit(tx, need); err != nil {
		return err
	}
	if refused != nil {
		return refused
	}
	shown, err := c.Engine.Present(kind, c.view(tx), resource)
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, shown)
}

// ownedKey is the key that the path and, for a kind with owners, the query name;
// without an owner in the query the key has none.
func (c *call) ownedKey(kind *openapi.Kind, named bool) (kinds.Key, error) {
	key, err := c.key(kind, named)
	if err != nil || len(kind.Owner) == 0 {
		return key, err
	}
	var names []string
	for _, param := range kind.Owner {
		names = append(names, param.Name)
		if value := c.QueryParam(param.Name); value != "" {
			key.Parents = append(key.Parents, kinds.OwnerKey(param.Name, value))
		}
	}
	if len(key.Parents) > 1 {
		return key, &kinds.Error{Code: kinds.Invalid, Field: names[0],
			Message: "Invalid value for: query parameter (expected at most one of " + strings.Join(names, ", ") + ")"}
	}
	return key, nil
}

// findOwner completes a key that names no owner: with that of the only resource
// of the name that the caller may see.
func (c *call) findOwner(tx *store.Tx, kind *openapi.Kind, rule *kinds.Rule, key kinds.Key) (kinds.Key, error) {
	if len(kind.Owner) == 0 || len(key.Parents) > 0 {
		return key, nil
	}
	for resource := range c.granted(tx, kind, rule, nil) {
		if resource.Name != key.Name {
			continue
		}
		if len(key.Parents) > 0 {
			return key, &kinds.Error{Code: kinds.Invalid, Message: fmt.Sprintf(
				"Several owners have the %s %s: name one of them in the query, such as ?%s=…", kind.Kebab, key.Name, kind.Owner[0].Name)}
		}
		key.Parents = resource.Parents
	}
	if len(key.Parents) == 0 {
		_, err := c.Engine.Find(tx, kind, kinds.Key{Parents: []string{""}, Name: key.Name})
		return key, err
	}
	return key, nil
}

// may says whether the caller holds what something needs.
func (c *call) may(need kinds.Need) bool {
	plain := need
	if need.Below {
		plain.Grant = rbac.Need{}
	}
	switch {
	case c.holds(c.who, plain), need.Below && c.holdsBelow(need.Grant),
		len(need.Somewhere.AnyOf) > 0 && c.holdsSomewhere(need.Somewhere),
		need.User != "" && strings.EqualFold(need.User, c.who.Email),
		need.Group != "" && slices.Contains(c.who.Groups(), need.Group):
		return true
	}
	missing := func(one kinds.Need) bool { return !c.may(one) }
	return slices.ContainsFunc(need.Or, c.may) || len(need.All) > 0 && !slices.ContainsFunc(need.All, missing)
}

// holdsBelow asks for a permission on every name that begins with need.Name.
func (c *call) holdsBelow(need rbac.Need) bool {
	spans := c.who.Subject().Spans(need.Resource, need.Cluster, need.Connect, need.AnyOf...)
	return spans.All || slices.ContainsFunc(spans.Prefixes, func(prefix string) bool { return strings.HasPrefix(need.Name, prefix) })
}

func (c *call) holdsSomewhere(need rbac.Need) bool {
	subject := c.who.Subject()
	if need.Connect == "" {
		return subject.CanAny(need.Resource, need.Cluster, need.AnyOf...)
	}
	return !subject.Spans(need.Resource, need.Cluster, need.Connect, need.AnyOf...).Empty()
}

// permit is the Console's 403 when the caller does not hold what a call needs;
// of several things it names the first that is missing.
func (c *call) permit(tx *store.Tx, need kinds.Need) error {
	held := c.may(need)
	c.trace.decided(tx, c, need, held)
	if held {
		if c.Hooks.Permitted != nil {
			c.Hooks.Permitted(c.Context, c.who, need)
		}
		return nil
	}
	return c.refusal(tx, need)
}

func (c *call) refusal(tx *store.Tx, need kinds.Need) error {
	for _, one := range need.All {
		if !c.may(one) {
			return c.refusal(tx, one)
		}
	}
	what, reason := "", ""
	switch {
	case len(need.Grant.AnyOf) > 0, need.Cluster != "", need.Application != "", need.Instance != "":
		return c.forbidden(tx, c.who, need)
	case need.Group != "":
		what, reason = "membership of group "+need.Group, fmt.Sprintf("%s is not in the group %s", c.who, need.Group)
	case need.User != "":
		what, reason = "to be "+need.User, fmt.Sprintf("%s is not %s, to whom this belongs", c.who, need.User)
	case len(need.Somewhere.AnyOf) > 0:
		some := need.Somewhere
		some.Name = "*"
		what, reason = some.String(), fmt.Sprintf("%s holds it on no %s at all", c.who, some.Resource)
	case len(need.Or) > 0:
		return c.refusal(tx, need.Or[0])
	default:
		return c.forbidden(tx, c.who, need)
	}
	if c.who.Email != "" {
		reason += "; " + membership(c.who)
	}
	return &kinds.Error{Code: kinds.Forbidden, Message: "Missing permission: " + what, Reason: reason}
}

// errDry undoes the transaction of a dry run.
var errDry = errors.New("dry run")

func (c *call) applyKind(kind *openapi.Kind) error {
	if err := c.checkQuery(http.MethodPut, kind.ListPath); err != nil {
		return err
	}
	shown, outcome, err := c.upsert(kind, false, c.QueryParam("dryMode") == "true")
	if err != nil {
		return err
	}
	return c.result(shown, "upsertResult", string(outcome))
}

func (c *call) createKind(kind *openapi.Kind) error {
	if err := c.checkQuery(http.MethodPost, kind.ListPath); err != nil {
		return err
	}
	shown, outcome, err := c.upsert(kind, true, false)
	if err != nil {
		return err
	}
	return c.result(shown, "createResult", string(outcome))
}

// result joins the bytes of a resource, so that it is never encoded twice.
func (c *call) result(resource []byte, field, outcome string) error {
	body := make([]byte, 0, len(resource)+64)
	body = append(body, `{"resource":`...)
	body = append(body, resource...)
	body = append(body, `,"`+field+`":"`+outcome+`"}`...)
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, body)
}

func (c *call) upsert(kind *openapi.Kind, createOnly, dry bool) ([]byte, kinds.Outcome, error) {
	path, err := c.ownedKey(kind, false)
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
	if len(kind.Owner) > 0 && len(path.Parents) > 0 && sent.Parents[0] != path.Parents[0] {
		return nil, "", &kinds.Error{Code: kinds.Invalid, Field: "metadata",
			Message: fmt.Sprintf("Invalid value for: body (the owner %q differs from %q in the query at 'metadata')", sent.Parents[0], path.Parents[0])}
	}
	var shown []byte
	var outcome kinds.Outcome
	err = c.World.Update(func(tx *store.Tx) error {
		if err := c.mayUse(c.Engine.Rule(kind), kind); err != nil {
			return err
		}
		resource, what, err := c.Engine.Apply(tx, kinds.Request{
			Kind: kind, Object: object, CreateOnly: createOnly, By: c.by(),
			Allow: func(need kinds.Need) error { return c.permit(tx, need) },
		})
		if err != nil {
			return err
		}
		outcome = what
		view := c.view(tx)
		view.Now = tx.Now()
		if shown, err = c.Engine.Present(kind, view, resource); err != nil {
			return err
		}
		if dry {
			return errDry
		}
		return nil
	})
	if errors.Is(err, errDry) {
		err = nil
	}
	return shown, outcome, err
}

// by is how resources name the caller.
func (c *call) by() kinds.By {
	if c.who.Key != nil {
		return kinds.By{Name: c.who.Key.Label, Instance: c.who.Instance}
	}
	return kinds.By{Name: c.who.Email}
}

func (c *call) deleteKind(kind *openapi.Kind) error {
	if err := c.checkQuery(http.MethodDelete, kind.ItemPath); err != nil {
		return err
	}
	key, err := c.ownedKey(kind, true)
	if err != nil {
		return err
	}
	err = c.World.Update(func(tx *store.Tx) error {
		rule := c.Engine.Rule(kind)
		if err := c.mayUse(rule, kind); err != nil {
			return err
		}
		var err error
		if key, err = c.findOwner(tx, kind, rule, key); err != nil {
			return err
		}
		return c.Engine.Delete(tx, kind, key, func(need kinds.Need) error { return c.permit(tx, need) })
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusOK)
}
