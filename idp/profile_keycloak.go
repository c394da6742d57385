package idp

import (
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// keycloak is Keycloak with a Group Membership mapper for all tokens, without
// which it has no groups claim (Shape.Groups absent is that). Sources are the
// login protocol factory and the mappers of keycloak/keycloak; error texts,
// lifetimes and members of the token answer are general knowledge.
func keycloak(v Vendor) *profile {
	const protocol = "/protocol/openid-connect"
	preset := generic().shape
	preset.NoGroups = NoGroupsEmpty
	rows := append(profileRows(inEverything)[:3], // picture takes a mapper
		emailRow(inEverything), verifiedRow(inEverything),
		claim{name: "preferred_username", in: inEverything, value: keycloakUsername},
		claim{name: "realm_access", in: inAccess, value: func(f *facts) any {
			return map[string]any{"roles": []string{"default-roles-" + realmOf(f.Provider, v), "offline_access", "uma_authorization"}}
		}},
		claim{name: "resource_access", in: inAccess, value: constant(map[string]any{
			"account": map[string]any{"roles": []string{"manage-account", "manage-account-links", "view-profile"}},
		})},
		claim{name: "allowed-origins", in: inAccess, value: origins},
		claim{name: "acr", in: inTokens, value: signInClass},
	)
	rows = append(rows, protocolRows()...)
	rows = append(rows,
		fixed("azp", inTokens, clientID),
		fixed("typ", inAccess, constant("Bearer")),
		fixed("typ", inID, constant("ID")),
		fixed("jti", inAccess, func(f *facts) any { return keycloakID(f.id) }),
		fixed("jti", inID, func(f *facts) any { return guidOf("id token", f.id) }),
		fixed("sid", inTokens, sessionID),
		fixed("auth_time", inTokens, authTime),
		fixed("at_hash", inID, accessTokenHash),
		// Service accounts tell of their client.
		fixed("client_id", inAccess, func(f *facts) any {
			if f.person != nil {
				return nil
			}
			return f.client.ID
		}),
	)
	return &profile{
		name: ProfileKeycloak, shape: preset, claims: rows, groupsIn: inEverything,
		paths: Paths{
			Authorize: protocol + "/auth", Token: protocol + "/token", UserInfo: protocol + "/userinfo",
			Keys: protocol + "/certs", Revoke: protocol + "/revoke", Logout: protocol + "/logout",
			Introspect: protocol + "/token/introspect", DeviceAuthorization: protocol + "/auth/device", Push: protocol + "/ext/par/request",
			Register: "/clients-registrations/openid-connect", Device: "/device", SignIn: "/login-actions/authenticate",
		},
		neighbours: "/realms/",
		lost: func(*Provider, string) (int, any) {
			return http.StatusNotFound, map[string]string{"error": "Realm does not exist"}
		},
		group: func(_ *Provider, name string) string {
			if v.GroupNames {
				return name[strings.LastIndexByte(name, '/')+1:]
			}
			return "/" + strings.TrimPrefix(name, "/")
		},
		audience:      func(*facts) []string { return []string{"account"} },
		clientSubject: func(id string) string { return guidOf("service account", id) },
		extraScopes:   scopeList{scopeProfile, scopeEmail},
		clientClaim:   "azp", idClaim: "jti", kindClaim: "typ", accessKind: "Bearer",
		readID: readKeycloakID, sid: idToUUID, readSID: uuidToID,
		keys:           keyStyle{encryption: true},
		accessLifetime: 5 * time.Minute, idLifetime: 5 * time.Minute, refreshLifetime: 30 * time.Minute,
		codeLifetime: time.Minute, sessionLifetime: 10 * time.Hour,
		refresh: func(*Client) refreshPolicy { return keepOldRefresh },
		with: map[string]any{
			"scopes_supported": []string{"openid", "profile", "email", "roles", "web-origins", "acr", "basic", "address", "phone", "offline_access", "microprofile-jwt", "organization"},
			"claims_supported": []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "name", "given_name", "family_name", "preferred_username", "email", "acr"},
		},
		extras: func(f *facts, t *Tokens) map[string]any {
			extras := map[string]any{"not-before-policy": 0, "refresh_expires_in": 0}
			if t.RefreshToken != "" {
				extras["refresh_expires_in"] = int64(f.refreshLifetime(f.client) / time.Second)
			}
			if f.sid != "" {
				extras["session_state"] = idToUUID(f.sid)
			}
			return extras
		},
		documents: map[string]func(*Provider) any{"": func(p *Provider) any { return realmDocument(p, v) }},
		refusals: []refusal{
			{at: tokenEndpoint, code: errInvalidClient, status: http.StatusUnauthorized, newCode: errUnauthorizedClient, newMessage: "Invalid client or Invalid client credentials"},
			{at: tokenEndpoint, code: errInvalidGrant, grant: GrantAuthorizationCode, newMessage: "Code not valid"},
			{at: tokenEndpoint, code: errInvalidGrant, grant: GrantRefreshToken, newMessage: "Token is not active"},
			{at: tokenEndpoint, code: errInvalidGrant, grant: GrantPassword, status: http.StatusUnauthorized, newMessage: "Invalid user credentials"},
		},
	}
}

// keycloakUsername needs scope profile, save for service accounts.
func keycloakUsername(f *facts) any {
	switch {
	case f.person == nil:
		return "service-account-" + strings.ToLower(f.client.ID)
	case f.scope.has(scopeProfile):
		return f.person.Login
	}
	return nil
}

// keycloakID writes our id as a UUID, with a short prefix that tells the number
// of the token.
func keycloakID(id string) string {
	grant, n, _ := strings.Cut(id, ".")
	return "trrt" + n + ":" + idToUUID(grant)
}

func readKeycloakID(jti string) string {
	prefix, uuid, _ := strings.Cut(jti, ":")
	id := uuidToID(uuid)
	if n := strings.TrimPrefix(prefix, "trrt"); n != "" && id != "" {
		id += "." + n
	}
	return id
}

// origins are those of the redirect URIs, as the web origin "+" has them.
func origins(f *facts) any {
	var list []string
	for _, uri := range f.client.RedirectURIs {
		u, err := url.Parse(uri)
		if err != nil || !isWeb(u) {
			continue
		}
		if origin := u.Scheme + "://" + u.Host; !slices.Contains(list, origin) {
			list = append(list, origin)
		}
	}
	if list == nil {
		return nil
	}
	return list
}

// realmOf is the realm's name: the last part of the issuer unless it is given.
func realmOf(p *Provider, v Vendor) string {
	if v.Realm != "" {
		return v.Realm
	}
	return p.path[strings.LastIndexByte(p.path, '/')+1:]
}

// realmDocument is what the realm's own address answers.
func realmDocument(p *Provider, v Vendor) any {
	document := map[string]any{
		"realm":             realmOf(p, v),
		"token-service":     p.base + "/protocol/openid-connect",
		"account-service":   p.base + "/account",
		"tokens-not-before": 0,
	}
	if key, err := p.keys().signs(""); err == nil {
		if der, err := x509.MarshalPKIXPublicKey(key.public); err == nil {
			document["public_key"] = base64.StdEncoding.EncodeToString(der)
		}
	}
	return document
}
