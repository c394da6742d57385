package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server/control"
	"github.com/mockduktor/mockduktor/server/kinds"
)

// DefaultWatchEvery is how often watched files are looked at.
const DefaultWatchEvery = 500 * time.Millisecond

// seeds is what the server knows of the files that its world comes from.
type seeds struct {
	mu      sync.Mutex // taken to load
	loaded  time.Time  // by the machine's clock
	stamp   [sha256.Size]byte
	failure error // of the last load; nil if it is the world
}

// watched are the sources that are files or folders.
func watched(sources []string) []string {
	return slices.DeleteFunc(slices.Clone(sources), func(source string) bool {
		return source == "default" || source == "empty" || source == "-"
	})
}

// stamp changes when a file of the sources does: its name, size or time.
func stamp(sources []string) [sha256.Size]byte {
	hash := sha256.New()
	note := func(path string, info fs.FileInfo, err error) {
		if err != nil {
			fmt.Fprintln(hash, path, err)
			return
		}
		fmt.Fprintln(hash, path, info.Size(), info.ModTime().UnixNano())
	}
	for _, source := range watched(sources) {
		info, err := os.Stat(source)
		if err != nil || !info.IsDir() {
			note(source, info, err)
			continue
		}
		_ = filepath.WalkDir(source, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				note(path, nil, err)
			case path != source && strings.HasPrefix(entry.Name(), "."):
				// As for the loader: version control, editors, and a mounted ConfigMap.
				if entry.IsDir() {
					return fs.SkipDir
				}
			case !entry.IsDir():
				info, err := os.Stat(path) // of what a link leads to
				note(path, info, err)
			}
			return nil
		})
	}
	return [sha256.Size]byte(hash.Sum(nil))
}

// watch reloads the seed when its files have changed, once they have been the
// same for two looks: an editor may still be writing at the first.
func (s *Server) watch(ctx context.Context) {
	ticker := time.NewTicker(s.config.WatchEvery)
	defer ticker.Stop()
	last := stamp(s.config.Seeds)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := stamp(s.config.Seeds)
		s.seeds.mu.Lock()
		changed := now != s.seeds.stamp
		s.seeds.mu.Unlock()
		if changed && now == last {
			if _, err := s.Reload(); err != nil {
				s.config.Logger.Error("the seed has changed and has faults: the world stays as it was", "error", err)
			}
		}
		last = now
	}
}

// Reload loads the seed's sources anew and makes them the main world (see
// Pair.Replace); it returns how many documents they hold. What is wrong with
// them is of type seed.Faults, and then the world stays. Sandboxes stay as they
// are.
func (s *Server) Reload() (int, error) {
	s.seeds.mu.Lock()
	defer s.seeds.mu.Unlock()
	if s.config.Documents != nil || slices.Contains(s.config.Seeds, "-") {
		return 0, &kinds.Error{Code: kinds.Conflict, Message: "The seed did not come from files alone: it cannot be read again; send it with PUT /_mock/seed"}
	}
	s.seeds.stamp = stamp(s.config.Seeds)
	documents, err := seed.Load(s.config.Seeds, nil)
	if err == nil {
		err = s.sites.main.Replace(documents)
	}
	if s.seeds.failure = err; err != nil {
		return 0, err
	}
	s.seeds.loaded = time.Now().UTC()
	if s.keeper != nil {
		digest, err := seedDigest(s.config, documents)
		if err != nil {
			return 0, err
		}
		s.keeper.SetSeed(digest)
	}
	s.config.Logger.Info("seed loaded anew", "documents", len(documents), "sources", s.config.Seeds)
	return len(documents), nil
}

// seedState is what the control API shows of the sources.
func (s *Server) seedState() control.SeedState {
	s.seeds.mu.Lock()
	defer s.seeds.mu.Unlock()
	state := control.SeedState{Sources: s.config.Seeds, Watched: s.config.Watch, LoadedAt: s.seeds.loaded}
	if len(state.Sources) == 0 && s.config.Documents == nil {
		state.Sources = []string{"default"}
	}
	if s.seeds.failure != nil {
		var faults seed.Faults
		errors.As(s.seeds.failure, &faults)
		state.Failure, state.Faults = s.seeds.failure.Error(), control.FaultsOf(faults)
	}
	return state
}
