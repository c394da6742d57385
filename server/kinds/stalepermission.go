package kinds

import (
	"slices"

	"github.com/mockduktor/mockduktor/server/store"
)

// dropPermissions takes permissions out of every User and Group: those on a
// cluster that is gone would come back to life with the next one of its name
// (Console 1.34).
func (e *Engine) dropPermissions(tx *store.Tx, stale func(permission map[string]any) bool) error {
	for _, kind := range []string{"User", "Group"} {
		for _, r := range slices.Collect(tx.Resources(kind, "v2", nil, "")) {
			object := r.Object()
			spec := part(object, "spec")
			list, _ := spec["permissions"].([]any)
			kept := slices.DeleteFunc(slices.Clone(list), func(item any) bool {
				permission, _ := item.(map[string]any)
				return stale(permission)
			})
			if len(kept) == len(list) {
				continue
			}
			spec["permissions"] = kept
			if err := e.rewrite(tx, r, object); err != nil {
				return err
			}
		}
	}
	return nil
}
