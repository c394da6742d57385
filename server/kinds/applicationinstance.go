package kinds

import (
	"slices"
	"strings"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/store"
)

// ApplicationInstance is the typed form of an application on one cluster.
type ApplicationInstance struct {
	rbac.Instance
	ServiceAccount string
	TopicPolicies  []string // topic policies for what it owns
	Policies       []string // resource policies for what it owns
}

func applicationInstanceRule() *Rule {
	return &Rule{
		Identity: true,
		Access:   Access{Read: permission(rbac.ResourcePlatform, "taasView")},
		Filters: map[string]func(*store.Tx, *store.Resource, string) bool{
			"application": func(_ *store.Tx, r *store.Resource, want string) bool {
				return r.Value.(*ApplicationInstance).Application == want
			},
		},
		Check: checkInstance,
		Parse: func(object map[string]any) (any, []openapi.Problem) {
			instance, problems := rbac.ParseInstance(object)
			if len(problems) > 0 {
				return nil, toOpenAPI("", problems)
			}
			spec := part(object, "spec")
			return &ApplicationInstance{Instance: instance, ServiceAccount: text(spec, "serviceAccount"),
				TopicPolicies: texts(spec, "topicPolicyRef"), Policies: texts(spec, "policyRef")}, nil
		},
		Refs: func(value any) []string {
			instance := value.(*ApplicationInstance)
			refs := []string{store.Ref("application", instance.Application), store.Ref("cluster", instance.Cluster)}
			refs = append(refs, refsTo(refTopicPolicy, instance.TopicPolicies)...)
			refs = append(refs, refsTo(refPolicy, instance.Policies)...)
			for _, owned := range instance.Resources {
				if owned.Resource == rbac.ResourceKafkaConnect {
					refs = append(refs, store.Ref(refConnect, connectName(instance.Cluster, owned.Connect)))
				}
			}
			return refs
		},
		After: func(c *Change) error {
			instance := c.Value.(*ApplicationInstance)
			covered := instance.Resources
			if c.Old != nil {
				covered = append(covered[:len(covered):len(covered)], c.Old.Value.(*ApplicationInstance).Resources...)
			}
			return c.engine.relabel(c.Tx, instance.Cluster, covered)
		},
		Delete: deleteInstance,
		Deleted: func(e *Engine, tx *store.Tx, r *store.Resource) error {
			instance := r.Value.(*ApplicationInstance)
			return e.relabel(tx, instance.Cluster, instance.Resources)
		},
	}
}

func checkInstance(c *Change) error {
	spec := part(c.Object, "spec")
	application := text(part(c.Object, "metadata"), "application")
	if ok, err := exists(c.Tx, "Application", "v1", application); err != nil || !ok {
		return orAbsent(err, "metadata.application", "Application %s not found", application)
	}
	cluster := text(spec, "cluster")
	if _, err := Cluster(c.Tx, "spec.cluster", cluster); err != nil {
		return err
	}
	instance, problems := rbac.ParseInstance(c.Object)
	if err := fromRBAC("", problems); err != nil {
		return err
	}
	if c.Old != nil {
		old := c.Old.Value.(*ApplicationInstance)
		if old.Cluster != cluster {
			return conflict("spec.cluster", "cluster of %s cannot change from %s to %s: delete the instance and create it anew", c.Key.Name, old.Cluster, cluster)
		}
		if old.Application != application {
			return conflict("metadata.application", "application of %s cannot change from %s to %s: delete the instance and create it anew", c.Key.Name, old.Application, application)
		}
		if err := checkShared(c, &instance); err != nil {
			return err
		}
	}
	if err := checkTopicPolicies(c); err != nil {
		return err
	}
	if err := checkPolicies(c, "policyRef", "Topic", "Subject", "Connector"); err != nil {
		return err
	}
	if err := checkStars(spec); err != nil {
		return err
	}
	if err := checkOwned(c.Tx, cluster, instance.Resources); err != nil {
		return err
	}
	return checkNeighbours(c, instance, text(spec, "serviceAccount"))
}

// checkShared refuses to give up what the instance shares with another: a
// permission on what its giver does not own could not be made either, so that an
// export would not load. The sources say nothing of it.
func checkShared(c *Change, instance *rbac.Instance) error {
	for resource := range c.Tx.Referrers(store.Ref("instance", c.Key.Name)) {
		shared, ok := resource.Value.(*rbac.InstancePermission)
		if !ok || shared.Instance != c.Key.Name || covers(instance.Resources, shared.Resource) {
			continue
		}
		return conflict("spec.resources", "%s would no longer own %s (%s), which the ApplicationInstancePermission %s shares with %s: delete that first",
			c.Key.Name, shared.Resource.Name, shared.Resource.Pattern, resource.Name, shared.GrantedTo)
	}
	return checkGroups(c.Tx, "spec.resources", c.Key.Name, instance.Resources, "")
}

// covers tells whether one of what is owned holds all of another resource.
func covers(owned []rbac.InstanceResource, other rbac.InstanceResource) bool {
	return slices.ContainsFunc(owned, func(one rbac.InstanceResource) bool { return one.Covers(other) })
}

// checkStars refuses names that end in a star; it looks at what was written,
// since rbac tolerates the star.
func checkStars(spec map[string]any) error {
	list, _ := spec["resources"].([]any)
	for i, item := range list {
		resource, _ := item.(map[string]any)
		if name := text(resource, "name"); strings.HasSuffix(name, "*") {
			return invalid(index("spec.resources", i)+".name", "write the name without the star (%s) and patternType PREFIXED", strings.TrimRight(name, "*"))
		}
	}
	return nil
}

func checkOwned(tx *store.Tx, cluster string, owned []rbac.InstanceResource) error {
	for i, resource := range owned {
		path := index("spec.resources", i)
		if resource.Resource != rbac.ResourceKafkaConnect {
			continue
		}
		if _, err := ConnectCluster(tx, path+".connectCluster", cluster, resource.Connect); err != nil {
			return err
		}
	}
	return nil
}

// checkNeighbours refuses what another instance on the cluster already has:
// the service account, or resources that overlap.
func checkNeighbours(c *Change, instance rbac.Instance, account string) error {
	for resource := range c.Tx.Referrers(store.Ref("cluster", instance.Cluster)) {
		other, ok := resource.Value.(*ApplicationInstance)
		if !ok || other.Name == c.Key.Name {
			continue
		}
		if account != "" && other.ServiceAccount == account {
			return conflict("spec.serviceAccount", "service account %s is already used by the application instance %s on cluster %s", account, other.Name, instance.Cluster)
		}
		for i, mine := range instance.Resources {
			for _, theirs := range other.Resources {
				if mine.Overlaps(theirs) {
					return conflict(index("spec.resources", i), "%s %s (%s) overlaps with %s (%s) of the application instance %s",
						mine.Resource, mine.Name, mine.Pattern, theirs.Name, theirs.Pattern, other.Name)
				}
			}
		}
	}
	return nil
}

// deleteInstance refuses while something refers to the instance; its keys and
// its alerts go with it.
func deleteInstance(e *Engine, tx *store.Tx, r *store.Resource) error {
	own := slices.Collect(tx.Referrers(store.Ref(refAlertOwner, OwnerKey("appInstance", r.Name))))
	for other := range tx.Referrers(store.Ref("instance", r.Name)) {
		if other.Kind != APIKeyKind {
			return conflict("metadata.name", "Cannot delete %s because the %s %s refers to it", r.Name, other.Kind, other.Name)
		}
		own = append(own, other)
	}
	return e.removeAll(tx, own)
}

// relabel shows again every resource that an instance owns or owned, since its
// owner labels have changed.
func (e *Engine) relabel(tx *store.Tx, cluster string, covered []rbac.InstanceResource) error {
	tx.Forget(ownersKey{cluster})
	var touched []*store.Resource
	for _, owned := range covered {
		kind, ok := labelled[owned.Resource]
		if !ok {
			continue
		}
		parents := []string{cluster}
		if owned.Resource == rbac.ResourceKafkaConnect {
			parents = append(parents, owned.Connect)
		}
		for resource := range tx.Resources(kind.name, kind.version, parents, owned.Name) {
			if owned.Matches(resource.Name) {
				touched = append(touched, resource)
			}
		}
	}
	for _, resource := range touched {
		if err := e.reshow(tx, resource); err != nil {
			return err
		}
	}
	return nil
}

// labelled are the kinds that carry the labels of their owner.
var labelled = map[rbac.ResourceType]struct{ name, version string }{
	rbac.ResourceTopic:        {"Topic", "v2"},
	rbac.ResourceSubject:      {"Subject", "v2"},
	rbac.ResourceKafkaConnect: {"Connector", "v2"},
}
