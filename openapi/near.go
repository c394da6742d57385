package openapi

import "strings"

// nearest returns the name that was probably meant, or "" when none is close:
// at most one slip for every three letters, where a slip is a letter too many,
// missing or wrong, or two swapped (optimal string alignment). Case is ignored.
func nearest(word string, known []string) string {
	best, bestCost := "", len(word)/3+1
	lower := strings.ToLower(word)
	for _, k := range known {
		if cost := distance(lower, strings.ToLower(k), bestCost); cost < bestCost {
			best, bestCost = k, cost
		}
	}
	return best
}

// distance counts the slips between a and b, or returns limit when there are not
// fewer.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	var before []int
	last, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := last[j]
			if a[i] != b[j] {
				cost++
			}
			row[j+1] = min(cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		next := before
		if next == nil {
			next = make([]int, len(b)+1)
		}
		before, last, row = last, row, next
	}
	return min(last[len(b)], limit)
}
