package kinds

import (
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/store"
)

func kafkaClusterRule() *Rule {
	write := permission(rbac.ResourcePlatform, "clusterConnectionsManage")
	return &Rule{
		Access: Access{
			Read:   func(ask Ask) Need { return Need{Cluster: ask.Key.Name} },
			Create: write, Update: write, Delete: write,
		},
		Delete: deleteCluster,
	}
}

// deleteCluster refuses while an application instance lives on the cluster;
// what Console only saw through the connection goes with it.
func deleteCluster(_ *Engine, tx *store.Tx, r *store.Resource) error {
	for instance := range tx.Referrers(store.Ref("cluster", r.Name)) {
		return conflict("metadata.name", "Cannot delete %s because the application instance %s is on it", r.Name, instance.Name)
	}
	var below []*store.Resource
	for _, kind := range belowCluster {
		for resource := range tx.Resources(kind.name, kind.version, []string{r.Name}, "") {
			below = append(below, resource)
		}
	}
	for _, resource := range below {
		if err := tx.Delete(resource); err != nil {
			return err
		}
	}
	return nil
}

// belowCluster lists the kinds whose first parent is a Kafka cluster.
var belowCluster = []struct{ name, version string }{
	{"KafkaConnectCluster", "v2"}, {"KsqlDBCluster", "v2"}, {"ServiceAccount", "v1"},
	{"Topic", "v2"}, {"Subject", "v2"}, {"GlueSchema", "v2"}, {"Connector", "v2"},
	{"IndexedTopic", "v1"}, {"ConsumerGroup", "v1"}, {"TopicFigures", "v1"},
}
