package kinds

import (
	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/store"
)

// Need is what a caller must have for one call on one resource. An admin may
// do everything. The fields are alternatives: one of them suffices; the zero
// Need is for admins alone.
type Need struct {
	Anyone  bool      // every known caller
	Grant   rbac.Need // a permission, where AnyOf is not empty
	Cluster string    // any permission at all on something in this Kafka cluster

	// Below makes Grant.Name a prefix: the permission must hold for every name
	// that begins with it.
	Below bool
	// Somewhere is a permission on at least one resource of its type, in its
	// Cluster and Connect where these are set; Name does not count.
	Somewhere rbac.Need

	// Application: a member of the group that owns it.
	Application string
	// Instance with InstancePermission: a member of an application group that
	// holds this instance permission.
	Instance           string
	InstancePermission rbac.Permission

	User  string // this user, by e-mail
	Group string // a member of this Console group

	Or  []Need // one of these
	All []Need // every one of these
}

// Key names one resource of a kind.
type Key struct {
	Parents []string // the path's, or the owner of a kind that has one (see OwnerKey)
	Name    string
}

// Ask is one call on one resource, of which is asked what it needs.
type Ask struct {
	Tx     *store.Tx
	Kind   *openapi.Kind
	Key    Key
	Old    *store.Resource // nil when there is none
	Object map[string]any  // what a write would keep; nil for the rest
	engine *Engine
}

// metadata is that of what would be kept, or of what is there.
func (a Ask) metadata() map[string]any {
	if a.Object == nil && a.Old != nil {
		return part(a.Old.Object(), "metadata")
	}
	return part(a.Object, "metadata")
}

// Access says what reading and writing a kind needs. A nil function means
// admins alone.
type Access struct {
	Read, Create, Update, Delete func(ask Ask) Need
	// Spans says which permission makes resources of a list visible, for kinds
	// whose names grants speak of; a list then walks only what is granted.
	Spans func(parents []string) rbac.Need
	// InstanceKey: an application-instance key may use this kind, within what
	// its instance owns.
	InstanceKey bool
}

func permission(resource rbac.ResourceType, anyOf ...rbac.Permission) func(Ask) Need {
	return func(Ask) Need {
		return Need{Grant: rbac.Need{Resource: resource, AnyOf: anyOf}}
	}
}

// onNamed builds needs for kinds whose first parent is a cluster and whose
// name the grants speak of.
func onNamed(resource rbac.ResourceType, anyOf ...rbac.Permission) func(Ask) Need {
	return func(ask Ask) Need {
		need := rbac.Need{Resource: resource, Cluster: ask.Key.Parents[0], Name: ask.Key.Name, AnyOf: anyOf}
		if len(ask.Key.Parents) > 1 {
			need.Connect = ask.Key.Parents[1]
		}
		return Need{Grant: need}
	}
}

func spansOf(resource rbac.ResourceType, anyOf ...rbac.Permission) func([]string) rbac.Need {
	return func(parents []string) rbac.Need {
		need := rbac.Need{Resource: resource, Cluster: parents[0], AnyOf: anyOf}
		if len(parents) > 1 {
			need.Connect = parents[1]
		}
		return need
	}
}

// both is the need of a change that takes a resource from one owner to another:
// what either takes, so that nobody takes a resource from others.
func both(old, new Need) Need { return Need{All: []Need{old, new}} }
