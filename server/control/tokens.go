package control

import (
	"net/http"

	"github.com/mockduktor/mockduktor/idp"
)

func registerTokens(add adder) {
	add(http.MethodPost, "/_mock/tokens", mint)
}

// mint answers the tokens of a person, or of a client itself.
func mint(c *call) error {
	var request struct {
		As       string `json:"as"`        // login or e-mail; "" = the client itself
		ClientID string `json:"client_id"` // the client that the tokens are for
		Scope    string `json:"scope"`
		Nonce    string `json:"nonce"`
		Provider string `json:"provider"` // a Provider by name; "" = the built-in one
	}
	if err := c.read(&request); err != nil {
		return err
	}
	provider, err := c.provider(request.Provider)
	if err != nil {
		return err
	}
	tokens, err := Mint(c.Request().Context(), c.World, provider, request.As,
		idp.MintRequest{ClientID: request.ClientID, Scope: request.Scope, Nonce: request.Nonce})
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, tokens)
}

// provider finds the identity provider that a request names.
func (c *call) provider(name string) (*idp.Provider, error) {
	if provider := c.Provider(name); provider != nil {
		return provider, nil
	}
	return nil, notFound("There is no Provider %q: leave provider out for the built-in one", name)
}
