package idp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// eventLogout marks a logout token (OpenID Connect Back-Channel Logout 1.0,
// section 2.4).
const eventLogout = "http://schemas.openid.net/event/backchannel-logout"

const (
	// logoutTokenLifetime is what section 2.4 advises.
	logoutTokenLifetime = 2 * time.Minute
	// backChannelTimeout bounds the call of one client, backChannelWait how
	// long the person at the browser waits for all of them.
	backChannelTimeout = 5 * time.Second
	backChannelWait    = time.Second
	// maxLogoutAnswer is how much of a client's answer is read, in bytes.
	maxLogoutAnswer = 4 << 10
)

// backChannelClient is a client that goes nowhere but to the address it is
// given: through no proxy and after no redirect.
func backChannelClient(given *http.Client) *http.Client {
	if given == nil {
		given = &http.Client{Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: backChannelTimeout}).DialContext,
			TLSHandshakeTimeout: backChannelTimeout,
			MaxIdleConns:        8,
			IdleConnTimeout:     backChannelTimeout,
		}}
	}
	client := *given
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// hears tells a client that wants to know when a session ends.
func (c *Client) hears() bool { return c.FrontChannelLogoutURI != "" || c.BackChannelLogoutURI != "" }

// noteClient adds the client to those that a session's end is told to.
func (p *Provider) noteClient(tx Tx, sid string, client *Client) error {
	if !client.hears() {
		return nil
	}
	record, err := tx.Record(kindSession, sid)
	s, err := valueOf[*session](record, err, p.now())
	if errors.Is(err, ErrNotFound) {
		// sign_in_as: no cookie leads to that session, so nothing ends it.
		return nil
	}
	if err != nil {
		return err
	}
	if slices.Contains(s.Clients, client.ID) {
		return nil
	}
	after := *s
	after.Clients = append(slices.Clone(s.Clients), client.ID)
	return tx.Put(Record{Kind: kindSession, ID: sid, Family: sid, Expires: record.Expires, Size: record.Size, Value: &after})
}

// farewellTo is one client that is told of one session's end.
type farewellTo struct {
	client *Client
	sid    string
	person *Person
}

// listeners finds who is to be told, before the sessions are gone.
func (p *Provider) listeners(ctx context.Context, sids []string) ([]farewellTo, error) {
	var list []farewellTo
	for _, sid := range sids {
		record, err := p.config.Storage.Record(ctx, kindSession, sid)
		s, err := valueOf[*session](record, err, p.now())
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		person, err := p.config.Storage.Person(ctx, s.Login)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, id := range s.Clients {
			client, err := p.client(ctx, id)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			list = append(list, farewellTo{client, sid, person})
		}
	}
	return list, nil
}

// callBack tells the clients by back channel and waits for them a moment; the
// rest goes on by itself until its time is over.
func (p *Provider) callBack(ctx context.Context, list []farewellTo) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), backChannelTimeout)
	done := make(chan struct{}, len(list))
	calls := 0
	for _, one := range list {
		if one.client.BackChannelLogoutURI == "" {
			continue
		}
		calls++
		go func() {
			p.callOne(ctx, one)
			done <- struct{}{}
		}()
	}
	if calls == 0 {
		cancel()
		return
	}
	all := make(chan struct{})
	go func() {
		defer cancel()
		for range calls {
			<-done
		}
		close(all)
	}()
	wait := time.NewTimer(backChannelWait)
	defer wait.Stop()
	select {
	case <-all:
	case <-wait.C:
		p.config.Logger.WarnContext(ctx, "back-channel logout takes long; the person at the browser does not wait for it")
	}
}

// callOne posts a logout token (Back-Channel Logout 1.0, section 2.5).
func (p *Provider) callOne(ctx context.Context, to farewellTo) {
	log := p.config.Logger.With("client_id", to.client.ID, "uri", to.client.BackChannelLogoutURI)
	token, err := p.logoutToken(ctx, to)
	if err != nil {
		log.ErrorContext(ctx, "making a logout token", "error", err)
		return
	}
	body := strings.NewReader(url.Values{"logout_token": {token}}.Encode())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.client.BackChannelLogoutURI, body)
	if err != nil {
		log.ErrorContext(ctx, "calling by back channel", "error", err)
		return
	}
	r.Header.Set(echo.HeaderContentType, echo.MIMEApplicationForm)
	response, err := p.config.HTTPClient.Do(r)
	if err != nil {
		log.WarnContext(ctx, "back-channel logout failed", "error", err)
		return
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxLogoutAnswer))
	if err != nil || response.StatusCode/100 != 2 {
		log.WarnContext(ctx, "the client refused the back-channel logout", "status", response.Status, "answer", string(bytes.TrimSpace(answer)))
		return
	}
	log.InfoContext(ctx, "told by back channel")
}

func (p *Provider) logoutToken(ctx context.Context, to farewellTo) (string, error) {
	key, err := p.keys().signs(to.client.IDTokenAlg)
	if err != nil {
		return "", err
	}
	var id string
	err = p.config.Storage.Update(ctx, func(tx Tx) (err error) {
		id, err = p.newID(tx)
		return err
	})
	if err != nil {
		return "", err
	}
	now := p.now()
	return key.sign(typeLogoutToken, map[string]any{
		"iss": p.config.Issuer, "sub": p.subject(to.person, to.client, inID), "aud": to.client.ID, "sid": p.shownSID(to.sid), "jti": id,
		"iat": now.Unix(), "exp": now.Add(logoutTokenLifetime).Unix(), "events": map[string]any{eventLogout: struct{}{}},
	})
}

// frames are the addresses to load in the browser (OpenID Connect Front-Channel
// Logout 1.0, section 3), with iss and sid.
func (p *Provider) frames(list []farewellTo) []string {
	var frames []string
	for _, one := range list {
		if uri := one.client.FrontChannelLogoutURI; uri != "" {
			frames = append(frames, withQuery(uri, []pair{{"iss", p.config.Issuer}, {"sid", p.shownSID(one.sid)}}))
		}
	}
	return frames
}

// checkLogout holds the addresses of logout to hosts that are the client's
// anyway: one of its redirect URIs, or this machine. Nothing else shall be made
// to be called by ending a session.
func (c *Client) checkLogout(spec *fields) {
	for _, f := range [...]struct{ name, uri string }{
		{"frontchannel_logout_uri", c.FrontChannelLogoutURI}, {"backchannel_logout_uri", c.BackChannelLogoutURI},
	} {
		name, uri := f.name, f.uri
		if uri == "" {
			continue
		}
		before := len(*spec.problems)
		checkURI(spec, name, uri)
		if len(*spec.problems) > before {
			continue
		}
		u, err := url.Parse(uri)
		switch {
		case err != nil || !isWeb(u) || u.User != nil || !isPrintable(uri) || strings.ContainsAny(u.Host, ";,'\"*"):
			spec.report(name, "must be an http or https address without user: %q", uri)
		case !isLoopback(u.Hostname()) && !slices.ContainsFunc(c.RedirectURIs, func(r string) bool { return hostOf(r) == u.Hostname() }):
			spec.report(name, "names the host %s, which none of the redirect_uris has; only these and this machine are called at logout", u.Hostname())
		}
	}
}
