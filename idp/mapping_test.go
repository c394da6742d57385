package idp_test

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func mapped(t testing.TB, mappings ...map[string]any) *vendorSite {
	t.Helper()
	list := make([]any, len(mappings))
	for i, m := range mappings {
		list[i] = m
	}
	return newVendor(t, map[string]any{"claim_mappings": list})
}

// A mapping sees person, client, scope and time, and gives any JSON value.
func TestMappingValues(t *testing.T) {
	for value, want := range map[string]any{
		`person.login`: "ada", `person.email.split("@")[1]`: "example.com", `person.groups.map(g, "/" + g)`: []any{"/platform", "/ops"},
		`person.groups.filter(g, g.startsWith("op"))`: []any{"ops"}, `person.claims.department`: "maths", `client.id`: "app", `client.name`: "The App",
		`"email" in scope`: true, `now.getFullYear()`: 2031.0, `int(now) + 1`: float64(start.Unix()) + 1, `{"a": [1, 2.5, null]}`: map[string]any{"a": []any{1.0, 2.5, nil}},
		`person.email_verified ? "yes" : "no"`: "yes", `size(person.groups)`: 2.0, `person.?claims.?tier.orValue("none")`: "none",
		`person.claims.nothing`: nil, `null`: nil,
		`"Ärger AB".lowerAscii()`: "Ärger ab", `"Ärger ab".upperAscii()`: "ÄRGER AB", `" a ".trim()`: "a",
		`"a-b-c".replace("-", "+")`: "a+b+c", `"a-b-c".replace("-", "+", 1)`: "a+b-c", `"ab".replace("", ".")`: ".a.b.",
		`"a,b,c".split(",", 2)`: []any{"a", "b,c"}, `"äö".split("")`: []any{"ä", "ö"}, `"a".split(",", 0)`: []any{},
		`person.groups.map(g, g.upperAscii()).join("|")`: "PLATFORM|OPS", `["a", "b"].join()`: "ab", `[].join(",")`: "",
		`"grüße".substring(2)`: "üße", `"grüße".substring(2, 4)`: "üß", `"a".substring(1)`: "",
	} {
		v := mapped(t, map[string]any{"claim": "x", "value": value})
		tokens := v.signedIn("ada")
		for where, claims := range map[string]map[string]any{"access": v.claims(tokens["access_token"]), "ID": v.claims(tokens["id_token"]), "userinfo": v.userInfo(tokens)} {
			if got, there := claims["x"]; there != (want != nil) || !reflect.DeepEqual(got, want) {
				t.Errorf("%s in %s: %#v, want %#v", value, where, got, want)
			}
		}
	}
}

// For whom and where: scopes, clients, tokens. A later mapping has the last
// word, and null takes a claim of the standard away.
func TestMappingConditions(t *testing.T) {
	v := mapped(t,
		map[string]any{"claim": "a", "value": "1", "scopes": []any{"special", "other"}},
		map[string]any{"claim": "b", "value": "1", "clients": []any{"spa"}},
		map[string]any{"claim": "c", "value": "1", "clients": []any{"app"}, "tokens": []any{"id"}},
		map[string]any{"claim": "d", "value": "'first'"},
		map[string]any{"claim": "d", "value": "'second'", "tokens": []any{"access"}},
		map[string]any{"claim": "email", "value": "null", "tokens": []any{"access"}},
		map[string]any{"claim": "groups", "value": "person.groups.filter(g, g != 'ops')"},
	)
	tokens := v.signedIn("ada")
	access, id, info := v.claims(tokens["access_token"]), v.claims(tokens["id_token"]), v.userInfo(tokens)
	for what, wrong := range map[string]bool{
		"a without its scope": access["a"] != nil || id["a"] != nil, "b at another client": access["b"] != nil, "c outside of the ID token": access["c"] != nil || info["c"] != nil,
		"c not in the ID token": id["c"] != 1.0, "d": access["d"] != "second" || id["d"] != "first" || info["d"] != "first", "email in the access token": access["email"] != nil,
		"email elsewhere": id["email"] == nil || info["email"] == nil, "groups": !reflect.DeepEqual(access["groups"], []any{"platform"}) || !reflect.DeepEqual(info["groups"], []any{"platform"}),
	} {
		if wrong {
			t.Errorf("%s: access %v, ID %v, userinfo %v", what, access, id, info)
		}
	}
	if special := v.signedIn("ada", "scope", "openid special"); v.claims(special["access_token"])["a"] != 1.0 || v.userInfo(special)["a"] != 1.0 {
		t.Error("a with its scope")
	}
}

// The claim is the same in every path: refresh, password, the client's own.
func TestMappingInEveryPath(t *testing.T) {
	v := mapped(t, map[string]any{"claim": "x", "value": `has(person.login) ? person.login : client.id`})
	tokens := v.signedIn("ada")
	refreshed := v.object(v.post(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}}))
	password := v.object(v.post(url.Values{"grant_type": {"password"}, "username": {"ada"}, "password": {"engine"}}))
	for what, token := range map[string]any{"code": tokens["access_token"], "refresh": refreshed["access_token"], "refreshed ID": refreshed["id_token"], "password": password["access_token"]} {
		if x := v.claims(token)["x"]; x != "ada" {
			t.Errorf("%s: %v", what, x)
		}
	}
	if x := v.claims(v.ownTokens("")["access_token"])["x"]; x != "app" {
		t.Errorf("client: %v", x)
	}
}

// An expression that fails says which it is; one that costs too much ends.
func TestMappingFailures(t *testing.T) {
	long := `"` + strings.Repeat("x", 1000) + `"`
	for value, says := range map[string]string{
		`"abc".substring(2, 9)`: "2 to 9 is not within the 3 characters", `"abc".substring(-1)`: "is not within", `[dyn(1), "a"].join()`: "no such overload",
		`[` + long + `].map(t, t.replace("", t))[0]`: "longer than 65536 bytes",
		`1 / (size(person.groups) - 2)`:              "division by zero", `person.login + 1`: "no such overload",
		`[1,2,3,4,5,6,7,8,9,10].map(a, [1,2,3,4,5,6,7,8,9,10].map(b, [1,2,3,4,5,6,7,8,9,10].map(c, [1,2,3,4,5,6,7,8,9,10].map(d, [1,2,3,4,5,6,7,8,9,10].map(e, a*b*c*d*e)))))`: "cost limit",
	} {
		v := mapped(t, map[string]any{"claim": "x", "value": value})
		a := v.post(codeForm(v.code("ada")))
		v.refused(a, 400, "invalid_request", "claim_mappings[0] of the provider, for the claim 'x', failed")
		if !strings.Contains(a.body, says) {
			t.Errorf("%s: %s", value, a.body)
		}
	}
}
