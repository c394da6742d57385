package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// bundle is a document while it is put together.
type bundle struct {
	root       *yaml.Node // info.yaml
	tags       *yaml.Node
	pathItems  *yaml.Node
	components *yaml.Node
	// pathParams are the shared path parameters by name.
	pathParams *yaml.Node
	// errorNames are the shared error answers by status, with "t" at its end for
	// plain text.
	errorNames map[string]string
	variants   map[string]string
	inputs     []*kindExpansion
	operations map[string]string // by operationId, where it is
}

// read bundles the sources of one document: info.yaml in the first directory,
// and kinds/*.yaml, schemas/*.yaml and paths/*.yaml in all of them.
func read(dirs []string) (*bundle, error) {
	root, err := load(filepath.Join(dirs[0], "info.yaml"))
	if err != nil {
		return nil, err
	}
	b := &bundle{
		root: root, tags: take(root, "tags"), pathItems: object(), components: take(root, "components"),
		pathParams: take(root, "path-parameters"), errorNames: make(map[string]string),
		variants: make(map[string]string), operations: make(map[string]string),
	}
	if b.tags == nil {
		b.tags = list()
	}
	b.errors(take(root, "errors"))
	if err := b.sources(dirs); err != nil {
		return nil, err
	}
	for _, x := range b.inputs {
		if err := x.takeInput(); err != nil {
			return nil, err
		}
	}
	walk(b.components, func(n *yaml.Node) { take(n, outputOnly) })
	sortFields(get(b.components, "schemas"))
	for _, part := range fields(object("tags", b.tags, "paths", b.pathItems, "components", b.components)) {
		set(root, part.name, part.value)
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	b.inlineParameters()
	b.dropUnused()
	return b, nil
}

func (b *bundle) sources(dirs []string) error {
	type source struct {
		file string
		node *yaml.Node
	}
	var kinds, paths []source
	for _, dir := range dirs {
		for _, folder := range []string{"schemas", "kinds", "paths"} {
			names, err := filepath.Glob(filepath.Join(dir, folder, "*.yaml"))
			if err != nil {
				return err
			}
			slices.Sort(names)
			for _, name := range names {
				node, err := load(name)
				if err != nil {
					return err
				}
				s := source{name, node}
				switch folder {
				case "kinds":
					kinds = append(kinds, s)
				case "paths":
					paths = append(paths, s)
				default:
					for _, c := range fields(node) {
						if err := b.component("schemas", name, c); err != nil {
							return err
						}
					}
				}
			}
		}
	}
	slices.SortStableFunc(kinds, func(a, z source) int {
		order := func(s source, part string) int {
			n, _ := strconv.Atoi(value(get(s.node, "cli"), part)) // the catalogue's test sees a bad one
			return n
		}
		return cmp.Or(order(a, "order")-order(z, "order"), order(a, "version")-order(z, "version"))
	})
	for _, s := range kinds {
		if err := b.kind(s.file, s.node); err != nil {
			return err
		}
	}
	for _, s := range paths {
		if err := b.pathsFile(s.file, s.node); err != nil {
			return err
		}
	}
	return nil
}

func load(file string) (*yaml.Node, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s: not a mapping", file)
	}
	if err := plain(doc.Content[0]); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return doc.Content[0], nil
}

// plain drops what does not belong into the document (comments, styles) and
// makes every time a string, which JSON has no other word for.
func plain(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return fmt.Errorf("line %d: no anchors, please: use a component", n.Line)
	}
	n.HeadComment, n.LineComment, n.FootComment, n.Style = "", "", "", 0
	if n.Tag == "!!timestamp" {
		n.Tag = "!!str"
	}
	seen := make(map[string]bool)
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			if seen[child.Value] {
				return fmt.Errorf("line %d: %s stands twice", child.Line, child.Value)
			}
			seen[child.Value] = true
			child.Tag = "!!str"
		}
		if err := plain(child); err != nil {
			return err
		}
	}
	return nil
}

// errors makes the shared answers. The short form is
// <status>: {name, description, title}; a status that ends in t is plain text.
func (b *bundle) errors(short *yaml.Node) {
	responses := object()
	for _, f := range fields(short) {
		name, title := value(f.value, "name"), value(f.value, "title")
		b.errorNames[f.name] = name
		content := object("application/json", object(
			"schema", ref(schemaPrefix+"Error"),
			"example", object("title", text(title)),
		))
		if strings.HasSuffix(f.name, "t") {
			content = object("text/plain", object("schema", object("type", text("string")), "example", text(title)))
		}
		set(responses, name, object("description", text(value(f.value, "description")), "content", content))
	}
	set(b.components, "responses", responses)
}

func (b *bundle) component(section, file string, c field) error {
	all := get(b.components, section)
	if all == nil {
		all = object()
		set(b.components, section, all)
	}
	if get(all, c.name) != nil {
		return fmt.Errorf("%s:%d: component %s is described twice", file, c.at.Line, c.name)
	}
	set(all, c.name, c.value)
	return nil
}

func (b *bundle) parameter(name string) *yaml.Node {
	short := get(b.pathParams, name)
	if short == nil {
		return nil
	}
	return object("name", text(name), "in", text("path"), "required", boolean(true),
		"description", get(short, "description"), "schema", get(short, "schema"), "example", get(short, "example"))
}

func (b *bundle) addPath(file, path string, at *yaml.Node, item *yaml.Node) error {
	existing := get(b.pathItems, path)
	if existing == nil {
		set(b.pathItems, path, item)
		existing = item
	} else {
		for _, op := range fields(item) {
			if get(existing, op.name) != nil {
				return fmt.Errorf("%s:%d: %s %s is described twice", file, at.Line, op.name, path)
			}
			set(existing, op.name, op.value)
		}
	}
	for _, op := range fields(item) {
		id := value(op.value, "operationId")
		if other := b.operations[id]; other != "" {
			return fmt.Errorf("%s: operationId %q of %s %s is also that of %s", file, id, op.name, path, other)
		}
		b.operations[id] = op.name + " " + path
	}
	return nil
}

func sortFields(n *yaml.Node) {
	all := fields(n)
	slices.SortFunc(all, func(a, z field) int { return strings.Compare(a.name, z.name) })
	n.Content = n.Content[:0]
	for _, f := range all {
		n.Content = append(n.Content, text(f.name), f.value)
	}
}

// check finds references that lead nowhere and components that nothing uses.
func (b *bundle) check() error {
	used := b.used()
	var missing []string
	for target := range used {
		section, name, _ := strings.Cut(strings.TrimPrefix(target, "#/components/"), "/")
		if get(get(b.components, section), name) == nil {
			missing = append(missing, target)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return fmt.Errorf("references lead nowhere: %s", strings.Join(missing, ", "))
	}
	for _, f := range fields(get(b.components, "schemas")) {
		if !used[schemaPrefix+f.name] {
			return fmt.Errorf("schema %s is not used", f.name)
		}
	}
	return nil
}

func (b *bundle) used() map[string]bool {
	used := make(map[string]bool)
	walk(b.root, func(n *yaml.Node) {
		if target := value(n, "$ref"); target != "" {
			used[target] = true
		}
	})
	return used
}

// inlineParameters writes the schemas of parameters out, so that whoever reads
// the catalogue of kinds need not follow references.
func (b *bundle) inlineParameters() {
	schemas := get(b.components, "schemas")
	for _, path := range fields(b.pathItems) {
		for _, op := range fields(path.value) {
			parameters := get(op.value, "parameters")
			if parameters == nil {
				continue
			}
			for _, p := range parameters.Content {
				if target := value(get(p, "schema"), "$ref"); target != "" {
					set(p, "schema", clone(get(schemas, strings.TrimPrefix(target, schemaPrefix))))
				}
			}
		}
	}
}

// dropUnused removes the shared answers that no operation gives and the schemas
// that only parameters named.
func (b *bundle) dropUnused() {
	used := b.used()
	for _, section := range []string{"schemas", "responses"} {
		all := get(b.components, section)
		for _, f := range fields(all) {
			if !used["#/components/"+section+"/"+f.name] {
				take(all, f.name)
			}
		}
	}
}
