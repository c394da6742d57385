package kinds

import (
	"cmp"
	"slices"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/store"
)

// settlePlace makes the Settle of a kind whose resources count in the order in
// which they came: a new one goes behind the others, one that exists stays where
// it was. place leads to where the value of a resource keeps it.
func settlePlace(kind string, place func(value any) *int) func(*store.Tx, map[string]any, any) []openapi.Problem {
	return func(tx *store.Tx, object map[string]any, value any) []openapi.Problem {
		mine, name := place(value), text(part(object, "metadata"), "name")
		for resource := range tx.Resources(kind, "v1", nil, "") {
			at := *place(resource.Value)
			if resource.Name == name {
				*mine = at
				return nil
			}
			*mine = max(*mine, at+1)
		}
		return nil
	}
}

// inPlace returns the resources of such a kind in their order.
func inPlace(tx *store.Tx, kind string, place func(value any) *int) []*store.Resource {
	list := slices.Collect(tx.Resources(kind, "v1", nil, ""))
	slices.SortFunc(list, func(a, b *store.Resource) int { return cmp.Compare(*place(a.Value), *place(b.Value)) })
	return list
}
