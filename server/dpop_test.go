package server_test

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server"
)

// The Console knows nothing of DPoP: a bound token is any token to it, and the
// scheme DPoP no credential.
func TestConsoleKnowsNoDPoP(t *testing.T) {
	running := start(t, server.Config{Documents: seeded(t, consoleClient)})
	key, err := idp.GenerateSigningKey("ES256")
	if err != nil {
		t.Fatal(err)
	}
	public, err := jwk.FromRaw(key.Private.Public())
	if err != nil {
		t.Fatal(err)
	}
	headers := jws.NewHeaders()
	for name, value := range map[string]any{"typ": "dpop+jwt", "jwk": public} {
		if err := headers.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	claims, err := json.Marshal(map[string]any{"jti": "one", "htm": "POST", "htu": running.Issuer() + "/token", "iat": time.Now().Unix()})
	if err != nil {
		t.Fatal(err)
	}
	proof, err := jws.Sign(claims, jws.WithKey(jwa.ES256, key.Private, jws.WithProtectedHeaders(headers)))
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"grant_type": {"password"}, "username": {"ben"}, "password": {"ben-password"}, "scope": {"openid email groups"}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+running.Address()+"/idp/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("DPoP", string(proof))
	request.SetBasicAuth("plugin", "plugin-secret")
	var tokens struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
	}
	do(t, request).json(t, &tokens)
	thumbprint, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	bond, _ := payload(t, tokens.AccessToken)["cnf"].(map[string]any)
	if tokens.TokenType != "DPoP" || bond["jkt"] != base64.RawURLEncoding.EncodeToString(thumbprint) {
		t.Fatalf("%s token bound to %v", tokens.TokenType, bond)
	}
	for name, row := range map[string]struct {
		authorization, proof string
		status               int
		says                 string
	}{
		"as Bearer":              {"Bearer " + tokens.AccessToken, "", http.StatusOK, "ben@shop.example"},
		"as Bearer with a proof": {"Bearer " + tokens.AccessToken, string(proof), http.StatusOK, "ben@shop.example"},
		"as DPoP":                {"DPoP " + tokens.AccessToken, string(proof), http.StatusUnauthorized, "not Bearer but DPoP"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+running.Address()+whoamiPath, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", row.authorization)
		if row.proof != "" {
			request.Header.Set("DPoP", row.proof)
		}
		if got := do(t, request); got.status != row.status || !strings.Contains(string(got.body), row.says) {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if got := call(t, running, http.MethodGet, "/idp/userinfo", tokens.AccessToken, nil); got.status != http.StatusUnauthorized || !strings.Contains(string(got.body), "bound to a key") {
		t.Errorf("userinfo as Bearer: %d %s", got.status, got.body)
	}
}
