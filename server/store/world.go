// Package store keeps a world: everything the emulator knows at one moment,
// in an immutable tree, so that a snapshot costs nothing, a reset is a pointer
// swap and a fork shares what it does not change.
package store

import (
	"fmt"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-memdb"

	"github.com/mockduktor/mockduktor/server/limits"
)

// World is the state of one Console and its identity provider, with their
// clock. Safe for concurrent use: readers never wait, writers take turns.
type World struct {
	Clock *Clock

	db   atomic.Pointer[memdb.MemDB]
	seed atomic.Pointer[memdb.MemDB]

	// mu is held while more than one of them changes or is looked at.
	mu        sync.Mutex
	snapshots map[string]*memdb.MemDB
	limits    *limits.Limits // nil: nothing is bounded

	changed func() // see Notify; nil: nobody
}

// Notify calls changed after every change of the world, its snapshots and its
// clock, possibly on several goroutines at once; it must not wait. Worlds forked
// of this one do not call it. It is for before the world is shared.
func (w *World) Notify(changed func()) { w.changed, w.Clock.changed = changed, changed }

func (w *World) notify() {
	if w.changed != nil {
		w.changed()
	}
}

// versions are unique over all worlds of the process, so that a cache keyed by
// one holds its value across reset, restore and fork.
var versions atomic.Uint64

// New returns an empty world with its own running clock.
func New() *World { return NewAt(NewClock()) }

// NewAt returns an empty world by a clock that there is already.
func NewAt(clock *Clock) *World {
	db, err := memdb.NewMemDB(schema())
	if err != nil {
		panic(fmt.Sprintf("store: schema: %v", err)) // the schema is a constant
	}
	return newWorld(db, db.Snapshot(), clock)
}

func newWorld(db, seed *memdb.MemDB, clock *Clock) *World {
	w := &World{Clock: clock, snapshots: map[string]*memdb.MemDB{}}
	w.db.Store(db)
	w.seed.Store(seed)
	return w
}

// View returns a read-only transaction over the world as it is now; it sees no
// later change and needs no closing.
func (w *World) View() *Tx {
	return &Tx{txn: w.db.Load().Txn(false)}
}

// Update runs fn in one write transaction. When fn returns an error, nothing
// is changed and the error is returned as it is.
func (w *World) Update(fn func(tx *Tx) error) error {
	txn := w.db.Load().Txn(true)
	defer txn.Abort() // no effect after Commit; releases the writer on panic
	tx := &Tx{txn: txn, now: w.Clock.Now().Truncate(time.Millisecond), limits: w.limits}
	if err := fn(tx); err != nil {
		return err
	}
	if err := tx.finish(); err != nil {
		return err
	}
	txn.Commit()
	w.notify()
	return nil
}

// KeepAsSeed makes the present state the one that Reset returns to.
func (w *World) KeepAsSeed() {
	w.seed.Store(w.db.Load().Snapshot())
	w.notify()
}

// SeedFrom makes the seed of another world what Reset returns to; the present
// state stays.
func (w *World) SeedFrom(other *World) {
	w.seed.Store(other.seed.Load())
	w.notify()
}

// Replace makes the state and the seed of another world those of this one. The
// clock and the named snapshots are left as they are; so is the other world.
func (w *World) Replace(other *World) {
	defer w.notify()
	w.mu.Lock()
	defer w.mu.Unlock()
	seed := other.seed.Load()
	w.seed.Store(seed)
	w.db.Store(other.db.Load().Snapshot())
}

// Reset returns the world to its seed. The clock is left as it is.
func (w *World) Reset() {
	w.db.Store(w.seed.Load().Snapshot())
	w.notify()
}

// ResetAll is Reset, and the clock shows the machine's time: in one step for
// whoever looks by Picture.
func (w *World) ResetAll() {
	defer w.notify()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.db.Store(w.seed.Load().Snapshot())
	w.Clock.Reset()
}

// Limit bounds what clients can put into the world and into its copies. It is
// called before the first record is put; without it nothing is bounded.
func (w *World) Limit(l limits.Limits) {
	l = l.Or()
	w.limits = &l
}

// Snapshot keeps the present state under a name, replacing an older one; a
// *FullError if there are as many others as there may be.
func (w *World) Snapshot(name string) error {
	defer w.notify()
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.snapshots[name]; !known && w.limits != nil && len(w.snapshots) >= w.limits.Snapshots {
		return &FullError{"snapshots", w.limits.Snapshots}
	}
	w.snapshots[name] = w.db.Load().Snapshot()
	return nil
}

// Restore returns to the state kept under a name; ErrNotFound if there is none.
func (w *World) Restore(name string) error {
	defer w.notify()
	w.mu.Lock()
	defer w.mu.Unlock()
	kept, ok := w.snapshots[name]
	if !ok {
		return fmt.Errorf("snapshot %q: %w", name, ErrNotFound)
	}
	w.db.Store(kept.Snapshot())
	return nil
}

// DropSnapshot forgets the state kept under a name; ErrNotFound if there is none.
func (w *World) DropSnapshot(name string) error {
	defer w.notify()
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.snapshots[name]; !ok {
		return fmt.Errorf("snapshot %q: %w", name, ErrNotFound)
	}
	delete(w.snapshots, name)
	return nil
}

// Snapshots returns the names of the kept states, sorted.
func (w *World) Snapshots() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	names := make([]string, 0, len(w.snapshots))
	for name := range w.snapshots {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Fork returns a new world that starts as this one's seed does, with a clock
// of its own; the two share what neither has changed.
func (w *World) Fork() *World {
	seed := w.seed.Load()
	return w.like(newWorld(seed.Snapshot(), seed, NewClock()))
}

// like gives another world the limits of this one.
func (w *World) like(other *World) *World {
	other.limits = w.limits
	return other
}

// ForkSnapshot is Fork from the state kept under a name, which is also what the
// new world resets to; ErrNotFound if there is none.
func (w *World) ForkSnapshot(name string) (*World, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	kept, ok := w.snapshots[name]
	if !ok {
		return nil, fmt.Errorf("snapshot %q: %w", name, ErrNotFound)
	}
	return w.like(newWorld(kept.Snapshot(), kept, NewClock())), nil
}
