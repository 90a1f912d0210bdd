/** Strangers' UDP: how many peers, how much to each, and who is heard. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { at, connectTo, LOOPBACK, nameOf, open, sendTo } from '../support/stranger.ts';
import { connectWith, startPublicRelay } from '../support/tickets.ts';

/** A UDP peer on loopback that counts the bytes it hears. */
async function startUdpPeer(address = '127.0.0.1'): Promise<{ socket: UdpSocket; port: number; heard: () => number }> {
  const socket = createSocket('udp4');
  let heard = 0;
  socket.on('message', (message) => {
    heard += message.length;
    socket.emit('heard');
  });
  socket.bind(0, address);
  await once(socket, 'listening');
  onTestFinished(() => new Promise<void>((done) => socket.close(() => done())));
  return { socket, port: socket.address().port, heard: () => heard };
}

describe('datagrams', () => {
  test('10,000 hosts: 16 peers of a socket, 32 of a session, the rest refused', async () => {
    const { relay, ticket } = await startPublicRelay();
    const client = await connectWith(relay, await ticket(LOOPBACK));
    const counts = [];
    for (const socket of [1, 2, 3]) {
      open(client, socket, 'udp');
      const answers = await Promise.all(
        Array.from({ length: 3334 }, (_, i) =>
          sendTo(client, socket, `127.${socket}.${1 + (i >> 8)}.${i & 255}`, 7777),
        ),
      );
      counts.push(answers.filter((answer) => answer === null).length);
      // udp.c says "refused" for it.
      expect(answers.filter((answer) => answer !== null)[0]).toEqual({ error: 'EPIPE' });
    }
    expect(counts[0]).toBe(16);
    expect(counts[1]).toBe(16);
    expect(counts[2]).toBeLessThan(16);
  });

  test('DATAGRAM frames are held to the same: the refusal is a pending error', async () => {
    const { relay, ticket } = await startPublicRelay({ limits: { udpPeers: 1 } });
    const client = await connectWith(relay, await ticket(LOOPBACK));
    open(client, 1, 'udp');
    expect(await sendTo(client, 1, '127.0.0.1', 7777)).toBeNull();
    client.send({ type: 'datagram', socket: 1, peer: at('127.0.0.2', 7777), payload: Buffer.from('x') });
    expect(await client.next('error', ({ error }) => error === 'EPIPE')).toMatchObject({ socket: 1 });
  });

  test('a peer that never answers gets 16 KiB; one that does, three times as much again', async () => {
    const { relay, ticket } = await startPublicRelay();
    const client = await connectWith(relay, await ticket(LOOPBACK));
    const peer = await startUdpPeer();
    open(client, 1, 'udp');
    const flood = async (): Promise<number> => {
      const answers = await Promise.all(
        Array.from({ length: 100 }, () => sendTo(client, 1, '127.0.0.1', peer.port, 1000)),
      );
      return answers.filter((answer) => answer === null).length;
    };
    expect(await flood()).toBe(16);
    while (peer.heard() < 16_000) await once(peer.socket, 'heard');
    const local = await nameOf(client, 1);
    peer.socket.send(Buffer.alloc(2000), local.port, '127.0.0.1');
    await client.next('datagram');
    expect(await flood()).toBe(6);
  });

  test('a socket that is connected is held to it as well', async () => {
    const { relay, ticket } = await startPublicRelay({ limits: { unansweredBytes: 100 } });
    const client = await connectWith(relay, await ticket(LOOPBACK));
    const peer = await startUdpPeer();
    open(client, 1, 'udp');
    expect(await connectTo(client, 1, '127.0.0.1', peer.port)).toBeNull();
    const send = () =>
      client.ask((request) => ({ type: 'sendto', request, socket: 1, peer: null, payload: Buffer.alloc(60) }));
    expect(await send()).toBeNull();
    expect(await send()).toEqual({ error: 'EPIPE' });
  });

  test('strangers are not heard, unless that is claimed', async () => {
    const { relay, ticket } = await startPublicRelay();
    const stranger = await startUdpPeer('127.0.0.2');
    const friend = await startUdpPeer();
    for (const [net, isHeard] of [
      [LOOPBACK.net, false],
      [{ ...LOOPBACK.net, listen: true }, true],
    ] as const) {
      const client = await connectWith(relay, await ticket({ net }));
      open(client, 1, 'udp');
      await sendTo(client, 1, '127.0.0.1', friend.port);
      const local = await nameOf(client, 1);
      stranger.socket.send('stranger', local.port, '127.0.0.1');
      friend.socket.send('friend', local.port, '127.0.0.1');
      const heard = await client.next('datagram', ({ payload }) => Buffer.from(payload).toString() === 'friend');
      expect(heard.peer?.port).toBe(friend.port);
      expect(client.inbox.filter(({ type }) => type === 'datagram')).toHaveLength(isHeard ? 1 : 0);
    }
  });
});
