package openapi

import (
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func everyKind() []*Kind { return append(slices.Clone(Console().Kinds()), Mock().Kinds()...) }

// same is what Canonical promises, said another way: it compares two values pair
// by pair instead of writing each of them.
func same(s *schema, a, b any) bool {
	sa, sb := s.branch(a), s.branch(b)
	if sa != sb {
		return false
	}
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		return ok && sameObject(sa, x, y)
	case []any:
		y, ok := b.([]any)
		if !ok {
			return false
		}
		var items *schema
		if sa != nil {
			items = sa.items
		}
		if sa == nil || !sa.unique {
			return slices.EqualFunc(x, y, func(v, w any) bool { return same(items, v, w) })
		}
		within := func(list, other []any) bool {
			for _, v := range list {
				if !slices.ContainsFunc(other, func(w any) bool { return same(items, v, w) }) {
					return false
				}
			}
			return true
		}
		return within(x, y) && within(y, x)
	case json.Number:
		y, ok := b.(json.Number)
		if !ok {
			return false
		}
		p, _ := new(big.Rat).SetString(string(x))
		q, _ := new(big.Rat).SetString(string(y))
		return p.Cmp(q) == 0
	}
	switch b.(type) {
	case map[string]any, []any:
		return false
	}
	return a == b
}

func sameObject(s *schema, a, b map[string]any) bool {
	if s == nil {
		return maps.EqualFunc(a, b, func(v, w any) bool { return same(nil, v, w) })
	}
	all := slices.Collect(maps.Keys(a))
	for name := range b {
		all = append(all, name)
	}
	for _, name := range all {
		field, known := s.fields[name]
		if known && field.readOnly {
			continue
		}
		if !known {
			field = s.values
		}
		v, inA := a[name]
		w, inB := b[name]
		described := known || s.values != nil
		noA := !inA || v == nil && described || known && counts(field, v) == nothing
		noB := !inB || w == nil && described || known && counts(field, w) == nothing
		if noA != noB || !noA && !same(field, v, w) {
			return false
		}
	}
	return true
}

type weight bool

const nothing weight = false

// counts says whether a known field with this value differs from no field.
func counts(field *schema, v any) weight {
	if field.fallbackText != nil {
		return weight(!same(field, v, field.fallback))
	}
	if field.free() {
		return !nothing
	}
	switch v := v.(type) {
	case []any:
		return len(v) > 0
	case map[string]any:
		return weight(!same(field, v, map[string]any{}))
	}
	return !nothing
}

// disturb returns the value in another form that means the same.
func disturb(t *rapid.T, s *schema, v any) any {
	s = s.branch(v)
	coin := func(what string) bool { return rapid.Bool().Draw(t, what) }
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, value := range v {
			var field *schema
			if s != nil {
				if field = s.fields[name]; field == nil {
					field = s.values
				}
			}
			out[name] = disturb(t, field, value)
		}
		if s == nil {
			return out
		}
		for _, name := range s.names {
			field := s.fields[name]
			_, present := out[name]
			switch {
			case field.readOnly:
				out[name] = drawFree(t, 1)
			case present:
				if counts(field, out[name]) == nothing && coin("drop") {
					delete(out, name)
				}
			case name == s.discriminator:
			case field.fallbackText != nil && coin("default"):
				out[name] = field.fallback
			case coin("null"):
				out[name] = nil
			case field.types == typeArray && field.fallbackText == nil && coin("empty"):
				out[name] = []any{}
			}
		}
		return out
	case []any:
		var items *schema
		if s != nil {
			items = s.items
		}
		out := make([]any, 0, len(v))
		for _, item := range v {
			out = append(out, disturb(t, items, item))
		}
		if s != nil && s.unique {
			out = rapid.Permutation(out).Draw(t, "order")
		}
		return out
	case json.Number:
		if !strings.ContainsAny(string(v), ".eE") {
			return json.Number(string(v) + rapid.SampledFrom([]string{"", ".0", "e0", ".000E+0", "0e-1"}).Draw(t, "notation"))
		}
	}
	return v
}

// TestCanonicalIgnoresForm: the form of a resource is not seen by Canonical, and
// StripReadOnly takes only what Canonical does not see.
func TestCanonicalIgnoresForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.SampledFrom(everyKind()).Draw(t, "kind")
		a := drawValue(t, k.schema(), false, 0).(map[string]any)
		b := disturb(t, k.schema(), a).(map[string]any)
		if x, y := k.Canonical(a), k.Canonical(b); string(x) != string(y) {
			t.Fatalf("%s:\n%s\n%s", k.Name, x, y)
		}
		stripped := k.StripReadOnly(b)
		if x, y := k.Canonical(b), k.Canonical(stripped); string(x) != string(y) {
			t.Fatalf("%s stripped:\n%s\n%s", k.Name, x, y)
		}
		if holdsReadOnly(k.schema(), stripped) {
			t.Fatalf("%s keeps a read-only field: %v", k.Name, stripped)
		}
	})
}

func holdsReadOnly(s *schema, v any) bool {
	s = s.branch(v)
	if s == nil {
		return false
	}
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			field := s.fields[name]
			if field != nil && field.readOnly || holdsReadOnly(field, value) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(item any) bool { return holdsReadOnly(s.items, item) })
	}
	return false
}

// TestCanonicalSeesEverythingElse: two resources have one canonical form exactly
// when they are the same, whether one came from the other by a change or not.
func TestCanonicalSeesEverythingElse(t *testing.T) {
	equal, different := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.SampledFrom(everyKind()).Draw(t, "kind")
		a := drawValue(t, k.schema(), false, 0).(map[string]any)
		a["apiVersion"] = k.Version
		b := mutate(t, a).(map[string]any)
		b["apiVersion"] = k.Version
		want := same(k.schema(), a, b)
		if want {
			equal++
		} else {
			different++
		}
		if x, y := k.Canonical(a), k.Canonical(b); (string(x) == string(y)) != want {
			t.Fatalf("%s: same is %v, but canonical forms are\n%s\n%s", k.Name, want, x, y)
		}
	})
	if equal == 0 || different == 0 {
		t.Errorf("the test saw %d equal pairs and %d different ones", equal, different)
	}
}

// mutate copies the value with about one change anywhere in it.
func mutate(t *rapid.T, v any) any {
	change := rapid.IntRange(0, 12).Draw(t, "change") == 0
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if change && rapid.IntRange(0, 3).Draw(t, "drop") == 0 {
				continue
			}
			out[name] = mutate(t, v[name])
		}
		return out
	case []any:
		out := []any{}
		for _, item := range v {
			out = append(out, mutate(t, item))
		}
		if change {
			slices.Reverse(out)
		}
		return out
	case string:
		if change {
			return v + rapid.SampledFrom([]string{"x", " ", "\n"}).Draw(t, "text")
		}
	case bool:
		return v != change
	case json.Number:
		if change {
			return json.Number("9007199254740993")
		}
	}
	return v
}

func TestCanonicalByExample(t *testing.T) {
	topic := mustKind(t, "v2", "Topic")
	for _, c := range []struct {
		name, a, b string
		kind       *Kind
		same       bool
	}{
		{"the group in apiVersion", topicYAML, `{apiVersion: v2, kind: Topic, metadata: {name: checkout.paid, cluster: dev}, spec: {partitions: 6, replicationFactor: 3}}`, topic, true},
		{"an explicit default", topicYAML, `{apiVersion: v2, kind: Topic, metadata: {name: checkout.paid, cluster: dev, descriptionIsEditable: true}, spec: {partitions: 6, replicationFactor: 3, configs: {}}}`, topic, true},
		{"another value than the default", topicYAML, `{apiVersion: v2, kind: Topic, metadata: {name: checkout.paid, cluster: dev, descriptionIsEditable: false}, spec: {partitions: 6, replicationFactor: 3}}`, topic, false},
		{"text and number", `{spec: {configs: {a: 1}}}`, `{spec: {configs: {a: "1"}}}`, topic, false},
		{"order in a list", `{spec: {permissions: [{resourceType: PLATFORM}, {resourceType: KSQLDB}]}}`, `{spec: {permissions: [{resourceType: KSQLDB}, {resourceType: PLATFORM}]}}`, mustKind(t, "v2", "Group"), false},
		{"order in a set", `{spec: {permissions: [{resourceType: PLATFORM, permissions: [userView, taasView]}]}}`, `{spec: {permissions: [{resourceType: PLATFORM, permissions: [taasView, userView]}]}}`, mustKind(t, "v2", "Group"), true},
		{"defaults within a set", `{spec: {resources: [{type: TOPIC, name: a, patternType: LITERAL}]}}`, `{spec: {resources: [{ownershipMode: ALL, type: TOPIC, name: a, patternType: LITERAL}]}}`, mustKind(t, "v1", "ApplicationInstance"), true},
		{"nulls where anything may be", `{spec: {claims: {a: null}}}`, `{spec: {claims: {}}}`, mustKind(t, "v1", "Person"), false},
		{"big numbers", `{spec: {claims: {a: 9007199254740993}}}`, `{spec: {claims: {a: 9007199254740992}}}`, mustKind(t, "v1", "Person"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := c.kind.Canonical(resource(t, c.a)), c.kind.Canonical(resource(t, c.b))
			if (string(a) == string(b)) != c.same {
				t.Errorf("same should be %v:\n%s\n%s", c.same, a, b)
			}
		})
	}
}

func TestStripReadOnly(t *testing.T) {
	k := mustKind(t, "v1", "Application")
	r := resource(t, `{apiVersion: v1, kind: Application, metadata: {name: a}, spec: {title: A, owner: g, createdAt: x, policyRef: [p]}}`)
	got := k.StripReadOnly(r)
	spec := got["spec"].(map[string]any)
	if _, there := spec["createdAt"]; there || spec["title"] != "A" {
		t.Errorf("stripped is %v", got)
	}
	spec["policyRef"].([]any)[0] = "changed"
	if r["spec"].(map[string]any)["policyRef"].([]any)[0] != "p" {
		t.Error("the copy shares an array with the original")
	}
	if _, there := r["spec"].(map[string]any)["createdAt"]; !there {
		t.Error("the original was changed")
	}
}

func TestDecimal(t *testing.T) {
	same := [][]string{
		{"0", "-0", "0.0", "0e5", "0.000e-7"},
		{"1", "1.0", "10e-1", "0.1e1", "1E0"},
		{"-1500", "-1.5e3", "-1500.00"},
		{"9223372036854775807", "9223372036854775807.0"},
		{"9223372036854775808", "9.223372036854775808e18"},
		{"0.1", "1e-1", "0.10"},
		{"1e100", "10e99"},
	}
	seen := make(map[string]string)
	for _, group := range same {
		var first string
		for i, text := range group {
			d, ok := parseDecimal(text)
			if !ok {
				t.Errorf("%s was not read", text)
			}
			written := string(d.appendTo(nil))
			if i == 0 {
				first = written
				if other, there := seen[written]; there {
					t.Errorf("%s and %s are both %s", text, other, written)
				}
				seen[written] = text
			} else if written != first {
				t.Errorf("%s is %s, want %s", text, written, first)
			}
		}
	}
	for _, bad := range []string{"", "-", ".", "e1", "1e", "0x1", "1e9999999999", "1e1001", "1.2.3", strings.Repeat("9", 500)} {
		if d, ok := parseDecimal(bad); ok {
			t.Errorf("%q was read as %v", bad, d)
		}
	}
}

func TestDecimalOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,5})?(e-?[0-9]{1,2})?`)
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		x, okA := parseDecimal(a)
		y, okB := parseDecimal(b)
		if !okA || !okB {
			t.Fatalf("%s or %s was not read", a, b)
		}
		p, _ := new(big.Rat).SetString(a)
		q, _ := new(big.Rat).SetString(b)
		if got, want := x.compare(y), p.Cmp(q); got != want {
			t.Fatalf("compare(%s, %s) = %d, want %d", a, b, got, want)
		}
		if x.isInteger() != p.IsInt() {
			t.Fatalf("%s: isInteger is %v", a, x.isInteger())
		}
	})
}
