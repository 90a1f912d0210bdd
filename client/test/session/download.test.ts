/** Credit for what the relay sends: it grows with the distance, and the relay may use what it is given. Virtual time. */
import { SendPool } from '@luasocket-web/shared/flow';
import { MAX_DATA, POOL_MAX } from '@luasocket-web/shared/limits';
import { expect, test } from 'vitest';
import type { Stream } from '../../src/core/channel.ts';
import { connectedStream, opened } from './opened.ts';
import type { MiniatureRelay } from './virtual.ts';

const SOCKET = 1;

/** A relay that sends as much as it may, and a program that takes all of it at once. */
async function bulk(follows: boolean) {
  const all = await opened();
  const { relay, host } = all;
  const stream = await connectedStream(all);
  const pool = new SendPool(65_536);
  let sent = 0;
  const send = () => {
    for (let room = pool.allowance(SOCKET); room > 0; room = pool.allowance(SOCKET)) {
      const payload = new Uint8Array(Math.min(room, MAX_DATA)).fill(sent % 251);
      pool.spend(SOCKET, payload.length);
      sent += payload.length;
      relay.tell({ type: 'data', socket: SOCKET, payload });
    }
  };
  relay.respond = (frame) => {
    if (frame.type === 'credit') pool.giveBack(SOCKET, frame.bytes, 'stream');
    if (frame.type === 'pool' && follows) pool.grow(frame.bytes);
    send();
  };
  let taken = 0;
  stream.subscribe(() => {
    taken += drain(stream);
  });
  send();
  for (let step = 0; step < 30 && pool.size < POOL_MAX; step++) await host.advance(100);
  return { all, pool, sent, taken };
}

function drain(stream: Stream): number {
  let taken = 0;
  for (let got = stream.recv(65_536); got instanceof Uint8Array; got = stream.recv(65_536)) taken += got.length;
  return taken;
}

function given(relay: MiniatureRelay): number[] {
  return relay.got.flatMap((frame) => (frame.type === 'pool' ? [frame.bytes] : []));
}

test('a download that only credit holds back gets more and more, up to the most', async () => {
  const { all, pool, sent, taken } = await bulk(true);
  expect(pool.size).toBe(POOL_MAX);
  expect(given(all.relay).reduce((sum, bytes) => sum + bytes, 65_536)).toBe(POOL_MAX);
  expect(sent - taken).toBeLessThanOrEqual(POOL_MAX);
  expect(all.session.relay.state).toBe('connected');
});

test('a relay that takes no more than it had is not asked on and on', async () => {
  const { all, pool } = await bulk(false);
  expect(pool.size).toBe(65_536);
  expect(given(all.relay)).toEqual([65_536]);
  expect(all.session.relay.state).toBe('connected');
});
