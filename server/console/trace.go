package console

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// Trace collects how one request was decided, where it is decided: what it holds
// cannot differ from what was done. The nil Trace collects nothing.
type Trace struct {
	Operation string // as the document names it, such as GET /public/v1/groups
	Checks    []Check
	// Who is the caller, nil where the credential was refused.
	Who   *Principal
	Token *TokenFacts // nil unless a JWT was read
	// Groups are the external groups that count, in the order of the claim.
	Groups []MappedGroup
	// UserCreated: the credential signed in somebody whom the Console did not know.
	UserCreated bool
	Decisions   []Decision
	Lists       []Listing
	// Refused is what the answer says instead of a success.
	Refused *kinds.Error
}

// Check is one look at a credential.
type Check struct {
	Name   string
	Passed bool
	Detail string // what was found, or for a failure what is wrong
}

// TokenFacts are what a JWT says of itself, none of it secret.
type TokenFacts struct {
	Algorithm, KeyID, Type, Issuer string
	Claims                         []string // their names, sorted
	// Older: a newer token of the same user has been seen, whose groups count.
	Older bool
}

// MappedGroup is an external group and where it leads.
type MappedGroup struct {
	External string
	Mapped   []rbac.Mapped // Target is kind/name
}

// Decision is one question that a request put to RBAC.
type Decision struct {
	Need string
	Held bool
	// By are the grounds for a yes.
	By []Ground
	// Considered are the caller's grants that speak of the same type of resource.
	Considered []Considered
	// Grantors are those who would give it, to anyone.
	Grantors []rbac.Source
}

// Ground is what a yes rests on: a grant, or what is no grant.
type Ground struct {
	Grant *rbac.Grant // nil where there is none
	Text  string
}

// Considered is a grant and why it does not suffice.
type Considered struct {
	Grant rbac.Grant
	Lacks string // "" when it suffices
}

// Listing is what a list leaves to the caller before the query's own filters.
type Listing struct {
	Kind    string
	Parents []string
	// Need is what makes a resource visible; where each is asked about, that of
	// the first that is not.
	Need string
	// Considered are the caller's grants about that type of resource.
	Considered []Considered
	// Spans are the names that the caller's grants cover; nil where grants do not
	// speak of names and each resource was asked about.
	Spans *rbac.Spans
	// Visible of Total; what is not listed for other reasons counts as visible.
	Visible, Total int
}

type traceKey struct{}

// WithTrace makes the Console note in trace how it decides the request.
func WithTrace(ctx context.Context, trace *Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, trace)
}

func traceOf(ctx context.Context) *Trace {
	trace, _ := ctx.Value(traceKey{}).(*Trace)
	return trace
}

// check notes one look at the credential; err is what it found wrong.
func (t *Trace) check(name string, err error, detail string) {
	if t == nil {
		return
	}
	var refused *kinds.Error
	switch {
	case errors.As(err, &refused):
		detail = refused.Reason
	case err != nil:
		detail = err.Error()
	}
	t.Checks = append(t.Checks, Check{Name: name, Passed: err == nil, Detail: detail})
}

func (t *Trace) refused(err *kinds.Error) {
	if t != nil {
		t.Refused = err
	}
}

// The checks of a credential, in the order in which they are made.
const (
	CheckPresent     = "present"
	CheckKnown       = "known"
	CheckForm        = "form"
	CheckAlgorithm   = "algorithm"
	CheckIssuer      = "issuer"
	CheckKey         = "key"
	CheckSignature   = "signature"
	CheckTimes       = "times"
	CheckAPIKeyClaim = "api key claim"
	CheckEmail       = "email claim"
)

// JWTChecks are the checks of a bearer token that is a JWT.
func JWTChecks() []string {
	return []string{CheckPresent, CheckForm, CheckAlgorithm, CheckIssuer, CheckKey, CheckSignature, CheckTimes, CheckEmail}
}

func (t *Trace) operation(called operation) {
	if t != nil {
		t.Operation = called.method + " " + called.path
	}
}

func (t *Trace) who(who *Principal) {
	if t != nil {
		t.Who = who
	}
}

func (t *Trace) token(header jwtHeader, claims map[string]any) {
	if t != nil {
		t.Token = &TokenFacts{Algorithm: header.Algorithm, KeyID: header.KeyID, Type: header.Type,
			Issuer: text(claims["iss"]), Claims: names(claims)}
	}
}

func (t *Trace) times(err error, who *identity) {
	if t == nil {
		return
	}
	detail := ""
	if err == nil {
		detail = "expires at " + who.expires.Format(time.RFC3339)
	}
	t.check(CheckTimes, err, detail)
}

// traceGroups notes the external groups that count for a token, as claimedGroups
// and mapGroups take them.
func (s *Console) traceGroups(trace *Trace, tx *store.Tx, id string, who *identity) {
	if trace == nil {
		return
	}
	groups := who.groups
	if _, err := tx.Record(recordToken, id); err == nil {
		if newest, err := tx.Record(recordGroups, strings.ToLower(who.email)); err == nil {
			newest := newest.Value.([]string)
			trace.Token.Older = !slices.Equal(newest, groups)
			groups = newest
		}
	} else if _, known := kinds.FindUser(tx, who.email); !known {
		trace.UserCreated = true
	}
	trace.Groups = s.MapGroups(tx, groups)
}

// MapGroups says where each external group leads.
func (s *Console) MapGroups(tx *store.Tx, external []string) []MappedGroup {
	mapping := s.mappingOf(tx)
	list := make([]MappedGroup, len(external))
	for i, name := range external {
		list[i] = MappedGroup{External: name, Mapped: mapping.Match([]string{name})}
	}
	return list
}

// listing is granted with what it leaves noted.
func (t *Trace) listing(tx *store.Tx, c *call, kind *openapi.Kind, rule *kinds.Rule, parents []string) iter.Seq[*store.Resource] {
	list := Listing{Kind: kind.Name, Parents: parents}
	for range tx.Resources(kind.Name, kind.Version, parents, "") {
		list.Total++
	}
	switch {
	case c.who.Admin():
		list.Spans = &rbac.Spans{All: true}
	case rule.Access.Spans != nil:
		need := rule.Access.Spans(parents)
		spans := c.who.Subject().Spans(need.Resource, need.Cluster, need.Connect, need.AnyOf...)
		list.Spans = &spans
		list.need(c, kinds.Need{Somewhere: need})
	default:
		for resource := range tx.Resources(kind.Name, kind.Version, parents, "") {
			if need := c.readNeed(tx, kind, rule, resource); !c.may(need) {
				list.need(c, need)
				break
			}
		}
	}
	at := len(t.Lists)
	t.Lists = append(t.Lists, list)
	return func(yield func(*store.Resource) bool) {
		for resource := range c.granted(tx, kind, rule, parents) {
			t.Lists[at].Visible++
			if !yield(resource) {
				return
			}
		}
	}
}

func (l *Listing) need(c *call, need kinds.Need) {
	l.Need, l.Considered = needText(need), c.considered(need)
}

// sees is may for one row of a list that asks about each.
func (c *call) sees(kind string, need kinds.Need) bool {
	held := c.may(need)
	if t := c.trace; t != nil {
		if last := len(t.Lists) - 1; last < 0 || t.Lists[last].Kind != kind {
			t.Lists = append(t.Lists, Listing{Kind: kind})
		}
		list := &t.Lists[len(t.Lists)-1]
		list.Total++
		if held {
			list.Visible++
		} else if list.Need == "" {
			list.need(c, need)
		}
	}
	return held
}
