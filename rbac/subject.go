package rbac

import (
	"slices"
	"strings"
)

// Subject is the compiled set of everything that one principal was granted. It
// never changes, so any number of goroutines may ask it at once. The nil Subject
// may do nothing.
type Subject struct {
	admin  *Grant
	grants []Grant
	areas  [typeCount]area
}

// area holds the grants of one resource type.
type area struct {
	clusters map[string]*shelf
	every    *shelf // cluster "*", and types that live in no cluster
	reach    permissionSet
}

// shelf holds the grants of one type in one cluster (or in "*").
type shelf struct {
	connects map[string]*bucket
	every    *bucket // connect "*", and types without a connect cluster or ksqlDB
	reach    permissionSet
}

// bucket holds the grants that differ only by name.
type bucket struct {
	all      entry // "*", and types without names
	literals map[string]*entry
	prefixes []string // sorted
	nodes    []node   // beside prefixes
}

// entry is what is granted by one exact pattern.
type entry struct {
	set permissionSet
	by  []granted // only grants that added a permission: at most one per permission
}

type granted struct {
	set   permissionSet
	grant *Grant
}

// node is one prefix in the forest of prefixes: its parent is the longest other
// prefix that it begins with.
type node struct {
	entry
	reach  permissionSet // own and all ancestors'
	parent int           // -1: none
}

// NewSubject compiles the grants of a principal. A non-nil admin means that
// everything is allowed; the source says why (admin group, admin API key).
// Grants that lack a field of their type, and permissions of another type, grant
// nothing. The slice is copied, what its grants refer to is not.
func NewSubject(admin *Source, grants []Grant) *Subject {
	s := &Subject{grants: slices.Clone(grants)}
	if admin != nil {
		s.admin = &Grant{Source: *admin}
	}
	for i := range s.grants {
		s.add(&s.grants[i])
	}
	for t := range s.areas {
		s.areas[t].seal()
	}
	return s
}

func (s *Subject) add(g *Grant) {
	t, ok := indexOf(g.Resource)
	if !ok || !g.usable(&catalogue[t]) {
		return
	}
	set := setOf(t, g.Permissions)
	if set == 0 {
		return
	}
	info := &catalogue[t]
	a := &s.areas[t]
	a.reach |= set
	sh := a.shelf(info, g.Cluster)
	sh.reach |= set
	sh.bucket(info, g.Connect).add(info, g, set)
}

func (a *area) shelf(info *typeInfo, cluster string) *shelf {
	if !info.cluster || cluster == star {
		if a.every == nil {
			a.every = &shelf{}
		}
		return a.every
	}
	sh := a.clusters[cluster]
	if sh == nil {
		sh = &shelf{}
		if a.clusters == nil {
			a.clusters = map[string]*shelf{}
		}
		a.clusters[cluster] = sh
	}
	return sh
}

func (sh *shelf) bucket(info *typeInfo, connect string) *bucket {
	if info.connect == "" || connect == star {
		if sh.every == nil {
			sh.every = &bucket{}
		}
		return sh.every
	}
	b := sh.connects[connect]
	if b == nil {
		b = &bucket{}
		if sh.connects == nil {
			sh.connects = map[string]*bucket{}
		}
		sh.connects[connect] = b
	}
	return b
}

func (b *bucket) add(info *typeInfo, g *Grant, set permissionSet) {
	switch {
	case !info.name, g.Pattern == Literal && g.Name == star, g.Pattern == Prefixed && g.Name == "":
		b.all.add(g, set)
	case g.Pattern == Literal:
		e := b.literals[g.Name]
		if e == nil {
			e = &entry{}
			if b.literals == nil {
				b.literals = map[string]*entry{}
			}
			b.literals[g.Name] = e
		}
		e.add(g, set)
	default:
		b.prefixes = append(b.prefixes, g.Name)
		b.nodes = append(b.nodes, node{entry: entry{set: set, by: []granted{{set, g}}}})
	}
}

func (e *entry) add(g *Grant, set permissionSet) {
	if set&^e.set == 0 {
		return
	}
	e.set |= set
	e.by = append(e.by, granted{set, g})
}

func (a *area) seal() {
	if a.every != nil {
		a.every.seal()
	}
	for _, sh := range a.clusters {
		sh.seal()
	}
}

func (sh *shelf) seal() {
	if sh.every != nil {
		sh.every.seal()
	}
	for _, b := range sh.connects {
		b.seal()
	}
}

// seal sorts the prefixes, joins equal ones and links each to its parent.
func (b *bucket) seal() {
	if len(b.prefixes) == 0 {
		return
	}
	order := make([]int, len(b.prefixes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return strings.Compare(b.prefixes[i], b.prefixes[j]) })
	var prefixes []string
	var nodes []node
	var open []int // the chain of prefixes that the current one may begin with
	for _, i := range order {
		name, own := b.prefixes[i], b.nodes[i]
		if last := len(prefixes) - 1; last >= 0 && prefixes[last] == name {
			nodes[last].add(own.by[0].grant, own.set)
			nodes[last].reach |= own.set
			continue
		}
		for len(open) > 0 && !strings.HasPrefix(name, prefixes[open[len(open)-1]]) {
			open = open[:len(open)-1]
		}
		own.parent, own.reach = -1, own.set
		if len(open) > 0 {
			own.parent = open[len(open)-1]
			own.reach |= nodes[own.parent].reach
		}
		open = append(open, len(prefixes))
		prefixes = append(prefixes, name)
		nodes = append(nodes, own)
	}
	b.prefixes, b.nodes = prefixes, nodes
}

// deepest is the longest prefix that name begins with, or -1.
//
// Every prefix of name that sorts at or before name's neighbour is also a prefix
// of that neighbour, so the answer is the neighbour or one of its ancestors, and
// an ancestor fits exactly when it is no longer than what name and neighbour share.
func (b *bucket) deepest(name string) int {
	if len(b.prefixes) == 0 {
		return -1
	}
	i, found := slices.BinarySearch(b.prefixes, name)
	if found {
		return i
	}
	i--
	if i < 0 {
		return -1
	}
	neighbour := b.prefixes[i]
	shared := 0
	for shared < len(neighbour) && shared < len(name) && neighbour[shared] == name[shared] {
		shared++
	}
	for i >= 0 && len(b.prefixes[i]) > shared {
		i = b.nodes[i].parent
	}
	return i
}

func (b *bucket) find(name string, want permissionSet) *Grant {
	if b == nil {
		return nil
	}
	if e := b.literals[name]; e != nil && e.set&want != 0 {
		return e.find(want)
	}
	if i := b.deepest(name); i >= 0 && b.nodes[i].reach&want != 0 {
		for b.nodes[i].set&want == 0 {
			i = b.nodes[i].parent
		}
		return b.nodes[i].find(want)
	}
	if b.all.set&want != 0 {
		return b.all.find(want)
	}
	return nil
}

func (e *entry) find(want permissionSet) *Grant {
	for i := range e.by {
		if e.by[i].set&want != 0 {
			return e.by[i].grant
		}
	}
	return nil
}

// held is every permission on one name.
func (b *bucket) held(name string) permissionSet {
	if b == nil {
		return 0
	}
	set := b.all.set
	if e := b.literals[name]; e != nil {
		set |= e.set
	}
	if i := b.deepest(name); i >= 0 {
		set |= b.nodes[i].reach
	}
	return set
}

// buckets are those that apply to a cluster and connect cluster, most specific
// first; unused places are nil.
func (a *area) buckets(cluster, connect string) [4]*bucket {
	var found [4]*bucket
	if sh := a.clusters[cluster]; sh != nil {
		found[0], found[1] = sh.connects[connect], sh.every
	}
	if sh := a.every; sh != nil {
		found[2], found[3] = sh.connects[connect], sh.every
	}
	return found
}

// Decision is the answer to a Need.
type Decision struct {
	Allowed bool
	// By is the grant that allows it, the most specific when there are several;
	// nil when refused. For an admin it carries only the Source.
	By *Grant
	// Reason says in words what is missing and what the principal holds there;
	// empty when allowed.
	Reason string
}

// Decide answers a need. It allocates nothing when the answer is yes.
func (s *Subject) Decide(n Need) Decision {
	if by := s.find(&n); by != nil {
		return Decision{Allowed: true, By: by}
	}
	return Decision{Reason: s.refusal(&n)}
}

// Allows is Decide without the reason; it never allocates.
func (s *Subject) Allows(n Need) bool {
	return s.find(&n) != nil
}

func (s *Subject) find(n *Need) *Grant {
	if s == nil {
		return nil
	}
	if s.admin != nil {
		return s.admin
	}
	t, ok := indexOf(n.Resource)
	if !ok {
		return nil
	}
	want := setOf(t, n.AnyOf)
	if s.areas[t].reach&want == 0 {
		return nil
	}
	for _, b := range s.areas[t].buckets(n.Cluster, n.Connect) {
		if g := b.find(n.Name, want); g != nil {
			return g
		}
	}
	return nil
}

// Held lists every permission that the subject has on one resource, in the order
// of PermissionsOf. For an admin that is all of them.
func (s *Subject) Held(r ResourceType, cluster, connect, name string) []Permission {
	t, ok := indexOf(r)
	if !ok || s == nil {
		return nil
	}
	if s.admin != nil {
		return slices.Clone(catalogue[t].permissions)
	}
	var set permissionSet
	for _, b := range s.areas[t].buckets(cluster, connect) {
		set |= b.held(name)
	}
	return listOf(t, set)
}

// CanAny reports whether the subject has one of the permissions on at least one
// resource of the type in the cluster, or in any cluster when cluster is empty.
// It never allocates.
func (s *Subject) CanAny(r ResourceType, cluster string, anyOf ...Permission) bool {
	t, ok := indexOf(r)
	if !ok || s == nil {
		return false
	}
	if s.admin != nil {
		return true
	}
	want := setOf(t, anyOf)
	a := &s.areas[t]
	if cluster == "" || !catalogue[t].cluster {
		return a.reach&want != 0
	}
	return a.in(cluster)&want != 0
}

// in is the union of what is granted on anything in the cluster.
func (a *area) in(cluster string) permissionSet {
	var set permissionSet
	if a.every != nil {
		set = a.every.reach
	}
	if sh := a.clusters[cluster]; sh != nil {
		set |= sh.reach
	}
	return set
}

// AnyIn reports whether the subject has any permission on anything in the
// cluster, which is what makes a Kafka cluster visible to him.
func (s *Subject) AnyIn(cluster string) bool {
	if s == nil {
		return false
	}
	if s.admin != nil {
		return true
	}
	for t := range s.areas {
		if catalogue[t].cluster && s.areas[t].in(cluster) != 0 {
			return true
		}
	}
	return false
}

// Admin reports why everything is allowed, or nil.
func (s *Subject) Admin() *Source {
	if s == nil || s.admin == nil {
		return nil
	}
	source := s.admin.Source
	return &source
}

// Grants lists what the subject was compiled from, in the same order. The slice
// is the caller's own.
func (s *Subject) Grants() []Grant {
	if s == nil {
		return nil
	}
	return slices.Clone(s.grants)
}
