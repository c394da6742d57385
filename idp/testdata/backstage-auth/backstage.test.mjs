import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { emulator } from '../clients/emulator.mjs';
import { party } from '../clients/party.mjs';
import { Visitor } from '../clients/visitor.mjs';
import { fetchOver } from './tls.mjs';

const microsoft = 'login.microsoftonline.com';
const tenant = '6a3a5b9e-3c1e-4f7e-9d43-0c7a54d0c111';
const folder = mkdtempSync(join(tmpdir(), 'backstage-auth-'));
after(() => rmSync(folder, { recursive: true }));
const { url, issuer, issuers } = await emulator({
  seed: new URL('seed.yaml', import.meta.url).href, args: ['--tls', '--tls-ca-dir', folder, '--tls-host', microsoft],
});
const { host, port } = new URL(url);
const authority = join(folder, 'ca.pem');
const overTLS = fetchOver(readFileSync(authority), port);

const oidc = (metadataUrl, more) => ({ module: 'oidc', authenticator: 'oidcAuthenticator', config: { metadataUrl, prompt: 'auto', ...more } });
const oauth2 = (more) => ({
  module: 'oauth2', authenticator: 'oauth2Authenticator',
  config: { authorizationUrl: `${issuer}/authorize`, tokenUrl: `${issuer}/token`, additionalScopes: 'openid profile email', ...more },
});
const providers = {
  oidc: oidc(`${issuer}/.well-known/openid-configuration`),
  'oidc-keycloak': oidc(`${issuers.keycloak}/.well-known/openid-configuration`),
  'oidc-okta': oidc(`${issuers.okta}/.well-known/openid-configuration`, { additionalScopes: 'offline_access' }),
  'oidc-jumpcloud': oidc(`${issuers.jumpcloud}.well-known/openid-configuration`, { additionalScopes: 'offline_access' }),
  'oidc-entra': oidc(`${url}/${tenant}/v2.0/.well-known/openid-configuration`, { additionalScopes: 'offline_access' }),
  oauth2: oauth2(),
  'oauth2-basic': oauth2({ includeBasicAuth: true }),
  okta: { module: 'okta', authenticator: 'oktaAuthenticator', config: { audience: url, authServerId: 'default' } },
  auth0: {
    module: 'auth0', authenticator: 'auth0Authenticator',
    config: { domain: new URL(issuers.auth0).href.replace(/^https:\/\/|\/$/g, ''), audience: 'https://api.rp.example' },
  },
  'microsoft-graph': { module: 'microsoft', authenticator: 'microsoftAuthenticator', config: { clientId: 'backstage-graph', tenantId: tenant } },
  microsoft: { module: 'microsoft', authenticator: 'microsoftAuthenticator', config: { tenantId: tenant, additionalScopes: 'profile' } },
};

const process_ = spawn(process.execPath, [fileURLToPath(new URL('backend.mjs', import.meta.url)), JSON.stringify({ providers, hosts: [microsoft], port: Number(port) })], {
  env: { ...process.env, NODE_EXTRA_CA_CERTS: authority }, stdio: ['pipe', 'pipe', 'inherit'],
});
const ended = new Promise((resolve) => process_.once('exit', resolve));
const backend = await new Promise((resolve, reject) => {
  process_.stdout.once('data', (line) => resolve(`${line}`.trim()));
  ended.then((code) => reject(new Error(`the backend ended (${code})`)));
});
after(async () => {
  process_.stdin.end();
  await ended;
});

// browser is one that uses Backstage: it has cookies of the backend and of the
// identity provider.
function browser(id) {
  const [app, provider] = [new Visitor(), new Visitor(overTLS)];
  const own = `${backend}/api/auth/${id}`;
  const ajax = { 'x-requested-with': 'XMLHttpRequest' };
  const read = ({ html, status }) => ({ status, ...JSON.parse(html || '{}') });
  return {
    async signIn(scope = '') {
      const { location, html } = await app.open(`${own}/start?env=development&scope=${encodeURIComponent(scope)}&origin=http%3A%2F%2Flocalhost%3A3000`);
      assert.ok(location, html);
      const { html: frame } = await app.open(await provider.signIn(location, 'ada'));
      const { response, error } = JSON.parse(decodeURIComponent(frame.match(/authResponse = decodeURIComponent\('([^']*)'\)/)[1]));
      assert.equal(error, undefined, error?.message);
      return { ...response, asked: location };
    },
    refresh: async (scope = '') => read(await app.open(`${own}/refresh?env=development&scope=${encodeURIComponent(scope)}`, { headers: ajax })),
    logout: async () => read(await app.open(`${own}/logout`, { method: 'POST', headers: { ...ajax, origin: 'http://localhost:3000' } })),
    provider,
  };
}

const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
const ada = { email: 'ada@rp.example', picture: 'https://rp.example/ada.png', displayName: 'Ada Lovelace' };
const module_ = (name) => party(`Backstage ${name} module`, `@backstage/plugin-auth-backend-module-${name}-provider`, import.meta.url);

// both signs in and refreshes: the profile must be the same, the token a new one.
async function both(id, profile, scope) {
  const one = browser(id);
  const signedIn = await one.signIn(scope);
  assert.deepEqual(signedIn.profile, profile);
  const refreshed = await one.refresh(scope);
  assert.equal(refreshed.error, undefined);
  assert.deepEqual(refreshed.profile, profile);
  assert.ok(refreshed.providerInfo.accessToken);
  // Tokens of Auth0 have no id of their own: two of one second may be the same.
  if (id !== 'auth0') assert.notEqual(refreshed.providerInfo.accessToken, signedIn.providerInfo.accessToken);
  return { one, signedIn, refreshed };
}

{
  const feature = module_('oidc');
  let shown;
  feature('discovery', async () => {
    const asked = new URL((await browser('oidc').signIn()).asked);
    assert.equal(asked.origin + asked.pathname, `${issuer}/authorize`);
    assert.equal(asked.searchParams.get('code_challenge_method'), 'S256');
  });
  feature('sign-in', async () => { shown = await both('oidc', ada); });
  feature('PKCE', () => { assert.match(new URL(shown.signedIn.asked).searchParams.get('code_challenge'), /^[\w-]{43}$/); });
  feature('ID token', () => { assert.equal(claimsOf(shown.signedIn.providerInfo.idToken).iss, issuer); });
  feature('userinfo', () => { assert.deepEqual(shown.signedIn.profile, ada); });
  feature('refresh', () => { assert.equal(shown.refreshed.status, 200); });
  feature('revocation', async () => {
    assert.equal((await shown.one.logout()).status, 200);
    assert.match((await shown.one.refresh()).error, /Missing session cookie/);
  });
  // The same module at the shapes of the products: with the claims that these
  // have unasked. Entra says nothing of email_verified, so there the module
  // leaves the e-mail out.
  const { email, picture, displayName } = ada;
  feature('vendor profiles', async () => {
    await both('oidc-keycloak', { email, displayName });
    await both('oidc-okta', ada);
    await both('oidc-jumpcloud', { email });
    await both('oidc-entra', { picture, displayName });
  });
}

{
  const feature = module_('oauth2');
  let shown;
  feature('sign-in', async () => { shown = await both('oauth2', ada); });
  feature('refresh', () => { assert.equal(shown.refreshed.status, 200); });
  // With includeBasicAuth the module authenticates in the header and in the form,
  // which RFC 6749, section 2.3, forbids.
  test('oauth2 with includeBasicAuth is refused', async () => {
    await assert.rejects(browser('oauth2-basic').signIn(), /the client authenticates in the header and in the form/);
  });
}

{
  const feature = module_('okta');
  let shown;
  feature('sign-in', async () => {
    // The module reads no picture.
    shown = await both('okta', { email: ada.email, displayName: ada.displayName });
  });
  feature('userinfo', () => { assert.equal(shown.signedIn.profile.displayName, ada.displayName); });
  feature('refresh', () => { assert.deepEqual(claimsOf(shown.refreshed.providerInfo.accessToken).scp.sort(), ['email', 'offline_access', 'openid', 'profile']); });
}

{
  const feature = module_('auth0');
  let shown;
  feature('sign-in', async () => { shown = await both('auth0', ada, 'openid profile email offline_access'); });
  feature('ID token', () => { assert.equal(claimsOf(shown.signedIn.providerInfo.idToken).iss, issuers.auth0); });
  feature('userinfo', () => { assert.deepEqual(shown.signedIn.profile, ada); });
  feature('refresh', () => { assert.deepEqual(claimsOf(shown.refreshed.providerInfo.accessToken).aud, ['https://api.rp.example', `${issuers.auth0}userinfo`]); });
  feature('logout', async () => {
    const { logoutUrl } = await shown.one.logout();
    const { location } = await shown.one.provider.open(logoutUrl);
    assert.equal(location.origin, 'http://localhost:3000');
    const again = await shown.one.provider.open(shown.signedIn.asked);
    assert.ok(again.forms.some(({ fields }) => fields.some(({ name }) => name === 'login')), 'nobody is signed in any more');
  });
}

{
  const feature = module_('microsoft');
  let shown;
  feature('sign-in', async () => { shown = await both('microsoft', { email: ada.email, displayName: ada.displayName }); });
  feature('refresh', () => { assert.equal(shown.refreshed.status, 200); });
  // With a token for Microsoft Graph, which a client without an audience of its
  // own gets, the module asks Graph for the profile; nobody serves that here.
  test('microsoft with a token for Microsoft Graph needs that', async () => {
    await assert.rejects(browser('microsoft-graph').signIn(), /failed to fetch user profile/);
  });
}
