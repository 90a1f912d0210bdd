/** Byte strings in their three modes, each through a real echo. */
import type { SocketNamespace } from 'luasocket-web';
import { expect, test } from '../fixtures/test.ts';

test('utf8: text is text, and any other byte survives', async ({ tab, luaServer }) => {
  const got = await tab.run(async (socket, port) => {
    const [c] = await socket.try(socket.connect('127.0.0.1', port));
    await c.send('echo\n');
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    await c.send(every);
    const [odd] = await socket.try(c.receive(256));
    await c.send(odd);
    const [again] = await socket.try(c.receive(256));
    await c.send('größer €😀\n');
    const text = await c.receive();
    await c.send('€');
    const pieces = [await c.receive(1), await c.receive(2)].map(([piece]) =>
      Array.from(piece ?? '', (char) => char.charCodeAt(0)),
    );
    await c.close();
    return {
      ascii: odd.slice(0, 128) === String.fromCharCode(...every.subarray(0, 128)),
      escaped: Array.from(odd.slice(128), (char) => char.charCodeAt(0)).every((code, index) => code === 0xdc80 + index),
      same: odd === again,
      text,
      pieces,
    };
  }, luaServer.port);
  expect(got).toEqual({
    ascii: true,
    escaped: true,
    same: true,
    text: ['größer €😀', null, null],
    pieces: [[0xdce2], [0xdc82, 0xdcac]],
  });
});

test('bytes: Uint8Array out, text or bytes in', async ({ bareTab: tab, relay, luaServer }) => {
  await tab.connect(relay.endpoint, { strings: 'bytes' });
  const got = await tab.run(async (socket: SocketNamespace<'async', Uint8Array>, port: number) => {
    const [c] = await socket.try(socket.connect('127.0.0.1', port));
    await c.send('echo\n');
    await c.send(Uint8Array.of(0, 127, 128, 255));
    const [data] = await socket.try(c.receive(4));
    await c.send('ü\n', 1, 3);
    const [line] = await socket.try(c.receive('*l', Uint8Array.of(1)));
    c.settimeout(0);
    const [, , partial] = await c.receive('*a', '!');
    await c.close();
    return [data, line, partial].map((bytes) => (bytes instanceof Uint8Array ? Array.from(bytes) : bytes));
  }, luaServer.port);
  expect(got).toEqual([[0, 127, 128, 255], [1, 0xc3, 0xbc], [33]]);
  expect(tab.troubles).toEqual([]);
});

test('binary: one character per byte', async ({ bareTab: tab, relay, luaServer }) => {
  await tab.connect(relay.endpoint, { strings: 'binary' });
  const got = await tab.run(async (socket, port) => {
    const [c] = await socket.try(socket.connect('127.0.0.1', port));
    await c.send('echo\n');
    const every = String.fromCharCode(...Uint8Array.from({ length: 256 }, (_, byte) => byte));
    const sent = await c.send(every);
    const [back] = await socket.try(c.receive(256));
    await c.close();
    return { sent, same: back === every };
  }, luaServer.port);
  expect(got).toEqual({ sent: [256, null, null], same: true });
  expect(tab.troubles).toEqual([]);
});
