package kinds

import "github.com/mockduktor/mockduktor/rbac"

// Need is what a caller must have for one call on one resource. An admin may
// do everything. The fields are alternatives: one of them suffices; the zero
// Need is for admins alone.
type Need struct {
	Anyone  bool      // every known caller
	Grant   rbac.Need // a permission, where AnyOf is not empty
	Cluster string    // any permission at all on something in this Kafka cluster

	// Application: a member of the group that owns it.
	Application string
	// Instance with InstancePermission: a member of an application group that
	// holds this instance permission.
	Instance           string
	InstancePermission rbac.Permission
}

// Key names one resource of a kind.
type Key struct {
	Parents []string
	Name    string
}

// Access says what reading and writing a kind needs. A nil function means
// admins alone.
type Access struct {
	Read, Create, Update, Delete func(key Key, object map[string]any) Need
	// Spans says which permission makes resources of a list visible, for kinds
	// whose names grants speak of; a list then walks only what is granted.
	Spans func(parents []string) rbac.Need
	// InstanceKey: an application-instance key may use this kind, within what
	// its instance owns.
	InstanceKey bool
}

func anyone(Key, map[string]any) Need { return Need{Anyone: true} }

func permission(resource rbac.ResourceType, anyOf ...rbac.Permission) func(Key, map[string]any) Need {
	return func(Key, map[string]any) Need {
		return Need{Grant: rbac.Need{Resource: resource, AnyOf: anyOf}}
	}
}

// onNamed builds needs for kinds whose first parent is a cluster and whose
// name the grants speak of.
func onNamed(resource rbac.ResourceType, anyOf ...rbac.Permission) func(Key, map[string]any) Need {
	return func(key Key, _ map[string]any) Need {
		need := rbac.Need{Resource: resource, Cluster: key.Parents[0], Name: key.Name, AnyOf: anyOf}
		if len(key.Parents) > 1 {
			need.Connect = key.Parents[1]
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
