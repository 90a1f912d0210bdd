/**
 * Every limit of SECURITY.md: reached, with the error that it documents, and counted under its name. What they are for,
 * and that nobody else is touched, is shown elsewhere; here none is forgotten.
 */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { USE } from '@luasocket-web/shared/frames';
import type { Relay, RelayConfig } from 'luasocket-relay';
import { describe, expect, onTestFinished, test } from 'vitest';
import { settings } from '../src/settings.ts';
import { RawClient } from './support/client.ts';
import { startNameServer } from './support/name-server.ts';
import { startPeer, startRelay, until } from './support/relay.ts';
import { connectTo, LOOPBACK, open, sendTo, startBlackHole } from './support/stranger.ts';
import { connectWith, ORIGIN, startPublicRelay } from './support/tickets.ts';

/** The table: a limit's flags (without `--limits-`), and what it says beside them. */
const ROWS = readFileSync(new URL('../../SECURITY.md', import.meta.url), 'utf8')
  .split('## Limits\n')[1]
  ?.split('\n## ')[0]
  ?.split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| limit'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

type Counter = 'limits_reached' | 'faults';

async function counted(relay: Relay, counter: Counter, label: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${relay.address.port}/metrics`)).text();
  const name = `luasocket_relay_${counter}_total{${counter === 'faults' ? 'fault' : 'limit'}="${label}"}`;
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.split(' ')
      .at(-1) ?? 0,
  );
}

/** A session of a relay with these limits, for a stranger whose ticket lets it reach loopback. */
async function stranger(
  limits: RelayConfig['limits'],
  config: RelayConfig = {},
  claims: object = LOOPBACK,
): Promise<{ relay: Relay; client: RawClient; ticket: () => Promise<string> }> {
  const { relay, ticket } = await startPublicRelay({ ...config, limits });
  const mint = () => ticket({ ...claims });
  return { relay, client: await connectWith(relay, await mint()), ticket: mint };
}

async function fault(client: RawClient): Promise<string> {
  return (await client.next('fault')).code;
}

/** What another session is refused with. */
async function refused(relay: Relay, ticket: string): Promise<string> {
  const client = await RawClient.dial(relay, { origin: ORIGIN });
  client.send({ type: 'hello', version: 1, ticket, leases: 0 });
  return fault(client);
}

const error = (code: string) => ({ error: code });

describe('the table', () => {
  test('has every limit, with its flag and its default', () => {
    const rows = ROWS ?? [];
    const documented = rows.flatMap(([, , flags = '']) => [...flags.matchAll(/`([a-z-]+)`/g)].map(([, flag]) => flag));
    const all = settings().filter(({ path }) => path[0] === 'limits');
    expect(documented.sort()).toEqual(all.map(({ flag }) => flag.replace('--limits-', '')).sort());
    for (const { flag, fallback } of all) {
      const row = rows.find(([, , flags = '']) => flags.includes(`\`${flag.replace('--limits-', '')}\``));
      const numbers = (row?.[3] ?? '')
        .replaceAll(',', '')
        .replaceAll(' KiB', ' * 1024')
        .replaceAll(' MiB', ' * 1048576');
      const values = [...numbers.matchAll(/(\d+)(?: \* (\d+))?/g)].map(
        ([, value, unit]) => Number(value) * Number(unit ?? 1),
      );
      expect([flag, values]).toEqual([flag, expect.arrayContaining([fallback])]);
    }
  });
});

describe('of a session', () => {
  test('bytes of a message', async () => {
    const relay = await startRelay();
    const client = await RawClient.connect(relay);
    client.raw(Buffer.alloc(262_145));
    expect(await fault(client)).toBe('too_large');
    expect(await counted(relay, 'faults', 'too_large')).toBe(1);
  });

  test('sockets', async () => {
    const relay = await startRelay({ limits: { sockets: 2 } });
    const client = await RawClient.connect(relay);
    for (const socket of [1, 2, 3]) open(client, socket, 'udp');
    expect(await client.ask((request) => ({ type: 'getsockname', request, socket: 3 }))).toEqual(error('EMFILE'));
    expect(await counted(relay, 'limits_reached', 'sockets')).toBe(1);
  });

  test('requests', async () => {
    const relay = await startRelay({ limits: { requests: 3 } });
    const client = await RawClient.connect(relay);
    client.send(...Array.from({ length: 4 }, () => ({ type: 'barrier', request: client.number() }) as const));
    expect(await fault(client)).toBe('limit');
    expect(await counted(relay, 'limits_reached', 'requests')).toBe(1);
    expect(await counted(relay, 'faults', 'limit')).toBe(1);
  });

  test('credit', async () => {
    const peer = await startPeer();
    const relay = await startRelay({ limits: { upload: 65_536 } });
    const client = await RawClient.connect(relay);
    open(client, 1, 'tcp');
    await connectTo(client, 1, '127.0.0.1', peer.port);
    await client.next('connected');
    const payload = Buffer.alloc(131_072);
    client.send({ type: 'data', socket: 1, payload });
    expect(await fault(client)).toBe('overrun');
    expect(await counted(relay, 'faults', 'overrun')).toBe(1);
  });
});

describe('of the relay', () => {
  test('sessions, of all and of an address', async () => {
    const full = await stranger({ sessions: 1 });
    expect(await refused(full.relay, await full.ticket())).toBe('limit');
    expect(await counted(full.relay, 'limits_reached', 'sessions')).toBe(1);
    const busy = await stranger({ sessionsPerAddress: 1 });
    expect(await refused(busy.relay, await busy.ticket())).toBe('limit');
    expect(await counted(busy.relay, 'limits_reached', 'sessionsPerAddress')).toBe(1);
  });

  test('growth of credit', async () => {
    const relay = await startRelay({ limits: { grownBytes: 1 } });
    const client = await RawClient.connect(relay);
    client.send({ type: 'pool', bytes: 2 });
    await client.barrier();
    expect(await counted(relay, 'limits_reached', 'grownBytes')).toBe(1);
  });

  test('refused resumes', async () => {
    const relay = await startRelay({ limits: { refusedResumes: 2 } });
    const client = await RawClient.connect(relay);
    const forge = async () => {
      const { session } = client.welcome;
      return fault(await RawClient.resume(relay, client, { session, key: Buffer.alloc(32), generation: 2 }));
    };
    expect([await forge(), await forge(), await forge()]).toEqual(['not_resumable', 'not_resumable', 'limit']);
    expect(await counted(relay, 'limits_reached', 'refusedResumes')).toBe(1);
  });

  test('seconds to the headers, to the first frame, of silence', async () => {
    const relay = await startRelay({ limits: { handshakeSeconds: 0.1, pingSeconds: 0.05, deadSeconds: 0.2 } });
    expect(await fault(await RawClient.dial(relay))).toBe('timeout');
    expect(await counted(relay, 'limits_reached', 'handshakeSeconds')).toBe(1);
    const slow = connect(relay.address.port, '127.0.0.1');
    onTestFinished(() => {
      slow.destroy();
    });
    slow.on('error', () => {}).resume();
    slow.write('GET /relay HTTP/1.1\r\n');
    await new Promise((done) => slow.on('close', done));
    expect(await counted(relay, 'limits_reached', 'handshakeSeconds')).toBe(2);
    const silent = await RawClient.connect(relay);
    expect((await silent.closed).code).toBe(1006);
    expect(await counted(relay, 'limits_reached', 'deadSeconds')).toBe(1);
  });
});

describe('of a stranger', () => {
  test('attempts to connect at once, and how long they may take', async () => {
    const hole = startBlackHole();
    const { relay, client } = await stranger({ pendingConnects: 1, connectSeconds: 0.3 });
    open(client, 1, 'tcp');
    open(client, 2, 'tcp');
    await connectTo(client, 1, '127.0.0.1', hole);
    expect(await connectTo(client, 2, '127.0.0.1', hole)).toEqual(error('EAGAIN'));
    expect(await counted(relay, 'limits_reached', 'pendingConnects')).toBe(1);
    expect((await client.next('error', ({ socket }) => socket === 1)).error).toBe('ETIMEDOUT');
    expect(await counted(relay, 'limits_reached', 'connectSeconds')).toBe(1);
  });

  test('attempts in a minute, ports of a host', async () => {
    const peers = [await startPeer(), await startPeer()] as const;
    const one = await stranger({ connectsPerMinute: 1 });
    open(one.client, 1, 'tcp');
    open(one.client, 2, 'tcp');
    await connectTo(one.client, 1, '127.0.0.1', peers[0].port);
    expect(await connectTo(one.client, 2, '127.0.0.1', peers[0].port)).toEqual(error('EAGAIN'));
    expect(await counted(one.relay, 'limits_reached', 'connectsPerMinute')).toBe(1);
    const other = await stranger({ portsPerHost: 1 });
    open(other.client, 1, 'tcp');
    open(other.client, 2, 'tcp');
    await connectTo(other.client, 1, '127.0.0.1', peers[0].port);
    expect(await connectTo(other.client, 2, '127.0.0.1', peers[1].port)).toEqual(error('EACCES'));
    expect(await counted(other.relay, 'limits_reached', 'portsPerHost')).toBe(1);
  });

  test.each([
    ['udpPeers', { udpPeers: 1 }, 10, 2],
    ['udpPeersPerMinute', { udpPeersPerMinute: 1 }, 10, 2],
    ['unansweredBytes', { unansweredBytes: 15 }, 10, 1],
  ] as const)('UDP: %s', async (name, limits, bytes, second) => {
    const { relay, client } = await stranger(limits);
    open(client, 1, 'udp');
    expect(await sendTo(client, 1, '127.0.0.1', 20_001, bytes)).toBeNull();
    expect(await sendTo(client, 1, '127.0.0.1', 20_000 + second, bytes)).toEqual(error('EPIPE'));
    expect(await counted(relay, 'limits_reached', name)).toBe(1);
  });

  test('look-ups, and failures that are remembered', async () => {
    const server = await startNameServer(() => []);
    const limits = { lookupsPerSecond: 0.01, lookupsBurst: 2 };
    const { relay, client } = await stranger(limits, { dnsServer: [server.address] });
    const lookup = () =>
      client.ask((request) => ({
        type: 'resolve',
        request,
        host: 'game.example',
        service: '80',
        family: 4,
        kind: 0,
        use: USE.connect,
      }));
    const first = await lookup();
    const asked = server.asked.length;
    expect(await lookup()).toEqual(first);
    expect(server.asked.length).toBe(asked);
    expect(await lookup()).toEqual(error('EAI_AGAIN'));
    expect(await counted(relay, 'limits_reached', 'lookupsPerSecond')).toBe(1);
  });

  test('bytes and frames in a second', async () => {
    const { relay, client } = await stranger({ framesPerSecond: 10 });
    for (let i = 0; i < 20; i++) client.send({ type: 'ping', token: i });
    await until(() => client.inbox.filter(({ type }) => type === 'pong').length === 20);
    expect(await counted(relay, 'limits_reached', 'throttle')).toBeGreaterThan(0);
  });
});
