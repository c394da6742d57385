package seed

import (
	"cmp"
	"slices"
)

// Sort puts documents in the order in which they can be applied: what the
// identity provider knows (keys, people, clients), Conduktor's kinds in the
// order of the OpenAPI document (the order of the Conduktor CLI), then what
// speaks of those (API keys, consumer groups, figures). Within a kind the order
// stays: signing keys are used in the order in which they are written.
func Sort(docs []*Document) {
	slices.SortStableFunc(docs, func(a, b *Document) int {
		return cmp.Compare(rankOf(a.APIVersion, a.Kind), rankOf(b.APIVersion, b.Kind))
	})
}

// ownRank is where our own kinds stand around Conduktor's, which rank from 100.
var ownRank = map[string]int{
	"SigningKey":    0,
	"Person":        1,
	"Client":        2,
	"APIKey":        1000,
	"ConsumerGroup": 1001,
	"TopicFigures":  1002,
}

const conduktorRank = 100

func rankOf(apiVersion, kind string) int {
	k, fault := lookUp(apiVersion, kind)
	if fault != nil {
		return 2000
	}
	if !k.own {
		return conduktorRank + k.order
	}
	if rank, known := ownRank[kind]; known {
		return rank
	}
	return 1900 + k.order
}
