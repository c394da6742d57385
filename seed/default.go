package seed

import (
	"embed"
	"io/fs"
)

// estate is the embedded default: the documents of an invented retailer.
//
//go:embed default
var estate embed.FS

// Default is the embedded estate, in the order of application: an invented
// retailer with two clusters, four teams and the people, clients and keys to go
// with them. Each call gives fresh documents. Placeholders are not expanded in
// it, and schemas are not checked at run time: its own tests do that.
func Default() ([]*Document, error) {
	docs := embedded()
	Sort(docs)
	return docs, nil
}

// DefaultKeys are the signing keys of the embedded estate, in the order of use.
// They are public knowledge and sign nothing of value.
func DefaultKeys() []*Document {
	return embeddedFile("default/keys.yaml")
}

func embedded() []*Document {
	names, err := fs.Glob(estate, "default/*.yaml")
	if err != nil {
		panic(err) // the pattern is constant
	}
	var docs []*Document
	for _, name := range names {
		docs = append(docs, embeddedFile(name)...)
	}
	return docs
}

// embeddedFile reads a file whose faults the tests have ruled out.
func embeddedFile(name string) []*Document {
	data, err := estate.ReadFile(name)
	if err != nil {
		panic("seed: " + err.Error()) // embedded at build time
	}
	t := &text{file: name, original: string(data), expanded: string(data)}
	var docs []*Document
	for _, c := range splitYAML(t.expanded) {
		root, err := t.parse(c)
		if err != nil {
			panic("seed: " + name + ": " + err.Error())
		}
		if root == nil {
			continue
		}
		b := &builder{text: t, chunk: c}
		object, _ := b.value(root, 0).(map[string]any)
		docs = append(docs, newDocument(object, t, c, t.position(c, root.Line, root.Column)))
	}
	return docs
}

func newDocument(object map[string]any, t *text, c chunk, pos Position) *Document {
	d := &Document{Object: object, Pos: pos, text: t, chunk: c}
	d.APIVersion, _ = object["apiVersion"].(string)
	d.Kind, _ = object["kind"].(string)
	metadata, _ := object["metadata"].(map[string]any)
	d.Name, _ = metadata["name"].(string)
	return d
}
