package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Kind is one version of a resource kind as the document describes it: a list
// path with GET and PUT (and sometimes POST), an item path with GET and DELETE.
// Its fields must not be changed.
type Kind struct {
	// Name is the value of a resource's field "kind", such as KsqlDBCluster.
	Name string
	// Version is the short form of apiVersion, such as v2.
	Version string
	// Group is the API group, such as kafka.
	Group string
	// Kebab is the kind's name in the tag, such as ksql-d-b-cluster.
	Kebab string
	// Order is the place in the order of application; deletion goes backwards.
	Order int
	// ListPath is the path without /api that lists and applies, and ItemPath the
	// one that reads and deletes one resource.
	ListPath, ItemPath string
	// NameParam is the last path parameter of ItemPath, and NamePattern the
	// regular expression (RE2) it must match, or empty.
	NameParam, NamePattern string
	// Names are all that a resource may have; nil where they are free.
	Names []string
	// Parents are the path parameters of ListPath in the order of the path.
	// Each is also a required field of metadata that must equal it.
	Parents []string
	// Filters are the query parameters of the list that are not Owner.
	Filters []Param
	// Owner are the query parameters that every operation of the kind has: they
	// say to whom the resource belongs, and are fields of metadata too.
	Owner []Param
	// Create says that there is a POST, which only creates.
	Create bool
	// Licensed says that the real Console refuses the kind on its free plan.
	Licensed bool
	// Deprecated says that a newer version of the kind should be used.
	Deprecated bool

	doc     *Document
	example json.RawMessage
}

// Param is a query parameter.
type Param struct {
	Name     string
	Type     string // string, boolean, integer …
	Format   string // date-time, int32 … or empty
	Pattern  string // RE2, or empty
	Enum     []string
	Required bool
}

type catalogue struct {
	list []*Kind
	// byName holds the versions of each kind, oldest first.
	byName map[string][]*Kind
}

// Kinds returns every kind of the document in the order of application. The
// first call reads the catalogue. Do not change the slice.
func (d *Document) Kinds() []*Kind { return d.kinds().list }

var version = regexp.MustCompile(`v[0-9]+`)

// Kind returns the kind that a resource's apiVersion and kind name. The version
// is the first v<digits> in apiVersion, so v2, iam/v2 and kafka/v2 are the same,
// as the Conduktor CLI reads them. The error says which of the two is wrong and
// what would be right.
func (d *Document) Kind(apiVersion, kind string) (*Kind, error) {
	c := d.kinds()
	versions := c.byName[kind]
	if len(versions) == 0 {
		if kind == "" {
			return nil, fmt.Errorf("kind: missing; name one of %s", strings.Join(c.names(), ", "))
		}
		if near := nearest(kind, c.names()); near != "" {
			return nil, fmt.Errorf("kind: unknown kind %q; did you mean %s?", kind, near)
		}
		return nil, fmt.Errorf("kind: unknown kind %q; known are %s", kind, strings.Join(c.names(), ", "))
	}
	want := version.FindString(apiVersion)
	var known []string
	for _, k := range versions {
		if k.Version == want {
			return k, nil
		}
		known = append(known, k.Version)
	}
	if apiVersion == "" {
		return nil, fmt.Errorf("apiVersion: missing; %s needs %s", kind, strings.Join(known, " or "))
	}
	return nil, fmt.Errorf("apiVersion: %s has no version %q; use %s", kind, apiVersion, strings.Join(known, " or "))
}

func (c catalogue) names() []string {
	var names []string
	for _, k := range c.list {
		if !slices.Contains(names, k.Name) {
			names = append(names, k.Name)
		}
	}
	return names
}

// readKinds reads the extract that the bundler makes of the document; a test
// reads the same out of the document as the Conduktor CLI does.
func (d *Document) readKinds() catalogue {
	var entries []struct {
		Kind
		Example json.RawMessage
	}
	if err := json.Unmarshal(d.kindsJSON, &entries); err != nil {
		// The bytes are embedded and tested; they cannot be otherwise at run time.
		panic("openapi: embedded document: " + err.Error())
	}
	c := catalogue{byName: make(map[string][]*Kind)}
	for _, e := range entries {
		k := e.Kind
		k.doc, k.example = d, e.Example
		c.list = append(c.list, &k)
		c.byName[k.Name] = append(c.byName[k.Name], &k)
	}
	return c
}

// Validate checks a whole resource against the kind's input schema and returns
// what is wrong with it, at most 25 problems, or nil. Beyond the schema's words:
//
//   - A field that the schema does not know is a problem that names the nearest
//     known field, since typing errors in YAML are what people lose time on.
//   - Read-only fields are not looked at: what GET answered may be put back.
//   - null in a field that is not required counts as absent.
func (k *Kind) Validate(resource map[string]any) []Problem {
	c := newChecker(toServer, true)
	c.check(k.schema(), resource)
	return c.problems
}

// Example returns the document's example of a resource to apply; each call
// returns a fresh copy.
func (k *Kind) Example() map[string]any {
	var example map[string]any
	decode(k.example, &example)
	return example
}

func (k *Kind) schema() *schema { return k.doc.checks().operation("PUT", k.ListPath).body }

// decode reads embedded JSON with numbers kept as json.Number.
func decode(data []byte, into any) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		panic("openapi: embedded document: " + err.Error())
	}
}
