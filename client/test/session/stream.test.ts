/** TCP sockets: credit, names, look-ups as targets, accepting. What each state answers: stream-states.test.ts. */
import { packEndpoint } from '@luasocket-web/shared/address';
import type { RelayFrame } from '@luasocket-web/shared/frames';
import { MAX_DATA } from '@luasocket-web/shared/limits';
import { describe, expect, test } from 'vitest';
import { END, Failure, type Stream } from '../../src/core/channel.ts';
import { bytes, LOCAL, outcome, PEER, Scripted } from './scripted.ts';

const ONE = 1;
const data = (text: string): RelayFrame => ({ type: 'data', socket: ONE, payload: bytes(text) });
const FIN: RelayFrame = { type: 'end', socket: ONE };
const RESET: RelayFrame = { type: 'error', socket: ONE, error: 'ECONNRESET', detail: null };

describe('a TCP socket', () => {
  test('an attempt that cannot begin fails at once and leaves no error', () => {
    const relay = new Scripted();
    const stream = relay.tcp();
    const pending = stream.connect(PEER);
    relay.answer('connect', new Failure('ENETUNREACH'));
    expect(outcome(pending)).toBe('ENETUNREACH');
    expect(stream.takeError()).toBeNull();
    expect(outcome(stream.connect(PEER))).toBe('pending');
  });

  test('a look-up under way is a target by its number, one that has failed is an answer', () => {
    const relay = new Scripted();
    const lookup = relay.channel.lookup('host', '80', 4, 'tcp', 'connect');
    const { request } = relay.expect('resolve');
    const early = relay.tcp();
    early.connect({ lookup, index: 1 });
    expect(relay.expect('connect').target).toEqual({ request, index: 1 });
    relay.tell({ type: 'reply', request, value: [packEndpoint(PEER)] });
    const late = relay.tcp();
    late.connect({ lookup, index: 0 });
    expect(relay.expect('connect').target).toEqual(PEER);
    expect(outcome(relay.tcp().bind({ lookup, index: 1 }))).toBe('EAI_NONAME');
    const unknown = relay.channel.lookup('no host', '80', 4, 'tcp', 'connect');
    relay.answer('resolve', new Failure('EAI_AGAIN'));
    expect(outcome(relay.tcp().connect({ lookup: unknown, index: 0 }))).toBe('EAI_AGAIN');
  });

  test('what is sent is cut into frames, within credit', () => {
    const relay = new Scripted({ upload: 10 * MAX_DATA });
    const stream = relay.established();
    const payload = new Uint8Array(2 * MAX_DATA + 10).map((_, index) => index);
    expect(stream.send(payload, 5, payload.length)).toBe(payload.length - 5);
    const frames = [relay.expect('data'), relay.expect('data'), relay.expect('data')];
    expect(frames.map((frame) => frame.payload.length)).toEqual([MAX_DATA, MAX_DATA, 5]);
    expect(Buffer.concat(frames.map((frame) => frame.payload)).equals(payload.subarray(5))).toBe(true);
  });

  test('a stream without credit is not writable, and is woken when there is some', () => {
    const relay = new Scripted({ upload: 4096 });
    const stream = relay.established();
    let sent = 0;
    for (let more = -1; more !== 0; sent += more) more = stream.send(new Uint8Array(10_000), 0, 10_000) as number;
    expect(sent).toBeGreaterThan(1024);
    expect(stream.writable).toBe(false);
    let woken = 0;
    stream.subscribe(() => woken++);
    relay.tell({ type: 'credit', socket: ONE, bytes: sent });
    expect(woken).toBe(1);
    expect(stream.writable).toBe(true);
    expect(stream.send(new Uint8Array(10_000), 0, 10_000)).toBeGreaterThan(1024);
    // More than is outstanding cannot come back.
    relay.tell({ type: 'credit', socket: ONE, bytes: 20_000 });
    expect(relay.fault?.code).toBe('overrun');
  });

  test('a larger pool wakes streams that had none', () => {
    const relay = new Scripted({ upload: 1024 });
    const stream = relay.established();
    while (stream.send(new Uint8Array(1000), 0, 1000) !== 0);
    let woken = false;
    stream.subscribe(() => {
      woken = stream.writable;
    });
    relay.tell({ type: 'pool', bytes: 100_000 });
    expect(woken).toBe(true);
  });

  test('what is read is given back as credit, and told on close', () => {
    const relay = new Scripted({ download: 8000 });
    const stream = relay.established();
    relay.tell({ type: 'data', socket: ONE, payload: new Uint8Array(4000) });
    expect(relay.sent).toEqual([]);
    let read = 0;
    while (read < 3000) read += (stream.recv(1000) as Uint8Array).length;
    const given = relay.sent.filter((frame) => frame.type === 'credit').reduce((sum, { bytes }) => sum + bytes, 0);
    expect(given).toBeGreaterThan(1000);
    relay.sent.length = 0;
    stream.close();
    expect(relay.expect('close')).toMatchObject({ socket: ONE, consumed: 3000 });
  });

  test('recv gives views, without copying', () => {
    const relay = new Scripted();
    const stream = relay.established();
    relay.tell(data('abcdef'));
    const [first, second] = [stream.recv(2) as Uint8Array, stream.recv(100) as Uint8Array];
    expect(first.buffer).toBe(second.buffer);
    expect(second.byteOffset).toBe(first.byteOffset + 2);
    expect(new TextDecoder().decode(second)).toBe('cdef');
  });

  test('all of a message is there when its first wake comes', () => {
    const relay = new Scripted();
    const stream = relay.established();
    const seen: unknown[] = [];
    stream.subscribe(() => {
      for (let got = stream.recv(10); got !== null && seen.length < 9; got = stream.recv(10)) seen.push(got);
    });
    relay.tell(data('a'), data('b'), FIN);
    expect(seen.slice(0, 3)).toEqual([bytes('a'), bytes('b'), END]);
  });

  test('FIN is sent once, and only for the sending side', () => {
    const relay = new Scripted();
    const stream = relay.established();
    stream.shutdown('receive');
    expect(relay.sent).toEqual([]);
    stream.shutdown('both');
    stream.shutdown('send');
    expect(relay.sent).toEqual([{ type: 'shutdown', socket: ONE, how: 2 }]);
  });

  describe('local names', () => {
    test('of a new socket: the wildcard, without asking', () => {
      const relay = new Scripted();
      expect(outcome(relay.tcp().localName())).toEqual({ family: 4, address: '0.0.0.0', port: 0 });
      const six = relay.channel.tcp(6) as Stream;
      expect(outcome(six.localName())).toEqual({ family: 6, address: '::', port: 0 });
    });

    test('of a bound socket: asked once', () => {
      const relay = new Scripted();
      const stream = relay.tcp();
      stream.bind({ family: 4, address: '127.0.0.1', port: 0 });
      const early = stream.localName();
      relay.answer('bind');
      relay.answer('getsockname', packEndpoint(LOCAL));
      expect(outcome(early)).toEqual(LOCAL);
      expect(outcome(stream.localName())).toEqual(LOCAL);
      expect(relay.sent).toEqual([]);
    });

    test('of an attempt: what its answer says; and CONNECTED’s ever after', () => {
      const relay = new Scripted();
      const stream = relay.connecting();
      expect(outcome(stream.localName())).toEqual(LOCAL);
      const other = { ...LOCAL, port: 41_000 };
      relay.tell({ type: 'connected', socket: ONE, local: other, peer: PEER }, RESET);
      expect(outcome(stream.localName())).toEqual(other);
    });

    test('an answer that was overtaken is not kept', () => {
      const relay = new Scripted();
      const stream = relay.tcp();
      stream.bind(LOCAL);
      relay.answer('bind');
      const asked = stream.localName();
      stream.connect(PEER);
      const { request } = relay.expect('getsockname');
      relay.tell({ type: 'reply', request, value: packEndpoint(LOCAL) });
      expect(outcome(asked)).toEqual(LOCAL);
      expect(outcome(stream.localName())).toBe('pending');
    });
  });

  describe('accepting', () => {
    const FIRST = 0x4000_0000;
    const accepted = (socket: number, listener = ONE): RelayFrame => ({
      type: 'accepted',
      listener,
      socket,
      local: LOCAL,
      peer: { ...PEER, port: socket - FIRST + 1000 },
    });

    test('in order, with names, each confirmed', () => {
      const relay = new Scripted();
      const server = relay.listening();
      expect(server.accept()).toBeNull();
      relay.tell(accepted(FIRST), accepted(FIRST + 1));
      expect(server.readable).toBe(true);
      const one = server.accept() as Stream;
      expect(relay.expect('accept').socket).toBe(FIRST);
      expect(one.peerName()).toMatchObject({ port: 1000 });
      expect(outcome(one.localName())).toEqual(LOCAL);
      expect(one.established).toBe(true);
      expect(outcome(one.connect(PEER))).toBe('EISCONN');
      const two = server.accept() as Stream;
      expect(two.peerName()).toMatchObject({ port: 1001 });
      expect(server.readable).toBe(false);
      relay.tell({ type: 'data', socket: FIRST, payload: bytes('hi') });
      expect(one.recv(9)).toEqual(bytes('hi'));
    });

    test('only a listening socket accepts', () => {
      const relay = new Scripted();
      expect((relay.tcp().accept() as Failure).code).toBe('EINVAL');
    });

    test('a connection that was reset while it waited is still accepted', () => {
      const relay = new Scripted();
      const server = relay.listening();
      relay.tell(accepted(FIRST), { type: 'error', socket: FIRST, error: 'ECONNRESET', detail: null });
      const stream = server.accept() as Stream;
      expect((stream.recv(1) as Failure).code).toBe('ECONNRESET');
      expect(stream.recv(1)).toBe(END);
    });

    test('closing the listener closes what waits, and what was on its way is passed over', () => {
      const relay = new Scripted();
      const server = relay.listening();
      relay.tell(accepted(FIRST), accepted(FIRST + 1));
      const taken = server.accept() as Stream;
      relay.expect('accept');
      server.close();
      expect(relay.expect('close').socket).toBe(FIRST + 1);
      expect(relay.expect('close').socket).toBe(ONE);
      relay.tell(accepted(FIRST + 2), { type: 'data', socket: FIRST + 2, payload: bytes('x') });
      relay.tell({ type: 'data', socket: FIRST, payload: bytes('y') });
      expect(relay.fault).toBeNull();
      expect(taken.recv(1)).toEqual(bytes('y'));
    });

    test('without a free descriptor it stays in the queue', () => {
      const relay = new Scripted({ sockets: 1 });
      const server = relay.listening();
      relay.tell(accepted(FIRST));
      expect((server.accept() as Failure).code).toBe('EMFILE');
      expect(server.readable).toBe(true);
    });
  });
});
