package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
	"go.yaml.in/yaml/v3"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/console"
	"github.com/mockduktor/mockduktor/server/journal"
	"github.com/mockduktor/mockduktor/server/limits"
)

// settingsFile holds the values of a --config file, read when the first flag
// asks for one.
type settingsFile struct {
	path   string
	read   bool
	values map[string]string
	err    error
}

// maxSettings bounds a settings file, in bytes.
const maxSettings = 1 << 20

func (f *settingsFile) load() {
	if f.read || f.path == "" {
		return
	}
	f.read = true
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.err = fmt.Errorf("--config %s: there is no such file", f.path)
		return
	case err != nil:
		f.err = fmt.Errorf("--config: %w", err)
		return
	case info.Size() > maxSettings:
		f.err = fmt.Errorf("--config %s: longer than %d bytes", f.path, maxSettings)
		return
	}
	data, err := os.ReadFile(f.path)
	if err != nil {
		f.err = fmt.Errorf("--config: %w", err)
		return
	}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		f.err = fmt.Errorf("--config %s: %w", f.path, err)
		return
	}
	f.values = map[string]string{}
	if len(document.Content) == 0 {
		return
	}
	f.err = f.take(document.Content[0])
}

func (f *settingsFile) take(root *yaml.Node) error {
	if root.Kind != yaml.MappingNode {
		return fmt.Errorf("%s:%d: expected settings as name: value", f.path, root.Line)
	}
	known := map[string]bool{}
	for _, flag := range serveFlags(&settings{}) {
		known[flag.Names()[0]] = true
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		name, value := root.Content[i], root.Content[i+1]
		if !known[name.Value] {
			return fmt.Errorf("%s:%d:%d: unknown setting %q; the names are those of the flags (mockduktor serve --help)", f.path, name.Line, name.Column, name.Value)
		}
		switch value.Kind {
		case yaml.ScalarNode:
			f.values[name.Value] = value.Value
		case yaml.SequenceNode:
			items := make([]string, len(value.Content))
			for j, item := range value.Content {
				items[j] = item.Value
			}
			f.values[name.Value] = strings.Join(items, ",")
		case yaml.MappingNode:
			items := make([]string, 0, len(value.Content)/2)
			for j := 0; j+1 < len(value.Content); j += 2 {
				items = append(items, value.Content[j].Value+"="+value.Content[j+1].Value)
			}
			f.values[name.Value] = strings.Join(items, ",")
		default:
			return fmt.Errorf("%s:%d:%d: %s: expected a value, a list or names with values", f.path, value.Line, value.Column, name.Value)
		}
	}
	return nil
}

// fileValue is one setting of the file as a source of a flag's value.
type fileValue struct {
	file *settingsFile
	name string
}

func (v fileValue) Lookup() (string, bool) {
	v.file.load()
	value, ok := v.file.values[v.name]
	return value, ok
}

func (v fileValue) String() string   { return "key " + v.name + " of the --config file" }
func (v fileValue) GoString() string { return v.String() }

// settings are the flags of serve on their way into a server.Config.
type settings struct {
	config  server.Config
	file    settingsFile
	log     string
	leeway  time.Duration
	session time.Duration
	journal int

	limits, timeouts []string
}

// from is where a flag's value comes from after the command line: environment,
// then file. CDK_ names are the product's own.
func (s *settings) from(name string, product ...string) cli.ValueSourceChain {
	var sources []cli.ValueSource
	for _, variable := range append([]string{"MOCKDUKTOR_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))}, product...) {
		sources = append(sources, cli.EnvVar(variable))
	}
	return cli.NewValueSourceChain(append(sources, fileValue{&s.file, name})...)
}

func (s *settings) text(name, usage, standard string, into *string, product ...string) cli.Flag {
	return &cli.StringFlag{Local: true, Name: name, Usage: usage, Value: standard, Destination: into, Sources: s.from(name, product...)}
}

func (s *settings) toggle(name, usage string, into *bool, product ...string) cli.Flag {
	return &cli.BoolFlag{Local: true, Name: name, Usage: usage, Destination: into, Sources: s.from(name, product...)}
}

func (s *settings) span(name, usage string, standard time.Duration, into *time.Duration, product ...string) cli.Flag {
	return &cli.DurationFlag{Local: true, Name: name, Usage: usage, Value: standard, Destination: into, Sources: s.from(name, product...)}
}

// seedFlag is shared by all commands that read a seed.
func (s *settings) seedFlag() cli.Flag {
	return &cli.StringSliceFlag{Local: true, Name: "seed", Usage: "what the world starts with: `SOURCE` is a file, a folder, - (standard input), default or empty; repeatable, later ones win",
		DefaultText: "default", Destination: &s.config.Seeds, Sources: s.from("seed")}
}

// worldFlags are those that decide how a world comes to be; serve has them, and
// the commands that work on a seed without a server.
func (s *settings) worldFlags() []cli.Flag {
	jwt, lifetimes := &s.config.Console.JWT, &s.config.Lifetimes
	return []cli.Flag{
		&cli.StringFlag{Local: true, Name: "config", Usage: "read settings from `FILE`, YAML with the flags' names as keys", Destination: &s.file.path, Sources: cli.EnvVars("MOCKDUKTOR_CONFIG")},
		s.seedFlag(),
		s.text("listen", "listen on `HOST:PORT`; port 0 takes a free one", server.DefaultListen, &s.config.Listen),
		s.text("public-url", "how clients reach the server, as `URL` (default: http://localhost and the port)", "", &s.config.PublicURL),
		s.text("issuer", "`URL` of the built-in identity provider (default: the public URL with /idp)", "", &s.config.Issuer),
		s.text("jwt-issuer", "the issuer whose tokens the Console accepts, as `URL`, or as a path on this server (default: the built-in one)", "", &jwt.Issuer, "CDK_SSO_JWTAUTH_ISSUER"),
		s.text("jwt-username-claim", "the claim that holds the user's e-mail", "email", &jwt.UsernameClaim, "CDK_SSO_JWTAUTH_USERNAMECLAIM"),
		s.text("jwt-groups-claim", "the claim that holds the external groups", "groups", &jwt.GroupsClaim, "CDK_SSO_JWTAUTH_GROUPSCLAIM"),
		s.text("jwt-api-key-claim", "the claim that may hold an API key", "apikey", &jwt.APIKeyClaim, "CDK_SSO_JWTAUTH_APIKEYCLAIM"),
		s.span("jwt-leeway", "how far the issuer's clock may differ", 0, &s.leeway),
		s.text("admin-email", "the Console's root admin", server.DefaultAdminEmail, &s.config.Console.AdminEmail, "CDK_ADMIN_EMAIL"),
		s.text("admin-password", "the root admin's password", server.DefaultAdminPassword, &s.config.Console.AdminPassword, "CDK_ADMIN_PASSWORD"),
		s.span("session-lifetime", "how long a Console login lasts", console.DefaultSessionLifetime*time.Second, &s.session),
		s.text("mock-key", "callers of /_mock must send `KEY` in the header "+server.MockKeyHeader+"; needed where --listen is not loopback", "", &s.config.MockKey),
		s.text("console-version", "the Console version that /versions tells", console.DefaultVersion, &s.config.Console.Version),
		s.text("plan", "the Console's licence: enterprise or free", console.PlanEnterprise, &s.config.Console.Plan),
		s.toggle("external-group-regex-full", "externalGroupRegex must match a whole group name, not a part", &s.config.RegexFull),
		s.toggle("hide-reasons", "answer 401 and 403 without the reason, as the real Console does", &s.config.Console.HideReasons),
		s.toggle("validate-responses", "hold every answer of the Console to the OpenAPI document, and answer 500 where it does not fit", &s.config.ValidateResponses),
		s.toggle("tls-test-any-host", "the Console's TLS test may reach any host, not this machine only", &s.config.Console.TLSTestAnyHost),
		s.toggle("any-client", "the identity provider accepts clients and redirect URIs that nobody registered", &s.config.AnyClient),
		s.toggle("login-hint-signs-in", "a login_hint signs its person in without a page: for tests", &s.config.LoginHintSignsIn),
		s.toggle("dynamic-registration", "anyone may register a client at the identity provider (RFC 7591)", &s.config.DynamicRegistration),
		s.toggle("dpop-nonce", "every DPoP proof must have a nonce of the identity provider's (RFC 9449)", &s.config.DPoPNonce),
		s.toggle("require-password", "no sign-in by one click", &s.config.RequirePassword),
		s.toggle("fixed-claims", "nobody changes their claims at the sign-in page", &s.config.FixedClaims),
		s.toggle("plain-pkce", "accept the code challenge method plain beside S256", &s.config.PlainPKCE),
		s.list("acr-value", "an `ACR` that a sign-in can count as, the plain one first; repeatable (default: 1, 2)", &s.config.ACRValues),
		s.span("access-token-lifetime", "how long an access token is good", idp.DefaultAccessTokenLifetime, &lifetimes.AccessToken),
		s.span("id-token-lifetime", "how long an ID token is good", idp.DefaultIDTokenLifetime, &lifetimes.IDToken),
		s.span("refresh-token-lifetime", "how long a refresh token is good", idp.DefaultRefreshTokenLifetime, &lifetimes.RefreshToken),
		s.span("code-lifetime", "how long an authorization code is good", idp.DefaultCodeLifetime, &lifetimes.Code),
		s.span("sign-in-lifetime", "how long a browser stays signed in at the identity provider", idp.DefaultSessionLifetime, &lifetimes.SignIn),
		s.list("signing-key", "sign with the private key in `FILE` instead of the seed's: PEM, a JWK or a JWK set; repeatable, the first of an algorithm signs", &s.config.SigningKeys),
		s.toggle("random-keys", "sign with fresh keys instead of the seed's: tokens do not survive a restart", &s.config.RandomKeys),
	}
}

func (s *settings) list(name, usage string, into *[]string) cli.Flag {
	return &cli.StringSliceFlag{Local: true, Name: name, Usage: usage, Destination: into, Sources: s.from(name)}
}

func serveFlags(s *settings) []cli.Flag {
	tls, network := &s.config.TLS, &s.config.Network
	return append(s.worldFlags(),
		s.toggle("simulate", "let messages grow, lag move and consumer groups rebalance by the world's clock", &s.config.Simulate),
		s.toggle("watch", "load the files of --seed anew when they change", &s.config.Watch),
		&cli.StringSliceFlag{Local: true, Name: "limit", Usage: "bound what clients can make the server hold, as `NAME=N` (K, M and G are for 1024 and its powers); repeatable", DefaultText: limits.Help(), Destination: &s.limits, Sources: s.from("limit")},
		&cli.StringSliceFlag{Local: true, Name: "timeout", Usage: "bound how long the server waits, as `NAME=DURATION`; repeatable", DefaultText: server.TimeoutHelp(), Destination: &s.timeouts, Sources: s.from("timeout")},
		s.text("state", "keep the world in `FILE`, and go on from it after a restart or crash; changes are on disk soon after their answers. Not kept: sandboxes, the journal, keys that a fault rotated", "", &s.config.State),
		s.toggle("tls", "serve https with a certificate of a development CA, which /_mock/ca.pem shows", &tls.Enabled),
		s.text("tls-ca-dir", "keep the development CA in `FOLDER` over restarts", "", &tls.CADir),
		s.list("tls-host", "a further `HOST` for the certificate; repeatable", &tls.Hosts),
		s.text("tls-cert", "serve https with the certificate in `FILE` (PEM)", "", &tls.CertFile),
		s.text("tls-key", "the key of --tls-cert in `FILE` (PEM)", "", &tls.KeyFile),
		s.list("back-channel-host", "a `HOST` under which programs may reach token, keys and userinfo, besides the public URL; repeatable", &network.BackChannelHosts),
		s.list("trusted-proxy", "believe X-Forwarded-Host and -Proto from this `ADDRESS` or network; repeatable", &network.TrustedProxies),
		&cli.IntFlag{Local: true, Name: "journal-size", Usage: "keep the last `N` requests of each world for /_mock/journal; 0 keeps none", Value: journal.DefaultSize, Destination: &s.journal, Sources: s.from("journal-size")},
		s.text("log-level", "debug, info, warn or error", "info", &s.log))
}

// complete checks the settings and returns them; environment names of lists,
// which no flag can express, are read here.
func (s *settings) complete() (server.Config, error) {
	s.file.load()
	if s.file.err != nil {
		return server.Config{}, s.file.err
	}
	s.config.Console.JWT.Leeway = s.leeway
	if s.leeway < 0 || s.session < time.Second {
		return server.Config{}, errors.New("--jwt-leeway and --session-lifetime: expected a positive duration such as 30s or 72h")
	}
	if s.config.JournalSize = s.journal; s.journal <= 0 {
		s.config.JournalSize = -1
	}
	for _, one := range s.limits {
		if err := s.config.Limits.Set(one); err != nil {
			return server.Config{}, fmt.Errorf("--limit %w", err)
		}
	}
	for _, one := range s.timeouts {
		if err := s.config.Timeouts.Set(one); err != nil {
			return server.Config{}, fmt.Errorf("--timeout %w", err)
		}
	}
	s.config.Console.SessionLifetime = int(s.session / time.Second)
	for i := 0; ; i++ {
		email := os.Getenv(fmt.Sprintf("CDK_AUTH_LOCALUSERS_%d_EMAIL", i))
		if email == "" {
			break
		}
		s.config.Console.LocalUsers = append(s.config.Console.LocalUsers, console.LocalUser{
			Email: email, Password: os.Getenv(fmt.Sprintf("CDK_AUTH_LOCALUSERS_%d_PASSWORD", i))})
	}
	return s.config, s.config.Validate()
}
