import assert from 'node:assert/strict';
import * as oauth from 'oauth4webapi';
import { emulator } from './emulator.mjs';
import { party } from './party.mjs';
import { Visitor } from './visitor.mjs';

const feature = party('oauth4webapi');
const { issuer } = await emulator({ args: ['--dynamic-registration', '--dpop-nonce'] });
const client = { client_id: 'web' };
const authenticate = oauth.ClientSecretBasic('web secret+/%');
const callback = 'https://rp.example/callback';
const accessToken = 'urn:ietf:params:oauth:token-type:access_token';
const insecure = { [oauth.allowInsecureRequests]: true };
const visitor = new Visitor();
let server;
let tokens;

async function wish(more = {}) {
  const verifier = oauth.generateRandomCodeVerifier();
  const checks = { verifier, state: oauth.generateRandomState(), nonce: oauth.generateRandomNonce() };
  const parameters = new URLSearchParams({
    client_id: client.client_id, redirect_uri: callback, response_type: 'code', scope: 'openid profile email groups',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
    state: checks.state, nonce: checks.nonce, ...more,
  });
  return { parameters, checks };
}

const authorizeAt = (parameters) => new URL(`${server.authorization_endpoint}?${parameters}`);

// withNonce does it again where the provider wanted a nonce of its own first.
async function withNonce(run) {
  try {
    return await run();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return run();
  }
}

async function redeem(answer, checks, { who = client, auth = authenticate, ...options } = {}) {
  const parameters = oauth.validateAuthResponse(server, who, answer, checks.state);
  const response = await oauth.authorizationCodeGrantRequest(server, who, auth, parameters, callback, checks.verifier, { ...insecure, ...options });
  const granted = await oauth.processAuthorizationCodeResponse(server, who, response, { expectedNonce: checks.nonce, requireIdToken: true, maxAge: checks.maxAge });
  await oauth.validateApplicationLevelSignature(server, response, insecure);
  return granted;
}

const userInfo = async (granted, options = {}) => {
  const response = await oauth.userInfoRequest(server, client, granted.access_token, { ...insecure, ...options });
  return oauth.processUserInfoResponse(server, client, oauth.getValidatedIdTokenClaims(granted).sub, response);
};

feature('discovery', async () => {
  const identifier = new URL(issuer);
  for (const algorithm of ['oauth2', 'oidc']) {
    const response = await oauth.discoveryRequest(identifier, { algorithm, ...insecure });
    server = await oauth.processDiscoveryResponse(identifier, response);
  }
  assert.equal(server.issuer, issuer);
});

feature('sign-in', async () => {
  const { parameters, checks } = await wish();
  tokens = await redeem(await visitor.signIn(authorizeAt(parameters), 'ada'), checks);
});

feature('PKCE', async () => {
  const { parameters, checks } = await wish();
  const answer = (await visitor.open(authorizeAt(parameters))).location;
  await assert.rejects(redeem(answer, { ...checks, verifier: oauth.generateRandomCodeVerifier() }), { error: 'invalid_grant' });
  await redeem(answer, checks);
});

feature('ID token', async () => {
  const { parameters, checks } = await wish({ max_age: '60', prompt: 'login' });
  tokens = await redeem(await visitor.signIn(authorizeAt(parameters), 'ada'), { ...checks, maxAge: 60 });
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  assert.equal(claims.email, 'ada@rp.example');
  assert.deepEqual(claims.groups, ['engineers', 'ops']);
});

feature('userinfo', async () => {
  assert.equal((await userInfo(tokens)).email_verified, true);
});

feature('refresh', async () => {
  const before = tokens;
  const response = await oauth.refreshTokenGrantRequest(server, client, authenticate, before.refresh_token, insecure);
  tokens = await oauth.processRefreshTokenResponse(server, client, response);
  await oauth.validateApplicationLevelSignature(server, response, insecure);
  const [old, fresh] = [before, tokens].map(oauth.getValidatedIdTokenClaims);
  assert.deepEqual([fresh.sub, fresh.auth_time], [old.sub, old.auth_time]);
});

feature('introspection', async () => {
  const response = await oauth.introspectionRequest(server, client, authenticate, tokens.access_token, insecure);
  const active = await oauth.processIntrospectionResponse(server, client, response);
  assert.equal(active.active, true);
  assert.equal(active.username, 'ada');
});

feature('revocation', async () => {
  const response = await oauth.revocationRequest(server, client, authenticate, tokens.refresh_token, insecure);
  await oauth.processRevocationResponse(response);
  await assert.rejects(userInfo(tokens), oauth.WWWAuthenticateChallengeError);
});

feature('client credentials', async () => {
  const response = await oauth.clientCredentialsGrantRequest(server, client, authenticate, { scope: 'reports', resource: 'https://api.rp.example' }, insecure);
  assert.equal((await oauth.processClientCredentialsResponse(server, client, response)).scope, 'reports');
});

feature('device', async () => {
  const asked = await oauth.deviceAuthorizationRequest(server, client, authenticate, { scope: 'openid email' }, insecure);
  const device = await oauth.processDeviceAuthorizationResponse(server, client, asked);
  const poll = async () => oauth.processDeviceCodeResponse(server, client, await oauth.deviceCodeGrantRequest(server, client, authenticate, device.device_code, insecure));
  await visitor.press(await visitor.open(device.verification_uri_complete), 'sign-in-ben');
  assert.equal(oauth.getValidatedIdTokenClaims(await poll()).email, 'ben@rp.example');
  await assert.rejects(poll(), { error: 'invalid_grant' });
});

feature('token exchange', async () => {
  const { parameters, checks } = await wish();
  const own = await redeem(await new Visitor().signIn(authorizeAt(parameters), 'ada'), checks);
  const response = await oauth.genericTokenEndpointRequest(server, client, authenticate, 'urn:ietf:params:oauth:grant-type:token-exchange', {
    subject_token: own.access_token, subject_token_type: accessToken, audience: 'https://api.rp.example', scope: 'openid email',
  }, insecure);
  assert.equal((await oauth.processGenericTokenEndpointResponse(server, client, response)).issued_token_type, accessToken);
});

feature('PAR', async () => {
  const { parameters, checks } = await wish();
  const pushed = await oauth.pushedAuthorizationRequest(server, client, authenticate, parameters, insecure);
  const { request_uri } = await oauth.processPushedAuthorizationResponse(server, client, pushed);
  const answer = await new Visitor().signIn(authorizeAt(new URLSearchParams({ client_id: 'web', request_uri })), 'ada');
  assert.equal(oauth.getValidatedIdTokenClaims(await redeem(answer, checks)).email, 'ada@rp.example');
});

feature('DPoP', async () => {
  const handle = oauth.DPoP(client, await oauth.generateKeyPair('EdDSA'));
  const { parameters, checks } = await wish();
  const { request_uri } = await withNonce(async () => {
    const pushed = await oauth.pushedAuthorizationRequest(server, client, authenticate, parameters, { ...insecure, DPoP: handle });
    return oauth.processPushedAuthorizationResponse(server, client, pushed);
  });
  const answer = await new Visitor().signIn(authorizeAt(new URLSearchParams({ client_id: 'web', request_uri })), 'ben');
  await assert.rejects(redeem(answer, checks), { error: 'invalid_dpop_proof' }); // the code is bound to the key
  const bound = await withNonce(() => redeem(answer, checks, { DPoP: handle }));
  assert.equal(bound.token_type, 'dpop');
  assert.equal((await withNonce(() => userInfo(bound, { DPoP: handle }))).email, 'ben@rp.example');
});

feature('form_post', async () => {
  const { parameters, checks } = await wish({ response_mode: 'form_post' });
  const answer = await new Visitor().signIn(authorizeAt(parameters), 'ada');
  const own = await redeem(new URLSearchParams(await answer.text()), checks);
  assert.equal(oauth.getValidatedIdTokenClaims(own).email, 'ada@rp.example');
});

feature('private_key_jwt', async () => {
  const { privateKey, publicKey } = await oauth.generateKeyPair('PS256', { extractable: true });
  const { kty, n, e } = await crypto.subtle.exportKey('jwk', publicKey);
  const own = { client_id: 'signs', token_endpoint_auth_method: 'private_key_jwt' };
  const registered = await oauth.dynamicClientRegistrationRequest(server, {
    redirect_uris: [], response_types: [], grant_types: ['client_credentials'], token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ kty, n, e, kid: 'own', alg: 'PS256' }] },
  }, insecure);
  own.client_id = (await oauth.processDynamicClientRegistrationResponse(registered)).client_id;
  const response = await oauth.clientCredentialsGrantRequest(server, own, oauth.PrivateKeyJwt({ key: privateKey, kid: 'own' }), {}, insecure);
  assert.equal((await oauth.processClientCredentialsResponse(server, own, response)).token_type, 'bearer');
});

feature('registration', async () => {
  const response = await oauth.dynamicClientRegistrationRequest(server, { redirect_uris: [callback], client_name: 'Registered' }, insecure);
  const own = await oauth.processDynamicClientRegistrationResponse(response);
  const { parameters, checks } = await wish({ client_id: own.client_id });
  const granted = await redeem(await new Visitor().signIn(authorizeAt(parameters), 'ada'), checks, { who: own, auth: oauth.ClientSecretBasic(own.client_secret) });
  assert.equal(oauth.getValidatedIdTokenClaims(granted).aud, own.client_id);
});

feature('logout', async () => {
  const own = new Visitor();
  const { parameters, checks } = await wish();
  const signed = await redeem(await own.signIn(authorizeAt(parameters), 'ada'), checks);
  const bye = new URLSearchParams({ id_token_hint: signed.id_token, post_logout_redirect_uri: 'https://rp.example/bye', state: 'a b' });
  const { location } = await own.open(`${server.end_session_endpoint}?${bye}`);
  assert.equal(location.searchParams.get('state'), 'a b');
  const silent = (await own.open(authorizeAt((await wish({ prompt: 'none', state: 'x' })).parameters))).location;
  assert.throws(() => oauth.validateAuthResponse(server, client, silent, 'x'), { error: 'login_required' });
});
