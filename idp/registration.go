package idp

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// registrable are the metadata that a client may register for itself (RFC 7591,
// section 2, and the OpenID Connect and RFC 9126 and 9449 members of the same
// registry). Others are passed over, as section 2 demands; what else a Client
// document has is for whoever runs the provider.
var registrable = []string{
	"redirect_uris", "token_endpoint_auth_method", "grant_types", "client_name", "scope", "jwks",
	"post_logout_redirect_uris", "subject_type", "sector_identifier_uri", "id_token_signed_response_alg",
	"userinfo_signed_response_alg", "require_pushed_authorization_requests", "dpop_bound_access_tokens",
	"frontchannel_logout_uri", "backchannel_logout_uri",
}

const counterRegistered = "registered clients"

// registered is a client that registered itself. Immutable.
type registered struct {
	client   *Client
	metadata map[string]any
	at       time.Time
}

// register is the client registration endpoint (RFC 7591, section 3) and, with
// client_id in the address, the client configuration endpoint (RFC 7592).
func (p *Provider) register(c echo.Context) error {
	noStore(c)
	id := c.QueryParam("client_id")
	if c.Request().Method == http.MethodPost {
		return p.registerNew(c)
	}
	old, err := p.ownRegistration(c, id)
	if err != nil {
		return err
	}
	switch c.Request().Method {
	case http.MethodPut:
		return p.reregister(c, old)
	case http.MethodDelete:
		return p.deregister(c, old)
	}
	return c.JSON(http.StatusOK, p.registrationAnswer(old))
}

func (p *Provider) registerNew(c echo.Context) error {
	metadata, err := p.readMetadata(c)
	if err != nil {
		return err
	}
	var fresh *registered
	err = p.config.Storage.Update(c.Request().Context(), func(tx Tx) error {
		if err := p.countRegistered(tx, 1); err != nil {
			return err
		}
		id, err := p.newID(tx)
		if err != nil {
			return err
		}
		if fresh, err = p.registeredAs(id, metadata); err != nil {
			return err
		}
		fresh.at = p.now()
		return tx.Put(Record{Kind: kindClient, ID: id, Value: fresh})
	})
	if err != nil {
		return fmt.Errorf("registering a client: %w", err)
	}
	p.config.Logger.InfoContext(c.Request().Context(), "client registered", "client_id", fresh.client.ID, "client_name", fresh.client.Name)
	return c.JSON(http.StatusCreated, p.registrationAnswer(fresh))
}

// countRegistered keeps the number of registered clients.
func (p *Provider) countRegistered(tx Tx, change int) error {
	record, err := tx.Record(kindCounter, counterRegistered)
	n, err := valueOf[int](record, err, p.now())
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if n += change; change > 0 && n > p.config.Limits.Clients {
		return &Error{Status: http.StatusServiceUnavailable, Code: errServerError, Description: fmt.Sprintf("%d clients have registered already; delete some (RFC 7592), reset the world, or start the server with --limit clients=N", p.config.Limits.Clients)}
	}
	return tx.Put(Record{Kind: kindCounter, ID: counterRegistered, Value: n})
}

// readMetadata reads the JSON object of a registration.
func (p *Provider) readMetadata(c echo.Context) (map[string]any, error) {
	r := c.Request()
	if kind, _, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType)); err != nil || kind != echo.MIMEApplicationJSON {
		return nil, refuse(errInvalidClientMetadata, "the Content-Type must be application/json, is '"+shorten(r.Header.Get(echo.HeaderContentType), 60)+"'")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, int64(p.config.Limits.Form)+1))
	if err != nil {
		return nil, refuse(errInvalidClientMetadata, "the body could not be read")
	}
	if len(body) > p.config.Limits.Form {
		return nil, &Error{Status: http.StatusRequestEntityTooLarge, Code: errInvalidClientMetadata, Description: fmt.Sprintf("the metadata are larger than %d bytes (limit form; start the server with --limit form=N to raise it)", p.config.Limits.Form)}
	}
	var metadata map[string]any
	if err := json.Unmarshal(body, &metadata); err != nil || metadata == nil {
		return nil, refuse(errInvalidClientMetadata, "the body must be a JSON object of client metadata (RFC 7591, section 3.1)")
	}
	return metadata, nil
}

// registeredAs makes a client of metadata, with the defaults of RFC 7591,
// section 2, where those of a Client document differ.
func (p *Provider) registeredAs(id string, metadata map[string]any) (*registered, error) {
	if err := checkResponseTypes(metadata["response_types"]); err != nil {
		return nil, err
	}
	if metadata["jwks_uri"] != nil {
		return nil, refuse(errInvalidClientMetadata, "jwks_uri is not supported, for nothing is fetched; send the keys as jwks")
	}
	spec := map[string]any{"token_endpoint_auth_method": AuthBasic, "grant_types": []any{GrantAuthorizationCode}}
	for _, name := range registrable {
		if value := metadata[name]; value != nil {
			spec[name] = value
		}
	}
	secret := ""
	if method := spec["token_endpoint_auth_method"]; method != AuthNone && method != AuthPrivateKey {
		secret = p.handle(purposeSecret, id, 0)
	}
	client, problems := clientOfMetadata(id, secret, spec)
	if len(problems) > 0 {
		field := strings.TrimPrefix(problems[0].Path, "spec.")
		code := errInvalidClientMetadata
		if strings.HasPrefix(field, "redirect_uris") {
			code = errInvalidRedirectURI
		}
		return nil, refuse(code, field+" "+problems[0].Reason)
	}
	spec["response_types"] = []any{responseTypeCode}
	if !client.grants(GrantAuthorizationCode) {
		spec["response_types"] = []any{}
	}
	return &registered{client: client, metadata: spec}, nil
}

// clientOfMetadata makes the client that registered with metadata; secret is
// empty for one that has none.
func clientOfMetadata(id, secret string, metadata map[string]any) (*Client, []Problem) {
	spec := maps.Clone(metadata)
	delete(spec, "response_types") // a Client document has none
	if secret != "" {
		spec["client_secret"] = secret
	}
	return ParseClient(map[string]any{"metadata": map[string]any{"name": id}, "spec": spec})
}

func checkResponseTypes(v any) error {
	if v == nil {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		return refuse(errInvalidClientMetadata, "response_types must be a list of strings, is "+typeName(v))
	}
	for _, one := range list {
		if one != responseTypeCode {
			return refuse(errInvalidClientMetadata, fmt.Sprintf("response_types has %q; only code is supported", shorten(fmt.Sprint(one), 60)))
		}
	}
	return nil
}

// registrationAnswer is what the client gets to know (RFC 7591, section 3.2.1,
// and RFC 7592, section 3).
func (p *Provider) registrationAnswer(r *registered) map[string]any {
	answer := maps.Clone(r.metadata)
	answer["client_id"] = r.client.ID
	answer["client_id_issued_at"] = r.at.Unix()
	answer["registration_access_token"] = p.handle(purposeRegistration, r.client.ID, 0)
	answer["registration_client_uri"] = p.base + p.config.Paths.Register + "?client_id=" + url.QueryEscape(r.client.ID)
	if r.client.Secret != "" {
		answer["client_secret"] = r.client.Secret
		answer["client_secret_expires_at"] = 0
	}
	return answer
}

// ownRegistration finds the client whose registration access token the request
// bears. A token of a client that is gone is like any wrong one (RFC 7592,
// section 2).
func (p *Provider) ownRegistration(c echo.Context, id string) (*registered, error) {
	scheme, token, _ := strings.Cut(c.Request().Header.Get(echo.HeaderAuthorization), " ")
	of, _, ok := p.open(purposeRegistration, strings.TrimSpace(token))
	if !strings.EqualFold(scheme, schemeBearer) || !ok || of != id {
		return nil, p.invalidToken("the Authorization header must be Bearer and the registration_access_token of the client, whose client_id the address names")
	}
	record, err := p.config.Storage.Record(c.Request().Context(), kindClient, id)
	r, err := valueOf[*registered](record, err, p.now())
	if errors.Is(err, ErrNotFound) {
		return nil, p.invalidToken("the client is not registered any more")
	}
	return r, err
}

// reregister replaces all metadata (RFC 7592, section 2.2); client_id and secret
// stay.
func (p *Provider) reregister(c echo.Context, old *registered) error {
	metadata, err := p.readMetadata(c)
	if err != nil {
		return err
	}
	if metadata["client_id"] != old.client.ID {
		return refuse(errInvalidRequest, "the metadata must have the client_id of the client (RFC 7592, section 2.2)")
	}
	for _, name := range []string{"registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"} {
		if _, ok := metadata[name]; ok {
			return refuse(errInvalidRequest, name+" must not be sent (RFC 7592, section 2.2)")
		}
	}
	if secret, ok := metadata["client_secret"]; ok {
		if s, isText := secret.(string); !isText || !sameSecret(old.client.Secret, s) {
			return refuse(errInvalidRequest, "client_secret is not the one of the client; it cannot be chosen")
		}
	}
	fresh, err := p.registeredAs(old.client.ID, metadata)
	if err != nil {
		return err
	}
	fresh.at = old.at
	err = p.config.Storage.Update(c.Request().Context(), func(tx Tx) error {
		if _, err := tx.Record(kindClient, old.client.ID); err != nil {
			if errors.Is(err, ErrNotFound) {
				return p.invalidToken("the client is not registered any more")
			}
			return err
		}
		return tx.Put(Record{Kind: kindClient, ID: old.client.ID, Value: fresh})
	})
	if err != nil {
		return fmt.Errorf("changing a registration: %w", err)
	}
	return c.JSON(http.StatusOK, p.registrationAnswer(fresh))
}

func (p *Provider) deregister(c echo.Context, old *registered) error {
	err := p.config.Storage.Update(c.Request().Context(), func(tx Tx) error {
		if _, err := tx.Record(kindClient, old.client.ID); err != nil {
			if errors.Is(err, ErrNotFound) {
				return nil
			}
			return err
		}
		if err := p.countRegistered(tx, -1); err != nil {
			return err
		}
		return tx.Delete(kindClient, old.client.ID)
	})
	if err != nil {
		return fmt.Errorf("deleting a registration: %w", err)
	}
	return c.NoContent(http.StatusNoContent)
}
