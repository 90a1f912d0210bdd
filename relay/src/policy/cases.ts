/**
 * Judges a list of concrete inputs whose verdict is known (`luasocket-relay check --cases FILE`), the way a session's
 * operation would be: host, look-up, every answer, then the operation itself. Contacts nobody; a case brings the answers
 * of its name server with it.
 */
import type { Endpoint } from '@luasocket-web/shared/address';
import { parse } from './address.ts';
import type { Claims } from './claims.ts';
import { nameDenial } from './host.ts';
import { type Denial, judge, type Operation, type Surroundings } from './policy.ts';
import { isPort } from './ports.ts';

export interface Case {
  readonly id: string;
  /** One operation or several, `tcp.connect|udp.sendto`: all get the same verdict. */
  readonly op: string;
  readonly input: { readonly [field: string]: unknown };
  readonly expect: 'allow' | 'deny';
  readonly why?: string;
}

export interface Miss {
  readonly id: string;
  readonly op: string;
  readonly expected: 'allow' | 'deny';
  /** Why it was denied; null: it was allowed. */
  readonly denial: Denial;
}

/** @throws Error when the text is no list of cases. */
export function readCases(text: string): readonly Case[] {
  const file: unknown = JSON.parse(text);
  const list = isRecord(file) ? file.cases : file;
  if (!Array.isArray(list)) throw new Error('expected {"cases": [...]}');
  if (list.length === 0) throw new Error('no cases');
  return list.map((one: unknown, index) => {
    if (isCase(one)) return one;
    throw new Error(`case ${index}: expected id, op, input and expect`);
  });
}

/** The operations of a case that got another verdict than expected. */
export function missesOf(one: Case, claims: Claims, around: Surroundings): readonly Miss[] {
  return one.op.split('|').flatMap((op) => {
    const denial = verdict(op, one.input, claims, around);
    const isExpected = (denial === null) === (one.expect === 'allow');
    return isExpected ? [] : [{ id: one.id, op, expected: one.expect, denial }];
  });
}

function verdict(op: string, input: Case['input'], claims: Claims, around: Surroundings): Denial {
  const ask = (operation: Operation) => judge(claims, operation, around);
  switch (op) {
    case 'setoption':
      return ask({ name: 'option', option: input.option, value: input.value });
    case 'dns.toip':
    case 'dns.getaddrinfo': {
      // A number is answered without a name server, and judged as its answer would be.
      const { denial, addresses } = resolved(ask, input);
      return denial ?? firstDenial(addresses, ({ address }) => ask({ name: 'answer', address }));
    }
    case 'dns.tohostname':
    case 'dns.getnameinfo': {
      const { denial, addresses } = resolved(ask, input);
      return denial ?? firstDenial(addresses, ({ address }) => ask({ name: 'reverse', address }));
    }
    case 'tcp.connect':
    case 'udp.connect':
    case 'udp.sendto':
      return to(ask, input, (at) =>
        op === 'udp.sendto'
          ? { name: 'sendto', at }
          : { name: 'connect', kind: op === 'tcp.connect' ? 'tcp' : 'udp', at },
      );
    case 'tcp.bind':
    case 'udp.bind':
      return to(ask, local(input), (at) => ({ name: 'bind', kind: op === 'tcp.bind' ? 'tcp' : 'udp', at }));
    case 'tcp.listen':
      return to(ask, local(input), (at) => ({ name: 'listen', at }));
    default:
      return `no operation ${op}`;
  }
}

type Ask = (operation: Operation) => Denial;

function to(ask: Ask, input: Case['input'], operation: (at: Endpoint) => Operation): Denial {
  const { port } = input;
  if (!isPort(port)) return 'no port';
  const { denial, addresses } = resolved(ask, input);
  if (denial !== null) return denial;
  const via = typeof input.host === 'string' ? [input.host] : [];
  return firstDenial(addresses, (address) => ask({ ...operation({ ...address, port }), via } as Operation));
}

interface Resolved {
  readonly denial: Denial;
  readonly addresses: readonly Omit<Endpoint, 'port'>[];
}

function resolved(ask: Ask, { host, resolverAnswers }: Case['input']): Resolved {
  const refuse = (denial: Denial): Resolved => ({ denial, addresses: [] });
  // Null is LuaSocket's "*" where that has a meaning; a program cannot say it here.
  const denial = typeof host === 'string' ? ask({ name: 'resolve', host }) : 'the host is no text';
  if (denial !== null || typeof host !== 'string') return refuse(denial);
  const literal = parse(host);
  if (literal !== null) return { denial: null, addresses: [endpointOf(host)] };
  if (!Array.isArray(resolverAnswers) || resolverAnswers.length === 0) return refuse('the name does not resolve');
  const addresses: Omit<Endpoint, 'port'>[] = [];
  for (const record of resolverAnswers) {
    const [type, data, ...more]: unknown[] = Array.isArray(record) ? record : [];
    if (more.length > 0 || typeof data !== 'string') return refuse('the look-up failed');
    const bad = type === 'CNAME' ? nameDenial(data) : answerDenial(ask, type, data);
    if (bad !== null) return refuse(bad);
    if (type !== 'CNAME') addresses.push(endpointOf(data));
  }
  return addresses.length === 0 ? refuse('the name has no address') : { denial: null, addresses };
}

function answerDenial(ask: Ask, type: unknown, data: string): Denial {
  const kind = parse(data)?.kind();
  if (kind === undefined || type !== (kind === 'ipv4' ? 'A' : 'AAAA')) return 'the look-up failed';
  return ask({ name: 'answer', address: data });
}

/** LuaSocket's "*" is the wildcard where a socket is bound. */
function local(input: Case['input']): Case['input'] {
  return input.host === '*' ? { ...input, host: '0.0.0.0' } : input;
}

function endpointOf(address: string): Omit<Endpoint, 'port'> {
  return { family: address.includes(':') ? 6 : 4, address };
}

function firstDenial<T>(all: readonly T[], judged: (one: T) => Denial): Denial {
  for (const one of all) {
    const denial = judged(one);
    if (denial !== null) return denial;
  }
  return null;
}

function isCase(one: unknown): one is Case {
  return (
    isRecord(one) &&
    typeof one.id === 'string' &&
    typeof one.op === 'string' &&
    isRecord(one.input) &&
    (one.expect === 'allow' || one.expect === 'deny')
  );
}

function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
