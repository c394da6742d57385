package server_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// spoiled is a body, or the value of a parameter, with one thing wrong.
type spoiled struct {
	what string // missing, type or enum
	path string // of the field, as the refusal is to name it
	body any
}

// spoiler makes bodies that are wrong in one place each, after a schema.
type spoiler struct {
	found []spoiled
}

// missing stands for a field that is to be left out.
type missing struct{}

// spoil adds what can be wrong with value, which fits the schema, and with all
// below it; whole puts another value in its place in the body.
func (s *spoiler) spoil(schema *openapi3.Schema, value any, path string, depth int, whole func(any) any) {
	if depth > 9 || schema.ReadOnly {
		return
	}
	if len(schema.OneOf)+len(schema.AnyOf) > 0 {
		s.spoilUnion(schema, value, path, depth, whole)
		return
	}
	if wrong, spoils := otherType(schema); spoils {
		s.add("type", path, whole(wrong))
	}
	if len(schema.Enum) > 0 && schema.Type.Permits(openapi3.TypeString) {
		s.add("enum", path, whole("no-such-value"))
	}
	switch value := value.(type) {
	case map[string]any:
		s.spoilObject(schema, value, path, depth, whole)
	case []any:
		if schema.Items != nil {
			if len(value) == 0 {
				value = []any{filled(schema.Items.Value, depth)}
			}
			s.spoil(schema.Items.Value, value[0], path+"[0]", depth+1, func(v any) any {
				changed := slices.Clone(value)
				changed[0] = v
				return whole(changed)
			})
		}
	}
}

func (s *spoiler) spoilObject(schema *openapi3.Schema, value map[string]any, path string, depth int, whole func(any) any) {
	properties, required := fieldsOf(schema)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		field := properties[name]
		if field.ReadOnly {
			continue
		}
		at := strings.TrimPrefix(path+"."+name, ".")
		place := func(v any) any {
			changed := maps.Clone(value)
			if _, out := v.(missing); out {
				delete(changed, name)
			} else {
				changed[name] = v
			}
			return whole(changed)
		}
		if required[name] {
			s.add("missing", at, place(missing{}))
		}
		inner, given := value[name]
		if !given || inner == nil {
			inner = filled(field, depth)
		}
		s.spoil(field, inner, at, depth+1, place)
	}
	if more := schema.AdditionalProperties.Schema; more != nil {
		name := "x"
		for name = range value {
			break
		}
		s.spoil(more.Value, filled(more.Value, depth), strings.TrimPrefix(path+"."+name, "."), depth+1, func(v any) any {
			changed := maps.Clone(value)
			changed[name] = v
			return whole(changed)
		})
	}
}

// spoilUnion goes through all branches that a discriminator names.
func (s *spoiler) spoilUnion(schema *openapi3.Schema, value any, path string, depth int, whole func(any) any) {
	branches := append(slices.Clone(schema.OneOf), schema.AnyOf...)
	if schema.Discriminator == nil {
		if wrong, spoils := otherThanAll(branches); spoils {
			s.add("type", path, whole(wrong))
		}
		for _, branch := range branches {
			if branch.Value.VisitJSON(value) == nil {
				if object, ok := value.(map[string]any); ok {
					s.spoilObject(branch.Value, object, path, depth, whole)
				}
			}
		}
		return
	}
	s.add("type", path, whole("text"))
	tag := schema.Discriminator.PropertyName
	for _, name := range slices.Sorted(maps.Keys(schema.Discriminator.Mapping)) {
		branch := branchOf(branches, schema.Discriminator.Mapping[name].Ref)
		if branch == nil || branch.Extensions["x-output-only"] == true {
			continue
		}
		object, _ := value.(map[string]any)
		if object == nil || object[tag] != name {
			object, _ = filled(branch.Value, depth).(map[string]any)
			object = maps.Clone(object)
			object[tag] = name
		}
		s.spoilObject(branch.Value, object, path, depth, whole)
	}
}

func branchOf(branches openapi3.SchemaRefs, ref string) *openapi3.SchemaRef {
	for _, one := range branches {
		if one.Ref == ref {
			return one
		}
	}
	return nil
}

func (s *spoiler) add(what, path string, body any) {
	s.found = append(s.found, spoiled{what, path, body})
}

// fieldsOf are the properties of an object, those of its allOf included.
func fieldsOf(schema *openapi3.Schema) (map[string]*openapi3.Schema, map[string]bool) {
	properties, required := map[string]*openapi3.Schema{}, map[string]bool{}
	for _, part := range append(slices.Clone(schema.AllOf), openapi3.NewSchemaRef("", schema)) {
		if part.Value != schema {
			inner, needed := fieldsOf(part.Value)
			maps.Copy(properties, inner)
			maps.Copy(required, needed)
			continue
		}
		for name, property := range schema.Properties {
			properties[name] = property.Value
		}
		for _, name := range schema.Required {
			required[name] = true
		}
	}
	return properties, required
}

// otherType is a value of a type that the schema does not have.
func otherType(schema *openapi3.Schema) (any, bool) {
	if schema.Type == nil && len(schema.Properties)+len(schema.AllOf) == 0 {
		return nil, false
	}
	for _, one := range []struct {
		name  string
		value any
	}{{openapi3.TypeString, "text"}, {openapi3.TypeBoolean, true}, {openapi3.TypeObject, map[string]any{}}, {openapi3.TypeArray, []any{}}} {
		if schema.Type != nil && !schema.Type.Permits(one.name) || schema.Type == nil && one.name != openapi3.TypeObject {
			return one.value, true
		}
	}
	return nil, false
}

// otherThanAll is a value of a type that none of the branches has.
func otherThanAll(branches openapi3.SchemaRefs) (any, bool) {
	for _, value := range []any{"text", true, map[string]any{}, []any{}} {
		if !slices.ContainsFunc(branches, func(one *openapi3.SchemaRef) bool { return one.Value.VisitJSON(value) == nil }) {
			return value, true
		}
	}
	return nil, false
}

// filled makes the least value that fits a schema.
func filled(schema *openapi3.Schema, depth int) any {
	switch {
	case schema.Example != nil:
		return schema.Example
	case len(schema.Enum) > 0:
		return schema.Enum[0]
	case schema.Default != nil:
		return schema.Default
	case len(schema.OneOf)+len(schema.AnyOf) > 0:
		branches := append(slices.Clone(schema.OneOf), schema.AnyOf...)
		value := filled(branches[0].Value, depth+1)
		if object, ok := value.(map[string]any); ok && schema.Discriminator != nil {
			for name, mapping := range schema.Discriminator.Mapping {
				if mapping.Ref == branches[0].Ref {
					object[schema.Discriminator.PropertyName] = name
				}
			}
		}
		return value
	case schema.Type == nil && len(schema.Properties)+len(schema.AllOf) == 0:
		return "free"
	case schema.Type == nil || schema.Type.Permits(openapi3.TypeObject):
		object := map[string]any{}
		properties, required := fieldsOf(schema)
		for name := range required {
			if property := properties[name]; property != nil && !property.ReadOnly && depth < 12 {
				object[name] = filled(property, depth+1)
			}
		}
		return object
	case schema.Type.Permits(openapi3.TypeArray):
		if schema.MinItems > 0 {
			return []any{filled(schema.Items.Value, depth+1)}
		}
		return []any{}
	case schema.Type.Permits(openapi3.TypeBoolean):
		return true
	case schema.Type.Permits(openapi3.TypeInteger), schema.Type.Permits(openapi3.TypeNumber):
		return json.Number("1")
	}
	for _, text := range []string{"a", "a@b.example", "2026-01-05T09:00:00Z", "6f0d2c1e-5a43-5d0e-9a53-6a1c20d3a001", "5m", "#112233"} {
		if schema.VisitJSON(text) == nil {
			return text
		}
	}
	return "a"
}

// TestDocumentRefusals: each required field and parameter left out, each wrong
// type and each wrong enum of every operation is answered 400 with the field's
// name, and changes nothing.
func TestDocumentRefusals(t *testing.T) {
	w := startDocument(t)
	counts := map[string]int{}
	for _, op := range operations(t) {
		t.Run(op.String(), func(t *testing.T) {
			w.fit(t, op)
			site, err := w.OpenSandbox("", "", 0)
			if err != nil {
				t.Fatal(err)
			}
			defer w.CloseSandbox(site.ID)
			token := w.rootOf(t, site)
			before := encodedExport(t, site.Pair)
			refuse := func(one spoiled, got answer) {
				counts[one.what]++
				if got.status != http.StatusBadRequest || !strings.Contains(string(got.body), one.path) {
					encoded, _ := json.Marshal(one.body)
					t.Errorf("%s of %s: %d %s\n%s", one.what, one.path, got.status, got.body, encoded)
				}
			}
			for _, one := range spoiledParameters(op) {
				refuse(one, one.body.(*operation).send(t, w, site, token, op.body))
			}
			if op.media == "application/json" {
				s := &spoiler{}
				s.spoil(op.schema, op.body, "", 0, func(v any) any { return v })
				for _, one := range s.found {
					refuse(one, op.send(t, w, site, token, one.body))
				}
			}
			if after := encodedExport(t, site.Pair); after != before {
				t.Error("a refused request changed the world")
			}
		})
	}
	t.Logf("refused: %v", counts)
}

// spoiledParameters are the operation with one parameter wrong each.
func spoiledParameters(op *operation) []spoiled {
	var found []spoiled
	add := func(what, name string, value any) {
		changed := *op
		changed.values = maps.Clone(op.values)
		if _, out := value.(missing); out {
			delete(changed.values, name)
		} else {
			changed.values[name] = value
		}
		found = append(found, spoiled{what, name, &changed})
	}
	for _, p := range op.parameters {
		if p.Required && p.In == openapi3.ParameterInQuery {
			add("missing", p.Name, missing{})
		}
		schema := p.Schema.Value
		if schema.Type.Is(openapi3.TypeArray) {
			schema = schema.Items.Value
		}
		switch {
		case len(schema.Enum) > 0 && schema.Type.Is(openapi3.TypeString):
			add("enum", p.Name, "no-such-value")
		case !schema.Type.Permits(openapi3.TypeString), schema.Format == "uuid":
			add("type", p.Name, "text")
		}
	}
	return found
}
