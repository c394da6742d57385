package seed

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// FuzzLoad feeds any bytes to the loader. Nothing may panic or run away; every
// fault has a place inside the text; a document that can be read can be asked
// for any place; and what is readable survives an export.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/faults/*", "default/*.yaml"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range names {
			if data, err := os.ReadFile(name); err == nil {
				f.Add(data, filepath.Ext(name) == ".json")
			}
		}
	}
	f.Add([]byte("a: &a [*a]\n---\n<<: {x: 1}\n? [b]\n: |\n  text\n...\n%YAML 1.1\n--- !!map {}"), false)
	f.Add([]byte(`[{"apiVersion":"v2","kind":"Topic","metadata":{"name":"\ud83d"}},1]{}`), true)
	f.Fuzz(func(t *testing.T, data []byte, asJSON bool) {
		name := "fuzz.yaml"
		if asJSON {
			name = "fuzz.json"
		}
		l := &loader{lookup: environment}
		source := l.newText(name, data)
		if source != nil {
			l.documents(source, &folder{})
		}
		lines := 1
		for i := range data {
			if data[i] == '\n' || data[i] == '\r' && (i+1 == len(data) || data[i+1] != '\n') {
				lines++
			}
		}
		for _, fault := range l.faults {
			if fault.Line < 1 || fault.Line > lines || fault.Column < 1 {
				t.Errorf("a fault outside of the text (%d lines): %v", lines, fault)
			}
		}
		if source == nil {
			return
		}
		quiet := &loader{}
		for _, c := range quiet.chunks(source) {
			root, err := source.parse(c)
			if err != nil || root == nil {
				continue
			}
			b := &builder{text: source, chunk: c}
			object, isMap := b.value(root, 0).(map[string]any)
			if !isMap || len(b.faults) > 0 {
				continue
			}
			d := newDocument(object, source, c, Position{})
			for key := range object {
				d.At(key + ".a.b[0].c")
			}
			export, err := encode([]resource{{object: object}})
			if err != nil {
				t.Fatalf("%v in %v", err, object)
			}
			again := textOf(t, "again.yaml", string(export))
			if len(again) == 0 && len(object) == 0 {
				continue
			}
			if len(again) != 1 || !reflect.DeepEqual(again[0].Object, object) {
				t.Fatalf("%v became %v by way of\n%s", object, objectsOf(again), export)
			}
		}
	})
}
