/** A relay in development mode serves pages of this machine, not pages of the web that happen to be open here. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { expect, test } from '../fixtures/test.ts';

for (const origin of ['https://game.example', 'http://127.0.0.1.game.example', 'null', 'file://']) {
  test(`the origin ${origin} is refused before a WebSocket is opened`, async ({ relay }) => {
    const socket = new WebSocket(relay.endpoint, { origin });
    const refused = once(socket, 'unexpected-response');
    const [, response] = await refused;
    expect(response.statusCode).toBe(403);
    socket.on('error', () => {}); // the end of an attempt that we end here
    socket.terminate();
  });
}

test('a page of another site gets no connection', async ({ page, relay, site }) => {
  const script = await (await fetch(`${site.url}/client/luasocket-web.global.js`)).text();
  await page.route('http://game.example/', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<title>x</title>' }),
  );
  await page.goto('http://game.example/');
  await page.addScriptTag({ content: script });
  const outcome = await page.evaluate<string>(
    `LuaSocketWeb.connect('${relay.endpoint}').then(() => 'connected', (error) => error.name)`,
  );
  expect(outcome).not.toBe('connected');
});
