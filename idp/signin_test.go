package idp_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/mockduktor/mockduktor/idp"
)

// The page works by its HTML alone; these are the things a screen reader, a
// keyboard and a test hold on to.
func TestSignInPageIsAccessible(t *testing.T) {
	s := newSite(t)
	page := s.browser().authorize()
	doc := parse(t, page.body)
	count := map[string]int{}
	ids := map[string]bool{}
	walk(doc, func(n *html.Node) {
		count[n.Data]++
		if id := attr(n, "id"); id != "" {
			if ids[id] {
				t.Errorf("two elements have the id %s", id)
			}
			ids[id] = true
		}
		if n.Data == "a" || n.Data == "link" || n.Data == "img" || attr(n, "src") != "" {
			t.Errorf("the page needs <%s>", n.Data)
		}
		if strings.HasPrefix(attr(n, "tabindex"), "1") {
			t.Error("the focus order is not that of the page")
		}
	})
	if count["script"] != 0 || count["main"] != 1 || count["h1"] != 1 || count["h2"] != 2 || count["title"] != 1 {
		t.Errorf("elements: %v", count)
	}
	if lang := attr(find(doc, func(n *html.Node) bool { return n.Data == "html" }), "lang"); lang != "en" {
		t.Errorf("lang %q", lang)
	}
	for _, name := range []string{"aria-describedby", "aria-labelledby", "for"} {
		walk(doc, func(n *html.Node) {
			if id := attr(n, name); id != "" && !ids[id] {
				t.Errorf("%s points at %s, which is not there", name, id)
			}
		})
	}
	labels := map[string]string{}
	walk(doc, func(n *html.Node) {
		if n.Data == "label" {
			labels[attr(n, "for")] = nodeText(n)
		}
	})
	walk(doc, func(n *html.Node) {
		if n.Data == "input" && attr(n, "type") != "hidden" && labels[attr(n, "id")] == "" {
			t.Errorf("the field %s has no label", attr(n, "name"))
		}
	})
	if labels["login"] != "Login" || labels["password"] != "Password" {
		t.Errorf("labels: %v", labels)
	}
	for id, want := range map[string]string{
		"sign-in-ada": "Sign in as Ada Lovelace", "sign-in-bob": "Sign in as Bob Boole", "sign-in": "Sign in",
		"client": "The App", "scopes": "openid profile email",
	} {
		got := byTestID(t, page.body, id)
		if id == "scopes" {
			got = strings.ReplaceAll(got, "openidprofileemail", want)
		}
		if got != want {
			t.Errorf("%s reads %q", id, got)
		}
	}
	if said := text(page.body); !strings.Contains(said, "ada@example.com · platform, ops") {
		t.Errorf("the page does not tell people apart: %s", said)
	}
}

// What the page must and must not send along.
func TestSignInPageHeaders(t *testing.T) {
	s := newSite(t)
	page := s.browser().authorize()
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "", "Referrer-Policy": "no-referrer",
		"Content-Type": "text/html; charset=UTF-8",
	} {
		if got := page.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	policy := page.Header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "style-src 'sha256-"} {
		if !strings.Contains(policy, part) {
			t.Errorf("policy: %s", policy)
		}
	}
	if strings.Contains(policy, "form-action") {
		t.Error("browsers would hold the redirect to the client to form-action")
	}
}

func TestCookies(t *testing.T) {
	for _, c := range []struct {
		issuer string
		path   string
		secure bool
	}{{"/idp", "/idp", false}, {"/s/one/idp/", "/s/one/idp", false}, {"", "/", false}, {"https://idp.example/idp", "/idp", true}} {
		s := newSite(t, func(config *idp.Config) {
			if strings.HasPrefix(c.issuer, "https") {
				config.Issuer = c.issuer
			} else {
				config.Issuer = strings.TrimSuffix(config.Issuer, "/idp") + c.issuer
			}
		})
		a := s.get(s.host + s.IssuerPath() + "/authorize?" + authorizeQuery().Encode())
		minted, err := s.MintSession(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		for _, cookie := range append(a.Cookies(), minted) {
			if cookie.Path != c.path || !cookie.HttpOnly || cookie.Secure != c.secure || cookie.SameSite != http.SameSiteLaxMode {
				t.Errorf("%s: %v", c.issuer, cookie)
			}
		}
		if len(a.Cookies()) != 1 {
			t.Errorf("%s: cookies %v", c.issuer, a.Cookies())
		}
	}
}

// Cookies know no port: two issuers on one host must not take each other's.
func TestSessionsOfTwoIssuers(t *testing.T) {
	one, two := newSite(t), newSite(t)
	b := one.browser()
	b.signIn("ada")
	other := &browser{two, two.browser().http}
	other.http.Jar = b.http.Jar
	if page := other.authorize(); page.StatusCode != 200 {
		t.Errorf("the session of one issuer opens another: %s", page.Status)
	}
	other.signIn("bob")
	if claims := one.claims(one.redeem(one.response(b.authorize()))["id_token"]); claims["preferred_username"] != "ada" {
		t.Errorf("the session of one issuer was replaced at another: %v", claims["preferred_username"])
	}
}

func TestSignInByPassword(t *testing.T) {
	s := newSite(t)
	s.person("eve", map[string]any{"email": "eve@example.com", "password": "apple", "disabled": true})
	s.person("nopassword", map[string]any{"email": "nopassword@example.com"})
	for _, c := range []struct{ login, password, alert string }{
		{"ada", "engine", ""},
		{"Ada@Example.com", "engine", ""},
		{"ada", "Engine", "Login or password is wrong."},
		{"ada", "", "Login or password is wrong."},
		{"nobody", "engine", "Login or password is wrong."},
		{"", "", "Login or password is wrong."},
		{"nopassword", "", "Login or password is wrong."},
		{"eve", "apple", "eve is disabled and cannot sign in."},
		{"eve", "pear", "Login or password is wrong."},
	} {
		b := s.browser()
		a := b.press(b.authorize(), "sign-in", "login", c.login, "password", c.password)
		if c.alert == "" {
			if response := s.response(a); response.Get("code") == "" {
				t.Errorf("%s: %v", c.login, response)
			}
			continue
		}
		if got := byTestID(t, a.body, "alert"); a.StatusCode != 403 || got != c.alert {
			t.Errorf("%s %s: %s %q", c.login, c.password, a.Status, got)
		}
		if login := find(parse(t, a.body), func(n *html.Node) bool { return attr(n, "id") == "login" }); attr(login, "value") != c.login {
			t.Errorf("the login is not kept: %q", attr(login, "value"))
		}
		if c.password != "" && strings.Contains(a.body, c.password+`"`) {
			t.Error("the page repeats the password")
		}
		// The page that refused goes on working.
		if response := s.response(b.press(a, "sign-in", "login", "bob", "password", "logic")); response.Get("code") == "" {
			t.Errorf("after a refusal: %v", response)
		}
	}
	for _, secret := range []string{"engine", "s3cret", "apple"} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log holds a password: %s", s.log)
		}
	}
}

// The button to continue is believed only where it was shown.
func TestContinueIsNotForced(t *testing.T) {
	s := newSite(t)
	force := func(b *browser, page *answer) *answer {
		fields := url.Values{"request": {hiddenField(t, page, "request")}, "token": {hiddenField(t, page, "token")}, "continue": {"1"}}
		return b.send(b.http, b.request("POST", s.issuer+"/signin", fields))
	}
	b := s.browser()
	if a := force(b, b.authorize()); a.StatusCode != 403 || byTestID(t, a.body, "alert") != "You have to sign in again." {
		t.Errorf("without session: %s", a.Status)
	}
	b.signIn("ada")
	if a := force(b, b.authorize("prompt", "login")); a.StatusCode != 403 {
		t.Errorf("prompt=login: %s", a.Status)
	}
	if a := force(b, b.authorize("max_age", "0")); a.StatusCode != 403 {
		t.Errorf("max_age=0: %s", a.Status)
	}
	if response := s.response(force(b, b.authorize("login_hint", "bob"))); response.Get("code") == "" {
		t.Errorf("a hint only suggests: %v", response)
	}
}

// RFC 9700, section 4.12: a redirect after a POST must not carry it on.
func TestRFC9700Section4SeeOther(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	if a := b.press(b.authorize(), "sign-in", "login", "ada", "password", "engine"); a.StatusCode != 303 {
		t.Errorf("after the form: %s", a.Status)
	}
	if a := b.authorize(); a.StatusCode != 302 {
		t.Errorf("after a GET: %s", a.Status)
	}
}

func TestSignInByOneClickRefusesTheDisabled(t *testing.T) {
	s := newSite(t)
	s.person("bob", map[string]any{"name": "Bob Boole", "disabled": true})
	b := s.browser()
	a := b.press(b.authorize(), "sign-in-bob")
	if got := byTestID(t, a.body, "alert"); a.StatusCode != 403 || got != "Bob Boole is disabled and cannot sign in." || a.Header.Get("Mock-Reason") != got {
		t.Errorf("%s %q", a.Status, got)
	}
	if len(a.Cookies()) != 0 {
		t.Errorf("signed in all the same: %v", a.Cookies())
	}
}

func TestRequirePassword(t *testing.T) {
	s := newSite(t, func(c *idp.Config) { c.RequirePassword = true })
	b := s.browser()
	page := b.authorize()
	if byTestID(t, page.body, "sign-in-ada") != "" {
		t.Error("the buttons are still there")
	}
	// Nor does the form of the buttons, sent all the same, do anything.
	fields := url.Values{}
	walk(parse(t, page.body), func(n *html.Node) {
		if n.Data == "input" && attr(n, "type") == "hidden" {
			fields.Set(attr(n, "name"), attr(n, "value"))
		}
	})
	fields.Set("person", "ada")
	if a := b.send(b.http, b.request("POST", s.issuer+"/signin", fields)); a.StatusCode != 403 {
		t.Errorf("signed in without password: %s", a.Status)
	}
	if response := s.response(b.press(page, "sign-in", "login", "ada", "password", "engine")); response.Get("code") == "" {
		t.Errorf("%v", response)
	}
}

// RFC 6749, section 10.12, and RFC 9700, section 4.7: a form counts only in
// the browser that brought the request.
func TestRFC6749Section10CSRF(t *testing.T) {
	s := newSite(t)
	mine, theirs := s.browser(), s.browser()
	page := mine.authorize()
	theirPage := theirs.authorize()
	for name, a := range map[string]*answer{
		"another browser without cookie": s.browser().press(page, "sign-in-ada"),
		"another browser with a cookie":  theirs.press(page, "sign-in-ada"),
		"another browser looks":          theirs.open(page.Request.URL.String()),
		"another form's token":           mine.press(page, "sign-in-ada", "token", hiddenField(t, theirPage, "token")),
		"no token":                       mine.press(page, "sign-in-ada", "token", ""),
	} {
		if a.StatusCode != 403 || len(a.Cookies()) != 0 || a.Header.Get("Location") != "" {
			t.Errorf("%s: %s %v", name, a.Status, a.Cookies())
		}
	}
	// A session id that is known before the sign-in is not the one after it.
	mine.signIn("bob")
	before := mine.http.Jar.Cookies(mustParse(t, s.issuer+"/"))
	mine.press(mine.authorize("prompt", "login"), "sign-in-bob")
	after := mine.http.Jar.Cookies(mustParse(t, s.issuer+"/"))
	if slices.Equal(values(before), values(after)) {
		t.Error("the session survived a new sign-in")
	}
}

func hiddenField(t *testing.T, page *answer, name string) string {
	t.Helper()
	n := find(parse(t, page.body), func(n *html.Node) bool { return attr(n, "name") == name })
	if n == nil {
		t.Fatalf("no field %s", name)
	}
	return attr(n, "value")
}

func mustParse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func values(cookies []*http.Cookie) []string {
	var list []string
	for _, c := range cookies {
		list = append(list, c.Name+"="+c.Value)
	}
	slices.Sort(list)
	return list
}

func TestSignInIsOver(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	page := b.authorize()
	b.press(page, "sign-in-ada")
	for name, a := range map[string]*answer{"back button": b.press(page, "sign-in-bob"), "reload": b.open(page.Request.URL.String()), "invented": b.open(s.issuer + "/signin?request=x")} {
		if a.StatusCode != 400 || !strings.Contains(text(a.body), "This sign-in is over") {
			t.Errorf("%s: %s %s", name, a.Status, text(a.body))
		}
	}
	page = b.authorize("prompt", "login")
	s.advance(30 * time.Minute)
	if a := b.press(page, "sign-in-ada"); a.StatusCode != 400 {
		t.Errorf("after half an hour: %s", a.Status)
	}
	// What is changed while the page is open counts.
	page = b.authorize("prompt", "login")
	s.client("app", map[string]any{"client_secret": "x", "redirect_uris": []any{"http://elsewhere.example/"}})
	if a := b.press(page, "sign-in-ada"); a.StatusCode != 400 || a.Header.Get("Location") != "" {
		t.Errorf("a redirect URI that was taken off: %s to %s", a.Status, a.Header.Get("Location"))
	}
}

func TestSessionLifetime(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.signIn("ada")
	s.advance(12*time.Hour - time.Second)
	if response := s.response(b.authorize("prompt", "none")); response.Get("code") == "" {
		t.Errorf("within 12 hours: %v", response)
	}
	s.advance(time.Second)
	if response := s.response(b.authorize("prompt", "none")); response.Get("error") != "login_required" {
		t.Errorf("after 12 hours: %v", response)
	}
}

// RFC 6749, section 4.1.2.1: access_denied.
func TestRFC6749Section4Cancel(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	if response := s.response(b.press(b.authorize(), "cancel")); response.Get("error") != "access_denied" || response.Get("state") != "a state" {
		t.Errorf("%v", response)
	}
}

func TestManyPeople(t *testing.T) {
	s := newSite(t)
	if page := s.browser().authorize(); byTestID(t, page.body, "count") != "" {
		t.Error("a short list has a filter")
	}
	for i := range 120 {
		s.person(fmt.Sprintf("user%03d", i), map[string]any{"email": fmt.Sprintf("user%03d@example.com", i), "groups": []any{fmt.Sprintf("team-%d", i%4)}})
	}
	b := s.browser()
	page := b.authorize("login_hint", "user119")
	if got := byTestID(t, page.body, "count"); !strings.Contains(got, "The first 51 of 122 people") {
		t.Errorf("count reads %q", got)
	}
	if byTestID(t, page.body, "sign-in-user119") == "" || byTestID(t, page.body, "sign-in-user100") != "" {
		t.Error("the hinted person is not there, or the list is endless")
	}
	for filter, logins := range map[string][]string{
		"USER100": {"user100"}, "lovelace": {"ada"}, "platform": {"ada"}, "bob@": {"bob"}, "<nobody>": nil,
	} {
		found := b.press(page, "apply-filter", "filter", filter)
		if want := fmt.Sprintf("%d of 122 people", len(logins)+1); byTestID(t, found.body, "count") != want {
			t.Errorf("%s: count reads %q, want %q", filter, byTestID(t, found.body, "count"), want)
		}
		for _, login := range logins {
			if byTestID(t, found.body, "sign-in-"+login) == "" {
				t.Errorf("%s does not find %s", filter, login)
			}
		}
	}
	found := b.press(page, "apply-filter", "filter", "user100")
	if response := s.response(b.press(found, "sign-in-user100")); response.Get("code") == "" {
		t.Errorf("sign-in after filtering: %v", response)
	}
}

// Names come from seeds and scopes from anyone; neither may become markup.
func TestPagesEscape(t *testing.T) {
	s := newSite(t)
	const evil = `<script>alert(1)</script>"'`
	s.person("evil", map[string]any{"name": evil, "groups": []any{evil}})
	s.client("app", map[string]any{"client_name": evil, "client_secret": "x", "redirect_uris": []any{callback}, "post_logout_redirect_uris": []any{callback}})
	b := s.browser()
	for _, a := range []*answer{
		b.authorize("scope", "openid <script>", "login_hint", evil, "state", evil, "response_mode", "form_post"),
		b.authorize("client_id", evil),
		b.authorize("redirect_uri", evil),
		b.authorize("prompt", evil, "state", evil, "response_mode", "form_post"),
		b.open(s.issuer + "/logout?post_logout_redirect_uri=" + url.QueryEscape(evil)),
		b.open(s.issuer + "/" + url.PathEscape(evil)),
	} {
		if a.Header.Get("Content-Type") == "application/json" {
			continue
		}
		walk(parse(t, a.body), func(n *html.Node) {
			if n.Data == "script" && nodeTextRaw(n) != "document.forms[0].submit()" {
				t.Errorf("%s: a script got in: %s", a.Request.URL, nodeTextRaw(n))
			}
		})
	}
}

func nodeTextRaw(n *html.Node) string {
	if n.FirstChild == nil {
		return ""
	}
	return n.FirstChild.Data
}
