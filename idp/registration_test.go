package idp_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/idp"
)

func withRegistration(c *idp.Config) { c.DynamicRegistration = true }

func (s *site) registration(method, address, token string, metadata any) *answer {
	s.t.Helper()
	body, err := json.Marshal(metadata)
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := http.NewRequest(method, address, strings.NewReader(string(body)))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return s.send(bare, r)
}

func TestRFC7591Registration(t *testing.T) {
	off := newSite(t)
	if a := off.registration("POST", off.issuer+"/register", "", map[string]any{}); a.StatusCode != 404 {
		t.Errorf("without the switch: %s", a.Status)
	}
	s := newSite(t, withRegistration)
	endpoint, _ := s.object(s.get(s.issuer + "/.well-known/openid-configuration"))["registration_endpoint"].(string)
	if endpoint != s.issuer+"/register" {
		t.Fatalf("registration_endpoint %q", endpoint)
	}
	metadata := map[string]any{
		"client_name": "Self", "redirect_uris": []any{callback}, "grant_types": []any{"authorization_code", "refresh_token"},
		"response_types": []any{"code"}, "logo_uri": "http://app.example/logo.png", "sign_in_as": "ada",
	}
	a := s.registration("POST", endpoint, "", metadata)
	got := s.good(a)
	if a.StatusCode != 201 || a.Header.Get("Cache-Control") != "no-store" || got["client_id"] == "" || got["client_secret"] == "" || got["client_secret_expires_at"] != 0.0 ||
		got["client_id_issued_at"] != float64(start.Unix()) || got["token_endpoint_auth_method"] != "client_secret_basic" || got["client_name"] != "Self" ||
		!reflect.DeepEqual(got["response_types"], []any{"code"}) || got["logo_uri"] != nil || got["sign_in_as"] != nil {
		t.Fatalf("%s %s", a.Status, a.body)
	}
	id, secret := got["client_id"].(string), got["client_secret"].(string)
	code := s.browser().signIn("ada", "client_id", id).Get("code")
	tokens := s.good(s.post("/token", id, secret, codeForm(code)))
	if s.claims(tokens["id_token"])["aud"] != id || tokens["refresh_token"] == nil {
		t.Errorf("%v", tokens)
	}
	s.refused(s.post("/token", id, "wrong", codeForm(code)), 401, "invalid_client", "wrong")

	// A public client gets no secret and has to use PKCE.
	public := s.good(s.registration("POST", endpoint, "", map[string]any{"redirect_uris": []any{callback}, "token_endpoint_auth_method": "none"}))
	if public["client_secret"] != nil || !reflect.DeepEqual(public["grant_types"], []any{"authorization_code"}) {
		t.Errorf("%v", public)
	}
	if got := s.response(s.browser().authorize("client_id", public["client_id"].(string), "code_challenge", "", "code_challenge_method", "")); got.Get("error") != "invalid_request" {
		t.Errorf("without PKCE: %v", got)
	}
	key := newSigner(t, "ES256")
	machine := s.good(s.registration("POST", endpoint, "", map[string]any{"grant_types": []any{"client_credentials"}, "token_endpoint_auth_method": "private_key_jwt", "jwks": key.jwks()}))
	who := machine["client_id"].(string)
	s.good(s.post("/token", "", "", assertionForm(key.sign("JWT", map[string]any{"iss": who, "sub": who, "aud": s.issuer, "exp": start.Unix() + 60}))))

	for words, c := range map[string]struct {
		metadata any
		code     string
	}{
		"redirect_uris[0] is not absolute": {map[string]any{"redirect_uris": []any{"/x"}}, "invalid_redirect_uri"},
		"redirect_uris is missing":         {map[string]any{}, "invalid_redirect_uri"},
		"redirect_uris must be a list":     {map[string]any{"redirect_uris": "x"}, "invalid_redirect_uri"},
		"grant_types[0]":                   {map[string]any{"grant_types": []any{"implicit"}}, "invalid_client_metadata"},
		"response_types has":               {map[string]any{"redirect_uris": []any{callback}, "response_types": []any{"token"}}, "invalid_client_metadata"},
		"jwks_uri":                         {map[string]any{"redirect_uris": []any{callback}, "jwks_uri": "http://x.example/"}, "invalid_client_metadata"},
		"none of the redirect_uris":        {map[string]any{"redirect_uris": []any{callback}, "backchannel_logout_uri": "http://internal.example/"}, "invalid_client_metadata"},
		"must be a JSON object":            {[]any{}, "invalid_client_metadata"},
	} {
		s.refused(s.registration("POST", endpoint, "", c.metadata), 400, c.code, words)
	}
	s.refused(s.post("/register", "", "", url.Values{}), 400, "invalid_client_metadata", "application/json")
}

func TestRFC7592Management(t *testing.T) {
	s := newSite(t, withRegistration)
	first := s.good(s.registration("POST", s.issuer+"/register", "", map[string]any{"redirect_uris": []any{callback}, "client_name": "One"}))
	other := s.good(s.registration("POST", s.issuer+"/register", "", map[string]any{"redirect_uris": []any{callback}}))
	uri, token, id := first["registration_client_uri"].(string), first["registration_access_token"].(string), first["client_id"].(string)
	if got := s.good(s.registration("GET", uri, token, nil)); !reflect.DeepEqual(got, first) {
		t.Errorf("read %v, want %v", got, first)
	}
	for _, wrong := range []string{"", "x", other["registration_access_token"].(string), first["client_secret"].(string)} {
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			s.refused(s.registration(method, uri, wrong, map[string]any{}), 401, "invalid_token", "registration_access_token")
		}
	}
	change := map[string]any{"client_id": id, "redirect_uris": []any{callback, "http://app.example/second"}, "client_secret": first["client_secret"]}
	got := s.good(s.registration("PUT", uri, token, change))
	if got["client_name"] != nil || len(got["redirect_uris"].([]any)) != 2 || got["client_secret"] != first["client_secret"] {
		t.Errorf("replaced: %v", got)
	}
	s.refused(s.registration("PUT", uri, token, with(change, "client_id", "x")), 400, "invalid_request", "client_id")
	s.refused(s.registration("PUT", uri, token, with(change, "client_secret", "mine")), 400, "invalid_request", "cannot be chosen")
	s.refused(s.registration("PUT", uri, token, with(change, "registration_access_token", token)), 400, "invalid_request", "must not be sent")
	s.refused(s.registration("PUT", uri, token, with(change, "redirect_uris", []any{"x"})), 400, "invalid_redirect_uri", "")
	if a := s.browser().authorize("client_id", id, "redirect_uri", "http://app.example/second"); a.StatusCode != 200 {
		t.Errorf("the second address: %s", a.Status)
	}
	if a := s.registration("DELETE", uri, token, nil); a.StatusCode != 204 || a.body != "" {
		t.Errorf("%s %s", a.Status, a.body)
	}
	s.refused(s.registration("GET", uri, token, nil), 401, "invalid_token", "not registered any more")
	if a := s.browser().authorize("client_id", id); a.StatusCode != 400 {
		t.Errorf("a deleted client: %s", a.Status)
	}
}

// The number of clients is bounded, and one deleted makes room.
func TestRegistrationIsBounded(t *testing.T) {
	s := newSite(t, withRegistration)
	var last map[string]any
	for range 1000 {
		last = s.good(s.registration("POST", s.issuer+"/register", "", map[string]any{"redirect_uris": []any{callback}}))
	}
	s.refused(s.registration("POST", s.issuer+"/register", "", map[string]any{"redirect_uris": []any{callback}}), 503, "server_error", "1000 clients")
	s.registration("DELETE", last["registration_client_uri"].(string), last["registration_access_token"].(string), nil)
	s.good(s.registration("POST", s.issuer+"/register", "", map[string]any{"redirect_uris": []any{callback}}))
}
