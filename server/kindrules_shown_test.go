package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/server/kinds"
)

// show reads fields of a resource, joined by spaces.
func (w *kindWorld) show(t testing.TB, resource map[string]any, paths ...string) string {
	t.Helper()
	object := w.mustGet(t, resource)
	var values []string
	for _, path := range paths {
		values = append(values, fmt.Sprint(at(object, path)))
	}
	return strings.Join(values, " ")
}

// TestSubjectVersions: the version grows with the schema alone, the id is the
// schema's.
func TestSubjectVersions(t *testing.T) {
	world := startKinds(t, ruleWorld)
	subject := yamlObject(t, `{apiVersion: v2, kind: Subject, metadata: {name: x-value, cluster: dev}, spec: {format: AVRO, schema: '{"type":"string"}'}}`)
	world.mustPut(t, subject, kinds.Created)
	first := world.show(t, subject, "spec/id", "spec/version")
	if !strings.HasSuffix(first, " 1") {
		t.Fatalf("id and version %s", first)
	}
	for _, one := range []struct {
		path    string
		value   any
		outcome kinds.Outcome
		version string
	}{
		{"spec/schema", "{\n  \"type\": \"string\"\n}", kinds.NotChanged, " 1"}, // white space is nothing to a registry
		{"spec/compatibility", "FULL", kinds.Updated, " 1"},
		{"metadata/labels", map[string]any{"a": "b"}, kinds.Updated, " 1"},
		{"spec/schema", `{"type":"long"}`, kinds.Updated, " 2"},
		{"spec/schema", `{"type":"long"}`, kinds.NotChanged, " 2"},
		{"spec/version", 9, kinds.NotChanged, " 2"}, // read-only
		{"spec/schema", `{"type":"string"}`, kinds.Updated, " 3"},
		{"spec/references", []any{map[string]any{"name": "m", "subject": "money-value", "version": 1}}, kinds.Updated, " 4"},
		{"spec/format", "JSON", kinds.Updated, " 5"},
	} {
		subject = with(subject, one.path, one.value)
		world.mustPut(t, subject, one.outcome)
		if got := world.show(t, subject, "spec/id", "spec/version"); !strings.HasSuffix(got, one.version) {
			t.Errorf("%s = %v: id and version %s, want%s", one.path, one.value, got, one.version)
		}
	}
	again := yamlObject(t, `{apiVersion: v2, kind: Subject, metadata: {name: y-value, cluster: dev}, spec: {format: AVRO, schema: '{ "type" : "string" }'}}`)
	world.mustPut(t, again, kinds.Created)
	if got := world.show(t, again, "spec/id", "spec/version"); got != first {
		t.Errorf("the same schema elsewhere has %s, want %s", got, first)
	}
	if got := world.show(t, again, "spec/schema"); got != `{ "type" : "string" }` {
		t.Errorf("the schema came back as %s", got)
	}
}

func TestGlueSchemaVersions(t *testing.T) {
	world := startKinds(t, ruleWorld)
	schema := yamlObject(t, `{apiVersion: v2, kind: GlueSchema, metadata: {name: x, cluster: aws}, spec: {format: AVRO, schema: '{"type":"string"}', compatibility: NONE}}`)
	world.mustPut(t, schema, kinds.Created)
	first := world.show(t, schema, "spec/id", "spec/version")
	world.mustPut(t, with(schema, "spec/compatibility", "FULL"), kinds.Updated)
	if got := world.show(t, schema, "spec/id", "spec/version"); got != first || !strings.HasSuffix(got, " 1") {
		t.Errorf("another compatibility: %s, was %s", got, first)
	}
	world.mustPut(t, with(schema, "spec/schema", `"long"`), kinds.Updated)
	second := world.show(t, schema, "spec/id", "spec/version")
	if !strings.HasSuffix(second, " 2") || strings.Fields(second)[0] == strings.Fields(first)[0] {
		t.Errorf("another schema: %s, was %s", second, first)
	}
}

// TestServiceAccountDefaults: host and permission come back though they were not sent.
func TestServiceAccountDefaults(t *testing.T) {
	world := startKinds(t, ruleWorld)
	account := yamlObject(t, `{apiVersion: v1, kind: ServiceAccount, metadata: {name: x, cluster: dev}, spec: {authorization: {type: KAFKA_ACL, acls: [
		{type: TOPIC, name: a, patternType: LITERAL, operations: [Read]},
		{type: TOPIC, name: b, patternType: LITERAL, operations: [Read], host: 10.0.0.1, permission: Deny}]}}}`)
	made := world.mustPut(t, account, kinds.Created)
	acls := at(made, "spec/authorization/acls").([]any)
	if got := fmt.Sprint(at(acls[0].(map[string]any), "host"), at(acls[0].(map[string]any), "permission")); got != "* Allow" && got != "*Allow" {
		t.Errorf("defaults %s", got)
	}
	if got := fmt.Sprint(at(acls[1].(map[string]any), "host"), at(acls[1].(map[string]any), "permission")); !strings.Contains(got, "10.0.0.1") || !strings.Contains(got, "Deny") {
		t.Errorf("what was sent came back as %s", got)
	}
	world.mustPut(t, account, kinds.NotChanged)
	aiven := yamlObject(t, `{apiVersion: v1, kind: ServiceAccount, metadata: {name: x, cluster: aiven}, spec: {authorization: {type: AIVEN_ACL, acls: [
		{resourceType: TOPIC, name: a, permission: read}]}}}`)
	made = world.mustPut(t, aiven, kinds.Created)
	if got := at(made, "spec/authorization/acls").([]any)[0].(map[string]any); len(got) != 3 {
		t.Errorf("an Aiven ACL came back as %v", got)
	}
}

// TestServiceAccountWithinLimits: what an instance owns or was granted.
func TestServiceAccountWithinLimits(t *testing.T) {
	world := startKinds(t, ruleWorld)
	account := yamlObject(t, `{apiVersion: v1, kind: ServiceAccount, metadata: {name: sa-mail, cluster: dev, appInstance: mail-dev}, spec: {authorization: {type: KAFKA_ACL, acls: [
		{type: TOPIC, name: mail., patternType: PREFIXED, operations: [Read, Write, DescribeConfigs]},
		{type: TOPIC, name: shop.paid, patternType: LITERAL, operations: [Read]},
		{type: CLUSTER, name: kafka-cluster, patternType: LITERAL, operations: [DescribeConfigs]}]}}}`)
	world.mustPut(t, account, kinds.Updated)
	// The platform team is bound by none of it.
	central := yamlObject(t, `{apiVersion: v1, kind: ServiceAccount, metadata: {name: central, cluster: dev}, spec: {authorization: {type: KAFKA_ACL, acls: [
		{type: DELEGATION_TOKEN, name: x, patternType: LITERAL, operations: [All]}, {type: TOPIC, name: "*", patternType: LITERAL, operations: [All]}]}}}`)
	world.mustPut(t, central, kinds.Created)
}

// TestSettling: what has to reach a Gateway is pending until the world's clock
// says that it has.
func TestSettling(t *testing.T) {
	world := startKinds(t, ruleWorld)
	zone := yamlObject(t, `{apiVersion: v2, kind: PartnerZone, metadata: {name: new}, spec: {cluster: gw, authenticationMode: {type: PLAIN, serviceAccount: p}}}`)
	policy := yamlObject(t, `{apiVersion: v1, kind: DataQualityPolicy, metadata: {name: new, group: quality}, spec: {displayName: New, rules: [has-id], targets: [
		{cluster: gw, topic: a, patternType: LITERAL}, {cluster: gw, topic: b, patternType: LITERAL}], actions: {}}}`)
	expect := func(when, zoneStatus, policyStatus string) {
		t.Helper()
		if got := world.show(t, zone, "metadata/status", "metadata/updatedAt"); got != zoneStatus {
			t.Errorf("%s: partner zone %s, want %s", when, got, zoneStatus)
		}
		if got := world.show(t, policy, "metadata/status", "metadata/updatedAt"); got != policyStatus {
			t.Errorf("%s: policy %s, want %s", when, got, policyStatus)
		}
	}
	world.mustPut(t, zone, kinds.Created)
	world.mustPut(t, policy, kinds.Created)
	created := kindMoment.Format(time.RFC3339)
	expect("at once", "PENDING_CREATE "+created, "Pending "+created)
	world.Pair().World.Clock.Advance(2*time.Second - 1)
	expect("a little later", "PENDING_CREATE "+created, "Pending "+created)
	world.Pair().World.Clock.Advance(1)
	expect("after two seconds", "READY "+created, "Ready "+created)
	world.mustPut(t, zone, kinds.NotChanged)
	world.mustPut(t, policy, kinds.NotChanged)
	expect("put again", "READY "+created, "Ready "+created)
	world.mustPut(t, with(zone, "spec/description", "x"), kinds.Updated)
	world.mustPut(t, with(policy, "spec/description", "x"), kinds.Updated)
	updated := kindMoment.Add(2 * time.Second).Format(time.RFC3339)
	expect("changed", "PENDING_UPDATE "+updated, "Pending "+updated)
	if got := world.show(t, policy, "metadata/statuses", "metadata/createdAt"); got != fmt.Sprintf("[map[clusterSlug:gw status:Pending statusInfo:not deployed yet updatedAt:%s]] %s", updated, created) {
		t.Errorf("statuses and creation %s", got)
	}
	world.Pair().World.Clock.Advance(time.Hour)
	expect("an hour later", "READY "+updated, "Ready "+updated)
	// What the seed brought is in place, though the clock stands before the start.
	if got := world.show(t, namedPartnerZone("zone"), "metadata/status"); got != "READY" {
		t.Errorf("of the seed: %s", got)
	}
	if got := world.show(t, namedResource("DataQualityPolicy ids"), "metadata/status"); got != "Ready" {
		t.Errorf("of the seed: %s", got)
	}
}

func namedPartnerZone(name string) map[string]any {
	zone := namedResource("PartnerZone " + name)
	zone["apiVersion"] = "v2"
	return zone
}

// TestDataQualityAttachments: rules and policies show each other, by who looks.
func TestDataQualityAttachments(t *testing.T) {
	world, token := startAccess(t)
	rule := namedResource("DataQualityRule has-id")
	var shown map[string]any
	world.get(t, token("quality"), rule).json(t, &shown)
	if got := fmt.Sprint(at(shown, "metadata/attachedPolicies")); got != "[map[displayName:On paid name:on-paid readAccess:true]]" {
		t.Errorf("for who may read it: %s", got)
	}
	world.get(t, token("owner"), rule).json(t, &shown)
	if got := fmt.Sprint(at(shown, "metadata/attachedPolicies")); got != "[map[displayName:On paid name:on-paid readAccess:false]]" {
		t.Errorf("for who may not: %s", got)
	}
	policy := namedResource("DataQualityPolicy on-paid")
	if got := world.show(t, policy, "metadata/attachedRules"); got != "[map[displayName:Has id name:has-id]]" {
		t.Errorf("attached rules %s", got)
	}
	changed := yamlObject(t, "apiVersion: v1\nkind: DataQualityRule\nmetadata: {name: has-id}\nspec: {type: Cel, celExpression: has(value.id), displayName: With id, description: Needed}")
	var result applied
	world.put(t, token("quality"), changed, false).json(t, &result)
	if got := fmt.Sprint(at(result.Resource, "metadata/createdBy"), " ", at(result.Resource, "metadata/updatedBy"), " ", at(result.Resource, "metadata/builtIn")); got != "admin@mockduktor.example quality@access.example false" {
		t.Errorf("made and changed by %s", got)
	}
	if got := world.show(t, policy, "metadata/attachedRules", "metadata/createdBy", "metadata/nameForMetrics"); got != "[map[description:Needed displayName:With id name:has-id]] admin@mockduktor.example on-paid" {
		t.Errorf("after the rule changed: %s", got)
	}
}

// TestDataQualityOrder: lists go by display name, and back.
func TestDataQualityOrder(t *testing.T) {
	world := startKinds(t, ruleWorld)
	for name, display := range map[string]string{"z": "alpha", "a": "Beta", "m": "gamma"} {
		world.mustPutAny(t, yamlObject(t, fmt.Sprintf("apiVersion: v1\nkind: DataQualityRule\nmetadata: {name: %s}\nspec: {type: Cel, celExpression: 'true', displayName: %s}", name, display)))
		world.mustPutAny(t, yamlObject(t, fmt.Sprintf("apiVersion: v1\nkind: DataQualityPolicy\nmetadata: {name: %s, group: quality}\nspec: {displayName: %s, actions: {}}", name, display)))
	}
	for path, want := range map[string]string{
		"rule":                  "[z a enforce-avro enforce-schema-id m has-id]",
		"rule?descSort=false":   "[z a enforce-avro enforce-schema-id m has-id]",
		"rule?descSort=true":    "[has-id m enforce-schema-id enforce-avro a z]",
		"policy":                "[z a m ids]",
		"policy?descSort=true":  "[ids m a z]",
		"policy?descSort=false": "[z a m ids]",
	} {
		if got := fmt.Sprint(world.namesOf(t, world.root, "/public/data-quality/v1/data-quality-"+path)); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	refusedWith(t, call(t, world.Server, http.MethodGet, "/api/public/data-quality/v1/data-quality-rule?descSort=up", world.root, nil), http.StatusBadRequest, "descSort")
}

// TestDataQualityMetrics counts what the topics' figures say was produced.
func TestDataQualityMetrics(t *testing.T) {
	world := startKinds(t, ruleWorld, `
apiVersion: v2
kind: Topic
metadata: {name: shop.paid, cluster: gw}
spec: {partitions: 1, replicationFactor: 1}
---
apiVersion: v2
kind: Topic
metadata: {name: shop.sent, cluster: gw}
spec: {partitions: 1, replicationFactor: 1}
---
apiVersion: mockduktor/v1
kind: TopicFigures
metadata: {name: shop.paid, cluster: gw}
spec: {recordCount: 5, produceRate: 2.5}
---
apiVersion: mockduktor/v1
kind: TopicFigures
metadata: {name: shop.sent, cluster: gw}
spec: {recordCount: 5, produceRate: 10}
`)
	policy := yamlObject(t, `{apiVersion: v1, kind: DataQualityPolicy, metadata: {name: both, group: quality}, spec: {displayName: Both, targets: [{cluster: gw, topic: shop., patternType: PREFIXED}], actions: {}}}`)
	one := yamlObject(t, `{apiVersion: v1, kind: DataQualityPolicy, metadata: {name: one, group: quality}, spec: {displayName: One, targets: [{cluster: gw, topic: shop.paid, patternType: LITERAL}, {cluster: gw, topic: nope, patternType: LITERAL}], actions: {}}}`)
	world.mustPut(t, policy, kinds.Created)
	world.mustPut(t, one, kinds.Created)
	world.Pair().World.Clock.Advance(100 * time.Second)
	metrics := func(query string) string {
		var list []map[string]any
		call(t, world.Server, http.MethodGet, "/api/public/data-quality/v1/data-quality-policy"+query, world.root, nil).json(t, &list)
		var found []string
		for _, item := range list {
			if name := fmt.Sprint(at(item, "metadata/name")); name != "ids" {
				found = append(found, name+fmt.Sprint(at(item, "metadata/metrics")))
			}
		}
		return strings.Join(found, " ")
	}
	for query, want := range map[string]string{
		"":                      "both<nil> one<nil>",
		"?includeMetrics=false": "both<nil> one<nil>",
		"?includeMetrics=true":  "bothmap[evaluationsCount:1250 violationsCount:0] onemap[evaluationsCount:250 violationsCount:0]",
		"?includeMetrics=true&metricsFrom=" + kindMoment.Add(90*time.Second).Format(time.RFC3339): "bothmap[evaluationsCount:125 violationsCount:0] onemap[evaluationsCount:25 violationsCount:0]",
		"?includeMetrics=true&metricsFrom=" + kindMoment.Add(time.Hour).Format(time.RFC3339):      "bothmap[evaluationsCount:0 violationsCount:0] onemap[evaluationsCount:0 violationsCount:0]",
	} {
		if got := metrics(query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	refusedWith(t, call(t, world.Server, http.MethodGet, "/api/public/data-quality/v1/data-quality-policy?metricsFrom=now", world.root, nil), http.StatusBadRequest, "metricsFrom")
}

// TestAlertStatus: an alert fires when the figures of the world break it.
func TestAlertStatus(t *testing.T) {
	world := startKinds(t, ruleWorld, `
apiVersion: mockduktor/v1
kind: TopicFigures
metadata: {name: shop.paid, cluster: dev}
spec: {recordCount: 100, produceRate: 2.5, topicSize: 5000}
---
apiVersion: mockduktor/v1
kind: ConsumerGroup
metadata: {name: shop.worker, cluster: dev}
spec: {state: Stable, members: 1, overallLag: 50, maxLagTimeInSeconds: 7, topics: [shop.paid]}
---
apiVersion: mockduktor/v1
kind: ConsumerGroup
metadata: {name: shop.silent, cluster: dev}
spec: {state: Empty, members: 0, topics: [shop.paid]}
`)
	for spec, want := range map[string]string{
		"type: TopicAlert, topicName: shop.paid, metric: MessageCount, operator: GreaterThan, threshold: 99":                                      `Firing message_count{cluster="dev",topic="shop.paid"} > 99`,
		"type: TopicAlert, topicName: shop.paid, metric: MessageCount, operator: GreaterThan, threshold: 100":                                     `Healthy message_count{cluster="dev",topic="shop.paid"} > 100`,
		"type: TopicAlert, topicName: shop.paid, metric: MessageCount, operator: GreaterThanOrEqual, threshold: 100":                              `Firing message_count{cluster="dev",topic="shop.paid"} >= 100`,
		"type: TopicAlert, topicName: shop.paid, metric: MessageIn, operator: LessThan, threshold: 3":                                             `Firing message_in{cluster="dev",topic="shop.paid"} < 3`,
		"type: TopicAlert, topicName: shop.paid, metric: MessageSize, operator: NotEqual, threshold: 5000":                                        `Healthy message_size{cluster="dev",topic="shop.paid"} != 5000`,
		"type: TopicAlert, topicName: shop.paid, metric: MessageOut, operator: LessThan, threshold: 3":                                            `Pending message_out{cluster="dev",topic="shop.paid"} < 3`,
		"type: TopicAlert, topicName: nope, metric: MessageCount, operator: LessThan, threshold: 3":                                               `Pending message_count{cluster="dev",topic="nope"} < 3`,
		"type: ConsumerGroupAlert, consumerGroupName: shop.worker, metric: OffsetLag, operator: GreaterThan, threshold: 49":                       `Firing offset_lag{cluster="dev",group="shop.worker"} > 49`,
		"type: ConsumerGroupAlert, consumerGroupName: shop.worker, metric: TimeLag, operator: LessThanOrEqual, threshold: 6":                      `Healthy time_lag{cluster="dev",group="shop.worker"} <= 6`,
		"type: ConsumerGroupAlert, consumerGroupName: shop.silent, metric: TimeLag, operator: GreaterThan, threshold: 1":                          `Pending time_lag{cluster="dev",group="shop.silent"} > 1`,
		"type: ConsumerGroupAlert, consumerGroupName: nope, metric: TimeLag, operator: GreaterThan, threshold: 1":                                 `Pending time_lag{cluster="dev",group="nope"} > 1`,
		"type: BrokerAlert, metric: OfflinePartitionCount, operator: GreaterThan, threshold: 0":                                                   `Healthy offline_partition_count{cluster="dev"} > 0`,
		"type: BrokerAlert, metric: MessageIn, operator: GreaterThan, threshold: 0":                                                               `Pending message_in{cluster="dev"} > 0`,
		"type: KafkaConnectAlert, connectName: connect-a, connectorName: shop.sink, metric: FailedTaskCount, operator: GreaterThan, threshold: 0": `Healthy failed_task_count{cluster="dev",connect="connect-a",connector="shop.sink"} > 0`,
		"type: KafkaConnectAlert, connectName: connect-a, connectorName: nope, metric: FailedTaskCount, operator: GreaterThan, threshold: 0":      `Pending failed_task_count{cluster="dev",connect="connect-a",connector="nope"} > 0`,
		"type: TopicAlert, topicName: shop.paid, metric: MessageCount, operator: GreaterThan, threshold: 1, disable: true":                        `Pending message_count{cluster="dev",topic="shop.paid"} > 1`,
	} {
		alert := yamlObject(t, "apiVersion: v3\nkind: Alert\nmetadata: {name: x, group: owners}\nspec: {cluster: dev, "+spec+"}")
		world.mustPutAny(t, alert)
		if got := world.show(t, alert, "metadata/status", "spec/promQl"); got != want {
			t.Errorf("%s: %s, want %s", spec, got, want)
		}
		old := yamlObject(t, "apiVersion: v2\nkind: Alert\nmetadata: {name: x, cluster: dev}\nspec: {"+spec+"}")
		world.mustPutAny(t, old)
		if got := world.show(t, old, "metadata/status", "spec/promQl"); got != want {
			t.Errorf("v2 %s: %s, want %s", spec, got, want)
		}
	}
	quality := yamlObject(t, "{apiVersion: v3, kind: Alert, metadata: {name: many-violations, group: owners}}")
	if got := world.show(t, quality, "metadata/status", "spec/promQl"); got != `Healthy increase(data_quality_violations{policy="ids"}[60s]) >= 5` {
		t.Errorf("on a policy: %s", got)
	}
}

// TestAlertFollowsFigures: when the figures change, so does the alert, without
// being touched itself.
func TestAlertFollowsFigures(t *testing.T) {
	world := startKinds(t, ruleWorld, `
apiVersion: mockduktor/v1
kind: TopicFigures
metadata: {name: shop.paid, cluster: dev}
spec: {recordCount: 100}
`)
	alert := yamlObject(t, "apiVersion: v3\nkind: Alert\nmetadata: {name: x, group: owners}\nspec: {cluster: dev, type: TopicAlert, topicName: shop.paid, metric: MessageCount, operator: GreaterThan, threshold: 500}")
	world.mustPut(t, alert, kinds.Created)
	paths := []string{"metadata/status", "metadata/updatedAt", "metadata/lastTriggeredAt", "metadata/updatedBy"}
	created := kindMoment.Format(time.RFC3339)
	if got := world.show(t, alert, paths...); got != "Healthy "+created+" <nil> admin@mockduktor.example" {
		t.Errorf("at first %s", got)
	}
	world.Pair().World.Clock.Advance(time.Minute)
	applyDirectly(t, world, map[string]any{"apiVersion": "mockduktor/v1", "kind": "TopicFigures",
		"metadata": map[string]any{"name": "shop.paid", "cluster": "dev"}, "spec": map[string]any{"recordCount": 501}})
	if got := world.show(t, alert, paths...); got != "Firing "+created+" "+kindMoment.Add(time.Minute).Format(time.RFC3339)+" admin@mockduktor.example" {
		t.Errorf("after more messages %s", got)
	}
	world.mustPut(t, world.mustGet(t, alert), kinds.NotChanged)
}

// TestAlertFilters are those of the document, on both versions.
func TestAlertFilters(t *testing.T) {
	world := startKinds(t, ruleWorld)
	for name, spec := range map[string]string{
		"broker":    "type: BrokerAlert, metric: MessageIn",
		"topic":     "type: TopicAlert, topicName: shop.paid, metric: MessageIn",
		"group":     "type: ConsumerGroupAlert, consumerGroupName: g, topicName: shop.paid, metric: TimeLag",
		"connector": "type: KafkaConnectAlert, connectName: connect-a, connectorName: c, metric: FailedTaskCount",
	} {
		spec += ", operator: GreaterThan, threshold: 1"
		world.mustPutAny(t, yamlObject(t, "apiVersion: v3\nkind: Alert\nmetadata: {name: "+name+", group: owners}\nspec: {cluster: dev, "+spec+"}"))
		world.mustPutAny(t, yamlObject(t, "apiVersion: v2\nkind: Alert\nmetadata: {name: "+name+", cluster: dev}\nspec: {"+spec+"}"))
	}
	for query, want := range map[string]string{
		"":                                     "[broker connector group topic]",
		"topic=shop.paid":                      "[group topic]",
		"consumerGroup=g":                      "[group]",
		"connect=connect-a":                    "[connector]",
		"connector=c":                          "[connector]",
		"alertType=BrokerAlert":                "[broker]",
		"topic=shop.paid&alertType=TopicAlert": "[topic]",
		"topic=nope":                           "[]",
	} {
		if got := fmt.Sprint(world.namesOf(t, world.root, "/public/monitoring/v2/cluster/dev/alert?"+query)); got != want {
			t.Errorf("v2 %s: %s, want %s", query, got, want)
		}
		if query == "" {
			want = "[broker connector group many-violations topic]"
		}
		if got := fmt.Sprint(world.namesOf(t, world.root, "/public/monitoring/v3/alert?"+query)); got != want {
			t.Errorf("v3 %s: %s, want %s", query, got, want)
		}
	}
	for query, want := range map[string]string{
		"cluster=dev": "[broker connector group topic]", "cluster=other": "[]", "group=owners": "[broker connector group many-violations topic]",
		"group=quality": "[]", "alertType=DataQualityPolicyAlert": "[many-violations]",
	} {
		if got := fmt.Sprint(world.namesOf(t, world.root, "/public/monitoring/v3/alert?"+query)); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	refusedWith(t, call(t, world.Server, http.MethodGet, "/api/public/monitoring/v3/alert?alertType=Nope", world.root, nil), http.StatusBadRequest, "alertType")
}

// TestSecretsComeBack: what was put is what GET shows, passwords too.
func TestSecretsComeBack(t *testing.T) {
	world := startKinds(t, ruleWorld)
	cluster := yamlObject(t, `{apiVersion: v2, kind: KafkaCluster, metadata: {name: aiven}}`)
	if got := world.show(t, cluster, "spec/kafkaFlavor/apiToken"); got != "not-a-real-token" {
		t.Errorf("token %s", got)
	}
}
