package idp

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// token is the token endpoint (RFC 6749, section 3.2).
func (p *Provider) token(c echo.Context) error {
	q, err := p.form(c)
	if err != nil {
		return err
	}
	if err := q.once(); err != nil {
		return err
	}
	ctx := c.Request().Context()
	c.Set(keyGrantType, q.get("grant_type"))
	client, err := p.grantedClient(c, q)
	if err != nil {
		return err
	}
	if q.jkt, err = p.proveKey(c, p.config.Paths.Token, client); err != nil {
		return err
	}
	tokens, err := p.grantTokens(ctx, client, q, p.addresses(c.Request()))
	if err != nil {
		return err
	}
	p.config.Logger.DebugContext(ctx, "tokens issued", "client_id", client.ID, "grant_type", q.get("grant_type"), "scope", tokens.Scope)
	noStore(c)
	return c.JSON(http.StatusOK, tokens)
}

// grantTokens leads to the one file of each grant type. audience are the names
// of this provider that an assertion may be made for.
func (p *Provider) grantTokens(ctx context.Context, client *Client, q params, audience []string) (*Tokens, error) {
	grantType := q.get("grant_type")
	switch {
	case grantType == "":
		return nil, refuse(errInvalidRequest, "grant_type is missing from the form; there are "+strings.Join(p.grantTypes(), ", "))
	case !slices.Contains(p.grantTypes(), grantType):
		return nil, refuse(errUnsupportedGrantType, "grant_type is '"+shorten(grantType, 60)+"'; there are "+strings.Join(p.grantTypes(), ", "))
	case !client.grants(grantType):
		return nil, refuse(errUnauthorizedClient, "the client '"+client.ID+"' may not use "+grantType+"; its grant_types are "+strings.Join(client.GrantTypes, ", "))
	}
	switch grantType {
	case GrantAuthorizationCode:
		return p.byCode(ctx, client, q)
	case GrantRefreshToken:
		return p.byRefreshToken(ctx, client, q)
	case GrantClientCredentials:
		return p.byClientCredentials(ctx, client, q)
	case GrantDeviceCode:
		return p.byDeviceCode(ctx, client, q)
	case GrantTokenExchange:
		return p.byTokenExchange(ctx, client, q)
	case GrantJWTBearer:
		return p.byJWTBearer(ctx, client, q, audience)
	default:
		return p.byPasswordGrant(ctx, client, q)
	}
}

// grantTypes are those that this provider serves.
func (p *Provider) grantTypes() []string {
	if p.servesDevices() {
		return grantTypes
	}
	return slices.DeleteFunc(slices.Clone(grantTypes), func(g string) bool { return g == GrantDeviceCode })
}
