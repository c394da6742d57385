package idp_test

import (
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server/store"
)

func shaped(t testing.TB, shape map[string]any) *vendorSite {
	t.Helper()
	return newVendor(t, map[string]any{"shape": shape})
}

// Every switch works by itself on the generic provider; a row is what a claim of
// one of the two tokens, or of userinfo, becomes. nil: it is not there.
func TestShapeSwitches(t *testing.T) {
	for _, row := range []struct {
		field, value, where, claim string
		want                       any
	}{
		{"audience", "auto", "access", "aud", "app"},
		{"audience", "string", "access", "aud", "app"},
		{"audience", "list", "access", "aud", []any{"app"}},
		{"audience", "absent", "access", "aud", nil},
		{"audience", "list", "id", "aud", "app"},
		{"id_token_audience", "list", "id", "aud", []any{"app"}},
		{"id_token_audience", "list", "access", "aud", "app"},
		{"scope", "list", "access", "scope", []any{"openid", "profile", "email"}},
		{"scope", "string", "access", "scope", "openid profile email"},
		{"scope", "absent", "access", "scope", nil},
		{"scope_claim", "scp", "access", "scp", "openid profile email"},
		{"scope_claim", "scp", "access", "scope", nil},
		{"groups", "list", "access", "groups", []any{"platform", "ops"}},
		{"groups", "comma", "access", "groups", "platform,ops"},
		{"groups", "bare", "id", "groups", []any{"platform", "ops"}},
		{"groups", "empty", "userinfo", "groups", []any{}},
		{"groups", "absent", "access", "groups", nil},
		{"groups", "absent", "userinfo", "groups", nil},
		{"groups_claim", "memberOf", "id", "memberOf", []any{"platform", "ops"}},
		{"groups_claim", "memberOf", "id", "groups", nil},
		{"email_verified", "boolean", "userinfo", "email_verified", true},
		{"email_verified", "string", "userinfo", "email_verified", "true"},
		{"email_verified", "string", "id", "email_verified", "true"},
		{"email_verified", "absent", "access", "email_verified", nil},
		{"user_claims", "userinfo", "access", "email", nil},
		{"user_claims", "userinfo", "access", "groups", nil},
		{"user_claims", "userinfo", "id", "name", nil},
		{"user_claims", "userinfo", "id", "department", nil},
		{"user_claims", "userinfo", "userinfo", "email", "ada@example.com"},
		{"user_claims", "userinfo", "userinfo", "department", "maths"},
		{"user_claims", "tokens", "id", "email", "ada@example.com"},
		{"subject", "public", "id", "sub", idp.SubjectOf("ada")},
	} {
		v := shaped(t, map[string]any{row.field: row.value})
		tokens := v.signedIn("ada")
		claims := v.userInfo(tokens) // every shape can be read back
		switch row.where {
		case "access":
			claims = v.claims(tokens["access_token"])
		case "id":
			claims = v.claims(tokens["id_token"])
		}
		got, there := claims[row.claim]
		if there == (row.want == nil) || !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s %s: %s of %s is %#v, want %#v", row.field, row.value, row.claim, row.where, got, row.want)
		}
	}
}

func TestShapeOfOneGroupAndOfNone(t *testing.T) {
	for _, row := range []struct {
		shape       map[string]any
		one, nobody any
	}{
		{map[string]any{"groups": "list"}, []any{"readers"}, []any{}},
		{map[string]any{"groups": "list", "no_groups": "absent"}, []any{"readers"}, nil},
		{map[string]any{"groups": "bare"}, "readers", []any{}},
		{map[string]any{"groups": "bare", "no_groups": "absent"}, "readers", nil},
		{map[string]any{"groups": "comma"}, "readers", ""},
		{map[string]any{"groups": "comma", "no_groups": "absent"}, "readers", nil},
	} {
		v := shaped(t, row.shape)
		v.person("eve", map[string]any{"email": "eve@example.com"})
		for login, want := range map[string]any{"bob": row.one, "eve": row.nobody} {
			if got := v.claims(v.signedIn(login)["id_token"])["groups"]; !reflect.DeepEqual(got, want) {
				t.Errorf("%v: %s has %#v, want %#v", row.shape, login, got, want)
			}
		}
	}
}

func TestShapeGroupsOverage(t *testing.T) {
	for overage, want := range map[string]any{"truncate": []any{"platform"}, "absent": nil, "pointer": nil} {
		v := shaped(t, map[string]any{"groups_limit": 1, "groups_overage": overage})
		tokens := v.signedIn("ada")
		claims := v.claims(tokens["access_token"])
		if !reflect.DeepEqual(claims["groups"], want) {
			t.Errorf("%s: %v", overage, claims["groups"])
		}
		if _, pointed := claims["_claim_sources"]; pointed != (overage == "pointer") {
			t.Errorf("%s: _claim_sources %v", overage, claims["_claim_sources"])
		}
		if groups := v.claims(v.signedIn("bob")["access_token"])["groups"]; !reflect.DeepEqual(groups, []any{"readers"}) {
			t.Errorf("%s: within the limit %v", overage, groups)
		}
	}
	v := shaped(t, map[string]any{"groups_limit": 1, "groups_overage": "refuse"})
	v.refused(v.post(codeForm(v.code("ada"))), 400, "invalid_request", "is in 2 groups, and a token may hold 1")
	unlimited := newVendor(t, map[string]any{"profile": "okta", "shape": map[string]any{"groups_limit": -1}})
	var many []any
	for _, a := range "abcdefghijk" {
		for _, b := range "abcdefghijk" {
			many = append(many, string(a)+string(b))
		}
	}
	unlimited.person("max", map[string]any{"groups": many})
	if groups := unlimited.claims(unlimited.signedIn("max")["access_token"])["groups"].([]any); len(groups) != len(many) {
		t.Errorf("%d groups without limit", len(groups))
	}
	limited := newVendor(t, map[string]any{"profile": "okta"})
	limited.person("max", map[string]any{"groups": many})
	if groups := limited.claims(limited.signedIn("max")["access_token"])["groups"].([]any); len(groups) != 100 {
		t.Errorf("%d groups with Okta's limit", len(groups))
	}
}

func TestShapeIssuerSlash(t *testing.T) {
	for _, row := range []struct {
		spec map[string]any
		want string
	}{
		{map[string]any{"shape": map[string]any{"issuer_slash": "present"}}, "/idp-acme/"},
		{map[string]any{"path": "/x/", "shape": map[string]any{"issuer_slash": "absent"}}, "/x"},
		{map[string]any{"path": "/x/"}, "/x/"},
		{map[string]any{"profile": "keycloak", "shape": map[string]any{"issuer_slash": "present"}}, "/realms/acme/"},
		{map[string]any{"profile": "auth0", "shape": map[string]any{"issuer_slash": "absent"}}, "/idp-acme"},
	} {
		v := newVendor(t, row.spec)
		if v.issuer != v.host+row.want {
			t.Errorf("%v: %s", row.spec, v.issuer)
		}
		if iss := v.claims(v.signedIn("ada")["id_token"])["iss"]; iss != v.issuer {
			t.Errorf("%v: iss %v", row.spec, iss)
		}
		if _, err := oidc.NewProvider(t.Context(), v.issuer); err != nil {
			t.Errorf("%v: %v", row.spec, err)
		}
	}
}

func TestShapeAccessToken(t *testing.T) {
	for form, parts := range map[string]int{"jwt": 3, "opaque": 1, "encrypted": 5} {
		v := shaped(t, map[string]any{"access_token": form})
		tokens := v.signedIn("ada")
		if n := len(strings.Split(tokens["access_token"].(string), ".")); n != parts {
			t.Errorf("%s: %d parts", form, n)
		}
		if v.userInfo(tokens)["email"] != "ada@example.com" {
			t.Errorf("%s: userinfo", form)
		}
		own := v.ownTokens("x")["access_token"].(string)
		r := v.request("POST", v.endpoint("introspection_endpoint"), url.Values{"token": {own}})
		r.SetBasicAuth("app", url.QueryEscape(appSecret))
		if about := v.object(v.send(bare, r)); about["active"] != true || about["sub"] != "app" || about["scope"] != "x" {
			t.Errorf("%s: %v", form, about)
		}
		v.advance(idp.DefaultAccessTokenLifetime)
		if a := v.get(v.endpoint("userinfo_endpoint"), "Authorization", "Bearer "+tokens["access_token"].(string)); a.StatusCode != 401 {
			t.Errorf("%s: an expired token gets %s", form, a.Status)
		}
	}
	// Another provider's sealed token is none of this one's.
	one, other := shaped(t, map[string]any{"access_token": "encrypted"}), shaped(t, map[string]any{"access_token": "encrypted"})
	token := one.signedIn("ada")["access_token"].(string)
	if a := other.get(other.endpoint("userinfo_endpoint"), "Authorization", "Bearer "+token); a.StatusCode != 401 {
		t.Errorf("a foreign sealed token gets %s", a.Status)
	}
}

func TestShapeTyp(t *testing.T) {
	for typ, want := range map[string][2]any{"JWT": {"JWT", "JWT"}, "at+jwt": {"at+jwt", "JWT"}, "absent": {nil, nil}} {
		v := shaped(t, map[string]any{"access_token_typ": typ})
		tokens := v.signedIn("ada")
		if got := [2]any{v.header(tokens["access_token"])["typ"], v.header(tokens["id_token"])["typ"]}; got != want {
			t.Errorf("%s: %v, want %v", typ, got, want)
		}
		v.userInfo(tokens)
	}
	// What a client asks for itself stands.
	v := shaped(t, map[string]any{"access_token_typ": "absent"})
	v.client("app", map[string]any{"client_secret": appSecret, "redirect_uris": []any{callback}, "access_token_typ": "at+jwt"})
	if typ := v.header(v.signedIn("ada")["access_token"])["typ"]; typ != "at+jwt" {
		t.Errorf("typ %v", typ)
	}
}

func TestShapePairwiseSubject(t *testing.T) {
	v := shaped(t, map[string]any{"subject": "pairwise"})
	v.client("other", map[string]any{"client_secret": "x", "redirect_uris": []any{callback}, "grant_types": []any{"password"}})
	tokens := v.signedIn("ada")
	access, id := v.claims(tokens["access_token"]), v.claims(tokens["id_token"])
	r := v.request("POST", v.endpoint("token_endpoint"), url.Values{"grant_type": {"password"}, "username": {"ada"}, "password": {"engine"}, "client_id": {"other"}, "client_secret": {"x"}})
	elsewhere := v.claims(v.object(v.send(bare, r))["id_token"])
	if id["sub"] != access["sub"] || id["sub"] != v.userInfo(tokens)["sub"] || id["sub"] == elsewhere["sub"] || id["sub"] == idp.SubjectOf("ada") {
		t.Errorf("sub %v, at the other client %v", id["sub"], elsewhere["sub"])
	}
	if !reflect.DeepEqual(v.document["subject_types_supported"], []any{"pairwise"}) {
		t.Error(v.document["subject_types_supported"])
	}
	// A hint with it is understood.
	b := v.browser()
	page := b.open(v.endpoint("authorization_endpoint") + "?" + authorizeQuery().Encode())
	b.press(page, "sign-in-ada")
	if response := b.response(b.open(v.endpoint("authorization_endpoint") + "?" + authorizeQuery("prompt", "none", "id_token_hint", tokens["id_token"].(string)).Encode())); response.Get("code") == "" {
		t.Errorf("hint: %v", response)
	}
}

// What cannot be is said with the field.
func TestProviderDocumentProblems(t *testing.T) {
	for _, row := range []struct {
		spec map[string]any
		want string
	}{
		{map[string]any{"profile": "ping"}, `spec.profile: is "ping"; there are generic, keycloak`},
		{map[string]any{"realm": "x"}, "spec.realm: is for the profile keycloak"},
		{map[string]any{"profile": "keycloak", "realm": "a/b"}, "spec.realm: is \"a/b\"; it is one part of a path"},
		{map[string]any{"profile": "entra", "tenant": "acme"}, "spec.tenant: is \"acme\"; it is a GUID"},
		{map[string]any{"profile": "entra", "version": 3}, "spec.version: is 3; there are 1 and 2"},
		{map[string]any{"profile": "entra", "version": "2"}, "spec.version: must be a whole number"},
		{map[string]any{"profile": "entra", "path": "/x"}, "spec.path: is \"/x\"; an issuer of Entra ends in /v2.0"},
		{map[string]any{"profile": "auth0", "namespace": "acme"}, "spec.namespace: is \"acme\"; it is a URL"},
		{map[string]any{"path": "x"}, "spec.path: is \"x\"; it begins with a slash"},
		{map[string]any{"path": "/a//b"}, "spec.path"},
		{map[string]any{"path": "/a/../b"}, "spec.path"},
		{map[string]any{"path": "/a?b"}, "spec.path"},
		{map[string]any{"issuer": "ftp://x"}, "spec.issuer: is \"ftp://x\""},
		{map[string]any{"issuer": "http://x/y", "path": "/y"}, "spec.issuer: stands beside path"},
		{map[string]any{"shape": map[string]any{"groups": "csv"}}, `spec.shape.groups: is "csv"; there are list, bare`},
		{map[string]any{"shape": map[string]any{"group": "list"}}, "spec.shape.group: is no field here"},
		{map[string]any{"shape": map[string]any{"groups_claim": "sub"}}, "spec.shape.groups_claim"},
		{map[string]any{"shape": map[string]any{"groups_limit": -2}}, "spec.shape.groups_limit"},
		{map[string]any{"acr_values": []any{"1", "a b"}}, `spec.acr_values[1]: is "a b"; an acr is printable ASCII`},
		{map[string]any{"profile": "entra", "dynamic_registration": true}, "spec.dynamic_registration: is true, and the profile entra has no"},
		{map[string]any{"acr_values": "1"}, "spec.acr_values: must be a list"},
		{map[string]any{"dpop_nonce": "yes"}, "spec.dpop_nonce: must be true or false"},
		{map[string]any{"shape": "x"}, "spec.shape: must be an object, is a string"},
		{map[string]any{"claim_mappings": map[string]any{}}, "spec.claim_mappings: must be a list"},
		{map[string]any{"claim_mappings": []any{"x"}}, "spec.claim_mappings[0]: must be an object"},
		{map[string]any{"claim_mappings": []any{map[string]any{"claim": "x"}}}, "spec.claim_mappings[0].value: is missing"},
		{map[string]any{"claim_mappings": []any{map[string]any{"value": "1"}}}, "spec.claim_mappings[0].claim: is missing"},
		{map[string]any{"claim_mappings": []any{map[string]any{"claim": "x", "value": "person."}}}, "spec.claim_mappings[0].value: is no expression: <input>:1:8"},
		{map[string]any{"claim_mappings": []any{map[string]any{"claim": "x", "value": "nobody.name"}}}, "undeclared reference to 'nobody'"},
		{map[string]any{"claim_mappings": []any{map[string]any{"claim": "iss", "value": "1"}}}, "spec.claim_mappings[0].claim: is \"iss\", which the provider sets itself"},
		{map[string]any{"profile": "okta", "claim_mappings": []any{map[string]any{"claim": "cid", "value": "'x'"}}}, "which the profile okta sets itself"},
		{map[string]any{"claim_mappings": []any{map[string]any{"claim": "x", "value": "1", "tokens": []any{"refresh"}}}}, "spec.claim_mappings[0].tokens[0]: is \"refresh\""},
		{map[string]any{"code_lifetime": "soon"}, "spec.code_lifetime: is no duration"},
		{map[string]any{"any": true}, "spec.any: is no field here"},
	} {
		_, problems := idp.ParseProvider(map[string]any{"metadata": map[string]any{"name": "acme"}, "spec": row.spec})
		if len(problems) == 0 || !strings.Contains(problems[0].String(), row.want) {
			t.Errorf("%v: %v, want %s", row.spec, problems, row.want)
		}
	}
}

// The same holds for who configures a provider in Go.
func TestConfigProblems(t *testing.T) {
	for _, row := range []struct {
		change func(*idp.Config)
		want   string
	}{
		{func(c *idp.Config) { c.Vendor.Profile = "ping" }, "Config.Vendor.profile"},
		{func(c *idp.Config) { c.Shape.Groups = "csv" }, "Config.Shape.groups"},
		{func(c *idp.Config) { c.Mappings = []idp.Mapping{{Claim: "x", Value: "("}} }, "Config.Mappings[0].value"},
		{func(c *idp.Config) { c.Vendor.Profile = "entra" }, "must end in /v2.0"},
	} {
		s := newSite(t)
		config := idp.Config{Issuer: s.host + "/x", Keys: testKeys(), Clock: s.world.Clock, Storage: store.Directory{World: s.world}}
		row.change(&config)
		if _, err := idp.New(config); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%v, want %s", err, row.want)
		}
	}
}
