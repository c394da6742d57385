package pgsql

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind int

const (
	tokenEnd    tokenKind = iota
	tokenWord             // a keyword or an identifier without quotes, in small letters
	tokenQuoted           // an identifier in quotes, as it is
	tokenString
	tokenNumber
	tokenSign
)

type token struct {
	kind     tokenKind
	text     string
	position int // byte, from 1
}

func (t token) is(text string) bool {
	return (t.kind == tokenWord || t.kind == tokenSign) && t.text == text
}

func (t token) identifier() bool {
	return t.kind == tokenQuoted || t.kind == tokenWord && !reserved[t.text]
}

func (t token) near() string {
	switch t.kind {
	case tokenEnd:
		return "end of input"
	case tokenString:
		return `"'` + t.text + `'"`
	}
	return `"` + t.text + `"`
}

// reserved are the keywords that name nothing unless they are in quotes.
var reserved = set("all and as asc between both case cast collate cross current_date current_time current_timestamp desc distinct else end except " +
	"exists false fetch filter for from full group having ilike in inner intersect into is isnull join lateral leading left like limit " +
	"natural not notnull null offset on or order outer over right select similar some any array table then to trailing true union user using when " +
	"where window with")

func set(words string) map[string]bool {
	all := map[string]bool{}
	for _, word := range strings.Fields(words) {
		all[word] = true
	}
	return all
}

// tokenize cuts a statement into tokens, without comments; the last is the end.
func tokenize(text string) ([]token, error) {
	s := &scanner{text: text}
	var tokens []token
	for {
		if err := s.skip(); err != nil {
			return nil, err
		}
		one, err := s.next()
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, one)
		if one.kind == tokenEnd {
			return tokens, nil
		}
	}
}

type scanner struct {
	text string
	at   int
}

func (s *scanner) skip() error {
	for s.at < len(s.text) {
		rest := s.text[s.at:]
		switch {
		case strings.HasPrefix(rest, "--"):
			end := strings.IndexByte(rest, '\n')
			if end < 0 {
				end = len(rest)
			}
			s.at += end
		case strings.HasPrefix(rest, "/*"):
			if err := s.comment(); err != nil {
				return err
			}
		default:
			r, size := utf8.DecodeRuneInString(rest)
			if !unicode.IsSpace(r) {
				return nil
			}
			s.at += size
		}
	}
	return nil
}

// comment skips one in /* */, which nest in PostgreSQL.
func (s *scanner) comment() error {
	start, depth := s.at, 0
	for s.at < len(s.text) {
		switch {
		case strings.HasPrefix(s.text[s.at:], "/*"):
			depth++
			s.at += 2
		case strings.HasPrefix(s.text[s.at:], "*/"):
			depth--
			s.at += 2
			if depth == 0 {
				return nil
			}
		default:
			s.at++
		}
	}
	return refuse(start+1, "unterminated /* comment")
}

func isWordStart(r rune) bool { return r == '_' || unicode.IsLetter(r) }

func isWordPart(r rune) bool { return isWordStart(r) || r == '$' || unicode.IsDigit(r) }

var signs = []string{"->>", "#>>", "!~*", "<=", ">=", "<>", "!=", "||", "::", "->", "#>", "~*", "!~"}

func (s *scanner) next() (token, error) {
	start := s.at
	if start == len(s.text) {
		return token{tokenEnd, "", start + 1}, nil
	}
	first, size := utf8.DecodeRuneInString(s.text[start:])
	switch {
	case first == utf8.RuneError && size == 1:
		return token{}, refuse(start+1, "invalid byte sequence for encoding \"UTF8\"")
	case first == '\'':
		return s.quoted(tokenString, '\'')
	case first == '"':
		return s.quoted(tokenQuoted, '"')
	case first >= '0' && first <= '9', first == '.' && start+1 < len(s.text) && isDigit(s.text[start+1]):
		return s.number()
	case isWordStart(first):
		s.while(isWordPart)
		word := s.text[start:s.at]
		if s.at < len(s.text) && s.text[s.at] == '\'' && len(word) == 1 {
			return token{}, refuse(start+1, "strings of the form %s'…' are not supported", word)
		}
		return token{tokenWord, strings.ToLower(word), start + 1}, nil
	case first == '$':
		return token{}, refuse(start+1, "parameters and $…$ strings are not supported")
	}
	for _, sign := range signs {
		if strings.HasPrefix(s.text[start:], sign) {
			size = len(sign)
			break
		}
	}
	s.at += size
	return token{tokenSign, s.text[start:s.at], start + 1}, nil
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func (s *scanner) while(part func(rune) bool) {
	for s.at < len(s.text) {
		r, size := utf8.DecodeRuneInString(s.text[s.at:])
		if !part(r) {
			return
		}
		s.at += size
	}
}

func (s *scanner) digits() {
	for s.at < len(s.text) && isDigit(s.text[s.at]) {
		s.at++
	}
}

func (s *scanner) number() (token, error) {
	start := s.at
	s.digits()
	if s.at < len(s.text) && s.text[s.at] == '.' {
		s.at++
		s.digits()
	}
	if s.at < len(s.text) && (s.text[s.at] == 'e' || s.text[s.at] == 'E') {
		mark := s.at
		s.at++
		if s.at < len(s.text) && (s.text[s.at] == '+' || s.text[s.at] == '-') {
			s.at++
		}
		if s.at == len(s.text) || !isDigit(s.text[s.at]) {
			s.at = mark
		}
		s.digits()
	}
	if r, _ := utf8.DecodeRuneInString(s.text[s.at:]); s.at < len(s.text) && isWordPart(r) {
		return token{}, refuse(start+1, "trailing junk after numeric literal at or near \"%s\"", s.text[start:s.at]+string(r))
	}
	return token{tokenNumber, s.text[start:s.at], start + 1}, nil
}

func (s *scanner) quoted(kind tokenKind, quote byte) (token, error) {
	start := s.at
	var text strings.Builder
	for i := start + 1; i < len(s.text); i++ {
		if s.text[i] != quote {
			text.WriteByte(s.text[i])
			continue
		}
		if i+1 < len(s.text) && s.text[i+1] == quote {
			text.WriteByte(quote)
			i++
			continue
		}
		s.at = i + 1
		if kind == tokenQuoted && text.Len() == 0 {
			return token{}, refuse(start+1, "zero-length delimited identifier")
		}
		if !utf8.ValidString(text.String()) {
			return token{}, refuse(start+1, "invalid byte sequence for encoding \"UTF8\"")
		}
		return token{kind, text.String(), start + 1}, nil
	}
	if kind == tokenString {
		return token{}, refuse(start+1, "unterminated quoted string")
	}
	return token{}, refuse(start+1, "unterminated quoted identifier")
}
