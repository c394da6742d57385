package seed

import "testing"

// textOf reads one document without checking it.
func textOf(t *testing.T, file, content string) []*Document {
	t.Helper()
	l := &loader{lookup: environment}
	source := l.newText(file, []byte(content))
	if source == nil {
		t.Fatal(l.faults)
	}
	if faults := source.expand(l.lookup); len(faults) > 0 {
		t.Fatal(Faults(faults))
	}
	var docs []*Document
	for _, c := range l.chunks(source) {
		root, err := source.parse(c)
		if err != nil {
			t.Fatal(err)
		}
		if root == nil {
			continue
		}
		b := &builder{text: source, chunk: c}
		value, _ := b.value(root, 0).(map[string]any)
		if len(b.faults) > 0 {
			t.Fatal(Faults(b.faults))
		}
		docs = append(docs, newDocument(value, source, c, source.position(c, root.Line, root.Column)))
	}
	if len(l.faults) > 0 {
		t.Fatal(l.faults)
	}
	return docs
}

func TestAt(t *testing.T) {
	yaml := `# first
apiVersion: v2
kind: Group
---
apiVersion: v2
kind: Topic
metadata: {name: a, cluster: dev}
spec:
  partitions: 3
  configs: &configs
    retention: x
    retention.ms: "1"
  list:
    - name: one
    - - deep
      - name: two
  <<: &base
    merged:
      below: 1
  again: *configs
  "quoted \"key\"": 1
`
	json := `{
  "apiVersion": "v2", "kind": "Topic"}
[{"kind": "A"},
 {"kind": "B", "spec": {"list": [1,
   {"x": 2}]}}]
`
	for _, c := range []struct {
		file, content string
		document      int
		path, want    string
	}{
		{"f.yaml", yaml, 0, "", "f.yaml:2:1"},
		{"f.yaml", yaml, 0, "kind", "f.yaml:3:1"},
		{"f.yaml", yaml, 1, "", "f.yaml:5:1"},
		{"f.yaml", yaml, 1, "unknown.field", "f.yaml:5:1"},
		{"f.yaml", yaml, 1, "metadata.cluster", "f.yaml:7:21"},
		{"f.yaml", yaml, 1, "metadata.labels.team", "f.yaml:7:1"},
		{"f.yaml", yaml, 1, "spec", "f.yaml:8:1"},
		{"f.yaml", yaml, 1, "spec.partitions", "f.yaml:9:3"},
		{"f.yaml", yaml, 1, "spec.partitions.below", "f.yaml:9:3"},
		{"f.yaml", yaml, 1, "spec.configs.retention", "f.yaml:11:5"},
		{"f.yaml", yaml, 1, "spec.configs.retention.ms", "f.yaml:12:5"},
		{"f.yaml", yaml, 1, `spec.configs["retention.ms"]`, "f.yaml:12:5"},
		{"f.yaml", yaml, 1, "spec.list[0]", "f.yaml:14:7"},
		{"f.yaml", yaml, 1, "spec.list[0].name", "f.yaml:14:7"},
		{"f.yaml", yaml, 1, "spec.list[1][1].name", "f.yaml:16:9"},
		{"f.yaml", yaml, 1, "spec.list[7]", "f.yaml:13:3"},
		{"f.yaml", yaml, 1, "spec.list[-1]", "f.yaml:13:3"},
		{"f.yaml", yaml, 1, "spec.merged.below", "f.yaml:19:7"},
		{"f.yaml", yaml, 1, "spec.again.retention.ms", "f.yaml:12:5"},
		{"f.yaml", yaml, 1, "spec.again.other", "f.yaml:20:3"},
		{"f.yaml", yaml, 1, `spec["quoted \"key\""]`, "f.yaml:21:3"},
		{"f.yaml", "\uFEFFkind: A\n", 0, "kind", "f.yaml:1:1"},
		{"f.yaml", "%YAML 1.1\n# text\n--- {kind: A}\n", 0, "kind", "f.yaml:3:6"},
		{"f.yaml", "kind: A\n...\n\nkind: B\n", 1, "kind", "f.yaml:4:1"},
		{"f.yaml", "kind: \"${TWO_LINES}\"\nspec: 1\n", 0, "spec", "f.yaml:2:1"},
		{"f.json", json, 0, "kind", "f.json:2:23"},
		{"f.json", json, 1, "kind", "f.json:3:3"},
		{"f.json", json, 2, "kind", "f.json:4:3"},
		{"f.json", json, 2, "spec.list[0]", "f.json:4:34"},
		{"f.json", json, 2, "spec.list[1].x", "f.json:5:5"},
		{"f.json", json, 2, "metadata", "f.json:4:2"},
	} {
		d := textOf(t, c.file, c.content)[c.document]
		if got := d.At(c.path).String(); got != c.want {
			t.Errorf("%s document %d, %q: got %s, want %s", c.file, c.document, c.path, got, c.want)
		}
	}
}

// TestAtDoesNotRunAway: what cannot be loaded can still be asked for a place.
func TestAtDoesNotRunAway(t *testing.T) {
	source := &text{file: "f.yaml", original: "a: &a\n  b: *a\n", expanded: "a: &a\n  b: *a\n"}
	d := newDocument(nil, source, chunk{end: len(source.expanded), line: 1, column: 1}, Position{File: "f.yaml", Line: 1, Column: 1})
	path := "a"
	for range 200 {
		path += ".b"
	}
	if got := d.At(path).String(); got != "f.yaml:2:3" {
		t.Errorf("got %s", got)
	}
}
