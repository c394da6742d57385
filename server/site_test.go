package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/control"
)

// A sandbox is a whole pair below its own base URL, and nothing of it is seen
// elsewhere.
func TestSandboxIsAWorldOfItsOwn(t *testing.T) {
	running := start(t, server.Config{})
	one, err := running.OpenSandbox("one", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := control.Mint(t.Context(), one.World, one.Provider, "admin", idp.MintRequest{ClientID: "backstage"})
	if err != nil {
		t.Fatal(err)
	}
	outside := tokenOf(t, running, "admin")

	var discovery struct {
		Issuer string `json:"issuer"`
		Token  string `json:"token_endpoint"`
	}
	for _, path := range []string{"/s/one/idp/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/s/one/idp"} {
		got := call(t, running, http.MethodGet, path, "", nil)
		got.json(t, &discovery)
		if got.status != 200 || discovery.Issuer != running.URL()+"/s/one/idp" || discovery.Token != discovery.Issuer+"/token" {
			t.Errorf("%s: %d %+v", path, got.status, discovery)
		}
	}

	topic := `{"apiVersion":"v2","kind":"Topic","metadata":{"name":"only.here","cluster":"production"},"spec":{"partitions":1,"replicationFactor":1}}`
	if got := call(t, running, http.MethodPut, "/s/one/api/public/kafka/v2/cluster/production/topic", tokens.AccessToken, topic); got.status != 200 {
		t.Fatalf("put in the sandbox: %d %s", got.status, got.body)
	}
	if got := call(t, running, http.MethodGet, "/s/one/public/kafka/v2/cluster/production/topic/only.here", tokens.AccessToken, nil); got.status != 200 {
		t.Errorf("get in the sandbox: %d %s", got.status, got.body)
	}
	if got := call(t, running, http.MethodGet, "/public/kafka/v2/cluster/production/topic/only.here", outside, nil); got.status != 404 {
		t.Errorf("the sandbox's topic is seen outside: %d", got.status)
	}
	for name, row := range map[string]struct{ path, token, reason string }{
		"inside's token outside": {"/token/v1/whoami", tokens.AccessToken, "of another mockduktor world"},
		"outside's token inside": {"/s/one/token/v1/whoami", outside, "of another mockduktor world"},
	} {
		got := call(t, running, http.MethodGet, row.path, row.token, nil)
		if got.status != 401 || !strings.Contains(string(got.body), row.reason) {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}

	// Clocks are apart: an hour later in the sandbox its token is over, outside nothing is.
	one.World.Clock.Advance(2 * time.Hour)
	if got := call(t, running, http.MethodGet, "/s/one/token/v1/whoami", tokens.AccessToken, nil); got.status != 401 {
		t.Errorf("after two hours in the sandbox: %d", got.status)
	}
	if got := call(t, running, http.MethodGet, "/token/v1/whoami", outside, nil); got.status != 200 {
		t.Errorf("outside: %d %s", got.status, got.body)
	}

	if _, err := running.OpenSandbox("one", "", 0); err == nil {
		t.Error("an id can be taken twice")
	}
	if !running.CloseSandbox("one") || running.CloseSandbox("one") {
		t.Error("closing must tell whether there was one")
	}
	if got := call(t, running, http.MethodGet, "/s/one/token/v1/whoami", tokens.AccessToken, nil); got.status != 404 {
		t.Errorf("after closing: %d", got.status)
	}
}

func TestSandboxForksASnapshot(t *testing.T) {
	running := start(t, server.Config{})
	admin := tokenOf(t, running, "admin")
	path := "/public/kafka/v2/cluster/production/topic/checkout.order.placed.v1"
	if got := call(t, running, http.MethodDelete, path, admin, nil); got.status != 200 {
		t.Fatalf("delete: %d %s", got.status, got.body)
	}
	running.Pair().World.Snapshot("without")
	for _, row := range []struct {
		id, from string
		status   int
	}{{"seeded", "", 200}, {"bare", "without", 404}} {
		site, err := running.OpenSandbox(row.id, row.from, 0)
		if err != nil {
			t.Fatal(err)
		}
		tokens, err := control.Mint(t.Context(), site.World, site.Provider, "admin", idp.MintRequest{ClientID: "backstage"})
		if err != nil {
			t.Fatal(err)
		}
		if got := call(t, running, http.MethodGet, "/s/"+row.id+path, tokens.AccessToken, nil); got.status != row.status {
			t.Errorf("%s: %d, expected %d", row.id, got.status, row.status)
		}
	}
	if _, err := running.OpenSandbox("none", "no-such-snapshot", 0); err == nil {
		t.Error("an unknown snapshot was forked")
	}
}
