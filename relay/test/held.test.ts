/** Many downloads that have no credit: what the relay keeps for them is bounded, and who says little is heard beside them. */
import { MAX_DATA, POOL_INITIAL, STREAM_RESERVE } from '@luasocket-web/shared/limits';
import { expect, test } from 'vitest';
import { RawClient } from './support/client.ts';
import { startPeer, startRelay, until } from './support/relay.ts';
import { stream } from './support/streams.ts';

/** What may be held for want of credit (relay/src/session/streams.ts), and one read more. */
const HELD = 512 * 1024 + 256 * 1024 + MAX_DATA;
const ECHO = 1000;

test.each([3, 20, 60, 250])('an echo beside %d downloads that the client takes nothing of', async (downloads) => {
  const relay = await startRelay();
  const client = await RawClient.connect(relay);
  const peer = await startPeer();
  const echo = await stream(client, ECHO, await startPeer());
  echo.pipe(echo);
  const hear = async () => {
    client.send({ type: 'data', socket: ECHO, payload: Buffer.alloc(64) });
    await client.next('data', ({ socket }) => socket === ECHO);
    client.send({ type: 'credit', socket: ECHO, bytes: 64 });
  };
  await hear();
  const block = Buffer.alloc(256 * 1024);
  for (let socket = 1; socket <= downloads; socket++) {
    const far = await stream(client, socket, peer);
    const write = () => {
      while (far.write(block));
    };
    far.on('drain', write).resume();
    write();
  }
  // Each has its part of the pool, or what it has in any case.
  const come = new Map<number, number>();
  const look = () => {
    for (const frame of client.inbox.splice(0)) {
      if (frame.type === 'data') come.set(frame.socket, (come.get(frame.socket) ?? 0) + frame.payload.length);
    }
    return come.size;
  };
  await until(() => look() === downloads);
  for (let i = 0; i < 20; i++) {
    await client.barrier();
    await hear();
  }
  look();
  const outstanding = [...come.values()].reduce((sum, bytes) => sum + bytes, 0);
  expect(outstanding).toBeGreaterThan(POOL_INITIAL / 2);
  expect(outstanding).toBeLessThanOrEqual(POOL_INITIAL + (downloads + 1) * STREAM_RESERVE);
  const most = POOL_INITIAL + (downloads + 1) * STREAM_RESERVE + HELD;
  expect(relay.stats.keptBytes).toBeLessThan(most);

  // It begins to take what comes: all get their turn, and the echo goes on.
  const served = new Set<number>();
  while (served.size < downloads) {
    for (const [socket, bytes] of come) {
      if (bytes > 0) client.send({ type: 'credit', socket, bytes });
      come.set(socket, 0);
    }
    await hear();
    look();
    for (const [socket, bytes] of come) if (bytes > 0) served.add(socket);
    expect(relay.stats.keptBytes).toBeLessThan(most);
  }
});
