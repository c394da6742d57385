package idp_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/idp"
)

// OpenID Connect Core 1.0, section 5.3, and RFC 6750, sections 2 and 3.
func TestRFC6750UserInfo(t *testing.T) {
	s := newSite(t)
	tokens := s.redeem(s.browser().signIn("ada"))
	access := tokens["access_token"].(string)
	post := s.request("POST", s.issuer+"/userinfo", url.Values{"access_token": {access}})
	header := s.request("POST", s.issuer+"/userinfo", nil)
	header.Header.Set("Authorization", "bearer "+access)
	for name, a := range map[string]*answer{"GET": s.userInfo(access), "POST form": s.send(bare, post), "POST header": s.send(bare, header)} {
		if a.StatusCode != 200 || s.object(a)["sub"] != s.claims(tokens["id_token"])["sub"] || s.object(a)["email_verified"] != true || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %s %s", name, a.Status, a.body)
		}
	}
	both := s.request("POST", s.issuer+"/userinfo", url.Values{"access_token": {access}})
	both.Header.Set("Authorization", "Bearer "+access)
	s.refused(s.send(bare, both), 400, "invalid_request", "one of them")

	// Without credentials the challenge names no error (section 3.1).
	a := s.get(s.issuer + "/userinfo?access_token=" + access)
	if a.StatusCode != 401 || a.Header.Get("WWW-Authenticate") != `Bearer realm="`+s.issuer+`"` {
		t.Errorf("without token: %s %q", a.Status, a.Header.Get("WWW-Authenticate"))
	}

	parts := strings.Split(access, ".")
	otherSite := newSite(t)
	otherKeys, err := idp.NewKeys([]idp.SigningKey{mustGenerate(t, "RS256")})
	if err != nil {
		t.Fatal(err)
	}
	foreign := newSite(t, func(c *idp.Config) { c.Keys = otherKeys })
	for name, c := range map[string]struct{ token, says string }{
		"garbage":          {"rubbish", "no JWT"},
		"ID token":         {tokens["id_token"].(string), "this is an ID token"},
		"changed payload":  {parts[0] + "." + b64(`{"iss":"`+s.issuer+`","sub":"x","client_id":"app","jti":"x","exp":99999999999}`) + "." + parts[2], "signature"},
		"broken signature": {parts[0] + "." + parts[1] + "." + changed(parts[2][:11]) + parts[2][11:], "signature"},
		"no signature":     {parts[0] + "." + parts[1] + ".", "signature"},
		"alg none":         {b64(`{"alg":"none","kid":"`+s.part(access, 0)["kid"].(string)+`"}`) + "." + parts[1] + ".", "alg is 'none'"},
		"alg HS256":        {b64(`{"alg":"HS256","kid":"`+s.part(access, 0)["kid"].(string)+`"}`) + "." + parts[1] + "." + parts[2], "alg is 'HS256'"},
		"no kid":           {b64(`{"alg":"RS256"}`) + "." + parts[1] + "." + parts[2], "kid ''"},
		"another issuer":   {otherSite.redeem(otherSite.browser().signIn("ada"))["access_token"].(string), "iss is '" + otherSite.issuer},
		"another's keys":   {foreign.redeem(foreign.browser().signIn("ada"))["access_token"].(string), "none of this provider's keys"},
		"endless":          {strings.Repeat("x.", 150<<10), "too long"},
	} {
		a := s.userInfo(c.token)
		s.refused(a, 401, "invalid_token", c.says)
		challenge := a.Header.Get("WWW-Authenticate")
		if !strings.HasPrefix(challenge, `Bearer realm="`+s.issuer+`", error="invalid_token", error_description="`) || !strings.Contains(challenge, c.says) {
			t.Errorf("%s: WWW-Authenticate %q", name, challenge)
		}
	}
	r := s.request("GET", s.issuer+"/userinfo", nil)
	r.Header.Set("Authorization", "Basic x")
	other := s.send(bare, r)
	s.refused(other, 401, "invalid_token", "must be Bearer")
	// Another way of authentication has no error in the challenge (section 3.1).
	if challenge := other.Header.Get("WWW-Authenticate"); challenge != `Bearer realm="`+s.issuer+`"` {
		t.Errorf("Basic: WWW-Authenticate %q", challenge)
	}

	s.advance(time.Hour - time.Second)
	if a := s.userInfo(access); a.StatusCode != 200 {
		t.Errorf("in its last second: %s", a.body)
	}
	s.advance(time.Second)
	s.refused(s.userInfo(access), 401, "invalid_token", "the token expired at 2031-05-06T08:08:09Z; it is now 2031-05-06T08:08:09Z")

	noOpenID := s.redeem(s.browser().signIn("ada", "scope", "email"))
	a = s.userInfo(noOpenID["access_token"])
	s.refused(a, 403, "insufficient_scope", "openid")
	if !strings.Contains(a.Header.Get("WWW-Authenticate"), `scope="openid"`) {
		t.Errorf("WWW-Authenticate %q", a.Header.Get("WWW-Authenticate"))
	}

	access = s.redeem(s.browser().signIn("bob"))["access_token"].(string)
	s.person("bob", map[string]any{"disabled": true})
	s.refused(s.userInfo(access), 401, "invalid_token", "disabled")
	s.person("bob", map[string]any{"sub": "another"})
	s.refused(s.userInfo(access), 401, "invalid_token", "not there any more")
}

func b64(s string) string { return strings.TrimRight(encode(s), "=") }

// RFC 7009.
func TestRFC7009Revocation(t *testing.T) {
	s := newSite(t)
	s.client("other", map[string]any{"client_secret": "x", "redirect_uris": []any{callback}})
	revoke := func(id, secret string, form url.Values) *answer {
		r := s.request("POST", s.issuer+"/revoke", form)
		r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
		return s.send(bare, r)
	}
	mine := func(token any, more ...string) *answer {
		form := url.Values{"token": {token.(string)}}
		for i := 0; i < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		return revoke("app", "s3cret+/%", form)
	}
	refresh := func(token any) *answer {
		return s.tokenRequest(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token.(string)}})
	}

	tokens := s.redeem(s.browser().signIn("ada"))
	s.refused(revoke("app", "wrong", url.Values{"token": {"x"}}), 401, "invalid_client", "")
	s.refused(mine(""), 400, "invalid_request", "token is missing")
	for _, token := range []any{tokens["access_token"], tokens["refresh_token"]} {
		s.refused(revoke("other", "x", url.Values{"token": {token.(string)}}), 400, "invalid_grant", "not given to the client 'other'")
	}
	if a := s.userInfo(tokens["access_token"]); a.StatusCode != 200 {
		t.Fatalf("another client ended it: %s", a.body)
	}
	// Unknown tokens, also with a wrong or unknown hint, are 200 (section 2.2).
	for _, token := range []any{"rubbish", "a.b.c", tokens["id_token"]} {
		for _, hint := range []string{"refresh_token", "access_token", "unheard_of"} {
			if a := mine(token, "token_type_hint", hint); a.StatusCode != 200 || a.body != "" {
				t.Errorf("%v: %s %s", token, a.Status, a.body)
			}
		}
	}

	// An access token ends alone.
	if a := mine(tokens["access_token"], "token_type_hint", "refresh_token"); a.StatusCode != 200 {
		t.Errorf("%s", a.Status)
	}
	s.refused(s.userInfo(tokens["access_token"]), 401, "invalid_token", "revoked")
	a := refresh(tokens["refresh_token"])
	if a.StatusCode != 200 {
		t.Fatalf("the refresh token ended too: %s", a.body)
	}
	// A refresh token ends everything, and again is 200.
	tokens = s.object(a)
	for range 2 {
		if a := mine(tokens["refresh_token"]); a.StatusCode != 200 {
			t.Errorf("%s", a.Status)
		}
	}
	s.refused(refresh(tokens["refresh_token"]), 400, "invalid_grant", "revoked")
	s.refused(s.userInfo(tokens["access_token"]), 401, "invalid_token", "revoked")

	// A public client names itself only.
	response := s.browser().signIn("ada", "client_id", "spa", "redirect_uri", "http://spa.example/")
	form := codeForm(response.Get("code"))
	form.Set("client_id", "spa")
	form.Set("redirect_uri", "http://spa.example/")
	public := s.object(s.send(bare, s.request("POST", s.issuer+"/token", form)))
	if a := s.send(bare, s.request("POST", s.issuer+"/revoke", url.Values{"client_id": {"spa"}, "token": {public["refresh_token"].(string)}})); a.StatusCode != 200 {
		t.Errorf("public client: %s %s", a.Status, a.body)
	}
	s.refused(s.userInfo(public["access_token"]), 401, "invalid_token", "revoked")
}

// OpenID Connect RP-Initiated Logout 1.0, section 2: with an ID token.
func TestRPInitiatedLogoutWithHint(t *testing.T) {
	s := newSite(t)
	const bye = "http://app.example/bye"
	for _, method := range []string{"GET", "POST"} {
		for name, expired := range map[string]bool{"fresh": false, "expired": true} {
			b := s.browser()
			tokens := s.redeem(b.signIn("ada"))
			offline := s.redeem(s.response(b.authorize("scope", "openid offline_access")))
			if expired {
				s.advance(2 * time.Hour)
			}
			q := url.Values{"id_token_hint": {tokens["id_token"].(string)}, "post_logout_redirect_uri": {bye}, "state": {"s/t+a=te&"}}
			var a *answer
			if method == "GET" {
				a = b.open(s.issuer + "/logout?" + q.Encode())
			} else {
				a = b.send(b.http, b.request("POST", s.issuer+"/logout", q))
			}
			if a.Header.Get("Location") != bye+"?state="+url.QueryEscape("s/t+a=te&") {
				t.Fatalf("%s %s: %s to %s: %s", method, name, a.Status, a.Header.Get("Location"), text(a.body))
			}
			if response := s.response(b.authorize("prompt", "none")); response.Get("error") != "login_required" {
				t.Errorf("%s %s: still signed in", method, name)
			}
			s.refused(s.tokenRequest(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}}), 400, "invalid_grant", "signed out")
			s.tokens(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {offline["refresh_token"].(string)}})
		}
	}
	// A POST from another site comes without the cookie; the hint names the
	// session all the same.
	b := s.browser()
	tokens := s.redeem(b.signIn("ada"))
	a := s.send(bare, s.request("POST", s.issuer+"/logout", url.Values{"id_token_hint": {tokens["id_token"].(string)}}))
	if a.StatusCode != 200 || !strings.Contains(text(a.body), "You are signed out") {
		t.Errorf("without redirect: %s %s", a.Status, text(a.body))
	}
	if response := s.response(b.authorize("prompt", "none")); response.Get("error") != "login_required" {
		t.Error("still signed in")
	}
	// No state, no parameter.
	tokens = s.redeem(b.signIn("ada"))
	a = b.open(s.issuer + "/logout?" + url.Values{"id_token_hint": {tokens["id_token"].(string)}, "post_logout_redirect_uri": {bye}}.Encode())
	if a.Header.Get("Location") != bye {
		t.Errorf("redirected to %s", a.Header.Get("Location"))
	}
}

// Section 2 and 6: without proof the person is asked.
func TestRPInitiatedLogoutAsks(t *testing.T) {
	s := newSite(t)
	const bye = "http://app.example/bye"
	b, other := s.browser(), s.browser()
	tokens := s.redeem(b.signIn("ada"))
	others := s.redeem(other.signIn("bob"))
	signedIn := func() bool { return s.response(b.authorize("prompt", "none")).Get("code") != "" }
	for name, q := range map[string]url.Values{
		"nothing":                         {},
		"client only":                     {"client_id": {"app"}, "post_logout_redirect_uri": {bye}, "state": {"x y"}},
		"a broken hint":                   {"client_id": {"app"}, "id_token_hint": {"x.y.z"}, "post_logout_redirect_uri": {bye}},
		"an access token":                 {"client_id": {"app"}, "id_token_hint": {tokens["access_token"].(string)}},
		"someone else's hint":             {"id_token_hint": {others["id_token"].(string)}},
		"a confirmation that is not ours": {"token": {"x"}},
	} {
		for _, method := range []string{"GET", "POST"} {
			page := b.send(b.http, b.request(method, s.issuer+"/logout?"+q.Encode(), map[string]url.Values{"POST": q}[method]))
			if page.StatusCode != 200 || byTestID(t, page.body, "sign-out") != "Sign out" || !signedIn() {
				t.Errorf("%s %s: %s %s", method, name, page.Status, text(page.body))
			}
		}
	}
	q := url.Values{"client_id": {"app"}, "post_logout_redirect_uri": {bye}, "state": {"x y"}}
	page := b.open(s.issuer + "/logout?" + q.Encode())
	if !strings.Contains(text(page.body), "The App asks to sign you out. You are signed in as Ada Lovelace") {
		t.Errorf("the question: %s", text(page.body))
	}
	if a := other.press(page, "sign-out"); a.StatusCode != 200 || s.response(other.authorize("prompt", "none")).Get("code") == "" {
		t.Errorf("another browser's confirmation signs out: %s", a.Status)
	}
	if a := b.press(page, "sign-out"); a.Header.Get("Location") != bye+"?state=x+y" || signedIn() {
		t.Errorf("confirmed: %s to %s", a.Status, a.Header.Get("Location"))
	}
	// Nobody is signed in any more: nothing to ask.
	if a := b.open(s.issuer + "/logout?" + q.Encode()); a.Header.Get("Location") != bye+"?state=x+y" {
		t.Errorf("without session: %s to %s", a.Status, a.Header.Get("Location"))
	}
	if a := b.open(s.issuer + "/logout"); a.StatusCode != 200 || !strings.Contains(text(a.body), "You are signed out") {
		t.Errorf("without session or redirect: %s", a.Status)
	}
}

// Section 3: the address must be registered, exactly, or nothing happens.
func TestRPInitiatedLogoutNeverFollowsTheUnregistered(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	hint := s.redeem(b.signIn("ada"))["id_token"].(string)
	s.client("twin", map[string]any{"redirect_uris": []any{callback}, "post_logout_redirect_uris": []any{"http://app.example/bye"}})
	for name, q := range map[string]url.Values{
		"unregistered":          {"id_token_hint": {hint}, "post_logout_redirect_uri": {"http://evil.example/"}},
		"longer":                {"id_token_hint": {hint}, "post_logout_redirect_uri": {"http://app.example/bye/"}},
		"a redirect URI":        {"id_token_hint": {hint}, "post_logout_redirect_uri": {callback}},
		"no client":             {"post_logout_redirect_uri": {"http://app.example/bye"}},
		"unknown client":        {"client_id": {"nobody"}, "post_logout_redirect_uri": {"http://app.example/bye"}},
		"another client":        {"client_id": {"spa"}, "post_logout_redirect_uri": {"http://app.example/bye"}},
		"hint of another one":   {"client_id": {"twin"}, "id_token_hint": {hint}, "post_logout_redirect_uri": {"http://app.example/bye"}},
		"given twice":           {"id_token_hint": {hint}, "post_logout_redirect_uri": {"http://app.example/bye", "http://evil.example/"}},
		"broken hint, no id":    {"id_token_hint": {"x.y.z"}, "post_logout_redirect_uri": {"http://app.example/bye"}},
		"client_id given twice": {"client_id": {"app", "spa"}, "post_logout_redirect_uri": {"http://app.example/bye"}},
	} {
		for _, a := range []*answer{b.open(s.issuer + "/logout?" + q.Encode()), b.send(b.http, b.request("POST", s.issuer+"/logout", q))} {
			if a.StatusCode != 400 || a.Header.Get("Location") != "" || byTestID(t, a.body, "reason") == "" {
				t.Errorf("%s: %s to %q", name, a.Status, a.Header.Get("Location"))
			}
		}
		if s.response(b.authorize("prompt", "none")).Get("code") == "" {
			t.Fatalf("%s: signed out all the same", name)
		}
	}
}

func TestMint(t *testing.T) {
	s := newSite(t)
	tokens, err := s.Mint(t.Context(), idp.MintRequest{
		Login: "ada", ClientID: "spa", Scope: "openid email", Audience: []string{"https://console.example"}, Nonce: "n", Lifetime: 5 * time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	access, id := s.claims(tokens.AccessToken), s.claims(tokens.IDToken)
	if access["aud"] != "https://console.example" || access["client_id"] != "spa" || access["exp"].(float64)-access["iat"].(float64) != 300 || tokens.ExpiresIn != 300 || tokens.Scope != "openid email" {
		t.Errorf("access token: %v %+v", access, tokens)
	}
	if id["nonce"] != "n" || id["aud"] != "spa" {
		t.Errorf("ID token: %v", id)
	}
	if a := s.userInfo(tokens.AccessToken); a.StatusCode != 200 {
		t.Errorf("userinfo: %s", a.body)
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.RefreshToken}, "client_id": {"spa"}}
	if a := s.send(bare, s.request("POST", s.issuer+"/token", form)); a.StatusCode != 200 {
		t.Errorf("refresh: %s", a.body)
	}
	own, err := s.Mint(t.Context(), idp.MintRequest{ClientID: "app"})
	if err != nil {
		t.Fatal(err)
	}
	if s.claims(own.AccessToken)["sub"] != "app" || own.IDToken != "" || own.RefreshToken != "" {
		t.Errorf("for the client itself: %+v", own)
	}
	s.person("eve", map[string]any{"disabled": true})
	s.client("narrow", map[string]any{"redirect_uris": []any{callback}, "scope": "openid"})
	for want, request := range map[string]idp.MintRequest{
		`person "nobody": not found`:        {Login: "nobody", ClientID: "app"},
		`client "nobody": not found`:        {Login: "ada", ClientID: "nobody"},
		`client "": not found`:              {Login: "ada"},
		"is disabled":                       {Login: "eve", ClientID: "app"},
		"may not ask for scope 'email'":     {Login: "ada", ClientID: "narrow", Scope: "openid email"},
		"the lifetime must not be negative": {Login: "ada", ClientID: "app", Lifetime: -1},
	} {
		if _, err := s.Mint(t.Context(), request); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestMintSession(t *testing.T) {
	s := newSite(t)
	cookie, err := s.MintSession(t.Context(), "bob")
	if err != nil {
		t.Fatal(err)
	}
	b := s.browser()
	b.http.Jar.SetCookies(mustParse(t, s.issuer+"/"), []*http.Cookie{cookie})
	if claims := s.claims(s.redeem(s.response(b.authorize("prompt", "none")))["id_token"]); claims["preferred_username"] != "bob" {
		t.Errorf("signed in as %v", claims["preferred_username"])
	}
	if _, err := s.MintSession(t.Context(), "nobody"); err == nil {
		t.Error("a session of nobody")
	}
	// A cookie that another provider made, or that was changed, is no session.
	stranger, err := newSite(t).MintSession(t.Context(), "bob")
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{stranger.Value, changed(cookie.Value), ""} {
		forged := *cookie
		forged.Value = value
		b := s.browser()
		b.http.Jar.SetCookies(mustParse(t, s.issuer+"/"), []*http.Cookie{&forged})
		if response := s.response(b.authorize("prompt", "none")); response.Get("error") != "login_required" {
			t.Errorf("cookie %q: %v", value, response)
		}
	}
}

// With a secret, a run that makes the same requests gets the same ids, codes
// and tokens; without, never.
func TestDeterminism(t *testing.T) {
	run := func(secret []byte) []string {
		s := newSite(t, func(c *idp.Config) { c.Issuer, c.Secret = "http://idp.example/idp", secret })
		// The provider is reached past its issuer's name, which no test resolves.
		get := func(c *http.Client, method, path string, form url.Values) *answer {
			return s.send(c, s.request(method, s.host+path, form))
		}
		jar := s.browser().http
		page := get(jar, "GET", "/idp/authorize?"+authorizeQuery().Encode(), nil)
		form := url.Values{"request": {hiddenField(t, page, "request")}, "token": {hiddenField(t, page, "token")}, "person": {"ada"}}
		response := s.response(get(jar, "POST", "/idp/signin", form))
		exchange := codeForm(response.Get("code"))
		exchange.Set("client_id", "app")
		exchange.Set("client_secret", "s3cret+/%")
		tokens := s.object(get(bare, "POST", "/idp/token", exchange))
		return []string{
			response.Get("code"), form.Get("request"), form.Get("token"), tokens["access_token"].(string), tokens["id_token"].(string), tokens["refresh_token"].(string),
		}
	}
	s := newSite(t, func(c *idp.Config) { c.Secret = []byte("secret") })
	seen := map[string]bool{}
	for range 5 {
		tokens, err := s.Mint(t.Context(), idp.MintRequest{Login: "ada", ClientID: "app"})
		if err != nil {
			t.Fatal(err)
		}
		claims := s.claims(tokens.AccessToken)
		for _, id := range []string{tokens.RefreshToken, claims["jti"].(string), claims["sid"].(string)} {
			if seen[id] {
				t.Errorf("%s twice in one run", id)
			}
			seen[id] = true
		}
	}
	one, two, other, random := run([]byte("secret")), run([]byte("secret")), run([]byte("another")), run(nil)
	for i := range one {
		if one[i] != two[i] {
			t.Errorf("%d: %s and then %s", i, one[i], two[i])
		}
		if one[i] == other[i] || one[i] == random[i] {
			t.Errorf("%d: the secret does not count", i)
		}
	}
}

// A server that chooses among providers by request gets what Register gives.
func TestHandle(t *testing.T) {
	s := newSite(t)
	e := echo.New()
	e.Any("/w/:world/*", func(c echo.Context) error { return s.Handle(c, "/"+c.Param("*")) })
	server := httptest.NewServer(e)
	defer server.Close()
	for path, status := range map[string]int{
		"/.well-known/openid-configuration": 200, "/jwks": 200, "/token": 405, "/nothing": 404, "/": 404, "/userinfo": 401, "/authorize": 400,
	} {
		if a := s.get(server.URL + "/w/one" + path); a.StatusCode != status {
			t.Errorf("%s: %s", path, a.Status)
		}
	}
}
