package server_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server"
)

// spokenLog is a log that several write to.
type spokenLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *spokenLog) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(data)
}

func (l *spokenLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// secrets gathers what must show nowhere.
type secrets struct {
	t       testing.TB
	running *server.Server
	http    *http.Client
	known   map[string]string // value by what it is
}

// keep adds a secret and, of a JWT, its signature.
func (s *secrets) keep(what, value string) string {
	s.t.Helper()
	if len(value) < 6 {
		s.t.Fatalf("%s is %q, which is too short to be looked for", what, value)
	}
	s.known[what] = value
	if parts := strings.Split(value, "."); len(parts) == 3 && len(parts[2]) > 20 {
		s.known[what+"'s signature"] = parts[2]
		s.known[what+"'s payload"] = parts[1]
	}
	return value
}

func (s *secrets) send(method, path string, form url.Values, header ...string) answer {
	s.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	address := path
	if strings.HasPrefix(path, "/") {
		address = s.running.URL() + path
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
	response, err := s.http.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, data}
}

// tokens asks the token endpoint and keeps all that it gives.
func (s *secrets) tokens(what string, form url.Values, header ...string) map[string]any {
	s.t.Helper()
	got := s.send("POST", "/idp/token", form, header...)
	var tokens map[string]any
	got.json(s.t, &tokens)
	if tokens["access_token"] == nil {
		s.t.Fatalf("%s: %d %s", what, got.status, got.body)
	}
	for _, name := range []string{"access_token", "id_token", "refresh_token"} {
		if token, ok := tokens[name].(string); ok {
			s.keep(what+"'s "+name, token)
		}
	}
	return tokens
}

var hiddenField = regexp.MustCompile(`name="(token|request)"[^>]*value="([^"]*)"`)

// signIn goes through the page with a password and gives the code.
func (s *secrets) signIn(login, verifier string) string {
	s.t.Helper()
	digest := sha256.Sum256([]byte(verifier))
	page := s.send("GET", "/idp/authorize?"+url.Values{"client_id": {"conduktor-cli"}, "redirect_uri": {"http://127.0.0.1:1/callback"}, "response_type": {"code"},
		"scope": {"openid email groups offline_access"}, "state": {s.keep("state", "state-of-the-browser")}, "prompt": {"login"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(digest[:])}, "code_challenge_method": {"S256"}}.Encode(), nil)
	form := url.Values{"login": {login}, "password": {s.keep(login+"'s password", login+"-password")}}
	for _, field := range hiddenField.FindAllStringSubmatch(string(page.body), -1) {
		form.Set(field[1], html.UnescapeString(field[2]))
	}
	s.keep("form token", form.Get("token"))
	got := s.send("POST", "/idp/signin", form)
	to, err := url.Parse(got.header.Get("Location"))
	if err != nil || to.Query().Get("code") == "" {
		s.t.Fatalf("sign-in of %s: %d %s\n%s", login, got.status, got.header.Get("Location"), got.body)
	}
	return s.keep("code", to.Query().Get("code"))
}

// proofOf is a DPoP proof (RFC 9449, section 4.2).
func (s *secrets) proofOf(key *ecdsa.PrivateKey, method, path, token string) string {
	s.t.Helper()
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": s.running.Issuer() + path, "iat": time.Now().Unix()}
	if token != "" {
		digest := sha256.Sum256([]byte(token))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(digest[:])
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		s.t.Fatal(err)
	}
	public, err := jwk.FromRaw(key.Public())
	if err != nil {
		s.t.Fatal(err)
	}
	header := jws.NewHeaders()
	for name, value := range map[string]any{"typ": "dpop+jwt", "jwk": public} {
		if err := header.Set(name, value); err != nil {
			s.t.Fatal(err)
		}
	}
	proof, err := jws.Sign(payload, jws.WithKey(jwa.ES256, key, jws.WithProtectedHeaders(header)))
	if err != nil {
		s.t.Fatal(err)
	}
	return s.keep("DPoP proof for "+path, string(proof))
}

// Every way in, good and bad, with secrets that are known: none of them is in
// the journal, whichever way it is read, nor in the log.
func TestNothingSecretInJournalAndLog(t *testing.T) {
	documents, err := seed.Default()
	if err != nil {
		t.Fatal(err)
	}
	more, err := seed.Parse([]byte(`
apiVersion: mockduktor/v1
kind: Client
metadata: {name: everything}
spec:
  client_secret: secret-of-everything
  redirect_uris: [http://127.0.0.1:1/callback]
  grant_types: [client_credentials, password, refresh_token, "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:jwt-bearer"]
  scope: openid email groups offline_access
  claims: {apikey: mock-admin-key}
---
apiVersion: mockduktor/v1
kind: Client
metadata: {name: opaque}
spec: {client_secret: secret-of-opaque, grant_types: [password, refresh_token], access_token_format: opaque, scope: openid email offline_access}
`))
	if err != nil {
		t.Fatal(err)
	}
	log := &spokenLog{}
	running := start(t, server.Config{Documents: append(documents, more...), Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &secrets{t: t, running: running, known: map[string]string{}, http: &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Port() == "1" {
			return http.ErrUseLastResponse
		}
		return nil
	}}}
	stream := follow(t, running, &http.Client{Transport: &http.Transport{}}, "/_mock/journal/events")

	// The page, the code, the refresh, the end of it.
	verifier := s.keep("code verifier", "a-verifier-of-at-least-forty-three-characters")
	code := s.signIn("ada", verifier)
	redeem := url.Values{"grant_type": {"authorization_code"}, "client_id": {"conduktor-cli"}, "code": {code}, "redirect_uri": {"http://127.0.0.1:1/callback"}, "code_verifier": {verifier}}
	first := s.tokens("code grant", redeem)
	issuer, err := url.Parse(running.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range jar.Cookies(issuer) {
		s.keep("cookie "+cookie.Name, cookie.Value)
	}
	refresh := first["refresh_token"].(string)
	s.tokens("refresh grant", url.Values{"grant_type": {"refresh_token"}, "client_id": {"conduktor-cli"}, "refresh_token": {refresh}})
	s.send("POST", "/idp/token", redeem) // used before: all of the grant is revoked
	s.send("GET", "/idp/userinfo", nil, "Authorization", "Bearer "+first["access_token"].(string))
	s.send("GET", "/idp/userinfo?access_token="+first["access_token"].(string), nil)
	s.send("GET", "/idp/logout?id_token_hint="+first["id_token"].(string), nil)

	// The other grants, with both ways of showing a secret.
	secret := s.keep("client secret", "secret-of-everything")
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("everything:"+secret))
	s.keep("Basic header", strings.TrimPrefix(basic, "Basic "))
	s.keep("admin API key", "mock-admin-key")
	own := s.tokens("client credentials", url.Values{"grant_type": {"client_credentials"}}, "Authorization", basic)
	s.send("POST", "/idp/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"everything"}, "client_secret": {s.keep("wrong client secret", "quite-wrong-secret")}})
	person := s.tokens("password grant", url.Values{"grant_type": {"password"}, "client_id": {"everything"}, "client_secret": {secret}, "username": {"ben"}, "password": {s.keep("ben's password", "ben-password")}, "scope": {"openid email offline_access"}})
	s.send("POST", "/idp/token", url.Values{"grant_type": {"password"}, "client_id": {"everything"}, "client_secret": {secret}, "username": {"ben"}, "password": {s.keep("wrong password", "not-bens-password")}})
	opaque := s.tokens("opaque token", url.Values{"grant_type": {"password"}, "client_id": {"opaque"}, "client_secret": {s.keep("opaque's secret", "secret-of-opaque")}, "username": {"ben"}, "password": {"ben-password"}, "scope": {"openid email offline_access"}})
	s.send("GET", "/idp/userinfo", nil, "Authorization", "Bearer "+opaque["access_token"].(string))
	s.tokens("token exchange", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {person["access_token"].(string)}, "subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"}}, "Authorization", basic)
	s.send("POST", "/idp/token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {s.keep("assertion", first["id_token"].(string)+"x")}}, "Authorization", basic)
	s.send("POST", "/idp/token", url.Values{"grant_type": {"client_credentials"}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {s.keep("client assertion", first["id_token"].(string)+"y")}})
	for _, path := range []string{"/idp/introspect", "/idp/revoke"} {
		s.send("POST", path, url.Values{"token": {person["refresh_token"].(string)}}, "Authorization", basic)
	}
	var device map[string]any
	got := s.send("POST", "/idp/device_authorization", url.Values{"scope": {"openid"}}, "Authorization", basic)
	got.json(t, &device)
	s.keep("device code", device["device_code"].(string))
	s.send("GET", "/idp/device?user_code="+s.keep("user code", device["user_code"].(string)), nil)
	s.send("POST", "/idp/token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {device["device_code"].(string)}}, "Authorization", basic)
	var pushed map[string]any
	got = s.send("POST", "/idp/par", url.Values{"client_id": {"conduktor-cli"}, "redirect_uri": {"http://127.0.0.1:1/callback"}, "response_type": {"code"}, "scope": {"openid"}, "code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}})
	got.json(t, &pushed)
	s.send("GET", "/idp/authorize?client_id=conduktor-cli&request_uri="+url.QueryEscape(s.keep("request_uri", pushed["request_uri"].(string))), nil)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	bound := s.tokens("DPoP", url.Values{"grant_type": {"password"}, "client_id": {"everything"}, "client_secret": {secret}, "username": {"ben"}, "password": {"ben-password"}, "scope": {"openid email"}}, "DPoP", s.proofOf(key, "POST", "/token", ""))
	access := bound["access_token"].(string)
	if got := s.send("GET", "/idp/userinfo", nil, "Authorization", "DPoP "+access, "DPoP", s.proofOf(key, "GET", "/userinfo", access)); got.status != 200 {
		t.Errorf("DPoP at userinfo: %d %s", got.status, got.body)
	}

	// The Console: tokens, keys, logins, and what is shown in the wrong place.
	var session map[string]any
	call(t, running, "POST", "/api/login", "", map[string]string{"username": server.DefaultAdminEmail, "password": s.keep("root's password", server.DefaultAdminPassword)}).json(t, &session)
	s.keep("session token", session["access_token"].(string))
	s.keep("session's refresh token", session["refresh_token"].(string))
	call(t, running, "POST", "/api/login", "", map[string]string{"username": "ada", "password": s.keep("wrong login password", "not-adas-password")})
	for _, token := range []string{first["access_token"].(string), own["access_token"].(string), access, opaque["access_token"].(string), "mock-admin-key", s.keep("instance key", "mock-checkout-key"),
		session["access_token"].(string), s.keep("unknown key", "no-such-key-anywhere"), s.keep("broken token", first["access_token"].(string)+"z"), s.keep("JWE", "eyJhbGciOiJkaXIifQ..bm9uY2U.dGhlLXNlY3JldC1wYXJ0.dGFn")} {
		call(t, running, "GET", "/api/token/v1/whoami", token, nil)
		call(t, running, "GET", faultyTopics+"?token="+url.QueryEscape(token)+"&x="+url.QueryEscape(token), token, nil)
	}
	s.send("GET", "/api/token/v1/whoami", nil, "Authorization", first["access_token"].(string))
	s.send("GET", "/api/token/v1/whoami", nil, "Authorization", basic, "X-Api-Key", "mock-admin-key", "Cookie", "session="+session["access_token"].(string), "Referer", "http://127.0.0.1:1/callback?code="+code)
	s.send("GET", "/api/token/"+first["id_token"].(string), nil)
	var created map[string]any
	made := call(t, running, "POST", "/token/v1/admin_tokens", "mock-admin-key", map[string]any{"name": "made"})
	made.json(t, &created)
	s.keep("made key", created["token"].(string))
	call(t, running, "PUT", "/public/console/v2/kafka-cluster", "mock-admin-key", map[string]any{"apiVersion": "v2", "kind": "KafkaCluster", "metadata": map[string]any{"name": "secretive"},
		"spec": map[string]any{"displayName": "x", "bootstrapServers": "b:9092", "properties": map[string]any{"sasl.jaas.config": s.keep("JAAS password", "username=x password=jaas-hidden-word;")}}})
	mock(t, running, "POST", "/_mock/tokens", map[string]any{"as": "ada", "client_id": "backstage"})

	outputs := map[string]string{"the log": log.String()}
	for name, path := range map[string]string{"the list": "/_mock/journal", "the archive": "/_mock/journal.har", "the wait": "/_mock/journal/wait?operation=token", "the time-out": "/_mock/journal/wait?operation=none&timeout=1ms"} {
		outputs[name] = string(mock(t, running, "GET", path, nil).body)
	}
	last := entries(t, running, "limit=1")[0].Seq
	var events strings.Builder
	for seen := 0; ; seen++ {
		_, id, data, ok := stream.next()
		if !ok {
			t.Fatal("the stream has ended")
		}
		events.WriteString(data)
		if id == jsonNumber(last) {
			break
		}
	}
	outputs["the stream"] = events.String()
	if count := strings.Count(outputs["the list"], `"seq":`); count < 50 {
		t.Errorf("only %d entries", count)
	}
	for where, text := range outputs {
		plain := text
		if unescaped, err := url.QueryUnescape(text); err == nil {
			plain += unescaped
		}
		for what, value := range s.known {
			if strings.Contains(plain, value) || strings.Contains(plain, url.QueryEscape(value)) {
				at := max(0, strings.Index(plain, value))
				t.Errorf("%s shows %s: …%s…", where, what, plain[max(0, at-120):min(len(plain), at+len(value)+20)])
			}
		}
	}
}

func jsonNumber(n uint64) string {
	text, _ := json.Marshal(n) // a number cannot fail
	return string(text)
}
