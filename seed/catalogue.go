package seed

import (
	"slices"
	"sync"

	"github.com/mockduktor/mockduktor/openapi"
)

// kind is what a seed needs to know of a kind.
type kind struct {
	*openapi.Kind
	// own tells the emulator's kinds from Conduktor's.
	own bool
	// belongs are the fields of metadata that make a name unique beside it: the
	// parents in the path, and the owner where a kind has one.
	belongs []string
}

// catalogue is the kinds of both documents by name, versions oldest first. It
// is read out of the documents once.
var catalogue = sync.OnceValue(func() map[string][]*kind {
	byName := map[string][]*kind{}
	for _, document := range []*openapi.Document{openapi.Console(), openapi.Mock()} {
		for _, k := range document.Kinds() {
			belongs := slices.Clone(k.Parents)
			for _, owner := range k.Owner {
				belongs = append(belongs, owner.Name)
			}
			byName[k.Name] = append(byName[k.Name], &kind{Kind: k, own: document == openapi.Mock(), belongs: belongs})
		}
	}
	for _, versions := range byName {
		slices.SortStableFunc(versions, func(a, b *kind) int { return compareVersions(a.Version, b.Version) })
	}
	return byName
})

// compareVersions orders v2 before v10.
func compareVersions(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}
