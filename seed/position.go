package seed

import "strconv"

// Position is a place in a seed. Line and Column count from 1, columns in
// characters; a zero Line means the file as a whole, a zero Column the line.
type Position struct {
	File         string
	Line, Column int
}

// String is file:line:column, shortened to what is known.
func (p Position) String() string {
	s := p.File
	if p.Line > 0 {
		s += ":" + strconv.Itoa(p.Line)
		if p.Column > 0 {
			s += ":" + strconv.Itoa(p.Column)
		}
	}
	return s
}
