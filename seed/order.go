package seed

import "slices"

// Sort puts documents in the order in which they can be applied: what the
// identity provider knows (keys, people, clients), Conduktor's kinds in the
// order of the OpenAPI document (the order of the Conduktor CLI), then what
// speaks of those (API keys, consumer groups, figures). Within a kind the order
// stays: signing keys are used in the order in which they are written.
func Sort(docs []*Document) {
	ranks := make(map[*Document]int, len(docs))
	for _, d := range docs {
		ranks[d] = rankOf(d.APIVersion, d.Kind)
	}
	slices.SortStableFunc(docs, func(a, b *Document) int { return ranks[a] - ranks[b] })
}

// Ranks: the emulator's own kinds stand around Conduktor's.
const (
	conduktorRank = 100
	laterRank     = 10_000
	unknownRank   = 20_000
)

// identityKinds need nothing that the Console holds.
var identityKinds = []string{"SigningKey", "Person", "Client", "Provider"}

func rankOf(apiVersion, name string) int {
	k, fault := lookUp(apiVersion, name)
	switch {
	case fault != nil:
		return unknownRank
	case !k.own:
		return conduktorRank + k.Order
	case slices.Contains(identityKinds, name):
		return slices.Index(identityKinds, name)
	}
	return laterRank + k.Order
}
