package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/server/kinds"
)

// accessPeople hold one permission each; "owner" is in the group that owns the
// application shop, "member" in a group that owns nothing.
var accessPeople = map[string]string{
	"nobody":        ``,
	"connections":   `{resourceType: PLATFORM, permissions: [clusterConnectionsManage]}`,
	"sql":           `{resourceType: PLATFORM, permissions: [sqlManage]}`,
	"channel-view":  `{resourceType: PLATFORM, permissions: [notificationChannelView]}`,
	"channel-admin": `{resourceType: PLATFORM, permissions: [notificationChannelManage]}`,
	"ksql":          `{resourceType: KSQLDB, cluster: dev, ksqlDB: ksql-a, permissions: [ksqldbAccess]}`,
	"acl-view":      `{resourceType: CLUSTER, name: dev, permissions: [clusterViewACL]}`,
	"acl-admin":     `{resourceType: CLUSTER, name: dev, permissions: [clusterManageACL]}`,
	"reader":        `{resourceType: SUBJECT, cluster: "*", patternType: PREFIXED, name: shop., permissions: [subjectView]}`,
	"writer":        `{resourceType: SUBJECT, cluster: "*", patternType: PREFIXED, name: shop., permissions: [subjectCreateUpdate]}`,
	"compatible":    `{resourceType: SUBJECT, cluster: "*", patternType: PREFIXED, name: shop., permissions: [subjectEditCompatibility]}`,
	"schema-admin":  `{resourceType: SUBJECT, cluster: "*", patternType: PREFIXED, name: shop., permissions: [subjectCreateUpdate, subjectEditCompatibility, subjectDelete]}`,
	"con-view":      `{resourceType: KAFKA_CONNECT, cluster: dev, kafkaConnect: connect-a, patternType: PREFIXED, name: shop., permissions: [kafkaConnectorViewConfig]}`,
	"con-create":    `{resourceType: KAFKA_CONNECT, cluster: dev, kafkaConnect: connect-a, patternType: PREFIXED, name: shop., permissions: [kafkaConnectorCreate]}`,
	"con-edit":      `{resourceType: KAFKA_CONNECT, cluster: dev, kafkaConnect: connect-a, patternType: PREFIXED, name: shop., permissions: [kafkaConnectorEditConfig]}`,
	"con-delete":    `{resourceType: KAFKA_CONNECT, cluster: dev, kafkaConnect: connect-a, patternType: PREFIXED, name: shop., permissions: [kafkaConnectorDelete]}`,
	"consumer":      `{resourceType: TOPIC, cluster: dev, patternType: LITERAL, name: shop.paid, permissions: [topicConsume]}`,
	"quality":       `{resourceType: TOPIC, cluster: gw, patternType: PREFIXED, name: shop., permissions: [topicDataQualityManage]}`,
	"quality-one":   `{resourceType: TOPIC, cluster: gw, patternType: LITERAL, name: shop.paid, permissions: [topicDataQualityManage]}`,
	"owner":         ``,
	"member":        ``,
}

const accessWorld = `
apiVersion: v2
kind: KafkaCluster
metadata: {name: dev}
spec: {displayName: Dev, bootstrapServers: "kafka:9092"}
---
apiVersion: v2
kind: KafkaCluster
metadata: {name: gw}
spec:
  displayName: Gateway
  bootstrapServers: gateway:6969
  kafkaFlavor: {type: Gateway, url: "http://gateway:8888", user: admin, password: not-a-real-password, virtualCluster: passthrough}
---
apiVersion: v2
kind: KafkaCluster
metadata: {name: aws}
spec:
  displayName: AWS
  bootstrapServers: kafka:9092
  schemaRegistry: {type: Glue, region: eu-west-1, security: {type: FromContext}}
---
apiVersion: v2
kind: KafkaConnectCluster
metadata: {name: connect-a, cluster: dev}
spec: {displayName: Connect, urls: "http://connect:8083"}
---
apiVersion: v2
kind: KafkaConnectCluster
metadata: {name: connect-b, cluster: dev}
spec: {displayName: Connect, urls: "http://connect:8083"}
---
apiVersion: v2
kind: KsqlDBCluster
metadata: {name: ksql-a, cluster: dev}
spec: {displayName: Ksql, url: "http://ksql:8088"}
---
apiVersion: v2
kind: KsqlDBCluster
metadata: {name: ksql-b, cluster: dev}
spec: {displayName: Ksql, url: "http://ksql:8088"}
---
apiVersion: v2
kind: Group
metadata: {name: owners}
spec: {displayName: Owners, members: [owner@access.example]}
---
apiVersion: v2
kind: Group
metadata: {name: members}
spec: {displayName: Members, members: [member@access.example]}
---
apiVersion: v1
kind: TopicPolicy
metadata: {name: limits}
spec: {policies: {}}
---
apiVersion: v1
kind: ResourcePolicy
metadata: {name: rules}
spec: {targetKind: Topic, rules: []}
---
apiVersion: v1
kind: Application
metadata: {name: shop}
spec: {title: Shop, owner: owners}
---
apiVersion: v1
kind: ApplicationInstance
metadata: {name: shop-dev, application: shop}
spec:
  cluster: dev
  resources:
    - {type: TOPIC, name: shop., patternType: PREFIXED}
    - {type: SUBJECT, name: shop., patternType: PREFIXED}
    - {type: CONNECTOR, connectCluster: connect-a, name: shop., patternType: PREFIXED, ownershipMode: LIMITED}
---
apiVersion: mockduktor/v1
kind: APIKey
metadata: {name: shop-key}
spec: {token: key-of-shop, type: applicationInstance, applicationInstance: shop-dev}
---
apiVersion: v2
kind: Topic
metadata: {name: shop.paid, cluster: dev}
spec: {partitions: 1, replicationFactor: 1}
---
apiVersion: v2
kind: Topic
metadata: {name: mail.sent, cluster: dev}
spec: {partitions: 1, replicationFactor: 1}
---
apiVersion: v2
kind: Subject
metadata: {name: shop.paid-value, cluster: dev}
spec: {format: JSON, schema: "{}", compatibility: BACKWARD}
---
apiVersion: v2
kind: Subject
metadata: {name: mail.sent-value, cluster: dev}
spec: {format: JSON, schema: "{}"}
---
apiVersion: v2
kind: GlueSchema
metadata: {name: shop.paid, cluster: aws}
spec: {format: JSON, schema: "{}", compatibility: BACKWARD}
---
apiVersion: v2
kind: Connector
metadata: {name: shop.sink, cluster: dev, connectCluster: connect-a}
spec: {config: {connector.class: X}}
---
apiVersion: v2
kind: Connector
metadata: {name: mail.sink, cluster: dev, connectCluster: connect-a}
spec: {config: {connector.class: X}}
---
apiVersion: v1
kind: IndexedTopic
metadata: {name: shop.paid, cluster: dev}
spec: {retentionTimeInSecond: 60}
---
apiVersion: v1
kind: IndexedTopic
metadata: {name: mail.sent, cluster: dev}
spec: {retentionTimeInSecond: 60}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: sa-central, cluster: dev}
spec: {authorization: {type: KAFKA_ACL, acls: []}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: sa-shop, cluster: dev, appInstance: shop-dev}
spec: {authorization: {type: KAFKA_ACL, acls: []}}
---
apiVersion: v2
kind: PartnerZone
metadata: {name: zone}
spec: {cluster: gw, authenticationMode: {type: PLAIN, serviceAccount: p}}
---
apiVersion: v1
kind: DataQualityRule
metadata: {name: has-id}
spec: {type: Cel, celExpression: has(value.id), displayName: Has id}
---
apiVersion: v1
kind: DataQualityPolicy
metadata: {name: on-paid, group: members}
spec: {displayName: On paid, rules: [has-id], targets: [{cluster: gw, topic: shop.paid, patternType: LITERAL}], actions: {}}
---
apiVersion: v1
kind: DataQualityPolicy
metadata: {name: on-shop, group: owners}
spec: {displayName: On shop, targets: [{cluster: gw, topic: shop., patternType: PREFIXED}], actions: {}}
---
apiVersion: v3
kind: Integration
metadata: {name: Slack}
spec: {config: {token: not-a-real-token}}
---
apiVersion: v2
kind: Alert
metadata: {name: old, cluster: dev}
spec: {type: BrokerAlert, metric: MessageIn, operator: GreaterThan, threshold: 1}
---
apiVersion: v3
kind: Alert
metadata: {name: mine, group: members}
spec: {type: BrokerAlert, cluster: dev, metric: MessageIn, operator: GreaterThan, threshold: 1}
---
apiVersion: v3
kind: Alert
metadata: {name: mine, user: nobody@access.example}
spec: {type: BrokerAlert, cluster: dev, metric: MessageIn, operator: GreaterThan, threshold: 1}
---
apiVersion: v3
kind: Alert
metadata: {name: ours, appInstance: shop-dev}
spec: {type: BrokerAlert, cluster: dev, metric: MessageIn, operator: GreaterThan, threshold: 1}
`

// startAccess serves the world and its people; token gives the bearer of one,
// "root" of the root admin, "key" of the API key of the instance shop-dev.
func startAccess(t testing.TB) (*kindWorld, func(who string) string) {
	t.Helper()
	documents := []string{accessWorld}
	for who, permission := range accessPeople {
		email := who + "@access.example"
		documents = append(documents,
			fmt.Sprintf("apiVersion: mockduktor/v1\nkind: Person\nmetadata: {name: %s}\nspec: {email: %s, password: %s-password}", who, email, who),
			fmt.Sprintf("apiVersion: v2\nkind: User\nmetadata: {name: %s}\nspec: {permissions: [%s]}", email, permission))
	}
	world := startKinds(t, documents...)
	tokens := map[string]string{"root": world.root, "key": "key-of-shop"}
	return world, func(who string) string {
		if tokens[who] == "" {
			var login struct {
				AccessToken string `json:"access_token"`
			}
			call(t, world.Server, http.MethodPost, "/api/login", "", map[string]string{"username": who, "password": who + "-password"}).json(t, &login)
			if login.AccessToken == "" {
				t.Fatalf("%s cannot log in", who)
			}
			tokens[who] = login.AccessToken
		}
		return tokens[who]
	}
}

// accessCase says who may do what with one resource; everybody else is refused.
type accessCase struct {
	name     string
	existing string // document, that is in the world
	new      string // document, that is not; "" for none
	change   string // path=value of a change of existing
	read     []string
	create   []string
	update   []string
	delete   []string
}

var accessCases = []accessCase{
	{name: "KafkaCluster",
		existing: "apiVersion: v2\nkind: KafkaCluster\nmetadata: {name: dev}\nspec: {displayName: Dev, bootstrapServers: 'kafka:9092'}",
		new:      "apiVersion: v2\nkind: KafkaCluster\nmetadata: {name: new}\nspec: {displayName: New, bootstrapServers: 'kafka:9092'}",
		change:   "spec/displayName=Changed",
		read: []string{"connections", "ksql", "acl-view", "acl-admin", "reader", "writer", "compatible", "schema-admin",
			"con-view", "con-create", "con-edit", "con-delete", "consumer", "owner"},
		create: []string{"connections"}, update: []string{"connections"}},
	{name: "KafkaConnectCluster",
		existing: "apiVersion: v2\nkind: KafkaConnectCluster\nmetadata: {name: connect-a, cluster: dev}\nspec: {displayName: Connect, urls: 'http://connect:8083'}",
		new:      "apiVersion: v2\nkind: KafkaConnectCluster\nmetadata: {name: new, cluster: dev}\nspec: {displayName: Connect, urls: 'http://connect:8083'}",
		change:   "spec/displayName=Changed",
		read:     []string{"connections", "con-view", "con-create", "con-edit", "con-delete", "owner"}, create: []string{"connections"}, update: []string{"connections"}},
	{name: "KsqlDBCluster",
		existing: "apiVersion: v2\nkind: KsqlDBCluster\nmetadata: {name: ksql-a, cluster: dev}\nspec: {displayName: Ksql, url: 'http://ksql:8088'}",
		new:      "apiVersion: v2\nkind: KsqlDBCluster\nmetadata: {name: new, cluster: dev}\nspec: {displayName: Ksql, url: 'http://ksql:8088'}",
		change:   "spec/displayName=Changed",
		read:     []string{"connections", "ksql"}, create: []string{"connections"}, update: []string{"connections"}, delete: []string{"connections"}},
	{name: "TopicPolicy",
		existing: "apiVersion: v1\nkind: TopicPolicy\nmetadata: {name: limits}\nspec: {policies: {}}",
		new:      "apiVersion: v1\nkind: TopicPolicy\nmetadata: {name: new}\nspec: {policies: {}}",
		change:   "spec/policies/x/constraint=",
		read:     everyPerson()},
	{name: "ResourcePolicy",
		existing: "apiVersion: v1\nkind: ResourcePolicy\nmetadata: {name: rules}\nspec: {targetKind: Topic, rules: []}",
		new:      "apiVersion: v1\nkind: ResourcePolicy\nmetadata: {name: new}\nspec: {targetKind: Topic, rules: []}",
		change:   "spec/description=Changed", read: everyPerson()},
	{name: "Subject",
		existing: "apiVersion: v2\nkind: Subject\nmetadata: {name: shop.paid-value, cluster: dev}\nspec: {format: JSON, schema: '{}', compatibility: BACKWARD}",
		new:      "apiVersion: v2\nkind: Subject\nmetadata: {name: shop.new-value, cluster: dev}\nspec: {format: JSON, schema: '{}', compatibility: FULL}",
		change:   `spec/schema={"title":"x"}`,
		read:     []string{"reader", "owner", "key"}, create: []string{"writer", "schema-admin", "owner", "key"},
		update: []string{"writer", "schema-admin", "owner", "key"}, delete: []string{"schema-admin", "owner", "key"}},
	{name: "Subject's compatibility",
		existing: "apiVersion: v2\nkind: Subject\nmetadata: {name: shop.paid-value, cluster: dev}\nspec: {format: JSON, schema: '{}', compatibility: BACKWARD}",
		change:   "spec/compatibility=FULL",
		read:     []string{"reader", "owner", "key"}, update: []string{"compatible", "schema-admin", "owner", "key"}, delete: []string{"schema-admin", "owner", "key"}},
	{name: "GlueSchema",
		existing: "apiVersion: v2\nkind: GlueSchema\nmetadata: {name: shop.paid, cluster: aws}\nspec: {format: JSON, schema: '{}', compatibility: BACKWARD}",
		new:      "apiVersion: v2\nkind: GlueSchema\nmetadata: {name: shop.new, cluster: aws}\nspec: {format: JSON, schema: '{}', compatibility: BACKWARD}",
		change:   "spec/compatibility=NONE",
		read:     []string{"reader"}, create: []string{"writer", "schema-admin"}, update: []string{"compatible", "schema-admin"}, delete: []string{"schema-admin"}},
	{name: "Connector",
		existing: "apiVersion: v2\nkind: Connector\nmetadata: {name: shop.sink, cluster: dev, connectCluster: connect-a}\nspec: {config: {connector.class: X}}",
		new:      "apiVersion: v2\nkind: Connector\nmetadata: {name: shop.new, cluster: dev, connectCluster: connect-a}\nspec: {config: {connector.class: X}}",
		change:   "spec/config/tasks.max=2",
		// The instance owns its connectors LIMITED.
		read: []string{"con-view", "owner", "key"}, create: []string{"con-create"}, update: []string{"con-edit"}, delete: []string{"con-delete"}},
	{name: "IndexedTopic",
		existing: "apiVersion: v1\nkind: IndexedTopic\nmetadata: {name: shop.paid, cluster: dev}\nspec: {retentionTimeInSecond: 60}",
		change:   "spec/enabled=true",
		read:     []string{"consumer", "owner"}, update: []string{"sql"}, delete: []string{"sql"}},
	{name: "ServiceAccount of the platform team",
		existing: "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: sa-central, cluster: dev}\nspec: {authorization: {type: KAFKA_ACL, acls: []}}",
		new:      "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: new, cluster: dev}\nspec: {authorization: {type: KAFKA_ACL, acls: []}}",
		change:   "metadata/labels/a=b",
		read:     []string{"acl-view"}, create: []string{"acl-admin"}, update: []string{"acl-admin"}, delete: []string{"acl-admin"}},
	{name: "ServiceAccount of an application",
		existing: "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: sa-shop, cluster: dev, appInstance: shop-dev}\nspec: {authorization: {type: KAFKA_ACL, acls: []}}",
		new:      "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: new, cluster: dev, appInstance: shop-dev}\nspec: {authorization: {type: KAFKA_ACL, acls: []}}",
		change:   "metadata/labels/a=b",
		read:     []string{"acl-view", "owner", "key"}, create: []string{"acl-admin", "owner", "key"}, update: []string{"acl-admin", "owner", "key"}, delete: []string{"acl-admin", "owner", "key"}},
	{name: "a ServiceAccount that is to change hands",
		existing: "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: sa-central, cluster: dev}\nspec: {authorization: {type: KAFKA_ACL, acls: []}}",
		change:   "metadata/appInstance=shop-dev",
		read:     []string{"acl-view"}, update: []string{"acl-admin"}, delete: []string{"acl-admin"}},
	{name: "PartnerZone",
		existing: "apiVersion: v2\nkind: PartnerZone\nmetadata: {name: zone}\nspec: {cluster: gw, authenticationMode: {type: PLAIN, serviceAccount: p}}",
		new:      "apiVersion: v2\nkind: PartnerZone\nmetadata: {name: new}\nspec: {cluster: gw, authenticationMode: {type: PLAIN, serviceAccount: p}}",
		change:   "spec/displayName=Changed"},
	{name: "DataQualityRule",
		existing: "apiVersion: v1\nkind: DataQualityRule\nmetadata: {name: has-id}\nspec: {type: Cel, celExpression: has(value.id), displayName: Has id}",
		new:      "apiVersion: v1\nkind: DataQualityRule\nmetadata: {name: new}\nspec: {type: Cel, celExpression: 'true', displayName: New}",
		change:   "spec/displayName=Changed",
		// Who owns topics may manage the quality of them.
		read: []string{"quality", "quality-one", "owner"}, create: []string{"quality", "quality-one", "owner"}, update: []string{"quality", "quality-one", "owner"}},
	{name: "built-in DataQualityRule",
		existing: "apiVersion: v1\nkind: DataQualityRule\nmetadata: {name: enforce-avro}\nspec: {}",
		read:     []string{"quality", "quality-one", "owner"}},
	{name: "DataQualityPolicy on a topic",
		existing: "apiVersion: v1\nkind: DataQualityPolicy\nmetadata: {name: on-paid, group: members}\nspec: {displayName: On paid, rules: [has-id], targets: [{cluster: gw, topic: shop.paid, patternType: LITERAL}], actions: {}}",
		new:      "apiVersion: v1\nkind: DataQualityPolicy\nmetadata: {name: new, group: members}\nspec: {displayName: New, targets: [{cluster: gw, topic: shop.paid, patternType: LITERAL}], actions: {}}",
		change:   "spec/displayName=Changed",
		read:     []string{"quality", "quality-one", "member"}, create: []string{"quality", "quality-one"}, update: []string{"quality", "quality-one"}, delete: []string{"quality", "quality-one"}},
	{name: "DataQualityPolicy on a prefix",
		existing: "apiVersion: v1\nkind: DataQualityPolicy\nmetadata: {name: on-shop, group: owners}\nspec: {displayName: On shop, targets: [{cluster: gw, topic: shop., patternType: PREFIXED}], actions: {}}",
		new:      "apiVersion: v1\nkind: DataQualityPolicy\nmetadata: {name: new, group: members}\nspec: {displayName: New, targets: [{cluster: gw, topic: shop.x, patternType: PREFIXED}], actions: {}}",
		change:   "spec/displayName=Changed",
		read:     []string{"quality", "owner"}, create: []string{"quality"}, update: []string{"quality"}, delete: []string{"quality"}},
	{name: "DataQualityPolicy on what is not theirs",
		existing: "apiVersion: v1\nkind: DataQualityPolicy\nmetadata: {name: on-paid, group: members}\nspec: {displayName: On paid, rules: [has-id], targets: [{cluster: gw, topic: shop.paid, patternType: LITERAL}], actions: {}}",
		new:      "apiVersion: v1\nkind: DataQualityPolicy\nmetadata: {name: new, group: members}\nspec: {displayName: New, targets: [{cluster: gw, topic: shop.paid, patternType: LITERAL}, {cluster: gw, topic: mail.sent, patternType: LITERAL}], actions: {}}",
		change:   "metadata/group=owners",
		read:     []string{"quality", "quality-one", "member"}, update: []string{"quality", "quality-one"}, delete: []string{"quality", "quality-one"}},
	{name: "Integration",
		existing: "apiVersion: v3\nkind: Integration\nmetadata: {name: Slack}\nspec: {config: {token: not-a-real-token}}",
		new:      "apiVersion: v3\nkind: Integration\nmetadata: {name: Teams}\nspec: {}",
		change:   "spec/config/token=another",
		read:     []string{"channel-view"}, create: []string{"channel-admin"}, update: []string{"channel-admin"}, delete: []string{"channel-admin"}},
	{name: "Alert v2",
		existing: "apiVersion: v2\nkind: Alert\nmetadata: {name: old, cluster: dev}\nspec: {type: BrokerAlert, metric: MessageIn, operator: GreaterThan, threshold: 1}",
		new:      "apiVersion: v2\nkind: Alert\nmetadata: {name: new, cluster: dev}\nspec: {type: BrokerAlert, metric: MessageIn, operator: GreaterThan, threshold: 1}",
		change:   "spec/description=Changed"},
	{name: "Alert of a group",
		existing: "apiVersion: v3\nkind: Alert\nmetadata: {name: mine, group: members}\nspec: {type: BrokerAlert, cluster: dev, metric: MessageIn, operator: GreaterThan, threshold: 1}",
		new:      "apiVersion: v3\nkind: Alert\nmetadata: {name: new, group: members}\nspec: {type: BrokerAlert, cluster: dev, metric: MessageIn, operator: GreaterThan, threshold: 1}",
		change:   "spec/description=Changed",
		read:     []string{"member"}, create: []string{"member"}, update: []string{"member"}, delete: []string{"member"}},
	{name: "Alert of a user",
		existing: "apiVersion: v3\nkind: Alert\nmetadata: {name: mine, user: nobody@access.example}\nspec: {type: BrokerAlert, cluster: dev, metric: MessageIn, operator: GreaterThan, threshold: 1}",
		new:      "apiVersion: v3\nkind: Alert\nmetadata: {name: new, user: Nobody@Access.example}\nspec: {type: BrokerAlert, cluster: dev, metric: MessageIn, operator: GreaterThan, threshold: 1}",
		change:   "spec/description=Changed",
		read:     []string{"nobody"}, create: []string{"nobody"}, update: []string{"nobody"}, delete: []string{"nobody"}},
	{name: "Alert of an application instance",
		existing: "apiVersion: v3\nkind: Alert\nmetadata: {name: ours, appInstance: shop-dev}\nspec: {type: BrokerAlert, cluster: dev, metric: MessageIn, operator: GreaterThan, threshold: 1}",
		new:      "apiVersion: v3\nkind: Alert\nmetadata: {name: new, appInstance: shop-dev}\nspec: {type: BrokerAlert, cluster: dev, metric: MessageIn, operator: GreaterThan, threshold: 1}",
		change:   "spec/description=Changed",
		read:     []string{"owner"}, create: []string{"owner"}, update: []string{"owner"}, delete: []string{"owner"}},
}

func everyPerson() []string {
	people := []string{}
	for who := range accessPeople {
		people = append(people, who)
	}
	return people
}

// deleteElsewhere are resources that something holds: that deleting them is
// refused is tested with the rules.
var deleteElsewhere = []string{"KafkaCluster", "KafkaConnectCluster", "DataQualityRule", "TopicPolicy"}

func TestKindAccess(t *testing.T) {
	world, token := startAccess(t)
	callers := append(everyPerson(), "key", "root")
	slices.Sort(callers)
	for _, one := range accessCases {
		t.Run(one.name, func(t *testing.T) {
			existing := yamlObject(t, one.existing)
			changed := existing
			if path, value, ok := strings.Cut(one.change, "="); ok {
				changed = with(existing, path, value)
				if value == "true" {
					changed = with(existing, path, true)
				}
			}
			for _, who := range callers {
				one.readBy(t, world, token(who), who, existing)
				one.expect(t, who, "change", one.update, one.change == "" || strings.HasSuffix(one.change, "="), func() answer { return world.put(t, token(who), changed, true) })
				one.expect(t, who, "create", one.create, one.new == "", func() answer { return world.put(t, token(who), yamlObject(t, one.new), true) })
				if !slices.Contains(one.delete, who) && who != "root" {
					before := world.state(t)
					got := world.delete(t, token(who), existing)
					if got.status != http.StatusForbidden && !slices.Contains(deleteElsewhere, one.name) && one.name != "built-in DataQualityRule" {
						t.Errorf("%s deletes: %d %s", who, got.status, got.body)
					}
					sameState(t, before, world.state(t))
				}
			}
		})
	}
}

// expect runs a call and compares with who may make it; the root admin may.
func (a accessCase) expect(t *testing.T, who, what string, allowed []string, skip bool, run func() answer) {
	t.Helper()
	if skip {
		return
	}
	got, want := run(), http.StatusForbidden
	if who == "root" || slices.Contains(allowed, who) {
		want = http.StatusOK
	}
	if got.status != want {
		t.Errorf("%s: %s answers %d, want %d: %s", who, what, got.status, want, got.body)
	}
	if want == http.StatusForbidden && !strings.Contains(string(got.body), "issing permission") {
		t.Errorf("%s: %s says nothing of permissions: %s", who, what, got.body)
	}
}

// readBy reads the resource and looks for it in the list.
func (a accessCase) readBy(t *testing.T, world *kindWorld, token, who string, existing map[string]any) {
	t.Helper()
	a.expect(t, who, "read", a.read, false, func() answer { return world.get(t, token, existing) })
	list, _, owner := placeOf(t, existing)
	got := call(t, world.Server, http.MethodGet, withQuery(list, owner), token, nil)
	shown := strings.Contains(string(got.body), fmt.Sprintf(`"name":%q`, at(existing, "metadata/name")))
	if want := who == "root" || slices.Contains(a.read, who); shown != want {
		t.Errorf("%s: in the list: %v, want %v (%d %s)", who, shown, want, got.status, got.body)
	}
}

// TestKindDeletion: who may delete, does.
func TestKindDeletion(t *testing.T) {
	for _, one := range accessCases {
		for _, who := range one.delete {
			t.Run(one.name+" by "+who, func(t *testing.T) {
				world, token := startAccess(t)
				existing := yamlObject(t, one.existing)
				if got := world.delete(t, token(who), existing); got.status != http.StatusOK {
					t.Fatalf("%d %s", got.status, got.body)
				}
				refusedWith(t, world.get(t, world.root, existing), http.StatusNotFound, "not found")
			})
		}
	}
}

// TestSchemaAndCompatibility: changing both takes both permissions, and says
// which is missing.
func TestSchemaAndCompatibility(t *testing.T) {
	world, token := startAccess(t)
	both := yamlObject(t, `{apiVersion: v2, kind: Subject, metadata: {name: shop.paid-value, cluster: dev}, spec: {format: JSON, schema: '{"title":"x"}', compatibility: FULL}}`)
	refusedWith(t, world.put(t, token("writer"), both, true), http.StatusForbidden, "subjectEditCompatibility")
	refusedWith(t, world.put(t, token("compatible"), both, true), http.StatusForbidden, "subjectCreateUpdate")
	if got := world.put(t, token("schema-admin"), both, true); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestAlertOwners: names are of one owner, and whoever sees only one alert of a
// name need not say whose.
func TestAlertOwners(t *testing.T) {
	world, token := startAccess(t)
	const alerts = "/api/public/monitoring/v3/alert"
	get := func(who, path string) answer {
		return call(t, world.Server, http.MethodGet, alerts+path, token(who), nil)
	}
	if got := get("root", ""); strings.Count(string(got.body), `"name":"mine"`) != 2 {
		t.Errorf("all alerts: %s", got.body)
	}
	refusedWith(t, get("root", "/mine"), http.StatusBadRequest, "Several owners have the alert mine")
	refusedWith(t, get("root", "/mine?group=owners"), http.StatusNotFound, "mine not found")
	refusedWith(t, get("root", "?group=owners&user=x"), http.StatusBadRequest, "at most one of appInstance, group, user")
	for who, owner := range map[string]string{"member": `"group":"members"`, "nobody": `"user":"nobody@access.example"`} {
		if got := get(who, "/mine"); got.status != http.StatusOK || !strings.Contains(string(got.body), owner) {
			t.Errorf("%s: %d %s", who, got.status, got.body)
		}
		if got := get(who, ""); strings.Count(string(got.body), `"kind":"Alert"`) != 1 {
			t.Errorf("%s lists %s", who, got.body)
		}
	}
	if got := get("root", "/mine?user=NOBODY@access.example"); got.status != http.StatusOK {
		t.Errorf("the case of an e-mail address counts: %d %s", got.status, got.body)
	}
	refusedWith(t, get("owner", "/mine"), http.StatusNotFound, "mine not found")

	alert := yamlObject(t, `{apiVersion: v3, kind: Alert, metadata: {name: third, group: members}, spec: {type: BrokerAlert, cluster: dev, metric: MessageIn, operator: GreaterThan, threshold: 1}}`)
	// The CLI puts the owner into the query too; it must be the same.
	refusedWith(t, call(t, world.Server, http.MethodPut, alerts+"?group=owners", world.root, alert), http.StatusBadRequest, "differs")
	for _, want := range []kinds.Outcome{kinds.Created, kinds.NotChanged} {
		var result applied
		call(t, world.Server, http.MethodPut, alerts, world.root, alert).json(t, &result)
		if result.UpsertResult != want {
			t.Errorf("without the owner in the query: %s, want %s", result.UpsertResult, want)
		}
	}
	if got := call(t, world.Server, http.MethodDelete, alerts+"/third", token("member"), nil); got.status != http.StatusOK {
		t.Errorf("delete without the owner in the query: %d %s", got.status, got.body)
	}
	refusedWith(t, call(t, world.Server, http.MethodDelete, alerts+"/ours", token("member"), nil), http.StatusNotFound, "ours not found")
}

// TestFreePlan: paid kinds are refused, whoever asks.
func TestFreePlan(t *testing.T) {
	world := startKinds(t)
	world.Pair().Console.Settings.Plan = "free"
	got := call(t, world.Server, http.MethodGet, "/api/public/self-serve/v1/application", world.root, nil)
	refusedWith(t, got, http.StatusForbidden, "Application is not part of the free plan")
	if got := call(t, world.Server, http.MethodGet, "/api/public/iam/v2/user", world.root, nil); got.status != http.StatusOK {
		t.Errorf("users on the free plan: %d %s", got.status, got.body)
	}
}
