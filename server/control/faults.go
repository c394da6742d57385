package control

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

func registerFaults(add adder) {
	add(http.MethodGet, "/_mock/faults", listFaults)
	add(http.MethodPost, "/_mock/faults", createFault)
	add(http.MethodDelete, "/_mock/faults", deleteFaults)
	add(http.MethodGet, "/_mock/faults/{fault}", showFault)
	add(http.MethodPut, "/_mock/faults/{fault}", putFault)
	add(http.MethodDelete, "/_mock/faults/{fault}", deleteFault)
}

// faultView is a Fault resource in the shorter form, with what it did so far.
func faultView(tx *store.Tx, resource *store.Resource) (map[string]any, error) {
	spec, ok := resource.Object()["spec"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("fault %s has no spec", resource.Name)
	}
	counts := kinds.FaultCounts(tx, resource)
	spec["id"], spec["matched"], spec["fired"] = resource.Name, counts.Matched, counts.Fired
	return spec, nil
}

func listFaults(c *call) error {
	tx := c.World.View()
	list := []map[string]any{}
	for _, resource := range kinds.Faults(tx) {
		view, err := faultView(tx, resource)
		if err != nil {
			return err
		}
		list = append(list, view)
	}
	return c.JSON(http.StatusOK, list)
}

// rule reads the body: the rule without its id, and the id.
func (c *call) rule() (id string, spec map[string]any, err error) {
	spec, _, err = c.object()
	if err != nil {
		return "", nil, err
	}
	if err := refused("body", openapi.Mock().ValidateClosedBody(c.method, c.path, spec)); err != nil {
		return "", nil, err
	}
	id, _ = spec["id"].(string)
	delete(spec, "id")
	return id, spec, nil
}

func createFault(c *call) error {
	id, spec, err := c.rule()
	if err != nil {
		return err
	}
	if id == "" {
		var random [4]byte
		// It never fails (crypto/rand).
		_, _ = rand.Read(random[:])
		id = "fault-" + hex.EncodeToString(random[:])
	}
	return c.keepFault(http.StatusCreated, id, spec)
}

func putFault(c *call) error {
	name, err := c.param("fault")
	if err != nil {
		return err
	}
	id, spec, err := c.rule()
	if err != nil {
		return err
	}
	if id != "" && id != name {
		return invalid("id", "%q differs from %q in the path", id, name)
	}
	return c.keepFault(http.StatusOK, name, spec)
}

// keepFault puts a rule into the world as a Fault resource.
func (c *call) keepFault(status int, id string, spec map[string]any) error {
	kind, err := c.Engine.Kind("mockduktor/v1", kinds.FaultKind)
	if err != nil {
		return err
	}
	object := map[string]any{"apiVersion": "mockduktor/v1", "kind": kinds.FaultKind, "metadata": map[string]any{"name": id}, "spec": spec}
	var view map[string]any
	err = c.Engine.Validate(kind, object)
	if err == nil {
		err = c.Update(func(tx *store.Tx) error {
			resource, _, err := c.Engine.Apply(tx, kinds.Request{Kind: kind, Object: object, CreateOnly: status == http.StatusCreated})
			if err != nil {
				return err
			}
			view, err = faultView(tx, resource)
			return err
		})
	}
	if err != nil {
		return shortened(err)
	}
	return c.JSON(status, view)
}

// shortened names the fields of a refusal as the shorter form has them.
func shortened(err error) error {
	var refusal *kinds.Error
	if !errors.As(err, &refusal) {
		return err
	}
	short := *refusal
	short.Field = strings.TrimPrefix(refusal.Field, "spec.")
	if short.Field == "metadata.name" {
		short.Field = "id"
	}
	short.Message = strings.ReplaceAll(refusal.Message, "at 'spec.", "at '")
	return &short
}

// faultNamed finds the fault that the path names.
func (c *call) faultNamed(tx *store.Tx) (*store.Resource, error) {
	name, err := c.param("fault")
	if err != nil {
		return nil, err
	}
	if problem := store.ValidName(name); problem != "" {
		return nil, invalid("fault", "the id %s", problem)
	}
	resource, err := tx.Resource(kinds.FaultKind, "v1", nil, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, notFound("there is no fault %q; GET /_mock/faults lists them", name)
	}
	return resource, err
}

func showFault(c *call) error {
	tx := c.World.View()
	resource, err := c.faultNamed(tx)
	if err != nil {
		return err
	}
	view, err := faultView(tx, resource)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, view)
}

func deleteFault(c *call) error {
	err := c.Update(func(tx *store.Tx) error {
		resource, err := c.faultNamed(tx)
		if err != nil {
			return err
		}
		return tx.Delete(resource)
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func deleteFaults(c *call) error {
	err := c.Update(func(tx *store.Tx) error {
		for _, resource := range kinds.Faults(tx) {
			if err := tx.Delete(resource); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
