/** A session on a network that fails: a proxy before the relay resets its connections in the middle of transfers. */
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { END, Failure } from '../../client/src/core/channel.ts';
import { startCuttable } from '../fixtures/cuttable.ts';
import {
  answer,
  connectTo,
  dial,
  local,
  made,
  pattern,
  portOf,
  read,
  readAll,
  sendAll,
  startRelay,
  until,
} from './helpers.ts';

async function cuttableSession(config: Parameters<typeof startRelay>[0] = {}) {
  const relay = await startRelay(config);
  const proxy = await startCuttable(relay.address.port);
  onTestFinished(() => proxy.close());
  const session = await connectTo(proxy.endpoint);
  return { relay, proxy, session };
}

async function echoServer(): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return portOf(server);
}

test('no byte is lost, doubled or reordered over 40 cuts in the middle of a transfer both ways', async () => {
  const { proxy, session } = await cuttableSession();
  const stream = await dial(session, await echoServer());
  const data = pattern(1024 * 1024);
  let cuts = 0;
  let resumed = 0;
  session.relay.on('resumed', () => resumed++);
  let sent = 0;
  const sending = (async () => {
    while (resumed < 40) {
      await sendAll(stream, data);
      sent += data.length;
    }
    stream.shutdown('send');
  })();
  let received = 0;
  let next = 0;
  for (let got = await read(stream); got !== END; got = await read(stream)) {
    const at = received % data.length;
    const expected = Buffer.concat([data.subarray(at, at + got.length), data]).subarray(0, got.length);
    if (!expected.equals(got)) throw new Error(`other bytes than were sent at ${received}`);
    received += got.length;
    // Once the last cut has healed and some more has come.
    if (cuts < 40 && resumed === cuts && received > next) {
      cuts++;
      next = received + 32_768;
      proxy.cut();
    }
  }
  await sending;
  expect(received).toBe(sent);
  expect(resumed).toBe(40);
  expect(session.relay.stats.resumes).toBe(40);
});

test('listeners go on, and connections that came in the gap are there', async () => {
  const { proxy, session } = await cuttableSession();
  const server = made(session.channel.tcp(4));
  await answer(server.bind(local(0)));
  await answer(server.listen(5));
  const { port } = await answer(server.localName());
  proxy.cut();
  const peer = connect(port, '127.0.0.1');
  onTestFinished(() => void peer.destroy());
  peer.end('from the gap');
  await until(server, () => server.readable);
  const stream = server.accept();
  if (!stream || stream instanceof Failure) throw new Error('nothing to accept');
  expect((await readAll(stream)).toString()).toBe('from the gap');
});

test('UDP goes on after a cut', async () => {
  const { proxy, session } = await cuttableSession();
  const server = createSocket('udp4');
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
  server.on('message', (message, { port }) => server.send(message, port, '127.0.0.1'));
  const peer = local(server.address().port);
  const socket = made(session.channel.udp(4));
  await answer(socket.send(new Uint8Array([1]), peer));
  await until(socket, () => socket.readable);
  const resumed = new Promise<void>((resolve) => session.relay.on('resumed', resolve));
  proxy.cut();
  await resumed;
  expect(socket.recv()).toMatchObject({ payload: new Uint8Array([1]) });
  await answer(socket.send(new Uint8Array([2]), peer));
  await until(socket, () => socket.readable);
  expect(socket.recv()).toMatchObject({ payload: new Uint8Array([2]) });
});

test('a relay that forgets sooner than the client comes back: the session is lost, buffered data is not', async () => {
  const { proxy, session, relay } = await cuttableSession();
  const stream = await dial(session, await echoServer());
  await sendAll(stream, new Uint8Array([1, 2, 3]));
  await until(stream, () => stream.readable);
  const states: string[] = [];
  const lost = new Promise<void>((resolve) => {
    session.relay.on('state', (state) => {
      states.push(state);
      if (state === 'lost') resolve();
    });
  });
  // Another process at the same address would have another epoch; here the address is gone for good.
  const waiting = session.channel.hostent('127.0.0.1');
  await relay.close();
  proxy.cut();
  await lost;
  expect(states.at(-1)).toBe('lost');
  expect(session.relay.reason).toBe('the relay is shutting down');
  await until(waiting, () => waiting.settled);
  expect((await readAll(stream)).equals(Buffer.from([1, 2, 3]))).toBe(true);
});
