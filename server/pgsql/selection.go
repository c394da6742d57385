package pgsql

import (
	"context"
	"slices"
)

// Run answers a statement with its first rows, most of them at most. tables
// finds a table by its name, nil for none; its errors are handed on. Errors of
// the statement are *Error. It ends with ctx, and at bounds of its own.
func Run(ctx context.Context, text string, most int, tables func(name string) (*Table, error)) (*Table, error) {
	query, err := parse(text)
	if err != nil {
		return nil, err
	}
	c := &compiler{ctx: ctx, tables: tables}
	made, err := c.query(query, &scope{})
	if err != nil {
		return nil, err
	}
	rows, err := made.run(nil)
	if err != nil {
		return nil, err
	}
	return &Table{Columns: made.columns, Rows: rows[:min(most, len(rows))]}, nil
}

// selection compiles one SELECT with the ORDER BY that belongs to it.
func (c *compiler) selection(s *selection, by []ordering, within *scope) (*relation, error) {
	from, err := c.from(s.from, within)
	if err != nil {
		return nil, err
	}
	within.columns, within.noAgg = from.columns, "WHERE"
	where, err := c.condition(s.where, within)
	if err != nil {
		return nil, err
	}
	items, err := expanded(s.items, within)
	if err != nil {
		return nil, err
	}
	p := &projection{c: c, from: from, where: where, distinct: s.distinct, position: s.position}
	for i, one := range items {
		if one.as == "" {
			items[i].as = nameOf(one.value)
		}
		p.columns = append(p.columns, items[i].as)
	}
	if by, err = itemsIn(by, items, within); err != nil {
		return nil, err
	}
	inside := within
	if isGrouped(s, items, by) {
		if inside, err = p.grouping(s, items, within); err != nil {
			return nil, err
		}
		if p.having, err = c.condition(s.having, inside); err != nil {
			return nil, err
		}
	}
	values := make([]expression, len(items))
	for i, one := range items {
		values[i] = one.value
	}
	if p.items, err = c.compileAll(values, inside); err != nil {
		return nil, err
	}
	if err := p.ordering(by, values, inside); err != nil {
		return nil, err
	}
	return &relation{p.columns, p.run}, nil
}

// projection is a SELECT ready to be run.
type projection struct {
	c        *compiler
	columns  []string
	from     *source
	where    func(r *row) (bool, error)
	grouped  bool
	keys     []evaluator
	keysAt   int
	having   func(r *row) (bool, error)
	items    []evaluator
	order    *sorter
	distinct bool
	// picks are, with DISTINCT, the items that the order is by.
	picks    []int
	position int
}

// expanded writes stars out.
func expanded(items []item, s *scope) ([]item, error) {
	var all []item
	for _, one := range items {
		if !one.star {
			all = append(all, one)
			continue
		}
		found := false
		for i, ref := range s.columns {
			if one.table != "" && ref.table != one.table || one.table == "" && ref.hidden {
				continue
			}
			found = true
			all = append(all, item{value: &starred{place: place(one.at), index: i, name: ref.name}, as: ref.name})
		}
		switch {
		case found:
		case one.table != "":
			return nil, refuse(one.at, "missing FROM-clause entry for table \"%s\"", one.table)
		case len(s.columns) == 0:
			return nil, refuse(one.at, "SELECT * with no tables specified is not valid")
		}
	}
	return all, nil
}

// noName is the name of columns that nothing gives one.
const noName = "?column?"

// shortNames are the names of types as PostgreSQL keeps them.
var shortNames = map[string]string{"boolean": "bool", "bigint": "int8", "double precision": "float8", "text": "text", "json": "json"}

// nameOf is what PostgreSQL calls a column that nobody named.
func nameOf(e expression) string {
	switch e := e.(type) {
	case *column:
		return e.name
	case *starred:
		return e.name
	case *call:
		return e.name
	case *caseWhen:
		return "case"
	case *cast:
		if name := nameOf(e.value); name != noName {
			return name
		}
		return shortNames[e.target]
	case *subquery:
		if e.exists {
			return "exists"
		}
		if of, ok := e.query.body.(*selection); ok && !of.items[0].star {
			if of.items[0].as != "" {
				return of.items[0].as
			}
			return nameOf(of.items[0].value)
		}
	}
	return noName
}

// itemsIn puts the items in the place of their numbers and names in an ORDER BY.
func itemsIn(by []ordering, items []item, within *scope) ([]ordering, error) {
	by = slices.Clone(by)
	for i, one := range by {
		switch e := one.value.(type) {
		case *literal:
			n, ok := e.value.(int64)
			if !ok {
				return nil, refuse(e.at(), "non-integer constant in ORDER BY")
			}
			if n < 1 || n > int64(len(items)) {
				return nil, refuse(e.at(), "ORDER BY position %d is not in select list", n)
			}
			by[i].value = items[n-1].value
		case *column:
			if e.table != "" {
				continue
			}
			found := -1
			for k, item := range items {
				if item.as != e.name {
					continue
				}
				if found >= 0 && !within.same(items[found].value, item.value) {
					return nil, refuse(e.at(), "ORDER BY \"%s\" is ambiguous", e.name)
				}
				found = k
			}
			if found >= 0 {
				by[i].value = items[found].value
			}
		}
	}
	return by, nil
}

// same says whether two expressions are the same, as in SELECT *, id.
func (s *scope) same(a, b expression) bool {
	text := s.canonical(a)
	return text != "" && text == s.canonical(b)
}

func isGrouped(s *selection, items []item, by []ordering) bool {
	return len(s.group) > 0 || s.having != nil ||
		slices.ContainsFunc(items, func(one item) bool { return hasAggregate(one.value) }) ||
		slices.ContainsFunc(by, func(one ordering) bool { return hasAggregate(one.value) })
}

// grouping compiles GROUP BY, whose members may be numbers or names of items,
// and returns the scope of what is computed for each group.
func (p *projection) grouping(s *selection, items []item, within *scope) (*scope, error) {
	plain := within.beside()
	plain.columns, plain.noAgg = within.columns, "GROUP BY"
	inside := within.beside()
	inside.columns, inside.grouped = within.columns, map[string]int{}
	p.grouped = true
	for i, one := range s.group {
		switch e := one.(type) {
		case *literal:
			n, ok := e.value.(int64)
			if !ok {
				return nil, refuse(e.at(), "non-integer constant in GROUP BY")
			}
			if n < 1 || n > int64(len(items)) {
				return nil, refuse(e.at(), "GROUP BY position %d is not in select list", n)
			}
			one = items[n-1].value
		case *column:
			// A column of the tables counts more than the name of an item.
			if _, _, err := plain.find(e); err == nil || e.table != "" {
				break
			}
			if at := slices.IndexFunc(items, func(one item) bool { return one.as == e.name }); at >= 0 {
				one = items[at].value
			}
		}
		eval, err := p.c.compile(one, plain)
		if err != nil {
			return nil, err
		}
		p.keys = append(p.keys, eval)
		p.keysAt = one.at()
		if text := plain.canonical(one); text != "" {
			inside.grouped[text] = i
		}
	}
	return inside, nil
}

func (p *projection) ordering(by []ordering, values []expression, inside *scope) error {
	var err error
	if p.order, err = p.c.sorting(by, inside); err != nil || !p.distinct {
		return err
	}
	for _, one := range by {
		at := slices.IndexFunc(values, func(item expression) bool { return item == one.value || inside.same(item, one.value) })
		if at < 0 {
			return refuse(one.value.at(), "for SELECT DISTINCT, ORDER BY expressions must appear in select list")
		}
		p.picks = append(p.picks, at)
	}
	return nil
}

func (p *projection) run(outer *row) ([][]Value, error) {
	// Counted even where there are no rows: queries of WITH may use each other.
	if err := p.c.step(); err != nil {
		return nil, err
	}
	rows, err := p.rows(outer)
	if err != nil {
		return nil, err
	}
	var results, keys [][]Value
	seen := map[string]bool{}
	for _, one := range rows {
		values, err := evaluateAll(p.items, one)
		if err != nil {
			return nil, err
		}
		if p.distinct {
			text, err := key(p.position, values)
			if err != nil {
				return nil, err
			}
			if seen[text] {
				continue
			}
			seen[text] = true
		}
		if err := p.c.hold(values); err != nil {
			return nil, err
		}
		results = append(results, values)
		if p.order == nil {
			continue
		}
		by, err := p.sortKey(one, values)
		if err != nil {
			return nil, err
		}
		keys = append(keys, by)
	}
	if p.order == nil {
		return results, nil
	}
	return p.order.arrange(results, keys)
}

func (p *projection) sortKey(r *row, values []Value) ([]Value, error) {
	if !p.distinct {
		return evaluateAll(p.order.eval, r)
	}
	by := make([]Value, len(p.picks))
	for i, at := range p.picks {
		by[i] = values[at]
	}
	return by, nil
}

// rows are those that WHERE lets through, or one for each group that HAVING does.
func (p *projection) rows(outer *row) ([]*row, error) {
	all, err := p.from.run(outer)
	if err != nil {
		return nil, err
	}
	var rows []*row
	for _, values := range all {
		if err := p.c.step(); err != nil {
			return nil, err
		}
		one := &row{values: values, outer: outer}
		keep, err := p.where(one)
		if err != nil {
			return nil, err
		}
		if keep {
			rows = append(rows, one)
		}
	}
	if !p.grouped {
		return rows, nil
	}
	groups, err := p.groups(rows, outer)
	if err != nil {
		return nil, err
	}
	kept := groups[:0]
	for _, one := range groups {
		keep, err := p.having(one)
		if err != nil {
			return nil, err
		}
		if keep {
			kept = append(kept, one)
		}
	}
	return kept, nil
}

// groups are in the order in which their first rows come.
func (p *projection) groups(rows []*row, outer *row) ([]*row, error) {
	if len(p.keys) == 0 {
		whole := &row{outer: outer}
		for _, one := range rows {
			whole.group = append(whole.group, one.values)
		}
		return []*row{whole}, nil
	}
	byKey := map[string]*row{}
	var groups []*row
	for _, one := range rows {
		keys, err := evaluateAll(p.keys, one)
		if err != nil {
			return nil, err
		}
		text, err := key(p.keysAt, keys)
		if err != nil {
			return nil, err
		}
		group := byKey[text]
		if group == nil {
			group = &row{outer: outer, keys: keys}
			byKey[text] = group
			groups = append(groups, group)
			if err := p.c.hold(keys); err != nil {
				return nil, err
			}
		}
		group.group = append(group.group, one.values)
	}
	return groups, nil
}

// hasAggregate says whether an expression has an aggregate that is not inside a
// subquery.
func hasAggregate(e expression) bool {
	if one, ok := e.(*call); ok && isAggregate(one.name) {
		return true
	}
	return slices.ContainsFunc(parts(e), hasAggregate)
}

// parts are the expressions that an expression is made of.
func parts(e expression) []expression {
	var list []expression
	switch e := e.(type) {
	case *unary:
		list = []expression{e.value}
	case *binary:
		list = []expression{e.left, e.right}
	case *isTest:
		list = []expression{e.value}
	case *between:
		list = []expression{e.value, e.low, e.high}
	case *inList:
		list = append([]expression{e.value}, e.list...)
	case *like:
		list = []expression{e.value, e.pattern, e.escape}
	case *caseWhen:
		list = slices.Concat([]expression{e.value, e.otherwise}, e.when, e.then)
	case *cast:
		list = []expression{e.value}
	case *call:
		list = e.args
	}
	return slices.DeleteFunc(slices.Clone(list), func(one expression) bool { return one == nil })
}
