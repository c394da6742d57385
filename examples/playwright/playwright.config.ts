import { defineConfig } from '@playwright/test';
import { withMockduktor } from './mockduktor';

export default defineConfig(
  withMockduktor(
    {
      testDir: 'tests',
      fullyParallel: true,
      workers: 4,
      retries: 0,
      timeout: 120_000,
      forbidOnly: Boolean(process.env.CI),
      reporter: [['list']],
      expect: { timeout: 30_000 },
      use: {
        launchOptions: {
          // CHROMIUM=… names the browser; without it Playwright's own is taken.
          ...(process.env.CHROMIUM && { executablePath: process.env.CHROMIUM }),
          args: ['--no-sandbox', '--disable-gpu', '--disable-quic'],
        },
      },
    },
    { command: 'go run ../../cmd/mockduktor' },
  ),
);
