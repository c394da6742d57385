package openapi

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"
)

// TestDocumentsAreValid has kin-openapi, which shares no code with this package,
// judge both documents by the rules of OpenAPI 3.1, examples included.
func TestDocumentsAreValid(t *testing.T) {
	for name, d := range documents {
		t.Run(name, func(t *testing.T) {
			doc := loadKin(t, d)
			if doc.OpenAPI != "3.1.0" {
				t.Errorf("openapi is %q", doc.OpenAPI)
			}
			if err := doc.Validate(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func loadKin(t testing.TB, d *Document) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(d.JSON())
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

var documents = map[string]*Document{"console": Console(), "mock": Mock()}

// TestYAMLIsJSON: the two forms of a document hold the same.
func TestYAMLIsJSON(t *testing.T) {
	for name, d := range documents {
		t.Run(name, func(t *testing.T) {
			var fromYAML any
			if err := yaml.Unmarshal(d.YAML(), &fromYAML); err != nil {
				t.Fatal(err)
			}
			a, err := json.Marshal(fromYAML)
			if err != nil {
				t.Fatal(err)
			}
			var fromJSON any
			if err := json.Unmarshal(d.JSON(), &fromJSON); err != nil {
				t.Fatal(err)
			}
			b, err := json.Marshal(fromJSON)
			if err != nil {
				t.Fatal(err)
			}
			if string(a) != string(b) {
				t.Error("YAML and JSON differ")
			}
		})
	}
}

// TestExamples checks every example of every operation with this package's own
// checks, which know more than kin-openapi: unknown fields, required read-only
// fields in answers.
func TestExamples(t *testing.T) {
	for name, d := range documents {
		t.Run(name, func(t *testing.T) {
			var doc struct {
				Paths map[string]map[string]struct {
					RequestBody struct {
						Content map[string]struct{ Example json.RawMessage }
					}
					Responses map[string]struct {
						Ref     string `json:"$ref"`
						Content map[string]struct{ Example json.RawMessage }
					}
				}
			}
			if err := json.Unmarshal(d.JSON(), &doc); err != nil {
				t.Fatal(err)
			}
			checked := 0
			for path, item := range doc.Paths {
				for method, op := range item {
					method = strings.ToUpper(method)
					if media, ok := op.RequestBody.Content["application/json"]; ok {
						if media.Example == nil {
							t.Errorf("%s %s: the body has no example", method, path)
							continue
						}
						var body any
						decode(media.Example, &body)
						report(t, method+" "+path+" body", d.ValidateBody(method, path, body))
						checked++
					}
					for status, r := range op.Responses {
						media, ok := r.Content["application/json"]
						if !ok || r.Ref != "" {
							continue
						}
						if media.Example == nil {
							t.Errorf("%s %s: %s has no example", method, path, status)
							continue
						}
						var code int
						decode([]byte(status), &code)
						report(t, method+" "+path+" "+status, d.ValidateAnswer(method, path, code, media.Example))
						checked++
					}
				}
			}
			for _, k := range d.Kinds() {
				report(t, k.Name+" "+k.Version, k.Validate(k.Example()))
			}
			if checked == 0 {
				t.Error("no examples found")
			}
		})
	}
}

func report(t *testing.T, what string, problems []Problem) {
	t.Helper()
	for _, p := range problems {
		t.Errorf("%s: %s", what, p)
	}
}

// TestParametersSayRequired: the Conduktor CLI panics over a query parameter
// without it.
func TestParametersSayRequired(t *testing.T) {
	for name, d := range documents {
		t.Run(name, func(t *testing.T) {
			var doc struct {
				Paths map[string]map[string]struct {
					Parameters []struct {
						Name, In string
						Required *bool
						Schema   struct{ Type any }
					}
				}
			}
			if err := json.Unmarshal(d.JSON(), &doc); err != nil {
				t.Fatal(err)
			}
			for path, item := range doc.Paths {
				for method, op := range item {
					for _, p := range op.Parameters {
						if p.Required == nil {
							t.Errorf("%s %s: %s does not say whether it is required", method, path, p.Name)
						}
						if p.In == "path" && p.Required != nil && !*p.Required {
							t.Errorf("%s %s: %s is in the path and not required", method, path, p.Name)
						}
						if p.Schema.Type == nil {
							t.Errorf("%s %s: %s has no type", method, path, p.Name)
						}
					}
				}
			}
		})
	}
}

// The JSON that the server makes of the YAML is what the bundler wrote.
func TestJSONIsOfTheSameSources(t *testing.T) {
	for name, document := range map[string]*Document{"console": Console(), "mock": Mock()} {
		bundled, err := os.ReadFile("dist/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if string(document.JSON()) != strings.TrimSpace(string(bundled)) {
			t.Errorf("%s: the JSON made of the YAML differs from dist/%s.json", name, name)
		}
	}
}
