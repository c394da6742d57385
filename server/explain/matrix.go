package explain

import (
	"context"
	"fmt"
	"strings"

	"github.com/mockduktor/mockduktor/openapi"
)

// MatrixRequest asks what people may do with each operation.
type MatrixRequest struct {
	// People by login or e-mail, API keys by name; none is everybody.
	People []string
	// Operations keeps those whose "METHOD /path" holds this text.
	Operations string
	// Samples is on how many resources an operation is tried at most; 0:
	// DefaultSamples, or DefaultSamplesOfAll where the people are not named.
	Samples int
	Limit   int // callers; 0: DefaultPeople
}

// Bounds of a matrix.
const (
	DefaultSamples      = 10
	DefaultSamplesOfAll = 2
	MaxSamples          = 200
	DefaultPeople       = 50
	MaxPeople           = 200
	// maxRuns bounds the whole.
	maxRuns = 50_000
)

// Partly is the verdict of an operation that is allowed on some of the resources
// on which it was tried and refused on others.
const Partly Verdict = "partly"

// Matrix is operations by people. Each cell was found by calling the operation
// on resources that there are.
type Matrix struct {
	People     []name `json:"people"`
	Operations []row  `json:"operations"`
	Truncated  bool   `json:"truncated"` // there are more people
}

type row struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	// New: the upsert of a resource that is not there yet.
	New   bool   `json:"new,omitempty"`
	Cells []Cell `json:"cells"` // in the order of people
}

// Cell is what came of the calls of one operation by one caller.
type Cell struct {
	Verdict Verdict `json:"verdict"`
	Tried   int     `json:"tried"`
	Allowed int     `json:"allowed"` // filtered ones too
	// Nothing: there is no resource to try it on, so one that is not there was named.
	Nothing bool `json:"nothing,omitempty"`
	// Reason and At are those of the first call that was not allowed.
	Reason string `json:"reason,omitempty"`
	At     string `json:"at,omitempty"`
	// Sees says for the first list what is left of how much.
	Sees string `json:"sees,omitempty"`
}

// Matrix answers what people may do.
func (s *Stage) Matrix(ctx context.Context, r MatrixRequest) (*Matrix, error) {
	callers, truncated, err := s.column(&r)
	if err != nil {
		return nil, err
	}
	operations, err := operationsOf(openapi.Console())
	if err != nil {
		return nil, err
	}
	m := &Matrix{People: []name{}, Operations: []row{}, Truncated: truncated}
	stages := make([]*Stage, len(callers))
	tokens := make([]string, len(callers))
	for i, one := range callers {
		stages[i], tokens[i] = s, one.token
		if one.token == "" {
			own := *s
			own.Console = s.Console.Over(s.Console.World.Copy())
			if tokens[i], err = own.Console.Assume(one.Email, one.groups); err != nil {
				return nil, err
			}
			stages[i] = &own
		}
		m.People = append(m.People, one.name)
	}
	runs := 0
	for _, op := range operations {
		if !strings.Contains(op.method+" "+op.path, r.Operations) {
			continue
		}
		shown := row{Method: op.method, Path: op.path, New: op.create}
		calls := s.samples(op, r.Samples)
		if runs += len(calls) * len(callers); runs > maxRuns {
			return nil, invalid("samples", "that is more than %d calls: ask for fewer people, operations or samples", maxRuns)
		}
		for i := range callers {
			one, err := stages[i].cell(ctx, tokens[i], calls)
			if err != nil {
				return nil, err
			}
			shown.Cells = append(shown.Cells, one)
		}
		m.Operations = append(m.Operations, shown)
	}
	if len(m.Operations) == 0 {
		return nil, invalid("operations", "no operation holds the text %q; try a part of a path such as /topic", r.Operations)
	}
	return m, nil
}

// column finds the people asked about and settles the bounds.
func (s *Stage) column(r *MatrixRequest) ([]Caller, bool, error) {
	if r.Samples == 0 {
		r.Samples = DefaultSamples
		if len(r.People) == 0 {
			r.Samples = DefaultSamplesOfAll
		}
	}
	if r.Limit == 0 {
		r.Limit = DefaultPeople
	}
	switch {
	case r.Samples < 1 || r.Samples > MaxSamples:
		return nil, false, invalid("samples", "expected 1 to %d, got %d", MaxSamples, r.Samples)
	case r.Limit < 1 || r.Limit > MaxPeople:
		return nil, false, invalid("limit", "expected 1 to %d, got %d", MaxPeople, r.Limit)
	case len(r.People) > r.Limit:
		return nil, false, invalid("person", "%d people are named, the limit is %d", len(r.People), r.Limit)
	}
	var list []Caller
	for _, called := range r.People {
		one, known := s.callerOf(called)
		if !known {
			return nil, false, invalid("person", "nobody who can sign in has the login or e-mail %q, nor has an API key that name", called)
		}
		list = append(list, one)
	}
	if len(list) > 0 {
		return list, false, nil
	}
	list = s.callers()
	return list[:min(len(list), r.Limit)], len(list) > r.Limit, nil
}

// cell tries the calls of one operation as one caller.
func (s *Stage) cell(ctx context.Context, token string, calls []Call) (Cell, error) {
	var c Cell
	counts := map[Verdict]int{}
	for _, call := range calls {
		if err := ctx.Err(); err != nil {
			return c, err
		}
		tried, err := s.try(ctx, token, call)
		if err != nil {
			return c, err
		}
		verdict := tried.verdict()
		counts[verdict]++
		c.Tried++
		c.Nothing = c.Nothing || call.nothing
		if verdict == Refused || verdict == Failed {
			// A refusal says more than a call that did not get that far.
			if c.Reason == "" || verdict == Refused && counts[Refused] == 1 {
				answer := tried.answer()
				c.Reason, c.At = firstOf(answer.Reason, answer.Message, answer.Title), call.target
			}
			continue
		}
		c.Allowed++
		if lists := tried.trace.Lists; c.Sees == "" && len(lists) > 0 {
			c.Sees = fmt.Sprintf("%d of %d", lists[0].Visible, lists[0].Total)
		}
	}
	switch {
	case counts[Refused] > 0 && c.Allowed > 0:
		c.Verdict = Partly
	case counts[Refused] > 0:
		c.Verdict = Refused
	case counts[Filtered] > 0:
		c.Verdict = Filtered
	case c.Allowed > 0:
		c.Verdict = Allowed
	default:
		c.Verdict = Failed
	}
	return c, nil
}
