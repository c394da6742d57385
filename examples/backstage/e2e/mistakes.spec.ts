import type { BrowserContext } from '@playwright/test';
import { expect, fillLogin, openPopup, picture, rowsOf, signIn, tableOf, test, urls } from './fixtures';

/** Has Backstage sign people in by an environment of mistakes/app-config.yaml. */
const mistaken = (context: BrowserContext, environment: string) =>
  context.route(`${urls.backend}/api/auth/oidc/**`, route =>
    route.continue({ url: route.request().url().replace('env=development', `env=${environment}`) }),
  );

const startOf = (environment: string) => `${urls.backend}/api/auth/oidc/start?env=${environment}&scope=openid`;

test('without prompt: auto nobody gets in who has no session at the identity provider', async ({ page, context }) => {
  await mistaken(context, 'noPrompt');
  await page.goto('/');
  await openPopup(page, page.getByRole('button', { name: 'Sign in' }));
  await expect(page.getByText(/login_required/)).toBeVisible();
});

test('a redirect URI that is not registered is shown in the popup', async ({ page, context }) => {
  await mistaken(context, 'otherRedirect');
  await page.goto('/');
  const popup = await openPopup(page, page.getByRole('button', { name: 'Sign in' }));
  await expect(popup.getByText('This redirect URI is not registered')).toBeVisible();
  await picture(popup, 'redirect');
});

test('without a refresh token a reload asks for sign-in', async ({ page, context }) => {
  await mistaken(context, 'noRefresh');
  await signIn(page, 'ada');
  await expect(rowsOf(tableOf(page, 'Topics'))).toHaveText('1-5 of 9');
  await page.reload();
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
});

test('an issuer that differs by a slash is named on the sign-in page', async ({ page, context }) => {
  await mistaken(context, 'slash');
  await page.goto('/');
  const popup = await openPopup(page, page.getByRole('button', { name: 'Sign in' }));
  await fillLogin(popup, 'ada');
  await expect(page.getByText(/iss mismatch, expected .*\/idp\/, got: .*\/idp$/)).toBeVisible();
});

test('an issuer that Console does not trust is named on the page', async ({ page, context }) => {
  await mistaken(context, 'untrusted');
  await signIn(page, 'ada');
  await expect(page.getByText('Console does not accept your sign-in')).toBeVisible();
  await expect(page.getByText(/wrong issuer: .*CDK_SSO_JWTAUTH_ISSUER/)).toBeVisible();
});

test('an e-mail address that is not verified does not sign in', async ({ page, mock }) => {
  const ada = await mock.get('Person', 'ada');
  await mock.put({ ...ada, spec: { ...ada.spec, email_verified: false } });
  await page.goto('/');
  const popup = await openPopup(page, page.getByRole('button', { name: 'Sign in' }));
  await fillLogin(popup, 'ada');
  await expect(page.getByText(/user profile does not contain an email/)).toBeVisible();
});

test('the app opened at another address than the configured one cannot reach the backend', async ({ page }) => {
  await page.goto(urls.app.replace('localhost', '127.0.0.1'));
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByText(/Failed to fetch/)).toBeVisible();
});

test('an identity provider that was not there at the start stays unknown', async ({ request }) => {
  expect((await request.get(startOf('development'), { maxRedirects: 0 })).status()).toBe(302);
  expect((await request.get(startOf('absent'), { maxRedirects: 0 })).status()).toBe(500);
});

test('the proxy drops what it is not told to let through, and says what it cannot do', async ({ request, mock }) => {
  const headers = { Authorization: `Bearer ${await mock.token('ada')}` };
  const whoami = (endpoint: string) => request.get(`${urls.backend}/api/proxy/${endpoint}/api/token/v1/whoami`, { headers });

  expect(await (await whoami('conduktor')).json()).toEqual({ email: 'ada@shop.example' });

  // Headers of the answer are dropped as well.
  const refused = '/api/public/iam/v2/group/checkout-team';
  expect((await request.get(urls.mock + refused, { headers })).headers()['mock-reason']).toContain('userView on PLATFORM');
  const through = await request.get(`${urls.backend}/api/proxy/conduktor${refused}`, { headers });
  expect(through.headers()['mock-reason']).toBeUndefined();
  expect((await through.json()).cause).toContain('userView on PLATFORM');

  const dropped = await whoami('no-headers');
  expect(dropped.status()).toBe(401);
  expect((await dropped.json()).cause).toContain('allowedHeaders: [Authorization]');

  const strict = await whoami('own-token');
  expect(strict.status()).toBe(401);
  expect((await strict.json()).error.message).toBe('Failed user token verification');

  expect((await whoami('nobody')).status()).toBe(504);
});
