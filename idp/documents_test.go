package idp_test

import (
	"crypto"
	"encoding/base64"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/idp"
)

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func resource(name string, spec any) map[string]any {
	return map[string]any{"apiVersion": "mockduktor/v1", "metadata": map[string]any{"name": name}, "spec": spec}
}

func TestParsePerson(t *testing.T) {
	got, problems := idp.ParsePerson(resource("ada", map[string]any{
		"email": "ada@example.com", "given_name": "Ada", "family_name": "Lovelace", "groups": []any{"ops"}, "password": "x",
	}))
	want := &idp.Person{
		Login: "ada", Sub: idp.SubjectOf("ada"), Email: "ada@example.com", EmailVerified: true, Name: "Ada Lovelace",
		GivenName: "Ada", FamilyName: "Lovelace", Groups: []string{"ops"}, Password: "x",
	}
	if len(problems) > 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v %v, want %+v", got, problems, want)
	}
	if got, problems := idp.ParsePerson(resource("bob", nil)); len(problems) > 0 || got.Name != "bob" || got.EmailVerified != true {
		t.Errorf("an empty person: %+v %v", got, problems)
	}
	checkProblems(t, func(r map[string]any) []idp.Problem { _, p := idp.ParsePerson(r); return p }, []problemCase{
		{map[string]any{"spec": map[string]any{}}, "metadata", "object"},
		{resource("", nil), "metadata.name", "not empty"},
		{resource("x", "y"), "spec", "must be an object, is a string"},
		{resource("x", map[string]any{"email": "nobody"}), "spec.email", "no e-mail address"},
		{resource("x", map[string]any{"email": true}), "spec.email", "must be a string, is true or false without quotes"},
		{resource("x", map[string]any{"email_verified": "true"}), "spec.email_verified", "must be true or false, is a string"},
		{resource("x", map[string]any{"groups": "ops"}), "spec.groups", "must be a list of strings, is a string"},
		{resource("x", map[string]any{"groups": []any{"ops", 1.0}}), "spec.groups[1]", "must be a string, is a number"},
		{resource("x", map[string]any{"claims": []any{}}), "spec.claims", "must be an object of claims, is a list"},
		{resource("x", map[string]any{"claims": map[string]any{"aud": "x"}}), "spec.claims.aud", "set by the provider"},
		{resource("x", map[string]any{"sub": strings.Repeat("x", 256)}), "spec.sub", "255"},
		{resource("x", map[string]any{"mail": "x"}), "spec.mail", "is no field here; there are sub, email"},
	})
}

// RFC 9562, section 5.5; the value must never change, for whoever stored it.
func TestSubjectsAreStable(t *testing.T) {
	if got := idp.SubjectOf("ada"); got != "40987ee7-5bab-5dab-89cf-256dff1e7e1f" {
		t.Errorf("the sub of ada is %s", got)
	}
}

func TestParseClient(t *testing.T) {
	got, problems := idp.ParseClient(resource("backstage", map[string]any{
		"client_secret": "x", "redirect_uris": []any{callback}, "scope": "openid  email", "access_token_lifetime": "1h30m",
	}))
	want := &idp.Client{
		ID: "backstage", Name: "backstage", Secret: "x", RedirectURIs: []string{callback}, Scopes: []string{"openid", "email"},
		GrantTypes: []string{"authorization_code", "refresh_token"}, AccessTokenType: "JWT", AccessTokenLifetime: 90 * time.Minute,
	}
	if len(problems) > 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v %v, want %+v", got, problems, want)
	}
	if got, problems := idp.ParseClient(resource("spa", map[string]any{"redirect_uris": []any{callback}})); len(problems) > 0 || !got.RequirePKCE {
		t.Errorf("a public client: %+v %v", got, problems)
	}
	with := func(more map[string]any) map[string]any {
		spec := map[string]any{"client_secret": "x", "redirect_uris": []any{callback}}
		for name, value := range more {
			if value == nil {
				delete(spec, name)
			} else {
				spec[name] = value
			}
		}
		return resource("c", spec)
	}
	checkProblems(t, func(r map[string]any) []idp.Problem { _, p := idp.ParseClient(r); return p }, []problemCase{
		{with(map[string]any{"redirect_uris": []any{callback, "/callback"}}), "spec.redirect_uris[1]", "not absolute"},
		{with(map[string]any{"redirect_uris": []any{"http://app.example/#x"}}), "spec.redirect_uris[0]", "fragment"},
		{with(map[string]any{"redirect_uris": []any{"http://*.app.example/"}}), "spec.redirect_uris[0]", "wildcard"},
		{with(map[string]any{"redirect_uris": []any{"http:///x"}}), "spec.redirect_uris[0]", "no host"},
		{with(map[string]any{"redirect_uris": []any{"javascript:alert(1)"}}), "spec.redirect_uris[0]", "scheme javascript"},
		{with(map[string]any{"redirect_uris": []any{"http://a\x7f/"}}), "spec.redirect_uris[0]", "no URI"},
		{with(map[string]any{"redirect_uris": nil}), "spec.redirect_uris", "needs at least one"},
		{with(map[string]any{"post_logout_redirect_uris": []any{"bye"}}), "spec.post_logout_redirect_uris[0]", "not absolute"},
		{with(map[string]any{"grant_types": []any{"implicit"}}), "spec.grant_types[0]", `is "implicit"; there are authorization_code`},
		{with(map[string]any{"access_token_lifetime": "1 hour"}), "spec.access_token_lifetime", "no duration"},
		{with(map[string]any{"refresh_token_lifetime": "-1h"}), "spec.refresh_token_lifetime", "at least 1s"},
		{with(map[string]any{"id_token_lifetime": 60.0}), "spec.id_token_lifetime", "must be a string, is a number"},
		{with(map[string]any{"client_secret": nil, "token_endpoint_auth_method": "client_secret_basic"}), "spec.client_secret", "confidential"},
		{with(map[string]any{"client_secret": nil, "grant_types": []any{"client_credentials"}}), "spec.client_secret", "confidential clients only"},
		{with(map[string]any{"token_endpoint_auth_method": "none"}), "spec.token_endpoint_auth_method", "yet there is a client_secret"},
		{with(map[string]any{"token_endpoint_auth_method": "tls_client_auth"}), "spec.token_endpoint_auth_method", "client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, none"},
		{with(map[string]any{"token_endpoint_auth_method": "private_key_jwt", "client_secret": nil}), "spec.jwks", "is missing"},
		{with(map[string]any{"jwks": map[string]any{"keys": []any{}}}), "spec.jwks", "1 to 20 keys"},
		{with(map[string]any{"jwks": "x"}), "spec.jwks", "is a string"},
		{with(map[string]any{"jwks": map[string]any{"keys": []any{map[string]any{"kty": "oct", "k": "c2VjcmV0"}}}}), "spec.jwks.keys[0]", "public key"},
		{with(map[string]any{"access_token_format": "paseto"}), "spec.access_token_format", "jwt and opaque"},
		{with(map[string]any{"userinfo_signed_response_alg": "none"}), "spec.userinfo_signed_response_alg", "RS256"},
		{with(map[string]any{"subject_type": "private"}), "spec.subject_type", "public and pairwise"},
		{with(map[string]any{"subject_type": "pairwise", "redirect_uris": []any{callback, "http://other.example/"}}), "spec.sector_identifier_uri", "several hosts"},
		{with(map[string]any{"sector_identifier_uri": "x"}), "spec.sector_identifier_uri", "name a host"},
		{with(map[string]any{"backchannel_logout_uri": "http://other.example/"}), "spec.backchannel_logout_uri", "none of the redirect_uris"},
		{with(map[string]any{"frontchannel_logout_uri": "com.example:/x"}), "spec.frontchannel_logout_uri", "http or https"},
		{with(map[string]any{"frontchannel_logout_uri": "/x"}), "spec.frontchannel_logout_uri", "not absolute"},
		{with(map[string]any{"grant_types": []any{"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "client_secret": nil}), "spec.jwks", "is missing"},
		{with(map[string]any{"id_token_signed_response_alg": "none"}), "spec.id_token_signed_response_alg", "RS256, PS256, ES256, EdDSA"},
		{with(map[string]any{"access_token_signed_response_alg": "HS256"}), "spec.access_token_signed_response_alg", "RS256"},
		{with(map[string]any{"access_token_typ": "jwt"}), "spec.access_token_typ", "at+jwt"},
		{with(map[string]any{"audience": []any{""}}), "spec.audience[0]", "not be empty"},
		{with(map[string]any{"scope": `open"id`}), "spec.scope", "no scope"},
		{with(map[string]any{"claims": map[string]any{"exp": 1.0}}), "spec.claims.exp", "set by the provider"},
		{with(map[string]any{"redirect_uri": "x"}), "spec.redirect_uri", "is no field here"},
	})
}

type problemCase struct {
	resource     map[string]any
	path, reason string
}

// checkProblems wants exactly the one problem of each case.
func checkProblems(t *testing.T, problems func(map[string]any) []idp.Problem, cases []problemCase) {
	t.Helper()
	for _, c := range cases {
		got := problems(c.resource)
		if len(got) != 1 || got[0].Path != c.path || !strings.Contains(got[0].Reason, c.reason) || !strings.HasPrefix(got[0].String(), c.path+": ") {
			t.Errorf("%v: %v, want %s: %s", c.resource, got, c.path, c.reason)
		}
	}
}

func TestParseSigningKey(t *testing.T) {
	for want, text := range map[string]string{
		"no PEM block":      "rubbish",
		"is \"PUBLIC KEY\"": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
		"signing key: ":     "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	} {
		if _, err := idp.ParseSigningKey("RS256", text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		key := mustGenerate(t, alg)
		read, err := idp.ParseSigningKey(alg, pemOf(t, key))
		if err != nil {
			t.Fatal(err)
		}
		if !key.Private.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(read.Private.Public()) {
			t.Errorf("%s: another key came back", alg)
		}
		for _, other := range []string{"ES256", "EdDSA", "RS256", "HS256"} {
			if _, err := idp.ParseSigningKey(other, pemOf(t, key)); (err == nil) != (other == alg || alg == "PS256" && other == "RS256") {
				t.Errorf("%s key for %s: %v", alg, other, err)
			}
		}
	}
	if _, err := idp.GenerateSigningKey("HS256"); err == nil {
		t.Error("generated a key for HS256")
	}
}
