package console

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

func (r *router) partnerZones() {
	// The two paths have group and kind in different order, as the product's.
	r.secured(http.MethodPost, "/public/partner-zone/v2/{partner-zone-name}/generate-credentials", generatePartnerCredentials)
	r.secured(http.MethodGet, "/public/console/v2/partner-zone/{partner-zone-name}/kafka-configuration", partnerKafkaConfiguration)
}

// partnerZone is what the two actions need of a partner zone.
type partnerZone struct {
	name           string
	gateway        *store.Resource
	serviceAccount string
	mode           string // PLAIN, OAUTHBEARER or MTLS
}

func (c *call) partnerZone(tx *store.Tx) (partnerZone, error) {
	zone := partnerZone{}
	if err := c.permit(tx, kinds.Need{}); err != nil {
		return zone, err
	}
	kind, err := c.Engine.Kind("v2", "PartnerZone")
	if err != nil {
		return zone, err
	}
	key, err := c.key(kind, true)
	if err != nil {
		return zone, err
	}
	resource, err := c.Engine.Find(tx, kind, key)
	if err != nil {
		return zone, err
	}
	spec := object(resource.Object()["spec"])
	mode := object(spec["authenticationMode"])
	zone.name, zone.serviceAccount, zone.mode = resource.Name, text(mode["serviceAccount"]), text(mode["type"])
	zone.gateway, err = kinds.Cluster(tx, "spec.cluster", text(spec["cluster"]))
	return zone, err
}

// object is a JSON object, nil for anything else.
func object(value any) map[string]any {
	fields, _ := value.(map[string]any)
	return fields
}

// generatePartnerCredentials answers a password that is made anew each time. It
// is kept nowhere: there is no Gateway here that could be signed in to.
func generatePartnerCredentials(c *call) error {
	zone, err := c.partnerZone(c.World.View())
	if err != nil {
		return err
	}
	if zone.mode != "PLAIN" {
		return &kinds.Error{Code: kinds.Invalid, Field: "spec.authenticationMode.type",
			Message: fmt.Sprintf("The partner zone %s signs in by %s: a password is made only where spec.authenticationMode.type is PLAIN", zone.name, zone.mode)}
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return fmt.Errorf("make credentials: %w", err)
	}
	return c.JSON(http.StatusOK, base64.RawURLEncoding.EncodeToString(secret))
}

// hidden stands where only the partner knows the value.
const hidden = "***************"

// partnerKafkaConfiguration answers the properties of a Kafka client (Kafka
// documentation, security) that signs in as the partner.
func partnerKafkaConfiguration(c *call) error {
	zone, err := c.partnerZone(c.World.View())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, zone.properties())
}

func (z partnerZone) properties() string {
	spec := object(z.gateway.Object()["spec"])
	// What the Console itself uses tells whether the Gateway speaks TLS.
	encrypted := strings.HasSuffix(text(object(spec["properties"])["security.protocol"]), "SSL")
	protocol := "SASL_PLAINTEXT"
	if encrypted {
		protocol = "SASL_SSL"
	}
	lines := []string{"bootstrap.servers=" + text(spec["bootstrapServers"])}
	switch z.mode {
	case "MTLS":
		lines = append(lines, "security.protocol=SSL",
			"ssl.keystore.location="+hidden, "ssl.keystore.password="+hidden, "ssl.key.password="+hidden)
	case "OAUTHBEARER":
		lines = append(lines, "security.protocol="+protocol, "sasl.mechanism=OAUTHBEARER",
			"sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;")
	default:
		lines = append(lines, "security.protocol="+protocol, "sasl.mechanism=PLAIN", fmt.Sprintf(
			"sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username='%s' password='%s';",
			jaas(z.serviceAccount), hidden))
	}
	return strings.Join(lines, "\n") + "\n"
}

// jaas escapes a value for JAAS, and the result once more for Java properties.
func jaas(value string) string {
	value = strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value)
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`).Replace(value)
}
