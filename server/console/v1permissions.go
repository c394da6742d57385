package console

import (
	"slices"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/kinds"
)

// permissionChange makes new v2 permissions out of those a User or Group has
// and those that a body names.
type permissionChange func(have []any, named []rbac.Grant) []any

// replacePermissions keeps what is named and nothing else.
func replacePermissions(_ []any, named []rbac.Grant) []any {
	list := make([]any, len(named))
	for i, grant := range named {
		list[i] = grant.V2()
	}
	return list
}

// addPermissions adds to the element that speaks of the same resources, or
// adds an element.
func addPermissions(have []any, named []rbac.Grant) []any {
	list := slices.Clone(have)
	for _, grant := range named {
		at := indexOfSame(list, grant)
		if at < 0 {
			list = append(list, grant.V2())
			continue
		}
		merged := grantOf(list[at])
		for _, permission := range grant.Permissions {
			if !slices.Contains(merged.Permissions, permission) {
				merged.Permissions = append(merged.Permissions, permission)
			}
		}
		list[at] = merged.V2()
	}
	return list
}

// removePermissions takes what is named out of every element that speaks of
// the same resources; an element left without permissions goes.
func removePermissions(have []any, named []rbac.Grant) []any {
	list := []any{}
	for _, element := range have {
		grant := grantOf(element)
		left := slices.Clone(grant.Permissions)
		touched := false
		for _, other := range named {
			if !sameResources(grant, other) {
				continue
			}
			touched = true
			left = slices.DeleteFunc(left, func(p rbac.Permission) bool { return slices.Contains(other.Permissions, p) })
		}
		switch {
		case !touched || len(left) == len(grant.Permissions) && len(left) > 0:
			list = append(list, element)
		case len(left) > 0:
			grant.Permissions = left
			list = append(list, grant.V2())
		}
	}
	return list
}

// removeAllPermissions leaves none.
func removeAllPermissions([]any, []rbac.Grant) []any { return []any{} }

func indexOfSame(list []any, grant rbac.Grant) int {
	return slices.IndexFunc(list, func(element any) bool { return sameResources(grantOf(element), grant) })
}

// grantOf reads one element; all that the world holds were checked when put.
func grantOf(element any) rbac.Grant {
	grants, _ := rbac.ParsePermissions([]any{element}, rbac.Source{})
	if len(grants) == 0 {
		return rbac.Grant{}
	}
	return grants[0]
}

func sameResources(a, b rbac.Grant) bool {
	return a.Resource == b.Resource && a.Cluster == b.Cluster && a.Connect == b.Connect && a.Name == b.Name && a.Pattern == b.Pattern
}

// namedPermissions reads a body of v1 permissions; no body names none.
func (c *call) namedPermissions() ([]rbac.Grant, error) {
	list, err := c.inputList()
	if err != nil {
		return nil, err
	}
	grants, problems := rbac.ParseV1(list, rbac.Source{})
	if len(problems) == 0 {
		return grants, nil
	}
	faults := make([]openapi.Problem, len(problems))
	for i, problem := range problems {
		faults[i] = openapi.Problem{Path: problem.Path, Expected: problem.Reason}
	}
	return nil, kinds.FromProblems(faults)
}

// permissionsV1 shows v2 permissions in v1 words. What v1 has no word for (a
// LITERAL name that ends in a star) is left out.
func permissionsV1(list []any) []any {
	shown, _ := rbac.ToV1(list)
	return shown
}
