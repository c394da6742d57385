// Why ours and theirs differ, by probe. What follows a standard names it; the
// rest is a decision, or theirs is a default of that package.
const method = 'RFC 9110, section 15.5.6: a path that exists answers a method it does not take with 405 and Allow. Theirs has no route for it.';
const unauthenticated = 'RFC 6749, section 5.2: a request without client authentication is invalid_client; RFC 9110, section 15.5.2: a 401 has a challenge.';
const challenge = 'RFC 9110, section 15.5.2: a 401 always has a challenge. Theirs has one only where the client used the header.';
const plainChallenge = 'RFC 7617 knows no error parameter for Basic; the error is in the body.';
const groups = 'Decision: groups go along whatever the scope, since consumers such as Conduktor Console read them and few clients ask for a scope of that name.';
const method405 = (names) => Object.fromEntries(names.map((name) => [name, method]));
const extra = 'More than the standard asks for; all of it is registered or the claims of the person.';
const page = 'RFC 6749, section 4.1.2.1, and RFC 9126, section 4: the request that the redirect URI would stand in is not to be had, so nothing is sent anywhere. Theirs answers at the one address that the client has.';

export default {
  // Discovery.
  'discovery: grant_types_supported': 'Ours has the grants password, token exchange (RFC 8693) and JWT bearer (RFC 7523) as well.',
  'discovery: subject_types_supported': 'Ours has pairwise subjects by client without further settings.',
  'discovery: prompt_values_supported': 'OpenID Connect Prompt Create 1.0 lets a provider say so; theirs does not.',
  'discovery: claims_supported': 'OpenID Connect Discovery 1.0, section 3: claims that may be supplied. Ours lists those of the protocol as well.',
  'discovery: introspection_endpoint_auth_methods_supported': 'RFC 8414, section 2: optional. Ours says it, without none, which introspection does not take.',
  'discovery: revocation_endpoint_auth_methods_supported': 'RFC 8414, section 2: optional, and absent means client_secret_basic alone, so ours says it.',
  'discovery: request_parameter_supported': 'The default is false; ours says it.',
  'discovery: require_pushed_authorization_requests': 'The default is false; ours says it.',
  'discovery: frontchannel_logout_supported': 'Theirs has no front-channel logout.',
  'discovery: frontchannel_logout_session_supported': 'Theirs has no front-channel logout.',
  'discovery: Cache-Control': 'Decision: no-cache with an ETag, since keys and settings of a mock change under running clients.',
  'jwks: content type': 'RFC 7517, section 8.5.2, has application/jwk-set+json; OpenID Connect asks for neither, and application/json is what most providers send and every client takes.',
  'an address that is no endpoint': 'Decision: the 404 names the issuer in JSON, for whoever mistyped an address.',
  ...method405(['discovery: POST', 'token: GET', 'userinfo: PUT', 'introspection: GET', 'revocation: GET', 'PAR: GET', 'authorize: by PUT']),

  // Authorization.
  'authorize: no redirect_uri': 'OpenID Connect Core 1.0, section 3.1.2.1: redirect_uri is compulsory. Theirs takes the one that is registered.',
  'authorize: redirect_uri twice': 'RFC 6749, section 3.1: a parameter given twice is an error; which of the two to answer at is not known, so ours answers at neither.',
  'authorize: response_mode nobody knows': 'RFC 6749, section 4.1.2.1, has invalid_request for unsupported values; unsupported_response_mode is registered nowhere.',
  'PKCE: verifier too short': 'RFC 7636, section 4.6: a verifier that does not fit is invalid_grant; no other error is named for one that cannot fit.',
  'sign-in: status of a redirect that answers a GET': 'RFC 9700, section 4.12, wants 303 where a form with credentials was sent, and so does ours; after a GET 302 does, which old clients expect.',
  'sign-in: the page may be framed': 'RFC 9700, section 4.16: against clickjacking. Theirs leaves it to whoever writes the pages.',
  'prompt=consent: signed in': 'Decision: nobody is asked for consent; whoever runs a mock has consented. OpenID Connect Core 1.0, section 3.1.2.1: should, not must.',
  'prompt=select_account: signed in': 'Ours serves select_account; theirs does not unless a policy is written for it.',
  'login_hint of someone else, prompt=none': 'Decision: a hint of someone else than who is signed in is not passed over silently, so that a test does not go on as the wrong person. With a page the person is asked.',
  'acr essential that cannot be met, prompt=none': 'OpenID Connect Core Error Code unmet_authentication_requirements 1.0: the answer where no sign-in could reach the class. Theirs has login_required.',
  'claims: one for userinfo': groups,

  // Tokens.
  'token: headers of the answer': 'RFC 6749, section 5.1, asks for Pragma: no-cache as well; theirs goes by OAuth 2.1, which has dropped it.',
  'token: headers of an error': 'RFC 6749, section 5.1, asks for Pragma: no-cache as well; theirs goes by OAuth 2.1, which has dropped it.',
  'ID token: header': 'RFC 7519, section 5.1: typ is optional.',
  'ID token: claims of the protocol': `${extra} ${groups}`,
  'access token: for a resource, header': 'Decision: typ JWT, which most resource servers demand; at+jwt (RFC 9068) is a setting of the client, access_token_typ.',
  'access token: for a resource, claims': `RFC 9068, section 2.2.1, has auth_time, acr and amr; azp and sid are what Keycloak and Auth0 have. ${groups}`,
  'code: no redirect_uri': 'RFC 6749, section 4.1.3: compulsory where the authorization request had it. Theirs lets it be left out where one is registered, as OAuth 2.1 does.',
  'token: grant the client may not use': 'RFC 6749, section 5.2: unauthorized_client.',
  'token: grant password': 'Ours serves the grant to clients that are registered for it, which this one is not (unauthorized_client); theirs does not have it.',
  'token: no client at all': unauthenticated,
  'token: unknown client': challenge,
  'token: unknown client by Basic': plainChallenge,
  'token: wrong secret by Basic': plainChallenge,
  'token: wrong secret in the form': challenge,
  'token: secret missing': challenge,
  'token: Basic where the client is registered for the form': 'OpenID Connect Core 1.0, section 9: a client authenticates as it is registered. Theirs takes basic and post for one another. A client of ours without token_endpoint_auth_method may use either.',
  'token: Basic that is no base64': 'RFC 6749, section 5.2: failed client authentication is invalid_client with 401 where the header was used.',
  'token: Bearer as client authentication': 'RFC 6749, section 5.2: an unsupported way of authentication is invalid_client.',
  'token: secret of a public client': challenge,
  'token: assertion that is none': 'RFC 7521, section 4.2.1: an assertion that is not valid is invalid_client.',
  'refresh: nonce in the new ID token': 'OpenID Connect Core 1.0, section 12.2: the new ID token should not have one.',

  // Userinfo.
  'userinfo: answer': groups,
  'userinfo: scope openid alone': groups,
  'userinfo: POST, token in the header': groups,
  'userinfo: POST, token in the form': groups,
  'DPoP: userinfo': groups,
  'userinfo: scheme Basic': 'RFC 6750, section 3: an unsupported way of authentication gets a challenge without error; section 3.1 has 401 for want of a token.',
  'userinfo: token in the address': 'RFC 6750, section 2.3: ours does not read tokens from addresses, so there is none. Theirs tells that it saw one.',
  'userinfo: token of a client for itself': 'RFC 6750, section 3.1: the token is good but lacks the scope openid.',
  'userinfo: after sign-out': 'RP-Initiated Logout 1.0 ends the session and says nothing of access tokens. Ours are JWTs that resource servers take until they expire, and userinfo says the same as they; refresh ends (both). Theirs are kept and deleted with the session.',

  // Introspection and revocation.
  'introspection: access token': `RFC 7662, section 2.2: further members are allowed. ${extra}`,
  'introspection: hint nobody knows': `RFC 7662, section 2.1: the hint may be passed over (both). ${extra}`,
  'introspection: refresh token': 'RFC 7662, section 2.2: aud, auth_time and username are allowed; ours does not keep when a refresh token was made, so it leaves iat out.',
  'introspection: an ID token': 'RFC 7662, section 2.2: what is no token of this kind is not active. unsupported_token_type is an error of revocation (RFC 7009).',
  'introspection: refresh token of another client': 'RFC 7662, section 2.2 and 4: a refresh token is nobody else\'s to ask about. Theirs leaves it to a policy, here one that lets everybody.',
  'introspection: no client': unauthenticated,
  'introspection: wrong secret': plainChallenge,
  'introspection: public client': 'RFC 7662, section 2.1: the endpoint must demand authorization, and a client_id alone is none. Theirs leaves it to a policy.',
  'revocation: access token, refresh after that': 'RFC 7009, section 2.1: revoking an access token may revoke the refresh token. Ours ends that token alone.',
  'revocation: token of another client': 'RFC 7009, section 2.1: refused, by an error of RFC 6749, section 5.2, which has invalid_grant for a token issued to another client.',
  'revocation: no client': unauthenticated,

  // Sign-out.
  'sign-out: id_token_hint alone': 'RP-Initiated Logout 1.0, section 2: asking is a must only without a hint of the session. Decision: tests sign out in one step where there is one.',
  'sign-out: id_token_hint and address': 'RP-Initiated Logout 1.0, section 2: asking is a must only without a hint of the session. Decision: tests sign out in one step where there is one.',
  'sign-out: address without hint and client_id': 'RP-Initiated Logout 1.0, section 3: the address must not be followed (both). Ours says why, theirs signs out and shows a page.',

  // Pushed requests.
  'PAR: no client': challenge,
  'PAR: request_uri within': 'RFC 9126, section 2.1: request_uri must not be given, so the request is invalid. request_uri_not_supported is of the authorization endpoint.',
  'PAR: used again after the answer': page,
  'PAR: used by another client': page,
  'PAR: request_uri nobody gave out': page,
  'PAR: used again before the answer': 'RFC 9126, section 4: once, with reloading as a possible exception. Ours leads to a page of its own, which may be reloaded, so once it is.',

  // DPoP.
  'DPoP: proof used twice': 'RFC 9449, section 5: an invalid proof is invalid_dpop_proof; section 4.3 and 11.1 make a used jti invalid.',
  'DPoP: client that must, without': 'RFC 9449, section 5.2: refused, without a name for the error; ours says what is missing.',
  'DPoP: refresh of a public client without proof': 'RFC 9449, section 5: refused, without a name for the error; ours says what is missing.',
  'DPoP: dpop_jkt that is no thumbprint': 'RFC 9449, section 10: it is the base64url SHA-256 thumbprint. Ours refuses what cannot be one at once, theirs when the code is redeemed.',
  'DPoP: userinfo as Bearer': 'RFC 9449, section 7.2: a bound token that comes as Bearer is refused as RFC 6750 has it, that is by a Bearer challenge.',
  'DPoP: userinfo as Bearer with a proof': 'RFC 9449, section 7.2: a bound token that comes as Bearer is refused as RFC 6750 has it, whatever else comes along.',
  'DPoP: userinfo without proof': 'RFC 9449, section 7.1: 401 with a DPoP challenge.',

  // Devices, registration, CORS.
  'device: answer': 'RFC 8628, section 3.2: interval is optional, 5 where it is absent, which ours says.',
  'device: client that may not': 'RFC 6749, section 5.2: unauthorized_client.',
  'device: no client': unauthenticated,
  'device: asked twice at once': 'RFC 8628, section 3.5: a device that asks before its interval is over is told to slow down. Theirs does not watch it.',
  'registration: no JSON': 'RFC 7591, section 3.2.2: what is wrong with the metadata is invalid_client_metadata.',
  'CORS: userinfo, headers that a page may read': 'Ours has DPoP-Nonce (RFC 9449, section 8) and its own Mock-Reason as well.',
};
