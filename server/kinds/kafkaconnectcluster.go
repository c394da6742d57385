package kinds

import (
	"slices"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/store"
)

// KafkaConnectCluster is the typed form of a Kafka Connect cluster.
type KafkaConnectCluster struct {
	Policies []string // resource policies for its connectors
}

// refConnect is how an application instance refers to a Kafka Connect cluster
// in which it owns connectors; the name is connectName's.
const refConnect = "connect-cluster"

func connectName(cluster, connect string) string { return cluster + "/" + connect }

func kafkaConnectClusterRule() *Rule {
	write := permission(rbac.ResourcePlatform, rbac.ClusterConnectionsManage)
	return &Rule{
		Access: Access{
			// Hidden from whoever has no permission on a connector of it (Console 1.36).
			Read: func(ask Ask) Need {
				return Need{Or: []Need{write(ask)}, Somewhere: rbac.Need{Resource: rbac.ResourceKafkaConnect,
					Cluster: ask.Key.Parents[0], Connect: ask.Key.Name, AnyOf: rbac.PermissionsOf(rbac.ResourceKafkaConnect)}}
			},
			Create: write, Update: write, Delete: write,
		},
		Check: func(c *Change) error { return checkClusterPolicies(c, "Connector") },
		Parse: func(object map[string]any) (any, []openapi.Problem) {
			return &KafkaConnectCluster{Policies: texts(part(object, "spec"), "policiesRef")}, nil
		},
		Refs: func(value any) []string { return refsTo(refPolicy, value.(*KafkaConnectCluster).Policies) },
		Delete: func(_ *Engine, tx *store.Tx, r *store.Resource) error {
			for instance := range tx.Referrers(store.Ref(refConnect, connectName(r.Parents[0], r.Name))) {
				return conflict("metadata.name", "Cannot delete %s because the application instance %s owns connectors in it", r.Name, instance.Name)
			}
			return nil
		},
		Deleted: func(e *Engine, tx *store.Tx, r *store.Resource) error {
			parents := append(slices.Clone(r.Parents), r.Name)
			if err := e.removeAll(tx, slices.Collect(tx.Resources("Connector", "v2", parents, ""))); err != nil {
				return err
			}
			return e.dropPermissions(tx, r.Name, func(permission map[string]any) bool {
				return text(permission, "resourceType") == string(rbac.ResourceKafkaConnect) &&
					text(permission, "cluster") == r.Parents[0] && text(permission, "kafkaConnect") == r.Name
			})
		},
	}
}
