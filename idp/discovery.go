package idp

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/labstack/echo/v4"
)

// metadata is the discovery document: OpenID Connect Discovery 1.0, section 3,
// RFC 8414, section 2, RFC 9207, section 3. Both well-known names answer it.
type metadata struct {
	Issuer                string   `json:"issuer"`
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	TokenEndpoint         string   `json:"token_endpoint"`
	UserInfoEndpoint      string   `json:"userinfo_endpoint"`
	JWKSURI               string   `json:"jwks_uri"`
	RevocationEndpoint    string   `json:"revocation_endpoint"`
	EndSessionEndpoint    string   `json:"end_session_endpoint"`
	IntrospectionEndpoint string   `json:"introspection_endpoint,omitempty"`
	DeviceEndpoint        string   `json:"device_authorization_endpoint,omitempty"`
	PushEndpoint          string   `json:"pushed_authorization_request_endpoint,omitempty"`
	RegistrationEndpoint  string   `json:"registration_endpoint,omitempty"`
	ResponseTypes         []string `json:"response_types_supported"`
	ResponseModes         []string `json:"response_modes_supported"`
	GrantTypes            []string `json:"grant_types_supported"`
	SubjectTypes          []string `json:"subject_types_supported"`
	IDTokenAlgs           []string `json:"id_token_signing_alg_values_supported"`
	TokenAuthMethods      []string `json:"token_endpoint_auth_methods_supported"`
	RevocationAuthMethods []string `json:"revocation_endpoint_auth_methods_supported"`
	TokenAuthAlgs         []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	RevocationAuthAlgs    []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	IntrospectAuthMethods []string `json:"introspection_endpoint_auth_methods_supported,omitempty"`
	IntrospectAuthAlgs    []string `json:"introspection_endpoint_auth_signing_alg_values_supported,omitempty"`
	UserInfoAlgs          []string `json:"userinfo_signing_alg_values_supported"`
	DPoPAlgs              []string `json:"dpop_signing_alg_values_supported"`
	ACRValues             []string `json:"acr_values_supported"`
	ClaimTypes            []string `json:"claim_types_supported"`
	Scopes                []string `json:"scopes_supported"`
	Claims                []string `json:"claims_supported"`
	ChallengeMethods      []string `json:"code_challenge_methods_supported"`
	Prompts               []string `json:"prompt_values_supported"`
	IssInResponse         bool     `json:"authorization_response_iss_parameter_supported"`
	ClaimsParameter       bool     `json:"claims_parameter_supported"`
	RequestParameter      bool     `json:"request_parameter_supported"`
	// Absent would mean true. A pushed request_uri needs no such promise (RFC
	// 9126, section 5).
	RequestURIParameter bool `json:"request_uri_parameter_supported"`
	RequirePushed       bool `json:"require_pushed_authorization_requests"`
	FrontChannelLogout  bool `json:"frontchannel_logout_supported"`
	FrontChannelSession bool `json:"frontchannel_logout_session_supported"`
	BackChannelLogout   bool `json:"backchannel_logout_supported"`
	BackChannelSession  bool `json:"backchannel_logout_session_supported"`
	AnyClient           bool `json:"mockduktor_any_client,omitempty"`
}

// published is what hangs on the keys: the kept documents. Immutable but for
// the documents of other addresses, which are added as they are asked for.
type published struct {
	keys      *Keys
	discovery *kept
	jwks      *kept
	elsewhere atomic.Pointer[map[string]*kept]
}

// maxElsewhere bounds the kept documents of other back-channel addresses; more
// are made anew at each request.
const maxElsewhere = 16

// kept is a JSON document with its entity tag.
type kept struct {
	body   []byte
	length string
	etag   string
}

func keep(body []byte) *kept {
	digest := sha256.Sum256(body)
	return &kept{body: body, length: strconv.Itoa(len(body)), etag: `"` + base64.RawURLEncoding.EncodeToString(digest[:12]) + `"`}
}

func (p *Provider) publish(keys *Keys) error {
	keys, err := keys.styled(p)
	if err != nil {
		return fmt.Errorf("publishing keys: %w", err)
	}
	pub := &published{keys: keys, jwks: keep(keys.document)}
	pub.discovery = p.describe(keys, p.base)
	p.published.Store(pub)
	return nil
}

// describe writes the discovery document with back as the address of what
// programs call.
func (p *Provider) describe(keys *Keys, back string) *kept {
	challenges := []string{challengeS256}
	if p.config.AllowPlainPKCE {
		challenges = append(challenges, challengePlain)
	}
	algs := append([]string{"HS256"}, clientAlgs...)
	document := metadata{
		Issuer:                p.config.Issuer,
		AuthorizationEndpoint: p.base + p.config.Paths.Authorize,
		TokenEndpoint:         back + p.config.Paths.Token,
		UserInfoEndpoint:      back + p.config.Paths.UserInfo,
		JWKSURI:               back + p.config.Paths.Keys,
		RevocationEndpoint:    back + p.config.Paths.Revoke,
		EndSessionEndpoint:    p.base + p.config.Paths.Logout,
		ResponseTypes:         []string{responseTypeCode},
		ResponseModes:         []string{modeQuery, modeFragment, modeFormPost},
		GrantTypes:            p.grantTypes(),
		SubjectTypes:          []string{SubjectPublic, SubjectPairwise},
		IDTokenAlgs:           keys.Algs(),
		TokenAuthMethods:      authMethods,
		RevocationAuthMethods: authMethods,
		TokenAuthAlgs:         algs,
		RevocationAuthAlgs:    algs,
		UserInfoAlgs:          keys.Algs(),
		DPoPAlgs:              clientAlgs,
		ACRValues:             p.config.ACRValues,
		ClaimTypes:            []string{"normal"},
		Scopes:                []string{scopeOpenID, scopeProfile, scopeEmail, scopeGroups, scopeOfflineAccess},
		Claims: []string{
			"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "azp", "sid", "acr", "amr",
			"name", "given_name", "family_name", "preferred_username", "picture", "email", "email_verified", claimGroups,
		},
		ChallengeMethods: challenges,
		Prompts:          []string{promptNone, promptLogin, promptSelectAccount, promptConsent},
		IssInResponse:    true,
		ClaimsParameter:  true,
		AnyClient:        p.config.AnyClient,

		FrontChannelLogout: true, FrontChannelSession: true, BackChannelLogout: true, BackChannelSession: true,
	}
	if path := p.config.Paths.Introspect; path != "" {
		document.IntrospectionEndpoint = back + path
		document.IntrospectAuthMethods = slices.DeleteFunc(slices.Clone(authMethods), func(m string) bool { return m == AuthNone })
		document.IntrospectAuthAlgs = algs
	}
	if path := p.config.Paths.Push; path != "" {
		document.PushEndpoint = back + path
	}
	if p.servesDevices() {
		document.DeviceEndpoint = back + p.config.Paths.DeviceAuthorization
	}
	if path := p.config.Paths.Register; path != "" && p.config.DynamicRegistration {
		document.RegistrationEndpoint = p.base + path
	}
	body, err := json.Marshal(document)
	if err != nil {
		// Strings and booleans always encode.
		panic("idp: encoding the discovery document: " + err.Error())
	}
	return keep(p.inVendorsWords(body, back))
}

func (p *Provider) discovery(c echo.Context) error {
	return p.published.Load().at(p, c.Request()).answer(c)
}

func (p *Provider) jwks(c echo.Context) error { return p.published.Load().jwks.answer(c) }

// at picks the discovery document for whoever asks.
func (pub *published) at(p *Provider, r *http.Request) *kept {
	if p.config.BackChannel == nil {
		return pub.discovery
	}
	back := strings.TrimSuffix(strings.TrimRight(p.config.BackChannel(r), "/"), p.profile.tail)
	if back == "" || back == p.base {
		return pub.discovery
	}
	before := pub.elsewhere.Load()
	if before != nil {
		if document := (*before)[back]; document != nil {
			return document
		}
	}
	document := p.describe(pub.keys, back)
	if before == nil {
		pub.elsewhere.CompareAndSwap(nil, &map[string]*kept{back: document})
	} else if len(*before) < maxElsewhere {
		after := maps.Clone(*before)
		after[back] = document
		pub.elsewhere.CompareAndSwap(before, &after)
	}
	return document
}

// answer sends the document, or 304 to who has it (RFC 9110, section 13.1.2).
// no-cache lets it be kept yet asked for again each time: keys and settings of
// a mock change under a running browser.
func (k *kept) answer(c echo.Context) error {
	header := c.Response().Header()
	header.Set("ETag", k.etag)
	header.Set("Cache-Control", "public, no-cache")
	if matches(c.Request().Header.Get("If-None-Match"), k.etag) {
		return c.NoContent(http.StatusNotModified)
	}
	// Without it net/http sends what is longer than its buffer in chunks.
	header.Set(echo.HeaderContentLength, k.length)
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, k.body)
}

func matches(ifNoneMatch, etag string) bool {
	if ifNoneMatch == "" {
		return false
	}
	return slices.ContainsFunc(strings.Split(ifNoneMatch, ","), func(one string) bool {
		one = strings.TrimSpace(one)
		return one == "*" || strings.TrimPrefix(one, "W/") == etag
	})
}

// WellKnown mounts on root, a group without prefix, the forms of the discovery
// address that have the issuer's path at the end (RFC 8414, section 3.1), for
// both names, and turns every other address below /.well-known/ into a 404
// that names the issuer.
func (p *Provider) WellKnown(root *echo.Group) {
	root.Any("/.well-known/*", p.ServeWellKnown)
}

// ServeWellKnown answers one request below the host's /.well-known/, for
// servers that choose among providers by request. What is not this provider's
// is a 404 that names the issuer.
func (p *Provider) ServeWellKnown(c echo.Context) error {
	for _, name := range [...]string{wellKnownOpenID, wellKnownOAuth} {
		if rest, ok := strings.CutPrefix(c.Request().URL.EscapedPath(), name); ok && rest == p.path+p.profile.tail {
			return p.Handle(c, p.profile.tail+name)
		}
	}
	return p.lost(c)
}

// ServesWellKnown tells whether a path below the host's /.well-known/ is about
// this provider.
func (p *Provider) ServesWellKnown(path string) bool {
	for _, name := range [...]string{wellKnownOpenID, wellKnownOAuth} {
		if rest, ok := strings.CutPrefix(path, name); ok && rest == p.path+p.profile.tail {
			return true
		}
	}
	return false
}

// IssuerPath is the path that the endpoints are below, without a slash at its
// end: the prefix of the group to Register on. It is that of the issuer, save
// for vendors whose issuer has more to it.
func (p *Provider) IssuerPath() string { return p.path }

// lost answers what is no endpoint.
func (p *Provider) lost(c echo.Context) error {
	if done, err := p.memberGroups(c); done {
		return err
	}
	allowOrigin(c)
	if c.Request().Method == http.MethodOptions {
		return preflight(c, []string{http.MethodGet})
	}
	header := c.Response().Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	return c.JSON(http.StatusNotFound, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Issuer      string `json:"issuer"`
		Discovery   string `json:"openid_configuration"`
	}{
		"not_found",
		"there is nothing at " + ascii(shorten(c.Request().URL.Path, 200)) + "; the issuer is " + p.config.Issuer + " and its discovery document is at openid_configuration",
		p.config.Issuer,
		p.base + p.profile.tail + wellKnownOpenID,
	})
}
