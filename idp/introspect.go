package idp

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"
)

// introspect is RFC 7662. Any client that can authenticate may ask about any
// access token, as resource servers do, and about its own refresh tokens. All
// that is not active looks the same, whatever the reason (section 2.2).
func (p *Provider) introspect(c echo.Context) error {
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
	// A client_id alone shows nothing (section 2.1).
	if client.public() {
		return p.invalidClient("introspection is for clients that authenticate, and the client '" + client.ID + "' is public")
	}
	token := q.get("token")
	if token == "" {
		return refuse(errInvalidRequest, "token is missing")
	}
	var claims map[string]any
	if id, n, ok := p.open(purposeRefresh, token); ok {
		claims, err = p.describeRefresh(c, client, id, n)
	} else {
		claims, err = p.describeAccess(c, token)
	}
	var refused *refusedToken
	if errors.As(err, &refused) {
		// The caller is not told why, but whoever reads the log is.
		p.config.Logger.InfoContext(c.Request().Context(), "introspected a token that is not active", "client_id", client.ID, "reason", refused.reason)
		claims, err = map[string]any{"active": false}, nil
	}
	if err != nil {
		return err
	}
	noStore(c)
	return c.JSON(http.StatusOK, claims)
}

// describeAccess gives the claims that the token was issued with.
func (p *Provider) describeAccess(c echo.Context, token string) (map[string]any, error) {
	access, person, err := p.goodAccess(c.Request().Context(), token)
	if err != nil {
		return nil, err
	}
	var claims map[string]any
	if err := json.Unmarshal(access.all, &claims); err != nil {
		return nil, err
	}
	// Whatever the vendor's tokens call them (RFC 7662, section 2.2).
	claims["client_id"], claims["scope"] = access.ClientID, access.Scope
	if access.Scope == "" {
		delete(claims, "scope")
	}
	claims["active"] = true
	claims["token_type"] = schemeBearer
	if access.boundTo() != "" {
		claims["token_type"] = schemeDPoP
	}
	if person != nil {
		claims["username"] = person.Login
	}
	return claims, nil
}

// describeRefresh leaves token_type out: a refresh token has none (RFC 6749,
// section 7.1, speaks of access tokens).
func (p *Provider) describeRefresh(c echo.Context, client *Client, id string, n uint32) (map[string]any, error) {
	g, record, person, err := p.goodRefresh(c.Request().Context(), client, id, n)
	if err != nil {
		return nil, err
	}
	claims := map[string]any{
		"active": true, "client_id": client.ID, "scope": g.Scope.String(), "username": person.Login,
		"sub": p.subject(person, client, inAccess), "iss": p.config.Issuer, "aud": audienceClaim(client.orDefaultAudience(g.Audience)),
		"exp": record.Expires.Unix(), "auth_time": g.AuthTime.Unix(),
	}
	if g.JKT != "" {
		claims["cnf"] = confirmation{g.JKT}
	}
	return claims, nil
}
