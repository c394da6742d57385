package server_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/console"
	"github.com/mockduktor/mockduktor/server/kinds"
)

// The issuers that others wrote: npm's oauth2-mock-server and oidc-provider.
//
//go:embed testdata/issuer/issuer.mjs testdata/issuer/package.json testdata/issuer/package-lock.json
var issuerFiles embed.FS

// installIssuers puts the issuers into a folder that later runs find again, and
// answers its path.
var installIssuers = sync.OnceValues(func() (string, error) {
	names := []string{"issuer.mjs", "package.json", "package-lock.json"}
	files := map[string][]byte{}
	digest := sha256.New()
	for _, name := range names {
		data, err := issuerFiles.ReadFile("testdata/issuer/" + name)
		if err != nil {
			return "", err
		}
		files[name] = data
		digest.Write(data)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	cache = filepath.Join(cache, "mockduktor-test")
	dir := filepath.Join(cache, "issuer-"+hex.EncodeToString(digest.Sum(nil))[:12])
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(cache, 0o750); err != nil {
		return "", err
	}
	// Beside, and moved when it is whole: another run may be at it too.
	building, err := os.MkdirTemp(cache, "building-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(building)
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(building, name), data, 0o600); err != nil {
			return "", err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	npm.Dir = building
	if out, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	if err := os.Rename(building, dir); err != nil {
		if _, there := os.Stat(dir); there != nil {
			return "", err
		}
	}
	return dir, nil
})

// foreignIssuer is a running issuer and the line to it.
type foreignIssuer struct {
	URL     string `json:"url"`
	Token   string `json:"token"`
	program string
	in      io.Writer
	out     *bufio.Scanner
}

// startForeignIssuer runs one of the programs until the test ends.
func startForeignIssuer(t *testing.T, program string) *foreignIssuer {
	t.Helper()
	for _, needed := range []string{"node", "npm"} {
		if _, err := exec.LookPath(needed); err != nil {
			t.Skipf("%s is not installed: the issuers that others wrote run on it, so delegated JWT is tried against our own alone", needed)
		}
	}
	dir, err := installIssuers()
	if err != nil {
		t.Fatalf("install the issuers: %v", err)
	}
	node := exec.Command("node", "issuer.mjs", program)
	node.Dir = dir
	in, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints strings.Builder
	node.Stderr = &complaints
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // which ends it
		if err := node.Wait(); err != nil || t.Failed() {
			t.Logf("%s: %v\n%s", program, err, complaints.String())
		}
	})
	i := &foreignIssuer{program: program, in: in, out: bufio.NewScanner(out)}
	i.answer(t, i)
	return i
}

func (i *foreignIssuer) answer(t *testing.T, into any) {
	t.Helper()
	if !i.out.Scan() {
		t.Fatalf("%s has ended: %v", i.program, i.out.Err())
	}
	var failed struct{ Error string }
	if err := errors.Join(json.Unmarshal(i.out.Bytes(), &failed), json.Unmarshal(i.out.Bytes(), into)); err != nil || failed.Error != "" {
		t.Fatalf("%s: %v %s", i.program, err, i.out.Text())
	}
}

// do gives a command; more holds what goes with it.
func (i *foreignIssuer) do(t *testing.T, command string, more object) {
	t.Helper()
	line := object{"command": command}
	for name, value := range more {
		line[name] = value
	}
	data, err := json.Marshal(line)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.in.Write(append(data, '\n')); err != nil {
		t.Fatal(err)
	}
	i.answer(t, &struct{}{})
}

// token asks the token endpoint, as any client would, for a token of claims.
func (i *foreignIssuer) token(t *testing.T, claims object) string {
	t.Helper()
	return i.tokenWith(t, claims, "RS256")
}

func (i *foreignIssuer) tokenWith(t *testing.T, claims object, alg string) string {
	t.Helper()
	i.do(t, "claims", object{"claims": claims})
	// One token a request: oauth2-mock-server signs an ID token too at other grants,
	// with its keys in turn.
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"console"}, "client_secret": {"console-secret"}}
	if i.program == "oidc-provider" {
		form.Set("resource", "urn:console:"+alg)
	}
	response, err := http.PostForm(i.Token, form)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Token == "" {
		t.Fatalf("%s: %s: %v", i.Token, response.Status, err)
	}
	return answer.Token
}

func kidOf(t *testing.T, token string) string {
	t.Helper()
	message, err := jws.ParseString(token)
	if err != nil {
		t.Fatal(err)
	}
	return message.Signatures()[0].ProtectedHeaders().KeyID()
}

// startTrusting runs a Console with the default estate that trusts an issuer.
func startTrusting(t *testing.T, settings console.JWTSettings) *server.Server {
	t.Helper()
	return start(t, server.Config{Console: console.Settings{JWT: settings}, HTTPClient: &http.Client{Timeout: 10 * time.Second}})
}

// principalOf is who a token makes of its bearer.
func principalOf(t *testing.T, running *server.Server, token string) *console.Principal {
	t.Helper()
	who, err := running.Pair().Console.Authenticate(t.Context(), http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	return who
}

// accepted shows a token over HTTP and checks whose it is.
func accepted(t *testing.T, running *server.Server, token, email string) {
	t.Helper()
	var who struct{ Email string }
	got := call(t, running, http.MethodGet, whoamiPath, token, nil)
	if got.json(t, &who); got.status != http.StatusOK || who.Email != email {
		t.Errorf("%d %s, want %s", got.status, got.body, email)
	}
}

// refusedFor shows a token over HTTP and checks why it is refused.
func refusedFor(t *testing.T, running *server.Server, token string, reasons ...string) {
	t.Helper()
	got := call(t, running, http.MethodGet, whoamiPath, token, nil)
	var said problem
	if got.json(t, &said); got.status != http.StatusUnauthorized {
		t.Errorf("status %d, want 401: %s", got.status, got.body)
	}
	for _, reason := range reasons {
		if !strings.Contains(said.Cause, reason) || !strings.Contains(got.header.Get(console.ReasonHeader), reason) {
			t.Errorf("cause %q, want %q in it and in the header", said.Cause, reason)
		}
	}
}

func TestForeignIssuer(t *testing.T) {
	for program, algs := range map[string][]string{"oauth2-mock-server": {"RS256"}, "oidc-provider": {"RS256", "ES256", "EdDSA"}} {
		t.Run(program, func(t *testing.T) {
			issuer := startForeignIssuer(t, program)
			running := startTrusting(t, console.JWTSettings{Issuer: issuer.URL})
			for _, alg := range algs {
				email := "amy." + strings.ToLower(alg) + "@shop.example"
				token := issuer.tokenWith(t, object{"email": email, "given_name": "Amy", "groups": []string{"team-checkout", "team-data", "unknown"}}, alg)
				accepted(t, running, token, email)
				user, known := kinds.FindUser(running.Pair().World.View(), email)
				if !known || user.Value.(*kinds.User).FirstName != "Amy" {
					t.Errorf("%s: the user is %+v", alg, user)
				}
				if got := principalOf(t, running, token).Groups(); !slices.Equal(got, []string{"checkout-team", "data-team"}) {
					t.Errorf("%s: in %q", alg, got)
				}
				if got := call(t, running, http.MethodGet, "/api"+orderPlaced, token, nil); got.status != http.StatusOK {
					t.Errorf("%s: a topic of the team: %d %s", alg, got.status, got.body)
				}
				if got := call(t, running, http.MethodGet, usersAPI+"/ben@shop.example", token, nil); got.status != http.StatusForbidden {
					t.Errorf("%s: another user: %d %s", alg, got.status, got.body)
				}
			}

			text := issuer.token(t, object{"email": "amy@shop.example", "groups": "team-customer, warehouse-oslo"})
			if got := principalOf(t, running, text).Groups(); !slices.Equal(got, []string{"customer-team", "fulfilment-team"}) {
				t.Errorf("groups as a comma-separated text: in %q", got)
			}
			if got := principalOf(t, running, issuer.token(t, object{"email": "amy@shop.example"})).Groups(); len(got) != 0 {
				t.Errorf("no groups claim: in %q", got)
			}
			refusedFor(t, running, issuer.token(t, object{"groups": []string{"team-checkout"}}), `the token has no claim "email"`)
			refusedFor(t, running, issuer.token(t, object{"email": []string{"amy@shop.example"}}), "is not an e-mail address")

			// An API key in its claim wins over the e-mail.
			keyed := principalOf(t, running, issuer.token(t, object{"email": "amy@shop.example", "apikey": "mock-admin-key"}))
			if keyed.Sort != console.SortAdminKey || !keyed.Admin() || keyed.Email != "" {
				t.Errorf("admin key in the claim: %+v", keyed)
			}
			bound := principalOf(t, running, issuer.token(t, object{"apikey": "mock-checkout-key"}))
			if bound.Sort != console.SortInstanceKey || bound.Instance != "checkout-prod" {
				t.Errorf("instance key in the claim: %+v", bound)
			}
			if who := principalOf(t, running, issuer.token(t, object{"email": "amy@shop.example", "apikey": "unknown-key"})); who.Sort != console.SortJWT || who.Email != "amy@shop.example" {
				t.Errorf("unknown key beside an e-mail: %+v", who)
			}
			refusedFor(t, running, issuer.token(t, object{"apikey": "unknown-key"}), `the API key in the claim "apikey" is unknown`)

			// The built-in provider is not trusted now; what Console itself issues is.
			refusedFor(t, running, tokenOf(t, running, "ada"), "the built-in identity provider", running.Issuer(), `the Console trusts "`+issuer.URL+`"`)
			if got := call(t, running, http.MethodGet, whoamiPath, "mock-admin-key", nil); got.status != http.StatusOK {
				t.Errorf("an API key beside a foreign issuer: %d %s", got.status, got.body)
			}
			var login struct {
				Token string `json:"access_token"`
			}
			call(t, running, http.MethodPost, "/api/login", "", object{"username": server.DefaultAdminEmail, "password": server.DefaultAdminPassword}).json(t, &login)
			accepted(t, running, login.Token, server.DefaultAdminEmail)

			// The world's clock decides, not the machine's.
			running.Pair().World.Clock.Advance(48 * time.Hour)
			refusedFor(t, running, text, "the token expired at")
		})
	}
}

func TestForeignClaimNames(t *testing.T) {
	issuer := startForeignIssuer(t, "oauth2-mock-server")
	running := startTrusting(t, console.JWTSettings{Issuer: issuer.URL, UsernameClaim: "upn", GroupsClaim: "https://shop.example/roles", APIKeyClaim: "conduktor.key"})
	token := issuer.token(t, object{"upn": "amy@shop.example", "https://shop.example/roles": []string{"team-checkout"},
		"email": "other@shop.example", "groups": []string{"kafka-admins"}, "apikey": "mock-admin-key"})
	accepted(t, running, token, "amy@shop.example")
	if got := principalOf(t, running, token).Groups(); !slices.Equal(got, []string{"checkout-team"}) {
		t.Errorf("in %q", got)
	}
	if who := principalOf(t, running, issuer.token(t, object{"upn": "amy@shop.example", "conduktor.key": "mock-admin-key"})); who.Sort != console.SortAdminKey {
		t.Errorf("key in its own claim: %+v", who)
	}
	refusedFor(t, running, issuer.token(t, object{"email": "amy@shop.example"}), `the token has no claim "upn"`, "email", "CDK_SSO_JWTAUTH_USERNAMECLAIM")
}

func TestForeignKeyRotation(t *testing.T) {
	issuer := startForeignIssuer(t, "oauth2-mock-server")
	running := startTrusting(t, console.JWTSettings{Issuer: issuer.URL})
	claims := object{"email": "amy@shop.example"}
	old := issuer.token(t, claims)
	accepted(t, running, old, "amy@shop.example")

	// A key more: both are good, the new one at once.
	issuer.do(t, "adds", object{"alg": "ES256"})
	kids := map[string]bool{kidOf(t, old): true}
	for range 2 {
		token := issuer.token(t, claims)
		kids[kidOf(t, token)] = true
		accepted(t, running, token, "amy@shop.example")
	}
	if len(kids) != 2 {
		t.Fatalf("signed with the keys %v, want two", kids)
	}

	// Another key in place of all, twice in a row.
	before := old
	for _, alg := range []string{"PS256", "EdDSA"} {
		issuer.do(t, "rotates", object{"alg": alg})
		token := issuer.token(t, claims)
		accepted(t, running, token, "amy@shop.example")
		refusedFor(t, running, before, "is not among the issuer's", kidOf(t, token))
		before = token
	}
}

func TestForeignIssuerDown(t *testing.T) {
	issuer := startForeignIssuer(t, "oauth2-mock-server")
	running := startTrusting(t, console.JWTSettings{Issuer: issuer.URL})
	known := issuer.token(t, object{"email": "amy@shop.example"})

	// Down before the first token: 401 with the reason, and good as soon as it is up.
	issuer.do(t, "leaves", nil)
	refusedFor(t, running, known, "discovery of issuer "+issuer.URL, "connection refused")
	issuer.do(t, "returns", nil)
	accepted(t, running, known, "amy@shop.example")
	another := issuer.token(t, object{"email": "bob@shop.example"})
	forged := func() string {
		return compact(object{"alg": "RS256", "kid": "forged"}, object{"iss": issuer.URL, "email": "amy@shop.example"}, unsigned)
	}
	refusedFor(t, running, forged(), `the token's key "forged" (kid) is not among the issuer's`)

	for name, fault := range map[string]struct {
		outage, mend func()
		reason       string
	}{
		"keys": {func() { issuer.do(t, "breaks", object{"path": "/jwks"}) }, func() { issuer.do(t, "breaks", object{"path": ""}) },
			"keys of issuer " + issuer.URL},
		"discovery": {func() { issuer.do(t, "breaks", object{"path": "openid-configuration"}) }, func() { issuer.do(t, "breaks", object{"path": ""}) },
			"discovery of issuer " + issuer.URL},
		"all": {func() { issuer.do(t, "leaves", nil) }, func() { issuer.do(t, "returns", nil) }, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			fault.outage()
			accepted(t, running, known, "amy@shop.example")
			accepted(t, running, another, "bob@shop.example") // never seen before the outage
			unknown := compact(object{"alg": "RS256", "kid": "forged-while-" + name}, object{"iss": issuer.URL}, unsigned)
			refusedFor(t, running, unknown, "no key to check the signature with", fault.reason)
			fault.mend()
			accepted(t, running, issuer.token(t, object{"email": "amy@shop.example"}), "amy@shop.example")
		})
	}
}

func TestForeignDiscovery(t *testing.T) {
	issuer := startForeignIssuer(t, "oauth2-mock-server")
	token := issuer.token(t, object{"email": "amy@shop.example"})
	for name, named := range map[string]string{"another": "https://login.evil.example", "with a slash": issuer.URL + "/"} {
		t.Run(name, func(t *testing.T) {
			issuer.do(t, "names", object{"issuer": named})
			running := startTrusting(t, console.JWTSettings{Issuer: issuer.URL})
			refusedFor(t, running, token, "discovery of issuer "+issuer.URL, `the document names the issuer "`+named+`"`, "set CDK_SSO_JWTAUTH_ISSUER to that")
			issuer.do(t, "names", object{"issuer": issuer.URL})
			accepted(t, running, token, "amy@shop.example")
		})
	}
	// Trusted with a slash, issued without one: refused before anything is fetched.
	running := startTrusting(t, console.JWTSettings{Issuer: issuer.URL + "/"})
	refusedFor(t, running, token, "the issuer differs by a slash at its end", "set CDK_SSO_JWTAUTH_ISSUER to what the token says")
	// A page that is no issuer at all.
	nobody := startTrusting(t, console.JWTSettings{Issuer: running.URL()})
	refusedFor(t, nobody, compact(object{"alg": "RS256", "kid": "x"}, object{"iss": running.URL()}, unsigned), "discovery of issuer "+running.URL(), "404")
}
