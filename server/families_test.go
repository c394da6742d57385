package server_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/console"
)

// The callers of the families' tests, beside "none".
const (
	famKey      = "key"      // an admin API key
	famRoot     = "root"     // a person in the group admin
	famEngineer = "engineer" // permissions on some of what the estate holds
	famNobody   = "nobody"
	famInstance = "instance" // the API key of the application instance shop-dev
	famNone     = "none"
)

// startFamilies is a server with the estate of testdata/families.
func startFamilies(t testing.TB) *v1World {
	t.Helper()
	w := &v1World{TB: t, running: start(t, server.Config{Seeds: []string{"testdata/families"},
		Console: console.Settings{AdminEmail: "boss@families.example", AdminPassword: "Families-1-boss"}})}
	w.tokens = map[string]string{famKey: "families-admin-key", famInstance: "families-instance-key", famNone: "", v1Admin: "families-admin-key"}
	for _, login := range []string{famRoot, famEngineer, famNobody} {
		w.tokens[login] = tokenOf(t, w.running, login)
		// Seeing a token for the first time creates its user.
		w.do(login, http.MethodGet, "/token/v1/whoami", nil, nil)
	}
	return w
}

// adminsOnly: everybody else is refused and changes nothing.
func (w *v1World) adminsOnly(method, path string, values []string, body any) {
	w.Helper()
	w.refused(famNone, method, path, slices.Clone(values), body, http.StatusUnauthorized, "")
	for _, who := range []string{famEngineer, famNobody, famInstance} {
		w.refused(who, method, path, slices.Clone(values), body, http.StatusForbidden, "Missing permission: admin")
	}
}

// TestFamiliesExport: what the families keep is in an export, and loading it
// gives the same world.
func TestFamiliesExport(t *testing.T) {
	w := startFamilies(t)
	w.ok(famKey, http.MethodPost, "/public/v1/clusters/{clusterName}/interceptors", []string{"gw"},
		map[string]any{"name": "mask", "pluginClass": "org.example.MaskPlugin", "priority": 5, "config": map[string]any{"deep": []any{1, nil, "x"}, "none": nil}}, http.StatusCreated, nil)
	w.ok(famKey, http.MethodPost, ksqlPath+"/statements", []string{"dev", "ksql-a"},
		map[string]any{"ksql": "CREATE STREAM big AS SELECT shop, amount * 2 AS twice FROM paid WHERE amount > 1;"}, http.StatusOK, nil)
	objects := w.running.Pair().Export(t.Context())
	documents := make([]*seed.Document, 0, len(objects))
	for _, object := range objects {
		metadata := object["metadata"].(map[string]any)
		documents = append(documents, &seed.Document{APIVersion: object["apiVersion"].(string), Kind: object["kind"].(string),
			Name: metadata["name"].(string), Object: object})
	}
	seed.Sort(documents)
	again, err := server.Offline(server.Config{Console: console.Settings{AdminEmail: "boss@families.example", AdminPassword: "Families-1-boss"}}, documents)
	if err != nil {
		t.Fatalf("load the export: %v", err)
	}
	var loaded bytes.Buffer
	encoder := json.NewEncoder(&loaded)
	for _, object := range again.Export(t.Context()) {
		if err := encoder.Encode(object); err != nil {
			t.Fatal(err)
		}
	}
	if before, after := w.export(), loaded.String(); before != after {
		t.Errorf("the export gives another world:\n%s", v1Difference(before, after))
	}
}

// TestFamiliesAreServed: every operation of the families is in the document.
func TestFamiliesAreServed(t *testing.T) {
	w := startFamilies(t)
	for _, operation := range familyOperations {
		if openapi.Console().AnswerForm(operation.method, operation.path, http.StatusUnauthorized) != openapi.JSON {
			t.Errorf("%s %s is not described", operation.method, operation.path)
		}
		values := make([]string, len(v1Param.FindAllString(operation.path, -1)))
		for i := range values {
			values[i] = "x"
		}
		w.refused(famNone, operation.method, operation.path, values, nil, http.StatusUnauthorized, "")
	}
}

const (
	ksqlPath        = "/public/v1/clusters/{clusterName}/ksqldbs/{ksqlDBSlug}"
	autoRestartPath = "/public/kafka/v2/cluster/{cluster}/connect/{connectCluster}/connector/{connector-name}/autorestart"
)

// familyOperations are those of Console 1.45 that these tests are about.
var familyOperations = []struct{ method, path string }{
	{http.MethodGet, "/public/v1/clusters/{clusterName}/interceptors"},
	{http.MethodPost, "/public/v1/clusters/{clusterName}/interceptors"},
	{http.MethodPut, "/public/v1/clusters/{clusterName}/interceptors/{interceptorName}"},
	{http.MethodDelete, "/public/v1/clusters/{clusterName}/interceptors/{interceptorName}"},
	{http.MethodGet, "/public/v1/clusters/{clusterName}/plugins"},
	{http.MethodGet, "/public/v1/clusters/{clusterName}/plugins/{pluginId}"},
	{http.MethodGet, "/public/v1/clusters/{clusterName}/ksqldbs"},
	{http.MethodGet, ksqlPath},
	{http.MethodGet, ksqlPath + "/queries"},
	{http.MethodPost, ksqlPath + "/queries"},
	{http.MethodDelete, ksqlPath + "/queries/{queryId}"},
	{http.MethodGet, ksqlPath + "/tables"},
	{http.MethodDelete, ksqlPath + "/tables/{sourceName}"},
	{http.MethodDelete, ksqlPath + "/streams/{sourceName}"},
	{http.MethodGet, ksqlPath + "/describe/{sourceName}"},
	{http.MethodGet, ksqlPath + "/explain/{query}"},
	{http.MethodPost, ksqlPath + "/statements"},
	{http.MethodGet, "/public/self-serve/v1/catalog"},
	{http.MethodPost, "/public/sql/v1/execute"},
	{http.MethodGet, "/public/sql/v1/topicTable"},
	{http.MethodPost, "/public/partner-zone/v2/{partner-zone-name}/generate-credentials"},
	{http.MethodGet, "/public/console/v2/partner-zone/{partner-zone-name}/kafka-configuration"},
	{http.MethodPut, autoRestartPath},
	{http.MethodGet, "/public/debug/v1/loggers"},
	{http.MethodPut, "/public/debug/v1/loggers"},
	{http.MethodGet, "/public/debug/v1/loggers/{loggerName}"},
	{http.MethodDelete, "/public/debug/v1/loggers/{loggerName}"},
	{http.MethodPut, "/public/debug/v1/loggers/{loggerName}/{level}"},
	{http.MethodGet, "/public/debug/v1/loggers-mode/debug"},
	{http.MethodPut, "/public/debug/v1/loggers-mode/debug/{enabled}"},
	{http.MethodGet, "/public/debug/v1/loggers-mode/tracing"},
	{http.MethodPut, "/public/debug/v1/loggers-mode/tracing/{enabled}"},
	{http.MethodGet, "/public/debug/v1/indexer"},
}
