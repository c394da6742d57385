package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server"
)

// v1World is a server with the estate of testdata/v1 and the tokens of its
// callers.
type v1World struct {
	testing.TB
	running *server.Server
	tokens  map[string]string
}

// The callers. "none" sends no token.
const (
	v1Admin    = "admin"    // an admin API key
	v1Manager  = "manager"  // userManage, certificateManage, clusterConnectionsManage, clusterManageACL
	v1Viewer   = "viewer"   // userView, clusterViewACL
	v1Engineer = "engineer" // permissions on some topics of dev
	v1Nobody   = "nobody"
	v1Instance = "instance" // the API key of the application instance shop-dev
	v1None     = "none"
)

func startV1(t testing.TB) *v1World {
	t.Helper()
	w := &v1World{TB: t, running: start(t, server.Config{Seeds: []string{"testdata/v1"}})}
	w.tokens = map[string]string{v1Admin: "v1-admin-key", v1Instance: "v1-instance-key", v1None: ""}
	for _, login := range []string{v1Manager, v1Viewer, v1Engineer, v1Nobody} {
		w.tokens[login] = tokenOf(t, w.running, login)
	}
	// Seeing a token for the first time creates its user; that is no effect of
	// what is tested.
	for who := range w.tokens {
		if who != v1None {
			w.do(who, http.MethodGet, "/token/v1/whoami", nil, nil)
		}
	}
	return w
}

var v1Param = regexp.MustCompile(`\{[^}]+\}`)

// do calls an operation by its path in the document, the values of its path
// parameters in order, and checks the answer against the document. A query may
// stand behind the path.
func (w *v1World) do(who, method, path string, values []string, body any) answer {
	w.Helper()
	template, query, _ := strings.Cut(path, "?")
	address := v1Param.ReplaceAllStringFunc(template, func(string) string {
		value := values[0]
		values = values[1:]
		return url.PathEscape(value)
	})
	if query != "" {
		address += "?" + query
	}
	got := call(w, w.running, method, "/api"+address, w.tokens[who], body)
	for _, problem := range openapi.Console().ValidateAnswer(method, template, got.status, got.body) {
		w.Errorf("%s %s answers %d against the document: %s\n%s", method, address, got.status, problem, got.body)
	}
	return got
}

// ok calls an operation that must answer the status, and decodes the body.
func (w *v1World) ok(who, method, path string, values []string, body any, status int, into any) {
	w.Helper()
	got := w.do(who, method, path, values, body)
	if got.status != status {
		w.Fatalf("%s: %s %s %v answered %d, want %d: %s", who, method, path, values, got.status, status, got.body)
	}
	if into != nil {
		got.json(w, into)
	} else if len(got.body) > 0 {
		w.Errorf("%s %s %v answered a body: %s", method, path, values, got.body)
	}
}

// refused calls an operation that must answer the status, say the text, and
// change nothing. Whether the body is JSON or plain text follows from the
// document.
func (w *v1World) refused(who, method, path string, values []string, body any, status int, says string) {
	w.Helper()
	before := w.export()
	got := w.do(who, method, path, values, body)
	if got.status != status {
		w.Errorf("%s: %s %s %v answered %d, want %d: %s", who, method, path, values, got.status, status, got.body)
		return
	}
	template, _, _ := strings.Cut(path, "?")
	if status == http.StatusBadRequest && openapi.Console().AnswerForm(method, template, status) == openapi.Text {
		if kind := got.header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") {
			w.Errorf("%s %s answers 400 as %s, want text/plain", method, path, kind)
		}
		if !strings.Contains(string(got.body), says) || json.Valid(got.body) {
			w.Errorf("%s %s answers %q, want a text with %q", method, path, got.body, says)
		}
	} else {
		var told problem
		got.json(w, &told)
		if all := told.Title + "\n" + told.Msg + "\n" + told.Cause; told.Title == "" || !strings.Contains(all, says) {
			w.Errorf("%s %s answers %s, want %q in it", method, path, got.body, says)
		}
	}
	if after := w.export(); after != before {
		w.Errorf("%s: %s %s %v was refused (%d) but changed the world:\n%s", who, method, path, values, status, v1Difference(before, after))
	}
}

// export is the whole world as one text.
func (w *v1World) export() string {
	w.Helper()
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	for _, object := range w.running.Pair().Export(w.Context()) {
		if err := encoder.Encode(object); err != nil {
			w.Fatal(err)
		}
	}
	return out.String()
}

func v1Difference(before, after string) string {
	old, now := strings.Split(before, "\n"), strings.Split(after, "\n")
	for i := range max(len(old), len(now)) {
		var a, b string
		if i < len(old) {
			a = old[i]
		}
		if i < len(now) {
			b = now[i]
		}
		if a != b {
			return fmt.Sprintf("- %s\n+ %s", a, b)
		}
	}
	return "no difference"
}

// kind reads one resource of a kind as an admin; nil when there is none.
func (w *v1World) kind(path string, values ...string) map[string]any {
	w.Helper()
	got := w.do(v1Admin, http.MethodGet, path, values, nil)
	if got.status == http.StatusNotFound {
		return nil
	}
	var object map[string]any
	got.json(w, &object)
	return object
}

// spec reads the spec of a resource that must be there.
func (w *v1World) spec(path string, values ...string) map[string]any {
	w.Helper()
	object := w.kind(path, values...)
	if object == nil {
		w.Fatalf("%s %v is not there", path, values)
	}
	spec, _ := object["spec"].(map[string]any)
	return spec
}

// same compares JSON-shaped values by their JSON.
func (w *v1World) same(what string, got any, want string) {
	w.Helper()
	var wanted any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		w.Fatalf("%s: %v", want, err)
	}
	a, err := json.Marshal(roundTrip(w, got))
	if err != nil {
		w.Fatal(err)
	}
	b, err := json.Marshal(wanted)
	if err != nil {
		w.Fatal(err)
	}
	if string(a) != string(b) {
		w.Errorf("%s:\n got %s\nwant %s", what, a, b)
	}
}

// roundTrip brings any value to the form that decoding JSON gives, so that
// fields have one order.
func roundTrip(t testing.TB, value any) any {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var decoded any
	if err := json.Unmarshal(encoded, &decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}

// v1Call is one operation with what it takes to succeed, and what each caller
// is answered.
type v1Call struct {
	method, path string
	values       []string
	body         any
	statuses     map[string]int
}

// whoMay calls operations as each caller, always in the world as it began; a
// refused call must change nothing.
func whoMay(t *testing.T, calls []v1Call) {
	t.Helper()
	w := startV1(t)
	world := w.running.Pair().World
	world.Snapshot("before")
	for _, one := range calls {
		for _, who := range []string{v1None, v1Nobody, v1Engineer, v1Instance, v1Viewer, v1Manager, v1Admin} {
			status, listed := one.statuses[who]
			if !listed {
				t.Fatalf("%s %s does not say what %s may", one.method, one.path, who)
			}
			switch status {
			case http.StatusUnauthorized:
				w.refused(who, one.method, one.path, one.values, one.body, status, "Authorization")
			case http.StatusForbidden:
				w.refused(who, one.method, one.path, one.values, one.body, status, "Missing permission")
			default:
				if got := w.do(who, one.method, one.path, one.values, one.body); got.status != status {
					t.Errorf("%s: %s %s is answered %d, want %d: %s", who, one.method, one.path, got.status, status, got.body)
				}
				if err := world.Restore("before"); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// may lists the statuses of operations that take the right to write or only to
// read, for who holds all or half of it.
func may(write bool, status int) map[string]int {
	statuses := map[string]int{v1None: 401, v1Nobody: 403, v1Engineer: 403, v1Instance: 403, v1Viewer: status, v1Manager: status, v1Admin: status}
	if write {
		statuses[v1Viewer] = 403
	}
	return statuses
}

func mustJSON(t testing.TB, value any) []byte {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}
