/** LÖVE games that love.js has packed, unchanged, with real sockets: the system calls of their C code are served. */
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Browser } from '@playwright/test';
import { WebSocketServer } from 'ws';
import { type Build, type GameFiles, type PackedGame, PlayedGame, packGame, storyOf } from '../fixtures/love.ts';
import { DNS_RECORDS, NGINX_BODY } from '../fixtures/peers.ts';
import { type RelayProcess, startRelay } from '../fixtures/relay.ts';
import { test as base, expect } from '../fixtures/test.ts';

type Play = (story: string, ...args: readonly (string | number)[]) => Promise<PlayedGame>;

interface OfTest {
  readonly build: Build;
  /** What the page asks for; by default nothing. */
  readonly level: string | undefined;
  /** The relay that games are given. */
  readonly endpoint: string;
  /** Packs a game and opens its page. */
  readonly open: (files: GameFiles) => Promise<PlayedGame>;
  readonly play: Play;
  /** A port of the loopback on which nobody listens. */
  readonly closedPort: number;
}

const test = base.extend<OfTest & { readonly browser: Browser }>({
  build: ['compat', { option: true }],
  level: [undefined, { option: true }],
  endpoint: async ({ relay }, use) => use(relay.endpoint),
  open: async ({ browser, endpoint, build, level }, use) => {
    const games: PackedGame[] = [];
    const context = await browser.newContext();
    await use(async (files) => {
      const game = await packGame(files, { 'data-relay': endpoint, ...(level && { 'data-level': level }) }, build);
      games.push(game);
      const played = new PlayedGame(await context.newPage());
      await played.page.goto(game.url);
      return played;
    });
    await context.close();
    await Promise.all(games.map((game) => game.close()));
  },
  play: async ({ open }, use) => use(async (story, ...args) => open(await storyOf(story, args))),
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's needs from this pattern
  closedPort: async ({}, use) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    await new Promise((resolve) => server.close(resolve));
    await use(address !== null && typeof address === 'object' ? address.port : 0);
  },
});

const sha256 = (data: string): string => createHash('sha256').update(data).digest('hex');

for (const build of ['compat', 'release'] as const) {
  test.describe(`${build} build`, () => {
    test.use({ build });

    test('a game is a TCP client', async ({ play, luaServer, closedPort }) => {
      const game = await play('client', '127.0.0.1', luaServer.port, closedPort);
      await game.says(/^done$/);
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
        `heard 1000 ${sha256('x'.repeat(1000))} closed nil nil`,
        'refused nil connection refused',
        'done',
      ]);
    });

    test('a game is a TCP server', async ({ play, lua }) => {
      const game = await play('server');
      const [, port = ''] = await game.says(/^listening 0\.0\.0\.0 (\d+)$/);
      const client = await lua('client', '127.0.0.1', port, 'a native');
      await client.says(/^done$/m);
      await game.says(/^done$/);
      const [, theirSock, theirPeer] = await client.says(/^sock (.*)\npeer (.*)\n/m);
      expect(game.said).toEqual([
        'nobody nil timeout',
        'visit true',
        `listening 0.0.0.0 ${port}`,
        `sock ${theirPeer}`,
        `peer ${theirSock}`,
        'hello hello from a native nil nil',
        'long 1000',
        'end nil closed ',
        'done',
      ]);
      expect(client.output).toContain('got welcome\ngot 12345\nrest goodbye nil nil\nthen nil closed\ndone\n');
    });

    test('a game sends and gets datagrams', async ({ play, luaServer }) => {
      const game = await play('udp', '127.0.0.1', luaServer.udpPort, '::1', luaServer.udpPort6);
      const [, port] = await game.says(/^bound 0\.0\.0\.0 (\d+) inet$/);
      const peer = createSocket('udp4');
      const answer = once(peer, 'message');
      peer.send('question', Number(port), '127.0.0.1');
      const [message] = await answer;
      await game.says(/^done$/);
      const own = peer.address().port;
      peer.close();
      expect(String(message)).toBe('answer to question');
      expect(game.said).toEqual([
        'nothing nil timeout',
        `from one 127.0.0.1 ${luaServer.udpPort}`,
        `peer 127.0.0.1 ${luaServer.udpPort} inet`,
        'got two',
        'noise true',
        `from six ::1 ${luaServer.udpPort6}`,
        `bound 0.0.0.0 ${port} inet`,
        `asked question 127.0.0.1 ${own}`,
        'done',
      ]);
    });

    test('8 MiB both ways', async ({ play, luaServer }) => {
      const { path, size, sha256: digest } = luaServer.noise;
      const game = await play('bulk', '127.0.0.1', luaServer.port, path);
      await game.says(/^done$/);
      expect(game.said).toEqual([`received ${size} ${digest}`, `sent ${size} ${digest} closed nil nil`, 'done']);
    });

    test('a hundred sockets in a select loop', async ({ play, luaServer }) => {
      const game = await play('crowd', '127.0.0.1', luaServer.port, 100);
      await game.says(/^done$/);
      expect(game.said).toEqual(['answered 100', 'done']);
    });

    test('two games talk ENet', async ({ play }) => {
      const host = await play('enet', '');
      const [, address = ''] = await host.says(/^hosting (127\.0\.0\.1:\d+)$/);
      const guest = await play('enet', address);
      await guest.says(/^done$/);
      await host.says(/^done$/);
      expect(host.said).toContain(`heard 40000 ${sha256('ENet '.repeat(8000))}`);
      expect(guest.said).toContain('heard quick welcome');
    });
  });
}

test('who connects without a time limit is connected', async ({ play, luaServer, closedPort }) => {
  const game = await play('waiting', '127.0.0.1', luaServer.port, closedPort);
  await game.says(/^done$/);
  expect(game.said).toEqual([
    'connected 1',
    'peer 127.0.0.1',
    'sent 14 nil nil',
    'got 1: at once nil nil',
    `got 32 ${sha256('left before the connection stood')} closed nil nil`,
    'believed 1',
    'then nil connection refused ',
    'done',
  ]);
});

test('a game that is denied something hears LuaSocket’s words, its developer why', async ({ play }) => {
  const game = await play('denied');
  await game.says(/^done$/);
  expect(game.said).toEqual(['answer nil permission denied', 'done']);
  expect(game.console).toContainEqual(
    'luasocket-web: denied: connect 192.0.2.1:80: development mode reaches this machine only',
  );
});

test('socket.http fetches from nginx', async ({ play, nginx }) => {
  const game = await play('http', `http://127.0.0.1:${nginx.port}/hello.txt`);
  await game.says(/^done$/);
  expect(game.said).toEqual([`answer 200 text/plain ${NGINX_BODY.length} ${sha256(NGINX_BODY)}`, 'done']);
});

test.describe('with a name server', () => {
  test.use({
    endpoint: async ({ dnsmasq }, use) => {
      const relay = await startRelay({ dnsServer: [`127.0.0.1:${dnsmasq.port}`] });
      await use(relay.endpoint);
      await relay.close();
    },
  });

  test('names are looked up, and stand for themselves until the answer is there', async ({ play, luaServer }) => {
    const { host, ipv4 } = DNS_RECORDS;
    const game = await play('names', host, ipv4, luaServer.port, 'missing.test');
    await game.says(/^done$/);
    expect(game.said).toEqual([
      'localhost 127.0.0.1',
      'itself 127.0.0.1',
      `peer ${ipv4}`,
      'got 1: hello nil nil',
      `ip ${ipv4}`,
      'missing host not found',
      'connect nil host or service not provided, or not known',
      'done',
    ]);
  });
});

test.describe('with a relay of its own', () => {
  let relay: RelayProcess;
  test.use({
    // biome-ignore lint/correctness/noEmptyPattern: as above
    endpoint: async ({}, use) => {
      relay = await startRelay();
      await use(relay.endpoint);
      await relay.close();
    },
  });

  test('a game whose relay goes away hears of it', async ({ play, endpoint, luaServer }) => {
    const game = await play('lost', '127.0.0.1', luaServer.port);
    await game.says(/^connected$/);
    await relay.close();
    await game.says(/^done$/);
    expect(game.said).toEqual(['connected', 'end nil closed ', 'new nil closed', 'done']);
    expect(game.console).toContainEqual(expect.stringContaining(`the relay at ${endpoint} is lost`));
  });
});

test.describe('at the WebSockets', () => {
  test.use({ level: 'websockets' });

  test('a game talks TCP and UDP', async ({ play, luaServer, closedPort }) => {
    const game = await play('websockets', '127.0.0.1', luaServer.port, luaServer.udpPort, closedPort);
    await game.says(/^done$/);
    expect(game.said).toEqual([
      'got 1: first nil nil',
      'end nil closed ',
      'both ways true',
      'refused true',
      'answered true',
      'done',
    ]);
  });

  test('forty sockets in a select loop, and a WebSocket of the page beside them', async ({ play, luaServer }) => {
    const echo = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'binary' });
    echo.on('connection', (socket) =>
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
    );
    await once(echo, 'listening');
    const { port } = echo.address() as { port: number };
    const game = await play('crowd', '127.0.0.1', luaServer.port, 40);
    await game.says(/^done$/);
    expect(game.said).toEqual(['answered 40', 'done']);
    const heard = await game.page.evaluate(
      (url) =>
        new Promise((resolve, reject) => {
          const socket = new WebSocket(url, ['binary']);
          socket.onopen = () => socket.send('untouched');
          socket.onmessage = ({ data }) => resolve(`${data} ${socket instanceof WebSocket}`);
          socket.onerror = reject;
        }),
      `ws://127.0.0.1:${port}/`,
    );
    echo.close();
    expect(heard).toBe('untouched true');
  });
});

test.describe('where there is no relay', () => {
  test.use({ endpoint: async ({ closedPort }, use) => use(`ws://127.0.0.1:${closedPort}/relay`) });

  test('a game plays all the same, and its page says why it has no sockets', async ({ play, closedPort }) => {
    const game = await play('alone');
    await game.says(/^done$/);
    expect(game.said).toEqual(['plays', 'done']);
    expect(game.console).toContainEqual(
      expect.stringMatching(`luasocket-web: cannot connect to ws://127.0.0.1:${closedPort}/relay.*stay as they are`),
    );
  });
});

test('the game of docs/love.md: one page hosts, another joins', async ({ open, closedPort }) => {
  const text = await readFile(new URL('../../docs/love/main.lua', import.meta.url), 'utf8');
  const files = { 'main.lua': text.replace('5001', String(closedPort)) };
  const host = await open(files);
  await host.prints(/calls over/);
  await host.page.bringToFront();
  await expect(async () => {
    await host.page.keyboard.press('h', { delay: 50 });
    expect(host.console).toContain(`hosting on port ${closedPort}`);
  }).toPass();
  const guest = await open(files);
  await guest.page.bringToFront();
  await expect(async () => {
    await guest.page.keyboard.press('j', { delay: 50 });
    expect(guest.console).toContain('sees another player');
  }).toPass();
  await host.prints(/^sees another player$/);
});

test("the console's gallery has the game: the relay's own page hosts it, a native LuaSocket client joins", async ({
  context,
  relay,
  lua,
}) => {
  const host = new PlayedGame(await context.newPage());
  await host.page.goto(relay.url);
  await host.page.getByRole('link', { name: 'LÖVE game' }).click();
  await host.prints(/calls over/);
  await expect(async () => {
    await host.page.keyboard.press('h', { delay: 50 });
    expect(host.console).toContain('hosting on port 5001');
  }).toPass();
  const client = await lua('square', '127.0.0.1', 5001);
  await client.says(/^sees \d+ \d+ \d+$/m);
  await host.prints(/^sees another player$/);
});
