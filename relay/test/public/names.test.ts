/** Look-ups of strangers: what is asked, what is told, and what a changing name is good for. */

import { hostname } from 'node:os';
import { USE } from '@luasocket-web/shared/frames';
import { describe, expect, test } from 'vitest';
import { startNameServer } from '../support/name-server.ts';
import { startPeer } from '../support/relay.ts';
import { connectTo, DENIED, LOOPBACK, open, resolve, sendTo } from '../support/stranger.ts';
import { connectWith, startPublicRelay } from '../support/tickets.ts';

const A = (name: string, data: string) => ({ type: 'A', name, data, ttl: 0 }) as const;

describe('names', () => {
  const zone = (answers: (name: string) => readonly string[]) =>
    startNameServer(({ type, name }) => (type === 'A' ? answers(name).map((data) => A(name, data)) : []));

  test('hosts in odd syntax and names of this network are refused before anybody is asked', async () => {
    const server = await zone(() => ['93.184.216.34']);
    const { relay, ticket } = await startPublicRelay({ dnsServer: [server.address] });
    const client = await connectWith(relay, await ticket());
    for (const host of ['127.1', '0x7f000001', '', 'localhost', 'a.local', 'metadata', '::1%lo', 'a_b.example']) {
      expect(await resolve(client, host)).toEqual(DENIED);
      expect(await client.ask((request) => ({ type: 'hostent', request, name: host }))).toEqual(DENIED);
      expect(await client.ask((request) => ({ type: 'nameinfo', request, host, service: null }))).toEqual(DENIED);
    }
    expect(server.asked).toEqual([]);
  });

  test('one answer that is not public refuses the name', async () => {
    const server = await zone((name) => (name === 'bad.example' ? ['93.184.216.34', '10.0.0.1'] : ['93.184.216.34']));
    const { relay, ticket } = await startPublicRelay({ dnsServer: [server.address] });
    const client = await connectWith(relay, await ticket());
    expect(await resolve(client, 'bad.example')).toEqual(DENIED);
    expect(await client.ask((request) => ({ type: 'hostent', request, name: 'bad.example' }))).toEqual(DENIED);
    expect(await resolve(client, 'good.example')).toContainEqual(expect.any(Uint8Array));
  });

  test('a thousand names that change between look-up and use: no escape', async () => {
    const peer = await startPeer();
    let arrivals = 0;
    peer.server.on('connection', () => arrivals++);
    let questions = 0;
    // Each name is public when it is asked for first, and loopback from then on.
    const known = new Set<string>();
    const server = await zone((name) => {
      questions++;
      if (known.has(name)) return ['127.0.0.1'];
      known.add(name);
      return ['93.184.216.34'];
    });
    const limits = { lookupsPerSecond: 100_000, lookupsBurst: 100_000, connectsPerMinute: 1_000_000 };
    const { relay, ticket } = await startPublicRelay({ dnsServer: [server.address], limits });
    // A ticket for no destination: the attempts are judged, and none goes out.
    const client = await connectWith(relay, await ticket({ net: { tcp: ['game.example:443'] } }));
    const attempt = async (i: number): Promise<void> => {
      const socket = i + 1;
      const host = `rebind${i}.example`;
      const request = client.number();
      open(client, socket, 'tcp');
      const service = String(peer.port);
      client.send({ type: 'resolve', request, host, service, family: 4, kind: 0, use: USE.connect });
      const target = { request, index: 0 };
      expect(await client.ask((number) => ({ type: 'connect', request: number, socket, target }))).toEqual(DENIED);
      expect(await resolve(client, host)).toEqual(DENIED);
    };
    await Promise.all(Array.from({ length: 1000 }, (_, i) => attempt(i)));
    expect(arrivals).toBe(0);
    // Once for each RESOLVE: connecting asks nobody again.
    expect(questions).toBe(2000);
  });

  test('a claim for a name grants the addresses that its look-up gave, where those are public', async () => {
    const server = await zone((name) => (name === 'inside.example' ? ['127.0.0.1'] : ['93.184.216.34']));
    const { relay, ticket } = await startPublicRelay({ dnsServer: [server.address] });
    const net = { tcp: ['inside.example:*'], dns: ['inside.example', '*.game.example'] };
    const client = await connectWith(relay, await ticket({ net }));
    expect(await resolve(client, 'inside.example')).toEqual(DENIED);
    expect(await resolve(client, 'elsewhere.example')).toEqual(DENIED);
    expect(await resolve(client, 'eu.game.example')).toContainEqual(expect.any(Uint8Array));
    open(client, 1, 'tcp');
    expect(await connectTo(client, 1, '127.0.0.1', 7777)).toEqual(DENIED);
  });

  test('look-ups: so many at once, so many a second', async () => {
    const server = await startNameServer(() => 3);
    const { relay, ticket } = await startPublicRelay({ dnsServer: [server.address] });
    const client = await connectWith(relay, await ticket());
    const answers = await Promise.all(Array.from({ length: 1000 }, () => resolve(client, 'nobody.example')));
    const told = answers.filter((answer) => (answer as { error: string }).error === 'EAI_NONAME').length;
    expect(told).toBeGreaterThanOrEqual(20);
    expect(told).toBeLessThan(100);
    expect(answers.filter((answer) => (answer as { error: string }).error === 'EAI_AGAIN')).toHaveLength(1000 - told);
  });

  test('a failure is remembered, for a while and for everybody', async () => {
    const server = await startNameServer(() => 3);
    const limits = { failureSeconds: 2 };
    const { relay, ticket } = await startPublicRelay({ dnsServer: [server.address], limits });
    const [one, other] = [await connectWith(relay, await ticket()), await connectWith(relay, await ticket())];
    await resolve(one, 'nobody.example');
    const asked = server.asked.length;
    await resolve(other, 'NOBODY.example');
    expect(server.asked).toHaveLength(asked);
    while (server.asked.length === asked) await resolve(other, 'nobody.example');
  });

  test('the names of addresses that are not public are not told', async () => {
    const server = await startNameServer(() => 3);
    const { relay, ticket } = await startPublicRelay({ dnsServer: [server.address] });
    const client = await connectWith(relay, await ticket());
    for (const name of ['127.0.0.1', '10.0.0.1', '169.254.169.254']) {
      expect(await client.ask((request) => ({ type: 'hostent', request, name }))).toEqual(DENIED);
      expect(await client.ask((request) => ({ type: 'nameinfo', request, host: name, service: null }))).toEqual(DENIED);
    }
    expect(server.asked).toEqual([]);
  });

  test('the relay’s own name is a constant', async () => {
    const { relay, ticket } = await startPublicRelay();
    const client = await connectWith(relay, await ticket());
    const told = await client.ask((request) => ({ type: 'hostname', request }));
    expect(told).toBe('relay');
    expect(told).not.toBe(hostname());
  });

  test('the name servers cannot be reached', async () => {
    const server = await startNameServer(() => 3);
    const { relay, ticket } = await startPublicRelay({ dnsServer: [server.address] });
    const client = await connectWith(relay, await ticket(LOOPBACK));
    open(client, 1, 'udp');
    const port = Number(server.address.split(':')[1]);
    expect(await sendTo(client, 1, '127.0.0.1', port)).toEqual(DENIED);
    expect(await sendTo(client, 1, '127.0.0.1', port === 7777 ? 7778 : 7777)).toBeNull();
  });
});
