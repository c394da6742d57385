package console

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mockduktor/mockduktor/server/kinds"
)

const topicListPath = "/public/v1/clusters/{clusterName}/topics"

// indexedTopic is a row of the v1 topic list with its numbers.
type indexedTopic struct {
	Type              string            `json:"type"` // IndexedTopic
	Name              string            `json:"name"`
	ReplicationFactor int               `json:"replicationFactor"`
	PartitionCount    int               `json:"partitionCount"`
	RecordCount       int64             `json:"recordCount"`
	TopicSize         *int64            `json:"topicSize,omitempty"`
	CleanupPolicy     string            `json:"cleanupPolicy,omitempty"`
	RetentionInSize   *int64            `json:"retentionInSize,omitempty"`
	RetentionInMs     *int64            `json:"retentionInMs,omitempty"`
	MinIsr            *int64            `json:"minIsr,omitempty"`
	Tags              []struct{}        `json:"tags"`
	Labels            map[string]string `json:"labels"`
	LastActivityAt    *time.Time        `json:"lastActivityAt,omitempty"`
	ProduceRate       float64           `json:"produceRate"`
}

// notIndexed is a row that the indexer has not reached yet: a name alone.
type notIndexed struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

// topicRow is a topic on its way into a page.
type topicRow struct {
	Name    string
	Topic   *kinds.Topic
	Figures *kinds.TopicFigures // nil when nobody gave any
}

func (r topicRow) policy() string { return cleanupPolicy(r.Topic.Configs["cleanup.policy"]) }

func listTopics(c *call) error {
	request, err := c.listBody(topicListPath)
	if err != nil {
		return err
	}
	tx := c.World.View()
	cluster, err := c.clusterParam(tx)
	if err != nil {
		return err
	}
	kind, err := c.Engine.Kind("v2", "Topic")
	if err != nil {
		return err
	}
	live := c.Engine.Live(tx, c.World.Clock.Now())
	var rows []topicRow
	for resource := range c.visible(tx, kind, c.Engine.Rule(kind), []string{cluster}) {
		row := topicRow{Name: resource.Name, Topic: resource.Value.(*kinds.Topic)}
		if keepTopic(row, request.Filter) {
			rows = append(rows, row)
		}
	}
	// The order by name needs no figures: those of the page are enough then.
	if request.Sort != "ByName" {
		for i := range rows {
			rows[i].Figures = live.FiguresOf(cluster, rows[i].Name)
		}
	}
	sortTopics(rows, request.Sort, request.DescSort)
	return c.JSON(http.StatusOK, shownPage(rows, request, func(row topicRow) any {
		if request.Sort == "ByName" {
			row.Figures = live.FiguresOf(cluster, row.Name)
		}
		return row.shown()
	}))
}

// cleanupPolicy normalises Kafka's list to the three values of the API.
func cleanupPolicy(config string) string {
	compact, remove := strings.Contains(config, "compact"), strings.Contains(config, "delete")
	switch {
	case compact && remove:
		return "compact,delete"
	case compact:
		return "compact"
	}
	return "delete" // Kafka's default
}

func (r topicRow) indexed() bool { return r.Figures == nil || r.Figures.Indexed }

func (r topicRow) shown() any {
	if !r.indexed() {
		return notIndexed{Type: "NotIndexedTopic", Name: r.Name}
	}
	row := indexedTopic{
		Type: "IndexedTopic", Name: r.Name,
		ReplicationFactor: r.Topic.ReplicationFactor, PartitionCount: r.Topic.Partitions,
		CleanupPolicy:   r.policy(),
		RetentionInMs:   number(r.Topic.Configs["retention.ms"]),
		RetentionInSize: number(r.Topic.Configs["retention.bytes"]),
		MinIsr:          number(r.Topic.Configs["min.insync.replicas"]),
		Tags:            []struct{}{}, // migrated to labels in Console 1.28
		Labels:          r.Topic.Labels,
	}
	if row.Labels == nil {
		row.Labels = map[string]string{}
	}
	if r.Figures != nil {
		row.RecordCount, row.TopicSize = r.Figures.RecordCount, r.Figures.TopicSize
		row.LastActivityAt, row.ProduceRate = r.Figures.LastActivityAt, r.Figures.ProduceRate
	}
	return row
}

func number(config string) *int64 {
	value, err := strconv.ParseInt(config, 10, 64)
	if err != nil {
		return nil
	}
	return &value
}

// keepTopic: all filters must match; contains ignores case, as a search field does.
func keepTopic(row topicRow, filters []listFilter) bool {
	for _, filter := range filters {
		keep := true
		switch filter.Type {
		case "TopicNameFilter":
			keep = containsFold(row.Name, filter.Contains)
		case "CleanupPolicyFilter":
			keep = slices.ContainsFunc(filter.OneOf, func(want string) bool { return cleanupPolicy(want) == row.policy() })
		case "LabelsFilter":
			keep = hasLabel(row.Topic.Labels, filter)
		case "TagsFilter":
			keep = len(filter.AtLeast) == 0 // no topic has tags any more
		case "HideInternal":
			keep = !strings.HasPrefix(row.Name, "_")
		case "HideStream":
			keep = !isStreams(row.Name)
		}
		if !keep {
			return false
		}
	}
	return true
}

// isStreams tells the internal topics of Kafka Streams by their endings.
func isStreams(name string) bool {
	for _, ending := range []string{"-changelog", "-repartition", "-subscription-registration-topic", "-subscription-response-topic"} {
		if strings.HasSuffix(name, ending) {
			return true
		}
	}
	return false
}

func containsFold(name, part string) bool {
	return strings.Contains(strings.ToLower(name), strings.ToLower(part))
}

// hasLabel: without values the label's presence suffices.
func hasLabel(labels map[string]string, filter listFilter) bool {
	value, present := labels[filter.Key]
	return present && (len(filter.Values) == 0 || slices.Contains(filter.Values, value))
}

// sortTopics orders by the field asked for, then by name; what has no value
// (a topic not indexed yet, an unset config) comes last either way.
func sortTopics(rows []topicRow, by string, descending bool) {
	if by == "ByName" {
		if descending {
			slices.Reverse(rows) // they came in name order
		}
		return
	}
	slices.SortStableFunc(rows, func(a, b topicRow) int {
		x, y := a.rank(by), b.rank(by)
		switch {
		case x == nil && y == nil:
			return 0
		case x == nil:
			return 1
		case y == nil:
			return -1
		case descending:
			return cmp.Compare(*y, *x)
		}
		return cmp.Compare(*x, *y)
	})
}

// policyRanks orders the cleanup policies by their names.
var policyRanks = map[string]float64{"compact": 0, "compact,delete": 1, "delete": 2}

func (r topicRow) rank(by string) *float64 {
	if !r.indexed() {
		return nil
	}
	figures := r.Figures
	if figures == nil {
		figures = &kinds.TopicFigures{}
	}
	var value float64
	switch by {
	case "ByReplicationFactor":
		value = float64(r.Topic.ReplicationFactor)
	case "ByNumPartition":
		value = float64(r.Topic.Partitions)
	case "ByMessageCount":
		value = float64(figures.RecordCount)
	case "ByProduceRate":
		value = figures.ProduceRate
	case "ByCleanupPolicy":
		value = policyRanks[r.policy()]
	case "ByTopicSizeByte":
		return float(figures.TopicSize)
	case "ByRetentionTimes":
		return float(number(r.Topic.Configs["retention.ms"]))
	case "ByMinIsr":
		return float(number(r.Topic.Configs["min.insync.replicas"]))
	case "ByLastActivityAt":
		if figures.LastActivityAt == nil {
			return nil
		}
		value = float64(figures.LastActivityAt.UnixNano())
	}
	return &value
}

func float(value *int64) *float64 {
	if value == nil {
		return nil
	}
	f := float64(*value)
	return &f
}
