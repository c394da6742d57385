package idp

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// userInfo is OpenID Connect Core 1.0, section 5.3. It answers with the
// person's claims of now.
func (p *Provider) userInfo(c echo.Context) error {
	token, err := p.bearer(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	claims, err := p.accessToken(ctx, token)
	if err != nil {
		return err
	}
	scope := parseScope(claims.Scope)
	if !scope.has(scopeOpenID) {
		return p.bearerError(http.StatusForbidden, errInsufficientScope, "the token has not the scope openid", ` scope="openid",`)
	}
	person, err := p.bearerOf(ctx, claims)
	if err != nil {
		return err
	}
	if person == nil {
		return p.invalidToken("the person of the token is not there any more")
	}
	if person.Disabled {
		return p.invalidToken("the person of the token is disabled")
	}
	noStore(c)
	return c.JSON(http.StatusOK, personClaims(person, scope))
}

// bearer finds the access token: in the header, or in the form of a POST (RFC
// 6750, sections 2.1 and 2.2).
func (p *Provider) bearer(c echo.Context) (string, error) {
	r := c.Request()
	inForm := ""
	if r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get(echo.HeaderContentType), echo.MIMEApplicationForm) {
		q, err := form(c)
		if err == nil {
			err = q.once()
		}
		if err != nil {
			return "", err
		}
		inForm = q.get("access_token")
	}
	header := r.Header.Get(echo.HeaderAuthorization)
	if header == "" {
		if inForm != "" {
			return inForm, nil
		}
		// Without credentials there is no error in the challenge (section 3.1).
		return "", &Error{
			Status: http.StatusUnauthorized, Code: errInvalidToken,
			Description: "no access token was sent: send the header Authorization: Bearer and the token",
			Challenge:   `Bearer realm="` + ascii(p.config.Issuer) + `"`,
		}
	}
	if inForm != "" {
		return "", p.bearerError(http.StatusBadRequest, errInvalidRequest, "the token is in the header and in the form; it must be in one of them", "")
	}
	scheme, token, _ := strings.Cut(header, " ")
	if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", p.invalidToken("the Authorization header must be Bearer and the token")
	}
	return token, nil
}

// accessToken checks one of this provider's access tokens.
func (p *Provider) accessToken(ctx context.Context, token string) (*readClaims, error) {
	claims, err := p.keys().verify(token, p.config.Issuer)
	if err != nil {
		return nil, p.invalidToken(err.Error())
	}
	if !claims.isAccessToken() {
		return nil, p.invalidToken("this is an ID token; an access token is needed")
	}
	if now := p.now(); now.Unix() >= claims.Expires {
		return nil, p.invalidToken("the token expired at " + time.Unix(claims.Expires, 0).UTC().Format(time.RFC3339) + "; it is now " + now.UTC().Format(time.RFC3339))
	}
	revoked, err := p.revoked(ctx, claims.ID)
	if err != nil {
		return nil, err
	}
	if revoked {
		return nil, p.invalidToken("the token was revoked")
	}
	return claims, nil
}

// bearerOf finds the person of an access token; nil if there is none. The grant
// knows the login; tokens whose grant is not kept are found by their sub.
func (p *Provider) bearerOf(ctx context.Context, claims *readClaims) (*Person, error) {
	record, err := p.config.Storage.Record(ctx, kindGrant, grantOfToken(claims.ID))
	g, err := valueOf[*grant](record, err, p.now())
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	if err == nil {
		person, err := p.config.Storage.Person(ctx, g.Login)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		if err == nil && person.Sub == claims.Subject {
			return person, nil
		}
	}
	people, err := p.config.Storage.People(ctx)
	if err != nil {
		return nil, err
	}
	for _, one := range people {
		if one.Sub == claims.Subject {
			return one, nil
		}
	}
	return nil, nil
}

func (p *Provider) invalidToken(description string) error {
	return p.bearerError(http.StatusUnauthorized, errInvalidToken, description, "")
}

// bearerError is RFC 6750, section 3.
func (p *Provider) bearerError(status int, code, description, more string) error {
	return &Error{
		Status: status, Code: code, Description: description,
		Challenge: `Bearer realm="` + ascii(p.config.Issuer) + `",` + more + ` error="` + code + `", error_description="` + ascii(description) + `"`,
	}
}
