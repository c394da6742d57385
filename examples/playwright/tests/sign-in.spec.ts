import { expect, rowOf, test, topicsOn } from './fixtures';

test('the sign-in page leads back to where one wanted to go', async ({ page, mock }) => {
  await page.goto('/?application=payments');
  await mock.signIn(page, 'ada');
  await expect(page.getByText('Signed in as Ada Nowak')).toBeVisible();
  await expect(page).toHaveURL(/\/\?application=payments$/);
  await expect(rowOf(page, 'payments.refunded.v1')).toBeVisible();
});

test('a wrong password is refused, and the next try is welcome', async ({ page, mock }) => {
  await page.goto('/');
  await mock.signIn(page, 'ada', 'guess');
  await expect(page.getByRole('alert')).toBeVisible();
  await mock.signIn(page, 'ada');
  await expect(page.getByText('Signed in as Ada Nowak')).toBeVisible();
});

test('the page asks for the topics as the person who is signed in', async ({ page, mock }) => {
  await mock.skipSignIn(page, 'ada');
  await page.goto('/?application=checkout');
  const entry = await mock.journal.waitFor({ operation: 'listTopic', path: '**/cluster/production/topic', person: 'ada' });
  expect(entry).toMatchObject({ status: 200, client_id: 'topics-page', principal: { credential: 'external JWT' } });
  await expect(page.getByText('Signed in as Ada Nowak')).toBeVisible();
  // The sign-in page was never shown.
  expect(await mock.journal.entries({ operation: 'signin' })).toEqual([]);
});

test('two people at once see their own', async ({ browser, mock }) => {
  const [hers, his] = await Promise.all([browser.newPage(), browser.newPage()]);
  await Promise.all([mock.skipSignIn(hers, 'ada'), mock.skipSignIn(his, 'farid')]);
  await Promise.all([hers.goto('/?application=checkout'), his.goto('/?application=checkout')]);
  await expect(topicsOn(hers, 'production')).toHaveCount(9);
  await expect(topicsOn(his, 'production')).toHaveText(['checkout.voucher.redeemed.v1']);
  await Promise.all([hers.reload(), his.reload()]);
  await expect(topicsOn(hers, 'production')).toHaveCount(9);
  await expect(topicsOn(his, 'production')).toHaveText(['checkout.voucher.redeemed.v1']);
  await Promise.all([hers.close(), his.close()]);
});
