package kinds

import (
	"slices"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/store"
)

// ApplicationGroup is the typed form of a group inside an application.
type ApplicationGroup struct {
	rbac.ApplicationGroup
	Members  []string // put by hand; lower case
	External []string // through the groups claim; lower case
	Rule     rbac.MappingRule
}

func applicationGroupRule(settings Settings) *Rule {
	write := func(ask Ask) Need { return Need{Application: text(ask.metadata(), "application")} }
	return &Rule{
		Identity: true,
		Access: Access{Read: permission(rbac.ResourcePlatform, rbac.TaasView),
			Create: write, Update: write, Delete: write, InstanceKey: true},
		Filters: map[string]func(*store.Tx, *store.Resource, string) bool{
			"application": func(_ *store.Tx, r *store.Resource, want string) bool {
				return r.Value.(*ApplicationGroup).Application == want
			},
		},
		Check: checkApplicationGroup(settings),
		Guard: func(c *Change) error {
			policies, err := attachApplication(c.Tx, nil, text(part(c.Object, "metadata"), "application"))
			if err != nil {
				return err
			}
			return c.evaluate(policies)
		},
		Show: showExternalMembers,
		Parse: func(object map[string]any) (any, []openapi.Problem) {
			group, problems := rbac.ParseApplicationGroup(object)
			spec := part(object, "spec")
			return &ApplicationGroup{ApplicationGroup: group,
				Members: lower(texts(spec, "members")), External: lower(texts(spec, "membersFromExternalGroups")),
				Rule: mappingRule(group.Name, spec, settings.RegexFull)}, toOpenAPI("", problems)
		},
		Refs: func(value any) []string {
			group := value.(*ApplicationGroup)
			refs := append(memberRefs(group.Members, group.External), store.Ref("application", group.Application))
			for _, instance := range group.instances() {
				refs = append(refs, store.Ref("instance", instance))
			}
			return refs
		},
		After:  touchMapping,
		Delete: func(_ *Engine, tx *store.Tx, _ *store.Resource) error { return tx.TouchMapping() },
	}
}

// instances lists the application instances that the group speaks of, each once.
func (g *ApplicationGroup) instances() []string {
	var names []string
	for _, permission := range g.Permissions {
		names = append(names, permission.Instance)
	}
	for _, permission := range g.InstancePermissions {
		names = append(names, permission.Instance)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func checkApplicationGroup(settings Settings) func(*Change) error {
	return func(c *Change) error {
		spec := part(c.Object, "spec")
		group, problems := rbac.ParseApplicationGroup(c.Object)
		if err := fromRBAC("", problems); err != nil {
			return err
		}
		if ok, err := exists(c.Tx, "Application", "v1", group.Application); err != nil || !ok {
			return orAbsent(err, "metadata.application", "Application %s not found", group.Application)
		}
		if c.Old != nil && c.Old.Value.(*ApplicationGroup).Application != group.Application {
			return conflict("metadata.application", "application of %s cannot change: delete the group and create it anew", c.Key.Name)
		}
		if err := checkMembers(spec); err != nil {
			return err
		}
		if err := checkMapping(spec, settings.RegexFull); err != nil {
			return err
		}
		for i, permission := range group.Permissions {
			path := index("spec.permissions", i)
			instance, err := instanceOf(c.Tx, path+".appInstance", permission.Instance, group.Application)
			if err != nil {
				return err
			}
			if err := checkReach(c.Tx, path+".name", permission, instance); err != nil {
				return err
			}
		}
		for i, permission := range group.InstancePermissions {
			if _, err := instanceOf(c.Tx, index("spec.instancePermissions", i)+".appInstance", permission.Instance, group.Application); err != nil {
				return err
			}
		}
		return nil
	}
}

func instanceOf(tx *store.Tx, field, name, application string) (*ApplicationInstance, error) {
	instance, err := findInstance(tx, field, name)
	if err != nil {
		return nil, err
	}
	if instance.Application != application {
		return nil, conflict(field, "the application instance %s belongs to %s, not to %s", name, instance.Application, application)
	}
	return instance, nil
}

// checkReach refuses a name outside what the instance owns or was granted.
func checkReach(tx *store.Tx, field string, permission rbac.GroupPermission, instance *ApplicationInstance) error {
	if groupReaches(tx, permission, instance.Resources, "") {
		return nil
	}
	return conflict(field, "the application instance %s neither owns nor was granted %s (%s)", instance.Name, permission.Name, permission.Pattern)
}

// groupReaches tells whether what a group lists is within what its instance owns or was
// granted by others than the permission without.
func groupReaches(tx *store.Tx, permission rbac.GroupPermission, owned []rbac.InstanceResource, without string) bool {
	if permission.Name == "*" && permission.Pattern == rbac.Literal {
		return true
	}
	wanted := rbac.InstanceResource{Resource: permission.Resource, Connect: permission.Connect,
		Name: permission.Name, Pattern: permission.Pattern}
	if covers(owned, wanted) {
		return true
	}
	for resource := range tx.Referrers(store.Ref("granted", permission.Instance)) {
		if received, ok := resource.Value.(*rbac.InstancePermission); ok && resource.Name != without && received.Resource.Covers(wanted) {
			return true
		}
	}
	return false
}

// checkGroups refuses to take from an instance what an application group lists: the
// group could not be made any more, so that an export would not load. The sources
// say nothing of it. owned is what stays with the instance, without the permission
// that goes.
func checkGroups(tx *store.Tx, field, instance string, owned []rbac.InstanceResource, without string) error {
	for resource := range tx.Referrers(store.Ref("instance", instance)) {
		group, ok := resource.Value.(*ApplicationGroup)
		if !ok {
			continue
		}
		for _, permission := range group.Permissions {
			if permission.Instance == instance && !groupReaches(tx, permission, owned, without) {
				return conflict(field, "the ApplicationGroup %s lists %s (%s), which %s would neither own nor be granted any more: change the group first",
					resource.Name, permission.Name, permission.Pattern, instance)
			}
		}
	}
	return nil
}
