/** Strangers' TCP: what a claim opens, and the limits that keep it from being a scanner. */

import { connect } from 'node:net';
import { unpackEndpoint } from '@luasocket-web/shared/address';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startPeer } from '../support/relay.ts';
import { type Answer, at, connectTo, DENIED, LOOPBACK, nameOf, open, startBlackHole } from '../support/stranger.ts';
import { connectWith, startPublicRelay } from '../support/tickets.ts';

describe('connections', () => {
  test('the relay’s own port is denied, whatever the claims', async () => {
    const { relay, ticket } = await startPublicRelay();
    const client = await connectWith(relay, await ticket({ net: { tcp: ['127.0.0.0/8:*', '0.0.0.0:*'] } }));
    open(client, 1, 'tcp');
    for (const address of ['127.0.0.1', '127.0.0.2', '0.0.0.0']) {
      expect(await connectTo(client, 1, address, relay.address.port)).toEqual(DENIED);
    }
  });

  test('a wide claim does not reach loopback', async () => {
    const { relay, ticket } = await startPublicRelay();
    const client = await connectWith(relay, await ticket({ net: { tcp: ['0.0.0.0/0:*', '*:*'] } }));
    open(client, 1, 'tcp');
    expect(await connectTo(client, 1, '127.0.0.1', 7777)).toEqual(DENIED);
  });

  test('getsockname tells the port, and no address of the relay, unless that is claimed', async () => {
    const peer = await startPeer();
    const { relay, ticket } = await startPublicRelay();
    const hidden = await connectWith(relay, await ticket(LOOPBACK));
    const shown = await connectWith(relay, await ticket({ net: { ...LOOPBACK.net, interfaces: true } }));
    for (const [client, address] of [
      [hidden, '0.0.0.0'],
      [shown, '127.0.0.1'],
    ] as const) {
      open(client, 1, 'tcp');
      const local = await connectTo(client, 1, '127.0.0.1', peer.port);
      const connected = await client.next('connected');
      const far = await peer.connection();
      const name = await client.ask((request) => ({ type: 'getsockname', request, socket: 1 }));
      for (const told of [unpackEndpoint(local as Uint8Array), connected.local, unpackEndpoint(name as Uint8Array)]) {
        expect(told).toMatchObject({ address, port: far.remotePort });
      }
    }
  });

  test('256 ports of one host: 8, and 20 attempts a minute', async () => {
    const { relay, ticket } = await startPublicRelay();
    const client = await connectWith(relay, await ticket(LOOPBACK));
    const begun = new Set<number>();
    for (let i = 0; i < 256; i++) {
      open(client, 1, 'tcp');
      const answer = await connectTo(client, 1, '127.0.0.1', 20_000 + i);
      if (answer instanceof Uint8Array) {
        begun.add(20_000 + i);
        await client.next('error');
      } else expect(answer).toEqual(DENIED);
      client.send({ type: 'close', socket: 1, consumed: 0 });
    }
    expect(begun.size).toBe(8);

    const outcomes: Answer[] = [];
    for (let i = 0; i < 20; i++) {
      open(client, 1, 'tcp');
      const answer = await connectTo(client, 1, '127.0.0.1', 20_000);
      outcomes.push(answer);
      if (answer instanceof Uint8Array) await client.next('error');
      client.send({ type: 'close', socket: 1, consumed: 0 });
    }
    expect(outcomes.filter((answer) => answer instanceof Uint8Array).length).toBeLessThan(16);
    expect(outcomes.at(-1)).toEqual({ error: 'EAGAIN' });
  });

  test('8 attempts at once, each for so long; then there is room again', async () => {
    const port = startBlackHole();
    const { relay, ticket } = await startPublicRelay({ limits: { connectSeconds: 0.2 } });
    const client = await connectWith(relay, await ticket(LOOPBACK));
    for (let socket = 1; socket <= 9; socket++) open(client, socket, 'tcp');
    for (let socket = 1; socket <= 8; socket++) {
      expect(await connectTo(client, socket, '127.0.0.1', port)).toBeInstanceOf(Uint8Array);
    }
    expect(await connectTo(client, 9, '127.0.0.1', port)).toEqual({ error: 'EAGAIN' });
    for (let socket = 1; socket <= 8; socket++) {
      expect(await client.next('error', (frame) => frame.socket === socket)).toMatchObject({ error: 'ETIMEDOUT' });
    }
    expect(await connectTo(client, 9, '127.0.0.1', port)).toBeInstanceOf(Uint8Array);
    // Closing ends an attempt, too.
    client.send({ type: 'close', socket: 9, consumed: 0 });
    for (let socket = 1; socket <= 8; socket++) {
      expect(await connectTo(client, socket, '127.0.0.1', port)).toBeInstanceOf(Uint8Array);
    }
  });

  test('who comes from loopback to a listener is dropped, unless claimed', async () => {
    const { relay, ticket } = await startPublicRelay();
    for (const [net, isHeard] of [
      [{ listen: true }, false],
      [{ listen: true, ...LOOPBACK.net }, true],
    ] as const) {
      const client = await connectWith(relay, await ticket({ net }));
      open(client, 1, 'tcp');
      expect(
        await client.ask((request) => ({ type: 'bind', request, socket: 1, target: at('0.0.0.0', 0) })),
      ).toBeNull();
      expect(await client.ask((request) => ({ type: 'listen', request, socket: 1, backlog: 5 }))).toBeNull();
      const name = await nameOf(client, 1);
      const caller = connect(name.port, '127.0.0.1');
      caller.on('error', () => {});
      onTestFinished(() => {
        caller.destroy();
      });
      if (isHeard) expect((await client.next('accepted')).local.address).toBe('0.0.0.0');
      else {
        await new Promise((done) => caller.on('close', done));
        await client.barrier();
        expect(client.inbox.filter(({ type }) => type === 'accepted')).toEqual([]);
      }
    }
  });

  test('listening is for the ports that were claimed', async () => {
    const { relay, ticket } = await startPublicRelay();
    const client = await connectWith(relay, await ticket({ net: { listen: true } }));
    open(client, 1, 'tcp');
    const bind = (address: string, port: number) =>
      client.ask((request) => ({ type: 'bind', request, socket: 1, target: at(address, port) }));
    expect(await bind('0.0.0.0', 80)).toEqual(DENIED);
    expect(await bind('127.0.0.1', 0)).toEqual(DENIED);
  });
});
