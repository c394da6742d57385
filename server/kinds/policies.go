package kinds

import (
	"errors"
	"slices"
	"strings"

	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/store"
)

// attached says through what a policy holds for a resource.
type attached struct{ policy, through string }

// guardByPolicies evaluates the resource policies that hold for a resource which
// lives in a cluster: those of the cluster, of the Kafka Connect cluster, of the
// owning instance and of its application (Console 1.35).
func guardByPolicies(owned rbac.ResourceType) func(c *Change) error {
	return func(c *Change) error {
		var policies []attached
		cluster, err := c.Tx.Resource("KafkaCluster", "v2", nil, c.Key.Parents[0])
		if err != nil {
			return err
		}
		policies = attach(policies, cluster.Value.(*KafkaCluster).Policies, "cluster "+cluster.Name)
		if len(c.Key.Parents) > 1 {
			connect, err := c.Tx.Resource("KafkaConnectCluster", "v2", c.Key.Parents[:1], c.Key.Parents[1])
			if err != nil {
				return err
			}
			policies = attach(policies, connect.Value.(*KafkaConnectCluster).Policies, "Kafka Connect cluster "+connect.Name)
		}
		if instance := c.ownedBy(owned); instance != nil {
			policies = attach(policies, instance.Policies, "application instance "+instance.Name)
			if policies, err = attachApplication(c.Tx, policies, instance.Application); err != nil {
				return err
			}
		}
		return c.evaluate(policies)
	}
}

func attach(policies []attached, names []string, through string) []attached {
	for _, name := range names {
		policies = append(policies, attached{name, through})
	}
	return policies
}

func attachApplication(tx *store.Tx, policies []attached, name string) ([]attached, error) {
	application, err := tx.Resource("Application", "v1", nil, name)
	if err != nil {
		return nil, err
	}
	return attach(policies, application.Value.(*Application).Policies, "application "+name), nil
}

// evaluate refuses the change when one of the policies does not hold, and says
// what all of them have to say.
func (c *Change) evaluate(policies []attached) error {
	slices.SortStableFunc(policies, func(a, b attached) int { return strings.Compare(a.policy, b.policy) })
	policies = slices.CompactFunc(policies, func(a, b attached) bool { return a.policy == b.policy })
	var broken []string
	var resource map[string]any
	for _, one := range policies {
		r, err := c.Tx.Resource("ResourcePolicy", "v1", nil, one.policy)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		policy := r.Value.(*ResourcePolicy)
		if policy.Target != c.Kind.Name {
			continue
		}
		if resource == nil {
			resource = policyView(c.Object)
		}
		for _, rule := range policy.Rules {
			if text := rule.complaint(resource); text != "" {
				broken = append(broken, "the resource policy "+one.policy+" of "+one.through+" says: "+text)
			}
		}
	}
	if len(broken) > 0 {
		return conflict("", "%s", strings.Join(broken, "; "))
	}
	return nil
}

func (r PolicyRule) complaint(resource map[string]any) string {
	kept, err := holds(r.condition, resource)
	if err != nil {
		return r.ErrorMessage + " (the condition could not be evaluated: " + err.Error() + ")"
	}
	if !kept {
		return r.ErrorMessage
	}
	return ""
}

// collections are the fields that conditions find empty where a resource leaves
// them out, so that has(metadata.labels.team) has an answer.
var collections = map[string]struct {
	metadata []string
	maps     []string
	lists    []string
}{
	"Topic":            {metadata: []string{"labels"}, maps: []string{"configs"}},
	"Connector":        {metadata: []string{"labels"}, maps: []string{"config"}},
	"Subject":          {metadata: []string{"labels"}, lists: []string{"references"}},
	"ApplicationGroup": {lists: []string{"members", "externalGroups", "externalGroupRegex", "permissions", "instancePermissions"}},
}

// policyView is a resource as conditions see it: what people wrote.
func policyView(object map[string]any) map[string]any {
	view := celValue(object).(map[string]any)
	empty := collections[text(object, "kind")]
	fill := func(of map[string]any, names []string, value func() any) {
		for _, name := range names {
			if of[name] == nil {
				of[name] = value()
			}
		}
	}
	newMap, newList := func() any { return map[string]any{} }, func() any { return []any{} }
	fill(part(view, "metadata"), empty.metadata, newMap)
	fill(part(view, "spec"), empty.maps, newMap)
	fill(part(view, "spec"), empty.lists, newList)
	return view
}

// refsTo makes references of names.
func refsTo(relation string, names []string) []string {
	refs := make([]string, len(names))
	for i, name := range names {
		refs[i] = store.Ref(relation, name)
	}
	return refs
}

// checkPolicies refuses references to resource policies that do not exist or are
// for kinds that the place cannot govern: those for application groups belong on
// the application (Console 1.35).
func checkPolicies(c *Change, field string, targets ...string) error {
	return checkPolicyRefs(c, field, false, targets)
}

// checkClusterPolicies is checkPolicies for clusters. They may name policies that
// come later: the Conduktor CLI applies clusters before policies.
func checkClusterPolicies(c *Change, targets ...string) error {
	return checkPolicyRefs(c, "policiesRef", true, targets)
}

func checkPolicyRefs(c *Change, field string, later bool, targets []string) error {
	for i, name := range texts(part(c.Object, "spec"), field) {
		path := index("spec."+field, i)
		r, err := c.Tx.Resource("ResourcePolicy", "v1", nil, name)
		if errors.Is(err, store.ErrNotFound) {
			if later {
				continue
			}
			return absent(path, "", "ResourcePolicy %s not found", name)
		}
		if err != nil {
			return err
		}
		if target := r.Value.(*ResourcePolicy).Target; !slices.Contains(targets, target) {
			return conflict(path, "the resource policy %s is for the kind %s; here one for %s is expected", name, target, strings.Join(targets, ", "))
		}
	}
	return nil
}
