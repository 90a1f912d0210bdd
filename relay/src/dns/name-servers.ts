/**
 * Questions to name servers, through c-ares, with the answers and codes that glibc's resolver would give for them
 * (LuaSocket hands those through). It asks whatever it is told to ask: local names and policy come before.
 */
import { Resolver } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import type { Family } from '@luasocket-web/shared/address';
import type { OutcomeCode } from '@luasocket-web/shared/errors';
import { type HostEntry, LookupError } from '../os/resolver-library.ts';

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
}

export class NameServers {
  readonly #resolver: Resolver;

  /** @param servers `IP` or `IP:PORT`; none: the system's. */
  constructor(servers: readonly string[]) {
    this.#resolver = new Resolver({ timeout: TIMEOUT_MILLISECONDS, tries: TRIES });
    if (servers.length > 0) this.#resolver.setServers(servers);
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
      this.#resolver.resolve4(query).catch((error: unknown) => Promise.reject(fail(error, 'hostent'))),
      this.#aliases(query),
    ]);
    if (addresses.length === 0) throw new LookupError('NO_DATA');
    return { name: chain.at(-1) ?? query, aliases: chain.slice(0, -1), addresses };
  }

  /** As gethostbyaddr(3): the names of an address, the first is the principal one. Rejects with LookupError. */
  async reverse(address: string): Promise<readonly [string, ...string[]]> {
    const names = await this.#resolver.reverse(address).catch((error: unknown) => {
      const failure = fail(error, 'hostent');
      // An address without a name is unknown, not a host without data.
      return Promise.reject(failure.code === 'NO_DATA' ? new LookupError('HOST_NOT_FOUND') : failure);
    });
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
      const ask = family === 4 ? this.#resolver.resolve4(name) : this.#resolver.resolve6(name);
      return (await ask).map((address) => ({ family, address }));
    } catch (error) {
      return fail(error, 'addrinfo');
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
