package rbac

import (
	"fmt"
	"strconv"
	"strings"
)

// Problem is one fault in an input. Path leads to it from the value that was
// passed in: "[2].permissions[0]", "spec.resources[1].type"; Reason says what is
// wrong and what would be right.
type Problem struct {
	Path   string
	Reason string
}

// String is Path and Reason in one line.
func (p Problem) String() string {
	if p.Path == "" {
		return p.Reason
	}
	return p.Path + ": " + p.Reason
}

// reader collects problems while it takes JSON-shaped values apart.
type reader struct {
	problems []Problem
}

func (r *reader) fault(path, format string, args ...any) {
	r.problems = append(r.problems, Problem{path, fmt.Sprintf(format, args...)})
}

// object is nil, with a problem, for anything but an object.
func (r *reader) object(path string, value any) map[string]any {
	object, _ := value.(map[string]any)
	if object == nil {
		r.fault(path, "must be an object, is %s", describe(value))
	}
	return object
}

// list is empty for an absent or null value.
func (r *reader) list(path string, value any) []any {
	if value == nil {
		return nil
	}
	list, ok := value.([]any)
	if !ok {
		r.fault(path, "must be a list, is %s", describe(value))
	}
	return list
}

func (r *reader) optional(in map[string]any, path, field string) string {
	value, ok := in[field]
	if !ok || value == nil {
		return ""
	}
	text, ok := value.(string)
	if !ok {
		r.fault(join(path, field), "must be a string, is %s", describe(value))
	}
	return text
}

func (r *reader) required(in map[string]any, path, field string) string {
	if value, ok := in[field]; !ok || value == nil {
		r.fault(join(path, field), "is missing")
		return ""
	}
	before := len(r.problems)
	text := r.optional(in, path, field)
	if text == "" && len(r.problems) == before {
		r.fault(join(path, field), "must not be empty")
	}
	return text
}

// choice reads a required string out of a fixed set.
func (r *reader) choice(in map[string]any, path, field string, allowed ...string) string {
	text := r.required(in, path, field)
	if text == "" {
		return ""
	}
	for _, a := range allowed {
		if text == a {
			return text
		}
	}
	for _, a := range allowed {
		if strings.EqualFold(text, a) {
			r.fault(join(path, field), "unknown value %q; write %s", text, a)
			return ""
		}
	}
	r.fault(join(path, field), "unknown value %q; one of %s", text, strings.Join(allowed, ", "))
	return ""
}

func join(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}

func at(path string, i int) string {
	return path + "[" + strconv.Itoa(i) + "]"
}

func describe(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	case map[string]any:
		if v == nil {
			return "null"
		}
		return "an object"
	default:
		return "a number"
	}
}
