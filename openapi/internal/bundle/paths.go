package main

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// pathsFile adds the paths and schemas of a paths file: OpenAPI as it is, with
// short forms for what every operation repeats (README.md).
func (b *bundle) pathsFile(file string, root *yaml.Node) error {
	for _, part := range fields(root) {
		switch part.name {
		case "tags":
			b.tags.Content = append(b.tags.Content, part.value.Content...)
		case "path-parameters":
			for _, p := range fields(part.value) {
				if get(b.pathParams, p.name) != nil {
					return fmt.Errorf("%s:%d: path parameter %s is described twice", file, p.at.Line, p.name)
				}
				set(b.pathParams, p.name, p.value)
			}
		case "schemas":
			for _, c := range fields(part.value) {
				if err := b.component("schemas", file, c); err != nil {
					return err
				}
			}
		case "paths":
			for _, p := range fields(part.value) {
				for _, op := range fields(p.value) {
					if err := b.expand(p.name, op.value); err != nil {
						return fmt.Errorf("%s:%d: %s %s: %w", file, op.at.Line, op.name, p.name, err)
					}
				}
				if err := b.addPath(file, p.name, p.at, p.value); err != nil {
					return err
				}
			}
		default:
			return fmt.Errorf("%s:%d: %s is not a part of a paths file (tags, path-parameters, paths, schemas)", file, part.at.Line, part.name)
		}
	}
	return nil
}

// expand writes the short forms of one operation out.
func (b *bundle) expand(path string, op *yaml.Node) error {
	needs, refuses := take(op, "needs"), take(op, "refuses")
	need := ""
	if needs != nil {
		need = needs.Value
	}
	description := value(op, "description")
	if description == "" || value(op, "operationId") == "" || value(op, "summary") == "" {
		return fmt.Errorf("operationId, summary and description are needed")
	}
	set(op, "description", text(describe(description, need, refuses)))

	own := take(op, "parameters")
	parameters := list()
	for _, m := range pathParam.FindAllStringSubmatch(path, -1) {
		p := b.parameter(m[1])
		if p == nil {
			return fmt.Errorf("path parameter %s has no description in path-parameters", m[1])
		}
		parameters.Content = append(parameters.Content, clone(p))
	}
	if own != nil {
		for _, p := range own.Content {
			// The Conduktor CLI panics without it.
			if get(p, "required") == nil {
				return fmt.Errorf("parameter %s needs required", value(p, "name"))
			}
			parameters.Content = append(parameters.Content, p)
		}
	}
	if len(parameters.Content) > 0 {
		set(op, "parameters", parameters)
	}

	if body := take(op, "body"); body != nil {
		media := take(body, "type")
		if media == nil {
			media = text("application/json")
		}
		required := take(body, "required")
		if required == nil {
			required = boolean(true)
		}
		set(op, "requestBody", object("required", required, "content", object(media.Value, body)))
	}

	errors := take(op, "errors")
	responses := take(op, "responses")
	if responses == nil {
		return fmt.Errorf("responses are missing")
	}
	for _, r := range fields(responses) {
		if schema := take(r.value, "schema"); schema != nil {
			set(r.value, "content", object("application/json", object("schema", schema, "example", take(r.value, "example"))))
		}
	}
	if errors != nil {
		for _, e := range errors.Content {
			name := b.errorNames[e.Value]
			if name == "" {
				return fmt.Errorf("error %s is not described in info.yaml", e.Value)
			}
			set(responses, strings.TrimSuffix(e.Value, "t"), ref("#/components/responses/"+name))
		}
	}
	set(op, "responses", responses)
	return nil
}
