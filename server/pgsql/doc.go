// Package pgsql answers SELECT statements over tables in memory, in the dialect
// of PostgreSQL, which is what Conduktor Console's SQL runs on (Console
// documentation, configure SQL).
//
// It reads one statement: SELECT with joins, subqueries, WITH, GROUP BY, HAVING,
// DISTINCT, UNION, INTERSECT, EXCEPT, ORDER BY, LIMIT and OFFSET, with the usual
// operators, the functions listed in function.go and aggregates. What it does not
// know it refuses by name. Window functions, times and dates, LATERAL and
// recursion are among that.
//
// It differs from PostgreSQL in these ways. Values have types, expressions have
// not: a fault of types shows when the first row is computed. Numbers with a
// fraction, and averages, are double precision. Texts are ordered by their bytes
// (collation "C"). Patterns of ~ and its kin are RE2's.
package pgsql

import "fmt"

// Error refuses a statement. Its text is of the form of PostgreSQL's.
type Error struct {
	Message  string
	Position int // byte in the statement, from 1; 0 if there is none
}

func (e *Error) Error() string {
	if e.Position == 0 {
		return e.Message
	}
	return fmt.Sprintf("%s (position %d)", e.Message, e.Position)
}

func refuse(position int, format string, args ...any) error {
	return &Error{Message: fmt.Sprintf(format, args...), Position: position}
}

// Table is a relation: a name for each column and, in each row, a value for each.
type Table struct {
	Columns []string
	Rows    [][]Value
}

// Value is nil (NULL), bool, int64, float64, string or JSON.
type Value any

// JSON is a value of type json: what encoding/json decodes into any, with
// numbers as json.Number.
type JSON struct{ Value any }
