package explain

import (
	"context"
	"slices"
	"strings"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// WhoRequest asks who may make a call.
type WhoRequest struct {
	Call
	Limit int `json:"limit"` // callers looked at; 0: DefaultLimit
}

// Bounds of how many callers are looked at.
const (
	DefaultLimit = 200
	MaxLimit     = 2000
)

// Who says of each caller what would come of a call. People and users are taken
// as if a token with their e-mail address and external groups passed.
type Who struct {
	Request shownRequest `json:"request"`
	// Needs are what was asked of RBAC, each once.
	Needs []string `json:"needs"`
	// GrantedBy are the users, groups and applications whose grants suffice.
	GrantedBy []shownSource `json:"granted_by"`
	Allowed   []Caller      `json:"allowed"` // filtered ones too
	Refused   []Caller      `json:"refused"` // failed ones too
	// Total is how many callers there are; beyond the limit none is looked at.
	Total     int  `json:"total"`
	Truncated bool `json:"truncated"`
}

// name is who somebody is: a person has both a login and an e-mail address, a
// user whom the identity provider does not know only the latter.
type name struct {
	Person string `json:"person,omitempty"` // login
	Email  string `json:"email,omitempty"`
	Key    string `json:"key,omitempty"`
}

// Caller is somebody, or a key, and what comes of the call.
type Caller struct {
	name
	Verdict Verdict `json:"verdict"`
	Status  int     `json:"status"`
	By      string  `json:"by,omitempty"`
	Reason  string  `json:"reason,omitempty"`
	// Visible of Total are what the first list leaves.
	Visible *int `json:"visible,omitempty"`
	Total   *int `json:"total,omitempty"`

	groups []string
	token  string // of a key
}

// Who answers who may make a call.
func (s *Stage) Who(ctx context.Context, r WhoRequest) (*Who, error) {
	if r.Limit == 0 {
		r.Limit = DefaultLimit
	}
	if r.Limit < 1 || r.Limit > MaxLimit {
		return nil, invalid("limit", "expected 1 to %d, got %d", MaxLimit, r.Limit)
	}
	if err := s.settle(&r.Call); err != nil {
		return nil, err
	}
	callers := s.callers()
	w := &Who{Needs: []string{}, GrantedBy: []shownSource{}, Allowed: []Caller{}, Refused: []Caller{}, Total: len(callers)}
	w.Truncated = len(callers) > r.Limit
	for _, one := range callers[:min(len(callers), r.Limit)] {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		tried, err := s.as(ctx, one, r.Call)
		if err != nil {
			return nil, err
		}
		e := tried.explanation(r.Call, &credential{})
		w.Request = e.Request
		for _, decision := range e.Decisions {
			if !slices.Contains(w.Needs, decision.Needs) && len(w.Needs) < maxShown {
				w.Needs = append(w.Needs, decision.Needs)
				for _, source := range decision.GrantedBy {
					if !slices.Contains(w.GrantedBy, source) {
						w.GrantedBy = append(w.GrantedBy, source)
					}
				}
			}
		}
		one.note(e)
		if one.Verdict == Allowed || one.Verdict == Filtered {
			w.Allowed = append(w.Allowed, one)
		} else {
			w.Refused = append(w.Refused, one)
		}
	}
	return w, nil
}

func (c *Caller) note(e *Explanation) {
	c.Verdict, c.Status = e.Verdict, e.Answer.Status
	c.Reason = firstOf(e.Answer.Reason, e.Answer.Message, e.Answer.Title)
	for _, decision := range e.Decisions {
		if decision.Held && len(decision.By) > 0 {
			c.By = decision.By[0]
			break
		}
	}
	if len(e.Lists) > 0 {
		first := e.Lists[0]
		c.Visible, c.Total = &first.Visible, &first.Total
	}
}

// as tries a call as somebody would make it.
func (s *Stage) as(ctx context.Context, who Caller, call Call) (*run, error) {
	token := who.token
	if token == "" {
		own := *s
		own.Console = s.Console.Over(s.Console.World.Copy())
		assumed, err := own.Console.Assume(who.Email, who.groups)
		if err != nil {
			return nil, err
		}
		return own.try(ctx, assumed, call)
	}
	return s.try(ctx, token, call)
}

// callers are the people of the identity provider who can sign in, the users of
// the Console whom it does not know, and the API keys; each by name.
func (s *Stage) callers() []Caller {
	tx := s.Console.World.View()
	var people, users, keys []Caller
	known := map[string]bool{}
	for resource := range tx.Resources("Person", "v1", nil, "") {
		if one, ok := personCaller(resource); ok {
			known[strings.ToLower(one.Email)] = true
			people = append(people, one)
		}
	}
	for resource := range tx.Resources("User", "v2", nil, "") {
		if !known[strings.ToLower(resource.Name)] {
			users = append(users, Caller{name: name{Email: resource.Name}})
		}
	}
	for resource := range tx.Resources(kinds.APIKeyKind, "v1", nil, "") {
		keys = append(keys, Caller{name: name{Key: resource.Value.(*kinds.APIKey).Label}, token: secretOf(resource)})
	}
	return slices.Concat(people, users, keys)
}

func personCaller(resource *store.Resource) (Caller, bool) {
	person, ok := resource.Value.(*idp.Person)
	if !ok || person.Disabled || !kinds.IsEmail(person.Email) {
		return Caller{}, false
	}
	return Caller{name: name{Person: person.Login, Email: person.Email}, groups: append([]string{}, person.Groups...)}, true
}

// callerOf finds a person, user or key by name.
func (s *Stage) callerOf(called string) (Caller, bool) {
	tx := s.Console.World.View()
	if person, known := kinds.FindPerson(tx, called); known {
		resource, err := tx.Resource("Person", "v1", nil, person.Login)
		if err != nil {
			return Caller{}, false
		}
		return personCaller(resource)
	}
	for _, one := range s.callers() {
		if one.Key == called || one.Person == "" && one.Email != "" && strings.EqualFold(one.Email, called) {
			return one, true
		}
	}
	return Caller{}, false
}
