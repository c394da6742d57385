package server_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/console"
)

const worldsClients = `
apiVersion: mockduktor/v1
kind: Client
metadata: {name: all}
spec:
  token_endpoint_auth_method: none
  redirect_uris: ["http://localhost:3000/callback"]
  grant_types: [authorization_code, refresh_token, password, "urn:ietf:params:oauth:grant-type:device_code"]
---
apiVersion: mockduktor/v1
kind: Client
metadata: {name: sealed}
spec: {token_endpoint_auth_method: none, access_token_format: opaque, grant_types: [password]}
---
apiVersion: mockduktor/v1
kind: Provider
metadata: {name: other}
spec: {profile: generic, path: /other}
`

// Whatever one issuer or world has given out is nothing to another, although all
// have the same people, clients and keys.
func TestNothingOfOneWorldOpensAnother(t *testing.T) {
	running := start(t, server.Config{Documents: seeded(t, worldsClients), DynamicRegistration: true})
	if _, err := running.OpenSandbox("box", "", 0); err != nil {
		t.Fatal(err)
	}
	// Issuers, as paths: two of the main world, one of a sandbox.
	issuers := []string{"/idp", "/other", "/s/box/idp"}
	answerOf := func(got answer) map[string]any {
		t.Helper()
		var body map[string]any
		if got.status >= 400 {
			t.Fatalf("%d %s", got.status, got.body)
		}
		got.json(t, &body)
		return body
	}
	password := func(client string) url.Values {
		return url.Values{"grant_type": {"password"}, "client_id": {client}, "username": {"ada"}, "password": {"ada-password"}, "scope": {"openid email"}}
	}
	authorize := url.Values{"client_id": {"all"}, "response_type": {"code"}, "redirect_uri": {"http://localhost:3000/callback"}, "scope": {"openid"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}}
	provider := func(issuer string) string {
		if issuer == "/other" {
			return "other"
		}
		return ""
	}
	base := func(issuer string) string {
		if strings.HasPrefix(issuer, "/s/box") {
			return "/s/box"
		}
		return ""
	}
	for _, from := range issuers {
		tokens := answerOf(plainForm(t, running, from+"/token", password("all")))
		sealed := answerOf(plainForm(t, running, from+"/token", password("sealed")))
		device := answerOf(plainForm(t, running, from+"/device_authorization", url.Values{"client_id": {"all"}}))
		pushed := answerOf(plainForm(t, running, from+"/par", authorize))
		code := answerOf(mock(t, running, "POST", base(from)+"/_mock/codes", object{"as": "ada", "provider": provider(from), "parameters": object{
			"client_id": "all", "redirect_uri": "http://localhost:3000/callback", "code_challenge": authorize.Get("code_challenge"), "code_challenge_method": "S256"}}))
		session := answerOf(mock(t, running, "POST", base(from)+"/_mock/sessions", object{"as": "ada", "provider": provider(from)}))["cookie"].(map[string]any)
		registered := answerOf(send(t, running, "POST", from+"/register", "", "application/json", []byte(`{"redirect_uris":["http://localhost:3000/x"]}`)))

		// Each answers true where it is let in.
		tries := map[string]func(at string) bool{
			"access token": func(at string) bool {
				return call(t, running, "GET", at+"/userinfo", tokens["access_token"].(string), nil).status == 200
			},
			"opaque token": func(at string) bool {
				return call(t, running, "GET", at+"/userinfo", sealed["access_token"].(string), nil).status == 200
			},
			"refresh token": func(at string) bool {
				return plainForm(t, running, at+"/token", url.Values{"grant_type": {"refresh_token"}, "client_id": {"all"}, "refresh_token": {tokens["refresh_token"].(string)}}).status == 200
			},
			"device code": func(at string) bool {
				got := plainForm(t, running, at+"/token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "client_id": {"all"}, "device_code": {device["device_code"].(string)}})
				return strings.Contains(string(got.body), "authorization_pending")
			},
			"request_uri": func(at string) bool {
				got := call(t, running, "GET", at+"/authorize?"+url.Values{"client_id": {"all"}, "request_uri": {pushed["request_uri"].(string)}}.Encode(), "", nil)
				return got.status == 302
			},
			"code": func(at string) bool {
				return plainForm(t, running, at+"/token", url.Values{"grant_type": {"authorization_code"}, "client_id": {"all"}, "code": {code["code"].(string)},
					"redirect_uri": {"http://localhost:3000/callback"}, "code_verifier": {"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"}}).status == 200
			},
			"sign-in": func(at string) bool {
				got := exchangeBy(t, direct, "GET", "http://"+running.Address()+at+"/authorize?prompt=none&"+authorize.Encode(), http.Header{"Cookie": {session["name"].(string) + "=" + session["value"].(string)}}, nil)
				return strings.Contains(got.header.Get("Location"), "code=")
			},
			"registration token": func(at string) bool {
				return call(t, running, "GET", at+"/register?client_id="+registered["client_id"].(string), registered["registration_access_token"].(string), nil).status == 200
			},
		}
		for _, at := range slices.Concat(slices.DeleteFunc(slices.Clone(issuers), func(one string) bool { return one == from }), []string{from}) {
			for name, let := range tries {
				if in := let(at); in != (at == from) {
					t.Errorf("the %s of %s at %s: let in: %t", name, from, at, in)
				}
			}
		}
		// The Console of a world takes the tokens of its own built-in issuer alone.
		for _, at := range []string{"", "/s/box"} {
			got := call(t, running, "GET", at+"/api/token/v1/whoami", tokens["access_token"].(string), nil)
			if in := got.status == 200; in != (from == at+"/idp") {
				t.Errorf("the access token of %s at the Console of %q: %d", from, at, got.status)
			}
		}
	}
	login := answerOf(call(t, running, "POST", "/api/login", "", object{"username": "ada", "password": "ada-password"}))
	for at, want := range map[string]int{"": 200, "/s/box": 401} {
		if got := call(t, running, "GET", at+"/api/token/v1/whoami", login["access_token"].(string), nil); got.status != want {
			t.Errorf("a login at the Console of %q: %d", at, got.status)
		}
	}
}

// raw sends bytes as they are and reads all that comes back.
func raw(t *testing.T, running *server.Server, text string) string {
	t.Helper()
	connection := dial(t, running, text)
	if half, ok := connection.(*net.TCPConn); ok {
		if err := half.CloseWrite(); err != nil {
			t.Fatal(err)
		}
	}
	got, err := io.ReadAll(connection)
	if err != nil && len(got) == 0 {
		t.Fatal(err)
	}
	return string(got)
}

// A request that two servers could read differently is refused, and what follows
// it is not taken for another request.
func TestAmbiguousRequestsAreRefused(t *testing.T) {
	running := start(t, server.Config{})
	const smuggled = "GET /_mock/settings HTTP/1.1\r\nHost: localhost\r\n\r\n"
	for name, head := range map[string]string{
		"two lengths":             "Content-Length: 5\r\nContent-Length: 6\r\n",
		"a length of two":         "Content-Length: 5, 6\r\n",
		"a signed length":         "Content-Length: +5\r\n",
		"another coding":          "Transfer-Encoding: gzip, chunked\r\n",
		"a coding behind a tab":   "Transfer-Encoding: \tx\r\n",
		"two codings":             "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
		"a space before a colon":  "Content-Length : 5\r\n",
		"a bare carriage return":  "X-One: 1\rContent-Length: 5\r\n",
		"a NUL":                   "X-One: \x00\r\n",
		"two hosts":               "Host: one\r\n",
		"a name with a semicolon": "X;One: 1\r\n",
	} {
		got := raw(t, running, "POST /api/login HTTP/1.1\r\nHost: localhost\r\n"+head+"\r\n0\r\n\r\n"+smuggled)
		if n := strings.Count(got, "HTTP/1.1 "); n != 1 || !strings.HasPrefix(got, "HTTP/1.1 4") && !strings.HasPrefix(got, "HTTP/1.1 501") {
			t.Errorf("%s: %d answers: %.300q", name, n, got)
		}
	}
	// RFC 9112, section 6.3: the coding counts, never the length, which would have
	// the body end within the next request.
	got := raw(t, running, "POST /api/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 45\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"+smuggled)
	if !strings.Contains(got, "got nothing") || strings.Count(got, "HTTP/1.1 ") > 2 {
		t.Errorf("length and coding: %.300q", got)
	}
	for name, line := range map[string]string{"no host": "GET / HTTP/1.1\r\n", "a bad host": "GET / HTTP/1.1\r\nHost: a b\r\n", "a bad method": "G(T / HTTP/1.1\r\nHost: x\r\n", "another protocol": "GET / HTTP/9.9\r\nHost: x\r\n"} {
		if got := raw(t, running, line+"\r\n"); !strings.HasPrefix(got, "HTTP/1.1 4") && !strings.HasPrefix(got, "HTTP/1.1 505") {
			t.Errorf("%s: %.200q", name, got)
		}
	}
}

// No text of a client's ends a header field of the answer: not by state, address,
// reason, cookie or fault.
func TestHeadersAreOneLine(t *testing.T) {
	running := start(t, server.Config{Documents: seeded(t, worldsClients)})
	const evil = "x\r\nSet-Cookie: evil=1\r\n\r\n<script>alert(1)</script>"
	mock(t, running, "POST", "/_mock/faults", object{"id": "loud", "match": object{"operation": "userinfo"}, "effect": object{"status": 429, "error": evil, "message": evil, "retry_after": 7}})
	mock(t, running, "POST", "/_mock/faults", object{"id": "louder", "match": object{"operation": "listTopic"}, "effect": object{"status": 403, "title": evil, "message": evil}})
	authorize := url.Values{"client_id": {"all"}, "response_type": {"code"}, "redirect_uri": {"http://localhost:3000/callback"}, "state": {evil}, "scope": {"openid"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}}
	with := func(name, value string) string {
		q := url.Values{}
		for one, list := range authorize {
			q[one] = list
		}
		q.Set(name, value)
		return "GET /idp/authorize?" + q.Encode()
	}
	escaped := url.PathEscape(evil)
	token := tokenOf(t, running, "admin")
	for name, request := range map[string]string{
		"state":       with("prompt", "none"),
		"client":      with("client_id", evil),
		"redirect":    with("redirect_uri", "http://localhost:3000/callback"+evil),
		"prompt":      with("prompt", evil),
		"mode":        with("response_mode", evil),
		"hint":        with("id_token_hint", evil),
		"logout":      "GET /idp/logout?post_logout_redirect_uri=" + url.QueryEscape(evil) + "&state=" + url.QueryEscape(evil),
		"device":      "GET /idp/device?user_code=" + url.QueryEscape(evil),
		"fault":       "GET /idp/userinfo",
		"other fault": "GET /api/public/kafka/v2/cluster/production/topic",
		"path":        "GET /api/public/kafka/v2/cluster/" + escaped + "/topic",
		"no path":     "GET /" + escaped,
		"sandbox":     "GET /s/" + escaped + "/api/versions",
		"snapshot":    "PUT /_mock/snapshots/" + escaped,
		"query":       "GET /_mock/journal?path=" + url.QueryEscape(evil),
		"well-known":  "GET /.well-known/openid-configuration/" + escaped,
		"user":        "DELETE /api/public/iam/v2/user/" + escaped,
	} {
		method, path, _ := strings.Cut(request, " ")
		got := raw(t, running, method+" "+path+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer "+token+"\r\n\r\n")
		head, _, _ := strings.Cut(got, "\r\n\r\n")
		response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(got)), nil)
		if err != nil {
			t.Errorf("%s: %v: %.300q", name, err, got)
			continue
		}
		for _, cookie := range response.Cookies() {
			if strings.HasPrefix(cookie.Name, "evil") {
				t.Errorf("%s: a cookie was injected", name)
			}
		}
		for _, line := range strings.Split(head, "\r\n") {
			if strings.ContainsAny(line, "\r\n\x00") || strings.HasPrefix(strings.ToLower(line), "set-cookie: evil") {
				t.Errorf("%s: %q", name, line)
			}
		}
		if body, err := io.ReadAll(response.Body); err != nil || strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") && bytes.Contains(body, []byte("<script>alert")) {
			t.Errorf("%s: %v %.300q", name, err, body)
		}
	}
	for _, retry := range []any{"7\r\nX: 1", "x", 1.5, -1} {
		if got := mock(t, running, "POST", "/_mock/faults", object{"id": "retry", "match": object{"operation": "userinfo"}, "effect": object{"status": 429, "retry_after": retry}}); got.status != 400 {
			t.Errorf("retry_after %q: %d %s", retry, got.status, got.body)
		}
	}
}

// Who may read what from a page of another origin: what an OAuth client needs,
// none of which looks at cookies, and nothing else.
func TestCORSOfEachSurface(t *testing.T) {
	running := start(t, server.Config{DynamicRegistration: true})
	const origin = "https://evil.example"
	for path, open := range map[string]bool{
		"/idp/.well-known/openid-configuration": true, "/idp/jwks": true, "/idp/token": true, "/idp/userinfo": true, "/idp/revoke": true,
		"/idp/authorize": false, "/idp/signin": false, "/idp/logout": false, "/idp/device": false,
		"/": false, "/docs": false, "/api/versions": false, "/api/login": false, "/api/token/v1/whoami": false,
		"/api/public/iam/v2/user": false, "/public/docs/docs.json": false, "/nowhere": false,
		"/_mock/settings": false, "/_mock/docs": false, "/_mock/openapi.json": false, "/_mock/journal": false, "/_mock/tokens": false,
	} {
		for _, method := range []string{"GET", "POST", "OPTIONS"} {
			got := exchangeBy(t, direct, method, "http://"+running.Address()+path, http.Header{"Origin": {origin}, "Access-Control-Request-Method": {"POST"}}, nil)
			allowed := got.header.Get("Access-Control-Allow-Origin")
			if open && allowed != origin || !open && allowed != "" {
				t.Errorf("%s %s: Access-Control-Allow-Origin is %q", method, path, allowed)
			}
		}
	}
	// What is open tells a signed-in browser no more than anybody.
	session := mock(t, running, "POST", "/_mock/sessions", object{"as": "ada"})
	got := exchange(t, running, "GET", "/idp/userinfo", http.Header{"Origin": {origin}, "Cookie": {session.header.Get("Set-Cookie")}}, nil)
	if got.status != 401 {
		t.Errorf("userinfo by cookie: %d %s", got.status, got.body)
	}
}

// No page lies under another site's.
func TestPagesAreNotFramed(t *testing.T) {
	running := start(t, server.Config{Documents: seeded(t, worldsClients)})
	session := mock(t, running, "POST", "/_mock/sessions", object{"as": "ada"}).header.Get("Set-Cookie")
	for _, path := range []string{"/", "/docs", "/_mock/docs", "/s/none/docs", "/idp/authorize", "/idp/authorize?client_id=nobody", "/idp/device", "/idp/device?user_code=BBBB-BBBB", "/idp/logout", "/idp/signin", "/idp/signin?request=x"} {
		for _, cookie := range []string{"", session} {
			got := exchangeBy(t, direct, "GET", "http://"+running.Address()+path, http.Header{"Cookie": {cookie}, "Accept": {"text/html"}}, nil)
			if !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
				if strings.HasPrefix(path, "/idp") || path == "/" || path == "/docs" {
					t.Errorf("%s: no page: %d %s", path, got.status, got.header.Get("Content-Type"))
				}
				continue
			}
			if policy := got.header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") || got.header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: policy %q, nosniff %q", path, policy, got.header.Get("X-Content-Type-Options"))
			}
		}
	}
}

// With the reasons hidden a login tells nobody who there is.
func TestLoginTellsNobody(t *testing.T) {
	running := start(t, server.Config{Console: console.Settings{HideReasons: true}})
	var first answer
	for i, body := range []object{
		{"username": "nobody@shop.example", "password": "wrong"}, {"username": "ada@shop.example", "password": "wrong"},
		{"username": "kim@shop.example", "password": "kim-password"}, {"username": server.DefaultAdminEmail, "password": "wrong"},
	} {
		got := call(t, running, "POST", "/api/login", "", body)
		if got.header.Del("Date"); i == 0 {
			first = got
		}
		if got.status != 401 || !bytes.Equal(got.body, first.body) || fmt.Sprint(got.header) != fmt.Sprint(first.header) {
			t.Errorf("%v: %d %s %v, the first was %s", body, got.status, got.body, got.header, first.body)
		}
	}
}

// An expression of a few letters that asks for millions of states is refused
// wherever one can be written.
func TestLargeExpressionsAreRefused(t *testing.T) {
	running := start(t, server.Config{})
	token := tokenOf(t, running, "admin")
	large := strings.Repeat("a{1000}", 500)
	group := object{"apiVersion": "v2", "kind": "Group", "metadata": object{"name": "large"}, "spec": object{"displayName": "x", "externalGroupRegex": []string{"fine", large}}}
	policy := object{"apiVersion": "v1", "kind": "TopicPolicy", "metadata": object{"name": "large"},
		"spec": object{"policies": object{"metadata.name": object{"constraint": "Match", "pattern": large}}}}
	for name, got := range map[string]answer{
		"externalGroupRegex": call(t, running, "PUT", "/api/public/iam/v2/group", token, group),
		"pattern":            call(t, running, "PUT", "/api/public/self-serve/v1/topic-policy", token, policy),
		"seed":               mock(t, running, "PUT", "/_mock/resources/Group", group),
	} {
		if got.status != 400 || !strings.Contains(string(got.body), "repeats are written out") {
			t.Errorf("%s: %d %.300s", name, got.status, got.body)
		}
	}
	var many []string
	for i := range 2000 {
		many = append(many, fmt.Sprintf("^team-%d-[a-z]+$", i))
	}
	group["spec"].(object)["externalGroupRegex"] = many
	if got := call(t, running, "PUT", "/api/public/iam/v2/group", token, group); got.status != 400 || !strings.Contains(string(got.body), "at most") {
		t.Errorf("2000 expressions: %d %.300s", got.status, got.body)
	}
}
