package glob_test

import (
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/server/glob"
)

// FuzzMatch: a pattern that is accepted fits exactly the paths that the rules in
// words say, and keeps its text.
func FuzzMatch(f *testing.F) {
	for _, one := range [][2]string{
		{"/public/*/topics", "/api/public/v1/topics"}, {"/public/**", "/public/v1/v2/topics"}, {"**/topic", "/api"},
		{"/***/a*b", "/x/a/b"}, {"*", "/api/"}, {"/a\n*", "/a\nb"}, {"/é*", "/é\xff"}, {"/\ufffd*", "/\xff"}, {"/[a-z]+(*", "/[a-z]+("}, {"/api/**", "/api/api"},
		{"/" + strings.Repeat("*a", 20), "/" + strings.Repeat("a", 40)},
	} {
		f.Add(one[0], one[1])
	}
	f.Fuzz(func(t *testing.T, text, path string) {
		pattern, err := glob.Parse(text)
		if err != nil || len(path) > 2000 { // the table grows with both
			return
		}
		if pattern.String() != text {
			t.Fatalf("%q became %q", text, pattern)
		}
		want := text == "" || fits(text, path)
		if rest, found := strings.CutPrefix(path, "/api"); found && strings.HasPrefix(rest, "/") {
			want = want || fits(text, rest)
		}
		if got := pattern.Match(path); got != want {
			t.Fatalf("%q matches %q: %v, want %v", text, path, got, want)
		}
	})
}

// fits fills a table: which beginnings of the path the pattern has used up so far.
func fits(pattern, path string) bool {
	if !strings.Contains(pattern, "*") {
		return pattern == path
	}
	// A byte that is no UTF-8 counts as U+FFFD.
	wanted, given := []rune(pattern), []rune(path)
	reached := make([]bool, len(given)+1)
	reached[0] = true
	for i := 0; i < len(wanted); {
		next := make([]bool, len(given)+1)
		stars := 0
		for i+stars < len(wanted) && wanted[i+stars] == '*' {
			stars++
		}
		for at := range reached {
			switch {
			case stars > 0:
				next[at] = reached[at] || at > 0 && next[at-1] && (stars > 1 || given[at-1] != '/')
			case at > 0:
				next[at] = reached[at-1] && given[at-1] == wanted[i]
			}
		}
		reached = next
		i += max(stars, 1)
	}
	return reached[len(given)]
}
