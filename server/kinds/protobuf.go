package kinds

import (
	"fmt"
	"strings"
)

// checkProtobuf says what is wrong with the form of a .proto text, as far as its
// tokens show: strings and comments that do not end, brackets that do not match,
// statements without their end, and no definition at all. Field numbers, types
// and imports are not looked at.
func checkProtobuf(source string) string {
	p := protoScanner{source: source, line: 1}
	return p.scan()
}

type protoScanner struct {
	source  string
	at      int
	line    int
	open    []protoBracket
	words   []string // of the statement under way
	defined bool
}

type protoBracket struct {
	bracket byte
	line    int
	value   bool // holds the value of an option, not statements
}

var protoClosing = map[byte]byte{'}': '{', ')': '(', ']': '['}

func (p *protoScanner) scan() string {
	for p.at < len(p.source) {
		switch c := p.source[p.at]; {
		case c == '\n':
			p.line++
			p.at++
		case strings.HasPrefix(p.source[p.at:], "//"):
			p.skipTo("\n")
		case strings.HasPrefix(p.source[p.at:], "/*"):
			line := p.line
			if !p.skipTo("*/") {
				return fmt.Sprintf("line %d: the comment has no end", line)
			}
			p.at += len("*/")
		case c == '"' || c == '\'':
			if wrong := p.text(c); wrong != "" {
				return wrong
			}
		case c == '{' || c == '(' || c == '[':
			p.opening(c)
		case protoClosing[c] != 0:
			if wrong := p.close(c); wrong != "" {
				return wrong
			}
		case c == ';':
			p.words = p.words[:0]
			p.at++
		default:
			p.word()
		}
	}
	switch {
	case len(p.open) > 0:
		last := p.open[len(p.open)-1]
		return fmt.Sprintf("line %d: the %q is never closed", last.line, last.bracket)
	case len(p.words) > 0:
		return fmt.Sprintf("line %d: expected ';' after %q", p.line, strings.Join(p.words, " "))
	case !p.defined:
		return "it defines no message, enum or service"
	}
	return ""
}

// skipTo moves to the next occurrence, or the end.
func (p *protoScanner) skipTo(end string) bool {
	length := strings.Index(p.source[p.at:], end)
	found := length >= 0
	if !found {
		length = len(p.source) - p.at
	}
	p.line += strings.Count(p.source[p.at:p.at+length], "\n")
	p.at += length
	return found
}

func (p *protoScanner) text(quote byte) string {
	for p.at++; p.at < len(p.source) && p.source[p.at] != '\n'; p.at++ {
		switch p.source[p.at] {
		case '\\':
			p.at++
		case quote:
			p.at++
			p.words = append(p.words, "text")
			return ""
		}
	}
	return fmt.Sprintf("line %d: the text has no end", p.line)
}

func (p *protoScanner) opening(bracket byte) {
	p.at++
	last := ""
	if len(p.words) > 0 {
		last = p.words[len(p.words)-1]
	}
	value := bracket == '[' || strings.HasSuffix(last, "=") || len(p.open) > 0 && p.open[len(p.open)-1].value
	p.open = append(p.open, protoBracket{bracket, p.line, value})
	if bracket != '{' || value {
		return
	}
	if len(p.words) >= 2 && (p.words[0] == "message" || p.words[0] == "enum" || p.words[0] == "service") {
		p.defined = true
	}
	p.words = p.words[:0]
}

func (p *protoScanner) close(bracket byte) string {
	if len(p.open) == 0 || p.open[len(p.open)-1].bracket != protoClosing[bracket] {
		return fmt.Sprintf("line %d: nothing is open that %q would close", p.line, bracket)
	}
	closed := p.open[len(p.open)-1]
	p.open = p.open[:len(p.open)-1]
	p.at++
	if bracket == '}' && !closed.value && len(p.words) > 0 {
		return fmt.Sprintf("line %d: expected ';' after %q", p.line, strings.Join(p.words, " "))
	}
	return ""
}

func (p *protoScanner) word() {
	start := p.at
	for p.at < len(p.source) && !strings.ContainsRune(" \t\r\n\"'{}()[];/", rune(p.source[p.at])) {
		p.at++
	}
	if p.at == start {
		p.at++ // a space, or a lone slash
		return
	}
	p.words = append(p.words, p.source[start:p.at])
}
