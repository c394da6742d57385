package idp

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
)

// Problem is one thing wrong with a person's or a client's document.
type Problem struct {
	// Path is the field, as in spec.redirect_uris[1].
	Path string
	// Reason says what is wrong and what to write instead.
	Reason string
}

// String is the problem in one readable line.
func (p Problem) String() string { return p.Path + ": " + p.Reason }

// fields reads an object member by member and collects what is wrong.
type fields struct {
	path     string
	object   map[string]any
	known    []string
	problems *[]Problem
}

// specOf opens the resource's metadata.name and spec.
func specOf(resource map[string]any, problems *[]Problem) (name string, spec *fields) {
	report := func(path, reason string) {
		*problems = append(*problems, Problem{Path: path, Reason: reason})
	}
	metadata, ok := resource["metadata"].(map[string]any)
	if !ok {
		report("metadata", "must be an object that holds the name")
	} else if name, ok = metadata["name"].(string); !ok || name == "" {
		report("metadata.name", "must be a string and not empty")
	}
	spec = &fields{path: "spec", problems: problems}
	switch s := resource["spec"].(type) {
	case nil:
	case map[string]any:
		spec.object = s
	default:
		report("spec", "must be an object, is "+typeName(s))
	}
	return name, spec
}

func (f *fields) report(name, format string, args ...any) {
	*f.problems = append(*f.problems, Problem{Path: f.path + "." + name, Reason: fmt.Sprintf(format, args...)})
}

func (f *fields) value(name string) any {
	f.known = append(f.known, name)
	return f.object[name]
}

func (f *fields) text(name string) string {
	switch v := f.value(name).(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		f.report(name, "must be a string, is %s", typeName(v))
		return ""
	}
}

func (f *fields) boolean(name string, absent bool) bool {
	switch v := f.value(name).(type) {
	case nil:
		return absent
	case bool:
		return v
	default:
		f.report(name, "must be true or false, is %s", typeName(v))
		return absent
	}
}

func (f *fields) list(name string) []string {
	v := f.value(name)
	if v == nil {
		return nil
	}
	items, ok := v.([]any)
	if !ok {
		f.report(name, "must be a list of strings, is %s", typeName(v))
		return nil
	}
	list := make([]string, 0, len(items))
	for i, item := range items {
		s, ok := item.(string)
		if !ok {
			f.report(fmt.Sprintf("%s[%d]", name, i), "must be a string, is %s", typeName(item))
			continue
		}
		list = append(list, s)
	}
	return list
}

func (f *fields) lifetime(name string) time.Duration {
	s := f.text(name)
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		f.report(name, "is no duration: %q; write it as 90s, 15m or 1h30m", s)
	case d < time.Second:
		f.report(name, "must be at least 1s, is %s", s)
	default:
		return d
	}
	return 0
}

// claims reads extra claims, of which none may be one that the provider sets.
func (f *fields) claims(name string) map[string]any {
	v := f.value(name)
	if v == nil {
		return nil
	}
	object, ok := v.(map[string]any)
	if !ok {
		f.report(name, "must be an object of claims, is %s", typeName(v))
		return nil
	}
	for _, claim := range sortedKeys(object) {
		if slices.Contains(protocolClaims, claim) {
			f.report(name+"."+claim, "is set by the provider itself and cannot be given")
		}
	}
	return object
}

// unknown reports members that nothing has asked for.
func (f *fields) unknown() {
	for _, name := range sortedKeys(f.object) {
		if !slices.Contains(f.known, name) {
			f.report(name, "is no field here; there are %s", strings.Join(f.known, ", "))
		}
	}
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// typeName names a value's type as someone who writes YAML or JSON calls it.
func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case bool:
		return "true or false without quotes"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	default:
		return "a number"
	}
}
