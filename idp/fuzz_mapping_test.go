package idp_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/idp"
)

// maxMappingTime is far more than an expression at the bound of its cost takes.
const maxMappingTime = 5 * time.Second

// FuzzMapping: whatever the expression, the provider refuses it, or issues a token
// within bounded time, or says that it failed; it never touches what the protocol
// says of the token.
func FuzzMapping(f *testing.F) {
	var config idp.Config
	s := newSite(f, func(c *idp.Config) { config = *c })
	s.client("quick", map[string]any{"client_secret": "x", "grant_types": []any{"password"}, "access_token_signed_response_alg": "EdDSA",
		"id_token_signed_response_alg": "EdDSA", "redirect_uris": []any{callback}})
	for _, value := range []string{
		`person.login`, `person.groups.map(g, "/" + g).join("|")`, `person.?claims.?tier.orValue("none")`, `int(now) + 1`, `{"a": [1, 2.5, null, now, b"x", duration("1s")]}`,
		`[1,2,3,4,5,6,7,8,9].map(a, [1,2,3,4,5,6,7,8,9].map(b, [1,2,3,4,5,6,7,8,9].map(c, a*b*c)))`, `"a".replace("", "b".replace("", "c"))`, `"abc".substring(2, 9)`,
		`client.id.matches("(a+)+$")`, `{1: 2}`, `double("NaN")`, `9223372036854775807 + 1`, `type(1)`, `scope.exists(s, s == "openid") ? client : person`, `"\u0000\ud800"`, `x`, `((((`,
	} {
		f.Add(value, "x")
		f.Add(value, "iss")
	}
	form := url.Values{"grant_type": {"password"}, "username": {"ada"}, "password": {"engine"}, "scope": {"openid email"}}.Encode()
	f.Fuzz(func(t *testing.T, value, claim string) {
		started := time.Now()
		settings, problems := idp.ParseProvider(map[string]any{"metadata": map[string]any{"name": "acme"}, "spec": map[string]any{
			"claim_mappings": []any{map[string]any{"claim": claim, "value": value}}}})
		if len(problems) > 0 {
			return
		}
		provider, err := idp.New(settings.Configure(config, s.host))
		if err != nil {
			t.Fatalf("%q: %v", value, err)
		}
		e := echo.New()
		provider.Register(e.Group(provider.IssuerPath()))
		request := httptest.NewRequest("POST", provider.IssuerPath()+"/token", strings.NewReader(form))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.SetBasicAuth("quick", "x")
		recorder := httptest.NewRecorder()
		e.ServeHTTP(recorder, request)
		if took := time.Since(started); took > maxMappingTime {
			t.Fatalf("%q took %s", value, took)
		}
		var answer map[string]any
		if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%q: %d %v in %s", value, recorder.Code, err, recorder.Body)
		}
		said, _ := answer["error_description"].(string)
		switch {
		case recorder.Code == 400 && strings.Contains(said, "claim_mappings[0]"):
		case recorder.Code == 200:
			access := claimsIn(t, answer["access_token"])
			if access["iss"] != provider.Issuer() || access["exp"] == nil || access["client_id"] != "quick" {
				t.Fatalf("%q for %q: claims %v", value, claim, access)
			}
			if claim != "sub" && claimsIn(t, answer["id_token"])["sub"] != access["sub"] {
				t.Fatalf("%q for %q: the ID token is of another subject", value, claim)
			}
		default:
			t.Fatalf("%q for %q: %d %s", value, claim, recorder.Code, recorder.Body)
		}
	})
}

// claimsIn reads the payload of a token that was just signed.
func claimsIn(t *testing.T, token any) map[string]any {
	parts := strings.Split(fmt.Sprint(token), ".")
	if len(parts) != 3 {
		t.Fatalf("no JWT: %v", token)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}
