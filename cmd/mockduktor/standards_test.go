package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The binary against the standards, a test for each demand, named after the
// section that has it. Clients with sign_in_as need no page.

const standardsSeed = `
apiVersion: mockduktor/v1
kind: Person
metadata: {name: ada}
spec: {email: ada@rp.example, name: Ada Lovelace, password: ada-password, groups: [engineers], claims: {roles: [lead], entitlements: [read]}}
---
apiVersion: mockduktor/v1
kind: Person
metadata: {name: ben}
spec: {email: ben@rp.example, password: ben-password}
---
apiVersion: mockduktor/v1
kind: Client
metadata: {name: app}
spec:
  client_secret: app-secret
  sign_in_as: ada
  redirect_uris: ["https://rp.example/cb"]
  grant_types: [authorization_code, refresh_token, client_credentials, password, "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange"]
  audience: ["https://api.rp.example"]
  access_token_typ: at+jwt
---
apiVersion: mockduktor/v1
kind: Client
metadata: {name: other}
spec: {client_secret: other-secret, sign_in_as: ada, redirect_uris: ["https://rp.example/cb", "https://rp.example/other"], grant_types: [authorization_code, refresh_token]}
---
apiVersion: mockduktor/v1
kind: Client
metadata: {name: page}
spec:
  client_secret: page-secret
  redirect_uris: ["https://rp.example/cb"]
  post_logout_redirect_uris: ["https://rp.example/bye"]
`

const (
	rpCallback   = "https://rp.example/cb"
	rpVerifier   = "a-verifier-of-at-least-forty-three-characters"
	deviceGrant  = "urn:ietf:params:oauth:grant-type:device_code"
	exchangeType = "urn:ietf:params:oauth:grant-type:token-exchange"
)

// subject is the binary under test, and a browser that stops at each redirect.
type subject struct {
	*running
	t       *testing.T
	issuer  string
	browser *http.Client
}

func newSubject(t *testing.T, arguments ...string) *subject {
	t.Helper()
	file := filepath.Join(t.TempDir(), "seed.yaml")
	if err := os.WriteFile(file, []byte(standardsSeed), 0o600); err != nil {
		t.Fatal(err)
	}
	r := serveBinary(t, nil, append([]string{"--seed", "empty", "--seed", file}, arguments...)...)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &subject{r, t, r.url + "/idp", &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// reply is an answer of the provider.
type reply struct {
	*http.Response
	body   string
	object map[string]any // of a JSON body
}

func (s *subject) send(method, address string, form url.Values, header ...string) reply {
	s.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	request, err := http.NewRequestWithContext(s.t.Context(), method, address, body)
	if err != nil {
		s.t.Fatal(err)
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := s.browser.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	got := reply{Response: response, body: string(data)}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(data, &got.object); err != nil {
			s.t.Fatalf("%s %s: %v", method, address, err)
		}
	}
	return got
}

func basicOf(client string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(client+":"+client+"-secret"))
}

// ask posts to an endpoint as a client; pairs are the form.
func (s *subject) ask(path, client string, pairs ...string) reply {
	s.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return s.send(http.MethodPost, s.issuer+path, form, "Authorization", basicOf(client))
}

// refused checks an error of RFC 6749, section 5.2.
func (s *subject) refused(what string, got reply, status int, code string) {
	s.t.Helper()
	if got.StatusCode != status || got.object["error"] != code || got.object["error_description"] == "" {
		s.t.Errorf("%s: %s %s, want %d %s", what, got.Status, got.body, status, code)
	}
}

func s256(verifier string) string {
	digest := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(digest[:])
}

// authorize asks as client app; an empty value takes a parameter away.
func (s *subject) authorize(changes ...string) reply {
	s.t.Helper()
	q := url.Values{"client_id": {"app"}, "redirect_uri": {rpCallback}, "response_type": {"code"}, "scope": {"openid profile email groups"},
		"state": {"a state"}, "nonce": {"a nonce"}, "code_challenge": {s256(rpVerifier)}, "code_challenge_method": {"S256"}}
	for i := 0; i < len(changes); i += 2 {
		q.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			q.Del(changes[i])
		}
	}
	return s.send(http.MethodGet, s.issuer+"/authorize?"+q.Encode(), nil)
}

// back are the parameters that go to the client.
func (s *subject) back(got reply) url.Values {
	s.t.Helper()
	location, err := got.Location()
	if err != nil || location.Host != "rp.example" {
		s.t.Fatalf("%s to %v: %s", got.Status, location, got.body)
	}
	return location.Query()
}

func (s *subject) redeem(code string, changes ...string) reply {
	s.t.Helper()
	form := []string{"grant_type", "authorization_code", "code", code, "redirect_uri", rpCallback, "code_verifier", rpVerifier}
	return s.ask("/token", "app", append(form, changes...)...)
}

// tokens are those of a whole sign-in.
func (s *subject) tokens(changes ...string) map[string]any {
	s.t.Helper()
	got := s.redeem(s.back(s.authorize(changes...)).Get("code"))
	if got.StatusCode != http.StatusOK {
		s.t.Fatalf("%s %s", got.Status, got.body)
	}
	return got.object
}

func (s *subject) userInfo(token any) reply {
	s.t.Helper()
	return s.send(http.MethodGet, s.issuer+"/userinfo", nil, "Authorization", "Bearer "+token.(string))
}

func (s *subject) advance(by string) {
	s.t.Helper()
	if response, body := post(s.t, s.url+"/_mock/clock/advance", `{"by":"`+by+`"}`); response.StatusCode != http.StatusOK {
		s.t.Fatal(body)
	}
}

// part decodes header (0) or claims (1) of a token.
func (s *subject) part(token any, i int) map[string]any {
	s.t.Helper()
	text, _ := token.(string)
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		s.t.Fatalf("no JWT: %v", token)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[i])
	if err != nil {
		s.t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		s.t.Fatal(err)
	}
	return object
}

func TestRFC6749_3_1_2_3_RedirectURIIsComparedExactly(t *testing.T) {
	s := newSubject(t)
	for _, uri := range []string{rpCallback + "/", rpCallback + "?x=y", "https://rp.example/CB", "https://rp.example:443/cb", "http://rp.example/cb",
		"https://rp.example/x/../cb", "https://rp.example%2fcb", "https://rp.example/cb#f", "https://rp.example@evil.example/cb", "//rp.example/cb", ""} {
		if got := s.authorize("redirect_uri", uri); got.StatusCode != http.StatusBadRequest || got.Header.Get("Location") != "" || !strings.Contains(got.body, "<html") {
			t.Errorf("%q: %s to %q", uri, got.Status, got.Header.Get("Location"))
		}
	}
	if s.back(s.authorize()).Get("code") == "" {
		t.Error("the registered one does not work")
	}
}

func TestRFC6749_4_1_2_1_NoRedirectForAnUnknownClient(t *testing.T) {
	s := newSubject(t)
	for _, id := range []string{"nobody", "", "APP"} {
		if got := s.authorize("client_id", id); got.StatusCode != http.StatusBadRequest || got.Header.Get("Location") != "" {
			t.Errorf("%q: %s to %q", id, got.Status, got.Header.Get("Location"))
		}
	}
}

func TestRFC6749_4_1_2_CodeServesOnceAndReuseRevokes(t *testing.T) {
	s := newSubject(t)
	code := s.back(s.authorize()).Get("code")
	tokens := s.redeem(code).object
	if got := s.userInfo(tokens["access_token"]); got.StatusCode != http.StatusOK {
		t.Fatalf("before: %s", got.body)
	}
	s.refused("again", s.redeem(code), http.StatusBadRequest, "invalid_grant")
	if got := s.userInfo(tokens["access_token"]); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("the access token lives on: %s", got.Status)
	}
	s.refused("its refresh token", s.ask("/token", "app", "grant_type", "refresh_token", "refresh_token", tokens["refresh_token"].(string)), http.StatusBadRequest, "invalid_grant")
}

func TestRFC6749_4_1_3_CodeIsBoundToClientAndRedirectURI(t *testing.T) {
	s := newSubject(t)
	code := s.back(s.authorize()).Get("code")
	s.refused("another client", s.ask("/token", "other", "grant_type", "authorization_code", "code", code, "redirect_uri", rpCallback, "code_verifier", rpVerifier), http.StatusBadRequest, "invalid_grant")
	s.refused("another redirect URI", s.redeem(code, "redirect_uri", "https://rp.example/other"), http.StatusBadRequest, "invalid_grant")
	s.refused("no redirect URI", s.redeem(code, "redirect_uri", ""), http.StatusBadRequest, "invalid_grant")
	if got := s.redeem(code); got.StatusCode != http.StatusOK {
		t.Errorf("those attempts ended the code: %s", got.body)
	}
}

func TestRFC6749_5_1_TokenAnswersAreNotStored(t *testing.T) {
	s := newSubject(t)
	for name, got := range map[string]reply{
		"tokens":  s.ask("/token", "app", "grant_type", "client_credentials"),
		"refusal": s.ask("/token", "app", "grant_type", "authorization_code", "code", "x"),
		"device":  s.ask("/device_authorization", "app"),
		"pushed":  s.ask("/par", "app", "response_type", "code", "redirect_uri", rpCallback, "scope", "openid"),
		"claims":  s.userInfo(s.tokens()["access_token"]),
	} {
		if got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %s, Cache-Control %q", name, got.Status, got.Header.Get("Cache-Control"))
		}
	}
	got := s.ask("/token", "app", "grant_type", "client_credentials")
	if got.object["token_type"] != "Bearer" || got.object["expires_in"] != 3600.0 || got.Header.Get("Pragma") != "no-cache" {
		t.Errorf("%s %v", got.body, got.Header)
	}
}

func TestRFC6749_5_2_ErrorsOfTheTokenEndpoint(t *testing.T) {
	s := newSubject(t)
	for _, row := range []struct {
		client string
		form   []string
		status int
		code   string
	}{
		{"app", nil, 400, "invalid_request"},
		{"app", []string{"grant_type", "magic"}, 400, "unsupported_grant_type"},
		{"app", []string{"grant_type", "authorization_code", "code", "x", "redirect_uri", rpCallback}, 400, "invalid_grant"},
		{"app", []string{"grant_type", "client_credentials", "scope", `"`}, 400, "invalid_scope"},
		{"other", []string{"grant_type", "client_credentials"}, 400, "unauthorized_client"},
		{"nobody", []string{"grant_type", "client_credentials"}, 401, "invalid_client"},
	} {
		got := s.ask("/token", row.client, row.form...)
		s.refused(row.code, got, row.status, row.code)
		if challenge := got.Header.Get("WWW-Authenticate"); strings.HasPrefix(challenge, "Basic ") != (row.status == 401) {
			t.Errorf("%s: WWW-Authenticate %q", row.code, challenge)
		}
	}
}

func TestRFC6749_2_3_OneWayOfAuthentication(t *testing.T) {
	s := newSubject(t)
	s.refused("secret twice", s.ask("/token", "app", "grant_type", "client_credentials", "client_id", "app", "client_secret", "app-secret"), 400, "invalid_request")
	s.refused("secret and assertion", s.ask("/token", "app", "grant_type", "client_credentials",
		"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion", "x.y.z"), 400, "invalid_request")
}

func TestRFC6749_3_2_TokensByPostAlone(t *testing.T) {
	s := newSubject(t)
	q := url.Values{"grant_type": {"client_credentials"}, "client_id": {"app"}, "client_secret": {"app-secret"}}
	if got := s.send(http.MethodGet, s.issuer+"/token?"+q.Encode(), nil); got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Allow") != "POST" {
		t.Errorf("GET: %s, Allow %q", got.Status, got.Header.Get("Allow"))
	}
	s.refused("parameters in the address", s.send(http.MethodPost, s.issuer+"/token?"+q.Encode(), url.Values{}), 401, "invalid_client")
}

func TestRFC7636_4_2_PlainIsASwitch(t *testing.T) {
	plain := []string{"code_challenge", rpVerifier, "code_challenge_method", "plain"}
	s := newSubject(t)
	if got := s.back(s.authorize(plain...)); got.Get("error") != "invalid_request" {
		t.Errorf("plain: %v", got)
	}
	s = newSubject(t, "--plain-pkce")
	s.tokens(plain...)
	s.tokens()
}

func TestRFC7636_4_6_VerifierMustFit(t *testing.T) {
	s := newSubject(t)
	code := s.back(s.authorize()).Get("code")
	s.refused("missing", s.redeem(code, "code_verifier", ""), 400, "invalid_grant")
	s.refused("wrong", s.redeem(code, "code_verifier", rpVerifier+"x"), 400, "invalid_grant")
	s.refused("the challenge itself", s.redeem(code, "code_verifier", s256(rpVerifier)), 400, "invalid_grant")
}

func TestRFC9700_2_1_1_VerifierWithoutChallenge(t *testing.T) {
	s := newSubject(t)
	s.refused("downgrade", s.redeem(s.back(s.authorize("code_challenge", "", "code_challenge_method", "")).Get("code")), 400, "invalid_grant")
}

func TestRFC9700_4_14_2_RefreshTokenReuse(t *testing.T) {
	s := newSubject(t)
	first := s.tokens()
	refresh := func(token any) reply {
		return s.ask("/token", "app", "grant_type", "refresh_token", "refresh_token", token.(string))
	}
	second := refresh(first["refresh_token"]).object
	s.refused("the old one", refresh(first["refresh_token"]), 400, "invalid_grant")
	s.refused("the new one, after that", refresh(second["refresh_token"]), 400, "invalid_grant")
	if got := s.userInfo(second["access_token"]); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("the family's access token: %s", got.Status)
	}
}

func TestRFC7009_2_2_UnknownTokensAreRevoked(t *testing.T) {
	s := newSubject(t)
	for _, token := range []string{"rubbish", "a.b.c"} {
		if got := s.ask("/revoke", "app", "token", token, "token_type_hint", "magic"); got.StatusCode != http.StatusOK {
			t.Errorf("%s: %s %s", token, got.Status, got.body)
		}
	}
}

func TestRFC7009_2_1_BothKindsOfTokens(t *testing.T) {
	s := newSubject(t)
	tokens := s.tokens()
	s.ask("/revoke", "app", "token", tokens["access_token"].(string))
	if got := s.userInfo(tokens["access_token"]); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a revoked access token: %s", got.Status)
	}
	got := s.ask("/token", "app", "grant_type", "refresh_token", "refresh_token", tokens["refresh_token"].(string))
	if got.StatusCode != http.StatusOK {
		t.Fatalf("the refresh token went along: %s", got.body)
	}
	s.ask("/revoke", "app", "token", got.object["refresh_token"].(string))
	if after := s.userInfo(got.object["access_token"]); after.StatusCode != http.StatusUnauthorized {
		t.Errorf("the access token of a revoked refresh token: %s", after.Status)
	}
	s.refused("a revoked refresh token", s.ask("/token", "app", "grant_type", "refresh_token", "refresh_token", got.object["refresh_token"].(string)), 400, "invalid_grant")
}

func TestRFC7662_2_1_WhoAsksMustAuthenticate(t *testing.T) {
	s := newSubject(t)
	token := s.tokens()["access_token"].(string)
	s.refused("nobody", s.send(http.MethodPost, s.issuer+"/introspect", url.Values{"token": {token}}), 401, "invalid_client")
	s.refused("a wrong secret", s.ask("/introspect", "nobody", "token", token), 401, "invalid_client")
}

func TestRFC7662_2_2_InactiveSaysNothingElse(t *testing.T) {
	s := newSubject(t)
	tokens := s.tokens()
	active := s.ask("/introspect", "app", "token", tokens["access_token"].(string)).object
	exp, numeric := active["exp"].(float64)
	if _, alsoNumeric := active["iat"].(float64); active["active"] != true || !numeric || !alsoNumeric || active["client_id"] != "app" || active["sub"] == nil {
		t.Errorf("%v", active)
	}
	if exp != s.part(tokens["access_token"], 1)["exp"] {
		t.Errorf("exp %v", exp)
	}
	s.ask("/revoke", "app", "token", tokens["access_token"].(string))
	expired := s.tokens()["access_token"].(string)
	s.advance("2h")
	for name, token := range map[string]string{"garbage": "x", "revoked": tokens["access_token"].(string), "expired": expired, "ID token": tokens["id_token"].(string)} {
		if got := s.ask("/introspect", "app", "token", token); got.StatusCode != http.StatusOK || strings.TrimSpace(got.body) != `{"active":false}` {
			t.Errorf("%s: %s %s", name, got.Status, got.body)
		}
	}
}

func TestRFC8414_3_1_BothWellKnownForms(t *testing.T) {
	s := newSubject(t)
	var bodies []string
	for _, address := range []string{"/.well-known/oauth-authorization-server/idp", "/.well-known/openid-configuration/idp", "/idp/.well-known/openid-configuration", "/idp/.well-known/oauth-authorization-server"} {
		got := s.send(http.MethodGet, s.url+address, nil)
		if got.StatusCode != http.StatusOK || got.object["issuer"] != s.issuer {
			t.Errorf("%s: %s %v", address, got.Status, got.object["issuer"])
		}
		bodies = append(bodies, got.body)
	}
	if len(slices.Compact(bodies)) != 1 {
		t.Error("the forms differ")
	}
	lost := s.send(http.MethodGet, s.url+"/.well-known/openid-configuration/ipd", nil)
	if lost.StatusCode != http.StatusNotFound || lost.object["issuer"] != s.issuer {
		t.Errorf("mistyped: %s %s", lost.Status, lost.body)
	}
}

func TestRFC8628_3_2_CompleteURI(t *testing.T) {
	s := newSubject(t)
	got := s.ask("/device_authorization", "app", "scope", "openid").object
	complete, _ := got["verification_uri_complete"].(string)
	if got["verification_uri"] != s.issuer+"/device" || complete != s.issuer+"/device?user_code="+got["user_code"].(string) {
		t.Fatalf("%v", got)
	}
	if page := s.send(http.MethodGet, complete, nil); page.StatusCode != http.StatusOK || !strings.Contains(page.body, got["user_code"].(string)) {
		t.Errorf("%s %s", page.Status, page.body)
	}
}

func TestRFC8628_3_5_Polling(t *testing.T) {
	s := newSubject(t)
	if response, body := put(t, s.url+"/_mock/clock", `{"frozen":true}`); response.StatusCode != http.StatusOK {
		t.Fatal(body)
	}
	begin := func() (poll func() reply, page string) {
		got := s.ask("/device_authorization", "app", "scope", "openid").object
		return func() reply {
			return s.ask("/token", "app", "grant_type", deviceGrant, "device_code", got["device_code"].(string))
		}, got["verification_uri_complete"].(string)
	}
	poll, page := begin()
	s.refused("first", poll(), 400, "authorization_pending")
	s.advance("4s")
	s.refused("too soon", poll(), 400, "slow_down")
	s.advance("9s") // less than 5 s and 5 more
	s.refused("still too soon", poll(), 400, "slow_down")
	s.advance("15s")
	s.refused("slowly", poll(), 400, "authorization_pending")
	form := s.formOf(s.send(http.MethodGet, page, nil))
	form.Set("cancel", "cancel")
	if got := s.send(http.MethodPost, s.issuer+"/device", form); got.StatusCode != http.StatusOK {
		t.Fatalf("cancel: %s %s", got.Status, got.body)
	}
	s.advance("15s")
	s.refused("cancelled", poll(), 400, "access_denied")
	poll, _ = begin()
	s.advance("11m")
	s.refused("late", poll(), 400, "expired_token")
}

// formOf are the hidden fields of the first form of a page that has a token.
func (s *subject) formOf(page reply) url.Values {
	s.t.Helper()
	form := url.Values{}
	for _, field := range strings.Split(page.body, "<input")[1:] {
		field, _, _ = strings.Cut(field, ">")
		value := func(name string) string {
			_, rest, _ := strings.Cut(field, " "+name+`="`)
			text, _, _ := strings.Cut(rest, `"`)
			return strings.NewReplacer("&amp;", "&", "&#43;", "+", "&#34;", `"`, "&lt;", "<", "&gt;", ">", "&#39;", "'").Replace(text)
		}
		if value("type") == "hidden" && !form.Has(value("name")) {
			form.Set(value("name"), value("value"))
		}
	}
	if len(form) == 0 {
		s.t.Fatalf("no form: %s %s", page.Status, page.body)
	}
	return form
}

func TestRFC8693_2_2_1_IssuedTokenType(t *testing.T) {
	s := newSubject(t)
	tokens := s.tokens()
	const kind = "urn:ietf:params:oauth:token-type:"
	for subjectType, token := range map[string]any{"access_token": tokens["access_token"], "id_token": tokens["id_token"]} {
		got := s.ask("/token", "app", "grant_type", exchangeType, "subject_token", token.(string), "subject_token_type", kind+subjectType)
		if got.StatusCode != http.StatusOK || got.object["issued_token_type"] != kind+"access_token" || s.part(got.object["access_token"], 1)["sub"] != s.part(tokens["id_token"], 1)["sub"] {
			t.Errorf("%s: %s %s", subjectType, got.Status, got.body)
		}
	}
	s.refused("of another type", s.ask("/token", "app", "grant_type", exchangeType, "subject_token", tokens["id_token"].(string), "subject_token_type", kind+"access_token"), 400, "invalid_grant")
}

func TestRFC8693_4_1_Actor(t *testing.T) {
	s := newSubject(t)
	const kind = "urn:ietf:params:oauth:token-type:access_token"
	own := s.ask("/token", "app", "grant_type", "client_credentials").object["access_token"].(string)
	got := s.ask("/token", "app", "grant_type", exchangeType, "subject_token", s.tokens()["access_token"].(string), "subject_token_type", kind, "actor_token", own, "actor_token_type", kind)
	if act, _ := s.part(got.object["access_token"], 1)["act"].(map[string]any); act["sub"] != "app" {
		t.Errorf("act %v: %s", act, got.body)
	}
}

func TestRFC9068_2_AccessToken(t *testing.T) {
	s := newSubject(t)
	token := s.tokens()["access_token"]
	if header := s.part(token, 0); header["typ"] != "at+jwt" || header["alg"] != "RS256" || header["kid"] == nil {
		t.Errorf("header %v", header)
	}
	claims := s.part(token, 1)
	for _, name := range []string{"iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope", "groups", "roles", "entitlements"} {
		if claims[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
	if claims["iss"] != s.issuer || claims["aud"] != "https://api.rp.example" || claims["client_id"] != "app" || claims["scope"] != "openid profile email groups" {
		t.Errorf("%v", claims)
	}
}

func TestRFC9207_2_IssuerInTheResponse(t *testing.T) {
	s := newSubject(t)
	for name, got := range map[string]url.Values{"code": s.back(s.authorize()), "error": s.back(s.authorize("scope", `"`)), "no session": s.back(s.authorize("client_id", "page", "prompt", "none"))} {
		if got.Get("iss") != s.issuer || got.Has("code") != (name == "code") {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestRFC9126_2_2_RequestURIServesOnceAndBriefly(t *testing.T) {
	s := newSubject(t)
	push := func() string {
		got := s.ask("/par", "app", "response_type", "code", "redirect_uri", rpCallback, "scope", "openid", "state", "pushed")
		if got.StatusCode != http.StatusCreated || got.object["expires_in"].(float64) > 600 {
			t.Fatalf("%s %s", got.Status, got.body)
		}
		return got.object["request_uri"].(string)
	}
	visit := func(client, uri string) reply {
		return s.send(http.MethodGet, s.issuer+"/authorize?"+url.Values{"client_id": {client}, "request_uri": {uri}}.Encode(), nil)
	}
	uri := push()
	if got := visit("other", uri); got.StatusCode != http.StatusBadRequest || got.Header.Get("Location") != "" {
		t.Errorf("another client: %s", got.Status)
	}
	uri = push()
	if got := s.back(visit("app", uri)); got.Get("code") == "" || got.Get("state") != "pushed" {
		t.Errorf("%v", got)
	}
	if got := visit("app", uri); got.StatusCode != http.StatusBadRequest || got.Header.Get("Location") != "" {
		t.Errorf("again: %s", got.Status)
	}
	uri = push()
	s.advance("10m")
	if got := visit("app", uri); got.StatusCode != http.StatusBadRequest || got.Header.Get("Location") != "" {
		t.Errorf("late: %s", got.Status)
	}
}

func TestOIDCCore_3_1_2_1_NonceAndAuthTime(t *testing.T) {
	s := newSubject(t)
	const nonce = "no+n/ce=&<é>"
	claims := s.part(s.tokens("nonce", nonce, "max_age", "600")["id_token"], 1)
	if authTime, numeric := claims["auth_time"].(float64); claims["nonce"] != nonce || !numeric || authTime > claims["iat"].(float64) {
		t.Errorf("%v", claims)
	}
}

func TestOIDCCore_3_1_2_6_PromptNone(t *testing.T) {
	s := newSubject(t)
	if got := s.back(s.authorize("client_id", "page", "prompt", "none")); got.Get("error") != "login_required" || got.Get("state") != "a state" {
		t.Errorf("%v", got)
	}
	if got := s.back(s.authorize("client_id", "page", "prompt", "none login")); got.Get("error") != "invalid_request" {
		t.Errorf("with another value: %v", got)
	}
	// The log names the setting that a client of Backstage's kind needs.
	if s.stop(); !strings.Contains(s.log.String(), "prompt: auto") || !strings.Contains(s.log.String(), "sign_in_as") {
		t.Errorf("the log gives no hint:\n%s", s.log)
	}
}

// stop ends the process, after which its log may be read.
func (r *running) stop() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

func TestOIDCCore_3_1_3_6_AccessTokenHash(t *testing.T) {
	s := newSubject(t)
	tokens := s.tokens()
	digest := sha256.Sum256([]byte(tokens["access_token"].(string)))
	if want := base64.RawURLEncoding.EncodeToString(digest[:16]); s.part(tokens["id_token"], 1)["at_hash"] != want {
		t.Errorf("at_hash %v, want %s", s.part(tokens["id_token"], 1)["at_hash"], want)
	}
}

func TestOIDCCore_5_3_UserInfo(t *testing.T) {
	s := newSubject(t)
	tokens := s.tokens()
	access := tokens["access_token"].(string)
	for name, got := range map[string]reply{
		"GET":                s.userInfo(access),
		"POST":               s.send(http.MethodPost, s.issuer+"/userinfo", nil, "Authorization", "Bearer "+access),
		"POST with the form": s.send(http.MethodPost, s.issuer+"/userinfo", url.Values{"access_token": {access}}),
	} {
		if got.StatusCode != http.StatusOK || got.object["sub"] != s.part(tokens["id_token"], 1)["sub"] || got.object["email_verified"] != true {
			t.Errorf("%s: %s %s", name, got.Status, got.body)
		}
	}
	for name, challenge := range map[string]string{"": `Bearer realm="` + s.issuer + `"`, "Bearer x": `error="invalid_token"`} {
		header := []string{}
		if name != "" {
			header = []string{"Authorization", name}
		}
		if got := s.send(http.MethodGet, s.issuer+"/userinfo", nil, header...); got.StatusCode != http.StatusUnauthorized || !strings.Contains(got.Header.Get("WWW-Authenticate"), challenge) {
			t.Errorf("%q: %s %q", name, got.Status, got.Header.Get("WWW-Authenticate"))
		}
	}
}

func TestOIDCCore_5_5_ClaimsParameter(t *testing.T) {
	s := newSubject(t)
	tokens := s.tokens("scope", "openid", "claims", `{"id_token":{"email":{"essential":true}},"userinfo":{"name":null}}`)
	if id, info := s.part(tokens["id_token"], 1), s.userInfo(tokens["access_token"]).object; id["email"] != "ada@rp.example" || id["name"] != nil || info["name"] != "Ada Lovelace" {
		t.Errorf("ID token %v, userinfo %v", id, info)
	}
}

func TestOIDCCore_2_SubjectIsStable(t *testing.T) {
	one, two := newSubject(t), newSubject(t, "--random-keys")
	first := one.part(one.tokens()["id_token"], 1)["sub"]
	if again := two.part(two.tokens("state", "x")["id_token"], 1)["sub"]; first == nil || again != first {
		t.Errorf("%v, then %v", first, again)
	}
}

func TestOIDCCore_12_2_RefreshedIDToken(t *testing.T) {
	s := newSubject(t)
	first := s.tokens()
	s.advance("5m")
	second := s.ask("/token", "app", "grant_type", "refresh_token", "refresh_token", first["refresh_token"].(string)).object
	before, after := s.part(first["id_token"], 1), s.part(second["id_token"], 1)
	for _, name := range []string{"iss", "sub", "aud", "auth_time", "azp"} {
		if before[name] != after[name] {
			t.Errorf("%s was %v and is %v", name, before[name], after[name])
		}
	}
	if after["nonce"] != nil || after["iat"].(float64) < before["iat"].(float64)+300 || second["scope"] != "openid profile email groups" {
		t.Errorf("%v %v", after, second["scope"])
	}
}

// signIn signs ada in at the page and gives her ID token.
func (s *subject) signIn() string {
	s.t.Helper()
	begun := s.authorize("client_id", "page")
	page := s.send(http.MethodGet, s.url+begun.Header.Get("Location"), nil)
	form := s.formOf(page)
	form.Set("person", "ada")
	code := s.back(s.send(http.MethodPost, s.issuer+"/signin", form)).Get("code")
	got := s.ask("/token", "page", "grant_type", "authorization_code", "code", code, "redirect_uri", rpCallback, "code_verifier", rpVerifier)
	if got.StatusCode != http.StatusOK {
		s.t.Fatalf("%s %s", got.Status, got.body)
	}
	return got.object["id_token"].(string)
}

func TestRPInitiatedLogout_2_GetAndPost(t *testing.T) {
	s := newSubject(t)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		hint := s.signIn()
		s.advance("3h") // the hint has expired by now
		q := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://rp.example/bye"}, "state": {"a+b/c"}}
		address, form := s.issuer+"/logout?"+q.Encode(), url.Values(nil)
		if method == http.MethodPost {
			address, form = s.issuer+"/logout", q
		}
		if got := s.send(method, address, form); got.Header.Get("Location") != "https://rp.example/bye?state=a%2Bb%2Fc" {
			t.Errorf("%s: %s to %q", method, got.Status, got.Header.Get("Location"))
		}
		if got := s.back(s.authorize("client_id", "page", "prompt", "none")); got.Get("error") != "login_required" {
			t.Errorf("%s: still signed in: %v", method, got)
		}
	}
	if got := s.send(http.MethodGet, s.issuer+"/logout", nil); got.StatusCode != http.StatusOK || !strings.Contains(got.body, "signed out") {
		t.Errorf("without an address: %s %s", got.Status, got.body)
	}
}

func TestRPInitiatedLogout_3_UnregisteredIsNeverFollowed(t *testing.T) {
	s := newSubject(t)
	hint := s.signIn()
	for _, address := range []string{"https://evil.example/", "https://rp.example/bye/", "https://rp.example/cb", "https://rp.example/bye?x"} {
		q := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {address}}
		if got := s.send(http.MethodGet, s.issuer+"/logout?"+q.Encode(), nil); got.StatusCode != http.StatusBadRequest || got.Header.Get("Location") != "" {
			t.Errorf("%s: %s to %q", address, got.Status, got.Header.Get("Location"))
		}
	}
	if s.back(s.authorize("client_id", "page", "prompt", "none")).Get("code") == "" {
		t.Error("signed out all the same")
	}
}

func TestFormPostResponseMode_2_EscapedAndWithoutScript(t *testing.T) {
	s := newSubject(t)
	const state = `"><script>alert(1)</script>&amp;`
	got := s.authorize("response_mode", "form_post", "state", state)
	if got.StatusCode != http.StatusOK || strings.Contains(got.body, "<script>alert") || !strings.Contains(got.body, `action="`+rpCallback+`"`) {
		t.Fatalf("%s %s", got.Status, got.body)
	}
	form := s.formOf(got)
	if form.Get("state") != state || form.Get("code") == "" || form.Get("iss") != s.issuer {
		t.Errorf("%v", form)
	}
	if !strings.Contains(got.body, "<button") {
		t.Error("no button for browsers without scripts")
	}
}
