package control

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/server/store"
)

// Settings are what a client has to agree with the server about. No secret is
// among them.
type Settings struct {
	PublicURL     string `json:"public_url"`
	Issuer        string `json:"issuer"`         // of the built-in identity provider
	TrustedIssuer string `json:"trusted_issuer"` // whose tokens the Console accepts
	UsernameClaim string `json:"username_claim"`
	GroupsClaim   string `json:"groups_claim"`
	APIKeyClaim   string `json:"api_key_claim"`
	AnyClient     bool   `json:"any_client"`
	// Clients are the registered relying parties.
	Clients []ClientSettings `json:"clients"`
}

// ClientSettings are a registered client as far as others may know it.
type ClientSettings struct {
	ClientID     string   `json:"client_id"`
	Name         string   `json:"client_name"`
	RedirectURIs []string `json:"redirect_uris"`
}

func (t *Control) settings(c echo.Context) error {
	clients, err := store.Directory{World: t.World}.Clients(c.Request().Context())
	if err != nil {
		return err
	}
	settings := t.Settings
	settings.Clients = []ClientSettings{}
	for _, client := range clients {
		settings.Clients = append(settings.Clients, ClientSettings{ClientID: client.ID, Name: client.Name,
			RedirectURIs: append([]string{}, client.RedirectURIs...)})
	}
	return c.JSON(http.StatusOK, settings)
}

// authority answers the development CA, to be trusted by browsers and programs.
func (t *Control) authority(c echo.Context) error {
	if t.CA == nil {
		return c.JSON(http.StatusNotFound, failure{Error: "the server has no development CA", Remedy: "start it with --tls"})
	}
	return c.Blob(http.StatusOK, "application/x-pem-file", t.CA)
}
