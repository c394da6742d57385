package server

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// signingKeys are the keys of one state of a world. The public set is one value
// for as long as they are in force, which is how the Console tells that nothing
// has changed.
type signingKeys struct {
	from   []*store.Resource
	keys   *idp.Keys
	public jwk.Set
	set    bool // by SetKeys: they are not the world's
}

// keysOf makes the keys of a world ready.
func keysOf(tx *store.Tx) (*signingKeys, error) {
	from := kinds.SigningKeys(tx)
	list := make([]idp.SigningKey, len(from))
	for i, resource := range from {
		list[i] = resource.Value.(*kinds.SigningKey).SigningKey
	}
	return readyKeys(from, list)
}

func readyKeys(from []*store.Resource, list []idp.SigningKey) (*signingKeys, error) {
	keys, err := idp.NewKeys(list)
	if err != nil {
		return nil, &kinds.Error{Code: kinds.Conflict, Message: err.Error()}
	}
	return &signingKeys{from: from, keys: keys, public: keys.Public()}, nil
}

// secret is what codes, sessions and opaque tokens are derived from. It comes of
// the first key, so that whoever starts with the same keys can read the opaque
// and encrypted access tokens of before as well as the signed ones; a rotation
// leaves it as it is. With random keys it is random too (nil).
//
// The world itself is in memory: unless a state file keeps it (Config.State), what
// is there ends with the process, whatever the keys. That is authorization codes, refresh tokens, sign-ins,
// device codes, pushed requests, clients that registered themselves, and the
// note that a token was revoked.
func (s *signingKeys) secret(random bool) ([]byte, error) {
	if random {
		return nil, nil
	}
	return s.from[0].Value.(*kinds.SigningKey).Secret()
}

// signing holds the keys in force.
type signing struct {
	mu      sync.Mutex // taken to change them
	current atomic.Pointer[signingKeys]
}

func (s *signing) all() *idp.Keys  { return s.current.Load().keys }
func (s *signing) public() jwk.Set { return s.current.Load().public }

// SetKeys puts other keys in force than those of the world, until the world's
// change or SyncKeys is called: the Console sees the new set at once, as it does after a refetch.
func (p *Pair) SetKeys(keys *idp.Keys) {
	p.keys.mu.Lock()
	defer p.keys.mu.Unlock()
	p.setKeys(&signingKeys{from: p.keys.current.Load().from, keys: keys, public: keys.Public(), set: true})
}

func (p *Pair) setKeys(keys *signingKeys) {
	p.keys.current.Store(keys)
	p.Provider.SetKeys(keys.keys)
}

// Update changes the world in one transaction, as World.Update does, and puts
// its signing keys in force. Keys that could not sign are a *kinds.Error, and
// then nothing changes.
func (p *Pair) Update(change func(tx *store.Tx) error) error {
	err := p.World.Update(func(tx *store.Tx) error {
		if err := change(tx); err != nil {
			return err
		}
		if slices.Equal(p.keys.current.Load().from, kinds.SigningKeys(tx)) {
			return nil
		}
		_, err := keysOf(tx)
		return err
	})
	if err != nil {
		return err
	}
	return p.followKeys(false)
}

// SyncKeys puts the signing keys of the world in force after its state was
// replaced (World.Reset, Restore, Replace). It costs nothing when they are.
func (p *Pair) SyncKeys() error { return p.followKeys(true) }

// followKeys puts the world's keys in force; unless whole, keys of SetKeys stay
// until the world's are others than those that they replaced.
func (p *Pair) followKeys(whole bool) error {
	p.keys.mu.Lock()
	defer p.keys.mu.Unlock()
	tx, present := p.World.View(), p.keys.current.Load()
	if !(whole && present.set) && slices.Equal(present.from, kinds.SigningKeys(tx)) {
		return nil
	}
	keys, err := keysOf(tx)
	if err != nil {
		return err
	}
	p.setKeys(keys)
	return nil
}

// randomKeys puts a fresh key in the place of every one of the world.
func randomKeys(world *store.World, engine *kinds.Engine) error {
	return world.Update(func(tx *store.Tx) error {
		for _, resource := range kinds.SigningKeys(tx) {
			object, err := kinds.NewSigningKey(resource.Name, resource.Value.(*kinds.SigningKey).Alg)
			if err != nil {
				return err
			}
			if _, err := apply(tx, engine, object); err != nil {
				return err
			}
		}
		return nil
	})
}
