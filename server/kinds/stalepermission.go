package kinds

import (
	"bytes"
	"slices"

	"github.com/mockduktor/mockduktor/server/store"
)

// dropPermissions takes permissions out of every User and Group: those on a
// cluster that is gone would come back to life with the next one of its name
// (Console 1.34). name is in every stale permission.
func (e *Engine) dropPermissions(tx *store.Tx, name string, stale func(permission map[string]any) bool) error {
	written, err := store.EncodeObject(name)
	if err != nil {
		return err
	}
	for _, kind := range []string{"User", "Group"} {
		for _, r := range slices.Collect(tx.Resources(kind, "v2", nil, "")) {
			// Most people have nothing to do with it, and decoding is dear.
			if !bytes.Contains(r.JSON, written) {
				continue
			}
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
