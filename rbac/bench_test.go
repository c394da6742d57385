package rbac_test

import (
	"fmt"
	"testing"

	"github.com/mockduktor/mockduktor/rbac"
)

// thousand is a principal with 1,000 grants over ten clusters: prefixes, nested
// prefixes, literals and a few connectors.
func thousand() []rbac.Grant {
	var grants []rbac.Grant
	for i := range 1000 {
		cluster := fmt.Sprintf("cluster-%d", i%10)
		switch i % 5 {
		case 0, 1:
			grants = append(grants, topic(cluster, "PREFIXED", fmt.Sprintf("team-%03d.", i), "topicViewConfig", "topicConsume"))
		case 2:
			grants = append(grants, topic(cluster, "PREFIXED", fmt.Sprintf("team-%03d.inner.", i-1), "topicProduce"))
		case 3:
			grants = append(grants, topic(cluster, "LITERAL", fmt.Sprintf("shared.%03d", i), "topicConsume"))
		default:
			grants = append(grants, rbac.Grant{Resource: "KAFKA_CONNECT", Cluster: cluster, Connect: "c1", Pattern: "PREFIXED", Name: fmt.Sprintf("team-%03d.", i),
				Permissions: []rbac.Permission{"kafkaConnectorViewConfig"}})
		}
	}
	return append(grants, rbac.Everyone()...)
}

var view = []rbac.Permission{"topicViewConfig", "topicConsume", "topicProduce"}

// asked are one need for each way through the index, all allowed by thousand.
func asked() map[string]rbac.Need {
	on := func(cluster, name string) rbac.Need {
		return rbac.Need{Resource: "TOPIC", Cluster: cluster, Name: name, AnyOf: view}
	}
	return map[string]rbac.Need{
		"prefix":   on("cluster-0", "team-500.orders.v1"),
		"nested":   on("cluster-1", "team-501.inner.orders.v1"),
		"literal":  on("cluster-3", "shared.503"),
		"connect":  {Resource: "KAFKA_CONNECT", Cluster: "cluster-4", Connect: "c1", Name: "team-504.sink", AnyOf: []rbac.Permission{"kafkaConnectorViewConfig"}},
		"platform": {Resource: "PLATFORM", AnyOf: []rbac.Permission{"taasView"}},
	}
}

func TestAllowedDecisionDoesNotAllocate(t *testing.T) {
	subjects := map[string]*rbac.Subject{
		"thousand grants": rbac.NewSubject(nil, thousand()),
		"admin":           rbac.NewSubject(&rbac.Source{Kind: rbac.SourceAdmin, Name: "group admin"}, nil),
	}
	for who, s := range subjects {
		for name, n := range asked() {
			allowed := 0
			if a := testing.AllocsPerRun(100, func() {
				if s.Decide(n).Allowed && s.Allows(n) && s.CanAny(n.Resource, n.Cluster, n.AnyOf...) {
					allowed++
				}
			}); a != 0 || allowed == 0 {
				t.Errorf("%s, %s: %v allocations, allowed %d times", who, name, a, allowed)
			}
		}
		// A need written on the spot must stay on the stack.
		if a := testing.AllocsPerRun(100, func() {
			if !s.Decide(rbac.Need{Resource: "PLATFORM", AnyOf: []rbac.Permission{"taasView", "userView"}}).Allowed {
				t.Error("refused")
			}
		}); a != 0 {
			t.Errorf("%s: a need written on the spot costs %v allocations", who, a)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	s := rbac.NewSubject(nil, thousand())
	for name, n := range asked() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !s.Decide(n).Allowed {
					b.Fatal("refused")
				}
			}
		})
	}
	b.Run("refused", func(b *testing.B) {
		n := rbac.Need{Resource: "TOPIC", Cluster: "cluster-0", Name: "nobody.orders", AnyOf: view}
		b.ReportAllocs()
		for b.Loop() {
			if s.Decide(n).Allowed {
				b.Fatal("allowed")
			}
		}
	})
	b.Run("refused without words", func(b *testing.B) {
		n := rbac.Need{Resource: "TOPIC", Cluster: "cluster-0", Name: "nobody.orders", AnyOf: view}
		b.ReportAllocs()
		for b.Loop() {
			if s.Allows(n) {
				b.Fatal("allowed")
			}
		}
	})
}

func BenchmarkSpans(b *testing.B) {
	s := rbac.NewSubject(nil, thousand())
	b.ReportAllocs()
	for b.Loop() {
		if s.Spans("TOPIC", "cluster-0", "", view...).Empty() {
			b.Fatal("empty")
		}
	}
}

func BenchmarkNewSubject(b *testing.B) {
	grants := thousand()
	b.ReportAllocs()
	for b.Loop() {
		rbac.NewSubject(nil, grants)
	}
}

func BenchmarkParsePermissions(b *testing.B) {
	var list []any
	for _, g := range thousand() {
		list = append(list, g.V2())
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := rbac.ParsePermissions(list, rbac.Source{}); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}

func BenchmarkMapping(b *testing.B) {
	var rules []rbac.MappingRule
	for i := range 200 {
		rules = append(rules, rbac.MappingRule{Target: fmt.Sprintf("group-%d", i), External: []string{fmt.Sprintf("idp-%d", i)}, Regex: []string{fmt.Sprintf("^TEAM-%d-", i)}})
	}
	m, _ := rbac.NewMapping(rules)
	claim := []string{"idp-7", "TEAM-8-x", "nobody", "idp-100"}
	b.ReportAllocs()
	for b.Loop() {
		if len(m.Match(claim)) != 3 {
			b.Fatal("wrong match")
		}
	}
}
