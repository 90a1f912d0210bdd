/**
 * Questions to name servers, through c-ares, with the answers and codes that glibc's resolver would give for them
 * (LuaSocket hands those through). It asks whatever it is told to ask: local names and policy come before.
 */
import { Resolver } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import type { Family } from '@luasocket-web/shared/address';
import type { OutcomeCode } from '@luasocket-web/shared/errors';
import { type HostEntry, LookupError } from '../os/resolver-library.ts';

const DNS_PORT = 53;
const TIMEOUT_MILLISECONDS = 3000;
const TRIES = 2;
/** Aliases of aliases that are followed. */
const MAX_ALIASES = 8;

/** c-ares' code -> getaddrinfo's, gethostbyname's. */
const CODES: ReadonlyMap<string, readonly [OutcomeCode, OutcomeCode]> = new Map([
  ['ENOTFOUND', ['EAI_NONAME', 'HOST_NOT_FOUND']],
  ['EBADNAME', ['EAI_NONAME', 'HOST_NOT_FOUND']],
  ['ENODATA', ['EAI_NODATA', 'NO_DATA']],
  ['ESERVFAIL', ['EAI_AGAIN', 'TRY_AGAIN']],
  ['EREFUSED', ['EAI_AGAIN', 'TRY_AGAIN']],
  ['ECONNREFUSED', ['EAI_AGAIN', 'TRY_AGAIN']],
  ['ETIMEOUT', ['EAI_AGAIN', 'TRY_AGAIN']],
  ['ECANCELLED', ['EAI_AGAIN', 'TRY_AGAIN']],
  ['ENOMEM', ['EAI_MEMORY', 'NO_RECOVERY']],
]);

export interface Address {
  readonly family: Family;
  readonly address: string;
  /** Seconds that the record holds. */
  readonly ttl: number;
}

/** Failures that are remembered; beyond it the oldest is forgotten. */
const MAX_FAILURES = 4096;

export class NameServers {
  readonly #resolver: Resolver;
  readonly #failureMilliseconds: number;
  /** What failed -> how, and until when (performance.now) nobody is asked again. */
  readonly #failures = new Map<string, { readonly failure: LookupError; readonly until: number }>();

  /**
   * @param servers `IP` or `IP:PORT`; none: the system's.
   * @param failureSeconds for which a failed question is answered without asking again, so that names that do not exist
   * cost strangers' look-ups, and not the name servers.
   */
  constructor(servers: readonly string[], failureSeconds = 0) {
    this.#failureMilliseconds = failureSeconds * 1000;
    this.#resolver = new Resolver({ timeout: TIMEOUT_MILLISECONDS, tries: TRIES });
    if (servers.length > 0) this.#resolver.setServers(servers);
  }

  /** Who is asked. */
  get places(): { readonly address: string; readonly port: number }[] {
    return this.#resolver.getServers().map((text) => {
      const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([\d.]+))(?::(\d+))?$/.exec(text) ?? [];
      return { address: bracketed ?? plain ?? text, port: Number(port ?? DNS_PORT) };
    });
  }

  /** As getaddrinfo(3): addresses of a name, in the order of RFC 6724 as far as it matters. Rejects with LookupError. */
  async addresses(name: string, family: Family | 0): Promise<readonly Address[]> {
    const wanted = family === 0 ? familiesInOrder() : [family];
    const answers = await Promise.all(wanted.map((one) => this.#query(name, one)));
    const found = answers.flatMap((answer) => (answer instanceof LookupError ? [] : answer));
    if (found.length > 0) return found;
    const failures = answers.filter((answer) => answer instanceof LookupError);
    // A server that did not answer for one family may know the other: that is worth asking again.
    throw failures.find((failure) => failure.code === 'EAI_AGAIN') ?? failures[0] ?? new LookupError('EAI_NODATA');
  }

  /** As gethostbyname(3): IPv4 only, with the canonical name. Rejects with LookupError. */
  async host(name: string): Promise<HostEntry> {
    const query = name.endsWith('.') ? name.slice(0, -1) : name;
    const [addresses, chain] = await Promise.all([
      this.#remembering(`host ${query}`, 'hostent', () => this.#resolver.resolve4(query, { ttl: true })),
      this.#aliases(query),
    ]);
    if (addresses.length === 0) throw new LookupError('NO_DATA');
    return {
      name: chain.at(-1) ?? query,
      aliases: chain.slice(0, -1),
      addresses: addresses.map(({ address }) => address),
      ttl: Math.min(...addresses.map(({ ttl }) => ttl)),
    };
  }

  /** As gethostbyaddr(3): the names of an address, the first is the principal one. Rejects with LookupError. */
  async reverse(address: string): Promise<readonly [string, ...string[]]> {
    const names = await this.#remembering(`reverse ${address}`, 'hostent', () => this.#resolver.reverse(address)).catch(
      (failure: unknown) => {
        // An address without a name is unknown, not a host without data.
        const unknown = failure instanceof LookupError && failure.code === 'NO_DATA';
        return Promise.reject(unknown ? new LookupError('HOST_NOT_FOUND') : failure);
      },
    );
    const [first, ...others] = names;
    if (first === undefined) throw new LookupError('HOST_NOT_FOUND');
    return [first, ...others];
  }

  /** Ends every question under way. */
  close(): void {
    this.#resolver.cancel();
  }

  async #query(name: string, family: Family): Promise<Address[] | LookupError> {
    try {
      const found = await this.#remembering(`${family} ${name}`, 'addrinfo', () =>
        family === 4 ? this.#resolver.resolve4(name, { ttl: true }) : this.#resolver.resolve6(name, { ttl: true }),
      );
      return found.map(({ address, ttl }) => ({ family, address, ttl }));
    } catch (error) {
      if (error instanceof LookupError) return error;
      throw error;
    }
  }

  /** Asks, unless that has just failed. Rejects with LookupError. */
  async #remembering<T>(question: string, by: 'addrinfo' | 'hostent', ask: () => Promise<T>): Promise<T> {
    const key = question.toLowerCase();
    const known = this.#failures.get(key);
    if (known && known.until > performance.now()) throw known.failure;
    this.#failures.delete(key);
    try {
      return await ask();
    } catch (error) {
      const failure = fail(error, by);
      if (this.#failureMilliseconds > 0) {
        this.#failures.set(key, { failure, until: performance.now() + this.#failureMilliseconds });
        for (const oldest of this.#failures.keys()) {
          if (this.#failures.size <= MAX_FAILURES) break;
          this.#failures.delete(oldest);
        }
      }
      throw failure;
    }
  }

  /** The name and what it is an alias of, in order; the last is the canonical name. */
  async #aliases(name: string): Promise<string[]> {
    const chain = [name];
    while (chain.length <= MAX_ALIASES) {
      const [target] = await this.#resolver.resolveCname(chain.at(-1) ?? name).catch(() => []);
      if (target === undefined || chain.includes(target)) break;
      chain.push(target);
    }
    return chain;
  }
}

function fail(error: unknown, by: 'addrinfo' | 'hostent'): LookupError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const [addrinfo, hostent] = CODES.get(code) ?? (['EAI_FAIL', 'NO_RECOVERY'] as const);
  return new LookupError(by === 'addrinfo' ? addrinfo : hostent);
}

/** IPv6 first where this machine has an IPv6 address that leads anywhere (RFC 6724, rules 1 and 2), else last. */
function familiesInOrder(): readonly [Family, Family] {
  const usable = Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ family, internal, address }) => family === 'IPv6' && !internal && !address.startsWith('fe80')),
  );
  return usable ? [6, 4] : [4, 6];
}
