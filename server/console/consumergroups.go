package console

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/mockduktor/mockduktor/server/kinds"
)

const consumerGroupListPath = "/public/v1/clusters/{clusterName}/consumergroups"

// indexedConsumerGroup is a row of the v1 consumer group list.
type indexedConsumerGroup struct {
	Type                string            `json:"type"` // IndexedConsumerGroup
	Name                string            `json:"name"`
	State               string            `json:"state"`
	Members             int               `json:"members"`
	OverallLag          *int64            `json:"overallLag,omitempty"`
	MaxLagTimeInSeconds *int64            `json:"maxLagTimeInSeconds,omitempty"`
	Topics              []string          `json:"topics"`
	Labels              map[string]string `json:"labels"`
}

func listConsumerGroups(c *call) error {
	request, err := c.listBody(consumerGroupListPath)
	if err != nil {
		return err
	}
	tx := c.World.View()
	cluster, err := c.clusterParam(tx)
	if err != nil {
		return err
	}
	kind, err := c.Engine.Kind("mockduktor/v1", "ConsumerGroup")
	if err != nil {
		return err
	}
	live := c.Engine.Live(tx, c.World.Clock.Now())
	var rows []*kinds.ConsumerGroup
	for resource := range c.visible(tx, kind, c.Engine.Rule(kind), []string{cluster}) {
		group := live.Group(resource)
		if keepConsumerGroup(group, request.Filter) {
			rows = append(rows, group)
		}
	}
	sortConsumerGroups(rows, request.Sort, request.DescSort)
	return c.JSON(http.StatusOK, shownPage(rows, request, shownConsumerGroup))
}

func shownConsumerGroup(group *kinds.ConsumerGroup) any {
	if !group.Indexed {
		return notIndexed{Type: "NotIndexedConsumerGroup", Name: group.Name}
	}
	row := indexedConsumerGroup{Type: "IndexedConsumerGroup", Name: group.Name, State: group.State,
		Members: group.Members, OverallLag: group.OverallLag, MaxLagTimeInSeconds: group.MaxLagTimeInSeconds,
		Topics: group.Topics, Labels: group.Labels}
	if row.Topics == nil {
		row.Topics = []string{}
	}
	if row.Labels == nil {
		row.Labels = map[string]string{}
	}
	return row
}

func keepConsumerGroup(group *kinds.ConsumerGroup, filters []listFilter) bool {
	for _, filter := range filters {
		keep := true
		switch filter.Type {
		case "OnConsumerGroupName":
			keep = containsFold(group.Name, filter.Contains)
		case "OnState":
			keep = group.Indexed && slices.Contains(filter.OneOf, group.State)
		case "OnLabels":
			keep = hasLabel(group.Labels, filter)
		}
		if !keep {
			return false
		}
	}
	return true
}

// sortConsumerGroups orders as sortTopics does.
func sortConsumerGroups(rows []*kinds.ConsumerGroup, by string, descending bool) {
	if by == "ByName" {
		if descending {
			slices.Reverse(rows) // they came in name order
		}
		return
	}
	sign := 1
	if descending {
		sign = -1
	}
	slices.SortStableFunc(rows, func(a, b *kinds.ConsumerGroup) int {
		if a.Indexed != b.Indexed {
			if a.Indexed {
				return -1
			}
			return 1
		}
		switch by {
		case "ByState":
			return sign * cmp.Compare(a.State, b.State)
		case "ByMembers":
			return sign * cmp.Compare(a.Members, b.Members)
		case "ByOverallLag":
			return compareNumbers(a.OverallLag, b.OverallLag, sign)
		case "ByMaxLagTimeInSeconds":
			return compareNumbers(a.MaxLagTimeInSeconds, b.MaxLagTimeInSeconds, sign)
		}
		return 0
	})
}

// compareNumbers puts what has no number last, whatever the direction.
func compareNumbers(a, b *int64, sign int) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return sign * cmp.Compare(*a, *b)
}
