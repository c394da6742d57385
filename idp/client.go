package idp

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

// Grant types, as clients name them (RFC 6749, RFC 7591 section 2, RFC 8628
// section 3.4, RFC 8693 section 2.1, RFC 7523 section 2.1).
const (
	GrantAuthorizationCode = "authorization_code"
	GrantRefreshToken      = "refresh_token"
	GrantClientCredentials = "client_credentials"
	GrantPassword          = "password"
	GrantDeviceCode        = "urn:ietf:params:oauth:grant-type:device_code"
	GrantTokenExchange     = "urn:ietf:params:oauth:grant-type:token-exchange"
	GrantJWTBearer         = "urn:ietf:params:oauth:grant-type:jwt-bearer"
)

// grantTypes are those that a token endpoint may serve, in the order of
// discovery.
var grantTypes = []string{
	GrantAuthorizationCode, GrantRefreshToken, GrantClientCredentials, GrantPassword,
	GrantDeviceCode, GrantTokenExchange, GrantJWTBearer,
}

// Ways in which a client authenticates (RFC 7591, section 2, and OpenID Connect
// Core 1.0, section 9).
const (
	AuthBasic      = "client_secret_basic"
	AuthPost       = "client_secret_post"
	AuthSecretJWT  = "client_secret_jwt"
	AuthPrivateKey = "private_key_jwt"
	AuthNone       = "none"
)

// authMethods in the order of discovery.
var authMethods = []string{AuthBasic, AuthPost, AuthSecretJWT, AuthPrivateKey, AuthNone}

// Forms of access tokens: a signed JWT, or a handle that only this provider's
// introspection and userinfo endpoints understand.
const (
	FormatJWT    = "jwt"
	FormatOpaque = "opaque"
)

// Subject types (OpenID Connect Core 1.0, section 8).
const (
	SubjectPublic   = "public"
	SubjectPairwise = "pairwise"
)

// Client is a registered relying party. Field names follow RFC 7591 (dynamic
// client registration), section 2.
type Client struct {
	// ID is the client_id.
	ID string
	// Name is shown on the sign-in page; never empty after ParseClient.
	Name string
	// Secret is empty for a public client.
	Secret string
	// AuthMethod pins how the client authenticates at the token endpoint.
	// Empty: a client with a secret may use basic, post or client_secret_jwt,
	// one with keys private_key_jwt.
	AuthMethod string
	// Keys verify what the client signs: its assertions (jwks). Nil: none.
	Keys jwk.Set
	// RedirectURIs are compared exactly, save that a loopback address without
	// a port matches any port (RFC 8252, section 7.3).
	RedirectURIs []string
	// PostLogoutRedirectURIs are compared exactly.
	PostLogoutRedirectURIs []string
	// RedirectPatterns and PostLogoutRedirectPatterns stand for further ones.
	RedirectPatterns, PostLogoutRedirectPatterns []RedirectPattern
	// GrantTypes the client may use.
	GrantTypes []string
	// Scopes the client may ask for. Empty: any.
	Scopes []string
	// IDTokenAlg and AccessTokenAlg name the signature algorithm of the
	// tokens. Empty: RS256 where there is such a key.
	IDTokenAlg, AccessTokenAlg string
	// Audience is the default aud of access tokens, and what the resource or
	// audience parameter may choose from. Empty: the client_id.
	Audience []string
	// Lifetimes; zero: the provider's.
	AccessTokenLifetime, IDTokenLifetime, RefreshTokenLifetime time.Duration
	// RequirePKCE refuses authorization requests without code_challenge.
	RequirePKCE bool
	// AccessTokenType is the typ header of access tokens, JWT or at+jwt.
	AccessTokenType string
	// AccessTokenFormat is jwt or opaque; empty: jwt.
	AccessTokenFormat string
	// UserInfoAlg makes userinfo a JWT signed so. Empty: plain JSON.
	UserInfoAlg string
	// SubjectType is public or pairwise; empty: public.
	SubjectType string
	// SectorIdentifierURI names by its host the sector in which pairwise
	// subjects are the same. Empty: the one host of the redirect URIs.
	SectorIdentifierURI string
	// RequirePushed refuses authorization requests that were not pushed (RFC
	// 9126, section 6).
	RequirePushed bool
	// RequireDPoP refuses token requests without DPoP proof (RFC 9449, section
	// 5.2).
	RequireDPoP bool
	// FrontChannelLogoutURI is loaded in the browser, BackChannelLogoutURI
	// called by the provider, when a session that the client has seen ends.
	FrontChannelLogoutURI, BackChannelLogoutURI string
	// SignInAs is a login that signs in by itself at this client.
	SignInAs string
	// Claims of tokens that the client gets for itself (client_credentials).
	Claims map[string]any

	// anyone marks a client made up in any-client mode.
	anyone bool
}

// ParseClient reads a Client document (apiVersion mockduktor/v1). The client is
// usable only if there is no problem.
//
// Absent grant_types mean authorization_code and refresh_token, where RFC 7591
// would have the code alone: a client that cannot refresh is what people trip
// over, so leaving refresh out is what has to be written.
func ParseClient(resource map[string]any) (*Client, []Problem) {
	var problems []Problem
	id, spec := specOf(resource, &problems)
	c := &Client{
		ID:                     id,
		Name:                   spec.text("client_name"),
		Secret:                 spec.text("client_secret"),
		AuthMethod:             spec.text("token_endpoint_auth_method"),
		RedirectURIs:           spec.list("redirect_uris"),
		PostLogoutRedirectURIs: spec.list("post_logout_redirect_uris"),
		RedirectPatterns:       spec.patterns("redirect_uri_patterns"),
		GrantTypes:             spec.list("grant_types"),
		Scopes:                 strings.Fields(spec.text("scope")),
		IDTokenAlg:             spec.text("id_token_signed_response_alg"),
		AccessTokenAlg:         spec.text("access_token_signed_response_alg"),
		Audience:               spec.list("audience"),
		AccessTokenLifetime:    spec.lifetime("access_token_lifetime"),
		IDTokenLifetime:        spec.lifetime("id_token_lifetime"),
		RefreshTokenLifetime:   spec.lifetime("refresh_token_lifetime"),
		AccessTokenType:        spec.text("access_token_typ"),
		Keys:                   spec.keySet("jwks"),
		AccessTokenFormat:      spec.text("access_token_format"),
		UserInfoAlg:            spec.text("userinfo_signed_response_alg"),
		SubjectType:            spec.text("subject_type"),
		SectorIdentifierURI:    spec.text("sector_identifier_uri"),
		RequirePushed:          spec.boolean("require_pushed_authorization_requests", false),
		RequireDPoP:            spec.boolean("dpop_bound_access_tokens", false),
		FrontChannelLogoutURI:  spec.text("frontchannel_logout_uri"),
		BackChannelLogoutURI:   spec.text("backchannel_logout_uri"),
		SignInAs:               spec.text("sign_in_as"),
		Claims:                 spec.claims("claims"),
	}
	c.PostLogoutRedirectPatterns = spec.patterns("post_logout_redirect_uri_patterns")
	c.RequirePKCE = spec.boolean("require_pkce", c.public())
	spec.unknown()

	if c.Name == "" {
		c.Name = id
	}
	if c.AccessTokenType == "" {
		c.AccessTokenType = typeJWT
	}
	if c.GrantTypes == nil {
		c.GrantTypes = []string{GrantAuthorizationCode, GrantRefreshToken}
	}
	c.checkAuth(spec)
	c.checkGrants(spec)
	for i, uri := range c.RedirectURIs {
		checkURI(spec, fmt.Sprintf("redirect_uris[%d]", i), uri)
	}
	for i, uri := range c.PostLogoutRedirectURIs {
		checkURI(spec, fmt.Sprintf("post_logout_redirect_uris[%d]", i), uri)
	}
	checkAlg(spec, "id_token_signed_response_alg", c.IDTokenAlg)
	checkAlg(spec, "access_token_signed_response_alg", c.AccessTokenAlg)
	checkAlg(spec, "userinfo_signed_response_alg", c.UserInfoAlg)
	c.checkSubject(spec)
	c.checkLogout(spec)
	switch c.AccessTokenFormat {
	case "", FormatJWT, FormatOpaque:
	default:
		spec.report("access_token_format", "is %q; there are %s and %s", c.AccessTokenFormat, FormatJWT, FormatOpaque)
	}
	if c.AccessTokenType != typeJWT && c.AccessTokenType != typeAccessToken {
		spec.report("access_token_typ", "is %q; there are %s and %s", c.AccessTokenType, typeJWT, typeAccessToken)
	}
	for i, a := range c.Audience {
		if a == "" {
			spec.report(fmt.Sprintf("audience[%d]", i), "must not be empty")
		}
	}
	for _, s := range c.Scopes {
		if !isScopeToken(s) {
			spec.report("scope", "holds %q, which is no scope (RFC 6749, section 3.3: printable ASCII without quote and backslash)", s)
		}
	}
	return c, problems
}

func (c *Client) checkAuth(spec *fields) {
	switch c.AuthMethod {
	case "":
	case AuthPrivateKey:
		if c.Keys == nil {
			spec.report("jwks", "is missing: token_endpoint_auth_method %s needs the client's public keys", AuthPrivateKey)
		}
		if c.Secret != "" {
			spec.report("token_endpoint_auth_method", "is %s, yet there is a client_secret; leave one of them out", AuthPrivateKey)
		}
	case AuthBasic, AuthPost, AuthSecretJWT:
		if c.Secret == "" {
			spec.report("client_secret", "is missing: token_endpoint_auth_method %s makes this a confidential client, which has a secret", c.AuthMethod)
		}
	case AuthNone:
		if c.Secret != "" {
			spec.report("token_endpoint_auth_method", "is none, yet there is a client_secret; leave one of them out")
		}
	default:
		spec.report("token_endpoint_auth_method", "is %q; there are %s", c.AuthMethod, strings.Join(authMethods, ", "))
	}
}

func (c *Client) checkGrants(spec *fields) {
	for i, g := range c.GrantTypes {
		if !slices.Contains(grantTypes, g) {
			spec.report(fmt.Sprintf("grant_types[%d]", i), "is %q; there are %s", g, strings.Join(grantTypes, ", "))
		}
	}
	for _, g := range []string{GrantClientCredentials, GrantTokenExchange} {
		if c.grants(g) && c.public() {
			spec.report("client_secret", "is missing: %s is for confidential clients only (RFC 6749, section 4.4); jwks would do too", g)
		}
	}
	if c.grants(GrantJWTBearer) && c.public() && c.Keys == nil {
		spec.report("jwks", "is missing: the grant type %s needs the keys that sign its assertions, or a client_secret", GrantJWTBearer)
	}
	if c.grants(GrantAuthorizationCode) && len(c.RedirectURIs)+len(c.RedirectPatterns) == 0 {
		spec.report("redirect_uris", "is missing: the grant type authorization_code needs at least one; a client that signs nobody in says so by grant_types: [client_credentials]")
	}
}

func checkAlg(spec *fields, field, alg string) {
	if alg != "" && !slices.Contains(signingAlgs, alg) {
		spec.report(field, "is %q; there are %s", alg, strings.Join(signingAlgs, ", "))
	}
}

// checkURI holds a registered redirect URI to RFC 6749, section 3.1.2, and to
// RFC 9700, section 2.1: absolute, no fragment, no pattern.
func checkURI(spec *fields, field, uri string) {
	u, err := url.Parse(uri)
	switch {
	case err != nil:
		spec.report(field, "is no URI: %q", uri)
	case !u.IsAbs():
		spec.report(field, "is not absolute: %q; begin it with http://, https:// or the app's own scheme", uri)
	case strings.Contains(uri, "#"):
		spec.report(field, "has a fragment: %q; leave out # and what follows", uri)
	case strings.Contains(uri, "*"):
		spec.report(field, "has a wildcard: %q; redirect URIs are compared exactly, list each one or use redirect_uri_patterns", uri)
	case isWeb(u) && u.Host == "":
		spec.report(field, "names no host: %q", uri)
	case isScript(u):
		spec.report(field, "has the scheme %s, which a browser would run or show, not visit", u.Scheme)
	}
}

func isWeb(u *url.URL) bool { return u.Scheme == "http" || u.Scheme == "https" }

func isScript(u *url.URL) bool {
	switch u.Scheme {
	case "javascript", "data", "vbscript", "blob", "about", "file":
		return true
	}
	return false
}

// public tells a client that cannot authenticate (RFC 6749, section 2.1): it
// has no secret, and no keys or none for that purpose.
func (c *Client) public() bool {
	return !c.anyone && c.Secret == "" && (c.Keys == nil || c.AuthMethod == AuthNone)
}

func (c *Client) grants(grantType string) bool { return slices.Contains(c.GrantTypes, grantType) }

// redirectsTo tells whether the client may be answered at uri.
func (c *Client) redirectsTo(uri string) bool {
	if c.anyone {
		return isAnyWebURI(uri)
	}
	return slices.ContainsFunc(c.RedirectURIs, func(registered string) bool { return RedirectMatches(registered, uri) }) ||
		matchesOne(c.RedirectPatterns, uri)
}

// redirects are the registered redirect URIs and patterns, to be shown.
func (c *Client) redirects() []string {
	list := slices.Clone(c.RedirectURIs)
	for _, pattern := range c.RedirectPatterns {
		list = append(list, pattern.String())
	}
	return list
}

func matchesOne(patterns []RedirectPattern, uri string) bool {
	return slices.ContainsFunc(patterns, func(p RedirectPattern) bool { return p.Matches(uri) })
}

// RedirectMatches tells whether a client with a registered redirect URI may be
// answered at uri: where the two are the same to the letter, or differ in the
// port of a loopback address that is registered without one (RFC 8252, section
// 7.3).
func RedirectMatches(registered, uri string) bool {
	return registered == uri || sameButLoopbackPort(registered, uri)
}

// logsOutTo tells whether the client may be returned to at uri after logout.
func (c *Client) logsOutTo(uri string) bool {
	if c.anyone {
		return isAnyWebURI(uri)
	}
	return slices.Contains(c.PostLogoutRedirectURIs, uri) || matchesOne(c.PostLogoutRedirectPatterns, uri)
}

func isAnyWebURI(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && isWeb(u) && u.Host != "" && u.User == nil && !strings.ContainsAny(uri, "#\\") && isPrintable(uri)
}

// isPrintable keeps out what browsers drop or rewrite in a URL.
func isPrintable(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// sameButLoopbackPort is RFC 8252, section 7.3: native apps listen on a port
// that they learn at run time. Only for IP literals (section 8.3 advises
// against localhost) and only where none is registered: whoever registers a
// port means that port.
func sameButLoopbackPort(registered, uri string) bool {
	for _, base := range []string{"http://127.0.0.1", "http://[::1]"} {
		path, ok := strings.CutPrefix(registered, base)
		if !ok || path != "" && path[0] != '/' && path[0] != '?' {
			continue
		}
		rest, ok := strings.CutPrefix(uri, base+":")
		if !ok {
			return false
		}
		port, ok := strings.CutSuffix(rest, path)
		return ok && isPort(port)
	}
	return false
}

func isPort(s string) bool {
	if s == "" || len(s) > 5 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	n, err := strconv.Atoi(s)
	return err == nil && n > 0 && n < 1<<16
}

// anyClient makes up a client in any-client mode.
func anyClient(id string) *Client {
	return &Client{ID: id, Name: id, GrantTypes: grantTypes, AccessTokenType: typeJWT, anyone: true}
}
