package rbac

// Lacks says why a grant does not satisfy a need, in a few words; empty when it
// does.
func (g *Grant) Lacks(n Need) string {
	if g.Covers(n) {
		return ""
	}
	t, ok := indexOf(n.Resource)
	if !ok || g.Resource != n.Resource {
		return "is about " + string(g.Resource)
	}
	info := &catalogue[t]
	switch {
	case info.cluster && g.Cluster != star && g.Cluster != n.Cluster:
		return "is about cluster " + g.Cluster
	case info.connect != "" && g.Connect != star && g.Connect != n.Connect:
		return "is about " + info.connect + " " + g.Connect
	case info.name && !(pattern{g.Pattern, g.Name}).matches(n.Name):
		return "is about other names"
	}
	return "gives other permissions"
}
