package rbac

import "strings"

// pattern is a name with its type, as in Grant.
type pattern struct {
	kind PatternType
	name string
}

// newPattern tolerates what is written in the field: a PREFIXED name loses its
// trailing stars (Terraform fixtures carry "sales-*").
func newPattern(kind PatternType, name string) pattern {
	if kind == Prefixed {
		name = strings.TrimRight(name, star)
	}
	return pattern{kind, name}
}

func (p pattern) everything() bool {
	return p.kind == Literal && p.name == star || p.kind == Prefixed && p.name == ""
}

func (p pattern) matches(name string) bool {
	if p.everything() {
		return true
	}
	if p.kind == Prefixed {
		return strings.HasPrefix(name, p.name)
	}
	return name == p.name
}

// intersect is what both patterns match; false when there is nothing.
func (p pattern) intersect(q pattern) (pattern, bool) {
	switch {
	case p.everything():
		return q, true
	case q.everything():
		return p, true
	case p.kind == Literal:
		return p, q.matches(p.name)
	case q.kind == Literal:
		return q, p.matches(q.name)
	case strings.HasPrefix(p.name, q.name):
		return p, true
	case strings.HasPrefix(q.name, p.name):
		return q, true
	}
	return pattern{}, false
}
