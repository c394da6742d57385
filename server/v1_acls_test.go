package server_test

import (
	"net/http"
	"testing"
)

const (
	aclsV1       = "/public/v1/clusters/{clusterName}/service-accounts"
	principalV1  = aclsV1 + "/{aclPrincipal}"
	accountKind  = "/public/self-serve/v1/cluster/{cluster}/service-account"
	accountOneV1 = accountKind + "/{service-account-name}"
)

// serviceAccountBody is a ServiceAccount as the CLI and Terraform apply it.
func serviceAccountBody(cluster, name, labels, authorization string) string {
	return `{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"` + name + `","cluster":"` + cluster + `"` + labels + `},
		"spec":{"authorization":` + authorization + `,"schemaRegistryAuthorization":{"acls":[{"name":"shop.","patternType":"PREFIXED","operations":["Read"]}]}}}`
}

func TestACLsV1Read(t *testing.T) {
	w := startV1(t)
	var list any
	w.ok(v1Viewer, http.MethodGet, aclsV1, ids("dev"), nil, 200, &list)
	w.same("nobody at first", list, `[]`)
	w.ok(v1Manager, http.MethodPut, accountKind, ids("dev"), serviceAccountBody("dev", "sa-shop", "", `{"type":"KAFKA_ACL","acls":[
		{"type":"TOPIC","name":"shop.","patternType":"PREFIXED","operations":["Read","Write","Read"]},
		{"type":"CONSUMER_GROUP","name":"shop.worker","patternType":"LITERAL","operations":["Read"],"host":"10.0.0.1","permission":"Deny"},
		{"type":"TOPIC","name":"shop.","patternType":"PREFIXED","operations":["Write"]}]}`), 200, new(any))
	w.ok(v1Manager, http.MethodPut, accountKind, ids("dev"), serviceAccountBody("dev", "sa-idle", "", `{"type":"KAFKA_ACL","acls":[]}`), 200, new(any))
	w.ok(v1Manager, http.MethodPut, accountKind, ids("dev"), serviceAccountBody("dev", "Group:data", "", `{"type":"KAFKA_ACL","acls":[
		{"type":"CLUSTER","name":"kafka-cluster","patternType":"LITERAL","operations":["All"]}]}`), 200, new(any))
	w.ok(v1Viewer, http.MethodGet, aclsV1, ids("dev"), nil, 200, &list)
	w.same("who has ACLs", list, `[{"type":"Group","name":"data"},{"type":"User","name":"sa-shop"}]`)

	w.ok(v1Viewer, http.MethodGet, principalV1, ids("dev", "User:sa-shop"), nil, 200, &list)
	w.same("each operation once, defaults filled in", list, `[
		{"pattern":{"resourceType":"Topic","name":"shop.","patternType":"Prefixed"},"entry":{"principal":{"type":"User","name":"sa-shop"},"host":"*","operation":"Read","permissionType":"Allow"}},
		{"pattern":{"resourceType":"Topic","name":"shop.","patternType":"Prefixed"},"entry":{"principal":{"type":"User","name":"sa-shop"},"host":"*","operation":"Write","permissionType":"Allow"}},
		{"pattern":{"resourceType":"Group","name":"shop.worker","patternType":"Literal"},"entry":{"principal":{"type":"User","name":"sa-shop"},"host":"10.0.0.1","operation":"Read","permissionType":"Deny"}}]`)
	w.ok(v1Viewer, http.MethodGet, principalV1, ids("dev", "Group:data"), nil, 200, &list)
	w.same("another type", list, `[{"pattern":{"resourceType":"Cluster","name":"kafka-cluster","patternType":"Literal"},"entry":{"principal":{"type":"Group","name":"data"},"host":"*","operation":"All","permissionType":"Allow"}}]`)
	for _, none := range []string{"User:stranger", "User:sa-idle", "Group:sa-shop"} {
		w.ok(v1Viewer, http.MethodGet, principalV1, ids("dev", none), nil, 200, &list)
		w.same(none, list, `[]`)
	}
	w.refused(v1Viewer, http.MethodGet, principalV1, ids("dev", "sa-shop"), nil, 400, "path parameter aclPrincipal (expected type and name")
	w.refused(v1Viewer, http.MethodGet, principalV1, ids("dev", "User:"), nil, 400, "path parameter aclPrincipal")
	w.refused(v1Viewer, http.MethodGet, principalV1, ids("absent", "User:sa-shop"), nil, 404, "Cluster absent not found")
	w.refused(v1Viewer, http.MethodGet, aclsV1, ids("absent"), nil, 404, "Cluster absent not found")
}

// The first body is the published document's curl sample.
func TestACLsV1Replace(t *testing.T) {
	w := startV1(t)
	w.ok(v1Manager, http.MethodPut, aclsV1, ids("dev"), `{"aclPrincipal":{"type":"User","name":"Gertrude"},"acls":[{"pattern":{"resourceType":"Topic","name":"topicB","patternType":"Literal"},"host":"*","operationStates":{"Describe":"Allow"}}]}`, 200, nil)
	w.same("the kind", w.spec(accountOneV1, "dev", "Gertrude"), `{"authorization":{"type":"KAFKA_ACL","acls":[{"type":"TOPIC","name":"topicB","patternType":"LITERAL","operations":["Describe"],"host":"*","permission":"Allow"}]}}`)

	w.ok(v1Manager, http.MethodPut, accountKind, ids("dev"), serviceAccountBody("dev", "sa-shop", `,"labels":{"team":"shop"}`, `{"type":"KAFKA_ACL","acls":[
		{"type":"TOPIC","name":"old","patternType":"LITERAL","operations":["Read"]}]}`), 200, new(any))
	w.ok(v1Manager, http.MethodPut, aclsV1, ids("dev"), `{"aclPrincipal":{"type":"User","name":"sa-shop"},"acls":[
		{"pattern":{"resourceType":"TransactionalId","name":"tx.","patternType":"Prefixed"},"host":"10.0.0.1","operationStates":{"Write":"Allow","Describe":"Deny","Read":"Allow"}},
		{"pattern":{"resourceType":"Group","name":"g","patternType":"Literal"},"host":"*","operationStates":{}}]}`, 200, nil)
	object := w.kind(accountOneV1, "dev", "sa-shop")
	w.same("replaced; the rest stays", object, `{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"sa-shop","cluster":"dev","labels":{"team":"shop"}},
		"spec":{"authorization":{"type":"KAFKA_ACL","acls":[
			{"type":"TRANSACTIONAL_ID","name":"tx.","patternType":"PREFIXED","operations":["Read","Write"],"host":"10.0.0.1","permission":"Allow"},
			{"type":"TRANSACTIONAL_ID","name":"tx.","patternType":"PREFIXED","operations":["Describe"],"host":"10.0.0.1","permission":"Deny"}]},
		"schemaRegistryAuthorization":{"acls":[{"name":"shop.","patternType":"PREFIXED","operations":["Read"]}]}}}`)

	// What one form puts, the other shows: also for a user whose name looks typed.
	for principal, account := range map[string]string{`{"type":"Group","name":"Data"}`: "Group:Data", `{"type":"User","name":"Group:Data"}`: "User:Group:Data"} {
		w.ok(v1Manager, http.MethodPut, aclsV1, ids("spare"), `{"aclPrincipal":`+principal+`,"acls":[{"pattern":{"resourceType":"Topic","name":"t","patternType":"Literal"},"host":"*","operationStates":{"Read":"Allow"}}]}`, 200, nil)
		if w.kind(accountOneV1, "spare", account) == nil {
			t.Errorf("%s is not kept as %s", principal, account)
		}
	}
	var list any
	w.ok(v1Manager, http.MethodGet, aclsV1, ids("spare"), nil, 200, &list)
	w.same("both", list, `[{"type":"Group","name":"Data"},{"type":"User","name":"Group:Data"}]`)
	w.ok(v1Manager, http.MethodGet, principalV1, ids("spare", "User:Group:Data"), nil, 200, &list)
	if len(list.([]any)) != 1 {
		t.Errorf("the ACLs of the user Group:Data are %v", list)
	}

	w.ok(v1Manager, http.MethodPut, aclsV1, ids("dev"), `{"aclPrincipal":{"type":"User","name":"sa-shop"},"acls":null}`, 200, nil)
	w.same("none left", w.spec(accountOneV1, "dev", "sa-shop")["authorization"], `{"type":"KAFKA_ACL","acls":[]}`)
	w.ok(v1Manager, http.MethodGet, aclsV1, ids("dev"), nil, 200, &list)
	w.same("and no principal", list, `[{"type":"User","name":"Gertrude"}]`)
	before := w.export()
	w.ok(v1Manager, http.MethodPut, aclsV1, ids("dev"), `{"aclPrincipal":{"type":"User","name":"stranger"}}`, 200, nil)
	if after := w.export(); after != before {
		t.Errorf("taking nothing from nobody changed the world:\n%s", v1Difference(before, after))
	}
}

func TestACLsV1Refused(t *testing.T) {
	w := startV1(t)
	element := func(pattern, host, states string) string {
		return `{"aclPrincipal":{"type":"User","name":"u"},"acls":[{"pattern":` + pattern + host + `,"operationStates":` + states + `}]}`
	}
	const pattern, host, read = `{"resourceType":"Topic","name":"t","patternType":"Literal"}`, `,"host":"*"`, `{"Read":"Allow"}`
	for body, says := range map[string]string{
		element(`{"resourceType":"TOPIC","name":"t","patternType":"Literal"}`, host, read): "acls[0].pattern.resourceType",
		element(`{"resourceType":"Topic","name":"t","patternType":"LITERAL"}`, host, read): "acls[0].pattern.patternType",
		element(`{"resourceType":"Topic","patternType":"Literal"}`, host, read):            "acls[0].pattern.name",
		element(pattern, ``, read):                 "acls[0].host",
		element(pattern, host, `{"Read":"Maybe"}`): "acls[0].operationStates.Read",
		element(pattern, host, `{"Fly":"Allow"}`):  "acls[0].operationStates",
		`{"acls":[]}`:                                    "at 'aclPrincipal'",
		`{"aclPrincipal":{"type":"User"}}`:               "aclPrincipal.name",
		`{"aclPrincipal":{"type":"","name":"u"}}`:        "at 'aclPrincipal'",
		`{"aclPrincipal":{"type":"User","name":""}}`:     "at 'aclPrincipal'",
		`{"aclPrincipal":{"type":"User","name":"a\tb"}}`: "at 'aclPrincipal.name'",
		`[]`: "expected one JSON object, got an array",
	} {
		w.refused(v1Manager, http.MethodPut, aclsV1, ids("dev"), body, 400, says)
	}
	w.refused(v1Manager, http.MethodPut, aclsV1, ids("absent"), element(pattern, host, read), 404, "Cluster absent not found")
	w.refused(v1Manager, http.MethodPut, aclsV1, ids("aiven"), element(pattern, host, read), 400, "takes AIVEN_ACL, not KAFKA_ACL")

	// The rules of the kind hold: an account that an application instance manages
	// gets no more than the instance has.
	w.ok(v1Admin, http.MethodPut, accountKind, ids("dev"), `{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"u","cluster":"dev","appInstance":"shop-dev"},
		"spec":{"authorization":{"type":"KAFKA_ACL","acls":[{"type":"TOPIC","name":"shop.","patternType":"PREFIXED","operations":["Read"]}]}}}`, 200, new(any))
	w.refused(v1Manager, http.MethodPut, aclsV1, ids("dev"), element(pattern, host, read), 400, "neither owns nor was granted")
	// The product's name of the permission is in the title.
	w.refused(v1Viewer, http.MethodPut, aclsV1, ids("dev"), element(pattern, host, read), 403, `required permission(s) "kafka.clusters.acl.create, kafka.clusters.acl.delete"`)
	w.refused(v1Nobody, http.MethodGet, aclsV1, ids("dev"), nil, 403, `required permission(s) "kafka.clusters.acl.read"`)
}

func TestACLsV1WhoMay(t *testing.T) {
	whoMay(t, []v1Call{
		{http.MethodGet, aclsV1, ids("dev"), nil, may(false, 200)},
		{http.MethodPut, aclsV1, ids("dev"), `{"aclPrincipal":{"type":"User","name":"u"},"acls":[{"pattern":{"resourceType":"Topic","name":"t","patternType":"Literal"},"host":"*","operationStates":{"Read":"Allow"}}]}`, may(true, 200)},
		{http.MethodGet, principalV1, ids("dev", "User:u"), nil, may(false, 200)},
	})
}
