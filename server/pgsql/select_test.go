package pgsql_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/server/pgsql"
)

func asJSON(t testing.TB, text string) pgsql.Value {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatal(err)
	}
	return pgsql.JSON{Value: value}
}

func tables(t testing.TB) func(name string) (*pgsql.Table, error) {
	t.Helper()
	all := map[string]*pgsql.Table{
		"t": {Columns: []string{"id", "name", "amount", "ok", "doc"}, Rows: [][]pgsql.Value{
			{int64(1), "alpha", 1.5, true, asJSON(t, `{"a":{"b":[1,"two",null]},"n":5}`)},
			{int64(2), "Beta", -2.0, false, asJSON(t, `{"a":1}`)},
			{int64(3), "gamma", nil, nil, nil},
			{int64(4), nil, 10.25, true, asJSON(t, `[10,20,30]`)},
			{int64(5), "alpha", 3.0, false, asJSON(t, `{"n":"x"}`)},
			{int64(6), "a%b_c", 0.0, true, asJSON(t, `"text"`)},
		}},
		"dev_shop.paid": {Columns: []string{"__offset", "shop", "a.b", "t_id"}, Rows: [][]pgsql.Value{
			{int64(0), "north", int64(5), int64(1)}, {int64(1), "south", int64(7), int64(1)}, {int64(2), "north", nil, int64(2)},
			{int64(3), nil, int64(1), int64(9)}, {int64(4), "east", int64(5), int64(5)},
		}},
	}
	return func(name string) (*pgsql.Table, error) { return all[name], nil }
}

// shown writes a result as testdata does.
func shown(t testing.TB, result *pgsql.Table, err error) string {
	t.Helper()
	if err != nil {
		return "ERR " + err.Error()
	}
	lines := []string{strings.Join(result.Columns, "|")}
	for _, row := range result.Rows {
		cells := make([]string, len(row))
		for i, value := range row {
			switch value := value.(type) {
			case nil:
				cells[i] = "∅"
			case string:
				cells[i] = value
			default:
				encoded, err := json.Marshal(value)
				if err != nil {
					t.Fatal(err)
				}
				cells[i] = string(encoded)
			}
		}
		lines = append(lines, strings.Join(cells, "|"))
	}
	return strings.Join(lines, "\n")
}

// TestAsPostgreSQL: the answers are those that PostgreSQL gave to the same.
func TestAsPostgreSQL(t *testing.T) {
	content, err := os.ReadFile("testdata/select.txt")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(strings.TrimSpace(string(content)), "\n\n")[1:]
	if len(blocks) < 200 {
		t.Fatalf("only %d statements", len(blocks))
	}
	for _, block := range blocks {
		statement, want, _ := strings.Cut(strings.TrimPrefix(block, "> "), "\n")
		result, err := pgsql.Run(t.Context(), statement, 1000, tables(t))
		if got := shown(t, result, err); got != want {
			t.Errorf("%s\n got %s\nwant %s", statement, got, want)
		}
	}
}

// TestOwnWays: where this differs from PostgreSQL, it does as the package says.
func TestOwnWays(t *testing.T) {
	for statement, want := range map[string]string{
		"select 1.50, 0.1+0.2, 7.0/2":              "?column?|?column?|?column?\n1.5|0.30000000000000004|3.5",
		"select avg(id) from t where id < 3":       "avg\n1.5",
		"select 1 > '1.5'":                         "?column?\nfalse",
		"select count(*) over () from t":           "ERR window functions are not supported (position 17)",
		"select distinct on (name) name from t":    "ERR DISTINCT ON is not supported (position 17)",
		"select now()":                             "ERR the function now is not supported (position 8)",
		"select interval '1 day'":                  "ERR INTERVAL is not supported (position 8)",
		"select current_date":                      "ERR CURRENT_DATE is not supported (position 8)",
		"select array[1]":                          "ERR ARRAY is not supported (position 8)",
		"select (array_agg(1))[1]":                 "ERR arrays are not supported, use -> on JSON (position 22)",
		"select array_agg(1)":                      "ERR the function array_agg is not supported (position 8)",
		"select (1,2)":                             "ERR rows as values are not supported (position 8)",
		"select id from t order by name collate a": "ERR COLLATE is not supported (position 32)",
		"select 1 = any(select 1)":                 "ERR ANY is not supported, use IN or EXISTS (position 12)",
		"select E'a'":                              "ERR strings of the form E'…' are not supported (position 8)",
		"select 1::numeric(3,2)":                   "ERR types with a length or precision are not supported (position 18)",
		"select 1::uuid":                           "ERR the type uuid is not supported (position 11)",
		"select * from generate_series(1, 3)":      "ERR functions in FROM are not supported (position 15)",
		"select * from t, lateral (select 1) x":    "ERR LATERAL is not supported (position 18)",
		"select * from t natural join t u":         "ERR NATURAL joins are not supported, use ON or USING (position 17)",
		"with recursive a as (select 1) select 1":  "ERR WITH RECURSIVE is not supported (position 6)",
		"values (1)":                               "ERR VALUES is not supported, use SELECT (position 1)",
		"":                                         "ERR there is no statement (position 1)",
		" ; ":                                      "ERR there is no statement (position 2)",
		"select 1; select 2":                       "ERR only one statement is allowed (position 11)",
		"delete from t":                            "ERR only SELECT statements are allowed, this one begins with DELETE (position 1)",
		"explain select 1":                         "ERR only SELECT statements are allowed, this one begins with EXPLAIN (position 1)",
		"with a as (delete from t) select 1":       "ERR syntax error at or near \"delete\" (position 12)",
		"select * into x from t":                   "ERR SELECT INTO is not allowed (position 10)",
		"select id from t for update":              "ERR only SELECT statements without FOR are allowed (position 18)",
		"select 'a' from t where \xff = 1":         "ERR invalid byte sequence for encoding \"UTF8\" (position 25)",
	} {
		result, err := pgsql.Run(t.Context(), statement, 1000, tables(t))
		if got := shown(t, result, err); got != want {
			t.Errorf("%s\n got %s\nwant %s", statement, got, want)
		}
	}
}

func TestRowsAtMost(t *testing.T) {
	result, err := pgsql.Run(t.Context(), "select id from t order by id desc", 2, tables(t))
	if got := shown(t, result, err); got != "id\n6\n5" {
		t.Errorf("two rows at most are %s", got)
	}
}

// TestTableErrors: an error of whoever finds tables is handed on as it is.
func TestTableErrors(t *testing.T) {
	denied := errors.New("permission denied")
	for _, statement := range []string{"select 1 from x", "select (select 1 from x)", "with a as (select * from x) select 1"} {
		_, err := pgsql.Run(t.Context(), statement, 1, func(string) (*pgsql.Table, error) { return nil, denied })
		if !errors.Is(err, denied) {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

// TestBounds: a statement ends, whatever it asks.
func TestBounds(t *testing.T) {
	many := &pgsql.Table{Columns: []string{"n", "text"}}
	for i := range 3000 {
		many.Rows = append(many.Rows, []pgsql.Value{int64(i), strings.Repeat("x", 1000)})
	}
	find := func(string) (*pgsql.Table, error) { return many, nil }
	nest := strings.Repeat("(", 200) + "1" + strings.Repeat(")", 200)
	doubled := "'" + strings.Repeat("x", 30000) + "'"
	for range 6 {
		doubled = fmt.Sprintf("(select a || a from (select %s as a) q)", doubled)
	}
	doubling := "with a0 as (select 1 from m where false)"
	for i := range 60 {
		doubling += fmt.Sprintf(", a%d as (select 1 from a%d x, a%d y)", i+1, i, i)
	}
	for statement, says := range map[string]string{
		doubling + " select * from a60":                                  "looks at more than",
		"select count(*) from m a, m b":                                  "holds more than",
		"select count(*) from m a join m b on a.n = b.n + 5000":          "looks at more than",
		"select 1 from m where exists (select 1 from m x where x.n < 0)": "looks at more than",
		"select string_agg(text, '') from m":                             "a text is longer than",
		"select " + doubled:                                              "a text is longer than",
		"select " + nest:                                                 "nested too deeply",
		"select " + strings.Repeat("not ", 200) + "true":                 "nested too deeply",
		"select " + strings.Repeat("- ", 200) + "1":                      "nested too deeply",
		"select * from " + strings.Repeat("(", 200) + "m":                "nested too deeply",
		strings.Repeat("(", 200) + "select 1":                            "only SELECT", // it begins with no word
		"select " + strings.Repeat("1+", pgsql.MaxLength):                "longer than",
	} {
		if strings.HasPrefix(statement, "((") {
			says = "nested too deeply"
		}
		_, err := pgsql.Run(t.Context(), statement, 10, find)
		var refused *pgsql.Error
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.70s: %v, want %q", statement, err, says)
		}
	}
	// What repeats a value computes it once.
	for _, one := range []string{" between 0 and 1", " in (0, 1)", " not in (2, 3)"} {
		statement := "select " + strings.Repeat("(", 60) + "1" + strings.Repeat(one+")::int", 60) + " as n"
		if result, err := pgsql.Run(t.Context(), statement, 1, find); shown(t, result, err) != "n\n1" {
			t.Errorf("%s sixty times: %.200s", one, shown(t, result, err))
		}
	}
	statement := "select " + strings.Repeat("case ", 60) + "1" + strings.Repeat(" when 0 then 1 when 1 then 1 end", 60) + " as n"
	if result, err := pgsql.Run(t.Context(), statement, 1, find); shown(t, result, err) != "n\n1" {
		t.Errorf("CASE sixty times: %.200s", shown(t, result, err))
	}
	// A long chain is no deep nesting.
	result, err := pgsql.Run(t.Context(), "select 1"+strings.Repeat("+1", 20000)+" as n group by 1", 1, find)
	if got := shown(t, result, err); got != "n\n20001" {
		t.Errorf("a long sum: %.100s", got)
	}
}

func TestTimeout(t *testing.T) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	many := &pgsql.Table{Columns: []string{"n"}, Rows: make([][]pgsql.Value, 3000)}
	for i := range many.Rows {
		many.Rows[i] = []pgsql.Value{int64(i)}
	}
	_, err := pgsql.Run(ctx, "select n from m where n < 0", 1, func(string) (*pgsql.Table, error) { return many, nil })
	if err == nil || !strings.Contains(err.Error(), "statement timeout") {
		t.Errorf("after its time a statement answers %v", err)
	}
}

// FuzzRun: no statement makes the engine panic or hang, and every refusal is one
// of its own.
func FuzzRun(f *testing.F) {
	content, err := os.ReadFile("testdata/select.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(content)) {
		if statement, ok := strings.CutPrefix(line, "> "); ok {
			f.Add(statement)
		}
	}
	find := tables(f)
	f.Fuzz(func(t *testing.T, statement string) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		result, err := pgsql.Run(ctx, statement, 100, find)
		if err != nil {
			var refused *pgsql.Error
			if !errors.As(err, &refused) {
				t.Fatalf("%q: %v", statement, err)
			}
			return
		}
		for _, row := range result.Rows {
			if len(row) != len(result.Columns) {
				t.Fatalf("%q: %d values for %d columns", statement, len(row), len(result.Columns))
			}
			if _, err := json.Marshal(row); err != nil {
				t.Fatalf("%q: %v", statement, err)
			}
		}
	})
}
