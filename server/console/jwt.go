package console

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/mockduktor/mockduktor/server/kinds"
)

// JWTSettings are the sso.jwt-auth properties of delegated JWT authentication.
type JWTSettings struct {
	Issuer        string // CDK_SSO_JWTAUTH_ISSUER, compared byte for byte
	UsernameClaim string // CDK_SSO_JWTAUTH_USERNAMECLAIM, default email
	GroupsClaim   string // CDK_SSO_JWTAUTH_GROUPSCLAIM, default groups
	APIKeyClaim   string // CDK_SSO_JWTAUTH_APIKEYCLAIM, default apikey
	// Untrusted is the issuer of the built-in identity provider where another is
	// trusted: whoever sends its tokens is told so.
	Untrusted string
	// Leeway on exp and nbf for clocks that differ; the product's is not
	// documented, zero is what a test that moves the clock can reason about.
	Leeway time.Duration
}

// Keys finds the public keys of the trusted issuer.
type Keys interface {
	// Key returns the key of an id, fetching anew when it is unknown. An empty
	// id asks for the only key that fits alg. The error says what was found.
	Key(ctx context.Context, id, alg string) (any, error)
}

// maxToken is the longest bearer token looked at, in bytes. Real ones with
// hundreds of groups stay under 16 KiB, the header limit of most proxies.
const maxToken = 64 << 10

// identity is what a verified token says.
type identity struct {
	email     string
	firstName string
	lastName  string
	groups    []string
	apiKey    string
	expires   time.Time // zero = none
	notBefore time.Time
	noEmail   string // why there is no e-mail, "" if there is one
	noGroups  string // why there are no groups, where the token says so
}

type verifier struct {
	settings JWTSettings
	keys     Keys
	verified *lru.Cache[[sha256.Size]byte, *verified]
	bytes    atomic.Int64 // of the tokens whose identities are kept
}

// maxVerified bounds what the identities that are kept were read from, in bytes:
// tokens with thousands of groups would take hundreds of megabytes otherwise.
const maxVerified = 32 << 20

// verified remembers that a key has signed a token. The key is kept with it: a
// key that has left the issuer's set must not go on opening doors.
type verified struct {
	keyID, alg string
	key        any
	identity   *identity
	bytes      int // of the token
}

func newVerifier(settings JWTSettings, keys Keys) *verifier {
	for claim, standard := range map[*string]string{
		&settings.UsernameClaim: "email", &settings.GroupsClaim: "groups", &settings.APIKeyClaim: "apikey",
	} {
		if *claim == "" {
			*claim = standard
		}
	}
	v := &verifier{settings: settings, keys: keys}
	var err error
	v.verified, err = lru.NewWithEvict(cached, func(_ [sha256.Size]byte, gone *verified) { v.bytes.Add(-int64(gone.bytes)) })
	if err != nil {
		panic(err) // only for a size below one
	}
	return v
}

// keep remembers a token, and forgets the least used ones where they take too
// much.
func (v *verifier) keep(digest [sha256.Size]byte, one *verified) {
	// Two at once may both have verified the same token.
	if known, _ := v.verified.ContainsOrAdd(digest, one); known {
		return
	}
	for v.bytes.Add(int64(one.bytes)); v.bytes.Load() > maxVerified && v.verified.Len() > 1; {
		v.verified.RemoveOldest()
	}
}

// verify checks a JWT: form, algorithm, issuer, key, signature, times, in the
// order that gives the most telling reason.
func (v *verifier) verify(ctx context.Context, token string, digest [sha256.Size]byte, now time.Time) (*identity, error) {
	trace := traceOf(ctx)
	// Whoever asks why is to see every check.
	if known, ok := v.verified.Get(digest); ok && trace == nil {
		if key, err := v.keys.Key(ctx, known.keyID, known.alg); err == nil && publicEqual(key, known.key) {
			return known.identity, v.checkTimes(known.identity, now)
		}
		v.verified.Remove(digest)
	}
	header, claims, err := parseJWT(token)
	trace.check(CheckForm, err, "a JWT of three parts")
	if err != nil {
		return nil, err
	}
	trace.token(header, claims)
	err = v.checkHeader(header, claims)
	trace.check(CheckAlgorithm, err, header.Algorithm)
	if err != nil {
		return nil, err
	}
	err = v.checkIssuer(header, claims)
	trace.check(CheckIssuer, err, v.settings.Issuer)
	if err != nil {
		return nil, err
	}
	key, err := v.keys.Key(ctx, header.KeyID, header.Algorithm)
	if err != nil {
		err = refuse("no key to check the signature with: %v", err)
	}
	trace.check(CheckKey, err, header.KeyID)
	if err != nil {
		return nil, err
	}
	err = checkSignature(token, header, key)
	trace.check(CheckSignature, err, "made with that key")
	if err != nil {
		return nil, err
	}
	identity, err := v.identify(claims)
	if err == nil {
		err = v.checkTimes(identity, now)
	}
	trace.times(err, identity)
	if err != nil {
		return nil, err
	}
	v.keep(digest, &verified{keyID: header.KeyID, alg: header.Algorithm, key: key, identity: identity, bytes: len(token)})
	return identity, nil
}

// refuse is a 401 with its reason.
func refuse(format string, args ...any) error {
	return &kinds.Error{Code: kinds.Unauthorized, Reason: fmt.Sprintf(format, args...)}
}

type jwtHeader struct {
	Algorithm string          // alg
	KeyID     string          // kid
	Type      string          // typ
	Critical  json.RawMessage // crit
	Encoded   json.RawMessage // b64
}

// UnmarshalJSON reads names as they are written: a struct's tags would take ALG for
// alg, and with it another algorithm than whoever goes by RFC 7515, section 4.
func (h *jwtHeader) UnmarshalJSON(data []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	h.Critical, h.Encoded = members["crit"], members["b64"]
	for name, into := range map[string]*string{"alg": &h.Algorithm, "kid": &h.KeyID, "typ": &h.Type} {
		if text, has := members[name]; has {
			if err := json.Unmarshal(text, into); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

func parseJWT(token string) (jwtHeader, map[string]any, error) {
	var header jwtHeader
	parts := strings.Split(token, ".")
	switch len(parts) {
	case 3:
	case 5:
		return header, nil, refuse("the token is encrypted (a JWE of five parts), so nobody but its issuer can read it: ask the IdP for a signed JWT (Auth0 issues one when an audience is asked for)")
	default:
		return header, nil, refuse("the token is neither a JWT nor a known API key or session: a JWT has three parts, this has %d", len(parts))
	}
	for i, name := range []string{"header", "payload", "signature"} {
		if _, err := base64.RawURLEncoding.Strict().DecodeString(parts[i]); err != nil {
			return header, nil, refuse("the token's %s is not base64url, so the token is truncated or altered: %v", name, err)
		}
	}
	raw, _ := base64.RawURLEncoding.DecodeString(parts[0])
	if err := json.Unmarshal(raw, &header); err != nil {
		return header, nil, refuse("the token's header is not a JSON object, so the token is truncated or altered: %v", err)
	}
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.UseNumber()
	var claims map[string]any
	if err := decoder.Decode(&claims); err != nil || claims == nil || decoder.More() {
		return header, nil, refuse("the token's payload is not one JSON object, so the token is truncated or altered")
	}
	return header, claims, nil
}

// algorithms are the signatures accepted, each with the sort of key it needs:
// asymmetric ones only, or the public key would become a password.
var algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

func (v *verifier) checkHeader(header jwtHeader, claims map[string]any) error {
	if header.Type == "vnd.backstage.user" || header.Type == "vnd.backstage.plugin" {
		return refuse("this is a token that Backstage itself issued (typ %s, iss %q): the plugin sent the Backstage identity token; send the IdP's access token instead (the OIDC api ref's getAccessToken) and set the proxy endpoint's credentials to dangerously-allow-unauthenticated", header.Type, text(claims["iss"]))
	}
	switch {
	case strings.EqualFold(header.Algorithm, "none"):
		return refuse("the token is not signed (alg none)")
	case strings.HasPrefix(header.Algorithm, "HS"):
		return refuse("the token is signed with a shared secret (alg %s); expected one of %s", header.Algorithm, strings.Join(algorithms, ", "))
	case !slices.Contains(algorithms, header.Algorithm):
		return refuse("the token's algorithm %q is not accepted; expected one of %s", header.Algorithm, strings.Join(algorithms, ", "))
	case len(header.Critical) > 0:
		return refuse("the token's header demands extensions (crit) that are not supported")
	case len(header.Encoded) > 0 && string(header.Encoded) != "true":
		// RFC 7797, section 7: no JWT has another payload.
		return refuse("the token's header says that the payload is not base64url (b64), which no JWT may")
	}
	return nil
}

func (v *verifier) checkIssuer(header jwtHeader, claims map[string]any) error {
	want := v.settings.Issuer
	got, ok := claims["iss"].(string)
	switch {
	case !ok:
		return refuse("the token has no iss claim; expected issuer %q", want)
	case got == want:
		return nil
	case strings.TrimRight(got, "/") == strings.TrimRight(want, "/"):
		return refuse("the issuer differs by a slash at its end: the token says %q, expected %q; set CDK_SSO_JWTAUTH_ISSUER to what the token says", got, want)
	case isBackstage(got, claims):
		return refuse("this is a token that Backstage itself issued (iss %q): send the IdP's access token instead", got)
	case got != "" && got == v.settings.Untrusted:
		return refuse("the token is of the built-in identity provider (%q), while the Console trusts %q (setting CDK_SSO_JWTAUTH_ISSUER): leave the setting out to trust the built-in one", got, want)
	case isOtherWorld(got):
		return refuse("the token is of another mockduktor world: it was issued by %q, expected %q; fetch a token from this world, or start with the --public-url that clients use", got, want)
	}
	return refuse("wrong issuer: the token says %q, expected %q (setting CDK_SSO_JWTAUTH_ISSUER)", got, want)
}

func isBackstage(issuer string, claims map[string]any) bool {
	audience, _ := claims["aud"].(string)
	return strings.HasSuffix(strings.TrimRight(issuer, "/"), "/api/auth") && (audience == "backstage" || strings.HasPrefix(text(claims["sub"]), "user:"))
}

// isOtherWorld recognises the issuer of a built-in IdP: its path is /idp, or
// that of a sandbox.
func isOtherWorld(issuer string) bool {
	u, err := url.Parse(issuer)
	return err == nil && (u.Path == "/idp" || strings.HasPrefix(u.Path, "/s/") && strings.HasSuffix(u.Path, "/idp"))
}

func checkSignature(token string, header jwtHeader, key any) error {
	fits := false
	switch key.(type) {
	case *rsa.PublicKey:
		fits = strings.HasPrefix(header.Algorithm, "RS") || strings.HasPrefix(header.Algorithm, "PS")
	case *ecdsa.PublicKey:
		fits = strings.HasPrefix(header.Algorithm, "ES")
	case ed25519.PublicKey:
		fits = header.Algorithm == "EdDSA"
	}
	if !fits {
		return refuse("the key %q cannot have made a signature with algorithm %s", header.KeyID, header.Algorithm)
	}
	if _, err := jws.Verify([]byte(token), jws.WithKey(jwa.SignatureAlgorithm(header.Algorithm), key)); err != nil {
		return refuse("the signature is wrong: the token is altered, or signed with another key than the issuer's key %q (another mockduktor with the same issuer, perhaps, or one started with other keys)", header.KeyID)
	}
	return nil
}

// publicEqual compares public keys; all of the standard library's have Equal.
func publicEqual(a, b any) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}

func (v *verifier) checkTimes(identity *identity, now time.Time) error {
	if identity.expires.IsZero() {
		return refuse("the token has no expiry (exp claim)")
	}
	if !now.Before(identity.expires.Add(v.settings.Leeway)) {
		return refuse("the token expired at %s, it is now %s: sign in again or refresh", identity.expires.Format(time.RFC3339), now.Format(time.RFC3339))
	}
	if now.Add(v.settings.Leeway).Before(identity.notBefore) {
		return refuse("the token is not valid before %s, it is now %s", identity.notBefore.Format(time.RFC3339), now.Format(time.RFC3339))
	}
	return nil
}

func (v *verifier) identify(claims map[string]any) (*identity, error) {
	expires, err := date(claims, "exp")
	if err != nil {
		return nil, err
	}
	notBefore, err := date(claims, "nbf")
	if err != nil {
		return nil, err
	}
	who := &identity{
		expires: expires, notBefore: notBefore,
		firstName: text(claims["given_name"]), lastName: text(claims["family_name"]),
		groups: groupsOf(claims[v.settings.GroupsClaim]),
		apiKey: text(claims[v.settings.APIKeyClaim]),
	}
	// Entra's form for more groups than fit (OpenID Connect Core 1.0, section 5.6.2).
	if elsewhere, _ := claims["_claim_names"].(map[string]any); elsewhere[v.settings.GroupsClaim] != nil {
		who.noGroups = fmt.Sprintf("the token's _claim_names say that the claim %q is to be asked for elsewhere (a groups overage), which the Console does not do: have the IdP put fewer groups into the token", v.settings.GroupsClaim)
	}
	claim := v.settings.UsernameClaim
	value, present := claims[claim]
	switch email, isText := value.(string); {
	case !present:
		who.noEmail = fmt.Sprintf("the token has no claim %q to find the user by (it has %s): ask the IdP to put it into the access token, or set CDK_SSO_JWTAUTH_USERNAMECLAIM", claim, strings.Join(names(claims), ", "))
	case !isText || !kinds.IsEmail(email):
		who.noEmail = fmt.Sprintf("the claim %q is not an e-mail address: set CDK_SSO_JWTAUTH_USERNAMECLAIM to a claim that is", claim)
	default:
		who.email = email
	}
	return who, nil
}

func names(claims map[string]any) []string {
	list := make([]string, 0, len(claims))
	for name := range claims {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

func text(value any) string {
	s, _ := value.(string)
	return s
}

// date reads a NumericDate (RFC 7519, section 2); absent is the zero time.
func date(claims map[string]any, name string) (time.Time, error) {
	value, present := claims[name]
	if !present {
		return time.Time{}, nil
	}
	number, ok := value.(json.Number)
	seconds, err := strconv.ParseFloat(string(number), 64)
	if !ok || err != nil || math.IsNaN(seconds) || math.Abs(seconds) > 253402300799 {
		return time.Time{}, refuse("the claim %s is not a date: expected seconds since 1970 as a number", name)
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)).UTC(), nil
}

// groupsOf reads the groups claim: a list of names, or one comma-separated
// string (release note of Console 1.24). What is no text is passed over.
func groupsOf(claim any) []string {
	var groups []string
	seen := map[string]bool{}
	add := func(name string) {
		if name = strings.TrimSpace(name); name != "" && !seen[name] {
			seen[name] = true
			groups = append(groups, name)
		}
	}
	switch claim := claim.(type) {
	case string:
		for name := range strings.SplitSeq(claim, ",") {
			add(name)
		}
	case []any:
		for _, item := range claim {
			if name, ok := item.(string); ok {
				add(name)
			}
		}
	}
	return groups
}
