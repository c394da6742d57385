package rbac

import (
	"slices"
	"strings"
)

// Spans are the parts of a sorted index of names that a subject may see: walk
// them instead of the whole index. All stands for everything and leaves the
// lists empty. Otherwise both lists are sorted bytewise and nothing overlaps: no
// prefix begins with another, no literal begins with a prefix.
type Spans struct {
	All      bool
	Prefixes []string
	Literals []string
}

// Empty reports whether the spans hold no name at all.
func (s Spans) Empty() bool {
	return !s.All && len(s.Prefixes) == 0 && len(s.Literals) == 0
}

// Contains reports whether a name lies in the spans.
func (s Spans) Contains(name string) bool {
	if s.All {
		return true
	}
	if _, found := slices.BinarySearch(s.Literals, name); found {
		return true
	}
	return coveredBy(s.Prefixes, name)
}

// coveredBy expects prefixes of which none begins with another: then only the
// last one at or before name can be its prefix.
func coveredBy(prefixes []string, name string) bool {
	i, found := slices.BinarySearch(prefixes, name)
	return found || i > 0 && strings.HasPrefix(name, prefixes[i-1])
}

// Spans are the names of a type, in one cluster (and one connect cluster or
// ksqlDB; empty for the other types), on which the subject has one of the
// permissions. For a type without names the answer is All or empty.
func (s *Subject) Spans(r ResourceType, cluster, connect string, anyOf ...Permission) Spans {
	t, ok := indexOf(r)
	if !ok || s == nil {
		return Spans{}
	}
	if s.admin != nil {
		return Spans{All: true}
	}
	want := setOf(t, anyOf)
	var prefixes, literals []string
	for _, b := range s.areas[t].buckets(cluster, connect) {
		if b == nil {
			continue
		}
		if b.all.set&want != 0 {
			return Spans{All: true}
		}
		for i := range b.nodes {
			if b.nodes[i].set&want != 0 {
				prefixes = append(prefixes, b.prefixes[i])
			}
		}
		for name, e := range b.literals {
			if e.set&want != 0 {
				literals = append(literals, name)
			}
		}
	}
	slices.Sort(prefixes)
	kept := prefixes[:0]
	for _, p := range prefixes {
		if len(kept) == 0 || !strings.HasPrefix(p, kept[len(kept)-1]) {
			kept = append(kept, p)
		}
	}
	slices.Sort(literals)
	literals = slices.Compact(literals)
	literals = slices.DeleteFunc(literals, func(name string) bool { return coveredBy(kept, name) })
	return Spans{Prefixes: kept, Literals: literals}
}
