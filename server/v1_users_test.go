package server_test

import (
	"net/http"
	"testing"
)

const (
	usersV1        = "/public/v1/users"
	userV1         = "/public/v1/users/{email}"
	userRightsV1   = userV1 + "/permissions"
	userNoRightsV1 = userV1 + "/permissions/all"
	userKind       = "/public/iam/v2/user"
	userKindOne    = userKind + "/{user-name}"
)

func TestUsersV1Read(t *testing.T) {
	w := startV1(t)
	var list []map[string]any
	w.ok(v1Viewer, http.MethodGet, usersV1, nil, nil, 200, &list)
	byID := map[any]map[string]any{}
	for _, user := range list {
		byID[user["userId"]] = user
	}
	if len(list) != 5 {
		t.Errorf("%d users, want the root admin and the four who called: %v", len(list), list)
	}
	root := byID["admin@mockduktor.example"]
	w.same("the root admin", root, `{"userId":"admin@mockduktor.example","fullName":"admin@mockduktor.example","platformRole":"admin","groups":[{"groupId":"admin","name":"Admin"}]}`)
	manager := byID["manager@v1.example"]
	if manager["lastLoginDate"] == nil {
		t.Errorf("no lastLoginDate: %v", manager)
	}
	delete(manager, "lastLoginDate")
	w.same("names of the token, group by hand", manager, `{"userId":"manager@v1.example","firstName":"Mo","lastName":"Ito","fullName":"Mo Ito","platformRole":"member","groups":[{"groupId":"managers","name":"Managers"}]}`)
	w.same("group by the claim", byID["viewer@v1.example"]["groups"], `[{"groupId":"viewers","name":"Viewers"}]`)
	w.same("no group", byID["nobody@v1.example"]["groups"], `[]`)

	// Somebody in a group with a dot is readable, and whoever is in the group
	// admin has its role.
	w.ok(v1Admin, http.MethodPut, groupKind, nil, `{"apiVersion":"v2","kind":"Group","metadata":{"name":"team.dots"},"spec":{"displayName":"Dots","members":["nobody@v1.example"]}}`, 200, new(any))
	w.ok(v1Admin, http.MethodPut, groupEmailV1, ids("admin", "nobody@v1.example"), nil, 200, nil)
	var one map[string]any
	w.ok(v1Viewer, http.MethodGet, userV1, ids("NOBODY@v1.example"), nil, 200, &one)
	delete(one, "lastLoginDate")
	w.same("one, whatever its case", one, `{"userId":"nobody@v1.example","fullName":"nobody@v1.example","platformRole":"admin","groups":[{"groupId":"admin","name":"Admin"},{"groupId":"team.dots","name":"Dots"}]}`)

	w.refused(v1Viewer, http.MethodGet, userV1, ids("stranger@v1.example"), nil, 404, "No user found with this email")
	w.refused(v1Viewer, http.MethodGet, userV1, ids("stranger"), nil, 400, "Invalid value for: path parameter email")
}

// The body is that of the published document's curl sample.
func TestUsersV1Put(t *testing.T) {
	w := startV1(t)
	w.ok(v1Manager, http.MethodPut, usersV1, nil, `{"lastName":"Doe","firstName":"John","email":"john.doe@v1.example"}`, 200, nil)
	w.same("the kind", w.spec(userKindOne, "john.doe@v1.example"), `{"firstName":"John","lastName":"Doe"}`)

	w.ok(v1Manager, http.MethodPut, userRightsV1, ids("john.doe@v1.example"), `[{"resourceType":"Platform","permissions":["taasView"]}]`, 204, nil)
	w.ok(v1Manager, http.MethodPut, usersV1, nil, `{"firstName":"Johnny","lastName":null,"email":"John.Doe@V1.example"}`, 200, nil)
	w.same("names as the body says, permissions as they were", w.spec(userKindOne, "john.doe@v1.example"),
		`{"firstName":"Johnny","permissions":[{"resourceType":"PLATFORM","permissions":["taasView"]}]}`)
	if other := w.kind(userKindOne, "John.Doe@V1.example"); other != nil {
		t.Errorf("another case made another user: %v", other)
	}

	w.ok(v1Manager, http.MethodPut, userKind, nil, `{"apiVersion":"v2","kind":"User","metadata":{"name":"ada@v1.example"},"spec":{"firstName":"Ada","lastName":"N","permissions":[]}}`, 200, new(any))
	var shown any
	w.ok(v1Manager, http.MethodGet, userV1, ids("ada@v1.example"), nil, 200, &shown)
	w.same("by kind", shown, `{"userId":"ada@v1.example","firstName":"Ada","lastName":"N","fullName":"Ada N","platformRole":"member","groups":[]}`)

	w.refused(v1Manager, http.MethodPut, usersV1, nil, `{"firstName":"X"}`, 400, "at 'email'")
	w.refused(v1Manager, http.MethodPut, usersV1, nil, `{"email":"no address"}`, 400, "at 'email'")
	w.refused(v1Manager, http.MethodPut, usersV1, nil, `{"email":"a@v1.example","firstName":1}`, 400, "at 'firstName'")
	w.refused(v1Manager, http.MethodPut, usersV1, nil, `"a@v1.example"`, 400, "expected one JSON object, got a string")
}

func TestUsersV1Delete(t *testing.T) {
	w := startV1(t)
	w.ok(v1Manager, http.MethodDelete, userV1, ids("Nobody@v1.example"), nil, 204, nil)
	if left := w.kind(userKindOne, "nobody@v1.example"); left != nil {
		t.Errorf("the kind still shows %v", left)
	}
	w.refused(v1Manager, http.MethodDelete, userV1, ids("nobody@v1.example"), nil, 404, "No user found with this email")
	w.refused(v1Manager, http.MethodDelete, userV1, ids("nobody"), nil, 400, "path parameter email")
	w.refused(v1Manager, http.MethodDelete, userV1, ids("admin@mockduktor.example"), nil, 400, "root admin")
}

func TestUsersV1Permissions(t *testing.T) {
	w := startV1(t)
	who := ids("engineer@v1.example")
	shown := func() map[string]any {
		var permissions map[string]any
		w.ok(v1Viewer, http.MethodGet, userRightsV1, who, nil, 200, &permissions)
		return permissions
	}
	w.same("own and of groups", shown(), `{"user":[],"groups":{"engineers":[
		{"resourceType":"Topic","clusterId":"dev","topicPattern":"shop.*","permissions":["topicViewConfig","topicConsume"]},
		{"resourceType":"ConsumerGroup","clusterId":"dev","consumerGroupPattern":"shop.worker","permissions":["consumerGroupView"]},
		{"resourceType":"KafkaConnect","clusterId":"dev","connectClusterId":"connect-a","connectorNamePattern":"shop.*","permissions":["kafkaConnectorViewConfig"]},
		{"resourceType":"KsqlDB","clusterId":"dev","ksqlDBServerSlug":"*","permissions":["ksqldbAccess"]}]}}`)

	w.ok(v1Manager, http.MethodPatch, userRightsV1, who, `[{"resourceType":"Platform","permissions":["userView","taasView"]}]`, 204, nil)
	w.ok(v1Engineer, http.MethodGet, usersV1, nil, nil, 200, new(any)) // it counts at once
	w.same("the kind", w.spec(userKindOne, who...)["permissions"], `[{"resourceType":"PLATFORM","permissions":["userView","taasView"]}]`)
	w.ok(v1Manager, http.MethodDelete, userRightsV1, who, `[{"resourceType":"Platform","permissions":["userView"]}]`, 204, nil)
	w.same("own", shown()["user"], `[{"resourceType":"Platform","permissions":["taasView"]}]`)
	w.refused(v1Engineer, http.MethodGet, usersV1, nil, nil, 403, "Missing permission: userView")
	w.ok(v1Manager, http.MethodPut, userRightsV1, who, `[{"resourceType":"Cluster","clusterId":"*","permissions":["clusterViewACL"]}]`, 204, nil)
	w.same("own", shown()["user"], `[{"resourceType":"Cluster","clusterId":"*","permissions":["clusterViewACL"]}]`)
	w.ok(v1Manager, http.MethodDelete, userNoRightsV1, ids("ENGINEER@v1.example"), nil, 204, nil)
	w.same("own", shown()["user"], `[]`)
	w.same("those of groups stay", len(shown()["groups"].(map[string]any)["engineers"].([]any)), `4`)

	w.ok(v1Manager, http.MethodPut, userKind, nil, `{"apiVersion":"v2","kind":"User","metadata":{"name":"engineer@v1.example"},"spec":{"permissions":[
		{"resourceType":"SUBJECT","cluster":"dev","patternType":"PREFIXED","name":"a-*","permissions":["subjectView"]}]}}`, 200, new(any))
	w.same("by kind", shown()["user"], `[{"resourceType":"Subject","clusterId":"dev","subjectPattern":"a-*","permissions":["subjectView"]}]`)

	w.refused(v1Viewer, http.MethodGet, userRightsV1, ids("stranger@v1.example"), nil, 404, "No user found with this email")
	w.refused(v1Viewer, http.MethodGet, userRightsV1, ids("stranger"), nil, 400, "path parameter email")
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete} {
		w.refused(v1Manager, method, userRightsV1, ids("stranger@v1.example"), "[]", 404, "No user found with this email")
		w.refused(v1Manager, method, userRightsV1, who, `[{"resourceType":"Platform","permissions":["topicConsume"]}]`, 400, "[0].permissions[0]")
		w.refused(v1Manager, method, userRightsV1, ids("stranger"), "[]", 400, "path parameter email")
	}
	w.refused(v1Manager, http.MethodDelete, userNoRightsV1, ids("stranger@v1.example"), nil, 404, "No user found with this email")
}

// The published document lists no 403 here; this server answers it all the same.
func TestUsersV1WhoMay(t *testing.T) {
	who := ids("nobody@v1.example")
	whoMay(t, []v1Call{
		{http.MethodGet, usersV1, nil, nil, may(false, 200)},
		{http.MethodPut, usersV1, nil, `{"email":"new@v1.example"}`, may(true, 200)},
		{http.MethodGet, userV1, who, nil, may(false, 200)},
		{http.MethodDelete, userV1, who, nil, may(true, 204)},
		{http.MethodGet, userRightsV1, who, nil, may(false, 200)},
		{http.MethodPut, userRightsV1, who, `[{"resourceType":"Platform","permissions":["taasView"]}]`, may(true, 204)},
		{http.MethodPatch, userRightsV1, who, `[{"resourceType":"Platform","permissions":["taasView"]}]`, may(true, 204)},
		{http.MethodDelete, userRightsV1, who, `[]`, may(true, 204)},
		{http.MethodDelete, userNoRightsV1, who, nil, may(true, 204)},
	})
}
