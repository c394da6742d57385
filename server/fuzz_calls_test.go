package server_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/server/store"
)

// FuzzConsoleCall: any operation of the Console with changed parameters and a
// changed body answers what the document allows, never fails, and changes nothing
// where it refuses.
func FuzzConsoleCall(f *testing.F) {
	l := startFuzzKinds(f)
	all := operations(f)
	for _, op := range all {
		op.fitCluster()
	}
	seedCalls(f, len(all))
	f.Fuzz(func(t *testing.T, at uint16, picks, edits []byte, raw string) {
		l.Pair().World.Reset()
		c := l.drawCall(all[int(at)%len(all)], picks, edits, raw)
		before := l.holdings()
		l.unharmed(t, c.String(), l.ask(c.method, c.target, l.root, c.media, c.body), before)
	})
}

// FuzzControlCall is FuzzConsoleCall for the control API.
func FuzzControlCall(f *testing.F) {
	l := startFuzzKinds(f)
	pair := l.Pair()
	kept := pair.World.Fork()
	all := slices.DeleteFunc(operationsIn(f, mockSpecification), func(op *operation) bool {
		return op.path == "/_mock/journal/wait" || op.path == "/_mock/journal/events" // both take time
	})
	for _, op := range all {
		for name, value := range op.values {
			if value == nil {
				op.values[name] = map[string]string{"kind": "topic", "name": "money", "seq": "1"}[name]
			}
		}
	}
	seedCalls(f, len(all))
	f.Fuzz(func(t *testing.T, at uint16, picks, edits []byte, raw string) {
		// What a call may change beside the world.
		pair.World.Replace(kept)
		pair.World.Clock.Set(kindMoment)
		pair.World.Clock.Freeze()
		if err := pair.SyncKeys(); err != nil {
			t.Fatal(err)
		}
		for _, name := range pair.World.Snapshots() {
			if err := pair.World.DropSnapshot(name); err != nil {
				t.Fatal(err)
			}
		}
		c := l.drawCall(all[int(at)%len(all)], picks, edits, raw)
		before := l.holdings()
		got := l.ask(c.method, c.target, "", c.media, c.body)
		l.unharmed(t, c.String(), got, before)
		if c.op.path == "/_mock/sandboxes" && got.Code == http.StatusCreated {
			var made struct{ ID string }
			if err := json.Unmarshal(got.Body.Bytes(), &made); err != nil || !l.CloseSandbox(made.ID) {
				t.Fatalf("%s: made a sandbox that is not there: %s", c, got.Body)
			}
		}
	})
}

// FuzzLists: whatever filters and pages are asked for, the answer is a part of the
// whole list, in its order.
func FuzzLists(f *testing.F) {
	l := startFuzzKinds(f)
	lists := slices.DeleteFunc(operations(f), func(op *operation) bool { return !isList(op) })
	if len(lists) < 20 {
		f.Fatalf("only %d lists", len(lists))
	}
	for _, op := range lists {
		op.fitCluster()
	}
	seedCalls(f, len(lists))
	f.Fuzz(func(t *testing.T, at uint16, picks, edits []byte, raw string) {
		op := lists[int(at)%len(lists)]
		whole := &drawnCall{op: op, method: op.method, target: op.target(), media: op.media}
		if op.media != "" {
			whole.body = `{"page":1,"itemsPerPage":1000,"sort":"ByName"}`
		}
		answered := l.ask(whole.method, whole.target, l.root, whole.media, whole.body)
		if answered.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", whole, answered.Code, answered.Body)
		}
		all := itemsOf(t, whole, answered.Body.Bytes())
		c := l.drawCall(op, nil, edits, "")
		query := l.drawQuery(op, &choices{picks})
		if c.target = op.target(); query != "" || raw != "" {
			separator := "?"
			if strings.Contains(c.target, "?") {
				separator = "&"
			}
			c.target += separator + query + "&" + raw
		}
		before := l.holdings()
		got := l.ask(c.method, c.target, l.root, c.media, c.body)
		l.unharmed(t, c.String(), got, before)
		if got.Code != http.StatusOK {
			return
		}
		sorted := strings.Contains(strings.ToLower(c.target+c.body), "sort")
		next := 0
		left := maps.Clone(counted(all))
		for _, item := range itemsOf(t, c, got.Body.Bytes()) {
			if left[item]--; left[item] < 0 {
				t.Fatalf("%s\nhas %s, which the whole list has not, or not so often", c, item)
			}
			for !sorted && next < len(all) && all[next] != item {
				next++
			}
			if next++; !sorted && next > len(all) {
				t.Fatalf("%s\nhas %s in another order than the whole list", c, item)
			}
		}
	})
}

func counted(items []string) map[string]int {
	counts := map[string]int{}
	for _, item := range items {
		counts[item]++
	}
	return counts
}

// isList tells the operations that answer a list which their parameters or their
// body narrow.
func isList(op *operation) bool {
	if op.method == http.MethodPost {
		properties, _ := op.body.(map[string]any)
		_, paged := properties["itemsPerPage"]
		return paged
	}
	answer := op.spec.Responses.Status(http.StatusOK)
	if op.method != http.MethodGet || answer == nil || strings.HasSuffix(op.path, "}") {
		return false
	}
	for _, content := range answer.Value.Content {
		if content.Schema != nil && content.Schema.Value != nil && (content.Schema.Value.Type.Is("array") || content.Schema.Value.Properties["data"] != nil || content.Schema.Value.Properties["items"] != nil) {
			return true
		}
	}
	return false
}

// itemsOf are the items of a list, each as its bytes.
func itemsOf(t failing, c *drawnCall, body []byte) []string {
	t.Helper()
	var raw []json.RawMessage
	if json.Unmarshal(body, &raw) != nil {
		var paged struct{ Data, Items []json.RawMessage }
		if err := json.Unmarshal(body, &paged); err != nil {
			t.Fatalf("%s answers no list: %s", c, body)
		}
		raw = append(paged.Data, paged.Items...)
	}
	items := make([]string, len(raw))
	for i, one := range raw {
		items[i] = string(one)
	}
	return items
}

// FuzzExplain: asking why changes nothing, and what is said is what is then answered.
func FuzzExplain(f *testing.F) {
	l := startFuzzKinds(f)
	pair := l.Pair()
	for _, token := range []string{"", "x", "a.b.c", l.root} {
		for _, path := range []string{"/public/iam/v2/group", "/api/public/kafka/v2/cluster/dev/topic?x=y", "/api/token/v1/whoami", "/public/kafka/v2/cluster/%2f/topic/..%2f", "/_mock/reset", "/idp/token", "/s/x/api", "", "//", "/a b", "/%zz"} {
			f.Add(token, "GET", path, "")
			f.Add(token, "PUT", path, `{"apiVersion":"v2","kind":"Group","metadata":{"name":"g"},"spec":{"displayName":"G"}}`)
		}
	}
	f.Fuzz(func(t *testing.T, token, method, path, body string) {
		pair.World.Reset()
		asked := map[string]any{"method": method, "path": path}
		if token != "" {
			asked["token"] = token
		}
		if body != "" {
			asked["body"] = body
			var object map[string]any
			if json.Unmarshal([]byte(body), &object) == nil {
				asked["body"] = json.RawMessage(body)
			}
		}
		encoded, err := json.Marshal(asked)
		if err != nil {
			return
		}
		before := l.holdings()
		got := l.ask(http.MethodPost, "/_mock/explain", "", "application/json", string(encoded))
		what := "explain " + string(encoded)
		l.unharmed(t, what, got, before)
		if !slices.Equal(before, l.holdings()) {
			t.Fatalf("%s changed the world", what)
		}
		if got.Code != http.StatusOK {
			return
		}
		var said struct {
			Answer struct{ Status int }
		}
		if err := json.Unmarshal(got.Body.Bytes(), &said); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if said.Answer.Status >= 500 || said.Answer.Status < 200 {
			t.Fatalf("%s: the answer would be %s", what, got.Body)
		}
		if strings.ContainsAny(token, "\r\n\x00") || strings.TrimSpace(token) != token {
			return // no header holds it
		}
		if _, err := http.NewRequest(method, "http://x"+path, nil); err != nil {
			return
		}
		var text string
		if json.Unmarshal([]byte(body), &text) == nil {
			return // explain sends the text in it
		}
		if answered := l.ask(method, path, token, "", body); answered.Code != said.Answer.Status {
			t.Fatalf("%s\nsays %d; the answer is %d %s", what, said.Answer.Status, answered.Code, answered.Body)
		}
	})
}

// seedCalls adds every operation as its example has it and with a few changes.
func seedCalls(f *testing.F, operations int) {
	for at := range operations {
		f.Add(uint16(at), []byte{}, []byte{}, "")
		f.Add(uint16(at), []byte{4, byte(at), 0, 8, byte(3 * at), 1, 0, 5, 7}, []byte{byte(at), 0, 1, byte(7 * at)}, "x=y")
	}
}

// drawnCall is an operation with chosen parameters and body.
type drawnCall struct {
	op                          *operation
	method, target, media, body string
}

func (c *drawnCall) String() string {
	return fmt.Sprintf("%s %s %s %q", c.method, c.target, c.media, c.body)
}

// drawCall chooses a call: parameters by picks, changes of the example body by
// edits; raw stands behind the query, or is the body as it is.
func (l *fuzzLab) drawCall(op *operation, picks, edits []byte, raw string) *drawnCall {
	p := &choices{picks}
	c := &drawnCall{op: op, method: op.method, media: op.media}
	path := op.path
	for _, param := range op.parameters {
		if param.In != "path" {
			continue
		}
		value := parameterText(op.values[param.Name])
		if p.of(4) == 1 {
			value = l.drawText(p)
		}
		path = strings.ReplaceAll(path, "{"+param.Name+"}", url.PathEscape(value))
	}
	c.target = path
	if !strings.HasPrefix(path, "/_mock") {
		c.target = "/api" + path
	}
	if query := l.drawQuery(op, p); query != "" || raw != "" {
		c.target += "?" + query + "&" + raw
	}
	if op.media == "" {
		return c
	}
	e := &editor{choices: &choices{edits}, lab: l}
	if how := e.of(8); how == 7 || op.media != "application/json" {
		c.body = raw
		if how < 7 {
			c.body = fmt.Sprint(op.body)
		}
		return c
	}
	encoded, err := json.Marshal(op.body)
	if err != nil {
		panic(err)
	}
	var body any
	if object, err := store.DecodeObject(encoded); err == nil {
		body = object
	} else if err := json.Unmarshal(encoded, &body); err != nil {
		panic(err)
	}
	for range 3 {
		if e.more() {
			body = e.edit(body)
		}
	}
	if _, out := body.(removed); !out {
		c.body = respelled(body, e.choices)
	}
	return c
}

// drawQuery chooses values for query parameters: of the example, of the pool, or
// something that the world has.
func (l *fuzzLab) drawQuery(op *operation, p *choices) string {
	query := url.Values{}
	for _, param := range op.parameters {
		if param.In != "query" {
			continue
		}
		value, given := op.values[param.Name]
		switch p.of(5) {
		case 1:
			query.Add(param.Name, l.drawText(p))
		case 2:
			query.Add(param.Name, parameterText(param.Example))
		case 3:
			if param.Schema != nil && len(param.Schema.Value.Enum) > 0 {
				query.Add(param.Name, fmt.Sprint(param.Schema.Value.Enum[p.of(len(param.Schema.Value.Enum))]))
			} else {
				query.Add(param.Name, []string{"true", "false", "1", "2", "0"}[p.of(5)])
			}
		default:
			if given {
				query.Add(param.Name, parameterText(value))
			}
		}
	}
	return query.Encode()
}

func (l *fuzzLab) drawText(p *choices) string {
	if p.of(2) == 0 {
		if names := l.names(); len(names) > 0 {
			return names[(p.byte()|p.byte()<<8)%len(names)]
		}
	}
	for range 50 {
		if text, ok := fuzzValues[p.of(len(fuzzValues))].(string); ok {
			return text
		}
		if !p.more() {
			break
		}
	}
	return "none"
}
