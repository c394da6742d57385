package ksql_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/server/ksql"
)

func one[T ksql.Statement](t *testing.T, text string) T {
	t.Helper()
	statements, err := ksql.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if len(statements) != 1 {
		t.Fatalf("%s: %d statements", text, len(statements))
	}
	statement, ok := statements[0].(T)
	if !ok {
		t.Fatalf("%s is read as %T", text, statements[0])
	}
	return statement
}

func TestCreateWithColumns(t *testing.T) {
	create := one[*ksql.Create](t, `create or replace source stream if not exists paid -- what was paid
		(id BIGINT key, shop varchar, "Amount" DECIMAL(9, 2), at STRUCT<lat DOUBLE, tags ARRAY<MAP<STRING, INT>>>, h BYTES HEADER('x'))
		with (kafka_topic = 'it''s', partitions=3, value_format='json', wrap_single_value=false);`)
	if create.Type != ksql.Stream || create.Name != "PAID" || !create.Replace || !create.IfNotExists || create.Query != nil {
		t.Errorf("read as %+v", create)
	}
	columns := []ksql.Column{
		{Name: "ID", Type: ksql.Type{Name: "BIGINT"}, Key: "KEY"},
		{Name: "SHOP", Type: ksql.Type{Name: "STRING"}},
		{Name: "Amount", Type: ksql.Type{Name: "DECIMAL"}},
		{Name: "AT", Type: ksql.Type{Name: "STRUCT", Fields: []ksql.Column{
			{Name: "LAT", Type: ksql.Type{Name: "DOUBLE"}}, {Name: "TAGS", Type: ksql.Type{Name: "ARRAY"}}}}},
		{Name: "H", Type: ksql.Type{Name: "BYTES"}, Key: "HEADERS"},
	}
	if !reflect.DeepEqual(create.Columns, columns) {
		t.Errorf("columns are %+v, want %+v", create.Columns, columns)
	}
	properties := map[string]string{"KAFKA_TOPIC": "it's", "PARTITIONS": "3", "VALUE_FORMAT": "json", "WRAP_SINGLE_VALUE": "FALSE"}
	if !reflect.DeepEqual(create.Properties, properties) {
		t.Errorf("properties are %v, want %v", create.Properties, properties)
	}
	if !strings.HasPrefix(create.Text(), "create or replace") || !strings.HasSuffix(create.Text(), "wrap_single_value=false);") {
		t.Errorf("text is %q", create.Text())
	}
}

func TestCreateAsSelect(t *testing.T) {
	create := one[*ksql.Create](t, `CREATE TABLE revenue WITH (VALUE_FORMAT='AVRO') AS
		SELECT p.shop, COUNT(*) AS n, COUNT(DISTINCT (p.x)) m, SUM(p.amount) + (1), s.*, name label, NOT done, a AND b, x IS NOT NULL, 'a' b
		FROM paid p LEFT OUTER JOIN shops AS s ON p.shop = s.id JOIN `+"`third`"+` WITHIN 1 HOUR ON (p.x = third.x)
		WINDOW HOPPING (SIZE 5 MINUTES, ADVANCE BY 1 MINUTE) WHERE p.amount > 0 GROUP BY p.shop EMIT CHANGES`)
	if create.Query == nil || !create.Query.Aggregates || create.Query.Window != "HOPPING" {
		t.Fatalf("read as %+v", create.Query)
	}
	from := []ksql.Source{{Name: "PAID", Alias: "P"}, {Name: "SHOPS", Alias: "S"}, {Name: "third", Alias: "third"}}
	if !reflect.DeepEqual(create.Query.From, from) {
		t.Errorf("reads %+v, want %+v", create.Query.From, from)
	}
	items := []ksql.Item{
		{From: "P", Column: "SHOP"}, {Count: true, As: "N"}, {Count: true, As: "M"}, {}, {Star: true, From: "S"},
		{Column: "NAME", As: "LABEL"}, {}, {}, {}, {As: "B"},
	}
	if !reflect.DeepEqual(create.Query.Items, items) {
		t.Errorf("items are %+v, want %+v", create.Query.Items, items)
	}
}

func TestOtherStatements(t *testing.T) {
	insert := one[*ksql.Insert](t, "INSERT INTO all_paid SELECT * FROM paid;")
	if insert.Into != "ALL_PAID" || insert.Query.From[0].Name != "PAID" || !insert.Query.Items[0].Star {
		t.Errorf("read as %+v", insert)
	}
	if drop := one[*ksql.Drop](t, "drop table if exists `x y` delete topic;"); drop.Name != "x y" || drop.Type != ksql.Table || !drop.IfExists || !drop.DeleteTopic {
		t.Errorf("read as %+v", drop)
	}
	alter := one[*ksql.Alter](t, "ALTER STREAM paid ADD COLUMN a INT, ADD b STRING;")
	if alter.Name != "PAID" || len(alter.Add) != 2 || alter.Add[1].Name != "B" {
		t.Errorf("read as %+v", alter)
	}
	if control := one[*ksql.Control](t, "TERMINATE ctas_x_1;"); control.Verb != "TERMINATE" || control.Query != "CTAS_X_1" {
		t.Errorf("read as %+v", control)
	}
	if control := one[*ksql.Control](t, "PAUSE ALL"); control.Verb != "PAUSE" || control.Query != "" {
		t.Errorf("read as %+v", control)
	}
	if look := one[*ksql.Look](t, "DESCRIBE paid EXTENDED;"); look.Name != "PAID" {
		t.Errorf("read as %+v", look)
	}
	for text, verb := range map[string]string{
		"LIST TABLES;": "LIST", "SHOW ALL TOPICS": "SHOW", "SET 'a'='b';": "SET", "DESCRIBE FUNCTION sum;": "DESCRIBE",
	} {
		if look := one[*ksql.Look](t, text); look.Verb != verb || look.Name != "" {
			t.Errorf("%s is read as %+v", text, look)
		}
	}
	for text, verb := range map[string]string{
		"PRINT 'topic' FROM BEGINNING;": "PRINT", "CREATE TYPE a AS STRUCT<x INT>;": "CREATE TYPE",
		"DROP CONNECTOR x;": "DROP CONNECTOR", "ALTER SYSTEM 'a'='b';": "ALTER SYSTEM",
		"INSERT INTO paid (id) VALUES (1);": "INSERT INTO … VALUES",
	} {
		if other := one[*ksql.Other](t, text); other.Verb != verb {
			t.Errorf("%s is read as %+v", text, other)
		}
	}
}

func TestSeveralStatements(t *testing.T) {
	statements, err := ksql.Parse("LIST STREAMS; /* and */ ;; DROP STREAM a;SELECT * FROM b EMIT CHANGES LIMIT 2")
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, statement := range statements {
		texts = append(texts, statement.Text())
	}
	want := []string{"LIST STREAMS;", "DROP STREAM a;", "SELECT * FROM b EMIT CHANGES LIMIT 2;"}
	if !slices.Equal(texts, want) {
		t.Errorf("read %q, want %q", texts, want)
	}
}

func TestFaults(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "line 1:1: expected a statement, got the end",
		" ; ;":                             "expected a statement",
		"FROB x;":                          "expected a statement, got FROB",
		"'x'":                              "expected a statement",
		"CREATE 5;":                        "expected STREAM or TABLE",
		"CREATE STREAM;":                   "line 1:14: expected the name of the stream, got ;",
		"CREATE STREAM a (b FROB);":        "expected a data type, got FROB",
		"CREATE STREAM a (b INT, b INT);":  "the column B is there twice",
		"CREATE STREAM a (b INT":           "expected ,, got the end",
		"CREATE STREAM a (b DECIMAL);":     "expected (",
		"CREATE STREAM a (b INT) WITH (x)": "expected =",
		"CREATE STREAM a WITH (x='1',X=2)": "the property X is there twice",
		"CREATE STREAM a WITH (x=y)":       "expected a value",
		"CREATE STREAM a (b INT) AS SELECT * FROM c;":    "expected no columns",
		"CREATE STREAM a AS SELECT FROM c;":              "expected a column, got FROM",
		"CREATE STREAM a AS SELECT b;":                   "expected FROM",
		"CREATE STREAM a AS SELECT (b FROM c;":           "a bracket that is not closed",
		"CREATE STREAM a AS SELECT b) FROM c;":           "expected no closing bracket",
		"CREATE STREAM a AS SELECT * FROM (SELECT 1);":   "expected the name of a stream or table",
		"CREATE STREAM a AS SELECT * FROM c WINDOW DAY;": "expected TUMBLING",
		"DROP STREAM a b;":                               "expected ; at the end",
		"TERMINATE;":                                     "expected the id of a query",
		"LIST;":                                          "expected what to LIST",
		"\n  DROP STREAM 'a';":                           "line 2:15",
		"DROP STREAM `a":                                 "a text in ` that does not end",
		"DROP STREAM ``;":                                "a name without a character",
		"/* DROP":                                        "a comment that does not end",
		"LIST \xff;":                                     "not UTF-8",
		"ALTER STREAM a b INT":                           "expected ADD",
		strings.Repeat("x", ksql.MaxLength+1):            "more than",
		"CREATE STREAM a (b " + strings.Repeat("ARRAY<", 100) + "INT) WITH (x=1)": "fewer types within types",
	} {
		_, err := ksql.Parse(text)
		var fault *ksql.Error
		if !errors.As(err, &fault) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: error %v, want %q", text, err, want)
		}
	}
}

// FuzzParse: no text makes the parser panic or hang, and what it reads it reads
// again the same out of the text of the statements.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"CREATE STREAM a (b STRUCT<c ARRAY<INT>>) WITH (KAFKA_TOPIC='d');",
		"CREATE TABLE a AS SELECT b, COUNT(*) c FROM d e JOIN f ON (e.x = f.x) WINDOW SESSION (30 SECONDS) GROUP BY b;",
		"DROP STREAM IF EXISTS `a``b` DELETE TOPIC; TERMINATE ALL; -- end",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		statements, err := ksql.Parse(text)
		if err != nil {
			return
		}
		var again strings.Builder
		for _, statement := range statements {
			again.WriteString(statement.Text() + "\n")
		}
		second, err := ksql.Parse(again.String())
		if err != nil {
			t.Fatalf("%q was read, but not again: %v", again.String(), err)
		}
		if !reflect.DeepEqual(statements, second) {
			t.Fatalf("%q is read as %+v, then as %+v", text, statements, second)
		}
	})
}
