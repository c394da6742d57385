package seed

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	strTag       = "!!str"
	intTag       = "!!int"
	floatTag     = "!!float"
	boolTag      = "!!bool"
	nullTag      = "!!null"
	timestampTag = "!!timestamp"
	mapTag       = "!!map"
	seqTag       = "!!seq"
	mergeTag     = "!!merge"
)

// syntaxError is where and why a document is no YAML or JSON. Line and column
// count from 1 within the document.
type syntaxError struct {
	line, column    int
	problem, remedy string
}

func (e *syntaxError) Error() string { return e.problem }

// splitYAML cuts a stream at its document markers. Markers stand at the
// beginning of a line and nowhere inside a document, not even inside a block of
// text (YAML 1.2.2, 9.1.2), so a document that cannot be read does not hide
// those behind it.
func splitYAML(s string) []chunk {
	var chunks []chunk
	start, startLine := 0, 1
	preamble := true // nothing but comments and directives since start
	cut := func(end, line int) {
		if end > start {
			chunks = append(chunks, chunk{start: start, end: end, line: startLine, column: 1})
		}
		start, startLine, preamble = end, line, true
	}
	line := 1
	for i := 0; i < len(s); {
		next := nextLine(s, i)
		switch {
		case marker(s[i:next], "---"):
			if !preamble {
				cut(i, line)
			}
			preamble = false
		case marker(s[i:next], "..."):
			cut(next, line+1)
		case preamble && s[i] != '%' && s[i] != '#' && strings.TrimSpace(s[i:next]) != "":
			preamble = false
		}
		i = next
		line++
	}
	cut(len(s), line)
	return chunks
}

func marker(line, mark string) bool {
	rest, ok := strings.CutPrefix(line, mark)
	return ok && (rest == "" || strings.TrimLeft(rest, " \t\r\n\u0085\u2028\u2029") != rest)
}

// parseYAML reads one document. read is how many bytes the parser had seen when
// it stopped.
func parseYAML(s string) (root *yaml.Node, read int, err error) {
	// The parser panics where it distrusts itself; a seed must never end the
	// process.
	defer func() {
		if p := recover(); p != nil {
			root, err = nil, errors.New("the YAML parser gave up on this document")
		}
	}()
	source := &feeder{rest: s}
	decoder := yaml.NewDecoder(source)
	var document yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, source.read, nil
	case err != nil:
		return nil, source.read, err
	}
	var more yaml.Node
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("yaml: did not find expected <document start>")
		}
		return nil, source.read, err
	}
	if document.Kind != yaml.DocumentNode || len(document.Content) == 0 {
		return nil, source.read, nil
	}
	root = document.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == nullTag && root.Style == 0 {
		return nil, source.read, nil
	}
	return root, source.read, nil
}

// feeder hands out a text. In careful mode it does so line by line, which shows
// how far the parser has come.
type feeder struct {
	rest    string
	read    int
	careful bool
}

func (f *feeder) Read(p []byte) (int, error) {
	if f.rest == "" {
		return 0, io.EOF
	}
	part := f.rest
	if f.careful {
		part = part[:nextLine(part, 0)]
	}
	n := copy(p, part)
	f.rest = f.rest[n:]
	f.read += n
	return n, nil
}

// syntax turns an error of the parser into the best position that can be had.
// The parser names one line, for its own errors that of the enclosing
// construct, or none, so the line is found by asking which part of the document
// still parses.
func syntax(s string, err error) *syntaxError {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	lower := 1
	if m := lineNumber.FindStringSubmatch(message); m != nil {
		lower, _ = strconv.Atoi(m[1])
		message = message[len(m[0]):]
	}
	fault := &syntaxError{problem: "not YAML: " + message}
	if m := unknownAnchor.FindStringSubmatch(message); m != nil {
		fault.problem = "unknown anchor " + m[1]
		fault.remedy = "an anchor (&" + m[1] + ") must stand before its alias in the same document"
		fault.line, fault.column = lineAndColumn(s, max(strings.Index(s, "*"+m[1]), 0))
		return fault
	}
	fault.line = brokenLine(s, lower)
	start := offsetOf(s, fault.line, 1)
	line := s[start:nextLine(s, start)]
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	if tab := strings.IndexByte(indent, '\t'); tab >= 0 {
		fault.problem, fault.remedy = "a tab in the indentation", "YAML wants spaces there"
		fault.column = tab + 1
		return fault
	}
	fault.column = len(indent) + 1
	fault.remedy = hints[message]
	return fault
}

var (
	lineNumber    = regexp.MustCompile(`^line (\d+): `)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// hints are remedies for what people run into most.
var hints = map[string]string{
	"mapping values are not allowed in this context":        "check the indentation, and quote text that contains a colon",
	"did not find expected key":                             "check the indentation of this line and of the one above",
	"did not find expected '-' indicator":                   "check the indentation of this line and of the one above",
	"could not find expected ':'":                           "write key: value, with a space behind the colon",
	"found unexpected end of stream":                        "close the quotation mark or bracket that begins here",
	"found unexpected document indicator":                   "close the quotation mark that begins here",
	"did not find expected ',' or ']'":                      "close the bracket, or put a comma between the items",
	"did not find expected ',' or '}'":                      "close the brace, or put a comma between the fields; quote text that begins with a brace",
	"found character that cannot start any token":           "quote the text, or indent with spaces",
	"found unknown escape character":                        "in double quotes a backslash is written twice",
	"did not find expected <document start>":                "begin each document with a line ---",
	"did not find expected alphabetic or numeric character": "quote text that begins with * or &",
}

// brokenLine is the line where the document stops being YAML: the first behind
// the longest part that parses. The search is bounded, as each step parses the
// document; it falls back to lower, the line that the parser named.
func brokenLine(s string, lower int) int {
	source := &feeder{rest: s, careful: true}
	drain(source)
	upper, _ := lineAndColumn(s, max(source.read-1, 0))
	steps := min(64, 4<<20/(len(s)+1))
	for line := upper; line > lower && steps > 0; line, steps = line-1, steps-1 {
		if _, _, err := parseYAML(s[:offsetOf(s, line, 1)]); err == nil {
			return line
		}
	}
	return min(lower, upper)
}

// drain parses what source holds for the sake of how far it gets.
func drain(source *feeder) {
	defer func() { _ = recover() }() // see parseYAML
	decoder := yaml.NewDecoder(source)
	for {
		var node yaml.Node
		if decoder.Decode(&node) != nil {
			return
		}
	}
}

// lineAndColumn is the inverse of offsetOf.
func lineAndColumn(s string, offset int) (line, column int) {
	line = 1
	start := 0
	for i := 0; i < offset; {
		next := nextLine(s, i)
		if next > offset || next == len(s) && parserBreakBefore(s) == 0 {
			break
		}
		start, i = next, next
		line++
	}
	return line, len([]rune(s[start:max(offset, start)])) + 1
}

func parserBreakBefore(s string) int {
	for _, b := range []string{"\n", "\r", "\u0085", "\u2028", "\u2029"} {
		if strings.HasSuffix(s, b) {
			return len(b)
		}
	}
	return 0
}

// notText is the first byte that no YAML or JSON file may contain, -1 if there
// is none.
func notText(s []byte) int {
	return bytes.IndexFunc(s, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7F
	})
}
