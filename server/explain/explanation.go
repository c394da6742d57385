package explain

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/mockduktor/mockduktor/server/console"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// Verdict says in a word what comes of a request.
type Verdict string

// The verdicts.
const (
	// Allowed: nothing that the caller lacks stands in the way, whatever else
	// the answer says.
	Allowed Verdict = "allowed"
	// Filtered: allowed, and the answer leaves out what the caller may not see.
	Filtered Verdict = "filtered"
	// Refused: the credential or a permission is missing.
	Refused Verdict = "refused"
	// Failed: answered with an error before any permission was asked about.
	Failed Verdict = "failed"
)

// Explanation is what would happen with a request, and why.
type Explanation struct {
	Verdict    Verdict         `json:"verdict"`
	Summary    string          `json:"summary"`
	Request    shownRequest    `json:"request"`
	Answer     shownAnswer     `json:"answer"`
	Credential shownCredential `json:"credential"`
	Groups     []shownGroup    `json:"groups"`
	User       *shownUser      `json:"user,omitempty"`
	Decisions  []shownDecision `json:"decisions"`
	Lists      []shownList     `json:"lists"`
	// Faults: there are rules by which requests go wrong, which are left out.
	Faults bool `json:"faults_left_out,omitempty"`
}

type shownRequest struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Operation string `json:"operation,omitempty"` // as the document names it
}

// shownAnswer is the answer as far as it says what happened; its body may hold
// what is nobody's business here.
type shownAnswer struct {
	Status  int    `json:"status"`
	Title   string `json:"title,omitempty"`
	Message string `json:"msg,omitempty"`
	Reason  string `json:"reason,omitempty"` // the body's cause, whether the settings show it or not
	Result  string `json:"result,omitempty"` // of a write: Created, Updated or NotChanged
	Bytes   int    `json:"bytes"`            // length of the body
}

type shownCredential struct {
	Source string       `json:"source"`
	Sort   console.Sort `json:"sort,omitempty"`
	Checks []ShownCheck `json:"checks"`
	Token  *shownToken  `json:"token,omitempty"`
}

// ShownCheck is one check of the credential.
type ShownCheck struct {
	Check  string `json:"check"`
	Result string `json:"result"` // passed, failed or skipped
	Detail string `json:"detail,omitempty"`
}

type shownToken struct {
	Algorithm string   `json:"alg"`
	KeyID     string   `json:"kid"`
	Type      string   `json:"typ,omitempty"`
	Issuer    string   `json:"iss"`
	Claims    []string `json:"claims"` // their names
}

type shownGroup struct {
	External string        `json:"external_group"`
	MapsTo   []shownTarget `json:"maps_to"`
}

type shownTarget struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	By   string `json:"by"` // "exact" or the regular expression
}

type shownUser struct {
	Email        string            `json:"email,omitempty"`
	Key          string            `json:"key,omitempty"`
	Instance     string            `json:"application_instance,omitempty"`
	Created      bool              `json:"would_be_created"`
	Admin        string            `json:"admin,omitempty"` // by what
	Groups       []shownMembership `json:"groups"`
	Applications []string          `json:"owns_applications"`
}

type shownMembership struct {
	Kind    string `json:"kind"`
	Group   string `json:"group"`
	Through string `json:"through"`
}

// Explain answers what would happen with a request. What is wrong with the
// question is a *kinds.Error that names the field.
func (s *Stage) Explain(ctx context.Context, r Request) (*Explanation, error) {
	if err := s.settle(&r.Call); err != nil {
		return nil, err
	}
	with, err := s.credentialOf(ctx, &r)
	if err != nil {
		return nil, err
	}
	tried, err := s.try(ctx, with.token, r.Call)
	if err != nil {
		return nil, err
	}
	e := tried.explanation(r.Call, with)
	e.Faults = s.Faults
	return e, nil
}

func (r *run) explanation(call Call, with *credential) *Explanation {
	e := &Explanation{
		Verdict:    r.verdict(),
		Request:    shownRequest{Method: call.Method, Path: call.target, Operation: r.trace.Operation},
		Answer:     r.answer(),
		Credential: r.credential(with),
		Groups:     []shownGroup{}, Decisions: []shownDecision{}, Lists: []shownList{},
	}
	groups := r.trace.Groups
	if with.assumed {
		groups = with.groups
	}
	for _, one := range groups {
		e.Groups = append(e.Groups, showGroup(one))
	}
	if who := r.trace.Who; who != nil {
		e.User = showUser(r.console.World.View(), who, groups)
		e.User.Created = r.trace.UserCreated || with.created
	}
	for _, one := range r.trace.Decisions {
		e.Decisions = append(e.Decisions, showDecision(one))
	}
	for _, one := range r.trace.Lists {
		e.Lists = append(e.Lists, showList(one))
	}
	e.Summary = r.summary(e)
	return e
}

func (r *run) verdict() Verdict {
	held, filtered := false, false
	for _, one := range r.trace.Decisions {
		// What is answered in spite of a no leaves out what the permission is for.
		held, filtered = held || one.Held, filtered || !one.Held
	}
	for _, one := range r.trace.Lists {
		filtered = filtered || one.Visible < one.Total || one.Spans != nil && !one.Spans.All
	}
	switch {
	case r.status == http.StatusUnauthorized || r.status == http.StatusForbidden:
		return Refused
	case r.status >= http.StatusBadRequest && !held:
		return Failed
	case filtered:
		return Filtered
	}
	return Allowed
}

func (r *run) answer() shownAnswer {
	a := shownAnswer{Status: r.status, Bytes: r.body.Len()}
	if refused := r.trace.Refused; refused != nil {
		a.Reason = refused.Reason
	}
	var body struct {
		Title   string `json:"title"`
		Message string `json:"msg"`
		Upsert  string `json:"upsertResult"`
		Create  string `json:"createResult"`
	}
	if r.status < http.StatusBadRequest && r.trace.Refused == nil {
		if strings.HasPrefix(r.trace.Operation, http.MethodPut) || strings.HasPrefix(r.trace.Operation, http.MethodPost) {
			if json.Unmarshal(r.body.Bytes(), &body) == nil {
				a.Result = body.Upsert + body.Create
			}
		}
		return a
	}
	if err := json.Unmarshal(r.body.Bytes(), &body); err != nil {
		a.Message = r.body.String() // older operations answer in plain text
		return a
	}
	a.Title, a.Message = body.Title, body.Message
	return a
}

func (r *run) credential(with *credential) shownCredential {
	c := shownCredential{Source: with.source, Checks: []ShownCheck{}}
	if r.trace.Who != nil {
		c.Sort = r.trace.Who.Sort
	}
	if with.assumed {
		// The session that stands in for a token is nothing anybody would see.
		c.Sort = console.SortJWT
		return c
	}
	done := map[string]bool{}
	for _, check := range r.trace.Checks {
		result := "passed"
		if !check.Passed {
			result = "failed"
		}
		done[check.Name] = true
		c.Checks = append(c.Checks, ShownCheck{check.Name, result, check.Detail})
	}
	token := r.trace.Token
	if token != nil {
		c.Token = &shownToken{token.Algorithm, token.KeyID, token.Type, token.Issuer, token.Claims}
		if token.Older {
			c.Source += "; a newer one of the same user has been seen, whose groups count"
		}
		if !done[console.CheckAPIKeyClaim] {
			for _, name := range console.JWTChecks() {
				if !done[name] {
					c.Checks = append(c.Checks, ShownCheck{Check: name, Result: "skipped"})
				}
			}
		}
	}
	return c
}

func showGroup(group console.MappedGroup) shownGroup {
	shown := shownGroup{External: group.External, MapsTo: []shownTarget{}}
	for _, one := range group.Mapped {
		kind, name, _ := strings.Cut(one.Target, "/")
		shown.MapsTo = append(shown.MapsTo, shownTarget{kind, name, one.By})
	}
	return shown
}

// showUser says who a caller is and which groups they are in by what.
func showUser(tx *store.Tx, who *console.Principal, mapped []console.MappedGroup) *shownUser {
	u := &shownUser{Email: who.Email, Instance: who.Instance, Groups: []shownMembership{}, Applications: []string{}}
	if who.Key != nil {
		u.Key = who.Key.Label
	}
	if source := who.Subject().Admin(); source != nil {
		u.Admin = source.Name
	}
	if who.Email == "" {
		return u
	}
	u.Applications = append(u.Applications, who.Applications()...)
	email := strings.ToLower(who.Email)
	groups := map[string]*store.Resource{}
	for resource := range tx.Referrers(store.Ref("member", email)) {
		groups[resource.Kind+"/"+resource.Name] = resource
	}
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		resource := groups[key]
		var members []string
		switch group := resource.Value.(type) {
		case *kinds.Group:
			members = group.Members
		case *kinds.ApplicationGroup:
			members = group.Members
		default:
			continue
		}
		if slices.Contains(members, email) {
			u.Groups = append(u.Groups, shownMembership{resource.Kind, resource.Name, "members"})
			continue
		}
		u.Groups = append(u.Groups, shownMembership{resource.Kind, resource.Name, through(resource, mapped)})
	}
	return u
}

func through(group *store.Resource, mapped []console.MappedGroup) string {
	for _, one := range mapped {
		for _, to := range one.Mapped {
			switch {
			case to.Target != group.Kind+"/"+group.Name:
			case to.By == "exact":
				return "external group " + one.External
			default:
				return fmt.Sprintf("external group %s by the expression %s", one.External, to.By)
			}
		}
	}
	return "external groups of an earlier token"
}

// summary is the explanation in one sentence.
func (r *run) summary(e *Explanation) string {
	who := "Nobody"
	if r.trace.Who != nil {
		who = r.trace.Who.String()
	}
	switch e.Verdict {
	case Refused:
		if r.status == http.StatusUnauthorized {
			return "The credential is refused: " + e.Answer.Reason
		}
		return "Refused: " + e.Answer.Reason
	case Failed:
		return fmt.Sprintf("Answered %d before any permission was asked about: %s", r.status, firstOf(e.Answer.Message, e.Answer.Title))
	case Filtered:
		var parts []string
		for _, one := range e.Lists {
			parts = append(parts, fmt.Sprintf("%d of %d %s", one.Visible, one.Total, one.Kind))
		}
		for _, one := range e.Decisions {
			if !one.Held {
				parts = append(parts, "nothing of what needs "+one.Needs)
			}
		}
		return fmt.Sprintf("%s sees %s", who, strings.Join(parts, ", "))
	}
	text := fmt.Sprintf("%s may", who)
	if r.status >= http.StatusBadRequest {
		text += fmt.Sprintf(", and is answered %d: %s", r.status, firstOf(e.Answer.Message, e.Answer.Title))
	}
	for _, one := range e.Decisions {
		if one.Held && len(one.By) > 0 {
			return text + "; decided by " + one.By[0]
		}
	}
	return text
}

func firstOf(texts ...string) string {
	for _, one := range texts {
		if one != "" {
			return one
		}
	}
	return ""
}
