package journal

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/mockduktor/mockduktor/server/glob"
)

// Filter lets entries through. The zero value lets all through.
type Filter struct {
	Method    string
	Path      glob.Pattern
	People    []string // names of one person: login, e-mail
	ClientID  string
	Status    string // as 403 or 4xx
	Operation string
	Surface   Surface
	GrantType string
	Outcome   Outcome
	Fault     string // id of the fault that was applied; * for any
}

// Parameters are the query parameters that ParseFilter reads.
var Parameters = []string{"method", "path", "person", "client_id", "status", "operation", "surface", "grant_type", "outcome", "fault"}

// BadFilter is a parameter that ParseFilter refuses.
type BadFilter struct{ Field, Expected string }

func (e *BadFilter) Error() string { return e.Field + ": expected " + e.Expected }

// ParseFilter reads the parameters of a filter; the others are for the caller.
// An error is a *BadFilter.
func ParseFilter(query url.Values) (Filter, error) {
	f := Filter{
		Method: strings.ToUpper(query.Get("method")), ClientID: query.Get("client_id"), Operation: query.Get("operation"),
		Status: strings.ToLower(query.Get("status")), Surface: Surface(query.Get("surface")), GrantType: query.Get("grant_type"),
		Outcome: Outcome(query.Get("outcome")), Fault: query.Get("fault"),
	}
	for _, name := range Parameters {
		if len(query[name]) > 1 {
			return f, &BadFilter{name, "one value"}
		}
	}
	if person := query.Get("person"); person != "" {
		f.People = []string{person}
	}
	var err error
	if f.Path, err = glob.Parse(query.Get("path")); err != nil {
		return f, &BadFilter{"path", err.Error()}
	}
	if f.Status != "" && !isStatus(f.Status) {
		return f, &BadFilter{"status", "a status such as 403, or a class such as 4xx"}
	}
	if f.Surface != "" && !slices.Contains([]Surface{Console, IDP, Mock}, f.Surface) {
		return f, &BadFilter{"surface", "console, idp or mock"}
	}
	if f.Outcome != "" && !slices.Contains([]Outcome{Allowed, Refused, Rejected, Failed, Aborted}, f.Outcome) {
		return f, &BadFilter{"outcome", "allowed, refused, rejected, failed or aborted"}
	}
	return f, nil
}

func isStatus(text string) bool {
	if len(text) != 3 || text[0] < '1' || text[0] > '5' {
		return false
	}
	_, err := strconv.Atoi(text)
	return err == nil || text[1:] == "xx"
}

// Matches tells whether an entry is let through.
func (f *Filter) Matches(e *Entry) bool {
	return f.check(e.View(), func(string, string, string) bool { return false })
}

// Misses says, condition by condition, why an entry is not let through.
func (f *Filter) Misses(e *Entry) []string {
	var why []string
	f.check(e.View(), func(field, got, want string) bool {
		if got == "" {
			got = "none"
		}
		why = append(why, fmt.Sprintf("%s is %s, wanted %s", field, got, want))
		return true
	})
	return why
}

// check goes through the conditions; miss is told of each that fails and says
// whether to go on.
func (f *Filter) check(v *View, miss func(field, got, want string) bool) bool {
	fault := ""
	if v.Fault != nil {
		fault = v.Fault.ID
	}
	ok := true
	for _, one := range [...]struct {
		field, got, want string
		fits             bool
	}{
		{"surface", string(v.Surface), string(f.Surface), f.Surface == v.Surface},
		{"path", v.Path, f.Path.String(), f.Path.Match(v.Path)},
		{"method", v.Method, f.Method, f.Method == v.Method},
		{"operation", v.Operation, f.Operation, f.Operation == v.Operation},
		{"client_id", v.ClientID, f.ClientID, f.ClientID == v.ClientID},
		{"person", v.who(), strings.Join(f.People, " or "), slices.ContainsFunc(f.People, v.is)},
		{"grant_type", v.GrantType, f.GrantType, f.GrantType == v.GrantType},
		{"status", strconv.Itoa(v.Status), f.Status, fitsStatus(f.Status, v.Status)},
		{"outcome", string(v.Decision.Outcome), string(f.Outcome), f.Outcome == v.Decision.Outcome},
		{"fault", fault, f.Fault, f.Fault == fault || f.Fault == "*" && fault != ""},
	} {
		if one.want == "" || one.fits {
			continue
		}
		if ok = false; !miss(one.field, one.got, one.want) {
			break
		}
	}
	return ok
}

func (v *View) who() string {
	if v.Person == "" && v.Principal != nil {
		return v.Principal.Name
	}
	return v.Person
}

// is tells whether an entry is of somebody, by login or e-mail.
func (v *View) is(name string) bool {
	return strings.EqualFold(v.who(), name) || v.Principal != nil && strings.EqualFold(v.Principal.Email, name)
}

func fitsStatus(pattern string, status int) bool {
	text := strconv.Itoa(status)
	return pattern == text || strings.HasSuffix(pattern, "xx") && len(text) == 3 && text[0] == pattern[0]
}
