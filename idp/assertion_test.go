package idp_test

import (
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/mockduktor/mockduktor/idp"
)

const (
	bearerGrant   = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

func assertionForm(token string, more ...string) url.Values {
	form := url.Values{"grant_type": {"client_credentials"}, "client_assertion": {token}, "client_assertion_type": {assertionType}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

// RFC 7523, section 3, and OpenID Connect Core 1.0, section 9.
func TestRFC7523ClientAuthentication(t *testing.T) {
	s := newSite(t)
	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		key := newSigner(t, alg)
		s.client("job", map[string]any{"jwks": key.jwks(), "grant_types": []any{"client_credentials"}})
		claims := map[string]any{"iss": "job", "sub": "job", "aud": s.issuer, "exp": start.Unix() + 60, "iat": start.Unix(), "jti": alg}
		if got := s.good(s.post("/token", "", "", assertionForm(key.sign("JWT", claims)))); s.claims(got["access_token"])["sub"] != "job" {
			t.Errorf("%s: %v", alg, got)
		}
		s.refused(s.post("/token", "", "", assertionForm(key.sign("JWT", claims))), 401, "invalid_client", "jti was used before")
	}
	key, stranger := newSigner(t, "ES256"), newSigner(t, "ES256")
	s.client("job", map[string]any{"jwks": key.jwks(), "token_endpoint_auth_method": "private_key_jwt", "grant_types": []any{"client_credentials"}})
	n := 0
	claims := func(changes ...any) map[string]any {
		n++
		good := map[string]any{"iss": "job", "sub": "job", "aud": []any{"x", s.issuer + "/token"}, "exp": start.Unix() + 60, "jti": strconv.Itoa(n)}
		return with(good, changes...)
	}
	for name, token := range map[string]string{
		"its exp is more than an hour ahead": key.sign("JWT", claims("exp", start.Unix()+7200)),
		"it has expired":                     key.sign("JWT", claims("exp", start.Unix())),
		"exp is missing":                     key.sign("JWT", claims("exp", nil)),
		"its aud must be":                    key.sign("JWT", claims("aud", "https://elsewhere.example")),
		"its nbf is in the future":           key.sign("JWT", claims("nbf", start.Unix()+120)),
		"its iat is in the future":           key.sign("JWT", claims("iat", start.Unix()+120)),
		"iss and sub":                        key.sign("JWT", claims("iss", "app")),
		"not signed by one of the jwks":      stranger.sign("JWT", claims()),
		"no JWT of three parts":              "rubbish",
		"there is no client":                 key.sign("JWT", claims("sub", "nobody")),
		"must use private_key_jwt":           hs256("x", `{"alg":"HS256"}`, `{"iss":"job","sub":"job"}`),
		"crit": key.sign("JWT", claims(), func(h jws.Headers) {
			if err := h.Set("crit", []string{"b64"}); err != nil {
				t.Fatal(err)
			}
		}),
		"no client credentials": encode(`{"alg":"none"}`) + "." + encode(`{}`) + ".",
	} {
		s.refused(s.post("/token", "", "", assertionForm(token)), 401, "invalid_client", name)
	}
	s.refused(s.post("/token", "", "", assertionForm(encode(`{"alg":"none"}`)+"."+encode(`{"iss":"job","sub":"job","exp":99999999999}`)+".")), 401, "invalid_client", "not signed by one")
	s.refused(s.post("/token", "", "", assertionForm(key.sign("JWT", claims("exp", nil, "EXP", start.Unix()+60)))), 401, "invalid_client", "exp is missing")
	s.refused(s.post("/token", "", "", assertionForm(key.sign("JWT", claims()), "client_id", "app")), 401, "invalid_client", "two different clients")
	s.refused(s.post("/token", "", "", assertionForm(key.sign("JWT", claims()), "client_id", "job", "client_secret", "x")), 400, "invalid_request", "one of them")
	s.refused(s.post("/token", "job", "x", assertionForm(key.sign("JWT", claims()))), 400, "invalid_request", "one of them")
	s.refused(s.post("/token", "", "", assertionForm(key.sign("JWT", claims()), "client_assertion_type", "x")), 401, "invalid_client", "client_assertion_type must be")
	s.refused(s.post("/token", "", "", assertionForm("")), 401, "invalid_client", "client_assertion is missing")
	s.refused(s.post("/token", "", "", url.Values{"grant_type": {"client_credentials"}, "client_id": {"job"}}), 401, "invalid_client", "must send a client_assertion")
	s.refused(s.post("/token", "", "", assertionForm(key.sign("JWT", claims("iss", "spa", "sub", "spa")))), 401, "invalid_client", "is public")
	// A library without jti works, and the other endpoints take it too.
	token := key.sign("JWT", claims("jti", nil))
	for range 2 {
		s.good(s.post("/token", "", "", assertionForm(token)))
		s.good(s.post("/introspect", "", "", assertionForm(token, "token", "x")))
	}
}

func TestRFC7523ClientSecretJWT(t *testing.T) {
	s := newSite(t)
	payload := func(client, jti string) string {
		return `{"iss":"` + client + `","sub":"` + client + `","aud":"` + s.issuer + `","exp":` + strconv.FormatInt(start.Unix()+60, 10) + `,"jti":"` + jti + `"}`
	}
	s.good(s.post("/token", "", "", assertionForm(hs256("s3cret+/%", `{"alg":"HS256"}`, payload("app", "1")))))
	s.refused(s.post("/token", "", "", assertionForm(hs256("wrong", `{"alg":"HS256"}`, payload("app", "2")))), 401, "invalid_client", "not signed with HS256")
	s.refused(s.post("/token", "", "", assertionForm(hs256("s3cret+/%", `{"alg":"HS512"}`, payload("app", "3")))), 401, "invalid_client", "not signed with HS256")
	s.client("pinned", map[string]any{"client_secret": "x", "token_endpoint_auth_method": "client_secret_jwt", "grant_types": []any{"client_credentials"}})
	s.good(s.post("/token", "", "", assertionForm(hs256("x", `{"alg":"HS256"}`, payload("pinned", "4")))))
	s.refused(s.post("/token", "pinned", "x", url.Values{"grant_type": {"client_credentials"}}), 401, "invalid_client", "must use client_secret_jwt")
	// The public key as an HMAC secret (RFC 8725, section 2.1).
	key := newSigner(t, "RS256")
	s.client("job", map[string]any{"jwks": key.jwks(), "grant_types": []any{"client_credentials"}})
	s.refused(s.post("/token", "", "", assertionForm(hs256(pemOf(t, key.key), `{"alg":"HS256"}`, payload("job", "5")))), 401, "invalid_client", "not signed with HS256")
}

func TestRFC7523BearerGrant(t *testing.T) {
	s := newSite(t)
	key, stranger := newSigner(t, "RS256"), newSigner(t, "RS256")
	s.client("robot", map[string]any{"jwks": key.jwks(), "grant_types": []any{bearerGrant, "client_credentials"}})
	n := 0
	claims := func(changes ...any) map[string]any {
		n++
		return with(map[string]any{"iss": "robot", "sub": "ada", "aud": s.issuer + "/token", "exp": start.Unix() + 3600, "jti": strconv.Itoa(n)}, changes...)
	}
	ask := func(token string) *answer {
		return s.post("/token", "", "", url.Values{"grant_type": {bearerGrant}, "assertion": {token}, "scope": {"openid email"}})
	}
	for _, sub := range []string{"ada", "ada@example.com", idp.SubjectOf("ada")} {
		got := s.good(ask(key.sign("JWT", claims("sub", sub))))
		access := s.claims(got["access_token"])
		if access["sub"] != idp.SubjectOf("ada") || access["client_id"] != "robot" || got["refresh_token"] != nil || access["auth_time"] != nil || s.claims(got["id_token"])["email"] != "ada@example.com" {
			t.Errorf("%s: %v %v", sub, got, access)
		}
		if a := s.userInfo(got["access_token"]); a.StatusCode != 200 {
			t.Errorf("userinfo %s", a.body)
		}
	}
	if got := s.good(ask(key.sign("JWT", claims("sub", "robot")))); s.claims(got["access_token"])["sub"] != "robot" || got["id_token"] != nil {
		t.Errorf("for itself: %v", got)
	}
	for words, token := range map[string]string{
		"is nobody's login": key.sign("JWT", claims("sub", "nobody")),
		"sub is missing":    key.sign("JWT", claims("sub", nil)),
		"is no client":      key.sign("JWT", claims("iss", "nobody")),
		"client 'robot'":    stranger.sign("JWT", claims()),
		"has expired":       key.sign("JWT", claims("exp", start.Unix()-1)),
		"aud must be":       key.sign("JWT", claims("aud", "x")),
		"three parts":       "rubbish",
	} {
		s.refused(ask(token), 400, "invalid_grant", words)
	}
	once := key.sign("JWT", claims())
	s.good(ask(once))
	s.refused(ask(once), 400, "invalid_grant", "jti was used before")
	s.person("eve", map[string]any{"disabled": true})
	s.refused(ask(key.sign("JWT", claims("sub", "eve"))), 400, "invalid_grant", "disabled")
	s.refused(s.post("/token", "", "", url.Values{"grant_type": {bearerGrant}}), 401, "invalid_client", "no client credentials")

	// A token of this issuer, made for the client: on behalf of.
	s.client("api", map[string]any{"client_secret": "x", "grant_types": []any{bearerGrant}})
	s.client("web", map[string]any{"client_secret": "x", "redirect_uris": []any{callback}, "audience": []any{"api", "other"}})
	web, err := s.Mint(t.Context(), idp.MintRequest{Login: "ada", ClientID: "web", Audience: []string{"api"}})
	if err != nil {
		t.Fatal(err)
	}
	other, err := s.Mint(t.Context(), idp.MintRequest{Login: "ada", ClientID: "web", Audience: []string{"other"}})
	if err != nil {
		t.Fatal(err)
	}
	behalf := func(token string) *answer {
		return s.post("/token", "api", "x", url.Values{"grant_type": {bearerGrant}, "assertion": {token}})
	}
	if got := s.claims(s.good(behalf(web.AccessToken))["access_token"]); got["sub"] != idp.SubjectOf("ada") || got["client_id"] != "api" {
		t.Errorf("on behalf of: %v", got)
	}
	s.refused(behalf(other.AccessToken), 400, "invalid_grant", "aud must be")
	s.refused(ask(web.AccessToken), 400, "invalid_grant", "needs client credentials")
	s.refused(s.post("/token", "app", "s3cret+/%", url.Values{"grant_type": {bearerGrant}, "assertion": {web.AccessToken}}), 400, "unauthorized_client", "")
	s.refused(behalf(key.sign("JWT", claims())), 400, "invalid_grant", "has no jwks")
	s.advance(2 * time.Hour)
	s.refused(behalf(web.AccessToken), 400, "invalid_grant", "expired")
}
