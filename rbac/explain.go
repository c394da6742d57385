package rbac

import (
	"cmp"
	"slices"
	"strings"
)

// refusal builds its text without fmt so that the need does not escape: an
// allowed Decide must not allocate for its arguments either.
func (s *Subject) refusal(n *Need) string {
	var b strings.Builder
	b.Grow(160)
	b.WriteString("needs ")
	n.write(&b)
	if held := s.Held(n.Resource, n.Cluster, n.Connect, n.Name); len(held) > 0 {
		b.WriteString("; holds only ")
		writePermissions(&b, held)
		b.WriteString(" there")
	} else {
		b.WriteString("; holds no permission there")
	}
	return b.String()
}

// Covers reports whether the grant alone satisfies the need.
func (g *Grant) Covers(n Need) bool {
	if g.Source.Kind == SourceAdmin {
		return true
	}
	t, ok := indexOf(n.Resource)
	if !ok || g.Resource != n.Resource || !g.usable(&catalogue[t]) || setOf(t, g.Permissions)&setOf(t, n.AnyOf) == 0 {
		return false
	}
	info := &catalogue[t]
	if info.cluster && g.Cluster != star && g.Cluster != n.Cluster {
		return false
	}
	if info.connect != "" && g.Connect != star && g.Connect != n.Connect {
		return false
	}
	return !info.name || pattern{g.Pattern, g.Name}.matches(n.Name)
}

// WhoGrants lists, out of any number of grants (usually everybody's), the
// sources that would satisfy the need: each once, sorted by kind and name.
func WhoGrants(need Need, grants []Grant) []Source {
	var found []Source
	for i := range grants {
		if grants[i].Covers(need) {
			found = append(found, grants[i].Source)
		}
	}
	slices.SortFunc(found, compareSources)
	return slices.Compact(found)
}

func compareSources(a, b Source) int {
	return cmp.Or(
		cmp.Compare(a.Kind, b.Kind),
		cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.Via, b.Via),
		cmp.Compare(a.Instance, b.Instance),
	)
}

// Remedy turns the sources of WhoGrants into a sentence for a refused need.
func Remedy(need Need, sources []Source) string {
	var b strings.Builder
	if len(sources) == 0 {
		b.WriteString("no user, group or application but an admin is granted ")
		need.write(&b)
		return b.String()
	}
	b.WriteString("granted by ")
	for i, s := range sources {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(s.String())
	}
	return b.String()
}
