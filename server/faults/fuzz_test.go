package faults_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/faults"
)

// FuzzRule: of a document that fits the schema a rule is made or a fault is named;
// a rule fires as its counters say, the same in every run, and keeps nobody waiting
// longer than is allowed.
func FuzzRule(f *testing.F) {
	kind, err := openapi.Mock().Kind("mockduktor/v1", "Fault")
	if err != nil {
		f.Fatal(err)
	}
	for _, spec := range []string{
		`{"match":{"surface":"console","operation":"listTopic","person":"ada"},"times":2,"effect":{"status":503,"retry_after":5,"latency":"200ms"}}`,
		`{"match":{"path":"/idp/**","method":"POST","grant_type":"refresh_token","client_id":"a"},"skip":1,"probability":0.5,"seed":9007199254740991,"effect":{"drop":"before_headers"}}`,
		`{"match":{"operation":"discovery"},"window":{"from":"2026-01-01T00:00:00Z","until":"2026-01-02T00:00:00+01:00"},"effect":{"issuer":"http://x","rotate_keys":"add"}}`,
		`{"effect":{"latency":"4m","jitter":"1m","drip":{"bytes":1,"every":"1s"},"truncate":0,"malformed":true}}`,
		`{"match":{"surface":"idp"},"effect":{"revoke_refresh_token":true,"groups":{"person":"ben","groups":["a","b"]}}}`,
		`{"times":1000000000,"skip":1e9,"probability":1e-300,"effect":{"status":599.0,"message":"\u0000"}}`,
	} {
		f.Add([]byte(spec), "/api/public/v1/x", int64(1767225600))
	}
	f.Fuzz(func(t *testing.T, text []byte, path string, at int64) {
		var spec any
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		if decoder.Decode(&spec) != nil {
			return
		}
		document := map[string]any{"apiVersion": "mockduktor/v1", "kind": "Fault", "metadata": map[string]any{"name": "x"}, "spec": spec}
		if len(kind.Validate(document)) > 0 {
			return
		}
		rule, problems := faults.Parse(document)
		if len(problems) > 0 {
			for _, one := range problems {
				if one.Path == "" || one.Expected == "" {
					t.Fatalf("%s: a problem without a field or without words: %+v", text, one)
				}
			}
			return
		}
		if rule.Chance < 0 || rule.Chance > 1 || rule.Skip < 0 || rule.Times < 0 || rule.Effect.String() == "" {
			t.Fatalf("%s became %+v", text, rule)
		}
		request := &faults.Request{Surface: faults.Console, Method: "GET", Path: path, Operation: rule.Match.Operation,
			Client: func() string { return rule.Match.ClientID }, People: func() []string { return []string{"x", rule.Match.Person} }, Now: time.Unix(at, 0)}
		if rule.Fits(request) && (!rule.From.IsZero() && request.Now.Before(rule.From) || !rule.Until.IsZero() && !request.Now.Before(rule.Until) ||
			rule.Match.Surface == faults.IDP || rule.Match.Method != "" && rule.Match.Method != "GET" || rule.Match.GrantType != "") {
			t.Fatalf("%s fits %+v", text, request)
		}
		// Past what is let through, so that there is something to see.
		start := faults.Counts{Matched: max(0, rule.Skip-2)}
		first, second := start, start
		for range 20 {
			var fires, again bool
			first, fires = rule.Next(first)
			second, again = rule.Next(second)
			switch {
			case fires != again || first != second:
				t.Fatalf("%s: %+v here, %+v there", text, first, second)
			case fires && (first.Matched <= rule.Skip || rule.Chance == 0), !fires && rule.Chance == 1 && first.Matched > rule.Skip && !rule.Spent(first),
				rule.Times > 0 && first.Fired > rule.Times:
				t.Fatalf("%s: fires %v at %+v", text, fires, first)
			}
			if wait := rule.Effect.Wait(rule.Seed, first.Matched); wait < 0 || wait > 5*time.Minute {
				t.Fatalf("%s keeps waiting for %s", text, wait)
			}
		}
		if first.Matched != start.Matched+20 {
			t.Fatalf("%s: %+v after 20", text, first)
		}
	})
}
