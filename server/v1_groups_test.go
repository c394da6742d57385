package server_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/http"
	"testing"
)

const (
	groupsV1        = "/public/v1/groups"
	groupV1         = "/public/v1/groups/{groupId}"
	groupUserV1     = groupV1 + "/users/{userId}"
	groupEmailV1    = groupV1 + "/userEmail/{email}"
	groupRightsV1   = groupV1 + "/permissions"
	groupNoRightsV1 = groupV1 + "/permissions/all"
	groupKind       = "/public/iam/v2/group"
	groupKindOne    = groupKind + "/{group-name}"
)

func ids(values ...string) []string { return values }

func TestGroupsV1Read(t *testing.T) {
	w := startV1(t)
	var list []map[string]any
	w.ok(v1Viewer, http.MethodGet, groupsV1, nil, nil, 200, &list)
	byID := map[any]map[string]any{}
	for _, group := range list {
		byID[group["groupId"]] = group
	}
	w.same("engineers", byID["engineers"], `{"groupId":"engineers","name":"Engineers","description":"Write and run the shop","isAdmin":false,
		"users":[{"email":"engineer@v1.example","externalMapping":false},{"email":"Later@v1.example","externalMapping":false}],
		"externalGroups":[],"externalGroupRegex":["^idp-eng-"]}`)
	w.same("viewers", byID["viewers"], `{"groupId":"viewers","name":"Viewers","isAdmin":false,
		"users":[{"email":"viewer@v1.example","externalMapping":true}],"externalGroups":["idp-viewers"],"externalGroupRegex":[]}`)
	if byID["admin"]["isAdmin"] != true {
		t.Errorf("the built-in group is shown as %v", byID["admin"])
	}
	if len(list) != 5 {
		t.Errorf("%d groups, want 5", len(list))
	}
	var one any
	w.ok(v1Viewer, http.MethodGet, groupV1, ids("engineers"), nil, 200, &one)
	w.same("one", one, string(mustJSON(t, byID["engineers"])))
	// Only the kind makes such a name; it is readable here all the same.
	w.ok(v1Viewer, http.MethodGet, groupV1, ids("team.dots"), nil, 200, &one)
	w.same("dots", one, `{"groupId":"team.dots","name":"Dots","isAdmin":false,"users":[],"externalGroups":[],"externalGroupRegex":[]}`)

	w.refused(v1Viewer, http.MethodGet, groupV1, ids("absent"), nil, 404, "No group found with this slug")
	w.refused(v1Viewer, http.MethodGet, groupV1, ids("Upper"), nil, 400, "Invalid value for: path parameter groupId")
	w.refused(v1Viewer, http.MethodGet, groupV1, ids("a b"), nil, 400, "Invalid value for: path parameter groupId")
}

// The body is that of the published document's curl sample.
func TestGroupsV1Create(t *testing.T) {
	w := startV1(t)
	body := `{"name":"Data engineering","description":"Data department.","groupId":"data-engineering","externalGroups":["data","dataeng"],"externalGroupRegex":["data*"]}`
	w.ok(v1Manager, http.MethodPost, groupsV1, nil, body, 201, nil)
	w.same("the kind", w.spec(groupKindOne, "data-engineering"), `{"displayName":"Data engineering","description":"Data department.",
		"externalGroups":["data","dataeng"],"externalGroupRegex":["data*"]}`)

	w.refused(v1Manager, http.MethodPost, groupsV1, nil, body, 400, "data-engineering already exists")
	w.refused(v1Manager, http.MethodPost, groupsV1, nil, `{"groupId":"x"}`, 400, "at 'name'")
	w.refused(v1Manager, http.MethodPost, groupsV1, nil, `{"groupId":"with.dot","name":"X"}`, 400, "at 'groupId'")
	w.refused(v1Manager, http.MethodPost, groupsV1, nil, `{"groupId":"x","name":"X","externalGroupRegex":["("]}`, 400, "externalGroupRegex")
	w.refused(v1Manager, http.MethodPost, groupsV1, nil, `{"groupId":"x","name":"X","externalGroups":"data"}`, 400, "an array")
	w.refused(v1Manager, http.MethodPost, groupsV1, nil, `[]`, 400, "expected one JSON object, got an array")
	w.refused(v1Manager, http.MethodPost, groupsV1, nil, `{`, 400, "JSON that ends too early")
	w.refused(v1Manager, http.MethodPost, groupsV1, nil, nil, 400, "got nothing")
}

func TestGroupsV1Put(t *testing.T) {
	w := startV1(t)
	w.ok(v1Manager, http.MethodPut, groupV1, ids("fresh"), `{"name":"Fresh","description":null}`, 200, nil)
	w.same("a new one", w.spec(groupKindOne, "fresh"), `{"displayName":"Fresh"}`)

	before := w.spec(groupKindOne, "engineers")
	w.ok(v1Manager, http.MethodPut, groupV1, ids("engineers"), `{"name":"Shop engineers","externalGroups":["idp-shop"]}`, 200, nil)
	after := w.spec(groupKindOne, "engineers")
	for _, field := range []string{"members", "permissions"} {
		w.same(field+" stay", after[field], string(mustJSON(t, before[field])))
	}
	for _, field := range []string{"members", "permissions", "membersFromExternalGroups"} {
		delete(after, field)
	}
	w.same("what the body says, and nothing of before", after, `{"displayName":"Shop engineers","externalGroups":["idp-shop"]}`)

	// The reverse: what the kind says is what the older form shows.
	applied := `{"apiVersion":"v2","kind":"Group","metadata":{"name":"fresh"},"spec":{"displayName":"By kind","members":["Ada@v1.example"]}}`
	w.ok(v1Manager, http.MethodPut, groupKind, nil, applied, 200, new(any))
	var shown any
	w.ok(v1Manager, http.MethodGet, groupV1, ids("fresh"), nil, 200, &shown)
	w.same("by kind", shown, `{"groupId":"fresh","name":"By kind","isAdmin":false,"users":[{"email":"Ada@v1.example","externalMapping":false}],"externalGroups":[],"externalGroupRegex":[]}`)

	w.refused(v1Manager, http.MethodPut, groupV1, ids("team.dots"), `{"name":"X"}`, 400, "as the kind Group")
	w.refused(v1Manager, http.MethodPut, groupV1, ids("UP"), `{"name":"X"}`, 400, "path parameter groupId")
	w.refused(v1Manager, http.MethodPut, groupV1, ids("fresh"), `{"description":"X"}`, 400, "at 'name'")
	w.refused(v1Manager, http.MethodPut, groupV1, ids("fresh"), `{"name":"X","externalGroupRegex":["["]}`, 400, "externalGroupRegex")
}

func TestGroupsV1Delete(t *testing.T) {
	w := startV1(t)
	w.ok(v1Manager, http.MethodDelete, groupV1, ids("viewers"), nil, 204, nil)
	if left := w.kind(groupKindOne, "viewers"); left != nil {
		t.Errorf("the kind still shows %v", left)
	}
	w.refused(v1Manager, http.MethodDelete, groupV1, ids("viewers"), nil, 404, "No group found")
	w.refused(v1Manager, http.MethodDelete, groupV1, ids("engineers"), nil, 400, "it owns the application shop")
	w.refused(v1Manager, http.MethodDelete, groupV1, ids("admin"), nil, 400, "built in")
	w.refused(v1Manager, http.MethodDelete, groupV1, ids("team.dots"), nil, 400, "as the kind Group")
}

func TestGroupsV1Members(t *testing.T) {
	w := startV1(t)
	members := func() any { return w.spec(groupKindOne, "engineers")["members"] }
	w.ok(v1Manager, http.MethodPut, groupEmailV1, ids("engineers", "NOBODY@v1.example"), nil, 200, nil)
	w.same("added as the user is written", members(), `["engineer@v1.example","Later@v1.example","nobody@v1.example"]`)
	w.ok(v1Manager, http.MethodPut, groupEmailV1, ids("engineers", "nobody@v1.example"), nil, 200, nil)
	w.same("added once", members(), `["engineer@v1.example","Later@v1.example","nobody@v1.example"]`)
	// What the membership gives counts at once.
	w.ok(v1Manager, http.MethodPut, groupEmailV1, ids("viewers", "nobody@v1.example"), nil, 200, nil)
	w.ok(v1Nobody, http.MethodGet, groupsV1, nil, nil, 200, new(any))

	w.ok(v1Manager, http.MethodDelete, groupEmailV1, ids("engineers", "nobody@v1.example"), nil, 200, nil)
	w.ok(v1Manager, http.MethodDelete, groupEmailV1, ids("engineers", "later@V1.example"), nil, 200, nil)
	w.same("removed, also who is no user yet", members(), `["engineer@v1.example"]`)

	// Whoever came in by an external group goes, and comes back with it.
	w.ok(v1Viewer, http.MethodGet, groupsV1, nil, nil, 200, new(any)) // maps the token under the changed groups
	w.ok(v1Manager, http.MethodDelete, groupEmailV1, ids("viewers", "viewer@v1.example"), nil, 200, nil)
	w.refused(v1Viewer, http.MethodGet, groupsV1, nil, nil, 403, "Missing permission: userView")
	w.tokens[v1Viewer] = tokenOf(t, w.running, v1Viewer)
	w.ok(v1Viewer, http.MethodGet, groupsV1, nil, nil, 200, new(any))

	before := w.export()
	for _, none := range [][]string{{"engineers", "nobody@v1.example"}, {"engineers", "stranger@v1.example"}, {"absent", "nobody@v1.example"}} {
		w.ok(v1Manager, http.MethodDelete, groupEmailV1, none, nil, 200, nil)
	}
	if after := w.export(); after != before {
		t.Errorf("removing who is not there changed the world:\n%s", v1Difference(before, after))
	}
	w.refused(v1Manager, http.MethodPut, groupEmailV1, ids("engineers", "stranger@v1.example"), nil, 404, "The searched entity was not found")
	w.refused(v1Manager, http.MethodPut, groupEmailV1, ids("absent", "nobody@v1.example"), nil, 404, "The searched entity was not found")
	w.refused(v1Manager, http.MethodPut, groupEmailV1, ids("engineers", "no-address"), nil, 400, "path parameter email")
	w.refused(v1Manager, http.MethodDelete, groupEmailV1, ids("engineers", "no-address"), nil, 400, "path parameter email")
	w.refused(v1Manager, http.MethodPut, groupEmailV1, ids("team.dots", "nobody@v1.example"), nil, 400, "path parameter groupId")
}

// userNumber is what the document says of the number of a user.
func userNumber(email string) string {
	sum := sha256.Sum256([]byte(email))
	return fmt.Sprint(binary.BigEndian.Uint32(sum[:]) << 1 >> 1)
}

func TestGroupsV1MembersByNumber(t *testing.T) {
	w := startV1(t)
	w.ok(v1Manager, http.MethodPut, groupUserV1, ids("viewers", userNumber("nobody@v1.example")), nil, 200, nil)
	w.same("members", w.spec(groupKindOne, "viewers")["members"], `["nobody@v1.example"]`)
	w.ok(v1Manager, http.MethodDelete, groupUserV1, ids("viewers", userNumber("nobody@v1.example")), nil, 200, nil)
	w.same("members", w.spec(groupKindOne, "viewers")["members"], `[]`)

	w.refused(v1Manager, http.MethodPut, groupUserV1, ids("viewers", "1"), nil, 404, "The searched entity was not found")
	w.refused(v1Manager, http.MethodPut, groupUserV1, ids("absent", userNumber("nobody@v1.example")), nil, 404, "The searched entity was not found")
	w.refused(v1Manager, http.MethodPut, groupUserV1, ids("viewers", "x"), nil, 400, "Invalid value for: path parameter userId")
	w.refused(v1Manager, http.MethodPut, groupUserV1, ids("viewers", "4294967296"), nil, 400, "path parameter userId")
	w.refused(v1Manager, http.MethodDelete, groupUserV1, ids("viewers", "x"), nil, 400, "path parameter userId")
	w.ok(v1Manager, http.MethodDelete, groupUserV1, ids("viewers", "1"), nil, 200, nil)

	one, two := sharedNumber(t)
	for _, email := range []string{one, two} {
		w.ok(v1Manager, http.MethodPut, usersV1, nil, map[string]string{"email": email}, 200, nil)
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete} {
		w.refused(v1Manager, method, groupUserV1, ids("viewers", userNumber(one)), nil, 400, "share the number "+userNumber(one))
	}
}

// sharedNumber finds two e-mail addresses with one number: among some 50,000 it
// is as likely as not that there are two.
func sharedNumber(t *testing.T) (string, string) {
	t.Helper()
	seen := map[string]string{}
	for i := range 1_000_000 {
		email := fmt.Sprintf("user-%d@v1.example", i)
		number := userNumber(email)
		if other, ok := seen[number]; ok {
			return other, email
		}
		seen[number] = email
	}
	t.Fatal("no two of a million share a number")
	return "", ""
}

func TestGroupsV1Permissions(t *testing.T) {
	w := startV1(t)
	shown := func() any {
		var list any
		w.ok(v1Viewer, http.MethodGet, groupRightsV1, ids("engineers"), nil, 200, &list)
		return list
	}
	w.same("those of the kind", shown(), `[
		{"resourceType":"Topic","clusterId":"dev","topicPattern":"shop.*","permissions":["topicViewConfig","topicConsume"]},
		{"resourceType":"ConsumerGroup","clusterId":"dev","consumerGroupPattern":"shop.worker","permissions":["consumerGroupView"]},
		{"resourceType":"KafkaConnect","clusterId":"dev","connectClusterId":"connect-a","connectorNamePattern":"shop.*","permissions":["kafkaConnectorViewConfig"]},
		{"resourceType":"KsqlDB","clusterId":"dev","ksqlDBServerSlug":"*","permissions":["ksqldbAccess"]}]`)

	w.ok(v1Manager, http.MethodPatch, groupRightsV1, ids("engineers"), `[
		{"resourceType":"Topic","clusterId":"dev","topicPattern":"shop.*","permissions":["topicConsume","topicProduce"]},
		{"resourceType":"Subject","clusterId":"*","subjectPattern":"*","permissions":["subjectView"]},
		{"resourceType":"Platform","permissions":["taasView"]},{"resourceType":"Cluster","clusterId":"dev","permissions":["clusterViewACL"]}]`, 204, nil)
	w.same("added in the kind", w.spec(groupKindOne, "engineers")["permissions"], `[
		{"resourceType":"TOPIC","cluster":"dev","name":"shop.","patternType":"PREFIXED","permissions":["topicViewConfig","topicConsume","topicProduce"]},
		{"resourceType":"CONSUMER_GROUP","cluster":"dev","name":"shop.worker","patternType":"LITERAL","permissions":["consumerGroupView"]},
		{"resourceType":"KAFKA_CONNECT","cluster":"dev","kafkaConnect":"connect-a","name":"shop.","patternType":"PREFIXED","permissions":["kafkaConnectorViewConfig"]},
		{"resourceType":"KSQLDB","cluster":"dev","ksqlDB":"*","permissions":["ksqldbAccess"]},
		{"resourceType":"SUBJECT","cluster":"*","name":"*","patternType":"LITERAL","permissions":["subjectView"]},
		{"resourceType":"PLATFORM","permissions":["taasView"]},
		{"resourceType":"CLUSTER","name":"dev","permissions":["clusterViewACL"]}]`)

	w.ok(v1Manager, http.MethodDelete, groupRightsV1, ids("engineers"), `[
		{"resourceType":"Topic","clusterId":"dev","topicPattern":"shop.*","permissions":["topicViewConfig","topicDelete"]},
		{"resourceType":"Topic","clusterId":"dev","topicPattern":"shop.worker","permissions":["topicConsume"]},
		{"resourceType":"ConsumerGroup","clusterId":"dev","consumerGroupPattern":"shop.worker","permissions":["consumerGroupView"]},
		{"resourceType":"KafkaConnect","clusterId":"dev","connectClusterId":"connect-b","connectorNamePattern":"shop.*","permissions":["kafkaConnectorViewConfig"]},
		{"resourceType":"Platform","permissions":["taasView"]}]`, 204, nil)
	w.same("the rest", shown(), `[
		{"resourceType":"Topic","clusterId":"dev","topicPattern":"shop.*","permissions":["topicConsume","topicProduce"]},
		{"resourceType":"KafkaConnect","clusterId":"dev","connectClusterId":"connect-a","connectorNamePattern":"shop.*","permissions":["kafkaConnectorViewConfig"]},
		{"resourceType":"KsqlDB","clusterId":"dev","ksqlDBServerSlug":"*","permissions":["ksqldbAccess"]},
		{"resourceType":"Subject","clusterId":"*","subjectPattern":"*","permissions":["subjectView"]},
		{"resourceType":"Cluster","clusterId":"dev","permissions":["clusterViewACL"]}]`)

	before := w.export()
	for _, method := range []string{http.MethodPatch, http.MethodDelete} {
		w.ok(v1Manager, method, groupRightsV1, ids("engineers"), nil, 204, nil)
		w.ok(v1Manager, method, groupRightsV1, ids("engineers"), "[]", 204, nil)
	}
	if after := w.export(); after != before {
		t.Errorf("naming no permission changed the world:\n%s", v1Difference(before, after))
	}

	// The published document's sample, with permissions that exist.
	w.ok(v1Manager, http.MethodPut, groupRightsV1, ids("engineers"),
		`[{"resourceType":"Topic","clusterId":"my-cluster","topicPattern":"finance-*","permissions":["topicCreate","topicDelete"]}]`, 204, nil)
	w.same("replaced", shown(), `[{"resourceType":"Topic","clusterId":"my-cluster","topicPattern":"finance-*","permissions":["topicCreate","topicDelete"]}]`)
	w.ok(v1Manager, http.MethodPut, groupRightsV1, ids("engineers"), nil, 204, nil)
	w.same("replaced by none", shown(), `[]`)
	w.ok(v1Manager, http.MethodPatch, groupRightsV1, ids("engineers"), `[{"resourceType":"Platform","permissions":["taasView"]}]`, 204, nil)
	w.ok(v1Manager, http.MethodDelete, groupNoRightsV1, ids("engineers"), nil, 204, nil)
	w.same("none", w.spec(groupKindOne, "engineers")["permissions"], `[]`)

	var dots any
	w.ok(v1Viewer, http.MethodGet, groupRightsV1, ids("team.dots"), nil, 200, &dots)
	w.same("what this form cannot say is left out", dots, `[{"resourceType":"Topic","clusterId":"dev","topicPattern":"*","permissions":["topicViewConfig"]}]`)
}

func TestGroupsV1PermissionsRefused(t *testing.T) {
	w := startV1(t)
	w.refused(v1Viewer, http.MethodGet, groupRightsV1, ids("absent"), nil, 404, "No group found with this slug")
	w.refused(v1Viewer, http.MethodGet, groupRightsV1, ids("A"), nil, 400, "path parameter groupId")
	faults := map[string]string{
		`[{"resourceType":"Topic","clusterId":"dev","topicPattern":"a","permissions":["topicRead"]}]`:             "[0].permissions[0]",
		`[{"resourceType":"Topic","clusterId":"dev","topicPattern":"a","permissions":["subjectView"]}]`:           "[0].permissions[0]",
		`[{"resourceType":"TOPIC","clusterId":"dev","topicPattern":"a","permissions":[]}]`:                        "[0].resourceType",
		`[{"resourceType":"Topic","clusterId":"dev","permissions":[]}]`:                                           "[0].topicPattern",
		`[{"resourceType":"Topic","clusterId":"dev","topicPattern":"","permissions":["topicConsume"]}]`:           "[0].topicPattern",
		`[{"resourceType":"Topic","clusterId":"Dev","topicPattern":"a","permissions":["topicConsume"]}]`:          "[0].clusterId",
		`[{"resourceType":"KafkaConnect","clusterId":"dev","connectorNamePattern":"a"}]`:                          "[0].connectClusterId",
		`[{"resourceType":"KafkaConnect","clusterId":"dev","connectClusterId":"A_B","connectorNamePattern":"a"}]`: "kafkaConnect",
		`{"resourceType":"Platform"}`: "expected one JSON array, got an object",
		`[`:                           "JSON",
	}
	for body, says := range faults {
		for _, method := range []string{http.MethodPut, http.MethodPatch} {
			w.refused(v1Manager, method, groupRightsV1, ids("engineers"), body, 400, says)
		}
	}
	w.refused(v1Manager, http.MethodDelete, groupRightsV1, ids("engineers"), `[{"resourceType":"Nothing"}]`, 400, "[0].resourceType")
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete} {
		w.refused(v1Manager, method, groupRightsV1, ids("absent"), "[]", 404, "No group found with this slug")
		w.refused(v1Manager, method, groupRightsV1, ids("team.dots"), "[]", 400, "as the kind Group")
	}
	w.refused(v1Manager, http.MethodDelete, groupNoRightsV1, ids("absent"), nil, 404, "No group found with this slug")
}

func TestGroupsV1WhoMay(t *testing.T) {
	whoMay(t, []v1Call{
		{http.MethodGet, groupsV1, nil, nil, may(false, 200)},
		{http.MethodPost, groupsV1, nil, `{"groupId":"x","name":"X"}`, may(true, 201)},
		{http.MethodGet, groupV1, ids("engineers"), nil, may(false, 200)},
		{http.MethodPut, groupV1, ids("engineers"), `{"name":"X"}`, may(true, 200)},
		{http.MethodDelete, groupV1, ids("viewers"), nil, may(true, 204)},
		{http.MethodPut, groupUserV1, ids("viewers", userNumber("nobody@v1.example")), nil, may(true, 200)},
		{http.MethodDelete, groupUserV1, ids("viewers", userNumber("nobody@v1.example")), nil, may(true, 200)},
		{http.MethodPut, groupEmailV1, ids("viewers", "nobody@v1.example"), nil, may(true, 200)},
		{http.MethodDelete, groupEmailV1, ids("viewers", "viewer@v1.example"), nil, may(true, 200)},
		{http.MethodGet, groupRightsV1, ids("engineers"), nil, may(false, 200)},
		{http.MethodPut, groupRightsV1, ids("engineers"), "[]", may(true, 204)},
		{http.MethodPatch, groupRightsV1, ids("engineers"), `[{"resourceType":"Platform","permissions":["taasView"]}]`, may(true, 204)},
		{http.MethodDelete, groupRightsV1, ids("engineers"), `[{"resourceType":"KsqlDB","clusterId":"dev","ksqlDBServerSlug":"*","permissions":["ksqldbAccess"]}]`, may(true, 204)},
		{http.MethodDelete, groupNoRightsV1, ids("engineers"), nil, may(true, 204)},
	})
}

// A refused caller is told so before anything is said of what there is, or of
// the body.
func TestGroupsV1RefusedFirst(t *testing.T) {
	w := startV1(t)
	w.refused(v1Nobody, http.MethodGet, groupV1, ids("absent"), nil, 403, "Missing permission: userView")
	w.refused(v1Nobody, http.MethodPut, groupV1, ids("absent"), "{", 403, "Missing permission: userManage")
	w.refused(v1Nobody, http.MethodDelete, groupV1, ids("absent"), nil, 403, "Missing permission: userManage")
	w.refused(v1Nobody, http.MethodPut, groupRightsV1, ids("absent"), "{", 403, "Missing permission: userManage")
	w.refused(v1Nobody, http.MethodDelete, groupEmailV1, ids("absent", "a@b.example"), nil, 403, "Missing permission: userManage")
}
