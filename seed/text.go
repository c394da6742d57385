package seed

import (
	"sort"
	"strings"
	"sync"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// text is one file, with the placeholders expanded.
type text struct {
	file     string
	original string // as written, without byte order mark
	expanded string // what is parsed; original when there are no placeholders
	swaps    []swap
	json     bool
	// unpack gives expanded, and original too, where the text is kept packed; it
	// has neither placeholders nor exotic breaks.
	unpack func() string
	// exotic tells of line breaks that YAML counts and editors do not
	// (next line, line separator, paragraph separator).
	exotic bool

	index     sync.Once
	lineStart []int // byte offsets of the lines of original, as editors count them
}

// swap is one placeholder: bytes from..to of original became at..end of expanded.
type swap struct{ at, end, from, to int }

// chunk is one document of a text: bytes start..end of expanded. Line and
// column, as the parser counts them, are those of its first byte.
type chunk struct{ start, end, line, column int }

func (t *text) body(c chunk) string {
	if t.unpack != nil {
		return t.unpack()[c.start:c.end]
	}
	return t.expanded[c.start:c.end]
}

// parse gives the syntax tree of one document; nil when the document is empty.
func (t *text) parse(c chunk) (*yaml.Node, error) {
	if t.json {
		return parseJSON(t.body(c))
	}
	root, _, err := parseYAML(t.body(c))
	return root, err
}

// position is where line and column (from 1, counted within the document by
// the parser) are in the file as its author sees it.
func (t *text) position(c chunk, line, column int) Position {
	if len(t.swaps) == 0 && !t.exotic {
		if line == 1 {
			column += c.column - 1
		}
		return Position{File: t.file, Line: c.line + line - 1, Column: column}
	}
	return t.positionAt(c.start + offsetOf(t.body(c), line, column))
}

// positionAt is the place in the file of a byte offset in the expanded text.
func (t *text) positionAt(offset int) Position {
	return t.originalPosition(t.originalOffset(offset))
}

func (t *text) originalPosition(offset int) Position {
	offset = min(offset, len(t.original))
	t.index.Do(func() {
		t.lineStart = []int{0}
		for i := 0; i < len(t.original); {
			width := editorBreak(t.original, i)
			if width == 0 {
				i++
				continue
			}
			i += width
			t.lineStart = append(t.lineStart, i)
		}
	})
	line := sort.SearchInts(t.lineStart, offset+1)
	column := utf8.RuneCountInString(t.original[t.lineStart[line-1]:offset]) + 1
	return Position{File: t.file, Line: line, Column: column}
}

// originalOffset undoes the placeholders: what a placeholder produced is where
// the placeholder begins.
func (t *text) originalOffset(offset int) int {
	i := sort.Search(len(t.swaps), func(i int) bool { return t.swaps[i].at > offset }) - 1
	if i < 0 {
		return offset
	}
	s := t.swaps[i]
	if offset < s.end {
		return s.from
	}
	return s.to + offset - s.end
}

// offsetOf is the byte offset in s of a line and column as the parser counts
// them, both from 1.
func offsetOf(s string, line, column int) int {
	i := 0
	for ; line > 1 && i < len(s); line-- {
		i = nextLine(s, i)
	}
	for ; column > 1 && i < len(s); column-- {
		_, width := utf8.DecodeRuneInString(s[i:])
		i += width
	}
	return i
}

// nextLine is the offset behind the line that i is in.
func nextLine(s string, i int) int {
	for i < len(s) {
		if width := parserBreak(s, i); width > 0 {
			return i + width
		}
		i++
	}
	return i
}

// parserBreak is the width of a line break at i as YAML 1.1 has it (section
// 5.4), 0 if there is none.
func parserBreak(s string, i int) int {
	switch s[i] {
	case '\n', '\r':
		return editorBreak(s, i)
	case 0xC2:
		if strings.HasPrefix(s[i:], "\u0085") {
			return 2
		}
	case 0xE2:
		if strings.HasPrefix(s[i:], "\u2028") || strings.HasPrefix(s[i:], "\u2029") {
			return 3
		}
	}
	return 0
}

// editorBreak is the width of a line break at i as editors have it.
func editorBreak(s string, i int) int {
	switch s[i] {
	case '\n':
		return 1
	case '\r':
		if i+1 < len(s) && s[i+1] == '\n' {
			return 2
		}
		return 1
	}
	return 0
}
