package mockduktor

// Resource is a document of a seed.
type Resource interface{ object() map[string]any }

// Object is a document of any kind, as JSON-shaped Go values.
type Object map[string]any

func (o Object) object() map[string]any { return o }

// Person is somebody whom the identity provider knows. Email empty is the login
// at shop.example, Password empty the login with -password.
type Person struct {
	Login, Email, Password string
	Groups                 []string // values of the groups claim
	Claims                 map[string]any
	Disabled               bool
}

func (p Person) object() map[string]any {
	spec := map[string]any{"email": or(p.Email, p.Login+"@shop.example"), "password": or(p.Password, p.Login+"-password")}
	put(spec, "groups", len(p.Groups) > 0, list(p.Groups))
	put(spec, "claims", len(p.Claims) > 0, p.Claims)
	put(spec, "disabled", p.Disabled, true)
	return document("mockduktor/v1", "Person", map[string]any{"name": p.Login}, spec)
}

// Group is a group of the Console. DisplayName empty is the name.
type Group struct {
	Name, DisplayName  string
	Members            []string // e-mail addresses
	ExternalGroups     []string // values of the groups claim that make a member
	ExternalGroupRegex []string
	Permissions        []Permission
}

func (g Group) object() map[string]any {
	spec := map[string]any{"displayName": or(g.DisplayName, g.Name)}
	put(spec, "members", len(g.Members) > 0, list(g.Members))
	put(spec, "externalGroups", len(g.ExternalGroups) > 0, list(g.ExternalGroups))
	put(spec, "externalGroupRegex", len(g.ExternalGroupRegex) > 0, list(g.ExternalGroupRegex))
	put(spec, "permissions", len(g.Permissions) > 0, permissions(g.Permissions))
	return document("v2", "Group", map[string]any{"name": g.Name}, spec)
}

// User is somebody whom the Console knows, with permissions of their own.
type User struct {
	Email       string
	Permissions []Permission
}

func (u User) object() map[string]any {
	return document("v2", "User", map[string]any{"name": u.Email}, map[string]any{"permissions": permissions(u.Permissions)})
}

// Cluster is a Kafka cluster.
type Cluster struct {
	Name, DisplayName, BootstrapServers string
}

func (c Cluster) object() map[string]any {
	return document("v2", "KafkaCluster", map[string]any{"name": c.Name}, map[string]any{
		"displayName": or(c.DisplayName, c.Name), "bootstrapServers": or(c.BootstrapServers, "kafka:9092")})
}

// Topic is a topic; partitions and replication factor are 1 unless set.
type Topic struct {
	Cluster, Name                 string
	Partitions, ReplicationFactor int
	Configs                       map[string]string
	Labels                        map[string]string
}

func (t Topic) object() map[string]any {
	metadata := map[string]any{"name": t.Name, "cluster": t.Cluster}
	put(metadata, "labels", len(t.Labels) > 0, texts(t.Labels))
	spec := map[string]any{"partitions": max(t.Partitions, 1), "replicationFactor": max(t.ReplicationFactor, 1)}
	put(spec, "configs", len(t.Configs) > 0, texts(t.Configs))
	return document("v2", "Topic", metadata, spec)
}

// ConsumerGroup is a consumer group as the Console's indexer would find it.
type ConsumerGroup struct {
	Cluster, Name, State string // State empty: Stable
	Members              int
	OverallLag           int64
	Topics               []string
}

func (g ConsumerGroup) object() map[string]any {
	spec := map[string]any{"state": or(g.State, "Stable"), "members": g.Members, "overallLag": g.OverallLag}
	put(spec, "topics", len(g.Topics) > 0, list(g.Topics))
	return document("mockduktor/v1", "ConsumerGroup", map[string]any{"cluster": g.Cluster, "name": g.Name}, spec)
}

// APIKey is a bearer token of the Console that is known beforehand: an admin's,
// or that of an application instance.
type APIKey struct{ Name, Token, ApplicationInstance string }

func (k APIKey) object() map[string]any {
	spec := map[string]any{"token": k.Token, "type": "admin"}
	if k.ApplicationInstance != "" {
		spec["type"], spec["applicationInstance"] = "applicationInstance", k.ApplicationInstance
	}
	return document("mockduktor/v1", "APIKey", map[string]any{"name": k.Name}, spec)
}

// Permission is what a user or a group may do.
type Permission map[string]any

// OnTopics grants permissions on topics of a cluster; a star at the end of the
// name makes it a prefix, "*" alone is all.
func OnTopics(cluster, name string, permissions ...string) Permission {
	return named("TOPIC", cluster, name, permissions)
}

// OnConsumerGroups is OnTopics for consumer groups.
func OnConsumerGroups(cluster, name string, permissions ...string) Permission {
	return named("CONSUMER_GROUP", cluster, name, permissions)
}

// OnSubjects is OnTopics for subjects of the schema registry.
func OnSubjects(cluster, name string, permissions ...string) Permission {
	return named("SUBJECT", cluster, name, permissions)
}

// OnCluster grants permissions on a cluster itself.
func OnCluster(cluster string, permissions ...string) Permission {
	return Permission{"resourceType": "CLUSTER", "name": cluster, "permissions": list(permissions)}
}

// OnPlatform grants permissions on the Console as a whole.
func OnPlatform(permissions ...string) Permission {
	return Permission{"resourceType": "PLATFORM", "permissions": list(permissions)}
}

func named(resource, cluster, name string, permissions []string) Permission {
	pattern := "LITERAL"
	if last := len(name) - 1; last > 0 && name[last] == '*' {
		pattern, name = "PREFIXED", name[:last]
	}
	return Permission{"resourceType": resource, "cluster": cluster, "patternType": pattern, "name": name, "permissions": list(permissions)}
}

func document(apiVersion, kind string, metadata, spec map[string]any) map[string]any {
	return map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": metadata, "spec": spec}
}

func or(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}

func put(into map[string]any, field string, set bool, value any) {
	if set {
		into[field] = value
	}
}

func list(values []string) []any {
	items := make([]any, len(values))
	for i, value := range values {
		items[i] = value
	}
	return items
}

func texts(values map[string]string) map[string]any {
	items := make(map[string]any, len(values))
	for name, value := range values {
		items[name] = value
	}
	return items
}

func permissions(values []Permission) []any {
	items := make([]any, len(values))
	for i, value := range values {
		items[i] = map[string]any(value)
	}
	return items
}
