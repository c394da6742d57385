package idp

import (
	"context"
	"fmt"
)

// byClientCredentials is the grant client_credentials (RFC 6749, section 4.4):
// a token for the client itself, with the claims of its document and neither ID
// token nor refresh token.
func (p *Provider) byClientCredentials(ctx context.Context, client *Client, q params) (*Tokens, error) {
	if client.public() {
		return nil, refuse(errUnauthorizedClient, "client_credentials is for clients with a secret")
	}
	scope, err := scopeFor(client, q.get("scope"), false)
	if err != nil {
		return nil, err
	}
	audience, err := audienceFor(client, q, nil)
	if err != nil {
		return nil, err
	}
	return p.issueToClient(ctx, issuance{client: client, scope: scope, audience: client.orDefaultAudience(audience), jkt: q.jkt})
}

func (p *Provider) issueToClient(ctx context.Context, in issuance) (*Tokens, error) {
	err := p.config.Storage.Update(ctx, func(tx Tx) (err error) {
		in.id, err = p.newID(tx, in.client.ID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("granting to a client: %w", err)
	}
	return p.issue(ctx, in)
}
