package store_test

import (
	"errors"
	"testing"

	"github.com/mockduktor/mockduktor/server/store"
)

func grants(w *store.World) uint64 { return w.View().GrantsVersion() }

func mapping(w *store.World) uint64 { return w.View().MappingVersion() }

func touch(t testing.TB, w *store.World) {
	t.Helper()
	update(t, w, func(tx *store.Tx) error {
		tx.TouchGrants()
		return tx.TouchMapping()
	})
}

func TestGrantsVersionChangesOnlyWithGrants(t *testing.T) {
	w := store.New()
	touch(t, w)
	before := grants(w)
	put(t, w, "a", "1")
	update(t, w, func(tx *store.Tx) error {
		_, err := tx.NextID()
		return errors.Join(err, tx.PutRecord(store.Record{Kind: "session", ID: "x"}), tx.TouchMapping(), tx.SetEpoch(tx.Now()))
	})
	w.Snapshot("s")
	w.KeepAsSeed()
	if err := w.Update(func(tx *store.Tx) error {
		tx.TouchGrants()
		return errors.New("refused")
	}); err == nil {
		t.Fatal("no error")
	}
	if got := grants(w); got != before {
		t.Errorf("the version went from %d to %d without a change of grants", before, got)
	}
	update(t, w, func(tx *store.Tx) error {
		tx.TouchGrants()
		tx.TouchGrants()
		return nil
	})
	if grants(w) == before {
		t.Error("the version did not change with the grants")
	}
}

func TestVersionsComeBackWithTheirState(t *testing.T) {
	w := store.New()
	touch(t, w)
	w.KeepAsSeed()
	seedGrants, seedMapping := grants(w), mapping(w)
	touch(t, w)
	w.Snapshot("s")
	keptGrants, keptMapping := grants(w), mapping(w)
	touch(t, w)
	touch(t, w)
	w.Reset()
	if grants(w) != seedGrants || mapping(w) != seedMapping {
		t.Error("a reset does not bring the seed's versions back")
	}
	if err := w.Restore("s"); err != nil {
		t.Fatal(err)
	}
	if grants(w) != keptGrants || mapping(w) != keptMapping {
		t.Error("a restore does not bring the snapshot's versions back")
	}
	if fork := w.Fork(); grants(fork) != seedGrants || mapping(fork) != seedMapping {
		t.Error("a fork has not the seed's versions")
	}
}

// Equal versions must mean equal grants in any world: a cache is keyed by them.
func TestVersionsAreNeverUsedTwice(t *testing.T) {
	parent := store.New()
	touch(t, parent)
	parent.KeepAsSeed()
	seen := map[uint64]bool{grants(parent): true}
	worlds := []*store.World{parent, parent.Fork(), parent.Fork(), store.New()}
	for range 20 {
		for _, w := range worlds {
			touch(t, w)
			if version := grants(w); seen[version] {
				t.Fatalf("version %d stands for two states", version)
			} else {
				seen[version] = true
			}
		}
		worlds[1].Reset() // what is written after a reset must get a new number too
	}
}

func TestMappingVersion(t *testing.T) {
	w := store.New()
	before := mapping(w)
	update(t, w, func(tx *store.Tx) error {
		if err := tx.TouchMapping(); err != nil {
			return err
		}
		if tx.MappingVersion() == before {
			t.Error("the change itself does not see the new version")
		}
		return nil
	})
	after := mapping(w)
	if after == before {
		t.Error("the version did not change")
	}
	if err := w.Update(func(tx *store.Tx) error { return errors.Join(tx.TouchMapping(), errors.New("refused")) }); err == nil {
		t.Fatal("no error")
	}
	if mapping(w) != after {
		t.Error("a failed change moved the version")
	}
	put(t, w, "a", "1")
	if mapping(w) != after {
		t.Error("another change moved the version")
	}
}

func TestMemo(t *testing.T) {
	w := store.New()
	type key struct{ name string }
	computed := 0
	compute := func() any { computed++; return computed }
	update(t, w, func(tx *store.Tx) error {
		for range 3 {
			if got := tx.Memo(key{"a"}, compute); got != 1 {
				t.Errorf("memo gives %v, want 1", got)
			}
		}
		tx.Forget(key{"a"})
		if got := tx.Memo(key{"a"}, compute); got != 2 {
			t.Errorf("after forgetting it gives %v, want 2", got)
		}
		if got := tx.Memo(key{"b"}, compute); got != 3 {
			t.Errorf("another key gives %v, want 3", got)
		}
		return nil
	})
	update(t, w, func(tx *store.Tx) error {
		if got := tx.Memo(key{"a"}, compute); got != 4 {
			t.Errorf("the next transaction gives %v, want 4", got)
		}
		return nil
	})
}
