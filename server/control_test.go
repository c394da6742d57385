package server_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server"
)

// mock calls the control API below a base such as "" or "/s/one". The body is
// JSON, or YAML when it is a yamlText.
func mock(t testing.TB, running *server.Server, method, path string, body any) answer {
	t.Helper()
	media, reader := "application/json", io.Reader(nil)
	switch body := body.(type) {
	case nil:
	case yamlText:
		media, reader = "application/yaml", strings.NewReader(string(body))
	case string:
		reader = strings.NewReader(body)
	default:
		encoded, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		reader = bytes.NewReader(encoded)
	}
	header := http.Header{}
	if body != nil {
		header.Set("Content-Type", media)
	}
	return exchange(t, running, method, path, header, reader)
}

type yamlText string

// exchange sends one request with header fields of its own.
func exchange(t testing.TB, running *server.Server, method, path string, header http.Header, body io.Reader) answer {
	t.Helper()
	return exchangeBy(t, http.DefaultClient, method, "http://"+running.Address()+path, header, body)
}

func exchangeBy(t testing.TB, client *http.Client, method, address string, header http.Header, body io.Reader) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, data}
}

// expectStatus ends the test unless the answer has the status and its body holds
// each of the texts.
func expectStatus(t testing.TB, what string, got answer, status int, holds ...string) {
	t.Helper()
	if got.status != status {
		t.Fatalf("%s: %d, expected %d: %s", what, got.status, status, got.body)
	}
	for _, text := range holds {
		if !strings.Contains(string(got.body), text) {
			t.Fatalf("%s: %d %s\nexpected it to hold %q", what, got.status, got.body, text)
		}
	}
}

// Whoever reaches the control API may use it, so pages of other sites must not
// reach it through a browser.
func TestControlRefusesPagesOfOtherOrigins(t *testing.T) {
	running := start(t, server.Config{})
	put := `{"apiVersion":"mockduktor/v1","kind":"Person","metadata":{"name":"mallory"},"spec":{}}`
	for name, row := range map[string]struct {
		method, path, body string
		header             map[string]string
		status             int
	}{
		"a form's body":             {"POST", "/_mock/tokens", `{"as":"ada","client_id":"backstage"}`, map[string]string{"Content-Type": "text/plain"}, 415},
		"no type":                   {"POST", "/_mock/tokens", `{"as":"ada","client_id":"backstage"}`, nil, 415},
		"a form of another origin":  {"POST", "/_mock/reset", "", map[string]string{"Origin": "https://evil.example"}, 403},
		"a page without an origin":  {"POST", "/_mock/reset", "", map[string]string{"Origin": "null"}, 403},
		"by fetch metadata":         {"POST", "/_mock/reset", "", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		"another port of this host": {"DELETE", "/_mock/clock", "", map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
		"a put of another origin":   {"PUT", "/_mock/v1/person", put, map[string]string{"Content-Type": "application/json", "Origin": "https://evil.example"}, 403},
		"a page of the server":      {"POST", "/_mock/reset", "", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://" + running.Address()}, 204},
		"a program":                 {"POST", "/_mock/reset", "", nil, 204},
		"reading":                   {"GET", "/_mock/clock", "", map[string]string{"Sec-Fetch-Site": "cross-site"}, 200},
	} {
		header := http.Header{}
		for field, value := range row.header {
			header.Set(field, value)
		}
		got := exchange(t, running, row.method, row.path, header, strings.NewReader(row.body))
		if got.status != row.status {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		if got.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: another origin may read the answer", name)
		}
	}
	expectStatus(t, "mallory", mock(t, running, "GET", "/_mock/v1/person/mallory", nil), 404)
}

// withoutRedirects gets a page and shows where it would lead.
func withoutRedirects(t testing.TB, running *server.Server, path string, header http.Header) answer {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return exchangeBy(t, client, "GET", "http://"+running.Address()+path, header, nil)
}

// What the document describes is served, and what is served below /_mock is
// described, but for the pages.
func TestControlServesItsDocument(t *testing.T) {
	running := start(t, server.Config{})
	var document struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(openapi.Mock().JSON(), &document); err != nil {
		t.Fatal(err)
	}
	routed := map[string]bool{}
	parameter := regexp.MustCompile(`:([^/]+)`)
	for _, path := range running.RoutePaths() {
		routed[parameter.ReplaceAllString(path, "{$1}")] = true
	}
	unanswered := 0
	for path, operations := range document.Paths {
		for method := range operations {
			method = strings.ToUpper(method)
			if strings.Contains(string(operations[strings.ToLower(method)]), "text/event-stream") {
				unanswered++ // would not end
				continue
			}
			// A body of no known type is refused before it is looked at, a name of
			// nothing is not found: whatever the answer, it is the operation's.
			got := exchange(t, running, method, strings.NewReplacer("{", "", "}", "").Replace(path), http.Header{"Content-Type": {"text/plain"}}, strings.NewReader("{"))
			if got.status == http.StatusMethodNotAllowed || strings.Contains(string(got.body), "There is no "+method) {
				t.Errorf("%s %s is described and not served: %d %s", method, path, got.status, got.body)
			}
			if !routed[path] {
				t.Errorf("%s is described and has no route", path)
			}
		}
	}
	for path := range routed {
		if _, described := document.Paths[path]; strings.HasPrefix(path, "/_mock/") && !described && !strings.HasPrefix(path, "/_mock/docs") {
			t.Errorf("%s is served and not described", path)
		}
	}
	if len(document.Paths) < 40 || unanswered > 5 {
		t.Errorf("%d paths, %d not tried", len(document.Paths), unanswered)
	}
}
