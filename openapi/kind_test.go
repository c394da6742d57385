package openapi

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// consoleKinds is the table of kinds of Console 1.45 (API reference 1.1).
var consoleKinds = []Kind{
	{Name: "User", Version: "v2", Group: "iam", Order: 0, ListPath: "/public/iam/v2/user", NameParam: "user-name"},
	{Name: "Group", Version: "v2", Group: "iam", Order: 1, ListPath: "/public/iam/v2/group", NameParam: "group-name"},
	{Name: "KafkaCluster", Version: "v2", Group: "console", Order: 2, ListPath: "/public/console/v2/kafka-cluster", NameParam: "kafka-cluster-name"},
	{Name: "KafkaConnectCluster", Version: "v2", Group: "console", Order: 3, ListPath: "/public/console/v2/cluster/{cluster}/kafka-connect", NameParam: "kafka-connect-cluster-name", Parents: []string{"cluster"}},
	{Name: "KsqlDBCluster", Version: "v2", Group: "console", Order: 4, ListPath: "/public/console/v2/cluster/{cluster}/ksqldb", NameParam: "ksql-d-b-cluster-name", Parents: []string{"cluster"}},
	{Name: "TopicPolicy", Version: "v1", Group: "self-serve", Order: 5, ListPath: "/public/self-serve/v1/topic-policy", NameParam: "topic-policy-name", Filters: params("app-instance"), Licensed: true},
	{Name: "ResourcePolicy", Version: "v1", Group: "self-serve", Order: 6, ListPath: "/public/self-serve/v1/resource-policy", NameParam: "resource-policy-name", Filters: params("application-instance", "application"), Licensed: true},
	{Name: "Application", Version: "v1", Group: "self-serve", Order: 7, ListPath: "/public/self-serve/v1/application", NameParam: "application-name", Licensed: true},
	{Name: "ApplicationInstance", Version: "v1", Group: "self-serve", Order: 8, ListPath: "/public/self-serve/v1/application-instance", NameParam: "application-instance-name", Filters: params("application"), Licensed: true},
	{Name: "ApplicationInstancePermission", Version: "v1", Group: "self-serve", Order: 9, ListPath: "/public/self-serve/v1/application-instance-permission", NameParam: "application-instance-permission-name", Filters: params("filterByApplication", "filterByApplicationInstance", "filterByGrantedTo"), Licensed: true},
	{Name: "ApplicationGroup", Version: "v1", Group: "self-serve", Order: 10, ListPath: "/public/self-serve/v1/application-group", NameParam: "application-group-name", Filters: params("application"), Licensed: true},
	{Name: "ServiceAccount", Version: "v1", Group: "self-serve", Order: 11, ListPath: "/public/self-serve/v1/cluster/{cluster}/service-account", NameParam: "service-account-name", Parents: []string{"cluster"}},
	{Name: "Topic", Version: "v2", Group: "kafka", Order: 12, ListPath: "/public/kafka/v2/cluster/{cluster}/topic", NameParam: "topic-name", Parents: []string{"cluster"}, Create: true},
	{Name: "Subject", Version: "v2", Group: "kafka", Order: 13, ListPath: "/public/kafka/v2/cluster/{cluster}/subject", NameParam: "subject-name", Parents: []string{"cluster"}, Create: true},
	{Name: "GlueSchema", Version: "v2", Group: "kafka", Order: 14, ListPath: "/public/kafka/v2/cluster/{cluster}/glue-schemas", NameParam: "glue-schema-name", Parents: []string{"cluster"}, Create: true},
	{Name: "Connector", Version: "v2", Group: "kafka", Order: 15, ListPath: "/public/kafka/v2/cluster/{cluster}/connect/{connectCluster}/connector", NameParam: "connector-name", Parents: []string{"cluster", "connectCluster"}, Create: true},
	{Name: "IndexedTopic", Version: "v1", Group: "sql", Order: 16, ListPath: "/public/sql/v1/cluster/{cluster}/indexed_topic", NameParam: "indexed-topic-name", Parents: []string{"cluster"}},
	{Name: "PartnerZone", Version: "v2", Group: "console", Order: 17, ListPath: "/public/console/v2/partner-zone", NameParam: "partner-zone-name"},
	{Name: "DataQualityRule", Version: "v1", Group: "data-quality", Order: 18, ListPath: "/public/data-quality/v1/data-quality-rule", NameParam: "data-quality-rule-name", Filters: params("descSort")},
	{Name: "DataQualityPolicy", Version: "v1", Group: "data-quality", Order: 19, ListPath: "/public/data-quality/v1/data-quality-policy", NameParam: "data-quality-policy-name", Filters: params("includeMetrics", "metricsFrom", "descSort")},
	{Name: "Integration", Version: "v3", Group: "monitoring", Order: 20, ListPath: "/public/monitoring/v3/integration", NameParam: "integration-name"},
	{Name: "Alert", Version: "v2", Group: "monitoring", Order: 21, ListPath: "/public/monitoring/v2/cluster/{cluster}/alert", NameParam: "alert-name", Parents: []string{"cluster"}, Filters: params("connector", "connect", "topic", "consumerGroup", "alertType"), Create: true, Licensed: true, Deprecated: true},
	{Name: "Alert", Version: "v3", Group: "monitoring", Order: 21, ListPath: "/public/monitoring/v3/alert", NameParam: "alert-name", Filters: params("cluster", "connector", "connect", "topic", "consumerGroup", "alertType"), Owner: params("appInstance", "group", "user"), Create: true, Licensed: true},
}

func params(names ...string) []Param {
	var out []Param
	for _, n := range names {
		out = append(out, Param{Name: n})
	}
	return out
}

func names(list []Param) []string {
	var out []string
	for _, p := range list {
		out = append(out, p.Name)
	}
	return out
}

func TestConsoleKinds(t *testing.T) {
	kinds := Console().Kinds()
	if len(kinds) != len(consoleKinds) {
		t.Fatalf("%d kinds, want %d", len(kinds), len(consoleKinds))
	}
	for i, want := range consoleKinds {
		got := kinds[i]
		if got.Name != want.Name || got.Version != want.Version || got.Group != want.Group || got.Order != want.Order ||
			got.ListPath != want.ListPath || got.NameParam != want.NameParam ||
			got.ItemPath != want.ListPath+"/{"+want.NameParam+"}" ||
			!slices.Equal(got.Parents, want.Parents) ||
			!slices.Equal(names(got.Filters), names(want.Filters)) || !slices.Equal(names(got.Owner), names(want.Owner)) ||
			got.Create != want.Create || got.Licensed != want.Licensed || got.Deprecated != want.Deprecated {
			t.Errorf("kind %d is %+v, want %+v", i, *got, want)
		}
	}
}

func TestMockKinds(t *testing.T) {
	var got []string
	for _, k := range Mock().Kinds() {
		got = append(got, k.Name+" "+k.ListPath)
	}
	want := []string{
		"SigningKey /_mock/v1/signing-key",
		"Person /_mock/v1/person",
		"Client /_mock/v1/client",
		"APIKey /_mock/v1/api-key",
		"Certificate /_mock/v1/certificate",
		"ConfluentServiceAccount /_mock/v1/cluster/{cluster}/confluent-service-account",
		"ConsumerGroup /_mock/v1/cluster/{cluster}/consumer-group",
		"TopicFigures /_mock/v1/cluster/{cluster}/topic-figures",
		"TopicRecords /_mock/v1/cluster/{cluster}/topic-records",
		"Plugin /_mock/v1/cluster/{cluster}/plugin",
		"Interceptor /_mock/v1/cluster/{cluster}/interceptor",
		"KsqlDBSource /_mock/v1/cluster/{cluster}/ksqldb/{ksqlDB}/source",
		"KsqlDBQuery /_mock/v1/cluster/{cluster}/ksqldb/{ksqlDB}/query",
		"IndexerTask /_mock/v1/indexer-task",
		"Provider /_mock/v1/provider", "Fault /_mock/v1/fault",
	}
	if !slices.Equal(got, want) {
		t.Errorf("kinds are %q, want %q", got, want)
	}
}

// TestFilterTypes: what the engine needs to know of a filter is in the catalogue.
func TestFilterTypes(t *testing.T) {
	for _, c := range []struct {
		kind, version, filter string
		want                  Param
	}{
		{"ApplicationInstance", "v1", "application", Param{Type: "string", Pattern: `^[0-9a-z_\-.]+$`}},
		{"DataQualityPolicy", "v1", "metricsFrom", Param{Type: "string", Format: "date-time"}},
		{"DataQualityPolicy", "v1", "includeMetrics", Param{Type: "boolean"}},
		{"Alert", "v3", "alertType", Param{Type: "string", Enum: []string{"BrokerAlert", "ConsumerGroupAlert", "DataQualityPolicyAlert", "KafkaConnectAlert", "TopicAlert"}}},
	} {
		k := mustKind(t, c.version, c.kind)
		i := slices.Index(names(k.Filters), c.filter)
		if i < 0 {
			t.Errorf("%s has no filter %s", c.kind, c.filter)
			continue
		}
		got := k.Filters[i]
		if got.Type != c.want.Type || got.Format != c.want.Format || got.Pattern != c.want.Pattern || !slices.Equal(got.Enum, c.want.Enum) || got.Required {
			t.Errorf("%s %s is %+v, want %+v", c.kind, c.filter, got, c.want)
		}
	}
}

func mustKind(t testing.TB, apiVersion, kind string) *Kind {
	t.Helper()
	for _, d := range []*Document{Console(), Mock()} {
		if k, err := d.Kind(apiVersion, kind); err == nil {
			return k
		}
	}
	t.Fatalf("no kind %s %s", apiVersion, kind)
	return nil
}

func TestKindByApiVersion(t *testing.T) {
	for _, c := range []struct{ apiVersion, kind, want string }{
		{"v2", "Topic", "v2"},
		{"kafka/v2", "Topic", "v2"},
		{"iam/v2", "Topic", "v2"}, // the group is not looked at, as in the CLI
		{"self-service/v1", "Application", "v1"},
		{"self-serve/v1", "Application", "v1"},
		{"v3", "Alert", "v3"},
		{"monitoring/v2", "Alert", "v2"},
		{"v2", "KsqlDBCluster", "v2"},
	} {
		k, err := Console().Kind(c.apiVersion, c.kind)
		if err != nil || k.Name != c.kind || k.Version != c.want {
			t.Errorf("Kind(%q, %q) = %v, %v", c.apiVersion, c.kind, k, err)
		}
	}
	if k, err := Mock().Kind("mockduktor/v1", "Person"); err != nil || k.Name != "Person" {
		t.Errorf("Person: %v, %v", k, err)
	}
}

func TestUnknownKindErrors(t *testing.T) {
	for _, c := range []struct{ apiVersion, kind, want string }{
		{"v2", "topic", `unknown kind "topic"; did you mean Topic?`},
		{"v2", "KafkaClusters", `unknown kind "KafkaClusters"; did you mean KafkaCluster?`},
		{"v2", "Deployment", `unknown kind "Deployment"; known are User, Group`},
		{"v2", "", "kind: missing"},
		{"v1", "Topic", `apiVersion: Topic has no version "v1"; use v2`},
		{"v1", "Alert", `Alert has no version "v1"; use v2 or v3`},
		{"", "Topic", "apiVersion: missing; Topic needs v2"},
		{"two", "Topic", `Topic has no version "two"; use v2`},
	} {
		k, err := Console().Kind(c.apiVersion, c.kind)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Kind(%q, %q) = %v, %v; want an error with %q", c.apiVersion, c.kind, k, err, c.want)
		}
	}
}

// TestParentsAreRequiredMetadata: the CLI's strict mode asks for it, and the
// engine compares them with the path.
func TestParentsAreRequiredMetadata(t *testing.T) {
	for _, d := range documents {
		for _, k := range d.Kinds() {
			metadata := k.schema().fields["metadata"]
			for _, p := range append([]string{"name"}, k.Parents...) {
				if !slices.Contains(metadata.required, p) {
					t.Errorf("%s: metadata.%s is not required", k.Name, p)
				}
			}
			for _, p := range k.Owner {
				if metadata.fields[p.Name] == nil {
					t.Errorf("%s: owner %s is not in metadata", k.Name, p.Name)
				}
			}
			if k.NamePattern != "" {
				if _, err := regexp.Compile(k.NamePattern); err != nil {
					t.Errorf("%s: %v", k.Name, err)
				}
			}
		}
	}
}

// TestExampleIsACopy: what one caller does to it, another does not see.
func TestExampleIsACopy(t *testing.T) {
	k := mustKind(t, "v2", "Topic")
	k.Example()["kind"] = "changed"
	if k.Example()["kind"] != "Topic" {
		t.Error("the example is shared")
	}
}

// kindTag is the tag that the Conduktor CLI builds its kinds from:
// cli_<kebab-kind>_<group>_v<version>_<order>.
var kindTag = regexp.MustCompile(`^cli_([^_]+)_([^_]+)_(v[0-9]+)_([0-9]+)$`)

var pathParam = regexp.MustCompile(`\{([^}]+)\}`)

type outlineOperation struct {
	Tags       []string
	Deprecated bool
	Licensed   bool `json:"x-licensed"`
	Parameters []struct {
		Name, In string
		Required bool
		Schema   Param
	}
	RequestBody struct {
		Content map[string]struct{ Example json.RawMessage }
	}
}

// TestKindsAreThoseOfTheDocument reads the catalogue out of the document as the
// Conduktor CLI does: paths with GET and PUT that carry the tag.
func TestKindsAreThoseOfTheDocument(t *testing.T) {
	for name, d := range documents {
		var doc struct {
			Paths map[string]struct{ Get, Put, Post, Delete *outlineOperation }
		}
		if err := json.Unmarshal(d.JSON(), &doc); err != nil {
			t.Fatal(err)
		}
		found := 0
		for path, item := range doc.Paths {
			if item.Get == nil || item.Put == nil {
				continue
			}
			var tag []string
			for _, one := range item.Put.Tags {
				if tag = kindTag.FindStringSubmatch(one); tag != nil {
					break
				}
			}
			if tag == nil {
				continue
			}
			found++
			order, err := strconv.Atoi(tag[4])
			if err != nil {
				t.Fatal(err)
			}
			want := Kind{
				Name: camel(tag[1]), Kebab: tag[1], Group: tag[2], Version: tag[3], Order: order,
				ListPath: path, Create: item.Post != nil, Licensed: item.Put.Licensed, Deprecated: item.Put.Deprecated,
				Parents: []string{}, Filters: []Param{}, Owner: []Param{}, doc: d,
				example: item.Put.RequestBody.Content["application/json"].Example,
			}
			for _, m := range pathParam.FindAllStringSubmatch(path, -1) {
				want.Parents = append(want.Parents, m[1])
			}
			owner := make(map[string]bool)
			for _, p := range item.Put.Parameters {
				owner[p.Name] = p.In == "query" && p.Name != "dryMode"
			}
			for _, p := range item.Get.Parameters {
				if p.In != "query" {
					continue
				}
				param := p.Schema
				param.Name, param.Required = p.Name, p.Required
				if owner[p.Name] {
					want.Owner = append(want.Owner, param)
				} else {
					want.Filters = append(want.Filters, param)
				}
			}
			for itemPath, one := range doc.Paths {
				last, ok := strings.CutPrefix(itemPath, path+"/{")
				if !ok || strings.Contains(last, "/") || one.Delete == nil {
					continue
				}
				want.ItemPath, want.NameParam = itemPath, strings.TrimSuffix(last, "}")
				for _, p := range one.Get.Parameters {
					if p.Name == want.NameParam {
						want.NamePattern, want.Names = p.Schema.Pattern, p.Schema.Enum
					}
				}
			}
			got, err := d.Kind(want.Version, want.Name)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if !reflect.DeepEqual(*got, want) {
				t.Errorf("%s: the catalogue has\n%+v\nand the document\n%+v", name, *got, want)
			}
		}
		if found != len(d.Kinds()) {
			t.Errorf("%s: the document has %d kinds, the catalogue %d", name, found, len(d.Kinds()))
		}
	}
}

// camel turns a kebab name into the kind's: ksql-d-b-cluster is KsqlDBCluster.
func camel(kebab string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(kebab, "-") {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}

// TestChecksAreThoseOfTheDocument: the extract compiles to the same schemas as
// the whole document.
func TestChecksAreThoseOfTheDocument(t *testing.T) {
	for name, d := range documents {
		whole := fresh(d)
		whole.checksText = linesOf(t, d.JSON())
		got, want := compileAll(fresh(d)), compileAll(whole)
		if len(want) == 0 || len(got) != len(want) {
			t.Fatalf("%s: %d operations, want %d", name, len(got), len(want))
		}
		for op, checks := range want {
			if !reflect.DeepEqual(got[op], checks) {
				t.Errorf("%s: %s differs", name, op)
			}
			method, path, _ := strings.Cut(op, " ")
			if id := whole.OperationID(method, path); id == "" || d.OperationID(method, path) != id {
				t.Errorf("%s: %s is called %q, want %q", name, op, d.OperationID(method, path), id)
			}
		}
	}
}

// linesOf is a whole document in the form of the extract.
func linesOf(t *testing.T, document []byte) string {
	t.Helper()
	var whole struct {
		Paths      map[string]map[string]json.RawMessage
		Components map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(document, &whole); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for path, item := range whole.Paths {
		for method, operation := range item {
			var named struct{ OperationID string }
			if err := json.Unmarshal(operation, &named); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&lines, "%s %s\t%s\t%s\n", strings.ToUpper(method), path, named.OperationID, operation)
		}
	}
	for section, line := range map[string]string{"schemas": "schema", "responses": "response"} {
		for name, component := range whole.Components[section] {
			fmt.Fprintf(&lines, "%s %s\t\t%s\n", line, name, component)
		}
	}
	return lines.String()
}
