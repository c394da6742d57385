package idp_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"slices"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/mockduktor/mockduktor/idp"
)

// jwkOf writes a private key as a JWK with further members.
func jwkOf(t testing.TB, key idp.SigningKey, members map[string]any) map[string]any {
	t.Helper()
	private, err := jwk.FromRaw(key.Private)
	if err != nil {
		t.Fatal(err)
	}
	object := map[string]any{}
	if err := json.Unmarshal(jsonOf(t, private), &object); err != nil {
		t.Fatal(err)
	}
	for name, value := range members {
		object[name] = value
	}
	return object
}

func jsonOf(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestReadSigningKeys(t *testing.T) {
	rsa, ec, ed := mustGenerate(t, "RS256"), mustGenerate(t, "ES256"), mustGenerate(t, "EdDSA")
	ecDER, err := x509.MarshalECPrivateKey(ec.Private.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	curve := "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
	for name, row := range map[string]struct {
		file string
		want []idp.SigningKey
	}{
		"PEM":             {pemOf(t, rsa), []idp.SigningKey{{Alg: "RS256", Private: rsa.Private}}},
		"several in PEM":  {pemOf(t, ed) + pemOf(t, rsa), []idp.SigningKey{{Alg: "EdDSA", Private: ed.Private}, {Alg: "RS256", Private: rsa.Private}}},
		"openssl's curve": {curve + string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: ecDER})), []idp.SigningKey{{Alg: "ES256", Private: ec.Private}}},
		"JWK":             {string(jsonOf(t, jwkOf(t, ec, nil))), []idp.SigningKey{{Alg: "ES256", Private: ec.Private}}},
		"JWK with a kid":  {string(jsonOf(t, jwkOf(t, ed, map[string]any{"kid": "winter"}))), []idp.SigningKey{{KeyID: "winter", Alg: "EdDSA", Private: ed.Private}}},
		"JWK with an alg": {string(jsonOf(t, jwkOf(t, rsa, map[string]any{"alg": "PS256", "use": "sig"}))), []idp.SigningKey{{Alg: "PS256", Private: rsa.Private}}},
		"JWK set": {string(jsonOf(t, map[string]any{"keys": []any{
			jwkOf(t, rsa, map[string]any{"use": "enc"}), jwkOf(t, ec, map[string]any{"kid": "a"}), jwkOf(t, rsa, map[string]any{"kid": "b"}),
		}})), []idp.SigningKey{{KeyID: "a", Alg: "ES256", Private: ec.Private}, {KeyID: "b", Alg: "RS256", Private: rsa.Private}}},
	} {
		got, err := idp.ReadSigningKeys([]byte(row.file))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !slices.EqualFunc(got, row.want, func(a, b idp.SigningKey) bool {
			return a.KeyID == b.KeyID && a.Alg == b.Alg && a.Private.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(b.Private.Public())
		}) {
			t.Errorf("%s: read %d keys, not those that were written", name, len(got))
		}
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secret := map[string]any{"kty": "oct", "k": "c2VjcmV0LW1hdGVyaWFsLW9mLXNvbWUtbGVuZ3Ro"}
	public := jwkOf(t, ec, nil)
	delete(public, "d")
	broken := jwkOf(t, rsa, nil)
	broken["q"] = broken["p"]
	for want, file := range map[string]string{
		"neither PEM":                        "",
		"nor a JWK":                          "rubbish",
		"cannot be read as a JWK":            `{"kty":"RSA","d":"` + strings.Repeat("x", 20),
		"without its private half":           string(jsonOf(t, public)),
		"do not fit together":                string(jsonOf(t, broken)),
		`alg is "HS256"`:                     string(jsonOf(t, jwkOf(t, rsa, map[string]any{"alg": "HS256"}))),
		"alg ES256 needs an EC key":          string(jsonOf(t, jwkOf(t, rsa, map[string]any{"alg": "ES256"}))),
		"oct key":                            string(jsonOf(t, secret)),
		"no key that signs":                  string(jsonOf(t, map[string]any{"keys": []any{jwkOf(t, rsa, map[string]any{"use": "enc"})}})),
		"JWK 2: a":                           string(jsonOf(t, map[string]any{"keys": []any{jwkOf(t, rsa, nil), public}})),
		"curve P-256":                        pemOf(t, idp.SigningKey{Private: p384}),
		`the PEM block is "ENCRYPTED`:        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
		`the PEM block is "CERTIFICATE`:      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" + pemOf(t, rsa),
		"signing key: asn1: structure error": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	} {
		keys, err := idp.ReadSigningKeys([]byte(file))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v %v", want, keys, err)
			continue
		}
		// No run of the file longer than a word of ours is in the message.
		for i := 0; i+16 <= len(file); i++ {
			if part := file[i : i+16]; strings.Contains(err.Error(), part) && !strings.Contains("ENCRYPTED PRIVATE KEY", part) {
				t.Errorf("%q quotes the file: %q", err, part)
				break
			}
		}
	}
}

// A key keeps the kid it came with, in tokens and in the published set; the
// thumbprint is for those that came without.
func TestKeysKeepTheirID(t *testing.T) {
	rsa, ec := mustGenerate(t, "RS256"), mustGenerate(t, "ES256")
	rsa.KeyID = "summer"
	keys, err := idp.NewKeys([]idp.SigningKey{rsa, ec})
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, func(c *idp.Config) { c.Keys = keys })
	s.client("app", map[string]any{"client_secret": "s3cret+/%", "redirect_uris": []any{callback}, "id_token_signed_response_alg": "PS256"})
	tokens := s.redeem(s.browser().signIn("ada"))
	if kid := s.part(tokens["access_token"], 0)["kid"]; kid != "summer" {
		t.Errorf("access token: kid %v", kid)
	}
	if kid := s.part(tokens["id_token"], 0)["kid"]; kid != "summer.PS256" {
		t.Errorf("ID token: kid %v", kid)
	}
	var kids []string
	for i := range keys.Public().Len() {
		key, _ := keys.Public().Key(i)
		kids = append(kids, key.KeyID())
	}
	if len(kids) != 3 || kids[0] != "summer" || len(kids[1]) != 43 || kids[2] != "summer.PS256" {
		t.Errorf("published: %q", kids)
	}
	if a := s.userInfo(tokens["access_token"]); a.StatusCode != 200 {
		t.Errorf("its own token is refused: %s", a.body)
	}
	other := mustGenerate(t, "RS256")
	other.KeyID = "summer"
	if _, err := idp.NewKeys([]idp.SigningKey{rsa, other}); err == nil || !strings.Contains(err.Error(), `another key has the kid "summer"`) {
		t.Errorf("two keys of one kid: %v", err)
	}
}

// A rotation makes new keys of every algorithm; the old ones stay behind them
// under the kid that they have, or go.
func TestRotatedKeys(t *testing.T) {
	rsa, ed := mustGenerate(t, "RS256"), mustGenerate(t, "EdDSA")
	rsa.KeyID = "summer"
	keys, err := idp.NewKeys([]idp.SigningKey{rsa, ed})
	if err != nil {
		t.Fatal(err)
	}
	for keep, want := range map[bool]string{true: "RS256 EdDSA RS256 EdDSA PS256", false: "RS256 EdDSA PS256"} {
		rotated, err := keys.Rotated(keep)
		if err != nil {
			t.Fatal(err)
		}
		var algs []string
		kids := map[string]bool{}
		for i := range rotated.Public().Len() {
			key, _ := rotated.Public().Key(i)
			algs = append(algs, key.Algorithm().String())
			kids[key.KeyID()] = true
		}
		if strings.Join(algs, " ") != want || kids["summer"] != keep {
			t.Errorf("keep %v: %v %v", keep, algs, kids)
		}
	}
}

// The secret of a key is the same each time and never that of another key.
func TestSecretOfAKey(t *testing.T) {
	seen := map[string]string{}
	for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
		key := mustGenerate(t, alg)
		one, err := key.Secret()
		if err != nil {
			t.Fatal(err)
		}
		again, err := idp.ParseSigningKey(alg, pemOf(t, key))
		if err != nil {
			t.Fatal(err)
		}
		two, err := again.Secret()
		if err != nil || string(one) != string(two) || len(one) < 32 {
			t.Errorf("%s: %x, then %x %v", alg, one, two, err)
		}
		if seen[string(one)] != "" {
			t.Errorf("%s has the secret of %s", alg, seen[string(one)])
		}
		seen[string(one)] = alg
	}
}
