package rbac

import "slices"

// ResourceType is what a permission applies to, in the upper-case v2 spelling of
// the User and Group kinds.
type ResourceType string

// The resource types of the v2 permission union (Console API, User and Group kinds).
const (
	ResourcePlatform      ResourceType = "PLATFORM"
	ResourceCluster       ResourceType = "CLUSTER"
	ResourceTopic         ResourceType = "TOPIC"
	ResourceConsumerGroup ResourceType = "CONSUMER_GROUP"
	ResourceSubject       ResourceType = "SUBJECT"
	ResourceKafkaConnect  ResourceType = "KAFKA_CONNECT"
	ResourceKsqlDB        ResourceType = "KSQLDB"

	// ResourceApplicationInstance carries what ApplicationGroup.instancePermissions
	// lists. The Console has no such type in its permission union: it comes from
	// ownership and application groups only, and ParsePermissions refuses it.
	ResourceApplicationInstance ResourceType = "APPLICATION_INSTANCE"
)

// Permission is one permission name as the Console spells it. A name belongs to
// exactly one ResourceType.
type Permission string

// Permissions on PLATFORM.
const (
	UserView                  Permission = "userView"
	UserManage                Permission = "userManage"
	AuditLogView              Permission = "auditLogView"
	TaasView                  Permission = "taasView" // the Application Catalog
	CertificateManage         Permission = "certificateManage"
	ClusterConnectionsManage  Permission = "clusterConnectionsManage"
	DatamaskingView           Permission = "datamaskingView"
	DatamaskingManage         Permission = "datamaskingManage"
	NotificationChannelView   Permission = "notificationChannelView"
	NotificationChannelManage Permission = "notificationChannelManage"
	ChargebackView            Permission = "chargebackView"
	ChargebackManage          Permission = "chargebackManage"
	SQLManage                 Permission = "sqlManage"
	FlinkManage               Permission = "flinkManage" // Console 1.47 and later
)

// Permissions on CLUSTER.
const (
	ClusterViewBroker          Permission = "clusterViewBroker"
	ClusterEditBroker          Permission = "clusterEditBroker"
	ClusterEditSRCompatibility Permission = "clusterEditSRCompatibility"
	ClusterViewACL             Permission = "clusterViewACL"
	ClusterManageACL           Permission = "clusterManageACL"
)

// Permissions on TOPIC.
const (
	TopicViewConfig        Permission = "topicViewConfig"
	TopicConsume           Permission = "topicConsume"
	TopicProduce           Permission = "topicProduce"
	TopicCreate            Permission = "topicCreate"
	TopicDelete            Permission = "topicDelete"
	TopicEmpty             Permission = "topicEmpty"
	TopicEditConfig        Permission = "topicEditConfig"
	TopicAddPartition      Permission = "topicAddPartition"
	TopicDataQualityManage Permission = "topicDataQualityManage"
)

// Permissions on CONSUMER_GROUP.
const (
	ConsumerGroupView   Permission = "consumerGroupView"
	ConsumerGroupReset  Permission = "consumerGroupReset"
	ConsumerGroupCreate Permission = "consumerGroupCreate"
	ConsumerGroupDelete Permission = "consumerGroupDelete"
)

// Permissions on SUBJECT.
const (
	SubjectView              Permission = "subjectView"
	SubjectCreateUpdate      Permission = "subjectCreateUpdate"
	SubjectDelete            Permission = "subjectDelete"
	SubjectEditCompatibility Permission = "subjectEditCompatibility"
)

// Permissions on KAFKA_CONNECT. Two of the names lack the "or" of "Connector".
const (
	KafkaConnectorViewConfig Permission = "kafkaConnectorViewConfig"
	KafkaConnectorStatus     Permission = "kafkaConnectorStatus"
	KafkaConnectorEditConfig Permission = "kafkaConnectorEditConfig"
	KafkaConnectorCreate     Permission = "kafkaConnectorCreate"
	KafkaConnectorDelete     Permission = "kafkaConnectorDelete"
	KafkaConnectPauseResume  Permission = "kafkaConnectPauseResume"
	KafkaConnectRestart      Permission = "kafkaConnectRestart"
)

// KsqldbAccess is the only permission on KSQLDB.
const KsqldbAccess Permission = "ksqldbAccess"

// Permissions on APPLICATION_INSTANCE (ApplicationGroup.instancePermissions, Console 1.44).
const (
	ApplicationInstancePermissionRequestAccess Permission = "applicationInstancePermissionRequestAccess"
	ApplicationInstancePermissionGrantAccess   Permission = "applicationInstancePermissionGrantAccess"
	ApplicationInstancePermissionProposeAccess Permission = "applicationInstancePermissionProposeAccess"
	ApplicationInstanceAPIKeyManage            Permission = "applicationInstanceApiKeyManage"
	ServiceAccountManage                       Permission = "serviceAccountManage"
)

// PatternType says how a grant's Name is compared: LITERAL is equality, except
// that the name "*" stands for everything; PREFIXED is a prefix without a star.
type PatternType string

// The two pattern types of Kafka ACLs and of the Console.
const (
	Literal  PatternType = "LITERAL"
	Prefixed PatternType = "PREFIXED"
)

// star is the wildcard for a literal name, a cluster, a connect cluster and a ksqlDB.
const star = "*"

// permissionSet has one bit for every permission of the catalogue.
type permissionSet uint64

// typeIndex is the position of a resource type in the catalogue.
type typeIndex int

// typeInfo says which permissions a type has and which fields name its resources.
type typeInfo struct {
	resource    ResourceType
	v1          string // empty: not in the permission union
	v1Pattern   string // the v1 field of the name
	cluster     bool   // lives in a Kafka cluster
	connect     string // the v2 field that Grant.Connect comes from
	v1Connect   string
	name        bool // has names and patterns
	permissions []Permission
}

const typeCount = 8

// catalogue is the whole of the Console's permission names; nothing writes to it.
var catalogue = [typeCount]typeInfo{
	{resource: ResourcePlatform, v1: "Platform", permissions: []Permission{
		UserView, UserManage, AuditLogView, TaasView, CertificateManage, ClusterConnectionsManage, DatamaskingView,
		DatamaskingManage, NotificationChannelView, NotificationChannelManage, ChargebackView, ChargebackManage, SQLManage, FlinkManage,
	}},
	{resource: ResourceCluster, v1: "Cluster", cluster: true, permissions: []Permission{
		ClusterViewBroker, ClusterEditBroker, ClusterEditSRCompatibility, ClusterViewACL, ClusterManageACL,
	}},
	{resource: ResourceTopic, v1: "Topic", v1Pattern: "topicPattern", cluster: true, name: true, permissions: []Permission{
		TopicViewConfig, TopicConsume, TopicProduce, TopicCreate, TopicDelete, TopicEmpty, TopicEditConfig, TopicAddPartition, TopicDataQualityManage,
	}},
	{resource: ResourceConsumerGroup, v1: "ConsumerGroup", v1Pattern: "consumerGroupPattern", cluster: true, name: true, permissions: []Permission{
		ConsumerGroupView, ConsumerGroupReset, ConsumerGroupCreate, ConsumerGroupDelete,
	}},
	{resource: ResourceSubject, v1: "Subject", v1Pattern: "subjectPattern", cluster: true, name: true, permissions: []Permission{
		SubjectView, SubjectCreateUpdate, SubjectDelete, SubjectEditCompatibility,
	}},
	{resource: ResourceKafkaConnect, v1: "KafkaConnect", v1Pattern: "connectorNamePattern", cluster: true, connect: "kafkaConnect", v1Connect: "connectClusterId", name: true, permissions: []Permission{
		KafkaConnectorViewConfig, KafkaConnectorStatus, KafkaConnectorEditConfig, KafkaConnectorCreate, KafkaConnectorDelete, KafkaConnectPauseResume, KafkaConnectRestart,
	}},
	{resource: ResourceKsqlDB, v1: "KsqlDB", cluster: true, connect: "ksqlDB", v1Connect: "ksqlDBServerSlug", permissions: []Permission{KsqldbAccess}},
	{resource: ResourceApplicationInstance, name: true, permissions: []Permission{
		ApplicationInstancePermissionRequestAccess, ApplicationInstancePermissionGrantAccess, ApplicationInstancePermissionProposeAccess,
		ApplicationInstanceAPIKeyManage, ServiceAccountManage,
	}},
}

type permissionBit struct {
	set permissionSet
	of  typeIndex
}

// permissionBits is derived from the catalogue once and never written again.
var permissionBits = func() map[Permission]permissionBit {
	bits := make(map[Permission]permissionBit, 64)
	for t := range catalogue {
		for _, p := range catalogue[t].permissions {
			bits[p] = permissionBit{set: 1 << len(bits), of: typeIndex(t)}
		}
	}
	return bits
}()

func indexOf(r ResourceType) (typeIndex, bool) {
	switch r {
	case ResourcePlatform:
		return 0, true
	case ResourceCluster:
		return 1, true
	case ResourceTopic:
		return 2, true
	case ResourceConsumerGroup:
		return 3, true
	case ResourceSubject:
		return 4, true
	case ResourceKafkaConnect:
		return 5, true
	case ResourceKsqlDB:
		return 6, true
	case ResourceApplicationInstance:
		return 7, true
	}
	return 0, false
}

// setOf leaves out names that are unknown or belong to another type: a topic
// permission under SUBJECT grants nothing.
func setOf(t typeIndex, permissions []Permission) permissionSet {
	var set permissionSet
	for _, p := range permissions {
		if b, ok := permissionBits[p]; ok && b.of == t {
			set |= b.set
		}
	}
	return set
}

func listOf(t typeIndex, set permissionSet) []Permission {
	var list []Permission
	for _, p := range catalogue[t].permissions {
		if permissionBits[p].set&set != 0 {
			list = append(list, p)
		}
	}
	return list
}

// PermissionsOf lists every permission of a type in a fixed order; nil for an
// unknown type. The slice is the caller's own.
func PermissionsOf(r ResourceType) []Permission {
	t, ok := indexOf(r)
	if !ok {
		return nil
	}
	return slices.Clone(catalogue[t].permissions)
}

// Valid reports whether the permission belongs to the resource type.
func Valid(r ResourceType, p Permission) bool {
	t, ok := indexOf(r)
	if !ok {
		return false
	}
	b, known := permissionBits[p]
	return known && b.of == t
}
