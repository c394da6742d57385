package seed

import (
	"fmt"
	"strings"
	"testing"
)

// TestAdversaries: texts that are made to cost much give a fault, not a dead
// process, and what they allocate stays in proportion to what they are.
func TestAdversaries(t *testing.T) {
	const n = 50_000
	for name, content := range map[string]string{
		"brackets":        strings.Repeat("[", n),
		"braces":          strings.Repeat("{a: ", n),
		"question marks":  strings.Repeat("? ", n),
		"dashes":          strings.Repeat("- ", n),
		"indentation":     indented(2_000),
		"colons":          strings.Repeat(":", n) + strings.Repeat(" :", n),
		"anchors":         strings.Repeat("&a ", n),
		"aliases":         "a: &a x\nb: [" + strings.Repeat("*a, ", n) + "]",
		"tags":            strings.Repeat("!!str ", n),
		"quotes":          strings.Repeat("\"a\" ", n),
		"open quote":      "a: \"" + strings.Repeat("b\n", n),
		"comments":        strings.Repeat("#\n", n) + "a: [",
		"documents":       strings.Repeat("---\n", n) + "a",
		"broken ones":     strings.Repeat("---\na: [\n", 2_000),
		"directives":      strings.Repeat("%YAML 1.1\n", n),
		"merges":          merges(24),
		"JSON brackets":   strings.Repeat("[", n),
		"JSON braces":     strings.Repeat(`{"a":`, n),
		"JSON key twice":  "{" + strings.Repeat(`"a":1,`, n) + `"a":1}`,
		"keys":            strings.Repeat("k: v\n", 20_000),
		"long flow":       "{" + strings.Repeat("a, ", n) + "}",
		"folded":          "a: >\n" + strings.Repeat(" b\n\n", n) + "c",
		"tabs":            strings.Repeat("\t", n) + "a: b",
		"carriage return": strings.Repeat("\r", n) + "a: [",
	} {
		t.Run(name, func(t *testing.T) {
			file := "f.yaml"
			if strings.HasPrefix(name, "JSON") {
				file = "f.json"
			}
			l := &loader{lookup: environment}
			if source := l.newText(file, []byte(content)); source != nil {
				l.documents(source, &folder{})
			}
			if len(l.faults) == 0 {
				t.Fatal("no fault")
			}
			for _, f := range l.faults {
				if f.Line < 1 || f.Column < 1 {
					t.Fatalf("a fault without a place: %v", f)
				}
			}
		})
	}
}

// A document that is well otherwise is refused for what its aliases would expand
// to, and for its depth, before either costs much.
func TestBombsAreRefused(t *testing.T) {
	const topic = "apiVersion: v2\nkind: Topic\nmetadata:\n  name: t\n  cluster: c\n  annotations:\n"
	bomb := topic + "    a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
	for i := range 8 {
		bomb += fmt.Sprintf("    a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i), 9), ","))
	}
	for text, want := range map[string]string{
		bomb: "aliases expand to more than 10000 values",
		topic + "    a: " + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "\n": "nested deeper than 64 levels",
	} {
		var refused error
		allocated := testing.AllocsPerRun(1, func() { _, refused = Parse([]byte(text)) })
		if refused == nil || !strings.Contains(refused.Error(), want) {
			t.Errorf("%v, want %q", refused, want)
		}
		if allocated > 200_000 {
			t.Errorf("%q: %.0f allocations", want, allocated)
		}
	}
}

func indented(depth int) string {
	var b strings.Builder
	for i := range depth {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// merges is a chain of maps each of which merges the one before twice.
func merges(length int) string {
	var b strings.Builder
	b.WriteString("m0: &m0 {a: 1}\n")
	for i := range length {
		fmt.Fprintf(&b, "m%d: &m%d {<<: [*m%d, *m%d]}\n", i+1, i+1, i, i)
	}
	return b.String()
}
