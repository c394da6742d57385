package ksql

import "slices"

// query reads a SELECT to the end of the statement.
func (p *parser) query() (*Query, *Error) {
	if err := p.need("SELECT"); err != nil {
		return nil, err
	}
	q := &Query{}
	for {
		item, err := p.item()
		if err != nil {
			return nil, err
		}
		q.Items = append(q.Items, item)
		if !p.take(",") {
			break
		}
	}
	if err := p.need("FROM"); err != nil {
		return nil, err
	}
	if err := p.source(q); err != nil {
		return nil, err
	}
	return q, p.rest(q)
}

// rest reads what follows the first source: joins name further ones.
func (p *parser) rest(q *Query) *Error {
	for !p.stops() {
		switch {
		case p.take("JOIN"):
			if err := p.source(q); err != nil {
				return err
			}
		case p.take("WINDOW"):
			window, err := p.name("TUMBLING, HOPPING or SESSION")
			if err != nil {
				return err
			}
			if !slices.Contains([]string{"TUMBLING", "HOPPING", "SESSION"}, window) {
				p.i--
				return p.wanted("TUMBLING, HOPPING or SESSION")
			}
			q.Window = window
		case p.take("GROUP", "BY"):
			q.Aggregates = true
		default:
			if err := p.skipOne(); err != nil {
				return err
			}
		}
	}
	return nil
}

// skipOne moves over one token, or over everything in a pair of brackets.
func (p *parser) skipOne() *Error {
	open := p.peek()
	if open.is(")") {
		return p.wanted("no closing bracket here")
	}
	p.i++
	if !open.is("(") {
		return nil
	}
	for depth := 1; depth > 0; p.i++ {
		switch {
		case p.stops():
			return p.fail(open.start, "a bracket that is not closed")
		case p.peek().is("("):
			depth++
		case p.peek().is(")"):
			depth--
		}
	}
	return nil
}

// notAlias are the words that may follow a source without being its alias.
var notAlias = []string{"JOIN", "INNER", "LEFT", "RIGHT", "FULL", "OUTER", "CROSS", "WITHIN", "ON", "WINDOW", "WHERE",
	"GROUP", "PARTITION", "HAVING", "EMIT", "LIMIT", "GRACE"}

func (p *parser) source(q *Query) *Error {
	name, err := p.name("the name of a stream or table")
	if err != nil {
		return err
	}
	source := Source{Name: name, Alias: name}
	as := p.take("AS")
	next := p.peek()
	if as && !next.identifier() {
		return p.wanted("an alias")
	}
	if next.kind == tokenName || next.kind == tokenWord && !slices.Contains(notAlias, next.text) {
		source.Alias = p.advance().text
	}
	q.From = append(q.From, source)
	return nil
}

// item reads one element of the select list, up to a comma or FROM.
func (p *parser) item() (Item, *Error) {
	start := p.i
	for !p.stops() && !p.peek().is(",") && !p.peek().is("FROM") {
		if err := p.skipOne(); err != nil {
			return Item{}, err
		}
	}
	if p.i == start {
		return Item{}, p.wanted("a column")
	}
	return itemOf(p.tokens[start:p.i]), nil
}

func itemOf(tokens []token) Item {
	var item Item
	last := tokens[len(tokens)-1]
	switch n := len(tokens); {
	case n > 2 && tokens[n-2].is("AS") && last.identifier():
		item.As, tokens = last.text, tokens[:n-2]
	case n > 1 && named(tokens[n-2], last):
		item.As, tokens = last.text, tokens[:n-1]
	}
	switch n := len(tokens); {
	case n == 1 && tokens[0].is("*"):
		item.Star = true
	case n == 1 && tokens[0].identifier() && !isLiteral(tokens[0]):
		item.Column = tokens[0].text
	case n == 3 && tokens[0].identifier() && tokens[1].is(".") && tokens[2].is("*"):
		item.Star, item.From = true, tokens[0].text
	case n == 3 && tokens[0].identifier() && tokens[1].is(".") && tokens[2].identifier():
		item.From, item.Column = tokens[0].text, tokens[2].text
	case n > 3 && tokens[0].is("COUNT") && tokens[1].is("(") && closes(tokens[1:]):
		item.Count = true
	}
	return item
}

// operators are the words in expressions that are no names.
var operators = []string{"AND", "OR", "NOT", "IS", "IN", "LIKE", "ESCAPE", "BETWEEN", "CASE", "WHEN", "THEN", "ELSE", "DISTINCT", "FROM"}

// named says whether the last token is an alias without AS.
func named(before, last token) bool {
	if !last.identifier() || isLiteral(last) || last.is("END") {
		return false
	}
	return before.is(")") || before.kind == tokenName || before.kind == tokenString || before.kind == tokenNumber ||
		before.kind == tokenWord && !slices.Contains(operators, before.text)
}

func isLiteral(t token) bool { return t.is("TRUE") || t.is("FALSE") || t.is("NULL") }

// closes says whether the bracket at the beginning is closed by the last token.
func closes(tokens []token) bool {
	depth := 0
	for i, one := range tokens {
		switch {
		case one.is("("):
			depth++
		case one.is(")"):
			depth--
		}
		if depth == 0 {
			return i == len(tokens)-1
		}
	}
	return false
}
