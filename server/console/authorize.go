package console

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// allow answers whether a principal has what a call needs; nil is yes, anything
// else the Console's 403 with the whole reason.
func (c *call) allow(tx *store.Tx, need kinds.Need) error {
	held := c.holds(c.who, need)
	c.trace.decided(tx, c, need, held)
	if held {
		return nil
	}
	return c.forbidden(tx, c.who, need)
}

func (s *Console) holds(who *Principal, need kinds.Need) bool {
	switch {
	case who.access.admin, need.Anyone:
		return true
	case len(need.Grant.AnyOf) > 0 && who.access.subject.Allows(need.Grant):
		return true
	case need.Cluster != "" && who.access.subject.AnyIn(need.Cluster):
		return true
	case who.Sort == SortInstanceKey:
		return need.Instance == who.Instance && who.Instance != "" || need.Instance == "" && need.Application != "" && need.Application == who.application
	case need.Application != "" && slices.Contains(who.access.owned, need.Application):
		return true
	case need.InstancePermission != "" && who.access.subject.Allows(instanceNeed(need)):
		return true
	}
	return false
}

func instanceNeed(need kinds.Need) rbac.Need {
	return rbac.Need{Resource: rbac.ResourceApplicationInstance, Name: need.Instance, AnyOf: []rbac.Permission{need.InstancePermission}}
}

// forbidden is the 403 for a need that is not held.
func (s *Console) forbidden(tx *store.Tx, who *Principal, need kinds.Need) error {
	refused := &kinds.Error{Code: kinds.Forbidden}
	switch {
	case len(need.Grant.AnyOf) > 0:
		refused.Message = "Missing permission: " + need.Grant.String()
		refused.Reason = who.String() + " " + who.access.subject.Decide(need.Grant).Reason + "; " +
			rbac.Remedy(need.Grant, rbac.WhoGrants(need.Grant, s.everybody(tx)))
	case need.Cluster != "":
		refused.Message = fmt.Sprintf("Missing permission: any on cluster %s", need.Cluster)
		refused.Reason = fmt.Sprintf("%s holds no permission on anything in cluster %s", who, need.Cluster)
	case need.InstancePermission != "":
		refused.Message = "Missing permission: " + instanceNeed(need).String()
		refused.Reason = fmt.Sprintf("%s is neither in the group that owns application %s nor holds %s on the application instance %s",
			who, need.Application, need.InstancePermission, need.Instance)
	case need.Application != "":
		refused.Message = fmt.Sprintf("Missing permission: ownership of application %s", need.Application)
		refused.Reason = fmt.Sprintf("%s is not in the group that owns application %s", who, need.Application)
	default:
		refused.Message = "Missing permission: admin"
		refused.Reason = fmt.Sprintf("%s is no admin: this takes an admin API key or a member of the group %s", who, kinds.AdminGroup)
	}
	if who.Sort == SortInstanceKey {
		refused.Reason += fmt.Sprintf("; the key may only touch what the application instance %s owns", who.Instance)
	} else if who.Email != "" {
		refused.Reason += "; " + membership(who)
	}
	return refused
}

func membership(who *Principal) string {
	groups := who.Groups()
	switch {
	case len(groups) > 0 && who.noGroups == "":
		return "the user is in " + strings.Join(groups, ", ")
	case len(groups) > 0:
		return "the user is in " + strings.Join(groups, ", ") + "; " + who.noGroups
	case who.noGroups != "":
		return "the user is in no Console group; " + who.noGroups
	}
	return "the user is in no Console group (does the token's groups claim hold the external groups?)"
}
