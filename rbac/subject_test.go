package rbac_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/rbac"
	"pgregory.net/rapid"
)

func TestCatalogue(t *testing.T) {
	for r, want := range permissionsByType {
		if got := rbac.PermissionsOf(r); !slices.Equal(got, want) {
			t.Errorf("PermissionsOf(%s) = %v, want %v", r, got, want)
		}
		for other, permissions := range permissionsByType {
			for _, p := range permissions {
				if got := rbac.Valid(r, p); got != (r == other) {
					t.Errorf("Valid(%s, %s) = %v", r, p, got)
				}
			}
		}
	}
	if rbac.PermissionsOf("Topic") != nil || rbac.Valid("Topic", "topicConsume") || rbac.Valid("TOPIC", "topicRead") {
		t.Error("unknown names are taken for known ones")
	}
}

func topic(cluster, pattern, name string, permissions ...rbac.Permission) rbac.Grant {
	return rbac.Grant{
		Resource: rbac.ResourceTopic, Cluster: cluster, Pattern: rbac.PatternType(pattern), Name: name,
		Permissions: permissions, Source: rbac.Source{Kind: rbac.SourceGroup, Name: "checkout-devs"},
	}
}

func TestDecide(t *testing.T) {
	consume := []rbac.Permission{"topicConsume"}
	view := []rbac.Permission{"topicViewConfig", "topicConsume", "topicProduce"}
	on := func(cluster, name string, anyOf []rbac.Permission) rbac.Need {
		return rbac.Need{Resource: rbac.ResourceTopic, Cluster: cluster, Name: name, AnyOf: anyOf}
	}
	connect := func(cluster, connect, pattern, name string) rbac.Grant {
		return rbac.Grant{Resource: "KAFKA_CONNECT", Cluster: cluster, Connect: connect, Pattern: rbac.PatternType(pattern), Name: name,
			Permissions: []rbac.Permission{"kafkaConnectRestart"}}
	}
	restart := func(cluster, connect, name string) rbac.Need {
		return rbac.Need{Resource: "KAFKA_CONNECT", Cluster: cluster, Connect: connect, Name: name, AnyOf: []rbac.Permission{"kafkaConnectRestart"}}
	}
	tests := []struct {
		name   string
		grants []rbac.Grant
		need   rbac.Need
		want   bool
	}{
		{"literal is equality", []rbac.Grant{topic("dev", "LITERAL", "checkout.paid", consume...)}, on("dev", "checkout.paid", consume), true},
		{"literal is no prefix", []rbac.Grant{topic("dev", "LITERAL", "checkout", consume...)}, on("dev", "checkout.paid", consume), false},
		{"prefix", []rbac.Grant{topic("dev", "PREFIXED", "checkout.", consume...)}, on("dev", "checkout.paid", consume), true},
		{"prefix matches itself", []rbac.Grant{topic("dev", "PREFIXED", "checkout.", consume...)}, on("dev", "checkout.", consume), true},
		{"prefix is not a fragment", []rbac.Grant{topic("dev", "PREFIXED", "checkout.", consume...)}, on("dev", "old-checkout.paid", consume), false},
		{"prefix longer than the name", []rbac.Grant{topic("dev", "PREFIXED", "checkout.paid", consume...)}, on("dev", "checkout.", consume), false},
		{"case matters", []rbac.Grant{topic("dev", "PREFIXED", "checkout.", consume...)}, on("dev", "Checkout.paid", consume), false},
		{"literal star is everything", []rbac.Grant{topic("dev", "LITERAL", "*", consume...)}, on("dev", "anything", consume), true},
		{"star inside a literal is no wildcard", []rbac.Grant{topic("dev", "LITERAL", "check*", consume...)}, on("dev", "checkout", consume), false},
		{"other cluster", []rbac.Grant{topic("dev", "LITERAL", "*", consume...)}, on("prod", "anything", consume), false},
		{"cluster star for topics", []rbac.Grant{topic("*", "PREFIXED", "a.", consume...)}, on("prod", "a.b", consume), true},
		{"cluster star beside a narrower one", []rbac.Grant{topic("dev", "LITERAL", "x", consume...), topic("*", "PREFIXED", "a.", consume...)}, on("dev", "a.b", consume), true},
		{"one of several suffices", []rbac.Grant{topic("dev", "LITERAL", "a", "topicProduce")}, on("dev", "a", view), true},
		{"another permission does not", []rbac.Grant{topic("dev", "LITERAL", "a", "topicDelete")}, on("dev", "a", view), false},
		{"union over prefixes of prefixes", []rbac.Grant{topic("dev", "PREFIXED", "a.", "topicConsume"), topic("dev", "PREFIXED", "a.b.", "topicDelete")}, on("dev", "a.b.c", consume), true},
		{"a narrower grant takes nothing away", []rbac.Grant{topic("dev", "LITERAL", "*", "topicDelete"), topic("dev", "LITERAL", "a", "topicConsume")}, on("dev", "a", []rbac.Permission{"topicDelete"}), true},
		{"a topic permission under SUBJECT grants nothing", []rbac.Grant{{Resource: "SUBJECT", Cluster: "dev", Pattern: "LITERAL", Name: "*", Permissions: consume}}, on("dev", "a", consume), false},
		{"no permission asked for", []rbac.Grant{topic("dev", "LITERAL", "*", consume...)}, on("dev", "a", nil), false},
		{"grant without cluster", []rbac.Grant{topic("", "LITERAL", "*", consume...)}, on("", "a", consume), false},
		{"grant without pattern type", []rbac.Grant{topic("dev", "", "a", consume...)}, on("dev", "a", consume), false},
		{"connect cluster", []rbac.Grant{connect("dev", "c1", "PREFIXED", "sink-")}, restart("dev", "c1", "sink-a"), true},
		{"other connect cluster", []rbac.Grant{connect("dev", "c1", "PREFIXED", "sink-")}, restart("dev", "c2", "sink-a"), false},
		{"connect cluster star", []rbac.Grant{connect("dev", "*", "PREFIXED", "sink-")}, restart("dev", "c2", "sink-a"), true},
		{"all stars", []rbac.Grant{connect("*", "*", "LITERAL", "*")}, restart("dev", "c2", "sink-a"), true},
		{"cluster star, one connect cluster", []rbac.Grant{connect("*", "c2", "LITERAL", "*")}, restart("dev", "c2", "sink-a"), true},
		{"ksqlDB", []rbac.Grant{{Resource: "KSQLDB", Cluster: "dev", Connect: "k1", Permissions: []rbac.Permission{"ksqldbAccess"}}},
			rbac.Need{Resource: "KSQLDB", Cluster: "dev", Connect: "k1", AnyOf: []rbac.Permission{"ksqldbAccess"}}, true},
		{"other ksqlDB", []rbac.Grant{{Resource: "KSQLDB", Cluster: "dev", Connect: "k1", Permissions: []rbac.Permission{"ksqldbAccess"}}},
			rbac.Need{Resource: "KSQLDB", Cluster: "dev", Connect: "k2", AnyOf: []rbac.Permission{"ksqldbAccess"}}, false},
		{"cluster permission", []rbac.Grant{{Resource: "CLUSTER", Cluster: "*", Permissions: []rbac.Permission{"clusterViewACL"}}},
			rbac.Need{Resource: "CLUSTER", Cluster: "dev", AnyOf: []rbac.Permission{"clusterViewACL"}}, true},
		{"platform permission", []rbac.Grant{{Resource: "PLATFORM", Permissions: []rbac.Permission{"userView"}}},
			rbac.Need{Resource: "PLATFORM", AnyOf: []rbac.Permission{"userView", "userManage"}}, true},
		{"everyone sees the catalog", rbac.Everyone(), rbac.Need{Resource: "PLATFORM", AnyOf: []rbac.Permission{"taasView"}}, true},
		{"everyone sees data masking", rbac.Everyone(), rbac.Need{Resource: "PLATFORM", AnyOf: []rbac.Permission{"datamaskingView"}}, true},
		{"everyone manages nothing", rbac.Everyone(), rbac.Need{Resource: "PLATFORM", AnyOf: []rbac.Permission{"datamaskingManage", "userView"}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := rbac.NewSubject(nil, tt.grants)
			got := s.Decide(tt.need)
			if got.Allowed != tt.want {
				t.Errorf("Decide = %+v, want allowed %v", got, tt.want)
			}
			if s.Allows(tt.need) != tt.want {
				t.Errorf("Allows differs from Decide")
			}
		})
	}
}

func TestAdminMayDoEverything(t *testing.T) {
	s := rbac.NewSubject(&rbac.Source{Kind: rbac.SourceAdmin, Name: "group admin"}, nil)
	for r, permissions := range permissionsByType {
		for _, p := range permissions {
			d := s.Decide(rbac.Need{Resource: r, Cluster: "any", Connect: "any", Name: "any", AnyOf: []rbac.Permission{p}})
			if !d.Allowed || d.By.Source.Name != "group admin" {
				t.Errorf("%s on %s: %+v", p, r, d)
			}
			if !s.CanAny(r, "any", p) || !s.Spans(r, "any", "any", p).All {
				t.Errorf("%s on %s: not everywhere", p, r)
			}
		}
		if got := s.Held(r, "any", "any", "any"); !slices.Equal(got, permissions) {
			t.Errorf("Held(%s) = %v", r, got)
		}
	}
	if !s.AnyIn("any") || s.Admin() == nil {
		t.Error("an admin sees every cluster")
	}
}

func TestNilSubjectMayDoNothing(t *testing.T) {
	var s *rbac.Subject
	n := rbac.Need{Resource: "TOPIC", Cluster: "dev", Name: "a", AnyOf: []rbac.Permission{"topicConsume"}}
	if d := s.Decide(n); d.Allowed || d.Reason == "" {
		t.Errorf("Decide = %+v", d)
	}
	if s.AnyIn("dev") || s.CanAny("TOPIC", "", "topicConsume") || !s.Spans("TOPIC", "dev", "", "topicConsume").Empty() || s.Admin() != nil || s.Grants() != nil {
		t.Error("the nil subject holds something")
	}
}

func TestReason(t *testing.T) {
	s := rbac.NewSubject(nil, []rbac.Grant{topic("dev", "PREFIXED", "checkout.", "topicConsume", "topicViewConfig")})
	tests := []struct {
		need rbac.Need
		want string
	}{
		{rbac.Need{Resource: "TOPIC", Cluster: "dev", Name: "checkout.paid", AnyOf: []rbac.Permission{"topicEditConfig"}},
			"needs topicEditConfig on TOPIC checkout.paid on cluster dev; holds only topicViewConfig, topicConsume there"},
		{rbac.Need{Resource: "TOPIC", Cluster: "prod", Name: "checkout.paid", AnyOf: []rbac.Permission{"topicViewConfig", "topicConsume"}},
			"needs one of topicViewConfig, topicConsume on TOPIC checkout.paid on cluster prod; holds no permission there"},
		{rbac.Need{Resource: "PLATFORM", AnyOf: []rbac.Permission{"userView"}},
			"needs userView on PLATFORM; holds no permission there"},
		{rbac.Need{Resource: "CLUSTER", Cluster: "dev", AnyOf: []rbac.Permission{"clusterViewACL"}},
			"needs clusterViewACL on CLUSTER dev; holds no permission there"},
		{rbac.Need{Resource: "KAFKA_CONNECT", Cluster: "dev", Connect: "c1", Name: "sink", AnyOf: []rbac.Permission{"kafkaConnectRestart"}},
			"needs kafkaConnectRestart on KAFKA_CONNECT sink on connect cluster c1 of cluster dev; holds no permission there"},
		{rbac.Need{Resource: "KSQLDB", Cluster: "dev", Connect: "k1", AnyOf: []rbac.Permission{"ksqldbAccess"}},
			"needs ksqldbAccess on KSQLDB k1 on cluster dev; holds no permission there"},
		{rbac.Need{Resource: "APPLICATION_INSTANCE", Name: "checkout-dev", AnyOf: []rbac.Permission{"applicationInstanceApiKeyManage"}},
			"needs applicationInstanceApiKeyManage on APPLICATION_INSTANCE checkout-dev; holds no permission there"},
	}
	for _, tt := range tests {
		if got := s.Decide(tt.need).Reason; got != tt.want {
			t.Errorf("reason = %q\nwant     %q", got, tt.want)
		}
	}
}

func TestWhoGrants(t *testing.T) {
	from := func(kind rbac.SourceKind, name string, g rbac.Grant) rbac.Grant {
		g.Source = rbac.Source{Kind: kind, Name: name}
		return g
	}
	grants := []rbac.Grant{
		from(rbac.SourceUser, "bo@shop.example", topic("dev", "LITERAL", "checkout.paid", "topicEditConfig")),
		from(rbac.SourceGroup, "ops", topic("*", "LITERAL", "*", "topicEditConfig", "topicDelete")),
		from(rbac.SourceGroup, "checkout-devs", topic("dev", "PREFIXED", "checkout.", "topicEditConfig")),
		from(rbac.SourceGroup, "checkout-devs", topic("dev", "PREFIXED", "checkout.p", "topicEditConfig")),
		from(rbac.SourceGroup, "readers", topic("dev", "PREFIXED", "checkout.", "topicConsume")),
		from(rbac.SourceGroup, "prod-only", topic("prod", "PREFIXED", "checkout.", "topicEditConfig")),
	}
	need := rbac.Need{Resource: "TOPIC", Cluster: "dev", Name: "checkout.paid", AnyOf: []rbac.Permission{"topicEditConfig"}}
	got := rbac.WhoGrants(need, grants)
	want := []rbac.Source{{Kind: rbac.SourceGroup, Name: "checkout-devs"}, {Kind: rbac.SourceGroup, Name: "ops"}, {Kind: rbac.SourceUser, Name: "bo@shop.example"}}
	if !slices.Equal(got, want) {
		t.Errorf("WhoGrants = %v, want %v", got, want)
	}
	if text := rbac.Remedy(need, got); text != "granted by group checkout-devs, group ops, user bo@shop.example" {
		t.Errorf("Remedy = %q", text)
	}
	if text := rbac.Remedy(need, nil); !strings.Contains(text, "topicEditConfig on TOPIC checkout.paid on cluster dev") {
		t.Errorf("Remedy of nobody = %q", text)
	}
}

func TestSourceReadsAsWords(t *testing.T) {
	for want, s := range map[string]rbac.Source{
		"user ada@shop.example": {Kind: rbac.SourceUser, Name: "ada@shop.example"},
		"group checkout-devs":   {Kind: rbac.SourceGroup, Name: "checkout-devs"},
		"ownership of application checkout through group checkout-devs (instance checkout-dev)": {Kind: rbac.SourceOwnership, Name: "checkout", Via: "checkout-devs", Instance: "checkout-dev"},
		"application group support of application checkout (instance checkout-dev)":             {Kind: rbac.SourceApplicationGroup, Name: "support", Via: "checkout", Instance: "checkout-dev"},
		"instance permission checkout-to-mail through group mail-devs (instance mail-dev)":      {Kind: rbac.SourceInstancePermission, Name: "checkout-to-mail", Via: "mail-devs", Instance: "mail-dev"},
		"everyone":             {Kind: rbac.SourceEveryone},
		"admin by group admin": {Kind: rbac.SourceAdmin, Name: "group admin"},
	} {
		if s.String() != want {
			t.Errorf("%q, want %q", s, want)
		}
	}
	g := topic("dev", "PREFIXED", "checkout.", "topicConsume")
	if got, want := g.String(), "topicConsume on TOPIC checkout.* on cluster dev, from group checkout-devs"; got != want {
		t.Errorf("grant reads %q, want %q", got, want)
	}
}

func TestDecideAgainstOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grants := rapid.SliceOfN(rapid.Custom(drawGrant), 0, 30).Draw(t, "grants")
		s := rbac.NewSubject(nil, grants)
		for range 20 {
			n := drawNeed(t)
			want := slowDecide(grants, n)
			got := s.Decide(n)
			if got.Allowed != want || s.Allows(n) != want {
				t.Fatalf("Decide(%+v) = %+v, want %v", n, got, want)
			}
			if want && (got.By == nil || !slowGrants(*got.By, n) || got.Reason != "") {
				t.Fatalf("Decide(%+v) names a grant that does not allow it: %+v", n, got)
			}
			if !want && !strings.Contains(got.Reason, string(n.Resource)) {
				t.Fatalf("reason %q", got.Reason)
			}
			var held []rbac.Permission
			for _, p := range permissionsByType[n.Resource] {
				one := n
				one.AnyOf = []rbac.Permission{p}
				if slowDecide(grants, one) {
					held = append(held, p)
				}
			}
			if h := s.Held(n.Resource, n.Cluster, n.Connect, n.Name); !slices.Equal(h, held) {
				t.Fatalf("Held(%+v) = %v, want %v", n, h, held)
			}
			var who []rbac.Source
			for _, name := range []string{"g1", "g2", "g3"} {
				if slices.ContainsFunc(grants, func(g rbac.Grant) bool { return g.Source.Name == name && slowGrants(g, n) }) {
					who = append(who, rbac.Source{Kind: rbac.SourceGroup, Name: name})
				}
			}
			if got := rbac.WhoGrants(n, grants); !slices.Equal(got, who) {
				t.Fatalf("WhoGrants(%+v) = %v, want %v", n, got, who)
			}
		}
	})
}

func TestSpansAgainstOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grants := rapid.SliceOfN(rapid.Custom(drawGrant), 0, 30).Draw(t, "grants")
		s := rbac.NewSubject(nil, grants)
		n := drawNeed(t)
		spans := s.Spans(n.Resource, n.Cluster, n.Connect, n.AnyOf...)

		probes := []string{"", "a", "z", "é"}
		for _, g := range grants {
			probes = append(probes, g.Name, g.Name+"a", strings.TrimSuffix(g.Name, "b"))
		}
		for _, name := range probes {
			n.Name = name
			want := slowDecide(grants, n)
			if got := spans.Contains(name); got != want {
				t.Fatalf("spans %+v contain %q: %v, want %v", spans, name, got, want)
			}
			byHand := spans.All || in(spans.Literals, name)
			for _, p := range spans.Prefixes {
				byHand = byHand || strings.HasPrefix(name, p)
			}
			if byHand != want {
				t.Fatalf("spans %+v against %q: want %v", spans, name, want)
			}
		}

		if spans.All && (spans.Prefixes != nil || spans.Literals != nil) {
			t.Fatalf("All beside lists: %+v", spans)
		}
		if spans.Empty() != (!spans.All && len(spans.Prefixes)+len(spans.Literals) == 0) {
			t.Fatalf("Empty: %+v", spans)
		}
		if !slices.IsSorted(spans.Prefixes) || !slices.IsSorted(spans.Literals) {
			t.Fatalf("not sorted: %+v", spans)
		}
		for i, p := range spans.Prefixes {
			for j, q := range spans.Prefixes {
				if i != j && strings.HasPrefix(p, q) {
					t.Fatalf("prefix %q inside %q", p, q)
				}
			}
			for _, l := range spans.Literals {
				if strings.HasPrefix(l, p) {
					t.Fatalf("literal %q inside %q", l, p)
				}
			}
		}
		for i := 1; i < len(spans.Literals); i++ {
			if spans.Literals[i] == spans.Literals[i-1] {
				t.Fatalf("literal twice: %+v", spans)
			}
		}
	})
}

func TestCanAnyAgainstOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grants := rapid.SliceOfN(rapid.Custom(drawGrant), 0, 6).Draw(t, "grants")
		s := rbac.NewSubject(nil, grants)
		n := drawNeed(t)
		// A grant applies to some resource of the cluster exactly when it applies
		// to the one that it names itself, put into that cluster.
		applies := func(g rbac.Grant, cluster string, anyOf []rbac.Permission) bool {
			witness := rbac.Need{Resource: g.Resource, Cluster: cluster, Connect: g.Connect, Name: g.Name, AnyOf: anyOf}
			return slowGrants(g, witness)
		}
		var want, anywhere, visible bool
		for _, g := range grants {
			if g.Resource == n.Resource {
				want = want || applies(g, n.Cluster, n.AnyOf)
				anywhere = anywhere || applies(g, g.Cluster, n.AnyOf)
			}
			if g.Resource != "PLATFORM" && g.Resource != "APPLICATION_INSTANCE" {
				visible = visible || applies(g, n.Cluster, permissionsByType[g.Resource])
			}
		}
		if got := s.CanAny(n.Resource, n.Cluster, n.AnyOf...); got != want {
			t.Fatalf("CanAny(%+v) = %v, want %v", n, got, want)
		}
		if got := s.CanAny(n.Resource, "", n.AnyOf...); got != anywhere {
			t.Fatalf("CanAny(%+v) in any cluster = %v, want %v", n, got, anywhere)
		}
		if got := s.AnyIn(n.Cluster); got != visible {
			t.Fatalf("AnyIn(%s) = %v, want %v", n.Cluster, got, visible)
		}
	})
}

func TestSubjectDoesNotShareItsInput(t *testing.T) {
	grants := []rbac.Grant{topic("dev", "LITERAL", "a", "topicConsume")}
	s := rbac.NewSubject(nil, grants)
	grants[0] = topic("prod", "LITERAL", "b", "topicDelete")
	if !reflect.DeepEqual(s.Grants(), []rbac.Grant{topic("dev", "LITERAL", "a", "topicConsume")}) {
		t.Errorf("grants followed the caller's slice: %v", s.Grants())
	}
	d := s.Decide(rbac.Need{Resource: "TOPIC", Cluster: "dev", Name: "a", AnyOf: []rbac.Permission{"topicConsume"}})
	if !d.Allowed || d.By.Name != "a" {
		t.Errorf("decision followed the caller's slice: %+v", d)
	}
}
