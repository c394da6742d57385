package rbac

import "strings"

// SourceKind says what sort of thing a grant comes from.
type SourceKind string

// The kinds of source.
const (
	SourceUser               SourceKind = "user"
	SourceGroup              SourceKind = "group"
	SourceOwnership          SourceKind = "ownership"
	SourceApplicationGroup   SourceKind = "applicationGroup"
	SourceInstancePermission SourceKind = "instancePermission"
	SourceEveryone           SourceKind = "everyone"
	SourceAdmin              SourceKind = "admin"
)

// Source is where a grant comes from.
type Source struct {
	Kind SourceKind
	// Name is the user's e-mail, the group, the application (ownership), the
	// application group, the ApplicationInstancePermission, or what makes the
	// principal an admin (the admin group, an API key's name).
	Name string
	// Via is the owner group for ownership, the application for an application
	// group, the group that makes someone a member of the application for an
	// instance permission. Empty when there is no in-between.
	Via string
	// Instance is the application instance for the three application sources.
	Instance string
}

// String reads as part of a sentence: "group checkout-devs".
func (s Source) String() string {
	var b strings.Builder
	switch s.Kind {
	case SourceUser:
		b.WriteString("user ")
	case SourceGroup:
		b.WriteString("group ")
	case SourceOwnership:
		b.WriteString("ownership of application ")
	case SourceApplicationGroup:
		b.WriteString("application group ")
	case SourceInstancePermission:
		b.WriteString("instance permission ")
	case SourceEveryone:
		return "everyone"
	case SourceAdmin:
		b.WriteString("admin by ")
	default:
		b.WriteString(string(s.Kind))
		b.WriteByte(' ')
	}
	b.WriteString(s.Name)
	if s.Via != "" {
		switch s.Kind {
		case SourceApplicationGroup:
			b.WriteString(" of application ")
		default:
			b.WriteString(" through group ")
		}
		b.WriteString(s.Via)
	}
	if s.Instance != "" {
		b.WriteString(" (instance ")
		b.WriteString(s.Instance)
		b.WriteByte(')')
	}
	return b.String()
}

// Grant gives permissions on the resources that it names. Which fields count
// depends on Resource:
//
//	PLATFORM              none
//	CLUSTER               Cluster
//	TOPIC, CONSUMER_GROUP, SUBJECT
//	                      Cluster, Name, Pattern
//	KAFKA_CONNECT         Cluster, Connect (the connect cluster), Name, Pattern
//	KSQLDB                Cluster, Connect (the ksqlDB)
//	APPLICATION_INSTANCE  Name, Pattern
//
// Cluster and Connect are exact names or "*". A grant that lacks a field its
// type needs grants nothing. A compiled grant must not be changed any more.
type Grant struct {
	Resource    ResourceType
	Cluster     string
	Connect     string
	Name        string
	Pattern     PatternType
	Permissions []Permission
	Source      Source
}

// String reads "topicViewConfig on TOPIC checkout.* on cluster dev, from group checkout-devs".
func (g Grant) String() string {
	var b strings.Builder
	if g.Source.Kind == SourceAdmin {
		b.WriteString("everything, ")
		b.WriteString(g.Source.String())
		return b.String()
	}
	writePermissions(&b, g.Permissions)
	b.WriteString(" on ")
	name := g.Name
	if g.Pattern == Prefixed {
		name += star
	}
	writeResource(&b, g.Resource, g.Cluster, g.Connect, name)
	b.WriteString(", from ")
	b.WriteString(g.Source.String())
	return b.String()
}

// usable reports whether every field that the type needs is there.
func (g *Grant) usable(info *typeInfo) bool {
	if info.cluster && g.Cluster == "" || info.connect != "" && g.Connect == "" {
		return false
	}
	if !info.name {
		return true
	}
	switch g.Pattern {
	case Literal:
		return g.Name != ""
	case Prefixed:
		return true
	}
	return false
}

// Need is one question: may the principal do something that any one of AnyOf
// allows on this resource? The fields follow Grant; all are exact names. An
// empty AnyOf is never satisfied, except for an admin.
type Need struct {
	Resource ResourceType
	Cluster  string
	Connect  string
	Name     string
	AnyOf    []Permission
}

// String reads "topicEditConfig on TOPIC checkout.paid on cluster dev", with
// "one of" before several permissions.
func (n Need) String() string {
	var b strings.Builder
	n.write(&b)
	return b.String()
}

func (n *Need) write(b *strings.Builder) {
	if len(n.AnyOf) > 1 {
		b.WriteString("one of ")
	}
	writePermissions(b, n.AnyOf)
	b.WriteString(" on ")
	writeResource(b, n.Resource, n.Cluster, n.Connect, n.Name)
}

func writePermissions(b *strings.Builder, permissions []Permission) {
	if len(permissions) == 0 {
		b.WriteString("no permission")
	}
	for i, p := range permissions {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(p))
	}
}

func writeResource(b *strings.Builder, r ResourceType, cluster, connect, name string) {
	b.WriteString(string(r))
	switch r {
	case ResourcePlatform:
	case ResourceCluster:
		b.WriteByte(' ')
		b.WriteString(cluster)
	case ResourceApplicationInstance:
		b.WriteByte(' ')
		b.WriteString(name)
	case ResourceKsqlDB:
		b.WriteByte(' ')
		b.WriteString(connect)
		b.WriteString(" on cluster ")
		b.WriteString(cluster)
	case ResourceKafkaConnect:
		b.WriteByte(' ')
		b.WriteString(name)
		b.WriteString(" on connect cluster ")
		b.WriteString(connect)
		b.WriteString(" of cluster ")
		b.WriteString(cluster)
	default:
		b.WriteByte(' ')
		b.WriteString(name)
		b.WriteString(" on cluster ")
		b.WriteString(cluster)
	}
}

// Everyone is what every person has without being given it: the Application
// Catalog and the data-masking policies (Console documentation, set-up RBAC).
// It is for people only; an application-instance key does not have it.
func Everyone() []Grant {
	return []Grant{{
		Resource:    ResourcePlatform,
		Permissions: []Permission{DatamaskingView, TaasView},
		Source:      Source{Kind: SourceEveryone},
	}}
}
