// Package regex compiles regular expressions that clients bring. RE2 takes time
// that grows with the text alone, but what it takes for each character grows with
// the expression, and counted repeats multiply: a few letters can ask for
// millions of states.
package regex

import (
	"fmt"
	"regexp"
	"regexp/syntax"
)

// Bounds of one expression, far above what names are matched with.
const (
	MaxBytes = 4 << 10 // of its text
	maxSize  = 5000    // characters and classes once repeats are written out
)

// Compile compiles an expression in RE2 syntax; too large ones are an error.
func Compile(text string) (*regexp.Regexp, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("the expression is longer than %d bytes", MaxBytes)
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	if size(parsed) > maxSize {
		return nil, fmt.Errorf("the expression asks for more than %d characters once its repeats are written out: use + or * in place of counts", maxSize)
	}
	return regexp.Compile(text)
}

// size is how large an expression is with its repeats written out; what is over
// maxSize is not counted on.
func size(e *syntax.Regexp) int {
	n := 1
	if e.Op == syntax.OpLiteral {
		n = len(e.Rune)
	}
	for _, sub := range e.Sub {
		if n += size(sub); n > maxSize {
			return n
		}
	}
	if e.Op == syntax.OpRepeat {
		n *= max(e.Min, e.Max, 1)
	}
	return n
}
