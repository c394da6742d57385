package store

// Picture is a world at one moment. What it holds never changes.
type Picture struct {
	Seed, Present *Tx
	Snapshots     map[string]*Tx
	Clock         Reading
}

// Picture takes a picture of the world. It costs next to nothing however large
// the world is.
func (w *World) Picture() Picture {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := Picture{
		Seed: &Tx{txn: w.seed.Load().Txn(false)}, Present: &Tx{txn: w.db.Load().Txn(false)},
		Snapshots: make(map[string]*Tx, len(w.snapshots)), Clock: w.Clock.Reading(),
	}
	for name, kept := range w.snapshots {
		p.Snapshots[name] = &Tx{txn: kept.Txn(false)}
	}
	return p
}
