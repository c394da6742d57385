package console

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// The older operations read and write the resources of the kinds. These are
// the steps that they share.

// read decodes the parts of a resource that a struct names.
func read[T any](resource *store.Resource) (T, error) {
	var value T
	if err := json.Unmarshal(resource.JSON, &value); err != nil {
		return value, fmt.Errorf("read %s %s: %w", resource.Kind, resource.Name, err)
	}
	return value, nil
}

// found returns a resource without parents, or a 404 in the words of the older
// operations.
func found(tx *store.Tx, kind, version, name, title, message string) (*store.Resource, error) {
	resource, err := tx.Resource(kind, version, nil, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, &kinds.Error{Code: kinds.NotFound, Title: title, Message: message}
	}
	return resource, err
}

func isNotFound(err error) bool {
	var refused *kinds.Error
	return errors.As(err, &refused) && refused.Code == kinds.NotFound
}

// newObject begins a resource; parents follow the order of the kind's.
func newObject(kind *openapi.Kind, name string, parents ...string) map[string]any {
	metadata := map[string]any{"name": name}
	for i, field := range kind.Parents {
		metadata[field] = parents[i]
	}
	return map[string]any{"apiVersion": kind.Version, "kind": kind.Name, "metadata": metadata, "spec": map[string]any{}}
}

// current returns a resource as a GET shows it, or a new one. What only the
// server sets is ignored when it is put back.
func current(tx *store.Tx, kind *openapi.Kind, key kinds.Key) (map[string]any, error) {
	resource, err := tx.Resource(kind.Name, kind.Version, key.Parents, key.Name)
	if errors.Is(err, store.ErrNotFound) {
		return newObject(kind, key.Name, key.Parents...), nil
	}
	if err != nil {
		return nil, err
	}
	return resource.Object(), nil
}

// put applies a resource that an older operation made out of its own form, so
// that the rules of the kind hold there too.
func (c *call) put(tx *store.Tx, request kinds.Request) error {
	if err := c.Engine.Validate(request.Kind, request.Object); err != nil {
		return err
	}
	request.By = c.by()
	request.Allow = func(need kinds.Need) error { return c.permit(tx, need) }
	_, _, err := c.Engine.Apply(tx, request)
	return err
}

// setOrDelete keeps nulls and absent values out of a resource.
func setOrDelete(object map[string]any, field string, value any) {
	if value == nil {
		delete(object, field)
		return
	}
	object[field] = value
}
