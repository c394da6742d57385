package server

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/state"
	"github.com/mockduktor/mockduktor/server/store"
)

// firstPair makes the pair of the main site: out of the state file, if there is
// one, or else of the seed.
func (s *Server) firstPair(config Config, documents []*seed.Document) (*Pair, error) {
	if config.State == "" {
		return NewPair(config, documents)
	}
	engine := NewEngine(config)
	seeded, err := seededWorld(config, engine, documents)
	if err != nil {
		return nil, err
	}
	digest, err := seedDigest(config, documents)
	if err != nil {
		return nil, err
	}
	keeper, world, err := state.Open(config.State, engine, config.Limits, config.Logger)
	if err != nil {
		return nil, err
	}
	s.keeper = keeper
	about, changed := keeper.About(), false
	if world == nil {
		world = seeded
	} else if changed = about.Seed != digest; changed {
		world.SeedFrom(seeded)
	}
	pair, err := keptPair(config, engine, keeper, world)
	if err == nil && changed {
		if config.Watch {
			// As if it had changed while the server ran.
			err = pair.Replace(documents)
			config.Logger.Info("the seed has changed since the state was kept, and was loaded anew", "file", config.State)
		} else {
			warning := "the seed has changed since the state was kept: the state counts; a reset leads to the seed as it is now"
			keeper.Warn(warning)
			config.Logger.Warn(warning, "file", config.State)
		}
	}
	if err != nil {
		return nil, errors.Join(err, s.abandonState())
	}
	keeper.SetSeed(digest)
	return pair, nil
}

// keptPair is a pair over a world that a keeper keeps.
func keptPair(config Config, engine *kinds.Engine, keeper *state.Keeper, world *store.World) (*Pair, error) {
	keys, err := keysOf(world.View())
	if err != nil {
		return nil, err
	}
	secret := keeper.About().Secret
	if len(secret) == 0 {
		if secret, err = keys.secret(config.RandomKeys); err != nil {
			return nil, err
		}
	}
	if len(secret) == 0 {
		// Random as well, but the same for as long as the state is kept.
		secret = make([]byte, sha256.Size)
		rand.Read(secret)
	}
	keeper.SetSecret(secret)
	return pairOver(config, world, engine, keys, secret)
}

// abandonState gives the state file free when a start fails.
func (s *Server) abandonState() error {
	if s.keeper == nil {
		return nil
	}
	return s.keeper.Abandon()
}

// seedDigest changes when what the server was started with does: the documents of
// the seed, the root admin and the mounted signing keys.
func seedDigest(config Config, documents []*seed.Document) (string, error) {
	hash := sha256.New()
	encoder := json.NewEncoder(hash)
	for _, document := range documents {
		if err := encoder.Encode(document.Object); err != nil {
			return "", fmt.Errorf("seed: %w", err)
		}
	}
	fmt.Fprintln(hash, config.Console.AdminEmail, config.RandomKeys)
	for _, file := range config.SigningKeys {
		data, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("--signing-key: %w", err)
		}
		hash.Write(data)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
