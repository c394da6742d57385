package idp_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/mockduktor/mockduktor/idp"
)

// RFC 6749, section 3.1.2.4, and RFC 9700, section 2.1: a bad client or
// redirect URI is told to the person and never followed.
func TestRFC6749Section3NeverRedirectsToTheUnregistered(t *testing.T) {
	s := newSite(t)
	s.client("native", map[string]any{"redirect_uris": []any{"http://127.0.0.1/cb", "com.example.app:/cb", "http://localhost:3000/cb"}})
	for _, c := range []struct{ client, uri, says string }{
		{"nobody", callback, "registered clients app native spa"},
		{"app", callback + "/", "slash at the end"},
		{"app", "https://app.example/callback", "http and https"},
		{"app", "http://app.example:81/callback", "the port"},
		{"app", "http://APP.example/callback", "not registered"},
		{"app", callback + "?x=y", "not registered"},
		{"app", callback + "#x", "not registered"},
		{"app", "http://app.example.evil.example/callback", "not registered"},
		{"app", "http://app.example@evil.example/callback", "not registered"},
		{"app", "//app.example/callback", "not registered"},
		{"app", "/callback", "not registered"},
		{"app", "javascript:alert(1)", "not registered"},
		{"app", "", "sent no redirect_uri"},
		{"app", "http://spa.example/", "not registered"},
		{"native", "http://127.0.0.1:3000/cb/../evil", "not registered"},
		{"native", "http://127.0.0.1:3000.evil.example/cb", "not registered"},
		{"native", "http://127.0.0.1:80@evil.example/cb", "not registered"},
		{"native", "http://127.0.0.1:99999/cb", "not registered"},
		{"native", "http://127.0.0.1:/cb", "not registered"},
		{"native", "https://127.0.0.1:3000/cb", "not registered"},
		{"native", "http://127.0.0.1:3000/cb", ""},
		{"native", "http://localhost:3001/cb", "the port"},
	} {
		q := authorizeQuery("client_id", c.client, "redirect_uri", c.uri)
		for name, a := range map[string]*answer{
			"GET":  s.get(s.issuer + "/authorize?" + q.Encode()),
			"POST": s.send(bare, s.request("POST", s.issuer+"/authorize", q)),
		} {
			said := text(a.body)
			if c.says == "" {
				if a.StatusCode/100 != 3 {
					t.Errorf("%s %s %s: %s: %s", name, c.client, c.uri, a.Status, said)
				}
				continue
			}
			if a.StatusCode != 400 || a.Header.Get("Location") != "" || !strings.Contains(said, c.says) || byTestID(t, a.body, "remedy") == "" {
				t.Errorf("%s %s %s: %s to %q: %s", name, c.client, c.uri, a.Status, a.Header.Get("Location"), said)
			}
			if c.uri != "" && c.client != "nobody" && (!strings.Contains(said, c.uri) || !strings.Contains(said, "redirect URIs")) {
				t.Errorf("the page does not say what was asked: %s", said)
			}
		}
	}
	for _, name := range []string{"client_id", "redirect_uri"} {
		q := authorizeQuery()
		q.Add(name, q.Get(name))
		if a := s.get(s.issuer + "/authorize?" + q.Encode()); a.StatusCode != 400 || a.Header.Get("Location") != "" {
			t.Errorf("two %s: %s", name, a.Status)
		}
	}
}

// RFC 8252, section 7.3: any port of a loopback address; section 7.1: the
// app's own scheme, exactly.
func TestRFC8252Section7NativeApps(t *testing.T) {
	s := newSite(t)
	s.client("native", map[string]any{"redirect_uris": []any{"http://127.0.0.1/cb?a=b", "http://[::1]/cb", "com.example.app:/cb", "http://127.0.0.1:7007/fixed"}})
	for uri, good := range map[string]bool{
		"http://127.0.0.1:49152/cb?a=b": true, "http://127.0.0.1/cb?a=b": true, "http://[::1]:1/cb": true, "com.example.app:/cb": true,
		"http://127.0.0.1:7007/fixed": true, "http://127.0.0.1:7008/fixed": false, "http://localhost:49152/cb?a=b": false, "http://127.0.0.1:49152/cb": false,
	} {
		page := s.browser().authorize("client_id", "native", "redirect_uri", uri)
		if got := page.StatusCode == 200; got != good {
			t.Errorf("%s: %s", uri, page.Status)
		}
	}
	b := s.browser()
	a := b.press(b.authorize("client_id", "native", "redirect_uri", "com.example.app:/cb"), "sign-in-ada")
	if !strings.HasPrefix(a.Header.Get("Location"), "com.example.app:/cb?code=") {
		t.Errorf("redirected to %s", a.Header.Get("Location"))
	}
}

// RFC 6749, section 4.1.2.1, and OpenID Connect Core 1.0, section 3.1.2.6: what
// the client may know goes to it, with its state and the issuer (RFC 9207).
func TestRFC6749Section4AuthorizationErrors(t *testing.T) {
	s := newSite(t)
	s.client("narrow", map[string]any{"client_secret": "x", "redirect_uris": []any{callback}, "scope": "openid email", "audience": []any{"https://console.example"}})
	s.client("machine", map[string]any{"client_secret": "x", "redirect_uris": []any{callback}, "grant_types": []any{"client_credentials"}})
	long := strings.Repeat("x", 129)
	for _, c := range []struct {
		change      []string
		error, says string
	}{
		{[]string{"response_type", ""}, "invalid_request", "response_type"},
		{[]string{"response_type", "magic"}, "unsupported_response_type", "only code"},
		{[]string{"response_type", "token", "response_mode", "query"}, "unsupported_response_type", "only code"},
		{[]string{"response_mode", "jwt"}, "invalid_request", "form_post"},
		{[]string{"client_id", "machine"}, "unauthorized_client", "client_credentials"},
		{[]string{"client_id", "narrow", "scope", "openid profile"}, "invalid_scope", "'openid email'"},
		{[]string{"client_id", "narrow", "scope", "openid", "resource", "https://other.example"}, "invalid_target", "https://console.example"},
		{[]string{"scope", "open\"id"}, "invalid_scope", "characters"},
		{[]string{"client_id", "spa", "redirect_uri", "http://spa.example/", "code_challenge", "", "code_challenge_method", ""}, "invalid_request", "RFC 7636"},
		{[]string{"code_challenge", "short"}, "invalid_request", "43 to 128"},
		{[]string{"code_challenge", long}, "invalid_request", "43 to 128"},
		{[]string{"code_challenge_method", "plain"}, "invalid_request", "S256"},
		{[]string{"code_challenge_method", ""}, "invalid_request", "S256"},
		{[]string{"code_challenge_method", "S512"}, "invalid_request", "S256"},
		{[]string{"code_challenge", ""}, "invalid_request", "without code_challenge"},
		{[]string{"prompt", "none login"}, "invalid_request", "cannot be joined"},
		{[]string{"prompt", "perhaps"}, "invalid_request", "select_account"},
		{[]string{"max_age", "-1"}, "invalid_request", "seconds"},
		{[]string{"max_age", "soon"}, "invalid_request", "seconds"},
		{[]string{"id_token_hint", "rubbish"}, "invalid_request", "no JWT"},
		{[]string{"request", "x.y.z"}, "request_not_supported", ""},
		{[]string{"request_uri", "https://x.example/"}, "request_uri_not_supported", ""},
		{[]string{"registration", "{}"}, "registration_not_supported", ""},
		{[]string{"prompt", "none"}, "login_required", "nobody is signed in"},
	} {
		a := s.browser().authorize(c.change...)
		response := s.response(a)
		if response.Get("error") != c.error || !strings.Contains(response.Get("error_description"), c.says) {
			t.Errorf("%v: %v", c.change, response)
		}
		if response.Get("state") != "a state" || response.Get("iss") != s.issuer || response.Get("code") != "" {
			t.Errorf("%v: state %q iss %q", c.change, response.Get("state"), response.Get("iss"))
		}
	}
	// Whoever asks for these types reads the answer from the fragment (OAuth 2.0
	// Multiple Response Type Encoding Practices, sections 3 and 5).
	for _, asked := range []string{"token", "id_token", "code id_token", "id_token token"} {
		location := s.browser().authorize("response_type", asked).Header.Get("Location")
		_, fragment, _ := strings.Cut(location, "#")
		response, err := url.ParseQuery(fragment)
		if err != nil || !strings.HasPrefix(location, callback+"#") || response.Get("error") != "unsupported_response_type" || response.Get("state") != "a state" || response.Get("iss") != s.issuer {
			t.Errorf("%s: %q", asked, location)
		}
	}
	for _, twice := range []string{"state", "nonce", "scope", "response_type", "response_mode", "prompt", "unheard_of"} {
		q := authorizeQuery()
		q[twice] = []string{"a", "b"}
		response := s.response(s.get(s.issuer + "/authorize?" + q.Encode()))
		if response.Get("error") != "invalid_request" || !strings.Contains(response.Get("error_description"), twice) {
			t.Errorf("two %s: %v", twice, response)
		}
		if wanted := map[bool]string{true: "", false: "a state"}[twice == "state"]; response.Get("state") != wanted {
			t.Errorf("two %s: state %q", twice, response.Get("state"))
		}
	}
	for _, broken := range []string{"%", "a=%zz", "a;b"} {
		if a := s.get(s.issuer + "/authorize?" + authorizeQuery().Encode() + "&" + broken); a.StatusCode != 400 || a.Header.Get("Location") != "" {
			t.Errorf("%s: %s", broken, a.Status)
		}
	}
	if a := s.get(s.issuer + "/authorize?x=" + strings.Repeat("y", 70<<10)); a.StatusCode != 413 {
		t.Errorf("a query of 70 KiB: %s", a.Status)
	}
}

// OpenID Connect Core 1.0, sections 2 and 3.1.2.1; RFC 9207, section 2: state
// and nonce come back byte for byte.
func TestOIDCCore3StateNonceAndIss(t *testing.T) {
	s := newSite(t)
	for _, value := range []string{"a+b/c=", "ü ö\t", `"><script>`, "%41%00", strings.Repeat("x", 8000), "a&b=c#d"} {
		for _, mode := range []string{"query", "fragment", "form_post"} {
			b := s.browser()
			a := b.press(b.authorize("state", value, "nonce", value, "response_mode", mode), "sign-in-ada")
			response := s.responseIn(a, mode)
			if response.Get("state") != value || response.Get("iss") != s.issuer {
				t.Errorf("%s: state %q came back as %q, iss %q", mode, value, response.Get("state"), response.Get("iss"))
			}
			if got := s.claims(s.redeem(response)["id_token"])["nonce"]; got != value {
				t.Errorf("%s: nonce %q came back as %q", mode, value, got)
			}
		}
	}
}

// responseIn reads an authorization response of any mode.
func (s *site) responseIn(a *answer, mode string) url.Values {
	s.t.Helper()
	switch mode {
	case "fragment":
		base, fragment, ok := strings.Cut(a.Header.Get("Location"), "#")
		values, err := url.ParseQuery(fragment)
		if base != callback || !ok || err != nil {
			s.t.Fatalf("not in the fragment: %s", a.Header.Get("Location"))
		}
		return values
	case "form_post":
		form := find(parse(s.t, a.body), isForm)
		if a.StatusCode != 200 || form == nil || attr(form, "action") != callback || attr(form, "method") != "post" {
			s.t.Fatalf("no form to the client: %s %s", a.Status, a.body)
		}
		values := url.Values{}
		walk(form, func(n *html.Node) {
			if n.Data == "input" {
				values.Set(attr(n, "name"), attr(n, "value"))
			}
		})
		return values
	default:
		return s.response(a)
	}
}

// OAuth 2.0 Form Post Response Mode: works with a button where there are no
// scripts, also for errors, and may be framed for silent renewal.
func TestFormPostResponseMode(t *testing.T) {
	s := newSite(t)
	a := s.browser().authorize("response_mode", "form_post", "prompt", "none")
	if response := s.responseIn(a, "form_post"); response.Get("error") != "login_required" || response.Get("state") != "a state" {
		t.Errorf("error by form: %v", response)
	}
	if byTestID(t, a.body, "continue") == "" {
		t.Error("no button for browsers without scripts")
	}
	if policy := a.Header.Get("Content-Security-Policy"); strings.Contains(policy, "frame-ancestors") || a.Header.Get("X-Frame-Options") != "" {
		t.Errorf("the answer to prompt=none cannot be framed: %s", policy)
	}
}

// RFC 6749, section 3.1.2: the query of a redirect URI is kept.
func TestRFC6749Section3KeepsTheQuery(t *testing.T) {
	s := newSite(t)
	const uri = "http://app.example/cb?keep=%7Ethis&x"
	s.client("query", map[string]any{"client_secret": "x", "redirect_uris": []any{uri}})
	b := s.browser()
	a := b.press(b.authorize("client_id", "query", "redirect_uri", uri), "sign-in-ada")
	if !strings.HasPrefix(a.Header.Get("Location"), uri+"&code=") {
		t.Errorf("redirected to %s", a.Header.Get("Location"))
	}
}

// OpenID Connect Core 1.0, section 3.1.2.1: prompt=none answers from the
// session or not at all, and shows no page.
func TestOIDCCore3PromptNone(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	a := b.authorize("prompt", "none")
	if response := s.response(a); response.Get("error") != "login_required" {
		t.Errorf("without session: %v", response)
	}
	for _, blocking := range []string{"X-Frame-Options", "Content-Security-Policy", "Cross-Origin-Opener-Policy"} {
		if a.Header.Get(blocking) != "" {
			t.Errorf("the answer has %s", blocking)
		}
	}
	for _, hint := range []string{"prompt: auto", "sign_in_as", "client_id=app"} {
		if !strings.Contains(s.log.String(), hint) {
			t.Errorf("the log does not name %s: %s", hint, s.log)
		}
	}
	if !strings.Contains(s.log.String(), "level=WARN") {
		t.Error("the hint is no warning")
	}
	b.signIn("ada")
	if response := s.response(b.authorize("prompt", "none")); response.Get("code") == "" {
		t.Errorf("with session: %v", response)
	}
	s.person("ada", map[string]any{"disabled": true})
	if response := s.response(b.authorize("prompt", "none")); response.Get("error") != "login_required" {
		t.Errorf("a disabled person: %v", response)
	}
}

// The other values of prompt.
func TestOIDCCore3PromptAsksAgain(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	first := s.claims(s.redeem(b.signIn("ada"))["id_token"])
	s.advance(time.Minute)
	same := s.claims(s.redeem(s.response(b.authorize("prompt", "consent")))["id_token"])
	if same["auth_time"] != first["auth_time"] || same["sid"] != first["sid"] {
		t.Error("consent asked for a new sign-in")
	}
	page := b.authorize("prompt", "login")
	if byTestID(t, page.body, "continue") != "" {
		t.Error("prompt=login lets one continue without signing in")
	}
	again := s.claims(s.redeem(s.response(b.press(page, "sign-in-ada")))["id_token"])
	if again["auth_time"].(float64) != first["auth_time"].(float64)+60 || again["sid"] == first["sid"] || again["sub"] != first["sub"] {
		t.Errorf("prompt=login: %v after %v", again, first)
	}

	page = b.authorize("prompt", "select_account")
	if got := byTestID(t, page.body, "current"); !strings.Contains(got, "Ada Lovelace is signed in") {
		t.Errorf("select_account says %q", got)
	}
	if kept := s.claims(s.redeem(s.response(b.press(page, "continue")))["id_token"]); kept["sid"] != again["sid"] {
		t.Error("continue made another session")
	}
	other := s.claims(s.redeem(s.response(b.press(b.authorize("prompt", "select_account"), "sign-in-bob")))["id_token"])
	if other["sub"] == first["sub"] {
		t.Error("choosing Bob gave Ada")
	}
	if now := s.claims(s.redeem(s.response(b.authorize()))["id_token"]); now["sub"] != other["sub"] {
		t.Error("the session is not Bob's")
	}
}

// max_age asks for a sign-in that is recent by the provider's clock.
func TestOIDCCore3MaxAge(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.signIn("ada")
	s.advance(100 * time.Second)
	if response := s.response(b.authorize("max_age", "100", "prompt", "none")); response.Get("code") == "" {
		t.Errorf("just young enough: %v", response)
	}
	s.advance(time.Second)
	if response := s.response(b.authorize("max_age", "100", "prompt", "none")); response.Get("error") != "login_required" || !strings.Contains(response.Get("error_description"), "max_age") {
		t.Errorf("too old: %v", response)
	}
	if response := s.response(b.authorize("max_age", "0", "prompt", "none")); response.Get("error") != "login_required" {
		t.Errorf("max_age=0: %v", response)
	}
	page := b.authorize("max_age", "100")
	if byTestID(t, page.body, "continue") != "" {
		t.Error("one may continue with a sign-in that is too old")
	}
	claims := s.claims(s.redeem(s.response(b.press(page, "sign-in-ada")))["id_token"])
	if int64(claims["auth_time"].(float64)) != s.world.Clock.Now().Unix() {
		t.Errorf("auth_time %v at %d", claims["auth_time"], s.world.Clock.Now().Unix())
	}
}

// login_hint puts a person first, and does not take someone else's session.
func TestOIDCCore3LoginHint(t *testing.T) {
	s := newSite(t)
	for _, hint := range []string{"bob", "BOB@example.com"} {
		b := s.browser()
		page := b.authorize("login_hint", hint)
		first := find(parse(t, page.body), func(n *html.Node) bool { return strings.HasPrefix(attr(n, "data-testid"), "sign-in-") })
		autofocus := false
		for _, a := range first.Attr {
			autofocus = autofocus || a.Key == "autofocus"
		}
		if attr(first, "data-testid") != "sign-in-bob" || !autofocus {
			t.Errorf("%s: the first person is %s", hint, attr(first, "data-testid"))
		}
		b.press(page, "sign-in-bob")
		if response := s.response(b.authorize("login_hint", hint)); response.Get("code") == "" {
			t.Errorf("%s: the session of the hinted person does not do", hint)
		}
		if response := s.response(b.authorize("login_hint", "ada", "prompt", "none")); response.Get("error") != "login_required" {
			t.Errorf("a hint of someone else: %v", response)
		}
		if page := b.authorize("login_hint", "ada"); page.StatusCode != 200 {
			t.Errorf("a hint of someone else: %s", page.Status)
		}
	}
	page := s.browser().authorize("login_hint", "nobody@example.com")
	login := find(parse(t, page.body), func(n *html.Node) bool { return attr(n, "data-testid") == "login" })
	if attr(login, "value") != "nobody@example.com" {
		t.Error("an unknown hint is not filled in")
	}
}

// id_token_hint holds the sign-in to that person, also when it has expired.
func TestOIDCCore3IDTokenHint(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	tokens := s.redeem(b.signIn("ada"))
	hint := tokens["id_token"].(string)
	s.advance(2 * time.Hour)
	if response := s.response(b.authorize("prompt", "none", "id_token_hint", hint)); response.Get("code") == "" {
		t.Errorf("the same person: %v", response)
	}
	if response := s.response(b.authorize("id_token_hint", tokens["access_token"].(string))); response.Get("error") != "invalid_request" {
		t.Errorf("an access token as hint: %v", response)
	}
	other := s.browser()
	other.signIn("bob")
	if response := s.response(other.authorize("prompt", "none", "id_token_hint", hint)); response.Get("error") != "login_required" {
		t.Errorf("another person: %v", response)
	}
	page := other.press(other.authorize("id_token_hint", hint), "sign-in-bob")
	if alert := byTestID(t, page.body, "alert"); !strings.Contains(alert, "id_token_hint") {
		t.Errorf("another person signs in: %s %q", page.Status, alert)
	}
	if response := s.response(other.press(page, "sign-in-ada")); response.Get("code") == "" {
		t.Errorf("the hinted person signs in: %v", response)
	}
}

// sign_in_as signs in at that client and nowhere else.
func TestSignInAs(t *testing.T) {
	s := newSite(t)
	s.client("auto", map[string]any{"client_secret": "x", "redirect_uris": []any{callback}, "sign_in_as": "bob"})
	b := s.browser()
	for _, change := range [][]string{{"prompt", "none"}, {}, {"prompt", "login"}, {"prompt", "consent"}} {
		if response := s.response(b.authorize(append(change, "client_id", "auto")...)); response.Get("code") == "" {
			t.Errorf("%v: %v", change, response)
		}
	}
	if response := s.response(b.authorize("prompt", "none")); response.Get("error") != "login_required" {
		t.Errorf("another client got a session of it: %v", response)
	}
	if page := b.authorize("client_id", "auto", "prompt", "select_account"); page.StatusCode != 200 {
		t.Errorf("select_account does not ask: %s", page.Status)
	}
	b.signIn("ada")
	response := s.response(b.authorize("client_id", "auto"))
	form := codeForm(response.Get("code"))
	r := s.request("POST", s.issuer+"/token", form)
	r.SetBasicAuth("auto", "x")
	claims := s.claims(s.object(s.send(bare, r))["id_token"])
	if claims["preferred_username"] != "bob" || claims["sid"] == "" {
		t.Errorf("signed in as %v", claims["preferred_username"])
	}

	s.client("auto", map[string]any{"client_secret": "x", "redirect_uris": []any{callback}, "sign_in_as": "nobody"})
	if response := s.response(s.browser().authorize("client_id", "auto", "prompt", "none")); response.Get("error") != "login_required" || !strings.Contains(response.Get("error_description"), "nobody") {
		t.Errorf("a person who is not there: %v", response)
	}
}

// OpenID Connect Core 1.0, section 3.1.2.1: the endpoint takes POST as well.
func TestOIDCCore3AuthorizePost(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	page := b.send(b.http, b.request("POST", s.issuer+"/authorize", authorizeQuery()))
	if response := s.response(b.press(page, "sign-in-ada")); response.Get("code") == "" {
		t.Errorf("%v", response)
	}
	r := s.request("POST", s.issuer+"/authorize", authorizeQuery())
	r.Header.Set("Content-Type", "application/json")
	if a := s.send(bare, r); a.StatusCode != 400 {
		t.Errorf("as JSON: %s", a.Status)
	}
}

// RFC 6749, section 3.3: an absent scope is the registered one.
func TestRFC6749Section3DefaultScope(t *testing.T) {
	s := newSite(t)
	if got := s.redeem(s.browser().signIn("ada", "scope", ""))["scope"]; got != "openid profile email" {
		t.Errorf("scope %v", got)
	}
	s.client("app", map[string]any{"client_secret": "s3cret+/%", "redirect_uris": []any{callback}, "scope": "email custom:read"})
	tokens := s.redeem(s.browser().signIn("ada", "scope", ""))
	if tokens["scope"] != "email custom:read" || tokens["id_token"] != nil {
		t.Errorf("scope %v, id_token %v", tokens["scope"], tokens["id_token"])
	}
}

// RFC 7636, section 4.2: plain by a switch alone.
func TestRFC7636PlainBySwitch(t *testing.T) {
	s := newSite(t, func(c *idp.Config) { c.AllowPlainPKCE = true })
	response := s.browser().signIn("ada", "code_challenge", verifier, "code_challenge_method", "plain")
	s.redeem(response)
	response = s.browser().signIn("ada", "code_challenge", verifier, "code_challenge_method", "plain")
	form := codeForm(response.Get("code"))
	form.Set("code_verifier", verifier+"x")
	s.refused(s.tokenRequest(form), 400, "invalid_grant", "does not fit")
	if !strings.Contains(s.get(s.issuer+"/.well-known/openid-configuration").body, `["S256","plain"]`) {
		t.Error("not advertised")
	}
}
