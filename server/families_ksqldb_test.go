package server_test

import (
	"net/http"
	"strings"
	"testing"
)

var ksqlA = []string{"dev", "ksql-a"}

func ksqlAt(below ...string) []string { return append([]string{"dev", "ksql-a"}, below...) }

// statements runs them as the engineer, who has ksqldbAccess on ksql-a.
func (w *v1World) statements(ksql string) {
	w.Helper()
	w.ok(famEngineer, http.MethodPost, ksqlPath+"/statements", ksqlA, map[string]any{"ksql": ksql}, http.StatusOK, nil)
}

func (w *v1World) noStatement(ksql, says string) {
	w.Helper()
	w.refused(famEngineer, http.MethodPost, ksqlPath+"/statements", ksqlA, map[string]any{"ksql": ksql}, http.StatusBadRequest, says)
}

func (w *v1World) describe(name string) map[string]any {
	w.Helper()
	var described map[string]any
	w.ok(famEngineer, http.MethodGet, ksqlPath+"/describe/{sourceName}", ksqlAt(name), nil, http.StatusOK, &described)
	return described
}

func (w *v1World) queryIDs() []string {
	w.Helper()
	var list []struct{ ID, State string }
	w.ok(famEngineer, http.MethodGet, ksqlPath+"/queries", ksqlA, nil, http.StatusOK, &list)
	ids := []string{}
	for _, one := range list {
		ids = append(ids, one.ID+" "+one.State)
	}
	return ids
}

func TestKsqlDBReads(t *testing.T) {
	w := startFamilies(t)
	a := `{"name":"ksql A","slug":"ksql-a","tableCount":1,"streamCount":1,"queryCount":1}`
	b := `{"name":"ksql B","slug":"ksql-b","tableCount":0,"streamCount":0,"queryCount":0}`
	for who, want := range map[string]string{famKey: "[" + a + "," + b + "]", famEngineer: "[" + a + "]", famNobody: "[]", famInstance: "[]"} {
		var list []map[string]any
		w.ok(who, http.MethodGet, "/public/v1/clusters/{clusterName}/ksqldbs", []string{"dev"}, nil, http.StatusOK, &list)
		w.same("ksqlDB clusters of "+who, list, want)
	}
	var server map[string]any
	w.ok(famEngineer, http.MethodGet, ksqlPath, ksqlA, nil, http.StatusOK, &server)
	w.same("ksqlDB cluster", server, a)

	var queries, tables []map[string]any
	w.ok(famEngineer, http.MethodGet, ksqlPath+"/queries", ksqlA, nil, http.StatusOK, &queries)
	w.same("queries", queries, `[{"id":"CTAS_REVENUE_1","queryString":"CREATE TABLE revenue AS SELECT shop, SUM(amount) AS total FROM paid GROUP BY shop;",
		"queryType":"PERSISTENT","state":"RUNNING","sinks":["REVENUE"],"sinkKafkaTopics":["REVENUE"],"statusCount":{"RUNNING":1}}]`)
	w.ok(famEngineer, http.MethodGet, ksqlPath+"/tables", ksqlA, nil, http.StatusOK, &tables)
	w.same("tables", tables, `[{"name":"REVENUE","topic":"REVENUE","keyFormat":"KAFKA","valueFormat":"JSON","reads":0,"writes":1,"isWindowed":true}]`)
	// Names without quotes are in capitals.
	w.same("description", w.describe("paid"), `{"name":"PAID","topic":"shop.paid","type":"STREAM","keyFormat":"KAFKA","valueFormat":"JSON",
		"sourceConstraints":["REVENUE"],"statement":"CREATE STREAM paid (shop STRING, amount DOUBLE, place STRUCT<lat DOUBLE>) WITH (kafka_topic='shop.paid', value_format='JSON');",
		"statistics":{"messages-per-sec":0.5},"readQueriesCount":1,"writeQueriesCount":0,
		"fields":[{"name":"SHOP","type":"STRING"},{"name":"AMOUNT","type":"DOUBLE"},{"name":"PLACE","type":"STRUCT","fields":[{"name":"LAT","type":"DOUBLE"}]}]}`)
	var explained map[string]any
	w.ok(famEngineer, http.MethodGet, ksqlPath+"/explain/{query}", ksqlAt("ctas_revenue_1"), nil, http.StatusOK, &explained)
	w.same("explanation", explained, `{"statementText":"CREATE TABLE revenue AS SELECT shop, SUM(amount) AS total FROM paid GROUP BY shop;",
		"sources":["PAID"],"sinks":["REVENUE"],"topology":"the topology","executionPlan":"the plan","state":"RUNNING","windowType":"TUMBLING"}`)
}

func TestKsqlDBRefused(t *testing.T) {
	w := startFamilies(t)
	ksql := map[string]any{"ksql": "LIST TABLES;"}
	for _, one := range []struct {
		method, path string
		below        []string
		body         any
	}{
		{http.MethodGet, ksqlPath, nil, nil},
		{http.MethodGet, ksqlPath + "/queries", nil, nil},
		{http.MethodPost, ksqlPath + "/queries", nil, map[string]any{"ksql": "SELECT * FROM paid;"}},
		{http.MethodDelete, ksqlPath + "/queries/{queryId}", []string{"CTAS_REVENUE_1"}, nil},
		{http.MethodGet, ksqlPath + "/tables", nil, nil},
		{http.MethodDelete, ksqlPath + "/tables/{sourceName}", []string{"REVENUE"}, nil},
		{http.MethodDelete, ksqlPath + "/streams/{sourceName}", []string{"PAID"}, nil},
		{http.MethodGet, ksqlPath + "/describe/{sourceName}", []string{"PAID"}, nil},
		{http.MethodGet, ksqlPath + "/explain/{query}", []string{"CTAS_REVENUE_1"}, nil},
		{http.MethodPost, ksqlPath + "/statements", nil, ksql},
	} {
		at := func(cluster, server string) []string { return append([]string{cluster, server}, one.below...) }
		w.refused(famNone, one.method, one.path, at("dev", "ksql-a"), one.body, http.StatusUnauthorized, "")
		for _, who := range []string{famNobody, famInstance} {
			w.refused(who, one.method, one.path, at("dev", "ksql-a"), one.body, http.StatusForbidden, "ksqldbAccess on KSQLDB ksql-a on cluster dev")
		}
		// Access to one is none to another, and says nothing of what there is.
		w.refused(famEngineer, one.method, one.path, at("dev", "ksql-b"), one.body, http.StatusForbidden, "ksqldbAccess")
		w.refused(famEngineer, one.method, one.path, at("dev", "nope"), one.body, http.StatusForbidden, "ksqldbAccess")
		w.refused(famKey, one.method, one.path, at("dev", "nope"), one.body, http.StatusNotFound, "ksqlDB cluster nope not found on cluster dev")
		w.refused(famKey, one.method, one.path, at("nope", "ksql-a"), one.body, http.StatusNotFound, "Cluster nope not found")
	}
	w.refused(famKey, http.MethodGet, "/public/v1/clusters/{clusterName}/ksqldbs", []string{"nope"}, nil, http.StatusNotFound, "Cluster nope not found")
	w.refused(famEngineer, http.MethodGet, ksqlPath+"/describe/{sourceName}", ksqlAt("nope"), nil, http.StatusNotFound, "nope does not exist")
	w.refused(famEngineer, http.MethodGet, ksqlPath+"/explain/{query}", ksqlAt("nope"), nil, http.StatusNotFound, "Query nope not found")
	w.refused(famEngineer, http.MethodGet, ksqlPath+"/explain/{query}", ksqlAt("SELECT * FROM paid;"), nil, http.StatusBadRequest, "takes a ksqlDB server")
	w.refused(famEngineer, http.MethodDelete, ksqlPath+"/queries/{queryId}", ksqlAt("nope"), nil, http.StatusNotFound, "Query nope not found")
	w.refused(famEngineer, http.MethodDelete, ksqlPath+"/streams/{sourceName}", ksqlAt("nope"), nil, http.StatusNotFound, "nope does not exist")
	w.refused(famEngineer, http.MethodDelete, ksqlPath+"/streams/{sourceName}", ksqlAt("REVENUE"), nil, http.StatusBadRequest, "REVENUE is a table, not a stream")
	w.refused(famEngineer, http.MethodDelete, ksqlPath+"/streams/{sourceName}", ksqlAt("PAID"), nil, http.StatusBadRequest, "queries that read from it: [CTAS_REVENUE_1]")
	for _, path := range []string{ksqlPath + "/queries", ksqlPath + "/statements"} {
		w.refused(famEngineer, http.MethodPost, path, ksqlA, map[string]any{}, http.StatusBadRequest, "ksql")
		w.refused(famEngineer, http.MethodPost, path, ksqlA, "[]", http.StatusBadRequest, "expected one JSON object")
		w.refused(famEngineer, http.MethodPost, path, ksqlA, map[string]any{"ksql": "FROB"}, http.StatusBadRequest, "line 1:1: expected a statement, got FROB")
	}
}

// TestKsqlDBQueriesNeedData: no SELECT has made-up rows.
func TestKsqlDBQueriesNeedData(t *testing.T) {
	w := startFamilies(t)
	for ksql, says := range map[string]string{
		"SELECT * FROM paid EMIT CHANGES LIMIT 1;": "Running a SELECT takes a ksqlDB server",
		"PRINT 'shop.paid';":                       "Running a PRINT takes a ksqlDB server",
		"SELECT * FROM nope;":                      "NOPE does not exist",
		"SELECT * FROM `paid`;":                    "paid does not exist",
		"LIST TABLES;":                             "other statements go to …/statements",
		"SELECT * FROM paid; SELECT * FROM paid;":  "Expected one query, got 2 statements",
	} {
		w.refused(famEngineer, http.MethodPost, ksqlPath+"/queries", ksqlA, map[string]any{"ksql": ksql}, http.StatusBadRequest, says)
	}
}

func TestKsqlDBStatements(t *testing.T) {
	w := startFamilies(t)
	before := w.export()
	w.statements("LIST TABLES; SHOW QUERIES; DESCRIBE paid; SET 'auto.offset.reset'='earliest'; EXPLAIN CTAS_REVENUE_1;")
	if after := w.export(); after != before {
		t.Errorf("statements that look changed the world:\n%s", v1Difference(before, after))
	}

	// A stream over a topic that is there, a table over one that comes with it.
	w.statements("CREATE STREAM clicks (id INT KEY, who STRUCT<name STRING>) WITH (KAFKA_TOPIC='shop.shops', FORMAT='avro');")
	w.same("stream", w.describe("CLICKS"), `{"name":"CLICKS","topic":"shop.shops","type":"STREAM","keyFormat":"AVRO","valueFormat":"AVRO","sourceConstraints":[],
		"statement":"CREATE STREAM clicks (id INT KEY, who STRUCT<name STRING>) WITH (KAFKA_TOPIC='shop.shops', FORMAT='avro');","statistics":{},
		"readQueriesCount":0,"writeQueriesCount":0,"fields":[{"name":"ID","type":"INTEGER"},{"name":"WHO","type":"STRUCT","fields":[{"name":"NAME","type":"STRING"}]}]}`)
	w.statements("CREATE TABLE users (id INT PRIMARY KEY) WITH (KAFKA_TOPIC='users', PARTITIONS=4, REPLICAS=2, VALUE_FORMAT='JSON');")
	w.same("topic", w.spec("/public/kafka/v2/cluster/{cluster}/topic/{topic-name}", "dev", "users"), `{"partitions":4,"replicationFactor":2}`)

	// AS SELECT makes a topic, a source and a query at once.
	w.statements("CREATE STREAM north WITH (KAFKA_TOPIC='paid.north') AS SELECT p.shop, amount AS euros, p.place place FROM paid p WHERE shop = 'north' EMIT CHANGES;")
	north := w.describe("NORTH")
	w.same("fields", north["fields"], `[{"name":"SHOP","type":"STRING"},{"name":"EUROS","type":"DOUBLE"},{"name":"PLACE","type":"STRUCT","fields":[{"name":"LAT","type":"DOUBLE"}]}]`)
	if north["topic"] != "paid.north" || north["writeQueriesCount"] != 1.0 {
		t.Errorf("north is %v", north)
	}
	w.same("topic", w.spec("/public/kafka/v2/cluster/{cluster}/topic/{topic-name}", "dev", "paid.north"), `{"partitions":3,"replicationFactor":2}`)
	w.statements("CREATE TABLE counts AS SELECT shop, COUNT(*) AS n, SUM(amount) AS total FROM paid WINDOW HOPPING (SIZE 1 HOUR, ADVANCE BY 1 MINUTE) GROUP BY shop;")
	counts := w.describe("COUNTS")
	if _, known := counts["fields"]; known || counts["windowType"] != "HOPPING" || counts["type"] != "TABLE" {
		t.Errorf("counts is %v: what a SUM is takes an engine", counts)
	}
	w.statements("CREATE TABLE plain AS SELECT shop, COUNT(*) AS n FROM paid GROUP BY shop;")
	w.same("fields", w.describe("PLAIN")["fields"], `[{"name":"SHOP","type":"STRING"},{"name":"N","type":"BIGINT"}]`)
	w.statements("CREATE STREAM joined AS SELECT * FROM paid p JOIN users u ON p.shop = u.id;")
	w.same("fields", w.describe("JOINED")["fields"], `[{"name":"P_SHOP","type":"STRING"},{"name":"P_AMOUNT","type":"DOUBLE"},
		{"name":"P_PLACE","type":"STRUCT","fields":[{"name":"LAT","type":"DOUBLE"}]},{"name":"U_ID","type":"INTEGER"}]`)
	w.statements("INSERT INTO north SELECT shop, amount AS euros, place FROM paid;")
	w.same("queries", w.queryIDs(), `["CSAS_JOINED_4 RUNNING","CSAS_NORTH_1 RUNNING","CTAS_COUNTS_2 RUNNING","CTAS_PLAIN_3 RUNNING","CTAS_REVENUE_1 RUNNING","INSERTQUERY_5 RUNNING"]`)

	w.statements("ALTER STREAM clicks ADD COLUMN at TIMESTAMP, ADD more ARRAY<INT>;")
	w.same("fields", w.describe("CLICKS")["fields"], `[{"name":"ID","type":"INTEGER"},{"name":"WHO","type":"STRUCT","fields":[{"name":"NAME","type":"STRING"}]},
		{"name":"AT","type":"TIMESTAMP"},{"name":"MORE","type":"ARRAY"}]`)

	w.statements("PAUSE CTAS_PLAIN_3; PAUSE INSERTQUERY_5; RESUME INSERTQUERY_5;")
	w.same("queries", w.queryIDs(), `["CSAS_JOINED_4 RUNNING","CSAS_NORTH_1 RUNNING","CTAS_COUNTS_2 RUNNING","CTAS_PLAIN_3 PAUSED","CTAS_REVENUE_1 RUNNING","INSERTQUERY_5 RUNNING"]`)

	// Replacing keeps the id; dropping ends the query that made the source, but
	// not others.
	w.statements("CREATE OR REPLACE STREAM joined AS SELECT p.shop FROM paid p;")
	w.same("fields", w.describe("JOINED")["fields"], `[{"name":"SHOP","type":"STRING"}]`)
	w.noStatement("DROP STREAM north;", "queries that write into it: [INSERTQUERY_5]")
	w.ok(famEngineer, http.MethodDelete, ksqlPath+"/queries/{queryId}", ksqlAt("INSERTQUERY_5"), nil, http.StatusOK, nil)
	w.statements("DROP STREAM north DELETE TOPIC; DROP TABLE plain; DROP STREAM IF EXISTS nope; CREATE STREAM IF NOT EXISTS paid (a INT) WITH (x='y');")
	if w.kind("/public/kafka/v2/cluster/{cluster}/topic/{topic-name}", "dev", "paid.north") != nil {
		t.Error("DELETE TOPIC left the topic")
	}
	if w.kind("/public/kafka/v2/cluster/{cluster}/topic/{topic-name}", "dev", "PLAIN") == nil {
		t.Error("DROP without DELETE TOPIC took the topic")
	}
	w.ok(famEngineer, http.MethodDelete, ksqlPath+"/tables/{sourceName}", ksqlAt("counts"), nil, http.StatusOK, nil)
	w.same("queries", w.queryIDs(), `["CSAS_JOINED_4 RUNNING","CTAS_REVENUE_1 RUNNING"]`)
	w.statements("TERMINATE ALL;")
	w.same("queries", w.queryIDs(), `[]`)
	w.ok(famEngineer, http.MethodDelete, ksqlPath+"/streams/{sourceName}", ksqlAt("PAID"), nil, http.StatusOK, nil)
	w.refused(famEngineer, http.MethodGet, ksqlPath+"/describe/{sourceName}", ksqlAt("PAID"), nil, http.StatusNotFound, "PAID does not exist")
}

func TestKsqlDBStatementsRefused(t *testing.T) {
	w := startFamilies(t)
	for ksql, says := range map[string]string{
		"CREATE STREAM paid (a INT) WITH (KAFKA_TOPIC='shop.paid', VALUE_FORMAT='JSON');":               "a stream with the same name already exists",
		"CREATE OR REPLACE TABLE paid (a INT PRIMARY KEY) WITH (KAFKA_TOPIC='x', VALUE_FORMAT='JSON');": "Cannot replace PAID: it is a stream",
		"CREATE STREAM x (a INT) WITH (VALUE_FORMAT='JSON');":                                           "Missing required property KAFKA_TOPIC",
		"CREATE STREAM x (a INT) WITH (KAFKA_TOPIC='shop.paid');":                                       "Missing required property VALUE_FORMAT",
		"CREATE STREAM x WITH (KAFKA_TOPIC='shop.paid', VALUE_FORMAT='AVRO');":                          "defines no columns",
		"CREATE STREAM x (a INT) WITH (KAFKA_TOPIC='nope', VALUE_FORMAT='JSON');":                       "Kafka topic nope does not exist on cluster dev",
		"CREATE STREAM x (a INT) WITH (KAFKA_TOPIC='nope', VALUE_FORMAT='JSON', PARTITIONS=0);":         "Expected a number of partitions of at least 1",
		"CREATE STREAM x (a INT) WITH (KAFKA_TOPIC='no pe', VALUE_FORMAT='JSON', PARTITIONS=1);":        "expected a Kafka topic name",
		"CREATE STREAM x (a INT PRIMARY KEY) WITH (KAFKA_TOPIC='shop.paid', VALUE_FORMAT='JSON');":      "use KEY for streams",
		"CREATE TABLE x (a INT KEY) WITH (KAFKA_TOPIC='shop.paid', VALUE_FORMAT='JSON');":               "use PRIMARY KEY for tables",
		"CREATE TABLE x (a INT) WITH (KAFKA_TOPIC='shop.paid', VALUE_FORMAT='JSON');":                   "Tables require a PRIMARY KEY",
		"CREATE STREAM x (a INT) WITH (KAFKA_TOPIC='shop.paid', VALUE_FORMAT='JSON', WINDOW_TYPE='x');": "as WINDOW_TYPE, got X",
		"CREATE STREAM x AS SELECT * FROM nope;":                                                        "NOPE does not exist",
		"CREATE STREAM x AS SELECT nope FROM paid;":                                                     "Column NOPE cannot be resolved",
		"CREATE STREAM x AS SELECT q.shop FROM paid p;":                                                 "Q is neither a source of the query nor its alias",
		"CREATE STREAM x AS SELECT shop FROM paid GROUP BY shop;":                                       "The SELECT produces a TABLE",
		"CREATE TABLE x AS SELECT shop FROM paid;":                                                      "The SELECT produces a STREAM",
		"INSERT INTO nope SELECT * FROM paid;":                                                          "NOPE does not exist",
		"INSERT INTO revenue SELECT * FROM paid;":                                                       "REVENUE is a table",
		"INSERT INTO paid SELECT * FROM revenue;":                                                       "The SELECT produces a TABLE",
		"INSERT INTO paid (shop) VALUES ('x');":                                                         "INSERT INTO … VALUES takes a ksqlDB server",
		"DROP STREAM nope;":                                                                             "STREAM NOPE does not exist",
		"DROP TABLE paid;":                                                                              "PAID is a stream, not a table",
		"DROP STREAM paid;":                                                                             "queries that read from it: [CTAS_REVENUE_1]",
		"ALTER STREAM nope ADD a INT;":                                                                  "STREAM NOPE does not exist",
		"ALTER TABLE paid ADD a INT;":                                                                   "PAID is a stream, not a table",
		"ALTER TABLE revenue ADD a INT;":                                                                "REVENUE was made by a query",
		"ALTER STREAM paid ADD shop INT;":                                                               "Cannot add column SHOP to PAID",
		"TERMINATE nope;":                                                                               "Unknown query NOPE",
		"DESCRIBE nope;":                                                                                "Could not find the stream or table NOPE",
		"SELECT * FROM paid;":                                                                           "A SELECT goes to …/queries",
		"CREATE TYPE a AS STRUCT<b INT>;":                                                               "CREATE TYPE takes a ksqlDB server",
		// One fault undoes what came before it.
		"TERMINATE ALL; DROP STREAM paid DELETE TOPIC; DROP STREAM paid;":                                               "STREAM PAID does not exist",
		"CREATE STREAM x" + strings.Repeat("x", 2000) + " (a INT) WITH (KAFKA_TOPIC='shop.paid', VALUE_FORMAT='JSON');": "must not be longer than",
	} {
		w.noStatement(ksql, says)
	}
}

// TestKsqlDBGone: what a ksqlDB cluster held goes with it.
func TestKsqlDBGone(t *testing.T) {
	w := startFamilies(t)
	const clusterPath = "/public/console/v2/cluster/{cluster}/ksqldb"
	w.ok(famKey, http.MethodDelete, clusterPath+"/{ksql-d-b-cluster-name}", ksqlA, nil, http.StatusOK, nil)
	var result map[string]any
	w.ok(famKey, http.MethodPut, clusterPath, []string{"dev"}, map[string]any{"apiVersion": "v2", "kind": "KsqlDBCluster",
		"metadata": map[string]any{"name": "ksql-a", "cluster": "dev"}, "spec": map[string]any{"displayName": "A", "url": "http://a"}}, http.StatusOK, &result)
	var server map[string]any
	w.ok(famKey, http.MethodGet, ksqlPath, ksqlA, nil, http.StatusOK, &server)
	w.same("ksqlDB cluster", server, `{"name":"A","slug":"ksql-a","tableCount":0,"streamCount":0,"queryCount":0}`)
}
