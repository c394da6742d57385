package main

import (
	"go.yaml.in/yaml/v3"

	"github.com/mockduktor/mockduktor/openapi/internal/yamljson"
)

// encodeJSON writes the document compactly, with fields in the order of the
// sources.
func encodeJSON(n *yaml.Node) ([]byte, error) {
	b, err := yamljson.Append(nil, n)
	return append(b, '\n'), err
}
