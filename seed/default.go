package seed

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the default estate
	"encoding/json"
	"fmt"
	"sync"
)

// bundle is the default estate, the documents of an invented retailer in
// default/*.yaml, parsed ahead and in the order of application: reading YAML would
// take a good part of the time in which the server is to be up. A test keeps it
// and the texts equal to the files and writes them:
// go test ./seed -run TestBundle -update.
//
//go:embed default.json
var bundle []byte

// packedTexts are the files themselves, by name. Only faults need them: to point
// at a field.
//
//go:embed default.texts.gz
var packedTexts []byte

var estateTexts = sync.OnceValue(func() map[string]string {
	var texts map[string]string
	r, err := gzip.NewReader(bytes.NewReader(packedTexts))
	if err == nil {
		if err = json.NewDecoder(r).Decode(&texts); err == nil {
			return texts
		}
	}
	panic("seed: embedded estate: " + err.Error()) // it is tested
})

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
			t = &text{file: estateFile(b.File), unpack: func() string { return estateTexts()[b.File] }}
			texts[b.File] = t
		}
		c := chunk{start: b.Start, end: b.End, line: b.Line, column: 1}
		docs[i] = newDocument(b.Object, t, c, Position{File: t.file, Line: b.AtLine, Column: b.AtColumn})
		docs[i].Source = "default"
	}
	return docs, nil
}

// estateFile is how a file of the estate is shown, so that nobody looks for it
// in the working folder.
func estateFile(name string) string { return "<default>/" + name }

func newDocument(object map[string]any, t *text, c chunk, pos Position) *Document {
	d := &Document{Object: object, Pos: pos, text: t, chunk: c}
	d.APIVersion, _ = object["apiVersion"].(string)
	d.Kind, _ = object["kind"].(string)
	metadata, _ := object["metadata"].(map[string]any)
	d.Name, _ = metadata["name"].(string)
	return d
}
