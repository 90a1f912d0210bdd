/** The example pages of the faces, as `npm start` serves them. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { type RelayProcess, startRelay } from '../fixtures/relay.ts';
import { test as base, expect } from '../fixtures/test.ts';

const test = base.extend<{ home: RelayProcess }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's needs from this pattern
  home: async ({}, use) => {
    const relay = await startRelay({ practice: true });
    await use(relay);
    await relay.close();
  },
});

const EXAMPLES = [
  ['Promises', 'promise', 'the echo server says: hello from a tab'],
  ['Frame loop', 'poll', 'ping was back after'],
  ['Blocking', 'blocking', 'the echo server says: hello from a worker'],
  ['Lua', 'lua', 'the echo server says: hello from Lua'],
] as const;

for (const [link, program, said] of EXAMPLES) {
  test(`${program}: talks to a practice server, and serves a native guest`, async ({ page, home }) => {
    const troubles: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') troubles.push(message.text());
    });
    page.on('pageerror', (error) => troubles.push(error.message));
    await page.goto(`${home.url}/`);
    await page.getByRole('link', { name: link }).click();
    const output = page.getByRole('log', { name: 'What it says' });
    await expect(output).toContainText(said);
    await expect(page.locator('#program')).toContainText('socket.bind');
    await expect(output).toContainText(/nc 127\.0\.0\.1 \d+/);
    const [, port] = (await output.textContent())?.match(/nc 127\.0\.0\.1 (\d+)/) ?? [];
    const guest = connect(Number(port), '127.0.0.1');
    guest.setEncoding('utf8').write('good evening\n');
    const [answer] = await once(guest, 'data');
    expect(answer).toBe('GOOD EVENING\n');
    await expect(output).toContainText('a guest says: good evening');
    guest.destroy();
    expect(troubles).toEqual([]);
  });
}
