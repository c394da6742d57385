package rbac_test

import (
	"strings"

	"github.com/mockduktor/mockduktor/rbac"
	"pgregory.net/rapid"
)

// permissionsByType is written from the Console API's table of permission names.
var permissionsByType = map[rbac.ResourceType][]rbac.Permission{
	"PLATFORM": {"userView", "userManage", "auditLogView", "taasView", "certificateManage", "clusterConnectionsManage",
		"datamaskingView", "datamaskingManage", "notificationChannelView", "notificationChannelManage", "chargebackView",
		"chargebackManage", "sqlManage", "flinkManage"},
	"CLUSTER": {"clusterViewBroker", "clusterEditBroker", "clusterEditSRCompatibility", "clusterViewACL", "clusterManageACL"},
	"TOPIC": {"topicViewConfig", "topicConsume", "topicProduce", "topicCreate", "topicDelete", "topicEmpty", "topicEditConfig",
		"topicAddPartition", "topicDataQualityManage"},
	"CONSUMER_GROUP": {"consumerGroupView", "consumerGroupReset", "consumerGroupCreate", "consumerGroupDelete"},
	"SUBJECT":        {"subjectView", "subjectCreateUpdate", "subjectDelete", "subjectEditCompatibility"},
	"KAFKA_CONNECT": {"kafkaConnectorViewConfig", "kafkaConnectorStatus", "kafkaConnectorEditConfig", "kafkaConnectorCreate",
		"kafkaConnectorDelete", "kafkaConnectPauseResume", "kafkaConnectRestart"},
	"KSQLDB": {"ksqldbAccess"},
	"APPLICATION_INSTANCE": {"applicationInstancePermissionRequestAccess", "applicationInstancePermissionGrantAccess",
		"applicationInstancePermissionProposeAccess", "applicationInstanceApiKeyManage", "serviceAccountManage"},
}

func allTypes() []rbac.ResourceType {
	return []rbac.ResourceType{"PLATFORM", "CLUSTER", "TOPIC", "CONSUMER_GROUP", "SUBJECT", "KAFKA_CONNECT", "KSQLDB", "APPLICATION_INSTANCE"}
}

func in[T comparable](list []T, x T) bool {
	for _, y := range list {
		if x == y {
			return true
		}
	}
	return false
}

// slowGrants asks one grant, field by field, without any index.
func slowGrants(g rbac.Grant, n rbac.Need) bool {
	if g.Resource != n.Resource {
		return false
	}
	useful := false
	for _, p := range n.AnyOf {
		if in(g.Permissions, p) && in(permissionsByType[n.Resource], p) {
			useful = true
		}
	}
	wild := func(granted, asked string) bool { return granted != "" && (granted == "*" || granted == asked) }
	name := func() bool {
		switch g.Pattern {
		case "LITERAL":
			return wild(g.Name, n.Name)
		case "PREFIXED":
			return strings.HasPrefix(n.Name, g.Name)
		}
		return false
	}
	if !useful {
		return false
	}
	switch n.Resource {
	case "PLATFORM":
		return true
	case "CLUSTER":
		return wild(g.Cluster, n.Cluster)
	case "TOPIC", "CONSUMER_GROUP", "SUBJECT":
		return wild(g.Cluster, n.Cluster) && name()
	case "KAFKA_CONNECT":
		return wild(g.Cluster, n.Cluster) && wild(g.Connect, n.Connect) && name()
	case "KSQLDB":
		return wild(g.Cluster, n.Cluster) && wild(g.Connect, n.Connect)
	case "APPLICATION_INSTANCE":
		return name()
	}
	return false
}

func slowDecide(grants []rbac.Grant, n rbac.Need) bool {
	for _, g := range grants {
		if slowGrants(g, n) {
			return true
		}
	}
	return false
}

// Few letters, so that prefixes nest and names repeat.
func drawName(t *rapid.T, label string) string {
	return rapid.StringMatching(`[ab.é]{0,5}`).Draw(t, label)
}

func drawPermissions(t *rapid.T, r rbac.ResourceType, label string) []rbac.Permission {
	from := permissionsByType[r]
	if rapid.IntRange(0, 9).Draw(t, label+" foreign") == 0 {
		from = append([]rbac.Permission{"topicConsume", "subjectView", "topicRead"}, from...)
	}
	return rapid.SliceOfN(rapid.SampledFrom(from), 0, 4).Draw(t, label)
}

func drawGrant(t *rapid.T) rbac.Grant {
	r := rapid.SampledFrom(allTypes()).Draw(t, "type")
	g := rbac.Grant{
		Resource:    r,
		Cluster:     rapid.SampledFrom([]string{"dev", "prod", "*", ""}).Draw(t, "cluster"),
		Connect:     rapid.SampledFrom([]string{"c1", "c2", "*", ""}).Draw(t, "connect"),
		Pattern:     rapid.SampledFrom([]rbac.PatternType{"LITERAL", "PREFIXED", "PREFIXED", ""}).Draw(t, "pattern"),
		Permissions: drawPermissions(t, r, "permissions"),
		Source:      rbac.Source{Kind: rbac.SourceGroup, Name: rapid.SampledFrom([]string{"g1", "g2", "g3"}).Draw(t, "source")},
	}
	if g.Pattern == "LITERAL" && rapid.IntRange(0, 9).Draw(t, "everything") == 0 {
		g.Name = "*"
	} else {
		g.Name = drawName(t, "name")
	}
	return g
}

func drawNeed(t *rapid.T) rbac.Need {
	r := rapid.SampledFrom(allTypes()).Draw(t, "need type")
	return rbac.Need{
		Resource: r,
		Cluster:  rapid.SampledFrom([]string{"dev", "prod", "other"}).Draw(t, "need cluster"),
		Connect:  rapid.SampledFrom([]string{"c1", "c2", "other"}).Draw(t, "need connect"),
		Name:     drawName(t, "need name"),
		AnyOf:    drawPermissions(t, r, "any of"),
	}
}
