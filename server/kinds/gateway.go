package kinds

import (
	"encoding/json"
	"slices"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/store"
)

// The kinds of what a Gateway holds.
const (
	InterceptorKind = "Interceptor"
	PluginKind      = "Plugin"
)

// Interceptor is the typed form of an interceptor of a Gateway.
type Interceptor struct {
	Name        string
	PluginClass string
	Priority    int32
	Config      json.RawMessage // whatever the plugin takes; null if nothing was given
}

// Plugin is the typed form of what interceptors are made of.
type Plugin struct {
	Class  string
	ID     string // what paths call it
	Tags   map[string]string
	Readme string // Markdown
}

// IsGateway says whether a Kafka cluster is a Conduktor Gateway.
func IsGateway(cluster *store.Resource) bool {
	return cluster.Value.(*KafkaCluster).Flavor == flavorGateway
}

func checkGateway(c *Change) error {
	name := c.Key.Parents[0]
	cluster, err := Cluster(c.Tx, "metadata.cluster", name)
	if err != nil {
		return err
	}
	if !IsGateway(cluster) {
		return invalid("metadata.cluster", "expected a Kafka cluster whose spec.kafkaFlavor.type is Gateway, got %q", name)
	}
	return nil
}

func pluginRule() *Rule {
	return &Rule{
		Check: checkGateway,
		Parse: func(object map[string]any) (any, []openapi.Problem) {
			value, problems := typed[struct {
				Metadata struct{ Name string }
				Spec     struct {
					PluginID string
					Tags     map[string]string
					Readme   string
				}
			}](object)
			if len(problems) > 0 {
				return nil, problems
			}
			plugin := &Plugin{Class: value.Metadata.Name, ID: value.Spec.PluginID, Tags: value.Spec.Tags, Readme: value.Spec.Readme}
			if plugin.ID == "" {
				plugin.ID = plugin.Class
			}
			return plugin, nil
		},
	}
}

func interceptorRule() *Rule {
	return &Rule{
		Check: checkGateway,
		Parse: func(object map[string]any) (any, []openapi.Problem) {
			value, problems := typed[struct {
				Metadata struct{ Name string }
				Spec     struct {
					PluginClass string
					Priority    int32
					Config      json.RawMessage
				}
			}](object)
			if len(problems) > 0 {
				return nil, problems
			}
			spec := value.Spec
			if spec.Config == nil {
				spec.Config = json.RawMessage("null")
			}
			return &Interceptor{Name: value.Metadata.Name, PluginClass: spec.PluginClass, Priority: spec.Priority, Config: spec.Config}, nil
		},
	}
}

// clearGateway removes what a Gateway held when its cluster is none any more.
func clearGateway(c *Change) error {
	if c.Value.(*KafkaCluster).Flavor == flavorGateway {
		return nil
	}
	for _, kind := range []string{InterceptorKind, PluginKind} {
		if err := c.engine.removeAll(c.Tx, slices.Collect(c.Tx.Resources(kind, "v1", []string{c.Key.Name}, ""))); err != nil {
			return err
		}
	}
	return nil
}
