/** Relays that share a real Redis: what one of them knows of tickets and sessions, all do; and what holds without it. */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { createRelay, type Relay, type RelayConfig } from 'luasocket-relay';
import { connect } from 'luasocket-web';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import { SharedOccupancy } from '../../relay/src/limits/shared-occupancy.ts';
import { createLog } from '../../relay/src/log.ts';
import { connectRedis } from '../../relay/src/redis.ts';
import { RawClient } from '../../relay/test/support/client.ts';
import { KIND } from '../../shared/src/frames.ts';
import { startCuttable } from '../fixtures/cuttable.ts';
import { locate } from '../fixtures/program.ts';
import { type SharedRedis, startSharedRedis } from '../fixtures/shared-redis.ts';
import { type Backend, startBackend } from '../fixtures/tickets.ts';
import { portOf, startRelay } from './helpers.ts';

const UNCHECKED = 'tickets cannot be checked now';
const backend: Backend = startBackend();

/** A relay for strangers, at this Redis. */
function startPublic(redis: SharedRedis, config: RelayConfig = {}): Promise<Relay> {
  const strangers: RelayConfig = { mode: 'public', origins: ['https://game.example'], allowNoOrigin: true };
  return startRelay({ ...strangers, ticketKeys: [backend.publicKey], redis: redis.url, ...config });
}

async function enter(url: string, ticket = backend.ticket()) {
  const socket = await connect(url, { ticket, WebSocket });
  onTestFinished(() => socket.relay.close());
  return socket;
}

/** `in`, or why not. */
const tryToEnter = (relay: Relay, ticket?: string): Promise<string> =>
  enter(relay.address.url, ticket).then(
    () => 'in',
    (error: Error) => /the relay refused: (.*)$/.exec(error.message)?.[1] ?? error.message,
  );

async function metric({ address }: Relay, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${address.port}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1) ?? Number.NaN);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe.skipIf(locate('redis-server') === null)('relays that share a Redis', () => {
  let redis: SharedRedis;
  beforeEach(async () => {
    const started = await startSharedRedis();
    if (started === null) throw new Error('no redis-cli');
    redis = started;
  });
  afterEach(() => redis.stop());

  test('a ticket is good at one of them, once', async () => {
    const [a, b] = [await startPublic(redis), await startPublic(redis)];
    const ticket = backend.ticket();
    expect(await tryToEnter(a, ticket)).toBe('in');
    expect(await tryToEnter(b, ticket)).toBe('the ticket has been used');
    expect(await tryToEnter(a, ticket)).toBe('the ticket has been used');
    expect(await tryToEnter(b)).toBe('in');
  });

  test('a session that ends with its relay is counted no longer, however many sockets it had', async () => {
    const relay = await startPublic(redis);
    const client = await RawClient.dial(relay);
    const quota = { sessions: 1, sockets: 1024 };
    client.send({ type: 'hello', version: 1, ticket: backend.ticket({ sub: 'ben', quota }), leases: 0 });
    const { sockets } = await client.next('welcome');
    for (let socket = 1; socket <= sockets; socket++) client.send({ type: 'open', socket, kind: KIND.udp, family: 4 });
    await client.barrier();
    expect(await redis.ask('zcard', 'luasocket-relay:holder:ben')).toBe('1');
    await relay.close();
    expect(await redis.ask('zcard', 'luasocket-relay:holder:ben')).toBe('0');
  });

  test('also when it comes to all of them at once', async () => {
    const relays = [await startPublic(redis), await startPublic(redis)];
    const ticket = backend.ticket();
    const tries = Array.from({ length: 10 }, () => relays.map((relay) => tryToEnter(relay, ticket))).flat();
    const answers = await Promise.all(tries);
    expect(answers.filter((answer) => answer === 'in')).toHaveLength(1);
    expect(new Set(answers)).toEqual(new Set(['in', 'the ticket has been used']));
  });

  test('a used ticket is remembered for as long as it is valid, and no longer', async () => {
    const relay = await startPublic(redis);
    await enter(relay.address.url, backend.ticket({ jti: 'one' }));
    const seconds = Number(await redis.ask('ttl', 'luasocket-relay:ticket:one'));
    expect(seconds).toBeGreaterThan(50);
    expect(seconds).toBeLessThanOrEqual(66);
  });

  test('sessions of one holder are counted over all, and given back', async () => {
    const [a, b] = [await startPublic(redis), await startPublic(redis)];
    const ticket = () => backend.ticket({ sub: 'ben', quota: { sessions: 2 } });
    const first = await enter(a.address.url, ticket());
    await enter(b.address.url, ticket());
    const refusal = 'too many sessions with tickets for the same subject';
    expect(await tryToEnter(a, ticket())).toBe(refusal);
    expect(await tryToEnter(b, ticket())).toBe(refusal);
    expect(await tryToEnter(b, backend.ticket({ sub: 'anna', quota: { sessions: 2 } }))).toBe('in');
    first.relay.close();
    await until(async () => (await tryToEnter(b, ticket())) === 'in');
  });

  test('a ticket that was refused for its quota has not been used up', async () => {
    const [a, b] = [await startPublic(redis), await startPublic(redis)];
    const quota = { sub: 'ben', quota: { sessions: 1 } };
    const first = await enter(a.address.url, backend.ticket(quota));
    const ticket = backend.ticket(quota);
    expect(await tryToEnter(b, ticket)).toContain('too many');
    first.relay.close();
    await until(async () => (await tryToEnter(b, ticket)) === 'in');
  });

  test('sessions of one address are counted over all', async () => {
    const config = { limits: { sessionsPerAddress: 2 } };
    const [a, b] = [await startPublic(redis, config), await startPublic(redis, config)];
    expect([await tryToEnter(a), await tryToEnter(b)]).toEqual(['in', 'in']);
    expect(await tryToEnter(a)).toBe('too many sessions from this address');
    expect(await metric(a, 'luasocket_relay_limits_reached_total{limit="sessionsPerAddress"}')).toBe(1);
  });

  test('a relay that closes takes back what it counted', async () => {
    const relay = await startPublic(redis);
    await enter(relay.address.url);
    expect(await redis.ask('keys', 'luasocket-relay:address:*')).toBe('luasocket-relay:address:127.0.0.1');
    expect(await redis.ask('keys', 'luasocket-relay:holder:*')).toBe('luasocket-relay:holder:player');
    await relay.close();
    expect(await redis.ask('keys', 'luasocket-relay:address:*')).toBe('');
    expect(await redis.ask('keys', 'luasocket-relay:holder:*')).toBe('');
  });

  test('sessions of a relay that has died are forgotten, those of the living are not', async () => {
    const connection = await connectRedis(redis.url, createLog('silent'));
    onTestFinished(() => connection.close());
    const { client } = connection;
    const node = () => {
      const occupancy = new SharedOccupancy(client, 'test', 300);
      onTestFinished(() => occupancy.close());
      return occupancy;
    };
    const [living, dead, other] = [node(), node(), node()];
    expect(await living.enter('ben', 2)).not.toBeNull();
    expect(await dead.enter('ben', 2)).not.toBeNull();
    expect(await other.enter('ben', 2)).toBeNull();
    dead.close();
    await until(async () => (await other.enter('ben', 2)) !== null);
    // The one that lives has outlasted its first lease by now, and is counted.
    expect(await other.enter('ben', 2)).toBeNull();
    // What Redis has forgotten is told to it again.
    await client.flushall();
    await until(async () => (await client.zcard('test:ben')) === 2);
  });

  test('resumes that fail are counted over all', async () => {
    const config = { redis: redis.url, limits: { refusedResumes: 3 } };
    const relays = [await startRelay(config), await startRelay(config)];
    const answers: string[] = [];
    for (let i = 0; i < 8; i++) {
      const relay = relays[i % 2] as Relay;
      const owner = await RawClient.connect(relay);
      const forging = await RawClient.resume(relay, owner, { ...owner.welcome, key: randomBytes(32), generation: 2 });
      answers.push((await forging.next('fault')).code);
      expect(await owner.barrier()).toBeNull();
    }
    expect(answers).toEqual([...Array(3).fill('not_resumable'), ...Array(5).fill('limit')]);
  });

  test('without it nobody new gets in, who is in stays and resumes; with it all is as before', async () => {
    const [a, b] = [await startPublic(redis), await startPublic(redis)];
    const proxy = await startCuttable(a.address.port);
    onTestFinished(() => proxy.close());
    const inside = await enter(proxy.endpoint);
    const late = backend.ticket();
    expect(await metric(a, 'luasocket_relay_redis_up')).toBe(1);

    await redis.stop();
    expect(await tryToEnter(a, late)).toContain(UNCHECKED);
    expect(await tryToEnter(b, late)).toContain(UNCHECKED);
    expect(await metric(a, 'luasocket_relay_redis_up')).toBe(0);
    expect(await metric(a, 'luasocket_relay_store_failures_total{about="sessions"}')).toBe(1);
    const resumed = new Promise<void>((resolve) => inside.relay.on('resumed', resolve));
    proxy.cut();
    await resumed;
    expect(await inside.dns.gethostname()).toEqual(['relay']);
    // Nor does it help to guess: failed resumes are counted here meanwhile.
    const owner = await RawClient.dial(a);
    await owner.next('challenge');
    owner.send({
      type: 'resume',
      version: 1,
      session: randomBytes(16),
      generation: 2,
      received: 0,
      mac: randomBytes(32),
    });
    expect((await owner.next('fault')).code).toBe('not_resumable');

    await redis.restart();
    // The ticket that could not be checked has not been used up.
    await until(async () => (await tryToEnter(a, late)) === 'in');
    await until(async () => (await tryToEnter(b, late)) === 'the ticket has been used');
  });

  test('one that does not answer is as none: nobody waits for it', async () => {
    const relay = await startPublic(redis);
    redis.hold(true);
    expect(await tryToEnter(relay)).toContain(UNCHECKED);
    redis.hold(false);
    await until(async () => (await tryToEnter(relay)) === 'in');
  });

  test('no ticket leads to it', async () => {
    const relay = await startPublic(redis);
    const server = createServer((peer) => peer.on('error', () => {}).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const socket = await enter(relay.address.url, backend.ticket({ net: { tcp: ['127.0.0.1:*', '127.0.0.0/8:*'] } }));
    expect((await socket.connect('127.0.0.1', portOf(server)))[0]).not.toBeNull();
    const port = Number(new URL(redis.url).port);
    expect(await socket.connect('127.0.0.1', port)).toEqual([null, 'permission denied']);
  });
});

test.skipIf(locate('redis-server') === null)('a Unix socket will do', async () => {
  const redis = await startSharedRedis(`${tmpdir()}/luasocket-relay-${process.pid}.sock`);
  if (redis === null) throw new Error('no redis-cli');
  onTestFinished(() => redis.stop());
  const [a, b] = [await startPublic(redis), await startPublic(redis)];
  const ticket = backend.ticket();
  expect(await tryToEnter(a, ticket)).toBe('in');
  expect(await tryToEnter(b, ticket)).toBe('the ticket has been used');
});

describe('a relay does not start', () => {
  test('when Redis is not there; its password is not told', async () => {
    const started = createRelay({ listen: '127.0.0.1:0', log: 'silent', redis: 'redis://:secret@127.0.0.1:1' });
    const error = await started.then(
      () => null,
      (reason: Error) => reason,
    );
    expect(error?.message).toMatch(/^redis: cannot be reached: .*ECONNREFUSED/);
    expect(error?.message).not.toContain('secret');
  });

  test.each(['127.0.0.1:6379', 'http://127.0.0.1', 'redis.sock', ''])('with %j for its address', async (redis) => {
    await expect(createRelay({ listen: '127.0.0.1:0', redis })).rejects.toThrow(/^redis: expected redis:/);
  });
});
