package glob_test

import (
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/server/glob"
)

func TestMatch(t *testing.T) {
	for _, one := range []struct {
		pattern, path string
		want          bool
	}{
		{"", "/anything", true},
		{"/public/v1/topics", "/public/v1/topics", true},
		{"/public/v1/topics", "/api/public/v1/topics", true},
		{"/public/v1/topics", "/apix/public/v1/topics", false},
		{"/public/v1/topics", "/public/v1/topics/x", false},
		{"/public/*/topics", "/public/v1/topics", true},
		{"/public/*/topics", "/public/v1/v2/topics", false},
		{"/public/**", "/public/v1/v2/topics", true},
		{"/public/**", "/publicity", false},
		{"**/topic", "/api/public/kafka/v2/cluster/c/topic", true},
		{"*/token", "/idp/token", false},
		{"/a.c", "/abc", false},
		{"/a.*", "/abc", false},
		{"/a\n*", "/a\nb", true},
	} {
		pattern, err := glob.Parse(one.pattern)
		if err != nil {
			t.Fatalf("Parse(%q): %v", one.pattern, err)
		}
		if got := pattern.Match(one.path); got != one.want {
			t.Errorf("%q matches %q: %v, want %v", one.pattern, one.path, got, one.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"public", "/" + strings.Repeat("x", 512), "/\xff*"} {
		if _, err := glob.Parse(text); err == nil {
			t.Errorf("Parse(%q) was accepted", text)
		}
	}
}
