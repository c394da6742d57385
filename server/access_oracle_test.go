package server_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server"
)

// accessGround is what the drawn worlds stand on.
const accessGround = `
apiVersion: v2
kind: KafkaCluster
metadata: {name: dev}
spec:
  displayName: Dev
  bootstrapServers: "kafka:9092"
  schemaRegistry: {type: ConfluentLike, url: "http://registry:8081", security: {type: NoSecurity}, ignoreUntrustedCertificate: false}
---
apiVersion: v2
kind: KafkaCluster
metadata: {name: prod}
spec: {displayName: Prod, bootstrapServers: "kafka:9092"}
---
apiVersion: v2
kind: KafkaConnectCluster
metadata: {name: c1, cluster: dev}
spec: {displayName: C1, urls: "http://connect:8083"}
---
apiVersion: v2
kind: KafkaConnectCluster
metadata: {name: c2, cluster: dev}
spec: {displayName: C2, urls: "http://connect:8083"}
---
apiVersion: v2
kind: KsqlDBCluster
metadata: {name: k1, cluster: dev}
spec: {displayName: K1, url: "http://ksql:8088"}
`

// accessPermissions are the names that the oracle knows, by type: written from the
// reference, not read from the code. LIMITED ownership takes those after the bar away.
var accessPermissions = map[string][2][]string{
	"TOPIC":          {{"topicViewConfig", "topicConsume", "topicProduce", "topicEmpty", "topicDataQualityManage"}, {"topicCreate", "topicDelete", "topicEditConfig", "topicAddPartition"}},
	"CONSUMER_GROUP": {{"consumerGroupView", "consumerGroupReset"}, {"consumerGroupCreate", "consumerGroupDelete"}},
	"SUBJECT":        {{"subjectView"}, {"subjectCreateUpdate", "subjectDelete", "subjectEditCompatibility"}},
	"KAFKA_CONNECT": {{"kafkaConnectorViewConfig", "kafkaConnectorStatus", "kafkaConnectPauseResume", "kafkaConnectRestart"},
		{"kafkaConnectorEditConfig", "kafkaConnectorCreate", "kafkaConnectorDelete"}},
	"KSQLDB":   {{"ksqldbAccess"}, nil},
	"CLUSTER":  {{"clusterViewBroker", "clusterEditBroker", "clusterEditSRCompatibility", "clusterViewACL", "clusterManageACL"}, nil},
	"PLATFORM": {{"userView", "userManage", "auditLogView", "certificateManage", "clusterConnectionsManage"}, nil},
}

var (
	accessRead  = []string{"topicViewConfig", "topicConsume", "consumerGroupView", "subjectView", "kafkaConnectorViewConfig", "kafkaConnectorStatus"}
	accessWrite = []string{"topicProduce", "consumerGroupReset", "subjectCreateUpdate", "kafkaConnectPauseResume", "kafkaConnectRestart"}
)

func permissionNames(of string) []string {
	return append(slices.Clone(accessPermissions[of][0]), accessPermissions[of][1]...)
}

// accessQuestion is one permission on one thing.
type accessQuestion struct{ of, cluster, connect, name, permission string }

// accessPerson is who asks: an e-mail and what the token's groups claim holds.
type accessPerson struct {
	email  string
	claim  []string
	bearer string
}

// accessDraw draws documents and answers questions by looking at them again, field
// by field: nothing is compiled, indexed or shared with the server.
type accessDraw struct {
	t         *rapid.T
	documents []object
}

func (d *accessDraw) one(label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(d.t, label)
}

func (d *accessDraw) some(label string, from []string, most int) []any {
	list := []any{}
	for _, one := range rapid.SliceOfNDistinct(rapid.SampledFrom(from), 0, min(most, len(from)), rapid.ID).Draw(d.t, label) {
		list = append(list, one)
	}
	return list
}

func (d *accessDraw) add(apiVersion, kind string, metadata, spec object) {
	d.documents = append(d.documents, object{"apiVersion": apiVersion, "kind": kind, "metadata": metadata, "spec": spec})
}

// permission draws an item of spec.permissions of a user or a group.
func (d *accessDraw) permission() object {
	of := d.one("type", "TOPIC", "TOPIC", "CONSUMER_GROUP", "SUBJECT", "KAFKA_CONNECT", "KAFKA_CONNECT", "KSQLDB", "CLUSTER", "PLATFORM")
	item := object{"resourceType": of, "permissions": d.some("permissions", permissionNames(of), 3)}
	cluster := d.one("cluster", "dev", "prod", "*")
	named := func() {
		item["patternType"] = d.one("pattern", "LITERAL", "PREFIXED")
		item["name"] = rapid.StringMatching(`[ab.]{1,3}`).Draw(d.t, "name")
		if item["patternType"] == "LITERAL" && d.one("star", "star", "none", "none") == "star" {
			item["name"] = "*"
		}
	}
	switch of {
	case "TOPIC", "CONSUMER_GROUP", "SUBJECT":
		item["cluster"] = cluster
		named()
	case "KAFKA_CONNECT":
		item["cluster"], item["kafkaConnect"] = "dev", d.one("connect", "c1", "c2", "*")
		named()
	case "KSQLDB":
		item["cluster"], item["ksqlDB"] = "dev", d.one("ksqlDB", "k1", "*")
	case "CLUSTER":
		item["name"] = cluster
	}
	return item
}

func (d *accessDraw) permissions() []any {
	list := []any{}
	seen := map[string]bool{}
	for range rapid.IntRange(0, 3).Draw(d.t, "count") {
		item := d.permission()
		if key := fmt.Sprint(item["resourceType"], item["cluster"], item["kafkaConnect"], item["ksqlDB"], item["patternType"], item["name"]); !seen[key] {
			seen[key] = true
			list = append(list, item)
		}
	}
	return list
}

var drawnPeople = []string{"ua@x.example", "ub@x.example"}

func (d *accessDraw) members(spec object) object {
	spec["members"] = d.some("members", drawnPeople, 2)
	spec["externalGroups"] = d.some("external", []string{"team-a", "team-b", "ops"}, 2)
	spec["externalGroupRegex"] = d.some("regex", []string{"^team-", "b$", "o.s"}, 1)
	return spec
}

// draw makes a world: two people, three groups, two applications with an instance
// each, what one instance shares with the other, an application group.
func (d *accessDraw) draw() {
	for _, email := range drawnPeople {
		d.add("v2", "User", object{"name": email}, object{"permissions": d.permissions()})
	}
	for _, name := range []string{"g1", "g2", "g3"} {
		d.add("v2", "Group", object{"name": name}, d.members(object{"displayName": name, "permissions": d.permissions()}))
	}
	for i, letter := range []string{"a", "b"} {
		app, instance := fmt.Sprintf("app%d", i), fmt.Sprintf("inst%d", i)
		d.add("v1", "Application", object{"name": app}, object{"title": app, "owner": d.one("owner", "g1", "g2", "g3")})
		owned := []any{}
		for _, of := range []string{"TOPIC", "CONSUMER_GROUP", "SUBJECT", "CONNECTOR"} {
			if d.one("owns "+of, "yes", "no") == "no" {
				continue
			}
			item := object{"type": of, "patternType": d.one("pattern", "LITERAL", "PREFIXED"), "name": letter + d.one("rest", "", "a", "b."), "ownershipMode": d.one("mode", "ALL", "LIMITED")}
			if of == "CONNECTOR" {
				item["connectCluster"] = d.one("connect", "c1", "c2")
			}
			owned = append(owned, item)
		}
		d.add("v1", "ApplicationInstance", object{"name": instance, "application": app}, object{"cluster": "dev", "resources": owned})
		for n, item := range owned {
			if d.one("shared", "yes", "no") == "no" {
				continue
			}
			resource := object{}
			for name, value := range item.(object) {
				if name != "ownershipMode" {
					resource[name] = value
				}
			}
			d.add("v1", "ApplicationInstancePermission", object{"name": fmt.Sprintf("share%d-%d", i, n), "application": app, "appInstance": instance},
				object{"resource": resource, "grantedTo": fmt.Sprintf("inst%d", 1-i), "userPermission": d.one("access", "NONE", "READ", "WRITE"), "serviceAccountPermission": "NONE"})
		}
	}
	// A group lists what its instance owns or was granted, or a part of it.
	var reach []object
	for _, one := range d.of("ApplicationInstance") {
		if at(one, "metadata/name") == "inst0" {
			for _, item := range at(one, "spec/resources").([]any) {
				reach = append(reach, item.(object))
			}
		}
	}
	for _, one := range d.of("ApplicationInstancePermission") {
		if at(one, "spec/grantedTo") == "inst0" {
			reach = append(reach, at(one, "spec/resource").(object))
		}
	}
	listed := []any{}
	seen := map[string]bool{}
	for range rapid.IntRange(0, 3).Draw(d.t, "listed") {
		if len(reach) == 0 {
			break
		}
		whole := rapid.SampledFrom(reach).Draw(d.t, "of")
		of := whole["type"].(string)
		item := object{"appInstance": "inst0", "resourceType": of, "patternType": whole["patternType"], "name": whole["name"],
			"permissions": d.some("permissions", permissionNames(strings.ReplaceAll(of, "CONNECTOR", "KAFKA_CONNECT")), 4)}
		switch how := d.one("how", "whole", "part", "star"); {
		case how == "star":
			item["patternType"], item["name"] = "LITERAL", "*"
		case how == "part" && whole["patternType"] == "PREFIXED":
			item["patternType"], item["name"] = d.one("pattern", "LITERAL", "PREFIXED"), fmt.Sprint(whole["name"], "a")
		}
		if of == "CONNECTOR" {
			item["connectCluster"] = whole["connectCluster"]
		}
		if key := fmt.Sprint(of, item["connectCluster"], item["patternType"], item["name"]); !seen[key] {
			seen[key] = true
			listed = append(listed, item)
		}
	}
	d.add("v1", "ApplicationGroup", object{"name": "ag", "application": "app0"}, d.members(object{"displayName": "AG", "permissions": listed}))
}

func (d *accessDraw) of(kind string) []object {
	return slices.DeleteFunc(slices.Clone(d.documents), func(one object) bool { return one["kind"] != kind })
}

func field(document object, path string) any { return at(document, path) }

func fits(pattern, granted any, name string) bool {
	if pattern == "PREFIXED" {
		return strings.HasPrefix(name, granted.(string))
	}
	return granted == "*" || granted == name
}

func wild(granted any, asked string) bool { return granted == "*" || granted == asked }

// isMember: put there by hand, or led there by the newest token.
func isMember(group object, who accessPerson) bool {
	has := func(field string, value string) bool {
		list, _ := at(group, field).([]any)
		return slices.Contains(list, any(value))
	}
	if has("spec/members", who.email) {
		return true
	}
	expressions, _ := at(group, "spec/externalGroupRegex").([]any)
	for _, external := range who.claim {
		if has("spec/externalGroups", external) {
			return true
		}
		for _, one := range expressions {
			if regexp.MustCompile(one.(string)).MatchString(external) {
				return true
			}
		}
	}
	return false
}

func listHolds(list any, q accessQuestion) bool {
	items, _ := list.([]any)
	for _, one := range items {
		item := one.(object)
		if item["resourceType"] != q.of || !slices.Contains(item["permissions"].([]any), any(q.permission)) {
			continue
		}
		switch q.of {
		case "PLATFORM":
			return true
		case "CLUSTER":
			if wild(item["name"], q.cluster) {
				return true
			}
		case "KSQLDB":
			if wild(item["cluster"], q.cluster) && wild(item["ksqlDB"], q.connect) {
				return true
			}
		case "KAFKA_CONNECT":
			if wild(item["cluster"], q.cluster) && wild(item["kafkaConnect"], q.connect) && fits(item["patternType"], item["name"], q.name) {
				return true
			}
		default:
			if wild(item["cluster"], q.cluster) && fits(item["patternType"], item["name"], q.name) {
				return true
			}
		}
	}
	return false
}

// covered tells whether a resource of self-service is the thing asked about.
func covered(item object, typeField string, q accessQuestion) bool {
	of := item[typeField]
	if of == "CONNECTOR" {
		of = "KAFKA_CONNECT"
	}
	return of == q.of && q.cluster == "dev" && (q.of != "KAFKA_CONNECT" || item["connectCluster"] == q.connect) && fits(item["patternType"], item["name"], q.name)
}

// instanceHas: owned, but for what LIMITED takes away, or shared by another.
func (d *accessDraw) instanceHas(instance string, q accessQuestion) bool {
	for _, one := range d.of("ApplicationInstance") {
		if field(one, "metadata/name") != instance {
			continue
		}
		for _, item := range field(one, "spec/resources").([]any) {
			owned := item.(object)
			if covered(owned, "type", q) && (owned["ownershipMode"] == "ALL" || slices.Contains(accessPermissions[q.of][0], q.permission)) {
				return true
			}
		}
	}
	for _, one := range d.of("ApplicationInstancePermission") {
		access := field(one, "spec/userPermission")
		if field(one, "spec/grantedTo") == instance && covered(field(one, "spec/resource").(object), "type", q) &&
			(access != "NONE" && slices.Contains(accessRead, q.permission) || access == "WRITE" && slices.Contains(accessWrite, q.permission)) {
			return true
		}
	}
	return false
}

func (d *accessDraw) allowed(who accessPerson, q accessQuestion) bool {
	for _, user := range d.of("User") {
		if field(user, "metadata/name") == who.email && listHolds(field(user, "spec/permissions"), q) {
			return true
		}
	}
	for _, group := range d.of("Group") {
		if !isMember(group, who) {
			continue
		}
		if listHolds(field(group, "spec/permissions"), q) {
			return true
		}
		for i, app := range d.of("Application") {
			if field(app, "spec/owner") == field(group, "metadata/name") && d.instanceHas(fmt.Sprintf("inst%d", i), q) {
				return true
			}
		}
	}
	for _, group := range d.of("ApplicationGroup") {
		if !isMember(group, who) {
			continue
		}
		for _, one := range field(group, "spec/permissions").([]any) {
			item := one.(object)
			if covered(item, "resourceType", q) && slices.Contains(item["permissions"].([]any), any(q.permission)) && d.instanceHas("inst0", q) {
				return true
			}
		}
	}
	return false
}

// TestAccessAgainstOracle: what a token's holder may do in a drawn world, by way of
// users, groups, external groups, ownership, sharing and application groups, is what
// the documents say; in the world loaded from its export too.
func TestAccessAgainstOracle(t *testing.T) {
	l := startFuzz(t, server.Config{})
	by := signerOf(t, l.Server, "EdDSA")
	ground, err := seed.Load([]string{"-"}, strings.NewReader(accessGround))
	if err != nil {
		t.Fatal(err)
	}
	now := l.Pair().World.Clock.Now()
	tokens, yes, no := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		d := &accessDraw{t: t}
		d.draw()
		documents := slices.Clone(ground)
		for _, one := range d.documents {
			documents = append(documents, &seed.Document{APIVersion: one["apiVersion"].(string), Kind: one["kind"].(string),
				Name: fmt.Sprint(at(one, "metadata/name")), Object: plain(one)})
		}
		seed.Sort(documents)
		if err := l.Pair().Replace(documents); err != nil {
			t.Fatalf("%v", err)
		}
		var people []accessPerson
		for _, email := range append(slices.Clone(drawnPeople), "stranger@x.example") {
			tokens++
			who := accessPerson{email: email, claim: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"team-a", "team-b", "ops", "none"}), 0, 2, rapid.ID).Draw(t, "claim")}
			who.bearer = compact(object{"alg": by.alg, "kid": by.kid}, object{"iss": l.Issuer(), "email": email, "groups": who.claim,
				"exp": now.Add(time.Hour).Unix(), "jti": tokens}, signedBy(by.alg, by.private))
			people = append(people, who)
		}
		var questions []accessQuestion
		for range 30 {
			q := accessQuestion{of: rapid.SampledFrom([]string{"TOPIC", "TOPIC", "CONSUMER_GROUP", "SUBJECT", "KAFKA_CONNECT", "KSQLDB", "CLUSTER", "PLATFORM"}).Draw(t, "asked"),
				cluster: rapid.SampledFrom([]string{"dev", "dev", "prod"}).Draw(t, "on"), name: rapid.StringMatching(`[ab][ab.]{0,2}`).Draw(t, "what")}
			switch q.of {
			case "KAFKA_CONNECT":
				q.cluster, q.connect = "dev", rapid.SampledFrom([]string{"c1", "c2"}).Draw(t, "at")
			case "KSQLDB":
				q.cluster, q.connect, q.name = "dev", "k1", ""
			case "CLUSTER":
				q.name = ""
			case "PLATFORM":
				q.cluster, q.name = "", ""
			}
			q.permission = rapid.SampledFrom(permissionNames(q.of)).Draw(t, "permission")
			questions = append(questions, q)
		}
		ask := func(world string) {
			for _, who := range people {
				principal, err := l.Pair().Console.Authenticate(t.Context(), http.Header{"Authorization": {"Bearer " + who.bearer}})
				if err != nil {
					t.Fatalf("%s: %v", who.email, err)
				}
				for _, q := range questions {
					need := rbac.Need{Resource: rbac.ResourceType(q.of), Cluster: q.cluster, Connect: q.connect, Name: q.name, AnyOf: []rbac.Permission{rbac.Permission(q.permission)}}
					got, want := principal.Subject().Allows(need), d.allowed(who, q)
					if got != want {
						t.Fatalf("%s with the groups %q in %s: %+v is %v, want %v: %s", who.email, who.claim, world, q, got, want, principal.Subject().Decide(need).Reason)
					}
					if got {
						yes++
					} else {
						no++
					}
				}
			}
		}
		ask("the drawn world")
		exported := l.exported(t)
		again, err := seed.Load([]string{"-"}, strings.NewReader(exported))
		if err != nil {
			t.Fatalf("%v", err)
		}
		if err := l.Pair().Replace(again); err != nil {
			t.Fatalf("%v", err)
		}
		if now := l.exported(t); now != exported {
			t.Fatalf("the export loads to another: %s", firstDifference(exported, now))
		}
		ask("the world of its export")
	})
	t.Logf("%d allowed, %d not", yes, no)
	if yes < no/50 {
		t.Errorf("only %d of %d questions are answered yes: the draw is too narrow", yes, yes+no)
	}
}
