package server_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/limits"
)

// says holds a refusal to its surface's form: status, and an error that names the
// limit and the setting that raises it.
func says(t *testing.T, name string, got answer, status int, setting string) {
	t.Helper()
	var body struct {
		Title, Msg  string
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal(got.body, &body); err != nil {
		t.Errorf("%s: %d, no JSON: %.200s", name, got.status, got.body)
		return
	}
	text, form := body.Msg, body.Title
	if body.Error != "" {
		text, form = body.Description, body.Error
	}
	if got.status != status || form == "" || !strings.Contains(text, setting) {
		t.Errorf("%s: %d %.300s, want %d and %q", name, got.status, got.body, status, setting)
	}
}

func TestRequestsAreBounded(t *testing.T) {
	running := start(t, server.Config{Limits: limits.Limits{
		URL: 2000, Headers: 8000, Parameters: 20, Body: 4000, Form: 3000, Seed: 2000, Depth: 10, Page: 50}})
	token := tokenOf(t, running, "admin")
	long := strings.Repeat("x", 2500)
	many := "?a=1" + strings.Repeat("&a=1", 20)
	deep := strings.Repeat(`{"a":`, 11) + "1" + strings.Repeat("}", 11)
	topics := "/api/public/v1/clusters/production/topics"
	for _, surface := range []string{"/api/versions", "/_mock/settings", "/idp/.well-known/openid-configuration", "/idp/token", "/", "/nowhere", "/.well-known/oauth-authorization-server/idp"} {
		method := http.MethodGet
		if surface == "/idp/token" {
			method = http.MethodPost
		}
		says(t, surface+", long address", call(t, running, method, surface+"?"+long, "", nil), 414, "--limit url=")
		says(t, surface+", many parameters", call(t, running, method, surface+many, "", nil), 400, "--limit parameters=")
		says(t, surface+", large headers", exchange(t, running, method, surface, http.Header{"X-Large": {strings.Repeat("x", 9000)}}, nil), 431, "--limit headers=")
	}
	// A page for whoever is at a browser.
	page := call(t, running, "GET", "/idp/authorize?client_id="+long, "", nil)
	if page.status != 414 || !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") || !strings.Contains(string(page.body), "--limit url=") {
		t.Errorf("authorize: %d %s %.300s", page.status, page.header.Get("Content-Type"), page.body)
	}
	says(t, "Console body", call(t, running, "PUT", "/api/public/iam/v2/group", token, strings.Repeat(" ", 4001)), 413, "--limit body=")
	says(t, "Console depth", call(t, running, "PUT", "/api/public/iam/v2/group", token, deep), 400, "--limit depth=")
	says(t, "login body", call(t, running, "POST", "/api/login", "", strings.Repeat(" ", 4001)), 413, "--limit body=")
	says(t, "page", call(t, running, "POST", topics, token, object{"page": 1, "itemsPerPage": 51, "sort": "ByName"}), 400, "--limit page=")
	says(t, "catalog page", call(t, running, "GET", "/api/public/self-serve/v1/catalog?itemsPerPage=51", token, nil), 400, "--limit page=")
	if got := call(t, running, "POST", topics, token, object{"page": 1, "itemsPerPage": 50, "sort": "ByName"}); got.status != 200 {
		t.Errorf("a page of 50: %d %s", got.status, got.body)
	}
	says(t, "control body", mock(t, running, "POST", "/_mock/tokens", strings.Repeat(" ", 4001)), 413, "--limit body=")
	says(t, "control depth", mock(t, running, "POST", "/_mock/tokens", deep), 400, "--limit depth=")
	says(t, "seed", mock(t, running, "POST", "/_mock/seed", yamlText(strings.Repeat("#", 2001))), 413, "--limit seed=")
	says(t, "form", plainForm(t, running, "/idp/token", url.Values{"grant_type": {strings.Repeat("x", 3000)}}), 413, "--limit form=")
	says(t, "form parameters", plainForm(t, running, "/idp/token", url.Values{"a": make([]string, 21)}), 400, "--limit parameters=")
	// Beyond twice the limit nothing is read on.
	huge := exchange(t, running, "GET", "/api/versions", http.Header{"X-Large": {strings.Repeat("x", 64<<10)}}, nil)
	if huge.status != 431 {
		t.Errorf("64 KB of headers: %d", huge.status)
	}
	for path, want := range map[string]int{"/api/versions": 200, "/idp/jwks": 200, "/_mock/settings": 200} {
		if got := call(t, running, "GET", path, "", nil); got.status != want {
			t.Errorf("%s afterwards: %d %s", path, got.status, got.body)
		}
	}
}

// plainForm posts a form as a public client, without credentials.
func plainForm(t testing.TB, running *server.Server, path string, form url.Values) answer {
	t.Helper()
	return send(t, running, "POST", path, "", "application/x-www-form-urlencoded", []byte(form.Encode()))
}

const boundedClients = `
apiVersion: mockduktor/v1
kind: Person
metadata: {name: zoe}
spec: {email: zoe@shop.example, password: not-a-real-password}
---
apiVersion: mockduktor/v1
kind: Person
metadata: {name: zac}
spec: {email: zac@shop.example, password: not-a-real-password}
---
apiVersion: mockduktor/v1
kind: Client
metadata: {name: tv}
spec: {token_endpoint_auth_method: none, grant_types: ["urn:ietf:params:oauth:grant-type:device_code", password, refresh_token]}
`

func TestWorldsAreBounded(t *testing.T) {
	authorize := url.Values{"client_id": {"browser-app"}, "response_type": {"code"}, "redirect_uri": {"http://localhost:3000/callback"},
		"scope": {"openid"}, "state": {"kept"}, "code_challenge": {strings.Repeat("c", 43)}, "code_challenge_method": {"S256"}}
	device := url.Values{"client_id": {"tv"}}
	password := url.Values{"grant_type": {"password"}, "client_id": {"tv"}, "username": {"ada"}, "password": {"ada-password"}, "scope": {"openid"}}
	ada := object{"username": "ada", "password": "ada-password"}
	code := object{"as": "ada", "parameters": object{"client_id": "browser-app", "redirect_uri": "http://localhost:3000/callback", "code_challenge": strings.Repeat("c", 43), "code_challenge_method": "S256"}}
	for name, row := range map[string]struct {
		limits limits.Limits
		good   int // how many times it goes well
		do     func(running *server.Server, n int) answer
		status int
		set    string
	}{
		"logins": {limits.Limits{Sessions: 4}, 2, func(r *server.Server, _ int) answer { return call(t, r, "POST", "/api/login", "", ada) }, 429, "sessions"},
		"sign-ins": {limits.Limits{Sessions: 2}, 2, func(r *server.Server, _ int) answer {
			return mock(t, r, "POST", "/_mock/sessions", object{"as": "ada"})
		}, 429, "sessions"},
		"codes":          {limits.Limits{Grants: 3}, 3, func(r *server.Server, _ int) answer { return mock(t, r, "POST", "/_mock/codes", code) }, 429, "grants"},
		"refresh tokens": {limits.Limits{Grants: 3}, 3, func(r *server.Server, _ int) answer { return plainForm(t, r, "/idp/token", password) }, 503, "grants"},
		"pushed":         {limits.Limits{Pushed: 2}, 2, func(r *server.Server, _ int) answer { return plainForm(t, r, "/idp/par", authorize) }, 503, "pushed"},
		"devices": {limits.Limits{Devices: 2}, 2, func(r *server.Server, _ int) answer {
			return plainForm(t, r, "/idp/device_authorization", device)
		}, 503, "devices"},
		"state": {limits.Limits{State: 4096}, 3, func(r *server.Server, _ int) answer { return plainForm(t, r, "/idp/par", authorize) }, 503, "state"},
		"tokens": {limits.Limits{Tokens: 4}, 2, func(r *server.Server, n int) answer {
			return call(t, r, "GET", "/api/token/v1/whoami", tokenOf(t, r, []string{"ada", "ben", "chloe"}[n%3]), nil)
		}, 429, "tokens"},
		"users": {limits.Limits{Users: 1}, 1, func(r *server.Server, n int) answer {
			login := []string{"zoe", "zac"}[n]
			return call(t, r, "POST", "/api/login", "", object{"username": login, "password": "not-a-real-password"})
		}, 429, "users"},
		"snapshots": {limits.Limits{Snapshots: 2}, 2, func(r *server.Server, n int) answer {
			return mock(t, r, "PUT", fmt.Sprint("/_mock/snapshots/s", n), nil)
		}, 409, "snapshots"},
		"sandboxes": {limits.Limits{Sandboxes: 2}, 2, func(r *server.Server, _ int) answer { return mock(t, r, "POST", "/_mock/sandboxes", nil) }, 409, "sandboxes"},
		"clients": {limits.Limits{Clients: 2}, 2, func(r *server.Server, _ int) answer {
			return send(t, r, "POST", "/idp/register", "", "application/json", []byte(`{"redirect_uris":["http://localhost:3000/x"]}`))
		}, 503, "clients"},
	} {
		t.Run(name, func(t *testing.T) {
			running := start(t, server.Config{Limits: row.limits, DynamicRegistration: true, Documents: seeded(t, boundedClients)})
			for n := range row.good {
				if got := row.do(running, n); got.status >= 400 {
					t.Fatalf("the first %d: %d %s", n+1, got.status, got.body)
				}
			}
			says(t, name, row.do(running, row.good), row.status, "--limit "+row.set+"=")
			if name == "users" {
				// Whoever is there already is not kept out.
				if got := row.do(running, 0); got.status != 200 {
					t.Errorf("somebody known: %d %s", got.status, got.body)
				}
			}
			expectStatus(t, "reset", mock(t, running, "POST", "/_mock/reset", nil), 204)
			if name == "snapshots" || name == "sandboxes" {
				return // a reset keeps them
			}
			if got := row.do(running, 0); got.status >= 400 {
				t.Errorf("after a reset: %d %s", got.status, got.body)
			}
		})
	}

	t.Run("pending", func(t *testing.T) {
		running := start(t, server.Config{Limits: limits.Limits{Pending: 2}})
		for range 2 {
			if got := call(t, running, "GET", "/idp/authorize?"+authorize.Encode(), "", nil); got.status != 302 || !strings.Contains(got.header.Get("Location"), "/signin?") {
				t.Fatalf("%d %s", got.status, got.header.Get("Location"))
			}
		}
		got := call(t, running, "GET", "/idp/authorize?"+authorize.Encode(), "", nil)
		to, err := url.Parse(got.header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		q := to.Query()
		if got.status != 302 || to.Host != "localhost:3000" || q.Get("error") != "temporarily_unavailable" || q.Get("state") != "kept" || !strings.Contains(q.Get("error_description"), "--limit pending=") {
			t.Errorf("%d %s", got.status, to)
		}
	})
}

// The journal keeps as many bytes as it may, however large requests are, and those
// who wait count as those who follow.
func TestJournalBytesAndReadersAreBounded(t *testing.T) {
	running := start(t, server.Config{Limits: limits.Limits{Journal: 100 << 10, Subscribers: 2}})
	for range 30 {
		exchange(t, running, "GET", "/api/versions", http.Header{"X-Large": {strings.Repeat("x", 20<<10)}}, nil)
	}
	if kept := entries(t, running, ""); len(kept) < 2 || len(kept) > 5 || kept[len(kept)-1].Seq != 30 {
		t.Errorf("%d entries are kept", len(kept))
	}
	for range 50 {
		call(t, running, "GET", "/api/versions", "", nil)
	}
	if kept := entries(t, running, ""); len(kept) < 20 {
		t.Errorf("%d small entries are kept", len(kept))
	}
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	first := follow(t, running, client, "/_mock/journal/events")
	follow(t, running, client, "/_mock/journal/events")
	says(t, "a third stream", mock(t, running, "GET", "/_mock/journal/events", nil), 429, "--limit subscribers=")
	says(t, "a wait", mock(t, running, "GET", "/_mock/journal/wait?status=500&timeout=5m", nil), 429, "--limit subscribers=")
	_ = first
}

// dial opens a connection that sends what is given.
func dial(t *testing.T, running *server.Server, text string) net.Conn {
	t.Helper()
	connection, err := net.Dial("tcp", running.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	if _, err := io.WriteString(connection, text); err != nil {
		t.Fatal(err)
	}
	return connection
}

func TestConnectionsAreBounded(t *testing.T) {
	running := start(t, server.Config{Limits: limits.Limits{Connections: 3}})
	held := make([]net.Conn, 3)
	for i := range held {
		held[i] = dial(t, running, "GET /api/versions HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if response, err := http.ReadResponse(bufio.NewReader(held[i]), nil); err != nil || response.StatusCode != 200 {
			t.Fatalf("%v %v", response, err)
		}
	}
	fourth, err := net.Dial("tcp", running.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer fourth.Close()
	if err := fourth.SetReadDeadline(time.Now().Add(time.Minute)); err != nil { // where nothing refuses it, nothing answers
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(fourth), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(response.Body)
	says(t, "one more", answer{response.StatusCode, response.Header, body}, 503, "--limit connections=")
	// One that ends makes room. Its end is seen by the server a moment later, so
	// this asks until it is.
	held[0].Close()
	for {
		again, err := net.Dial("tcp", running.Address())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(again, "GET /api/versions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		response, err := http.ReadResponse(bufio.NewReader(again), nil)
		again.Close()
		if err == nil && response.StatusCode == 200 {
			break
		}
		if t.Context().Err() != nil {
			t.Fatal("no room is made")
		}
	}
}

// Hundreds of connections that send next to nothing (slowloris) are cut once
// their time is over, and hold up nobody meanwhile. Each sends some of its header
// or of its body, and then one byte whenever the server has answered somebody
// else; the test waits for the end of each.
func TestSlowRequestsAreCut(t *testing.T) {
	const each = 150
	running := start(t, server.Config{Timeouts: server.Timeouts{Header: 2 * time.Second, Read: 3 * time.Second}})
	var slow []net.Conn
	for range each {
		slow = append(slow, dial(t, running, "GET /api/versions HTTP/1.1\r\nHost: localhost\r\nX-Slow: "))
		for _, path := range []string{"/api/login", "/idp/token", "/_mock/tokens"} {
			media := map[string]string{"/idp/token": "application/x-www-form-urlencoded"}[path]
			if media == "" {
				media = "application/json"
			}
			slow = append(slow, dial(t, running, "POST "+path+" HTTP/1.1\r\nHost: localhost\r\nContent-Type: "+media+"\r\nContent-Length: 4000\r\n\r\n{"))
		}
	}
	ended := make(chan string, len(slow))
	for _, connection := range slow {
		go func() {
			got, err := io.ReadAll(connection) // until the server ends it
			if err != nil {
				got = append(got, err.Error()...)
			}
			ended <- string(got)
		}()
	}
	statuses, began := map[string]int{}, time.Now()
	for cut := 0; cut < len(slow); {
		if got := call(t, running, "GET", "/api/health/live", "", nil); got.status != 200 {
			t.Fatalf("meanwhile: %d", got.status)
		}
		for _, connection := range slow {
			_, _ = io.WriteString(connection, "x") // fails once it is cut
		}
		for more := true; more; {
			select {
			case got := <-ended:
				cut++
				status, _, _ := strings.Cut(strings.TrimPrefix(got, "HTTP/1.1 "), " ")
				statuses[status]++
			default:
				more = false
			}
		}
	}
	// Those that were within their body were told why, unless what they still sent
	// was quicker than the answer.
	if took := time.Since(began); statuses["200"] > 0 || took > 45*time.Second {
		t.Errorf("answers after %s: %v", took, statuses)
	}
}

// A slow body alone, to see the answer in each surface's form.
func TestSlowBodyIsTold(t *testing.T) {
	running := start(t, server.Config{Timeouts: server.Timeouts{Read: 500 * time.Millisecond}})
	for path, media := range map[string]string{"/api/login": "application/json", "/_mock/tokens": "application/json", "/idp/token": "application/x-www-form-urlencoded"} {
		connection := dial(t, running, "POST "+path+" HTTP/1.1\r\nHost: localhost\r\nContent-Type: "+media+"\r\nContent-Length: 100\r\n\r\n{")
		reader := bufio.NewReader(connection)
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		says(t, path, answer{response.StatusCode, response.Header, body}, 408, "the body did not come within")
		if rest, err := io.ReadAll(reader); err != nil || len(rest) > 0 {
			t.Errorf("%s: the connection goes on: %q %v", path, rest, err)
		}
	}
}
