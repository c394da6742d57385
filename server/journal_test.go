package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/server"
)

type journalEntry struct {
	Seq                                             uint64
	Surface, Operation, Method, Path, Query, Person string
	ClientID                                        string `json:"client_id"`
	Sandbox                                         string
	Status                                          int
	Principal                                       struct{ Email, Credential string }
	Token                                           struct{ Claims map[string]any }
	Decision                                        struct{ Outcome, Reason, Permission, Grant string }
}

func entries(t testing.TB, running *server.Server, query string) []journalEntry {
	t.Helper()
	var list struct{ Entries []journalEntry }
	got := mock(t, running, "GET", "/_mock/journal?"+query, nil)
	expectStatus(t, "journal "+query, got, 200)
	got.json(t, &list)
	return list.Entries
}

// Every request is there with who, what, and why, and the filters find it.
func TestJournalTellsOfRequests(t *testing.T) {
	running := start(t, server.Config{})
	ada, ben := tokenOf(t, running, "ada"), tokenOf(t, running, "ben")
	call(t, running, "GET", "/api"+faultyTopics, ada, nil)
	refused := call(t, running, "GET", faultyTopics+"/nope", ben, nil)
	granted := entries(t, running, "person=ada")
	if len(granted) != 1 || granted[0].Surface != "console" || granted[0].Operation != "listTopic" || granted[0].ClientID != "backstage" ||
		granted[0].Principal.Email != "ada@shop.example" || granted[0].Token.Claims["email"] != "ada@shop.example" || granted[0].Decision.Outcome != "allowed" {
		t.Errorf("Ada's: %+v", granted)
	}
	why := entries(t, running, "person=ben@shop.example&status=4xx&path=/public/kafka/**&method=get&surface=console&outcome=refused")
	if len(why) != 1 || why[0].Decision.Reason == "" || why[0].Decision.Reason != refused.header.Get("Mock-Reason") || !strings.Contains(why[0].Decision.Permission, "topicViewConfig") {
		t.Errorf("Ben's: %+v\n%v", why, refused.header)
	}
	call(t, running, "GET", "/public/v1/clusters/production/acls", tokenOf(t, running, "admin"), nil)
	call(t, running, "POST", "/idp/token", "", nil)
	if got := entries(t, running, "surface=idp&operation=token"); len(got) != 1 || got[0].Status != 400 && got[0].Status != 401 || got[0].Decision.Reason == "" {
		t.Errorf("token: %+v", got)
	}
	if got := entries(t, running, "operation=mintTokens"); len(got) != 0 && got[0].Surface != "mock" {
		t.Errorf("control: %+v", got)
	}
	for query, field := range map[string]string{
		"status=many": "status", "surface=moon": "surface", "path=topics": "path", "since=x": "since", "limit=0": "limit", "outcome=good": "outcome", "status=200&status=201": "status",
	} {
		expectStatus(t, query, mock(t, running, "GET", "/_mock/journal?"+query, nil), 400, field)
	}
	all := entries(t, running, "")
	if last := all[len(all)-1]; last.Seq != journalLast(t, running) || strings.HasPrefix(last.Path, "/_mock/journal") {
		t.Errorf("the newest is %+v, so asking for the journal fills it", last)
	}
	if got := entries(t, running, "limit=1"); len(got) != 1 || got[0].Seq != all[len(all)-1].Seq {
		t.Errorf("limit: %+v", got)
	}
	expectStatus(t, "one", mock(t, running, "GET", fmt.Sprintf("/_mock/journal/%d", all[0].Seq), nil), 200, `"seq":1,`)
	expectStatus(t, "none", mock(t, running, "GET", "/_mock/journal/999", nil), 404, "no entry 999")
	expectStatus(t, "clear", mock(t, running, "DELETE", "/_mock/journal", nil), 204)
	if got := entries(t, running, ""); len(got) != 0 {
		t.Errorf("after clearing: %+v", got)
	}
	call(t, running, "GET", "/api/health/live", "", nil)
	if got := entries(t, running, ""); len(got) != 1 || got[0].Seq != all[len(all)-1].Seq+1 {
		t.Errorf("numbers after clearing: %+v", got)
	}
}

// The ring forgets the oldest; each world has its own.
func TestJournalIsBoundedAndOfOneWorld(t *testing.T) {
	running := start(t, server.Config{JournalSize: 3})
	for range 5 {
		call(t, running, "GET", "/api/health/live", "", nil)
	}
	if got := entries(t, running, ""); len(got) != 3 || got[0].Seq != 3 {
		t.Errorf("%+v", got)
	}
	expectStatus(t, "open", mock(t, running, "POST", "/_mock/sandboxes", `{"id": "one"}`), 201)
	call(t, running, "GET", "/s/one/api/health/ready", "", nil)
	if got := entries(t, running, "path=/health/ready"); len(got) != 0 {
		t.Errorf("the sandbox's request is in the main journal: %+v", got)
	}
	var list struct{ Entries []journalEntry }
	mock(t, running, "GET", "/s/one/_mock/journal", nil).json(t, &list)
	if len(list.Entries) != 1 || list.Entries[0].Path != "/api/health/ready" || list.Entries[0].Sandbox != "one" {
		t.Errorf("the sandbox's journal: %+v", list.Entries)
	}
	off := start(t, server.Config{JournalSize: -1})
	expectStatus(t, "no journal", mock(t, off, "GET", "/_mock/journal", nil), 409, "--journal-size")
}

// wait answers with what is there already, or with what comes, or says what came
// near.
func TestJournalWait(t *testing.T) {
	running := start(t, server.Config{})
	ada := tokenOf(t, running, "ada")
	call(t, running, "GET", faultyTopics, ada, nil)
	expectStatus(t, "there already", mock(t, running, "GET", "/_mock/journal/wait?person=ada&operation=listTopic&timeout=1m", nil), 200, `"operation":"listTopic"`)
	missed := mock(t, running, "GET", "/_mock/journal/wait?person=ben&operation=listTopic&timeout=1ms", nil)
	expectStatus(t, "nobody", missed, 404, "No request fitted within 1ms", "person is ada@shop.example, wanted ben or ben@shop.example")
	expectStatus(t, "too long", mock(t, running, "GET", "/_mock/journal/wait?timeout=1h", nil), 400, "timeout")

	since := journalLast(t, running)
	got := make(chan answer, 1)
	go func() {
		got <- mock(t, running, "GET", fmt.Sprintf("/_mock/journal/wait?person=ada&since=%d&timeout=1m", since), nil)
	}()
	call(t, running, "GET", faultyTopics+"/none", ada, nil)
	expectStatus(t, "what came", <-got, 200, `"operation":"getTopic"`)
}

// subscriber reads a stream of events.
type subscriber struct {
	lines *bufio.Scanner
	close func()
}

func follow(t testing.TB, running *server.Server, client *http.Client, path string, header ...string) *subscriber {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, "GET", "http://"+running.Address()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != 200 || response.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %s", response.StatusCode, response.Header.Get("Content-Type"))
	}
	s := &subscriber{bufio.NewScanner(response.Body), func() { cancel(); response.Body.Close() }}
	s.lines.Buffer(nil, 1<<20)
	t.Cleanup(s.close)
	return s
}

// next reads one event; ok is false at the end of the stream.
func (s *subscriber) next() (name, id, data string, ok bool) {
	for s.lines.Scan() {
		field, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch {
		case s.lines.Text() == "" && name != "":
			return name, id, data, true
		case field == "event":
			name = value
		case field == "id":
			id = value
		case field == "data":
			data = value
		}
	}
	return "", "", "", false
}

func TestJournalEvents(t *testing.T) {
	running := start(t, server.Config{JournalSize: 5})
	client := &http.Client{Transport: &http.Transport{}}
	live := follow(t, running, client, "/_mock/journal/events?path=/health/ready")
	call(t, running, "GET", "/api/health/live", "", nil)
	call(t, running, "GET", "/api/health/ready", "", nil)
	name, id, data, _ := live.next()
	if name != "request" || id != "2" || !strings.Contains(data, `"path":"/api/health/ready"`) {
		t.Errorf("%s %s %s", name, id, data)
	}
	for range 8 {
		call(t, running, "GET", "/api/health/live", "", nil)
	}
	again := follow(t, running, client, "/_mock/journal/events", "Last-Event-ID", "2")
	if name, _, data, _ := again.next(); name != "lagged" || data != `{"missed":3}` {
		t.Errorf("after 10 entries in a ring of 5: %s %s", name, data)
	}
	if name, id, _, _ := again.next(); name != "request" || id != "6" {
		t.Errorf("%s %s", name, id)
	}
	expectStatus(t, "no seq", exchange(t, running, "GET", "/_mock/journal/events", http.Header{"Last-Event-Id": {"x"}}, nil), 400, "Last-Event-ID")

	expectStatus(t, "open", mock(t, running, "POST", "/_mock/sandboxes", `{"id": "one"}`), 201)
	inside := follow(t, running, client, "/s/one/_mock/journal/events")
	expectStatus(t, "close", mock(t, running, "DELETE", "/_mock/sandboxes/one", nil), 204)
	if name, _, _, _ := inside.next(); name != "closed" {
		t.Errorf("a sandbox was deleted: %s", name)
	}
}

// When the server ends, so do streams and waits: Close has nothing to wait for.
func TestJournalEndsWithTheServer(t *testing.T) {
	before := runtime.NumGoroutine()
	running, err := server.Start(server.Config{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{}}
	stream := follow(t, running, client, "/_mock/journal/events")
	waited := make(chan int, 1)
	go func() {
		response, err := client.Get("http://" + running.Address() + "/_mock/journal/wait?status=500&timeout=5m")
		if err != nil {
			waited <- 0
			return
		}
		response.Body.Close()
		waited <- response.StatusCode
	}()
	// The wait is under way by now or not yet accepted; either way it ends.
	if err := running.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if name, _, _, _ := stream.next(); name != "closed" {
		t.Errorf("the stream ended with %q", name)
	}
	if status := <-waited; status != 404 && status != 0 {
		t.Errorf("wait: %d", status)
	}
	stream.close()
	client.CloseIdleConnections()
	for range 1_000_000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		runtime.Gosched()
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}

// A thousand subscribers get each entry, and nobody's request waits for them.
func TestJournalHoldsAThousandSubscribers(t *testing.T) {
	running := start(t, server.Config{})
	client := &http.Client{Transport: &http.Transport{}}
	const count = 1000
	subscribers := make([]*subscriber, count)
	for i := range subscribers {
		subscribers[i] = follow(t, running, client, "/_mock/journal/events?path=/health/*")
	}
	var done sync.WaitGroup
	wrong := make(chan string, count)
	for _, s := range subscribers {
		done.Go(func() {
			for want := range 3 {
				if name, _, data, ok := s.next(); !ok || name != "request" || !strings.Contains(data, "/health/live") {
					wrong <- fmt.Sprintf("event %d: %s %s", want, name, data)
					return
				}
			}
		})
	}
	for range 3 {
		if got := call(t, running, "GET", "/api/health/live", "", nil); got.status != 200 {
			t.Errorf("%d", got.status)
		}
	}
	done.Wait()
	close(wrong)
	for text := range wrong {
		t.Error(text)
	}
}

// The server's limits of a minute must not end a stream or a wait.
func TestJournalLiftsTheDeadlines(t *testing.T) {
	running := start(t, server.Config{})
	for path, most := range map[string]time.Duration{"/_mock/journal/wait?timeout=3m&status=500": 2 * time.Minute, "/_mock/journal/events": 0} {
		recorder := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		ctx, cancel := context.WithCancel(t.Context())
		recorder.armed = cancel
		request := httptest.NewRequest("GET", "http://localhost"+path, nil).WithContext(ctx)
		running.Handler().ServeHTTP(recorder, request)
		cancel()
		if !recorder.readSet || most > 0 && (time.Until(recorder.read) < most || time.Until(recorder.write) < most) || most == 0 && !recorder.read.IsZero() {
			t.Errorf("%s: read %v, write %v", path, recorder.read, recorder.write)
		}
	}
}

// deadlines is a connection that remembers what is asked of it; once it has been
// given deadlines the client leaves.
type deadlines struct {
	*httptest.ResponseRecorder
	read, write time.Time
	readSet     bool
	writeSet    bool
	armed       func()
}

func (d *deadlines) SetReadDeadline(at time.Time) error {
	d.read, d.readSet = at, true
	d.leave()
	return nil
}

func (d *deadlines) SetWriteDeadline(at time.Time) error {
	d.write, d.writeSet = at, true
	d.leave()
	return nil
}

func (d *deadlines) leave() {
	if d.readSet && d.writeSet {
		d.armed()
	}
}

// HAR is what the format's readers demand.
func TestJournalHAR(t *testing.T) {
	running := start(t, server.Config{})
	call(t, running, "GET", "/api/public/self-serve/v1/application-instance?application=shop&x=1", tokenOf(t, running, "ada"), nil)
	got := mock(t, running, "GET", "/_mock/journal.har?surface=console", nil)
	expectStatus(t, "har", got, 200)
	var archive struct {
		Log struct {
			Version string
			Creator struct{ Name, Version string }
			Entries []struct {
				StartedDateTime time.Time
				Time            *float64
				Request         map[string]json.RawMessage
				Response        map[string]json.RawMessage
				Cache, Timings  map[string]json.RawMessage
			}
		}
	}
	got.json(t, &archive)
	if archive.Log.Version != "1.2" || archive.Log.Creator.Name == "" || len(archive.Log.Entries) != 1 {
		t.Fatalf("%s", got.body)
	}
	entry := archive.Log.Entries[0]
	for _, field := range []string{"method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"} {
		if entry.Request[field] == nil {
			t.Errorf("request.%s is missing", field)
		}
	}
	for _, field := range []string{"status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL", "headersSize", "bodySize"} {
		if entry.Response[field] == nil {
			t.Errorf("response.%s is missing", field)
		}
	}
	if entry.Time == nil || entry.StartedDateTime.IsZero() || entry.Cache == nil || entry.Timings["wait"] == nil || entry.Timings["send"] == nil || entry.Timings["receive"] == nil {
		t.Errorf("%s", got.body)
	}
	if want := running.URL() + "/api/public/self-serve/v1/application-instance?application=shop&x=[redacted]"; strings.ReplaceAll(string(entry.Request["url"]), `\u0026`, "&") != `"`+want+`"` {
		t.Errorf("url %s, expected %s", entry.Request["url"], want)
	}
}

// BenchmarkJournalWait measures from the end of a request to the answer of the
// wait for it.
func BenchmarkJournalWait(b *testing.B) {
	running := start(b, server.Config{})
	var worst, sum time.Duration
	rounds := 0
	for b.Loop() {
		since := journalLast(b, running)
		answered := make(chan time.Time, 1)
		go func() {
			mock(b, running, "GET", fmt.Sprintf("/_mock/journal/wait?path=/health/live&since=%d&timeout=1m", since), nil)
			answered <- time.Now()
		}()
		call(b, running, "GET", "/api/health/live", "", nil)
		done := time.Now()
		took := max(0, (<-answered).Sub(done))
		sum, worst, rounds = sum+took, max(worst, took), rounds+1
	}
	b.ReportMetric(float64(sum.Microseconds())/float64(rounds), "µs-mean")
	b.ReportMetric(float64(worst.Microseconds()), "µs-worst")
}

// BenchmarkJournal is the cost of recording: the same request with and without.
func BenchmarkJournal(b *testing.B) {
	for name, size := range map[string]int{"off": -1, "on": 1000} {
		running := start(b, server.Config{JournalSize: size})
		token := tokenOf(b, running, "ben")
		for path, token := range map[string]string{"/idp/jwks": "", "/token/v1/whoami": token} {
			b.Run(strings.TrimPrefix(path, "/")+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					serveOnce(b, running.Handler(), "GET", path, token, "")
				}
			})
		}
	}
}
