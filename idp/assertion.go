package idp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// assertionTypeJWT is the one client_assertion_type (RFC 7523, section 2.2).
const assertionTypeJWT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// maxAssertion is how far in the future an assertion may expire; for as long
// its jti is remembered. Libraries make them for an hour.
const maxAssertion = time.Hour + time.Minute

// clockSkew is how far another machine's clock may be ahead.
const clockSkew = time.Minute

// assertion are the claims of a JWT that someone else signed (RFC 7523, section
// 3).
type assertion struct {
	Issuer    string          `json:"iss"`
	Subject   string          `json:"sub"`
	Audience  json.RawMessage `json:"aud"`
	ID        string          `json:"jti"`
	Expires   *float64        `json:"exp"`
	NotBefore *float64        `json:"nbf"`
	IssuedAt  *float64        `json:"iat"`
}

// readClientAssertion takes client_assertion and its type out of the form. The
// client_id need not be sent: the assertion names it (RFC 7521, section 4.2).
func (p *Provider) readClientAssertion(q params, shown *credentials) error {
	token, kind := q.get("client_assertion"), q.get("client_assertion_type")
	switch {
	case token == "" && kind == "":
		return nil
	case kind != assertionTypeJWT:
		return p.invalidClient("client_assertion_type must be " + assertionTypeJWT + ", is '" + shorten(kind, 100) + "'")
	case token == "":
		return p.invalidClient("client_assertion is missing, yet there is a client_assertion_type")
	case shown.secret != "":
		return refuse(errInvalidRequest, "the client authenticates by client_secret and by client_assertion; it must use one of them")
	}
	t, err := takeApart(token)
	if err != nil {
		return p.invalidClient("client_assertion: " + err.Error())
	}
	var claims assertion
	if err := t.claims(&claims); err != nil {
		return p.invalidClient("client_assertion: " + err.Error())
	}
	if shown.id != "" && shown.id != claims.Subject {
		return p.invalidClient("client_id and the sub of client_assertion name two different clients")
	}
	shown.id, shown.assertion, shown.method = claims.Subject, token, AuthPrivateKey
	if strings.HasPrefix(t.header.Alg, "HS") {
		shown.method = AuthSecretJWT
	}
	return nil
}

// authenticateByJWT is private_key_jwt and client_secret_jwt (OpenID Connect
// Core 1.0, section 9).
func (p *Provider) authenticateByJWT(c echo.Context, client *Client, shown credentials) error {
	if client.public() {
		return p.invalidClient("the client '" + client.ID + "' is public and cannot authenticate; register a client_secret or jwks for it")
	}
	if client.AuthMethod != "" && client.AuthMethod != shown.method {
		return p.invalidClient("the client '" + client.ID + "' must use " + client.AuthMethod + ", and " + shown.method + " was used")
	}
	t, err := takeApart(shown.assertion)
	if err != nil {
		return p.invalidClient("client_assertion: " + err.Error())
	}
	switch {
	case shown.method == AuthSecretJWT && !t.signedWith(client.Secret):
		return p.invalidClient("client_assertion is not signed with HS256 and the secret of the client '" + client.ID + "'")
	case shown.method == AuthPrivateKey && client.Keys == nil:
		return p.invalidClient("the client '" + client.ID + "' has no jwks to check client_assertion with")
	case shown.method == AuthPrivateKey && !t.signedByOne(client.Keys):
		return p.invalidClient("client_assertion is not signed by one of the jwks of the client '" + client.ID + "', with one of " + strings.Join(clientAlgs, ", "))
	}
	var claims assertion
	if err := t.claims(&claims); err != nil {
		return p.invalidClient("client_assertion: " + err.Error())
	}
	if claims.Issuer != client.ID || claims.Subject != client.ID {
		return p.invalidClient("iss and sub of client_assertion must both be the client_id '" + client.ID + "'")
	}
	reason, err := p.unfit(c.Request().Context(), &claims, p.addresses(c.Request()))
	if err != nil {
		return err
	}
	if reason != "" {
		return p.invalidClient("client_assertion: " + reason)
	}
	return nil
}

// addresses are the names under which this provider is an audience: the issuer
// (RFC 7523, section 3), the token endpoint, and the endpoint that is asked
// (RFC 9126, section 2), each as browsers and as programs know it.
func (p *Provider) addresses(r *http.Request) []string {
	list := []string{p.config.Issuer, p.base}
	for _, base := range p.bases(r) {
		for _, path := range [...]string{p.config.Paths.Token, p.config.Paths.Push, p.config.Paths.Introspect, p.config.Paths.Revoke, p.config.Paths.DeviceAuthorization} {
			if path != "" {
				list = append(list, base+path)
			}
		}
	}
	return list
}

// bases are the addresses of this provider, for whoever sent the request.
func (p *Provider) bases(r *http.Request) []string {
	list := []string{p.base}
	if p.config.BackChannel != nil {
		if back := strings.TrimSuffix(strings.TrimRight(p.config.BackChannel(r), "/"), p.profile.tail); back != "" && back != p.base {
			list = append(list, back)
		}
	}
	return list
}

// unfit says why an assertion does not hold now and here, though its signature
// does; empty if it holds. A jti serves once.
func (p *Provider) unfit(ctx context.Context, a *assertion, audience []string) (string, error) {
	now := float64(p.now().Unix())
	switch {
	case !slices.ContainsFunc(audienceOf(a.Audience), func(one string) bool { return slices.Contains(audience, one) }):
		return "its aud must be the issuer " + p.config.Issuer + " or the endpoint that is asked", nil
	case a.Expires == nil:
		return "exp is missing", nil
	case *a.Expires <= now:
		return "it has expired", nil
	case *a.Expires > now+maxAssertion.Seconds():
		return "its exp is more than an hour ahead", nil
	case a.NotBefore != nil && *a.NotBefore > now+clockSkew.Seconds():
		return "its nbf is in the future", nil
	case a.IssuedAt != nil && *a.IssuedAt > now+clockSkew.Seconds():
		return "its iat is in the future", nil
	case a.ID == "":
		// Section 3 leaves jti to the client, and half of the libraries send none.
		return "", nil
	}
	used := false
	err := p.config.Storage.Update(ctx, func(tx Tx) (err error) {
		used, err = p.seen(tx, kindAssertion, digest(a.Issuer+"\x00"+a.ID), time.Unix(int64(*a.Expires)+1, 0))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("remembering an assertion: %w", err)
	}
	if used {
		return "its jti was used before", nil
	}
	return "", nil
}

// seen tells whether the id was seen before, and remembers it until expires.
func (p *Provider) seen(tx Tx, kind, id string, expires time.Time) (bool, error) {
	record, err := tx.Record(kind, id)
	switch _, err = valueOf[bool](record, err, p.now()); {
	case err == nil:
		return true, nil
	case !errors.Is(err, ErrNotFound):
		return false, err
	}
	return false, tx.Put(Record{Kind: kind, ID: id, Expires: expires, Value: true})
}
