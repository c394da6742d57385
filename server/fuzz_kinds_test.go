package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// FuzzKindBody: an example of any kind, changed at any places, is put into a world
// that holds all examples. See tryBody for what must hold.
func FuzzKindBody(f *testing.F) {
	l := startFuzzKinds(f)
	for kind := range len(openapi.Console().Kinds()) {
		f.Add(uint8(kind), []byte{}, []byte("abcdefghijklmnopqrstuvwxyz"))
		for seed := range 6 {
			// Three edits each, spread over the body.
			edits := make([]byte, 12)
			for i := range edits {
				edits[i] = byte(kind*31 + seed*97 + i*53)
			}
			f.Add(uint8(kind), edits, []byte{1, 2, 3, 4})
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, edits, spelling []byte) { l.tryBody(t, kind, edits, spelling) })
}

// TestKindBodyProperties is FuzzKindBody with random inputs, for the ordinary suite.
func TestKindBodyProperties(t *testing.T) {
	l := startFuzzKinds(t)
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		some := func(name string, most int) []byte { return rapid.SliceOfN(rapid.Byte(), 0, most).Draw(t, name) }
		if l.tryBody(t, rapid.Byte().Draw(t, "kind"), some("edits", 9), some("spelling", 50)) {
			accepted++
		}
	})
	if accepted < 10 {
		t.Errorf("only %d bodies were accepted: the edits are too wild to show anything", accepted)
	}
}

func startFuzzKinds(t testing.TB) *fuzzLab {
	t.Helper()
	documents, _ := documentSeed(t)
	return startFuzz(t, server.Config{Documents: documents})
}

// tryBody puts a changed example. It is accepted or refused with a 4xx, and a
// refusal changes nothing. What was accepted is read back as answered; put again, in
// whatever spelling, by the API or as YAML, it is NotChanged; the export of the world
// loads to the same export; and once deleted, if nothing else goes with it, it can be
// put back to the same export. It reports whether the body was accepted.
func (l *fuzzLab) tryBody(t failing, kindIndex uint8, edits, spelling []byte) bool {
	t.Helper()
	l.Pair().World.Reset()
	all := openapi.Console().Kinds()
	kind := all[int(kindIndex)%len(all)]
	object := plain(kind.Example())
	e := &editor{choices: &choices{edits}, lab: l}
	for range 4 {
		if e.more() {
			edited, isObject := e.edit(object).(map[string]any)
			if !isObject {
				return false
			}
			object = edited
		}
	}
	list, item := l.placeIn(kind, object)
	spelled := respelled(object, &choices{spelling})
	before := l.holdings()
	got := l.ask(http.MethodPut, list, l.root, "application/json", spelled)
	what := fmt.Sprintf("PUT %s %s", list, spelled)
	l.unharmed(t, what, got, before)
	if got.Code != http.StatusOK {
		return false
	}
	var result struct {
		Resource     json.RawMessage
		UpsertResult kinds.Outcome
	}
	if err := json.Unmarshal(got.Body.Bytes(), &result); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	held := l.Pair().World.View()
	exported := l.exported(t)

	read := l.ask(http.MethodGet, item, l.root, "", "")
	if read.Code != http.StatusOK || !sameJSON(read.Body.Bytes(), result.Resource) {
		t.Fatalf("%s\nanswered %s\nGET %s: %d %s", what, result.Resource, item, read.Code, read.Body)
	}
	shown, err := store.DecodeObject(read.Body.Bytes())
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	for name, again := range map[string]string{"as it was": spelled, "spelled otherwise": respelled(object, &choices{edits}),
		"as it is shown": read.Body.String(), "as it is shown, spelled otherwise": respelled(shown, &choices{spelling})} {
		got := l.ask(http.MethodPut, list, l.root, "application/json", again)
		if got.Code != http.StatusOK || !strings.HasSuffix(got.Body.String(), `"upsertResult":"NotChanged"}`) {
			t.Fatalf("%s\nwas accepted; put again %s: %s\n%d %s", what, name, again, got.Code, got.Body)
		}
	}
	l.sameAsYAML(t, what, kind, held, shown)
	if now := l.exported(t); now != exported {
		t.Fatalf("%s\nputting it again changed the export: %s", what, firstDifference(exported, now))
	}
	l.loadsAgain(t, what, exported)
	l.comesAndGoes(t, what, kind, list, item, read.Body.String())
	return true
}

// sameAsYAML applies the resource as an export has it.
func (l *fuzzLab) sameAsYAML(t failing, what string, kind *openapi.Kind, held *store.Tx, shown map[string]any) {
	t.Helper()
	key, err := kinds.KeyOf(kind, shown)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	resource, err := held.Resource(kind.Name, kind.Version, key.Parents, key.Name)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	var written bytes.Buffer
	if err := seed.Encode(&written, []map[string]any{l.Pair().Engine.Written(kind, resource)}); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	loaded, err := seed.Load([]string{"-"}, strings.NewReader(written.String()))
	if err != nil {
		t.Fatalf("%s\nis written as\n%s\nwhich cannot be loaded: %v", what, &written, err)
	}
	loaded = slices.DeleteFunc(loaded, func(one *seed.Document) bool { return one.Kind == kinds.SigningKeyKind })
	err = l.Pair().World.Update(func(tx *store.Tx) error {
		_, outcome, err := l.Pair().Engine.Apply(tx, kinds.Request{Kind: kind, Object: loaded[0].Object})
		if err == nil && outcome != kinds.NotChanged {
			err = fmt.Errorf("applied as a seed it is %s", outcome)
		}
		return err
	})
	if err != nil {
		t.Fatalf("%s\nis written as\n%s\n%v", what, &written, err)
	}
}

// exported is the export as the command writes it.
func (l *fuzzLab) exported(t failing) string {
	t.Helper()
	var out bytes.Buffer
	if err := seed.Encode(&out, l.Pair().Export(context.Background())); err != nil {
		t.Fatalf("export: %v", err)
	}
	return out.String()
}

// loadsAgain loads an export into an empty world.
func (l *fuzzLab) loadsAgain(t failing, what, exported string) {
	t.Helper()
	documents, err := seed.Load([]string{"-"}, strings.NewReader(exported))
	if err != nil {
		t.Fatalf("%s\nmade an export that cannot be read: %v", what, err)
	}
	world := store.NewAt(l.Pair().World.Clock)
	if err := server.Load(world, l.Pair().Engine, server.DefaultAdminEmail, documents); err != nil {
		t.Fatalf("%s\nmade an export that cannot be loaded: %v", what, err)
	}
	var again bytes.Buffer
	if err := seed.Encode(&again, (&server.Pair{World: world, Engine: l.Pair().Engine}).Export(context.Background())); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if again.String() != exported {
		t.Fatalf("%s\nmade an export that loads to another: %s", what, firstDifference(exported, again.String()))
	}
}

// comesAndGoes deletes the resource and puts it back.
func (l *fuzzLab) comesAndGoes(t failing, what string, kind *openapi.Kind, list, item, shown string) {
	t.Helper()
	before, exported := l.holdings(), l.exported(t)
	got := l.ask(http.MethodDelete, item, l.root, "", "")
	l.unharmed(t, what+"\nDELETE "+item, got, before)
	if got.Code != http.StatusOK {
		return
	}
	after := l.holdings()
	if len(after) != len(before)-1 || slices.ContainsFunc(after, func(one *store.Resource) bool { return !slices.Contains(before, one) }) {
		return // others went with it, or lost something that putting it back does not give them
	}
	got = l.ask(http.MethodPut, list, l.root, "application/json", shown)
	if got.Code != http.StatusOK || !strings.HasSuffix(got.Body.String(), `"upsertResult":"Created"}`) {
		t.Fatalf("%s\nwas deleted and put back: %d %s", what, got.Code, got.Body)
	}
	if now := l.exported(t); now != exported {
		t.Fatalf("%s\nwas deleted and put back, and the export differs: %s", what, firstDifference(exported, now))
	}
}

func sameJSON(a, b []byte) bool {
	x, err := store.DecodeObject(a)
	y, errY := store.DecodeObject(b)
	return err == nil && errY == nil && reflect.DeepEqual(x, y)
}

// plain is a resource as the wire has it, numbers as json.Number; nobody else's.
func plain(object map[string]any) map[string]any {
	encoded, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	decoded, err := store.DecodeObject(encoded)
	if err != nil {
		panic(err)
	}
	return decoded
}

// placeIn is the list and the item path of a resource, with the parents that its
// metadata name or, where they name none, those of the example.
func (l *fuzzLab) placeIn(kind *openapi.Kind, object map[string]any) (list, item string) {
	example := kind.Example()["metadata"].(map[string]any)
	metadata, _ := object["metadata"].(map[string]any)
	named := func(field string) string {
		if name, ok := metadata[field].(string); ok {
			return name
		}
		return fmt.Sprint(example[field])
	}
	list = "/api" + kind.ListPath
	for _, parent := range kind.Parents {
		list = strings.ReplaceAll(list, "{"+parent+"}", url.PathEscape(named(parent)))
	}
	owner := url.Values{}
	for _, param := range kind.Owner {
		if name, ok := metadata[param.Name].(string); ok {
			owner.Set(param.Name, name)
		}
	}
	item = withQuery(list+"/"+url.PathEscape(named("name")), owner)
	return withQuery(list, owner), item
}

// editor changes a document as its choices say.
type editor struct {
	*choices
	lab *fuzzLab
}

// edit changes one value somewhere in a document.
func (e *editor) edit(value any) any {
	places := countPlaces(value)
	at := e.byte() | e.byte()<<8
	target := at % places
	changed, _ := e.editAt(value, &target)
	return changed
}

func countPlaces(value any) int {
	n := 1
	switch value := value.(type) {
	case map[string]any:
		for _, inner := range value {
			n += countPlaces(inner)
		}
	case []any:
		for _, inner := range value {
			n += countPlaces(inner)
		}
	}
	return n
}

// removed takes a member out.
type removed struct{}

func (e *editor) editAt(value any, target *int) (any, bool) {
	if *target == 0 {
		return e.change(value), true
	}
	*target--
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			inner, done := e.editAt(value[name], target)
			if !done {
				continue
			}
			if _, out := inner.(removed); out {
				delete(value, name)
			} else {
				value[name] = inner
			}
			return value, true
		}
	case []any:
		for i := range value {
			inner, done := e.editAt(value[i], target)
			if !done {
				continue
			}
			if _, out := inner.(removed); out {
				return slices.Delete(value, i, i+1), true
			}
			value[i] = inner
			return value, true
		}
	}
	return value, false
}

var fuzzValues = []any{
	nil, true, false, json.Number("0"), json.Number("-1"), json.Number("1"), json.Number("2147483648"), json.Number("9007199254740993"), json.Number("1e400"),
	json.Number("-0"), json.Number("1.5"), json.Number("1e2"), json.Number("18446744073709551616"), json.Number("0.1e-7"),
	"", " ", "*", "a", "a.b", "A", "é", "e\u0301", "a/b", "a%2fb", "..", "a b", "a\nb", "a\x00b", "\u2028", "\ufeff", "null", "true", "1", "1.0", "~", "- a", "a: b", "#", "2026-01-05T09:00:00Z", "P1D", "5m", "-1", "1e3", "0x10", "0o7",
	"a@b.example", "ada@shop.example", "admin", "(a+)+$", "(", "[", "${x}", "{{x}}", "http://x.example", "spec.partitions > 1", `{"type":"string"}`, `{"type":"record","name":"R","fields":[]}`, `syntax = "proto3";`,
	[]any{}, []any{nil}, []any{"a", "a"}, []any{[]any{}}, map[string]any{}, map[string]any{"": "x"}, map[string]any{"a": nil}, map[string]any{"a": map[string]any{"b": []any{json.Number("1.0")}}},
}

// change is another value in the place of this one.
func (e *editor) change(value any) any {
	switch e.of(8) {
	case 0:
		return removed{}
	case 1, 2:
		return e.value()
	case 3: // something the world has
		if names := e.lab.names(); len(names) > 0 {
			return names[(e.byte()|e.byte()<<8)%len(names)]
		}
	case 4:
		switch value := value.(type) {
		case map[string]any:
			value[[]string{"name", "type", "extra", "labels", ""}[e.of(5)]] = e.value()
			return value
		case []any:
			if len(value) > 0 {
				return append(value, value[e.of(len(value))])
			}
			return []any{e.value()}
		case string:
			return value + "x"
		case json.Number:
			return value + "0"
		}
	case 5:
		switch value := value.(type) {
		case string:
			return strings.ToUpper(value)
		case []any:
			slices.Reverse(value)
			return value
		case json.Number:
			return string(value)
		case bool:
			return !value
		}
		return []any{value}
	case 6:
		switch value := value.(type) {
		case string:
			return value[:len(value)/2]
		case []any:
			return value[:len(value)/2]
		}
	case 7:
		return map[string]any{"a": value}
	}
	return e.value()
}

// value is one of the pool, as a copy.
func (e *editor) value() any {
	encoded, err := json.Marshal(fuzzValues[e.of(len(fuzzValues))])
	if err != nil {
		panic(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	var copied any
	if err := decoder.Decode(&copied); err != nil {
		panic(err)
	}
	return copied
}

// names are those of all resources.
func (l *fuzzLab) names() []string {
	var names []string
	for _, one := range l.holdings() {
		names = append(names, one.Name)
	}
	return names
}
