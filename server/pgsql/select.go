package pgsql

import (
	"fmt"
	"maps"
	"slices"
)

// query compiles a statement in a scope of its own, which within becomes.
func (c *compiler) query(q *statement, within *scope) (*relation, error) {
	named := map[string]bool{}
	for _, one := range q.with {
		if named[one.name] {
			return nil, refuse(one.position, "WITH query name \"%s\" specified more than once", one.name)
		}
		named[one.name] = true
		made, err := c.query(one.query, within.beside())
		if err != nil {
			return nil, err
		}
		if made.columns, err = renamed(made.columns, one.columns, one.name, one.position); err != nil {
			return nil, err
		}
		ctes := maps.Clone(within.ctes)
		if ctes == nil {
			ctes = map[string]*relation{}
		}
		ctes[one.name] = made
		within.ctes = ctes
	}
	made, err := c.ordered(q, within)
	if err != nil {
		return nil, err
	}
	return c.limited(made, q, within)
}

// beside is a scope with the same queries around it and the same WITH.
func (s *scope) beside() *scope { return &scope{outer: s.outer, ctes: s.ctes} }

// renamed gives the first columns other names.
func renamed(columns, names []string, what string, position int) ([]string, error) {
	if len(names) > len(columns) {
		return nil, refuse(position, "table \"%s\" has %d columns available but %d columns specified", what, len(columns), len(names))
	}
	return append(slices.Clone(names), columns[len(names):]...), nil
}

func (c *compiler) ordered(q *statement, within *scope) (*relation, error) {
	if s, ok := q.body.(*selection); ok {
		return c.selection(s, q.order, within)
	}
	made, err := c.combined(q.body, within)
	if err != nil || len(q.order) == 0 {
		return made, err
	}
	// After UNION and its kin only columns of the result can be named.
	columns := make([]columnRef, len(made.columns))
	for i, name := range made.columns {
		columns[i].name = name
	}
	counted, err := ordinals(q.order, made.columns)
	if err != nil {
		return nil, err
	}
	by, err := c.sorting(counted, &scope{columns: columns, outer: within.outer, ctes: within.ctes, noAgg: "ORDER BY of a UNION"})
	if err != nil {
		return nil, err
	}
	return &relation{made.columns, func(outer *row) ([][]Value, error) {
		rows, err := made.run(outer)
		if err != nil {
			return nil, err
		}
		keys := make([][]Value, len(rows))
		for i, values := range rows {
			if keys[i], err = evaluateAll(by.eval, &row{values: values, outer: outer}); err != nil {
				return nil, err
			}
		}
		return by.arrange(rows, keys)
	}}, nil
}

// ordinals turns whole numbers in an ORDER BY into the columns that they count.
func ordinals(by []ordering, columns []string) ([]ordering, error) {
	by = slices.Clone(by)
	for i, one := range by {
		if number, ok := one.value.(*literal); ok {
			n, ok := number.value.(int64)
			if !ok || n < 1 || n > int64(len(columns)) {
				return nil, refuse(number.at(), "ORDER BY position %s is not in select list", text(number.value))
			}
			by[i].value = &starred{place: number.place, index: int(n - 1), name: columns[n-1]}
		}
	}
	return by, nil
}

func (s *sorter) arrange(rows, keys [][]Value) ([][]Value, error) {
	order, err := s.order(keys)
	if err != nil {
		return nil, err
	}
	arranged := make([][]Value, len(rows))
	for i, from := range order {
		arranged[i] = rows[from]
	}
	return arranged, nil
}

func evaluateAll(list []evaluator, r *row) ([]Value, error) {
	values := make([]Value, len(list))
	for i, one := range list {
		var err error
		if values[i], err = one(r); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func (c *compiler) limited(made *relation, q *statement, within *scope) (*relation, error) {
	if q.limit == nil && q.offset == nil {
		return made, nil
	}
	bare := within.beside()
	bare.noAgg = "LIMIT"
	parts := []struct {
		what  string
		value expression
		eval  evaluator
	}{{"LIMIT", q.limit, nil}, {"OFFSET", q.offset, nil}}
	for i := range parts {
		if parts[i].value == nil {
			continue
		}
		var err error
		if parts[i].eval, err = c.compile(parts[i].value, bare); err != nil {
			return nil, err
		}
	}
	return &relation{made.columns, func(outer *row) ([][]Value, error) {
		bounds := []int{-1, 0}
		for i, part := range parts {
			if part.eval == nil {
				continue
			}
			value, err := part.eval(&row{outer: outer})
			if err != nil {
				return nil, err
			}
			if value == nil {
				continue // no limit
			}
			if bounds[i], err = whole(part.value.at(), part.what, value); err != nil {
				return nil, err
			}
		}
		rows, err := made.run(outer)
		if err != nil {
			return nil, err
		}
		rows = rows[min(bounds[1], len(rows)):]
		if bounds[0] >= 0 {
			rows = rows[:min(bounds[0], len(rows))]
		}
		return rows, nil
	}}, nil
}

func (c *compiler) combined(b body, within *scope) (*relation, error) {
	switch b := b.(type) {
	case *selection:
		return c.selection(b, nil, within.beside())
	case *statement:
		return c.query(b, within.beside())
	case *combination:
		left, err := c.combined(b.left, within)
		if err != nil {
			return nil, err
		}
		right, err := c.combined(b.right, within)
		if err != nil {
			return nil, err
		}
		if len(left.columns) != len(right.columns) {
			return nil, refuse(b.position, "each %s query must have the same number of columns", b.operator)
		}
		return &relation{left.columns, func(outer *row) ([][]Value, error) {
			first, err := left.run(outer)
			if err != nil {
				return nil, err
			}
			second, err := right.run(outer)
			if err != nil {
				return nil, err
			}
			return c.combine(b, first, second)
		}}, nil
	}
	return nil, fmt.Errorf("query of type %T", b)
}

// combine counts equal rows on both sides, as the standard defines the six.
func (c *compiler) combine(b *combination, first, second [][]Value) ([][]Value, error) {
	if b.operator == "union" && b.all {
		return append(slices.Clone(first), second...), nil
	}
	counts := map[string]int{}
	seen := map[string]bool{}
	var result [][]Value
	keep := func(rows [][]Value, wanted func(key string) bool) error {
		for _, values := range rows {
			if err := c.step(); err != nil {
				return err
			}
			text, err := key(b.position, values)
			if err != nil {
				return err
			}
			if wanted(text) && (b.all || !seen[text]) {
				seen[text] = true
				result = append(result, values)
			}
		}
		return nil
	}
	if b.operator == "union" {
		all := func(string) bool { return true }
		if err := keep(first, all); err != nil {
			return nil, err
		}
		err := keep(second, all)
		return result, err
	}
	for _, values := range second {
		text, err := key(b.position, values)
		if err != nil {
			return nil, err
		}
		counts[text]++
	}
	err := keep(first, func(text string) bool {
		there := counts[text] > 0
		if b.all && there {
			counts[text]--
		}
		return there == (b.operator == "intersect")
	})
	return result, err
}
