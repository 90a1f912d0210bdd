/** What strangers' sessions cannot do, whatever they try. Public addresses are never contacted. */

import { describe, expect, test } from 'vitest';
import { startPeer } from '../support/relay.ts';
import { at, connectTo, DENIED, open, sendTo } from '../support/stranger.ts';
import { connectWith, startPublicRelay } from '../support/tickets.ts';

describe('without claims', () => {
  test.each([
    ['127.0.0.1', 7777],
    ['10.0.0.1', 7777],
    ['169.254.169.254', 80],
    ['93.184.216.34', 25],
  ])('no connection to %s:%i', async (address, port) => {
    const { relay, ticket } = await startPublicRelay();
    const client = await connectWith(relay, await ticket());
    open(client, 1, 'tcp');
    expect(await connectTo(client, 1, address, port)).toEqual(DENIED);
  });

  test('no datagram to an amplifier, to loopback, to a group, to everybody', async () => {
    const { relay, ticket } = await startPublicRelay();
    const client = await connectWith(relay, await ticket());
    open(client, 1, 'udp');
    for (const [address, port] of [
      ['93.184.216.34', 53],
      ['127.0.0.1', 7777],
      ['239.1.2.3', 7777],
      ['255.255.255.255', 7777],
    ] as const) {
      expect(await sendTo(client, 1, address, port)).toEqual(DENIED);
    }
  });

  test('no bind, no listen, no options that reach out', async () => {
    const { relay, ticket } = await startPublicRelay();
    const client = await connectWith(relay, await ticket());
    open(client, 1, 'tcp');
    open(client, 2, 'udp');
    const option = (socket: number, name: string, value: boolean | number | object) =>
      client.ask((request) => ({ type: 'setoption', request, socket, option: name, value: value as boolean }));
    for (const target of [at('0.0.0.0', 0), at('127.0.0.1', 0), at('203.0.113.7', 0)]) {
      expect(await client.ask((request) => ({ type: 'bind', request, socket: 1, target }))).toEqual(DENIED);
    }
    expect(await client.ask((request) => ({ type: 'listen', request, socket: 1, backlog: 1 }))).toEqual(DENIED);
    expect(await option(1, 'linger', { on: true, timeout: 60 })).toEqual(DENIED);
    expect(await option(1, 'tcp-nodelay', true)).toBeNull();
    expect(await option(2, 'broadcast', true)).toEqual(DENIED);
    expect(await option(2, 'ip-add-membership', { multiaddr: '239.1.2.3', interface: '*' })).toEqual(DENIED);
  });
});

test('a denial takes as long whether a host lives there or not: nobody is asked', async () => {
  const peer = await startPeer();
  let arrivals = 0;
  peer.server.on('connection', () => arrivals++);
  const { relay, ticket } = await startPublicRelay();
  const client = await connectWith(relay, await ticket());
  for (const [address, port] of [
    ['127.0.0.1', peer.port],
    ['127.0.0.1', 1],
    ['10.255.255.1', 7777],
  ] as const) {
    open(client, 1, 'tcp');
    const request = client.number();
    // The refusal comes in the turn in which the question came: before anything else that is asked.
    client.send({ type: 'connect', request, socket: 1, target: at(address, port) });
    const next = client.number();
    client.send({ type: 'hostname', request: next });
    await client.answer(next);
    expect(await client.answer(request)).toEqual(DENIED);
    client.send({ type: 'close', socket: 1, consumed: 0 });
  }
  expect(arrivals).toBe(0);
});

test('no frame tells a stranger why', async () => {
  const { relay, ticket } = await startPublicRelay();
  const client = await connectWith(relay, await ticket());
  open(client, 1, 'tcp');
  open(client, 2, 'udp');
  const requests = Array.from({ length: 9 }, () => client.number());
  const [connect = 0, bind = 0, listen = 0, option = 0, sendto = 0, resolved = 0, info = 0, entry = 0, port25 = 0] =
    requests;
  const host = 'localhost';
  client.send(
    { type: 'connect', request: connect, socket: 1, target: at('127.0.0.1', 80) },
    { type: 'bind', request: bind, socket: 1, target: at('0.0.0.0', 0) },
    { type: 'listen', request: listen, socket: 1, backlog: 1 },
    { type: 'setoption', request: option, socket: 2, option: 'broadcast', value: true },
    { type: 'sendto', request: sendto, socket: 2, peer: at('10.0.0.1', 53), payload: Buffer.alloc(1) },
    { type: 'resolve', request: resolved, host, service: '80', family: 4, kind: 0, use: 0 },
    { type: 'nameinfo', request: info, host: '10.0.0.1', service: null },
    { type: 'hostent', request: entry, name: '10.0.0.1' },
    { type: 'connect', request: port25, socket: 1, target: at('93.184.216.34', 25) },
    { type: 'datagram', socket: 2, peer: at('10.0.0.1', 53), payload: Buffer.alloc(1) },
  );
  for (const request of requests) {
    const fail = await client.next('fail', (frame) => frame.request === request);
    expect(fail).toEqual({ type: 'fail', request, error: 'EACCES', detail: null });
  }
  expect(await client.next('error')).toEqual({ type: 'error', socket: 2, error: 'EACCES', detail: null });
});
