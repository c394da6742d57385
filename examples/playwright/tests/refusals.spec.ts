import { expect, rowOf, test, topicsOn } from './fixtures';

test('who may not create a topic is told what is missing', async ({ page, mock }) => {
  await mock.skipSignIn(page, 'ben');
  await page.goto('/?application=checkout');
  await page.getByLabel('Name').fill('warehouse.returns.v1');
  await page.getByRole('button', { name: 'Create' }).click();
  const refused = await mock.journal.waitFor({ operation: 'applyTopic', person: 'ben', outcome: 'refused' });
  const alert = page.getByRole('alert');
  await expect(alert).toContainText('Missing permission: topicCreate on TOPIC warehouse.returns.v1 on cluster production');
  await expect(alert).toContainText(refused.decision.reason!);

  // Whether the next attempt will do can be asked beforehand.
  const body = { apiVersion: 'v2', kind: 'Topic', metadata: { name: 'checkout.returns.v1', cluster: 'production' }, spec: { partitions: 3, replicationFactor: 3 } };
  const explained = await mock.explain({ person: 'ben', method: 'PUT', path: '/public/kafka/v2/cluster/production/topic', body });
  expect(explained).toMatchObject({ verdict: 'allowed', answer: { status: 200 } });
  await page.getByLabel('Name').fill('checkout.returns.v1');
  await page.getByRole('button', { name: 'Create' }).click();
  await expect(rowOf(page, 'checkout.returns.v1')).toBeVisible();
});

test('a Console that is down is said to be, and asked again', async ({ page, mock }) => {
  const down = await mock.fault({
    match: { surface: 'console', operation: 'listTopic', path: '**/production/topic' },
    effect: { status: 503, message: 'Down for maintenance' },
  });
  await mock.skipSignIn(page, 'ada');
  await page.goto('/?application=checkout');
  const alert = page.getByRole('alert');
  await expect(alert).toContainText('Console does not show the topics');
  await expect(alert).toContainText('Down for maintenance');
  expect(await mock.journal.entries({ fault: down.id })).toHaveLength(1);
  await down.remove();
  await alert.getByRole('button', { name: 'Try again' }).click();
  await expect(topicsOn(page, 'production')).toHaveCount(9);
});

test('a Console that hangs up is out of reach', async ({ page, mock }) => {
  await mock.fault({ match: { operation: 'listApplicationInstance' }, times: 1, effect: { drop: 'before_headers' } });
  await mock.skipSignIn(page, 'ada');
  await page.goto('/?application=checkout');
  await expect(page.getByRole('alert')).toContainText('Console is out of reach');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(topicsOn(page, 'production')).toHaveCount(9);
});

test('an identity provider that does not answer is said to be', async ({ page, mock }) => {
  await mock.fault({ match: { operation: 'discovery' }, times: 1, effect: { status: 503 } });
  await mock.skipSignIn(page, 'ada');
  await page.goto('/?application=checkout');
  await expect(page.getByRole('alert')).toContainText('You cannot be signed in');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByText('Signed in as Ada Nowak')).toBeVisible();
});

test('without a browser: the proxy passes the token on, and Console judges it', async ({ request, mock }) => {
  const list = '/api/proxy/conduktor/api/public/kafka/v2/cluster/production/topic';
  const ask = async (token: string) => request.get(list, { headers: { Authorization: `Bearer ${token}` } });
  expect((await ask(await mock.token('ada', { client_id: 'topics-page' }))).status()).toBe(200);
  expect((await ask(await mock.token('ada', { client_id: 'topics-page', fault: 'wrong_key' }))).status()).toBe(401);
  expect((await request.get(list)).status()).toBe(401);
});
