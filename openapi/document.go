// Package openapi holds the OpenAPI documents of the emulator and what is read
// out of them: the catalogue of kinds, the checks on requests and answers, and
// the canonical form by which two resources are compared.
//
// The documents are written by hand in console/ and mock/ (see README.md) and
// bundled into dist/ by `go generate ./openapi`; the bundled bytes are embedded.
// Nothing is parsed until it is asked for, and then only an extract of the
// document without prose: Kinds reads a small catalogue, the first check of an
// operation compiles its schemas.
//
// Values that are checked are JSON-shaped: map[string]any, []any, string, bool,
// json.Number (int, int64 and float64 are understood too) and nil.
package openapi

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the bundled documents
	"io"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/mockduktor/mockduktor/openapi/internal/yamljson"
)

//go:generate go run ./internal/bundle -source console -out dist/console
//go:generate go run ./internal/bundle -source mock -out dist/mock

var (
	//go:embed dist/console.yaml.gz
	consoleYAML []byte
	//go:embed dist/console.kinds.json
	consoleKindsJSON []byte
	//go:embed dist/console.checks.tsv
	consoleChecks string
	//go:embed dist/mock.yaml.gz
	mockYAML []byte
	//go:embed dist/mock.kinds.json
	mockKindsJSON []byte
	//go:embed dist/mock.checks.tsv
	mockChecks string
)

var (
	console = newDocument(unpacked(consoleYAML), consoleKindsJSON, consoleChecks)
	mock    = newDocument(unpacked(mockYAML), mockKindsJSON, mockChecks)
)

// Document is one bundled OpenAPI 3.1 document. It is safe for concurrent use.
type Document struct {
	yaml, json func() []byte
	kindsJSON  []byte
	checksText string

	kinds  func() catalogue
	checks func() *checks
}

func newDocument(yaml func() []byte, kinds []byte, text string) *Document {
	d := &Document{yaml: yaml, json: asJSON(yaml), kindsJSON: kinds, checksText: text}
	d.kinds = sync.OnceValue(d.readKinds)
	d.checks = sync.OnceValue(func() *checks { return readChecks(d.checksText) })
	return d
}

// asJSON makes the JSON of a document when it is first asked for.
func asJSON(document func() []byte) func() []byte {
	return sync.OnceValue(func() []byte {
		var node yaml.Node
		err := yaml.Unmarshal(document(), &node)
		if err == nil {
			var data []byte
			if data, err = yamljson.Append(nil, &node); err == nil {
				return data
			}
		}
		panic("openapi: embedded document: " + err.Error()) // it is tested
	})
}

// unpacked decompresses an embedded document when it is first asked for.
func unpacked(packed []byte) func() []byte {
	return sync.OnceValue(func() []byte {
		r, err := gzip.NewReader(bytes.NewReader(packed))
		if err == nil {
			var data []byte
			if data, err = io.ReadAll(r); err == nil {
				return data
			}
		}
		panic("openapi: embedded document: " + err.Error()) // it is tested
	})
}

// Console returns the document of the Console's HTTP API.
func Console() *Document { return console }

// Mock returns the document of the kinds that are the emulator's own: what a
// seed holds beside Conduktor kinds (people, clients, figures …).
func Mock() *Document { return mock }

// YAML returns the document as YAML. The bytes are shared: do not change them.
func (d *Document) YAML() []byte { return d.yaml() }

// JSON returns the document as compact JSON. The bytes are shared: do not
// change them.
func (d *Document) JSON() []byte { return d.json() }

// YAMLBelow is YAML for a server whose addresses begin with a path, such as
// /s/one; "" is the document as it is.
func (d *Document) YAMLBelow(path string) []byte {
	if path == "" {
		return d.YAML()
	}
	return append([]byte("servers:\n  - url: "+path+"\n"), d.YAML()...)
}

// JSONBelow is JSON for a server whose addresses begin with a path.
func (d *Document) JSONBelow(path string) []byte {
	if path == "" {
		return d.JSON()
	}
	return append([]byte(`{"servers":[{"url":"`+path+`"}],`), bytes.TrimPrefix(d.JSON(), []byte("{"))...)
}
