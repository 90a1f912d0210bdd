/** Both builds that a page can load do the same: the ES module, and the script with its global. */

import { Tab } from '../fixtures/tab.ts';
import { expect, test } from '../fixtures/test.ts';

for (const build of ['module', 'script']) {
  test(`the ${build} build loads and works, without a word on the console`, async ({
    page,
    site,
    relay,
    luaServer,
  }) => {
    const requests: string[] = [];
    page.on('request', (request) => requests.push(new URL(request.url()).origin));
    const tab = new Tab(page);
    await tab.load(`${site.url}/${build}.html`);
    await tab.connect(relay.endpoint);
    const got = await tab.run(async (socket, port) => {
      const [c] = await socket.try(socket.connect('127.0.0.1', port));
      await c.send('lines\nhello\nbye\n');
      const said = [await c.receive(), await c.receive()];
      await c.close();
      const names = [
        'tcp',
        'tcp4',
        'tcp6',
        'udp',
        'udp4',
        'udp6',
        'connect',
        'connect4',
        'connect6',
        'bind',
        'select',
        'sleep',
        'gettime',
        'newtry',
      ];
      names.push(
        'protect',
        'try',
        'skip',
        'choose',
        'source',
        'sink',
        'BLOCKSIZE',
        'dns',
        '_VERSION',
        '_SETSIZE',
        'relay',
      );
      socket.relay.close();
      return {
        said,
        version: socket._VERSION,
        missing: names.filter((name) => !(name in socket)),
        state: socket.relay.state,
      };
    }, luaServer.port);
    expect(got).toEqual({
      said: [
        ['1: hello', null, null],
        ['bye', null, null],
      ],
      version: 'LuaSocket 3.0-rc1',
      missing: [],
      state: 'closed',
    });
    expect(tab.troubles).toEqual([]);
    expect(new Set(requests)).toEqual(new Set([site.url])); // nothing from anywhere else
  });
}

test('a strict Content-Security-Policy is enough, and workers of both kinds do as well', async ({
  page,
  site,
  relay,
  luaServer,
}) => {
  const tab = new Tab(page);
  await page.goto(`${site.url}/strict.html?relay=${encodeURIComponent(relay.endpoint)}&port=${luaServer.port}`);
  for (const id of ['page', 'module-worker', 'classic-worker']) {
    await expect(page.locator(`#${id}`)).toHaveText('1: hello, bye');
  }
  expect(tab.troubles).toEqual([]);
});

test('connect to a place where no relay is rejects', async ({ bareTab: tab }) => {
  const failed = await tab.connect('ws://127.0.0.1:9/relay').then(
    () => null,
    (error: Error) => error.message,
  );
  expect(failed).not.toBeNull();
});
