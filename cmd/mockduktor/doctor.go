package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server/control"
)

func doctorCommand() *cli.Command {
	d := &doctor{client: &http.Client{Timeout: 10 * time.Second}}
	return &cli.Command{
		Name:  "doctor",
		Usage: "say in words what is wrong between a server and its clients, and which setting mends it",
		Description: "Checks that the server at --url answers, that the issuer's documents agree with each other\n" +
			"and with what the Console trusts, and, with --client and --redirect-uri, that the identity\n" +
			"provider would send a browser back there. Give --issuer and --url as your client has them.\n" +
			"For a server with --tls set SSL_CERT_FILE to its CA.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "url", Usage: "the server, as `URL`", Value: "http://localhost:8080", Destination: &d.url, Sources: cli.EnvVars("MOCKDUKTOR_URL", "MOCKDUKTOR_PUBLIC_URL")},
			&cli.StringFlag{Name: "issuer", Usage: "the issuer as your client has it, as `URL` (default: the server's)", Destination: &d.issuer},
			&cli.StringFlag{Name: "client", Usage: "the client, by `CLIENT_ID`", Destination: &d.clientID},
			&cli.StringFlag{Name: "redirect-uri", Usage: "where the client wants browsers to come back, as `URI`", Destination: &d.redirectURI},
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			d.out = cmd.Root().Writer
			return d.examine(ctx)
		},
	}
}

// doctor examines a server from outside, as its clients see it.
type doctor struct {
	client                             *http.Client
	out                                io.Writer
	url, issuer, clientID, redirectURI string
	faults                             int
}

func (d *doctor) fine(format string, args ...any) {
	fmt.Fprintf(d.out, "ok    "+format+"\n", args...)
}

// fault prints what is wrong and what mends it.
func (d *doctor) fault(remedy, format string, args ...any) {
	d.faults++
	fmt.Fprintf(d.out, "FAULT "+format+"\n      mend: "+remedy+"\n", args...)
}

func (d *doctor) examine(ctx context.Context) error {
	settings, err := d.reach(ctx)
	if err != nil {
		d.fault("start it, or name it with --url; inside a container localhost is the container itself", "the server at %s does not answer: %v", d.url, err)
	} else {
		d.fine("the server at %s answers; its public URL is %s", d.url, settings.PublicURL)
		d.publicURL(settings)
		if d.issuer == "" {
			d.issuer = settings.Issuer
		}
		d.sameIssuer(settings)
		d.discovery(ctx)
		d.redirect(settings)
	}
	if d.faults > 0 {
		return fmt.Errorf("%d found", d.faults)
	}
	return nil
}

func (d *doctor) get(ctx context.Context, address string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := d.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", address, response.Status)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s answered something that is not JSON", address)
	}
	return nil
}

func (d *doctor) reach(ctx context.Context) (control.Settings, error) {
	var settings control.Settings
	err := d.get(ctx, strings.TrimRight(d.url, "/")+"/_mock/settings", &settings)
	if err == nil && settings.Issuer == "" {
		err = errors.New("it is no mockduktor")
	}
	return settings, err
}

func (d *doctor) publicURL(settings control.Settings) {
	if strings.TrimRight(d.url, "/") != settings.PublicURL {
		d.fault("start the server with --public-url "+strings.TrimRight(d.url, "/")+", or use "+settings.PublicURL+
			"; a program that must use another host than browsers do: --back-channel-host "+hostOf(d.url),
			"you reach the server as %s, it calls itself %s: the addresses in its discovery document begin with the latter", d.url, settings.PublicURL)
	}
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host
}

func (d *doctor) sameIssuer(settings control.Settings) {
	for name, issuer := range settings.Issuers {
		if d.issuer == issuer {
			d.fine("the issuer is that of the Provider %s", name)
			d.trusted(settings)
			return
		}
	}
	switch {
	case d.issuer == settings.Issuer:
		d.fine("the issuer is %s", settings.Issuer)
	case strings.TrimRight(d.issuer, "/") == strings.TrimRight(settings.Issuer, "/"):
		d.fault("write the issuer in your client exactly as the server does, or start the server with --issuer "+d.issuer,
			"the issuers differ by a slash at the end: yours is %q, the server's %q; clients compare them byte for byte", d.issuer, settings.Issuer)
	default:
		d.fault("give your client the issuer "+settings.Issuer+", or start the server with --public-url or --issuer so that it is yours",
			"your issuer is %q, the server's is %q", d.issuer, settings.Issuer)
	}
	d.issuer = settings.Issuer
	d.trusted(settings)
}

// trusted says whether the Console accepts tokens of the issuer.
func (d *doctor) trusted(settings control.Settings) {
	if settings.TrustedIssuer == d.issuer {
		d.fine("the Console trusts that issuer; e-mail from the claim %q, groups from %q", settings.UsernameClaim, settings.GroupsClaim)
	} else {
		fmt.Fprintf(d.out, "note  the Console trusts another issuer, %s (CDK_SSO_JWTAUTH_ISSUER): tokens of %s are refused\n", settings.TrustedIssuer, d.issuer)
	}
}

// discovery follows the addresses that a client would.
func (d *doctor) discovery(ctx context.Context) {
	var document struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	address := strings.TrimRight(d.issuer, "/") + "/.well-known/openid-configuration"
	if err := d.get(ctx, address, &document); err != nil {
		d.fault("give --public-url an address that works from where the clients are", "the discovery document cannot be fetched from here: %v", err)
		return
	}
	d.fine("discovery at %s", address)
	if document.Issuer != d.issuer {
		d.fault("something between here and the server answers for it; check the port and the proxy", "that document names the issuer %q", document.Issuer)
	}
	var keys struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := d.get(ctx, document.JWKSURI, &keys); err != nil || len(keys.Keys) == 0 {
		d.fault("give --public-url an address that works from where the clients are", "the keys cannot be fetched from %s: %v", document.JWKSURI, err)
		return
	}
	d.fine("%d keys at %s", len(keys.Keys), document.JWKSURI)
}

func (d *doctor) redirect(settings control.Settings) {
	if d.clientID == "" {
		if d.redirectURI != "" {
			d.fault("name the client with --client", "--redirect-uri without --client says nothing")
		}
		return
	}
	at := slices.IndexFunc(settings.Clients, func(client control.ClientSettings) bool { return client.ClientID == d.clientID })
	if at < 0 {
		known := make([]string, len(settings.Clients))
		for i, client := range settings.Clients {
			known[i] = client.ClientID
		}
		if settings.AnyClient {
			d.fine("the client %s is not registered, and --any-client accepts it", d.clientID)
			return
		}
		d.fault("register it with a Client document in a seed, or start the server with --any-client",
			"there is no client %q; registered are %s", d.clientID, strings.Join(known, ", "))
		return
	}
	client := settings.Clients[at]
	d.fine("the client %s is registered (%s)", client.ClientID, client.Name)
	if d.redirectURI == "" {
		return
	}
	if slices.Contains(client.RedirectURIs, d.redirectURI) {
		d.fine("%s is one of its redirect URIs", d.redirectURI)
		return
	}
	if slices.ContainsFunc(client.RedirectURIs, func(registered string) bool { return idp.RedirectMatches(registered, d.redirectURI) }) {
		d.fine("%s is one of its redirect URIs with a port, which loopback addresses may have", d.redirectURI)
		return
	}
	for _, text := range client.RedirectPatterns {
		if pattern, err := idp.ParseRedirectPattern(text); err == nil && pattern.Matches(d.redirectURI) {
			d.fine("%s is one of those that its pattern %s stands for", d.redirectURI, pattern)
			return
		}
	}
	why := "is not registered; registered are " + strings.Join(append(client.RedirectURIs, client.RedirectPatterns...), ", ")
	for _, registered := range client.RedirectURIs {
		if difference := uriDifference(registered, d.redirectURI); difference != "" {
			why = fmt.Sprintf("is not registered: it differs from %s in %s", registered, difference)
			break
		}
	}
	d.fault("add it to redirect_uris of the Client document "+client.ClientID+", or have the client send a registered one; they are compared exactly",
		"%s %s", d.redirectURI, why)
}

// uriDifference names the one part in which two URIs differ, or "" when they
// differ in more.
func uriDifference(a, b string) string {
	x, errX := url.Parse(a)
	y, errY := url.Parse(b)
	if errX != nil || errY != nil {
		return ""
	}
	var parts []string
	if x.Scheme != y.Scheme {
		parts = append(parts, "the scheme")
	}
	if x.Hostname() != y.Hostname() {
		parts = append(parts, loopbackNote(x.Hostname(), y.Hostname()))
	}
	if x.Port() != y.Port() {
		parts = append(parts, "the port")
	}
	switch {
	case x.Path == y.Path:
	case strings.TrimRight(x.Path, "/") == strings.TrimRight(y.Path, "/"):
		parts = append(parts, "a slash at the end")
	default:
		parts = append(parts, "the path")
	}
	if x.RawQuery != y.RawQuery {
		parts = append(parts, "the query")
	}
	if len(parts) != 1 {
		return ""
	}
	return parts[0]
}

func loopbackNote(a, b string) string {
	if isLoopback(a) && isLoopback(b) {
		return "the host (localhost and the loopback addresses are different hosts here)"
	}
	return "the host"
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
