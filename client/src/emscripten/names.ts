/**
 * Names and addresses for who cannot wait. A name whose answer is not there yet gets an address that stands for it:
 * whoever connects or sends to that one gets to the name's own. Such addresses never leave this page.
 */
import { parseAddress, parsePort } from '@luasocket-web/shared/address';
import { aton } from '../core/aton.ts';
import { type Channel, type Endpoint, Failure, type Family, type HostEntry, type Where } from '../core/channel.ts';

/** 198.18.0.0/15 (RFC 2544) and 100::/64 (RFC 6666) lead nowhere on the Internet. */
const STAND_IN_V4 = '198.18.';
const STAND_IN_V6 = '100::';
const MAX_STAND_INS = 0xfffe;

const NO_HOST = { passive: { 4: '0.0.0.0', 6: '::' }, active: { 4: '127.0.0.1', 6: '::1' } } as const;

export interface Question {
  readonly host: string | null;
  readonly service: string | null;
  readonly family: Family | 0;
  readonly kind: 'tcp' | 'udp';
  /** AI_PASSIVE */
  readonly passive: boolean;
  /** AI_NUMERICHOST */
  readonly numeric: boolean;
}

export class Names {
  readonly #channel: () => Channel | null;
  readonly #byName = new Map<string, number>();
  readonly #names: string[] = [];

  constructor(channel: () => Channel | null) {
    this.#channel = channel;
  }

  /** getaddrinfo. */
  resolve(question: Question): readonly Endpoint[] | Failure {
    const { service, family, kind, passive } = question;
    const port = service === null || service === '' ? 0 : parsePort(service);
    const host = question.host === 'localhost' ? NO_HOST.active[family || 4] : question.host;
    if (port !== null) {
      if (host === null) {
        return [{ family: family || 4, address: NO_HOST[passive ? 'passive' : 'active'][family || 4], port }];
      }
      const literal = literalOf(host);
      if (literal !== null) {
        return family === 0 || literal.family === family ? [{ ...literal, port }] : new Failure('EAI_NONAME');
      }
    }
    const channel = this.#channel();
    if (channel === null) return new Failure('EAI_AGAIN');
    const use = question.numeric ? 'numeric' : passive ? 'bind' : 'connect';
    if (question.numeric && port !== null) return new Failure('EAI_NONAME');
    const lookup = channel.lookup(host, service, family, kind, use);
    if (lookup.settled) return lookup.result;
    if (port === null || host === null || question.numeric) return new Failure('EAI_AGAIN');
    return [{ family: family || 4, address: this.#standIn(host, family || 4), port }];
  }

  /** gethostbyname, gethostbyaddr: IPv4 alone. */
  entry(name: string): HostEntry | Failure {
    if (name === 'localhost') return { name, aliases: [], addresses: ['127.0.0.1'] };
    const literal = literalOf(name);
    const known = literal === null ? null : this.#nameOf(literal.address);
    const channel = this.#channel();
    const asked = known ?? name;
    const pending = channel?.hostent(asked);
    if (pending?.settled) {
      if (!(pending.result instanceof Failure) || literal === null) return pending.result;
    }
    if (literal !== null) return { name: asked, aliases: [], addresses: [literal.address] };
    if (channel === null) return new Failure('TRY_AGAIN');
    return { name, aliases: [], addresses: [this.#standIn(name, 4)] };
  }

  /** The name of an address, where it is known by now: getnameinfo. */
  nameOf(address: string): string | null {
    const known = this.#nameOf(address);
    if (known !== null) return known;
    const pending = this.#channel()?.nameinfo(address, null);
    if (!pending?.settled || pending.result instanceof Failure) return null;
    return pending.result.names[0] ?? null;
  }

  /** Where an address leads: elsewhere if it stands for a name. */
  where(endpoint: Endpoint, kind: 'tcp' | 'udp'): Where {
    const name = this.#nameOf(endpoint.address);
    const channel = this.#channel();
    if (name === null || channel === null) return endpoint;
    const lookup = channel.lookup(name, String(endpoint.port), endpoint.family, kind, 'connect');
    if (lookup.settled && !(lookup.result instanceof Failure)) return lookup.result[0] ?? endpoint;
    return { lookup, index: 0 };
  }

  /** An address that stands for a name; the same one for each family as long as the page lives. */
  #standIn(name: string, family: Family): string {
    let index = this.#byName.get(name);
    if (index === undefined) {
      if (this.#names.length === MAX_STAND_INS) {
        this.#names.length = 0;
        this.#byName.clear();
      }
      index = this.#names.push(name) - 1;
      this.#byName.set(name, index);
    }
    const number = index + 1;
    return family === 4 ? `${STAND_IN_V4}${number >>> 8}.${number & 0xff}` : `${STAND_IN_V6}${number.toString(16)}`;
  }

  #nameOf(address: string): string | null {
    if (address.startsWith(STAND_IN_V4)) {
      const [, , high, low] = address.split('.');
      return this.#names[Number(high) * 256 + Number(low) - 1] ?? null;
    }
    if (!address.startsWith(STAND_IN_V6)) return null;
    return this.#names[Number.parseInt(address.slice(STAND_IN_V6.length), 16) - 1] ?? null;
  }
}

/** An address as inet_aton and inet_pton read it. */
function literalOf(text: string): { family: Family; address: string } | null {
  const literal = parseAddress(text);
  if (literal !== null) return literal;
  const address = aton(text);
  return address === null ? null : { family: 4, address };
}
