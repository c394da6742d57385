import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { Issuer, generators } from 'openid-client-5';
import { emulator } from './emulator.mjs';
import { party } from './party.mjs';
import { Visitor } from './visitor.mjs';

const feature = party('openid-client', 'openid-client-5');
const { issuer } = await emulator({ args: ['--dynamic-registration', '--dpop-nonce'] });
const callback = 'https://rp.example/callback';
const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessToken = 'urn:ietf:params:oauth:token-type:access_token';
const visitor = new Visitor();
let discovered;
let client;
let tokens;

function wish(more = {}) {
  const checks = { code_verifier: generators.codeVerifier(), nonce: generators.nonce(), state: generators.state(), response_type: 'code' };
  const parameters = {
    redirect_uri: callback, scope: 'openid profile email groups', nonce: checks.nonce, state: checks.state,
    code_challenge: generators.codeChallenge(checks.code_verifier), code_challenge_method: 'S256', ...more,
  };
  return { parameters, checks };
}

async function signIn(own, visits, more, login = 'ada') {
  const { parameters, checks } = wish(more);
  const answer = await visits.signIn(own.authorizationUrl(parameters), login);
  return own.callback(callback, own.callbackParams(answer.href), checks);
}

feature('discovery', async () => {
  discovered = await Issuer.discover(issuer);
  assert.equal(discovered.issuer, issuer);
  assert.equal((await Issuer.discover(`${issuer}/.well-known/oauth-authorization-server`)).issuer, issuer);
  client = new discovered.Client({ client_id: 'web', client_secret: 'web secret+/%', redirect_uris: [callback], response_types: ['code'] });
});

feature('sign-in', async () => {
  tokens = await signIn(client, visitor);
  assert.equal(tokens.token_type, 'Bearer');
});

feature('PKCE', async () => {
  const { parameters, checks } = wish();
  const answer = client.callbackParams((await visitor.open(client.authorizationUrl(parameters))).location.href);
  await assert.rejects(client.callback(callback, answer, { ...checks, code_verifier: generators.codeVerifier() }), { error: 'invalid_grant' });
  await client.callback(callback, answer, checks);
});

feature('ID token', async () => {
  const { parameters, checks } = wish({ max_age: 60, prompt: 'login' });
  const answer = await visitor.signIn(client.authorizationUrl(parameters), 'ada');
  tokens = await client.callback(callback, client.callbackParams(answer.href), { ...checks, max_age: 60 });
  assert.equal(tokens.claims().email, 'ada@rp.example');
  assert.deepEqual(tokens.claims().groups, ['engineers', 'ops']);
});

feature('userinfo', async () => {
  for (const options of [{}, { method: 'POST', via: 'body' }]) {
    const info = await client.userinfo(tokens, options);
    assert.equal(info.email_verified, true);
    assert.deepEqual(info.groups, ['engineers', 'ops']);
  }
});

feature('refresh', async () => {
  const before = tokens;
  tokens = await client.refresh(before);
  assert.equal(tokens.claims().auth_time, before.claims().auth_time);
  assert.notEqual(tokens.refresh_token, before.refresh_token);
});

feature('introspection', async () => {
  const active = await client.introspect(tokens.access_token, 'access_token');
  assert.equal(active.active, true);
  assert.equal(active.username, 'ada');
  assert.deepEqual(await client.introspect('unheard of'), { active: false });
});

feature('revocation', async () => {
  await client.revoke(tokens.refresh_token);
  await client.revoke('unheard of');
  await assert.rejects(client.refresh(tokens), { error: 'invalid_grant' });
  await assert.rejects(client.userinfo(tokens), { error: 'invalid_token' });
});

feature('client credentials', async () => {
  const granted = await client.grant({ grant_type: 'client_credentials', scope: 'reports', resource: 'https://api.rp.example' });
  assert.equal(granted.scope, 'reports');
});

feature('device', async () => {
  // Answered before the client asks; it asks after its interval all the same.
  const flow = await client.deviceAuthorization({ scope: 'openid email' });
  await visitor.press(await visitor.open(flow.verification_uri_complete), 'sign-in-ben');
  const granted = await flow.poll();
  assert.equal(granted.claims().email, 'ben@rp.example');
});

feature('token exchange', async () => {
  const own = await signIn(client, new Visitor());
  const granted = await client.grant({
    grant_type: exchange, subject_token: own.access_token, subject_token_type: accessToken, audience: 'https://api.rp.example', scope: 'openid email',
  });
  assert.equal(granted.issued_token_type, accessToken);
});

feature('PAR', async () => {
  const { parameters, checks } = wish();
  const { request_uri } = await client.pushedAuthorizationRequest(parameters);
  const answer = await new Visitor().signIn(client.authorizationUrl({ request_uri, scope: undefined, redirect_uri: undefined, response_type: undefined }), 'ada');
  const own = await client.callback(callback, client.callbackParams(answer.href), checks);
  assert.equal(own.claims().email, 'ada@rp.example');
});

feature('DPoP', async () => {
  const DPoP = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const { parameters, checks } = wish();
  const answer = await new Visitor().signIn(client.authorizationUrl(parameters), 'ben');
  const bound = await client.callback(callback, client.callbackParams(answer.href), checks, { DPoP });
  assert.equal(bound.token_type, 'DPoP');
  assert.equal((await client.userinfo(bound, { DPoP })).email, 'ben@rp.example');
  assert.equal((await client.refresh(bound, { DPoP })).token_type, 'DPoP');
});

feature('form_post', async () => {
  const { parameters, checks } = wish({ response_mode: 'form_post' });
  const answer = await new Visitor().signIn(client.authorizationUrl(parameters), 'ada');
  const body = await answer.text();
  const own = await client.callback(callback, client.callbackParams({ method: 'POST', url: '/callback', body }), checks);
  assert.equal(own.claims().email, 'ada@rp.example');
});

feature('registration', async () => {
  const own = await discovered.Client.register({ redirect_uris: [callback], client_name: 'Registered' });
  assert.equal((await signIn(own, new Visitor())).claims().aud, own.client_id);
  const again = await discovered.Client.fromUri(own.registration_client_uri, own.registration_access_token);
  assert.equal(again.client_id, own.client_id);
});

feature('private_key_jwt', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const named = { kid: 'own', alg: 'ES256', use: 'sig' };
  const own = await discovered.Client.register({
    grant_types: ['client_credentials'], response_types: [], redirect_uris: [], token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), ...named }] },
  }, { jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), ...named }] } });
  assert.equal((await own.grant({ grant_type: 'client_credentials' })).token_type, 'Bearer');
});

feature('logout', async () => {
  const own = new Visitor();
  const signed = await signIn(client, own);
  const { location } = await own.open(client.endSessionUrl({ id_token_hint: signed, post_logout_redirect_uri: 'https://rp.example/bye', state: 'a b' }));
  assert.equal(location.origin + location.pathname, 'https://rp.example/bye');
  assert.equal(location.searchParams.get('state'), 'a b');
  const silent = await own.open(client.authorizationUrl({ ...wish().parameters, prompt: 'none' }));
  assert.equal(silent.location.searchParams.get('error'), 'login_required');
});
