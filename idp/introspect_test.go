package idp_test

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

func (s *site) introspect(token any) map[string]any {
	s.t.Helper()
	return s.good(s.post("/introspect", "rs", "x", url.Values{"token": {token.(string)}}))
}

// inactive holds to section 2.2: false and nothing else.
func (s *site) inactive(name string, got map[string]any) {
	s.t.Helper()
	if !reflect.DeepEqual(got, map[string]any{"active": false}) {
		s.t.Errorf("%s: %v", name, got)
	}
}

func TestRFC7662Introspection(t *testing.T) {
	s := newSite(t)
	s.client("rs", map[string]any{"client_secret": "x", "grant_types": []any{"client_credentials"}})
	b := s.browser()
	tokens := s.redeem(b.signIn("ada"))
	access, refresh := tokens["access_token"].(string), tokens["refresh_token"].(string)
	got := s.introspect(access)
	now := float64(start.Unix())
	for name, want := range map[string]any{
		"active": true, "scope": "openid profile email", "client_id": "app", "username": "ada", "token_type": "Bearer", "exp": now + 3600, "iat": now,
		"sub": s.claims(access)["sub"], "aud": "app", "iss": s.issuer, "jti": s.claims(access)["jti"], "acr": "1",
	} {
		if !reflect.DeepEqual(got[name], want) {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	own := s.tokens(url.Values{"grant_type": {"client_credentials"}})["access_token"]
	if got := s.introspect(own); got["active"] != true || got["sub"] != "app" || got["username"] != nil {
		t.Errorf("a client's own: %v", got)
	}
	// A refresh token is for its own client to ask about, whatever the hint.
	for _, hint := range []string{"refresh_token", "access_token"} {
		got = s.good(s.post("/introspect", "app", "s3cret+/%", url.Values{"token": {refresh}, "token_type_hint": {hint}}))
		if got["active"] != true || got["exp"] != now+30*24*3600 || got["token_type"] != nil || got["username"] != "ada" || got["client_id"] != "app" {
			t.Errorf("refresh token: %v", got)
		}
	}
	s.inactive("another's refresh token", s.introspect(refresh))
	s.inactive("an ID token", s.introspect(tokens["id_token"]))
	s.inactive("rubbish", s.introspect("rubbish"))
	s.inactive("a changed token", s.introspect(access[:len(access)-20]+changed(access[len(access)-20:])))

	// The caller must authenticate (section 2.1).
	form := url.Values{"token": {access}}
	s.refused(s.post("/introspect", "", "", form), 401, "invalid_client", "no client credentials")
	s.refused(s.post("/introspect", "rs", "wrong", form), 401, "invalid_client", "wrong")
	s.refused(s.post("/introspect", "", "", url.Values{"token": {access}, "client_id": {"spa"}}), 401, "invalid_client", "public")
	s.refused(s.post("/introspect", "", "", url.Values{"token": {access}, "client_id": {"app"}}), 401, "invalid_client", "none was sent")
	s.refused(s.post("/introspect", "rs", "x", url.Values{}), 400, "invalid_request", "token is missing")
	if a := s.get(s.issuer + "/introspect?token=" + access); a.StatusCode != 405 {
		t.Errorf("GET: %s", a.Status)
	}

	s.person("ada", map[string]any{"disabled": true})
	s.inactive("of a disabled person", s.introspect(access))
	s.inactive("refresh token of a disabled person", s.good(s.post("/introspect", "app", "s3cret+/%", url.Values{"token": {refresh}})))
	s.person("ada", map[string]any{})
	rotated := s.tokens(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
	s.inactive("a used refresh token", s.good(s.post("/introspect", "app", "s3cret+/%", url.Values{"token": {refresh}})))
	if s.introspect(access)["active"] != true {
		t.Error("asking about a used refresh token ended the grant")
	}
	s.post("/revoke", "app", "s3cret+/%", url.Values{"token": {rotated["refresh_token"].(string)}})
	s.inactive("revoked", s.introspect(access))
	access = s.redeem(s.browser().signIn("bob"))["access_token"].(string)
	s.advance(time.Hour)
	s.inactive("expired", s.introspect(access))
}

// An opaque access token is understood here and nowhere else.
func TestOpaqueAccessTokens(t *testing.T) {
	s := newSite(t)
	s.client("rs", map[string]any{"client_secret": "x", "grant_types": []any{"client_credentials"}})
	s.client("app", map[string]any{
		"client_secret": "s3cret+/%", "redirect_uris": []any{callback}, "access_token_format": "opaque",
		"grant_types": []any{"authorization_code", "refresh_token", "client_credentials"},
	})
	tokens := s.redeem(s.browser().signIn("ada"))
	access := tokens["access_token"].(string)
	if strings.Contains(access, ".") || tokens["expires_in"] != 3600.0 {
		t.Fatalf("%v", tokens)
	}
	if a := s.userInfo(access); a.StatusCode != 200 || s.object(a)["email"] != "ada@example.com" {
		t.Errorf("userinfo: %s", a.body)
	}
	if got := s.introspect(access); got["active"] != true || got["username"] != "ada" || got["exp"] != float64(start.Unix()+3600) || got["aud"] != "app" {
		t.Errorf("introspection: %v", got)
	}
	if got := s.introspect(s.tokens(url.Values{"grant_type": {"client_credentials"}})["access_token"]); got["active"] != true || got["sub"] != "app" {
		t.Errorf("a client's own: %v", got)
	}
	s.refused(s.userInfo(changed(access)), 401, "invalid_token", "")
	s.refused(s.userInfo(tokens["refresh_token"]), 401, "invalid_token", "no JWT")
	if a := s.post("/revoke", "app", "s3cret+/%", url.Values{"token": {access}}); a.StatusCode != 200 {
		t.Errorf("revocation: %s", a.body)
	}
	s.refused(s.userInfo(access), 401, "invalid_token", "revoked")
	s.inactive("revoked", s.introspect(access))
	access = s.redeem(s.browser().signIn("ada"))["access_token"].(string)
	s.advance(time.Hour)
	s.refused(s.userInfo(access), 401, "invalid_token", "expired")
	s.inactive("expired", s.introspect(access))
}
