package console

import (
	"net/http"

	"github.com/mockduktor/mockduktor/server/kinds"
)

// organization is the slug of the one organisation that a Console has.
const organization = "default"

func live(c *call) error { return c.NoContent(http.StatusOK) }

func ready(c *call) error { return c.String(http.StatusOK, "READY") }

// versions answers what the Terraform provider gates its features by: platform
// without a leading v.
func versions(c *call) error {
	return c.JSON(http.StatusOK, map[string]string{
		"platform": c.Settings.Version, "platformCommit": "mockduktor",
		"console": c.Settings.Version, "console_web": c.Settings.Version,
	})
}

// needLogin refuses API keys: these two endpoints serve people only.
func (c *call) needLogin() error {
	if c.who.Key == nil {
		return nil
	}
	return &kinds.Error{Code: kinds.Forbidden, Message: "This takes the token of a user",
		Reason: c.who.String() + " is an API key; organisations are shown to users only (log in, or send a user's JWT)"}
}

func organizations(c *call) error {
	if err := c.needLogin(); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, []map[string]any{{"id": 1, "name": organization, "slug": organization}})
}

func platformLicense(c *call) error {
	if err := c.needLogin(); err != nil {
		return err
	}
	slug, err := c.param("slug")
	if err != nil {
		return err
	}
	if slug != organization {
		return &kinds.Error{Code: kinds.NotFound, Title: "No organization with this slug exists", Message: "Organization " + slug + " not found"}
	}
	return c.JSON(http.StatusOK, map[string]any{"plan": c.Settings.Plan})
}

func documentYAML(c *call) error {
	return c.Blob(http.StatusOK, "application/yaml; charset=utf-8", c.Document.YAMLBelow(c.Settings.Prefix))
}

func documentJSON(c *call) error {
	return c.Blob(http.StatusOK, "application/json", c.Document.JSONBelow(c.Settings.Prefix))
}
