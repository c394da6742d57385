package idp

import (
	"crypto/sha256"
	"encoding/base64"
)

// Code challenge methods (RFC 7636, section 4.3).
const (
	challengeS256  = "S256"
	challengePlain = "plain"
)

// isVerifier is the grammar that code_verifier and code_challenge share (RFC
// 7636, sections 4.1 and 4.2).
func isVerifier(s string) bool {
	if len(s) < 43 || len(s) > 128 {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
		default:
			return false
		}
	}
	return true
}

func (p *Provider) readChallenge(request *authorization, q params) error {
	challenge, method := q.get("code_challenge"), q.get("code_challenge_method")
	switch {
	case challenge == "" && method != "":
		return refuse(errInvalidRequest, "code_challenge_method is given without code_challenge")
	case challenge == "" && request.client.RequirePKCE:
		return refuse(errInvalidRequest, "code_challenge is missing: the client '"+request.client.ID+"' must use PKCE (RFC 7636); send code_challenge and code_challenge_method=S256")
	case challenge == "":
		return nil
	case !isVerifier(challenge):
		return refuse(errInvalidRequest, "code_challenge must be 43 to 128 characters of A-Z a-z 0-9 - . _ ~ (RFC 7636)")
	}
	if method == "" {
		method = challengePlain
	}
	switch {
	case method == challengeS256:
	case method == challengePlain && p.config.AllowPlainPKCE:
	case method == challengePlain:
		return refuse(errInvalidRequest, "code_challenge_method plain, which is also what an absent one means, is refused; send code_challenge_method=S256")
	default:
		return refuse(errInvalidRequest, "code_challenge_method is '"+shorten(method, 20)+"'; it is S256")
	}
	request.challenge, request.method = challenge, method
	return nil
}

// verifies checks a code_verifier against the challenge of the grant. A
// verifier without challenge is refused too: someone may have taken the
// challenge out of the request (RFC 9700, section 2.1.1).
func (g *grant) verifies(verifier string) error {
	switch {
	case g.Challenge == "" && verifier == "":
		return nil
	case g.Challenge == "":
		return refuse(errInvalidGrant, "code_verifier is given, yet the authorization request had no code_challenge")
	case verifier == "":
		return refuse(errInvalidGrant, "code_verifier is missing: the authorization request had a code_challenge")
	case !isVerifier(verifier):
		return refuse(errInvalidGrant, "code_verifier must be 43 to 128 characters of A-Z a-z 0-9 - . _ ~ (RFC 7636)")
	}
	computed := verifier
	if g.ChallengeMethod == challengeS256 {
		d := sha256.Sum256([]byte(verifier))
		computed = base64.RawURLEncoding.EncodeToString(d[:])
	}
	if !sameSecret(g.Challenge, computed) {
		return refuse(errInvalidGrant, "code_verifier does not fit the code_challenge of the authorization request")
	}
	return nil
}
