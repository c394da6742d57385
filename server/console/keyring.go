package console

import (
	"fmt"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

// keyring is an issuer's key set made ready for use: converting a JWK at each
// request would cost more than the cached check it serves.
type keyring []ringKey

type ringKey struct {
	id, alg, kind string // kid, alg (may be empty) and kty of the JWK
	public        any
}

// newKeyring takes the public signing keys out of a set; a key that cannot be
// used is left out, as issuers publish others beside (encryption keys).
func newKeyring(set jwk.Set) keyring {
	ring := make(keyring, 0, set.Len())
	for i := range set.Len() {
		key, _ := set.Key(i)
		if use := key.KeyUsage(); use != "" && use != string(jwk.ForSignature) {
			continue
		}
		public, err := key.PublicKey()
		if err != nil {
			continue
		}
		var raw any
		if err := public.Raw(&raw); err != nil {
			continue
		}
		ring = append(ring, ringKey{id: key.KeyID(), alg: key.Algorithm().String(), kind: key.KeyType().String(), public: raw})
	}
	return ring
}

// pick finds the key for a token's kid and alg. Keys of two kinds may share a
// kid (RFC 7517, section 4.5), so the algorithm decides among them.
func (r keyring) pick(id, alg string) (any, error) {
	var named, found *ringKey
	fitting := 0
	for i := range r {
		if id != "" && r[i].id != id {
			continue
		}
		named = &r[i]
		if named.fits(alg) {
			found = named
			fitting++
		}
	}
	switch {
	case fitting == 1:
		return found.public, nil
	case id == "":
		return nil, fmt.Errorf("the token names no key (kid) and %d of the issuer's keys fit algorithm %s", fitting, alg)
	case named == nil:
		return nil, errUnknownKey{id: id, known: r.ids()}
	case fitting > 1:
		return nil, fmt.Errorf("%d of the issuer's keys for algorithm %s have the id %q (kid)", fitting, alg, id)
	}
	use := named.alg
	if use == "" {
		use = "no stated algorithm"
	}
	return nil, fmt.Errorf("the key %q is a %s key for %s, the token uses %s", id, named.kind, use, alg)
}

func (r keyring) ids() []string {
	ids := make([]string, len(r))
	for i := range r {
		ids[i] = r[i].id
	}
	return ids
}

// fits: the key's own alg binds, save that one RSA key may serve both
// RSASSA-PKCS1-v1_5 and -PSS.
func (k *ringKey) fits(alg string) bool {
	family := ""
	switch k.kind {
	case "RSA":
		family = "RS"
		if strings.HasPrefix(alg, "PS") {
			family = "PS"
		}
	case "EC":
		family = "ES"
	case "OKP":
		family = "EdDSA"
	}
	if family == "" || !strings.HasPrefix(alg, family) {
		return false
	}
	return k.alg == "" || k.alg == alg || k.kind == "RSA" && strings.HasPrefix(alg, "PS") && strings.HasPrefix(k.alg, "RS")
}

// errUnknownKey says that the issuer's set lacks the token's kid.
type errUnknownKey struct {
	id    string
	known []string
}

func (e errUnknownKey) Error() string {
	return fmt.Sprintf("the token's key %q (kid) is not among the issuer's (%s): the token is of another world, or its key has been rotated away", e.id, strings.Join(e.known, ", "))
}
