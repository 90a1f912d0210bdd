/** UDP sockets: mailboxes, verdicts, and pending errors as Linux has them. */

import type { Endpoint } from '@luasocket-web/shared/address';
import { packEndpoint } from '@luasocket-web/shared/address';
import type { RelayFrame } from '@luasocket-web/shared/frames';
import { DATAGRAM_OVERHEAD } from '@luasocket-web/shared/limits';
import { describe, expect, test } from 'vitest';
import { type Datagram, type DatagramSocket, Failure } from '../../src/core/channel.ts';
import { bytes, LOCAL, outcome, PEER, Scripted } from './scripted.ts';

const ONE = 1;
const OTHER: Endpoint = { family: 4, address: '127.0.0.2', port: 9 };
const datagram = (text: string, peer = PEER): RelayFrame => ({
  type: 'datagram',
  socket: ONE,
  peer,
  payload: bytes(text),
});
const REFUSED: RelayFrame = { type: 'error', socket: ONE, error: 'ECONNREFUSED', detail: null };

function udp(relay: Scripted): DatagramSocket {
  const socket = relay.channel.udp(4);
  if (socket instanceof Failure) throw new Error(socket.code);
  relay.expect('open');
  return socket;
}

/** Sends, and lets the relay agree where it is asked. */
function send(relay: Scripted, socket: DatagramSocket, peer: Endpoint | null): string {
  const pending = socket.send(bytes('x'), peer);
  const [frame] = relay.sent;
  if (frame?.type === 'sendto') relay.answer('sendto');
  else relay.sent.length = 0;
  expect(outcome(pending)).toBeUndefined();
  return frame?.type ?? 'nothing';
}

describe('a UDP socket', () => {
  test('is always writable, and readable when something is there', () => {
    const relay = new Scripted();
    const socket = udp(relay);
    expect([socket.readable, socket.writable]).toEqual([false, true]);
    expect(socket.recv()).toBeNull();
    relay.tell(datagram('a'), datagram('', OTHER));
    expect(socket.readable).toBe(true);
    expect(socket.recv()).toEqual({ payload: bytes('a'), peer: PEER });
    expect(socket.recv()).toEqual({ payload: bytes(''), peer: OTHER });
    expect(socket.recv()).toBeNull();
    expect(socket.readable).toBe(false);
  });

  test('waits for the verdict on the first datagram to a peer only', () => {
    const relay = new Scripted();
    const socket = udp(relay);
    const first = socket.send(bytes('1'), PEER);
    expect(first.settled).toBe(false);
    const early = socket.send(bytes('2'), PEER);
    expect(early.settled).toBe(false);
    relay.answer('sendto');
    relay.answer('sendto');
    expect(outcome(first)).toBeUndefined();
    const later = socket.send(bytes('3'), PEER);
    expect(later.settled).toBe(true);
    expect(relay.expect('datagram')).toMatchObject({ peer: PEER, payload: bytes('3') });
    expect(send(relay, socket, OTHER)).toBe('sendto');
    expect(send(relay, socket, OTHER)).toBe('datagram');
  });

  test('a refused verdict proves nothing', () => {
    const relay = new Scripted();
    const socket = udp(relay);
    const denied = socket.send(bytes('1'), PEER);
    relay.answer('sendto', new Failure('EACCES'));
    expect(outcome(denied)).toBe('EACCES');
    expect(send(relay, socket, PEER)).toBe('sendto');
  });

  test('asks again after anything that may change the verdict', () => {
    const changes: ((relay: Scripted, socket: DatagramSocket) => void)[] = [
      (relay, socket) => {
        socket.setOption('broadcast', true);
        relay.answer('setoption');
      },
      (relay, socket) => {
        socket.bind(LOCAL);
        relay.answer('bind');
      },
      (relay, socket) => {
        socket.connect(PEER);
        relay.answer('connect');
      },
      (relay, socket) => {
        relay.tell(REFUSED);
        socket.takeError();
      },
    ];
    for (const change of changes) {
      const relay = new Scripted();
      const socket = udp(relay);
      send(relay, socket, PEER);
      expect(send(relay, socket, PEER)).toBe('datagram');
      change(relay, socket);
      expect(send(relay, socket, PEER)).toBe('sendto');
    }
  });

  test('remembers a bounded number of peers', () => {
    const relay = new Scripted();
    const socket = udp(relay);
    for (let port = 1; port <= 1025; port++) send(relay, socket, { ...PEER, port });
    expect(send(relay, socket, { ...PEER, port: 1025 })).toBe('datagram');
    expect(send(relay, socket, { ...PEER, port: 1 })).toBe('sendto');
  });

  test('too long a datagram fails here, even before a pending error', () => {
    const relay = new Scripted();
    const socket = udp(relay);
    send(relay, socket, PEER);
    relay.tell(REFUSED);
    expect(outcome(socket.send(new Uint8Array(65_508), PEER))).toBe('EMSGSIZE');
    expect(outcome(socket.send(new Uint8Array(1), PEER))).toBe('ECONNREFUSED');
    expect(relay.sent).toEqual([]);
    expect(outcome(socket.send(new Uint8Array(65_507), PEER))).toBe('pending');
    const six = relay.channel.udp(6) as DatagramSocket;
    const peer: Endpoint = { family: 6, address: '::1', port: 9 };
    expect(outcome(six.send(new Uint8Array(65_528), peer))).toBe('EMSGSIZE');
    expect(outcome(six.send(new Uint8Array(65_527), peer))).toBe('pending');
  });

  test('a pending error is told once, by whoever comes first, before what is queued', () => {
    const relay = new Scripted();
    const socket = udp(relay);
    relay.tell(datagram('a'), REFUSED);
    expect(socket.readable).toBe(true);
    expect((socket.recv() as Failure).code).toBe('ECONNREFUSED');
    expect((socket.recv() as Datagram).payload).toEqual(bytes('a'));
    relay.tell(REFUSED);
    expect(socket.takeError()?.code).toBe('ECONNREFUSED');
    expect(socket.takeError()).toBeNull();
  });

  test('connected: sends without an address, keeps what was queued, and knows its peer until it is dissolved', () => {
    const relay = new Scripted();
    const socket = udp(relay);
    relay.tell(datagram('before', OTHER));
    expect((socket.peerName() as Failure).code).toBe('ENOTCONN');
    const connected = socket.connect(PEER);
    relay.answer('connect');
    expect(outcome(connected)).toBeUndefined();
    expect(socket.peerName()).toEqual(PEER);
    expect((socket.recv() as Datagram).peer).toEqual(OTHER);
    expect(send(relay, socket, null)).toBe('sendto');
    expect(send(relay, socket, null)).toBe('datagram');
    socket.connect(null);
    expect(relay.sent).toMatchObject([{ type: 'connect', target: null }]);
    relay.answer('connect');
    expect((socket.peerName() as Failure).code).toBe('ENOTCONN');
  });

  test('a failed connect leaves the old peer; the wildcard means this host', () => {
    const relay = new Scripted();
    const socket = udp(relay);
    socket.connect({ family: 4, address: '0.0.0.0', port: 7 });
    relay.answer('connect');
    expect(socket.peerName()).toEqual({ family: 4, address: '127.0.0.1', port: 7 });
    socket.connect(OTHER);
    relay.answer('connect', new Failure('ENETUNREACH'));
    expect(socket.peerName()).toMatchObject({ address: '127.0.0.1' });
  });

  test('connects to the answer of a look-up that is under way', () => {
    const relay = new Scripted();
    const socket = udp(relay);
    const lookup = relay.channel.lookup('host', '7', 4, 'udp', 'connect');
    const connected = socket.connect({ lookup, index: 0 });
    relay.answer('resolve', [packEndpoint(OTHER)]);
    relay.answer('connect');
    expect(outcome(connected)).toBeUndefined();
    expect(socket.peerName()).toEqual(OTHER);
  });

  test('the local name is asked again after the first datagram has bound it', () => {
    const relay = new Scripted();
    const socket = udp(relay);
    expect(outcome(socket.localName())).toMatchObject({ port: 0 });
    send(relay, socket, PEER);
    const asked = socket.localName();
    relay.answer('getsockname', packEndpoint({ ...LOCAL, address: '0.0.0.0' }));
    expect(outcome(asked)).toMatchObject({ address: '0.0.0.0', port: LOCAL.port });
    expect(socket.localName().settled).toBe(true);
  });

  test('what is taken is given back as credit, with the cost of each', () => {
    const relay = new Scripted({ download: 8192 });
    const socket = udp(relay);
    const payload = new Uint8Array(1000);
    for (let i = 0; i < 4; i++) relay.tell({ type: 'datagram', socket: ONE, peer: PEER, payload });
    while (socket.recv());
    const given = relay.sent.reduce((sum, frame) => sum + (frame.type === 'credit' ? frame.bytes : 0), 0);
    expect(given).toBe(4 * (1000 + DATAGRAM_OVERHEAD));
  });

  test('a full queue drops the newest, and gives its credit back', () => {
    const relay = new Scripted();
    const socket = udp(relay);
    const payload = new Uint8Array(60_000);
    for (let i = 0; i < 5; i++) relay.tell({ type: 'datagram', socket: ONE, peer: { ...PEER, port: i }, payload });
    const given = relay.sent.reduce((sum, frame) => sum + (frame.type === 'credit' ? frame.bytes : 0), 0);
    expect(given).toBe(2 * (60_000 + DATAGRAM_OVERHEAD));
    const ports: number[] = [];
    for (let got = socket.recv(); got !== null; got = socket.recv()) ports.push((got as Datagram).peer.port);
    expect(ports).toEqual([0, 1, 2]);
    relay.tell(datagram('again'));
    expect(socket.readable).toBe(true);
  });

  test('after the relay is lost: what has come, then CLOSED', () => {
    const relay = new Scripted();
    const socket = udp(relay);
    relay.tell(datagram('a'));
    const waiting = socket.send(bytes('x'), PEER);
    let woken = 0;
    socket.subscribe(() => woken++);
    relay.sockets.end();
    expect(woken).toBe(1);
    expect(outcome(waiting)).toBe('CLOSED');
    expect((socket.recv() as Datagram).payload).toEqual(bytes('a'));
    expect((socket.recv() as Failure).code).toBe('CLOSED');
    expect(socket.readable).toBe(true);
    expect(outcome(socket.send(bytes('x'), PEER))).toBe('CLOSED');
    socket.close();
  });
});
