package idp

import (
	"context"
	"errors"
	"time"
)

// refusedToken says why something is no access token of this provider; all
// other errors are of the storage.
type refusedToken struct{ reason string }

func (e *refusedToken) Error() string { return e.reason }

// readAccess reads an access token of this provider, signed, opaque or encrypted. Whether
// it is good still is for the caller to ask.
func (p *Provider) readAccess(ctx context.Context, token string) (*readClaims, error) {
	if payload, ok := p.unsealed(token); ok {
		claims := &readClaims{all: payload}
		return claims, claims.read()
	}
	claims, err := p.keys().verify(token, p.config.Issuer)
	if err == nil && claims.ID == nameless {
		if claims.ID, err = p.notedID(ctx, token); err != nil {
			return nil, err
		}
	}
	if err == nil && p.shape.Scope == ScopeAbsent {
		return p.withGrantedScope(ctx, claims)
	}
	switch {
	case err != nil:
		return nil, &refusedToken{err.Error()}
	case !claims.isAccessToken():
		return nil, &refusedToken{"this is an ID token; an access token is needed"}
	}
	return claims, nil
}

// withGrantedScope completes the claims of an access token that does not show
// its scopes: they are those of its grant, or else of a plain sign-in.
func (p *Provider) withGrantedScope(ctx context.Context, claims *readClaims) (*readClaims, error) {
	if !claims.isAccessToken() {
		return nil, &refusedToken{"this is an ID token; an access token is needed"}
	}
	claims.Scope = scopeList{scopeOpenID, scopeProfile, scopeEmail}.String()
	record, err := p.config.Storage.Record(ctx, kindGrant, grantOfToken(claims.ID))
	g, err := valueOf[*grant](record, err, p.now())
	switch {
	case err == nil:
		claims.Scope = g.Scope.String()
	case !errors.Is(err, ErrNotFound):
		return nil, err
	}
	return claims, nil
}

// goodAccess is readAccess for tokens that can still be used: neither expired
// nor revoked, of a person who is there and not disabled. The person is nil if
// the token is a client's own.
func (p *Provider) goodAccess(ctx context.Context, token string) (*readClaims, *Person, error) {
	claims, err := p.readAccess(ctx, token)
	if err != nil {
		return nil, nil, err
	}
	if now := p.now(); now.Unix() >= claims.Expires {
		return nil, nil, &refusedToken{"the token expired at " + time.Unix(claims.Expires, 0).UTC().Format(time.RFC3339) + "; it is now " + now.UTC().Format(time.RFC3339)}
	}
	if now := p.now(); now.Unix() < claims.Before {
		return nil, nil, &refusedToken{"the token is not valid before " + time.Unix(claims.Before, 0).UTC().Format(time.RFC3339) + "; it is now " + now.UTC().Format(time.RFC3339)}
	}
	revoked, err := p.revoked(ctx, claims.ID)
	if err != nil {
		return nil, nil, err
	}
	if revoked {
		return nil, nil, &refusedToken{"the token was revoked"}
	}
	if claims.Subject == claims.ClientID && claims.AuthTime == 0 {
		return claims, nil, nil
	}
	person, err := p.bearerOf(ctx, claims)
	switch {
	case err != nil:
		return nil, nil, err
	case person == nil:
		return nil, nil, &refusedToken{"the person of the token is not there any more"}
	case person.Disabled:
		return nil, nil, &refusedToken{"the person of the token is disabled"}
	}
	return claims, person, nil
}

// goodRefresh finds the grant and the person of a client's refresh token that
// can still be used. It is left as it is.
func (p *Provider) goodRefresh(ctx context.Context, client *Client, id string, n uint32) (*grant, *Record, *Person, error) {
	record, err := p.config.Storage.Record(ctx, kindGrant, id)
	g, err := valueOf[*grant](record, err, p.now())
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, nil, nil, &refusedToken{"the refresh token has expired or was revoked, or the person signed out"}
	case err != nil:
		return nil, nil, nil, err
	case g.ClientID != client.ID:
		return nil, nil, nil, &refusedToken{"the refresh token was given to another client"}
	case !p.refreshServes(client, g, n):
		return nil, nil, nil, &refusedToken{"the refresh token was used before"}
	}
	person, err := p.config.Storage.Person(ctx, g.Login)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, nil, nil, &refusedToken{"the person of the token is not there any more"}
	case err != nil:
		return nil, nil, nil, err
	case person.Disabled:
		return nil, nil, nil, &refusedToken{"the person of the token is disabled"}
	}
	person, err = edited(person, g.Edit)
	return g, record, person, err
}
