/** What all sockets of a session share: requests, descriptors, the end, and a relay that breaks the rules. */
import { encodeFrame } from '@luasocket-web/shared/codec';
import { words } from '@luasocket-web/shared/errors';
import type { RelayFrame } from '@luasocket-web/shared/frames';
import { MAX_PENDING_REQUESTS } from '@luasocket-web/shared/limits';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DatagramSocket, END, Failure } from '../../src/core/channel.ts';
import { bytes, LOCAL, outcome, PEER, Scripted } from './scripted.ts';

const ONE = 1;
const ACCEPTED = 0x4000_0000;

describe('requests', () => {
  test('are answered in any order', () => {
    const relay = new Scripted();
    const [name, barrier] = [relay.channel.hostname(), relay.channel.barrier()];
    const [first, second] = [relay.expect('hostname').request, relay.expect('barrier').request];
    relay.tell({ type: 'reply', request: second, value: null });
    expect([name.settled, barrier.settled]).toEqual([false, true]);
    relay.tell({ type: 'reply', request: first, value: 'relay' });
    expect(outcome(name)).toBe('relay');
  });

  test('a barrier covers what was sent before it, once it is answered', () => {
    const relay = new Scripted();
    const socket = relay.channel.udp(4) as DatagramSocket;
    expect(relay.channel.unfenced).toBe(false);
    socket.send(new Uint8Array(1), { family: 4, address: '127.0.0.1', port: 9 });
    relay.sent.length = 0;
    relay.channel.barrier();
    expect(relay.channel.unfenced).toBe(true);
    relay.answer('barrier');
    expect(relay.channel.unfenced).toBe(false);
    relay.channel.barrier();
    const { request } = relay.expect('barrier');
    socket.send(new Uint8Array(1), { family: 4, address: '127.0.0.1', port: 10 });
    relay.tell({ type: 'reply', request, value: null });
    expect(relay.channel.unfenced).toBe(true);
    relay.sent.length = 0;
    relay.channel.barrier();
    relay.answer('barrier');
    expect(relay.channel.unfenced).toBe(false);
  });

  test('wake who waits, once, with the answer there', () => {
    const relay = new Scripted();
    const name = relay.channel.hostname();
    const seen: unknown[] = [];
    name.subscribe(() => seen.push(outcome(name)));
    name.subscribe(() => seen.push('left'))();
    relay.answer('hostname', 'x');
    expect(seen).toEqual(['x']);
  });

  test('look-ups read their answers', () => {
    const relay = new Scripted();
    const host = relay.channel.hostent('localhost');
    relay.answer('hostent', ['localhost', ['alias'], ['127.0.0.1']]);
    expect(outcome(host)).toEqual({ name: 'localhost', aliases: ['alias'], addresses: ['127.0.0.1'] });
    const names = relay.channel.nameinfo('127.0.0.1', '80');
    relay.answer('nameinfo', [['localhost'], 'http']);
    expect(outcome(names)).toEqual({ names: ['localhost'], service: 'http' });
    const nobody = relay.channel.nameinfo('127.0.0.1', null);
    relay.answer('nameinfo', [[], null]);
    expect(outcome(nobody)).toEqual({ names: [], service: null });
  });

  test('options read scalars and maps', () => {
    const relay = new Scripted();
    const stream = relay.tcp();
    const linger = stream.getOption('linger');
    relay.answer('getoption', { on: true, timeout: 5 });
    expect(outcome(linger)).toEqual({ on: true, timeout: 5 });
    const flag = stream.getOption('keepalive');
    relay.answer('getoption', false);
    expect(outcome(flag)).toBe(false);
    const set = stream.setOption('linger', { on: true, timeout: 1 });
    expect(relay.sent[0]).toMatchObject({ option: 'linger', value: { on: true, timeout: 1 } });
    relay.answer('setoption', new Failure('SETSOCKOPT'));
    expect(outcome(set)).toBe('SETSOCKOPT');
  });

  test('a failure outside the catalogue brings its words', () => {
    const relay = new Scripted();
    const name = relay.channel.hostname();
    const { request } = relay.expect('hostname');
    relay.tell({ type: 'fail', request, error: 'EWEIRD', detail: 'Something strange' });
    expect(name.result).toMatchObject({ detail: 'Something strange' });
  });

  test('a denial is LuaSocket’s words to the program, and the reason to who listens', () => {
    const relay = new Scripted();
    const name = relay.channel.hostname();
    relay.answer('hostname', new Failure('EACCES', 'connect 192.0.2.1:80: not here'));
    expect(name.result).toEqual(new Failure('EACCES'));
    expect(words(new Failure('EACCES'))).toBe('permission denied');
    relay.channel.hostname();
    relay.answer('hostname', new Failure('EACCES', 'join: not an address'));
    relay.channel.hostname();
    relay.answer('hostname', new Failure('EACCES', 'whatever another relay may say'));
    relay.channel.hostname();
    relay.answer('hostname', new Failure('EPROTO', 'connect 192.0.2.1:80: no denial'));
    const socket = relay.channel.udp(4) as DatagramSocket;
    relay.tell({ type: 'error', socket: ONE, error: 'EACCES', detail: 'sendto [::1]:9: nor there' });
    expect(socket.takeError()).toEqual(new Failure('EACCES'));
    expect(relay.denials).toEqual([
      { operation: 'connect', target: '192.0.2.1:80', reason: 'not here' },
      { operation: 'join', target: null, reason: 'not an address' },
      { operation: 'sendto', target: '[::1]:9', reason: 'nor there' },
    ]);
  });

  test('texts that no frame may hold fail without being sent', () => {
    const relay = new Scripted();
    const long = 'ü'.repeat(5000);
    expect(outcome(relay.channel.lookup(long, null, 0, 'tcp', 'connect'))).toBe('EAI_NONAME');
    expect(outcome(relay.channel.lookup(null, long, 0, 'tcp', 'connect'))).toBe('EAI_SERVICE');
    expect(outcome(relay.channel.nameinfo(long, null))).toBe('EAI_NONAME');
    expect(outcome(relay.channel.hostent(long))).toBe('HOST_NOT_FOUND');
    expect(relay.sent).toEqual([]);
  });

  test('beyond the limit wait for answers, and what follows them waits too', () => {
    const relay = new Scripted();
    const stream = relay.established();
    const pending = Array.from({ length: MAX_PENDING_REQUESTS + 2 }, () => relay.channel.barrier());
    stream.send(bytes('after'), 0, 5);
    expect(relay.sent.length).toBe(MAX_PENDING_REQUESTS);
    relay.answer('barrier');
    expect(relay.sent.length).toBe(MAX_PENDING_REQUESTS);
    expect(relay.sent.at(-1)?.type).toBe('barrier');
    relay.answer('barrier');
    expect(relay.sent.slice(-2).map(({ type }) => type)).toEqual(['barrier', 'data']);
    while (relay.sent[0]?.type === 'barrier') relay.answer('barrier');
    expect(pending.every(({ settled }) => settled)).toBe(true);
    expect(relay.fault).toBeNull();
  });
});

describe('descriptors', () => {
  test('end with the relay’s limit, and come back on close', () => {
    const relay = new Scripted({ sockets: 2 });
    const first = relay.tcp();
    relay.channel.udp(4);
    expect(relay.channel.tcp(4)).toMatchObject({ code: 'EMFILE' });
    expect(relay.channel.udp(6)).toMatchObject({ code: 'EMFILE' });
    first.close();
    first.close();
    expect(relay.channel.tcp(6)).not.toBeInstanceOf(Failure);
    expect(relay.channel.tcp(6)).toMatchObject({ code: 'EMFILE' });
  });

  test('every socket has an id of its own', () => {
    const relay = new Scripted();
    relay.tcp().close();
    relay.expect('close');
    relay.channel.tcp(6);
    expect(relay.expect('open')).toEqual({ type: 'open', socket: 2, kind: 0, family: 6 });
  });

  test('an inspector sees sockets and frames', () => {
    const relay = new Scripted();
    const stream = relay.established();
    relay.tell({ type: 'data', socket: ONE, payload: bytes('abc') });
    stream.recv(1);
    stream.send(bytes('x'), 0, 1);
    expect(relay.sockets.snapshots()).toEqual([
      {
        id: ONE,
        kind: 'tcp',
        state: 'established',
        local: '127.0.0.1:40000',
        peer: '127.0.0.1:7',
        received: 3,
        sent: 1,
        queued: 2,
      },
    ]);
    expect(relay.tapped.slice(-2)).toEqual(['received data', 'sent data']);
  });
});

describe('the end', () => {
  test('answers all that waits; streams give what they have, then the end', () => {
    const relay = new Scripted();
    const stream = relay.established();
    const server = relay.listening();
    relay.tell({ type: 'data', socket: ONE, payload: bytes('rest') });
    const name = relay.channel.hostname();
    const woken: string[] = [];
    for (const [label, source] of Object.entries({ stream, server, name })) {
      source.subscribe(() => woken.push(label));
    }
    relay.sent.length = 0;
    relay.sockets.end();
    relay.sockets.end();
    expect(woken.sort()).toEqual(['name', 'server', 'stream']);
    expect(outcome(name)).toBe('CLOSED');
    expect(stream.recv(9)).toEqual(bytes('rest'));
    expect(stream.recv(9)).toBe(END);
    expect(stream.send(bytes('x'), 0, 1)).toMatchObject({ code: 'EPIPE' });
    expect(stream.peerName()).toMatchObject({ code: 'ENOTCONN' });
    expect(server.accept()).toMatchObject({ code: 'CLOSED' });
    expect([server.readable, stream.readable, stream.writable]).toEqual([true, true, true]);
    expect(relay.channel.tcp(4)).toMatchObject({ code: 'CLOSED' });
    expect(relay.channel.udp(4)).toMatchObject({ code: 'CLOSED' });
    expect(outcome(relay.channel.barrier())).toBe('CLOSED');
    expect(outcome(stream.connect(PEER))).toBe('CLOSED');
    stream.close();
    expect(relay.sent).toEqual([]);
  });

  test('an attempt to connect fails', () => {
    const relay = new Scripted();
    const stream = relay.connecting();
    relay.sockets.end();
    expect(stream.writable).toBe(true);
    expect(stream.takeError()).toMatchObject({ code: 'CLOSED' });
    expect(stream.recv(1)).toBe(END);
  });

  test('closing all tells the relay what was read of each', () => {
    const relay = new Scripted();
    relay.established();
    relay.tcp();
    relay.sockets.closeAll();
    expect(relay.sent.map(({ type }) => type)).toEqual(['close', 'close']);
    expect(relay.sockets.size).toBe(0);
  });
});

describe('a relay that breaks the rules', () => {
  const data = (socket: number): RelayFrame => ({ type: 'data', socket, payload: bytes('x') });
  const CASES: { [name: string]: [code: string, prepare: (relay: Scripted) => void, ...frames: RelayFrame[]] } = {
    'DATA for a socket that never was': ['unknown_socket', () => {}, data(1)],
    'DATA for an accepted socket that never was': ['unknown_socket', () => {}, data(ACCEPTED)],
    'DATA before the connection stands': ['unexpected', (relay) => relay.connecting(), data(1)],
    'DATA after END': ['unexpected', (relay) => relay.established(), { type: 'end', socket: 1 }, data(1)],
    'END twice': ['unexpected', (relay) => relay.established(), { type: 'end', socket: 1 }, { type: 'end', socket: 1 }],
    'DATA beyond the credit': [
      'overrun',
      (relay) => relay.established(),
      { type: 'data', socket: 1, payload: new Uint8Array(100_000) },
    ],
    'DATA for a UDP socket': ['wrong_kind', (relay) => relay.channel.udp(4), data(1)],
    'DATAGRAM for a TCP socket': [
      'wrong_kind',
      (relay) => relay.tcp(),
      { type: 'datagram', socket: 1, peer: PEER, payload: bytes('x') },
    ],
    'CREDIT beyond what was sent': ['overrun', (relay) => relay.established(), { type: 'credit', socket: 1, bytes: 1 }],
    'CONNECTED without an attempt': [
      'unexpected',
      (relay) => relay.tcp(),
      { type: 'connected', socket: 1, local: LOCAL, peer: PEER },
    ],
    'ERROR without an attempt': [
      'unexpected',
      (relay) => relay.tcp(),
      { type: 'error', socket: 1, error: 'EIO', detail: null },
    ],
    'ACCEPTED without a listener': [
      'unexpected',
      (relay) => relay.tcp(),
      { type: 'accepted', listener: 1, socket: ACCEPTED, local: LOCAL, peer: PEER },
    ],
    'ACCEPTED with an id of the past': [
      'socket_in_use',
      (relay) => relay.listening(),
      { type: 'accepted', listener: 1, socket: ACCEPTED, local: LOCAL, peer: PEER },
      { type: 'accepted', listener: 1, socket: ACCEPTED, local: LOCAL, peer: PEER },
    ],
    'an answer to nothing': ['unexpected', () => {}, { type: 'reply', request: 1, value: null }],
    'an answer of another shape': [
      'malformed',
      (relay) => relay.channel.hostname(),
      { type: 'reply', request: 1, value: 5 },
    ],
    'a look-up that answers no addresses': [
      'malformed',
      (relay) => relay.channel.lookup('a', null, 0, 'tcp', 'names'),
      { type: 'reply', request: 1, value: ['127.0.0.1'] },
    ],
    'a LEASE that nobody asked for': ['unexpected', () => {}, { type: 'lease', kind: 0, family: 4, port: 5000 }],
  };
  for (const [name, [code, prepare, ...frames]] of Object.entries(CASES)) {
    test(name, () => {
      const relay = new Scripted();
      prepare(relay);
      relay.tell(...frames);
      expect(relay.fault?.code).toBe(code);
      // It is over, and says so without throwing.
      expect(relay.channel.tcp(4)).toMatchObject({ code: 'CLOSED' });
    });
  }

  test('frames that cross a CLOSE are passed over', () => {
    const relay = new Scripted();
    relay.established().close();
    relay.tell(data(1), { type: 'credit', socket: 1, bytes: 1 }, { type: 'end', socket: 1 });
    relay.tell({ type: 'error', socket: 1, error: 'ECONNRESET', detail: null });
    expect(relay.fault).toBeNull();
  });

  test('whatever bytes it sends, nothing is thrown', () => {
    const frame = encodeFrame({ type: 'connected', socket: 1, local: LOCAL, peer: PEER });
    const garbled = fc.tuple(fc.nat(frame.length - 1), fc.nat(255)).map(([at, byte]) => {
      const copy = frame.slice();
      copy[at] = byte;
      return copy;
    });
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.uint8Array({ maxLength: 40 }), garbled), { maxLength: 4 }), (messages) => {
        const relay = new Scripted();
        const stream = relay.connecting();
        for (const message of messages) relay.sockets.deliver(message);
        stream.send(bytes('x'), 0, 1);
        stream.close();
      }),
    );
  });
});
