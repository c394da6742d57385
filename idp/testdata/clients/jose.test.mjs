import assert from 'node:assert/strict';
import * as jose from 'jose';
import { emulator } from './emulator.mjs';
import { party } from './party.mjs';
import { Visitor } from './visitor.mjs';

const feature = party('jose');
const { issuer } = await emulator();
const callback = 'https://rp.example/callback';
const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];
const metadata = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
const keys = jose.createRemoteJWKSet(new URL(metadata.jwks_uri));

// signIn does by hand what jose leaves to its users.
async function signIn(client, visitor = new Visitor()) {
  const asked = new URLSearchParams({ client_id: client, redirect_uri: callback, response_type: 'code', scope: 'openid email groups', nonce: client });
  const answer = await visitor.signIn(`${metadata.authorization_endpoint}?${asked}`, 'ada');
  const response = await fetch(metadata.token_endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${client}:x`)}` },
    body: new URLSearchParams({ grant_type: 'authorization_code', code: answer.searchParams.get('code'), redirect_uri: callback }),
  });
  assert.equal(response.status, 200);
  return response.json();
}

feature('ID token', async () => {
  const tokens = await signIn('signs-RS256');
  const { payload } = await jose.jwtVerify(tokens.id_token, keys, { issuer, audience: 'signs-RS256', requiredClaims: ['nonce', 'auth_time'] });
  assert.equal(payload.email, 'ada@rp.example');
});

feature('all algorithms', async () => {
  for (const alg of algorithms) {
    const client = `signs-${alg}`;
    const tokens = await signIn(client);
    const options = { issuer, algorithms: [alg] };
    const access = await jose.jwtVerify(tokens.access_token, keys, { ...options, typ: 'at+jwt' });
    const id = await jose.jwtVerify(tokens.id_token, keys, { ...options, audience: client });
    assert.equal(access.payload.client_id, client);
    assert.equal(id.payload.nonce, client);
    const response = await fetch(metadata.userinfo_endpoint, { headers: { authorization: `Bearer ${tokens.access_token}` } });
    assert.equal(response.headers.get('content-type'), 'application/jwt');
    const info = await jose.jwtVerify(await response.text(), keys, { ...options, audience: client });
    assert.deepEqual(info.payload.groups, ['engineers', 'ops']);
    const [header, , signature] = tokens.access_token.split('.');
    const forged = `${header}.${jose.base64url.encode(JSON.stringify({ ...access.payload, sub: 'ben' }))}.${signature}`;
    await assert.rejects(jose.jwtVerify(forged, keys, options), jose.errors.JWSSignatureVerificationFailed);
  }
});
