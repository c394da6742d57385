package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
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
// kept, and fetched anew when a token names an unknown key.
type RemoteKeys struct {
	Issuer string
	Client *http.Client
	// Now is the clock by which refetches are spaced.
	Now func() time.Time

	fetches singleflight.Group
	mu      sync.RWMutex
	ring    keyring
	fetched time.Time
	missing []string // kids that the last fetches did not bring
}

// refetchGap spaces fetches for the same unknown key: without it every forged
// token would cost the issuer a request.
const refetchGap = time.Second

// maxMissing bounds how many unknown kids are remembered.
const maxMissing = 64

// maxDocument bounds what is read of a discovery document or key set, in bytes.
const maxDocument = 1 << 20

// NewRemoteKeys returns the keys of an issuer, fetched when first needed.
func NewRemoteKeys(issuer string, client *http.Client) *RemoteKeys {
	return &RemoteKeys{Issuer: issuer, Client: client, Now: time.Now}
}

// Key implements Keys.
func (r *RemoteKeys) Key(ctx context.Context, id, alg string) (any, error) {
	r.mu.RLock()
	ring := r.ring
	spaced := r.Now().Sub(r.fetched) < refetchGap && slices.Contains(r.missing, id)
	r.mu.RUnlock()
	if ring != nil {
		key, err := ring.pick(id, alg)
		var unknown errUnknownKey
		if !errors.As(err, &unknown) || spaced {
			return key, err
		}
	}
	ring, err := r.refetch(ctx)
	if err != nil {
		return nil, err
	}
	key, err := ring.pick(id, alg)
	var unknown errUnknownKey
	if errors.As(err, &unknown) {
		r.mu.Lock()
		if len(r.missing) >= maxMissing {
			r.missing = nil
		}
		r.missing = append(r.missing, id)
		r.mu.Unlock()
	}
	return key, err
}

func (r *RemoteKeys) refetch(ctx context.Context) (keyring, error) {
	// One fetch serves all who wait; it must not end with the first caller's request.
	ring, err, _ := r.fetches.Do("", func() (any, error) { return r.fetch(context.WithoutCancel(ctx)) })
	if err != nil {
		return nil, err
	}
	return ring.(keyring), nil
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
		return nil, fmt.Errorf("discovery of issuer %s: %s is not JSON: %w", r.Issuer, address, err)
	}
	if document.Issuer != r.Issuer {
		return nil, fmt.Errorf("discovery of issuer %s: the document names the issuer %q; set CDK_SSO_JWTAUTH_ISSUER to that", r.Issuer, document.Issuer)
	}
	if document.JWKSURI == "" {
		return nil, fmt.Errorf("discovery of issuer %s: the document has no jwks_uri", r.Issuer)
	}
	body, err = r.get(ctx, document.JWKSURI)
	if err != nil {
		return nil, fmt.Errorf("keys of issuer %s: %w", r.Issuer, err)
	}
	set, err := jwk.Parse(body)
	if err != nil {
		return nil, fmt.Errorf("keys of issuer %s: %s is no key set: %w", r.Issuer, document.JWKSURI, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Now().Sub(r.fetched) >= refetchGap {
		r.missing = nil
	}
	r.ring, r.fetched = newKeyring(set), r.Now()
	return r.ring, nil
}

func (r *RemoteKeys) get(ctx context.Context, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	response, err := r.Client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxDocument))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", address, response.Status)
	}
	return body, nil
}
