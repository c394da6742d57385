package idp

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// graphAudience is Microsoft Graph, which tokens are for that ask for no API.
const graphAudience = "00000003-0000-0000-c000-000000000000"

// entra is Microsoft Entra ID with the groups claim on for security groups.
// Sources are the claims references, the pages on access and ID tokens and on
// the code flow in MicrosoftDocs/entra-docs; AADSTS numbers are general
// knowledge.
func entra(v Vendor) *profile {
	one := v.Version == 1
	accessOne := v.AccessTokenVersion == 1 || v.AccessTokenVersion == 0 && one
	preset := generic().shape
	preset.Audience = AudienceString
	preset.ScopeClaim = "scp"
	preset.NoGroups = NoGroupsAbsent
	preset.GroupsLimit, preset.GroupsOverage = 200, OveragePointer
	preset.EmailVerified = VerifiedAbsent
	preset.Subject = SubjectPairwise
	rows := []claim{
		{name: "name", in: inTokens, scope: scopeProfile, value: forPeople(func(f *facts) any { return f.person.Name })},
		{name: "name", in: inUserInfo, value: forPeople(func(f *facts) any { return f.person.Name })},
		ofPerson("given_name", inUserInfo, "", func(p *Person) string { return p.GivenName }),
		ofPerson("family_name", inUserInfo, "", func(p *Person) string { return p.FamilyName }),
		ofPerson("picture", inUserInfo, "", func(p *Person) string { return p.Picture }),
		ofPerson("email", inUserInfo, "", func(p *Person) string { return p.Email }),
		emailRow(inID),
	}
	// onlyIn are the carriers of a version.
	onlyIn := func(version int) (in carrier) {
		if one == (version == 1) {
			in |= inID
		}
		if accessOne == (version == 1) {
			in |= inAccess
		}
		return in
	}
	v1, v2 := onlyIn(1), onlyIn(2)
	rows = append(rows,
		ofPerson("preferred_username", v2, scopeProfile, loginName),
		ofPerson("upn", v1, "", loginName),
		ofPerson("unique_name", v1, "", loginName),
		ofPerson("given_name", v1, "", func(p *Person) string { return p.GivenName }),
		ofPerson("family_name", v1, "", func(p *Person) string { return p.FamilyName }),
		claim{name: "acr", in: v1 & inAccess, value: signInClass},
		claim{name: "amr", in: v1, value: signInMethods},
		claim{name: "oid", in: inID, scope: scopeProfile, value: objectID},
		claim{name: "oid", in: inAccess, value: objectID},
	)
	rows = append(rows, protocolRows()...)
	version := func(name string, version int, in carrier) claim {
		text := map[int]string{1: "1.0", 2: "2.0"}[version]
		return fixed(name, onlyIn(version)&in, constant(text))
	}
	rows = append(rows,
		fixed("nbf", inTokens, issuedAt),
		fixed("tid", inAccess, func(f *facts) any { return tenantOf(f.Provider, v) }),
		fixed("tid", inID, func(f *facts) any {
			if !f.scope.has(scopeProfile) {
				return nil
			}
			return tenantOf(f.Provider, v)
		}),
		version("ver", 1, inTokens), version("ver", 2, inTokens),
		fixed("azp", v2&inAccess, clientID),
		fixed("azpacr", v2&inAccess, clientProof),
		fixed("appid", v1&inAccess, clientID),
		fixed("appidacr", v1&inAccess, clientProof),
		fixed("idtyp", inAccess, func(f *facts) any {
			if f.person != nil {
				return nil
			}
			return "app"
		}),
		fixed("uti", inAccess, func(f *facts) any { return strings.Replace(f.id, ".", "", 1) }),
		fixed("uti", inID, func(f *facts) any { return derivedToken("uti", f.id)[:22] }),
		fixed("rh", inTokens, func(f *facts) any { return "0." + derivedToken("rh", f.client.ID) + "." }),
		fixed("aio", inTokens, func(f *facts) any { return derivedToken("aio", f.id) + derivedToken("aio more", f.id) }),
	)
	p := &profile{
		name: ProfileEntra, shape: preset, claims: rows, groupsIn: inTokens,
		subject: func(_ *Provider, person *Person, _ carrier) string { return person.Sub },
		group: func(p *Provider, name string) string {
			if isGUID(name) {
				return name
			}
			return guidOf("group "+tenantOf(p, v), name)
		},
		audience: func(f *facts) []string {
			for _, scope := range f.scope {
				api, _, ok := cutAPI(scope)
				switch {
				case !ok:
				case accessOne:
					return []string{"api://" + api}
				case isGUID(api):
					return []string{api}
				default:
					return []string{guidOf("app", api)}
				}
			}
			return []string{graphAudience}
		},
		clientSubject:  func(id string) string { return guidOf("service principal", id) },
		closedUserInfo: true,
		clientClaim:    "azp", clientClaimToo: "appid", idClaim: "uti",
		readID: func(uti string) string {
			// The number follows an id of fixed length.
			if len(uti) <= idLength {
				return uti
			}
			return uti[:idLength] + "." + uti[idLength:]
		},
		shownScope: shownAPIScopes,
		// Scopes of OpenID Connect are not in a token for an API.
		readScope: func(scope scopeList) scopeList {
			for _, one := range []string{scopeOpenID, scopeProfile, scopeEmail} {
				if !scope.has(one) {
					scope = append(scope, one)
				}
			}
			return scope
		},
		keys:           keyStyle{sha1: true, x5t: true, issuer: true},
		accessLifetime: 3599 * time.Second, idLifetime: time.Hour, codeLifetime: 10 * time.Minute, refreshLifetime: 90 * 24 * time.Hour,
		refresh:             func(*Client) refreshPolicy { return keepOldRefresh },
		refreshNeedsOffline: true,
		refreshesAnyScope:   true,
		without: []string{
			"code_challenge_methods_supported", "grant_types_supported", "prompt_values_supported", "authorization_response_iss_parameter_supported",
		},
		with: map[string]any{
			"token_endpoint_auth_methods_supported": []string{AuthPost, "private_key_jwt", AuthBasic},
			"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
			"claims_supported":                      []string{"sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name", "tid", "ver", "at_hash", "c_hash", "email"},
		},
		extras: func(_ *facts, t *Tokens) map[string]any {
			return map[string]any{"ext_expires_in": t.ExpiresIn}
		},
		refusals: []refusal{
			{at: tokenEndpoint, code: errInvalidClient, status: http.StatusUnauthorized, number: 7000215, newMessage: "Invalid client secret provided."},
			{at: tokenEndpoint, code: errInvalidGrant, grant: GrantAuthorizationCode, number: 70008, newMessage: "The provided authorization code or refresh token has expired or was already redeemed."},
			{at: tokenEndpoint, code: errInvalidGrant, grant: GrantRefreshToken, number: 70008, newMessage: "The provided authorization code or refresh token has expired or was already redeemed."},
			{at: tokenEndpoint, code: errInvalidGrant, grant: GrantPassword, number: 50126, newMessage: "Error validating credentials due to invalid username or password."},
			{at: tokenEndpoint, code: errInvalidScope, number: 70011},
			{at: tokenEndpoint, code: errUnauthorizedClient, number: 700016},
			{at: tokenEndpoint, code: errUnsupportedGrantType, number: 70003},
			{at: tokenEndpoint, number: 900144},
		},
		body: entraRefusal,
	}
	if one {
		p.paths = Paths{
			Authorize: "/oauth2/authorize", Token: "/oauth2/token", UserInfo: "/openid/userinfo",
			Keys: "/discovery/keys", Logout: "/oauth2/logout",
			DeviceAuthorization: "/oauth2/devicecode", Device: "/oauth2/deviceauth", SignIn: "/oauth2/login",
		}
		p.extras = func(f *facts, t *Tokens) map[string]any {
			// The older endpoint writes its numbers as text.
			return map[string]any{
				"expires_in": decimal(t.ExpiresIn), "ext_expires_in": decimal(t.ExpiresIn),
				"expires_on": decimal(f.now.Unix() + t.ExpiresIn), "not_before": decimal(f.now.Unix()),
				"resource": f.audience[0],
			}
		}
	} else {
		p.tail = "/v2.0"
		p.paths = Paths{
			Authorize: "/oauth2/v2.0/authorize", Token: "/oauth2/v2.0/token", UserInfo: "/oidc/userinfo",
			Keys: "/discovery/v2.0/keys", Logout: "/oauth2/v2.0/logout",
			DeviceAuthorization: "/oauth2/v2.0/devicecode", Device: "/oauth2/v2.0/deviceauth", SignIn: "/oauth2/v2.0/login",
		}
		if accessOne {
			p.accessTail = "/"
		}
	}
	return p
}

// tenantOf is the directory id: the one given, or the GUID in the issuer, or
// one derived from it.
func tenantOf(p *Provider, v Vendor) string {
	if v.Tenant != "" {
		return v.Tenant
	}
	for part := range strings.SplitSeq(p.path, "/") {
		if isGUID(part) {
			return part
		}
	}
	return guidOf("tenant", p.base)
}

// objectID is the oid, the same at all clients of a tenant.
func objectID(f *facts) any {
	if f.person == nil {
		return guidOf("service principal", f.client.ID)
	}
	return entraObject(f.person)
}

func entraObject(person *Person) string {
	if isGUID(person.Sub) {
		return person.Sub
	}
	return guidOf("user", person.Login)
}

// clientProof is how the client showed who it is: 0 not at all, 1 by a secret.
func clientProof(f *facts) any {
	if f.client.public() {
		return "0"
	}
	return "1"
}

// cutAPI takes a scope of an API apart: api://APP/NAME.
func cutAPI(scope string) (api, name string, ok bool) {
	rest, ok := strings.CutPrefix(scope, "api://")
	if !ok {
		return "", scope, false
	}
	i := strings.LastIndexByte(rest, '/')
	if i <= 0 {
		return rest, "", true
	}
	return rest[:i], rest[i+1:], true
}

// shownAPIScopes are the scopes of the API without its name; an app's own token
// has roles in their place.
func shownAPIScopes(f *facts) scopeList {
	if f.person == nil {
		return nil
	}
	var shown scopeList
	for _, scope := range f.scope {
		switch _, name, isAPI := cutAPI(scope); {
		case isAPI && name != ".default" && name != "":
			shown = append(shown, name)
		case !isAPI && !slices.Contains([]string{scopeOpenID, scopeProfile, scopeEmail, scopeOfflineAccess}, scope):
			shown = append(shown, scope)
		}
	}
	if len(shown) > 0 {
		return shown
	}
	if slices.Equal(f.audience, []string{graphAudience}) {
		return scopeList{scopeOpenID, scopeProfile, "User.Read", scopeEmail}
	}
	return scopeList{"access_as_user"}
}
