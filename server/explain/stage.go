// Package explain answers what the Console would do with a request, and why,
// without doing it: the request runs through the Console's own handlers over a
// copy of the world, and what they note on the way is shown. So an explanation
// cannot differ from what the server then does.
package explain

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server/console"
	"github.com/mockduktor/mockduktor/server/kinds"
)

// Stage is a copy of a site on which requests are tried.
type Stage struct {
	// Console is over a copy of the site's world.
	Console *console.Console
	// Provider finds an identity provider over the same copy by its name, ""
	// for the built-in one; nil where there is none.
	Provider func(name string) *idp.Provider
	// Trusted names the provider whose tokens the Console accepts, where it is
	// one of this server.
	Trusted string
	// PublicURL is the site's; requests may be given with it.
	PublicURL string
	// Elsewhere tells the paths that are not the Console's but an identity
	// provider's.
	Elsewhere func(path string) bool
	// Faults: the site has rules by which requests go wrong. Explanations leave
	// them out.
	Faults bool
	// Serve makes the site's handler with another Console in its place.
	Serve func(*console.Console) http.Handler
}

// run is one request tried, and its answer. It is an http.ResponseWriter.
type run struct {
	console *console.Console // over the world as the request left it
	trace   console.Trace
	status  int
	header  http.Header
	body    bytes.Buffer
}

// Header implements http.ResponseWriter.
func (r *run) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *run) WriteHeader(status int) { r.status = status }

// Write implements http.ResponseWriter.
func (r *run) Write(data []byte) (int, error) { return r.body.Write(data) }

// try sends a request with a bearer token, none where it is empty, to a Console
// over a copy of the stage's world: what one request changes, the next does not
// see.
func (s *Stage) try(ctx context.Context, token string, call Call) (*run, error) {
	r := &run{console: s.Console.Over(s.Console.World.Copy()), status: http.StatusOK, header: http.Header{}}
	ctx = console.WithTrace(ctx, &r.trace)
	request, err := http.NewRequestWithContext(ctx, call.Method, call.target, strings.NewReader(call.sent))
	if err != nil {
		return nil, invalid("path", "%v", err)
	}
	request.RequestURI = call.target
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	s.Serve(r.console).ServeHTTP(r, request)
	return r, nil
}

// maxTarget is the longest path and query looked at, in bytes.
const maxTarget = 64 << 10

var methods = []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodPatch, http.MethodDelete}

// settle checks what is asked about and makes it ready to be sent.
func (s *Stage) settle(c *Call) error {
	c.Method = strings.ToUpper(c.Method)
	if !contains(methods, c.Method) {
		return invalid("method", "expected one of %s, got %q", strings.Join(methods, ", "), c.Method)
	}
	path := strings.TrimPrefix(c.Path, s.PublicURL)
	if len(path) > maxTarget {
		return invalid("path", "is %d bytes long, at most %d are looked at", len(path), maxTarget)
	}
	target, err := url.ParseRequestURI(path)
	if err != nil || !strings.HasPrefix(path, "/") || strings.ContainsAny(path, " \t\r\n") {
		return invalid("path", "expected a path of the Console's API with its query, such as /public/kafka/v2/cluster/production/topic, got %q", c.Path)
	}
	if strings.HasPrefix(target.Path, "/_mock") || strings.HasPrefix(target.Path, "/s/") || s.Elsewhere(target.Path) {
		return invalid("path", "%s is no path of the Console's API, which is what is explained; for a sandbox ask its own /_mock/explain", c.Path)
	}
	c.target = path
	if c.sent, err = bodyText(c.Body); err != nil {
		return invalid("body", "%v", err)
	}
	return nil
}

func invalid(field, format string, args ...any) error {
	return &kinds.Error{Field: field, Message: fmt.Sprintf(format, args...)}
}
