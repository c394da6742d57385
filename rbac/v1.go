package rbac

import "strings"

// ToV1 turns v2 permission objects into the v1 form (/public/v1/…/permissions):
// other type and field names, and one pattern in which a trailing star means
// prefix. An element that is faulty, or that v1 cannot say (a LITERAL name that
// ends in a star and would become a prefix), is a problem and left out.
func ToV1(list []any) ([]any, []Problem) {
	out := []any{}
	grants, problems := parseAll(list, Source{}, func(r *reader, path string, in map[string]any) Grant {
		g := r.v2(path, in)
		if g.Pattern == Literal && g.Name != star && strings.HasSuffix(g.Name, star) {
			r.fault(join(path, "name"), "the LITERAL name %q ends in a star, which the v1 form reads as a prefix; use patternType PREFIXED without the star", g.Name)
		}
		return g
	})
	for _, g := range grants {
		out = append(out, g.V1())
	}
	return out, problems
}

// FromV1 turns v1 permission objects into v2 ones. Faulty elements are problems
// and left out.
func FromV1(list []any) ([]any, []Problem) {
	grants, problems := ParseV1(list, Source{})
	out := []any{}
	for _, g := range grants {
		out = append(out, g.V2())
	}
	return out, problems
}

// ParseV1 is ParsePermissions for the v1 form.
func ParseV1(list []any, src Source) ([]Grant, []Problem) {
	return parseAll(list, src, (*reader).v1)
}

func (r *reader) v1(path string, in map[string]any) Grant {
	t, ok := r.unionType(in, path, func(info *typeInfo) string { return info.v1 })
	if !ok {
		return Grant{}
	}
	info := &catalogue[t]
	g := Grant{Resource: info.resource}
	if info.cluster {
		g.Cluster = r.required(in, path, "clusterId")
	}
	if info.v1Connect != "" {
		g.Connect = r.required(in, path, info.v1Connect)
	}
	if info.name {
		name := r.required(in, path, info.v1Pattern)
		p := pattern{Literal, name}
		if name != star && strings.HasSuffix(name, star) {
			p = newPattern(Prefixed, name)
		}
		if p.everything() {
			p = pattern{Literal, star}
		}
		g.Pattern, g.Name = p.kind, p.name
	}
	g.Permissions = r.permissions(path, in["permissions"], t)
	return g
}

// V1 is the grant as an element of the v1 permission union; nil for a grant that
// the union cannot hold.
func (g Grant) V1() map[string]any {
	t, ok := indexOf(g.Resource)
	if !ok || catalogue[t].v1 == "" {
		return nil
	}
	info := &catalogue[t]
	out := map[string]any{"resourceType": info.v1, "permissions": names(g.Permissions)}
	if info.cluster {
		out["clusterId"] = g.Cluster
	}
	if info.v1Connect != "" {
		out[info.v1Connect] = g.Connect
	}
	if info.name {
		name := g.Name
		if g.Pattern == Prefixed {
			name += star
		}
		out[info.v1Pattern] = name
	}
	return out
}
