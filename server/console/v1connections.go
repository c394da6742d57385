package console

import (
	"maps"
	"strings"

	"github.com/mockduktor/mockduktor/server/store"
)

// The unions of a cluster (flavor, schema registry, how to sign in) have other
// discriminators in the older form, for requests and for answers.

// flavorFields are the fields that a flavor has in both forms, and its secret.
var flavorFields = map[string][]string{
	"Confluent":         {"key", "confluentEnvironmentId", "confluentClusterId", "organizationId", "schemaRegistryId", "enableRbacRoleBindings"},
	"Aiven":             {"project", "serviceName"},
	"Gateway":           {"url", "user", "virtualCluster", "ignoreUntrustedCertificate"},
	"ConfluentPlatform": {"kafkaClusterId", "mdsUrl", "schemaRegistryClusterId", "enableRbacRoleBindings", "ignoreUntrustedCertificate"},
}

var flavorSecrets = map[string]string{"Confluent": "secret", "Aiven": "apiToken", "Gateway": "password"}

// flavorV1 shows a flavor without its secrets; nil for none.
func flavorV1(flavor map[string]any) map[string]any {
	kind := text(flavor["type"])
	if kind == "" {
		return nil
	}
	shown := map[string]any{"type": kind + "Response"}
	copyFields(shown, flavor, flavorFields[kind]...)
	if user := flavor["ldapUsername"]; user != nil {
		shown["authentication"] = map[string]any{"type": "LDAP", "username": user}
	}
	certificate, key, authorities := flavor["mtlsClientCertificateId"], flavor["mtlsClientKeyId"], flavor["mtlsCaCertificateIds"]
	if certificate != nil || key != nil {
		mutual := map[string]any{"clientCertificateId": text(certificate), "clientKeyId": text(key)}
		setOrDelete(mutual, "caCertificateIds", authorities)
		shown["mtls"] = mutual
	}
	return shown
}

// flavorOfV1 is the flavor that a request describes.
func flavorOfV1(sent map[string]any) map[string]any {
	kind := strings.TrimSuffix(text(sent["type"]), "Create")
	flavor := map[string]any{"type": kind}
	copyFields(flavor, sent, flavorFields[kind]...)
	if secret := flavorSecrets[kind]; secret != "" {
		copyFields(flavor, sent, secret)
	}
	if authentication, ok := sent["authentication"].(map[string]any); ok {
		setOrDelete(flavor, "ldapUsername", authentication["username"])
		setOrDelete(flavor, "ldapPassword", authentication["password"])
	}
	if mutual, ok := sent["mtls"].(map[string]any); ok {
		setOrDelete(flavor, "mtlsClientCertificateId", mutual["clientCertificateId"])
		setOrDelete(flavor, "mtlsClientKeyId", mutual["clientKeyId"])
		setOrDelete(flavor, "mtlsCaCertificateIds", mutual["caCertificateIds"])
	}
	return flavor
}

var registryFields = map[string][]string{
	"ConfluentLike": {"url", "properties", "ignoreUntrustedCertificate", "schemaRegistryProxyClusterName", "schemaRegistryProxyId"},
	"Glue":          {"registryName", "region"},
}

// registryV1 shows a schema registry; open shows how to sign in too.
func registryV1(cluster string, registry map[string]any, open bool) map[string]any {
	kind := text(registry["type"])
	if kind == "" {
		return nil
	}
	shown := map[string]any{"type": kind + "SchemaRegistryResponse", "id": store.DerivedUUID("SchemaRegistry", cluster)}
	copyFields(shown, registry, registryFields[kind]...)
	security, _ := registry["security"].(map[string]any)
	shown["security"] = securityV1("", security, open)
	if !open {
		delete(shown, "properties")
	}
	return shown
}

// registryOfV1 is the schema registry that a request describes, with the two
// fields that only the kind requires.
func registryOfV1(sent map[string]any) map[string]any {
	kind := strings.TrimSuffix(text(sent["type"]), "SchemaRegistryRequest")
	registry := map[string]any{"type": kind}
	if kind == "ConfluentLike" {
		registry["ignoreUntrustedCertificate"] = false
		registry["security"] = map[string]any{"type": noSecurity}
	}
	copyFields(registry, sent, registryFields[kind]...)
	copyFields(registry, sent, "security")
	return registry
}

// securitySecrets are the secret fields of all ways to sign in.
var securitySecrets = []string{"password", "token", "key", "secretKey", "privateKey"}

// securityV1 shows how to sign in, with prefix before its type. The older form
// requires the secrets, so whoever may not see them gets empty ones.
func securityV1(prefix string, security map[string]any, open bool) map[string]any {
	shown := maps.Clone(security)
	if shown == nil {
		shown = map[string]any{"type": noSecurity}
	}
	shown["type"] = prefix + text(shown["type"])
	if open {
		return shown
	}
	for _, field := range securitySecrets {
		if shown[field] != nil {
			shown[field] = ""
		}
	}
	return shown
}

func securityOfV1(prefix string, sent map[string]any) map[string]any {
	security := maps.Clone(sent)
	security["type"] = strings.TrimPrefix(text(sent["type"]), prefix)
	return security
}

// recordAmazon is the record kind of a cluster's amazonSecurity. No kind has
// this deprecated field, and a cluster that is changed in any other way than by
// the older operation loses it.
const recordAmazon = "console.amazon-security"

type amazonRecord struct {
	security map[string]any
	cluster  *store.Resource // as it was when the field was set
}

func keepAmazonSecurity(tx *store.Tx, cluster *store.Resource, sent any) error {
	security, ok := sent.(map[string]any)
	if !ok {
		return tx.DeleteRecord(recordAmazon, cluster.Name)
	}
	return tx.PutRecord(store.Record{Kind: recordAmazon, ID: cluster.Name, Value: amazonRecord{security, cluster}})
}

func amazonSecurity(tx *store.Tx, cluster *store.Resource) map[string]any {
	if record, err := tx.Record(recordAmazon, cluster.Name); err == nil {
		if kept := record.Value.(amazonRecord); kept.cluster == cluster {
			return kept.security
		}
	}
	return nil
}
