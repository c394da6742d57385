package idp_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

func (s *site) deviceClient() {
	s.client("tv", map[string]any{"client_name": "The TV", "grant_types": []any{deviceGrant, "refresh_token"}})
}

func (s *site) newDevice(form url.Values) map[string]any {
	s.t.Helper()
	form.Set("client_id", "tv")
	return s.good(s.post("/device_authorization", "", "", form))
}

func (s *site) poll(device map[string]any) *answer {
	s.t.Helper()
	return s.post("/token", "", "", url.Values{"grant_type": {deviceGrant}, "client_id": {"tv"}, "device_code": {device["device_code"].(string)}})
}

func TestRFC8628Answer(t *testing.T) {
	s := newSite(t)
	s.deviceClient()
	a := s.post("/device_authorization", "", "", url.Values{"client_id": {"tv"}})
	device := s.good(a)
	code, _ := device["user_code"].(string)
	if !regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`).MatchString(code) {
		t.Errorf("user_code %q", code)
	}
	if device["verification_uri"] != s.issuer+"/device" || device["verification_uri_complete"] != s.issuer+"/device?user_code="+code ||
		device["expires_in"] != 600.0 || device["interval"] != 5.0 || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s %v", a.body, a.Header)
	}
	s.refused(s.post("/device_authorization", "app", "s3cret+/%", url.Values{}), 400, "unauthorized_client", "device_code")
	s.refused(s.post("/device_authorization", "app", "wrong", url.Values{}), 401, "invalid_client", "wrong")
	s.refused(s.post("/device_authorization", "", "", url.Values{"client_id": {"tv"}, "scope": {`a"b`}}), 400, "invalid_scope", "")
	s.refused(s.post("/device_authorization", "", "", url.Values{"client_id": {"tv"}, "audience": {"other"}}), 400, "invalid_target", "")
}

func TestRFC8628Polling(t *testing.T) {
	s := newSite(t)
	s.deviceClient()
	device := s.newDevice(url.Values{})
	s.refused(s.poll(device), 400, "authorization_pending", "nobody has answered")
	s.advance(4 * time.Second)
	s.refused(s.poll(device), 400, "slow_down", "10s")
	s.advance(6 * time.Second)
	s.refused(s.poll(device), 400, "slow_down", "15s")
	s.advance(15 * time.Second)
	s.refused(s.poll(device), 400, "authorization_pending", "")
	s.advance(10 * time.Minute)
	s.refused(s.poll(device), 400, "expired_token", "expired after 10m0s")
	s.advance(time.Hour)
	s.refused(s.poll(device), 400, "expired_token", "")
	s.refused(s.poll(map[string]any{"device_code": "rubbish"}), 400, "invalid_grant", "never given out")
	s.refused(s.poll(map[string]any{"device_code": ""}), 400, "invalid_request", "device_code is missing")
	s.client("other", map[string]any{"grant_types": []any{deviceGrant}})
	device = s.newDevice(url.Values{})
	s.refused(s.post("/token", "", "", url.Values{"grant_type": {deviceGrant}, "client_id": {"other"}, "device_code": {device["device_code"].(string)}}), 400, "invalid_grant", "another client")
}

func TestRFC8628Page(t *testing.T) {
	s := newSite(t)
	s.deviceClient()
	for name, choose := range map[string]func(*browser, *answer) *answer{
		"one click": func(b *browser, page *answer) *answer { return b.press(page, "sign-in-ada") },
		"password": func(b *browser, page *answer) *answer {
			return b.press(page, "sign-in", "login", "ada", "password", "engine")
		},
		"signed in already": func(b *browser, page *answer) *answer {
			b.signIn("ada")
			return b.press(b.open(page.Request.URL.String()), "continue")
		},
	} {
		device := s.newDevice(url.Values{"scope": {"openid email"}})
		code := device["user_code"].(string)
		b := s.browser()
		// The code typed, in small letters and without the hyphen.
		form := b.open(device["verification_uri"].(string))
		page := b.press(form, "next", "user_code", strings.ToLower(strings.ReplaceAll(code, "-", " ")))
		if page.StatusCode != 200 || byTestID(t, page.body, "user-code") != code || byTestID(t, page.body, "client") != "The TV" {
			t.Fatalf("%s: %s %s", name, page.Status, text(page.body))
		}
		s.refused(s.poll(device), 400, "authorization_pending", "")
		done := choose(b, page)
		if done.StatusCode != 200 || !strings.Contains(byTestID(t, done.body, "done"), "The TV is signed in") {
			t.Fatalf("%s: %s %s", name, done.Status, text(done.body))
		}
		tokens := s.good(s.poll(device))
		if s.claims(tokens["id_token"])["preferred_username"] != nil || s.claims(tokens["id_token"])["email"] != "ada@example.com" || tokens["refresh_token"] == nil {
			t.Errorf("%s: %v", name, tokens)
		}
		if a := s.userInfo(tokens["access_token"]); a.StatusCode != 200 {
			t.Errorf("%s: userinfo %s", name, a.body)
		}
		s.good(s.post("/token", "", "", url.Values{"grant_type": {"refresh_token"}, "client_id": {"tv"}, "refresh_token": {tokens["refresh_token"].(string)}}))
		s.refused(s.poll(device), 400, "invalid_grant", "used before")
		// The code is of no more use, and who signed in stays so.
		if again := b.open(device["verification_uri_complete"].(string)); again.StatusCode != 404 || byTestID(t, again.body, "alert") == "" {
			t.Errorf("%s: the code again: %s", name, again.Status)
		}
		if s.response(b.authorize("prompt", "none")).Get("code") == "" {
			t.Errorf("%s: not signed in at the issuer", name)
		}
	}
}

func TestRFC8628RefusedAndForged(t *testing.T) {
	s := newSite(t)
	s.deviceClient()
	device := s.newDevice(url.Values{})
	b := s.browser()
	page := b.open(device["verification_uri_complete"].(string))
	// Another browser cannot answer with this page's form, nor without one.
	if a := s.browser().press(page, "sign-in-ada"); a.StatusCode != 403 {
		t.Errorf("another browser: %s", a.Status)
	}
	if a := b.send(b.http, b.request("POST", s.issuer+"/device", url.Values{"user_code": {device["user_code"].(string)}, "person": {"ada"}})); a.StatusCode != 403 {
		t.Errorf("without the form's token: %s", a.Status)
	}
	if a := b.press(page, "sign-in", "login", "ada", "password", "wrong"); a.StatusCode != 403 || byTestID(t, a.body, "alert") == "" {
		t.Errorf("a wrong password: %s", a.Status)
	}
	s.refused(s.poll(device), 400, "authorization_pending", "")
	if a := b.press(page, "cancel"); a.StatusCode != 200 || byTestID(t, a.body, "refused") == "" {
		t.Errorf("%s %s", a.Status, text(a.body))
	}
	s.refused(s.poll(device), 400, "access_denied", "refused")
	if a := b.press(page, "sign-in-ada"); a.StatusCode != 404 {
		t.Errorf("allowed after all: %s", a.Status)
	}
	s.refused(s.poll(device), 400, "access_denied", "refused")
	for _, wrong := range []string{"BBBB-BBBB", "x", strings.Repeat("B", 200), "<script>"} {
		if a := b.open(s.issuer + "/device?user_code=" + url.QueryEscape(wrong)); a.StatusCode != 404 || strings.Contains(a.body, "<script>") {
			t.Errorf("%q: %s", wrong, a.Status)
		}
	}
	// By the provider's clock.
	device = s.newDevice(url.Values{})
	s.advance(10*time.Minute - time.Second)
	if a := b.open(device["verification_uri_complete"].(string)); a.StatusCode != 200 {
		t.Errorf("in its last second: %s", a.Status)
	}
	s.advance(time.Second)
	if a := b.open(device["verification_uri_complete"].(string)); a.StatusCode != 404 {
		t.Errorf("expired: %s", a.Status)
	}
}
