package store_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/mockduktor/mockduktor/server/store"
)

// sizes are the worlds by which costs are compared.
var sizes = []int{100, 10_000, 100_000}

// filled gives a world with n topics as its seed, made once for each size.
func filled(t testing.TB, n int) *store.World {
	t.Helper()
	made, _ := filledWorlds.LoadOrStore(n, sync.OnceValue(func() *store.World {
		w := store.New()
		update(t, w, func(tx *store.Tx) error {
			for i := range n {
				name := fmt.Sprintf("team-%03d.topic-%06d", i%500, i)
				err := tx.Put(&store.Resource{Kind: "Topic", Version: "v2", Parents: []string{"dev"}, Name: name,
					JSON: fmt.Appendf(nil, `{"apiVersion":"v2","kind":"Topic","metadata":{"cluster":"dev","name":%q},"spec":{"partitions":6,"replicationFactor":3}}`, name),
					Refs: []string{store.Ref("cluster", "dev")}})
				if err != nil {
					return err
				}
			}
			return nil
		})
		w.KeepAsSeed()
		return w
	}))
	return made.(func() *store.World)()
}

var filledWorlds sync.Map

// A fork and a reset cost the same in a world of any size: what they allocate
// can be counted exactly, unlike time.
func TestForkAndResetCostIsFlat(t *testing.T) {
	var kept *store.World
	for what, do := range map[string]func(*store.World) *store.World{
		"fork":     (*store.World).Fork,
		"reset":    func(w *store.World) *store.World { w.Reset(); return w },
		"snapshot": func(w *store.World) *store.World { w.Snapshot("s"); return w },
	} {
		small, large := filled(t, 100), filled(t, 10_000)
		allocations := func(w *store.World) float64 {
			return testing.AllocsPerRun(100, func() { kept = do(w) })
		}
		if few, many := allocations(small), allocations(large); few != many || many > 20 {
			t.Errorf("%s: %.0f allocations with 100 resources, %.0f with 10,000", what, few, many)
		}
	}
	runtime.KeepAlive(kept)
}

// forkBytes is the memory that a fork holds on to after use.
func forkBytes(w *store.World, count int, use func(*store.World)) float64 {
	forks := make([]*store.World, count)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range forks {
		forks[i] = w.Fork()
		use(forks[i])
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(forks)
	return (float64(after.HeapAlloc) - float64(before.HeapAlloc)) / float64(count)
}

// The promise is 64 KB for a fork; one that has been written to holds the
// paths that it changed as well.
func TestForkIsSmall(t *testing.T) {
	w := filled(t, 10_000)
	if bytes := forkBytes(w, 200, func(*store.World) {}); bytes > 4<<10 {
		t.Errorf("a fork holds %.0f bytes", bytes)
	}
	if bytes := forkBytes(w, 50, func(fork *store.World) {
		update(t, fork, func(tx *store.Tx) error {
			return tx.Put(&store.Resource{Kind: "Topic", Version: "v2", Parents: []string{"dev"}, Name: "new", JSON: []byte("{}"),
				Refs: []string{store.Ref("cluster", "dev")}})
		})
	}); bytes > 64<<10 {
		t.Errorf("a fork with one topic more holds %.0f bytes", bytes)
	}
}

func BenchmarkReset(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("resources=%d", n), func(b *testing.B) {
			w := filled(b, n)
			put(b, w, "change", "1")
			b.ReportAllocs()
			for b.Loop() {
				w.Reset()
			}
		})
	}
}

func BenchmarkFork(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("resources=%d", n), func(b *testing.B) {
			w := filled(b, n)
			b.ReportAllocs()
			for b.Loop() {
				w.Fork()
			}
			b.StopTimer()
			b.ReportMetric(forkBytes(w, 1000, func(*store.World) {}), "bytes/fork")
			b.ReportMetric(forkBytes(w, 100, func(fork *store.World) { put(b, fork, "change", "1") }), "bytes/changed-fork")
		})
	}
}

func BenchmarkUpdate(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("resources=%d", n), func(b *testing.B) {
			w := filled(b, n).Fork()
			b.ReportAllocs()
			for b.Loop() {
				put(b, w, "change", "1")
			}
		})
	}
}
