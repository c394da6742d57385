package idp

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"google.golang.org/protobuf/types/known/structpb"
)

// Mapping computes one claim by an expression of CEL (the Common Expression
// Language) over
//
//   - person: what the person's document says, by its names (login, sub, email,
//     email_verified, name, given_name, family_name, picture, groups, claims);
//     empty where a client asks for itself;
//   - client: id, name, scopes, audience, claims;
//   - scope: the list of granted scopes;
//   - now: the provider's time.
//
// What gives null takes the claim away; what asks a member that is not there
// leaves the claim as it was.
type Mapping struct {
	// Claim is its name.
	Claim string
	// Scopes of which one must be granted, Clients of which one must ask.
	// Empty: any.
	Scopes, Clients []string
	// Tokens of access, id and userinfo; empty: all.
	Tokens []string
	// Value is the expression.
	Value string

	in      carrier
	program cel.Program
}

// Bounds of an expression: bytes, cost in CEL's units, time.
const (
	maxExpression     = 4 << 10
	maxExpressionCost = 100_000
	expressionTimeout = time.Second
)

// expressions is the environment of all mappings; made when the first one is
// read, so that a start without mappings does not pay for it.
var expressions = sync.OnceValues(func() (*cel.Env, error) {
	object := cel.MapType(cel.StringType, cel.DynType)
	return cel.NewEnv(append(textFunctions(),
		cel.Variable("person", object),
		cel.Variable("client", object),
		cel.Variable("scope", cel.ListType(cel.StringType)),
		cel.Variable("now", cel.TimestampType),
		cel.OptionalTypes(),
	)...)
})

// compile makes the expression ready, or says what is wrong with it.
func (m *Mapping) compile() error {
	if m.Value == "" {
		return errors.New("is missing; write an expression of CEL, such as person.groups")
	}
	if len(m.Value) > maxExpression {
		return fmt.Errorf("is longer than %d bytes", maxExpression)
	}
	env, err := expressions()
	if err != nil {
		return fmt.Errorf("cannot be read: %w", err)
	}
	ast, issues := env.Compile(m.Value)
	if issues != nil && issues.Err() != nil {
		return fmt.Errorf("is no expression: %s", oneLine(issues.Err()))
	}
	m.program, err = env.Program(ast, cel.CostLimit(maxExpressionCost), cel.InterruptCheckFrequency(100))
	if err != nil {
		return fmt.Errorf("cannot be used: %s", oneLine(err))
	}
	return nil
}

// oneLine drops the picture that CEL draws below its messages.
func oneLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return strings.TrimPrefix(line, "ERROR: ")
}

// applies tells whether the mapping is for these tokens.
func (m *Mapping) applies(f *facts) bool {
	if m.in&f.in == 0 || len(m.Clients) > 0 && !slices.Contains(m.Clients, f.client.ID) {
		return false
	}
	return len(m.Scopes) == 0 || slices.ContainsFunc(m.Scopes, f.scope.has)
}

// addMapped adds the computed claims, in the order of the document.
func (f *facts) addMapped(ctx context.Context, claims map[string]any) error {
	var variables map[string]any
	for i := range f.config.Mappings {
		m := &f.config.Mappings[i]
		if !m.applies(f) || f.profile.isFixed(m.Claim) {
			continue
		}
		if variables == nil {
			variables = f.variables()
		}
		value, err := m.evaluate(ctx, variables)
		switch {
		case errors.Is(err, errNoMember):
		case err != nil:
			return &Error{Code: errInvalidRequest, Description: fmt.Sprintf("claim_mappings[%d] of the provider, for the claim '%s', failed: %v", i, m.Claim, err)}
		case value == nil:
			delete(claims, m.Claim)
		default:
			claims[m.Claim] = value
		}
	}
	return nil
}

// errNoMember is what asking for a claim gives that this person has not.
var errNoMember = errors.New("there is no such member")

func (m *Mapping) evaluate(ctx context.Context, variables map[string]any) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, expressionTimeout)
	defer cancel()
	result, _, err := m.program.ContextEval(ctx, variables)
	if err != nil {
		if strings.Contains(err.Error(), "no such key") {
			return nil, errNoMember
		}
		return nil, errors.New(oneLine(err))
	}
	native, err := result.ConvertToNative(reflect.TypeFor[*structpb.Value]())
	if err != nil {
		return nil, errors.New("the value cannot be written as JSON: " + oneLine(err))
	}
	return native.(*structpb.Value).AsInterface(), nil
}

func (f *facts) variables() map[string]any {
	person := map[string]any{}
	if p := f.person; p != nil {
		person = map[string]any{
			"login": p.Login, "sub": p.Sub, "email": p.Email, "email_verified": p.EmailVerified, "name": p.Name,
			"given_name": p.GivenName, "family_name": p.FamilyName, "picture": p.Picture,
			"groups": append([]string{}, p.Groups...), "claims": plain(p.Claims),
		}
	}
	return map[string]any{
		"person": person,
		"client": map[string]any{
			"id": f.client.ID, "name": f.client.Name, "scopes": append([]string{}, f.client.Scopes...),
			"audience": f.client.audience(), "claims": plain(f.client.Claims),
		},
		"scope": append([]string{}, f.scope...),
		"now":   f.now,
	}
}

// plain gives numbers of documents the types that expressions count with.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		object := make(map[string]any, len(v))
		for name, member := range v {
			object[name] = plain(member)
		}
		return object
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = plain(item)
		}
		return list
	case interface{ Float64() (float64, error) }:
		if whole, ok := v.(interface{ Int64() (int64, error) }); ok {
			if n, err := whole.Int64(); err == nil {
				return n
			}
		}
		n, err := v.Float64()
		if err != nil {
			return nil
		}
		return n
	}
	return v
}

// check says what is wrong, field by field, and makes the mapping ready.
func (m *Mapping) check(report func(field, format string, args ...any)) {
	switch {
	case m.Claim == "":
		report("claim", "is missing; name the claim")
	case slices.Contains(protocolClaims, m.Claim):
		report("claim", "is %q, which the provider sets itself", m.Claim)
	}
	m.in = 0
	for i, name := range m.Tokens {
		in, known := carriers[name]
		if !known {
			report(fmt.Sprintf("tokens[%d]", i), "is %q; there are access, id and userinfo", name)
		}
		m.in |= in
	}
	if len(m.Tokens) == 0 {
		m.in = inEverything
	}
	if m.program != nil {
		return
	}
	if err := m.compile(); err != nil {
		report("value", "%v", err)
	}
}

// mapping reads one item of claim_mappings.
func (f *fields) mapping() Mapping {
	m := Mapping{Claim: f.text("claim"), Scopes: f.list("scopes"), Clients: f.list("clients"), Tokens: f.list("tokens"), Value: f.text("value")}
	m.check(f.report)
	f.unknown()
	return m
}
