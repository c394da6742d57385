package idp

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// Call is a request to an endpoint before anything is done about it, for who
// watches the provider or stands in its way (see Config.Called).
type Call struct {
	// Operation is the endpoint: discovery, jwks, authorize, signin, token,
	// userinfo, revoke, introspect, logout, par, device_authorization, device,
	// register or document.
	Operation string
	// ClientID, Login and GrantType are whom and what the request speaks of. No
	// secret and no signature has been looked at; empty where it does not say.
	ClientID, Login, GrantType string

	provider *Provider
	grant    string // id of the one that a code, refresh or access token came of
}

// EndGrant ends the grant whose code, refresh token or access token the request
// shows, as if it had been revoked; false if it shows none that is known.
func (call *Call) EndGrant(ctx context.Context) (bool, error) {
	p := call.provider
	if call.grant == "" {
		return false, nil
	}
	ended := false
	err := p.config.Storage.Update(ctx, func(tx Tx) error {
		g, err := p.grantIn(tx, call.grant)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		ended = true
		lifetime := p.config.AccessTokenLifetime
		if client, err := p.client(ctx, g.ClientID); err == nil {
			lifetime = p.accessLifetime(client)
		}
		return p.endGrant(tx, g, lifetime)
	})
	return ended, err
}

// announce tells Config.Called of a request. What it returns is answered in
// place of the endpoint's own answer.
func (p *Provider) announce(c echo.Context, r route) error {
	if p.config.Called == nil {
		return nil
	}
	call := &Call{Operation: r.name, provider: p}
	if !r.kept {
		p.readCall(c, call)
	}
	return p.config.Called(c, call)
}

// readCall finds out whom a request speaks of, leaving it as it came.
func (p *Provider) readCall(c echo.Context, call *Call) {
	ctx := c.Request().Context()
	q := p.peek(c)
	call.GrantType = shorten(q.Get("grant_type"), 100)
	call.ClientID = q.Get("client_id")
	header := c.Request().Header.Get(echo.HeaderAuthorization)
	scheme, credential, _ := strings.Cut(header, " ")
	if strings.EqualFold(scheme, "Basic") {
		if decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(credential)); err == nil {
			id, _, _ := strings.Cut(string(decoded), ":")
			if id, err = url.QueryUnescape(id); err == nil {
				call.ClientID = id
			}
		}
	}
	if call.ClientID == "" {
		call.ClientID = claimsShown(q.Get("client_assertion")).Subject
	}
	for _, one := range [...]struct{ purpose, handle string }{
		{purposeCode, q.Get("code")}, {purposeRefresh, q.Get("refresh_token")}, {purposeRefresh, q.Get("token")},
		{purposeRefresh, q.Get("subject_token")},
	} {
		if id, _, ok := p.open(one.purpose, one.handle); ok {
			p.readGrant(ctx, call, id)
		}
	}
	if id, _, ok := p.open(purposeDevice, q.Get("device_code")); ok {
		record, err := p.config.Storage.Record(ctx, kindDevice, id)
		if d, err := valueOf[*deviceRequest](record, err, p.now()); err == nil {
			call.Login = d.Login
		}
	}
	if !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "DPoP") {
		credential = ""
	}
	for _, token := range [...]string{credential, q.Get("access_token"), q.Get("token"), q.Get("subject_token"), q.Get("assertion"), q.Get("id_token_hint")} {
		if call.Login == "" && token != "" {
			p.readToken(ctx, call, token)
		}
	}
	if call.Login == "" {
		if _, person, err := p.sessionOf(c); err == nil && person != nil {
			call.Login = person.Login
		}
	}
	// A button of the sign-in page says more than the session does.
	for _, name := range [...]string{"person", "login", "username", "login_hint"} {
		if text := q.Get(name); text != "" && (call.Login == "" || name == "person" || name == "login") {
			call.Login = text
			break
		}
	}
	call.ClientID, call.Login = shorten(call.ClientID, 200), shorten(call.Login, 200)
	if call.ClientID == "" {
		p.readPending(ctx, call, q.Get("request"))
	}
}

func (p *Provider) readGrant(ctx context.Context, call *Call, id string) {
	record, err := p.config.Storage.Record(ctx, kindGrant, id)
	g, err := valueOf[*grant](record, err, p.now())
	if err != nil {
		return
	}
	call.grant, call.Login = id, g.Login
	if call.ClientID == "" {
		call.ClientID = g.ClientID
	}
}

// readPending finds the client that waits for a sign-in.
func (p *Provider) readPending(ctx context.Context, call *Call, id string) {
	if id == "" {
		return
	}
	record, err := p.config.Storage.Record(ctx, kindPending, id)
	if waiting, err := valueOf[*pending](record, err, p.now()); err == nil {
		call.ClientID = waiting.query.get("client_id")
	}
}

// shownClaims are the claims by which a token leads to its grant and person.
type shownClaims struct {
	ID       string `json:"jti"`
	Subject  string `json:"sub"`
	ClientID string `json:"client_id"`
	Party    string `json:"azp"`
}

// claimsShown decodes a JWT without judging it.
func claimsShown(token string) shownClaims {
	var claims shownClaims
	if parts := strings.Split(token, "."); len(parts) == 3 && len(token) <= maxToken {
		if payload, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
			// What does not fit is as if it was not there.
			_ = json.Unmarshal(payload, &claims)
		}
	}
	return claims
}

func (p *Provider) readToken(ctx context.Context, call *Call, token string) {
	var claims shownClaims
	if payload, ok := p.unsealed(token); ok {
		_ = json.Unmarshal(payload, &claims)
	} else {
		claims = claimsShown(token)
	}
	for _, client := range [...]string{claims.ClientID, claims.Party} {
		if call.ClientID == "" {
			call.ClientID = client
		}
	}
	p.readGrant(ctx, call, grantOfToken(claims.ID))
	if call.Login != "" || claims.Subject == "" {
		return
	}
	people, err := p.config.Storage.People(ctx)
	if err != nil {
		return
	}
	for _, person := range people {
		if person.Sub == claims.Subject {
			call.Login = person.Login
		}
	}
}

// peek reads query and form of a request and leaves the body to be read again.
func (p *Provider) peek(c echo.Context) url.Values {
	r, most := c.Request(), p.config.Limits.Form
	values := url.Values{}
	if query := r.URL.RawQuery; len(query) <= most && strings.Count(query, "&") < p.config.Limits.Parameters {
		if read, err := url.ParseQuery(query); err == nil {
			values = read
		}
	}
	if r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get(echo.HeaderContentType), echo.MIMEApplicationForm) {
		return values
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, int64(most)+1))
	rest := io.Reader(r.Body)
	if err != nil {
		rest = failing{err}
	}
	r.Body = &replay{Reader: io.MultiReader(bytes.NewReader(body), rest), Closer: r.Body}
	if len(body) > most || bytes.Count(body, []byte("&")) >= p.config.Limits.Parameters {
		return values
	}
	if form, err := url.ParseQuery(string(body)); err == nil {
		for name, list := range form {
			values[name] = list
		}
	}
	return values
}

// replay is a body of which some has been read and is given again.
type replay struct {
	io.Reader
	io.Closer
}

// failing is the rest of a body that could not be read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// operations are the names that Call.Operation may have.
var operations = []string{
	"discovery", "jwks", "authorize", "signin", "token", "userinfo", "revoke", "introspect", "logout", "par",
	"device_authorization", "device", "register", "document",
}

// Operations are the names that Call.Operation may have.
func Operations() []string { return slices.Clone(operations) }
