package main

import (
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// encodeJSON writes the document compactly, with fields in the order of the
// sources.
func encodeJSON(n *yaml.Node) ([]byte, error) {
	b, err := appendJSON(nil, n)
	return append(b, '\n'), err
}

func appendJSON(b []byte, n *yaml.Node) ([]byte, error) {
	var err error
	switch n.Kind {
	case yaml.MappingNode:
		b = append(b, '{')
		for i, f := range fields(n) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendText(b, f.name), ':')
			if b, err = appendJSON(b, f.value); err != nil {
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
			if b, err = appendJSON(b, item); err != nil {
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
