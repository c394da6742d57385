// Package glob matches paths as the filters of the journal and the rules of
// faults write them.
package glob

import (
	"errors"
	"regexp"
	"strings"
)

// Pattern is a path with wildcards: * stands for any text within one segment, **
// for any text at all, slashes included. The zero value matches every path.
type Pattern struct {
	text string
	find *regexp.Regexp // nil: text is to be equal
}

// maxPattern bounds the text of a pattern, in bytes.
const maxPattern = 512

// Parse reads a pattern. It must begin with a slash or a wildcard.
func Parse(text string) (Pattern, error) {
	switch {
	case text == "":
		return Pattern{}, nil
	case len(text) > maxPattern:
		return Pattern{}, errors.New("a pattern of at most 512 bytes")
	case text[0] != '/' && text[0] != '*':
		return Pattern{}, errors.New("a path that begins with / or *, such as /public/kafka/** (* within a segment, ** across)")
	case !strings.Contains(text, "*"):
		return Pattern{text: text}, nil
	}
	var expression strings.Builder
	expression.WriteString(`\A(?s:`)
	for i := 0; i < len(text); {
		next := strings.IndexByte(text[i:], '*')
		if next < 0 {
			expression.WriteString(regexp.QuoteMeta(text[i:]))
			break
		}
		expression.WriteString(regexp.QuoteMeta(text[i : i+next]))
		i += next
		if strings.HasPrefix(text[i:], "**") {
			expression.WriteString(".*")
		} else {
			expression.WriteString("[^/]*")
		}
		for i < len(text) && text[i] == '*' {
			i++
		}
	}
	expression.WriteString(`)\z`)
	find, err := regexp.Compile(expression.String())
	if err != nil {
		return Pattern{}, errors.New("a path that is UTF-8 text")
	}
	return Pattern{text: text, find: find}, nil
}

// consolePrefix may stand before every path of the Console.
const consolePrefix = "/api"

// Match tells whether a path fits. Since clients use the Console with and
// without /api, a path fits too when it does without that.
func (p Pattern) Match(path string) bool {
	if p.text == "" || p.fits(path) {
		return true
	}
	rest, found := strings.CutPrefix(path, consolePrefix)
	return found && strings.HasPrefix(rest, "/") && p.fits(rest)
}

func (p Pattern) fits(path string) bool {
	if p.find == nil {
		return p.text == path
	}
	return p.find.MatchString(path)
}

// String is the pattern as it was written.
func (p Pattern) String() string { return p.text }
