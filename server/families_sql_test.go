package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	executePath = "/public/sql/v1/execute"
	tablesPath  = "/public/sql/v1/topicTable"
)

// sql runs a statement and answers header and rows as one JSON-shaped value.
func (w *v1World) sql(who, statement string) map[string]any {
	w.Helper()
	var result map[string]any
	w.ok(who, http.MethodPost, executePath+"?maxLine=500", nil, statement, http.StatusOK, &result)
	return result
}

func TestSQLTables(t *testing.T) {
	w := startFamilies(t)
	paid := `{"tableName":"dev_shop.paid","clusterSlug":"dev","topicName":"shop.paid","fields":{
		"amount":[{"columnName":"amount","columnType":"DOUBLE"}],
		"id":[{"columnName":"id","columnType":"INT"},{"columnName":"id_2","columnType":"STRING"}],
		"paid.at":[{"columnName":"paid.at","columnType":"STRING"}],
		"paid.big":[{"columnName":"paid.big","columnType":"LONG"}],
		"shop":[{"columnName":"shop","columnType":"STRING"}],
		"tags":[{"columnName":"tags","columnType":"JSON"}]}}`
	bounced := `{"tableName":"dev_mail.bounced","clusterSlug":"dev","topicName":"mail.bounced","fields":{
		"__key":[{"columnName":"__key_2","columnType":"STRING"}],"to":[{"columnName":"to","columnType":"STRING"}]}}`
	for who, want := range map[string]string{famRoot: "[" + bounced + "," + paid + "]", famKey: "[" + bounced + "," + paid + "]",
		famEngineer: "[" + paid + "]", famInstance: "[" + paid + "]", famNobody: "[]"} {
		var list []map[string]any
		w.ok(who, http.MethodGet, tablesPath, nil, nil, http.StatusOK, &list)
		w.same("tables of "+who, list, want)
	}
	w.refused(famNone, http.MethodGet, tablesPath, nil, nil, http.StatusUnauthorized, "")
}

func TestSQLExecute(t *testing.T) {
	w := startFamilies(t)
	w.same("rows", w.sql(famEngineer, `SELECT "__partition", "__offset", "__key", id, id_2, shop, amount, "paid.at", "paid.big", tags, "__headers", "__schema_id"
		FROM "dev_shop.paid" ORDER BY "__timestamp"`),
		`{"header":["__partition","__offset","__key","id","id_2","shop","amount","paid.at","paid.big","tags","__headers","__schema_id"],"row":[
			[0,0,"o1",1,null,"north",12.5,"till",5000000000,["a","b"],{"source":"till"},null],
			[2,0,"{\"order\":2}",null,"two","south",7,null,null,null,null,null],
			[0,1,"o3",3,null,"north",1,null,1,null,null,null],
			[0,2,"o1",null,null,null,null,null,null,null,null,null]]}`)
	w.same("groups", w.sql(famRoot, `select shop, count(*), sum(amount) from "dev_shop.paid" where shop is not null group by shop order by shop`),
		`{"header":["shop","count","sum"],"row":[["north",2,13.5],["south",1,7]]}`)
	w.same("no rows", w.sql(famEngineer, `select shop from "dev_shop.paid" where shop = 'east'`), `{"header":["shop"],"row":[]}`)
	w.same("no table", w.sql(famNobody, "select 1 as one"), `{"header":["one"],"row":[[1]]}`)
	// Equal keys and values have equal checksums, others have not.
	w.same("checksums", w.sql(famEngineer, `select count(*), count(distinct "__checksum"), min(length("__checksum")) from "dev_shop.paid"`),
		`{"header":["count","count","min"],"row":[[4,4,32]]}`)
	var first map[string]any
	w.ok(famEngineer, http.MethodPost, executePath+"?maxLine=1", nil, `select "__offset" from "dev_shop.paid" order by 1 desc`, http.StatusOK, &first)
	w.same("one line", first, `{"header":["__offset"],"row":[[2]]}`)
	// A star, with the columns of the record itself first.
	star := w.sql(famRoot, `select * from "dev_mail.bounced"`)
	w.same("star", star["header"], `["__timestamp","__partition","__offset","__checksum","__headers","__schema_id","__key","__key_2","to"]`)
}

// TestSQLRetention: records are gone when their time is over, by the clock of
// the world.
func TestSQLRetention(t *testing.T) {
	w := startFamilies(t)
	clock := w.running.Pair().World.Clock
	clock.Freeze()
	count := `select count(*) from "dev_shop.paid"`
	w.same("count", w.sql(famEngineer, count), `{"header":["count"],"row":[[4]]}`)
	clock.Advance(150 * time.Second) // of those an hour old, two are now older
	w.same("count", w.sql(famEngineer, count), `{"header":["count"],"row":[[2]]}`)
	clock.Advance(150 * time.Second)
	w.refused(famEngineer, http.MethodPost, executePath+"?maxLine=1", nil, count, http.StatusBadRequest,
		"the topic shop.paid is indexed, but no record of it is younger than its retentionTimeInSecond of 3600")
	w.refused(famNobody, http.MethodPost, executePath+"?maxLine=1", nil, count, http.StatusBadRequest, `relation "dev_shop.paid" does not exist (position 22)`)
}

func TestSQLRefused(t *testing.T) {
	w := startFamilies(t)
	const one = executePath + "?maxLine=1"
	w.refused(famNone, http.MethodPost, one, nil, "select 1", http.StatusUnauthorized, "")
	for _, who := range []string{famKey, famInstance} {
		w.refused(who, http.MethodPost, one, nil, "select 1", http.StatusForbidden, "use the token of a user")
	}
	w.refused(famNobody, http.MethodPost, one, nil, `select 1 from "dev_shop.paid"`, http.StatusForbidden, "on TOPIC shop.paid on cluster dev")
	w.refused(famEngineer, http.MethodPost, one, nil, `select (select 1 from "dev_mail.bounced")`, http.StatusForbidden, "on TOPIC mail.bounced on cluster dev")
	for statement, says := range map[string]string{
		`select * from "dev_mail.sent"`:                `relation "dev_mail.sent" does not exist`, // indexing is switched off
		`select * from "gw_shop.paid"`:                 `relation "gw_shop.paid" does not exist`,
		`select * from "dev_shop.shops"`:               "no record of it is younger",
		`select nope from "dev_shop.paid"`:             `Invalid SQL: column "nope" does not exist (position 8)`,
		`delete from "dev_shop.paid"`:                  "only SELECT statements are allowed",
		`select 1; select 2`:                           "only one statement is allowed",
		`select now()`:                                 "the function now is not supported",
		"":                                             "there is no statement",
		"select '" + strings.Repeat("x", 70000) + "'":  "longer than",
		`select pg_read_file('/etc/passwd')`:           "the function pg_read_file is not supported",
		`select * from information_schema.tables`:      `schema "information_schema" does not exist`,
		`select 1 from "dev_shop.paid" where shop = 1`: "operator does not exist: text = bigint",
	} {
		w.refused(famEngineer, http.MethodPost, one, nil, statement, http.StatusBadRequest, says)
	}
	for query, says := range map[string]string{"": "maxLine", "?maxLine=": "maxLine", "?maxLine=0": "expected at least 1", "?maxLine=-1": "expected at least 1",
		"?maxLine=501": "at most 500", "?maxLine=x": "maxLine", "?maxLine=1&maxLine=2": "maxLine"} {
		w.refused(famEngineer, http.MethodPost, executePath+query, nil, "select 1", http.StatusBadRequest, says)
	}
}

// TestSQLNamesShared: two topics whose tables would have one name get two.
func TestSQLNamesShared(t *testing.T) {
	w := startFamilies(t)
	put := func(path string, values []string, object map[string]any) {
		t.Helper()
		var result map[string]any
		w.ok(famKey, http.MethodPut, path, values, object, http.StatusOK, &result)
	}
	for cluster, topic := range map[string]string{"a": "b_c", "a_b": "c"} {
		put("/public/console/v2/kafka-cluster", nil, map[string]any{"apiVersion": "v2", "kind": "KafkaCluster",
			"metadata": map[string]any{"name": cluster}, "spec": map[string]any{"displayName": cluster, "bootstrapServers": "x:1"}})
		put("/public/kafka/v2/cluster/{cluster}/topic", []string{cluster}, map[string]any{"apiVersion": "v2", "kind": "Topic",
			"metadata": map[string]any{"name": topic, "cluster": cluster, "sqlStorage": map[string]any{"retentionTimeInSecond": 60, "enabled": true}},
			"spec":     map[string]any{"partitions": 1, "replicationFactor": 1}})
		applyTo(t, w, map[string]any{"apiVersion": "mockduktor/v1", "kind": "TopicRecords", "metadata": map[string]any{"name": topic, "cluster": cluster},
			"spec": map[string]any{"records": []any{map[string]any{"timestamp": w.running.Pair().World.Clock.Now().Format(time.RFC3339), "value": map[string]any{"in": cluster}}}}})
	}
	w.same("first", w.sql(famRoot, `select "in" from "a_b_c"`), `{"header":["in"],"row":[["a"]]}`)
	w.same("second", w.sql(famRoot, `select "in" from "a_b_c_2"`), `{"header":["in"],"row":[["a_b"]]}`)
}

// TestSQLColumnNames: names are shortened to what PostgreSQL takes.
func TestSQLColumnNames(t *testing.T) {
	w := startFamilies(t)
	long := strings.Repeat("x", 80)
	applyTo(t, w, map[string]any{"apiVersion": "mockduktor/v1", "kind": "TopicRecords", "metadata": map[string]any{"name": "mail.bounced", "cluster": "dev"},
		"spec": map[string]any{"records": []any{map[string]any{"value": map[string]any{
			"reaaaaaaaaaaaaaaaaaaaaaaaaaally": map[string]any{"looooooooooooooooooooooong": map[string]any{"path": map[string]any{"to": map[string]any{"a": map[string]any{"certain": map[string]any{"field": 1}}}}}},
			long:                              true}}}}})
	w.same("header", w.sql(famRoot, `select * from "dev_mail.bounced"`)["header"].([]any)[7:],
		`["r.looooooooooooooooooooooong.path.to.a.certain.field","`+long[:63]+`"]`)
}
