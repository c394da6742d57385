package kinds

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/mockduktor/mockduktor/server/store"
)

// The formats of a schema.
const (
	formatAvro     = "AVRO"
	formatJSON     = "JSON"
	formatProtobuf = "PROTOBUF"
)

// checkSchema says what is wrong with a schema text, "" when nothing is. known
// are the names that its references define. It checks that the text is well
// formed, not that it is compatible with what came before.
func checkSchema(format, schema string, known map[string]bool) string {
	switch format {
	case formatProtobuf:
		return checkProtobuf(schema)
	case formatJSON:
		value, wrong := schemaJSON(schema)
		if wrong != "" {
			return wrong
		}
		return checkJSONSchema("", value)
	}
	value, wrong := schemaJSON(schema)
	if wrong != "" {
		return wrong
	}
	return checkAvro(value, known)
}

func schemaJSON(schema string) (any, string) {
	decoder := json.NewDecoder(bytes.NewReader([]byte(schema)))
	decoder.UseNumber()
	var value any
	err := decoder.Decode(&value)
	if err == nil {
		if _, err = decoder.Token(); err == nil {
			return nil, fmt.Sprintf("there is more after the end of the JSON at byte %d", decoder.InputOffset())
		} else if errors.Is(err, io.EOF) {
			return value, ""
		}
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return nil, fmt.Sprintf("it is no JSON: %s at byte %d", syntax, syntax.Offset)
	}
	return nil, "it is no JSON: it ends too early"
}

// normalSchema writes schemas that mean the same as the same text: registries
// know no white space in JSON.
func normalSchema(format, schema string) string {
	if format == formatProtobuf {
		return schema
	}
	value, wrong := schemaJSON(schema)
	if wrong != "" {
		return schema
	}
	encoded, err := store.EncodeObject(value)
	if err != nil {
		return schema
	}
	return string(encoded)
}

// normalizeSchema is the Normalize of kinds with a schema in their spec.
func normalizeSchema(object map[string]any) {
	spec := part(object, "spec")
	if schema, ok := spec["schema"].(string); ok {
		spec["schema"] = normalSchema(text(spec, "format"), schema)
	}
}

// schemaFingerprint is equal for schemas that a registry would give one number.
func schemaFingerprint(spec map[string]any) (string, error) {
	format := text(spec, "format")
	references, err := store.EncodeObject(spec["references"])
	if err != nil {
		return "", err
	}
	if list, _ := spec["references"].([]any); len(list) == 0 {
		references = nil
	}
	hash := sha256.New()
	for _, part := range []string{format, normalSchema(format, text(spec, "schema")), string(references)} {
		fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
