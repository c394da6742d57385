package seed

import "sync"

// kind is what a seed needs to know of a kind.
type kind struct {
	name, version  string
	order          int
	own            bool
	parents, owner []string
	validate       func(map[string]any) []problem
}

type problem struct{ Path, Expected, Got, Hint string }

var catalogue = sync.OnceValue(func() map[string][]*kind {
	m := map[string][]*kind{}
	none := func(map[string]any) []problem { return nil }
	for i, k := range []kind{
		{name: "User", version: "v2"}, {name: "Group", version: "v2"}, {name: "KafkaCluster", version: "v2"},
		{name: "KafkaConnectCluster", version: "v2", parents: []string{"cluster"}},
		{name: "KsqlDBCluster", version: "v2", parents: []string{"cluster"}},
		{name: "TopicPolicy", version: "v1"}, {name: "ResourcePolicy", version: "v1"},
		{name: "Application", version: "v1"}, {name: "ApplicationInstance", version: "v1"},
		{name: "ApplicationInstancePermission", version: "v1"}, {name: "ApplicationGroup", version: "v1"},
		{name: "ServiceAccount", version: "v1", parents: []string{"cluster"}},
		{name: "Topic", version: "v2", parents: []string{"cluster"}},
		{name: "Subject", version: "v2", parents: []string{"cluster"}},
		{name: "Connector", version: "v2", parents: []string{"cluster", "connectCluster"}},
		{name: "Alert", version: "v3", owner: []string{"appInstance", "group", "user"}},
	} {
		k.order, k.validate = i, none
		m[k.name] = append(m[k.name], &k)
	}
	for i, k := range []kind{
		{name: "SigningKey"}, {name: "Person"}, {name: "Client"}, {name: "APIKey"},
		{name: "ConsumerGroup", parents: []string{"cluster"}}, {name: "TopicFigures", parents: []string{"cluster"}},
	} {
		k.order, k.validate, k.own, k.version = i, none, true, "v1"
		m[k.name] = append(m[k.name], &k)
	}
	return m
})
