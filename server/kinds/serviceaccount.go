package kinds

import (
	"slices"
	"strings"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/store"
)

// ServiceAccount is the typed form of the ACLs of a service account.
type ServiceAccount struct {
	Instance string // the application instance that manages it, "" for none
}

// The two sorts of ACLs.
const (
	kafkaACL = "KAFKA_ACL"
	aivenACL = "AIVEN_ACL"
)

func serviceAccountRule() *Rule {
	return &Rule{
		Access: Access{
			Read: func(ask Ask) Need { return serviceAccountNeed(ask, accountInstance(ask.Old), rbac.ClusterViewACL) },
			Create: func(ask Ask) Need {
				return serviceAccountNeed(ask, text(ask.metadata(), "appInstance"), rbac.ClusterManageACL)
			},
			Update: func(ask Ask) Need {
				old, new := accountInstance(ask.Old), text(ask.metadata(), "appInstance")
				if old == new {
					return serviceAccountNeed(ask, new, rbac.ClusterManageACL)
				}
				return both(serviceAccountNeed(ask, old, rbac.ClusterManageACL), serviceAccountNeed(ask, new, rbac.ClusterManageACL))
			},
			Delete:      func(ask Ask) Need { return serviceAccountNeed(ask, accountInstance(ask.Old), rbac.ClusterManageACL) },
			InstanceKey: true,
		},
		Prepare: prepareServiceAccount,
		Check:   checkServiceAccount,
		Parse: func(object map[string]any) (any, []openapi.Problem) {
			return &ServiceAccount{Instance: text(part(object, "metadata"), "appInstance")}, nil
		},
		Refs: func(value any) []string {
			if instance := value.(*ServiceAccount).Instance; instance != "" {
				return []string{store.Ref("instance", instance)}
			}
			return nil
		},
	}
}

func accountInstance(r *store.Resource) string {
	if r == nil {
		return ""
	}
	return r.Value.(*ServiceAccount).Instance
}

// serviceAccountNeed: the cluster's ACL permission, or, for an account that an
// application instance manages, to be of that application.
func serviceAccountNeed(ask Ask, instance string, permission rbac.Permission) Need {
	need := Need{Grant: rbac.Need{Resource: rbac.ResourceCluster, Cluster: ask.Key.Parents[0], AnyOf: []rbac.Permission{permission}}}
	if instance == "" {
		return need
	}
	need.Instance, need.InstancePermission = instance, rbac.ServiceAccountManage
	if found, err := findInstance(ask.Tx, "metadata.appInstance", instance); err == nil {
		need.Application = found.Application
	}
	return need
}

// prepareServiceAccount fills in what Console answers where Kafka ACLs leave it
// out: any host, allowed.
func prepareServiceAccount(object map[string]any) {
	authorization := part(part(object, "spec"), "authorization")
	if text(authorization, "type") != kafkaACL {
		return
	}
	list, _ := authorization["acls"].([]any)
	for _, item := range list {
		acl, _ := item.(map[string]any)
		for field, fallback := range map[string]string{"host": "*", "permission": "Allow"} {
			if acl[field] == nil {
				acl[field] = fallback
			}
		}
	}
}

func checkServiceAccount(c *Change) error {
	cluster, err := Cluster(c.Tx, "metadata.cluster", c.Key.Parents[0])
	if err != nil {
		return err
	}
	spec := part(c.Object, "spec")
	sort, aiven := text(part(spec, "authorization"), "type"), cluster.Value.(*KafkaCluster).Flavor == flavorAiven
	if aiven != (sort == aivenACL) {
		want := kafkaACL
		if aiven {
			want = aivenACL
		}
		return conflict("spec.authorization.type", "cluster %s takes %s, not %s: %s is for clusters whose kafkaFlavor is Aiven",
			cluster.Name, want, sort, aivenACL)
	}
	name := text(part(c.Object, "metadata"), "appInstance")
	if old := accountInstance(c.Old); old != "" && name != "" && old != name {
		return conflict("metadata.appInstance", "the service account %s belongs to the application instance %s already", c.Key.Name, old)
	}
	limits := name
	if limits == "" {
		limits = c.By.Instance
	}
	if limits == "" {
		return nil
	}
	instance, err := findInstance(c.Tx, "metadata.appInstance", limits)
	if err != nil {
		return err
	}
	if instance.Cluster != cluster.Name {
		return conflict("metadata.appInstance", "the application instance %s is on cluster %s, not on %s", instance.Name, instance.Cluster, cluster.Name)
	}
	return checkAccountLimits(c.Tx, instance, spec)
}

// accountLimits are the operations that an application may give to a service
// account of its own (Console documentation, application-managed service
// account). Transactional ids can be owned since that page was written.
var accountLimits = map[string][]string{
	"TOPIC":            {"Describe", "DescribeConfigs", "Read", "Write"},
	"CONSUMER_GROUP":   {"Describe", "Read"},
	"CLUSTER":          {"Describe", "DescribeConfigs"},
	"TRANSACTIONAL_ID": {"Describe", "Write"},
}

// aclTypes are resource types of ACLs in the words of application instances.
var aclTypes = map[string]rbac.ResourceType{"TOPIC": rbac.ResourceTopic, "CONSUMER_GROUP": rbac.ResourceConsumerGroup, "TRANSACTIONAL_ID": ""}

func checkAccountLimits(tx *store.Tx, instance *ApplicationInstance, spec map[string]any) error {
	authorization := part(spec, "authorization")
	list, _ := authorization["acls"].([]any)
	for i, item := range list {
		acl, _ := item.(map[string]any)
		path := index("spec.authorization.acls", i)
		var err error
		if text(authorization, "type") == aivenACL {
			err = checkAivenLimit(tx, path, instance, acl)
		} else {
			err = checkKafkaLimit(tx, path, instance, acl)
		}
		if err != nil {
			return err
		}
	}
	list, _ = part(spec, "schemaRegistryAuthorization")["acls"].([]any)
	for i, item := range list {
		acl, _ := item.(map[string]any)
		wanted := rbac.InstanceResource{Resource: rbac.ResourceSubject, Name: text(acl, "name"), Pattern: rbac.PatternType(text(acl, "patternType"))}
		writes := slices.Contains(texts(acl, "operations"), "Write")
		if !reaches(tx, instance, wanted, writes) {
			return beyond(index("spec.schemaRegistryAuthorization.acls", i)+".name", instance, wanted)
		}
	}
	return nil
}

func checkKafkaLimit(tx *store.Tx, path string, instance *ApplicationInstance, acl map[string]any) error {
	kind, operations := text(acl, "type"), texts(acl, "operations")
	allowed, known := accountLimits[kind]
	if !known {
		return conflict(path+".type", "an application may not give ACLs on %s", kind)
	}
	for i, operation := range operations {
		if !slices.Contains(allowed, operation) {
			return conflict(index(path+".operations", i), "an application may not give %s on %s, only %s", operation, kind, strings.Join(allowed, ", "))
		}
	}
	of, named := aclTypes[kind]
	if !named {
		return nil // there is but one cluster
	}
	wanted := rbac.InstanceResource{Resource: of, Name: text(acl, "name"), Pattern: rbac.PatternType(text(acl, "patternType"))}
	if !reaches(tx, instance, wanted, slices.Contains(operations, "Write")) {
		return beyond(path+".name", instance, wanted)
	}
	return nil
}

// aivenSubject begins the names of subjects in Aiven's ACLs.
const aivenSubject = "Subject:"

func checkAivenLimit(tx *store.Tx, path string, instance *ApplicationInstance, acl map[string]any) error {
	wanted := rbac.InstanceResource{Resource: rbac.ResourceTopic, Name: text(acl, "name"), Pattern: rbac.Literal}
	if text(acl, "resourceType") == "SCHEMA" {
		wanted.Resource, wanted.Name = rbac.ResourceSubject, strings.TrimPrefix(wanted.Name, aivenSubject)
	}
	if prefix, starred := strings.CutSuffix(wanted.Name, "*"); starred {
		wanted.Name, wanted.Pattern = prefix, rbac.Prefixed
	}
	permission := text(acl, "permission")
	if permission == "admin" {
		return conflict(path+".permission", "an application may not give admin")
	}
	if !reaches(tx, instance, wanted, strings.Contains(permission, "write")) {
		return beyond(path+".name", instance, wanted)
	}
	return nil
}

func beyond(path string, instance *ApplicationInstance, wanted rbac.InstanceResource) error {
	kind := string(wanted.Resource)
	if kind == "" {
		kind = "TRANSACTIONAL_ID"
	}
	return conflict(path, "the application instance %s neither owns nor was granted %s %s (%s)", instance.Name, kind, wanted.Name, wanted.Pattern)
}

// reaches says whether an instance owns a resource, or was granted it for its
// service account.
func reaches(tx *store.Tx, instance *ApplicationInstance, wanted rbac.InstanceResource, writes bool) bool {
	for _, owned := range instance.Resources {
		if owned.Covers(wanted) {
			return true
		}
	}
	for r := range tx.Referrers(store.Ref("granted", instance.Name)) {
		received, ok := r.Value.(*rbac.InstancePermission)
		if !ok || !received.Resource.Covers(wanted) {
			continue
		}
		spec := part(r.Object(), "spec")
		access := rbac.Access(text(spec, "serviceAccountPermission"))
		if access == "" {
			access = rbac.Access(text(spec, "permission"))
		}
		if access == rbac.AccessWrite || access == rbac.AccessRead && !writes {
			return true
		}
	}
	return false
}
