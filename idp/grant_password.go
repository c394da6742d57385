package idp

import (
	"context"
	"fmt"
	"time"
)

// byPasswordGrant is the grant password (RFC 6749, section 4.3). RFC 9700 wants
// it gone; tests of older clients want it there.
func (p *Provider) byPasswordGrant(ctx context.Context, client *Client, q params) (*Tokens, error) {
	if q.get("username") == "" || q.get("password") == "" {
		return nil, refuse(errInvalidRequest, "username or password is missing")
	}
	person, err := p.byPassword(ctx, q.get("username"), q.get("password"))
	switch {
	case err != nil:
		return nil, err
	case person == nil:
		return nil, refuse(errInvalidGrant, "username or password is wrong")
	case person.Disabled:
		return nil, refuse(errInvalidGrant, "the person '"+person.Login+"' is disabled")
	}
	scope, err := scopeFor(client, q.get("scope"), true)
	if err != nil {
		return nil, err
	}
	audience, err := audienceFor(client, q, nil)
	if err != nil {
		return nil, err
	}
	return p.issueToPerson(ctx, client, person, scope, audience, q.jkt, "", 0)
}

func (p *Provider) issueToPerson(ctx context.Context, client *Client, person *Person, scope scopeList, audience []string, jkt, nonce string, lifetime time.Duration) (*Tokens, error) {
	var in issuance
	err := p.config.Storage.Update(ctx, func(tx Tx) (err error) {
		in, err = p.newGrant(tx, client, person, scope, audience, jkt)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("granting to a person: %w", err)
	}
	in.nonce, in.accessLifetime = nonce, lifetime
	return p.issue(ctx, in)
}
