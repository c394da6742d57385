// Package ksql reads as much of ksqlDB's language as is needed to know what a
// statement does to the streams, tables and queries of a ksqlDB cluster: its
// head, its columns, what it reads and where it writes. Expressions are left as
// they are; nothing here evaluates one.
//
// The grammar is that of ksqlDB 0.29 (ksqlDB developer guide, syntax reference).
package ksql

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Error says what in a text is no statement, and where.
type Error struct {
	Line, Column int // from 1
	Message      string
}

func (e *Error) Error() string {
	return fmt.Sprintf("line %d:%d: %s", e.Line, e.Column, e.Message)
}

type tokenKind int

const (
	tokenEnd    tokenKind = iota
	tokenWord             // a keyword, or an identifier without quotes, in capitals
	tokenName             // an identifier in quotes, as it is
	tokenString           // the contents of a '…' literal
	tokenNumber
	tokenSign // one character, or one of <= >= <> != -> := ||
)

type token struct {
	kind       tokenKind
	text       string
	start, end int // bytes in the text
}

// is says whether the token is a keyword or a sign.
func (t token) is(text string) bool {
	return (t.kind == tokenWord || t.kind == tokenSign) && t.text == text
}

// identifier says whether the token can name something.
func (t token) identifier() bool { return t.kind == tokenWord || t.kind == tokenName }

func (t token) String() string {
	switch t.kind {
	case tokenEnd:
		return "the end"
	case tokenString:
		return "'" + t.text + "'"
	case tokenName:
		return "`" + t.text + "`"
	}
	return t.text
}

// scanner cuts a text into tokens, without comments.
type scanner struct {
	text string
	at   int
}

func (s *scanner) fail(at int, format string, args ...any) *Error {
	line := 1 + strings.Count(s.text[:at], "\n")
	column := 1 + utf8.RuneCountInString(s.text[strings.LastIndexByte(s.text[:at], '\n')+1:at])
	return &Error{Line: line, Column: column, Message: fmt.Sprintf(format, args...)}
}

func (s *scanner) skip() *Error {
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
			end := strings.Index(rest, "*/")
			if end < 0 {
				return s.fail(s.at, "a comment that does not end")
			}
			s.at += end + len("*/")
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

func isWordStart(r rune) bool { return r == '_' || r == '@' || unicode.IsLetter(r) }

func isWordPart(r rune) bool { return isWordStart(r) || unicode.IsDigit(r) }

// signs of more than one character, the longest first.
var signs = []string{"<=", ">=", "<>", "!=", "->", ":=", "||"}

func (s *scanner) next() (token, *Error) {
	if err := s.skip(); err != nil {
		return token{}, err
	}
	start := s.at
	if start == len(s.text) {
		return token{kind: tokenEnd, start: start, end: start}, nil
	}
	first, size := utf8.DecodeRuneInString(s.text[start:])
	switch {
	case first == '\'':
		return s.quoted(tokenString, '\'')
	case first == '`', first == '"':
		return s.quoted(tokenName, byte(first))
	case isWordStart(first):
		s.while(isWordPart)
		return token{tokenWord, strings.ToUpper(s.text[start:s.at]), start, s.at}, nil
	case unicode.IsDigit(first):
		s.while(func(r rune) bool { return isWordPart(r) || r == '.' })
		return token{tokenNumber, s.text[start:s.at], start, s.at}, nil
	case first == utf8.RuneError && size <= 1:
		return token{}, s.fail(start, "text that is not UTF-8")
	}
	for _, sign := range signs {
		if strings.HasPrefix(s.text[start:], sign) {
			size = len(sign)
			break
		}
	}
	s.at += size
	return token{tokenSign, s.text[start:s.at], start, s.at}, nil
}

func (s *scanner) while(part func(rune) bool) {
	for s.at < len(s.text) {
		r, size := utf8.DecodeRuneInString(s.text[s.at:])
		if !part(r) {
			return
		}
		s.at += size
	}
}

// quoted reads what stands between quotes; a quote is doubled inside.
func (s *scanner) quoted(kind tokenKind, quote byte) (token, *Error) {
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
		if kind == tokenName && text.Len() == 0 {
			return token{}, s.fail(start, "a name without a character")
		}
		return token{kind, text.String(), start, s.at}, nil
	}
	return token{}, s.fail(start, "a text in %c that does not end", quote)
}
