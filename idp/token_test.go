package idp_test

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/idp"
)

// OpenID Connect Core 1.0, section 2, RFC 9068, section 2.2, and what a Console
// needs in the access token.
func TestTokenClaims(t *testing.T) {
	s := newSite(t)
	a := s.tokenRequest(codeForm(s.browser().signIn("ada").Get("code")))
	if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Pragma") != "no-cache" || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
		t.Errorf("headers (RFC 6749, section 5.1): %v", a.Header)
	}
	tokens := s.object(a)
	if tokens["token_type"] != "Bearer" || tokens["expires_in"] != 3600.0 || tokens["scope"] != "openid profile email" || tokens["refresh_token"] == "" {
		t.Errorf("answer: %v", tokens)
	}
	now := float64(start.Unix())
	sub := idp.SubjectOf("ada")
	common := map[string]any{
		"iss": s.issuer, "sub": sub, "azp": "app", "aud": "app", "iat": now, "exp": now + 3600, "auth_time": now,
		"email": "ada@example.com", "email_verified": true, "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace",
		"preferred_username": "ada", "groups": []any{"platform", "ops"}, "department": "maths",
	}
	access, id := s.claims(tokens["access_token"]), s.claims(tokens["id_token"])
	for name, want := range common {
		if !reflect.DeepEqual(access[name], want) {
			t.Errorf("access token: %s is %v, want %v", name, access[name], want)
		}
		if !reflect.DeepEqual(id[name], want) {
			t.Errorf("ID token: %s is %v, want %v", name, id[name], want)
		}
	}
	if access["client_id"] != "app" || access["scope"] != "openid profile email" || access["jti"] == nil || access["sid"] == nil || access["sid"] != id["sid"] {
		t.Errorf("access token: %v", access)
	}
	if id["nonce"] != "a nonce" || id["at_hash"] == nil || access["nonce"] != nil || access["nbf"] != nil || id["nbf"] != nil {
		t.Errorf("ID token: %v", id)
	}
	if header := s.part(tokens["access_token"], 0); header["typ"] != "JWT" || header["alg"] != "RS256" || header["kid"] == nil {
		t.Errorf("header: %v", header)
	}
}

// The same person has the same claims in every path.
func TestClaimsAreTheSameInEveryPath(t *testing.T) {
	s := newSite(t)
	person := func(claims map[string]any) map[string]any {
		for _, name := range []string{"iss", "aud", "azp", "client_id", "scope", "iat", "exp", "jti", "sid", "auth_time", "acr", "amr", "nonce", "at_hash"} {
			delete(claims, name)
		}
		return claims
	}
	code := s.redeem(s.browser().signIn("ada"))
	want := person(s.claims(code["access_token"]))
	refreshed := s.tokens(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {code["refresh_token"].(string)}})
	password := s.tokens(url.Values{"grant_type": {"password"}, "username": {"ada"}, "password": {"engine"}})
	minted, err := s.Mint(t.Context(), idp.MintRequest{Login: "ada", ClientID: "app"})
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]map[string]any{
		"ID token": s.claims(code["id_token"]), "userinfo": s.object(s.userInfo(code["access_token"])),
		"refreshed access token": s.claims(refreshed["access_token"]), "refreshed ID token": s.claims(refreshed["id_token"]),
		"password access token": s.claims(password["access_token"]), "password ID token": s.claims(password["id_token"]),
		"minted access token": s.claims(minted.AccessToken), "minted ID token": s.claims(minted.IDToken),
	} {
		if got = person(got); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// OpenID Connect Core 1.0, section 5.4.
func TestOIDCCore5ScopesOfClaims(t *testing.T) {
	s := newSite(t)
	for scope, want := range map[string]string{
		"openid": "department groups sub", "openid email": "department email email_verified groups sub",
		"openid profile": "department family_name given_name groups name preferred_username sub",
	} {
		tokens := s.redeem(s.browser().signIn("ada", "scope", scope))
		if got := names(s.object(s.userInfo(tokens["access_token"]))); got != want {
			t.Errorf("%s: %s, want %s", scope, got, want)
		}
		access := s.claims(tokens["access_token"])
		if (access["email"] != nil) != strings.Contains(scope, "email") || (access["name"] != nil) != strings.Contains(scope, "profile") {
			t.Errorf("%s: access token %v", scope, access)
		}
	}
	// A claim of the document takes the place of a standard one.
	s.person("ada", map[string]any{"email": "ada@example.com", "claims": map[string]any{"email_verified": "true", "groups": nil, "name": "A. L."}})
	claims := s.claims(s.redeem(s.browser().signIn("ada"))["access_token"])
	if claims["email_verified"] != "true" || claims["groups"] != nil || claims["name"] != "A. L." {
		t.Errorf("overridden: %v", claims)
	}
	// No groups are an empty list, not an absent claim.
	s.person("ada", map[string]any{"email": "ada@example.com", "email_verified": false})
	claims = s.claims(s.redeem(s.browser().signIn("ada"))["access_token"])
	if groups, ok := claims["groups"].([]any); !ok || len(groups) != 0 || claims["email_verified"] != false {
		t.Errorf("no groups: %v", claims)
	}
}

func names(object map[string]any) string {
	var list []string
	for _, name := range []string{"department", "email", "email_verified", "family_name", "given_name", "groups", "name", "picture", "preferred_username", "sub"} {
		if _, ok := object[name]; ok {
			list = append(list, name)
		}
	}
	if len(list) != len(object) {
		list = append(list, "and others")
	}
	return strings.Join(list, " ")
}

// Settings of a client.
func TestClientSettings(t *testing.T) {
	s := newSite(t)
	s.client("app", map[string]any{
		"client_secret": "s3cret+/%", "redirect_uris": []any{callback}, "grant_types": []any{"authorization_code", "refresh_token"},
		"access_token_typ": "at+jwt", "access_token_lifetime": "5m", "id_token_lifetime": "2m", "refresh_token_lifetime": "1h",
		"audience": []any{"https://console.example", "https://other.example"}, "id_token_signed_response_alg": "ES256", "access_token_signed_response_alg": "EdDSA",
	})
	tokens := s.redeem(s.browser().signIn("ada"))
	access, id := s.claims(tokens["access_token"]), s.claims(tokens["id_token"])
	if header := s.part(tokens["access_token"], 0); header["typ"] != "at+jwt" || header["alg"] != "EdDSA" {
		t.Errorf("access token header: %v", header)
	}
	if header := s.part(tokens["id_token"], 0); header["typ"] != "JWT" || header["alg"] != "ES256" {
		t.Errorf("ID token header: %v", header)
	}
	if tokens["expires_in"] != 300.0 || access["exp"].(float64)-access["iat"].(float64) != 300 || id["exp"].(float64)-id["iat"].(float64) != 120 {
		t.Errorf("lifetimes: %v %v %v", tokens["expires_in"], access, id)
	}
	if !reflect.DeepEqual(access["aud"], []any{"https://console.example", "https://other.example"}) || id["aud"] != "app" {
		t.Errorf("aud %v and %v", access["aud"], id["aud"])
	}
	s.advance(time.Hour)
	s.refused(s.tokenRequest(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}}), 400, "invalid_grant", "expired")

	keys, err := idp.NewKeys([]idp.SigningKey{mustGenerate(t, "RS256")})
	if err != nil {
		t.Fatal(err)
	}
	s.SetKeys(keys)
	s.refused(s.tokenRequest(codeForm(s.browser().signIn("ada").Get("code"))), 400, "invalid_request", "no signing key for alg EdDSA")
}

func mustGenerate(t testing.TB, alg string) idp.SigningKey {
	t.Helper()
	key, err := idp.GenerateSigningKey(alg)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// RFC 8707: resource, and audience beside it, choose among what the client may.
func TestRFC8707Resource(t *testing.T) {
	s := newSite(t)
	s.client("app", map[string]any{
		"client_secret": "s3cret+/%", "redirect_uris": []any{callback}, "audience": []any{"https://a.example", "https://b.example"},
		"grant_types": []any{"authorization_code", "refresh_token", "client_credentials"},
	})
	q := authorizeQuery()
	q["resource"] = []string{"https://a.example", "https://b.example"}
	b := s.browser()
	tokens := s.redeem(s.response(b.press(b.open(s.issuer+"/authorize?"+q.Encode()), "sign-in-ada")))
	if got := s.claims(tokens["access_token"])["aud"]; !reflect.DeepEqual(got, []any{"https://a.example", "https://b.example"}) {
		t.Errorf("two resources: %v", got)
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}, "resource": {"https://b.example"}}
	if got := s.claims(s.tokens(form)["access_token"])["aud"]; got != "https://b.example" {
		t.Errorf("narrowed at refresh: %v", got)
	}
	// What the authorization request did not ask for cannot be had later.
	form = codeForm(s.response(b.authorize("resource", "https://a.example")).Get("code"))
	form.Set("resource", "https://b.example")
	s.refused(s.tokenRequest(form), 400, "invalid_target", "https://a.example")
	form.Del("resource")
	if got := s.claims(s.tokens(form)["access_token"])["aud"]; got != "https://a.example" {
		t.Errorf("after the refusal: %v", got)
	}
	if got := s.claims(s.tokens(url.Values{"grant_type": {"client_credentials"}, "audience": {"https://a.example"}})["access_token"])["aud"]; got != "https://a.example" {
		t.Errorf("audience parameter: %v", got)
	}
	s.refused(s.tokenRequest(url.Values{"grant_type": {"client_credentials"}, "audience": {"https://c.example"}}), 400, "invalid_target", "https://a.example, https://b.example")
}

// RFC 6749, section 2.3: how a client authenticates.
func TestRFC6749Section2ClientAuthentication(t *testing.T) {
	s := newSite(t)
	s.client("basic only", map[string]any{"client_secret": "x", "token_endpoint_auth_method": "client_secret_basic", "grant_types": []any{"client_credentials"}})
	s.client("post only", map[string]any{"client_secret": "x", "token_endpoint_auth_method": "client_secret_post", "grant_types": []any{"client_credentials"}})
	for _, c := range []struct {
		name         string
		id, secret   string // of the header, as they stand there
		header       string
		form         string
		status       int
		error, words string
	}{
		{name: "basic", id: "app", secret: "s3cret%2B%2F%25", status: 200},
		{name: "basic, not encoded", id: "app", secret: "s3cret+/%", status: 401, error: "invalid_client", words: "not form-encoded"},
		{name: "basic, id encoded", id: "basic+only", secret: "x", status: 200},
		{name: "basic, wrong secret", id: "app", secret: "wrong", status: 401, error: "invalid_client", words: "wrong"},
		{name: "basic, unknown client", id: "nobody", secret: "x", status: 401, error: "invalid_client", words: "no client 'nobody'"},
		{name: "basic, no secret", id: "app", secret: "", status: 401, error: "invalid_client", words: "none was sent"},
		{name: "basic with the same id in the form", id: "app", secret: "s3cret%2B%2F%25", form: "client_id=app", status: 200},
		{name: "basic with another id in the form", id: "app", secret: "s3cret%2B%2F%25", form: "client_id=spa", status: 400, error: "invalid_request", words: "two different clients"},
		{name: "both", id: "app", secret: "s3cret%2B%2F%25", form: "client_id=app&client_secret=s3cret%2B%2F%25", status: 400, error: "invalid_request", words: "one of them"},
		{name: "post", form: "client_id=app&client_secret=s3cret%2B%2F%25", status: 200},
		{name: "post, wrong secret", form: "client_id=app&client_secret=x", status: 401, error: "invalid_client", words: "wrong"},
		{name: "post, no secret", form: "client_id=app", status: 401, error: "invalid_client", words: "none was sent"},
		{name: "nothing", status: 401, error: "invalid_client", words: "no client credentials"},
		{name: "pinned to basic, post used", form: "client_id=basic+only&client_secret=x", status: 401, error: "invalid_client", words: "must use client_secret_basic"},
		{name: "pinned to post, basic used", id: "post+only", secret: "x", status: 401, error: "invalid_client", words: "must use client_secret_post"},
		{name: "pinned to post", form: "client_id=post+only&client_secret=x", status: 200},
		{name: "public with a secret", form: "client_id=spa&client_secret=x", status: 401, error: "invalid_client", words: "public"},
		{name: "bearer header", header: "Bearer x", status: 401, error: "invalid_client", words: "must be Basic"},
		{name: "broken header", header: "Basic !!", status: 401, error: "invalid_client", words: "base64"},
		{name: "assertion", form: "client_assertion=x.y.z&client_id=app", status: 401, error: "invalid_client", words: "client_assertion_type must be urn:"},
		{name: "public client for itself", form: "client_id=spa", status: 400, error: "unauthorized_client", words: "authorization_code"},
	} {
		form, err := url.ParseQuery(c.form)
		if err != nil {
			t.Fatal(err)
		}
		form.Set("grant_type", "client_credentials")
		r := s.request("POST", s.issuer+"/token", form)
		if c.id != "" {
			r.SetBasicAuth(c.id, c.secret)
		}
		if c.header != "" {
			r.Header.Set("Authorization", c.header)
		}
		a := s.send(bare, r)
		if c.status == 200 {
			if a.StatusCode != 200 {
				t.Errorf("%s: %s %s", c.name, a.Status, a.body)
			}
			continue
		}
		s.refused(a, c.status, c.error, c.words)
		if challenge := a.Header.Get("WWW-Authenticate"); (c.status == 401) != strings.HasPrefix(challenge, `Basic realm="`+s.issuer+`"`) {
			t.Errorf("%s: WWW-Authenticate %q", c.name, challenge)
		}
		if a.Header.Get("Mock-Reason") == "" {
			t.Errorf("%s: no reason in the header", c.name)
		}
	}
}

// RFC 6749, section 3.2: POST with a form, each parameter once, nothing in the
// address.
func TestRFC6749Section3TokenRequest(t *testing.T) {
	s := newSite(t)
	good := url.Values{"grant_type": {"client_credentials"}, "client_id": {"app"}, "client_secret": {"s3cret+/%"}}
	if a := s.get(s.issuer + "/token?" + good.Encode()); a.StatusCode != 405 {
		t.Errorf("GET: %s", a.Status)
	}
	s.refused(s.send(bare, s.request("POST", s.issuer+"/token?"+good.Encode(), url.Values{})), 401, "invalid_client", "no client credentials")
	for _, kind := range []string{"application/json", "multipart/form-data; boundary=x", "text/plain", ""} {
		r := s.request("POST", s.issuer+"/token", good)
		r.Header.Set("Content-Type", kind)
		s.refused(s.send(bare, r), 400, "invalid_request", "application/x-www-form-urlencoded")
	}
	r := s.request("POST", s.issuer+"/token", good)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	if a := s.send(bare, r); a.StatusCode != 200 {
		t.Errorf("with a charset: %s", a.Status)
	}
	twice := url.Values{"grant_type": {"client_credentials", "client_credentials"}, "client_id": {"app"}, "client_secret": {"s3cret+/%"}}
	s.refused(s.send(bare, s.request("POST", s.issuer+"/token", twice)), 400, "invalid_request", "grant_type is given more than once")
	big := url.Values{"grant_type": {strings.Repeat("x", 70<<10)}}
	s.refused(s.send(bare, s.request("POST", s.issuer+"/token", big)), 413, "invalid_request", "65536 bytes")
	s.refused(s.tokenRequest(url.Values{}), 400, "invalid_request", "grant_type is missing")
	s.refused(s.tokenRequest(url.Values{"grant_type": {""}}), 400, "invalid_request", "grant_type is missing")
	s.refused(s.tokenRequest(url.Values{"grant_type": {"implicit"}}), 400, "unsupported_grant_type", "authorization_code")
	s.client("narrow", map[string]any{"client_secret": "x", "redirect_uris": []any{callback}})
	r = s.request("POST", s.issuer+"/token", url.Values{"grant_type": {"password"}})
	r.SetBasicAuth("narrow", "x")
	s.refused(s.send(bare, r), 400, "unauthorized_client", "authorization_code, refresh_token")
}

// RFC 6749, section 4.1.3, and RFC 7636, section 4.6: what a code is bound to.
func TestRFC6749Section4CodeIsBound(t *testing.T) {
	s := newSite(t)
	s.client("other", map[string]any{"client_secret": "x", "redirect_uris": []any{callback}})
	code := s.browser().signIn("ada").Get("code")
	bad := func(name, value, words string) {
		t.Helper()
		form := codeForm(code)
		form.Set(name, value)
		s.refused(s.tokenRequest(form), 400, map[bool]string{true: "invalid_request", false: "invalid_grant"}[name == "code" && value == ""], words)
	}
	bad("redirect_uri", "http://app.example/other", "redirect_uri is not the one")
	bad("redirect_uri", "", "redirect_uri is missing")
	bad("code_verifier", strings.Repeat("x", 43), "does not fit")
	bad("code_verifier", "short", "43 to 128")
	bad("code_verifier", "", "code_verifier is missing")
	bad("code", "", "code is missing")
	bad("code", "rubbish", "never given out")
	bad("code", changed(code), "never given out")
	bad("code", strings.ToUpper(code), "never given out")
	r := s.request("POST", s.issuer+"/token", codeForm(code))
	r.SetBasicAuth("other", "x")
	s.refused(s.send(bare, r), 400, "invalid_grant", "another client")
	// None of that has used it up.
	s.tokens(codeForm(code))
}

// A code, a refresh token and a session never pass for one another.
func TestSecretsAreForOnePurpose(t *testing.T) {
	s := newSite(t)
	session, err := s.MintSession(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	code := s.browser().signIn("ada").Get("code")
	for _, token := range []string{code, session.Value} {
		s.refused(s.tokenRequest(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}), 400, "invalid_grant", "never given out")
	}
	tokens := s.tokens(codeForm(code))
	for _, token := range []string{tokens["refresh_token"].(string), session.Value} {
		s.refused(s.tokenRequest(codeForm(token)), 400, "invalid_grant", "never given out")
	}
	session.Value = code
	b := s.browser()
	b.http.Jar.SetCookies(mustParse(t, s.issuer+"/"), []*http.Cookie{session})
	if response := s.response(b.authorize("prompt", "none")); response.Get("error") != "login_required" {
		t.Errorf("a code as session: %v", response)
	}
}

// changed is the text with another last character.
func changed(s string) string {
	last := len(s) - 1
	if s[last] == 'A' {
		return s[:last] + "B"
	}
	return s[:last] + "A"
}

// RFC 9700, section 2.1.1: a verifier without challenge is a downgrade.
func TestRFC9700Section2Downgrade(t *testing.T) {
	s := newSite(t)
	response := s.browser().signIn("ada", "code_challenge", "", "code_challenge_method", "")
	s.refused(s.tokenRequest(codeForm(response.Get("code"))), 400, "invalid_grant", "no code_challenge")
	form := codeForm(response.Get("code"))
	form.Del("code_verifier")
	s.tokens(form)
}

// RFC 6749, section 4.1.2: a code serves once; its second use ends what the
// first gave.
func TestRFC6749Section4CodeServesOnce(t *testing.T) {
	s := newSite(t)
	form := codeForm(s.browser().signIn("ada").Get("code"))
	tokens := s.tokens(form)
	if a := s.userInfo(tokens["access_token"]); a.StatusCode != 200 {
		t.Fatalf("before: %s", a.body)
	}
	s.refused(s.tokenRequest(form), 400, "invalid_grant", "used before")
	s.refused(s.userInfo(tokens["access_token"]), 401, "invalid_token", "revoked")
	s.refused(s.tokenRequest(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}}), 400, "invalid_grant", "no longer good")
	s.refused(s.tokenRequest(form), 400, "invalid_grant", "")

	form = codeForm(s.browser().signIn("ada").Get("code"))
	s.advance(time.Minute)
	s.refused(s.tokenRequest(form), 400, "invalid_grant", "expired")
}

// Of many at the same moment one gets the tokens, and they do not last.
func TestCodeRace(t *testing.T) {
	s := newSite(t)
	form := codeForm(s.browser().signIn("ada").Get("code"))
	var wait sync.WaitGroup
	answers := make([]*answer, 16)
	for i := range answers {
		wait.Go(func() { answers[i] = s.tokenRequest(form) })
	}
	wait.Wait()
	good := 0
	for _, a := range answers {
		if a.StatusCode == 200 {
			good++
			s.refused(s.userInfo(s.object(a)["access_token"]), 401, "invalid_token", "revoked")
		}
	}
	if good != 1 {
		t.Errorf("%d got tokens", good)
	}
}

// RFC 6749, section 6, and OpenID Connect Core 1.0, section 12.
func TestRFC6749Section6Refresh(t *testing.T) {
	s := newSite(t)
	first := s.redeem(s.browser().signIn("ada", "scope", "openid email custom"))
	refresh := func(token any, more ...string) url.Values {
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token.(string)}}
		for i := 0; i < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		return form
	}
	s.person("ada", map[string]any{"email": "ada@new.example", "groups": []any{"promoted"}})
	s.advance(10 * time.Minute)
	second := s.tokens(refresh(first["refresh_token"]))
	before, after := s.claims(first["id_token"]), s.claims(second["id_token"])
	for _, stable := range []string{"iss", "sub", "aud", "azp", "auth_time", "sid"} {
		if before[stable] != after[stable] {
			t.Errorf("%s was %v and is %v", stable, before[stable], after[stable])
		}
	}
	if !reflect.DeepEqual(after["groups"], []any{"promoted"}) || after["email"] != "ada@new.example" || after["iat"].(float64) != before["iat"].(float64)+600 {
		t.Errorf("the claims are not of now: %v", after)
	}
	if second["scope"] != "openid email custom" || second["token_type"] != "Bearer" || second["expires_in"] != 3600.0 {
		t.Errorf("answer: %v", second)
	}
	if s.claims(first["access_token"])["jti"] == s.claims(second["access_token"])["jti"] {
		t.Error("two access tokens have one jti")
	}

	s.refused(s.tokenRequest(refresh(second["refresh_token"], "scope", "openid profile")), 400, "invalid_scope", "'profile' was not granted")
	narrow := s.tokens(refresh(second["refresh_token"], "scope", "openid"))
	if narrow["scope"] != "openid" || s.claims(narrow["access_token"])["email"] != nil {
		t.Errorf("narrowed: %v", narrow)
	}
	wide := s.tokens(refresh(narrow["refresh_token"]))
	if wide["scope"] != "openid email custom" {
		t.Errorf("the narrowing lasts: %v", wide["scope"])
	}

	s.client("other", map[string]any{"client_secret": "x", "redirect_uris": []any{callback}})
	r := s.request("POST", s.issuer+"/token", refresh(wide["refresh_token"]))
	r.SetBasicAuth("other", "x")
	s.refused(s.send(bare, r), 400, "invalid_grant", "another client")
	s.refused(s.tokenRequest(refresh("rubbish")), 400, "invalid_grant", "never given out")
	s.refused(s.tokenRequest(url.Values{"grant_type": {"refresh_token"}}), 400, "invalid_request", "refresh_token is missing")

	s.person("ada", map[string]any{"disabled": true})
	s.refused(s.tokenRequest(refresh(wide["refresh_token"])), 400, "invalid_grant", "disabled")
	s.person("ada", map[string]any{})
	last := s.tokens(refresh(wide["refresh_token"]))
	s.advance(30 * 24 * time.Hour)
	s.refused(s.tokenRequest(refresh(last["refresh_token"])), 400, "invalid_grant", "expired")
}

// RFC 9700, section 4.14.2: an old refresh token ends the family.
func TestRFC9700Section4RefreshReuse(t *testing.T) {
	s := newSite(t)
	first := s.redeem(s.browser().signIn("ada"))
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first["refresh_token"].(string)}}
	second := s.tokens(form)
	s.refused(s.tokenRequest(form), 400, "invalid_grant", "used before")
	s.refused(s.tokenRequest(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {second["refresh_token"].(string)}}), 400, "invalid_grant", "no longer good")
	for _, tokens := range []map[string]any{first, second} {
		s.refused(s.userInfo(tokens["access_token"]), 401, "invalid_token", "revoked")
	}
	// Another sign-in is another family.
	other := s.redeem(s.browser().signIn("ada"))
	s.tokens(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {other["refresh_token"].(string)}})
}

// A refresh token depends on grant_types alone, never on offline_access.
func TestRefreshTokenFollowsGrantTypes(t *testing.T) {
	s := newSite(t)
	if s.redeem(s.browser().signIn("ada", "scope", "openid"))["refresh_token"] == nil {
		t.Error("none without offline_access")
	}
	s.client("app", map[string]any{"client_secret": "s3cret+/%", "redirect_uris": []any{callback}, "grant_types": []any{"authorization_code"}})
	if s.redeem(s.browser().signIn("ada", "scope", "openid offline_access"))["refresh_token"] != nil {
		t.Error("one although grant_types has not refresh_token")
	}
}

// RFC 6749, section 4.4.
func TestRFC6749Section4ClientCredentials(t *testing.T) {
	s := newSite(t)
	s.client("app", map[string]any{
		"client_secret": "s3cret+/%", "grant_types": []any{"client_credentials"}, "scope": "read write",
		"claims": map[string]any{"email": "robot@example.com", "groups": []any{"robots"}, "apikey": "key"},
	})
	tokens := s.tokens(url.Values{"grant_type": {"client_credentials"}})
	claims := s.claims(tokens["access_token"])
	if claims["sub"] != "app" || claims["client_id"] != "app" || claims["email"] != "robot@example.com" || claims["apikey"] != "key" || !reflect.DeepEqual(claims["groups"], []any{"robots"}) {
		t.Errorf("claims: %v", claims)
	}
	if tokens["scope"] != "read write" || tokens["refresh_token"] != nil || tokens["id_token"] != nil || claims["auth_time"] != nil || claims["sid"] != nil {
		t.Errorf("answer: %v", tokens)
	}
	s.refused(s.tokenRequest(url.Values{"grant_type": {"client_credentials"}, "scope": {"read admin"}}), 400, "invalid_scope", "'admin'")
	s.refused(s.userInfo(tokens["access_token"]), 403, "insufficient_scope", "openid")
	other := s.claims(s.tokens(url.Values{"grant_type": {"client_credentials"}})["access_token"])
	if other["jti"] == claims["jti"] {
		t.Error("two tokens have one jti")
	}
}

// RFC 6749, section 4.3.
func TestRFC6749Section4Password(t *testing.T) {
	s := newSite(t)
	s.person("eve", map[string]any{"password": "apple", "disabled": true})
	ask := func(username, password string) *answer {
		return s.tokenRequest(url.Values{"grant_type": {"password"}, "username": {username}, "password": {password}, "scope": {"openid email"}})
	}
	tokens := s.object(ask("ada", "engine"))
	if tokens["refresh_token"] == nil || tokens["scope"] != "openid email" || s.claims(tokens["id_token"])["email"] != "ada@example.com" {
		t.Errorf("answer: %v", tokens)
	}
	s.tokens(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}})
	s.refused(ask("ada", "x"), 400, "invalid_grant", "wrong")
	s.refused(ask("nobody", "engine"), 400, "invalid_grant", "wrong")
	s.refused(ask("ada", ""), 400, "invalid_request", "missing")
	s.refused(ask("eve", "apple"), 400, "invalid_grant", "disabled")
	if strings.Contains(s.log.String(), "engine") {
		t.Error("the log holds a password")
	}
}

// RFC 6749, section 3.3: a scope has one name at least, so none is no member.
func TestRFC6749Section3NoScope(t *testing.T) {
	s := newSite(t)
	for _, format := range []string{"jwt", "opaque"} {
		s.client("app", map[string]any{"client_secret": "s3cret+/%", "grant_types": []any{"client_credentials"}, "access_token_format": format})
		tokens := s.tokens(url.Values{"grant_type": {"client_credentials"}})
		told := s.good(s.post("/introspect", "app", "s3cret+/%", url.Values{"token": {tokens["access_token"].(string)}}))
		claims := told
		if format == "jwt" {
			claims = s.claims(tokens["access_token"])
		}
		for name, object := range map[string]map[string]any{"answer": tokens, "token": claims, "introspection": told} {
			if scope, ok := object["scope"]; ok {
				t.Errorf("%s %s: scope %q", format, name, scope)
			}
		}
	}
}
