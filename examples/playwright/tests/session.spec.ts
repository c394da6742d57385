import { expect, test, topicsOn } from './fixtures';

test.beforeEach(async ({ page, mock }) => {
  // The browser's clock goes along with the world's where a test says so.
  await page.clock.install();
  await mock.skipSignIn(page, 'ben');
  await page.goto('/?application=checkout');
  await expect(topicsOn(page, 'production')).toHaveCount(9);
  await mock.journal.clear();
});

test('a token about to expire is renewed before anybody notices', async ({ page, mock }) => {
  await mock.clock.advance('59m30s');
  await page.clock.fastForward('59:30');
  await mock.journal.waitFor({ operation: 'token', grant_type: 'refresh_token', status: 200 });
  // The first token would be refused by now.
  await mock.clock.advance('40m');
  await page.getByRole('button', { name: 'Reload' }).click();
  await mock.journal.waitFor({ operation: 'listTopic' });
  await expect(topicsOn(page, 'production')).toHaveCount(9);
  expect(await mock.journal.entries({ status: 401 })).toEqual([]);
});

test('a token that Console finds expired is renewed, once for all calls', async ({ page, mock }) => {
  await mock.clock.advance('61m');
  await page.getByRole('button', { name: 'Reload' }).click();
  const refused = await mock.journal.waitFor({ surface: 'console', status: 401 });
  expect(refused.decision.reason).toContain('expired');
  await mock.journal.waitFor({ operation: 'listTopic', status: 200 });
  await expect(topicsOn(page, 'production')).toHaveCount(9);
  expect(await mock.journal.entries({ operation: 'token' })).toHaveLength(1);
});

test('where nothing can be renewed, one has to sign in again', async ({ page, mock }) => {
  const revoked = await mock.fault({ match: { operation: 'token', grant_type: 'refresh_token' }, effect: { revoke_refresh_token: true } });
  await mock.clock.advance('61m');
  await page.getByRole('button', { name: 'Reload' }).click();
  const alert = page.getByRole('alert');
  await expect(alert).toContainText('Console does not accept your sign-in');
  await expect(alert).toContainText('expired');
  expect(await revoked.count()).toEqual(expect.objectContaining({ fired: 1 }));
  await alert.getByRole('button', { name: 'Sign in again' }).click();
  // The provider still knows the browser.
  await expect(topicsOn(page, 'production')).toHaveCount(9);
});

test('a group taken away counts from the next token on', async ({ page, mock }) => {
  await mock.put({
    apiVersion: 'mockduktor/v1',
    kind: 'Person',
    metadata: { name: 'ben' },
    spec: { email: 'ben@shop.example', name: 'Ben Okafor', password: 'ben-password', groups: ['all-staff'] },
  });
  const reload = page.getByRole('button', { name: 'Reload' });
  await reload.click();
  await mock.journal.waitFor({ operation: 'listTopic', status: 200 });
  await expect(topicsOn(page, 'production')).toHaveCount(9);
  await mock.clock.advance('61m');
  await reload.click();
  await expect(page.getByText('You see no topic on production.')).toBeVisible();
});
