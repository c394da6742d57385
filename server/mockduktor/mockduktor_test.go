package mockduktor_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/mockduktor"
)

func answered(t *testing.T, client *http.Client, address string, into any) int {
	t.Helper()
	response, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(body, into); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
	}
	return response.StatusCode
}

// scene is a small world of typed resources.
func scene() mockduktor.Option {
	return mockduktor.With(
		mockduktor.Person{Login: "ana", Groups: []string{"idp-orders"}},
		mockduktor.Group{Name: "orders", ExternalGroups: []string{"idp-orders"}, Permissions: []mockduktor.Permission{
			mockduktor.OnTopics("dev", "orders.*", "topicViewConfig"), mockduktor.OnPlatform("userView"),
			mockduktor.OnCluster("dev", "clusterViewBroker"), mockduktor.OnSubjects("dev", "orders.*", "subjectView"),
			mockduktor.OnConsumerGroups("dev", "*", "consumerGroupView"),
		}},
		mockduktor.User{Email: "bo@shop.example", Permissions: []mockduktor.Permission{mockduktor.OnTopics("dev", "bills.paid", "topicConsume")}},
		mockduktor.Cluster{Name: "dev"},
		mockduktor.Topic{Cluster: "dev", Name: "orders.placed", Partitions: 3, Labels: map[string]string{"team": "orders"}},
		mockduktor.Topic{Cluster: "dev", Name: "bills.paid", Configs: map[string]string{"retention.ms": "1"}},
		mockduktor.ConsumerGroup{Cluster: "dev", Name: "orders-reader", Members: 2, OverallLag: 7, Topics: []string{"orders.placed"}},
		mockduktor.APIKey{Name: "ci", Token: "a-key-of-this-test"},
	)
}

const topics = "/public/kafka/v2/cluster/dev/topic"

func names(t *testing.T, client *http.Client, m *mockduktor.Mock) []string {
	t.Helper()
	var list []struct{ Metadata struct{ Name string } }
	if status := answered(t, client, m.API()+topics, &list); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	var names []string
	for _, one := range list {
		names = append(names, one.Metadata.Name)
	}
	return names
}

func TestSceneOfSetters(t *testing.T) {
	t.Parallel()
	m := mockduktor.Start(t, scene())
	if got := names(t, m.As("ana"), m); fmt.Sprint(got) != "[orders.placed]" {
		t.Errorf("ana sees %v", got)
	}
	if got := names(t, m.WithToken("a-key-of-this-test"), m); len(got) != 2 {
		t.Errorf("the key sees %v", got)
	}
	m.Put(mockduktor.Topic{Cluster: "dev", Name: "orders.shipped"})
	m.PutYAML("apiVersion: v2\nkind: Topic\nmetadata: {name: orders.sent, cluster: dev}\nspec: {partitions: 1, replicationFactor: 1}\n")
	m.Delete("Topic", "orders.placed", "dev")
	if got := names(t, m.As("ana@shop.example"), m); fmt.Sprint(got) != "[orders.sent orders.shipped]" {
		t.Errorf("ana sees %v", got)
	}
	m.Reset()
	if got := names(t, m.As("ana"), m); fmt.Sprint(got) != "[orders.placed]" {
		t.Errorf("after a reset ana sees %v", got)
	}
	var discovery struct{ Issuer string }
	answered(t, m.Client(), m.Issuer()+"/.well-known/openid-configuration", &discovery)
	if discovery.Issuer != m.Issuer() {
		t.Errorf("issuer %q", discovery.Issuer)
	}
}

func TestDefaultEstateAndYAML(t *testing.T) {
	t.Parallel()
	m := mockduktor.Start(t)
	if status := answered(t, m.As("ada"), m.API()+"/public/kafka/v2/cluster/production/topic", nil); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	m = mockduktor.Start(t, mockduktor.Files("default"), mockduktor.Seed("apiVersion: mockduktor/v1\nkind: Person\nmetadata: {name: zoe}\nspec: {email: zoe@shop.example}\n"),
		mockduktor.Config(func(c *server.Config) { c.Console.HideReasons = true }))
	response, err := m.As("zoe").Get(m.API() + "/public/iam/v2/user/nobody@shop.example")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusForbidden || response.Header.Get("Mock-Reason") != "" {
		t.Errorf("%d %q", response.StatusCode, response.Header.Get("Mock-Reason"))
	}
}

// A client goes on when its token has expired; a token does not.
func TestClock(t *testing.T) {
	t.Parallel()
	m := mockduktor.Start(t, scene())
	m.Clock().Freeze()
	client, kept := m.As("ana"), m.WithToken(m.Token("ana"))
	m.Clock().Advance(48 * time.Hour)
	if status := answered(t, client, m.API()+topics, nil); status != http.StatusOK {
		t.Errorf("client: %d", status)
	}
	if status := answered(t, kept, m.API()+topics, nil); status != http.StatusUnauthorized {
		t.Errorf("token: %d", status)
	}
	m.Clock().Advance(-96 * time.Hour)
	if status := answered(t, client, m.API()+topics, nil); status != http.StatusOK {
		t.Errorf("client, before its token: %d", status)
	}
}

func TestFaultsAndJournal(t *testing.T) {
	t.Parallel()
	m := mockduktor.Start(t, scene())
	m.Put(mockduktor.Fault{Name: "down", Match: mockduktor.Request{Person: "ana", Path: "/public/**/topic"}, Times: 1, Status: 503, RetryAfter: 3})
	client := m.As("ana")
	for _, want := range []int{503, 200} {
		if status := answered(t, client, m.API()+topics, nil); status != want {
			t.Errorf("status %d, want %d", status, want)
		}
	}
	m.Put(mockduktor.Fault{Name: "down", Status: 500, Skip: 1, Latency: time.Nanosecond, Title: "Down", Message: "On purpose"})
	m.Delete("Fault", "down")
	seen := m.WaitFor(mockduktor.Request{Person: "ana", Status: "5xx"}, time.Minute)
	if seen.Fault == nil || seen.Fault.ID != "down" || seen.Principal.Email != "ana@shop.example" {
		t.Errorf("%+v", seen)
	}
	if all := m.Requests(mockduktor.Request{Method: "GET", Surface: "console", Operation: seen.Operation}); len(all) != 2 {
		t.Errorf("%d requests", len(all))
	}
}

// A token goes to the emulator alone, not where it leads.
func TestTokenStaysHome(t *testing.T) {
	t.Parallel()
	m, other := mockduktor.Start(t, scene()), mockduktor.Start(t, scene())
	if status := answered(t, m.As("ana"), other.API()+topics, nil); status != http.StatusUnauthorized {
		t.Errorf("status %d", status)
	}
	if header := other.Requests(mockduktor.Request{Status: "401"})[0].RequestHeaders["Authorization"]; header != "" {
		t.Errorf("Authorization %q", header)
	}
}

// recorder is a test that must fail.
type recorder struct {
	testing.TB
	said string
	ends []func()
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.ends = append(r.ends, f) }
func (r *recorder) Fatalf(format string, args ...any) {
	r.said = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestFailuresSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	for says, does := range map[string]func(t testing.TB){
		"spec.partitons": func(t testing.TB) {
			mockduktor.Start(t, mockduktor.Seed("apiVersion: v2\nkind: Topic\nmetadata: {name: a, cluster: b}\nspec: {partitons: 1, replicationFactor: 1}\n"))
		},
		"Cluster nowhere not found": func(t testing.TB) {
			mockduktor.Start(t, mockduktor.With(mockduktor.Topic{Cluster: "nowhere", Name: "a"}))
		},
		"no-such-file":         func(t testing.TB) { mockduktor.Start(t, mockduktor.Files("no-such-file.yaml")) },
		"nobody has the login": func(t testing.TB) { mockduktor.Start(t, scene()).As("nobody") },
		"got \"fly\"": func(t testing.TB) {
			mockduktor.Start(t, scene()).Put(mockduktor.User{Email: "x@shop.example", Permissions: []mockduktor.Permission{mockduktor.OnTopics("dev", "*", "fly")}})
		},
		"delete Topic gone: ":       func(t testing.TB) { mockduktor.Start(t, scene()).Delete("Topic", "gone", "dev") },
		"delete Topik x: ":          func(t testing.TB) { mockduktor.Start(t, scene()).Delete("Topik", "x") },
		"status: expected a status": func(t testing.TB) { mockduktor.Start(t, scene()).Requests(mockduktor.Request{Status: "many"}) },
		"What came:\nGET /nowhere: ": func(t testing.TB) {
			m := mockduktor.Start(t, scene())
			closed(m.Client().Get(m.URL() + "/nowhere"))
			m.WaitFor(mockduktor.Request{Status: "200"}, time.Nanosecond)
		},
		"no such request within 1ns (con": func(t testing.TB) { mockduktor.Start(t, scene()).WaitFor(mockduktor.Request{}, time.Nanosecond) },
	} {
		t.Run(says, func(t *testing.T) {
			r := &recorder{TB: t}
			done := make(chan struct{})
			go func() { defer close(done); does(r) }()
			<-done
			for _, end := range r.ends {
				end()
			}
			if !strings.Contains(r.said, says) {
				t.Errorf("said %q", r.said)
			}
		})
	}
}

func closed(response *http.Response, err error) {
	if err == nil {
		response.Body.Close()
	}
}

// Nothing of an emulator is left behind when its test has ended. Not parallel:
// others would be counted.
func TestLeavesNoGoroutine(t *testing.T) {
	for range 5 {
		t.Run("", func(t *testing.T) {
			m := mockduktor.Start(t, scene())
			names(t, m.As("ana"), m)
			m.WaitFor(mockduktor.Request{Person: "ana"}, time.Minute)
		})
	}
	// Connections end a moment after they were closed.
	left := ""
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); runtime.Gosched() {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		left = ""
		for _, one := range strings.Split(string(stacks), "\n\n")[1:] {
			if strings.Contains(one, "mockduktor") && !strings.Contains(one, "testing.(*T).Run") || strings.Contains(one, "net/http.") {
				left = one
			}
		}
		if left == "" {
			return
		}
	}
	t.Errorf("left behind:\n%s", left)
}

func BenchmarkStart(b *testing.B) {
	for name, options := range map[string][]mockduktor.Option{"scene": {scene()}, "default": nil} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r := &recorder{TB: b}
				mockduktor.Start(r, options...)
				for _, end := range r.ends {
					end()
				}
			}
		})
	}
}
