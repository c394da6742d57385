package kinds

import (
	"errors"
	"strings"
	"time"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/store"
)

// DataQualityPolicy is the typed form of rules for messages of some topics.
type DataQualityPolicy struct {
	DisplayName string
	Group       string // that owns it
	Rules       []string
	Targets     []qualityTarget
	seeded      bool // in place from the start
}

type qualityTarget struct{ Cluster, Topic, PatternType string }

// Relations of data quality policies: the group that owns one, and the alerts on one.
const (
	refPolicyGroup = "data-quality-group"
	refPolicyAlert = "data-quality-policy"
)

func dataQualityPolicyRule() *Rule {
	write := func(ask Ask) Need {
		var needs []Need
		if ask.Old != nil {
			needs = append(needs, targetNeeds(ask.Old.Value.(*DataQualityPolicy).Targets)...)
		}
		if ask.Object != nil {
			needs = append(needs, targetNeeds(parseTargets(ask.Object))...)
		}
		if len(needs) == 0 {
			return Need{Somewhere: qualityAnywhere}
		}
		return Need{All: needs}
	}
	return &Rule{
		Access: Access{
			Read: func(ask Ask) Need {
				if ask.Old == nil {
					return Need{Somewhere: qualityAnywhere}
				}
				return policyReadNeed(ask.Old)
			},
			Create: write, Update: write, Delete: write,
		},
		Order: func(a, b *store.Resource) int {
			return byDisplayName(a.Value.(*DataQualityPolicy).DisplayName, a.Name, b.Value.(*DataQualityPolicy).DisplayName, b.Name)
		},
		Check: checkDataQualityPolicy,
		Show: func(c *Change) error {
			c.stamp()
			metadata := part(c.Object, "metadata")
			metadata["nameForMetrics"] = c.Key.Name
			// Kept: whether the policy is new to the Gateway; shown: see Present.
			switch {
			case c.Outcome == NotChanged:
				c.keep("metadata", "status")
			case c.By == By{}:
				metadata["status"] = qualityReady
			default:
				metadata["status"] = qualityPending
			}
			return nil
		},
		Parse: func(object map[string]any) (any, []openapi.Problem) {
			metadata, spec := part(object, "metadata"), part(object, "spec")
			return &DataQualityPolicy{DisplayName: text(spec, "displayName"), Group: text(metadata, "group"),
				Rules: texts(spec, "rules"), Targets: parseTargets(object), seeded: text(metadata, "status") == qualityReady}, nil
		},
		Refs: func(value any) []string {
			policy := value.(*DataQualityPolicy)
			refs := refsTo(refRule, policy.Rules)
			for _, target := range policy.Targets {
				refs = append(refs, store.Ref(refUses, target.Cluster))
			}
			return append(refs, store.Ref(refPolicyGroup, policy.Group))
		},
		Present: presentDataQualityPolicy,
		Delete:  refuseWhileReferred(refPolicyAlert),
	}
}

// The statuses of a data quality policy that come about here; nothing ever fails.
const (
	qualityPending = "Pending"
	qualityReady   = "Ready"
)

func parseTargets(object map[string]any) []qualityTarget {
	var targets []qualityTarget
	list, _ := part(object, "spec")["targets"].([]any)
	for _, item := range list {
		target, _ := item.(map[string]any)
		targets = append(targets, qualityTarget{text(target, "cluster"), text(target, "topic"), text(target, "patternType")})
	}
	return targets
}

func targetNeeds(targets []qualityTarget) []Need {
	needs := make([]Need, len(targets))
	for i, target := range targets {
		needs[i] = Need{Grant: rbac.Need{Resource: rbac.ResourceTopic, Cluster: target.Cluster, Name: target.Topic,
			AnyOf: []rbac.Permission{rbac.TopicDataQualityManage}}, Below: target.PatternType == string(rbac.Prefixed)}
	}
	return needs
}

// policyReadNeed: to be in the group that owns a policy, or to manage the quality
// of one of its targets.
func policyReadNeed(r *store.Resource) Need {
	policy := r.Value.(*DataQualityPolicy)
	return Need{Group: policy.Group, Or: targetNeeds(policy.Targets)}
}

func checkDataQualityPolicy(c *Change) error {
	spec := part(c.Object, "spec")
	group := text(part(c.Object, "metadata"), "group")
	if ok, err := exists(c.Tx, "Group", "v2", group); err != nil || !ok {
		return orAbsent(err, "metadata.group", "Group %s not found", group)
	}
	for i, name := range texts(spec, "rules") {
		if c.engine.findRule(c.Tx, name) == nil {
			return absent(index("spec.rules", i), "", "DataQualityRule %s not found", name)
		}
	}
	var first *store.Resource
	for i, target := range parseTargets(c.Object) {
		path := index("spec.targets", i)
		cluster, err := Cluster(c.Tx, path+".cluster", target.Cluster)
		if err != nil {
			return err
		}
		if first == nil {
			first = cluster
		}
		if isGateway(first) != isGateway(cluster) {
			return conflict(path+".cluster", "%s and %s are not of one kind: a policy is either for Gateways or for plain clusters", first.Name, cluster.Name)
		}
		if target.Topic == "" || strings.HasSuffix(target.Topic, "*") {
			return invalid(path+".topic", "expected the name of a topic, or a prefix without a star and patternType PREFIXED, got %q", target.Topic)
		}
	}
	return nil
}

func isGateway(cluster *store.Resource) bool {
	return cluster.Value.(*KafkaCluster).Flavor == flavorGateway
}

func presentDataQualityPolicy(v View, r *store.Resource) ([]byte, error) {
	policy := r.Value.(*DataQualityPolicy)
	object := r.Object()
	metadata := part(object, "metadata")
	status, info := qualityReady, "up to date"
	if !policy.seeded && !settled(v, r) {
		status, info = qualityPending, "not deployed yet"
	}
	metadata["status"], metadata["statusInfo"] = status, info
	statuses, seen := []any{}, map[string]bool{}
	for _, target := range policy.Targets {
		if seen[target.Cluster] {
			continue
		}
		seen[target.Cluster] = true
		statuses = append(statuses, map[string]any{"clusterSlug": target.Cluster, "status": status, "statusInfo": info,
			"updatedAt": shownTime(r.UpdatedAt)})
	}
	metadata["statuses"] = statuses
	attached := make([]any, 0, len(policy.Rules))
	for _, name := range policy.Rules {
		rule := v.rule(name)
		if rule == nil {
			continue
		}
		shown := map[string]any{"name": name, "displayName": rule.DisplayName}
		if rule.Description != "" {
			shown["description"] = rule.Description
		}
		attached = append(attached, shown)
	}
	metadata["attachedRules"] = attached
	if v.Query("includeMetrics") == "true" {
		metrics, err := policy.metrics(v, r.CreatedAt)
		if err != nil {
			return nil, err
		}
		metadata["metrics"] = metrics
	}
	return store.EncodeObject(object)
}

// metrics counts the messages that the figures of the topics say were produced
// since the policy, or since metricsFrom. None of them breaks a rule: no message
// is ever looked at.
func (p *DataQualityPolicy) metrics(v View, from time.Time) (map[string]any, error) {
	if asked, err := time.Parse(time.RFC3339Nano, v.Query("metricsFrom")); err == nil && asked.After(from) {
		from = asked
	}
	seconds := max(v.Now.Sub(from).Seconds(), 0)
	rate := 0.0
	for _, target := range p.Targets {
		found, err := targetRate(v.Tx, target)
		if err != nil {
			return nil, err
		}
		rate += found
	}
	return map[string]any{"evaluationsCount": int64(rate * seconds), "violationsCount": 0}, nil
}

// targetRate is how many messages a second go to the topics of a target.
func targetRate(tx *store.Tx, target qualityTarget) (float64, error) {
	parents := []string{target.Cluster}
	if target.PatternType != string(rbac.Prefixed) {
		figures, err := tx.Resource("TopicFigures", "v1", parents, target.Topic)
		if errors.Is(err, store.ErrNotFound) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		return figures.Value.(*TopicFigures).ProduceRate, nil
	}
	rate := 0.0
	for figures := range tx.Resources("TopicFigures", "v1", parents, target.Topic) {
		rate += figures.Value.(*TopicFigures).ProduceRate
	}
	return rate, nil
}

// rule is a data quality rule that a policy names, nil if it is gone.
func (v View) rule(name string) *DataQualityRule {
	if r := v.engine.findRule(v.Tx, name); r != nil {
		return r.Value.(*DataQualityRule)
	}
	return nil
}
