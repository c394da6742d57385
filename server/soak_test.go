package server_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/server"
)

var soakFor = flag.Duration("soak", 0, "how long TestSoak keeps the server busy, such as 10m; 0 leaves it out")

const (
	soakClients = 64
	// What may be left when all is cleaned up: the machine's own variance.
	soakHeap       = 6 << 20
	soakGoroutines = 8
)

// soak is a busy server and what is known of its answers.
type soak struct {
	base   string
	seed   string
	client *http.Client
	stop   atomic.Bool

	// disturbed is odd while somebody replaces the world, and another number
	// afterwards: what then goes wrong with credentials of before was asked for.
	disturb   sync.Mutex
	disturbed atomic.Int64

	mu       sync.Mutex
	sorts    map[string]int64
	asked    map[string]int64 // errors that were asked for, by status and reason
	failures []string
	spans    [512]int64 // answers by the logarithm of their time
}

// soakClient is one of those who keep it busy.
type soakClient struct {
	*soak
	id    int
	draw  *rand.Rand
	epoch int64 // of the flow under way
	apart bool  // the flow is in a world of its own, which nobody disturbs
	sort  string
	err   error // of the flow; nil: as it should be
}

// request calls the server and says what is not one of the statuses that it should
// answer; the flow goes on only after one of them.
func (c *soakClient) request(client *http.Client, method, path string, header http.Header, body string, statuses ...int) (answer, bool) {
	if !c.apart && c.disturbed.Load() != c.epoch {
		// The world that comes next gives the same ids to others.
		c.askedFor("flows cut short since the world was replaced")
		return answer{}, false
	}
	address := path
	if strings.HasPrefix(path, "/") {
		address = c.base + path
	}
	request, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		c.err = err
		return answer{}, false
	}
	request.Header = header.Clone()
	if request.Header == nil {
		request.Header = http.Header{}
	}
	if body != "" && request.Header.Get("Content-Type") == "" {
		request.Header.Set("Content-Type", "application/json")
	}
	began := time.Now()
	response, err := client.Do(request)
	if err != nil {
		c.err = fmt.Errorf("%s %s: %w", method, path, err)
		return answer{}, false
	}
	data, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		c.err = fmt.Errorf("%s %s: %w", method, path, err)
		return answer{}, false
	}
	c.count(time.Since(began))
	got := answer{response.StatusCode, response.Header, data}
	if slices.Contains(statuses, got.status) {
		return got, true
	}
	reason := fmt.Sprintf("%s %.200s: %d %.300s", method, path, got.status, got.body)
	switch now := c.disturbed.Load(); {
	case !c.apart && (now != c.epoch || now%2 == 1) && (got.status >= 400 && got.status < 500 || c.sort == "fault" && got.status == http.StatusServiceUnavailable):
		// A snapshot that is restored has the fault as it was before it fired.
		c.askedFor(fmt.Sprintf("%d of %s after the world was replaced", got.status, c.sort))
	default:
		c.err = fmt.Errorf("%s", reason)
	}
	return got, false
}

func (s *soak) count(took time.Duration) {
	bucket := min(max(int(math.Log(float64(took)/float64(time.Microsecond))*25), 0), len(s.spans)-1)
	atomic.AddInt64(&s.spans[bucket], 1)
}

func (s *soak) askedFor(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[what]++
}

// quantile is the time within which a part of the answers came.
func (s *soak) quantile(part float64) time.Duration {
	var all, seen int64
	for i := range s.spans {
		all += atomic.LoadInt64(&s.spans[i])
	}
	for i := range s.spans {
		if seen += atomic.LoadInt64(&s.spans[i]); float64(seen) >= part*float64(all) {
			return time.Duration(math.Exp(float64(i+1)/25) * float64(time.Microsecond))
		}
	}
	return 0
}

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

var soakPeople = []string{"admin", "ada", "ben", "chloe", "david", "elena", "farid", "gwen", "hugo", "ines"}

// token is one of a person of the world at base.
func (c *soakClient) token(base, login string) (string, bool) {
	got, ok := c.request(c.client, http.MethodPost, base+"/_mock/tokens", nil, fmt.Sprintf(`{"as":%q,"client_id":"backstage"}`, login), http.StatusOK)
	var tokens struct {
		Access string `json:"access_token"`
	}
	return tokens.Access, ok && c.decode(got, &tokens) && tokens.Access != ""
}

func (c *soakClient) decode(got answer, into any) bool {
	if err := json.Unmarshal(got.body, into); err != nil {
		c.err = fmt.Errorf("no JSON: %w: %.200s", err, got.body)
		return false
	}
	return true
}

const (
	soakCallback = "http://localhost:7007/api/auth/oidc/handler/frame"
	soakTopics   = "/public/kafka/v2/cluster/production/topic"
)

var soakHidden = regexp.MustCompile(`name="(request|token)" value="([^"]*)"`)

// signIn goes the way of a browser and of the client behind it.
func (c *soakClient) signIn() {
	login := soakPeople[1+c.draw.IntN(len(soakPeople)-1)]
	jar, err := cookiejar.New(nil)
	if err != nil {
		c.err = err
		return
	}
	browser := &http.Client{Transport: c.client.Transport, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	query := url.Values{"client_id": {"backstage"}, "redirect_uri": {soakCallback}, "response_type": {"code"},
		"scope": {"openid profile email groups offline_access"}, "state": {"s"}, "nonce": {"n"}}
	got, ok := c.request(browser, http.MethodGet, "/idp/authorize?"+query.Encode(), nil, "", http.StatusFound)
	if !ok {
		return
	}
	if got, ok = c.request(browser, http.MethodGet, got.header.Get("Location"), nil, "", http.StatusOK); !ok {
		return
	}
	form := url.Values{"login": {login}, "password": {login + "-password"}}
	for _, field := range soakHidden.FindAllStringSubmatch(string(got.body), -1) {
		form.Set(field[1], field[2])
	}
	encoded := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	if got, ok = c.request(browser, http.MethodPost, "/idp/signin", encoded, form.Encode(), http.StatusSeeOther); !ok {
		return
	}
	back, err := url.Parse(got.header.Get("Location"))
	if err != nil || back.Query().Get("code") == "" {
		c.err = fmt.Errorf("no code in %s", got.header.Get("Location"))
		return
	}
	asClient := http.Header{"Content-Type": {"application/x-www-form-urlencoded"},
		"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("backstage:backstage-secret"))}}
	tokens := struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		ID      string `json:"id_token"`
	}{}
	grant := url.Values{"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "redirect_uri": {soakCallback}}
	for round := range 3 {
		if got, ok = c.request(c.client, http.MethodPost, "/idp/token", asClient, grant.Encode(), http.StatusOK); !ok || !c.decode(got, &tokens) {
			return
		}
		if got, ok = c.request(c.client, http.MethodGet, "/idp/userinfo", bearer(tokens.Access), "", http.StatusOK); !ok {
			return
		}
		if !strings.Contains(string(got.body), login+"@shop.example") {
			c.err = fmt.Errorf("round %d: userinfo of %s: %s", round, login, got.body)
			return
		}
		if got, ok = c.request(c.client, http.MethodGet, whoamiPath, bearer(tokens.Access), "", http.StatusOK); !ok {
			return
		}
		grant = url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.Refresh}}
	}
	if _, ok = c.request(c.client, http.MethodPost, "/idp/revoke", asClient, url.Values{"token": {tokens.Refresh}}.Encode(), http.StatusOK); ok {
		c.request(browser, http.MethodGet, "/idp/logout?id_token_hint="+url.QueryEscape(tokens.ID), nil, "", http.StatusOK)
	}
}

// browse reads as people of all sorts do; who may not is refused, not failed.
func (c *soakClient) browse() {
	login := soakPeople[c.draw.IntN(len(soakPeople))]
	token, ok := c.token("", login)
	if !ok {
		return
	}
	for _, path := range []string{soakTopics, "/public/kafka/v2/cluster/staging/topic", "/public/self-serve/v1/application", "/public/iam/v2/group",
		"/public/kafka/v2/cluster/production/subject", soakTopics + "/checkout.order.placed.v1"} {
		got, ok := c.request(c.client, http.MethodGet, path, bearer(token), "", http.StatusOK, http.StatusForbidden)
		if !ok {
			return
		}
		if got.status == http.StatusForbidden {
			if login == "admin" {
				c.err = fmt.Errorf("admin is refused %s: %s", path, got.body)
				return
			}
			c.askedFor("403 of what a person may not see")
		}
	}
}

// apply puts a set of resources as the CLI does, reads them, and deletes them.
func (c *soakClient) apply() {
	token, ok := c.token("", "admin")
	if !ok {
		return
	}
	var made []string
	for i := range 4 {
		name := fmt.Sprintf("soak.%d.%d", c.id, i)
		body := fmt.Sprintf(`{"apiVersion":"v2","kind":"Topic","metadata":{"cluster":"production","name":%q},"spec":{"partitions":3,"replicationFactor":1,"configs":{"retention.ms":"%d"}}}`, name, 60000+c.draw.IntN(1000))
		if _, ok := c.request(c.client, http.MethodPut, soakTopics, bearer(token), body, http.StatusOK); !ok {
			return
		}
		made = append(made, name)
	}
	for _, name := range made {
		if _, ok := c.request(c.client, http.MethodGet, soakTopics+"/"+name, bearer(token), "", http.StatusOK); !ok {
			return
		}
	}
	for _, name := range made {
		if _, ok := c.request(c.client, http.MethodDelete, soakTopics+"/"+name, bearer(token), "", http.StatusNoContent, http.StatusOK); !ok {
			return
		}
	}
}

func (c *soakClient) login() {
	got, ok := c.request(c.client, http.MethodPost, "/login", nil, `{"username":"admin@mockduktor.example","password":"adminP4ss!"}`, http.StatusOK)
	var session struct {
		Token string `json:"access_token"`
	}
	if !ok || !c.decode(got, &session) {
		return
	}
	if got, ok = c.request(c.client, http.MethodPost, "/token/v1/admin_tokens", bearer(session.Token), fmt.Sprintf(`{"name":"soak-%d"}`, c.id), http.StatusOK, http.StatusCreated); !ok {
		return
	}
	var key struct{ ID, Token string }
	if !c.decode(got, &key) {
		return
	}
	if _, ok = c.request(c.client, http.MethodGet, whoamiPath, bearer(key.Token), "", http.StatusOK); ok {
		c.request(c.client, http.MethodDelete, "/token/v1/"+key.ID, bearer(session.Token), "", http.StatusOK, http.StatusNoContent)
	}
}

// fault makes one request go wrong, once.
func (c *soakClient) fault() {
	token, ok := c.token("", "admin")
	if !ok {
		return
	}
	// A flow that is cut short leaves its rule behind, a restored snapshot brings it back.
	id := fmt.Sprintf("soak-%d-%d", c.id, c.draw.IntN(1<<30))
	path := soakTopics + "/" + id
	rule := fmt.Sprintf(`{"id":%q,"match":{"path":%q},"times":1,"effect":{"status":503}}`, id, path)
	if _, ok = c.request(c.client, http.MethodPost, "/_mock/faults", nil, rule, http.StatusCreated); !ok {
		return
	}
	// After a reset the rule is gone and the topic, which is not there, is not found.
	got, ok := c.request(c.client, http.MethodGet, path, bearer(token), "", http.StatusServiceUnavailable)
	if ok && got.status == http.StatusServiceUnavailable {
		c.askedFor("503 of a fault")
	}
	if ok {
		if _, ok = c.request(c.client, http.MethodGet, path, bearer(token), "", http.StatusNotFound); ok {
			c.askedFor("404 of a topic after the fault")
		}
	}
	if ok = c.err == nil; ok {
		c.request(c.client, http.MethodDelete, "/_mock/faults/"+id, nil, "", http.StatusNoContent)
	}
}

// sandbox opens a world, uses it as its only owner, and closes it; some expire
// by themselves. Nothing that happens to the main world may reach it.
func (c *soakClient) sandbox() {
	expires := ""
	c.apart = true
	defer func() { c.apart = false }()
	left := c.draw.IntN(4) == 0
	if left {
		expires = `"expires_in":"1m"`
	}
	got, ok := c.request(c.client, http.MethodPost, "/_mock/sandboxes", nil, "{"+expires+"}", http.StatusCreated)
	var box struct{ ID string }
	if !ok || !c.decode(got, &box) {
		return
	}
	base := "/s/" + box.ID
	token, ok := c.token(base, "admin")
	if !ok {
		return
	}
	topic := `{"apiVersion":"v2","kind":"Topic","metadata":{"cluster":"production","name":"mine"},"spec":{"partitions":1,"replicationFactor":1}}`
	for _, step := range []struct {
		method, path, body string
		status             int
	}{
		{http.MethodGet, whoamiPath, "", http.StatusOK}, {http.MethodPut, soakTopics, topic, http.StatusOK},
		{http.MethodPost, "/_mock/clock/advance", `{"by":"10m"}`, http.StatusOK}, {http.MethodGet, soakTopics + "/mine", "", http.StatusOK},
		{http.MethodPut, "/_mock/snapshots/mine", "", http.StatusNoContent}, {http.MethodDelete, soakTopics + "/mine", "", http.StatusOK},
		{http.MethodPost, "/_mock/snapshots/mine/restore", "", http.StatusNoContent}, {http.MethodGet, soakTopics + "/mine", "", http.StatusOK},
		{http.MethodPost, "/_mock/keys/rotate", `{"alg":"ES256"}`, http.StatusOK}, {http.MethodPost, "/_mock/reset", "", http.StatusNoContent},
	} {
		statuses := []int{step.status}
		if step.method == http.MethodDelete {
			statuses = append(statuses, http.StatusNoContent)
		}
		if left {
			statuses = append(statuses, http.StatusNotFound) // its time may be over
		}
		if _, ok := c.request(c.client, step.method, base+step.path, bearer(token), step.body, statuses...); !ok {
			return
		}
	}
	if !left {
		c.request(c.client, http.MethodDelete, "/_mock/sandboxes/"+box.ID, nil, "", http.StatusNoContent)
	}
}

// watch waits for a request of its own, in the journal, whatever happens to the world.
func (c *soakClient) watch() {
	c.apart = true
	defer func() { c.apart = false }()
	path := fmt.Sprintf("/public/soak/%d/%d", c.id, c.draw.IntN(1<<30))
	waited := make(chan error, 1)
	go func() {
		response, err := c.client.Get(c.base + "/_mock/journal/wait?timeout=30s&path=" + url.QueryEscape(path))
		if err == nil {
			if response.StatusCode != http.StatusOK {
				err = fmt.Errorf("wait: %s", response.Status)
			}
			_, _ = io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
		waited <- err
	}()
	// The others may push an entry out of the journal before the wait begins to
	// look: ask until it has seen one.
	for {
		if _, ok := c.request(c.client, http.MethodGet, path, nil, "", http.StatusNotFound); ok {
			c.askedFor("404 of no such path")
		}
		select {
		case err := <-waited:
			if err != nil && c.err == nil {
				c.err = err
			}
			return
		default:
		}
	}
}

// subscribe reads a few events of the journal.
func (c *soakClient) subscribe() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/_mock/journal/events", nil)
	if err != nil {
		c.err = err
		return
	}
	response, err := c.client.Do(request)
	if err != nil {
		c.err = err
		return
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		c.err = fmt.Errorf("events: %s", response.Status)
		return
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	for events := 0; events < 3 && lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "data:") {
			events++
		}
	}
	c.err = lines.Err()
}

func (c *soakClient) explain() {
	body := fmt.Sprintf(`{"person":%q,"method":"DELETE","path":%q}`, soakPeople[c.draw.IntN(len(soakPeople))], soakTopics+"/checkout.order.placed.v1")
	c.request(c.client, http.MethodPost, "/_mock/explain", nil, body, http.StatusOK)
}

func (c *soakClient) look() {
	for _, path := range []string{"/_mock/seed", "/_mock/journal?limit=20", "/_mock/settings", "/_mock/state", "/idp/.well-known/openid-configuration", "/idp/jwks", "/docs", "/api/health/ready", "/_mock/faults"} {
		if _, ok := c.request(c.client, http.MethodGet, path, nil, "", http.StatusOK); !ok {
			return
		}
	}
}

// replace is what takes the ground from under the others; one at a time.
func (c *soakClient) replace() {
	if !c.disturb.TryLock() {
		return
	}
	defer c.disturb.Unlock()
	c.epoch = c.disturbed.Add(1)
	defer c.disturbed.Add(1)
	switch c.draw.IntN(8) {
	case 0, 1:
		c.request(c.client, http.MethodPost, "/_mock/reset", nil, "", http.StatusNoContent)
	case 2:
		c.request(c.client, http.MethodPost, "/_mock/seed/reload", nil, "", http.StatusOK)
	case 3: // another file, the same by meaning
		text, err := os.ReadFile(c.seed)
		if err == nil {
			err = os.WriteFile(c.seed, append(text, '\n'), 0o600)
		}
		c.err = err
		c.request(c.client, http.MethodPost, "/_mock/seed/reload", nil, "", http.StatusOK)
	case 4:
		c.request(c.client, http.MethodPost, "/_mock/keys/rotate", nil, `{"alg":"ES256","keep_old":false}`, http.StatusOK)
	case 5:
		c.request(c.client, http.MethodPost, "/_mock/clock/advance", nil, `{"by":"90m"}`, http.StatusOK)
	case 6:
		if _, ok := c.request(c.client, http.MethodPut, "/_mock/snapshots/soak", nil, "", http.StatusNoContent); ok {
			c.request(c.client, http.MethodPost, "/_mock/snapshots/soak/restore", nil, "", http.StatusNoContent)
		}
	case 7:
		c.request(c.client, http.MethodPut, "/_mock/clock", nil, `{"now":"2030-01-02T03:04:05Z","frozen":true}`, http.StatusOK)
		c.request(c.client, http.MethodDelete, "/_mock/clock", nil, "", http.StatusOK)
	}
}

func (c *soakClient) run() {
	flows := []struct {
		sort string
		of   int // parts of all
		do   func()
	}{
		{"sign-in", 12, c.signIn}, {"browse", 20, c.browse}, {"apply", 12, c.apply}, {"login", 6, c.login}, {"fault", 6, c.fault},
		{"sandbox", 6, c.sandbox}, {"journal wait", 6, c.watch}, {"journal events", 4, c.subscribe}, {"explain", 6, c.explain},
		{"look", 6, c.look}, {"replace", 1, c.replace},
	}
	all := 0
	for _, flow := range flows {
		all += flow.of
	}
	for !c.stop.Load() {
		at := c.draw.IntN(all)
		for _, flow := range flows {
			if at -= flow.of; at >= 0 {
				continue
			}
			c.sort, c.epoch, c.err = flow.sort, c.disturbed.Load(), nil
			flow.do()
			c.mu.Lock()
			c.sorts[flow.sort]++
			if c.err != nil {
				c.failures = append(c.failures, fmt.Sprintf("client %d, %s: %v", c.id, flow.sort, c.err))
				if len(c.failures) >= 20 {
					c.stop.Store(true)
				}
			}
			c.mu.Unlock()
			break
		}
	}
}

// busy lets all clients run for a while.
func (s *soak) busy(d time.Duration) {
	s.stop.Store(false)
	timer := time.AfterFunc(d, func() { s.stop.Store(true) })
	defer timer.Stop()
	var group sync.WaitGroup
	for id := range soakClients {
		c := &soakClient{soak: s, id: id, draw: rand.New(rand.NewPCG(uint64(id), 1))}
		group.Go(c.run)
	}
	group.Wait()
}

type soakMemory struct {
	heap, rss  int64
	goroutines int
}

func resident() (rss, peak int64) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(status)) {
		_, _ = fmt.Sscanf(line, "VmRSS: %d kB", &rss)
		_, _ = fmt.Sscanf(line, "VmHWM: %d kB", &peak)
	}
	return rss << 10, peak << 10
}

// rest ends what the soak made and tells what the process holds then.
func (s *soak) rest(t *testing.T, running *server.Server, bound *soakMemory) soakMemory {
	t.Helper()
	var boxes []struct{ ID string }
	mock(t, running, http.MethodGet, "/_mock/sandboxes", nil).json(t, &boxes)
	for _, box := range boxes {
		mock(t, running, http.MethodDelete, "/_mock/sandboxes/"+box.ID, nil)
	}
	mock(t, running, http.MethodDelete, "/_mock/snapshots/soak", nil)
	mustDo(t, mock(t, running, http.MethodPost, "/_mock/seed/reload", nil))
	mustDo(t, mock(t, running, http.MethodPost, "/_mock/reset", nil))
	mustDo(t, mock(t, running, http.MethodPost, "/_mock/state", nil))
	var now soakMemory
	// Connections end by themselves, soon after the client has let go of them.
	for deadline := time.Now().Add(15 * time.Second); ; runtime.Gosched() {
		s.client.CloseIdleConnections()
		http.DefaultClient.CloseIdleConnections()
		debug.FreeOSMemory()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		now = soakMemory{heap: int64(memory.HeapAlloc), goroutines: runtime.NumGoroutine()}
		now.rss, _ = resident()
		if time.Now().After(deadline) || bound != nil && now.goroutines <= bound.goroutines+soakGoroutines && now.heap <= bound.heap+soakHeap {
			return now
		}
	}
}

// TestSoak keeps a server busy with all that it can do, by 64 clients at once, and
// takes no answer but the right one; afterwards the process holds what it did
// before. It runs for as long as -soak says (.ci/soak).
func TestSoak(t *testing.T) {
	if *soakFor == 0 {
		t.Skip("only with -soak DURATION")
	}
	folder := t.TempDir()
	seed := filepath.Join(folder, "seed.yaml")
	seedFile(t, seed, "one", "two")
	running, err := server.Start(server.Config{Listen: "127.0.0.1:0", Seeds: []string{"default", seed}, State: filepath.Join(folder, "world")})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, running)
	s := &soak{base: running.URL(), seed: seed, sorts: map[string]int64{}, asked: map[string]int64{},
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * soakClients, IdleConnTimeout: time.Minute}, Timeout: time.Minute}}
	// Once warm: the journal is full, and what is made on first use is there.
	s.busy(min(*soakFor/4, 20*time.Second))
	before := s.rest(t, running, nil)
	if f, err := os.Create("/tmp/soak.heap0"); err == nil {
		_ = pprof.Lookup("heap").WriteTo(f, 0)
		f.Close()
	}
	clear(s.sorts)
	clear(s.asked)
	s.spans = [512]int64{}

	began := time.Now()
	s.busy(*soakFor)
	took := time.Since(began)
	held, peak := resident()
	goroutines := runtime.NumGoroutine()
	after := s.rest(t, running, &before)
	if f, err := os.Create("/tmp/soak.heap"); err == nil {
		_ = pprof.Lookup("heap").WriteTo(f, 0)
		f.Close()
	}

	var requests int64
	for i := range s.spans {
		requests += s.spans[i]
	}
	t.Logf("%d requests of %d clients in %s, %.0f a second; p50 %s, p99 %s", requests, soakClients, took.Round(time.Second), float64(requests)/took.Seconds(),
		s.quantile(0.5).Round(10*time.Microsecond), s.quantile(0.99).Round(10*time.Microsecond))
	t.Logf("flows: %v", s.sorts)
	t.Logf("errors that were asked for: %v", s.asked)
	t.Logf("resident: %.1f MiB before, %.1f at the end, peak %.1f, %.1f after; heap %.1f MiB before, %.1f after; goroutines %d before, %d at the end, %d after",
		mib(before.rss), mib(held), mib(peak), mib(after.rss), mib(before.heap), mib(after.heap), before.goroutines, goroutines, after.goroutines)
	for _, failure := range s.failures {
		t.Error(failure)
	}
	if after.goroutines > before.goroutines+soakGoroutines {
		stacks := make([]byte, 1<<16)
		t.Errorf("%d goroutines are left of it:\n%s", after.goroutines-before.goroutines, stacks[:runtime.Stack(stacks, true)])
	}
	if after.heap > before.heap+soakHeap {
		t.Errorf("%.1f MiB of heap are left of it, at most %.1f may be", mib(after.heap-before.heap), mib(soakHeap))
	}
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }
