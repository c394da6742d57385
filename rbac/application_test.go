package rbac_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/rbac"
	"pgregory.net/rapid"
)

func parseObject(t testing.TB, text string) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	return object
}

const checkoutInstance = `{"apiVersion":"v1","kind":"ApplicationInstance","metadata":{"name":"checkout-dev","application":"checkout"},
	"spec":{"cluster":"dev","resources":[
		{"type":"TOPIC","name":"checkout.","patternType":"PREFIXED"},
		{"type":"TOPIC","name":"shared.audit","patternType":"LITERAL","ownershipMode":"LIMITED"},
		{"type":"CONSUMER_GROUP","name":"checkout.","patternType":"PREFIXED","ownershipMode":"LIMITED"},
		{"type":"SUBJECT","name":"checkout.","patternType":"PREFIXED","ownershipMode":"LIMITED"},
		{"type":"CONNECTOR","connectCluster":"connect-a","name":"checkout.","patternType":"PREFIXED","ownershipMode":"LIMITED"},
		{"type":"TRANSACTIONAL_ID","name":"checkout-","patternType":"PREFIXED"}]}}`

func instance(t testing.TB, text string) rbac.Instance {
	t.Helper()
	inst, problems := rbac.ParseInstance(parseObject(t, text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return inst
}

func TestOwnership(t *testing.T) {
	s := rbac.NewSubject(nil, rbac.OwnershipGrants("checkout", "checkout-devs", instance(t, checkoutInstance)))
	tests := []struct {
		resource               rbac.ResourceType
		cluster, connect, name string
		want                   []rbac.Permission
	}{
		{"TOPIC", "dev", "", "checkout.paid", permissionsByType["TOPIC"]},
		{"TOPIC", "dev", "", "shared.audit", []rbac.Permission{"topicViewConfig", "topicConsume", "topicProduce", "topicEmpty", "topicDataQualityManage"}},
		{"TOPIC", "dev", "", "shared.audit2", nil},
		{"TOPIC", "prod", "", "checkout.paid", nil},
		{"CONSUMER_GROUP", "dev", "", "checkout.worker", []rbac.Permission{"consumerGroupView", "consumerGroupReset"}},
		{"SUBJECT", "dev", "", "checkout.paid-value", []rbac.Permission{"subjectView"}},
		{"KAFKA_CONNECT", "dev", "connect-a", "checkout.sink", []rbac.Permission{"kafkaConnectorViewConfig", "kafkaConnectorStatus", "kafkaConnectPauseResume", "kafkaConnectRestart"}},
		{"KAFKA_CONNECT", "dev", "connect-b", "checkout.sink", nil},
		{"APPLICATION_INSTANCE", "", "", "checkout-dev", permissionsByType["APPLICATION_INSTANCE"]},
		{"APPLICATION_INSTANCE", "", "", "checkout-prod", nil},
		{"PLATFORM", "", "", "", nil},
		{"CLUSTER", "dev", "", "", nil},
	}
	for _, tt := range tests {
		if got := s.Held(tt.resource, tt.cluster, tt.connect, tt.name); !slices.Equal(got, tt.want) {
			t.Errorf("%s %s: %v, want %v", tt.resource, tt.name, got, tt.want)
		}
	}
	d := s.Decide(rbac.Need{Resource: "TOPIC", Cluster: "dev", Name: "checkout.paid", AnyOf: []rbac.Permission{"topicDelete"}})
	if want := (rbac.Source{Kind: rbac.SourceOwnership, Name: "checkout", Via: "checkout-devs", Instance: "checkout-dev"}); d.By == nil || d.By.Source != want {
		t.Errorf("source %+v, want %+v", d.By, want)
	}
}

func TestInstanceKeyOwnsResourcesButNotTheInstance(t *testing.T) {
	inst := instance(t, checkoutInstance)
	key := rbac.NewSubject(nil, rbac.InstanceKeyGrants(inst))
	owner := rbac.NewSubject(nil, rbac.OwnershipGrants("checkout", "checkout-devs", inst))
	for _, n := range []struct {
		r             rbac.ResourceType
		connect, name string
	}{{"TOPIC", "", "checkout.a"}, {"TOPIC", "", "shared.audit"}, {"SUBJECT", "", "checkout.a"}, {"CONSUMER_GROUP", "", "checkout.a"}, {"KAFKA_CONNECT", "connect-a", "checkout.a"}} {
		got, want := key.Held(n.r, "dev", n.connect, n.name), owner.Held(n.r, "dev", n.connect, n.name)
		if len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("%s %s: key %v, owner %v", n.r, n.name, got, want)
		}
	}
	if got := key.Held("APPLICATION_INSTANCE", "", "", "checkout-dev"); got != nil {
		t.Errorf("the key manages its own instance: %v", got)
	}
	if key.Allows(rbac.Need{Resource: "PLATFORM", AnyOf: []rbac.Permission{"taasView"}}) {
		t.Error("the key has a person's defaults")
	}
}

func permission(t testing.TB, text string) rbac.InstancePermission {
	t.Helper()
	p, problems := rbac.ParseInstancePermission(parseObject(t, text), "dev")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return p
}

func TestInstancePermission(t *testing.T) {
	with := func(spec string) string {
		return `{"metadata":{"name":"checkout-to-mail","application":"checkout","appInstance":"checkout-dev"},"spec":{"grantedTo":"mail-dev",` + spec + `}}`
	}
	topicPaid := `"resource":{"type":"TOPIC","name":"checkout.paid","patternType":"LITERAL"}`
	tests := []struct {
		name, spec    string
		resource      rbac.ResourceType
		connect, item string
		want          []rbac.Permission
	}{
		{"read", topicPaid + `,"userPermission":"READ","serviceAccountPermission":"NONE"`, "TOPIC", "", "checkout.paid", []rbac.Permission{"topicViewConfig", "topicConsume"}},
		{"write", topicPaid + `,"userPermission":"WRITE","serviceAccountPermission":"NONE"`, "TOPIC", "", "checkout.paid", []rbac.Permission{"topicViewConfig", "topicConsume", "topicProduce"}},
		{"none", topicPaid + `,"userPermission":"NONE","serviceAccountPermission":"WRITE"`, "TOPIC", "", "checkout.paid", nil},
		{"neither field", topicPaid, "TOPIC", "", "checkout.paid", nil},
		{"service account only", topicPaid + `,"serviceAccountPermission":"WRITE"`, "TOPIC", "", "checkout.paid", nil},
		{"old field read", topicPaid + `,"permission":"READ"`, "TOPIC", "", "checkout.paid", []rbac.Permission{"topicViewConfig", "topicConsume"}},
		{"old field write", topicPaid + `,"permission":"WRITE"`, "TOPIC", "", "checkout.paid", []rbac.Permission{"topicViewConfig", "topicConsume", "topicProduce"}},
		{"new field wins", topicPaid + `,"permission":"WRITE","userPermission":"NONE"`, "TOPIC", "", "checkout.paid", nil},
		{"other topic", topicPaid + `,"userPermission":"WRITE"`, "TOPIC", "", "checkout.paid2", nil},
		{"prefix", `"resource":{"type":"TOPIC","name":"checkout.","patternType":"PREFIXED"},"userPermission":"READ"`, "TOPIC", "", "checkout.any", []rbac.Permission{"topicViewConfig", "topicConsume"}},
		{"subject", `"resource":{"type":"SUBJECT","name":"s","patternType":"LITERAL"},"userPermission":"READ"`, "SUBJECT", "", "s", []rbac.Permission{"subjectView"}},
		{"subject write", `"resource":{"type":"SUBJECT","name":"s","patternType":"LITERAL"},"userPermission":"WRITE"`, "SUBJECT", "", "s", []rbac.Permission{"subjectView", "subjectCreateUpdate"}},
		{"consumer group write", `"resource":{"type":"CONSUMER_GROUP","name":"g","patternType":"LITERAL"},"userPermission":"WRITE"`, "CONSUMER_GROUP", "", "g", []rbac.Permission{"consumerGroupView", "consumerGroupReset"}},
		{"connector write", `"resource":{"type":"CONNECTOR","name":"c","patternType":"LITERAL","connectCluster":"connect-a"},"userPermission":"WRITE"`, "KAFKA_CONNECT", "connect-a", "c",
			[]rbac.Permission{"kafkaConnectorViewConfig", "kafkaConnectorStatus", "kafkaConnectPauseResume", "kafkaConnectRestart"}},
		{"connector on another connect cluster", `"resource":{"type":"CONNECTOR","name":"c","patternType":"LITERAL","connectCluster":"connect-a"},"userPermission":"WRITE"`, "KAFKA_CONNECT", "connect-b", "c", nil},
		{"transactional id", `"resource":{"type":"TRANSACTIONAL_ID","name":"t","patternType":"LITERAL"},"userPermission":"WRITE"`, "TOPIC", "", "t", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := rbac.NewSubject(nil, rbac.InstancePermissionGrants(permission(t, with(tt.spec)), "mail-devs"))
			if got := s.Held(tt.resource, "dev", tt.connect, tt.item); !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
			if s.Held(tt.resource, "prod", tt.connect, tt.item) != nil {
				t.Error("reaches another cluster")
			}
			for _, g := range s.Grants() {
				if want := (rbac.Source{Kind: rbac.SourceInstancePermission, Name: "checkout-to-mail", Via: "mail-devs", Instance: "mail-dev"}); g.Source != want {
					t.Errorf("source %+v", g.Source)
				}
			}
		})
	}
}

const mailInstance = `{"metadata":{"name":"mail-dev","application":"mail"},"spec":{"cluster":"dev","resources":[
	{"type":"TOPIC","name":"mail.","patternType":"PREFIXED"},
	{"type":"TOPIC","name":"shared.bounce","patternType":"LITERAL","ownershipMode":"LIMITED"},
	{"type":"CONNECTOR","name":"mail.","patternType":"PREFIXED","connectCluster":"connect-a"},
	{"type":"SUBJECT","name":"mail.","patternType":"PREFIXED"}]}}`

const checkoutToMail = `{"metadata":{"name":"checkout-to-mail","application":"checkout","appInstance":"checkout-dev"},"spec":{
	"resource":{"type":"TOPIC","name":"checkout.paid","patternType":"LITERAL"},"userPermission":"READ","grantedTo":"mail-dev"}}`

func TestApplicationGroup(t *testing.T) {
	all := `"topicViewConfig","topicConsume","topicProduce","topicCreate","topicDelete"`
	group := func(spec string) string {
		return `{"metadata":{"name":"mail-support","application":"mail"},"spec":{"displayName":"Support",` + spec + `}}`
	}
	permissions := func(element string) string { return group(`"permissions":[` + element + `]`) }
	tests := []struct {
		name, group   string
		resource      rbac.ResourceType
		connect, item string
		want          []rbac.Permission
	}{
		{"star is what is owned", permissions(`{"appInstance":"mail-dev","resourceType":"TOPIC","patternType":"LITERAL","name":"*","permissions":[` + all + `]}`),
			"TOPIC", "", "mail.sent", []rbac.Permission{"topicViewConfig", "topicConsume", "topicProduce", "topicCreate", "topicDelete"}},
		{"star on a limited resource lacks what ownership lacks", permissions(`{"appInstance":"mail-dev","resourceType":"TOPIC","patternType":"LITERAL","name":"*","permissions":[` + all + `]}`),
			"TOPIC", "", "shared.bounce", []rbac.Permission{"topicViewConfig", "topicConsume", "topicProduce"}},
		{"star on a subscribed resource is cut to what was granted", permissions(`{"appInstance":"mail-dev","resourceType":"TOPIC","patternType":"LITERAL","name":"*","permissions":[` + all + `]}`),
			"TOPIC", "", "checkout.paid", []rbac.Permission{"topicViewConfig", "topicConsume"}},
		{"star is not the whole cluster", permissions(`{"appInstance":"mail-dev","resourceType":"TOPIC","patternType":"LITERAL","name":"*","permissions":[` + all + `]}`),
			"TOPIC", "", "checkout.open", nil},
		{"only what is listed", permissions(`{"appInstance":"mail-dev","resourceType":"TOPIC","patternType":"LITERAL","name":"*","permissions":["topicConsume"]}`),
			"TOPIC", "", "mail.sent", []rbac.Permission{"topicConsume"}},
		{"star of one type says nothing of another", permissions(`{"appInstance":"mail-dev","resourceType":"TOPIC","patternType":"LITERAL","name":"*","permissions":[` + all + `]}`),
			"SUBJECT", "", "mail.sent-value", nil},
		{"named literal", permissions(`{"appInstance":"mail-dev","resourceType":"TOPIC","patternType":"LITERAL","name":"mail.sent","permissions":["topicDelete"]}`),
			"TOPIC", "", "mail.sent", []rbac.Permission{"topicDelete"}},
		{"named literal leaves its neighbour alone", permissions(`{"appInstance":"mail-dev","resourceType":"TOPIC","patternType":"LITERAL","name":"mail.sent","permissions":["topicDelete"]}`),
			"TOPIC", "", "mail.sent2", nil},
		{"named prefix", permissions(`{"appInstance":"mail-dev","resourceType":"TOPIC","patternType":"PREFIXED","name":"mail.in.","permissions":["topicDelete"]}`),
			"TOPIC", "", "mail.in.raw", []rbac.Permission{"topicDelete"}},
		{"a wider prefix is cut to the owned one", permissions(`{"appInstance":"mail-dev","resourceType":"TOPIC","patternType":"PREFIXED","name":"m","permissions":["topicDelete"]}`),
			"TOPIC", "", "marketing.x", nil},
		{"a name outside gives nothing", permissions(`{"appInstance":"mail-dev","resourceType":"TOPIC","patternType":"LITERAL","name":"checkout.open","permissions":["topicConsume"]}`),
			"TOPIC", "", "checkout.open", nil},
		{"another application's instance gives nothing", permissions(`{"appInstance":"checkout-dev","resourceType":"TOPIC","patternType":"LITERAL","name":"*","permissions":["topicConsume"]}`),
			"TOPIC", "", "checkout.open", nil},
		{"connector", permissions(`{"appInstance":"mail-dev","resourceType":"CONNECTOR","connectCluster":"connect-a","patternType":"LITERAL","name":"*","permissions":["kafkaConnectRestart","kafkaConnectorStatus"]}`),
			"KAFKA_CONNECT", "connect-a", "mail.sink", []rbac.Permission{"kafkaConnectorStatus", "kafkaConnectRestart"}},
		{"connector on another connect cluster", permissions(`{"appInstance":"mail-dev","resourceType":"CONNECTOR","connectCluster":"connect-b","patternType":"LITERAL","name":"*","permissions":["kafkaConnectRestart"]}`),
			"KAFKA_CONNECT", "connect-a", "mail.sink", nil},
		{"instance permissions", group(`"instancePermissions":[{"appInstance":"mail-dev","permissions":["applicationInstanceApiKeyManage"]}]`),
			"APPLICATION_INSTANCE", "", "mail-dev", []rbac.Permission{"applicationInstanceApiKeyManage"}},
		{"instance permissions on another application's instance", group(`"instancePermissions":[{"appInstance":"checkout-dev","permissions":["applicationInstanceApiKeyManage"]}]`),
			"APPLICATION_INSTANCE", "", "checkout-dev", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, problems := rbac.ParseApplicationGroup(parseObject(t, tt.group))
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			instances := []rbac.Instance{instance(t, checkoutInstance), instance(t, mailInstance)}
			s := rbac.NewSubject(nil, rbac.ApplicationGroupGrants(g, instances, []rbac.InstancePermission{permission(t, checkoutToMail)}))
			if got := s.Held(tt.resource, "dev", tt.connect, tt.item); !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
			for _, g := range s.Grants() {
				if want := (rbac.Source{Kind: rbac.SourceApplicationGroup, Name: "mail-support", Via: "mail", Instance: "mail-dev"}); g.Source != want {
					t.Errorf("source %+v", g.Source)
				}
			}
		})
	}
}

func TestSelfServiceProblems(t *testing.T) {
	inst := func(r map[string]any) []rbac.Problem { _, p := rbac.ParseInstance(r); return p }
	perm := func(r map[string]any) []rbac.Problem { _, p := rbac.ParseInstancePermission(r, "dev"); return p }
	group := func(r map[string]any) []rbac.Problem { _, p := rbac.ParseApplicationGroup(r); return p }
	tests := []struct {
		name     string
		parse    func(map[string]any) []rbac.Problem
		resource string
		want     []string
	}{
		{"instance without anything", inst, `{}`, []string{"metadata: must be an object", "spec: must be an object", "metadata.name: is missing", "metadata.application: is missing", "spec.cluster: is missing"}},
		{"instance resource of a permission's type", inst, `{"metadata":{"name":"a","application":"a"},"spec":{"cluster":"dev","resources":[{"type":"KAFKA_CONNECT","name":"a","patternType":"LITERAL"}]}}`,
			[]string{`spec.resources[0].type: unknown value "KAFKA_CONNECT"; one of TOPIC, CONSUMER_GROUP, SUBJECT, CONNECTOR, TRANSACTIONAL_ID`}},
		{"connector without connect cluster", inst, `{"metadata":{"name":"a","application":"a"},"spec":{"cluster":"dev","resources":[{"type":"CONNECTOR","name":"a","patternType":"LITERAL"}]}}`,
			[]string{"spec.resources[0].connectCluster: is missing"}},
		{"ownership mode", inst, `{"metadata":{"name":"a","application":"a"},"spec":{"cluster":"dev","resources":[{"type":"TOPIC","name":"a","patternType":"LITERAL","ownershipMode":"SOME"}]}}`,
			[]string{`spec.resources[0].ownershipMode: unknown value "SOME"; one of ALL, LIMITED`}},
		{"access", perm, `{"metadata":{"name":"a","application":"a","appInstance":"b"},"spec":{"grantedTo":"c","userPermission":"read","resource":{"type":"TOPIC","name":"a","patternType":"LITERAL"}}}`,
			[]string{`spec.userPermission: unknown value "read"; write READ`}},
		{"old field knows no NONE", perm, `{"metadata":{"name":"a","application":"a","appInstance":"b"},"spec":{"grantedTo":"c","permission":"NONE","resource":{"type":"TOPIC","name":"a","patternType":"LITERAL"}}}`,
			[]string{`spec.permission: unknown value "NONE"; one of READ, WRITE`}},
		{"no resource", perm, `{"metadata":{"name":"a","application":"a","appInstance":"b"},"spec":{"grantedTo":"c"}}`,
			[]string{"spec.resource: must be an object, is null"}},
		{"application group's permission of another type", group, `{"metadata":{"name":"a","application":"a"},"spec":{"permissions":[{"appInstance":"b","resourceType":"CONNECTOR","connectCluster":"c","patternType":"LITERAL","name":"*","permissions":["topicConsume"]}]}}`,
			[]string{"spec.permissions[0].permissions[0]: permission topicConsume belongs to TOPIC, not to KAFKA_CONNECT"}},
		{"application group's unknown instance permission", group, `{"metadata":{"name":"a","application":"a"},"spec":{"instancePermissions":[{"appInstance":"b","permissions":["instanceViewConfig"]}]}}`,
			[]string{`spec.instancePermissions[0].permissions[0]: unknown permission "instanceViewConfig"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			problems := tt.parse(parseObject(t, tt.resource))
			var got []string
			for _, p := range problems {
				got = append(got, p.String())
			}
			if len(got) != len(tt.want) {
				t.Fatalf("problems %q, want %q", got, tt.want)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], tt.want[i]) {
					t.Errorf("problem %q, want %q", got[i], tt.want[i])
				}
			}
		})
	}
}

// withoutLimited is the documented list of what ownershipMode LIMITED removes.
var withoutLimited = []rbac.Permission{
	"topicEditConfig", "topicCreate", "topicDelete", "topicAddPartition",
	"subjectCreateUpdate", "subjectDelete", "subjectEditCompatibility",
	"consumerGroupCreate", "consumerGroupDelete",
	"kafkaConnectorEditConfig", "kafkaConnectorDelete", "kafkaConnectorCreate",
}

// An application group against the question asked directly: is the permission
// listed for this name, and does the application have it there itself?
func TestApplicationGroupAgainstOracle(t *testing.T) {
	types := []rbac.ResourceType{"TOPIC", "SUBJECT", "CONSUMER_GROUP", "KAFKA_CONNECT"}
	covers := func(pattern rbac.PatternType, granted, name string) bool {
		if pattern == "PREFIXED" {
			return strings.HasPrefix(name, granted)
		}
		return granted != "" && (granted == "*" || granted == name)
	}
	rapid.Check(t, func(t *rapid.T) {
		resource := rapid.Custom(func(t *rapid.T) rbac.InstanceResource {
			r := rbac.InstanceResource{
				Resource: rapid.SampledFrom(types).Draw(t, "type"),
				Name:     drawName(t, "name"),
				Pattern:  rapid.SampledFrom([]rbac.PatternType{"LITERAL", "PREFIXED"}).Draw(t, "pattern"),
				Limited:  rapid.Bool().Draw(t, "limited"),
			}
			if r.Resource == "KAFKA_CONNECT" {
				r.Connect = rapid.SampledFrom([]string{"c1", "c2"}).Draw(t, "connect")
			}
			return r
		})
		inst := rbac.Instance{Name: "i", Application: "app", Cluster: "dev", Resources: rapid.SliceOfN(resource, 0, 4).Draw(t, "owned")}
		received := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) rbac.InstancePermission {
			return rbac.InstancePermission{
				Name: "p", Application: "other", Instance: "o", Cluster: "dev",
				GrantedTo: rapid.SampledFrom([]string{"i", "j"}).Draw(t, "granted to"),
				Resource:  resource.Draw(t, "received"),
				User:      rapid.SampledFrom([]rbac.Access{"NONE", "READ", "WRITE"}).Draw(t, "access"),
			}
		}), 0, 3).Draw(t, "received list")
		group := rbac.ApplicationGroup{Name: "g", Application: "app", Permissions: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) rbac.GroupPermission {
			r := resource.Draw(t, "listed")
			p := rbac.GroupPermission{Instance: rapid.SampledFrom([]string{"i", "j"}).Draw(t, "instance"), Resource: r.Resource, Connect: r.Connect, Name: r.Name, Pattern: r.Pattern,
				Permissions: rapid.SliceOfN(rapid.SampledFrom(permissionsByType[r.Resource]), 0, 5).Draw(t, "permissions")}
			if rapid.Bool().Draw(t, "star") {
				p.Name, p.Pattern = "*", "LITERAL"
			}
			return p
		}), 0, 4).Draw(t, "listed list")}

		s := rbac.NewSubject(nil, rbac.ApplicationGroupGrants(group, []rbac.Instance{inst}, received))
		for range 10 {
			r := rapid.SampledFrom(types).Draw(t, "asked type")
			connect := ""
			if r == "KAFKA_CONNECT" {
				connect = rapid.SampledFrom([]string{"c1", "c2"}).Draw(t, "asked connect")
			}
			name := drawName(t, "asked name")
			p := rapid.SampledFrom(permissionsByType[r]).Draw(t, "asked permission")

			listed := slices.ContainsFunc(group.Permissions, func(l rbac.GroupPermission) bool {
				return l.Instance == "i" && l.Resource == r && l.Connect == connect && covers(l.Pattern, l.Name, name) && in(l.Permissions, p)
			})
			owned := slices.ContainsFunc(inst.Resources, func(o rbac.InstanceResource) bool {
				return o.Resource == r && o.Connect == connect && covers(o.Pattern, o.Name, name) && !(o.Limited && in(withoutLimited, p))
			})
			subscribed := slices.ContainsFunc(received, func(got rbac.InstancePermission) bool {
				o := got.Resource
				if got.GrantedTo != "i" || o.Resource != r || o.Connect != connect || !covers(o.Pattern, o.Name, name) {
					return false
				}
				read := in([]rbac.Permission{"topicViewConfig", "topicConsume", "consumerGroupView", "subjectView", "kafkaConnectorViewConfig", "kafkaConnectorStatus"}, p)
				write := in([]rbac.Permission{"topicProduce", "consumerGroupReset", "subjectCreateUpdate", "kafkaConnectPauseResume", "kafkaConnectRestart"}, p)
				return got.User != "NONE" && read || got.User == "WRITE" && write
			})
			n := rbac.Need{Resource: r, Cluster: "dev", Connect: connect, Name: name, AnyOf: []rbac.Permission{p}}
			if got, want := s.Allows(n), listed && (owned || subscribed); got != want {
				t.Fatalf("%v: %v, want %v (listed %v, owned %v, subscribed %v)", n, got, want, listed, owned, subscribed)
			}
		}
	})
}

func TestParseInstance(t *testing.T) {
	got := instance(t, checkoutInstance)
	want := rbac.Instance{Name: "checkout-dev", Application: "checkout", Cluster: "dev", Resources: []rbac.InstanceResource{
		{Resource: "TOPIC", Name: "checkout.", Pattern: "PREFIXED"},
		{Resource: "TOPIC", Name: "shared.audit", Pattern: "LITERAL", Limited: true},
		{Resource: "CONSUMER_GROUP", Name: "checkout.", Pattern: "PREFIXED", Limited: true},
		{Resource: "SUBJECT", Name: "checkout.", Pattern: "PREFIXED", Limited: true},
		{Resource: "KAFKA_CONNECT", Connect: "connect-a", Name: "checkout.", Pattern: "PREFIXED", Limited: true},
		{Name: "checkout-", Pattern: "PREFIXED"},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}
