/**
 * Look-ups as LuaSocket makes them: which goes to the C library (numbers, services, this machine's own names) and which
 * to name servers. Refusals are LookupErrors with netdb.h's codes. Asks no policy; its callers do.
 */
import { hostname as systemHostname } from 'node:os';
import { type Endpoint, type Family, parseAddress, parsePort } from '@luasocket-web/shared/address';
import { MAX_ADDRESSES } from '@luasocket-web/shared/limits';
import {
  type AddressHints,
  type HostEntry,
  LookupError,
  loadResolverLibrary,
  type ResolverLibrary,
} from '../os/resolver-library.ts';
import { classifyHost, isLoopbackAddress } from './host-text.ts';
import { NameServers } from './name-servers.ts';
import { createPortableLibrary } from './portable.ts';

/** What a look-up is for; it decides getaddrinfo's flags (PROTOCOL.md, section 7). */
export type Use = 'connect' | 'bind' | 'numeric' | 'names';

export interface Question {
  /** Null: no host, which is the wildcard for `bind` and loopback otherwise. */
  readonly host: string | null;
  readonly service: string | null;
  readonly family: Family | 0;
  readonly kind: 'stream' | 'datagram';
  readonly use: Use;
}

/** One address of an answer. */
export interface Found extends Endpoint {
  /** Seconds that it holds, where a name server told. */
  readonly ttl?: number;
}

/** Who decides what may be looked up and told. */
export interface Asker {
  /** Whether the name of an address may be asked for. */
  mayReverse(address: string): boolean;
  /** The addresses of a name. @throws what refuses them */
  answers(found: readonly { readonly address: string }[]): void;
}

export interface NamesOptions {
  /** Name servers, `IP` or `IP:PORT`; none: the system's. */
  readonly servers: readonly string[];
  /** What `hostname` answers; undefined: the machine's. */
  readonly hostname: string | undefined;
  /** Whether the machine's own name is looked up as the machine does it. */
  readonly ownName: boolean;
  /** Seconds for which a failed look-up is not asked again; default: it always is. */
  readonly failureSeconds?: number;
  /** For tests of platforms without the C library's resolver; default: the best there is. */
  readonly library?: ResolverLibrary;
}

export class Names {
  readonly #library: ResolverLibrary;
  readonly #servers: NameServers;
  readonly #own: ReadonlySet<string>;
  readonly hostname: string;

  constructor(options: NamesOptions) {
    this.#library = options.library ?? loadResolverLibrary() ?? createPortableLibrary();
    this.#servers = new NameServers(options.servers, options.failureSeconds ?? 0);
    this.#own = new Set(['localhost', ...(options.ownName ? [systemHostname().toLowerCase()] : [])]);
    this.hostname = options.hostname ?? systemHostname();
  }

  /** The name servers that are asked. */
  get servers(): readonly { readonly address: string; readonly port: number }[] {
    return this.#servers.places;
  }

  /** getaddrinfo(3); at most MAX_ADDRESSES answers. */
  async resolve(question: Question): Promise<readonly Found[]> {
    const known = fromText(question);
    if (known !== null) return [known];
    const { host, service, family, kind } = question;
    const hints: AddressHints = {
      family,
      kind,
      passive: question.use === 'bind',
      numericHost: question.use === 'numeric',
      numericService: question.use === 'numeric',
    };
    const what = host === null ? 'own' : classifyHost(host, this.#own);
    if (hints.numericHost || what === 'own') return cut(await this.#library.addresses(host, service, hints));
    if (what === 'numeric') return cut(await this.#library.addresses(host, service, { ...hints, numericHost: true }));
    // getaddrinfo looks at the service first.
    const port = service === null ? 0 : await this.#port(service, hints);
    if (host === null || what === 'invalid') throw new LookupError('EAI_NONAME');
    return cut((await this.#servers.addresses(host, family)).map((address) => ({ ...address, port })));
  }

  /**
   * dns.getnameinfo (inet_global_getnameinfo in inet.c): getaddrinfo, then getnameinfo for each address.
   */
  async nameinfo(
    host: string | null,
    service: string | null,
    asker: Asker,
  ): Promise<{ readonly names: readonly string[]; readonly service: string | null }> {
    const found = await this.resolve({ host, service, family: 0, kind: 'stream', use: 'connect' });
    asker.answers(found);
    const names = host === null ? [] : await Promise.all(found.map((endpoint) => this.#nameOf(endpoint, asker)));
    if (service === null) return { names, service: null };
    const port = found[0]?.port ?? 0;
    const named = await this.#library.names({ family: 4, address: '127.0.0.1', port });
    return { names, service: named.service };
  }

  /** gethostbyaddr(3) of a text that inet_aton reads, else gethostbyname(3) (inet_gethost in inet.c). */
  async hostent(name: string, asker: Asker): Promise<HostEntry> {
    switch (classifyHost(name, this.#own)) {
      case 'own':
        return this.#library.hostByName(name);
      case 'name': {
        const entry = await this.#servers.host(name);
        asker.answers(entry.addresses.map((address) => ({ address })));
        return entry;
      }
      case 'invalid':
        // glibc takes the empty name for a question that nobody can answer.
        throw new LookupError(name === '' ? 'NO_RECOVERY' : 'HOST_NOT_FOUND');
      case 'numeric': {
        const hints: AddressHints = {
          family: 4,
          kind: 'stream',
          passive: false,
          numericHost: true,
          numericService: false,
        };
        const [found] = await this.#library.addresses(name, null, hints).catch(() => []);
        if (!found || !asker.mayReverse(found.address)) throw new LookupError('HOST_NOT_FOUND');
        if (isLoopbackAddress(found.address)) return this.#library.hostByAddress(found.address);
        const [principal, ...aliases] = await this.#servers.reverse(found.address);
        return { name: principal, aliases, addresses: [found.address] };
      }
    }
  }

  close(): void {
    this.#servers.close();
  }

  async #port(service: string, hints: AddressHints): Promise<number> {
    // glibc takes a lone asterisk for no service.
    const plain = service === '*' ? 0 : parsePort(service);
    if (plain !== null) return plain;
    const [endpoint] = await this.#library.addresses(null, service, { ...hints, family: 0 });
    return endpoint?.port ?? 0;
  }

  /** The first name of an address; its numbers when it has none, as getnameinfo(3) without NI_NAMEREQD. */
  async #nameOf(endpoint: Endpoint, asker: Asker): Promise<string> {
    if (!asker.mayReverse(endpoint.address)) return endpoint.address;
    if (isLoopbackAddress(endpoint.address)) {
      // LuaSocket ignores a failure here, and answers whatever its buffer holds.
      return this.#library.names(endpoint).then(
        ({ host }) => host,
        () => endpoint.address,
      );
    }
    const [name] = await this.#servers.reverse(endpoint.address).catch(() => [endpoint.address]);
    return name ?? endpoint.address;
  }
}

/** The answer where nobody need be asked: plain numbers, as most are. Null: ask the library. */
function fromText({ host, service, family, use }: Question): Endpoint | null {
  const port = service === null ? 0 : parsePort(service);
  if (port === null) return null;
  if (host === null) {
    if (family === 0) return null;
    const passive = use === 'bind';
    return { family, address: family === 4 ? (passive ? '0.0.0.0' : '127.0.0.1') : passive ? '::' : '::1', port };
  }
  const literal = parseAddress(host);
  return literal && (family === 0 || family === literal.family) ? { ...literal, port } : null;
}

function cut(endpoints: readonly Found[]): readonly Found[] {
  return endpoints.slice(0, MAX_ADDRESSES);
}
