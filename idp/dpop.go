package idp

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/lestrrat-go/jwx/v2/jwk"
)

// RFC 9449: DPoP. A proof is a JWT, made for one request, by which the sender
// shows that it has a key; tokens are bound to the thumbprint of that key.
const (
	headerDPoP      = "DPoP"
	headerDPoPNonce = "DPoP-Nonce"
	schemeDPoP      = "DPoP"
	typeDPoP        = "dpop+jwt"
)

// proofLifetime is how old a proof may be; for as long its jti is remembered.
const proofLifetime = 5 * time.Minute

// nonceLifetime is how long a nonce serves; a client that used an old one gets
// a new one with the refusal.
const nonceLifetime = 5 * time.Minute

// proof are the claims of a DPoP proof (section 4.2).
type proof struct {
	ID       string   `json:"jti"`
	Method   string   `json:"htm"`
	URI      string   `json:"htu"`
	IssuedAt *float64 `json:"iat"`
	Hash     string   `json:"ath"`
	Nonce    string   `json:"nonce"`
}

// nonceWanted refuses a proof for its nonce alone (section 8).
type nonceWanted struct{ reason string }

func (e *nonceWanted) Error() string { return e.reason }

// proofOf checks the DPoP header of a request (section 4.3) and gives the
// thumbprint of its key; empty: there is no such header. endpoint is the path
// below the issuer that was asked, accessToken the token that the proof must go
// with at userinfo; empty elsewhere. A bad proof is a *refusedToken or a
// *nonceWanted.
func (p *Provider) proofOf(c echo.Context, endpoint, accessToken string) (string, error) {
	headers := c.Request().Header.Values(headerDPoP)
	switch {
	case len(headers) == 0:
		return "", nil
	case len(headers) > 1:
		return "", &refusedToken{"the DPoP proof is given more than once"}
	}
	if p.config.DPoPNonce {
		c.Response().Header().Set(headerDPoPNonce, p.newNonce())
	}
	t, err := takeApart(headers[0])
	if err != nil {
		return "", &refusedToken{"the DPoP proof cannot be read: " + err.Error()}
	}
	jkt, err := t.provenKey()
	if err != nil {
		return "", &refusedToken{err.Error()}
	}
	var claims proof
	if err := t.claims(&claims); err != nil {
		return "", &refusedToken{"the DPoP proof cannot be read: " + err.Error()}
	}
	if reason := p.wrongProof(c.Request(), &claims, endpoint, accessToken); reason != "" {
		return "", &refusedToken{"the DPoP proof " + reason}
	}
	if p.config.DPoPNonce {
		switch {
		case claims.Nonce == "":
			return "", &nonceWanted{"the DPoP proof must have the nonce of the header DPoP-Nonce"}
		case !p.isNonce(claims.Nonce):
			return "", &nonceWanted{"the nonce of the DPoP proof is not of this provider or too old; the header DPoP-Nonce has a new one"}
		}
	}
	return jkt, p.proofOnce(c.Request().Context(), jkt, &claims)
}

// provenKey checks header and signature of a proof and gives the RFC 7638
// thumbprint of its key.
func (t *compactJWS) provenKey() (string, error) {
	if t.header.Typ != typeDPoP {
		return "", fmt.Errorf("the typ of the DPoP proof must be %s, is '%s'", typeDPoP, shorten(t.header.Typ, 60))
	}
	key, err := jwk.ParseKey(t.header.JWK)
	if err != nil {
		return "", fmt.Errorf("the header of the DPoP proof must have the public key as jwk")
	}
	if private, err := jwk.IsPrivateKey(key); err != nil || private {
		return "", fmt.Errorf("the jwk of the DPoP proof is no public key")
	}
	public, err := verifiable(key)
	if err != nil {
		return "", fmt.Errorf("the jwk of the DPoP proof %w", err)
	}
	if !fits(t.header.Alg, public) {
		return "", fmt.Errorf("the alg of the DPoP proof is '%s', which does not go with its key; there are %s", shorten(t.header.Alg, 20), strings.Join(clientAlgs, ", "))
	}
	if !t.signedBy(public) {
		return "", fmt.Errorf("the signature of the DPoP proof does not fit its key")
	}
	thumbprint, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("the jwk of the DPoP proof cannot be read")
	}
	return base64.RawURLEncoding.EncodeToString(thumbprint), nil
}

// wrongProof says why the proof is not for this request.
func (p *Provider) wrongProof(r *http.Request, claims *proof, endpoint, accessToken string) string {
	now := float64(p.now().Unix())
	switch {
	case claims.ID == "":
		return "has no jti"
	case claims.Method != r.Method:
		return "is for another method: its htm is '" + shorten(claims.Method, 20) + "', the request is a " + r.Method
	case !p.isHere(r, endpoint, claims.URI):
		return "is for another address: its htu is '" + shorten(claims.URI, 200) + "'; it must be the address of the endpoint as discovery gives it"
	case claims.IssuedAt == nil:
		return "has no iat"
	case *claims.IssuedAt < now-proofLifetime.Seconds():
		return "is too old: its iat is more than " + proofLifetime.String() + " ago by this provider's clock"
	case *claims.IssuedAt > now+clockSkew.Seconds():
		return "is from the future by this provider's clock"
	}
	if accessToken == "" {
		return ""
	}
	d := sha256.Sum256([]byte(accessToken))
	if claims.Hash != base64.RawURLEncoding.EncodeToString(d[:]) {
		return "is not for this access token: ath must be the base64url SHA-256 of it"
	}
	return ""
}

// isHere compares an htu with the addresses of the endpoint asked, without
// query and fragment and after the normalisation of RFC 3986, section 6.2.2.
func (p *Provider) isHere(r *http.Request, endpoint, htu string) bool {
	given, ok := normalURI(htu)
	if !ok {
		return false
	}
	for _, base := range p.bases(r) {
		if here, ok := normalURI(base + endpoint); ok && here == given {
			return true
		}
	}
	return false
}

func normalURI(uri string) (string, bool) {
	u, err := url.Parse(uri)
	if err != nil || !isWeb(u) || u.Host == "" || u.User != nil {
		return "", false
	}
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "http":
		host = strings.TrimSuffix(host, ":80")
	case "https":
		host = strings.TrimSuffix(host, ":443")
	}
	return u.Scheme + "://" + host + u.Path, true
}

// proofOnce refuses a proof that was used before (section 11.1).
func (p *Provider) proofOnce(ctx context.Context, jkt string, claims *proof) error {
	used := false
	err := p.config.Storage.Update(ctx, func(tx Tx) (err error) {
		expires := time.Unix(int64(*claims.IssuedAt), 0).Add(proofLifetime + time.Second)
		used, err = p.seen(tx, kindProof, digest(jkt+"\x00"+claims.ID), expires)
		return err
	})
	if err != nil {
		return fmt.Errorf("remembering a DPoP proof: %w", err)
	}
	if used {
		return &refusedToken{"the DPoP proof was used before; each request needs one with a jti of its own"}
	}
	return nil
}

// newNonce is the time with a MAC over it, so that nothing need be kept.
func (p *Provider) newNonce() string {
	b := binary.BigEndian.AppendUint64(nil, uint64(p.now().Unix()))
	return base64.RawURLEncoding.EncodeToString(append(b, p.mac("nonce", b)[:idBytes]...))
}

func (p *Provider) isNonce(nonce string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(b) != 8+idBytes || !hmac.Equal(b[8:], p.mac("nonce", b[:8])[:idBytes]) {
		return false
	}
	made := time.Unix(int64(binary.BigEndian.Uint64(b)), 0)
	return p.now().Sub(made) <= nonceLifetime
}

// proveKey is proofOf for the token and the pushed authorization request
// endpoint, where a bad proof is an error in JSON (sections 5 and 8).
func (p *Provider) proveKey(c echo.Context, endpoint string, client *Client) (string, error) {
	jkt, err := p.proofOf(c, endpoint, "")
	if err != nil {
		return "", asProofError(err)
	}
	if jkt == "" && client.RequireDPoP {
		return "", refuse(errInvalidProof, "the client '"+client.ID+"' must prove its key: send a DPoP header (dpop_bound_access_tokens)")
	}
	return jkt, nil
}

func asProofError(err error) error {
	switch e := err.(type) {
	case *refusedToken:
		return refuse(errInvalidProof, e.reason)
	case *nonceWanted:
		return refuse(errUseNonce, e.reason)
	}
	return err
}

// refreshKey is the key that refresh tokens are bound to: those of public
// clients alone, since others show who they are each time (section 5).
func (c *Client) refreshKey(jkt string) string {
	if c.public() {
		return jkt
	}
	return ""
}

// holdsKey checks the key that a code or a refresh token is bound to.
func (g *grant) holdsKey(jkt string) error {
	switch {
	case g.JKT == "" || g.JKT == jkt:
		return nil
	case jkt == "":
		return refuse(errInvalidProof, "the DPoP header is missing: the grant is bound to a key")
	}
	return refuse(errInvalidGrant, "the DPoP proof is of another key than the one that the grant is bound to")
}

// isThumbprint is the form of a dpop_jkt (section 10).
func isThumbprint(s string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == sha256.Size
}
