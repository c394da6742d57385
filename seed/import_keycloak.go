package seed

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// isKeycloak tells a realm export of Keycloak, or its file of users: an object
// that names a realm and has people or clients, and none of the fields of a
// document. Configurations of Keycloak's clients name a realm too.
func isKeycloak(object map[string]any) bool {
	_, hasRealm := object["realm"].(string)
	return hasRealm && object["apiVersion"] == nil && object["kind"] == nil && (object["users"] != nil || object["clients"] != nil)
}

// realm imports a realm export: the realm becomes a Provider of profile
// keycloak, its users People, its clients Clients. Passwords are taken over
// where the export has them in plain text, as exports written by hand do; a
// hashed one cannot be, and such a person signs in by one click.
func (i *importer) realm(object map[string]any) {
	realm := i.word(object, "", "realm")
	if realm == "" {
		i.fault("realm", "is empty", "name the realm")
		return
	}
	if _, usersAlone := object["users"]; !usersAlone || len(object) > 2 {
		i.provider(object, realm)
	}
	groups := map[string]bool{}
	i.groupPaths(object, "", "groups", "", groups)
	for n, user := range i.objects(object, "", "users") {
		if user != nil {
			i.user(user, at("users", n), groups)
		}
	}
	for n, client := range i.objects(object, "", "clients") {
		if client != nil {
			i.client(client, at("clients", n))
		}
	}
}

func (i *importer) provider(object map[string]any, realm string) {
	provider := map[string]any{
		"profile": "keycloak", "realm": realm,
		"access_token_lifetime":  i.seconds(object, "", "accessTokenLifespan"),
		"refresh_token_lifetime": i.seconds(object, "", "ssoSessionIdleTimeout"),
		"session_lifetime":       i.seconds(object, "", "ssoSessionMaxLifespan"),
		"code_lifetime":          i.seconds(object, "", "accessCodeLifespan"),
	}
	i.groupMapper(object, provider)
	i.add("Provider", slug(realm), provider, origin{
		"": "realm", "metadata.name": "realm", "spec": "realm",
		"spec.access_token_lifetime": "accessTokenLifespan", "spec.refresh_token_lifetime": "ssoSessionIdleTimeout",
		"spec.session_lifetime": "ssoSessionMaxLifespan", "spec.code_lifetime": "accessCodeLifespan",
	})
}

// slug is a name for the Provider that may stand in a path.
func slug(realm string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '-':
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, realm)
	if name = strings.Trim(name, "-"); name == "" {
		return "realm"
	}
	return name
}

func (i *importer) seconds(object map[string]any, path, name string) any {
	switch value := object[name].(type) {
	case nil:
		return nil
	case json.Number:
		n, err := value.Int64()
		if err == nil && n > 0 {
			return fmt.Sprintf("%ds", n)
		}
		if err == nil {
			return nil // 0 and below: no limit of its own
		}
	}
	i.fault(join(path, name), "is not a number of seconds", "")
	return nil
}

// groupMapper looks for the Group Membership mappers of all clients and client
// scopes: the first decides on claim name and form. A realm without one has no
// groups claim.
func (i *importer) groupMapper(object, provider map[string]any) {
	for _, list := range []string{"clientScopes", "clients"} {
		items, _ := object[list].([]any)
		for n, item := range items {
			holder, _ := item.(map[string]any)
			for m, mapper := range i.objects(holder, at(list, n), "protocolMappers") {
				if kindOf, _ := mapper["protocolMapper"].(string); kindOf != "oidc-group-membership-mapper" {
					continue
				}
				path := at(join(at(list, n), "protocolMappers"), m)
				config := i.object(mapper, path, "config")
				if claim := i.word(config, join(path, "config"), "claim.name"); claim != "" {
					provider["shape"] = map[string]any{"groups_claim": claim}
				}
				provider["group_names"] = config["full.path"] == "false"
				return
			}
		}
	}
	provider["shape"] = map[string]any{"groups": "absent"}
}

// groupPaths collects the paths of the groups tree, which users are held to.
func (i *importer) groupPaths(object map[string]any, path, field, parent string, into map[string]bool) {
	for n, group := range i.objects(object, path, field) {
		if group == nil {
			continue
		}
		at := at(join(path, field), n)
		name := i.word(group, at, "name")
		if name == "" {
			i.fault(at, "is a group without a name", "give it a name")
			continue
		}
		here := parent + "/" + name
		into[here] = true
		i.groupPaths(group, at, "subGroups", here, into)
	}
}

func (i *importer) user(user map[string]any, path string, known map[string]bool) {
	login := i.word(user, path, "username")
	if login == "" {
		i.fault(path, "is a user without a username", "give it a username")
		return
	}
	if client := i.word(user, path, "serviceAccountClientId"); client != "" {
		return // the client's own, which has no password and no page
	}
	groups := []any{}
	for n, group := range i.texts(user, path, "groups") {
		if !known[group.(string)] && len(known) > 0 {
			i.fault(at(join(path, "groups"), n), "there is no group "+group.(string)+" in the realm", "write a path of the groups tree, such as /platform/kafka")
		}
		// The provider puts the slash before it, as the mapper is set.
		if name := strings.TrimPrefix(group.(string), "/"); !slices.Contains(groups, any(name)) {
			groups = append(groups, name)
		}
	}
	i.add("Person", login, map[string]any{
		"sub": i.word(user, path, "id"), "email": i.word(user, path, "email"),
		"email_verified": i.flag(user, path, "emailVerified", false),
		"given_name":     i.word(user, path, "firstName"), "family_name": i.word(user, path, "lastName"),
		"password": i.password(user, path), "groups": groups, "claims": i.attributes(user, path),
		"disabled": !i.flag(user, path, "enabled", true),
	}, origin{
		"": path, "metadata.name": path + ".username", "spec": path, "spec.sub": path + ".id", "spec.email": path + ".email",
		"spec.email_verified": path + ".emailVerified", "spec.given_name": path + ".firstName", "spec.family_name": path + ".lastName",
		"spec.password": path + ".credentials", "spec.groups": path + ".groups", "spec.claims": path + ".attributes",
		"spec.disabled": path + ".enabled",
	})
}

// password is the plain one; a hash says nothing that could be used.
func (i *importer) password(user map[string]any, path string) string {
	for n, credential := range i.objects(user, path, "credentials") {
		if kindOf, _ := credential["type"].(string); kindOf == "password" {
			return i.word(credential, at(join(path, "credentials"), n), "value")
		}
	}
	return ""
}

// attributes are lists of texts; one of a single text is a text as a claim, as
// the User Attribute mapper has it unless it is multivalued. Roles of realm and
// clients become the claims that Keycloak has for them.
func (i *importer) attributes(user map[string]any, path string) map[string]any {
	claims := map[string]any{}
	for name, value := range i.object(user, path, "attributes") {
		if slices.Contains(setByProvider, name) {
			continue
		}
		list, ok := value.([]any)
		if ok && len(list) == 1 {
			value = list[0]
		}
		claims[name] = value
	}
	if roles := i.texts(user, path, "realmRoles"); len(roles) > 0 {
		claims["realm_access"] = map[string]any{"roles": roles}
	}
	access := map[string]any{}
	byClient := i.object(user, path, "clientRoles")
	for client := range byClient {
		access[client] = map[string]any{"roles": i.texts(byClient, join(path, "clientRoles"), client)}
	}
	if len(access) > 0 {
		claims["resource_access"] = access
	}
	return claims
}

// setByProvider are claims that no document may give, and that attributes such
// as Keycloak's own LDAP ones must not become.
var setByProvider = []string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "azp", "client_id", "scope", "sid", "auth_time", "nonce", "at_hash", "c_hash", "cnf", "act", "may_act",
}

// builtInClients are in every realm and no application of anyone.
var builtInClients = []string{"account", "account-console", "admin-cli", "broker", "realm-management", "security-admin-console"}

func (i *importer) client(client map[string]any, path string) {
	id := i.word(client, path, "clientId")
	if id == "" {
		i.fault(path, "is a client without a clientId", "give it a clientId")
		return
	}
	if slices.Contains(builtInClients, id) || !i.flag(client, path, "enabled", true) || i.flag(client, path, "bearerOnly", false) {
		return
	}
	if protocol := i.word(client, path, "protocol"); protocol != "" && protocol != "openid-connect" {
		return
	}
	public := i.flag(client, path, "publicClient", false)
	secret := i.word(client, path, "secret")
	if public {
		secret = ""
	} else if secret == "" || strings.Trim(secret, "*") == "" {
		i.fault(path, "is a confidential client without its secret, which the export masks",
			"write the secret into the export, or publicClient: true")
		return
	}
	grants := []any{}
	if i.flag(client, path, "standardFlowEnabled", true) {
		grants = append(grants, "authorization_code", "refresh_token")
	}
	if !public && i.flag(client, path, "serviceAccountsEnabled", false) {
		grants = append(grants, "client_credentials")
	}
	if i.flag(client, path, "directAccessGrantsEnabled", false) {
		if !slices.Contains(grants, any("refresh_token")) {
			grants = append(grants, "refresh_token")
		}
		grants = append(grants, "password")
	}
	attributes := i.object(client, path, "attributes")
	redirects := i.addresses(client, path)
	i.add("Client", id, map[string]any{
		"client_name": i.word(client, path, "name"), "client_secret": secret, "grant_types": grants,
		"redirect_uris":             redirects,
		"post_logout_redirect_uris": logoutAddresses(attributes, redirects),
		"require_pkce":              attributes["pkce.code.challenge.method"] != nil && attributes["pkce.code.challenge.method"] != "",
	}, origin{
		"": path, "metadata.name": path + ".clientId", "spec": path, "spec.client_name": path + ".name", "spec.client_secret": path + ".secret",
		"spec.redirect_uris": path + ".redirectUris", "spec.post_logout_redirect_uris": path + ".attributes",
	})
}

// addresses are the redirect URIs, relative ones below the client's rootUrl. A
// wildcard, which Keycloak allows at the end, has no counterpart.
func (i *importer) addresses(client map[string]any, path string) []any {
	root := strings.TrimSuffix(i.word(client, path, "rootUrl"), "/")
	var list []any
	for n, item := range i.texts(client, path, "redirectUris") {
		uri := item.(string)
		if strings.HasPrefix(uri, "/") && root != "" {
			uri = root + uri
		}
		if strings.Contains(uri, "*") {
			i.fault(at(join(path, "redirectUris"), n), "has a wildcard: "+uri, "redirect URIs are compared exactly here; list each one")
			continue
		}
		list = append(list, uri)
	}
	return list
}

// logoutAddresses are one text with ## between; + stands for the redirect URIs.
func logoutAddresses(attributes map[string]any, redirects []any) []any {
	text, _ := attributes["post.logout.redirect.uris"].(string)
	var list []any
	for uri := range strings.SplitSeq(text, "##") {
		switch uri {
		case "", "-":
		case "+":
			for _, one := range redirects {
				if !slices.Contains(list, one) {
					list = append(list, one)
				}
			}
		default:
			if !slices.Contains(list, any(uri)) {
				list = append(list, uri)
			}
		}
	}
	return list
}
