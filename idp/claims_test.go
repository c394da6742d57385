package idp_test

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/mockduktor/mockduktor/idp"
)

// OpenID Connect Core 1.0, section 5.5: single claims, whatever the scope.
func TestOIDCCore5ClaimsParameter(t *testing.T) {
	s := newSite(t)
	asked := func(claims string, more ...string) (id, info map[string]any) {
		t.Helper()
		tokens := s.redeem(s.browser().signIn("ada", append([]string{"scope", "openid", "claims", claims}, more...)...))
		if access := s.claims(tokens["access_token"]); access["email"] != nil || access["name"] != nil {
			t.Errorf("%s: the access token has %v", claims, access)
		}
		// The refreshed ID token has them too.
		again := s.tokens(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}})
		id = s.claims(tokens["id_token"])
		if got := s.claims(again["id_token"]); got["email"] != id["email"] || got["name"] != id["name"] {
			t.Errorf("%s: refreshed %v, first %v", claims, got, id)
		}
		return id, s.object(s.userInfo(tokens["access_token"]))
	}
	id, info := asked(`{"id_token":{"email":null,"auth_time":{"essential":true}},"userinfo":{"name":{"essential":true},"unheard_of":null}}`)
	if id["email"] != "ada@example.com" || id["name"] != nil || id["auth_time"] == nil || info["name"] != "Ada Lovelace" || info["email"] != nil {
		t.Errorf("ID token %v, userinfo %v", id, info)
	}
	id, _ = asked(`{"id_token":{"email":{"value":"other@example.com"},"name":{"values":["x","Ada Lovelace"]},"iss":{"value":"x"}}}`)
	if id["email"] != nil || id["name"] != "Ada Lovelace" || id["iss"] != s.issuer {
		t.Errorf("by value: %v", id)
	}
	for _, broken := range []string{"x", "[]", "null", `"x"`, `{"id_token":[]}`, `{"id_token":{"email":true}}`} {
		if got := s.response(s.browser().authorize("claims", broken)); got.Get("error") != "invalid_request" || !strings.Contains(got.Get("error_description"), "claims") {
			t.Errorf("%s: %v", broken, got)
		}
	}
	// A value of sub asks for that person (section 5.5.1).
	b := s.browser()
	b.signIn("ada")
	wish := func(login string) string { return `{"id_token":{"sub":{"value":"` + idp.SubjectOf(login) + `"}}}` }
	if got := s.response(b.authorize("claims", wish("ada"), "prompt", "none")); got.Get("code") == "" {
		t.Errorf("the person signed in: %v", got)
	}
	if got := s.response(b.authorize("claims", wish("bob"), "prompt", "none")); got.Get("error") != "login_required" {
		t.Errorf("another person: %v", got)
	}
	page := b.authorize("claims", wish("bob"))
	if a := b.press(page, "sign-in-ada"); a.StatusCode != 403 {
		t.Errorf("the wrong person chosen: %s", a.Status)
	}
	if got := s.response(b.press(page, "sign-in-bob")); got.Get("code") == "" {
		t.Errorf("the right person chosen: %v", got)
	}
	if got := s.response(b.authorize("claims", `{"id_token":{"sub":{"values":["a","b"]}}}`)); got.Get("error") != "invalid_request" {
		t.Errorf("two people: %v", got)
	}
}

// OpenID Connect Core 1.0, sections 2, 3.1.2.1 and 5.5.1.1, and RFC 9470.
func TestOIDCCore5ACR(t *testing.T) {
	s := newSite(t, func(c *idp.Config) { c.ACRValues = []string{"loa1", "loa2", "loa3"} })
	if got := s.object(s.get(s.issuer + "/.well-known/openid-configuration"))["acr_values_supported"]; !reflect.DeepEqual(got, []any{"loa1", "loa2", "loa3"}) {
		t.Errorf("acr_values_supported %v", got)
	}
	b := s.browser()
	check := func(response url.Values, acr string, amr ...any) {
		t.Helper()
		tokens := s.redeem(response)
		for _, token := range []any{tokens["id_token"], tokens["access_token"]} {
			if claims := s.claims(token); claims["acr"] != acr || !reflect.DeepEqual(claims["amr"], amr) {
				t.Errorf("acr %v amr %v, want %s %v", claims["acr"], claims["amr"], acr, amr)
			}
		}
	}
	check(b.signIn("ada"), "loa1", "pwd")
	essential := `{"id_token":{"acr":{"essential":true,"values":["loa3","loa2"]}}}`
	// A session that does not reach it signs in again, silently or not at all.
	check(s.response(b.authorize("acr_values", "loa2", "prompt", "none")), "loa1", "pwd")
	if got := s.response(b.authorize("claims", essential, "prompt", "none")); got.Get("error") != "login_required" {
		t.Errorf("essential and silent: %v", got)
	}
	page := b.authorize("acr_values", "unheard loa2 loa1x")
	check(s.response(b.press(page, "sign-in-ada")), "loa2", "pwd", "otp", "mfa")
	// Reached, so there is no question any more.
	check(s.response(b.authorize("claims", essential)), "loa2", "pwd", "otp", "mfa")
	check(s.response(b.authorize("acr_values", "unheard")), "loa2", "pwd", "otp", "mfa")
	if got := s.response(b.authorize("claims", `{"id_token":{"acr":{"essential":true,"value":"unheard"}}}`)); got.Get("error") != "unmet_authentication_requirements" {
		t.Errorf("cannot be met: %v", got)
	}
	if got := s.response(b.authorize("claims", `{"id_token":{"acr":{"value":"unheard"}}}`)); got.Get("code") == "" {
		t.Errorf("cannot be met, not essential: %v", got)
	}
	s.person("eve", map[string]any{"claims": map[string]any{"acr": "phr", "amr": []any{"hwk"}}})
	check(s.browser().signIn("eve"), "phr", "hwk")
}

// OpenID Connect Core 1.0, section 8.
func TestOIDCCore8PairwiseSubjects(t *testing.T) {
	s := newSite(t)
	for id, uri := range map[string]string{"one": "http://one.example/cb", "twin": "http://one.example:81/cb", "two": "http://two.example/cb"} {
		s.client(id, map[string]any{"client_secret": "x", "redirect_uris": []any{uri}, "subject_type": "pairwise"})
	}
	s.client("rs", map[string]any{"client_secret": "x", "grant_types": []any{"client_credentials"}})
	b := s.browser()
	b.signIn("ada")
	subOf := func(id, uri string) (sub, hint string) {
		t.Helper()
		form := codeForm(s.response(b.authorize("client_id", id, "redirect_uri", uri)).Get("code"))
		form.Set("redirect_uri", uri)
		tokens := s.good(s.post("/token", id, "x", form))
		sub = s.claims(tokens["id_token"])["sub"].(string)
		info := s.object(s.userInfo(tokens["access_token"]))
		refreshed := s.good(s.post("/token", id, "x", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}}))
		if info["sub"] != sub || s.claims(tokens["access_token"])["sub"] != sub || s.claims(refreshed["id_token"])["sub"] != sub || s.introspect(tokens["access_token"])["sub"] != sub {
			t.Errorf("%s: the sub differs: %v", id, info)
		}
		return sub, tokens["id_token"].(string)
	}
	one, hint := subOf("one", "http://one.example/cb")
	twin, _ := subOf("twin", "http://one.example:81/cb")
	two, _ := subOf("two", "http://two.example/cb")
	if one != twin || one == two || one == idp.SubjectOf("ada") || len(one) != 36 {
		t.Errorf("one %s, twin %s, two %s", one, twin, two)
	}
	if got := s.response(b.authorize("client_id", "one", "redirect_uri", "http://one.example/cb", "id_token_hint", hint, "prompt", "none")); got.Get("code") == "" {
		t.Errorf("as a hint: %v", got)
	}
	if a := b.open(s.issuer + "/logout?id_token_hint=" + hint); !strings.Contains(text(a.body), "You are signed out") {
		t.Errorf("as a hint at logout: %s", text(a.body))
	}
}

// OpenID Connect Core 1.0, section 5.3.2; PS256 with the key of RS256.
func TestOIDCCore5SignedUserInfo(t *testing.T) {
	rsa := mustGenerate(t, "RS256")
	keys, err := idp.NewKeys([]idp.SigningKey{rsa})
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, func(c *idp.Config) { c.Keys = keys })
	s.client("app", map[string]any{
		"client_secret": "s3cret+/%", "redirect_uris": []any{callback}, "userinfo_signed_response_alg": "PS256",
		"id_token_signed_response_alg": "PS256", "access_token_signed_response_alg": "RS256",
	})
	tokens := s.redeem(s.browser().signIn("ada"))
	a := s.userInfo(tokens["access_token"])
	if a.StatusCode != 200 || a.Header.Get("Content-Type") != "application/jwt" || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%s %v %s", a.Status, a.Header, a.body)
	}
	set, err := jwk.Parse([]byte(s.get(s.issuer + "/jwks").body))
	if err != nil {
		t.Fatal(err)
	}
	if set.Len() != 2 {
		t.Errorf("%d keys", set.Len())
	}
	for token, alg := range map[string]jwa.SignatureAlgorithm{a.body: jwa.PS256, tokens["id_token"].(string): jwa.PS256, tokens["access_token"].(string): jwa.RS256} {
		if _, err := jws.Verify([]byte(token), jws.WithKeySet(set)); err != nil || s.part(token, 0)["alg"] != alg.String() {
			t.Errorf("%s: %v %v", alg, s.part(token, 0), err)
		}
	}
	claims := s.claims(a.body)
	if claims["iss"] != s.issuer || claims["aud"] != "app" || claims["email"] != "ada@example.com" || claims["sub"] != idp.SubjectOf("ada") {
		t.Errorf("%v", claims)
	}
	listed := s.object(s.get(s.issuer + "/.well-known/openid-configuration"))["userinfo_signing_alg_values_supported"]
	if !reflect.DeepEqual(listed, []any{"RS256", "PS256"}) {
		t.Errorf("listed %v", listed)
	}
	s.refused(s.userInfo(a.body), 401, "invalid_token", "")
}

// RFC 9068, sections 2.1 and 2.2.
func TestRFC9068AccessToken(t *testing.T) {
	s := newSite(t)
	s.client("app", map[string]any{"client_secret": "s3cret+/%", "redirect_uris": []any{callback}, "access_token_typ": "at+jwt"})
	access := s.redeem(s.browser().signIn("ada"))["access_token"]
	claims := s.claims(access)
	for _, name := range []string{"iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope", "auth_time", "acr", "amr", "groups"} {
		if claims[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
	if s.part(access, 0)["typ"] != "at+jwt" {
		t.Errorf("typ %v", s.part(access, 0)["typ"])
	}
}

// RFC 9207, section 2: iss in every answer, errors too.
func TestRFC9207Issuer(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	for _, got := range []url.Values{b.signIn("ada"), s.response(b.authorize("scope", `"`)), s.response(s.browser().authorize("prompt", "none"))} {
		if got.Get("iss") != s.issuer {
			t.Errorf("iss %q in %v", got.Get("iss"), got)
		}
	}
}

// Bounded state: what was kept for a while is gone once it is over.
func TestRecordsExpire(t *testing.T) {
	s := newSite(t)
	s.deviceClient()
	key := newSigner(t, "ES256")
	records := func() (n int) {
		for _, kind := range []string{"assertion", "device", "usercode", "grant", "pending", "proof", "pushed", "revoked"} {
			for range s.world.View().Records("idp." + kind) {
				n++
			}
		}
		return n
	}
	s.client("job", map[string]any{"jwks": key.jwks(), "grant_types": []any{"client_credentials"}})
	claims := map[string]any{"iss": "job", "sub": "job", "aud": s.issuer, "exp": start.Unix() + 60, "jti": "x"}
	s.good(s.post("/token", "", "", assertionForm(key.sign("JWT", claims)), "DPoP", s.proof(key, "POST", "/token")))
	s.newDevice(url.Values{})
	s.good(s.push(authorizeQuery()))
	s.browser().authorize()
	if records() != 6 {
		t.Errorf("%d records", records())
	}
	s.advance(2 * time.Hour)
	s.tokens(clientCredentials)
	s.newDevice(url.Values{})
	if records() != 2 {
		t.Errorf("%d records after two hours", records())
	}
}
