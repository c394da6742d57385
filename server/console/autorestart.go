package console

import (
	"net/http"

	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

func (r *router) autoRestart() {
	r.secured(http.MethodPut, "/public/kafka/v2/cluster/{cluster}/connect/{connectCluster}/connector/{connector-name}/autorestart", setAutoRestart)
}

// setAutoRestart writes metadata.autoRestart of the kind Connector.
func setAutoRestart(c *call) error {
	kind, err := c.Engine.Kind("v2", "Connector")
	if err != nil {
		return err
	}
	key, err := c.key(kind, true)
	if err != nil {
		return err
	}
	body, err := c.input()
	if err != nil {
		return err
	}
	wanted := map[string]any{"enabled": body["enabled"]}
	if body["frequencySeconds"] != nil {
		wanted["frequencySeconds"] = body["frequencySeconds"]
	}
	err = c.World.Update(func(tx *store.Tx) error {
		if err := c.Engine.CheckParents(tx, kind, key.Parents); err != nil {
			return err
		}
		if err := c.mayUse(c.Engine.Rule(kind), kind); err != nil {
			return err
		}
		need := rbac.Need{Resource: rbac.ResourceKafkaConnect, Cluster: key.Parents[0], Connect: key.Parents[1],
			Name: key.Name, AnyOf: []rbac.Permission{rbac.KafkaConnectRestart}}
		if err := c.permit(tx, kinds.Need{Grant: need}); err != nil {
			return err
		}
		resource, err := c.Engine.Find(tx, kind, key)
		if err != nil {
			return err
		}
		connector := c.Engine.Written(kind, resource)
		object(connector["metadata"])["autoRestart"] = wanted
		if err := c.Engine.Validate(kind, connector); err != nil {
			return err
		}
		_, _, err = c.Engine.Apply(tx, kinds.Request{Kind: kind, Object: connector, By: c.by()})
		return err
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusOK)
}
