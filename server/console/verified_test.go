package console

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// A token whose signature was checked once is known from then on, but its key
// must not go on opening doors: neither after the issuer has withdrawn it, nor
// when another key has taken its kid, as issuers with a fixed kid and fresh keys
// at each start have it.
func TestKnownTokenIsGoodOnlyWithItsKey(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sets := map[string]jwk.Set{}
	for name, key := range map[string]jwk.Key{
		"own": namedKey(t, &private.PublicKey, "k", "ES256"), "replaced": publicKey(t, "k"), "renamed": namedKey(t, &private.PublicKey, "other", "ES256"),
	} {
		sets[name] = jwk.NewSet()
		if err := sets[name].AddKey(key); err != nil {
			t.Fatal(err)
		}
	}
	sets["withdrawn"] = jwk.NewSet()

	current := "own"
	v := newVerifier(JWTSettings{Issuer: "https://issuer.example"}, NewOwnKeys(func() jwk.Set { return sets[current] }))
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	payload := fmt.Sprintf(`{"iss":"https://issuer.example","email":"amy@shop.example","exp":%d}`, now.Add(time.Hour).Unix())
	headers := jws.NewHeaders()
	if err := headers.Set(jws.KeyIDKey, "k"); err != nil {
		t.Fatal(err)
	}
	signed, err := jws.Sign([]byte(payload), jws.WithKey(jwa.ES256, private, jws.WithProtectedHeaders(headers)))
	if err != nil {
		t.Fatal(err)
	}
	token := string(signed)
	verify := func() error {
		who, err := v.verify(t.Context(), token, sha256.Sum256(signed), now)
		if err == nil && who.email != "amy@shop.example" {
			t.Errorf("it is of %s", who.email)
		}
		return err
	}
	for _, step := range []struct{ set, reason string }{
		{"own", ""}, {"own", ""},
		{"replaced", "the signature is wrong"}, {"replaced", "the signature is wrong"},
		{"own", ""},
		{"withdrawn", "is not among the issuer's"},
		{"own", ""},
		{"renamed", "is not among the issuer's"},
		{"own", ""},
	} {
		current = step.set
		err := verify()
		if (err == nil) != (step.reason == "") || err != nil && !strings.Contains(err.Error(), step.reason) {
			t.Errorf("with the key %s: %v, want %q", step.set, err, step.reason)
		}
	}

	// A known token ends as any other does.
	now = now.Add(time.Hour)
	if err := verify(); err == nil || !strings.Contains(err.Error(), "the token expired at") {
		t.Errorf("at its end: %v", err)
	}
}
