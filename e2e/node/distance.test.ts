/** Bulk transfers with a relay that is far away: credit grows to what the way takes, and every byte arrives. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { END } from '../../client/src/core/channel.ts';
import type { Session } from '../../client/src/session/connect.ts';
import { startDistant } from '../fixtures/distant.ts';
import { connectTo, dial, pattern, portOf, read, sendAll, startRelay } from './helpers.ts';

/** Milliseconds one way. A slow machine needs some distance for the credit to be what limits it. */
const DISTANCE = 50;
const BLOCK = pattern(1_000_003);

async function begin(limits: { grownBytes?: number } = {}) {
  const relay = await startRelay({ limits });
  const proxy = await startDistant(relay.address.port, DISTANCE);
  onTestFinished(() => proxy.close());
  const session = await connectTo(proxy.endpoint);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const arrived = once(server, 'connection');
  const stream = await dial(session, portOf(server));
  const [peer] = (await arrived) as [Socket];
  onTestFinished(() => void peer.destroy());
  const grown = async () => {
    const text = await (await fetch(`http://127.0.0.1:${relay.address.port}/metrics`)).text();
    return Number(/^luasocket_relay_grown_bytes (\d+)$/m.exec(text)?.[1]);
  };
  /** Resolves once the pools have grown by just so much; what is on its way takes a while. */
  const grownBy = async (bytes: () => number) => {
    while ((await grown()) !== bytes());
  };
  return { session, stream, peer, grown, grownBy };
}

/** Bytes of the POOLs that go by, from now on. */
function pools({ relay }: Session, direction: 'sent' | 'received') {
  const seen = { bytes: 0 };
  relay.on('frame', (event) => {
    if (event.direction === direction && event.frame.type === 'pool') seen.bytes += Number(event.frame.bytes);
  });
  return seen;
}

/** Writes until `enough`, then ends. */
async function pour(peer: Socket, enough: () => boolean): Promise<string> {
  const hash = createHash('sha256');
  while (!enough()) {
    hash.update(BLOCK);
    if (!peer.write(BLOCK)) await once(peer, 'drain');
  }
  peer.end();
  return hash.digest('hex');
}

async function drink(stream: Awaited<ReturnType<typeof dial>>): Promise<string> {
  const hash = createHash('sha256');
  for (let got = await read(stream); got !== END; got = await read(stream)) hash.update(got);
  return hash.digest('hex');
}

test('a download makes the client give more credit, and the relay uses it', async () => {
  const { session, stream, peer, grownBy } = await begin();
  const given = pools(session, 'sent');
  const [sent, heard] = await Promise.all([pour(peer, () => given.bytes > 0), drink(stream)]);
  expect(heard).toBe(sent);
  expect(given.bytes % 65_536).toBe(0);
  await grownBy(() => given.bytes);
});

test('an upload makes the relay give more credit, which is given back with the session', async () => {
  const { session, stream, peer, grownBy } = await begin();
  const given = pools(session, 'received');
  const [sending, hearing] = [createHash('sha256'), createHash('sha256')];
  peer.on('data', (chunk) => hearing.update(chunk));
  while (given.bytes === 0) {
    sending.update(BLOCK);
    await sendAll(stream, BLOCK);
  }
  const ended = once(peer, 'end');
  stream.close();
  await ended;
  expect(hearing.digest('hex')).toBe(sending.digest('hex'));
  await grownBy(() => given.bytes);
  session.close();
  await grownBy(() => 0);
});

test('without a budget nothing grows, and all arrives', async () => {
  const { session, stream, peer, grown } = await begin({ grownBytes: 0 });
  const given = pools(session, 'received');
  const [sending, hearing] = [createHash('sha256'), createHash('sha256')];
  peer.on('data', (chunk) => hearing.update(chunk));
  for (let block = 0; block < 8; block++) {
    sending.update(BLOCK);
    await sendAll(stream, BLOCK);
  }
  const ended = once(peer, 'end');
  stream.close();
  await ended;
  expect(hearing.digest('hex')).toBe(sending.digest('hex'));
  expect([given.bytes, await grown()]).toEqual([0, 0]);
});
