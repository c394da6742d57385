package server_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/control"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// seeded are documents that a seed has beside the default estate.
func seeded(t testing.TB, text string) []*seed.Document {
	t.Helper()
	documents, err := seed.Load([]string{"default", "-"}, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return documents
}

const consoleClient = `
---
apiVersion: mockduktor/v1
kind: Client
metadata: {name: plugin}
spec:
  client_secret: plugin-secret
  redirect_uris: ["http://localhost:7007/callback"]
  grant_types: [authorization_code, refresh_token, password]
  audience: ["https://console.shop.example"]
`

// payload reads the claims of a token.
func payload(t testing.TB, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("no JWT: %s", token)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(raw, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// The Console trusts a provider of each profile, given the claims that it has
// to look at there, and maps that vendor's groups.
func TestConsoleTrustsEachProfile(t *testing.T) {
	// Rows whose group is empty take it from the token: object ids are derived.
	for _, row := range []struct {
		spec, issuer, scope, username, groups, group string
		idToken                                      bool
	}{
		{"profile: generic", "/idp-acme", "openid profile email", "", "", "team-checkout", false},
		{"profile: keycloak", "/realms/acme", "openid profile email", "", "", "/team-checkout", false},
		{"{profile: keycloak, realm: shop, group_names: true}", "/realms/shop", "openid profile email", "", "", "team-checkout", false},
		{"profile: okta", "/oauth2/default", "openid profile email", "sub", "", "team-checkout", false},
		{"{profile: auth0, namespace: https://shop.example}", "/idp-acme/", "openid profile email", "https://shop.example/email", "https://shop.example/groups", "team-checkout", false},
		{"{profile: entra, tenant: 8f1d7a3e-9b0c-4d5e-a6f7-0123456789ab}", "/8f1d7a3e-9b0c-4d5e-a6f7-0123456789ab/v2.0", "openid profile api://console/access_as_user", "preferred_username", "", "", false},
		{"{profile: entra, tenant: 8f1d7a3e-9b0c-4d5e-a6f7-0123456789ab, version: 1}", "/8f1d7a3e-9b0c-4d5e-a6f7-0123456789ab/", "openid profile api://console/access_as_user", "upn", "", "", false},
		{"{profile: entra, tenant: 8f1d7a3e-9b0c-4d5e-a6f7-0123456789ab, access_token_version: 1}", "/8f1d7a3e-9b0c-4d5e-a6f7-0123456789ab/", "openid profile api://console/access_as_user", "upn", "", "", false},
		{"profile: jumpcloud", "/idp-acme/", "openid profile email", "", "", "team-checkout", true},
		{"{shape: {groups: comma, groups_claim: memberOf, email_verified: string, scope: list, audience: list, access_token_typ: at+jwt}}", "/idp-acme", "openid profile email", "", "memberOf", "team-checkout", false},
	} {
		config := server.Config{Documents: seeded(t, consoleClient+"---\napiVersion: mockduktor/v1\nkind: Provider\nmetadata: {name: acme}\nspec: "+flow(row.spec)+"\n")}
		config.Console.JWT.Issuer = row.issuer
		config.Console.JWT.UsernameClaim, config.Console.JWT.GroupsClaim = row.username, row.groups
		// Any request would be one too many: the keys are this process's own.
		config.HTTPClient = &http.Client{Transport: refusing{t}}
		running := start(t, config)
		tokens, err := control.Mint(t.Context(), running.Pair().World, running.Pair().NamedProvider("acme"), "ada", idp.MintRequest{ClientID: "plugin", Scope: row.scope})
		if err != nil {
			t.Errorf("%s: %v", row.spec, err)
			continue
		}
		token := tokens.AccessToken
		if row.idToken {
			if got := call(t, running, http.MethodGet, whoamiPath, token, nil); got.status != http.StatusUnauthorized {
				t.Errorf("%s: an opaque token gets %d", row.spec, got.status)
			}
			token = tokens.IDToken
		}
		group := row.group
		if group == "" {
			group = payload(t, token)["groups"].([]any)[0].(string)
		}
		// A group that only this external group leads into.
		admin, err := control.Mint(t.Context(), running.Pair().World, running.Pair().NamedProvider("acme"), "admin", idp.MintRequest{ClientID: "plugin", Scope: row.scope})
		if err != nil {
			t.Fatal(err)
		}
		adminToken := admin.AccessToken
		if row.idToken {
			adminToken = admin.IDToken
		}
		body := object{"apiVersion": "v2", "kind": "Group", "metadata": object{"name": "shape"}, "spec": object{"displayName": "shape", "externalGroups": []string{group}}}
		if got := call(t, running, http.MethodPut, groupsAPI, adminToken, body); got.status != http.StatusOK {
			t.Errorf("%s: put a group: %d %s", row.spec, got.status, got.body)
			continue
		}
		got := call(t, running, http.MethodGet, whoamiPath, token, nil)
		if got.status != http.StatusOK || !strings.Contains(string(got.body), "ada@shop.example") {
			t.Errorf("%s: whoami: %d %s", row.spec, got.status, got.body)
			continue
		}
		var shown struct {
			Spec struct{ MembersFromExternalGroups []string }
		}
		call(t, running, http.MethodGet, groupsAPI+"/shape", adminToken, nil).json(t, &shown)
		if !slices.Contains(shown.Spec.MembersFromExternalGroups, "ada@shop.example") {
			t.Errorf("%s: group %s has %v", row.spec, group, shown.Spec.MembersFromExternalGroups)
		}
		// The built-in provider's tokens no longer open the door.
		if got := call(t, running, http.MethodGet, whoamiPath, tokenOf(t, running, "ada"), nil); got.status != http.StatusUnauthorized {
			t.Errorf("%s: a token of the built-in provider gets %d", row.spec, got.status)
		}
	}
}

// flow writes a short spec as a flow mapping.
func flow(spec string) string {
	if strings.HasPrefix(spec, "{") {
		return spec
	}
	return "{" + spec + "}"
}

// refusing lets nothing out.
type refusing struct{ t testing.TB }

func (r refusing) RoundTrip(request *http.Request) (*http.Response, error) {
	r.t.Errorf("a request for %s", request.URL)
	return nil, io.ErrClosedPipe
}

// What a token of each vendor lacks is said in words.
func TestConsoleSaysWhatAVendorsTokenLacks(t *testing.T) {
	for spec, row := range map[string]struct{ issuer, reason string }{
		"profile: okta":                                      {"/oauth2/default", "no claim"},
		"{profile: okta, server: org}":                       {"/idp-acme", "is not among the issuer's"},
		"{profile: keycloak, shape: {groups: absent}}":       {"/realms/acme/", "differs by a slash"},
		"{profile: auth0, shape: {access_token: opaque}}":    {"/idp-acme/", "no JWT, and no API key"},
		"{profile: auth0, shape: {access_token: encrypted}}": {"/idp-acme/", "encrypted"},
		"{shape: {user_claims: userinfo}}":                   {"/idp-acme", "no claim"},
		"{profile: entra, tenant: 8f1d7a3e-9b0c-4d5e-a6f7-0123456789ab, access_token_version: 1}": {"/8f1d7a3e-9b0c-4d5e-a6f7-0123456789ab/v2.0", "wrong issuer"},
	} {
		config := server.Config{Documents: seeded(t, consoleClient+"---\napiVersion: mockduktor/v1\nkind: Provider\nmetadata: {name: acme}\nspec: "+flow(spec)+"\n")}
		config.Console.JWT.Issuer = row.issuer
		running := start(t, config)
		tokens, err := control.Mint(t.Context(), running.Pair().World, running.Pair().NamedProvider("acme"), "ada", idp.MintRequest{ClientID: "plugin"})
		if err != nil {
			t.Errorf("%s: %v", spec, err)
			continue
		}
		if got := call(t, running, http.MethodGet, whoamiPath, tokens.AccessToken, nil); got.status != http.StatusUnauthorized || !strings.Contains(string(got.body), row.reason) {
			t.Errorf("%s: %d %s", spec, got.status, got.body)
		}
	}
}

const several = consoleClient + `
---
apiVersion: mockduktor/v1
kind: Provider
metadata: {name: acme}
spec: {profile: keycloak}
---
apiVersion: mockduktor/v1
kind: Provider
metadata: {name: okta}
spec: {profile: okta}
---
apiVersion: mockduktor/v1
kind: Provider
metadata: {name: auth}
spec: {profile: auth0}
---
apiVersion: mockduktor/v1
kind: Provider
metadata: {name: tenant}
spec: {profile: entra, tenant: 8f1d7a3e-9b0c-4d5e-a6f7-0123456789ab}
---
apiVersion: mockduktor/v1
kind: Provider
metadata: {name: older}
spec: {profile: entra, tenant: 8f1d7a3e-9b0c-4d5e-a6f7-0123456789ab, version: 1}
---
apiVersion: mockduktor/v1
kind: Provider
metadata: {name: inner}
spec: {path: /idp-auth/inner}
`

func TestSeveralProvidersAtOnce(t *testing.T) {
	running := start(t, server.Config{Documents: seeded(t, several)})
	issuers := map[string]string{
		"": "/idp", "acme": "/realms/acme", "okta": "/oauth2/default", "auth": "/idp-auth/", "tenant": "/8f1d7a3e-9b0c-4d5e-a6f7-0123456789ab/v2.0",
		"older": "/8f1d7a3e-9b0c-4d5e-a6f7-0123456789ab/", "inner": "/idp-auth/inner",
	}
	if _, err := running.OpenSandbox("one", "", 0); err != nil {
		t.Fatal(err)
	}
	for _, site := range []string{"", "/s/one"} {
		for name, issuer := range issuers {
			at := site + strings.TrimSuffix(issuer, "/")
			paths := []string{at + "/.well-known/openid-configuration"}
			if name != "older" { // whose place there is another's
				paths = append(paths, "/.well-known/openid-configuration"+at, "/.well-known/oauth-authorization-server"+at)
			}
			for _, path := range paths {
				got := call(t, running, http.MethodGet, path, "", nil)
				var document map[string]any
				got.json(t, &document)
				if document["issuer"] != running.URL()+site+issuer {
					t.Errorf("%s: issuer %v", path, document["issuer"])
					continue
				}
				for member, value := range document {
					address, ok := value.(string)
					if !ok || member == "issuer" {
						continue
					}
					if !strings.HasPrefix(address, running.URL()+site+"/") {
						t.Errorf("%s: %s is %s", path, member, address)
					}
					if got := call(t, running, http.MethodGet, strings.TrimPrefix(address, running.URL()), "", nil); got.status == http.StatusNotFound {
						t.Errorf("%s: %s leads nowhere", path, member)
					}
				}
			}
		}
	}
	for path, says := range map[string]string{
		"/realms/nobody/protocol/openid-connect/token": "Realm does not exist",
		"/oauth2/nobody/v1/token":                      "E0000007",
		"/realms/acme/nothing":                         running.URL() + "/realms/acme",
		"/.well-known/openid-configuration/nobody":     running.URL() + "/idp",
	} {
		if got := call(t, running, http.MethodGet, path, "", nil); got.status != http.StatusNotFound || !strings.Contains(string(got.body), says) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	// The control API mints at any of them.
	status, minted := mintedBy(t, running, "acme")
	if status != http.StatusOK || payload(t, minted)["iss"] != running.URL()+"/realms/acme" {
		t.Errorf("minted: %d %s", status, minted)
	}
	if status, _ := mintedBy(t, running, "nobody"); status != http.StatusNotFound {
		t.Errorf("an unknown provider: %d", status)
	}
}

// mintedBy asks the control API for an access token of one provider.
func mintedBy(t testing.TB, running *server.Server, provider string) (int, string) {
	t.Helper()
	body := strings.NewReader(`{"as": "ada", "client_id": "plugin", "provider": "` + provider + `"}`)
	response, err := http.Post("http://"+running.Address()+"/_mock/tokens", "application/json", body)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var minted struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&minted); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, minted.AccessToken
}

// A sandbox's Console trusts the sandbox's own copy of the provider.
func TestSandboxTrustsItsOwnProvider(t *testing.T) {
	config := server.Config{Documents: seeded(t, several)}
	config.Console.JWT.Issuer = "/realms/acme"
	config.HTTPClient = &http.Client{Transport: refusing{t}}
	running := start(t, config)
	box, err := running.OpenSandbox("one", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if trusted := running.Pair().Trusted(); trusted != "acme" || running.Pair().Issuers()["acme"] != running.URL()+"/realms/acme" {
		t.Errorf("trusts %q of %v", trusted, running.Pair().Issuers())
	}
	for prefix, pair := range map[string]*server.Pair{"": running.Pair(), "/s/one": box.Pair} {
		tokens, err := control.Mint(t.Context(), pair.World, pair.NamedProvider("acme"), "ada", idp.MintRequest{ClientID: "plugin"})
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []string{"", "/s/one"} {
			want := http.StatusUnauthorized
			if at == prefix {
				want = http.StatusOK
			}
			if got := call(t, running, http.MethodGet, at+whoamiPath, tokens.AccessToken, nil); got.status != want {
				t.Errorf("token of %q at %q: %d %s", prefix, at, got.status, got.body)
			}
		}
	}
}

// Providers come, change and go with their resources and with the world, and
// keys rotate for all.
func TestProvidersFollowTheWorld(t *testing.T) {
	config := server.Config{Documents: seeded(t, several)}
	config.Console.JWT.Issuer = "/realms/acme"
	running := start(t, config)
	pair := running.Pair()
	mint := func(name string) (string, error) {
		provider := pair.NamedProvider(name)
		if provider == nil {
			return "", context.Canceled
		}
		tokens, err := control.Mint(t.Context(), pair.World, provider, "ada", idp.MintRequest{ClientID: "plugin"})
		if err != nil {
			return "", err
		}
		return tokens.AccessToken, nil
	}
	before, err := mint("acme")
	if err != nil {
		t.Fatal(err)
	}
	old := pair.NamedProvider("okta")
	key, err := idp.GenerateSigningKey("RS256")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := idp.NewKeys([]idp.SigningKey{key})
	if err != nil {
		t.Fatal(err)
	}
	pair.SetKeys(keys)
	after, err := mint("acme")
	if err != nil {
		t.Fatal(err)
	}
	if got := call(t, running, http.MethodGet, whoamiPath, before, nil); got.status != http.StatusUnauthorized {
		t.Errorf("a token of a rotated key: %d", got.status)
	}
	if got := call(t, running, http.MethodGet, whoamiPath, after, nil); got.status != http.StatusOK {
		t.Errorf("a token of the new key: %d %s", got.status, got.body)
	}
	if pair.NamedProvider("okta") != old {
		t.Error("a provider that did not change was made anew, and its codes are lost")
	}
	pair.World.Snapshot("with")
	remove(t, pair, "acme")
	if pair.NamedProvider("acme") != nil {
		t.Error("the provider is still there")
	}
	if got := call(t, running, http.MethodGet, "/realms/acme/.well-known/openid-configuration", "", nil); got.status != http.StatusNotFound {
		t.Errorf("it is still served: %d", got.status)
	}
	if err := pair.World.Restore("with"); err != nil {
		t.Fatal(err)
	}
	if got := call(t, running, http.MethodGet, "/realms/acme/.well-known/openid-configuration", "", nil); got.status != http.StatusOK {
		t.Errorf("it did not come back: %d", got.status)
	}
}

// remove takes a Provider out of a world.
func remove(t testing.TB, pair *server.Pair, name string) {
	t.Helper()
	err := pair.World.Update(func(tx *store.Tx) error {
		resource, err := tx.Resource(kinds.ProviderKind, "v1", nil, name)
		if err != nil {
			return err
		}
		return tx.Delete(resource)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever path the other parts of the server have is refused to issuers.
func TestNoProviderInTheConsolesWay(t *testing.T) {
	running := start(t, server.Config{})
	seen := map[string]bool{}
	for _, path := range running.RoutePaths() {
		first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		if strings.HasPrefix(first, ":") {
			continue
		}
		seen[first] = true
		if !kinds.Reserved("/" + first + "/x") {
			t.Errorf("%s could be taken by an issuer", path)
		}
	}
	if len(seen) < 8 {
		t.Errorf("routes begin with %v only", seen)
	}
	for _, spec := range []string{"path: /api/idp", "path: /", "issuer: https://sso.shop.example", "path: /idp/other", "path: /public", "{profile: keycloak, path: /s/x}"} {
		documents := seeded(t, "apiVersion: mockduktor/v1\nkind: Provider\nmetadata: {name: acme}\nspec: "+flow(spec)+"\n")
		_, err := server.Offline(server.Config{}, documents)
		if err == nil || !strings.Contains(err.Error(), "in the way of the Console") {
			t.Errorf("%s: %v", spec, err)
		}
	}
	documents := seeded(t, "apiVersion: mockduktor/v1\nkind: Provider\nmetadata: {name: a}\nspec: {path: /x}\n---\napiVersion: mockduktor/v1\nkind: Provider\nmetadata: {name: b}\nspec: {path: /x}\n")
	if _, err := server.Offline(server.Config{}, documents); err == nil || !strings.Contains(err.Error(), "has the issuer /x already") {
		t.Errorf("two on one path: %v", err)
	}
}

// An issuer under another host is served by its path.
func TestProviderOfAnotherHost(t *testing.T) {
	running := start(t, server.Config{Documents: seeded(t, "apiVersion: mockduktor/v1\nkind: Provider\nmetadata: {name: acme}\nspec: {profile: keycloak, issuer: 'https://sso.shop.example/realms/shop'}\n")})
	var document map[string]any
	call(t, running, http.MethodGet, "/realms/shop/.well-known/openid-configuration", "", nil).json(t, &document)
	if document["issuer"] != "https://sso.shop.example/realms/shop" || document["token_endpoint"] != "https://sso.shop.example/realms/shop/protocol/openid-connect/token" {
		t.Errorf("%v", document)
	}
}

// A login_hint signs in where that is asked for, at the built-in provider too.
func TestLoginHintSignsInByFlag(t *testing.T) {
	for _, on := range []bool{true, false} {
		running := start(t, server.Config{LoginHintSignsIn: on, Documents: seeded(t, consoleClient)})
		q := url.Values{"client_id": {"plugin"}, "redirect_uri": {"http://localhost:7007/callback"}, "response_type": {"code"}, "scope": {"openid"}, "prompt": {"none"}, "login_hint": {"ben"}}
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		response, err := client.Get("http://" + running.Address() + "/idp/authorize?" + q.Encode())
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		location, err := url.Parse(response.Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		if got := location.Query(); got.Has("code") != on || got.Has("error") == on {
			t.Errorf("on %v: %v", on, got)
		}
	}
}

// Registration and nonces are there where they are asked for: by a Provider's
// own setting, or by a flag for the built-in one and all others.
func TestRegistrationAndNonceAreSwitches(t *testing.T) {
	const documents = consoleClient + "---\napiVersion: mockduktor/v1\nkind: Provider\nmetadata: {name: %s}\nspec: {path: /%[1]s, dynamic_registration: %t, dpop_nonce: %[2]t}\n"
	for _, on := range []bool{true, false} {
		byFlag := start(t, server.Config{DynamicRegistration: on, DPoPNonce: on, Documents: seeded(t, fmt.Sprintf(documents, "more", false))})
		byProvider := start(t, server.Config{Documents: seeded(t, fmt.Sprintf(documents, "more", on))})
		for issuer, served := range map[string]bool{
			byFlag.Issuer(): on, byFlag.URL() + "/more": on, byProvider.URL() + "/more": on, byProvider.Issuer(): false,
		} {
			registered, err := http.Post(issuer+"/register", "application/json", strings.NewReader(`{"redirect_uris":["https://rp.example/cb"]}`))
			if err != nil {
				t.Fatal(err)
			}
			registered.Body.Close()
			if got := registered.StatusCode == http.StatusCreated; got != served {
				t.Errorf("%s registers: %s, want %v", issuer, registered.Status, served)
			}
			request, err := http.NewRequest(http.MethodPost, issuer+"/token", strings.NewReader("grant_type=password&client_id=plugin&client_secret=plugin-secret"))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			request.Header.Set("DPoP", "no proof")
			refused, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			refused.Body.Close()
			if got := refused.Header.Get("DPoP-Nonce") != ""; got != served {
				t.Errorf("%s gives a nonce: %v, want %v (%s)", issuer, got, served, refused.Status)
			}
		}
	}
}

// What the built-in provider has as flags, a further one has as fields.
func TestProviderSettings(t *testing.T) {
	running := start(t, server.Config{ACRValues: []string{"low", "high"}, Documents: seeded(t, consoleClient+`
---
apiVersion: mockduktor/v1
kind: Provider
metadata: {name: open}
spec: {allow_plain_pkce: true, acr_values: [basic]}
---
apiVersion: mockduktor/v1
kind: Provider
metadata: {name: closed}
spec: {}
`)})
	for path, want := range map[string]string{
		"/idp-open":   `acr [basic], PKCE [S256 plain]`,
		"/idp-closed": `acr [low high], PKCE [S256]`,
		"/idp":        `acr [low high], PKCE [S256]`,
	} {
		var document struct {
			ACRs       []string `json:"acr_values_supported"`
			Challenges []string `json:"code_challenge_methods_supported"`
		}
		call(t, running, http.MethodGet, path+"/.well-known/openid-configuration", "", nil).json(t, &document)
		if got := fmt.Sprintf("acr %v, PKCE %v", document.ACRs, document.Challenges); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestSeedReadsExportsOfOthers(t *testing.T) {
	running := start(t, server.Config{Seeds: []string{"empty", "testdata/realm.json"}})
	tokens, err := control.Mint(t.Context(), running.Pair().World, running.Pair().NamedProvider("shop"), "ines", idp.MintRequest{ClientID: "portal"})
	if err != nil {
		t.Fatal(err)
	}
	claims := payload(t, tokens.AccessToken)
	if claims["iss"] != running.URL()+"/realms/shop" || claims["email"] != "ines@shop.example" || claims["costCentre"] != "42" {
		t.Errorf("claims %v", claims)
	}
	if groups, _ := claims["roles"].([]any); len(groups) != 1 || groups[0] != "/platform/kafka" {
		t.Errorf("groups %v", claims["roles"])
	}
}
