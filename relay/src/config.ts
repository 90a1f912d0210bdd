/**
 * What a relay can be told, once: the schema of the JSON file, the flags, the environment and `createRelay`'s argument.
 *
 * It reads no file, environment or argument itself (see settings.ts); it checks values and fills in defaults.
 */
import { isIP } from 'node:net';
import {
  DEAD_MILLISECONDS,
  HANDSHAKE_MILLISECONDS,
  MAX_PENDING_REQUESTS,
  MAX_SOCKETS,
  PING_MILLISECONDS,
  POOL_INITIAL,
  RESUME_SECONDS,
} from '@luasocket-web/shared/limits';
import { z } from 'zod';
import { parse } from './policy/address.ts';

/** A host and a port, `HOST:PORT` or `[IPv6]:PORT`. */
export interface Listen {
  readonly host: string;
  /** 0..65535; 0 lets the system choose. */
  readonly port: number;
}

/** Reads `HOST:PORT`, `[IPv6]:PORT`; null when it is neither. */
export function parseListen(text: string): Listen | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > 65535 ? null : { host, port };
}

/** An origin as browsers send it: scheme and authority, no path. */
const origin = z.string().refine((text) => {
  try {
    return new URL(text).origin === text;
  } catch {
    return false;
  }
}, 'expected an origin such as https://game.example');

const listen = z.string().transform((text, context): Listen => {
  const parsed = parseListen(text);
  if (parsed) return parsed;
  context.addIssue({ code: 'custom', message: 'expected HOST:PORT or [IPv6]:PORT' });
  return z.NEVER;
});

/** An address, or a network as CIDR; always the latter when read. */
const network = z.string().transform((text, context): string => {
  const [base = '', bits, more] = text.split('/');
  const address = parse(base);
  const most = address?.kind() === 'ipv4' ? 32 : 128;
  const length = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  if (address !== null && more === undefined && length <= most) return `${address.toNormalizedString()}/${length}`;
  context.addIssue({ code: 'custom', message: 'expected an address or CIDR' });
  return z.NEVER;
});

/** A name server as c-ares takes it. */
const nameServer = z.string().refine((text) => {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\](?::\d{1,5})?|([\d.]+)(?::\d{1,5})?)$/.exec(text) ?? [];
  return isIP(text) !== 0 || isIP(bracketed ?? '') === 6 || isIP(plain ?? '') === 4;
}, 'expected IP, IP:PORT or [IPv6]:PORT');

/** A relay's name among others: it stands in paths, and in the configuration of proxies. */
export const NODE_ID = /^[A-Za-z0-9_-]{1,32}$/;

const count = (least: number, most: number) => z.number().int().min(least).max(most);
const seconds = (least: number, most: number) => z.number().min(least).max(most);

const limits = z.strictObject({
  sockets: count(1, MAX_SOCKETS).default(MAX_SOCKETS).describe('sockets of one session at once'),
  sessions: count(1, 1_000_000).default(1000).describe('sessions at once'),
  requests: count(1, MAX_PENDING_REQUESTS).default(MAX_PENDING_REQUESTS).describe('unanswered requests of one session'),
  backlog: count(1, MAX_SOCKETS).default(128).describe('largest backlog of a listening socket'),
  upload: count(65_536, POOL_INITIAL * 8)
    .default(POOL_INITIAL)
    .describe('bytes a session may have on their way out'),
  download: count(65_536, POOL_INITIAL * 8)
    .default(POOL_INITIAL)
    .describe('bytes a session may have on their way in'),
  grownBytes: count(0, 2 ** 40)
    .default(256 * 1024 * 1024)
    .describe('bytes by which both may grow for clients far away, over all sessions'),
  resumeSeconds: count(0, 120).default(RESUME_SECONDS).describe('seconds a session outlives its WebSocket'),
  refusedResumes: count(1, 1_000_000)
    .default(10)
    .describe('resumes that may be refused to one address in a minute before it is told no more'),
  handshakes: count(1, 1_000_000)
    .default(2048)
    .describe('WebSockets at once that belong to no session yet; beyond it the oldest of the busiest address goes'),
  handshakeSeconds: seconds(0.01, 60)
    .default(HANDSHAKE_MILLISECONDS / 1000)
    .describe('seconds to the first frame of a client'),
  pingSeconds: seconds(0.01, 60)
    .default(PING_MILLISECONDS / 1000)
    .describe('seconds between two pings of an idle client'),
  deadSeconds: seconds(0.02, 300)
    .default(DEAD_MILLISECONDS / 1000)
    .describe('seconds of silence after which a client is taken for dead'),
  sessionsPerAddress: count(1, 1_000_000).default(64).describe('public: sessions of one client address at once'),
  pendingConnects: count(1, MAX_SOCKETS).default(8).describe('public: attempts to connect of one session at once'),
  connectSeconds: seconds(0.01, 120).default(10).describe('public: seconds that an attempt to connect may take'),
  connectsPerMinute: count(1, 1_000_000).default(20).describe('public: attempts to connect of one session in a minute'),
  portsPerHost: count(1, 65_535).default(8).describe('public: TCP ports of one host that a session may connect to'),
  udpPeers: count(1, 65_536).default(16).describe('public: peers that a UDP socket may find'),
  udpPeersPerMinute: count(1, 1_000_000).default(32).describe('public: new UDP peers of one session in a minute'),
  unansweredBytes: count(0, 2 ** 31)
    .default(16_384)
    .describe('public: bytes for a UDP peer beyond three times what it has sent'),
  lookupsPerSecond: seconds(0.01, 100_000).default(10).describe('public: look-ups of one session in a second'),
  lookupsBurst: count(1, 100_000).default(20).describe('public: look-ups of one session at once'),
  failureSeconds: seconds(0, 3600).default(10).describe('public: seconds that a failed look-up is not asked again'),
  bytesPerSecond: count(1024, 2 ** 40)
    .default(32 * 1024 * 1024)
    .describe('public: bytes of one session in a second, both ways together'),
  framesPerSecond: count(10, 10_000_000).default(50_000).describe('public: frames of one session in a second'),
  httpConnections: count(1, 1_000_000)
    .default(4096)
    .describe('TCP connections to the relay itself at once; beyond it the oldest without a session goes'),
  drainSeconds: seconds(0, 3600).default(10).describe('seconds that sessions may go on after SIGTERM'),
});

/** Everything that can be set. Each leaf is a key of the JSON file, a flag, and an environment variable. */
export const schema = z.strictObject({
  listen: listen.default({ host: '127.0.0.1', port: 8080 }).describe('where to listen, HOST:PORT (port 0: any)'),
  mode: z
    .enum(['development', 'public'])
    .optional()
    .describe('development: this machine only, no tickets (default on loopback); public: for strangers'),
  origins: z.array(origin).default([]).describe('origins of the pages that may connect, comma-separated'),
  ticketKeys: z
    .array(z.union([z.string().min(1), z.looseObject({})]))
    .default([])
    .describe('files with the public keys of tickets (JWK), comma-separated'),
  ticketAudience: z.string().min(1).default('luasocket-relay').describe('what a ticket must name as its audience'),
  trustedProxy: z.array(network).default([]).describe('proxies whose X-Forwarded-For counts, as CIDR, comma-separated'),
  metricsFrom: z
    .array(network)
    .default(['127.0.0.0/8', '::1/128'])
    .describe('who may read /metrics, as CIDR, comma-separated'),
  allowNoOrigin: z.boolean().default(false).describe('public mode: let in programs that send no Origin'),
  dnsServer: z.array(nameServer).default([]).describe('name servers, comma-separated (default: the system’s)'),
  hostname: z.string().min(1).max(255).optional().describe('what dns.gethostname answers'),
  console: z.string().min(1).optional().describe('directory of the console page (default: the one in the package)'),
  nodeId: z
    .string()
    .regex(NODE_ID, 'expected 1 to 32 of A-Z a-z 0-9 _ -')
    .optional()
    .describe('name of this relay among several behind one address: its sessions are resumed at /relay/NAME'),
  redis: z
    .string()
    .regex(/^(rediss?:\/\/|\/)./, 'expected redis://, rediss:// or the path of a socket')
    .optional()
    .describe('Redis that relays share for used tickets and sessions at once: redis://, rediss:// or a socket’s path'),
  practice: z.boolean().default(false).describe('also run an echo server (TCP and UDP) and a chat on loopback'),
  log: z
    .enum(['silent', 'error', 'warn', 'info', 'debug'])
    .default('info')
    .describe('the least important messages that are logged'),
  limits: limits.prefault({}).describe('limits'),
});

/** A relay's settings, complete and checked. */
export type Config = Omit<z.output<typeof schema>, 'mode'> & { readonly mode: 'development' | 'public' };
/** What `createRelay` takes: any part of it. */
export type ConfigInput = z.input<typeof schema>;
export type Limits = Config['limits'];

/** A setting that cannot be used; the message names it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Checks settings and fills in the rest.
 * @param name how a setting is called where it was set, for messages; `path` is e.g. `['limits', 'sockets']`.
 * @throws ConfigError naming every setting that is wrong, or what public mode still lacks.
 */
export function complete(input: unknown, name: (path: readonly string[]) => string = (path) => path.join('.')): Config {
  const result = schema.safeParse(input);
  if (!result.success) {
    const messages = result.error.issues.map((issue) => {
      if (issue.code === 'unrecognized_keys') {
        return `${issue.keys.map((key) => name([...issue.path.map(String), key])).join(', ')}: unknown setting`;
      }
      return `${name(issue.path.map(String))}: ${issue.message}`;
    });
    throw new ConfigError(messages.join('\n'));
  }
  const { mode = defaultMode(result.data), ...rest } = result.data;
  const config: Config = { ...rest, mode };
  if (mode === 'public') checkPublic(config, result.data.mode === undefined);
  if (config.limits.deadSeconds <= config.limits.pingSeconds) {
    throw new ConfigError(`${name(['limits', 'deadSeconds'])}: must be longer than ${name(['limits', 'pingSeconds'])}`);
  }
  return config;
}

/** Secure by default: open without tickets only to this machine. */
function defaultMode(config: z.output<typeof schema>): 'development' | 'public' {
  return isLoopback(config.listen.host) && config.ticketKeys.length === 0 ? 'development' : 'public';
}

function checkPublic(config: Config, implied: boolean): void {
  const missing = [
    ...(config.ticketKeys.length === 0 ? ['a ticket key (--ticket-keys)'] : []),
    ...(config.origins.length === 0 ? ['the origins of your pages (--origins)'] : []),
  ];
  if (missing.length === 0) return;
  const why = implied ? `listening on ${config.listen.host} means public mode, which` : 'public mode';
  const remedy = implied ? '; to serve only this machine, listen on 127.0.0.1' : '';
  throw new ConfigError(`${why} needs ${missing.join(' and ')}${remedy}`);
}

/** Whether a relay that listens on this host is reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
