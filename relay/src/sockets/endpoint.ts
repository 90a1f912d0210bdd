/** Between endpoints and the texts that `net` and `dgram` speak. */
import { networkInterfaces } from 'node:os';
import type { Endpoint, Family } from '@luasocket-web/shared/address';
import type { System } from '../os/system.ts';

/** What stands where the system has no name to tell (a connection that was reset before it was looked at). */
export function nowhere(family: Family): Endpoint {
  return { family, address: family === 4 ? '0.0.0.0' : '::', port: 0 };
}

/** An address as Node prints it (libuv's inet_ntop, with `%interface` on link-local ones). */
export function endpointOf(system: System | null, text: string, port: number): Endpoint {
  const family = text.includes(':') ? 6 : 4;
  const zone = text.indexOf('%');
  if (zone < 0) return { family, address: text, port };
  const name = text.slice(zone + 1);
  const scope = system?.interfaceIndex(name) || zoneIndex(name);
  return { family, address: text.slice(0, zone), port, ...(scope !== 0 && { scope }) };
}

/** The text that Node takes for an endpoint's address. */
export function addressText(system: System | null, endpoint: Endpoint): string {
  const { address, scope } = endpoint;
  if (scope === undefined || scope === 0) return address;
  return `${address}%${system?.interfaceName(scope) ?? zoneName(scope)}`;
}

function zoneIndex(name: string): number {
  const addresses = networkInterfaces()[name] ?? [];
  for (const address of addresses) if (address.family === 'IPv6' && address.scopeid > 0) return address.scopeid;
  return /^\d+$/.test(name) ? Number(name) : 0;
}

function zoneName(index: number): string {
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    if (addresses?.some((address) => address.family === 'IPv6' && address.scopeid === index)) return name;
  }
  return String(index);
}
