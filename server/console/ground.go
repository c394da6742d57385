package console

import (
	"slices"
	"strings"

	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// maxConsidered bounds how many grants a decision lists.
const maxConsidered = 100

// decided notes a decision with what it rests on.
func (t *Trace) decided(tx *store.Tx, c *call, need kinds.Need, held bool) {
	if t == nil {
		return
	}
	decision := Decision{Need: needText(need), Held: held}
	if held {
		decision.By = c.grounds(need)
	}
	decision.Considered = c.considered(need)
	for _, one := range grantNeeds(need) {
		decision.Grantors = append(decision.Grantors, rbac.WhoGrants(one, c.everybody(tx))...)
	}
	t.Decisions = append(t.Decisions, decision)
}

// considered are the caller's grants of which a need speaks; an admin's do not
// count.
func (c *call) considered(need kinds.Need) []Considered {
	if c.who.Admin() {
		return nil
	}
	var list []Considered
	for _, grant := range c.who.Subject().Grants() {
		if len(list) < maxConsidered && speaksOf(need, grant.Resource) {
			list = append(list, Considered{Grant: grant, Lacks: lacks(need, grant)})
		}
	}
	return list
}

// grounds are what a need that is held rests on, in the order in which may asks.
func (c *call) grounds(need kinds.Need) []Ground {
	subject, access := c.who.Subject(), c.who.access
	grant := func(need rbac.Need) []Ground {
		if by := subject.Decide(need).By; by != nil {
			return []Ground{{Grant: by}}
		}
		return nil
	}
	first := func(fits func(rbac.Grant) bool) []Ground {
		for _, one := range subject.Grants() {
			if fits(one) {
				return []Ground{{Grant: &one}}
			}
		}
		return nil
	}
	text := func(text string) []Ground { return []Ground{{Text: text}} }
	switch {
	case access.admin:
		if source := subject.Admin(); source != nil {
			return text(source.String())
		}
		return text("admin")
	case need.Anyone:
		return text("every known caller may")
	case len(need.Grant.AnyOf) > 0 && !need.Below && subject.Allows(need.Grant):
		return grant(need.Grant)
	case need.Cluster != "" && subject.AnyIn(need.Cluster):
		return first(func(one rbac.Grant) bool { return one.Cluster == need.Cluster || one.Cluster == "*" })
	case c.who.Sort == SortInstanceKey && c.holds(c.who, kinds.Need{Instance: need.Instance, Application: need.Application}):
		return text("the key is of the application instance " + c.who.Instance)
	case need.Application != "" && slices.Contains(access.owned, need.Application):
		return text("a group of the caller owns the application " + need.Application)
	case need.InstancePermission != "" && subject.Allows(instanceNeed(need)):
		return grant(instanceNeed(need))
	case need.Below && c.holdsBelow(need.Grant):
		return first(func(one rbac.Grant) bool {
			return one.Covers(need.Grant) && (one.Pattern == rbac.Prefixed || one.Name == "*")
		})
	case len(need.Somewhere.AnyOf) > 0 && c.holdsSomewhere(need.Somewhere):
		return first(func(one rbac.Grant) bool { return lacks(need, one) == "" })
	case need.User != "" && strings.EqualFold(need.User, c.who.Email):
		return text("it belongs to the caller")
	case need.Group != "" && slices.Contains(c.who.Groups(), need.Group):
		return text("the caller is in the group " + need.Group)
	}
	for _, one := range need.Or {
		if c.may(one) {
			return c.grounds(one)
		}
	}
	var all []Ground
	for _, one := range need.All {
		all = append(all, c.grounds(one)...)
	}
	return all
}

// grantNeeds are the permissions of which a need speaks.
func grantNeeds(need kinds.Need) []rbac.Need {
	var list []rbac.Need
	if len(need.Grant.AnyOf) > 0 {
		list = append(list, need.Grant)
	}
	if need.InstancePermission != "" {
		list = append(list, instanceNeed(need))
	}
	for _, one := range slices.Concat(need.Or, need.All) {
		list = append(list, grantNeeds(one)...)
	}
	return list
}

func speaksOf(need kinds.Need, resource rbac.ResourceType) bool {
	about := func(one rbac.Need) bool { return one.Resource == resource }
	return slices.ContainsFunc(grantNeeds(need), about) || len(need.Somewhere.AnyOf) > 0 && about(need.Somewhere)
}

// lacks says why a grant does not suffice for a need; "" where it does for one
// of its parts.
func lacks(need kinds.Need, grant rbac.Grant) string {
	why := ""
	for _, one := range grantNeeds(need) {
		if why = grant.Lacks(one); why == "" {
			return ""
		}
	}
	if some := need.Somewhere; len(some.AnyOf) > 0 && grant.Resource == some.Resource {
		// On which name does not count: ask about one that the grant covers.
		some.Name = grant.Name
		if some.Cluster == "" {
			some.Cluster = grant.Cluster
		}
		if some.Connect == "" {
			some.Connect = grant.Connect
		}
		why = grant.Lacks(some)
	}
	return why
}

// needText is a need in words.
func needText(need kinds.Need) string {
	var ways []string
	if need.Anyone {
		ways = append(ways, "any known caller")
	}
	if len(need.Grant.AnyOf) > 0 {
		what := need.Grant.String()
		if need.Below {
			what += " and every name that begins with it"
		}
		ways = append(ways, what)
	}
	if need.Cluster != "" {
		ways = append(ways, "any permission on cluster "+need.Cluster)
	}
	if len(need.Somewhere.AnyOf) > 0 {
		some := need.Somewhere
		some.Name = "(any)"
		ways = append(ways, some.String())
	}
	if need.Application != "" {
		ways = append(ways, "ownership of application "+need.Application)
	}
	if need.InstancePermission != "" {
		ways = append(ways, instanceNeed(need).String())
	}
	if need.User != "" {
		ways = append(ways, "to be "+need.User)
	}
	if need.Group != "" {
		ways = append(ways, "membership of group "+need.Group)
	}
	for _, one := range need.Or {
		ways = append(ways, needText(one))
	}
	if len(need.All) > 0 {
		var all []string
		for _, one := range need.All {
			all = append(all, needText(one))
		}
		ways = append(ways, strings.Join(all, " and "))
	}
	if len(ways) == 0 {
		return "admin"
	}
	return strings.Join(ways, ", or ")
}
