/**
 * End to end tests: pages in a real Chromium, a real relay, real native programs at the other end.
 *
 * Needs a build (`npm run build`). CHROMIUM_PATH chooses the browser; else Debian's, else Playwright's own.
 */
import { existsSync } from 'node:fs';
import { defineConfig } from '@playwright/test';
import { inCi } from './fixtures/program.ts';

const chromium = process.env.CHROMIUM_PATH ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);

export default defineConfig({
  testDir: 'tests',
  testMatch: '**/*.e2e.ts',
  outputDir: '../test-results',
  globalSetup: './fixtures/built.ts',
  fullyParallel: false,
  workers: 2,
  forbidOnly: inCi(),
  // A test that only passes the second time has found something.
  retries: 0,
  // Generous: a loaded two-core machine takes seconds where a desktop takes milliseconds. Nothing waits for time to pass.
  timeout: 90_000,
  expect: { timeout: 30_000 },
  // PLAYWRIGHT_JSON_OUTPUT_NAME adds a report for programs to read.
  reporter: process.env.PLAYWRIGHT_JSON_OUTPUT_NAME ? [['list'], ['json']] : [['list']],
  use: {
    browserName: 'chromium',
    headless: true,
    launchOptions: {
      ...(chromium === undefined ? {} : { executablePath: chromium }),
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
