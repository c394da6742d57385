package kinds

import (
	"errors"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/store"
)

func applicationInstancePermissionRule() *Rule {
	write := func(ask Ask) Need {
		metadata := ask.metadata()
		return Need{
			Application: text(metadata, "application"), Instance: text(metadata, "appInstance"),
			InstancePermission: rbac.ApplicationInstancePermissionGrantAccess,
		}
	}
	permissionOf := func(r *store.Resource) *rbac.InstancePermission { return r.Value.(*rbac.InstancePermission) }
	return &Rule{
		Identity: true,
		Access: Access{Read: permission(rbac.ResourcePlatform, rbac.TaasView),
			Create: write, Update: write, Delete: write, InstanceKey: true},
		Filters: map[string]func(*store.Tx, *store.Resource, string) bool{
			"filterByApplication":         func(_ *store.Tx, r *store.Resource, want string) bool { return permissionOf(r).Application == want },
			"filterByApplicationInstance": func(_ *store.Tx, r *store.Resource, want string) bool { return permissionOf(r).Instance == want },
			"filterByGrantedTo":           func(_ *store.Tx, r *store.Resource, want string) bool { return permissionOf(r).GrantedTo == want },
		},
		Check: checkInstancePermission,
		Parse: func(object map[string]any) (any, []openapi.Problem) {
			value, problems := rbac.ParseInstancePermission(object, "")
			return &value, toOpenAPI("", problems)
		},
		Settle: func(tx *store.Tx, _ map[string]any, value any) []openapi.Problem {
			permission := value.(*rbac.InstancePermission)
			if owner, err := findInstance(tx, "metadata.appInstance", permission.Instance); err == nil {
				permission.Cluster = owner.Cluster
			}
			return nil
		},
		Refs: func(value any) []string {
			permission := value.(*rbac.InstancePermission)
			return []string{store.Ref("instance", permission.Instance), store.Ref("instance", permission.GrantedTo),
				store.Ref("granted", permission.GrantedTo)}
		},
		Delete: func(_ *Engine, tx *store.Tx, r *store.Resource) error {
			permission := r.Value.(*rbac.InstancePermission)
			receiver, err := findInstance(tx, "spec.grantedTo", permission.GrantedTo)
			if err != nil {
				return err
			}
			return checkGroups(tx, "metadata.name", permission.GrantedTo, receiver.Resources, r.Name)
		},
	}
}

func findInstance(tx *store.Tx, field, name string) (*ApplicationInstance, error) {
	resource, err := tx.Resource("ApplicationInstance", "v1", nil, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, absent(field, "", "ApplicationInstance %s not found", name)
	}
	if err != nil {
		return nil, err
	}
	return resource.Value.(*ApplicationInstance), nil
}

func checkInstancePermission(c *Change) error {
	permission, problems := rbac.ParseInstancePermission(c.Object, "")
	if err := fromRBAC("", problems); err != nil {
		return err
	}
	if c.Old != nil && string(c.Kind.Canonical(c.Old.Object())) != string(c.Kind.Canonical(c.Object)) {
		return conflict("spec", "%s cannot change once it is created: delete it and create it anew", c.Key.Name)
	}
	owner, err := findInstance(c.Tx, "metadata.appInstance", permission.Instance)
	if err != nil {
		return err
	}
	if owner.Application != permission.Application {
		return conflict("metadata.appInstance", "the application instance %s belongs to %s, not to %s", owner.Name, owner.Application, permission.Application)
	}
	granted, err := findInstance(c.Tx, "spec.grantedTo", permission.GrantedTo)
	if err != nil {
		return err
	}
	if granted.Cluster != owner.Cluster {
		return conflict("spec.grantedTo", "the application instance %s is on cluster %s, %s on %s: a permission stays on one cluster", granted.Name, granted.Cluster, owner.Name, owner.Cluster)
	}
	if covers(owner.Resources, permission.Resource) {
		return nil
	}
	return conflict("spec.resource", "the application instance %s does not own %s (%s)", owner.Name, permission.Resource.Name, permission.Resource.Pattern)
}
