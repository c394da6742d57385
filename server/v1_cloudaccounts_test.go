package server_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server"
)

const (
	confluentV1     = "/public/v1/clusters/{clusterName}/service-accounts-confluent"
	confluentKeysV1 = confluentV1 + "/{confluentResourceId}/api-keys"
	confluentKeyV1  = confluentKeysV1 + "/{confluentApiKeyId}"
	aivenV1         = "/public/v1/clusters/{clusterName}/service-accounts-aiven"
	aivenOneV1      = aivenV1 + "/{aivenSAUsername}"
	aivenACLsV1     = aivenV1 + "/{AivenSAUsernamePattern}/acl"
)

type confluentShown struct {
	ResourceID  string `json:"resourceId"`
	InternalID  int32  `json:"internalId"`
	ServiceName string `json:"serviceName"`
	Description string `json:"description"`
}

type confluentKeyShown struct {
	Key, Description, Secret string
	CreatedAt                time.Time
}

// The bodies are those of the published document's curl samples.
func confluentAccountWithKey(w *v1World) (confluentShown, confluentKeyShown) {
	w.Helper()
	var account confluentShown
	w.ok(v1Manager, http.MethodPost, confluentV1, ids("cloud"), `{"name":"prod-service-account","description":"my service account."}`, 201, &account)
	var key confluentKeyShown
	w.ok(v1Manager, http.MethodPost, confluentKeysV1, ids("cloud", account.ResourceID), `{"name":"key","description":"my api key."}`, 201, &key)
	return account, key
}

func TestConfluentAccountsV1(t *testing.T) {
	w := startV1(t)
	clock := w.running.Pair().World.Clock
	clock.Freeze()
	account, key := confluentAccountWithKey(w)
	if !regexp.MustCompile(`^sa-[a-z0-9]{6}$`).MatchString(account.ResourceID) || account.InternalID < 0 ||
		account.ServiceName != "prod-service-account" || account.Description != "my service account." {
		t.Errorf("the account is %+v", account)
	}
	if !regexp.MustCompile(`^[A-Z2-7]{16}$`).MatchString(key.Key) || key.Description != "my api key." || len(key.Secret) != 64 ||
		!key.CreatedAt.Equal(clock.Now().Truncate(time.Millisecond)) {
		t.Errorf("the key is %+v", key)
	}
	var accounts []confluentShown
	w.ok(v1Viewer, http.MethodGet, confluentV1, ids("cloud"), nil, 200, &accounts)
	if len(accounts) != 1 || accounts[0] != account {
		t.Errorf("listed are %+v", accounts)
	}
	var keys []confluentKeyShown
	w.ok(v1Viewer, http.MethodGet, confluentKeysV1, ids("cloud", account.ResourceID), nil, 200, &keys)
	if len(keys) != 1 || keys[0].Key != key.Key || keys[0].Secret != "" || !keys[0].CreatedAt.Equal(key.CreatedAt) {
		t.Errorf("listed are %+v, the secret is shown once only", keys)
	}
	if strings.Contains(w.export(), key.Secret) {
		t.Error("the secret is in an export")
	}

	// Ids are the same in every run of the same calls, secrets are not.
	other := startV1(t)
	account2, key2 := confluentAccountWithKey(other)
	if account2 != account || key2.Key != key.Key {
		t.Errorf("another run makes %v and %s, this one %v and %s", account2, key2.Key, account, key.Key)
	}
	if key2.Secret == key.Secret {
		t.Error("two runs make the same secret")
	}

	// Kafka knows the account by its id.
	w.ok(v1Manager, http.MethodPut, aclsV1, ids("cloud"), `{"aclPrincipal":{"type":"User","name":"`+account.ResourceID+`"},"acls":[{"pattern":{"resourceType":"Topic","name":"t","patternType":"Literal"},"host":"*","operationStates":{"Read":"Allow"}}]}`, 200, nil)

	var second confluentKeyShown
	w.ok(v1Manager, http.MethodPost, confluentKeysV1, ids("cloud", account.ResourceID), `{"name":"key","description":"another"}`, 201, &second)
	w.ok(v1Manager, http.MethodDelete, confluentKeyV1, ids("cloud", account.ResourceID, key.Key), nil, 204, nil)
	w.ok(v1Viewer, http.MethodGet, confluentKeysV1, ids("cloud", account.ResourceID), nil, 200, &keys)
	if len(keys) != 1 || keys[0].Key != second.Key {
		t.Errorf("left are %+v", keys)
	}

	w.refused(v1Manager, http.MethodDelete, confluentKeyV1, ids("cloud", account.ResourceID, key.Key), nil, 404, "No API key with this id exists")
	w.refused(v1Manager, http.MethodDelete, confluentKeyV1, ids("cloud", "sa-absent", key.Key), nil, 404, "No service account with this id exists")
	w.refused(v1Manager, http.MethodPost, confluentKeysV1, ids("cloud", "sa-absent"), `{"name":"key","description":""}`, 404, "No service account with this id exists")
	w.refused(v1Viewer, http.MethodGet, confluentKeysV1, ids("cloud", "sa-absent"), nil, 404, "No service account with this id exists")
	w.refused(v1Manager, http.MethodPost, confluentV1, ids("cloud"), `{"name":"prod-service-account","description":""}`, 400, "has the name prod-service-account already")
	w.refused(v1Manager, http.MethodPost, confluentV1, ids("cloud"), `{"name":" ","description":""}`, 400, "at 'name'")
	w.refused(v1Manager, http.MethodPost, confluentV1, ids("cloud"), `{"name":"x"}`, 400, "at 'description'")
	w.refused(v1Manager, http.MethodPost, confluentKeysV1, ids("cloud", account.ResourceID), `{"description":""}`, 400, "at 'name'")
	w.refused(v1Manager, http.MethodPost, confluentKeysV1, ids("cloud", account.ResourceID), `{"name":"","description":""}`, 400, "at 'name'")
	w.refused(v1Manager, http.MethodPost, confluentKeysV1, ids("cloud", account.ResourceID), `{`, 400, "JSON")

	// Everything goes with the cluster.
	w.ok(v1Manager, http.MethodDelete, clusterV1, ids("cloud"), nil, 204, nil)
	if strings.Contains(w.export(), account.ResourceID) {
		t.Error("the account outlives its cluster")
	}
}

func TestConfluentAccountsV1OtherClusters(t *testing.T) {
	w := startV1(t)
	for _, one := range []v1Call{
		{method: http.MethodGet, path: confluentV1},
		{method: http.MethodPost, path: confluentV1, body: `{"name":"a","description":"b"}`},
		{method: http.MethodGet, path: confluentKeysV1, values: ids("sa-1")},
		{method: http.MethodPost, path: confluentKeysV1, values: ids("sa-1"), body: `{"name":"a","description":"b"}`},
		{method: http.MethodDelete, path: confluentKeyV1, values: ids("sa-1", "K")},
	} {
		for _, cluster := range []string{"dev", "aiven", "gateway"} {
			w.refused(v1Manager, one.method, one.path, append(ids(cluster), one.values...), one.body, 400, "This cluster is not a Confluent cluster.")
		}
		w.refused(v1Manager, one.method, one.path, append(ids("absent"), one.values...), one.body, 404, "Cluster absent not found")
	}
}

const confluentSeed = `
apiVersion: v2
kind: KafkaCluster
metadata: {name: cloud}
spec:
  displayName: Cloud
  bootstrapServers: b
  kafkaFlavor: {type: Confluent, key: K, secret: S, confluentEnvironmentId: e, confluentClusterId: c}
---
apiVersion: mockduktor/v1
kind: APIKey
metadata: {name: admin}
spec: {type: admin, token: v1-admin-key}
---
apiVersion: mockduktor/v1
kind: ConfluentServiceAccount
metadata: {cluster: cloud, name: sa-abc123}
spec:
  serviceName: shop
  internalId: 1001
  apiKeys:
    - {key: AAAA, description: pipeline, createdAt: "2026-01-05T09:00:00Z"}
    - {key: BBBB}
`

func TestConfluentAccountsV1Seed(t *testing.T) {
	documents, err := seed.Load([]string{"-"}, strings.NewReader(confluentSeed))
	if err != nil {
		t.Fatal(err)
	}
	w := &v1World{TB: t, running: start(t, server.Config{Documents: documents}), tokens: map[string]string{v1Admin: "v1-admin-key"}}
	var list any
	w.ok(v1Admin, http.MethodGet, confluentV1, ids("cloud"), nil, 200, &list)
	w.same("the seed's account", list, `[{"resourceId":"sa-abc123","internalId":1001,"serviceName":"shop","description":""}]`)
	var keys []confluentKeyShown
	w.ok(v1Admin, http.MethodGet, confluentKeysV1, ids("cloud", "sa-abc123"), nil, 200, &keys)
	if len(keys) != 2 || keys[0].Key != "AAAA" || keys[0].CreatedAt.Format(time.RFC3339) != "2026-01-05T09:00:00Z" || keys[1].CreatedAt.IsZero() {
		t.Errorf("its keys are %+v", keys)
	}
	for change, says := range map[[2]string]string{
		{"type: Confluent, key: K, secret: S, confluentEnvironmentId: e, confluentClusterId: c", "type: Aiven, apiToken: T, project: p, serviceName: s"}: "not Confluent Cloud",
		{"key: BBBB", "key: AAAA"}:                        "the API key AAAA twice",
		{"cluster: cloud, name", "cluster: absent, name"}: "absent not found",
	} {
		documents, err := seed.Load([]string{"-"}, strings.NewReader(strings.Replace(confluentSeed, change[0], change[1], 1)))
		if err != nil {
			t.Fatal(err)
		}
		if other, err := server.Start(server.Config{Listen: "127.0.0.1:0", Documents: documents}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", change[1], err, says)
			if err == nil {
				_ = other.Close(t.Context())
			}
		}
	}
	for spec, says := range map[string]string{
		"{serviceName: shop}":                      "has the name shop already",
		"{serviceName: b, internalId: 1001}":       "has the number 1001 already",
		"{serviceName: b, apiKeys: [{key: BBBB}]}": "has the API key BBBB already",
	} {
		text := confluentSeed + "---\napiVersion: mockduktor/v1\nkind: ConfluentServiceAccount\nmetadata: {cluster: cloud, name: sa-def456}\nspec: " + spec + "\n"
		documents, err := seed.Load([]string{"-"}, strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if other, err := server.Start(server.Config{Listen: "127.0.0.1:0", Documents: documents}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", spec, err, says)
			if err == nil {
				_ = other.Close(t.Context())
			}
		}
	}
}

func TestAivenAccountsV1(t *testing.T) {
	w := startV1(t)
	users := func() any {
		var list any
		w.ok(v1Viewer, http.MethodGet, aivenV1, ids("aiven"), nil, 200, &list)
		return list
	}
	w.same("none at first", users(), `[]`)
	var created map[string]string
	w.ok(v1Manager, http.MethodPost, aivenV1, ids("aiven"), `{"username":"my-service-account"}`, 201, &created)
	block, _ := pem.Decode([]byte(created["access_cert"]))
	if block == nil {
		t.Fatalf("access_cert is %q", created["access_cert"])
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil || certificate.Subject.CommonName != "my-service-account" {
		t.Errorf("the certificate is %v, %v", certificate, err)
	}
	if _, err := tls.X509KeyPair([]byte(created["access_cert"]), []byte(created["access_key"])); err != nil {
		t.Errorf("the key does not belong to the certificate: %v", err)
	}
	if created["username"] != "my-service-account" || created["type"] != "regular" || len(created["password"]) < 20 {
		t.Errorf("created: %v", created)
	}
	if export := w.export(); strings.Contains(export, created["password"]) || strings.Contains(export, strings.Split(created["access_key"], "\n")[1]) {
		t.Error("credentials are in an export")
	}
	w.same("the kind", w.spec(accountOneV1, "aiven", "my-service-account"), `{"authorization":{"type":"AIVEN_ACL","acls":[]}}`)
	w.same("listed", users(), `["my-service-account"]`)

	// The reverse: by kind, then here.
	w.ok(v1Manager, http.MethodPut, accountKind, ids("aiven"), `{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"clickstream-sa","cluster":"aiven"},"spec":{"authorization":{"type":"AIVEN_ACL","acls":[
		{"resourceType":"TOPIC","name":"click.event-stream.avro","permission":"readwrite"},
		{"resourceType":"SCHEMA","name":"Subject:click.event-stream.avro","permission":"schema_registry_write"}]}}}`, 200, new(any))
	w.same("listed", users(), `["clickstream-sa","my-service-account"]`)
	acls := func(name string) map[string]any {
		var list map[string]any
		w.ok(v1Viewer, http.MethodGet, aivenACLsV1, ids("aiven", name), nil, 200, &list)
		for _, field := range []string{"acls", "schemaRegistryAcls"} {
			for _, acl := range list[field].([]any) {
				if id := acl.(map[string]any)["id"].(string); !regexp.MustCompile(`^acl[0-9a-f]{12}$`).MatchString(id) {
					t.Errorf("id %s", id)
				}
				delete(acl.(map[string]any), "id")
			}
		}
		return list
	}
	w.same("ACLs by kind", acls("clickstream-sa"), `{"acls":[{"permission":"readwrite","topic":"click.event-stream.avro","username":"clickstream-sa"}],
		"schemaRegistryAcls":[{"permission":"schema_registry_write","resource":"Subject:click.event-stream.avro","username":"clickstream-sa"}]}`)
	w.same("of nobody", acls("stranger"), `{"acls":[],"schemaRegistryAcls":[]}`)

	// The published document's sample.
	w.ok(v1Manager, http.MethodPut, aivenACLsV1, ids("aiven", "my-service-account"), `{"acls":[{"permission":"read","topic":"topicA"},{"permission":"write","topic":"topicB-*"}],
		"schemaRegistryAcls":[{"permission":"schema_registry_read","resource":"Config:"},{"permission":"schema_registry_write","resource":"Subject:topicA-value"}]}`, 200, nil)
	w.same("in the kind", w.spec(accountOneV1, "aiven", "my-service-account"), `{"authorization":{"type":"AIVEN_ACL","acls":[
		{"resourceType":"TOPIC","name":"topicA","permission":"read"},{"resourceType":"TOPIC","name":"topicB-*","permission":"write"},
		{"resourceType":"SCHEMA","name":"Config:","permission":"schema_registry_read"},{"resourceType":"SCHEMA","name":"Subject:topicA-value","permission":"schema_registry_write"}]}}`)
	w.ok(v1Manager, http.MethodPut, aivenACLsV1, ids("aiven", "my-service-account"), `{"acls":null}`, 200, nil)
	w.same("none left", acls("my-service-account"), `{"acls":[],"schemaRegistryAcls":[]}`)
	w.ok(v1Manager, http.MethodPut, aivenACLsV1, ids("aiven", "shop-*"), `{"acls":[{"permission":"admin","topic":"shop.*"}]}`, 200, nil)
	w.same("of a pattern", acls("shop-*")["acls"], `[{"permission":"admin","topic":"shop.*","username":"shop-*"}]`)
	w.same("a pattern is no user", users(), `["clickstream-sa","my-service-account"]`)

	w.ok(v1Manager, http.MethodDelete, aivenOneV1, ids("aiven", "clickstream-sa"), nil, 204, nil)
	if w.kind(accountOneV1, "aiven", "clickstream-sa") != nil {
		t.Error("the kind still shows it")
	}
	w.refused(v1Manager, http.MethodDelete, aivenOneV1, ids("aiven", "clickstream-sa"), nil, 404, "No service account with this username exists")
	w.refused(v1Manager, http.MethodDelete, aivenOneV1, ids("aiven", "shop-*"), nil, 404, "No service account with this username exists")
	w.refused(v1Manager, http.MethodPost, aivenV1, ids("aiven"), `{"username":"my-service-account"}`, 409, "already exists")
	for _, name := range []string{"", "a b", "a*", "a/b", "User:a", strings.Repeat("a", 65)} {
		w.refused(v1Manager, http.MethodPost, aivenV1, ids("aiven"), map[string]string{"username": name}, 400, "at 'username'")
	}
	w.refused(v1Manager, http.MethodPost, aivenV1, ids("aiven"), `{}`, 400, "at 'username'")
	w.refused(v1Manager, http.MethodPut, aivenACLsV1, ids("aiven", "x"), `{"acls":[{"permission":"schema_registry_read","topic":"t"}]}`, 400, "acls[0].permission")
	w.refused(v1Manager, http.MethodPut, aivenACLsV1, ids("aiven", "x"), `{"schemaRegistryAcls":[{"permission":"schema_registry_read"}]}`, 400, "schemaRegistryAcls[0].resource")
	w.refused(v1Manager, http.MethodPut, aivenACLsV1, ids("aiven", "x"), nil, 400, "got nothing")
	w.refused(v1Manager, http.MethodPut, aivenACLsV1, ids("aiven", "a\tb"), `{}`, 400, "path parameter AivenSAUsernamePattern")
}

func TestAivenAccountsV1OtherClusters(t *testing.T) {
	w := startV1(t)
	for _, one := range []v1Call{
		{method: http.MethodGet, path: aivenV1},
		{method: http.MethodPost, path: aivenV1, body: `{"username":"a"}`},
		{method: http.MethodDelete, path: aivenOneV1, values: ids("a")},
		{method: http.MethodGet, path: aivenACLsV1, values: ids("a")},
		{method: http.MethodPut, path: aivenACLsV1, values: ids("a"), body: `{}`},
	} {
		for _, cluster := range []string{"dev", "cloud", "gateway"} {
			w.refused(v1Manager, one.method, one.path, append(ids(cluster), one.values...), one.body, 400, "This cluster is not an Aiven cluster.")
		}
		w.refused(v1Manager, one.method, one.path, append(ids("absent"), one.values...), one.body, 404, "Cluster absent not found")
	}
}

func TestCloudAccountsV1WhoMay(t *testing.T) {
	whoMay(t, []v1Call{
		{http.MethodGet, confluentV1, ids("cloud"), nil, may(false, 200)},
		{http.MethodPost, confluentV1, ids("cloud"), `{"name":"a","description":"b"}`, may(true, 201)},
		{http.MethodGet, confluentKeysV1, ids("cloud", "sa-absent"), nil, may(false, 404)},
		{http.MethodPost, confluentKeysV1, ids("cloud", "sa-absent"), `{"name":"a","description":"b"}`, may(true, 404)},
		{http.MethodDelete, confluentKeyV1, ids("cloud", "sa-absent", "K"), nil, may(true, 404)},
		{http.MethodGet, aivenV1, ids("aiven"), nil, may(false, 200)},
		{http.MethodPost, aivenV1, ids("aiven"), `{"username":"a"}`, may(true, 201)},
		{http.MethodDelete, aivenOneV1, ids("aiven", "absent"), nil, may(true, 404)},
		{http.MethodGet, aivenACLsV1, ids("aiven", "a"), nil, may(false, 200)},
		{http.MethodPut, aivenACLsV1, ids("aiven", "a"), `{}`, may(true, 200)},
	})
}
