/**
 * The resolver's library where the C library's cannot be called: Node's `lookup` and `lookupService`, and the system's
 * table of services. Codes are as near to netdb.h's as Node tells them.
 */
import { lookup, lookupService } from 'node:dns';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { type Endpoint, type Family, parseAddress } from '@luasocket-web/shared/address';
import { type HostEntry, LookupError, type ResolverLibrary } from '../os/resolver-library.ts';
import { classifyHost } from './host-text.ts';

const SERVICE_FILES = ['/etc/services', 'C:\\Windows\\System32\\drivers\\etc\\services'];
const WELL_KNOWN = 'ftp 21/tcp\nsmtp 25/tcp\nhttp 80/tcp\nhttps 443/tcp\ndomain 53/tcp\ndomain 53/udp\n';

export function createPortableLibrary(): ResolverLibrary {
  const services = new Map<string, number>();
  for (const line of readServices().split('\n')) {
    const [, name, port, protocol, others] = /^([^\s#]+)\s+(\d+)\/(tcp|udp)([^#]*)/.exec(line) ?? [];
    for (const each of [name, ...(others?.split(/\s+/) ?? [])]) {
      if (each) services.set(`${each}/${protocol}`, Number(port));
    }
  }
  return {
    async addresses(node, service, hints) {
      const port = readPort(service, hints.kind, hints.numericService, services);
      const families: readonly Family[] = hints.family === 0 ? [6, 4] : [hints.family];
      if (node === null) {
        const any = { 4: hints.passive ? '0.0.0.0' : '127.0.0.1', 6: hints.passive ? '::' : '::1' };
        return families.map((family) => ({ family, address: any[family], port }));
      }
      if (hints.numericHost && classifyHost(node, new Set()) !== 'numeric') throw new LookupError('EAI_NONAME');
      const literal = parseAddress(node);
      if (literal && !families.includes(literal.family)) throw new LookupError('EAI_ADDRFAMILY');
      return (await lookUp(node, hints.family)).map((found) => ({ ...found, port }));
    },
    names: ({ address, port }) =>
      new Promise((resolve, reject) => {
        lookupService(address, port, (error, host, service) =>
          error ? reject(new LookupError(toCode(error))) : resolve({ host, service }),
        );
      }),
    async hostByName(name): Promise<HostEntry> {
      const found = await lookUp(name, 4).catch(() => []);
      if (found.length === 0) throw new LookupError('HOST_NOT_FOUND');
      return { name, aliases: [], addresses: found.map(({ address }) => address) };
    },
    async hostByAddress(address): Promise<HostEntry> {
      const { host } = await this.names({ family: 4, address, port: 0 });
      if (isIP(host)) throw new LookupError('HOST_NOT_FOUND');
      return { name: host, aliases: [], addresses: [address] };
    },
  };
}

function lookUp(node: string, family: Family | 0): Promise<Omit<Endpoint, 'port'>[]> {
  return new Promise((resolve, reject) => {
    // Without hints, as LuaSocket asks (inet.c): AI_ADDRCONFIG would lose localhost on a machine without a network.
    lookup(node, { all: true, family, hints: 0 }, (error, found) => {
      if (error) reject(new LookupError(toCode(error)));
      else resolve(found.map(({ address, family: by }) => ({ family: by === 6 ? 6 : 4, address })));
    });
  });
}

function toCode(error: NodeJS.ErrnoException): 'EAI_NONAME' | 'EAI_AGAIN' | 'EAI_FAIL' {
  if (error.code === 'ENOTFOUND') return 'EAI_NONAME';
  return error.code === 'EAI_AGAIN' ? 'EAI_AGAIN' : 'EAI_FAIL';
}

/** As getaddrinfo: decimal, modulo 65536, "" is 0; or a service of the protocol. */
function readPort(
  service: string | null,
  kind: 'stream' | 'datagram',
  numeric: boolean,
  services: ReadonlyMap<string, number>,
): number {
  if (service === null) return 0;
  if (/^\s*\d*$/.test(service)) return Number(BigInt(service.trim() || 0) % 65_536n);
  if (numeric && !/^\s*[-+]?\d+$/.test(service)) throw new LookupError('EAI_NONAME');
  const port = services.get(`${service}/${kind === 'stream' ? 'tcp' : 'udp'}`);
  if (port === undefined) throw new LookupError('EAI_SERVICE');
  return port;
}

function readServices(): string {
  for (const file of SERVICE_FILES) {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      // Not this system's place for it.
    }
  }
  return WELL_KNOWN;
}
