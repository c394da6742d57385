package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/openapi"
)

// answerChecker holds every answer of the Console to the OpenAPI document. It is
// for finding our own faults, so it uses kin-openapi, which shares no code with
// the checks of requests.
type answerChecker struct {
	load func() (*openapi3.T, error)
}

func newAnswerChecker(document *openapi.Document) *answerChecker {
	return &answerChecker{load: sync.OnceValues(func() (*openapi3.T, error) {
		spec, err := openapi3.NewLoader().LoadFromData(document.JSON())
		if err != nil {
			return nil, fmt.Errorf("load the OpenAPI document: %w", err)
		}
		return spec, nil
	})}
}

// heldBack keeps an answer until it has been looked at.
type heldBack struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (h *heldBack) WriteHeader(status int)         { h.status = status }
func (h *heldBack) Write(data []byte) (int, error) { return h.body.Write(data) }
func (h *heldBack) Unwrap() http.ResponseWriter    { return h.ResponseWriter }

// check replaces an answer that the document does not allow by a 500 that says
// why.
func (a *answerChecker) check(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		out := c.Response().Writer
		held := &heldBack{ResponseWriter: out, status: http.StatusOK}
		c.Response().Writer = held
		err := next(c)
		c.Response().Writer = out
		if err != nil {
			return err
		}
		if problem := a.fault(c, held); problem != nil {
			return a.replace(out, fmt.Sprintf("%s %s answered %d: %v", c.Request().Method, c.Request().URL.Path, held.status, problem))
		}
		out.WriteHeader(held.status)
		_, err = out.Write(held.body.Bytes())
		return err
	}
}

func (a *answerChecker) replace(out http.ResponseWriter, message string) error {
	body, err := json.Marshal(map[string]string{"title": "The answer does not match the OpenAPI document", "msg": message})
	if err != nil {
		return err
	}
	out.Header().Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	out.WriteHeader(http.StatusInternalServerError)
	_, err = out.Write(body)
	return err
}

var routeParam = regexp.MustCompile(`:([^/]+)`)

func (a *answerChecker) fault(c echo.Context, held *heldBack) error {
	spec, err := a.load()
	if err != nil {
		return err
	}
	path := routeParam.ReplaceAllString(strings.TrimPrefix(c.Path(), "/api"), "{$1}")
	item := spec.Paths.Value(path)
	if item == nil || item.GetOperation(c.Request().Method) == nil {
		return nil // not an operation of the document
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: c.Request(),
			Route: &routers.Route{Spec: spec, Path: path, PathItem: item, Method: c.Request().Method,
				Operation: item.GetOperation(c.Request().Method)},
		},
		Status: held.status, Header: held.Header(),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	return openapi3filter.ValidateResponse(c.Request().Context(), input.SetBodyBytes(held.body.Bytes()))
}
