/** What is particular to the poll face, on a real relay: nothing waits, set-up is taken for granted, ports are leased. */
import { createSocket } from 'node:dgram';
import { createServer, connect as dial, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import type { SocketNamespace } from '../../client/src/api.ts';
import { connect } from '../../client/src/poll.ts';
import type { RelayConfig } from '../../relay/src/index.ts';
import { startCuttable } from '../fixtures/cuttable.ts';
import { portOf, startRelay } from './helpers.ts';

async function open(config: RelayConfig = {}): Promise<SocketNamespace<'sync'>> {
  const relay = await startRelay(config);
  const socket = await connect(relay.address.url, { WebSocket });
  onTestFinished(() => socket.relay.close());
  return socket;
}

/** Lets the event loop go round until `look` answers something else than null. */
async function soon<T>(look: () => T | null): Promise<T> {
  for (;;) {
    const seen = look();
    if (seen !== null) return seen;
    await turn();
  }
}

function there<T>([value, why]: readonly [T, unknown?, ...unknown[]]): NonNullable<T> {
  if (value === null || value === undefined) throw new Error(`no object was made: ${why}`);
  return value;
}

/** A native client, once somebody listens: a program that does not wait knows its port before that. */
async function dialed(port: number, host: string): Promise<Socket> {
  for (;;) {
    const socket = dial(port, host);
    const refused = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(false));
      socket.on('error', () => resolve(true));
    });
    if (refused) continue;
    onTestFinished(() => void socket.destroy());
    return socket;
  }
}

async function takenPort(): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => undefined));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return portOf(server);
}

describe('nothing waits', () => {
  test('connect answers "timeout", and a second time that it stands; settimeout changes nothing', async () => {
    const socket = await open();
    const port = await takenPort();
    const client = there(socket.tcp());
    client.settimeout(100);
    expect(client.connect('127.0.0.1', port)).toEqual([null, 'timeout']);
    expect(client.class).toBe('tcp{client}');
    expect(client.connect('127.0.0.1', port)).toEqual([null, 'Operation already in progress']);
    expect(client.getpeername()).toEqual([null, 'Transport endpoint is not connected']);
    expect(client.receive()).toEqual([null, 'timeout', '']);
    expect(client.send('early')).toEqual([null, 'timeout', 0]);
    const before = socket.select([client], [client], 100);
    expect([before[0].length, before[1].length, before[2]]).toEqual([0, 0, 'timeout']);
    await soon(() => socket.select(null, [client])[1].get(client) ?? null);
    expect(client.connect('127.0.0.1', port)).toEqual([1]);
    expect(client.connect('127.0.0.1', port)).toEqual([null, 'already connected']);
    expect(client.getpeername()).toEqual(['127.0.0.1', port, 'inet']);
    expect(client.receive(5)).toEqual([null, 'timeout', '']);
  });

  test('sleep raises, and says why', async () => {
    const socket = await open();
    expect(() => socket.sleep(0.1)).toThrow(/'sleep' would stop the page.*luasocket-web\/blocking/);
    expect(() => socket.sleep('soon')).toThrow(TypeError);
  });

  test('a name is looked up once, however often it is asked for', async () => {
    const socket = await open();
    let asked = 0;
    socket.relay.on('frame', ({ frame }) => {
      if (frame.type === 'hostent') asked += 1;
    });
    expect(socket.dns.toip('localhost')).toEqual([null, 'timeout']);
    expect(socket.dns.toip('localhost')).toEqual([null, 'timeout']);
    const [ip] = await soon(() => {
      const answer = socket.dns.toip('localhost');
      return answer[1] === 'timeout' ? null : answer;
    });
    expect(ip).toBe('127.0.0.1');
    expect(socket.dns.toip('localhost')[0]).toBe('127.0.0.1');
    expect(asked).toBe(1);
    expect(typeof socket.dns.gethostname()[0]).toBe('string');
  });

  test('a call whose function answers with a Promise gets just that', async () => {
    const socket = await open();
    const promise = Promise.resolve(1);
    expect(socket.protect(() => promise)()).toEqual([promise]);
  });
});

describe('ports are known at once', () => {
  test('bind to port 0: the name is the one that others reach', async () => {
    const socket = await open();
    const server = there(socket.bind('127.0.0.1', 0));
    const [host, port, family] = server.getsockname();
    expect([host, family]).toEqual(['127.0.0.1', 'inet']);
    expect(Number(port)).toBeGreaterThan(0);
    // A program in the same frame may already be told of it.
    const client = there(socket.connect(String(host), Number(port)));
    const served = await soon(() => server.accept()[0]);
    expect(served.getpeername()).toEqual(await soon(() => (client.getsockname()[1] === '0' ? null : nameOf(client))));
    const native = await dialed(Number(port), '127.0.0.1');
    const other = await soon(() => server.accept()[0]);
    expect(other.getpeername()).toEqual(['127.0.0.1', native.localPort, 'inet']);
  });

  test('a datagram from an unbound socket comes from the port that getsockname tells', async () => {
    const socket = await open();
    const peer = createSocket('udp4');
    onTestFinished(() => void peer.close());
    await new Promise<void>((resolve) => peer.bind(0, '127.0.0.1', resolve));
    const heard = new Promise<number>((resolve) => peer.once('message', (_, from) => resolve(from.port)));
    const sender = there(socket.udp());
    expect(sender.getsockname()).toEqual(['0.0.0.0', '0', 'inet']);
    expect(sender.sendto('hello', '127.0.0.1', peer.address().port)).toEqual([5]);
    const [host, port] = sender.getsockname();
    expect(host).toBe('0.0.0.0');
    expect(Number(port)).toBe(await heard);
  });

  test('IPv6, and a connected datagram socket', async () => {
    const socket = await open();
    const server = there(socket.tcp6());
    expect(server.bind('::1', 0)).toEqual([1]);
    expect(server.listen()).toEqual([1]);
    const port = Number(server.getsockname()[1]);
    expect(port).toBeGreaterThan(0);
    await dialed(port, '::1');
    await soon(() => server.accept()[0]);
    const datagrams = there(socket.udp());
    expect(datagrams.setpeername('127.0.0.1', 9)).toEqual([1]);
    const known = Number(datagrams.getsockname()[1]);
    expect(known).toBeGreaterThan(0);
    // The route to the peer decides the address, which only the relay's kernel knows.
    await soon(() => (datagrams.getsockname()[0] === '127.0.0.1' ? true : null));
    expect(Number(datagrams.getsockname()[1])).toBe(known);
  });

  test('more at once than are leased: the rest learn theirs soon', async () => {
    const socket = await open();
    const servers = Array.from({ length: 40 }, () => there(socket.bind('127.0.0.1', 0)));
    expect(servers.filter((server) => server.getsockname()[1] !== '0')).toHaveLength(4);
    const ports = await soon(() => {
      const all = servers.map((server) => Number(server.getsockname()[1]));
      return all.every((port) => port > 0) ? all : null;
    });
    expect(new Set(ports).size).toBe(40);
    // Used leases are replaced.
    expect(there(socket.bind('127.0.0.1', 0)).getsockname()[1]).not.toBe('0');
  });

  test('a port is free again when its socket is closed, and leases end with the session', async () => {
    const relay = await startRelay();
    const first = await connect(relay.address.url, { WebSocket });
    const leased = new Set<number>();
    for (let i = 0; i < 4; i++) leased.add(Number(there(first.bind('127.0.0.1', 0)).getsockname()[1]));
    first.relay.close();
    const second = await connect(relay.address.url, { WebSocket });
    onTestFinished(() => second.relay.close());
    for (const port of leased) {
      const server = await soon(() => {
        const made = there(second.bind('127.0.0.1', port));
        return made;
      });
      await soon(() => (server.getsockname()[1] === String(port) ? true : null));
      expect(server.getoption('error')).toEqual([null]);
    }
  });
});

describe('what is refused comes out of the next call, once', () => {
  test('a server on a port in use', async () => {
    const socket = await open();
    const port = await takenPort();
    const server = there(socket.bind('127.0.0.1', port));
    expect(server.class).toBe('tcp{server}');
    expect(server.getsockname()).toEqual(['127.0.0.1', String(port), 'inet']);
    expect(server.accept()).toEqual([null, 'timeout']);
    await soon(() => socket.select([server], null)[0].get(server) ?? null);
    expect(server.accept()).toEqual([null, 'address already in use']);
    expect(server.accept()).toEqual([null, 'Invalid argument']);
    expect(server.getsockname()).toEqual(['0.0.0.0', '0', 'inet']);
    expect(server.setoption('keepalive', true)).toEqual([null, 'setsockopt failed']);
    expect(server.close()).toEqual([1]);
    expect(socket.relay.stats.sockets).toBe(0);
    expect(socket.relay.state).toBe('connected');
  });

  test('a bind: the socket is as before, and may try another port', async () => {
    const socket = await open();
    const port = await takenPort();
    const master = there(socket.tcp());
    expect(master.bind('127.0.0.1', port)).toEqual([1]);
    await soon(() => socket.select(null, [master])[1].get(master) ?? null);
    await soon(() => (master.getsockname()[0] === null ? true : null));
    expect(master.bind('127.0.0.1', 0)).toEqual([1]);
    expect(master.listen()).toEqual([1]);
    await dialed(Number(master.getsockname()[1]), '127.0.0.1');
    await soon(() => master.accept()[0]);
  });

  test('nothing goes out from another port than the one that was asked for', async () => {
    const socket = await open();
    const peer = createSocket('udp4');
    onTestFinished(() => void peer.close());
    await new Promise<void>((resolve) => peer.bind(0, '127.0.0.1', resolve));
    const { port } = peer.address();
    const from: number[] = [];
    peer.on('message', (_, { port }) => from.push(port));
    const sender = there(socket.udp());
    expect(sender.setsockname('127.0.0.1', port)).toEqual([1]);
    expect(sender.sendto('from the wrong port', '127.0.0.1', port)).toEqual([19]);
    const refused = await soon(() => {
      const answer = sender.receivefrom();
      return answer[1] === 'timeout' ? null : answer;
    });
    expect(refused).toEqual([null, 'address already in use']);
    expect(sender.receivefrom()).toEqual([null, 'timeout']);
    expect(sender.sendto('now', '127.0.0.1', port)).toEqual([3]);
    await soon(() => (from.length > 0 ? true : null));
    expect(from).toEqual([Number(sender.getsockname()[1])]);
  });

  test('an option, a name that nobody has, a family that does not fit', async () => {
    const socket = await open();
    const told = async (ask: () => readonly unknown[]) =>
      soon(() => {
        const answer = ask();
        return answer[0] === null && answer[1] !== 'timeout' && answer[1] !== undefined ? answer : null;
      });
    const four = there(socket.udp());
    expect(four.setoption('ipv6-v6only', true)).toEqual([1]);
    expect(await told(() => four.receivefrom())).toEqual([null, 'setsockopt failed']);
    const lost = there(socket.tcp());
    expect(lost.connect('no such name', 80)).toEqual([null, 'timeout']);
    expect(await told(() => lost.receive())).toEqual([null, 'host or service not provided, or not known', '']);
    expect(lost.connect('no such name', 80)).toEqual([null, 'host or service not provided, or not known']);
    expect(socket.connect('no such name', 80)).toEqual([null, 'host or service not provided, or not known']);
    const denied = there(socket.connect('192.0.2.1', 80));
    expect(await told(() => denied.receive())).toEqual([null, 'permission denied', '']);
    expect(denied.connect('192.0.2.1', 80)).toEqual([null, 'timeout']);
    await soon(() => socket.select(null, [denied])[1].get(denied) ?? null);
    expect(denied.connect('192.0.2.1', 80)).toEqual([null, 'permission denied']);
  });

  test('of several, the first; and shutdown, which cannot tell, leaves it', async () => {
    const socket = await open();
    const port = await takenPort();
    const client = there(socket.tcp());
    client.bind('127.0.0.1', port);
    client.connect('127.0.0.1', port);
    await soon(() => socket.select([client], null)[0].get(client) ?? null);
    expect(client.shutdown()).toEqual([1]);
    expect(client.send('x')).toEqual([null, 'address already in use', 0]);
    expect(client.getoption('error')).toEqual([null]);
  });

  test('a closed socket is not heard of again', async () => {
    const socket = await open();
    const port = await takenPort();
    const server = there(socket.bind('127.0.0.1', port));
    const sender = there(socket.udp());
    sender.setsockname('127.0.0.1', port);
    sender.sendto('never', '127.0.0.1', port);
    server.close();
    sender.close();
    const other = there(socket.tcp());
    await soon(() => (socket.dns.toip('localhost')[1] === 'timeout' ? null : true));
    expect(other.getoption('error')).toEqual([null]);
    expect(socket.relay.state).toBe('connected');
  });
});

describe('options', () => {
  test('are what was set, what the relay has told, or the defaults', async () => {
    const socket = await open();
    const datagrams = there(socket.udp6());
    expect(datagrams.getoption('ipv6-unicast-hops')).toEqual([64]);
    datagrams.setoption('ipv6-unicast-hops', 7);
    expect(datagrams.getoption('ipv6-multicast-hops')).toEqual([7]);
    datagrams.setoption('ipv6-unicast-hops', -1);
    expect(datagrams.getoption('ipv6-unicast-hops')).toEqual([64]);
    const client = there(socket.tcp());
    let asked = 0;
    socket.relay.on('frame', ({ frame }) => {
      if (frame.type === 'getoption') asked += 1;
    });
    expect(client.getoption('linger')).toEqual([{ on: false, timeout: 0 }]);
    await soon(() => (socket.dns.toip('localhost')[1] === 'timeout' ? null : true));
    expect(client.getoption('linger')).toEqual([{ on: false, timeout: 0 }]);
    expect(asked).toBe(1);
  });
});

test('while the WebSocket is lost every call answers, and nothing is lost', async () => {
  const relay = await startRelay();
  const proxy = await startCuttable(relay.address.port);
  onTestFinished(() => proxy.close());
  const socket = await connect(proxy.endpoint, { WebSocket });
  onTestFinished(() => socket.relay.close());
  const [server] = socket.try(socket.bind('127.0.0.1', 0));
  const client = there(socket.connect('127.0.0.1', Number(server.getsockname()[1])));
  const served = await soon(() => server.accept()[0]);
  await soon(() => socket.select(null, [client])[1].get(client) ?? null);

  proxy.lead(null);
  proxy.cut();
  await soon(() => (socket.relay.state === 'reconnecting' ? true : null));
  expect(client.send('sent into the gap\n')).toEqual([18, null, null]);
  expect([served.receive(), server.accept()]).toEqual([
    [null, 'timeout', ''],
    [null, 'timeout'],
  ]);
  const late = there(socket.bind('127.0.0.1', 0));
  expect(Number(late.getsockname()[1])).toBeGreaterThan(0);
  const guest = there(socket.connect('127.0.0.1', Number(late.getsockname()[1])));
  expect(socket.select([late, served], [guest])[2]).toBe('timeout');
  expect(socket.dns.toip('localhost')).toEqual([null, 'timeout']);

  proxy.lead(relay.address.port);
  expect(await soon(() => served.receive()[0])).toBe('sent into the gap');
  await soon(() => late.accept()[0]);
  await soon(() => socket.dns.toip('localhost')[0]);
  expect(socket.relay.stats.resumes).toBe(1);
});

test('the relay goes away: every call says so', async () => {
  const socket = await open();
  const port = await takenPort();
  const client = there(socket.connect('127.0.0.1', port));
  await soon(() => socket.select(null, [client])[1].get(client) ?? null);
  socket.relay.close();
  expect(client.receive()).toEqual([null, 'closed', '']);
  expect(client.send('x')).toEqual([null, 'closed', 0]);
  expect(socket.tcp()).toEqual([null, 'closed']);
  expect(socket.dns.toip('example.test')).toEqual([null, 'closed']);
});

function nameOf(client: { getsockname(): readonly unknown[] }): unknown[] {
  const [host, port, family] = client.getsockname();
  return [host, Number(port), family];
}
