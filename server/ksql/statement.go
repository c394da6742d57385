package ksql

// Statement is one statement: a pointer to one of the types below.
type Statement interface {
	// Text is the statement as it was written, with its semicolon.
	Text() string
	write(text string)
}

type written struct{ text string }

func (w *written) Text() string { return w.text }

func (w *written) write(text string) { w.text = text }

// The types of source.
const (
	Stream = "STREAM"
	Table  = "TABLE"
)

// Create is CREATE STREAM or CREATE TABLE, with columns or AS SELECT.
type Create struct {
	written
	Type        string // Stream or Table
	Name        string
	Replace     bool
	IfNotExists bool
	Columns     []Column
	Properties  map[string]string // of WITH, by name in capitals
	Query       *Query            // nil without AS SELECT
}

// Column is one column of a source.
type Column struct {
	Name string
	Type Type
	Key  string // "", KEY, PRIMARY KEY or HEADERS
}

// Type is a data type by its canonical name; Fields are those of a STRUCT.
type Type struct {
	Name   string
	Fields []Column
}

// Query is a SELECT.
type Query struct {
	Items      []Item
	From       []Source // what it reads, the joined ones too
	Window     string   // TUMBLING, HOPPING, SESSION or ""
	Aggregates bool     // it has GROUP BY, so its result is a table
}

// Source is a stream or table that a query reads.
type Source struct{ Name, Alias string }

// Item is one element of the select list.
type Item struct {
	Star   bool
	From   string // name or alias of the source, "" if none is named
	Column string // "" for an expression
	As     string
	Count  bool // COUNT(…), whose type needs no knowledge of the rest
}

// Insert is INSERT INTO … SELECT.
type Insert struct {
	written
	Into  string
	Query *Query
}

// Drop is DROP STREAM or DROP TABLE.
type Drop struct {
	written
	Type        string
	Name        string
	IfExists    bool
	DeleteTopic bool
}

// Alter is ALTER STREAM or ALTER TABLE, which adds columns.
type Alter struct {
	written
	Type string
	Name string
	Add  []Column
}

// Control is TERMINATE, PAUSE or RESUME of one query or of all.
type Control struct {
	written
	Verb  string
	Query string // "" for ALL
}

// Look is a statement that changes nothing by itself, such as LIST, DESCRIBE or
// SET. Name is the source of a DESCRIBE, otherwise "".
type Look struct {
	written
	Verb string
	Name string
}

// Select is a SELECT by itself, whose rows somebody wants.
type Select struct {
	written
	Query *Query
}

// Other is a statement that only a ksqlDB server can carry out.
type Other struct {
	written
	Verb string // such as PRINT or CREATE CONNECTOR
}
