package rbac

import (
	"slices"
	"strings"
)

// ParsePermissions reads the v2 permission array of a User or Group spec (Console
// API, the resource permission union). Fields foreign to a resource type are
// ignored, an absent permissions list is empty, a trailing star in a PREFIXED
// name is tolerated. Elements with problems give no grant; the others do.
func ParsePermissions(list []any, src Source) ([]Grant, []Problem) {
	return parseAll(list, src, (*reader).v2)
}

func parseAll(list []any, src Source, parse func(*reader, string, map[string]any) Grant) ([]Grant, []Problem) {
	var r reader
	var grants []Grant
	for i, value := range list {
		before := len(r.problems)
		path := at("", i)
		element := r.object(path, value)
		if element == nil {
			continue
		}
		grant := parse(&r, path, element)
		if len(r.problems) > before {
			continue
		}
		grant.Source = src
		grants = append(grants, grant)
	}
	return grants, r.problems
}

func (r *reader) v2(path string, in map[string]any) Grant {
	t, ok := r.unionType(in, path, func(info *typeInfo) string {
		if info.v1 == "" {
			return ""
		}
		return string(info.resource)
	})
	if !ok {
		return Grant{}
	}
	info := &catalogue[t]
	g := Grant{Resource: info.resource}
	switch {
	case info.resource == ResourceCluster:
		g.Cluster = r.required(in, path, "name")
	case info.cluster:
		g.Cluster = r.required(in, path, "cluster")
	}
	if info.connect != "" {
		g.Connect = r.required(in, path, info.connect)
	}
	if info.name {
		p := r.pattern(in, path)
		g.Pattern, g.Name = p.kind, p.name
	}
	g.Permissions = r.permissions(path, in["permissions"], t)
	return g
}

// pattern reads name and patternType side by side.
func (r *reader) pattern(in map[string]any, path string) pattern {
	name := r.required(in, path, "name")
	kind := PatternType(r.choice(in, path, "patternType", string(Literal), string(Prefixed)))
	return newPattern(kind, name)
}

// unionType reads the discriminator; spelling gives a type's name in this form of
// the union, or "" for a type that it lacks.
func (r *reader) unionType(in map[string]any, path string, spelling func(*typeInfo) string) (typeIndex, bool) {
	text := r.required(in, path, "resourceType")
	if text == "" {
		return 0, false
	}
	var allowed []string
	for t := range catalogue {
		name := spelling(&catalogue[t])
		if name == "" {
			continue
		}
		if text == name {
			return typeIndex(t), true
		}
		allowed = append(allowed, name)
	}
	at := join(path, "resourceType")
	if text == connectorType {
		text = string(ResourceKafkaConnect)
		r.fault(at, "CONNECTOR is the name that an ApplicationGroup uses; here it is %s", near(text, allowed))
		return 0, false
	}
	if right := near(text, allowed); right != "" {
		r.fault(at, "unknown resource type %q; here it is written %s", text, right)
		return 0, false
	}
	r.fault(at, "unknown resource type %q; one of %s", text, strings.Join(allowed, ", "))
	return 0, false
}

// near ignores case and underscores: the v1 and v2 spellings differ by nothing else.
func near(text string, allowed []string) string {
	plain := strings.ReplaceAll(text, "_", "")
	for _, a := range allowed {
		if strings.EqualFold(plain, strings.ReplaceAll(a, "_", "")) {
			return a
		}
	}
	return ""
}

// removed are names that older Console versions had (OpenAPI document of 1.31).
var removed = []Permission{"testingView", "taasManage"}

// permissions keeps the written order and drops repetitions.
func (r *reader) permissions(path string, value any, t typeIndex) []Permission {
	path = join(path, "permissions")
	permissions := []Permission{}
	for i, value := range r.list(path, value) {
		text, ok := value.(string)
		if !ok {
			r.fault(at(path, i), "must be a string, is %s", describe(value))
			continue
		}
		p := Permission(text)
		b, known := permissionBits[p]
		switch {
		case !known:
			r.unknownPermission(at(path, i), p, t)
		case b.of != t:
			r.fault(at(path, i), "permission %s belongs to %s, not to %s", p, catalogue[b.of].resource, catalogue[t].resource)
		case !slices.Contains(permissions, p):
			permissions = append(permissions, p)
		}
	}
	return permissions
}

func (r *reader) unknownPermission(path string, p Permission, t typeIndex) {
	if slices.Contains(removed, p) {
		r.fault(path, "permission %s no longer exists in the Console; remove it", p)
		return
	}
	for known, b := range permissionBits {
		if strings.EqualFold(string(known), string(p)) {
			r.fault(path, "unknown permission %q; it is written %s and belongs to %s", p, known, catalogue[b.of].resource)
			return
		}
	}
	var names []string
	for _, q := range catalogue[t].permissions {
		names = append(names, string(q))
	}
	r.fault(path, "unknown permission %q; those of %s are %s", p, catalogue[t].resource, strings.Join(names, ", "))
}

// V2 is the grant as an element of the v2 permission union, with only the fields
// of its type; nil for a grant that the union cannot hold.
func (g Grant) V2() map[string]any {
	t, ok := indexOf(g.Resource)
	if !ok || catalogue[t].v1 == "" {
		return nil
	}
	info := &catalogue[t]
	out := map[string]any{"resourceType": string(g.Resource), "permissions": names(g.Permissions)}
	switch {
	case g.Resource == ResourceCluster:
		out["name"] = g.Cluster
	case info.cluster:
		out["cluster"] = g.Cluster
	}
	if info.connect != "" {
		out[info.connect] = g.Connect
	}
	if info.name {
		p := pattern{g.Pattern, g.Name}
		if p.everything() {
			p = pattern{Literal, star}
		}
		out["name"], out["patternType"] = p.name, string(p.kind)
	}
	return out
}

func names(permissions []Permission) []any {
	list := make([]any, len(permissions))
	for i, p := range permissions {
		list[i] = string(p)
	}
	return list
}
