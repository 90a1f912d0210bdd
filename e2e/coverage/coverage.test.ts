/** Every entry of the API document has a counterpart that works: each is called on a live object of its class. */

import { createRelay, type Relay } from 'luasocket-relay';
import type { AnySocket, SocketNamespace, TcpSocket, UdpSocket } from 'luasocket-web';
import { connect } from 'luasocket-web';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { coverageDocument } from './document.ts';
import { AT_ONCE, CONSTANTS, type Entry, entries, keyOf, NOTES, type Owner, RAISES } from './entries.ts';

let relay: Relay;
let socket: SocketNamespace;

beforeAll(async () => {
  relay = await createRelay({ listen: '127.0.0.1:0', mode: 'development', dnsServer: ['127.0.0.1:9'], log: 'error' });
  socket = await connect(relay.address.url, { WebSocket });
});

afterAll(async () => {
  socket?.relay.close();
  await relay?.close();
});

test('the document has 73 entries, and every note belongs to one', () => {
  expect(entries.filter((entry) => entry.documented)).toHaveLength(73);
  const keys = new Set(entries.map(keyOf));
  expect(keys.size).toBe(entries.length);
  expect([...NOTES.keys(), ...RAISES.keys()].filter((key) => !keys.has(key))).toEqual([]);
});

test.each(entries.map((entry) => [keyOf(entry), entry] as const))('%s', async (key, entry) => {
  const made = await make(entry.owner);
  const [parent, name] = locate(made.object, entry);
  const found: unknown = Reflect.get(parent, name);
  if (CONSTANTS.has(name)) {
    expect(['string', 'number']).toContain(typeof found);
    return;
  }
  expect(found).toBeTypeOf('function');
  const call = () => (found as (...args: unknown[]) => unknown).apply(parent, argumentsFor(key, made));
  const words = RAISES.get(key);
  if (words !== undefined) {
    expect(call).toThrow(words);
    return;
  }
  const answer = call();
  expect(answer instanceof Promise).toBe(!AT_ONCE.has(entry.name));
  expect(check(entry, await answer)).toBe('as LuaSocket');
  await made.close();
});

test('docs/api-coverage.md is what was found', async () => {
  await expect(coverageDocument()).toMatchFileSnapshot('../../docs/api-coverage.md');
});

interface Made {
  readonly object: object;
  /** A server that is there to be connected to, and its port. */
  readonly port: string;
  readonly peer: TcpSocket;
  close(): Promise<unknown>;
}

function must<T>([value, error]: readonly [T | null, unknown?, ...unknown[]]): T {
  if (value === null) throw new Error(String(error));
  return value;
}

/** An object of the class, with something to talk to. */
async function make(owner: Owner): Promise<Made> {
  const server = must(await socket.bind('127.0.0.1', 0));
  const port = String(must((await server.getsockname()).slice(1) as [string]));
  const peer = must(await socket.connect('127.0.0.1', port));
  const accepted = must(await server.accept());
  await accepted.send('a line\n');
  const datagrams: UdpSocket = must(socket.udp());
  if (owner === 'connected') must(await datagrams.setpeername('127.0.0.1', port));
  datagrams.settimeout(0);
  const master = must(socket.tcp());
  const objects: Readonly<Record<Owner, object>> = {
    socket,
    master,
    server,
    client: peer,
    unconnected: datagrams,
    connected: datagrams,
  };
  // Something for accept to find.
  const waiting = must(await socket.connect('127.0.0.1', port));
  const opened: AnySocket[] = [server, peer, accepted, datagrams, master, waiting];
  return { object: objects[owner], port, peer, close: () => Promise.all(opened.map((each) => each.close())) };
}

function locate(object: object, { name }: Entry): [parent: object, name: string] {
  const [first = '', second] = name.split('.');
  return second === undefined ? [object, first] : [Reflect.get(object, first) as object, second];
}

/** Arguments with which the entry succeeds. */
function argumentsFor(key: string, { port, peer }: Made): unknown[] {
  const name = key.slice(key.search(/[.:]/) + 1);
  switch (name) {
    case 'bind':
    case 'setsockname':
      return ['127.0.0.1', 0];
    case 'connect':
    case 'connect4':
    case 'setpeername':
      return ['127.0.0.1', port];
    case 'connect6':
      return ['::1', port];
    case 'getoption':
      return ['error'];
    case 'setoption':
      return key.startsWith('unconnected') || key.startsWith('connected') ? ['broadcast', true] : ['keepalive', true];
    case 'send':
      return ['data'];
    case 'sendto':
      return ['data', '127.0.0.1', port];
    case 'setfd':
      return [-1];
    case 'select':
      return [[peer], null, 0];
    case 'sleep':
      return [0];
    case 'skip':
      return [1, 'a', 'b'];
    case 'try':
      return [1, 2];
    case 'choose':
      return [{ default: () => [1] }];
    case 'newtry':
    case 'protect':
      return [() => [1]];
    case 'source':
    case 'sink':
      return [peer];
    case 'dns.toip':
    case 'dns.tohostname':
    case 'dns.getaddrinfo':
    case 'dns.getnameinfo':
      return ['127.0.0.1'];
    default:
      return [];
  }
}

/** Bare values and functions as they are documented, a tuple without a failure for all else. */
function check(entry: Entry, answer: unknown): string {
  const bare: { readonly [name: string]: string } = {
    dirty: 'boolean',
    getfd: 'number',
    gettime: 'number',
    newtry: 'function',
    protect: 'function',
    choose: 'function',
    source: 'function',
    sink: 'function',
  };
  const wanted = bare[entry.name];
  if (wanted !== undefined) return typeof answer === wanted ? 'as LuaSocket' : `a ${typeof answer}, not a ${wanted}`;
  if (!Array.isArray(answer)) return `not a tuple: ${String(answer)}`;
  const failed =
    answer[0] === null && typeof answer[1] === 'string' && !EXPECTED_FAILURES.has(`${keyOf(entry)} ${answer[1]}`);
  return failed ? `failed: ${answer[1]}` : 'as LuaSocket';
}

/** Failures that are the right answer to the arguments above. */
const EXPECTED_FAILURES: ReadonlySet<string> = new Set([
  'unconnected:receive timeout',
  'unconnected:receivefrom timeout',
  'connected:receive timeout',
  'master:getpeername Transport endpoint is not connected',
  'server:getpeername Transport endpoint is not connected',
  'socket.connect6 connection refused',
]);
