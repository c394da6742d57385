package idp_test

import (
	"net/url"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/mockduktor/mockduktor/idp"
)

// Claims changed at the sign-in page hold for that sign-in in every path, and
// for no other.
func TestClaimsChangedForOneSignIn(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	page := b.authorize()
	tokens := s.redeem(b.response(b.press(page, "sign-in-ada", "groups", " x, y ,x", "claims", `{"department": null, "level": 7, "email": "ada@other.example"}`)))
	refreshed := s.tokens(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}})
	again := s.redeem(b.response(b.authorize())) // the session goes on
	info := func(tokens map[string]any) map[string]any {
		return s.object(s.get(s.issuer+"/userinfo", "Authorization", "Bearer "+tokens["access_token"].(string)))
	}
	for what, claims := range map[string]map[string]any{
		"access": s.claims(tokens["access_token"]), "ID": s.claims(tokens["id_token"]), "userinfo": info(tokens),
		"refreshed access": s.claims(refreshed["access_token"]), "refreshed ID": s.claims(refreshed["id_token"]), "userinfo after refresh": info(refreshed),
		"session": s.claims(again["access_token"]), "userinfo of the session": info(again),
	} {
		if !reflect.DeepEqual(claims["groups"], []any{"x", "y"}) || claims["department"] != nil || claims["level"] != 7.0 || claims["email"] != "ada@other.example" || claims["name"] != "Ada Lovelace" {
			t.Errorf("%s: %v", what, claims)
		}
	}
	other := s.browser()
	plain := s.claims(s.redeem(other.signIn("ada"))["access_token"])
	if !reflect.DeepEqual(plain["groups"], []any{"platform", "ops"}) || plain["department"] != "maths" {
		t.Errorf("another sign-in: %v", plain)
	}
	// By password too.
	page = other.authorize("prompt", "login")
	by := s.claims(s.redeem(other.response(other.press(page, "sign-in", "login", "bob", "password", "logic", "groups", "admins")))["access_token"])
	if !reflect.DeepEqual(by["groups"], []any{"admins"}) {
		t.Errorf("by password: %v", by["groups"])
	}
}

// What is changed takes the vendor's shape.
func TestChangedClaimsTakeTheVendorsShape(t *testing.T) {
	v := newVendor(t, map[string]any{"profile": "keycloak"})
	b := v.browser()
	page := b.open(v.endpoint("authorization_endpoint") + "?" + authorizeQuery().Encode())
	code := b.response(b.press(page, "sign-in-ada", "groups", "x")).Get("code")
	if groups := v.claims(v.object(v.post(codeForm(code)))["access_token"])["groups"]; !reflect.DeepEqual(groups, []any{"/x"}) {
		t.Errorf("groups %v", groups)
	}
}

// What cannot be is said on the page, which keeps what was typed and lets it be
// mended.
func TestChangedClaimsFaultsAreOnThePage(t *testing.T) {
	for typed, says := range map[string]string{
		`{"a": `:          "must be a JSON object",
		`[1]`:             "must be a JSON object",
		`null`:            "must be a JSON object",
		`{} {}`:           "behind the JSON object",
		`{"sub": "x"}`:    "claim sub is set by the provider",
		`{"groups": "x"}`: "groups must be a list",
		`{"groups": [1]}`: "groups must be a list",
		`{"email": 1}`:    "claim email must be a text",
		`{"a": "` + strings.Repeat("x", 17<<10) + `"}`: "longer than 16 KiB",
	} {
		s := newSite(t)
		b := s.browser()
		page := b.press(b.authorize(), "sign-in-ada", "claims", typed)
		if page.StatusCode != 422 || !strings.Contains(byTestID(t, page.body, "alert"), says) || !strings.Contains(page.Header.Get("Mock-Reason"), says) {
			t.Errorf("%.40s: %s %q", typed, page.Status, byTestID(t, page.body, "alert"))
			continue
		}
		if len(typed) < 100 {
			node := find(parse(t, page.body), func(n *html.Node) bool { return n.Data == "textarea" })
			if node == nil || nodeText(node) != strings.Join(strings.Fields(typed), " ") {
				t.Errorf("%s: what was typed is lost", typed)
			}
		}
		if response := b.response(b.press(page, "sign-in-ada", "claims", "", "groups", "")); response.Get("code") == "" {
			t.Errorf("%.40s: cannot be mended: %v", typed, response)
		}
	}
}

func TestClaimsCannotBeChangedWhereThatIsOff(t *testing.T) {
	s := newSite(t, func(c *idp.Config) { c.EditableClaims = new(bool) })
	b := s.browser()
	page := b.authorize()
	if find(parse(t, page.body), func(n *html.Node) bool { return n.Data == "textarea" }) != nil {
		t.Error("the page offers it")
	}
	// Whoever sends the fields all the same is signed in without.
	r := page.Request.URL
	form := url.Values{"request": {r.Query().Get("request")}, "token": {fieldValue(t, page.body, "token")}, "person": {"ada"}, "groups": {"admins"}}
	response := b.response(b.send(b.http, b.request("POST", s.issuer+"/signin", form)))
	if groups := s.claims(s.redeem(response)["access_token"])["groups"]; !reflect.DeepEqual(groups, []any{"platform", "ops"}) {
		t.Errorf("groups %v", groups)
	}
}

func fieldValue(t testing.TB, body, name string) string {
	n := find(parse(t, body), func(n *html.Node) bool { return n.Data == "input" && attr(n, "name") == name })
	if n == nil {
		t.Fatalf("no field %s", name)
	}
	return attr(n, "value")
}

// A login_hint signs in where the provider lets it, for that request alone.
func TestLoginHintSignsIn(t *testing.T) {
	s := newSite(t, func(c *idp.Config) { c.LoginHintSignsIn = true })
	s.person("out", map[string]any{"disabled": true})
	b := s.browser()
	for hint, login := range map[string]string{"ada": "ada", "bob@example.com": "bob"} {
		for _, prompt := range []string{"", "none"} {
			response := b.response(b.authorize("login_hint", hint, "prompt", prompt))
			if got := s.claims(s.redeem(response)["access_token"])["preferred_username"]; got != login {
				t.Errorf("%s: %v", hint, got)
			}
		}
	}
	if page := b.authorize(); page.StatusCode != 200 || byTestID(t, page.body, "sign-in-ada") == "" {
		t.Errorf("the next request has a session: %s", page.Status)
	}
	for hint, says := range map[string]string{"nobody": "who does not exist", "out": "who is disabled"} {
		response := b.response(b.authorize("login_hint", hint, "prompt", "none"))
		if response.Get("error") != "login_required" || !strings.Contains(response.Get("error_description"), "login_hint names '"+hint+"', "+says) {
			t.Errorf("%s: %v", hint, response)
		}
	}
	if page := b.authorize("login_hint", "ada", "prompt", "select_account"); page.StatusCode != 200 {
		t.Errorf("select_account: %s", page.Status)
	}
	off := newSite(t)
	if page := off.browser().authorize("login_hint", "ada"); page.StatusCode != 200 || byTestID(t, page.body, "sign-in-ada") == "" {
		t.Errorf("it is on by default: %s", page.Status)
	}
}
