package idp

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// Values of prompt (OpenID Connect Core 1.0, section 3.1.2.1). consent is
// accepted and asks nothing: whoever runs a mock has consented.
const (
	promptNone          = "none"
	promptLogin         = "login"
	promptSelectAccount = "select_account"
	promptConsent       = "consent"
)

// authorization is a checked authorization request.
type authorization struct {
	client    *Client
	to        target
	scope     scopeList
	audience  []string
	nonce     string
	challenge string
	method    string
	prompt    scopeList
	loginHint string
	// maxAge in seconds; -1: not asked for.
	maxAge int64
	// hintedSub is the sub of the id_token_hint, or the one that the claims
	// parameter asks for.
	hintedSub string
	// acrs are the acr values asked for; acrEssential: no other will do.
	acrs         []string
	acrEssential bool
	claims       *claimsRequest
	// jkt is the key that the code shall be bound to (RFC 9449, section 10).
	jkt string
	// size is about what the request takes, in bytes.
	size int
}

// authorize is the authorization endpoint: RFC 6749, section 3.1, and OpenID
// Connect Core 1.0, section 3.1.2.
func (p *Provider) authorize(c echo.Context) error {
	noStore(c)
	q, err := p.queryOrForm(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	if q, err = p.pulled(ctx, q); err != nil {
		return err
	}
	request, err := p.readAuthorization(ctx, q)
	if err != nil {
		return err
	}
	refused := ""
	if login, by := p.signsIn(request); login != "" && !request.prompt.has(promptSelectAccount) {
		person, reason, err := p.automatic(ctx, request, login, by)
		if err != nil {
			return err
		}
		if person != nil {
			return toClient(p.completeAlone(c, request, person, by), request.to)
		}
		refused = reason
	}
	current, person, err := p.sessionOf(c)
	if err != nil {
		return err
	}
	reason := p.whySignIn(request, current, person)
	if reason == "" {
		return toClient(p.complete(c, request, current), request.to)
	}
	if refused != "" {
		reason = refused
	}
	if request.prompt.has(promptNone) {
		if current == nil {
			p.config.Logger.WarnContext(ctx, "prompt=none, but nobody is signed in here: answering login_required",
				"client_id", request.client.ID,
				"backstage", "its oidc module sends prompt=none unless the provider's config has prompt: auto",
				"or", "give the client sign_in_as: LOGIN to sign in without a page")
		}
		return &redirectError{refuse(errLoginRequired, reason), request.to}
	}
	return toClient(p.openSignIn(c, q), request.to)
}

// Who may say that someone is signed in without a page.
const (
	bySignInAs  = "sign_in_as of the client"
	byLoginHint = "login_hint"
)

// signsIn is the login that is signed in without a page, and who says so: the
// client's own setting, or the request where the provider lets it. Empty: none.
func (p *Provider) signsIn(request *authorization) (login, by string) {
	if p.config.LoginHintSignsIn && request.loginHint != "" {
		return request.loginHint, byLoginHint
	}
	return request.client.SignInAs, bySignInAs
}

// automatic finds the person whom by names, or says why not.
func (p *Provider) automatic(ctx context.Context, request *authorization, login, by string) (*Person, string, error) {
	person, err := p.named(ctx, login)
	switch {
	case err != nil:
		return nil, "", err
	case person == nil:
		return nil, by + " names '" + shorten(login, 100) + "', who does not exist", nil
	case person.Disabled:
		return nil, by + " names '" + login + "', who is disabled", nil
	case request.hintedSub != "" && request.hintedSub != p.subject(person, request.client, inID):
		return nil, "the id_token_hint is of someone else than '" + login + "', whom " + by + " names", nil
	}
	return person, "", nil
}

// whySignIn says why the session does not do for this request; empty if it
// does.
func (p *Provider) whySignIn(request *authorization, current *session, person *Person) string {
	switch {
	case current == nil:
		return "nobody is signed in"
	case request.prompt.has(promptLogin):
		return "prompt=login asks for a new sign-in"
	case request.prompt.has(promptSelectAccount):
		return "prompt=select_account asks whom to sign in"
	case request.hintedSub != "" && request.hintedSub != p.subject(person, request.client, inID):
		return "someone else than the person of the id_token_hint is signed in"
	case request.loginHint != "" && !person.isCalled(request.loginHint):
		return "someone else than the person of the login_hint is signed in"
	case request.maxAge == 0, request.maxAge > 0 && p.now().Sub(current.AuthTime) > time.Duration(request.maxAge)*time.Second:
		return "the sign-in is older than max_age"
	}
	return request.whyNotACR(current.ACR)
}

// isCalled tells whether a login hint means this person: a login, or an e-mail
// address, in which case does not count.
func (p *Person) isCalled(hint string) bool {
	return p.Login == hint || p.Email != "" && strings.EqualFold(p.Email, hint)
}

// complete answers the request with a code for the person of the session.
func (p *Provider) complete(c echo.Context, request *authorization, current *session) error {
	var code string
	err := p.config.Storage.Update(c.Request().Context(), func(tx Tx) (err error) {
		code, err = p.newCode(tx, request, current)
		return err
	})
	if err != nil {
		return fmt.Errorf("granting a code: %w", err)
	}
	return p.respondCode(c, request, code)
}

// completeAlone answers for a person who is signed in without a page, in a
// session that no cookie leads to: no other client shall be signed in by it.
func (p *Provider) completeAlone(c echo.Context, request *authorization, person *Person, by string) error {
	var code string
	err := p.config.Storage.Update(c.Request().Context(), func(tx Tx) error {
		sid, err := p.newID(tx, person.Login, request.client.ID)
		if err != nil {
			return err
		}
		code, err = p.newCode(tx, request, &session{SID: sid, Login: person.Login, AuthTime: p.now(), ACR: p.reachedACR(request)})
		return err
	})
	if err != nil {
		return fmt.Errorf("granting a code: %w", err)
	}
	p.config.Logger.InfoContext(c.Request().Context(), "signed in without a page", "by", by, "login", person.Login, "client_id", request.client.ID)
	return p.respondCode(c, request, code)
}

func (p *Provider) respondCode(c echo.Context, request *authorization, code string) error {
	return p.respond(c, request.to, []pair{{"code", code}})
}

func (p *Provider) newCode(tx Tx, request *authorization, in *session) (string, error) {
	id, err := p.newID(tx, in.Login, request.client.ID)
	if err != nil {
		return "", err
	}
	g := &grant{
		ID:              id,
		ClientID:        request.client.ID,
		Login:           in.Login,
		Scope:           request.scope,
		Audience:        request.audience,
		SID:             in.SID,
		AuthTime:        in.AuthTime,
		RedirectURI:     request.to.redirectURI,
		Nonce:           request.nonce,
		Challenge:       request.challenge,
		ChallengeMethod: request.method,
		Edit:            in.Edit,
		MaxAged:         request.maxAge >= 0,
		ACR:             in.ACR,
		Asked:           request.claims,
		JKT:             request.jkt,
		size:            request.size,
	}
	if err := p.noteClient(tx, in.SID, request.client); err != nil {
		return "", err
	}
	if err := putGrant(tx, g, p.now().Add(p.config.CodeLifetime)); err != nil {
		return "", err
	}
	return p.handle(purposeCode, id, 0), nil
}

// readAuthorization checks an authorization request. Until client and redirect
// URI are known to be good the error is a page, from then on a redirect (RFC
// 6749, section 4.1.2.1).
func (p *Provider) readAuthorization(ctx context.Context, q params) (*authorization, error) {
	client, err := p.askingClient(ctx, q)
	if err != nil {
		return nil, err
	}
	uri, err := askedRedirect(client, q)
	if err != nil {
		return nil, err
	}
	request := &authorization{client: client, to: target{redirectURI: uri, mode: modeQuery}}
	if !q.isRepeated("response_mode") {
		if mode := q.get("response_mode"); mode == modeFragment || mode == modeFormPost {
			request.to.mode = mode
		} else if mode == "" && wantsFragment(q.get("response_type")) {
			request.to.mode = modeFragment
		}
	}
	if !q.isRepeated("state") {
		request.to.state, request.to.hasState = q.get("state"), q.get("state") != ""
	}
	if err := p.readRest(request, q); err != nil {
		var refusal *Error
		if errors.As(err, &refusal) {
			return nil, &redirectError{refusal, request.to}
		}
		return nil, err
	}
	return request, nil
}

// wantsFragment tells whether a response type has its answers, and so the
// refusal too, in the fragment (OAuth 2.0 Multiple Response Type Encoding
// Practices, sections 3 and 5).
func wantsFragment(responseType string) bool {
	types := strings.Fields(responseType)
	return slices.Contains(types, "token") || slices.Contains(types, "id_token")
}

// askingClient finds the client of an authorization request.
func (p *Provider) askingClient(ctx context.Context, q params) (*Client, error) {
	id := q.get("client_id")
	if id == "" || q.isRepeated("client_id") {
		return nil, &pageError{
			title:  "Which application is asking?",
			code:   errInvalidRequest,
			says:   "The address must have the parameter client_id exactly once.",
			remedy: "Have the application send its client_id.",
		}
	}
	client, err := p.client(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return nil, p.unknownClient(ctx, id)
	}
	return client, err
}

// client finds a client, or makes one up in any-client mode.
func (p *Provider) client(ctx context.Context, id string) (*Client, error) {
	client, err := p.config.Storage.Client(ctx, id)
	if errors.Is(err, ErrNotFound) && p.config.DynamicRegistration {
		record, stored := p.config.Storage.Record(ctx, kindClient, id)
		var own *registered
		if own, err = valueOf[*registered](record, stored, p.now()); err == nil {
			return own.client, nil
		}
	}
	if errors.Is(err, ErrNotFound) && p.config.AnyClient && id != "" {
		p.config.Logger.InfoContext(ctx, "any-client mode: accepting a client that is not registered", "client_id", id)
		return anyClient(id), nil
	}
	return client, err
}

func (p *Provider) unknownClient(ctx context.Context, id string) error {
	clients, err := p.config.Storage.Clients(ctx)
	if err != nil {
		return err
	}
	known := make([]string, 0, len(clients))
	for _, one := range clients {
		known = append(known, one.ID)
	}
	return &pageError{
		title:  "This client is not registered",
		code:   errInvalidClient,
		says:   "No client has the client_id " + shorten(id, 200) + ".",
		remedy: "Correct the client_id in the application's settings, or add a Client document with this metadata.name to the seed. To accept every client, turn any-client mode on.",
		facts: []fact{
			{"client_id asked for", []string{shorten(id, 200)}},
			{"registered clients", firstOf(known, 30)},
		},
	}
}

// firstOf keeps a list on a page short.
func firstOf(list []string, n int) []string {
	if len(list) <= n {
		return list
	}
	return append(slices.Clone(list[:n]), fmt.Sprintf("and %d more", len(list)-n))
}

// askedRedirect checks redirect_uri. It must always be sent: OpenID Connect
// Core 1.0, section 3.1.2.1, is stricter here than RFC 6749.
func askedRedirect(client *Client, q params) (string, error) {
	uri := q.get("redirect_uri")
	if uri != "" && !q.isRepeated("redirect_uri") && client.redirectsTo(uri) {
		return uri, nil
	}
	e := &pageError{
		title: "This redirect URI is not registered",
		code:  errInvalidRequest,
		says:  "The client " + client.ID + " asked to be answered at an address that is not registered for it. Nothing was sent there.",
		facts: []fact{
			{"client", []string{client.ID}},
			{"redirect_uri asked for", []string{shorten(uri, 500)}},
			{"registered redirect URIs", firstOf(client.redirects(), 30)},
		},
		remedy: "Add the address to spec.redirect_uris of the Client document " + client.ID + ", or correct it in the application. The two are compared character by character.",
	}
	switch {
	case q.isRepeated("redirect_uri"):
		e.title, e.says = "Two redirect URIs", "The parameter redirect_uri is given more than once."
		e.remedy = "Have the application send redirect_uri exactly once."
	case uri == "":
		e.title, e.says = "Where should the answer go?", "The client "+client.ID+" sent no redirect_uri."
		e.remedy = "Have the application send redirect_uri, exactly as it is registered."
		e.facts = slices.Delete(e.facts, 1, 2)
	case client.anyone:
		e.title, e.says = "This redirect URI cannot be used", "In any-client mode a redirect URI must be an absolute http or https address without fragment."
		e.remedy = "Correct it in the application."
		e.facts = e.facts[:2]
	default:
		if hint := nearMiss(client.RedirectURIs, uri); hint != "" {
			e.remedy = hint + " " + e.remedy
		}
	}
	return "", e
}

// nearMiss says in what an asked redirect URI differs from a registered one, if
// it is in one of the usual ways.
func nearMiss(registered []string, asked string) string {
	a, err := url.Parse(asked)
	if err != nil {
		return ""
	}
	for _, uri := range registered {
		r, err := url.Parse(uri)
		if err != nil {
			continue
		}
		same := func(x, y url.URL) bool { return x.String() == y.String() }
		x, y := *r, *a
		if x.Path, y.Path = strings.TrimRight(x.Path, "/"), strings.TrimRight(y.Path, "/"); same(x, y) {
			return "It differs from a registered one in the slash at the end only."
		}
		x, y = *r, *a
		if x.Scheme, y.Scheme = "", ""; same(x, y) {
			return "It differs from a registered one in http and https only."
		}
		x, y = *r, *a
		if x.Host, y.Host = "", ""; !same(x, y) {
			continue
		}
		switch {
		case r.Hostname() == a.Hostname():
			return "It differs from a registered one in the port only."
		case r.Port() == a.Port() && strings.EqualFold(r.Hostname(), a.Hostname()):
			return "It differs from a registered one in capital letters of the host only."
		case r.Port() == a.Port() && isLoopback(r.Hostname()) && isLoopback(a.Hostname()):
			return "It differs from a registered one in localhost and 127.0.0.1 only, which are not the same here."
		}
	}
	return ""
}

func isLoopback(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

// readRest checks everything that the client may be told about by redirect.
func (p *Provider) readRest(request *authorization, q params) error {
	if err := q.once(); err != nil {
		return err
	}
	switch {
	case q.get("request") != "":
		return refuse(errRequestNotSupported, "request objects are not supported; send the parameters themselves")
	case q.get("request_uri") != "":
		return refuse(errRequestURINotSupported, "request_uri is supported only as the pushed authorization request endpoint gives it (RFC 9126)")
	case request.client.RequirePushed && !q.pushed:
		return refuse(errInvalidRequest, "the client '"+request.client.ID+"' must push its authorization requests (RFC 9126); send the parameters to "+p.base+p.config.Paths.Push+" first")
	case q.get("registration") != "":
		return refuse(errRegistrationUnsupported, "the registration parameter is not supported")
	}
	switch q.get("response_type") {
	case responseTypeCode:
	case "":
		return refuse(errInvalidRequest, "response_type is missing; it is code")
	default:
		return refuse(errUnsupportedResponseType, "response_type is '"+shorten(q.get("response_type"), 60)+"'; only code is supported")
	}
	switch q.get("response_mode") {
	case "", modeQuery, modeFragment, modeFormPost:
	default:
		return refuse(errInvalidRequest, "response_mode is '"+shorten(q.get("response_mode"), 60)+"'; there are query, fragment and form_post")
	}
	if !request.client.grants(GrantAuthorizationCode) {
		return refuse(errUnauthorizedClient, "the client '"+request.client.ID+"' may not use authorization_code; its grant_types are "+strings.Join(request.client.GrantTypes, ", "))
	}
	var err error
	if request.scope, err = scopeFor(request.client, q.get("scope"), true); err != nil {
		return err
	}
	if request.audience, err = audienceFor(request.client, q, nil); err != nil {
		return err
	}
	request.nonce, request.size = q.get("nonce"), q.size()
	if request.jkt = q.get("dpop_jkt"); request.jkt != "" && !isThumbprint(request.jkt) {
		return refuse(errInvalidRequest, "dpop_jkt must be the base64url SHA-256 thumbprint of a key, 43 characters long (RFC 9449, section 10)")
	}
	if err := p.readClaimsWishes(request, q); err != nil {
		return err
	}
	if err := p.readChallenge(request, q); err != nil {
		return err
	}
	return p.readSignInWishes(request, q)
}

// readSignInWishes reads what a client asks of the sign-in itself.
func (p *Provider) readSignInWishes(request *authorization, q params) error {
	request.prompt = parseScope(q.get("prompt"))
	for _, one := range request.prompt {
		switch one {
		case promptNone:
			if len(request.prompt) > 1 {
				return refuse(errInvalidRequest, "prompt=none cannot be joined with other values")
			}
		case promptLogin, promptSelectAccount, promptConsent:
		default:
			return refuse(errInvalidRequest, "prompt is '"+shorten(one, 60)+"'; there are none, login, select_account and consent")
		}
	}
	request.loginHint = q.get("login_hint")
	request.maxAge = -1
	if s := q.get("max_age"); s != "" {
		age, err := strconv.ParseUint(s, 10, 32)
		if err != nil {
			return refuse(errInvalidRequest, "max_age is '"+shorten(s, 20)+"'; it is a number of seconds")
		}
		request.maxAge = int64(age)
	}
	if hint := q.get("id_token_hint"); hint != "" {
		claims, err := p.keys().verifyHint(hint, p.config.Issuer)
		if err != nil {
			return refuse(errInvalidRequest, "id_token_hint is not accepted: "+err.Error())
		}
		if request.hintedSub != "" && request.hintedSub != claims.Subject {
			return refuse(errInvalidRequest, "id_token_hint and the claims parameter ask for two different people")
		}
		request.hintedSub = claims.Subject
	}
	return nil
}
