package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/control"
	"github.com/mockduktor/mockduktor/server/explain"
	"github.com/mockduktor/mockduktor/server/kinds"
)

// explainLab draws requests and sends them both ways.
type explainLab struct {
	*server.Server
	by      signer
	people  []string
	keys    map[string]string // bearer tokens of API keys by their labels
	made    []string          // tokens that were used before
	opened  []string          // login sessions
	tokens  int               // how many were made for an e-mail
	methods map[string][]drawnOperation
}

const quickClient = `
apiVersion: mockduktor/v1
kind: Client
metadata: {name: quick}
spec: {client_name: Quick, redirect_uris: ["http://localhost:1/x"], id_token_signed_response_alg: EdDSA, access_token_signed_response_alg: EdDSA}
`

type drawnOperation struct {
	path string
	body string // the document's example
	kind *openapi.Kind
}

func startExplainLab(t *testing.T) *explainLab {
	t.Helper()
	// RSA would take most of the time that the test has.
	config := server.Config{Listen: "127.0.0.1:0", Documents: seeded(t, quickClient)}
	running, err := server.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := running.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	l := &explainLab{Server: running, by: signerOf(t, running, "EdDSA"), keys: map[string]string{}, methods: map[string][]drawnOperation{}}
	tx := running.Pair().World.View()
	for resource := range tx.Resources("Person", "v1", nil, "") {
		if resource.Name != "kim" { // disabled
			l.people = append(l.people, resource.Name)
		}
	}
	for resource := range tx.Resources("APIKey", "v1", nil, "") {
		spec := resource.Object()["spec"].(object)
		l.keys[resource.Value.(*kinds.APIKey).Label] = spec["token"].(string)
	}
	var document struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct{ Example json.RawMessage }
			}
		}
	}
	if err := json.Unmarshal(openapi.Console().JSON(), &document); err != nil {
		t.Fatal(err)
	}
	for _, path := range slices.Sorted(maps.Keys(document.Paths)) {
		for method, operation := range document.Paths[path] {
			one := drawnOperation{path: path}
			for _, content := range operation.RequestBody.Content {
				one.body = string(content.Example)
			}
			for _, kind := range openapi.Console().Kinds() {
				if path == kind.ListPath || path == kind.ItemPath {
					one.kind = kind
				}
			}
			l.methods[strings.ToUpper(method)] = append(l.methods[strings.ToUpper(method)], one)
		}
	}
	return l
}

// drawnCredential is one credential in both forms.
type drawnCredential struct {
	sort   string
	asked  explain.Request // without the call
	bearer string          // what the server is sent; "" for nothing
}

func (l *explainLab) token(changed object) string {
	now := l.Pair().World.Clock.Now()
	claims := object{"iss": l.Issuer(), "sub": "x", "aud": "backstage", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	for name, value := range changed {
		if value == absent {
			delete(claims, name)
			continue
		}
		claims[name] = value
	}
	return compact(object{"alg": l.by.alg, "kid": l.by.kid, "typ": "JWT"}, claims, signedBy(l.by.alg, l.by.private))
}

func (l *explainLab) externalGroups(t *rapid.T) []string {
	pool := []string{"team-checkout", "kafka-admins", "idp-fulfilment-eu", "team-customer", "team-data", "all-staff", "support-desk", "nobody-knows", "TEAM-CHECKOUT", ""}
	return rapid.SliceOfN(rapid.SampledFrom(pool), 0, 4).Draw(t, "groups")
}

func (l *explainLab) credential(t *rapid.T) drawnCredential {
	c := drawnCredential{sort: rapid.SampledFrom([]string{
		"person", "person", "person", "email", "email", "key", "session", "old", "none", "broken", "claims",
	}).Draw(t, "credential")}
	switch c.sort {
	case "person":
		c.asked.Person = rapid.SampledFrom(l.people).Draw(t, "person")
		c.asked.ClientID = "quick"
		tokens, err := control.Mint(t.Context(), l.Pair().World, l.Pair().Provider, c.asked.Person, idp.MintRequest{ClientID: "quick"})
		if err != nil {
			t.Fatal(err)
		}
		c.bearer = tokens.AccessToken
	case "email":
		c.asked.Email = rapid.SampledFrom([]string{"ada@shop.example", "ben@shop.example", "ines@shop.example", "new@shop.example", "Ada@Shop.Example", server.DefaultAdminEmail}).Draw(t, "email")
		c.asked.Groups = append([]string{}, l.externalGroups(t)...)
		// A claim names a group once and none without a name.
		c.asked.Groups = slices.DeleteFunc(c.asked.Groups, func(name string) bool { return name == "" })
		// An e-mail stands for a token never seen before: the groups of one that comes
		// again are those of the newest.
		l.tokens++
		c.bearer = l.token(object{"email": c.asked.Email, "groups": c.asked.Groups, "jti": l.tokens})
	case "key":
		c.asked.Key = rapid.SampledFrom(slices.Sorted(maps.Keys(l.keys))).Draw(t, "key")
		c.bearer = l.keys[c.asked.Key]
	case "session":
		c.bearer = rapid.SampledFrom(append([]string{"no-such-session"}, l.opened...)).Draw(t, "session")
		c.asked.Token = c.bearer
	case "old":
		c.bearer = rapid.SampledFrom(append([]string{"a.b.c"}, l.made...)).Draw(t, "old")
		c.asked.Token = c.bearer
	case "broken":
		whole := l.token(object{"email": "ben@shop.example", "groups": []string{"team-checkout"}})
		at := rapid.IntRange(0, len(whole)-1).Draw(t, "at")
		c.bearer = rapid.SampledFrom([]string{whole[:at], whole[:at] + "A" + whole[at+1:], whole + ".x.y", " " + whole, "\x01" + whole[1:]}).Draw(t, "how")
		c.bearer = strings.TrimSpace(strings.Trim(c.bearer, "\x01"))
		c.asked.Token = c.bearer
	case "claims":
		c.bearer = l.token(rapid.SampledFrom([]object{
			{"email": "ben@shop.example", "iss": "https://elsewhere.example"}, {"email": "ben@shop.example", "iss": absent},
			{"email": "ben@shop.example", "exp": absent}, {"email": "ben@shop.example", "exp": 1}, {"email": "ben@shop.example", "exp": "soon"},
			{"email": "ben@shop.example", "nbf": 99999999999}, {"email": absent}, {"email": "no address"}, {"email": 7},
			{"apikey": "unknown"}, {"apikey": "unknown", "email": "ben@shop.example"}, {"apikey": l.keys["admin-key"]},
			{"email": "ben@shop.example", "groups": "team-checkout,team-data"}, {"email": "ben@shop.example", "groups": 7},
		}).Draw(t, "changed"))
		c.asked.Token = c.bearer
	}
	if c.bearer != "" && len(l.made) < 200 {
		l.made = append(l.made, c.bearer)
	}
	return c
}

var pathParameter = regexp.MustCompile(`\{([^}]+)\}`)

// call draws a request: an operation of the document on something that is there
// or is not, with a body that fits or does not.
func (l *explainLab) call(t *rapid.T) explain.Call {
	method := rapid.SampledFrom([]string{"GET", "GET", "GET", "PUT", "PUT", "POST", "DELETE", "PATCH"}).Draw(t, "method")
	one := rapid.SampledFrom(l.methods[method]).Draw(t, "operation")
	cluster := rapid.SampledFrom([]string{"production", "production", "staging", "nowhere"}).Draw(t, "cluster")
	var parents []string
	path := pathParameter.ReplaceAllStringFunc(one.path, func(parameter string) string {
		name := strings.Trim(parameter, "{}")
		value := ""
		switch {
		case name == "cluster" || name == "clusterName":
			value = cluster
		case name == "groupId":
			value = l.nameOf(t, "Group", "v2", nil)
		case name == "email":
			value = l.nameOf(t, "User", "v2", nil)
		case name == "application-instance-name":
			value = l.nameOf(t, "ApplicationInstance", "v1", nil)
		case one.kind != nil && name == one.kind.NameParam:
			value = l.nameOf(t, one.kind.Name, one.kind.Version, parents)
		default:
			value = rapid.SampledFrom([]string{"connect-production", "ksql-production", "1", "true", "INFO", "none", "a/b", "00000000-0000-4000-8000-000000000000"}).Draw(t, name)
		}
		if one.kind != nil && slices.Contains(one.kind.Parents, name) {
			parents = append(parents, value)
		}
		return url.PathEscape(value)
	})
	if one.kind != nil && len(one.kind.Filters) > 0 && rapid.Bool().Draw(t, "filtered") {
		filter := rapid.SampledFrom(one.kind.Filters).Draw(t, "filter")
		path += "?" + url.Values{filter.Name: {rapid.SampledFrom([]string{"checkout", "true", "x"}).Draw(t, "value")}}.Encode()
	}
	if strings.Contains(path, "/sql/v1/execute") {
		path += "?maxLine=10"
	}
	if rapid.Bool().Draw(t, "api") {
		path = "/api" + path
	}
	call := explain.Call{Method: method, Path: path}
	if body := l.body(t, one, parents); body != "" {
		call.Body = json.RawMessage(body)
	}
	return call
}

func (l *explainLab) nameOf(t *rapid.T, kind, version string, parents []string) string {
	names := []string{"none"}
	for resource := range l.Pair().World.View().Resources(kind, version, parents, "") {
		names = append(names, resource.Name)
	}
	return rapid.SampledFrom(names).Draw(t, kind)
}

func (l *explainLab) body(t *rapid.T, one drawnOperation, parents []string) string {
	how := rapid.SampledFrom([]string{"fits", "fits", "fits", "renamed", "example", "wrong", "none"}).Draw(t, "body")
	switch {
	case how == "none":
		return ""
	case how == "wrong":
		return rapid.SampledFrom([]string{`{}`, `[]`, `7`, `{"apiVersion":"v2","kind":"Topic"}`, `{"metadata":{"name":"x"},"spec":{"members":7}}`}).Draw(t, "wrong")
	case one.kind == nil || how == "example":
		if one.kind != nil {
			data, err := json.Marshal(one.kind.Example())
			if err != nil {
				t.Fatal(err)
			}
			return string(data)
		}
		return one.body
	}
	name := l.nameOf(t, one.kind.Name, one.kind.Version, parents)
	for resource := range l.Pair().World.View().Resources(one.kind.Name, one.kind.Version, parents, "") {
		if resource.Name != name {
			continue
		}
		written := l.Pair().Engine.Written(one.kind, resource)
		if how == "renamed" {
			written["metadata"].(object)["name"] = rapid.SampledFrom([]string{"checkout.new.v1", "Nope Nope", "new-thing", "new@shop.example"}).Draw(t, "renamed")
		}
		data, err := json.Marshal(written)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	return one.body
}

// send makes the request for real.
func (l *explainLab) send(bearer string, call explain.Call) *httptest.ResponseRecorder {
	body := string(call.Body)
	var text string
	if json.Unmarshal(call.Body, &text) == nil {
		body = text
	}
	request := httptest.NewRequest(call.Method, call.Path, strings.NewReader(body))
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	recorder := httptest.NewRecorder()
	l.Handler().ServeHTTP(recorder, request)
	return recorder
}

// login opens a session of a person at the Console.
func (l *explainLab) login(t *rapid.T, person string) {
	recorder := l.send("", explain.Call{Method: "POST", Path: "/api/login", Body: json.RawMessage(fmt.Sprintf(`{"username":%q,"password":%q}`, person, person+"-password"))})
	var session struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(recorder.Body.Bytes(), &session); err != nil || recorder.Code != http.StatusOK {
		t.Fatalf("login of %s: %d %s", person, recorder.Code, recorder.Body)
	}
	l.opened = append(l.opened, session.Token)
}
