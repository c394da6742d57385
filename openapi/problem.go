package openapi

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Problem is one way in which a value breaks its schema.
type Problem struct {
	// Path leads to the value from the root of what was checked, with dots
	// before fields and brackets round positions: spec.permissions[2].name. Keys
	// of a map that hold dots stand as they are (spec.configs.retention.ms). It
	// is empty for the root itself. For a query parameter it is the parameter's
	// name.
	Path string
	// Expected says what would be right, as a noun phrase.
	Expected string
	// Got says what was found; secrets are named by their type only. It may be
	// empty in problems that other packages report.
	Got string
	// Hint is a suggestion such as the nearest known name, or empty.
	Hint string
}

// String returns the problem as one sentence without a full stop.
func (p Problem) String() string {
	var b strings.Builder
	if p.Path != "" {
		b.WriteString(p.Path)
		b.WriteString(": ")
	}
	b.WriteString("expected ")
	b.WriteString(p.Expected)
	if p.Got != "" {
		b.WriteString(", got ")
		b.WriteString(p.Got)
	}
	if p.Hint != "" {
		b.WriteString("; ")
		b.WriteString(p.Hint)
	}
	return b.String()
}

// maxProblems bounds how many problems one check reports, so that a huge broken
// body cannot become a huge answer.
const maxProblems = 25

// trail is the way from the root to the value that is being looked at. It becomes
// text only when there is a problem to report.
type trail []step

// step is a field, or a position when index is not negative.
type step struct {
	key   string
	index int
}

func (t trail) path() string {
	var b []byte
	for _, s := range t {
		if s.index >= 0 {
			b = append(b, '[')
			b = strconv.AppendInt(b, int64(s.index), 10)
			b = append(b, ']')
			continue
		}
		if len(b) > 0 {
			b = append(b, '.')
		}
		b = append(b, shorten(s.key)...)
	}
	return string(b)
}

// maxShown is the longest text, in runes, that a problem repeats of a value.
const maxShown = 60

// shorten cuts what a caller sent to a length that an answer can repeat.
func shorten(text string) string {
	if len(text) <= maxShown {
		return text
	}
	runes := 0
	for i := range text {
		if runes == maxShown {
			return text[:i] + "…"
		}
		runes++
	}
	return text
}

// got describes a value that was found.
func got(v any, secret bool) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		if secret {
			return "a boolean"
		}
		return strconv.FormatBool(v)
	case string:
		if secret {
			return "a string"
		}
		if short := shorten(v); short != v {
			return strconv.Quote(strings.TrimSuffix(short, "…")) + "…"
		}
		return strconv.Quote(v)
	case []any:
		return "an array"
	case map[string]any:
		return "an object"
	}
	switch v.(type) {
	case json.Number, int, int32, int64, float64:
		if secret {
			return "a number"
		}
		return shorten(fmt.Sprint(v))
	}
	return fmt.Sprintf("a value of type %T", v)
}
