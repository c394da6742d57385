package idp

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// Tokens is an answer of the token endpoint (RFC 6749, section 5.1; OpenID
// Connect Core 1.0, section 3.1.3.3).
type Tokens struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	// ExpiresIn is in seconds.
	ExpiresIn    int64  `json:"expires_in"`
	Scope        string `json:"scope,omitempty"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	// IssuedTokenType says what a token exchange gave (RFC 8693, section
	// 2.2.1).
	IssuedTokenType string `json:"issued_token_type,omitempty"`

	// extras are further members that a vendor has.
	extras map[string]any
}

// MarshalJSON writes the vendor's members beside the standard ones.
func (t *Tokens) MarshalJSON() ([]byte, error) {
	type standard Tokens
	body, err := json.Marshal((*standard)(t))
	if err != nil || len(t.extras) == 0 {
		return body, err
	}
	var all map[string]any
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, err
	}
	maps.Copy(all, t.extras)
	return json.Marshal(all)
}

// issuance is all that tokens are made of.
type issuance struct {
	client *Client
	// person is nil where the client asks for itself.
	person   *Person
	scope    scopeList
	audience []string
	sid      string
	authTime time.Time
	nonce    string
	// acr is how the person signed in (OpenID Connect Core 1.0, section 2);
	// empty: not known.
	acr string
	// asked are the claims that the authorization request asked for one by
	// one.
	asked *claimsRequest
	// jkt is the thumbprint of the key that the tokens are bound to.
	jkt string
	// act is who acts for the subject (RFC 8693, section 4.1).
	act map[string]any
	// id is the jti of the access token.
	id string
	// refresh is the refresh token to go along, if any.
	refresh string
	// accessLifetime in place of the client's; 0: the client's.
	accessLifetime time.Duration
	// maxAged: the authorization request had max_age.
	maxAged bool
	// noID: nobody wants an ID token, whatever the scope.
	noID bool
}

// issue makes the tokens. Every grant and Mint end here.
func (p *Provider) issue(ctx context.Context, in issuance) (*Tokens, error) {
	in = p.completed(in)
	keys, now := p.keys(), p.now()
	key, err := keys.signs(in.client.AccessTokenAlg)
	if err != nil {
		return nil, algUnavailable(err)
	}
	lifetime := in.accessLifetime
	if lifetime == 0 {
		lifetime = p.accessLifetime(in.client)
	}
	tokens := &Tokens{
		TokenType:    "Bearer",
		ExpiresIn:    int64(lifetime / time.Second),
		Scope:        in.scope.String(),
		RefreshToken: in.refresh,
	}
	if in.jkt != "" {
		tokens.TokenType = schemeDPoP
	}
	f := p.factsOf(in, inAccess, now)
	f.lifetime = lifetime
	access, err := f.gather(ctx)
	if err != nil {
		return nil, err
	}
	in.complete(access)
	if in.jkt != "" {
		access["cnf"] = confirmation{in.jkt}
	}
	if tokens.AccessToken, err = p.writeAccess(ctx, f, key, access); err != nil {
		return nil, err
	}
	if p.profile.extras != nil {
		tokens.extras = p.profile.extras(f, tokens)
	}
	if in.person == nil || in.noID || !in.scope.has(scopeOpenID) {
		return tokens, nil
	}
	if key, err = keys.signs(in.client.IDTokenAlg); err != nil {
		return nil, algUnavailable(err)
	}
	f.in, f.alg, f.accessToken = inID, key.alg, tokens.AccessToken
	f.lifetime = orElse(in.client.IDTokenLifetime, p.config.IDTokenLifetime)
	claims, err := f.gather(ctx)
	if err != nil {
		return nil, err
	}
	in.complete(claims)
	if err := in.asked.addTo(ctx, claims, f, forIDToken); err != nil {
		return nil, err
	}
	if tokens.IDToken, err = key.sign(p.idType(), claims); err != nil {
		return nil, err
	}
	return tokens, nil
}

// completed adds what the vendor grants unasked and the audience that it has
// where neither request nor client names one.
func (p *Provider) completed(in issuance) issuance {
	if in.person != nil {
		for _, scope := range p.profile.extraScopes {
			if !in.scope.has(scope) {
				in.scope = append(slices.Clone(in.scope), scope)
			}
		}
	}
	f := p.factsOf(in, inAccess, time.Time{})
	if p.profile.audience != nil && in.defaultAudience() {
		in.audience = p.profile.audience(f)
	}
	if p.profile.moreAudience != nil && !in.defaultAudience() {
		in.audience = append(slices.Clone(in.audience), p.profile.moreAudience(f)...)
	}
	return in
}

// complete adds who acts for the subject (RFC 8693, section 4.1).
func (in *issuance) complete(claims map[string]any) {
	if in.act != nil {
		claims["act"] = in.act
	}
}

// algUnavailable tells the client of a setting that cannot be met.
func algUnavailable(err error) error {
	return refuse(errInvalidRequest, err.Error()+"; change the client's id_token_signed_response_alg or access_token_signed_response_alg, or add a SigningKey")
}

func orElse(d, absent time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return absent
}

func (p *Provider) accessLifetime(c *Client) time.Duration {
	return orElse(c.AccessTokenLifetime, p.config.AccessTokenLifetime)
}

func (p *Provider) refreshLifetime(c *Client) time.Duration {
	return orElse(c.RefreshTokenLifetime, p.config.RefreshTokenLifetime)
}

// defaultScope stands in for a scope that was not asked for (RFC 6749, section
// 3.3): what the client is registered for, or else what every person's token
// needs to be of use.
func defaultScope(c *Client, forPerson bool) scopeList {
	if len(c.Scopes) > 0 {
		return slices.Clone(c.Scopes)
	}
	if forPerson {
		return scopeList{scopeOpenID, scopeProfile, scopeEmail}
	}
	return nil
}

// scopeFor reads the scope parameter of a new grant.
func scopeFor(c *Client, asked string, forPerson bool) (scopeList, error) {
	scope := parseScope(asked)
	if len(scope) == 0 {
		return defaultScope(c, forPerson), nil
	}
	for _, one := range scope {
		if !isScopeToken(one) {
			return nil, refuse(errInvalidScope, "the scope holds characters that no scope may have")
		}
		if len(c.Scopes) > 0 && !slices.Contains(c.Scopes, one) {
			return nil, refuse(errInvalidScope, "the client '"+c.ID+"' may not ask for scope '"+shorten(one, 60)+"'; its scope is '"+strings.Join(c.Scopes, " ")+"'")
		}
	}
	return scope, nil
}

// audienceFor checks the resource (RFC 8707) and audience parameters of a
// request. None: nil.
func audienceFor(c *Client, q params, granted []string) ([]string, error) {
	asked := append(q.all("resource"), q.all("audience")...)
	if len(asked) == 0 {
		return granted, nil
	}
	allowed := granted
	if allowed == nil {
		allowed = c.audience()
	}
	var audience []string
	for _, one := range asked {
		if !slices.Contains(allowed, one) && (!c.anyone || granted != nil) {
			return nil, refuse(errInvalidTarget, "the client '"+c.ID+"' may not ask for a token for '"+shorten(one, 200)+"'; it may for "+strings.Join(allowed, ", ")+" (its audience)")
		}
		if !slices.Contains(audience, one) {
			audience = append(audience, one)
		}
	}
	return audience, nil
}

// audience is what the client's access tokens are for by default.
func (c *Client) audience() []string {
	if len(c.Audience) > 0 {
		return c.Audience
	}
	return []string{c.ID}
}

// orDefaultAudience gives the client's where the request chose none.
func (c *Client) orDefaultAudience(chosen []string) []string {
	if chosen != nil {
		return chosen
	}
	return c.audience()
}
