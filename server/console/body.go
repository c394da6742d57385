package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/mockduktor/mockduktor/server/kinds"
)

// maxBody is the longest request body accepted, in bytes.
const maxBody = 4 << 20

// body reads the request body as one JSON object, whatever its content type:
// the CLI and Terraform label theirs text/plain. Numbers become json.Number, so
// that 64-bit values survive.
func (c *call) body() (map[string]any, error) {
	data, err := c.bytes()
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, notOneObject(notJSON(err))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, notOneObject(fmt.Sprintf("more after its end at byte %d", decoder.InputOffset()))
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, notOneObject(sortOf(value))
	}
	return object, nil
}

func notOneObject(got string) error {
	return &kinds.Error{Code: kinds.Invalid, Message: fmt.Sprintf("Invalid value for: body (expected one JSON object, got %s)", got)}
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
	case string:
		return "a string"
	case bool:
		return "a boolean"
	}
	return "a number"
}

func (c *call) bytes() ([]byte, error) {
	data, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, &kinds.Error{Code: kinds.TooLarge, Message: fmt.Sprintf("The body is longer than %d bytes", tooLarge.Limit)}
	}
	if err != nil {
		return nil, &kinds.Error{Code: kinds.Invalid, Message: "The body could not be read: " + err.Error()}
	}
	return data, nil
}
