package server_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/console"
	"github.com/mockduktor/mockduktor/server/control"
	"github.com/mockduktor/mockduktor/server/kinds"
)

// attack is one credential. Every refused one must give its reason.
type attack struct {
	name   string
	header []string // values of Authorization
	reason string   // a fragment of the cause; "" = accepted
	email  string   // who an accepted one is
}

func bearerOf(token string) []string { return []string{"Bearer " + token} }

func TestAttacks(t *testing.T) {
	l := startAttackLab(t)
	before := l.users()
	var attacks []attack
	refuse := func(name, token, reason string) {
		attacks = append(attacks, attack{name: name, header: bearerOf(token), reason: reason})
	}
	accept := func(name, token, email string) {
		attacks = append(attacks, attack{name: name, header: bearerOf(token), email: email})
	}
	// Accepted ones are of ada, who is a user already.
	const ada = "ada@shop.example"
	asAda := func(changed object) object {
		claims := object{"email": ada, "groups": []string{"team-checkout"}}
		maps.Copy(claims, changed)
		return claims
	}

	// If what all the others are made of did not pass, their refusal would show
	// nothing.
	for _, by := range []signer{l.rsa, l.ec, l.ed} {
		accept("genuine "+by.alg, l.genuine(by, nil, asAda(nil)), ada)
	}

	good := l.genuine(l.rsa, nil, asAda(nil))
	parts := strings.Split(good, ".")
	attacks = append(attacks,
		attack{name: "no header", reason: "there is no Authorization header"},
		attack{name: "empty header", header: []string{""}, reason: "there is no Authorization header"},
		attack{name: "empty bearer", header: []string{"Bearer "}, reason: "holds no token after Bearer"},
		attack{name: "bearer alone", header: []string{"Bearer"}, reason: "holds no token after Bearer"},
		attack{name: "basic", header: []string{"Basic " + base64.StdEncoding.EncodeToString([]byte("admin@mockduktor.example:adminP4ss!"))}, reason: "HTTP Basic is not a credential"},
		attack{name: "other scheme", header: []string{"DPoP " + good}, reason: "scheme is not Bearer"},
		attack{name: "no scheme", header: []string{good}, reason: "scheme is not Bearer"},
		attack{name: "two headers", header: []string{"Bearer " + good, "Bearer " + good}, reason: "there are 2 Authorization headers"},
		attack{name: "two headers, one empty", header: []string{"Bearer " + good, ""}, reason: "there are 2 Authorization headers"},
		attack{name: "two headers, the other empty", header: []string{"", "Bearer " + good}, reason: "Authorization header"},
		attack{name: "two tokens in one header", header: []string{"Bearer " + good + ", Bearer " + good}, reason: "five parts"},
		attack{name: "two tokens with a space", header: []string{"Bearer " + parts[0] + " " + good}, reason: "the token's header is not base64url"},
		attack{name: "lower-case scheme", header: []string{"bearer " + good}, email: ada},
	)
	refuse("garbage", "garbage-that-is-no-token", "the token is no JWT, and no API key or login session")
	refuse("garbage with dots", "neither!.a!.token!", "the token's header is not base64url")
	refuse("two dots", "..", "the token's header is not a JSON object")
	refuse("two parts", parts[0]+"."+parts[1], "the token is no JWT")
	refuse("four parts", good+".x", "a JWT has three parts, this has 4")
	refuse("JWE", encoded(object{"alg": "RSA-OAEP", "enc": "A256GCM"})+".a2V5.aXY.Y2lwaGVydGV4dA.dGFn", "the token is encrypted (a JWE of five parts)")
	refuse("JSON form", `{"payload":"`+parts[1]+`","signatures":[{"protected":"`+parts[0]+`","signature":"`+parts[2]+`"}]}`, "the token is no JWT")
	refuse("padded base64", parts[0]+"."+parts[1]+"=."+parts[2], "the token's payload is not base64url")
	refuse("header is no JSON", compact("alg", l.claims(nil), signedBy("RS256", l.rsa.private)), "the token's header is not a JSON object")
	refuse("header is a list", compact("[]", l.claims(nil), signedBy("RS256", l.rsa.private)), "the token's header is not a JSON object")
	refuse("header is null", compact("null", l.claims(nil), signedBy("RS256", l.rsa.private)), "is not accepted; expected one of RS256")
	for name, payload := range map[string]string{"text": `"claims"`, "null": "null", "list": "[]", "two objects": "{}{}", "cut": `{"iss":"` + l.Issuer()} {
		refuse("payload is "+name, compact(object{"alg": "RS256", "kid": l.rsa.kid}, payload, signedBy("RS256", l.rsa.private)), "the token's payload is not one JSON object")
	}

	for _, alg := range []string{"none", "None", "nOnE", "NONE"} {
		for name, signature := range map[string]string{"no signature": "", "a genuine signature": parts[2], "a made-up signature": encoded("signature")} {
			header := object{"alg": alg, "kid": l.rsa.kid, "typ": "JWT"}
			refuse("alg "+alg+" with "+name, encoded(header)+"."+encoded(l.claims(nil))+"."+signature, "the token is not signed (alg none)")
		}
		refuse("alg "+alg+" without kid", l.signedAs(object{"alg": alg}, unsigned), "the token is not signed (alg none)")
	}
	for name, header := range map[string]any{
		"alg empty": object{"alg": "", "kid": l.rsa.kid}, "alg missing": object{"kid": l.rsa.kid}, "alg null": object{"alg": nil, "kid": l.rsa.kid},
		"alg with a space": object{"alg": "none ", "kid": l.rsa.kid}, "alg of encryption": object{"alg": "dir", "kid": l.rsa.kid},
		"alg in small letters": object{"alg": "rs256", "kid": l.rsa.kid}, "alg ES256K": object{"alg": "ES256K", "kid": l.ec.kid},
	} {
		refuse(name, compact(header, l.claims(nil), unsigned), "is not accepted; expected one of RS256")
		refuse(name+", signed", compact(header, l.claims(nil), signedBy("RS256", l.rsa.private)), "is not accepted; expected one of RS256")
	}
	for name, alg := range map[string]any{"a number": 5, "a list": []string{"none"}, "an object": object{}} {
		refuse("alg is "+name, l.signedAs(object{"alg": alg, "kid": l.rsa.kid}, unsigned), "the token's header is not a JSON object")
	}

	for _, alg := range []string{"HS256", "HS384", "HS512"} {
		for name, secret := range publicSecrets(t, l.rsa) {
			for _, header := range []object{{"alg": alg, "kid": l.rsa.kid, "typ": "JWT"}, {"alg": alg}} {
				refuse(fmt.Sprintf("%s signed with the public key as %s, %d header members", alg, name, len(header)),
					l.signedAs(header, hmacWith(alg, secret)), "the token is signed with a shared secret (alg "+alg+")")
			}
		}
	}

	for _, own := range []struct {
		signer
		evil crypto.Signer
	}{{l.rsa, l.evilRSA}, {l.ec, l.evilEC}} {
		refuse("wrong key with the right kid, "+own.alg, l.signedAs(object{"alg": own.alg, "kid": own.kid}, signedBy(own.alg, own.evil)), "the signature is wrong")
		refuse("wrong key without kid, "+own.alg, l.signedAs(object{"alg": own.alg}, signedBy(own.alg, own.evil)), "the signature is wrong")
		refuse("unknown kid, "+own.alg, l.signedAs(object{"alg": own.alg, "kid": "evil"}, signedBy(own.alg, own.evil)), `the token's key "evil" (kid) is not among the issuer's`)
		refuse("unknown kid, genuine signature, "+own.alg, l.genuine(own.signer, object{"kid": "evil"}, nil), `the token's key "evil" (kid) is not among the issuer's`)
		accept("kid missing, "+own.alg, l.genuine(own.signer, object{"kid": absent}, asAda(nil)), ada)
		accept("kid empty, "+own.alg, l.genuine(own.signer, object{"kid": ""}, asAda(nil)), ada)
	}
	refuse("kid in another case", l.genuine(l.rsa, object{"kid": strings.ToUpper(l.rsa.kid)}, nil), "is not among the issuer's")
	refuse("kid with a path", l.signedAs(object{"alg": "RS256", "kid": "../../../../dev/null"}, signedBy("RS256", l.evilRSA)), "is not among the issuer's")
	refuse("kid that ends lines", l.signedAs(object{"alg": "RS256", "kid": "x\r\nSet-Cookie: a=b"}, signedBy("RS256", l.evilRSA)), `x\r\nSet-Cookie`)
	refuse("kid of 30 KB", l.signedAs(object{"alg": "RS256", "kid": strings.Repeat("x", 30<<10)}, signedBy("RS256", l.evilRSA)), "the token's key")
	refuse("kid is a number", l.genuine(l.rsa, object{"kid": 1}, nil), "the token's header is not a JSON object")

	refuse("ES256 with the kid of the RSA key", l.signedAs(object{"alg": "ES256", "kid": l.rsa.kid}, signedBy("ES256", l.evilEC)), "is a RSA key for RS256, the token uses ES256")
	refuse("ES256 of the issuer with the kid of the RSA key", l.signedAs(object{"alg": "ES256", "kid": l.rsa.kid}, signedBy("ES256", l.ec.private)), "is a RSA key for RS256, the token uses ES256")
	refuse("RS256 with the kid of the EC key", l.signedAs(object{"alg": "RS256", "kid": l.ec.kid}, signedBy("RS256", l.evilRSA)), "is a EC key for ES256, the token uses RS256")
	refuse("RS256 of the issuer with the kid of the Ed25519 key", l.signedAs(object{"alg": "RS256", "kid": l.ed.kid}, signedBy("RS256", l.rsa.private)), "is a OKP key for EdDSA, the token uses RS256")
	refuse("RS512 with the key for RS256", l.signedAs(object{"alg": "RS512", "kid": l.rsa.kid}, signedBy("RS512", l.rsa.private)), "is a RSA key for RS256, the token uses RS512")
	refuse("RS512 over an RS256 signature", l.signedAs(object{"alg": "RS512", "kid": l.rsa.kid}, signedBy("RS256", l.rsa.private)), "is a RSA key for RS256, the token uses RS512")

	issuer, err := url.Parse(l.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		iss    any
		reason string
	}{
		"another":            {"https://login.evil.example", `wrong issuer: the token says "https://login.evil.example", expected "` + l.Issuer() + `"`},
		"a slash more":       {l.Issuer() + "/", "the issuer differs by a slash at its end"},
		"two slashes more":   {l.Issuer() + "//", "the issuer differs by a slash at its end"},
		"a prefix":           {strings.TrimSuffix(l.Issuer(), "p"), "wrong issuer"},
		"longer":             {l.Issuer() + ".evil.example", "wrong issuer"},
		"a space more":       {l.Issuer() + " ", "wrong issuer"},
		"in capitals":        {strings.ToUpper(l.Issuer()), "wrong issuer"},
		"127.0.0.1":          {"http://127.0.0.1:" + issuer.Port() + "/idp", "another mockduktor world"},
		"a sandbox":          {l.URL() + "/s/x/idp", "another mockduktor world"},
		"https":              {"https://" + issuer.Host + "/idp", "another mockduktor world"},
		"with credentials":   {"http://user@" + issuer.Host + "/idp", "another mockduktor world"},
		"a list":             {[]string{l.Issuer()}, "no iss claim"},
		"a list of two":      {[]string{l.Issuer(), "https://login.evil.example"}, "no iss claim"},
		"an object":          {object{"iss": l.Issuer()}, "no iss claim"},
		"null":               {nil, "no iss claim"},
		"a number":           {0, "no iss claim"},
		"missing":            {absent, "no iss claim"},
		"empty":              {"", "wrong issuer"},
		"no URL":             {"::not a url::", "wrong issuer"},
		"very long":          {"https://" + strings.Repeat("long.", 8<<10) + "example", "wrong issuer"},
		"with letters alike": {strings.Replace(l.Issuer(), "idp", "іdp", 1), "wrong issuer"},
	} {
		refuse("issuer "+name, l.genuine(l.rsa, nil, object{"iss": row.iss}), row.reason)
	}

	for name, row := range map[string]struct {
		exp    any
		reason string
	}{
		"a second ago":     {l.now.Unix() - 1, "the token expired at"},
		"this very second": {l.now.Unix(), "the token expired at " + l.now.Format(time.RFC3339)},
		"1970":             {0, "the token expired at 1970-01-01T00:00:00Z"},
		"negative":         {-1, "the token expired at 1969-12-31T23:59:59Z"},
		"long ago":         {-62135596800, "the token has no expiry"}, // the year 1, Go's zero time
		"missing":          {absent, "the token has no expiry"},
		"a string":         {fmt.Sprint(l.now.Unix() + 3600), "the claim exp is not a date"},
		"a date":           {"2999-01-01T00:00:00Z", "the claim exp is not a date"},
		"null":             {nil, "the claim exp is not a date"},
		"true":             {true, "the claim exp is not a date"},
		"a list":           {[]int64{l.now.Unix() + 3600}, "the claim exp is not a date"},
		"huge":             {json.Number("1e300"), "the claim exp is not a date"},
		"beyond numbers":   {json.Number("1e400"), "the claim exp is not a date"},
		"int64 overflown":  {json.Number("18446744073709551616"), "the claim exp is not a date"},
		"year 10000":       {json.Number("253402300800"), "the claim exp is not a date"},
		"milliseconds":     {l.now.UnixMilli(), "the claim exp is not a date"},
	} {
		refuse("exp "+name, l.genuine(l.rsa, nil, object{"exp": row.exp}), row.reason)
	}
	for name, exp := range map[string]any{"a second from now": l.now.Unix() + 1, "half a second from now": float64(l.now.Unix()) + 0.5,
		"the last second of 9999": json.Number("253402300799"), "with an exponent": json.Number("4e9")} {
		accept("exp "+name, l.genuine(l.rsa, nil, asAda(object{"exp": exp})), ada)
	}
	for name, row := range map[string]struct {
		nbf    any
		reason string
	}{
		"a second from now": {l.now.Unix() + 1, "the token is not valid before"},
		"year 9999":         {json.Number("253402300799"), "the token is not valid before 9999"},
		"a string":          {fmt.Sprint(l.now.Unix()), "the claim nbf is not a date"},
		"huge":              {json.Number("1e300"), "the claim nbf is not a date"},
		"null":              {nil, "the claim nbf is not a date"},
	} {
		refuse("nbf "+name, l.genuine(l.rsa, nil, object{"nbf": row.nbf}), row.reason)
	}
	accept("nbf now", l.genuine(l.rsa, nil, asAda(object{"nbf": l.now.Unix()})), ada)
	// iat is for information (RFC 7519, section 4.1.6), and the product's page on
	// delegated JWT names no check of it.
	accept("iat in the future", l.genuine(l.rsa, nil, asAda(object{"iat": l.now.Unix() + 999})), ada)

	for name, row := range map[string]struct {
		email  any
		reason string
	}{
		"missing":                                {absent, `the token has no claim "email" to find the user by`},
		"empty":                                  {"", `the claim "email" is not an e-mail address`},
		"a login":                                {"mallory", `the claim "email" is not an e-mail address`},
		"a list":                                 {[]string{mallory}, `the claim "email" is not an e-mail address`},
		"an object":                              {object{"value": mallory}, `the claim "email" is not an e-mail address`},
		"null":                                   {nil, `the claim "email" is not an e-mail address`},
		"a number":                               {1, `the claim "email" is not an e-mail address`},
		"with a name":                            {"Mallory <" + mallory + ">", `the claim "email" is not an e-mail address`},
		"in brackets":                            {"<" + mallory + ">", `the claim "email" is not an e-mail address`},
		"two":                                    {mallory + ", ada@shop.example", `the claim "email" is not an e-mail address`},
		"a space more":                           {mallory + " ", `the claim "email" is not an e-mail address`},
		"with a comment":                         {"mallory(admin)@evil.example", `the claim "email" is not an e-mail address`},
		"quoted":                                 {`"ada"@shop.example`, `the claim "email" is not an e-mail address`},
		"of two lines":                           {"mallory@evil.example\nadmin@mockduktor.example", `the claim "email" is not an e-mail address`},
		"with NUL":                               {"mallory\x00@evil.example", `the claim "email" is not an e-mail address`},
		"of the key's name":                      {"admin-key", `the claim "email" is not an e-mail address`},
		"with Kelvin's sign in the root admin's": {"admin@moc\u212aduktor.example", `the claim "email" is not an e-mail address`},
		"with a dotted I in the root admin's":    {"adm\u0130n@mockduktor.example", `the claim "email" is not an e-mail address`},
		"with a long s in an admin's":            {"admin@\u017fhop.example", `the claim "email" is not an e-mail address`},
	} {
		refuse("email "+name, l.genuine(l.rsa, nil, object{"email": row.email}), row.reason)
	}
	accept("email in capitals", l.genuine(l.rsa, nil, asAda(object{"email": "ADA@Shop.example"})), "ADA@Shop.example")
	refuse("API key claim unknown, no email", l.genuine(l.rsa, nil, object{"email": absent, "apikey": "no-such-key-of-mine"}), `the API key in the claim "apikey" is unknown`)

	// What Backstage itself issues (backstage.md, section 5).
	backstage := func(typ any, changed object) string {
		claims := object{"iss": "http://localhost:7007/api/auth", "aud": "backstage", "sub": "user:default/ada",
			"ent": []string{"user:default/ada", "group:default/checkout"}, "email": absent, "groups": absent}
		maps.Copy(claims, changed)
		head := object{"alg": "ES256", "kid": "9c1d7b3e-6a55-4d0c-a4f8-2f7f2b8e1c11"}
		if typ != nil {
			head["typ"] = typ
		}
		return compact(head, l.claims(claims), signedBy("ES256", l.evilEC))
	}
	refuse("Backstage's own token", backstage("vnd.backstage.user", nil), "this is a token that Backstage itself issued")
	refuse("Backstage's plugin token", backstage("vnd.backstage.plugin", object{"sub": "catalog", "aud": "proxy"}), "this is a token that Backstage itself issued")
	refuse("Backstage's own token of older form", backstage(nil, nil), "this is a token that Backstage itself issued")
	refuse("Backstage's own token behind TLS", backstage("JWT", object{"iss": "https://portal.shop.example/api/auth"}), "send the IdP's access token instead")

	// Others' worlds: the same issuer with other keys.
	twin := start(t, server.Config{Issuer: l.Issuer(), RandomKeys: true})
	refuse("token of a twin with other keys", tokenOf(t, twin, "admin"), "is not among the issuer's")
	refuse("token of another world", tokenOf(t, start(t, server.Config{}), "admin"), "another mockduktor world")
	refuse("token for another world by our key", l.genuine(l.rsa, nil, object{"iss": "http://localhost:8080/s/worker-1/idp"}), "another mockduktor world")

	refuse("signature stripped", parts[0]+"."+parts[1]+".", "the signature is wrong")
	refuse("signature of another token", parts[0]+"."+encoded(l.claims(nil))+"."+parts[2], "the signature is wrong")
	refuse("signature of zeros", parts[0]+"."+encoded(l.claims(nil))+"."+base64.RawURLEncoding.EncodeToString(make([]byte, 256)), "the signature is wrong")
	refuse("ECDSA signature of zeros", l.signedAs(object{"alg": "ES256", "kid": l.ec.kid}, func([]byte) []byte { return make([]byte, 64) }), "the signature is wrong")
	refuse("ECDSA signature in DER", l.signedAs(object{"alg": "ES256", "kid": l.ec.kid}, func(input []byte) []byte {
		digest := sha256.Sum256(input)
		der, err := l.ec.private.Sign(rand.Reader, digest[:], crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}), "the signature is wrong")
	refuse("Ed25519 signature of zeros", l.signedAs(object{"alg": "EdDSA", "kid": l.ed.kid}, func([]byte) []byte { return make([]byte, 64) }), "the signature is wrong")

	for name, header := range map[string]object{
		"crit":             {"crit": []string{"exp"}, "exp": l.now.Unix() + 3600},
		"crit unknown":     {"crit": []string{"http://evil.example/ext"}, "http://evil.example/ext": true},
		"crit empty":       {"crit": []string{}},
		"crit null":        {"crit": nil},
		"crit of b64":      {"crit": []string{"b64"}, "b64": false},
		"crit of b64 true": {"crit": []string{"b64"}, "b64": true},
	} {
		refuse(name, l.genuine(l.rsa, header, nil), "the token's header demands extensions (crit)")
	}
	refuse("b64 false", l.genuine(l.rsa, object{"b64": false}, nil), "not base64url (b64)")
	refuse("b64 null", l.genuine(l.rsa, object{"b64": nil}, nil), "not base64url (b64)")
	refuse("b64 false, payload as it is", encoded(object{"alg": "RS256", "kid": l.rsa.kid, "b64": false})+`.{"email":"x"}.`+parts[2], "the token's payload is not base64url")
	accept("b64 true", l.genuine(l.rsa, object{"b64": true}, asAda(nil)), ada)

	// Duplicate members: RFC 7519, section 4, allows a parser that takes the last.
	duplicates := func(header, claims string) string {
		return compact(header, claims, signedBy("RS256", l.rsa.private))
	}
	plainHeader := fmt.Sprintf(`{"alg":"RS256","kid":%q}`, l.rsa.kid)
	rest := fmt.Sprintf(`"exp":%d`, l.now.Unix()+3600)
	accept("email twice", duplicates(plainHeader, fmt.Sprintf(`{"iss":%q,"email":%q,"email":%q,%s}`, l.Issuer(), mallory, ada, rest)), ada)
	refuse("issuer twice", duplicates(plainHeader, fmt.Sprintf(`{"iss":%q,"iss":"https://login.evil.example","email":%q,%s}`, l.Issuer(), mallory, rest)), "wrong issuer")
	refuse("exp twice", duplicates(plainHeader, fmt.Sprintf(`{"iss":%q,"email":%q,%s,"exp":1}`, l.Issuer(), mallory, rest)), "the token expired at")
	refuse("email in other letters", duplicates(plainHeader, fmt.Sprintf(`{"iss":%q,"Email":%q,%s}`, l.Issuer(), mallory, rest)), `the token has no claim "email"`)
	refuse("alg twice", duplicates(fmt.Sprintf(`{"alg":"RS256","kid":%q,"alg":"none"}`, l.rsa.kid), fmt.Sprintf(`{"iss":%q,"email":%q,%s}`, l.Issuer(), mallory, rest)), "the token is not signed (alg none)")
	refuse("alg twice, unsigned", compact(fmt.Sprintf(`{"alg":"none","kid":%q,"alg":"RS256"}`, l.rsa.kid), l.claims(nil), unsigned), "the signature is wrong")
	refuse("alg in two cases, unsigned", compact(fmt.Sprintf(`{"alg":"none","kid":%q,"ALG":"RS256"}`, l.rsa.kid), l.claims(nil), unsigned), "the token is not signed (alg none)")
	refuse("alg in two cases, signed", compact(fmt.Sprintf(`{"alg":"none","kid":%q,"ALG":"RS256"}`, l.rsa.kid), l.claims(nil), signedBy("RS256", l.rsa.private)), "the token is not signed (alg none)")
	refuse("alg in capitals, signed", compact(fmt.Sprintf(`{"ALG":"RS256","kid":%q}`, l.rsa.kid), l.claims(nil), signedBy("RS256", l.rsa.private)), "is not accepted; expected one of RS256")
	refuse("kid twice", compact(fmt.Sprintf(`{"alg":"RS256","kid":%q,"kid":"evil"}`, l.rsa.kid), l.claims(nil), signedBy("RS256", l.evilRSA)), "is not among the issuer's")

	// Keys that the token brings along are never looked at.
	var fetched atomic.Int64
	evilSet := jwk.NewSet()
	evilKey, err := jwk.FromRaw(l.evilRSA.Public())
	if err != nil {
		t.Fatal(err)
	}
	if err := evilKey.Set(jwk.KeyIDKey, "evil"); err != nil {
		t.Fatal(err)
	}
	if err := evilSet.AddKey(evilKey); err != nil {
		t.Fatal(err)
	}
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fetched.Add(1)
		_ = json.NewEncoder(w).Encode(evilSet)
	}))
	t.Cleanup(evil.Close)
	certificate := selfSigned(t, l.evilRSA)
	for _, kid := range []string{"evil", l.rsa.kid, ""} {
		for name, value := range map[string]any{
			"jku": evil.URL + "/keys", "x5u": evil.URL + "/certificate.pem", "jwk": evilKey,
			"x5c": []string{base64.StdEncoding.EncodeToString(certificate)},
		} {
			header := object{"alg": "RS256", "typ": "JWT", name: value}
			reason := "the signature is wrong"
			if kid != "" {
				header["kid"] = kid
			}
			if kid == "evil" {
				reason = "is not among the issuer's"
			}
			refuse(fmt.Sprintf("%s with kid %.6q", name, kid), l.signedAs(header, signedBy("RS256", l.evilRSA)), reason)
		}
	}
	refuse("issuer at the attacker's address", compact(object{"alg": "RS256", "kid": "evil"}, l.claims(object{"iss": evil.URL}), signedBy("RS256", l.evilRSA)), "wrong issuer")

	refuse("500 KB token", l.genuine(l.rsa, nil, object{"padding": strings.Repeat("x", 500<<10)}), "at most 65536 are looked at")
	refuse("500 KB of dots", strings.Repeat(".", 500<<10), "at most 65536 are looked at")
	refuse("60 KB of dots", strings.Repeat(".", 60<<10), "a JWT has three parts")
	accept("40 KB token", l.genuine(l.rsa, nil, asAda(object{"padding": strings.Repeat("x", 30<<10)})), ada)
	deep := strings.Repeat(`{"a":`, 6000) + "1" + strings.Repeat("}", 6000)
	refuse("deeply nested payload", compact(plainHeader, deep, signedBy("RS256", l.rsa.private)), "no iss claim")
	deeper := strings.Repeat("[", 40000)
	refuse("endlessly nested payload", compact(plainHeader, deeper, signedBy("RS256", l.rsa.private)), "the token's payload is not one JSON object")

	// No audience is checked, since the product documents none: the ID token of
	// the trusted issuer, and an access token for somebody else, are accepted.
	minted, err := control.Mint(t.Context(), l.Pair().World, l.Pair().Provider, "ada", idp.MintRequest{ClientID: "backstage", Audience: []string{"somebody-else"}})
	if err != nil {
		t.Fatal(err)
	}
	accept("ID token of the trusted issuer", minted.IDToken, ada)
	accept("access token for another audience", minted.AccessToken, ada)

	for _, row := range attacks {
		t.Run(row.name, func(t *testing.T) {
			got := l.show(t, http.MethodGet, whoamiPath, row.header, "")
			if row.reason == "" {
				var who struct{ Email string }
				if got.json(t, &who); got.status != http.StatusOK || who.Email != row.email {
					t.Fatalf("%d %s, want %s", got.status, got.body, row.email)
				}
				return
			}
			l.refused(t, got, row.reason, row.header...)
			put := fmt.Sprintf(`{"apiVersion":"v2","kind":"User","metadata":{"name":%q},"spec":{}}`, mallory)
			l.refused(t, l.show(t, http.MethodPut, usersAPI, row.header, put), row.reason, row.header...)
		})
	}
	if n := fetched.Load(); n != 0 {
		t.Errorf("the attacker's server was asked %d times", n)
	}

	t.Run("cut anywhere", func(t *testing.T) {
		for length := range len(good) {
			got := l.show(t, http.MethodGet, whoamiPath, bearerOf(good[:length]), "")
			reason := "the token"
			switch {
			case length == 0:
				reason = "holds no token after Bearer"
			case length <= len(parts[0])+1+len(parts[1]):
				reason = "the token is no JWT"
			case length == len(parts[0])+len(parts[1])+2 || length == len(good)-2:
				reason = "the signature is wrong"
			default:
				reason = "" // the rest is not base64url, or a signature too short
			}
			l.refused(t, got, reason, good)
		}
	})
	t.Run("one character changed anywhere", func(t *testing.T) {
		for at := range len(good) {
			changed := []byte(good)
			if changed[at] = 'A'; good[at] == 'A' {
				changed[at] = 'Q'
			}
			l.refused(t, l.show(t, http.MethodGet, whoamiPath, bearerOf(string(changed)), ""), "", good)
		}
	})
	t.Run("one byte changed in each part", func(t *testing.T) {
		for part, reasons := range [][]string{
			{"the token's header is not a JSON object", "is not accepted", "is not among the issuer's", "the signature is wrong"},
			{"the token's payload is not one JSON object", "the signature is wrong", "issuer", "another mockduktor world"},
			{"the signature is wrong"},
		} {
			raw, err := base64.RawURLEncoding.DecodeString(parts[part])
			if err != nil {
				t.Fatal(err)
			}
			for at := range raw {
				flipped := slices.Clone(raw)
				flipped[at] ^= 1
				token := slices.Clone(parts)
				token[part] = base64.RawURLEncoding.EncodeToString(flipped)
				got := l.show(t, http.MethodGet, whoamiPath, bearerOf(strings.Join(token, ".")), "")
				l.refused(t, got, "")
				cause := l.problem(t, got).Cause
				if !slices.ContainsFunc(reasons, func(reason string) bool { return strings.Contains(cause, reason) }) {
					t.Errorf("part %d, byte %d: %s", part, at, cause)
				}
			}
		}
	})
	t.Run("genuine after all that", func(t *testing.T) {
		if got := l.show(t, http.MethodGet, whoamiPath, bearerOf(good), ""); got.status != http.StatusOK {
			t.Errorf("%d %s", got.status, got.body)
		}
		if got := l.show(t, http.MethodGet, whoamiPath+"?access_token="+url.QueryEscape(good), nil, ""); got.status != http.StatusUnauthorized {
			t.Errorf("a token in the query: %d", got.status)
		}
	})
	t.Run("keys and sessions", func(t *testing.T) { attackKeysAndSessions(t, l) })
	t.Run("passwords", func(t *testing.T) { attackPasswords(t, l) })

	if after := l.users(); !slices.Equal(before, after) {
		t.Errorf("users %q before, %q after", before, after)
	}
	l.noLeaks(t)
}

// attackKeysAndSessions tries what was good once, or is good elsewhere.
func attackKeysAndSessions(t *testing.T, l *attackLab) {
	admin := bearerOf("mock-admin-key")
	var created struct{ ID, Token string }
	l.show(t, http.MethodPost, "/api/token/v1/admin_tokens", admin, `{"name":"short-lived"}`).json(t, &created)
	if got := l.show(t, http.MethodGet, whoamiPath, bearerOf(created.Token), ""); got.status != http.StatusOK {
		t.Fatalf("the new key: %d %s", got.status, got.body)
	}
	// Almost the key.
	for _, wrong := range []string{created.Token + "x", created.Token[1:], created.Token[:len(created.Token)-1], strings.ToUpper(created.Token), created.ID, kinds.Digest(created.Token)} {
		l.refused(t, l.show(t, http.MethodGet, whoamiPath, bearerOf(wrong), ""), "the token is no JWT, and no API key or login session", wrong)
	}
	if got := l.show(t, http.MethodDelete, "/api/token/v1/"+created.ID, admin, ""); got.status != http.StatusNoContent {
		t.Fatalf("delete the key: %d %s", got.status, got.body)
	}
	l.refused(t, l.show(t, http.MethodGet, whoamiPath, bearerOf(created.Token), ""), "was deleted", created.Token)
	inClaim := l.genuine(l.rsa, nil, object{"email": absent, "apikey": created.Token})
	l.refused(t, l.show(t, http.MethodGet, whoamiPath, bearerOf(inClaim), ""), `the API key in the claim "apikey" is unknown`, inClaim)

	session := func(on *server.Server) (access, refresh string) {
		var tokens struct {
			Access  string `json:"access_token"`
			Refresh string `json:"refresh_token"`
		}
		got := call(t, on, http.MethodPost, "/api/login", "", object{"username": server.DefaultAdminEmail, "password": server.DefaultAdminPassword})
		if got.json(t, &tokens); tokens.Access == "" || tokens.Refresh == "" || tokens.Access == tokens.Refresh {
			t.Fatalf("login: %d %s", got.status, got.body)
		}
		l.secrets[tokens.Access], l.secrets[tokens.Refresh] = true, true
		return tokens.Access, tokens.Refresh
	}
	l.secrets[server.DefaultAdminPassword] = true
	access, refresh := session(l.Server)
	for _, token := range []string{access, refresh} {
		if got := l.show(t, http.MethodGet, whoamiPath, bearerOf(token), ""); got.status != http.StatusOK {
			t.Errorf("a session: %d %s", got.status, got.body)
		}
	}
	other := start(t, server.Config{})
	foreign, _ := session(other)
	l.refused(t, l.show(t, http.MethodGet, whoamiPath, bearerOf(foreign), ""), "is of another world", foreign)

	clock := l.Pair().World.Clock
	defer clock.Set(l.now)
	clock.Advance(console.DefaultSessionLifetime*time.Second - time.Nanosecond)
	if got := l.show(t, http.MethodGet, whoamiPath, bearerOf(access), ""); got.status != http.StatusOK {
		t.Errorf("a session in its last nanosecond: %d %s", got.status, got.body)
	}
	clock.Advance(time.Nanosecond)
	l.refused(t, l.show(t, http.MethodGet, whoamiPath, bearerOf(access), ""), "the login session ended at", access)
	l.refused(t, l.show(t, http.MethodGet, whoamiPath, bearerOf(refresh), ""), "the login session ended at", refresh)

	clock.Set(l.now)
	access, _ = session(l.Server)
	world := l.Pair().World
	world.Snapshot("attacked")
	world.Reset()
	l.refused(t, l.show(t, http.MethodGet, whoamiPath, bearerOf(access), ""), "the token is no JWT, and no API key or login session", access)
	if err := world.Restore("attacked"); err != nil {
		t.Fatal(err)
	}
}

// attackPasswords signs in wrongly in every way there is.
func attackPasswords(t *testing.T, l *attackLab) {
	login := func(body string) answer { return l.show(t, http.MethodPost, "/api/login", nil, body) }
	for name, row := range map[string]struct{ username, password, reason string }{
		"wrong for the root admin":   {server.DefaultAdminEmail, "Wr0ng-password-1", "the password is another"},
		"another's":                  {"ada@shop.example", "ben-password", "the password is another"},
		"unknown user":               {"nobody@shop.example", "Wr0ng-password-2", "nobody has the login or e-mail"},
		"disabled person":            {"kim@shop.example", "kim-password", "is disabled"},
		"too long":                   {"ada@shop.example", strings.Repeat("Wr0ng-password-3", 1000), "the password is another"},
		"right but for its case":     {"ada@shop.example", "Ada-Password", "the password is another"},
		"right but for a space more": {"ada@shop.example", "ada-password ", "the password is another"},
	} {
		body, err := json.Marshal(object{"username": row.username, "password": row.password})
		if err != nil {
			t.Fatal(err)
		}
		l.secrets[row.password] = true
		got := login(string(body))
		if got.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		if said := l.problem(t, got); !strings.Contains(said.Cause+said.Msg, row.reason) && !strings.Contains(said.Cause, "wrong user or password") {
			t.Errorf("%s: %+v, want %q", name, said, row.reason)
		}
		if bytes.Contains(got.body, []byte(row.password)) {
			t.Errorf("%s: the answer holds the password", name)
		}
	}
	for _, body := range []string{``, `[]`, `null`, `{}`, `{"username":"x"}`, `{"username":"ada@shop.example","password":null}`,
		`{"username":"ada@shop.example","password":["ada-password"]}`, `{"username":{"$ne":null},"password":{"$ne":null}}`,
		`{"username":"ada@shop.example","password":""}`, `{"username":"x","password":"y"`} {
		got := login(body)
		if got.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
		l.problem(t, got)
	}

	// The identity provider beside it.
	for _, form := range []url.Values{
		{"grant_type": {"password"}, "client_id": {"conduktor-cli"}, "username": {"ada"}, "password": {"Wr0ng-password-4"}},
		{"grant_type": {"password"}, "client_id": {"conduktor-cli"}, "username": {"ada"}, "password": {"ada-password"}},
		{"grant_type": {"client_credentials"}, "client_id": {"ci"}, "client_secret": {"Wr0ng-secret-of-ci"}},
		{"grant_type": {"client_credentials"}, "client_id": {"ci"}, "client_secret": {"ci-secret"}},
		{"grant_type": {"refresh_token"}, "client_id": {"backstage"}, "client_secret": {"backstage-secret"}, "refresh_token": {"Wr0ng-refresh-token"}},
		{"grant_type": {"authorization_code"}, "client_id": {"backstage"}, "client_secret": {"backstage-secret"}, "code": {"Wr0ng-authorization-code"}},
	} {
		for _, name := range []string{"password", "client_secret", "refresh_token", "code"} {
			if secret := form.Get(name); secret != "" {
				l.secrets[secret] = true
			}
		}
		response, err := http.PostForm("http://"+l.Address()+"/idp/token", form)
		if err != nil {
			t.Fatal(err)
		}
		var tokens struct {
			Access  string `json:"access_token"`
			Refresh string `json:"refresh_token"`
			ID      string `json:"id_token"`
		}
		err = json.NewDecoder(response.Body).Decode(&tokens)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, token := range []string{tokens.Access, tokens.Refresh, tokens.ID} {
			l.keepSecret(token)
		}
	}
}
