package idp

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
)

// credentials are what a client showed of itself.
type credentials struct {
	id, secret string
	method     string
	// raw is the secret of a Basic header as it stood there.
	raw string
	// assertion is a JWT in place of the secret (RFC 7523, section 2.2).
	assertion string
}

// authenticate finds the client of a request that a program makes (RFC 6749,
// section 2.3).
func (p *Provider) authenticate(c echo.Context, q params) (*Client, error) {
	shown, err := p.credentialsOf(c, q)
	if err != nil {
		return nil, err
	}
	if shown.id == "" {
		return nil, p.invalidClient("no client credentials were sent: send them in a Basic header, or client_id and client_secret in the form")
	}
	client, err := p.client(c.Request().Context(), shown.id)
	if errors.Is(err, ErrNotFound) {
		return nil, p.invalidClient("there is no client '" + shorten(shown.id, 200) + "'")
	}
	if err != nil {
		return nil, err
	}
	if client.anyone {
		return client, nil
	}
	if shown.assertion != "" {
		return client, p.authenticateByJWT(c, client, shown)
	}
	if client.public() {
		if shown.secret != "" {
			return nil, p.invalidClient("the client '" + client.ID + "' is public and has no secret, yet one was sent")
		}
		return client, nil
	}
	switch {
	case client.Secret == "":
		return nil, p.invalidClient("the client '" + client.ID + "' has keys and no secret: it must send a client_assertion signed with one of them (" + AuthPrivateKey + ")")
	case shown.secret == "":
		return nil, p.invalidClient("the client '" + client.ID + "' has a secret, and none was sent")
	case client.AuthMethod != "" && client.AuthMethod != shown.method:
		return nil, p.invalidClient("the client '" + client.ID + "' must use " + client.AuthMethod + ", and " + shown.method + " was used")
	case sameSecret(client.Secret, shown.secret):
		return client, nil
	case shown.raw != shown.secret && sameSecret(client.Secret, shown.raw):
		return nil, p.invalidClient("the secret in the Basic header is right but not form-encoded (RFC 6749, section 2.3.1): write + and % of it as %2B and %25")
	}
	return nil, p.invalidClient("the secret of the client '" + client.ID + "' is wrong")
}

func (p *Provider) credentialsOf(c echo.Context, q params) (credentials, error) {
	shown := credentials{id: q.get("client_id"), secret: q.get("client_secret"), method: AuthPost}
	if shown.secret == "" {
		shown.method = AuthNone
	}
	header := c.Request().Header.Get(echo.HeaderAuthorization)
	if header != "" && (shown.secret != "" || q.get("client_assertion") != "") {
		return shown, refuse(errInvalidRequest, "the client authenticates in the header and in the form; it must use one of them")
	}
	if err := p.readClientAssertion(q, &shown); err != nil {
		return shown, err
	}
	if header == "" {
		return shown, nil
	}
	scheme, encoded, _ := strings.Cut(header, " ")
	if p.profile.colonBasic {
		scheme = strings.TrimSuffix(scheme, ":")
	}
	if !strings.EqualFold(scheme, "Basic") {
		return shown, p.invalidClient("the Authorization header must be Basic, is '" + shorten(scheme, 20) + "'")
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	rawID, rawSecret, found := strings.Cut(string(decoded), ":")
	if err != nil || !found {
		return shown, p.invalidClient("the Basic header does not hold base64 of client_id:client_secret")
	}
	id, err := url.QueryUnescape(rawID)
	if err != nil {
		return shown, p.invalidClient("the client_id in the Basic header is not form-encoded")
	}
	secret, err := url.QueryUnescape(rawSecret)
	if err != nil {
		// Not decodable: the check against the raw one then says why.
		secret = "\x00"
	}
	if shown.id != "" && shown.id != id {
		return shown, refuse(errInvalidRequest, "the header and the form name two different clients")
	}
	shown.id, shown.secret, shown.raw = id, secret, rawSecret
	if secret != "" {
		shown.method = AuthBasic
	}
	return shown, nil
}

// invalidClient is 401 with a challenge (RFC 6749, section 5.2).
func (p *Provider) invalidClient(description string) error {
	return &Error{
		Status:      http.StatusUnauthorized,
		Code:        errInvalidClient,
		Description: description,
		Challenge:   `Basic realm="` + ascii(p.config.Issuer) + `", charset="UTF-8"`,
	}
}
