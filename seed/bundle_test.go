package seed

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	stdmaps "maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"
)

var update = flag.Bool("update", false, "write default.json and default.texts.gz from default/*.yaml")

// TestBundle keeps default.json and default.texts.gz what default/*.yaml says.
func TestBundle(t *testing.T) {
	want, texts := bundleOf(t, estateDocuments(t)), estateFiles(t)
	if *update {
		if err := os.WriteFile("default.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		var packed bytes.Buffer
		w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(json.NewEncoder(w).Encode(texts), w.Close(), os.WriteFile("default.texts.gz", packed.Bytes(), 0o644)); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !stdmaps.Equal(estateTexts(), texts) {
		t.Error("default.texts.gz is not what default/*.yaml says; run go test ./seed -run TestBundle -update")
	}
	if !bytes.Equal(bundle, want) {
		t.Error("default.json is not what default/*.yaml says; run go test ./seed -run TestBundle -update")
	}
}

// estateFiles are the files of the estate, by name.
func estateFiles(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob("default/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d files: %v", len(names), err)
	}
	texts := map[string]string{}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(name)] = string(data)
	}
	return texts
}

// estateDocuments reads the estate as any other seed is read, schemas included,
// but with placeholders left alone.
func estateDocuments(t *testing.T) []*Document {
	t.Helper()
	texts := estateFiles(t)
	l := &loader{}
	var docs []*Document
	for _, name := range slices.Sorted(stdmaps.Keys(texts)) {
		source := &text{file: estateFile(name), original: texts[name], expanded: texts[name]}
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
