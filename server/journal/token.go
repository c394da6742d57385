package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
)

// Token is the credential that a request showed, as far as it may be shown:
// never the signature, never the whole.
type Token struct {
	// Form is jwt, encrypted (a JWE), opaque or basic (HTTP Basic).
	Form   string         `json:"form"`
	Scheme string         `json:"scheme"`
	Header map[string]any `json:"header,omitempty"`
	Claims map[string]any `json:"claims,omitempty"`
	// Digest tells opaque tokens apart: the first 16 bytes of the SHA-256, in hex.
	Digest string `json:"digest,omitempty"`
	Bytes  int    `json:"bytes"` // length of the token
}

// Forms of a token.
const (
	formJWT       = "jwt"
	formEncrypted = "encrypted"
	formOpaque    = "opaque"
	formBasic     = "basic"
)

// Credential splits the Authorization header into scheme and token.
func Credential(header http.Header) (scheme, token string) {
	scheme, token, _ = strings.Cut(header.Get("Authorization"), " ")
	return scheme, strings.TrimSpace(token)
}

// readToken decodes a credential without judging it; nil where there is none.
func readToken(scheme, token, apiKeyClaim string) *Token {
	if token == "" {
		return nil
	}
	shown := &Token{Form: formOpaque, Scheme: scheme, Bytes: len(token)}
	if strings.EqualFold(scheme, "Basic") {
		// No digest: a password can be guessed from it.
		shown.Form = formBasic
		return shown
	}
	if !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "DPoP") {
		shown.Scheme = redacted // it may be a token without a scheme
	}
	parts := strings.Split(token, ".")
	switch len(parts) {
	case 3:
		header, claims := object(parts[0]), object(parts[1])
		if header != nil && claims != nil {
			showClaims(header, "")
			showClaims(claims, apiKeyClaim)
			shown.Form, shown.Header, shown.Claims = formJWT, header, claims
			return shown
		}
	case 5:
		if header := object(parts[0]); header != nil {
			showClaims(header, "")
			shown.Form, shown.Header = formEncrypted, header
		}
	}
	digest := sha256.Sum256([]byte(token))
	shown.Digest = hex.EncodeToString(digest[:16])
	return shown
}

// object decodes a part of a JWT; nil where it is no JSON object.
func object(part string) map[string]any {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value map[string]any
	if decoder.Decode(&value) != nil {
		return nil
	}
	return value
}

// clientClaims name the client that a token is for, in the order in which they
// are looked at: RFC 9068 and RFC 8693, OpenID Connect, Okta, Entra.
var clientClaims = []string{"client_id", "azp", "cid", "appid"}

// ClientOf is the client that a token was issued to, by its claims; it is not
// verified. "" where they do not say.
func ClientOf(header http.Header) string {
	_, token := Credential(header)
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	return clientIn(object(parts[1]))
}

func clientIn(claims map[string]any) string {
	for _, name := range clientClaims {
		if id, ok := claims[name].(string); ok && id != "" {
			return id
		}
	}
	return ""
}
