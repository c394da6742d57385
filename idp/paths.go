package idp

// Paths are where the endpoints are, relative to the issuer and each beginning
// with a slash. Vendors differ in nothing as much as in these.
type Paths struct {
	Authorize, Token, UserInfo, Keys, Revoke, Logout string
	// These may be empty: then there is no such endpoint.
	Introspect, DeviceAuthorization, Push, Register string
	// Device is the page where people type the code of their device; no
	// client ever calls it. Empty: no device authorization either.
	Device string
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

		Introspect:          "/introspect",
		DeviceAuthorization: "/device_authorization",
		Push:                "/par",
		Register:            "/register",
		Device:              "/device",
	}
}

// Well-known paths: OpenID Connect Discovery 1.0, section 4, and RFC 8414,
// section 3.
const (
	wellKnownOpenID = "/.well-known/openid-configuration"
	wellKnownOAuth  = "/.well-known/oauth-authorization-server"
)
