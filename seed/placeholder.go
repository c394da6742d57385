package seed

import (
	"regexp"
	"strings"
)

// placeholder is what the Conduktor CLI expands in the text of a file, before
// it is read as YAML: ${VAR} and ${VAR:-default}; $${…} stands for the literal
// ${…} (conduktor/ctl, pkg/resource). Unlike there a placeholder ends with its
// line, so that a stray "${" cannot swallow what follows.
var placeholder = regexp.MustCompile(`\$?\$\{[^}\r\n]+\}`)

// expand puts the values of the environment into the text. As with the CLI's
// strict mode, its default, a variable that is unset or empty needs a default
// that is not empty.
func (t *text) expand(lookup func(string) (string, bool)) []Fault {
	t.expanded = t.original
	if !strings.Contains(t.original, "${") {
		return nil
	}
	var faults []Fault
	var b strings.Builder
	last := 0
	for _, match := range placeholder.FindAllStringIndex(t.original, -1) {
		from, to := match[0], match[1]
		value, ok := resolve(t.original[from:to], lookup)
		if !ok {
			name, _, _ := strings.Cut(t.original[from+2:to-1], ":-")
			faults = append(faults, Fault{
				Position: t.originalPosition(from),
				Problem:  "the environment variable " + name + " is not set or empty",
				Remedy:   "set it, give a default as ${" + name + ":-value}, or write $${" + name + "} where the text itself is meant",
			})
		}
		b.WriteString(t.original[last:from])
		at := b.Len()
		b.WriteString(value)
		t.swaps = append(t.swaps, swap{at: at, end: b.Len(), from: from, to: to})
		last = to
	}
	b.WriteString(t.original[last:])
	t.expanded = b.String()
	return faults
}

func resolve(match string, lookup func(string) (string, bool)) (string, bool) {
	if literal, ok := strings.CutPrefix(match, "$$"); ok {
		return "$" + literal, true
	}
	name, fallback, _ := strings.Cut(match[2:len(match)-1], ":-")
	if value, _ := lookup(name); value != "" {
		return value, true
	}
	return fallback, fallback != ""
}

// escapePlaceholders is the inverse of expand for a text without placeholders.
func escapePlaceholders(s string) string {
	return bare.ReplaceAllString(s, "$$$0")
}

var bare = regexp.MustCompile(`\$\{[^}\r\n]+\}`)
