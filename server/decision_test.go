package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/console"
)

// The root admin of the estate in testdata/decision; not one of its people.
const (
	decisionRoot         = "root@decide.example"
	decisionRootPassword = "Decide-1-root"
)

// startDecision serves the estate of testdata/decision. token gives the bearer
// token of a person (by login, over the identity provider), of an API key
// ("key:ci"), of a login session of the Console ("session:pia", "session:root"),
// or what is no credential ("none", "garbage").
func startDecision(t *testing.T) (baseURL string, token func(person string) string) {
	t.Helper()
	s, err := server.Start(server.Config{
		Listen: "127.0.0.1:0",
		Seeds:  []string{"testdata/decision"},
		Console: console.Settings{
			AdminEmail: decisionRoot, AdminPassword: decisionRootPassword,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	tokens := map[string]string{"none": "", "garbage": "neither.a.token"}
	return s.URL(), func(person string) string {
		if known, ok := tokens[person]; ok {
			return known
		}
		sort, name, _ := strings.Cut(person, ":")
		switch sort {
		case "key":
			tokens[person] = "decision-key-" + name
		case "session":
			tokens[person] = decisionSession(t, s.URL(), name)
		default:
			tokens[person] = decisionSignIn(t, s.URL(), person)
		}
		return tokens[person]
	}
}

// decisionSignIn takes the endpoint from the issuer's discovery document.
func decisionSignIn(t *testing.T, base, login string) string {
	t.Helper()
	var discovery struct {
		TokenEndpoint string `json:"token_endpoint"`
	}
	decisionDecode(t, decisionDo(t, http.MethodGet, base+"/idp/.well-known/openid-configuration", "", "", ""), &discovery)
	form := url.Values{
		"grant_type": {"password"}, "username": {login}, "password": {"Decide-1-" + login},
		"client_id": {"decision"}, "client_secret": {"decision-secret"}, "scope": {"openid profile email groups"},
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	got := decisionDo(t, http.MethodPost, discovery.TokenEndpoint, "", "application/x-www-form-urlencoded", form.Encode())
	decisionDecode(t, got, &answer)
	if answer.AccessToken == "" {
		t.Fatalf("no token for %s: %d %s", login, got.status, got.body)
	}
	return answer.AccessToken
}

func decisionSession(t *testing.T, base, login string) string {
	t.Helper()
	body := fmt.Sprintf(`{"username":%q,"password":%q}`, login+"@decide.example", "Decide-1-"+login)
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	got := decisionDo(t, http.MethodPost, base+"/api/login", "", "application/json", body)
	decisionDecode(t, got, &answer)
	if answer.AccessToken == "" {
		t.Fatalf("no session for %s: %d %s", login, got.status, got.body)
	}
	return answer.AccessToken
}

type decisionAnswer struct {
	status int
	reason string // the Mock-Reason header
	body   string
}

func decisionDo(t *testing.T, method, address, token, contentType, body string) decisionAnswer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return decisionAnswer{response.StatusCode, response.Header.Get("Mock-Reason"), string(content)}
}

func decisionDecode(t *testing.T, got decisionAnswer, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(got.body), into); err != nil {
		t.Fatalf("%d with a body that is no such JSON: %v: %s", got.status, err, got.body)
	}
}

// decisionCall is one request. Paths are below /api.
type decisionCall struct {
	text         string
	method, path string
	body         string
	// affected is what the call is about: read by an admin before and after, to
	// see whether something changed.
	affected string
	changes  bool // an allowed call changes what is affected
	upsert   string
	status   int // of an allowed call
	// tokenLabel: the path ends in the id of this token, found in the affected list.
	tokenLabel string
}

func listing(text, path string) decisionCall {
	return decisionCall{text: "lists " + text, method: http.MethodGet, path: path, status: http.StatusOK}
}

func reading(text, path string) decisionCall {
	return decisionCall{text: "gets " + text, method: http.MethodGet, path: path, status: http.StatusOK}
}

func putting(what, upsert, list, name, body string) decisionCall {
	return decisionCall{text: "puts " + what + " " + name, method: http.MethodPut, path: list, body: body,
		affected: list + "/" + name, changes: true, upsert: upsert, status: http.StatusOK}
}

func deleting(what, path string) decisionCall {
	return decisionCall{text: "deletes " + what, method: http.MethodDelete, path: path, affected: path, changes: true, status: http.StatusOK}
}

// dry turns a PUT into a dry run of it: the same answer, nothing stored.
func dry(c decisionCall) decisionCall {
	c.text = "dry: " + c.text
	c.path += "?dryMode=true"
	c.changes = false
	return c
}

func topicsPath(cluster string) string { return "/public/kafka/v2/cluster/" + cluster + "/topic" }

func listTopics(cluster string) decisionCall {
	return listing("topics of "+cluster, topicsPath(cluster))
}

func getTopic(cluster, name string) decisionCall {
	return reading("topic "+name+" of "+cluster, topicsPath(cluster)+"/"+name)
}

func topicBody(cluster, name, retention string) string {
	return fmt.Sprintf(`{"apiVersion":"v2","kind":"Topic","metadata":{"name":%q,"cluster":%q},"spec":{"partitions":1,"replicationFactor":1,"configs":{"retention.ms":%q}}}`, name, cluster, retention)
}

func newTopic(cluster, name string) decisionCall {
	return putting("new topic of "+cluster, "Created", topicsPath(cluster), name, topicBody(cluster, name, "60000"))
}

func changeTopic(cluster, name string) decisionCall {
	return putting("changed topic of "+cluster, "Updated", topicsPath(cluster), name, topicBody(cluster, name, "7200000"))
}

func deleteTopic(cluster, name string) decisionCall {
	return deleting("topic "+name+" of "+cluster, topicsPath(cluster)+"/"+name)
}

func pageTopics(cluster string) decisionCall {
	return decisionCall{text: "pages topics of " + cluster, method: http.MethodPost, path: "/public/v1/clusters/" + cluster + "/topics",
		body: `{"page":1,"itemsPerPage":100,"sort":"ByName"}`, status: http.StatusOK}
}

func pageConsumerGroups(cluster string) decisionCall {
	return decisionCall{text: "pages consumer groups of " + cluster, method: http.MethodPost, path: "/public/v1/clusters/" + cluster + "/consumergroups",
		body: `{"page":1,"itemsPerPage":100,"sort":"ByName"}`, status: http.StatusOK}
}

const (
	usersPath        = "/public/iam/v2/user"
	groupsPath       = "/public/iam/v2/group"
	clustersPath     = "/public/console/v2/kafka-cluster"
	applicationsPath = "/public/self-serve/v1/application"
	instancesPath    = "/public/self-serve/v1/application-instance"
	adminTokensPath  = "/token/v1/admin_tokens"
)

func userBody(email, firstName string) string {
	return fmt.Sprintf(`{"apiVersion":"v2","kind":"User","metadata":{"name":%q},"spec":{"firstName":%q,"permissions":[]}}`, email, firstName)
}

func newUser(email string) decisionCall {
	return putting("new user", "Created", usersPath, email, userBody(email, "New"))
}

func changeUser(email string) decisionCall {
	return putting("changed user", "Updated", usersPath, email, userBody(email, "Changed"))
}

func groupBody(name, displayName string) string {
	return fmt.Sprintf(`{"apiVersion":"v2","kind":"Group","metadata":{"name":%q},"spec":{"displayName":%q,"members":[],"permissions":[]}}`, name, displayName)
}

func newGroup(name string) decisionCall {
	return putting("new group", "Created", groupsPath, name, groupBody(name, "New"))
}

func changeGroup(name string) decisionCall {
	return putting("changed group", "Updated", groupsPath, name, groupBody(name, "Changed"))
}

func clusterBody(name, displayName string) string {
	return fmt.Sprintf(`{"apiVersion":"v2","kind":"KafkaCluster","metadata":{"name":%q},"spec":{"displayName":%q,"bootstrapServers":"kafka:9092"}}`, name, displayName)
}

func newCluster(name string) decisionCall {
	return putting("new cluster", "Created", clustersPath, name, clusterBody(name, "New"))
}

func changeCluster(name string) decisionCall {
	return putting("changed cluster", "Updated", clustersPath, name, clusterBody(name, "Changed"))
}

func applicationBody(name, title, owner string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"Application","metadata":{"name":%q},"spec":{"title":%q,"owner":%q}}`, name, title, owner)
}

func newApplication(name string) decisionCall {
	return putting("new application", "Created", applicationsPath, name, applicationBody(name, "New", "checkout-owners"))
}

func changeApplication(name string) decisionCall {
	return putting("changed application", "Updated", applicationsPath, name, applicationBody(name, "Changed", "checkout-owners"))
}

func instanceBody(name, application, prefix string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"ApplicationInstance","metadata":{"name":%q,"application":%q},"spec":{"cluster":"dev","resources":[{"type":"TOPIC","name":%q,"patternType":"PREFIXED"}]}}`, name, application, prefix)
}

func newInstance(name string) decisionCall {
	return putting("new application instance", "Created", instancesPath, name, instanceBody(name, "checkout", "new."))
}

func changeInstance(name string) decisionCall {
	return putting("changed application instance", "Updated", instancesPath, name, instanceBody(name, "ship", "shipping."))
}

func instanceTokensPath(instance string) string {
	return "/token/v1/application_instance_tokens/" + instance
}

func makeToken(path string) decisionCall {
	return decisionCall{text: "makes a token at " + path, method: http.MethodPost, path: path, body: `{"name":"made"}`,
		affected: path, changes: true, status: http.StatusCreated}
}

func deleteToken(list, label string) decisionCall {
	return decisionCall{text: "deletes token " + label, method: http.MethodDelete, path: "/token/v1/", tokenLabel: label,
		affected: list, changes: true, status: http.StatusNoContent}
}

var whoAmI = reading("whoami", "/token/v1/whoami")

// decisionWant is what must come: allowed, filtered to exact names, allowed with
// these fields, or refused.
type decisionWant struct {
	allowed   bool
	names     []string // nil: not a list
	fields    map[string]string
	status    int
	fragments []string
}

func allowed() decisionWant { return decisionWant{allowed: true} }

func names(list ...string) decisionWant {
	sorted := append([]string{}, list...)
	slices.Sort(sorted)
	return decisionWant{allowed: true, names: sorted}
}

func fields(pairs ...string) decisionWant {
	want := decisionWant{allowed: true, fields: map[string]string{}}
	for i := 0; i < len(pairs); i += 2 {
		want.fields[pairs[i]] = pairs[i+1]
	}
	return want
}

func refused(status int, fragments ...string) decisionWant {
	return decisionWant{status: status, fragments: fragments}
}

type decisionRow struct {
	who  string
	call decisionCall
	want decisionWant
}

var allOfDev = []string{"Checkout.paid", "billing.invoice", "billing.ledger", "checkout", "checkout.internal.audit", "checkout.open",
	"checkout.paid", "checkout.paid.dlq", "mail.queue", "mail.sent", "old-checkout.paid", "ops.events", "ship.label"}

var ofCheckout = []string{"checkout.internal.audit", "checkout.open", "checkout.paid", "checkout.paid.dlq"}

var allApplications = []string{"billing", "checkout", "mail", "ship", "spare"}

var allInstances = []string{"billing-dev", "checkout-dev", "mail-dev", "mail-prod", "ship-dev"}

var allGroups = []string{"admin", "billing-owners", "checkout-editors", "checkout-owners", "connection-managers", "creators", "dev-watchers",
	"external-checkout", "external-ops", "mail-everywhere", "mail-owners", "readers", "ship-owners", "spare", "united-readers", "united-writers",
	"user-managers", "user-viewers"}

// decisionRows is written from the Console API reference (RBAC names, evaluation,
// what each permission allows, sorts of bearer token), with its inferences as the
// rule. Where the reference leaves a choice, the choice is noted.
var decisionRows = []decisionRow{
	// Nobody: 401 before anything else.
	{"none", listTopics("dev"), refused(401, "not authenticated")},
	{"garbage", listTopics("dev"), refused(401, "not authenticated")},
	{"none", listTopics("nope"), refused(401, "not authenticated")},
	{"none", whoAmI, refused(401, "not authenticated")},
	{"garbage", newTopic("dev", "checkout.new"), refused(401, "not authenticated")},
	{"none", pageTopics("dev"), refused(401, "not authenticated")},

	// Topic, list: filtered to what one of topicViewConfig, topicConsume and
	// topicProduce covers; never 403.
	{"alma", listTopics("dev"), names(allOfDev...)},
	{"key:admin", listTopics("dev"), names(allOfDev...)},
	{"session:root", listTopics("dev"), names(allOfDev...)},
	{"lena", listTopics("dev"), names("checkout.paid")},
	{"lena", listTopics("prod"), names()},
	{"pia", listTopics("dev"), names(ofCheckout...)},
	{"session:pia", listTopics("dev"), names(ofCheckout...)},
	{"pia", listTopics("prod"), names()},
	{"stan", listTopics("dev"), names(allOfDev...)},
	{"stan", listTopics("prod"), names()},
	{"clara", listTopics("dev"), names("mail.queue", "mail.sent")},
	{"clara", listTopics("prod"), names("mail.queue", "mail.sent")},
	{"clara", listTopics("lab"), names()},
	{"cody", listTopics("dev"), names()}, // topicCreate alone shows nothing
	{"uma", listTopics("prod"), names("mail.sent")},
	{"uma", listTopics("dev"), names()},
	{"tom", listTopics("dev"), names(append([]string{"mail.sent"}, ofCheckout...)...)},
	{"olga", listTopics("dev"), names(ofCheckout...)},
	{"olga", listTopics("prod"), names()},
	{"liam", listTopics("dev"), names("billing.invoice", "billing.ledger")},
	{"gus", listTopics("dev"), names("checkout.paid", "mail.queue", "mail.sent")}, // owned, and subscribed by READ
	{"gus", listTopics("prod"), names()},                                          // the application's other instance is not in the group's list
	{"rita", listTopics("dev"), names("checkout.paid", "mail.queue", "mail.sent")},
	{"rita", listTopics("prod"), names("mail.sent")},
	{"wes", listTopics("dev"), names("checkout.open", "ship.label")}, // userPermission NONE shows nothing
	{"eva", listTopics("dev"), names("checkout.paid", "checkout.paid.dlq")},
	{"carl", listTopics("dev"), names("checkout.paid", "checkout.paid.dlq")},
	{"rex", listTopics("dev"), names("ops.events")},
	{"rex", listTopics("prod"), names("ops.events")},
	{"xeno", listTopics("dev"), names()}, // external groups are exact and case-sensitive, so is the expression, and anchored
	{"nora", listTopics("dev"), names()},
	{"key:checkout-dev", listTopics("dev"), names(ofCheckout...)},
	{"key:checkout-dev", listTopics("prod"), names()},
	{"key:billing-dev", listTopics("dev"), names("billing.invoice", "billing.ledger")},
	{"ken", listTopics("dev"), names(ofCheckout...)}, // the API key in the claim wins over the e-mail
	{"pia", listTopics("nope"), refused(404, "nope")},
	{"nora", listTopics("nope"), refused(404, "nope")},
	{"alma", listTopics("nope"), refused(404, "nope")},

	// Topic, get one. The reference leaves 403 or 404 open for what exists and is
	// not visible: 403.
	{"lena", getTopic("dev", "checkout.paid"), allowed()},
	{"lena", getTopic("dev", "checkout.open"), refused(403, "topicViewConfig", "TOPIC checkout.open on cluster dev", "group checkout-editors")},
	{"lena", getTopic("dev", "checkout.paid.dlq"), refused(403, "TOPIC checkout.paid.dlq on cluster dev")},
	{"lena", getTopic("prod", "checkout.paid"), refused(403, "TOPIC checkout.paid on cluster prod")},
	{"pia", getTopic("dev", "checkout"), refused(403, "TOPIC checkout on cluster dev", "group dev-watchers")},
	{"pia", getTopic("dev", "Checkout.paid"), refused(403, "TOPIC Checkout.paid on cluster dev")},
	{"pia", getTopic("dev", "old-checkout.paid"), refused(403, "TOPIC old-checkout.paid on cluster dev")},
	{"pia", getTopic("dev", "checkout.nope"), refused(404, "checkout.nope")},
	{"pia", getTopic("nope", "checkout.paid"), refused(404, "nope")},
	{"alma", getTopic("dev", "nope"), refused(404, "nope")},
	{"session:pia", getTopic("dev", "checkout.open"), allowed()},
	{"stan", getTopic("dev", "ship.label"), allowed()},
	{"clara", getTopic("prod", "mail.sent"), allowed()},
	{"clara", getTopic("prod", "ops.events"), refused(403, "TOPIC ops.events on cluster prod", "group external-ops")},
	{"cody", getTopic("dev", "checkout.paid"), refused(403, "topicCreate", "TOPIC checkout.paid on cluster dev")}, // the reason says what he does hold
	{"uma", getTopic("prod", "mail.sent"), allowed()},
	{"uma", getTopic("dev", "mail.sent"), refused(403, "TOPIC mail.sent on cluster dev")},
	{"olga", getTopic("dev", "checkout.internal.audit"), allowed()},
	{"olga", getTopic("dev", "billing.invoice"), refused(403, "TOPIC billing.invoice on cluster dev", "billing-owners")},
	{"liam", getTopic("dev", "billing.ledger"), allowed()},
	{"rita", getTopic("dev", "checkout.paid"), allowed()},
	{"rita", getTopic("dev", "checkout.open"), refused(403, "TOPIC checkout.open on cluster dev")},
	{"wes", getTopic("dev", "checkout.internal.audit"), refused(403, "TOPIC checkout.internal.audit on cluster dev")},
	{"nora", getTopic("dev", "checkout.paid"), refused(403, "TOPIC checkout.paid on cluster dev")},
	{"key:checkout-dev", getTopic("dev", "checkout.paid"), allowed()},
	{"key:checkout-dev", getTopic("dev", "mail.sent"), refused(403, "TOPIC mail.sent on cluster dev")},

	// Topic, put new: topicCreate.
	{"alma", newTopic("dev", "any.new"), allowed()},
	{"key:admin", newTopic("lab", "any.new"), allowed()}, // an admin key bypasses application owners
	{"pia", newTopic("dev", "checkout.new"), allowed()},
	{"pia", newTopic("dev", "mail.new"), refused(403, "topicCreate on TOPIC mail.new on cluster dev", "mail-owners")},
	{"pia", newTopic("prod", "checkout.new"), refused(403, "topicCreate on TOPIC checkout.new on cluster prod")},
	{"pia", newTopic("nope", "checkout.new"), refused(404, "Cluster nope not found")},
	{"cody", newTopic("dev", "checkout.new"), allowed()},
	{"stan", newTopic("dev", "checkout.new"), refused(403, "topicCreate on TOPIC checkout.new on cluster dev")},
	{"tom", newTopic("dev", "checkout.new"), refused(403, "topicCreate on TOPIC checkout.new on cluster dev", "group creators")},
	{"olga", newTopic("dev", "checkout.new"), allowed()},
	{"olga", newTopic("prod", "checkout.new"), refused(403, "topicCreate on TOPIC checkout.new on cluster prod")},
	{"liam", newTopic("dev", "billing.new"), refused(403, "topicCreate on TOPIC billing.new on cluster dev")},
	{"rita", newTopic("dev", "mail.new"), allowed()},
	{"gus", newTopic("dev", "mail.new"), refused(403, "topicCreate on TOPIC mail.new on cluster dev")},
	{"nora", newTopic("dev", "checkout.new"), refused(403, "topicCreate on TOPIC checkout.new on cluster dev")},
	{"key:checkout-dev", newTopic("dev", "checkout.new"), allowed()},
	{"key:checkout-dev", newTopic("dev", "mail.new"), refused(403, "topicCreate on TOPIC mail.new on cluster dev")},
	{"key:billing-dev", newTopic("dev", "billing.new"), refused(403, "topicCreate on TOPIC billing.new on cluster dev")},

	// Topic, put changed: topicEditConfig.
	{"alma", changeTopic("dev", "billing.invoice"), allowed()},
	{"key:admin", changeTopic("prod", "mail.sent"), allowed()},
	{"pia", changeTopic("dev", "checkout.paid"), allowed()},
	{"session:pia", changeTopic("dev", "checkout.open"), allowed()},
	{"lena", changeTopic("dev", "checkout.paid"), refused(403, "topicEditConfig on TOPIC checkout.paid on cluster dev", "topicViewConfig", "group checkout-editors", "group united-writers")},
	{"cody", changeTopic("dev", "checkout.paid"), refused(403, "topicEditConfig on TOPIC checkout.paid on cluster dev")}, // topicCreate is not enough for what exists
	{"stan", changeTopic("dev", "checkout.paid"), refused(403, "topicEditConfig on TOPIC checkout.paid on cluster dev")},
	{"tom", changeTopic("dev", "checkout.paid"), allowed()}, // seen through one group, changed through the other
	{"tom", changeTopic("dev", "checkout.open"), refused(403, "topicEditConfig on TOPIC checkout.open on cluster dev")},
	{"tom", changeTopic("dev", "mail.sent"), refused(403, "topicEditConfig on TOPIC mail.sent on cluster dev")},
	{"uma", changeTopic("prod", "mail.sent"), allowed()},
	{"olga", changeTopic("dev", "checkout.paid"), allowed()},
	{"liam", changeTopic("dev", "billing.invoice"), refused(403, "topicEditConfig on TOPIC billing.invoice on cluster dev")},
	{"gus", changeTopic("dev", "mail.sent"), allowed()},
	{"gus", changeTopic("dev", "checkout.paid"), refused(403, "topicEditConfig on TOPIC checkout.paid on cluster dev")}, // choice: a group has no more on what is subscribed than READ gives
	{"rita", changeTopic("dev", "mail.sent"), allowed()},
	{"rita", changeTopic("prod", "mail.sent"), refused(403, "topicEditConfig on TOPIC mail.sent on cluster prod", "user uma@decide.example")}, // LIMITED there
	{"rita", changeTopic("dev", "checkout.paid"), refused(403, "topicEditConfig on TOPIC checkout.paid on cluster dev")},
	{"wes", changeTopic("dev", "checkout.open"), refused(403, "topicEditConfig on TOPIC checkout.open on cluster dev")}, // choice: WRITE produces, it does not reconfigure
	{"key:checkout-dev", changeTopic("dev", "checkout.paid"), allowed()},
	{"key:billing-dev", changeTopic("dev", "billing.invoice"), refused(403, "topicEditConfig on TOPIC billing.invoice on cluster dev")},

	// Topic, delete: topicDelete.
	{"alma", deleteTopic("dev", "ship.label"), allowed()},
	{"pia", deleteTopic("dev", "checkout.open"), allowed()},
	{"pia", deleteTopic("dev", "checkout.nope"), refused(404, "checkout.nope")},
	{"lena", deleteTopic("dev", "checkout.paid"), refused(403, "topicDelete on TOPIC checkout.paid on cluster dev")},
	{"cody", deleteTopic("dev", "checkout.paid"), refused(403, "topicDelete on TOPIC checkout.paid on cluster dev")},
	{"olga", deleteTopic("dev", "checkout.open"), allowed()},
	{"liam", deleteTopic("dev", "billing.ledger"), refused(403, "topicDelete on TOPIC billing.ledger on cluster dev")},
	{"gus", deleteTopic("dev", "mail.sent"), refused(403, "topicDelete on TOPIC mail.sent on cluster dev")},
	{"wes", deleteTopic("dev", "checkout.open"), refused(403, "topicDelete on TOPIC checkout.open on cluster dev")},
	{"wes", deleteTopic("dev", "ship.label"), allowed()},
	{"nora", deleteTopic("dev", "checkout.paid"), refused(403, "topicDelete on TOPIC checkout.paid on cluster dev")},
	{"key:checkout-dev", deleteTopic("dev", "checkout.open"), allowed()},
	{"key:billing-dev", deleteTopic("dev", "billing.ledger"), refused(403, "topicDelete on TOPIC billing.ledger on cluster dev")},

	// Topic, dry run: the same permissions, nothing stored.
	{"pia", dry(newTopic("dev", "checkout.new")), allowed()},
	{"pia", dry(changeTopic("dev", "checkout.paid")), allowed()},
	{"lena", dry(newTopic("dev", "checkout.new")), refused(403, "topicCreate on TOPIC checkout.new on cluster dev")},
	{"lena", dry(changeTopic("dev", "checkout.paid")), refused(403, "topicEditConfig on TOPIC checkout.paid on cluster dev")},
	{"olga", dry(newTopic("dev", "checkout.new")), allowed()},
	{"liam", dry(changeTopic("dev", "billing.invoice")), refused(403, "topicEditConfig on TOPIC billing.invoice on cluster dev")},
	{"key:checkout-dev", dry(newTopic("dev", "checkout.new")), allowed()},
	{"key:admin", dry(newTopic("nope", "any.new")), refused(404, "Cluster nope not found")},

	// The v1 list of topics: the same topics as the kind's list.
	{"alma", pageTopics("dev"), names(allOfDev...)},
	{"lena", pageTopics("dev"), names("checkout.paid")},
	{"pia", pageTopics("dev"), names(ofCheckout...)},
	{"stan", pageTopics("dev"), names(allOfDev...)},
	{"clara", pageTopics("prod"), names("mail.queue", "mail.sent")},
	{"cody", pageTopics("dev"), names()},
	{"tom", pageTopics("dev"), names(append([]string{"mail.sent"}, ofCheckout...)...)},
	{"gus", pageTopics("dev"), names("checkout.paid", "mail.queue", "mail.sent")},
	{"wes", pageTopics("dev"), names("checkout.open", "ship.label")},
	{"carl", pageTopics("dev"), names("checkout.paid", "checkout.paid.dlq")},
	{"nora", pageTopics("dev"), names()},
	{"pia", pageTopics("nope"), refused(404, "nope")},

	// The v1 list of consumer groups: consumerGroupView, nothing else.
	{"alma", pageConsumerGroups("dev"), names("billing.worker", "checkout.retry", "checkout.worker", "mail.sender")},
	{"lena", pageConsumerGroups("dev"), names("checkout.worker")}, // consumerGroupReset shows nothing
	{"pia", pageConsumerGroups("dev"), names("checkout.retry", "checkout.worker")},
	{"stan", pageConsumerGroups("dev"), names("billing.worker", "checkout.retry", "checkout.worker", "mail.sender")},
	{"stan", pageConsumerGroups("prod"), names()},
	{"clara", pageConsumerGroups("prod"), names("checkout.worker")},
	{"uma", pageConsumerGroups("prod"), names("checkout.worker")},
	{"olga", pageConsumerGroups("dev"), names("checkout.retry", "checkout.worker")},
	{"liam", pageConsumerGroups("dev"), names("billing.worker")}, // LIMITED keeps consumerGroupView
	{"gus", pageConsumerGroups("dev"), names()},                  // the group lists topics only
	{"wes", pageConsumerGroups("dev"), names()},
	{"nora", pageConsumerGroups("dev"), names()},
	{"nora", pageConsumerGroups("nope"), refused(404, "nope")},

	// User: read userView, write userManage.
	{"pia", listing("users", usersPath), names()},
	{"pia", reading("user uma", usersPath+"/uma@decide.example"), refused(403, "userView on PLATFORM", "group user-viewers")},
	{"vera", reading("user uma", usersPath+"/uma@decide.example"), allowed()},
	{"vera", reading("user nope", usersPath+"/nope@decide.example"), refused(404, "nope@decide.example")},
	{"vera", newUser("zoe@decide.example"), refused(403, "userManage on PLATFORM", "group user-managers")},
	{"vera", changeUser("uma@decide.example"), refused(403, "userManage on PLATFORM")},
	{"vera", deleting("user uma", usersPath+"/uma@decide.example"), refused(403, "userManage on PLATFORM")},
	{"mara", newUser("zoe@decide.example"), allowed()},
	{"mara", changeUser("uma@decide.example"), allowed()},
	{"mara", dry(newUser("zoe@decide.example")), allowed()},
	{"mara", deleting("user uma", usersPath+"/uma@decide.example"), allowed()},
	{"alma", newUser("zoe@decide.example"), allowed()},
	{"nora", dry(newUser("zoe@decide.example")), refused(403, "userManage on PLATFORM")},
	{"olga", newUser("zoe@decide.example"), refused(403, "userManage on PLATFORM")},
	{"key:checkout-dev", listing("users", usersPath), refused(403, "checkout-dev")},
	{"key:checkout-dev", newUser("zoe@decide.example"), refused(403, "checkout-dev")},

	// Group: the same two permissions.
	{"vera", listing("groups", groupsPath), names(allGroups...)},
	{"key:admin", listing("groups", groupsPath), names(allGroups...)},
	{"olga", listing("groups", groupsPath), names()}, // being a member shows nothing
	{"olga", reading("group checkout-owners", groupsPath+"/checkout-owners"), refused(403, "userView on PLATFORM")},
	{"mara", reading("group spare", groupsPath+"/spare"), allowed()},
	{"mara", newGroup("brand-new"), allowed()},
	{"mara", changeGroup("readers"), allowed()},
	{"mara", deleting("group readers", groupsPath+"/readers"), allowed()},
	{"vera", newGroup("brand-new"), refused(403, "userManage on PLATFORM")},
	{"vera", deleting("group readers", groupsPath+"/readers"), refused(403, "userManage on PLATFORM")},
	{"pia", changeGroup("checkout-editors"), refused(403, "userManage on PLATFORM")},
	{"session:root", changeGroup("readers"), allowed()},
	{"key:checkout-dev", reading("group spare", groupsPath+"/spare"), refused(403, "checkout-dev")},

	// KafkaCluster: seen by whoever has any permission on something in it;
	// clusterConnectionsManage writes.
	{"alma", listing("clusters", clustersPath), names("dev", "lab", "prod")},
	{"lena", listing("clusters", clustersPath), names("dev")},
	{"clara", listing("clusters", clustersPath), names("dev", "lab", "prod")}, // the cluster star reaches the empty one
	{"cody", listing("clusters", clustersPath), names("dev")},                 // any permission, topicCreate too
	{"uma", listing("clusters", clustersPath), names("prod")},
	{"olga", listing("clusters", clustersPath), names("dev")},
	{"rita", listing("clusters", clustersPath), names("dev", "prod")},
	{"gus", listing("clusters", clustersPath), names("dev")},
	{"rex", listing("clusters", clustersPath), names("dev", "lab", "prod")},
	{"vera", listing("clusters", clustersPath), names()}, // a platform permission is in no cluster
	{"nora", listing("clusters", clustersPath), names()},
	{"lena", reading("cluster dev", clustersPath+"/dev"), allowed()},
	{"lena", reading("cluster prod", clustersPath+"/prod"), refused(403, "prod")},
	{"nora", reading("cluster dev", clustersPath+"/dev"), refused(403, "dev")},
	{"pia", reading("cluster nope", clustersPath+"/nope"), refused(404, "nope")},
	{"cleo", newCluster("fresh"), allowed()},
	{"cleo", changeCluster("dev"), allowed()},
	{"cleo", dry(newCluster("fresh")), allowed()},
	{"cleo", deleting("cluster lab", clustersPath+"/lab"), allowed()},
	{"stan", changeCluster("dev"), refused(403, "clusterConnectionsManage on PLATFORM", "group connection-managers")},
	{"olga", newCluster("fresh"), refused(403, "clusterConnectionsManage on PLATFORM")},
	{"pia", deleting("cluster lab", clustersPath+"/lab"), refused(403, "clusterConnectionsManage on PLATFORM")},
	{"alma", changeCluster("prod"), allowed()},
	{"key:checkout-dev", listing("clusters", clustersPath), refused(403, "checkout-dev")},
	{"key:checkout-dev", changeCluster("dev"), refused(403, "checkout-dev")},

	// Application: taasView reads, and everybody has it; admins write.
	{"nora", listing("applications", applicationsPath), names(allApplications...)},
	{"lena", reading("application mail", applicationsPath+"/mail"), allowed()},
	{"key:admin", listing("applications", applicationsPath), names(allApplications...)},
	{"key:checkout-dev", listing("applications", applicationsPath), refused(403, "checkout-dev")},
	{"ken", reading("application checkout", applicationsPath+"/checkout"), refused(403, "checkout-dev")},
	{"alma", newApplication("fresh"), allowed()},
	{"key:admin", changeApplication("checkout"), allowed()},
	{"session:root", dry(newApplication("fresh")), allowed()},
	{"olga", changeApplication("checkout"), refused(403, "admin")}, // owners do not change the application itself
	{"mara", newApplication("fresh"), refused(403, "admin")},
	{"nora", dry(newApplication("fresh")), refused(403, "admin")},
	{"key:checkout-dev", changeApplication("checkout"), refused(403, "checkout-dev")},
	{"alma", deleting("application spare", applicationsPath+"/spare"), allowed()},
	{"olga", deleting("application spare", applicationsPath+"/spare"), refused(403, "admin")},

	// ApplicationInstance: the same.
	{"nora", listing("application instances", instancesPath), names(allInstances...)},
	{"nora", listing("application instances of mail", instancesPath+"?application=mail"), names("mail-dev", "mail-prod")},
	{"gus", reading("application instance checkout-dev", instancesPath+"/checkout-dev"), allowed()},
	{"alma", newInstance("checkout-new"), allowed()},
	{"key:admin", changeInstance("ship-dev"), allowed()},
	{"olga", newInstance("checkout-new"), refused(403, "admin")},
	{"wes", changeInstance("ship-dev"), refused(403, "admin")},
	{"key:checkout-dev", reading("application instance checkout-dev", instancesPath+"/checkout-dev"), refused(403, "checkout-dev")},
	{"key:checkout-dev", newInstance("checkout-new"), refused(403, "checkout-dev")},
	{"pia", deleting("application instance ship-dev", instancesPath+"/ship-dev"), refused(403, "admin")},

	// Admin tokens: admins.
	{"alma", listing("admin tokens", adminTokensPath), names("ci")},
	{"key:admin", listing("admin tokens", adminTokensPath), names("ci")},
	{"session:root", makeToken(adminTokensPath), allowed()},
	{"alma", makeToken(adminTokensPath), allowed()},
	{"pia", listing("admin tokens", adminTokensPath), refused(403, "admin")},
	{"olga", makeToken(adminTokensPath), refused(403, "admin")},
	{"nora", makeToken(adminTokensPath), refused(403, "admin")},
	{"key:checkout-dev", makeToken(adminTokensPath), refused(403, "checkout-dev")},

	// Application-instance tokens: admins, members of the owner group, and
	// applicationInstanceApiKeyManage.
	{"olga", listing("tokens of checkout-dev", instanceTokensPath("checkout-dev")), names("checkout-pipeline")},
	{"key:admin", listing("tokens of checkout-dev", instanceTokensPath("checkout-dev")), names("checkout-pipeline")},
	{"gus", listing("tokens of mail-dev", instanceTokensPath("mail-dev")), names("mail-pipeline")},
	{"pia", listing("tokens of checkout-dev", instanceTokensPath("checkout-dev")), refused(403, "applicationInstanceApiKeyManage", "checkout-dev")},
	{"rita", listing("tokens of checkout-dev", instanceTokensPath("checkout-dev")), refused(403, "applicationInstanceApiKeyManage", "checkout-dev")}, // a permission on a topic is none on the instance
	{"olga", makeToken(instanceTokensPath("checkout-dev")), allowed()},
	{"liam", makeToken(instanceTokensPath("billing-dev")), allowed()}, // LIMITED is about resources
	{"rita", makeToken(instanceTokensPath("mail-prod")), allowed()},
	{"gus", makeToken(instanceTokensPath("mail-dev")), allowed()},
	{"gus", makeToken(instanceTokensPath("mail-prod")), refused(403, "applicationInstanceApiKeyManage", "mail-prod")},
	{"gus", makeToken(instanceTokensPath("checkout-dev")), refused(403, "applicationInstanceApiKeyManage", "checkout-dev")},
	{"alma", makeToken(instanceTokensPath("ship-dev")), allowed()},
	{"nora", makeToken(instanceTokensPath("ship-dev")), refused(403, "applicationInstanceApiKeyManage", "ship-dev")},
	{"key:checkout-dev", makeToken(instanceTokensPath("checkout-dev")), refused(403, "checkout-dev")}, // a key makes no keys
	{"alma", makeToken(instanceTokensPath("nope")), refused(404, "nope")},

	// Deleting a token takes what making it takes.
	{"alma", deleteToken(adminTokensPath, "ci"), allowed()},
	{"olga", deleteToken(adminTokensPath, "ci"), refused(403, "admin")},
	{"olga", deleteToken(instanceTokensPath("checkout-dev"), "checkout-pipeline"), allowed()},
	{"gus", deleteToken(instanceTokensPath("mail-dev"), "mail-pipeline"), allowed()},
	{"gus", deleteToken(instanceTokensPath("checkout-dev"), "checkout-pipeline"), refused(403, "applicationInstanceApiKeyManage", "checkout-dev")},
	{"pia", deleteToken(instanceTokensPath("checkout-dev"), "checkout-pipeline"), refused(403, "applicationInstanceApiKeyManage", "checkout-dev")},
	{"key:checkout-dev", deleteToken(instanceTokensPath("checkout-dev"), "checkout-pipeline"), refused(403, "checkout-dev")},

	// whoami: every caller.
	{"pia", whoAmI, fields("email", "pia@decide.example")},
	{"nora", whoAmI, fields("email", "nora@decide.example")},
	{"session:pia", whoAmI, fields("email", "pia@decide.example")},
	{"session:root", whoAmI, fields("email", decisionRoot)},
	{"key:admin", whoAmI, fields("name", "ci")},
	{"key:checkout-dev", whoAmI, fields("name", "checkout-pipeline", "applicationInstanceName", "checkout-dev")},
	{"ken", whoAmI, fields("applicationInstanceName", "checkout-dev")},
}

// decisionAdmin looks at the world on behalf of the test. It is not the key that
// a row deletes.
const decisionAdmin = "session:root"

func TestDecisions(t *testing.T) {
	base, token := startDecision(t)
	for _, row := range decisionRows {
		t.Run(row.who+" "+row.call.text, func(t *testing.T) {
			base, token := base, token
			if row.call.changes && row.want.allowed {
				base, token = startDecision(t) // its effect must not reach other rows
			}
			row.check(t, base, token)
		})
	}
}

// lastUse is no effect of a call but of the credential that it came with.
var lastUse = regexp.MustCompile(`,?"lastTimeUsed":"[^"]*"`)

func (row decisionRow) check(t *testing.T, base string, token func(string) string) {
	t.Helper()
	address := func(path string) string { return base + "/api" + path }
	admin := func(path string) decisionAnswer {
		got := decisionDo(t, http.MethodGet, address(path), token(decisionAdmin), "", "")
		got.body = lastUse.ReplaceAllString(got.body, "")
		return got
	}
	call := row.call
	var before decisionAnswer
	if call.affected != "" {
		before = admin(call.affected)
	}
	if call.tokenLabel != "" {
		call.path += decisionTokenID(t, before, call.tokenLabel)
	}
	contentType := ""
	if call.body != "" {
		contentType = "application/json"
	}
	got := decisionDo(t, call.method, address(call.path), token(row.who), contentType, call.body)

	if !row.want.allowed {
		row.checkRefusal(t, got)
	} else if got.status != call.status {
		t.Fatalf("status %d, want %d: %s", got.status, call.status, got.body)
	}
	if call.affected != "" {
		after := admin(call.affected)
		switch {
		case row.want.allowed && call.changes && after == before:
			t.Errorf("nothing changed: %d %s", after.status, after.body)
		case !(row.want.allowed && call.changes) && after != before:
			t.Errorf("something changed: from %d %s to %d %s", before.status, before.body, after.status, after.body)
		case row.want.allowed && call.method == http.MethodDelete && call.tokenLabel == "" && after.status != http.StatusNotFound:
			t.Errorf("still there: %d %s", after.status, after.body)
		}
	}
	if !row.want.allowed {
		return
	}
	if call.upsert != "" {
		var result struct {
			UpsertResult string         `json:"upsertResult"`
			Resource     map[string]any `json:"resource"`
		}
		decisionDecode(t, got, &result)
		if result.UpsertResult != call.upsert || result.Resource == nil {
			t.Errorf("answer %s, want %s and the resource", got.body, call.upsert)
		}
	}
	if row.want.names != nil {
		if listed := decisionNames(t, got); !slices.Equal(listed, row.want.names) {
			t.Errorf("names %q\nwant  %q", listed, row.want.names)
		}
	}
	if row.want.fields != nil {
		var object map[string]any
		decisionDecode(t, got, &object)
		for field, want := range row.want.fields {
			if object[field] != want {
				t.Errorf("%s = %v, want %q in %s", field, object[field], want, got.body)
			}
		}
	}
}

// checkRefusal wants the Console's error body, and in a 403 the whole reason both
// in its cause and in the header.
func (row decisionRow) checkRefusal(t *testing.T, got decisionAnswer) {
	t.Helper()
	if got.status != row.want.status {
		t.Fatalf("status %d, want %d: %s", got.status, row.want.status, got.body)
	}
	var problem struct{ Title, Msg, Cause string }
	decisionDecode(t, got, &problem)
	if problem.Title == "" {
		t.Errorf("no title: %s", got.body)
	}
	for _, fragment := range row.want.fragments {
		if got.status != http.StatusForbidden {
			if !strings.Contains(problem.Title+"\n"+problem.Msg+"\n"+problem.Cause, fragment) {
				t.Errorf("%q is not in %s", fragment, got.body)
			}
			continue
		}
		if !strings.Contains(problem.Cause, fragment) {
			t.Errorf("%q is not in the cause: %s", fragment, got.body)
		}
		if !strings.Contains(got.reason, fragment) {
			t.Errorf("%q is not in the Mock-Reason header: %q", fragment, got.reason)
		}
	}
}

// decisionNames reads the names out of a list of resources, of tokens, or a v1
// page, whose count must agree; sorted.
func decisionNames(t *testing.T, got decisionAnswer) []string {
	t.Helper()
	type item struct {
		Name     string                `json:"name"`
		Metadata struct{ Name string } `json:"metadata"`
	}
	var items []item
	if bytes.HasPrefix(bytes.TrimSpace([]byte(got.body)), []byte("[")) {
		decisionDecode(t, got, &items)
	} else {
		var page struct {
			TotalElements *int   `json:"totalElements"`
			Data          []item `json:"data"`
		}
		decisionDecode(t, got, &page)
		if page.TotalElements == nil || *page.TotalElements != len(page.Data) {
			t.Errorf("totalElements does not agree with the %d rows: %s", len(page.Data), got.body)
		}
		items = page.Data
	}
	list := []string{}
	for _, i := range items {
		list = append(list, i.Name+i.Metadata.Name)
	}
	slices.Sort(list)
	return list
}

func decisionTokenID(t *testing.T, list decisionAnswer, label string) string {
	t.Helper()
	var tokens []struct{ ID, Name string }
	decisionDecode(t, list, &tokens)
	for _, token := range tokens {
		if token.Name == label {
			return token.ID
		}
	}
	t.Fatalf("no token %s in %s", label, list.body)
	return ""
}

// A user whom only a token made known is created by it, and then listed.
func TestDecisionProvisionsUsers(t *testing.T) {
	base, token := startDecision(t)
	users := func() []string {
		t.Helper()
		got := decisionDo(t, http.MethodGet, base+"/api"+usersPath, token("vera"), "", "")
		if got.status != http.StatusOK {
			t.Fatalf("%d %s", got.status, got.body)
		}
		return decisionNames(t, got)
	}
	seeded := []string{decisionRoot}
	for login := range strings.FieldsSeq("alma lena pia stan clara cody uma tom olga liam gus rita wes vera mara cleo") {
		seeded = append(seeded, login+"@decide.example")
	}
	slices.Sort(seeded)
	if got := users(); !slices.Equal(got, seeded) {
		t.Fatalf("users %q\nwant  %q", got, seeded)
	}
	if got := decisionDo(t, http.MethodGet, base+"/api/token/v1/whoami", token("nora"), "", ""); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	seeded = append(seeded, "nora@decide.example")
	slices.Sort(seeded)
	if got := users(); !slices.Equal(got, seeded) {
		t.Fatalf("users after nora came %q\nwant  %q", got, seeded)
	}
}

// The table asks for everybody in the estate: a person added to it without a row
// proves nothing.
func TestDecisionTableIsWhole(t *testing.T) {
	asked := map[string]bool{}
	for _, row := range decisionRows {
		asked[row.who] = true
	}
	for who := range strings.FieldsSeq("alma lena pia stan clara cody uma tom olga liam gus rita wes vera mara cleo eva carl rex xeno nora ken " +
		"key:admin key:checkout-dev key:billing-dev session:pia session:root none garbage") {
		if !asked[who] {
			t.Errorf("no row asks for %s", who)
		}
	}
	seen := map[string]bool{}
	for _, row := range decisionRows {
		name := row.who + " " + row.call.text
		if seen[name] {
			t.Errorf("two rows: %s", name)
		}
		seen[name] = true
	}
}
