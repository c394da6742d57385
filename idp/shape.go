package idp

import (
	"fmt"
	"slices"
	"strings"
)

// Values of the fields of [Shape].
const (
	// Of IssuerSlash.
	SlashPresent = "present"
	SlashAbsent  = "absent"
	// Of Audience and IDTokenAudience: auto is a string for one, a list for
	// several; string is the first of several.
	AudienceAuto   = "auto"
	AudienceString = "string"
	AudienceList   = "list"
	AudienceAbsent = "absent"
	// Of Scope.
	ScopeString = "string"
	ScopeList   = "list"
	ScopeAbsent = "absent"
	// Of Groups: bare is a string for one group and a list for several, comma
	// one string of all, empty a list of nothing whatever the groups.
	GroupsList   = "list"
	GroupsBare   = "bare"
	GroupsComma  = "comma"
	GroupsEmpty  = "empty"
	GroupsAbsent = "absent"
	// Of NoGroups.
	NoGroupsEmpty  = "empty"
	NoGroupsAbsent = "absent"
	// Of GroupsOverage: truncate keeps the first, pointer has _claim_names and
	// _claim_sources (OpenID Connect Core 1.0, section 5.6.2) in their place,
	// absent nothing, refuse fails the request.
	OverageTruncate = "truncate"
	OveragePointer  = "pointer"
	OverageAbsent   = "absent"
	OverageRefuse   = "refuse"
	// Of EmailVerified.
	VerifiedBoolean = "boolean"
	VerifiedString  = "string"
	VerifiedAbsent  = "absent"
	// Of AccessToken: opaque says nothing, encrypted is a JWE that its issuer
	// alone can read; either is good for this provider's own endpoints only.
	AccessTokenJWT       = "jwt"
	AccessTokenOpaque    = "opaque"
	AccessTokenEncrypted = "encrypted"
	// Of AccessTokenTyp.
	TypJWT         = typeJWT
	TypAccessToken = typeAccessToken
	TypAbsent      = "absent"
	// Of UserClaims: tokens is everywhere.
	UserClaimsTokens = "tokens"
	// UserClaimsUserInfo leaves the subject in the tokens and nothing else about
	// the person.
	UserClaimsUserInfo = "userinfo"
)

// NoGroupsLimit is a GroupsLimit that is never reached.
const NoGroupsLimit = -1

// Shape is in what form claims travel: the points at which identity providers
// differ and relying parties break. A field that is zero is as the profile has
// it.
type Shape struct {
	// IssuerSlash puts a slash at the end of Config.Issuer or takes it away.
	// Empty: the issuer is left as it is given.
	IssuerSlash string
	// Audience of access tokens, IDTokenAudience of ID tokens.
	Audience, IDTokenAudience string
	// Scope is the form of the scopes in access tokens, ScopeClaim the claim
	// that holds them.
	Scope, ScopeClaim string
	// Groups is the form of the groups, GroupsClaim the claim that holds them,
	// NoGroups what someone has who is in none.
	Groups, GroupsClaim, NoGroups string
	// GroupsLimit is how many groups a token may hold, GroupsOverage what
	// happens above. NoGroupsLimit: any number.
	GroupsLimit   int
	GroupsOverage string
	// EmailVerified is the form of the email_verified claim.
	EmailVerified string
	// AccessToken is what an access token is.
	AccessToken string
	// AccessTokenTyp is the typ in the header of access tokens; a client that
	// asks for at+jwt gets that. typ of ID tokens is JWT, or absent where this
	// is.
	AccessTokenTyp string
	// UserClaims is where the claims about the person are.
	UserClaims string
	// Subject is the subject type.
	Subject string
}

// choices are what may be written in a field of Shape.
var choices = map[string][]string{
	"issuer_slash":      {SlashPresent, SlashAbsent},
	"audience":          {AudienceAuto, AudienceString, AudienceList, AudienceAbsent},
	"id_token_audience": {AudienceString, AudienceList},
	"scope":             {ScopeString, ScopeList, ScopeAbsent},
	"groups":            {GroupsList, GroupsBare, GroupsComma, GroupsEmpty, GroupsAbsent},
	"no_groups":         {NoGroupsEmpty, NoGroupsAbsent},
	"groups_overage":    {OverageTruncate, OveragePointer, OverageAbsent, OverageRefuse},
	"email_verified":    {VerifiedBoolean, VerifiedString, VerifiedAbsent},
	"access_token":      {AccessTokenJWT, AccessTokenOpaque, AccessTokenEncrypted},
	"access_token_typ":  {TypJWT, TypAccessToken, TypAbsent},
	"user_claims":       {UserClaimsTokens, UserClaimsUserInfo},
	"subject":           {SubjectPublic, SubjectPairwise},
}

// texts are the fields that hold a text, by their names in a Provider document.
func (s *Shape) texts() map[string]*string {
	return map[string]*string{
		"issuer_slash":      &s.IssuerSlash,
		"audience":          &s.Audience,
		"id_token_audience": &s.IDTokenAudience,
		"scope":             &s.Scope,
		"scope_claim":       &s.ScopeClaim,
		"groups":            &s.Groups,
		"groups_claim":      &s.GroupsClaim,
		"no_groups":         &s.NoGroups,
		"groups_overage":    &s.GroupsOverage,
		"email_verified":    &s.EmailVerified,
		"access_token":      &s.AccessToken,
		"access_token_typ":  &s.AccessTokenTyp,
		"user_claims":       &s.UserClaims,
		"subject":           &s.Subject,
	}
}

// over fills what s leaves open from a preset.
func (s Shape) over(preset Shape) Shape {
	from := preset.texts()
	for name, field := range s.texts() {
		if *field == "" {
			*field = *from[name]
		}
	}
	if s.GroupsLimit == 0 {
		s.GroupsLimit = preset.GroupsLimit
	}
	return s
}

// check says what is wrong, field by field.
func (s Shape) check(report func(field, format string, args ...any)) {
	for name, field := range s.texts() {
		allowed, closed := choices[name]
		if closed && *field != "" && !slices.Contains(allowed, *field) {
			report(name, "is %q; there are %s", *field, strings.Join(allowed, ", "))
		}
	}
	for _, claim := range []struct{ name, value string }{{"scope_claim", s.ScopeClaim}, {"groups_claim", s.GroupsClaim}} {
		if claim.value != "scope" && slices.Contains(protocolClaims, claim.value) {
			report(claim.name, "is %q, which the provider sets itself; choose another name", claim.value)
		}
	}
	if s.GroupsLimit < NoGroupsLimit {
		report("groups_limit", "is %d; it is a number of groups, or -1 for any number", s.GroupsLimit)
	}
}

// withSlash applies IssuerSlash.
func (s Shape) withSlash(issuer string) string {
	bare := strings.TrimRight(issuer, "/")
	switch s.IssuerSlash {
	case SlashPresent:
		return bare + "/"
	case SlashAbsent:
		return bare
	}
	return issuer
}

// audienceIn puts an audience into one of its forms; nil: there is no claim.
func audienceIn(form string, audience []string) any {
	switch {
	case form == AudienceAbsent || len(audience) == 0:
		return nil
	case form == AudienceList || form == AudienceAuto && len(audience) > 1:
		return audience
	}
	return audience[0]
}

// scopeIn puts scopes into one of their forms; nil: there is no claim.
func scopeIn(form string, scope scopeList) any {
	switch form {
	case ScopeList:
		return append([]string{}, scope...)
	case ScopeAbsent:
		return nil
	}
	return scope.String()
}

// groupsIn puts groups into one of their forms; nil: there is no claim.
func (s Shape) groupsIn(groups []string) any {
	switch {
	case s.Groups == GroupsAbsent:
		return nil
	case s.Groups == GroupsEmpty:
		return []string{}
	case len(groups) == 0 && s.NoGroups == NoGroupsAbsent:
		return nil
	case s.Groups == GroupsComma:
		return strings.Join(groups, ",")
	case s.Groups == GroupsBare && len(groups) == 1:
		return groups[0]
	case groups == nil:
		return []string{}
	}
	return groups
}

// verifiedIn puts email_verified into one of its forms; nil: there is no claim.
func verifiedIn(form string, verified bool) any {
	switch form {
	case VerifiedAbsent:
		return nil
	case VerifiedString:
		return fmt.Sprint(verified)
	}
	return verified
}
