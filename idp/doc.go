// Package idp is an OpenID provider for development and tests: discovery,
// authorization code with PKCE, a sign-in page, every other grant but the
// implicit one, userinfo, introspection, revocation, registration and logout.
//
// It knows nothing of what its tokens are used for. People, clients and every
// record it keeps come through [Storage], time through [Clock], keys through
// [Keys]; a process may hold many providers.
//
// It follows RFC 6749 with RFC 9700 (OAuth 2.0 and its security practice),
// RFC 7636 (PKCE), RFC 6750 (bearer), RFC 7009 (revocation), RFC 7523 (JWT
// assertions), RFC 7591 and 7592 (registration), RFC 7662 (introspection), RFC
// 8252 (loopback redirects), RFC 8414 (metadata), RFC 8628 (devices), RFC 8693
// (token exchange), RFC 8707 (resource), RFC 9068 (JWT access tokens), RFC 9126
// (pushed requests), RFC 9207 (iss in the authorization response), RFC 9449
// (DPoP), RFC 9864 (Ed25519 by that name), OpenID Connect Core and Discovery 1.0, and OpenID Connect
// RP-Initiated, Front-Channel and Back-Channel Logout 1.0. What it does not do
// it does not advertise: hybrid and implicit flows, request objects, addresses
// to fetch (jwks_uri, request_uri, sector_identifier_uri), encryption.
package idp
