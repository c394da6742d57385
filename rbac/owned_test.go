package rbac_test

import (
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/rbac"
	"pgregory.net/rapid"
)

func TestOwnedPatterns(t *testing.T) {
	r := func(kind rbac.ResourceType, pattern, name string) rbac.InstanceResource {
		return rbac.InstanceResource{Resource: kind, Pattern: rbac.PatternType(pattern), Name: name}
	}
	connector := func(connect, name string) rbac.InstanceResource {
		return rbac.InstanceResource{Resource: "KAFKA_CONNECT", Connect: connect, Pattern: "PREFIXED", Name: name}
	}
	tests := []struct {
		name             string
		a, b             rbac.InstanceResource
		overlaps, covers bool
	}{
		{"the same", r("TOPIC", "PREFIXED", "a."), r("TOPIC", "PREFIXED", "a."), true, true},
		{"parent prefix", r("TOPIC", "PREFIXED", "a."), r("TOPIC", "PREFIXED", "a.b."), true, true},
		{"child prefix", r("TOPIC", "PREFIXED", "a.b."), r("TOPIC", "PREFIXED", "a."), true, false},
		{"literal inside", r("TOPIC", "PREFIXED", "a."), r("TOPIC", "LITERAL", "a.b"), true, true},
		{"literal around", r("TOPIC", "LITERAL", "a.b"), r("TOPIC", "PREFIXED", "a."), true, false},
		{"a literal does not cover the prefix of its name", r("TOPIC", "LITERAL", "a"), r("TOPIC", "PREFIXED", "a"), true, false},
		{"literals", r("TOPIC", "LITERAL", "a"), r("TOPIC", "LITERAL", "ab"), false, false},
		{"side by side", r("TOPIC", "PREFIXED", "a."), r("TOPIC", "PREFIXED", "b."), false, false},
		{"another type", r("TOPIC", "PREFIXED", "a."), r("SUBJECT", "PREFIXED", "a."), false, false},
		{"transactional ids", r("", "PREFIXED", "a-"), r("", "LITERAL", "a-1"), true, true},
		{"one connect cluster", connector("c1", "a."), connector("c1", "a.b."), true, true},
		{"two connect clusters", connector("c1", "a."), connector("c2", "a.b."), false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.a.Overlaps(tt.b); got != tt.overlaps {
				t.Errorf("Overlaps = %v", got)
			}
			if got := tt.b.Overlaps(tt.a); got != tt.overlaps {
				t.Errorf("Overlaps the other way = %v", got)
			}
			if got := tt.a.Covers(tt.b); got != tt.covers {
				t.Errorf("Covers = %v", got)
			}
		})
	}
}

// Two letters and names of at most three: few enough to try every one of them.
func TestOwnedPatternsAgainstOracle(t *testing.T) {
	var every []string
	for queue := []string{""}; len(queue) > 0; queue = queue[1:] {
		if every = append(every, queue[0]); len(queue[0]) < 5 {
			queue = append(queue, queue[0]+"a", queue[0]+"b")
		}
	}
	resource := rapid.Custom(func(t *rapid.T) rbac.InstanceResource {
		return rbac.InstanceResource{
			Resource: rbac.ResourceTopic,
			Pattern:  rapid.SampledFrom([]rbac.PatternType{"LITERAL", "PREFIXED"}).Draw(t, "pattern"),
			Name:     rapid.StringMatching(`[ab]{1,3}`).Draw(t, "name"),
		}
	})
	matches := func(r rbac.InstanceResource, name string) bool {
		return r.Name == name || r.Pattern == "PREFIXED" && strings.HasPrefix(name, r.Name)
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := resource.Draw(t, "a"), resource.Draw(t, "b")
		common, all := false, true
		for _, name := range every {
			if got := a.Matches(name); got != matches(a, name) {
				t.Fatalf("%+v matches %q: %v", a, name, got)
			}
			owner := rbac.Instance{Resources: []rbac.InstanceResource{a, b}}
			if got := owner.Owns("TOPIC", "", name); got != (matches(a, name) || matches(b, name)) {
				t.Fatalf("%+v owns %q: %v", owner, name, got)
			}
			common = common || matches(a, name) && matches(b, name)
			all = all && (matches(a, name) || !matches(b, name))
		}
		if got := a.Overlaps(b); got != common {
			t.Fatalf("%+v overlaps %+v: %v", a, b, got)
		}
		if got := a.Covers(b); got != all {
			t.Fatalf("%+v covers %+v: %v", a, b, got)
		}
	})
}
