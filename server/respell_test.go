package server_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// choices are the bytes of a fuzzed input, taken one after the other; 0 for ever
// behind their end.
type choices struct{ left []byte }

func (c *choices) byte() int {
	if len(c.left) == 0 {
		return 0
	}
	next := c.left[0]
	c.left = c.left[1:]
	return int(next)
}

func (c *choices) of(n int) int { return c.byte() % max(n, 1) }

func (c *choices) more() bool { return len(c.left) > 0 }

// respelled writes a value as JSON in one of the many ways that mean the same: the
// order of names, white space, escapes, and the notation of numbers.
func respelled(value any, c *choices) string {
	var out strings.Builder
	respell(&out, value, c)
	return out.String()
}

func respell(out *strings.Builder, value any, c *choices) {
	space := func() { out.WriteString([]string{"", " ", "\n\t", ""}[c.of(4)]) }
	space()
	switch value := value.(type) {
	case map[string]any:
		names := slices.Sorted(maps.Keys(value))
		for i := range names {
			j := i + c.of(len(names)-i)
			names[i], names[j] = names[j], names[i]
		}
		out.WriteByte('{')
		for i, name := range names {
			if i > 0 {
				out.WriteByte(',')
			}
			space()
			respellText(out, name, c)
			space()
			out.WriteByte(':')
			respell(out, value[name], c)
		}
		out.WriteByte('}')
	case []any:
		out.WriteByte('[')
		for i, item := range value {
			if i > 0 {
				out.WriteByte(',')
			}
			respell(out, item, c)
		}
		out.WriteByte(']')
	case string:
		respellText(out, value, c)
	case json.Number:
		out.WriteString(respelledNumber(string(value), c))
	default:
		encoded, err := json.Marshal(value)
		if err != nil {
			panic(err)
		}
		out.Write(encoded)
	}
	space()
}

// respellText escapes some letters that need it not.
func respellText(out *strings.Builder, text string, c *choices) {
	out.WriteByte('"')
	for _, r := range text {
		switch {
		case r < ' ' || r == '"' || r == '\\' || r < utf8.RuneSelf && c.of(8) == 1:
			fmt.Fprintf(out, `\u%04x`, r)
		case r == '/' && c.of(4) == 1:
			out.WriteString(`\/`)
		default:
			out.WriteRune(r)
		}
	}
	out.WriteByte('"')
}

// respelledNumber writes the same number otherwise.
func respelledNumber(number string, c *choices) string {
	if strings.ContainsAny(number, "eE") {
		return number
	}
	whole := !strings.Contains(number, ".")
	switch c.of(5) {
	case 1:
		if whole {
			return number + ".0"
		}
		return number + "0"
	case 2:
		return number + "e0"
	case 3:
		return number + "E+00"
	case 4:
		if whole {
			return number + "0e-1"
		}
	}
	return number
}
