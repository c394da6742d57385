package idp_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server/store"
)

// benchAlgs are those that tokens can be signed with.
var benchAlgs = []string{"RS256", "PS256", "ES256", "EdDSA"}

// onCPU reports what one round costs the processor, which says more than the
// time that goes by where others are at work too: cpu-ns/op, and how many of
// them a core does in a second.
func onCPU(b *testing.B, round func()) {
	b.Helper()
	b.ReportAllocs()
	spent := func() int64 {
		var usage syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
			b.Fatal(err)
		}
		return usage.Utime.Nano() + usage.Stime.Nano()
	}
	before, rounds := int64(0), 0
	for b.Loop() {
		if rounds == 0 {
			before = spent()
		}
		round()
		rounds++
	}
	each := float64(spent()-before) / float64(rounds)
	b.ReportMetric(each, "cpu-ns/op")
	b.ReportMetric(1e9/each, "ops/cpu-s")
}

// BenchmarkSignature is the bare signature that the issuing of a token is
// compared to.
func BenchmarkSignature(b *testing.B) {
	for _, alg := range benchAlgs {
		b.Run(alg, func(b *testing.B) {
			key := mustGenerate(b, alg).Private
			digest := sha256.Sum256([]byte("x"))
			message, options := digest[:], crypto.SignerOpts(crypto.SHA256)
			switch alg {
			case "EdDSA":
				message, options = make([]byte, 700), crypto.Hash(0)
			case "PS256":
				options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
			}
			if key, ok := key.(*rsa.PrivateKey); ok {
				key.Precompute()
			}
			onCPU(b, func() {
				if _, err := key.Sign(rand.Reader, message, options); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

func benchSite(b *testing.B, alg string) *site {
	keys, err := idp.NewKeys([]idp.SigningKey{mustGenerate(b, alg)})
	if err != nil {
		b.Fatal(err)
	}
	return newSite(b, func(c *idp.Config) { c.Keys, c.Secret = keys, []byte("secret") })
}

// BenchmarkIssue makes one access token with the claims of a person: one
// signature and all that is around it.
func BenchmarkIssue(b *testing.B) {
	for _, alg := range benchAlgs {
		b.Run(alg, func(b *testing.B) {
			s := benchSite(b, alg)
			s.client("one", map[string]any{"redirect_uris": []any{callback}, "grant_types": []any{"authorization_code"}})
			onCPU(b, func() {
				if _, err := s.Mint(b.Context(), idp.MintRequest{Login: "ada", ClientID: "one", Scope: "profile email"}); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

// BenchmarkGrants asks the token endpoint for tokens, without a network. What
// needs a page is prepared outside the measure. The ID token makes a second
// signature in all that have one.
func BenchmarkGrants(b *testing.B) {
	for _, alg := range benchAlgs {
		s := benchSite(b, alg)
		s.exchangeClient()
		e := echo.New()
		s.Register(e.Group("/idp"))
		ask := func(client, secret string, form url.Values) map[string]any {
			r := httptest.NewRequest("POST", "/idp/token", strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.SetBasicAuth(url.QueryEscape(client), url.QueryEscape(secret))
			w := httptest.NewRecorder()
			e.ServeHTTP(w, r)
			var tokens map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &tokens); err != nil || w.Code != 200 {
				b.Fatalf("%d %s", w.Code, w.Body)
			}
			return tokens
		}
		first := ask("app", "s3cret+/%", url.Values{"grant_type": {"password"}, "username": {"ada"}, "password": {"engine"}, "scope": {"openid email"}})
		refresh, access := first["refresh_token"].(string), first["access_token"].(string)
		for _, grant := range []struct {
			name  string
			round func()
		}{
			{"client_credentials", func() { ask("app", "s3cret+/%", url.Values{"grant_type": {"client_credentials"}}) }},
			{"password", func() {
				ask("app", "s3cret+/%", url.Values{"grant_type": {"password"}, "username": {"ada"}, "password": {"engine"}, "scope": {"openid email"}})
			}},
			{"refresh_token", func() {
				refresh = ask("app", "s3cret+/%", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})["refresh_token"].(string)
			}},
			{"token-exchange", func() {
				ask("gateway", "x", url.Values{"grant_type": {exchangeGrant}, "subject_token": {access}, "subject_token_type": {tokenType("access_token")}})
			}},
		} {
			b.Run(grant.name+"/"+alg, func(b *testing.B) { onCPU(b, grant.round) })
		}
		b.Run("authorization_code/"+alg, func(b *testing.B) {
			s.client("auto", map[string]any{"client_secret": "x", "redirect_uris": []any{callback}, "sign_in_as": "ada"})
			query := authorizeQuery("client_id", "auto").Encode()
			// With the authorization request, which gives the code.
			onCPU(b, func() {
				w := httptest.NewRecorder()
				e.ServeHTTP(w, httptest.NewRequest("GET", "/idp/authorize?"+query, nil))
				location, err := url.Parse(w.Header().Get("Location"))
				if err != nil {
					b.Fatal(err)
				}
				ask("auto", "x", codeForm(location.Query().Get("code")))
			})
		})
	}
}

// BenchmarkMint makes access token, ID token and refresh token: two signatures
// and a record.
func BenchmarkMint(b *testing.B) {
	s := benchSite(b, "RS256")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Mint(b.Context(), idp.MintRequest{Login: "ada", ClientID: "app"}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHandlers compares the kept documents to a bare handler, without a
// network.
func BenchmarkHandlers(b *testing.B) {
	s := benchSite(b, "RS256")
	e := echo.New()
	s.Register(e.Group("/idp"))
	e.GET("/hello", func(c echo.Context) error { return c.JSON(200, map[string]string{"hello": "world"}) })
	for name, path := range map[string]string{"hello": "/hello", "discovery": "/idp/.well-known/openid-configuration", "jwks": "/idp/jwks"} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest("GET", path, nil)
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				e.ServeHTTP(w, r)
				if w.Code != 200 {
					b.Fatal(w.Code)
				}
			}
		})
	}
}

// BenchmarkNew is what a sandbox pays for a provider of its own.
func BenchmarkNew(b *testing.B) {
	s := newSite(b)
	config := idp.Config{Issuer: s.issuer, Storage: store.Directory{World: s.world}, Clock: s.world.Clock, Keys: testKeys()}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := idp.New(config); err != nil {
			b.Fatal(err)
		}
	}
}
