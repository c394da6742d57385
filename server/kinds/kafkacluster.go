package kinds

import (
	"slices"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/store"
)

// KafkaCluster is the typed form of a Kafka cluster.
type KafkaCluster struct {
	Registry registryType // "" without a schema registry
	Flavor   string       // what product it is, "" for plain Kafka
	Policies []string     // resource policies for everything in it
}

// The flavours of clusters that rules tell apart.
const (
	flavorAiven   = "Aiven"
	flavorGateway = "Gateway"
)

// refUses is how what lives outside of a cluster, such as a partner zone, refers
// to it; application instances have a relation of their own.
const refUses = "uses-cluster"

func kafkaClusterRule() *Rule {
	write := permission(rbac.ResourcePlatform, rbac.ClusterConnectionsManage)
	return &Rule{
		Access: Access{
			Read:   func(ask Ask) Need { return Need{Cluster: ask.Key.Name, Or: []Need{write(ask)}} },
			Create: write, Update: write, Delete: write,
		},
		Check: func(c *Change) error { return checkClusterPolicies(c, "Topic", "Subject", "Connector") },
		Parse: func(object map[string]any) (any, []openapi.Problem) {
			spec := part(object, "spec")
			return &KafkaCluster{
				Registry: registryType(text(part(spec, "schemaRegistry"), "type")),
				Flavor:   text(part(spec, "kafkaFlavor"), "type"),
				Policies: texts(spec, "policiesRef"),
			}, nil
		},
		Refs:    func(value any) []string { return refsTo(refPolicy, value.(*KafkaCluster).Policies) },
		After:   clearGateway,
		Delete:  deleteCluster,
		Deleted: clusterDeleted,
	}
}

// deleteCluster refuses while an application instance, a partner zone or a data
// quality policy needs the cluster.
func deleteCluster(_ *Engine, tx *store.Tx, r *store.Resource) error {
	for instance := range tx.Referrers(store.Ref("cluster", r.Name)) {
		return conflict("metadata.name", "Cannot delete %s because the application instance %s is on it", r.Name, instance.Name)
	}
	for other := range tx.Referrers(store.Ref(refUses, r.Name)) {
		if other.Kind != "Alert" {
			return conflict("metadata.name", "Cannot delete %s because the %s %s uses it", r.Name, other.Kind, other.Name)
		}
	}
	return nil
}

// clusterDeleted clears away what Console only saw through the connection, the
// alerts on it, and the permissions that name it.
func clusterDeleted(e *Engine, tx *store.Tx, r *store.Resource) error {
	below := slices.Collect(tx.Referrers(store.Ref(refUses, r.Name)))
	for _, kind := range belowCluster {
		below = slices.AppendSeq(below, tx.Resources(kind.name, kind.version, []string{r.Name}, ""))
	}
	for _, resource := range below {
		// Their own rules are not asked: all of them go at once.
		if err := tx.Delete(resource); err != nil {
			return err
		}
	}
	return e.dropPermissions(tx, r.Name, func(permission map[string]any) bool {
		field := "cluster"
		if text(permission, "resourceType") == string(rbac.ResourceCluster) {
			field = "name"
		}
		return text(permission, field) == r.Name
	})
}

// belowCluster lists the kinds whose first parent is a Kafka cluster.
var belowCluster = []struct{ name, version string }{
	{"KafkaConnectCluster", "v2"}, {"KsqlDBCluster", "v2"}, {"ServiceAccount", "v1"},
	{"Topic", "v2"}, {"Subject", "v2"}, {"GlueSchema", "v2"}, {"Connector", "v2"},
	{"IndexedTopic", "v1"}, {"ConsumerGroup", "v1"}, {"TopicFigures", "v1"}, {"Alert", "v2"},
	{ConfluentServiceAccountKind, "v1"},
	{TopicRecordsKind, "v1"}, {PluginKind, "v1"}, {InterceptorKind, "v1"},
	{KsqlDBSourceKind, "v1"}, {KsqlDBQueryKind, "v1"},
}
