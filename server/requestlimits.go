package server

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/limits"
)

// oversized refuses a request whose address or header fields are larger than the
// server looks at; nil for all others.
func (s *Server) oversized(r *http.Request, headerBytes int) *kinds.Error {
	l := &s.config.Limits
	switch {
	case len(r.RequestURI) > l.URL:
		return &kinds.Error{Code: kinds.LongURL, Field: "url", Message: fmt.Sprintf("%d bytes are %s", len(r.RequestURI), limits.Explain("url", l.URL))}
	case headerBytes > l.Headers:
		return &kinds.Error{Code: kinds.LongHeaders, Field: "headers", Message: fmt.Sprintf("%d bytes are %s", headerBytes, limits.Explain("headers", l.Headers))}
	case r.URL.RawQuery != "" && strings.Count(r.URL.RawQuery, "&") >= l.Parameters:
		return &kinds.Error{Code: kinds.Invalid, Field: "query", Message: fmt.Sprintf("%d parameters are %s", strings.Count(r.URL.RawQuery, "&")+1, limits.Explain("parameters", l.Parameters))}
	}
	return nil
}

// inOAuth is such a refusal as the identity provider tells it.
func inOAuth(refused *kinds.Error) *idp.Error {
	status := map[kinds.Code]int{kinds.LongURL: http.StatusRequestURITooLong, kinds.LongHeaders: http.StatusRequestHeaderFieldsTooLarge}[refused.Code]
	return &idp.Error{Status: status, Code: "invalid_request", Description: refused.Error()}
}
