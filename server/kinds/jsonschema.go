package kinds

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// jsonTypes are the values of the keyword type (JSON Schema 2020-12,
// validation, section 6.1.1).
var jsonTypes = []string{"null", "boolean", "object", "array", "number", "string", "integer"}

// checkJSONSchema says what is wrong with the form of a JSON schema. Where
// references lead is not looked at, and nothing is fetched.
func checkJSONSchema(at string, value any) string {
	if strings.Count(at, ".")+strings.Count(at, "[") > maxSchemaDepth {
		return "it nests deeper than " + strconv.Itoa(maxSchemaDepth)
	}
	if _, ok := value.(bool); ok {
		return ""
	}
	schema, ok := value.(map[string]any)
	if !ok {
		return wrongAt(at, "expected a schema: an object, true or false")
	}
	keywords := make([]string, 0, len(schema))
	for keyword := range schema {
		keywords = append(keywords, keyword)
	}
	slices.Sort(keywords) // so that the same schema gives the same text
	for _, keyword := range keywords {
		if wrong := checkJSONKeyword(at+"."+keyword, keyword, schema[keyword]); wrong != "" {
			return wrong
		}
	}
	return ""
}

// checkJSONKeyword knows the keywords of all drafts since 4 that have a form of
// their own. Others are annotations and may be anything.
func checkJSONKeyword(at, keyword string, value any) string {
	switch keyword {
	case "type":
		return checkJSONType(at, value)
	case "properties", "patternProperties", "$defs", "definitions", "dependentSchemas":
		return checkJSONSchemas(at, value)
	case "additionalProperties", "unevaluatedProperties", "propertyNames", "additionalItems", "unevaluatedItems",
		"contains", "not", "if", "then", "else":
		return checkJSONSchema(at, value)
	case "allOf", "anyOf", "oneOf", "prefixItems":
		return checkJSONSchemaList(at, value)
	case "items":
		if _, isList := value.([]any); isList {
			return checkJSONSchemaList(at, value)
		}
		return checkJSONSchema(at, value)
	case "required":
		return checkJSONNames(at, value)
	case "enum":
		if list, ok := value.([]any); !ok || len(list) == 0 {
			return wrongAt(at, "expected an array of values")
		}
	case "pattern", "$ref", "$id", "$schema", "$anchor", "title", "description", "format":
		if _, ok := value.(string); !ok {
			return wrongAt(at, "expected text")
		}
	case "minimum", "maximum", "multipleOf":
		if _, ok := value.(json.Number); !ok {
			return wrongAt(at, "expected a number")
		}
	case "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains":
		return checkJSONCount(at, value)
	case "uniqueItems":
		if _, ok := value.(bool); !ok {
			return wrongAt(at, "expected true or false")
		}
	}
	return ""
}

func checkJSONType(at string, value any) string {
	list, isList := value.([]any)
	if !isList {
		list = []any{value}
	}
	for _, item := range list {
		if name, _ := item.(string); !slices.Contains(jsonTypes, name) {
			return wrongAt(at, "expected one of %s", strings.Join(jsonTypes, ", "))
		}
	}
	if len(list) == 0 {
		return wrongAt(at, "expected at least one type")
	}
	return ""
}

func checkJSONSchemas(at string, value any) string {
	schemas, ok := value.(map[string]any)
	if !ok {
		return wrongAt(at, "expected an object of schemas")
	}
	names := make([]string, 0, len(schemas))
	for name := range schemas {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if wrong := checkJSONSchema(at+"."+name, schemas[name]); wrong != "" {
			return wrong
		}
	}
	return ""
}

func checkJSONSchemaList(at string, value any) string {
	list, ok := value.([]any)
	if !ok || len(list) == 0 {
		return wrongAt(at, "expected an array of schemas")
	}
	for i, schema := range list {
		if wrong := checkJSONSchema(index(at, i), schema); wrong != "" {
			return wrong
		}
	}
	return ""
}

func checkJSONNames(at string, value any) string {
	list, ok := value.([]any)
	for _, item := range list {
		_, isText := item.(string)
		ok = ok && isText
	}
	if !ok {
		return wrongAt(at, "expected an array of names")
	}
	return ""
}

func checkJSONCount(at string, value any) string {
	number, ok := value.(json.Number)
	if ok {
		if of, err := number.Float64(); err == nil && of >= 0 && of == float64(int64(of)) {
			return ""
		}
	}
	return wrongAt(at, "expected a whole number from 0 on")
}
