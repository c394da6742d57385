package seed

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// check reads the envelope, puts in the schemaFile and, when all that holds,
// checks the resource against its kind's schema. readable is false when parts
// of the document could not be read: then only the envelope is looked at.
func (d *Document) check(root *yaml.Node, files *folder, readable bool) []Fault {
	var faults []Fault
	add := func(field, problem, remedy string) {
		faults = append(faults, Fault{Position: d.within(root, field), Field: field, Problem: problem, Remedy: remedy})
	}
	text := func(in map[string]any, key, field, remedy string) string {
		switch value := in[key].(type) {
		case string:
			if value == "" {
				add(field, "is empty", remedy)
			}
			return value
		case nil:
			add(field, "is missing", remedy)
		default:
			add(field, "is not text", "quote it")
		}
		return ""
	}
	d.Kind = text(d.Object, "kind", "kind", "write kind: Topic, for instance")
	d.APIVersion = text(d.Object, "apiVersion", "apiVersion", "write apiVersion: "+apiVersionOf(d.Kind))
	metadata, isMap := d.Object["metadata"].(map[string]any)
	switch {
	case isMap:
		d.Name = text(metadata, "name", "metadata.name", "give the resource a name")
	case d.Object["metadata"] == nil:
		add("metadata", "is missing", "write metadata: with a name")
	default:
		add("metadata", "is not a map", "write metadata: with a name below it")
	}
	switch d.Object["spec"].(type) {
	case map[string]any:
	case nil:
		add("spec", "is missing", "write spec:, or spec: {} when there is nothing to say")
	default:
		add("spec", "is not a map", "write spec: with fields below it")
	}
	var k *kind
	if d.Kind != "" && d.APIVersion != "" {
		var unknown *Fault
		if k, unknown = lookUp(d.APIVersion, d.Kind); unknown != nil {
			add(unknown.Field, unknown.Problem, unknown.Remedy)
		}
	}
	if len(faults) > 0 || !readable {
		return faults
	}
	if fault := d.inlineSchema(root, files); fault != nil {
		return []Fault{*fault}
	}
	return d.validate(root, k)
}

// validate checks against the schema of the kind.
func (d *Document) validate(root *yaml.Node, k *kind) []Fault {
	var faults []Fault
	for _, p := range k.Validate(d.Object) {
		faults = append(faults, Fault{
			Position: d.within(root, p.Path),
			Kind:     d.Kind, Name: d.Name,
			Field:   p.Path,
			Problem: fmt.Sprintf("expected %s, got %s", p.Expected, p.Got),
			Remedy:  p.Hint,
		})
	}
	return faults
}

// identity is what no two documents of one source may share: the kind, what the
// resource belongs to, its name. E-mail addresses of users compare without case.
func (d *Document) identity() string {
	parts := []string{d.Kind, d.Name}
	if k, fault := lookUp(d.APIVersion, d.Kind); fault == nil {
		parts[0] += " " + k.Version
		metadata, _ := d.Object["metadata"].(map[string]any)
		for _, field := range k.belongs {
			value, _ := metadata[field].(string)
			parts = append(parts, value)
		}
	}
	if d.Kind == "User" {
		parts[1] = strings.ToLower(d.Name)
	}
	return strings.Join(parts, "\x00")
}

// unique reports the documents of one source that are there twice.
func (l *loader) unique(docs []*Document) []*Document {
	first := make(map[string]*Document, len(docs))
	for _, d := range docs {
		id := d.identity()
		if earlier, twice := first[id]; twice {
			l.faults = append(l.faults, Fault{
				Position: d.Pos, Kind: d.Kind, Name: d.Name,
				Problem: "is written twice, first at " + earlier.Pos.String(),
				Remedy:  "keep one of them",
			})
			continue
		}
		first[id] = d
	}
	return docs
}

// laterWins drops the documents that a later source replaces.
func laterWins(docs []*Document) []*Document {
	last := make(map[string]int, len(docs))
	ids := make([]string, len(docs))
	for i, d := range docs {
		ids[i] = d.identity()
		last[ids[i]] = i
	}
	kept := docs[:0]
	for i, d := range docs {
		if last[ids[i]] == i {
			kept = append(kept, d)
		}
	}
	return kept
}
