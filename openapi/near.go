package openapi

import "strings"

// nearest returns the name that was probably meant, or "" when none is close:
// same letters in another case, or an edit distance (Levenshtein) of at most a
// third of the length.
func nearest(word string, known []string) string {
	best, bestCost := "", len(word)/3+1
	lower := strings.ToLower(word)
	for _, k := range known {
		cost := distance(lower, strings.ToLower(k), bestCost)
		if cost < bestCost {
			best, bestCost = k, cost
		}
	}
	return best
}

// distance is the edit distance of a and b, or limit when it is not below it.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		least := row[0]
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, diagonal+1, row[j]+1)
			least = min(least, row[j+1])
		}
		if least >= limit {
			return limit
		}
	}
	return min(row[len(b)], limit)
}
