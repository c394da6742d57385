package explain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server/console"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// Call is a request to the Console.
type Call struct {
	Method string `json:"method"`
	Path   string `json:"path"` // with its query, and with or without /api or the public URL
	// Body is any JSON value; a string is sent as it is, such as a SQL statement.
	Body json.RawMessage `json:"body,omitempty"`

	target, sent string
	nothing      bool // a sample that names nothing there is
}

// Request asks what would happen with a call. At most one of Person, Token,
// Email and Key says who makes it; none is a call without a credential.
type Request struct {
	Person string `json:"person"` // login or e-mail: with a new access token of theirs
	// ClientID, Scope and Provider say how that token is made; "" stand for the
	// first client that people sign in to, its scope, and the provider that the
	// Console trusts.
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
	Provider string `json:"provider"`

	Token string `json:"token"`
	Key   string `json:"key"` // an APIKey resource by its name or display name

	// Email assumes a user whose token would pass; Groups are the external groups
	// in it, nil leaves the memberships as they are.
	Email  string   `json:"email"`
	Groups []string `json:"groups"`

	Call
}

func contains(list []string, one string) bool { return slices.Contains(list, one) }

func bodyText(body json.RawMessage) (string, error) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 || string(body) == "null" {
		return "", nil
	}
	if body[0] == '"' {
		var text string
		err := json.Unmarshal(body, &text)
		return text, err
	}
	return string(body), nil
}

// credential is what a request is made with.
type credential struct {
	token   string
	assumed bool
	created bool // assuming the user made them
	groups  []console.MappedGroup
	source  string // how the token came about, in words
}

// credentialOf makes the credential of a request on the stage.
func (s *Stage) credentialOf(ctx context.Context, r *Request) (*credential, error) {
	var given []string
	for _, one := range []struct{ field, value string }{{"person", r.Person}, {"token", r.Token}, {"key", r.Key}, {"email", r.Email}} {
		if one.value != "" {
			given = append(given, one.field)
		}
	}
	if len(given) > 1 {
		return nil, invalid(given[1], "stands beside %s: say who calls in one way", given[0])
	}
	if r.Groups != nil && r.Email == "" {
		return nil, invalid("groups", "go with email: add the e-mail address of who would have them")
	}
	if r.Person == "" {
		for _, one := range []struct{ field, value string }{{"client_id", r.ClientID}, {"scope", r.Scope}, {"provider", r.Provider}} {
			if one.value != "" {
				return nil, invalid(one.field, "goes with person: it says how the person's token is made")
			}
		}
	}
	switch {
	case r.Person != "":
		return s.personToken(ctx, r)
	case r.Token != "":
		return &credential{token: strings.TrimPrefix(r.Token, "Bearer "), source: "the token given"}, nil
	case r.Key != "":
		return s.keyToken(r.Key)
	case r.Email != "":
		return s.assume(r.Email, r.Groups)
	}
	return &credential{source: "no credential"}, nil
}

func (s *Stage) personToken(ctx context.Context, r *Request) (*credential, error) {
	person, known := kinds.FindPerson(s.Console.World.View(), r.Person)
	if !known {
		return nil, invalid("person", "nobody has the login or e-mail %q; for somebody the identity provider does not know give email and groups", r.Person)
	}
	if person.Disabled {
		return nil, invalid("person", "%s is disabled, so there is no token; email and groups show what one would open", person.Login)
	}
	name := r.Provider
	if name == "" {
		name = s.Trusted
	}
	provider := s.Provider(name)
	if provider == nil {
		return nil, invalid("provider", "there is no Provider %q; leave provider out for the one that the Console trusts", name)
	}
	client := r.ClientID
	if client == "" {
		var err error
		if client, err = s.anyClient(); err != nil {
			return nil, err
		}
	}
	tokens, err := provider.Mint(ctx, idp.MintRequest{Login: person.Login, ClientID: client, Scope: r.Scope})
	var refused *idp.Error
	switch {
	case errors.Is(err, idp.ErrNotFound):
		return nil, invalid("client_id", "there is no client %q", client)
	case errors.As(err, &refused):
		return nil, invalid("scope", "%v", err)
	case err != nil:
		return nil, err
	}
	return &credential{token: tokens.AccessToken,
		source: "an access token that " + provider.Issuer() + " would give " + person.Login + " for the client " + client}, nil
}

// anyClient is the first client that people sign in to.
func (s *Stage) anyClient() (string, error) {
	first := ""
	for resource := range s.Console.World.View().Resources("Client", "v1", nil, "") {
		client, ok := resource.Value.(*idp.Client)
		if !ok {
			continue
		}
		if contains(client.GrantTypes, "authorization_code") {
			return client.ID, nil
		}
		if first == "" {
			first = client.ID
		}
	}
	if first == "" {
		return "", invalid("client_id", "the world has no client: name one, or put a Client")
	}
	return first, nil
}

func (s *Stage) keyToken(name string) (*credential, error) {
	for resource := range s.Console.World.View().Resources(kinds.APIKeyKind, "v1", nil, "") {
		if key := resource.Value.(*kinds.APIKey); resource.Name == name || key.Label == name {
			return &credential{token: secretOf(resource), source: "the API key " + key.Label}, nil
		}
	}
	return nil, invalid("key", "there is no API key of the name %q", name)
}

// secretOf is the bearer token of an APIKey. It is sent on the stage and shown
// nowhere.
func secretOf(key *store.Resource) string {
	spec, _ := key.Object()["spec"].(map[string]any)
	token, _ := spec["token"].(string)
	return token
}

// assume signs somebody in on the stage.
func (s *Stage) assume(email string, groups []string) (*credential, error) {
	if !kinds.IsEmail(email) {
		return nil, invalid("email", "expected an e-mail address, got %q", email)
	}
	before := s.Console.World.View()
	_, known := kinds.FindUser(before, email)
	token, err := s.Console.Assume(email, groups)
	if err != nil {
		return nil, err
	}
	return &credential{token: token, assumed: true, created: !known, groups: s.Console.MapGroups(before, groups),
		source: "a token that passes is assumed"}, nil
}
