package idp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Token types (RFC 8693, section 3).
const (
	tokenTypeAccess  = "urn:ietf:params:oauth:token-type:access_token"
	tokenTypeID      = "urn:ietf:params:oauth:token-type:id_token"
	tokenTypeRefresh = "urn:ietf:params:oauth:token-type:refresh_token"
	tokenTypeJWT     = "urn:ietf:params:oauth:token-type:jwt"
)

var tokenTypes = []string{tokenTypeAccess, tokenTypeID, tokenTypeRefresh, tokenTypeJWT}

// subject is whom a token that was shown speaks of.
type subject struct {
	// person is nil where the subject is a client.
	person *Person
	claims *readClaims
	// scope of the token; nil: it has none.
	scope scopeList
}

// byTokenExchange is RFC 8693. Without actor_token the new token speaks of the
// subject alone (impersonation), with one its act claim names the actor
// (delegation, section 4.1); an act that the subject token has goes along. The
// new access token ends with the grant of the one it was made from.
func (p *Provider) byTokenExchange(ctx context.Context, client *Client, q params) (*Tokens, error) {
	if client.public() {
		return nil, refuse(errUnauthorizedClient, "token exchange is for clients that authenticate")
	}
	wanted := q.get("requested_token_type")
	switch wanted {
	case "":
		wanted = tokenTypeAccess
	case tokenTypeAccess, tokenTypeID, tokenTypeRefresh, tokenTypeJWT:
	default:
		return nil, refuse(errInvalidRequest, "requested_token_type is '"+shorten(wanted, 100)+"'; there are "+strings.Join(tokenTypes, ", "))
	}
	s, err := p.shownToken(ctx, client, q, "subject_token")
	if err != nil {
		return nil, err
	}
	act, err := p.actor(ctx, client, q, s)
	if err != nil {
		return nil, err
	}
	s.claims.Act = act
	return p.issueFor(ctx, client, s, q, wanted)
}

// shownToken reads a token parameter and its type.
func (p *Provider) shownToken(ctx context.Context, client *Client, q params, name string) (*subject, error) {
	token, kind := q.get(name), q.get(name+"_type")
	if token == "" {
		return nil, refuse(errInvalidRequest, name+" is missing")
	}
	var s *subject
	var err error
	switch kind {
	case "":
		return nil, refuse(errInvalidRequest, name+"_type is missing; there are "+strings.Join(tokenTypes, ", "))
	case tokenTypeAccess:
		s, err = p.subjectOfAccess(ctx, token)
	case tokenTypeID:
		s, err = p.subjectOfID(ctx, token)
	case tokenTypeRefresh:
		s, err = p.subjectOfRefresh(ctx, client, token)
	case tokenTypeJWT:
		s, err = p.subjectOfToken(ctx, client, token)
	default:
		return nil, refuse(errInvalidRequest, name+"_type is '"+shorten(kind, 100)+"'; there are "+strings.Join(tokenTypes, ", "))
	}
	if err != nil {
		return nil, p.badGrant(name, err)
	}
	return s, nil
}

func (p *Provider) subjectOfAccess(ctx context.Context, token string) (*subject, error) {
	claims, person, err := p.goodAccess(ctx, token)
	if err != nil {
		return nil, err
	}
	// Not nil: a token without scope gives none away.
	return &subject{person: person, claims: claims, scope: append(scopeList{}, parseScope(claims.Scope)...)}, nil
}

// subjectOfID takes ID tokens of any client: a web application hands its own to
// the service behind it.
func (p *Provider) subjectOfID(ctx context.Context, token string) (*subject, error) {
	claims, err := p.keys().verify(token, p.config.Issuer)
	switch {
	case err != nil:
		return nil, &refusedToken{err.Error()}
	case claims.isAccessToken():
		return nil, &refusedToken{errTokenNoID.Error()}
	case p.now().Unix() >= claims.Expires:
		return nil, &refusedToken{"the ID token has expired"}
	}
	person, err := p.bearerOf(ctx, claims)
	switch {
	case err != nil:
		return nil, err
	case person == nil:
		return nil, &refusedToken{"the person of the token is not there any more"}
	case person.Disabled:
		return nil, &refusedToken{"the person of the token is disabled"}
	}
	return &subject{person: person, claims: claims}, nil
}

// subjectOfRefresh reads a refresh token of the client itself and leaves it
// good.
func (p *Provider) subjectOfRefresh(ctx context.Context, client *Client, token string) (*subject, error) {
	id, n, ok := p.open(purposeRefresh, token)
	if !ok {
		return nil, &refusedToken{"the refresh token was never given out by this issuer"}
	}
	g, _, person, err := p.goodRefresh(ctx, client, id, n)
	if err != nil {
		return nil, err
	}
	claims := &readClaims{ID: tokenID(id, n), Subject: p.subject(person, client, inAccess), ClientID: client.ID, SID: g.SID, AuthTime: g.AuthTime.Unix(), ACR: g.ACR}
	return &subject{person: person, claims: claims, scope: g.Scope}, nil
}

// subjectOfToken reads a JWT of this issuer of whichever kind.
func (p *Provider) subjectOfToken(ctx context.Context, client *Client, token string) (*subject, error) {
	claims, err := p.keys().verify(token, p.config.Issuer)
	if err != nil {
		return nil, &refusedToken{err.Error()}
	}
	if claims.isAccessToken() {
		return p.subjectOfAccess(ctx, token)
	}
	return p.subjectOfID(ctx, token)
}

// actor makes the act claim: the actor, with whoever acted before inside
// (section 4.1). A may_act of the subject token must name the actor (section
// 4.4).
func (p *Provider) actor(ctx context.Context, client *Client, q params, s *subject) (json.RawMessage, error) {
	if q.get("actor_token") == "" {
		if q.get("actor_token_type") != "" {
			return nil, refuse(errInvalidRequest, "actor_token_type is given without actor_token")
		}
		return s.claims.Act, nil
	}
	a, err := p.shownToken(ctx, client, q, "actor_token")
	if err != nil {
		return nil, err
	}
	if s.claims.MayAct != nil {
		var may struct {
			Subject string `json:"sub"`
		}
		if json.Unmarshal(s.claims.MayAct, &may) != nil || may.Subject != a.claims.Subject {
			return nil, refuse(errInvalidGrant, "the may_act of subject_token does not name the sub of actor_token")
		}
	}
	act := map[string]any{"sub": a.claims.Subject, "iss": p.config.Issuer}
	if client := a.claims.client(); client != "" {
		act["client_id"] = client
	}
	if s.claims.Act != nil {
		act["act"] = s.claims.Act
	}
	encoded, err := json.Marshal(act)
	if err != nil {
		return nil, fmt.Errorf("encoding act: %w", err)
	}
	if depthOf(encoded) > maxActors {
		return nil, refuse(errInvalidRequest, fmt.Sprintf("the chain of actors is longer than %d", maxActors))
	}
	return encoded, nil
}

// maxActors bounds a chain that grows with each exchange.
const maxActors = 10

func depthOf(act json.RawMessage) int {
	var inner struct {
		Act json.RawMessage `json:"act"`
	}
	depth := 0
	for len(act) > 0 && !bytes.Equal(act, []byte("null")) {
		depth++
		inner.Act = nil
		if json.Unmarshal(act, &inner) != nil {
			break
		}
		act = inner.Act
	}
	return depth
}

// issueFor makes the token for the subject of another one. wanted is the type
// that an exchange asks for; empty: no exchange.
func (p *Provider) issueFor(ctx context.Context, client *Client, s *subject, q params, wanted string) (*Tokens, error) {
	scope, err := s.scopeFor(client, q.get("scope"))
	if err != nil {
		return nil, err
	}
	audience, err := audienceFor(client, q, nil)
	if err != nil {
		return nil, err
	}
	if s.person == nil && s.claims.Subject != client.ID {
		return nil, refuse(errInvalidGrant, "the token is of the client '"+s.claims.Subject+"' itself; only that client may have another for it")
	}
	if (wanted == tokenTypeID || wanted == tokenTypeRefresh) && s.person == nil {
		return nil, refuse(errInvalidRequest, "a client has neither ID token nor refresh token")
	}
	if wanted == tokenTypeID && !scope.has(scopeOpenID) {
		scope = append(scopeList{scopeOpenID}, scope...)
	}
	if wanted == tokenTypeRefresh && !client.grants(GrantRefreshToken) {
		return nil, refuse(errInvalidRequest, "the client '"+client.ID+"' may not use refresh_token; its grant_types are "+strings.Join(client.GrantTypes, ", "))
	}
	in := issuance{
		client: client, person: s.person, scope: scope, audience: client.orDefaultAudience(audience),
		sid: s.claims.SID, authTime: s.claims.authTime(), jkt: q.jkt,
		noID: wanted != "" && wanted != tokenTypeID,
	}
	in.acr, _ = s.claims.ACR.(string)
	if s.claims.Act != nil {
		if err := json.Unmarshal(s.claims.Act, &in.act); err != nil {
			return nil, refuse(errInvalidGrant, "the act of the token is no object")
		}
	}
	err = p.config.Storage.Update(ctx, func(tx Tx) error {
		id, err := p.newID(tx, client.ID, s.claims.Subject)
		if err != nil {
			return err
		}
		if wanted == tokenTypeRefresh {
			return p.grantRefresh(tx, &in, id)
		}
		in.id = id
		if s.claims.ID != "" {
			in.id = grantOfToken(s.claims.ID) + "." + id
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("granting for a token: %w", err)
	}
	tokens, err := p.issue(ctx, in)
	if err != nil || wanted == "" {
		return tokens, err
	}
	return p.only(tokens, client, wanted), nil
}

// grantRefresh keeps a grant of its own for a refresh token by exchange.
func (p *Provider) grantRefresh(tx Tx, in *issuance, id string) error {
	g := &grant{
		ID: id, ClientID: in.client.ID, Login: in.person.Login, Scope: in.scope, Audience: in.audience, SID: in.sid,
		AuthTime: in.authTime, Redeemed: true, ACR: in.acr, Refresh: 1,
	}
	in.id, in.refresh = tokenID(id, g.Refresh), p.handle(purposeRefresh, id, g.Refresh)
	return putGrant(tx, g, p.now().Add(max(p.refreshLifetime(in.client), p.accessLifetime(in.client))))
}

// only leaves the token that was asked for (section 2.2.1): access_token holds
// it of whatever type, and token_type is N_A for what is no access token.
func (p *Provider) only(t *Tokens, client *Client, wanted string) *Tokens {
	out := &Tokens{AccessToken: t.AccessToken, TokenType: t.TokenType, ExpiresIn: t.ExpiresIn, Scope: t.Scope, IssuedTokenType: wanted}
	switch wanted {
	case tokenTypeID:
		out.AccessToken, out.TokenType = t.IDToken, "N_A"
		out.ExpiresIn = int64(orElse(client.IDTokenLifetime, p.config.IDTokenLifetime) / time.Second)
	case tokenTypeRefresh:
		out.AccessToken, out.TokenType = t.RefreshToken, "N_A"
		out.ExpiresIn = int64(p.refreshLifetime(client) / time.Second)
	}
	return out
}

// scopeFor is the scope of a token made from another: no more than that one
// has, and no more than the client may.
func (s *subject) scopeFor(client *Client, asked string) (scopeList, error) {
	if s.scope == nil {
		return scopeFor(client, asked, s.person != nil)
	}
	if asked != "" {
		scope, err := narrowed(s.scope, asked)
		if err != nil {
			return nil, err
		}
		return scopeFor(client, scope.String(), s.person != nil)
	}
	var scope scopeList
	for _, one := range s.scope {
		if len(client.Scopes) == 0 || scopeList(client.Scopes).has(one) {
			scope = append(scope, one)
		}
	}
	return scope, nil
}
