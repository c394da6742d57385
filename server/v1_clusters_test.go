package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	clustersV1  = "/public/v1/clusters"
	clusterV1   = "/public/v1/clusters/{clusterName}"
	clusterKind = "/public/console/v2/kafka-cluster"
	clusterOne  = clusterKind + "/{kafka-cluster-name}"
	connectKind = "/public/console/v2/cluster/{cluster}/kafka-connect"
	connectOne  = connectKind + "/{kafka-connect-cluster-name}"
	ksqlKind    = "/public/console/v2/cluster/{cluster}/ksqldb"
	ksqlOne     = ksqlKind + "/{ksql-d-b-cluster-name}"
)

// clusterOf reads a cluster in the older form, without its times and ids.
func clusterOf(w *v1World, who, name string) map[string]any {
	w.Helper()
	var shown map[string]any
	w.ok(who, http.MethodGet, clusterV1, ids(name), nil, 200, &shown)
	for _, field := range []string{"createdAt", "updatedAt"} {
		if _, err := time.Parse(time.RFC3339, shown[field].(string)); err != nil {
			w.Errorf("%s: %v", field, err)
		}
		delete(shown, field)
	}
	if registry, ok := shown["schemaRegistry"].(map[string]any); ok {
		delete(registry, "id")
	}
	for _, field := range []string{"kafkaConnects", "ksqlDBs"} {
		for _, one := range shown[field].([]any) {
			delete(one.(map[string]any), "id")
		}
	}
	return shown
}

func TestClustersV1Read(t *testing.T) {
	w := startV1(t)
	w.same("dev, to who may manage connections", clusterOf(w, v1Manager, "dev"), `{
		"clusterSlug":"dev","name":"Development","bootstrapServers":"kafka.dev.example:9092",
		"properties":"sasl.jaas.config=org.example.Login required username=\"console\" password=\"hidden-1\";\nsecurity.protocol=SASL_SSL",
		"color":"#3a7bd5","icon":"kafka","ignoreUntrustedCertificate":false,
		"schemaRegistry":{"type":"ConfluentLikeSchemaRegistryResponse","url":"https://registry.dev.example:8081","ignoreUntrustedCertificate":true,
			"properties":"registry.password=hidden-8","security":{"type":"BasicAuth","username":"console","password":"hidden-2"}},
		"kafkaConnects":[
			{"slug":"connect-a","name":"Connect A","url":"https://connect-a.dev.example:8083","headers":"X-Env: dev\nX-Team: shop",
			 "security":{"type":"KafkaConnectBearerToken","token":"hidden-3"},"ignoreUntrustedCertificate":false,"labels":{"env":"dev"}},
			{"slug":"connect-b","name":"Connect B","url":"https://connect-b.dev.example:8083",
			 "security":{"type":"KafkaConnectNoSecurity"},"ignoreUntrustedCertificate":false,"labels":{}}],
		"ksqlDBs":[{"slug":"ksql-a","name":"ksqlDB A","url":"https://ksql-a.dev.example:8088",
			"security":{"type":"KsqlDBNoSecurity"},"ignoreUntrustedCertificate":false}]}`)
	w.same("gateway", clusterOf(w, v1Manager, "gateway"), `{"clusterSlug":"gateway","name":"Gateway","bootstrapServers":"gateway.example:6969","ignoreUntrustedCertificate":false,
		"schemaRegistry":{"type":"GlueSchemaRegistryResponse","region":"eu-west-1","security":{"type":"Credentials","accessKeyId":"AK","secretKey":"hidden-6"}},
		"kafkaFlavor":{"type":"GatewayResponse","url":"https://gateway.example:8888","user":"admin","virtualCluster":"passthrough"},"kafkaConnects":[],"ksqlDBs":[]}`)
	w.same("cloud", clusterOf(w, v1Manager, "cloud")["kafkaFlavor"], `{"type":"ConfluentResponse","key":"CLOUDKEY","confluentEnvironmentId":"env-1","confluentClusterId":"lkc-1"}`)
	w.same("aiven", clusterOf(w, v1Manager, "aiven")["kafkaFlavor"], `{"type":"AivenResponse","project":"shop","serviceName":"kafka"}`)
	w.refused(v1Manager, http.MethodGet, clusterV1, ids("absent"), nil, 404, "Cluster absent not found")
}

// Who may not manage connections never gets a secret, and only what is granted.
func TestClustersV1Secrets(t *testing.T) {
	w := startV1(t)
	w.same("dev, to an engineer", clusterOf(w, v1Engineer, "dev"), `{
		"clusterSlug":"dev","name":"Development","bootstrapServers":"kafka.dev.example:9092",
		"color":"#3a7bd5","icon":"kafka","ignoreUntrustedCertificate":false,
		"schemaRegistry":{"type":"ConfluentLikeSchemaRegistryResponse","url":"https://registry.dev.example:8081","ignoreUntrustedCertificate":true,
			"security":{"type":"BasicAuth","username":"console","password":""}},
		"kafkaConnects":[{"slug":"connect-a","name":"Connect A","url":"https://connect-a.dev.example:8083",
			 "security":{"type":"KafkaConnectBearerToken","token":""},"ignoreUntrustedCertificate":false,"labels":{"env":"dev"}}],
		"ksqlDBs":[{"slug":"ksql-a","name":"ksqlDB A","url":"https://ksql-a.dev.example:8088",
			"security":{"type":"KsqlDBNoSecurity"},"ignoreUntrustedCertificate":false}]}`)
	for _, who := range []string{v1Engineer, v1Viewer} {
		if got := w.do(who, http.MethodGet, clustersV1, nil, nil); strings.Contains(string(got.body), "hidden") {
			t.Errorf("%s is shown a secret: %s", who, got.body)
		}
	}
	for who, want := range map[string]string{v1Engineer: `["dev"]`, v1Instance: `["dev"]`, v1Nobody: `[]`,
		v1Viewer: `["aiven","cloud","dev","gateway","spare"]`, v1Admin: `["aiven","cloud","dev","gateway","spare"]`} {
		var list []map[string]any
		w.ok(who, http.MethodGet, clustersV1, nil, nil, 200, &list)
		names := []any{}
		for _, cluster := range list {
			names = append(names, cluster["clusterSlug"])
		}
		w.same("clusters of "+who, names, want)
	}
	w.refused(v1Engineer, http.MethodGet, clusterV1, ids("cloud"), nil, 403, "Missing permission: any on cluster cloud")
}

// The body has the shape of the published document's curl samples: absent
// fields are null, texts are Java properties and header lines.
const upsertV1 = `{"name":"My Kafka cluster","bootstrapServers":"broker1:9092, broker2:9092",
	"properties":"ssl.truststore.location=/etc/kafka/secrets/kafka.truststore.jks\nsecurity.protocol=SSL\n",
	"color":null,"icon":"icon","ignoreUntrustedCertificate":false,"amazonSecurity":null,"policiesRef":null,
	"schemaRegistry":{"type":"ConfluentLikeSchemaRegistryRequest","url":"https://schema-registry:8081","properties":"schema.registry.ssl.keystore.password=conduktor",
		"security":{"type":"SSLAuth","certificateChain":"certificateChain","key":"key"}},
	"kafkaConnects":[{"name":"kafka-connect","slug":"kafka-connect","url":"http://kafka-connect:8083","ignoreUntrustedCertificate":false,
			"headers":"\"transforms\": \"insertAppIdHeader\",\n\"transforms.insertAppIdHeader.header\": \"app.id\",\n",
			"security":{"type":"KafkaConnectSSLAuth","certificateChain":"chain","key":"key"}},
		{"name":"Second Connect","url":"http://second:8083","security":{"type":"KafkaConnectNoSecurity"},"headers":"X-Team: shop"}],
	"kafkaFlavor":{"type":"GatewayCreate","url":"http://gateway:8888","user":"admin","password":"secret","virtualCluster":"v1"},
	"ksqlDBs":[{"name":"ksqlDB","slug":"ksqlDB","url":"http://ksqlDB:8088","headers":"","security":{"type":"KsqlDBBasicAuth","username":"u","password":"p"}}]}`

func TestClustersV1Create(t *testing.T) {
	w := startV1(t)
	var shown map[string]any
	w.ok(v1Manager, http.MethodPut, clusterV1, ids("my-cluster"), upsertV1, 200, &shown)
	if shown["clusterSlug"] != "my-cluster" || len(shown["kafkaConnects"].([]any)) != 2 {
		t.Errorf("the answer is %v", shown)
	}
	w.same("the cluster's kind", w.spec(clusterOne, "my-cluster"), `{"displayName":"My Kafka cluster","bootstrapServers":"broker1:9092, broker2:9092",
		"properties":{"ssl.truststore.location":"/etc/kafka/secrets/kafka.truststore.jks","security.protocol":"SSL"},"icon":"icon","ignoreUntrustedCertificate":false,
		"schemaRegistry":{"type":"ConfluentLike","url":"https://schema-registry:8081","properties":"schema.registry.ssl.keystore.password=conduktor","ignoreUntrustedCertificate":false,
			"security":{"type":"SSLAuth","certificateChain":"certificateChain","key":"key"}},
		"kafkaFlavor":{"type":"Gateway","url":"http://gateway:8888","user":"admin","password":"secret","virtualCluster":"v1"}}`)
	w.same("the first connect cluster's", w.spec(connectOne, "my-cluster", "kafka-connect"), `{"displayName":"kafka-connect","urls":"http://kafka-connect:8083","ignoreUntrustedCertificate":false,
		"headers":{"transforms":"insertAppIdHeader","transforms.insertAppIdHeader.header":"app.id"},"security":{"type":"SSLAuth","certificateChain":"chain","key":"key"}}`)
	w.same("the second one's, with a name made of the other", w.spec(connectOne, "my-cluster", "second-connect"),
		`{"displayName":"Second Connect","urls":"http://second:8083","headers":{"X-Team":"shop"}}`)
	w.same("the ksqlDB cluster's", w.spec(ksqlOne, "my-cluster", "ksqlDB"), `{"displayName":"ksqlDB","url":"http://ksqlDB:8088","headers":{},"security":{"type":"BasicAuth","username":"u","password":"p"}}`)

	before := w.export()
	w.ok(v1Manager, http.MethodPut, clusterV1, ids("my-cluster"), upsertV1, 200, &shown)
	if after := w.export(); after != before {
		t.Errorf("the same again changed the world:\n%s", v1Difference(before, after))
	}
}

func TestClustersV1Flavors(t *testing.T) {
	w := startV1(t)
	for sent, wants := range map[string][2]string{
		`{"type":"ConfluentCreate","key":"K","secret":"S","confluentEnvironmentId":"e","confluentClusterId":"c","enableRbacRoleBindings":true}`: {
			`{"type":"Confluent","key":"K","secret":"S","confluentEnvironmentId":"e","confluentClusterId":"c","enableRbacRoleBindings":true}`,
			`{"type":"ConfluentResponse","key":"K","confluentEnvironmentId":"e","confluentClusterId":"c","enableRbacRoleBindings":true}`},
		`{"type":"AivenCreate","apiToken":"T","project":"p","serviceName":"s"}`: {
			`{"type":"Aiven","apiToken":"T","project":"p","serviceName":"s"}`,
			`{"type":"AivenResponse","project":"p","serviceName":"s"}`},
		`{"type":"GatewayCreate","url":"u","user":"a","password":"P","virtualCluster":"v","ignoreUntrustedCertificate":true}`: {
			`{"type":"Gateway","url":"u","user":"a","password":"P","virtualCluster":"v","ignoreUntrustedCertificate":true}`,
			`{"type":"GatewayResponse","url":"u","user":"a","virtualCluster":"v","ignoreUntrustedCertificate":true}`},
		`{"type":"ConfluentPlatformCreate","kafkaClusterId":"k","mdsUrl":"m","authentication":{"type":"LDAP","username":"l","password":"P"},
			"mtls":{"clientCertificateId":"c","clientKeyId":"k","caCertificateIds":["a"]}}`: {
			`{"type":"ConfluentPlatform","kafkaClusterId":"k","mdsUrl":"m","ldapUsername":"l","ldapPassword":"P","mtlsClientCertificateId":"c","mtlsClientKeyId":"k","mtlsCaCertificateIds":["a"]}`,
			`{"type":"ConfluentPlatformResponse","kafkaClusterId":"k","mdsUrl":"m","authentication":{"type":"LDAP","username":"l"},"mtls":{"clientCertificateId":"c","clientKeyId":"k","caCertificateIds":["a"]}}`},
	} {
		w.ok(v1Manager, http.MethodPut, clusterV1, ids("spare"), `{"name":"S","bootstrapServers":"b","kafkaFlavor":`+sent+`}`, 200, new(any))
		w.same("the kind", w.spec(clusterOne, "spare")["kafkaFlavor"], wants[0])
		w.same("the older form", clusterOf(w, v1Manager, "spare")["kafkaFlavor"], wants[1])
	}
	w.ok(v1Manager, http.MethodPut, clusterV1, ids("spare"), `{"name":"S","bootstrapServers":"b",
		"schemaRegistry":{"type":"GlueSchemaRegistryRequest","region":"eu-west-1","registryName":"r","security":{"type":"FromRole","role":"arn"}}}`, 200, new(any))
	w.same("Glue", w.spec(clusterOne, "spare"), `{"displayName":"S","bootstrapServers":"b","schemaRegistry":{"type":"Glue","region":"eu-west-1","registryName":"r","security":{"type":"FromRole","role":"arn"}}}`)
	w.ok(v1Manager, http.MethodPut, clusterV1, ids("spare"), `{"name":"S","bootstrapServers":"b","schemaRegistry":{"type":"ConfluentLikeSchemaRegistryRequest","url":"u"}}`, 200, new(any))
	w.same("what only the kind requires", w.spec(clusterOne, "spare")["schemaRegistry"], `{"type":"ConfluentLike","url":"u","ignoreUntrustedCertificate":false,"security":{"type":"NoSecurity"}}`)
}

func TestClustersV1Replace(t *testing.T) {
	w := startV1(t)
	w.ok(v1Manager, http.MethodPut, clusterV1, ids("dev"), `{"name":"Dev","bootstrapServers":"b:1","kafkaConnects":null}`, 200, new(any))
	object := w.kind(clusterOne, "dev")
	w.same("labels stay, the rest is replaced", object, `{"apiVersion":"v2","kind":"KafkaCluster","metadata":{"name":"dev","labels":{"env":"dev"}},"spec":{"displayName":"Dev","bootstrapServers":"b:1"}}`)
	for _, one := range []string{"connect-a", "connect-b"} {
		if w.kind(connectOne, "dev", one) == nil {
			t.Errorf("%s is gone, though the body does not speak of Kafka Connect", one)
		}
	}
	w.ok(v1Manager, http.MethodPut, clusterV1, ids("dev"), `{"name":"Dev","bootstrapServers":"b:1","ksqlDBs":[],
		"kafkaConnects":[{"slug":"connect-b","name":"B","url":"http://b:8083"},{"slug":"connect-c","name":"C","url":"http://c:8083"}]}`, 200, new(any))
	w.same("the list", clusterOf(w, v1Manager, "dev")["kafkaConnects"], `[
		{"slug":"connect-b","name":"B","url":"http://b:8083","security":{"type":"KafkaConnectNoSecurity"},"ignoreUntrustedCertificate":false,"labels":{}},
		{"slug":"connect-c","name":"C","url":"http://c:8083","security":{"type":"KafkaConnectNoSecurity"},"ignoreUntrustedCertificate":false,"labels":{}}]`)
	if w.kind(connectOne, "dev", "connect-a") != nil || w.kind(ksqlOne, "dev", "ksql-a") != nil {
		t.Error("what the lists leave out is still there")
	}

	// The reverse: by kind, then read here.
	w.ok(v1Manager, http.MethodPut, connectKind, ids("dev"), `{"apiVersion":"v2","kind":"KafkaConnectCluster","metadata":{"name":"connect-b","cluster":"dev"},
		"spec":{"displayName":"By kind","urls":"http://k:8083","security":{"type":"BasicAuth","username":"u","password":"p"}}}`, 200, new(any))
	w.same("by kind", clusterOf(w, v1Manager, "dev")["kafkaConnects"].([]any)[0],
		`{"slug":"connect-b","name":"By kind","url":"http://k:8083","security":{"type":"KafkaConnectBasicAuth","username":"u","password":"p"},"ignoreUntrustedCertificate":false,"labels":{}}`)
}

func TestClustersV1AmazonSecurity(t *testing.T) {
	w := startV1(t)
	body := `{"name":"S","bootstrapServers":"b","amazonSecurity":{"type":"Credentials","accessKeyId":"A","secretKey":"hidden-9"}}`
	w.ok(v1Manager, http.MethodPut, clusterV1, ids("spare"), body, 200, new(any))
	w.same("kept", clusterOf(w, v1Manager, "spare")["amazonSecurity"], `{"type":"Credentials","accessKeyId":"A","secretKey":"hidden-9"}`)
	if hidden := clusterOf(w, v1Viewer, "spare")["amazonSecurity"]; hidden != nil {
		t.Errorf("a viewer is shown %v", hidden)
	}
	w.ok(v1Manager, http.MethodPut, clusterKind, nil, `{"apiVersion":"v2","kind":"KafkaCluster","metadata":{"name":"spare"},"spec":{"displayName":"S","bootstrapServers":"b"}}`, 200, new(any))
	if left := clusterOf(w, v1Manager, "spare")["amazonSecurity"]; left != nil {
		t.Errorf("applying the kind left %v", left)
	}
	w.ok(v1Manager, http.MethodPut, clusterV1, ids("spare"), body, 200, new(any))
	w.ok(v1Manager, http.MethodPut, clusterV1, ids("spare"), `{"name":"S","bootstrapServers":"b"}`, 200, new(any))
	if left := clusterOf(w, v1Manager, "spare")["amazonSecurity"]; left != nil {
		t.Errorf("replacing left %v", left)
	}
}

func TestClustersV1Refused(t *testing.T) {
	w := startV1(t)
	for body, says := range map[string]string{
		`{"bootstrapServers":"b"}`: "at 'name'",
		`{"name":"S"}`:             "at 'bootstrapServers'",
		`{"name":"S","bootstrapServers":"b","properties":"a=\\u12"}`:                                                                                            "line 1: expected four hexadecimal digits",
		`{"name":"S","bootstrapServers":"b","properties":{"a":"b"}}`:                                                                                            "at 'properties'",
		`{"name":"S","bootstrapServers":"b","kafkaFlavor":{"type":"Confluent","key":"k"}}`:                                                                      "kafkaFlavor.type",
		`{"name":"S","bootstrapServers":"b","kafkaFlavor":{"type":"AivenCreate","project":"p","serviceName":"s"}}`:                                              "kafkaFlavor.apiToken",
		`{"name":"S","bootstrapServers":"b","schemaRegistry":{"type":"ConfluentLike","url":"u"}}`:                                                               "schemaRegistry.type",
		`{"name":"S","bootstrapServers":"b","kafkaConnects":[{"slug":"a","name":"A","url":"u"},{"slug":"a","name":"B","url":"v"}]}`:                             "kafkaConnects[1].slug",
		`{"name":"S","bootstrapServers":"b","ksqlDBs":[{"name":"A b","url":"u"},{"slug":"a-b","name":"B","url":"v"}]}`:                                          "ksqlDBs[1].slug",
		`{"name":"S","bootstrapServers":"b","kafkaConnects":[{"slug":"a","name":"A","url":"u","security":{"type":"BasicAuth","username":"u","password":"p"}}]}`: "kafkaConnects[0].security.type",
		`{"name":"S","bootstrapServers":"b","kafkaConnects":[{"slug":"a","name":"A","url":"u","headers":"no header"}]}`:                                         "kafkaConnects[0].headers",
		`{"name":"S","bootstrapServers":"b","kafkaConnects":[{"name":"---","url":"u"}]}`:                                                                        "kafkaConnects[0].slug",
		`[]`: "expected one JSON object, got an array",
	} {
		w.refused(v1Manager, http.MethodPut, clusterV1, ids("spare"), body, 400, says)
	}
	w.refused(v1Manager, http.MethodPut, clusterV1, ids("Upper"), `{"name":"S","bootstrapServers":"b"}`, 400, "path parameter clusterName")
	w.refused(v1Manager, http.MethodDelete, clusterV1, ids("absent"), nil, 404, "not found")
	w.refused(v1Manager, http.MethodDelete, clusterV1, ids("dev"), nil, 400, "the application instance shop-dev is on it")
	w.ok(v1Manager, http.MethodDelete, clusterV1, ids("gateway"), nil, 204, nil)
	if w.kind(clusterOne, "gateway") != nil {
		t.Error("the kind still shows it")
	}
}

// The published document lists no 403 here; this server answers it all the same.
func TestClustersV1WhoMay(t *testing.T) {
	manage := map[string]int{v1None: 401, v1Nobody: 403, v1Engineer: 403, v1Instance: 403, v1Viewer: 403, v1Manager: 200, v1Admin: 200}
	remove := map[string]int{v1None: 401, v1Nobody: 403, v1Engineer: 403, v1Instance: 403, v1Viewer: 403, v1Manager: 204, v1Admin: 204}
	whoMay(t, []v1Call{
		{http.MethodGet, clustersV1, nil, nil, map[string]int{v1None: 401, v1Nobody: 200, v1Engineer: 200, v1Instance: 200, v1Viewer: 200, v1Manager: 200, v1Admin: 200}},
		{http.MethodGet, clusterV1, ids("dev"), nil, map[string]int{v1None: 401, v1Nobody: 403, v1Engineer: 200, v1Instance: 200, v1Viewer: 200, v1Manager: 200, v1Admin: 200}},
		{http.MethodPut, clusterV1, ids("spare"), `{"name":"S","bootstrapServers":"b"}`, manage},
		{http.MethodPut, clusterV1, ids("new"), upsertV1, manage},
		{http.MethodDelete, clusterV1, ids("spare"), nil, remove},
	})
}
