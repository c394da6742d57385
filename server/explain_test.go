package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/console"
	"github.com/mockduktor/mockduktor/server/control"
	"github.com/mockduktor/mockduktor/server/explain"
)

const explainTopics = "/public/kafka/v2/cluster/production/topic"

// explained asks over HTTP and holds the answer to the document.
func explained(t testing.TB, running *server.Server, base string, body any) explain.Explanation {
	t.Helper()
	got := mock(t, running, http.MethodPost, base+"/_mock/explain", body)
	expectStatus(t, "explain", got, http.StatusOK)
	fitsMock(t, http.MethodPost, "/_mock/explain", got)
	var said explain.Explanation
	got.json(t, &said)
	return said
}

func fitsMock(t testing.TB, method, path string, got answer) {
	t.Helper()
	for _, problem := range openapi.Mock().ValidateAnswer(method, path, got.status, got.body) {
		t.Errorf("%s %s: %s", method, path, problem)
	}
}

func TestExplainTellsTheWholeChain(t *testing.T) {
	running := start(t, server.Config{})
	said := explained(t, running, "", object{"person": "jonas", "method": "GET", "path": explainTopics})
	if said.Verdict != explain.Filtered || said.Answer.Status != http.StatusOK || said.Request.Operation != "GET /public/kafka/v2/cluster/{cluster}/topic" {
		t.Errorf("%+v", said)
	}
	var done []string
	for _, one := range said.Credential.Checks {
		done = append(done, one.Check+" "+one.Result)
	}
	if want := []string{"present passed", "form passed", "algorithm passed", "issuer passed", "key passed", "signature passed", "times passed", "email claim passed"}; !slices.Equal(done, want) {
		t.Errorf("checks %q", done)
	}
	// Jonas is in his team by a regular expression on the group of his IdP.
	byExpression, nowhere := false, false
	for _, group := range said.Groups {
		nowhere = nowhere || len(group.MapsTo) == 0
		for _, to := range group.MapsTo {
			byExpression = byExpression || to.Name == "fulfilment-team" && to.By != "exact"
		}
	}
	if !byExpression || !nowhere {
		t.Errorf("groups %+v", said.Groups)
	}
	if user := said.User; !user.Created || len(user.Groups) != 1 || !strings.Contains(user.Groups[0].Through, "by the expression") {
		t.Errorf("user %+v", said.User)
	}
	list := said.Lists[0]
	var shown []json.RawMessage
	send(t, running, http.MethodGet, explainTopics, tokenOf(t, running, "jonas"), "", nil).json(t, &shown)
	if list.Visible != len(shown) || list.Visible == 0 || list.Total <= list.Visible || *list.All || len(list.Prefixes) == 0 || list.Needs == "" || len(list.Considered) == 0 {
		t.Errorf("list %+v, shown are %d", list, len(shown))
	}
	// Now he is known.
	if said = explained(t, running, "", object{"person": "jonas@shop.example", "method": "GET", "path": "/api" + explainTopics}); said.User.Created {
		t.Error("known, and would be created")
	}
}

func TestExplainNamesWhatIsMissingAndWhoGrantsIt(t *testing.T) {
	running := start(t, server.Config{Console: console.Settings{HideReasons: true}})
	said := explained(t, running, "", object{"person": "ines", "method": "DELETE", "path": explainTopics + "/checkout.order.placed.v1"})
	if said.Verdict != explain.Refused || said.Answer.Status != http.StatusForbidden || !strings.Contains(said.Answer.Reason, "needs topicDelete") {
		t.Errorf("%+v", said.Answer)
	}
	decision := said.Decisions[0]
	if decision.Held || len(decision.By) > 0 || !strings.Contains(decision.Needs, "topicDelete on TOPIC checkout.order.placed.v1") {
		t.Errorf("%+v", decision)
	}
	if granted := decision.GrantedBy; len(granted) != 1 || granted[0].Kind != "ownership" || granted[0].Via != "checkout-team" {
		t.Errorf("granted by %+v", granted)
	}
	said = explained(t, running, "", object{"person": "david", "method": "DELETE", "path": explainTopics + "/checkout.order.placed.v1"})
	lacking := map[string]bool{}
	for _, one := range said.Decisions[0].Considered {
		lacking[one.Lacks] = true
	}
	if !lacking["gives other permissions"] || !lacking["is about other names"] || !lacking["is about cluster staging"] {
		t.Errorf("considered %+v", said.Decisions[0].Considered)
	}
}

func TestExplainTakesEveryCredential(t *testing.T) {
	running := start(t, server.Config{})
	long := tokenOf(t, running, "ben")
	altered := long[:len(long)-4] + "AAAA"
	for name, row := range map[string]struct {
		who    object
		status int
		sort   console.Sort
		failed string // the check that fails
	}{
		"nobody":          {object{}, 401, "", "present"},
		"token":           {object{"token": long}, 200, console.SortJWT, ""},
		"altered":         {object{"token": altered}, 401, "", "signature"},
		"no token":        {object{"token": "what"}, 401, "", "known"},
		"admin key":       {object{"key": "admin-key"}, 200, console.SortAdminKey, ""},
		"instance key":    {object{"key": "checkout-key"}, 200, console.SortInstanceKey, ""},
		"assumed":         {object{"email": "zoe@shop.example", "groups": []string{"team-checkout"}}, 200, console.SortJWT, ""},
		"assumed nothing": {object{"email": "zoe@shop.example"}, 200, console.SortJWT, ""},
	} {
		t.Run(name, func(t *testing.T) {
			row.who["method"], row.who["path"] = "GET", explainTopics
			said := explained(t, running, "", row.who)
			if said.Answer.Status != row.status || said.Credential.Sort != row.sort {
				t.Errorf("status %d, sort %q", said.Answer.Status, said.Credential.Sort)
			}
			if last := lastDone(said.Credential.Checks); row.failed != "" && (last == nil || last.Check != row.failed || last.Result != "failed") {
				t.Errorf("last check %+v", last)
			}
			encoded, err := json.Marshal(said)
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{long, altered, strings.Split(long, ".")[2], "mock-admin-key"} {
				if strings.Contains(string(encoded), secret) {
					t.Errorf("the answer holds the secret %.20s", secret)
				}
			}
		})
	}
	later := explained(t, running, "", object{"email": "zoe@shop.example", "groups": []string{"team-checkout"}, "method": "GET", "path": explainTopics})
	if !later.User.Created || later.Lists[0].Visible == 0 || len(later.Groups) != 1 {
		t.Errorf("%+v", later)
	}
}

func TestExplainChangesNothing(t *testing.T) {
	running := start(t, server.Config{})
	before, err := json.Marshal(running.Pair().Export(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	body := object{"name": "explained"}
	for _, call := range []object{
		{"key": "admin-key", "method": "DELETE", "path": explainTopics + "/checkout.order.placed.v1"},
		{"key": "admin-key", "method": "POST", "path": "/token/v1/admin_tokens", "body": body},
		{"person": "admin", "method": "PUT", "path": "/public/iam/v2/group", "body": object{"apiVersion": "v2", "kind": "Group",
			"metadata": object{"name": "explained"}, "spec": object{"displayName": "Explained"}}},
		{"method": "POST", "path": "/login", "body": object{"username": "ben", "password": "ben-password"}},
		{"key": "admin-key", "method": "POST", "path": "/public/v1/certificates/tls-test", "body": object{"host": "localhost", "port": running.Address()[strings.LastIndex(running.Address(), ":")+1:]}},
	} {
		said := explained(t, running, "", call)
		if call["path"] == "/public/iam/v2/group" && said.Answer.Result != "Created" {
			t.Errorf("%+v", said.Answer)
		}
	}
	expectStatus(t, "who", mock(t, running, http.MethodPost, "/_mock/explain/who", object{"method": "DELETE", "path": "/public/iam/v2/group/checkout-team"}), http.StatusOK)
	expectStatus(t, "matrix", mock(t, running, http.MethodGet, "/_mock/explain/matrix?person=admin&samples=1", nil), http.StatusOK)
	after, err := json.Marshal(running.Pair().Export(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Error("explaining changed the world")
	}
}

// An explanation is given at the time of the world's clock, and of the sandbox.
func TestExplainKnowsTimeAndSandbox(t *testing.T) {
	running := start(t, server.Config{})
	token := tokenOf(t, running, "ben")
	running.Pair().World.Clock.Advance(24 * time.Hour)
	said := explained(t, running, "", object{"token": token, "method": "GET", "path": explainTopics})
	if said.Answer.Status != http.StatusUnauthorized || lastDone(said.Credential.Checks).Check != "times" || said.Credential.Token == nil {
		t.Errorf("%+v", said.Credential)
	}
	if skipped := said.Credential.Checks[len(said.Credential.Checks)-1]; skipped.Check != "email claim" || skipped.Result != "skipped" {
		t.Errorf("%+v", skipped)
	}
	site, err := running.OpenSandbox("explained", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	said = explained(t, running, "/s/explained", object{"person": "ben", "method": "GET", "path": site.URL + "/api" + explainTopics})
	if said.Answer.Status != http.StatusOK || !strings.Contains(said.Credential.Source, "/s/explained/idp") {
		t.Errorf("%+v", said)
	}
	said = explained(t, running, "/s/explained", object{"token": token, "method": "GET", "path": explainTopics})
	if lastDone(said.Credential.Checks).Check != "issuer" {
		t.Errorf("a token of another world: %+v", said.Credential)
	}
}

// Faults change what a request meets, not what may be done: they are left out,
// and that is said.
func TestExplainLeavesFaultsOut(t *testing.T) {
	running := start(t, server.Config{})
	ask := object{"person": "ben", "method": "GET", "path": explainTopics}
	if said := explained(t, running, "", ask); said.Faults {
		t.Error("there are no faults yet")
	}
	fault := object{"apiVersion": "mockduktor/v1", "kind": "Fault", "metadata": object{"name": "down"}, "spec": object{"effect": object{"status": 503}, "times": 1}}
	expectStatus(t, "fault", mock(t, running, http.MethodPut, "/_mock/resources/Fault", fault), http.StatusOK)
	if said := explained(t, running, "", ask); !said.Faults || said.Answer.Status != http.StatusOK {
		t.Errorf("%+v", said)
	}
	// Asking did not use it up, nor is it in the journal.
	if got := send(t, running, http.MethodGet, explainTopics, tokenOf(t, running, "ben"), "", nil); got.status != http.StatusServiceUnavailable {
		t.Errorf("status %d", got.status)
	}
	for _, entry := range running.Site().Journal.Entries(0) {
		if view := entry.View(); view.Path == explainTopics && view.Status == http.StatusOK {
			t.Errorf("%+v", view)
		}
	}
}

// The token of a person is one of the provider that the Console trusts.
func TestExplainTakesTheTrustedProvider(t *testing.T) {
	config := server.Config{Documents: seeded(t, "apiVersion: mockduktor/v1\nkind: Provider\nmetadata: {name: acme}\nspec: {profile: keycloak, realm: acme}\n")}
	config.Console.JWT.Issuer = "/realms/acme"
	running := start(t, config)
	said := explained(t, running, "", object{"person": "ben", "method": "GET", "path": explainTopics})
	if said.Answer.Status != http.StatusOK || !strings.Contains(said.Credential.Source, "/realms/acme") {
		t.Errorf("%+v", said.Credential)
	}
}

func TestExplainRefusesQuestions(t *testing.T) {
	running := start(t, server.Config{})
	with := func(changed object) object {
		body := object{"method": "GET", "path": explainTopics}
		for field, value := range changed {
			body[field] = value
		}
		return body
	}
	for _, row := range []struct {
		path string
		body any
		says string
	}{
		{"", with(object{"persn": "ben"}), "persn"},
		{"", with(object{"person": "nobody"}), "person: nobody has the login"},
		{"", with(object{"person": "kim"}), "disabled"},
		{"", with(object{"person": "ben", "token": "x"}), "token: stands beside person"},
		{"", with(object{"person": "ben", "client_id": "nope"}), "client_id: there is no client"},
		{"", with(object{"person": "ben", "client_id": "ci", "scope": "nope"}), "scope"},
		{"", with(object{"person": "ben", "provider": "nope"}), "provider: there is no Provider"},
		{"", with(object{"client_id": "backstage"}), "client_id: goes with person"},
		{"", with(object{"groups": []string{"x"}}), "groups: go with email"},
		{"", with(object{"email": "no address"}), "email: expected an e-mail address"},
		{"", with(object{"key": "no key"}), "key: there is no API key"},
		{"", with(object{"method": "BREW"}), "method"},
		{"", with(object{"path": "topics"}), "path: expected a path"},
		{"", with(object{"path": "/a b"}), "path: expected a path"},
		{"", with(object{"path": "/_mock/clock"}), "path: /_mock/clock is no path of the Console's API"},
		{"", with(object{"path": "/s/other/api"}), "its own /_mock/explain"},
		{"/who", with(object{"limit": 0}), "limit"},
		{"/who", with(object{"limit": 5000}), "limit"},
		{"/who", object{"method": "GET"}, "path"},
	} {
		got := mock(t, running, http.MethodPost, "/_mock/explain"+row.path, row.body)
		expectStatus(t, row.says, got, http.StatusBadRequest, row.says)
		fitsMock(t, http.MethodPost, "/_mock/explain"+row.path, got)
	}
	for query, says := range map[string]string{
		"person=nobody": "person: nobody who can sign in", "person=kim": "person: nobody who can sign in", "samples=0": "samples", "samples=many": "samples",
		"limit=1000": "limit", "operations=nothing-like-it": "operations: no operation", "person=ben&person=ada&limit=1": "person: 2 people are named",
	} {
		got := mock(t, running, http.MethodGet, "/_mock/explain/matrix?"+query, nil)
		expectStatus(t, query, got, http.StatusBadRequest, says)
	}
	got := exchange(t, running, http.MethodPost, "/_mock/explain", http.Header{"Content-Type": {"text/plain"}}, strings.NewReader("{}"))
	expectStatus(t, "text", got, http.StatusUnsupportedMediaType)
}

func TestExplainWho(t *testing.T) {
	running := start(t, server.Config{})
	path := explainTopics + "/checkout.order.placed.v1"
	got := mock(t, running, http.MethodPost, "/_mock/explain/who", object{"method": "DELETE", "path": path})
	expectStatus(t, "who", got, http.StatusOK)
	fitsMock(t, http.MethodPost, "/_mock/explain/who", got)
	var who explain.Who
	got.json(t, &who)
	if len(who.Allowed)+len(who.Refused) != who.Total || who.Truncated || len(who.GrantedBy) == 0 {
		t.Errorf("%+v", who)
	}
	// Every single one is put to the test.
	tried := 0
	snapshot := func() { running.Pair().World.Reset() }
	for allowed, list := range map[bool][]explain.Caller{true: who.Allowed, false: who.Refused} {
		for _, one := range list {
			if one.Person == "" {
				continue
			}
			tokens, err := control.Mint(t.Context(), running.Pair().World, running.Pair().Provider, one.Person, idp.MintRequest{ClientID: "backstage"})
			if err != nil {
				t.Fatal(err)
			}
			got := send(t, running, http.MethodDelete, path, tokens.AccessToken, "", nil)
			if (got.status == http.StatusOK) != allowed || got.status != one.Status {
				t.Errorf("%s: said %v %d, got %d", one.Person, allowed, one.Status, got.status)
			}
			tried++
			snapshot()
		}
	}
	if tried < 10 {
		t.Errorf("only %d people", tried)
	}
	got = mock(t, running, http.MethodPost, "/_mock/explain/who", object{"method": "GET", "path": explainTopics, "limit": 2})
	got.json(t, &who)
	if !who.Truncated || len(who.Allowed) != 2 || who.Allowed[0].Visible == nil {
		t.Errorf("%+v", who)
	}
}

func TestExplainMatrix(t *testing.T) {
	running := start(t, server.Config{})
	matrix := func(query string) explain.Matrix {
		got := mock(t, running, http.MethodGet, "/_mock/explain/matrix?"+query, nil)
		expectStatus(t, "matrix", got, http.StatusOK)
		fitsMock(t, http.MethodGet, "/_mock/explain/matrix", got)
		var m explain.Matrix
		got.json(t, &m)
		return m
	}
	m := matrix("person=ben&person=admin-key&operations=" + url.QueryEscape("/public/kafka/v2/cluster/{cluster}/topic"))
	cells := map[string][]explain.Cell{}
	for _, row := range m.Operations {
		name := row.Method + " " + row.Path[strings.LastIndex(row.Path, "/")+1:]
		if row.New {
			name += " new"
		}
		cells[name] = row.Cells
	}
	for name, verdicts := range map[string][2]explain.Verdict{
		"GET topic": {explain.Filtered, explain.Allowed}, "GET {topic-name}": {explain.Partly, explain.Allowed},
		"PUT topic": {explain.Partly, explain.Allowed}, "PUT topic new": {explain.Partly, explain.Allowed},
		"DELETE {topic-name}": {explain.Partly, explain.Allowed},
	} {
		if got := cells[name]; len(got) != 2 || got[0].Verdict != verdicts[0] || got[1].Verdict != verdicts[1] {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if partly := cells["DELETE {topic-name}"][0]; partly.Allowed == 0 || partly.Allowed >= partly.Tried || partly.Reason == "" || partly.At == "" {
		t.Errorf("%+v", partly)
	}
	// As everybody, every operation of the document is there.
	all := matrix("samples=1&limit=3")
	if !all.Truncated || len(all.People) != 3 || len(all.Operations) < 185 {
		t.Errorf("%d people, %d operations", len(all.People), len(all.Operations))
	}
	for _, row := range all.Operations {
		for i, cell := range row.Cells {
			if all.People[i].Person == "admin" && cell.Verdict == explain.Refused && !strings.Contains(cell.Reason, "API key") {
				t.Errorf("%s %s is refused to the admin: %s", row.Method, row.Path, cell.Reason)
			}
		}
	}
}
