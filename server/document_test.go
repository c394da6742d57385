package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server"
)

// documentClusters are what the examples of the families refer to and no example
// makes.
const documentClusters = `
apiVersion: v2
kind: KafkaCluster
metadata: {name: cloud}
spec:
  displayName: Cloud
  bootstrapServers: cloud:9092
  kafkaFlavor: {type: Confluent, key: K, secret: S, confluentEnvironmentId: env-1, confluentClusterId: lkc-1}
---
apiVersion: v2
kind: KafkaCluster
metadata: {name: aiven}
spec:
  displayName: Aiven
  bootstrapServers: aiven:9092
  kafkaFlavor: {type: Aiven, apiToken: T, project: p, serviceName: s}
---
apiVersion: mockduktor/v1
kind: KsqlDBSource
metadata: {cluster: dev, ksqlDB: ksql-a, name: REVENUE}
spec: {type: TABLE, topic: REVENUE, statement: "CREATE TABLE revenue AS SELECT shop, SUM(amount) AS total FROM paid GROUP BY shop;"}
`

// documentWorld holds what the document's examples name: the example of every
// kind, ours included, and what these refer to.
type documentWorld struct {
	*kindWorld
	// applied are the examples of the Console's kinds in their order.
	applied []map[string]any
}

func startDocument(t testing.TB) *documentWorld {
	t.Helper()
	documents, applied := documentSeed(t)
	running := start(t, server.Config{Documents: documents})
	running.Pair().World.Clock.Freeze()
	running.Pair().World.Clock.Set(kindMoment)
	return &documentWorld{&kindWorld{running, sessionOf(t, running)}, applied}
}

// documentSeed is the seed of a documentWorld, and what the world has applied.
func documentSeed(t testing.TB) (documents []*seed.Document, applied []map[string]any) {
	t.Helper()
	add := func(object map[string]any) {
		metadata := object["metadata"].(map[string]any)
		documents = append(documents, &seed.Document{APIVersion: object["apiVersion"].(string), Kind: object["kind"].(string),
			Name: fmt.Sprint(metadata["name"]), Object: object})
	}
	for _, text := range []string{exampleWorld, documentClusters, exampleLater["Topic/v2"], exampleLater["ApplicationInstance/v1"]} {
		loaded, err := seed.Load([]string{"-"}, strings.NewReader(text+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range loaded {
			if one.Kind != "SigningKey" {
				add(one.Object)
			}
		}
	}
	keys, err := seed.DefaultKeys()
	if err != nil {
		t.Fatal(err)
	}
	documents = append(documents, keys...)
	for _, kind := range openapi.Console().Kinds() {
		if kind.Name == "Subject" {
			applied = append(applied, resourceJSON(t, exampleLater["Topic/v2"]))
		}
		add(kind.Example())
		applied = append(applied, kind.Example())
		if kind.Name == "ApplicationInstance" {
			applied = append(applied, resourceJSON(t, exampleLater["ApplicationInstance/v1"]))
		}
	}
	for _, kind := range openapi.Mock().Kinds() {
		if kind.Name != "SigningKey" && kind.Name != "Provider" {
			add(kind.Example())
		}
	}
	seed.Sort(documents)
	return documents, applied
}

// operation is one of the document with the values of its examples.
type operation struct {
	method, path string
	spec         *openapi3.Operation
	parameters   []*openapi3.Parameter
	values       map[string]any // of parameters by name
	media        string         // of the body; "" without one
	schema       *openapi3.Schema
	body         any
}

func (o *operation) String() string { return o.method + " " + o.path }

// operations are all that the document describes, by path and method.
func operations(t testing.TB) []*operation {
	t.Helper()
	all := operationsIn(t, specification)
	for _, one := range all {
		for name, value := range one.values {
			if value == nil {
				t.Errorf("%s: the required parameter %s has no example", one, name)
			}
		}
	}
	return all
}

func operationsIn(t testing.TB, load func() (*openapi3.T, error)) []*operation {
	t.Helper()
	spec, err := load()
	if err != nil {
		t.Fatal(err)
	}
	var all []*operation
	for path, item := range spec.Paths.Map() {
		for method, op := range item.Operations() {
			one := &operation{method: method, path: path, spec: op, values: map[string]any{}}
			for _, ref := range append(slices.Clone(item.Parameters), op.Parameters...) {
				one.parameters = append(one.parameters, ref.Value)
				if ref.Value.Required {
					one.values[ref.Value.Name] = ref.Value.Example
				}
			}
			if op.RequestBody != nil {
				for media, content := range op.RequestBody.Value.Content {
					one.media, one.schema, one.body = media, content.Schema.Value, content.Example
				}
			}
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b *operation) int { return strings.Compare(a.path+" "+a.method, b.path+" "+b.method) })
	return all
}

// familyClusters are the clusters of families that only some clusters have.
var familyClusters = map[string]string{
	"/interceptors": "gateway", "/plugins": "gateway", "/service-accounts-confluent": "cloud", "/service-accounts-aiven": "aiven",
}

// fit gives an operation the values that this world has in place of those of the
// examples: ids that the server makes, and clusters.
func (w *documentWorld) fit(t testing.TB, op *operation) {
	t.Helper()
	op.fitCluster()
	if _, has := op.values["token-id"]; has {
		var keys []struct{ ID string }
		call(t, w.Server, http.MethodGet, "/api/token/v1/admin_tokens", w.root, nil).json(t, &keys)
		op.values["token-id"] = keys[0].ID
	}
	if strings.Contains(op.path, "/tables/{sourceName}") {
		op.values["sourceName"] = "REVENUE"
	}
	if op.media == "multipart/form-data" {
		op.body = map[string]any{"file": certificateFile(t, "truststore.jks"), "jksPassword": "truststore-1"}
	}
}

// fitCluster names a cluster of the family that the operation is for.
func (o *operation) fitCluster() {
	for part, cluster := range familyClusters {
		if strings.Contains(o.path+"/", "{clusterName}"+part+"/") {
			o.values["clusterName"] = cluster
		}
	}
}

// target is the path and query of the operation with its values.
func (o *operation) target() string {
	path, query := o.path, url.Values{}
	for _, p := range o.parameters {
		value, given := o.values[p.Name]
		if !given {
			continue
		}
		if p.In == openapi3.ParameterInPath {
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(parameterText(value)))
			continue
		}
		list, several := value.([]any)
		if !several {
			list = []any{value}
		}
		for _, one := range list {
			query.Add(p.Name, parameterText(one))
		}
	}
	return withQuery("/api"+path, query)
}

// parameterText writes a parameter as a URL has it.
func parameterText(value any) string {
	if number, ok := value.(float64); ok {
		return strconv.FormatFloat(number, 'f', -1, 64)
	}
	return fmt.Sprint(value)
}

// send calls the operation in a site; nothing as body sends none.
func (o *operation) send(t testing.TB, w *documentWorld, site *server.Site, token string, body any) answer {
	t.Helper()
	target := strings.TrimPrefix(site.URL, w.URL()) + o.target()
	var encoded []byte
	contentType := o.media
	switch o.media {
	case "":
	case "multipart/form-data":
		var form bytes.Buffer
		writer := multipart.NewWriter(&form)
		for name, value := range body.(map[string]any) {
			part, err := writer.CreateFormField(name)
			if name == "file" {
				part, err = writer.CreateFormFile(name, "truststore.jks")
			}
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(part, value)
		}
		if err := writer.Close(); err != nil {
			t.Fatal(err)
		}
		encoded, contentType = form.Bytes(), writer.FormDataContentType()
	case "text/plain":
		encoded = fmt.Append(nil, body)
	default:
		var err error
		if encoded, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	return send(t, w.Server, o.method, target, token, contentType, encoded)
}

// clearFor deletes the examples of a kind and all that are applied after them,
// which may refer to them; but not the example itself where it is to be spared.
func (w *documentWorld) clearFor(t testing.TB, site *server.Site, token string, example map[string]any, spare bool) {
	t.Helper()
	for _, resource := range slices.Backward(w.applied) {
		itself := reflect.DeepEqual(resource, example)
		if itself && spare {
			return
		}
		_, item, owner := placeOf(t, resource)
		path := strings.TrimPrefix(site.URL, w.URL()) + withQuery(item, owner)
		if got := call(t, w.Server, http.MethodDelete, path, token, nil); got.status != http.StatusOK {
			t.Fatalf("delete %s: %d %s", path, got.status, got.body)
		}
		if itself {
			return
		}
	}
}

// exampleFor is the kind's example that an operation makes anew or deletes; nil
// for others.
func exampleFor(op *operation) map[string]any {
	older := map[string]string{
		"DELETE /public/v1/clusters/{clusterName}": "KafkaCluster",
		"POST /public/v1/groups":                   "Group", "DELETE /public/v1/groups/{groupId}": "Group",
		"POST /public/v1/users": "User", "DELETE /public/v1/users/{email}": "User",
	}
	for _, kind := range openapi.Console().Kinds() {
		if op.method == http.MethodDelete && op.path == kind.ListPath+"/{"+kind.NameParam+"}" ||
			op.method == http.MethodPost && op.path == kind.ListPath || older[op.String()] == kind.Name {
			return kind.Example()
		}
	}
	return nil
}

// documentBefore are calls, METHOD PATH BODY, without which an example has nothing
// to act on, or finds already done what it does.
var documentBefore = map[string]string{
	"DELETE /public/debug/v1/loggers/{loggerName}":        "PUT /public/debug/v1/loggers/ROOT/DEBUG",
	"POST /public/v1/clusters/{clusterName}/interceptors": "DELETE /public/v1/clusters/gateway/interceptors/mask-cards {}",
	"DELETE /public/v1/clusters/{clusterName}/ksqldbs/{ksqlDBSlug}/streams/{sourceName}": "DELETE " +
		"/public/v1/clusters/dev/ksqldbs/ksql-a/queries/CTAS_REVENUE_1",
	"DELETE /public/v1/clusters/{clusterName}/ksqldbs/{ksqlDBSlug}/tables/{sourceName}": "DELETE " +
		"/public/v1/clusters/dev/ksqldbs/ksql-a/queries/CTAS_REVENUE_1",
	"DELETE /public/v1/clusters/{clusterName}/service-accounts-aiven/{aivenSAUsername}": "POST " +
		`/public/v1/clusters/aiven/service-accounts-aiven {"username":"checkout"}`,
}

// documentRefused are the operations whose example is refused, with a word of why.
var documentRefused = map[string]string{
	"POST /public/v1/clusters/{clusterName}/ksqldbs/{ksqlDBSlug}/queries": "takes a ksqlDB server",
}

// TestDocumentExamples: each operation accepts its example, and what it answers is
// as the document says (every server of these tests checks that with kin-openapi).
func TestDocumentExamples(t *testing.T) {
	w := startDocument(t)
	count, accepted := 0, 0
	for _, op := range operations(t) {
		count++
		t.Run(op.String(), func(t *testing.T) {
			w.fit(t, op)
			site, err := w.OpenSandbox("", "", 0)
			if err != nil {
				t.Fatal(err)
			}
			defer w.CloseSandbox(site.ID)
			token := w.rootOf(t, site)
			if example := exampleFor(op); example != nil {
				w.clearFor(t, site, token, example, op.method == http.MethodDelete)
			}
			if before := documentBefore[op.String()]; before != "" {
				parts := append(strings.SplitN(before, " ", 3), "")
				path := strings.TrimPrefix(site.URL, w.URL()) + "/api" + parts[1]
				if got := send(t, w.Server, parts[0], path, token, "application/json", []byte(parts[2])); got.status > 299 {
					t.Fatalf("%s: %d %s", before, got.status, got.body)
				}
			}
			got := op.send(t, w, site, token, op.body)
			if why, refused := documentRefused[op.String()]; refused {
				refusedWith(t, got, http.StatusBadRequest, why)
				return
			}
			accepted++
			if got.status < 200 || got.status > 299 || op.spec.Responses.Status(got.status) == nil {
				t.Errorf("%s: %d %s", op.target(), got.status, got.body)
			}
		})
	}
	t.Logf("%d operations, %d accept their examples, %d refuse them", count, accepted, len(documentRefused))
	if count != 185 {
		t.Errorf("%d operations, want 185", count)
	}
}

// rootOf logs the root admin in at a site.
func (w *documentWorld) rootOf(t testing.TB, site *server.Site) string {
	t.Helper()
	var login struct {
		AccessToken string `json:"access_token"`
	}
	call(t, w.Server, http.MethodPost, strings.TrimPrefix(site.URL, w.URL())+"/api/login", "", map[string]string{
		"username": server.DefaultAdminEmail, "password": server.DefaultAdminPassword}).json(t, &login)
	return login.AccessToken
}
