package openapi

import (
	"bytes"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// OperationID returns the operationId of the operation that method and path (as
// the document writes it) name; "" if there is none.
func (d *Document) OperationID(method, path string) string {
	if op := d.checks().operations[method+" "+path]; op != nil {
		return op.id
	}
	return ""
}

// HasParameter tells whether the operation that method and path name has a query
// parameter.
func (d *Document) HasParameter(method, path, name string) bool {
	op := d.checks().operation(method, path)
	return op != nil && slices.ContainsFunc(op.query, func(p parameter) bool { return p.name == name })
}

// HasOperation tells whether an operation has an operationId.
func (d *Document) HasOperation(id string) bool {
	for _, op := range d.checks().operations {
		if op.id == id {
			return true
		}
	}
	return false
}

// ValidateBody checks the decoded body of a request against the operation that
// method and path (as the document writes it, with its {parameters}) name, and
// returns at most 25 problems. A nil body is no body. Fields that the schema does
// not name are ignored, as are the contents of bodies that are not JSON: pass
// such a body as a string.
func (d *Document) ValidateBody(method, path string, body any) []Problem {
	return d.validateBody(method, path, body, false)
}

// ValidateClosedBody is ValidateBody that refuses fields which the schema does
// not name.
func (d *Document) ValidateClosedBody(method, path string, body any) []Problem {
	return d.validateBody(method, path, body, true)
}

func (d *Document) validateBody(method, path string, body any, closed bool) []Problem {
	op := d.checks().operation(method, path)
	if op == nil {
		return noOperation(method, path)
	}
	if body == nil {
		if op.bodyRequired {
			return []Problem{{Expected: "a body", Got: "nothing"}}
		}
		return nil
	}
	c := newChecker(toServer, closed)
	c.check(op.body, body)
	return c.problems
}

// ValidateQuery checks the query of a request. Parameters that the document does
// not name are ignored; a parameter of the wrong type, outside its enumeration or
// pattern, given twice, or missing though required is a problem.
func (d *Document) ValidateQuery(method, path string, q url.Values) []Problem {
	op := d.checks().operation(method, path)
	if op == nil {
		return noOperation(method, path)
	}
	c := newChecker(toServer, false)
	for _, p := range op.query {
		values, present := q[p.name]
		c.field(p.name)
		switch {
		case !present || len(values) == 0:
			if p.required {
				c.report(c.wanted(p.schema)+" (required)", "nothing", "")
			}
		case p.schema.types&typeArray != 0:
			items := make([]any, len(values))
			for i, text := range values {
				items[i] = fromQuery(p.schema.items, text)
			}
			c.check(p.schema, items)
		case len(values) > 1:
			c.report("one value", strconv.Itoa(len(values))+" values", "")
		default:
			c.check(p.schema, fromQuery(p.schema, values[0]))
		}
		c.up()
	}
	return c.problems
}

// fromQuery reads a query value as the type that the schema wants, or leaves it
// a string, which the check then refuses.
func fromQuery(s *schema, text string) any {
	switch {
	case s.types&typeBoolean != 0 && (text == "true" || text == "false"):
		return text == "true"
	case s.types&(typeInteger|typeNumber) != 0:
		if _, ok := parseDecimal(text); ok {
			return json.Number(text)
		}
	}
	return text
}

// ValidateAnswer checks an answer of the server's own: the status must be one of
// the operation's, the body must be JSON of its schema with every required field
// and none that the document does not name, or empty where the document has none.
// Where it may be of another media type too, what is no JSON is not looked at.
func (d *Document) ValidateAnswer(method, path string, status int, body []byte) []Problem {
	op := d.checks().operation(method, path)
	if op == nil {
		return noOperation(method, path)
	}
	a, ok := op.answers[strconv.Itoa(status)]
	if !ok {
		var known []string
		for s := range op.answers {
			known = append(known, s)
		}
		slices.Sort(known)
		return []Problem{{Path: "status", Expected: "one of " + strings.Join(known, ", "), Got: strconv.Itoa(status)}}
	}
	if a.schema == nil {
		if len(body) > 0 && !a.other {
			return []Problem{{Expected: "an empty body", Got: strconv.Itoa(len(body)) + " bytes"}}
		}
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		if a.other {
			return nil
		}
		return []Problem{{Expected: "JSON", Got: "a body that is not (" + err.Error() + ")"}}
	}
	if _, err := dec.Token(); err != io.EOF {
		return []Problem{{Expected: "one JSON value", Got: "more after it"}}
	}
	c := newChecker(fromServer, true)
	c.check(a.schema, v)
	return c.problems
}

func noOperation(method, path string) []Problem {
	return []Problem{{Path: method + " " + path, Expected: "an operation of the document", Got: "none"}}
}
