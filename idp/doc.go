// Package idp is an OpenID provider for development and tests: discovery,
// authorization code with PKCE, a sign-in page, tokens, userinfo, revocation
// and logout.
//
// It knows nothing of what its tokens are used for. People, clients and every
// record it keeps come through [Storage], time through [Clock], keys through
// [Keys]; a process may hold many providers.
//
// It follows RFC 6749 with RFC 9700 (OAuth 2.0 and its security practice),
// RFC 7636 (PKCE), RFC 6750 (bearer), RFC 7009 (revocation), RFC 8252
// (loopback redirects), RFC 8414 (metadata), RFC 8707 (resource), RFC 9207
// (iss in the authorization response), OpenID Connect Core and Discovery 1.0,
// and OpenID Connect RP-Initiated Logout 1.0. What it does not do it does not
// advertise.
package idp
