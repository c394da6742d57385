package seed

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
)

// GenerateOptions say how many resources Generate makes of each kind. What
// needs another kind brings one along: topics a cluster, for instance.
type GenerateOptions struct {
	Clusters, Teams, People, Topics, Subjects, ConsumerGroups int
	// Figures adds TopicFigures for each topic.
	Figures bool
}

// Generate makes an estate of any size for benchmarks and tests, in the order
// of application. Equal arguments give equal documents.
//
// Clusters are cluster-1 …, groups team-1 …, people person-1 …, each in the
// identity provider's group idp-team-N that Group team-N takes in. Topics,
// subjects and consumer groups go round the teams and clusters and begin with
// the name of their team and a dot; a group may read what begins so.
func Generate(seed uint64, options GenerateOptions) []*Document {
	if options.Topics+options.Subjects+options.ConsumerGroups > 0 {
		options.Clusters = max(options.Clusters, 1)
	}
	g := &generator{GenerateOptions: options, random: rand.New(rand.NewPCG(seed, seed))}
	for i := range options.People {
		g.person(i)
	}
	for i := range options.Teams {
		g.group(i)
	}
	for i := range options.Clusters {
		g.cluster(i)
	}
	for i := range options.Topics {
		g.topic(i)
	}
	for i := range options.Subjects {
		g.subject(i)
	}
	for i := range options.ConsumerGroups {
		g.consumerGroup(i)
	}
	for i := range options.Topics {
		if options.Figures {
			g.figures(i)
		}
	}
	return g.docs
}

type generator struct {
	GenerateOptions
	random *rand.Rand
	docs   []*Document
}

type object = map[string]any

func (g *generator) add(apiVersion, kind string, metadata, spec object) {
	pos := Position{File: "<generated>"}
	g.docs = append(g.docs, newDocument(object{
		"apiVersion": apiVersion, "kind": kind, "metadata": metadata, "spec": spec,
	}, nil, chunk{}, pos))
}

func (g *generator) team(i int) string { return "team-" + strconv.Itoa(i%max(g.Teams, 1)+1) }

func (g *generator) in(i int) string { return "cluster-" + strconv.Itoa(i%g.Clusters+1) }

func (g *generator) number(below int64) json.Number {
	return json.Number(strconv.FormatInt(g.random.Int64N(below), 10))
}

func (g *generator) pick(from ...string) string { return from[g.random.IntN(len(from))] }

func (g *generator) name(i int) string {
	// The words come before the number so that order by name is not order of
	// making.
	return fmt.Sprintf("%s.%s.%s.%d", g.team(i),
		[]string{"orders", "stock", "parcels", "members", "payments"}[hash(i)%5],
		[]string{"created", "changed", "closed", "counted"}[hash(i)/5%4], i+1)
}

// hash spreads i; topic i and its figures have to agree on a name.
func hash(i int) int { return int((uint64(i+1) * 0x9E3779B97F4A7C15) >> 40) }

func (g *generator) person(i int) {
	login := "person-" + strconv.Itoa(i+1)
	g.add(ownAPIVersion, "Person", object{"name": login}, object{
		"email": login + "@shop.example", "name": "Person " + strconv.Itoa(i+1),
		"password": login + "-password", "groups": []any{"idp-" + g.team(i)},
	})
}

func (g *generator) group(i int) {
	grant := func(resourceType string, permissions ...any) object {
		return object{
			"resourceType": resourceType, "cluster": "*", "patternType": "PREFIXED",
			"name": g.team(i) + ".", "permissions": permissions,
		}
	}
	g.add("v2", "Group", object{"name": g.team(i)}, object{
		"displayName": "Team " + strconv.Itoa(i+1), "externalGroups": []any{"idp-" + g.team(i)},
		"permissions": []any{
			grant("TOPIC", "topicViewConfig", "topicConsume"),
			grant("SUBJECT", "subjectView"),
			grant("CONSUMER_GROUP", "consumerGroupView"),
		},
	})
}

func (g *generator) cluster(i int) {
	g.add("v2", "KafkaCluster", object{"name": g.in(i)}, object{
		"displayName":      "Cluster " + strconv.Itoa(i+1),
		"bootstrapServers": fmt.Sprintf("kafka-%d.shop.example:9092", i+1),
	})
}

func (g *generator) topic(i int) {
	metadata := object{
		"name": g.name(i), "cluster": g.in(i),
		"labels": object{"team": g.team(i), "tier": g.pick("gold", "silver", "bronze")},
	}
	if g.random.IntN(3) == 0 {
		metadata["description"] = "Topic " + strconv.Itoa(i+1) + ".\n\nWritten by " + g.team(i) + ".\n"
	}
	g.add("v2", "Topic", metadata, object{
		"partitions": json.Number(g.pick("1", "3", "6", "12")), "replicationFactor": json.Number("3"),
		"configs": object{
			"cleanup.policy": g.pick("delete", "delete", "compact"),
			"retention.ms":   strconv.Itoa((1 + g.random.IntN(30)) * 86_400_000),
		},
	})
}

func (g *generator) subject(i int) {
	g.add("v2", "Subject", object{"name": g.name(i) + "-value", "cluster": g.in(i)}, object{
		"format": "AVRO", "compatibility": g.pick("BACKWARD", "FORWARD", "FULL", "NONE"),
		"schema": fmt.Sprintf(`{"type":"record","name":"R%d","fields":[{"name":"id","type":"string"}]}`, i+1),
	})
}

func (g *generator) consumerGroup(i int) {
	g.add(ownAPIVersion, "ConsumerGroup", object{"name": g.name(i), "cluster": g.in(i)}, object{
		"state": g.pick("Stable", "Stable", "Empty", "PreparingRebalance", "Dead"), "members": g.number(12),
		"overallLag": g.number(1_000_000), "maxLagTimeInSeconds": g.number(86_400),
		"topics": []any{g.name(g.random.IntN(max(g.Topics, 1)))},
	})
}

func (g *generator) figures(i int) {
	g.add(ownAPIVersion, "TopicFigures", object{"name": g.name(i), "cluster": g.in(i)}, object{
		"recordCount": g.number(1_000_000_000), "topicSize": g.number(1_000_000_000_000),
		"produceRate":     json.Number(strconv.FormatFloat(float64(g.random.IntN(10_000))/10, 'f', -1, 64)),
		"lastActivityAgo": strconv.Itoa(g.random.IntN(86_400)) + "s",
	})
}
