package kinds

import (
	"github.com/mockduktor/mockduktor/rbac"
)

func connectorRule() *Rule {
	return &Rule{
		Access: Access{
			Read:        onNamed(rbac.ResourceKafkaConnect, rbac.KafkaConnectorViewConfig),
			Create:      onNamed(rbac.ResourceKafkaConnect, rbac.KafkaConnectorCreate),
			Update:      onNamed(rbac.ResourceKafkaConnect, rbac.KafkaConnectorEditConfig),
			Delete:      onNamed(rbac.ResourceKafkaConnect, rbac.KafkaConnectorDelete),
			Spans:       spansOf(rbac.ResourceKafkaConnect, rbac.KafkaConnectorViewConfig),
			InstanceKey: true,
		},
		Check: func(c *Change) error {
			if err := checkFormerLabels(c); err != nil {
				return err
			}
			config := part(part(c.Object, "spec"), "config")
			// Kafka Connect refuses both itself (its REST API, PUT config).
			if text(config, "connector.class") == "" {
				return invalid("spec.config.connector.class", "expected the class of the connector")
			}
			if name, ok := config["name"].(string); ok && name != c.Key.Name {
				return invalid("spec.config.name", "expected no name here, or that of the connector, %s, got %s", c.Key.Name, name)
			}
			return nil
		},
		Guard:   guardByPolicies(rbac.ResourceKafkaConnect),
		Managed: dropOwnerLabels,
		Show:    showOwnerLabels(rbac.ResourceKafkaConnect),
	}
}
