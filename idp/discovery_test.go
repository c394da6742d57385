package idp_test

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server/store"
)

// OpenID Connect Discovery 1.0, section 4: the document is at the issuer, its
// issuer is the one asked for byte for byte, and what it names is there.
func TestOIDCDiscovery4ProviderConfiguration(t *testing.T) {
	for _, slash := range []string{"", "/"} {
		s := newSite(t, func(c *idp.Config) { c.Issuer += slash })
		a := s.get(strings.TrimSuffix(s.issuer, "/") + "/.well-known/openid-configuration")
		document := s.object(a)
		if a.StatusCode != 200 || a.Header.Get("Content-Type") != "application/json" || document["issuer"] != s.issuer {
			t.Fatalf("%s %s issuer %v, want %s", a.Status, a.Header.Get("Content-Type"), document["issuer"], s.issuer)
		}
		for name, value := range document {
			address, ok := value.(string)
			if !ok || name == "issuer" {
				continue
			}
			if rest := strings.TrimPrefix(address, s.host); strings.Contains(rest, "//") {
				t.Errorf("%s has a double slash: %s", name, address)
			}
			if a := s.get(address); a.StatusCode == 404 {
				t.Errorf("%s leads nowhere: %s", name, address)
			}
		}
		for _, absent := range []string{"registration_endpoint", "check_session_iframe", "mockduktor_any_client"} {
			if _, ok := document[absent]; ok {
				t.Errorf("%s is advertised but not there", absent)
			}
		}
		// Absent would mean true (section 3).
		if document["request_uri_parameter_supported"] != false {
			t.Error("request_uri_parameter_supported must be false")
		}
		if got := document["code_challenge_methods_supported"]; !reflect.DeepEqual(got, []any{"S256"}) {
			t.Errorf("code_challenge_methods_supported: %v", got)
		}
		if got := document["id_token_signing_alg_values_supported"]; !reflect.DeepEqual(got, []any{"RS256", "ES256", "PS256", "EdDSA"}) {
			t.Errorf("id_token_signing_alg_values_supported: %v", got)
		}
	}
}

// RFC 8414, section 3.1: the well-known part stands before the issuer's path;
// both names have it in both places.
func TestRFC8414Section3PathInserted(t *testing.T) {
	for _, slash := range []string{"", "/"} {
		s := newSite(t, func(c *idp.Config) { c.Issuer += slash })
		want := s.get(s.host + "/idp/.well-known/openid-configuration").body
		for _, path := range []string{
			"/.well-known/oauth-authorization-server/idp", "/.well-known/openid-configuration/idp", "/idp/.well-known/oauth-authorization-server",
		} {
			if a := s.get(s.host + path); a.StatusCode != 200 || a.body != want {
				t.Errorf("%s: %s", path, a.Status)
			}
		}
	}
}

func TestMistypedDiscoveryNamesTheIssuer(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{
		"/.well-known/openid-configuration", "/.well-known/openid-configuration/idq", "/.well-known/openid-configuration/idp/",
		"/idp/.well-known/openid-config", "/idp/.well-known/openid-configuration/", "/idp//.well-known/openid-configuration", "/idp/authorise", "/idp", "/idp/",
	} {
		a := s.get(s.host + path)
		object := s.object(a)
		if a.StatusCode != 404 || object["issuer"] != s.issuer || object["openid_configuration"] != s.issuer+"/.well-known/openid-configuration" {
			t.Errorf("%s: %s %s", path, a.Status, a.body)
		}
	}
}

// RFC 9110, section 13.1.2.
func TestRFC9110Section13ConditionalGet(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/.well-known/openid-configuration", "/jwks"} {
		a := s.get(s.issuer + path)
		tag := a.Header.Get("ETag")
		if tag == "" || a.Header.Get("Cache-Control") != "public, no-cache" {
			t.Errorf("%s: ETag %q, Cache-Control %q", path, tag, a.Header.Get("Cache-Control"))
		}
		for _, given := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
			if a := s.get(s.issuer+path, "If-None-Match", given); a.StatusCode != 304 || a.body != "" || a.Header.Get("ETag") != tag {
				t.Errorf("%s: If-None-Match %s: %s %q", path, given, a.Status, a.body)
			}
		}
		if a := s.get(s.issuer+path, "If-None-Match", `"other"`); a.StatusCode != 200 {
			t.Errorf("%s: another tag: %s", path, a.Status)
		}
		if a := s.send(bare, s.request("HEAD", s.issuer+path, nil)); a.StatusCode != 200 || a.body != "" {
			t.Errorf("%s: HEAD: %s %q", path, a.Status, a.body)
		}
	}
}

// RFC 7638 for the kid; RFC 7517, section 4, for alg and use.
func TestRFC7638KeySet(t *testing.T) {
	s := newSite(t)
	set, err := jwk.Parse([]byte(s.get(s.issuer + "/jwks").body))
	if err != nil {
		t.Fatal(err)
	}
	if set.Len() != 4 {
		t.Errorf("%d keys", set.Len())
	}
	for i := range set.Len() {
		key, _ := set.Key(i)
		thumbprint, err := key.Thumbprint(crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		if key.KeyID() != base64.RawURLEncoding.EncodeToString(thumbprint) || key.KeyUsage() != "sig" || key.Algorithm().String() == "" {
			t.Errorf("key %d: kid %s use %s alg %s", i, key.KeyID(), key.KeyUsage(), key.Algorithm())
		}
		if private, _ := jwk.IsPrivateKey(key); private {
			t.Errorf("key %d is published with its private half", i)
		}
	}
	published, err := json.Marshal(testKeys().Public())
	if err != nil || string(published) != s.get(s.issuer+"/jwks").body {
		t.Errorf("Public is not what is published: %v", err)
	}
}

func TestKeysAreChecked(t *testing.T) {
	rsa, err := idp.GenerateSigningKey("RS256")
	if err != nil {
		t.Fatal(err)
	}
	for name, list := range map[string][]idp.SigningKey{
		"at least one":                   nil,
		"is there already":               {rsa, rsa},
		"signing key 3: the same key is": {rsa, {Alg: "PS256", Private: rsa.Private}, {Alg: "PS256", Private: rsa.Private}},
		"needs an EC key":                {{Alg: "ES256", Private: rsa.Private}},
		"needs an Ed25519":               {{Alg: "EdDSA", Private: rsa.Private}},
		`alg is "none"`:                  {{Alg: "none", Private: rsa.Private}},
	} {
		if _, err := idp.NewKeys(list); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want %q, got %v", name, err)
		}
	}
}

// Rotation: a new key in front signs, the old one still verifies; a key that
// is gone does not.
func TestKeyRotation(t *testing.T) {
	fresh, err := idp.GenerateSigningKey("RS256")
	if err != nil {
		t.Fatal(err)
	}
	old, err := idp.GenerateSigningKey("RS256")
	if err != nil {
		t.Fatal(err)
	}
	keys := func(list ...idp.SigningKey) *idp.Keys {
		keys, err := idp.NewKeys(list)
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	s := newSite(t, func(c *idp.Config) { c.Keys = keys(old) })
	first := s.redeem(s.browser().signIn("ada"))["access_token"]
	tag := s.get(s.issuer + "/jwks").Header.Get("ETag")

	s.SetKeys(keys(fresh, old))
	if s.get(s.issuer+"/jwks").Header.Get("ETag") == tag {
		t.Error("the key set did not change")
	}
	second := s.redeem(s.browser().signIn("ada"))["access_token"]
	if s.part(first, 0)["kid"] == s.part(second, 0)["kid"] {
		t.Error("the new key does not sign")
	}
	for _, token := range []any{first, second} {
		if a := s.userInfo(token); a.StatusCode != 200 {
			t.Errorf("during rotation: %s", a.body)
		}
	}
	s.SetKeys(keys(fresh))
	s.refused(s.userInfo(first), 401, "invalid_token", "none of this provider's keys")
}

// Fetch standard, CORS protocol: the origin is reflected, and a preflight is
// answered without credentials.
func TestCORS(t *testing.T) {
	s := newSite(t)
	const origin = "http://spa.example:3000"
	for path, method := range map[string]string{
		"/.well-known/openid-configuration": "GET", "/.well-known/oauth-authorization-server": "GET",
		"/jwks": "GET", "/token": "POST", "/userinfo": "GET", "/revoke": "POST",
	} {
		r := s.request("OPTIONS", s.issuer+path, nil)
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", method)
		r.Header.Set("Access-Control-Request-Headers", "authorization,dpop")
		a := s.send(bare, r)
		if a.StatusCode != 204 || a.Header.Get("Access-Control-Allow-Origin") != origin ||
			!strings.Contains(a.Header.Get("Access-Control-Allow-Methods"), method) ||
			a.Header.Get("Access-Control-Allow-Headers") != "authorization,dpop" || a.Header.Get("Access-Control-Allow-Credentials") != "true" {
			t.Errorf("%s: preflight: %s %v", path, a.Status, a.Header)
		}
		r = s.request(method, s.issuer+path, nil)
		r.Header.Set("Origin", origin)
		a = s.send(bare, r)
		if a.Header.Get("Access-Control-Allow-Origin") != origin || a.Header.Get("Vary") != "Origin" ||
			!strings.Contains(a.Header.Get("Access-Control-Expose-Headers"), "WWW-Authenticate") {
			t.Errorf("%s: %s %v", path, a.Status, a.Header)
		}
	}
	for _, path := range []string{"/authorize", "/signin", "/logout"} {
		if a := s.get(s.issuer+path, "Origin", origin); a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s may be read by other origins", path)
		}
	}
}

// What programs call may be on another host than what browsers visit; the
// issuer stays one.
func TestDiscoveryOfTwoHosts(t *testing.T) {
	s := newSite(t, func(c *idp.Config) {
		c.BackChannel = func(r *http.Request) string {
			if r.Header.Get("X-Asks-As") == "" {
				return ""
			}
			return "http://" + r.Header.Get("X-Asks-As") + "/idp"
		}
	})
	inside := func() map[string]any {
		return s.object(s.get(s.issuer+"/.well-known/openid-configuration", "X-Asks-As", "idp.internal:8080"))
	}
	outside := s.object(s.get(s.issuer + "/.well-known/openid-configuration"))
	for range 2 {
		document := inside()
		for name, value := range document {
			address, ok := value.(string)
			if !ok {
				continue
			}
			want, _ := outside[name].(string)
			switch name {
			case "issuer", "authorization_endpoint", "end_session_endpoint":
			default:
				want = strings.Replace(want, s.host, "http://idp.internal:8080", 1)
			}
			if address != want {
				t.Errorf("%s is %s, want %s", name, address, want)
			}
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := idp.Config{Issuer: "http://localhost/idp", Keys: testKeys(), Storage: store.Directory{World: store.New()}, Clock: store.NewClock()}
	for want, change := range map[string]func(*idp.Config){
		"must begin with http": func(c *idp.Config) { c.Issuer = "localhost/idp" },
		"name a host":          func(c *idp.Config) { c.Issuer = "http:///idp" },
		"neither query nor":    func(c *idp.Config) { c.Issuer = "http://localhost/idp?" },
		"query nor fragment":   func(c *idp.Config) { c.Issuer = "http://localhost/idp#x" },
		"Storage":              func(c *idp.Config) { c.Storage = nil },
		"Clock":                func(c *idp.Config) { c.Clock = nil },
		"Keys":                 func(c *idp.Config) { c.Keys = nil },
	} {
		config := good
		change(&config)
		if _, err := idp.New(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	if _, err := idp.New(good); err != nil {
		t.Error(err)
	}
}

// The switch is to be seen in discovery, on the page and in the log.
func TestAnyClientMode(t *testing.T) {
	s := newSite(t, func(c *idp.Config) { c.AnyClient = true })
	if s.object(s.get(s.issuer + "/.well-known/openid-configuration"))["mockduktor_any_client"] != true {
		t.Error("discovery does not say it")
	}
	b := s.browser()
	page := b.authorize("client_id", "stranger", "redirect_uri", "https://anywhere.example/x?y=z")
	if byTestID(t, page.body, "any-client") == "" {
		t.Error("the page does not say it")
	}
	if !strings.Contains(s.log.String(), "any-client mode") {
		t.Error("the log does not say it")
	}
	response := s.response(b.press(page, "sign-in-ada"))
	form := codeForm(response.Get("code"))
	form.Set("redirect_uri", "https://anywhere.example/x?y=z")
	form.Set("client_id", "stranger")
	form.Set("client_secret", "whatever")
	a := s.send(bare, s.request("POST", s.issuer+"/token", form))
	if a.StatusCode != 200 || s.claims(s.object(a)["access_token"])["aud"] != "stranger" {
		t.Errorf("token: %s", a.body)
	}
	for _, uri := range []string{"javascript:alert(1)", "/relative", "ftp://x.example/", "http://x.example/#f", "http://user@x.example/", "http:x", `http://x.example\@y.example/`, "com.example.app:/cb"} {
		if a := b.authorize("client_id", "stranger", "redirect_uri", uri); a.StatusCode != 400 || a.Header.Get("Location") != "" {
			t.Errorf("%s: %s to %s", uri, a.Status, a.Header.Get("Location"))
		}
	}
	// A registered client keeps its own rules.
	if a := b.authorize("redirect_uri", "https://anywhere.example/"); a.StatusCode != 400 {
		t.Errorf("a registered client got another redirect URI: %s", a.Status)
	}
	plain := newSite(t)
	if a := plain.browser().authorize("client_id", "stranger"); a.StatusCode != 400 || !strings.Contains(text(a.body), "not registered") {
		t.Errorf("without the switch: %s", a.Status)
	}
}

func (s *site) userInfo(token any) *answer {
	s.t.Helper()
	bearer, _ := token.(string)
	return s.get(s.issuer+"/userinfo", "Authorization", "Bearer "+bearer)
}

// RFC 6749, section 3.2: the token endpoint takes POST only; 405 says what is
// taken.
func TestRFC6749Section3Methods(t *testing.T) {
	s := newSite(t)
	for path, allow := range map[string]string{"/token": "POST", "/revoke": "POST", "/jwks": "GET, HEAD", "/userinfo": "GET, POST"} {
		for _, method := range []string{"GET", "PUT", "DELETE", "POST"} {
			if strings.Contains(allow, method) {
				continue
			}
			a := s.send(bare, s.request(method, s.issuer+path, url.Values{}))
			if a.StatusCode != 405 || a.Header.Get("Allow") != allow || s.object(a)["error"] != "invalid_request" {
				t.Errorf("%s %s: %s %q %s", method, path, a.Status, a.Header.Get("Allow"), a.body)
			}
		}
	}
}

// What is off is not advertised, and what is advertised is there.
func TestRFC8414AdvertisesWhatIsThere(t *testing.T) {
	endpoints := []string{"introspection_endpoint", "pushed_authorization_request_endpoint", "device_authorization_endpoint", "registration_endpoint"}
	on := newSite(t, withRegistration)
	document := on.object(on.get(on.issuer + "/.well-known/oauth-authorization-server"))
	for _, name := range endpoints {
		address, _ := document[name].(string)
		if a := on.send(bare, on.request("PATCH", address, nil)); a.StatusCode != 405 {
			t.Errorf("%s at %q: %s", name, address, a.Status)
		}
	}
	for name, want := range map[string]any{
		"response_types_supported":                         []any{"code"},
		"response_modes_supported":                         []any{"query", "fragment", "form_post"},
		"subject_types_supported":                          []any{"public", "pairwise"},
		"token_endpoint_auth_methods_supported":            []any{"client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"},
		"token_endpoint_auth_signing_alg_values_supported": []any{"HS256", "RS256", "PS256", "ES256", "EdDSA", "Ed25519"},
		"introspection_endpoint_auth_methods_supported":    []any{"client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"},
		"dpop_signing_alg_values_supported":                []any{"RS256", "PS256", "ES256", "EdDSA", "Ed25519"},
		"grant_types_supported":                            []any{"authorization_code", "refresh_token", "client_credentials", "password", deviceGrant, exchangeGrant, bearerGrant},
		"prompt_values_supported":                          []any{"none", "login", "select_account", "consent"},
		"claims_parameter_supported":                       true,
		"request_parameter_supported":                      false,
		"authorization_response_iss_parameter_supported":   true,
		"frontchannel_logout_supported":                    true,
		"frontchannel_logout_session_supported":            true,
		"backchannel_logout_supported":                     true,
		"backchannel_logout_session_supported":             true,
		"require_pushed_authorization_requests":            false,
	} {
		if !reflect.DeepEqual(document[name], want) {
			t.Errorf("%s: %v, want %v", name, document[name], want)
		}
	}
	off := newSite(t, func(c *idp.Config) {
		c.Paths = idp.DefaultPaths()
		c.Paths.Introspect, c.Paths.Push, c.Paths.Device = "", "", ""
	})
	document = off.object(off.get(off.issuer + "/.well-known/openid-configuration"))
	for _, name := range endpoints {
		if document[name] != nil {
			t.Errorf("%s is advertised: %v", name, document[name])
		}
	}
	for _, path := range []string{"/introspect", "/par", "/device", "/device_authorization", "/register"} {
		if a := off.get(off.issuer + path); a.StatusCode != 404 {
			t.Errorf("%s: %s", path, a.Status)
		}
	}
	off.deviceClient()
	off.refused(off.poll(map[string]any{"device_code": "x"}), 400, "unsupported_grant_type", "")
	if grants, _ := document["grant_types_supported"].([]any); len(grants) != 6 || slices.Contains(grants, any(deviceGrant)) {
		t.Errorf("grant types: %v", grants)
	}
}
