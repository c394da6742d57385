package store

import (
	"sync"
	"time"
)

// Clock is the one source of time of a world: issuing, validating, sessions,
// the journal and the Console's timestamps read it. It follows the machine's
// clock until a test sets, freezes or advances it. Safe for concurrent use.
type Clock struct {
	mu sync.RWMutex
	// What the clock showed at a time of the machine; both zero while it shows
	// the machine's. Two times and no offset: a Duration ends at 292 years.
	shown, mark time.Time
	frozen      time.Time // the standing time; zero while running

	changed func() // see World.Notify; nil: nobody
}

// NewClock returns a clock that follows the machine's.
func NewClock() *Clock { return &Clock{} }

// Now returns the world's time in UTC.
func (c *Clock) Now() time.Time {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.now()
}

func (c *Clock) now() time.Time {
	if !c.frozen.IsZero() {
		return c.frozen
	}
	if c.mark.IsZero() {
		return time.Now().UTC()
	}
	return c.shown.Add(time.Since(c.mark)).UTC()
}

// runFrom makes the clock show t and go on from there.
func (c *Clock) runFrom(t time.Time) {
	// Without monotonic readings the clock goes on while the machine sleeps, as
	// the machine's own does.
	c.shown, c.mark = t.Round(0), time.Now().Round(0)
}

// Set moves the clock to t; it keeps running or standing as it was.
func (c *Clock) Set(t time.Time) { c.Change(&t, nil) }

// Freeze stops the clock at its present time.
func (c *Clock) Freeze() { freeze := true; c.Change(nil, &freeze) }

// Run lets a frozen clock go on from the time it shows.
func (c *Clock) Run() { freeze := false; c.Change(nil, &freeze) }

// Change moves the clock to a time and freezes it or lets it run, in one step,
// so that a clock set and frozen stands at that very time. Nil leaves as it is.
func (c *Clock) Change(to *time.Time, freeze *bool) {
	defer c.notify()
	c.mu.Lock()
	defer c.mu.Unlock()
	at, frozen := c.now(), !c.frozen.IsZero()
	if to != nil {
		at = to.UTC()
	}
	if freeze != nil {
		frozen = *freeze
	}
	switch {
	case frozen:
		c.frozen = at
	case to != nil || !c.frozen.IsZero():
		c.frozen = time.Time{}
		c.runFrom(at)
	}
}

// Advance moves the clock by d, which may be negative.
func (c *Clock) Advance(d time.Duration) {
	defer c.notify()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.frozen.IsZero() {
		c.frozen = c.frozen.Add(d)
		return
	}
	c.runFrom(c.now().Add(d))
}

// Reset returns the clock to the machine's time.
func (c *Clock) Reset() { c.SetReading(Reading{}) }

// Reading is how a clock goes; the zero value is the machine's time.
type Reading struct {
	// Shown is what the clock showed when the machine's showed Mark.
	Shown time.Time `json:"shown,omitzero"`
	Mark  time.Time `json:"mark,omitzero"`
	// Frozen is the time at which the clock stands; zero while it runs.
	Frozen time.Time `json:"frozen,omitzero"`
}

// Reading tells how the clock goes, so that SetReading lets another one, in
// another process too, show the same.
func (c *Clock) Reading() Reading {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return Reading{c.shown, c.mark, c.frozen}
}

// SetReading lets the clock go as a reading tells.
func (c *Clock) SetReading(r Reading) {
	defer c.notify()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shown, c.mark, c.frozen = r.Shown, r.Mark, r.Frozen
}

func (c *Clock) notify() {
	if c.changed != nil {
		c.changed()
	}
}

// Frozen says whether the clock stands.
func (c *Clock) Frozen() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return !c.frozen.IsZero()
}
