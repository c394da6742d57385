package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// kindWorld is a server over a small world of its own, with its clock standing
// still, and the root admin's token.
type kindWorld struct {
	*server.Server
	root string
}

// kindMoment is when the clock of a kindWorld stands.
var kindMoment = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// startKinds starts a server whose seed are the YAML documents given.
func startKinds(t testing.TB, documents ...string) *kindWorld {
	t.Helper()
	loaded, err := seed.Load([]string{"-"}, strings.NewReader(strings.Join(documents, "\n---\n")+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	running := start(t, server.Config{Documents: loaded})
	running.Pair().World.Clock.Freeze()
	running.Pair().World.Clock.Set(kindMoment)
	return &kindWorld{running, sessionOf(t, running)}
}

// sessionOf logs the root admin in.
func sessionOf(t testing.TB, running *server.Server) string {
	t.Helper()
	var login struct {
		AccessToken string `json:"access_token"`
	}
	call(t, running, http.MethodPost, "/api/login", "", map[string]string{
		"username": server.DefaultAdminEmail, "password": server.DefaultAdminPassword}).json(t, &login)
	return login.AccessToken
}

// kindOf finds the kind of a resource.
func kindOf(t testing.TB, resource map[string]any) *openapi.Kind {
	t.Helper()
	apiVersion, _ := resource["apiVersion"].(string)
	name, _ := resource["kind"].(string)
	kind, err := openapi.Console().Kind(apiVersion, name)
	if err != nil {
		t.Fatal(err)
	}
	return kind
}

// resourceJSON reads a resource written as YAML or JSON.
func resourceJSON(t testing.TB, document string) map[string]any {
	t.Helper()
	loaded, err := seed.Load([]string{"-"}, strings.NewReader(document+"\n"))
	if err != nil {
		t.Fatalf("%v\n%s", err, document)
	}
	// Without keys of its own a seed gets those of the estate.
	loaded = slices.DeleteFunc(loaded, func(one *seed.Document) bool { return one.Kind == kinds.SigningKeyKind })
	if len(loaded) != 1 {
		t.Fatalf("%d documents in\n%s", len(loaded), document)
	}
	return loaded[0].Object
}

// placeOf is the list path, the item path and the owner's query of a resource.
func placeOf(t testing.TB, resource map[string]any) (list, item string, owner url.Values) {
	t.Helper()
	kind, metadata := kindOf(t, resource), resource["metadata"].(map[string]any)
	list, owner = "/api"+kind.ListPath, url.Values{}
	for _, parent := range kind.Parents {
		list = strings.ReplaceAll(list, "{"+parent+"}", url.PathEscape(fmt.Sprint(metadata[parent])))
	}
	for _, param := range kind.Owner {
		if name, ok := metadata[param.Name].(string); ok {
			owner.Set(param.Name, name)
		}
	}
	return list, list + "/" + url.PathEscape(fmt.Sprint(metadata["name"])), owner
}

func withQuery(path string, query url.Values) string {
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// put applies a resource with a token.
func (w *kindWorld) put(t testing.TB, token string, resource map[string]any, dry bool) answer {
	t.Helper()
	list, _, owner := placeOf(t, resource)
	if dry {
		owner.Set("dryMode", "true")
	}
	return call(t, w.Server, http.MethodPut, withQuery(list, owner), token, resource)
}

func (w *kindWorld) get(t testing.TB, token string, resource map[string]any) answer {
	t.Helper()
	_, item, owner := placeOf(t, resource)
	return call(t, w.Server, http.MethodGet, withQuery(item, owner), token, nil)
}

func (w *kindWorld) delete(t testing.TB, token string, resource map[string]any) answer {
	t.Helper()
	_, item, owner := placeOf(t, resource)
	return call(t, w.Server, http.MethodDelete, withQuery(item, owner), token, nil)
}

// applied is what a PUT answers.
type applied struct {
	Resource     map[string]any
	UpsertResult kinds.Outcome
}

// mustPut applies a resource and expects an outcome.
func (w *kindWorld) mustPut(t testing.TB, resource map[string]any, want kinds.Outcome) map[string]any {
	t.Helper()
	got := w.put(t, w.root, resource, false)
	if got.status != http.StatusOK {
		t.Fatalf("put %v %v: %d %s", resource["kind"], resource["metadata"], got.status, got.body)
	}
	var result applied
	got.json(t, &result)
	if result.UpsertResult != want {
		t.Fatalf("put %v %v: %s, want %s", resource["kind"], resource["metadata"], result.UpsertResult, want)
	}
	return result.Resource
}

// mustGet reads a resource that is there.
func (w *kindWorld) mustGet(t testing.TB, resource map[string]any) map[string]any {
	t.Helper()
	got := w.get(t, w.root, resource)
	if got.status != http.StatusOK {
		t.Fatalf("get %v %v: %d %s", resource["kind"], resource["metadata"], got.status, got.body)
	}
	var object map[string]any
	got.json(t, &object)
	return object
}

// namesOf lists the names at a path.
func (w *kindWorld) namesOf(t testing.TB, token, path string) []string {
	t.Helper()
	got := call(t, w.Server, http.MethodGet, "/api"+path, token, nil)
	if got.status != http.StatusOK {
		t.Fatalf("list %s: %d %s", path, got.status, got.body)
	}
	var list []struct{ Metadata struct{ Name string } }
	got.json(t, &list)
	names := []string{}
	for _, one := range list {
		names = append(names, one.Metadata.Name)
	}
	return names
}

// refused expects a status and fragments in the message or its cause.
func refusedWith(t testing.TB, got answer, status int, fragments ...string) {
	t.Helper()
	if got.status != status {
		t.Errorf("status %d, want %d: %s", got.status, status, got.body)
		return
	}
	var body problem
	got.json(t, &body)
	for _, fragment := range fragments {
		if !strings.Contains(body.Msg+" "+body.Cause, fragment) {
			t.Errorf("%q is not in %q", fragment, body.Msg+" "+body.Cause)
		}
	}
}

// at finds a field by its path; nil where there is none.
func at(object map[string]any, path string) any {
	var value any = object
	for _, name := range strings.Split(path, "/") {
		inner, _ := value.(map[string]any)
		value = inner[name]
	}
	return value
}

// with is a copy of a resource with a field at a path set, or removed by nil.
func with(resource map[string]any, path string, value any) map[string]any {
	encoded, err := json.Marshal(resource)
	if err != nil {
		panic(err)
	}
	var copied map[string]any
	if err := json.Unmarshal(encoded, &copied); err != nil {
		panic(err)
	}
	names := strings.Split(path, "/")
	object := copied
	for _, name := range names[:len(names)-1] {
		inner, ok := object[name].(map[string]any)
		if !ok {
			inner = map[string]any{}
			object[name] = inner
		}
		object = inner
	}
	if value == nil {
		delete(object, names[len(names)-1])
	} else {
		object[names[len(names)-1]] = value
	}
	return copied
}

// state is the bytes of everything that the root admin can list.
func (w *kindWorld) state(t testing.TB) map[string]string {
	t.Helper()
	state := map[string]string{}
	tx := w.Pair().World.View()
	for _, kind := range w.Pair().Engine.Kinds() {
		for resource := range tx.Resources(kind.Name, kind.Version, nil, "") {
			key := strings.Join(append([]string{kind.Name, kind.Version}, append(append([]string{}, resource.Parents...), resource.Name)...), "/")
			state[key] = string(resource.JSON) + resource.UpdatedAt.String()
		}
	}
	return state
}

// sameState expects that nothing has changed.
func sameState(t testing.TB, before, after map[string]string) {
	t.Helper()
	for key, was := range before {
		if after[key] != was {
			t.Errorf("%s changed:\n%s\nto\n%s", key, was, after[key])
		}
	}
	for key := range after {
		if _, there := before[key]; !there {
			t.Errorf("%s appeared", key)
		}
	}
}

// yamlObject reads one YAML document that need not be valid as a resource.
func yamlObject(t testing.TB, document string) map[string]any {
	t.Helper()
	var object map[string]any
	if err := yaml.Unmarshal([]byte(document), &object); err != nil {
		t.Fatalf("%v\n%s", err, document)
	}
	return object
}

// applyDirectly puts a resource of the emulator's own kinds, which no path serves.
func applyDirectly(t testing.TB, world *kindWorld, resource map[string]any) {
	t.Helper()
	pair := world.Pair()
	kind, err := pair.Engine.Kind(resource["apiVersion"].(string), resource["kind"].(string))
	if err != nil {
		t.Fatal(err)
	}
	err = pair.World.Update(func(tx *store.Tx) error {
		_, _, err := pair.Engine.Apply(tx, kinds.Request{Kind: kind, Object: resource})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
