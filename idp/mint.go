package idp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// MintRequest asks for tokens without a browser and without credentials.
type MintRequest struct {
	// Login is the person; empty: a token for the client itself.
	Login string
	// ClientID is the client that the tokens are for.
	ClientID string
	// Scope is space separated; empty: the client's, or openid profile email.
	Scope string
	// Audience in place of the client's; any value is accepted.
	Audience []string
	// Nonce for the ID token.
	Nonce string
	// Lifetime of the access token; 0: the client's.
	Lifetime time.Duration
}

// Mint makes the tokens that the token endpoint would, by the same code,
// whatever the client's grant_types. It is for those who run the provider: a
// command, a test, a control API. What cannot be met is an *Error; an unknown
// login or client wraps ErrNotFound.
func (p *Provider) Mint(ctx context.Context, request MintRequest) (*Tokens, error) {
	client, err := p.client(ctx, request.ClientID)
	if err != nil {
		return nil, fmt.Errorf("minting: client %q: %w", request.ClientID, err)
	}
	if request.Lifetime < 0 {
		return nil, errors.New("minting: the lifetime must not be negative")
	}
	scope, err := scopeFor(client, request.Scope, request.Login != "")
	if err != nil {
		return nil, fmt.Errorf("minting: %w", err)
	}
	audience := slices.Clone(request.Audience)
	if request.Login == "" {
		return p.issueToClient(ctx, issuance{
			client: client, scope: scope, audience: client.orDefaultAudience(audience), accessLifetime: request.Lifetime,
		})
	}
	person, err := p.config.Storage.Person(ctx, request.Login)
	if err != nil {
		return nil, fmt.Errorf("minting: person %q: %w", request.Login, err)
	}
	if person.Disabled {
		return nil, fmt.Errorf("minting: %w", refuse(errInvalidGrant, "the person '"+person.Login+"' is disabled"))
	}
	return p.issueToPerson(ctx, client, person, scope, audience, "", request.Nonce, request.Lifetime)
}

// MintSession signs a person in without the page and gives the cookie to put
// into a browser, so that an end-to-end test need not walk through it. An
// unknown login wraps ErrNotFound.
func (p *Provider) MintSession(ctx context.Context, login string) (*http.Cookie, error) {
	person, err := p.config.Storage.Person(ctx, login)
	if err != nil {
		return nil, fmt.Errorf("minting a session: person %q: %w", login, err)
	}
	if person.Disabled {
		return nil, fmt.Errorf("minting a session: %w", refuse(errInvalidGrant, "the person '"+person.Login+"' is disabled"))
	}
	var s *session
	err = p.config.Storage.Update(ctx, func(tx Tx) (err error) {
		s, err = p.newSession(tx, person.Login, p.config.ACRValues[0], nil)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("minting a session: %w", err)
	}
	return p.cookieOf(s), nil
}

// MintCode grants a person an authorization code without the page, for the
// authorization request that q holds: the parameters that a client sends to the
// authorization endpoint. It gives the address that the browser would be sent
// to. One redirect URI that is registered alone, and response_type code, may be
// left out. What the endpoint would refuse is an *Error; an unknown login wraps
// ErrNotFound.
func (p *Provider) MintCode(ctx context.Context, login string, q url.Values) (string, error) {
	person, err := p.config.Storage.Person(ctx, login)
	if err != nil {
		return "", fmt.Errorf("minting a code: person %q: %w", login, err)
	}
	if person.Disabled {
		return "", fmt.Errorf("minting a code: %w", refuse(errInvalidGrant, "the person '"+login+"' is disabled"))
	}
	read, err := p.parseParams(q.Encode())
	if err != nil {
		return "", err
	}
	if read.get("response_type") == "" {
		read.values.Set("response_type", responseTypeCode)
	}
	if client, err := p.client(ctx, read.get("client_id")); err == nil && len(client.RedirectURIs) == 1 && read.get("redirect_uri") == "" {
		read.values.Set("redirect_uri", client.RedirectURIs[0])
	}
	if read, err = p.pulled(ctx, read); err != nil {
		return "", plainly(err)
	}
	request, err := p.readAuthorization(ctx, read)
	if err != nil {
		return "", plainly(err)
	}
	var code string
	err = p.config.Storage.Update(ctx, func(tx Tx) error {
		sid, err := p.newID(tx)
		if err != nil {
			return err
		}
		code, err = p.newCode(tx, request, &session{SID: sid, Login: person.Login, AuthTime: p.now(), ACR: p.reachedACR(request)})
		return err
	})
	if err != nil {
		return "", fmt.Errorf("minting a code: %w", err)
	}
	return request.to.address(p.answerPairs(request.to, []pair{{"code", code}})), nil
}

// plainly turns refusals that are shown to people or sent by redirect into
// those that programs read.
func plainly(err error) error {
	var redirect *redirectError
	var page *pageError
	switch {
	case errors.As(err, &redirect):
		return redirect.refusal
	case errors.As(err, &page):
		return refuse(page.code, page.says+" "+page.remedy)
	}
	return err
}
