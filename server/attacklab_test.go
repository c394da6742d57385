package server_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/console"
	"github.com/mockduktor/mockduktor/server/kinds"
)

// mallory is in every forged token. A user of that name means that one passed.
const mallory = "mallory@evil.example"

// logBuffer collects what a server logs.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// attackLab is a server with the default estate, the keys to its kingdom, and
// all that may never show up in its log.
type attackLab struct {
	*server.Server
	logs    *logBuffer
	rsa     signer
	ec      signer
	ed      signer
	evilRSA *rsa.PrivateKey
	evilEC  *ecdsa.PrivateKey
	now     time.Time
	secrets map[string]bool
}

// signer is a private key of the issuer with its published kid.
type signer struct {
	alg, kid string
	private  crypto.Signer
}

func startAttackLab(t *testing.T) *attackLab {
	t.Helper()
	l := &attackLab{logs: &logBuffer{}, secrets: map[string]bool{}}
	l.Server = start(t, server.Config{Logger: slog.New(slog.NewJSONHandler(l.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	clock := l.Pair().World.Clock
	clock.Freeze() // so that the very second of an expiry can be tried
	clock.Set(clock.Now().Truncate(time.Second))
	l.now = clock.Now()
	l.rsa, l.ec, l.ed = signerOf(t, l.Server, "RS256"), signerOf(t, l.Server, "ES256"), signerOf(t, l.Server, "EdDSA")
	var err error
	if l.evilRSA, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	if l.evilEC, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	return l
}

// signerOf is the issuer's own key for an algorithm.
func signerOf(t testing.TB, running *server.Server, alg string) signer {
	t.Helper()
	for _, resource := range kinds.SigningKeys(running.Pair().World.View()) {
		key := resource.Value.(*kinds.SigningKey)
		if key.Alg != alg {
			continue
		}
		public, err := jwk.FromRaw(key.Private.Public())
		if err != nil {
			t.Fatal(err)
		}
		thumbprint, err := public.Thumbprint(crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		return signer{alg, base64.RawURLEncoding.EncodeToString(thumbprint), key.Private}
	}
	t.Fatalf("the issuer has no key for %s", alg)
	return signer{}
}

type object = map[string]any

// absent takes a claim out.
var absent = struct{}{}

// claims are what the issuer would say of mallory, with some changed.
func (l *attackLab) claims(changed object) object {
	claims := object{"iss": l.Issuer(), "sub": "mallory", "aud": "backstage", "email": mallory, "email_verified": true,
		"groups": []string{"kafka-admins"}, "iat": l.now.Unix(), "exp": l.now.Add(time.Hour).Unix()}
	for name, value := range changed {
		if value == absent {
			delete(claims, name)
		} else {
			claims[name] = value
		}
	}
	return claims
}

func encoded(value any) string {
	if text, raw := value.(string); raw {
		return base64.RawURLEncoding.EncodeToString([]byte(text))
	}
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// compact joins a token; header and payload are text as it is or values for JSON.
func compact(header, payload any, sign func(input []byte) []byte) string {
	input := encoded(header) + "." + encoded(payload)
	return input + "." + base64.RawURLEncoding.EncodeToString(sign([]byte(input)))
}

func signedBy(alg string, private crypto.Signer) func([]byte) []byte {
	return func(input []byte) []byte {
		signer, err := jws.NewSigner(jwa.SignatureAlgorithm(alg))
		if err != nil {
			panic(err)
		}
		signature, err := signer.Sign(input, private)
		if err != nil {
			panic(err)
		}
		return signature
	}
}

func unsigned([]byte) []byte { return nil }

func hmacWith(alg string, secret []byte) func([]byte) []byte {
	hashes := map[string]func() hash.Hash{"HS256": sha256.New, "HS384": sha512.New384, "HS512": sha512.New}
	return func(input []byte) []byte {
		mac := hmac.New(hashes[alg], secret)
		mac.Write(input)
		return mac.Sum(nil)
	}
}

// genuine is a token as the issuer makes it, with some header members and claims
// changed before it is signed with the issuer's own key.
func (l *attackLab) genuine(by signer, header, claims object) string {
	head := object{"alg": by.alg, "kid": by.kid, "typ": "JWT"}
	for name, value := range header {
		if value == absent {
			delete(head, name)
		} else {
			head[name] = value
		}
	}
	return compact(head, l.claims(claims), signedBy(by.alg, by.private))
}

// signedAs is genuine with another signature.
func (l *attackLab) signedAs(header object, sign func([]byte) []byte) string {
	return compact(header, l.claims(nil), sign)
}

// show sends a request with any number of Authorization headers. What they hold
// is secret from now on.
func (l *attackLab) show(t *testing.T, method, path string, authorization []string, body string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+l.Address()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range authorization {
		request.Header.Add("Authorization", value)
		l.keepSecret(value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, data}
}

// keepSecret notes the credential in a header, and each part of a token.
func (l *attackLab) keepSecret(header string) {
	credential := header
	for _, scheme := range []string{"Bearer ", "bearer ", "Basic "} {
		credential = strings.TrimPrefix(credential, scheme)
	}
	for i, part := range append([]string{credential}, strings.SplitN(credential, ".", 8)...) {
		// Short ones would be found by chance; the header of a token is no secret.
		if len(part) >= 12 && i != 1 || len(part) >= 12 && !strings.Contains(credential, ".") {
			l.secrets[part] = true
		}
	}
}

// refused checks the whole of a 401: status, body, header, and that nothing of
// the credential comes back.
func (l *attackLab) refused(t *testing.T, got answer, reason string, credentials ...string) {
	t.Helper()
	if got.status != http.StatusUnauthorized {
		t.Fatalf("status %d, want 401: %s", got.status, got.body)
	}
	said := l.problem(t, got)
	if said.Title != "The user is not authenticated" || said.Msg != "" {
		t.Errorf("title %q, msg %q", said.Title, said.Msg)
	}
	if !strings.Contains(said.Cause, reason) {
		t.Errorf("cause %q, want %q in it", said.Cause, reason)
	}
	header := got.header.Get(console.ReasonHeader)
	if !strings.Contains(header, reason) {
		t.Errorf("Mock-Reason %q, want %q in it", header, reason)
	}
	if header != said.Cause && len(said.Cause) < 2048 && strings.IndexFunc(said.Cause, func(r rune) bool { return r > '~' }) < 0 {
		t.Errorf("Mock-Reason %q differs from the cause %q", header, said.Cause)
	}
	if len(header) > 4096 {
		t.Errorf("Mock-Reason is %d bytes long", len(header))
	}
	if got.header.Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("WWW-Authenticate %q", got.header.Get("WWW-Authenticate"))
	}
	for _, credential := range credentials {
		for _, part := range strings.FieldsFunc(credential, func(r rune) bool { return r == '.' || r == ' ' }) {
			if len(part) >= 20 && (bytes.Contains(got.body, []byte(part)) || strings.Contains(fmt.Sprint(got.header), part)) {
				t.Errorf("the answer holds a part of the credential: %s", got.body)
			}
		}
	}
}

// problem decodes an error body and refuses any other shape.
func (l *attackLab) problem(t *testing.T, got answer) problem {
	t.Helper()
	if media := got.header.Get("Content-Type"); !strings.HasPrefix(media, "application/json") {
		t.Errorf("Content-Type %q", media)
	}
	decoder := json.NewDecoder(bytes.NewReader(got.body))
	decoder.DisallowUnknownFields()
	var said problem
	if err := decoder.Decode(&said); err != nil || decoder.More() {
		t.Fatalf("the body is not title, msg and cause: %v: %s", err, got.body)
	}
	return said
}

const (
	whoamiPath = "/api/token/v1/whoami"
	usersAPI   = "/api/public/iam/v2/user"
)

func (l *attackLab) users() []string {
	var names []string
	for resource := range l.Pair().World.View().Resources("User", "v2", nil, "") {
		names = append(names, resource.Name)
	}
	return names
}

// noLeaks reads the log after the attacks.
func (l *attackLab) noLeaks(t *testing.T) {
	t.Helper()
	logged := l.logs.String()
	if lines := strings.Count(logged, `"msg":"refused"`); lines < 100 {
		t.Errorf("the log tells of %d refusals; is it on?", lines)
	}
	// One pass for all: by their first bytes, and of a long one its first part is
	// secret enough.
	const key, enough = 8, 32
	byKey := map[string][]string{}
	for secret := range l.secrets {
		if len(secret) < key {
			t.Errorf("the secret %q is too short to be looked for", secret)
			continue
		}
		byKey[secret[:key]] = append(byKey[secret[:key]], secret[:min(len(secret), enough)])
	}
	for at := range max(0, len(logged)-key) {
		for _, secret := range byKey[logged[at:at+key]] {
			if strings.HasPrefix(logged[at:], secret) {
				line := logged[strings.LastIndexByte(logged[:at], '\n')+1:]
				line, _, _ = strings.Cut(line, "\n")
				t.Errorf("the log holds a secret: %.300s", line)
				return
			}
		}
	}
}

// publicSecrets are the public key of the issuer in every form that a careless
// library may take for the secret of an HMAC.
func publicSecrets(t *testing.T, key signer) map[string][]byte {
	t.Helper()
	public := key.private.Public().(*rsa.PublicKey)
	pkix, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := x509.MarshalPKCS1PublicKey(public)
	set, err := jwk.FromRaw(public)
	if err != nil {
		t.Fatal(err)
	}
	asJWK, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix})
	return map[string][]byte{
		"PEM": asPEM, "PEM without its last line end": bytes.TrimSpace(asPEM), "DER": pkix,
		"PKCS 1 PEM": pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1}), "PKCS 1 DER": pkcs1,
		"JWK": asJWK, "n": public.N.Bytes(), "n in base64url": []byte(base64.RawURLEncoding.EncodeToString(public.N.Bytes())),
		"kid": []byte(key.kid), "nothing": {},
	}
}

func selfSigned(t *testing.T, key *rsa.PrivateKey) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}
