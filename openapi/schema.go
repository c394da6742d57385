package openapi

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// kind of JSON value, as a set.
type valueType uint8

const (
	typeNull valueType = 1 << iota
	typeBoolean
	typeInteger
	typeNumber
	typeString
	typeArray
	typeObject
)

var typeNames = []struct {
	name   string
	is     valueType
	phrase string
}{
	{"string", typeString, "a string"},
	{"integer", typeInteger, "an integer"},
	{"number", typeNumber, "a number"},
	{"boolean", typeBoolean, "true or false"},
	{"array", typeArray, "an array"},
	{"object", typeObject, "an object"},
	{"null", typeNull, "null"},
}

// schema is a compiled schema: references are followed, allOf is merged, the
// branches of a union are found by its discriminator, patterns are compiled.
// It is immutable once compiled and may be recursive.
type schema struct {
	types    valueType // 0: any
	phrase   string    // the types in words
	enum     []any
	enumText []string // when every value of enum is a string
	format   string
	pattern  *regexp.Regexp
	title    string

	minimum, maximum     *decimal
	minLength, maxLength *int
	minItems, maxItems   *int
	exclusiveMin         bool
	exclusiveMax         bool
	unique               bool
	readOnly, secret     bool
	items                *schema
	fields               map[string]*schema
	names                []string // of fields, sorted
	required             []string
	values               *schema // of an object's other fields; nil: see open
	open                 bool    // other fields are allowed
	fallback             any     // the default
	fallbackText         []byte  // its canonical form; nil without a default
	discriminator        string
	branches             map[string]*schema // by the discriminator's value
	branchNames          []string
	alternatives         []*schema // a union without discriminator
}

// free says that nothing is known about the value.
func (s *schema) free() bool {
	return s == nil || s.types == 0 && s.enum == nil && s.branches == nil && s.alternatives == nil
}

// The source types are a document's operations and schemas as they stand, without
// the prose.
type sourceOperation struct {
	Parameters []struct {
		Name     string        `json:"name"`
		In       string        `json:"in"`
		Required bool          `json:"required"`
		Schema   *sourceSchema `json:"schema"`
	} `json:"parameters"`
	RequestBody *struct {
		Required bool                   `json:"required"`
		Content  map[string]sourceMedia `json:"content"`
	} `json:"requestBody"`
	Responses map[string]sourceResponse `json:"responses"`
}

type sourceResponse struct {
	Ref     string                 `json:"$ref"`
	Content map[string]sourceMedia `json:"content"`
}

type sourceMedia struct {
	Schema *sourceSchema `json:"schema"`
}

type sourceSchema struct {
	Ref              string                   `json:"$ref"`
	Title            string                   `json:"title"`
	Type             sourceTypes              `json:"type"`
	Enum             json.RawMessage          `json:"enum"`
	Const            json.RawMessage          `json:"const"`
	Default          json.RawMessage          `json:"default"`
	Format           string                   `json:"format"`
	Pattern          string                   `json:"pattern"`
	Minimum          json.Number              `json:"minimum"`
	Maximum          json.Number              `json:"maximum"`
	ExclusiveMinimum json.Number              `json:"exclusiveMinimum"`
	ExclusiveMaximum json.Number              `json:"exclusiveMaximum"`
	MinLength        *int                     `json:"minLength"`
	MaxLength        *int                     `json:"maxLength"`
	MinItems         *int                     `json:"minItems"`
	MaxItems         *int                     `json:"maxItems"`
	UniqueItems      bool                     `json:"uniqueItems"`
	ReadOnly         bool                     `json:"readOnly"`
	Items            *sourceSchema            `json:"items"`
	Properties       map[string]*sourceSchema `json:"properties"`
	Required         []string                 `json:"required"`
	Additional       *sourceAdditional        `json:"additionalProperties"`
	OneOf            []*sourceSchema          `json:"oneOf"`
	AnyOf            []*sourceSchema          `json:"anyOf"`
	AllOf            []*sourceSchema          `json:"allOf"`
	Discriminator    *struct {
		PropertyName string `json:"propertyName"`
	} `json:"discriminator"`
}

// sourceTypes is a single type or an array of types.
type sourceTypes []string

func (t *sourceTypes) UnmarshalJSON(data []byte) error {
	if data[0] == '[' {
		return json.Unmarshal(data, (*[]string)(t))
	}
	*t = make(sourceTypes, 1)
	return json.Unmarshal(data, &(*t)[0])
}

// sourceAdditional is a boolean or a schema.
type sourceAdditional struct {
	allowed bool
	schema  *sourceSchema
}

func (a *sourceAdditional) UnmarshalJSON(data []byte) error {
	if data[0] == '{' {
		a.allowed = true
		return json.Unmarshal(data, &a.schema)
	}
	return json.Unmarshal(data, &a.allowed)
}

// operation is one method of one path.
type operation struct {
	query        []parameter
	body         *schema // nil when there is none
	bodyRequired bool
	answers      map[string]answer // by status
}

// answer is one status of an operation: no field is set when the body is
// empty, text when it is plain text, other when it may be of any type but JSON.
type answer struct {
	schema *schema
	text   bool
	other  bool
}

type parameter struct {
	name     string
	required bool
	schema   *schema
}

type compiler struct {
	checks   *checks
	sources  map[string]*sourceSchema
	named    map[string]*schema
	patterns map[string]*regexp.Regexp
	// unions and copies wait until every schema they name is filled in.
	unions []func() error
	copies []func()
}

// source reads the component schema of a name; nil if there is none.
func (k *compiler) source(name string) (*sourceSchema, error) {
	if s := k.sources[name]; s != nil {
		return s, nil
	}
	var s *sourceSchema
	if err := k.checks.component("schema "+name, &s); err != nil {
		return nil, err
	}
	k.sources[name] = s
	return s, nil
}

func (k *compiler) operation(op *sourceOperation) (*operation, error) {
	out := &operation{answers: make(map[string]answer, len(op.Responses))}
	for _, p := range op.Parameters {
		if p.In != "query" {
			continue
		}
		s, err := k.schema(p.Schema)
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", p.Name, err)
		}
		out.query = append(out.query, parameter{name: p.Name, required: p.Required, schema: s})
	}
	if op.RequestBody != nil {
		out.bodyRequired = op.RequestBody.Required
		media, inJSON := op.RequestBody.Content["application/json"]
		for _, other := range op.RequestBody.Content {
			if !inJSON {
				media = other
			}
			s, err := k.schema(media.Schema)
			if err != nil {
				return nil, fmt.Errorf("body: %w", err)
			}
			out.body = s
		}
	}
	for status, r := range op.Responses {
		if r.Ref != "" {
			name := strings.TrimPrefix(r.Ref, "#/components/responses/")
			r = sourceResponse{}
			if err := k.checks.component("response "+name, &r); err != nil {
				return nil, fmt.Errorf("answer %s: %w", status, err)
			}
		}
		var a answer
		_, a.text = r.Content["text/plain"]
		for media := range r.Content {
			a.other = a.other || media != "application/json"
		}
		if media, ok := r.Content["application/json"]; ok {
			var err error
			if a.schema, err = k.schema(media.Schema); err != nil {
				return nil, fmt.Errorf("answer %s: %w", status, err)
			}
		}
		out.answers[status] = a
	}
	return out, nil
}

func (k *compiler) finish() error {
	for _, union := range k.unions {
		if err := union(); err != nil {
			return err
		}
	}
	for _, again := range k.copies {
		again()
	}
	k.unions, k.copies = nil, nil
	return nil
}

const schemaPrefix = "#/components/schemas/"

func (k *compiler) schema(src *sourceSchema) (*schema, error) {
	if src == nil {
		return &schema{open: true}, nil
	}
	if src.Ref == "" {
		s := &schema{}
		return s, k.fill(s, src)
	}
	name := strings.TrimPrefix(src.Ref, schemaPrefix)
	if s := k.named[name]; s != nil {
		return s, nil
	}
	target, err := k.source(name)
	if err != nil {
		return nil, err
	}
	s := &schema{}
	k.named[name] = s
	if target.Ref != "" {
		return nil, fmt.Errorf("schema %s is only a reference to %s", name, target.Ref)
	}
	if err := k.fill(s, target); err != nil {
		return nil, fmt.Errorf("schema %s: %w", name, err)
	}
	return s, nil
}

// property compiles a schema that may stand beside its reference (3.1 allows
// readOnly, default and title there).
func (k *compiler) property(src *sourceSchema) (*schema, error) {
	s, err := k.schema(src)
	if err != nil || src.Ref == "" || !src.ReadOnly && src.Default == nil {
		return s, err
	}
	c := new(schema)
	k.copies = append(k.copies, func() {
		*c = *s
		c.readOnly = c.readOnly || src.ReadOnly
		k.setDefault(c, src)
	})
	return c, nil
}

func (k *compiler) setDefault(s *schema, src *sourceSchema) {
	if src.Default == nil {
		return
	}
	decode(src.Default, &s.fallback)
	s.fallbackText = canonicalValue(s.fallback)
}

func (k *compiler) fill(s *schema, src *sourceSchema) error {
	for _, part := range src.AllOf {
		if err := k.merge(s, part); err != nil {
			return err
		}
	}
	s.title = src.Title
	s.format = src.Format
	s.secret = src.Format == "password"
	s.readOnly = src.ReadOnly
	s.unique = src.UniqueItems
	s.minLength, s.maxLength = src.MinLength, src.MaxLength
	s.minItems, s.maxItems = src.MinItems, src.MaxItems
	for _, t := range src.Type {
		for _, known := range typeNames {
			if t == known.name {
				s.types |= known.is
			}
		}
	}
	if s.types&typeNumber != 0 {
		s.types |= typeInteger
	}
	s.phrase = phrase(s.types)
	if err := k.limits(s, src); err != nil {
		return err
	}
	if src.Const != nil {
		var v any
		decode(src.Const, &v)
		s.enum = []any{v}
	}
	if src.Enum != nil {
		decode(src.Enum, &s.enum)
	}
	for _, v := range s.enum {
		if text, ok := v.(string); ok {
			s.enumText = append(s.enumText, text)
		}
	}
	if len(s.enumText) != len(s.enum) {
		s.enumText = nil
	}
	if src.Pattern != "" {
		p := k.patterns[src.Pattern]
		if p == nil {
			var err error
			if p, err = regexp.Compile(src.Pattern); err != nil {
				return fmt.Errorf("pattern: %w", err)
			}
			k.patterns[src.Pattern] = p
		}
		s.pattern = p
	}
	k.setDefault(s, src)
	if src.Items != nil {
		var err error
		if s.items, err = k.schema(src.Items); err != nil {
			return err
		}
	}
	if err := k.object(s, src); err != nil {
		return err
	}
	return k.union(s, src)
}

func (k *compiler) limits(s *schema, src *sourceSchema) error {
	bound := func(inclusive, exclusive json.Number) (*decimal, bool, error) {
		n, isExclusive := inclusive, false
		if exclusive != "" {
			n, isExclusive = exclusive, true
		}
		if n == "" {
			return nil, false, nil
		}
		d, ok := parseDecimal(string(n))
		if !ok {
			return nil, false, fmt.Errorf("bound %q is not a number", n)
		}
		return &d, isExclusive, nil
	}
	var err error
	if s.minimum, s.exclusiveMin, err = bound(src.Minimum, src.ExclusiveMinimum); err != nil {
		return err
	}
	s.maximum, s.exclusiveMax, err = bound(src.Maximum, src.ExclusiveMaximum)
	return err
}

func (k *compiler) object(s *schema, src *sourceSchema) error {
	if s.types&typeObject == 0 && src.Properties == nil {
		return nil
	}
	if s.fields == nil {
		s.fields = make(map[string]*schema, len(src.Properties))
	}
	for name, p := range src.Properties {
		field, err := k.property(p)
		if err != nil {
			return fmt.Errorf("field %s: %w", name, err)
		}
		s.fields[name] = field
	}
	for _, r := range src.Required {
		if !slices.Contains(s.required, r) {
			s.required = append(s.required, r)
		}
		if s.fields[r] == nil {
			return fmt.Errorf("required field %s is not described", r)
		}
	}
	s.names = s.names[:0]
	for name := range s.fields {
		s.names = append(s.names, name)
	}
	slices.Sort(s.names)
	if src.Additional != nil {
		s.open = src.Additional.allowed
		if src.Additional.schema != nil {
			var err error
			if s.values, err = k.schema(src.Additional.schema); err != nil {
				return err
			}
		}
	}
	return nil
}

// merge adds an allOf part, which must be an object, to s.
func (k *compiler) merge(s *schema, src *sourceSchema) error {
	part := src
	if src.Ref != "" {
		var err error
		if part, err = k.source(strings.TrimPrefix(src.Ref, schemaPrefix)); err != nil {
			return err
		}
	}
	for _, inner := range part.AllOf {
		if err := k.merge(s, inner); err != nil {
			return err
		}
	}
	s.types |= typeObject
	s.phrase = phrase(s.types)
	return k.object(s, part)
}

func (k *compiler) union(s *schema, src *sourceSchema) error {
	list := append(slices.Clone(src.OneOf), src.AnyOf...)
	if len(list) == 0 {
		return nil
	}
	var parts []*schema
	for _, one := range list {
		part, err := k.schema(one)
		if err != nil {
			return err
		}
		parts = append(parts, part)
	}
	if src.Discriminator == nil {
		s.alternatives = parts
		return nil
	}
	s.discriminator = src.Discriminator.PropertyName
	s.branches = make(map[string]*schema, len(parts))
	s.types = typeObject
	s.phrase = phrase(s.types)
	k.unions = append(k.unions, func() error {
		for _, part := range parts {
			tag := part.fields[s.discriminator]
			if tag == nil || len(tag.enumText) == 0 {
				return fmt.Errorf("a branch of the union on %s does not fix its value", s.discriminator)
			}
			for _, value := range tag.enumText {
				if s.branches[value] != nil {
					return fmt.Errorf("two branches of the union on %s share the value %s", s.discriminator, value)
				}
				s.branches[value] = part
				s.branchNames = append(s.branchNames, value)
			}
		}
		slices.Sort(s.branchNames)
		return nil
	})
	return nil
}

func phrase(types valueType) string {
	var words []string
	for _, t := range typeNames {
		if types&t.is == 0 || t.is == typeInteger && types&typeNumber != 0 {
			continue
		}
		words = append(words, t.phrase)
	}
	return strings.Join(words, " or ")
}
