package pgsql

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
)

// columnRef is a column that expressions may name.
type columnRef struct {
	table, name string
	hidden      bool // the other half of USING: only table.name finds it
}

// scope is what names mean at one place of a statement.
type scope struct {
	columns []columnRef
	outer   *scope
	ctes    map[string]*relation
	grouped map[string]int // by canonical text; nil: not grouped
	noAgg   string         // where aggregates are not allowed
	texts   map[expression]string
}

// row is one row with those of the queries around it.
type row struct {
	values []Value
	outer  *row
	keys   []Value   // of GROUP BY
	group  [][]Value // rows of the group
}

// evaluator computes an expression for a row.
type evaluator func(r *row) (Value, error)

// relation is a query ready to be run.
type relation struct {
	columns []string
	run     func(outer *row) ([][]Value, error)
}

// compiler makes evaluators out of a statement; it bounds what running them costs.
type compiler struct {
	ctx    context.Context
	tables func(name string) (*Table, error)
	steps  int
	cells  int
}

// What one statement may cost: rows looked at, and values held.
const (
	maxSteps = 2_000_000
	maxCells = 2_000_000
)

// step counts one row looked at.
func (c *compiler) step() error {
	c.steps++
	if c.steps > maxSteps {
		return refuse(0, "the statement looks at more than %d rows", maxSteps)
	}
	if c.steps%1024 == 0 && c.ctx.Err() != nil {
		return refuse(0, "canceling statement due to statement timeout")
	}
	return nil
}

// hold counts a row that is kept; long texts count more.
func (c *compiler) hold(values []Value) error {
	c.cells += len(values) + 1
	for _, value := range values {
		if text, ok := value.(string); ok {
			c.cells += len(text) / 16
		}
	}
	if c.cells > maxCells {
		return refuse(0, "the statement holds more than %d values", maxCells)
	}
	return nil
}

// find resolves a column to how many queries outward it is, and where there.
func (s *scope) find(ref *column) (depth, index int, err error) {
	tableKnown := false
	for ; s != nil; s, depth = s.outer, depth+1 {
		found := -1
		for i, one := range s.columns {
			if ref.table != "" && one.table == ref.table {
				tableKnown = true
			}
			if one.name != ref.name || ref.table != "" && one.table != ref.table || ref.table == "" && one.hidden {
				continue
			}
			if found >= 0 {
				return 0, 0, refuse(ref.at(), "column reference \"%s\" is ambiguous", ref.name)
			}
			found = i
		}
		if found >= 0 {
			return depth, found, nil
		}
	}
	switch {
	case ref.table == "":
		return 0, 0, refuse(ref.at(), "column \"%s\" does not exist", ref.name)
	case tableKnown:
		return 0, 0, refuse(ref.at(), "column %s.%s does not exist", ref.table, ref.name)
	}
	return 0, 0, refuse(ref.at(), "missing FROM-clause entry for table \"%s\"", ref.table)
}

// cte finds a query of WITH, and how many queries outward it is.
func (s *scope) cte(name string) (found *relation, depth int) {
	for ; s != nil; s, depth = s.outer, depth+1 {
		if found := s.ctes[name]; found != nil {
			return found, depth
		}
	}
	return nil, 0
}

// columnText is the canonical text of a column of the query itself.
func columnText(index int) string { return fmt.Sprintf("(column 0 %d|)", index) }

// canonical is the same text for expressions that are the same, short however
// long they are; "" if the expression cannot be compared.
func (s *scope) canonical(e expression) string {
	if text, ok := s.texts[e]; ok {
		return text
	}
	head, parts := s.parts(e)
	text := ""
	if head != "" {
		text = "(" + head + "|" + strings.Join(parts, ",") + ")"
		if len(text) > sha256.Size*2 {
			text = fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
		}
	}
	if s.texts == nil {
		s.texts = map[expression]string{}
	}
	s.texts[e] = text
	return text
}

// parts is what an expression is and the canonical texts of what it is made of;
// "" if one of them cannot be compared.
func (s *scope) parts(e expression) (string, []string) {
	var texts []string
	add := func(list ...expression) bool {
		for _, one := range list {
			text := "-"
			if one != nil {
				text = s.canonical(one)
			}
			if text == "" {
				return false
			}
			texts = append(texts, text)
		}
		return true
	}
	ok, head := true, ""
	switch e := e.(type) {
	case *literal:
		head = fmt.Sprintf("literal %T %v %t", e.value, e.value, e.unknown)
	case *column:
		depth, index, err := s.find(e)
		if err != nil {
			return "", nil
		}
		head = fmt.Sprintf("column %d %d", depth, index)
	case *starred:
		head = fmt.Sprintf("column 0 %d", e.index)
	case *unary:
		head, ok = "unary "+e.operator, add(e.value)
	case *binary:
		head, ok = "binary "+e.operator, add(e.left, e.right)
	case *isTest:
		head, ok = fmt.Sprintf("is %s %t", e.want, e.not), add(e.value)
	case *between:
		head, ok = fmt.Sprintf("between %t", e.not), add(e.value, e.low, e.high)
	case *inList:
		head, ok = fmt.Sprintf("in %t", e.not), e.query == nil && add(e.value) && add(e.list...)
	case *like:
		head, ok = fmt.Sprintf("like %t %t", e.not, e.fold), add(e.value, e.pattern, e.escape)
	case *caseWhen:
		head, ok = "case", add(e.value, e.otherwise) && add(e.when...) && add(e.then...)
	case *cast:
		head, ok = "cast "+e.target, add(e.value)
	case *call:
		ok = e.order == nil && !isAggregate(e.name) && add(e.args...)
		head = fmt.Sprintf("call %s %t", e.name, e.star)
	}
	if !ok {
		return "", nil
	}
	return head, texts
}
