import { expect, picture, rowsOf, signIn, tableOf, test, urls } from './fixtures';

test('a missing permission is named', async ({ page, mock }) => {
  await mock.spoil('no-catalog', { surface: 'console', path: '/public/self-serve/v1/application/*' }, {
    status: 403,
    message: 'Missing permission: taasView on PLATFORM',
  });
  await signIn(page, 'ines');
  await expect(page.getByText('You may not see this')).toBeVisible();
  await expect(page.getByText('Missing permission: taasView on PLATFORM')).toBeVisible();
  await picture(page, '403');
});

test('a Console that is down is said to be, and asked again', async ({ page, mock }) => {
  await mock.spoil('topics-down', { surface: 'console', path: '/public/v1/clusters/*/topics' }, { status: 503 });
  await signIn(page, 'ada');
  await expect(tableOf(page, 'Topics')).toContainText('Console answered 503');
  // What else there is does not suffer.
  await expect(rowsOf(tableOf(page, 'Consumer groups'))).toHaveText('1-4 of 4');
  await picture(page, 'console-down');
  await mock.mend('topics-down');
  await tableOf(page, 'Topics').getByRole('button', { name: 'Try again' }).click();
  await expect(rowsOf(tableOf(page, 'Topics'))).toHaveText('1-5 of 9');
});

test('a Console that hangs up is said to be out of reach', async ({ page, mock }) => {
  await mock.spoil('hang-up', { surface: 'console', path: '/public/self-serve/v1/application/*' }, { drop: 'before_headers' });
  await signIn(page, 'ada');
  await expect(page.getByText('Console answered 504')).toBeVisible();
  await mock.mend('hang-up');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(rowsOf(tableOf(page, 'Topics'))).toHaveText('1-5 of 9');
});

test('an application that is not there is said to be unknown', async ({ page }) => {
  await signIn(page, 'ada', '/conduktor/checkuot');
  await expect(page.getByText('Console does not know it')).toBeVisible();
  await picture(page, '404');
});

test("Backstage's own token is refused, and so is none", async ({ page, request }) => {
  const session = page.waitForResponse(response => response.url().includes('/api/catalog/'));
  await signIn(page, 'ada', '/catalog/default/component/checkout-service');
  const authorization = (await (await session).request().allHeaders()).authorization;
  const list = `${urls.backend}/api/proxy/conduktor/api/public/self-serve/v1/application`;
  const foreign = await request.get(list, { headers: { Authorization: authorization } });
  expect(foreign.status()).toBe(401);
  expect((await foreign.json()).cause).toMatch(/iss/);
  const none = await request.get(list);
  expect(none.status()).toBe(401);
});
