package idp_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

// FuzzAuthorize: whatever the parameters, nobody is ever led away but to a
// registered redirect URI, and nothing panics.
func FuzzAuthorize(f *testing.F) {
	s := newSite(f)
	s.client("native", map[string]any{"redirect_uris": []any{"http://127.0.0.1/cb", "http://[::1]/cb?x=y", "com.example.app:/cb"}})
	s.client("auto", map[string]any{"client_secret": "x", "redirect_uris": []any{callback}, "sign_in_as": "ada"})
	e := echo.New()
	s.Register(e.Group("/idp"))

	for _, query := range []string{
		authorizeQuery().Encode(), authorizeQuery("prompt", "none", "response_mode", "fragment").Encode(),
		authorizeQuery("client_id", "native", "redirect_uri", "http://127.0.0.1:8080/cb").Encode(),
		authorizeQuery("client_id", "auto", "response_mode", "form_post", "state", "<>").Encode(),
		"client_id=app&redirect_uri=http://app.example/callback&redirect_uri=http://evil.example/",
		"client_id=native&redirect_uri=http://127.0.0.1:1@evil.example/cb&response_type=code",
		"client_id=app&redirect_uri=http://app.example/callback%0d%0aLocation:x", "%", "a;b", "",
	} {
		f.Add(query, true)
		f.Add(query, false)
	}
	f.Fuzz(func(t *testing.T, query string, post bool) {
		var r *http.Request
		if post {
			r = httptest.NewRequest("POST", "/idp/authorize", strings.NewReader(query))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		} else {
			r = httptest.NewRequest("GET", "/idp/authorize", nil)
			r.URL.RawQuery = query
		}
		recorder := httptest.NewRecorder()
		e.ServeHTTP(recorder, r)
		if recorder.Code == 500 {
			t.Fatalf("%q: the provider failed", query)
		}
		location := recorder.Header().Get("Location")
		if recorder.Code/100 == 3 && !isOurs(location) {
			t.Fatalf("%q leads to %q", query, location)
		}
		if strings.ContainsAny(location, "\r\n") {
			t.Fatalf("%q breaks the header: %q", query, location)
		}
		if recorder.Code == 200 {
			form := find(parse(t, recorder.Body.String()), isForm)
			if form == nil || !isOurs(attr(form, "action")) {
				t.Fatalf("%q: a form to %v", query, form)
			}
		}
	})
}

// isOurs holds to the grammar of the registered addresses on its own, not by
// the provider's comparison.
func isOurs(location string) bool {
	if strings.HasPrefix(location, "/idp/signin?request=") {
		return true
	}
	u, err := url.Parse(location)
	if err != nil || u.User != nil {
		return false
	}
	switch {
	case u.Scheme == "http" && u.Host == "app.example" && u.Path == "/callback",
		u.Scheme == "http" && u.Host == "spa.example" && u.Path == "/",
		u.Scheme == "com.example.app" && u.Path == "/cb" && u.Host == "",
		u.Scheme == "http" && u.Hostname() == "127.0.0.1" && u.Path == "/cb",
		u.Scheme == "http" && u.Hostname() == "::1" && u.Path == "/cb" && u.Query().Get("x") == "y":
		return true
	}
	return false
}
