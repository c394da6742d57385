package seed

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/rbac"
)

// estateUnderTest answers questions about the embedded estate.
type estateUnderTest struct {
	t    *testing.T
	docs []*Document
}

func newEstate(t *testing.T) *estateUnderTest {
	return &estateUnderTest{t: t, docs: estateDocuments(t)} // validated against the schemas
}

func (e *estateUnderTest) of(kind string) []*Document {
	var found []*Document
	for _, d := range e.docs {
		if d.Kind == kind {
			found = append(found, d)
		}
	}
	if len(found) == 0 {
		e.t.Fatalf("no %s in the estate", kind)
	}
	return found
}

// get walks maps: get(d, "spec", "owner").
func get(d *Document, path ...string) any {
	var value any = d.Object
	for _, key := range path {
		m, _ := value.(map[string]any)
		value = m[key]
	}
	return value
}

func textAt(d *Document, path ...string) string {
	s, _ := get(d, path...).(string)
	return s
}

func texts(value any) []string {
	var list []string
	items, _ := value.([]any)
	for _, item := range items {
		list = append(list, item.(string))
	}
	return list
}

func maps(value any) []map[string]any {
	var list []map[string]any
	items, _ := value.([]any)
	for _, item := range items {
		list = append(list, item.(map[string]any))
	}
	return list
}

// exists tells whether a resource is there; cluster is "" for kinds without.
func (e *estateUnderTest) exists(kind, cluster, name string) bool {
	return e.find(kind, cluster, name) != nil
}

func (e *estateUnderTest) find(kind, cluster, name string) *Document {
	for _, d := range e.docs {
		if d.Kind == kind && d.Name == name && textAt(d, "metadata", "cluster") == cluster {
			return d
		}
	}
	return nil
}

// wants reports a document that refers to what is not there.
func (e *estateUnderTest) wants(ok bool, d *Document, path, what string) {
	e.t.Helper()
	if !ok {
		e.t.Errorf("%s: %s %s: %s: %s", d.At(path), d.Kind, d.Name, path, what)
	}
}

// covers tells whether what is owned holds all of the other.
func covers(owner, other map[string]any) bool {
	if owner["type"] != other["type"] || fmt.Sprint(owner["connectCluster"]) != fmt.Sprint(other["connectCluster"]) {
		return false
	}
	if owner["patternType"] == "LITERAL" {
		return other["patternType"] == "LITERAL" && owner["name"] == other["name"]
	}
	return strings.HasPrefix(other["name"].(string), owner["name"].(string))
}

func TestEstateHasWhatItPromises(t *testing.T) {
	e := newEstate(t)
	for kind, least := range map[string]int{
		"KafkaCluster": 2, "KafkaConnectCluster": 2, "Group": 5, "Person": 10, "Client": 4, "SigningKey": 3,
		"Application": 5, "ApplicationInstance": 8, "ApplicationInstancePermission": 5, "ApplicationGroup": 1,
		"Topic": 60, "TopicFigures": 60, "Subject": 15, "Connector": 4, "ConsumerGroup": 20, "APIKey": 2,
	} {
		if got := len(e.of(kind)); got < least {
			t.Errorf("%d %s, want %d", got, kind, least)
		}
	}
	for _, c := range e.of("KafkaCluster") {
		e.wants(regexp.MustCompile(`^[0-9a-z\-]+$`).MatchString(c.Name), c, "metadata.name", "does not fit the pattern of permissions")
	}
	formats := map[string]bool{}
	for _, s := range e.of("Subject") {
		formats[textAt(s, "spec", "format")] = true
	}
	states := map[string]bool{}
	for _, g := range e.of("ConsumerGroup") {
		states[textAt(g, "spec", "state")] = true
	}
	if len(formats) != 3 || len(states) < 5 {
		t.Errorf("formats %v, states %v", formats, states)
	}
	modes := map[string]bool{}
	for _, i := range e.of("ApplicationInstance") {
		for _, r := range maps(get(i, "spec", "resources")) {
			modes[fmt.Sprint(r["ownershipMode"])] = true
		}
	}
	if !modes["LIMITED"] || !modes["<nil>"] {
		t.Errorf("ownership modes %v", modes)
	}
	kinds := map[string]func(string) bool{
		"internal":    func(n string) bool { return n == "__consumer_offsets" },
		"changelog":   func(n string) bool { return strings.HasSuffix(n, "-changelog") },
		"repartition": func(n string) bool { return strings.HasSuffix(n, "-repartition") },
	}
	for what, is := range kinds {
		if !slices.ContainsFunc(e.of("Topic"), func(d *Document) bool { return is(d.Name) }) {
			t.Errorf("no %s topic", what)
		}
	}
	if !slices.ContainsFunc(e.of("TopicFigures"), func(d *Document) bool { return get(d, "spec", "indexed") == false }) {
		t.Error("no topic that is not indexed yet")
	}
}

func TestEstatePeople(t *testing.T) {
	e := newEstate(t)
	emails := map[string]*Document{}
	held := map[string]bool{} // groups that somebody brings along
	for _, p := range e.of("Person") {
		email := textAt(p, "spec", "email")
		e.wants(strings.HasSuffix(email, "@shop.example") && emails[email] == nil, p, "spec.email", "another domain, or twice")
		emails[email] = p
		e.wants(textAt(p, "spec", "password") == p.Name+"-password", p, "spec.password", "not the documented one")
		for _, g := range texts(get(p, "spec", "groups")) {
			held[g] = true
		}
	}
	for _, c := range e.of("Client") {
		for _, g := range texts(get(c, "spec", "claims", "groups")) {
			held[g] = true
		}
	}
	for _, u := range e.of("User") {
		e.wants(emails[u.Name] != nil, u, "metadata.name", "no such person")
	}
	members := map[string][]string{} // groups of the Console by e-mail, manual ones
	external, patterns := map[string]bool{}, []*regexp.Regexp{}
	for _, kind := range []string{"Group", "ApplicationGroup"} {
		for _, g := range e.of(kind) {
			for i, m := range texts(get(g, "spec", "members")) {
				e.wants(emails[m] != nil, g, fmt.Sprintf("spec.members[%d]", i), "no such person: "+m)
				members[m] = append(members[m], g.Name)
			}
			for i, x := range texts(get(g, "spec", "externalGroups")) {
				e.wants(held[x], g, fmt.Sprintf("spec.externalGroups[%d]", i), "nobody has "+x)
				external[x] = true
			}
			for _, x := range texts(get(g, "spec", "externalGroupRegex")) {
				patterns = append(patterns, regexp.MustCompile(x))
			}
		}
	}
	if !slices.Contains(members["admin@shop.example"], "admin") || textAt(e.find("Group", "", "admin"), "spec", "displayName") != "Admin" {
		t.Error("admin@shop.example is not in the built-in group admin")
	}
	inNone, byPatternOnly := 0, 0
	for email, p := range emails {
		exact, matched := len(members[email]), 0
		for _, g := range texts(get(p, "spec", "groups")) {
			if external[g] {
				exact++
			}
			for _, pattern := range patterns {
				if pattern.MatchString(g) {
					matched++
				}
			}
		}
		if exact == 0 && matched == 0 {
			inNone++
		}
		if exact == 0 && matched > 0 {
			byPatternOnly++
		}
	}
	if inNone == 0 || byPatternOnly == 0 {
		t.Errorf("%d people in no group, %d by pattern only; want some of both", inNone, byPatternOnly)
	}
}

func TestEstateClients(t *testing.T) {
	e := newEstate(t)
	for _, c := range e.of("Client") {
		for _, field := range []string{"redirect_uris", "post_logout_redirect_uris"} {
			for i, uri := range texts(get(c, "spec", field)) {
				u, err := url.Parse(uri)
				loopback := err == nil && slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname())
				e.wants(loopback && u.Fragment == "" && !strings.Contains(uri, "*"), c, fmt.Sprintf("spec.%s[%d]", field, i), uri)
			}
		}
		secret, method := textAt(c, "spec", "client_secret"), textAt(c, "spec", "token_endpoint_auth_method")
		e.wants((secret == "") == (method == "none"), c, "spec.client_secret", "neither public nor confidential")
		if slices.Contains(texts(get(c, "spec", "grant_types")), "authorization_code") {
			e.wants(len(texts(get(c, "spec", "redirect_uris"))) > 0, c, "spec.redirect_uris", "none")
		}
	}
	backstage := e.find("Client", "", "backstage")
	if textAt(backstage, "spec", "client_secret") != "backstage-secret" ||
		!slices.Contains(texts(get(backstage, "spec", "redirect_uris")), "http://localhost:7007/api/auth/oidc/handler/frame") {
		t.Error("backstage is not as documented")
	}
}

func TestEstateKeys(t *testing.T) {
	keys, err := DefaultKeys()
	if err != nil {
		t.Fatal(err)
	}
	var algs []string
	for _, k := range keys {
		block, rest := pem.Decode([]byte(textAt(k, "spec", "privateKey")))
		if block == nil || block.Type != "PRIVATE KEY" || len(rest) > 0 {
			t.Fatalf("%s: not one PKCS 8 block", k.Name)
		}
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			t.Fatalf("%s: %v", k.Name, err)
		}
		alg := textAt(k, "spec", "alg")
		algs = append(algs, alg)
		var fits bool
		switch key := key.(type) {
		case *rsa.PrivateKey:
			fits = alg == "RS256" && key.N.BitLen() == 2048
		case *ecdsa.PrivateKey:
			fits = alg == "ES256" && key.Curve.Params().Name == "P-256"
		case ed25519.PrivateKey:
			fits = alg == "EdDSA"
		}
		if !fits {
			t.Errorf("%s: a %T for %s", k.Name, key, alg)
		}
	}
	if !slices.Equal(algs, []string{"RS256", "ES256", "EdDSA"}) {
		t.Errorf("algorithms %v", algs)
	}
	e := newEstate(t)
	for _, k := range e.of("APIKey") {
		e.wants(strings.HasPrefix(textAt(k, "spec", "token"), "mock-"), k, "spec.token", "does not look made-up")
		if textAt(k, "spec", "type") == "applicationInstance" {
			e.wants(e.exists("ApplicationInstance", "", textAt(k, "spec", "applicationInstance")), k, "spec.applicationInstance", "no such instance")
		}
	}
}

func TestEstateReferences(t *testing.T) {
	e := newEstate(t)
	cluster := func(d *Document, path string, name string) {
		e.wants(name == "*" || e.exists("KafkaCluster", "", name), d, path, "no such cluster: "+name)
	}
	for _, d := range e.docs {
		if name, has := get(d, "metadata", "cluster").(string); has {
			cluster(d, "metadata.cluster", name)
		}
	}
	for _, kind := range []string{"Group", "User"} {
		for _, d := range e.of(kind) {
			permissions, _ := get(d, "spec", "permissions").([]any)
			_, problems := rbac.ParsePermissions(permissions, rbac.Source{})
			e.wants(len(problems) == 0, d, "spec.permissions", fmt.Sprint(problems))
			for i, p := range maps(get(d, "spec", "permissions")) {
				path := fmt.Sprintf("spec.permissions[%d]", i)
				if name, has := p["cluster"].(string); has {
					cluster(d, path, name)
					if connect, has := p["kafkaConnect"].(string); has && connect != "*" {
						e.wants(e.exists("KafkaConnectCluster", name, connect), d, path, "no such connect cluster")
					}
				}
				if p["resourceType"] == "CLUSTER" {
					cluster(d, path, p["name"].(string))
				}
			}
		}
	}
	for _, a := range e.of("Application") {
		e.wants(e.exists("Group", "", textAt(a, "spec", "owner")), a, "spec.owner", "no such group")
	}
	for _, i := range e.of("ApplicationInstance") {
		e.wants(e.exists("Application", "", textAt(i, "metadata", "application")), i, "metadata.application", "no such application")
		cluster(i, "spec.cluster", textAt(i, "spec", "cluster"))
		for _, p := range texts(get(i, "spec", "topicPolicyRef")) {
			e.wants(e.exists("TopicPolicy", "", p), i, "spec.topicPolicyRef", "no such policy")
		}
		for n, r := range maps(get(i, "spec", "resources")) {
			if r["type"] == "CONNECTOR" {
				connect, _ := r["connectCluster"].(string)
				e.wants(e.exists("KafkaConnectCluster", textAt(i, "spec", "cluster"), connect), i, fmt.Sprintf("spec.resources[%d]", n), "no such connect cluster")
			}
		}
	}
	e.instancesDoNotOverlap()
	e.permissionsFit()
	for _, c := range e.of("Connector") {
		e.wants(e.exists("KafkaConnectCluster", textAt(c, "metadata", "cluster"), textAt(c, "metadata", "connectCluster")), c, "metadata.connectCluster", "no such connect cluster")
		for _, key := range []string{"topics", "errors.deadletterqueue.topic.name"} {
			for topic := range strings.SplitSeq(textAt(c, "spec", "config", key), ",") {
				e.wants(topic == "" || e.exists("Topic", textAt(c, "metadata", "cluster"), topic), c, "spec.config."+key, "no such topic: "+topic)
			}
		}
	}
	for _, g := range e.of("ConsumerGroup") {
		for i, topic := range texts(get(g, "spec", "topics")) {
			e.wants(e.exists("Topic", textAt(g, "metadata", "cluster"), topic), g, fmt.Sprintf("spec.topics[%d]", i), "no such topic: "+topic)
		}
	}
}

func (e *estateUnderTest) instancesDoNotOverlap() {
	instances := e.of("ApplicationInstance")
	accounts := map[string]string{}
	for i, a := range instances {
		account := textAt(a, "spec", "cluster") + "/" + textAt(a, "spec", "serviceAccount")
		e.wants(accounts[account] == "", a, "spec.serviceAccount", "also of "+accounts[account])
		accounts[account] = a.Name
		for _, b := range instances[i+1:] {
			if textAt(a, "spec", "cluster") != textAt(b, "spec", "cluster") {
				continue
			}
			for _, x := range maps(get(a, "spec", "resources")) {
				for _, y := range maps(get(b, "spec", "resources")) {
					e.wants(!covers(x, y) && !covers(y, x), a, "spec.resources", fmt.Sprintf("overlaps with %s: %v and %v", b.Name, x, y))
				}
			}
		}
	}
}

func (e *estateUnderTest) owns(instance *Document, resource map[string]any) bool {
	return slices.ContainsFunc(maps(get(instance, "spec", "resources")), func(owned map[string]any) bool { return covers(owned, resource) })
}

func (e *estateUnderTest) permissionsFit() {
	for _, p := range e.of("ApplicationInstancePermission") {
		giver := e.find("ApplicationInstance", "", textAt(p, "metadata", "appInstance"))
		taker := e.find("ApplicationInstance", "", textAt(p, "spec", "grantedTo"))
		e.wants(giver != nil && textAt(giver, "metadata", "application") == textAt(p, "metadata", "application"), p, "metadata.appInstance", "not of the application")
		e.wants(taker != nil, p, "spec.grantedTo", "no such instance")
		if giver == nil || taker == nil {
			continue
		}
		e.wants(textAt(giver, "spec", "cluster") == textAt(taker, "spec", "cluster"), p, "spec.grantedTo", "on another cluster")
		e.wants(e.owns(giver, get(p, "spec", "resource").(map[string]any)), p, "spec.resource", "not owned by the instance")
	}
	for _, g := range e.of("ApplicationGroup") {
		application := textAt(g, "metadata", "application")
		e.wants(e.exists("Application", "", application), g, "metadata.application", "no such application")
		for _, list := range []string{"permissions", "instancePermissions"} {
			for i, p := range maps(get(g, "spec", list)) {
				path := fmt.Sprintf("spec.%s[%d]", list, i)
				instance := e.find("ApplicationInstance", "", p["appInstance"].(string))
				e.wants(instance != nil && textAt(instance, "metadata", "application") == application, g, path, "not an instance of the application")
				if instance != nil && p["name"] != nil && p["name"] != "*" {
					e.wants(e.owns(instance, map[string]any{"type": p["resourceType"], "name": p["name"], "patternType": p["patternType"]}), g, path, "not owned by the instance")
				}
			}
		}
	}
}

// TestDefaultKnowsItsPlaces: the bundle points back into the YAML.
func TestDefaultKnowsItsPlaces(t *testing.T) {
	docs, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range docs {
		if !strings.HasPrefix(d.Pos.File, "<default>/") || d.Pos.Line < 2 || d.Source != "default" {
			t.Fatalf("%s %s lies at %v of %q", d.Kind, d.Name, d.Pos, d.Source)
		}
		if at := d.At("kind"); at.Line != d.Pos.Line+1 || at.File != d.Pos.File || d.At("metadata.name").Line <= at.Line {
			t.Errorf("%s %s begins at %v, its kind at %v", d.Kind, d.Name, d.Pos, at)
		}
	}
	again, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	docs[0].Object["kind"] = "changed"
	if again[0].Object["kind"] == "changed" {
		t.Error("two calls share their documents")
	}
}

// TestDefaultLeavesPlaceholdersAlone: what looks like one is for Kafka Connect.
func TestDefaultLeavesPlaceholdersAlone(t *testing.T) {
	e := newEstate(t)
	connector := e.find("Connector", "production", "loyalty.member.crm-sink")
	if got := textAt(connector, "spec", "config", "connection.password"); got != "${file:/etc/connect/secrets.properties:crm.password}" {
		t.Errorf("got %q", got)
	}
}

func TestEstateTopics(t *testing.T) {
	e := newEstate(t)
	for _, d := range e.of("Topic") {
		e.wants(e.exists("TopicFigures", textAt(d, "metadata", "cluster"), d.Name), d, "metadata.name", "no figures")
		for key, value := range get(d, "spec", "configs").(map[string]any) {
			_, isText := value.(string)
			e.wants(isText, d, "spec.configs."+key, "not text")
		}
		e.wants(e.withinPolicy(d), d, "spec", "against the topic policy of its instance")
	}
	for _, d := range e.of("TopicFigures") {
		e.wants(e.exists("Topic", textAt(d, "metadata", "cluster"), d.Name), d, "metadata.name", "no such topic")
		if ago := textAt(d, "spec", "lastActivityAgo"); ago != "" {
			_, err := time.ParseDuration(ago)
			e.wants(err == nil, d, "spec.lastActivityAgo", "no duration")
		}
	}
}

// withinPolicy checks the one policy of the estate on the topics it is for.
func (e *estateUnderTest) withinPolicy(topic *Document) bool {
	for _, i := range e.of("ApplicationInstance") {
		refs := texts(get(i, "spec", "topicPolicyRef"))
		resource := map[string]any{"type": "TOPIC", "name": topic.Name, "patternType": "LITERAL"}
		if len(refs) == 0 || textAt(i, "spec", "cluster") != textAt(topic, "metadata", "cluster") || !e.owns(i, resource) {
			continue
		}
		policies := get(e.find("TopicPolicy", "", refs[0]), "spec", "policies").(map[string]any)
		for path, policy := range policies {
			constraint := policy.(map[string]any)
			value := fieldAt(topic.Object, path)
			if value == nil {
				if constraint["optional"] != true {
					return false
				}
				continue
			}
			if !satisfies(fmt.Sprint(value), constraint) {
				return false
			}
		}
	}
	return true
}

func fieldAt(object map[string]any, path string) any {
	if value, found := object[path]; found {
		return value
	}
	for key, value := range object {
		if below, isMap := value.(map[string]any); isMap && strings.HasPrefix(path, key+".") {
			return fieldAt(below, path[len(key)+1:])
		}
	}
	return nil
}

func satisfies(value string, constraint map[string]any) bool {
	switch constraint["constraint"] {
	case "Range":
		n, err := strconv.ParseInt(value, 10, 64)
		low, _ := constraint["min"].(json.Number).Int64()
		high, _ := constraint["max"].(json.Number).Int64()
		return err == nil && n >= low && n <= high
	case "OneOf":
		return slices.Contains(texts(constraint["values"]), value)
	case "Match":
		return regexp.MustCompile(constraint["pattern"].(string)).MatchString(value)
	}
	return false
}

func TestEstateSubjects(t *testing.T) {
	e := newEstate(t)
	for _, s := range e.of("Subject") {
		schema := textAt(s, "spec", "schema")
		switch textAt(s, "spec", "format") {
		case "PROTOBUF":
			e.wants(strings.HasPrefix(schema, `syntax = "proto3";`) && strings.Count(schema, "{") == strings.Count(schema, "}"), s, "spec.schema", "no proto3")
		default:
			e.wants(json.Valid([]byte(schema)), s, "spec.schema", "no JSON")
		}
		cluster := textAt(s, "metadata", "cluster")
		for i, r := range maps(get(s, "spec", "references")) {
			referred := e.find("Subject", cluster, r["subject"].(string))
			path := fmt.Sprintf("spec.references[%d]", i)
			e.wants(referred != nil, s, path, "no such subject")
			e.wants(referred == nil || slices.Index(e.docs, referred) < slices.Index(e.docs, s), s, path, "stands behind")
		}
		if topic, isValue := strings.CutSuffix(s.Name, "-value"); isValue {
			e.wants(e.exists("Topic", cluster, topic), s, "metadata.name", "no such topic")
		}
	}
}
