import { expect, picture, rowsOf, signIn, tableOf, test } from './fixtures';

test('a component leads to its application', async ({ page }) => {
  await signIn(page, 'ada', '/catalog/default/component/checkout-service');
  await page.locator('a[href="/conduktor/checkout"]').click();
  await expect(page).toHaveURL(/\/conduktor\/checkout$/);
  await expect(rowsOf(tableOf(page, 'Topics'))).toHaveText('1-5 of 9');
});

test('a component shows its application in a tab', async ({ page }) => {
  await signIn(page, 'ada', '/catalog/default/component/checkout-service/conduktor');
  await expect(rowsOf(tableOf(page, 'Topics'))).toHaveText('1-5 of 9');
  await picture(page, 'entity');
});

test("Console's document is shown among the APIs", async ({ page }) => {
  await signIn(page, 'ada', '/catalog/default/api/conduktor-console/definition');
  await expect(page.locator('.swagger-ui .info .title')).toContainText('Console');
  await expect(page.locator('.swagger-ui .opblock').first()).toBeVisible();
  await picture(page, 'api', false);
});

test('all applications are listed', async ({ page }) => {
  await signIn(page, 'ada', '/conduktor');
  await expect(page.getByRole('link', { name: 'Customer & loyalty' })).toBeVisible();
  await picture(page, 'applications');
  await page.getByRole('link', { name: 'Payments' }).click();
  await expect(tableOf(page, 'Topics')).toContainText('payments.');
});
