package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"golang.org/x/sync/singleflight"
)

// OwnKeys serves the keys of the built-in identity provider, without a request.
type OwnKeys struct {
	current func() jwk.Set
	mu      sync.RWMutex
	set     jwk.Set
	ring    keyring
}

// NewOwnKeys returns the keys that current gives; they are made ready anew
// whenever it gives another set.
func NewOwnKeys(current func() jwk.Set) *OwnKeys { return &OwnKeys{current: current} }

// Key implements Keys.
func (o *OwnKeys) Key(_ context.Context, id, alg string) (any, error) {
	set := o.current()
	o.mu.RLock()
	ring, fresh := o.ring, o.set == set
	o.mu.RUnlock()
	if !fresh {
		ring = newKeyring(set)
		o.mu.Lock()
		o.set, o.ring = set, ring
		o.mu.Unlock()
	}
	return ring.pick(id, alg)
}

// RemoteKeys serves the keys of any issuer: found by discovery at first use,
// kept, and fetched anew when a token names an unknown key or they have aged.
type RemoteKeys struct {
	Issuer string
	Client *http.Client
	// Now is the clock by which fetches are spaced.
	Now func() time.Time
	// Timeout bounds each of the two requests that a fetch takes, Wait how long
	// one caller waits for them; 0: as long as they take.
	Timeout, Wait time.Duration

	fetches singleflight.Group
	mu      sync.RWMutex
	ring    keyring // nil until a fetch has succeeded
	tried   time.Time
	failure error // of the last fetch

	// One window of refetchGap: when it began, the fetches in it, and the kids
	// that these did not bring.
	window  time.Time
	count   int
	missing []string
}

const (
	// refetchGap spaces fetches for unknown keys: without it every forged token
	// would cost the issuer a request.
	refetchGap = time.Second
	// maxFetches is how many of them one gap sees: a new key is found at once,
	// even just after somebody came with a wrong one.
	maxFetches = 8
	// maxAge is how long a key may be used that its issuer has withdrawn.
	maxAge = 5 * time.Minute
	// maxDocument bounds what is read of a discovery document or key set, in bytes.
	maxDocument = 1 << 20
	// issuerTimeout is the default of RemoteKeys.Timeout.
	issuerTimeout = 10 * time.Second
)

// NewRemoteKeys returns the keys of an issuer, fetched when first needed.
func NewRemoteKeys(issuer string, client *http.Client) *RemoteKeys {
	// A redirect could lead anywhere on the networks that this machine sees.
	direct := *client
	direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &RemoteKeys{Issuer: issuer, Client: &direct, Now: time.Now, Timeout: issuerTimeout}
}

// Key implements Keys. It waits for the issuer no longer than ctx and twice
// Timeout, and not at all for a key that it has.
func (r *RemoteKeys) Key(ctx context.Context, id, alg string) (any, error) {
	now := r.Now()
	r.mu.RLock()
	ring, aged := r.ring, now.Sub(r.tried) >= maxAge
	spaced := now.Sub(r.window) < refetchGap && slices.Contains(r.missing, id)
	r.mu.RUnlock()
	var unknown errUnknownKey
	if ring != nil {
		key, err := ring.pick(id, alg)
		if !errors.As(err, &unknown) {
			if aged {
				r.refetch(ctx) // not waited for: an issuer that is down must not hold up who has a good token
			}
			return key, err
		}
		if spaced {
			return nil, err
		}
	}
	if r.Wait > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, r.Wait, fmt.Errorf("no answer within %s (start the server with --timeout handler=DURATION to wait longer)", r.Wait))
		defer stop()
	}
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("keys of issuer %s: %w", r.Issuer, context.Cause(ctx))
	case fetched := <-r.refetch(ctx):
		if fetched.Err != nil {
			return nil, fetched.Err
		}
		ring = fetched.Val.(keyring)
	}
	key, err := ring.pick(id, alg)
	if errors.As(err, &unknown) {
		r.mu.Lock()
		// Many may have waited for one fetch; what is not noted costs one of maxFetches.
		if len(r.missing) < 8*maxFetches && !slices.Contains(r.missing, id) {
			r.missing = append(r.missing, id)
		}
		r.mu.Unlock()
	}
	return key, err
}

// refetch fetches the keys, unless the gap has seen enough fetches: then what
// the last one brought must do. One fetch serves all who ask meanwhile, so it
// does not end with the request of the first.
func (r *RemoteKeys) refetch(ctx context.Context) <-chan singleflight.Result {
	ctx = context.WithoutCancel(ctx)
	return r.fetches.DoChan("", func() (any, error) {
		now := r.Now()
		r.mu.Lock()
		if now.Sub(r.window) >= refetchGap {
			r.window, r.count, r.missing = now, 0, nil
		}
		r.count++
		ring, failure, enough := r.ring, r.failure, r.count > maxFetches
		r.mu.Unlock()
		if enough {
			if ring == nil {
				return nil, failure
			}
			return ring, nil
		}
		fresh, err := r.fetch(ctx)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.tried, r.failure = now, err
		if err != nil {
			return nil, err
		}
		r.ring = fresh
		return fresh, nil
	})
}

func (r *RemoteKeys) fetch(ctx context.Context) (keyring, error) {
	var document struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	// OpenID Connect Discovery 1.0, section 4.1: a slash at the issuer's end goes first.
	address := strings.TrimSuffix(r.Issuer, "/") + "/.well-known/openid-configuration"
	body, err := r.get(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("discovery of issuer %s: %w", r.Issuer, err)
	}
	if err := json.Unmarshal(body, &document); err != nil {
		return nil, fmt.Errorf("discovery of issuer %s: %s is no discovery document: %w", r.Issuer, address, err)
	}
	if document.Issuer != r.Issuer {
		return nil, fmt.Errorf("discovery of issuer %s: the document names the issuer %q; set CDK_SSO_JWTAUTH_ISSUER to that", r.Issuer, document.Issuer)
	}
	if document.JWKSURI == "" {
		return nil, fmt.Errorf("discovery of issuer %s: the document has no jwks_uri", r.Issuer)
	}
	if err := keyAddress(r.Issuer, document.JWKSURI); err != nil {
		return nil, fmt.Errorf("discovery of issuer %s: the jwks_uri %q %w", r.Issuer, document.JWKSURI, err)
	}
	body, err = r.get(ctx, document.JWKSURI)
	if err != nil {
		return nil, fmt.Errorf("keys of issuer %s: %w", r.Issuer, err)
	}
	// RFC 7517, section 5: keys that are not understood are passed over.
	set, err := jwk.Parse(body, jwk.WithIgnoreParseError(true))
	if err != nil {
		return nil, fmt.Errorf("keys of issuer %s: %s is no key set: %w", r.Issuer, document.JWKSURI, err)
	}
	return newKeyring(set), nil
}

// keyAddress holds the address of the keys to the web, and an issuer with TLS to
// keys with TLS.
func keyAddress(issuer, address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return errors.New("is no http or https address")
	case u.Scheme == "http" && strings.HasPrefix(issuer, "https:"):
		return errors.New("has no TLS, while the issuer has")
	}
	return nil
}

func (r *RemoteKeys) get(ctx context.Context, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	response, err := r.Client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if to := response.Header.Get("Location"); response.StatusCode/100 == 3 && to != "" {
		return nil, fmt.Errorf("%s answered %s to %q, and redirects are not followed: set CDK_SSO_JWTAUTH_ISSUER to the issuer's own address", address, response.Status, to)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", address, response.Status)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	if len(body) > maxDocument {
		return nil, fmt.Errorf("%s is longer than %d bytes", address, maxDocument)
	}
	return body, nil
}
