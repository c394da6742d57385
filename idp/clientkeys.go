package idp

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// maxClientKeys bounds the keys of one client, and so what one bad assertion
// may cost.
const maxClientKeys = 20

// minRSABits is RFC 7518, section 3.3. maxRSABits is what crypto/tls takes from
// strangers: what verifying costs grows with the square of the size.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// keySet reads a JWK set (RFC 7517, section 5) of public keys that can verify.
func (f *fields) keySet(name string) jwk.Set {
	v := f.value(name)
	if v == nil {
		return nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		f.report(name, "must be a JWK set: %v", err)
		return nil
	}
	if _, ok := v.(map[string]any); !ok {
		f.report(name, "must be an object with a list of keys (RFC 7517, section 5), is %s", typeName(v))
		return nil
	}
	set, err := jwk.Parse(raw)
	if err != nil {
		f.report(name, "is no JWK set (RFC 7517, section 5): %v", err)
		return nil
	}
	if set.Len() == 0 || set.Len() > maxClientKeys {
		f.report(name, "must hold 1 to %d keys, holds %d", maxClientKeys, set.Len())
		return nil
	}
	for i := range set.Len() {
		key, _ := set.Key(i)
		if private, err := jwk.IsPrivateKey(key); err != nil || private {
			f.report(fmt.Sprintf("%s.keys[%d]", name, i), "must be a public key; leave the private members out")
			return nil
		}
		if _, err := verifiable(key); err != nil {
			f.report(fmt.Sprintf("%s.keys[%d]", name, i), "%v", err)
			return nil
		}
	}
	return set
}

// verifiable gives the public key of a JWK, of a kind that one of the signing
// algorithms takes.
func verifiable(key jwk.Key) (any, error) {
	var raw any
	if err := key.Raw(&raw); err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	for _, alg := range signingAlgs {
		if fits(alg, raw) {
			return raw, nil
		}
	}
	return nil, fmt.Errorf("is of kty %s; an RSA key of %d to %d bits, an EC key on P-256 or an Ed25519 key is needed", key.KeyType(), minRSABits, maxRSABits)
}

// algEd25519 is the fully specified name of EdDSA with Ed25519 (RFC 9864,
// section 2.2), which clients have begun to write; our own tokens keep the name
// that every client reads.
const algEd25519 = "Ed25519"

// clientAlgs are those that clients may sign with.
var clientAlgs = append(slices.Clone(signingAlgs), algEd25519)

// commonAlg is the name under which an algorithm is known to the library.
func commonAlg(alg string) string {
	if alg == algEd25519 {
		return "EdDSA"
	}
	return alg
}

// fits tells whether a public key may be used with an algorithm.
func fits(alg string, public any) bool {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return (alg == "RS256" || alg == "PS256") && key.N.BitLen() >= minRSABits && key.N.BitLen() <= maxRSABits
	case *ecdsa.PublicKey:
		return alg == "ES256" && key.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return commonAlg(alg) == "EdDSA"
	}
	return false
}

// signedBy tells whether a key made the token's signature.
func (t *compactJWS) signedBy(public any) bool {
	if !fits(t.header.Alg, public) {
		return false
	}
	verifier, err := jws.NewVerifier(jwa.SignatureAlgorithm(commonAlg(t.header.Alg)))
	return err == nil && verifier.Verify(t.signed, t.signature, public) == nil
}

// signedByOne tells whether one of a set's keys made the signature: the one of
// the token's kid, or any if it names none.
func (t *compactJWS) signedByOne(set jwk.Set) bool {
	if set == nil {
		return false
	}
	for i := range set.Len() {
		key, _ := set.Key(i)
		if t.header.Kid != "" && key.KeyID() != "" && key.KeyID() != t.header.Kid {
			continue
		}
		if alg := key.Algorithm().String(); alg != "" && commonAlg(alg) != commonAlg(t.header.Alg) {
			continue
		}
		if public, err := verifiable(key); err == nil && t.signedBy(public) {
			return true
		}
	}
	return false
}

// signedWith tells whether a secret made the signature by HS256 (RFC 7518,
// section 3.2).
func (t *compactJWS) signedWith(secret string) bool {
	if t.header.Alg != string(jwa.HS256) || secret == "" {
		return false
	}
	verifier, err := jws.NewVerifier(jwa.HS256)
	return err == nil && verifier.Verify(t.signed, t.signature, []byte(secret)) == nil
}
