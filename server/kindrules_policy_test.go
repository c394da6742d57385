package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/server/kinds"
)

// policyWorld has an instance that names the policies "limits" and "rules", which
// each case puts.
const policyWorld = `
apiVersion: v2
kind: KafkaCluster
metadata: {name: dev}
spec: {displayName: Dev, bootstrapServers: "kafka:9092", policiesRef: [later]}
---
apiVersion: v2
kind: KafkaConnectCluster
metadata: {name: connect-a, cluster: dev}
spec: {displayName: Connect, urls: "http://connect:8083"}
---
apiVersion: v2
kind: Group
metadata: {name: owners}
spec: {displayName: Owners}
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
  topicPolicyRef: [limits]
  policyRef: [rules]
  resources: [{type: TOPIC, name: shop., patternType: PREFIXED}]
`

func ruleTopic(name string, configs map[string]any, labels map[string]any) map[string]any {
	spec := map[string]any{"partitions": 6, "replicationFactor": 3}
	if configs != nil {
		spec["configs"] = configs
	}
	metadata := map[string]any{"name": name, "cluster": "dev"}
	if labels != nil {
		metadata["labels"] = labels
	}
	return map[string]any{"apiVersion": "v2", "kind": "Topic", "metadata": metadata, "spec": spec}
}

type ruleObject = map[string]any

func TestTopicPolicyConstraints(t *testing.T) {
	world := startKinds(t, policyWorld)
	plain := ruleTopic("shop.new", nil, nil)
	week := ruleTopic("shop.new", ruleObject{"retention.ms": "604800000", "cleanup.policy": "delete"}, ruleObject{"tier.level": "gold"})
	for _, one := range []struct {
		name       string
		field      string
		constraint ruleObject
		topic      map[string]any
		complaint  string // "" = accepted
	}{
		{"range", "spec.partitions", ruleObject{"constraint": "Range", "min": 1, "max": 6}, plain, ""},
		{"range from below", "spec.partitions", ruleObject{"constraint": "Range", "min": 6, "max": 9}, plain, ""},
		{"range above", "spec.partitions", ruleObject{"constraint": "Range", "min": 1, "max": 5}, plain, "spec.partitions must be between 1 and 5 (both included), is 6"},
		{"range below", "spec.replicationFactor", ruleObject{"constraint": "Range", "min": 4, "max": 5}, plain, "spec.replicationFactor must be between 4 and 5"},
		{"range with its bounds left out", "spec.partitions", ruleObject{"constraint": "Range", "min": 1, "max": 6, "inclusive": false}, plain, "between 1 and 6 (both excluded), is 6"},
		{"range within its bounds", "spec.partitions", ruleObject{"constraint": "Range", "min": 5, "max": 7, "inclusive": false}, plain, ""},
		{"range of a config", "spec.configs.retention.ms", ruleObject{"constraint": "Range", "min": 1, "max": 604800000}, week, ""},
		{"range beyond 32 bits", "spec.configs.retention.ms", ruleObject{"constraint": "Range", "min": 1, "max": 3600000}, ruleTopic("shop.new", ruleObject{"retention.ms": "9007199254740993"}, nil), "is 9007199254740993"},
		{"range of what is no number", "spec.configs.cleanup.policy", ruleObject{"constraint": "Range", "min": 1, "max": 2}, week, "is delete"},
		{"range missing", "spec.configs.retention.ms", ruleObject{"constraint": "Range", "min": 1, "max": 2}, plain, "spec.configs.retention.ms is missing, and must be between 1 and 2"},
		{"range optional", "spec.configs.retention.ms", ruleObject{"constraint": "Range", "min": 1, "max": 2, "optional": true}, plain, ""},
		{"range optional but there", "spec.configs.retention.ms", ruleObject{"constraint": "Range", "min": 1, "max": 2, "optional": true}, week, "is 604800000"},
		{"one of", "spec.replicationFactor", ruleObject{"constraint": "OneOf", "values": []any{"2", "3"}}, plain, ""},
		{"one of others", "spec.configs.cleanup.policy", ruleObject{"constraint": "OneOf", "values": []any{"compact"}}, week, "must be one of compact, is delete"},
		{"one of, both policies", "spec.configs.cleanup.policy", ruleObject{"constraint": "OneOf", "values": []any{"delete", "compact"}}, ruleTopic("shop.new", ruleObject{"cleanup.policy": "delete, compact"}, nil), "is delete, compact"},
		{"none of", "spec.replicationFactor", ruleObject{"constraint": "NoneOf", "values": []any{"1", "2"}}, plain, ""},
		{"none of these", "spec.replicationFactor", ruleObject{"constraint": "NoneOf", "values": []any{"3"}}, plain, "must be none of 3, is 3"},
		{"match", "metadata.name", ruleObject{"constraint": "Match", "pattern": `^shop\.(?<event>[a-z]+)$`}, plain, ""},
		{"match in the middle", "metadata.name", ruleObject{"constraint": "Match", "pattern": `op\.n`}, plain, ""},
		{"no match", "metadata.name", ruleObject{"constraint": "Match", "pattern": `^shop$`}, plain, "metadata.name must be text that matches ^shop$, is shop.new"},
		{"a label with a dot", "metadata.labels.tier.level", ruleObject{"constraint": "OneOf", "values": []any{"gold"}}, week, ""},
		{"allowed keys", "spec.configs", ruleObject{"constraint": "AllowedKeys", "keys": []any{"retention.ms", "cleanup.policy"}}, week, ""},
		{"other keys", "spec.configs", ruleObject{"constraint": "AllowedKeys", "keys": []any{"retention.ms"}}, week, "spec.configs may only have the keys retention.ms, has cleanup.policy"},
		{"allowed keys of nothing", "spec.configs", ruleObject{"constraint": "AllowedKeys", "keys": []any{"retention.ms"}}, plain, ""},
		{"allowed labels do not count the Console's own", "metadata.labels", ruleObject{"constraint": "AllowedKeys", "keys": []any{"tier.level"}}, week, ""},
		{"an unknown field", "spec.color", ruleObject{"constraint": "OneOf", "values": []any{"red"}}, plain, "spec.color is missing"},
	} {
		t.Run(one.name, func(t *testing.T) {
			world.mustPutAny(t, map[string]any{"apiVersion": "v1", "kind": "TopicPolicy", "metadata": ruleObject{"name": "limits"},
				"spec": ruleObject{"policies": ruleObject{one.field: one.constraint}}})
			got := world.put(t, world.root, one.topic, true)
			if one.complaint == "" {
				if got.status != http.StatusOK {
					t.Errorf("%d %s", got.status, got.body)
				}
				return
			}
			refusedWith(t, got, http.StatusConflict, "topic policy limits", "shop-dev", one.complaint)
		})
	}
}

// mustPutAny applies a resource whatever comes out.
func (w *kindWorld) mustPutAny(t testing.TB, resource map[string]any) {
	t.Helper()
	if got := w.put(t, w.root, resource, false); got.status != http.StatusOK {
		t.Fatalf("put %v: %d %s", resource, got.status, got.body)
	}
}

func policyOf(target, condition string) map[string]any {
	return map[string]any{"apiVersion": "v1", "kind": "ResourcePolicy", "metadata": ruleObject{"name": "rules"},
		"spec": ruleObject{"targetKind": target, "rules": []any{ruleObject{"condition": condition, "errorMessage": "the rule says no"}}}}
}

func TestResourcePolicyConditions(t *testing.T) {
	world := startKinds(t, policyWorld)
	topic := ruleTopic("shop.new", ruleObject{"retention.ms": "60000"}, ruleObject{"team": "shop", "data-criticality": "C1"})
	bare := ruleTopic("shop.new", nil, nil)
	for _, one := range []struct {
		condition string
		topic     map[string]any
		complaint string // "" = accepted
	}{
		{`spec.replicationFactor == 3`, topic, ""},
		{`spec.replicationFactor == 2`, topic, "the rule says no"},
		{`int(string(spec.configs["retention.ms"])) >= 60000 && int(string(spec.configs["retention.ms"])) <= 3600000`, topic, ""},
		{`int(string(spec.configs["retention.ms"])) > 60000`, topic, "the rule says no"},
		{`int(string(spec.configs["retention.ms"])) > 60000`, bare, "could not be evaluated: no such key: retention.ms"},
		{`"retention.ms" in spec.configs`, bare, "the rule says no"},
		{`!("retention.ms" in spec.configs) || spec.configs["retention.ms"] == "60000"`, bare, ""},
		{`metadata.name.matches("^shop\\.[a-z0-9-]+$")`, topic, ""},
		{`metadata.labels["data-criticality"] in ["C0", "C1", "C2"]`, topic, ""},
		{`metadata.labels["data-criticality"] in ["C0", "C2"]`, topic, "the rule says no"},
		{`has(metadata.labels.team) && metadata.labels.team == "shop"`, topic, ""},
		{`has(metadata.labels.team)`, bare, "the rule says no"},
		{`metadata.cluster == "dev" && kind == "Topic" && apiVersion == "v2"`, topic, ""},
		{`metadata.labels.all(l, l != "conduktor.io/application")`, topic, ""}, // what people wrote
		{`spec.partitions`, topic, "it gives int instead of true or false"},
		{`spec.partitions / 0 == 1`, topic, "could not be evaluated: division by zero"},
	} {
		t.Run(one.condition, func(t *testing.T) {
			world.mustPutAny(t, policyOf("Topic", one.condition))
			got := world.put(t, world.root, one.topic, true)
			if one.complaint == "" {
				if got.status != http.StatusOK {
					t.Errorf("%d %s", got.status, got.body)
				}
				return
			}
			refusedWith(t, got, http.StatusConflict, "resource policy rules", "application instance shop-dev", "the rule says no", one.complaint)
		})
	}
}

// TestConditionsEnd: no expression holds the server up.
func TestConditionsEnd(t *testing.T) {
	world := startKinds(t, policyWorld)
	list := "[" + strings.Repeat("0,", 99) + "0]"
	nested := "true"
	for i := range 6 {
		nested = fmt.Sprintf("%s.all(x%d, %s)", list, i, nested)
	}
	world.mustPutAny(t, policyOf("Topic", nested)) // 10^12 steps
	refusedWith(t, world.put(t, world.root, ruleTopic("shop.new", nil, nil), false), http.StatusConflict, "could not be evaluated", "cost limit exceeded")
	long := policyOf("Topic", "true"+strings.Repeat(" && true", 2000))
	refusedWith(t, world.put(t, world.root, long, false), http.StatusBadRequest, "spec.rules[0].condition", "exceeds limit")
	deep := policyOf("Topic", strings.Repeat("(", 3000)+"true"+strings.Repeat(")", 3000))
	refusedWith(t, world.put(t, world.root, deep, false), http.StatusBadRequest, "spec.rules[0].condition")
}

// TestPoliciesAskedOnChange: a policy that comes after a topic does not stand in
// the way of putting the topic as it is, only of changing it.
func TestPoliciesAskedOnChange(t *testing.T) {
	world := startKinds(t, policyWorld)
	topic := ruleTopic("shop.new", nil, nil)
	world.mustPut(t, topic, kinds.Created)
	world.mustPutAny(t, policyOf("Topic", "false"))
	world.mustPut(t, topic, kinds.NotChanged)
	refusedWith(t, world.put(t, world.root, with(topic, "metadata/labels/a", "b"), false), http.StatusConflict, "the rule says no")
	world.mustPut(t, ruleTopic("other.new", nil, nil), kinds.Created) // nobody owns it
	// The cluster has named this policy all along.
	later := with(policyOf("Topic", "false"), "metadata/name", "later")
	world.mustPut(t, later, kinds.Created)
	refusedWith(t, world.put(t, world.root, ruleTopic("other.newer", nil, nil), false), http.StatusConflict, "resource policy later of cluster dev")
	refusedWith(t, world.delete(t, world.root, later), http.StatusConflict, "the KafkaCluster dev refers to it")
}

// TestPolicyFilters lists policies by who refers to them.
func TestPolicyFilters(t *testing.T) {
	world := startKinds(t, ruleWorld)
	for path, want := range map[string]string{
		"topic-policy?app-instance=shop-dev":                               "[few-partitions]",
		"topic-policy?app-instance=mail-dev":                               "[]",
		"resource-policy?application-instance=shop-dev":                    "[has-team]",
		"resource-policy?application=shop":                                 "[avro-only no-strangers]",
		"resource-policy?application=shop&application-instance=shop-dev":   "[]",
		"resource-policy":                                                  "[avro-only has-team no-strangers no-zero one-task]",
		"application-instance?application=mail":                            "[mail-dev mail-other]",
		"application-instance-permission?filterByGrantedTo=mail-dev":       "[shop-to-mail]",
		"application-instance-permission?filterByApplicationInstance=nope": "[]",
		"application-instance-permission?filterByApplication=shop":         "[shop-to-mail]",
		"application-group?application=mail":                               "[mail-support]",
	} {
		if got := fmt.Sprint(world.namesOf(t, world.root, "/public/self-serve/v1/"+path)); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
