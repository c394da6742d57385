package idp

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// maxToken bounds what is read as a token, in bytes; a person with some
// thousand groups still fits.
const maxToken = 256 << 10

// sign makes a compact JWS (RFC 7515, section 7.1) of the claims. It joins the
// header that was encoded with the key, so that the signature is nearly all of
// the cost.
func (k *preparedKey) sign(typ string, claims map[string]any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encoding claims: %w", err)
	}
	b64 := base64.RawURLEncoding
	header := k.headers[typ]
	token := make([]byte, 0, len(header)+b64.EncodedLen(len(payload))+1+b64.EncodedLen(256))
	token = append(token, header...)
	token = b64.AppendEncode(token, payload)
	signature, err := k.signer.Sign(token, k.private)
	if err != nil {
		return "", fmt.Errorf("signing with %s: %w", k.alg, err)
	}
	token = append(token, '.')
	token = b64.AppendEncode(token, signature)
	return string(token), nil
}

// readClaims are the members of our own tokens that are looked at again.
type readClaims struct {
	Issuer   string          `json:"iss"`
	Subject  string          `json:"sub"`
	Audience json.RawMessage `json:"aud"`
	AZP      string          `json:"azp"`
	ClientID string          `json:"client_id"`
	Scope    string          `json:"scope"`
	ID       string          `json:"jti"`
	SID      string          `json:"sid"`
	Expires  int64           `json:"exp"`
}

// Which check failed; the text ends up in error_description.
var (
	errTokenTooLong   = errors.New("the token is too long")
	errTokenNoJWT     = errors.New("the token is no JWT of three parts")
	errTokenHeader    = errors.New("the header of the token cannot be read")
	errTokenSignature = errors.New("the signature does not fit; the token was changed or signed by another key")
	errTokenNoID      = errors.New("it is an access token; an ID token is needed")
	errTokenClaims    = errors.New("the claims of the token cannot be read")
)

// verify checks the signature and the issuer of one of our tokens. Whether it
// has expired is for the caller to ask, since a logout hint may have.
func (k *Keys) verify(token, issuer string) (*readClaims, error) {
	if len(token) > maxToken {
		return nil, errTokenTooLong
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errTokenNoJWT
	}
	b64 := base64.RawURLEncoding.Strict()
	rawHeader, err := b64.DecodeString(parts[0])
	if err != nil {
		return nil, errTokenHeader
	}
	var header struct {
		Alg string `json:"alg"`
		Kid string `json:"kid"`
	}
	if json.Unmarshal(rawHeader, &header) != nil {
		return nil, errTokenHeader
	}
	key := k.byID(header.Kid)
	if key == nil {
		return nil, fmt.Errorf("the kid '%s' is none of this provider's keys; the token is of another issuer, or the keys have changed", shorten(header.Kid, 60))
	}
	// The key decides on the algorithm, never the token (RFC 8725, section 3.1).
	if header.Alg != key.alg {
		return nil, fmt.Errorf("the alg is '%s', yet the key of that kid is for %s", shorten(header.Alg, 20), key.alg)
	}
	signature, err := b64.DecodeString(parts[2])
	if err != nil {
		return nil, errTokenSignature
	}
	if key.verifier.Verify([]byte(token[:len(parts[0])+1+len(parts[1])]), signature, key.public) != nil {
		return nil, errTokenSignature
	}
	payload, err := b64.DecodeString(parts[1])
	if err != nil {
		return nil, errTokenClaims
	}
	claims := new(readClaims)
	if json.Unmarshal(payload, claims) != nil {
		return nil, errTokenClaims
	}
	if claims.Issuer != issuer {
		return nil, fmt.Errorf("the iss is '%s', not '%s'", shorten(claims.Issuer, 200), issuer)
	}
	return claims, nil
}

// isAccessToken tells our two kinds apart: both may have typ JWT and are signed
// by the same keys, but client_id stands in access tokens alone.
func (c *readClaims) isAccessToken() bool { return c.ClientID != "" && c.ID != "" }

// verifyHint checks an id_token_hint, which may have expired (OpenID Connect
// Core 1.0, section 3.1.2.1, and RP-Initiated Logout 1.0, section 2).
func (k *Keys) verifyHint(token, issuer string) (*readClaims, error) {
	claims, err := k.verify(token, issuer)
	if err != nil {
		return nil, err
	}
	if claims.isAccessToken() {
		return nil, errTokenNoID
	}
	return claims, nil
}

// hasAudience tells whether aud, a string or a list, holds the value.
func (c *readClaims) hasAudience(value string) bool {
	var one string
	if json.Unmarshal(c.Audience, &one) == nil {
		return one == value
	}
	var list []string
	if json.Unmarshal(c.Audience, &list) != nil {
		return false
	}
	for _, a := range list {
		if a == value {
			return true
		}
	}
	return false
}

// shorten keeps what a caller sent from filling an answer.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "..."
}
