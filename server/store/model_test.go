package store_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/mockduktor/mockduktor/server/store"
)

// model is what a world should hold, as plain maps.
type model struct {
	things  map[string]string // "parent/name" to value
	records map[string]time.Time
	ids     uint64
	grants  uint64 // the version last seen
	mapping uint64
}

func (m model) clone() model {
	m.things, m.records = maps.Clone(m.things), maps.Clone(m.records)
	return m
}

// pair is a world with the model of its present, its seed and its snapshots.
type pair struct {
	world     *store.World
	now, seed model
	snapshots map[string]model
}

func newPair() *pair {
	empty := model{things: map[string]string{}, records: map[string]time.Time{}}
	w := store.New()
	w.Clock.Set(moment)
	w.Clock.Freeze()
	return &pair{world: w, now: empty, seed: empty.clone(), snapshots: map[string]model{}}
}

var errUndo = errors.New("undo")

// TestWorldAgainstModel does anything in any order, and compares with maps.
func TestWorldAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pairs := []*pair{newPair()}
		used := map[uint64]bool{} // every version ever given out
		draw := func(t *rapid.T) *pair { return rapid.SampledFrom(pairs).Draw(t, "world") }
		name := rapid.SampledFrom([]string{"a", "ab", "b", "a.b", "é", "z z"})
		parent := rapid.SampledFrom([]string{"p", "pp", "q"})
		value := rapid.SampledFrom([]string{"1", "2", "3"})
		snapshot := rapid.SampledFrom([]string{"s1", "s2"})

		// change runs one transaction of random steps on world and model.
		change := func(t *rapid.T, p *pair) {
			next := p.now.clone()
			undo := rapid.IntRange(0, 3).Draw(t, "undo") == 0
			touched := false
			err := p.world.Update(func(tx *store.Tx) error {
				for range rapid.IntRange(0, 6).Draw(t, "steps") {
					step(t, tx, &next, name, parent, value, &touched)
				}
				if undo {
					return errUndo
				}
				return nil
			})
			if undo != errors.Is(err, errUndo) || !undo && err != nil {
				t.Fatalf("update answered %v", err)
			}
			if undo {
				return
			}
			view := p.world.View()
			if touched != (view.GrantsVersion() != p.now.grants) {
				t.Fatalf("grants touched: %t; version from %d to %d", touched, p.now.grants, view.GrantsVersion())
			}
			if touched && used[view.GrantsVersion()] {
				t.Fatalf("version %d has been used before", view.GrantsVersion())
			}
			used[view.GrantsVersion()], used[view.MappingVersion()] = true, true
			next.grants = view.GrantsVersion()
			p.now = next
		}
		t.Repeat(map[string]func(*rapid.T){
			"change": func(t *rapid.T) { change(t, draw(t)) },
			// More likely than the rest, or most runs would compare little.
			"changeAgain": func(t *rapid.T) { change(t, draw(t)) },
			"keepAsSeed": func(t *rapid.T) {
				p := draw(t)
				p.world.KeepAsSeed()
				p.seed = p.now.clone()
			},
			"reset": func(t *rapid.T) {
				p := draw(t)
				p.world.Reset()
				p.now = p.seed.clone()
			},
			"snapshot": func(t *rapid.T) {
				p, s := draw(t), snapshot.Draw(t, "snapshot")
				p.world.Snapshot(s)
				p.snapshots[s] = p.now.clone()
			},
			"restore": func(t *rapid.T) {
				p, s := draw(t), snapshot.Draw(t, "snapshot")
				kept, known := p.snapshots[s]
				err := p.world.Restore(s)
				if known != (err == nil) || !known && !errors.Is(err, store.ErrNotFound) {
					t.Fatalf("restore %s: %v", s, err)
				}
				if known {
					p.now = kept.clone()
				}
			},
			"drop": func(t *rapid.T) {
				p, s := draw(t), snapshot.Draw(t, "snapshot")
				_, known := p.snapshots[s]
				if err := p.world.DropSnapshot(s); known != (err == nil) {
					t.Fatalf("drop %s: %v", s, err)
				}
				delete(p.snapshots, s)
			},
			"fork": func(t *rapid.T) {
				p := draw(t)
				forked := &pair{world: p.world.Fork(), now: p.seed.clone(), seed: p.seed.clone(), snapshots: map[string]model{}}
				forked.world.Clock.Set(p.world.Clock.Now())
				forked.world.Clock.Freeze()
				if len(pairs) < 4 {
					pairs = append(pairs, forked)
				} else {
					pairs[rapid.IntRange(0, 3).Draw(t, "replaced")] = forked
				}
			},
			"advance": func(t *rapid.T) {
				draw(t).world.Clock.Advance(time.Duration(rapid.IntRange(-60, 300).Draw(t, "seconds")) * time.Second)
			},
			"": func(t *rapid.T) {
				for i, p := range pairs {
					p.check(t, i)
				}
			},
		})
	})
}

// step does one random thing inside a transaction and to the model.
func step(t *rapid.T, tx *store.Tx, m *model, name, parent, value *rapid.Generator[string], touched *bool) {
	switch rapid.IntRange(0, 7).Draw(t, "step") {
	case 0, 1, 2:
		n, p, v := name.Draw(t, "name"), parent.Draw(t, "parent"), value.Draw(t, "value")
		r := thing(n, v)
		r.Parents = []string{p}
		if err := tx.Put(r); err != nil {
			t.Fatalf("put: %v", err)
		}
		m.things[p+"/"+n] = v
	case 3:
		n, p := name.Draw(t, "name"), parent.Draw(t, "parent")
		r, err := tx.Resource("Thing", "v1", []string{p}, n)
		if _, known := m.things[p+"/"+n]; known != (err == nil) {
			t.Fatalf("%s/%s known: %t; found: %v", p, n, known, err)
		}
		if err != nil {
			return
		}
		if err := tx.Delete(r); err != nil {
			t.Fatalf("delete: %v", err)
		}
		delete(m.things, p+"/"+n)
	case 4:
		id := name.Draw(t, "id")
		record := store.Record{Kind: "session", ID: id}
		if seconds := rapid.IntRange(-10, 120).Draw(t, "life"); seconds > 0 {
			record.Expires = tx.Now().Add(time.Duration(seconds) * time.Second)
		}
		if err := tx.PutRecord(record); err != nil {
			t.Fatalf("put record: %v", err)
		}
		m.records[id] = record.Expires
		// What is over may go at any put: the model follows what went, after
		// asking that nothing went too early.
		for id, expires := range m.records {
			if _, err := tx.Record("session", id); err == nil {
				continue
			}
			if expires.IsZero() || expires.After(tx.Now()) {
				t.Fatalf("the record %s was swept at %s, it lasts until %s", id, tx.Now(), expires)
			}
			delete(m.records, id)
		}
	case 5:
		id := name.Draw(t, "id")
		if err := tx.DeleteRecord("session", id); err != nil {
			t.Fatalf("delete record: %v", err)
		}
		delete(m.records, id)
	case 6:
		id, err := tx.NextID()
		if m.ids++; err != nil || id != m.ids {
			t.Fatalf("next id %d, %v; want %d", id, err, m.ids)
		}
	case 7:
		tx.TouchGrants()
		*touched = true
		before := tx.MappingVersion()
		if err := tx.TouchMapping(); err != nil || tx.MappingVersion() == before {
			t.Fatalf("mapping version %d after %d: %v", tx.MappingVersion(), before, err)
		}
		m.mapping = tx.MappingVersion()
	}
}

// check compares everything that can be read.
func (p *pair) check(t *rapid.T, number int) {
	tx := p.world.View()
	got, byValue := map[string]string{}, map[string]int{}
	for r := range tx.Resources("Thing", "v1", nil, "") {
		got[strings.Join(r.Parents, "/")+"/"+r.Name] = string(r.JSON)
	}
	want := map[string]string{}
	for key, value := range p.now.things {
		want[key] = fmt.Sprintf(`{"value":%q}`, value)
		byValue[value]++
	}
	if !maps.Equal(got, want) {
		t.Fatalf("world %d holds %v, want %v", number, got, want)
	}
	for _, value := range []string{"1", "2", "3"} {
		if found := len(slices.Collect(tx.Referrers(store.Ref("value", value)))); found != byValue[value] {
			t.Fatalf("world %d: %d refer to %s, want %d", number, found, value, byValue[value])
		}
	}
	for _, parent := range []string{"p", "pp", "q"} {
		for _, prefix := range []string{"", "a", "ab", "é"} {
			var names, wanted []string
			for r := range tx.Resources("Thing", "v1", []string{parent}, prefix) {
				names = append(names, r.Name)
			}
			for key := range p.now.things {
				if name, ok := strings.CutPrefix(key, parent+"/"); ok && strings.HasPrefix(name, prefix) {
					wanted = append(wanted, name)
				}
			}
			slices.Sort(wanted)
			if !slices.Equal(names, wanted) {
				t.Fatalf("world %d below %s with prefix %q: %q, want %q", number, parent, prefix, names, wanted)
			}
		}
	}
	records := map[string]time.Time{}
	for r := range tx.Records("session") {
		records[r.ID] = r.Expires
	}
	if !maps.EqualFunc(records, p.now.records, time.Time.Equal) {
		t.Fatalf("world %d has the records %v, want %v", number, records, p.now.records)
	}
	if tx.GrantsVersion() != p.now.grants || tx.MappingVersion() != p.now.mapping {
		t.Fatalf("world %d has the versions %d and %d, want %d and %d", number, tx.GrantsVersion(), tx.MappingVersion(), p.now.grants, p.now.mapping)
	}
	if names := p.world.Snapshots(); !slices.Equal(names, slices.Sorted(maps.Keys(p.snapshots))) {
		t.Fatalf("world %d has the snapshots %q", number, names)
	}
}
