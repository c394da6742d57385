package server_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

func exportOf(t testing.TB, pair *server.Pair) []map[string]any {
	t.Helper()
	return pair.Export(t.Context())
}

// encodedExport is the export as the command writes it.
func encodedExport(t testing.TB, pair *server.Pair) string {
	t.Helper()
	var out bytes.Buffer
	if err := seed.Encode(&out, exportOf(t, pair)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// loadAt loads documents into a world whose clock stands, so that what is dated
// can be compared.
func loadAt(t testing.TB, documents []*seed.Document) *server.Pair {
	t.Helper()
	world, engine := store.New(), server.NewEngine(server.Config{})
	world.Clock.Freeze()
	world.Clock.Set(time.Date(2030, 5, 6, 7, 8, 9, 0, time.UTC))
	if err := server.Load(world, engine, server.DefaultAdminEmail, documents); err != nil {
		t.Fatalf("load: %v", err)
	}
	return &server.Pair{World: world, Engine: engine}
}

// resourcesOf are all resources as a GET shows them, by their keys.
func resourcesOf(pair *server.Pair) map[string]string {
	all := map[string]string{}
	for _, kind := range pair.Engine.Kinds() {
		for resource := range pair.World.View().Resources(kind.Name, kind.Version, nil, "") {
			key := strings.Join(append([]string{kind.Name, kind.Version}, append(slices.Clone(resource.Parents), resource.Name)...), "/")
			all[key] = fmt.Sprintf("%s created %s, updated %s, refers to %q", resource.JSON,
				resource.CreatedAt.Format(time.RFC3339Nano), resource.UpdatedAt.Format(time.RFC3339Nano), resource.Refs)
		}
	}
	return all
}

func documentsOf(t testing.TB, sources ...string) []*seed.Document {
	t.Helper()
	documents, err := seed.Load(sources, nil)
	if err != nil {
		t.Fatal(err)
	}
	return documents
}

func sameWorlds(t *testing.T, what string, first, second *server.Pair) {
	t.Helper()
	before, after := resourcesOf(first), resourcesOf(second)
	for key, want := range before {
		if got, there := after[key]; !there || got != want {
			t.Errorf("%s: %s is\n%s\nwant\n%s", what, key, got, want)
		}
	}
	for key := range after {
		if _, there := before[key]; !there {
			t.Errorf("%s: %s is new", what, key)
		}
	}
}

func TestExportLoadsToTheSameWorld(t *testing.T) {
	first := loadAt(t, documentsOf(t))
	exported := encodedExport(t, first)
	if strings.Count(exported, "\nkind: ")+1 < 100 {
		t.Fatalf("the export has only %d resources", strings.Count(exported, "\nkind: "))
	}

	stream, err := seed.Load([]string{"-"}, strings.NewReader(exported))
	if err != nil {
		t.Fatalf("load the export: %v", err)
	}
	second := loadAt(t, stream)
	sameWorlds(t, "one stream", first, second)
	if again := encodedExport(t, second); again != exported {
		t.Error("the export of the loaded export is another")
	}

	dir := t.TempDir()
	if err := seed.Write(dir, exportOf(t, first)); err != nil {
		t.Fatal(err)
	}
	sameWorlds(t, "a folder", first, loadAt(t, documentsOf(t, dir)))

	// On top of what it came from, it changes nothing.
	if err := server.Load(first.World, first.Engine, server.DefaultAdminEmail, stream); err != nil {
		t.Fatalf("load over itself: %v", err)
	}
	sameWorlds(t, "over itself", second, first)
}

// A world that has been worked with goes the same way: what the server set does
// not come back as what people wrote.
func TestExportOfAUsedWorld(t *testing.T) {
	running := start(t, server.Config{})
	for _, login := range []string{"ada", "elena", "ines", "jonas"} {
		call(t, running, "GET", whoamiPath, tokenOf(t, running, login), nil)
	}
	call(t, running, "POST", "/api/token/v1/admin_tokens", "mock-admin-key", `{"name":"nightly"}`)
	if got := call(t, running, "PUT", "/api/public/kafka/v2/cluster/production/topic", tokenOf(t, running, "ada"), topicOf("production", "checkout.new.v1", 3)); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	exported := encodedExport(t, running.Pair())
	for _, word := range []string{"lastLoginDate", "membersFromExternalGroups", "conduktor.io/", "createdAt"} {
		if at := strings.Index(exported, word); at >= 0 {
			t.Errorf("the export holds %s: %.200s", word, exported[at:])
		}
	}
	stream, err := seed.Load([]string{"-"}, strings.NewReader(exported))
	if err != nil {
		t.Fatalf("load the export: %v", err)
	}
	loaded, err := server.Offline(server.Config{}, stream)
	if err != nil {
		t.Fatalf("load the export: %v", err)
	}
	if again := encodedExport(t, loaded); again != exported {
		t.Errorf("the export of the loaded export is another:\n%s", firstDifference(exported, again))
	}
	for _, key := range []string{"User/v2/ines@shop.example", "Topic/v2/production/checkout.new.v1"} {
		if resourcesOf(loaded)[key] == "" {
			t.Errorf("%s is lost", key)
		}
	}
	// The new key is good in the new world, and a token of before is too.
	other := start(t, server.Config{Issuer: running.Issuer(), Documents: stream})
	if got := call(t, other, "GET", whoamiPath, tokenOf(t, running, "ada"), nil); got.status != 200 {
		t.Errorf("a token from before: %d %s", got.status, got.body)
	}
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("line %d: %q\nand %q", i+1, x[i], y[i])
		}
	}
	return fmt.Sprintf("%d lines and %d", len(x), len(y))
}

func TestEmptySeed(t *testing.T) {
	pair, err := server.Offline(server.Config{}, documentsOf(t, "empty"))
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for key := range resourcesOf(pair) {
		kind, _, _ := strings.Cut(key, "/")
		counts[kind]++
	}
	keys := counts[kinds.SigningKeyKind]
	delete(counts, kinds.SigningKeyKind)
	if keys == 0 || len(counts) != 2 || counts["User"] != 1 || counts["Group"] != 1 {
		t.Errorf("a fresh Console holds %v and %d signing keys, want one User and one Group", counts, keys)
	}
	// As the CLI's integration tests see a fresh install.
	running := start(t, server.Config{Seeds: []string{"empty"}})
	var login struct {
		Token string `json:"access_token"`
	}
	call(t, running, "POST", "/api/login", "", object{"username": server.DefaultAdminEmail, "password": server.DefaultAdminPassword}).json(t, &login)
	for path, name := range map[string]string{usersAPI: server.DefaultAdminEmail, "/api/public/iam/v2/group": kinds.AdminGroup} {
		var list []struct{ Metadata struct{ Name string } }
		call(t, running, "GET", path, login.Token, nil).json(t, &list)
		if len(list) != 1 || list[0].Metadata.Name != name {
			t.Errorf("%s holds %+v, want %s alone", path, list, name)
		}
	}
	for _, path := range []string{"/api/public/console/v2/kafka-cluster", "/api/public/self-serve/v1/application", "/api/token/v1/admin_tokens"} {
		if got := call(t, running, "GET", path, login.Token, nil); got.status != 200 || string(bytes.TrimSpace(got.body)) != "[]" {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

// faulty is a seed in which every document but the first two breaks a rule that
// only the other resources show.
const faulty = `# two good ones
apiVersion: v2
kind: KafkaCluster
metadata: {name: dev}
spec:
  displayName: Dev
  bootstrapServers: kafka:9092
---
apiVersion: v1
kind: Application
metadata:
  name: good
spec:
  title: Good
  owner: admin
---
apiVersion: v2
kind: Topic
metadata:
  name: orders
  cluster: nowhere
spec: {partitions: 1, replicationFactor: 1}
---
apiVersion: v1
kind: Application
metadata:
  name: lonely
spec:
  title: Lonely
  owner: nobody
---
apiVersion: v1
kind: ApplicationInstance
metadata:
  name: first
  application: good
spec:
  cluster: dev
  resources:
    - {type: TOPIC, name: good., patternType: PREFIXED}
---
apiVersion: v1
kind: ApplicationInstance
metadata:
  name: second
  application: good
spec:
  cluster: dev
  resources:
    - type: TOPIC
      name: other.
      patternType: PREFIXED
    - type: TOPIC
      name: good.inner.
      patternType: PREFIXED
---
apiVersion: v1
kind: ApplicationInstance
metadata:
  name: third
  application: good
spec:
  cluster: dev
  topicPolicyRef: [strict]
---
apiVersion: v1
kind: ApplicationInstancePermission
metadata:
  name: share
  application: good
  appInstance: first
spec:
  resource: {type: TOPIC, name: foreign, patternType: LITERAL}
  userPermission: READ
  serviceAccountPermission: READ
  grantedTo: first
---
apiVersion: mockduktor/v1
kind: APIKey
metadata:
  name: stray
spec:
  token: stray-token
  type: applicationInstance
  applicationInstance: unheard-of
---
apiVersion: v2
kind: Group
metadata:
  name: pals
spec:
  displayName: Pals
  members: [ada@shop.example, not-an-address]
---
apiVersion: v2
kind: Group
metadata:
  name: mapped
spec:
  displayName: Mapped
  externalGroupRegex: ['^ok$', '(?=look-around)']
`

func TestFaultsBetweenResources(t *testing.T) {
	file := filepath.Join(t.TempDir(), "estate.yaml")
	if err := os.WriteFile(file, []byte(faulty), 0o600); err != nil {
		t.Fatal(err)
	}
	documents := documentsOf(t, file)

	// line is where a text stands in the seed.
	line := func(text string) int { return strings.Count(faulty[:strings.Index(faulty, text)], "\n") + 1 }
	type place struct {
		kind, name, field string
		line, column      int
		problem           string
	}
	wanted := []place{
		{"Topic", "orders", "metadata.cluster", line("  cluster: nowhere"), 3, "Cluster nowhere not found"},
		{"Application", "lonely", "spec.owner", line("  owner: nobody"), 3, "Group nobody not found"},
		{"ApplicationInstance", "second", "spec.resources[1]", line("      name: good.inner.") - 1, 7, "overlaps with good. (PREFIXED) of the application instance first"},
		{"ApplicationInstance", "third", "spec.topicPolicyRef[0]", line("  topicPolicyRef"), 20, "TopicPolicy strict not found"},
		{"ApplicationInstancePermission", "share", "spec.resource", line("  resource: {"), 3, "does not own foreign"},
		{"APIKey", "stray", "spec.applicationInstance", line("  applicationInstance: unheard-of"), 3, "ApplicationInstance unheard-of not found"},
		{"Group", "pals", "spec.members[1]", line("  members:"), 31, "expected an e-mail address"},
		{"Group", "mapped", "spec.externalGroupRegex[1]", line("  externalGroupRegex"), 32, "error parsing regexp: invalid or unsupported Perl syntax: `(?=`; RE2 syntax is needed"},
	}
	check := func(t *testing.T, err error) {
		t.Helper()
		var faults seed.Faults
		if !errors.As(err, &faults) {
			t.Fatalf("got %v", err)
		}
		if len(faults) != len(wanted) {
			t.Errorf("%d faults, want %d:\n%v", len(faults), len(wanted), err)
		}
		for _, want := range wanted {
			at := slices.IndexFunc(faults, func(f seed.Fault) bool { return f.Kind == want.kind && f.Name == want.name })
			if at < 0 {
				t.Errorf("no fault of %s %s", want.kind, want.name)
				continue
			}
			got := faults[at]
			if got.Field != want.field || got.File != file || got.Line != want.line || got.Column != want.column || !strings.Contains(got.Problem, want.problem) {
				t.Errorf("got  %v\nwant %s:%d:%d: %s %s: %s: %s", got, file, want.line, want.column, want.kind, want.name, want.field, want.problem)
			}
			if prefix := fmt.Sprintf("%s:%d:%d: ", file, want.line, want.column); !strings.Contains(err.Error(), prefix) {
				t.Errorf("%q is not in the message", prefix)
			}
		}
	}

	t.Run("load", func(t *testing.T) {
		world, engine := store.New(), server.NewEngine(server.Config{})
		check(t, server.Load(world, engine, server.DefaultAdminEmail, documents))
		pair := &server.Pair{World: world, Engine: engine}
		if left := resourcesOf(pair); len(left) != 0 {
			t.Errorf("half loaded: %v", left)
		}
		if tx := world.View(); tx.GrantsVersion() != 0 || tx.MappingVersion() != 0 || !tx.Epoch().Equal(time.Unix(0, 0)) {
			t.Error("a number of the world has changed")
		}
		// The same world takes a good seed afterwards.
		if err := server.Load(world, engine, server.DefaultAdminEmail, documentsOf(t, "empty")); err != nil {
			t.Errorf("a good seed afterwards: %v", err)
		}
	})
	t.Run("offline", func(t *testing.T) {
		pair, err := server.Offline(server.Config{}, documents)
		if pair != nil {
			t.Error("a pair in spite of the faults")
		}
		check(t, err)
	})
	t.Run("start", func(t *testing.T) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := listener.Addr().String()
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
		running, err := server.Start(server.Config{Listen: address, Seeds: []string{file}})
		if running != nil {
			t.Error("a server in spite of the faults")
		}
		check(t, err)
		// Nothing may be left listening.
		listener, err = net.Listen("tcp", address)
		if err != nil {
			t.Fatalf("the port is not free again: %v", err)
		}
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
	})
}
