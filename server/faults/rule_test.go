package faults_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/server/faults"
)

func rule(t testing.TB, spec string) *faults.Rule {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(spec), &object); err != nil {
		t.Fatal(err)
	}
	parsed, problems := faults.Parse(map[string]any{"metadata": map[string]any{"name": "x"}, "spec": object})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return parsed
}

// Counters: skip, then as often as allowed, with the chance that is asked for.
func TestNext(t *testing.T) {
	r := rule(t, `{"skip": 2, "times": 3, "effect": {"status": 500}}`)
	var counts faults.Counts
	var fired []int
	for i := range 10 {
		var fires bool
		if counts, fires = r.Next(counts); fires {
			fired = append(fired, i)
		}
	}
	if len(fired) != 3 || fired[0] != 2 || fired[2] != 4 || !r.Spent(counts) || counts.Matched != 10 {
		t.Errorf("fired at %v, %+v", fired, counts)
	}
	for chance, bounds := range map[string][2]int{"0": {0, 0}, "0.1": {800, 1200}, "0.5": {4700, 5300}, "1": {10_000, 10_000}} {
		r := rule(t, `{"probability": `+chance+`, "seed": 3, "effect": {"status": 500}}`)
		counts := faults.Counts{}
		for range 10_000 {
			counts, _ = r.Next(counts)
		}
		if counts.Fired < bounds[0] || counts.Fired > bounds[1] {
			t.Errorf("probability %s fires %d times in 10000", chance, counts.Fired)
		}
	}
}

func TestWait(t *testing.T) {
	r := rule(t, `{"effect": {"latency": "100ms", "jitter": "50ms"}}`)
	seen := map[time.Duration]bool{}
	for n := range 100 {
		wait := r.Effect.Wait(r.Seed, n)
		if wait < 100*time.Millisecond || wait >= 150*time.Millisecond {
			t.Fatalf("%s", wait)
		}
		if wait != r.Effect.Wait(r.Seed, n) {
			t.Error("the same request waits differently")
		}
		seen[wait] = true
	}
	if len(seen) < 50 {
		t.Errorf("%d different waits", len(seen))
	}
}

// Asking who calls costs; it is asked only where a rule wants to know.
func TestFitsAsksLast(t *testing.T) {
	request := &faults.Request{Surface: faults.Console, Path: "/a", Method: "GET",
		Client: func() string { t.Error("the client was asked for"); return "" },
		People: func() []string { t.Error("the people were asked for"); return nil }}
	if rule(t, `{"match": {"path": "/b", "person": "ada", "client_id": "c"}, "effect": {"status": 500}}`).Fits(request) {
		t.Error("another path fits")
	}
	if !rule(t, `{"match": {"path": "/a"}, "effect": {"status": 500}}`).Fits(request) {
		t.Error("the path does not fit")
	}
}

func TestSpoil(t *testing.T) {
	header := http.Header{"Etag": {`"x"`}}
	r := rule(t, `{"match": {"operation": "discovery"}, "effect": {"issuer": "https://other.example"}}`)
	if got := string(r.Effect.Spoil(header, []byte(`{"issuer":"https://own.example","jwks_uri":"u"}`))); got != `{"issuer":"https://other.example","jwks_uri":"u"}` || header.Get("Etag") != "" {
		t.Errorf("%s %v", got, header)
	}
	if got := string(r.Effect.Spoil(header, []byte(`not JSON`))); got != `not JSON` {
		t.Errorf("%s", got)
	}
}
