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
