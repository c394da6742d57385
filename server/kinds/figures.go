package kinds

import (
	"time"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/store"
)

// TopicFigures are the numbers of a topic that Console's indexer would find.
type TopicFigures struct {
	RecordCount    int64
	TopicSize      *int64 // bytes
	ProduceRate    float64
	LastActivityAt *time.Time
	Indexed        bool
}

// ConsumerGroup is a consumer group as Console's indexer would find it.
type ConsumerGroup struct {
	Name                string
	Labels              map[string]string
	State               string
	Members             int
	OverallLag          *int64
	MaxLagTimeInSeconds *int64
	Topics              []string
	Indexed             bool
}

func topicFiguresRule() *Rule {
	return &Rule{
		Check: func(c *Change) error {
			_, err := c.Tx.Resource("Topic", "v2", c.Key.Parents, c.Key.Name)
			if err != nil {
				return absent("metadata.name", "", "Topic %s not found on cluster %s", c.Key.Name, c.Key.Parents[0])
			}
			return nil
		},
		Parse: func(object map[string]any) (any, []openapi.Problem) {
			value, problems := typed[struct {
				Spec struct {
					RecordCount     int64
					TopicSize       *int64
					ProduceRate     float64
					LastActivityAt  *time.Time
					LastActivityAgo string
					Indexed         *bool
				}
			}](object)
			if len(problems) > 0 {
				return nil, problems
			}
			spec := value.Spec
			figures := &TopicFigures{RecordCount: spec.RecordCount, TopicSize: spec.TopicSize,
				ProduceRate: spec.ProduceRate, LastActivityAt: spec.LastActivityAt,
				Indexed: spec.Indexed == nil || *spec.Indexed}
			return figures, nil
		},
		Settle: func(tx *store.Tx, object map[string]any, value any) []openapi.Problem {
			ago := text(part(object, "spec"), "lastActivityAgo")
			if ago == "" {
				return nil
			}
			d, err := time.ParseDuration(ago)
			if err != nil || d < 0 {
				return []openapi.Problem{{Path: "spec.lastActivityAgo", Expected: "a duration such as 5m or 36h", Got: ago}}
			}
			at := tx.Epoch().Add(-d)
			value.(*TopicFigures).LastActivityAt = &at
			return nil
		},
	}
}

// groupVisible are the permissions that let somebody see a consumer group.
var groupVisible = []rbac.Permission{"consumerGroupView"}

func consumerGroupRule() *Rule {
	return &Rule{
		Access: Access{Read: onNamed(rbac.ResourceConsumerGroup, groupVisible...), Spans: spansOf(rbac.ResourceConsumerGroup, groupVisible...)},
		Parse: func(object map[string]any) (any, []openapi.Problem) {
			value, problems := typed[struct {
				Metadata struct {
					Name   string
					Labels map[string]string
				}
				Spec struct {
					State               string
					Members             int
					OverallLag          *int64
					MaxLagTimeInSeconds *int64
					Topics              []string
					Indexed             *bool
				}
			}](object)
			if len(problems) > 0 {
				return nil, problems
			}
			spec := value.Spec
			if spec.State == "" {
				spec.State = "Stable"
			}
			return &ConsumerGroup{Name: value.Metadata.Name, Labels: value.Metadata.Labels, State: spec.State,
				Members: spec.Members, OverallLag: spec.OverallLag, MaxLagTimeInSeconds: spec.MaxLagTimeInSeconds,
				Topics: spec.Topics, Indexed: spec.Indexed == nil || *spec.Indexed}, nil
		},
	}
}
