/** Look-ups: what goes to the C library, what to name servers, and the codes that come back. */
import { unpackEndpoint } from '@luasocket-web/shared/address';
import { KIND, USE } from '@luasocket-web/shared/frames';
import type { Answer } from 'dns-packet';
import { describe, expect, test } from 'vitest';
import { classifyHost } from '../src/dns/host-text.ts';
import { type Asker, Names, type Question } from '../src/dns/names.ts';
import { createPortableLibrary } from '../src/dns/portable.ts';
import { type LookupError, loadResolverLibrary } from '../src/os/resolver-library.ts';
import { RawClient } from './support/client.ts';
import { RCODE, startNameServer } from './support/name-server.ts';
import { startRelay } from './support/relay.ts';

const MAY: Asker = { mayReverse: () => true, answers: () => {} };
const MAY_NOT: Asker = { ...MAY, mayReverse: () => false };
const A = (name: string, data: string, ttl = 60): Answer => ({ type: 'A', name, data, ttl });

/** A zone with one name of each kind. */
const ZONE: { readonly [question: string]: Answer[] | number } = {
  'A game.example': [A('game.example', '192.0.2.7'), A('game.example', '192.0.2.8', 20)],
  'AAAA game.example': [{ type: 'AAAA', name: 'game.example', data: '2001:db8::7', ttl: 60 }],
  'A four.example': [A('four.example', '192.0.2.4')],
  'AAAA four.example': [],
  'A empty.example': [],
  'AAAA empty.example': [],
  'A broken.example': RCODE.serverFailure,
  'AAAA broken.example': RCODE.serverFailure,
  'A closed.example': RCODE.refused,
  'AAAA closed.example': RCODE.refused,
  'A www.example': [
    { type: 'CNAME', name: 'www.example', data: 'game.example', ttl: 40 },
    A('game.example', '192.0.2.7'),
  ],
  'CNAME www.example': [{ type: 'CNAME', name: 'www.example', data: 'game.example' }],
  'A crowd.example': Array.from({ length: 12 }, (_, i) => A('crowd.example', `192.0.2.${i + 1}`)),
  'PTR 7.2.0.192.in-addr.arpa': [{ type: 'PTR', name: '7.2.0.192.in-addr.arpa', data: 'game.example' }],
};

const startZone = () => startNameServer(({ type, name }) => ZONE[`${type} ${name}`] ?? RCODE.noSuchName);

async function names(library?: ReturnType<typeof createPortableLibrary>): Promise<Names> {
  const server = await startZone();
  const options = { servers: [server.address], hostname: undefined, ownName: false };
  return new Names(library ? { ...options, library } : options);
}

const ask = (host: string | null, service: string | null = '80', more: Partial<Question> = {}): Question => ({
  host,
  service,
  family: 0,
  kind: 'stream',
  use: 'connect',
  ...more,
});

const code = (lookup: Promise<unknown>): Promise<string> =>
  lookup.then(
    () => 'no failure',
    (error: LookupError) => error.code,
  );

test('what a host text is', () => {
  const own = new Set(['localhost']);
  const all = (texts: string[]) => texts.map((text) => classifyHost(text, own));
  const numeric = ['127.0.0.1', '127.1', '1', '0x7f.1', '0177.0.0.1', '::1', 'fe80::1%lo', '::ffff:1.2.3.4', '999.1'];
  expect(all(numeric)).toEqual(numeric.map(() => 'numeric'));
  expect(all(['localhost', 'LOCALHOST', 'localhost.'])).toEqual(['own', 'own', 'own']);
  expect(all(['game.example', 'game.example.', 'a_b.example', 'x', '1.2.3.4.5'])).toEqual(Array(5).fill('name'));
  const invalid = [
    '',
    'not a name',
    'a..b',
    '-a.example',
    'ü.example',
    'a\0b',
    'x'.repeat(64),
    `${'a.'.repeat(127)}aa`,
  ];
  expect(all(invalid)).toEqual(invalid.map(() => 'invalid'));
});

describe.each([
  ['the C library', loadResolverLibrary()],
  ['Node alone', createPortableLibrary()],
])('numbers and this machine’s names, through %s', (_which, library) => {
  if (library === null) return;

  test('literals and ports', async () => {
    const n = await names(library);
    const one = async (question: Question) =>
      (await n.resolve(question)).map(({ address, port }) => `${address} ${port}`);
    expect(await one(ask('127.0.0.1', '65537'))).toEqual(['127.0.0.1 1']);
    expect(await one(ask('127.0.0.1', ''))).toEqual(['127.0.0.1 0']);
    expect(await one(ask('127.0.0.1', ' 80'))).toEqual(['127.0.0.1 80']);
    expect(await one(ask('127.0.0.1', 'http'))).toEqual(['127.0.0.1 80']);
    expect(await one(ask('127.1', '9'))).toEqual(['127.0.0.1 9']);
    expect(await one(ask('0x7f.1', '9'))).toEqual(['127.0.0.1 9']);
    expect(await one(ask('1', null))).toEqual(['0.0.0.1 0']);
    expect(await one(ask('::1', '9'))).toEqual(['::1 9']);
    expect(await one(ask('localhost', '9', { family: 4 }))).toEqual(['127.0.0.1 9']);
    expect(await one(ask(null, '9', { family: 4 }))).toEqual(['127.0.0.1 9']);
    expect(await one(ask(null, '9', { family: 6, use: 'bind' }))).toEqual([':: 9']);
    expect(await one(ask(null, '9', { use: 'bind' }))).toContain('0.0.0.0 9');
  });

  test.each([
    ['127.0.0.1', '-1', {}, 'EAI_SERVICE'],
    ['127.0.0.1', '80.5', {}, 'EAI_SERVICE'],
    ['127.0.0.1', '0x50', {}, 'EAI_SERVICE'],
    ['127.0.0.1', 'no-such-service', {}, 'EAI_SERVICE'],
    ['game.example', 'no-such-service', {}, 'EAI_SERVICE'],
    ['', '80', {}, 'EAI_NONAME'],
    ['not an ip', '80', {}, 'EAI_NONAME'],
    ['::1', '80', { family: 4 }, 'EAI_ADDRFAMILY'],
    ['127.0.0.1', '80', { family: 6 }, 'EAI_ADDRFAMILY'],
    ['localhost', '9', { use: 'numeric', kind: 'datagram' }, 'EAI_NONAME'],
    ['127.0.0.1', 'echo', { use: 'numeric', kind: 'datagram' }, 'EAI_NONAME'],
    ['127.0.0.1', '-1', { use: 'numeric', kind: 'datagram' }, 'EAI_SERVICE'],
    ['not an ip', '9', { use: 'numeric', kind: 'datagram' }, 'EAI_NONAME'],
    ['::1', '9', { use: 'numeric', kind: 'datagram', family: 4 }, 'EAI_ADDRFAMILY'],
  ] as const)('%j %j %j is %s', async (host, service, more, expected) => {
    expect(await code((await names(library)).resolve(ask(host, service, more)))).toBe(expected);
  });

  test('names of addresses and ports', async () => {
    const n = await names(library);
    expect(await n.nameinfo('127.0.0.1', '80', MAY)).toEqual({ names: ['localhost'], service: 'http' });
    expect(await n.nameinfo('127.0.0.1', null, MAY)).toEqual({ names: ['localhost'], service: null });
    expect(await n.nameinfo(null, '80', MAY)).toEqual({ names: [], service: 'http' });
    expect(await code(n.nameinfo('127.0.0.1', 'no-such-service', MAY))).toBe('EAI_SERVICE');
  });

  test('hosts', async () => {
    const n = await names(library);
    expect(await n.hostent('127.0.0.1', MAY)).toMatchObject({ name: 'localhost', addresses: ['127.0.0.1'] });
    expect(await n.hostent('127.1', MAY)).toMatchObject({ name: 'localhost', addresses: ['127.0.0.1'] });
    expect(await n.hostent('localhost', MAY)).toMatchObject({ name: 'localhost', addresses: ['127.0.0.1'] });
    expect(await code(n.hostent('::1', MAY))).toBe('HOST_NOT_FOUND');
    expect(await code(n.hostent('', MAY))).toBe('NO_RECOVERY');
  });
});

describe('name servers', () => {
  test('addresses of both families, of one, and at most 8', async () => {
    const n = await names();
    const addresses = async (question: Question) => (await n.resolve(question)).map(({ address }) => address);
    expect((await addresses(ask('game.example'))).sort()).toEqual(['192.0.2.7', '192.0.2.8', '2001:db8::7']);
    expect(await addresses(ask('game.example', '80', { family: 6 }))).toEqual(['2001:db8::7']);
    expect(await addresses(ask('four.example'))).toEqual(['192.0.2.4']);
    expect(await addresses(ask('www.example', 'http', { family: 4 }))).toEqual(['192.0.2.7']);
    expect(await addresses(ask('crowd.example', '80', { family: 4 }))).toHaveLength(8);
    expect(await n.resolve(ask('four.example', 'https'))).toEqual([
      { family: 4, address: '192.0.2.4', port: 443, ttl: 60 },
    ]);
  });

  test.each([
    ['nobody.example', 'EAI_NONAME', 'HOST_NOT_FOUND'],
    ['empty.example', 'EAI_NODATA', 'NO_DATA'],
    ['broken.example', 'EAI_AGAIN', 'TRY_AGAIN'],
    ['closed.example', 'EAI_AGAIN', 'TRY_AGAIN'],
  ])('%s is %s, %s', async (name, addrinfo, hostent) => {
    const n = await names();
    expect(await code(n.resolve(ask(name)))).toBe(addrinfo);
    expect(await code(n.hostent(name, MAY))).toBe(hostent);
  });

  test('the canonical name, aliases, and names of addresses', async () => {
    const n = await names();
    expect(await n.hostent('www.example', MAY)).toEqual({
      name: 'game.example',
      aliases: ['www.example'],
      addresses: ['192.0.2.7'],
      ttl: 40,
    });
    expect(await n.hostent('192.0.2.7', MAY)).toEqual({
      name: 'game.example',
      aliases: [],
      addresses: ['192.0.2.7'],
    });
    expect(await code(n.hostent('192.0.2.9', MAY))).toBe('HOST_NOT_FOUND');
    expect(await code(n.hostent('192.0.2.7', MAY_NOT))).toBe('HOST_NOT_FOUND');
    const info = await n.nameinfo('192.0.2.7', null, MAY);
    expect(info).toEqual({ names: ['game.example'], service: null });
    expect((await n.nameinfo('192.0.2.9', null, MAY)).names).toEqual(['192.0.2.9']);
    expect((await n.nameinfo('192.0.2.7', null, MAY_NOT)).names).toEqual(['192.0.2.7']);
  });

  test('are not asked for what the machine knows, nor for what is no name', async () => {
    const server = await startZone();
    const n = new Names({ servers: [server.address], hostname: 'told', ownName: false });
    await n.resolve(ask('localhost'));
    await n.resolve(ask('127.1'));
    await code(n.resolve(ask('not a name')));
    await code(n.resolve(ask('999.1.1.1')));
    await n.hostent('127.0.0.1', MAY);
    expect(server.asked).toEqual([]);
    expect(n.hostname).toBe('told');
  });

  test('one that is not there is a temporary failure', async () => {
    const n = new Names({ servers: ['127.0.0.1:9'], hostname: undefined, ownName: false });
    expect(await code(n.resolve(ask('game.example')))).toBe('EAI_AGAIN');
    // glibc: a lone asterisk is no service, so the name is looked up.
    expect(await code(n.resolve(ask('game.example', '*')))).toBe('EAI_AGAIN');
    expect(await code(n.hostent('game.example', MAY))).toBe('TRY_AGAIN');
  });

  test('one that says nothing: closing ends the look-up', async () => {
    const silent = await startNameServer(() => null);
    const n = new Names({ servers: [silent.address], hostname: undefined, ownName: false });
    const lookup = code(n.resolve(ask('game.example', '80', { family: 4 })));
    await new Promise<void>((resolve) => {
      const look = () => (silent.asked.length > 0 ? resolve() : setTimeout(look, 1));
      look();
    });
    n.close();
    expect(await lookup).toBe('EAI_AGAIN');
  });
});

describe('through the relay', () => {
  test('RESOLVE, NAMEINFO, HOSTENT, HOSTNAME', async () => {
    const server = await startZone();
    const relay = await startRelay({ dnsServer: [server.address], hostname: 'arcade' });
    const client = await RawClient.connect(relay);
    const resolve = (host: string | null, service: string, use: number) =>
      client.ask((request) => ({ type: 'resolve', request, host, service, family: 4, kind: KIND.tcp, use }));
    const [first, second, ttl] = (await resolve('game.example', '80', USE.connect)) as [Uint8Array, Uint8Array, number];
    expect([unpackEndpoint(first), unpackEndpoint(second), ttl]).toEqual([
      { family: 4, address: '192.0.2.7', port: 80 },
      { family: 4, address: '192.0.2.8', port: 80 },
      20,
    ]);
    expect(await resolve('localhost', '80', USE.connect)).toHaveLength(1);
    expect(await resolve('nobody.example', '80', USE.connect)).toEqual({ error: 'EAI_NONAME' });
    expect(await client.ask((request) => ({ type: 'nameinfo', request, host: '127.0.0.1', service: '80' }))).toEqual([
      ['localhost'],
      'http',
    ]);
    expect(await client.ask((request) => ({ type: 'hostent', request, name: 'www.example' }))).toEqual([
      'game.example',
      ['www.example'],
      ['192.0.2.7'],
      40,
    ]);
    expect(await client.ask((request) => ({ type: 'hostname', request }))).toBe('arcade');
  });

  test('a name may be looked up, and still not be reached', async () => {
    const server = await startZone();
    const relay = await startRelay({ dnsServer: [server.address] });
    const client = await RawClient.connect(relay);
    const lookup = client.number();
    const question = { host: 'game.example', service: '80', family: 4, kind: KIND.tcp, use: USE.connect };
    client.send(
      { type: 'open', socket: 1, kind: KIND.tcp, family: 4 },
      { type: 'resolve', request: lookup, ...question },
    );
    const target = { request: lookup, index: 0 };
    expect(await client.ask((request) => ({ type: 'connect', request, socket: 1, target }))).toEqual({
      error: 'EACCES',
    });
  });

  test('the session goes on while a name server keeps silent', async () => {
    const silent = await startNameServer(() => null);
    const relay = await startRelay({ dnsServer: [silent.address] });
    const client = await RawClient.connect(relay);
    const question = { host: 'game.example', service: '80', family: 4, kind: KIND.tcp, use: USE.connect };
    client.send({ type: 'resolve', request: client.number(), ...question });
    expect(await client.barrier()).toBeNull();
  });
});
