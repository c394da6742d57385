package kinds

import (
	"strings"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/store"
)

func personRule() *Rule {
	return &Rule{
		Parse: func(object map[string]any) (any, []openapi.Problem) {
			person, problems := idp.ParsePerson(object)
			return person, fromIDP(problems)
		},
		Refs: func(value any) []string {
			person := value.(*idp.Person)
			return []string{store.Ref("login", strings.ToLower(person.Login)), store.Ref("login", strings.ToLower(person.Email))}
		},
		Check: func(c *Change) error {
			email := text(part(c.Object, "spec"), "email")
			for _, login := range []string{c.Key.Name, email} {
				if login == "" {
					continue
				}
				for other := range c.Tx.Referrers(store.Ref("login", strings.ToLower(login))) {
					if other.Name != c.Key.Name {
						return conflict("spec.email", "the login or e-mail %s already belongs to the person %s", login, other.Name)
					}
				}
			}
			return nil
		},
	}
}

// FindPerson finds somebody that the identity provider knows, by login or e-mail.
func FindPerson(tx *store.Tx, login string) (*idp.Person, bool) {
	if login == "" {
		return nil, false
	}
	for resource := range tx.Referrers(store.Ref("login", strings.ToLower(login))) {
		if person, ok := resource.Value.(*idp.Person); ok {
			return person, true
		}
	}
	return nil, false
}

func clientRule() *Rule {
	return &Rule{Parse: func(object map[string]any) (any, []openapi.Problem) {
		client, problems := idp.ParseClient(object)
		return client, fromIDP(problems)
	}}
}

func fromIDP(problems []idp.Problem) []openapi.Problem {
	list := make([]openapi.Problem, len(problems))
	for i, problem := range problems {
		list[i] = openapi.Problem{Path: problem.Path, Expected: problem.Reason}
	}
	return list
}
