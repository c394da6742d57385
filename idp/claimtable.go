package idp

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// carrier is where claims travel; a set of them is their sum.
type carrier uint8

const (
	inAccess carrier = 1 << iota
	inID
	inUserInfo

	inTokens     = inAccess | inID
	inEverything = inTokens | inUserInfo
)

// carriers are their names in documents.
var carriers = map[string]carrier{"access": inAccess, "id": inID, "userinfo": inUserInfo}

// claim is one row of a vendor's table: a claim, where it travels, without
// which scope it is not given (empty: always), and its value, nil where there
// is none this time.
type claim struct {
	name  string
	in    carrier
	scope string
	value func(*facts) any
	// fixed rows are the provider's own: neither documents nor mappings nor
	// people at the sign-in page change them.
	fixed bool
	// custom rows have the vendor's namespace before their name.
	custom bool
}

// facts is all that claims are made of.
type facts struct {
	*Provider
	issuance
	// client of the issuance: the provider has a method of that name.
	client   *Client
	in       carrier
	now      time.Time
	lifetime time.Duration
	// alg signs; accessToken goes along with an ID token.
	alg, accessToken string
}

func (p *Provider) factsOf(in issuance, carried carrier, now time.Time) *facts {
	return &facts{Provider: p, issuance: in, client: in.client, in: carried, now: now}
}

// gather makes the claims of one token or of userinfo. Every path (code,
// refresh, password, mint, userinfo, introspection) takes them from here, so
// that they never differ.
//
// In the generic profile groups are claimed whatever the scope: a Console reads
// them from the bearer token and knows no scope for them, and a company's real
// provider is configured to send them always. So are the person's extra claims.
// They also stand in the access token, where OpenID Connect would have userinfo
// only, because the Console sees no other token.
//
// An extra claim takes the place of a standard one of that name, and null
// removes it: that is how a document gets an email_verified that is the string
// "true", or no groups at all, as some vendors have it.
func (f *facts) gather(ctx context.Context) (map[string]any, error) {
	claims := make(map[string]any, 32)
	hidden := f.person != nil && f.in != inUserInfo && f.shape.UserClaims == UserClaimsUserInfo
	if !hidden {
		f.fill(claims, false)
		if err := f.addGroups(claims); err != nil {
			return nil, err
		}
		f.addExtras(claims)
	}
	if err := f.addMapped(ctx, claims); err != nil {
		return nil, err
	}
	f.fill(claims, true)
	if f.in == inAccess {
		f.addScope(claims)
	}
	return claims, nil
}

// addScope adds the scopes in the shape asked for.
func (f *facts) addScope(claims map[string]any) {
	delete(claims, f.shape.ScopeClaim)
	scope := f.scope
	if f.profile.shownScope != nil {
		if scope = f.profile.shownScope(f); scope == nil {
			return
		}
	} else if len(scope) == 0 && f.profile.name == ProfileGeneric && f.shape.Scope != ScopeList {
		// A text has one scope at least (RFC 6749, section 3.3), whatever
		// vendors write.
		return
	}
	if value := scopeIn(f.shape.Scope, scope); value != nil {
		claims[f.shape.ScopeClaim] = value
	}
}

// fill adds the rows of the vendor's table.
func (f *facts) fill(claims map[string]any, fixed bool) {
	for i := range f.profile.claims {
		row := &f.profile.claims[i]
		if row.fixed != fixed || row.in&f.in == 0 || row.scope != "" && f.person != nil && !f.scope.has(row.scope) {
			continue
		}
		name := row.name
		if row.custom {
			name = f.profile.namespace(f.Provider) + name
		}
		if value := row.value(f); value != nil {
			claims[name] = value
		} else if fixed {
			delete(claims, name)
		}
	}
}

// addExtras adds what the document of the person, or of the client that asks
// for itself, has beside the standard.
func (f *facts) addExtras(claims map[string]any) {
	extras := f.client.Claims
	if f.person != nil {
		extras = f.person.Claims
		if f.in == inUserInfo && f.profile.closedUserInfo {
			return
		}
	}
	for name, value := range extras {
		if slices.Contains(f.profile.restricted, name) {
			continue
		}
		if value == nil {
			delete(claims, name)
			continue
		}
		if f.person == nil || f.takes(name) {
			claims[name] = value
		}
	}
}

// takes tells whether a claim may be here: one of the vendor's table where that
// has it and by its scope, any other everywhere.
func (f *facts) takes(name string) bool {
	known := false
	for i := range f.profile.claims {
		row := &f.profile.claims[i]
		if row.name != name || row.custom {
			continue
		}
		known = true
		if row.in&f.in != 0 && (row.scope == "" || f.scope.has(row.scope)) {
			return true
		}
	}
	return !known
}

// isFixed tells a claim that is the provider's own.
func (v *profile) isFixed(name string) bool {
	if slices.Contains(protocolClaims, name) {
		return true
	}
	return slices.ContainsFunc(v.claims, func(row claim) bool { return row.fixed && row.name == name })
}

// addGroups adds the groups in the shape asked for.
func (f *facts) addGroups(claims map[string]any) error {
	if f.person == nil || f.in&f.profile.groupsIn == 0 {
		return nil
	}
	name := f.groupsClaim()
	groups := f.person.Groups
	if limit := f.shape.GroupsLimit; limit >= 0 && len(groups) > limit && f.shape.Groups != GroupsAbsent && f.shape.Groups != GroupsEmpty {
		switch f.shape.GroupsOverage {
		case OverageTruncate:
			groups = groups[:limit]
		case OverageRefuse:
			return refuse(errInvalidRequest, fmt.Sprintf("the person '%s' is in %d groups, and a token may hold %d (the provider's groups_limit)", f.person.Login, len(groups), limit))
		case OveragePointer:
			// OpenID Connect Core 1.0, section 5.6.2: a claim of a distributed source.
			claims["_claim_names"] = map[string]any{name: "src1"}
			claims["_claim_sources"] = map[string]any{"src1": map[string]any{"endpoint": f.base + groupsEndpoint(f.Provider, f.person)}}
			return nil
		default:
			return nil
		}
	}
	if value := f.shape.groupsIn(f.groupsNamed(groups)); value != nil {
		claims[name] = value
	}
	return nil
}

// groupsClaim is the name of the groups claim, below the vendor's namespace if
// it has one.
func (p *Provider) groupsClaim() string {
	if p.profile.namespace != nil && !strings.Contains(p.shape.GroupsClaim, "://") {
		return p.profile.namespace(p) + p.shape.GroupsClaim
	}
	return p.shape.GroupsClaim
}

// groupsNamed are groups as the vendor names them.
func (p *Provider) groupsNamed(groups []string) []string {
	if p.profile.group == nil || groups == nil {
		return groups
	}
	named := make([]string, len(groups))
	for i, group := range groups {
		named[i] = p.profile.group(p, group)
	}
	return named
}

// Rows that vendors share.

func ofPerson(name string, in carrier, scope string, value func(*Person) string) claim {
	return claim{name: name, in: in, scope: scope, value: func(f *facts) any {
		if f.person == nil {
			return nil
		}
		return textOrNil(value(f.person))
	}}
}

// profileRows are the claims of scope profile that a person's document has.
func profileRows(in carrier) []claim {
	return []claim{
		ofPerson("name", in, scopeProfile, func(p *Person) string { return p.Name }),
		ofPerson("given_name", in, scopeProfile, func(p *Person) string { return p.GivenName }),
		ofPerson("family_name", in, scopeProfile, func(p *Person) string { return p.FamilyName }),
		ofPerson("picture", in, scopeProfile, func(p *Person) string { return p.Picture }),
	}
}

func emailRow(in carrier) claim {
	return ofPerson("email", in, scopeEmail, func(p *Person) string { return p.Email })
}

func verifiedRow(in carrier) claim {
	return claim{name: "email_verified", in: in, scope: scopeEmail, value: func(f *facts) any {
		if f.person == nil || f.person.Email == "" {
			return nil
		}
		return verifiedIn(f.shape.EmailVerified, f.person.EmailVerified)
	}}
}

func fixed(name string, in carrier, value func(*facts) any) claim {
	return claim{name: name, in: in, value: value, fixed: true}
}

// protocolRows are the claims that every vendor's tokens have.
func protocolRows() []claim {
	return []claim{
		fixed("iss", inTokens, func(f *facts) any { return f.issuerOf(f.in) }),
		fixed("sub", inEverything, func(f *facts) any { return f.subjectOf() }),
		fixed("aud", inAccess, func(f *facts) any { return audienceIn(f.shape.Audience, f.audience) }),
		fixed("aud", inID, clientAudience),
		fixed("iat", inTokens, issuedAt),
		fixed("exp", inTokens, func(f *facts) any { return f.now.Add(f.lifetime).Unix() }),
		fixed("nonce", inID, func(f *facts) any { return textOrNil(f.nonce) }),
	}
}

func clientAudience(f *facts) any {
	return audienceIn(f.shape.IDTokenAudience, []string{f.client.ID})
}

func clientID(f *facts) any  { return f.client.ID }
func issuedAt(f *facts) any  { return f.now.Unix() }
func sessionID(f *facts) any { return textOrNil(f.shownSID(f.sid)) }
func tokenIDOf(f *facts) any { return f.id }

func authTime(f *facts) any {
	if f.person == nil || f.authTime.IsZero() {
		return nil
	}
	return f.authTime.Unix()
}

// signInClass is the acr, signInMethods the amr (OpenID Connect Core 1.0,
// section 2), of a sign-in that is known. What the person's document says of
// them stands.
func signInClass(f *facts) any {
	if f.person == nil {
		return nil
	}
	return textOrNil(f.acr)
}

func signInMethods(f *facts) any {
	if f.person == nil || f.acr == "" {
		return nil
	}
	return f.methodsOf(f.acr)
}

func accessTokenHash(f *facts) any {
	if f.accessToken == "" {
		return nil
	}
	return leftHalf(f.alg, f.accessToken)
}

// constant is a claim that is always the same.
func constant(value any) func(*facts) any { return func(*facts) any { return value } }

// forPeople is a value that tokens of a client for itself have not.
func forPeople(value func(*facts) any) func(*facts) any {
	return func(f *facts) any {
		if f.person == nil {
			return nil
		}
		return value(f)
	}
}

func textOrNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// issuerOf is the iss of what travels: Entra's APIs decide on theirs.
func (p *Provider) issuerOf(in carrier) string {
	if in == inAccess {
		return p.access
	}
	return p.config.Issuer
}

// subjectOf is the sub: the person's, or the client's where it asks for itself
// (RFC 9068, section 2.2).
func (f *facts) subjectOf() string {
	if f.person != nil {
		return f.subject(f.person, f.client, f.in)
	}
	if f.profile.clientSubject != nil {
		return f.profile.clientSubject(f.client.ID)
	}
	return f.client.ID
}

// subject is the sub by which a client knows a person.
func (p *Provider) subject(person *Person, client *Client, in carrier) string {
	if p.profile.subject == nil && p.shape.Subject == SubjectPublic {
		return client.subject(person)
	}
	sub := person.Sub
	if p.profile.subject != nil && sub == SubjectOf(person.Login) {
		sub = p.profile.subject(p, person, in)
	}
	if p.shape.Subject == SubjectPairwise {
		// As Entra has it: one for each client, without structure.
		return derivedToken("pairwise", p.config.Issuer+"\x00"+client.ID+"\x00"+sub)
	}
	if client.SubjectType == SubjectPairwise {
		return client.subject(person)
	}
	return sub
}

// shownSID is the id of a session as tokens have it.
func (p *Provider) shownSID(sid string) string {
	if sid == "" || p.profile.sid == nil {
		return sid
	}
	return p.profile.sid(sid)
}

// accessType is the typ of a client's access tokens.
func (p *Provider) accessType(c *Client) string {
	switch {
	case p.profile.keys.hideAccess:
		return typeHidden
	case c.AccessTokenType == typeAccessToken || p.shape.AccessTokenTyp == TypAccessToken:
		return typeAccessToken
	case p.shape.AccessTokenTyp == TypAbsent:
		return typeNone
	}
	return typeJWT
}

// idType is the typ of ID tokens.
func (p *Provider) idType() string {
	if p.shape.AccessTokenTyp == TypAbsent {
		return typeNone
	}
	return typeJWT
}

// defaultAudience tells whether neither request nor client chose an audience.
func (in *issuance) defaultAudience() bool {
	return len(in.client.Audience) == 0 && len(in.audience) == 1 && in.audience[0] == in.client.ID
}
