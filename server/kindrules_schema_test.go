package server_test

import (
	"net/http"
	"testing"
)

// TestSchemaForms: schema texts that registries take, and those that they do not.
func TestSchemaForms(t *testing.T) {
	world := startKinds(t, ruleWorld)
	for _, one := range []struct {
		format, schema string
		complaint      string // "" = accepted
	}{
		{"AVRO", `"string"`, ""},
		{"AVRO", `{"type":"string","logicalType":"uuid"}`, ""},
		{"AVRO", `{"type":{"type":"string"}}`, ""},
		{"AVRO", `["null","string",{"type":"array","items":"int"},{"type":"map","values":"long"}]`, ""},
		{"AVRO", `{"type":"record","name":"Node","namespace":"a.b","fields":[{"name":"next","type":["null","Node"],"default":null},{"name":"full","type":["null","a.b.Node"]}]}`, ""},
		{"AVRO", `{"type":"record","name":"a.b.Node","fields":[{"name":"next","type":["null","Node"]}]}`, ""},
		{"AVRO", `{"type":"enum","name":"E","symbols":["A","B"]}`, ""},
		{"AVRO", `{"type":"fixed","name":"F","size":16}`, ""},
		{"AVRO", `{"type":"record","name":"R","fields":[{"name":"e","type":{"type":"enum","name":"E","symbols":["A"]}},{"name":"f","type":"E"}]}`, ""},
		{"AVRO", `this is not a valid schema`, "no JSON"},
		{"AVRO", `{"type":"record"`, "ends too early"},
		{"AVRO", `"string" "string"`, "more after the end"},
		{"AVRO", `"strin"`, `"strin" is not defined`},
		{"AVRO", `7`, "expected a type"},
		{"AVRO", `{}`, "expected a field type"},
		{"AVRO", `{"type":"record","fields":[]}`, `expected a name of letters, digits and '_', got ""`},
		{"AVRO", `{"type":"record","name":"my-record","fields":[]}`, `"my-record"`},
		{"AVRO", `{"type":"record","name":"R"}`, "at fields: expected an array of fields"},
		{"AVRO", `{"type":"record","name":"R","fields":[{"type":"int"}]}`, "fields[0].name"},
		{"AVRO", `{"type":"record","name":"R","fields":[{"name":"a"}]}`, "the field a has no type"},
		{"AVRO", `{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}`, "the field a is there twice"},
		{"AVRO", `{"type":"record","name":"R","fields":[{"name":"a","type":"Later"},{"name":"b","type":{"type":"fixed","name":"Later","size":1}}]}`, `"Later" is not defined`},
		{"AVRO", `[{"type":"fixed","name":"F","size":1},{"type":"record","name":"F","fields":[]}]`, "F is defined already"},
		{"AVRO", `["int",["long"]]`, "a union may not hold a union"},
		{"AVRO", `["int","int"]`, "the union holds int twice"},
		{"AVRO", `[{"type":"map","values":"int"},{"type":"map","values":"long"}]`, "the union holds map twice"},
		{"AVRO", `{"type":"enum","name":"E"}`, "expected an array of symbols"},
		{"AVRO", `{"type":"enum","name":"E","symbols":["a-b"]}`, "symbols[0]"},
		{"AVRO", `{"type":"enum","name":"E","symbols":["A","A"]}`, "A is there twice"},
		{"AVRO", `{"type":"fixed","name":"F"}`, "whole number of bytes"},
		{"AVRO", `{"type":"array"}`, "at items: expected a type"},
		{"AVRO", nestedText(`{"type":"array","items":`, `"int"`, `}`, 300), "nests deeper than 200"},

		{"JSON", `{}`, ""},
		{"JSON", `true`, ""},
		{"JSON", `{"$schema":"https://json-schema.org/draft/2019-09/schema","type":"object","properties":{"id":{"type":"string"},"name":{"type":["string","null"]}},"required":["id"],"additionalProperties":false}`, ""},
		{"JSON", `{"items":[{"type":"integer"},true],"x-anything":{"type":7},"allOf":[{"$ref":"https://elsewhere.example/schema"}],"pattern":"^(?=x)"}`, ""},
		{"JSON", `this is not a valid schema`, "no JSON"},
		{"JSON", `7`, "expected a schema: an object, true or false"},
		{"JSON", `{"type":"strin"}`, "at type: expected one of null, boolean"},
		{"JSON", `{"type":[]}`, "at least one type"},
		{"JSON", `{"properties":{"a":{"properties":[]}}}`, "at properties.a.properties: expected an object of schemas"},
		{"JSON", `{"required":true}`, "at required: expected an array of names"},
		{"JSON", `{"anyOf":[]}`, "at anyOf: expected an array of schemas"},
		{"JSON", `{"items":"string"}`, "at items: expected a schema"},
		{"JSON", `{"minLength":-1}`, "at minLength: expected a whole number from 0 on"},
		{"JSON", `{"maximum":"7"}`, "at maximum: expected a number"},
		{"JSON", `{"enum":"a"}`, "at enum: expected an array of values"},
		{"JSON", `{"uniqueItems":1}`, "at uniqueItems: expected true or false"},
		{"JSON", `{"$ref":1}`, "at $ref: expected text"},
		{"JSON", nestedText(`{"not":`, `{}`, `}`, 300), "nests deeper than 200"},

		{"PROTOBUF", "syntax = \"proto3\";\n\nmessage MyRecord {\n  int32 id = 1;\n  string createdAt = 2;\n}", ""},
		{"PROTOBUF", "// x {\n/* { \" */ message A { map<string, int32> m = 1; oneof b { int32 c = 2 [deprecated = true]; } message C {} reserved 4, 5 to 7; }", ""},
		{"PROTOBUF", "import 'a.proto'; service S { rpc Get(A) returns (stream B) { option (google.api.http) = { get: \"/v1/{id}\" additional { get: \"/v2\" } }; } rpc Put(A) returns (B); }", ""},
		{"PROTOBUF", "enum E { A = 0; B = 1 [(opt) = {a: 1}]; }", ""},
		{"PROTOBUF", "this is not a valid schema", "expected ';' after"},
		{"PROTOBUF", "syntax = \"proto3\";", "defines no message, enum or service"},
		{"PROTOBUF", "message A {\n int32 a = 1\n}", "line 3: expected ';' after \"int32 a = 1\""},
		{"PROTOBUF", "message A {\n", "line 1: the '{' is never closed"},
		{"PROTOBUF", "message A { } }", "nothing is open that '}' would close"},
		{"PROTOBUF", "message A { option x = \"y; }", "the text has no end"},
		{"PROTOBUF", "message A {} /* x", "the comment has no end"},
	} {
		resource := map[string]any{"apiVersion": "v2", "kind": "Subject", "metadata": map[string]any{"name": "x-value", "cluster": "dev"},
			"spec": map[string]any{"format": one.format, "schema": one.schema}}
		got := world.put(t, world.root, resource, true)
		if one.complaint != "" {
			t.Run(one.schema, func(t *testing.T) {
				refusedWith(t, got, http.StatusBadRequest, "spec.schema", one.format, one.complaint)
			})
		} else if got.status != http.StatusOK {
			t.Errorf("%s %s: %d %s", one.format, one.schema, got.status, got.body)
		}
	}
}

func nestedText(open, inner, end string, times int) string {
	for range times {
		inner = open + inner + end
	}
	return inner
}
