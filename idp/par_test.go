package idp_test

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func (s *site) push(q url.Values) *answer {
	s.t.Helper()
	return s.post("/par", "app", "s3cret+/%", q)
}

func TestRFC9126PushedRequest(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	a := s.push(authorizeQuery())
	pushed := s.good(a)
	uri, _ := pushed["request_uri"].(string)
	if a.StatusCode != 201 || !strings.HasPrefix(uri, "urn:ietf:params:oauth:request_uri:") || pushed["expires_in"] != 60.0 || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%s %s", a.Status, a.body)
	}
	open := func(uri string, more ...string) *answer {
		q := url.Values{"client_id": {"app"}, "request_uri": {uri}}
		for i := 0; i < len(more); i += 2 {
			q.Set(more[i], more[i+1])
		}
		return b.open(s.issuer + "/authorize?" + q.Encode())
	}
	// Only the pushed parameters count.
	page := open(uri, "scope", "openid groups", "redirect_uri", "http://evil.example/", "state", "another", "prompt", "none")
	response := s.response(b.press(page, "sign-in-ada"))
	if response.Get("state") != "a state" {
		t.Errorf("state %q", response.Get("state"))
	}
	if tokens := s.redeem(response); tokens["scope"] != "openid profile email" {
		t.Errorf("scope %v", tokens["scope"])
	}
	wrong := func(name string, a *answer, says string) {
		t.Helper()
		if a.StatusCode != 400 || byTestID(t, a.body, "error") != "invalid_request_uri" || !strings.Contains(byTestID(t, a.body, "reason"), says) {
			t.Errorf("%s: %s %s", name, a.Status, text(a.body))
		}
	}
	wrong("used", open(uri), "used already")
	uri = s.good(s.push(authorizeQuery()))["request_uri"].(string)
	wrong("another client", open(uri, "client_id", "spa"), "another client")
	wrong("invented", open("urn:ietf:params:oauth:request_uri:x"), "never given out")
	s.advance(time.Minute)
	wrong("expired", open(uri), "expired after 1m0s")
	if got := s.response(b.authorize("request_uri", "https://app.example/request")); got.Get("error") != "request_uri_not_supported" {
		t.Errorf("a request_uri to fetch: %v", got)
	}
}

// Section 2.3: what is wrong is told at once, in JSON.
func TestRFC9126Errors(t *testing.T) {
	s := newSite(t)
	s.refused(s.push(authorizeQuery("redirect_uri", "http://evil.example/")), 400, "invalid_request", "not registered")
	s.refused(s.push(authorizeQuery("redirect_uri", "")), 400, "invalid_request", "no redirect_uri")
	s.refused(s.push(authorizeQuery("response_type", "token")), 400, "unsupported_response_type", "")
	s.refused(s.push(authorizeQuery("scope", `"`)), 400, "invalid_scope", "")
	s.refused(s.push(authorizeQuery("request_uri", "urn:x")), 400, "invalid_request", "must not be pushed")
	s.refused(s.push(authorizeQuery("client_id", "spa")), 400, "invalid_request", "two different clients")
	s.refused(s.post("/par", "app", "wrong", authorizeQuery()), 401, "invalid_client", "")
	if a := s.get(s.issuer + "/par"); a.StatusCode != 405 {
		t.Errorf("GET: %s", a.Status)
	}
	// A public client names itself.
	q := authorizeQuery("client_id", "spa", "redirect_uri", "http://spa.example/")
	if a := s.post("/par", "", "", q); a.StatusCode != 201 {
		t.Errorf("public client: %s", a.body)
	}
}

// Section 6.
func TestRFC9126Required(t *testing.T) {
	s := newSite(t)
	s.client("app", map[string]any{"client_secret": "s3cret+/%", "redirect_uris": []any{callback}, "require_pushed_authorization_requests": true})
	b := s.browser()
	if got := s.response(b.authorize()); got.Get("error") != "invalid_request" || !strings.Contains(got.Get("error_description"), "must push") {
		t.Errorf("not pushed: %v", got)
	}
	uri := s.good(s.push(authorizeQuery()))["request_uri"].(string)
	s.redeem(s.response(b.press(b.open(s.issuer+"/authorize?"+url.Values{"client_id": {"app"}, "request_uri": {uri}}.Encode()), "sign-in-ada")))
}
