package idp

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// userInfo is OpenID Connect Core 1.0, section 5.3. It answers with the
// person's claims of now.
func (p *Provider) userInfo(c echo.Context) error {
	token, scheme, err := p.bearer(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	claims, person, err := p.goodAccess(ctx, token)
	if err == nil {
		err = p.mayBear(c, token, scheme, claims)
	}
	if err != nil {
		return p.challenged(scheme, err)
	}
	scope := parseScope(claims.Scope)
	if !scope.has(scopeOpenID) {
		return p.bearerError(http.StatusForbidden, errInsufficientScope, "the token has not the scope openid", ` scope="openid",`)
	}
	if person == nil {
		return p.invalidToken("the token is a client's own and speaks of no person")
	}
	return p.tellUserInfo(c, claims, person, scope)
}

// tellUserInfo answers in JSON, or in a JWT to clients that want one (section
// 5.3.2).
func (p *Provider) tellUserInfo(c echo.Context, access *readClaims, person *Person, scope scopeList) error {
	ctx := c.Request().Context()
	client, err := p.client(ctx, access.ClientID)
	if errors.Is(err, ErrNotFound) {
		return p.invalidToken("the client of the token is not there any more")
	}
	if err != nil {
		return err
	}
	record, err := p.config.Storage.Record(ctx, kindGrant, grantOfToken(access.ID))
	g, err := valueOf[*grant](record, err, p.now())
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	f := p.factsOf(issuance{client: client, person: person, scope: scope, authTime: access.authTime()}, inUserInfo, p.now())
	claims, gathered := f.gather(ctx)
	if gathered == nil && err == nil && g.ClientID == client.ID {
		gathered = g.Asked.addTo(ctx, claims, f, forUserInfo)
	}
	if gathered != nil {
		return gathered
	}
	noStore(c)
	if client.UserInfoAlg == "" {
		return c.JSON(http.StatusOK, claims)
	}
	key, err := p.keys().signs(client.UserInfoAlg)
	if err != nil {
		return algUnavailable(err)
	}
	claims["iss"], claims["aud"] = p.config.Issuer, client.ID
	token, err := key.sign(p.idType(), claims)
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, "application/jwt", []byte(token))
}

// mayBear checks that who sends the token is who it is for: anyone, or the
// holder of the key that it is bound to (RFC 9449, section 7).
func (p *Provider) mayBear(c echo.Context, token, scheme string, claims *readClaims) error {
	bound := claims.boundTo()
	if scheme != schemeDPoP {
		if bound != "" {
			return &refusedToken{"the token is bound to a key: send it in the header Authorization: DPoP, with a proof in the header DPoP"}
		}
		return nil
	}
	if bound == "" {
		return &refusedToken{"the token is not bound to a key: send it in the header Authorization: Bearer"}
	}
	jkt, err := p.proofOf(c, p.config.Paths.UserInfo, token)
	switch {
	case err != nil:
		return &badProof{err}
	case jkt == "":
		return &badProof{&refusedToken{"the header DPoP with a proof is missing"}}
	case jkt != bound:
		return &refusedToken{"the DPoP proof is of another key than the one that the token is bound to"}
	}
	return nil
}

// badProof is a token that may be good with a proof that is not.
type badProof struct{ error }

// challenged turns what is wrong with a token into the answer (RFC 6750,
// section 3, and RFC 9449, section 7.1).
func (p *Provider) challenged(scheme string, err error) error {
	var proof *badProof
	if errors.As(err, &proof) {
		code := errInvalidProof
		switch proof.error.(type) {
		case *nonceWanted:
			code = errUseNonce
		case *refusedToken:
		default:
			return err
		}
		return p.schemeError(schemeDPoP, http.StatusUnauthorized, code, proof.Error(), "")
	}
	var refused *refusedToken
	if errors.As(err, &refused) {
		return p.schemeError(scheme, http.StatusUnauthorized, errInvalidToken, refused.reason, "")
	}
	return err
}

// bearer finds the access token: in the header, or beside it. scheme is Bearer
// or DPoP.
func (p *Provider) bearer(c echo.Context) (token, scheme string, err error) {
	beside, err := p.tokenBeside(c)
	if err != nil {
		return "", "", err
	}
	header := c.Request().Header.Get(echo.HeaderAuthorization)
	if header == "" {
		if beside != "" {
			return beside, schemeBearer, nil
		}
		return "", "", p.noToken("no access token was sent: send the header Authorization: Bearer and the token")
	}
	if beside != "" {
		return "", "", p.bearerError(http.StatusBadRequest, errInvalidRequest, "the token is in the header and in the form or the address; it must be in one of them", "")
	}
	scheme, token, _ = strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	switch {
	case token == "":
	case strings.EqualFold(scheme, schemeBearer):
		return token, schemeBearer, nil
	case strings.EqualFold(scheme, schemeDPoP):
		return token, schemeDPoP, nil
	}
	return "", "", p.noToken("the Authorization header must be Bearer, or DPoP, and the token")
}

// tokenBeside finds a token that is not in the header: in the form of a POST
// (RFC 6750, section 2.2) or, where the vendor takes it there, in the address
// (section 2.3). Empty: there is none.
func (p *Provider) tokenBeside(c echo.Context) (string, error) {
	r := c.Request()
	var q params
	var err error
	switch {
	case r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get(echo.HeaderContentType), echo.MIMEApplicationForm):
		q, err = p.form(c)
	case r.Method == http.MethodGet && p.profile.tokenInAddress:
		q, err = p.parseParams(r.URL.RawQuery)
	}
	if err == nil {
		err = q.once()
	}
	return q.get("access_token"), err
}

// noToken refuses a request that shows no token, or tries another way of
// authentication: there is then no error in the challenge (section 3.1).
func (p *Provider) noToken(description string) error {
	return &Error{
		Status: http.StatusUnauthorized, Code: errInvalidToken, Description: description,
		Challenge: `Bearer realm="` + ascii(p.config.Issuer) + `"`,
	}
}

// bearerOf finds the person of an access token; nil if there is none. The grant
// knows the login; tokens whose grant is not kept are found by their sub.
func (p *Provider) bearerOf(ctx context.Context, claims *readClaims) (*Person, error) {
	asking, err := p.client(ctx, claims.client())
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
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
		if err == nil && p.subject(person, asking, claims.in()) == claims.Subject {
			return edited(person, g.Edit)
		}
	}
	people, err := p.config.Storage.People(ctx)
	if err != nil {
		return nil, err
	}
	for _, one := range people {
		if p.subject(one, asking, claims.in()) == claims.Subject {
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
	return p.schemeError(schemeBearer, status, code, description, more)
}

const schemeBearer = "Bearer"

func (p *Provider) schemeError(scheme string, status int, code, description, more string) error {
	if scheme == schemeDPoP {
		more += ` algs="` + strings.Join(clientAlgs, " ") + `",`
	}
	return &Error{
		Status: status, Code: code, Description: description,
		Challenge: scheme + ` realm="` + ascii(p.config.Issuer) + `",` + more + ` error="` + code + `", error_description="` + ascii(description) + `"`,
	}
}
