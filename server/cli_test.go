package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/console"
)

// The kinds of Console 1.45 with their paths, from the table in the published
// API reference: name, version, list path below /public.
const consoleKinds = `
User 2 /iam/v2/user
Group 2 /iam/v2/group
KafkaCluster 2 /console/v2/kafka-cluster
KafkaConnectCluster 2 /console/v2/cluster/{cluster}/kafka-connect
KsqlDBCluster 2 /console/v2/cluster/{cluster}/ksqldb
TopicPolicy 1 /self-serve/v1/topic-policy
ResourcePolicy 1 /self-serve/v1/resource-policy
Application 1 /self-serve/v1/application
ApplicationInstance 1 /self-serve/v1/application-instance
ApplicationInstancePermission 1 /self-serve/v1/application-instance-permission
ApplicationGroup 1 /self-serve/v1/application-group
ServiceAccount 1 /self-serve/v1/cluster/{cluster}/service-account
Topic 2 /kafka/v2/cluster/{cluster}/topic
Subject 2 /kafka/v2/cluster/{cluster}/subject
GlueSchema 2 /kafka/v2/cluster/{cluster}/glue-schemas
Connector 2 /kafka/v2/cluster/{cluster}/connect/{connectCluster}/connector
IndexedTopic 1 /sql/v1/cluster/{cluster}/indexed_topic
PartnerZone 2 /console/v2/partner-zone
DataQualityRule 1 /data-quality/v1/data-quality-rule
DataQualityPolicy 1 /data-quality/v1/data-quality-policy
Integration 3 /monitoring/v3/integration
Alert 2 /monitoring/v2/cluster/{cluster}/alert
Alert 3 /monitoring/v3/alert
`

func TestCLICatalogue(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{})
	// The document is asked for before there is any credential.
	c := mustCLI(t, cliEnv{baseURL: running.URL()})
	var got []string
	for name, versions := range c.kinds {
		for version, kind := range versions {
			got = append(got, fmt.Sprintf("%s %d %s", name, version, strings.TrimPrefix(kind.listPath, "/public")))
			var parents []string
			for _, part := range strings.Split(kind.listPath, "/") {
				if strings.HasPrefix(part, "{") {
					parents = append(parents, strings.Trim(part, "{}"))
				}
			}
			equal(t, name+" parents", kind.parents, parents)
			example := fromYAML(t, kind.example)
			if len(example) != 1 || example[0].kind != name || example[0].apiVersion != fmt.Sprintf("v%d", version) {
				t.Errorf("template %s: %s", name, kind.example)
			}
		}
	}
	slices.Sort(got)
	want := strings.Split(strings.TrimSpace(consoleKinds), "\n")
	slices.Sort(want)
	equal(t, "kinds", got, want)
	for _, order := range []struct {
		kind string
		want int
	}{{"User", 0}, {"Group", 1}, {"KafkaCluster", 2}, {"Alert", 21}} {
		if got := c.latest(t, order.kind).order; got != order.want {
			t.Errorf("order of %s: got %d, want %d", order.kind, got, order.want)
		}
	}
	if got := c.latest(t, "Alert").owner; !slices.Equal(got, []string{"appInstance", "group", "user"}) {
		t.Errorf("owner of Alert: %v", got)
	}
	whoami := c.runs["whoami"]
	if whoami.method != http.MethodGet || whoami.path != "/token/v1/whoami" || whoami.doc == "" {
		t.Errorf("run whoami: %+v", whoami)
	}
}

func TestCLIBaseURL(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{})
	for _, ending := range []string{"", "/", "/api", "/api/"} {
		c := mustCLI(t, cliEnv{baseURL: running.URL() + ending, apiKey: "mock-admin-key"})
		equal(t, "clusters with "+ending, c.names(t, "KafkaCluster", nil), []string{"production", "staging"})
	}
}

// beside is what the document's examples refer to and none of them is.
const beside = `
apiVersion: v2
kind: KafkaCluster
metadata: {name: aws}
spec: {displayName: AWS, bootstrapServers: "aws.example:9092", schemaRegistry: {type: Glue, region: eu-west-1, registryName: main, security: {type: FromContext}}}
---
apiVersion: v2
kind: KafkaCluster
metadata: {name: gateway}
spec: {displayName: Gateway, bootstrapServers: "gateway.example:9092", kafkaFlavor: {type: Gateway, url: "http://gateway.example:8888", user: admin, password: not-a-real-password, virtualCluster: passthrough}}
---
apiVersion: v2
kind: Group
metadata: {name: mail-devs}
spec: {displayName: Mail developers}
---
apiVersion: v1
kind: Application
metadata: {name: mail}
spec: {title: Mail, owner: mail-devs}
---
apiVersion: v2
kind: KafkaCluster
metadata: {name: dev}
spec: {displayName: Dev, bootstrapServers: "dev.example:9092"}
---
apiVersion: v1
kind: ApplicationInstance
metadata: {name: mail-dev, application: mail}
spec: {cluster: dev, resources: [{type: TOPIC, name: mail., patternType: PREFIXED}]}
---
apiVersion: v2
kind: Subject
metadata: {name: money-value, cluster: dev}
spec: {format: AVRO, schema: '{"type":"record","name":"Money","fields":[{"name":"amount","type":"string"}]}'}
`

func TestCLITemplates(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{Seeds: []string{"empty"}})
	c := asRoot(t, running)
	for _, line := range c.apply(t, beside, false) {
		if !strings.HasSuffix(line, ": Created") {
			t.Fatal(line)
		}
	}
	before := worldOf(t, running)
	var file, created, deleted []string
	var kinds []cliKind
	for name := range c.kinds {
		kinds = append(kinds, c.latest(t, name))
	}
	slices.SortFunc(kinds, func(a, b cliKind) int { return a.order - b.order })
	for _, kind := range kinds {
		resource := fromYAML(t, kind.example)[0]
		result := "Created"
		if kind.name == "KafkaCluster" {
			result = "Updated" // the cluster dev is what others refer to
		} else {
			deleted = append(deleted, fmt.Sprintf("%s/%s: Deleted", kind.name, resource.name))
			file = append(file, kind.example)
		}
		created = append(created, fmt.Sprintf("%s/%s: %s", kind.name, resource.name, result))
	}
	cluster := c.latest(t, "KafkaCluster").example
	everything := strings.Join(append(file, cluster), "---\n")
	equal(t, "dry run of all templates", c.apply(t, cluster, true), []string{"KafkaCluster/dev: Updated"})
	unchanged(t, running, before)
	equal(t, "all templates", c.apply(t, everything, false), created)
	for i, line := range c.apply(t, everything, false) {
		if !strings.HasSuffix(line, ": NotChanged") {
			t.Errorf("applied again: %s, after %s", line, created[i])
		}
	}
	slices.Reverse(deleted)
	equal(t, "delete all templates", c.delete(t, strings.Join(file, "---\n"), false), deleted)
	c.apply(t, beside, false)
	unchanged(t, running, before)
}

// What the default estate grants on topics, read off its files by hand: own
// permissions and groups in people.yaml and groups.yaml; ownership, instance
// permissions with a userPermission and application groups in applications.yaml.
// A name, a prefix before a star, or everything.
var (
	checkoutTeam = []string{"reference.*", "checkout.*", "payments.*",
		"warehouse.stock.level.v1", "shipping.parcel.*", "loyalty.member.v1"}
	fulfilmentTeam        = []string{"reference.product.v1", "warehouse.*", "stock-projector-*", "shipping.*", "checkout.order.*"}
	fulfilmentTeamStaging = []string{"warehouse.*", "checkout.order.placed.v1"}
	customerTeam          = []string{"checkout.voucher.redeemed.v1", "loyalty.*", "customer.*", "web.*"}
	everyTopic            = []string{"*"}
)

var topicsOfPeople = []struct {
	login               string
	production, staging []string
}{
	{"admin", everyTopic, everyTopic},
	{"ada", checkoutTeam, everyTopic},
	{"ben", append(slices.Clone(checkoutTeam), "web.search.queried.v1"), everyTopic},
	{"chloe", append(slices.Clone(checkoutTeam), customerTeam...), everyTopic},
	{"david", fulfilmentTeam, fulfilmentTeamStaging},
	// checkout-support: all that checkout-prod owns or was granted.
	{"elena", append(slices.Clone(fulfilmentTeam), "checkout.*", "loyalty.member.v1"), fulfilmentTeamStaging},
	{"farid", customerTeam, []string{"loyalty.*"}},
	{"gwen", everyTopic, everyTopic},
	{"hugo", everyTopic, everyTopic},
	{"ines", nil, nil},
	// By externalGroupRegex alone.
	{"jonas", fulfilmentTeam, fulfilmentTeamStaging},
}

// seedTopics are the names of a cluster's topics in the default estate's files
// that one of the patterns takes in, sorted.
func seedTopics(t testing.TB, cluster string, patterns []string) []string {
	t.Helper()
	documents, err := seed.Default()
	if err != nil {
		t.Fatal(err)
	}
	list := []string{}
	for _, document := range documents {
		metadata, _ := document.Object["metadata"].(map[string]any)
		if document.Kind != "Topic" || metadata["cluster"] != cluster {
			continue
		}
		if slices.ContainsFunc(patterns, func(pattern string) bool {
			prefix, isPrefix := strings.CutSuffix(pattern, "*")
			return isPrefix && strings.HasPrefix(document.Name, prefix) || document.Name == pattern
		}) {
			list = append(list, document.Name)
		}
	}
	slices.Sort(list)
	return list
}

func TestCLITopicsOfPeople(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{})
	for _, person := range topicsOfPeople {
		c := asPerson(t, running, person.login)
		for cluster, patterns := range map[string][]string{"production": person.production, "staging": person.staging} {
			want := seedTopics(t, cluster, patterns)
			if len(want) == 0 && person.login != "ines" {
				t.Fatalf("%s: no topic is expected on %s, so nothing is tested", person.login, cluster)
			}
			equal(t, person.login+" on "+cluster, c.names(t, "Topic", nil, cluster), want)
		}
	}
	// One list whole, in case the patterns above are read wrongly.
	equal(t, "farid on staging", asPerson(t, running, "farid").names(t, "Topic", nil, "staging"),
		[]string{"loyalty.member.v1", "loyalty.points.earned.v1"})
}

func TestCLIAdminLogin(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{Console: console.Settings{
		LocalUsers: []console.LocalUser{{Email: "local@shop.example", Password: "Loc4l-user!"}},
	}})
	for _, admin := range []struct{ user, password string }{
		{server.DefaultAdminEmail, server.DefaultAdminPassword},
		{"admin@shop.example", "admin-password"}, // by the directory, as with LDAP
		{"admin", "admin-password"},
	} {
		c := mustCLI(t, cliEnv{baseURL: running.URL(), user: admin.user, password: admin.password})
		for _, cluster := range []string{"production", "staging"} {
			equal(t, admin.user+" on "+cluster, c.names(t, "Topic", nil, cluster), seedTopics(t, cluster, everyTopic))
		}
	}
	ada := mustCLI(t, cliEnv{baseURL: running.URL(), user: "ada@shop.example", password: "ada-password"})
	equal(t, "ada's login on production", ada.names(t, "Topic", nil, "production"), seedTopics(t, "production", checkoutTeam))
	local := mustCLI(t, cliEnv{baseURL: running.URL(), user: "local@shop.example", password: "Loc4l-user!"})
	equal(t, "a local user on production", local.names(t, "Topic", nil, "production"), []string{})

	for _, wrong := range []struct{ user, password string }{
		{server.DefaultAdminEmail, "admin-password"}, {"admin@shop.example", "adminP4ss!"}, {"nobody", "x"}, {"kim", "kim-password"},
	} {
		_, err := newCLI(t, cliEnv{baseURL: running.URL(), user: wrong.user, password: wrong.password})
		contains(t, "login of "+wrong.user, err, "Could not login: Invalid username or password")
	}
}

func TestCLIBasicIsRefused(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{})
	// The document is read all the same: the CLI falls back to other kinds in silence otherwise.
	c := mustCLI(t, cliEnv{baseURL: running.URL(), user: server.DefaultAdminEmail, password: server.DefaultAdminPassword, authMode: "external"})
	got := c.send(t, http.MethodGet, "/public/iam/v2/user", nil, "", nil)
	if got.status != http.StatusUnauthorized || got.header.Get("WWW-Authenticate") == "" {
		t.Errorf("got %d, WWW-Authenticate %q", got.status, got.header.Get("WWW-Authenticate"))
	}
	_, err := c.list(t, "User", nil)
	contains(t, "get User with HTTP Basic", err, "HTTP Basic", "CDK_API_KEY", "CDK_AUTH_MODE")
	if strings.Contains(err.Error(), server.DefaultAdminPassword) {
		t.Error("the refusal repeats the password")
	}
}

func TestCLIGetAll(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{})
	root := asRoot(t, running)
	everything, failures := root.all(t)
	if len(failures) > 0 {
		t.Errorf("as the root admin: %v", failures)
	}
	documents, err := seed.Default()
	if err != nil {
		t.Fatal(err)
	}
	// What is there without a seed; the group admin is in the estate too.
	want := []string{"User/" + server.DefaultAdminEmail, "DataQualityRule/enforce-avro", "DataQualityRule/enforce-schema-id"}
	for _, document := range documents {
		versions, ok := root.kinds[document.Kind]
		if ok && len(versions) > 0 && len(root.latest(t, document.Kind).parents) == 0 {
			want = append(want, document.Kind+"/"+document.Name)
		}
	}
	slices.SortFunc(want, func(a, b string) int {
		aKind, aName, _ := strings.Cut(a, "/")
		bKind, bName, _ := strings.Cut(b, "/")
		if order := strings.Compare(aKind, bKind); order != 0 {
			return order
		}
		return strings.Compare(aName, bName)
	})
	equal(t, "get all as the root admin", everything, want)

	// Somebody without rights sees what everybody sees by taasView, and no
	// failures: a kind that may not be seen is an empty list.
	own, failures := asPerson(t, running, "ines").all(t)
	if len(failures) > 0 {
		t.Errorf("as ines: %v", failures)
	}
	want = slices.DeleteFunc(want, func(one string) bool {
		return !strings.HasPrefix(one, "Application") && !strings.HasPrefix(one, "TopicPolicy/")
	})
	equal(t, "get all as ines", own, want)

	// A fresh Console has one user.
	fresh := asRoot(t, start(t, server.Config{Seeds: []string{"empty"}}))
	equal(t, "users of a fresh Console", fresh.names(t, "User", nil), []string{server.DefaultAdminEmail})
}

func TestCLIFilters(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{})
	c := asPerson(t, running, "ben")
	equal(t, "instances of checkout", c.names(t, "ApplicationInstance", url.Values{"application": {"checkout"}}),
		[]string{"checkout-prod", "checkout-staging"})
	equal(t, "granted to checkout-prod", c.names(t, "ApplicationInstancePermission", url.Values{"filterByGrantedTo": {"checkout-prod"}}),
		[]string{"loyalty-members-to-checkout", "shipping-parcels-to-checkout", "warehouse-stock-to-checkout"})
	equal(t, "groups of payments", c.names(t, "ApplicationGroup", url.Values{"application": {"payments"}}), []string{})
}

func TestCLIGetOne(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{})
	ben := asPerson(t, running, "ben")
	topic, err := ben.describe(t, "Topic", "payments.method.v1", "production")
	if err != nil || topic.kind != "Topic" || topic.apiVersion != "v2" {
		t.Errorf("get Topic payments.method.v1: %+v, %v", topic, err)
	}
	for _, refusal := range []struct {
		kind, name, cluster string
		texts               []string
	}{
		{"Topic", "payments.nothing.v1", "production", []string{"got status code: 404", "Topic payments.nothing.v1 not found"}},
		// Whether it exists is nothing that he may learn.
		{"Topic", "warehouse.location.v1", "production", []string{"got status code: 403", "topicViewConfig", "warehouse.location.v1"}},
		{"Topic", "warehouse.nothing", "production", []string{"got status code: 403", "topicViewConfig", "warehouse.nothing"}},
		{"Topic", "payments.method.v1", "unknown-cluster", []string{"got status code: 404", "Cluster unknown-cluster not found"}},
		{"Group", "checkout-team", "", []string{"got status code: 403", "userView"}},
		{"User", "ada@shop.example", "", []string{"got status code: 403", "userView"}},
	} {
		_, err := ben.describe(t, refusal.kind, refusal.name, refusal.cluster)
		contains(t, fmt.Sprintf("get %s %s --cluster %s", refusal.kind, refusal.name, refusal.cluster), err, refusal.texts...)
	}
	user, err := asRoot(t, running).describe(t, "User", server.DefaultAdminEmail)
	if err != nil || user.name != server.DefaultAdminEmail {
		t.Errorf("get User: %+v, %v", user, err)
	}
	_, err = asRoot(t, running).list(t, "Topic", nil, "unknown-cluster")
	contains(t, "get Topic --cluster unknown-cluster", err, "Cluster unknown-cluster not found")
}

const groupAndTopic = `
apiVersion: v2
kind: Topic
metadata:
  name: parcels.sent
  cluster: staging
  labels: {team: parcels}
  description: Every parcel
spec:
  partitions: 3
  replicationFactor: 1
  configs: {retention.ms: '3600000'}
---
apiVersion: v2
kind: Group
metadata:
  name: parcels-team
spec:
  displayName: Parcels
  description: Sends parcels
  externalGroups: [team-parcels]
  members: [ines@shop.example]
  permissions:
    - {resourceType: TOPIC, cluster: staging, patternType: PREFIXED, name: parcels., permissions: [topicViewConfig]}
`

func TestCLIApply(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{})
	c := asRoot(t, running)
	before := worldOf(t, running)
	each := func(result string) []string {
		return []string{"Group/parcels-team: " + result, "Topic/parcels.sent: " + result}
	}
	equal(t, "dry run of new", c.apply(t, groupAndTopic, true), each("Created"))
	unchanged(t, running, before)
	_, err := c.describe(t, "Group", "parcels-team")
	contains(t, "get after a dry run", err, "404")
	_, err = c.differs(t, fromYAML(t, groupAndTopic)[0])
	contains(t, "--print-diff of new", err, "could not find any matching resource")

	equal(t, "apply", c.apply(t, groupAndTopic, false), each("Created"))
	equal(t, "apply again", c.apply(t, groupAndTopic, false), each("NotChanged"))
	for _, sent := range fromYAML(t, groupAndTopic) {
		got, err := c.describe(t, sent.kind, sent.name, "staging")
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(decoded(t, got.raw), decoded(t, sent.raw)) {
			t.Errorf("GET is not what was put:\n got %s\nsent %s", got.raw, sent.raw)
		}
		if differs, err := c.differs(t, sent); differs || err != nil {
			t.Errorf("--print-diff of what was just applied: %t, %v", differs, err)
		}
		// What GET shows can be put back.
		if result, err := c.put(t, got, false); result != "NotChanged" || err != nil {
			t.Errorf("put back what GET shows: %s, %v", result, err)
		}
	}

	changed := strings.NewReplacer("Sends parcels", "Sends and receives", "3600000", "7200000").Replace(groupAndTopic)
	applied := worldOf(t, running)
	equal(t, "dry run of changed", c.apply(t, changed, true), each("Updated"))
	unchanged(t, running, applied)
	equal(t, "changed", c.apply(t, changed, false), each("Updated"))
	equal(t, "changed again", c.apply(t, changed, false), each("NotChanged"))
	if after := worldOf(t, running); !strings.Contains(after, "Sends and receives") || !strings.Contains(after, `"7200000"`) {
		t.Error("the change did not arrive")
	}
	if ines := asPerson(t, running, "ines"); !slices.Contains(ines.names(t, "Topic", nil, "staging"), "parcels.sent") {
		t.Error("ines does not see what her new group may see")
	}
	equal(t, "delete", c.delete(t, groupAndTopic, false), []string{"Topic/parcels.sent: Deleted", "Group/parcels-team: Deleted"})
	if ines := asPerson(t, running, "ines"); len(ines.names(t, "Topic", nil, "staging")) > 0 {
		t.Error("ines still sees what her group could see")
	}
}

// TestCLISpellings applies the same thing in other words.
func TestCLISpellings(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{})
	c := asRoot(t, running)
	c.apply(t, groupAndTopic, false)
	equal(t, "other spellings", c.apply(t, `
apiVersion: kafka/v2
kind: Topic
metadata: {cluster: staging, name: parcels.sent, labels: {team: parcels}, description: Every parcel, descriptionIsEditable: true}
spec: {configs: {retention.ms: 3600000}, replicationFactor: 1, partitions: 3}
---
apiVersion: iam/v2
kind: Group
metadata: {name: parcels-team}
spec:
  members: [ines@shop.example]
  membersFromExternalGroups: [nobody@shop.example]
  externalGroupRegex:
  externalGroups: [team-parcels]
  displayName: Parcels
  description: Sends parcels
  permissions:
    - {permissions: [topicViewConfig], name: parcels., patternType: PREFIXED, cluster: staging, resourceType: TOPIC}
`, false), []string{"Group/parcels-team: NotChanged", "Topic/parcels.sent: NotChanged"})
	// Integers that other encoders write with a point or an exponent.
	var points cliResource
	if err := json.Unmarshal([]byte(`{"apiVersion":"v2","kind":"Topic","metadata":{"name":"parcels.sent","cluster":"staging","labels":{"team":"parcels"},"description":"Every parcel"},
		"spec":{"partitions":3.0,"replicationFactor":1e0,"configs":{"retention.ms":36e5}}}`), &points); err != nil {
		t.Fatal(err)
	}
	if result, err := c.put(t, points, false); result != "NotChanged" || err != nil {
		t.Errorf("3.0 for 3: %s, %v", result, err)
	}
	topic, err := c.describe(t, "Topic", "parcels.sent", "staging")
	if err != nil {
		t.Fatal(err)
	}
	configs := decoded(t, topic.raw).(map[string]any)["spec"].(map[string]any)["configs"].(map[string]any)
	if configs["retention.ms"] != "3600000" {
		t.Errorf("a number in configs comes back as %#v, want a string", configs["retention.ms"])
	}
	if group, err := c.describe(t, "Group", "parcels-team"); err != nil || bytes.Contains(group.raw, []byte("nobody@shop.example")) {
		t.Errorf("a member was made by hand out of a read-only field: %s, %v", group.raw, err)
	}
}

func TestCLIApplyAsEngineer(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{})
	ben := asPerson(t, running, "ben")
	before := worldOf(t, running)
	for _, dryRun := range []bool{true, false} {
		lines := ben.apply(t, groupAndTopic, dryRun)
		for i, texts := range [][]string{
			{"Could not apply resource Group/parcels-team: ", "ben@shop.example", "userManage"},
			{"Could not apply resource Topic/parcels.sent: ", "ben@shop.example", "topicCreate", "parcels.sent", "staging"},
		} {
			contains(t, fmt.Sprintf("dry run %t", dryRun), fmt.Errorf("%s", lines[i]), texts...)
		}
	}
	unchanged(t, running, before)
	own := strings.NewReplacer("parcels.sent", "checkout.parcels.sent").Replace(groupAndTopic[:strings.Index(groupAndTopic, "---")])
	equal(t, "a topic of an owned application", ben.apply(t, own, false), []string{"Topic/checkout.parcels.sent: Created"})
	equal(t, "the same again", ben.apply(t, own, false), []string{"Topic/checkout.parcels.sent: NotChanged"})
	equal(t, "delete it", ben.delete(t, own, false), []string{"Topic/checkout.parcels.sent: Deleted"})
	unchanged(t, running, before)
}

func TestCLIDelete(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{})
	c := asRoot(t, running)
	before := worldOf(t, running)
	file := groupAndTopic + "---\napiVersion: iam/v2\nkind: User\nmetadata: {name: new@shop.example}\nspec: {firstName: New}\n"
	c.apply(t, file, false)
	equal(t, "delete", c.delete(t, file, false),
		[]string{"Topic/parcels.sent: Deleted", "Group/parcels-team: Deleted", "User/new@shop.example: Deleted"})
	unchanged(t, running, before)
	_, err := c.describe(t, "Topic", "parcels.sent", "staging")
	contains(t, "get what was deleted", err, "404", "Topic parcels.sent not found")
	// Deleting a missing group succeeds, so that clean-ups can be run twice.
	equal(t, "delete again", c.delete(t, file, false), []string{
		"Could not delete resource Topic/parcels.sent: Topic parcels.sent not found",
		"Group/parcels-team: Deleted",
		"Could not delete resource User/new@shop.example: User new@shop.example not found"})
	equal(t, "delete again, missing ones ignored", c.delete(t, file, true), []string{
		"Topic/parcels.sent: Not Found (ignored)", "Group/parcels-team: Deleted", "User/new@shop.example: Not Found (ignored)"})
	unchanged(t, running, before)
}

// TestCLITexts holds the texts that people's scripts look for.
func TestCLITexts(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{Seeds: []string{"empty"}})
	c := asRoot(t, running)
	const estate = `
apiVersion: v2
kind: KafkaCluster
metadata: {name: kafka-cluster}
spec: {displayName: Local, bootstrapServers: "kafka:9092"}
---
apiVersion: v2
kind: Group
metadata: {name: app-team}
spec: {displayName: Team, description: Owns an application}
---
apiVersion: self-service/v1
kind: Application
metadata: {name: clickstream-app}
spec: {title: Clickstream, owner: app-team}
---
apiVersion: v1
kind: ApplicationInstance
metadata: {name: clickstream-app-instance, application: clickstream-app}
spec: {cluster: kafka-cluster, resources: [{type: TOPIC, name: my-topic, patternType: LITERAL}]}
`
	before := worldOf(t, running)
	equal(t, "a topic of no cluster",
		c.apply(t, "{apiVersion: v2, kind: Topic, metadata: {name: invalid-topic, cluster: unknown-cluster}, spec: {partitions: 1, replicationFactor: 1}}", false),
		[]string{"Could not apply resource Topic/invalid-topic: Cluster unknown-cluster not found"})
	unchanged(t, running, before)
	c.apply(t, estate, false)
	applied := worldOf(t, running)
	equal(t, "an application with instances",
		c.delete(t, "{apiVersion: v1, kind: Application, metadata: {name: clickstream-app}}", false),
		[]string{"Could not delete resource Application/clickstream-app: Cannot delete clickstream-app because it has instances"})
	unchanged(t, running, applied)
	equal(t, "delete backwards", c.delete(t, estate, false), []string{"ApplicationInstance/clickstream-app-instance: Deleted",
		"Application/clickstream-app: Deleted", "KafkaCluster/kafka-cluster: Deleted", "Group/app-team: Deleted"})
	unchanged(t, running, before)
}

// TestCLIAlertOwners: the owner in metadata becomes a query parameter of every
// request, and two owners may have alerts of one name.
func TestCLIAlertOwners(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{})
	c := asRoot(t, running)
	alert := func(owner string) string {
		return "{apiVersion: v3, kind: Alert, metadata: {name: lag, " + owner + `}, spec: {type: ConsumerGroupAlert, cluster: production,
			consumerGroupName: checkout.worker, metric: OffsetLag, operator: GreaterThan, threshold: 10}}`
	}
	owners := []struct{ field, name string }{
		{"group", "checkout-team"}, {"user", "ada@shop.example"}, {"appInstance", "checkout-prod"},
	}
	for i, owner := range owners {
		file := alert(owner.field + ": " + owner.name)
		for _, result := range []string{"Created", "NotChanged"} {
			equal(t, "apply for "+owner.name, c.apply(t, file, false), []string{"Alert/lag: " + result})
		}
		for j, other := range owners {
			want := []string{"lag"}
			if j > i {
				want = []string{}
			}
			equal(t, fmt.Sprintf("get Alert --%s %s", other.field, other.name), c.names(t, "Alert", url.Values{other.field: {other.name}}), want)
		}
	}
	equal(t, "delete one", c.delete(t, alert("user: ada@shop.example"), false), []string{"Alert/lag: Deleted"})
	for _, owner := range owners {
		want := []string{"lag"}
		if owner.field == "user" {
			want = []string{}
		}
		equal(t, "left for "+owner.name, c.names(t, "Alert", url.Values{owner.field: {owner.name}}), want)
	}
	before := worldOf(t, running)
	for _, bad := range []string{"group: nothing", "group: checkout-team, user: ada@shop.example"} {
		lines := c.apply(t, alert(bad), false)
		if !strings.HasPrefix(lines[0], "Could not apply resource Alert/lag: ") {
			t.Errorf("owner %s: %s", bad, lines[0])
		}
	}
	unchanged(t, running, before)
}

const adminTokens, stagingTokens = "/token/v1/admin_tokens", "/token/v1/application_instance_tokens/checkout-staging"

func TestCLIAdminTokens(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{})
	root := asRoot(t, running)
	before := worldOf(t, running)
	token, err := root.createToken(t, adminTokens, "ci")
	if err != nil || token == "" {
		t.Fatalf("token create admin: %q, %v", token, err)
	}
	ci := withKey(t, running, token)
	equal(t, "topics with the new key", ci.names(t, "Topic", nil, "staging"), seedTopics(t, "staging", everyTopic))
	tokens, err := ci.tokens(t, adminTokens)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(tokens, func(one cliToken) bool { return one.Name == "ci" })
	if at < 0 || tokens[at].LastTimeUsed == "" || tokens[at].CreatedAt == "" {
		t.Fatalf("token list admin: %+v", tokens)
	}
	if err := root.deleteToken(t, tokens[at].ID); err != nil {
		t.Fatal(err)
	}
	_, err = ci.list(t, "User", nil)
	contains(t, "a deleted key", err, "was deleted")
	contains(t, "delete it again", root.deleteToken(t, tokens[at].ID), tokens[at].ID, "not found")
	contains(t, "delete by name", root.deleteToken(t, "ci"), "token-id", "UUID")
	unchanged(t, running, before)

	for _, blank := range []string{"", "  "} {
		_, err := root.createToken(t, adminTokens, blank)
		contains(t, "a token without a name", err, "'name'")
	}
	for _, caller := range []*cli{asPerson(t, running, "ben"), withKey(t, running, "mock-checkout-key")} {
		_, err := caller.createToken(t, adminTokens, "mine")
		contains(t, "token create admin by no admin", err, "no admin")
		_, err = caller.tokens(t, adminTokens)
		contains(t, "token list admin by no admin", err, "no admin")
	}
	unchanged(t, running, before)
}

func TestCLIInstanceTokens(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{})
	// He holds applicationInstanceApiKeyManage on the instance, and owns it through a group.
	ben := asPerson(t, running, "ben")
	before := worldOf(t, running)
	if tokens, err := ben.tokens(t, stagingTokens); err != nil || len(tokens) > 0 {
		t.Fatalf("token list application-instance: %v, %v", tokens, err)
	}
	token, err := ben.createToken(t, stagingTokens, "pipeline")
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := ben.tokens(t, stagingTokens)
	if err != nil || len(tokens) != 1 || tokens[0].Name != "pipeline" {
		t.Fatalf("token list application-instance: %v, %v", tokens, err)
	}
	pipeline := withKey(t, running, token)
	equal(t, "topics of the instance", pipeline.names(t, "Topic", nil, "staging"), seedTopics(t, "staging", []string{"checkout.*"}))
	equal(t, "topics of another cluster", pipeline.names(t, "Topic", nil, "production"), []string{})
	const own = "{apiVersion: v2, kind: Topic, metadata: {name: checkout.new, cluster: staging}, spec: {partitions: 1, replicationFactor: 1}}"
	equal(t, "create an own topic", pipeline.apply(t, own, false), []string{"Topic/checkout.new: Created"})
	equal(t, "delete it", pipeline.delete(t, own, false), []string{"Topic/checkout.new: Deleted"})
	foreign := pipeline.apply(t, strings.Replace(own, "checkout.new", "payments.new", 1), false)
	contains(t, "create a foreign topic", fmt.Errorf("%s", foreign[0]), "Could not apply resource Topic/payments.new: ", "checkout-staging")
	_, err = pipeline.tokens(t, stagingTokens)
	contains(t, "a key about its own kind", err, "checkout-staging")

	_, err = asPerson(t, running, "david").createToken(t, stagingTokens, "mine")
	contains(t, "token create by a stranger", err, "david@shop.example", "applicationInstanceApiKeyManage", "checkout-staging")
	contains(t, "token delete by a stranger", asPerson(t, running, "david").deleteToken(t, tokens[0].ID), "david@shop.example")
	_, err = ben.createToken(t, strings.Replace(stagingTokens, "checkout-staging", "nothing", 1), "mine")
	contains(t, "token create for no instance", err, "ApplicationInstance nothing not found")

	if err := ben.deleteToken(t, tokens[0].ID); err != nil {
		t.Fatal(err)
	}
	_, err = pipeline.list(t, "Topic", nil, "staging")
	contains(t, "a deleted key", err, "was deleted")
	unchanged(t, running, before)
}

func TestCLIWhoami(t *testing.T) {
	t.Parallel()
	documents, err := seed.Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range documents {
		// Somebody whose token carries an API key.
		if document.Kind == "Person" && document.Name == "gwen" {
			document.Object["spec"].(map[string]any)["claims"] = map[string]any{"apikey": "mock-checkout-key"}
		}
	}
	running := start(t, server.Config{Documents: documents})
	for _, caller := range []struct {
		sort string
		c    *cli
		want map[string]string // "*" = anything but nothing
	}{
		{"a person's JWT", asPerson(t, running, "ben"), map[string]string{"email": "ben@shop.example"}},
		{"a login", asRoot(t, running), map[string]string{"email": server.DefaultAdminEmail}},
		{"an admin key", withKey(t, running, "mock-admin-key"), map[string]string{"id": "*", "name": "admin-key", "createdAt": "*"}},
		{"an instance key", withKey(t, running, "mock-checkout-key"), map[string]string{"id": "*", "name": "checkout-key", "applicationInstanceName": "checkout-prod"}},
		{"a key in a JWT", asPerson(t, running, "gwen"), map[string]string{"id": "*", "name": "checkout-key", "applicationInstanceName": "checkout-prod"}},
	} {
		printed, err := caller.c.run(t, "whoami")
		if err != nil {
			t.Errorf("%s: %v", caller.sort, err)
			continue
		}
		got := map[string]string{}
		if err := json.Unmarshal([]byte(printed), &got); err != nil {
			t.Fatalf("%s: %v: %s", caller.sort, err, printed)
		}
		for field, value := range caller.want {
			if value == "*" && got[field] != "" {
				caller.want[field] = got[field]
			}
		}
		if !maps.Equal(got, caller.want) {
			t.Errorf("%s: got %v, want %v", caller.sort, got, caller.want)
		}
	}
	_, err = withKey(t, running, "mistyped").run(t, "whoami")
	contains(t, "an unknown key", err, "no API key")
	_, err = mustCLI(t, cliEnv{baseURL: running.URL()}).run(t, "whoami")
	contains(t, "no key", err, "no Authorization header")
}

// TestCLIBadBodies puts what is no resource. The text names the field; nothing
// changes.
func TestCLIBadBodies(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{})
	c := asRoot(t, running)
	before := worldOf(t, running)
	const topics, groups = "/public/kafka/v2/cluster/staging/topic", "/public/iam/v2/group"
	topic := func(metadata, spec string) string {
		return `{"apiVersion":"v2","kind":"Topic","metadata":{` + metadata + `},"spec":{` + spec + `}}`
	}
	group := func(spec string) string {
		return `{"apiVersion":"v2","kind":"Group","metadata":{"name":"g"},"spec":{` + spec + `}}`
	}
	const named, sized = `"name":"t","cluster":"staging"`, `"partitions":1,"replicationFactor":1`
	for _, bad := range []struct {
		what, path, body string
		texts            []string
	}{
		{"unknown field of spec", topics, topic(named, sized+`,"partition":1`), []string{"'spec.partition'", "did you mean partitions?"}},
		{"unknown field of metadata", topics, topic(named+`,"lables":{}`, sized), []string{"'metadata.lables'", "did you mean labels?"}},
		{"unknown field beside", topics, `{"status":{},` + topic(named, sized)[1:], []string{"'status'", "unknown field"}},
		{"unknown field of a permission", groups, group(`"displayName":"G","permissions":[{"resourceType":"PLATFORM","permission":["userView"]}]`), []string{"'spec.permissions[0].permission'", "did you mean permissions?"}},
		{"text for a number", topics, topic(named, `"partitions":"1","replicationFactor":1`), []string{"'spec.partitions'", "expected an integer", `got "1"`, "remove the quotes"}},
		{"number for a text", groups, group(`"displayName":5`), []string{"'spec.displayName'", "expected a string", "got 5"}},
		{"text for a list", groups, group(`"displayName":"G","members":"ada@shop.example"`), []string{"'spec.members'", "expected an array"}},
		{"null for a text that must be", groups, group(`"displayName":null`), []string{"'spec.displayName'", "null"}},
		{"number of a label", topics, topic(named+`,"labels":{"a":1}`, sized), []string{"'metadata.labels.a'", "expected a string"}},
		{"half a partition", topics, topic(named, `"partitions":1.5,"replicationFactor":1`), []string{"'spec.partitions'", "an integer", "1.5"}},
		{"no partition", topics, topic(named, `"partitions":0,"replicationFactor":1`), []string{"'spec.partitions'", "at least 1"}},
		{"too many partitions", topics, topic(named, `"partitions":1e30,"replicationFactor":1`), []string{"'spec.partitions'", "32 bits"}},
		{"missing field", topics, topic(named, `"partitions":1`), []string{"'spec.replicationFactor'", "required"}},
		{"missing spec", groups, `{"apiVersion":"v2","kind":"Group","metadata":{"name":"g"}}`, []string{"'spec'", "required"}},
		{"missing name", groups, `{"apiVersion":"v2","kind":"Group","metadata":{},"spec":{"displayName":"G"}}`, []string{"'metadata.name'", "required"}},
		{"empty topic name", topics, topic(`"name":"","cluster":"staging"`, sized), []string{"metadata.name"}},
		{"topic name that Kafka refuses", topics, topic(`"name":"a/b","cluster":"staging"`, sized), []string{"'metadata.name'", "Kafka topic name"}},
		{"group name in capitals", groups, `{"apiVersion":"v2","kind":"Group","metadata":{"name":"G"},"spec":{"displayName":"G"}}`, []string{"'metadata.name'", "lower-case"}},
		{"wrong word", topics, topic(named+`,"catalogVisibility":"public"`, sized), []string{"'metadata.catalogVisibility'", "PUBLIC, PRIVATE"}},
		{"wrong resource type", groups, group(`"displayName":"G","permissions":[{"resourceType":"TOPICS","permissions":[]}]`), []string{"'spec.permissions[0].resourceType'", "did you mean TOPIC?"}},
		{"permission of another type", groups, group(`"displayName":"G","permissions":[{"resourceType":"CLUSTER","name":"staging","permissions":["topicConsume"]}]`), []string{"'spec.permissions[0].permissions[0]'", "clusterViewBroker"}},
		{"member that is no address", groups, group(`"displayName":"G","members":["ada"]`), []string{"'spec.members[0]'", "e-mail"}},
		{"broken expression", groups, group(`"displayName":"G","externalGroupRegex":["("]`), []string{"'spec.externalGroupRegex[0]'"}},
		{"wrong kind", groups, strings.Replace(group(`"displayName":"G"`), `"Group"`, `"Grup"`, 1), []string{"'kind'", `expected "Group"`, `got "Grup"`}},
		{"kind of another path", groups, topic(named, sized), []string{"'kind'", `expected "Group"`, `got "Topic"`}},
		{"wrong apiVersion", groups, strings.Replace(group(`"displayName":"G"`), "v2", "v1", 1), []string{"'apiVersion'", "v2", `"v1"`}},
		{"apiVersion that begins right", groups, strings.Replace(group(`"displayName":"G"`), "v2", "v22", 1), []string{"'apiVersion'", "v2", `"v22"`}},
		{"apiVersion that is a number", groups, strings.Replace(group(`"displayName":"G"`), `"v2"`, "2", 1), []string{"'apiVersion'", "expected a string"}},
		{"cluster of another path", topics, topic(`"name":"t","cluster":"production"`, sized), []string{"'metadata.cluster'", `"production"`, `"staging"`}},
		{"no cluster", topics, topic(`"name":"t"`, sized), []string{"'metadata.cluster'", "required"}},
		{"broken JSON", groups, `{"apiVersion":"v2",}`, []string{"body", "no JSON", "byte 20"}},
		{"YAML", groups, "apiVersion: v2\nkind: Group\n", []string{"body", "no JSON"}},
		{"JSON cut off", groups, `{"apiVersion":"v2","kind":`, []string{"body", "ends too early"}},
		{"a brace too many", groups, group(`"displayName":"G"`) + "}", []string{"body", "more after its end"}},
		{"two objects", groups, group(`"displayName":"G"`) + group(`"displayName":"G"`), []string{"body", "more after its end"}},
		{"nothing", groups, "", []string{"body", "got nothing"}},
		{"blanks", groups, " \n", []string{"body", "got nothing"}},
		{"an array", groups, "[" + group(`"displayName":"G"`) + "]", []string{"body", "got an array"}},
		{"null", groups, "null", []string{"body", "got null"}},
		{"a text", groups, `"Created"`, []string{"body", "got a string"}},
		{"a number", groups, "1", []string{"body", "got a number"}},
		{"an envelope of arrays", groups, `{"apiVersion":[],"kind":[],"metadata":[],"spec":[]}`, []string{"'metadata'", "'spec'", "expected an object"}},
	} {
		for _, query := range []url.Values{nil, {"dryMode": {"true"}}} {
			got := c.send(t, http.MethodPut, bad.path, query, "text/plain; charset=utf-8", []byte(bad.body))
			if got.status != http.StatusBadRequest {
				t.Errorf("%s: got %d, want 400: %s", bad.what, got.status, got.body)
				continue
			}
			contains(t, bad.what, cliError(got), bad.texts...)
			if strings.Contains(string(got.body), "Go value") || strings.Contains(string(got.body), "Go struct") {
				t.Errorf("%s: the text speaks of Go: %s", bad.what, got.body)
			}
		}
		unchanged(t, running, before)
	}
	got := c.send(t, http.MethodPut, topics, url.Values{"dryMode": {"yes"}}, "text/plain; charset=utf-8", []byte(topic(named, sized)))
	if got.status != http.StatusBadRequest {
		t.Errorf("dryMode=yes: got %d: %s", got.status, got.body)
	}
	contains(t, "dryMode=yes", cliError(got), "'dryMode'", "true or false")
	big := group(`"displayName":"` + strings.Repeat("G", 5<<20) + `"`)
	got = c.send(t, http.MethodPut, groups, nil, "text/plain; charset=utf-8", []byte(big))
	if got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("5 MB: got %d, want 413: %.200s", got.status, got.body)
	}
	contains(t, "5 MB", cliError(got), "more than 4194304 bytes")
	unchanged(t, running, before)
}

func TestCLIHealth(t *testing.T) {
	t.Parallel()
	running := start(t, server.Config{})
	got := call(t, running, http.MethodGet, "/api/health/ready", "", nil)
	if got.status != http.StatusOK || string(got.body) != "READY" {
		t.Errorf("ready: %d %s", got.status, got.body)
	}
	if got := call(t, running, http.MethodGet, "/api/health/live", "", nil); got.status != http.StatusOK {
		t.Errorf("live: %d %s", got.status, got.body)
	}
}
