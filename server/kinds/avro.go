package kinds

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// avroPrimitives are the types that need no definition (Avro 1.12 specification,
// primitive types).
var avroPrimitives = []string{"null", "boolean", "int", "long", "float", "double", "bytes", "string"}

// avroName is the specification's rule for names and each part of a namespace.
var avroName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// checkAvro says what is wrong with the structure of an Avro schema: unknown
// types, missing fields, names. Defaults, logical types and aliases are not
// looked at. known are full names that are defined elsewhere.
func checkAvro(schema any, known map[string]bool) string {
	a := avroChecker{defined: map[string]bool{}}
	for name := range known {
		a.defined[name] = true
	}
	return a.check("", "", schema)
}

// avroNames lists the full names that a schema defines.
func avroNames(schema any) []string {
	a := avroChecker{defined: map[string]bool{anyType: true}}
	a.check("", "", schema)
	delete(a.defined, anyType)
	names := make([]string, 0, len(a.defined))
	for name := range a.defined {
		names = append(names, name)
	}
	return names
}

// anyType among the known names lets every type pass: not all definitions are
// at hand.
const anyType = "*"

type avroChecker struct {
	defined map[string]bool // full names, as they come: Avro knows no use before definition
	depth   int
}

// maxSchemaDepth bounds how deep schemas may nest.
const maxSchemaDepth = 200

func (a *avroChecker) check(at, namespace string, schema any) string {
	if a.depth++; a.depth > maxSchemaDepth {
		return fmt.Sprintf("it nests deeper than %d", maxSchemaDepth)
	}
	defer func() { a.depth-- }()
	switch schema := schema.(type) {
	case string:
		return a.reference(at, namespace, schema)
	case []any:
		return a.union(at, namespace, schema)
	case map[string]any:
		return a.complex(at, namespace, schema)
	}
	return wrongAt(at, "expected a type: its name, an object or a union")
}

func wrongAt(at, format string, args ...any) string {
	text := fmt.Sprintf(format, args...)
	if at == "" {
		return text
	}
	return "at " + strings.TrimPrefix(at, ".") + ": " + text
}

func (a *avroChecker) reference(at, namespace, name string) string {
	if slices.Contains(avroPrimitives, name) || a.defined[anyType] || a.defined[name] || a.defined[fullAvroName(namespace, name)] {
		return ""
	}
	return wrongAt(at, "the type %q is not defined", name)
}

func fullAvroName(namespace, name string) string {
	if namespace == "" || strings.Contains(name, ".") {
		return name
	}
	return namespace + "." + name
}

func (a *avroChecker) union(at, namespace string, branches []any) string {
	var seen []string
	for i, branch := range branches {
		path := index(at, i)
		if _, nested := branch.([]any); nested {
			return wrongAt(path, "a union may not hold a union")
		}
		if wrong := a.check(path, namespace, branch); wrong != "" {
			return wrong
		}
		name := avroBranch(namespace, branch)
		if slices.Contains(seen, name) {
			return wrongAt(path, "the union holds %s twice", name)
		}
		seen = append(seen, name)
	}
	return ""
}

// avroBranch is what tells the branches of a union apart: named types by their
// name, others by their type.
func avroBranch(namespace string, branch any) string {
	switch branch := branch.(type) {
	case string:
		if slices.Contains(avroPrimitives, branch) {
			return branch
		}
		return fullAvroName(namespace, branch)
	case map[string]any:
		if name := text(branch, "name"); name != "" {
			if own := text(branch, "namespace"); own != "" {
				namespace = own
			}
			return fullAvroName(namespace, name)
		}
		return text(branch, "type")
	}
	return ""
}

func (a *avroChecker) complex(at, namespace string, schema map[string]any) string {
	of, isText := schema["type"].(string)
	if !isText {
		if schema["type"] == nil {
			return wrongAt(at, "expected a field type")
		}
		return a.check(at+".type", namespace, schema["type"])
	}
	switch of {
	case "array":
		return a.check(at+".items", namespace, schema["items"])
	case "map":
		return a.check(at+".values", namespace, schema["values"])
	case "record", "error", "enum", "fixed":
		return a.named(at, namespace, of, schema)
	}
	return a.reference(at+".type", namespace, of)
}

func (a *avroChecker) named(at, namespace, of string, schema map[string]any) string {
	name := text(schema, "name")
	if own, ok := schema["namespace"].(string); ok && !strings.Contains(name, ".") {
		namespace = own
	} else if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		namespace = name[:dot]
	}
	full := fullAvroName(namespace, name)
	for _, one := range strings.Split(full, ".") {
		if !avroName.MatchString(one) {
			return wrongAt(at+".name", "expected a name of letters, digits and '_', got %q", full)
		}
	}
	if a.defined[full] {
		return wrongAt(at+".name", "the type %s is defined already", full)
	}
	a.defined[full] = true
	switch of {
	case "enum":
		return avroSymbols(at+".symbols", schema["symbols"])
	case "fixed":
		if size, ok := schema["size"].(json.Number); !ok || strings.ContainsAny(size.String(), "-.eE") {
			return wrongAt(at+".size", "expected a whole number of bytes")
		}
		return ""
	}
	return a.fields(at+".fields", namespace, schema["fields"])
}

func avroSymbols(at string, value any) string {
	symbols, ok := value.([]any)
	if !ok {
		return wrongAt(at, "expected an array of symbols")
	}
	var seen []string
	for i, symbol := range symbols {
		name, _ := symbol.(string)
		if !avroName.MatchString(name) {
			return wrongAt(index(at, i), "expected a name of letters, digits and '_'")
		}
		if slices.Contains(seen, name) {
			return wrongAt(index(at, i), "the symbol %s is there twice", name)
		}
		seen = append(seen, name)
	}
	return ""
}

func (a *avroChecker) fields(at, namespace string, value any) string {
	fields, ok := value.([]any)
	if !ok {
		return wrongAt(at, "expected an array of fields")
	}
	seen := map[string]bool{}
	for i, item := range fields {
		path := index(at, i)
		field, _ := item.(map[string]any)
		name := text(field, "name")
		if !avroName.MatchString(name) {
			return wrongAt(path+".name", "expected a name of letters, digits and '_', got %q", name)
		}
		if seen[name] {
			return wrongAt(path+".name", "the field %s is there twice", name)
		}
		seen[name] = true
		if field["type"] == nil {
			return wrongAt(path, "the field %s has no type", name)
		}
		if wrong := a.check(path+".type", namespace, field["type"]); wrong != "" {
			return wrong
		}
	}
	return ""
}
