package idp_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server/store"
)

// BenchmarkSignature is the bare signature that the issuing of a token is
// compared to.
func BenchmarkSignature(b *testing.B) {
	for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
		b.Run(alg, func(b *testing.B) {
			key := mustGenerate(b, alg).Private
			digest := sha256.Sum256([]byte("x"))
			message, hash := digest[:], crypto.SHA256
			if alg == "EdDSA" {
				message, hash = make([]byte, 700), crypto.Hash(0)
			}
			if key, ok := key.(*rsa.PrivateKey); ok {
				key.Precompute()
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := key.Sign(rand.Reader, message, hash); err != nil {
					b.Fatal(err)
				}
			}
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
	for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
		b.Run(alg, func(b *testing.B) {
			s := benchSite(b, alg)
			s.client("one", map[string]any{"redirect_uris": []any{callback}, "grant_types": []any{"authorization_code"}})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Mint(b.Context(), idp.MintRequest{Login: "ada", ClientID: "one", Scope: "profile email"}); err != nil {
					b.Fatal(err)
				}
			}
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
