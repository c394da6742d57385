import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after } from 'node:test';
import { chromium } from 'playwright-core';
import { emulator } from './emulator.mjs';
import { party } from './party.mjs';

const feature = party('oidc-client-ts');
const own = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');

// The page is on localhost as the provider is, so that the two are of one site
// and the silent renewal in an iframe has the provider's cookies.
const served = {};
const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost');
  if (pathname === '/oidc-client-ts.js') response.setHeader('content-type', 'text/javascript').end(served.library);
  else response.setHeader('content-type', 'text/html').end(served.page);
});
await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
const home = `http://localhost:${server.address().port}/`;
const { issuer } = await emulator({ args: ['--dpop-nonce'], env: { PAGE: home } });
served.library = own('node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js');
served.page = own('page.html').replace('{{issuer}}', issuer);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run',
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1'],
});
after(async () => {
  await browser.close();
  server.closeAllConnections();
  server.close();
});
const page = await (await browser.newContext()).newPage();

// leave makes the page go to the provider by a call of the client's.
const leave = (where, method, parameters) => where.evaluate(([name, given]) => {
  document.getElementById('state').textContent = 'leaving';
  manager[name](given); // not awaited: the page ends before
}, [method, parameters]);

// back waits until the page has taken what the provider answered it.
async function back(where = page) {
  await where.waitForURL((url) => url.href.startsWith(home));
  await where.waitForFunction(() => document.getElementById('state')?.textContent === 'ready');
  assert.equal(await where.evaluate(() => window.failure && String(window.failure)), undefined);
}

const user = (where = page) => where.evaluate(async () => {
  const { profile, access_token, refresh_token, id_token, token_type } = await manager.getUser();
  return { profile, access_token, refresh_token, id_token, token_type };
});

feature('discovery', async () => {
  await page.goto(home);
  await back();
  const metadata = await page.evaluate(() => manager.metadataService.getMetadata());
  assert.equal(metadata.issuer, issuer);
});

feature('sign-in', async () => {
  await leave(page, 'signinRedirect', { state: { deep: 'link' } });
  await page.waitForURL((url) => url.href.startsWith(issuer));
  await page.getByTestId('sign-in-ada').click();
  await back();
  assert.equal((await user()).profile.email, 'ada@rp.example');
});

feature('PKCE', async () => {
  const address = await page.evaluate(() => manager._client.createSigninRequest({ request_type: 'si:r' }).then(({ url }) => url));
  assert.equal(new URL(address).searchParams.get('code_challenge_method'), 'S256');
  // The client is public, so the provider has insisted on it at the sign-in.
});

feature('userinfo', async () => {
  assert.deepEqual((await user()).profile.groups, ['engineers', 'ops']);
});

feature('refresh', async () => {
  const before = await user();
  await page.evaluate(() => manager.signinSilent());
  const now = await user();
  assert.notEqual(now.refresh_token, before.refresh_token);
  assert.equal(now.profile.sub, before.profile.sub);
  assert.equal(now.profile.auth_time, before.profile.auth_time);
});

// Without a refresh token the client loads the authorization endpoint in an
// iframe, with prompt=none.
feature('silent renewal', async () => {
  const before = await user();
  await page.evaluate(async () => {
    const signedIn = await manager.getUser();
    signedIn.refresh_token = undefined;
    await manager.storeUser(signedIn);
    await manager.signinSilent();
  });
  const now = await user();
  assert.notEqual(now.access_token, before.access_token);
  assert.equal(now.profile.sid, before.profile.sid);
  assert.ok(now.refresh_token);
});

feature('revocation', async () => {
  const { access_token } = await user();
  await page.evaluate(() => manager.revokeTokens(['access_token', 'refresh_token']));
  const response = await fetch(`${issuer}/userinfo`, { headers: { authorization: `Bearer ${access_token}` } });
  assert.equal(response.status, 401);
});

feature('logout', async () => {
  await leave(page, 'signoutRedirect', { state: { left: 'here' } });
  await back();
  assert.deepEqual(await page.evaluate(() => window.farewell.userState), { left: 'here' });
  assert.equal(await page.evaluate(() => manager.getUser()), null);
  // Nobody is signed in at the provider any more: the iframe is told so.
  const refusal = await page.evaluate(() => manager.signinSilent().catch(({ error }) => error));
  assert.equal(refusal, 'login_required');
});

feature('popup', async () => {
  const [popup] = await Promise.all([
    page.waitForEvent('popup'),
    page.evaluate(() => { window.signedIn = manager.signinPopup({ redirect_uri: `${location.origin}/silent` }); }),
  ]);
  await Promise.all([popup.waitForEvent('close'), popup.getByTestId('sign-in-ben').click()]);
  assert.equal(await page.evaluate(() => window.signedIn.then(({ profile }) => profile.email)), 'ben@rp.example');
});

feature('DPoP', async () => {
  const other = await (await browser.newContext()).newPage();
  await other.addInitScript(() => { sessionStorage.bound = 'yes'; });
  await other.goto(home);
  await back(other);
  await leave(other, 'signinRedirect');
  await other.getByTestId('sign-in-ada').click();
  await back(other);
  const bound = await user(other);
  assert.equal(bound.token_type, 'DPoP');
  assert.deepEqual(bound.profile.groups, ['engineers', 'ops']);
  // Calls with the token are the page's own, by proofs of the client's.
  const email = await other.evaluate(async () => {
    const signedIn = await manager.getUser();
    const { userinfo_endpoint } = await manager.metadataService.getMetadata();
    const ask = async (nonce) => fetch(userinfo_endpoint, {
      headers: { authorization: `DPoP ${signedIn.access_token}`, dpop: await manager.dpopProof(userinfo_endpoint, signedIn, 'GET', nonce) },
    });
    const refused = await ask();
    return (await (await ask(refused.headers.get('dpop-nonce'))).json()).email;
  });
  assert.equal(email, 'ada@rp.example');
  await other.evaluate(() => manager.signinSilent());
  assert.equal((await user(other)).token_type, 'DPoP');
});
