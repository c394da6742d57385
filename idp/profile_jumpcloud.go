package idp

import "time"

// jumpcloud is JumpCloud, whose provider has the shape of Ory Hydra, with the
// groups attribute included under the name groups. Sources are its support
// pages and the real claims in goharbor/harbor issues 20779 and 22289.
func jumpcloud() *profile {
	preset := generic().shape
	preset.IDTokenAudience = AudienceList
	preset.Audience = AudienceList
	preset.Groups, preset.NoGroups = GroupsBare, NoGroupsAbsent
	preset.AccessToken = AccessTokenOpaque
	about := inID | inUserInfo
	rows := append(profileRows(about)[1:3], emailRow(about), verifiedRow(about))
	rows = append(rows, protocolRows()...)
	rows = append(rows,
		fixed("iss", inUserInfo, func(f *facts) any { return f.config.Issuer }),
		fixed("aud", inUserInfo, clientAudience),
		fixed("iat", inUserInfo, issuedAt),
		fixed("rat", about, issuedAt),
		fixed("auth_time", about, authTime),
		fixed("jti", inID, func(f *facts) any { return guidOf("id token", f.id) }),
		fixed("sid", inID, sessionID),
		fixed("at_hash", inID, accessTokenHash),
	)
	return &profile{
		name: ProfileJumpCloud, shape: preset, claims: rows, groupsIn: inEverything,
		paths: Paths{
			Authorize: "/oauth2/auth", Token: "/oauth2/token", UserInfo: "/userinfo", Keys: "/.well-known/jwks.json",
			Revoke: "/oauth2/revoke", Logout: "/oauth2/sessions/logout", SignIn: "/login",
		},
		subject: func(_ *Provider, person *Person, _ carrier) string {
			return derivedHex("jumpcloud", person.Login)
		},
		opaquePrefix: "ory_at_",
		clientClaim:  "client_id", idClaim: "jti",
		sid: idToUUID, readSID: uuidToID,
		accessLifetime: time.Hour, idLifetime: time.Hour, refreshLifetime: 30 * 24 * time.Hour,
		refreshNeedsOffline: true,
		with: map[string]any{
			"scopes_supported": []string{"openid", "profile", "email", "offline_access"},
			"claims_supported": []string{"iss", "sub", "aud", "exp", "iat", "rat", "auth_time", "email", "email_verified", "given_name", "family_name"},
		},
		body: func(_ *Provider, r refusal, code, description string) any {
			return map[string]any{
				"error": code, "error_description": description,
				"error_hint": description, "error_verbose": description, "status_code": r.status,
			}
		},
	}
}
