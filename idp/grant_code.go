package idp

import (
	"context"
	"errors"
	"fmt"
)

// byCode is the grant authorization_code (RFC 6749, section 4.1.3).
func (p *Provider) byCode(ctx context.Context, client *Client, q params) (*Tokens, error) {
	code := q.get("code")
	if code == "" {
		return nil, refuse(errInvalidRequest, "code is missing")
	}
	id, _, ok := p.open(purposeCode, code)
	if !ok {
		return nil, refuse(errInvalidGrant, "the code was never given out by this issuer")
	}
	person, err := p.grantee(ctx, id)
	if err != nil {
		return nil, err
	}
	var in issuance
	var refused error
	err = p.config.Storage.Update(ctx, func(tx Tx) error {
		// An error would undo the end of a grant, so refusals go beside.
		refused = nil
		g, err := p.grantIn(tx, id)
		if errors.Is(err, ErrNotFound) {
			refused = refuse(errInvalidGrant, "the code is unknown: it has expired after "+p.config.CodeLifetime.String()+", or its grant was ended")
			return nil
		}
		if err != nil {
			return err
		}
		if refused = g.redeemable(client, q); refused == nil {
			refused = g.holdsKey(q.jkt)
		}
		if refused != nil {
			return nil
		}
		if g.Redeemed {
			refused = refuse(errInvalidGrant, "the code was used before; the tokens that came of it are now revoked (RFC 6749, section 4.1.2)")
			return p.endGrant(tx, g, p.accessLifetime(client))
		}
		audience, err := audienceFor(client, q, g.Audience)
		if err != nil {
			return err
		}
		redeemed := *g
		redeemed.Redeemed = true
		redeemed.JKT = client.refreshKey(q.jkt)
		expires := p.now().Add(p.accessLifetime(client))
		refresh := ""
		if p.givesRefresh(client, g.Scope) {
			redeemed.Refresh = 1
			refresh = p.handle(purposeRefresh, g.ID, redeemed.Refresh)
			expires = p.now().Add(max(p.refreshLifetime(client), p.accessLifetime(client)))
		}
		in = issuance{
			client: client, person: person, scope: g.Scope, audience: client.orDefaultAudience(audience),
			sid: g.SID, authTime: g.AuthTime, nonce: g.Nonce, acr: g.ACR, asked: g.Asked, jkt: q.jkt, maxAged: g.MaxAged,
			id: tokenID(g.ID, redeemed.Refresh), refresh: refresh,
		}
		return putGrant(tx, &redeemed, expires)
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return nil, fmt.Errorf("redeeming a code: %w", err)
	}
	return p.issue(ctx, in)
}

// redeemable checks what a code is bound to.
func (g *grant) redeemable(client *Client, q params) error {
	switch {
	case g.RedirectURI == "":
		return refuse(errInvalidGrant, "this grant had no code")
	case g.ClientID != client.ID:
		return refuse(errInvalidGrant, "the code was given to another client")
	case q.get("redirect_uri") == "":
		return refuse(errInvalidGrant, "redirect_uri is missing; it must be the one of the authorization request")
	case q.get("redirect_uri") != g.RedirectURI:
		return refuse(errInvalidGrant, "redirect_uri is not the one of the authorization request, which was "+g.RedirectURI)
	}
	return g.verifies(q.get("code_verifier"))
}

// grantee is the person of a grant as they are now, so that tokens follow a
// change of groups. Nil if there is no such grant, which the transaction then
// tells in its own words.
func (p *Provider) grantee(ctx context.Context, id string) (*Person, error) {
	record, err := p.config.Storage.Record(ctx, kindGrant, id)
	g, err := valueOf[*grant](record, err, p.now())
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	person, err := p.config.Storage.Person(ctx, g.Login)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, refuse(errInvalidGrant, "the person '"+g.Login+"' is not there any more")
	case err != nil:
		return nil, err
	case person.Disabled:
		return nil, refuse(errInvalidGrant, "the person '"+g.Login+"' is disabled")
	}
	return edited(person, g.Edit)
}

// newGrant makes a grant without code, with a session of its own that no
// cookie leads to. jkt is the key that the request proved to have.
func (p *Provider) newGrant(tx Tx, client *Client, person *Person, scope scopeList, audience []string, jkt string) (issuance, error) {
	id, err := p.newID(tx, person.Login, client.ID)
	if err != nil {
		return issuance{}, err
	}
	sid := p.sessionOfGrant(id)
	now := p.now()
	g := &grant{
		ID: id, ClientID: client.ID, Login: person.Login, Scope: scope, Audience: audience,
		SID: sid, AuthTime: now, Redeemed: true, ACR: p.config.ACRValues[0], JKT: client.refreshKey(jkt),
	}
	in := issuance{
		client: client, person: person, scope: scope, audience: client.orDefaultAudience(audience),
		sid: sid, authTime: now, acr: g.ACR, jkt: jkt,
	}
	if p.givesRefresh(client, scope) {
		g.Refresh = 1
		in.refresh = p.handle(purposeRefresh, id, g.Refresh)
		if err := putGrant(tx, g, now.Add(p.refreshLifetime(client))); err != nil {
			return issuance{}, err
		}
	}
	in.id = tokenID(id, g.Refresh)
	return in, nil
}
