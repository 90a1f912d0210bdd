/**
 * TCP sockets as Linux has them. The expectations of the table were taken from a real kernel (6.x), call by call; the
 * letters are what select(2) says (r, w), the names what the call returned.
 */
import { packEndpoint } from '@luasocket-web/shared/address';
import type { RelayFrame } from '@luasocket-web/shared/frames';
import { describe, expect, test } from 'vitest';
import { END, Failure, type Stream } from '../../src/core/channel.ts';
import { bytes, LOCAL, outcome, PEER, Scripted } from './scripted.ts';

const ONE = 1;
const data = (text: string): RelayFrame => ({ type: 'data', socket: ONE, payload: bytes(text) });
const FIN: RelayFrame = { type: 'end', socket: ONE };
const RESET: RelayFrame = { type: 'error', socket: ONE, error: 'ECONNRESET', detail: null };
const REFUSED: RelayFrame = { type: 'error', socket: ONE, error: 'ECONNREFUSED', detail: null };
const CONNECTED: RelayFrame = { type: 'connected', socket: ONE, local: LOCAL, peer: PEER };

const CALLS: { [name: string]: (stream: Stream, relay: Scripted) => unknown } = {
  select: (stream) => `${stream.readable ? 'r' : '-'}${stream.writable ? 'w' : '-'}`,
  recv: (stream) => {
    const got = stream.recv(2);
    if (got instanceof Uint8Array) return new TextDecoder().decode(got);
    if (got instanceof Failure) return got.code;
    return got === END ? 'END' : 'EAGAIN';
  },
  send: (stream) => {
    const sent = stream.send(bytes('x'), 0, 1);
    if (sent instanceof Failure) return sent.code;
    return sent === 0 ? 'EAGAIN' : sent;
  },
  error: (stream) => stream.takeError()?.code ?? 0,
  peer: (stream) => {
    const name = stream.peerName();
    return name instanceof Failure ? name.code : name.port;
  },
  connect: (stream, relay) => {
    const pending = stream.connect(PEER);
    // The attempt begins; what the relay says to it is a step of its own.
    if (!pending.settled) {
      relay.sent.splice(0, relay.sent.length - 1);
      relay.answer('connect', packEndpoint(LOCAL));
    }
    return outcome(pending);
  },
  listen: (stream) => outcome(stream.listen(1)),
  'shutdown receive': (stream) => stream.shutdown('receive'),
  'shutdown send': (stream) => stream.shutdown('send'),
  'shutdown both': (stream) => stream.shutdown('both'),
};

/** Steps: a call and what it answers, or what the relay tells. */
type Step = [call: string, answer: unknown] | RelayFrame;

const TABLE: { [name: string]: { begin: 'tcp' | 'connecting' | 'established' | 'listening'; steps: Step[] } } = {
  fresh: {
    begin: 'tcp',
    steps: [
      ['select', 'rw'],
      ['recv', 'ENOTCONN'],
      ['send', 'EPIPE'],
      ['peer', 'ENOTCONN'],
      ['error', 0],
    ],
  },
  'fresh, shut for receiving': {
    begin: 'tcp',
    steps: [
      ['shutdown receive', undefined],
      ['select', 'rw'],
      ['recv', 'END'],
      ['send', 'EPIPE'],
    ],
  },
  'fresh, shut for sending, then connected': {
    begin: 'tcp',
    steps: [
      ['shutdown send', undefined],
      ['recv', 'ENOTCONN'],
      ['send', 'EPIPE'],
      ['connect', 'started'],
      CONNECTED,
      ['recv', 'EAGAIN'],
      ['send', 'EPIPE'],
      ['select', '-w'],
      ['connect', 'done'],
      ['connect', 'EISCONN'],
    ],
  },
  'fresh, shut both ways, then connected': {
    begin: 'tcp',
    steps: [
      ['shutdown both', undefined],
      ['connect', 'started'],
      CONNECTED,
      ['recv', 'END'],
      ['send', 'EPIPE'],
      ['select', 'rw'],
    ],
  },
  connecting: {
    begin: 'connecting',
    steps: [
      ['select', '--'],
      ['connect', 'EALREADY'],
      ['recv', 'EAGAIN'],
      ['send', 'EAGAIN'],
      ['peer', 'ENOTCONN'],
      ['listen', 'EINVAL'],
      ['error', 0],
    ],
  },
  'connecting, given up by shutdown': {
    begin: 'connecting',
    steps: [
      ['shutdown send', undefined],
      ['select', 'rw'],
      ['recv', 'ECONNRESET'],
      ['send', 'EPIPE'],
      ['error', 0],
      // The relay had connected before it heard of it.
      CONNECTED,
      data('late'),
      FIN,
      ['recv', 'ENOTCONN'],
      ['peer', 'ENOTCONN'],
      ['connect', 'started'],
      CONNECTED,
      ['connect', 'done'],
      ['recv', 'EAGAIN'],
    ],
  },
  'refused, told by connect': {
    begin: 'connecting',
    steps: [
      REFUSED,
      ['select', 'rw'],
      ['peer', 'ENOTCONN'],
      ['connect', 'ECONNREFUSED'],
      ['select', 'rw'],
      ['recv', 'ENOTCONN'],
      ['send', 'EPIPE'],
      ['connect', 'started'],
      CONNECTED,
      ['select', '-w'],
      ['connect', 'done'],
      ['connect', 'EISCONN'],
    ],
  },
  'refused, told by SO_ERROR': {
    begin: 'connecting',
    steps: [
      REFUSED,
      ['error', 'ECONNREFUSED'],
      ['error', 0],
      ['select', 'rw'],
      ['recv', 'END'],
      ['send', 'EPIPE'],
      ['connect', 'ECONNABORTED'],
      ['connect', 'started'],
      CONNECTED,
      ['connect', 'done'],
    ],
  },
  'refused, told by recv': {
    begin: 'connecting',
    steps: [
      REFUSED,
      ['recv', 'ECONNREFUSED'],
      ['recv', 'END'],
      ['send', 'EPIPE'],
      ['connect', 'ECONNABORTED'],
      ['recv', 'ENOTCONN'],
    ],
  },
  'refused, told by send': {
    begin: 'connecting',
    steps: [REFUSED, ['send', 'ECONNREFUSED'], ['send', 'EPIPE'], ['recv', 'END']],
  },
  'refused, then shut': {
    begin: 'connecting',
    steps: [
      REFUSED,
      ['shutdown both', undefined],
      ['connect', 'EINVAL'],
      ['connect', 'EINVAL'],
      ['error', 'ECONNREFUSED'],
      ['connect', 'EINVAL'],
    ],
  },
  listening: {
    begin: 'listening',
    steps: [
      ['connect', 'EISCONN'],
      ['recv', 'ENOTCONN'],
      ['send', 'EPIPE'],
      ['select', '--'],
      ['peer', 'ENOTCONN'],
    ],
  },
  established: {
    begin: 'established',
    steps: [
      ['select', '-w'],
      ['peer', PEER.port],
      ['recv', 'EAGAIN'],
      ['send', 1],
      ['listen', 'EINVAL'],
      data('abc'),
      ['select', 'rw'],
      ['recv', 'ab'],
      ['recv', 'c'],
      ['recv', 'EAGAIN'],
      ['connect', 'done'],
      ['connect', 'EISCONN'],
    ],
  },
  'established, then shut: connect knows': {
    begin: 'established',
    steps: [
      ['shutdown receive', undefined],
      ['connect', 'EISCONN'],
      ['listen', 'EINVAL'],
    ],
  },
  'the peer has finished': {
    begin: 'established',
    steps: [
      data('abc'),
      FIN,
      ['select', 'rw'],
      ['peer', PEER.port],
      ['recv', 'ab'],
      ['recv', 'c'],
      ['recv', 'END'],
      ['recv', 'END'],
      ['send', 1],
      // It had closed: what was sent is answered by a reset.
      { type: 'error', socket: ONE, error: 'EPIPE', detail: null },
      ['error', 'EPIPE'],
      ['select', 'rw'],
      ['recv', 'END'],
      ['send', 'EPIPE'],
      ['peer', 'ENOTCONN'],
      ['connect', 'ECONNABORTED'],
      ['connect', 'started'],
    ],
  },
  reset: {
    begin: 'established',
    steps: [
      data('abc'),
      RESET,
      ['select', 'rw'],
      ['peer', 'ENOTCONN'],
      ['recv', 'ab'],
      ['send', 'ECONNRESET'],
      ['recv', 'c'],
      ['recv', 'END'],
      ['send', 'EPIPE'],
      ['select', 'rw'],
      ['connect', 'ECONNABORTED'],
      ['connect', 'started'],
    ],
  },
  'reset, told by recv': {
    begin: 'established',
    steps: [
      data('ab'),
      RESET,
      ['recv', 'ab'],
      ['recv', 'ECONNRESET'],
      ['recv', 'END'],
      ['send', 'EPIPE'],
      ['connect', 'ECONNABORTED'],
    ],
  },
  'reset after connect has told of success': {
    begin: 'established',
    steps: [
      ['connect', 'done'],
      RESET,
      ['connect', 'EISCONN'],
      ['error', 'ECONNRESET'],
      ['connect', 'EISCONN'],
      ['recv', 'END'],
    ],
  },
  'finished by us, then by the peer': {
    begin: 'established',
    steps: [
      ['shutdown send', undefined],
      ['select', '-w'],
      ['peer', PEER.port],
      ['send', 'EPIPE'],
      ['recv', 'EAGAIN'],
      data('ab'),
      FIN,
      ['select', 'rw'],
      ['peer', 'ENOTCONN'],
      ['recv', 'ab'],
      ['recv', 'END'],
      ['connect', 'EISCONN'],
      ['connect', 'EISCONN'],
    ],
  },
  'finished by the peer, then by us': {
    begin: 'established',
    steps: [
      data('ab'),
      FIN,
      ['shutdown send', undefined],
      ['peer', 'ENOTCONN'],
      ['recv', 'ab'],
      ['recv', 'END'],
      ['select', 'rw'],
      // Nothing can go wrong with it any more.
      RESET,
      ['error', 0],
    ],
  },
  'shut for receiving: what comes later is still read': {
    begin: 'established',
    steps: [
      ['shutdown receive', undefined],
      ['select', 'rw'],
      ['recv', 'END'],
      data('x'),
      ['recv', 'x'],
      ['recv', 'END'],
      ['peer', PEER.port],
      ['send', 1],
    ],
  },
};

describe('a TCP socket', () => {
  for (const [name, { begin, steps }] of Object.entries(TABLE)) {
    test(name, () => {
      const relay = new Scripted();
      const stream = relay[begin]();
      const got: Step[] = [];
      for (const step of steps) {
        if (Array.isArray(step)) {
          got.push([step[0], CALLS[step[0]]?.(stream, relay)]);
          continue;
        }
        relay.tell(step);
        got.push(step);
      }
      expect(got).toEqual(steps);
      expect(relay.fault).toBeNull();
    });
  }
});
