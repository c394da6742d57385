package goclients

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// proxied is an application that tells what the proxy says of its visitor.
func proxied(t *testing.T) *httptest.Server {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(r.Header)
	}))
	t.Cleanup(app.Close)
	return app
}

// freeAddress is one that nobody listens at: the proxy cannot tell which one it
// took.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// The released proxy as a process of its own, in front of an application.
func TestOAuth2Proxy(t *testing.T) {
	const module = "github.com/oauth2-proxy/oauth2-proxy/v7"
	binary := filepath.Join(t.TempDir(), "oauth2-proxy")
	if out, err := exec.Command("go", "build", "-o", binary, module).CombinedOutput(); err != nil {
		t.Fatalf("build oauth2-proxy: %v\n%s", err, out)
	}
	address := freeAddress(t)
	origin := "http://" + address
	e := serve(t, `
apiVersion: mockduktor/v1
kind: Client
metadata: {name: proxy}
spec: {client_secret: "proxy secret+/%", redirect_uris: ["`+origin+`/oauth2/callback"], grant_types: [authorization_code, refresh_token]}
`)
	p := newParty(t, "oauth2-proxy", module)
	app := proxied(t)
	proxy := exec.Command(binary, "--http-address", address, "--provider", "oidc", "--provider-ca-file", e.caFile,
		"--oidc-issuer-url", e.issuer, "--client-id", "proxy", "--client-secret", "proxy secret+/%", "--redirect-url", origin+"/oauth2/callback",
		"--scope", "openid profile email groups offline_access", "--code-challenge-method", "S256", "--oidc-groups-claim", "groups",
		"--allowed-group", "team-checkout", "--email-domain", "*", "--cookie-secret", "0123456789abcdef0123456789abcdef", "--cookie-secure=false",
		"--cookie-refresh", "1s", "--upstream", app.URL, "--pass-access-token", "--pass-authorization-header", "--skip-provider-button",
		"--backend-logout-url", e.issuer+"/logout?id_token_hint={id_token}")
	log := &bytes.Buffer{}
	proxy.Stdout, proxy.Stderr = log, log
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = proxy.Process.Signal(syscall.SIGTERM)
		_ = proxy.Wait()
		if t.Failed() {
			t.Logf("oauth2-proxy:\n%s", log)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	visitor := e.client(t, nil)
	open := func(t *testing.T, client *http.Client, path string) page {
		t.Helper()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, origin+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		return read(t, response, err)
	}
	seen := func(t *testing.T, answer page) http.Header {
		t.Helper()
		var header http.Header
		if err := json.Unmarshal([]byte(answer.body), &header); err != nil {
			t.Fatalf("%s %s: %s", answer.Status, answer.Request.URL, answer.body)
		}
		return header
	}

	p.feature("discovery", func(t *testing.T) {
		for {
			response, err := http.Get(origin + "/ready")
			if err == nil {
				if ready := read(t, response, nil); ready.StatusCode == http.StatusOK {
					return
				}
			}
			if ctx.Err() != nil {
				t.Fatalf("it is not ready: %v", err)
			}
		}
	})
	if t.Failed() {
		return
	}
	p.feature("TLS", func(t *testing.T) {
		if !strings.HasPrefix(e.issuer, "https://") {
			t.Error(e.issuer)
		}
	})
	var first http.Header
	p.feature("sign-in", func(t *testing.T) {
		asked := open(t, visitor, "/report?x=y")
		if !strings.HasPrefix(asked.Request.URL.String(), e.issuer) {
			t.Fatalf("the proxy does not ask for a sign-in but answers %s: %s", asked.Status, asked.body)
		}
		answer := press(t, visitor, asked, "sign-in-ada")
		first = seen(t, answer)
		if answer.Request.URL.String() != origin+"/report?x=y" || first.Get("X-Forwarded-Email") != "ada@shop.example" {
			t.Errorf("%s %v", answer.Request.URL, first)
		}
	})
	p.feature("PKCE", func(t *testing.T) {
		other := e.client(t, func(u *url.URL) bool { return strings.HasPrefix(u.String(), e.issuer) })
		location, err := open(t, other, "/").Location()
		if err != nil {
			t.Fatal(err)
		}
		if q := location.Query(); q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 {
			t.Errorf("%v", q)
		}
	})
	p.feature("ID token", func(t *testing.T) {
		if token := strings.TrimPrefix(first.Get("Authorization"), "Bearer "); strings.Count(token, ".") != 2 {
			t.Errorf("Authorization %q", first.Get("Authorization"))
		}
	})
	p.feature("groups", func(t *testing.T) {
		if groups := first.Get("X-Forwarded-Groups"); !strings.Contains(groups, "team-checkout") {
			t.Errorf("groups %q", groups)
		}
		// Who is not in the group that it lets in signs in and stays out.
		other := e.client(t, nil)
		if answer := press(t, other, open(t, other, "/"), "sign-in-elena"); answer.StatusCode != http.StatusForbidden {
			t.Errorf("elena: %s %s", answer.Status, answer.body)
		}
	})
	p.feature("refresh", func(t *testing.T) {
		// The proxy refreshes once its session is older than a second.
		for ctx.Err() == nil {
			again := seen(t, open(t, visitor, "/"))
			if token := again.Get("X-Forwarded-Access-Token"); token != first.Get("X-Forwarded-Access-Token") {
				if again.Get("X-Forwarded-Email") != "ada@shop.example" || !strings.Contains(again.Get("X-Forwarded-Groups"), "team-checkout") {
					t.Errorf("after the refresh: %v", again)
				}
				return
			}
		}
		t.Error("the access token stays the same")
	})
	p.feature("logout", func(t *testing.T) {
		last := seen(t, open(t, visitor, "/"))
		userInfo := func() int {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.issuer+"/userinfo", nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+last.Get("X-Forwarded-Access-Token"))
			response, err := visitor.Do(request)
			return read(t, response, err).StatusCode
		}
		if status := userInfo(); status != http.StatusOK {
			t.Fatalf("before: userinfo %d", status)
		}
		visitor.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		if answer := open(t, visitor, "/oauth2/sign_out"); answer.StatusCode != http.StatusFound {
			t.Errorf("sign out: %s", answer.Status)
		}
		// The session at the identity provider ended with it.
		response, err := visitor.Get(e.issuer + "/authorize?" + url.Values{"client_id": {"proxy"}, "redirect_uri": {origin + "/oauth2/callback"}, "response_type": {"code"}, "scope": {"openid"}, "prompt": {"none"}}.Encode())
		location, err := read(t, response, err).Location()
		if err != nil || location.Query().Get("error") != "login_required" {
			t.Errorf("still signed in there: %v %v", location, err)
		}
		if answer := open(t, visitor, "/"); answer.StatusCode != http.StatusFound {
			t.Errorf("still signed in at the proxy: %s", answer.Status)
		}
	})
}
