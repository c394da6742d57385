import { expect, namesIn, rowsOf, signIn, tableOf, test } from './fixtures';

test.beforeEach(async ({ page }) => {
  await signIn(page, 'ada');
  await expect(rowsOf(tableOf(page, 'Topics'))).toHaveText('1-5 of 9');
});

test('topics are searched, sorted and paged by Console', async ({ page }) => {
  const topics = tableOf(page, 'Topics');
  await topics.getByRole('button', { name: 'Next Page' }).click();
  await expect(rowsOf(topics)).toHaveText('6-9 of 9');
  await expect(namesIn(topics).first()).toHaveText('checkout.order.placed.v1');

  await topics.getByPlaceholder('Filter').fill('cart');
  await expect(namesIn(topics)).toHaveText(['checkout.cart.abandoned.v1', 'checkout.cart.updated.v1']);
  await topics.getByPlaceholder('Filter').fill('');
  // The table asks for the search after a moment; an order chosen before that would be lost.
  await expect(rowsOf(topics)).toHaveText('1-5 of 9');

  await topics.getByRole('button', { name: 'Messages' }).click();
  await expect(namesIn(topics).first()).toHaveText('checkout.deadletter');
  await topics.getByRole('button', { name: 'Messages' }).click();
  await expect(namesIn(topics).first()).toHaveText('checkout.cart.updated.v1');
});

test('consumer groups are sorted by lag', async ({ page }) => {
  const groups = tableOf(page, 'Consumer groups');
  await groups.getByRole('button', { name: 'Lag' }).click();
  await groups.getByRole('button', { name: 'Lag' }).click();
  await expect(namesIn(groups)).toHaveText([
    'checkout.price-audit',
    'checkout.order-state',
    'checkout.abandoned-cart-mailer',
    'checkout.order-processor',
  ]);
});

test('another instance shows its own cluster', async ({ page }) => {
  await page.getByLabel('Instance').click();
  await page.getByRole('option', { name: 'checkout-staging on staging' }).click();
  await expect(namesIn(tableOf(page, 'Consumer groups'))).toHaveText(['checkout.order-processor', 'checkout.order-processor-v2']);
});
