package server_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/mockduktor/mockduktor/server"
)

// trusting is a client that trusts one CA alone.
func trusting(t *testing.T, ca []byte) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		t.Fatal("no certificate in the PEM")
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
}

func TestDevelopmentCA(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	running := start(t, server.Config{TLS: server.TLSConfig{Enabled: true, CADir: dir}})
	if !strings.HasPrefix(running.Issuer(), "https://localhost:") {
		t.Errorf("issuer %s", running.Issuer())
	}
	client := trusting(t, running.CA())
	provider, err := oidc.NewProvider(oidc.ClientContext(t.Context(), client), running.Issuer())
	if err != nil {
		t.Fatalf("go-oidc over TLS: %v", err)
	}
	token := tokenOf(t, running, "ada")
	if _, err := provider.VerifierContext(oidc.ClientContext(t.Context(), client), &oidc.Config{SkipClientIDCheck: true}).Verify(t.Context(), token); err != nil {
		t.Errorf("verify: %v", err)
	}
	response, err := client.Get(strings.Replace(running.URL(), "localhost", "127.0.0.1", 1) + "/_mock/ca.pem")
	if err != nil {
		t.Fatalf("by address: %v", err)
	}
	response.Body.Close()
	if response.StatusCode != 200 || response.ProtoMajor != 2 {
		t.Errorf("ca.pem: %s %s", response.Proto, response.Status)
	}
	if _, err := http.Get(running.URL()); err == nil {
		t.Error("a client that does not know the CA connected")
	}

	again := start(t, server.Config{TLS: server.TLSConfig{Enabled: true, CADir: dir}})
	if string(again.CA()) != string(running.CA()) {
		t.Error("the kept CA is not used again")
	}
	if _, err := server.Start(server.Config{Listen: "127.0.0.1:0", TLS: server.TLSConfig{Enabled: true, CADir: dir, Hosts: []string{"mock.example"}}}); err == nil || !strings.Contains(err.Error(), "may not speak for mock.example") {
		t.Errorf("a CA for other hosts was used: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Start(server.Config{Listen: "127.0.0.1:0", TLS: server.TLSConfig{Enabled: true, CADir: dir}}); err == nil || !strings.Contains(err.Error(), "holds no CERTIFICATE") {
		t.Errorf("a damaged CA: %v", err)
	}
}

// The CA may speak for the server's hosts alone, so trusting it risks nothing.
func TestDevelopmentCAIsConstrained(t *testing.T) {
	running := start(t, server.Config{TLS: server.TLSConfig{Enabled: true, Hosts: []string{"mock.example"}}})
	client := trusting(t, running.CA())
	client.Transport.(*http.Transport).TLSClientConfig.ServerName = "mock.example"
	response, err := client.Get(running.URL() + "/api/health/ready")
	if err != nil {
		t.Fatalf("a named host: %v", err)
	}
	response.Body.Close()
	leaf := response.TLS.PeerCertificates[0]
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(running.CA())
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "bank.example"}); err == nil {
		t.Error("the certificate is good for another host")
	}
	if ca := response.TLS.PeerCertificates[1]; !ca.PermittedDNSDomainsCritical || len(ca.PermittedDNSDomains) != 2 {
		t.Errorf("the CA is not constrained: %v", ca.PermittedDNSDomains)
	}
}

func TestBackChannelHosts(t *testing.T) {
	running := start(t, server.Config{Network: server.Network{BackChannelHosts: []string{"mockduktor", "gateway.example:443"}, TrustedProxies: []string{"127.0.0.1"}}})
	type document struct {
		Issuer    string `json:"issuer"`
		Authorize string `json:"authorization_endpoint"`
		Token     string `json:"token_endpoint"`
	}
	ask := func(host string, header http.Header) document {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+running.Address()+"/idp/.well-known/openid-configuration", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		for name, values := range header {
			request.Header[name] = values
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var got document
		if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
			t.Fatal(err)
		}
		if got.Issuer != running.Issuer() || got.Authorize != running.Issuer()+"/authorize" {
			t.Errorf("host %s: issuer and browser addresses must stay: %+v", host, got)
		}
		return got
	}
	proxied := http.Header{"X-Forwarded-Host": {"gateway.example:443"}, "X-Forwarded-Proto": {"https"}}
	for name, row := range map[string]struct {
		host   string
		header http.Header
		token  string
	}{
		"the public host":  {"localhost", nil, running.Issuer() + "/token"},
		"an allowed host":  {"mockduktor:8080", nil, "http://mockduktor:8080/idp/token"},
		"another host":     {"evil.example", nil, running.Issuer() + "/token"},
		"by a proxy":       {"inner", proxied, "https://gateway.example:443/idp/token"},
		"a proxy's nobody": {"inner", http.Header{"X-Forwarded-Host": {"evil.example"}}, running.Issuer() + "/token"},
	} {
		if got := ask(row.host, row.header); got.Token != row.token {
			t.Errorf("%s: token endpoint %s, expected %s", name, got.Token, row.token)
		}
	}

	distrusting := start(t, server.Config{Network: server.Network{BackChannelHosts: []string{"gateway.example:443"}}})
	running = distrusting
	if got := ask("inner", proxied); got.Token != running.Issuer()+"/token" {
		t.Errorf("a forwarded host of nobody trusted is believed: %s", got.Token)
	}
}
