/** A relay, put together from its parts: the one place that knows them all. */
import { type Config, type ConfigInput, complete, isLoopback } from './config.ts';
import { Names } from './dns/names.ts';
import { surroundings } from './gate.ts';
import { localStore, type Store, sharedStore } from './limits/store.ts';
import { Lobby } from './lobby.ts';
import { createLog, type RelayLog } from './log.ts';
import { createMetrics } from './metrics.ts';
import { hostText } from './origin.ts';
import { type PracticeServers, startPractice } from './practice.ts';
import { connectRedis, type RedisConnection } from './redis.ts';
import { type Changes, Reloading } from './reload.ts';
import { serve } from './server.ts';
import { Admission } from './session/admission.ts';
import { SYSTEM_CLOCK } from './session/parts.ts';
import { Sessions } from './session/sessions.ts';
import { createSockets } from './sockets/index.ts';
import { Tally } from './tally.ts';
import { createVerifier } from './tickets/index.ts';

/** A running relay. */
export interface Relay {
  /** Where it listens; `url` is what a client connects to, `ws://HOST:PORT/relay`. */
  readonly address: { readonly host: string; readonly port: number; readonly url: string };
  /** The practice servers, when they were asked for. */
  readonly practice: PracticeServers | null;
  /** What it holds now: sessions (those waiting to be resumed included), their sockets, bytes kept for their clients. */
  readonly stats: { readonly sessions: number; readonly sockets: number; readonly keptBytes: number };
  /**
   * Reads the ticket keys again, and takes over other keys or origins where they are given. From then on tickets that
   * were signed with keys which are gone are refused; sessions go on. Rejects with a ConfigError that names what is wrong,
   * and then nothing has changed.
   */
  reload(changes?: Changes): Promise<void>;
  /** Takes no new sessions, tells the others, waits for them at most `limits.drainSeconds`, then closes. */
  drain(): Promise<void>;
  /**
   * Ends every session, releases every socket and stops listening. Clients have 3 s to answer, and no connection is waited for
   * longer than 4 s. Calling twice is harmless.
   */
  close(): Promise<void>;
}

/**
 * Starts a relay; resolves once it listens.
 * @param input any part of the settings; the rest are defaults. See `luasocket-relay --help`.
 * @throws ConfigError for settings that cannot be used; the system's error when it cannot listen, or reach Redis.
 */
export async function createRelay(input: ConfigInput = {}): Promise<Relay> {
  const config = complete(input);
  const log = createLog(config.log);
  const redis = config.redis === undefined ? null : await connectRedis(config.redis, log);
  const store = redis === null ? localStore(config.limits) : sharedStore(redis, config.limits);
  try {
    return await start(input, config, log, store, redis);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function start(
  input: ConfigInput,
  config: Config,
  log: RelayLog,
  store: Store,
  redis: RedisConnection | null,
): Promise<Relay> {
  const tally = new Tally();
  const isPublic = config.mode === 'public';
  const tickets = isPublic ? await createVerifier(config, SYSTEM_CLOCK, store.tickets) : null;
  const reloading = new Reloading(input, config, tickets, log);
  const names = new Names({
    servers: config.dnsServer,
    hostname: config.hostname ?? (isPublic ? 'relay' : undefined),
    ownName: !isPublic,
    failureSeconds: isPublic ? config.limits.failureSeconds : 0,
  });
  // Known once the server listens, which is before any session begins.
  const ownPorts: number[] = [];
  const admission = new Admission({
    config,
    clock: SYSTEM_CLOCK,
    log,
    tally,
    tickets,
    addresses: store.addresses,
    holders: store.holders,
    surroundings: () => surroundings(ownPorts, [...names.servers, ...(redis?.places ?? [])]),
  });
  const sockets = createSockets();
  const sessions = new Sessions({
    config,
    clock: SYSTEM_CLOCK,
    log,
    admission,
    refusals: store.refusals,
    tally,
    names,
    sockets,
  });
  const lobby = new Lobby({
    connections: config.limits.httpConnections,
    handshakes: config.limits.handshakes,
    displaced: (limit) => tally.limits.add(limit),
  });
  const metrics = createMetrics(tally, () => ({
    ...sessions.count(),
    connections: sessions.connectionCount,
    handshakes: lobby.handshakes,
    keptBytes: sessions.keptBytes,
    grownBytes: sessions.grownBytes,
    redis: redis?.up ?? null,
  }));
  const practice = config.practice ? await startPractice() : null;
  let ready = true;
  const server = await serve({
    config,
    log,
    practice: practice?.servers ?? null,
    metrics,
    isReady: () => ready,
    origins: () => reloading.origins,
    lobby,
    slow: () => tally.limits.add('handshakeSeconds'),
    onConnection: (ws, stream, address, node, guest) => sessions.connect(ws, stream, address, node, guest),
  }).catch(async (error: unknown) => {
    await practice?.close();
    throw error;
  });
  const { address: host, port } = server.address;
  ownPorts.push(port);
  if (config.mode === 'development' && !isLoopback(host)) {
    log.warn({ host }, 'development mode on an address that others can reach: they get sockets on this machine');
  }
  let closed: Promise<void> | undefined;
  const end = async () => {
    ready = false;
    const ended = sessions.close();
    names.close();
    await Promise.all([ended, server.close(), practice?.close()]);
    // Sessions are counted there until they have ended.
    await store.close();
    log.settle();
  };
  const close = () => {
    closed ??= end();
    return closed;
  };
  return {
    address: { host, port, url: `ws://${hostText(host)}:${port}/relay` },
    practice: practice?.servers ?? null,
    get stats() {
      return { sessions: sessions.size, sockets: sessions.socketCount, keptBytes: sessions.keptBytes };
    },
    reload: (changes = {}) => reloading.reload(changes),
    async drain() {
      ready = false;
      await sessions.drain(config.limits.drainSeconds);
      await close();
    },
    close,
  };
}
