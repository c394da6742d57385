// Package limits names the bounds of what clients can make the server hold or
// read. Each has a name, a default far above what a test suite or a demo needs,
// and words for the error that tells of it.
package limits

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Limits are the bounds of one server. A field that is 0 has its default. Bounds
// of a world count in each sandbox anew.
type Limits struct {
	Connections int // open at once
	URL         int // bytes of a request's path and query
	Headers     int // bytes of a request's header fields
	Parameters  int // of one query or form
	Body        int // bytes of a JSON body
	Form        int // bytes of a form at the identity provider
	Seed        int // bytes of a seed that is sent to /_mock
	Depth       int // of nested arrays and objects in JSON
	Page        int // rows of one page of a list

	Sessions int // sign-ins and logins of a world
	Grants   int // authorization codes and refresh tokens of a world
	Pending  int // sign-in pages that wait, in a world
	Devices  int // device codes of a world
	Pushed   int // pushed authorization requests of a world
	Tokens   int // notes of tokens in a world: seen, revoked, not to be used twice
	State    int // bytes of all of these in a world
	Users    int // users of a world that were made by their first sign-in
	Clients  int // clients of a world that registered themselves

	Snapshots   int // of a world
	Journal     int // bytes of what a world's journal keeps
	Subscribers int // of a world's journal, those that wait included
	Sandboxes   int
}

// limit is one bound as it is written.
type limit struct {
	name    string
	field   func(*Limits) *int
	usual   int
	bytes   bool
	subject string // of a sentence: what there may be no more of
}

// all are in the order in which they are shown.
var all = []limit{
	{"connections", func(l *Limits) *int { return &l.Connections }, 4096, false, "connections open at once"},
	{"url", func(l *Limits) *int { return &l.URL }, 64 << 10, true, "path and query of a request"},
	{"headers", func(l *Limits) *int { return &l.Headers }, 1 << 20, true, "header fields of a request"},
	{"parameters", func(l *Limits) *int { return &l.Parameters }, 1000, false, "parameters of a query or form"},
	{"body", func(l *Limits) *int { return &l.Body }, 4 << 20, true, "a JSON body"},
	{"form", func(l *Limits) *int { return &l.Form }, 64 << 10, true, "a form at the identity provider"},
	{"seed", func(l *Limits) *int { return &l.Seed }, 64 << 20, true, "a seed sent to /_mock"},
	{"depth", func(l *Limits) *int { return &l.Depth }, 64, false, "levels of nesting in JSON"},
	{"page", func(l *Limits) *int { return &l.Page }, 10_000, false, "rows of a page of a list"},
	{"sessions", func(l *Limits) *int { return &l.Sessions }, 100_000, false, "sign-ins and logins of a world (a login counts twice)"},
	{"grants", func(l *Limits) *int { return &l.Grants }, 100_000, false, "authorization codes and refresh tokens of a world"},
	{"pending", func(l *Limits) *int { return &l.Pending }, 10_000, false, "sign-in pages of a world that wait for somebody"},
	{"devices", func(l *Limits) *int { return &l.Devices }, 10_000, false, "device codes of a world"},
	{"pushed", func(l *Limits) *int { return &l.Pushed }, 10_000, false, "pushed authorization requests of a world"},
	{"tokens", func(l *Limits) *int { return &l.Tokens }, 200_000, false, "tokens that a world takes note of (seen, revoked, for one use)"},
	{"state", func(l *Limits) *int { return &l.State }, 256 << 20, true, "sign-ins, codes and notes of tokens of a world together"},
	{"users", func(l *Limits) *int { return &l.Users }, 100_000, false, "users of a world made by their first sign-in"},
	{"clients", func(l *Limits) *int { return &l.Clients }, 1000, false, "clients of a world that registered themselves"},
	{"snapshots", func(l *Limits) *int { return &l.Snapshots }, 100, false, "snapshots of a world"},
	{"journal", func(l *Limits) *int { return &l.Journal }, 32 << 20, true, "what a world's journal keeps"},
	{"subscribers", func(l *Limits) *int { return &l.Subscribers }, 2000, false, "subscribers of a world's journal, those that wait included"},
	{"sandboxes", func(l *Limits) *int { return &l.Sandboxes }, 10_000, false, "sandboxes"},
}

// Or puts defaults in the place of what is 0.
func (l Limits) Or() Limits {
	for _, one := range all {
		if field := one.field(&l); *field == 0 {
			*field = one.usual
		}
	}
	return l
}

// Set reads a limit as it is written: name=value, where a value may end in K, M
// or G for 1024 and its powers.
func (l *Limits) Set(text string) error {
	name, value, given := strings.Cut(text, "=")
	for _, one := range all {
		if one.name != strings.TrimSpace(name) {
			continue
		}
		n, ok := number(strings.TrimSpace(value))
		if !given || !ok {
			return fmt.Errorf("%q: expected %s=N with a whole number above 0, such as %s=%s", text, one.name, one.name, one.written(one.usual))
		}
		*one.field(l) = n
		return nil
	}
	return fmt.Errorf("%q: expected one of %s, and its value behind =", text, strings.Join(Names(), ", "))
}

// Check tells of a limit below zero, by its name.
func (l Limits) Check() error {
	for _, one := range all {
		if n := *one.field(&l); n < 0 {
			return fmt.Errorf("%s=%d: expected a number above 0", one.name, n)
		}
	}
	return nil
}

func number(text string) (int, bool) {
	shift := 0
	switch {
	case strings.HasSuffix(text, "K"):
		shift = 10
	case strings.HasSuffix(text, "M"):
		shift = 20
	case strings.HasSuffix(text, "G"):
		shift = 30
	}
	if shift > 0 {
		text = text[:len(text)-1]
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || n == 0 || n > (1<<40)>>shift {
		return 0, false
	}
	return int(n) << shift, true
}

// written is a value as Set reads it.
func (l limit) written(n int) string {
	if l.bytes {
		for _, unit := range []struct {
			letter string
			shift  int
		}{{"G", 30}, {"M", 20}, {"K", 10}} {
			if n >= 1<<unit.shift && n%(1<<unit.shift) == 0 {
				return strconv.Itoa(n>>unit.shift) + unit.letter
			}
		}
	}
	return strconv.Itoa(n)
}

// Names are the names of all limits.
func Names() []string {
	names := make([]string, len(all))
	for i, one := range all {
		names[i] = one.name
	}
	return names
}

// Help lists the limits with their defaults, for the command line.
func Help() string {
	list := make([]string, len(all))
	for i, one := range all {
		list[i] = one.name + "=" + one.written(one.usual)
	}
	return strings.Join(list, ", ")
}

// Explain says what was too much, in a sentence that names the limit and the
// setting that raises it.
func Explain(name string, most int) string {
	for _, one := range all {
		if one.name == name {
			unit := ""
			if one.bytes {
				unit = " bytes"
			}
			return fmt.Sprintf("more than %d%s: %s (limit %s; start the server with --limit %s=N to raise it)", most, unit, one.subject, name, name)
		}
	}
	return fmt.Sprintf("more than %d (limit %s)", most, name)
}

// SlowBody says that a body did not come in time; "" for other reasons why it
// could not be read.
func SlowBody(err error) string {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "the body did not come within the time for a request (start the server with --timeout read=DURATION to wait longer)"
	}
	return ""
}

// Deeper tells whether JSON text nests deeper than so many levels. It looks at
// brackets outside of strings only; whether the text is JSON is for who reads it.
func Deeper(text []byte, levels int) bool {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > levels {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
