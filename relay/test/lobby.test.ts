/** The lobby: however many come and say nothing, whoever has a session, or comes from elsewhere, gets in at once. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import * as fc from 'fast-check';
import type { Relay } from 'luasocket-relay';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Crowd } from '../src/limits/crowd.ts';
import { RawClient } from './support/client.ts';
import { startRelay, until } from './support/relay.ts';
import { connectWith, ORIGIN, startPublicRelay } from './support/tickets.ts';

/** The value of a metric, 0 when it is not there. */
async function metric(relay: Relay, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${relay.address.port}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}

const displaced = (relay: Relay, limit: string) =>
  metric(relay, `luasocket_relay_limits_reached_total{limit="${limit}"}`);

/** Nobody goes for being slow, however slow the machine is. */
const PATIENT = { handshakeSeconds: 60, pingSeconds: 60, deadSeconds: 300 };

interface Flood {
  /** Connections that were let in, or turned away at once. */
  readonly arrived: number;
  /** Connections that were ended from the other side. */
  readonly displaced: number;
}

/**
 * Connections from these addresses that come up and say nothing, in turn; each that is ended is opened again where the
 * flood `persists`. As WebSockets, or (`silent`) without a byte.
 */
function flood(
  relay: Relay,
  addresses: readonly string[],
  count: number,
  { persists = false, silent = false }: { persists?: boolean; silent?: boolean } = {},
): Flood {
  const state = { arrived: 0, displaced: 0 };
  const all = new Set<Socket>();
  let over = false;
  const open = (localAddress: string): void => {
    const socket = connect({ port: relay.address.port, host: '127.0.0.1', localAddress });
    all.add(socket);
    socket.on('error', () => {});
    let answered = false;
    const answer = () => {
      if (!answered) state.arrived++;
      answered = true;
    };
    socket.once(silent ? 'connect' : 'data', answer);
    socket.on('close', () => {
      answer();
      all.delete(socket);
      state.displaced++;
      if (persists && !over) open(localAddress);
    });
    if (silent) socket.resume();
    else {
      const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
      socket.write(`GET /relay HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n`);
    }
  };
  for (let i = 0; i < count; i++) open(addresses[i % addresses.length] as string);
  onTestFinished(() => {
    over = true;
    for (const socket of all) socket.destroy();
  });
  return state;
}

/** Loses the owner's WebSocket, and goes on with its session at the first attempt. */
async function resume(relay: Relay, owner: Awaited<ReturnType<typeof RawClient.connect>>): Promise<RawClient> {
  owner.ws.terminate();
  await owner.closed;
  const again = await RawClient.resume(relay, owner, { ...owner.welcome, generation: 2 });
  await again.next('resumed');
  return again;
}

describe('a crowd', () => {
  test('sends away the oldest of the largest group', () => {
    const crowd = new Crowd<number>();
    for (const [member, group] of [
      [1, 'a'],
      [2, 'b'],
      [3, 'b'],
      [4, 'c'],
      [5, 'b'],
      [6, 'c'],
    ] as const)
      crowd.enter(member, group);
    expect(Array.from({ length: 7 }, () => crowd.displace())).toEqual([2, 4, 3, 1, 6, 5, undefined]);
  });

  test('is right about it whoever comes and goes, against a slow one', () => {
    const step = fc.oneof(
      fc.record({ enter: fc.nat(30), group: fc.nat(4) }),
      fc.record({ leave: fc.nat(30) }),
      fc.constant('displace' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const crowd = new Crowd<number>();
        let slow: { member: number; group: number }[] = [];
        for (const one of steps) {
          if (one === 'displace') {
            const size = (group: number) => slow.filter((other) => other.group === group).length;
            const largest = Math.max(0, ...slow.map(({ group }) => size(group)));
            const gone = crowd.displace();
            const found = slow.find(({ member }) => member === gone);
            expect(found ? size(found.group) : 0).toBe(largest);
            expect(slow.find(({ group }) => group === found?.group)).toBe(found);
            slow = slow.filter((other) => other !== found);
          } else if ('enter' in one) {
            if (!slow.some(({ member }) => member === one.enter)) slow.push({ member: one.enter, group: one.group });
            crowd.enter(one.enter, String(one.group));
          } else {
            slow = slow.filter(({ member }) => member !== one.leave);
            crowd.leave(one.leave);
          }
          expect(crowd.size).toBe(slow.length);
        }
      }),
    );
  });
});

describe('5,000 WebSockets that say nothing', () => {
  test('from elsewhere: the owner of a session resumes at once, a newcomer gets in, a live session goes on', async () => {
    const relay = await startRelay({ limits: { ...PATIENT } });
    const owner = await RawClient.connect(relay);
    const live = await RawClient.connect(relay);
    const state = flood(relay, ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5', '127.0.0.6'], 5000);
    await until(() => state.arrived === 5000);
    expect(await metric(relay, 'luasocket_relay_handshakes')).toBe(2048);
    const turnedOut = (await displaced(relay, 'handshakes')) + (await displaced(relay, 'httpConnections'));
    expect(turnedOut).toBeGreaterThanOrEqual(5000 - 2048);
    await (await resume(relay, owner)).barrier();
    await (await RawClient.connect(relay)).barrier();
    await live.barrier();
  }, 120_000);

  test('from its own address, and again as often as they are ended: the same', async () => {
    const relay = await startRelay({ limits: { ...PATIENT, handshakes: 100 } });
    const owner = await RawClient.connect(relay);
    const state = flood(relay, ['127.0.0.1'], 500, { persists: true });
    await until(() => state.displaced > 500);
    await (await resume(relay, owner)).barrier();
    expect(await metric(relay, 'luasocket_relay_handshakes')).toBeLessThanOrEqual(100);
  });
});

test('who comes alone keeps its place, whatever the crowd', async () => {
  const relay = await startRelay({ limits: { ...PATIENT, handshakes: 20 } });
  const alone = await RawClient.dial(relay);
  const state = flood(relay, ['127.0.0.2', '127.0.0.3'], 200);
  await until(() => state.arrived === 200);
  alone.send({ type: 'hello', version: 1, ticket: null, leases: 0 });
  await alone.next('welcome');
});

test('who is displaced is told, as far as it listens', async () => {
  const relay = await startRelay({ limits: { ...PATIENT, handshakes: 1 } });
  const first = await RawClient.dial(relay);
  const second = await RawClient.connect(relay);
  expect((await first.next('fault')).code).toBe('limit');
  expect((await first.closed).code).toBe(4009);
  await second.barrier();
});

test('behind a trusted proxy, addresses are those of its clients; an IPv6 customer is one', async () => {
  const limits = { ...PATIENT, handshakes: 4 };
  const { relay, ticket } = await startPublicRelay({ limits, trustedProxy: ['127.0.0.1'] });
  const from = (address: string) => RawClient.dial(relay, { origin: ORIGIN, 'x-forwarded-for': address });
  const alone = await from('2001:db8:0:1::1');
  const crowd = [];
  for (let i = 1; i <= 8; i++) crowd.push(await from(`2001:db8:0:2::${i}`));
  await Promise.all(crowd.slice(0, 5).map(async (one) => expect((await one.closed).code).toBe(4009)));
  alone.send({ type: 'hello', version: 1, ticket: await ticket(), leases: 0 });
  await alone.next('welcome');
});

describe('TCP connections', () => {
  test('that say nothing keep nobody out: neither the owner of a session, nor a newcomer, nor a page', async () => {
    const relay = await startRelay({ limits: { ...PATIENT, httpConnections: 50 } });
    const owner = await RawClient.connect(relay);
    const state = flood(relay, ['127.0.0.2'], 300, { silent: true });
    await until(() => state.displaced >= 251);
    await (await resume(relay, owner)).barrier();
    await (await RawClient.connect(relay)).barrier();
    expect((await fetch(`http://127.0.0.1:${relay.address.port}/healthz`)).status).toBe(200);
    expect(await displaced(relay, 'httpConnections')).toBeGreaterThan(250);
  });

  test('of sessions are never displaced', async () => {
    const relay = await startRelay({ limits: { httpConnections: 3 } });
    const sessions = [await RawClient.connect(relay), await RawClient.connect(relay), await RawClient.connect(relay)];
    const surplus = connect(relay.address.port, '127.0.0.1');
    surplus.on('error', () => {}).resume();
    await once(surplus, 'close');
    for (const session of sessions) await session.barrier();
    sessions[0]?.ws.terminate();
    await until(() => relay.stats.sessions === 3);
    let status = 0;
    while (status !== 200) {
      status = await fetch(`http://127.0.0.1:${relay.address.port}/healthz`).then(
        (answer) => answer.status,
        () => 0,
      );
    }
  });

  test('of sessions that are over make room, though their clients do not close them', async () => {
    const { relay, ticket } = await startPublicRelay({ limits: { httpConnections: 2 } });
    const stubborn = await connectWith(relay, await ticket());
    // Reads nothing more, so it never answers the close of its WebSocket.
    stubborn.ws.pause();
    stubborn.send({ type: 'ack', received: 1_000_000 });
    await until(() => relay.stats.sessions === 0);
    await connectWith(relay, await ticket());
    await connectWith(relay, await ticket());
  });
});
