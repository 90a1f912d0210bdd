/**
 * The gate: every operation of a session passes here before a socket or the resolver is asked. It puts the question
 * to the policy, and knows the few facts about this machine that a verdict needs; it opens nothing itself.
 */
import { networkInterfaces } from 'node:os';
import type { Endpoint } from '@luasocket-web/shared/address';
import type { OptionValue } from '@luasocket-web/shared/frames';
import { type Claims, judge, type Operation, type Surroundings } from './policy/policy.ts';
import { SystemFailure } from './sockets/socket.ts';

export class Gate {
  readonly #claims: Claims;
  readonly #around: Surroundings;
  readonly #denied: (operation: Operation, reason: string) => void;

  /** @param denied told each refusal with its reason; the client learns only that there was one. */
  constructor(claims: Claims, around: Surroundings, denied: (operation: Operation, reason: string) => void) {
    this.#claims = claims;
    this.#around = around;
    this.#denied = denied;
  }

  /** @throws SystemFailure EACCES when the policy denies it. */
  pass(operation: Operation): void {
    const denial = judge(this.#claims, operation, this.#around);
    if (denial === null) return;
    // bind(2) to an address that is nobody's here fails by itself, with its own error; there is nothing to protect.
    if (operation.name === 'bind' && granted(this.#claims) && !isLocal(operation.at)) return;
    this.#denied(operation, denial);
    throw new SystemFailure('EACCES');
  }

  /** Options that reach beyond the socket: joining a multicast group. */
  option(name: string, value: OptionValue): void {
    if (name !== 'ip-add-membership' && name !== 'ipv6-add-membership') return;
    const group = typeof value === 'object' && value !== null && 'multiaddr' in value ? value.multiaddr : null;
    if (typeof group === 'string') this.pass({ name: 'join', group });
  }
}

/** Whether the session may bind at all; else a refusal must not tell which addresses are this machine's. */
function granted(claims: Claims): boolean {
  return claims.bind.tcp.length > 0 || claims.bind.udp.length > 0;
}

function isLocal(at: Endpoint): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === at.address || `::ffff:${address}` === at.address),
  );
}
