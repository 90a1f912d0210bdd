/** LÖVE games that love.js has packed, unchanged, with real sockets: the system calls of their C code are served. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import type { Browser } from '@playwright/test';
import { type Build, type PackedGame, PlayedGame, packGame } from '../fixtures/love.ts';
import { test as base, expect } from '../fixtures/test.ts';

type Play = (story: string, ...args: readonly (string | number)[]) => Promise<PlayedGame>;

interface OfTest {
  readonly build: Build;
  readonly play: Play;
  /** A port of the loopback on which nobody listens. */
  readonly closedPort: number;
}

const test = base.extend<OfTest & { readonly browser: Browser }>({
  build: ['compat', { option: true }],
  play: async ({ browser, relay, build }, use) => {
    const games: PackedGame[] = [];
    const context = await browser.newContext();
    await use(async (story, ...args) => {
      const game = await packGame(story, args, { 'data-relay': relay.endpoint }, build);
      games.push(game);
      const played = new PlayedGame(await context.newPage());
      await played.page.goto(game.url);
      return played;
    });
    await context.close();
    await Promise.all(games.map((game) => game.close()));
  },
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's needs from this pattern
  closedPort: async ({}, use) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    await new Promise((resolve) => server.close(resolve));
    await use(address !== null && typeof address === 'object' ? address.port : 0);
  },
});

test('a game is a TCP client', async ({ play, luaServer, closedPort }) => {
  const game = await play('client', '127.0.0.1', luaServer.port, closedPort);
  await game.says(/^done$/);
  const [length, digest] = ['1000', createHash('sha256').update('x'.repeat(1000)).digest('hex')];
  expect(game.said).toEqual([
    `peer 127.0.0.1 ${luaServer.port} inet`,
    'own 127.0.0.1 true',
    'got 1: first nil nil',
    'got 2: second nil nil',
    'nodelay 1 1',
    'nothing nil timeout ',
    'got bye nil nil',
    'end nil closed ',
    'names agree true true',
    'shutdown 1',
    `heard ${length} ${digest} closed nil nil`,
    'refused nil connection refused',
    'done',
  ]);
});
