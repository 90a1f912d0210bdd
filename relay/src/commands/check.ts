/**
 * `luasocket-relay check`: what the policy says, without asking it through a session. `--cases FILE` judges a list whose
 * verdicts are known; `check tcp HOST:PORT` explains one to an operator. Names are looked up; nobody else is contacted.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { decodeJwt } from 'jose';
import { type Config, parseListen } from '../config.ts';
import { Names } from '../dns/names.ts';
import { surroundings } from '../gate.ts';
import { localTickets } from '../limits/store.ts';
import { LookupError } from '../os/resolver-library.ts';
import { parse } from '../policy/address.ts';
import { missesOf, readCases } from '../policy/cases.ts';
import type { Claims } from '../policy/claims.ts';
import { DEVELOPMENT } from '../policy/development.ts';
import { type Denial, judge, type Surroundings } from '../policy/policy.ts';
import { isPort } from '../policy/ports.ts';
import { PUBLIC } from '../policy/public.ts';
import { load, settings } from '../settings.ts';
import { claimsOf, ticketPayload } from '../tickets/claims.ts';
import { createVerifier } from '../tickets/index.ts';
import { type Outcome, type Place, UsageError } from './outcome.ts';

interface Flags {
  readonly mode: 'development' | 'public';
  readonly cases?: string;
  readonly ticket?: string;
  readonly ticketKeys?: string;
  readonly ticketAudience?: string;
  readonly dnsServer?: string;
}

const KINDS = ['tcp', 'udp'] as const;

/** @param done gets the outcome. */
export function addCheck(program: Command, place: Place, done: (outcome: Promise<Outcome>) => void): void {
  program
    .command('check')
    .description('says what the policy allows: of a list of cases, or of one destination, and why')
    .argument('[kind]', 'tcp or udp')
    .argument('[destination]', 'HOST:PORT')
    .addOption(new Option('--mode <mode>', 'whose policy').choices(['development', 'public']).default('public'))
    .option('--cases <file>', 'JSON file of cases; prints those that are judged otherwise than they expect')
    .option('--ticket <token>', 'judge as for the holder of this ticket')
    .option('--ticket-keys <files>', 'also check that the ticket is signed with one of these keys')
    .option('--ticket-audience <name>', 'its audience (default: luasocket-relay)')
    .option('--dns-server <servers>', 'name servers (default: the system’s)')
    .action((kind: string | undefined, destination: string | undefined, flags: Flags) =>
      done(check(kind, destination, flags, place)),
    );
}

async function check(
  kind: string | undefined,
  destination: string | undefined,
  flags: Flags,
  place: Place,
): Promise<Outcome> {
  const config = configOf(flags);
  const { claims, note } = await claimsFor(flags, config, place);
  if (flags.cases !== undefined) {
    if (kind !== undefined) throw new UsageError('either --cases or a destination');
    // Cases are about the policy, not about the machine on which they are judged.
    const around = { ownPorts: [config.listen.port], ownAddresses: [], services: [] };
    return checkCases(flags.cases, place, claims, around);
  }
  const asked = KINDS.find((one) => one === kind);
  if (asked === undefined || destination === undefined)
    throw new UsageError('expected tcp|udp HOST:PORT, or --cases FILE');
  const names = new Names({ servers: config.dnsServer, hostname: undefined, ownName: flags.mode === 'development' });
  try {
    const around = surroundings([config.listen.port], names.servers);
    const { denial, steps } = await explain(asked, destination, claims, around, names);
    const verdict = denial === null ? 'allow' : `deny: ${denial}`;
    const out = [...note, ...steps, `${asked} ${destination}: ${verdict}`].map((line) => `${line}\n`).join('');
    return { exit: denial === null ? 0 : 1, out, error: '' };
  } finally {
    names.close();
  }
}

function checkCases(file: string, place: Place, claims: Claims, around: Surroundings): Outcome {
  const cases = about('--cases', () => readCases(readFileSync(resolve(place.directory, file), 'utf8')));
  let failed = 0;
  let out = '';
  for (const one of cases) {
    const misses = missesOf(one, claims, around);
    if (misses.length > 0) failed++;
    for (const { id, op, expected, denial } of misses) {
      out += `${id} (${op}): expected ${expected}, got ${denial === null ? 'allow' : `deny: ${denial}`}\n`;
    }
  }
  out += `${cases.length - failed} passed, ${failed} failed\n`;
  return { exit: failed === 0 ? 0 : 1, out, error: '' };
}

/** The way of a session's operation, told step by step. */
async function explain(
  kind: 'tcp' | 'udp',
  destination: string,
  claims: Claims,
  around: Surroundings,
  names: Names,
): Promise<{ readonly denial: Denial; readonly steps: readonly string[] }> {
  const { host, port } = split(destination);
  const steps: string[] = [];
  if (!isPort(port)) return { denial: 'not a port', steps };
  const asked = judge(claims, { name: 'resolve', host }, around);
  if (asked !== null) return { denial: asked, steps };
  try {
    const found = await names.resolve({ host, service: String(port), family: 0, kind: 'stream', use: 'connect' });
    const isName = parse(host) === null;
    for (const { address } of isName ? found : []) {
      const denial = judge(claims, { name: 'answer', address }, around);
      steps.push(`${host} is ${address}${denial === null ? '' : `: ${denial}`}`);
      if (denial !== null) return { denial: `an answer of the name: ${denial}`, steps };
    }
    for (const at of found) {
      const via = isName ? [host] : [];
      const denial = judge(claims, { name: 'connect', kind, at, via }, around);
      if (denial !== null) return { denial, steps };
    }
    return { denial: null, steps };
  } catch (error) {
    if (error instanceof LookupError) return { denial: `the look-up failed: ${error.code}`, steps };
    throw error;
  }
}

/** At the last colon, so that an IPv6 address may stand with or without its brackets. */
function split(destination: string): { readonly host: string; readonly port: number } {
  const plain = parseListen(destination);
  if (plain !== null) return plain;
  const colon = destination.lastIndexOf(':');
  const port = destination.slice(colon + 1);
  if (colon < 0 || !/^\d+$/.test(port)) throw new UsageError(`expected HOST:PORT, got ${destination}`);
  return { host: destination.slice(0, colon), port: Number(port) };
}

/** Settings that a verdict may need, checked as the relay checks them. */
function configOf({ dnsServer, ticketAudience }: Flags): Config {
  const given = { '--dns-server': dnsServer, '--ticket-audience': ticketAudience };
  const flags = new Map<string, string>();
  for (const { flag } of settings()) {
    const value = given[flag as keyof typeof given];
    if (value !== undefined) flags.set(flag, value);
  }
  return load({ flags, environment: {} });
}

async function claimsFor(
  { mode, ticket, ticketKeys }: Flags,
  config: Config,
  place: Place,
): Promise<{ readonly claims: Claims; readonly note: readonly string[] }> {
  if (ticket === undefined) {
    if (ticketKeys !== undefined) throw new UsageError('--ticket-keys: of no use without --ticket');
    return { claims: mode === 'public' ? PUBLIC : DEVELOPMENT, note: [] };
  }
  if (ticketKeys === undefined) {
    const claims = about('--ticket', () => {
      const read = ticketPayload.safeParse(decodeJwt(ticket));
      if (read.success) return claimsOf(read.data);
      throw new Error(read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
    });
    return { claims, note: ['the ticket’s signature was not checked (--ticket-keys)'] };
  }
  const keys = ticketKeys.split(',').map((file) => resolve(place.directory, file.trim()));
  const verifier = await createVerifier({ ...config, ticketKeys: keys }, { wall: place.now }, localTickets());
  const { claims } = await verifier.verify(ticket).catch((error: Error) => {
    const why = error.cause instanceof Error ? ` (${error.cause.message})` : '';
    throw new Error(`--ticket: ${error.message}${why}`);
  });
  return { claims, note: [] };
}

/** Does what a flag asks for; an error says which. */
function about<T>(flag: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw new Error(`${flag}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
