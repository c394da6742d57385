package idp

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"
)

// farewell is a checked logout request.
type farewell struct {
	client *Client
	// hint are the claims of a good id_token_hint.
	hint *readClaims
	// hintFault says why a hint is not good.
	hintFault string
	to        string
	state     string
}

// logout is OpenID Connect RP-Initiated Logout 1.0. Whoever shows an ID token
// of the session is believed; everyone else has to confirm, or any page could
// sign people out by a link.
func (p *Provider) logout(c echo.Context) error {
	noStore(c)
	q, err := p.queryOrForm(c)
	if err == nil {
		err = q.once()
	}
	if err != nil {
		return err
	}
	bye, err := p.readFarewell(c, q)
	if err != nil {
		return err
	}
	current, person, err := p.sessionOf(c)
	if err != nil {
		return err
	}
	sids := make([]string, 0, 2)
	if bye.hint != nil && bye.hint.SID != "" {
		sids = append(sids, bye.hint.SID)
	}
	if current == nil {
		if bye.hint == nil && c.Request().Method == http.MethodPost {
			// A POST from another site comes without the Lax cookie; a GET
			// that follows it has it.
			return redirect(c, p.path+p.config.Paths.Logout+"?"+q.values.Encode())
		}
		return p.sayFarewell(c, bye, sids)
	}
	token := p.formToken("logout", current.SID)
	confirmed := c.Request().Method == http.MethodPost && sameToken(q.get("token"), token)
	if !confirmed && !p.isOf(bye, person) {
		return p.confirmPage(c, bye, person, q, token)
	}
	if current.SID != bye.sid() {
		sids = append(sids, current.SID)
	}
	return p.sayFarewell(c, bye, sids)
}

// isOf tells whether the hint is an ID token of the person, who may have
// another sub at each client.
func (p *Provider) isOf(f *farewell, person *Person) bool {
	if f.hint == nil {
		return false
	}
	if f.client == nil {
		return f.hint.Subject == person.Sub
	}
	return f.hint.Subject == p.subject(person, f.client, inID)
}

func (f *farewell) sid() string {
	if f.hint == nil {
		return ""
	}
	return f.hint.SID
}

// readFarewell checks hint, client and the address to return to. A hint may
// have expired (section 2); one that is not ours is no error but no proof.
func (p *Provider) readFarewell(c echo.Context, q params) (*farewell, error) {
	ctx := c.Request().Context()
	bye := &farewell{to: q.get("post_logout_redirect_uri"), state: q.get("state")}
	id := q.get("client_id")
	if hint := q.get("id_token_hint"); hint != "" {
		claims, err := p.keys().verifyHint(hint, p.config.Issuer)
		switch {
		case err != nil:
			bye.hintFault = err.Error()
		case id != "" && !claims.hasAudience(id):
			return nil, &pageError{
				title:  "Two clients at once",
				code:   errInvalidRequest,
				says:   "The id_token_hint was given to another client than client_id names.",
				remedy: "Have the application send the ID token that it got itself.",
				facts:  []fact{{"client_id", []string{shorten(id, 200)}}, {"client of the ID token", []string{claims.AZP}}},
			}
		default:
			bye.hint = claims
			if id == "" {
				id = claims.AZP
			}
		}
	}
	if id != "" {
		client, err := p.client(ctx, id)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		if err != nil && bye.to != "" {
			return nil, p.unknownClient(ctx, id)
		}
		bye.client = client
	}
	if bye.to == "" {
		return bye, nil
	}
	if bye.client == nil {
		remedy := "Have the application send id_token_hint or client_id along with post_logout_redirect_uri."
		if bye.hintFault != "" {
			remedy += " It did send an id_token_hint, but " + bye.hintFault + "."
		}
		return nil, &pageError{
			title: "Whose address is this?", code: errInvalidRequest,
			says:   "A post_logout_redirect_uri was given, but nothing tells which client's it is. Nobody was signed out.",
			remedy: remedy,
			facts:  []fact{{"post_logout_redirect_uri asked for", []string{shorten(bye.to, 500)}}},
		}
	}
	if !bye.client.logsOutTo(bye.to) {
		return nil, &pageError{
			title: "This address is not registered for logout", code: errInvalidRequest,
			says:   "The client " + bye.client.ID + " asked to return to an address that is not registered for it. It is not followed, and nobody was signed out.",
			remedy: "Add the address to spec.post_logout_redirect_uris of the Client document " + bye.client.ID + ", or correct it in the application. The two are compared character by character.",
			facts: []fact{
				{"client", []string{bye.client.ID}},
				{"post_logout_redirect_uri asked for", []string{shorten(bye.to, 500)}},
				{"registered", firstOf(bye.client.PostLogoutRedirectURIs, 30)},
			},
		}
	}
	return bye, nil
}

// sayFarewell ends the sessions and the grants made in them, and returns to the
// client or shows a page.
func (p *Provider) sayFarewell(c echo.Context, bye *farewell, sids []string) error {
	told, err := p.listeners(c.Request().Context(), sids)
	if err != nil {
		return err
	}
	if len(sids) > 0 {
		err := p.config.Storage.Update(c.Request().Context(), func(tx Tx) error {
			for _, sid := range sids {
				if err := tx.DeleteFamily(sid); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("signing out: %w", err)
		}
		p.config.Logger.InfoContext(c.Request().Context(), "signed out", "client_id", bye.clientID())
	}
	p.clearSessionCookie(c)
	p.callBack(c.Request().Context(), told)
	to := bye.to
	if to != "" && bye.state != "" {
		to = withQuery(to, []pair{{"state", bye.state}})
	}
	if frames := p.frames(told); to == "" || len(frames) > 0 {
		return p.farewellPage(c, to, frames)
	}
	return redirect(c, to)
}

func (f *farewell) clientID() string {
	if f.client == nil {
		return ""
	}
	return f.client.ID
}
