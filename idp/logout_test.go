package idp_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// listener is a client's back-channel logout address.
type listener struct {
	*httptest.Server
	mu     sync.Mutex
	tokens []string
}

func newListener(t *testing.T, answer http.HandlerFunc) *listener {
	l := &listener{}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		l.tokens = append(l.tokens, r.Method+" "+r.Header.Get("Content-Type")+" "+r.FormValue("logout_token"))
		l.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *listener) heard() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tokens
}

// OpenID Connect Back-Channel Logout 1.0, sections 2.4 and 2.5.
func TestBackChannelLogout(t *testing.T) {
	s := newSite(t)
	elsewhere := newListener(t, func(http.ResponseWriter, *http.Request) {})
	l := newListener(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	s.client("app", map[string]any{"client_secret": "s3cret+/%", "redirect_uris": []any{callback}, "backchannel_logout_uri": l.URL + "/bye", "id_token_signed_response_alg": "ES256"})
	s.client("quiet", map[string]any{"redirect_uris": []any{callback}, "backchannel_logout_uri": elsewhere.URL})
	b := s.browser()
	tokens := s.redeem(b.signIn("ada"))
	// Twice in one session is one client; another browser is another session.
	s.redeem(s.response(b.authorize()))
	s.browser().signIn("bob")
	if a := b.open(s.issuer + "/logout?id_token_hint=" + tokens["id_token"].(string)); a.StatusCode != 200 {
		t.Fatalf("%s", a.Status)
	}
	heard := l.heard()
	if len(heard) != 1 || !strings.HasPrefix(heard[0], "POST application/x-www-form-urlencoded ") {
		t.Fatalf("heard %q", heard)
	}
	token := strings.Fields(heard[0])[2]
	set, err := jwk.Parse([]byte(s.get(s.issuer + "/jwks").body))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jws.Verify([]byte(token), jws.WithKeySet(set)); err != nil {
		t.Error(err)
	}
	header, claims, id := s.part(token, 0), s.claims(token), s.claims(tokens["id_token"])
	events, _ := claims["events"].(map[string]any)
	event, _ := events["http://schemas.openid.net/event/backchannel-logout"].(map[string]any)
	if header["typ"] != "logout+jwt" || header["alg"] != "ES256" || event == nil || len(event) != 0 || claims["nonce"] != nil {
		t.Errorf("%v %v", header, claims)
	}
	if claims["iss"] != s.issuer || claims["aud"] != "app" || claims["sub"] != id["sub"] || claims["sid"] != id["sid"] || claims["jti"] == nil ||
		claims["iat"] != float64(start.Unix()) || claims["exp"] != float64(start.Unix()+120) {
		t.Errorf("%v", claims)
	}
	if len(elsewhere.heard()) != 0 {
		t.Error("a redirect was followed, or a client told that took no part")
	}
	// A logout token is neither an ID token nor an access token.
	s.refused(s.userInfo(token), 401, "invalid_token", "logout+jwt")
	if got := s.response(s.browser().authorize("id_token_hint", token, "prompt", "none")); got.Get("error") != "invalid_request" {
		t.Errorf("as a hint: %v", got)
	}
}

// A client that does not answer keeps nobody waiting.
func TestBackChannelLogoutIsBounded(t *testing.T) {
	s := newSite(t)
	release := make(chan struct{})
	l := newListener(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	s.client("app", map[string]any{"client_secret": "s3cret+/%", "redirect_uris": []any{callback}, "backchannel_logout_uri": l.URL, "post_logout_redirect_uris": []any{"http://app.example/bye"}})
	b := s.browser()
	hint := s.redeem(b.signIn("ada"))["id_token"].(string)
	before := time.Now()
	a := b.open(s.issuer + "/logout?" + url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"http://app.example/bye"}}.Encode())
	if took := time.Since(before); took > 4*time.Second || a.Header.Get("Location") != "http://app.example/bye" {
		t.Errorf("%s to %s after %s", a.Status, a.Header.Get("Location"), took)
	}
	if s.response(b.authorize("prompt", "none")).Get("error") != "login_required" {
		t.Error("still signed in")
	}
}

// OpenID Connect Front-Channel Logout 1.0, section 3.
func TestFrontChannelLogout(t *testing.T) {
	s := newSite(t)
	s.client("app", map[string]any{
		"client_secret": "s3cret+/%", "redirect_uris": []any{callback}, "post_logout_redirect_uris": []any{"http://app.example/bye"},
		"frontchannel_logout_uri": "http://app.example/out?x=y",
	})
	b := s.browser()
	tokens := s.redeem(b.signIn("ada"))
	sid := s.claims(tokens["id_token"])["sid"].(string)
	a := b.open(s.issuer + "/logout?" + url.Values{"id_token_hint": {tokens["id_token"].(string)}, "post_logout_redirect_uri": {"http://app.example/bye"}, "state": {"a b"}}.Encode())
	frame := find(parse(t, a.body), func(n *html.Node) bool { return n.Data == "iframe" })
	if a.StatusCode != 200 || frame == nil || attr(frame, "src") != "http://app.example/out?x=y&iss="+url.QueryEscape(s.issuer)+"&sid="+sid {
		t.Fatalf("%s %s", a.Status, a.body)
	}
	if policy := a.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-src http://app.example") {
		t.Errorf("policy %q", policy)
	}
	// It goes on without script.
	link := find(parse(t, a.body), func(n *html.Node) bool { return attr(n, "data-testid") == "continue" })
	if a.Header.Get("Refresh") != "2; url=http://app.example/bye?state=a+b" || link == nil || attr(link, "href") != "http://app.example/bye?state=a+b" {
		t.Errorf("Refresh %q", a.Header.Get("Refresh"))
	}
	// Nobody took part in the next session: nothing to load.
	b.signIn("ada", "client_id", "spa", "redirect_uri", "http://spa.example/")
	page := b.open(s.issuer + "/logout")
	if a := b.press(page, "sign-out"); strings.Contains(a.body, "<iframe") {
		t.Errorf("told all the same: %s", a.body)
	}
}
