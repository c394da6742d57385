// The black-box script: what is asked of a provider, and what it is seen to do.
// Each probe gives one line of text, the same for providers that behave alike.
import { Visitor } from './visitor.mjs';
import { ath, basic, bye, callback, challenge, part, secrets, unheardOf, verifier } from './target.mjs';

const list = (values) => [...(values ?? [])].sort().join(' ') || 'absent';
const sorted = (object) => Object.keys(object).sort().join(' ');
const error = { headers: {}, method: 'GET' };
const sets = [
  'response_types_supported', 'response_modes_supported', 'grant_types_supported', 'subject_types_supported', 'scopes_supported',
  'code_challenge_methods_supported', 'token_endpoint_auth_methods_supported', 'token_endpoint_auth_signing_alg_values_supported',
  'id_token_signing_alg_values_supported', 'userinfo_signing_alg_values_supported', 'dpop_signing_alg_values_supported',
  'acr_values_supported', 'claim_types_supported', 'prompt_values_supported', 'claims_supported',
  'introspection_endpoint_auth_methods_supported', 'revocation_endpoint_auth_methods_supported',
];
const flags = [
  'claims_parameter_supported', 'request_parameter_supported', 'request_uri_parameter_supported',
  'authorization_response_iss_parameter_supported', 'require_pushed_authorization_requests',
  'backchannel_logout_supported', 'backchannel_logout_session_supported', 'frontchannel_logout_supported', 'frontchannel_logout_session_supported',
];
const required = ['issuer', 'authorization_endpoint', 'token_endpoint', 'jwks_uri', 'response_types_supported', 'subject_types_supported', 'id_token_signing_alg_values_supported'];
const endpoints = [
  'userinfo_endpoint', 'registration_endpoint', 'end_session_endpoint', 'introspection_endpoint', 'revocation_endpoint',
  'device_authorization_endpoint', 'pushed_authorization_request_endpoint', 'check_session_iframe', 'backchannel_authentication_endpoint',
];

const probes = [];
const probe = (name, run) => probes.push({ name, run });
export default probes;

// Discovery.
probe('discovery: compulsory members that are missing', (p) => list(required.filter((name) => !(name in p.metadata))));
probe('discovery: endpoints', (p) => list(endpoints.filter((name) => name in p.metadata)));
for (const name of sets) probe(`discovery: ${name}`, (p) => list(p.metadata[name]));
for (const name of flags) probe(`discovery: ${name}`, (p) => `${p.metadata[name] ?? 'absent'}`);
probe('discovery: content type', async (p) => (await p.send(`${p.issuer}/.well-known/openid-configuration`, {}, error)).headers.get('content-type').split(';')[0]);
probe('discovery: POST', async (p) => `${(await p.send(`${p.issuer}/.well-known/openid-configuration`, {})).status}`);
probe('discovery: RFC 8414 name below the issuer', async (p) => `${(await p.send(`${p.issuer}/.well-known/oauth-authorization-server`, {}, error)).status}`);
probe('discovery: Cache-Control', async (p) => `${(await p.send(`${p.issuer}/.well-known/openid-configuration`, {}, error)).headers.get('cache-control')}`);
probe('jwks: content type', async (p) => (await p.send('jwks_uri', {}, error)).headers.get('content-type').split(';')[0]);
probe('jwks: algorithms', async (p) => list((await p.send('jwks_uri', {}, error)).body.keys.map(({ alg }) => alg)));
probe('jwks: members of a key', async (p) => {
  const { body } = await p.send('jwks_uri', {}, error);
  return sorted(body.keys.find(({ alg }) => alg === 'RS256'));
});
probe('an address that is no endpoint', async (p) => p.told(await p.send(`${p.issuer}/nothing-here`, {}, error)));

// Who asks, and where to answer: never a redirect to a place that is not known.
probe('authorize: no client_id', (p) => p.authorize({ client_id: undefined }));
probe('authorize: unknown client', (p) => p.authorize({ client_id: 'nobody' }));
probe('authorize: client_id twice', (p) => p.authorize({}, { query: `${p.asked()}&client_id=web` }));
probe('authorize: no redirect_uri', (p) => p.authorize({ redirect_uri: undefined }));
probe('authorize: redirect_uri not registered', (p) => p.authorize({ redirect_uri: 'https://evil.example/callback' }));
probe('authorize: redirect_uri with a slash more', (p) => p.authorize({ redirect_uri: `${callback}/` }));
probe('authorize: redirect_uri with a query more', (p) => p.authorize({ redirect_uri: `${callback}?a=b` }));
probe('authorize: redirect_uri with a fragment', (p) => p.authorize({ redirect_uri: `${callback}#a` }));
probe('authorize: redirect_uri in capitals', (p) => p.authorize({ redirect_uri: callback.replace('rp', 'RP') }));
probe('authorize: redirect_uri twice', (p) => p.authorize({}, { query: `${p.asked()}&redirect_uri=${encodeURIComponent(callback)}` }));
probe('authorize: loopback redirect_uri with a port', (p) => p.authorize({ redirect_uri: 'http://127.0.0.1:43210/callback' }, { client: 'native' }));
probe('authorize: loopback redirect_uri with another path', (p) => p.authorize({ redirect_uri: 'http://127.0.0.1:43210/other' }, { client: 'native' }));
probe('authorize: localhost for 127.0.0.1', (p) => p.authorize({ redirect_uri: 'http://localhost:43210/callback' }, { client: 'native' }));

// The rest of the request: told to the client by redirect.
probe('authorize: good request', (p) => p.authorize());
probe('authorize: good request by POST', (p) => p.authorize({}, { init: { method: 'POST', body: p.asked() } }));
probe('authorize: by PUT', async (p) => p.authorize({}, { init: { method: 'PUT', body: p.asked() } }));
probe('authorize: parameter nobody knows', (p) => p.authorize({ colour: 'blue' }));
probe('authorize: state twice', (p) => p.authorize({}, { query: `${p.asked()}&state=t` }));
probe('authorize: nonce twice', (p) => p.authorize({}, { query: `${p.asked()}&nonce=t` }));
probe('authorize: no response_type', (p) => p.authorize({ response_type: undefined }));
probe('authorize: response_type=token', (p) => p.authorize({ response_type: 'token' }));
probe('authorize: response_type=code id_token', (p) => p.authorize({ response_type: 'code id_token' }));
probe('authorize: response_type nobody knows', (p) => p.authorize({ response_type: 'magic' }));
probe('authorize: response_mode nobody knows', (p) => p.authorize({ response_mode: 'pigeon' }));
probe('authorize: error with response_mode=fragment', (p) => p.authorize({ response_mode: 'fragment', prompt: 'none' }));
probe('authorize: error with response_mode=form_post', (p) => p.authorize({ response_mode: 'form_post', prompt: 'none' }));
probe('authorize: error without state', (p) => p.authorize({ prompt: 'none', state: undefined }));
probe('authorize: no scope', (p) => p.authorize({ scope: undefined, nonce: undefined }));
probe('authorize: scope without openid', (p) => p.authorize({ scope: 'email', nonce: undefined }));
probe('authorize: scope nobody knows', (p) => p.authorize({ scope: 'openid magic' }));
probe('authorize: request object', (p) => p.authorize({ request: 'e30.e30.' }));
probe('authorize: request_uri of the web', (p) => p.authorize({ request_uri: 'https://rp.example/request' }));
probe('authorize: registration parameter', (p) => p.authorize({ registration: '{}' }));
probe('authorize: client that may not use codes', (p) => p.authorize({}, { client: 'job' }));
probe('authorize: client that must push', (p) => p.authorize({}, { client: 'pushes' }));
probe('authorize: claims that is no JSON', (p) => p.authorize({ claims: '{' }));
probe('authorize: claims that is no object', (p) => p.authorize({ claims: '[]' }));
probe('authorize: claims with a list in place of id_token', (p) => p.authorize({ claims: '{"id_token":[]}' }));
probe('authorize: resource nobody serves', (p) => p.authorize({ resource: 'https://elsewhere.example' }));
probe('authorize: resource with a fragment', (p) => p.authorize({ resource: 'https://api.rp.example#a' }));

// PKCE.
probe('PKCE: public client without challenge', (p) => p.authorize({ code_challenge: undefined, code_challenge_method: undefined }, { client: 'public' }));
probe('PKCE: plain', (p) => p.authorize({ code_challenge: verifier, code_challenge_method: 'plain' }));
probe('PKCE: challenge without method', (p) => p.authorize({ code_challenge: challenge }));
probe('PKCE: method without challenge', (p) => p.authorize({ code_challenge_method: 'S256' }));
probe('PKCE: method nobody knows', (p) => p.authorize({ code_challenge: challenge, code_challenge_method: 'S512' }));
probe('PKCE: challenge too short', (p) => p.authorize({ code_challenge: 'a'.repeat(42), code_challenge_method: 'S256' }));
probe('PKCE: challenge of wrong characters', (p) => p.authorize({ code_challenge: `${'a'.repeat(42)}+`, code_challenge_method: 'S256' }));
const withChallenge = { code_challenge: challenge, code_challenge_method: 'S256' };
probe('PKCE: right verifier', async (p) => p.told(await p.redeem((await p.signIn(withChallenge)).code, { code_verifier: verifier })));
probe('PKCE: wrong verifier', async (p) => p.told(await p.redeem((await p.signIn(withChallenge)).code, { code_verifier: 'b'.repeat(43) })));
probe('PKCE: no verifier', async (p) => p.told(await p.redeem((await p.signIn(withChallenge)).code)));
probe('PKCE: verifier too short', async (p) => p.told(await p.redeem((await p.signIn(withChallenge)).code, { code_verifier: 'a' })));
probe('PKCE: verifier without challenge', async (p) => p.told(await p.redeem((await p.signIn()).code, { code_verifier: verifier })));
probe('PKCE: right verifier after a wrong one', async (p) => {
  const { code } = await p.signIn(withChallenge);
  await p.redeem(code, { code_verifier: 'b'.repeat(43) });
  return p.told(await p.redeem(code, { code_verifier: verifier }));
});

// Signing in.
async function signedIn(p) {
  const visitor = new Visitor();
  await p.signIn({}, { visitor });
  return visitor;
}
const silently = (changes) => async (p) => p.authorize({ prompt: 'none', ...changes }, { visitor: await signedIn(p) });
probe('sign-in: answer', async (p) => p.answered((await p.signIn()).page));
probe('sign-in: status of the redirect that answers a form', async (p) => `${(await p.signIn()).page.status}`);
probe('sign-in: status of a redirect that answers a GET', async (p) => `${(await new Visitor().open(p.url(p.asked({ prompt: 'none' })))).status}`);
probe('sign-in: state comes back byte for byte', async (p) => `${(await p.signIn({ state: 'a+b/c= &ü' })).parameters.get('state') === 'a+b/c= &ü'}`);
probe('sign-in: iss is the issuer', async (p) => `${(await p.signIn()).parameters.get('iss') === p.issuer}`);
probe('sign-in: response_mode=fragment', async (p) => p.answered((await p.signIn({ response_mode: 'fragment' })).page));
probe('sign-in: response_mode=form_post', async (p) => p.answered((await p.signIn({ response_mode: 'form_post' })).page));
probe('sign-in: Cache-Control of a form post', async (p) => (await p.signIn({ response_mode: 'form_post' })).page.headers.get('cache-control') ?? 'absent');
probe('sign-in: the page may be framed', async (p) => {
  const { headers } = await new Visitor().open(p.url(p.asked()));
  return `${!/frame-ancestors 'none'/.test(headers.get('content-security-policy') ?? '') && !headers.get('x-frame-options')}`;
});
probe('prompt=none: nobody signed in', (p) => p.authorize({ prompt: 'none' }));
probe('prompt=none: signed in', silently());
probe('prompt=none: signed in, at another client', async (p) => p.authorize({ prompt: 'none' }, { visitor: await signedIn(p), client: 'other' }));
probe('prompt=none: of a scope not granted before', silently({ scope: 'openid groups' }));
probe('prompt=none login', (p) => p.authorize({ prompt: 'none login' }));
probe('prompt nobody knows', (p) => p.authorize({ prompt: 'coffee' }));
probe('prompt=login: signed in', async (p) => p.authorize({ prompt: 'login' }, { visitor: await signedIn(p) }));
probe('prompt=consent: signed in', async (p) => p.authorize({ prompt: 'consent' }, { visitor: await signedIn(p) }));
probe('prompt=select_account: signed in', async (p) => p.authorize({ prompt: 'select_account' }, { visitor: await signedIn(p) }));
probe('max_age=0: signed in', async (p) => p.authorize({ max_age: '0' }, { visitor: await signedIn(p) }));
probe('max_age=3600: signed in', async (p) => p.authorize({ max_age: '3600' }, { visitor: await signedIn(p) }));
probe('max_age that is no number', (p) => p.authorize({ max_age: 'old' }));
probe('max_age negative', (p) => p.authorize({ max_age: '-1' }));
probe('login_hint of someone else, prompt=none', silently({ login_hint: 'ben' }));
probe('id_token_hint that is none', (p) => p.authorize({ id_token_hint: 'rubbish' }));
probe('id_token_hint of who is signed in, prompt=none', async (p) => {
  const visitor = new Visitor();
  const { id_token } = await p.tokens({}, 'web', visitor);
  return p.authorize({ prompt: 'none', id_token_hint: id_token }, { visitor });
});
probe('id_token_hint of someone else, prompt=none', async (p) => {
  const { body } = await p.redeem((await p.signIn({}, { login: 'ben' })).code);
  return p.authorize({ prompt: 'none', id_token_hint: body.id_token }, { visitor: await signedIn(p) });
});
probe('acr_values that cannot be met, prompt=none', silently({ acr_values: '9' }));
probe('acr essential that cannot be met, prompt=none', silently({ claims: '{"id_token":{"acr":{"essential":true,"value":"9"}}}' }));
probe('claims: sub of who is signed in, prompt=none', silently({ claims: '{"id_token":{"sub":{"value":"ada"}}}' }));
probe('claims: sub of someone else, prompt=none', silently({ claims: '{"id_token":{"sub":{"value":"ben"}}}' }));
probe('claims: one for the ID token', async (p) => `${part((await p.tokens({ scope: 'openid', claims: '{"id_token":{"email":null}}' })).id_token).email}`);
probe('claims: one for userinfo', async (p) => {
  const { access_token } = await p.tokens({ scope: 'openid', claims: '{"userinfo":{"email":null}}' });
  return sorted((await p.userInfo(access_token)).body);
});

// What comes of a code.
probe('token: answer to a code', async (p) => p.told(await p.redeem((await p.signIn()).code)));
probe('token: headers of the answer', async (p) => {
  const { headers } = await p.redeem((await p.signIn()).code);
  return ['content-type', 'cache-control', 'pragma'].map((name) => (headers.get(name) ?? 'absent').split(';')[0]).join(', ');
});
probe('token: scope and token_type', async (p) => {
  const { scope, token_type } = await p.tokens();
  return `${scope}, ${token_type}`;
});
probe('token: scope=openid alone', async (p) => (await p.tokens({ scope: 'openid' })).scope);
probe('token: without openid', async (p) => p.told(await p.redeem((await p.signIn({ scope: 'email', nonce: undefined })).code)));
probe('ID token: header', async (p) => sorted(part((await p.tokens()).id_token, 0)));
probe('ID token: claims of the protocol', async (p) => sorted(part((await p.tokens({ scope: 'openid' })).id_token)));
probe('ID token: claims of profile and email', async (p) => {
  const [all, bare] = [await p.tokens(), await p.tokens({ scope: 'openid' })].map(({ id_token }) => part(id_token));
  return list(Object.keys(all).filter((name) => !(name in bare)));
});
probe('ID token: with max_age it has auth_time', async (p) => typeof part((await p.tokens({ max_age: '60' })).id_token).auth_time);
probe('ID token: without nonce', async (p) => `${part((await p.tokens({ nonce: undefined })).id_token).nonce}`);
probe('ID token: aud', async (p) => JSON.stringify(part((await p.tokens()).id_token).aud));
probe('access token: for a resource, header', async (p) => {
  const { code } = await p.signIn({ resource: 'https://api.rp.example', scope: 'openid reports' });
  return JSON.stringify({ ...part((await p.redeem(code, { resource: 'https://api.rp.example' })).body.access_token, 0), kid: 'of the key' });
});
probe('access token: for a resource, claims', async (p) => {
  const { code } = await p.signIn({ resource: 'https://api.rp.example', scope: 'openid reports' });
  return sorted(part((await p.redeem(code, { resource: 'https://api.rp.example' })).body.access_token));
});
probe('code: missing', async (p) => p.told(await p.redeem(undefined)));
probe('code: never given out', async (p) => p.told(await p.redeem(unheardOf())));
probe('code: of another client', async (p) => p.told(await p.redeem((await p.signIn()).code, {}, 'other')));
probe('code: other redirect_uri', async (p) => p.told(await p.redeem((await p.signIn()).code, { redirect_uri: bye })));
probe('code: no redirect_uri', async (p) => p.told(await p.redeem((await p.signIn()).code, { redirect_uri: undefined })));
probe('code: resource that was not asked for', async (p) => p.told(await p.redeem((await p.signIn()).code, { resource: 'https://elsewhere.example' })));
probe('code: used twice', async (p) => {
  const { code } = await p.signIn();
  await p.redeem(code);
  return p.told(await p.redeem(code));
});
probe('code: used twice, its access token after that', async (p) => {
  const { code } = await p.signIn();
  const { body } = await p.redeem(code);
  await p.redeem(code);
  return p.told(await p.userInfo(body.access_token));
});
probe('code: used twice, its refresh token after that', async (p) => {
  const { code } = await p.signIn();
  const { body } = await p.redeem(code);
  await p.redeem(code);
  return p.told(await p.refresh(body.refresh_token));
});

// The token endpoint itself.
const credentials = { grant_type: 'client_credentials' };
probe('token: GET', async (p) => `${(await p.send('token_endpoint', {}, error)).status}`);
probe('token: JSON body', async (p) => p.told(await p.send('token_endpoint', {}, { body: JSON.stringify(credentials), headers: { ...basic('web'), 'content-type': 'application/json' } })));
probe('token: parameters in the address', async (p) => p.told(await p.send(`${p.metadata.token_endpoint}?grant_type=client_credentials`, {}, { headers: basic('web') })));
probe('token: no grant_type', async (p) => p.told(await p.token({})));
probe('token: grant_type nobody knows', async (p) => p.told(await p.token({ grant_type: 'magic' })));
probe('token: parameter twice', async (p) => p.told(await p.send('token_endpoint', [['grant_type', 'client_credentials'], ['grant_type', 'client_credentials']], { headers: basic('web') })));
probe('token: grant the client may not use', async (p) => p.told(await p.token(credentials, 'other')));
probe('token: grant password', async (p) => p.told(await p.token({ grant_type: 'password', username: 'ada', password: 'ada-password' })));
probe('token: no client at all', async (p) => p.told(await p.send('token_endpoint', credentials)));
probe('token: unknown client', async (p) => p.told(await p.send('token_endpoint', { ...credentials, client_id: 'nobody' })));
probe('token: unknown client by Basic', async (p) => p.told(await p.send('token_endpoint', credentials, { headers: basic('nobody', 'x') })));
probe('token: wrong secret by Basic', async (p) => p.told(await p.send('token_endpoint', credentials, { headers: basic('web', 'wrong') })));
probe('token: wrong secret in the form', async (p) => p.told(await p.send('token_endpoint', { ...credentials, client_id: 'job', client_secret: 'wrong' })));
probe('token: secret missing', async (p) => p.told(await p.send('token_endpoint', { ...credentials, client_id: 'job' })));
probe('token: Basic where the client is registered for the form', async (p) => p.told(await p.send('token_endpoint', credentials, { headers: basic('job') })));
probe('token: two ways of authentication', async (p) => p.told(await p.send('token_endpoint', { ...credentials, client_id: 'web', client_secret: secrets.web }, { headers: basic('web') })));
probe('token: two clients', async (p) => p.told(await p.send('token_endpoint', { ...credentials, client_id: 'other' }, { headers: basic('web') })));
probe('token: Basic that is no base64', async (p) => p.told(await p.send('token_endpoint', credentials, { headers: { authorization: 'Basic ###' } })));
probe('token: Bearer as client authentication', async (p) => p.told(await p.send('token_endpoint', credentials, { headers: { authorization: 'Bearer x' } })));
probe('token: secret of a public client', async (p) => p.told(await p.send('token_endpoint', { grant_type: 'refresh_token', refresh_token: 'x', client_id: 'public', client_secret: 'x' })));
probe('token: assertion that is none', async (p) => p.told(await p.send('token_endpoint', { ...credentials, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: 'x' })));
probe('token: headers of an error', async (p) => {
  const { headers } = await p.token({ grant_type: 'magic' });
  return ['content-type', 'cache-control', 'pragma'].map((name) => (headers.get(name) ?? 'absent').split(';')[0]).join(', ');
});
probe('client credentials: answer', async (p) => p.told(await p.token(credentials)));
probe('client credentials: scope openid', async (p) => p.told(await p.token({ ...credentials, scope: 'openid' })));
probe('client credentials: for a resource', async (p) => {
  const { body } = await p.token({ ...credentials, scope: 'reports', resource: 'https://api.rp.example' });
  return `${body.scope}, ${JSON.stringify(part(body.access_token).aud)}`;
});
probe('client credentials: for a resource nobody serves', async (p) => p.told(await p.token({ ...credentials, resource: 'https://elsewhere.example' })));

// Refresh.
probe('refresh: answer', async (p) => p.told(await p.refresh((await p.tokens()).refresh_token)));
probe('refresh: a new refresh token', async (p) => {
  const { refresh_token } = await p.tokens();
  return `${(await p.refresh(refresh_token)).body.refresh_token !== refresh_token}`;
});
probe('refresh: scope in the answer', async (p) => (await p.refresh((await p.tokens()).refresh_token)).body.scope);
probe('refresh: narrower scope', async (p) => (await p.refresh((await p.tokens()).refresh_token, { scope: 'openid' })).body.scope);
probe('refresh: wide again after a narrower scope', async (p) => {
  const { body } = await p.refresh((await p.tokens()).refresh_token, { scope: 'openid' });
  return (await p.refresh(body.refresh_token)).body.scope;
});
probe('refresh: scope that was not granted', async (p) => p.told(await p.refresh((await p.tokens()).refresh_token, { scope: 'openid groups' })));
probe('refresh: missing token', async (p) => p.told(await p.refresh(undefined)));
probe('refresh: never given out', async (p) => p.told(await p.refresh(unheardOf())));
probe('refresh: of another client', async (p) => p.told(await p.refresh((await p.tokens()).refresh_token, {}, 'other')));
probe('refresh: an access token in its place', async (p) => p.told(await p.refresh((await p.tokens()).access_token)));
probe('refresh: used twice', async (p) => {
  const { refresh_token } = await p.tokens();
  await p.refresh(refresh_token);
  return p.told(await p.refresh(refresh_token));
});
probe('refresh: the new token after the old one was used twice', async (p) => {
  const { refresh_token } = await p.tokens();
  const { body } = await p.refresh(refresh_token);
  await p.refresh(refresh_token);
  return p.told(await p.refresh(body.refresh_token));
});
probe('refresh: the access token after the refresh token was used twice', async (p) => {
  const { refresh_token } = await p.tokens();
  const { body } = await p.refresh(refresh_token);
  await p.refresh(refresh_token);
  return p.told(await p.userInfo(body.access_token));
});
probe('refresh: the ID token keeps iss, sub, aud and auth_time', async (p) => {
  const before = await p.tokens({ max_age: '60' });
  const [a, b] = [before.id_token, (await p.refresh(before.refresh_token)).body.id_token].map((token) => part(token));
  return `${['iss', 'sub', 'aud', 'auth_time'].every((name) => a[name] === b[name])}`;
});
probe('refresh: nonce in the new ID token', async (p) => `${part((await p.refresh((await p.tokens()).refresh_token)).body.id_token).nonce}`);
probe('refresh: after sign-out', async (p) => {
  const visitor = new Visitor();
  const { refresh_token, id_token } = await p.tokens({}, 'web', visitor);
  await signOut(p, visitor, { id_token_hint: id_token });
  return p.told(await p.refresh(refresh_token));
});
probe('refresh: after sign-out, with offline_access', async (p) => {
  const visitor = new Visitor();
  const { refresh_token, id_token } = await p.tokens({ scope: 'openid offline_access', prompt: 'consent' }, 'web', visitor);
  await signOut(p, visitor, { id_token_hint: id_token });
  return p.told(await p.refresh(refresh_token));
});

// Userinfo.
probe('userinfo: answer', async (p) => p.told(await p.userInfo((await p.tokens()).access_token)));
probe('userinfo: scope openid alone', async (p) => p.told(await p.userInfo((await p.tokens({ scope: 'openid' })).access_token)));
probe('userinfo: content type and cache', async (p) => {
  const { headers } = await p.userInfo((await p.tokens()).access_token);
  return `${headers.get('content-type').split(';')[0]}, ${headers.get('cache-control') ?? 'absent'}`;
});
probe('userinfo: no token', async (p) => p.told(await p.userInfo()));
probe('userinfo: token nobody gave out', async (p) => p.told(await p.userInfo(unheardOf())));
probe('userinfo: scheme Basic', async (p) => p.told(await p.userInfo('x', { scheme: 'Basic' })));
probe('userinfo: token in the address', async (p) => p.told(await p.send(`${p.metadata.userinfo_endpoint}?access_token=${(await p.tokens()).access_token}`, {}, error)));
probe('userinfo: POST, token in the header', async (p) => p.told(await p.userInfo((await p.tokens()).access_token, { method: 'POST' })));
probe('userinfo: POST, token in the form', async (p) => p.told(await p.send('userinfo_endpoint', { access_token: (await p.tokens()).access_token })));
probe('userinfo: token in header and form', async (p) => {
  const { access_token } = await p.tokens();
  return p.told(await p.send('userinfo_endpoint', { access_token }, { headers: { authorization: `Bearer ${access_token}` } }));
});
probe('userinfo: token without openid', async (p) => p.told(await p.userInfo((await p.tokens({ scope: 'email', nonce: undefined })).access_token)));
probe('userinfo: token of a client for itself', async (p) => p.told(await p.userInfo((await p.token(credentials)).body.access_token)));
probe('userinfo: an ID token', async (p) => p.told(await p.userInfo((await p.tokens()).id_token)));
probe('userinfo: a refresh token', async (p) => p.told(await p.userInfo((await p.tokens()).refresh_token)));
probe('userinfo: after sign-out', async (p) => {
  const visitor = new Visitor();
  const { access_token, id_token } = await p.tokens({}, 'web', visitor);
  await signOut(p, visitor, { id_token_hint: id_token });
  return p.told(await p.userInfo(access_token));
});
probe('userinfo: PUT', async (p) => `${(await p.send('userinfo_endpoint', {}, { method: 'PUT' })).status}`);

// Introspection.
const introspect = (p, token, more = {}, headers = basic('web')) => p.send('introspection_endpoint', { token, ...more }, { headers });
probe('introspection: access token', async (p) => p.told(await introspect(p, (await p.tokens()).access_token)));
probe('introspection: refresh token', async (p) => p.told(await introspect(p, (await p.tokens()).refresh_token)));
probe('introspection: with the wrong hint', async (p) => `${(await introspect(p, (await p.tokens()).access_token, { token_type_hint: 'refresh_token' })).body.active}`);
probe('introspection: hint nobody knows', async (p) => p.told(await introspect(p, (await p.tokens()).access_token, { token_type_hint: 'magic' })));
probe('introspection: token nobody gave out', async (p) => JSON.stringify((await introspect(p, unheardOf())).body));
probe('introspection: an ID token', async (p) => JSON.stringify((await introspect(p, (await p.tokens()).id_token)).body));
probe('introspection: token of another client', async (p) => `${(await introspect(p, (await p.tokens()).access_token, {}, basic('other'))).body.active}`);
probe('introspection: refresh token of another client', async (p) => `${(await introspect(p, (await p.tokens()).refresh_token, {}, basic('other'))).body.active}`);
probe('introspection: no client', async (p) => p.told(await introspect(p, 'x', {}, {})));
probe('introspection: wrong secret', async (p) => p.told(await introspect(p, 'x', {}, basic('web', 'wrong'))));
probe('introspection: public client', async (p) => p.told(await introspect(p, unheardOf(), { client_id: 'public' }, {})));
probe('introspection: no token', async (p) => p.told(await introspect(p, undefined)));
probe('introspection: GET', async (p) => `${(await p.send('introspection_endpoint', {}, error)).status}`);
probe('introspection: after revocation', async (p) => {
  const { access_token } = await p.tokens();
  await revoke(p, access_token);
  return JSON.stringify((await introspect(p, access_token)).body);
});

// Revocation.
const revoke = (p, token, more = {}, headers = basic('web')) => p.send('revocation_endpoint', { token, ...more }, { headers });
probe('revocation: token nobody gave out', async (p) => p.told(await revoke(p, unheardOf())));
probe('revocation: access token', async (p) => p.told(await revoke(p, (await p.tokens()).access_token)));
probe('revocation: access token, userinfo after that', async (p) => {
  const { access_token } = await p.tokens();
  await revoke(p, access_token);
  return p.told(await p.userInfo(access_token));
});
probe('revocation: access token, refresh after that', async (p) => {
  const { access_token, refresh_token } = await p.tokens();
  await revoke(p, access_token);
  return p.told(await p.refresh(refresh_token));
});
probe('revocation: refresh token, userinfo after that', async (p) => {
  const { access_token, refresh_token } = await p.tokens();
  await revoke(p, refresh_token);
  return p.told(await p.userInfo(access_token));
});
probe('revocation: refresh token, refresh after that', async (p) => {
  const { refresh_token } = await p.tokens();
  await revoke(p, refresh_token);
  return p.told(await p.refresh(refresh_token));
});
probe('revocation: token of another client', async (p) => p.told(await revoke(p, (await p.tokens()).refresh_token, {}, basic('other'))));
probe('revocation: token of another client, refresh after that', async (p) => {
  const { refresh_token } = await p.tokens();
  await revoke(p, refresh_token, {}, basic('other'));
  return p.told(await p.refresh(refresh_token));
});
probe('revocation: hint nobody knows', async (p) => p.told(await revoke(p, unheardOf(), { token_type_hint: 'magic' })));
probe('revocation: by a public client', async (p) => p.told(await revoke(p, (await p.tokens({}, 'public')).refresh_token, { client_id: 'public' }, {})));
probe('revocation: no client', async (p) => p.told(await revoke(p, 'x', {}, {})));
probe('revocation: no token', async (p) => p.told(await revoke(p, undefined)));
probe('revocation: GET', async (p) => `${(await p.send('revocation_endpoint', {}, error)).status}`);

// Sign-out. signOut confirms where it is asked to.
async function signOut(p, visitor, parameters, init) {
  const query = new URLSearchParams(Object.entries(parameters));
  const page = await visitor.open(init ? p.metadata.end_session_endpoint : `${p.metadata.end_session_endpoint}?${query}`, init && { method: 'POST', body: query });
  const asks = page.forms?.[0];
  if (!asks || page.status !== 200) return page;
  return visitor.submit(page, asks, { ...(asks.fields.some(({ name }) => name === 'xsrf') && { logout: 'yes' }) });
}
const after = async (p, parameters, { show = (page) => p.answered(page).replace(': no code', ''), ...how } = {}) => {
  const visitor = new Visitor();
  const { id_token } = await p.tokens({}, 'web', visitor);
  return show(await signOut(p, visitor, parameters(id_token), how.init), visitor);
};
const first = async (p, parameters) => {
  const visitor = new Visitor();
  const { id_token } = await p.tokens({}, 'web', visitor);
  return p.answered(await visitor.open(`${p.metadata.end_session_endpoint}?${new URLSearchParams(parameters(id_token))}`)).replace(': no code', '');
};
probe('sign-out: nothing given', (p) => first(p, () => ({})));
probe('sign-out: id_token_hint alone', (p) => first(p, (hint) => ({ id_token_hint: hint })));
probe('sign-out: id_token_hint and address', (p) => first(p, (hint) => ({ id_token_hint: hint, post_logout_redirect_uri: bye })));
probe('sign-out: confirmed', (p) => after(p, (hint) => ({ id_token_hint: hint, post_logout_redirect_uri: bye })));
probe('sign-out: confirmed, with state', (p) => after(p, (hint) => ({ id_token_hint: hint, post_logout_redirect_uri: bye, state: 'x' })));
probe('sign-out: by POST', (p) => after(p, (hint) => ({ id_token_hint: hint, post_logout_redirect_uri: bye }), { init: true }));
probe('sign-out: client_id in place of a hint', (p) => after(p, () => ({ client_id: 'web', post_logout_redirect_uri: bye })));
probe('sign-out: address without hint and client_id', (p) => after(p, () => ({ post_logout_redirect_uri: bye })));
probe('sign-out: address not registered', (p) => after(p, (hint) => ({ id_token_hint: hint, post_logout_redirect_uri: 'https://evil.example/' })));
probe('sign-out: address not registered, session after that', (p) => after(p, (hint) => ({ id_token_hint: hint, post_logout_redirect_uri: 'https://evil.example/' }), {
  show: (_, visitor) => p.authorize({ prompt: 'none' }, { visitor }),
}));
probe('sign-out: hint that is none', (p) => after(p, () => ({ id_token_hint: 'rubbish', post_logout_redirect_uri: bye })));
probe('sign-out: hint of another client than client_id', (p) => after(p, (hint) => ({ id_token_hint: hint, client_id: 'other', post_logout_redirect_uri: bye })));
probe('sign-out: unknown client', (p) => after(p, () => ({ client_id: 'nobody', post_logout_redirect_uri: bye })));
probe('sign-out: session after that', (p) => after(p, (hint) => ({ id_token_hint: hint }), { show: (_, visitor) => p.authorize({ prompt: 'none' }, { visitor }) }));
probe('sign-out: nobody signed in', async (p) => p.answered(await signOut(p, new Visitor(), { client_id: 'web', post_logout_redirect_uri: bye })).replace(': no code', ''));

// Pushed requests.
const push = (p, changes = {}, client = 'web', headers = basic(client)) => p.send('pushed_authorization_request_endpoint', p.asked(changes, client), { headers, body: p.asked(changes, client) });
const pushed = async (p, changes, client = 'web') => ({ query: new URLSearchParams({ client_id: client, request_uri: (await push(p, changes, client)).body.request_uri }) });
probe('PAR: answer', async (p) => p.told(await push(p)));
probe('PAR: cache', async (p) => (await push(p)).headers.get('cache-control') ?? 'absent');
probe('PAR: form of request_uri', async (p) => (await push(p)).body.request_uri.replace(/[^:]*$/, '…'));
probe('PAR: no client', async (p) => p.told(await push(p, {}, 'web', {})));
probe('PAR: public client', async (p) => p.told(await push(p, {}, 'public', {})));
probe('PAR: redirect_uri not registered', async (p) => p.told(await push(p, { redirect_uri: 'https://evil.example/' })));
probe('PAR: response_type nobody knows', async (p) => p.told(await push(p, { response_type: 'magic' })));
probe('PAR: request_uri within', async (p) => p.told(await push(p, { request_uri: 'urn:ietf:params:oauth:request_uri:x' })));
probe('PAR: PKCE plain', async (p) => p.told(await push(p, { code_challenge: challenge, code_challenge_method: 'plain' })));
probe('PAR: GET', async (p) => `${(await p.send('pushed_authorization_request_endpoint', {}, error)).status}`);
probe('PAR: used', async (p) => p.authorize({}, await pushed(p)));
probe('PAR: used by a client that must', async (p) => p.authorize({}, await pushed(p, {}, 'pushes')));
probe('PAR: signed in by it', async (p) => p.answered((await p.signIn({}, await pushed(p))).page));
probe('PAR: used again after the answer', async (p) => {
  const { query } = await pushed(p);
  await p.signIn({}, { query });
  return p.authorize({}, { query });
});
probe('PAR: used again before the answer', async (p) => {
  const { query } = await pushed(p);
  await p.authorize({}, { query });
  return p.authorize({}, { query });
});
probe('PAR: used by another client', async (p) => {
  const { query } = await pushed(p);
  query.set('client_id', 'other');
  return p.authorize({}, { query });
});
probe('PAR: request_uri nobody gave out', (p) => p.authorize({}, { query: new URLSearchParams({ client_id: 'web', request_uri: `urn:ietf:params:oauth:request_uri:${unheardOf()}` }) }));
probe('PAR: parameters beside request_uri', async (p) => {
  const { query } = await pushed(p, { state: 'pushed' });
  query.set('state', 'beside');
  return (await p.signIn({}, { query })).parameters.get('state');
});

// DPoP.
const proven = async (p, claims, header, key) => ({ dpop: await p.proof('POST', 'token_endpoint', claims, header, key) });
const bound = async (p, client = 'web') => (await p.redeem((await p.signIn({}, { client })).code, {}, client, await proven(p))).body;
probe('DPoP: answer', async (p) => p.told(await p.redeem((await p.signIn()).code, {}, 'web', await proven(p))));
probe('DPoP: token_type', async (p) => (await bound(p)).token_type);
for (const [name, claims, header] of [
  ['no jti', { jti: undefined }], ['other htm', { htm: 'GET' }], ['other htu', { htu: 'https://elsewhere.example/token' }],
  ['htu with a query', (p) => ({ htu: `${p.metadata.token_endpoint}?a=b` })], ['no iat', { iat: undefined }], ['old iat', { iat: 1 }],
  ['iat a day ahead', { iat: Math.floor(Date.now() / 1000) + 86400 }], ['other typ', {}, { typ: 'JWT' }], ['no jwk', {}, { jwk: undefined }],
  ['alg none', {}, { alg: 'none' }],
]) probe(`DPoP: proof with ${name}`, async (p) => p.told(await p.token(credentials, 'web', await proven(p, typeof claims === 'function' ? claims(p) : claims, header))));
probe('DPoP: proof that is none', async (p) => p.told(await p.token(credentials, 'web', { dpop: 'rubbish' })));
probe('DPoP: proof used twice', async (p) => {
  const proof = await proven(p);
  await p.token(credentials, 'web', proof);
  return p.told(await p.token(credentials, 'web', proof));
});
probe('DPoP: client that must, without', async (p) => p.told(await p.redeem((await p.signIn({}, { client: 'proves' })).code, {}, 'proves')));
probe('DPoP: code bound by dpop_jkt to another key', async (p) => {
  const { code } = await p.signIn({ dpop_jkt: challenge });
  return p.told(await p.redeem(code, {}, 'web', await proven(p)));
});
probe('DPoP: dpop_jkt that is no thumbprint', (p) => p.authorize({ dpop_jkt: 'short' }));
const boundUserInfo = async (p, { claims = {}, scheme = 'DPoP', proof = true, key } = {}) => {
  const { access_token } = await bound(p);
  const headers = proof ? { dpop: await p.proof('GET', 'userinfo_endpoint', { ath: ath(access_token), ...claims }, {}, key) } : {};
  return p.told(await p.userInfo(access_token, { scheme, headers }));
};
probe('DPoP: userinfo', (p) => boundUserInfo(p));
probe('DPoP: userinfo as Bearer', (p) => boundUserInfo(p, { scheme: 'Bearer', proof: false }));
probe('DPoP: userinfo as Bearer with a proof', (p) => boundUserInfo(p, { scheme: 'Bearer' }));
probe('DPoP: userinfo without proof', (p) => boundUserInfo(p, { proof: false }));
probe('DPoP: userinfo without ath', (p) => boundUserInfo(p, { claims: { ath: undefined } }));
probe('DPoP: userinfo with another key', async (p) => boundUserInfo(p, { key: await p.otherKey() }));
probe('DPoP: userinfo, bearer token as DPoP', async (p) => {
  const { access_token } = await p.tokens();
  return p.told(await p.userInfo(access_token, { scheme: 'DPoP', headers: { dpop: await p.proof('GET', 'userinfo_endpoint', { ath: ath(access_token) }) } }));
});
probe('DPoP: introspection', async (p) => {
  const { body } = await introspect(p, (await bound(p)).access_token);
  return `${body.token_type}, ${sorted(body.cnf)}`;
});
probe('DPoP: refresh of a confidential client with another key', async (p) => p.told(await p.refresh((await bound(p)).refresh_token, {}, 'web', await proven(p, {}, {}, await p.otherKey()))));
probe('DPoP: refresh of a public client without proof', async (p) => p.told(await p.refresh((await bound(p, 'public')).refresh_token, {}, 'public')));
probe('DPoP: refresh of a public client with another key', async (p) => p.told(await p.refresh((await bound(p, 'public')).refresh_token, {}, 'public', await proven(p, {}, {}, await p.otherKey()))));

// Devices.
const deviceGrant = (p, code, client = 'web') => p.token({ grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: code }, client);
const device = (p, fields = { scope: 'openid' }, headers = basic('web')) => p.send('device_authorization_endpoint', fields, { headers });
probe('device: answer', async (p) => p.told(await device(p)));
probe('device: client that may not', async (p) => p.told(await device(p, {}, basic('other'))));
probe('device: no client', async (p) => p.told(await device(p, {}, {})));
probe('device: asked before anyone answered', async (p) => p.told(await deviceGrant(p, (await device(p)).body.device_code)));
probe('device: asked twice at once', async (p) => {
  const { device_code } = (await device(p)).body;
  await deviceGrant(p, device_code);
  return p.told(await deviceGrant(p, device_code));
});
probe('device: code nobody gave out', async (p) => p.told(await deviceGrant(p, unheardOf())));
probe('device: no code', async (p) => p.told(await deviceGrant(p, undefined)));
probe('device: GET of the page', async (p) => p.answered(await new Visitor().open((await device(p)).body.verification_uri)));

// Registration.
const register = (p, metadata, headers = { 'content-type': 'application/json' }) => p.send('registration_endpoint', {}, { body: JSON.stringify(metadata), headers });
probe('registration: answer', async (p) => `${(await register(p, { redirect_uris: [callback] })).status}`);
probe('registration: defaults', async (p) => {
  const { body } = await register(p, { redirect_uris: [callback] });
  return ['grant_types', 'response_types', 'token_endpoint_auth_method'].map((name) => JSON.stringify(body[name])).join(', ');
});
probe('registration: no redirect_uris', async (p) => p.told(await register(p, {})));
probe('registration: redirect_uri with a fragment', async (p) => p.told(await register(p, { redirect_uris: [`${callback}#a`] })));
probe('registration: grant type nobody knows', async (p) => p.told(await register(p, { redirect_uris: [callback], grant_types: ['magic'] })));
probe('registration: no JSON', async (p) => p.told(await p.send('registration_endpoint', { a: 'b' })));
probe('registration: read with a wrong token', async (p) => {
  const { body } = await register(p, { redirect_uris: [callback] });
  return p.told(await p.send(body.registration_client_uri, {}, { method: 'GET', headers: { authorization: 'Bearer wrong' } }));
});
probe('registration: deleted', async (p) => {
  const { body } = await register(p, { redirect_uris: [callback] });
  return p.told(await p.send(body.registration_client_uri, {}, { method: 'DELETE', headers: { authorization: `Bearer ${body.registration_access_token}` } }));
});

// CORS.
const origin = { origin: 'https://app.example' };
const preflight = (endpoint) => async (p) => {
  const response = await fetch(p.metadata[endpoint] ?? `${p.issuer}${endpoint}`, {
    method: 'OPTIONS', headers: { ...origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,dpop' },
  });
  await response.text();
  const allowed = response.headers.get('access-control-allow-origin');
  if (!allowed) return 'not allowed';
  return `${response.status}, ${(response.headers.get('access-control-allow-headers') ?? '').toLowerCase().split(/, */).sort().join(' ')}`;
};
for (const endpoint of ['token_endpoint', 'userinfo_endpoint', 'revocation_endpoint', 'introspection_endpoint', 'pushed_authorization_request_endpoint', 'jwks_uri', '/.well-known/openid-configuration', 'authorization_endpoint']) {
  probe(`CORS: preflight of ${endpoint}`, preflight(endpoint));
}
const allows = ({ headers }) => `${headers.get('access-control-allow-origin') ? 'allowed' : 'not allowed'}`;
probe('CORS: discovery', async (p) => allows(await p.send(`${p.issuer}/.well-known/openid-configuration`, {}, { method: 'GET', headers: origin })));
probe('CORS: keys', async (p) => allows(await p.send('jwks_uri', {}, { method: 'GET', headers: origin })));
probe('CORS: token error', async (p) => allows(await p.token({ grant_type: 'magic' }, 'web', origin)));
probe('CORS: token', async (p) => allows(await p.redeem((await p.signIn({}, { client: 'public' })).code, {}, 'public', origin)));
probe('CORS: userinfo error', async (p) => allows(await p.userInfo(unheardOf(), { headers: origin })));
probe('CORS: userinfo, headers that a page may read', async (p) => {
  const { headers } = await p.userInfo(unheardOf(), { headers: origin });
  return (headers.get('access-control-expose-headers') ?? 'none').toLowerCase().split(/, */).sort().join(' ');
});
probe('CORS: authorize', async (p) => allows(await p.send(p.url(p.asked()), {}, { method: 'GET', headers: origin })));
