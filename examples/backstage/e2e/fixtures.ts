import { test as base, expect, type Locator, type Page } from '@playwright/test';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Mockduktor } from './mockduktor';

export { expect };

/** Addresses of what start.ts started. */
export const urls = {
  get mock() {
    return process.env.E2E_MOCK_URL!;
  },
  get backend() {
    return process.env.E2E_BACKEND_URL!;
  },
  get app() {
    return process.env.E2E_APP_URL!;
  },
};

export const test = base.extend<{ mock: Mockduktor }>({
  baseURL: async ({}, use) => use(urls.app),
  mock: [
    async ({ request }, use) => {
      const mock = new Mockduktor(request, urls.mock);
      await mock.reset();
      await use(mock);
    },
    { auto: true },
  ],
});

/** Opens a page of Backstage and signs in through the popup of the identity provider. */
export async function signIn(page: Page, login: string, path = '/conduktor/checkout') {
  await page.goto(path);
  const popup = await openPopup(page, page.getByRole('button', { name: 'Sign in' }));
  await fillLogin(popup, login);
}

/** Clicks what opens the popup. */
export async function openPopup(page: Page, button: Locator): Promise<Page> {
  const [popup] = await Promise.all([page.waitForEvent('popup'), button.click()]);
  return popup;
}

/** Types login and password, and waits until the popup has closed itself. */
export async function fillLogin(popup: Page, login: string) {
  await popup.getByLabel('Login', { exact: true }).fill(login);
  await popup.getByLabel('Password', { exact: true }).fill(`${login}-password`);
  await Promise.all([popup.waitForEvent('close'), popup.getByRole('button', { name: 'Sign in', exact: true }).click()]);
}

/** A table of the plugin by its title. */
export const tableOf = (page: Page, title: string) =>
  page.locator('[class*="MuiPaper-root"]').filter({ has: page.getByRole('heading', { name: title, exact: true }) });

/** The names in the first column of a table, top to bottom. */
export const namesIn = (table: Locator) => table.locator('tbody tr td:first-child');

/** Which rows of how many a table shows, such as "1-5 of 9". */
export const rowsOf = (table: Locator) => table.locator('span', { hasText: /^\d+-\d+ of \d+$/ });

/** Takes a picture for people to look at, of the whole page or of what the window shows. */
export async function picture(page: Page, name: string, fullPage = true) {
  const folder = join(__dirname, 'screenshots');
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage });
}
