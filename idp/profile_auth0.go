package idp

import (
	"net/http"
	"strings"
	"time"
)

// auth0 is Auth0 with an Action that puts e-mail and groups under the namespace
// into both tokens, since neither can be in an access token otherwise. Sources
// are Auth0's pages on tokens, their profiles and custom claims, and the auth0
// module of Backstage for the addresses.
func auth0(v Vendor) *profile {
	preset := generic().shape
	preset.NoGroups = NoGroupsEmpty
	atJWT := func(f *facts) bool { return f.accessType(f.client) == typeAccessToken }
	rows := append(profileRows(inID|inUserInfo),
		ofPerson("nickname", inID|inUserInfo, scopeProfile, func(p *Person) string { return p.Login }),
		// Text, not the number of OpenID Connect Core 1.0, section 5.1.
		claim{name: "updated_at", in: inID | inUserInfo, scope: scopeProfile, value: func(f *facts) any {
			return f.now.UTC().Format("2006-01-02T15:04:05.000Z")
		}},
		emailRow(inID|inUserInfo), verifiedRow(inID|inUserInfo),
		claim{name: "email", in: inTokens, custom: true, value: forPeople(func(f *facts) any { return textOrNil(f.person.Email) })},
	)
	rows = append(rows, protocolRows()...)
	rows = append(rows,
		fixed("azp", inAccess, func(f *facts) any {
			if atJWT(f) {
				return nil
			}
			return f.client.ID
		}),
		fixed("client_id", inAccess, func(f *facts) any {
			if atJWT(f) {
				return f.client.ID
			}
			return nil
		}),
		fixed("jti", inAccess, func(f *facts) any {
			if atJWT(f) {
				return f.id
			}
			return nil
		}),
		fixed("gty", inAccess, func(f *facts) any {
			if f.person != nil {
				return nil
			}
			return "client-credentials"
		}),
		fixed("sid", inID, sessionID),
		fixed("auth_time", inID, func(f *facts) any {
			if !f.maxAged {
				return nil
			}
			return authTime(f)
		}),
	)
	return &profile{
		name: ProfileAuth0, shape: preset, claims: rows, groupsIn: inEverything,
		namespace: func(p *Provider) string {
			if v.Namespace == "" {
				return p.base + "/"
			}
			return strings.TrimSuffix(v.Namespace, "/") + "/"
		},
		paths: Paths{
			Authorize: "/authorize", Token: "/oauth/token", UserInfo: "/userinfo", Keys: "/.well-known/jwks.json",
			Revoke: "/oauth/revoke", Logout: "/oidc/logout",
			DeviceAuthorization: "/oauth/device/code", Push: "/oauth/par", Register: "/oidc/register", Device: "/activate", SignIn: "/u/login",
		},
		returnTo: "/v2/logout",
		subject: func(_ *Provider, person *Person, _ carrier) string {
			return "auth0|" + derivedHex("auth0", person.Login)
		},
		clientSubject: func(id string) string { return id + "@clients" },
		moreAudience: func(f *facts) []string {
			if f.person != nil && f.scope.has(scopeOpenID) {
				return []string{f.base + "/userinfo"}
			}
			return nil
		},
		restricted: []string{"groups", "roles", "permissions", "entitlements", "sid", "amr", "acr", "org_id", "org_name"},
		form: func(f *facts) string {
			if f.defaultAudience() {
				return AccessTokenEncrypted
			}
			return AccessTokenJWT
		},
		clientClaim: "azp", clientClaimToo: "client_id", idClaim: "jti", namelessTokens: true,
		keys:           keyStyle{kidLength: 21},
		accessLifetime: 24 * time.Hour, idLifetime: 10 * time.Hour,
		refresh:             func(*Client) refreshPolicy { return staticRefresh },
		refreshNeedsOffline: true,
		with: map[string]any{
			"scopes_supported": []string{"openid", "profile", "email", "address", "phone", "offline_access"},
			"claims_supported": []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "name", "given_name", "family_name", "nickname", "picture", "email", "email_verified"},
		},
		refusals: []refusal{
			{at: tokenEndpoint, code: errInvalidClient, status: http.StatusUnauthorized, newCode: errAccessDenied, newMessage: "Unauthorized"},
			{at: tokenEndpoint, code: errInvalidTarget, status: http.StatusForbidden, newCode: errAccessDenied, newMessage: "Service not found"},
			{at: tokenEndpoint, code: errInvalidGrant, grant: GrantAuthorizationCode, status: http.StatusForbidden, newMessage: "Invalid authorization code"},
			{at: tokenEndpoint, code: errInvalidGrant, grant: GrantRefreshToken, status: http.StatusForbidden, newMessage: "Unknown or invalid refresh token."},
			{at: tokenEndpoint, code: errInvalidGrant, grant: GrantPassword, status: http.StatusForbidden, newMessage: "Wrong email or password."},
		},
		bareUserInfo: true, userInfoRefusals: "Unauthorized", tokenInAddress: true,
	}
}
