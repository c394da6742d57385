package idp

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Names of the profiles.
const (
	ProfileGeneric   = "generic"
	ProfileKeycloak  = "keycloak"
	ProfileOkta      = "okta"
	ProfileAuth0     = "auth0"
	ProfileEntra     = "entra"
	ProfileJumpCloud = "jumpcloud"
)

// Vendor says which identity provider is imitated, and the few facts about it
// that show in its tokens and addresses. The zero value is the generic one.
type Vendor struct {
	// Profile is one of the names above; empty: generic.
	Profile string
	// Realm is Keycloak's; empty: the last part of the issuer.
	Realm string
	// Server is the id of Okta's authorization server; OrgServer is the one of
	// the organisation, whose access tokens nobody but Okta can check.
	Server string
	// Tenant is Entra's directory id, a GUID; empty: derived from the issuer.
	Tenant string
	// Namespace begins the names of Auth0's custom claims, such as
	// https://acme.example/; empty: the issuer.
	Namespace string
	// Version is 1 or 2, Entra's endpoints and ID tokens; AccessTokenVersion
	// that of access tokens, which the API decides. 0: 2, and the same.
	Version, AccessTokenVersion int
	// GroupNames gives Keycloak's groups as names, not as paths.
	GroupNames bool
}

// OrgServer is the Vendor.Server of Okta's organisation itself.
const OrgServer = "org"

// refreshPolicy is what becomes of a refresh token that is used.
type refreshPolicy int

const (
	// rotateRefresh gives a new one; using an old one again ends the grant.
	rotateRefresh refreshPolicy = iota
	// keepOldRefresh gives a new one, and the old one stays good.
	keepOldRefresh
	// sameRefresh gives the same again, staticRefresh none: the first stays good.
	sameRefresh
	staticRefresh
)

// tokenEndpoint and userInfoEndpoint are the endpoints whose refusals vendors
// word in their own way.
const (
	tokenEndpoint    = "token"
	userInfoEndpoint = "userinfo"
)

// refusal is how a vendor words one of ours. Empty fields match and change
// nothing.
type refusal struct {
	at, code, grant string // which one

	status              int
	newCode, newMessage string
	number              int // Entra's AADSTS
}

// profile is one vendor as data. Nothing of it changes.
type profile struct {
	name  string
	paths Paths
	// tail is what the issuer has beyond the base of the endpoints, such as
	// /v2.0.
	tail string
	// accessTail follows the base in the iss of access tokens, where these have
	// another than ID tokens; empty: they have not.
	accessTail string
	// neighbours is the path, ending in a slash, below which the vendor keeps
	// others of its kind (realms); lost answers for one that is not there.
	neighbours string
	lost       func(p *Provider, name string) (status int, body any)

	shape  Shape
	claims []claim
	// namespace begins the claims that are custom; nil: nothing.
	namespace func(*Provider) string
	// subject is the sub of a person; nil: as the person's document has it.
	subject func(p *Provider, person *Person, in carrier) string
	// clientSubject is the sub of a client that asks for itself; nil: its id.
	clientSubject func(id string) string
	// groupsIn is where the groups are.
	groupsIn carrier
	// group is a group as the vendor names it; nil: as it is.
	group func(p *Provider, name string) string
	// audience of access tokens for which neither request nor client names one;
	// nil: the client_id.
	audience func(f *facts) []string
	// moreAudience goes along with it.
	moreAudience func(f *facts) []string
	// extraScopes are granted to people unasked.
	extraScopes scopeList
	// closedUserInfo: what a person's document adds is not in userinfo.
	closedUserInfo bool
	// restricted names are left out in silence.
	restricted []string

	// clientClaim, or else clientClaimToo, and idClaim: where access tokens have
	// client_id and jti. kindClaim tells them from ID tokens where that is not
	// enough, by the value accessKind. readID and readSID undo what the vendor's
	// form adds to our ids; nil: nothing.
	clientClaim, clientClaimToo, idClaim string
	kindClaim, accessKind                string
	readID, readSID                      func(string) string
	// namelessTokens: access tokens may lack the idClaim.
	namelessTokens bool
	// sid writes the id of a session; nil: as it is.
	sid func(string) string
	// readScope completes the scopes that an access token does not show; nil:
	// it shows all.
	readScope func(scopeList) scopeList

	// shownScope are the scopes that an access token shows, nil for none; nil:
	// all.
	shownScope func(*facts) scopeList
	// form is what an access token is where neither the shape nor the client
	// says; nil: as the shape's preset has it.
	form func(*facts) string
	// opaquePrefix begins opaque access tokens.
	opaquePrefix string

	// keys is how keys are named and published.
	keys keyStyle

	accessLifetime, idLifetime, refreshLifetime, codeLifetime, sessionLifetime time.Duration
	// refresh is what becomes of a used refresh token; nil: rotateRefresh.
	refresh func(*Client) refreshPolicy
	// refreshNeedsOffline: a refresh token only for the scope offline_access.
	refreshNeedsOffline bool

	// without and with change the discovery document; {issuer}, {front} and
	// {back} in a text are the issuer and the bases of addresses.
	without []string
	with    map[string]any
	// extras are further members of a token answer; nil takes one away.
	extras func(f *facts, answer *Tokens) map[string]any
	// documents are further JSON documents, by path below the base.
	documents map[string]func(*Provider) any
	// returnTo is the path of a logout that has returnTo in the place of
	// post_logout_redirect_uri and asks nobody.
	returnTo string

	refusals []refusal
	// body writes a refusal; nil: error and error_description.
	body func(p *Provider, r refusal, code, description string) any
	// refreshesAnyScope: a refresh token serves other scopes than the granted
	// ones too, such as those of another API.
	refreshesAnyScope bool
	// colonBasic takes Basic with a colon after it as well: what the only Okta
	// client of Passport sends (passport-okta-oauth), and so Backstage's.
	colonBasic bool
	// tokenInAddress takes access_token in the address of userinfo as well (RFC
	// 6750, section 2.3), where passport-auth0 has it.
	tokenInAddress bool
	// bareUserInfo: refusals of userinfo have a challenge and no body, or the
	// text if there is one.
	bareUserInfo     bool
	userInfoRefusals string
}

// profileNames are all profiles, the default first.
func profileNames() []string {
	return []string{ProfileGeneric, ProfileKeycloak, ProfileOkta, ProfileAuth0, ProfileEntra, ProfileJumpCloud}
}

// profileOf gives the data of a vendor.
func profileOf(v Vendor) (*profile, error) {
	switch v.Profile {
	case "", ProfileGeneric:
		return generic(), nil
	case ProfileKeycloak:
		return keycloak(v), nil
	case ProfileOkta:
		return okta(v), nil
	case ProfileAuth0:
		return auth0(v), nil
	case ProfileEntra:
		return entra(v), nil
	case ProfileJumpCloud:
		return jumpcloud(), nil
	}
	return nil, fmt.Errorf("idp: there is no profile %q; there are %s", v.Profile, strings.Join(profileNames(), ", "))
}

// check says what is wrong, field by field.
func (v Vendor) check(report func(field, format string, args ...any)) {
	if v.Profile != "" && !slices.Contains(profileNames(), v.Profile) {
		report("profile", "is %q; there are %s", v.Profile, strings.Join(profileNames(), ", "))
		return
	}
	for _, one := range []struct {
		field, of string
		given     bool
	}{
		{"realm", ProfileKeycloak, v.Realm != ""},
		{"group_names", ProfileKeycloak, v.GroupNames},
		{"server", ProfileOkta, v.Server != ""},
		{"tenant", ProfileEntra, v.Tenant != ""},
		{"version", ProfileEntra, v.Version != 0},
		{"access_token_version", ProfileEntra, v.AccessTokenVersion != 0},
		{"namespace", ProfileAuth0, v.Namespace != ""},
	} {
		if one.given && v.Profile != one.of {
			report(one.field, "is for the profile %s; leave it out", one.of)
		}
	}
	for _, one := range []struct{ field, value string }{{"realm", v.Realm}, {"server", v.Server}} {
		if strings.ContainsAny(one.value, "/?#% ") {
			report(one.field, "is %q; it is one part of a path", one.value)
		}
	}
	if v.Tenant != "" && !isGUID(v.Tenant) {
		report("tenant", "is %q; it is a GUID, such as %s", v.Tenant, guidOf("tenant", "example"))
	}
	for _, one := range []struct {
		field string
		value int
	}{{"version", v.Version}, {"access_token_version", v.AccessTokenVersion}} {
		if one.value < 0 || one.value > 2 {
			report(one.field, "is %d; there are 1 and 2", one.value)
		}
	}
	if v.Namespace != "" && !isAnyWebURI(v.Namespace) {
		report("namespace", "is %q; it is a URL, such as https://acme.example/", v.Namespace)
	}
}

// DefaultPath is where an issuer of this vendor is on a host that it shares:
// its natural path where that has a beginning of its own, below /idp- and name
// otherwise. It ends in a slash where the vendor's issuer does.
func (v Vendor) DefaultPath(name string) string {
	own := "/idp-" + name
	switch v.Profile {
	case ProfileKeycloak:
		return "/realms/" + orText(v.Realm, name)
	case ProfileOkta:
		if v.Server == OrgServer {
			return own
		}
		return "/oauth2/" + orText(v.Server, "default")
	case ProfileAuth0, ProfileJumpCloud:
		return own + "/"
	case ProfileEntra:
		tenant := orText(v.Tenant, guidOf("tenant", name))
		if v.Version == 1 {
			return "/" + tenant + "/"
		}
		return "/" + tenant + "/v2.0"
	}
	return own
}

func orText(s, absent string) string {
	if s != "" {
		return s
	}
	return absent
}
