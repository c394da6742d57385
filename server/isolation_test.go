package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// The writers below keep one thing true of the world at every moment, though each
// transaction changes all of it: all topics of a set carry the same value.
const (
	isolationTopics = 20
	isolationRounds = 60
)

const isolationWorld = `
apiVersion: v2
kind: KafkaCluster
metadata: {name: dev}
spec: {displayName: Dev, bootstrapServers: "kafka:9092"}
`

// stamp gives every topic of the set the value, in one transaction.
func stamp(pair *server.Pair, value string) error {
	return pair.World.Update(func(tx *store.Tx) error {
		for i := range isolationTopics {
			err := tx.Put(&store.Resource{Kind: "Topic", Version: "v2", Parents: []string{"dev"}, Name: fmt.Sprintf("t%02d", i),
				JSON: fmt.Appendf(nil, `{"apiVersion":"v2","kind":"Topic","metadata":{"cluster":"dev","name":"t%02d","description":%q},"spec":{"partitions":1,"replicationFactor":1}}`, i, value)})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// oneValue says which value a list of topics carries; an error if more than one.
func oneValue(list []string) (string, error) {
	if len(list) != isolationTopics {
		return "", fmt.Errorf("%d topics, want %d", len(list), isolationTopics)
	}
	if slices.ContainsFunc(list, func(value string) bool { return value != list[0] }) {
		return "", fmt.Errorf("topics of several moments: %q", list)
	}
	return list[0], nil
}

func valuesIn(tx *store.Tx, pause bool) []string {
	var values []string
	for resource := range tx.Resources("Topic", "v2", []string{"dev"}, "") {
		_, rest, _ := strings.Cut(string(resource.JSON), `"description":"`)
		value, _, _ := strings.Cut(rest, `"`)
		values = append(values, value)
		if pause {
			runtime.Gosched() // let a writer in between two rows
		}
	}
	return values
}

// TestReadersSeeOneMoment: while writers go on, a view, a list over HTTP, a
// snapshot and a sandbox each hold one moment; a view goes on holding it; and no
// sandbox or snapshot ever has a value that was written elsewhere.
func TestReadersSeeOneMoment(t *testing.T) {
	main := startKinds(t, isolationWorld)
	if err := stamp(main.Pair(), "main-0"); err != nil {
		t.Fatal(err)
	}
	main.Pair().World.KeepAsSeed()
	root := sessionOf(t, main.Server)
	var worlds []*server.Site
	for i := range 3 {
		site, err := main.OpenSandbox(fmt.Sprintf("box-%d", i), "", 0)
		if err != nil {
			t.Fatal(err)
		}
		worlds = append(worlds, site)
	}
	worlds = append(worlds, main.Site())
	nameOf := func(site *server.Site) string {
		if site.ID == "" {
			return "main"
		}
		return site.ID
	}

	var writers, readers sync.WaitGroup
	var over atomic.Bool
	var reads atomic.Int64
	for _, site := range worlds {
		writers.Go(func() {
			for n := range isolationRounds {
				if err := stamp(site.Pair, fmt.Sprintf("%s-%d", nameOf(site), n+1)); err != nil {
					t.Error(err)
				}
				runtime.Gosched()
			}
		})
		readers.Go(func() {
			for !over.Load() {
				tx := site.World.View()
				value, err := oneValue(valuesIn(tx, true))
				if again, _ := oneValue(valuesIn(tx, false)); err == nil && again != value {
					err = fmt.Errorf("one view has %s, then %s", value, again)
				}
				// The seed of all was written in the main world.
				if err == nil && value != "main-0" && !strings.HasPrefix(value, nameOf(site)+"-") {
					err = fmt.Errorf("it has %s, which was written elsewhere", value)
				}
				if err != nil {
					t.Errorf("%s: %v", nameOf(site), err)
					return
				}
				reads.Add(1)
			}
		})
	}
	readers.Go(func() {
		for n := 0; !over.Load(); n++ {
			world := main.Pair().World
			if err := world.Snapshot("moment"); err != nil {
				t.Error(err)
				return
			}
			first, err := world.ForkSnapshot("moment")
			if err != nil {
				t.Error(err)
				return
			}
			kept, err := oneValue(valuesIn(first.View(), false))
			if err == nil {
				err = stamp(&server.Pair{World: first}, "fork")
			}
			second, errFork := world.ForkSnapshot("moment")
			if err != nil || errFork != nil {
				t.Errorf("snapshot: %v, %v", err, errFork)
				return
			}
			if now, err := oneValue(valuesIn(second.View(), false)); err != nil || now != kept {
				t.Errorf("the snapshot held %s, and after a write to its fork %s (%v)", kept, now, err)
				return
			}
		}
	})
	readers.Go(func() {
		for !over.Load() {
			request := httptest.NewRequest(http.MethodGet, "/api/public/kafka/v2/cluster/dev/topic", nil)
			request.Header.Set("Authorization", "Bearer "+root)
			recorder := httptest.NewRecorder()
			main.Handler().ServeHTTP(recorder, request)
			var values []string
			for rest, more := recorder.Body.String(), true; ; {
				if _, rest, more = strings.Cut(rest, `"description":"`); !more {
					break
				}
				value, _, _ := strings.Cut(rest, `"`)
				values = append(values, value)
			}
			if _, err := oneValue(values); err != nil {
				t.Errorf("list: %d: %v", recorder.Code, err)
				return
			}
		}
	})
	writers.Wait()
	over.Store(true)
	readers.Wait()
	for _, site := range worlds {
		value, err := oneValue(valuesIn(site.World.View(), false))
		if want := fmt.Sprintf("%s-%d", nameOf(site), isolationRounds); err != nil || value != want {
			t.Errorf("%s ends with %s, want %s (%v)", nameOf(site), value, want, err)
		}
	}
	t.Logf("%d reads beside %d writes", reads.Load(), len(worlds)*isolationRounds)
}

// A walk over pages reads each page at a moment of its own, since a page is a
// request and the API has no cursor. So, with the default order by name:
//
//   - what is there during the whole walk is seen;
//   - it is seen once unless something before it came in between, which moves it to
//     the next page; and if something before it went, the walk may pass over it:
//     only then;
//   - nothing is seen that was not there at some moment of the walk.
//
// TestPagesWhileWriting draws walks with writes between the pages.
func TestPagesWhileWriting(t *testing.T) {
	l := startFuzz(t, server.Config{Documents: seeded(t, isolationWorld)})
	topic, err := l.Pair().Engine.Kind("v2", "Topic")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		l.Pair().World.Reset()
		names := map[string]bool{}
		write := func(name string, there bool) {
			err := l.Pair().World.Update(func(tx *store.Tx) error {
				if there {
					object := map[string]any{"apiVersion": "v2", "kind": "Topic", "metadata": map[string]any{"cluster": "dev", "name": name},
						"spec": map[string]any{"partitions": json.Number("1"), "replicationFactor": json.Number("1")}}
					_, _, err := l.Pair().Engine.Apply(tx, kinds.Request{Kind: topic, Object: object})
					return err
				}
				resource, err := tx.Resource("Topic", "v2", []string{"dev"}, name)
				if err != nil {
					return err
				}
				return tx.Delete(resource)
			})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if names[name] = there; !there {
				delete(names, name)
			}
		}
		name := rapid.StringMatching(`[a-c]{1,3}`)
		for _, one := range rapid.SliceOfNDistinct(name, 0, 20, rapid.ID).Draw(t, "there") {
			write(one, true)
		}
		stays, ever := map[string]bool{}, map[string]bool{}
		for one := range names {
			stays[one], ever[one] = true, true
		}
		size := rapid.IntRange(1, 7).Draw(t, "size")
		seen, inserted, deleted := map[string]int{}, []string{}, []string{}
		var order []string
		for page := 1; ; page++ {
			body := fmt.Sprintf(`{"page":%d,"itemsPerPage":%d,"sort":"ByName"}`, page, size)
			got := l.ask(http.MethodPost, "/api/public/v1/clusters/dev/topics", l.root, "application/json", body)
			var list struct {
				TotalElements, TotalPages int
				Data                      []struct{ Name string }
			}
			if err := json.Unmarshal(got.Body.Bytes(), &list); err != nil {
				t.Fatalf("page %d: %d %s", page, got.Code, got.Body)
			}
			if got.Code != http.StatusOK || list.TotalElements != len(names) || list.TotalPages != (len(names)+size-1)/size || len(list.Data) > size {
				t.Fatalf("page %d of %d topics: %d %s", page, len(names), got.Code, got.Body)
			}
			for _, one := range list.Data {
				seen[one.Name]++
				order = append(order, one.Name)
				if !ever[one.Name] {
					t.Fatalf("page %d has %s, which never was", page, one.Name)
				}
			}
			if len(list.Data) < size {
				break
			}
			if rapid.IntRange(0, 2).Draw(t, "write") == 0 {
				continue
			}
			one := name.Draw(t, "name")
			write(one, !names[one])
			if delete(stays, one); names[one] {
				ever[one] = true
				inserted = append(inserted, one)
			} else {
				deleted = append(deleted, one)
			}
		}
		before := func(list []string, name string) bool {
			return slices.ContainsFunc(list, func(one string) bool { return one < name })
		}
		for one := range stays {
			switch {
			case seen[one] == 0 && !before(deleted, one):
				t.Fatalf("%s was there all the time, nothing before it went, and it was on no page: %q", one, order)
			case seen[one] > 1 && !before(inserted, one):
				t.Fatalf("%s is on %d pages though nothing before it came: %q", one, seen[one], order)
			}
		}
		if len(inserted)+len(deleted) == 0 && !slices.IsSorted(order) {
			t.Fatalf("pages in another order: %q", order)
		}
	})
}

// The journal has a cursor, and its entries never move: reading on from the last seq
// seen gives each entry exactly once and in order, whatever is written meanwhile, as
// long as no more come between two readings than the journal keeps.
func TestJournalCursorWhileWriting(t *testing.T) {
	l := startFuzz(t, server.Config{})
	site := l.Site()
	const each, writersCount = 100, 3
	var writers sync.WaitGroup
	for w := range writersCount {
		writers.Go(func() {
			for n := range each {
				request := httptest.NewRequestWithContext(context.Background(), http.MethodGet, fmt.Sprintf("/api/health/live?w=%d&n=%d", w, n), nil)
				l.serve(request)
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	start := site.Journal.Last()
	seen, last := 0, uint64(0)
	for finished := false; ; {
		select {
		case <-done:
			finished = true
		default:
		}
		entries := site.Journal.Entries(last)
		for _, entry := range entries {
			if entry.Seq() != last+1 && last != 0 {
				t.Fatalf("entry %d after %d", entry.Seq(), last)
			}
			last = entry.Seq()
			seen++
		}
		if finished && len(entries) == 0 {
			break
		}
		runtime.Gosched()
	}
	if total := int(site.Journal.Last()); seen != total || total < int(start) || total < each*writersCount {
		t.Errorf("%d entries seen, the journal counted %d", seen, total)
	}
}
