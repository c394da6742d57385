package rbac

import "slices"

// Access is what an ApplicationInstancePermission gives.
type Access string

// The three accesses of userPermission; the old field permission has the last two.
const (
	AccessNone  Access = "NONE"
	AccessRead  Access = "READ"
	AccessWrite Access = "WRITE"
)

// The self-service names of resource types that differ from the permission union.
const (
	connectorType       = "CONNECTOR"
	transactionalIDType = "TRANSACTIONAL_ID"
)

// InstanceResource is a resource pattern in the self-service kinds
// (ApplicationInstance.resources, ApplicationInstancePermission.resource).
type InstanceResource struct {
	// Resource is the type in the words of the permission union (CONNECTOR is
	// KAFKA_CONNECT here); empty for TRANSACTIONAL_ID, on which no permission exists.
	Resource ResourceType
	Connect  string // the connect cluster of a CONNECTOR
	Name     string // PREFIXED without star
	Pattern  PatternType
	Limited  bool // ownershipMode LIMITED
}

// Instance is what decisions need of an ApplicationInstance.
type Instance struct {
	Name        string
	Application string
	Cluster     string
	Resources   []InstanceResource
}

// ParseInstance reads an ApplicationInstance resource.
func ParseInstance(resource map[string]any) (Instance, []Problem) {
	var r reader
	metadata, spec := r.envelope(resource)
	inst := Instance{
		Name:        r.required(metadata, "metadata", "name"),
		Application: r.required(metadata, "metadata", "application"),
		Cluster:     r.required(spec, "spec", "cluster"),
	}
	for i, value := range r.list("spec.resources", spec["resources"]) {
		path := at("spec.resources", i)
		if in := r.object(path, value); in != nil {
			owned := r.instanceResource(path, in)
			if mode, ok := in["ownershipMode"]; ok && mode != nil {
				owned.Limited = r.choice(in, path, "ownershipMode", "ALL", "LIMITED") == "LIMITED"
			}
			inst.Resources = append(inst.Resources, owned)
		}
	}
	return inst, r.problems
}

func (r *reader) envelope(resource map[string]any) (metadata, spec map[string]any) {
	return r.object("metadata", resource["metadata"]), r.object("spec", resource["spec"])
}

func (r *reader) instanceResource(path string, in map[string]any) InstanceResource {
	var out InstanceResource
	kind := r.choice(in, path, "type", string(ResourceTopic), string(ResourceConsumerGroup), string(ResourceSubject), connectorType, transactionalIDType)
	switch kind {
	case connectorType:
		out.Resource = ResourceKafkaConnect
		out.Connect = r.required(in, path, "connectCluster")
	case transactionalIDType:
	default:
		out.Resource = ResourceType(kind)
	}
	p := r.pattern(in, path)
	out.Name, out.Pattern = p.name, p.kind
	return out
}

// limited is what ownershipMode LIMITED removes (Console documentation, use
// cases, self-service).
var limited = []Permission{
	TopicEditConfig, TopicCreate, TopicDelete, TopicAddPartition,
	SubjectCreateUpdate, SubjectDelete, SubjectEditCompatibility,
	ConsumerGroupCreate, ConsumerGroupDelete,
	KafkaConnectorEditConfig, KafkaConnectorDelete, KafkaConnectorCreate,
}

// owned is what the application team may do with the resource.
func (o InstanceResource) owned() []Permission {
	permissions := PermissionsOf(o.Resource)
	if o.Limited {
		permissions = slices.DeleteFunc(permissions, func(p Permission) bool { return slices.Contains(limited, p) })
	}
	return permissions
}

func (o InstanceResource) grant(cluster string, permissions []Permission, src Source) Grant {
	return Grant{
		Resource: o.Resource, Cluster: cluster, Connect: o.Connect, Name: o.Name, Pattern: o.Pattern,
		Permissions: permissions, Source: src,
	}
}

// OwnershipGrants is what members of the owner group have on an instance of the
// application: every permission on its resources (ownershipMode LIMITED without
// the documented list), and everything on the instance itself, such as its API keys.
func OwnershipGrants(app string, ownerGroup string, inst Instance) []Grant {
	src := Source{Kind: SourceOwnership, Name: app, Via: ownerGroup, Instance: inst.Name}
	return append(resourceGrants(inst, src), Grant{
		Resource: ResourceApplicationInstance, Name: inst.Name, Pattern: Literal,
		Permissions: PermissionsOf(ResourceApplicationInstance), Source: src,
	})
}

// InstanceKeyGrants is what an API key of the application instance has: the same
// as ownership on the resources, nothing on the instance itself.
func InstanceKeyGrants(inst Instance) []Grant {
	return resourceGrants(inst, Source{Kind: SourceOwnership, Name: inst.Application, Instance: inst.Name})
}

func resourceGrants(inst Instance, src Source) []Grant {
	var grants []Grant
	for _, owned := range inst.Resources {
		if owned.Resource != "" {
			grants = append(grants, owned.grant(inst.Cluster, owned.owned(), src))
		}
	}
	return grants
}

// InstancePermission is what decisions need of an ApplicationInstancePermission.
type InstancePermission struct {
	Name        string
	Application string // the owner
	Instance    string // the owner's
	Cluster     string // the owner instance's; the granted one is on the same
	GrantedTo   string // instance
	Resource    InstanceResource
	User        Access
}

// ParseInstancePermission reads an ApplicationInstancePermission resource. The
// cluster is that of the owning instance, which the resource does not repeat.
// userPermission wins over the old permission; with neither the user gets nothing.
func ParseInstancePermission(resource map[string]any, cluster string) (InstancePermission, []Problem) {
	var r reader
	metadata, spec := r.envelope(resource)
	p := InstancePermission{
		Name:        r.required(metadata, "metadata", "name"),
		Application: r.required(metadata, "metadata", "application"),
		Instance:    r.required(metadata, "metadata", "appInstance"),
		Cluster:     cluster,
		GrantedTo:   r.required(spec, "spec", "grantedTo"),
		User:        AccessNone,
	}
	if in := r.object("spec.resource", spec["resource"]); in != nil {
		p.Resource = r.instanceResource("spec.resource", in)
	}
	if spec["permission"] != nil {
		p.User = Access(r.choice(spec, "spec", "permission", string(AccessRead), string(AccessWrite)))
	}
	if spec["userPermission"] != nil {
		p.User = Access(r.choice(spec, "spec", "userPermission", string(AccessNone), string(AccessRead), string(AccessWrite)))
	}
	return p, r.problems
}

// readable and writable are what READ gives and what WRITE adds. For TOPIC: data
// and configuration, and producing (Console documentation). The documentation
// allows no other type; Terraform does, so the others follow: READ sees, WRITE
// changes what is inside but neither creates nor deletes, except that a subject
// has no other way to be written than subjectCreateUpdate.
func readable(r ResourceType) []Permission {
	switch r {
	case ResourceTopic:
		return []Permission{TopicViewConfig, TopicConsume}
	case ResourceConsumerGroup:
		return []Permission{ConsumerGroupView}
	case ResourceSubject:
		return []Permission{SubjectView}
	case ResourceKafkaConnect:
		return []Permission{KafkaConnectorViewConfig, KafkaConnectorStatus}
	}
	return nil
}

func writable(r ResourceType) []Permission {
	switch r {
	case ResourceTopic:
		return []Permission{TopicProduce}
	case ResourceConsumerGroup:
		return []Permission{ConsumerGroupReset}
	case ResourceSubject:
		return []Permission{SubjectCreateUpdate}
	case ResourceKafkaConnect:
		return []Permission{KafkaConnectPauseResume, KafkaConnectRestart}
	}
	return nil
}

// users is what the permission gives to members of the granted application.
func (p InstancePermission) users() []Permission {
	switch p.User {
	case AccessRead:
		return readable(p.Resource.Resource)
	case AccessWrite:
		return append(readable(p.Resource.Resource), writable(p.Resource.Resource)...)
	}
	return nil
}

// InstancePermissionGrants is what members of the granted instance's application
// have through the permission; via is the group that makes them members. READ on
// a topic gives topicViewConfig and topicConsume, WRITE also topicProduce; on a
// consumer group consumerGroupView, and consumerGroupReset; on a subject
// subjectView, and subjectCreateUpdate; on a connector its configuration and
// status, and pause, resume and restart. NONE gives nothing.
func InstancePermissionGrants(p InstancePermission, via string) []Grant {
	permissions := p.users()
	if len(permissions) == 0 {
		return nil
	}
	src := Source{Kind: SourceInstancePermission, Name: p.Name, Via: via, Instance: p.GrantedTo}
	return []Grant{p.Resource.grant(p.Cluster, permissions, src)}
}

// GroupPermission is one element of ApplicationGroup.permissions.
type GroupPermission struct {
	Instance    string
	Resource    ResourceType
	Connect     string
	Name        string
	Pattern     PatternType
	Permissions []Permission
}

// GroupInstancePermission is one element of ApplicationGroup.instancePermissions.
type GroupInstancePermission struct {
	Instance    string
	Permissions []Permission
}

// ApplicationGroup is what decisions need of an ApplicationGroup besides its members.
type ApplicationGroup struct {
	Name                string
	Application         string
	Permissions         []GroupPermission
	InstancePermissions []GroupInstancePermission
}

// ParseApplicationGroup reads an ApplicationGroup resource. Its permissions are
// typed like those of a Group, with CONNECTOR for KAFKA_CONNECT.
func ParseApplicationGroup(resource map[string]any) (ApplicationGroup, []Problem) {
	var r reader
	metadata, spec := r.envelope(resource)
	g := ApplicationGroup{
		Name:        r.required(metadata, "metadata", "name"),
		Application: r.required(metadata, "metadata", "application"),
	}
	for i, value := range r.list("spec.permissions", spec["permissions"]) {
		path := at("spec.permissions", i)
		if in := r.object(path, value); in != nil {
			g.Permissions = append(g.Permissions, r.groupPermission(path, in))
		}
	}
	for i, value := range r.list("spec.instancePermissions", spec["instancePermissions"]) {
		path := at("spec.instancePermissions", i)
		if in := r.object(path, value); in != nil {
			t, _ := indexOf(ResourceApplicationInstance)
			g.InstancePermissions = append(g.InstancePermissions, GroupInstancePermission{
				Instance:    r.required(in, path, "appInstance"),
				Permissions: r.permissions(path, in["permissions"], t),
			})
		}
	}
	return g, r.problems
}

func (r *reader) groupPermission(path string, in map[string]any) GroupPermission {
	p := GroupPermission{Instance: r.required(in, path, "appInstance")}
	kind := r.choice(in, path, "resourceType", string(ResourceTopic), string(ResourceSubject), string(ResourceConsumerGroup), connectorType)
	switch kind {
	case "":
		return p
	case connectorType:
		p.Resource = ResourceKafkaConnect
		p.Connect = r.required(in, path, "connectCluster")
	default:
		p.Resource = ResourceType(kind)
	}
	name := r.pattern(in, path)
	p.Name, p.Pattern = name.name, name.kind
	t, _ := indexOf(p.Resource)
	p.Permissions = r.permissions(path, in["permissions"], t)
	return p
}

// ApplicationGroupGrants is what members of the application group have. instances
// are those of the group's application, received the instance permissions granted
// to them (others in either list are ignored). A listed name counts where it meets
// an owned or subscribed resource of the named instance; "*" LITERAL meets them
// all. The group never exceeds its application (see the package comment).
func ApplicationGroupGrants(g ApplicationGroup, instances []Instance, received []InstancePermission) []Grant {
	var grants []Grant
	for _, inst := range instances {
		if inst.Application != g.Application {
			continue
		}
		src := Source{Kind: SourceApplicationGroup, Name: g.Name, Via: g.Application, Instance: inst.Name}
		for _, p := range g.Permissions {
			if p.Instance != inst.Name {
				continue
			}
			for _, owned := range inst.Resources {
				grants = append(grants, p.within(owned, owned.owned(), inst.Cluster, src)...)
			}
			for _, got := range received {
				if got.GrantedTo == inst.Name {
					grants = append(grants, p.within(got.Resource, got.users(), got.Cluster, src)...)
				}
			}
		}
		for _, p := range g.InstancePermissions {
			if p.Instance == inst.Name {
				grants = append(grants, Grant{
					Resource: ResourceApplicationInstance, Name: inst.Name, Pattern: Literal,
					Permissions: p.Permissions, Source: src,
				})
			}
		}
	}
	return grants
}

// within is the part of the permission that lies inside one resource of the
// instance, cut to what the application itself may do there; none or one grant.
func (p GroupPermission) within(r InstanceResource, most []Permission, cluster string, src Source) []Grant {
	if p.Resource == "" || p.Resource != r.Resource || p.Resource == ResourceKafkaConnect && p.Connect != star && p.Connect != r.Connect {
		return nil
	}
	common, ok := pattern{p.Pattern, p.Name}.intersect(pattern{r.Pattern, r.Name})
	if !ok {
		return nil
	}
	var permissions []Permission
	for _, want := range p.Permissions {
		if slices.Contains(most, want) {
			permissions = append(permissions, want)
		}
	}
	if len(permissions) == 0 {
		return nil
	}
	return []Grant{{
		Resource: r.Resource, Cluster: cluster, Connect: r.Connect, Name: common.name, Pattern: common.kind,
		Permissions: permissions, Source: src,
	}}
}
