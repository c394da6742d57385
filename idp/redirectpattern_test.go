package idp_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/idp"
)

func TestRedirectPatternMatches(t *testing.T) {
	for text, uris := range map[string]map[string]bool{
		"https://*.preview.example/callback": {
			"https://pr-17.preview.example/callback": true, "https://a_b.preview.example/callback": true,
			"https://a.b.preview.example/callback": false, "https://.preview.example/callback": false, "https://preview.example/callback": false,
			"http://pr-17.preview.example/callback": false, "https://pr-17.preview.example/callback/": false, "https://pr-17.preview.example/callback?x=y": false,
			"https://pr-17.preview.example:8443/callback": false, "https://evil.example/x.preview.example/callback": false,
			"https://evil.example#.preview.example/callback": false, "https://evil.example%2f.preview.example/callback": false,
			"https://a@evil.preview.example/callback": false, "https://pr-17.preview.example/callback\n": false, "https://é.preview.example/callback": false,
		},
		"https://app-*.shop.example:8443/*/cb": {
			"https://app-1.shop.example:8443/main/cb": true, "https://app-.shop.example:8443/main/cb": false,
			"https://app-1.shop.example:8443/a/b/cb": false, "https://app-1.shop.example:8443/../cb": false,
		},
		"http://*.localhost:3000/cb": {"http://w1.localhost:3000/cb": true, "http://w1.localhost:3001/cb": false},
		"http://localhost/*/cb":      {"http://localhost/w1/cb": true, "http://localhost//cb": false},
	} {
		pattern, err := idp.ParseRedirectPattern(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for uri, want := range uris {
			if got := pattern.Matches(uri); got != want {
				t.Errorf("%s matches %q: %t, want %t", text, uri, got, want)
			}
		}
	}
}

func TestRedirectPatternRefused(t *testing.T) {
	for text, says := range map[string]string{
		"https://app.example/cb": "has no *", "https://*/cb": "end of its host", "https://*.example/cb": "end of its host", "https://a.*/cb": "end of its host",
		"https://app.*.example/cb": "end of its host", "https://*.*/cb": "end of its host", "*://a.b.example/cb": "is no URI", "com.app:/*": "must begin with",
		"https://a.b.example/*?x=y": "neither user", "https://a.b.example/*#x": "neither user", "https://u@a.b.example/*": "neither user",
		`https://a.b.example\*`: "", "https://a.b.example:*/cb": "", "/*": "must begin with",
	} {
		if _, err := idp.ParseRedirectPattern(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
}

// The sign-in and the return from sign-out take them, for that client alone.
func TestRedirectPatternsOfAClient(t *testing.T) {
	s := newSite(t)
	s.client("preview", map[string]any{"client_secret": "x", "sign_in_as": "ada",
		"redirect_uri_patterns": []any{"https://*.preview.example/cb"}, "post_logout_redirect_uri_patterns": []any{"https://*.preview.example/"}})
	b := s.browser()
	const one = "https://pr-1.preview.example/cb"
	if response := s.response(b.authorize("client_id", "preview", "redirect_uri", one)); response.Get("code") == "" {
		t.Errorf("no code: %v", response)
	}
	for _, uri := range []string{"https://preview.example/cb", "https://pr-1.preview.example/other", "https://a.pr-1.preview.example/cb"} {
		if a := b.authorize("client_id", "preview", "redirect_uri", uri); a.StatusCode != 400 || !strings.Contains(a.body, "https://*.preview.example/cb") {
			t.Errorf("%s: %d %s", uri, a.StatusCode, a.body)
		}
	}
	if a := b.authorize("client_id", "app", "redirect_uri", one); a.StatusCode != 400 {
		t.Errorf("another client: %d", a.StatusCode)
	}
	for uri, status := range map[string]int{"https://pr-1.preview.example/": 302, one: 400, "https://evil.example/": 400} {
		q := url.Values{"client_id": {"preview"}, "post_logout_redirect_uri": {uri}}
		if a := b.open(s.issuer + "/logout?" + q.Encode()); a.StatusCode != status || status == 302 && a.Header.Get("Location") != uri {
			t.Errorf("sign-out to %s: %d to %q, want %d", uri, a.StatusCode, a.Header.Get("Location"), status)
		}
	}
}
