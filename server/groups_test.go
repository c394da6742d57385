package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/console"
	"github.com/mockduktor/mockduktor/server/kinds"
)

// mapped is a Console on which groups come and go with tokens. Tokens are signed
// with the issuer's key, so that each says exactly what a test wants.
type mapped struct {
	*server.Server
	t      *testing.T
	signer signer
	serial int
}

const groupsAPI = "/api/public/iam/v2/group"

func startMapped(t *testing.T, config server.Config) *mapped {
	t.Helper()
	config.Seeds = []string{"empty"}
	m := &mapped{Server: start(t, config), t: t}
	clock := m.Pair().World.Clock
	clock.Freeze()
	clock.Set(time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC))
	m.signer = signerOf(t, m.Server, "RS256")
	return m
}

// token is a new token of an email; groups nil leaves the claim out.
func (m *mapped) token(email string, groups any, changed ...object) string {
	m.serial++
	now := m.Pair().World.Clock.Now()
	claims := object{"iss": m.Issuer(), "sub": email, "email": email, "jti": fmt.Sprint(m.serial),
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	if groups != nil {
		claims["groups"] = groups
	}
	for _, one := range changed {
		for name, value := range one {
			claims[name] = value
		}
	}
	return compact(object{"alg": m.signer.alg, "kid": m.signer.kid}, claims, signedBy(m.signer.alg, m.signer.private))
}

// use shows a token once.
func (m *mapped) use(token string) {
	m.t.Helper()
	if got := call(m.t, m.Server, http.MethodGet, whoamiPath, token, nil); got.status != http.StatusOK {
		m.t.Fatalf("%d %s", got.status, got.body)
	}
}

// admin is the bearer of the root admin.
func (m *mapped) admin() string {
	m.t.Helper()
	return m.token(server.DefaultAdminEmail, nil)
}

func (m *mapped) put(path string, body object) {
	m.t.Helper()
	if got := call(m.t, m.Server, http.MethodPut, path, m.admin(), body); got.status != http.StatusOK {
		m.t.Fatalf("PUT %v: %d %s", body["metadata"], got.status, got.body)
	}
}

// group makes or changes a Group; spec adds to its displayName.
func (m *mapped) group(name string, spec object) {
	m.t.Helper()
	full := object{"displayName": name}
	for field, value := range spec {
		full[field] = value
	}
	m.put(groupsAPI, object{"apiVersion": "v2", "kind": "Group", "metadata": object{"name": name}, "spec": full})
}

type members struct{ Members, MembersFromExternalGroups []string }

func (m *mapped) members(path string) members {
	m.t.Helper()
	var shown struct{ Spec members }
	got := call(m.t, m.Server, http.MethodGet, path, m.admin(), nil)
	if got.json(m.t, &shown); got.status != http.StatusOK {
		m.t.Fatalf("%s: %d %s", path, got.status, got.body)
	}
	return shown.Spec
}

// external checks who is in a group through the claim.
func (m *mapped) external(when, name string, want ...string) {
	m.t.Helper()
	if got := m.members(groupsAPI + "/" + name).MembersFromExternalGroups; !slices.Equal(got, want) {
		m.t.Errorf("%s: %s has the external members %q, want %q", when, name, got, want)
	}
}

// groupsOf are the groups that a user is in, as a decision sees it.
func (m *mapped) groupsOf(token string) []string {
	m.t.Helper()
	who, err := m.Pair().Console.Authenticate(m.t.Context(), http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		m.t.Fatal(err)
	}
	return who.Groups()
}

func (m *mapped) isIn(when, token string, want ...string) {
	m.t.Helper()
	if got := m.groupsOf(token); !slices.Equal(got, want) {
		m.t.Errorf("%s: in %q, want %q", when, got, want)
	}
}

const amy = "amy@shop.example"

func TestGroupsAreMappedAtEachNewToken(t *testing.T) {
	m := startMapped(t, server.Config{})
	m.group("red", object{"externalGroups": []string{"idp-red"}})
	m.group("blue", object{"externalGroups": []string{"idp-blue", "idp-navy"}})
	m.group("green", nil)
	m.external("before", "red")

	m.use(m.token(amy, []string{"idp-red", "idp-other"}))
	m.external("first token", "red", amy)
	m.external("first token", "blue")
	both := m.token(amy, []string{"idp-red", "idp-navy"})
	m.isIn("both", both, "blue", "red")
	m.external("both", "blue", amy)
	moved := m.token(amy, []string{"idp-blue"})
	m.isIn("moved", moved, "blue")
	m.external("moved", "red")
	m.use(m.token("bob@shop.example", []string{"idp-blue"}))
	m.external("two people, sorted", "blue", amy, "bob@shop.example")
	m.use(m.token(amy, nil))
	m.external("no claim", "blue", "bob@shop.example")
	m.use(m.token("bob@shop.example", []string{}))
	m.external("an empty claim", "blue")
	if got := m.members(groupsAPI + "/green"); len(got.Members)+len(got.MembersFromExternalGroups) != 0 {
		t.Errorf("green has %+v", got)
	}
}

// What is no text in the claim is passed over; a text is a comma-separated list.
func TestFormsOfTheGroupsClaim(t *testing.T) {
	m := startMapped(t, server.Config{})
	for _, name := range []string{"red", "blue"} {
		m.group(name, object{"externalGroups": []string{"idp-" + name}})
	}
	for name, row := range map[string]struct {
		claim any
		want  []string
	}{
		"one":                {"idp-red", []string{"red"}},
		"two with a comma":   {"idp-red,idp-blue", []string{"blue", "red"}},
		"with spaces":        {" idp-red , idp-blue ", []string{"blue", "red"}},
		"empty items":        {",,idp-red,", []string{"red"}},
		"empty text":         {"", nil},
		"twice":              {[]string{"idp-red", "idp-red"}, []string{"red"}},
		"other types":        {[]any{1, nil, "idp-red", []string{"idp-blue"}, object{"name": "idp-blue"}, true}, []string{"red"}},
		"a number":           {5, nil},
		"an object":          {object{"idp-red": true}, nil},
		"true":               {true, nil},
		"in another case":    {[]string{"IDP-RED"}, nil},
		"part of a name":     {[]string{"idp-redder", "idp-re"}, nil},
		"a path as Keycloak": {[]string{"/idp-red"}, nil},
		"comma in a list":    {[]string{"idp-red,idp-blue"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := m.groupsOf(m.token(amy, row.claim)); !slices.Equal(got, row.want) {
				t.Errorf("in %q, want %q", got, row.want)
			}
		})
	}
}

func TestManualMembersStay(t *testing.T) {
	m := startMapped(t, server.Config{})
	m.group("red", object{"externalGroups": []string{"idp-red"}, "members": []string{amy, "carl@shop.example"}})
	in := m.token(amy, []string{"idp-red"})
	m.isIn("both manual and external", in, "red")
	if got := m.members(groupsAPI + "/red"); !slices.Equal(got.Members, []string{amy, "carl@shop.example"}) || !slices.Equal(got.MembersFromExternalGroups, []string{amy}) {
		t.Errorf("both: %+v", got)
	}
	out := m.token(amy, []string{"idp-other"})
	m.isIn("manual alone", out, "red")
	if got := m.members(groupsAPI + "/red"); !slices.Equal(got.Members, []string{amy, "carl@shop.example"}) || len(got.MembersFromExternalGroups) != 0 {
		t.Errorf("after the claim lost the group: %+v", got)
	}

	// The other way round: taken out by hand, the claim still holds.
	m.use(m.token(amy, []string{"idp-red"}))
	m.group("red", object{"externalGroups": []string{"idp-red"}, "members": []string{"carl@shop.example"}})
	if got := m.members(groupsAPI + "/red"); !slices.Equal(got.Members, []string{"carl@shop.example"}) || !slices.Equal(got.MembersFromExternalGroups, []string{amy}) {
		t.Errorf("after the hand took her out: %+v", got)
	}
	m.isIn("external alone", m.token(amy, []string{"idp-red"}), "red")
	m.isIn("neither", m.token(amy, nil))

	// Nobody can put in by hand what only a claim brings.
	m.group("red", object{"membersFromExternalGroups": []string{"mallory@evil.example"}})
	m.external("written by hand", "red")
}

func TestOlderTokenChangesNothing(t *testing.T) {
	m := startMapped(t, server.Config{})
	m.group("red", object{"externalGroups": []string{"idp-red"}})
	m.group("blue", object{"externalGroups": []string{"idp-blue"}})
	older := m.token(amy, []string{"idp-red"})
	m.isIn("older, first", older, "red")
	newer := m.token(amy, []string{"idp-blue"})
	m.isIn("newer", newer, "blue")
	m.isIn("older, after the newer", older, "blue")
	m.external("older, after the newer", "red")

	// Nor after the rules have changed, when both are mapped anew.
	m.group("blue", object{"externalGroups": []string{"idp-blue"}, "description": "changed"})
	m.isIn("older, after a change", older, "blue")
	m.isIn("newer, after a change", newer, "blue")
	m.group("purple", object{"externalGroups": []string{"idp-red", "idp-blue"}})
	m.isIn("older, after a new rule", older, "blue", "purple")

	// Two tokens of one second are told apart by which was seen first, and a token
	// with a later end does not become the newest by it.
	long := m.token(amy, []string{"idp-red"}, object{"exp": m.Pair().World.Clock.Now().Add(8 * time.Hour).Unix()})
	m.isIn("a long one", long, "purple", "red")
	m.use(m.token(amy, []string{"idp-blue"}))
	m.Pair().World.Clock.Advance(2 * time.Hour) // all but the long one have ended
	for i := range 20 {
		m.use(m.token(fmt.Sprintf("passer-by-%d@shop.example", i), nil)) // what is over is swept
	}
	m.group("blue", object{"externalGroups": []string{"idp-blue"}, "description": "again"})
	m.isIn("a long one after all others", long, "blue", "purple")
}

func TestChangedRulesTakeEffectForKnownTokens(t *testing.T) {
	m := startMapped(t, server.Config{})
	m.group("red", object{"externalGroups": []string{"idp-red"}})
	token := m.token(amy, []string{"idp-red", "idp-blue"})
	m.isIn("at first", token, "red")

	m.group("blue", object{"externalGroups": []string{"idp-blue"}})
	m.isIn("a new group", token, "blue", "red")
	m.group("red", object{"externalGroups": []string{"idp-crimson"}})
	m.isIn("another external group", token, "blue")
	m.group("red", object{"externalGroupRegex": []string{"^idp-r"}})
	m.isIn("an expression", token, "blue", "red")
	m.group("red", object{})
	m.isIn("no rule any more", token, "blue")
	if got := call(t, m.Server, http.MethodDelete, groupsAPI+"/blue", m.admin(), nil); got.status != http.StatusOK {
		t.Fatalf("delete: %d %s", got.status, got.body)
	}
	m.isIn("the group deleted", token)
	m.group("blue", object{"externalGroups": []string{"idp-blue"}})
	m.isIn("the group made again", token, "blue")

	// A dry run changes nothing.
	dry := object{"apiVersion": "v2", "kind": "Group", "metadata": object{"name": "blue"}, "spec": object{"displayName": "blue"}}
	if got := call(t, m.Server, http.MethodPut, groupsAPI+"?dryMode=true", m.admin(), dry); got.status != http.StatusOK {
		t.Fatalf("dry run: %d %s", got.status, got.body)
	}
	m.isIn("a dry run", token, "blue")

	// A reset brings back the rules and the memberships of the seed.
	m.Pair().World.Reset()
	m.isIn("after a reset", token)
}

func TestGroupRegex(t *testing.T) {
	for _, full := range []bool{false, true} {
		m := startMapped(t, server.Config{RegexFull: full})
		for name, expression := range map[string]string{
			"anchored": `^TEAM-[a-z]+$`, "part": `team`, "glob": `LDAP*`, "either": `^(a|ab)`, "empty": ``,
		} {
			m.group(name, object{"externalGroupRegex": []string{expression}})
		}
		m.group("several", object{"externalGroups": []string{"exact"}, "externalGroupRegex": []string{`^x-`, `-y$`}})
		for claim, want := range map[string]struct{ part, full []string }{
			"TEAM-red":  {[]string{"anchored", "empty"}, []string{"anchored"}},
			"my-team-1": {[]string{"empty", "part"}, nil},
			"team":      {[]string{"empty", "part"}, []string{"part"}},
			"LDA":       {[]string{"empty", "glob"}, []string{"glob"}},
			"LDAPPP":    {[]string{"empty", "glob"}, []string{"glob"}},
			"LDAP-x":    {[]string{"empty", "glob"}, nil},
			"ab":        {[]string{"either", "empty"}, []string{"either"}},
			"exact":     {[]string{"empty", "several"}, []string{"several"}},
			"x-":        {[]string{"empty", "several"}, []string{"several"}},
			"a-y":       {[]string{"either", "empty", "several"}, nil},
			"nothing":   {[]string{"empty"}, nil},
		} {
			wanted := want.part
			if full {
				wanted = want.full
			}
			if got := m.groupsOf(m.token(amy, []string{claim})); !slices.Equal(got, wanted) {
				t.Errorf("full %t, %q: in %q, want %q", full, claim, got, wanted)
			}
		}
		// An expression that would take for ever elsewhere.
		m.group("slow", object{"externalGroupRegex": []string{`^(a+)+$`}})
		m.use(m.token(amy, []string{strings.Repeat("a", 20000) + "!"}))
		m.external("a slow expression", "slow")
		for _, wrong := range []string{"(", "(?=x)", `\1`, "[z-a]"} {
			body := object{"apiVersion": "v2", "kind": "Group", "metadata": object{"name": "wrong"},
				"spec": object{"displayName": "x", "externalGroupRegex": []string{"fine", wrong}}}
			got := call(t, m.Server, http.MethodPut, groupsAPI, m.admin(), body)
			if got.status != http.StatusBadRequest || !strings.Contains(string(got.body), "spec.externalGroupRegex[1]") {
				t.Errorf("%q: %d %s", wrong, got.status, got.body)
			}
		}
	}
}

func TestApplicationGroupMembership(t *testing.T) {
	m := startMapped(t, server.Config{})
	m.group("owners", object{"members": []string{"olga@shop.example"}})
	m.put("/api/public/console/v2/kafka-cluster", object{"apiVersion": "v2", "kind": "KafkaCluster", "metadata": object{"name": "dev"},
		"spec": object{"displayName": "Dev", "bootstrapServers": "kafka:9092"}})
	m.put("/api/public/self-serve/v1/application", object{"apiVersion": "v1", "kind": "Application", "metadata": object{"name": "shop"},
		"spec": object{"title": "Shop", "owner": "owners"}})
	m.put("/api/public/self-serve/v1/application-instance", object{"apiVersion": "v1", "kind": "ApplicationInstance",
		"metadata": object{"name": "shop-dev", "application": "shop"},
		"spec":     object{"cluster": "dev", "resources": []object{{"type": "TOPIC", "name": "shop.", "patternType": "PREFIXED"}}}})
	m.put("/api/public/kafka/v2/cluster/dev/topic", object{"apiVersion": "v2", "kind": "Topic", "metadata": object{"name": "shop.paid", "cluster": "dev"},
		"spec": object{"partitions": 1, "replicationFactor": 1}})
	const path, topic = "/api/public/self-serve/v1/application-group", "/api/public/kafka/v2/cluster/dev/topic/shop.paid"
	support := func(spec object) {
		t.Helper()
		full := object{"displayName": "Support", "permissions": []object{{"appInstance": "shop-dev", "resourceType": "TOPIC",
			"patternType": "LITERAL", "name": "*", "permissions": []string{"topicConsume"}}}}
		for field, value := range spec {
			full[field] = value
		}
		m.put(path, object{"apiVersion": "v1", "kind": "ApplicationGroup", "metadata": object{"name": "support", "application": "shop"}, "spec": full})
	}
	support(object{"externalGroups": []string{"idp-support"}, "externalGroupRegex": []string{"^desk-[0-9]+$"}, "members": []string{"carl@shop.example"}})
	sees := func(when, token string, want int) {
		t.Helper()
		if got := call(t, m.Server, http.MethodGet, topic, token, nil); got.status != want {
			t.Errorf("%s: %d, want %d: %s", when, got.status, want, got.body)
		}
	}
	exact := m.token(amy, []string{"idp-support"})
	sees("by name", exact, 200)
	if got := m.members(path + "/support"); !slices.Equal(got.Members, []string{"carl@shop.example"}) || !slices.Equal(got.MembersFromExternalGroups, []string{amy}) {
		t.Errorf("members %+v", got)
	}
	sees("by expression", m.token(amy, []string{"desk-7"}), 200)
	gone := m.token(amy, []string{"desk-x"})
	sees("no more", gone, 403)
	sees("no more, older token", exact, 403)
	sees("by hand", m.token("carl@shop.example", nil), 200)
	sees("by hand and no longer by claim", m.token("carl@shop.example", []string{"desk-1"}), 200)
	sees("by hand again", m.token("carl@shop.example", nil), 200)
	sees("as owner", m.token("olga@shop.example", nil), 200)
	support(object{"externalGroupRegex": []string{"^desk-"}})
	sees("rule changed, known token", gone, 200)
	if got := call(t, m.Server, http.MethodDelete, path+"/support", m.admin(), nil); got.status != http.StatusOK {
		t.Fatalf("delete: %d %s", got.status, got.body)
	}
	sees("group deleted", gone, 403)
	if got := m.groupsOf(exact); len(got) != 0 {
		t.Errorf("an application group is shown as a group: %q", got)
	}
}

// user is a User as the API shows it; nil when there is none.
func (m *mapped) user(email string) *shownUser {
	m.t.Helper()
	got := call(m.t, m.Server, http.MethodGet, usersAPI+"/"+email, m.admin(), nil)
	if got.status == http.StatusNotFound {
		return nil
	}
	u := new(shownUser)
	if got.json(m.t, u); got.status != http.StatusOK {
		m.t.Fatalf("%d %s", got.status, got.body)
	}
	return u
}

type shownUser struct {
	Metadata struct{ Name, LastLoginDate string }
	Spec     struct {
		FirstName, LastName string
		Permissions         []object
	}
}

func TestUsersAreCreatedOnFirstSight(t *testing.T) {
	m := startMapped(t, server.Config{})
	clock := m.Pair().World.Clock
	first := m.token(amy, nil, object{"given_name": "Amy", "family_name": "Ng"})
	if m.user(amy) != nil {
		t.Fatal("there before her first token")
	}
	at := clock.Now()
	m.use(first)
	u := m.user(amy)
	if u == nil || u.Metadata.Name != amy || u.Metadata.LastLoginDate != at.Format(time.RFC3339) ||
		u.Spec.FirstName != "Amy" || u.Spec.LastName != "Ng" || len(u.Spec.Permissions) != 0 {
		t.Errorf("created as %+v", u)
	}
	clock.Advance(10 * time.Minute)
	m.use(first)
	if u := m.user(amy); u.Metadata.LastLoginDate != at.Format(time.RFC3339) {
		t.Errorf("a token seen before moved lastLoginDate to %s", u.Metadata.LastLoginDate)
	}
	m.use(m.token(amy, nil, object{"given_name": "Amelia"}))
	if u := m.user(amy); u.Metadata.LastLoginDate != clock.Now().Format(time.RFC3339) || u.Spec.FirstName != "Amy" {
		t.Errorf("at the next token %+v; names are those of the first", u)
	}
	moved := clock.Now()

	// What an admin writes stays, and an unchanged PUT keeps the date.
	m.put(usersAPI, object{"apiVersion": "v2", "kind": "User", "metadata": object{"name": amy}, "spec": object{"firstName": "Ames",
		"permissions": []object{{"resourceType": "PLATFORM", "permissions": []string{"userView"}}}}})
	clock.Advance(time.Minute)
	if u := m.user(amy); u.Metadata.LastLoginDate != moved.Format(time.RFC3339) || len(u.Spec.Permissions) != 1 {
		t.Errorf("after a PUT %+v", u)
	}
	m.use(m.token(amy, nil))
	if u := m.user(amy); u.Spec.FirstName != "Ames" || len(u.Spec.Permissions) != 1 || u.Metadata.LastLoginDate != clock.Now().Format(time.RFC3339) {
		t.Errorf("after another token %+v", u)
	}
	// A change of the rules maps a known token anew, which is no login.
	m.group("red", object{"externalGroups": []string{"idp-red"}})
	before := clock.Now()
	clock.Advance(time.Minute)
	m.use(first)
	if u := m.user(amy); u.Metadata.LastLoginDate != before.Format(time.RFC3339) {
		t.Errorf("a change of rules moved lastLoginDate to %s", u.Metadata.LastLoginDate)
	}
}

func TestEmailCase(t *testing.T) {
	m := startMapped(t, server.Config{})
	m.group("red", object{"externalGroups": []string{"idp-red"}, "members": []string{"Carl@Shop.Example"}})
	m.use(m.token("Amy@Shop.example", []string{"idp-red"}))
	m.use(m.token("amy@shop.EXAMPLE", []string{"idp-red"}))
	count := 0
	for resource := range m.Pair().World.View().Resources("User", "v2", nil, "") {
		if strings.EqualFold(resource.Name, amy) {
			count++
			if resource.Name != "Amy@Shop.example" {
				t.Errorf("kept as %s, first seen as Amy@Shop.example", resource.Name)
			}
		}
	}
	if count != 1 {
		t.Errorf("%d users for one address", count)
	}
	m.external("in another case", "red", "Amy@Shop.example")
	m.isIn("out in another case", m.token("AMY@SHOP.EXAMPLE", nil))
	m.external("out in another case", "red")
	m.isIn("manual in another case", m.token("carl@shop.example", nil), "red")
	if who, err := m.Pair().Console.Authenticate(t.Context(), http.Header{"Authorization": {"Bearer " + m.token(strings.ToUpper(server.DefaultAdminEmail), nil)}}); err != nil || !who.Admin() {
		t.Errorf("the root admin in capitals: %v, %v", who, err)
	}
	if got := call(t, m.Server, http.MethodPut, usersAPI, m.admin(), object{"apiVersion": "v2", "kind": "User", "metadata": object{"name": amy}, "spec": object{}}); got.status != http.StatusConflict {
		t.Errorf("a second user of the address: %d %s", got.status, got.body)
	}
}

func TestDeletedUserComesBack(t *testing.T) {
	m := startMapped(t, server.Config{})
	m.group("red", object{"externalGroups": []string{"idp-red"}})
	token := m.token(amy, []string{"idp-red"})
	m.use(token)
	m.put(usersAPI, object{"apiVersion": "v2", "kind": "User", "metadata": object{"name": amy}, "spec": object{"firstName": "Amy",
		"permissions": []object{{"resourceType": "PLATFORM", "permissions": []string{"userView"}}}}})
	if got := call(t, m.Server, http.MethodDelete, usersAPI+"/"+amy, m.admin(), nil); got.status != http.StatusOK {
		t.Fatalf("delete: %d %s", got.status, got.body)
	}
	// A token seen before is still good (nothing revokes a JWT), but does not bring
	// her back, not even after the rules have changed.
	m.use(token)
	m.group("blue", object{"externalGroups": []string{"idp-red"}})
	m.use(token)
	if m.user(amy) != nil {
		t.Error("a known token brought her back")
	}
	if got := call(t, m.Server, http.MethodGet, usersAPI+"/"+amy, token, nil); got.status != http.StatusForbidden {
		t.Errorf("her own permissions outlived her: %d %s", got.status, got.body)
	}
	m.use(m.token(amy, []string{"idp-red"}))
	u := m.user(amy)
	if u == nil || len(u.Spec.Permissions) != 0 || u.Spec.FirstName != "" {
		t.Errorf("at the next token she is %+v, want a fresh user", u)
	}
	m.isIn("back again", m.token(amy, []string{"idp-red"}), "blue", "red")
}

// Signing in by password maps the directory's groups, as LDAP does, and counts
// as newer than the tokens before it.
func TestLoginMapsGroups(t *testing.T) {
	running := start(t, server.Config{Console: console.Settings{LocalUsers: []console.LocalUser{{Email: "local@shop.example", Password: "Local-1-password"}}}})
	login := func(email, password string) string {
		t.Helper()
		var tokens struct {
			Access string `json:"access_token"`
		}
		got := call(t, running, http.MethodPost, "/api/login", "", object{"username": email, "password": password})
		if got.json(t, &tokens); got.status != http.StatusOK {
			t.Fatalf("%d %s", got.status, got.body)
		}
		return tokens.Access
	}
	groups := func(token string) []string {
		t.Helper()
		who, err := running.Pair().Console.Authenticate(t.Context(), http.Header{"Authorization": {"Bearer " + token}})
		if err != nil {
			t.Fatal(err)
		}
		return who.Groups()
	}
	if got := groups(login("chloe@shop.example", "chloe-password")); !slices.Equal(got, []string{"checkout-team", "customer-team"}) {
		t.Errorf("chloe is in %q", got)
	}
	if got := groups(login("local@shop.example", "Local-1-password")); len(got) != 0 {
		t.Errorf("a local user is in %q", got)
	}
	if _, known := kinds.FindUser(running.Pair().World.View(), "local@shop.example"); !known {
		t.Error("a local user who signed in is no user")
	}

	// An older token says otherwise than the directory does now.
	by := signerOf(t, running, "RS256")
	now := running.Pair().World.Clock.Now()
	older := compact(object{"alg": by.alg, "kid": by.kid}, object{"iss": running.Issuer(), "email": "chloe@shop.example",
		"groups": []string{"team-data"}, "exp": now.Add(time.Hour).Unix()}, signedBy(by.alg, by.private))
	if got := groups(older); !slices.Equal(got, []string{"data-team"}) {
		t.Errorf("by token chloe is in %q", got)
	}
	session := login("chloe@shop.example", "chloe-password")
	if got := call(t, running, http.MethodPut, groupsAPI, "mock-admin-key", object{"apiVersion": "v2", "kind": "Group",
		"metadata": object{"name": "staff"}, "spec": object{"displayName": "Staff", "externalGroups": []string{"all-staff"}}}); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	// A login is mapped once; a token each time that the rules are others.
	if got := groups(session); !slices.Equal(got, []string{"checkout-team", "customer-team"}) {
		t.Errorf("after a new rule the session is in %q", got)
	}
	if got := groups(older); !slices.Equal(got, []string{"checkout-team", "customer-team", "staff"}) {
		t.Errorf("after a login and a new rule the older token is in %q", got)
	}
}

// Many tokens of many people at once leave exactly what their claims say.
func TestGroupsConcurrently(t *testing.T) {
	m := startMapped(t, server.Config{})
	m.group("even", object{"externalGroups": []string{"idp-even"}})
	m.group("all", object{"externalGroupRegex": []string{"^idp-"}})
	const people = 24
	tokens := make([]string, people)
	var even, all []string
	for i := range tokens {
		email, group := fmt.Sprintf("p%02d@shop.example", i), "idp-odd"
		if all = append(all, email); i%2 == 0 {
			group, even = "idp-even", append(even, email)
		}
		tokens[i] = m.token(email, []string{group})
	}
	done := make(chan error)
	for _, token := range tokens {
		for range 3 {
			go func() {
				_, err := m.Pair().Console.Authenticate(t.Context(), http.Header{"Authorization": {"Bearer " + token}})
				done <- err
			}()
		}
	}
	for range 3 * people {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	m.external("all at once", "even", even...)
	m.external("all at once", "all", all...)
}
