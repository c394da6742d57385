package kinds

import (
	"slices"
	"strings"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/store"
)

// ProviderKind is the kind of identity providers beside the built-in one.
const ProviderKind = "Provider"

// reserved are the paths below which the server's other parts are; no issuer may
// be there.
var reserved = []string{"_mock", ".well-known", "api", "docs", "health", "idp", "login", "monitoring", "organizations", "public", "s", "token", "versions"}

// Reserved tells whether a path on the server is for its other parts, or for
// anything at all: an issuer on the root would take what is nobody's.
func Reserved(path string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return first == "" || slices.Contains(reserved, first)
}

func providerRule() *Rule {
	return &Rule{
		Parse: func(object map[string]any) (any, []openapi.Problem) {
			settings, problems := idp.ParseProvider(object)
			return settings, fromIDP(problems)
		},
		Check: func(c *Change) error {
			settings, problems := idp.ParseProvider(c.Object)
			if len(problems) > 0 {
				return nil // said by Parse
			}
			field := "spec.path"
			if settings.Issuer != "" {
				field = "spec.issuer"
			}
			if path := settings.LocalPath(); Reserved(path) {
				return conflict(field, "an issuer on %s would be in the way of the Console; choose another path, such as /idp-%s", orRoot(path), settings.Name)
			}
			for other := range c.Tx.Resources(ProviderKind, "v1", nil, "") {
				if rival, ok := other.Value.(*idp.Settings); ok && other.Name != c.Key.Name && rival.Address("") == settings.Address("") {
					return conflict(field, "the Provider %s has the issuer %s already", other.Name, settings.Address(""))
				}
			}
			return nil
		},
	}
}

func orRoot(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

// Providers returns the settings of a world's further identity providers, by
// name.
func Providers(tx *store.Tx) []*idp.Settings {
	var list []*idp.Settings
	for resource := range tx.Resources(ProviderKind, "v1", nil, "") {
		if settings, ok := resource.Value.(*idp.Settings); ok {
			list = append(list, settings)
		}
	}
	return list
}
