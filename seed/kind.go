package seed

import (
	"regexp"
	"slices"
	"strings"
)

// ownAPIVersion is the apiVersion of the kinds that are not Conduktor's.
const ownAPIVersion = "mockduktor/v1"

var versionPattern = regexp.MustCompile(`v[0-9]+`)

// lookUp finds the kind of a resource. For Conduktor's kinds the first v<digits>
// of apiVersion counts, as the Conduktor CLI reads it. The fault has field,
// problem and remedy only.
func lookUp(apiVersion, name string) (*kind, *Fault) {
	versions := catalogue()[name]
	if len(versions) == 0 {
		return nil, &Fault{Field: "kind", Problem: "there is no kind " + name, Remedy: nearKinds(name)}
	}
	var known []string
	for _, k := range versions {
		if k.reads(apiVersion) {
			return k, nil
		}
		known = append(known, k.apiVersion())
	}
	return nil, &Fault{
		Field:   "apiVersion",
		Problem: name + " has no version " + apiVersion,
		Remedy:  "write apiVersion: " + strings.Join(known, " or "),
	}
}

func (k *kind) reads(apiVersion string) bool {
	if k.own || strings.HasPrefix(apiVersion, "mockduktor/") {
		return k.own && apiVersion == ownAPIVersion
	}
	return apiVersion == k.Version || versionPattern.FindString(apiVersion) == k.Version
}

// apiVersionOf is the newest apiVersion of a kind, for remedies.
func apiVersionOf(name string) string {
	if versions := catalogue()[name]; len(versions) > 0 {
		return versions[len(versions)-1].apiVersion()
	}
	return "v2"
}

func (k *kind) apiVersion() string {
	if k.own {
		return ownAPIVersion
	}
	return k.Version
}

// nearKinds is a remedy that names the kinds nearest to name, all when none is
// near.
func nearKinds(name string) string {
	if name == "List" {
		return "write its items as documents, separated by a line ---"
	}
	var known []string
	for n := range catalogue() {
		known = append(known, n)
	}
	slices.Sort(known)
	if near := nearest(name, known); len(near) > 0 {
		return "did you mean " + strings.Join(near, " or ") + "?"
	}
	return "known are " + strings.Join(known, ", ")
}

// nearest are the known names within an edit distance of a third of their
// length, nearest first; case does not count.
func nearest(name string, known []string) []string {
	type candidate struct {
		name string
		far  int
	}
	var near []candidate
	for _, k := range known {
		far := distance(strings.ToLower(name), strings.ToLower(k))
		if far <= max(1, len(k)/3) {
			near = append(near, candidate{k, far})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return a.far - b.far })
	var names []string
	for _, c := range near[:min(3, len(near))] {
		names = append(names, c.name)
	}
	return names
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
