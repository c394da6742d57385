package store_test

import (
	"sync"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/server/store"
)

var moment = time.Date(2031, 3, 4, 5, 6, 7, 0, time.FixedZone("CET", 3600))

// near says whether a running clock shows a time that it was just set to. The
// tolerance is for a machine under load; a wrong clock is off by years here.
func near(got, want time.Time) bool { return got.Sub(want).Abs() < time.Hour }

func TestClockFollowsTheMachine(t *testing.T) {
	c := store.NewClock()
	before := time.Now()
	got := c.Now()
	if got.Before(before) || got.After(time.Now()) {
		t.Errorf("a new clock shows %s at %s", got, before)
	}
	if got.Location() != time.UTC {
		t.Errorf("the time is in %s, want UTC", got.Location())
	}
}

func TestClockSet(t *testing.T) {
	c := store.NewClock()
	c.Set(moment)
	first := c.Now()
	if !near(first, moment) || first.Before(moment) {
		t.Errorf("set to %s, shows %s", moment, first)
	}
	if c.Frozen() {
		t.Error("setting froze the clock")
	}
	runs(t, c)
	if first.Location() != time.UTC {
		t.Errorf("the time is in %s, want UTC", first.Location())
	}
	c.Freeze()
	c.Set(moment)
	stands(t, c, moment)
}

// runs waits until the clock has gone on; it never does so backwards.
func runs(t *testing.T, c *store.Clock) {
	t.Helper()
	first := c.Now()
	deadline := time.Now().Add(10 * time.Second)
	for {
		if now := c.Now(); now.After(first) {
			return
		} else if now.Before(first) {
			t.Fatalf("the clock went back from %s to %s", first, now)
		}
		if time.Now().After(deadline) {
			t.Fatal("the clock stands")
		}
	}
}

func stands(t *testing.T, c *store.Clock, at time.Time) {
	t.Helper()
	if !c.Frozen() {
		t.Error("the clock is not frozen")
	}
	for range 3 {
		if got := c.Now(); !got.Equal(at) {
			t.Errorf("the frozen clock shows %s, want %s", got, at)
		}
	}
	if got := c.Now(); got.Location() != time.UTC {
		t.Errorf("the frozen time is in %s, want UTC", got.Location())
	}
}

func TestClockFreezeAndRun(t *testing.T) {
	c := store.NewClock()
	c.Set(moment)
	c.Freeze()
	at := c.Now()
	stands(t, c, at)
	c.Freeze()
	stands(t, c, at)
	c.Run()
	if c.Frozen() {
		t.Error("the clock is still frozen")
	}
	if got := c.Now(); !near(got, at) || got.Before(at) {
		t.Errorf("it ran on from %s, want from %s", got, at)
	}
	runs(t, c)
	c.Run() // no effect on a clock that runs
	if got := c.Now(); !near(got, at) {
		t.Errorf("running a running clock moved it to %s", got)
	}
}

func TestClockAdvance(t *testing.T) {
	c := store.NewClock()
	c.Set(moment)
	c.Freeze()
	at := c.Now()
	c.Advance(36 * time.Hour)
	stands(t, c, at.Add(36*time.Hour))
	c.Advance(-48 * time.Hour)
	stands(t, c, at.Add(-12*time.Hour))
	c.Run()
	c.Advance(1000 * time.Hour)
	c.Advance(1000 * time.Hour)
	if got, want := c.Now(), at.Add(1988*time.Hour); !near(got, want) {
		t.Errorf("a running clock shows %s, want %s", got, want)
	}
}

func TestClockReset(t *testing.T) {
	for name, disturb := range map[string]func(*store.Clock){
		"set":            func(c *store.Clock) { c.Set(moment) },
		"frozen":         func(c *store.Clock) { c.Set(moment); c.Freeze() },
		"advanced":       func(c *store.Clock) { c.Advance(time.Hour * 999) },
		"frozen and run": func(c *store.Clock) { c.Freeze(); c.Advance(time.Hour * 999); c.Run() },
	} {
		c := store.NewClock()
		disturb(c)
		c.Reset()
		if got := c.Now(); !near(got, time.Now()) || c.Frozen() {
			t.Errorf("%s: after reset it shows %s (frozen: %t)", name, got, c.Frozen())
		}
	}
}

// A clock may be set further away than a Duration can say (292 years).
func TestClockFarTimes(t *testing.T) {
	for _, at := range []time.Time{
		time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC),
		time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC),
	} {
		c := store.NewClock()
		c.Set(at)
		if got := c.Now(); !near(got, at) {
			t.Errorf("set to %s, shows %s", at, got)
		}
		c.Freeze()
		c.Set(at)
		stands(t, c, at)
		c.Run()
		if got := c.Now(); !near(got, at) {
			t.Errorf("let run from %s, shows %s", at, got)
		}
		c.Advance(24 * time.Hour)
		if got, want := c.Now(), at.Add(24*time.Hour); !near(got, want) {
			t.Errorf("advanced by a day from %s, shows %s", at, got)
		}
		w := store.New()
		update(t, w, func(tx *store.Tx) error { return tx.SetEpoch(at) })
		if got := w.View().Epoch(); !got.Equal(at) {
			t.Errorf("epoch %s, want %s", got, at)
		}
	}
}

// A transaction's time is what the API shows as a date: whole milliseconds.
func TestUpdateReadsTheWorldsClock(t *testing.T) {
	w := store.New()
	w.Clock.Freeze()
	w.Clock.Set(moment.Add(123456789 * time.Nanosecond))
	update(t, w, func(tx *store.Tx) error {
		if want := moment.Add(123 * time.Millisecond); !tx.Now().Equal(want) {
			t.Errorf("the change's time is %s, want %s", tx.Now(), want)
		}
		return tx.SetEpoch(tx.Now())
	})
	if got, want := w.View().Epoch(), moment.Add(123*time.Millisecond); !got.Equal(want) {
		t.Errorf("epoch %s, want %s", got, want)
	}
}

// The race detector is the judge here; the test itself asks only that nothing
// but sensible times are ever seen.
func TestClockConcurrently(t *testing.T) {
	c := store.NewClock()
	steps := []func(){
		func() { c.Set(moment) }, c.Freeze, c.Run, func() { c.Advance(time.Second) }, c.Reset,
		func() { c.Frozen() },
		func() {
			if now := c.Now(); !near(now, moment) && !near(now, time.Now()) {
				t.Errorf("saw %s", now)
			}
		},
	}
	var group sync.WaitGroup
	for _, step := range steps {
		group.Go(func() {
			for range 200 {
				step()
			}
		})
	}
	group.Wait()
}
