import { expect, type Page } from '@playwright/test';
import { serve } from '../app/server.js';
import { test as withSandbox } from '../mockduktor';

export { expect };

const clientId = 'topics-page';

/** The page under test, served once for each worker in front of its sandbox. */
export const test = withSandbox.extend<object, { app: { url: string } }>({
  app: [
    async ({ sandbox }, use) => {
      const app = await serve({ issuer: sandbox.issuer, clientId, consoleUrl: sandbox.url });
      await use(app);
      await app.close();
    },
    { scope: 'worker' },
  ],
  baseURL: async ({ app }, use) => use(app.url),
  mock: async ({ mock, app }, use) => {
    await mock.put({
      apiVersion: 'mockduktor/v1',
      kind: 'Client',
      metadata: { name: clientId },
      spec: {
        client_name: 'Topics',
        redirect_uris: [`${app.url}/`],
        grant_types: ['authorization_code', 'refresh_token'],
        scope: 'openid profile email groups offline_access',
      },
    });
    await use(mock);
  },
});

/** The names of the topics that the page shows of a cluster. */
export const topicsOn = (page: Page, cluster: string) => page.getByRole('table', { name: cluster }).locator('td:first-child');

/** The row of a topic. */
export const rowOf = (page: Page, topic: string) => page.getByRole('row').filter({ has: page.getByRole('cell', { name: topic, exact: true }) });
