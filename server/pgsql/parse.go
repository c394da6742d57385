package pgsql

import (
	"math"
	"strconv"
	"strings"
)

// MaxLength is the longest statement, in bytes.
const MaxLength = 64 << 10

// maxDepth bounds expressions within expressions and queries within queries.
const maxDepth = 100

type parser struct {
	tokens []token
	i      int
	depth  int
}

// parse reads one statement.
func parse(text string) (*statement, error) {
	if len(text) > MaxLength {
		return nil, refuse(0, "the statement is longer than %d bytes", MaxLength)
	}
	tokens, err := tokenize(text)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	first := p.peek()
	switch {
	case first.kind == tokenEnd, first.is(";"):
		return nil, refuse(first.position, "there is no statement")
	case first.kind == tokenWord && !first.is("select") && !first.is("with") && !first.is("values") && !first.is("table"):
		return nil, refuse(first.position, "only SELECT statements are allowed, this one begins with %s", strings.ToUpper(first.text))
	}
	query, err := p.statement()
	if err != nil {
		return nil, err
	}
	for p.take(";") {
	}
	if p.peek().kind != tokenEnd {
		if p.tokens[p.i-1].is(";") {
			return nil, refuse(p.peek().position, "only one statement is allowed")
		}
		return nil, p.syntax()
	}
	return query, nil
}

func (p *parser) peek() token { return p.tokens[p.i] }

func (p *parser) ahead(n int) token { return p.tokens[min(p.i+n, len(p.tokens)-1)] }

func (p *parser) advance() token {
	one := p.tokens[p.i]
	if one.kind != tokenEnd {
		p.i++
	}
	return one
}

func (p *parser) take(texts ...string) bool {
	for k, text := range texts {
		if !p.ahead(k).is(text) {
			return false
		}
	}
	p.i += len(texts)
	return true
}

func (p *parser) syntax() error {
	one := p.peek()
	if one.kind == tokenEnd {
		return refuse(one.position, "syntax error at end of input")
	}
	return refuse(one.position, "syntax error at or near %s", one.near())
}

func (p *parser) need(text string) error {
	if !p.take(text) {
		return p.syntax()
	}
	return nil
}

func (p *parser) name() (string, error) {
	if !p.peek().identifier() {
		return "", p.syntax()
	}
	return p.advance().text, nil
}

// enter bounds the depth of what is read; leave goes with it.
func (p *parser) enter() error {
	if p.depth++; p.depth > maxDepth {
		return refuse(p.peek().position, "the statement is nested too deeply")
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

func (p *parser) statement() (*statement, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	query := &statement{}
	var err error
	if p.take("with") {
		if p.peek().is("recursive") {
			return nil, refuse(p.peek().position, "WITH RECURSIVE is not supported")
		}
		if query.with, err = p.ctes(); err != nil {
			return nil, err
		}
	}
	if query.body, err = p.union(); err != nil {
		return nil, err
	}
	if p.take("order", "by") {
		if query.order, err = p.orderings(); err != nil {
			return nil, err
		}
	}
	return query, p.limits(query)
}

func (p *parser) ctes() ([]cte, error) {
	var list []cte
	for {
		one := cte{position: p.peek().position}
		var err error
		if one.name, err = p.name(); err != nil {
			return nil, err
		}
		if one.columns, err = p.columnNames(); err != nil {
			return nil, err
		}
		if err := p.need("as"); err != nil {
			return nil, err
		}
		p.take("not", "materialized")
		p.take("materialized")
		if one.query, err = p.bracketed(); err != nil {
			return nil, err
		}
		list = append(list, one)
		if !p.take(",") {
			return list, nil
		}
	}
}

// columnNames reads (name, …), or nothing.
func (p *parser) columnNames() ([]string, error) {
	if !p.take("(") {
		return nil, nil
	}
	var names []string
	for {
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		names = append(names, name)
		if p.take(")") {
			return names, nil
		}
		if err := p.need(","); err != nil {
			return nil, err
		}
	}
}

func (p *parser) bracketed() (*statement, error) {
	if err := p.need("("); err != nil {
		return nil, err
	}
	query, err := p.statement()
	if err != nil {
		return nil, err
	}
	return query, p.need(")")
}

func (p *parser) limits(query *statement) error {
	for {
		at := p.peek().position
		var err error
		switch {
		case p.take("limit"):
			if query.limit != nil {
				return refuse(at, "multiple LIMIT clauses not allowed")
			}
			if !p.take("all") {
				query.limit, err = p.expression()
			}
		case p.take("offset"):
			query.offset, err = p.expression()
			if !p.take("rows") {
				p.take("row")
			}
		case p.take("fetch"):
			if !p.take("first") {
				err = p.need("next")
			}
			query.limit = &literal{place: place(at), value: int64(1)}
			if err == nil && p.peek().kind == tokenNumber {
				query.limit, err = p.primary()
			}
			if err == nil && !p.take("rows") {
				err = p.need("row")
			}
			if err == nil {
				err = p.need("only")
			}
		case p.peek().is("for"):
			return refuse(at, "only SELECT statements without FOR are allowed")
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// union reads UNION and EXCEPT, which bind less than INTERSECT.
func (p *parser) union() (body, error) {
	left, err := p.intersect()
	for err == nil {
		at := p.peek()
		if !p.take("union") && !p.take("except") {
			return left, nil
		}
		all := p.combinator()
		var right body
		right, err = p.intersect()
		left = &combination{operator: at.text, all: all, left: left, right: right, position: at.position}
	}
	return nil, err
}

func (p *parser) combinator() (all bool) {
	if p.take("all") {
		return true
	}
	p.take("distinct")
	return false
}

func (p *parser) intersect() (body, error) {
	left, err := p.term()
	for err == nil {
		at := p.peek()
		if !p.take("intersect") {
			return left, nil
		}
		all := p.combinator()
		var right body
		right, err = p.term()
		left = &combination{operator: "intersect", all: all, left: left, right: right, position: at.position}
	}
	return nil, err
}

func (p *parser) term() (body, error) {
	switch {
	case p.peek().is("("):
		return p.bracketed()
	case p.peek().is("values"), p.peek().is("table"):
		return nil, refuse(p.peek().position, "%s is not supported, use SELECT", strings.ToUpper(p.peek().text))
	}
	return p.selection()
}

func (p *parser) selection() (*selection, error) {
	s := &selection{position: p.peek().position}
	if err := p.need("select"); err != nil {
		return nil, err
	}
	if p.take("distinct") {
		s.distinct = true
		if p.peek().is("on") {
			return nil, refuse(p.peek().position, "DISTINCT ON is not supported")
		}
	} else {
		p.take("all")
	}
	var err error
	if s.items, err = p.items(); err != nil {
		return nil, err
	}
	if p.peek().is("into") {
		return nil, refuse(p.peek().position, "SELECT INTO is not allowed")
	}
	if p.take("from") {
		if s.from, err = p.from(); err != nil {
			return nil, err
		}
	}
	if p.take("where") {
		if s.where, err = p.expression(); err != nil {
			return nil, err
		}
	}
	if p.take("group", "by") {
		if s.group, err = p.expressions(); err != nil {
			return nil, err
		}
	}
	if p.take("having") {
		if s.having, err = p.expression(); err != nil {
			return nil, err
		}
	}
	if p.peek().is("window") {
		return nil, refuse(p.peek().position, "window functions are not supported")
	}
	return s, nil
}

func (p *parser) items() ([]item, error) {
	var items []item
	for {
		one := item{at: p.peek().position}
		switch {
		case p.take("*"):
			one.star = true
		case p.peek().identifier() && p.ahead(1).is(".") && p.ahead(2).is("*"):
			one.star, one.table = true, p.peek().text
			p.i += 3
		default:
			var err error
			if one.value, err = p.expression(); err != nil {
				return nil, err
			}
			if one.as, err = p.alias(true); err != nil {
				return nil, err
			}
		}
		items = append(items, one)
		if !p.take(",") {
			return items, nil
		}
	}
}

// alias reads [AS] name. After AS an item's alias may be any keyword.
func (p *parser) alias(anyWord bool) (string, error) {
	if p.take("as") {
		if anyWord && p.peek().kind == tokenWord {
			return p.advance().text, nil
		}
		return p.name()
	}
	if p.peek().identifier() {
		return p.advance().text, nil
	}
	return "", nil
}

func (p *parser) from() ([]tableRef, error) {
	var list []tableRef
	for {
		ref, err := p.joined()
		if err != nil {
			return nil, err
		}
		list = append(list, ref)
		if !p.take(",") {
			return list, nil
		}
	}
}

func (p *parser) joined() (tableRef, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	left, err := p.table()
	for err == nil {
		j := &join{left: left, position: p.peek().position}
		switch {
		case p.take("cross", "join"):
			j.sort = "cross"
		case p.take("inner", "join"), p.take("join"):
			j.sort = "inner"
		case p.peek().is("left"), p.peek().is("right"), p.peek().is("full"):
			j.sort = p.advance().text
			p.take("outer")
			if err := p.need("join"); err != nil {
				return nil, err
			}
		case p.peek().is("natural"):
			return nil, refuse(p.peek().position, "NATURAL joins are not supported, use ON or USING")
		default:
			return left, nil
		}
		if j.right, err = p.table(); err != nil {
			return nil, err
		}
		left = j
		if j.sort == "cross" {
			continue
		}
		switch {
		case p.take("on"):
			j.on, err = p.expression()
		case p.take("using"):
			if !p.peek().is("(") {
				return nil, p.syntax()
			}
			j.using, err = p.columnNames()
		default:
			err = p.syntax()
		}
	}
	return nil, err
}

func (p *parser) table() (tableRef, error) {
	at := p.peek().position
	switch {
	case p.peek().is("lateral"):
		return nil, refuse(at, "LATERAL is not supported")
	case p.peek().is("(") && (p.ahead(1).is("select") || p.ahead(1).is("with") || p.ahead(1).is("(")):
		mark := p.i
		query, err := p.bracketed()
		if err == nil {
			one := &derived{query: query, position: at}
			if one.alias, err = p.alias(false); err == nil {
				one.columns, err = p.columnNames()
			}
			return one, err
		}
		if !p.tokens[mark+1].is("(") {
			return nil, err
		}
		p.i = mark // a join in brackets, then
	}
	if p.take("(") {
		ref, err := p.joined()
		if err != nil {
			return nil, err
		}
		return ref, p.need(")")
	}
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	if p.take(".") {
		if name != "public" {
			return nil, refuse(at, "schema \"%s\" does not exist: tables are in the schema public", name)
		}
		if name, err = p.name(); err != nil {
			return nil, err
		}
	}
	if p.peek().is("(") {
		return nil, refuse(at, "functions in FROM are not supported")
	}
	one := &named{name: name, position: at}
	if one.alias, err = p.alias(false); err != nil {
		return nil, err
	}
	if one.alias == "" {
		one.alias = name
		return one, nil
	}
	one.columns, err = p.columnNames()
	return one, err
}

func (p *parser) expressions() ([]expression, error) {
	var list []expression
	for {
		one, err := p.expression()
		if err != nil {
			return nil, err
		}
		list = append(list, one)
		if !p.take(",") {
			return list, nil
		}
	}
}

func (p *parser) orderings() ([]ordering, error) {
	var list []ordering
	for {
		value, err := p.expression()
		if err != nil {
			return nil, err
		}
		one := ordering{value: value}
		if !p.take("asc") {
			one.descending = p.take("desc")
		}
		if p.take("nulls") {
			first := p.take("first")
			if !first && !p.take("last") {
				return nil, p.syntax()
			}
			one.nullsFirst = &first
		}
		list = append(list, one)
		if !p.take(",") {
			return list, nil
		}
	}
}

// numeric reads a literal: bigint where it fits, else double precision.
func numeric(text string) Value {
	if whole, err := strconv.ParseInt(text, 10, 64); err == nil {
		return whole
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return math.Inf(1)
	}
	return number
}
