package idp

// generic imitates no vendor: what OpenID Connect and RFC 9068 have, and beside
// it what resource servers commonly look for.
func generic() *profile {
	shape := Shape{
		Audience: AudienceAuto, IDTokenAudience: AudienceString,
		Scope: ScopeString, ScopeClaim: "scope",
		Groups: GroupsList, GroupsClaim: claimGroups, NoGroups: NoGroupsEmpty, GroupsLimit: NoGroupsLimit, GroupsOverage: OverageTruncate,
		EmailVerified: VerifiedBoolean, AccessToken: AccessTokenJWT, AccessTokenTyp: TypJWT,
		UserClaims: UserClaimsTokens, Subject: SubjectPublic,
	}
	rows := append(profileRows(inEverything),
		emailRow(inEverything), verifiedRow(inEverything),
		claim{name: "acr", in: inTokens, value: signInClass},
		claim{name: "amr", in: inTokens, value: signInMethods},
		ofPerson("preferred_username", inEverything, scopeProfile, func(p *Person) string { return p.Login }),
	)
	rows = append(rows, protocolRows()...)
	rows = append(rows,
		// azp beside client_id, since half of the resource servers look for that
		// one. No nbf: a clock one second behind would refuse the token.
		fixed("azp", inTokens, clientID),
		fixed("client_id", inAccess, clientID),
		fixed("jti", inAccess, tokenIDOf),
		fixed("sid", inTokens, sessionID),
		fixed("auth_time", inTokens, authTime),
		fixed("at_hash", inID, accessTokenHash),
	)
	return &profile{
		name: ProfileGeneric, paths: DefaultPaths(), shape: shape, claims: rows,
		groupsIn: inEverything, clientClaim: "client_id", idClaim: "jti",
	}
}
