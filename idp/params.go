package idp

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/labstack/echo/v4"
)

// Limits bound what a request may bring and what it may leave behind.
type Limits struct {
	// Form is for query and body of a request, in bytes.
	Form int
	// Parameters is how many one query or form may have.
	Parameters int
	// Clients is how many may have registered themselves; those that nobody needs
	// any more can be deleted (RFC 7592, section 2.3).
	Clients int
}

// defaultLimits are those where [Config] has none.
var defaultLimits = Limits{Form: 64 << 10, Parameters: 1000, Clients: 1000}

func (l *Limits) complete() {
	for _, one := range []struct {
		field *int
		usual int
	}{{&l.Form, defaultLimits.Form}, {&l.Parameters, defaultLimits.Parameters}, {&l.Clients, defaultLimits.Clients}} {
		if *one.field == 0 {
			*one.field = one.usual
		}
	}
}

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

func (p *Provider) parseParams(encoded string) (params, error) {
	if len(encoded) > p.config.Limits.Form {
		return params{}, p.tooLarge()
	}
	if n := strings.Count(encoded, "&") + 1; n > p.config.Limits.Parameters {
		return params{}, refuse(errInvalidRequest, fmt.Sprintf("the request has %d parameters, more than %d (limit parameters; start the server with --limit parameters=N to raise it)", n, p.config.Limits.Parameters))
	}
	values, err := url.ParseQuery(encoded)
	if err != nil {
		return params{}, refuse(errInvalidRequest, "the parameters are not form-encoded: "+err.Error())
	}
	q := params{values: values}
	for name, list := range values {
		if len(list) > 1 && !mayRepeat(name) && (q.repeated == "" || name < q.repeated) {
			q.repeated = name
		}
	}
	return q, nil
}

func (p *Provider) tooLarge() error {
	return &Error{Status: http.StatusRequestEntityTooLarge, Code: errInvalidRequest,
		Description: fmt.Sprintf("the parameters are larger than %d bytes (limit form; start the server with --limit form=N to raise it)", p.config.Limits.Form)}
}

// size is about what the parameters take, in bytes.
func (p params) size() int {
	n := 0
	for name, list := range p.values {
		n += 64 + len(name)
		for _, value := range list {
			n += 16 + len(value)
		}
	}
	return n
}

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
func (p *Provider) queryOrForm(c echo.Context) (params, error) {
	if c.Request().Method == http.MethodPost {
		return p.form(c)
	}
	return p.parseParams(c.Request().URL.RawQuery)
}

// form reads the parameters of a POST, from the body alone: what RFC 6749
// (section 3.2) has in the body must not stand in an address, where logs keep
// it.
func (p *Provider) form(c echo.Context) (params, error) {
	r := c.Request()
	kind, _, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType))
	if err != nil || kind != echo.MIMEApplicationForm {
		return params{}, refuse(errInvalidRequest, "the Content-Type must be application/x-www-form-urlencoded, is '"+shorten(r.Header.Get(echo.HeaderContentType), 60)+"'")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, int64(p.config.Limits.Form)+1))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return params{}, p.tooLarge()
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return params{}, &Error{Status: http.StatusRequestTimeout, Code: errInvalidRequest, Description: "the body did not come within the time for a request"}
		}
		return params{}, refuse(errInvalidRequest, "the body could not be read")
	}
	return p.parseParams(string(body))
}
