package idp

// Paths are where the endpoints are, relative to the issuer and each beginning
// with a slash. Vendors differ in nothing as much as in these.
type Paths struct {
	Authorize, Token, UserInfo, Keys, Revoke, Logout string
	// SignIn is the page; no client ever calls it.
	SignIn string
}

// DefaultPaths are the paths of a provider that imitates no vendor.
func DefaultPaths() Paths {
	return Paths{
		Authorize: "/authorize",
		Token:     "/token",
		UserInfo:  "/userinfo",
		Keys:      "/jwks",
		Revoke:    "/revoke",
		Logout:    "/logout",
		SignIn:    "/signin",
	}
}

// Well-known paths: OpenID Connect Discovery 1.0, section 4, and RFC 8414,
// section 3.
const (
	wellKnownOpenID = "/.well-known/openid-configuration"
	wellKnownOAuth  = "/.well-known/oauth-authorization-server"
)
