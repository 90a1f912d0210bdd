/** Tickets: who gets a session in public mode, and the tricks that have fooled readers of JWTs. */
import { spawn } from 'node:child_process';
import { createHmac, generateKeyPairSync, sign as signWith } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FaultCode } from '@luasocket-web/shared/errors';
import { KIND } from '@luasocket-web/shared/frames';
import { base64url, type CryptoKey, importJWK, type JWK, SignJWT } from 'jose';
import type { Relay, RelayConfig } from 'luasocket-relay';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { StoreFailure } from '../src/limits/store-failure.ts';
import { generateKeys, readPublicKeys } from '../src/tickets/keys.ts';
import { TicketVerifier } from '../src/tickets/verifier.ts';
import { RawClient } from './support/client.ts';
import { startRelay, until } from './support/relay.ts';
import { connectWith, ORIGIN, startPublicRelay } from './support/tickets.ts';

const NOW = () => Math.floor(Date.now() / 1000);
const KID = 'test';

let publicKey: JWK;
let privateKey: CryptoKey;

beforeEach(async () => {
  const pair = await generateKeys(KID);
  publicKey = pair.publicKey;
  privateKey = (await importJWK(pair.privateKey, 'EdDSA')) as CryptoKey;
});

const start = (config: RelayConfig = {}) =>
  startRelay({ mode: 'public', origins: [ORIGIN], ticketKeys: [publicKey], ...config });

let ids = 0;
const claims = (more: object = {}): { [name: string]: unknown } => ({
  sub: 'player',
  aud: 'luasocket-relay',
  exp: NOW() + 60,
  nbf: NOW(),
  jti: `ticket ${++ids}`,
  ...more,
});

const signed = (payload: { [name: string]: unknown }, header: object = {}) =>
  new SignJWT(payload).setProtectedHeader({ alg: 'EdDSA', kid: KID, ...header }).sign(privateKey);

const encode = (part: object) => base64url.encode(JSON.stringify(part));

/** What HELLO with this ticket is answered: `welcome`, or the fault. */
async function knock(relay: Relay, ticket: string | null): Promise<{ answer: 'welcome' | FaultCode; message: string }> {
  const client = await RawClient.dial(relay, { origin: ORIGIN });
  client.send({ type: 'hello', version: 1, ticket, leases: 0 });
  const answer = await Promise.race([client.next('welcome'), client.next('fault')]);
  client.ws.close(1000);
  return answer.type === 'welcome'
    ? { answer: 'welcome', message: '' }
    : { answer: answer.code as FaultCode, message: answer.message };
}

describe('a ticket', () => {
  test('opens a session, once', async () => {
    const relay = await start();
    const ticket = await signed(claims());
    expect((await knock(relay, ticket)).answer).toBe('welcome');
    expect(await knock(relay, ticket)).toEqual({ answer: 'unauthorized', message: 'the ticket has been used' });
  });

  test('two at the same moment: one session', async () => {
    const relay = await start();
    const ticket = await signed(claims());
    const both = await Promise.all([knock(relay, ticket), knock(relay, ticket)]);
    expect(both.map(({ answer }) => answer).sort()).toEqual(['unauthorized', 'welcome']);
  });

  test('is good with each of two live keys, and not with a third', async () => {
    const second = await generateKeys('second');
    const third = await generateKeys('third');
    const relay = await start({ ticketKeys: [publicKey, second.publicKey] });
    const by = async (pair: typeof second, kid: string) =>
      new SignJWT(claims())
        .setProtectedHeader({ alg: 'EdDSA', kid })
        .sign((await importJWK(pair.privateKey, 'EdDSA')) as CryptoKey);
    expect((await knock(relay, await signed(claims()))).answer).toBe('welcome');
    expect((await knock(relay, await by(second, 'second'))).answer).toBe('welcome');
    expect((await knock(relay, await by(third, 'third'))).answer).toBe('unauthorized');
    expect((await knock(relay, await by(third, 'second'))).answer).toBe('unauthorized');
  });

  test('is not spent on a relay that is full', async () => {
    const relay = await start({ limits: { sessionsPerAddress: 1 } });
    const first = await connectWith(relay, await signed(claims()));
    const ticket = await signed(claims());
    expect((await knock(relay, ticket)).answer).toBe('limit');
    first.ws.close(1000);
    await until(() => relay.stats.sessions === 0);
    expect((await knock(relay, ticket)).answer).toBe('welcome');
  });

  test('nothing else is heard before the verdict', async () => {
    const relay = await start();
    const client = await RawClient.dial(relay, { origin: ORIGIN });
    client.send({ type: 'hello', version: 1, ticket: await signed(claims()), leases: 0 });
    client.send({ type: 'open', socket: 1, kind: KIND.tcp, family: 4 });
    expect((await client.next('fault')).code).toBe('unexpected');
    expect(relay.stats.sessions).toBe(0);
  });

  test('of a client that has gone meanwhile opens nothing, and takes nobody’s place', async () => {
    const relay = await start({ limits: { sessionsPerAddress: 1, resumeSeconds: 0 } });
    for (let i = 0; i < 20; i++) {
      const client = await RawClient.dial(relay, { origin: ORIGIN });
      client.send({ type: 'hello', version: 1, ticket: await signed(claims()), leases: 0 });
      client.ws.terminate();
      await client.closed;
    }
    let answer: string;
    do answer = (await knock(relay, await signed(claims()))).answer;
    while (answer === 'limit');
    expect(answer).toBe('welcome');
  });
});

describe('not let in', () => {
  const refused: readonly [what: string, make: () => Promise<string | null> | string | null][] = [
    ['no ticket', () => null],
    ['nothing', () => ''],
    ['no token', () => 'anything'],
    ['alg none', () => `${encode({ alg: 'none', kid: KID })}.${encode(claims())}.`],
    ['alg None', () => `${encode({ alg: 'None', kid: KID })}.${encode(claims())}.`],
    [
      'HS256 with the public key as the secret',
      () => {
        const text = `${encode({ alg: 'HS256', kid: KID })}.${encode(claims())}`;
        return `${text}.${createHmac('sha256', base64url.decode(publicKey.x ?? ''))
          .update(text)
          .digest('base64url')}`;
      },
    ],
    [
      'HS256 with the public JWK as the secret',
      () => {
        const text = `${encode({ alg: 'HS256', kid: KID })}.${encode(claims())}`;
        return `${text}.${createHmac('sha256', JSON.stringify(publicKey)).update(text).digest('base64url')}`;
      },
    ],
    [
      'ES256',
      () => {
        const text = `${encode({ alg: 'ES256', kid: KID })}.${encode(claims())}`;
        const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
        return `${text}.${signWith('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
      },
    ],
    ['no kid', () => new SignJWT(claims()).setProtectedHeader({ alg: 'EdDSA' }).sign(privateKey)],
    ['a path in kid', () => signed(claims(), { kid: '../../../dev/null' })],
    ['a property of every object in kid', () => signed(claims(), { kid: 'constructor' })],
    [
      'a key of its own in the header',
      async () => {
        const own = await generateKeys('own');
        const key = (await importJWK(own.privateKey, 'EdDSA')) as CryptoKey;
        return new SignJWT(claims())
          .setProtectedHeader({ alg: 'EdDSA', kid: 'own', jwk: own.publicKey as { kty: string } })
          .sign(key);
      },
    ],
    [
      'an address of keys in the header',
      () => signed(claims(), { kid: 'elsewhere', jku: 'http://127.0.0.1:9/keys.json' }),
    ],
    [
      'claims that were changed',
      async () => {
        const [header, , signature] = (await signed(claims())).split('.');
        return `${header}.${encode(claims({ net: { listen: true } }))}.${signature}`;
      },
    ],
    ['a signature that is cut off', async () => (await signed(claims())).replace(/\.[^.]*$/, '.')],
    ['expired', () => signed(claims({ exp: NOW() - 60 }))],
    ['not yet', () => signed(claims({ nbf: NOW() + 60 }))],
    ['no exp', () => signed(claims({ exp: undefined }))],
    ['exp that is text', () => signed(claims({ exp: '9999999999' }))],
    ['for longer than a day', () => signed(claims({ exp: NOW() + 2 * 24 * 3600 }))],
    ['no jti', () => signed(claims({ jti: undefined }))],
    ['jti that is none', () => signed(claims({ jti: '' }))],
    ['no sub', () => signed(claims({ sub: undefined }))],
    ['no aud', () => signed(claims({ aud: undefined }))],
    ['for another relay', () => signed(claims({ aud: 'another' }))],
    ['a claim there is not', () => signed(claims({ net: { everything: true } }))],
    ['a destination in an odd syntax', () => signed(claims({ net: { tcp: ['127.1:80'] } }))],
    ['a list that is too long', () => signed(claims({ net: { tcp: Array(65).fill('1.1.1.1') } }))],
    ['a quota that is none', () => signed(claims({ quota: { sockets: -1 } }))],
    ['a resume that is too long', () => signed(claims({ resume: 121 }))],
  ];

  test.each(refused)('%s', async (_what, make) => {
    const relay = await start();
    expect((await knock(relay, await make())).answer).toBe('unauthorized');
    expect(relay.stats.sessions).toBe(0);
  });

  test('a ticket in the address, where logs would have it', async () => {
    const relay = await start();
    const ticket = await signed(claims());
    const address = { ...relay.address, url: `${relay.address.url}?ticket=${ticket}` };
    const client = await RawClient.dial({ ...relay, address }, { origin: ORIGIN });
    client.send({ type: 'hello', version: 1, ticket: null, leases: 0 });
    expect((await client.next('fault')).code).toBe('unauthorized');
  });
});

describe('what a ticket says about the session', () => {
  test('quota.sockets', async () => {
    const { relay, ticket } = await startPublicRelay();
    const client = await connectWith(relay, await ticket({ quota: { sockets: 2 } }));
    for (const socket of [1, 2, 3]) client.send({ type: 'open', socket, kind: KIND.tcp, family: 4 });
    expect(await client.ask((request) => ({ type: 'getsockname', request, socket: 2 }))).toBeInstanceOf(Uint8Array);
    expect(await client.ask((request) => ({ type: 'getsockname', request, socket: 3 }))).toEqual({ error: 'EMFILE' });
  });

  test('quota.sessions counts those of one subject', async () => {
    const { relay, ticket } = await startPublicRelay();
    const quota = { quota: { sessions: 1 } };
    const first = await connectWith(relay, await ticket(quota, 'anna'));
    expect((await knock(relay, await ticket(quota, 'anna'))).answer).toBe('limit');
    expect((await knock(relay, await ticket(quota, 'ben'))).answer).toBe('welcome');
    first.ws.close(1000);
    await until(() => relay.stats.sessions === 0);
    expect((await knock(relay, await ticket(quota, 'anna'))).answer).toBe('welcome');
  });

  test('maxSession ends it', async () => {
    const { relay, ticket } = await startPublicRelay();
    const client = await connectWith(relay, await ticket({ maxSession: 0.05 }));
    expect(await client.next('fault')).toMatchObject({ code: 'limit', message: expect.stringContaining('ticket') });
    expect(relay.stats.sessions).toBe(0);
  });

  test('resume is told in WELCOME', async () => {
    const { relay, ticket } = await startPublicRelay();
    const client = await RawClient.dial(relay, { origin: ORIGIN });
    client.send({ type: 'hello', version: 1, ticket: await ticket({ resume: 120 }), leases: 0 });
    expect(await client.next('welcome')).toMatchObject({ resumeSeconds: 120, mode: 'public' });
  });
});

describe('keys', () => {
  test('of other kinds, or the same name twice, are refused at the start', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
    await expect(start({ ticketKeys: [rsa] })).rejects.toThrow('Ed25519');
    await expect(start({ ticketKeys: [publicKey, publicKey] })).rejects.toThrow('twice');
    await expect(start({ ticketKeys: ['/nonexistent.json'] })).rejects.toThrow('/nonexistent.json');
  });

  test('come as a key, a set, or a pair', async () => {
    const pair = await generateKeys('pair');
    for (const source of [pair.publicKey, { keys: [pair.publicKey] }, pair, pair.privateKey]) {
      const [[kid, key] = []] = await readPublicKeys([source]);
      expect(kid).toBe('pair');
      expect(key?.type).toBe('public');
    }
  });
});

test('the example of a game’s backend mints tickets that are good', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'backend-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const pair = await generateKeys('backend');
  writeFileSync(join(directory, 'keys.json'), JSON.stringify(pair));
  const script = fileURLToPath(new URL('../../examples/mint-ticket.mjs', import.meta.url));
  const backend = spawn(process.execPath, [script, join(directory, 'keys.json')], { env: { PORT: '0' } });
  onTestFinished(() => {
    backend.kill();
  });
  const [address] = await once(backend.stdout, 'data');
  const relay = await start({ ticketKeys: [pair.publicKey] });
  const mint = async () => (await fetch(String(address).trim())).text();
  expect((await knock(relay, await mint())).answer).toBe('welcome');
  expect((await knock(relay, await mint())).answer).toBe('welcome');
});

test('a store that cannot be asked lets nobody in', async () => {
  const used = new RateLimiterMemory({ points: 1, duration: 0 });
  used.consume = () => Promise.reject(new Error('gone'));
  const keys = await readPublicKeys([publicKey]);
  const verifier = new TicketVerifier({ keys, audience: 'luasocket-relay', used, now: NOW });
  const ticket = await verifier.verify(await signed(claims()));
  await expect(verifier.use(ticket)).rejects.toThrow(StoreFailure);
});
