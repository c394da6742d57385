package idp_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/mockduktor/mockduktor/idp"
)

// proof makes a DPoP proof of now; changes are name, value pairs of its claims.
func (s *site) proof(key *signer, method, endpoint string, changes ...any) string {
	s.t.Helper()
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": s.issuer + endpoint, "iat": s.world.Clock.Now().Unix()}
	return key.sign("dpop+jwt", with(claims, changes...), withKey(s.t, key.public()))
}

func withKey(t testing.TB, key jwk.Key) func(jws.Headers) {
	return func(h jws.Headers) {
		if err := h.Set("jwk", key); err != nil {
			t.Fatal(err)
		}
	}
}

func athOf(token any) string {
	d := sha256.Sum256([]byte(token.(string)))
	return base64.RawURLEncoding.EncodeToString(d[:])
}

var clientCredentials = url.Values{"grant_type": {"client_credentials"}}

func (s *site) dpopUserInfo(token any, proof string) *answer {
	s.t.Helper()
	header := []string{"Authorization", "DPoP " + token.(string)}
	if proof != "" {
		header = append(header, "DPoP", proof)
	}
	return s.get(s.issuer+"/userinfo", header...)
}

// Sections 4 to 7: the proof, the bound token, and its use.
func TestRFC9449BoundTokens(t *testing.T) {
	s := newSite(t)
	s.client("rs", map[string]any{"client_secret": "x", "grant_types": []any{"client_credentials"}})
	for _, alg := range []string{"ES256", "RS256", "PS256", "EdDSA"} {
		key := newSigner(t, alg)
		code := s.browser().signIn("ada").Get("code")
		tokens := s.good(s.post("/token", "app", "s3cret+/%", codeForm(code), "DPoP", s.proof(key, "POST", "/token")))
		access := tokens["access_token"]
		cnf, _ := s.claims(access)["cnf"].(map[string]any)
		if tokens["token_type"] != "DPoP" || cnf["jkt"] != key.thumbprint() || s.claims(tokens["id_token"])["cnf"] != nil {
			t.Errorf("%s: %v cnf %v", alg, tokens["token_type"], cnf)
		}
		if got := s.introspect(access); got["token_type"] != "DPoP" || got["cnf"].(map[string]any)["jkt"] != key.thumbprint() {
			t.Errorf("%s: introspection %v", alg, got)
		}
		if a := s.dpopUserInfo(access, s.proof(key, "GET", "/userinfo", "ath", athOf(access))); a.StatusCode != 200 {
			t.Errorf("%s: userinfo %s", alg, a.body)
		}
		// A bound token is no bearer token (section 7.2).
		s.refused(s.userInfo(access), 401, "invalid_token", "bound to a key")
	}
	key, other := newSigner(t, "ES256"), newSigner(t, "ES256")
	tokens := s.good(s.post("/token", "app", "s3cret+/%", codeForm(s.browser().signIn("ada").Get("code")), "DPoP", s.proof(key, "POST", "/token")))
	access := tokens["access_token"]
	for words, proof := range map[string]string{
		"proof is missing":              "",
		"not for this access token":     s.proof(key, "GET", "/userinfo"),
		"ath must be":                   s.proof(key, "GET", "/userinfo", "ath", athOf(tokens["id_token"])),
		"its htu is":                    s.proof(key, "GET", "/token", "ath", athOf(access)),
		"is for another method":         s.proof(key, "POST", "/userinfo", "ath", athOf(access)),
		"of another key than the one t": s.proof(other, "GET", "/userinfo", "ath", athOf(access)),
	} {
		a := s.dpopUserInfo(access, proof)
		code := "invalid_dpop_proof"
		if strings.Contains(words, "another key") {
			code = "invalid_token"
		}
		s.refused(a, 401, code, words)
		if challenge := a.Header.Get("WWW-Authenticate"); !strings.HasPrefix(challenge, "DPoP realm=") || !strings.Contains(challenge, `algs="RS256 PS256 ES256 EdDSA Ed25519"`) || !strings.Contains(challenge, `error="`+code+`"`) {
			t.Errorf("%s: challenge %q", words, challenge)
		}
	}
	unbound := s.redeem(s.browser().signIn("ada"))["access_token"]
	s.refused(s.dpopUserInfo(unbound, s.proof(key, "GET", "/userinfo", "ath", athOf(unbound))), 401, "invalid_token", "not bound")
}

// Section 4.3: what a proof must be.
func TestRFC9449Proof(t *testing.T) {
	s := newSite(t)
	key := newSigner(t, "ES256")
	ask := func(proof ...string) *answer {
		var header []string
		for _, one := range proof {
			header = append(header, "DPoP", one)
		}
		return s.post("/token", "app", "s3cret+/%", clientCredentials, header...)
	}
	private, err := jwk.FromRaw(key.key.Private)
	if err != nil {
		t.Fatal(err)
	}
	now := start.Unix()
	claims := map[string]any{"jti": "x", "htm": "POST", "htu": s.issuer + "/token", "iat": now}
	for words, proof := range map[string]string{
		"three parts":             "rubbish",
		"the typ":                 key.sign("JWT", claims, withKey(t, key.public())),
		"public key as jwk":       key.sign("dpop+jwt", claims),
		"no public key":           key.sign("dpop+jwt", claims, withKey(t, private)),
		"the signature":           key.sign("dpop+jwt", claims, withKey(t, newSigner(t, "ES256").public())),
		"does not go with its":    key.sign("dpop+jwt", claims, withKey(t, newSigner(t, "RS256").public())),
		"no jti":                  s.proof(key, "POST", "/token", "jti", nil),
		"no iat":                  s.proof(key, "POST", "/token", "iat", nil),
		"cannot be read":          s.proof(key, "POST", "/token", "iat", "now"),
		"too old":                 s.proof(key, "POST", "/token", "iat", now-301),
		"from the future":         s.proof(key, "POST", "/token", "iat", now+61),
		"another method":          s.proof(key, "GET", "/token"),
		"another address":         s.proof(key, "POST", "/userinfo"),
		"htu is 'http://evil.exa": s.proof(key, "POST", "", "htu", "http://evil.example/idp/token"),
		"htu is ''":               s.proof(key, "POST", "", "htu", nil),
		"alg of the DPoP proof is 'none'": encode(`{"typ":"dpop+jwt","alg":"none","jwk":{"kty":"EC","crv":"P-256",`+
			`"x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}}`) + "." + encode(`{}`) + ".",
	} {
		s.refused(ask(proof), 400, "invalid_dpop_proof", words)
	}
	s.refused(ask(s.proof(key, "POST", "/token"), s.proof(key, "POST", "/token")), 400, "invalid_dpop_proof", "more than once")
	// Section 11.1, also after a while, and until a proof is too old anyway.
	once := s.proof(key, "POST", "/token")
	s.good(ask(once))
	s.refused(ask(once), 400, "invalid_dpop_proof", "used before")
	s.advance(5 * time.Minute)
	s.refused(ask(once), 400, "invalid_dpop_proof", "used before")
	s.advance(time.Second)
	s.refused(ask(once), 400, "invalid_dpop_proof", "too old")
	// Section 4.3, number 9: without query and fragment, normalised.
	s.good(ask(s.proof(key, "POST", "", "htu", strings.Replace(s.issuer, "http://", "HTTP://", 1)+"/token?x=y#z")))

	s.client("strict", map[string]any{"client_secret": "x", "grant_types": []any{"client_credentials"}, "dpop_bound_access_tokens": true})
	s.refused(s.post("/token", "strict", "x", clientCredentials), 400, "invalid_dpop_proof", "must prove its key")
	s.good(s.post("/token", "strict", "x", clientCredentials, "DPoP", s.proof(key, "POST", "/token")))
}

// Section 8: the nonce, where the provider wants one.
func TestRFC9449Nonce(t *testing.T) {
	s := newSite(t, func(c *idp.Config) { c.DPoPNonce = true })
	key := newSigner(t, "ES256")
	ask := func(changes ...any) *answer {
		return s.post("/token", "app", "s3cret+/%", codeForm(s.browser().signIn("ada").Get("code")), "DPoP", s.proof(key, "POST", "/token", changes...))
	}
	a := ask()
	s.refused(a, 400, "use_dpop_nonce", "must have the nonce")
	nonce := a.Header.Get("DPoP-Nonce")
	access := s.good(ask("nonce", nonce))["access_token"]
	s.refused(ask("nonce", changed(nonce)), 400, "use_dpop_nonce", "not of this provider")
	s.refused(ask("nonce", "x"), 400, "use_dpop_nonce", "not of this provider")
	a = s.dpopUserInfo(access, s.proof(key, "GET", "/userinfo", "ath", athOf(access)))
	s.refused(a, 401, "use_dpop_nonce", "must have the nonce")
	if !strings.Contains(a.Header.Get("WWW-Authenticate"), `DPoP realm="`+s.issuer+`", algs=`) {
		t.Errorf("challenge %q", a.Header.Get("WWW-Authenticate"))
	}
	if a := s.dpopUserInfo(access, s.proof(key, "GET", "/userinfo", "ath", athOf(access), "nonce", a.Header.Get("DPoP-Nonce"))); a.StatusCode != 200 {
		t.Errorf("userinfo: %s", a.body)
	}
	s.advance(5*time.Minute + time.Second)
	s.refused(ask("nonce", nonce), 400, "use_dpop_nonce", "too old")
	// Who proves nothing needs no nonce.
	s.tokens(clientCredentials)
}

// Section 10: the code is bound from the start, by parameter or by pushing.
func TestRFC9449CodeBinding(t *testing.T) {
	s := newSite(t)
	key, other := newSigner(t, "ES256"), newSigner(t, "ES256")
	b := s.browser()
	code := b.signIn("ada", "dpop_jkt", key.thumbprint()).Get("code")
	redeem := func(code string, proof ...string) *answer {
		return s.post("/token", "app", "s3cret+/%", codeForm(code), proof...)
	}
	s.refused(redeem(code), 400, "invalid_dpop_proof", "missing")
	s.refused(redeem(code, "DPoP", s.proof(other, "POST", "/token")), 400, "invalid_grant", "another key")
	s.good(redeem(code, "DPoP", s.proof(key, "POST", "/token")))
	if got := s.response(b.authorize("dpop_jkt", "x")); got.Get("error") != "invalid_request" {
		t.Errorf("a broken dpop_jkt: %v", got)
	}
	a := s.post("/par", "app", "s3cret+/%", authorizeQuery(), "DPoP", s.proof(key, "POST", "/par"))
	q := url.Values{"client_id": {"app"}, "request_uri": {s.good(a)["request_uri"].(string)}}
	code = s.response(b.open(s.issuer + "/authorize?" + q.Encode())).Get("code")
	s.refused(redeem(code, "DPoP", s.proof(other, "POST", "/token")), 400, "invalid_grant", "another key")
	s.good(redeem(code, "DPoP", s.proof(key, "POST", "/token")))
	s.refused(s.post("/par", "app", "s3cret+/%", authorizeQuery("dpop_jkt", other.thumbprint()), "DPoP", s.proof(key, "POST", "/par")), 400, "invalid_dpop_proof", "dpop_jkt is not")
	s.refused(s.post("/par", "app", "s3cret+/%", authorizeQuery(), "DPoP", s.proof(key, "POST", "/token")), 400, "invalid_dpop_proof", "another address")
}

// Section 5: the refresh tokens of public clients are bound, those of others
// are not.
func TestRFC9449RefreshBinding(t *testing.T) {
	s := newSite(t)
	key, other := newSigner(t, "ES256"), newSigner(t, "ES256")
	form := codeForm(s.browser().signIn("ada", "client_id", "spa", "redirect_uri", "http://spa.example/").Get("code"))
	form.Set("client_id", "spa")
	form.Set("redirect_uri", "http://spa.example/")
	tokens := s.good(s.post("/token", "", "", form, "DPoP", s.proof(key, "POST", "/token")))
	refresh := url.Values{"grant_type": {"refresh_token"}, "client_id": {"spa"}, "refresh_token": {tokens["refresh_token"].(string)}}
	s.refused(s.post("/token", "", "", refresh), 400, "invalid_dpop_proof", "missing")
	s.refused(s.post("/token", "", "", refresh, "DPoP", s.proof(other, "POST", "/token")), 400, "invalid_grant", "another key")
	again := s.good(s.post("/token", "", "", refresh, "DPoP", s.proof(key, "POST", "/token")))
	if again["token_type"] != "DPoP" {
		t.Errorf("%v", again)
	}
	refresh.Set("refresh_token", again["refresh_token"].(string))
	s.refused(s.post("/token", "", "", refresh), 400, "invalid_dpop_proof", "missing")

	tokens = s.good(s.post("/token", "app", "s3cret+/%", codeForm(s.browser().signIn("ada").Get("code")), "DPoP", s.proof(key, "POST", "/token")))
	refresh = url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}}
	if got := s.good(s.post("/token", "app", "s3cret+/%", refresh, "DPoP", s.proof(other, "POST", "/token"))); s.claims(got["access_token"])["cnf"].(map[string]any)["jkt"] != other.thumbprint() {
		t.Errorf("%v", got)
	}
}

// A browser client reads the nonce and sends the proof across origins.
func TestRFC9449CORS(t *testing.T) {
	s := newSite(t, func(c *idp.Config) { c.DPoPNonce = true })
	a := s.post("/token", "app", "s3cret+/%", clientCredentials, "Origin", "http://spa.example", "DPoP", s.proof(newSigner(t, "ES256"), "POST", "/token"))
	if !strings.Contains(a.Header.Get("Access-Control-Expose-Headers"), "DPoP-Nonce") {
		t.Errorf("exposed: %q", a.Header.Get("Access-Control-Expose-Headers"))
	}
}

// Whoever brings the key decides what verifying costs, so a key of any size is
// not looked at: one that just fits the header would take a core for seconds.
func TestRFC9449KeysOfAnySize(t *testing.T) {
	s := newSite(t)
	key := newSigner(t, "ES256")
	proof := s.proof(key, "POST", "/token")
	payload := strings.Split(proof, ".")[1]
	modulus := bytes.Repeat([]byte{0xff}, 80<<10)
	header, err := json.Marshal(map[string]any{"alg": "RS256", "typ": "dpop+jwt", "jwk": map[string]any{
		"kty": "RSA", "e": "AQAB", "n": base64.RawURLEncoding.EncodeToString(modulus),
	}})
	if err != nil {
		t.Fatal(err)
	}
	signature := base64.RawURLEncoding.EncodeToString(append([]byte{0}, modulus[1:]...))
	forged := base64.RawURLEncoding.EncodeToString(header) + "." + payload + "." + signature
	s.refused(s.post("/token", "app", "s3cret+/%", clientCredentials, "DPoP", forged), 400, "invalid_dpop_proof", "2048 to 8192 bits")
}
