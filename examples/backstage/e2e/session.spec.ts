import type { Page } from '@playwright/test';
import { expect, openPopup, picture, rowsOf, signIn, tableOf, test, urls } from './fixtures';

/** Makes the plugin ask Console anew. */
async function askAgain(page: Page) {
  await tableOf(page, 'Topics').getByPlaceholder('Filter').fill('order');
}

test.beforeEach(async ({ page }) => {
  // The browser's clock goes along with the world's where a test says so.
  await page.clock.install();
  await signIn(page, 'ben');
  await expect(rowsOf(tableOf(page, 'Topics'))).toHaveText('1-5 of 9');
});

test('a group taken away at the identity provider counts from the next token on', async ({ page, mock }) => {
  await mock.setGroups('ben', ['all-staff']);
  await askAgain(page);
  await expect(rowsOf(tableOf(page, 'Topics'))).toHaveText('1-4 of 4');
  // A reload brings a new token, by the refresh token.
  await page.reload();
  await expect(tableOf(page, 'Topics')).toContainText('You see no topic of checkout-prod');
  await picture(page, 'group-removed');
});

test('an expired token is renewed without a word', async ({ page, mock, context }) => {
  const renewed = page.waitForResponse(response => response.url().includes('/api/auth/oidc/refresh') && response.ok());
  await mock.advance('61m');
  await page.clock.fastForward('01:01:00');
  await askAgain(page);
  await renewed;
  await expect(rowsOf(tableOf(page, 'Topics'))).toHaveText('1-4 of 4');
  expect(context.pages()).toHaveLength(1);
});

test('a revoked refresh token leads to a new sign-in', async ({ page, mock, context, request }) => {
  const cookie = (await context.cookies(`${urls.backend}/api/auth/oidc`)).find(c => c.name === 'oidc-refresh-token');
  const revoked = await request.post(`${urls.mock}/idp/revoke`, {
    headers: { Authorization: `Basic ${btoa('backstage:backstage-secret')}` },
    form: { token: decodeURIComponent(cookie!.value) },
  });
  expect(revoked.status()).toBe(200);
  await mock.advance('61m');
  await page.clock.fastForward('01:01:00');
  await askAgain(page);
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('Login Required');
  await picture(page, 'refresh-revoked', false);
  const popup = await openPopup(page, dialog.getByRole('button', { name: 'Log in' }));
  await popup.waitForEvent('close');
  await expect(rowsOf(tableOf(page, 'Topics'))).toHaveText('1-4 of 4');
});

test('a token that Console alone finds expired leads to a new sign-in', async ({ page, mock }) => {
  await mock.advance('61m');
  await askAgain(page);
  const topics = tableOf(page, 'Topics');
  await expect(topics).toContainText('Console does not accept your sign-in');
  await expect(topics).toContainText(/expired/);
  await picture(page, '401');
  const popup = await openPopup(page, topics.getByRole('button', { name: 'Sign in again' }));
  await popup.waitForEvent('close');
  await expect(rowsOf(tableOf(page, 'Topics'))).toHaveText('1-5 of 9');
});

test('sign-out ends the session, and the refresh token with it', async ({ page, context, request }) => {
  const cookie = (await context.cookies(`${urls.backend}/api/auth/oidc`)).find(c => c.name === 'oidc-refresh-token');
  await page.getByText('Sign out').click();
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
  await picture(page, 'signed-out');
  const answer = await request.post(`${urls.mock}/idp/introspect`, {
    headers: { Authorization: `Basic ${btoa('backstage:backstage-secret')}` },
    form: { token: decodeURIComponent(cookie!.value) },
  });
  expect(await answer.json()).toEqual({ active: false });
  await page.reload();
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
});
