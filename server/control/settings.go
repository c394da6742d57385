package control

import (
	"net/http"

	"github.com/mockduktor/mockduktor/server/store"
)

// Settings are what a client has to agree with the server about. No secret is
// among them.
type Settings struct {
	PublicURL string `json:"public_url"`
	Issuer    string `json:"issuer"` // of the built-in identity provider
	// Issuers are those of the further identity providers, by their names.
	Issuers       map[string]string `json:"issuers,omitempty"`
	TrustedIssuer string            `json:"trusted_issuer"` // whose tokens the Console accepts
	UsernameClaim string            `json:"username_claim"`
	GroupsClaim   string            `json:"groups_claim"`
	APIKeyClaim   string            `json:"api_key_claim"`
	AnyClient     bool              `json:"any_client"`
	// Sandbox is the id of the sandbox that answers; empty outside of any.
	Sandbox string `json:"sandbox,omitempty"`
	// Clients are the registered relying parties.
	Clients []ClientSettings `json:"clients"`
}

// ClientSettings are a registered client as far as others may know it.
type ClientSettings struct {
	ClientID     string   `json:"client_id"`
	Name         string   `json:"client_name"`
	RedirectURIs []string `json:"redirect_uris"`
	// RedirectPatterns stand for further ones; none where it is empty.
	RedirectPatterns []string `json:"redirect_uri_patterns,omitempty"`
}

func registerSettings(add adder) {
	add(http.MethodGet, "/_mock/settings", showSettings)
	add(http.MethodGet, "/_mock/ca.pem", authority)
}

func showSettings(c *call) error {
	clients, err := store.Directory{World: c.World}.Clients(c.Request().Context())
	if err != nil {
		return err
	}
	settings := c.Settings
	settings.Clients = []ClientSettings{}
	for _, client := range clients {
		one := ClientSettings{ClientID: client.ID, Name: client.Name, RedirectURIs: append([]string{}, client.RedirectURIs...)}
		for _, pattern := range client.RedirectPatterns {
			one.RedirectPatterns = append(one.RedirectPatterns, pattern.String())
		}
		settings.Clients = append(settings.Clients, one)
	}
	return c.JSON(http.StatusOK, settings)
}

// authority answers the development CA, to be trusted by browsers and programs.
func authority(c *call) error {
	if c.CA == nil {
		return notFound("The server has no development CA: start it with --tls")
	}
	return c.Blob(http.StatusOK, "application/x-pem-file", c.CA)
}
