package seed

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestExpand(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"plain $ text } {", "plain $ text } {"},
		{"a ${SET} b", "a 3 b"},
		{"${SET}${SET}", "33"},
		{"${UNSET:-fallback}", "fallback"},
		{"${EMPTY:-fallback}", "fallback"},
		{"${SET:-fallback}", "3"},
		{"${UNSET:-a:-b}", "a:-b"},
		{"${UNSET:-http://localhost:8080/?a=b c}", "http://localhost:8080/?a=b c"},
		{"$${SET}", "${SET}"},
		{"$$${SET}", "$${SET}"},
		{"$${file:/etc/secrets:password}", "${file:/etc/secrets:password}"},
		{"$SET", "$SET"},
		{"${}", "${}"},
		{"${\nSET}", "${\nSET}"},
		{"${SET", "${SET"},
	} {
		source := &text{file: "f", original: c.text}
		if faults := source.expand(environment); len(faults) > 0 {
			t.Errorf("%q: %v", c.text, Faults(faults))
		}
		if source.expanded != c.want {
			t.Errorf("%q: got %q, want %q", c.text, source.expanded, c.want)
		}
	}
}

// TestExpandUndoesEscape: any text survives escaping and expanding.
func TestExpandUndoesEscape(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.SampledFrom([]string{"$", "{", "}", "a", ":-", "\n", "${", "$${", " "})).Draw(t, "parts")
		want := strings.Join(parts, "")
		source := &text{original: escapePlaceholders(want)}
		if faults := source.expand(func(string) (string, bool) { return "wrong", true }); len(faults) > 0 {
			t.Fatal(Faults(faults))
		}
		if source.expanded != want {
			t.Fatalf("%q became %q by way of %q", want, source.expanded, source.original)
		}
	})
}

// TestPositionsUnderPlaceholders: whatever placeholders do to the text, each
// byte outside of them keeps its place.
func TestPositionsUnderPlaceholders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOf(rapid.SampledFrom([]string{
			"${LONG}", "${TWO_LINES}", "${UNSET:-x}", "$${SET}", "@", "@\n", "ü", "\r\n", "@\r", "  ",
		})).Draw(t, "pieces")
		source := &text{file: "f", original: strings.Join(pieces, "")}
		if faults := source.expand(environment); len(faults) > 0 {
			t.Fatal(Faults(faults))
		}
		var want []Position
		for i := range source.original {
			if source.original[i] == '@' {
				want = append(want, source.originalPosition(i))
			}
		}
		whole := chunk{end: len(source.expanded), line: 1, column: 1}
		var got []Position
		for i := range source.expanded {
			if source.expanded[i] == '@' {
				line, column := lineAndColumn(source.expanded, i)
				got = append(got, source.position(whole, line, column))
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%d marks became %d", len(want), len(got))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%q: mark %d at %v, want %v", source.original, i, got[i], want[i])
			}
		}
	})
}
