package rbac_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/rbac"
	"pgregory.net/rapid"
)

func parseJSON(t testing.TB, text string) []any {
	t.Helper()
	var list []any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&list); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestParsePermissions(t *testing.T) {
	src := rbac.Source{Kind: rbac.SourceGroup, Name: "checkout-devs"}
	list := parseJSON(t, `[
		{"resourceType":"PLATFORM","permissions":["userView","taasView","userView"]},
		{"resourceType":"CLUSTER","name":"dev","permissions":["clusterViewACL"]},
		{"resourceType":"TOPIC","cluster":"dev","patternType":"PREFIXED","name":"checkout.","permissions":["topicViewConfig","topicConsume"]},
		{"resourceType":"TOPIC","cluster":"*","patternType":"PREFIXED","name":"sales-*","permissions":["topicConsume"]},
		{"resourceType":"SUBJECT","cluster":"dev","patternType":"LITERAL","name":"*","permissions":["subjectView"],"kafkaConnect":"foreign"},
		{"resourceType":"CONSUMER_GROUP","cluster":"dev","patternType":"LITERAL","name":"checkout.worker","permissions":["consumerGroupView"]},
		{"resourceType":"KAFKA_CONNECT","cluster":"dev","kafkaConnect":"connect-a","patternType":"PREFIXED","name":"checkout.","permissions":["kafkaConnectRestart"]},
		{"resourceType":"KSQLDB","cluster":"dev","ksqlDB":"*","permissions":["ksqldbAccess"]},
		{"resourceType":"KSQLDB","cluster":"dev","ksqlDB":"ksql-a"}
	]`)
	got, problems := rbac.ParsePermissions(list, src)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := []rbac.Grant{
		{Resource: "PLATFORM", Permissions: []rbac.Permission{"userView", "taasView"}, Source: src},
		{Resource: "CLUSTER", Cluster: "dev", Permissions: []rbac.Permission{"clusterViewACL"}, Source: src},
		{Resource: "TOPIC", Cluster: "dev", Pattern: "PREFIXED", Name: "checkout.", Permissions: []rbac.Permission{"topicViewConfig", "topicConsume"}, Source: src},
		{Resource: "TOPIC", Cluster: "*", Pattern: "PREFIXED", Name: "sales-", Permissions: []rbac.Permission{"topicConsume"}, Source: src},
		{Resource: "SUBJECT", Cluster: "dev", Pattern: "LITERAL", Name: "*", Permissions: []rbac.Permission{"subjectView"}, Source: src},
		{Resource: "CONSUMER_GROUP", Cluster: "dev", Pattern: "LITERAL", Name: "checkout.worker", Permissions: []rbac.Permission{"consumerGroupView"}, Source: src},
		{Resource: "KAFKA_CONNECT", Cluster: "dev", Connect: "connect-a", Pattern: "PREFIXED", Name: "checkout.", Permissions: []rbac.Permission{"kafkaConnectRestart"}, Source: src},
		{Resource: "KSQLDB", Cluster: "dev", Connect: "*", Permissions: []rbac.Permission{"ksqldbAccess"}, Source: src},
		{Resource: "KSQLDB", Cluster: "dev", Connect: "ksql-a", Permissions: []rbac.Permission{}, Source: src},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("grants = %+v\nwant     %+v", got, want)
	}
}

func TestParsePermissionsProblems(t *testing.T) {
	good := `{"resourceType":"PLATFORM","permissions":["userView"]}`
	tests := []struct {
		name, element, path, fragment string
	}{
		{"not an object", `"TOPIC"`, "[1]", "must be an object, is a string"},
		{"null", `null`, "[1]", "must be an object, is null"},
		{"no type", `{"permissions":[]}`, "[1].resourceType", "missing"},
		{"unknown type", `{"resourceType":"BROKER"}`, "[1].resourceType", "PLATFORM, CLUSTER, TOPIC"},
		{"v1 type name", `{"resourceType":"ConsumerGroup"}`, "[1].resourceType", "written CONSUMER_GROUP"},
		{"application group's type name", `{"resourceType":"CONNECTOR"}`, "[1].resourceType", "here it is KAFKA_CONNECT"},
		{"type is a number", `{"resourceType":7}`, "[1].resourceType", "must be a string, is a number"},
		{"no cluster", `{"resourceType":"TOPIC","patternType":"LITERAL","name":"a"}`, "[1].cluster", "missing"},
		{"empty name", `{"resourceType":"TOPIC","cluster":"dev","patternType":"LITERAL","name":""}`, "[1].name", "must not be empty"},
		{"no pattern type", `{"resourceType":"TOPIC","cluster":"dev","name":"a"}`, "[1].patternType", "missing"},
		{"wrong pattern type", `{"resourceType":"TOPIC","cluster":"dev","name":"a","patternType":"PREFIX"}`, "[1].patternType", "one of LITERAL, PREFIXED"},
		{"pattern type in lower case", `{"resourceType":"TOPIC","cluster":"dev","name":"a","patternType":"literal"}`, "[1].patternType", "write LITERAL"},
		{"no connect cluster", `{"resourceType":"KAFKA_CONNECT","cluster":"dev","name":"a","patternType":"LITERAL"}`, "[1].kafkaConnect", "missing"},
		{"no ksqlDB", `{"resourceType":"KSQLDB","cluster":"dev"}`, "[1].ksqlDB", "missing"},
		{"no cluster name", `{"resourceType":"CLUSTER"}`, "[1].name", "missing"},
		{"permissions not a list", `{"resourceType":"PLATFORM","permissions":"userView"}`, "[1].permissions", "must be a list, is a string"},
		{"permission not a string", `{"resourceType":"PLATFORM","permissions":["userView",true]}`, "[1].permissions[1]", "must be a string, is a boolean"},
		{"unknown permission", `{"resourceType":"TOPIC","cluster":"dev","name":"a","patternType":"LITERAL","permissions":["topicConsume","topicRead"]}`, "[1].permissions[1]", `unknown permission "topicRead"; those of TOPIC are topicViewConfig, topicConsume`},
		{"wrong case", `{"resourceType":"PLATFORM","permissions":["userview"]}`, "[1].permissions[0]", "written userView"},
		{"another type's permission", `{"resourceType":"SUBJECT","cluster":"dev","name":"a","patternType":"LITERAL","permissions":["topicConsume"]}`, "[1].permissions[0]", "topicConsume belongs to TOPIC, not to SUBJECT"},
		{"removed permission", `{"resourceType":"PLATFORM","permissions":["taasManage"]}`, "[1].permissions[0]", "no longer exists"},
		{"instance permission", `{"resourceType":"PLATFORM","permissions":["serviceAccountManage"]}`, "[1].permissions[0]", "belongs to APPLICATION_INSTANCE"},
		{"our own type", `{"resourceType":"APPLICATION_INSTANCE","name":"a"}`, "[1].resourceType", "unknown resource type"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, problems := rbac.ParsePermissions(parseJSON(t, "["+good+","+tt.element+","+good+"]"), rbac.Source{})
			if len(problems) != 1 || problems[0].Path != tt.path || !strings.Contains(problems[0].Reason, tt.fragment) {
				t.Errorf("problems = %q, want one at %s with %q", problems, tt.path, tt.fragment)
			}
			if len(got) != 2 {
				t.Errorf("%d grants beside the problem, want the two good ones", len(got))
			}
		})
	}
}

func TestV1Form(t *testing.T) {
	pairs := []struct{ v2, v1 string }{
		{`{"resourceType":"PLATFORM","permissions":["userView"]}`,
			`{"resourceType":"Platform","permissions":["userView"]}`},
		{`{"resourceType":"CLUSTER","name":"dev","permissions":["clusterViewACL"]}`,
			`{"resourceType":"Cluster","clusterId":"dev","permissions":["clusterViewACL"]}`},
		{`{"resourceType":"TOPIC","cluster":"dev","name":"checkout.","patternType":"PREFIXED","permissions":["topicViewConfig","topicConsume"]}`,
			`{"resourceType":"Topic","clusterId":"dev","topicPattern":"checkout.*","permissions":["topicViewConfig","topicConsume"]}`},
		{`{"resourceType":"TOPIC","cluster":"*","name":"*","patternType":"LITERAL","permissions":[]}`,
			`{"resourceType":"Topic","clusterId":"*","topicPattern":"*","permissions":[]}`},
		{`{"resourceType":"SUBJECT","cluster":"dev","name":"a-value","patternType":"LITERAL","permissions":["subjectView"]}`,
			`{"resourceType":"Subject","clusterId":"dev","subjectPattern":"a-value","permissions":["subjectView"]}`},
		{`{"resourceType":"CONSUMER_GROUP","cluster":"dev","name":"a","patternType":"PREFIXED","permissions":["consumerGroupReset"]}`,
			`{"resourceType":"ConsumerGroup","clusterId":"dev","consumerGroupPattern":"a*","permissions":["consumerGroupReset"]}`},
		{`{"resourceType":"KAFKA_CONNECT","cluster":"dev","kafkaConnect":"c1","name":"a","patternType":"LITERAL","permissions":["kafkaConnectPauseResume"]}`,
			`{"resourceType":"KafkaConnect","clusterId":"dev","connectClusterId":"c1","connectorNamePattern":"a","permissions":["kafkaConnectPauseResume"]}`},
		{`{"resourceType":"KSQLDB","cluster":"dev","ksqlDB":"k1","permissions":["ksqldbAccess"]}`,
			`{"resourceType":"KsqlDB","clusterId":"dev","ksqlDBServerSlug":"k1","permissions":["ksqldbAccess"]}`},
	}
	for _, p := range pairs {
		v1, problems := rbac.ToV1(parseJSON(t, "["+p.v2+"]"))
		if want := parseJSON(t, "["+p.v1+"]"); len(problems) > 0 || !reflect.DeepEqual(v1, want) {
			t.Errorf("ToV1(%s) = %v, %v", p.v2, v1, problems)
		}
		v2, problems := rbac.FromV1(parseJSON(t, "["+p.v1+"]"))
		if want := parseJSON(t, "["+p.v2+"]"); len(problems) > 0 || !reflect.DeepEqual(v2, want) {
			t.Errorf("FromV1(%s) = %v, %v", p.v1, v2, problems)
		}
	}
}

func TestV1FormProblems(t *testing.T) {
	tests := []struct {
		convert              func([]any) ([]any, []rbac.Problem)
		element              string
		path, fragment, name string
	}{
		{rbac.ToV1, `{"resourceType":"TOPIC","cluster":"dev","name":"a*","patternType":"LITERAL"}`, "[0].name", "PREFIXED without the star", "literal with a star"},
		{rbac.ToV1, `{"resourceType":"Topic","clusterId":"dev","topicPattern":"a*"}`, "[0].resourceType", "written TOPIC", "v1 given as v2"},
		{rbac.FromV1, `{"resourceType":"TOPIC","cluster":"dev","name":"a","patternType":"LITERAL"}`, "[0].resourceType", "written Topic", "v2 given as v1"},
		{rbac.FromV1, `{"resourceType":"Topic","clusterId":"dev"}`, "[0].topicPattern", "missing", "no pattern"},
		{rbac.FromV1, `{"resourceType":"KafkaConnect","clusterId":"dev","connectorNamePattern":"*"}`, "[0].connectClusterId", "missing", "no connect cluster"},
		{rbac.FromV1, `{"resourceType":"KsqlDB","clusterId":"dev"}`, "[0].ksqlDBServerSlug", "missing", "no ksqlDB"},
		{rbac.FromV1, `{"resourceType":"Subject","clusterId":"dev","subjectPattern":"a","permissions":["topicDelete"]}`, "[0].permissions[0]", "belongs to TOPIC, not to SUBJECT", "another type's permission"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, problems := tt.convert(parseJSON(t, "["+tt.element+"]"))
			if len(got) != 0 || len(problems) != 1 || problems[0].Path != tt.path || !strings.Contains(problems[0].Reason, tt.fragment) {
				t.Errorf("got %v and %q, want nothing and one problem at %s with %q", got, problems, tt.path, tt.fragment)
			}
		})
	}
}

// Whatever goes to v1 and back decides the same.
func TestV1RoundTripKeepsDecisions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grants := rapid.SliceOfN(rapid.Custom(drawGrant), 0, 10).Draw(t, "grants")
		var list []any
		for _, g := range grants {
			if element := g.V2(); element != nil {
				list = append(list, element)
			}
		}
		parsed, problems := rbac.ParsePermissions(list, rbac.Source{})
		faulty := map[int]bool{}
		for _, p := range problems {
			faulty[index(t, p.Path)] = true
		}
		var kept []any
		for i, element := range list {
			if !faulty[i] {
				kept = append(kept, element)
			}
		}
		v1, problems := rbac.ToV1(kept)
		if len(problems) > 0 {
			t.Fatalf("ToV1 refuses what ParsePermissions took: %v", problems)
		}
		again, problems := rbac.ParseV1(v1, rbac.Source{})
		if len(problems) > 0 {
			t.Fatalf("ParseV1 refuses what ToV1 made: %v", problems)
		}
		before, after := rbac.NewSubject(nil, parsed), rbac.NewSubject(nil, again)
		for range 10 {
			n := drawNeed(t)
			if b, a := before.Allows(n), after.Allows(n); b != a || b != slowDecide(parsed, n) {
				t.Fatalf("%+v: %v before, %v after", n, b, a)
			}
		}
	})
}

// index reads the element out of a path such as [12].name.
func index(t interface{ Fatalf(string, ...any) }, path string) int {
	var i int
	if !strings.HasPrefix(path, "[") {
		t.Fatalf("path %q names no element", path)
	}
	if err := json.Unmarshal([]byte(path[1:strings.IndexByte(path, ']')]), &i); err != nil {
		t.Fatalf("path %q: %v", path, err)
	}
	return i
}
