// Package faults makes requests go wrong on purpose: which ones by rules, how by
// effects, each exactly as often as asked for.
package faults

import (
	"strconv"
	"strings"
	"time"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/glob"
)

// Surfaces of a rule: the names are those of the journal's.
const (
	Console = "console"
	IDP     = "idp"
)

// Rule is a fault as a Fault resource describes it. Immutable.
type Rule struct {
	ID     string
	Match  Match
	Skip   int // fitting requests before the first that may go wrong
	Times  int // requests that go wrong at most; 0: no limit
	Chance float64
	Seed   uint64
	// From and Until bound when the rule holds, by the world's clock; zero: no
	// bound.
	From, Until time.Time
	// Global: a rule of the main world that holds in sandboxes too.
	Global bool
	Effect Effect
}

// Match says which requests a rule is about; what is empty fits all.
type Match struct {
	Surface, Operation, Method, ClientID, Person, GrantType string
	Path                                                    glob.Pattern
}

// Request is what rules look at.
type Request struct {
	Surface, Method, Path, Operation, GrantType string
	// Client and People find out who calls; they are asked only by rules that
	// want to know. People are the names of one person: login and e-mail.
	Client func() string
	People func() []string
	Now    time.Time // of the world
}

// Fits tells whether a request is one that the rule is about, in its window.
func (r *Rule) Fits(request *Request) bool {
	m := &r.Match
	switch {
	case m.Surface != "" && m.Surface != request.Surface,
		m.Operation != "" && m.Operation != request.Operation,
		m.Method != "" && m.Method != request.Method,
		m.GrantType != "" && m.GrantType != request.GrantType,
		!m.Path.Match(request.Path),
		!r.From.IsZero() && request.Now.Before(r.From),
		!r.Until.IsZero() && !request.Now.Before(r.Until),
		m.ClientID != "" && m.ClientID != request.Client():
		return false
	}
	if m.Person == "" {
		return true
	}
	for _, name := range request.People() {
		if strings.EqualFold(name, m.Person) {
			return true
		}
	}
	return false
}

// Counts are how often a rule was looked at with a request that fits, and how
// often it made one go wrong.
type Counts struct {
	Matched int `json:"matched"`
	Fired   int `json:"fired"`
}

// Spent tells whether the rule has gone wrong as often as it may.
func (r *Rule) Spent(c Counts) bool { return r.Times > 0 && c.Fired >= r.Times }

// Next counts one more fitting request and tells whether it goes wrong.
func (r *Rule) Next(c Counts) (Counts, bool) {
	c.Matched++
	if c.Matched <= r.Skip || r.Spent(c) || draw(r.Seed, c.Matched) >= r.Chance {
		return c, false
	}
	c.Fired++
	return c, true
}

// draw is the nth number of a sequence in [0,1) that follows from its seed
// alone: SplitMix64.
func draw(seed uint64, n int) float64 {
	z := seed + uint64(n)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float64((z^z>>31)>>11) / (1 << 53)
}

// Parse reads the rule of a Fault resource that fits its schema.
func Parse(resource map[string]any) (*Rule, []openapi.Problem) {
	p := &parser{}
	metadata, spec := part(resource, "metadata"), part(resource, "spec")
	match, window := part(spec, "match"), part(spec, "window")
	r := &Rule{ID: text(metadata, "name"), Skip: int(number(spec, "skip", 0)), Times: int(number(spec, "times", 0)),
		Chance: number(spec, "probability", 1), Seed: uint64(number(spec, "seed", 0)), Global: flag(spec, "global")}
	r.Match = Match{Surface: text(match, "surface"), Operation: text(match, "operation"), Method: text(match, "method"),
		ClientID: text(match, "client_id"), Person: text(match, "person"), GrantType: text(match, "grant_type")}
	var err error
	if r.Match.Path, err = glob.Parse(text(match, "path")); err != nil {
		p.report("spec.match.path", err.Error(), text(match, "path"))
	}
	p.operation(&r.Match)
	r.From, r.Until = p.moment(window, "from"), p.moment(window, "until")
	if !r.From.IsZero() && !r.Until.IsZero() && !r.From.Before(r.Until) {
		p.report("spec.window.until", "a time after window.from", text(window, "until"))
	}
	p.effect(&r.Effect, part(spec, "effect"), r)
	return r, p.problems
}

type parser struct{ problems []openapi.Problem }

func (p *parser) report(path, expected, got string) {
	p.problems = append(p.problems, openapi.Problem{Path: path, Expected: expected, Got: got})
}

// operation settles the surface of a named operation, or says that there is none
// of that name: a rule with a typing error would wait for ever.
func (p *parser) operation(m *Match) {
	if m.Operation == "" {
		return
	}
	ofIDP := false
	for _, name := range idp.Operations() {
		ofIDP = ofIDP || name == m.Operation
	}
	ofConsole := openapi.Console().HasOperation(m.Operation)
	switch {
	case m.Surface == "" && ofIDP:
		m.Surface = IDP
	case m.Surface == "" && ofConsole:
		m.Surface = Console
	case m.Surface == IDP && ofIDP, m.Surface == Console && ofConsole:
	case m.Surface == Console:
		p.report("spec.match.operation", "an operationId of the Console's document, such as listTopic", m.Operation)
	default:
		p.report("spec.match.operation", "one of "+strings.Join(idp.Operations(), ", ")+", or an operationId of the Console's document", m.Operation)
	}
}

func (p *parser) moment(window map[string]any, name string) time.Time {
	written := text(window, name)
	if written == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, written)
	if err != nil {
		p.report("spec.window."+name, "a date and time such as 2026-01-31T12:00:00Z", written)
	}
	return at
}

// duration reads a time that has to pass; it is bounded so that nothing hangs
// for ever.
func (p *parser) duration(object map[string]any, path, name string, most time.Duration) time.Duration {
	written := text(object, name)
	if written == "" {
		return 0
	}
	d, err := time.ParseDuration(written)
	if err != nil || d < 0 || d > most {
		p.report(path+"."+name, "a duration from 0s to "+most.String()+", such as 250ms", written)
	}
	return d
}

func part(object map[string]any, name string) map[string]any {
	inner, _ := object[name].(map[string]any)
	return inner
}

func text(object map[string]any, name string) string {
	s, _ := object[name].(string)
	return s
}

func flag(object map[string]any, name string) bool {
	b, _ := object[name].(bool)
	return b
}

// number reads a JSON number in whichever type it comes.
func number(object map[string]any, name string, absent float64) float64 {
	switch n := object[name].(type) {
	case nil:
		return absent
	case float64:
		return n
	case int:
		return float64(n)
	case int64:
		return float64(n)
	case interface{ Float64() (float64, error) }:
		if f, err := n.Float64(); err == nil {
			return f
		}
	case string:
		if f, err := strconv.ParseFloat(n, 64); err == nil {
			return f
		}
	}
	return absent
}
