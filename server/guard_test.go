package server_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/server"
)

// mockCall calls the control API by a name of the server, with a key.
func mockCall(t *testing.T, running *server.Server, method, path, host, key string) answer {
	t.Helper()
	_, port, _ := strings.Cut(running.Address()[strings.LastIndex(running.Address(), ":"):], ":")
	request, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1:"+port+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = strings.ReplaceAll(host, "PORT", port)
	if key != "" {
		request.Header.Set(server.MockKeyHeader, key)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, body}
}

// TestMockByName: without a key the control API answers to the server's own names
// alone, so that a page whose name leads to 127.0.0.1 gets nothing (DNS rebinding).
func TestMockByName(t *testing.T) {
	running := start(t, server.Config{PublicURL: "http://mock.shop.example:8080", Network: server.Network{BackChannelHosts: []string{"mockduktor:8080"}}})
	for host, status := range map[string]int{
		"127.0.0.1:PORT": 204, "localhost:PORT": 204, "app.localhost": 204, "[::1]:PORT": 204, "127.9.9.9": 204,
		"mock.shop.example:8080": 204, "MOCK.shop.example": 204, "mockduktor:8080": 204,
		"attacker.example:PORT": 403, "attacker.example": 403, "mockduktor:9090": 403, "localhost.attacker.example": 403,
		"10.1.2.3:8080": 403, "[2001:db8::1]": 403,
	} {
		got := mockCall(t, running, http.MethodPost, "/_mock/reset", host, "")
		if got.status != status {
			t.Errorf("%s: %d %s, want %d", host, got.status, got.body, status)
		}
		if status == 403 && !strings.Contains(string(got.body), "--back-channel-host") {
			t.Errorf("%s: the refusal names no remedy: %s", host, got.body)
		}
	}
	if got := mockCall(t, running, http.MethodGet, "/_mock/settings", "attacker.example", ""); got.status != 200 {
		t.Errorf("settings: %d %s", got.status, got.body)
	}
}

// TestMockKey: with a key the name is no matter, and off loopback there is no way
// without one; a sandbox is guarded as the main world is.
func TestMockKey(t *testing.T) {
	const key = "not-a-real-key-7f3a"
	open := func(config server.Config) *server.Server {
		running, err := server.Start(config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := running.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		return running
	}
	keyed := open(server.Config{Listen: "127.0.0.1:0", MockKey: key})
	exposed := open(server.Config{Listen: "0.0.0.0:0"})
	both := open(server.Config{Listen: "0.0.0.0:0", MockKey: key})
	for name, running := range map[string]*server.Server{"keyed": keyed, "exposed": exposed, "both": both} {
		if _, err := running.OpenSandbox("box", "", 0); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/_mock/reset", "/s/box/_mock/reset"} {
			for given, status := range map[string]int{"": 403, "wrong": 403, key + " ": 204, key: 204} {
				if running == exposed {
					status = 403
				}
				got := mockCall(t, running, http.MethodPost, path, "anything.example", given)
				if got.status != status {
					t.Errorf("%s %s with %q: %d %s, want %d", name, path, given, got.status, got.body, status)
				}
				if status == 403 && !strings.Contains(string(got.body), "--mock-key") {
					t.Errorf("%s %s: the refusal names no remedy: %s", name, path, got.body)
				}
				if strings.Contains(string(got.body), key) {
					t.Errorf("%s %s: the refusal tells the key", name, path)
				}
			}
		}
		if got := mockCall(t, running, http.MethodGet, "/_mock/openapi.json", "anything.example", ""); got.status != 200 {
			t.Errorf("%s: the document: %d", name, got.status)
		}
	}
}
