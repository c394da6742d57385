package idp_test

import (
	"net/url"
	"reflect"
	"testing"
	"time"
)

const exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"

func tokenType(name string) string { return "urn:ietf:params:oauth:token-type:" + name }

func (s *site) exchangeClient() {
	s.client("gateway", map[string]any{
		"client_secret": "x", "grant_types": []any{exchangeGrant, "refresh_token", "client_credentials"},
		"audience": []any{"https://console.example", "https://other.example"}, "scope": "openid email reports",
	})
}

func (s *site) exchange(changes ...string) *answer {
	s.t.Helper()
	form := url.Values{"grant_type": {exchangeGrant}, "subject_token_type": {tokenType("access_token")}}
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
	}
	return s.post("/token", "gateway", "x", form)
}

func TestRFC8693TokenTypes(t *testing.T) {
	s := newSite(t)
	s.exchangeClient()
	tokens := s.redeem(s.browser().signIn("ada"))
	access, id := tokens["access_token"].(string), tokens["id_token"].(string)
	for name, c := range map[string]struct{ token, kind string }{
		"access": {access, "access_token"}, "ID": {id, "id_token"}, "access as JWT": {access, "jwt"}, "ID as JWT": {id, "jwt"},
	} {
		got := s.good(s.exchange("subject_token", c.token, "subject_token_type", tokenType(c.kind), "audience", "https://console.example"))
		claims := s.claims(got["access_token"])
		if got["issued_token_type"] != tokenType("access_token") || got["token_type"] != "Bearer" || got["refresh_token"] != nil || got["id_token"] != nil {
			t.Errorf("%s: %v", name, got)
		}
		if claims["sub"] != s.claims(id)["sub"] || claims["client_id"] != "gateway" || claims["aud"] != "https://console.example" || claims["act"] != nil || claims["auth_time"] != s.claims(id)["auth_time"] {
			t.Errorf("%s: %v", name, claims)
		}
		if !reflect.DeepEqual(claims["groups"], []any{"platform", "ops"}) {
			t.Errorf("%s: groups %v", name, claims["groups"])
		}
		if a := s.userInfo(got["access_token"]); c.kind == "access_token" && a.StatusCode != 200 {
			t.Errorf("%s: userinfo %s", name, a.body)
		}
	}
	// What may be asked for.
	got := s.good(s.exchange("subject_token", access, "requested_token_type", tokenType("id_token")))
	if claims := s.claims(got["access_token"]); got["token_type"] != "N_A" || got["issued_token_type"] != tokenType("id_token") || claims["aud"] != "gateway" || claims["client_id"] != nil {
		t.Errorf("ID token: %v %v", got, claims)
	}
	got = s.good(s.exchange("subject_token", access, "requested_token_type", tokenType("refresh_token")))
	if got["token_type"] != "N_A" || got["issued_token_type"] != tokenType("refresh_token") {
		t.Errorf("refresh token: %v", got)
	}
	again := s.good(s.post("/token", "gateway", "x", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got["access_token"].(string)}}))
	got = s.good(s.exchange("subject_token", again["refresh_token"].(string), "subject_token_type", tokenType("refresh_token"), "requested_token_type", tokenType("jwt")))
	if got["issued_token_type"] != tokenType("jwt") || s.claims(got["access_token"])["preferred_username"] != nil {
		t.Errorf("from a refresh token: %v", got)
	}
}

func TestRFC8693Actor(t *testing.T) {
	s := newSite(t)
	s.exchangeClient()
	access := s.redeem(s.browser().signIn("ada"))["access_token"].(string)
	own := s.good(s.post("/token", "gateway", "x", url.Values{"grant_type": {"client_credentials"}}))["access_token"].(string)
	got := s.good(s.exchange("subject_token", access, "actor_token", own, "actor_token_type", tokenType("access_token")))
	act, _ := s.claims(got["access_token"])["act"].(map[string]any)
	if act["sub"] != "gateway" || act["act"] != nil {
		t.Errorf("act %v", act)
	}
	// Who acted before stands inside (section 4.1).
	bob := s.redeem(s.browser().signIn("bob"))["access_token"].(string)
	got = s.good(s.exchange("subject_token", got["access_token"].(string), "actor_token", bob, "actor_token_type", tokenType("access_token")))
	act, _ = s.claims(got["access_token"])["act"].(map[string]any)
	inner, _ := act["act"].(map[string]any)
	if act["sub"] != s.claims(bob)["sub"] || inner["sub"] != "gateway" {
		t.Errorf("chain %v", act)
	}
	// Without another actor the chain goes along.
	got = s.good(s.exchange("subject_token", got["access_token"].(string)))
	if kept, _ := s.claims(got["access_token"])["act"].(map[string]any); !reflect.DeepEqual(kept, act) {
		t.Errorf("kept %v, want %v", kept, act)
	}
	for range 8 {
		got = s.good(s.exchange("subject_token", got["access_token"].(string), "actor_token", bob, "actor_token_type", tokenType("access_token")))
	}
	s.refused(s.exchange("subject_token", got["access_token"].(string), "actor_token", bob, "actor_token_type", tokenType("access_token")), 400, "invalid_request", "longer than 10")
	s.refused(s.exchange("subject_token", access, "actor_token_type", tokenType("jwt")), 400, "invalid_request", "without actor_token")
	s.refused(s.exchange("subject_token", access, "actor_token", own), 400, "invalid_request", "actor_token_type is missing")
	s.refused(s.exchange("subject_token", access, "actor_token", "x", "actor_token_type", tokenType("jwt")), 400, "invalid_grant", "actor_token:")
	// may_act (section 4.4).
	s.person("eve", map[string]any{"claims": map[string]any{"may_act": map[string]any{"sub": "gateway"}}})
	eve := s.redeem(s.browser().signIn("eve"))["access_token"].(string)
	s.good(s.exchange("subject_token", eve, "actor_token", own, "actor_token_type", tokenType("access_token")))
	s.refused(s.exchange("subject_token", eve, "actor_token", bob, "actor_token_type", tokenType("access_token")), 400, "invalid_grant", "may_act")
}

func TestRFC8693Refusals(t *testing.T) {
	s := newSite(t)
	s.exchangeClient()
	tokens := s.redeem(s.browser().signIn("ada"))
	access := tokens["access_token"].(string)
	for _, c := range []struct {
		changes     []string
		code, words string
	}{
		{nil, "invalid_request", "subject_token is missing"},
		{[]string{"subject_token", access, "subject_token_type", ""}, "invalid_request", "subject_token_type is missing"},
		{[]string{"subject_token", access, "subject_token_type", tokenType("saml2")}, "invalid_request", "there are urn"},
		{[]string{"subject_token", access, "requested_token_type", tokenType("saml2")}, "invalid_request", "requested_token_type"},
		{[]string{"subject_token", access, "subject_token_type", tokenType("id_token")}, "invalid_grant", "it is an access token"},
		{[]string{"subject_token", tokens["id_token"].(string)}, "invalid_grant", "this is an ID token"},
		{[]string{"subject_token", tokens["refresh_token"].(string), "subject_token_type", tokenType("refresh_token")}, "invalid_grant", "another client"},
		{[]string{"subject_token", "rubbish", "subject_token_type", tokenType("refresh_token")}, "invalid_grant", "never given out"},
		{[]string{"subject_token", "a.b.c"}, "invalid_grant", "header"},
		{[]string{"subject_token", access, "audience", "https://third.example"}, "invalid_target", "https://console.example"},
		{[]string{"subject_token", access, "scope", "reports"}, "invalid_scope", "was not granted"},
		{[]string{"subject_token", access, "scope", "profile"}, "invalid_scope", "may not ask"},
	} {
		s.refused(s.exchange(c.changes...), 400, c.code, c.words)
	}
	if got := s.good(s.exchange("subject_token", access, "scope", "email")); got["scope"] != "email" {
		t.Errorf("scope %v", got["scope"])
	}
	if got := s.good(s.exchange("subject_token", access)); got["scope"] != "openid email" {
		t.Errorf("scope without profile, which the client may not have: %v", got["scope"])
	}
	form := url.Values{"grant_type": {exchangeGrant}, "subject_token": {access}, "subject_token_type": {tokenType("access_token")}}
	s.refused(s.tokenRequest(form), 400, "unauthorized_client", "may not use")
	// A client's own token is for that client alone.
	other := s.tokens(url.Values{"grant_type": {"client_credentials"}})["access_token"].(string)
	s.refused(s.exchange("subject_token", other), 400, "invalid_grant", "the client 'app' itself")

	// The new token ends with the grant of the old one.
	got := s.good(s.exchange("subject_token", access))["access_token"]
	s.post("/revoke", "app", "s3cret+/%", url.Values{"token": {tokens["refresh_token"].(string)}})
	s.refused(s.userInfo(got), 401, "invalid_token", "revoked")
	s.refused(s.exchange("subject_token", access), 400, "invalid_grant", "revoked")
	tokens = s.redeem(s.browser().signIn("ada"))
	s.advance(time.Hour)
	s.refused(s.exchange("subject_token", tokens["access_token"].(string)), 400, "invalid_grant", "expired")
	s.refused(s.exchange("subject_token", tokens["id_token"].(string), "subject_token_type", tokenType("id_token")), 400, "invalid_grant", "expired")
}
