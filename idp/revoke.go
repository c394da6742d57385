package idp

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// revoke is RFC 7009. A refresh token ends its grant with every token of it; an
// access token ends alone. What is no token of ours, or one no longer, is 200
// like success (section 2.2), since it cannot be used either.
func (p *Provider) revoke(c echo.Context) error {
	q, err := p.form(c)
	if err == nil {
		err = q.once()
	}
	if err != nil {
		return err
	}
	client, err := p.authenticate(c, q)
	if err != nil {
		return err
	}
	token := q.get("token")
	if token == "" {
		return refuse(errInvalidRequest, "token is missing")
	}
	// The hint is not needed: the two kinds look nothing alike.
	if id, _, ok := p.open(purposeRefresh, token); ok {
		err = p.revokeGrant(c, client, id)
	} else {
		err = p.revokeAccess(c, client, token)
	}
	if err != nil {
		return err
	}
	noStore(c)
	return c.NoContent(http.StatusOK)
}

func (p *Provider) revokeGrant(c echo.Context, client *Client, id string) error {
	err := p.config.Storage.Update(c.Request().Context(), func(tx Tx) error {
		g, err := p.grantIn(tx, id)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if g.ClientID != client.ID {
			return notYours(client)
		}
		return p.endGrant(tx, g, p.accessLifetime(client))
	})
	if err != nil {
		return fmt.Errorf("revoking a refresh token: %w", err)
	}
	return nil
}

func (p *Provider) revokeAccess(c echo.Context, client *Client, token string) error {
	claims, err := p.readAccess(c.Request().Context(), token)
	var refused *refusedToken
	switch {
	case errors.As(err, &refused):
		return nil
	case err != nil:
		return err
	case p.now().Unix() >= claims.Expires:
		return nil
	}
	if claims.ClientID != client.ID {
		return notYours(client)
	}
	err = p.config.Storage.Update(c.Request().Context(), func(tx Tx) error {
		return tx.Put(Record{Kind: kindRevoked, ID: claims.ID, Expires: time.Unix(claims.Expires, 0), Value: true})
	})
	if err != nil {
		return fmt.Errorf("revoking an access token: %w", err)
	}
	return nil
}

// notYours is RFC 7009, section 2.1: a client may end its own tokens only.
func notYours(client *Client) error {
	return refuse(errInvalidGrant, "the token was not given to the client '"+client.ID+"'")
}
