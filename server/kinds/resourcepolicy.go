package kinds

import (
	"cel.dev/cel-go/cel"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/store"
)

// ResourcePolicy is the typed form of rules that resources of one kind must keep.
type ResourcePolicy struct {
	Target string // kind of the resources
	Rules  []PolicyRule
}

// PolicyRule is one condition and what to say when it does not hold.
type PolicyRule struct {
	ErrorMessage string
	condition    cel.Program
}

// refPolicy is how resources refer to a resource policy, refTopicPolicy to a
// topic policy.
const (
	refPolicy      = "policy"
	refTopicPolicy = "topic-policy"
)

func resourcePolicyRule() *Rule {
	return &Rule{
		Access: Access{Read: permission(rbac.ResourcePlatform, rbac.TaasView)},
		Filters: map[string]func(*store.Tx, *store.Resource, string) bool{
			"application-instance": func(tx *store.Tx, r *store.Resource, want string) bool {
				return referredBy(tx, store.Ref(refPolicy, r.Name), "ApplicationInstance", want)
			},
			"application": func(tx *store.Tx, r *store.Resource, want string) bool {
				return referredBy(tx, store.Ref(refPolicy, r.Name), "Application", want)
			},
		},
		Check: func(c *Change) error {
			if c.Old == nil || c.Old.Value.(*ResourcePolicy).Target == text(part(c.Object, "spec"), "targetKind") {
				return nil
			}
			for referrer := range c.Tx.Referrers(store.Ref(refPolicy, c.Key.Name)) {
				return conflict("spec.targetKind", "targetKind of %s cannot change while the %s %s refers to it", c.Key.Name, referrer.Kind, referrer.Name)
			}
			return nil
		},
		Parse:  parseResourcePolicy,
		Delete: refuseWhileReferred(refPolicy),
	}
}

func parseResourcePolicy(object map[string]any) (any, []openapi.Problem) {
	value, problems := typed[struct {
		Spec struct {
			TargetKind string
			Rules      []struct{ Condition, ErrorMessage string }
		}
	}](object)
	if len(problems) > 0 {
		return nil, problems
	}
	policy := &ResourcePolicy{Target: value.Spec.TargetKind}
	for i, rule := range value.Spec.Rules {
		program, wrong := policyProgram(rule.Condition)
		if wrong != "" {
			problems = append(problems, openapi.Problem{Path: index("spec.rules", i) + ".condition", Expected: wrong})
			continue
		}
		policy.Rules = append(policy.Rules, PolicyRule{ErrorMessage: rule.ErrorMessage, condition: program})
	}
	return policy, problems
}

// referredBy says whether a resource of this kind and name carries a reference.
func referredBy(tx *store.Tx, ref, kind, name string) bool {
	for referrer := range tx.Referrers(ref) {
		if referrer.Kind == kind && referrer.Name == name {
			return true
		}
	}
	return false
}

// refuseWhileReferred keeps what others name.
func refuseWhileReferred(relation string) func(*Engine, *store.Tx, *store.Resource) error {
	return func(_ *Engine, tx *store.Tx, r *store.Resource) error {
		for referrer := range tx.Referrers(store.Ref(relation, r.Name)) {
			return conflict("metadata.name", "Cannot delete %s because the %s %s refers to it", r.Name, referrer.Kind, referrer.Name)
		}
		return nil
	}
}
