package main

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The server reads neither form of the document when it runs: it would cost a
// start most of its time. It reads two extracts instead, which hold nothing that
// the document does not.

var kindTag = regexp.MustCompile(`^cli_([^_]+)_([^_]+)_(v[0-9]+)_([0-9]+)$`)

// kindsOf extracts the catalogue of kinds in the order of application, with the
// fields of openapi.Kind.
func (b *bundle) kindsOf() *yaml.Node {
	out := list()
	for _, x := range b.inputs {
		tag := kindTag.FindStringSubmatch(x.tag)
		path := value(x.k, "path")
		nameParam := value(get(x.k, "name"), "parameter")
		itemPath := path + "/{" + nameParam + "}"
		collection := get(b.pathItems, path)
		put := get(collection, "put")
		parents := list()
		for _, m := range pathParam.FindAllStringSubmatch(path, -1) {
			parents.Content = append(parents.Content, text(m[1]))
		}
		var namePattern, names *yaml.Node
		for _, p := range get(get(get(b.pathItems, itemPath), "get"), "parameters").Content {
			if value(p, "name") == nameParam {
				namePattern, names = get(get(p, "schema"), "pattern"), get(get(p, "schema"), "enum")
			}
		}
		owner, filters := list(), list()
		if all := get(get(collection, "get"), "parameters"); all != nil {
			for _, p := range all.Content {
				if value(p, "in") != "query" {
					continue
				}
				schema := get(p, "schema")
				short := object("name", get(p, "name"), "type", get(schema, "type"), "format", get(schema, "format"),
					"pattern", get(schema, "pattern"), "enum", get(schema, "enum"), "required", get(p, "required"))
				if get(get(x.k, "owner"), value(p, "name")) != nil {
					owner.Content = append(owner.Content, short)
				} else {
					filters.Content = append(filters.Content, short)
				}
			}
		}
		out.Content = append(out.Content, object(
			"name", text(x.kind), "version", text(tag[3]), "group", text(tag[2]), "kebab", text(tag[1]),
			"order", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: tag[4]},
			"listPath", text(path), "itemPath", text(itemPath), "nameParam", text(nameParam), "namePattern", namePattern, "names", names,
			"parents", parents, "filters", filters, "owner", owner,
			"create", boolean(get(collection, "post") != nil),
			"licensed", boolean(isTrue(put, "x-licensed")), "deprecated", boolean(isTrue(put, "deprecated")),
			"example", get(x.k, "example"),
		))
	}
	return out
}

// checksOf extracts what checks need, without prose, examples and everything else
// that has no say in them: a line for each operation and each component, of its
// name, its operationId and its JSON, with tabs between. The server reads a line
// when it first needs it.
func (b *bundle) checksOf() ([]byte, error) {
	var out bytes.Buffer
	line := func(name, id string, n *yaml.Node) error {
		data, err := encodeJSON(n) // ends in a newline and has no other
		fmt.Fprintf(&out, "%s\t%s\t%s", name, id, data)
		return err
	}
	for _, p := range fields(b.pathItems) {
		for _, op := range fields(p.value) {
			if err := line(strings.ToUpper(op.name)+" "+p.name, value(op.value, "operationId"), operationChecks(op.value)); err != nil {
				return nil, err
			}
		}
	}
	for _, s := range fields(get(b.components, "schemas")) {
		if err := line("schema "+s.name, "", schemaChecks(s.value)); err != nil {
			return nil, err
		}
	}
	for _, r := range fields(get(b.components, "responses")) {
		if err := line("response "+r.name, "", contentChecks(r.value)); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

func operationChecks(op *yaml.Node) *yaml.Node {
	out := object()
	parameters := list()
	if all := get(op, "parameters"); all != nil {
		for _, p := range all.Content {
			if value(p, "in") == "query" {
				parameters.Content = append(parameters.Content, object("name", get(p, "name"), "in", get(p, "in"),
					"required", get(p, "required"), "schema", schemaChecks(get(p, "schema"))))
			}
		}
	}
	if len(parameters.Content) > 0 {
		set(out, "parameters", parameters)
	}
	if body := get(op, "requestBody"); body != nil {
		checks := contentChecks(body)
		set(checks, "required", get(body, "required"))
		set(out, "requestBody", checks)
	}
	responses := object()
	for _, r := range fields(get(op, "responses")) {
		set(responses, r.name, contentChecks(r.value))
	}
	set(out, "responses", responses)
	return out
}

func contentChecks(n *yaml.Node) *yaml.Node {
	if get(n, "$ref") != nil {
		return clone(n)
	}
	out := object()
	content := object()
	for _, media := range fields(get(n, "content")) {
		set(content, media.name, object("schema", schemaChecks(get(media.value, "schema"))))
	}
	if len(content.Content) > 0 {
		set(out, "content", content)
	}
	return out
}

// prose are the keywords of a schema that no check looks at.
var prose = []string{"description", "example", "examples", "deprecated"}

func schemaChecks(n *yaml.Node) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return n
	}
	out := object()
	for _, f := range fields(n) {
		switch {
		case slices.Contains(prose, f.name) || strings.HasPrefix(f.name, "x-"):
		case f.name == "properties":
			properties := object()
			for _, p := range fields(f.value) {
				set(properties, p.name, schemaChecks(p.value))
			}
			set(out, f.name, properties)
		case f.name == "discriminator":
			set(out, f.name, object("propertyName", get(f.value, "propertyName")))
		case f.name == "items" || f.name == "additionalProperties":
			set(out, f.name, schemaChecks(f.value))
		case f.name == "oneOf" || f.name == "anyOf" || f.name == "allOf":
			branches := list()
			for _, branch := range f.value.Content {
				branches.Content = append(branches.Content, schemaChecks(branch))
			}
			set(out, f.name, branches)
		default:
			set(out, f.name, clone(f.value))
		}
	}
	return out
}
