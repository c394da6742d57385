package main

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	schemaPrefix = "#/components/schemas/"
	// outputOnly marks a branch of a union that only answers hold.
	outputOnly = "x-output-only"
)

// inputVariant returns the name of the schema that callers send where answers
// hold the named one: the same name, unless somewhere below it a read-only field
// is required or a branch is only in answers. Then it is a new component with
// "Input" at its end, in which read-only fields may be missing.
func (b *bundle) inputVariant(name string) (string, error) {
	if done, ok := b.variants[name]; ok {
		return done, nil
	}
	schema := get(get(b.components, "schemas"), name)
	if schema == nil {
		return "", fmt.Errorf("schema %s is referenced but not described", name)
	}
	// A cycle counts as unchanged; nothing recursive has read-only fields.
	b.variants[name] = name
	copied := clone(schema)
	changed, err := b.toInput(copied)
	if err != nil || !changed {
		return name, err
	}
	b.variants[name] = name + "Input"
	set(get(b.components, "schemas"), name+"Input", copied)
	return name + "Input", nil
}

func (b *bundle) toInput(n *yaml.Node) (changed bool, err error) {
	if target := value(n, "$ref"); target != "" {
		name := strings.TrimPrefix(target, schemaPrefix)
		variant, err := b.inputVariant(name)
		if err != nil || variant == name {
			return false, err
		}
		set(n, "$ref", text(schemaPrefix+variant))
		return true, nil
	}
	properties := get(n, "properties")
	if required := get(n, "required"); required != nil {
		kept := required.Content[:0:0]
		for _, r := range required.Content {
			if isTrue(get(properties, r.Value), "readOnly") {
				changed = true
				continue
			}
			kept = append(kept, r)
		}
		required.Content = kept
		if len(kept) == 0 {
			take(n, "required")
		}
	}
	var children []*yaml.Node
	for _, p := range fields(properties) {
		children = append(children, p.value)
	}
	for _, name := range []string{"items", "additionalProperties"} {
		if child := get(n, name); child != nil {
			children = append(children, child)
		}
	}
	for _, name := range []string{"oneOf", "anyOf", "allOf"} {
		union := get(n, name)
		if union == nil {
			continue
		}
		kept := union.Content[:0:0]
		for _, branch := range union.Content {
			if isTrue(branch, outputOnly) {
				changed = true
				b.unmap(n, value(branch, "$ref"))
				continue
			}
			kept = append(kept, branch)
		}
		union.Content = kept
		children = append(children, kept...)
	}
	for _, child := range children {
		childChanged, err := b.toInput(child)
		if err != nil {
			return false, err
		}
		changed = changed || childChanged
	}
	return changed, b.remap(n)
}

// unmap takes a branch out of the discriminator's mapping.
func (b *bundle) unmap(union *yaml.Node, target string) {
	mapping := get(get(union, "discriminator"), "mapping")
	for _, m := range fields(mapping) {
		if m.value.Value == target {
			take(mapping, m.name)
		}
	}
}

// remap points the discriminator's mapping at the variants of the branches.
func (b *bundle) remap(union *yaml.Node) error {
	mapping := get(get(union, "discriminator"), "mapping")
	for _, m := range fields(mapping) {
		variant, err := b.inputVariant(strings.TrimPrefix(m.value.Value, schemaPrefix))
		if err != nil {
			return err
		}
		set(mapping, m.name, text(schemaPrefix+variant))
	}
	return nil
}
