package seed

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path"
	"testing"
)

var update = flag.Bool("update", false, "write default.json from default/*.yaml")

// TestBundle keeps default.json what default/*.yaml says.
func TestBundle(t *testing.T) {
	want := bundleOf(t, estateDocuments(t))
	if *update {
		if err := os.WriteFile("default.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(bundle, want) {
		t.Error("default.json is not what default/*.yaml says; run go test ./seed -run TestBundle -update")
	}
}

// estateDocuments reads the estate as any other seed is read, schemas included,
// but with placeholders left alone.
func estateDocuments(t *testing.T) []*Document {
	t.Helper()
	names, err := estateNames()
	if err != nil {
		t.Fatal(err)
	}
	l := &loader{}
	var docs []*Document
	for _, name := range names {
		data, err := estate.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source := &text{file: estateFile(path.Base(name)), original: string(data), expanded: string(data)}
		for _, c := range splitYAML(source.expanded) {
			docs = append(docs, l.document(source, c, &folder{})...)
		}
	}
	l.unique(docs)
	if len(l.faults) > 0 {
		t.Fatal(l.faults)
	}
	Sort(docs)
	return docs
}

func bundleOf(t *testing.T, docs []*Document) []byte {
	t.Helper()
	list := make([]bundled, len(docs))
	for i, d := range docs {
		list[i] = bundled{
			File: path.Base(d.text.file), Start: d.chunk.start, End: d.chunk.end, Line: d.chunk.line,
			AtLine: d.Pos.Line, AtColumn: d.Pos.Column, Object: d.Object,
		}
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	for i := range list { // one document a line, for readable differences
		b.WriteString(map[bool]string{true: "[\n", false: ","}[i == 0])
		if err := encoder.Encode(list[i]); err != nil {
			t.Fatal(err)
		}
	}
	b.WriteString("]\n")
	return b.Bytes()
}
