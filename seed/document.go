package seed

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// Document is one resource of a seed.
type Document struct {
	// APIVersion, Kind and Name are those of Object, at hand.
	APIVersion, Kind, Name string
	// Object is the whole resource, JSON-shaped. It shares nothing with other
	// documents.
	Object map[string]any
	// Pos is where the document begins.
	Pos Position
	// Source is the source as it was given to Load.
	Source string

	text  *text
	chunk chunk
	// from is where the fields of an imported document are in its source; nil:
	// the document is as it was written.
	from origin
}

// At is the position of the field at path (spec.permissions[2].name), or of
// its nearest ancestor that is written in the document. Keys that contain dots
// are found too (spec.configs.retention.ms), also in the form
// spec.configs["retention.ms"].
//
// The document's text is parsed again at each call: positions are needed for
// faults only, and keeping the syntax tree would cost many times the resource.
func (d *Document) At(path string) Position {
	if d.text == nil {
		return d.Pos
	}
	root, _ := d.text.parse(d.chunk)
	if root == nil {
		return d.Pos
	}
	return d.within(root, path)
}

// within is At for a document whose syntax tree is at hand.
func (d *Document) within(root *yaml.Node, path string) Position {
	if d.from != nil {
		path = d.from.in(strings.TrimPrefix(path, "."))
	}
	node := locate(root, strings.TrimPrefix(path, "."), maxDepth)
	if node == nil || node == root {
		return d.Pos
	}
	return d.text.position(d.chunk, node.Line, node.Column)
}
