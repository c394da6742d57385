package idp_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server/store"
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

// FuzzRedirectMatching: whatever is registered and whatever is asked for, an
// answer goes to a registered address to the letter, or to a registered loopback
// address with a port in it (RFC 8252, section 7.3), and to none that a client
// may not register.
func FuzzRedirectMatching(f *testing.F) {
	s := newSite(f)
	e := echo.New()
	s.Register(e.Group("/idp"))
	for _, pair := range [][2]string{
		{callback, callback}, {callback, callback + "/"}, {callback, "http://app.example/callback?x=y"},
		{"http://127.0.0.1/cb", "http://127.0.0.1:8080/cb"}, {"http://127.0.0.1/cb", "http://127.0.0.1:80@evil.example/cb"},
		{"http://127.0.0.1", "http://127.0.0.1:8080"}, {"http://127.0.0.1?a=b", "http://127.0.0.1:1?a=b"},
		{"http://[::1]/cb", "http://[::1]:65535/cb"}, {"http://[::1]/cb", "http://[::1]:99999/cb"}, {"http://localhost/cb", "http://localhost:1/cb"},
		{"com.example.app:/cb", "com.example.app:/cb"}, {"javascript:alert(1)", "javascript:alert(1)"}, {"https://*.example/cb", "https://evil.example/cb"},
		{"http://app.example/a%2fb", "http://app.example/a/b"}, {"http://app.example/é", "http://app.example/%C3%A9"},
	} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, registered, asked string) {
		client, problems := idp.ParseClient(map[string]any{"metadata": map[string]any{"name": "fuzzed"}, "spec": map[string]any{
			"client_secret": "x", "redirect_uris": []any{registered}, "sign_in_as": "ada",
		}})
		if len(problems) > 0 {
			return
		}
		if u, err := url.Parse(registered); err != nil || !u.IsAbs() || strings.Contains(registered, "#") || u.Scheme == "javascript" || u.Scheme == "data" {
			t.Fatalf("%q may be registered", registered)
		}
		if err := s.world.Update(func(tx *store.Tx) error {
			return tx.Put(&store.Resource{Kind: "Client", Version: "v1", Name: "fuzzed", JSON: []byte("{}"), Value: client})
		}); err != nil {
			t.Fatal(err)
		}
		query := url.Values{"client_id": {"fuzzed"}, "redirect_uri": {asked}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"}}
		recorder := httptest.NewRecorder()
		e.ServeHTTP(recorder, httptest.NewRequest("GET", "/idp/authorize?"+query.Encode(), nil))
		location := recorder.Header().Get("Location")
		if recorder.Code/100 != 3 {
			if recorder.Code != 400 || location != "" {
				t.Fatalf("registered %q, asked %q: %d to %q", registered, asked, recorder.Code, location)
			}
			return
		}
		if asked != registered && !isLoopbackOf(registered, asked) {
			t.Fatalf("registered %q, asked %q: leads to %q", registered, asked, location)
		}
		// The answer is added to the address and changes nothing of it.
		want, err := url.Parse(asked)
		got, errGot := url.Parse(location)
		if err != nil || errGot != nil || got.Scheme != want.Scheme || got.Host != want.Host || got.User.String() != want.User.String() || got.EscapedPath() != want.EscapedPath() || !got.Query().Has("code") {
			t.Fatalf("asked %q: leads to %q", asked, location)
		}
	})
}

// isLoopbackOf takes the port off an address and compares it with one that has
// none, by the grammar of URLs rather than by prefixes.
func isLoopbackOf(registered, asked string) bool {
	a, err := url.Parse(asked)
	r, errR := url.Parse(registered)
	if err != nil || errR != nil || a.Scheme != "http" || r.Scheme != "http" || a.User != nil || r.User != nil || r.Port() != "" {
		return false
	}
	port, err := strconv.Atoi(a.Port())
	return err == nil && port > 0 && port < 1<<16 && a.Hostname() == r.Hostname() && (a.Hostname() == "127.0.0.1" || a.Hostname() == "::1") &&
		a.EscapedPath() == r.EscapedPath() && a.RawQuery == r.RawQuery && a.ForceQuery == r.ForceQuery
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

// FuzzToken: whatever the parameters of the token endpoint, it neither fails
// nor hangs, and gives no token to who shows nothing.
func FuzzToken(f *testing.F) {
	s := newSite(f)
	s.deviceClient()
	s.exchangeClient()
	key := newSigner(f, "ES256")
	s.client("robot", map[string]any{"jwks": key.jwks(), "grant_types": []any{bearerGrant, "client_credentials"}})
	e := echo.New()
	s.Register(e.Group("/idp"))
	tokens := s.redeem(s.browser().signIn("ada"))
	device := s.newDevice(url.Values{})
	for _, form := range []url.Values{
		codeForm(s.browser().signIn("ada").Get("code")),
		{"grant_type": {"refresh_token"}, "refresh_token": {changed(tokens["refresh_token"].(string))}},
		{"grant_type": {"password"}, "username": {"ada"}, "password": {"wrong"}},
		{"grant_type": {"client_credentials"}, "scope": {"a b"}},
		{"grant_type": {deviceGrant}, "device_code": {device["device_code"].(string)}, "client_id": {"tv"}},
		{"grant_type": {exchangeGrant}, "subject_token": {tokens["access_token"].(string)}, "subject_token_type": {tokenType("access_token")}, "actor_token": {tokens["id_token"].(string)}, "actor_token_type": {tokenType("id_token")}},
		{"grant_type": {bearerGrant}, "assertion": {key.sign("JWT", map[string]any{"iss": "robot", "sub": "ada", "aud": "x", "exp": 1})}},
		assertionForm(key.sign("JWT", map[string]any{"iss": "robot", "sub": "robot", "aud": []any{1, "x"}, "exp": 1e300})),
	} {
		f.Add(form.Encode(), "")
		f.Add(form.Encode(), "Basic YXBwOndyb25n")
	}
	f.Fuzz(func(t *testing.T, form, authorization string) {
		r := httptest.NewRequest("POST", "/idp/token", strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if authorization != "" {
			r.Header["Authorization"] = []string{authorization}
		}
		recorder := httptest.NewRecorder()
		e.ServeHTTP(recorder, r)
		switch recorder.Code {
		case 400, 401, 413:
			if !strings.Contains(recorder.Body.String(), `"error":"`) {
				t.Fatalf("%q: %s", form, recorder.Body)
			}
		default:
			t.Fatalf("%q %q: %d %s", form, authorization, recorder.Code, recorder.Body)
		}
	})
}

// FuzzProof: a DPoP proof that nobody signed is never good.
func FuzzProof(f *testing.F) {
	s := newSite(f)
	e := echo.New()
	s.Register(e.Group("/idp"))
	key := newSigner(f, "ES256")
	good := s.proof(key, "POST", "/token")
	f.Add(good)
	f.Add(s.proof(key, "GET", "/userinfo", "iat", 1e300))
	f.Add(s.proof(newSigner(f, "RS256"), "POST", "/token", "htu", "http://[::1"))
	f.Add(encode(`{"alg":"none","typ":"dpop+jwt","jwk":{"kty":"oct","k":"eA"}}`) + "." + encode(`{"jti":"x","htm":"POST","iat":0}`) + ".")
	f.Add("..")
	s.good(s.post("/token", "app", "s3cret+/%", clientCredentials, "DPoP", good))
	f.Fuzz(func(t *testing.T, proof string) {
		r := httptest.NewRequest("POST", "/idp/token", strings.NewReader(clientCredentials.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header["Dpop"] = []string{proof}
		r.SetBasicAuth("app", "s3cret%2B%2F%25")
		recorder := httptest.NewRecorder()
		e.ServeHTTP(recorder, r)
		if recorder.Code != 400 || !strings.Contains(recorder.Body.String(), "invalid_dpop_proof") {
			t.Fatalf("%q: %d %s", proof, recorder.Code, recorder.Body)
		}
	})
}
