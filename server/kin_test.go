package server_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/mockduktor/mockduktor/openapi"
)

// specification is the Console's document as kin-openapi reads it, and
// mockSpecification that of the control API.
var (
	specification = sync.OnceValues(func() (*openapi3.T, error) {
		return openapi3.NewLoader().LoadFromData(openapi.Console().JSON())
	})
	mockSpecification = sync.OnceValues(func() (*openapi3.T, error) {
		return openapi3.NewLoader().LoadFromData(openapi.Mock().JSON())
	})
)

func init() {
	// Documents and certificates are text to whoever describes them.
	for _, media := range []string{"application/x-pem-file", "application/yaml"} {
		openapi3filter.RegisterBodyDecoder(media, openapi3filter.FileBodyDecoder)
	}
}

// byKin holds an answer to the document with kin-openapi, which shares no code
// with the server's own checks. Every server of these tests has it.
func byKin(t testing.TB) func(request *http.Request, path string, status int, header http.Header, body []byte) error {
	return func(request *http.Request, path string, status int, header http.Header, body []byte) error {
		load := specification
		if strings.HasPrefix(path, "/_mock/") {
			load = mockSpecification
		}
		spec, err := load()
		if err != nil {
			t.Errorf("load the document: %v", err)
			return err
		}
		item := spec.Paths.Value(path)
		input := &openapi3filter.ResponseValidationInput{
			RequestValidationInput: &openapi3filter.RequestValidationInput{
				Request: request,
				Route: &routers.Route{Spec: spec, Path: path, PathItem: item, Method: request.Method,
					Operation: item.GetOperation(request.Method)},
			},
			Status: status, Header: header,
			Options: &openapi3filter.Options{IncludeResponseStatus: true},
		}
		if err := openapi3filter.ValidateResponse(context.Background(), input.SetBodyBytes(body)); err != nil {
			t.Errorf("%s %s answered %d, which the document does not allow: %v\n%s", request.Method, request.URL.Path, status, err, body)
			return err
		}
		return nil
	}
}
