package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mockduktor/mockduktor/server/store"
)

// thing makes a resource of a kind that only these tests know.
func thing(name, value string) *store.Resource {
	return &store.Resource{Kind: "Thing", Version: "v1", Name: name,
		JSON: fmt.Appendf(nil, `{"value":%q}`, value), Refs: []string{store.Ref("value", value)}}
}

func update(t testing.TB, w *store.World, change func(tx *store.Tx) error) {
	t.Helper()
	if err := w.Update(change); err != nil {
		t.Fatalf("update: %v", err)
	}
}

func put(t testing.TB, w *store.World, name, value string) {
	t.Helper()
	update(t, w, func(tx *store.Tx) error { return tx.Put(thing(name, value)) })
}

// contents is all that a view shows of the things, by name.
func contents(t testing.TB, tx *store.Tx) map[string]string {
	t.Helper()
	found := map[string]string{}
	var order []string
	for resource := range tx.Resources("Thing", "v1", nil, "") {
		var shown struct{ Value string }
		if err := json.Unmarshal(resource.JSON, &shown); err != nil {
			t.Fatalf("%s: %v", resource.Name, err)
		}
		found[resource.Name] = shown.Value
		order = append(order, resource.Name)
	}
	if !slices.IsSorted(order) {
		t.Fatalf("the walk is not in name order: %q", order)
	}
	return found
}

func expect(t testing.TB, w *store.World, what string, want map[string]string) {
	t.Helper()
	if got := contents(t, w.View()); !maps.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestViewSeesNoLaterChange(t *testing.T) {
	w := store.New()
	put(t, w, "a", "1")
	before := w.View()
	walk := before.Resources("Thing", "v1", nil, "")
	put(t, w, "a", "2")
	put(t, w, "b", "1")
	w.KeepAsSeed()
	update(t, w, func(tx *store.Tx) error {
		resource, err := tx.Resource("Thing", "v1", nil, "a")
		if err != nil {
			return err
		}
		return tx.Delete(resource)
	})
	for _, reread := range []string{"at first", "again"} {
		if got := contents(t, before); !maps.Equal(got, map[string]string{"a": "1"}) {
			t.Errorf("the old view shows %v %s", got, reread)
		}
		w.Reset()
	}
	for resource := range walk {
		if string(resource.JSON) != `{"value":"1"}` {
			t.Errorf("a walk begun before the change shows %s", resource.JSON)
		}
	}
	if found := slices.Collect(before.Referrers(store.Ref("value", "2"))); len(found) != 0 {
		t.Errorf("the old view finds %d by what they refer to now", len(found))
	}
	if found := slices.Collect(before.Referrers(store.Ref("value", "1"))); len(found) != 1 {
		t.Errorf("the old view finds %d by what they referred to, want 1", len(found))
	}
	expect(t, w, "after reset", map[string]string{"a": "2", "b": "1"})
}

func TestUpdateSeesItsOwnChanges(t *testing.T) {
	w := store.New()
	update(t, w, func(tx *store.Tx) error {
		for _, name := range []string{"b", "a", "ab", "a.b"} {
			if err := tx.Put(thing(name, name)); err != nil {
				return err
			}
		}
		var names []string
		for resource := range tx.Resources("Thing", "v1", nil, "a") {
			names = append(names, resource.Name)
		}
		if want := []string{"a", "a.b", "ab"}; !slices.Equal(names, want) {
			t.Errorf("prefix a inside the change: %q, want %q", names, want)
		}
		if got := contents(t, w.View()); len(got) != 0 {
			t.Errorf("others see %v before the change is committed", got)
		}
		return nil
	})
	expect(t, w, "committed", map[string]string{"a": "a", "ab": "ab", "a.b": "a.b", "b": "b"})
}

func TestUpdateIsAtomic(t *testing.T) {
	errRefused := errors.New("refused")
	change := func(tx *store.Tx) error {
		old, err := tx.Resource("Thing", "v1", nil, "kept")
		if err != nil {
			return err
		}
		if err := errors.Join(tx.Put(thing("new", "1")), tx.Put(thing("kept", "changed")), tx.Delete(old),
			tx.PutRecord(store.Record{Kind: "seen", ID: "new"}), tx.DeleteRecord("seen", "kept"),
			tx.TouchMapping(), tx.SetEpoch(tx.Now())); err != nil {
			return err
		}
		tx.TouchGrants()
		_, err = tx.NextID()
		return err
	}
	for name, end := range map[string]func() error{
		"error": func() error { return fmt.Errorf("wrapped: %w", errRefused) },
		"panic": func() error { panic(errRefused) },
	} {
		t.Run(name, func(t *testing.T) {
			w := store.New()
			put(t, w, "kept", "1")
			update(t, w, func(tx *store.Tx) error {
				tx.TouchGrants()
				return errors.Join(tx.TouchMapping(), tx.PutRecord(store.Record{Kind: "seen", ID: "kept"}))
			})
			before := w.View()
			func() {
				defer func() {
					if cause := recover(); (cause != nil) != (name == "panic") {
						t.Errorf("recovered %v", cause)
					}
				}()
				err := w.Update(func(tx *store.Tx) error {
					if err := change(tx); err != nil {
						t.Errorf("the change itself failed: %v", err)
					}
					return end()
				})
				if !errors.Is(err, errRefused) {
					t.Errorf("update answered %v", err)
				}
			}()
			after := w.View()
			expect(t, w, "things", map[string]string{"kept": "1"})
			if _, err := after.Record("seen", "kept"); err != nil {
				t.Errorf("the record that was there: %v", err)
			}
			if _, err := after.Record("seen", "new"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("the record of the failed change: %v", err)
			}
			if before.GrantsVersion() != after.GrantsVersion() || before.MappingVersion() != after.MappingVersion() || !before.Epoch().Equal(after.Epoch()) {
				t.Error("a number of the world has changed")
			}
			// The writer must be free again, and the sequence without a gap.
			update(t, w, func(tx *store.Tx) error {
				if id, err := tx.NextID(); err != nil || id != 1 {
					t.Errorf("next id %d, %v; want 1", id, err)
				}
				return nil
			})
		})
	}
}

func TestUpdatesTakeTurns(t *testing.T) {
	w := store.New()
	const writers, changes = 8, 50
	var group sync.WaitGroup
	for writer := range writers {
		group.Go(func() {
			for i := range changes {
				if err := w.Update(func(tx *store.Tx) error {
					id, err := tx.NextID()
					if err != nil {
						return err
					}
					return tx.Put(thing(fmt.Sprintf("%04d", id), fmt.Sprint(writer, i)))
				}); err != nil {
					t.Error(err)
				}
				// A reader always finds the ids without a gap.
				view := w.View()
				if got := contents(t, view); len(got) > 0 {
					if _, err := view.Resource("Thing", "v1", nil, fmt.Sprintf("%04d", len(got))); err != nil {
						t.Errorf("%d things, yet the last is not there: %v", len(got), err)
					}
				}
			}
		})
	}
	group.Wait()
	if got := len(contents(t, w.View())); got != writers*changes {
		t.Errorf("%d things, want %d: a change was lost", got, writers*changes)
	}
}

func TestReset(t *testing.T) {
	w := store.New()
	w.Reset()
	expect(t, w, "reset of an empty world", map[string]string{})
	put(t, w, "seeded", "1")
	w.KeepAsSeed()
	for range 2 { // the second time shows that resetting does not wear out the seed
		put(t, w, "seeded", "2")
		put(t, w, "later", "1")
		update(t, w, func(tx *store.Tx) error { return tx.PutRecord(store.Record{Kind: "session", ID: "x"}) })
		w.Reset()
		expect(t, w, "after reset", map[string]string{"seeded": "1"})
		if _, err := w.View().Record("session", "x"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a session outlived the reset: %v", err)
		}
	}
	put(t, w, "later", "1")
	w.KeepAsSeed()
	put(t, w, "later", "2")
	w.Reset()
	expect(t, w, "after a new seed", map[string]string{"seeded": "1", "later": "1"})
}

func TestResetLeavesTheClock(t *testing.T) {
	w := store.New()
	w.Clock.Set(moment)
	w.Clock.Freeze()
	at := w.Clock.Now()
	w.Reset()
	if got := w.Clock.Now(); !got.Equal(at) {
		t.Errorf("reset moved the clock from %s to %s", at, got)
	}
}

func TestNamedSnapshots(t *testing.T) {
	w := store.New()
	put(t, w, "a", "1")
	w.Snapshot("one")
	put(t, w, "a", "2")
	w.Snapshot("two")
	w.Snapshot("")
	put(t, w, "a", "3")
	if got, want := w.Snapshots(), []string{"", "one", "two"}; !slices.Equal(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
	for _, step := range []struct{ restore, want string }{{"one", "1"}, {"two", "2"}, {"one", "1"}, {"", "2"}} {
		if err := w.Restore(step.restore); err != nil {
			t.Fatal(err)
		}
		expect(t, w, "restored "+step.restore, map[string]string{"a": step.want})
		put(t, w, "a", "scratch") // must not reach what is kept
		put(t, w, "b", "scratch")
	}
	if err := w.Restore("one"); err != nil {
		t.Fatal(err)
	}
	w.Reset()
	expect(t, w, "reset after a restore", map[string]string{})
	put(t, w, "a", "4")
	w.Snapshot("one")
	put(t, w, "a", "5")
	if err := w.Restore("one"); err != nil {
		t.Fatal(err)
	}
	expect(t, w, "a name used again", map[string]string{"a": "4"})

	if err := w.DropSnapshot("one"); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"restore dropped": w.Restore("one"), "drop dropped": w.DropSnapshot("one"), "restore unknown": w.Restore("none"),
	} {
		if !errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), `"`) {
			t.Errorf("%s: %v", what, err)
		}
	}
	expect(t, w, "failed restores", map[string]string{"a": "4"})
	if got, want := w.Snapshots(), []string{"", "two"}; !slices.Equal(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
	if forked := w.Fork().Snapshots(); len(forked) != 0 {
		t.Errorf("a fork has the snapshots %q of its parent", forked)
	}
}

func TestForksAreIndependent(t *testing.T) {
	parent := store.New()
	put(t, parent, "a", "seed")
	parent.KeepAsSeed()
	put(t, parent, "a", "parent")
	left, right := parent.Fork(), parent.Fork()
	expect(t, left, "a fork begins as the seed", map[string]string{"a": "seed"})

	put(t, left, "a", "left")
	put(t, left, "l", "1")
	put(t, right, "a", "right")
	put(t, parent, "p", "1")
	expect(t, left, "left", map[string]string{"a": "left", "l": "1"})
	expect(t, right, "right", map[string]string{"a": "right"})
	expect(t, parent, "parent", map[string]string{"a": "parent", "p": "1"})

	// A new seed of the one is not the other's.
	parent.KeepAsSeed()
	left.KeepAsSeed()
	right.Reset()
	expect(t, right, "right after reset", map[string]string{"a": "seed"})
	put(t, left, "l", "2")
	left.Reset()
	expect(t, left, "left after reset", map[string]string{"a": "left", "l": "1"})
	parent.Reset()
	expect(t, parent, "parent after reset", map[string]string{"a": "parent", "p": "1"})
	expect(t, left.Fork(), "fork of a fork", map[string]string{"a": "left", "l": "1"})

	// Ids count on from the seed in each, and the clocks are each its own.
	for _, w := range []*store.World{left, right} {
		update(t, w, func(tx *store.Tx) error {
			if id, err := tx.NextID(); err != nil || id != 1 {
				t.Errorf("next id of a fork %d, %v; want 1", id, err)
			}
			return nil
		})
	}
	left.Clock.Set(moment)
	left.Clock.Freeze()
	if right.Clock.Frozen() || parent.Clock.Frozen() || right.Clock.Now().Equal(left.Clock.Now()) {
		t.Error("the clock of a fork moved another's")
	}
	if left.Fork().Clock.Frozen() {
		t.Error("a fork's clock stands because its parent's does")
	}
}

func TestForksUnderLoad(t *testing.T) {
	parent := store.New()
	for i := range 20 {
		put(t, parent, fmt.Sprintf("seed-%d", i), "seed")
	}
	parent.KeepAsSeed()
	var group sync.WaitGroup
	for worker := range 6 {
		group.Go(func() {
			own := fmt.Sprint(worker)
			for range 20 {
				w := parent.Fork()
				if worker == 0 {
					w = parent // its writes go on while the others fork
				}
				for i := range 20 {
					if err := w.Update(func(tx *store.Tx) error { return tx.Put(thing(fmt.Sprintf("seed-%d", i), own)) }); err != nil {
						t.Error(err)
					}
				}
				for name, value := range contents(t, w.View()) {
					if value != own {
						t.Errorf("worker %s finds %q in %s", own, value, name)
					}
				}
				w.Snapshot("s")
				w.Reset()
				for name, value := range contents(t, w.View()) {
					if value != "seed" {
						t.Errorf("worker %s finds %q in %s after reset", own, value, name)
					}
				}
			}
		})
	}
	group.Wait()
}

func TestCollectionsDoNotMix(t *testing.T) {
	w := store.New()
	update(t, w, func(tx *store.Tx) error {
		for _, r := range []*store.Resource{
			{Kind: "Topic", Version: "v2", Parents: []string{"a"}, Name: "x"},
			{Kind: "Topic", Version: "v2", Parents: []string{"ab"}, Name: "x"},
			{Kind: "Topic", Version: "v1", Parents: []string{"a"}, Name: "x"},
			{Kind: "TopicPolicy", Version: "v2", Parents: []string{"a"}, Name: "x"},
			{Kind: "Topic", Version: "v2", Parents: []string{"a"}, Name: "xy"},
		} {
			r.JSON = []byte("{}")
			if err := tx.Put(r); err != nil {
				return err
			}
		}
		return nil
	})
	tx := w.View()
	names := func(parents []string, prefix string) []string {
		var list []string
		for r := range tx.Resources("Topic", "v2", parents, prefix) {
			list = append(list, strings.Join(append(slices.Clone(r.Parents), r.Name), "/"))
		}
		return list
	}
	for _, step := range []struct {
		parents []string
		prefix  string
		want    []string
	}{
		{[]string{"a"}, "", []string{"a/x", "a/xy"}},
		{[]string{"a"}, "xy", []string{"a/xy"}},
		{[]string{"ab"}, "", []string{"ab/x"}},
		{nil, "", []string{"a/x", "a/xy", "ab/x"}},
		{[]string{"b"}, "", nil},
	} {
		if got := names(step.parents, step.prefix); !slices.Equal(got, step.want) {
			t.Errorf("below %q with prefix %q: %q, want %q", step.parents, step.prefix, got, step.want)
		}
	}
	if r, err := tx.Resource("Topic", "v2", []string{"a"}, "x"); err != nil || r.Version != "v2" {
		t.Errorf("topic x of a: %v, %v", r, err)
	}
	if _, err := tx.Resource("Topic", "v2", []string{"a"}, ""); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the empty name: %v", err)
	}
}

// A reset does not wait for changes under way: they belong to the state that it
// left behind. Neither does a snapshot, which takes what is committed.
func TestResetDuringAChange(t *testing.T) {
	w := store.New()
	put(t, w, "a", "seed")
	w.KeepAsSeed()
	w.Snapshot("s")
	for what, back := range map[string]func() error{
		"reset":   func() error { w.Reset(); return nil },
		"restore": func() error { return w.Restore("s") },
	} {
		put(t, w, "a", "1")
		update(t, w, func(tx *store.Tx) error {
			if err := tx.Put(thing("a", "2")); err != nil {
				return err
			}
			w.Snapshot("halfway")
			return back()
		})
		expect(t, w, what+" during a change", map[string]string{"a": "seed"})
		put(t, w, "b", "1") // the writer of the new state must be free
		if err := w.Restore("halfway"); err != nil {
			t.Fatal(err)
		}
		expect(t, w, "what was kept during a change", map[string]string{"a": "1"})
		w.Reset()
	}
}
