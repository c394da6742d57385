package pgsql

import (
	"encoding/json"
	"math"
	"slices"
)

// accumulator gathers the values of one group, none of them NULL but for those
// of json_agg.
type accumulator interface {
	add(position int, values []Value) error
	result(position int) (Value, error)
}

// aggregates are all there are, with their numbers of arguments.
var aggregates = map[string]struct {
	arguments int
	nulls     bool // it wants NULLs too
	start     func() accumulator
}{
	"count":      {1, false, func() accumulator { return &counter{} }},
	"sum":        {1, false, func() accumulator { return &sum{} }},
	"avg":        {1, false, func() accumulator { return &sum{average: true} }},
	"min":        {1, false, func() accumulator { return &best{sign: -1} }},
	"max":        {1, false, func() accumulator { return &best{sign: 1} }},
	"bool_and":   {1, false, func() accumulator { return &every{decides: false} }},
	"every":      {1, false, func() accumulator { return &every{decides: false} }},
	"bool_or":    {1, false, func() accumulator { return &every{decides: true} }},
	"string_agg": {2, false, func() accumulator { return &joiner{} }},
	"json_agg":   {1, true, func() accumulator { return &array{} }},
	"jsonb_agg":  {1, true, func() accumulator { return &array{} }},
}

func isAggregate(name string) bool {
	_, ok := aggregates[name]
	return ok
}

type counter struct{ n int64 }

func (c *counter) add(int, []Value) error    { c.n++; return nil }
func (c *counter) result(int) (Value, error) { return c.n, nil }

type sum struct {
	average bool
	n       int64
	whole   int64
	number  float64
	isFloat bool
}

func (s *sum) add(position int, values []Value) error {
	s.n++
	switch value := values[0].(type) {
	case int64:
		s.number += float64(value)
		if s.isFloat || s.average {
			return nil
		}
		total, err := wholeArithmetic(position, "+", s.whole, value)
		if err != nil {
			return err
		}
		s.whole = total.(int64)
		return nil
	case float64:
		s.isFloat = true
		s.number += value
		return nil
	}
	return refuse(position, "function sum or avg (%s) does not exist", typeOf(values[0]))
}

func (s *sum) result(position int) (Value, error) {
	switch {
	case s.n == 0:
		return nil, nil
	case s.average:
		return finite(position, s.number/float64(s.n))
	case s.isFloat:
		return finite(position, s.number)
	}
	return s.whole, nil
}

type best struct {
	sign  int
	value Value
}

func (b *best) add(position int, values []Value) error {
	if b.value == nil {
		if _, ok := values[0].(JSON); ok {
			return refuse(position, "function min or max (json) does not exist")
		}
		b.value = values[0]
		return nil
	}
	order, err := compare(position, "<", values[0], b.value)
	if err == nil && order*b.sign > 0 {
		b.value = values[0]
	}
	return err
}

func (b *best) result(int) (Value, error) { return b.value, nil }

type every struct {
	decides bool
	value   Value
}

func (e *every) add(position int, values []Value) error {
	truth, _, err := boolean(position, "bool_and or bool_or", values[0])
	if err != nil {
		return err
	}
	if e.value == nil || truth == e.decides {
		e.value = truth
	}
	return nil
}

func (e *every) result(int) (Value, error) { return e.value, nil }

type joiner struct {
	started bool
	text    []byte
}

func (j *joiner) add(position int, values []Value) error {
	text, separator, ok := twoTexts(values)
	if !ok {
		return noFunction(position, "string_agg", values)
	}
	if j.started {
		j.text = append(j.text, separator...)
	}
	j.started = true
	if j.text = append(j.text, text...); len(j.text) > maxText {
		return refuse(position, "a text is longer than %d bytes", maxText)
	}
	return nil
}

func (j *joiner) result(int) (Value, error) {
	if !j.started {
		return nil, nil
	}
	return string(j.text), nil
}

type array struct{ values []any }

func (a *array) add(position int, values []Value) error {
	var one any
	switch value := values[0].(type) {
	case JSON:
		one = value.Value
	case int64, float64:
		one = json.Number(text(value))
	default:
		one = value
	}
	if a.values = append(a.values, one); len(a.values) > maxText {
		return refuse(position, "an array has more than %d elements", maxText)
	}
	return nil
}

func (a *array) result(int) (Value, error) {
	if a.values == nil {
		return nil, nil
	}
	return JSON{a.values}, nil
}

// aggregate computes over the rows of a group.
func (c *compiler) aggregate(e *call, s *scope) (evaluator, error) {
	kind := aggregates[e.name]
	switch {
	case s.grouped == nil && s.noAgg != "":
		return nil, refuse(e.at(), "aggregate functions are not allowed in %s", s.noAgg)
	case s.grouped == nil:
		return nil, refuse(e.at(), "aggregate function calls cannot be nested")
	case e.star && e.name != "count":
		return nil, refuse(e.at(), "%s(*) does not exist", e.name)
	case e.star && e.distinct:
		return nil, refuse(e.at(), "DISTINCT is not allowed with *")
	case !e.star && len(e.args) != kind.arguments:
		return nil, refuse(e.at(), "the function %s does not take %d arguments", e.name, len(e.args))
	}
	// Inside, columns are those of each row again.
	within := &scope{columns: s.columns, outer: s.outer, ctes: s.ctes}
	args, err := c.compileAll(e.args, within)
	if err != nil {
		return nil, err
	}
	filter, err := c.condition(e.filter, within)
	if err != nil {
		return nil, err
	}
	sorter, err := c.sorting(e.order, within)
	if err != nil {
		return nil, err
	}
	return func(r *row) (Value, error) {
		group, err := c.rowsOf(r, filter, sorter)
		if err != nil {
			return nil, err
		}
		total, seen := kind.start(), map[string]bool{}
		for _, one := range group {
			values := make([]Value, len(args))
			null := false
			for i, arg := range args {
				if values[i], err = arg(one); err != nil {
					return nil, err
				}
				null = null || values[i] == nil
			}
			if null && !kind.nulls {
				continue
			}
			if e.distinct {
				text, err := key(e.at(), values)
				if err != nil {
					return nil, err
				}
				if seen[text] {
					continue
				}
				seen[text] = true
			}
			if err := total.add(e.at(), values); err != nil {
				return nil, err
			}
		}
		return total.result(e.at())
	}, nil
}

func (c *compiler) rowsOf(r *row, filter func(*row) (bool, error), sorter *sorter) ([]*row, error) {
	var rows []*row
	for _, values := range r.group {
		if err := c.step(); err != nil {
			return nil, err
		}
		one := &row{values: values, outer: r.outer}
		keep, err := filter(one)
		if err != nil {
			return nil, err
		}
		if keep {
			rows = append(rows, one)
		}
	}
	if sorter == nil {
		return rows, nil
	}
	return sorter.sorted(rows)
}

// sorter orders by several expressions.
type sorter struct {
	by   []ordering
	eval []evaluator
}

// sorting compiles an ORDER BY; nil for none.
func (c *compiler) sorting(by []ordering, s *scope) (*sorter, error) {
	if len(by) == 0 {
		return nil, nil
	}
	list := make([]expression, len(by))
	for i, one := range by {
		list[i] = one.value
	}
	eval, err := c.compileAll(list, s)
	return &sorter{by: by, eval: eval}, err
}

// sorted orders rows; equal ones stay in order.
func (s *sorter) sorted(rows []*row) ([]*row, error) {
	keys := make([][]Value, len(rows))
	for i, r := range rows {
		var err error
		if keys[i], err = evaluateAll(s.eval, r); err != nil {
			return nil, err
		}
	}
	order, err := s.order(keys)
	if err != nil {
		return nil, err
	}
	sorted := make([]*row, len(rows))
	for i, from := range order {
		sorted[i] = rows[from]
	}
	return sorted, nil
}

// order gives the places of the keys in their order.
func (s *sorter) order(keys [][]Value) ([]int, error) {
	places := make([]int, len(keys))
	for i := range places {
		places[i] = i
	}
	var failed error
	slices.SortStableFunc(places, func(a, b int) int {
		for i, by := range s.by {
			x, y := keys[a][i], keys[b][i]
			if (x == nil) != (y == nil) && by.nullsFirst != nil {
				if (x == nil) == *by.nullsFirst {
					return -1
				}
				return 1
			}
			order, err := rank(by.value.at(), x, y)
			if err != nil {
				failed = err
				return 0
			}
			if order != 0 {
				if by.descending {
					return -order
				}
				return order
			}
		}
		return 0
	})
	return places, failed
}

// whole reads the number of a LIMIT or OFFSET.
func whole(position int, what string, value Value) (int, error) {
	number, err := toInteger(position, value)
	if err != nil {
		return 0, err
	}
	n := number.(int64)
	if n < 0 {
		return 0, refuse(position, "%s must not be negative", what)
	}
	return int(min(n, math.MaxInt32)), nil
}
