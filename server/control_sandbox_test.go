package server_test

import (
	"fmt"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/limits"
)

func TestControlSandboxes(t *testing.T) {
	running := start(t, server.Config{Limits: limits.Limits{Sandboxes: 4}})
	type box struct {
		ID, URL, Issuer string
		CreatedAt       time.Time  `json:"created_at"`
		ExpiresAt       *time.Time `json:"expires_at"`
	}
	open := func(request any) box {
		got := mock(t, running, "POST", "/_mock/sandboxes", request)
		expectStatus(t, "open", got, 201)
		var one box
		got.json(t, &one)
		if one.URL != running.URL()+"/s/"+one.ID || one.Issuer != one.URL+"/idp" || got.header.Get("Location") != "/_mock/sandboxes/"+one.ID {
			t.Errorf("%+v at %s", one, got.header.Get("Location"))
		}
		return one
	}
	list := func() (ids []string) {
		var boxes []box
		mock(t, running, "GET", "/_mock/sandboxes", nil).json(t, &boxes)
		for _, one := range boxes {
			ids = append(ids, one.ID)
		}
		return ids
	}
	expectStatus(t, "none", mock(t, running, "GET", "/_mock/sandboxes", nil), 200, "[]")
	named, random := open(object{"id": "b-1", "expires_in": "10m"}), open(nil)
	if named.ID != "b-1" || named.ExpiresAt == nil || named.ExpiresAt.Sub(named.CreatedAt) != 10*time.Minute || random.ExpiresAt != nil || len(random.ID) < 16 {
		t.Errorf("%+v, %+v", named, random)
	}
	// It is over by the machine's clock, whatever clocks of worlds say.
	over := open(object{"id": "over", "expires_in": "1ns"})
	expectStatus(t, "over", mock(t, running, "GET", "/_mock/sandboxes/over", nil), 404)
	expectStatus(t, "over", mock(t, running, "GET", "/s/"+over.ID+"/_mock/clock", nil), 404)
	expectStatus(t, "another clock", mock(t, running, "POST", "/s/b-1/_mock/clock/advance", object{"by": "9000h"}), 200)
	if got := list(); len(got) != 2 {
		t.Errorf("sandboxes %v", got)
	}
	expectStatus(t, "show", mock(t, running, "GET", "/_mock/sandboxes/b-1", nil), 200, `"id":"b-1"`)
	open(object{"id": "c"})
	open(object{"id": "d"})
	before := strings.Join(list(), " ")
	for name, row := range map[string]struct {
		method, path string
		body         any
		status       int
		holds        string
	}{
		"taken":       {"POST", "/_mock/sandboxes", object{"id": "c"}, 409, "is taken"},
		"too many":    {"POST", "/_mock/sandboxes", nil, 409, "--limit sandboxes"},
		"snapshot":    {"POST", "/_mock/sandboxes", object{"snapshot": "none"}, 404, `snapshot \"none\"`},
		"id":          {"POST", "/_mock/sandboxes", object{"id": "A/b"}, 400, "a-z, 0-9 and -"},
		"no duration": {"POST", "/_mock/sandboxes", object{"expires_in": "soon"}, 400, "expires_in"},
		"negative":    {"POST", "/_mock/sandboxes", object{"expires_in": "-1s"}, 400, "expires_in: expected a positive duration"},
		"field":       {"POST", "/_mock/sandboxes", object{"expires": "1s"}, 400, "known are expires_in, id, snapshot"},
		"unknown":     {"GET", "/_mock/sandboxes/none", nil, 404, "none"},
		"close":       {"DELETE", "/_mock/sandboxes/none", nil, 404, "none"},
		"inside":      {"GET", "/s/c/_mock/sandboxes", nil, 409, "has no sandboxes"},
		"inside one":  {"POST", "/s/c/_mock/sandboxes", nil, 409, "has no sandboxes"},
	} {
		expectStatus(t, name, mock(t, running, row.method, row.path, row.body), row.status, row.holds)
	}
	if after := strings.Join(list(), " "); after != before {
		t.Errorf("refused requests changed %s to %s", before, after)
	}
	expectStatus(t, "close", mock(t, running, "DELETE", "/_mock/sandboxes/b-1", nil), 204)
	expectStatus(t, "closed", mock(t, running, "GET", "/s/b-1/_mock/clock", nil), 404)
	open(object{"id": "b-1"})
}

// A sandbox begins with a snapshot of the main world and resets to it.
func TestControlSandboxOfSnapshot(t *testing.T) {
	running := start(t, server.Config{})
	expectStatus(t, "load", mock(t, running, "POST", "/_mock/seed", yamlText(extra)), 200)
	expectStatus(t, "rotate", mock(t, running, "POST", "/_mock/keys/rotate", object{"keep_old": false}), 200)
	expectStatus(t, "keep", mock(t, running, "PUT", "/_mock/snapshots/with%20zoe", nil), 204)
	expectStatus(t, "reset", mock(t, running, "POST", "/_mock/reset", nil), 204)
	expectStatus(t, "open", mock(t, running, "POST", "/_mock/sandboxes", object{"id": "zoe", "snapshot": "with zoe"}), 201)
	for range 2 {
		access, _ := minted(t, running, "/s/zoe", object{"as": "zoe", "client_id": "backstage"})
		expectStatus(t, "whoami", call(t, running, "GET", "/s/zoe/token/v1/whoami", access, nil), 200, "zoe@")
		main, _ := minted(t, running, "", object{"as": "ada", "client_id": "backstage"})
		if headerOf(t, access)["kid"] == headerOf(t, main)["kid"] {
			t.Error("the sandbox signs with the seed's keys, not the snapshot's")
		}
		expectStatus(t, "delete", mock(t, running, "DELETE", "/s/zoe/_mock/v1/person/zoe", nil), 200)
		expectStatus(t, "reset", mock(t, running, "POST", "/s/zoe/_mock/reset", nil), 204)
	}
}

// Everything is at a sandbox's address, and clients that know nothing of
// sandboxes work there.
func TestClientsWorkInASandbox(t *testing.T) {
	running := start(t, server.Config{})
	expectStatus(t, "open", mock(t, running, "POST", "/_mock/sandboxes", object{"id": "one"}), 201)
	base := running.URL() + "/s/one"
	for path, holds := range map[string]string{
		"":                           base + "/_mock/docs",
		"/":                          base + "/docs",
		"/docs":                      "/s/one/public/docs/docs.json",
		"/docs/swagger-ui.css":       "swagger",
		"/public/docs/docs.yaml":     "url: /s/one",
		"/api/public/docs/docs.json": `"url":"/s/one"`,
		"/api/health/ready":          "READY",
		"/_mock/settings":            `"sandbox":"one"`,
		"/_mock/v1/person/ada":       "ada@shop.example",
		"/_mock/clock":               `"frozen":false`,
	} {
		expectStatus(t, path, mock(t, running, "GET", "/s/one"+path, nil), 200, holds)
	}

	// The Conduktor CLI: log in, apply, get, delete.
	root := mustCLI(t, cliEnv{baseURL: base, user: server.DefaultAdminEmail, password: server.DefaultAdminPassword})
	topic := "apiVersion: kafka/v2\nkind: Topic\nmetadata: {cluster: staging, name: from.cli}\nspec: {partitions: 1, replicationFactor: 1}\n"
	if got := root.apply(t, topic, false); len(got) != 1 || got[0] != "Topic/from.cli: Created" {
		t.Errorf("apply: %q", got)
	}
	if names := root.names(t, "Topic", nil, "staging"); !strings.Contains(strings.Join(names, " "), "from.cli") {
		t.Errorf("get: %v", names)
	}
	outside := asRoot(t, running)
	if names := outside.names(t, "Topic", nil, "staging"); strings.Contains(strings.Join(names, " "), "from.cli") {
		t.Errorf("the main world has the sandbox's topic: %v", names)
	}

	// Terraform: log in, put, read, destroy.
	tf := &terraform{wire: cli{base: base + "/api"}, credentials: true}
	tf.wire.authorization = root.authorization
	const path = "/public/kafka/v2/cluster/staging/topic"
	if result, _, err := tf.put(t, path, `{"apiVersion":"v2","kind":"Topic","metadata":{"cluster":"staging","name":"from.tf"},"spec":{"partitions":1,"replicationFactor":1}}`); result != "Created" || err != nil {
		t.Errorf("terraform: %s %v", result, err)
	}
	if _, err := tf.read(t, path+"/from.tf"); err != nil {
		t.Error(err)
	}
	if err := tf.destroy(t, path+"/from.tf"); err != nil {
		t.Error(err)
	}

	// OpenID Connect: discovery, keys, a token checked by go-oidc.
	provider, err := oidc.NewProvider(t.Context(), base+"/idp")
	if err != nil {
		t.Fatal(err)
	}
	_, id := minted(t, running, "/s/one", object{"as": "ada", "client_id": "backstage"})
	if _, err := provider.Verifier(&oidc.Config{ClientID: "backstage"}).Verify(t.Context(), id); err != nil {
		t.Error(err)
	}
	_, main := minted(t, running, "", object{"as": "ada", "client_id": "backstage"})
	if _, err := provider.Verifier(&oidc.Config{ClientID: "backstage"}).Verify(t.Context(), main); err == nil {
		t.Error("go-oidc takes the main world's token in the sandbox")
	}
}

// Workers beside each other, each with a scene that contradicts the others'.
func TestSandboxesSideBySide(t *testing.T) {
	running := start(t, server.Config{})
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			id := fmt.Sprintf("worker-%d", worker)
			if got := mock(t, running, "POST", "/_mock/sandboxes", object{"id": id}); got.status != 201 {
				t.Errorf("%s: %d %s", id, got.status, got.body)
				return
			}
			at := time.Date(2030+worker, 1, 1, 0, 0, 0, 0, time.UTC)
			steps := []struct {
				method, path string
				body         any
				status       int
			}{
				{"PUT", "/_mock/clock", object{"now": at, "frozen": true}, 200},
				{"PUT", "/_mock/v1/person", object{"apiVersion": "mockduktor/v1", "kind": "Person", "metadata": object{"name": "ada"}, "spec": object{"email": id + "@shop.example"}}, 200},
				{"POST", "/_mock/keys/rotate", object{"alg": "ES256"}, 200},
				{"PUT", "/_mock/snapshots/mine", nil, 204},
			}
			for range 5 {
				for _, step := range steps {
					if got := mock(t, running, step.method, "/s/"+id+step.path, step.body); got.status != step.status {
						t.Errorf("%s: %s %s: %d %s", id, step.method, step.path, got.status, got.body)
						return
					}
				}
				got := mock(t, running, "POST", "/s/"+id+"/_mock/tokens", object{"as": "ada", "client_id": "backstage"})
				var tokens struct {
					AccessToken string `json:"access_token"`
				}
				got.json(t, &tokens)
				whoami := call(t, running, "GET", "/s/"+id+"/token/v1/whoami", tokens.AccessToken, nil)
				if whoami.status != 200 || !strings.Contains(string(whoami.body), id+"@shop.example") {
					t.Errorf("%s: %d %s", id, whoami.status, whoami.body)
				}
				clock := mock(t, running, "GET", "/s/"+id+"/_mock/clock", nil)
				if !strings.Contains(string(clock.body), at.Format(time.RFC3339)) {
					t.Errorf("%s: the clock shows %s", id, clock.body)
				}
				mock(t, running, "POST", "/s/"+id+"/_mock/reset", nil)
			}
		})
	}
	group.Wait()
	expectStatus(t, "the main world", mock(t, running, "GET", "/_mock/v1/person/ada", nil), 200, "ada@shop.example")
}

// served sends one request through the whole handler, without a socket.
func served(t testing.TB, running *server.Server, method, path, body string, status int) {
	request := httptest.NewRequest(method, running.URL()+path, strings.NewReader(body))
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	recorder := httptest.NewRecorder()
	running.Handler().ServeHTTP(recorder, request)
	if recorder.Code != status {
		t.Fatalf("%s %s: %d %s", method, path, recorder.Code, recorder.Body)
	}
}

// leakTolerance is what memory may grow by over ten thousand sandboxes, in bytes:
// a hundred for each, where one holds 15,000 and more, so that a single one of
// two hundred that stays shows. What the heap differs by otherwise, with pools
// filled and maps grown, is a hundred times less.
const leakTolerance = 1 << 20

// Sandboxes that are gone leave nothing behind: not in memory, not as goroutines.
func TestSandboxesLeaveNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("makes ten thousand sandboxes")
	}
	config := server.Config{Listen: "127.0.0.1:0"} // no check of answers: it is not what is measured
	running, err := server.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := running.Close(t.Context()); err != nil {
			t.Log(err)
		}
	})
	rounds := func(count int) {
		for i := range count {
			served(t, running, "POST", "/_mock/sandboxes", `{"id":"leak","expires_in":"1h"}`, 201)
			putPerson(t, running, "/s/leak")
			served(t, running, "PUT", "/s/leak/_mock/snapshots/mine", "", 204)
			if i%50 == 0 { // a signature costs as much as all the rest
				served(t, running, "POST", "/s/leak/_mock/tokens", `{"as":"new","client_id":"backstage"}`, 200)
				served(t, running, "POST", "/s/leak/_mock/sessions", `{"as":"new"}`, 201)
			}
			served(t, running, "DELETE", "/_mock/sandboxes/leak", "", 204)
		}
	}
	measure := func() (heap uint64, goroutines int) {
		for range 3 { // finalizers and pools take more than one round
			runtime.GC()
		}
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc, runtime.NumGoroutine()
	}
	rounds(2000) // fills the main world's journal and what is made on first use
	heapBefore, goroutinesBefore := measure()
	rounds(10_000)
	heap, goroutines := measure()
	t.Logf("heap %d bytes before, %d after; goroutines %d, %d", heapBefore, heap, goroutinesBefore, goroutines)
	if heap > heapBefore+leakTolerance {
		t.Errorf("10,000 sandboxes left %d bytes", heap-heapBefore)
	}
	if goroutines > goroutinesBefore {
		t.Errorf("10,000 sandboxes left %d goroutines", goroutines-goroutinesBefore)
	}
}

// putPerson is a first use of a world: a write, with all that it wakes up.
func putPerson(t testing.TB, running *server.Server, base string) {
	served(t, running, "PUT", base+"/_mock/v1/person", `{"apiVersion":"mockduktor/v1","kind":"Person","metadata":{"name":"new"},"spec":{}}`, 200)
}

// sandboxBytes is the memory that a sandbox holds after its use.
func sandboxBytes(t testing.TB, running *server.Server, use func(base string)) float64 {
	const count = 200
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range count {
		served(t, running, "POST", "/_mock/sandboxes", fmt.Sprintf(`{"id":"b-%d"}`, i), 201)
		use(fmt.Sprintf("/s/b-%d", i))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	for i := range count {
		served(t, running, "DELETE", fmt.Sprintf("/_mock/sandboxes/b-%d", i), "", 204)
	}
	return (float64(after.HeapAlloc) - float64(before.HeapAlloc)) / count
}

// The promise is 64 KB for a sandbox, whatever the size of the world.
func TestSandboxIsSmall(t *testing.T) {
	for _, topics := range []int{0, 5000} {
		running := start(t, server.Config{Documents: append(estate(t), seed.Generate(1, seed.GenerateOptions{Topics: topics})...)})
		putPerson(t, running, "")
		if bytes := sandboxBytes(t, running, func(base string) { putPerson(t, running, base) }); bytes > 64<<10 {
			t.Errorf("with %d topics more: a sandbox in use holds %.0f bytes", topics, bytes)
		}
	}
}

// estates are the sizes by which costs are compared.
var estates = []int{100, 10_000, 100_000}

func startEstate(b testing.TB, topics int) *server.Server {
	return start(b, server.Config{Documents: append(estate(b), seed.Generate(1, seed.GenerateOptions{Topics: topics})...)})
}

// estate is the default one, which has keys and clients.
func estate(t testing.TB) []*seed.Document {
	t.Helper()
	documents, err := seed.Default()
	if err != nil {
		t.Fatal(err)
	}
	return documents
}

// BenchmarkControlReset is a reset by request.
func BenchmarkControlReset(b *testing.B) {
	for _, size := range estates {
		b.Run(fmt.Sprintf("resources=%d", size), func(b *testing.B) {
			running := startEstate(b, size)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				putPerson(b, running, "")
				b.StartTimer()
				served(b, running, "POST", "/_mock/reset", "", 204)
			}
		})
	}
}

// BenchmarkControlSandbox is a sandbox opened by request, with all that belongs
// to it, and what it holds in memory before and after its first use.
func BenchmarkControlSandbox(b *testing.B) {
	for _, size := range estates {
		b.Run(fmt.Sprintf("resources=%d", size), func(b *testing.B) {
			running := startEstate(b, size)
			b.ReportAllocs()
			for b.Loop() {
				served(b, running, "POST", "/_mock/sandboxes", `{"id":"bench"}`, 201)
				b.StopTimer()
				served(b, running, "DELETE", "/_mock/sandboxes/bench", "", 204)
				b.StartTimer()
			}
			b.StopTimer()
			b.ReportMetric(sandboxBytes(b, running, func(string) {}), "bytes/sandbox")
			b.ReportMetric(sandboxBytes(b, running, func(base string) { putPerson(b, running, base) }), "bytes/used-sandbox")
		})
	}
}
