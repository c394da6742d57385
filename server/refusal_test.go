package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/console"
)

// refusal is a request of somebody known that must not succeed, in the default
// estate. Only a 403 gives a reason.
type refusal struct {
	name, who    string // a login, or key: and an API key
	method, path string // below /api
	body         any
	status       int
	title, msg   string   // fragments
	cause        []string // fragments
}

const (
	forbiddenTitle = "The user doesn't have sufficient privilege to do this operation"
	orderPlaced    = "/public/kafka/v2/cluster/production/topic/checkout.order.placed.v1"
	searchQueried  = "/public/kafka/v2/cluster/production/topic/web.search.queried.v1"
)

func topicOf(cluster, name string, partitions int) string {
	return fmt.Sprintf(`{"apiVersion":"v2","kind":"Topic","metadata":{"name":%q,"cluster":%q},"spec":{"partitions":%d,"replicationFactor":3}}`, name, cluster, partitions)
}

func refusals() []refusal {
	forbidden := func(name, who, method, path string, body any, msg string, cause ...string) refusal {
		return refusal{name, who, method, path, body, http.StatusForbidden, forbiddenTitle, msg, cause}
	}
	const list, production = "/public/kafka/v2/cluster/production/topic", " on cluster production"
	return []refusal{
		forbidden("read a topic of others", "ines", http.MethodGet, orderPlaced, nil,
			"Missing permission: one of topicViewConfig, topicConsume, topicProduce on TOPIC checkout.order.placed.v1"+production,
			"ines@shop.example needs one of topicViewConfig, topicConsume, topicProduce on TOPIC checkout.order.placed.v1"+production,
			"holds no permission there",
			"application group checkout-support of application checkout (instance checkout-prod)", "group data-team",
			"instance permission checkout-orders-to-warehouse through group fulfilment-team (instance warehouse-prod)",
			"ownership of application checkout through group checkout-team (instance checkout-prod)",
			"the user is in no Console group"),
		forbidden("read a topic that is not there", "ines", http.MethodGet, list+"/none", nil,
			"on TOPIC none", "granted by group data-team;"),
		forbidden("create a topic in others' space", "ada", http.MethodPut, list, topicOf("production", "web.search.new", 3),
			"Missing permission: topicCreate on TOPIC web.search.new"+production,
			"granted by ownership of application web-tracking through group customer-team (instance web-tracking-prod)", "the user is in checkout-team"),
		forbidden("change a topic that one may read", "ben", http.MethodPut, list, topicOf("production", "web.search.queried.v1", 12),
			"Missing permission: topicEditConfig on TOPIC web.search.queried.v1"+production,
			"ben@shop.example needs topicEditConfig", "holds only topicViewConfig, topicConsume there",
			"granted by ownership of application web-tracking through group customer-team", "the user is in checkout-team"),
		forbidden("delete a topic of others", "ada", http.MethodDelete, searchQueried, nil, "Missing permission: topicDelete on TOPIC web.search.queried.v1"+production,
			"granted by ownership of application web-tracking"),
		forbidden("list topics of a cluster", "ines", http.MethodPost, "/public/v1/clusters/none/topics", `{"page":1,"itemsPerPage":10,"sort":"ByName"}`, "", "").but(http.StatusNotFound, "", "Cluster none not found"),
		forbidden("read a user", "ada", http.MethodGet, "/public/iam/v2/user/ben@shop.example", nil, "Missing permission: userView on PLATFORM",
			"ada@shop.example needs userView on PLATFORM", "holds only taasView, datamaskingView, notificationChannelView there",
			"no user, group or application but an admin is granted userView on PLATFORM"),
		forbidden("make a group", "ada", http.MethodPut, "/public/iam/v2/group", `{"apiVersion":"v2","kind":"Group","metadata":{"name":"x"},"spec":{"displayName":"x"}}`,
			"Missing permission: userManage on PLATFORM", "but an admin is granted userManage on PLATFORM"),
		forbidden("join the admins", "ada", http.MethodPut, "/public/iam/v2/group", `{"apiVersion":"v2","kind":"Group","metadata":{"name":"admin"},"spec":{"displayName":"Admin","members":["ada@shop.example"]}}`,
			"Missing permission: userManage on PLATFORM", "the user is in checkout-team"),
		forbidden("make an application", "ada", http.MethodPut, "/public/self-serve/v1/application", `{"apiVersion":"v1","kind":"Application","metadata":{"name":"x"},"spec":{"title":"x","owner":"checkout-team"}}`,
			"Missing permission: admin", "ada@shop.example is no admin: this takes an admin API key or a member of the group admin"),
		forbidden("list admin keys", "ada", http.MethodGet, "/token/v1/admin_tokens", nil, "Missing permission: admin", "is no admin"),
		forbidden("make an admin key", "ada", http.MethodPost, "/token/v1/admin_tokens", `{"name":"x"}`, "Missing permission: admin", "is no admin"),
		forbidden("make a key of others' instance", "david", http.MethodPost, "/token/v1/application_instance_tokens/checkout-prod", `{"name":"x"}`,
			"Missing permission: applicationInstanceApiKeyManage", "david@shop.example is neither in the group that owns application checkout nor holds applicationInstanceApiKeyManage", "the user is in fulfilment-team"),
		forbidden("delete a key", "ada", http.MethodDelete, "/token/v1/00000000-0000-8000-8000-000000000000", nil, "Missing permission: admin", "is no admin"),
		forbidden("read a cluster", "ines", http.MethodGet, "/public/console/v2/kafka-cluster/production", nil, "Missing permission: any on cluster production", "ines@shop.example holds no permission on anything in cluster production"),
		forbidden("instance key, users", "key:mock-checkout-key", http.MethodGet, "/public/iam/v2/user", nil, "Missing permission: admin", "checkout-prod", "it may not use the kind User"),
		forbidden("instance key, another's topic", "key:mock-checkout-key", http.MethodGet, searchQueried, nil, "on TOPIC web.search.queried.v1"+production, "the key may only touch what the application instance checkout-prod owns"),
		forbidden("instance key, its own keys", "key:mock-checkout-key", http.MethodGet, "/token/v1/application_instance_tokens/checkout-prod", nil, "applicationInstanceApiKeyManage", "the key may only touch what the application instance checkout-prod owns"),
		forbidden("organizations by key", "key:mock-admin-key", http.MethodGet, "/organizations", nil, "This takes the token of a user", "is an API key; organisations are shown to users only"),

		{"unknown group", "admin", http.MethodGet, "/public/iam/v2/group/none", nil, 404, "No group with this technical id exists", "none not found", nil},
		{"unknown user", "admin", http.MethodGet, "/public/iam/v2/user/none@shop.example", nil, 404, "No user with this technical id exists", "none@shop.example not found", nil},
		{"unknown topic", "admin", http.MethodGet, "/public/kafka/v2/cluster/production/topic/none", nil, 404, "No topic with this technical id exists", "Topic none not found", nil},
		{"unknown topic to delete", "admin", http.MethodDelete, "/public/kafka/v2/cluster/production/topic/none", nil, 404, "No topic with this technical id exists", "Topic none not found", nil},
		{"unknown cluster", "admin", http.MethodGet, "/public/kafka/v2/cluster/none/topic", nil, 404, "No cluster with this technical id exists", "Cluster none not found", nil},
		{"topic on an unknown cluster", "admin", http.MethodPut, "/public/kafka/v2/cluster/none/topic", topicOf("none", "x", 1), 404, "No cluster with this technical id exists", "Cluster none not found", nil},
		{"application of an unknown group", "admin", http.MethodPut, "/public/self-serve/v1/application", `{"apiVersion":"v1","kind":"Application","metadata":{"name":"x"},"spec":{"title":"x","owner":"none"}}`, 404, "", "Group none not found", nil},
		{"unknown key", "admin", http.MethodDelete, "/token/v1/00000000-0000-8000-8000-000000000000", nil, 404, "No token with this id exists", "not found", nil},
		{"keys of an unknown instance", "admin", http.MethodGet, "/token/v1/application_instance_tokens/none", nil, 404, "", "none not found", nil},
		{"unknown path", "admin", http.MethodGet, "/none", nil, 404, "Not found", "There is no GET /api/none", nil},
		{"unknown path above a kind", "admin", http.MethodGet, "/public/iam/v2", nil, 404, "Not found", "There is no GET", nil},
		{"unknown path, no token", "", http.MethodGet, "/none", nil, 404, "Not found", "There is no GET /api/none", nil},

		{"wrong method", "admin", http.MethodPatch, "/public/iam/v2/group", nil, 405, "Method not allowed", "/api/public/iam/v2/group does not take PATCH", nil},
		{"wrong method, no token", "", http.MethodDelete, "/login", nil, 405, "Method not allowed", "/api/login does not take DELETE", nil},

		{"no JSON", "admin", http.MethodPut, "/public/iam/v2/group", `{`, 400, "", "Invalid value for: body (", nil},
		{"no object", "admin", http.MethodPut, "/public/iam/v2/group", `[]`, 400, "", "Invalid value for: body (", nil},
		{"no body", "admin", http.MethodPut, "/public/iam/v2/group", nil, 400, "", "Invalid value for: body (", nil},
		{"two faults at once", "admin", http.MethodPut, "/public/iam/v2/group", `{"apiVersion":"v2","kind":"Group","metadata":{"name":"X Y"},"spec":{"displayName":1}}`, 400, "", "at 'metadata.name'); Invalid value for: body (", nil},
		{"another kind", "admin", http.MethodPut, "/public/iam/v2/group", `{"apiVersion":"v2","kind":"User","metadata":{"name":"x"},"spec":{"displayName":"x"}}`, 400, "", "at 'kind'", nil},
		{"another cluster than in the path", "admin", http.MethodPut, "/public/kafka/v2/cluster/staging/topic", topicOf("production", "x", 1), 400, "", "at 'metadata.cluster'", nil},
		{"permission of another type", "admin", http.MethodPut, "/public/iam/v2/group", `{"apiVersion":"v2","kind":"Group","metadata":{"name":"x"},"spec":{"displayName":"x","permissions":[{"resourceType":"SUBJECT","cluster":"dev","name":"x","patternType":"LITERAL","permissions":["topicConsume"]}]}}`, 400, "", "spec.permissions[0]", nil},
		{"key id that is none", "admin", http.MethodDelete, "/token/v1/x", nil, 400, "", "token-id", nil},
		{"dryMode that is none", "admin", http.MethodPut, "/public/iam/v2/group?dryMode=perhaps", `{"apiVersion":"v2","kind":"Group","metadata":{"name":"x"},"spec":{"displayName":"x"}}`, 400, "", "dryMode", nil},
		{"page 0", "ada", http.MethodPost, "/public/v1/clusters/production/topics", `{"page":0,"itemsPerPage":10,"sort":"ByName"}`, 400, "", "page", nil},

		{"partitions changed", "admin", http.MethodPut, "/public/kafka/v2/cluster/production/topic", topicOf("production", "checkout.order.placed.v1", 99), 409, "The request does not match one of the business rules", "partitions of topic checkout.order.placed.v1 cannot change from 12 to 99", nil},
		{"application with instances", "admin", http.MethodDelete, "/public/self-serve/v1/application/checkout", nil, 409, "The request does not match one of the business rules", "Cannot delete checkout because it has instances", nil},
		{"group that owns", "admin", http.MethodDelete, "/public/iam/v2/group/checkout-team", nil, 409, "", "Cannot delete checkout-team because it owns the application", nil},
		{"built-in group", "admin", http.MethodDelete, "/public/iam/v2/group/admin", nil, 409, "", "Cannot delete admin because it is built in", nil},
		{"root admin", "admin", http.MethodDelete, "/public/iam/v2/user/" + server.DefaultAdminEmail, nil, 409, "", "because it is the root admin", nil},
		{"topic that is there", "admin", http.MethodPost, "/public/kafka/v2/cluster/production/topic", topicOf("production", "checkout.order.placed.v1", 12), 409, "Resource already exists", "Topic checkout.order.placed.v1 already exists", nil},
	}
}

// but makes another answer out of a forbidden one.
func (r refusal) but(status int, title, msg string) refusal {
	r.status, r.title, r.msg, r.cause = status, title, msg, nil
	return r
}

// send makes the request; tokens are kept from call to call.
func (r refusal) send(t *testing.T, running *server.Server, tokens map[string]string) (answer, problem) {
	t.Helper()
	token, known := tokens[r.who]
	switch key, isKey := strings.CutPrefix(r.who, "key:"); {
	case known, r.who == "":
	case isKey:
		token = key
	default:
		token = tokenOf(t, running, r.who)
	}
	tokens[r.who] = token
	got := call(t, running, r.method, "/api"+r.path, token, r.body)
	var members map[string]string
	if err := json.Unmarshal(got.body, &members); err != nil {
		t.Fatalf("%d with a body that is no object of texts: %v: %s", got.status, err, got.body)
	}
	said := problem{members["title"], members["msg"], members["cause"]}
	for name, text := range members {
		if name != "title" && name != "msg" && name != "cause" || text == "" {
			t.Errorf("member %q is %q", name, text)
		}
	}
	if media := got.header.Get("Content-Type"); !strings.HasPrefix(media, "application/json") {
		t.Errorf("Content-Type %q", media)
	}
	return got, said
}

func TestRefusals(t *testing.T) {
	running := start(t, server.Config{})
	before := len(exportOf(t, running.Pair()))
	tokens := map[string]string{}
	for _, r := range refusals() {
		t.Run(r.name, func(t *testing.T) {
			got, said := r.send(t, running, tokens)
			if got.status != r.status {
				t.Fatalf("status %d, want %d: %s", got.status, r.status, got.body)
			}
			if said.Title == "" || !strings.Contains(said.Title, r.title) || said.Msg == "" || !strings.Contains(said.Msg, r.msg) {
				t.Errorf("title %q, msg %q; want %q and %q", said.Title, said.Msg, r.title, r.msg)
			}
			reason := got.header.Get(console.ReasonHeader)
			if reason != said.Cause {
				t.Errorf("Mock-Reason %q, cause %q", reason, said.Cause)
			}
			for _, fragment := range r.cause {
				if !strings.Contains(reason, fragment) {
					t.Errorf("reason %q, want %q in it", reason, fragment)
				}
			}
			if (reason != "") != (r.status == http.StatusForbidden) {
				t.Errorf("status %d with the reason %q", r.status, reason)
			}
			if r.status == http.StatusMethodNotAllowed && got.header.Get("Allow") == "" {
				t.Error("405 without Allow (RFC 9110, section 15.5.6)")
			}
		})
	}
	// Those who signed in by token have become users; nothing else may be new.
	if after := len(exportOf(t, running.Pair())); after != before+1 {
		t.Errorf("%d resources before, %d after; ines alone is new", before, after)
	}
}

// Without reasons the answers are the product's: status, title and msg stay.
func TestHideReasons(t *testing.T) {
	open := start(t, server.Config{})
	closed := start(t, server.Config{Console: console.Settings{HideReasons: true}})
	all := refusals()
	for name, token := range map[string]string{
		"nothing": "", "garbage": "garbage", "a token of elsewhere": tokenOf(t, start(t, server.Config{}), "ada"),
		"a forged token": "eyJhbGciOiJub25lIn0.e30.",
	} {
		all = append(all, refusal{name: name, who: "key:" + token, method: http.MethodGet, path: "/token/v1/whoami", status: http.StatusUnauthorized})
	}
	all = append(all, refusal{name: "wrong password", method: http.MethodPost, path: "/login",
		body: `{"username":"ada@shop.example","password":"x"}`, status: http.StatusUnauthorized})
	openTokens, closedTokens := map[string]string{}, map[string]string{}
	withReason := 0
	for _, r := range all {
		t.Run(r.name, func(t *testing.T) {
			shown, said := r.send(t, open, openTokens)
			hidden, kept := r.send(t, closed, closedTokens)
			if shown.header.Get(console.ReasonHeader) != "" {
				withReason++
			}
			if hidden.header.Get(console.ReasonHeader) != "" || kept.Cause != "" {
				t.Errorf("a reason in spite of all: %s", hidden.body)
			}
			if hidden.status != shown.status || hidden.status != r.status {
				t.Errorf("status %d with reasons, %d without, want %d", shown.status, hidden.status, r.status)
			}
			said.Msg = strings.ReplaceAll(said.Msg, open.URL(), closed.URL())
			if kept.Title != said.Title || kept.Msg != said.Msg {
				t.Errorf("with reasons %+v, without %+v", said, kept)
			}
			if hidden.header.Get("WWW-Authenticate") != shown.header.Get("WWW-Authenticate") {
				t.Error("WWW-Authenticate differs")
			}
		})
	}
	if withReason < 20 {
		t.Errorf("only %d answers had a reason to hide", withReason)
	}
}
