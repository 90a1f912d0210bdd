/**
 * The connection to Redis, where relays behind one address keep what all of them must know. It keeps the connection up
 * and tells whether it is; what is kept there is the stores' business (limits/). Loaded only where it is asked for.
 */
import type { Redis } from 'ioredis';
import { ConfigError } from './config.ts';
import type { Log } from './log.ts';

/** Milliseconds for an answer; a player waits for it. */
const COMMAND_MILLISECONDS = 1000;
const CONNECT_MILLISECONDS = 3000;
/** Milliseconds of silence, when something was asked, after which the connection is taken for dead. */
const SILENCE_MILLISECONDS = 5000;
/** Milliseconds between attempts to connect again, at most. */
const RETRY_MILLISECONDS = 1000;
/** Addresses of Redis that are remembered: those of a name may change. */
const MAX_PLACES = 16;

export interface RedisConnection {
  readonly client: Redis;
  /** Whether it could be asked now. */
  readonly up: boolean;
  /** Where it is, to be denied as a destination; none for a Unix socket. */
  readonly places: readonly { readonly address: string; readonly port: number }[];
  close(): Promise<void>;
}

/**
 * @param url `redis://`, `rediss://`, or the path of a Unix socket.
 * @throws ConfigError when ioredis is not installed; Error, without the URL, which may have a password, when Redis cannot be reached.
 */
export async function connectRedis(url: string, log: Log): Promise<RedisConnection> {
  const { Redis } = await import('ioredis').catch(() => {
    throw new ConfigError('redis: the package ioredis is not installed');
  });
  const client = new Redis(url, {
    connectionName: 'luasocket-relay',
    lazyConnect: true,
    connectTimeout: CONNECT_MILLISECONDS,
    commandTimeout: COMMAND_MILLISECONDS,
    socketTimeout: SILENCE_MILLISECONDS,
    retryStrategy: (attempts) => Math.min(attempts * 50, RETRY_MILLISECONDS),
    // Who asks is told at once that nobody answers; a ticket's use, sent twice, would be two.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
  });
  const places: { address: string; port: number }[] = [];
  let up = false;
  let trouble: string | undefined;
  client.on('error', (error: Error) => {
    trouble = error.message;
  });
  client.on('connect', () => {
    const { remoteAddress: address, remotePort: port } = client.stream as {
      remoteAddress?: string;
      remotePort?: number;
    };
    if (address === undefined || port === undefined) return;
    if (places.some((place) => place.address === address && place.port === port)) return;
    if (places.length >= MAX_PLACES) places.shift();
    places.push({ address, port });
  });
  client.on('ready', () => {
    up = true;
    trouble = undefined;
    log.info('Redis is there');
  });
  client.on('close', () => {
    if (up) log.error('Redis is lost: tickets are refused until it is back');
    up = false;
  });
  try {
    await client.connect();
  } catch (error) {
    client.disconnect();
    throw new Error(`redis: cannot be reached: ${trouble ?? (error as Error).message}`);
  }
  return {
    client,
    get up() {
      return up;
    },
    places,
    async close() {
      up = false;
      await client.quit().catch(() => client.disconnect());
    },
  };
}
