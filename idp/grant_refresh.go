package idp

import (
	"context"
	"errors"
	"fmt"
)

// byRefreshToken is the grant refresh_token (RFC 6749, section 6), with a new
// refresh token each time and the end of the grant when an old one is used
// again (RFC 9700, section 4.14.2). The new ID token has the person's claims of
// now, with iss, sub, aud and auth_time of the first (OpenID Connect Core 1.0,
// section 12.2).
func (p *Provider) byRefreshToken(ctx context.Context, client *Client, q params) (*Tokens, error) {
	token := q.get("refresh_token")
	if token == "" {
		return nil, refuse(errInvalidRequest, "refresh_token is missing")
	}
	id, n, ok := p.open(purposeRefresh, token)
	if !ok {
		return nil, refuse(errInvalidGrant, "the refresh token was never given out by this issuer")
	}
	person, err := p.grantee(ctx, id)
	if err != nil {
		return nil, err
	}
	var in issuance
	var refused error
	err = p.config.Storage.Update(ctx, func(tx Tx) error {
		refused = nil
		g, err := p.grantIn(tx, id)
		if errors.Is(err, ErrNotFound) {
			refused = refuse(errInvalidGrant, "the refresh token is no longer good: it has expired, was revoked, the person signed out, or the server was reset or restarted since")
			return nil
		}
		if err != nil {
			return err
		}
		if g.ClientID != client.ID {
			refused = refuse(errInvalidGrant, "the refresh token was given to another client")
			return nil
		}
		if g.JKT != "" {
			if refused = g.holdsKey(q.jkt); refused != nil {
				return nil
			}
		}
		if !p.refreshServes(client, g, n) {
			refused = refuse(errInvalidGrant, "the refresh token was used before; every token of this grant is now revoked (RFC 9700, section 4.14.2)")
			return p.endGrant(tx, g, p.accessLifetime(client))
		}
		scope, err := p.refreshedScope(client, g.Scope, q.get("scope"))
		if err != nil {
			return err
		}
		audience, err := audienceFor(client, q, g.Audience)
		if err != nil {
			return err
		}
		rotated := *g
		refresh := p.nextRefresh(client, &rotated, token)
		in = issuance{
			client: client, person: person, scope: scope, audience: client.orDefaultAudience(audience),
			sid: g.SID, authTime: g.AuthTime, acr: g.ACR, asked: g.Asked, jkt: q.jkt,
			id: tokenID(g.ID, rotated.Refresh+rotated.Uses), refresh: refresh, maxAged: g.MaxAged,
		}
		return putGrant(tx, &rotated, p.now().Add(max(p.refreshLifetime(client), p.accessLifetime(client))))
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return nil, fmt.Errorf("refreshing: %w", err)
	}
	return p.issue(ctx, in)
}

// policy is what the vendor does with the client's used refresh tokens.
func (p *Provider) policy(client *Client) refreshPolicy {
	if p.profile.refresh == nil {
		return rotateRefresh
	}
	return p.profile.refresh(client)
}

// refreshServes tells whether the nth refresh token of a grant is good.
func (p *Provider) refreshServes(client *Client, g *grant, n uint32) bool {
	return n == g.Refresh || n > 0 && n < g.Refresh && p.policy(client) == keepOldRefresh
}

// nextRefresh counts the use of a refresh token and gives what is answered in
// its place; empty: nothing.
func (p *Provider) nextRefresh(client *Client, g *grant, used string) string {
	switch p.policy(client) {
	case sameRefresh:
		g.Uses++
		return used
	case staticRefresh:
		g.Uses++
		return ""
	}
	g.Refresh++
	return p.handle(purposeRefresh, g.ID, g.Refresh)
}

// givesRefresh tells whether a new grant comes with a refresh token: where the
// client may use it and, at some vendors, asked for access while offline.
func (p *Provider) givesRefresh(client *Client, scope scopeList) bool {
	return client.grants(GrantRefreshToken) && (!p.profile.refreshNeedsOffline || scope.has(scopeOfflineAccess))
}

// refreshedScope is the scope of one refresh: part of the granted one or, at
// some vendors, whatever the client may ask for.
func (p *Provider) refreshedScope(client *Client, granted scopeList, asked string) (scopeList, error) {
	if p.profile.refreshesAnyScope && asked != "" {
		return scopeFor(client, asked, true)
	}
	return narrowed(granted, asked)
}

// narrowed is the scope of one refresh: part of the granted one, which stays as
// it is for the next (RFC 6749, section 6).
func narrowed(granted scopeList, asked string) (scopeList, error) {
	scope := parseScope(asked)
	if len(scope) == 0 {
		return granted, nil
	}
	for _, one := range scope {
		if !granted.has(one) {
			return nil, refuse(errInvalidScope, "scope '"+shorten(one, 60)+"' was not granted; the grant has '"+granted.String()+"'")
		}
	}
	return scope, nil
}
