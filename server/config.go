package server

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server/console"
	"github.com/mockduktor/mockduktor/server/journal"
	"github.com/mockduktor/mockduktor/server/limits"
)

// Defaults of a server that nothing is said to.
const (
	DefaultListen        = "127.0.0.1:8080"
	DefaultAdminEmail    = "admin@mockduktor.example"
	DefaultAdminPassword = "adminP4ss!"
)

// Config is everything a server can be told. The zero value is a server on the
// default address with the default estate.
type Config struct {
	// Listen is the address to listen on, host:port; port 0 takes a free one.
	Listen string
	// PublicURL is how clients reach the server, without a slash at its end;
	// empty: http://localhost and the port. The issuer of the built-in identity
	// provider is this with /idp, unless Issuer says otherwise.
	PublicURL string
	// Issuer of the built-in identity provider.
	Issuer string
	// Seeds are the sources of the world (see seed.Load); none is the default
	// estate. Documents, when not nil, are the seed itself.
	Seeds     []string
	Stdin     io.Reader
	Documents []*seed.Document

	// Watch loads the seed's files anew when they change; every WatchEvery, 0:
	// DefaultWatchEvery, they are looked at.
	Watch      bool
	WatchEvery time.Duration

	// State is a file in which the main world is kept, so that a later start goes on
	// where this server ended, however it did; empty: nothing is kept.
	State string

	TLS     TLSConfig
	Network Network

	// AnyClient accepts clients that are not registered at the identity provider.
	AnyClient bool
	// LoginHintSignsIn signs the person of a login_hint in without a page.
	LoginHintSignsIn bool
	// DynamicRegistration lets anyone register a client at the identity provider
	// (RFC 7591).
	DynamicRegistration bool
	// DPoPNonce demands a nonce of the identity provider's in every DPoP proof.
	DPoPNonce bool
	// RequirePassword turns the one-click sign-in off.
	RequirePassword bool
	// FixedClaims keeps people from changing their claims at the sign-in page.
	FixedClaims bool
	// PlainPKCE accepts the code challenge method plain beside S256.
	PlainPKCE bool
	// ACRValues are the acr values that a sign-in can count as, the plain one
	// first; nil: 1 and 2.
	ACRValues []string
	// Lifetimes of what the built-in identity provider gives out.
	Lifetimes Lifetimes
	// SigningKeys are files of private keys (see idp.ReadSigningKeys) to sign
	// with instead of the seed's; of each algorithm the first one signs.
	SigningKeys []string
	// RandomKeys signs with keys made at the start instead of the seed's.
	RandomKeys bool

	// Console's settings. Console.JWT.Issuer empty trusts the built-in identity
	// provider; a path is the issuer there on this server.
	Console console.Settings
	// RegexFull makes externalGroupRegex match whole group names only.
	RegexFull bool
	// Simulate lets figures of topics and consumer groups move with the world's clock.
	Simulate bool
	// HTTPClient fetches the keys of another issuer; nil: a plain client.
	HTTPClient *http.Client

	// MockKey is what callers of /_mock must send in MockKeyHeader. Empty: nothing,
	// as long as the server listens on loopback; else /_mock is refused.
	MockKey string

	// Limits bound what clients can make the server hold, Timeouts how long it
	// waits for them.
	Limits   limits.Limits
	Timeouts Timeouts

	// ValidateResponses holds every answer of the Console to the OpenAPI document
	// and answers 500 in its place where it does not fit. AnswerCheck is how; nil:
	// with our own reading of the document.
	ValidateResponses bool
	AnswerCheck       AnswerCheck

	// Logger gets the server's log; nil: nothing is logged.
	Logger *slog.Logger

	// JournalSize is how many requests each site's journal keeps; 0:
	// journal.DefaultSize, negative: none are kept.
	JournalSize int

	// prefix is the path of a sandbox; "" for the main site.
	prefix string
	// hooks and called tell the server of requests to the pair.
	hooks  console.Hooks
	called func(c echo.Context, call *idp.Call) error
}

// Lifetimes of tokens, codes and sign-ins where the client has none of its own;
// zero: the defaults of package idp.
type Lifetimes struct {
	AccessToken, IDToken, RefreshToken, Code, SignIn time.Duration
}

func (c *Config) complete() {
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.Console.AdminEmail == "" {
		c.Console.AdminEmail = DefaultAdminEmail
	}
	if c.Console.AdminPassword == "" {
		c.Console.AdminPassword = DefaultAdminPassword
	}
	if c.AnswerCheck == nil {
		c.AnswerCheck = byDocument
	}
	if c.WatchEvery == 0 {
		c.WatchEvery = DefaultWatchEvery
	}
	c.Limits, c.Timeouts = c.Limits.Or(), c.Timeouts.Or()
	c.Console.Limits = c.Limits
	if c.JournalSize == 0 {
		c.JournalSize = journal.DefaultSize
	}
	if c.HTTPClient == nil {
		c.HTTPClient = &http.Client{Timeout: 10 * time.Second}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}

// Validate says what is wrong with the settings, naming the flag.
func (c Config) Validate() error {
	if c.Listen != "" {
		if _, _, err := net.SplitHostPort(c.Listen); err != nil {
			return fmt.Errorf("--listen %q: expected host:port, such as %s", c.Listen, DefaultListen)
		}
	}
	for flag, value := range map[string]string{"--public-url": c.PublicURL, "--issuer": c.Issuer, "--jwt-issuer": c.Console.JWT.Issuer} {
		if value == "" || flag == "--jwt-issuer" && isLocalPath(value) {
			continue
		}
		u, err := url.Parse(value)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
			return fmt.Errorf("%s %q: expected an absolute http or https URL without query and fragment, such as http://localhost:8080", flag, value)
		}
	}
	if strings.HasSuffix(c.PublicURL, "/") {
		return fmt.Errorf("--public-url %q: leave out the slash at the end", c.PublicURL)
	}
	if err := c.Limits.Check(); err != nil {
		return fmt.Errorf("--limit %w", err)
	}
	if err := c.Timeouts.check(); err != nil {
		return err
	}
	if c.Watch && (c.Documents != nil || len(watched(c.Seeds)) == 0) {
		return errors.New("--watch: there is no file to watch; name one with --seed")
	}
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		return errors.New("--tls-cert and --tls-key go together")
	}
	if c.JournalSize > journal.MaxSize {
		return fmt.Errorf("--journal-size %d: expected at most %d", c.JournalSize, journal.MaxSize)
	}
	if err := c.Network.check(); err != nil {
		return err
	}
	if c.RandomKeys && len(c.SigningKeys) > 0 {
		return errors.New("--signing-key and --random-keys exclude each other")
	}
	for _, value := range c.ACRValues {
		if err := idp.CheckACR(value); err != nil {
			return fmt.Errorf("--acr-value %q: %w", value, err)
		}
	}
	for flag, lifetime := range map[string]time.Duration{
		"access-token": c.Lifetimes.AccessToken, "id-token": c.Lifetimes.IDToken, "refresh-token": c.Lifetimes.RefreshToken,
		"code": c.Lifetimes.Code, "sign-in": c.Lifetimes.SignIn,
	} {
		if lifetime != 0 && lifetime < time.Second {
			return fmt.Errorf("--%s-lifetime %s: expected a positive duration such as 30s or 72h", flag, lifetime)
		}
	}
	if plan := c.Console.Plan; plan != "" && plan != console.PlanEnterprise && plan != console.PlanFree {
		return fmt.Errorf("--plan %q: expected %s or %s", plan, console.PlanEnterprise, console.PlanFree)
	}
	return nil
}

// isLocalPath tells an issuer that is given by its path on this server.
func isLocalPath(issuer string) bool {
	return strings.HasPrefix(issuer, "/") && !strings.HasPrefix(issuer, "//") && !strings.ContainsAny(issuer, "?#")
}

// urls settles the public URL and the issuer once the port is known.
func (c *Config) urls(address net.Addr) error {
	if c.PublicURL == "" {
		host, port, err := net.SplitHostPort(address.String())
		if err != nil {
			return fmt.Errorf("listen address %s: %w", address, err)
		}
		if ip := net.ParseIP(host); ip == nil || ip.IsLoopback() || ip.IsUnspecified() {
			host = "localhost"
		}
		scheme := "http://"
		if c.TLS.on() {
			scheme = "https://"
		}
		c.PublicURL = scheme + net.JoinHostPort(host, port)
	}
	if c.Issuer == "" {
		c.Issuer = c.PublicURL + "/idp"
	}
	switch {
	case c.Console.JWT.Issuer == "":
		c.Console.JWT.Issuer = c.Issuer
	case isLocalPath(c.Console.JWT.Issuer):
		c.Console.JWT.Issuer = c.PublicURL + c.Console.JWT.Issuer
	}
	return nil
}
