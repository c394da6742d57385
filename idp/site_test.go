package idp_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/net/html"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server/store"
)

// callback is where the tests' clients listen; nothing does, for the browser
// stops before it leaves the issuer.
const callback = "http://app.example/callback"

var testKeys = sync.OnceValue(func() *idp.Keys {
	var list []idp.SigningKey
	for _, alg := range []string{"RS256", "ES256", "PS256", "EdDSA"} {
		key, err := idp.GenerateSigningKey(alg)
		if err != nil {
			panic(err)
		}
		list = append(list, key)
	}
	keys, err := idp.NewKeys(list)
	if err != nil {
		panic(err)
	}
	return keys
})

// start is the time at which the tests' clock stands.
var start = time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)

// site is a provider on a real port.
type site struct {
	*idp.Provider
	t      testing.TB
	world  *store.World
	server *httptest.Server
	host   string // http://127.0.0.1:port
	issuer string
	log    *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newSite(t testing.TB, change ...func(*idp.Config)) *site {
	t.Helper()
	e := echo.New()
	server := httptest.NewUnstartedServer(e)
	s := &site{t: t, world: store.New(), server: server, host: "http://" + server.Listener.Addr().String(), log: new(lockedBuffer)}
	s.world.Clock.Set(start)
	s.world.Clock.Freeze()
	s.world.Clock.Set(start)
	config := idp.Config{
		Issuer:  s.host + "/idp",
		Storage: store.Directory{World: s.world},
		Clock:   s.world.Clock,
		Keys:    testKeys(),
		Logger:  slog.New(slog.NewTextHandler(s.log, nil)),
	}
	for _, f := range change {
		f(&config)
	}
	provider, err := idp.New(config)
	if err != nil {
		t.Fatal(err)
	}
	s.Provider, s.issuer = provider, config.Issuer
	provider.Register(e.Group(provider.IssuerPath()))
	provider.WellKnown(e.Group(""))
	server.Start()
	t.Cleanup(server.Close)
	s.person("ada", map[string]any{
		"email": "ada@example.com", "given_name": "Ada", "family_name": "Lovelace", "password": "engine",
		"groups": []any{"platform", "ops"}, "claims": map[string]any{"department": "maths"},
	})
	s.person("bob", map[string]any{"email": "bob@example.com", "name": "Bob Boole", "password": "logic", "groups": []any{"readers"}})
	s.client("app", map[string]any{
		"client_name": "The App", "client_secret": "s3cret+/%", "redirect_uris": []any{callback},
		"post_logout_redirect_uris": []any{"http://app.example/bye"},
		"grant_types":               []any{"authorization_code", "refresh_token", "client_credentials", "password"},
	})
	s.client("spa", map[string]any{"redirect_uris": []any{"http://spa.example/"}})
	return s
}

func (s *site) person(login string, spec map[string]any) {
	s.t.Helper()
	person, problems := idp.ParsePerson(map[string]any{"metadata": map[string]any{"name": login}, "spec": spec})
	if len(problems) > 0 {
		s.t.Fatal(problems)
	}
	s.put("Person", login, person)
}

func (s *site) client(id string, spec map[string]any) {
	s.t.Helper()
	client, problems := idp.ParseClient(map[string]any{"metadata": map[string]any{"name": id}, "spec": spec})
	if len(problems) > 0 {
		s.t.Fatal(problems)
	}
	s.put("Client", id, client)
}

func (s *site) put(kind, name string, value any) {
	s.t.Helper()
	err := s.world.Update(func(tx *store.Tx) error {
		return tx.Put(&store.Resource{Kind: kind, Version: "v1", Name: name, JSON: []byte("{}"), Value: value})
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// advance lets time pass.
func (s *site) advance(d time.Duration) { s.world.Clock.Set(s.world.Clock.Now().Add(d)) }

// answer is a response with its body read.
type answer struct {
	*http.Response
	body string
}

func (s *site) send(client *http.Client, r *http.Request) *answer {
	s.t.Helper()
	response, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return &answer{response, string(body)}
}

func (s *site) request(method, address string, form url.Values) *http.Request {
	s.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequest(method, address, body)
	if err != nil {
		s.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

// get is a request without cookies that follows nothing.
func (s *site) get(address string, header ...string) *answer {
	s.t.Helper()
	r := s.request("GET", address, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return s.send(bare, r)
}

var bare = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// object reads a JSON body.
func (s *site) object(a *answer) map[string]any {
	s.t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(a.body), &object); err != nil {
		s.t.Fatalf("%s: no JSON: %v: %s", a.Status, err, a.body)
	}
	return object
}

// tokenRequest posts to the token endpoint as client app.
func (s *site) tokenRequest(form url.Values) *answer {
	s.t.Helper()
	r := s.request("POST", s.issuer+"/token", form)
	r.SetBasicAuth(url.QueryEscape("app"), url.QueryEscape("s3cret+/%"))
	return s.send(bare, r)
}

// tokens is a token request that has to succeed.
func (s *site) tokens(form url.Values) map[string]any {
	s.t.Helper()
	a := s.tokenRequest(form)
	if a.StatusCode != 200 {
		s.t.Fatalf("token: %s %s", a.Status, a.body)
	}
	return s.object(a)
}

// refused checks an OAuth error.
func (s *site) refused(a *answer, status int, code, described string) {
	s.t.Helper()
	object := s.object(a)
	description, _ := object["error_description"].(string)
	if a.StatusCode != status || object["error"] != code || !strings.Contains(description, described) {
		s.t.Errorf("got %s %s, want %d %s with %q", a.Status, a.body, status, code, described)
	}
	if a.Header.Get("Cache-Control") != "no-store" {
		s.t.Errorf("an error may be cached: %q", a.Header.Get("Cache-Control"))
	}
}

// claims reads a token's payload; whether its signature holds is for the real
// clients to check.
func (s *site) claims(token any) map[string]any {
	s.t.Helper()
	return s.part(token, 1)
}

func (s *site) part(token any, i int) map[string]any {
	s.t.Helper()
	text, _ := token.(string)
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		s.t.Fatalf("no JWT: %v", token)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[i])
	if err != nil {
		s.t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(raw, &claims); err != nil {
		s.t.Fatal(err)
	}
	return claims
}

// browser keeps cookies and follows redirects as long as they stay at the
// issuer's host.
type browser struct {
	*site
	http *http.Client
}

func (s *site) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	host := s.server.Listener.Addr().String()
	return &browser{s, &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host != host {
			return http.ErrUseLastResponse
		}
		return nil
	}}}
}

func (b *browser) open(address string) *answer {
	b.t.Helper()
	return b.send(b.http, b.request("GET", address, nil))
}

const verifier = "a-verifier-of-at-least-forty-three-characters"

func challengeOf(v string) string {
	d := sha256.Sum256([]byte(v))
	return base64.RawURLEncoding.EncodeToString(d[:])
}

// authorizeQuery is a good authorization request of client app; changes are
// name, value pairs, where an empty value takes the parameter away.
func authorizeQuery(changes ...string) url.Values {
	q := url.Values{
		"client_id": {"app"}, "redirect_uri": {callback}, "response_type": {"code"},
		"scope": {"openid profile email"}, "state": {"a state"}, "nonce": {"a nonce"},
		"code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(changes); i += 2 {
		if changes[i+1] == "" {
			q.Del(changes[i])
		} else {
			q.Set(changes[i], changes[i+1])
		}
	}
	return q
}

func (b *browser) authorize(changes ...string) *answer {
	b.t.Helper()
	return b.open(b.issuer + "/authorize?" + authorizeQuery(changes...).Encode())
}

// response reads the parameters of a redirect to the client.
func (s *site) response(a *answer) url.Values {
	s.t.Helper()
	location := a.Header.Get("Location")
	if a.StatusCode != 302 && a.StatusCode != 303 || !strings.HasPrefix(location, "http") {
		s.t.Fatalf("no redirect to the client but %s to %q: %s", a.Status, location, text(a.body))
	}
	u, err := url.Parse(location)
	if err != nil {
		s.t.Fatal(err)
	}
	return u.Query()
}

// signIn authorizes as the person of a login and gives the response.
func (b *browser) signIn(login string, changes ...string) url.Values {
	b.t.Helper()
	page := b.authorize(changes...)
	return b.response(b.press(page, "sign-in-"+login))
}

// redeem turns the code of a response into tokens.
func (s *site) redeem(response url.Values) map[string]any {
	s.t.Helper()
	if response.Get("code") == "" {
		s.t.Fatalf("no code but %v", response)
	}
	return s.tokens(codeForm(response.Get("code")))
}

func codeForm(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}}
}

// press finds the button of a test id and sends its form as a browser does
// without scripts; values fill fields by name.
func (b *browser) press(page *answer, testID string, values ...string) *answer {
	b.t.Helper()
	doc := parse(b.t, page.body)
	button := find(doc, func(n *html.Node) bool { return attr(n, "data-testid") == testID })
	if button == nil || button.Data != "button" {
		b.t.Fatalf("no button %s on %s: %s", testID, page.Status, text(page.body))
	}
	form := button
	for form != nil && form.Data != "form" {
		form = form.Parent
	}
	if form == nil {
		b.t.Fatalf("the button %s is in no form", testID)
	}
	fields := url.Values{}
	walk(form, func(n *html.Node) {
		switch name := attr(n, "name"); {
		case name == "":
		case n.Data == "input":
			fields.Set(name, attr(n, "value"))
		case n.Data == "textarea":
			fields.Set(name, nodeText(n))
		}
	})
	if name := attr(button, "name"); name != "" {
		fields.Set(name, attr(button, "value"))
	}
	for i := 0; i < len(values); i += 2 {
		if _, ok := fields[values[i]]; !ok {
			b.t.Fatalf("the form of %s has no field %s", testID, values[i])
		}
		fields.Set(values[i], values[i+1])
	}
	base := page.Request.URL
	action, err := base.Parse(attr(form, "action"))
	if err != nil {
		b.t.Fatal(err)
	}
	if strings.EqualFold(attr(form, "method"), "post") {
		return b.send(b.http, b.request("POST", action.String(), fields))
	}
	action.RawQuery = fields.Encode()
	return b.open(action.String())
}

func parse(t testing.TB, body string) *html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func walk(n *html.Node, visit func(*html.Node)) {
	if n.Type == html.ElementNode {
		visit(n)
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		walk(child, visit)
	}
}

func find(n *html.Node, matches func(*html.Node) bool) (found *html.Node) {
	walk(n, func(n *html.Node) {
		if found == nil && matches(n) {
			found = n
		}
	})
	return found
}

func byTestID(t testing.TB, body, id string) string {
	t.Helper()
	n := find(parse(t, body), func(n *html.Node) bool { return attr(n, "data-testid") == id })
	if n == nil {
		return ""
	}
	return nodeText(n)
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func nodeText(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	if n.Data == "style" || n.Data == "script" {
		return ""
	}
	var b strings.Builder
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		b.WriteString(nodeText(child))
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// text is what a page says.
func text(body string) string {
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		return body
	}
	return nodeText(doc)
}

func isForm(n *html.Node) bool { return n.Data == "form" }
