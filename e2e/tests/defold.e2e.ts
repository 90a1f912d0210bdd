/** The built library for Defold in Chromium: a game that hosts, one that joins, and native programs at the other end. */
import type { Page } from '@playwright/test';
import { bundle } from '../fixtures/bundle.ts';
import { expect, test } from '../fixtures/test.ts';

async function game(page: Page, site: string, relay: string): Promise<void> {
  await page.goto(`${site}/script.html`);
  await page.addScriptTag({ content: await bundle('defold.ts') });
  await page.evaluate(`startGame(${JSON.stringify(relay)})`);
}

/** Runs a chunk of Lua in the game; answers what it returns. */
const run = (page: Page, source: string, ...args: readonly unknown[]): Promise<unknown[]> =>
  page.evaluate(`run(${[source, ...args].map((value) => JSON.stringify(value)).join(', ')})`);

/** The same for one that waits. */
async function waits(page: Page, source: string, ...args: readonly unknown[]): Promise<unknown[]> {
  const program = `
    outcome = nil
    local chunk = assert(loadstring((...), "=main"))
    luasocket.start(function(...) outcome = { luasocket.pcall(chunk, ...) } end, select(2, ...))`;
  await run(page, program, source, ...args);
  await expect.poll(async () => (await run(page, 'return outcome ~= nil'))[0]).toBe(true);
  return run(page, 'return unpack(outcome)');
}

test('a game talks to a native server, and is one', async ({ page, site, relay, luaServer, nc }) => {
  await game(page, site.url, relay.endpoint);
  await run(page, 'luasocket.connect()');
  expect(
    await waits(
      page,
      `local c = assert(socket.connect("127.0.0.1", ...))
       c:send "lines\\nhello\\nbye\\n"
       return c:receive(), c:receive(), tostring(c):match "^[^:]*"`,
      luaServer.port,
    ),
  ).toEqual([true, '1: hello', 'bye', 'tcp{client}']);

  const [, port] = await waits(
    page,
    'server = assert(socket.bind("127.0.0.1", 0)) return select(2, server:getsockname())',
  );
  const client = await nc('127.0.0.1', String(port));
  client.write('from outside\n');
  expect(
    await waits(
      page,
      'local c = assert(server:accept()) c:send "welcome\\n" local line = c:receive() c:close() return line',
    ),
  ).toEqual([true, 'from outside']);
  await client.says(/welcome\n/);
});

test('the example: who comes first hosts, who comes second joins', async ({ page, context, site, relay }) => {
  const second = await context.newPage();
  await game(page, site.url, relay.endpoint);
  await page.evaluate('loadExample()');
  const drawn = async (tab: Page) => (await run(tab, 'return unpack(drawn)')).join('; ');
  await expect.poll(() => drawn(page)).toContain('hosting');
  await game(second, site.url, relay.endpoint);
  await second.evaluate('loadExample()');
  await expect.poll(() => drawn(page)).toContain('playing');
  await run(page, 'point(100, 50)');
  await run(second, 'point(300, 200)');
  await expect.poll(() => drawn(page)).toContain('other 300 200');
  await expect.poll(() => drawn(second)).toContain('other 100 50');
  // The host goes on when the other player has left.
  await second.close();
  await expect.poll(() => drawn(page)).not.toContain('other');
  await expect.poll(() => drawn(page)).toContain('hosting');
});
