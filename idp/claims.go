package idp

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"time"
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

// scopeOfClaim names the scope without which a claim is not given (OpenID
// Connect Core 1.0, section 5.4).
var scopeOfClaim = map[string]string{
	"email": scopeEmail, "email_verified": scopeEmail,
	"name": scopeProfile, "preferred_username": scopeProfile, "given_name": scopeProfile,
	"family_name": scopeProfile, "picture": scopeProfile,
}

// personClaims are what a token or userinfo says about the person. Every path
// (code, refresh, password, mint, userinfo) takes them from here, so that they
// never differ.
//
// groups is claimed whatever the scope: a Console reads it from the bearer
// token and knows no scope for it, and a company's real provider is configured
// to send it always. So are the person's extra claims. They also stand in the
// access token, where OpenID Connect would have userinfo only, because the
// Console sees no other token.
//
// An extra claim takes the place of a standard one of that name, and null
// removes it: that is how a document gets an email_verified that is the string
// "true", or no groups at all, as some vendors have it.
func personClaims(p *Person, scope scopeList) map[string]any {
	claims := make(map[string]any, 24+len(p.Claims))
	give := func(name string, value any) {
		if needed, bound := scopeOfClaim[name]; !bound || scope.has(needed) {
			claims[name] = value
		}
	}
	groups := p.Groups
	if groups == nil {
		groups = []string{}
	}
	give(claimGroups, groups)
	if p.Email != "" {
		give("email", p.Email)
		give("email_verified", p.EmailVerified)
	}
	give("preferred_username", p.Login)
	for _, c := range [...]struct{ name, value string }{
		{"name", p.Name}, {"given_name", p.GivenName}, {"family_name", p.FamilyName}, {"picture", p.Picture},
	} {
		if c.value != "" {
			give(c.name, c.value)
		}
	}
	for name, value := range p.Claims {
		if value == nil {
			delete(claims, name)
		} else {
			give(name, value)
		}
	}
	claims["sub"] = p.Sub
	return claims
}

// clientClaims are what a token says about a client that asks for itself. The
// sub is the client_id (RFC 9068, section 2.2).
func clientClaims(c *Client) map[string]any {
	claims := make(map[string]any, 12+len(c.Claims))
	maps.Copy(claims, c.Claims)
	claims["sub"] = c.ID
	return claims
}

// accessClaims are the claims of an access token: RFC 9068, section 2.2, with
// azp beside client_id since half of the resource servers look for that one.
// No nbf: a clock one second behind would refuse the token.
func accessClaims(in issuance, issuer, id string, now time.Time, lifetime time.Duration) map[string]any {
	var claims map[string]any
	if in.person != nil {
		claims = personClaims(in.person, in.scope)
		claims["auth_time"] = in.authTime.Unix()
	} else {
		claims = clientClaims(in.client)
	}
	claims["iss"] = issuer
	claims["aud"] = audienceClaim(in.audience)
	claims["azp"] = in.client.ID
	claims["client_id"] = in.client.ID
	claims["scope"] = in.scope.String()
	claims["iat"] = now.Unix()
	claims["exp"] = now.Add(lifetime).Unix()
	claims["jti"] = id
	if in.sid != "" {
		claims["sid"] = in.sid
	}
	return claims
}

// idClaims are the claims of an ID token (OpenID Connect Core 1.0, section 2).
func idClaims(in issuance, issuer, alg, accessToken string, now time.Time, lifetime time.Duration) map[string]any {
	claims := personClaims(in.person, in.scope)
	claims["iss"] = issuer
	claims["aud"] = in.client.ID
	claims["azp"] = in.client.ID
	claims["iat"] = now.Unix()
	claims["exp"] = now.Add(lifetime).Unix()
	claims["auth_time"] = in.authTime.Unix()
	claims["at_hash"] = leftHalf(alg, accessToken)
	if in.sid != "" {
		claims["sid"] = in.sid
	}
	if in.nonce != "" {
		claims["nonce"] = in.nonce
	}
	return claims
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
