// Package server assembles the emulator: one port, one world, the Console and
// the identity provider over it.
package server

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server/console"
	"github.com/mockduktor/mockduktor/server/control"
	"github.com/mockduktor/mockduktor/server/journal"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/state"
)

// Server is a running emulator.
type Server struct {
	config   Config
	sites    *sites
	listener net.Listener
	router   *echo.Echo
	http     *http.Server
	ca       []byte // development CA in PEM; nil without one
	done     chan error
	seeds    seeds
	keeper   *state.Keeper // nil without Config.State
	paths    []string      // see RoutePaths
	// closing is done once the server begins to end.
	closing context.Context
}

// Start loads the seed, listens and serves. It returns once the server
// answers. An error leaves nothing running.
func Start(config Config) (*Server, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config.complete()
	var files [sha256.Size]byte
	if config.Watch {
		files = stamp(config.Seeds) // before they are read: what changes meanwhile is seen
	}
	documents := config.Documents
	if documents == nil {
		var err error
		if documents, err = seed.Load(config.Seeds, config.Stdin); err != nil {
			return nil, err
		}
	}
	listener, err := net.Listen("tcp", config.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w (another port: --listen 127.0.0.1:0)", config.Listen, err)
	}
	s, err := assemble(config, documents, listener)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	if s.keeper != nil {
		s.keeper.Keep(s.Pair().World)
	}
	go func() { s.done <- s.serve() }()
	if config.Watch {
		s.seeds.stamp = files
		go s.watch(s.closing)
	}
	return s, nil
}

func assemble(config Config, documents []*seed.Document, listener net.Listener) (*Server, error) {
	if err := config.urls(listener.Addr()); err != nil {
		return nil, err
	}
	bound := &bounded{Listener: listener, most: int64(config.Limits.Connections), plain: !config.TLS.on()}
	s := &Server{listener: bound, done: make(chan error, 1)}
	config.hooks, config.called = s.consoleHooks(), s.called
	pair, err := s.firstPair(config, documents)
	if err != nil {
		return nil, err
	}
	s.config = config
	s.seeds.loaded = time.Now().UTC()
	main := &Site{Pair: pair, URL: config.PublicURL, Journal: newJournal(config)}
	s.sites = &sites{config: config, main: main, boxes: map[string]*Site{}}
	s.http = &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: config.Timeouts.Header,
		ReadTimeout:       config.Timeouts.Read,
		WriteTimeout:      config.Timeouts.Write,
		IdleTimeout:       config.Timeouts.Idle,
		// What is a little too much is read, so that the answer can say so in
		// place of net/http's bare 431.
		MaxHeaderBytes: 2 * max(config.Limits.Headers, config.Limits.URL),
		ErrorLog:       slog.NewLogLogger(config.Logger.Handler(), slog.LevelWarn),
	}
	closing, end := context.WithCancel(context.Background())
	s.closing = closing
	s.http.RegisterOnShutdown(end)
	if config.TLS.on() {
		certificate, ca, err := config.TLS.certificate(config.PublicURL)
		if err != nil {
			return nil, errors.Join(err, s.abandonState())
		}
		s.ca = ca
		s.http.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	}
	return s, nil
}

func (s *Server) serve() error {
	if s.http.TLSConfig != nil {
		return s.http.ServeTLS(s.listener, "", "")
	}
	return s.http.Serve(s.listener)
}

// routes is one set of routes for all sites: a request for a sandbox arrives
// there without its prefix.
func (s *Server) routes() http.Handler {
	e := echo.New()
	s.router = e
	e.HideBanner, e.HidePort = true, true
	e.Use(s.recover)
	if s.config.ValidateResponses {
		e.Use(checkAnswers(s.config.AnswerCheck))
	}
	e.HTTPErrorHandler = s.unrouted
	console.Register(e, openapi.Console(), func(c echo.Context) *console.Console { return s.sites.siteOf(c).Console })
	console.RegisterDocs(e, func(c echo.Context) string { return s.sites.siteOf(c).prefix })
	control.Register(e, func(c echo.Context) *control.Control { return s.controlOf(s.sites.siteOf(c)) })
	e.GET("/", s.front)
	for _, route := range e.Routes() {
		s.paths = append(s.paths, route.Path)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		site := s.sites.at(r.URL.Path)
		if strings.HasPrefix(r.URL.Path, wellKnown) {
			site = s.sites.wellKnownSite(r.URL.Path)
		}
		known := site != nil
		if !known {
			site = s.sites.main
		}
		x, r := s.open(w, r, site)
		whole := false
		defer func() { x.record(whole) }()
		s.route(e, x, r, known)
		if x.held != nil {
			ctx, stop := s.untilClosed(r.Context())
			defer stop()
			x.finish(ctx)
		}
		whole = true
	})
}

// route leads a request to what serves it; known is false where it is for a
// sandbox that there is not.
func (s *Server) route(e *echo.Echo, x *exchange, r *http.Request, known bool) {
	x.oversized = s.oversized(r, x.facts.HeaderBytes)
	if strings.HasPrefix(r.URL.Path, wellKnown) {
		x.facts.Surface = journal.IDP
		s.provide(e, x, r, x.site.wellKnownProvider(r.URL.EscapedPath()).ServeWellKnown)
		return
	}
	if known {
		r.URL = x.site.inside(r.URL)
	}
	path := r.URL.Path
	x.facts.Path = path
	switch handle := x.site.handlerOf(path); {
	case !known, path == "/", strings.HasPrefix(path, mockPrefix):
		x.facts.Surface = journal.Mock
	case handle != nil:
		x.facts.Surface = journal.IDP
		s.provide(e, x, r, handle)
		return
	}
	if x.oversized != nil {
		s.answer(e.NewContext(r, x), x.oversized)
		return
	}
	e.ServeHTTP(x, r)
}

// mockPrefix begins the paths of the control API.
const mockPrefix = "/_mock"

// handlerOf finds the identity provider that a path below the site is for; nil
// where it is for the Console. Of several whose issuers contain one another, the
// one that has an endpoint there answers, or else the innermost.
func (site *Site) handlerOf(path string) echo.HandlerFunc {
	if rest, ok := site.below(site.Provider, path); ok {
		return func(c echo.Context) error { return site.Provider.Handle(c, rest) }
	}
	further := site.providers.all()
	var found *namedProvider
	var at string
	for _, one := range further {
		rest, ok := site.below(one.Provider, path)
		if !ok {
			continue
		}
		if served, better := one.Serves(rest), found == nil || len(rest) < len(at); served || better && !found.servesOr(at) {
			found, at = one, rest
		}
	}
	if found != nil {
		return func(c echo.Context) error { return found.Handle(c, at) }
	}
	for _, one := range further {
		if near := one.Neighbours(); near != "" && strings.HasPrefix(path, near) {
			name, _, _ := strings.Cut(strings.TrimPrefix(path, near), "/")
			return func(c echo.Context) error { return one.ServeNeighbour(c, name) }
		}
	}
	return nil
}

// servesOr tells whether there is an endpoint at path; not of a provider that is
// nil.
func (p *namedProvider) servesOr(path string) bool { return p != nil && p.Serves(path) }

// below cuts a provider's path off a path below the site: true when the request
// is for it.
func (site *Site) below(provider *idp.Provider, path string) (string, bool) {
	issuer := strings.TrimPrefix(provider.IssuerPath(), site.prefix)
	rest, ok := strings.CutPrefix(path, issuer)
	if issuer == "" {
		// An issuer on the root shares it with the Console: only what it serves is its.
		return path, provider.Serves(path)
	}
	return rest, ok && (rest == "" || rest[0] == '/')
}

// wellKnownProvider finds the provider whose issuer a path below the host's
// /.well-known/ has at its end; the built-in one answers for all that is
// nobody's.
func (site *Site) wellKnownProvider(path string) *idp.Provider {
	for _, one := range site.providers.all() {
		if one.ServesWellKnown(path) {
			return one.Provider
		}
	}
	return site.Provider
}

// provide serves the identity provider's part.
func (s *Server) provide(e *echo.Echo, w http.ResponseWriter, r *http.Request, handle echo.HandlerFunc) {
	c := e.NewContext(r, w)
	if err := s.recover(handle)(c); err != nil {
		s.answer(c, err)
	}
}

// recover turns a panic into the Console's 500, so that one request's fault
// does not end the others.
func (s *Server) recover(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler {
				panic(cause)
			}
			s.config.Logger.Error("panic", "path", c.Request().URL.Path, "cause", cause, "stack", string(debug.Stack()))
			err = s.sites.siteOf(c).Console.Fail(c, fmt.Errorf("panic: %v", cause))
		}()
		return next(c)
	}
}

// unrouted answers what no route took.
func (s *Server) unrouted(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	refused := &kinds.Error{Code: kinds.NotFound, Title: "Not found",
		Message: fmt.Sprintf("There is no %s %s; the API is described at %s/docs", c.Request().Method, c.Request().URL.Path, s.config.PublicURL)}
	var failure *echo.HTTPError
	if !errors.As(err, &failure) || failure.Code != http.StatusNotFound && failure.Code != http.StatusMethodNotAllowed {
		s.answer(c, err)
		return
	}
	if failure.Code == http.StatusMethodNotAllowed {
		refused.Code, refused.Title = kinds.MethodNotAllowed, "Method not allowed"
		refused.Message = fmt.Sprintf("%s does not take %s", c.Request().URL.Path, c.Request().Method)
	}
	s.answer(c, refused)
}

func (s *Server) answer(c echo.Context, err error) {
	if err := s.sites.siteOf(c).Console.Fail(c, err); err != nil {
		s.config.Logger.Warn("answer not written", "error", err)
	}
}

// URL is how clients reach the server; without a slash at its end.
func (s *Server) URL() string { return s.config.PublicURL }

// RoutePaths are the paths of all that is served but the identity providers, for
// tests that keep the two apart.
func (s *Server) RoutePaths() []string { return s.paths }

// Issuer is the issuer of the built-in identity provider.
func (s *Server) Issuer() string { return s.config.Issuer }

// CA is the development CA in PEM, nil where there is none.
func (s *Server) CA() []byte { return s.ca }

// Address is where the server listens, host:port.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Handler serves requests without the network, for tests that count.
func (s *Server) Handler() http.Handler { return s.http.Handler }

// Pair is the Console and the identity provider that are served.
func (s *Server) Pair() *Pair { return s.sites.main.Pair }

// Wait returns when the server has ended, with what ended it, nil after Close.
func (s *Server) Wait() error {
	err := <-s.done
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// ShutdownTime is how long requests under way may take once the server is told
// to stop.
func (s *Server) ShutdownTime() time.Duration { return s.config.Timeouts.Shutdown }

// Close stops listening, waits for requests under way, until ctx ends, and keeps
// the state if there is a file for it.
func (s *Server) Close(ctx context.Context) error {
	var failed error
	if err := s.http.Shutdown(ctx); err != nil {
		// Those that were waited for in vain are cut.
		failed = errors.Join(fmt.Errorf("shut down: %w", err), s.http.Close())
	}
	if s.keeper != nil {
		failed = errors.Join(failed, s.keeper.Close())
	}
	return failed
}

// OpenSandbox makes a sandbox: a pair of its own at /s/{id}. id "" takes a random
// one; from "" forks the seed, else the named snapshot; keep 0 never expires. What
// is wrong with the request wraps ErrSandbox, an unknown snapshot store.ErrNotFound.
func (s *Server) OpenSandbox(id, from string, keep time.Duration) (*Site, error) {
	return s.sites.Open(id, from, keep)
}

// CloseSandbox ends a sandbox; it reports whether there was one.
func (s *Server) CloseSandbox(id string) bool { return s.sites.Close(id) }

// Site is the main site.
func (s *Server) Site() *Site { return s.sites.main }
