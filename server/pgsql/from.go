package pgsql

import (
	"fmt"
	"slices"
)

// source is what stands in FROM, ready to be read.
type source struct {
	columns []columnRef
	run     func(outer *row) ([][]Value, error)
}

// from joins what stands between commas; without a FROM there is one empty row.
func (c *compiler) from(refs []tableRef, within *scope) (*source, error) {
	if len(refs) == 0 {
		return &source{run: func(*row) ([][]Value, error) { return [][]Value{{}}, nil }}, nil
	}
	names := map[string]bool{}
	all, err := c.source(refs[0], within, names)
	if err != nil {
		return nil, err
	}
	for _, ref := range refs[1:] {
		next, err := c.source(ref, within, names)
		if err != nil {
			return nil, err
		}
		all = c.joined(all, next, "cross", func(*row) (bool, error) { return true, nil })
	}
	return all, nil
}

func (c *compiler) source(ref tableRef, within *scope, names map[string]bool) (*source, error) {
	switch ref := ref.(type) {
	case *named:
		made, err := c.named(ref, within)
		if err != nil {
			return nil, err
		}
		return aliased(made, ref.alias, ref.columns, ref.position, names)
	case *derived:
		made, err := c.query(ref.query, within.beside())
		if err != nil {
			return nil, err
		}
		return aliased(made, ref.alias, ref.columns, ref.position, names)
	case *join:
		left, err := c.source(ref.left, within, names)
		if err != nil {
			return nil, err
		}
		right, err := c.source(ref.right, within, names)
		if err != nil {
			return nil, err
		}
		return c.join(ref, left, right, within)
	}
	return nil, fmt.Errorf("FROM with a %T", ref)
}

func (c *compiler) named(ref *named, within *scope) (*relation, error) {
	if found, depth := within.cte(ref.name); found != nil {
		return &relation{found.columns, func(outer *row) ([][]Value, error) { return found.run(outer.up(depth)) }}, nil
	}
	table, err := c.tables(ref.name)
	if err != nil {
		return nil, err
	}
	if table == nil {
		return nil, refuse(ref.position, "relation \"%s\" does not exist", ref.name)
	}
	return &relation{table.Columns, func(*row) ([][]Value, error) { return table.Rows, nil }}, nil
}

func aliased(made *relation, alias string, names []string, position int, taken map[string]bool) (*source, error) {
	if alias != "" {
		if taken[alias] {
			return nil, refuse(position, "table name \"%s\" specified more than once", alias)
		}
		taken[alias] = true
	}
	columns, err := renamed(made.columns, names, alias, position)
	if err != nil {
		return nil, err
	}
	s := &source{run: made.run}
	for _, name := range columns {
		s.columns = append(s.columns, columnRef{table: alias, name: name})
	}
	return s, nil
}

// condition compiles what must be true; nil is always.
func (c *compiler) condition(e expression, s *scope) (func(r *row) (bool, error), error) {
	if e == nil {
		return func(*row) (bool, error) { return true, nil }, nil
	}
	eval, err := c.compile(e, s)
	if err != nil {
		return nil, err
	}
	where := s.noAgg
	if where == "" {
		where = "HAVING"
	}
	return func(r *row) (bool, error) {
		value, err := eval(r)
		if err != nil {
			return false, err
		}
		truth, _, err := boolean(e.at(), where, value)
		return truth, err
	}, nil
}

func (c *compiler) join(ref *join, left, right *source, within *scope) (*source, error) {
	if ref.using != nil {
		return c.using(ref, left, right)
	}
	both := within.beside()
	both.columns = append(slices.Clone(left.columns), right.columns...)
	both.noAgg = "JOIN conditions"
	on, err := c.condition(ref.on, both)
	if err != nil {
		return nil, err
	}
	return c.joined(left, right, ref.sort, on), nil
}

// using joins by columns of the same names, which become one each, in front.
func (c *compiler) using(ref *join, left, right *source) (*source, error) {
	width := len(left.columns)
	var pairs [][2]int
	var merged []columnRef
	columns := append(slices.Clone(left.columns), right.columns...)
	for _, name := range ref.using {
		var pair [2]int
		for side, from := range []*source{left, right} {
			_, index, err := (&scope{columns: from.columns}).find(&column{place: place(ref.position), name: name})
			if err != nil {
				return nil, refuse(ref.position, "column \"%s\" specified in USING clause does not exist, or is there twice, in one of the tables", name)
			}
			pair[side] = index + side*width
			columns[pair[side]].hidden = true
		}
		pairs = append(pairs, pair)
		merged = append(merged, columnRef{name: name})
	}
	joined := c.joined(left, right, ref.sort, func(r *row) (bool, error) {
		for _, pair := range pairs {
			a, b := r.values[pair[0]], r.values[pair[1]]
			if a == nil || b == nil {
				return false, nil
			}
			order, err := compare(ref.position, "=", a, b)
			if err != nil || order != 0 {
				return false, err
			}
		}
		return true, nil
	})
	return &source{append(merged, columns...), func(outer *row) ([][]Value, error) {
		rows, err := joined.run(outer)
		if err != nil {
			return nil, err
		}
		whole := make([][]Value, len(rows))
		for i, values := range rows {
			one := make([]Value, 0, len(pairs)+len(values))
			for _, pair := range pairs {
				value := values[pair[0]]
				if value == nil {
					value = values[pair[1]]
				}
				one = append(one, value)
			}
			whole[i] = append(one, values...)
			if err := c.hold(whole[i]); err != nil {
				return nil, err
			}
		}
		return whole, nil
	}}, nil
}

// joined pairs every row of the left with every one of the right.
func (c *compiler) joined(left, right *source, sort string, on func(r *row) (bool, error)) *source {
	columns := append(slices.Clone(left.columns), right.columns...)
	return &source{columns, func(outer *row) ([][]Value, error) {
		first, err := left.run(outer)
		if err != nil {
			return nil, err
		}
		second, err := right.run(outer)
		if err != nil {
			return nil, err
		}
		var rows [][]Value
		add := func(a, b []Value) error {
			values := make([]Value, 0, len(columns))
			values = append(append(values, a...), b...)
			rows = append(rows, values)
			return c.hold(values)
		}
		matched := make([]bool, len(second))
		noLeft, noRight := make([]Value, len(left.columns)), make([]Value, len(right.columns))
		pair := make([]Value, 0, len(columns))
		for _, a := range first {
			found := false
			for i, b := range second {
				if err := c.step(); err != nil {
					return nil, err
				}
				pair = append(append(pair[:0], a...), b...)
				match, err := on(&row{values: pair, outer: outer})
				if err != nil {
					return nil, err
				}
				if !match {
					continue
				}
				found, matched[i] = true, true
				if err := add(a, b); err != nil {
					return nil, err
				}
			}
			if !found && (sort == "left" || sort == "full") {
				if err := add(a, noRight); err != nil {
					return nil, err
				}
			}
		}
		if sort != "right" && sort != "full" {
			return rows, nil
		}
		for i, b := range second {
			if !matched[i] {
				if err := add(noLeft, b); err != nil {
					return nil, err
				}
			}
		}
		return rows, nil
	}}
}
