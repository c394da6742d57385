package explain

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/mockduktor/mockduktor/openapi"
)

// operation is one operation of the Console's document, as far as a call of it
// can be made up.
type operation struct {
	method, path string
	kind         *openapi.Kind // nil for the older operations
	create       bool          // of a kind: puts a resource that is not there
	body         string        // the document's example
	query        url.Values    // required parameters with values that fit
}

// operationsOf reads a document's operations, by path and method. The upsert of
// a kind is there twice, since changing and creating need different permissions.
func operationsOf(document *openapi.Document) ([]operation, error) {
	var outline struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				Name, In string
				Required bool
				Schema   struct {
					Type any
					Enum []string
				}
			}
			RequestBody struct {
				Content map[string]struct{ Example json.RawMessage }
			}
		}
	}
	if err := json.Unmarshal(document.JSON(), &outline); err != nil {
		return nil, err
	}
	byPath := map[string]*openapi.Kind{}
	for _, kind := range document.Kinds() {
		byPath[kind.ListPath], byPath[kind.ItemPath] = kind, kind
	}
	var list []operation
	for _, path := range slices.Sorted(maps.Keys(outline.Paths)) {
		item := outline.Paths[path]
		for _, method := range slices.Sorted(maps.Keys(item)) {
			one := item[method]
			op := operation{method: strings.ToUpper(method), path: path, kind: byPath[path], query: url.Values{}}
			for _, content := range one.RequestBody.Content {
				op.body, _ = bodyText(content.Example)
			}
			for _, parameter := range one.Parameters {
				if parameter.In != "query" || !parameter.Required {
					continue
				}
				value := "1" // a number, and as good a text as any
				if len(parameter.Schema.Enum) > 0 {
					value = parameter.Schema.Enum[0]
				}
				op.query.Set(parameter.Name, value)
			}
			list = append(list, op)
			if op.kind != nil && op.method == http.MethodPut && path == op.kind.ListPath {
				op.create = true
				list = append(list, op)
			}
		}
	}
	return list, nil
}

// onItem: the kind's operation names one resource in its path.
func (o operation) onItem() bool { return o.kind != nil && o.path == o.kind.ItemPath }
