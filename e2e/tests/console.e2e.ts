/** The console page, as `npm start` serves it: snippets run against the practice servers, sockets and frames are shown. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Page } from '@playwright/test';
import { type RelayProcess, startRelay } from '../fixtures/relay.ts';
import { test as base, expect } from '../fixtures/test.ts';

const test = base.extend<{ home: RelayProcess; troubles: string[] }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's needs from this pattern
  home: async ({}, use) => {
    const relay = await startRelay({ practice: true });
    await use(relay);
    await relay.close();
  },
  troubles: async ({ page, home }, use) => {
    const troubles: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') troubles.push(message.text());
    });
    page.on('pageerror', (error) => troubles.push(error.message));
    await page.goto(`${home.url}/`);
    await expect(page.locator('#state')).toHaveText('connected');
    await use(troubles);
  },
});

const output = (page: Page) => page.getByRole('log', { name: 'Output' });
const sockets = (page: Page) => page.locator('#sockets tr');

async function runExample(page: Page, name: string | RegExp): Promise<void> {
  const labels = await page.getByLabel('Example', { exact: true }).locator('option').allTextContents();
  const label = labels.find((text) => text.match(name));
  if (label === undefined) throw new Error(`there is no example ${name}`);
  await page.getByLabel('Example', { exact: true }).selectOption(label);
  await page.getByRole('button', { name: 'Run' }).click();
}

const EXPECTED = [
  [/^TCP/, 'hello from a browser tab'],
  [/^UDP/, 'ping from 127.0.0.1'],
  [/^Chat/, 'Ann reads: guest2: Hello Ann!'],
  [/^select/, 'client 3'],
  [/^DNS/, 'localhost [{ family: "inet'],
] as const;

for (const [name, said] of EXPECTED) {
  test(`the example ${name} works`, async ({ page, troubles }) => {
    await runExample(page, name);
    await expect(output(page)).toContainText('done');
    await expect(output(page)).toContainText(said);
    await expect(output(page).locator('.bad')).toHaveCount(0);
    expect(troubles).toEqual([]);
  });
}

test('a tab hosts a server, and shows its sockets, until it is stopped', async ({ page, troubles }) => {
  await runExample(page, /^Host/);
  await expect(output(page)).toContainText(/nc 127\.0\.0\.1 \d+/);
  const port = Number(/nc 127\.0\.0\.1 (\d+)/.exec((await output(page).textContent()) ?? '')?.[1]);
  const peer = connect(port, '127.0.0.1');
  let heard = '';
  peer.setEncoding('latin1').on('data', (text: string) => {
    heard += text;
  });
  peer.write('hello tab\n');
  await expect(output(page)).toContainText('heard hello tab');
  await expect.poll(() => heard).toContain('HELLO TAB\n');
  await expect(sockets(page)).toHaveCount(2);
  await expect(sockets(page).nth(0)).toContainText(`listening127.0.0.1:${port}`);
  await expect(sockets(page).nth(1)).toContainText('established');
  await expect(sockets(page).nth(1)).toContainText(`:${(peer.address() as { port: number }).port}`);
  const gone = once(peer, 'close');
  await page.getByRole('button', { name: 'Stop' }).click();
  await gone;
  await expect(output(page)).toContainText('done');
  await expect(page.locator('#state')).toHaveText('connected');
  expect(troubles).toEqual([]);
});

test('frames go by, and can be filtered', async ({ page, troubles }) => {
  await runExample(page, /^TCP/);
  await expect(output(page)).toContainText('done');
  const shown = page.locator('#frames tr:visible');
  await expect(shown.filter({ hasText: 'CONNECTED' })).toHaveCount(1);
  await expect(shown.filter({ hasText: 'hello from a browser tab\\n' })).toHaveCount(2);
  await page.getByLabel('Filter').fill('data');
  await expect(shown).toHaveCount(2);
  expect(troubles).toEqual([]);
});

test('a snippet’s own mistakes are told', async ({ page, troubles }) => {
  await page.locator('#code').fill("print('so far'); await socket.connect();");
  await page.locator('#code').press('Control+Enter');
  await expect(output(page).locator('.bad')).toContainText('TypeError: bad argument #1');
  await page.locator('#code').fill('this is no JavaScript');
  await page.getByRole('button', { name: 'Run' }).click();
  await expect(output(page).locator('.bad').nth(1)).toContainText('SyntaxError');
  expect(troubles).toEqual([]);
});

test('a newcomer reads why the relay denies the world', async ({ page, troubles }) => {
  await page.locator('#code').fill("const answer = await socket.connect('192.0.2.1', 80); print(answer);");
  await page.getByRole('button', { name: 'Run' }).click();
  await expect(output(page).locator('.bad')).toHaveText(
    'denied: connect 192.0.2.1:80: development mode reaches this machine only',
  );
  await expect(output(page)).toContainText('[null, "permission denied"]');
  await expect(page.locator('#frames tr', { hasText: 'FAIL' })).toContainText('reaches this machine only');
  expect(troubles).toEqual([]);
});

test('the connection is closed and opened by hand', async ({ page, home, troubles }) => {
  await page.getByRole('button', { name: 'Disconnect' }).click();
  await expect(page.locator('#state')).toHaveText('closed');
  await page.getByLabel('Relay', { exact: true }).fill(home.endpoint);
  await page.getByRole('button', { name: 'Connect' }).click();
  await expect(page.locator('#state')).toHaveText('connected');
  expect(troubles).toEqual([]);
});

test('what a snippet throws is told with its line, also when nobody waited for it', async ({ page, troubles }) => {
  await page.locator('#code').fill("\nawait null;\nthrow new Error('broken');");
  await page.getByRole('button', { name: 'Run' }).click();
  await expect(output(page).locator('.bad')).toHaveText('Error: broken (line 3)');
  await page.locator('#code').fill("(async () => {\n  throw new Error('forgotten');\n})();");
  await page.getByRole('button', { name: 'Run' }).click();
  await expect(output(page).locator('.bad').nth(1)).toHaveText('Error: forgotten (line 2)');
  // Not hidden from the browser's own console, either.
  expect(troubles).toEqual(['forgotten']);
});

test('a snippet that waits for something else than a socket can be stopped', async ({ page, troubles }) => {
  await page.locator('#code').fill('await new Promise(() => {});');
  await page.getByRole('button', { name: 'Run' }).click();
  await page.getByRole('button', { name: 'Stop' }).click();
  await expect(output(page)).toContainText('stopped');
  await expect(page.locator('#state')).toHaveText('connected');
  await runExample(page, /^TCP/);
  await expect(output(page)).toContainText('hello from a browser tab');
  expect(troubles).toEqual([]);
});

test('twenty thousand lines: the last thousand stay, the page lives', async ({ page, troubles }) => {
  await page.locator('#code').fill('for (let i = 1; i <= 20000; i++) print(i);');
  await page.getByRole('button', { name: 'Run' }).click();
  await expect(output(page)).toContainText('done');
  await expect(output(page).locator('div')).toHaveCount(1000);
  await page.getByRole('button', { name: 'Clear output' }).click();
  await expect(output(page).locator('div')).toHaveCount(0);
  expect(troubles).toEqual([]);
});

test('a relay without practice servers, and one that is not there', async ({ page }) => {
  const relay = await startRelay({ practice: false });
  try {
    await page.goto(`${relay.url}/`);
    await expect(page.locator('#state')).toHaveText('connected');
    await runExample(page, /^TCP/);
    await expect(output(page).locator('.bad')).toHaveText(/--practice/);
    await page.getByRole('button', { name: 'Disconnect' }).click();
  } finally {
    await relay.close();
  }
  await page.getByRole('button', { name: 'Connect' }).click();
  await expect(output(page).locator('.bad').nth(1)).toContainText('the relay cannot be reached');
  await expect(output(page)).toContainText(`may pages of ${relay.url} use it?`);
});
