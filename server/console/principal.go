package console

import (
	"slices"
	"strings"

	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// Sort says which kind of credential a caller showed.
type Sort string

// The sorts of credential.
const (
	SortJWT         Sort = "external JWT"
	SortSession     Sort = "login session"
	SortAdminKey    Sort = "admin API key"
	SortInstanceKey Sort = "application-instance API key"
)

// Principal is a caller whose credential was accepted.
type Principal struct {
	Sort        Sort
	Email       string        // "" for API keys
	Key         *kinds.APIKey // for API keys
	Instance    string        // for application-instance keys
	application string        // of Instance
	access      *access
	noGroups    string // why its token held no groups, where it said so
}

// access is what a principal may do, compiled; shared and immutable.
type access struct {
	version uint64 // of the world's grants, see store.Tx.GrantsVersion
	subject *rbac.Subject
	admin   bool
	groups  []string // Console groups, sorted
	owned   []string // applications owned through a group, sorted
}

// Admin says whether the principal may do everything.
func (p *Principal) Admin() bool { return p.access.admin }

// Subject is what RBAC decides by.
func (p *Principal) Subject() *rbac.Subject { return p.access.subject }

// Groups are the Console groups of a user, sorted.
func (p *Principal) Groups() []string { return p.access.groups }

// Applications are those that a group of the user owns, sorted.
func (p *Principal) Applications() []string { return p.access.owned }

// String names the caller in logs and reasons.
func (p *Principal) String() string {
	if p.Email != "" {
		return p.Email
	}
	return string(p.Sort) + " " + p.Key.Label
}

// accessKey names a principal. Of each only the newest access is kept: those of
// grants that have changed would hold memory until others push them out.
type accessKey struct {
	email    string
	instance string // of an API key
}

var adminKeyAccess = &access{admin: true,
	subject: rbac.NewSubject(&rbac.Source{Kind: rbac.SourceAdmin, Name: "admin API key"}, nil)}

// accessOfUser gathers everything a user has: own permissions, those of all
// groups, of application ownership, application groups and granted instance
// permissions, and what everybody has.
func (s *Console) accessOfUser(tx *store.Tx, email string) *access {
	key := accessKey{email: strings.ToLower(email)}
	return s.accessOf(tx, key, func() *access { return s.gather(tx, key.email) })
}

func (s *Console) accessOf(tx *store.Tx, key accessKey, compute func() *access) *access {
	version := tx.GrantsVersion()
	if known, ok := s.access.Get(key); ok && known.version == version {
		return known
	}
	computed := compute()
	computed.version = version
	s.access.Add(key, computed)
	return computed
}

func (s *Console) gather(tx *store.Tx, email string) *access {
	grants := rbac.Everyone()
	if user, ok := kinds.FindUser(tx, email); ok {
		grants = append(grants, user.Value.(*kinds.User).Grants...)
	}
	a := &access{admin: strings.EqualFold(email, s.Settings.AdminEmail)}
	admin := &rbac.Source{Kind: rbac.SourceAdmin, Name: "root admin " + email}
	for resource := range tx.Referrers(store.Ref("member", email)) {
		switch group := resource.Value.(type) {
		case *kinds.Group:
			a.groups = append(a.groups, group.Name)
			grants = append(grants, group.Grants...)
			if group.Name == kinds.AdminGroup && !a.admin {
				a.admin = true
				admin = &rbac.Source{Kind: rbac.SourceAdmin, Name: "group " + group.Name}
			}
		case *kinds.ApplicationGroup:
			grants = append(grants, applicationGroupGrants(tx, group)...)
		}
	}
	slices.Sort(a.groups)
	for _, group := range a.groups {
		owned, fromOwned := ownedBy(tx, group)
		a.owned = append(a.owned, owned...)
		grants = append(grants, fromOwned...)
	}
	slices.Sort(a.owned)
	if !a.admin {
		admin = nil
	}
	a.subject = rbac.NewSubject(admin, grants)
	return a
}

// ownedBy returns the applications of an owner group, and what owning them gives.
func ownedBy(tx *store.Tx, group string) ([]string, []rbac.Grant) {
	var names []string
	var grants []rbac.Grant
	for resource := range tx.Referrers(store.Ref("owner", group)) {
		application, ok := resource.Value.(*kinds.Application)
		if !ok {
			continue
		}
		names = append(names, application.Name)
		for _, instance := range instancesOf(tx, application.Name) {
			grants = append(grants, rbac.OwnershipGrants(application.Name, group, instance.Instance)...)
			for _, permission := range received(tx, instance.Name) {
				grants = append(grants, rbac.InstancePermissionGrants(permission, group)...)
			}
		}
	}
	return names, grants
}

func instancesOf(tx *store.Tx, application string) []*kinds.ApplicationInstance {
	var instances []*kinds.ApplicationInstance
	for resource := range tx.Referrers(store.Ref("application", application)) {
		if instance, ok := resource.Value.(*kinds.ApplicationInstance); ok {
			instances = append(instances, instance)
		}
	}
	return instances
}

// received returns the permissions granted to an application instance.
func received(tx *store.Tx, instance string) []rbac.InstancePermission {
	var permissions []rbac.InstancePermission
	for resource := range tx.Referrers(store.Ref("granted", instance)) {
		if permission, ok := resource.Value.(*rbac.InstancePermission); ok {
			permissions = append(permissions, *permission)
		}
	}
	return permissions
}

func applicationGroupGrants(tx *store.Tx, group *kinds.ApplicationGroup) []rbac.Grant {
	var instances []rbac.Instance
	var permissions []rbac.InstancePermission
	for _, instance := range instancesOf(tx, group.Application) {
		instances = append(instances, instance.Instance)
		permissions = append(permissions, received(tx, instance.Name)...)
	}
	return rbac.ApplicationGroupGrants(group.ApplicationGroup, instances, permissions)
}

// accessOfInstance is what the API key of an application instance may do.
func (s *Console) accessOfInstance(tx *store.Tx, instance string) *access {
	return s.accessOf(tx, accessKey{instance: instance}, func() *access {
		var grants []rbac.Grant
		if resource, err := tx.Resource("ApplicationInstance", "v1", nil, instance); err == nil {
			grants = rbac.InstanceKeyGrants(resource.Value.(*kinds.ApplicationInstance).Instance)
		}
		return &access{subject: rbac.NewSubject(nil, grants)}
	})
}

// everybody lists all grants of the world, to say who would be granted
// something. It is only gathered when somebody is refused.
func (s *Console) everybody(tx *store.Tx) []rbac.Grant {
	version := tx.GrantsVersion()
	if known, ok := s.everyone.Get(version); ok {
		return known
	}
	var grants []rbac.Grant
	for resource := range tx.Resources("User", "v2", nil, "") {
		grants = append(grants, resource.Value.(*kinds.User).Grants...)
	}
	for resource := range tx.Resources("Group", "v2", nil, "") {
		group := resource.Value.(*kinds.Group)
		grants = append(grants, group.Grants...)
		_, owned := ownedBy(tx, group.Name)
		grants = append(grants, owned...)
	}
	for resource := range tx.Resources("ApplicationGroup", "v1", nil, "") {
		grants = append(grants, applicationGroupGrants(tx, resource.Value.(*kinds.ApplicationGroup))...)
	}
	s.everyone.Add(version, grants)
	return grants
}
