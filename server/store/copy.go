package store

// Copy returns a new world that starts as this one is now, with a clock that
// stands at this one's time. It resets to the same seed. The two share what
// neither has changed: whatever is tried in the copy, this world stays as it is.
func (w *World) Copy() *World {
	clock := NewClock()
	clock.frozen = w.Clock.Now()
	return w.like(newWorld(w.db.Load().Snapshot(), w.seed.Load(), clock))
}
