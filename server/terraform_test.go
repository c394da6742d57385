package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/console"
)

// terraform sends what the Terraform provider for Conduktor (2026) sends. The
// provider starts anew for every operation, so callers make a new one each time.
type terraform struct {
	wire cli // base, headers and sending are alike; nothing else of it is used
	// credentials: there was a login, so the licence can be looked at.
	credentials bool
}

// newTerraform logs in, or takes an API key as it is.
func newTerraform(t testing.TB, running *server.Server, user, password, apiKey string) (*terraform, error) {
	t.Helper()
	tf := &terraform{wire: cli{base: running.URL() + "/api"}, credentials: apiKey == ""}
	if !tf.credentials {
		tf.wire.authorization = "Bearer " + apiKey
		return tf, nil
	}
	got := tf.wire.post(t, "/login", map[string]string{"username": user, "password": password})
	if got.status == http.StatusUnauthorized {
		return nil, fmt.Errorf("could not login: invalid username or password")
	}
	if err := terraformError(got); err != nil {
		return nil, fmt.Errorf("could not login: %w", err)
	}
	var result struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		TokenType    string `json:"token_type"`
		ExpiresIn    int    `json:"expires_in"`
	}
	got.json(t, &result)
	if result.ExpiresIn <= 0 || result.TokenType == "" || result.RefreshToken == "" {
		t.Errorf("login: %s", got.body)
	}
	tf.wire.authorization = "Bearer " + result.AccessToken
	return tf, nil
}

// terraformAsRoot is one operation's provider with the root admin's password.
func terraformAsRoot(t testing.TB, running *server.Server) *terraform {
	t.Helper()
	tf, err := newTerraform(t, running, server.DefaultAdminEmail, server.DefaultAdminPassword, "")
	if err != nil {
		t.Fatal(err)
	}
	return tf
}

// terraformError is what the provider shows of a refused request: msg, else
// title; it never looks at cause.
func terraformError(got answer) error {
	if got.status < http.StatusBadRequest {
		return nil
	}
	var body problem
	if err := json.Unmarshal(got.body, &body); err != nil {
		return fmt.Errorf("%s", got.body)
	}
	if body.Msg != "" {
		return fmt.Errorf("%s", body.Msg)
	}
	return fmt.Errorf("%s", body.Title)
}

var platformVersion = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+$`)

// configure is what the provider asks before it touches a resource. licensed
// kinds need a plan that is not free, which can only be asked after a login.
func (tf *terraform) configure(t testing.TB, licensed bool) error {
	t.Helper()
	got := tf.wire.send(t, http.MethodGet, "/versions", nil, "", nil)
	if err := terraformError(got); err != nil {
		return err
	}
	var versions map[string]any
	got.json(t, &versions)
	if platform, _ := versions["platform"].(string); !platformVersion.MatchString(platform) {
		return fmt.Errorf("platform %v: expected a version without a leading v", versions["platform"])
	}
	if !licensed || !tf.credentials {
		return nil
	}
	got = tf.wire.send(t, http.MethodGet, "/organizations", nil, "", nil)
	if err := terraformError(got); err != nil {
		return err
	}
	var organizations []struct{ Slug string }
	got.json(t, &organizations)
	if len(organizations) == 0 || organizations[0].Slug == "" {
		return fmt.Errorf("no organization: %s", got.body)
	}
	got = tf.wire.send(t, http.MethodGet, "/organizations/"+organizations[0].Slug+"/platform-license", nil, "", nil)
	if err := terraformError(got); err != nil {
		return err
	}
	var license struct{ Plan string }
	got.json(t, &license)
	switch license.Plan {
	case "":
		return fmt.Errorf("no plan: %s", got.body)
	case "free":
		return fmt.Errorf("Enterprise license required") //nolint:staticcheck // the provider's text
	}
	return nil
}

// put applies a resource and returns both parts of the answer.
func (tf *terraform) put(t testing.TB, path, body string) (upsertResult string, resource map[string]any, err error) {
	t.Helper()
	got := tf.wire.send(t, http.MethodPut, path, nil, "text/plain; charset=utf-8", []byte(body))
	if err := terraformError(got); err != nil {
		return "", nil, err
	}
	var result struct {
		UpsertResult string
		Resource     map[string]any
	}
	got.json(t, &result)
	if result.Resource == nil {
		t.Fatalf("PUT %s: there is no resource in %s", path, got.body)
	}
	return result.UpsertResult, result.Resource, nil
}

// read returns nil without an error for what is gone, which is 404 and nothing else.
func (tf *terraform) read(t testing.TB, path string) (map[string]any, error) {
	t.Helper()
	got := tf.wire.send(t, http.MethodGet, path, nil, "", nil)
	if got.status == http.StatusNotFound {
		return nil, nil
	}
	if got.status >= http.StatusBadRequest {
		return nil, fmt.Errorf("error describing resources %s, got status code: %d:\n %s", path, got.status, got.body)
	}
	var resource map[string]any
	got.json(t, &resource)
	return resource, nil
}

func (tf *terraform) destroy(t testing.TB, path string) error {
	t.Helper()
	return terraformError(tf.wire.send(t, http.MethodDelete, path, nil, "", nil))
}

// lost lists the fields of what was sent that did not come back equal: such a
// difference is an error of the provider, inconsistent result after apply. null
// and absent are the same, lists are sets.
func lost(path string, sent, got any) []string {
	switch sent := sent.(type) {
	case nil:
		return nil
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s: sent an object, got %v", path, got)}
		}
		var differences []string
		for name, value := range sent {
			differences = append(differences, lost(path+"."+name, value, object[name])...)
		}
		return differences
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(sent) {
			return []string{fmt.Sprintf("%s: sent %v, got %v", path, sent, got)}
		}
		list = slices.Clone(list)
		for _, item := range sent {
			at := slices.IndexFunc(list, func(one any) bool { return len(lost(path, item, one)) == 0 })
			if at < 0 {
				return []string{fmt.Sprintf("%s: sent %v, which is not in %v", path, item, got)}
			}
			list = slices.Delete(list, at, at+1)
		}
		return nil
	}
	if !reflect.DeepEqual(sent, got) {
		return []string{fmt.Sprintf("%s: sent %v, got %v", path, sent, got)}
	}
	return nil
}

// added lists the fields that came back and were not sent.
func added(path string, sent, got any) []string {
	object, ok := got.(map[string]any)
	if !ok {
		return nil
	}
	before, _ := sent.(map[string]any)
	var fields []string
	for name, value := range object {
		if _, there := before[name]; !there {
			fields = append(fields, path+"."+name)
			continue
		}
		fields = append(fields, added(path+"."+name, before[name], value)...)
	}
	slices.Sort(fields)
	return fields
}

// terraformResource is one resource as the provider writes it: empty lists and
// false are there, what is not set is not.
type terraformResource struct {
	path, name string
	body       string
	change     [2]string // a text of the body, and what it becomes; "" for none
	licensed   bool
	// managed are the fields that the server sets, some of them or all.
	managed []string
}

var terraformResources = []terraformResource{
	{path: "/public/iam/v2/user", name: "tess@shop.example", change: [2]string{"Ra", "Rae"},
		body: `{"kind":"User","apiVersion":"v2","metadata":{"name":"tess@shop.example"},"spec":{"firstName":"Tess","lastName":"Ra","permissions":[
			{"resourceType":"PLATFORM","permissions":["userView","taasView"]},
			{"resourceType":"TOPIC","permissions":["topicConsume","topicViewConfig"],"name":"tf.","patternType":"PREFIXED","cluster":"tf"}]}}`},
	{path: "/public/iam/v2/user", name: "bare@shop.example",
		body: `{"kind":"User","apiVersion":"v2","metadata":{"name":"bare@shop.example"},"spec":{"permissions":[]}}`},
	{path: "/public/iam/v2/group", name: "tf-team", change: [2]string{`"members":["tess@shop.example","ines@shop.example"]`, `"members":[]`},
		body: `{"kind":"Group","apiVersion":"v2","metadata":{"name":"tf-team"},"spec":{"description":"By Terraform","displayName":"TF",
			"externalGroups":["idp-tf","idp-ops"],"externalGroupRegex":["^tf-.*"],"members":["tess@shop.example","ines@shop.example"],"membersFromExternalGroups":[],
			"permissions":[
				{"resourceType":"PLATFORM","permissions":["clusterConnectionsManage","userView"]},
				{"resourceType":"CLUSTER","permissions":["clusterViewBroker","clusterEditBroker"],"name":"tf"},
				{"resourceType":"TOPIC","permissions":["topicViewConfig","topicConsume"],"name":"tf.","patternType":"PREFIXED","cluster":"*"},
				{"resourceType":"SUBJECT","permissions":["subjectView"],"name":"tf.","patternType":"PREFIXED","cluster":"tf"},
				{"resourceType":"CONSUMER_GROUP","permissions":["consumerGroupView"],"name":"*","patternType":"LITERAL","cluster":"tf"},
				{"resourceType":"KAFKA_CONNECT","permissions":["kafkaConnectorStatus"],"name":"tf.","patternType":"PREFIXED","cluster":"tf","kafkaConnect":"tf-connect"},
				{"resourceType":"KSQLDB","permissions":["ksqldbAccess"],"cluster":"tf","ksqlDB":"tf-ksql"}]}}`},
	{path: "/public/iam/v2/group", name: "tf-bare", change: [2]string{`"TF"`, `"TF bare"`},
		body: `{"kind":"Group","apiVersion":"v2","metadata":{"name":"tf-bare"},"spec":{"displayName":"TF","externalGroups":[],"members":[],"membersFromExternalGroups":[],"permissions":[]}}`},
	{path: "/public/console/v2/kafka-cluster", name: "tf", change: [2]string{`#112233`, `#445566`},
		body: `{"apiVersion":"v2","kind":"KafkaCluster","metadata":{"labels":{"env":"tf"},"name":"tf"},"spec":{"bootstrapServers":"a:9092,b:9092","color":"#112233","displayName":"TF","icon":"kafka",
			"ignoreUntrustedCertificate":false,"properties":{"security.protocol":"SASL_SSL"},
			"kafkaFlavor":{"type":"Confluent","key":"k","secret":"not-a-real-secret","confluentEnvironmentId":"env-1","confluentClusterId":"lkc-1"},
			"schemaRegistry":{"type":"ConfluentLike","url":"http://registry:8081","ignoreUntrustedCertificate":false,"properties":"a=b",
				"security":{"type":"BasicAuth","username":"u","password":"not-a-real-password"}}}}`},
	{path: "/public/console/v2/kafka-cluster", name: "tf-gateway",
		body: `{"apiVersion":"v2","kind":"KafkaCluster","metadata":{"name":"tf-gateway"},"spec":{"bootstrapServers":"g:9092","displayName":"TF gateway","ignoreUntrustedCertificate":true,
			"kafkaFlavor":{"type":"Gateway","url":"http://gateway:8888","user":"u","password":"not-a-real-password","virtualCluster":"passthrough"},
			"schemaRegistry":{"type":"Glue","region":"eu-west-1","registryName":"main","security":{"type":"FromRole","role":"arn:aws:iam::1:role/r"}}}}`},
	{path: "/public/console/v2/cluster/tf/kafka-connect", name: "tf-connect", change: [2]string{"http://connect:8083", "http://connect:8084"},
		body: `{"apiVersion":"v2","kind":"KafkaConnectCluster","metadata":{"labels":{"env":"tf"},"name":"tf-connect","cluster":"tf"},"spec":{"urls":"http://connect:8083","displayName":"TF connect",
			"ignoreUntrustedCertificate":false,"headers":{"X-Team":"tf"},"security":{"type":"BearerToken","token":"not-a-real-token"}}}`},
	{path: "/public/console/v2/cluster/tf/ksqldb", name: "tf-ksql", change: [2]string{"TF ksql", "TF ksqlDB"},
		body: `{"apiVersion":"v2","kind":"KsqlDBCluster","metadata":{"name":"tf-ksql","cluster":"tf"},"spec":{"url":"http://ksql:8088","displayName":"TF ksql","ignoreUntrustedCertificate":true}}`},
	{path: "/public/self-serve/v1/topic-policy", name: "tf-topics", licensed: true, change: [2]string{`"max":86400000`, `"max":3600000`},
		body: `{"apiVersion":"v1","kind":"TopicPolicy","metadata":{"name":"tf-topics"},"spec":{"policies":{
			"metadata.name":{"constraint":"Match","pattern":"^tf\\.(?<event>[a-z0-9.-]+)$"},
			"metadata.labels.criticality":{"constraint":"OneOf","optional":true,"values":["C0","C1"]},
			"spec.configs.retention.ms":{"constraint":"Range","optional":true,"min":60000,"max":86400000},
			"spec.configs":{"constraint":"AllowedKeys","optional":true,"keys":["retention.ms","cleanup.policy"]}}}}`},
	{path: "/public/self-serve/v1/resource-policy", name: "tf-rule", licensed: true, change: [2]string{"at least one", "one at least"},
		body: `{"kind":"ResourcePolicy","apiVersion":"v1","metadata":{"name":"tf-rule","labels":{"a":"b"}},"spec":{"targetKind":"Topic","description":"By Terraform",
			"rules":[{"condition":"spec.partitions >= 1","errorMessage":"at least one"}]}}`},
	{path: "/public/self-serve/v1/application", name: "tf-app", licensed: true, change: [2]string{`"TF app"`, `"TF application"`}, managed: []string{".spec.createdAt"},
		body: `{"kind":"Application","apiVersion":"v1","metadata":{"name":"tf-app"},"spec":{"description":"By Terraform","title":"TF app","owner":"tf-team"}}`},
	{path: "/public/self-serve/v1/application", name: "tf-other", licensed: true, managed: []string{".spec.createdAt"},
		body: `{"kind":"Application","apiVersion":"v1","metadata":{"name":"tf-other"},"spec":{"title":"Other","owner":"tf-bare"}}`},
	{path: "/public/self-serve/v1/application-instance", name: "tf-app-tf", licensed: true, change: [2]string{`"PRIVATE"`, `"PUBLIC"`},
		body: `{"kind":"ApplicationInstance","apiVersion":"v1","metadata":{"name":"tf-app-tf","application":"tf-app"},"spec":{"cluster":"tf","topicPolicyRef":["tf-topics"],"policyRef":["tf-rule"],
			"resources":[{"type":"TOPIC","name":"tf.","patternType":"PREFIXED","ownershipMode":"ALL"},
				{"type":"CONSUMER_GROUP","name":"tf-worker","patternType":"LITERAL","connectCluster":"tf-connect","ownershipMode":"LIMITED"},
				{"type":"CONNECTOR","name":"tf.","patternType":"PREFIXED","connectCluster":"tf-connect"}],
			"applicationManagedServiceAccount":false,"serviceAccount":"sa-tf","defaultCatalogVisibility":"PRIVATE"}}`},
	{path: "/public/self-serve/v1/application-instance", name: "tf-other-tf", licensed: true,
		body: `{"kind":"ApplicationInstance","apiVersion":"v1","metadata":{"name":"tf-other-tf","application":"tf-other"},"spec":{"cluster":"tf","applicationManagedServiceAccount":false}}`},
	{path: "/public/self-serve/v1/application-instance-permission", name: "tf-to-other", licensed: true,
		body: `{"kind":"ApplicationInstancePermission","apiVersion":"v1","metadata":{"name":"tf-to-other","application":"tf-app","appInstance":"tf-app-tf"},"spec":{
			"resource":{"type":"TOPIC","name":"tf.paid","patternType":"LITERAL"},"userPermission":"READ","serviceAccountPermission":"NONE","grantedTo":"tf-other-tf"}}`},
	{path: "/public/self-serve/v1/application-group", name: "tf-support", licensed: true, change: [2]string{`["tess@shop.example"]`, `["tess@shop.example","ines@shop.example"]`},
		body: `{"kind":"ApplicationGroup","apiVersion":"v1","metadata":{"name":"tf-support","application":"tf-app"},"spec":{"displayName":"Support","description":"By Terraform",
			"permissions":[{"appInstance":"tf-app-tf","patternType":"LITERAL","resourceType":"TOPIC","name":"*","permissions":["topicViewConfig","topicConsume"]},
				{"appInstance":"tf-app-tf","patternType":"LITERAL","connectCluster":"tf-connect","resourceType":"CONNECTOR","name":"*","permissions":["kafkaConnectorStatus"]}],
			"instancePermissions":[{"appInstance":"tf-app-tf","permissions":["applicationInstanceApiKeyManage"]}],
			"members":["tess@shop.example"],"externalGroups":["idp-support"],"externalGroupRegex":["^support-.*"],"membersFromExternalGroups":[]}}`},
	{path: "/public/self-serve/v1/application-group", name: "tf-support-bare", licensed: true,
		body: `{"kind":"ApplicationGroup","apiVersion":"v1","metadata":{"name":"tf-support-bare","application":"tf-app"},"spec":{"displayName":"Support","permissions":[],"members":[],"externalGroups":[],"membersFromExternalGroups":[]}}`},
	{path: "/public/self-serve/v1/cluster/tf/service-account", name: "sa-tf", change: [2]string{`["Write"]`, `["Read","Write"]`},
		body: `{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"appInstance":"tf-app-tf","cluster":"tf","labels":{"key":"value"},"name":"sa-tf"},"spec":{"authorization":{"acls":[
			{"type":"TOPIC","name":"tf.","patternType":"PREFIXED","operations":["Write"],"host":"*","permission":"Allow"}],"type":"KAFKA_ACL"}}}`},
	{path: "/public/kafka/v2/cluster/tf/topic", name: "tf.paid", change: [2]string{"Payments", "All payments"},
		managed: []string{".metadata.labels.conduktor.io/application", ".metadata.labels.conduktor.io/application-instance"},
		body: `{"kind":"Topic","apiVersion":"v2","metadata":{"name":"tf.paid","cluster":"tf","labels":{"criticality":"C0"},"catalogVisibility":"PUBLIC","descriptionIsEditable":true,"description":"Payments",
			"sqlStorage":{"retentionTimeInSecond":86400,"enabled":true}},"spec":{"partitions":3,"replicationFactor":1,"configs":{"cleanup.policy":"delete","retention.ms":"3600000"}}}`},
	{path: "/public/kafka/v2/cluster/tf/topic", name: "Kafka-1st",
		body: `{"kind":"Topic","apiVersion":"v2","metadata":{"name":"Kafka-1st","cluster":"tf"},"spec":{"partitions":1,"replicationFactor":1}}`},
	{path: "/public/kafka/v2/cluster/tf/connect/tf-connect/connector", name: "tf.sink", change: [2]string{`"tasks.max":"1"`, `"tasks.max":"2"`},
		managed: []string{".metadata.labels.conduktor.io/application", ".metadata.labels.conduktor.io/application-instance"},
		body: `{"kind":"Connector","apiVersion":"v2","metadata":{"name":"tf.sink","cluster":"tf","connectCluster":"tf-connect","labels":{"a":"b"},"autoRestart":{"enabled":true,"frequencySeconds":600},"description":"Sink"},
			"spec":{"config":{"connector.class":"org.example.Sink","tasks.max":"1"}}}`},
	{path: "/public/kafka/v2/cluster/tf/subject", name: "other-value", change: [2]string{`BACKWARD`, `FULL`}, managed: []string{".spec.id", ".spec.version"},
		body: `{"apiVersion":"v2","kind":"Subject","metadata":{"cluster":"tf","name":"other-value","labels":{"a":"b"}},"spec":{"schema":"{\"type\":\"string\"}","format":"AVRO","compatibility":"BACKWARD"}}`},
	{path: "/public/console/v2/partner-zone", name: "tf-zone", licensed: false, change: [2]string{"Acme Ltd", "Acme"},
		managed: []string{".metadata.id", ".metadata.updatedAt", ".metadata.status", ".metadata.failedReason"},
		body: `{"kind":"PartnerZone","apiVersion":"v2","metadata":{"name":"tf-zone","labels":{"a":"b"}},"spec":{"cluster":"tf-gateway","displayName":"Acme Ltd","description":"Partner","url":"https://acme.example",
			"authenticationMode":{"serviceAccount":"acme","type":"OAUTHBEARER"},"topics":[{"name":"paid","backingTopic":"tf.paid","permission":"READ"},{"name":"sent","backingTopic":"tf.sent","permission":"WRITE"}],
			"partner":{"name":"Acme","role":"Analyst","email":"a@acme.example","phone":"0"},"trafficControlPolicies":{"maxProduceRate":1000000,"limitCommitOffset":30},
			"headers":{"addOnProduce":[{"key":"k","value":"v","overrideIfExists":false}],"removeOnConsume":[{"keyRegex":"internal.*"}]}}}`},
}

// apply puts a resource as the provider does and holds the answer and a read
// against what was sent.
func (r terraformResource) apply(t testing.TB, running *server.Server, body, want string) {
	t.Helper()
	tf := terraformAsRoot(t, running)
	if err := tf.configure(t, r.licensed); err != nil {
		t.Fatalf("%s: %v", r.name, err)
	}
	result, resource, err := tf.put(t, r.path, body)
	if err != nil {
		t.Fatalf("%s: %v", r.name, err)
	}
	if result != want {
		t.Errorf("%s: %s, want %s", r.name, result, want)
	}
	read, err := terraformAsRoot(t, running).read(t, r.path+"/"+r.name)
	if err != nil {
		t.Fatalf("%s: %v", r.name, err)
	}
	sent := decoded(t, []byte(body))
	for what, got := range map[string]map[string]any{"PUT": resource, "GET": read} {
		if differences := lost("", sent, got); len(differences) > 0 {
			t.Errorf("%s of %s: inconsistent result after apply: %s", what, r.name, strings.Join(differences, "; "))
		}
		for _, field := range added("", sent, got) {
			if !slices.Contains(r.managed, field) {
				t.Errorf("%s of %s adds %s", what, r.name, field)
			}
		}
	}
}

func TestTerraformResources(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{Seeds: []string{"empty"}})
	before := worldOf(t, running)
	for _, r := range terraformResources {
		r.apply(t, running, r.body, "Created")
	}
	for _, r := range terraformResources {
		r.apply(t, running, r.body, "NotChanged")
		if r.change[0] == "" {
			continue
		}
		if !strings.Contains(r.body, r.change[0]) {
			t.Fatalf("%s: there is no %s to change", r.name, r.change[0])
		}
		changed := strings.Replace(r.body, r.change[0], r.change[1], 1)
		r.apply(t, running, changed, "Updated")
		r.apply(t, running, changed, "NotChanged")
	}
	for _, r := range slices.Backward(terraformResources) {
		item := r.path + "/" + r.name
		if err := terraformAsRoot(t, running).destroy(t, item); err != nil {
			t.Errorf("destroy %s: %v", r.name, err)
		}
		// What is gone is 404; below a cluster that is gone too.
		if read, err := terraformAsRoot(t, running).read(t, item); read != nil || err != nil {
			t.Errorf("read %s after destroying it: %v, %v", r.name, read, err)
		}
	}
	unchanged(t, running, before)
}

// TestTerraformSubjectVersion: after a new schema the provider reads until the
// version has grown, and gives up after twenty times.
func TestTerraformSubjectVersion(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{})
	const path = "/public/kafka/v2/cluster/staging/subject"
	subject := func(schema, compatibility string) string {
		return fmt.Sprintf(`{"apiVersion":"v2","kind":"Subject","metadata":{"cluster":"staging","name":"tf-value"},"spec":{"schema":%q,"format":"AVRO","compatibility":%q}}`, schema, compatibility)
	}
	put := func(body, want string) (id, version float64) {
		t.Helper()
		if result, _, err := terraformAsRoot(t, running).put(t, path, body); result != want || err != nil {
			t.Fatalf("%s, %v; want %s", result, err, want)
		}
		read, err := terraformAsRoot(t, running).read(t, path+"/tf-value")
		if err != nil {
			t.Fatal(err)
		}
		if differences := lost("", decoded(t, []byte(body)), read); len(differences) > 0 {
			t.Errorf("inconsistent result after apply: %s", differences)
		}
		spec := read["spec"].(map[string]any)
		id, _ = spec["id"].(float64)
		version, _ = spec["version"].(float64)
		return id, version
	}
	firstID, first := put(subject(`"string"`, "BACKWARD"), "Created")
	if firstID < 1 || first < 1 {
		t.Fatalf("a new subject has id %v and version %v", firstID, first)
	}
	if _, version := put(subject(`"string"`, "NONE"), "Updated"); version != first {
		t.Errorf("another compatibility made version %v of %v", version, first)
	}
	secondID, second := put(subject(`"long"`, "NONE"), "Updated")
	if second <= first || secondID == firstID {
		t.Errorf("a new schema made version %v of %v, id %v of %v", second, first, secondID, firstID)
	}
	// What a read showed is sent back with id and version.
	sent := strings.Replace(subject(`"long"`, "NONE"), `"format"`, fmt.Sprintf(`"id":%v,"version":%v,"format"`, secondID, second), 1)
	if _, version := put(sent, "NotChanged"); version != second {
		t.Errorf("nothing new made version %v of %v", version, second)
	}
}

func TestTerraformServiceAccountDefaults(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{})
	const body = `{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"cluster":"staging","name":"sa-tf"},"spec":{"authorization":{"acls":[
		{"type":"TOPIC","name":"tf","patternType":"LITERAL","operations":["Write"]},
		{"type":"TOPIC","name":"tf.","patternType":"PREFIXED","operations":["Read"],"host":"10.0.0.1","permission":"Deny"}],"type":"KAFKA_ACL"}}}`
	want := decoded(t, []byte(`[{"type":"TOPIC","name":"tf","patternType":"LITERAL","operations":["Write"],"host":"*","permission":"Allow"},
		{"type":"TOPIC","name":"tf.","patternType":"PREFIXED","operations":["Read"],"host":"10.0.0.1","permission":"Deny"}]`))
	for _, result := range []string{"Created", "NotChanged"} {
		got, resource, err := terraformAsRoot(t, running).put(t, "/public/self-serve/v1/cluster/staging/service-account", body)
		if got != result || err != nil {
			t.Fatalf("%s, %v; want %s", got, err, result)
		}
		if acls := resource["spec"].(map[string]any)["authorization"].(map[string]any)["acls"]; !reflect.DeepEqual(acls, want) {
			t.Errorf("ACLs: %v", acls)
		}
	}
}

func TestTerraformForeignPermissionFields(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{})
	const groups = "/public/iam/v2/group"
	const sent = `{"kind":"Group","apiVersion":"v2","metadata":{"name":"g"},"spec":{"displayName":"G","externalGroups":[],"members":[],"membersFromExternalGroups":[],"permissions":[
		{"resourceType":"PLATFORM","permissions":["userView"],"name":"n","patternType":"LITERAL","cluster":"staging","kafkaConnect":"c","ksqlDB":"k"},
		{"resourceType":"CLUSTER","permissions":["clusterViewBroker"],"name":"staging","patternType":"PREFIXED","cluster":"staging"},
		{"resourceType":"TOPIC","permissions":["topicConsume"],"name":"n","patternType":"PREFIXED","cluster":"staging","kafkaConnect":"c"},
		{"resourceType":"KSQLDB","permissions":["ksqldbAccess"],"name":"n","patternType":"LITERAL","cluster":"staging","ksqlDB":"k"}]}}`
	want := decoded(t, []byte(`[{"resourceType":"PLATFORM","permissions":["userView"]},
		{"resourceType":"CLUSTER","permissions":["clusterViewBroker"],"name":"staging"},
		{"resourceType":"TOPIC","permissions":["topicConsume"],"name":"n","patternType":"PREFIXED","cluster":"staging"},
		{"resourceType":"KSQLDB","permissions":["ksqldbAccess"],"cluster":"staging","ksqlDB":"k"}]`))
	for _, result := range []string{"Created", "NotChanged"} {
		got, resource, err := terraformAsRoot(t, running).put(t, groups, sent)
		if err != nil || got != result {
			t.Fatalf("%s, %v; want %s", got, err, result)
		}
		if permissions := resource["spec"].(map[string]any)["permissions"]; !reflect.DeepEqual(permissions, want) {
			t.Errorf("permissions: %v", permissions)
		}
	}
}

// TestTerraformExternalMembers sends back what a read showed, as the provider
// does: it is neither refused nor believed.
func TestTerraformExternalMembers(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{})
	const item = "/public/iam/v2/group/checkout-team"
	members := func(resource map[string]any) []string {
		var list []string
		external, _ := resource["spec"].(map[string]any)["membersFromExternalGroups"].([]any)
		for _, member := range external {
			list = append(list, member.(string))
		}
		return list
	}
	for _, login := range []string{"ben", "chloe"} {
		asPerson(t, running, login).names(t, "Topic", nil, "staging")
	}
	read, err := terraformAsRoot(t, running).read(t, item)
	if err != nil {
		t.Fatal(err)
	}
	present := []string{"ben@shop.example", "chloe@shop.example"}
	equal(t, "who came in by a claim", members(read), present)
	before := worldOf(t, running)
	for _, sent := range [][]string{present, {}, {"ines@shop.example"}} {
		read["spec"].(map[string]any)["membersFromExternalGroups"] = sent
		body, err := json.Marshal(read)
		if err != nil {
			t.Fatal(err)
		}
		result, resource, err := terraformAsRoot(t, running).put(t, "/public/iam/v2/group", string(body))
		if err != nil || result != "NotChanged" {
			t.Errorf("sent %v: %s, %v", sent, result, err)
		}
		equal(t, fmt.Sprintf("answer to %v", sent), members(resource), present)
	}
	unchanged(t, running, before)
	equal(t, "ines, who was only written there", asPerson(t, running, "ines").names(t, "Topic", nil, "staging"), []string{})
}

func TestTerraformCredentials(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{})
	for _, wrong := range [][2]string{{server.DefaultAdminEmail, "wrong"}, {"nobody@shop.example", server.DefaultAdminPassword}} {
		_, err := newTerraform(t, running, wrong[0], wrong[1], "")
		contains(t, "login", err, "invalid username or password")
	}
	withKey, err := newTerraform(t, running, "", "", "mock-admin-key")
	if err != nil {
		t.Fatal(err)
	}
	if err := withKey.configure(t, true); err != nil {
		t.Errorf("with an API key: %v", err)
	}
	const body = `{"kind":"Topic","apiVersion":"v2","metadata":{"name":"tf","cluster":"staging"},"spec":{"partitions":1,"replicationFactor":1}}`
	if result, _, err := withKey.put(t, "/public/kafka/v2/cluster/staging/topic", body); result != "Created" || err != nil {
		t.Errorf("with an API key: %s, %v", result, err)
	}
	// The licence is shown to people only.
	got := withKey.wire.send(t, http.MethodGet, "/organizations", nil, "", nil)
	if got.status != http.StatusForbidden {
		t.Errorf("organizations with an API key: %d %s", got.status, got.body)
	}
	got = terraformAsRoot(t, running).wire.send(t, http.MethodGet, "/organizations/nothing/platform-license", nil, "", nil)
	if got.status != http.StatusNotFound {
		t.Errorf("licence of an unknown organization: %d %s", got.status, got.body)
	}
}

func TestTerraformFreePlan(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{Console: console.Settings{Plan: console.PlanFree}})
	before := worldOf(t, running)
	contains(t, "plan", terraformAsRoot(t, running).configure(t, true), "Enterprise license required")
	if err := terraformAsRoot(t, running).configure(t, false); err != nil {
		t.Errorf("a kind that needs no licence: %v", err)
	}
	// With an API key the provider cannot ask; the server refuses by itself.
	withKey, err := newTerraform(t, running, "", "", "mock-admin-key")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = withKey.put(t, "/public/self-serve/v1/application", `{"kind":"Application","apiVersion":"v1","metadata":{"name":"a"},"spec":{"title":"A","owner":"checkout-team"}}`)
	contains(t, "a licensed kind on the free plan", err, "free plan")
	unchanged(t, running, before)
}

// TestTerraformErrors: what is wrong must be in msg, since cause is not shown.
func TestTerraformErrors(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{})
	before := worldOf(t, running)
	for _, refused := range []struct{ path, body, text string }{
		{"/public/kafka/v2/cluster/unknown/topic", `{"kind":"Topic","apiVersion":"v2","metadata":{"name":"t","cluster":"unknown"},"spec":{"partitions":1,"replicationFactor":1}}`, "Cluster unknown not found"},
		{"/public/self-serve/v1/application", `{"kind":"Application","apiVersion":"v1","metadata":{"name":"a"},"spec":{"title":"A","owner":"nobody"}}`, "Group nobody not found"},
		{"/public/kafka/v2/cluster/staging/topic", `{"kind":"Topic","apiVersion":"v2","metadata":{"name":"loyalty.member.v1","cluster":"staging"},"spec":{"partitions":99,"replicationFactor":1}}`, "partitions of topic loyalty.member.v1 cannot change"},
		{"/public/iam/v2/group", `{"kind":"Group","apiVersion":"v2","metadata":{"name":"g"},"spec":{"displayName":"G","owner":"x"}}`, "'spec.owner'"},
	} {
		_, _, err := terraformAsRoot(t, running).put(t, refused.path, refused.body)
		contains(t, "PUT "+refused.path, err, refused.text)
	}
	contains(t, "destroy an application with instances", terraformAsRoot(t, running).destroy(t, "/public/self-serve/v1/application/checkout"),
		"Cannot delete checkout because it has instances")
	contains(t, "destroy what is not there", terraformAsRoot(t, running).destroy(t, "/public/kafka/v2/cluster/staging/topic/nothing"), "Topic nothing not found")
	// Only 404 means gone: what may not be seen is an error.
	ada, err := newTerraform(t, running, "ada@shop.example", "ada-password", "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = ada.read(t, "/public/iam/v2/group/checkout-team")
	contains(t, "read without permission", err, "got status code: 403")
	contains(t, "destroy without permission", ada.destroy(t, "/public/iam/v2/group/checkout-team"), "userManage")
	unchanged(t, running, before)
}

// TestTerraformParallel applies as the provider does with ten workers.
func TestTerraformParallel(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{})
	before := worldOf(t, running)
	const topics = "/public/kafka/v2/cluster/staging/topic"
	t.Run("apply", func(t *testing.T) {
		for i := range 10 {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				for j := range 2 {
					name := fmt.Sprintf("tf.%d.%d", i, j)
					r := terraformResource{path: topics, name: name, body: fmt.Sprintf(
						`{"kind":"Topic","apiVersion":"v2","metadata":{"name":%q,"cluster":"staging"},"spec":{"partitions":%d,"replicationFactor":1}}`, name, j+1)}
					r.apply(t, running, r.body, "Created")
					r.apply(t, running, r.body, "NotChanged")
				}
			})
		}
	})
	if got := len(asRoot(t, running).names(t, "Topic", nil, "staging")) - len(seedTopics(t, "staging", everyTopic)); got != 20 {
		t.Errorf("got %d new topics, want 20", got)
	}
	t.Run("destroy", func(t *testing.T) {
		for i := range 10 {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				for j := range 2 {
					if err := terraformAsRoot(t, running).destroy(t, fmt.Sprintf("%s/tf.%d.%d", topics, i, j)); err != nil {
						t.Error(err)
					}
				}
			})
		}
	})
	unchanged(t, running, before)
}
