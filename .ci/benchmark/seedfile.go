package main

import (
	"fmt"
	"os"
	"strings"
)

// issuingClients are clients of the identity provider whose tokens are signed with
// one algorithm each.
func issuingClients() (documents []string) {
	for _, alg := range algorithms {
		documents = append(documents, fmt.Sprintf(`{"apiVersion":"mockduktor/v1","kind":"Client","metadata":{"name":"bench-%[1]s"},"spec":{"client_secret":"bench-secret",`+
			`"grant_types":["client_credentials"],"scope":"profile email groups","access_token_signed_response_alg":"%[1]s",`+
			`"claims":{"email":"ci@shop.example","groups":["automation"]}}}`, alg))
	}
	return documents
}

// The sharer is the person who sees a thousand topics, those of team-1.
const (
	sharer  = "person-1"
	granted = 1_000
	cluster = "cluster-1"
)

// cast is what topics need: their cluster, and the sharer with a group.
func cast() []string {
	return []string{
		fmt.Sprintf(`{"apiVersion":"v2","kind":"KafkaCluster","metadata":{"name":%q},"spec":{"displayName":"Cluster 1","bootstrapServers":"kafka.shop.example:9092"}}`, cluster),
		fmt.Sprintf(`{"apiVersion":"mockduktor/v1","kind":"Person","metadata":{"name":%q},"spec":{"email":"person-1@shop.example","groups":["idp-team-1"]}}`, sharer),
		fmt.Sprintf(`{"apiVersion":"v2","kind":"Group","metadata":{"name":"team-1"},"spec":{"displayName":"Team 1","externalGroups":["idp-team-1"],`+
			`"permissions":[{"resourceType":"TOPIC","cluster":%q,"patternType":"PREFIXED","name":"team-1.","permissions":["topicViewConfig"]}]}}`, cluster),
	}
}

// topics are those from one number up to another of an estate where each team has
// a thousand.
func topics(from, to, count int) (documents []string) {
	teams := max(1, count/granted)
	for i := from; i < to; i++ {
		word := []string{"orders", "stock", "parcels", "members", "payments"}[i/teams%5]
		documents = append(documents, fmt.Sprintf(`{"apiVersion":"v2","kind":"Topic","metadata":{"name":"team-%[1]d.%[3]s.created.%[2]d","cluster":%[4]q,`+
			`"labels":{"team":"team-%[1]d","tier":"gold"}},"spec":{"partitions":6,"replicationFactor":3,"configs":{"cleanup.policy":"delete","retention.ms":"%[5]d"}}}`,
			i%teams+1, i+1, word, cluster, (1+i%30)*86_400_000))
	}
	return documents
}

// seedText is a seed of documents.
func seedText(documents []string) string { return "[" + strings.Join(documents, ",\n") + "]\n" }

func writeSeed(path string, documents []string) error {
	return os.WriteFile(path, []byte(seedText(documents)), 0o600)
}
