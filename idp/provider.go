package idp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/lestrrat-go/jwx/v2/jwk"
)

// Lifetimes where [Config] gives none.
const (
	DefaultAccessTokenLifetime  = time.Hour
	DefaultIDTokenLifetime      = time.Hour
	DefaultRefreshTokenLifetime = 30 * 24 * time.Hour
	DefaultCodeLifetime         = time.Minute
	DefaultSessionLifetime      = 12 * time.Hour
)

// pendingLifetime is how long a sign-in page may stay open.
const pendingLifetime = 30 * time.Minute

// Config is what a provider is made of. Issuer, Storage, Clock and Keys are
// needed; the rest has defaults.
type Config struct {
	// Issuer is the iss of everything, byte for byte; with or without a slash
	// at its end.
	Issuer string
	// Storage keeps people, clients and records.
	Storage Storage
	// Clock tells the time.
	Clock Clock
	// Keys sign and verify.
	Keys *Keys
	// Secret makes codes, refresh tokens, sessions and other ids the same in
	// every run that makes the same requests at the same times, and lets a later
	// run read the opaque and encrypted access tokens of an earlier one. Nil:
	// they are random.
	Secret []byte
	// Logger gets sign-ins, hints and failures, never a secret. Nil: nothing
	// is logged.
	Logger *slog.Logger
	// AnyClient accepts every client_id that is not registered, with any
	// secret or none and any http or https redirect URI. It shows in
	// discovery, on the sign-in page and in the log.
	AnyClient bool
	// RequirePassword turns the one-click sign-in off.
	RequirePassword bool
	// AllowPlainPKCE accepts code_challenge_method plain beside S256.
	AllowPlainPKCE bool
	// Lifetimes, where the client gives none; zero: the defaults above.
	AccessTokenLifetime, IDTokenLifetime, RefreshTokenLifetime, CodeLifetime, SessionLifetime time.Duration
	// DynamicRegistration lets anyone register a client (RFC 7591).
	DynamicRegistration bool
	// DPoPNonce demands a nonce of this provider in every DPoP proof (RFC 9449,
	// section 8).
	DPoPNonce bool
	// ACRValues are the authentication context classes that signing in here can
	// count as, the one of a plain sign-in first. A client may ask for any of
	// them, by which it tests what it does about a stronger sign-in; nobody is
	// asked for more than a click or a password. Nil: 1 and 2.
	ACRValues []string
	// Limits of requests; zero: 64 KiB, 1000 parameters and 1000 clients.
	Limits Limits
	// HTTPClient calls the clients' back-channel logout addresses. Nil: one
	// that uses no proxy. Redirects are not followed in any case.
	HTTPClient *http.Client
	// Paths of the endpoints; zero: the vendor's.
	Paths Paths
	// Vendor is whom the provider imitates, Shape where it differs from them.
	Vendor Vendor
	Shape  Shape
	// Mappings compute further claims.
	Mappings []Mapping
	// EditableClaims lets people change their claims at the sign-in page, for
	// that sign-in. Nil: they may.
	EditableClaims *bool
	// LoginHintSignsIn signs the person of a login_hint in without a page: for
	// tests, which choose by request whom they are.
	LoginHintSignsIn bool
	// BackChannel gives the issuer's address as the caller of this request
	// reaches it, for the endpoints in discovery that are called by programs
	// (token, userinfo, jwks, revocation): a container may know this host
	// under another name than the browser does. Only allow-listed hosts may
	// be answered. Nil or an empty answer: the issuer.
	BackChannel func(*http.Request) string
	// Called is told of each request to an endpoint before anything is done
	// about it. An error is answered in place of the endpoint's own answer; an
	// *Error says how. Nil: nobody is told.
	Called func(c echo.Context, call *Call) error
}

// Provider is one issuer. Safe for concurrent use.
type Provider struct {
	config    Config
	profile   *profile
	formGiven bool                        // Shape.AccessToken is not the profile's
	shape     Shape                       // without gaps
	base      string                      // of the endpoints: the issuer without a slash at its end, and without the profile's tail
	path      string                      // of base
	access    string                      // iss of access tokens
	tag       string                      // tells this issuer's cookies from those of others on the host
	secure    bool                        // cookies go over https only
	key       []byte                      // for what is derived: codes, refresh tokens, form tokens
	handlers  map[string]echo.HandlerFunc // by path below the issuer
	published atomic.Pointer[published]
}

// New checks the configuration and makes a provider of it.
func New(config Config) (*Provider, error) {
	vendor, err := config.vendor()
	if err != nil {
		return nil, err
	}
	formGiven := config.Shape.AccessToken != ""
	config.Shape = config.Shape.over(vendor.shape)
	config.Issuer = config.Shape.withSlash(config.Issuer)
	u, err := url.Parse(config.Issuer)
	switch {
	case err != nil:
		return nil, fmt.Errorf("idp: issuer %q: %w", config.Issuer, err)
	case !isWeb(u) || u.Host == "":
		return nil, fmt.Errorf("idp: issuer %q must begin with http:// or https:// and name a host", config.Issuer)
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(config.Issuer, "#"):
		return nil, fmt.Errorf("idp: issuer %q must have neither query nor fragment (OpenID Connect Discovery 1.0, section 3)", config.Issuer)
	case config.Storage == nil:
		return nil, errors.New("idp: Config.Storage is missing")
	case config.Clock == nil:
		return nil, errors.New("idp: Config.Clock is missing")
	case config.Keys == nil:
		return nil, errors.New("idp: Config.Keys is missing")
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Paths == (Paths{}) {
		config.Paths = vendor.paths
	}
	if len(config.ACRValues) == 0 {
		config.ACRValues = []string{"1", "2"}
	}
	for _, value := range config.ACRValues {
		if err := CheckACR(value); err != nil {
			return nil, fmt.Errorf("idp: Config.ACRValues has %q: %w", value, err)
		}
	}
	config.HTTPClient = backChannelClient(config.HTTPClient)
	config.Limits.complete()
	orDefault(&config.AccessTokenLifetime, vendor.accessLifetime)
	orDefault(&config.IDTokenLifetime, vendor.idLifetime)
	orDefault(&config.RefreshTokenLifetime, vendor.refreshLifetime)
	orDefault(&config.CodeLifetime, vendor.codeLifetime)
	orDefault(&config.SessionLifetime, vendor.sessionLifetime)
	orDefault(&config.AccessTokenLifetime, DefaultAccessTokenLifetime)
	orDefault(&config.IDTokenLifetime, DefaultIDTokenLifetime)
	orDefault(&config.RefreshTokenLifetime, DefaultRefreshTokenLifetime)
	orDefault(&config.CodeLifetime, DefaultCodeLifetime)
	orDefault(&config.SessionLifetime, DefaultSessionLifetime)

	base, fits := strings.CutSuffix(strings.TrimRight(config.Issuer, "/"), vendor.tail)
	if !fits {
		return nil, fmt.Errorf("idp: issuer %q must end in %s, as the profile %s has it", config.Issuer, vendor.tail, vendor.name)
	}
	digest := sha256.Sum256([]byte(config.Issuer))
	p := &Provider{
		config:  config,
		profile: vendor, formGiven: formGiven,
		shape:  config.Shape,
		base:   base,
		path:   strings.TrimSuffix(strings.TrimRight(u.EscapedPath(), "/"), vendor.tail),
		tag:    hex.EncodeToString(digest[:4]),
		secure: u.Scheme == "https",
	}
	if config.Secret == nil {
		p.key = make([]byte, sha256.Size)
		rand.Read(p.key)
	} else {
		mac := hmac.New(sha256.New, config.Secret)
		mac.Write([]byte("mockduktor idp\x00" + config.Issuer))
		p.key = mac.Sum(nil)
	}
	p.access = config.Issuer
	if vendor.accessTail != "" {
		p.access = base + vendor.accessTail
	}
	p.handlers = map[string]echo.HandlerFunc{}
	for _, r := range p.routes() {
		p.handlers[r.path] = p.serve(r)
	}
	if err := p.publish(config.Keys); err != nil {
		return nil, err
	}
	if config.AnyClient {
		p.config.Logger.Warn("any-client mode: every client_id is accepted with any redirect URI", "issuer", config.Issuer)
	}
	return p, nil
}

func orDefault(d *time.Duration, absent time.Duration) {
	if *d <= 0 {
		*d = absent
	}
}

// SetKeys rotates the keys: tokens are signed with the new ones from now on,
// and tokens of keys that are no longer among them are no longer accepted.
func (p *Provider) SetKeys(keys *Keys) {
	if err := p.publish(keys); err != nil {
		// Keys that NewKeys has accepted can be published in any form.
		panic("idp: " + err.Error())
	}
}

// PublicKeys is the JWK set as published: the same value until the next
// rotation, and read only.
func (p *Provider) PublicKeys() jwk.Set { return p.keys().set }

// AccessIssuer is the iss of access tokens: the issuer, save where an API of
// Entra wants tokens of another version.
func (p *Provider) AccessIssuer() string { return p.access }

// vendor checks profile, shape and mappings.
func (c *Config) vendor() (*profile, error) {
	var problems []Problem
	report := func(in string) func(string, string, ...any) {
		return (&fields{path: in, problems: &problems}).report
	}
	c.Vendor.check(report("Vendor"))
	c.Shape.check(report("Shape"))
	c.Mappings = slices.Clone(c.Mappings)
	for i := range c.Mappings {
		c.Mappings[i].check(report(fmt.Sprintf("Mappings[%d]", i)))
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("idp: Config.%s", problems[0])
	}
	return profileOf(c.Vendor)
}

// Issuer is the iss of everything.
func (p *Provider) Issuer() string { return p.config.Issuer }

func (p *Provider) keys() *Keys { return p.published.Load().keys }

// now is the provider's time in whole seconds, the grain of every date in a
// token.
func (p *Provider) now() time.Time { return p.config.Clock.Now().Truncate(time.Second) }

// route is one endpoint: a path below the issuer, what may be sent there, and
// how its failures are shown.
type route struct {
	path    string
	methods []string
	handle  func(echo.Context) error
	page    bool // failures are pages for people, not JSON
	cors    bool
	name    string // Call.Operation
	kept    bool   // a document: nothing that a request says matters
}

func (p *Provider) routes() []route {
	get := []string{http.MethodGet, http.MethodHead}
	post := []string{http.MethodPost}
	both := []string{http.MethodGet, http.MethodPost}
	routes := []route{
		{path: p.profile.tail + wellKnownOpenID, methods: get, handle: p.discovery, cors: true, name: "discovery", kept: true},
		{path: p.profile.tail + wellKnownOAuth, methods: get, handle: p.discovery, cors: true, name: "discovery", kept: true},
		{path: p.config.Paths.Keys, methods: get, handle: p.jwks, cors: true, name: "jwks", kept: true},
		{path: p.config.Paths.Authorize, methods: both, handle: p.authorize, page: true, name: "authorize"},
		{path: p.config.Paths.SignIn, methods: both, handle: p.signIn, page: true, name: "signin"},
		{path: p.config.Paths.Token, methods: post, handle: p.token, cors: true, name: "token"},
		{path: p.config.Paths.UserInfo, methods: both, handle: p.userInfo, cors: true, name: "userinfo"},
		{path: p.config.Paths.Revoke, methods: post, handle: p.revoke, cors: true, name: "revoke"},
		{path: p.config.Paths.Logout, methods: both, handle: p.logout, page: true, name: "logout"},
		{path: p.config.Paths.Introspect, methods: post, handle: p.introspect, cors: true, name: "introspect"},
		{path: p.config.Paths.Push, methods: post, handle: p.push, cors: true, name: "par"},
	}
	if p.servesDevices() {
		routes = append(routes,
			route{path: p.config.Paths.DeviceAuthorization, methods: post, handle: p.authorizeDevice, cors: true, name: "device_authorization"},
			route{path: p.config.Paths.Device, methods: both, handle: p.device, page: true, name: "device"})
	}
	if p.config.DynamicRegistration {
		routes = append(routes, route{
			path: p.config.Paths.Register, handle: p.register, cors: true, name: "register",
			methods: []string{http.MethodPost, http.MethodGet, http.MethodPut, http.MethodDelete},
		})
	}
	routes = slices.DeleteFunc(routes, func(r route) bool { return r.path == "" })
	if p.access != p.config.Issuer {
		routes = append(routes, route{path: wellKnownOpenID, methods: get, handle: p.accessDiscovery, cors: true, name: "discovery", kept: true})
	}
	if p.profile.returnTo != "" {
		routes = append(routes, route{path: p.profile.returnTo, methods: get, handle: p.logoutReturnTo, page: true, name: "logout"})
	}
	for path, document := range p.profile.documents {
		routes = append(routes, route{path: path, methods: get, cors: true, name: "document", kept: true, handle: func(c echo.Context) error {
			return c.JSON(http.StatusOK, document(p))
		}})
	}
	return routes
}

// Register mounts the provider on g, whose prefix is the path of the issuer.
// Everything below it is taken; what is no endpoint is a 404 that names the
// issuer; so an issuer without path takes every path that the server has no
// other route for.
func (p *Provider) Register(g *echo.Group) {
	for _, r := range p.routes() {
		g.Any(r.path, p.serve(r))
	}
	if !p.Serves("") {
		g.Any("", p.lost)
	}
	g.Any("/*", p.lost)
}

// Handle serves one request that the caller has already found to be this
// provider's; path is what follows the issuer's path, such as /token. It is
// for servers that choose among providers by request, and does what the
// handlers mounted by Register do.
func (p *Provider) Handle(c echo.Context, path string) error {
	if handle := p.handlers[path]; handle != nil {
		return handle(c)
	}
	return p.lost(c)
}

// Serves tells whether there is an endpoint at path, which is what follows the
// issuer's path.
func (p *Provider) Serves(path string) bool { return p.handlers[path] != nil }

// serve puts around an endpoint what they all have: CORS, methods, headers and
// the one place where errors become answers.
func (p *Provider) serve(r route) echo.HandlerFunc {
	return func(c echo.Context) error {
		header := c.Response().Header()
		header.Set("X-Content-Type-Options", "nosniff")
		method := c.Request().Method
		if r.cors {
			allowOrigin(c)
			if method == http.MethodOptions {
				return preflight(c, r.methods)
			}
		}
		if !slices.Contains(r.methods, method) {
			allow := strings.Join(r.methods, ", ")
			header.Set("Allow", allow)
			return p.fail(c, r.page, &Error{
				Status: http.StatusMethodNotAllowed, Code: errInvalidRequest,
				Description: "this endpoint takes " + allow + ", not " + method,
			})
		}
		err := p.announce(c, r)
		if err == nil {
			err = r.handle(c)
		}
		if err != nil {
			return p.fail(c, r.page, err)
		}
		return nil
	}
}
