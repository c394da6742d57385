package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
)

// Canonical writes a resource so that two resources which mean the same become
// the same bytes. It is JSON without what does not count: read-only fields,
// nulls, empty arrays and objects, and values that equal the schema's default.
// Arrays that are sets (uniqueItems) are sorted, fields are sorted by name,
// numbers of one value have one notation, and apiVersion is the bare version. A
// union is read by its discriminator. Inside values that the schema leaves open
// (type any) only fields are sorted and numbers rewritten: there a null or an
// empty object may mean something.
//
// It is meant for comparing, not for reading back, and does not require the
// resource to be valid.
func (k *Kind) Canonical(resource map[string]any) []byte {
	if apiVersion, ok := resource["apiVersion"].(string); ok && apiVersion != k.Version && version.FindString(apiVersion) == k.Version {
		bare := make(map[string]any, len(resource))
		for name, value := range resource {
			bare[name] = value
		}
		bare["apiVersion"] = k.Version
		resource = bare
	}
	return appendCanonical(make([]byte, 0, 512), k.schema(), resource)
}

// StripReadOnly returns a deep copy of the resource without its read-only
// fields: what a caller may set. A null says the same as leaving an optional field
// out, and an answer must not show one, so it is left out too.
func (k *Kind) StripReadOnly(resource map[string]any) map[string]any {
	stripped, _ := strip(k.schema(), resource).(map[string]any)
	return stripped
}

// canonicalValue is the canonical form of a value about which nothing is known.
func canonicalValue(v any) []byte { return appendCanonical(nil, nil, v) }

// branch is the schema that describes v once unions are decided, or nil when
// nothing is known of it.
func (s *schema) branch(v any) *schema {
	for s != nil && s.branches != nil {
		obj, _ := v.(map[string]any)
		tag, _ := obj[s.discriminator].(string)
		s = s.branches[tag]
	}
	if s != nil && s.alternatives != nil {
		for _, one := range s.alternatives {
			try := newChecker(toServer, true)
			if try.check(one, v); len(try.problems) == 0 {
				return one.branch(v)
			}
		}
		return nil
	}
	if s.free() {
		return nil
	}
	return s
}

func appendCanonical(b []byte, s *schema, v any) []byte {
	s = s.branch(v)
	switch v := v.(type) {
	case map[string]any:
		return appendObject(b, s, v)
	case []any:
		return appendArray(b, s, v)
	case string:
		return appendString(b, v)
	case bool:
		if v {
			return append(b, "true"...)
		}
		return append(b, "false"...)
	case nil:
		return append(b, "null"...)
	}
	if n, ok := decimalOf(v); ok {
		return n.appendTo(b)
	}
	return appendString(b, fmt.Sprint(v))
}

func appendString(b []byte, v string) []byte {
	for i := range len(v) {
		if c := v[i]; c < 0x20 || c == '"' || c == '\\' || c >= 0x7f {
			text, _ := json.Marshal(v) // a string cannot fail
			return append(b, text...)
		}
	}
	b = append(b, '"')
	b = append(b, v...)
	return append(b, '"')
}

func appendObject(b []byte, s *schema, v map[string]any) []byte {
	b = append(b, '{')
	empty := len(b)
	var scratch [16]string
	names := scratch[:0]
	for name := range v {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		value := v[name]
		var field *schema
		known := false
		if s != nil {
			if field, known = s.fields[name]; !known {
				field = s.values
			} else if field.readOnly {
				continue
			}
			if value == nil && (known || s.values != nil) {
				continue
			}
		}
		before := len(b)
		if before > empty {
			b = append(b, ',')
		}
		b = appendString(b, name)
		b = append(b, ':')
		start := len(b)
		b = appendCanonical(b, field, value)
		if known && insignificant(field, b[start:]) {
			b = b[:before]
		}
	}
	return append(b, '}')
}

// insignificant says whether a field with this canonical value may as well be
// left out.
func insignificant(field *schema, text []byte) bool {
	if field.fallbackText != nil {
		return bytes.Equal(text, field.fallbackText)
	}
	return !field.free() && (string(text) == "[]" || string(text) == "{}")
}

func appendArray(b []byte, s *schema, v []any) []byte {
	var items *schema
	if s != nil {
		items = s.items
	}
	if s == nil || !s.unique || len(v) < 2 {
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendCanonical(b, items, item)
		}
		return append(b, ']')
	}
	texts := make([]string, len(v))
	var buffer []byte
	for i, item := range v {
		buffer = appendCanonical(buffer[:0], items, item)
		texts[i] = string(buffer)
	}
	sort.Strings(texts)
	b = append(b, '[')
	for i, text := range slices.Compact(texts) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, text...)
	}
	return append(b, ']')
}

func strip(s *schema, v any) any {
	s = s.branch(v)
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, value := range v {
			var field *schema
			if s != nil {
				known := false
				if field, known = s.fields[name]; !known {
					field = s.values
				} else if field.readOnly || value == nil && !slices.Contains(s.required, name) {
					continue
				}
			}
			out[name] = strip(field, value)
		}
		return out
	case []any:
		var items *schema
		if s != nil {
			items = s.items
		}
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = strip(items, item)
		}
		return out
	}
	return v
}
