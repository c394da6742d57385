package server_test

import (
	"encoding/json"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/mockduktor/mockduktor/server/console"
	"github.com/mockduktor/mockduktor/server/explain"
)

// agreePairs is how many (caller, request) pairs the property is tried on. The race
// detector makes each ten times as dear, and there are no more races to find in many.
func agreePairs() int {
	if raceDetector {
		return 1000
	}
	return 10_000
}

// TestExplainAgrees asks for an explanation of a random request by a random
// caller, then makes the request: status, title, message and reason must be the
// same, and asking must have changed nothing. The requests that pass change the
// world, so later pairs meet worlds that nobody wrote.
func TestExplainAgrees(t *testing.T) {
	l := startExplainLab(t)
	pairs, verdicts, statuses := 0, map[explain.Verdict]int{}, map[int]int{}
	world := l.Pair().World
	world.Clock.Freeze()
	step := func(t *rapid.T) {
		if rapid.IntRange(0, 49).Draw(t, "time") == 0 {
			world.Clock.Advance(time.Duration(rapid.IntRange(1, 5000).Draw(t, "seconds")) * time.Second)
		}
		if rapid.IntRange(0, 19).Draw(t, "login") == 0 {
			// After a change of the world a password may be no longer his.
			if person := rapid.SampledFrom([]string{"ben", "gwen", "ines"}).Draw(t, "who"); len(l.opened) < 50 {
				l.login(t, person)
			}
		}
		who, call := l.credential(t), l.call(t)
		before := l.fingerprint(t, pairs)
		stage, err := l.Stage(l.Site())
		if err != nil {
			t.Fatal(err)
		}
		asked := who.asked
		asked.Call = call
		said, err := stage.Explain(t.Context(), asked)
		if err != nil {
			t.Fatalf("explain %s %+v: %v", who.sort, call, err)
		}
		if after := l.fingerprint(t, pairs); !reflect.DeepEqual(before, after) {
			t.Fatalf("explaining %s %s as %s changed the world", call.Method, call.Path, who.sort)
		}
		l.compare(t, who, call, said, l.send(who.bearer, call))
		pairs++
		verdicts[said.Verdict]++
		statuses[said.Answer.Status]++
	}
	for pairs < agreePairs() {
		rapid.Check(t, func(t *rapid.T) {
			world.Reset()
			l.opened, l.made = nil, nil
			for range agreePairs() / 100 {
				step(t)
			}
		})
		if t.Failed() {
			return
		}
	}
	t.Logf("%d pairs agree: %v; statuses %v", pairs, verdicts, statuses)
	for _, verdict := range []explain.Verdict{explain.Allowed, explain.Filtered, explain.Refused, explain.Failed} {
		if verdicts[verdict] < agreePairs()/100 {
			t.Errorf("only %d pairs were %s: the draw is too narrow to show anything", verdicts[verdict], verdict)
		}
	}
}

// fingerprint is the world; the whole of it only now and then.
func (l *explainLab) fingerprint(t *rapid.T, pair int) []any {
	tx := l.Pair().World.View()
	prints := []any{tx.GrantsVersion(), tx.MappingVersion(), l.Pair().World.Clock.Now()}
	if pair%50 == 0 {
		prints = append(prints, l.Pair().Export(t.Context()))
		for _, kind := range []string{"console.token", "console.groups", "console.session", "console.key-use", "console.logger"} {
			for record := range tx.Records(kind) {
				prints = append(prints, *record)
			}
		}
	}
	return prints
}

func (l *explainLab) compare(t *rapid.T, who drawnCredential, call explain.Call, said *explain.Explanation, got *httptest.ResponseRecorder) {
	var body problem
	message := got.Body.String()
	failed := got.Code >= 400
	if !failed {
		message = ""
	} else if json.Unmarshal(got.Body.Bytes(), &body) == nil {
		message = body.Msg
	}
	a := said.Answer
	if a.Status != got.Code || failed && (a.Title != body.Title || a.Message != message) {
		t.Fatalf("%s: %s %s %s\nexplained %d %q %q\nanswered  %d %q %q", who.sort, call.Method, call.Path, call.Body,
			a.Status, a.Title, a.Message, got.Code, body.Title, message)
	}
	// A body in plain text has no place for the cause; the header has it.
	if body.Cause != "" && a.Reason != body.Cause {
		t.Fatalf("%s: %s %s\nexplained %q\nanswered  %q", who.sort, call.Method, call.Path, a.Reason, body.Cause)
	}
	if header := got.Header().Get(console.ReasonHeader); (header == "") != (a.Reason == "") ||
		strings.IndexFunc(a.Reason, func(r rune) bool { return r < ' ' || r > '~' }) < 0 && len(a.Reason) < 2048 && header != a.Reason {
		t.Fatalf("%s: %s %s\nexplained %q\nMock-Reason %q", who.sort, call.Method, call.Path, a.Reason, header)
	}
	// The chain must end where the answer does.
	checks := said.Credential.Checks
	switch {
	case a.Status == 401 && !strings.Contains(call.Path, "/login"):
		if last := lastDone(checks); last == nil || last.Result != "failed" || last.Detail != a.Reason {
			t.Fatalf("%s: 401 %q, but the checks are %+v", who.sort, a.Reason, checks)
		}
	case a.Status < 400:
		for _, one := range checks {
			if one.Result == "failed" {
				t.Fatalf("%s: %d, but the check %+v", who.sort, a.Status, one)
			}
		}
		for _, one := range said.Decisions {
			if one.Held != (len(one.By) > 0) || !one.Held && said.Verdict != explain.Filtered {
				t.Fatalf("%s: %s %s: %d, but the decision %+v", who.sort, call.Method, call.Path, a.Status, one)
			}
		}
	}
}

func lastDone(checks []explain.ShownCheck) *explain.ShownCheck {
	var last *explain.ShownCheck
	for i := range checks {
		if checks[i].Result != "skipped" {
			last = &checks[i]
		}
	}
	return last
}
