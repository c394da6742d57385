package openapi

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// direction says which way a value travels: read-only fields are required in
// answers and not looked at in requests.
type direction bool

const (
	toServer   direction = true
	fromServer direction = false
)

// checker walks one value along its schema.
type checker struct {
	direction direction
	// closed refuses fields that the schema does not name.
	closed   bool
	at       trail
	problems []Problem
}

func newChecker(d direction, closed bool) checker {
	return checker{direction: d, closed: closed, at: make(trail, 0, 8)}
}

// field and item go one step down, up goes back.
func (c *checker) field(name string) { c.at = append(c.at, step{key: name, index: -1}) }
func (c *checker) item(i int)        { c.at = append(c.at, step{index: i}) }
func (c *checker) up()               { c.at = c.at[:len(c.at)-1] }

func (c *checker) full() bool { return len(c.problems) >= maxProblems }

func (c *checker) report(expected, got, hint string) {
	if !c.full() {
		c.problems = append(c.problems, Problem{Path: c.at.path(), Expected: expected, Got: got, Hint: hint})
	}
}

func (c *checker) check(s *schema, v any) {
	switch {
	case c.full() || s.free():
		return
	case s.branches != nil:
		c.union(s, v)
		return
	case s.alternatives != nil:
		c.alternatives(s, v)
		return
	}
	// x is v as what it is; v itself is handed on, since a string that became an
	// interface again would cost an allocation.
	switch x := v.(type) {
	case nil:
		if s.types&typeNull == 0 && s.types != 0 {
			c.report(s.phrase, "null", "")
			return
		}
	case bool:
		if !c.permits(s, typeBoolean, v) {
			return
		}
	case string:
		if c.permits(s, typeString, v) {
			c.text(s, x, v)
		}
		return
	case []any:
		if c.permits(s, typeArray, v) {
			c.array(s, x)
		}
		return
	case map[string]any:
		if c.permits(s, typeObject, v) {
			c.object(s, x)
		}
		return
	default:
		n, ok := decimalOf(v)
		if !ok {
			c.report(s.phrase, got(v, s.secret), "")
			return
		}
		if !c.number(s, n, v) {
			return
		}
	}
	c.enum(s, v)
}

// permits reports whether the schema allows the type, and the problem if not.
func (c *checker) permits(s *schema, t valueType, v any) bool {
	if s.types == 0 || s.types&t != 0 {
		return true
	}
	hint := ""
	if text, ok := v.(string); ok {
		_, isNumber := parseDecimal(text)
		_, notBool := strconv.ParseBool(text)
		if s.types&typeInteger != 0 && isNumber || s.types&typeBoolean != 0 && notBool == nil {
			hint = "remove the quotes"
		}
	} else if t == typeBoolean && s.types&typeString != 0 {
		hint = "put it in quotes"
	}
	c.report(c.expected(s), got(v, s.secret), hint)
	return false
}

// expected says what the schema wants, as precisely as one phrase can.
func (c *checker) expected(s *schema) string {
	switch {
	case len(s.enumText) == 1:
		return strconv.Quote(s.enumText[0])
	case s.enumText != nil:
		return "one of " + strings.Join(s.enumText, ", ")
	case s.phrase == "":
		return "a value"
	}
	return s.phrase
}

func (c *checker) enum(s *schema, v any) {
	if s.enum == nil {
		return
	}
	if text, ok := v.(string); ok && s.enumText != nil {
		if !slices.Contains(s.enumText, text) {
			c.report(c.expected(s), got(v, s.secret), didYouMean(nearest(text, s.enumText)))
		}
		return
	}
	want := canonicalValue(v)
	for _, one := range s.enum {
		if string(canonicalValue(one)) == string(want) {
			return
		}
	}
	c.report("one of "+string(canonicalValue(s.enum)), got(v, s.secret), "")
}

func didYouMean(near string) string {
	if near == "" {
		return ""
	}
	return "did you mean " + near + "?"
}

func (c *checker) number(s *schema, n decimal, v any) bool {
	if s.types != 0 && s.types&(typeInteger|typeNumber) == 0 {
		hint := ""
		if s.types&typeString != 0 {
			hint = "put it in quotes"
		}
		c.report(c.expected(s), got(v, s.secret), hint)
		return false
	}
	if s.types&typeInteger != 0 && s.types&typeNumber == 0 {
		bits := 0
		switch s.format {
		case "int32":
			bits = 32
		case "int64":
			bits = 64
		}
		if !n.isInteger() || bits != 0 && !n.fits(bits) {
			expected := "an integer"
			if bits != 0 {
				expected = fmt.Sprintf("an integer of %d bits", bits)
			}
			c.report(expected, got(v, s.secret), "")
			return false
		}
	}
	if s.minimum != nil {
		if order := n.compare(*s.minimum); order < 0 || order == 0 && s.exclusiveMin {
			c.report("a number "+bound("at least", "above", s.exclusiveMin, *s.minimum), got(v, s.secret), "")
			return false
		}
	}
	if s.maximum != nil {
		if order := n.compare(*s.maximum); order > 0 || order == 0 && s.exclusiveMax {
			c.report("a number "+bound("at most", "below", s.exclusiveMax, *s.maximum), got(v, s.secret), "")
			return false
		}
	}
	return true
}

func bound(inclusive, exclusive string, isExclusive bool, n decimal) string {
	if isExclusive {
		return exclusive + " " + n.String()
	}
	return inclusive + " " + n.String()
}

func (c *checker) text(s *schema, text string, v any) {
	if s.minLength != nil || s.maxLength != nil {
		length := utf8.RuneCountInString(text)
		if s.minLength != nil && length < *s.minLength {
			c.report("text of at least "+counted(*s.minLength, "character"), got(v, s.secret), "")
			return
		}
		if s.maxLength != nil && length > *s.maxLength {
			c.report("text of at most "+counted(*s.maxLength, "character"), got(v, s.secret), "")
			return
		}
	}
	if s.pattern != nil && !s.pattern.MatchString(text) {
		expected := "text matching " + s.pattern.String()
		if s.title != "" {
			expected = s.title + " (" + s.pattern.String() + ")"
		}
		c.report(expected, got(v, s.secret), "")
		return
	}
	if expected := formatExpected(s.format, text); expected != "" {
		c.report(expected, got(v, s.secret), "")
		return
	}
	c.enum(s, v)
}

var uuidText = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)

// formatExpected returns what the format wants when the text is not of it. Only
// the formats of the documents are known; others say nothing.
func formatExpected(format, v string) string {
	switch format {
	case "date-time":
		if _, err := time.Parse(time.RFC3339Nano, v); err != nil {
			return "a time such as 2026-01-31T12:00:00Z (RFC 3339)"
		}
	case "uuid":
		if !uuidText.MatchString(v) {
			return "a UUID such as 1c2d3e4f-0000-4000-8000-000000000001"
		}
	case "go-duration":
		if _, err := time.ParseDuration(v); err != nil {
			return `a duration such as "90s", "15m" or "1h30m"`
		}
	}
	return ""
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

func (c *checker) array(s *schema, v []any) {
	if s.minItems != nil && len(v) < *s.minItems {
		c.report("at least "+counted(*s.minItems, "item"), counted(len(v), "item"), "")
		return
	}
	if s.maxItems != nil && len(v) > *s.maxItems {
		c.report("at most "+counted(*s.maxItems, "item"), counted(len(v), "item"), "")
		return
	}
	before := len(c.problems)
	for i, item := range v {
		c.item(i)
		c.check(s.items, item)
		c.up()
	}
	// Broken items would only confuse the comparison.
	if s.unique && before == len(c.problems) {
		c.distinct(v)
	}
}

// fewItems is up to how many texts are compared pair by pair; it needs no memory.
const fewItems = 16

func (c *checker) distinct(v []any) {
	if len(v) < 2 {
		return
	}
	repeated := func(i, first int) {
		c.item(i)
		c.report("items that differ from each other", fmt.Sprintf("the same as item %d", first), "remove one of the two")
		c.up()
	}
	if _, isText := v[0].(string); isText && len(v) <= fewItems {
		for i := range v {
			for j := range i {
				a, aIsText := v[i].(string)
				b, bIsText := v[j].(string)
				if aIsText && bIsText && a == b {
					repeated(i, j)
					break
				}
			}
		}
		return
	}
	seen := make(map[string]int, len(v))
	var buffer []byte
	for i, item := range v {
		// As JSON values, which is what uniqueItems means: an empty list and none differ.
		buffer = appendCanonical(buffer[:0], nil, item)
		if first, ok := seen[string(buffer)]; ok {
			repeated(i, first)
			continue
		}
		seen[string(buffer)] = i
	}
}

func (c *checker) object(s *schema, v map[string]any) {
	for _, name := range s.required {
		if _, present := v[name]; present {
			continue
		}
		field := s.fields[name]
		if field.readOnly && c.direction == toServer {
			continue
		}
		c.field(name)
		c.report(c.wanted(field)+" (required)", "nothing", "")
		c.up()
	}
	known := 0
	for _, name := range s.names {
		value, present := v[name]
		if !present {
			continue
		}
		known++
		field := s.fields[name]
		if c.direction == toServer && (field.readOnly || value == nil && !slices.Contains(s.required, name)) {
			continue
		}
		c.field(name)
		c.check(field, value)
		c.up()
	}
	if known == len(v) || s.values.free() && (s.open || !c.closed) {
		return
	}
	others := make([]string, 0, len(v)-known)
	for name := range v {
		if s.fields[name] == nil {
			others = append(others, name)
		}
	}
	slices.Sort(others)
	for _, name := range others {
		if c.full() {
			break
		}
		c.field(name)
		if s.values != nil {
			c.check(s.values, v[name])
		} else {
			c.unknown(s, name, v)
		}
		c.up()
	}
}

func (c *checker) unknown(s *schema, name string, v map[string]any) {
	// A field that is already there cannot be the one that was meant.
	var missing []string
	for _, known := range s.names {
		if _, present := v[known]; !present && !s.fields[known].readOnly {
			missing = append(missing, known)
		}
	}
	near := nearest(name, missing)
	if near == "" {
		near = nearest(name, s.names)
	}
	expected := "no field of this name (known are " + strings.Join(s.names, ", ") + ")"
	if len(s.names) == 0 {
		expected = "no field here"
	}
	c.report(expected, "an unknown field", didYouMean(near))
}

// wanted is expected for a field that may be a union.
func (c *checker) wanted(s *schema) string {
	if s.branches != nil {
		return "an object"
	}
	return c.expected(s)
}

// union checks a value against the branch that its discriminator names.
func (c *checker) union(s *schema, v any) {
	obj, ok := v.(map[string]any)
	if !ok {
		c.report("an object", got(v, s.secret), "")
		return
	}
	tag, present := obj[s.discriminator]
	text, _ := tag.(string)
	if branch := s.branches[text]; branch != nil {
		c.check(branch, v)
		return
	}
	expected := "one of " + strings.Join(s.branchNames, ", ")
	c.field(s.discriminator)
	if present {
		c.report(expected, got(tag, false), didYouMean(nearest(text, s.branchNames)))
	} else {
		c.report(expected+" (required)", "nothing", "")
	}
	c.up()
}

// alternatives accepts what any branch accepts; otherwise it reports against the
// branch that comes nearest.
func (c *checker) alternatives(s *schema, v any) {
	var best []Problem
	for i, branch := range s.alternatives {
		try := checker{direction: c.direction, closed: c.closed, at: c.at}
		try.check(branch, v)
		if len(try.problems) == 0 {
			return
		}
		if i == 0 || len(try.problems) < len(best) {
			best = try.problems
		}
	}
	for _, p := range best {
		if !c.full() {
			c.problems = append(c.problems, p)
		}
	}
}
