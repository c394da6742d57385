package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// kill ends the binary as a crash does: without a chance to write anything.
func (r *running) kill(t *testing.T) {
	t.Helper()
	if err := r.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = r.cmd.Wait()
}

// keptSubject starts the subject with a state file at a port that stays.
func keptSubject(t *testing.T, file, listen string, arguments ...string) *subject {
	t.Helper()
	return newSubject(t, append([]string{"--state", file, "--listen", listen}, arguments...)...)
}

// again is the same server after a crash, and the same browser.
func (s *subject) again(t *testing.T, file string) *subject {
	t.Helper()
	if s.cmd.ProcessState == nil {
		s.kill(t)
	}
	next := keptSubject(t, file, "127.0.0.1:"+strings.TrimPrefix(s.url, "http://localhost:"))
	next.browser = s.browser
	return next
}

// mock calls the control API with JSON or YAML; it ends the test unless it is
// answered 2xx.
func (s *subject) mock(method, path, body string) string {
	s.t.Helper()
	status, text, err := mockCall(s.url, method, path, body)
	if err != nil || status > 299 {
		s.t.Fatalf("%s %s: %d %s %v", method, path, status, text, err)
	}
	return text
}

func mockCall(base, method, path, body string) (int, string, error) {
	request, err := http.NewRequest(method, base+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	return response.StatusCode, string(data), err
}

// What people have in their hands when a server is killed is good after it: the
// standards' suite of one sign-in, each part begun before and ended after.
func TestStateSurvivesACrash(t *testing.T) {
	file := filepath.Join(t.TempDir(), "world")
	s := keptSubject(t, file, "127.0.0.1:0")
	tokens := s.tokens()
	open := s.back(s.authorize()).Get("code")
	spent := s.back(s.authorize()).Get("code")
	if got := s.redeem(spent); got.StatusCode != http.StatusOK {
		t.Fatalf("%s %s", got.Status, got.body)
	}
	revoked := s.tokens()
	if got := s.ask("/revoke", "app", "token", revoked["access_token"].(string)); got.StatusCode != http.StatusOK {
		t.Fatalf("%s %s", got.Status, got.body)
	}
	used := s.tokens()
	if got := s.ask("/token", "app", "grant_type", "refresh_token", "refresh_token", used["refresh_token"].(string)); got.StatusCode != http.StatusOK {
		t.Fatalf("%s %s", got.Status, got.body)
	}
	s.mock(http.MethodPost, "/_mock/sessions", `{"as":"ben"}`)
	s.mock(http.MethodPost, "/_mock/keys/rotate", `{}`)
	rotated := s.tokens()
	s.mock(http.MethodPut, "/_mock/v1/person", `{"apiVersion":"mockduktor/v1","kind":"Person","metadata":{"name":"late"},"spec":{}}`)
	s.mock(http.MethodPut, "/_mock/clock", `{"now":"2030-01-02T03:04:05Z","frozen":true}`)
	s.mock(http.MethodPost, "/_mock/clock/advance", `{"by":"-1h"}`)
	s.mock(http.MethodPost, "/_mock/state", "")
	s.mock(http.MethodPost, "/_mock/clock/advance", `{"by":"1h"}`) // on disk or not
	before := s.mock(http.MethodGet, "/_mock/seed", "")
	keys := s.mock(http.MethodGet, "/_mock/keys", "")

	s = s.again(t, file)
	if after := s.mock(http.MethodGet, "/_mock/seed", ""); after != before {
		t.Errorf("the export is another:\n%s\nbefore\n%s", after, before)
	}
	if after := s.mock(http.MethodGet, "/_mock/keys", ""); after != keys {
		t.Errorf("keys: %s, before %s", after, keys)
	}
	clock := s.mock(http.MethodGet, "/_mock/clock", "")
	if !strings.Contains(clock, `"2030-01-02T0`) || !strings.Contains(clock, `"frozen":true`) {
		t.Errorf("the clock: %s", clock)
	}
	s.mock(http.MethodDelete, "/_mock/clock", "")
	for what, token := range map[string]any{"signed": tokens["access_token"], "signed by the rotated key": rotated["access_token"]} {
		if got := s.userInfo(token); got.StatusCode != http.StatusOK {
			t.Errorf("%s: %s %s", what, got.Status, got.body)
		}
	}
	if got := s.redeem(open); got.StatusCode != http.StatusOK {
		t.Errorf("a code that was open: %s %s", got.Status, got.body)
	}
	s.refused("a code that was used", s.redeem(spent), http.StatusBadRequest, "invalid_grant")
	if got := s.userInfo(revoked["access_token"]); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a revoked token: %s", got.Status)
	}
	refresh := func(token any) reply {
		return s.ask("/token", "app", "grant_type", "refresh_token", "refresh_token", token.(string))
	}
	if got := refresh(tokens["refresh_token"]); got.StatusCode != http.StatusOK {
		t.Errorf("a refresh token: %s %s", got.Status, got.body)
	}
	s.refused("a refresh token that was used", refresh(used["refresh_token"]), http.StatusBadRequest, "invalid_grant")
	if state := s.mock(http.MethodGet, "/_mock/state", ""); !strings.Contains(state, `"restored":true`) {
		t.Errorf("state: %s", state)
	}
}

// A writer's changes come back in the order in which they were made, without a gap
// and each whole, wherever the crash was; all that came before a saving does.
func TestStateAfterRandomCrashes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "world")
	const writers, crashes = 4, 20
	pair := func(writer, n int) string {
		person := `{"apiVersion":"mockduktor/v1","kind":"Person","metadata":{"name":"p-%d-%d-%s"},"spec":{}}`
		return "[" + fmt.Sprintf(person, writer, n, "a") + "," + fmt.Sprintf(person, writer, n, "b") + "]"
	}
	begun := [writers]int{} // pairs that are there when a round begins
	var lost []time.Duration
	s := keptSubject(t, file, "127.0.0.1:0")
	for round := range crashes {
		acked, saved := [writers][]time.Time{}, [writers]int{}
		var mu sync.Mutex
		var group sync.WaitGroup
		reached, limit, count := make(chan struct{}), 1+rand.IntN(150), 0
		for writer := range writers {
			group.Go(func() {
				for n := begun[writer]; ; n++ {
					if status, _, err := mockCall(s.url, http.MethodPost, "/_mock/seed", pair(writer, n)); err != nil || status != http.StatusOK {
						return // it was killed
					}
					mu.Lock()
					acked[writer] = append(acked[writer], time.Now())
					if count++; count == limit {
						close(reached)
					}
					mu.Unlock()
				}
			})
		}
		group.Go(func() { // sign-ins go on beside
			for {
				request, err := http.NewRequest(http.MethodPost, s.url+"/_mock/sessions", strings.NewReader(`{"as":"ada"}`))
				if err != nil {
					return
				}
				request.Header.Set("Content-Type", "application/json")
				response, err := http.DefaultClient.Do(request)
				if err != nil {
					return
				}
				response.Body.Close()
			}
		})
		<-reached
		if round%2 == 0 {
			mu.Lock()
			for writer := range writers {
				saved[writer] = begun[writer] + len(acked[writer])
			}
			mu.Unlock()
			s.mock(http.MethodPost, "/_mock/state", "")
		}
		killed := time.Now()
		s.kill(t)
		group.Wait()
		s = s.again(t, file)
		var people []struct{ Metadata struct{ Name string } }
		if err := json.Unmarshal([]byte(s.mock(http.MethodGet, "/_mock/v1/person", "")), &people); err != nil {
			t.Fatal(err)
		}
		have := map[string]bool{}
		for _, person := range people {
			have[person.Metadata.Name] = true
		}
		for writer := range writers {
			n := 0
			for have[fmt.Sprintf("p-%d-%d-a", writer, n)] && have[fmt.Sprintf("p-%d-%d-b", writer, n)] {
				n++
			}
			for name := range have {
				var w, i int
				var half string
				if _, err := fmt.Sscanf(strings.ReplaceAll(name, "-", " "), "p %d %d %s", &w, &i, &half); err == nil && w == writer && i >= n {
					t.Errorf("round %d: %s is there and pair %d is not whole", round, name, n)
				}
			}
			if n < saved[writer] || n < begun[writer] {
				t.Errorf("round %d: writer %d has %d pairs, %d were on disk", round, writer, n, max(saved[writer], begun[writer]))
			}
			for i := n; i < begun[writer]+len(acked[writer]); i++ {
				if age := killed.Sub(acked[writer][i-begun[writer]]); age > 0 {
					lost = append(lost, age)
				}
			}
			begun[writer] = n
		}
	}
	oldest := time.Duration(0)
	for _, age := range lost {
		oldest = max(oldest, age)
	}
	t.Logf("%d crashes: %d changes had been answered and were not on disk yet, the oldest for %s", crashes, len(lost), oldest.Round(time.Millisecond))
}

func TestDamagedState(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "world")
	s := keptSubject(t, file, "127.0.0.1:0")
	s.mock(http.MethodPut, "/_mock/v1/person", `{"apiVersion":"mockduktor/v1","kind":"Person","metadata":{"name":"late"},"spec":{}}`)
	if got := run(t, nil, "--listen", "127.0.0.1:0", "--state", file); got.code != 1 || !strings.Contains(got.errors, "another process") {
		t.Errorf("a second process: exit %d, %s", got.code, got.errors)
	}
	s.mock(http.MethodPost, "/_mock/state", "")
	s.kill(t)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 4
	for what, content := range map[string][]byte{"truncated": whole[:len(whole)/3], "flipped": flipped, "empty": {}} {
		place := filepath.Join(t.TempDir(), "world")
		if err := os.WriteFile(place, content, 0o600); err != nil {
			t.Fatal(err)
		}
		s := keptSubject(t, place, "127.0.0.1:0")
		state := s.mock(http.MethodGet, "/_mock/state", "")
		if !strings.Contains(state, "damaged") || !strings.Contains(state, `"restored":false`) {
			t.Errorf("%s: %s", what, state)
		}
		if strings.Contains(s.mock(http.MethodGet, "/_mock/v1/person", ""), "late") {
			t.Errorf("%s: half of it was taken", what)
		}
		aside, err := filepath.Glob(place + ".damaged-*")
		if err != nil || len(aside) != 1 {
			t.Fatalf("%s: set aside: %v, %v", what, aside, err)
		}
		if kept, err := os.ReadFile(aside[0]); err != nil || !bytes.Equal(kept, content) {
			t.Errorf("%s: what was set aside is another: %v", what, err)
		}
		s.kill(t)
		if !strings.Contains(s.log.String(), "THE STATE IS LOST") {
			t.Errorf("%s: the log does not say so:\n%s", what, s.log)
		}
	}
	seed := filepath.Join(folder, "seed.yaml")
	if err := os.WriteFile(seed, []byte("kind: Topic\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for place, want := range map[string]string{folder: "no regular file", seed: "no state file", filepath.Join(folder, "none", "world"): "is missing"} {
		if got := run(t, nil, "--listen", "127.0.0.1:0", "--state", place); got.code != 1 || !strings.Contains(got.errors, want) {
			t.Errorf("%s: exit %d, %s; expected %q", place, got.code, got.errors, want)
		}
	}
	if data, err := os.ReadFile(seed); err != nil || string(data) != "kind: Topic\n" {
		t.Errorf("the seed was touched: %q, %v", data, err)
	}
}

// Where the file cannot be written the server goes on, says so, and keeps the
// state again once it can.
func TestStateThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "world")
	s := keptSubject(t, file, "127.0.0.1:0")
	s.mock(http.MethodPost, "/_mock/state", "")
	inTheWay := filepath.Join(file+".new", "x")
	if err := os.MkdirAll(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	s.mock(http.MethodPut, "/_mock/v1/person", `{"apiVersion":"mockduktor/v1","kind":"Person","metadata":{"name":"late"},"spec":{}}`)
	if status, body, err := mockCall(s.url, http.MethodPost, "/_mock/state", ""); err != nil || status != http.StatusConflict || !strings.Contains(body, "world.new") {
		t.Errorf("%d %s %v", status, body, err)
	}
	if state := s.mock(http.MethodGet, "/_mock/state", ""); !strings.Contains(state, `"pending":true`) || !strings.Contains(state, `"failure":"`) {
		t.Errorf("state: %s", state)
	}
	if err := os.RemoveAll(file + ".new"); err != nil {
		t.Fatal(err)
	}
	if state := s.mock(http.MethodPost, "/_mock/state", ""); strings.Contains(state, "failure") {
		t.Errorf("state: %s", state)
	}
	next := s.again(t, file)
	if !strings.Contains(s.log.String(), "THE STATE IS NOT KEPT") {
		t.Errorf("the log does not say so:\n%s", s.log)
	}
	if !strings.Contains(next.mock(http.MethodGet, "/_mock/v1/person", ""), `"late"`) {
		t.Error("what could not be written at first is gone")
	}
}
