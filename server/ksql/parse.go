package ksql

import (
	"fmt"
	"slices"
	"strings"
)

// MaxLength is the longest text that Parse reads, in bytes.
const MaxLength = 256 << 10

// maxDepth bounds types within types.
const maxDepth = 64

// Parse reads the statements of a text. The error is an *Error.
func Parse(text string) ([]Statement, error) {
	if len(text) > MaxLength {
		return nil, &Error{Line: 1, Column: 1, Message: fmt.Sprintf("a text of more than %d bytes", MaxLength)}
	}
	p := &parser{scanner: scanner{text: text}}
	for {
		one, err := p.next()
		if err != nil {
			return nil, err
		}
		p.tokens = append(p.tokens, one)
		if one.kind == tokenEnd {
			break
		}
	}
	var statements []Statement
	for !p.ends() {
		if p.take(";") {
			continue
		}
		statement, err := p.statement()
		if err != nil {
			return nil, err
		}
		statements = append(statements, statement)
	}
	if len(statements) == 0 {
		return nil, p.wanted("a statement")
	}
	return statements, nil
}

type parser struct {
	scanner
	tokens []token
	i      int
}

func (p *parser) peek() token { return p.tokens[p.i] }

func (p *parser) ends() bool { return p.peek().kind == tokenEnd }

// stops says whether the statement ends here.
func (p *parser) stops() bool { return p.ends() || p.peek().is(";") }

func (p *parser) advance() token {
	one := p.tokens[p.i]
	if one.kind != tokenEnd {
		p.i++
	}
	return one
}

// take moves on if the next tokens are these.
func (p *parser) take(texts ...string) bool {
	for k, text := range texts {
		// The last token is the end, which is no text.
		if p.i+k >= len(p.tokens) || !p.tokens[p.i+k].is(text) {
			return false
		}
	}
	p.i += len(texts)
	return true
}

func (p *parser) wanted(what string) *Error {
	return p.fail(p.peek().start, "expected %s, got %s", what, p.peek())
}

func (p *parser) need(texts ...string) *Error {
	for _, text := range texts {
		if !p.take(text) {
			return p.wanted(text)
		}
	}
	return nil
}

func (p *parser) name(what string) (string, *Error) {
	if !p.peek().identifier() {
		return "", p.wanted(what)
	}
	return p.advance().text, nil
}

// statement reads one, to its semicolon.
func (p *parser) statement() (Statement, error) {
	start := p.peek().start
	verb := p.peek()
	if verb.kind != tokenWord {
		return nil, p.wanted("a statement")
	}
	var statement Statement
	var err *Error
	switch verb.text {
	case "CREATE":
		statement, err = p.create()
	case "DROP":
		statement, err = p.drop()
	case "ALTER":
		statement, err = p.alter()
	case "INSERT":
		statement, err = p.insert()
	case "TERMINATE", "PAUSE", "RESUME":
		statement, err = p.control()
	case "LIST", "SHOW", "DESCRIBE", "EXPLAIN", "SET", "UNSET", "DEFINE", "UNDEFINE":
		statement, err = p.look()
	case "SELECT":
		one := &Select{}
		one.Query, err = p.query()
		statement = one
	case "PRINT", "ASSERT", "RUN":
		p.i++
		statement = p.other(verb.text)
	default:
		return nil, p.wanted("a statement")
	}
	if err != nil {
		return nil, err
	}
	end := p.tokens[p.i-1].end
	if !p.stops() {
		return nil, p.wanted("; at the end of the statement")
	}
	p.take(";")
	statement.write(p.text[start:end] + ";")
	return statement, nil
}

// other skips the rest of a statement that only its first words matter of.
func (p *parser) other(verb string) *Other {
	for !p.stops() {
		p.i++
	}
	return &Other{Verb: verb}
}

func (p *parser) sourceType() (string, bool) {
	switch {
	case p.take(Stream):
		return Stream, true
	case p.take(Table):
		return Table, true
	}
	return "", false
}

func (p *parser) create() (Statement, *Error) {
	p.i++
	create := &Create{Properties: map[string]string{}}
	create.Replace = p.take("OR", "REPLACE")
	p.take("SOURCE") // a read-only source
	var ok bool
	if create.Type, ok = p.sourceType(); !ok {
		what := p.peek()
		if what.kind != tokenWord {
			return nil, p.wanted("STREAM or TABLE")
		}
		return p.other("CREATE " + what.text), nil
	}
	create.IfNotExists = p.take("IF", "NOT", "EXISTS")
	var err *Error
	if create.Name, err = p.name("the name of the " + strings.ToLower(create.Type)); err != nil {
		return nil, err
	}
	if p.peek().is("(") {
		if create.Columns, err = p.columns(); err != nil {
			return nil, err
		}
	}
	if p.take("WITH") {
		if create.Properties, err = p.properties(); err != nil {
			return nil, err
		}
	}
	if !p.take("AS") {
		return create, nil
	}
	if create.Columns != nil {
		return nil, p.fail(p.peek().start, "expected no columns in front of AS SELECT: the query gives them")
	}
	create.Query, err = p.query()
	return create, err
}

// columns reads (name type [KEY | PRIMARY KEY | HEADERS], …).
func (p *parser) columns() ([]Column, *Error) {
	if err := p.need("("); err != nil {
		return nil, err
	}
	columns := []Column{}
	for {
		at := p.peek().start
		column, err := p.column(0)
		if err != nil {
			return nil, err
		}
		switch {
		case p.take("PRIMARY", "KEY"):
			column.Key = "PRIMARY KEY"
		case p.take("KEY"):
			column.Key = "KEY"
		case p.take("HEADERS"):
			column.Key = "HEADERS"
		case p.take("HEADER"):
			column.Key = "HEADERS"
			if err := p.need("("); err != nil {
				return nil, err
			}
			if p.peek().kind != tokenString {
				return nil, p.wanted("the header in quotes")
			}
			p.i++
			if err := p.need(")"); err != nil {
				return nil, err
			}
		}
		if slices.ContainsFunc(columns, func(other Column) bool { return other.Name == column.Name }) {
			return nil, p.fail(at, "the column %s is there twice", column.Name)
		}
		columns = append(columns, column)
		if p.take(")") {
			return columns, nil
		}
		if err := p.need(","); err != nil {
			return nil, err
		}
	}
}

func (p *parser) column(depth int) (Column, *Error) {
	name, err := p.name("the name of a column")
	if err != nil {
		return Column{}, err
	}
	of, err := p.dataType(depth)
	return Column{Name: name, Type: of}, err
}

// canonical are the names of the data types, by their spellings.
var canonical = map[string]string{
	"BOOLEAN": "BOOLEAN", "INT": "INTEGER", "INTEGER": "INTEGER", "BIGINT": "BIGINT", "DOUBLE": "DOUBLE",
	"STRING": "STRING", "VARCHAR": "STRING", "BYTES": "BYTES", "DECIMAL": "DECIMAL",
	"TIME": "TIME", "DATE": "DATE", "TIMESTAMP": "TIMESTAMP", "ARRAY": "ARRAY", "MAP": "MAP", "STRUCT": "STRUCT",
}

func (p *parser) dataType(depth int) (Type, *Error) {
	if depth > maxDepth {
		return Type{}, p.wanted("fewer types within types")
	}
	word := p.peek()
	name, ok := canonical[word.text]
	if word.kind != tokenWord || !ok {
		return Type{}, p.wanted("a data type")
	}
	p.i++
	of := Type{Name: name}
	var err *Error
	switch name {
	case "DECIMAL":
		err = p.precision()
	case "ARRAY":
		err = p.within(func() *Error { _, err := p.dataType(depth + 1); return err })
	case "MAP":
		err = p.within(func() *Error {
			if _, err := p.dataType(depth + 1); err != nil {
				return err
			}
			if err := p.need(","); err != nil {
				return err
			}
			_, err := p.dataType(depth + 1)
			return err
		})
	case "STRUCT":
		err = p.within(func() *Error {
			for {
				field, err := p.column(depth + 1)
				if err != nil {
					return err
				}
				of.Fields = append(of.Fields, field)
				if !p.take(",") {
					return nil
				}
			}
		})
	}
	return of, err
}

func (p *parser) within(read func() *Error) *Error {
	if err := p.need("<"); err != nil {
		return err
	}
	if err := read(); err != nil {
		return err
	}
	return p.need(">")
}

func (p *parser) precision() *Error {
	if err := p.need("("); err != nil {
		return err
	}
	for _, end := range []string{",", ")"} {
		if p.peek().kind != tokenNumber {
			return p.wanted("a number")
		}
		p.i++
		if err := p.need(end); err != nil {
			return err
		}
	}
	return nil
}

// properties reads (name = value, …).
func (p *parser) properties() (map[string]string, *Error) {
	if err := p.need("("); err != nil {
		return nil, err
	}
	properties := map[string]string{}
	for {
		at := p.peek()
		name, err := p.name("the name of a property")
		if err != nil {
			return nil, err
		}
		name = strings.ToUpper(name)
		if _, twice := properties[name]; twice {
			return nil, p.fail(at.start, "the property %s is there twice", name)
		}
		if err := p.need("="); err != nil {
			return nil, err
		}
		value := p.peek()
		if value.kind != tokenString && value.kind != tokenNumber && !value.is("TRUE") && !value.is("FALSE") {
			return nil, p.wanted("a value in quotes, a number, true or false")
		}
		p.i++
		properties[name] = value.text
		if p.take(")") {
			return properties, nil
		}
		if err := p.need(","); err != nil {
			return nil, err
		}
	}
}

func (p *parser) drop() (Statement, *Error) {
	p.i++
	drop := &Drop{}
	var ok bool
	if drop.Type, ok = p.sourceType(); !ok {
		what := p.peek()
		if what.kind != tokenWord {
			return nil, p.wanted("STREAM or TABLE")
		}
		return p.other("DROP " + what.text), nil
	}
	drop.IfExists = p.take("IF", "EXISTS")
	var err *Error
	drop.Name, err = p.name("the name of the " + strings.ToLower(drop.Type))
	drop.DeleteTopic = p.take("DELETE", "TOPIC")
	return drop, err
}

func (p *parser) alter() (Statement, *Error) {
	p.i++
	alter := &Alter{}
	var ok bool
	if alter.Type, ok = p.sourceType(); !ok {
		if p.peek().kind != tokenWord {
			return nil, p.wanted("STREAM or TABLE")
		}
		return p.other("ALTER " + p.peek().text), nil
	}
	var err *Error
	if alter.Name, err = p.name("the name of the " + strings.ToLower(alter.Type)); err != nil {
		return nil, err
	}
	for {
		if err := p.need("ADD"); err != nil {
			return nil, err
		}
		p.take("COLUMN")
		column, err := p.column(0)
		if err != nil {
			return nil, err
		}
		alter.Add = append(alter.Add, column)
		if !p.take(",") {
			return alter, nil
		}
	}
}

func (p *parser) insert() (Statement, *Error) {
	p.i++
	if err := p.need("INTO"); err != nil {
		return nil, err
	}
	insert := &Insert{}
	var err *Error
	if insert.Into, err = p.name("the name of a stream"); err != nil {
		return nil, err
	}
	if p.take("WITH") {
		if _, err := p.properties(); err != nil {
			return nil, err
		}
	}
	if !p.peek().is("SELECT") {
		return p.other("INSERT INTO … VALUES"), nil
	}
	insert.Query, err = p.query()
	return insert, err
}

func (p *parser) control() (Statement, *Error) {
	control := &Control{Verb: p.advance().text}
	if p.take("ALL") {
		return control, nil
	}
	p.take("QUERY")
	var err *Error
	control.Query, err = p.name("the id of a query, or ALL")
	return control, err
}

func (p *parser) look() (Statement, *Error) {
	look := &Look{Verb: p.advance().text}
	if p.stops() {
		return nil, p.wanted("what to " + look.Verb)
	}
	if look.Verb == "DESCRIBE" {
		p.take("EXTENDED")
		first := p.peek()
		several := first.is("STREAMS") || first.is("TABLES") || first.is("FUNCTION") || first.is("CONNECTOR")
		if !several && first.identifier() {
			look.Name = first.text
		}
	}
	for !p.stops() {
		p.i++
	}
	return look, nil
}
