package idp

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"
)

// grant is one authorization: what a client may do for a person (Login) or for
// itself. The authorization code, the refresh tokens and the ids of the access
// tokens all lead to it, so that ending it ends them all.
type grant struct {
	ID       string
	ClientID string
	Login    string
	Scope    scopeList
	// Audience that the authorization request chose; nil: it chose none.
	Audience []string
	// SID is the session in which the person granted it.
	SID      string
	AuthTime time.Time

	// Of the authorization request; RedirectURI is empty in other grants.
	RedirectURI     string
	Nonce           string
	Challenge       string
	ChallengeMethod string
	// Redeemed: the code has been used.
	Redeemed bool
	// Edit are claims as the person changed them for this sign-in.
	Edit map[string]any
	// MaxAged: the authorization request had max_age.
	MaxAged bool
	// ACR is how the person signed in, Asked which claims the request wanted.
	ACR   string
	Asked *claimsRequest
	// JKT is the thumbprint of the key that the code and, if the client is
	// public, the refresh tokens are bound to (RFC 9449, sections 5 and 10).
	JKT string

	// size is about what the authorization request took, in bytes.
	size int

	// Uses counts the uses of a refresh token that is not replaced.
	Uses uint32
	// Refresh is the number of the one refresh token that is good; all lower
	// ones have been used. 0: there is none.
	Refresh uint32
}

// family: a session's end ends its grants, unless the person agreed to access
// while offline (OpenID Connect Back-Channel Logout 1.0, section 2.7, for what
// a logout does to refresh tokens).
func (g *grant) family() string {
	if g.Scope.has(scopeOfflineAccess) {
		return ""
	}
	return g.SID
}

func putGrant(tx Tx, g *grant, expires time.Time) error {
	return tx.Put(Record{Kind: kindGrant, ID: g.ID, Family: g.family(), Expires: expires, Size: g.size, Value: g})
}

func (p *Provider) grantIn(tx Tx, id string) (*grant, error) {
	record, err := tx.Record(kindGrant, id)
	return valueOf[*grant](record, err, p.now())
}

// endGrant ends a grant and every token that came of it. A record of the end
// stays for as long as an access token of it could still be good.
func (p *Provider) endGrant(tx Tx, g *grant, accessLifetime time.Duration) error {
	if err := tx.Delete(kindGrant, g.ID); err != nil {
		return err
	}
	return tx.Put(Record{Kind: kindRevoked, ID: g.ID, Expires: p.now().Add(accessLifetime), Value: true})
}

// tokenID is the jti of the nth access token of a grant; grantOfToken finds the
// grant in it.
func tokenID(grantID string, n uint32) string {
	return grantID + "." + strconv.FormatUint(uint64(n), 10)
}

func grantOfToken(jti string) string {
	id, _, _ := strings.Cut(jti, ".")
	return id
}

// revoked tells whether an access token, or the grant it came of, was ended.
func (p *Provider) revoked(ctx context.Context, jti string) (bool, error) {
	for _, id := range [...]string{jti, grantOfToken(jti)} {
		record, err := p.config.Storage.Record(ctx, kindRevoked, id)
		switch _, err = valueOf[bool](record, err, p.now()); {
		case err == nil:
			return true, nil
		case !errors.Is(err, ErrNotFound):
			return false, err
		}
	}
	return false, nil
}
