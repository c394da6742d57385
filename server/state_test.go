package server_test

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/control"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

const deviceClient = `
apiVersion: mockduktor/v1
kind: Client
metadata: {name: box}
spec: {client_secret: box-secret, grant_types: ["urn:ietf:params:oauth:grant-type:device_code", refresh_token]}
`

// stateConfig is a server whose world is kept, always at the same address.
func stateConfig(t testing.TB, file string) server.Config {
	return server.Config{PublicURL: "http://mock.shop.example", State: file, DynamicRegistration: true,
		Documents: slices.Concat(estate(t), seeded(t, opaqueClients+"---\n"+deviceClient))}
}

func mustDo(t testing.TB, got answer) {
	t.Helper()
	if got.status < 200 || got.status > 299 {
		t.Fatalf("%d %s", got.status, got.body)
	}
}

// stop ends a server as SIGTERM does.
func stop(t testing.TB, running *server.Server) {
	t.Helper()
	if err := running.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// disturbed changes a world in all ways that leave something to keep.
func disturbed(t testing.TB, running *server.Server) {
	t.Helper()
	base := "http://" + running.Address()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	done := func(what string, got answer) answer {
		t.Helper()
		if got.status < 200 || got.status > 299 {
			t.Fatalf("%s: %d %s", what, got.status, got.body)
		}
		return got
	}
	form := func(path, client, secret string, values url.Values) {
		t.Helper()
		done(path, postForm(t, running, path, client, secret, values))
	}
	expect := func(method, path string, body any) {
		t.Helper()
		done(method+" "+path, mock(t, running, method, path, body))
	}
	// A sign-in that waits at its page, pushed requests, a device that waits,
	// and a client that registered itself.
	authorize := url.Values{"response_type": {"code"}, "client_id": {"backstage"}, "redirect_uri": {"http://localhost:7007/api/auth/oidc/handler/frame"},
		"scope": {"openid email offline_access"}, "state": {"s"}, "claims": {`{"userinfo":{"email":null,"level":{"value":3}},"id_token":{"acr":{"values":["1","2"]}}}`}}
	if got := exchangeBy(t, browser, http.MethodGet, base+"/idp/authorize?"+authorize.Encode(), nil, nil); got.status != http.StatusFound {
		t.Fatalf("authorize: %d %s", got.status, got.body)
	}
	form("/idp/par", "backstage", "backstage-secret", authorize)
	form("/idp/device_authorization", "box", "box-secret", url.Values{"scope": {"openid"}})
	done("register", exchange(t, running, http.MethodPost, "/idp/register", http.Header{"Content-Type": {"application/json"}},
		strings.NewReader(`{"redirect_uris":["http://localhost:1/cb"],"client_name":"own"}`)))
	// Sessions, grants, codes and revocations.
	expect(http.MethodPost, "/_mock/sessions", object{"as": "ada"})
	pair := running.Pair()
	tokens, err := control.Mint(t.Context(), pair.World, pair.Provider, "ada", idp.MintRequest{ClientID: "opaque"})
	if err != nil {
		t.Fatal(err)
	}
	form("/idp/token", "opaque", "opaque-secret", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.RefreshToken}})
	form("/idp/revoke", "opaque", "opaque-secret", url.Values{"token": {tokens.AccessToken}})
	// The Console's: logins, tokens seen, keys and their use, loggers.
	login := exchange(t, running, http.MethodPost, "/login", http.Header{"Content-Type": {"application/json"}},
		strings.NewReader(`{"username":"admin@mockduktor.example","password":"adminP4ss!"}`))
	done("login", login)
	var session struct {
		Token string `json:"access_token"`
	}
	login.json(t, &session)
	done("whoami", call(t, running, http.MethodGet, whoamiPath, tokenOf(t, running, "ben"), nil))
	var key struct{ Token string }
	done("a key", call(t, running, http.MethodPost, "/token/v1/admin_tokens", session.Token, object{"name": "kept"})).json(t, &key)
	for _, path := range []string{"/public/debug/v1/loggers/ROOT/TRACE", "/public/debug/v1/loggers-mode/debug/true"} {
		if got := call(t, running, http.MethodPut, path, session.Token, nil); got.status >= 300 {
			t.Fatalf("PUT %s: %d %s", path, got.status, got.body)
		}
	}
	// The control API's: a fault that has fired, rotated keys, figures, a clock,
	// a snapshot, resources put, changed and deleted.
	expect(http.MethodPost, "/_mock/faults", object{"id": "first", "match": object{"operation": "listTopic"}, "times": 3, "effect": object{"status": 503}})
	expect(http.MethodPost, "/_mock/faults", object{"id": "another", "match": object{"operation": "jwks"}, "times": 2, "effect": object{"status": 503}})
	expectStatus(t, "a fault", call(t, running, http.MethodGet, "/public/kafka/v2/cluster/production/topic", session.Token, nil), http.StatusServiceUnavailable)
	expect(http.MethodPost, "/_mock/keys/rotate", object{"alg": "ES256"})
	expect(http.MethodPut, "/_mock/simulation", object{"enabled": true})
	expect(http.MethodPut, "/_mock/snapshots/between", nil)
	expect(http.MethodDelete, "/_mock/faults/another", nil)
	done("a key", call(t, running, http.MethodGet, whoamiPath, key.Token, nil))
	if got := call(t, running, http.MethodDelete, "/public/iam/v2/group/support", session.Token, nil); got.status >= 300 && got.status != http.StatusConflict {
		t.Fatalf("delete: %d %s", got.status, got.body)
	}
	expect(http.MethodPut, "/_mock/clock", object{"now": "2031-03-04T05:06:07Z", "frozen": true})
	putPerson(t, running, "")
}

// samePicture compares two pictures of a world, from different processes.
func samePicture(t *testing.T, before, after store.Picture) {
	t.Helper()
	if !reflect.DeepEqual(before.Clock, after.Clock) {
		t.Errorf("the clock: %+v, before %+v", after.Clock, before.Clock)
	}
	sameWorld(t, "the seed", before.Seed, after.Seed)
	sameWorld(t, "the present", before.Present, after.Present)
	if len(before.Snapshots) != len(after.Snapshots) {
		t.Errorf("%d snapshots, before %d", len(after.Snapshots), len(before.Snapshots))
	}
	for name, kept := range before.Snapshots {
		if after.Snapshots[name] == nil {
			t.Errorf("snapshot %s is gone", name)
			continue
		}
		sameWorld(t, "snapshot "+name, kept, after.Snapshots[name])
	}
}

func sameWorld(t *testing.T, what string, before, after *store.Tx) {
	t.Helper()
	if !before.Epoch().Equal(after.Epoch()) || before.Sequence() != after.Sequence() {
		t.Errorf("%s: epoch %s, sequence %d; before %s, %d", what, after.Epoch(), after.Sequence(), before.Epoch(), before.Sequence())
	}
	for _, kind := range server.NewEngine(server.Config{}).Kinds() {
		old, now := slices.Collect(before.Resources(kind.Name, kind.Version, nil, "")), slices.Collect(after.Resources(kind.Name, kind.Version, nil, ""))
		if len(old) != len(now) {
			t.Errorf("%s: %d %s, before %d", what, len(now), kind.Name, len(old))
			continue
		}
		for i := range old {
			if !sameResource(old[i], now[i]) {
				t.Errorf("%s: %s %s:\n%+v %+v\nbefore\n%+v %+v", what, kind.Name, now[i].Name, now[i], now[i].Value, old[i], old[i].Value)
			}
		}
	}
	for _, list := range [][]*store.Resource{kinds.SigningKeys(before), kinds.Faults(before)} {
		for i, now := range map[bool][]*store.Resource{true: kinds.SigningKeys(after), false: kinds.Faults(after)}[len(list) > 0 && list[0].Kind == kinds.SigningKeyKind] {
			if i >= len(list) || list[i].Name != now.Name {
				t.Errorf("%s: %s %s is not at its place %d", what, now.Kind, now.Name, i)
			}
		}
	}
	old, now := slices.Collect(before.RecordsBelow("")), slices.Collect(after.RecordsBelow(""))
	if len(old) != len(now) {
		t.Errorf("%s: %d records, before %d", what, len(now), len(old))
		return
	}
	for i := range old {
		a, b := *old[i], *now[i]
		if !a.Expires.Equal(b.Expires) {
			t.Errorf("%s: record %s ends %s, before %s", what, a.Kind, b.Expires, a.Expires)
		}
		a.Expires = b.Expires
		switch {
		case a.Kind == "console.token":
			// Versions are of one process; whether they are the world's is kept.
			a.Value, b.Value = a.Value == before.MappingVersion(), b.Value == after.MappingVersion()
		case a.Kind == "fault":
			if kinds.FaultCounts(before, faultOf(before, a.ID)) != kinds.FaultCounts(after, faultOf(after, a.ID)) {
				t.Errorf("%s: the counts of fault %s differ", what, a.ID)
			}
			continue
		}
		if at, ok := a.Value.(interface{ Unix() int64 }); ok {
			a.Value, b.Value = at.Unix(), b.Value.(interface{ Unix() int64 }).Unix()
		}
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s: record %s\n%#v %#v\nbefore\n%#v %#v", what, a.Kind, b, b.Value, a, a.Value)
		}
	}
}

func faultOf(tx *store.Tx, id string) *store.Resource {
	for _, one := range kinds.Faults(tx) {
		if one.Name == id {
			return one
		}
	}
	return nil
}

func sameResource(a, b *store.Resource) bool {
	x, y := *a, *b
	same := x.CreatedAt.Equal(y.CreatedAt) && x.UpdatedAt.Equal(y.UpdatedAt)
	x.CreatedAt, x.UpdatedAt = y.CreatedAt, y.UpdatedAt
	x.Parents, y.Parents = append([]string{}, x.Parents...), append([]string{}, y.Parents...)
	if x.Kind == "Client" || x.Kind == kinds.SigningKeyKind || x.Kind == "Fault" || x.Kind == "TopicPolicy" || x.Kind == "Certificate" {
		// They hold compiled patterns and keys, which are made of the JSON.
		same = same && reflect.TypeOf(x.Value) == reflect.TypeOf(y.Value)
		x.Value, y.Value = nil, nil
	}
	return same && reflect.DeepEqual(x, y)
}

// What a state file brings back is the world as it was, to the last record.
func TestStateIsTheWorldAsItWas(t *testing.T) {
	file := filepath.Join(t.TempDir(), "world")
	before := start(t, stateConfig(t, file))
	disturbed(t, before)
	stop(t, before)
	kindsSeen := map[string]bool{}
	picture := before.Pair().World.Picture()
	for record := range picture.Present.RecordsBelow("") {
		kindsSeen[record.Kind] = true
	}
	for _, want := range []string{"idp.client", "idp.counter", "idp.device", "idp.grant", "idp.pending", "idp.pushed", "idp.revoked", "idp.session",
		"idp.usercode", "console.groups", "console.key-use", "console.logger", "console.logging-mode", "console.session", "console.token", "fault", "mock.simulation"} {
		if !kindsSeen[want] {
			t.Errorf("no record of kind %s: the test does not try it", want)
		}
	}
	after := start(t, stateConfig(t, file))
	samePicture(t, picture, after.Pair().World.Picture())
	var status struct {
		Restored, Pending bool
		Failure, Warning  string
	}
	got := mock(t, after, http.MethodPost, "/_mock/state", nil)
	expectStatus(t, "save", got, http.StatusOK)
	if got.json(t, &status); !status.Restored || status.Pending || status.Failure != "" || status.Warning != "" {
		t.Errorf("%+v", status)
	}
	expectStatus(t, "reset", mock(t, after, http.MethodPost, "/_mock/reset", nil), http.StatusNoContent)
	sameWorld(t, "after a reset", picture.Seed, after.Pair().World.View())
}

func TestStateAndSeed(t *testing.T) {
	folder := t.TempDir()
	seed, file := filepath.Join(folder, "seed.yaml"), filepath.Join(folder, "world")
	seedFile(t, seed, "one")
	config := server.Config{PublicURL: "http://mock.shop.example", State: file, Seeds: []string{"default", seed}}
	topics := func(running *server.Server) (found []string) {
		for _, name := range []string{"one", "two", "mine"} {
			if got := mock(t, running, http.MethodGet, "/_mock/resources/Topic?cluster=dev", nil); strings.Contains(string(got.body), `"`+name+`"`) {
				found = append(found, name)
			}
		}
		return found
	}
	first := start(t, config)
	if !slices.Contains(topics(first), "one") {
		seedless := mock(t, first, http.MethodGet, "/_mock/seed", nil)
		t.Fatalf("the seed has no topic one: %.300s", seedless.body)
	}
	token := tokenOf(t, first, "ada")
	mustDo(t, mock(t, first, http.MethodPut, "/_mock/resources/Topic", object{"apiVersion": "v2", "kind": "Topic",
		"metadata": object{"cluster": "dev", "name": "mine"}, "spec": object{"partitions": 1, "replicationFactor": 1}}))
	stop(t, first)

	seedFile(t, seed, "one", "two")
	second := start(t, config)
	if got := topics(second); !slices.Equal(got, []string{"one", "mine"}) {
		t.Errorf("with a seed that has changed: %v; the state counts", got)
	}
	if got := mock(t, second, http.MethodGet, "/_mock/state", nil); !strings.Contains(string(got.body), "the seed has changed") {
		t.Errorf("no warning: %s", got.body)
	}
	expectStatus(t, "reset", mock(t, second, http.MethodPost, "/_mock/reset", nil), http.StatusNoContent)
	if got := topics(second); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("after a reset: %v; expected the seed as it is now", got)
	}
	stop(t, second)

	seedFile(t, seed, "two")
	config.Watch = true
	third := start(t, config)
	if got := topics(third); !slices.Equal(got, []string{"two"}) {
		t.Errorf("with --watch: %v; expected what the file has now", got)
	}
	if got := call(t, third, http.MethodGet, whoamiPath, token, nil); got.status != http.StatusOK {
		t.Errorf("a token of before: %d %s", got.status, got.body)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

// Random keys are drawn once for as long as the state is kept.
func TestStateWithRandomKeys(t *testing.T) {
	config := stateConfig(t, filepath.Join(t.TempDir(), "world"))
	config.RandomKeys = true
	before := start(t, config)
	tokens, err := control.Mint(t.Context(), before.Pair().World, before.Pair().Provider, "ada", idp.MintRequest{ClientID: "opaque"})
	if err != nil {
		t.Fatal(err)
	}
	stop(t, before)
	after := start(t, config)
	if got := call(t, after, http.MethodGet, "/idp/userinfo", tokens.AccessToken, nil); got.status != http.StatusOK {
		t.Errorf("an opaque token of before: %d %s", got.status, got.body)
	}
	got := postForm(t, after, "/idp/token", "opaque", "opaque-secret", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.RefreshToken}})
	expectStatus(t, "a refresh token of before", got, http.StatusOK)
}
