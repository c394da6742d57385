package idp

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/labstack/echo/v4"
)

// grantedClient authenticates the client of a token request. A JWT bearer
// assertion may come without more, for the client that signed it is known by
// that (RFC 7523, section 3.1).
func (p *Provider) grantedClient(c echo.Context, q params) (*Client, error) {
	bare := c.Request().Header.Get(echo.HeaderAuthorization) == "" && q.get("client_id") == "" &&
		q.get("client_secret") == "" && q.get("client_assertion") == ""
	if q.get("grant_type") != GrantJWTBearer || q.get("assertion") == "" || !bare {
		return p.authenticate(c, q)
	}
	t, err := takeApart(q.get("assertion"))
	if err != nil {
		return nil, refuse(errInvalidGrant, "assertion: "+err.Error())
	}
	var claims assertion
	if err := t.claims(&claims); err != nil {
		return nil, refuse(errInvalidGrant, "assertion: "+err.Error())
	}
	client, err := p.client(c.Request().Context(), claims.Issuer)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, refuse(errInvalidGrant, "the iss of the assertion is '"+shorten(claims.Issuer, 200)+"', which is no client; one that this issuer made needs client credentials beside it")
	case err != nil:
		return nil, err
	case !t.signedByOne(client.Keys):
		return nil, notSignedBy(client)
	}
	return client, nil
}

func notSignedBy(client *Client) error {
	return refuse(errInvalidGrant, "the assertion is not signed by one of the jwks of the client '"+client.ID+"'")
}

// byJWTBearer is the grant jwt-bearer (RFC 7523, section 2.1). The assertion is
// signed by the client itself and names whom it wants a token for, by login,
// e-mail address or sub, or itself; or it is a token of this issuer that was
// made for this provider or for the client, which then acts on behalf of its
// subject. No refresh token comes of it (RFC 7521, section 4.1): the client can
// make another assertion.
func (p *Provider) byJWTBearer(ctx context.Context, client *Client, q params, audience []string) (*Tokens, error) {
	token := q.get("assertion")
	if token == "" {
		return nil, refuse(errInvalidRequest, "assertion is missing")
	}
	t, err := takeApart(token)
	if err != nil {
		return nil, refuse(errInvalidGrant, "assertion: "+err.Error())
	}
	var claims assertion
	if err := t.claims(&claims); err != nil {
		return nil, refuse(errInvalidGrant, "assertion: "+err.Error())
	}
	var s *subject
	if claims.Issuer == p.config.Issuer {
		s, err = p.ownAssertion(ctx, client, token, audience)
	} else {
		s, err = p.signedSubject(ctx, client, t, &claims, audience)
	}
	if err != nil {
		return nil, p.badGrant("assertion", err)
	}
	return p.issueFor(ctx, client, s, q, "")
}

// badGrant tells of a token or assertion that is shown in order to get another.
func (p *Provider) badGrant(parameter string, err error) error {
	var refused *refusedToken
	if errors.As(err, &refused) {
		return refuse(errInvalidGrant, parameter+": "+refused.reason)
	}
	return err
}

// ownAssertion takes a token of this issuer for an assertion.
func (p *Provider) ownAssertion(ctx context.Context, client *Client, token string, audience []string) (*subject, error) {
	if client.public() {
		return nil, refuse(errUnauthorizedClient, "a token of this issuer is an assertion for confidential clients only")
	}
	s, err := p.subjectOfToken(ctx, client, token)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(append(slices.Clone(audience), client.ID), s.claims.hasAudience) {
		return nil, &refusedToken{"its aud must be this issuer or the client_id '" + client.ID + "'"}
	}
	return s, nil
}

// signedSubject checks an assertion that the client signed.
func (p *Provider) signedSubject(ctx context.Context, client *Client, t *compactJWS, claims *assertion, audience []string) (*subject, error) {
	if client.Keys == nil {
		return nil, &refusedToken{"the client '" + client.ID + "' has no jwks to check it with"}
	}
	if !t.signedByOne(client.Keys) {
		return nil, notSignedBy(client)
	}
	if claims.Issuer != client.ID {
		return nil, &refusedToken{"its iss must be the client_id '" + client.ID + "', is '" + shorten(claims.Issuer, 200) + "'"}
	}
	if claims.Subject == "" {
		return nil, &refusedToken{"sub is missing"}
	}
	reason, err := p.unfit(ctx, claims, audience)
	if err != nil {
		return nil, err
	}
	if reason != "" {
		return nil, &refusedToken{reason}
	}
	if claims.Subject == client.ID {
		return &subject{claims: &readClaims{Subject: client.ID}}, nil
	}
	person, err := p.meant(ctx, client, claims.Subject)
	if err != nil {
		return nil, err
	}
	// Nobody has signed in, so there is no auth_time.
	return &subject{person: person, claims: &readClaims{Subject: p.subject(person, client, inAccess)}}, nil
}

// meant finds the person whom a client names by login, e-mail address or sub.
func (p *Provider) meant(ctx context.Context, client *Client, name string) (*Person, error) {
	person, err := p.named(ctx, name)
	if err != nil {
		return nil, err
	}
	if person == nil {
		people, err := p.config.Storage.People(ctx)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(people, func(one *Person) bool { return p.subject(one, client, inID) == name }); i >= 0 {
			person = people[i]
		}
	}
	switch {
	case person == nil:
		return nil, &refusedToken{"its sub '" + shorten(name, 100) + "' is nobody's login, e-mail address or sub"}
	case person.Disabled:
		return nil, &refusedToken{"the person '" + person.Login + "' is disabled"}
	}
	return person, nil
}

// authTime is when the person of the token signed in; zero: it does not say.
func (c *readClaims) authTime() time.Time {
	if c.AuthTime == 0 {
		return time.Time{}
	}
	return time.Unix(c.AuthTime, 0)
}
