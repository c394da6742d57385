package openapi

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// resource reads YAML as a seed would.
func resource(t testing.TB, text string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

const topicYAML = `
apiVersion: kafka/v2
kind: Topic
metadata: {name: checkout.paid, cluster: dev}
spec: {partitions: 6, replicationFactor: 3}
`

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name, version, kind, yaml string
		want                      []string
	}{
		{name: "good", version: "v2", kind: "Topic", yaml: topicYAML},
		{
			name: "numbers as configs", version: "v2", kind: "Topic",
			yaml: `{apiVersion: v2, kind: Topic, metadata: {name: a, cluster: dev}, spec: {partitions: 1, replicationFactor: 1, configs: {retention.ms: 60000}}}`,
		},
		{
			name: "boolean config", version: "v2", kind: "Topic",
			yaml: `{apiVersion: v2, kind: Topic, metadata: {name: a, cluster: dev}, spec: {partitions: 1, replicationFactor: 1, configs: {preallocate: true}}}`,
			want: []string{`spec.configs.preallocate: expected a string or a number, got true; put it in quotes`},
		},
		{
			name: "typing errors", version: "v2", kind: "Topic",
			yaml: `{apiVersion: v2, kind: Topic, metadata: {name: a, cluser: dev}, spec: {partitons: 1, replicationFactor: 1}}`,
			want: []string{
				`metadata.cluster: expected a string (required), got nothing`,
				`metadata.cluser: expected no field of this name (known are catalogVisibility, cluster, description, descriptionIsEditable, labels, name, sqlStorage), got an unknown field; did you mean cluster?`,
				`spec.partitions: expected an integer (required), got nothing`,
				`spec.partitons: expected no field of this name (known are configs, partitions, replicationFactor), got an unknown field; did you mean partitions?`,
			},
		},
		{
			name: "numbers", version: "v2", kind: "Topic",
			yaml: `{apiVersion: v2, kind: Topic, metadata: {name: a, cluster: dev}, spec: {partitions: "6", replicationFactor: 0}}`,
			want: []string{
				`spec.partitions: expected an integer, got "6"; remove the quotes`,
				`spec.replicationFactor: expected a number at least 1, got 0`,
			},
		},
		{
			name: "not whole, too big", version: "v2", kind: "Topic",
			yaml: `{apiVersion: v2, kind: Topic, metadata: {name: a, cluster: dev}, spec: {partitions: 1.5, replicationFactor: 3000000000}}`,
			want: []string{
				`spec.partitions: expected an integer of 32 bits, got 1.5`,
				`spec.replicationFactor: expected an integer of 32 bits, got 3000000000`,
			},
		},
		{
			name: "nulls", version: "v2", kind: "Topic",
			yaml: `{apiVersion: v2, kind: Topic, metadata: {name: a, cluster: dev, labels: null, description: null}, spec: {partitions: null, replicationFactor: 1}}`,
			want: []string{`spec.partitions: expected an integer, got null`},
		},
		{
			name: "wrong envelope", version: "v2", kind: "Topic",
			yaml: `{apiVersion: v1, kind: Tpoic, metadata: [], spec: text, status: {}}`,
			want: []string{
				`apiVersion: expected text matching v2, got "v1"`,
				`kind: expected "Topic", got "Tpoic"; did you mean Topic?`,
				`metadata: expected an object, got an array`,
				`spec: expected an object, got "text"`,
				`status: expected no field of this name (known are apiVersion, kind, metadata, spec), got an unknown field`,
			},
		},
		{
			name: "permissions", version: "v2", kind: "Group",
			yaml: `
apiVersion: v2
kind: Group
metadata: {name: Checkout Devs}
spec:
  displayName: Devs
  members: [a@x.example, b@x.example, a@x.example]
  permissions:
    - {resourceType: PLATFORM, permissions: [taasView]}
    - {resourceType: TOPIC, cluster: dev, patternType: PREFIX, name: a., permissions: [topicConsume, subjectView]}
    - {resourceType: TOPICS}
    - {permissions: [topicConsume]}
    - {resourceType: KSQLDB, cluster: my_cluster, ksqlDB: "*"}
    - taasView
`,
			want: []string{
				`metadata.name: expected lower-case letters, digits, "-", "_" and "." (^[0-9a-z_\-.]+$), got "Checkout Devs"`,
				`spec.members[2]: expected items that differ from each other, got the same as item 0; remove one of the two`,
				`spec.permissions[1].patternType: expected one of LITERAL, PREFIXED, got "PREFIX"; did you mean PREFIXED?`,
				`spec.permissions[1].permissions[1]: expected one of topicViewConfig, topicConsume, topicProduce, topicCreate, topicDelete, topicEmpty, topicEditConfig, topicAddPartition, topicDataQualityManage, got "subjectView"`,
				`spec.permissions[2].resourceType: expected one of CLUSTER, CONSUMER_GROUP, KAFKA_CONNECT, KSQLDB, PLATFORM, SUBJECT, TOPIC, got "TOPICS"; did you mean TOPIC?`,
				`spec.permissions[3].resourceType: expected one of CLUSTER, CONSUMER_GROUP, KAFKA_CONNECT, KSQLDB, PLATFORM, SUBJECT, TOPIC (required), got nothing`,
				`spec.permissions[4].cluster: expected a name of lower-case letters, digits and "-", or * for all (^([0-9a-z\-]+|\*)$), got "my_cluster"`,
				`spec.permissions[5]: expected an object, got "taasView"`,
			},
		},
		{
			name: "foreign field of a permission", version: "v2", kind: "Group",
			yaml: `{apiVersion: v2, kind: Group, metadata: {name: a}, spec: {displayName: A, permissions: [{resourceType: PLATFORM, cluster: dev}]}}`,
			want: []string{`spec.permissions[0].cluster: expected no field of this name (known are permissions, resourceType), got an unknown field`},
		},
		{
			name: "what GET answers", version: "v2", kind: "Group",
			yaml: `{apiVersion: v2, kind: Group, metadata: {name: a}, spec: {displayName: A, membersFromExternalGroups: [b@x.example, b@x.example]}}`,
		},
		{
			name: "read-only fields that answers require", version: "v1", kind: "Application",
			yaml: `{apiVersion: v1, kind: Application, metadata: {name: a}, spec: {title: A, owner: a, createdAt: yesterday}}`,
		},
		{
			name: "secrets stay out of messages", version: "v2", kind: "KafkaCluster",
			yaml: `
apiVersion: v2
kind: KafkaCluster
metadata: {name: dev}
spec:
  displayName: Dev
  bootstrapServers: b:9092
  schemaRegistry:
    {type: ConfluentLike, url: u, ignoreUntrustedCertificate: false, security: {type: BasicAuth, username: u, password: 12345678}}
`,
			want: []string{`spec.schemaRegistry.security.password: expected a string, got a number; put it in quotes`},
		},
		{
			name: "a branch within a branch", version: "v2", kind: "KafkaCluster",
			yaml: `
apiVersion: v2
kind: KafkaCluster
metadata: {name: dev}
spec:
  displayName: Dev
  bootstrapServers: b:9092
  schemaRegistry: {type: Glue, region: eu-1, security: {type: FromRole}}
  kafkaFlavor: {type: Gateway, url: u, user: u, password: p}
`,
			want: []string{
				`spec.kafkaFlavor.virtualCluster: expected a string (required), got nothing`,
				`spec.schemaRegistry.security.role: expected a string (required), got nothing`,
			},
		},
		{
			name: "merged parts", version: "v3", kind: "Alert",
			yaml: `
apiVersion: v3
kind: Alert
metadata: {name: a, group: g}
spec:
  {type: DataQualityPolicyAlert, policyName: p, triggerAfter: 0, withinInSeconds: 60, threshold: 3, promQl: x,
   destination: {type: Webhook, url: u, method: GET, authentification: {type: Basic, username: u}}}
`,
			want: []string{
				`spec.destination.authentification.password: expected a string (required), got nothing`,
				`spec.triggerAfter: expected a number above 0, got 0`,
				`spec.threshold: expected no field of this name (known are description, destination, disable, displayName, policyName, promQl, triggerAfter, type, withinInSeconds), got an unknown field`,
			},
		},
		{
			name: "a union without discriminator reports against the nearest", version: "v3", kind: "Integration",
			yaml: `{apiVersion: v3, kind: Integration, metadata: {name: Slack}, spec: {config: {tokn: x}}}`,
			want: []string{
				`spec.config.token: expected a string (required), got nothing`,
				`spec.config.tokn: expected no field of this name (known are token, type), got an unknown field; did you mean token?`,
			},
		},
		{
			name: "output-only branch", version: "v1", kind: "DataQualityRule",
			yaml: `{apiVersion: v1, kind: DataQualityRule, metadata: {name: a, builtIn: true}, spec: {type: EnforceAvro, displayName: A}}`,
			want: []string{`spec.type: expected one of Cel, JsonSchema, got "EnforceAvro"`},
		},
		{
			name: "own kinds", version: "v1", kind: "Client",
			yaml: `
apiVersion: v1
kind: Client
metadata: {name: backstage}
spec: {grant_types: [implicit], access_token_lifetime: 5 minutes, claims: {any: [1, null, {}]}}
`,
			want: []string{
				`apiVersion: expected text matching ^mockduktor/v1$, got "v1"`,
				`spec.access_token_lifetime: expected a duration such as "90s", "15m" or "1h30m", got "5 minutes"`,
				`spec.grant_types[0]: expected one of authorization_code, refresh_token, client_credentials, password, urn:ietf:params:oauth:grant-type:device_code, urn:ietf:params:oauth:grant-type:token-exchange, urn:ietf:params:oauth:grant-type:jwt-bearer, got "implicit"`,
			},
		},
		{
			name: "formats", version: "v1", kind: "TopicFigures",
			yaml: `{apiVersion: mockduktor/v1, kind: TopicFigures, metadata: {cluster: dev, name: a}, spec: {recordCount: -1, produceRate: -0.5, lastActivityAt: "2026-13-01"}}`,
			want: []string{
				`spec.lastActivityAt: expected a time such as 2026-01-31T12:00:00Z (RFC 3339), got "2026-13-01"`,
				`spec.produceRate: expected a number at least 0, got -0.5`,
				`spec.recordCount: expected a number at least 0, got -1`,
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, p := range mustKind(t, c.version, c.kind).Validate(resource(t, c.yaml)) {
				got = append(got, p.String())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// TestValidateNeverMindsTheNumberType: JSON and YAML readers give different ones.
func TestValidateNeverMindsTheNumberType(t *testing.T) {
	k := mustKind(t, "v2", "Topic")
	for _, n := range []any{6, int64(6), 6.0, json.Number("6"), json.Number("6.0"), json.Number("0.6e1")} {
		r := resource(t, topicYAML)
		r["spec"].(map[string]any)["partitions"] = n
		report(t, fmt.Sprintf("%T %v", n, n), k.Validate(r))
	}
	for _, n := range []any{6.5, math.NaN(), math.Inf(1), json.Number("6e400"), json.Number("six"), json.Number("1e1000000000"), struct{}{}} {
		r := resource(t, topicYAML)
		r["spec"].(map[string]any)["partitions"] = n
		if k.Validate(r) == nil {
			t.Errorf("%T %v was accepted", n, n)
		}
	}
}

func TestValidateBoundsItsReport(t *testing.T) {
	var members []any
	for i := range 1000 {
		members = append(members, i)
	}
	r := resource(t, `{apiVersion: v2, kind: Group, metadata: {name: a}, spec: {displayName: A}}`)
	r["spec"].(map[string]any)["members"] = members
	if got := len(mustKind(t, "v2", "Group").Validate(r)); got != maxProblems {
		t.Errorf("%d problems, want %d", got, maxProblems)
	}
	r["spec"].(map[string]any)["displayName"] = []any{strings.Repeat("x", 10000)}
	r["spec"].(map[string]any)[strings.Repeat("k", 10000)] = json.Number(strings.Repeat("9", 10000))
	for _, p := range mustKind(t, "v2", "Group").Validate(r) {
		if len(p.String()) > 500 {
			t.Errorf("a problem of %d bytes", len(p.String()))
		}
	}
}

// TestUnknownFieldsCostLittle: once the report is full, nobody looks for the
// nearest name of what is left. Counted by allocations, which a search costs.
func TestUnknownFieldsCostLittle(t *testing.T) {
	r := resource(t, `{apiVersion: v2, kind: Group, metadata: {name: a}, spec: {displayName: A}}`)
	for i := range 20000 {
		r["spec"].(map[string]any)[fmt.Sprint("display", i)] = i
	}
	k := mustKind(t, "v2", "Group")
	k.Validate(r)
	if allocs := testing.AllocsPerRun(5, func() { k.Validate(r) }); allocs > 2000 {
		t.Errorf("%v allocations", allocs)
	}
}

// TestManyItemsAreCompared takes the way for long lists of texts.
func TestManyItemsAreCompared(t *testing.T) {
	var members []any
	for i := range 100 {
		members = append(members, fmt.Sprint(i))
	}
	r := resource(t, `{apiVersion: v2, kind: Group, metadata: {name: a}, spec: {displayName: A}}`)
	spec := r["spec"].(map[string]any)
	spec["members"] = members
	k := mustKind(t, "v2", "Group")
	report(t, "distinct", k.Validate(r))
	spec["members"] = append(members, "42")
	got := k.Validate(r)
	if len(got) != 1 || got[0].Path != "spec.members[100]" || got[0].Got != "the same as item 42" {
		t.Errorf("problems are %v", got)
	}
}

func TestValidateBody(t *testing.T) {
	const path = "/public/v1/clusters/{clusterName}/topics"
	good := map[string]any{"page": 1, "itemsPerPage": 10, "sort": "ByName", "unknown": true}
	report(t, "unknown fields are ignored", Console().ValidateBody("POST", path, good))
	for _, c := range []struct {
		body any
		want string
	}{
		{nil, "expected a body, got nothing"},
		{[]any{}, "expected an object, got an array"},
		{map[string]any{"page": 1, "itemsPerPage": 10}, "sort: expected one of ByName,"},
		{map[string]any{"page": 1, "itemsPerPage": 10, "sort": "byName"}, `got "byName"; did you mean ByName?`},
		{map[string]any{"page": 1, "itemsPerPage": 10, "sort": "ByName", "filter": []any{map[string]any{"type": "TopicNameFilter"}}}, "filter[0].contains: expected a string (required), got nothing"},
		{map[string]any{"page": 1, "itemsPerPage": 10, "sort": "ByName", "filter": []any{map[string]any{"type": "HideInternal"}, map[string]any{"type": "HideInternal"}}}, "filter[1]: expected items that differ"},
	} {
		got := Console().ValidateBody("POST", path, c.body)
		if len(got) != 1 || !strings.Contains(got[0].String(), c.want) {
			t.Errorf("%v: problems are %v, want %q", c.body, got, c.want)
		}
	}
	if got := Console().ValidateBody("POST", "/nowhere", nil); len(got) != 1 {
		t.Errorf("an unknown operation: %v", got)
	}
}

func TestValidateQuery(t *testing.T) {
	const topic, rule = "/public/kafka/v2/cluster/{cluster}/topic", "/public/data-quality/v1/data-quality-policy"
	for _, c := range []struct{ method, path, query, want string }{
		{"PUT", topic, "", ""},
		{"PUT", topic, "dryMode=true&whatever=1", ""},
		{"PUT", topic, "dryMode=yes", `dryMode: expected true or false, got "yes"`},
		{"PUT", topic, "dryMode=", `dryMode: expected true or false, got ""`},
		{"PUT", topic, "dryMode=true&dryMode=false", "dryMode: expected one value, got 2 values"},
		{"GET", rule, "metricsFrom=2026-01-05T09:00:00Z&includeMetrics=false", ""},
		{"GET", rule, "metricsFrom=yesterday", "metricsFrom: expected a time such as"},
		{"GET", "/public/monitoring/v3/alert", "alertType=TopicAlert&group=a", ""},
		{"GET", "/public/monitoring/v3/alert", "alertType=TopicAlerts", `did you mean TopicAlert?`},
		{"GET", "/public/self-serve/v1/application-instance", "application=My+App", "application: expected lower-case letters"},
	} {
		q, err := url.ParseQuery(c.query)
		if err != nil {
			t.Fatal(err)
		}
		got := Console().ValidateQuery(c.method, c.path, q)
		if c.want == "" && got != nil || c.want != "" && (len(got) != 1 || !strings.Contains(got[0].String(), c.want)) {
			t.Errorf("%s %s?%s: problems are %v, want %q", c.method, c.path, c.query, got, c.want)
		}
	}
}

func TestValidateAnswer(t *testing.T) {
	const apps = "/public/self-serve/v1/application"
	for _, c := range []struct {
		method, path string
		status       int
		body, want   string
	}{
		{"GET", apps, 200, `[]`, ""},
		{"GET", apps, 200, `[{"apiVersion":"v1","kind":"Application","metadata":{"name":"a"},"spec":{"title":"A","owner":"g","createdAt":"2026-01-05T09:00:00Z"}}]`, ""},
		{"GET", apps, 200, `[{"apiVersion":"v1","kind":"Application","metadata":{"name":"a"},"spec":{"title":"A","owner":"g"}}]`, "[0].spec.createdAt: expected a string (required), got nothing"},
		{"GET", apps, 200, `[{"apiVersion":"v1","kind":"Application","metadata":{"name":"a"},"spec":{"title":"A","owner":"g","createdAt":"2026-01-05T09:00:00Z","color":"red"}}]`, "[0].spec.color: expected no field of this name"},
		{"GET", apps, 200, `[{"apiVersion":"v1","kind":"Application","metadata":{"name":"a"},"spec":{"title":"A","owner":"g","createdAt":"2026-01-05T09:00:00Z","description":null}}]`, "[0].spec.description: expected a string, got null"},
		{"GET", apps, 200, `{`, "expected JSON"},
		{"GET", apps, 200, `[][]`, "expected one JSON value"},
		{"GET", apps, 404, `{"title":"a","cause":"b"}`, ""},
		{"GET", apps, 404, `{"msg":"a"}`, "title: expected a string (required), got nothing"},
		{"GET", apps, 409, `{"title":"a"}`, "status: expected one of 200, 400, 401, 403, 404, 500, got 409"},
		{"PUT", apps, 200, `{"upsertResult":"Created","resource":{"apiVersion":"v1","kind":"Application","metadata":{"name":"a"},"spec":{"title":"A","owner":"g"}}}`, ""},
		{"PUT", apps, 200, `{"upsertResult":"Made","resource":{"apiVersion":"v1","kind":"Application","metadata":{"name":"a"},"spec":{"title":"A","owner":"g"}}}`, "upsertResult: expected one of Created, Updated, NotChanged"},
		{"DELETE", apps + "/{application-name}", 200, ``, ""},
		{"DELETE", apps + "/{application-name}", 200, `{}`, "expected an empty body, got 2 bytes"},
		{"GET", "/token/v1/whoami", 200, `{"email":"a@x.example"}`, ""},
		{"GET", "/token/v1/whoami", 200, `{"id":"6f0d2c1e-5a43-5d0e-9a53-6a1c20d3a002","name":"n","applicationInstanceName":"i"}`, ""},
		{"GET", "/token/v1/whoami", 200, `{"name":"n"}`, "expected"},
		{"GET", "/_mock/openapi.yaml", 200, "openapi: 3.1.0", ""},
		{"GET", "/_mock/seed", 200, "apiVersion: v2", ""},
		{"GET", "/_mock/seed", 200, `{"apiVersion":"v2"}`, "expected an array"},
		{"GET", "/_mock/settings", 200, "issuer: x", "expected JSON"},
	} {
		document := Console()
		if strings.HasPrefix(c.path, "/_mock/") {
			document = Mock()
		}
		got := document.ValidateAnswer(c.method, c.path, c.status, []byte(c.body))
		if c.want == "" && got != nil || c.want != "" && (len(got) == 0 || !strings.Contains(got[0].String(), c.want)) {
			t.Errorf("%s %s %d %s: problems are %v, want %q", c.method, c.path, c.status, c.body, got, c.want)
		}
	}
}

// FuzzValidate: no body makes the checks fail, and a second look sees the same.
func FuzzValidate(f *testing.F) {
	for _, k := range Console().Kinds() {
		text, err := json.Marshal(k.Example())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"spec":{"permissions":[{"resourceType":[]},null,1e999]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		dec := json.NewDecoder(strings.NewReader(string(data)))
		dec.UseNumber()
		var r map[string]any
		if dec.Decode(&r) != nil {
			return
		}
		for _, k := range Console().Kinds() {
			if first, second := k.Validate(r), k.Validate(r); !slices.Equal(first, second) {
				t.Errorf("%s: %v, then %v", k.Name, first, second)
			}
			before, _ := json.Marshal(r)
			canonical := k.Canonical(r)
			if !json.Valid(canonical) {
				t.Errorf("%s: canonical form is not JSON: %s", k.Name, canonical)
			}
			k.StripReadOnly(r)
			if after, _ := json.Marshal(r); string(before) != string(after) {
				t.Errorf("%s: the resource was changed", k.Name)
			}
		}
	})
}
