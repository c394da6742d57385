package idp

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// inVendorsWords turns the discovery document into the vendor's: without what
// the vendor does not have, with what it has otherwise.
func (p *Provider) inVendorsWords(body []byte, back string) []byte {
	pairwise := p.shape.Subject == SubjectPairwise
	if p.profile.name == ProfileGeneric && !pairwise {
		return body
	}
	var document map[string]any
	if err := json.Unmarshal(body, &document); err != nil {
		// It was encoded a moment ago.
		panic("idp: reading the discovery document: " + err.Error())
	}
	for name, value := range document {
		// An endpoint without path is one that the vendor has not.
		if address, ok := value.(string); ok && name != "issuer" && (address == p.base || address == back) {
			delete(document, name)
		}
	}
	if document["revocation_endpoint"] == nil {
		delete(document, "revocation_endpoint_auth_methods_supported")
		delete(document, "revocation_endpoint_auth_signing_alg_values_supported")
	}
	for name, value := range p.profile.with {
		document[name] = value
	}
	for _, name := range p.profile.without {
		delete(document, name)
	}
	if pairwise {
		document["subject_types_supported"] = []string{SubjectPairwise}
	} else {
		document["subject_types_supported"] = []string{SubjectPublic}
	}
	body, err := json.Marshal(document)
	if err != nil {
		panic("idp: encoding the discovery document: " + err.Error())
	}
	return body
}

// accessDiscovery is the discovery document of the issuer that access tokens
// name where it is another one: same keys, same endpoints.
func (p *Provider) accessDiscovery(c echo.Context) error {
	var document map[string]any
	if err := json.Unmarshal(p.published.Load().at(p, c.Request()).body, &document); err != nil {
		return err
	}
	document["issuer"] = p.access
	body, err := json.Marshal(document)
	if err != nil {
		return err
	}
	return keep(body).answer(c)
}

// Neighbours is the path, ending in a slash, below which the vendor answers
// also for what is not there, such as /realms/. Empty: there is none.
func (p *Provider) Neighbours() string { return p.profile.neighbours }

// ServeNeighbour answers for one of Neighbours that is not there.
func (p *Provider) ServeNeighbour(c echo.Context, name string) error {
	allowOrigin(c)
	setReason(c, "there is no "+name+" here; an issuer is "+p.config.Issuer)
	noStore(c)
	status, body := p.profile.lost(p, name)
	return c.JSON(status, body)
}

// groupsEndpoint is where the groups of a person are who has too many for a
// token.
func groupsEndpoint(p *Provider, person *Person) string {
	return "/users/" + entraObject(person) + "/getMemberObjects"
}

// memberGroups answers at that place: all groups of the person, to whoever has
// an access token of theirs. false: the request is for something else.
func (p *Provider) memberGroups(c echo.Context) (bool, error) {
	path := c.Request().URL.Path
	i := strings.LastIndex(path, "/users/")
	if i < 0 || !strings.HasSuffix(path, "/getMemberObjects") || p.shape.GroupsOverage != OveragePointer {
		return false, nil
	}
	return true, p.serve(route{methods: []string{http.MethodGet, http.MethodPost}, cors: true, handle: func(c echo.Context) error {
		token, scheme, err := p.bearer(c)
		if err != nil {
			return err
		}
		_, person, err := p.goodAccess(c.Request().Context(), token)
		if err != nil {
			return p.challenged(scheme, err)
		}
		if person == nil || !strings.HasSuffix(path, groupsEndpoint(p, person)) {
			return p.bearerError(http.StatusForbidden, errInsufficientScope, "the token is of someone else than the groups are asked of", "")
		}
		noStore(c)
		return c.JSON(http.StatusOK, map[string]any{"value": append([]string{}, slices.Clone(p.groupsNamed(person.Groups))...)})
	}})(c)
}

// logoutReturnTo is the logout of older clients: returnTo and client_id, and
// nobody is asked.
func (p *Provider) logoutReturnTo(c echo.Context) error {
	noStore(c)
	q, err := p.queryOrForm(c)
	if err == nil {
		err = q.once()
	}
	if err != nil {
		return err
	}
	if to := q.get("returnTo"); to != "" {
		q.values.Set("post_logout_redirect_uri", to)
	}
	bye, err := p.readFarewell(c, q)
	if err != nil {
		return err
	}
	current, _, err := p.sessionOf(c)
	if err != nil {
		return err
	}
	var sids []string
	if current != nil {
		sids = append(sids, current.SID)
	}
	return p.sayFarewell(c, bye, sids)
}
