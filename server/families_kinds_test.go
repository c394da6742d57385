package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// TestFamilyKindsRefused: a seed with what cannot be is refused, by field.
func TestFamilyKindsRefused(t *testing.T) {
	w := startFamilies(t)
	pair := w.running.Pair()
	for document, says := range map[string]string{
		`"kind":"TopicRecords","metadata":{"cluster":"dev","name":"nope"},"spec":{"records":[]}`:                                            "metadata.name: Topic nope not found on cluster dev",
		`"kind":"TopicRecords","metadata":{"cluster":"nope","name":"x"},"spec":{"records":[]}`:                                              "Cluster nope not found",
		`"kind":"TopicRecords","metadata":{"cluster":"dev","name":"shop.paid"},"spec":{"records":[{},{"partition":3}]}`:                     "spec.records[1].partition",
		`"kind":"TopicRecords","metadata":{"cluster":"dev","name":"shop.paid"},"spec":{"records":[{"offset":1},{"offset":0},{"offset":1}]}`: "spec.records[2].offset",
		`"kind":"TopicRecords","metadata":{"cluster":"dev","name":"shop.paid"},"spec":{"records":[{"offset":-1}]}`:                          "spec.records[0].offset",
		`"kind":"TopicRecords","metadata":{"cluster":"dev","name":"shop.paid"},"spec":{"records":[{"ago":"-5m"}]}`:                          "spec.records[0].ago",
		`"kind":"TopicRecords","metadata":{"cluster":"dev","name":"shop.paid"},"spec":{"records":[{"timestamp":"noon"}]}`:                   "spec.records[0].timestamp",
		`"kind":"TopicRecords","metadata":{"cluster":"dev","name":"shop.paid"},"spec":{"records":[{"vale":1}]}`:                             "spec.records[0].vale",
		`"kind":"Plugin","metadata":{"cluster":"dev","name":"x"},"spec":{}`:                                                                 "metadata.cluster: Invalid value for: body (expected a Kafka cluster whose spec.kafkaFlavor.type is Gateway",
		`"kind":"Interceptor","metadata":{"cluster":"dev","name":"x"},"spec":{"pluginClass":"x","priority":1}`:                              "spec.kafkaFlavor.type is Gateway",
		`"kind":"KsqlDBSource","metadata":{"cluster":"dev","ksqlDB":"nope","name":"X"},"spec":{"type":"STREAM","topic":"x"}`:                "metadata.ksqlDB: ksqlDB cluster nope not found on cluster dev",
		`"kind":"KsqlDBSource","metadata":{"cluster":"dev","ksqlDB":"ksql-a","name":"X"},"spec":{"type":"VIEW","topic":"x"}`:                "spec.type",
		`"kind":"KsqlDBQuery","metadata":{"cluster":"dev","ksqlDB":"ksql-a","name":"X"},"spec":{"statement":"x","sources":["PAID","NOPE"]}`: "spec.sources[1]: KsqlDBSource NOPE not found",
		`"kind":"KsqlDBQuery","metadata":{"cluster":"dev","ksqlDB":"ksql-a","name":"X"},"spec":{"statement":"x","sinks":["NOPE"]}`:          "spec.sinks[0]: KsqlDBSource NOPE not found",
		`"kind":"IndexerTask","metadata":{"name":"x"},"spec":{"duration":"long"}`:                                                           "spec.duration",
		`"kind":"IndexerTask","metadata":{"name":"x"},"spec":{"duration":"1s","startedAgo":"-1s"}`:                                          "spec.startedAgo",
		`"kind":"IndexerTask","metadata":{"name":"x"},"spec":{"duration":"1s","results":[{"cluster":"dev","duration":"1s","status":"OK"}]}`: "spec.results[0].status",
	} {
		before := w.export()
		object, err := store.DecodeObject([]byte(`{"apiVersion":"mockduktor/v1",` + document + `}`))
		if err != nil {
			t.Fatalf("%s: %v", document, err)
		}
		kind, err := pair.Engine.Kind("mockduktor/v1", fmt.Sprint(object["kind"]))
		if err != nil {
			t.Fatal(err)
		}
		if err = pair.Engine.Validate(kind, object); err == nil {
			err = pair.World.Update(func(tx *store.Tx) error {
				_, _, err := pair.Engine.Apply(tx, kinds.Request{Kind: kind, Object: object})
				return err
			})
		}
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", document, err, says)
		}
		if after := w.export(); after != before {
			t.Errorf("%s was refused but changed the world", document)
		}
	}
}
