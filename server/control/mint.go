package control

import (
	"context"
	"fmt"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// Mint makes the tokens of a person, named by login or e-mail, or with an empty
// name those of the client itself. Whoever is not there wraps idp.ErrNotFound.
func Mint(ctx context.Context, world *store.World, provider *idp.Provider, as string, request idp.MintRequest) (*idp.Tokens, error) {
	if as != "" {
		person, known := kinds.FindPerson(world.View(), as)
		if !known {
			return nil, fmt.Errorf("nobody has the login or e-mail %q: %w", as, idp.ErrNotFound)
		}
		request.Login = person.Login
	}
	return provider.Mint(ctx, request)
}
