package kinds

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/store"
)

// Topic is the typed form of a topic, as far as lists show it.
type Topic struct {
	Labels            map[string]string
	Partitions        int
	ReplicationFactor int
	Configs           map[string]string
}

// topicVisible are the permissions that let somebody see a topic.
var topicVisible = []rbac.Permission{"topicViewConfig", "topicConsume", "topicProduce"}

func topicRule() *Rule {
	return &Rule{
		Access: Access{
			Read:        onNamed(rbac.ResourceTopic, topicVisible...),
			Create:      onNamed(rbac.ResourceTopic, "topicCreate"),
			Update:      onNamed(rbac.ResourceTopic, "topicEditConfig"),
			Delete:      onNamed(rbac.ResourceTopic, "topicDelete"),
			Spans:       spansOf(rbac.ResourceTopic, topicVisible...),
			InstanceKey: true,
		},
		Prepare: prepareTopic,
		Check:   checkTopic,
		Guard:   guardTopic,
		Managed: dropOwnerLabels,
		Show:    showOwnerLabels(rbac.ResourceTopic),
		Parse:   parseTopic,
		Deleted: topicDeleted,
	}
}

// topicDeleted takes along what is known of a topic's messages.
func topicDeleted(e *Engine, tx *store.Tx, r *store.Resource) error {
	for _, kind := range []string{"TopicFigures", "IndexedTopic", TopicRecordsKind} {
		below, err := tx.Resource(kind, "v1", r.Parents, r.Name)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if err := e.remove(tx, below); err != nil {
			return err
		}
	}
	return nil
}

// maxTopicName is Kafka's limit, in characters.
const maxTopicName = 249

// isTopicName is Kafka's own rule for topic names.
func isTopicName(name string) bool {
	if name == "" || name == "." || name == ".." || len(name) > maxTopicName {
		return false
	}
	return strings.IndexFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-')
	}) < 0
}

// prepareTopic turns config values into strings, as Console returns them since 1.26.
func prepareTopic(object map[string]any) {
	configs := part(part(object, "spec"), "configs")
	for name, value := range configs {
		switch value := value.(type) {
		case json.Number:
			configs[name] = value.String()
		case bool:
			configs[name] = fmt.Sprint(value)
		}
	}
}

func checkTopic(c *Change) error {
	if name := c.Key.Name; !isTopicName(name) {
		return invalid("metadata.name", "expected a Kafka topic name (letters, digits, '.', '_', '-'; at most %d), got %q", maxTopicName, name)
	}
	if err := checkFormerLabels(c); err != nil {
		return err
	}
	if c.Old == nil {
		return nil
	}
	old := c.Old.Value.(*Topic)
	spec := part(c.Object, "spec")
	for _, fixed := range []struct {
		field string
		have  int
	}{{"partitions", old.Partitions}, {"replicationFactor", old.ReplicationFactor}} {
		if want := fmt.Sprint(spec[fixed.field]); want != fmt.Sprint(fixed.have) {
			return conflict("spec."+fixed.field, "%s of topic %s cannot change from %d to %s: it is fixed when the topic is created",
				fixed.field, c.Key.Name, fixed.have, want)
		}
	}
	return nil
}

func parseTopic(object map[string]any) (any, []openapi.Problem) {
	value, problems := typed[struct {
		Metadata struct{ Labels map[string]string }
		Spec     struct {
			Partitions        int
			ReplicationFactor int
			Configs           map[string]string
		}
	}](object)
	if len(problems) > 0 {
		return nil, problems
	}
	return &Topic{Labels: value.Metadata.Labels, Partitions: value.Spec.Partitions,
		ReplicationFactor: value.Spec.ReplicationFactor, Configs: value.Spec.Configs}, nil
}

// FiguresOf returns the figures of a topic; nil when nobody gave any.
func (l Live) FiguresOf(cluster, topic string) *TopicFigures {
	figures, err := l.tx.Resource("TopicFigures", "v1", []string{cluster}, topic)
	if err != nil {
		return nil
	}
	return l.Topic(figures)
}
