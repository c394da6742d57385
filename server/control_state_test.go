package server_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/server"
)

const extra = `apiVersion: mockduktor/v1
kind: Person
metadata: {name: zoe}
spec: {email: zoe@shop.example}
---
apiVersion: v2
kind: Topic
metadata: {name: zoe.new, cluster: staging}
spec: {partitions: 3, replicationFactor: 1}
`

// bothSites are the bases of the main world and of a sandbox of it.
func bothSites(t *testing.T, running *server.Server) []string {
	t.Helper()
	expectStatus(t, "open", mock(t, running, "POST", "/_mock/sandboxes", object{"id": "one"}), 201)
	return []string{"", "/s/one"}
}

func TestControlLoadsMoreSeed(t *testing.T) {
	running := start(t, server.Config{})
	for _, base := range bothSites(t, running) {
		before := export(t, running, base)
		expectStatus(t, "load", mock(t, running, "POST", base+"/_mock/seed", yamlText(extra)), 200, `{"applied":2}`)
		expectStatus(t, "topic", mock(t, running, "GET", base+"/_mock/resources/Topic/zoe.new?cluster=staging", nil), 200)
		access, _ := minted(t, running, base, object{"as": "zoe", "client_id": "backstage"})
		expectStatus(t, "zoe", call(t, running, "GET", base+"/token/v1/whoami", access, nil), 200, "zoe@shop.example")
		expectStatus(t, "as JSON", mock(t, running, "POST", base+"/_mock/seed", `[{"apiVersion":"mockduktor/v1","kind":"Person","metadata":{"name":"yan"},"spec":{}}]`), 200, `{"applied":1}`)
		expectStatus(t, "yan", mock(t, running, "GET", base+"/_mock/v1/person/yan", nil), 200)
		expectStatus(t, "reset", mock(t, running, "POST", base+"/_mock/reset", nil), 204)
		if export(t, running, base) != before {
			t.Errorf("%q: a reset does not lead back", base)
		}
	}
	expectStatus(t, "nothing", mock(t, running, "POST", "/_mock/seed", nil), 200, `{"applied":0}`)
}

func TestControlRefusesWrongSeeds(t *testing.T) {
	running := start(t, server.Config{})
	t.Setenv("MOCK_TEST_SECRET", "the secret")
	before := export(t, running, "")
	type faulty struct {
		Line, Column                       int
		Kind, Name, Field, Problem, Remedy string
	}
	for name, row := range map[string]struct {
		text string
		want []faulty
	}{
		"syntax": {"apiVersion: v2\nkind: [", []faulty{{Line: 2}}},
		"schema": {extra + "---\napiVersion: v2\nkind: Topic\nmetadata: {name: bad, cluster: staging}\nspec: {partitions: many, replicationFactor: 1}\n",
			[]faulty{{Line: 14, Column: 8, Kind: "Topic", Name: "bad", Field: "spec.partitions"}}},
		"unknown cluster, after good ones": {extra + "---\napiVersion: v2\nkind: Topic\nmetadata: {name: bad, cluster: nowhere}\nspec: {partitions: 1, replicationFactor: 1}\n",
			[]faulty{{Line: 13, Column: 23, Kind: "Topic", Name: "bad", Field: "metadata.cluster"}}},
		"two at once": {"apiVersion: v2\nkind: Tpic\nmetadata: {name: a}\nspec: {}\n---\napiVersion: v9\nkind: Topic\nmetadata: {name: b}\nspec: {}\n",
			[]faulty{{Line: 2, Field: "kind"}, {Line: 6, Field: "apiVersion"}}},
		"twice": {extra + "---\n" + extra, []faulty{{Line: 11}, {Line: 16}}},
		"environment": {"apiVersion: mockduktor/v1\nkind: Person\nmetadata: {name: \"${MOCK_TEST_SECRET}\"}\nspec: {}\n",
			[]faulty{{Line: 3}}},
		"key": {"apiVersion: mockduktor/v1\nkind: SigningKey\nmetadata: {name: x}\nspec: {alg: RS256, privateKey: x}\n",
			[]faulty{{Line: 4, Field: "spec.privateKey"}}},
	} {
		for _, method := range []string{"POST", "PUT"} {
			got := mock(t, running, method, "/_mock/seed", yamlText(row.text))
			expectStatus(t, name, got, 400, "The request is invalid")
			var body struct{ Faults []faulty }
			got.json(t, &body)
			if strings.Contains(string(got.body), "the secret") {
				t.Errorf("%s: tells what is in the environment", name)
			}
			// A world of its own lacks the cluster staging as well.
			if method == "PUT" && strings.HasPrefix(name, "unknown cluster") {
				continue
			}
			if len(body.Faults) != len(row.want) {
				t.Fatalf("%s %s: %+v", method, name, body.Faults)
			}
			for i, want := range row.want {
				is := body.Faults[i]
				if is.Line != want.Line || want.Column != 0 && is.Column != want.Column || want.Field != "" && is.Field != want.Field ||
					want.Kind != "" && (is.Kind != want.Kind || is.Name != want.Name) || is.Problem == "" {
					t.Errorf("%s %s: fault %d is %+v, expected %+v", method, name, i, is, want)
				}
			}
		}
	}
	expectStatus(t, "another type", exchange(t, running, "POST", "/_mock/seed", map[string][]string{"Content-Type": {"text/plain"}}, strings.NewReader(extra)), 415, "application/yaml")
	if export(t, running, "") != before {
		t.Error("something has changed")
	}
}

// What is exported, in either form, is the same world when it is loaded.
func TestControlExportIsASeed(t *testing.T) {
	running := start(t, server.Config{})
	expectStatus(t, "load", mock(t, running, "POST", "/_mock/seed", yamlText(extra)), 200)
	text := export(t, running, "")
	got := mock(t, running, "GET", "/_mock/seed?format=json", nil)
	expectStatus(t, "json", got, 200)
	for form, seed := range map[string]any{"yaml": yamlText(text), "json": string(got.body)} {
		expectStatus(t, form, mock(t, running, "POST", "/_mock/sandboxes", object{"id": form}), 201)
		expectStatus(t, form, mock(t, running, "PUT", "/s/"+form+"/_mock/seed", `[]`), 200, `{"applied":0}`)
		if len(export(t, running, "/s/"+form)) >= len(text)/2 {
			t.Errorf("%s: the sandbox is not empty", form)
		}
		expectStatus(t, form, mock(t, running, "PUT", "/s/"+form+"/_mock/seed", seed), 200)
		if again := export(t, running, "/s/"+form); again != text {
			t.Errorf("%s: another world came of it: %d bytes, expected %d", form, len(again), len(text))
		}
	}
	expectStatus(t, "form", mock(t, running, "GET", "/_mock/seed?format=xml", nil), 400, "format")
}

func TestControlSnapshots(t *testing.T) {
	running := start(t, server.Config{})
	for _, base := range bothSites(t, running) {
		topics := func() string {
			var names []string
			var list []struct{ Metadata struct{ Name string } }
			mock(t, running, "GET", base+"/_mock/resources/Topic?cluster=staging", nil).json(t, &list)
			for _, one := range list {
				names = append(names, one.Metadata.Name)
			}
			return strings.Join(names, " ")
		}
		snapshots := func() string { return string(mock(t, running, "GET", base+"/_mock/snapshots", nil).body) }
		at := base + "/_mock/snapshots/"
		seeded := topics()
		expectStatus(t, "keep", mock(t, running, "PUT", at+"before%2Fmove", nil), 204)
		expectStatus(t, "load", mock(t, running, "POST", base+"/_mock/seed", yamlText(extra)), 200)
		loaded := topics()
		expectStatus(t, "keep", mock(t, running, "PUT", at+"after", nil), 204)
		if got := snapshots(); got != "[\"after\",\"before/move\"]\n" {
			t.Errorf("%q: snapshots %s", base, got)
		}
		expectStatus(t, "restore", mock(t, running, "POST", at+"before%2Fmove/restore", nil), 204)
		if topics() != seeded || loaded == seeded {
			t.Errorf("%q: restored %s", base, topics())
		}
		expectStatus(t, "restore", mock(t, running, "POST", at+"after/restore", nil), 204)
		if topics() != loaded {
			t.Errorf("%q: restored %s", base, topics())
		}
		expectStatus(t, "reset", mock(t, running, "POST", base+"/_mock/reset", nil), 204)
		expectStatus(t, "drop", mock(t, running, "DELETE", at+"after", nil), 204)
		for method, path := range map[string]string{"DELETE": at + "after", "POST": at + "after/restore"} {
			expectStatus(t, "dropped", mock(t, running, method, path, nil), 404, `snapshot \"after\"`)
		}
		expectStatus(t, "name", mock(t, running, "PUT", at+"a%00b", nil), 400, "control characters")
		for i := range 99 {
			expectStatus(t, "keep", mock(t, running, "PUT", at+fmt.Sprint(i), nil), 204)
		}
		expectStatus(t, "one too many", mock(t, running, "PUT", at+"more", nil), 409, "drop one first")
		expectStatus(t, "a name again", mock(t, running, "PUT", at+"5", nil), 204)
	}
}

func TestControlClock(t *testing.T) {
	running := start(t, server.Config{})
	for _, base := range bothSites(t, running) {
		clock := func(method, path string, body any) (now time.Time, frozen bool) {
			got := mock(t, running, method, base+path, body)
			expectStatus(t, path, got, 200)
			var state struct {
				Now    time.Time
				Frozen bool
				Offset string
			}
			got.json(t, &state)
			if offset, err := time.ParseDuration(state.Offset); err != nil || (time.Until(state.Now)-offset).Abs() > time.Minute {
				t.Errorf("offset %s at %s", state.Offset, state.Now)
			}
			return state.Now, state.Frozen
		}
		if now, frozen := clock("GET", "/_mock/clock", nil); time.Until(now).Abs() > time.Minute || frozen {
			t.Errorf("%q: begins at %s, frozen %t", base, now, frozen)
		}
		at := time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC)
		if now, frozen := clock("PUT", "/_mock/clock", object{"now": at, "frozen": true}); !now.Equal(at) || !frozen {
			t.Errorf("%q: set to %s, frozen %t", base, now, frozen)
		}
		access, _ := minted(t, running, base, object{"as": "ada", "client_id": "backstage"})
		whoami := func() int { return call(t, running, "GET", base+"/token/v1/whoami", access, nil).status }
		if whoami() != 200 {
			t.Errorf("%q: a fresh token is refused", base)
		}
		if now, _ := clock("POST", "/_mock/clock/advance", object{"by": "59m59s"}); !now.Equal(at.Add(time.Hour-time.Second)) || whoami() != 200 {
			t.Errorf("%q: advanced to %s, token %d", base, now, whoami())
		}
		if now, _ := clock("POST", "/_mock/clock/advance", object{"by": "1s"}); !now.Equal(at.Add(time.Hour)) || whoami() != 401 {
			t.Errorf("%q: advanced to %s, token %d", base, now, whoami())
		}
		if now, _ := clock("POST", "/_mock/clock/advance", object{"by": "-30m"}); !now.Equal(at.Add(30*time.Minute)) || whoami() != 200 {
			t.Errorf("%q: gone back to %s, token %d", base, now, whoami())
		}
		if now, frozen := clock("PUT", "/_mock/clock", object{"frozen": false}); now.Before(at.Add(30*time.Minute)) || frozen {
			t.Errorf("%q: running at %s, frozen %t", base, now, frozen)
		}
		if _, frozen := clock("PUT", "/_mock/clock", object{"frozen": true}); !frozen {
			t.Errorf("%q: it does not stand", base)
		}
		expectStatus(t, "reset", mock(t, running, "POST", base+"/_mock/reset?keepClock=true", nil), 204)
		if _, frozen := clock("GET", "/_mock/clock", nil); !frozen {
			t.Errorf("%q: the reset let it run", base)
		}
		if now, frozen := clock("DELETE", "/_mock/clock", nil); time.Until(now).Abs() > time.Minute || frozen {
			t.Errorf("%q: released at %s, frozen %t", base, now, frozen)
		}
		clock("PUT", "/_mock/clock", object{"now": at, "frozen": true})
		expectStatus(t, "reset", mock(t, running, "POST", base+"/_mock/reset", nil), 204)
		if now, frozen := clock("GET", "/_mock/clock", nil); time.Until(now).Abs() > time.Minute || frozen {
			t.Errorf("%q: after reset %s, frozen %t", base, now, frozen)
		}
		for name, row := range map[string]struct {
			method, path string
			body         any
			holds        string
		}{
			"no date":     {"PUT", "/_mock/clock", object{"now": "yesterday"}, "RFC 3339"},
			"long ago":    {"PUT", "/_mock/clock", object{"now": "0001-01-01T00:00:00Z"}, "1971"},
			"far away":    {"POST", "/_mock/clock/advance", object{"by": "-2000000h"}, "1971"},
			"no duration": {"POST", "/_mock/clock/advance", object{"by": "1 day"}, "by: expected a duration"},
			"nothing":     {"POST", "/_mock/clock/advance", nil, "by"},
			"frozen":      {"PUT", "/_mock/clock", object{"frozen": "yes"}, "frozen: expected true or false"},
			"another":     {"PUT", "/_mock/clock", object{"forzen": true}, "did you mean frozen"},
		} {
			expectStatus(t, name, mock(t, running, row.method, base+row.path, row.body), 400, row.holds)
		}
		if now, frozen := clock("GET", "/_mock/clock", nil); time.Until(now).Abs() > time.Minute || frozen {
			t.Errorf("%q: refused requests changed the clock: %s, frozen %t", base, now, frozen)
		}
	}
}

// seedFile writes a seed of one cluster and the topics named.
func seedFile(t testing.TB, path string, topics ...string) {
	t.Helper()
	text := "apiVersion: v2\nkind: KafkaCluster\nmetadata: {name: dev}\nspec: {displayName: Dev, bootstrapServers: \"kafka:9092\"}\n" +
		"---\napiVersion: mockduktor/v1\nkind: Person\nmetadata: {name: ana}\nspec: {email: ana@shop.example}\n" +
		"---\napiVersion: mockduktor/v1\nkind: Client\nmetadata: {name: app}\nspec: {redirect_uris: [\"http://localhost:3000/callback\"], token_endpoint_auth_method: none}\n"
	for _, name := range topics {
		text += "---\napiVersion: v2\nkind: Topic\nmetadata: {cluster: dev, name: " + name + "}\nspec: {partitions: 1, replicationFactor: 1}\n"
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// sources is what the control API says of the seed's sources.
func sources(t testing.TB, running *server.Server) (state struct {
	Sources  []string
	Watched  bool
	LoadedAt time.Time `json:"loaded_at"`
	Failure  string
	Faults   []struct {
		File string
		Line int
	}
}) {
	t.Helper()
	got := mock(t, running, "GET", "/_mock/seed/sources", nil)
	expectStatus(t, "sources", got, 200)
	got.json(t, &state)
	return state
}

func TestControlReloadsSeedFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "seed.yaml")
	seedFile(t, file, "old")
	running := start(t, server.Config{Seeds: []string{file}})
	expectStatus(t, "open", mock(t, running, "POST", "/_mock/sandboxes", object{"id": "one"}), 201)
	expectStatus(t, "keep", mock(t, running, "PUT", "/_mock/snapshots/kept", nil), 204)
	old, _ := minted(t, running, "", object{"as": "ana", "client_id": "app"})
	topic := func(base, name string) int {
		return mock(t, running, "GET", base+"/_mock/resources/Topic/"+name+"?cluster=dev", nil).status
	}

	seedFile(t, file, "new")
	expectStatus(t, "reload", mock(t, running, "POST", "/_mock/seed/reload", nil), 200, `"applied":`)
	for what, is := range map[string]bool{
		"new here": topic("", "new") == 200, "old here": topic("", "old") == 404,
		"old in the sandbox": topic("/s/one", "old") == 200, "new in the sandbox": topic("/s/one", "new") == 404,
		"token": call(t, running, "GET", "/token/v1/whoami", old, nil).status == 200,
	} {
		if !is {
			t.Errorf("after the reload: %s is wrong", what)
		}
	}
	// What follows begins with the new seed.
	expectStatus(t, "reset", mock(t, running, "POST", "/_mock/reset", nil), 204)
	expectStatus(t, "open", mock(t, running, "POST", "/_mock/sandboxes", object{"id": "two"}), 201)
	if topic("", "new") != 200 || topic("/s/two", "new") != 200 {
		t.Error("the new seed is not what a reset and a sandbox begin with")
	}

	if err := os.WriteFile(file, []byte("apiVersion: v2\nkind: Topic\nmetadata: {name: x, cluster: nowhere}\nspec: {partitions: 1, replicationFactor: 1}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	expectStatus(t, "broken", mock(t, running, "POST", "/_mock/seed/reload", nil), 400, `"line":3`, "nowhere", "seed.yaml")
	if state := sources(t, running); topic("", "new") != 200 || state.Failure == "" || len(state.Faults) != 1 || state.Faults[0].Line != 3 || state.Faults[0].File != file || state.Watched {
		t.Errorf("after a broken reload: %+v", state)
	}
	seedFile(t, file, "mended")
	expectStatus(t, "mended", mock(t, running, "POST", "/_mock/seed/reload", nil), 200)
	if state := sources(t, running); topic("", "mended") != 200 || state.Failure != "" || len(state.Sources) != 1 || state.Sources[0] != file {
		t.Errorf("after a mended reload: %+v", state)
	}
	expectStatus(t, "restore", mock(t, running, "POST", "/_mock/snapshots/kept/restore", nil), 204)
	if topic("", "old") != 200 {
		t.Error("the snapshot is gone")
	}
	expectStatus(t, "in a sandbox", mock(t, running, "POST", "/s/one/_mock/seed/reload", nil), 409, "comes from no files")
	expectStatus(t, "in a sandbox", mock(t, running, "GET", "/s/one/_mock/seed/sources", nil), 409)
}

// With --watch nobody need ask; a broken file is told of in the log and in the
// state of the sources.
func TestControlWatchesSeedFiles(t *testing.T) {
	folder := t.TempDir()
	seedFile(t, filepath.Join(folder, "seed.yaml"), "old")
	running := start(t, server.Config{Seeds: []string{folder}, Watch: true, WatchEvery: time.Millisecond})
	until := func(what string, is func() bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !is(); {
			if time.Now().After(deadline) {
				t.Fatalf("%s: not seen; %+v", what, sources(t, running))
			}
		}
	}
	has := func(name string) func() bool {
		return func() bool {
			return mock(t, running, "GET", "/_mock/resources/Topic/"+name+"?cluster=dev", nil).status == 200
		}
	}
	if !has("old")() || !sources(t, running).Watched {
		t.Fatal("the seed is not loaded")
	}
	got := mock(t, running, "POST", "/_mock/sessions", object{"as": "ana"})
	expectStatus(t, "session", got, 201)
	seedFile(t, filepath.Join(folder, "seed.yaml"), "newer")
	until("a changed file", has("newer"))
	second := `{"apiVersion":"v2","kind":"Topic","metadata":{"cluster":"dev","name":"second"},"spec":{"partitions":1,"replicationFactor":1}}`
	if err := os.WriteFile(filepath.Join(folder, "more.json"), []byte(second), 0o600); err != nil {
		t.Fatal(err)
	}
	until("a new file", has("second"))
	if err := os.WriteFile(filepath.Join(folder, "more.json"), []byte(second[:40]), 0o600); err != nil {
		t.Fatal(err)
	}
	until("a broken file", func() bool { return sources(t, running).Failure != "" })
	if !has("second")() {
		t.Error("the broken file changed the world")
	}
	if err := os.Remove(filepath.Join(folder, "more.json")); err != nil {
		t.Fatal(err)
	}
	until("a file that is gone", func() bool { return !has("second")() })
	if !has("newer")() || sources(t, running).Failure != "" {
		t.Errorf("at the end: %+v", sources(t, running))
	}
	// Who was signed in at the identity provider is so still.
	var session struct{ Cookie struct{ Name, Value string } }
	if err := json.Unmarshal(got.body, &session); err != nil {
		t.Fatal(err)
	}
	header := map[string][]string{"Cookie": {session.Cookie.Name + "=" + session.Cookie.Value}}
	authorize := "/idp/authorize?client_id=app&redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcallback&response_type=code&scope=openid&prompt=none&code_challenge_method=S256&code_challenge=" + challenge
	answered := withoutRedirects(t, running, authorize, header)
	if answered.status != 302 || !strings.Contains(answered.header.Get("Location"), "code=") {
		t.Errorf("after the reloads the session answers %d %s", answered.status, answered.header.Get("Location"))
	}
}

func TestWatchNeedsFiles(t *testing.T) {
	for _, seeds := range [][]string{nil, {"default"}, {"empty", "-"}} {
		config := server.Config{Seeds: seeds, Watch: true}
		if err := config.Validate(); err == nil || !strings.Contains(err.Error(), "--watch") {
			t.Errorf("%v: %v", seeds, err)
		}
	}
}
