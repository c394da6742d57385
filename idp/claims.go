package idp

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"slices"
	"strings"
)

// Scopes that mean something to the provider; any other is only passed on.
const (
	scopeOpenID        = "openid"
	scopeProfile       = "profile"
	scopeEmail         = "email"
	scopeGroups        = "groups"
	scopeOfflineAccess = "offline_access"
)

// Names of the claims that not only the standards define.
const claimGroups = "groups"

// protocolClaims are set by the provider; no document may give them.
var protocolClaims = []string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "azp", "client_id", "scope", "sid", "auth_time", "nonce", "at_hash", "c_hash", "cnf", "act",
}

// scopeList is a parsed scope value (RFC 6749, section 3.3): each once, in the
// order asked for.
type scopeList []string

func parseScope(s string) scopeList {
	var list scopeList
	for _, one := range strings.Split(s, " ") {
		if one != "" && !slices.Contains(list, one) {
			list = append(list, one)
		}
	}
	return list
}

func (l scopeList) has(scope string) bool { return slices.Contains(l, scope) }
func (l scopeList) String() string        { return strings.Join(l, " ") }

// isScopeToken is the grammar of RFC 6749, section 3.3.
func isScopeToken(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return s != ""
}

// audienceClaim is a string for one audience and a list for several (RFC 7519,
// section 4.1.3).
func audienceClaim(audience []string) any {
	if len(audience) == 1 {
		return audience[0]
	}
	return audience
}

// leftHalf is at_hash (OpenID Connect Core 1.0, section 3.1.3.6). Ed25519
// hashes with SHA-512 itself (RFC 8032, section 5.1), so that is its hash here.
func leftHalf(alg, token string) string {
	if alg == "EdDSA" {
		h := sha512.Sum512([]byte(token))
		return base64.RawURLEncoding.EncodeToString(h[:32])
	}
	h := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(h[:16])
}
