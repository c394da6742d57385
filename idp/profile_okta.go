package idp

import (
	"net/http"
	"strings"
	"time"
)

// okta is an authorization server of Okta with a groups claim added to its
// tokens, or with OrgServer the organisation's own. Sources are Okta's OIDC
// reference and the guides on customizing tokens.
func okta(v Vendor) *profile {
	org := v.Server == OrgServer
	preset := generic().shape
	preset.Scope, preset.ScopeClaim = ScopeList, "scp"
	preset.Audience = AudienceString
	preset.NoGroups = NoGroupsAbsent
	// Documented as a failure in one place and as this in another; Shape has both.
	preset.GroupsLimit, preset.GroupsOverage = 100, OverageTruncate
	preset.AccessTokenTyp = TypAbsent
	// The ID token is thin: the rest of the profile is in userinfo.
	rows := append(profileRows(inUserInfo),
		ofPerson("name", inID, scopeProfile, func(p *Person) string { return p.Name }),
		ofPerson("preferred_username", inID|inUserInfo, scopeProfile, loginName),
		emailRow(inID|inUserInfo), verifiedRow(inUserInfo),
		claim{name: "amr", in: inID, value: signInMethods},
		claim{name: "idp", in: inID, value: func(f *facts) any { return "00o" + derivedText("okta", f.config.Issuer, 17) }},
	)
	rows = append(rows, protocolRows()...)
	rows = append(rows,
		fixed("ver", inTokens, constant(1)),
		fixed("jti", inAccess, func(f *facts) any { return "AT." + f.id }),
		fixed("jti", inID, func(f *facts) any { return "ID." + f.id }),
		fixed("cid", inAccess, clientID),
		fixed("uid", inAccess, forPeople(func(f *facts) any { return oktaUser(f.Provider, f.person, inID) })),
		fixed("auth_time", inTokens, authTime),
		fixed("sid", inID, sessionID),
		fixed("at_hash", inID, accessTokenHash),
	)
	below := ""
	groupsIn := inEverything
	if org {
		below = "/oauth2"
		groupsIn = inID | inUserInfo
	}
	p := &profile{
		name: ProfileOkta, shape: preset, claims: rows, groupsIn: groupsIn,
		paths: Paths{
			Authorize: below + "/v1/authorize", Token: below + "/v1/token", UserInfo: below + "/v1/userinfo",
			Keys: below + "/v1/keys", Revoke: below + "/v1/revoke", Logout: below + "/v1/logout",
			Introspect: below + "/v1/introspect", DeviceAuthorization: below + "/v1/device/authorize", Push: below + "/v1/par",
			Register: below + "/v1/clients", Device: below + "/v1/activate", SignIn: below + "/v1/signin",
		},
		subject:  oktaUser,
		audience: func(f *facts) []string { return []string{"api://" + orText(v.Server, "default")} },
		readID: func(jti string) string {
			id, ok := strings.CutPrefix(jti, "AT.")
			if !ok {
				return ""
			}
			return id
		},
		clientClaim: "cid", idClaim: "jti",
		accessLifetime: time.Hour, idLifetime: time.Hour, refreshLifetime: 7 * 24 * time.Hour, codeLifetime: time.Minute,
		refresh: func(c *Client) refreshPolicy {
			if c.public() {
				return rotateRefresh
			}
			return sameRefresh
		},
		refreshNeedsOffline: true,
		with: map[string]any{
			"scopes_supported": []string{"openid", "profile", "email", "address", "phone", "offline_access", "groups"},
			"claims_supported": []string{"iss", "ver", "sub", "aud", "iat", "exp", "jti", "auth_time", "amr", "idp", "nonce", "name", "preferred_username", "given_name", "family_name", "email", "email_verified"},
		},
		refusals: []refusal{
			{at: tokenEndpoint, code: errInvalidClient, newMessage: "The client secret supplied for a confidential client is invalid, or no client credentials were found."},
			{at: tokenEndpoint, code: errInvalidGrant, grant: GrantAuthorizationCode, newMessage: "The authorization code is invalid or has expired."},
			{at: tokenEndpoint, code: errInvalidGrant, grant: GrantRefreshToken, newMessage: "The refresh token is invalid or expired."},
			{at: tokenEndpoint, code: errInvalidGrant, grant: GrantPassword, newMessage: "The credentials provided were invalid."},
		},
		bareUserInfo: true, colonBasic: true,
	}
	if org {
		p.audience = func(f *facts) []string { return []string{f.base} }
		p.keys = keyStyle{hideAccess: true}
	} else {
		p.neighbours = "/oauth2/"
		p.lost = func(p *Provider, name string) (int, any) {
			// The format of Okta's management API.
			return http.StatusNotFound, map[string]any{
				"errorCode":    "E0000007",
				"errorSummary": "Not found: Resource not found: " + ascii(shorten(name, 60)) + " (AuthorizationServer)",
				"errorLink":    "E0000007", "errorId": "oae" + derivedText("okta error", name, 22), "errorCauses": []any{},
			}
		}
	}
	return p
}

// oktaUser is the sub: the login in access tokens, the user's id elsewhere.
func oktaUser(_ *Provider, person *Person, in carrier) string {
	if in == inAccess {
		return loginName(person)
	}
	return "00u" + derivedText("okta user", person.Login, 17)
}

// loginName is a login as vendors have it for whom a login is an address.
func loginName(p *Person) string {
	if strings.Contains(p.Login, "@") || p.Email == "" {
		return p.Login
	}
	return p.Email
}
