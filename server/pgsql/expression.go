package pgsql

import (
	"math"
	"slices"
	"strings"
)

// Binding strengths, the weakest first (PostgreSQL documentation, 4.1.6).
const (
	bindOr = iota + 1
	bindAnd
	bindNot
	bindIs
	bindCompare
	bindRange // BETWEEN, IN, LIKE
	bindOther
	bindAdd
	bindMultiply
	bindPower
	bindSign
)

var binding = map[string]int{
	"or": bindOr, "and": bindAnd,
	"=": bindCompare, "<>": bindCompare, "!=": bindCompare, "<": bindCompare, "<=": bindCompare, ">": bindCompare, ">=": bindCompare,
	"||": bindOther, "->": bindOther, "->>": bindOther, "#>": bindOther, "#>>": bindOther,
	"~": bindOther, "~*": bindOther, "!~": bindOther, "!~*": bindOther,
	"+": bindAdd, "-": bindAdd, "*": bindMultiply, "/": bindMultiply, "%": bindMultiply, "^": bindPower,
}

func (p *parser) expression() (expression, error) { return p.binding(0) }

// binding reads an expression whose operators bind more than least.
func (p *parser) binding(least int) (expression, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	left, err := p.prefix()
	for err == nil {
		one := p.peek()
		var next expression
		next, err = p.postfix(left, least)
		if err == nil && next != nil {
			left = next
			continue
		}
		if err != nil {
			break
		}
		strength := 0
		if one.kind == tokenSign || one.is("or") || one.is("and") {
			strength = binding[one.text]
		}
		if strength == 0 || strength <= least {
			return left, nil
		}
		p.i++
		if p.peek().is("any") || p.peek().is("some") || p.peek().is("all") {
			return nil, refuse(p.peek().position, "%s is not supported, use IN or EXISTS", strings.ToUpper(p.peek().text))
		}
		var right expression
		if right, err = p.binding(strength); err == nil {
			left = &binary{place: place(one.position), operator: one.text, left: left, right: right}
		}
	}
	return nil, err
}

// postfix reads IS, BETWEEN, IN and LIKE after a value; nil if there is none
// that binds more than least.
func (p *parser) postfix(value expression, least int) (expression, error) {
	at := place(p.peek().position)
	if least < bindIs {
		switch {
		case p.take("isnull"):
			return &isTest{place: at, value: value, want: "null"}, nil
		case p.take("notnull"):
			return &isTest{place: at, value: value, want: "null", not: true}, nil
		case p.take("is"):
			return p.isTest(value, at)
		}
	}
	if least >= bindRange {
		return nil, nil
	}
	not := p.peek().is("not") && slices.ContainsFunc([]string{"between", "in", "like", "ilike", "similar"}, p.ahead(1).is)
	if not {
		p.i++
	}
	switch {
	case p.take("between"):
		return p.between(value, at, not)
	case p.take("in"):
		return p.inList(value, at, not)
	case p.peek().is("like"), p.peek().is("ilike"):
		one := &like{place: at, value: value, not: not, fold: p.advance().is("ilike")}
		var err error
		if one.pattern, err = p.binding(bindRange); err == nil && p.take("escape") {
			one.escape, err = p.binding(bindRange)
		}
		return one, err
	case p.peek().is("similar"):
		return nil, refuse(int(at), "SIMILAR TO is not supported, use LIKE or ~")
	}
	return nil, nil
}

func (p *parser) isTest(value expression, at place) (expression, error) {
	one := &isTest{place: at, value: value, not: p.take("not")}
	switch word := p.peek(); {
	case word.is("null"), word.is("true"), word.is("false"), word.is("unknown"):
		p.i++
		one.want = word.text
		return one, nil
	case p.take("distinct", "from"):
		right, err := p.binding(bindIs)
		operator := "is distinct from"
		if one.not {
			operator = "is not distinct from"
		}
		return &binary{place: at, operator: operator, left: value, right: right}, err
	}
	return nil, p.syntax()
}

func (p *parser) between(value expression, at place, not bool) (expression, error) {
	one := &between{place: at, value: value, not: not}
	p.take("asymmetric")
	var err error
	if one.low, err = p.binding(bindRange); err != nil {
		return nil, err
	}
	if err := p.need("and"); err != nil {
		return nil, err
	}
	one.high, err = p.binding(bindRange)
	return one, err
}

func (p *parser) inList(value expression, at place, not bool) (expression, error) {
	one := &inList{place: at, value: value, not: not}
	var err error
	if p.peek().is("(") && (p.ahead(1).is("select") || p.ahead(1).is("with")) {
		one.query, err = p.bracketed()
		return one, err
	}
	if err := p.need("("); err != nil {
		return nil, err
	}
	if one.list, err = p.expressions(); err != nil {
		return nil, err
	}
	return one, p.need(")")
}

func (p *parser) prefix() (expression, error) {
	at := place(p.peek().position)
	switch {
	case p.take("not"):
		value, err := p.binding(bindNot - 1)
		return &unary{place: at, operator: "not", value: value}, err
	case p.peek().is("-"), p.peek().is("+"):
		operator := p.advance().text
		// The smallest bigint is no literal with a sign in front of it.
		if number := p.peek(); operator == "-" && number.kind == tokenNumber && number.text == "9223372036854775808" {
			p.i++
			return p.casts(&literal{place: at, value: int64(math.MinInt64)})
		}
		value, err := p.binding(bindSign)
		return &unary{place: at, operator: operator, value: value}, err
	}
	value, err := p.primary()
	if err != nil {
		return nil, err
	}
	return p.casts(value)
}

// casts reads ::type, which binds the most.
func (p *parser) casts(value expression) (expression, error) {
	for {
		at := p.peek()
		if at.is("[") {
			return nil, refuse(at.position, "arrays are not supported, use -> on JSON")
		}
		if at.is("collate") {
			return nil, refuse(at.position, "COLLATE is not supported")
		}
		if !p.take("::") {
			return value, nil
		}
		target, err := p.dataType()
		if err != nil {
			return nil, err
		}
		value = &cast{place: place(at.position), value: value, target: target}
	}
}

// dataTypes are the types of values, by their names.
var dataTypes = map[string]string{
	"bool": "boolean", "boolean": "boolean",
	"int": "bigint", "int2": "bigint", "int4": "bigint", "int8": "bigint", "smallint": "bigint", "integer": "bigint", "bigint": "bigint",
	"float": "double precision", "float4": "double precision", "float8": "double precision", "real": "double precision",
	"double precision": "double precision", "numeric": "double precision", "decimal": "double precision",
	"text": "text", "varchar": "text", "character varying": "text",
	"json": "json", "jsonb": "json",
}

func (p *parser) dataType() (string, error) {
	at := p.peek()
	if at.kind != tokenWord {
		return "", p.syntax()
	}
	p.i++
	name := at.text
	if name == "double" && p.take("precision") {
		name = "double precision"
	}
	if name == "character" && p.take("varying") {
		name = "character varying"
	}
	target, ok := dataTypes[name]
	if !ok {
		return "", refuse(at.position, "the type %s is not supported", name)
	}
	if p.peek().is("(") {
		return "", refuse(p.peek().position, "types with a length or precision are not supported")
	}
	if p.peek().is("[") {
		return "", refuse(p.peek().position, "arrays are not supported")
	}
	return target, nil
}

func (p *parser) primary() (expression, error) {
	one := p.peek()
	at := place(one.position)
	switch {
	case one.kind == tokenNumber:
		p.i++
		value := numeric(one.text)
		if number, ok := value.(float64); ok && math.IsInf(number, 0) {
			return nil, refuse(one.position, "%s is out of range for type double precision", one.text)
		}
		return &literal{place: at, value: value}, nil
	case one.kind == tokenString:
		p.i++
		return &literal{place: at, value: one.text, unknown: true}, nil
	case p.take("true"):
		return &literal{place: at, value: true}, nil
	case p.take("false"):
		return &literal{place: at, value: false}, nil
	case p.take("null"):
		return &literal{place: at, unknown: true}, nil
	case one.is("(") && (p.ahead(1).is("select") || p.ahead(1).is("with")):
		query, err := p.bracketed()
		return &subquery{place: at, query: query}, err
	case p.take("("):
		value, err := p.expression()
		if err != nil {
			return nil, err
		}
		if p.peek().is(",") {
			return nil, refuse(one.position, "rows as values are not supported")
		}
		return value, p.need(")")
	case p.take("exists"):
		query, err := p.bracketed()
		return &subquery{place: at, query: query, exists: true}, err
	case p.take("case"):
		return p.caseWhen(at)
	case p.take("cast"):
		return p.cast(at)
	case one.is("array"), one.is("row") && p.ahead(1).is("("), one.is("interval") && p.ahead(1).kind == tokenString,
		one.is("date") && p.ahead(1).kind == tokenString, one.is("timestamp") && p.ahead(1).kind == tokenString,
		one.is("current_date"), one.is("current_time"), one.is("current_timestamp"), one.is("user"):
		return nil, refuse(one.position, "%s is not supported", strings.ToUpper(one.text))
	case p.ahead(1).is("(") && (one.identifier() || one.is("left") || one.is("right")):
		return p.call(at)
	case one.identifier():
		return p.column(at)
	}
	return nil, p.syntax()
}

func (p *parser) column(at place) (expression, error) {
	name := p.advance().text
	if !p.take(".") {
		return &column{place: at, name: name}, nil
	}
	// public.table.column names the schema too.
	if name == "public" && p.ahead(1).is(".") {
		var err error
		if name, err = p.name(); err != nil {
			return nil, err
		}
		p.i++
	}
	// After a dot any word is a name.
	if one := p.peek(); one.kind != tokenWord && one.kind != tokenQuoted {
		return nil, p.syntax()
	}
	return &column{place: at, table: name, name: p.advance().text}, nil
}

func (p *parser) caseWhen(at place) (expression, error) {
	one := &caseWhen{place: at}
	var err error
	if !p.peek().is("when") {
		if one.value, err = p.expression(); err != nil {
			return nil, err
		}
	}
	for p.take("when") {
		condition, err := p.expression()
		if err != nil {
			return nil, err
		}
		if err := p.need("then"); err != nil {
			return nil, err
		}
		result, err := p.expression()
		if err != nil {
			return nil, err
		}
		one.when, one.then = append(one.when, condition), append(one.then, result)
	}
	if len(one.when) == 0 {
		return nil, p.syntax()
	}
	if p.take("else") {
		if one.otherwise, err = p.expression(); err != nil {
			return nil, err
		}
	}
	return one, p.need("end")
}

func (p *parser) cast(at place) (expression, error) {
	if err := p.need("("); err != nil {
		return nil, err
	}
	value, err := p.expression()
	if err != nil {
		return nil, err
	}
	if err := p.need("as"); err != nil {
		return nil, err
	}
	target, err := p.dataType()
	if err != nil {
		return nil, err
	}
	return &cast{place: at, value: value, target: target}, p.need(")")
}

func (p *parser) call(at place) (expression, error) {
	one := &call{place: at, name: p.advance().text}
	p.i++ // the bracket
	if err := p.arguments(one); err != nil {
		return nil, err
	}
	if p.take("filter") {
		if !p.take("(", "where") {
			return nil, p.syntax()
		}
		var err error
		if one.filter, err = p.expression(); err != nil {
			return nil, err
		}
		if err := p.need(")"); err != nil {
			return nil, err
		}
	}
	if p.peek().is("over") {
		return nil, refuse(p.peek().position, "window functions are not supported")
	}
	return one, nil
}

func (p *parser) arguments(one *call) error {
	if p.take("*") {
		one.star = true
		return p.need(")")
	}
	if p.take(")") {
		return nil
	}
	if p.take("distinct") {
		one.distinct = true
	} else {
		p.take("all")
	}
	if one.name == "extract" || one.name == "overlay" || one.name == "position" {
		return refuse(one.at(), "the function %s is not supported", one.name)
	}
	if one.name == "trim" {
		return p.trim(one)
	}
	var err error
	if one.args, err = p.expressions(); err != nil {
		return err
	}
	// substring(text FROM start FOR count) is the same as with commas.
	if one.name == "substring" && len(one.args) == 1 {
		if p.take("from") {
			start, err := p.expression()
			if err != nil {
				return err
			}
			one.args = append(one.args, start)
		}
		if p.take("for") {
			count, err := p.expression()
			if err != nil {
				return err
			}
			if len(one.args) == 1 {
				one.args = append(one.args, &literal{place: one.place, value: int64(1)})
			}
			one.args = append(one.args, count)
		}
	}
	if p.take("order", "by") {
		if one.order, err = p.orderings(); err != nil {
			return err
		}
	}
	return p.need(")")
}

// trim reads ([LEADING | TRAILING | BOTH] [characters] FROM text), or (text).
func (p *parser) trim(one *call) error {
	switch {
	case p.take("leading"):
		one.name = "ltrim"
	case p.take("trailing"):
		one.name = "rtrim"
	default:
		one.name = "btrim"
		p.take("both")
	}
	if !p.take("from") {
		first, err := p.expression()
		if err != nil {
			return err
		}
		one.args = []expression{first}
		if !p.take("from") {
			if p.take(",") {
				second, err := p.expression()
				if err != nil {
					return err
				}
				one.args = append(one.args, second)
			}
			return p.need(")")
		}
	}
	value, err := p.expression()
	if err != nil {
		return err
	}
	one.args = append([]expression{value}, one.args...)
	return p.need(")")
}
