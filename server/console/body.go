package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/limits"
)

// body reads the request body as one JSON object, whatever its content type:
// the CLI and Terraform label theirs text/plain. Numbers become json.Number, so
// that 64-bit values survive.
func (c *call) body() (map[string]any, error) {
	data, err := c.bytes()
	if err != nil {
		return nil, err
	}
	value, err := c.decode(data, "one JSON object")
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, notA("one JSON object", sortOf(value))
	}
	return object, nil
}

// list reads the request body as one JSON array; no body is an empty one.
func (c *call) list() ([]any, error) {
	data, err := c.bytes()
	if err != nil || len(bytes.TrimSpace(data)) == 0 {
		return nil, err
	}
	value, err := c.decode(data, "one JSON array")
	if err != nil {
		return nil, err
	}
	list, ok := value.([]any)
	if !ok && value != nil {
		return nil, notA("one JSON array", sortOf(value))
	}
	return list, nil
}

// input reads the request body as one JSON object and checks it against what
// the document says of the operation.
func (c *call) input() (map[string]any, error) {
	object, err := c.body()
	if err != nil {
		return nil, err
	}
	if refused := kinds.FromProblems(c.Document.ValidateBody(c.method, c.path, object)); refused != nil {
		return nil, refused
	}
	return object, nil
}

// inputList is input for an array.
func (c *call) inputList() ([]any, error) {
	list, err := c.list()
	if err != nil {
		return nil, err
	}
	if refused := kinds.FromProblems(c.Document.ValidateBody(c.method, c.path, list)); refused != nil {
		return nil, refused
	}
	return list, nil
}

// decode reads one JSON value; wanted says which sort the caller expects.
func (c *call) decode(data []byte, wanted string) (any, error) {
	if most := c.Settings.Limits.Depth; limits.Deeper(data, most) {
		return nil, &kinds.Error{Code: kinds.Invalid, Field: "body", Message: "Invalid value for: body (" + limits.Explain("depth", most) + ")"}
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, notA(wanted, notJSON(err))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, notA(wanted, fmt.Sprintf("more after its end at byte %d", decoder.InputOffset()))
	}
	return value, nil
}

func notA(wanted, got string) error {
	return &kinds.Error{Code: kinds.Invalid, Message: fmt.Sprintf("Invalid value for: body (expected %s, got %s)", wanted, got)}
}

func notJSON(err error) string {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF):
		return "nothing"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "JSON that ends too early"
	case errors.As(err, &syntax):
		return fmt.Sprintf("no JSON: %s at byte %d", syntax, syntax.Offset)
	}
	return "no JSON: " + err.Error()
}

func sortOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case []any:
		return "an array"
	case map[string]any:
		return "an object"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	}
	return "a number"
}

func (c *call) bytes() ([]byte, error) {
	data, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, int64(c.Settings.Limits.Body)))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, &kinds.Error{Code: kinds.TooLarge, Field: "body", Message: "The body is too long: " + limits.Explain("body", int(tooLarge.Limit))}
	}
	if slow := limits.SlowBody(err); slow != "" {
		return nil, &kinds.Error{Code: kinds.Slow, Field: "body", Message: slow}
	}
	if err != nil {
		return nil, &kinds.Error{Code: kinds.Invalid, Message: "The body could not be read: " + err.Error()}
	}
	return data, nil
}
