package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server"
)

// fault adds a rule, in JSON, below a base such as "" or "/s/one".
func fault(t testing.TB, running *server.Server, base, rule string) {
	t.Helper()
	expectStatus(t, "fault "+rule, mock(t, running, "POST", base+"/_mock/faults", rule), 201)
}

func noFaults(t testing.TB, running *server.Server) {
	t.Helper()
	expectStatus(t, "delete the faults", mock(t, running, "DELETE", "/_mock/faults", nil), 204)
}

// try is the CLI's request where the connection may end.
func (c *cli) try(t testing.TB, method, path, body string) (*http.Response, []byte, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-CDK-CLIENT", "CLI/v0.7.0")
	request.Header.Set("Authorization", c.authorization)
	// Each command is a process, so no connection is used twice; on one that was,
	// net/http asks again by itself.
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	return response, data, err
}

const faultyTopics = "/public/kafka/v2/cluster/production/topic"

// Every effect on the Console, as the CLI sees it.
func TestFaultsAtTheConsole(t *testing.T) {
	running := start(t, server.Config{})
	ada := asPerson(t, running, "ada")
	_, whole, err := ada.try(t, "GET", faultyTopics, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		effect string
		check  func(t *testing.T, response *http.Response, body []byte, err error, took time.Duration)
	}{
		"status": {`{"status": 503, "title": "Out of order", "message": "come back later"}`, func(t *testing.T, r *http.Response, body []byte, _ error, _ time.Duration) {
			got := cliError(answer{status: r.StatusCode, body: body})
			if r.StatusCode != 503 || got == nil || !strings.Contains(got.Error(), "the fault here was applied") || !strings.Contains(string(body), "Out of order") || !strings.Contains(string(body), "come back later") {
				t.Errorf("%d %s, and the CLI prints %v", r.StatusCode, body, got)
			}
		}},
		"status that no document lists": {`{"status": 418}`, func(t *testing.T, r *http.Response, body []byte, _ error, _ time.Duration) {
			if r.StatusCode != 418 || !strings.Contains(string(body), "I'm a teapot") {
				t.Errorf("%d %s", r.StatusCode, body)
			}
		}},
		"too many requests": {`{"status": 429, "retry_after": 7}`, func(t *testing.T, r *http.Response, body []byte, _ error, _ time.Duration) {
			if r.StatusCode != 429 || r.Header.Get("Retry-After") != "7" || !strings.Contains(string(body), "Too many requests") {
				t.Errorf("%d %v %s", r.StatusCode, r.Header, body)
			}
		}},
		"latency": {`{"latency": "60ms", "jitter": "20ms"}`, func(t *testing.T, r *http.Response, body []byte, err error, took time.Duration) {
			if err != nil || took < 60*time.Millisecond || string(body) != string(whole) {
				t.Errorf("after %s: %v %d bytes", took, err, len(body))
			}
		}},
		"dropped before the headers": {`{"drop": "before_headers"}`, func(t *testing.T, r *http.Response, _ []byte, err error, _ time.Duration) {
			if r != nil || !errors.Is(err, io.EOF) {
				t.Errorf("%v %v", r, err)
			}
		}},
		"dropped after the headers": {`{"drop": "after_headers"}`, func(t *testing.T, r *http.Response, body []byte, err error, _ time.Duration) {
			if r == nil || r.StatusCode != 200 || len(body) > 0 || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%v %q %v", r, body, err)
			}
		}},
		"truncated": {`{"truncate": 100}`, func(t *testing.T, r *http.Response, body []byte, err error, _ time.Duration) {
			if r == nil || string(body) != string(whole[:100]) || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%d bytes, %v", len(body), err)
			}
		}},
		"malformed": {`{"malformed": true}`, func(t *testing.T, r *http.Response, body []byte, err error, _ time.Duration) {
			if err != nil || r.StatusCode != 200 || json.Valid(body) || len(body) != len(whole)/2 {
				t.Errorf("%v: %d bytes of %d, valid: %v", err, len(body), len(whole), json.Valid(body))
			}
		}},
		"slow drip": {`{"drip": {"bytes": 4000, "every": "20ms"}}`, func(t *testing.T, _ *http.Response, body []byte, err error, took time.Duration) {
			if err != nil || string(body) != string(whole) || took < 20*time.Millisecond {
				t.Errorf("after %s: %v, %d bytes of %d", took, err, len(body), len(whole))
			}
		}},
		"malformed error": {`{"status": 500, "malformed": true}`, func(t *testing.T, r *http.Response, body []byte, err error, _ time.Duration) {
			if err != nil || r.StatusCode != 500 || json.Valid(body) {
				t.Errorf("%v %s", err, body)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			defer noFaults(t, running)
			fault(t, running, "", `{"id": "here", "match": {"operation": "listTopic"}, "times": 1, "effect": `+row.effect+`}`)
			began := time.Now()
			response, body, err := ada.try(t, "GET", faultyTopics, "")
			row.check(t, response, body, err, time.Since(began))
			if _, again, err := ada.try(t, "GET", faultyTopics, ""); err != nil || string(again) != string(whole) {
				t.Errorf("the second request, which is none of the fault's: %v %s", err, again)
			}
			entry := mock(t, running, "GET", "/_mock/journal/wait?fault=here&surface=console&since="+fmt.Sprint(journalLast(t, running)-3), nil)
			expectStatus(t, "the journal's entry", entry, 200, `"fault":{"id":"here"`)
		})
	}
}

// Errors take the form that the operation has for them: the older ones answer
// 400 in plain text.
func TestFaultsTakeTheFormOfTheOperation(t *testing.T) {
	running := start(t, server.Config{})
	fault(t, running, "", `{"match": {"path": "/public/v1/g*s", "method": "POST"}, "effect": {"status": 400, "message": "not now"}}`)
	got := call(t, running, "POST", "/api/public/v1/groups", tokenOf(t, running, "ada"), map[string]any{})
	if got.status != 400 || string(got.body) != "not now" || !strings.HasPrefix(got.header.Get("Content-Type"), "text/plain") {
		t.Errorf("%d %s %s", got.status, got.header.Get("Content-Type"), got.body)
	}
}

// journalLast is the seq of the newest entry.
func journalLast(t testing.TB, running *server.Server) uint64 {
	t.Helper()
	var list struct{ Last uint64 }
	mock(t, running, "GET", "/_mock/journal?limit=1", nil).json(t, &list)
	return list.Last
}

// Rules choose by who calls, how often, and when.
func TestFaultsMatch(t *testing.T) {
	running := start(t, server.Config{})
	topics := func(token string) int { return call(t, running, "GET", faultyTopics, token, nil).status }
	ada, ben := tokenOf(t, running, "ada"), tokenOf(t, running, "ben")
	expect := func(what, token string, want ...int) {
		t.Helper()
		for i, status := range want {
			if got := topics(token); got != status {
				t.Errorf("%s, request %d: %d, expected %d", what, i+1, got, status)
			}
		}
	}
	fault(t, running, "", `{"match": {"person": "ada"}, "effect": {"status": 503}}`)
	expect("Ada by her login", ada, 503)
	expect("Ben", ben, 200)
	noFaults(t, running)
	fault(t, running, "", `{"match": {"person": "ADA@shop.example"}, "effect": {"status": 503}}`)
	expect("Ada by her e-mail", ada, 503)
	noFaults(t, running)
	fault(t, running, "", `{"match": {"client_id": "ci"}, "effect": {"status": 503}}`)
	expect("another client", ada, 200)
	fault(t, running, "", `{"match": {"client_id": "backstage", "path": "/public/kafka/**", "method": "GET"}, "skip": 1, "times": 2, "effect": {"status": 502}}`)
	expect("skipped once, twice wrong", ada, 200, 502, 502, 200)
	expectStatus(t, "counters", mock(t, running, "GET", "/_mock/faults", nil), 200, `"fired":2`, `"matched":3`)
	noFaults(t, running)

	fault(t, running, "", `{"match": {"surface": "console"}, "effect": {"status": 503}}`)
	expect("nobody's token", "no-token", 503)
	expect("health", "", 503)
	noFaults(t, running)

	fault(t, running, "", `{"id": "a", "match": {"operation": "listTopic"}, "times": 1, "effect": {"status": 501}}`)
	fault(t, running, "", `{"id": "b", "match": {"operation": "listTopic"}, "effect": {"status": 502}}`)
	expect("the first that is not used up", ada, 501, 502, 502)
	noFaults(t, running)

	clock := func(at string) {
		expectStatus(t, "clock", mock(t, running, "PUT", "/_mock/clock", map[string]any{"now": at, "frozen": true}), 200)
	}
	clock("2031-01-01T00:00:00Z")
	ada = tokenOf(t, running, "ada")
	fault(t, running, "", `{"match": {"surface": "console"}, "window": {"from": "2031-01-01T00:01:00Z", "until": "2031-01-01T00:02:00Z"}, "effect": {"status": 503}}`)
	expect("before the window", ada, 200)
	clock("2031-01-01T00:01:00Z")
	expect("in the window", ada, 503)
	clock("2031-01-01T00:02:00Z")
	expect("after the window", ada, 200)
	noFaults(t, running)

	draw := func() (list []int) {
		expectStatus(t, "put", mock(t, running, "PUT", "/_mock/faults/dice", `{"match": {"surface": "console"}, "probability": 0.5, "seed": 7, "effect": {"status": 503}}`), 200)
		for range 20 {
			list = append(list, topics(ada))
		}
		return list
	}
	first, second := fmt.Sprint(draw()), fmt.Sprint(draw())
	if first != second || !strings.Contains(first, "503") || !strings.Contains(first, "200") {
		t.Errorf("half of the requests: %s, then %s", first, second)
	}
}

// The login is refused by whom it is for.
func TestFaultAtTheLogin(t *testing.T) {
	running := start(t, server.Config{})
	fault(t, running, "", `{"match": {"path": "/login", "person": "ada"}, "effect": {"status": 500}}`)
	for login, want := range map[string]int{"ada": 500, "ben": 200} {
		if got := call(t, running, "POST", "/api/login", "", map[string]string{"username": login, "password": login + "-password"}); got.status != want {
			t.Errorf("%s: %d %s", login, got.status, got.body)
		}
	}
}

// A sandbox has faults of its own; those of the main world reach it only if they
// say so.
func TestFaultsOfSandboxes(t *testing.T) {
	running := start(t, server.Config{})
	expectStatus(t, "open", mock(t, running, "POST", "/_mock/sandboxes", `{"id": "one"}`), 201)
	ready := func(base string) int { return call(t, running, "GET", base+"/api/health/ready", "", nil).status }
	expect := func(what string, main, sandbox int) {
		t.Helper()
		if a, b := ready(""), ready("/s/one"); a != main || b != sandbox {
			t.Errorf("%s: %d and %d in the sandbox, expected %d and %d", what, a, b, main, sandbox)
		}
	}
	fault(t, running, "", `{"match": {"surface": "console"}, "effect": {"status": 502}}`)
	expect("of the main world", 502, 200)
	fault(t, running, "/s/one", `{"match": {"surface": "console"}, "effect": {"status": 501}}`)
	expect("of both", 502, 501)
	expectStatus(t, "delete", mock(t, running, "DELETE", "/s/one/_mock/faults", nil), 204)
	noFaults(t, running)
	fault(t, running, "", `{"id": "everywhere", "match": {"surface": "console"}, "global": true, "effect": {"status": 503}}`)
	expect("global", 503, 503)
	expectStatus(t, "counted in the main world", mock(t, running, "GET", "/_mock/faults/everywhere", nil), 200, `"fired":2`)
	expectStatus(t, "the sandbox's list", mock(t, running, "GET", "/s/one/_mock/faults", nil), 200, "[]")
}

// A seed may have faults; a reset returns to them and to their counters.
func TestFaultsOfTheSeed(t *testing.T) {
	documents, err := seed.Default()
	if err != nil {
		t.Fatal(err)
	}
	more, err := seed.Parse([]byte(`
apiVersion: mockduktor/v1
kind: Fault
metadata: {name: once}
spec: {match: {surface: console}, times: 1, effect: {status: 503}}
`))
	if err != nil {
		t.Fatal(err)
	}
	running := start(t, server.Config{Documents: append(documents, more...)})
	ready := func() int { return call(t, running, "GET", "/api/health/ready", "", nil).status }
	for round := range 2 {
		if a, b := ready(), ready(); a != 503 || b != 200 {
			t.Errorf("round %d: %d, then %d", round, a, b)
		}
		fault(t, running, "", `{"match": {"surface": "console"}, "effect": {"status": 502}}`)
		if got := ready(); got != 502 {
			t.Errorf("round %d: the added fault answers %d", round, got)
		}
		expectStatus(t, "reset", mock(t, running, "POST", "/_mock/reset", nil), 204)
	}
}

// What is wrong with a rule is said by field, and nothing changes.
func TestBadFaults(t *testing.T) {
	running := start(t, server.Config{})
	for rule, field := range map[string]string{
		`{}`:                              "effect",
		`{"effect": {}}`:                  "effect",
		`{"effect": {"status": 200}}`:     "effect.status",
		`{"effect": {"latency": "fast"}}`: "effect.latency",
		`{"effect": {"latency": "10m"}}`:  "effect.latency",
		`{"effect": {"jitter": "1s"}}`:    "effect.jitter",
		`{"effect": {"title": "x"}}`:      "effect.title",
		`{"effect": {"retry_after": 5}}`:  "effect.retry_after",
		`{"effect": {"drop": "before_headers", "status": 500}}`:                                                    "effect.drop",
		`{"effect": {"drop": "after_headers", "truncate": 5}}`:                                                     "effect.drop",
		`{"effect": {"issuer": "https://x.example"}}`:                                                              "effect.issuer",
		`{"effect": {"revoke_refresh_token": true}}`:                                                               "effect.revoke_refresh_token",
		`{"effect": {"drip": {"bytes": 5}}}`:                                                                       "every",
		`{"match": {"operation": "listTopix"}, "effect": {"status": 500}}`:                                         "match.operation",
		`{"match": {"surface": "console", "operation": "token"}, "effect": {"status": 500}}`:                       "match.operation",
		`{"match": {"surface": "idp"}, "effect": {"status": 500, "title": "x"}}`:                                   "effect.title",
		`{"match": {"surface": "console"}, "effect": {"status": 500, "error": "x"}}`:                               "effect.error",
		`{"match": {"path": "topics"}, "effect": {"status": 500}}`:                                                 "match.path",
		`{"match": {"surface": "mock"}, "effect": {"status": 500}}`:                                                "match.surface",
		`{"probability": 2, "effect": {"status": 500}}`:                                                            "probability",
		`{"window": {"from": "2031-01-02T00:00:00Z", "until": "2031-01-01T00:00:00Z"}, "effect": {"status": 500}}`: "window.until",
		`{"effects": {"status": 500}, "effect": {"status": 500}}`:                                                  "effects",
	} {
		expectStatus(t, rule, mock(t, running, "POST", "/_mock/faults", rule), 400, field)
	}
	expectStatus(t, "no fault was kept", mock(t, running, "GET", "/_mock/faults", nil), 200, "[]")
	fault(t, running, "", `{"id": "a", "effect": {"status": 500}}`)
	expectStatus(t, "again", mock(t, running, "POST", "/_mock/faults", `{"id": "a", "effect": {"status": 500}}`), 409, "already exists")
	expectStatus(t, "another id", mock(t, running, "PUT", "/_mock/faults/a", `{"id": "b", "effect": {"status": 500}}`), 400, "differs")
	expectStatus(t, "drop", mock(t, running, "DELETE", "/_mock/faults/a", nil), 204)
	expectStatus(t, "gone", mock(t, running, "DELETE", "/_mock/faults/a", nil), 404, "no fault")
	for i := range 100 {
		fault(t, running, "", fmt.Sprintf(`{"id": "f%d", "effect": {"status": 500}}`, i))
	}
	expectStatus(t, "one too many", mock(t, running, "POST", "/_mock/faults", `{"effect": {"status": 500}}`), 409, "100 faults")
}

// relyingParty is what a Go program has of an identity provider.
type relyingParty struct {
	*oidc.Provider
	config oauth2.Config
}

func rely(t testing.TB, running *server.Server) *relyingParty {
	t.Helper()
	provider, err := oidc.NewProvider(t.Context(), running.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	return &relyingParty{provider, oauth2.Config{ClientID: "conduktor-cli", Endpoint: provider.Endpoint(), Scopes: []string{"openid", "email", "groups", "offline_access"}}}
}

func (r *relyingParty) token(t testing.TB, login string) *oauth2.Token {
	t.Helper()
	token, err := r.config.PasswordCredentialsToken(t.Context(), login, login+"-password")
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// refreshed is what a program gets when the access token has run out.
func (r *relyingParty) refreshed(t testing.TB, token *oauth2.Token) (*oauth2.Token, error) {
	t.Helper()
	return r.config.TokenSource(t.Context(), &oauth2.Token{RefreshToken: token.RefreshToken, Expiry: time.Unix(1, 0)}).Token()
}

func groupsIn(t testing.TB, r *relyingParty, token *oauth2.Token) string {
	t.Helper()
	raw, _ := token.Extra("id_token").(string)
	checked, err := r.Verifier(&oidc.Config{ClientID: r.config.ClientID}).Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ Groups []string }
	if err := checked.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	return strings.Join(claims.Groups, " ")
}

// Every effect on the identity provider, as go-oidc and x/oauth2 see it.
func TestFaultsAtTheIdentityProvider(t *testing.T) {
	running := start(t, server.Config{})
	party := rely(t, running)
	run := func(name string, test func(t *testing.T)) {
		t.Run(name, func(t *testing.T) {
			defer func() { expectStatus(t, "reset", mock(t, running, "POST", "/_mock/reset", nil), 204) }()
			test(t)
		})
	}
	run("wrong issuer", func(t *testing.T) {
		fault(t, running, "", `{"match": {"operation": "discovery"}, "times": 1, "effect": {"issuer": "https://elsewhere.example"}}`)
		_, err := oidc.NewProvider(t.Context(), running.Issuer())
		contains(t, "discovery", err, "elsewhere.example", "did not match")
		if _, err := oidc.NewProvider(t.Context(), running.Issuer()); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
	run("JWKS outage", func(t *testing.T) {
		token := party.token(t, "ada")
		fault(t, running, "", `{"match": {"operation": "jwks"}, "effect": {"status": 503}}`)
		provider, err := oidc.NewProvider(t.Context(), running.Issuer())
		if err != nil {
			t.Fatal(err)
		}
		_, err = provider.Verifier(&oidc.Config{ClientID: "conduktor-cli"}).Verify(t.Context(), token.Extra("id_token").(string))
		contains(t, "verify", err, "503", "temporarily_unavailable")
	})
	run("token refused", func(t *testing.T) {
		fault(t, running, "", `{"match": {"operation": "token", "person": "ada@shop.example", "client_id": "conduktor-cli"}, "effect": {"status": 400, "error": "invalid_grant", "message": "not today"}}`)
		_, err := party.config.PasswordCredentialsToken(t.Context(), "ada", "ada-password")
		var refused *oauth2.RetrieveError
		if !errors.As(err, &refused) || refused.ErrorCode != "invalid_grant" || refused.ErrorDescription != "not today" {
			t.Errorf("%v", err)
		}
		party.token(t, "ben")
	})
	run("too many requests", func(t *testing.T) {
		fault(t, running, "", `{"match": {"operation": "token", "grant_type": "password"}, "effect": {"status": 429, "retry_after": 9}}`)
		_, err := party.config.PasswordCredentialsToken(t.Context(), "ada", "ada-password")
		var refused *oauth2.RetrieveError
		if !errors.As(err, &refused) || refused.Response.StatusCode != 429 || refused.Response.Header.Get("Retry-After") != "9" || refused.ErrorCode != "slow_down" {
			t.Errorf("%v", err)
		}
	})
	for _, keep := range []bool{false, true} {
		how := map[bool]string{false: "replace", true: "add"}[keep]
		run("keys rotated at the second request: "+how, func(t *testing.T) {
			old := party.token(t, "ada")
			fault(t, running, "", `{"match": {"operation": "token"}, "skip": 1, "times": 1, "effect": {"rotate_keys": "`+how+`"}}`)
			same, fresh := party.token(t, "ada"), party.token(t, "ada")
			kid := func(token *oauth2.Token) string { return strings.Split(token.AccessToken, ".")[0] }
			if kid(same) != kid(old) || kid(fresh) == kid(old) {
				t.Errorf("headers %s, %s, %s", kid(old), kid(same), kid(fresh))
			}
			verifier := party.Verifier(&oidc.Config{ClientID: "conduktor-cli"})
			if _, err := verifier.Verify(t.Context(), fresh.Extra("id_token").(string)); err != nil {
				t.Errorf("the new key is not fetched: %v", err)
			}
			fetched := oidc.NewRemoteKeySet(t.Context(), running.Issuer()+"/jwks")
			_, err := fetched.VerifySignature(t.Context(), old.AccessToken)
			who := call(t, running, "GET", "/token/v1/whoami", old.AccessToken, nil)
			if (err == nil) != keep || (who.status == 200) != keep {
				t.Errorf("the old token: %v, and the Console answers %d %s", err, who.status, who.body)
			}
			if who := call(t, running, "GET", "/token/v1/whoami", fresh.AccessToken, nil); who.status != 200 {
				t.Errorf("the new token: %d %s", who.status, who.body)
			}
		})
	}
	run("refresh token revoked", func(t *testing.T) {
		token := party.token(t, "ada")
		fault(t, running, "", `{"match": {"surface": "idp", "grant_type": "refresh_token", "person": "ada"}, "times": 1, "effect": {"revoke_refresh_token": true}}`)
		_, err := party.refreshed(t, token)
		var refused *oauth2.RetrieveError
		if !errors.As(err, &refused) || refused.ErrorCode != "invalid_grant" {
			t.Errorf("%v", err)
		}
		if _, err := party.UserInfo(t.Context(), oauth2.StaticTokenSource(token)); err == nil {
			t.Error("the access token of the ended grant is still good")
		}
		if _, err := party.refreshed(t, party.token(t, "ada")); err != nil {
			t.Errorf("the next grant: %v", err)
		}
	})
	run("groups change in the middle of a session", func(t *testing.T) {
		token := party.token(t, "ada")
		if got := groupsIn(t, party, token); !strings.Contains(got, "team-checkout") {
			t.Fatalf("groups at first: %s", got)
		}
		if got := call(t, running, "GET", faultyTopics+"/checkout.orders.placed.v1", token.AccessToken, nil); got.status == 401 {
			t.Fatalf("%d %s", got.status, got.body)
		}
		fault(t, running, "", `{"match": {"operation": "token", "grant_type": "refresh_token"}, "times": 1, "effect": {"groups": {"groups": ["team-data"]}}}`)
		next, err := party.refreshed(t, token)
		if err != nil {
			t.Fatal(err)
		}
		if got := groupsIn(t, party, next); got != "team-data" {
			t.Errorf("groups afterwards: %s", got)
		}
	})
	for name, effect := range map[string]string{
		"dropped before the headers": `{"drop": "before_headers"}`, "dropped after the headers": `{"drop": "after_headers"}`,
		"truncated": `{"truncate": 9}`, "malformed": `{"malformed": true}`,
	} {
		run(name, func(t *testing.T) {
			token := oauth2.StaticTokenSource(party.token(t, "ada"))
			fault(t, running, "", `{"match": {"operation": "userinfo", "person": "ada"}, "times": 1, "effect": `+effect+`}`)
			// On a connection that was used before, net/http would ask again by itself.
			fresh := oidc.ClientContext(t.Context(), &http.Client{Transport: &http.Transport{DisableKeepAlives: true}})
			_, err := party.UserInfo(fresh, token)
			contains(t, "userinfo", err, map[string]string{"dropped before the headers": "EOF", "malformed": "JSON"}[name])
			if info, err := party.UserInfo(t.Context(), token); err != nil || info.Email != "ada@shop.example" {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
	run("slow drip", func(t *testing.T) {
		fault(t, running, "", `{"match": {"operation": "jwks"}, "times": 1, "effect": {"drip": {"bytes": 1000, "every": "5ms"}}}`)
		keys := oidc.NewRemoteKeySet(t.Context(), running.Issuer()+"/jwks")
		if _, err := keys.VerifySignature(t.Context(), party.token(t, "ada").AccessToken); err != nil {
			t.Error(err)
		}
	})
	run("latency ends with the client", func(t *testing.T) {
		token := oauth2.StaticTokenSource(party.token(t, "ada"))
		fault(t, running, "", `{"id": "slow", "match": {"operation": "userinfo"}, "effect": {"latency": "5m"}}`)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := party.UserInfo(ctx, token); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		// The server has noticed: its entry is written when the request is over.
		expectStatus(t, "the entry", mock(t, running, "GET", "/_mock/journal/wait?fault=slow&outcome=aborted&timeout=30s", nil), 200)
	})
	run("authorize, seen on a page", func(t *testing.T) {
		fault(t, running, "", `{"match": {"operation": "authorize", "client_id": "browser-app"}, "effect": {"status": 503, "message": "closed for works"}}`)
		got := call(t, running, "GET", "/idp/authorize?"+url.Values{"client_id": {"browser-app"}}.Encode(), "", nil)
		if got.status != 503 || !strings.Contains(string(got.body), "closed for works") || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
}
