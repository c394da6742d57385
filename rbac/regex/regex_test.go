package regex_test

import (
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/rbac/regex"
)

func TestCompile(t *testing.T) {
	for _, text := range []string{
		"", "^team-[a-z]{1,50}-(dev|ops)$", "LDAP*", ".{0,1000}", "(a{30}){30}", "^(a+)+$", `\p{L}{1,200}`,
		strings.Repeat("a|", 2000) + "a",
	} {
		if _, err := regex.Compile(text); err != nil {
			t.Errorf("%.40q: %v", text, err)
		}
	}
	for text, want := range map[string]string{
		"(": "missing closing",
		"a{1000}b{1000}c{1000}d{1000}e{1000}f{1000}": "repeats are written out",
		"(" + strings.Repeat("[ab]c", 60) + "){100}": "repeats are written out",
		"(x{1000}){1000}":                "repeat",
		"(((a{0,99}){0,99}b){0,99}){9,}": "repeat",
		strings.Repeat("a", 4<<10+1):     "longer than 4096 bytes",
		strings.Repeat("(", 5000):        "",
	} {
		_, err := regex.Compile(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want an error with %q", text, err, want)
		}
	}
}
