import assert from 'node:assert/strict';
import * as oidc from 'openid-client';
import { emulator } from './emulator.mjs';
import { party } from './party.mjs';
import { Visitor } from './visitor.mjs';

const feature = party('openid-client');
const { issuer } = await emulator({ args: ['--dynamic-registration', '--dpop-nonce'] });
const secret = 'web secret+/%';
const callback = 'https://rp.example/callback';
const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessToken = 'urn:ietf:params:oauth:token-type:access_token';
const visitor = new Visitor();
const insecure = { execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks] };
let config;
let tokens;

// wish is an authorization request and what has to fit it afterwards.
async function wish(more = {}) {
  const checks = { pkceCodeVerifier: oidc.randomPKCECodeVerifier(), expectedNonce: oidc.randomNonce(), expectedState: oidc.randomState() };
  const parameters = {
    redirect_uri: callback, scope: 'openid profile email groups', nonce: checks.expectedNonce, state: checks.expectedState,
    code_challenge: await oidc.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: 'S256', ...more,
  };
  return { parameters, checks };
}

feature('discovery', async () => {
  config = await oidc.discovery(new URL(issuer), 'web', secret, oidc.ClientSecretBasic(secret), insecure);
  assert.equal(config.serverMetadata().issuer, issuer);
  assert.ok(config.serverMetadata().supportsPKCE());
  const oauth = await oidc.discovery(new URL(issuer), 'web', secret, undefined, { ...insecure, algorithm: 'oauth2' });
  assert.equal(oauth.serverMetadata().token_endpoint, config.serverMetadata().token_endpoint);
});

feature('sign-in', async () => {
  const { parameters, checks } = await wish();
  const answer = await visitor.signIn(oidc.buildAuthorizationUrl(config, parameters), 'ada');
  tokens = await oidc.authorizationCodeGrant(config, answer, { ...checks, idTokenExpected: true });
  assert.equal(tokens.token_type, 'bearer');
});

feature('PKCE', async () => {
  const { parameters, checks } = await wish();
  const answer = (await visitor.open(oidc.buildAuthorizationUrl(config, parameters))).location;
  const wrong = { ...checks, pkceCodeVerifier: oidc.randomPKCECodeVerifier() };
  await assert.rejects(oidc.authorizationCodeGrant(config, answer, wrong), { error: 'invalid_grant' });
  await oidc.authorizationCodeGrant(config, answer, checks);
});

feature('ID token', async () => {
  const { parameters, checks } = await wish({ max_age: '60', prompt: 'login' });
  const answer = await visitor.signIn(oidc.buildAuthorizationUrl(config, parameters), 'ada');
  tokens = await oidc.authorizationCodeGrant(config, answer, { ...checks, maxAge: 60, idTokenExpected: true });
  const claims = tokens.claims();
  assert.equal(claims.email, 'ada@rp.example');
  assert.deepEqual(claims.groups, ['engineers', 'ops']);
});

feature('userinfo', async () => {
  const info = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  assert.equal(info.email_verified, true);
  assert.deepEqual(info.groups, ['engineers', 'ops']);
});

feature('refresh', async () => {
  const before = tokens;
  tokens = await oidc.refreshTokenGrant(config, before.refresh_token);
  assert.equal(tokens.claims().sub, before.claims().sub);
  assert.equal(tokens.claims().auth_time, before.claims().auth_time);
  assert.notEqual(tokens.refresh_token, before.refresh_token);
});

feature('introspection', async () => {
  const active = await oidc.tokenIntrospection(config, tokens.access_token);
  assert.equal(active.active, true);
  assert.equal(active.username, 'ada');
  assert.deepEqual({ ...await oidc.tokenIntrospection(config, 'unheard of') }, { active: false });
});

feature('revocation', async () => {
  await oidc.tokenRevocation(config, tokens.refresh_token);
  await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token), { error: 'invalid_grant' });
  await assert.rejects(oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub), { code: 'OAUTH_WWW_AUTHENTICATE_CHALLENGE' });
});

feature('client credentials', async () => {
  const granted = await oidc.clientCredentialsGrant(config, { scope: 'reports', resource: 'https://api.rp.example' });
  assert.equal(granted.scope, 'reports');
  assert.equal(granted.refresh_token, undefined);
});

feature('device', async () => {
  const device = await oidc.initiateDeviceAuthorization(config, { scope: 'openid email' });
  const page = await visitor.open(device.verification_uri_complete);
  await visitor.press(page, 'sign-in-ben');
  const granted = await oidc.pollDeviceAuthorizationGrant(config, { ...device, interval: 1 });
  assert.equal(granted.claims().email, 'ben@rp.example');
});

feature('token exchange', async () => {
  const { parameters, checks } = await wish();
  const own = await oidc.authorizationCodeGrant(config, await new Visitor().signIn(oidc.buildAuthorizationUrl(config, parameters), 'ada'), checks);
  const granted = await oidc.genericGrantRequest(config, exchange, {
    subject_token: own.access_token, subject_token_type: accessToken, audience: 'https://api.rp.example', scope: 'openid email',
  });
  assert.equal(granted.issued_token_type, accessToken);
});

feature('PAR', async () => {
  const { parameters, checks } = await wish();
  const address = await oidc.buildAuthorizationUrlWithPAR(config, parameters);
  assert.deepEqual([...address.searchParams.keys()].sort(), ['client_id', 'request_uri']);
  const own = await oidc.authorizationCodeGrant(config, await new Visitor().signIn(address, 'ada'), checks);
  assert.equal(own.claims().email, 'ada@rp.example');
});

feature('DPoP', async () => {
  const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'));
  const { parameters, checks } = await wish();
  const address = await oidc.buildAuthorizationUrlWithPAR(config, parameters, { DPoP });
  const bound = await oidc.authorizationCodeGrant(config, await new Visitor().signIn(address, 'ben'), checks, undefined, { DPoP });
  assert.equal(bound.token_type, 'dpop');
  assert.equal((await oidc.fetchUserInfo(config, bound.access_token, bound.claims().sub, { DPoP })).email, 'ben@rp.example');
  const again = await oidc.refreshTokenGrant(config, bound.refresh_token, undefined, { DPoP });
  assert.equal(again.token_type, 'dpop');
  await assert.rejects(oidc.fetchUserInfo(config, again.access_token, bound.claims().sub), { code: 'OAUTH_WWW_AUTHENTICATE_CHALLENGE' });
});

feature('form_post', async () => {
  const { parameters, checks } = await wish({ response_mode: 'form_post' });
  const answer = await new Visitor().signIn(oidc.buildAuthorizationUrl(config, parameters), 'ada');
  assert.ok(answer instanceof Request);
  const own = await oidc.authorizationCodeGrant(config, answer, checks);
  assert.equal(own.claims().email, 'ada@rp.example');
});

feature('registration', async () => {
  const own = await oidc.dynamicClientRegistration(new URL(issuer), { redirect_uris: [callback], client_name: 'Registered', token_endpoint_auth_method: 'client_secret_post' }, undefined, insecure);
  const { parameters, checks } = await wish();
  const granted = await oidc.authorizationCodeGrant(own, await new Visitor().signIn(oidc.buildAuthorizationUrl(own, parameters), 'ada'), checks);
  assert.equal(granted.claims().aud, own.clientMetadata().client_id);
});

feature('private_key_jwt', async () => {
  const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', publicKey);
  const own = await oidc.dynamicClientRegistration(new URL(issuer), {
    grant_types: ['client_credentials'], response_types: [], redirect_uris: [], token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ kty, crv, x, y, kid: 'own', alg: 'ES256' }] },
  }, oidc.PrivateKeyJwt({ key: privateKey, kid: 'own' }), insecure);
  assert.equal((await oidc.clientCredentialsGrant(own)).token_type, 'bearer');
});

feature('logout', async () => {
  const { parameters, checks } = await wish();
  const own = new Visitor();
  const signed = await oidc.authorizationCodeGrant(config, await own.signIn(oidc.buildAuthorizationUrl(config, parameters), 'ada'), checks);
  const address = oidc.buildEndSessionUrl(config, { post_logout_redirect_uri: 'https://rp.example/bye', id_token_hint: signed.id_token, state: 'a b' });
  const { location } = await own.open(address);
  assert.equal(location.origin + location.pathname, 'https://rp.example/bye');
  assert.equal(location.searchParams.get('state'), 'a b');
  const silent = await own.open(oidc.buildAuthorizationUrl(config, { ...parameters, prompt: 'none' }));
  assert.equal(silent.location.searchParams.get('error'), 'login_required');
});
