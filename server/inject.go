package server

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server/console"
	"github.com/mockduktor/mockduktor/server/faults"
	"github.com/mockduktor/mockduktor/server/journal"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// consoleHooks tell the journal of the Console's calls and let faults at them.
func (s *Server) consoleHooks() console.Hooks {
	return console.Hooks{
		Called: func(c echo.Context, call console.Call) error {
			x := exchangeOf(c.Request())
			if x == nil {
				return nil
			}
			x.facts.Route, x.who = call.Path, call.Who
			x.facts.Person = call.Login
			return s.consoleFault(c, x, call)
		},
		Permitted: func(c echo.Context, _ *console.Principal, need kinds.Need) {
			if x := exchangeOf(c.Request()); x != nil {
				x.need = need
			}
		},
		Refused: func(c echo.Context, refused *kinds.Error) {
			x := exchangeOf(c.Request())
			if x == nil {
				return
			}
			if missing, found := strings.CutPrefix(refused.Message, "Missing permission: "); found {
				x.facts.Missing = missing
			}
			x.facts.Reason = refused.Reason
			if x.facts.Reason == "" {
				x.facts.Reason = refused.Error()
			}
		},
	}
}

func (s *Server) consoleFault(c echo.Context, x *exchange, call console.Call) error {
	rule, counts, from, err := s.fire(x, func(request *faults.Request) {
		request.Operation = x.site.Console.Document.OperationID(call.Method, call.Path)
		request.Client = func() string { return journal.ClientOf(c.Request().Header) }
		request.People = func() []string {
			switch {
			case call.Who != nil && call.Who.Email != "":
				return namesOf(x.site.World, call.Who.Email)
			case call.Login != "":
				return namesOf(x.site.World, call.Login)
			}
			return nil
		}
	})
	if rule == nil || err != nil {
		return err
	}
	person := call.Login
	if call.Who != nil {
		person = call.Who.Email
	}
	if err := s.apply(c, x, rule, counts, person, nil); err != nil {
		return err
	}
	effect := &rule.Effect
	if effect.Status == 0 {
		return nil
	}
	return &console.Injected{Status: effect.Status, Title: effect.Title, Message: effect.Message, Reason: because(rule, from)}
}

// called is consoleHooks' Called for the identity providers.
func (s *Server) called(c echo.Context, call *idp.Call) error {
	x := exchangeOf(c.Request())
	if x == nil {
		return nil
	}
	f := &x.facts
	f.Operation, f.ClientID, f.Person, f.GrantType = call.Operation, call.ClientID, call.Login, call.GrantType
	if x.oversized != nil {
		return inOAuth(x.oversized)
	}
	rule, counts, from, err := s.fire(x, func(request *faults.Request) {
		request.Operation, request.GrantType = call.Operation, call.GrantType
		request.Client = func() string { return call.ClientID }
		request.People = func() []string { return namesOf(x.site.World, call.Login) }
	})
	if rule == nil || err != nil {
		return err
	}
	if err := s.apply(c, x, rule, counts, call.Login, call); err != nil {
		return err
	}
	effect := &rule.Effect
	if effect.Status == 0 {
		return nil
	}
	refusal := &idp.Error{Status: effect.Status, Code: effect.Error, Description: effect.Message}
	if refusal.Code == "" {
		refusal.Code = oauthCode(effect.Status)
	}
	if refusal.Description == "" {
		refusal.Description = because(rule, from)
	}
	return refusal
}

// oauthCode is an error code that goes with a status: RFC 6749, sections 4.1.2.1
// and 5.2, RFC 6750, section 3.1, and RFC 8628, section 3.5.
func oauthCode(status int) string {
	switch {
	case status == http.StatusUnauthorized:
		return "invalid_client"
	case status == http.StatusForbidden:
		return "access_denied"
	case status == http.StatusTooManyRequests:
		return "slow_down"
	case status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout || status == http.StatusBadGateway:
		return "temporarily_unavailable"
	case status >= http.StatusInternalServerError:
		return "server_error"
	}
	return "invalid_request"
}

// because names the fault in the places where reasons are.
func because(rule *faults.Rule, from *Site) string {
	where := ""
	if rule.Global && from.ID == "" {
		where = " of the main world"
	}
	return fmt.Sprintf("the fault %s%s was applied: %s", rule.ID, where, rule.Effect.String())
}

// namesOf are the names that somebody has: login and e-mail, whichever is given.
func namesOf(world *store.World, name string) []string {
	if name == "" {
		return nil
	}
	names := []string{name}
	if person, known := kinds.FindPerson(world.View(), name); known {
		names = append(names, person.Login, person.Email)
	}
	return names
}

// fire finds the fault that a request meets: of its own site, or else a global
// one of the main site; from is the site that has it. describe is asked once it
// is known that there are faults.
func (s *Server) fire(x *exchange, describe func(*faults.Request)) (rule *faults.Rule, counts faults.Counts, from *Site, err error) {
	rule, counts, err = s.fireOf(x, x.site, describe)
	if rule != nil || err != nil || x.site == s.sites.main {
		return rule, counts, x.site, err
	}
	rule, counts, err = s.fireOf(x, s.sites.main, describe)
	return rule, counts, s.sites.main, err
}

func (s *Server) fireOf(x *exchange, site *Site, describe func(*faults.Request)) (*faults.Rule, faults.Counts, error) {
	if !kinds.HasFaults(site.World.View()) {
		return nil, faults.Counts{}, nil
	}
	request := &faults.Request{Surface: string(x.facts.Surface), Method: x.facts.Method, Path: x.facts.Path, Now: x.facts.Time}
	describe(request)
	return kinds.FireFault(site.World, request, site != x.site)
}

// apply does what an effect does before the answer is made. A connection that is
// to be dropped is, by http.ErrAbortHandler.
func (s *Server) apply(c echo.Context, x *exchange, rule *faults.Rule, counts faults.Counts, person string, call *idp.Call) error {
	effect := &rule.Effect
	x.fault = rule
	x.facts.Fault, x.facts.Effect = rule.ID, effect.String()
	if err := s.disturb(c.Request().Context(), x.site, effect, person, call); err != nil {
		return fmt.Errorf("fault %s: %w", rule.ID, err)
	}
	if wait := effect.Wait(rule.Seed, counts.Fired); wait > 0 {
		extend(http.NewResponseController(x), wait+max(x.site.config.Timeouts.Read, x.site.config.Timeouts.Write))
		if !s.delay(c.Request().Context(), wait) {
			x.cut()
		}
	}
	if effect.Drop == faults.DropBefore {
		x.cut()
	}
	if effect.RetryAfter != nil {
		c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(*effect.RetryAfter))
	}
	if effect.Issuer != "" {
		c.Request().Header.Del("If-None-Match")
	}
	if effect.Holds() {
		x.spoil()
	}
	return nil
}

// disturb changes the world as an effect says.
func (s *Server) disturb(ctx context.Context, site *Site, effect *faults.Effect, person string, call *idp.Call) error {
	if effect.Groups != nil {
		if effect.GroupsOf != "" {
			person = effect.GroupsOf
		}
		err := site.World.Update(func(tx *store.Tx) error {
			_, err := site.Engine.SetPersonGroups(tx, person, effect.Groups)
			return err
		})
		if err != nil {
			return err
		}
	}
	if effect.Rotate != "" {
		keys, err := site.keys.all().Rotated(effect.Rotate == faults.RotateAdd)
		if err != nil {
			return err
		}
		site.SetKeys(keys)
	}
	if effect.RevokeRefresh && call != nil {
		if _, err := call.EndGrant(ctx); err != nil {
			return err
		}
	}
	return nil
}

// delay waits for as long as a fault wants it; false if the client has gone, or
// if a server that is told to stop would not wait for as long.
func (s *Server) delay(ctx context.Context, wait time.Duration) bool {
	until := time.Now().Add(wait)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(s.closing, func() {
		if time.Until(until) > s.config.Timeouts.Shutdown {
			cancel()
		}
	})
	defer stop()
	return pause(ctx, wait)
}

// untilClosed is ctx until the server begins to end.
func (s *Server) untilClosed(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.closing, cancel)
	return ctx, func() { stop(); cancel() }
}
