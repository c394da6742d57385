package idp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// signingAlgs are the signature algorithms (RFC 7518, section 3.1, and RFC
// 8037) that keys may have, the default first.
var signingAlgs = []string{"RS256", "PS256", "ES256", "EdDSA"}

// typ headers of tokens: RFC 7519, section 5.1, RFC 9068, section 2.1, and
// OpenID Connect Back-Channel Logout 1.0, section 2.4.
const (
	typeJWT         = "JWT"
	typeAccessToken = "at+jwt"
	typeLogoutToken = "logout+jwt"
)

// SigningKey is a private key and the one algorithm it is used with.
type SigningKey struct {
	// KeyID is the kid; empty: the RFC 7638 thumbprint.
	KeyID string
	// Alg is RS256, PS256, ES256 or EdDSA.
	Alg string
	// Private is an *rsa.PrivateKey, an *ecdsa.PrivateKey on P-256 or an
	// ed25519.PrivateKey, as Alg demands.
	Private crypto.Signer
}

// ParseSigningKey reads a private key in PEM: PKCS #8 (PRIVATE KEY), or the
// older RSA PRIVATE KEY and EC PRIVATE KEY.
func ParseSigningKey(alg, privateKey string) (SigningKey, error) {
	block, _ := pem.Decode([]byte(privateKey))
	if block == nil {
		return SigningKey{}, errors.New("signing key: no PEM block found; it begins with -----BEGIN PRIVATE KEY-----")
	}
	k, err := parsePEM(block)
	if err != nil {
		return SigningKey{}, err
	}
	k.Alg = alg
	return k, k.check()
}

// parsePEM reads the private key of a PEM block; what it signs with is left
// open.
func parsePEM(block *pem.Block) (SigningKey, error) {
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return SigningKey{}, fmt.Errorf("signing key: the PEM block is %q; an unencrypted PRIVATE KEY (PKCS #8) is needed", block.Type)
	}
	if err != nil {
		return SigningKey{}, fmt.Errorf("signing key: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return SigningKey{}, fmt.Errorf("signing key: a %T cannot sign", key)
	}
	return SigningKey{Private: signer}, nil
}

// ID is the kid under which the key is published: its own, or its thumbprint
// (RFC 7638).
func (k SigningKey) ID() (string, error) {
	prepared, _, err := prepare(k, "")
	if err != nil {
		return "", fmt.Errorf("signing key: %w", err)
	}
	return prepared.kid, nil
}

// GenerateSigningKey draws a new key: RSA of 2048 bits, P-256 or Ed25519. RSA
// takes 4 to 150 ms.
func GenerateSigningKey(alg string) (SigningKey, error) {
	k := SigningKey{Alg: alg}
	var err error
	switch alg {
	case "RS256", "PS256":
		k.Private, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		k.Private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, k.Private, err = ed25519.GenerateKey(rand.Reader)
	default:
		return k, unknownAlg(alg)
	}
	if err != nil {
		return k, fmt.Errorf("signing key: %w", err)
	}
	return k, nil
}

func unknownAlg(alg string) error {
	return fmt.Errorf("signing key: alg is %q; there are %s", alg, strings.Join(signingAlgs, ", "))
}

func (k SigningKey) check() error {
	switch k.Alg {
	case "RS256", "PS256":
		key, ok := k.Private.(*rsa.PrivateKey)
		if !ok {
			return fmt.Errorf("signing key: alg %s needs an RSA key, not a %T", k.Alg, k.Private)
		}
		// RFC 7518, section 3.3.
		if key.N.BitLen() < 2048 {
			return fmt.Errorf("signing key: the RSA key has %d bits; at least 2048 are needed", key.N.BitLen())
		}
	case "ES256":
		key, ok := k.Private.(*ecdsa.PrivateKey)
		if !ok || key.Curve != elliptic.P256() {
			return fmt.Errorf("signing key: alg ES256 needs an EC key on curve P-256, not a %T", k.Private)
		}
	case "EdDSA":
		if _, ok := k.Private.(ed25519.PrivateKey); !ok {
			return fmt.Errorf("signing key: alg EdDSA needs an Ed25519 key, not a %T", k.Private)
		}
	default:
		return unknownAlg(k.Alg)
	}
	return nil
}

// Keys are the keys of a provider, made ready for use. Immutable.
type Keys struct {
	list     []*preparedKey
	set      jwk.Set
	document []byte
	// dialect reads the tokens of a vendor; nil: they have our names.
	dialect *dialect
}

// preparedKey holds all of a token that can be known before its claims are.
type preparedKey struct {
	alg      string
	kid      string
	suffix   string // of the kid, where the key is listed for another algorithm too
	private  crypto.Signer
	public   crypto.PublicKey
	signer   jws.Signer
	verifier jws.Verifier
	headers  map[string]string // by typ: base64url header and the dot
	hidden   string            // the kid that is not published, if there is one
}

// NewKeys prepares keys. The first of each algorithm signs; all are published
// and verify, so that a key can be rotated by putting another before it. The
// kid is the RFC 7638 thumbprint where the key has none of its own: a key keeps
// its kid, and another key never gets it.
//
// An RSA key may be listed for RS256 and for PS256; without a key for PS256 the
// first one for RS256 serves both. Since many clients want alg in every
// published key, it is then published twice, for PS256 under its kid with
// .PS256 after it.
func NewKeys(list []SigningKey) (*Keys, error) {
	if len(list) == 0 {
		return nil, errors.New("signing keys: at least one is needed")
	}
	list = withPS256(list)
	keys := &Keys{set: jwk.NewSet()}
	for i, k := range list {
		prepared, public, err := prepare(k, "")
		if err != nil {
			return nil, fmt.Errorf("signing key %d: %w", i+1, err)
		}
		if other := keys.byID(prepared.kid); other != nil {
			if !other.public.(interface{ Equal(crypto.PublicKey) bool }).Equal(prepared.public) {
				return nil, fmt.Errorf("signing key %d: another key has the kid %q already", i+1, prepared.kid)
			}
			if other.alg == k.Alg {
				return nil, fmt.Errorf("signing key %d: the same key is there already", i+1)
			}
			prepared, public, err = prepare(k, "."+k.Alg)
			if err != nil {
				return nil, fmt.Errorf("signing key %d: %w", i+1, err)
			}
			if keys.byID(prepared.kid) != nil {
				return nil, fmt.Errorf("signing key %d: the same key is there already", i+1)
			}
		}
		if err := keys.set.AddKey(public); err != nil {
			return nil, fmt.Errorf("signing key %d: %w", i+1, err)
		}
		keys.list = append(keys.list, prepared)
	}
	document, err := json.Marshal(keys.set)
	if err != nil {
		return nil, fmt.Errorf("signing keys: %w", err)
	}
	keys.document = document
	return keys, nil
}

// withPS256 lets the RSA key sign with PS256 too where no other one does.
func withPS256(list []SigningKey) []SigningKey {
	var rs *SigningKey
	for i := range list {
		switch {
		case list[i].Alg == "PS256":
			return list
		case list[i].Alg == "RS256" && rs == nil:
			rs = &list[i]
		}
	}
	if rs == nil {
		return list
	}
	return append(slices.Clone(list), SigningKey{KeyID: rs.KeyID, Alg: "PS256", Private: rs.Private})
}

// prepare makes a key ready under its kid with the suffix after it.
func prepare(k SigningKey, suffix string) (*preparedKey, jwk.Key, error) {
	if err := k.check(); err != nil {
		return nil, nil, err
	}
	public, err := jwk.FromRaw(k.Private.Public())
	if err != nil {
		return nil, nil, err
	}
	thumbprint, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, nil, err
	}
	kid := k.KeyID
	if kid == "" {
		kid = base64.RawURLEncoding.EncodeToString(thumbprint)
	}
	p := &preparedKey{
		alg:     k.Alg,
		kid:     kid + suffix,
		suffix:  suffix,
		private: k.Private,
		public:  k.Private.Public(),
		headers: map[string]string{},
	}
	for name, value := range map[string]any{
		jwk.KeyIDKey:     p.kid,
		jwk.AlgorithmKey: jwa.SignatureAlgorithm(k.Alg),
		jwk.KeyUsageKey:  jwk.ForSignature,
	} {
		if err := public.Set(name, value); err != nil {
			return nil, nil, err
		}
	}
	if p.signer, err = jws.NewSigner(jwa.SignatureAlgorithm(k.Alg)); err != nil {
		return nil, nil, err
	}
	if p.verifier, err = jws.NewVerifier(jwa.SignatureAlgorithm(k.Alg)); err != nil {
		return nil, nil, err
	}
	for _, typ := range []string{typeJWT, typeAccessToken, typeLogoutToken} {
		header, err := json.Marshal(struct {
			Alg string `json:"alg"`
			Kid string `json:"kid"`
			Typ string `json:"typ"`
		}{p.alg, p.kid, typ})
		if err != nil {
			return nil, nil, err
		}
		p.headers[typ] = base64.RawURLEncoding.EncodeToString(header) + "."
	}
	return p, public, nil
}

// Public is the JWK set as published: public halves with kid, alg and use. The
// caller may change what it gets.
func (k *Keys) Public() jwk.Set {
	set, err := k.set.Clone()
	if err != nil {
		// Clone only copies members that AddKey has accepted.
		panic("idp: cloning the JWK set: " + err.Error())
	}
	return set
}

// Algs are the algorithms there are keys for, each once, in key order.
func (k *Keys) Algs() []string {
	var algs []string
	for _, key := range k.list {
		if !slices.Contains(algs, key.alg) {
			algs = append(algs, key.alg)
		}
	}
	return algs
}

func (k *Keys) byID(kid string) *preparedKey {
	for _, key := range k.list {
		if key.kid == kid || key.hidden != "" && key.hidden == kid {
			return key
		}
	}
	return nil
}

// signs gives the key that signs with alg. Empty: RS256, the algorithm that
// every client has to know (OpenID Connect Core 1.0, section 2), or else the
// first key.
func (k *Keys) signs(alg string) (*preparedKey, error) {
	wanted := alg
	if wanted == "" {
		wanted = signingAlgs[0]
	}
	for _, key := range k.list {
		if key.alg == wanted {
			return key, nil
		}
	}
	if alg == "" {
		return k.list[0], nil
	}
	return nil, fmt.Errorf("no signing key for alg %s; there are keys for %s", alg, strings.Join(k.Algs(), ", "))
}
