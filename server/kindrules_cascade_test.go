package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/server/kinds"
)

const cascadeWorld = `
apiVersion: v2
kind: KafkaCluster
metadata: {name: dev}
spec: {displayName: Dev, bootstrapServers: "kafka:9092"}
---
apiVersion: v2
kind: KafkaCluster
metadata: {name: keep}
spec: {displayName: Keep, bootstrapServers: "kafka:9092"}
---
apiVersion: v2
kind: KafkaConnectCluster
metadata: {name: connect-a, cluster: dev}
spec: {displayName: Connect, urls: "http://connect:8083"}
---
apiVersion: v2
kind: KsqlDBCluster
metadata: {name: ksql-a, cluster: dev}
spec: {displayName: Ksql, url: "http://ksql:8088"}
---
apiVersion: v2
kind: User
metadata: {name: Ada@cascade.example}
spec:
  permissions:
    - {resourceType: CLUSTER, name: dev, permissions: [clusterViewBroker]}
    - {resourceType: TOPIC, cluster: "*", patternType: LITERAL, name: "*", permissions: [topicConsume]}
---
apiVersion: v2
kind: Group
metadata: {name: readers}
spec:
  displayName: Readers
  members: [ada@cascade.example, bo@cascade.example]
  permissions:
    - {resourceType: TOPIC, cluster: dev, patternType: LITERAL, name: a, permissions: [topicConsume]}
    - {resourceType: KAFKA_CONNECT, cluster: dev, kafkaConnect: connect-a, patternType: LITERAL, name: "*", permissions: [kafkaConnectorStatus]}
    - {resourceType: KAFKA_CONNECT, cluster: dev, kafkaConnect: "*", patternType: LITERAL, name: "*", permissions: [kafkaConnectorStatus]}
    - {resourceType: KSQLDB, cluster: dev, ksqlDB: ksql-a, permissions: [ksqldbAccess]}
    - {resourceType: TOPIC, cluster: keep, patternType: LITERAL, name: a, permissions: [topicConsume]}
---
apiVersion: v1
kind: Application
metadata: {name: shop}
spec: {title: Shop, owner: readers}
---
apiVersion: v1
kind: ApplicationInstance
metadata: {name: shop-keep, application: shop}
spec: {cluster: keep, resources: [{type: TOPIC, name: shop., patternType: PREFIXED}]}
---
apiVersion: v1
kind: ApplicationGroup
metadata: {name: shop-support, application: shop}
spec: {displayName: Support, members: [ADA@cascade.example]}
---
apiVersion: v2
kind: Topic
metadata: {name: shop.paid, cluster: keep, labels: {tier: gold}}
spec: {partitions: 1, replicationFactor: 1}
---
apiVersion: v2
kind: Topic
metadata: {name: a, cluster: dev}
spec: {partitions: 1, replicationFactor: 1}
---
apiVersion: v2
kind: Subject
metadata: {name: a-value, cluster: dev}
spec: {format: JSON, schema: "{}"}
---
apiVersion: v2
kind: Subject
metadata: {name: b-value, cluster: dev}
spec: {format: JSON, schema: "{}", references: [{name: a, subject: a-value, version: 1}]}
---
apiVersion: v2
kind: Connector
metadata: {name: c, cluster: dev, connectCluster: connect-a}
spec: {config: {connector.class: X}}
---
apiVersion: v1
kind: IndexedTopic
metadata: {name: a, cluster: dev}
spec: {retentionTimeInSecond: 60}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: sa, cluster: dev}
spec: {authorization: {type: KAFKA_ACL, acls: []}}
---
apiVersion: mockduktor/v1
kind: TopicFigures
metadata: {name: a, cluster: dev}
spec: {recordCount: 5}
---
apiVersion: mockduktor/v1
kind: ConsumerGroup
metadata: {name: g, cluster: dev}
spec: {state: Stable, members: 1, overallLag: 5, topics: [a]}
---
apiVersion: v2
kind: Alert
metadata: {name: old, cluster: dev}
spec: {type: BrokerAlert, metric: MessageIn, operator: GreaterThan, threshold: 1}
---
apiVersion: v3
kind: Alert
metadata: {name: of-group, group: readers}
spec: {type: BrokerAlert, cluster: dev, metric: MessageIn, operator: GreaterThan, threshold: 1}
---
apiVersion: v3
kind: Alert
metadata: {name: of-user, user: ada@cascade.example}
spec: {type: BrokerAlert, cluster: keep, metric: MessageIn, operator: GreaterThan, threshold: 1}
---
apiVersion: v3
kind: Alert
metadata: {name: of-instance, appInstance: shop-keep}
spec: {type: BrokerAlert, cluster: keep, metric: MessageIn, operator: GreaterThan, threshold: 1}
---
apiVersion: mockduktor/v1
kind: APIKey
metadata: {name: by-ada}
spec: {token: key-by-ada, type: admin, createdBy: ada@cascade.example}
---
apiVersion: mockduktor/v1
kind: APIKey
metadata: {name: by-bo}
spec: {token: key-by-bo, type: admin, createdBy: bo@cascade.example}
---
apiVersion: mockduktor/v1
kind: APIKey
metadata: {name: of-instance}
spec: {token: key-of-instance, type: applicationInstance, applicationInstance: shop-keep}
---
apiVersion: mockduktor/v1
kind: Person
metadata: {name: ada}
spec: {email: ADA@cascade.example, password: ada-password, groups: []}
`

// keys are the names of what changed between two states, sorted, with a sign.
func changesBetween(before, after map[string]string) string {
	var changes []string
	for key, was := range before {
		now, there := after[key]
		if !there {
			changes = append(changes, "-"+key)
		} else if now != was {
			changes = append(changes, "~"+key)
		}
	}
	for key := range after {
		if _, there := before[key]; !there {
			changes = append(changes, "+"+key)
		}
	}
	slices.Sort(changes)
	return strings.Join(changes, " ")
}

// TestDeletionTakesAlong: what goes, and what changes, with a deleted resource.
func TestDeletionTakesAlong(t *testing.T) {
	for target, want := range map[string]string{
		"KafkaCluster dev": "-Alert/v2/dev/old -Alert/v3/group:readers/of-group -Connector/v2/dev/connect-a/c -ConsumerGroup/v1/dev/g -IndexedTopic/v1/dev/a " +
			"-KafkaCluster/v2/dev -KafkaConnectCluster/v2/dev/connect-a -KsqlDBCluster/v2/dev/ksql-a -ServiceAccount/v1/dev/sa " +
			"-Subject/v2/dev/a-value -Subject/v2/dev/b-value -Topic/v2/dev/a -TopicFigures/v1/dev/a ~Group/v2/readers ~User/v2/Ada@cascade.example",
		"KafkaConnectCluster dev/connect-a": "-Connector/v2/dev/connect-a/c -KafkaConnectCluster/v2/dev/connect-a ~Group/v2/readers",
		"KsqlDBCluster dev/ksql-a":          "-KsqlDBCluster/v2/dev/ksql-a ~Group/v2/readers",
		"Topic dev/a":                       "-IndexedTopic/v1/dev/a -Topic/v2/dev/a -TopicFigures/v1/dev/a",
		"User ada@cascade.example":          "", // another spelling is another name in the path
		"User Ada@cascade.example": "-APIKey/v1/by-ada -Alert/v3/user:ada@cascade.example/of-user -User/v2/Ada@cascade.example " +
			"~ApplicationGroup/v1/shop-support ~Group/v2/readers",
		"ApplicationInstance shop-keep": "-APIKey/v1/of-instance -Alert/v3/appInstance:shop-keep/of-instance -ApplicationInstance/v1/shop-keep ~Topic/v2/keep/shop.paid",
	} {
		t.Run(target, func(t *testing.T) {
			world := startKinds(t, cascadeWorld)
			before := world.state(t)
			resource := namedResource(target)
			if version := map[string]string{"KsqlDBCluster": "v2", "Topic": "v2"}[resource["kind"].(string)]; version != "" {
				resource["apiVersion"] = version
			}
			status := http.StatusOK
			if want == "" {
				status = http.StatusNotFound
			}
			if got := world.delete(t, world.root, resource); got.status != status {
				t.Fatalf("%d %s", got.status, got.body)
			}
			if got := changesBetween(before, world.state(t)); got != want {
				t.Errorf("changed\n%s\nwant\n%s", strings.ReplaceAll(got, " ", "\n"), strings.ReplaceAll(want, " ", "\n"))
			}
		})
	}
}

// TestStalePermissions: permissions on a cluster do not outlive it, those on all
// clusters do.
func TestStalePermissions(t *testing.T) {
	world := startKinds(t, cascadeWorld)
	permissions := func(kind, name string) []string {
		var list []string
		entries, _ := at(world.mustGet(t, namedResource(kind+" "+name)), "spec/permissions").([]any)
		for _, entry := range entries {
			permission := entry.(map[string]any)
			list = append(list, fmt.Sprint(permission["resourceType"], " ", permission["cluster"], permission["name"], " ", permission["kafkaConnect"], permission["ksqlDB"]))
		}
		return list
	}
	for _, one := range []struct{ target, kind, name, want string }{
		{"KafkaConnectCluster dev/connect-a", "Group", "readers", "[TOPIC deva <nil> <nil> KAFKA_CONNECT dev* *<nil> KSQLDB dev<nil> <nil>ksql-a TOPIC keepa <nil> <nil>]"},
		{"KsqlDBCluster dev/ksql-a", "Group", "readers", "[TOPIC deva <nil> <nil> KAFKA_CONNECT dev* *<nil> TOPIC keepa <nil> <nil>]"},
		{"KafkaCluster dev", "Group", "readers", "[TOPIC keepa <nil> <nil>]"},
		{"", "User", "Ada@cascade.example", "[TOPIC ** <nil> <nil>]"},
	} {
		if one.target != "" {
			resource := namedResource(one.target)
			resource["apiVersion"] = "v2"
			if got := world.delete(t, world.root, resource); got.status != http.StatusOK {
				t.Fatalf("%d %s", got.status, got.body)
			}
		}
		if got := fmt.Sprint(permissions(one.kind, one.name)); got != one.want {
			t.Errorf("after %q: %s, want %s", one.target, got, one.want)
		}
	}
}

// TestDeletedUser: their sessions and keys end at once; a new sign-in makes them
// anew, without what they had.
func TestDeletedUser(t *testing.T) {
	world := startKinds(t, cascadeWorld)
	signIn := func() string {
		var login struct {
			AccessToken string `json:"access_token"`
		}
		call(t, world.Server, http.MethodPost, "/api/login", "", map[string]string{"username": "ada", "password": "ada-password"}).json(t, &login)
		return login.AccessToken
	}
	whoami := func(token string) int {
		return call(t, world.Server, http.MethodGet, "/api/token/v1/whoami", token, nil).status
	}
	session := signIn()
	for _, token := range []string{session, "key-by-ada", "key-by-bo"} {
		if got := whoami(token); got != http.StatusOK {
			t.Fatalf("before: %d", got)
		}
	}
	if got := world.delete(t, world.root, namedResource("User Ada@cascade.example")); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	for token, want := range map[string]int{session: http.StatusUnauthorized, "key-by-ada": http.StatusUnauthorized, "key-by-bo": http.StatusOK} {
		if got := whoami(token); got != want {
			t.Errorf("%s: %d, want %d", token, got, want)
		}
	}
	if got := fmt.Sprint(at(world.mustGet(t, namedResource("Group readers")), "spec/members")); got != "[bo@cascade.example]" {
		t.Errorf("members %s", got)
	}
	again := signIn()
	if got := world.namesOf(t, again, "/public/kafka/v2/cluster/keep/topic"); len(got) != 0 {
		t.Errorf("the new user sees %v", got)
	}
}

// TestOwnerLabels come with an instance, change with it and go with it.
func TestOwnerLabels(t *testing.T) {
	world := startKinds(t, strings.ReplaceAll(cascadeWorld, "tier: gold", "tier: gold, conduktor.io/application: forged"))
	instance := yamlObject(t, `{apiVersion: v1, kind: ApplicationInstance, metadata: {name: shop-dev, application: shop}, spec: {cluster: dev, resources: [
		{type: SUBJECT, name: a-, patternType: PREFIXED}, {type: CONNECTOR, connectCluster: connect-a, name: c, patternType: LITERAL}]}}`)
	labels := func(document string) string {
		t.Helper()
		return fmt.Sprint(at(world.mustGet(t, yamlObject(t, document)), "metadata/labels"))
	}
	const (
		topic     = `{apiVersion: v2, kind: Topic, metadata: {name: shop.paid, cluster: keep}}`
		subject   = `{apiVersion: v2, kind: Subject, metadata: {name: a-value, cluster: dev}}`
		connector = `{apiVersion: v2, kind: Connector, metadata: {name: c, cluster: dev, connectCluster: connect-a}}`
		ofShop    = "map[conduktor.io/application:shop conduktor.io/application-instance:shop-dev]"
	)
	if got := labels(topic); got != "map[conduktor.io/application:shop conduktor.io/application-instance:shop-keep tier:gold]" {
		t.Errorf("labels of the topic: %s", got)
	}
	for _, one := range []struct {
		apply func()
		want  string
	}{
		{func() {}, "<nil>"},
		{func() { world.mustPut(t, instance, kinds.Created) }, ofShop},
		{func() { world.mustPut(t, with(instance, "spec/resources", []any{}), kinds.Updated) }, "<nil>"},
		{func() { world.mustPut(t, instance, kinds.Updated) }, ofShop},
		{func() { world.delete(t, world.root, instance) }, "<nil>"},
	} {
		one.apply()
		for _, document := range []string{subject, connector} {
			if got := labels(document); got != one.want {
				t.Errorf("labels of %s: %s, want %s", document, got, one.want)
			}
		}
	}
	// Relabelling makes no new version of a schema.
	if got := fmt.Sprint(at(world.mustGet(t, yamlObject(t, subject)), "spec/version")); got != "1" {
		t.Errorf("version %s", got)
	}
}
