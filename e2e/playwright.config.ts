/**
 * End to end tests: pages in a real Chromium, a real relay, real native programs at the other end.
 *
 * Needs a build (`npm run build`). `npm test` runs what is tagged @timed in a run of its own, with one worker.
 */
import { defineConfig } from '@playwright/test';
import { launchOptions } from './fixtures/chromium.ts';
import { inCi } from './fixtures/program.ts';

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
    launchOptions: launchOptions(),
  },
});
