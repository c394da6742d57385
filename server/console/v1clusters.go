package console

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

func (r *router) clustersV1() {
	const one = "/public/v1/clusters/{clusterName}"
	r.secured(http.MethodGet, "/public/v1/clusters", listClustersV1)
	r.secured(http.MethodGet, one, getClusterV1)
	r.secured(http.MethodPut, one, putClusterV1)
	r.secured(http.MethodDelete, one, deleteClusterV1)
}

// clusterV1 is a KafkaCluster with its KafkaConnectCluster and KsqlDBCluster
// resources in the older form.
type clusterV1 struct {
	ClusterSlug                string             `json:"clusterSlug"`
	Name                       string             `json:"name"`
	BootstrapServers           string             `json:"bootstrapServers"`
	Properties                 string             `json:"properties,omitempty"`
	Color                      string             `json:"color,omitempty"`
	Icon                       string             `json:"icon,omitempty"`
	IgnoreUntrustedCertificate bool               `json:"ignoreUntrustedCertificate"`
	CreatedAt                  time.Time          `json:"createdAt"`
	UpdatedAt                  time.Time          `json:"updatedAt"`
	SchemaRegistry             map[string]any     `json:"schemaRegistry,omitempty"`
	KafkaConnects              []serviceClusterV1 `json:"kafkaConnects"`
	KsqlDBs                    []serviceClusterV1 `json:"ksqlDBs"`
	KafkaFlavor                map[string]any     `json:"kafkaFlavor,omitempty"`
	AmazonSecurity             map[string]any     `json:"amazonSecurity,omitempty"`
}

// serviceClusterV1 is a Kafka Connect or a ksqlDB cluster; the latter has no
// labels and no policies.
type serviceClusterV1 struct {
	ID                         string             `json:"id"`
	Slug                       string             `json:"slug"`
	URL                        string             `json:"url"`
	Name                       string             `json:"name"`
	Security                   map[string]any     `json:"security"`
	Headers                    string             `json:"headers,omitempty"`
	IgnoreUntrustedCertificate bool               `json:"ignoreUntrustedCertificate"`
	Labels                     *map[string]string `json:"labels,omitempty"`
	PoliciesRef                []string           `json:"policiesRef,omitempty"`
}

// clusterObject is what these operations read of a KafkaCluster.
type clusterObject struct {
	Spec struct {
		DisplayName                string
		BootstrapServers           string
		Properties                 map[string]string
		Color, Icon                string
		IgnoreUntrustedCertificate bool
		SchemaRegistry             map[string]any
		KafkaFlavor                map[string]any
	}
}

// serviceObject is what they read of the other two kinds.
type serviceObject struct {
	Metadata struct{ Labels map[string]string }
	Spec     struct {
		DisplayName                string
		URL                        string
		URLs                       string // one address, in spite of the name
		Headers                    map[string]string
		IgnoreUntrustedCertificate bool
		Security                   map[string]any
		PoliciesRef                []string
	}
}

// serviceKind is a kind of clusters beside a Kafka cluster in the words of the
// older form.
type serviceKind struct {
	kind     string // KafkaConnectCluster
	field    string // of the older form: kafkaConnects
	address  string // the kind's field of the address
	security string // what the older form puts before the security's type
	// bare: the kind writes no security where the older form names NoSecurity.
	bare     bool
	labelled bool
}

var serviceKinds = []serviceKind{
	{kind: "KafkaConnectCluster", field: "kafkaConnects", address: "urls", security: "KafkaConnect", bare: true, labelled: true},
	{kind: "KsqlDBCluster", field: "ksqlDBs", address: "url", security: "KsqlDB"},
}

const noSecurity = "NoSecurity"

// clusterKind returns the kind KafkaCluster once the caller may write it.
func (c *call) clusterKind(tx *store.Tx) (*openapi.Kind, error) {
	return c.kindFor(tx, "v2", "KafkaCluster", true)
}

// shownClusterV1 shows a cluster with what the caller may see beside it. Whoever
// may not manage connections sees where things are, not how to sign in.
func (c *call) shownClusterV1(tx *store.Tx, resource *store.Resource) (clusterV1, error) {
	cluster, err := read[clusterObject](resource)
	if err != nil {
		return clusterV1{}, err
	}
	_, err = c.clusterKind(tx)
	open, spec := err == nil, cluster.Spec
	shown := clusterV1{ClusterSlug: resource.Name, Name: spec.DisplayName, BootstrapServers: spec.BootstrapServers,
		Color: spec.Color, Icon: spec.Icon, IgnoreUntrustedCertificate: spec.IgnoreUntrustedCertificate,
		CreatedAt: resource.CreatedAt, UpdatedAt: resource.UpdatedAt, KafkaFlavor: flavorV1(spec.KafkaFlavor),
		SchemaRegistry: registryV1(resource.Name, spec.SchemaRegistry, open)}
	if open {
		shown.Properties = formatProperties(spec.Properties)
		shown.AmazonSecurity = amazonSecurity(tx, resource)
	}
	if shown.KafkaConnects, err = c.servicesV1(tx, serviceKinds[0], resource.Name, open); err != nil {
		return clusterV1{}, err
	}
	shown.KsqlDBs, err = c.servicesV1(tx, serviceKinds[1], resource.Name, open)
	return shown, err
}

func (c *call) servicesV1(tx *store.Tx, service serviceKind, cluster string, open bool) ([]serviceClusterV1, error) {
	kind, err := c.Engine.Kind("v2", service.kind)
	if err != nil {
		return nil, err
	}
	list := []serviceClusterV1{}
	for resource := range c.visible(tx, kind, c.Engine.Rule(kind), []string{cluster}) {
		object, err := read[serviceObject](resource)
		if err != nil {
			return nil, err
		}
		spec := object.Spec
		shown := serviceClusterV1{ID: store.DerivedUUID(service.kind, cluster, resource.Name), Slug: resource.Name,
			URL: spec.URL + spec.URLs, Name: spec.DisplayName, IgnoreUntrustedCertificate: spec.IgnoreUntrustedCertificate,
			Security: securityV1(service.security, spec.Security, open), PoliciesRef: spec.PoliciesRef}
		if open {
			shown.Headers = formatHeaders(spec.Headers)
		}
		if service.labelled {
			labels := object.Metadata.Labels
			if labels == nil {
				labels = map[string]string{}
			}
			shown.Labels = &labels
		}
		list = append(list, shown)
	}
	return list, nil
}

func listClustersV1(c *call) error {
	kind, err := c.Engine.Kind("v2", "KafkaCluster")
	if err != nil {
		return err
	}
	tx := c.World.View()
	list := []clusterV1{}
	for resource := range c.visible(tx, kind, c.Engine.Rule(kind), nil) {
		shown, err := c.shownClusterV1(tx, resource)
		if err != nil {
			return err
		}
		list = append(list, shown)
	}
	return c.JSON(http.StatusOK, list)
}

func getClusterV1(c *call) error {
	tx := c.World.View()
	name, err := c.clusterParam(tx)
	if err != nil {
		return err
	}
	kind, err := c.Engine.Kind("v2", "KafkaCluster")
	if err != nil {
		return err
	}
	resource, err := c.Engine.Find(tx, kind, kinds.Key{Name: name})
	if err != nil {
		return err
	}
	if err := c.permit(tx, c.readNeed(tx, kind, c.Engine.Rule(kind), resource)); err != nil {
		return err
	}
	shown, err := c.shownClusterV1(tx, resource)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, shown)
}

// clusterName is the form of a KafkaCluster's name.
var clusterName = regexp.MustCompile(`^[0-9a-z_\-.]+$`)

func putClusterV1(c *call) error {
	name, err := c.param("clusterName")
	if err != nil {
		return err
	}
	if !clusterName.MatchString(name) {
		return &kinds.Error{Code: kinds.Invalid, Field: "clusterName",
			Message: "Invalid value for: path parameter clusterName (expected lower-case letters, digits, '-', '_' and '.')"}
	}
	if _, err := c.clusterKind(c.World.View()); err != nil {
		return err
	}
	sent, err := c.input()
	if err != nil {
		return err
	}
	spec, err := clusterSpec(sent)
	if err != nil {
		return err
	}
	services := make([][]serviceSent, len(serviceKinds))
	for i, service := range serviceKinds {
		if services[i], err = servicesSent(service, sent[service.field]); err != nil {
			return err
		}
	}
	var shown clusterV1
	err = c.World.Update(func(tx *store.Tx) error {
		kind, err := c.clusterKind(tx)
		if err != nil {
			return err
		}
		object, err := current(tx, kind, kinds.Key{Name: name})
		if err != nil {
			return err
		}
		object["spec"] = spec // labels, which the older form lacks, stay
		if err := c.put(tx, kinds.Request{Kind: kind, Object: object}); err != nil {
			return err
		}
		for i, service := range serviceKinds {
			if services[i] == nil {
				continue
			}
			if err := c.putServices(tx, service, name, services[i]); err != nil {
				return err
			}
		}
		resource, err := c.Engine.Find(tx, kind, kinds.Key{Name: name})
		if err != nil {
			return err
		}
		if err := keepAmazonSecurity(tx, resource, sent["amazonSecurity"]); err != nil {
			return err
		}
		shown, err = c.shownClusterV1(tx, resource)
		return err
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, shown)
}

// clusterSpec is the spec of the KafkaCluster that a body describes.
func clusterSpec(sent map[string]any) (map[string]any, error) {
	spec := map[string]any{"displayName": sent["name"]}
	copyFields(spec, sent, "bootstrapServers", "color", "icon", "ignoreUntrustedCertificate", "policiesRef")
	if sent["properties"] != nil {
		parsed, err := parseProperties(text(sent["properties"]))
		if err != nil {
			return nil, badField("properties", err)
		}
		properties := make(map[string]any, len(parsed))
		for name, value := range parsed {
			properties[name] = value
		}
		spec["properties"] = properties
	}
	if registry, ok := sent["schemaRegistry"].(map[string]any); ok {
		spec["schemaRegistry"] = registryOfV1(registry)
	}
	if flavor, ok := sent["kafkaFlavor"].(map[string]any); ok {
		spec["kafkaFlavor"] = flavorOfV1(flavor)
	}
	return spec, nil
}

func badField(field string, err error) error {
	return &kinds.Error{Code: kinds.Invalid, Field: field, Message: fmt.Sprintf("Invalid value for: body (%v at '%s')", err, field)}
}

func copyFields(to, from map[string]any, fields ...string) {
	for _, field := range fields {
		if value := from[field]; value != nil {
			to[field] = value
		}
	}
}

// serviceSent is a Kafka Connect or ksqlDB cluster that a body describes.
type serviceSent struct {
	name string
	spec map[string]any
}

// servicesSent reads a list of them; nil when the body has none, which leaves
// those that there are. Their slugs must differ.
func servicesSent(service serviceKind, value any) ([]serviceSent, error) {
	list, ok := value.([]any)
	if !ok {
		return nil, nil
	}
	all := []serviceSent{}
	for i, item := range list {
		sent, _ := item.(map[string]any)
		path := fmt.Sprintf("%s[%d]", service.field, i)
		name := text(sent["slug"])
		if name == "" {
			name = slug(text(sent["name"]))
		}
		if problem := store.ValidName(name); problem != "" {
			return nil, badField(path+".slug", fmt.Errorf("expected a name, it %s", problem))
		}
		if slices.ContainsFunc(all, func(other serviceSent) bool { return other.name == name }) {
			return nil, badField(path+".slug", fmt.Errorf("expected a name that no other of the list has, got %q again", name))
		}
		spec := map[string]any{"displayName": sent["name"], service.address: sent["url"]}
		copyFields(spec, sent, "ignoreUntrustedCertificate", "policiesRef")
		if sent["headers"] != nil {
			headers, err := parseHeaders(text(sent["headers"]))
			if err != nil {
				return nil, badField(path+".headers", err)
			}
			spec["headers"] = headers
		}
		if security, ok := sent["security"].(map[string]any); ok {
			if security = securityOfV1(service.security, security); security["type"] != noSecurity || !service.bare {
				spec["security"] = security
			}
		}
		all = append(all, serviceSent{name: name, spec: spec})
	}
	return all, nil
}

// slug makes a technical name out of one for people.
func slug(name string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_', r == '.':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, name), "-")
}

// putServices makes the clusters of a kind beside a Kafka cluster those that a
// body describes.
func (c *call) putServices(tx *store.Tx, service serviceKind, cluster string, wanted []serviceSent) error {
	kind, err := c.Engine.Kind("v2", service.kind)
	if err != nil {
		return err
	}
	var gone []string
	for resource := range tx.Resources(kind.Name, kind.Version, []string{cluster}, "") {
		if !slices.ContainsFunc(wanted, func(one serviceSent) bool { return one.name == resource.Name }) {
			gone = append(gone, resource.Name)
		}
	}
	for _, name := range gone {
		err := c.Engine.Delete(tx, kind, kinds.Key{Parents: []string{cluster}, Name: name},
			func(need kinds.Need) error { return c.permit(tx, need) })
		if err != nil {
			return err
		}
	}
	for _, one := range wanted {
		object, err := current(tx, kind, kinds.Key{Parents: []string{cluster}, Name: one.name})
		if err != nil {
			return err
		}
		object["spec"] = one.spec
		if err := c.put(tx, kinds.Request{Kind: kind, Object: object}); err != nil {
			return err
		}
	}
	return nil
}

func deleteClusterV1(c *call) error {
	name, err := c.param("clusterName")
	if err != nil {
		return err
	}
	err = c.World.Update(func(tx *store.Tx) error {
		kind, err := c.clusterKind(tx)
		if err != nil {
			return err
		}
		resource, err := c.Engine.Find(tx, kind, kinds.Key{Name: name})
		if err != nil {
			return err
		}
		if err := keepAmazonSecurity(tx, resource, nil); err != nil {
			return err
		}
		return c.Engine.Delete(tx, kind, kinds.Key{Name: name}, nil)
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
