package limits_test

import (
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/server/limits"
)

func TestSet(t *testing.T) {
	var l limits.Limits
	for _, text := range []string{"body=8M", "url = 512", "state=1G", "sessions=7", "journal=64K"} {
		if err := l.Set(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	want := limits.Limits{Body: 8 << 20, URL: 512, State: 1 << 30, Sessions: 7, Journal: 64 << 10}
	if l != want {
		t.Errorf("%+v, want %+v", l, want)
	}
	for text, say := range map[string]string{
		"": "expected one of connections", "bodies=1": "expected one of connections", "body": "body=N", "body=": "such as body=4M",
		"body=0": "above 0", "body=-1": "above 0", "body=1.5M": "whole number", "body=x": "whole number", "body=9999999999999": "whole number",
		"body=2000G": "whole number", "sandboxes=1T": "sandboxes=10000",
	} {
		before := l
		if err := l.Set(text); err == nil || !strings.Contains(err.Error(), say) || l != before {
			t.Errorf("%q: %v, want an error with %q and nothing changed", text, err, say)
		}
	}
}

func TestDefaultsAndNames(t *testing.T) {
	l := limits.Limits{Body: 5}.Or()
	if l.Body != 5 || l.Sessions == 0 || l.Or() != l {
		t.Errorf("%+v", l)
	}
	for _, name := range limits.Names() {
		var one limits.Limits
		if err := one.Set(name + "=3"); err != nil || one == (limits.Limits{}) {
			t.Errorf("%s: %v", name, err)
		}
		if text := limits.Explain(name, 3); !strings.Contains(text, "--limit "+name+"=") {
			t.Errorf("%s: %s", name, text)
		}
		if !strings.Contains(limits.Help(), name+"=") {
			t.Errorf("the help lacks %s", name)
		}
	}
	if err := (limits.Limits{Page: -1}).Check(); err == nil || !strings.Contains(err.Error(), "page=-1") {
		t.Errorf("below zero: %v", err)
	}
}

func TestDeeper(t *testing.T) {
	for text, depth := range map[string]int{
		``: 0, `1`: 0, `{}`: 1, `[[]]`: 2, `{"a":[{"b":1}]}`: 3, `["[[[[","\"[[[","\\"]`: 1, `[[],[],[[]]]`: 3, `"{`: 0, `[[[`: 3, `["\`: 1,
	} {
		if limits.Deeper([]byte(text), depth) || depth > 0 && !limits.Deeper([]byte(text), depth-1) {
			t.Errorf("%s: want a depth of %d", text, depth)
		}
	}
}
