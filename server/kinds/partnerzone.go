package kinds

import (
	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac/regex"
	"github.com/mockduktor/mockduktor/server/store"
)

// PartnerZone is the typed form of topics that a partner reaches through a Gateway.
type PartnerZone struct {
	clusters []string // that it needs
	status   string   // as it was kept: pending until it has settled
}

// The statuses of a partner zone that come about here; nothing ever fails.
const (
	zonePendingCreate = "PENDING_CREATE"
	zonePendingUpdate = "PENDING_UPDATE"
	zoneReady         = "READY"
)

func partnerZoneRule() *Rule {
	return &Rule{
		Check:   checkPartnerZone,
		Show:    showPartnerZone,
		Present: presentPartnerZone,
		Parse: func(object map[string]any) (any, []openapi.Problem) {
			spec := part(object, "spec")
			zone := &PartnerZone{clusters: []string{text(spec, "cluster")}, status: text(part(object, "metadata"), "status")}
			if under := text(spec, "underlyingCluster"); under != "" && under != zone.clusters[0] {
				zone.clusters = append(zone.clusters, under)
			}
			return zone, nil
		},
		Refs: func(value any) []string { return refsTo(refUses, value.(*PartnerZone).clusters) },
	}
}

func checkPartnerZone(c *Change) error {
	spec := part(c.Object, "spec")
	cluster, err := Cluster(c.Tx, "spec.cluster", text(spec, "cluster"))
	if err != nil {
		return err
	}
	if cluster.Value.(*KafkaCluster).Flavor != flavorGateway {
		return conflict("spec.cluster", "cluster %s is no Conduktor Gateway (its kafkaFlavor is not of type Gateway)", cluster.Name)
	}
	if under := text(spec, "underlyingCluster"); under != "" {
		if _, err := Cluster(c.Tx, "spec.underlyingCluster", under); err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	topics, _ := spec["topics"].([]any)
	for i, item := range topics {
		topic, _ := item.(map[string]any)
		name := text(topic, "name")
		if seen[name] {
			return invalid(index("spec.topics", i)+".name", "expected names that differ, %s is there twice", name)
		}
		seen[name] = true
	}
	removed, _ := part(spec, "headers")["removeOnConsume"].([]any)
	for i, item := range removed {
		header, _ := item.(map[string]any)
		if _, err := regex.Compile(text(header, "keyRegex")); err != nil {
			return invalid(index("spec.headers.removeOnConsume", i)+".keyRegex", "expected a regular expression without look-around or back-references (RE2): %v", err)
		}
	}
	return nil
}

func showPartnerZone(c *Change) error {
	metadata := part(c.Object, "metadata")
	metadata["id"] = store.DerivedUUID("partner-zone", c.Key.Name)
	metadata["updatedAt"] = shownTime(c.changedAt())
	switch {
	case c.Outcome == NotChanged:
		c.keep("metadata", "status")
	case c.By == By{}:
		metadata["status"] = zoneReady
	case c.Created():
		metadata["status"] = zonePendingCreate
	default:
		metadata["status"] = zonePendingUpdate
	}
	return nil
}

func presentPartnerZone(v View, r *store.Resource) ([]byte, error) {
	if r.Value.(*PartnerZone).status == zoneReady || !settled(v, r) {
		return r.JSON, nil
	}
	object := r.Object()
	part(object, "metadata")["status"] = zoneReady
	return store.EncodeObject(object)
}
