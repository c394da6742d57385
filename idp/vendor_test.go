package idp_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/mockduktor/mockduktor/idp"
)

const appSecret = "s3cret+/%"

// vendorSite is a provider of a Provider document, on the path that it has by
// itself.
type vendorSite struct {
	*site
	document map[string]any // discovery
}

func newVendor(t testing.TB, spec map[string]any) *vendorSite {
	t.Helper()
	settings, problems := idp.ParseProvider(map[string]any{"metadata": map[string]any{"name": "acme"}, "spec": spec})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	s := newSite(t, func(c *idp.Config) { *c = settings.Configure(*c, strings.TrimSuffix(c.Issuer, "/idp")) })
	s.issuer = s.Issuer()
	v := &vendorSite{site: s}
	a := s.get(strings.TrimSuffix(s.issuer, "/") + "/.well-known/openid-configuration")
	if a.StatusCode != 200 {
		t.Fatalf("discovery: %s %s", a.Status, a.body)
	}
	v.document = s.object(a)
	if v.document["issuer"] != s.issuer {
		t.Fatalf("issuer %v, want %s", v.document["issuer"], s.issuer)
	}
	return v
}

func (v *vendorSite) endpoint(name string) string {
	v.t.Helper()
	address, ok := v.document[name].(string)
	if !ok {
		v.t.Fatalf("no %s in the discovery document", name)
	}
	return address
}

// code signs a person in and gives the code.
func (v *vendorSite) code(login string, changes ...string) string {
	v.t.Helper()
	b := v.browser()
	page := b.open(v.endpoint("authorization_endpoint") + "?" + authorizeQuery(changes...).Encode())
	response := b.response(b.press(page, "sign-in-"+login))
	if response.Get("code") == "" {
		v.t.Fatalf("no code but %v", response)
	}
	return response.Get("code")
}

func (v *vendorSite) post(form url.Values) *answer {
	v.t.Helper()
	r := v.request("POST", v.endpoint("token_endpoint"), form)
	r.SetBasicAuth(url.QueryEscape("app"), url.QueryEscape(appSecret))
	return v.send(bare, r)
}

// signedIn are the tokens of the code flow.
func (v *vendorSite) signedIn(login string, changes ...string) map[string]any {
	v.t.Helper()
	a := v.post(codeForm(v.code(login, changes...)))
	if a.StatusCode != 200 {
		v.t.Fatalf("token: %s %s", a.Status, a.body)
	}
	return v.object(a)
}

func (v *vendorSite) ownTokens(scope string) map[string]any {
	v.t.Helper()
	a := v.post(url.Values{"grant_type": {"client_credentials"}, "scope": {scope}})
	if a.StatusCode != 200 {
		v.t.Fatalf("token: %s %s", a.Status, a.body)
	}
	return v.object(a)
}

func (v *vendorSite) userInfo(tokens map[string]any) map[string]any {
	v.t.Helper()
	a := v.get(v.endpoint("userinfo_endpoint"), "Authorization", "Bearer "+tokens["access_token"].(string))
	if a.StatusCode != 200 {
		v.t.Fatalf("userinfo: %s %s (%s)", a.Status, a.body, a.Header.Get("Mock-Reason"))
	}
	return v.object(a)
}

// hasClaims holds claims to exactly these: a value, a regular expression, or
// nil for any.
func hasClaims(t testing.TB, what string, got, want map[string]any) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, expected := want[name]; !expected {
			t.Errorf("%s has %s: %v", what, name, got[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		value, there := got[name]
		if !there {
			t.Errorf("%s lacks %s", what, name)
			continue
		}
		switch expected := want[name].(type) {
		case nil:
		case *regexp.Regexp:
			if s, ok := value.(string); !ok || !expected.MatchString(s) {
				t.Errorf("%s: %s is %v, want %v", what, name, value, expected)
			}
		default:
			if !reflect.DeepEqual(value, expected) {
				t.Errorf("%s: %s is %#v, want %#v", what, name, value, expected)
			}
		}
	}
}

var (
	uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	long = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
)

// issuedAt is start as tokens have it.
var issuedAt = float64(start.Unix())

func (v *vendorSite) header(token any) map[string]any { return v.part(token, 0) }

// kids are the ids of the published keys that sign.
func (v *vendorSite) kids() []string {
	var kids []string
	for _, key := range v.keySet() {
		if key["use"] == "sig" {
			kids = append(kids, key["kid"].(string))
		}
	}
	return kids
}

func (v *vendorSite) keySet() []map[string]any {
	v.t.Helper()
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal([]byte(v.get(v.endpoint("jwks_uri")).body), &set); err != nil {
		v.t.Fatal(err)
	}
	return set.Keys
}

// Every address in the discovery document of every profile is served, and what
// a real client does with it works.
func TestProfilesWithGoOIDC(t *testing.T) {
	for _, spec := range []map[string]any{
		{"profile": "generic"}, {"profile": "keycloak"}, {"profile": "okta"}, {"profile": "okta", "server": "org"}, {"profile": "auth0"},
		{"profile": "entra"}, {"profile": "entra", "version": 1}, {"profile": "entra", "access_token_version": 1}, {"profile": "jumpcloud"},
	} {
		v := newVendor(t, spec)
		for name, value := range v.document {
			address, ok := value.(string)
			if !ok || name == "issuer" {
				continue
			}
			if a := v.get(address); a.StatusCode == 404 || strings.Contains(strings.TrimPrefix(address, v.host), "//") {
				t.Errorf("%v: %s leads to %s: %s", spec, name, address, a.Status)
			}
		}
		ctx := t.Context()
		provider, err := oidc.NewProvider(ctx, v.issuer)
		if err != nil {
			t.Errorf("%v: %v", spec, err)
			continue
		}
		config := oauth2.Config{ClientID: "app", ClientSecret: appSecret, Endpoint: provider.Endpoint(), RedirectURL: callback}
		token, err := config.Exchange(ctx, v.code("ada"), oauth2.VerifierOption(verifier))
		if err != nil {
			t.Errorf("%v: %v", spec, err)
			continue
		}
		raw, _ := token.Extra("id_token").(string)
		now := oidc.Config{ClientID: "app", Now: v.world.Clock.Now}
		verified, err := provider.Verifier(&now).Verify(ctx, raw)
		if err != nil {
			t.Errorf("%v: ID token: %v", spec, err)
			continue
		}
		if verified.AccessTokenHash != "" {
			if err := verified.VerifyAccessToken(token.AccessToken); err != nil {
				t.Errorf("%v: at_hash: %v", spec, err)
			}
		}
		info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil {
			t.Errorf("%v: userinfo: %v", spec, err)
			continue
		}
		if info.Subject != verified.Subject || info.Email != "ada@example.com" {
			t.Errorf("%v: userinfo of %s <%s>, ID token of %s", spec, info.Subject, info.Email, verified.Subject)
		}
	}
}

func TestKeycloakProfile(t *testing.T) {
	v := newVendor(t, map[string]any{"profile": "keycloak"})
	if v.issuer != v.host+"/realms/acme" {
		t.Errorf("issuer %s", v.issuer)
	}
	for name, path := range map[string]string{
		"authorization_endpoint": "/auth", "token_endpoint": "/token", "userinfo_endpoint": "/userinfo", "jwks_uri": "/certs",
		"revocation_endpoint": "/revoke", "end_session_endpoint": "/logout", "introspection_endpoint": "/token/introspect",
		"device_authorization_endpoint": "/auth/device", "pushed_authorization_request_endpoint": "/ext/par/request",
	} {
		if got := v.endpoint(name); got != v.issuer+"/protocol/openid-connect"+path {
			t.Errorf("%s: %s", name, got)
		}
	}
	// Default scopes apply though the request has openid alone.
	tokens := v.signedIn("ada", "scope", "openid")
	access, id := tokens["access_token"], tokens["id_token"]
	sub := idp.SubjectOf("ada")
	about := map[string]any{
		"sub": sub, "preferred_username": "ada", "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace",
		"email": "ada@example.com", "email_verified": true, "groups": []any{"/platform", "/ops"}, "department": "maths",
	}
	with := func(more map[string]any) map[string]any {
		all := maps.Clone(about)
		maps.Copy(all, more)
		return all
	}
	hasClaims(t, "access token", v.claims(access), with(map[string]any{
		"iss": v.issuer, "aud": "account", "azp": "app", "typ": "Bearer", "scope": "openid profile email", "sid": uuid,
		"auth_time": issuedAt, "iat": issuedAt, "exp": issuedAt + 300, "acr": "1", "jti": regexp.MustCompile(`^[a-z0-9]+:[0-9a-f-]{36}$`),
		"realm_access":    map[string]any{"roles": []any{"default-roles-acme", "offline_access", "uma_authorization"}},
		"resource_access": map[string]any{"account": map[string]any{"roles": []any{"manage-account", "manage-account-links", "view-profile"}}},
		"allowed-origins": []any{"http://app.example"},
	}))
	hasClaims(t, "ID token", v.claims(id), with(map[string]any{
		"iss": v.issuer, "aud": "app", "azp": "app", "typ": "ID", "sid": uuid, "auth_time": issuedAt, "iat": issuedAt, "exp": issuedAt + 300,
		"acr": "1", "jti": uuid, "nonce": "a nonce", "at_hash": nil,
	}))
	if v.claims(access)["sid"] != v.claims(id)["sid"] {
		t.Error("the sid differs")
	}
	hasClaims(t, "userinfo", v.userInfo(tokens), about)
	hasClaims(t, "token answer", tokens, map[string]any{
		"access_token": nil, "id_token": nil, "refresh_token": nil, "token_type": "Bearer", "expires_in": 300.0, "scope": "openid profile email",
		"refresh_expires_in": 1800.0, "not-before-policy": 0.0, "session_state": v.claims(id)["sid"],
	})
	if h := v.header(access); h["typ"] != "JWT" || h["alg"] != "RS256" || !long.MatchString(h["kid"].(string)) {
		t.Errorf("header %v", h)
	}
	use := map[any]int{}
	for _, key := range v.keySet() {
		use[key["use"]]++
	}
	if use["enc"] != 1 || use["sig"] == 0 {
		t.Errorf("uses of keys: %v", use)
	}
	// A used refresh token stays good.
	for range 2 {
		if a := v.post(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}}); a.StatusCode != 200 {
			t.Errorf("refresh: %s %s", a.Status, a.body)
		}
	}
	own := v.claims(v.ownTokens("")["access_token"])
	hasClaims(t, "service account", own, map[string]any{
		"iss": v.issuer, "sub": uuid, "aud": "account", "azp": "app", "typ": "Bearer", "scope": "", "iat": nil, "exp": nil, "jti": nil,
		"preferred_username": "service-account-app", "client_id": "app", "allowed-origins": nil, "realm_access": nil, "resource_access": nil,
	})
	realm := v.object(v.get(v.issuer))
	hasClaims(t, "realm", realm, map[string]any{
		"realm": "acme", "public_key": nil, "tokens-not-before": 0.0,
		"token-service": v.issuer + "/protocol/openid-connect", "account-service": v.issuer + "/account",
	})

	names := newVendor(t, map[string]any{"profile": "keycloak", "realm": "Other", "group_names": true})
	if groups := names.claims(names.signedIn("ada")["access_token"])["groups"]; !reflect.DeepEqual(groups, []any{"platform", "ops"}) {
		t.Errorf("group names: %v", groups)
	}
}

func TestKeycloakRefusals(t *testing.T) {
	v := newVendor(t, map[string]any{"profile": "keycloak"})
	for _, row := range []struct {
		form         url.Values
		secret       string
		status       int
		code, says   string
		ownReasonHas string
	}{
		{codeForm("nonsense"), appSecret, 400, "invalid_grant", "Code not valid", "never given out"},
		{url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"nonsense"}}, appSecret, 400, "invalid_grant", "Token is not active", "never given out"},
		{url.Values{"grant_type": {"password"}, "username": {"ada"}, "password": {"x"}}, appSecret, 401, "invalid_grant", "Invalid user credentials", "is wrong"},
		{codeForm("x"), "wrong", 401, "unauthorized_client", "Invalid client or Invalid client credentials", "secret of the client"},
	} {
		r := v.request("POST", v.endpoint("token_endpoint"), row.form)
		r.SetBasicAuth("app", url.QueryEscape(row.secret))
		a := v.send(bare, r)
		object := v.object(a)
		if a.StatusCode != row.status || object["error"] != row.code || object["error_description"] != row.says {
			t.Errorf("got %s %s, want %d %s %q", a.Status, a.body, row.status, row.code, row.says)
		}
		if reason := a.Header.Get("Mock-Reason"); !strings.Contains(reason, row.ownReasonHas) {
			t.Errorf("reason %q, want %q", reason, row.ownReasonHas)
		}
	}
}

func TestOktaProfile(t *testing.T) {
	v := newVendor(t, map[string]any{"profile": "okta"})
	if v.issuer != v.host+"/oauth2/default" || v.endpoint("authorization_endpoint") != v.issuer+"/v1/authorize" || v.endpoint("jwks_uri") != v.issuer+"/v1/keys" {
		t.Errorf("issuer %s, endpoints %v", v.issuer, v.document)
	}
	if a := v.get(v.issuer + "/.well-known/oauth-authorization-server"); a.StatusCode != 200 {
		t.Errorf("RFC 8414: %s", a.Status)
	}
	tokens := v.signedIn("ada", "scope", "openid profile email offline_access")
	user := regexp.MustCompile(`^00u[0-9a-z]{17}$`)
	hasClaims(t, "access token", v.claims(tokens["access_token"]), map[string]any{
		"ver": 1.0, "jti": regexp.MustCompile(`^AT\.`), "iss": v.issuer, "sub": "ada@example.com", "uid": user, "cid": "app",
		"aud": "api://default", "scp": []any{"openid", "profile", "email", "offline_access"}, "auth_time": issuedAt,
		"iat": issuedAt, "exp": issuedAt + 3600, "groups": []any{"platform", "ops"}, "department": "maths",
	})
	id := v.claims(tokens["id_token"])
	hasClaims(t, "ID token", id, map[string]any{
		"ver": 1.0, "jti": regexp.MustCompile(`^ID\.`), "iss": v.issuer, "sub": user, "aud": "app", "auth_time": issuedAt, "amr": []any{"pwd"},
		"idp": regexp.MustCompile(`^00o`), "name": "Ada Lovelace", "preferred_username": "ada@example.com", "email": "ada@example.com",
		"groups": []any{"platform", "ops"}, "iat": issuedAt, "exp": issuedAt + 3600, "sid": nil, "at_hash": nil, "nonce": "a nonce", "department": "maths",
	})
	hasClaims(t, "userinfo", v.userInfo(tokens), map[string]any{
		"sub": id["sub"], "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace", "preferred_username": "ada@example.com",
		"email": "ada@example.com", "email_verified": true, "groups": []any{"platform", "ops"}, "department": "maths",
	})
	if h := v.header(tokens["access_token"]); len(h) != 2 || h["alg"] != "RS256" || !long.MatchString(h["kid"].(string)) {
		t.Errorf("header %v", h)
	}
	// Refresh tokens: only with offline_access, and the same again.
	if _, given := v.signedIn("ada")["refresh_token"]; given {
		t.Error("a refresh token without offline_access")
	}
	for range 2 {
		a := v.post(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}})
		if a.StatusCode != 200 || v.object(a)["refresh_token"] != tokens["refresh_token"] {
			t.Errorf("refresh: %s %s", a.Status, a.body)
		}
	}
	hasClaims(t, "client's own", v.claims(v.ownTokens("x")["access_token"]), map[string]any{
		"ver": 1.0, "jti": nil, "iss": v.issuer, "sub": "app", "cid": "app", "aud": "api://default", "scp": []any{"x"}, "iat": nil, "exp": nil,
	})
	// Userinfo says no by header alone.
	a := v.get(v.endpoint("userinfo_endpoint"), "Authorization", "Bearer nonsense")
	if a.StatusCode != 401 || a.body != "" || !strings.Contains(a.Header.Get("WWW-Authenticate"), "invalid_token") {
		t.Errorf("userinfo: %s %q %q", a.Status, a.body, a.Header.Get("WWW-Authenticate"))
	}
}

// Whoever checks an access token of Okta's organisation finds no key for it,
// while Okta itself reads it.
func TestOktaOrgTokensCannotBeChecked(t *testing.T) {
	v := newVendor(t, map[string]any{"profile": "okta", "server": "org"})
	tokens := v.signedIn("ada")
	if kid := v.header(tokens["access_token"])["kid"].(string); slices.Contains(v.kids(), kid) {
		t.Error("the access token's key is published")
	}
	if kid := v.header(tokens["id_token"])["kid"].(string); !slices.Contains(v.kids(), kid) {
		t.Error("the ID token's key is not published")
	}
	if claims := v.claims(tokens["access_token"]); claims["groups"] != nil || claims["aud"] != v.issuer {
		t.Errorf("claims %v", claims)
	}
	if claims := v.claims(tokens["id_token"]); claims["groups"] == nil {
		t.Error("no groups in the ID token")
	}
	if v.endpoint("token_endpoint") != v.issuer+"/oauth2/v1/token" {
		t.Error(v.endpoint("token_endpoint"))
	}
	v.userInfo(tokens)
}

func TestAuth0Profile(t *testing.T) {
	v := newVendor(t, map[string]any{"profile": "auth0", "namespace": "https://acme.example"})
	if v.issuer != v.host+"/idp-acme/" || v.endpoint("token_endpoint") != v.issuer+"oauth/token" || v.endpoint("jwks_uri") != v.issuer+".well-known/jwks.json" {
		t.Errorf("issuer %s, endpoints %v", v.issuer, v.document)
	}
	v.client("app", map[string]any{
		"client_secret": appSecret, "redirect_uris": []any{callback}, "audience": []any{"https://console.acme.example"},
		"post_logout_redirect_uris": []any{"http://app.example/bye"},
		"grant_types":               []any{"authorization_code", "refresh_token", "client_credentials", "password"},
	})
	tokens := v.signedIn("ada", "scope", "openid profile email offline_access")
	sub := regexp.MustCompile(`^auth0\|[0-9a-f]{24}$`)
	groups := []any{"platform", "ops"}
	hasClaims(t, "access token", v.claims(tokens["access_token"]), map[string]any{
		"iss": v.issuer, "sub": sub, "aud": []any{"https://console.acme.example", v.issuer + "userinfo"}, "azp": "app",
		"scope": "openid profile email offline_access", "iat": issuedAt, "exp": issuedAt + 86400,
		"https://acme.example/email": "ada@example.com", "https://acme.example/groups": groups, "department": "maths",
	})
	hasClaims(t, "ID token", v.claims(tokens["id_token"]), map[string]any{
		"iss": v.issuer, "sub": sub, "aud": "app", "iat": issuedAt, "exp": issuedAt + 36000, "nickname": "ada", "name": "Ada Lovelace",
		"given_name": "Ada", "family_name": "Lovelace", "updated_at": "2031-05-06T07:08:09.000Z", "email": "ada@example.com", "email_verified": true,
		"sid": nil, "nonce": "a nonce", "https://acme.example/email": "ada@example.com", "https://acme.example/groups": groups, "department": "maths",
	})
	info := v.userInfo(tokens)
	if info["email"] != "ada@example.com" || info["email_verified"] != true || !reflect.DeepEqual(info["https://acme.example/groups"], groups) {
		t.Errorf("userinfo %v", info)
	}
	if h := v.header(tokens["access_token"]); h["typ"] != "JWT" || len(h["kid"].(string)) != 21 {
		t.Errorf("header %v", h)
	}
	if v.claims(v.signedIn("ada", "max_age", "60")["id_token"])["auth_time"] != issuedAt {
		t.Error("no auth_time with max_age")
	}
	// A refresh token that does not rotate is not answered again.
	for range 2 {
		a := v.post(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}})
		if _, given := v.object(a)["refresh_token"]; a.StatusCode != 200 || given {
			t.Errorf("refresh: %s %s", a.Status, a.body)
		}
	}
	own := v.claims(v.ownTokens("read:topics")["access_token"])
	hasClaims(t, "machine token", own, map[string]any{
		"iss": v.issuer, "sub": "app@clients", "aud": "https://console.acme.example", "azp": "app", "gty": "client-credentials", "scope": "read:topics", "iat": nil, "exp": nil,
	})
	// Names that are reserved are left out without a word.
	v.person("eve", map[string]any{"email": "eve@example.com", "claims": map[string]any{"roles": []any{"x"}, "groups": []any{"y"}, "tier": "gold"}})
	if claims := v.claims(v.signedIn("eve")["access_token"]); claims["roles"] != nil || claims["groups"] != nil || claims["tier"] != "gold" {
		t.Errorf("restricted claims: %v", claims)
	}
	at := newVendor(t, map[string]any{"profile": "auth0", "shape": map[string]any{"access_token_typ": "at+jwt", "access_token": "jwt"}})
	rfc := at.signedIn("ada")["access_token"]
	if claims := at.claims(rfc); claims["client_id"] != "app" || claims["jti"] == nil || claims["azp"] != nil || at.header(rfc)["typ"] != "at+jwt" {
		t.Errorf("RFC 9068 dialect: %v", claims)
	}
}

// Without an audience the access token is a JWE that its issuer alone reads.
func TestAuth0WithoutAudience(t *testing.T) {
	v := newVendor(t, map[string]any{"profile": "auth0"})
	tokens := v.signedIn("ada")
	parts := strings.Split(tokens["access_token"].(string), ".")
	if len(parts) != 5 || parts[1] != "" {
		t.Fatalf("no JWE: %s", tokens["access_token"])
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[0])
	var header map[string]any
	if err != nil || json.Unmarshal(raw, &header) != nil || header["alg"] != "dir" || header["enc"] != "A256GCM" || header["iss"] != v.issuer {
		t.Errorf("header %s", raw)
	}
	if v.userInfo(tokens)["email"] != "ada@example.com" {
		t.Error("userinfo")
	}
	for i := range parts {
		changed := slices.Clone(parts)
		changed[i] = flip(changed[i])
		a := v.get(v.endpoint("userinfo_endpoint"), "Authorization", "Bearer "+strings.Join(changed, "."))
		if a.StatusCode != 401 || a.body != "Unauthorized" {
			t.Errorf("part %d changed: %s %s", i, a.Status, a.body)
		}
	}
}

// flip changes the first character of a base64url text, or adds one.
func flip(s string) string {
	if s == "" {
		return "AA"
	}
	first := "A"
	if s[0] == 'A' {
		first = "B"
	}
	return first + s[1:]
}

func TestAuth0RefusalsAndLogout(t *testing.T) {
	v := newVendor(t, map[string]any{"profile": "auth0"})
	for _, row := range []struct {
		form   url.Values
		secret string
		status int
		code   string
	}{
		{codeForm("nonsense"), appSecret, 403, "invalid_grant"},
		{url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"nonsense"}}, appSecret, 403, "invalid_grant"},
		{url.Values{"grant_type": {"password"}, "username": {"ada"}, "password": {"x"}}, appSecret, 403, "invalid_grant"},
		{url.Values{"grant_type": {"client_credentials"}, "audience": {"https://nowhere.example"}}, appSecret, 403, "access_denied"},
		{codeForm("x"), "wrong", 401, "access_denied"},
	} {
		r := v.request("POST", v.endpoint("token_endpoint"), row.form)
		r.SetBasicAuth("app", url.QueryEscape(row.secret))
		if a := v.send(bare, r); a.StatusCode != row.status || v.object(a)["error"] != row.code {
			t.Errorf("%v: %s %s", row.form, a.Status, a.body)
		}
	}
	b := v.browser()
	page := b.open(v.endpoint("authorization_endpoint") + "?" + authorizeQuery().Encode())
	b.press(page, "sign-in-ada")
	logout := v.issuer + "v2/logout?client_id=app&returnTo="
	if a := b.open(logout + url.QueryEscape("http://elsewhere.example/")); a.StatusCode != 400 {
		t.Errorf("an address of nobody: %s", a.Status)
	}
	if a := b.open(logout + url.QueryEscape("http://app.example/bye")); a.StatusCode != 302 || a.Header.Get("Location") != "http://app.example/bye" {
		t.Errorf("logout: %s to %q", a.Status, a.Header.Get("Location"))
	}
	if page := b.open(v.endpoint("authorization_endpoint") + "?" + authorizeQuery().Encode()); page.StatusCode != 200 {
		t.Errorf("still signed in: %s", page.Status)
	}
}

const tenant = "8f1d7a3e-9b0c-4d5e-a6f7-0123456789ab"

func TestEntraV2Profile(t *testing.T) {
	v := newVendor(t, map[string]any{"profile": "entra", "tenant": tenant})
	base := v.host + "/" + tenant
	if v.issuer != base+"/v2.0" {
		t.Fatalf("issuer %s", v.issuer)
	}
	for name, address := range map[string]string{
		"authorization_endpoint": base + "/oauth2/v2.0/authorize", "token_endpoint": base + "/oauth2/v2.0/token",
		"jwks_uri": base + "/discovery/v2.0/keys", "end_session_endpoint": base + "/oauth2/v2.0/logout",
		"device_authorization_endpoint": base + "/oauth2/v2.0/devicecode",
	} {
		if v.endpoint(name) != address {
			t.Errorf("%s: %s", name, v.endpoint(name))
		}
	}
	for _, absent := range []string{"introspection_endpoint", "revocation_endpoint", "code_challenge_methods_supported"} {
		if v.document[absent] != nil {
			t.Errorf("%s is advertised", absent)
		}
	}
	if !reflect.DeepEqual(v.document["subject_types_supported"], []any{"pairwise"}) {
		t.Error(v.document["subject_types_supported"])
	}
	tokens := v.signedIn("ada", "scope", "openid profile email offline_access api://console/access_as_user")
	access, id := v.claims(tokens["access_token"]), v.claims(tokens["id_token"])
	groups := access["groups"].([]any)
	hasClaims(t, "access token", access, map[string]any{
		"aud": uuid, "iss": v.issuer, "iat": issuedAt, "nbf": issuedAt, "exp": issuedAt + 3599, "sub": long, "oid": uuid, "tid": tenant, "ver": "2.0",
		"azp": "app", "azpacr": "1", "scp": "access_as_user", "groups": nil, "preferred_username": "ada@example.com", "name": "Ada Lovelace",
		"uti": nil, "rh": nil, "aio": nil, "department": "maths",
	})
	hasClaims(t, "ID token", id, map[string]any{
		"aud": "app", "iss": v.issuer, "iat": issuedAt, "nbf": issuedAt, "exp": issuedAt + 3600, "sub": long, "oid": access["oid"], "tid": tenant, "ver": "2.0",
		"groups": access["groups"], "preferred_username": "ada@example.com", "email": "ada@example.com", "name": "Ada Lovelace",
		"uti": regexp.MustCompile(`^.{22}$`), "rh": nil, "aio": nil, "nonce": "a nonce", "department": "maths",
	})
	hasClaims(t, "userinfo", v.userInfo(tokens), map[string]any{
		"sub": id["sub"], "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace", "email": "ada@example.com",
	})
	for _, group := range groups {
		if !uuid.MatchString(group.(string)) {
			t.Errorf("group %v", group)
		}
	}
	again := newVendor(t, map[string]any{"profile": "entra", "tenant": tenant})
	if other := again.claims(again.signedIn("ada")["id_token"])["groups"]; !reflect.DeepEqual(other, any(groups)) {
		t.Errorf("object ids change: %v, %v", groups, other)
	}
	hasClaims(t, "token answer", tokens, map[string]any{
		"access_token": nil, "id_token": nil, "refresh_token": nil, "token_type": "Bearer", "scope": nil, "expires_in": 3599.0, "ext_expires_in": 3599.0,
	})
	if h := v.header(tokens["access_token"]); h["typ"] != "JWT" || len(h["kid"].(string)) != 27 {
		t.Errorf("header %v", h)
	}
	for _, key := range v.keySet() {
		if key["issuer"] != v.issuer {
			t.Errorf("key %v", key)
		}
	}
	// The sub differs at another client, the oid does not.
	v.client("other", map[string]any{"client_secret": "x", "redirect_uris": []any{callback}, "grant_types": []any{"password"}})
	r := v.request("POST", v.endpoint("token_endpoint"), url.Values{"grant_type": {"password"}, "username": {"ada"}, "password": {"engine"}, "client_id": {"other"}, "client_secret": {"x"}})
	elsewhere := v.claims(v.object(v.send(bare, r))["id_token"])
	if elsewhere["sub"] == id["sub"] || elsewhere["oid"] != id["oid"] {
		t.Errorf("sub %v and %v, oid %v and %v", elsewhere["sub"], id["sub"], elsewhere["oid"], id["oid"])
	}
	// An old refresh token stays good.
	for range 2 {
		if a := v.post(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}}); a.StatusCode != 200 {
			t.Errorf("refresh: %s %s", a.Status, a.body)
		}
	}
	own := v.claims(v.ownTokens("api://console/.default")["access_token"])
	if own["scp"] != nil || own["idtyp"] != "app" || own["sub"] != own["oid"] || own["preferred_username"] != nil {
		t.Errorf("app-only token %v", own)
	}
	// Asking for no API gives a token for Graph.
	if graph := v.claims(v.signedIn("ada")["access_token"]); graph["aud"] != "00000003-0000-0000-c000-000000000000" || !strings.Contains(graph["scp"].(string), "User.Read") {
		t.Errorf("token for Graph %v", graph)
	}
}

// A refresh token of Entra serves other scopes than those that were granted, as
// Backstage's microsoft module asks for those of Graph; not those that the client
// may not have.
func TestEntraRefreshesOtherScopes(t *testing.T) {
	const tenant = "6a3a5b9e-3c1e-4f7e-9d43-0c7a54d0c111"
	v := newVendor(t, map[string]any{"profile": "entra", "tenant": tenant})
	asked := func(scope string) *answer {
		tokens := v.signedIn("ada", "scope", "openid email offline_access api://console/read")
		return v.post(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}, "scope": {scope}})
	}
	a := asked("openid email User.Read offline_access")
	if a.StatusCode != 200 {
		t.Fatalf("%s %s", a.Status, a.body)
	}
	claims := v.claims(v.object(a)["access_token"])
	if claims["aud"] != "00000003-0000-0000-c000-000000000000" || claims["scp"] != "User.Read" {
		t.Errorf("aud %v, scp %v", claims["aud"], claims["scp"])
	}
	v.client("app", map[string]any{
		"client_secret": appSecret, "redirect_uris": []any{callback}, "scope": "openid email offline_access api://console/read",
	})
	if a := asked("openid User.Read"); a.StatusCode != 400 || v.object(a)["error"] != "invalid_scope" {
		t.Errorf("a scope that the client may not have: %s %s", a.Status, a.body)
	}
}

func TestEntraV1Profile(t *testing.T) {
	v := newVendor(t, map[string]any{"profile": "entra", "tenant": tenant, "version": 1})
	if v.issuer != v.host+"/"+tenant+"/" || v.endpoint("token_endpoint") != v.issuer+"oauth2/token" || v.endpoint("jwks_uri") != v.issuer+"discovery/keys" || v.endpoint("userinfo_endpoint") != v.issuer+"openid/userinfo" {
		t.Errorf("issuer %s, %v", v.issuer, v.document)
	}
	tokens := v.signedIn("ada", "scope", "openid profile api://console/read")
	hasClaims(t, "access token", v.claims(tokens["access_token"]), map[string]any{
		"aud": "api://console", "iss": v.issuer, "iat": issuedAt, "nbf": issuedAt, "exp": issuedAt + 3599, "sub": long, "oid": uuid, "tid": tenant, "ver": "1.0",
		"appid": "app", "appidacr": "1", "scp": "read", "groups": nil, "upn": "ada@example.com", "unique_name": "ada@example.com", "name": "Ada Lovelace",
		"given_name": "Ada", "family_name": "Lovelace", "acr": "1", "amr": []any{"pwd"}, "uti": nil, "rh": nil, "aio": nil, "department": "maths",
	})
	hasClaims(t, "ID token", v.claims(tokens["id_token"]), map[string]any{
		"aud": "app", "iss": v.issuer, "iat": issuedAt, "nbf": issuedAt, "exp": issuedAt + 3600, "sub": long, "oid": uuid, "tid": tenant, "ver": "1.0",
		"groups": nil, "upn": "ada@example.com", "unique_name": "ada@example.com", "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace",
		"amr": []any{"pwd"}, "uti": nil, "rh": nil, "aio": nil, "nonce": "a nonce", "department": "maths",
	})
	if tokens["expires_in"] != "3599" || tokens["resource"] != "api://console" {
		t.Errorf("token answer %v", tokens)
	}
	if h := v.header(tokens["access_token"]); h["x5t"] != h["kid"] {
		t.Errorf("header %v", h)
	}
}

// A token of version 1 from the endpoint of version 2: the ID token follows the
// endpoint, the access token the API, and its issuer has a document of its own.
func TestEntraAccessTokenVersion(t *testing.T) {
	v := newVendor(t, map[string]any{"profile": "entra", "tenant": tenant, "access_token_version": 1})
	tokens := v.signedIn("ada", "scope", "openid profile api://console/read")
	access, id := v.claims(tokens["access_token"]), v.claims(tokens["id_token"])
	older := v.host + "/" + tenant + "/"
	if access["iss"] != older || access["ver"] != "1.0" || access["appid"] != "app" || access["azp"] != nil || id["iss"] != v.issuer || id["ver"] != "2.0" {
		t.Errorf("access token of %v %v, ID token of %v %v", access["iss"], access["ver"], id["iss"], id["ver"])
	}
	v.userInfo(tokens)
	provider, err := oidc.NewProvider(t.Context(), older)
	if err != nil {
		t.Fatal(err)
	}
	checks := oidc.Config{ClientID: "api://console", Now: v.world.Clock.Now}
	if _, err := provider.Verifier(&checks).Verify(t.Context(), tokens["access_token"].(string)); err != nil {
		t.Error(err)
	}
}

func TestEntraGroupsOverage(t *testing.T) {
	v := newVendor(t, map[string]any{"profile": "entra", "tenant": tenant})
	var many []any
	for i := range 201 {
		many = append(many, "g"+string(rune('a'+i%26))+strings.Repeat("x", i/26))
	}
	v.person("eve", map[string]any{"email": "eve@example.com", "groups": many})
	v.person("max", map[string]any{"email": "max@example.com", "groups": many[:200]})
	if groups := v.claims(v.signedIn("max")["access_token"])["groups"].([]any); len(groups) != 200 {
		t.Errorf("%d groups", len(groups))
	}
	tokens := v.signedIn("eve")
	access := v.claims(tokens["access_token"])
	sources, _ := access["_claim_sources"].(map[string]any)
	source, _ := sources["src1"].(map[string]any)
	endpoint, _ := source["endpoint"].(string)
	if access["groups"] != nil || !reflect.DeepEqual(access["_claim_names"], map[string]any{"groups": "src1"}) || !strings.HasSuffix(endpoint, "/users/"+access["oid"].(string)+"/getMemberObjects") {
		t.Fatalf("overage %v", access)
	}
	a := v.get(endpoint, "Authorization", "Bearer "+tokens["access_token"].(string))
	if list, _ := v.object(a)["value"].([]any); len(list) != 201 {
		t.Errorf("%s: %d groups", a.Status, len(list))
	}
	if a := v.get(endpoint, "Authorization", "Bearer "+v.signedIn("max")["access_token"].(string)); a.StatusCode != 403 {
		t.Errorf("somebody else's groups: %s", a.Status)
	}
	if a := v.get(endpoint); a.StatusCode != 401 {
		t.Errorf("without token: %s", a.Status)
	}
}

func TestEntraRefusals(t *testing.T) {
	v := newVendor(t, map[string]any{"profile": "entra"})
	a := v.post(codeForm("nonsense"))
	object := v.object(a)
	description, _ := object["error_description"].(string)
	if a.StatusCode != 400 || object["error"] != "invalid_grant" || !strings.HasPrefix(description, "AADSTS70008: ") || !strings.Contains(description, "\r\nCorrelation ID: ") {
		t.Errorf("%s %s", a.Status, a.body)
	}
	hasClaims(t, "refusal", object, map[string]any{
		"error": nil, "error_description": nil, "error_codes": []any{70008.0}, "timestamp": "2031-05-06 07:08:09Z", "trace_id": uuid, "correlation_id": uuid, "error_uri": nil,
	})
	r := v.request("POST", v.endpoint("token_endpoint"), codeForm("x"))
	r.SetBasicAuth("app", "wrong")
	if a := v.send(bare, r); a.StatusCode != 401 || !strings.Contains(a.body, "AADSTS7000215") {
		t.Errorf("%s %s", a.Status, a.body)
	}
}

func TestJumpCloudProfile(t *testing.T) {
	v := newVendor(t, map[string]any{"profile": "jumpcloud"})
	if v.issuer != v.host+"/idp-acme/" || v.endpoint("authorization_endpoint") != v.issuer+"oauth2/auth" || v.endpoint("end_session_endpoint") != v.issuer+"oauth2/sessions/logout" {
		t.Errorf("issuer %s, %v", v.issuer, v.document)
	}
	tokens := v.signedIn("bob", "scope", "openid profile email offline_access")
	if access := tokens["access_token"].(string); !strings.HasPrefix(access, "ory_at_") || strings.Contains(access, ".") {
		t.Errorf("access token %s", access)
	}
	sub := regexp.MustCompile(`^[0-9a-f]{24}$`)
	id := v.claims(tokens["id_token"])
	hasClaims(t, "ID token", id, map[string]any{
		"iss": v.issuer, "sub": sub, "aud": []any{"app"}, "auth_time": issuedAt, "iat": issuedAt, "exp": issuedAt + 3600, "rat": issuedAt,
		"jti": uuid, "sid": uuid, "at_hash": nil, "nonce": "a nonce", "email": "bob@example.com", "email_verified": true, "groups": "readers",
	})
	hasClaims(t, "userinfo", v.userInfo(tokens), map[string]any{
		"iss": v.issuer, "sub": id["sub"], "aud": []any{"app"}, "auth_time": issuedAt, "iat": issuedAt, "rat": issuedAt,
		"email": "bob@example.com", "email_verified": true, "groups": "readers",
	})
	ada := v.claims(v.signedIn("ada")["id_token"])
	if !reflect.DeepEqual(ada["groups"], []any{"platform", "ops"}) || ada["given_name"] != "Ada" || ada["family_name"] != "Lovelace" {
		t.Errorf("several groups: %v", ada)
	}
	v.person("eve", map[string]any{"email": "eve@example.com"})
	if groups, there := v.claims(v.signedIn("eve")["id_token"])["groups"]; there {
		t.Errorf("no groups: %v", groups)
	}
	a := v.post(codeForm("nonsense"))
	hasClaims(t, "refusal", v.object(a), map[string]any{
		"error": "invalid_grant", "error_description": nil, "error_hint": nil, "error_verbose": nil, "status_code": 400.0,
	})
	// A refresh token that is used is spent.
	refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}}
	if a := v.post(refresh); a.StatusCode != 200 {
		t.Errorf("refresh: %s %s", a.Status, a.body)
	}
	if a := v.post(refresh); a.StatusCode != 400 {
		t.Errorf("refresh again: %s %s", a.Status, a.body)
	}
}

// Revocation, introspection and logout read the tokens of every profile back.
func TestProfilesReadTheirTokensBack(t *testing.T) {
	for _, spec := range []map[string]any{
		{"profile": "keycloak"}, {"profile": "okta"}, {"profile": "okta", "server": "org"}, {"profile": "auth0"},
		{"profile": "auth0", "shape": map[string]any{"access_token": "jwt"}}, {"profile": "jumpcloud"},
	} {
		v := newVendor(t, spec)
		tokens := v.signedIn("ada")
		v.userInfo(tokens)
		if address, there := v.document["introspection_endpoint"].(string); there {
			r := v.request("POST", address, url.Values{"token": {tokens["access_token"].(string)}})
			r.SetBasicAuth("app", url.QueryEscape(appSecret))
			if about := v.object(v.send(bare, r)); about["active"] != true || about["username"] != "ada" || !strings.Contains(about["scope"].(string), "openid") {
				t.Errorf("%v: introspection %v", spec, about)
			}
		}
		r := v.request("POST", v.endpoint("revocation_endpoint"), url.Values{"token": {tokens["access_token"].(string)}})
		r.SetBasicAuth("app", url.QueryEscape(appSecret))
		if a := v.send(bare, r); a.StatusCode != 200 {
			t.Errorf("%v: revocation %s %s", spec, a.Status, a.body)
		}
		if a := v.get(v.endpoint("userinfo_endpoint"), "Authorization", "Bearer "+tokens["access_token"].(string)); a.StatusCode != 401 {
			t.Errorf("%v: a revoked token gets %s", spec, a.Status)
		}
		if a := v.get(v.endpoint("userinfo_endpoint"), "Authorization", "Bearer "+tokens["id_token"].(string)); a.StatusCode != 401 {
			t.Errorf("%v: an ID token gets %s at userinfo", spec, a.Status)
		}
		hint := authorizeQuery("prompt", "none", "id_token_hint", tokens["access_token"].(string)).Encode()
		if response := v.response(v.get(v.endpoint("authorization_endpoint") + "?" + hint)); response.Get("error") != "invalid_request" {
			t.Errorf("%v: an access token as hint gets %v", spec, response)
		}
		b := v.browser()
		page := b.open(v.endpoint("authorization_endpoint") + "?" + authorizeQuery().Encode())
		code := b.response(b.press(page, "sign-in-ada")).Get("code")
		id := v.object(v.post(codeForm(code)))["id_token"].(string)
		logout := v.endpoint("end_session_endpoint") + "?" + url.Values{"id_token_hint": {id}, "post_logout_redirect_uri": {"http://app.example/bye"}, "state": {"s"}}.Encode()
		if a := b.open(logout); a.StatusCode != 302 || a.Header.Get("Location") != "http://app.example/bye?state=s" {
			t.Errorf("%v: logout %s to %q", spec, a.Status, a.Header.Get("Location"))
		}
	}
}
