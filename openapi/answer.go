package openapi

import "strconv"

// Form is how the body of an answer is written.
type Form int

// The forms of an answer.
const (
	// Unlisted: the operation does not describe this status, or there is no such
	// operation.
	Unlisted Form = iota
	// Empty: the answer has no body.
	Empty
	// JSON: the body is JSON of the status's schema.
	JSON
	// Text: the body is plain text.
	Text
)

// AnswerForm returns how the operation that method and path (as the document
// writes it) name answers with a status.
func (d *Document) AnswerForm(method, path string, status int) Form {
	op := d.checks().operation(method, path)
	if op == nil {
		return Unlisted
	}
	a, ok := op.answers[strconv.Itoa(status)]
	switch {
	case !ok:
		return Unlisted
	case a.schema != nil:
		return JSON
	case a.text:
		return Text
	}
	return Empty
}
