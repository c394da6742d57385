import { serve } from '../app/server.js';
import { expect, rowOf, test, topicsOn } from './fixtures';

// Tests that contradict each other: they run side by side, each in its worker's sandbox.

for (const [person, partitions] of [['ada', 1], ['ben', 6], ['chloe', 12], ['ada', 24]] as const) {
  test(`a topic has ${partitions} partitions here, for ${person}`, async ({ page, mock }) => {
    await mock.put({
      apiVersion: 'v2',
      kind: 'Topic',
      metadata: { name: 'checkout.returns.v1', cluster: 'production' },
      spec: { partitions, replicationFactor: 3 },
    });
    await mock.skipSignIn(page, person);
    await page.goto('/?application=checkout');
    await expect(rowOf(page, 'checkout.returns.v1').getByRole('cell').nth(1)).toHaveText(String(partitions));
    const askers = (await mock.journal.entries({ surface: 'console' })).map(entry => entry.person);
    expect(new Set(askers)).toEqual(new Set([`${person}@shop.example`]));
  });
}

test('here the application has lost its topics', async ({ page, mock }) => {
  await mock.skipSignIn(page, 'ada');
  await page.goto('/?application=checkout');
  const shown = topicsOn(page, 'production');
  await expect(shown).toHaveCount(9);
  for (const name of await shown.allInnerTexts()) {
    await mock.delete('Topic', name, { cluster: 'production' });
  }
  await page.getByRole('button', { name: 'Reload' }).click();
  await expect(page.getByText('You see no topic on production.')).toBeVisible();
});

test('here somebody of nobody else’s world signs in', async ({ page, mock }) => {
  await mock.put(`
apiVersion: mockduktor/v1
kind: Person
metadata: {name: zoe}
spec: {email: zoe@shop.example, password: zoe-password, name: Zoe Brandt, groups: [idp-returns]}
---
apiVersion: v2
kind: Group
metadata: {name: returns-team}
spec:
  displayName: Returns
  externalGroups: [idp-returns]
  permissions: [{resourceType: PLATFORM, permissions: [taasView]}]
---
apiVersion: v1
kind: Application
metadata: {name: returns}
spec: {title: Returns, owner: returns-team}
---
apiVersion: v1
kind: ApplicationInstance
metadata: {name: returns-prod, application: returns}
spec: {cluster: production, resources: [{type: TOPIC, name: returns., patternType: PREFIXED}]}
---
apiVersion: v2
kind: Topic
metadata: {name: returns.announced, cluster: production}
spec: {partitions: 3, replicationFactor: 3}
`);
  await page.goto('/?application=returns');
  await mock.signIn(page, 'zoe');
  await expect(page.getByText('Signed in as Zoe Brandt')).toBeVisible();
  await expect(topicsOn(page, 'production')).toHaveText(['returns.announced']);
});

test('a server that all workers share is led to the sandbox of this one', async ({ page, mock, mockduktorUrl }) => {
  const shared = await serve({ issuer: `${mockduktorUrl}/idp`, clientId: 'browser-app', consoleUrl: mockduktorUrl });
  await mock.put({
    apiVersion: 'mockduktor/v1',
    kind: 'Client',
    metadata: { name: 'browser-app' },
    spec: { redirect_uris: [`${shared.url}/`], grant_types: ['authorization_code', 'refresh_token'], scope: 'openid profile email groups offline_access' },
  });
  await page.route('**/config.json', route => route.fulfill({ json: { issuer: mock.issuer, clientId: 'browser-app' } }));
  await page.route('**/api/proxy/conduktor/**', route =>
    route.continue({ url: route.request().url().replace(/^.*\/api\/proxy\/conduktor/, mock.url) }),
  );
  await mock.skipSignIn(page, 'farid');
  await page.goto(`${shared.url}/?application=checkout`);
  await expect(topicsOn(page, 'production')).toHaveText(['checkout.voucher.redeemed.v1']);
  await mock.journal.waitFor({ operation: 'listTopic', person: 'farid', status: 200 });
  await shared.close();
});
