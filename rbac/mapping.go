package rbac

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	"github.com/mockduktor/mockduktor/rbac/regex"
)

// MappingRule says which external groups (values of the groups claim) make
// someone a member of Target, a Group or ApplicationGroup (Console documentation,
// map external groups).
type MappingRule struct {
	Target   string
	External []string // externalGroups: exact names, case-sensitive
	// Regex is externalGroupRegex in RE2 syntax, which has neither look-around nor
	// back-references but matches in linear time. Case-sensitive. An expression
	// is searched for anywhere in the name: the product's own samples, such as
	// LDAP*, make sense only so.
	Regex []string
	// FullMatch makes every Regex match the whole name instead.
	FullMatch bool
}

// Mapped is one membership and its cause.
type Mapped struct {
	Target   string
	External string // the claim's value
	By       string // "exact" or the regular expression
}

// Mapping is a compiled list of rules; safe for concurrent use.
type Mapping struct {
	exact map[string][]string
	regex []mappingRegex
}

type mappingRegex struct {
	target, text string
	externalRegex
}

type externalRegex struct {
	compiled *regexp.Regexp
	full     bool
}

// NewMapping compiles the rules. An expression that is not valid RE2 is a problem
// with the path "[rule].externalGroupRegex[i]"; it never matches, the rest works.
func NewMapping(rules []MappingRule) (*Mapping, []Problem) {
	m := &Mapping{exact: map[string][]string{}}
	var problems []Problem
	for i, rule := range rules {
		for _, name := range rule.External {
			if !slices.Contains(m.exact[name], rule.Target) {
				m.exact[name] = append(m.exact[name], rule.Target)
			}
		}
		for j, text := range rule.Regex {
			compiled, err := compileExternal(text, rule.FullMatch)
			if err != nil {
				problems = append(problems, Problem{
					Path:   fmt.Sprintf("[%d].externalGroupRegex[%d]", i, j),
					Reason: fmt.Sprintf("%s: %v; RE2 syntax is needed (no look-around, no back-references)", rule.Target, err),
				})
				continue
			}
			m.regex = append(m.regex, mappingRegex{rule.Target, text, compiled})
		}
	}
	return m, problems
}

func compileExternal(text string, full bool) (externalRegex, error) {
	compiled, err := regex.Compile(text)
	if err != nil {
		return externalRegex{}, err
	}
	if full {
		compiled.Longest() // so that a match of the whole, if there is one, is the one found
	}
	return externalRegex{compiled, full}, nil
}

// maxExternal is the longest name that expressions are held to, in bytes; the
// names of real groups are a tenth of it.
const maxExternal = 32 << 10

func (r externalRegex) matches(name string) bool {
	if len(name) > maxExternal {
		return false
	}
	if !r.full {
		return r.compiled.MatchString(name)
	}
	at := r.compiled.FindStringIndex(name)
	return at != nil && at[0] == 0 && at[1] == len(name)
}

// Match lists the targets of the external groups in a claim, sorted, one row for
// each target: the first value of the claim that leads there, an exact name
// before an expression.
func (m *Mapping) Match(claim []string) []Mapped {
	if m == nil {
		return nil
	}
	var found []Mapped
	seen := map[string]bool{}
	add := func(target, external, by string) {
		if !seen[target] {
			seen[target] = true
			found = append(found, Mapped{target, external, by})
		}
	}
	for _, name := range claim {
		for _, target := range m.exact[name] {
			add(target, name, "exact")
		}
		for i := range m.regex {
			r := &m.regex[i]
			if !seen[r.target] && r.matches(name) {
				add(r.target, name, r.text)
			}
		}
	}
	slices.SortFunc(found, func(a, b Mapped) int { return cmp.Compare(a.Target, b.Target) })
	return found
}
