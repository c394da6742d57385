package idp_test

import (
	"encoding/base64"
	"net/url"
	"testing"
)

// What passport-okta-oauth sends, a colon after the scheme, is good at Okta's
// shape and nowhere else.
func TestOktaBasicWithColon(t *testing.T) {
	for profile, status := range map[string]int{"okta": 200, "generic": 401, "keycloak": 401} {
		v := newVendor(t, map[string]any{"profile": profile})
		v.client("app", map[string]any{"client_secret": "x", "grant_types": []any{"client_credentials"}})
		for scheme, want := range map[string]int{"Basic:": status, "Basic": 200, "Basic::": 401, "Bearer:": 401} {
			r := v.request("POST", v.endpoint("token_endpoint"), url.Values{"grant_type": {"client_credentials"}, "scope": {"reports"}})
			r.Header.Set("Authorization", scheme+" "+base64.StdEncoding.EncodeToString([]byte("app:x")))
			if a := v.send(bare, r); a.StatusCode != want {
				t.Errorf("%s, %s: %s %s, want %d", profile, scheme, a.Status, a.body, want)
			}
		}
	}
}

// RFC 6750, section 2.3: a token in the address of userinfo is good at Auth0's
// shape, where passport-auth0 has it, and nowhere else.
func TestAuth0TokenInAddress(t *testing.T) {
	for profile, status := range map[string]int{"auth0": 200, "generic": 401, "okta": 401} {
		v := newVendor(t, map[string]any{"profile": profile})
		access := v.signedIn("ada")["access_token"].(string)
		address := v.endpoint("userinfo_endpoint") + "?access_token=" + url.QueryEscape(access)
		a := v.get(address)
		if a.StatusCode != status {
			t.Errorf("%s: %s %s, want %d", profile, a.Status, a.body, status)
		}
		if status != 200 {
			continue
		}
		if a.Header.Get("Cache-Control") != "no-store" || v.object(a)["email"] != "ada@example.com" {
			t.Errorf("%s: %v %s", profile, a.Header, a.body)
		}
		for name, wrong := range map[string]*answer{
			"twice":           v.get(address + "&access_token=x"),
			"header as well":  v.get(address, "Authorization", "Bearer "+access),
			"by POST":         v.send(bare, v.request("POST", address, url.Values{})),
			"not one of ours": v.get(v.endpoint("userinfo_endpoint") + "?access_token=x"),
		} {
			if wrong.StatusCode != 400 && wrong.StatusCode != 401 {
				t.Errorf("%s: %s %s", name, wrong.Status, wrong.body)
			}
		}
	}
}
