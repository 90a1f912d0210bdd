/** What a ticket says, from its JSON to what a session may do. Checks no signature. */
import { z } from 'zod';
import type { Claims, Grant } from '../policy/claims.ts';
import { parseGrant, parseName, parseNet } from '../policy/grant.ts';
import { PUBLIC } from '../policy/public.ts';

/** Ephemeral ports, and those that any program may bind. */
const LISTEN_PORTS: readonly Grant['ports'][] = [
  [0, 0],
  [1024, 65_535],
];
const WILDCARDS = ['0.0.0.0', '::'];
const GROUPS = ['224.0.0.0/4', 'ff00::/8'];
const MAX_RESUME_SECONDS = 120;
/** What one ticket may list; it is judged for every operation. */
const MAX_LIST = 64;

const list = z.array(z.string().min(1).max(300)).max(MAX_LIST);
const toggle = z.union([z.boolean(), list]);
const amount = z.number().int().min(1);

const net = z.strictObject({
  /** Destinations of TCP and UDP. Absent: everything public. */
  tcp: list.optional(),
  udp: list.optional(),
  /** Local addresses and ports to bind and listen on, and to hear strangers' datagrams on; true: the wildcard. */
  listen: toggle.optional(),
  /** Groups to join and send to; true: all. */
  multicast: toggle.optional(),
  broadcast: z.boolean().optional(),
  /** Names that may be looked up. Absent or true: all. */
  dns: toggle.optional(),
  /** Whether getsockname tells the relay's addresses. */
  interfaces: z.boolean().optional(),
});

const quota = z.strictObject({
  sockets: amount.optional(),
  bytesPerSecond: amount.optional(),
  sessions: amount.optional(),
});

/** The payload of a ticket, beside what jose checks. */
export const ticketPayload = z.object({
  sub: z.string().min(1).max(256),
  jti: z.string().min(1).max(256),
  exp: z.number(),
  net: net.optional(),
  quota: quota.optional(),
  /** Seconds that a session may last. */
  maxSession: z.number().positive().optional(),
  /** Seconds that it outlives its WebSocket. */
  resume: z.number().int().min(0).max(MAX_RESUME_SECONDS).optional(),
});

export type TicketPayload = z.output<typeof ticketPayload>;
export type Quota = z.output<typeof quota>;

/** What the network claims grant. @throws Error that quotes what cannot be read. */
export function claimsOf({ net: said = {} }: Pick<TicketPayload, 'net'>): Claims {
  const { tcp, udp, listen = false, multicast = false, dns = true, broadcast = false, interfaces = false } = said;
  const groups = listOf(multicast, GROUPS).map(parseNet);
  const local = listOf(listen, WILDCARDS).flatMap((text) => parseGrant(text, LISTEN_PORTS));
  return {
    ...PUBLIC,
    connect: {
      tcp: destinations(tcp) ?? PUBLIC.connect.tcp,
      udp: [
        ...(destinations(udp) ?? PUBLIC.connect.udp),
        ...groups,
        ...(broadcast ? [{ net: '255.255.255.255/32' }] : []),
      ],
    },
    // A grant to listen is one for these very addresses, whatever they are.
    bind: { tcp: local.map(anyKind), udp: local.map(anyKind) },
    listen: local.length > 0,
    strangers: local.length > 0,
    groups,
    broadcast,
    names: typeof dns === 'boolean' ? dns : dns.map((name) => parseName(name)),
    interfaces,
  };
}

function destinations(texts: readonly string[] | undefined): readonly Grant[] | undefined {
  return texts?.flatMap((text) => parseGrant(text, ['services']));
}

function listOf(said: boolean | readonly string[], all: readonly string[]): readonly string[] {
  return typeof said === 'boolean' ? (said ? all : []) : said;
}

function anyKind({ publicOnly: _, ...grant }: Grant): Grant {
  return grant;
}
