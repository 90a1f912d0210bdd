/** `luasocket-relay ticket`: mints one ticket, for scripts and for trying out. The token alone goes to standard output. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { claimsOf as grants } from '../tickets/claims.ts';
import { readPrivateKey } from '../tickets/keys.ts';
import { mint } from '../tickets/mint.ts';
import { MAX_LIFETIME_SECONDS } from '../tickets/verifier.ts';
import { type Outcome, type Place, UsageError } from './outcome.ts';

interface Flags {
  readonly key: string;
  readonly sub: string;
  readonly aud: string;
  readonly seconds: string;
  readonly claims?: string;
  readonly tcp?: readonly string[];
  readonly udp?: readonly string[];
  readonly listen?: true | readonly string[];
  readonly multicast?: true | readonly string[];
  readonly broadcast?: true;
  readonly dns?: readonly string[];
  readonly interfaces?: true;
  readonly sockets?: string;
  readonly bytesPerSecond?: string;
  readonly sessions?: string;
  readonly maxSession?: string;
  readonly resume?: string;
}

const DEFAULT_SECONDS = 300;

/** @param done gets the outcome. */
export function addTicket(program: Command, place: Place, done: (outcome: Promise<Outcome>) => void): void {
  program
    .command('ticket')
    .description('prints a ticket, good for one session. Without claims it grants what public mode does')
    .requiredOption('--key <file>', 'private key, or the pair that keygen prints')
    .option('--sub <name>', 'whom it is for', 'player')
    .option('--aud <name>', 'the relay’s --ticket-audience', 'luasocket-relay')
    .option('--seconds <number>', 'how long it can be used', String(DEFAULT_SECONDS))
    .option('--claims <json>', 'claims as JSON: net, quota, maxSession, resume; the flags below go over them')
    .option('--tcp <destinations...>', 'TCP destinations instead of everything public, e.g. game.example:7000-7999')
    .option('--udp <destinations...>', 'the same for UDP')
    .option('--listen [places...]', 'may bind and listen (default: on every interface, from port 1024)')
    .option('--multicast [groups...]', 'may join these groups (default: all)')
    .option('--broadcast', 'may send broadcasts')
    .option('--dns <names...>', 'names that may be looked up, e.g. game.example *.game.example')
    .option('--interfaces', 'getsockname tells the relay’s addresses')
    .option('--sockets <number>', 'sockets at once')
    .option('--bytes-per-second <number>', 'both ways together')
    .option('--sessions <number>', 'sessions at once with tickets for the same --sub')
    .option('--max-session <seconds>', 'how long the session may last')
    .option('--resume <seconds>', 'how long it outlives its WebSocket, up to 120')
    .action((flags: Flags) => done(ticket(flags, place)));
}

async function ticket(flags: Flags, place: Place): Promise<Outcome> {
  const seconds = number('--seconds', flags.seconds);
  if (seconds > MAX_LIFETIME_SECONDS) {
    throw new UsageError(`--seconds: at most ${MAX_LIFETIME_SECONDS}, a day; relays refuse what is valid for longer`);
  }
  const key = await readPrivateKey(resolve(place.directory, flags.key));
  const claims = claimsOf(flags);
  const token = await mint(key, { subject: flags.sub, audience: flags.aud, now: place.now(), seconds, claims });
  return { exit: 0, out: `${token}\n`, error: '' };
}

function claimsOf(flags: Flags): { readonly [name: string]: unknown } {
  const base = flags.claims === undefined ? {} : parse(flags.claims);
  const { tcp, udp, listen, multicast, broadcast, dns, interfaces } = flags;
  for (const [name, said] of Object.entries(given({ tcp, udp, listen, multicast, dns }))) readable(name, said);
  const net = { ...object(base.net), ...given({ tcp, udp, listen, multicast, broadcast, dns, interfaces }) };
  const quota = {
    ...object(base.quota),
    ...given({
      sockets: number('--sockets', flags.sockets),
      bytesPerSecond: number('--bytes-per-second', flags.bytesPerSecond),
      sessions: number('--sessions', flags.sessions),
    }),
  };
  const times = given({
    maxSession: number('--max-session', flags.maxSession),
    resume: number('--resume', flags.resume),
  });
  return { ...base, net, quota, ...times };
}

/** @throws UsageError when no relay could read the claim that a flag makes. */
function readable(name: string, said: unknown): void {
  try {
    grants({ net: { [name]: said } });
  } catch (error) {
    throw new UsageError(`--${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function parse(text: string): { readonly [name: string]: unknown } {
  try {
    return object(JSON.parse(text));
  } catch {
    throw new UsageError('--claims: expected a JSON object');
  }
}

function object(value: unknown): { readonly [name: string]: unknown } {
  if (value === undefined) return {};
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new UsageError('--claims: expected a JSON object');
}

function given(all: { readonly [name: string]: unknown }): { readonly [name: string]: unknown } {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function number(flag: string, text: string): number;
function number(flag: string, text: string | undefined): number | undefined;
function number(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0) {
    throw new UsageError(`${flag}: expected a number above 0, got ${text}`);
  }
  return value;
}
