package idp

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// session is someone signed in at this issuer in one browser.
type session struct {
	SID      string
	Login    string
	AuthTime time.Time
	// ACR is how they signed in.
	ACR string
	// Edit are claims as the person changed them when signing in.
	Edit map[string]any
	// Clients that want to be told when it ends.
	Clients []string
}

// Cookie names carry a tag of the issuer, since cookies know no port: two
// providers on one host must not see each other's sessions.
func (p *Provider) sessionCookie() string { return "mockduktor_session_" + p.tag }
func (p *Provider) browserCookie() string { return "mockduktor_browser_" + p.tag }

// cookie makes one. Lax goes along when another site leads here by a link or a
// redirect, and needs no https, unlike None.
func (p *Provider) cookie(name, value string) *http.Cookie {
	path := p.path
	if path == "" {
		path = "/"
	}
	return &http.Cookie{Name: name, Value: value, Path: path, HttpOnly: true, Secure: p.secure, SameSite: http.SameSiteLaxMode}
}

// newSession signs a person in; the cookie value is the handle of its sid.
func (p *Provider) newSession(tx Tx, login, acr string, edit map[string]any) (*session, error) {
	sid, err := p.newID(tx, login)
	if err != nil {
		return nil, err
	}
	now := p.now()
	s := &session{SID: sid, Login: login, AuthTime: now, ACR: acr, Edit: edit}
	size := 0
	if len(edit) > 0 {
		encoded, err := json.Marshal(edit)
		if err != nil {
			return nil, fmt.Errorf("encoding claims: %w", err)
		}
		size = len(encoded)
	}
	return s, tx.Put(Record{Kind: kindSession, ID: sid, Family: sid, Expires: now.Add(p.config.SessionLifetime), Size: size, Value: s})
}

// sessionOf gives the live session of the request's browser and its person, or
// nil for both: also when the person is gone or disabled by now.
func (p *Provider) sessionOf(c echo.Context) (*session, *Person, error) {
	cookie, err := c.Cookie(p.sessionCookie())
	if err != nil {
		return nil, nil, nil
	}
	sid, _, ok := p.open(purposeSession, cookie.Value)
	if !ok {
		return nil, nil, nil
	}
	ctx := c.Request().Context()
	record, err := p.config.Storage.Record(ctx, kindSession, sid)
	s, err := valueOf[*session](record, err, p.now())
	if errors.Is(err, ErrNotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	person, err := p.config.Storage.Person(ctx, s.Login)
	if errors.Is(err, ErrNotFound) || err == nil && person.Disabled {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return s, person, nil
}

// cookieOf is the cookie that leads to a session.
func (p *Provider) cookieOf(s *session) *http.Cookie {
	return p.cookie(p.sessionCookie(), p.handle(purposeSession, s.SID, 0))
}

func (p *Provider) clearSessionCookie(c echo.Context) {
	cookie := p.cookie(p.sessionCookie(), "")
	cookie.MaxAge = -1
	c.SetCookie(cookie)
}

// browser gives the value of the cookie that forms are bound to, if there is
// one.
func (p *Provider) browser(c echo.Context) string {
	cookie, err := c.Cookie(p.browserCookie())
	if err != nil || len(cookie.Value) > 64 {
		return ""
	}
	return cookie.Value
}
