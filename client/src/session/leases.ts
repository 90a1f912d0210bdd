/**
 * Ephemeral ports that the relay has reserved in advance (PROTOCOL.md, section 8), so that who cannot wait for the answer
 * of a bind to port 0 knows the port all the same. The relay grants another one for each that is used.
 */
import type { Family } from '@luasocket-web/shared/address';
import { ProtocolError } from '@luasocket-web/shared/errors';

export class Leases {
  readonly #wanted: number;
  readonly #ports = new Map<string, number[]>();

  /** `wanted`: of each kind and family, as HELLO asked for. */
  constructor(wanted: number) {
    this.#wanted = wanted;
  }

  granted(kind: 'tcp' | 'udp', family: Family, port: number): void {
    const key = keyOf(kind, family);
    const ports = this.#ports.get(key) ?? [];
    if (ports.length >= this.#wanted) throw new ProtocolError('unexpected', 'a LEASE more than was asked for');
    ports.push(port);
    this.#ports.set(key, ports);
  }

  /** The one that was granted first; null when there is none. */
  take(kind: 'tcp' | 'udp', family: Family): number | null {
    return this.#ports.get(keyOf(kind, family))?.shift() ?? null;
  }
}

function keyOf(kind: 'tcp' | 'udp', family: Family): string {
  return `${kind}${family}`;
}
