// Package journal keeps the last requests of a site, readable: who asked for
// what, with which token, what was decided and why. Nothing secret gets into
// what it shows.
package journal

import (
	"context"
	"errors"
	"sync"
)

// DefaultSize is how many entries a journal keeps.
const DefaultSize = 1000

// MaxSize bounds how many entries a journal may be told to keep.
const MaxSize = 100_000

// ErrClosed says that the journal's site is no more.
var ErrClosed = errors.New("the journal is closed: its sandbox was deleted or has expired, or the server ends")

// Journal is a ring of entries. Readers have cursors of their own into it, so
// that a slow one costs a request nothing: it misses entries and is told how
// many. Safe for concurrent use.
type Journal struct {
	size    int
	options Options

	mu      sync.Mutex
	ring    []*Entry      // entry seq is at (seq-1) % size; made by the first
	last    uint64        // seq of the newest entry; the first has 1
	floor   uint64        // entries up to here were cleared away
	changed chan struct{} // closed by the next entry; nil while nobody waits
	closed  bool
	bytes   int // about what the entries take

	subscribers int
}

// Subscribe counts somebody in who follows the journal or waits for an entry,
// until leave is called; false when there are as many as there may be.
func (j *Journal) Subscribe(most int) (leave func(), ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.subscribers >= most {
		return nil, false
	}
	j.subscribers++
	return func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.subscribers--
	}, true
}

// Options are what the reading of entries depends on.
type Options struct {
	// OperationID names an operation by its path in the surface's document.
	OperationID func(surface Surface, method, path string) string
	// HasParameter tells whether an operation has a query parameter; what it has
	// not may be anything, a secret too, and is not shown.
	HasParameter func(surface Surface, method, path, name string) bool
	// Bytes bounds what the entries take together: the oldest go first. 0: only
	// their number is bounded.
	Bytes int
	// APIKeyClaim is the claim of tokens that may hold an API key.
	APIKeyClaim string
}

// New returns an empty journal of size entries; with 0 nothing is kept.
func New(size int, options Options) *Journal { return &Journal{size: size, options: options} }

// On tells whether the journal keeps anything.
func (j *Journal) On() bool { return j.size > 0 }

// Size is how many entries are kept at most.
func (j *Journal) Size() int { return j.size }

// Add records one request.
func (j *Journal) Add(facts Facts) {
	if !j.On() {
		return
	}
	entry := &Entry{facts: facts, options: &j.options, size: entryBytes + facts.texts}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return
	}
	if j.ring == nil {
		j.ring = make([]*Entry, j.size)
	}
	j.last++
	entry.seq = j.last
	at := (j.last - 1) % uint64(j.size)
	if old := j.ring[at]; old != nil {
		j.bytes -= old.size
	}
	j.ring[at] = entry
	j.bytes += entry.size
	for oldest := j.oldest(); j.options.Bytes > 0 && j.bytes > j.options.Bytes && oldest < j.last; oldest++ {
		at := (oldest - 1) % uint64(j.size)
		j.bytes -= j.ring[at].size
		j.ring[at], j.floor = nil, oldest
	}
	j.wake()
}

// wake lets everybody look who waits; mu is held.
func (j *Journal) wake() {
	if j.changed != nil {
		close(j.changed)
		j.changed = nil
	}
}

// Last is the seq of the newest entry, 0 before the first. Seqs are never used
// again, also not after Clear.
func (j *Journal) Last() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last
}

// oldest is the seq of the oldest entry kept; mu is held.
func (j *Journal) oldest() uint64 {
	oldest := j.floor + 1
	if size := uint64(j.size); j.last > size {
		oldest = max(oldest, j.last-size+1)
	}
	return oldest
}

// after returns up to limit entries that follow seq, in order, and how many that
// followed are gone; mu is held.
func (j *Journal) after(seq uint64, limit int) (entries []*Entry, gone uint64) {
	from := seq + 1
	if oldest := j.oldest(); from < oldest {
		gone, from = oldest-from, oldest
	}
	for ; from <= j.last && len(entries) < limit; from++ {
		entries = append(entries, j.ring[(from-1)%uint64(j.size)])
	}
	return entries, gone
}

// Entries returns what is kept of the entries that follow seq, in order.
func (j *Journal) Entries(seq uint64) []*Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	entries, _ := j.after(seq, j.size)
	return entries
}

// Entry returns one entry; false if it is not kept.
func (j *Journal) Entry(seq uint64) (*Entry, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if seq < j.oldest() || seq > j.last {
		return nil, false
	}
	return j.ring[(seq-1)%uint64(j.size)], true
}

// Clear forgets all entries.
func (j *Journal) Clear() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ring, j.floor, j.bytes = nil, j.last, 0
}

// Close ends all that wait, with ErrClosed, and records nothing more. What is
// kept can still be read.
func (j *Journal) Close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
	j.wake()
}

// batch bounds how many entries a cursor takes at a time.
const batch = 64

// Next waits for entries that follow seq and returns some of them, in order;
// gone is how many before these were dropped from the ring unread.
func (j *Journal) Next(ctx context.Context, seq uint64) (entries []*Entry, gone uint64, err error) {
	for {
		j.mu.Lock()
		entries, gone = j.after(seq, batch)
		closed := j.closed
		if len(entries) == 0 && !closed && j.changed == nil {
			j.changed = make(chan struct{})
		}
		changed := j.changed
		j.mu.Unlock()
		switch {
		case len(entries) > 0:
			return entries, gone, nil
		case closed:
			return nil, 0, ErrClosed
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
	}
}

// Wait returns the first entry after seq that the filter lets through, at once
// if it is there already.
func (j *Journal) Wait(ctx context.Context, seq uint64, filter Filter) (*Entry, error) {
	for {
		entries, _, err := j.Next(ctx, seq)
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			if filter.Matches(entry) {
				return entry, nil
			}
			seq = entry.seq
		}
	}
}
