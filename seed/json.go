package seed

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// JSON has its own reader: YAML parsers refuse the surrogate pairs that JSON
// writes beyond U+FFFF with.

// jsonReader builds the syntax tree of JSON text with positions.
type jsonReader struct {
	text    string
	decoder *json.Decoder
	// offset is how far line and column have been counted, both from 1.
	offset, line, column int
}

func newJSONReader(s string) *jsonReader {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	return &jsonReader{text: s, decoder: d, line: 1, column: 1}
}

// parseJSON reads one value.
func parseJSON(s string) (*yaml.Node, error) {
	r := newJSONReader(s)
	node, err := r.value(0)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	return node, err
}

// splitJSON cuts a text into its documents: JSON values one behind the other,
// and the items of a list at the top (the answer of a list call, saved).
func splitJSON(s string) ([]chunk, *syntaxError) {
	r := newJSONReader(s)
	var chunks []chunk
	for {
		start, token, err := r.next()
		if errors.Is(err, io.EOF) {
			return chunks, nil
		}
		if err != nil {
			return chunks, r.fault(err)
		}
		if token == json.Delim('[') {
			for r.decoder.More() {
				c, err := r.skip()
				if err != nil {
					return chunks, r.fault(err)
				}
				chunks = append(chunks, c)
			}
			if _, err := r.decoder.Token(); err != nil {
				return chunks, r.fault(err)
			}
			continue
		}
		c, err := r.skipRest(start, token)
		if err != nil {
			return chunks, r.fault(err)
		}
		chunks = append(chunks, c)
	}
}

func (r *jsonReader) skip() (chunk, error) {
	start, token, err := r.next()
	if err != nil {
		return chunk{}, err
	}
	return r.skipRest(start, token)
}

// skipRest reads the rest of the value that token begins.
func (r *jsonReader) skipRest(start chunk, token json.Token) (chunk, error) {
	depth := 0
	for {
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			start.end = int(r.decoder.InputOffset())
			return start, nil
		}
		var err error
		if token, err = r.decoder.Token(); err != nil {
			return start, err
		}
	}
}

// next reads a token and tells where it begins.
func (r *jsonReader) next() (chunk, json.Token, error) {
	offset := int(r.decoder.InputOffset())
	for offset < len(r.text) && strings.IndexByte(" \t\r\n,:", r.text[offset]) >= 0 {
		offset++
	}
	r.count(offset)
	at := chunk{start: offset, line: r.line, column: r.column}
	token, err := r.decoder.Token()
	return at, token, err
}

// count moves line and column on to offset.
func (r *jsonReader) count(offset int) {
	for r.offset < offset {
		if width := parserBreak(r.text, r.offset); width > 0 {
			r.offset += width
			r.line, r.column = r.line+1, 1
			continue
		}
		_, width := utf8.DecodeRuneInString(r.text[r.offset:])
		r.offset += width
		r.column++
	}
}

func (r *jsonReader) value(depth int) (*yaml.Node, error) {
	at, token, err := r.next()
	if err != nil {
		if depth > 0 {
			err = noEOF(err)
		}
		return nil, r.located(err)
	}
	node := &yaml.Node{Kind: yaml.ScalarNode, Line: at.line, Column: at.column}
	switch token := token.(type) {
	case json.Delim:
		return node, r.container(node, token, depth)
	case string:
		node.Tag, node.Value = strTag, token
	case json.Number:
		node.Tag, node.Value = intTag, token.String()
		if strings.ContainsAny(node.Value, ".eE") {
			node.Tag = floatTag
		}
	case bool:
		node.Tag, node.Value = boolTag, fmt.Sprint(token)
	case nil:
		node.Tag, node.Value = nullTag, "null"
	}
	return node, nil
}

func (r *jsonReader) container(node *yaml.Node, open json.Delim, depth int) error {
	if depth > maxDepth+1 {
		// The builder reports the depth; here it only has to end.
		return r.located(fmt.Errorf("nested deeper than %d levels", maxDepth))
	}
	node.Kind, node.Tag = yaml.SequenceNode, seqTag
	if open == '{' {
		node.Kind, node.Tag = yaml.MappingNode, mapTag
	}
	for r.decoder.More() {
		child, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		node.Content = append(node.Content, child)
	}
	if _, err := r.decoder.Token(); err != nil {
		return r.located(noEOF(err))
	}
	return nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (r *jsonReader) located(err error) error {
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return r.fault(err)
}

// fault is err with its place.
func (r *jsonReader) fault(err error) *syntaxError {
	var known *syntaxError
	if errors.As(err, &known) {
		return known
	}
	offset := int(r.decoder.InputOffset())
	problem := err.Error()
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		offset, problem = len(r.text), "the text ends before the value does"
	case errors.As(err, &syntax):
		// Offset counts the bytes read, the offending one included.
		offset = max(int(syntax.Offset)-1, offset)
	}
	for offset < len(r.text) && strings.IndexByte(" \t\r\n", r.text[offset]) >= 0 {
		offset++
	}
	line, column := lineAndColumn(r.text, min(offset, len(r.text)))
	return &syntaxError{line: line, column: column, problem: "not JSON: " + problem}
}
