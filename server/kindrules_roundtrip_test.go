package server_test

import (
	"bytes"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/kinds"
)

// exampleWorld is what the document's examples refer to beyond each other.
const exampleWorld = `
apiVersion: v2
kind: KafkaCluster
metadata: {name: aws}
spec:
  displayName: AWS
  bootstrapServers: kafka:9092
  schemaRegistry: {type: Glue, region: eu-west-1, security: {type: FromContext}}
---
apiVersion: v2
kind: KafkaCluster
metadata: {name: gateway}
spec:
  displayName: Gateway
  bootstrapServers: gateway:6969
  kafkaFlavor: {type: Gateway, url: "http://gateway:8888", user: admin, password: not-a-real-password, virtualCluster: passthrough}
---
apiVersion: v2
kind: Group
metadata: {name: mail-owners}
spec: {displayName: Mail}
---
apiVersion: v1
kind: Application
metadata: {name: mail}
spec: {title: Mail, owner: mail-owners}
`

// exampleLater is what can only be made once some of the examples are there.
var exampleLater = map[string]string{
	"ApplicationInstance/v1": `
apiVersion: v1
kind: ApplicationInstance
metadata: {name: mail-dev, application: mail}
spec: {cluster: dev}`,
	"Topic/v2": `
apiVersion: v2
kind: Subject
metadata: {name: money-value, cluster: dev}
spec: {format: AVRO, schema: '{"type":"record","name":"Money","fields":[]}'}`,
}

// exampleChanges is a field of each example and another value for it; nothing
// where the kind takes no change.
var exampleChanges = map[string]struct {
	path  string
	value any
}{
	"User/v2":                          {"spec/firstName", "Augusta"},
	"Group/v2":                         {"spec/description", "Changed"},
	"KafkaCluster/v2":                  {"spec/color", "#000000"},
	"KafkaConnectCluster/v2":           {"spec/displayName", "Changed"},
	"KsqlDBCluster/v2":                 {"spec/displayName", "Changed"},
	"TopicPolicy/v1":                   {"spec/policies/spec.partitions", map[string]any{"constraint": "OneOf", "values": []any{"6"}}},
	"ResourcePolicy/v1":                {"spec/description", "Changed"},
	"Application/v1":                   {"spec/title", "Changed"},
	"ApplicationInstance/v1":           {"spec/defaultCatalogVisibility", "PRIVATE"},
	"ApplicationInstancePermission/v1": {},
	"ApplicationGroup/v1":              {"spec/displayName", "Changed"},
	"ServiceAccount/v1":                {"metadata/labels/team", "mail"},
	"Topic/v2":                         {"spec/configs/retention.ms", "3600000"},
	"Subject/v2":                       {"spec/compatibility", "FULL"},
	"GlueSchema/v2":                    {"spec/compatibility", "FULL_ALL"},
	"Connector/v2":                     {"spec/config/tasks.max", "2"},
	"IndexedTopic/v1":                  {"spec/enabled", false},
	"PartnerZone/v2":                   {"spec/displayName", "Changed"},
	"DataQualityRule/v1":               {"spec/displayName", "Changed"},
	"DataQualityPolicy/v1":             {"spec/actions/block/enabled", true},
	"Integration/v3":                   {"spec/config/token", "another-token"},
	"Alert/v2":                         {"spec/threshold", 5},
	"Alert/v3":                         {"spec/threshold", 5},
}

func kindKey(kind *openapi.Kind) string { return kind.Name + "/" + kind.Version }

// TestKindExamples takes the example of every kind version through its life.
func TestKindExamples(t *testing.T) {
	world := startKinds(t, exampleWorld)
	var applied []map[string]any
	versions := 0
	for _, kind := range openapi.Console().Kinds() {
		example := kind.Example()
		t.Run(kindKey(kind), func(t *testing.T) { world.liveThrough(t, kind, example) })
		applied = append(applied, example)
		if later := exampleLater[kindKey(kind)]; later != "" {
			world.mustPut(t, resourceJSON(t, later), kinds.Created)
			applied = append(applied, resourceJSON(t, later))
		}
		versions++
	}
	if versions != len(exampleChanges) || versions != 23 {
		t.Errorf("%d kind versions, %d changes, want 23", versions, len(exampleChanges))
	}
	slices.Reverse(applied)
	for _, resource := range applied {
		t.Run("delete "+kindKey(kindOf(t, resource)), func(t *testing.T) { world.endLife(t, resource) })
	}
}

func (w *kindWorld) liveThrough(t *testing.T, kind *openapi.Kind, example map[string]any) {
	t.Helper()
	document := openapi.Console()
	before := w.state(t)
	got := w.put(t, w.root, example, true)
	var dry applied
	got.json(t, &dry)
	if got.status != http.StatusOK || dry.UpsertResult != kinds.Created {
		t.Fatalf("dry run: %d %s", got.status, got.body)
	}
	sameState(t, before, w.state(t))
	refusedWith(t, w.get(t, w.root, example), http.StatusNotFound, "not found")

	got = w.put(t, w.root, example, false)
	if problems := document.ValidateAnswer(http.MethodPut, kind.ListPath, got.status, got.body); len(problems) > 0 {
		t.Errorf("answer of the PUT: %v", problems)
	}
	var made applied
	got.json(t, &made)
	if made.UpsertResult != kinds.Created {
		t.Fatalf("put: %d %s", got.status, got.body)
	}
	comesBack(t, "", plainJSON(t, example), made.Resource)

	one := w.get(t, w.root, example)
	if problems := document.ValidateAnswer(http.MethodGet, kind.ItemPath, one.status, one.body); len(problems) > 0 {
		t.Errorf("answer of the GET: %v", problems)
	}
	var read map[string]any
	one.json(t, &read)
	if !reflect.DeepEqual(read, made.Resource) {
		t.Errorf("GET answers\n%v\nthe PUT answered\n%v", read, made.Resource)
	}
	w.mustPut(t, read, kinds.NotChanged)
	if again := w.get(t, w.root, example); !bytes.Equal(again.body, one.body) {
		t.Errorf("putting back what GET answered changed it from\n%s\nto\n%s", one.body, again.body)
	}
	w.listsOnce(t, kind, example, one.body)
	if kind.Create {
		list, _, owner := placeOf(t, example)
		refusedWith(t, call(t, w.Server, http.MethodPost, withQuery(list, owner), w.root, example), http.StatusConflict, "already exists")
	}
	w.change(t, kind, example, one.body)
}

func (w *kindWorld) change(t *testing.T, kind *openapi.Kind, example map[string]any, shown []byte) {
	t.Helper()
	change := exampleChanges[kindKey(kind)]
	if change.path == "" {
		refusedWith(t, w.put(t, w.root, with(example, "spec/userPermission", "WRITE"), false), http.StatusConflict, "cannot change")
		return
	}
	changed := with(example, change.path, change.value)
	var dry applied
	w.put(t, w.root, changed, true).json(t, &dry)
	if dry.UpsertResult != kinds.Updated {
		t.Errorf("dry run of a change: %s", dry.UpsertResult)
	}
	if now := w.get(t, w.root, example); !bytes.Equal(now.body, shown) {
		t.Errorf("the dry run changed\n%s\nto\n%s", shown, now.body)
	}
	w.mustPut(t, changed, kinds.Updated)
	comesBack(t, "", plainJSON(t, changed), w.mustGet(t, example))
	w.mustPut(t, changed, kinds.NotChanged)
	w.mustPut(t, example, kinds.Updated)
}

// listsOnce expects the resource in the list with the same bytes as alone.
func (w *kindWorld) listsOnce(t *testing.T, kind *openapi.Kind, example map[string]any, shown []byte) {
	t.Helper()
	list, _, owner := placeOf(t, example)
	for _, path := range []string{list, withQuery(list, owner)} {
		got := call(t, w.Server, http.MethodGet, path, w.root, nil)
		if problems := openapi.Console().ValidateAnswer(http.MethodGet, kind.ListPath, got.status, got.body); len(problems) > 0 {
			t.Errorf("answer of the list: %v", problems)
		}
		if n := bytes.Count(got.body, shown); n != 1 {
			t.Errorf("%d times in the list %s", n, got.body)
		}
	}
}

func (w *kindWorld) endLife(t *testing.T, resource map[string]any) {
	t.Helper()
	if got := w.delete(t, w.root, resource); got.status != http.StatusOK || len(got.body) != 0 {
		t.Fatalf("delete: %d %s", got.status, got.body)
	}
	refusedWith(t, w.get(t, w.root, resource), http.StatusNotFound, "not found")
	if resource["kind"] == "Group" {
		return // deleting a group that is gone succeeds
	}
	refusedWith(t, w.delete(t, w.root, resource), http.StatusNotFound, "not found")
}

// plainJSON is a resource as it comes off the wire.
func plainJSON(t *testing.T, resource map[string]any) map[string]any {
	t.Helper()
	return with(resource, "-", nil)
}

// comesBack expects everything that was sent in what is answered.
func comesBack(t *testing.T, path string, sent, got any) {
	t.Helper()
	fields, isObject := sent.(map[string]any)
	if !isObject {
		list, isList := sent.([]any)
		answered, _ := got.([]any)
		if !isList || len(list) != len(answered) {
			if !reflect.DeepEqual(sent, got) {
				t.Errorf("%s: sent %v, got %v", path, sent, got)
			}
			return
		}
		for i := range list {
			comesBack(t, path+"[]", list[i], answered[i])
		}
		return
	}
	answered, _ := got.(map[string]any)
	for name, value := range fields {
		comesBack(t, path+"/"+name, value, answered[name])
	}
}

// TestEstatePutBack puts every resource of the default estate back as GET shows it.
func TestEstatePutBack(t *testing.T) {
	running := start(t, server.Config{})
	world := &kindWorld{running, sessionOf(t, running)}
	count := 0
	before := world.state(t)
	for _, kind := range openapi.Console().Kinds() {
		for resource := range running.Pair().World.View().Resources(kind.Name, kind.Version, nil, "") {
			read := world.mustGet(t, resource.Object())
			world.mustPut(t, read, kinds.NotChanged)
			count++
		}
	}
	if count < 120 {
		t.Errorf("only %d resources in the estate", count)
	}
	delete(before, "User/v2/"+server.DefaultAdminEmail) // every login dates it
	after := world.state(t)
	delete(after, "User/v2/"+server.DefaultAdminEmail)
	sameState(t, before, after)
}

// TestSameCallsSameBytes: two servers that were told the same answer the same.
func TestSameCallsSameBytes(t *testing.T) {
	record := func() []string {
		world := startKinds(t, exampleWorld)
		// What the seed brought is dated by the start, which no clock of a world rules.
		started := world.Pair().World.View().Epoch().Format("2006-01-02T15:04")
		var all []string
		note := func(got answer) {
			if got.status != http.StatusOK {
				t.Fatalf("%d %s", got.status, got.body)
			}
			all = append(all, regexp.MustCompile(started+`[^"]*`).ReplaceAllString(string(got.body), "START"))
		}
		for _, kind := range openapi.Console().Kinds() {
			example := kind.Example()
			note(world.put(t, world.root, example, false))
			world.Pair().World.Clock.Advance(1500000000)
			if change := exampleChanges[kindKey(kind)]; change.path != "" {
				note(world.put(t, world.root, with(example, change.path, change.value), false))
				note(world.put(t, world.root, example, false))
			}
			note(world.get(t, world.root, example))
			if later := exampleLater[kindKey(kind)]; later != "" {
				note(world.put(t, world.root, resourceJSON(t, later), false))
			}
		}
		for _, kind := range openapi.Console().Kinds() {
			list, _, _ := placeOf(t, kind.Example())
			note(call(t, world.Server, http.MethodGet, list, world.root, nil))
		}
		return all
	}
	first, second := record(), record()
	for i := range first {
		if first[i] != second[i] {
			t.Errorf("call %d gave\n%s\nand\n%s", i, first[i], second[i])
		}
	}
}
