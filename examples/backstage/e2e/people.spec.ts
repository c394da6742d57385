import { expect, fillLogin, namesIn, openPopup, picture, rowsOf, signIn, tableOf, test } from './fixtures';

test('an engineer of the team sees its topics, consumer groups, subjects and owner', async ({ page }) => {
  await signIn(page, 'ada');
  await expect(namesIn(tableOf(page, 'Topics'))).toHaveText([
    'checkout.cart.abandoned.v1',
    'checkout.cart.updated.v1',
    'checkout.deadletter',
    'checkout.order.cancelled.v1',
    'checkout.order.confirmed.v1',
  ]);
  await expect(rowsOf(tableOf(page, 'Topics'))).toHaveText('1-5 of 9');
  const groups = tableOf(page, 'Consumer groups');
  await expect(groups.getByRole('row', { name: /checkout\.price-audit/ })).toContainText('184,220');
  await expect(tableOf(page, 'Subjects').getByText('checkout.order.placed.v1-value')).toBeVisible();
  await expect(page.getByRole('row', { name: /^Owner/ })).toContainText('checkout-team');
  await expect(page.getByRole('row', { name: /^Members/ })).toContainText('Missing permission: userView on PLATFORM');
  await picture(page, 'ada');
});

test('someone of another team sees what was granted to that team', async ({ page }) => {
  await signIn(page, 'farid');
  await expect(namesIn(tableOf(page, 'Topics'))).toHaveText(['checkout.voucher.redeemed.v1']);
  await expect(tableOf(page, 'Consumer groups')).toContainText('You see no consumer group of checkout-prod');
  await picture(page, 'farid');
});

test('someone in no team sees empty tables that say why', async ({ page }) => {
  await signIn(page, 'ines');
  for (const [title, what] of [['Topics', 'topic'], ['Consumer groups', 'consumer group'], ['Subjects', 'subject']]) {
    await expect(tableOf(page, title)).toContainText(`You see no ${what} of checkout-prod`);
  }
  await picture(page, 'ines');
});

test('an admin sees who is in the owning group', async ({ page }) => {
  await signIn(page, 'admin');
  await expect(page.getByRole('row', { name: /^Owner/ })).toContainText('Checkout (checkout-team)');
  await expect(page.getByRole('row', { name: /^Members/ })).toContainText('ada@shop.example');
});

test('a person is picked by a click in the popup', async ({ page }) => {
  await page.goto('/conduktor/warehouse');
  const popup = await openPopup(page, page.getByRole('button', { name: 'Sign in' }));
  await picture(popup, 'popup');
  await Promise.all([popup.waitForEvent('close'), popup.getByRole('button', { name: 'Sign in as Elena Rossi' }).click()]);
  await expect(tableOf(page, 'Topics')).toContainText('warehouse.');
});

test('two people at once see their own', async ({ browser }) => {
  const [ada, farid] = await Promise.all([browser.newContext(), browser.newContext()]);
  const [hers, his] = await Promise.all([ada.newPage(), farid.newPage()]);
  await Promise.all([signIn(hers, 'ada'), signIn(his, 'farid')]);
  await expect(rowsOf(tableOf(hers, 'Topics'))).toHaveText('1-5 of 9');
  await expect(rowsOf(tableOf(his, 'Topics'))).toHaveText('1-1 of 1');
  await Promise.all([hers.reload(), his.reload()]);
  await expect(rowsOf(tableOf(hers, 'Topics'))).toHaveText('1-5 of 9');
  await expect(rowsOf(tableOf(his, 'Topics'))).toHaveText('1-1 of 1');
  await Promise.all([ada.close(), farid.close()]);
});

test('whom the catalog does not know is told so on the sign-in page', async ({ page, mock }) => {
  await mock.put({
    apiVersion: 'mockduktor/v1',
    kind: 'Person',
    metadata: { name: 'zoe' },
    spec: { email: 'zoe@shop.example', password: 'zoe-password', groups: [] },
  });
  await page.goto('/');
  const popup = await openPopup(page, page.getByRole('button', { name: 'Sign in' }));
  await fillLogin(popup, 'zoe');
  await expect(page.getByText(/unable to resolve user identity/)).toBeVisible();
  await picture(page, 'not-in-the-catalog');
});
