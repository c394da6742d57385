package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/limits"
	"github.com/mockduktor/mockduktor/server/store"
)

// yamlType is the media type of seeds (RFC 9512).
const yamlType = "application/yaml"

// bytes reads the body, which must be of one of the media types and within the
// named limit; without a body the type is no matter.
func (c *call) bytes(limit string, most int, media ...string) ([]byte, error) {
	data, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, int64(most)))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, &kinds.Error{Code: kinds.TooLarge, Field: "body", Message: "too long: " + limits.Explain(limit, most)}
	}
	if slow := limits.SlowBody(err); slow != "" {
		return nil, &kinds.Error{Code: kinds.Slow, Field: "body", Message: slow}
	}
	if err != nil {
		return nil, &kinds.Error{Message: "The body could not be read: " + err.Error()}
	}
	// A browser asks before it sends any of these types to another origin.
	got, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if len(data) > 0 && (err != nil || !slices.Contains(media, got)) {
		return nil, &kinds.Error{Code: kinds.Unsupported, Message: "Send Content-Type: " + media[0]}
	}
	return data, nil
}

// object reads a body of JSON that the document has found good; no body is an
// empty object.
func (c *call) object() (map[string]any, []byte, error) {
	data, err := c.bytes("body", c.Limits.Body, echo.MIMEApplicationJSON)
	if err != nil {
		return nil, nil, err
	}
	if limits.Deeper(data, c.Limits.Depth) {
		return nil, nil, invalid("body", "%s", limits.Explain("depth", c.Limits.Depth))
	}
	if len(bytes.TrimSpace(data)) == 0 {
		data = []byte("{}")
	}
	object, err := store.DecodeObject(data)
	if err != nil || object == nil {
		reason := ""
		if err != nil {
			reason = ": " + err.Error()
		}
		return nil, nil, &kinds.Error{Message: "The body is not one JSON object" + reason}
	}
	return object, data, nil
}

// read decodes a body of JSON into a struct after the document has found it good.
func (c *call) read(into any) error {
	object, data, err := c.object()
	if err != nil {
		return err
	}
	if err := refused("body", openapi.Mock().ValidateClosedBody(c.method, c.path, object)); err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return &kinds.Error{Message: "The body is not what is expected: " + err.Error()}
	}
	return nil
}
