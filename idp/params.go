package idp

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"
)

// maxForm bounds query and body of a request, in bytes.
const maxForm = 64 << 10

// params are the parameters of one request.
type params struct {
	values url.Values
	// jkt is the thumbprint of the key that the request proved to have (RFC
	// 9449); empty: it proved none.
	jkt string
	// pushed tells parameters that came by a pushed authorization request.
	pushed bool
	// repeated is a parameter that came more than once, the first by name.
	repeated string
}

// mayRepeat are the parameters that come once for each value: RFC 8707,
// section 2, and RFC 8693, section 2.1.
func mayRepeat(name string) bool { return name == "resource" || name == "audience" }

func parseParams(encoded string) (params, error) {
	if len(encoded) > maxForm {
		return params{}, errTooLarge
	}
	values, err := url.ParseQuery(encoded)
	if err != nil {
		return params{}, refuse(errInvalidRequest, "the parameters are not form-encoded: "+err.Error())
	}
	p := params{values: values}
	for name, list := range values {
		if len(list) > 1 && !mayRepeat(name) && (p.repeated == "" || name < p.repeated) {
			p.repeated = name
		}
	}
	return p, nil
}

var errTooLarge = &Error{Status: http.StatusRequestEntityTooLarge, Code: errInvalidRequest, Description: "the parameters are larger than 64 KiB"}

// get gives the parameter; empty counts as absent (RFC 6749, section 3.1).
func (p params) get(name string) string { return p.values.Get(name) }

// all gives every value of a parameter that may repeat, without empty ones.
func (p params) all(name string) []string {
	var list []string
	for _, v := range p.values[name] {
		if v != "" {
			list = append(list, v)
		}
	}
	return list
}

// once refuses parameters given twice (RFC 6749, sections 3.1 and 3.2).
func (p params) once() error {
	if p.repeated == "" {
		return nil
	}
	return refuse(errInvalidRequest, "the parameter "+shorten(p.repeated, 60)+" is given more than once")
}

// isRepeated asks for one parameter.
func (p params) isRepeated(name string) bool { return len(p.values[name]) > 1 && !mayRepeat(name) }

// queryOrForm reads the parameters of an endpoint that takes GET and POST.
func queryOrForm(c echo.Context) (params, error) {
	if c.Request().Method == http.MethodPost {
		return form(c)
	}
	return parseParams(c.Request().URL.RawQuery)
}

// form reads the parameters of a POST, from the body alone: what RFC 6749
// (section 3.2) has in the body must not stand in an address, where logs keep
// it.
func form(c echo.Context) (params, error) {
	r := c.Request()
	kind, _, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType))
	if err != nil || kind != echo.MIMEApplicationForm {
		return params{}, refuse(errInvalidRequest, "the Content-Type must be application/x-www-form-urlencoded, is '"+shorten(r.Header.Get(echo.HeaderContentType), 60)+"'")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return params{}, errTooLarge
		}
		return params{}, refuse(errInvalidRequest, "the body could not be read")
	}
	return parseParams(string(body))
}
