package idp

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

// ReadSigningKeys reads the private keys of a file, in their order: PEM blocks
// as ParseSigningKey takes them, a JWK (RFC 7517, section 4) or a JWK set
// (section 5). A JWK keeps its kid; its alg, or else the kind of key, says what
// it signs with. Keys of a set that are for encryption are passed over. Errors
// never hold a part of the file.
func ReadSigningKeys(data []byte) ([]SigningKey, error) {
	data = bytes.TrimSpace(data)
	if len(data) > 0 && data[0] == '{' {
		return readJWKs(data)
	}
	var list []SigningKey
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		data = rest
		// openssl ecparam writes the curve in a block of its own.
		if block.Type == "EC PARAMETERS" {
			continue
		}
		key, err := parsePEM(block)
		if err != nil {
			return nil, err
		}
		key.Alg = algOf(key.Private)
		if err := key.check(); err != nil {
			return nil, err
		}
		list = append(list, key)
	}
	if len(list) == 0 {
		return nil, errors.New("neither PEM (-----BEGIN PRIVATE KEY-----) nor a JWK or JWK set (JSON)")
	}
	return list, nil
}

func readJWKs(data []byte) ([]SigningKey, error) {
	set, err := jwk.Parse(data)
	if err != nil {
		// What the library says may quote the file.
		return nil, errors.New("cannot be read as a JWK or a JWK set (RFC 7517)")
	}
	var list []SigningKey
	for i := range set.Len() {
		key, _ := set.Key(i)
		if key.KeyUsage() == string(jwk.ForEncryption) {
			continue
		}
		one, err := signingJWK(key)
		if err != nil {
			return nil, fmt.Errorf("JWK %d: %w", i+1, err)
		}
		list = append(list, one)
	}
	if len(list) == 0 {
		return nil, errors.New("the JWK set has no key that signs")
	}
	return list, nil
}

func signingJWK(key jwk.Key) (SigningKey, error) {
	none := SigningKey{}
	if private, err := jwk.IsPrivateKey(key); err != nil || !private {
		return none, fmt.Errorf("a %s key without its private half; signing needs it", key.KeyType())
	}
	var raw any
	if key.Raw(&raw) != nil {
		return none, errors.New("the members of the key do not fit together")
	}
	signer, ok := raw.(crypto.Signer)
	if !ok {
		return none, fmt.Errorf("a %s key cannot sign; RSA, EC on P-256 and Ed25519 keys can", key.KeyType())
	}
	if r, ok := signer.(*rsa.PrivateKey); ok && r.Validate() != nil {
		return none, errors.New("the members of the key do not fit together")
	}
	one := SigningKey{KeyID: key.KeyID(), Alg: algOf(signer), Private: signer}
	if alg := key.Algorithm().String(); alg != "" {
		if !slices.Contains(signingAlgs, alg) {
			return none, fmt.Errorf("alg is %q; there are %s", shorten(alg, 20), strings.Join(signingAlgs, ", "))
		}
		one.Alg = alg
	}
	return one, one.check()
}

// algOf is what a key signs with unless something else is said.
func algOf(key crypto.Signer) string {
	switch key.(type) {
	case *ecdsa.PrivateKey:
		return "ES256"
	case ed25519.PrivateKey:
		return "EdDSA"
	}
	return signingAlgs[0]
}

// Secret derives a secret from the key, the same whenever the key is.
func (k SigningKey) Secret() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.Private)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	mac := hmac.New(sha256.New, der)
	mac.Write([]byte("mockduktor secret"))
	return mac.Sum(nil), nil
}
