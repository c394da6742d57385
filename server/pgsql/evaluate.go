package pgsql

import (
	"fmt"
	"math"
	"regexp"
	"strings"
)

// compile makes an evaluator; names are resolved, functions found and the
// number of their arguments checked before any row is looked at.
func (c *compiler) compile(e expression, s *scope) (evaluator, error) {
	if s.grouped != nil {
		if index, ok := s.grouped[s.canonical(e)]; ok {
			return func(r *row) (Value, error) { return r.keys[index], nil }, nil
		}
	}
	switch e := e.(type) {
	case *literal:
		return func(*row) (Value, error) { return e.value, nil }, nil
	case *column:
		depth, index, err := s.find(e)
		if err != nil {
			return nil, err
		}
		return c.column(e, s, depth, index)
	case *starred:
		return c.column(e, s, 0, e.index)
	case *unary:
		return c.unary(e, s)
	case *binary:
		return c.binary(e, s)
	case *isTest:
		return c.isTest(e, s)
	case *between:
		return c.between(e, s)
	case *inList:
		return c.inList(e, s)
	case *like:
		return c.like(e, s)
	case *caseWhen:
		return c.caseWhen(e, s)
	case *cast:
		value, err := c.compile(e.value, s)
		if err != nil {
			return nil, err
		}
		return func(r *row) (Value, error) {
			v, err := value(r)
			if err != nil {
				return nil, err
			}
			return convert(e.at(), v, e.target)
		}, nil
	case *call:
		if isAggregate(e.name) {
			return c.aggregate(e, s)
		}
		return c.function(e, s)
	case *subquery:
		return c.subquery(e, s)
	}
	return nil, fmt.Errorf("expression of type %T", e)
}

func (c *compiler) compileAll(list []expression, s *scope) ([]evaluator, error) {
	evaluators := make([]evaluator, len(list))
	for i, one := range list {
		var err error
		if evaluators[i], err = c.compile(one, s); err != nil {
			return nil, err
		}
	}
	return evaluators, nil
}

func (c *compiler) column(e expression, s *scope, depth, index int) (evaluator, error) {
	from := s
	for range depth {
		from = from.outer
	}
	if from.grouped != nil {
		if key, ok := from.grouped[columnText(index)]; ok {
			return func(r *row) (Value, error) { return r.up(depth).keys[key], nil }, nil
		}
		name := from.columns[index].name
		if table := from.columns[index].table; table != "" {
			name = table + "." + name
		}
		return nil, refuse(e.at(), "column \"%s\" must appear in the GROUP BY clause or be used in an aggregate function", name)
	}
	return func(r *row) (Value, error) { return r.up(depth).values[index], nil }, nil
}

func (r *row) up(depth int) *row {
	for range depth {
		r = r.outer
	}
	return r
}

func (c *compiler) unary(e *unary, s *scope) (evaluator, error) {
	value, err := c.compile(e.value, s)
	if err != nil {
		return nil, err
	}
	return func(r *row) (Value, error) {
		v, err := value(r)
		if err != nil {
			return nil, err
		}
		if e.operator == "not" {
			truth, known, err := boolean(e.at(), "NOT", v)
			if err != nil || !known {
				return nil, err
			}
			return !truth, nil
		}
		switch v := v.(type) {
		case nil:
			return nil, nil
		case int64:
			if e.operator == "+" {
				return v, nil
			}
			if v == math.MinInt64 {
				return nil, refuse(e.at(), "bigint out of range")
			}
			return -v, nil
		case float64:
			if e.operator == "+" {
				return v, nil
			}
			return -v, nil
		}
		return nil, refuse(e.at(), "operator does not exist: %s %s", e.operator, typeOf(v))
	}, nil
}

// boolean reads a condition; known is false for NULL.
func boolean(position int, where string, value Value) (truth, known bool, err error) {
	switch value := value.(type) {
	case nil:
		return false, false, nil
	case bool:
		return value, true, nil
	}
	return false, false, refuse(position, "argument of %s must be type boolean, not type %s", where, typeOf(value))
}

// adapt gives a text in quotes the type of the value it stands beside.
func adapt(position int, value, beside Value) (Value, error) {
	if value == nil {
		return nil, nil
	}
	switch beside.(type) {
	case bool:
		return convert(position, value, "boolean")
	case int64:
		// A number with a fraction beside a whole one stays what it is.
		if whole, err := convert(position, value, "bigint"); err == nil {
			return whole, nil
		}
		return convert(position, value, "double precision")
	case float64:
		return convert(position, value, "double precision")
	}
	return value, nil
}

// operand is one side of an operator.
type operand struct {
	eval    evaluator
	unknown bool // a text in quotes, which takes the type of the other side
	at      int
}

func (c *compiler) operand(e expression, s *scope) (operand, error) {
	eval, err := c.compile(e, s)
	one, _ := e.(*literal)
	return operand{eval, one != nil && one.unknown, e.at()}, err
}

func (c *compiler) operands(list []expression, s *scope) ([]operand, error) {
	operands := make([]operand, len(list))
	for i, one := range list {
		var err error
		if operands[i], err = c.operand(one, s); err != nil {
			return nil, err
		}
	}
	return operands, nil
}

// beside brings the values of two operands to types that go together.
func (o operand) beside(other operand, a, b Value) (Value, Value, error) {
	var err error
	switch {
	case o.unknown:
		a, err = adapt(o.at, a, b)
	case other.unknown:
		b, err = adapt(other.at, b, a)
	}
	return a, b, err
}

// related compares the values of two operands; known is false where one is NULL.
func (o operand) related(position int, operator string, other operand, a, b Value) (holds, known bool, err error) {
	if a, b, err = o.beside(other, a, b); err != nil || a == nil || b == nil {
		return false, false, err
	}
	order, err := compare(position, operator, a, b)
	return related(operator, order), true, err
}

// onTexts are the operators beside which a text in quotes stays a text.
var onTexts = set("|| -> ->> #> #>> ~ ~* !~ !~*")

func (c *compiler) binary(e *binary, s *scope) (evaluator, error) {
	if e.operator == "and" || e.operator == "or" {
		return c.logical(e, s)
	}
	var pattern *regexp.Regexp
	if strings.Contains(e.operator, "~") {
		if fixed, ok := e.right.(*literal); ok {
			var err error
			if pattern, err = regular(e, fixed.value); err != nil {
				return nil, err
			}
		}
	}
	sides, err := c.operands([]expression{e.left, e.right}, s)
	if err != nil {
		return nil, err
	}
	return func(r *row) (Value, error) {
		a, err := sides[0].eval(r)
		if err != nil {
			return nil, err
		}
		b, err := sides[1].eval(r)
		if err != nil {
			return nil, err
		}
		if !onTexts[e.operator] {
			if a, b, err = sides[0].beside(sides[1], a, b); err != nil {
				return nil, err
			}
		}
		switch e.operator {
		case "is distinct from", "is not distinct from":
			same, err := same(e.at(), a, b)
			return same == (e.operator == "is not distinct from"), err
		}
		if a == nil || b == nil {
			return nil, nil
		}
		switch e.operator {
		case "=", "<>", "!=", "<", "<=", ">", ">=":
			order, err := compare(e.at(), e.operator, a, b)
			return related(e.operator, order), err
		case "+", "-", "*", "/", "%", "^":
			return arithmetic(e.at(), e.operator, a, b)
		case "||":
			return concatenate(e.at(), a, b)
		case "->", "->>":
			return member(e, a, b)
		case "#>", "#>>":
			return path(e, a, b)
		}
		return matches(e, pattern, a, b)
	}, nil
}

func same(position int, a, b Value) (bool, error) {
	if a == nil || b == nil {
		return a == nil && b == nil, nil
	}
	order, err := compare(position, "=", a, b)
	return err == nil && order == 0, err
}

func related(operator string, order int) bool {
	switch operator {
	case "=":
		return order == 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	}
	return order != 0
}

// logical is AND and OR of three values: the right side is left alone where the
// left one decides.
func (c *compiler) logical(e *binary, s *scope) (evaluator, error) {
	list, err := c.compileAll([]expression{e.left, e.right}, s)
	if err != nil {
		return nil, err
	}
	decides := e.operator == "or"
	return func(r *row) (Value, error) {
		unknown := false
		for _, one := range list {
			value, err := one(r)
			if err != nil {
				return nil, err
			}
			truth, known, err := boolean(e.at(), strings.ToUpper(e.operator), value)
			if err != nil {
				return nil, err
			}
			if known && truth == decides {
				return decides, nil
			}
			unknown = unknown || !known
		}
		if unknown {
			return nil, nil
		}
		return !decides, nil
	}, nil
}

func (c *compiler) isTest(e *isTest, s *scope) (evaluator, error) {
	value, err := c.compile(e.value, s)
	if err != nil {
		return nil, err
	}
	return func(r *row) (Value, error) {
		v, err := value(r)
		if err != nil {
			return nil, err
		}
		if e.want == "null" {
			return (v == nil) != e.not, nil
		}
		truth, known, err := boolean(e.at(), "IS "+strings.ToUpper(e.want), v)
		if err != nil {
			return nil, err
		}
		holds := !known
		if e.want != "unknown" {
			holds = known && truth == (e.want == "true")
		}
		return holds != e.not, nil
	}, nil
}

// between is two comparisons joined by AND, as the standard has it.
func (c *compiler) between(e *between, s *scope) (evaluator, error) {
	list, err := c.operands([]expression{e.value, e.low, e.high}, s)
	if err != nil {
		return nil, err
	}
	return func(r *row) (Value, error) {
		v, err := list[0].eval(r)
		if err != nil {
			return nil, err
		}
		unknown := false
		for i, operator := range []string{">=", "<="} {
			bound, err := list[i+1].eval(r)
			if err != nil {
				return nil, err
			}
			holds, known, err := list[0].related(e.at(), operator, list[i+1], v, bound)
			if err != nil {
				return nil, err
			}
			if known && !holds {
				return e.not, nil
			}
			unknown = unknown || !known
		}
		if unknown {
			return nil, nil
		}
		return !e.not, nil
	}, nil
}

func (c *compiler) inList(e *inList, s *scope) (evaluator, error) {
	if e.query != nil {
		return c.inQuery(e, s)
	}
	value, err := c.operand(e.value, s)
	if err != nil {
		return nil, err
	}
	list, err := c.operands(e.list, s)
	if err != nil {
		return nil, err
	}
	return func(r *row) (Value, error) {
		v, err := value.eval(r)
		if err != nil {
			return nil, err
		}
		unknown := false
		for _, one := range list {
			other, err := one.eval(r)
			if err != nil {
				return nil, err
			}
			holds, known, err := value.related(e.at(), "=", one, v, other)
			if err != nil {
				return nil, err
			}
			if holds {
				return !e.not, nil
			}
			unknown = unknown || !known
		}
		if unknown {
			return nil, nil
		}
		return e.not, nil
	}, nil
}

func (c *compiler) inQuery(e *inList, s *scope) (evaluator, error) {
	value, err := c.compile(e.value, s)
	if err != nil {
		return nil, err
	}
	query, err := c.query(e.query, &scope{outer: s})
	if err != nil {
		return nil, err
	}
	if len(query.columns) != 1 {
		return nil, refuse(e.at(), "subquery has too many columns")
	}
	return func(r *row) (Value, error) {
		v, err := value(r)
		if err != nil {
			return nil, err
		}
		rows, err := query.run(r)
		if err != nil {
			return nil, err
		}
		unknown := false
		for _, one := range rows {
			if err := c.step(); err != nil {
				return nil, err
			}
			if v == nil || one[0] == nil {
				unknown = true
				continue
			}
			order, err := compare(e.at(), "=", v, one[0])
			if err != nil {
				return nil, err
			}
			if order == 0 {
				return !e.not, nil
			}
		}
		if unknown {
			return nil, nil
		}
		return e.not, nil
	}, nil
}

func (c *compiler) like(e *like, s *scope) (evaluator, error) {
	parts := []expression{e.value, e.pattern}
	if e.escape != nil {
		parts = append(parts, e.escape)
	}
	list, err := c.compileAll(parts, s)
	if err != nil {
		return nil, err
	}
	name := "LIKE"
	if e.fold {
		name = "ILIKE"
	}
	return func(r *row) (Value, error) {
		texts := []string{"", "", `\`}
		for i, one := range list {
			value, err := one(r)
			if err != nil || value == nil {
				return nil, err
			}
			var ok bool
			if texts[i], ok = value.(string); !ok {
				return nil, refuse(e.at(), "operator does not exist: %s %s text", typeOf(value), name)
			}
		}
		if len([]rune(texts[2])) > 1 {
			return nil, refuse(e.at(), "invalid escape string: it must be empty or one character")
		}
		if e.fold {
			texts[0], texts[1] = strings.ToLower(texts[0]), strings.ToLower(texts[1])
		}
		found, err := matchLike(e.at(), []rune(texts[0]), []rune(texts[1]), texts[2])
		return found != e.not, err
	}, nil
}

// matchLike compares in time of the product of the lengths at most.
func matchLike(position int, value, pattern []rune, escape string) (bool, error) {
	type element struct {
		one  rune
		any  bool // _
		many bool // %
	}
	var elements []element
	for i := 0; i < len(pattern); i++ {
		switch {
		case escape != "" && pattern[i] == []rune(escape)[0]:
			i++
			if i == len(pattern) {
				return false, refuse(position, "LIKE pattern must not end with escape character")
			}
			elements = append(elements, element{one: pattern[i]})
		case pattern[i] == '%':
			elements = append(elements, element{many: true})
		case pattern[i] == '_':
			elements = append(elements, element{any: true})
		default:
			elements = append(elements, element{one: pattern[i]})
		}
	}
	v, e, star, mark := 0, 0, -1, 0
	for v < len(value) {
		switch {
		case e < len(elements) && elements[e].many:
			star, mark = e, v
			e++
		case e < len(elements) && (elements[e].any || elements[e].one == value[v]):
			v, e = v+1, e+1
		case star >= 0:
			mark++
			v, e = mark, star+1
		default:
			return false, nil
		}
	}
	for e < len(elements) && elements[e].many {
		e++
	}
	return e == len(elements), nil
}

func (c *compiler) caseWhen(e *caseWhen, s *scope) (evaluator, error) {
	conditions, err := c.operands(e.when, s)
	if err != nil {
		return nil, err
	}
	results, err := c.compileAll(e.then, s)
	if err != nil {
		return nil, err
	}
	none := func(*row) (Value, error) { return nil, nil }
	otherwise, value := evaluator(none), operand{eval: none}
	if e.otherwise != nil {
		if otherwise, err = c.compile(e.otherwise, s); err != nil {
			return nil, err
		}
	}
	if e.value != nil {
		if value, err = c.operand(e.value, s); err != nil {
			return nil, err
		}
	}
	return func(r *row) (Value, error) {
		v, err := value.eval(r)
		if err != nil {
			return nil, err
		}
		for i, condition := range conditions {
			when, err := condition.eval(r)
			if err != nil {
				return nil, err
			}
			var holds bool
			if e.value != nil {
				holds, _, err = value.related(condition.at, "=", condition, v, when)
			} else {
				holds, _, err = boolean(condition.at, "CASE/WHEN", when)
			}
			if err != nil {
				return nil, err
			}
			if holds {
				return results[i](r)
			}
		}
		return otherwise(r)
	}, nil
}

func (c *compiler) subquery(e *subquery, s *scope) (evaluator, error) {
	query, err := c.query(e.query, &scope{outer: s})
	if err != nil {
		return nil, err
	}
	if e.exists {
		return func(r *row) (Value, error) {
			rows, err := query.run(r)
			return len(rows) > 0, err
		}, nil
	}
	if len(query.columns) != 1 {
		return nil, refuse(e.at(), "subquery must return only one column")
	}
	return func(r *row) (Value, error) {
		rows, err := query.run(r)
		switch {
		case err != nil || len(rows) == 0:
			return nil, err
		case len(rows) > 1:
			return nil, refuse(e.at(), "more than one row returned by a subquery used as an expression")
		}
		return rows[0][0], nil
	}, nil
}
