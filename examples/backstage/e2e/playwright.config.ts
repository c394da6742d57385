import { defineConfig } from '@playwright/test';

export default defineConfig({
  testMatch: '*.spec.ts',
  outputDir: 'test-results',
  globalSetup: './start.ts',
  // One emulator and one Backstage serve all tests, and tests move the clock.
  workers: 1,
  retries: 0,
  forbidOnly: true,
  timeout: 300_000,
  expect: { timeout: 60_000 },
  reporter: [['list']],
  use: {
    baseURL: process.env.E2E_APP_URL,
    viewport: { width: 1280, height: 900 },
    // Traces cost more time than the tests themselves; --trace on asks for them.
    trace: 'off',
    launchOptions: {
      // CHROMIUM=… names the browser; without it Playwright's own is taken.
      executablePath: process.env.CHROMIUM,
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic'],
    },
  },
});
