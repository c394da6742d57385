package server_test

import (
	"net/http"
	"testing"
)

const (
	credentialsPath   = "/public/partner-zone/v2/{partner-zone-name}/generate-credentials"
	configurationPath = "/public/console/v2/partner-zone/{partner-zone-name}/kafka-configuration"
)

func TestPartnerCredentials(t *testing.T) {
	w := startFamilies(t)
	before := w.export()
	seen := map[string]bool{}
	// The CLI sends null; nothing and anything else will do too.
	for _, body := range []any{"null", nil, "{}"} {
		for _, who := range []string{famKey, famRoot} {
			var secret string
			w.ok(who, http.MethodPost, credentialsPath, []string{"acme"}, body, http.StatusOK, &secret)
			if len(secret) < 32 || seen[secret] {
				t.Errorf("credentials are %q, made before: %t", secret, seen[secret])
			}
			seen[secret] = true
		}
	}
	if after := w.export(); after != before {
		t.Errorf("credentials are kept:\n%s", v1Difference(before, after))
	}
	for _, zone := range []string{"acme-oauth", "acme-mtls"} {
		w.refused(famKey, http.MethodPost, credentialsPath, []string{zone}, "null", http.StatusBadRequest, "only where spec.authenticationMode.type is PLAIN")
	}
}

func TestPartnerConfiguration(t *testing.T) {
	w := startFamilies(t)
	for zone, want := range map[string]string{
		"acme": "bootstrap.servers=gateway.example:9092\nsecurity.protocol=SASL_SSL\nsasl.mechanism=PLAIN\n" +
			`sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username='o\\'acme' password='***************';` + "\n",
		"acme-oauth": "bootstrap.servers=bare.example:9092\nsecurity.protocol=SASL_PLAINTEXT\nsasl.mechanism=OAUTHBEARER\n" +
			"sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;\n",
		"acme-mtls": "bootstrap.servers=gateway.example:9092\nsecurity.protocol=SSL\nssl.keystore.location=***************\n" +
			"ssl.keystore.password=***************\nssl.key.password=***************\n",
	} {
		var got string
		w.ok(famRoot, http.MethodGet, configurationPath, []string{zone}, nil, http.StatusOK, &got)
		if got != want {
			t.Errorf("configuration of %s is\n%s\nwant\n%s", zone, got, want)
		}
	}
}

func TestPartnerRefused(t *testing.T) {
	w := startFamilies(t)
	for path, method := range map[string]string{credentialsPath: http.MethodPost, configurationPath: http.MethodGet} {
		w.adminsOnly(method, path, []string{"acme"}, nil)
		w.refused(famKey, method, path, []string{"nope"}, nil, http.StatusNotFound, "PartnerZone nope not found")
		w.refused(famKey, method, path, []string{"a\nb"}, nil, http.StatusBadRequest, "control characters")
	}
}

func TestAutoRestart(t *testing.T) {
	w := startFamilies(t)
	const connectorPath = "/public/kafka/v2/cluster/{cluster}/connect/{connectCluster}/connector/{connector-name}"
	sink := []string{"dev", "connect-a", "shop.sink"}
	metadata := func() map[string]any {
		t.Helper()
		return famObject(w.kind(connectorPath, sink...)["metadata"])
	}
	for _, one := range []struct {
		who, body, want string
	}{
		{famEngineer, `{"enabled":true}`, `{"enabled":true}`},
		{famKey, `{"enabled":true,"frequencySeconds":900}`, `{"enabled":true,"frequencySeconds":900}`},
		{famRoot, `{"enabled":false,"frequencySeconds":null}`, `{"enabled":false}`},
	} {
		w.ok(one.who, http.MethodPut, autoRestartPath, sink, one.body, http.StatusOK, nil)
		w.same("autoRestart", metadata()["autoRestart"], one.want)
	}
	w.same("labels", metadata()["labels"], `{"team":"shop"}`)
}

func TestAutoRestartRefused(t *testing.T) {
	w := startFamilies(t)
	sink := func() []string { return []string{"dev", "connect-a", "shop.sink"} }
	on := `{"enabled":true}`
	w.refused(famNone, http.MethodPut, autoRestartPath, sink(), on, http.StatusUnauthorized, "")
	w.refused(famNobody, http.MethodPut, autoRestartPath, sink(), on, http.StatusForbidden, "kafkaConnectRestart on KAFKA_CONNECT shop.sink")
	w.refused(famInstance, http.MethodPut, autoRestartPath, sink(), on, http.StatusForbidden, "kafkaConnectRestart")
	w.refused(famEngineer, http.MethodPut, autoRestartPath, []string{"dev", "connect-a", "mail.sink"}, on, http.StatusForbidden, "kafkaConnectRestart")
	w.refused(famEngineer, http.MethodPut, autoRestartPath, []string{"dev", "connect-a", "shop.nope"}, on, http.StatusNotFound, "Connector shop.nope not found")
	w.refused(famEngineer, http.MethodPut, autoRestartPath, []string{"dev", "nope", "shop.sink"}, on, http.StatusNotFound, "Kafka Connect cluster nope not found")
	w.refused(famEngineer, http.MethodPut, autoRestartPath, []string{"nope", "connect-a", "shop.sink"}, on, http.StatusNotFound, "Cluster nope not found")
	for body, says := range map[string]string{`{}`: "enabled", `{"enabled":"yes"}`: "enabled", `{"enabled":true,"frequencySeconds":"x"}`: "frequencySeconds", `[]`: "one JSON object"} {
		w.refused(famEngineer, http.MethodPut, autoRestartPath, sink(), body, http.StatusBadRequest, says)
	}
}
