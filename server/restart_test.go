package server_test

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/control"
)

const opaqueClients = `
---
apiVersion: mockduktor/v1
kind: Client
metadata: {name: opaque}
spec:
  client_secret: opaque-secret
  redirect_uris: ["http://localhost:7007/callback"]
  grant_types: [authorization_code, refresh_token]
  access_token_format: opaque
---
apiVersion: mockduktor/v1
kind: Provider
metadata: {name: tenant}
spec: {profile: auth0, path: /tenant}
`

// postForm posts a form to the server as a client.
func postForm(t testing.TB, running *server.Server, path, client, secret string, form url.Values) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+running.Address()+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(client, secret)
	return do(t, request)
}

// What is signed or sealed outlives the process that gave it out, given the same
// seed; what has a record in the world does not, and the refusal says so.
func TestTokensAfterRestart(t *testing.T) {
	config := func() server.Config {
		return server.Config{PublicURL: "http://mock.shop.example", Documents: seeded(t, consoleClient+opaqueClients)}
	}
	mint := func(running *server.Server, provider, client, scope string) *idp.Tokens {
		t.Helper()
		pair := running.Pair()
		tokens, err := control.Mint(t.Context(), pair.World, pair.NamedProvider(provider), "ada", idp.MintRequest{ClientID: client, Scope: scope})
		if err != nil {
			t.Fatal(err)
		}
		return tokens
	}
	before := start(t, config())
	signed, opaque, encrypted := mint(before, "", "plugin", ""), mint(before, "", "opaque", ""), mint(before, "tenant", "opaque", "openid email")
	if strings.Contains(opaque.AccessToken, ".") || opaque.RefreshToken == "" {
		t.Fatalf("%+v is not what this test is about", opaque)
	}

	after := start(t, config())
	for name, row := range map[string]struct{ path, token string }{
		"signed": {"/idp/userinfo", signed.AccessToken}, "opaque": {"/idp/userinfo", opaque.AccessToken}, "opaque of a vendor": {"/tenant/userinfo", encrypted.AccessToken},
	} {
		if got := call(t, after, http.MethodGet, row.path, row.token, nil); got.status != http.StatusOK || !strings.Contains(string(got.body), "ada@shop.example") {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	got := postForm(t, after, "/idp/token", "opaque", "opaque-secret", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {opaque.RefreshToken}})
	if got.status != http.StatusBadRequest || !strings.Contains(string(got.body), "restarted") {
		t.Errorf("a refresh token of before: %d %s", got.status, got.body)
	}

	// Someone else signs in first this time: what is left of before is not theirs.
	for range 8 {
		pair := after.Pair()
		tokens, err := control.Mint(t.Context(), pair.World, pair.Provider, "ben", idp.MintRequest{ClientID: "opaque"})
		if err != nil {
			t.Fatal(err)
		}
		if tokens.RefreshToken == opaque.RefreshToken {
			t.Fatal("ada's refresh token is ben's now")
		}
	}

	random := config()
	random.RandomKeys = true
	other := start(t, random)
	for name, token := range map[string]string{"signed": signed.AccessToken, "opaque": opaque.AccessToken} {
		if got := call(t, other, http.MethodGet, "/idp/userinfo", token, nil); got.status != http.StatusUnauthorized {
			t.Errorf("%s, with random keys: %d %s", name, got.status, got.body)
		}
	}
}

// keyFile writes a private key in PEM.
func keyFile(t testing.TB, key idp.SigningKey) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key.Private)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Mounted keys take the place of the seed's, several algorithms at once, and
// give the same tokens a life beyond a restart.
func TestSigningKeyFiles(t *testing.T) {
	var files []string
	for _, alg := range []string{"ES256", "RS256"} {
		key, err := idp.GenerateSigningKey(alg)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, keyFile(t, key))
	}
	ed, err := idp.GenerateSigningKey("EdDSA")
	if err != nil {
		t.Fatal(err)
	}
	private, err := jwk.FromRaw(ed.Private)
	if err != nil {
		t.Fatal(err)
	}
	if err := private.Set(jwk.KeyIDKey, "winter"); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(private)
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, filepath.Join(t.TempDir(), "key.json"))
	if err := os.WriteFile(files[2], encoded, 0o600); err != nil {
		t.Fatal(err)
	}
	config := func() server.Config {
		return server.Config{PublicURL: "http://mock.shop.example", SigningKeys: files, Documents: seeded(t, consoleClient+opaqueClients)}
	}
	running := start(t, config())
	var set struct {
		Keys []struct{ Alg, Kid string }
	}
	call(t, running, http.MethodGet, "/idp/jwks", "", nil).json(t, &set)
	var algs []string
	for _, key := range set.Keys {
		algs = append(algs, key.Alg)
	}
	if !slices.Equal(algs, []string{"ES256", "RS256", "EdDSA", "PS256"}) || set.Keys[2].Kid != "winter" {
		t.Errorf("published: %+v", set.Keys)
	}
	token := tokenOf(t, running, "ada")
	opaque, err := control.Mint(t.Context(), running.Pair().World, running.Pair().Provider, "ada", idp.MintRequest{ClientID: "opaque"})
	if err != nil {
		t.Fatal(err)
	}
	again := start(t, config())
	for name, token := range map[string]string{"signed": token, "opaque": opaque.AccessToken} {
		if got := call(t, again, http.MethodGet, "/idp/userinfo", token, nil); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if got := call(t, again, http.MethodGet, whoamiPath, token, nil); got.status != http.StatusOK {
		t.Errorf("the Console: %d %s", got.status, got.body)
	}
	twice := config()
	twice.Listen, twice.SigningKeys = "127.0.0.1:0", []string{files[0], files[1], files[0]}
	if _, err := server.Start(twice); err == nil || !strings.Contains(err.Error(), "--signing-key: signing key 3: the same key is there already") {
		t.Errorf("a key twice: %v", err)
	}
	without := start(t, server.Config{PublicURL: "http://mock.shop.example"})
	if got := call(t, without, http.MethodGet, whoamiPath, token, nil); got.status != http.StatusUnauthorized {
		t.Errorf("with the seed's keys: %d", got.status)
	}
}
