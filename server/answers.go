package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/openapi"
)

// AnswerCheck looks at an answer of the Console or of the control API; path is that of the operation in
// the OpenAPI document. An error says what the document does not allow.
type AnswerCheck func(request *http.Request, path string, status int, header http.Header, body []byte) error

// byDocument is the check with our own reading of the document.
func byDocument(request *http.Request, path string, status int, _ http.Header, body []byte) error {
	var problems []error
	for _, problem := range documentOf(path).ValidateAnswer(request.Method, path, status, body) {
		problems = append(problems, errors.New(problem.String()))
	}
	return errors.Join(problems...)
}

// documentOf is the document that describes a path.
func documentOf(path string) *openapi.Document {
	if strings.HasPrefix(path, "/_mock/") {
		return openapi.Mock()
	}
	return openapi.Console()
}

// heldBack keeps an answer until it has been looked at.
type heldBack struct {
	http.ResponseWriter
	status  int
	body    bytes.Buffer
	streams bool // it has no end, so it is not held back
}

func (h *heldBack) WriteHeader(status int) {
	h.status = status
	if h.streams = strings.HasPrefix(h.Header().Get(echo.HeaderContentType), "text/event-stream"); h.streams {
		h.ResponseWriter.WriteHeader(status)
	}
}

func (h *heldBack) Write(data []byte) (int, error) {
	if h.streams {
		return h.ResponseWriter.Write(data)
	}
	return h.body.Write(data)
}

// during lets a handler write to h. After a panic nothing has been sent, so that it
// can still be answered.
func (h *heldBack) during(c echo.Context, next echo.HandlerFunc) error {
	response, whole := c.Response(), false
	response.Writer = h
	defer func() {
		response.Writer = h.ResponseWriter
		response.Committed = response.Committed && (whole || h.streams)
	}()
	err := next(c)
	whole = true
	return err
}

func (h *heldBack) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// checkAnswers replaces an answer that the document does not allow by a 500 that
// says why.
func checkAnswers(check AnswerCheck) echo.MiddlewareFunc {
	described := operations(openapi.Console(), openapi.Mock())
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			path := routeParam.ReplaceAllString(strings.TrimPrefix(c.Path(), "/api"), "{$1}")
			if !described[c.Request().Method+" "+path] {
				return next(c)
			}
			out := c.Response().Writer
			held := &heldBack{ResponseWriter: out, status: http.StatusOK}
			err := held.during(c, next)
			if err != nil || held.streams {
				return err
			}
			if x := exchangeOf(c.Request()); x != nil && x.fault != nil {
				// A fault may answer what no document lists.
				out.WriteHeader(held.status)
				_, err = out.Write(held.body.Bytes())
				return err
			}
			if !aboutHTTP[held.status] {
				if problem := check(c.Request(), path, held.status, out.Header(), held.body.Bytes()); problem != nil {
					return unfit(out, fmt.Sprintf("%s %s answered %d: %v", c.Request().Method, c.Request().URL.Path, held.status, problem))
				}
			}
			out.WriteHeader(held.status)
			_, err = out.Write(held.body.Bytes())
			return err
		}
	}
}

// aboutHTTP are statuses that are about the request as such, not about the
// operation: no document lists them.
var aboutHTTP = map[int]bool{
	http.StatusRequestTimeout: true, http.StatusRequestEntityTooLarge: true, http.StatusRequestURITooLong: true,
	http.StatusTooManyRequests: true, http.StatusRequestHeaderFieldsTooLarge: true, http.StatusServiceUnavailable: true,
}

var routeParam = regexp.MustCompile(`:([^/]+)`)

// operations lists what the documents describe, as METHOD and path, without the
// operations that answer with a stream of events, which cannot be held back.
func operations(documents ...*openapi.Document) map[string]bool {
	described := map[string]bool{}
	for _, document := range documents {
		var outline struct {
			Paths map[string]map[string]json.RawMessage `json:"paths"`
		}
		if err := json.Unmarshal(document.JSON(), &outline); err != nil {
			panic("openapi: embedded document: " + err.Error()) // it is tested
		}
		for path, item := range outline.Paths {
			for method, operation := range item {
				if !bytes.Contains(operation, []byte(`"text/event-stream"`)) {
					described[strings.ToUpper(method)+" "+path] = true
				}
			}
		}
	}
	return described
}

func unfit(out http.ResponseWriter, message string) error {
	body, err := json.Marshal(map[string]string{"title": "The answer does not match the OpenAPI document", "msg": message})
	if err != nil {
		return err
	}
	out.Header().Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	out.Header().Del(echo.HeaderContentLength) // of the answer that does not fit
	out.WriteHeader(http.StatusInternalServerError)
	_, err = out.Write(body)
	return err
}
