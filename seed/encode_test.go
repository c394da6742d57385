package seed

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func objectsOf(docs []*Document) []map[string]any {
	objects := make([]map[string]any, len(docs))
	for i, d := range docs {
		objects[i] = d.Object
	}
	return objects
}

func encoded(t rapid.TB, objects []map[string]any) string {
	t.Helper()
	var b bytes.Buffer
	if err := Encode(&b, objects); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// reload loads an export and answers its resources.
func reload(t rapid.TB, export string) []map[string]any {
	t.Helper()
	l := &loader{stdin: strings.NewReader(export), lookup: func(string) (string, bool) { return "", false }}
	docs, err := l.load([]string{"-"})
	if err != nil {
		t.Fatalf("%v in\n%s", err, export)
	}
	return objectsOf(docs)
}

func sameResources(t rapid.TB, got, want []map[string]any) {
	t.Helper()
	key := func(o map[string]any) string {
		data, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	sorted := func(list []map[string]any) []map[string]any {
		list = slices.Clone(list)
		slices.SortFunc(list, func(a, b map[string]any) int { return strings.Compare(key(a), key(b)) })
		return list
	}
	got, want = sorted(got), sorted(want)
	if len(got) != len(want) {
		t.Fatalf("got %d resources, want %d", len(got), len(want))
	}
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("got\n%v\nwant\n%v", got[i], want[i])
		}
	}
}

func TestRoundTripOfDefault(t *testing.T) {
	docs, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	want := objectsOf(docs)
	first := encoded(t, want)
	got := reload(t, first)
	sameResources(t, got, want)
	if second := encoded(t, got); second != first {
		t.Error("an export of an export differs")
	}
	slices.Reverse(want)
	keys := func(o map[string]any) bool { return o["kind"] == "SigningKey" }
	reversed := encoded(t, slices.DeleteFunc(want, keys))
	if again := encoded(t, slices.DeleteFunc(got, keys)); again != reversed {
		t.Error("the export depends on the order of its input")
	}
}

func TestRoundTripOfGenerated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		small := rapid.IntRange(0, 5)
		docs := Generate(rapid.Uint64().Draw(t, "seed"), GenerateOptions{
			Clusters: small.Draw(t, "clusters"), Teams: small.Draw(t, "teams"), People: small.Draw(t, "people"),
			Topics: small.Draw(t, "topics"), Subjects: small.Draw(t, "subjects"),
			ConsumerGroups: small.Draw(t, "consumer groups"), Figures: rapid.Bool().Draw(t, "figures"),
		})
		got := slices.DeleteFunc(reload(t, encoded(t, objectsOf(docs))), func(o map[string]any) bool { return o["kind"] == "SigningKey" })
		sameResources(t, got, objectsOf(docs))
	})
}

// TestRoundTripOfAnyValue: whatever JSON can hold comes back from YAML as it was.
func TestRoundTripOfAnyValue(t *testing.T) {
	awkward := rapid.SampledFrom([]string{
		"", " ", "\n", "a\n", "a\nb", " a\nb", "a\n\n\nb\n\n", "a \nb", "a\nb ", "\ta\nb", "a\n\tb\n", "a\r\nb", "a\n  b\n c\n",
		"true", "null", "~", "1", "1.0", "0x1F", "1_000", "1e3", "-", "- a", "? a", "a: b", "a #b", "#", "&a", "*a", "!a", "%a",
		"2024-01-01", "2024-01-01T00:00:00Z", "<<", "=", "yes", "no", "on", ".nan", "+1", "012", "1:30", "'", "\"", "\\", "---", "...",
		"---\na", "a\n---\nb", "a\n...\n", "${A}", "$${A}", "${A:-b}", "${", "}", "{", "[", "@", "`", "|", ">", "\u0085", "\u2028\n", "\ufeff", "\x00\x7f", "\U0001F680",
		"\n a", "a\n ", "#a\nb", "- a\n- b\n", "a:\n  b\n", "\n\n", "a\n#\n",
	})
	text := rapid.OneOf(awkward, rapid.String())
	number := rapid.OneOf(
		rapid.Map(rapid.Int64(), func(i int64) json.Number { n, _ := json.Marshal(i); return json.Number(n) }),
		rapid.Map(rapid.Uint64(), func(u uint64) json.Number { n, _ := json.Marshal(u); return json.Number(n) }),
		rapid.Map(rapid.Float64(), func(f float64) json.Number {
			n, err := json.Marshal(f)
			if err != nil || f == 0 {
				return "0"
			}
			return json.Number(n)
		}),
		rapid.SampledFrom([]json.Number{"1E+2", "1e-7", "0.10", "123456789012345678901234567890", "1.0"}),
	)
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		scalars := []*rapid.Generator[any]{text.AsAny(), number.AsAny(), rapid.Bool().AsAny(), rapid.Just[any](nil)}
		if depth == 0 {
			return rapid.OneOf(scalars...)
		}
		list := rapid.Map(rapid.SliceOfN(value(depth-1), 0, 4), func(l []any) any { return append([]any{}, l...) })
		table := rapid.Map(rapid.MapOfN(text, value(depth-1), 0, 4), func(m map[string]any) any { return m })
		return rapid.OneOf(append(scalars, list, table)...)
	}
	rapid.Check(t, func(rt *rapid.T) {
		want := []map[string]any{{
			"apiVersion": "v2", "kind": "Topic", "metadata": map[string]any{"name": "a"},
			"spec": value(3).Draw(rt, "spec"),
		}}
		export := encoded(rt, want)
		docs := textOf(t, "f.yaml", export)
		if len(docs) != 1 || !reflect.DeepEqual(docs[0].Object, want[0]) {
			rt.Fatalf("got %v of\n%s", objectsOf(docs), export)
		}
	})
}

func TestEncodeForm(t *testing.T) {
	got := encoded(t, []map[string]any{
		{
			"spec": map[string]any{"schema": "{\n  \"a\": \"${b}\"\n}\n", "format": "AVRO", "version": json.Number("3")},
			"kind": "Subject", "metadata": map[string]any{"labels": map[string]any{"z": "1", "a": "true"}, "name": "s", "cluster": "dev"},
			"apiVersion": "v2",
		},
		{"apiVersion": "v2", "kind": "User", "metadata": map[string]any{"name": "b@shop.example"}, "spec": map[string]any{}},
		{"apiVersion": "v2", "kind": "User", "metadata": map[string]any{"name": "a@shop.example"}, "spec": map[string]any{"n": 7}},
		{"apiVersion": "mockduktor/v1", "kind": "SigningKey", "metadata": map[string]any{"name": "z"}, "spec": map[string]any{}},
		{"apiVersion": "mockduktor/v1", "kind": "SigningKey", "metadata": map[string]any{"name": "a"}, "spec": map[string]any{}},
	})
	want := `apiVersion: mockduktor/v1
kind: SigningKey
metadata:
  name: z
spec: {}
---
apiVersion: mockduktor/v1
kind: SigningKey
metadata:
  name: a
spec: {}
---
apiVersion: v2
kind: User
metadata:
  name: a@shop.example
spec:
  n: 7
---
apiVersion: v2
kind: User
metadata:
  name: b@shop.example
spec: {}
---
apiVersion: v2
kind: Subject
metadata:
  name: s
  cluster: dev
  labels:
    a: "true"
    z: "1"
spec:
  format: AVRO
  schema: |
    {
      "a": "$${b}"
    }
  version: 3
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestEncodeRefuses(t *testing.T) {
	named := func(spec any) map[string]any {
		return map[string]any{"apiVersion": "v2", "kind": "Topic", "metadata": map[string]any{"name": "a"}, "spec": spec}
	}
	deep := any("x")
	for range maxDepth + 1 {
		deep = []any{deep}
	}
	for _, c := range []struct {
		object map[string]any
		want   string
	}{
		{map[string]any{"kind": "Topic"}, "resource 0 (Topic ): apiVersion, kind or metadata.name is missing"},
		{named(map[string]any{"f": func() {}}), "Topic a: spec: f: json: unsupported type"},
		{named("\xff"), "Topic a: spec: text that is not UTF-8"},
		{named(map[string]any{"\xff": 1}), "a key that is not UTF-8"},
		{named(json.Number("1x")), `Topic a: spec: "1x" is not a number`},
		{named(deep), "nested deeper than 64 levels"},
	} {
		var b bytes.Buffer
		err := Encode(&b, []map[string]any{c.object})
		if err == nil || !strings.Contains(err.Error(), c.want) || b.Len() > 0 {
			t.Errorf("want %q, got %v and %d bytes", c.want, err, b.Len())
		}
	}
}

func TestWrite(t *testing.T) {
	docs, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "made", "here")
	for range 2 { // the second time over the first
		if err := Write(dir, objectsOf(docs)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := (&loader{lookup: environment}).load([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	sameResources(t, objectsOf(got), objectsOf(docs))
	var names []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	for _, want := range []string{"api-key.yaml", "application-instance-permission.yaml", "topic.yaml"} {
		if !slices.Contains(names, want) {
			t.Errorf("no %s among %v", want, names)
		}
	}

	stale := filepath.Join(dir, "stale.yaml")
	if err := os.WriteFile(stale, []byte(group("stale")), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, objectsOf(docs)[:1]); err == nil || !strings.Contains(err.Error(), "is not part of it") {
		t.Errorf("a folder with other files: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "topic.yaml")); err != nil {
		t.Error("a refused write changed the folder")
	}
}

func TestKebab(t *testing.T) {
	for kind, want := range map[string]string{
		"Topic": "topic", "ApplicationInstance": "application-instance", "KsqlDBCluster": "ksql-db-cluster", "APIKey": "api-key",
	} {
		if got := kebab(kind); got != want {
			t.Errorf("%s: got %s, want %s", kind, got, want)
		}
	}
}
