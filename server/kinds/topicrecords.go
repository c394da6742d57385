package kinds

import (
	"errors"
	"fmt"
	"time"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/store"
)

// TopicRecordsKind is the kind of the records of a topic.
const TopicRecordsKind = "TopicRecords"

// TopicRecords is the typed form of the records of one topic, in the order in
// which they were written.
type TopicRecords struct{ Records []TopicRecord }

// TopicRecord is one record. Key and Value are JSON-shaped with numbers as
// json.Number; nil is no key, or a tombstone.
type TopicRecord struct {
	Key, Value any
	Headers    map[string]string
	Partition  int32
	Offset     int64
	Timestamp  time.Time
}

func topicRecordsRule() *Rule {
	return &Rule{
		Check: func(c *Change) error {
			topic, err := c.Tx.Resource("Topic", "v2", c.Key.Parents, c.Key.Name)
			if errors.Is(err, store.ErrNotFound) {
				return absent("metadata.name", "", "Topic %s not found on cluster %s", c.Key.Name, c.Key.Parents[0])
			}
			if err != nil {
				return err
			}
			partitions := topic.Value.(*Topic).Partitions
			for i, item := range recordsOf(c.Object) {
				if partition := wholeNumber(item["partition"]); partition >= int64(partitions) {
					return invalid(index("spec.records", i)+".partition", "expected one of the %d partitions of topic %s, counted from 0, got %d", partitions, c.Key.Name, partition)
				}
			}
			return nil
		},
		Parse:  parseTopicRecords,
		Settle: settleTimestamps,
	}
}

func recordsOf(object map[string]any) []map[string]any {
	list, _ := part(object, "spec")["records"].([]any)
	records := make([]map[string]any, len(list))
	for i, item := range list {
		records[i], _ = item.(map[string]any)
	}
	return records
}

// wholeNumber reads an integer that the schema has accepted; 0 for none.
func wholeNumber(value any) int64 {
	number, ok := value.(interface{ Int64() (int64, error) })
	if !ok {
		return 0
	}
	whole, err := number.Int64()
	if err != nil {
		return 0
	}
	return whole
}

func parseTopicRecords(object map[string]any) (any, []openapi.Problem) {
	type place struct {
		partition int32
		offset    int64
	}
	next, taken := map[int32]int64{}, map[place]bool{}
	records := &TopicRecords{}
	for i, item := range recordsOf(object) {
		record := TopicRecord{Key: item["key"], Value: item["value"], Partition: int32(wholeNumber(item["partition"]))}
		record.Offset = next[record.Partition]
		if item["offset"] != nil {
			record.Offset = wholeNumber(item["offset"])
		}
		at := place{record.Partition, record.Offset}
		if taken[at] {
			return nil, []openapi.Problem{{Path: index("spec.records", i) + ".offset",
				Expected: "an offset that no other record of the partition has", Got: fmt.Sprint(record.Offset)}}
		}
		taken[at] = true
		next[record.Partition] = record.Offset + 1
		headers := part(item, "headers")
		if len(headers) > 0 {
			record.Headers = make(map[string]string, len(headers))
			for name := range headers {
				record.Headers[name] = text(headers, name)
			}
		}
		records.Records = append(records.Records, record)
	}
	return records, nil
}

func settleTimestamps(tx *store.Tx, object map[string]any, value any) []openapi.Problem {
	for i, item := range recordsOf(object) {
		at, problems := momentOf(tx, item, index("spec.records", i), "ago", "timestamp")
		if len(problems) > 0 {
			return problems
		}
		value.(*TopicRecords).Records[i].Timestamp = at
	}
	return nil
}

// momentOf reads a time that is given as so long before the seed was loaded, or
// as a date; without either it is when the seed was loaded.
func momentOf(tx *store.Tx, object map[string]any, path, ago, date string) (time.Time, []openapi.Problem) {
	if given := text(object, ago); given != "" {
		d, err := time.ParseDuration(given)
		if err != nil || d < 0 {
			return time.Time{}, []openapi.Problem{{Path: path + "." + ago, Expected: "a duration such as 5m or 36h", Got: given}}
		}
		return tx.Epoch().Add(-d), nil
	}
	given := text(object, date)
	if given == "" {
		return tx.Epoch(), nil
	}
	at, err := time.Parse(time.RFC3339, given)
	if err != nil {
		return time.Time{}, []openapi.Problem{{Path: path + "." + date, Expected: "a date and time such as 2026-01-31T12:00:00Z", Got: given}}
	}
	return at.UTC(), nil
}
