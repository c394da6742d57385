package server_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/kinds"
)

// Who signs what a fuzzed token says.
const (
	fuzzRaw  = iota // nobody: the header Authorization is as it comes
	fuzzOwn         // the trusted issuer
	fuzzEvil        // somebody else
	fuzzSigners
)

// FuzzBearer: whatever stands in the header Authorization, it opens the Console
// exactly if the trusted issuer signed these very bytes, jwx agrees, and the claims
// name somebody now. What is refused leaves no trace.
func FuzzBearer(f *testing.F) {
	l := startFuzz(f, server.Config{})
	own, ec, rsa := signerOf(f, l.Server, "EdDSA"), signerOf(f, l.Server, "ES256"), signerOf(f, l.Server, "RS256")
	_, evil, err := ed25519.GenerateKey(nil)
	if err != nil {
		f.Fatal(err)
	}
	judge := newTokenJudge(f, l)
	now := l.Pair().World.Clock.Now()

	claims := object{"iss": l.Issuer(), "sub": "x", "email": "ada@shop.example", "groups": []string{"team-checkout"}, "exp": now.Add(time.Hour).Unix()}
	payload, err := json.Marshal(claims)
	if err != nil {
		f.Fatal(err)
	}
	header := `{"alg":"EdDSA","kid":"` + own.kid + `","typ":"JWT"}`
	for _, by := range []signer{own, ec, rsa} {
		token := compact(object{"alg": by.alg, "kid": by.kid}, claims, signedBy(by.alg, by.private))
		for _, authorization := range []string{"Bearer " + token, "bearer   " + token + " ", "Bearer " + token + "=", "Bearer " + token + ".", "DPoP " + token,
			"Bearer " + strings.Replace(token, ".", "..", 1), "Bearer " + token[:len(token)-1] + "B", "Bearer " + token[:len(token)-2]} {
			f.Add("", "", authorization, uint8(fuzzRaw))
		}
	}
	for _, head := range []string{header, `{"alg":"EdDSA"}`, `{"alg":"EdDSA","kid":"` + ec.kid + `"}`, `{"ALG":"EdDSA"}`, `{"alg":"none"}`, `{"alg":"none","ALG":"EdDSA"}`,
		`{"alg":"EdDSA","alg":"ES256"}`, `{"alg":"EdDSA","crit":["b64"],"b64":false}`, `{"alg":"EdDSA","crit":null}`, `{"alg":"EdDSA","jwk":{"kty":"oct","k":"eA"}}`, `{}`, `null`, `[]`, ``,
		`{"alg":"EdDSA","kid":7}`, `{"alg":"EdDSA"} `, `{"alg":"EdDSA"}{}`, "\ufeff{\"alg\":\"EdDSA\"}", `{"alg":"EdDSA","typ":"vnd.backstage.user"}`, `{"alg":"EdDSA","b64":true}`} {
		f.Add(head, string(payload), "", uint8(fuzzOwn))
		f.Add(head, string(payload), "", uint8(fuzzEvil))
	}
	for _, changed := range []string{`"exp":1e300`, `"exp":"4e9"`, `"exp":4e9`, `"exp":null`, `"exp":1`, `"nbf":4e9`, `"nbf":1.5`, `"iss":"x"`, `"email":"x"`, `"email":null`, `"groups":"a,b"`,
		`"groups":{"a":1}`, `"EMAIL":"x@y.example","Exp":1`, `"aud":7`, `"iat":"x"`, `"sub":7`, `"jti":{}`, `"apikey":"x"`, `"email":"admin@mockduktor.example"`, `"email":"\ud800@x.example"`} {
		f.Add(header, strings.TrimSuffix(string(payload), "}")+","+changed+"}", "", uint8(fuzzOwn))
	}
	f.Fuzz(func(t *testing.T, header, payload, authorization string, by uint8) {
		l.Pair().World.Reset()
		if by %= fuzzSigners; by != fuzzRaw {
			key := own.private
			if by == fuzzEvil {
				key = evil
			}
			input := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
			signature, err := key.Sign(nil, []byte(input), crypto.Hash(0))
			if err != nil {
				t.Fatal(err)
			}
			authorization = "Bearer " + input + "." + base64.RawURLEncoding.EncodeToString(signature)
		}
		before := l.holdings()
		got := l.authorized(authorization)
		l.unharmed(t, authorization, got, before)
		want, why := judge.accepts(authorization)
		if (got.Code == http.StatusOK) != want || want && by == fuzzEvil {
			t.Fatalf("%s\nheader %q\npayload %q\nis answered %d %s\nwanted: accepted %v, %s", authorization, header, payload, got.Code, got.Body, want, why)
		}
		// Once seen it is remembered; that must change nothing.
		if again := l.authorized(authorization); again.Code != got.Code {
			t.Fatalf("%s: %d, then %d", authorization, got.Code, again.Code)
		}
	})
}

func (l *fuzzLab) authorized(authorization string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodGet, whoamiPath, nil)
	request.Header["Authorization"] = []string{authorization}
	return l.serve(request)
}

// tokenJudge says which tokens are good, by jwx and by the standard library's
// primitives, and sharing nothing with the Console but the keys.
type tokenJudge struct {
	issuer string
	now    time.Time
	set    jwk.Set
	keys   map[string]any // by kid
}

func newTokenJudge(t testing.TB, l *fuzzLab) *tokenJudge {
	t.Helper()
	j := &tokenJudge{issuer: l.Issuer(), now: l.Pair().World.Clock.Now(), keys: map[string]any{}}
	published := l.ask(http.MethodGet, "/idp/jwks", "", "", "")
	set, err := jwk.Parse(published.Body.Bytes())
	if err != nil {
		t.Fatalf("%v in %s", err, published.Body)
	}
	j.set = set
	for i := range set.Len() {
		key, _ := set.Key(i)
		var raw any
		if err := key.Raw(&raw); err != nil {
			t.Fatal(err)
		}
		j.keys[key.KeyID()] = raw
	}
	if len(j.keys) < 3 {
		t.Fatalf("the issuer has only %d keys", len(j.keys))
	}
	return j
}

// accepts says whether the Console must take an Authorization header, and why not.
func (j *tokenJudge) accepts(authorization string) (bool, string) {
	scheme, token, _ := strings.Cut(authorization, " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || len(token) > 64<<10 {
		return false, "no bearer token"
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false, "not three parts"
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		// Only one spelling of the bytes is the one that was signed.
		if decoded[i], err = base64.RawURLEncoding.DecodeString(part); err != nil || base64.RawURLEncoding.EncodeToString(decoded[i]) != part {
			return false, "not base64url"
		}
	}
	header, claims := exactObject(decoded[0]), exactObject(decoded[1])
	if header == nil || claims == nil {
		return false, "no JSON object"
	}
	if !j.signed(header, parts[0]+"."+parts[1], decoded[2]) {
		return false, "not signed by the issuer"
	}
	// What Backstage issues itself is told apart before the signature; crit and b64
	// demand what nobody here does.
	if typ, isText := header["typ"].(string); typ == "vnd.backstage.user" || typ == "vnd.backstage.plugin" || !isText && header["typ"] != nil {
		return false, "typ"
	}
	if b64, has := header["b64"]; has && b64 != true {
		return false, "b64"
	}
	if _, has := header["crit"]; has {
		return false, "crit"
	}
	if claims["iss"] != j.issuer {
		return false, "issuer"
	}
	exp, hasExp := moment(claims, "exp")
	nbf, hasNbf := moment(claims, "nbf")
	now := new(big.Rat).SetInt64(j.now.Unix())
	if exp == nil || nbf == nil || !hasExp || exp.Cmp(now) <= 0 || hasNbf && nbf.Cmp(now) > 0 {
		return false, "times"
	}
	if email, _ := claims["email"].(string); !kinds.IsEmail(email) {
		return false, "e-mail"
	}
	// jwx reads some claims more strictly than this API has need to: those are
	// checked above.
	if _, err := jws.Verify([]byte(token), jws.WithKeySet(j.set, jws.WithRequireKid(false), jws.WithInferAlgorithmFromKey(true))); err != nil {
		return false, "jwx: " + err.Error()
	}
	return true, ""
}

// signed checks a signature with the standard library alone.
func (j *tokenJudge) signed(header map[string]any, input string, signature []byte) bool {
	alg, _ := header["alg"].(string)
	kid, hasKid := header["kid"].(string)
	if _, wrong := header["kid"]; wrong && !hasKid && header["kid"] != nil {
		return false
	}
	digest := sha256.Sum256([]byte(input))
	for id, key := range j.keys {
		if kid != "" && kid != id {
			continue
		}
		switch key := key.(type) {
		case ed25519.PublicKey:
			if alg == "EdDSA" && ed25519.Verify(key, []byte(input), signature) {
				return true
			}
		case *ecdsa.PublicKey:
			if alg == "ES256" && len(signature) == 64 &&
				ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
				return true
			}
		case *rsa.PublicKey:
			if alg == "RS256" && rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil {
				return true
			}
		}
	}
	return false
}

// exactObject reads one JSON object and nothing behind it.
func exactObject(data []byte) map[string]any {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var read map[string]any
	if decoder.Decode(&read) != nil || len(bytes.Trim(data[decoder.InputOffset():], " \t\r\n")) > 0 {
		return nil
	}
	return read
}

// moment reads a NumericDate without rounding; nil where it is none.
func moment(claims map[string]any, name string) (*big.Rat, bool) {
	value, has := claims[name]
	if !has {
		return new(big.Rat), false
	}
	number, _ := value.(json.Number)
	if len(number) > 40 || slices.ContainsFunc([]string{"e", "E"}, func(e string) bool {
		_, exponent, found := strings.Cut(string(number), e)
		return found && len(exponent) > 4
	}) {
		return nil, true
	}
	read, ok := new(big.Rat).SetString(string(number))
	if !ok || new(big.Rat).Abs(read).Cmp(big.NewRat(253402300799, 1)) > 0 {
		return nil, true
	}
	return read, true
}
