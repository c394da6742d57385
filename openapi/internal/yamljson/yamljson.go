// Package yamljson writes YAML documents as JSON, with the fields in their order.
package yamljson

import (
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Append writes a node compactly behind b. What JSON has nothing like is an
// error that names the line.
func Append(b []byte, n *yaml.Node) ([]byte, error) {
	var err error
	switch n.Kind {
	case yaml.DocumentNode:
		return Append(b, n.Content[0])
	case yaml.MappingNode:
		b = append(b, '{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendText(b, n.Content[i].Value), ':')
			if b, err = Append(b, n.Content[i+1]); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	case yaml.SequenceNode:
		b = append(b, '[')
		for i, item := range n.Content {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = Append(b, item); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	}
	switch n.Tag {
	case "!!str":
		return appendText(b, n.Value), nil
	case "!!null":
		return append(b, "null"...), nil
	case "!!bool", "!!int", "!!float":
		if !json.Valid([]byte(n.Value)) {
			return nil, fmt.Errorf("line %d: write %s as JSON would", n.Line, n.Value)
		}
		return append(b, n.Value...), nil
	}
	return nil, fmt.Errorf("line %d: JSON has nothing like %s", n.Line, n.Tag)
}

func appendText(b []byte, s string) []byte {
	text, _ := json.Marshal(s) // a string cannot fail
	return append(b, text...)
}
