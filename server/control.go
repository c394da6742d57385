package server

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/server/control"
	"github.com/mockduktor/mockduktor/server/explain"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// controlOf is the control API of a site.
func (s *Server) controlOf(site *Site) *control.Control {
	c := &control.Control{
		World: site.World, Prefix: site.prefix, Engine: site.Engine, Provider: site.NamedProvider,
		Settings: s.settingsOf(site), Limits: s.config.Limits, HandlerTime: s.config.Timeouts.Handler, CA: s.ca, Guard: s.guardMock,
		Stage:  func() (*explain.Stage, error) { return s.Stage(site) },
		Update: site.Update, Sync: site.SyncKeys, Apply: site.Apply, Replace: site.Replace, Export: func() []map[string]any { return site.Export(context.Background()) },
	}
	c.Journal, c.Called = site.Journal, noteOperation
	c.Open = func(ctx context.Context) (context.Context, context.CancelFunc) { return s.whileOpen(ctx, site) }
	if site == s.sites.main {
		c.State = s.keeper
		c.Sources = &control.Sources{State: s.seedState, Reload: s.Reload}
		c.Sandboxes = &control.Sandboxes{Open: s.openSandbox, Close: s.sites.Close, Find: s.findSandbox, List: s.listSandboxes}
	}
	return c
}

// noteOperation tells the journal which operation of the control API is called.
func noteOperation(c echo.Context, path string) {
	if x := exchangeOf(c.Request()); x != nil {
		x.facts.Route = path
	}
}

// whileOpen is ctx until the server begins to end or the site's time is over.
func (s *Server) whileOpen(ctx context.Context, site *Site) (context.Context, context.CancelFunc) {
	ctx, stop := s.untilClosed(ctx)
	if site.Expires.IsZero() {
		return ctx, stop
	}
	ctx, cancel := context.WithDeadline(ctx, site.Expires)
	return ctx, func() { cancel(); stop() }
}

// settingsOf is what clients of a site have to agree with it about.
func (s *Server) settingsOf(site *Site) control.Settings {
	jwt := site.Console.Settings.JWT
	return control.Settings{
		PublicURL: site.URL, Issuer: site.Provider.Issuer(), Issuers: site.Issuers(), TrustedIssuer: jwt.Issuer,
		UsernameClaim: cmp.Or(jwt.UsernameClaim, "email"), GroupsClaim: cmp.Or(jwt.GroupsClaim, "groups"), APIKeyClaim: cmp.Or(jwt.APIKeyClaim, "apikey"),
		AnyClient: s.config.AnyClient, Sandbox: site.ID,
	}
}

func sandboxOf(site *Site) control.Sandbox {
	box := control.Sandbox{ID: site.ID, URL: site.URL, Issuer: site.Provider.Issuer(), CreatedAt: site.Created}
	if !site.Expires.IsZero() {
		box.ExpiresAt = &site.Expires
	}
	return box
}

func (s *Server) openSandbox(id, snapshot string, keep time.Duration) (control.Sandbox, error) {
	site, err := s.OpenSandbox(id, snapshot, keep)
	switch {
	case err == nil:
		return sandboxOf(site), nil
	case errors.Is(err, ErrSandboxTaken):
		return control.Sandbox{}, &kinds.Error{Code: kinds.Conflict, Field: "id", Message: err.Error()}
	case errors.Is(err, ErrSandbox):
		return control.Sandbox{}, &kinds.Error{Field: "id", Message: err.Error()}
	case errors.Is(err, store.ErrNotFound):
		return control.Sandbox{}, &kinds.Error{Code: kinds.NotFound, Field: "snapshot", Message: err.Error()}
	}
	return control.Sandbox{}, err
}

func (s *Server) findSandbox(id string) (control.Sandbox, bool) {
	site, known := s.sites.Find(id)
	if !known {
		return control.Sandbox{}, false
	}
	return sandboxOf(site), true
}

func (s *Server) listSandboxes() []control.Sandbox {
	var list []control.Sandbox
	for _, site := range s.sites.List() {
		list = append(list, sandboxOf(site))
	}
	return list
}
