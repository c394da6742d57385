// Package openapi holds the OpenAPI documents of the emulator and what is read
// out of them: the catalogue of kinds, the checks on requests and answers, and
// the canonical form by which two resources are compared.
//
// The documents are written by hand in console/ and mock/ (see README.md) and
// bundled into dist/ by `go generate ./openapi`; the bundled bytes are embedded.
// Nothing is parsed until it is asked for, and then only an extract of the
// document without prose: Kinds reads a small catalogue, the first check compiles
// every schema once.
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
	//go:embed dist/console.checks.json.gz
	consoleChecksJSON []byte
	//go:embed dist/mock.yaml.gz
	mockYAML []byte
	//go:embed dist/mock.kinds.json
	mockKindsJSON []byte
	//go:embed dist/mock.checks.json.gz
	mockChecksJSON []byte
)

var (
	console = newDocument(unpacked(consoleYAML), consoleKindsJSON, unpacked(consoleChecksJSON))
	mock    = newDocument(unpacked(mockYAML), mockKindsJSON, unpacked(mockChecksJSON))
)

// Document is one bundled OpenAPI 3.1 document. It is safe for concurrent use.
type Document struct {
	yaml, json, checksJSON func() []byte
	kindsJSON              []byte

	kinds   func() catalogue
	schemas func() *compiled
}

func newDocument(yaml func() []byte, kinds []byte, checks func() []byte) *Document {
	d := &Document{yaml: yaml, json: asJSON(yaml), kindsJSON: kinds, checksJSON: checks}
	d.kinds = sync.OnceValue(d.readKinds)
	d.schemas = sync.OnceValue(d.compile)
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

// Preload reads the catalogue and compiles the schemas of both documents, for
// callers that have something else to do meanwhile: run it in a goroutine.
func Preload() {
	for _, d := range []*Document{console, mock} {
		d.kinds()
		d.schemas()
	}
}

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
