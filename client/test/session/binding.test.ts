/** Binds whose answer nobody waits for: leased ports, what is held back behind them, and what a refusal undoes. */
import { describe, expect, test } from 'vitest';
import { type DatagramSocket, type Endpoint, Failure, type Stream } from '../../src/core/channel.ts';
import { outcome, PEER, Scripted } from './scripted.ts';

const at = (port: number): Endpoint => ({ family: 4, address: '127.0.0.1', port });
const any = (port: number): Endpoint => ({ family: 4, address: '0.0.0.0', port });
const IN_USE = new Failure('EADDRINUSE');

function leased(...ports: number[]): Scripted {
  const relay = new Scripted({}, 2);
  for (const kind of [0, 1]) {
    for (const port of ports) relay.tell({ type: 'lease', kind, family: 4, port: port + kind });
  }
  return relay;
}

function udp(relay: Scripted): DatagramSocket {
  const socket = relay.channel.udp(4) as DatagramSocket;
  relay.expect('open');
  return socket;
}

describe('leases', () => {
  test('a bind to port 0 takes the port that was granted first, of its own kind', () => {
    const relay = leased(5000, 6000);
    const [stream, datagrams] = [relay.tcp(), udp(relay)];
    stream.bind(at(0));
    expect(relay.expect('bind').target).toEqual(at(5000));
    expect(stream.knownName).toEqual(at(5000));
    datagrams.bind(any(0));
    expect(relay.expect('bind').target).toEqual(any(5001));
    const second = relay.tcp();
    second.bind(at(0));
    expect(relay.expect('bind').target).toEqual(at(6000));
  });

  test('none is left: the relay is asked as always, and the name is known when it has told', () => {
    const relay = leased();
    const stream = relay.tcp();
    stream.bind(at(0));
    expect(relay.expect('bind').target).toEqual(at(0));
    expect(stream.knownName).toEqual(at(0));
    const [one, other] = [stream.localName(), stream.localName()];
    expect(one).toBe(other);
    expect(relay.sent.map(({ type }) => type)).toEqual(['getsockname']);
  });

  test('listen and send bind an unbound socket once, and a bound one not at all', () => {
    const relay = leased(5000, 6000);
    const server = relay.tcp();
    server.listen(1);
    expect(relay.expect('bind').target).toEqual(any(5000));
    relay.expect('listen');
    const sender = udp(relay);
    sender.send(new Uint8Array(1), PEER);
    expect(relay.expect('bind').target).toEqual(any(5001));
    relay.expect('sendto');
    sender.send(new Uint8Array(1), PEER);
    relay.expect('sendto');
    expect(sender.knownName).toEqual(any(5001));
    const bound = relay.tcp();
    bound.bind(at(80));
    relay.expect('bind');
    bound.listen(1);
    relay.expect('listen');
    expect(relay.sent).toEqual([]);
  });

  test('more than were asked for are a fault', () => {
    const relay = leased(5000, 6000);
    expect(relay.fault).toBeNull();
    relay.tell({ type: 'lease', kind: 0, family: 6, port: 5000 });
    expect(relay.fault).toBeNull();
    relay.tell({ type: 'lease', kind: 0, family: 4, port: 7000 });
    expect(relay.fault?.code).toBe('unexpected');
  });

  test('who asked for none binds as it was told to', () => {
    const relay = new Scripted();
    const stream = relay.tcp();
    stream.listen(1);
    expect(relay.sent.map(({ type }) => type)).toEqual(['listen']);
  });
});

describe('behind a bind', () => {
  test('what goes out from its port is sent when it has succeeded, and all in order', () => {
    const relay = new Scripted();
    const socket = udp(relay);
    const bound = socket.bind(at(80));
    const sent = socket.send(new Uint8Array(1), PEER);
    const set = socket.setOption('broadcast', true);
    expect(relay.sent.map(({ type }) => type)).toEqual(['bind']);
    relay.answer('bind');
    expect([bound, sent, set].map(outcome)).toEqual([undefined, 'pending', 'pending']);
    relay.answer('sendto');
    relay.answer('setoption', new Failure('SETSOCKOPT'));
    expect([sent, set].map(outcome)).toEqual([undefined, 'SETSOCKOPT']);
  });

  test('a refusal is the answer to all of it, but not to what does not need the port', () => {
    const relay = new Scripted();
    const socket = udp(relay);
    const bound = socket.bind(at(80));
    const sent = socket.send(new Uint8Array(1), PEER);
    const set = socket.setOption('broadcast', true);
    const again = socket.bind(at(81));
    const later = socket.send(new Uint8Array(1), PEER);
    relay.answer('bind', IN_USE);
    expect([bound, sent].map(outcome)).toEqual(['EADDRINUSE', 'EADDRINUSE']);
    relay.answer('setoption');
    relay.answer('bind');
    relay.answer('sendto');
    expect([set, again, later].map(outcome)).toEqual([undefined, undefined, undefined]);
  });

  test('a stream that could not be bound does not connect, and is fresh again', () => {
    const relay = new Scripted();
    const stream = relay.tcp();
    stream.bind(at(80));
    const connecting = stream.connect(PEER);
    relay.answer('bind', IN_USE);
    expect(outcome(connecting)).toBe('EADDRINUSE');
    expect(relay.sent).toEqual([]);
    expect(stream.knownName).toEqual(any(0));
    stream.connect(PEER);
    relay.expect('connect');
  });

  test('a closed socket sends nothing of what waited', () => {
    const relay = new Scripted();
    const socket = udp(relay);
    socket.bind(at(80));
    const sent = socket.send(new Uint8Array(1), PEER);
    socket.close();
    expect(outcome(sent)).toBe('EBADF');
    relay.answer('bind');
    expect(relay.sent.map(({ type }) => type)).toEqual(['close']);
  });
});

describe('a server on a port that it does not get', () => {
  test('listens at once, and not on another port', () => {
    const relay = new Scripted();
    const server = relay.tcp();
    server.bind(at(80));
    server.listen(1);
    // In order, so that who connects in the next line finds it.
    expect(relay.sent.map(({ type }) => type)).toEqual(['bind', 'listen']);
    expect([server.accept(), server.readable]).toEqual([null, false]);
    relay.answer('bind', IN_USE);
    relay.answer('listen');
    relay.expect('close');
    expect(server.accept()).toMatchObject({ code: 'EINVAL' });
    expect(outcome(server.setOption('keepalive', true))).toBe('EINVAL');
    // What others have begun meanwhile is passed over, and closing it is no news.
    relay.tell({ type: 'accepted', listener: 1, socket: 2 ** 30, local: at(81), peer: PEER });
    server.close();
    expect([relay.sent, relay.fault]).toEqual([[], null]);
  });

  test('a listen that is refused leaves the socket as it was', () => {
    const relay = new Scripted();
    const server: Stream = relay.tcp();
    const listening = server.listen(1);
    expect(server.accept()).toBeNull();
    relay.answer('listen', IN_USE);
    expect(outcome(listening)).toBe('EADDRINUSE');
    expect(server.accept()).toMatchObject({ code: 'EINVAL' });
  });
});

test('the peer of a datagram socket is known at once, and the old one again after a refusal', () => {
  const relay = new Scripted();
  const socket = udp(relay);
  socket.connect(at(7));
  expect(socket.peerName()).toEqual(at(7));
  relay.answer('connect');
  socket.connect(at(8));
  expect(socket.peerName()).toEqual(at(8));
  relay.answer('connect', new Failure('EACCES'));
  expect(socket.peerName()).toEqual(at(7));
});
