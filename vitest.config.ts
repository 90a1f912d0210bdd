/** Unit and integration tests in Node, on the sources: no build is needed. Browser tests are Playwright's (e2e/). */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: { 'luasocket-web': source('client/src/index.ts'), 'luasocket-relay': source('relay/src/index.ts') },
  },
  test: {
    include: ['*/test/**/*.test.ts', 'e2e/{coverage,node,parity}/*.test.ts'],
    // Real sockets on a busy machine: far above what anything here takes, so that it only ends what hangs.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
