package idp

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
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
	Scopes   json.RawMessage `json:"scope"` // a text, or a list as some vendors have it
	ID       string          `json:"jti"`
	SID      string          `json:"sid"`
	Expires  int64           `json:"exp"`
	Before   int64           `json:"nbf"`
	IssuedAt int64           `json:"iat"`
	AuthTime int64           `json:"auth_time"`
	ACR      any             `json:"acr"`
	Act      json.RawMessage `json:"act"`
	MayAct   json.RawMessage `json:"may_act"`
	CNF      *confirmation   `json:"cnf"`

	// Scope are the Scopes as a text.
	Scope string `json:"-"`
	// all is the payload that these were read from.
	all json.RawMessage
}

// confirmation names the key that a token is bound to (RFC 7800, section 3.1,
// with the jkt of RFC 9449, section 6.1).
type confirmation struct {
	JKT string `json:"jkt"`
}

func (c *readClaims) read() error {
	if exactly(c.all, c) != nil {
		return errTokenClaims
	}
	c.Scope = scopesIn(c.Scopes).String()
	return nil
}

// boundTo is the thumbprint of the key whose holder alone may use the token;
// empty: whoever bears it may.
func (c *readClaims) boundTo() string {
	if c.CNF == nil {
		return ""
	}
	return c.CNF.JKT
}

// Which check failed; the text ends up in error_description.
var (
	errTokenTooLong   = errors.New("the token is too long")
	errTokenNoJWT     = errors.New("the token is no JWT of three parts")
	errTokenHeader    = errors.New("the header of the token cannot be read")
	errTokenCritical  = errors.New("the header of the token has crit, and no such extension is understood")
	errTokenSignature = errors.New("the signature does not fit; the token was changed or signed by another key")
	errTokenNoID      = errors.New("it is an access token; an ID token is needed")
	errTokenClaims    = errors.New("the claims of the token cannot be read")
)

// compactJWS is a token taken apart (RFC 7515, section 7.1), of which nothing
// has been checked yet.
type compactJWS struct {
	header struct {
		Alg  string          `json:"alg"`
		Kid  string          `json:"kid"`
		Typ  string          `json:"typ"`
		JWK  json.RawMessage `json:"jwk"`
		Crit json.RawMessage `json:"crit"`
	}
	signed    []byte
	signature []byte
	payload   string // base64url
}

func takeApart(token string) (*compactJWS, error) {
	if len(token) > maxToken {
		return nil, errTokenTooLong
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errTokenNoJWT
	}
	t := &compactJWS{payload: parts[1], signed: []byte(token[:len(parts[0])+1+len(parts[1])])}
	rawHeader, err := base64.RawURLEncoding.Strict().DecodeString(parts[0])
	if err != nil || exactly(rawHeader, &t.header) != nil {
		return nil, errTokenHeader
	}
	// Section 4.1.11: what is critical must be understood, and nothing is.
	if t.header.Crit != nil {
		return nil, errTokenCritical
	}
	if t.signature, err = base64.RawURLEncoding.Strict().DecodeString(parts[2]); err != nil {
		return nil, errTokenSignature
	}
	return t, nil
}

// claims reads the payload into v.
func (t *compactJWS) claims(v any) error {
	payload, err := base64.RawURLEncoding.Strict().DecodeString(t.payload)
	if err != nil || exactly(payload, v) != nil {
		return errTokenClaims
	}
	return nil
}

// exactly decodes an object into a struct by the names as they are written:
// encoding/json passes over their case, which JOSE does not (RFC 7515, section 4,
// RFC 7519, section 4). The names of such structs are in lower case.
func exactly(data []byte, v any) error {
	if raw, whole := v.(*json.RawMessage); whole {
		return json.Unmarshal(data, raw)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	count := len(members)
	maps.DeleteFunc(members, func(name string, _ json.RawMessage) bool {
		return strings.ContainsFunc(name, func(r rune) bool { return r >= 'A' && r <= 'Z' || r > '~' })
	})
	if len(members) < count {
		var err error
		if data, err = json.Marshal(members); err != nil {
			return err
		}
	}
	return json.Unmarshal(data, v)
}

// verify checks the signature and the issuer of one of our tokens. Whether it
// has expired is for the caller to ask, since a logout hint may have.
func (k *Keys) verify(token, issuer string) (*readClaims, error) {
	t, err := takeApart(token)
	if err != nil {
		return nil, err
	}
	key := k.byID(t.header.Kid)
	if key == nil {
		return nil, fmt.Errorf("the kid '%s' is none of this provider's keys; the token is of another issuer, or the keys have changed", shorten(t.header.Kid, 60))
	}
	// The key decides on the algorithm, never the token (RFC 8725, section 3.1).
	if t.header.Alg != key.alg {
		return nil, fmt.Errorf("the alg is '%s', yet the key of that kid is for %s", shorten(t.header.Alg, 20), key.alg)
	}
	if key.verifier.Verify(t.signed, t.signature, key.public) != nil {
		return nil, errTokenSignature
	}
	// One kind of token must not pass for another (RFC 8725, section 3.11).
	if t.header.Typ != typeJWT && t.header.Typ != typeAccessToken && !(t.header.Typ == typeNone && k.dialect != nil && k.dialect.noTyp) {
		return nil, fmt.Errorf("the typ is '%s', which is neither an access token nor an ID token", shorten(t.header.Typ, 60))
	}
	claims := new(readClaims)
	if err := t.claims(&claims.all); err != nil {
		return nil, err
	}
	if err := claims.read(); err != nil {
		return nil, err
	}
	if k.dialect != nil {
		if err := k.dialect.translate(claims); err != nil {
			return nil, err
		}
		if claims.ClientID != "" {
			issuer = k.dialect.access
		}
	}
	if claims.Issuer != issuer {
		return nil, fmt.Errorf("the iss is '%s', not '%s'", shorten(claims.Issuer, 200), issuer)
	}
	return claims, nil
}

// client is the client_id of who got the token, an access or an ID token.
func (c *readClaims) client() string {
	if c.ClientID != "" {
		return c.ClientID
	}
	return c.AZP
}

// in says what the token is, as far as that decides on its sub.
func (c *readClaims) in() carrier {
	if c.isAccessToken() {
		return inAccess
	}
	return inID
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

// hasAudience tells whether aud holds the value.
func (c *readClaims) hasAudience(value string) bool {
	return slices.Contains(audienceOf(c.Audience), value)
}

// audienceOf reads an aud, a string or a list (RFC 7519, section 4.1.3).
func audienceOf(raw json.RawMessage) []string {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	var list []string
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	return list
}

// shorten keeps what a caller sent from filling an answer.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "..."
}
