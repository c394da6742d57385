package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/server/limits"
	"github.com/mockduktor/mockduktor/server/store"
)

func tryRecord(w *store.World, record store.Record) error {
	return w.Update(func(tx *store.Tx) error { return tx.PutRecord(record) })
}

func wantFull(t *testing.T, err error, limit string) {
	t.Helper()
	var full *store.FullError
	if !errors.As(err, &full) || full.Limit != limit {
		t.Errorf("%v, want the limit %s", err, limit)
	}
}

// What is over makes room, also where much more is over than one write clears away.
func TestRecordsAreBounded(t *testing.T) {
	w := store.New()
	w.Limit(limits.Limits{Pending: 50, Sessions: 2, State: 60 * 1024})
	w.Clock.Freeze()
	now := w.Clock.Now()
	for i := range 50 {
		if err := tryRecord(w, store.Record{Kind: "idp.pending", ID: fmt.Sprint(i), Expires: now.Add(time.Minute)}); err != nil {
			t.Fatal(err)
		}
	}
	wantFull(t, tryRecord(w, store.Record{Kind: "idp.pending", ID: "more", Expires: now.Add(time.Minute)}), "pending")
	if err := tryRecord(w, store.Record{Kind: "idp.pending", ID: "7", Expires: now.Add(time.Minute), Value: "anew"}); err != nil {
		t.Errorf("replacing one: %v", err)
	}
	// Two kinds share a limit.
	for _, kind := range []string{"idp.session", "console.session"} {
		if err := tryRecord(w, store.Record{Kind: kind, ID: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	wantFull(t, tryRecord(w, store.Record{Kind: "idp.session", ID: "y"}), "sessions")
	wantFull(t, tryRecord(w, store.Record{Kind: "idp.grant", ID: "large", Size: 40 * 1024}), "state")
	fork := w.Copy()
	w.Clock.Advance(2 * time.Minute)
	if err := tryRecord(w, store.Record{Kind: "idp.pending", ID: "more", Expires: now.Add(time.Hour)}); err != nil {
		t.Errorf("once 50 are over: %v", err)
	}
	if err := tryRecord(w, store.Record{Kind: "idp.grant", ID: "large", Size: 40 * 1024}); err != nil {
		t.Errorf("once there is room: %v", err)
	}
	wantFull(t, tryRecord(fork, store.Record{Kind: "idp.pending", ID: "more", Expires: now.Add(time.Hour)}), "pending")
	w.Reset()
	for i := range 2 {
		if err := tryRecord(w, store.Record{Kind: "idp.session", ID: fmt.Sprint(i)}); err != nil {
			t.Errorf("after a reset: %v", err)
		}
	}
}

// However records come and go, as many fit as the limit says.
func TestRecordsAreCountedExactly(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 11))
	const most = 40
	w := store.New()
	w.Limit(limits.Limits{Grants: most})
	w.Clock.Freeze()
	for step := range 3000 {
		id, family := fmt.Sprint(random.IntN(60)), fmt.Sprint(random.IntN(5))
		err := w.Update(func(tx *store.Tx) error {
			switch random.IntN(6) {
			case 0:
				return tx.DeleteRecord("idp.grant", id)
			case 1:
				return tx.DeleteFamily(family)
			case 2:
				return errors.Join(tx.PutRecord(store.Record{Kind: "idp.grant", ID: id, Size: 9}), errors.New("undone"))
			}
			return tx.PutRecord(store.Record{Kind: "idp.grant", ID: id, Family: family, Size: random.IntN(1000),
				Expires: tx.Now().Add(time.Duration(random.IntN(20)) * time.Minute)})
		})
		var full *store.FullError
		if errors.As(err, &full) && full.Limit != "grants" {
			t.Fatalf("step %d: %v", step, err)
		}
		if random.IntN(50) == 0 {
			w.Clock.Advance(3 * time.Minute)
		}
	}
	// Clear, and fill from nothing: a count that is off shows now.
	if err := w.Update(func(tx *store.Tx) error {
		for i := range 60 {
			if err := tx.DeleteRecord("idp.grant", fmt.Sprint(i)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i := range most {
		if err := tryRecord(w, store.Record{Kind: "idp.grant", ID: fmt.Sprint("full ", i)}); err != nil {
			t.Fatalf("%d of %d: %v", i, most, err)
		}
	}
	wantFull(t, tryRecord(w, store.Record{Kind: "idp.grant", ID: "over"}), "grants")
}
