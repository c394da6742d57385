package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// kindFields are the fields of a kind file; README.md explains them.
var kindFields = map[string]bool{
	"kind": true, "apiVersion": true, "cli": true, "schema": true, "path": true, "name": true, "about": true,
	"filters": true, "owner": true, "create": true, "licensed": true, "deprecated": true,
	"text": true, "needs": true, "refuses": true, "example": true, "output": true,
	"metadata": true, "spec": true, "components": true,
}

var pathParam = regexp.MustCompile(`\{([^}]+)\}`)

// kind expands a kind file into its paths and schemas.
func (b *bundle) kind(file string, k *yaml.Node) error {
	for _, f := range fields(k) {
		if !kindFields[f.name] {
			return fmt.Errorf("%s:%d: %s is not a field of a kind file", file, f.at.Line, f.name)
		}
	}
	for _, required := range []string{"kind", "cli", "path", "name", "about", "needs", "example", "metadata", "spec"} {
		if get(k, required) == nil {
			return fmt.Errorf("%s: %s is missing", file, required)
		}
	}
	x := &kindExpansion{bundle: b, file: file, k: k, kind: value(k, "kind")}
	x.prefix = value(k, "schema")
	if x.prefix == "" {
		x.prefix = x.kind
	}
	cli := get(k, "cli")
	x.version = "v" + value(cli, "version")
	kebab := value(cli, "kebab")
	if kebab == "" {
		kebab = kebabOf(x.kind)
	}
	x.tag = fmt.Sprintf("cli_%s_%s_%s_%s", kebab, value(cli, "group"), x.version, value(cli, "order"))
	b.tags.Content = append(b.tags.Content, object("name", text(x.tag), "x-displayName", text(x.title()), "description", get(k, "about")))

	for _, c := range fields(get(k, "components")) {
		if err := b.component("schemas", file, c); err != nil {
			return err
		}
	}
	if err := x.schemas(); err != nil {
		return err
	}
	return x.paths()
}

// kindExpansion is one kind on its way into the document.
type kindExpansion struct {
	*bundle
	file, kind, version string
	// prefix begins the names of the kind's components; tag is the CLI's.
	prefix, tag string
	k           *yaml.Node
}

func (x *kindExpansion) title() string {
	if x.prefix != x.kind {
		return x.kind + " " + x.version
	}
	return x.kind
}

// kebabOf writes KafkaCluster as kafka-cluster and KsqlDBCluster as
// ksql-d-b-cluster, which the Conduktor CLI turns back into the kind.
func kebabOf(kind string) string {
	var out strings.Builder
	for i, r := range kind {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				out.WriteByte('-')
			}
			r += 'a' - 'A'
		}
		out.WriteRune(r)
	}
	return out.String()
}

func (x *kindExpansion) schemas() error {
	apiVersion := get(x.k, "apiVersion")
	if apiVersion == nil {
		// Unanchored, so that a group may stand before it: kafka/v2.
		apiVersion = object("type", text("string"), "pattern", text(x.version))
	}
	envelope := object(
		"type", text("object"),
		"description", get(x.k, "about"),
		"required", texts("apiVersion", "kind", "metadata", "spec"),
		"properties", object(
			"apiVersion", apiVersion,
			"kind", object("type", text("string"), "enum", texts(x.kind)),
			"metadata", ref("#/components/schemas/"+x.prefix+"Metadata"),
			"spec", ref("#/components/schemas/"+x.prefix+"Spec"),
		),
	)
	add := func(name string, schema *yaml.Node) error {
		return x.component("schemas", x.file, field{name: name, value: schema, at: x.k})
	}
	if err := add(x.prefix, envelope); err != nil {
		return err
	}
	if err := add(x.prefix+"Metadata", get(x.k, "metadata")); err != nil {
		return err
	}
	if err := add(x.prefix+"Spec", get(x.k, "spec")); err != nil {
		return err
	}
	x.inputs = append(x.inputs, x)
	result := func(outcome string, of *yaml.Node) *yaml.Node {
		return object(
			"type", text("object"),
			"required", texts("resource", outcome),
			"properties", object("resource", ref("#/components/schemas/"+x.prefix), outcome, of),
		)
	}
	if err := add(x.prefix+"ApplyResult", result("upsertResult", ref("#/components/schemas/UpsertResult"))); err != nil {
		return err
	}
	if isTrue(x.k, "create") {
		return add(x.prefix+"CreateResult", result("createResult", ref("#/components/schemas/CreateResult")))
	}
	return nil
}

// takeInput makes every part that only callers send point at the input variant.
// It runs when all sources are read, since a variant may need any component.
func (x *kindExpansion) takeInput() error {
	input, err := x.inputVariant(x.prefix)
	if err != nil {
		return err
	}
	schemas := get(x.components, "schemas")
	point := func(n *yaml.Node) { set(n, "$ref", text("#/components/schemas/"+input)) }
	list := get(x.pathItems, value(x.k, "path"))
	for _, method := range []string{"put", "post"} {
		if op := get(list, method); op != nil {
			point(get(get(get(get(op, "requestBody"), "content"), "application/json"), "schema"))
		}
	}
	for _, suffix := range []string{"ApplyResult", "CreateResult"} {
		if result := get(schemas, x.prefix+suffix); result != nil {
			point(get(get(result, "properties"), "resource"))
		}
	}
	return nil
}

func (x *kindExpansion) paths() error {
	path := value(x.k, "path")
	var parents []*yaml.Node
	for _, m := range pathParam.FindAllStringSubmatch(path, -1) {
		p := x.parameter(m[1])
		if p == nil {
			return fmt.Errorf("%s: path parameter %s has no description in path-parameters", x.file, m[1])
		}
		// The kind's own example may lie in another cluster than those of the rest.
		if named := get(get(get(x.k, "example"), "metadata"), m[1]); named != nil {
			set(p, "example", clone(named))
		}
		parents = append(parents, p)
	}
	name := get(x.k, "name")
	nameParam := value(name, "parameter")
	item := object("name", text(nameParam), "in", text("path"), "required", boolean(true),
		"description", text("Name of the resource: its metadata.name"), "schema", get(name, "schema"),
		"example", clone(get(get(get(x.k, "example"), "metadata"), "name")))
	if nameParam == "" || get(name, "schema") == nil {
		return fmt.Errorf("%s: name needs parameter and schema", x.file)
	}
	owner, err := x.query("owner")
	if err != nil {
		return err
	}
	filters, err := x.query("filters")
	if err != nil {
		return err
	}
	dry := object("name", text("dryMode"), "in", text("query"), "required", boolean(false),
		"description", text("Say what would happen, change nothing"),
		"schema", object("type", text("boolean"), "default", boolean(false)))

	answer := clone(get(x.k, "example"))
	overlay(answer, get(x.k, "output"))
	resource := ref("#/components/schemas/" + x.prefix)
	body := func() *yaml.Node {
		return object("required", boolean(true), "content", object("application/json",
			object("schema", ref("#/components/schemas/"+x.prefix), "example", clone(get(x.k, "example")))))
	}
	ok := func(description string, schema, example *yaml.Node) *yaml.Node {
		return object("description", text(description),
			"content", object("application/json", object("schema", schema, "example", example)))
	}
	parameters := func(groups ...[]*yaml.Node) *yaml.Node {
		n := list()
		for _, group := range groups {
			for _, p := range group {
				n.Content = append(n.Content, clone(p))
			}
		}
		if len(n.Content) == 0 {
			return nil
		}
		return n
	}
	read := []string{"400", "401", "403", "404", "500"}
	write := []string{"400", "401", "403", "404", "409", "500"}

	collection := object(
		"get", x.operation("list", "List", nil, parameters(parents, owner, filters),
			ok("The resources that you may see, in order of their names", object("type", text("array"), "items", resource), list(clone(answer))), read),
		"put", x.operation("apply", "Apply", body(), parameters(parents, owner, []*yaml.Node{dry}),
			ok("What happened, and the resource as it is now",
				ref("#/components/schemas/"+x.prefix+"ApplyResult"),
				object("resource", clone(get(x.k, "example")), "upsertResult", text("Created"))), write),
	)
	if isTrue(x.k, "create") {
		set(collection, "post", x.operation("create", "Create", body(), parameters(parents, owner),
			ok("The new resource",
				ref("#/components/schemas/"+x.prefix+"CreateResult"),
				object("resource", clone(get(x.k, "example")), "createResult", text("Created"))), write))
	}
	one := object(
		"get", x.operation("get", "Get", nil, parameters(parents, []*yaml.Node{item}, owner),
			ok("The resource", clone(resource), clone(answer)), read),
		"delete", x.operation("delete", "Delete", nil, parameters(parents, []*yaml.Node{item}, owner),
			object("description", text("The resource is gone; the body is empty")), write),
	)
	if err := x.addPath(x.file, path, x.k, collection); err != nil {
		return err
	}
	return x.addPath(x.file, path+"/{"+nameParam+"}", x.k, one)
}

// query turns the short form name: {schema, description} into parameters.
func (x *kindExpansion) query(name string) ([]*yaml.Node, error) {
	var out []*yaml.Node
	for _, f := range fields(get(x.k, name)) {
		schema := get(f.value, "schema")
		if schema == nil || get(f.value, "description") == nil {
			return nil, fmt.Errorf("%s:%d: %s needs schema and description", x.file, f.at.Line, f.name)
		}
		out = append(out, object("name", text(f.name), "in", text("query"), "required", boolean(false),
			"description", get(f.value, "description"), "schema", schema))
	}
	return out, nil
}

// defaultTexts say what each operation does where the kind file does not.
var defaultTexts = map[string]string{
	"list":   "Lists every %s that you may see, without paging.",
	"get":    "Reads one %s. The answer may be put back as it is.",
	"apply":  "Creates the %s or replaces it. Applying the same again answers NotChanged.",
	"create": "Creates the %s; refuses one that exists.",
	"delete": "Deletes the %s.",
}

func (x *kindExpansion) operation(action, verb string, body, parameters, success *yaml.Node, errors []string) *yaml.Node {
	description := value(get(x.k, "text"), action)
	if description == "" {
		description = fmt.Sprintf(defaultTexts[action], x.kind)
	}
	needs := get(x.k, "needs")
	need := value(needs, action)
	if need == "" {
		group := "write"
		if action == "list" || action == "get" {
			group = "read"
		}
		need = value(needs, group)
	}
	description = describe(description, need, get(get(x.k, "refuses"), action))
	responses := object("200", success)
	if body != nil && x.errorNames["415"] != "" {
		errors = append(slices.Clone(errors), "415")
	}
	for _, status := range errors {
		// A document that knows no such answer asks for no credentials.
		if name := x.errorNames[status]; name != "" {
			set(responses, status, ref("#/components/responses/"+name))
		}
	}
	op := object(
		"tags", texts(x.tag),
		"operationId", text(strings.ToLower(verb)+x.prefix),
		"summary", text(verb+" "+x.title()),
		"description", text(description),
	)
	if isTrue(x.k, "deprecated") {
		set(op, "deprecated", boolean(true))
	}
	if isTrue(x.k, "licensed") {
		set(op, "x-licensed", boolean(true))
	}
	for _, part := range fields(object("parameters", parameters, "requestBody", body, "responses", responses)) {
		set(op, part.name, part.value)
	}
	return op
}

// describe joins what an operation does, needs and refuses into one text.
func describe(what, needs string, refuses *yaml.Node) string {
	parts := []string{strings.TrimSpace(what)}
	if needs != "" {
		parts = append(parts, "Needs: "+strings.TrimSpace(needs))
	}
	if refuses != nil && len(refuses.Content) > 0 {
		lines := []string{"Refused:\n"}
		for _, r := range refuses.Content {
			lines = append(lines, "- "+strings.TrimSpace(r.Value))
		}
		parts = append(parts, strings.Join(lines, "\n"))
	}
	return strings.Join(parts, "\n\n")
}
