package rbac_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/rbac"
)

func FuzzParsePermissions(f *testing.F) {
	for _, seed := range []string{
		`[]`, `[null]`, `[7,"x",[],{}]`,
		`[{"resourceType":"TOPIC","cluster":"dev","patternType":"PREFIXED","name":"a*","permissions":["topicConsume","topicConsume",1]}]`,
		`[{"resourceType":"KAFKA_CONNECT","cluster":"*","kafkaConnect":"*","patternType":"LITERAL","name":"*","permissions":["kafkaConnectRestart"]}]`,
		`[{"resourceType":"KSQLDB","cluster":"dev","ksqlDB":"k","permissions":null}]`,
		`[{"resourceType":"CLUSTER","name":"dev","permissions":["clusterViewACL"]},{"resourceType":"PLATFORM"}]`,
		`[{"resourceType":"Topic","clusterId":"dev","topicPattern":"a*","permissions":["topicConsume"]}]`,
		`[{"resourceType":"TOPIC","cluster":"dev","patternType":"PREFIXED","name":"***"}]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var list []any
		if json.Unmarshal([]byte(text), &list) != nil {
			t.Skip()
		}
		for _, form := range []struct {
			parse  func([]any, rbac.Source) ([]rbac.Grant, []rbac.Problem)
			encode func(rbac.Grant) map[string]any
		}{
			{rbac.ParsePermissions, rbac.Grant.V2},
			{rbac.ParseV1, rbac.Grant.V1},
		} {
			grants, problems := form.parse(list, rbac.Source{Kind: rbac.SourceGroup, Name: "g"})
			faulty := map[int]bool{}
			for _, p := range problems {
				if p.Reason == "" {
					t.Fatalf("problem without words: %+v", p)
				}
				faulty[index(t, p.Path)] = true
			}
			if len(grants)+len(faulty) != len(list) {
				t.Fatalf("%d elements, %d grants, %d faulty", len(list), len(grants), len(faulty))
			}
			var encoded []any
			for _, g := range grants {
				for _, p := range g.Permissions {
					if !rbac.Valid(g.Resource, p) {
						t.Fatalf("%s on %s got through", p, g.Resource)
					}
				}
				encoded = append(encoded, form.encode(g))
			}
			again, problems := form.parse(encoded, rbac.Source{Kind: rbac.SourceGroup, Name: "g"})
			if len(problems) > 0 {
				t.Fatalf("own output refused: %v", problems)
			}
			a, b := rbac.NewSubject(nil, grants), rbac.NewSubject(nil, again)
			for _, g := range grants {
				n := rbac.Need{Resource: g.Resource, Cluster: g.Cluster, Connect: g.Connect, Name: g.Name + "x", AnyOf: g.Permissions}
				if a.Allows(n) != b.Allows(n) || a.Allows(n) != slowDecide(grants, n) {
					t.Fatalf("%+v decided differently after encoding", n)
				}
			}
		}
	})
}

// Patterns come as lines "P name" or "L name"; the rest of the input is a name to
// ask for.
func FuzzPatterns(f *testing.F) {
	f.Add("P checkout.\nL checkout.paid\nP checkout.p", "checkout.paid")
	f.Add("L *", "anything")
	f.Add("P \nP a\nP aa\nP aaa\nP aab", "aaab")
	f.Add("P é\nL \xff\nP \xff\xfe", "\xff\xfe\x00")
	f.Fuzz(func(t *testing.T, patterns, name string) {
		var grants []rbac.Grant
		for line := range strings.SplitSeq(patterns, "\n") {
			kind, rest, _ := strings.Cut(line, " ")
			pattern := rbac.Prefixed
			if kind == "L" {
				pattern = rbac.Literal
			}
			grants = append(grants, topic("dev", string(pattern), rest, permissionsByType["TOPIC"][len(grants)%9]))
		}
		s := rbac.NewSubject(nil, grants)
		for _, p := range permissionsByType["TOPIC"] {
			need := []rbac.Permission{p}
			spans := s.Spans("TOPIC", "dev", "", need...)
			for _, asked := range []string{name, name + "a", strings.TrimSuffix(name, "a")} {
				n := rbac.Need{Resource: "TOPIC", Cluster: "dev", Name: asked, AnyOf: need}
				want := slowDecide(grants, n)
				if got := s.Decide(n); got.Allowed != want {
					t.Fatalf("%s on %q: %+v, want %v", p, asked, got, want)
				}
				if spans.Contains(asked) != want {
					t.Fatalf("%s on %q: spans %+v, want %v", p, asked, spans, want)
				}
			}
		}
		if !reflect.DeepEqual(s.Spans("TOPIC", "dev", "", "topicConsume"), s.Spans("TOPIC", "dev", "", "topicConsume")) {
			t.Fatal("spans differ from call to call")
		}
	})
}
