package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/server/store"
)

func recordIDs(w *store.World, kind string) []string {
	var ids []string
	for record := range w.View().Records(kind) {
		ids = append(ids, record.ID)
	}
	return ids
}

func putRecord(t testing.TB, w *store.World, record store.Record) {
	t.Helper()
	update(t, w, func(tx *store.Tx) error { return tx.PutRecord(record) })
}

func frozen() *store.World {
	w := store.New()
	w.Clock.Set(moment)
	w.Clock.Freeze()
	return w
}

func TestRecords(t *testing.T) {
	w := frozen()
	for _, record := range []store.Record{
		{Kind: "code", ID: "b", Family: "f", Value: 1}, {Kind: "code", ID: "a", Family: "g"},
		{Kind: "refresh", ID: "a", Family: "f"}, {Kind: "codec", ID: "a"}, {Kind: "code", ID: "ab", Value: 2},
	} {
		putRecord(t, w, record)
	}
	if got, want := recordIDs(w, "code"), []string{"a", "ab", "b"}; !slices.Equal(got, want) {
		t.Errorf("codes %q, want %q", got, want)
	}
	putRecord(t, w, store.Record{Kind: "code", ID: "b", Family: "g", Value: 3})
	if record, err := w.View().Record("code", "b"); err != nil || record.Value != 3 {
		t.Errorf("a record put again: %v, %v", record, err)
	}
	update(t, w, func(tx *store.Tx) error { return tx.DeleteFamily("g") })
	if got, want := recordIDs(w, "code"), []string{"ab"}; !slices.Equal(got, want) {
		t.Errorf("codes after their family ended %q, want %q", got, want)
	}
	if got := recordIDs(w, "refresh"); len(got) != 1 {
		t.Errorf("another family's records: %q", got)
	}
	update(t, w, func(tx *store.Tx) error {
		return errors.Join(tx.DeleteRecord("code", "ab"), tx.DeleteRecord("code", "ab"), tx.DeleteFamily("none"))
	})
	if _, err := w.View().Record("code", "ab"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a deleted record: %v", err)
	}
}

// Forgetting is spread over the writes: each put clears away at most a few, so
// that none is slow, and more than one, so that the pile never grows.
func TestExpiredRecordsAreSwept(t *testing.T) {
	w := frozen()
	const n = 40
	for i := range n {
		putRecord(t, w, store.Record{Kind: "session", ID: fmt.Sprintf("%02d", i), Expires: moment.Add(time.Duration(i+1) * time.Minute)})
	}
	putRecord(t, w, store.Record{Kind: "session", ID: "for ever"})
	if got := len(recordIDs(w, "session")); got != n+1 {
		t.Fatalf("%d records before any is over, want %d", got, n+1)
	}
	w.Clock.Advance(n / 2 * time.Minute) // the first half is over, the last of it just now
	before := len(recordIDs(w, "session"))
	for i := range n {
		putRecord(t, w, store.Record{Kind: "other", ID: fmt.Sprint(i)})
		now := len(recordIDs(w, "session"))
		if cleared := before - now; cleared > 8 {
			t.Errorf("one put cleared %d records away", cleared)
		}
		before = now
	}
	var want []string
	for i := n / 2; i < n; i++ {
		want = append(want, fmt.Sprintf("%02d", i))
	}
	want = append(want, "for ever")
	if got := recordIDs(w, "session"); !slices.Equal(got, want) {
		t.Errorf("left %q, want %q", got, want)
	}
	if got := len(recordIDs(w, "other")); got != n {
		t.Errorf("%d records without an end are left, want %d", got, n)
	}
}

// A world whose sessions all end never holds more than are alive and a few more.
func TestRecordsDoNotPileUp(t *testing.T) {
	w := frozen()
	for i := range 500 {
		putRecord(t, w, store.Record{Kind: "session", ID: fmt.Sprint(i), Expires: w.Clock.Now().Add(10 * time.Second)})
		w.Clock.Advance(time.Second)
	}
	if got := len(recordIDs(w, "session")); got > 20 {
		t.Errorf("%d records are kept, 10 of them alive", got)
	}
}

// Times that do not fit into nanoseconds since 1970 keep their place: the exp
// of a token may be the year 9999, a test may set the clock to 1960.
func TestSweepAtFarTimes(t *testing.T) {
	far := time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	old := time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC)
	w := frozen()
	putRecord(t, w, store.Record{Kind: "session", ID: "far", Expires: far})
	for i := range 10 {
		putRecord(t, w, store.Record{Kind: "session", ID: fmt.Sprint(i), Expires: moment.Add(time.Minute)})
	}
	w.Clock.Advance(time.Hour)
	for i := range 10 {
		putRecord(t, w, store.Record{Kind: "other", ID: fmt.Sprint(i)})
	}
	if got, want := recordIDs(w, "session"), []string{"far"}; !slices.Equal(got, want) {
		t.Errorf("left %q, want %q", got, want)
	}
	putRecord(t, w, store.Record{Kind: "session", ID: "old", Expires: old})
	w.Clock.Set(far)
	putRecord(t, w, store.Record{Kind: "other", ID: "one more"})
	if got := recordIDs(w, "session"); len(got) != 0 {
		t.Errorf("left %q at the end of time", got)
	}
}

// A clock set back makes what was over valid again, unless it is gone already;
// it never makes the sweep take what is still valid.
func TestSweepWithTheClockSetBack(t *testing.T) {
	w := frozen()
	putRecord(t, w, store.Record{Kind: "session", ID: "x", Expires: moment})
	w.Clock.Advance(-time.Hour)
	putRecord(t, w, store.Record{Kind: "other", ID: "1"})
	if got := recordIDs(w, "session"); len(got) != 1 {
		t.Errorf("left %q", got)
	}
	w.Clock.Advance(time.Hour)
	putRecord(t, w, store.Record{Kind: "other", ID: "2"})
	if got := recordIDs(w, "session"); len(got) != 0 {
		t.Errorf("left %q at the very moment of their end", got)
	}
}

func TestSweepBelongsToTheChange(t *testing.T) {
	w := frozen()
	putRecord(t, w, store.Record{Kind: "session", ID: "x", Expires: moment.Add(time.Second)})
	w.Clock.Advance(time.Hour)
	errRefused := errors.New("refused")
	err := w.Update(func(tx *store.Tx) error {
		if err := tx.PutRecord(store.Record{Kind: "other", ID: "1"}); err != nil {
			return err
		}
		return errRefused
	})
	if !errors.Is(err, errRefused) {
		t.Fatal(err)
	}
	if got := recordIDs(w, "session"); len(got) != 1 {
		t.Errorf("a change that failed has swept: %q", got)
	}
}
