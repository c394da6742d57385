package idp_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/mockduktor/mockduktor/idp"
)

// signer makes JWTs as clients do, with jwx rather than by the provider's own
// code.
type signer struct {
	t   testing.TB
	key idp.SigningKey
}

func newSigner(t testing.TB, alg string) *signer {
	t.Helper()
	return &signer{t, mustGenerate(t, alg)}
}

func (k *signer) public() jwk.Key {
	k.t.Helper()
	public, err := jwk.FromRaw(k.key.Private.Public())
	if err != nil {
		k.t.Fatal(err)
	}
	return public
}

func (k *signer) thumbprint() string {
	k.t.Helper()
	d, err := k.public().Thumbprint(crypto.SHA256)
	if err != nil {
		k.t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(d)
}

// jwks is the key set as a Client document has it.
func (k *signer) jwks() map[string]any {
	k.t.Helper()
	raw, err := json.Marshal(k.public())
	if err != nil {
		k.t.Fatal(err)
	}
	var key map[string]any
	if err := json.Unmarshal(raw, &key); err != nil {
		k.t.Fatal(err)
	}
	return map[string]any{"keys": []any{key}}
}

func (k *signer) sign(typ string, claims map[string]any, more ...func(jws.Headers)) string {
	k.t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		k.t.Fatal(err)
	}
	header := jws.NewHeaders()
	if err := header.Set("typ", typ); err != nil {
		k.t.Fatal(err)
	}
	for _, f := range more {
		f(header)
	}
	token, err := jws.Sign(payload, jws.WithKey(jwa.SignatureAlgorithm(k.key.Alg), k.key.Private, jws.WithProtectedHeaders(header)))
	if err != nil {
		k.t.Fatal(err)
	}
	return string(token)
}

// with is a copy of claims with name, value pairs; a nil value takes one away.
func with(claims map[string]any, changes ...any) map[string]any {
	out := map[string]any{}
	for name, value := range claims {
		out[name] = value
	}
	for i := 0; i < len(changes); i += 2 {
		if changes[i+1] == nil {
			delete(out, changes[i].(string))
		} else {
			out[changes[i].(string)] = changes[i+1]
		}
	}
	return out
}

func hs256(secret, header, payload string) string {
	signed := encode(header) + "." + encode(payload)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// post sends a form to an endpoint, with a Basic header where there is a secret
// and header pairs as given.
func (s *site) post(path, id, secret string, form url.Values, header ...string) *answer {
	s.t.Helper()
	r := s.request("POST", s.issuer+path, form)
	if secret != "" {
		r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return s.send(bare, r)
}

// good checks a JSON answer that has to succeed.
func (s *site) good(a *answer) map[string]any {
	s.t.Helper()
	if a.StatusCode/100 != 2 {
		s.t.Fatalf("%s %s: %s", a.Request.URL.Path, a.Status, a.body)
	}
	return s.object(a)
}
