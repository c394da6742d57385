package kinds

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mockduktor/mockduktor/openapi"
)

// mockGroup is the API group of our own kinds.
const mockGroup = "mockduktor/"

func isMock(apiVersion string) bool { return strings.HasPrefix(apiVersion, mockGroup) }

// shownVersion is the apiVersion of a kind's resources: Console's bare (v2), our
// own with their group, since nothing else tells them apart.
func (e *Engine) shownVersion(name, version string) string {
	if e.own[name] {
		return mockGroup + version
	}
	return version
}

// rules is the register: one line a kind, one file a rule. A kind of which two
// versions differ is there once for each.
func rules(settings Settings) map[string]*Rule {
	return map[string]*Rule{
		"Person":                        personRule(),
		"Client":                        clientRule(),
		ProviderKind:                    providerRule(),
		"SigningKey":                    signingKeyRule(),
		FaultKind:                       faultRule(),
		"APIKey":                        apiKeyRule(),
		CertificateKind:                 certificateRule(),
		ConfluentServiceAccountKind:     confluentServiceAccountRule(),
		"ConsumerGroup":                 consumerGroupRule(),
		"TopicFigures":                  topicFiguresRule(),
		"TopicRecords":                  topicRecordsRule(),
		"Plugin":                        pluginRule(),
		"Interceptor":                   interceptorRule(),
		"KsqlDBSource":                  ksqlDBSourceRule(),
		"KsqlDBQuery":                   ksqlDBQueryRule(),
		"IndexerTask":                   indexerTaskRule(),
		"User":                          userRule(settings),
		"Group":                         groupRule(settings),
		"KafkaCluster":                  kafkaClusterRule(),
		"Topic":                         topicRule(),
		"Application":                   applicationRule(),
		"ApplicationInstance":           applicationInstanceRule(),
		"ApplicationGroup":              applicationGroupRule(settings),
		"ApplicationInstancePermission": applicationInstancePermissionRule(),
		"KafkaConnectCluster":           kafkaConnectClusterRule(),
		"KsqlDBCluster":                 ksqlDBClusterRule(),
		"TopicPolicy":                   topicPolicyRule(),
		"ResourcePolicy":                resourcePolicyRule(),
		"ServiceAccount":                serviceAccountRule(),
		"Subject":                       subjectRule(),
		"GlueSchema":                    glueSchemaRule(),
		"Connector":                     connectorRule(),
		"IndexedTopic":                  indexedTopicRule(),
		"PartnerZone":                   partnerZoneRule(),
		"DataQualityRule":               dataQualityRuleRule(),
		"DataQualityPolicy":             dataQualityPolicyRule(),
		"Integration":                   integrationRule(),
		"Alert/v2":                      alertRule("v2"),
		"Alert/v3":                      alertRule("v3"),
	}
}

// typed reads a resource into a struct by its JSON tags; the schema has
// already said that it fits.
func typed[T any](object map[string]any) (*T, []openapi.Problem) {
	encoded, err := json.Marshal(object)
	if err != nil {
		return nil, []openapi.Problem{{Path: "$", Expected: "JSON", Got: err.Error()}}
	}
	value := new(T)
	if err := json.Unmarshal(encoded, value); err != nil {
		return nil, []openapi.Problem{{Path: "$", Expected: "the types of the schema", Got: err.Error()}}
	}
	return value, nil
}

func part(object map[string]any, name string) map[string]any {
	inner, _ := object[name].(map[string]any)
	return inner
}

func text(object map[string]any, name string) string {
	value, _ := object[name].(string)
	return value
}

func texts(object map[string]any, name string) []string {
	list, _ := object[name].([]any)
	values := make([]string, 0, len(list))
	for _, item := range list {
		if value, ok := item.(string); ok {
			values = append(values, value)
		}
	}
	return values
}

func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
