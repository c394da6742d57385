package rbac_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/rbac"
	"pgregory.net/rapid"
)

func TestMapping(t *testing.T) {
	m, problems := rbac.NewMapping([]rbac.MappingRule{
		{Target: "checkout-devs", External: []string{"idp-checkout", "second"}},
		{Target: "ops", External: []string{"idp-ops"}, Regex: []string{"LDAP*"}},
		{Target: "teams", Regex: []string{"^TEAM-.*"}},
		{Target: "auditors", Regex: []string{"audit", "^x$"}},
		{Target: "whole", Regex: []string{"a|ab"}, FullMatch: true},
		{Target: "checkout-too", External: []string{"idp-checkout"}},
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	tests := []struct {
		name  string
		claim []string
		want  []rbac.Mapped
	}{
		{"no claim", nil, nil},
		{"unknown", []string{"nobody"}, nil},
		{"exact, two targets", []string{"idp-checkout"}, []rbac.Mapped{{"checkout-devs", "idp-checkout", "exact"}, {"checkout-too", "idp-checkout", "exact"}}},
		{"exact is case-sensitive", []string{"IDP-checkout"}, nil},
		{"exact is the whole name", []string{"idp-checkout2"}, nil},
		{"a leading slash is part of the name", []string{"/idp-checkout"}, nil},
		{"the product's sample finds LDAP groups", []string{"LDAP-admins"}, []rbac.Mapped{{"ops", "LDAP-admins", "LDAP*"}}},
		{"the product's sample is a regex, no glob", []string{"LDA"}, []rbac.Mapped{{"ops", "LDA", "LDAP*"}}},
		{"regex is found anywhere", []string{"it-audit-eu"}, []rbac.Mapped{{"auditors", "it-audit-eu", "audit"}}},
		{"anchored", []string{"my-TEAM-a"}, nil},
		{"regex is case-sensitive", []string{"team-a"}, nil},
		{"one row a target, the first value", []string{"TEAM-b", "TEAM-a"}, []rbac.Mapped{{"teams", "TEAM-b", "^TEAM-.*"}}},
		{"exact before regex for the same value", []string{"idp-ops"}, []rbac.Mapped{{"ops", "idp-ops", "exact"}}},
		{"an earlier value's regex before a later exact one", []string{"LDAP-x", "idp-ops"}, []rbac.Mapped{{"ops", "LDAP-x", "LDAP*"}}},
		{"full match takes the longer branch", []string{"ab"}, []rbac.Mapped{{"whole", "ab", "a|ab"}}},
		{"full match leaves nothing over", []string{"abc", "xab"}, nil},
		{"sorted by target", []string{"TEAM-a", "idp-ops", "audit"}, []rbac.Mapped{{"auditors", "audit", "audit"}, {"ops", "idp-ops", "exact"}, {"teams", "TEAM-a", "^TEAM-.*"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := m.Match(tt.claim); !slices.Equal(got, tt.want) {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestMappingProblems(t *testing.T) {
	m, problems := rbac.NewMapping([]rbac.MappingRule{
		{Target: "good", Regex: []string{"fine"}},
		{Target: "bad", External: []string{"still-exact"}, Regex: []string{"fine", `(?<=x)y`, `(a)\1`, `(`}},
	})
	var paths []string
	for _, p := range problems {
		paths = append(paths, p.Path)
		if !strings.HasPrefix(p.Reason, "bad: ") || !strings.Contains(p.Reason, "RE2") {
			t.Errorf("reason %q names neither the group nor the syntax", p.Reason)
		}
	}
	if want := []string{"[1].externalGroupRegex[1]", "[1].externalGroupRegex[2]", "[1].externalGroupRegex[3]"}; !slices.Equal(paths, want) {
		t.Errorf("paths %q, want %q", paths, want)
	}
	if got := m.Match([]string{"fine", "still-exact"}); len(got) != 2 {
		t.Errorf("the rest does not work: %+v", got)
	}
}

func TestMappingAgainstOracle(t *testing.T) {
	expressions := []string{"a", "^a", "b$", "a.*b", "LDAP*", "^$", "a|b"}
	rapid.Check(t, func(t *rapid.T) {
		rules := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) rbac.MappingRule {
			return rbac.MappingRule{
				Target:    rapid.SampledFrom([]string{"t1", "t2", "t3"}).Draw(t, "target"),
				External:  rapid.SliceOfN(rapid.StringMatching(`[abL]{0,3}`), 0, 3).Draw(t, "external"),
				Regex:     rapid.SliceOfN(rapid.SampledFrom(expressions), 0, 2).Draw(t, "regex"),
				FullMatch: rapid.Bool().Draw(t, "full"),
			}
		}), 0, 5).Draw(t, "rules")
		claim := rapid.SliceOfN(rapid.StringMatching(`[abL]{0,4}`), 0, 4).Draw(t, "claim")
		m, problems := rbac.NewMapping(rules)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		got := m.Match(claim)
		var want []string
		for _, target := range []string{"t1", "t2", "t3"} {
			hit := false
			for _, rule := range rules {
				for _, name := range claim {
					if rule.Target != target {
						continue
					}
					hit = hit || in(rule.External, name)
					for _, e := range rule.Regex {
						if rule.FullMatch {
							e = "^(?:" + e + ")$"
						}
						hit = hit || regexp.MustCompile(e).MatchString(name)
					}
				}
			}
			if hit {
				want = append(want, target)
			}
		}
		var targets []string
		for _, row := range got {
			targets = append(targets, row.Target)
			if !in(claim, row.External) {
				t.Fatalf("%+v names a value that the claim lacks", row)
			}
		}
		if !slices.Equal(targets, want) {
			t.Fatalf("targets %v, want %v", targets, want)
		}
	})
}
