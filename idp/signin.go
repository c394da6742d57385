package idp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
)

// pending is an authorization request that waits for someone to sign in. The
// request is kept as it came and read again when it goes on, so that what has
// changed in between (a client removed, a redirect URI taken off) counts.
type pending struct {
	query params
	// browser is the digest of the cookie of the browser that brought it.
	browser string
}

// openSignIn keeps the request and leads to the page.
func (p *Provider) openSignIn(c echo.Context, q params) error {
	browser := p.browser(c)
	var id string
	err := p.config.Storage.Update(c.Request().Context(), func(tx Tx) (err error) {
		if browser == "" {
			if browser, err = p.newID(tx); err != nil {
				return err
			}
		}
		if id, err = p.newID(tx); err != nil {
			return err
		}
		return tx.Put(Record{
			Kind: kindPending, ID: id, Expires: p.now().Add(pendingLifetime), Size: q.size(),
			Value: &pending{query: q, browser: digest(browser)},
		})
	})
	if err != nil {
		return fmt.Errorf("keeping the authorization request: %w", err)
	}
	c.SetCookie(p.cookie(p.browserCookie(), browser))
	return redirect(c, p.path+p.config.Paths.SignIn+"?request="+url.QueryEscape(id))
}

// visit is one look at the sign-in page.
type visit struct {
	id      string
	token   string
	request *authorization
	current *session
	person  *Person // of current
	filter  string
	// login was typed, alert says why it was refused.
	login, alert string
	// editClaims and editGroups were typed to change claims for this sign-in,
	// edit is what they mean.
	editClaims, editGroups string
	edit                   map[string]any
	// device is what waits for the sign-in in place of a client's redirect.
	device *deviceRequest
}

// signIn is the page: GET shows it, POST is one of its buttons.
func (p *Provider) signIn(c echo.Context) error {
	noStore(c)
	q, err := p.queryOrForm(c)
	if err == nil {
		err = q.once()
	}
	if err != nil {
		return err
	}
	v, err := p.visitOf(c, q)
	if err != nil {
		return err
	}
	if c.Request().Method == http.MethodGet {
		v.filter = strings.TrimSpace(q.get("filter"))
		return p.signInPage(c, http.StatusOK, v)
	}
	if !sameToken(v.token, q.get("token")) {
		return errForeignForm
	}
	return p.pressed(c, q, v)
}

var errForeignForm = &pageError{
	title:  "This form is not of this browser",
	status: http.StatusForbidden,
	says:   "The form that was sent does not belong to the sign-in that this browser has open.",
	remedy: "Go back to the application and sign in again.",
}

// visitOf finds the request that waits, for the browser that brought it.
func (p *Provider) visitOf(c echo.Context, q params) (*visit, error) {
	ctx := c.Request().Context()
	id := q.get("request")
	record, err := p.config.Storage.Record(ctx, kindPending, id)
	waiting, err := valueOf[*pending](record, err, p.now())
	if errors.Is(err, ErrNotFound) {
		return nil, &pageError{
			title:  "This sign-in is over",
			says:   "It was finished already, or the page was open for longer than " + pendingLifetime.String() + ".",
			remedy: "Go back to the application and sign in again.",
		}
	}
	if err != nil {
		return nil, err
	}
	browser := p.browser(c)
	if browser == "" || !sameToken(waiting.browser, digest(browser)) {
		return nil, &pageError{
			title:  "This sign-in was begun in another browser",
			status: http.StatusForbidden,
			says:   "The cookie that was set when it began did not come along.",
			remedy: "Go back to the application and sign in again. If it happens each time, allow cookies for this host, and open the application and this page under the same host name all the way: localhost and 127.0.0.1 are two.",
		}
	}
	request, err := p.readAuthorization(ctx, waiting.query)
	if err != nil {
		return nil, err
	}
	v := &visit{id: id, token: p.formToken(id, browser), request: request}
	v.current, v.person, err = p.sessionOf(c)
	return v, err
}

// pressed does what the button says.
func (p *Provider) pressed(c echo.Context, q params, v *visit) error {
	ctx := c.Request().Context()
	switch {
	case q.get("cancel") != "" && v.device != nil:
		return p.refuseDevice(c, v)

	case q.get("cancel") != "":
		if err := p.closeSignIn(ctx, v.id); err != nil {
			return err
		}
		return &redirectError{refuse(errAccessDenied, "the person cancelled the sign-in"), v.request.to}

	case q.get("continue") != "":
		if !p.mayContinue(v) {
			v.alert = "You have to sign in again."
			return p.signInPage(c, http.StatusForbidden, v)
		}
		if v.device != nil {
			return p.connectDevice(c, v)
		}
		if err := p.closeSignIn(ctx, v.id); err != nil {
			return err
		}
		return toClient(p.complete(c, v.request, v.current), v.request.to)

	}
	if err := p.readEdits(q, v); err != nil {
		v.alert, v.login = sentence(err), q.get("login")
		return p.signInPage(c, http.StatusUnprocessableEntity, v)
	}
	switch {
	case q.get("person") != "" && !p.config.RequirePassword:
		person, err := p.config.Storage.Person(ctx, q.get("person"))
		if errors.Is(err, ErrNotFound) {
			v.alert = "There is nobody of the login " + shorten(q.get("person"), 60) + " any more."
			return p.signInPage(c, http.StatusForbidden, v)
		}
		if err != nil {
			return err
		}
		return p.admit(c, v, person)

	default:
		v.login = q.get("login")
		person, err := p.byPassword(ctx, v.login, q.get("password"))
		if err != nil {
			return err
		}
		if person == nil {
			v.alert = wrongPassword
			return p.signInPage(c, http.StatusForbidden, v)
		}
		return p.admit(c, v, person)
	}
}

// readEdits reads the claims that were changed for this sign-in.
func (p *Provider) readEdits(q params, v *visit) (err error) {
	v.editClaims, v.editGroups = q.get("claims"), q.get("groups")
	v.edit, err = p.readEdit(v.editClaims, v.editGroups)
	return err
}

const wrongPassword = "Login or password is wrong."

// byPassword finds the person of a login, or e-mail address, and password; nil
// if there is none.
func (p *Provider) byPassword(ctx context.Context, login, password string) (*Person, error) {
	person, err := p.named(ctx, login)
	if err != nil {
		return nil, err
	}
	if person == nil {
		// As slow as for someone who is there.
		(&Person{}).hasPassword(password)
		return nil, nil
	}
	if !person.hasPassword(password) {
		return nil, nil
	}
	return person, nil
}

// named finds the person of a login or of an e-mail address; nil if there is
// none.
func (p *Provider) named(ctx context.Context, name string) (*Person, error) {
	if name == "" {
		return nil, nil
	}
	person, err := p.config.Storage.Person(ctx, name)
	if err == nil {
		return person, nil
	}
	if !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	if !strings.Contains(name, "@") {
		return nil, nil
	}
	people, err := p.config.Storage.People(ctx)
	if err != nil {
		return nil, err
	}
	for _, one := range people {
		if one.isCalled(name) {
			return one, nil
		}
	}
	return nil, nil
}

// mayContinue tells whether the session in this browser would do if only the
// person said so.
func (p *Provider) mayContinue(v *visit) bool {
	if v.current == nil || v.request.prompt.has(promptLogin) {
		return false
	}
	asked := *v.request
	asked.prompt, asked.loginHint = nil, ""
	return p.whySignIn(&asked, v.current, v.person) == ""
}

// admit signs the person in and answers the request that waited.
func (p *Provider) admit(c echo.Context, v *visit, person *Person) error {
	ctx := c.Request().Context()
	switch {
	case person.Disabled:
		v.alert = person.Name + " is disabled and cannot sign in."
	case v.request.hintedSub != "" && v.request.hintedSub != p.subject(person, v.request.client, inID):
		v.alert = v.request.client.Name + " asks for the person who was signed in before (id_token_hint), and that is not " + person.Name + "."
	}
	if v.alert != "" {
		p.config.Logger.InfoContext(ctx, "sign-in refused", "login", person.Login, "client_id", v.request.client.ID, "reason", v.alert)
		return p.signInPage(c, http.StatusForbidden, v)
	}
	var code string
	var signedIn *session
	err := p.config.Storage.Update(ctx, func(tx Tx) (err error) {
		if err = tx.Delete(kindPending, v.id); err != nil {
			return err
		}
		// The old session's id must not live on in the new one's place.
		if v.current != nil {
			if err = tx.Delete(kindSession, v.current.SID); err != nil {
				return err
			}
		}
		if signedIn, err = p.newSession(tx, person.Login, p.reachedACR(v.request), v.edit); err != nil {
			return err
		}
		if v.device != nil {
			return p.allowDevice(tx, v.device, v.request, signedIn)
		}
		code, err = p.newCode(tx, v.request, signedIn)
		return err
	})
	if err != nil && v.device == nil {
		err = toClient(err, v.request.to)
	}
	if err != nil {
		return fmt.Errorf("signing in: %w", err)
	}
	p.config.Logger.InfoContext(ctx, "signed in", "login", person.Login, "client_id", v.request.client.ID, "changed_claims", len(v.edit))
	c.SetCookie(p.cookieOf(signedIn))
	if v.device != nil {
		return p.devicePage(c, http.StatusOK, deviceView{Done: true, Client: v.request.client.Name})
	}
	return p.respondCode(c, v.request, code)
}

func (p *Provider) closeSignIn(ctx context.Context, id string) error {
	err := p.config.Storage.Update(ctx, func(tx Tx) error { return tx.Delete(kindPending, id) })
	if err != nil {
		return fmt.Errorf("closing the sign-in: %w", err)
	}
	return nil
}
