package idp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// pushedPrefix begins every request_uri that this provider gives out (RFC 9126,
// section 2.2).
const pushedPrefix = "urn:ietf:params:oauth:request_uri:"

// pushedLifetime is how long a pushed request waits; it serves once.
const pushedLifetime = time.Minute

// push is the pushed authorization request endpoint (RFC 9126): the request is
// checked as the authorization endpoint would, and all that is wrong is told in
// JSON.
func (p *Provider) push(c echo.Context) error {
	q, err := p.form(c)
	if err == nil {
		err = q.once()
	}
	if err != nil {
		return err
	}
	client, err := p.authenticate(c, q)
	if err != nil {
		return err
	}
	if q.get("request_uri") != "" {
		return refuse(errInvalidRequest, "request_uri must not be pushed (RFC 9126, section 2.1)")
	}
	q = q.withoutCredentials(client)
	if q.jkt, err = p.proofHere(c); err != nil {
		return err
	}
	if q.jkt != "" {
		if jkt := q.get("dpop_jkt"); jkt != "" && jkt != q.jkt {
			return refuse(errInvalidProof, "dpop_jkt is not the thumbprint of the key of the DPoP proof (RFC 9449, section 10.1)")
		}
		q.values.Set("dpop_jkt", q.jkt)
	}
	if _, err := p.readAuthorization(c.Request().Context(), q); err != nil {
		return inJSON(err)
	}
	var uri string
	err = p.config.Storage.Update(c.Request().Context(), func(tx Tx) error {
		id, err := p.newID(tx)
		if err != nil {
			return err
		}
		uri = pushedPrefix + p.handle(purposePushed, id, 0)
		return tx.Put(Record{Kind: kindPushed, ID: id, Expires: p.now().Add(pushedLifetime), Size: q.size(), Value: q})
	})
	if err != nil {
		return fmt.Errorf("keeping a pushed request: %w", err)
	}
	noStore(c)
	return c.JSON(http.StatusCreated, struct {
		RequestURI string `json:"request_uri"`
		ExpiresIn  int64  `json:"expires_in"`
	}{uri, int64(pushedLifetime / time.Second)})
}

// proofHere is the key that a pushed request is to be bound to.
func (p *Provider) proofHere(c echo.Context) (string, error) {
	jkt, err := p.proofOf(c, p.config.Paths.Push, "")
	if err != nil {
		return "", asProofError(err)
	}
	return jkt, nil
}

// withoutCredentials leaves the parameters of the authorization request, marked
// as pushed by the client.
func (q params) withoutCredentials(client *Client) params {
	values := url.Values{}
	for name, list := range q.values {
		switch name {
		case "client_secret", "client_assertion", "client_assertion_type":
		default:
			values[name] = list
		}
	}
	values.Set("client_id", client.ID)
	return params{values: values, pushed: true}
}

// inJSON tells in JSON what the authorization endpoint would by a page or a
// redirect (RFC 9126, section 2.3).
func inJSON(err error) error {
	var redirect *redirectError
	if errors.As(err, &redirect) {
		return redirect.refusal
	}
	var page *pageError
	if errors.As(err, &page) {
		return refuse(page.code, page.says+" "+page.remedy)
	}
	return err
}

// pulled puts the pushed parameters in place of the request_uri that stands for
// them (RFC 9126, section 4), and all others are passed over. It serves once.
func (p *Provider) pulled(ctx context.Context, q params) (params, error) {
	uri := q.get("request_uri")
	handle, ok := strings.CutPrefix(uri, pushedPrefix)
	if !ok || q.isRepeated("request_uri") {
		return q, nil
	}
	id, _, ok := p.open(purposePushed, handle)
	if !ok {
		return q, wrongRequestURI("it was never given out by this issuer")
	}
	var pushed params
	err := p.config.Storage.Update(ctx, func(tx Tx) error {
		record, err := tx.Record(kindPushed, id)
		pushed, err = valueOf[params](record, err, p.now())
		switch {
		case errors.Is(err, ErrNotFound):
			return wrongRequestURI("it was used already, or has expired after " + pushedLifetime.String())
		case err != nil:
			return err
		case q.get("client_id") != pushed.get("client_id"):
			return wrongRequestURI("it was given to another client than client_id names")
		}
		return tx.Delete(kindPushed, id)
	})
	if err != nil {
		return q, fmt.Errorf("taking a pushed request: %w", err)
	}
	return pushed, nil
}

func wrongRequestURI(reason string) error {
	return &pageError{
		title:  "This request_uri is not accepted",
		code:   errInvalidRequestURI,
		says:   "The application sent a request_uri, but " + reason + ".",
		remedy: "Go back to the application and sign in again. The application has to push its request anew for each sign-in (RFC 9126).",
	}
}
