package server_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server"
)

// Every kind of our own is served as the document says, with the example that it
// gives; whatever an example needs is made first.
func TestControlServesEveryKindOfOurOwn(t *testing.T) {
	running := start(t, server.Config{Seeds: []string{"empty"}})
	for _, put := range []struct{ kind, body string }{
		{"KafkaCluster", `{"apiVersion":"v2","kind":"KafkaCluster","metadata":{"name":"dev"},"spec":{"displayName":"Dev","bootstrapServers":"kafka:9092"}}`},
		{"KafkaCluster", `{"apiVersion":"v2","kind":"KafkaCluster","metadata":{"name":"gateway"},"spec":{"displayName":"Gateway","bootstrapServers":"kafka:9092","kafkaFlavor":{"type":"Gateway","url":"http://gateway:8888","user":"u","password":"p","virtualCluster":"v"}}}`},
		{"KafkaCluster", `{"apiVersion":"v2","kind":"KafkaCluster","metadata":{"name":"cloud"},"spec":{"displayName":"Cloud","bootstrapServers":"kafka:9092","kafkaFlavor":{"type":"Confluent","key":"k","secret":"s","confluentEnvironmentId":"e","confluentClusterId":"c"}}}`},
		{"ksql-d-b-cluster", `{"apiVersion":"v2","kind":"KsqlDBCluster","metadata":{"cluster":"dev","name":"ksql-a"},"spec":{"displayName":"KSQL","url":"http://ksql:8088"}}`},
		{"KsqlDBSource", `{"apiVersion":"mockduktor/v1","kind":"KsqlDBSource","metadata":{"cluster":"dev","ksqlDB":"ksql-a","name":"REVENUE"},"spec":{"type":"TABLE","topic":"REVENUE","fields":[{"name":"ID","type":"STRING"}]}}`},
		{"topic", `{"apiVersion":"v2","kind":"Topic","metadata":{"cluster":"dev","name":"checkout.paid"},"spec":{"partitions":1,"replicationFactor":1}}`},
	} {
		expectStatus(t, put.kind, mock(t, running, "PUT", "/_mock/resources/"+put.kind, put.body), 200)
	}
	var items []string
	for _, kind := range openapi.Mock().Kinds() {
		example := kind.Example()
		metadata := example["metadata"].(map[string]any)
		if kind.Name == "SigningKey" {
			continue // its example shows no key; see TestRotation
		}
		if kind.Name == "Certificate" {
			continue // nor does this show a certificate; the v1 tests put real ones
		}
		path := kind.ListPath
		for _, parent := range kind.Parents {
			path = strings.Replace(path, "{"+parent+"}", url.PathEscape(metadata[parent].(string)), 1)
		}
		item := path + "/" + url.PathEscape(metadata["name"].(string))
		dry := mock(t, running, "PUT", path+"?dryMode=true", example)
		expectStatus(t, kind.Name+" dry", dry, 200, `"upsertResult":"Created"`)
		expectStatus(t, kind.Name+" after a dry run", mock(t, running, "GET", item, nil), 404)
		expectStatus(t, kind.Name+" put", mock(t, running, "PUT", path, example), 200, `"upsertResult":"Created"`)
		expectStatus(t, kind.Name+" put again", mock(t, running, "PUT", path, example), 200, `"upsertResult":"NotChanged"`)
		got := mock(t, running, "GET", item, nil)
		expectStatus(t, kind.Name+" get", got, 200, `"kind":"`+kind.Name+`"`)
		expectStatus(t, kind.Name+" list", mock(t, running, "GET", path, nil), 200, string(got.body))
		expectStatus(t, kind.Name+" put back", mock(t, running, "PUT", path, string(got.body)), 200, `"NotChanged"`)
		items = append(items, item)
	}
	if len(items) < 12 {
		t.Errorf("%d kinds served", len(items))
	}
	for _, item := range slices.Backward(items) {
		expectStatus(t, item+" delete", mock(t, running, "DELETE", item, nil), 200)
		expectStatus(t, item+" after delete", mock(t, running, "GET", item, nil), 404)
	}
}

func TestControlReachesResourcesOfAnyKind(t *testing.T) {
	running := start(t, server.Config{})
	topic := `{"apiVersion":"v2","kind":"Topic","metadata":{"cluster":"staging","name":"new.one"},"spec":{"partitions":1,"replicationFactor":1}}`
	expectStatus(t, "put", mock(t, running, "PUT", "/_mock/resources/Topic", topic), 200, `"upsertResult":"Created"`)
	expectStatus(t, "get", mock(t, running, "GET", "/_mock/resources/topic/new%2Eone?cluster=staging", nil), 200, `"new.one"`)
	expectStatus(t, "console", call(t, running, "GET", "/public/kafka/v2/cluster/staging/topic/new%2Eone", tokenOf(t, running, "admin"), nil), 200)
	var all, some []map[string]any
	mock(t, running, "GET", "/_mock/resources/Topic", nil).json(t, &all)
	mock(t, running, "GET", "/_mock/resources/Topic?cluster=staging", nil).json(t, &some)
	if len(some) == 0 || len(all) <= len(some) {
		t.Errorf("%d topics, %d of staging", len(all), len(some))
	}
	expectStatus(t, "delete", mock(t, running, "DELETE", "/_mock/resources/Topic/new%2Eone?cluster=staging", nil), 200)
	// Two versions of a kind are two kinds; the newest is meant.
	alert := `{"apiVersion":"v3","kind":"Alert","metadata":{"name":"a","group":"checkout-team"},"spec":{"type":"TopicAlert","cluster":"production","topicName":"checkout.order.placed.v1","metric":"MessageCount","operator":"GreaterThan","threshold":5}}`
	expectStatus(t, "alert", mock(t, running, "PUT", "/_mock/resources/Alert", alert), 200)
	expectStatus(t, "alert", mock(t, running, "GET", "/_mock/resources/Alert/a?group=checkout-team", nil), 200, `"v3"`)
	expectStatus(t, "alert without owner", mock(t, running, "GET", "/_mock/resources/Alert/a", nil), 400, "name one of")
	// People are whom the identity provider knows from now on.
	person := `{"apiVersion":"mockduktor/v1","kind":"Person","metadata":{"name":"zoe"},"spec":{"email":"zoe@shop.example"}}`
	expectStatus(t, "person", mock(t, running, "PUT", "/_mock/v1/person", person), 200)
	whoami := call(t, running, "GET", "/token/v1/whoami", tokenOf(t, running, "zoe"), nil)
	expectStatus(t, "whoami", whoami, 200, "zoe@shop.example")
}

func TestControlRefusesWrongResources(t *testing.T) {
	running := start(t, server.Config{})
	before := export(t, running, "")
	for name, row := range map[string]struct {
		method, path string
		body         any
		status       int
		holds        string
	}{
		"unknown kind":       {"GET", "/_mock/resources/Tpic", nil, 404, "there is no kind"},
		"unknown version":    {"GET", "/_mock/resources/Topic?version=v7", nil, 404, "there is v2"},
		"parent missing":     {"GET", "/_mock/resources/Topic/x", nil, 400, "?cluster="},
		"unknown cluster":    {"GET", "/_mock/resources/Topic?cluster=nope", nil, 404, "nope"},
		"unknown resource":   {"DELETE", "/_mock/resources/Topic/nope?cluster=staging", nil, 404, "nope"},
		"unknown field":      {"PUT", "/_mock/v1/person", `{"apiVersion":"mockduktor/v1","kind":"Person","metadata":{"name":"x"},"spec":{"emial":"x"}}`, 400, "did you mean email"},
		"wrong type":         {"PUT", "/_mock/v1/person", `{"apiVersion":"mockduktor/v1","kind":"Person","metadata":{"name":"x"},"spec":{"disabled":"no"}}`, 400, "spec.disabled"},
		"another kind":       {"PUT", "/_mock/v1/client", `{"apiVersion":"mockduktor/v1","kind":"Person","metadata":{"name":"x"},"spec":{}}`, 400, "kind"},
		"no JSON":            {"PUT", "/_mock/v1/person", `{`, 400, "not one JSON object"},
		"an array":           {"PUT", "/_mock/v1/person", `[]`, 400, "not one JSON object"},
		"two objects":        {"PUT", "/_mock/v1/person", `{} {}`, 400, "behind the JSON"},
		"another parent":     {"PUT", "/_mock/v1/cluster/staging/consumer-group", `{"apiVersion":"mockduktor/v1","kind":"ConsumerGroup","metadata":{"name":"x","cluster":"production"},"spec":{}}`, 400, "metadata.cluster"},
		"wrong query":        {"PUT", "/_mock/v1/person?dryMode=perhaps", `{}`, 400, "dryMode"},
		"a name that cannot": {"GET", "/_mock/v1/person/a%00b", nil, 400, "control characters"},
		"the last key":       {"PUT", "/_mock/v1/signing-key", `{"apiVersion":"mockduktor/v1","kind":"SigningKey","metadata":{"name":"x"},"spec":{"alg":"RS256","privateKey":"nonsense"}}`, 400, "PEM"},
	} {
		expectStatus(t, name, mock(t, running, row.method, row.path, row.body), row.status, row.holds)
	}
	if export(t, running, "") != before {
		t.Error("something has changed")
	}
	var problem struct{ Title, Msg string }
	mock(t, running, http.MethodPut, "/_mock/v1/person", `{"apiVersion":"mockduktor/v1"}`).json(t, &problem)
	if problem.Title != "The request is invalid" || problem.Msg == "" {
		t.Errorf("error body %+v", problem)
	}
}

// export is the world as YAML.
func export(t testing.TB, running *server.Server, base string) string {
	t.Helper()
	got := mock(t, running, "GET", base+"/_mock/seed", nil)
	expectStatus(t, "export", got, 200)
	return string(got.body)
}

// Its own documents and pages are there, in a sandbox for the sandbox.
func TestControlDocuments(t *testing.T) {
	running := start(t, server.Config{})
	if _, err := running.OpenSandbox("one", "", 0); err != nil {
		t.Fatal(err)
	}
	for _, base := range []string{"", "/s/one"} {
		var document struct {
			OpenAPI string
			Servers []struct{ URL string }
		}
		mock(t, running, "GET", base+"/_mock/openapi.json", nil).json(t, &document)
		if document.OpenAPI != "3.1.0" || base != "" && (len(document.Servers) != 1 || document.Servers[0].URL != base) {
			t.Errorf("%q: %+v", base, document)
		}
		expectStatus(t, "yaml", mock(t, running, "GET", base+"/_mock/openapi.yaml", nil), 200, "openapi: 3.1.0")
		expectStatus(t, "page", mock(t, running, "GET", base+"/_mock/docs", nil), 200, base+"/_mock/openapi.json", base+"/_mock/docs/")
		if got := mock(t, running, "GET", base+"/_mock/docs/swagger-ui.css", nil); got.status != 200 || !strings.HasPrefix(got.header.Get("Content-Type"), "text/css") {
			t.Errorf("%q: the page's style sheet answers %d %s", base, got.status, got.header.Get("Content-Type"))
		}
	}
}
