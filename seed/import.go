package seed

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// What other programs export becomes documents of our own kinds. Each remembers
// where its fields came from, so that a fault that is found later still names
// the line of the file.

// imported runs the import that fits. Faults leave nothing of it.
func (l *loader) imported(i *importer, object map[string]any) []*Document {
	if isBackstage(object) {
		i.entity(object)
	} else {
		i.realm(object)
	}
	if len(i.faults) > 0 {
		l.faults = append(l.faults, i.faults...)
		return nil
	}
	return i.found
}

// origin is where the fields of an imported document are in its source: a path
// there for a path here.
type origin map[string]string

// in gives the path in the source for a path of the document: that of the field
// or of its nearest ancestor that has one, with the rest behind it.
func (o origin) in(path string) string {
	for ancestor := path; ancestor != ""; {
		if source, ok := o[ancestor]; ok {
			return source + path[len(ancestor):]
		}
		cut := strings.LastIndexAny(ancestor, ".[")
		if cut < 0 {
			break
		}
		ancestor = ancestor[:cut]
	}
	return o[""]
}

// importer makes documents out of one foreign text.
type importer struct {
	loader *loader
	text   *text
	chunk  chunk
	root   *yaml.Node
	found  []*Document
	faults []Fault
}

// fault is one thing wrong with the field at a path of the source.
func (i *importer) fault(path, problem, remedy string) {
	i.faults = append(i.faults, Fault{Position: i.position(path), Field: path, Problem: problem, Remedy: remedy})
}

func (i *importer) position(path string) Position {
	node := locate(i.root, path, maxDepth)
	if node == nil {
		node = i.root
	}
	return i.text.position(i.chunk, node.Line, node.Column)
}

// add makes a document; what its schema refuses is a fault of the source.
func (i *importer) add(kindName, name string, spec map[string]any, from origin) {
	spec = withoutEmpty(spec)
	object := map[string]any{
		"apiVersion": ownAPIVersion, "kind": kindName,
		"metadata": map[string]any{"name": name}, "spec": spec,
	}
	d := newDocument(object, i.text, i.chunk, i.position(from[""]))
	d.from = from
	k, unknown := lookUp(ownAPIVersion, kindName)
	if unknown != nil {
		i.fault(from[""], unknown.Problem, unknown.Remedy)
		return
	}
	i.faults = append(i.faults, d.validate(i.root, k)...)
	i.found = append(i.found, d)
}

// withoutEmpty drops what the source leaves open.
func withoutEmpty(spec map[string]any) map[string]any {
	for name, value := range spec {
		switch value := value.(type) {
		case nil:
			delete(spec, name)
		case string:
			if value == "" {
				delete(spec, name)
			}
		case []any:
			if len(value) == 0 {
				delete(spec, name)
			}
		case map[string]any:
			if len(value) == 0 {
				delete(spec, name)
			}
		}
	}
	return spec
}

// Readers of the source: each reports what is there in another form.

func (i *importer) word(object map[string]any, path, name string) string {
	switch value := object[name].(type) {
	case nil:
		return ""
	case string:
		return value
	default:
		i.fault(join(path, name), "is not text", "quote it")
		return ""
	}
}

func (i *importer) flag(object map[string]any, path, name string, absent bool) bool {
	switch value := object[name].(type) {
	case nil:
		return absent
	case bool:
		return value
	default:
		i.fault(join(path, name), "is neither true nor false", "write true or false without quotes")
		return absent
	}
}

func (i *importer) object(object map[string]any, path, name string) map[string]any {
	switch value := object[name].(type) {
	case nil:
		return nil
	case map[string]any:
		return value
	default:
		i.fault(join(path, name), "is not an object", "")
		return nil
	}
}

func (i *importer) list(object map[string]any, path, name string) []any {
	switch value := object[name].(type) {
	case nil:
		return nil
	case []any:
		return value
	default:
		i.fault(join(path, name), "is not a list", "")
		return nil
	}
}

// texts reads a list of texts, each once.
func (i *importer) texts(object map[string]any, path, name string) []any {
	var texts []any
	seen := map[string]bool{}
	for n, item := range i.list(object, path, name) {
		value, ok := item.(string)
		switch {
		case !ok || value == "":
			i.fault(at(join(path, name), n), "is not text", "")
		case !seen[value]:
			seen[value] = true
			texts = append(texts, value)
		}
	}
	return texts
}

// objects reads a list of objects; an item in another form is nil.
func (i *importer) objects(object map[string]any, path, name string) []map[string]any {
	var objects []map[string]any
	for n, item := range i.list(object, path, name) {
		value, ok := item.(map[string]any)
		if !ok {
			i.fault(at(join(path, name), n), "is not an object", "")
		}
		objects = append(objects, value)
	}
	return objects
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func at(path string, n int) string { return path + "[" + strconv.Itoa(n) + "]" }
