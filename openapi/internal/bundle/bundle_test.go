package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDistIsFresh: what is embedded is what the sources say. When this fails, run
// go generate ./openapi.
func TestDistIsFresh(t *testing.T) {
	for _, name := range []string{"console", "mock"} {
		results, err := build([]string{"../../" + name})
		if err != nil {
			t.Fatal(err)
		}
		for ending, want := range results {
			file := "../../dist/" + name + ending
			got, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s is not what the sources say; run go generate ./openapi", file)
			}
			if embeddedCompressed[ending] && !bytes.Equal(unpacked(t, file+".gz"), want) {
				t.Errorf("%s.gz is not what the sources say; run go generate ./openapi", file)
			}
		}
	}
}

func unpacked(t *testing.T, file string) []byte {
	t.Helper()
	packed, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	r, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

const info = `
openapi: 3.1.0
info: {title: Test, version: v1}
components: {schemas: {}}
path-parameters:
  cluster: {description: c, schema: {type: string}}
errors:
  "400": {name: BadRequest, description: d, title: bad}
  400t: {name: BadRequestText, description: d, title: bad}
  "401": {name: Unauthorized, description: d, title: who}
  "403": {name: Forbidden, description: d, title: no}
  "404": {name: NotFound, description: d, title: where}
  "409": {name: Conflict, description: d, title: but}
  "500": {name: ServerError, description: d, title: oh}
`

const common = `
Error: {type: object, properties: {title: {type: string}}}
UpsertResult: {type: string, enum: [Created, Updated, NotChanged]}
`

const thing = `
kind: BigThing
cli: {group: test, version: 1, order: 3}
path: /public/cluster/{cluster}/thing
name: {parameter: thing-name, schema: {type: string}}
about: A thing.
needs: {read: nothing, write: a lot}
refuses: {apply: [what is wrong]}
filters:
  size: {description: Only of this size, schema: {$ref: "#/components/schemas/Size"}}
example: {apiVersion: v1, kind: BigThing, metadata: {name: a, cluster: c}, spec: {type: A}}
output: {metadata: {made: "2026-01-05T09:00:00Z"}}
metadata:
  type: object
  required: [name, cluster, made]
  properties:
    name: {type: string}
    cluster: {type: string}
    made: {type: string, format: date-time, readOnly: true}
spec:
  oneOf:
    - $ref: "#/components/schemas/A"
    - $ref: "#/components/schemas/B"
      x-output-only: true
  discriminator:
    propertyName: type
    mapping: {A: "#/components/schemas/A", B: "#/components/schemas/B"}
components:
  A: {type: object, required: [type], properties: {type: {type: string, enum: [A]}}}
  B: {type: object, required: [type], properties: {type: {type: string, enum: [B]}}}
  Size: {type: string, enum: [S, L]}
`

const pathsFile = `
paths:
  /public/cluster/{cluster}/sum:
    post:
      operationId: sum
      summary: Sum
      description: Adds.
      needs: nothing
      body:
        schema: {type: object, properties: {a: {type: integer}}}
        example: {a: 1}
      responses:
        "200": {description: The sum, schema: {type: integer}, example: 1}
      errors: [400t, 401]
`

// sources writes files into a new folder and returns it.
func sources(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func good() map[string]string {
	return map[string]string{"info.yaml": info, "schemas/common.yaml": common, "kinds/thing.yaml": thing, "paths/sum.yaml": pathsFile}
}

// TestExpansion looks at what the short forms become.
func TestExpansion(t *testing.T) {
	results, err := build([]string{sources(t, good())})
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(results[".json"], &doc); err != nil {
		t.Fatal(err)
	}
	at := func(path ...any) any {
		v := doc
		for _, step := range path {
			switch step := step.(type) {
			case string:
				v, _ = v.(map[string]any)[step]
			case int:
				v = v.([]any)[step]
			}
			if v == nil {
				t.Fatalf("nothing at %v", path)
			}
		}
		return v
	}
	const list, item = "/public/cluster/{cluster}/thing", "/public/cluster/{cluster}/thing/{thing-name}"
	for _, c := range []struct {
		want any
		path []any
	}{
		{"cli_big-thing_test_v1_3", []any{"paths", list, "put", "tags", 0}},
		{"cluster", []any{"paths", list, "put", "parameters", 0, "name"}},
		{"dryMode", []any{"paths", list, "put", "parameters", 1, "name"}},
		{false, []any{"paths", list, "put", "parameters", 1, "required"}},
		{"L", []any{"paths", list, "get", "parameters", 1, "schema", "enum", 1}},
		{"thing-name", []any{"paths", item, "delete", "parameters", 1, "name"}},
		{"#/components/schemas/BigThingInput", []any{"paths", list, "put", "requestBody", "content", "application/json", "schema", "$ref"}},
		{"#/components/schemas/BigThing", []any{"paths", list, "get", "responses", "200", "content", "application/json", "schema", "items", "$ref"}},
		{"2026-01-05T09:00:00Z", []any{"paths", item, "get", "responses", "200", "content", "application/json", "example", "metadata", "made"}},
		{"#/components/responses/Conflict", []any{"paths", item, "delete", "responses", "409", "$ref"}},
		{"#/components/responses/BadRequestText", []any{"paths", "/public/cluster/{cluster}/sum", "post", "responses", "400", "$ref"}},
		{"string", []any{"components", "responses", "BadRequestText", "content", "text/plain", "schema", "type"}},
		{"cluster", []any{"paths", "/public/cluster/{cluster}/sum", "post", "parameters", 0, "name"}},
		{"#/components/schemas/A", []any{"components", "schemas", "BigThingSpecInput", "discriminator", "mapping", "A"}},
	} {
		if got := at(c.path...); got != c.want {
			t.Errorf("%v is %v, want %v", c.path, got, c.want)
		}
	}
	text := string(results[".json"])
	for _, gone := range []string{"x-output-only", `"Size"`} {
		if strings.Contains(text, gone) {
			t.Errorf("%s is still there", gone)
		}
	}
	if union := at("components", "schemas", "BigThingSpecInput", "oneOf").([]any); len(union) != 1 {
		t.Errorf("callers may send %v", union)
	}
	if required := at("components", "schemas", "BigThingMetadataInput", "required").([]any); len(required) != 2 {
		t.Errorf("callers must send %v", required)
	}
	for _, part := range []string{"Needs: a lot", "- what is wrong"} {
		if got := at("paths", list, "put", "description").(string); !strings.Contains(got, part) {
			t.Errorf("the description %q lacks %q", got, part)
		}
	}
}

func TestKebab(t *testing.T) {
	for kind, want := range map[string]string{"KafkaCluster": "kafka-cluster", "KsqlDBCluster": "ksql-d-b-cluster", "User": "user"} {
		if got := kebabOf(kind); got != want {
			t.Errorf("kebabOf(%s) = %s, want %s", kind, got, want)
		}
	}
}

// TestDeterministic: the same sources give the same bytes, for twenty runs.
func TestDeterministic(t *testing.T) {
	dir := sources(t, good())
	first, err := build([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again, err := build([]string{dir})
		if err != nil {
			t.Fatal(err)
		}
		for ending := range first {
			if !bytes.Equal(first[ending], again[ending]) {
				t.Fatalf("%s differs", ending)
			}
		}
	}
}

// TestMoreSources: a second folder adds to the first.
func TestMoreSources(t *testing.T) {
	more := sources(t, map[string]string{"paths/more.yaml": strings.NewReplacer("/sum", "/product", "operationId: sum", "operationId: product").Replace(pathsFile)})
	results, err := build([]string{sources(t, good()), more})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(results[".json"]), "/public/cluster/{cluster}/product") {
		t.Error("the second folder was not read")
	}
}

// TestErrors: whoever writes the sources learns what is wrong and where.
func TestErrors(t *testing.T) {
	for _, c := range []struct{ file, from, to, want string }{
		{"kinds/thing.yaml", "about: A thing.", "abuot: A thing.", "abuot is not a field of a kind file"},
		{"kinds/thing.yaml", "about: A thing.\n", "", "about is missing"},
		{"kinds/thing.yaml", "{cluster}/thing", "{clustr}/thing", "path parameter clustr has no description"},
		{"kinds/thing.yaml", "schemas/Size", "schemas/Sise", "references lead nowhere: #/components/schemas/Sise"},
		{"kinds/thing.yaml", "  Size:", "  BigThingSpec: {type: string}\n  Size:", "BigThingSpec is described twice"},
		{"kinds/thing.yaml", "  Size:", "  Unused: {type: string}\n  Size:", "schema Unused is not used"},
		{"kinds/thing.yaml", "kind: BigThing\n", "kind: BigThing\nkind: Other\n", "kind"},
		{"kinds/thing.yaml", "about: A thing.", "about: &a A thing.", "no anchors"},
		{"paths/sum.yaml", "400t, 401", "418", "error 418 is not described"},
		{"paths/sum.yaml", "operationId: sum", "operationId: listBigThing", `operationId "listBigThing"`},
		{"paths/sum.yaml", "      summary: Sum\n", "", "operationId, summary and description are needed"},
		{"paths/sum.yaml", "      needs: nothing", "      parameters: [{name: q, in: query, schema: {type: string}}]", "parameter q needs required"},
		{"paths/sum.yaml", "paths:", "pahts:", "pahts is not a part of a paths file"},
		{"info.yaml", "openapi", "\topenapi", "info.yaml"},
	} {
		files := good()
		if !strings.Contains(files[c.file], c.from) {
			t.Fatalf("%q is not in %s", c.from, c.file)
		}
		files[c.file] = strings.Replace(files[c.file], c.from, c.to, 1)
		if _, err := build([]string{sources(t, files)}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q for %q: error is %v, want %q", c.to, c.from, err, c.want)
		}
	}
}

// TestYAMLStaysText: readers of YAML 1.1 see strings where the source has them.
func TestYAMLStaysText(t *testing.T) {
	files := good()
	files["kinds/thing.yaml"] = strings.Replace(files["kinds/thing.yaml"], "enum: [S, L]", `enum: ["on", "no", "1.0", "2026-01-05", "~"]`, 1)
	results, err := build([]string{sources(t, files)})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"on"`, `"no"`, `"1.0"`, `"2026-01-05"`, `"~"`} {
		if !strings.Contains(string(results[".yaml"]), "- "+want+"\n") {
			t.Errorf("%s lost its quotes", want)
		}
		if !strings.Contains(string(results[".json"]), want) {
			t.Errorf("%s is no string in JSON", want)
		}
	}
}
