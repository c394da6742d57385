package console

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

// tinyIssuer is as little of an issuer as its keys take. What its two documents
// answer can be replaced at any time.
type tinyIssuer struct {
	*httptest.Server
	discoveries, keySets atomic.Int64

	mu        sync.Mutex
	discovery http.HandlerFunc
	keys      http.HandlerFunc
}

func startIssuer(t *testing.T, keys ...jwk.Key) *tinyIssuer {
	t.Helper()
	i := &tinyIssuer{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		i.discoveries.Add(1)
		i.handler(&i.discovery)(w, r)
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, r *http.Request) {
		i.keySets.Add(1)
		i.handler(&i.keys)(w, r)
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	i.answerDiscovery(answers(map[string]string{"issuer": i.URL, "jwks_uri": i.URL + "/keys"}))
	i.publish(t, keys...)
	return i
}

func (i *tinyIssuer) handler(which *http.HandlerFunc) http.HandlerFunc {
	i.mu.Lock()
	defer i.mu.Unlock()
	return *which
}

func (i *tinyIssuer) answerDiscovery(h http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.discovery = h
}

func (i *tinyIssuer) answerKeys(h http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = h
}

func (i *tinyIssuer) publish(t *testing.T, keys ...jwk.Key) {
	t.Helper()
	set := jwk.NewSet()
	for _, key := range keys {
		if err := set.AddKey(key); err != nil {
			t.Fatal(err)
		}
	}
	i.answerKeys(answers(set))
}

func answers(document any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(document)
	}
}

func answersText(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// publicKey makes a P-256 key of a kid.
func publicKey(t *testing.T, kid string) jwk.Key {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return namedKey(t, &private.PublicKey, kid, "ES256")
}

func namedKey(t *testing.T, raw any, kid, alg string) jwk.Key {
	t.Helper()
	key, err := jwk.FromRaw(raw)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{jwk.KeyIDKey: kid, jwk.AlgorithmKey: alg} {
		if value == "" {
			continue
		}
		if err := key.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	return key
}

// handClock is moved by hand, so that no test waits for a gap to pass.
type handClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func remoteKeys(i *tinyIssuer) (*RemoteKeys, *handClock) {
	clock := &handClock{now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}
	keys := NewRemoteKeys(i.URL, i.Client())
	keys.Now = clock.Now
	return keys, clock
}

func mustFind(t *testing.T, keys *RemoteKeys, id string) {
	t.Helper()
	if key, err := keys.Key(t.Context(), id, "ES256"); err != nil || key == nil {
		t.Fatalf("key %s: %v", id, err)
	}
}

func mustMiss(t *testing.T, keys *RemoteKeys, id string) {
	t.Helper()
	key, err := keys.Key(t.Context(), id, "ES256")
	var unknown errUnknownKey
	if key != nil || !errors.As(err, &unknown) {
		t.Fatalf("key %s: %v, %v; want it unknown", id, key, err)
	}
}

func TestRemoteKeysAreKept(t *testing.T) {
	issuer := startIssuer(t, publicKey(t, "one"))
	keys, _ := remoteKeys(issuer)
	if issuer.discoveries.Load() != 0 {
		t.Error("fetched before a token came")
	}
	for range 20 {
		mustFind(t, keys, "one")
	}
	if d, k := issuer.discoveries.Load(), issuer.keySets.Load(); d != 1 || k != 1 {
		t.Errorf("%d discoveries and %d key sets for 20 tokens", d, k)
	}
}

func TestRemoteKeysRotation(t *testing.T) {
	old, next := publicKey(t, "old"), publicKey(t, "next")
	issuer := startIssuer(t, old)
	keys, clock := remoteKeys(issuer)
	mustFind(t, keys, "old")
	mustMiss(t, keys, "next")

	// At once, even though the last fetch is no time ago, for a kid not asked for
	// before; for one asked for too early, after the gap.
	third := publicKey(t, "third")
	issuer.publish(t, old, next, third)
	mustFind(t, keys, "third")
	mustFind(t, keys, "next")

	issuer.publish(t, third)
	clock.advance(refetchGap)
	mustMiss(t, keys, "fourth") // brings the set anew
	mustMiss(t, keys, "old")
	mustFind(t, keys, "third")

	mustMiss(t, keys, "early")
	issuer.publish(t, third, publicKey(t, "early"))
	fetches := issuer.keySets.Load()
	mustMiss(t, keys, "early")
	if got := issuer.keySets.Load(); got != fetches {
		t.Errorf("a kid that was just missed was fetched for again")
	}
	clock.advance(refetchGap)
	mustFind(t, keys, "early")
}

// Forged tokens must not make the Console a weapon against the issuer.
func TestConcurrentUnknownKidsCauseBoundedFetches(t *testing.T) {
	issuer := startIssuer(t, publicKey(t, "one"))
	keys, clock := remoteKeys(issuer)
	mustFind(t, keys, "one")
	for round := range 3 {
		clock.advance(refetchGap)
		before := issuer.keySets.Load()
		var group sync.WaitGroup
		for worker := range 16 {
			group.Go(func() {
				for i := range 20 {
					mustMiss(t, keys, fmt.Sprintf("forged-%d-%d-%d", round, worker, i))
				}
			})
			group.Go(func() {
				for range 20 {
					mustFind(t, keys, "one")
				}
			})
		}
		group.Wait()
		if got := issuer.keySets.Load() - before; got < 1 || got > maxFetches {
			t.Errorf("round %d: 320 forged kids at once caused %d fetches, want 1 to %d", round, got, maxFetches)
		}
	}
	if got, want := issuer.discoveries.Load(), issuer.keySets.Load(); got != want {
		t.Errorf("%d discoveries for %d key sets", got, want)
	}
}

func TestUnknownKidsInTurnCauseBoundedFetches(t *testing.T) {
	issuer := startIssuer(t, publicKey(t, "one"))
	keys, clock := remoteKeys(issuer)
	for i := range 300 {
		mustMiss(t, keys, fmt.Sprint("forged-", i))
	}
	if got := issuer.keySets.Load(); got > maxFetches {
		t.Errorf("300 forged kids in turn caused %d fetches, want at most %d", got, maxFetches)
	}
	clock.advance(refetchGap)
	issuer.publish(t, publicKey(t, "two"))
	mustFind(t, keys, "two")
}

func TestOneUnknownKidCausesOneFetchAGap(t *testing.T) {
	issuer := startIssuer(t, publicKey(t, "one"))
	keys, clock := remoteKeys(issuer)
	for gap := range int64(3) {
		for range 50 {
			mustMiss(t, keys, "other")
		}
		if got := issuer.keySets.Load(); got != gap+1 {
			t.Errorf("%d fetches after %d gaps", got, gap+1)
		}
		clock.advance(refetchGap)
	}
}

func TestWithdrawnKeysAreForgottenInTime(t *testing.T) {
	issuer := startIssuer(t, publicKey(t, "leaked"), publicKey(t, "good"))
	keys, clock := remoteKeys(issuer)
	mustFind(t, keys, "leaked")
	issuer.publish(t, publicKey(t, "good"))
	clock.advance(maxAge - time.Second)
	mustFind(t, keys, "leaked")
	clock.advance(time.Second)
	// The call that finds the keys aged does not wait; a later one sees the result.
	deadline := time.Now().Add(10 * time.Second)
	for {
		if _, err := keys.Key(t.Context(), "leaked", "ES256"); err != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the withdrawn key is still good")
		}
	}
	mustFind(t, keys, "good")
}

func TestIssuerDown(t *testing.T) {
	for name, down := range map[string]http.HandlerFunc{
		"error": answersText(http.StatusInternalServerError, "out of order"),
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"keys":[`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			one := publicKey(t, "one")
			issuer := startIssuer(t, one)
			keys, clock := remoteKeys(issuer)
			issuer.answerKeys(down)
			for i := range 3 * maxFetches {
				if _, err := keys.Key(t.Context(), "one", "ES256"); err == nil || !strings.Contains(err.Error(), "keys of issuer "+issuer.URL) {
					t.Fatalf("call %d: %v", i, err)
				}
			}
			if got := issuer.keySets.Load(); got > maxFetches {
				t.Errorf("an issuer that is down was asked %d times in one gap", got)
			}
			issuer.publish(t, one)
			clock.advance(refetchGap)
			mustFind(t, keys, "one")

			issuer.answerKeys(down)
			clock.advance(2 * maxAge)
			for range 20 {
				mustFind(t, keys, "one") // what is kept goes on working
			}
			_, err := keys.Key(t.Context(), "two", "ES256")
			var unknown errUnknownKey
			if err == nil || errors.As(err, &unknown) && name == "" {
				t.Errorf("an unknown key of an issuer that is down: %v", err)
			}
		})
	}
}

// hanging answers nothing before the test ends. With begin it writes that first,
// and then nothing more.
func hanging(t *testing.T, begin string) http.HandlerFunc {
	release := make(chan struct{})
	t.Cleanup(func() { close(release) }) // runs before the server's Close, which waits for it
	return func(w http.ResponseWriter, r *http.Request) {
		if begin != "" {
			_, _ = io.WriteString(w, begin)
			w.(http.Flusher).Flush()
		}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}
}

// soon runs what must not hang.
func soon(t *testing.T, what string, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); do() }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s hangs", what)
	}
}

func TestHangingIssuerEndsWithAnError(t *testing.T) {
	for name, hang := range map[string]func(*tinyIssuer){
		"discovery":        func(i *tinyIssuer) { i.answerDiscovery(hanging(t, "")) },
		"keys":             func(i *tinyIssuer) { i.answerKeys(hanging(t, "")) },
		"half a discovery": func(i *tinyIssuer) { i.answerDiscovery(hanging(t, `{"issuer":`)) },
		"half a key set":   func(i *tinyIssuer) { i.answerKeys(hanging(t, `{"keys":[`)) },
	} {
		t.Run(name, func(t *testing.T) {
			issuer := startIssuer(t, publicKey(t, "one"))
			hang(issuer)
			keys, _ := remoteKeys(issuer)
			keys.Timeout = 20 * time.Millisecond
			soon(t, "an issuer that hangs", func() {
				_, err := keys.Key(t.Context(), "one", "ES256")
				if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), issuer.URL) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

func TestCallerDoesNotWaitLongerThanItWants(t *testing.T) {
	issuer := startIssuer(t, publicKey(t, "one"))
	issuer.answerKeys(hanging(t, ""))
	keys, _ := remoteKeys(issuer)
	keys.Timeout = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	soon(t, "a caller that has gone", func() {
		if _, err := keys.Key(ctx, "one", "ES256"); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	soon(t, "a caller in a hurry", func() {
		if _, err := keys.Key(ctx, "one", "ES256"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// The first caller's leaving must not end the fetch that others wait for.
func TestFetchOutlivesItsFirstCaller(t *testing.T) {
	one := publicKey(t, "one")
	issuer := startIssuer(t, one)
	arrived, release := make(chan struct{}), make(chan struct{})
	set := jwk.NewSet()
	if err := set.AddKey(one); err != nil {
		t.Fatal(err)
	}
	issuer.answerKeys(func(w http.ResponseWriter, r *http.Request) {
		close(arrived) // a second fetch would panic here
		<-release
		answers(set)(w, r)
	})
	keys, _ := remoteKeys(issuer)
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	go func() {
		_, err := keys.Key(ctx, "one", "ES256")
		first <- err
	}()
	<-arrived
	second := make(chan error)
	go func() {
		_, err := keys.Key(t.Context(), "one", "ES256")
		second <- err
	}()
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the first caller: %v", err)
	}
	close(release)
	soon(t, "the second caller", func() {
		if err := <-second; err != nil {
			t.Errorf("the second caller: %v", err)
		}
	})
}

func TestGoodTokensDoNotWaitForAHangingIssuer(t *testing.T) {
	issuer := startIssuer(t, publicKey(t, "one"))
	keys, clock := remoteKeys(issuer)
	keys.Timeout = time.Hour
	mustFind(t, keys, "one")
	issuer.answerDiscovery(hanging(t, ""))
	clock.advance(2 * maxAge)
	soon(t, "a good token", func() { mustFind(t, keys, "one") })
	ctx, cancel := context.WithCancel(t.Context())
	bad := make(chan error)
	go func() {
		_, err := keys.Key(ctx, "other", "ES256")
		bad <- err
	}()
	soon(t, "a good token beside a bad one", func() { mustFind(t, keys, "one") })
	cancel()
	if err := <-bad; err == nil {
		t.Error("the bad token was found")
	}
}

func TestOversizedDocuments(t *testing.T) {
	long := strings.Repeat("x", maxDocument)
	endless := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, long); err != nil {
				return
			}
		}
	}
	for name, oversize := range map[string]func(*tinyIssuer){
		"discovery": func(i *tinyIssuer) {
			i.answerDiscovery(answers(map[string]string{"issuer": i.URL, "jwks_uri": i.URL + "/keys", "x": long}))
		},
		"keys":              func(i *tinyIssuer) { i.answerKeys(answersText(200, `{"keys":[],"x":"`+long+`"}`)) },
		"endless discovery": func(i *tinyIssuer) { i.answerDiscovery(endless) },
		"endless keys":      func(i *tinyIssuer) { i.answerKeys(endless) },
	} {
		t.Run(name, func(t *testing.T) {
			issuer := startIssuer(t, publicKey(t, "one"))
			oversize(issuer)
			keys, _ := remoteKeys(issuer)
			soon(t, "a document without end", func() {
				_, err := keys.Key(t.Context(), "one", "ES256")
				if err == nil || !strings.Contains(err.Error(), fmt.Sprint("longer than ", maxDocument)) {
					t.Errorf("got %v", err)
				}
				if err != nil && len(err.Error()) > 1000 {
					t.Errorf("the error is %d bytes long", len(err.Error()))
				}
			})
		})
	}
	t.Run("large but within the limit", func(t *testing.T) {
		issuer := startIssuer(t, publicKey(t, "one"))
		issuer.answerDiscovery(answers(map[string]string{"issuer": issuer.URL, "jwks_uri": issuer.URL + "/keys", "x": long[:maxDocument-1000]}))
		keys, _ := remoteKeys(issuer)
		mustFind(t, keys, "one")
	})
}

// Redirects are not followed, neither of the discovery document nor of the keys,
// and an issuer with TLS may not lead to keys without.
func TestRemoteKeysFollowNoRedirect(t *testing.T) {
	var reached atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached.Add(1)
		answers(map[string]any{"keys": []any{}})(w, r)
	}))
	defer elsewhere.Close()
	away := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+"/in", http.StatusFound)
	}
	for name, set := range map[string]func(*tinyIssuer){
		"discovery": func(i *tinyIssuer) { i.answerDiscovery(away) },
		"keys":      func(i *tinyIssuer) { i.answerKeys(away) },
	} {
		issuer := startIssuer(t, publicKey(t, "one"))
		set(issuer)
		keys, _ := remoteKeys(issuer)
		_, err := keys.Key(t.Context(), "one", "ES256")
		if err == nil || !strings.Contains(err.Error(), "redirects are not followed") || !strings.Contains(err.Error(), elsewhere.URL) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := reached.Load(); n > 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
	if err := keyAddress("https://idp.example", "http://idp.example/keys"); err == nil {
		t.Error("keys without TLS of an issuer with TLS")
	}
}

// Who waits for the keys of an issuer that does not answer, waits for Wait.
func TestRemoteKeysAreWaitedForAWhile(t *testing.T) {
	issuer := startIssuer(t, publicKey(t, "one"))
	release := make(chan struct{})
	issuer.answerDiscovery(func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	keys, _ := remoteKeys(issuer)
	keys.Wait = time.Millisecond
	if _, err := keys.Key(t.Context(), "one", "ES256"); err == nil || !strings.Contains(err.Error(), "--timeout handler=") {
		t.Errorf("%v", err)
	}
}

func TestWrongDocuments(t *testing.T) {
	discovery := func(issuer, keys string) http.HandlerFunc {
		return answers(map[string]string{"issuer": issuer, "jwks_uri": keys})
	}
	for name, test := range map[string]struct {
		set  func(*tinyIssuer)
		want string
	}{
		"another issuer":         {func(i *tinyIssuer) { i.answerDiscovery(discovery("http://elsewhere.example", i.URL+"/keys")) }, `the document names the issuer "http://elsewhere.example"`},
		"a slash more":           {func(i *tinyIssuer) { i.answerDiscovery(discovery(i.URL+"/", i.URL+"/keys")) }, "the document names the issuer"},
		"no issuer":              {func(i *tinyIssuer) { i.answerDiscovery(answers(map[string]string{"jwks_uri": i.URL + "/keys"})) }, `the document names the issuer ""`},
		"no jwks_uri":            {func(i *tinyIssuer) { i.answerDiscovery(answers(map[string]string{"issuer": i.URL})) }, "has no jwks_uri"},
		"issuer as number":       {func(i *tinyIssuer) { i.answerDiscovery(answers(map[string]any{"issuer": 1})) }, "is no discovery document"},
		"discovery as list":      {func(i *tinyIssuer) { i.answerDiscovery(answersText(200, `[]`)) }, "is no discovery document"},
		"discovery as page":      {func(i *tinyIssuer) { i.answerDiscovery(answersText(200, `<!doctype html>`)) }, "is no discovery document"},
		"discovery empty":        {func(i *tinyIssuer) { i.answerDiscovery(answersText(200, ``)) }, "is no discovery document"},
		"discovery missing":      {func(i *tinyIssuer) { i.answerDiscovery(answersText(404, ``)) }, "404"},
		"discovery forbidden":    {func(i *tinyIssuer) { i.answerDiscovery(answersText(403, ``)) }, "403"},
		"keys at another scheme": {func(i *tinyIssuer) { i.answerDiscovery(discovery(i.URL, "file:///etc/passwd")) }, "is no http or https address"},
		"keys at no address":     {func(i *tinyIssuer) { i.answerDiscovery(discovery(i.URL, "::")) }, "is no http or https address"},
		"keys at a path":         {func(i *tinyIssuer) { i.answerDiscovery(discovery(i.URL, "/keys")) }, "is no http or https address"},
		"keys as page":           {func(i *tinyIssuer) { i.answerKeys(answersText(200, `<html>`)) }, "is no key set"},
		"keys as number":         {func(i *tinyIssuer) { i.answerKeys(answersText(200, `{"keys":1}`)) }, "is no key set"},
		"keys empty":             {func(i *tinyIssuer) { i.answerKeys(answersText(200, ``)) }, "is no key set"},
		"keys gone":              {func(i *tinyIssuer) { i.answerKeys(answersText(410, ``)) }, "410"},
		"keys running in a circle": {func(i *tinyIssuer) {
			i.answerKeys(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/keys", http.StatusFound) })
		}, "redirects"},
		"no keys": {func(i *tinyIssuer) { i.answerKeys(answersText(200, `{"keys":[]}`)) }, `the token's key "one" (kid) is not among the issuer's`},
	} {
		t.Run(name, func(t *testing.T) {
			issuer := startIssuer(t, publicKey(t, "one"))
			test.set(issuer)
			keys, _ := remoteKeys(issuer)
			key, err := keys.Key(t.Context(), "one", "ES256")
			if key != nil || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, %v; want an error with %q", key, err, test.want)
			}
		})
	}
}

func TestDiscoveryOfAnIssuerWithASlash(t *testing.T) {
	issuer := startIssuer(t, publicKey(t, "one"))
	issuer.answerDiscovery(answers(map[string]string{"issuer": issuer.URL + "/", "jwks_uri": issuer.URL + "/keys"}))
	mustFind(t, NewRemoteKeys(issuer.URL+"/", issuer.Client()), "one")
}

// Real key sets hold more than what signs tokens.
func TestOddKeysBesideGoodOnes(t *testing.T) {
	good, err := json.Marshal(publicKey(t, "good"))
	if err != nil {
		t.Fatal(err)
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	careless, err := json.Marshal(namedKey(t, private, "careless", "ES256"))
	if err != nil {
		t.Fatal(err)
	}
	encryption := bytes.Replace(good, []byte(`"kid":"good"`), []byte(`"kid":"encryption","use":"enc"`), 1)
	issuer := startIssuer(t)
	issuer.answerKeys(answersText(200, `{"keys":[
		{"kty":"AKP","kid":"future","alg":"ML-DSA-65","pub":"AAAA"},
		{"kty":"EC","kid":"curve","crv":"unheard-of","x":"AAAA","y":"AAAA"},
		{"kty":"RSA","kid":"half","n":"AQAB"},
		{"kty":"oct","kid":"secret","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ","alg":"HS256"},
		{"kid":"nothing"}, 5, null,
		`+string(encryption)+`,`+string(careless)+`,`+string(good)+`]}`))
	keys, _ := remoteKeys(issuer)
	mustFind(t, keys, "good")
	if key, err := keys.Key(t.Context(), "careless", "ES256"); err != nil {
		t.Errorf("a key published with its private half: %v", err)
	} else if !publicEqual(key, private.Public()) {
		t.Errorf("a key published with its private half is kept as %T", key)
	}
	for _, kid := range []string{"future", "curve", "half", "nothing", "encryption"} {
		mustMiss(t, keys, kid)
	}
	for _, alg := range []string{"HS256", "ES256", "RS256", "none", ""} {
		if key, err := keys.Key(t.Context(), "secret", alg); err == nil {
			t.Errorf("a shared secret serves %s: %T", alg, key)
		}
	}
}

func TestKeyringPick(t *testing.T) {
	ec, other := publicKey(t, "same"), publicKey(t, "")
	edPublic, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ed := namedKey(t, edPublic, "same", "")
	ring := func(keys ...jwk.Key) keyring {
		set := jwk.NewSet()
		for _, key := range keys {
			if err := set.AddKey(key); err != nil {
				t.Fatal(err)
			}
		}
		return newKeyring(set)
	}
	raw := func(key jwk.Key) (public any) {
		if err := key.Raw(&public); err != nil {
			t.Fatal(err)
		}
		return public
	}
	for name, test := range map[string]struct {
		ring    keyring
		id, alg string
		want    jwk.Key
		reason  string
	}{
		"by kid":                {ring(ec, other), "same", "ES256", ec, ""},
		"two kinds of one kid":  {ring(ec, ed), "same", "EdDSA", ed, ""},
		"the other of them":     {ring(ec, ed), "same", "ES256", ec, ""},
		"no kid, one that fits": {ring(ec, ed), "", "EdDSA", ed, ""},
		"no kid, two that fit":  {ring(ec, other), "", "ES256", nil, "names no key (kid) and 2 of the issuer's keys fit"},
		"no kid, none that fit": {ring(ec), "", "RS256", nil, "names no key (kid) and 0 of the issuer's keys fit"},
		"wrong curve":           {ring(ec), "same", "ES384", nil, `the key "same" is a EC key for ES256, the token uses ES384`},
		"wrong kind":            {ring(ed), "same", "RS256", nil, "for no stated algorithm, the token uses RS256"},
		"shared secret":         {ring(ec), "same", "HS256", nil, "the token uses HS256"},
		"unsigned":              {ring(ec), "same", "none", nil, "the token uses none"},
		"unknown":               {ring(ec), "x", "ES256", nil, "is not among the issuer's (same)"},
	} {
		key, err := test.ring.pick(test.id, test.alg)
		switch {
		case test.want != nil && (err != nil || !publicEqual(key, raw(test.want).(crypto.PublicKey))):
			t.Errorf("%s: %v, %v", name, key, err)
		case test.want == nil && (err == nil || key != nil || !strings.Contains(err.Error(), test.reason)):
			t.Errorf("%s: %v, %v; want %q", name, key, err, test.reason)
		}
	}
}

func TestOwnKeysFollowTheProvider(t *testing.T) {
	set := jwk.NewSet()
	if err := set.AddKey(publicKey(t, "one")); err != nil {
		t.Fatal(err)
	}
	var current atomic.Pointer[jwk.Set]
	current.Store(&set)
	keys := NewOwnKeys(func() jwk.Set { return *current.Load() })
	if _, err := keys.Key(t.Context(), "one", "ES256"); err != nil {
		t.Fatal(err)
	}
	next := jwk.NewSet()
	if err := next.AddKey(publicKey(t, "two")); err != nil {
		t.Fatal(err)
	}
	current.Store(&next)
	if _, err := keys.Key(t.Context(), "two", "ES256"); err != nil {
		t.Errorf("the new key: %v", err)
	}
	if _, err := keys.Key(t.Context(), "one", "ES256"); err == nil {
		t.Error("the old key is still good")
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 50 {
				current.Store(&set)
				_, _ = keys.Key(t.Context(), "one", "ES256")
				current.Store(&next)
			}
		})
	}
	group.Wait()
	if _, err := keys.Key(t.Context(), "two", "ES256"); err != nil {
		t.Errorf("after many changes: %v", err)
	}
}
