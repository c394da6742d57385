package control

import (
	"net/http"
	"net/url"
	"time"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server/kinds"
)

func registerTokens(add adder) {
	add(http.MethodPost, "/_mock/tokens", mintTokens)
	add(http.MethodPost, "/_mock/sessions", mintSession)
	add(http.MethodPost, "/_mock/codes", mintCode)
}

// tokenRequest asks for the tokens of a person, of a client itself, or of claims.
type tokenRequest struct {
	As       string         `json:"as"`
	ClientID string         `json:"client_id"`
	Scope    string         `json:"scope"`
	Audience []string       `json:"audience"`
	Lifetime string         `json:"lifetime"`
	Nonce    string         `json:"nonce"`
	Provider string         `json:"provider"`
	Claims   map[string]any `json:"claims"`
	Fault    idp.Fault      `json:"fault"`
	Count    *int           `json:"count"`
}

// defaultGroups is how many groups fault many_groups adds: enough that the token
// outgrows what some proxies take as a header.
const defaultGroups = 500

// mintTokens answers tokens as the token endpoint would give them, or changed,
// or wrong on purpose.
func mintTokens(c *call) error {
	var request tokenRequest
	if err := c.read(&request); err != nil {
		return err
	}
	if request.Count != nil && request.Fault != idp.FaultManyGroups {
		return invalid("count", "it goes with fault %s only", idp.FaultManyGroups)
	}
	provider, err := c.provider(request.Provider)
	if err != nil {
		return err
	}
	tokens, err := c.plainTokens(provider, request)
	if err != nil {
		return err
	}
	if err := c.forge(provider, request, tokens); err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, tokens)
}

// plainTokens are what the token endpoint would give; empty where the request is
// for claims alone.
func (c *call) plainTokens(provider *idp.Provider, request tokenRequest) (*idp.Tokens, error) {
	if request.As == "" && request.ClientID == "" {
		if request.Claims == nil {
			return nil, invalid("as", "name a person or a client_id, or give claims")
		}
		for field, given := range map[string]bool{"scope": request.Scope != "", "audience": request.Audience != nil,
			"lifetime": request.Lifetime != "", "nonce": request.Nonce != ""} {
			if given {
				return nil, invalid(field, "it goes with client_id: say it in claims")
			}
		}
		return &idp.Tokens{TokenType: "Bearer"}, nil
	}
	if request.ClientID == "" {
		return nil, invalid("client_id", "name the client that the tokens are for")
	}
	var lifetime time.Duration
	if request.Lifetime != "" {
		var err error
		if lifetime, err = time.ParseDuration(request.Lifetime); err != nil || lifetime < time.Second {
			return nil, invalid("lifetime", "expected a duration of a second or more, such as 90s, got %q (for a token that is over, fault expired)", request.Lifetime)
		}
	}
	return Mint(c.Request().Context(), c.World, provider, request.As,
		idp.MintRequest{ClientID: request.ClientID, Scope: request.Scope, Nonce: request.Nonce, Audience: request.Audience, Lifetime: lifetime})
}

// forge changes the tokens as asked for.
func (c *call) forge(provider *idp.Provider, request tokenRequest, tokens *idp.Tokens) error {
	if request.Claims == nil && request.Fault == "" {
		return nil
	}
	wanted := idp.ForgeRequest{Claims: request.Claims, Fault: request.Fault, Count: defaultGroups,
		UsernameClaim: c.Settings.UsernameClaim, GroupsClaim: c.Settings.GroupsClaim}
	if request.Count != nil {
		wanted.Count = *request.Count
	}
	for _, token := range []*string{&tokens.AccessToken, &tokens.IDToken} {
		if token == &tokens.IDToken && *token == "" {
			continue
		}
		wanted.Token = *token
		forged, err := provider.Forge(c.Request().Context(), wanted)
		if err != nil {
			return err
		}
		*token = forged
	}
	tokens.ExpiresIn = c.remaining(tokens.AccessToken)
	return nil
}

// remaining is how many seconds a token has left; below zero once it is over.
func (c *call) remaining(token string) int64 {
	expires, known := idp.ExpiryOf(token)
	if !known {
		return 0
	}
	return expires - c.World.Clock.Now().Unix()
}

// provider finds the identity provider that a request names.
func (c *call) provider(name string) (*idp.Provider, error) {
	if provider := c.Provider(name); provider != nil {
		return provider, nil
	}
	return nil, notFound("There is no Provider %q: leave provider out for the built-in one", name)
}

// personAt finds the provider and, by login or e-mail, the person that a request
// names.
func (c *call) personAt(provider, as string) (*idp.Provider, *idp.Person, error) {
	found, err := c.provider(provider)
	if err != nil {
		return nil, nil, err
	}
	person, known := kinds.FindPerson(c.World.View(), as)
	if !known {
		return nil, nil, notFound("as: nobody has the login or e-mail %q", as)
	}
	return found, person, nil
}

// cookie is a cookie as Playwright's addCookies takes it.
type cookie struct {
	Name     string `json:"name"`
	Value    string `json:"value"`
	Domain   string `json:"domain"`
	Path     string `json:"path"`
	HTTPOnly bool   `json:"httpOnly"`
	Secure   bool   `json:"secure"`
	SameSite string `json:"sameSite"`
}

// mintSession signs a person in at an identity provider without its page: the
// answer sets the cookie, and has it in the body for browsers that are driven.
func mintSession(c *call) error {
	var request struct {
		As       string `json:"as"`
		Provider string `json:"provider"`
	}
	if err := c.read(&request); err != nil {
		return err
	}
	provider, person, err := c.personAt(request.Provider, request.As)
	if err != nil {
		return err
	}
	session, err := provider.MintSession(c.Request().Context(), person.Login)
	if err != nil {
		return err
	}
	issuer, err := url.Parse(provider.Issuer())
	if err != nil {
		return err
	}
	c.SetCookie(session)
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusCreated, map[string]cookie{"cookie": {session.Name, session.Value, issuer.Hostname(), session.Path, session.HttpOnly, session.Secure, "Lax"}})
}

// mintCode grants a person an authorization code without the page.
func mintCode(c *call) error {
	var request struct {
		As           string `json:"as"`
		Provider     string `json:"provider"`
		AuthorizeURL string `json:"authorize_url"`
		// Parameters of the authorization request, where there is no URL.
		Parameters map[string]string `json:"parameters"`
	}
	if err := c.read(&request); err != nil {
		return err
	}
	provider, person, err := c.personAt(request.Provider, request.As)
	if err != nil {
		return err
	}
	address, err := url.Parse(request.AuthorizeURL)
	if err != nil {
		return invalid("authorize_url", "%v", err)
	}
	parameters, err := url.ParseQuery(address.RawQuery)
	if err != nil {
		return invalid("authorize_url", "%v", err)
	}
	for name, value := range request.Parameters {
		parameters.Set(name, value)
	}
	location, err := provider.MintCode(c.Request().Context(), person.Login, parameters)
	if err != nil {
		return err
	}
	return c.answerCode(location)
}

// answerCode answers where the browser would be sent, and the parts of it.
func (c *call) answerCode(location string) error {
	at, err := url.Parse(location)
	if err != nil {
		return err
	}
	answer := at.Query()
	if at.Fragment != "" {
		if answer, err = url.ParseQuery(at.EscapedFragment()); err != nil {
			return err
		}
	}
	body := map[string]string{"redirect_to": location}
	for _, name := range []string{"code", "state", "iss"} {
		if value := answer.Get(name); value != "" {
			body[name] = value
		}
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusCreated, body)
}
