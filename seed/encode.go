package seed

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Encode writes resources as one YAML stream that Load reads back to the same
// values. Order and fields are always the same, so exports can be compared: the
// documents in the order of application, within a kind by what they belong to
// and by name (signing keys as given, as their order has a meaning), the fields
// in the order in which people write them. Text of several lines becomes a
// block. What would be taken for a placeholder is escaped.
//
// The error names a resource that has no apiVersion, kind or metadata.name, or a
// value that is not JSON-shaped; nothing is written then.
func Encode(w io.Writer, objects []map[string]any) error {
	sorted, err := arrange(objects)
	if err != nil {
		return err
	}
	data, err := encode(sorted)
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("writing the seed: %w", err)
	}
	return nil
}

// EncodeJSON is Encode with one JSON array, which Load reads back too.
func EncodeJSON(w io.Writer, objects []map[string]any) error {
	sorted, err := arrange(objects)
	if err != nil {
		return err
	}
	list := make([]map[string]any, len(sorted))
	for i, one := range sorted {
		list[i] = one.object
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(list); err != nil {
		return fmt.Errorf("writing the seed: %w", err)
	}
	if _, err := io.WriteString(w, escapePlaceholders(b.String())); err != nil {
		return fmt.Errorf("writing the seed: %w", err)
	}
	return nil
}

// resource is an object with what it is ordered by.
type resource struct {
	object     map[string]any
	kind, name string
	rank       int
	parents    string
}

func arrange(objects []map[string]any) ([]resource, error) {
	list := make([]resource, 0, len(objects))
	for i, object := range objects {
		d := newDocument(object, nil, chunk{}, Position{})
		if d.Kind == "" || d.APIVersion == "" || d.Name == "" {
			return nil, fmt.Errorf("resource %d (%s %s): apiVersion, kind or metadata.name is missing", i, d.Kind, d.Name)
		}
		r := resource{object: object, kind: d.Kind, name: d.Name, rank: rankOf(d.APIVersion, d.Kind)}
		if k, fault := lookUp(d.APIVersion, d.Kind); fault == nil {
			metadata, _ := object["metadata"].(map[string]any)
			for _, field := range k.belongs {
				value, _ := metadata[field].(string)
				r.parents += value + "\x00"
			}
		}
		list = append(list, r)
	}
	slices.SortStableFunc(list, func(a, b resource) int {
		order := cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.kind, b.kind))
		if order != 0 || a.kind == "SigningKey" {
			return order
		}
		return cmp.Or(cmp.Compare(a.parents, b.parents), cmp.Compare(a.name, b.name))
	})
	return list, nil
}

func encode(list []resource) ([]byte, error) {
	var b bytes.Buffer
	for i, r := range list {
		if i > 0 {
			b.WriteString("---\n")
		}
		node, err := nodeOf(r.object, 0)
		if err == nil {
			// One encoder a document: it keeps every event that it has written.
			encoder := yaml.NewEncoder(&b)
			encoder.SetIndent(2)
			err = errors.Join(encoder.Encode(node), encoder.Close())
		}
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", r.kind, r.name, err)
		}
	}
	return []byte(escapePlaceholders(b.String())), nil
}

func nodeOf(value any, depth int) (*yaml.Node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	switch value := value.(type) {
	case map[string]any:
		node := &yaml.Node{Kind: yaml.MappingNode, Tag: mapTag}
		for _, key := range fieldOrder(value) {
			child, err := nodeOf(value[key], depth+1)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			if !utf8.ValidString(key) {
				return nil, errors.New("a key that is not UTF-8")
			}
			node.Content = append(node.Content, textNode(key, false), child)
		}
		return node, nil
	case []any:
		node := &yaml.Node{Kind: yaml.SequenceNode, Tag: seqTag}
		for i, item := range value {
			child, err := nodeOf(item, depth+1)
			if err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
			node.Content = append(node.Content, child)
		}
		return node, nil
	case string:
		if !utf8.ValidString(value) {
			return nil, errors.New("text that is not UTF-8")
		}
		return textNode(value, true), nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: boolTag, Value: fmt.Sprint(value)}, nil
	case json.Number:
		if _, ok := number(string(value)); !ok || !jsonNumber(string(value)) {
			return nil, fmt.Errorf("%q is not a number", value)
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Value: string(value)}, nil
	case nil:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: nullTag, Value: "null"}, nil
	}
	return foreign(value, depth)
}

// foreign takes other Go values (numbers, typed lists) by way of JSON.
func foreign(value any, depth int) (*yaml.Node, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var plain any
	if err := decoder.Decode(&plain); err != nil {
		return nil, err
	}
	if plain != nil && depth > maxDepth {
		return nil, errors.New("nested too deep")
	}
	return nodeOf(plain, depth)
}

// textNode is a string; quotes are the encoder's affair.
func textNode(s string, block bool) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: strTag, Value: s}
	if block && strings.Contains(s, "\n") && blockable(s) {
		node.Style = yaml.LiteralStyle
	} else if strings.ContainsAny(s, "\n\r\t\u0085\u2028\u2029\uFEFF") {
		node.Style = yaml.DoubleQuotedStyle
	}
	return node
}

// blockable tells whether a block keeps s as it is: no leading blank, which
// would be taken for the indentation, and no line break but \n.
func blockable(s string) bool {
	if strings.HasPrefix(s, " ") || strings.HasPrefix(s, "\n") || strings.ContainsAny(s, "\r\t\u0085\u2028\u2029\uFEFF") {
		return false
	}
	return !strings.Contains(s, " \n") && strings.TrimRight(s, " ") == s
}

// fieldOrder is the keys of a map as people write them: known fields in their
// conventional order, the rest by name.
func fieldOrder(object map[string]any) []string {
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(placeOf(a), placeOf(b)), cmp.Compare(a, b))
	})
	return keys
}

func placeOf(key string) int {
	if place, known := conventional[key]; known {
		return place
	}
	return len(conventional)
}

var conventional = func() map[string]int {
	places := map[string]int{}
	for i, key := range []string{
		"apiVersion", "kind", "metadata", "spec",
		"type", "resourceType", "name", "application", "appInstance", "cluster", "connectCluster",
		"kafkaConnect", "ksqlDB", "patternType", "labels",
		"title", "displayName", "description", "email", "given_name", "family_name",
		"client_name", "client_secret", "owner",
	} {
		places[key] = i
	}
	return places
}()
