package seed

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
)

// estate is the embedded default: the documents of an invented retailer.
//
//go:embed default/*.yaml
var estate embed.FS

// bundle is the estate once more, parsed ahead and in the order of application:
// reading YAML would take a good part of the time in which the server is to be
// up. A test keeps the two equal and writes the file:
// go test ./seed -run TestBundle -update.
//
//go:embed default.json
var bundle []byte

// bundled is one document of the bundle.
type bundled struct {
	File string `json:"file"`
	// Start, End and Line are the document's chunk in the file, AtLine and
	// AtColumn its first field.
	Start    int            `json:"start"`
	End      int            `json:"end"`
	Line     int            `json:"line"`
	AtLine   int            `json:"atLine"`
	AtColumn int            `json:"atColumn"`
	Object   map[string]any `json:"object"`
}

// Default is the embedded estate, in the order of application: an invented
// retailer with two clusters, four teams and the people, clients and keys to go
// with them. Each call gives fresh documents. Placeholders are not expanded in
// it, and schemas are not checked at run time: its own tests do that. The error
// is not nil only in a binary that was built from a broken bundle.
func Default() ([]*Document, error) {
	return unbundle(bundle)
}

// DefaultKeys are the signing keys of the embedded estate, in the order of use.
// They are public knowledge and sign nothing of value. Each call gives fresh
// documents.
func DefaultKeys() ([]*Document, error) {
	docs, err := Default()
	if err != nil {
		return nil, err
	}
	var keys []*Document
	for _, d := range docs {
		if d.Kind == "SigningKey" {
			keys = append(keys, d)
		}
	}
	return keys, nil
}

func unbundle(data []byte) ([]*Document, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var list []bundled
	if err := decoder.Decode(&list); err != nil {
		return nil, fmt.Errorf("embedded estate: %w", err)
	}
	texts := map[string]*text{}
	docs := make([]*Document, len(list))
	for i, b := range list {
		t := texts[b.File]
		if t == nil {
			data, err := estate.ReadFile("default/" + b.File)
			if err != nil {
				return nil, fmt.Errorf("embedded estate: %w", err)
			}
			t = &text{file: estateFile(b.File), original: string(data), expanded: string(data)}
			texts[b.File] = t
		}
		c := chunk{start: b.Start, end: b.End, line: b.Line, column: 1}
		if c.start < 0 || c.end < c.start || c.end > len(t.expanded) {
			return nil, fmt.Errorf("embedded estate: document %d lies outside of %s", i, b.File)
		}
		docs[i] = newDocument(b.Object, t, c, Position{File: t.file, Line: b.AtLine, Column: b.AtColumn})
		docs[i].Source = "default"
	}
	return docs, nil
}

// estateFile is how a file of the estate is shown, so that nobody looks for it
// in the working folder.
func estateFile(name string) string { return "<default>/" + name }

// estateNames are the files of the estate, sorted.
func estateNames() ([]string, error) {
	return fs.Glob(estate, "default/*.yaml")
}

func newDocument(object map[string]any, t *text, c chunk, pos Position) *Document {
	d := &Document{Object: object, Pos: pos, text: t, chunk: c}
	d.APIVersion, _ = object["apiVersion"].(string)
	d.Kind, _ = object["kind"].(string)
	metadata, _ := object["metadata"].(map[string]any)
	d.Name, _ = metadata["name"].(string)
	return d
}
