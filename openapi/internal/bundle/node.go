package main

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// The helpers below work on YAML nodes rather than on Go values so that the
// order of the sources is the order of the document.

func text(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

func boolean(value bool) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(value)}
}

func list(items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: items}
}

func texts(values ...string) *yaml.Node {
	n := list()
	for _, v := range values {
		n.Content = append(n.Content, text(v))
	}
	return n
}

// object makes a mapping of name, node, name, node …; pairs whose node is nil
// are left out.
func object(pairs ...any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for i := 0; i < len(pairs); i += 2 {
		if value, _ := pairs[i+1].(*yaml.Node); value != nil {
			set(n, pairs[i].(string), value)
		}
	}
	return n
}

func ref(component string) *yaml.Node { return object("$ref", text(component)) }

func get(n *yaml.Node, name string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// value returns the text of a scalar field, or "".
func value(n *yaml.Node, name string) string {
	if v := get(n, name); v != nil {
		return v.Value
	}
	return ""
}

func isTrue(n *yaml.Node, name string) bool { return value(n, name) == "true" }

func set(n *yaml.Node, name string, v *yaml.Node) {
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			n.Content[i+1] = v
			return
		}
	}
	n.Content = append(n.Content, text(name), v)
}

// take removes a field and returns its value, or nil.
func take(n *yaml.Node, name string) *yaml.Node {
	for i := 0; n != nil && i < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			v := n.Content[i+1]
			n.Content = append(n.Content[:i:i], n.Content[i+2:]...)
			return v
		}
	}
	return nil
}

type field struct {
	name  string
	value *yaml.Node
	at    *yaml.Node
}

func fields(n *yaml.Node) []field {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	out := make([]field, 0, len(n.Content)/2)
	for i := 0; i < len(n.Content); i += 2 {
		out = append(out, field{n.Content[i].Value, n.Content[i+1], n.Content[i]})
	}
	return out
}

func clone(n *yaml.Node) *yaml.Node {
	if n == nil {
		return nil
	}
	c := *n
	c.Content = make([]*yaml.Node, len(n.Content))
	for i, child := range n.Content {
		c.Content[i] = clone(child)
	}
	return &c
}

// walk visits every mapping in and below n.
func walk(n *yaml.Node, visit func(*yaml.Node)) {
	if n == nil {
		return
	}
	if n.Kind == yaml.MappingNode {
		visit(n)
	}
	for _, child := range n.Content {
		walk(child, visit)
	}
}

// overlay sets the fields of over in n, mapping by mapping.
func overlay(n, over *yaml.Node) {
	for _, f := range fields(over) {
		if under := get(n, f.name); under != nil && under.Kind == yaml.MappingNode && f.value.Kind == yaml.MappingNode {
			overlay(under, f.value)
			continue
		}
		set(n, f.name, clone(f.value))
	}
}
