package openapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
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

	doc *Document
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
// first call reads them out of the document. Do not change the slice.
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

// kindTag is the tag that the Conduktor CLI builds its kinds from:
// cli_<kebab-kind>_<group>_v<version>_<order>.
var kindTag = regexp.MustCompile(`^cli_([^_]+)_([^_]+)_(v[0-9]+)_([0-9]+)$`)

var pathParam = regexp.MustCompile(`\{([^}]+)\}`)

// The outline types are as much of a document as the catalogue needs; what they
// do not name is skipped by the decoder.
type outline struct {
	Paths map[string]outlinePath `json:"paths"`
}

type outlinePath struct {
	Get, Put, Post *outlineOperation
}

type outlineOperation struct {
	Tags       []string       `json:"tags"`
	Deprecated bool           `json:"deprecated"`
	Licensed   bool           `json:"x-licensed"`
	Parameters []outlineParam `json:"parameters"`
}

type outlineParam struct {
	Name     string `json:"name"`
	In       string `json:"in"`
	Required bool   `json:"required"`
	Schema   struct {
		Type    string   `json:"type"`
		Format  string   `json:"format"`
		Pattern string   `json:"pattern"`
		Enum    []string `json:"enum"`
	} `json:"schema"`
}

func (d *Document) readKinds() catalogue {
	var o outline
	if err := json.Unmarshal(d.json, &o); err != nil {
		// The bytes are embedded and tested; they cannot be otherwise at run time.
		panic("openapi: embedded document: " + err.Error())
	}
	c := catalogue{byName: make(map[string][]*Kind)}
	for path, item := range o.Paths {
		if item.Get == nil || item.Put == nil {
			continue
		}
		k := kindOf(path, item)
		if k == nil {
			continue
		}
		k.doc = d
		for itemPath, one := range o.Paths {
			name, ok := strings.CutPrefix(itemPath, path+"/{")
			if !ok || !strings.HasSuffix(name, "}") || strings.Contains(name, "/") || one.Get == nil {
				continue
			}
			k.ItemPath, k.NameParam = itemPath, strings.TrimSuffix(name, "}")
			for _, p := range one.Get.Parameters {
				if p.In == "path" && p.Name == k.NameParam {
					k.NamePattern = p.Schema.Pattern
				}
			}
		}
		c.list = append(c.list, k)
	}
	slices.SortFunc(c.list, func(a, b *Kind) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version))
	})
	for _, k := range c.list {
		c.byName[k.Name] = append(c.byName[k.Name], k)
	}
	return c
}

func kindOf(path string, item outlinePath) *Kind {
	var tag []string
	for _, t := range item.Put.Tags {
		if tag = kindTag.FindStringSubmatch(t); tag != nil {
			break
		}
	}
	if tag == nil {
		return nil
	}
	order, _ := strconv.Atoi(tag[4])
	k := &Kind{
		Name: camel(tag[1]), Kebab: tag[1], Group: tag[2], Version: tag[3], Order: order,
		ListPath: path, Create: item.Post != nil,
		Licensed: item.Put.Licensed, Deprecated: item.Put.Deprecated,
	}
	for _, m := range pathParam.FindAllStringSubmatch(path, -1) {
		k.Parents = append(k.Parents, m[1])
	}
	owner := make(map[string]bool)
	for _, p := range item.Put.Parameters {
		if p.In == "query" && p.Name != "dryMode" {
			owner[p.Name] = true
		}
	}
	for _, p := range item.Get.Parameters {
		if p.In != "query" {
			continue
		}
		param := Param{
			Name: p.Name, Required: p.Required,
			Type: p.Schema.Type, Format: p.Schema.Format, Pattern: p.Schema.Pattern, Enum: p.Schema.Enum,
		}
		if owner[p.Name] {
			k.Owner = append(k.Owner, param)
		} else {
			k.Filters = append(k.Filters, param)
		}
	}
	return k
}

// camel turns a kebab name into the kind's: ksql-d-b-cluster is KsqlDBCluster.
func camel(kebab string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(kebab, "-") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]))
			b.WriteString(part[1:])
		}
	}
	return b.String()
}

// Validate checks a whole resource against the kind's input schema and returns
// what is wrong with it, at most 25 problems, or nil. Beyond the schema's words:
//
//   - A field that the schema does not know is a problem that names the nearest
//     known field, since typing errors in YAML are what people lose time on.
//   - Read-only fields are not looked at: what GET answered may be put back.
//   - null in a field that is not required counts as absent.
func (k *Kind) Validate(resource map[string]any) []Problem {
	c := checker{direction: toServer, closed: true}
	c.check(k.schema(), resource, nil)
	return c.problems
}

// Example returns the document's example of a resource to apply; each call
// returns a fresh copy.
func (k *Kind) Example() map[string]any {
	var example map[string]any
	if op := k.doc.schemas().operation("PUT", k.ListPath); op != nil && op.example != nil {
		decode(op.example, &example)
	}
	return example
}

func (k *Kind) schema() *schema { return k.doc.schemas().operation("PUT", k.ListPath).body }

// decode reads embedded JSON with numbers kept as json.Number.
func decode(data []byte, into any) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		panic("openapi: embedded document: " + err.Error())
	}
}
