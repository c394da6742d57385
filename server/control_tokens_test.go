package server_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/server"
)

// minted asks the control API for tokens; it must answer 200.
func minted(t testing.TB, running *server.Server, base string, request object) (access, id string) {
	t.Helper()
	got := mock(t, running, "POST", base+"/_mock/tokens", request)
	expectStatus(t, "mint", got, 200)
	var tokens struct {
		AccessToken string `json:"access_token"`
		IDToken     string `json:"id_token"`
	}
	got.json(t, &tokens)
	return tokens.AccessToken, tokens.IDToken
}

// headerOf reads a token's header without checking anything.
func headerOf(t testing.TB, token string) map[string]any {
	t.Helper()
	first, _, _ := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		t.Fatal(err)
	}
	var header map[string]any
	if err := json.Unmarshal(raw, &header); err != nil {
		t.Fatal(err)
	}
	return header
}

// Every token that is wrong on purpose meets the Console's right reason, and
// those that are only odd are taken as the Console takes them. Each at the main
// server and in a sandbox.
func TestControlMintsWrongTokens(t *testing.T) {
	running := start(t, server.Config{})
	expectStatus(t, "open", mock(t, running, "POST", "/_mock/sandboxes", object{"id": "one"}), 201)
	for _, base := range []string{"", "/s/one"} {
		for _, row := range []struct {
			fault  string
			count  int
			status int
			says   string
		}{
			{"expired", 0, 401, "the token expired at"},
			{"not_yet_valid", 0, 401, "the token is not valid before"},
			{"wrong_issuer", 0, 401, `wrong issuer: the token says \"https://wrong-issuer.example\"`},
			{"wrong_key", 0, 401, "the signature is wrong"},
			{"unknown_kid", 0, 401, `the token's key \"unknown-kid\" (kid) is not among the issuer's`},
			{"wrong_algorithm", 0, 401, "signed with a shared secret (alg HS256)"},
			{"none", 0, 401, "the token is not signed (alg none)"},
			{"missing_email", 0, 401, `no claim \"email\" to find the user by`},
			{"many_groups", 5000, 401, "bytes long, at most 65536 are looked at"},
			{"many_groups", 0, 200, "ada@shop.example"},
			{"wrong_audience", 0, 200, "ada@shop.example"},
			{"groups_as_string", 0, 200, "ada@shop.example"},
			{"groups_overage", 0, 200, "ada@shop.example"},
		} {
			request := object{"as": "ada@shop.example", "client_id": "backstage", "fault": row.fault}
			if row.count > 0 {
				request["count"] = row.count
			}
			access, id := minted(t, running, base, request)
			got := call(t, running, "GET", base+"/token/v1/whoami", access, nil)
			expectStatus(t, base+" "+row.fault, got, row.status, row.says)
			if id == "" {
				t.Errorf("%s: no ID token", row.fault)
			}
			// The provider takes its own forged tokens no more than the Console does.
			if row.status == 401 && row.fault != "missing_email" && row.fault != "many_groups" {
				if got := call(t, running, "GET", base+"/idp/userinfo", access, nil); got.status != 401 {
					t.Errorf("%s: userinfo answers %d %s", row.fault, got.status, got.body)
				}
			}
		}
	}
}

// What the odd ones hold, and what the Console makes of the groups.
func TestControlMintsOddTokens(t *testing.T) {
	running := start(t, server.Config{})
	// Ines is in no team; the external group alone would make an admin of her.
	for fault, status := range map[string]int{"groups_as_string": 200, "many_groups": 200, "wrong_audience": 200, "groups_overage": 403} {
		expectStatus(t, "reset", mock(t, running, "POST", "/_mock/reset", nil), 204)
		access, _ := minted(t, running, "", object{"as": "ines", "client_id": "backstage", "fault": fault, "claims": object{"groups": []string{"kafka-admins"}}})
		got := call(t, running, "GET", "/token/v1/admin_tokens", access, nil)
		expectStatus(t, fault, got, status)
		if fault == "groups_overage" {
			expectStatus(t, fault, got, 403, "a groups overage")
		}
	}
	for fault, check := range map[string]func(claims map[string]any) bool{
		"groups_as_string": func(c map[string]any) bool { _, ok := c["groups"].(string); return ok },
		"many_groups":      func(c map[string]any) bool { return len(c["groups"].([]any)) > 500 },
		"groups_overage": func(c map[string]any) bool {
			return c["groups"] == nil && c["_claim_names"].(map[string]any)["groups"] == "src1" && c["_claim_sources"] != nil
		},
		"wrong_audience": func(c map[string]any) bool { return c["aud"] == "https://wrong-audience.example" },
		"missing_email":  func(c map[string]any) bool { return c["email"] == nil && c["sub"] != nil },
	} {
		access, id := minted(t, running, "", object{"as": "ada", "client_id": "backstage", "fault": fault})
		for name, token := range map[string]string{"access": access, "id": id} {
			if claims := payload(t, token); !check(claims) {
				t.Errorf("%s: the %s token holds %.300v", fault, name, claims)
			}
		}
	}
	// A frozen, moved clock is the one that the dates of the faults go by.
	expectStatus(t, "clock", mock(t, running, "PUT", "/_mock/clock", object{"now": "2031-03-04T05:06:07Z", "frozen": true}), 200)
	access, _ := minted(t, running, "", object{"as": "ada", "client_id": "backstage", "fault": "expired"})
	got := call(t, running, "GET", "/token/v1/whoami", access, nil)
	expectStatus(t, "expired in 2031", got, 401, "the token expired at 2031-03-04T04:06:07Z, it is now 2031-03-04T05:06:07Z")
}

func TestControlMintsFromClaims(t *testing.T) {
	running := start(t, server.Config{})
	access, _ := minted(t, running, "", object{"claims": object{"email": "new@shop.example", "groups": []string{"kafka-admins"}, "sub": "x", "big": json.Number("9007199254740993")}})
	expectStatus(t, "whoami", call(t, running, "GET", "/token/v1/whoami", access, nil), 200, "new@shop.example")
	expectStatus(t, "an admin by group", call(t, running, "GET", "/token/v1/admin_tokens", access, nil), 200)
	if raw, _ := base64.RawURLEncoding.DecodeString(strings.Split(access, ".")[1]); !bytes.Contains(raw, []byte("9007199254740993")) {
		t.Errorf("a large number has changed: %s", raw)
	}
	if claims := payload(t, access); claims["iss"] != running.Issuer() || claims["exp"] == nil || headerOf(t, access)["alg"] != "RS256" {
		t.Errorf("claims %v, header %v", claims, headerOf(t, access))
	}
	// Over those of a person: replaced, and taken out.
	access, id := minted(t, running, "", object{"as": "ada", "client_id": "backstage", "claims": object{"email": "other@shop.example", "groups": nil}})
	for _, token := range []string{access, id} {
		if claims := payload(t, token); claims["email"] != "other@shop.example" || claims["groups"] != nil || claims["sub"] == nil {
			t.Errorf("claims %v", claims)
		}
	}
	// No expiry is refused, and says so.
	access, _ = minted(t, running, "", object{"claims": object{"email": "a@b.example", "exp": nil}})
	expectStatus(t, "no exp", call(t, running, "GET", "/token/v1/whoami", access, nil), 401, "no expiry")
	access, _ = minted(t, running, "", object{"as": "ada", "client_id": "backstage", "lifetime": "90s", "audience": []string{"api"}})
	claims := payload(t, access)
	if claims["exp"].(float64)-claims["iat"].(float64) != 90 || claims["aud"] != "api" {
		t.Errorf("claims %v", claims)
	}
	// The client itself.
	access, _ = minted(t, running, "", object{"client_id": "ci"})
	if payload(t, access)["sub"] != "ci" {
		t.Errorf("claims %v", payload(t, access))
	}
}

func TestControlRefusesWrongTokenRequests(t *testing.T) {
	running := start(t, server.Config{})
	for name, row := range map[string]struct {
		path   string
		body   object
		status int
		holds  string
	}{
		"nobody":           {"tokens", object{"as": "nobody", "client_id": "backstage"}, 404, `nobody has the login or e-mail`},
		"nothing":          {"tokens", object{}, 400, "as: name a person or a client_id, or give claims"},
		"no client":        {"tokens", object{"as": "ada"}, 400, "client_id: name the client"},
		"unknown client":   {"tokens", object{"as": "ada", "client_id": "nope"}, 404, "nope"},
		"unknown fault":    {"tokens", object{"as": "ada", "client_id": "backstage", "fault": "expird"}, 400, "did you mean expired"},
		"unknown field":    {"tokens", object{"as": "ada", "client_ids": "backstage"}, 400, "did you mean client_id"},
		"unknown provider": {"tokens", object{"as": "ada", "client_id": "backstage", "provider": "x"}, 404, "leave provider out"},
		"disabled":         {"tokens", object{"as": "kim", "client_id": "backstage"}, 400, "disabled"},
		"no duration":      {"tokens", object{"as": "ada", "client_id": "backstage", "lifetime": "1 hour"}, 400, "lifetime"},
		"no time at all":   {"tokens", object{"as": "ada", "client_id": "backstage", "lifetime": "-1h"}, 400, "lifetime"},
		"count alone":      {"tokens", object{"as": "ada", "client_id": "backstage", "count": 5}, 400, "count"},
		"too many":         {"tokens", object{"as": "ada", "client_id": "backstage", "fault": "many_groups", "count": 1e6}, 400, "count"},
		"scope for claims": {"tokens", object{"claims": object{}, "scope": "openid"}, 400, "scope"},
		"session of none":  {"sessions", object{"as": "nobody"}, 404, "nobody has"},
		"session":          {"sessions", object{}, 400, "as"},
		"session of kim":   {"sessions", object{"as": "kim"}, 400, "disabled"},
		"code of none":     {"codes", object{"as": "nobody"}, 404, "nobody has"},
		"no client_id":     {"codes", object{"as": "ada"}, 400, "client_id"},
		"wrong redirect":   {"codes", object{"as": "ada", "parameters": object{"client_id": "browser-app", "redirect_uri": "http://evil.example/"}}, 400, "not registered"},
		"no PKCE":          {"codes", object{"as": "ada", "parameters": object{"client_id": "browser-app", "redirect_uri": "http://localhost:3000/callback"}}, 400, "code_challenge"},
		"wrong scope":      {"codes", object{"as": "ada", "parameters": object{"client_id": "backstage", "redirect_uri": "http://localhost:7007/api/auth/oidc/handler/frame", "scope": "\u00e9"}}, 400, "scope"},
		"no URL":           {"codes", object{"as": "ada", "authorize_url": "http://[::1"}, 400, "authorize_url"},
	} {
		expectStatus(t, name, mock(t, running, "POST", "/_mock/"+row.path, row.body), row.status, row.holds)
	}
}

// A browser that has the session's cookie gets its code without a page.
func TestControlMintsSessions(t *testing.T) {
	running := start(t, server.Config{})
	expectStatus(t, "open", mock(t, running, "POST", "/_mock/sandboxes", object{"id": "one"}), 201)
	for _, base := range []string{"", "/s/one"} {
		got := mock(t, running, "POST", base+"/_mock/sessions", object{"as": "ada@shop.example"})
		expectStatus(t, "session", got, 201)
		var session struct {
			Cookie struct{ Name, Value, Domain, Path, SameSite string }
		}
		got.json(t, &session)
		set, err := http.ParseSetCookie(got.header.Get("Set-Cookie"))
		if err != nil || set.Name != session.Cookie.Name || set.Value != session.Cookie.Value || set.Path != base+"/idp" || session.Cookie.Path != set.Path || session.Cookie.Domain != "localhost" {
			t.Fatalf("%v %+v %+v", err, set, session)
		}
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		site, err := url.Parse(running.URL() + base + "/idp/authorize")
		if err != nil {
			t.Fatal(err)
		}
		jar.SetCookies(site, []*http.Cookie{set})
		client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		site.RawQuery = url.Values{"client_id": {"browser-app"}, "redirect_uri": {"http://localhost:3000/callback"}, "response_type": {"code"}, "scope": {"openid email"},
			"prompt": {"none"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"}}.Encode()
		response, err := client.Get(site.String())
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
		location, err := response.Location()
		if err != nil || location.Query().Get("code") == "" {
			t.Fatalf("%s: %d %v %v", base, response.StatusCode, location, err)
		}
		redeem(t, running, base, location.Query().Get("code"), "ada@shop.example")
	}
}

// challenge is that of verifier (RFC 7636, appendix B).
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// redeem takes a code of browser-app to the token endpoint, and the token to the
// Console.
func redeem(t testing.TB, running *server.Server, base, code, email string) {
	t.Helper()
	form := url.Values{"grant_type": {"authorization_code"}, "client_id": {"browser-app"}, "code": {code},
		"redirect_uri": {"http://localhost:3000/callback"}, "code_verifier": {verifier}}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	got := exchange(t, running, "POST", base+"/idp/token", header, strings.NewReader(form.Encode()))
	expectStatus(t, "redeem", got, 200)
	var tokens struct {
		AccessToken string `json:"access_token"`
	}
	got.json(t, &tokens)
	expectStatus(t, "whoami", call(t, running, "GET", base+"/token/v1/whoami", tokens.AccessToken, nil), 200, email)
	if again := exchange(t, running, "POST", base+"/idp/token", header, strings.NewReader(form.Encode())); again.status != 400 {
		t.Errorf("the code was good twice: %d %s", again.status, again.body)
	}
}

func TestControlMintsCodes(t *testing.T) {
	running := start(t, server.Config{})
	parameters := object{"client_id": "browser-app", "redirect_uri": "http://localhost:3000/callback", "scope": "openid email",
		"state": "4 2", "code_challenge": challenge, "code_challenge_method": "S256"}
	var code struct {
		Code, State, Iss string
		RedirectTo       string `json:"redirect_to"`
	}
	got := mock(t, running, "POST", "/_mock/codes", object{"as": "ada", "parameters": parameters})
	expectStatus(t, "code", got, 201)
	got.json(t, &code)
	if code.State != "4 2" || code.Iss != running.Issuer() || !strings.HasPrefix(code.RedirectTo, "http://localhost:3000/callback?code=") {
		t.Errorf("%+v", code)
	}
	redeem(t, running, "", code.Code, "ada@shop.example")
	// From the address that an application made, answered in the fragment.
	query := url.Values{"response_mode": {"fragment"}}
	for name, value := range parameters {
		query.Set(name, value.(string))
	}
	got = mock(t, running, "POST", "/_mock/codes", object{"as": "ben", "authorize_url": running.Issuer() + "/authorize?" + query.Encode()})
	expectStatus(t, "code", got, 201)
	code.Code = ""
	got.json(t, &code)
	if !strings.HasPrefix(code.RedirectTo, "http://localhost:3000/callback#code=") {
		t.Errorf("%+v", code)
	}
	redeem(t, running, "", code.Code, "ben@shop.example")
}

// Keys that are rotated are published and followed by the Console at once; the
// old ones count on until they go.
func TestControlRotatesKeys(t *testing.T) {
	running := start(t, server.Config{})
	expectStatus(t, "open", mock(t, running, "POST", "/_mock/sandboxes", object{"id": "one"}), 201)
	type key struct {
		Name, Alg, Kid string
		Signs          bool
	}
	for _, base := range []string{"/s/one", ""} {
		whoami := func(token string) int { return call(t, running, "GET", base+"/token/v1/whoami", token, nil).status }
		published := func() []string {
			var set struct{ Keys []struct{ Kid string } }
			call(t, running, "GET", base+"/idp/jwks", "", nil).json(t, &set)
			var kids []string
			for _, one := range set.Keys {
				kids = append(kids, one.Kid)
			}
			return kids
		}
		keys := func(method, path string, body any) []key {
			got := mock(t, running, method, base+path, body)
			expectStatus(t, path, got, 200)
			var list []key
			got.json(t, &list)
			return list
		}
		before, kids := keys("GET", "/_mock/keys", nil), published()
		old, _ := minted(t, running, base, object{"as": "ada", "client_id": "backstage"})
		kept := keys("POST", "/_mock/keys/rotate", nil)
		if len(kept) != 2*len(before) || !kept[0].Signs || len(published()) <= len(kids) {
			t.Errorf("%q: keys %+v, published %v", base, kept, published())
		}
		fresh, _ := minted(t, running, base, object{"as": "ada", "client_id": "backstage"})
		if headerOf(t, fresh)["kid"] == headerOf(t, old)["kid"] || whoami(old) != 200 || whoami(fresh) != 200 {
			t.Errorf("%q: after the rotation old %d, new %d", base, whoami(old), whoami(fresh))
		}
		// The old one of the algorithm goes.
		for _, one := range kept {
			if one.Kid == headerOf(t, old)["kid"] {
				expectStatus(t, "retire", mock(t, running, "DELETE", base+"/_mock/v1/signing-key/"+one.Name, nil), 200)
			}
		}
		if whoami(old) != 401 || whoami(fresh) != 200 {
			t.Errorf("%q: after the old key went: old %d, new %d", base, whoami(old), whoami(fresh))
		}
		expectStatus(t, "keep", mock(t, running, "PUT", base+"/_mock/snapshots/rotated", nil), 204)
		keys("POST", "/_mock/keys/rotate", object{"alg": "RS256", "keep_old": false})
		if whoami(fresh) != 401 {
			t.Errorf("%q: a key that was dropped at once still counts", base)
		}
		expectStatus(t, "reset", mock(t, running, "POST", base+"/_mock/reset", nil), 204)
		if now := published(); strings.Join(now, " ") != strings.Join(kids, " ") || whoami(old) != 200 || whoami(fresh) != 401 {
			t.Errorf("%q: after reset %v, before %v; old %d, new %d", base, now, kids, whoami(old), whoami(fresh))
		}
		expectStatus(t, "restore", mock(t, running, "POST", base+"/_mock/snapshots/rotated/restore", nil), 204)
		if whoami(fresh) != 200 || whoami(old) != 401 {
			t.Errorf("%q: restored: old %d, new %d", base, whoami(old), whoami(fresh))
		}
		// Without any key nobody could sign: the last one stays.
		for _, one := range keys("GET", "/_mock/keys", nil)[1:] {
			expectStatus(t, "delete", mock(t, running, "DELETE", base+"/_mock/v1/signing-key/"+one.Name, nil), 200)
		}
		last := keys("GET", "/_mock/keys", nil)
		expectStatus(t, "the last", mock(t, running, "DELETE", base+"/_mock/v1/signing-key/"+last[0].Name, nil), 409, "at least one is needed")
		if len(keys("GET", "/_mock/keys", nil)) != 1 {
			t.Errorf("%q: the refused deletion changed something", base)
		}
	}
}

// Only what is a signed JWT can be made wrong; a further provider's can, with its
// own issuer, as its profile writes them.
func TestControlForgesByProvider(t *testing.T) {
	running := start(t, server.Config{})
	expectStatus(t, "load", mock(t, running, "POST", "/_mock/seed", yamlText(`apiVersion: mockduktor/v1
kind: Client
metadata: {name: handles}
spec: {redirect_uris: ["http://localhost:3000/callback"], access_token_format: opaque}
---
apiVersion: mockduktor/v1
kind: Provider
metadata: {name: acme}
spec: {profile: keycloak, realm: acme}
---
apiVersion: mockduktor/v1
kind: Provider
metadata: {name: directory}
spec: {profile: entra}
`)), 200)
	request := object{"as": "ada", "client_id": "handles", "fault": "expired"}
	expectStatus(t, "opaque", mock(t, running, "POST", "/_mock/tokens", request), 400, "not signed JWTs")
	plain, _ := minted(t, running, "", object{"as": "ada", "client_id": "handles"})
	if strings.Count(plain, ".") == 2 {
		t.Errorf("%s is not opaque", plain)
	}
	for _, provider := range []string{"acme", "directory"} {
		plain, _ := minted(t, running, "", object{"as": "ada", "client_id": "backstage", "provider": provider})
		wrong, id := minted(t, running, "", object{"as": "ada", "client_id": "backstage", "provider": provider, "fault": "expired"})
		before, after := payload(t, plain), payload(t, wrong)
		if before["iss"] != after["iss"] || before["exp"].(float64)-after["exp"].(float64) < 3600 || payload(t, id)["exp"] != after["exp"] {
			t.Errorf("%s: %v became %v", provider, before, after)
		}
		if headerOf(t, plain)["kid"] != headerOf(t, wrong)["kid"] || headerOf(t, plain)["typ"] != headerOf(t, wrong)["typ"] {
			t.Errorf("%s: header %v became %v", provider, headerOf(t, plain), headerOf(t, wrong))
		}
		got := mock(t, running, "POST", "/_mock/sessions", object{"as": "ada", "provider": provider})
		expectStatus(t, provider, got, 201, `"path":"/`)
	}
}
