/**
 * The gate: every operation of a session passes here before a socket or the resolver is asked. It puts the question
 * to the policy, and knows the few facts about this machine and this session that a verdict needs; it opens nothing
 * itself.
 */
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Endpoint } from '@luasocket-web/shared/address';
import type { OptionValue } from '@luasocket-web/shared/frames';
import type { Claims } from './policy/claims.ts';
import { explain } from './policy/explain.ts';
import { joinedGroup } from './policy/options.ts';
import { judge, type Operation, type Surroundings } from './policy/policy.ts';
import { SystemFailure } from './sockets/socket.ts';

/** Addresses whose names are remembered, and destinations whose verdict is. */
const MAX_REMEMBERED = 256;

export class Gate {
  readonly claims: Claims;
  readonly #around: Surroundings;
  readonly #denied: (operation: Operation, reason: string) => void;
  /** Address -> the names that gave it. */
  readonly #names = new Map<string, string>();
  /** Destinations that have passed: a verdict is pure, and the same few are asked for again and again. */
  readonly #passed = new Set<string>();

  /** @param denied told each refusal with its reason; the client learns it only where its claims say so. */
  constructor(claims: Claims, around: Surroundings, denied: (operation: Operation, reason: string) => void) {
    this.claims = claims;
    this.#around = around;
    this.#denied = denied;
  }

  /** @throws SystemFailure EACCES when the policy denies it. */
  pass(operation: Operation): void {
    const denial = judge(this.claims, this.#withNames(operation), this.#around);
    if (denial === null) return;
    // bind(2) to an address that is nobody's here fails by itself, with its own error; there is nothing to protect. A
    // stranger's refusal does not tell which addresses are this machine's.
    if (operation.name === 'bind' && !this.claims.guarded && !isLocal(operation.at)) return;
    this.#denied(operation, denial);
    throw new SystemFailure('EACCES', this.claims.reasons ? explain(operation, denial) : undefined);
  }

  /** The same for a destination. @throws SystemFailure EACCES */
  passDestination(operation: Extract<Operation, { name: 'connect' | 'sendto' }>): void {
    const { at } = operation;
    const kind = operation.name === 'connect' ? operation.kind : 'udp';
    const key = `${kind} ${at.address} ${at.port} ${at.scope ?? 0}`;
    if (this.#passed.has(key)) return;
    this.pass(operation);
    if (this.#passed.size >= MAX_REMEMBERED) this.#passed.clear();
    this.#passed.add(key);
  }

  /** What may be answered with false instead of a refusal. */
  allows(operation: Operation): boolean {
    const denial = judge(this.claims, operation, this.#around);
    if (denial !== null) this.#denied(operation, denial);
    return denial === null;
  }

  /** Options that reach beyond the socket. */
  option(name: string, value: OptionValue): void {
    this.pass({ name: 'option', option: name, value });
    const group = joinedGroup(name, value);
    if (group !== null) this.pass({ name: 'join', group });
  }

  /** The answers of a look-up: one bad one refuses the name. @throws SystemFailure EACCES */
  answers(host: string | null, found: readonly Pick<Endpoint, 'address'>[]): void {
    if (host === null) return;
    for (const { address } of found) this.pass({ name: 'answer', address });
    if (isIP(host) !== 0) return;
    for (const { address } of found) {
      if (this.#names.size >= MAX_REMEMBERED) this.#names.clear();
      this.#names.set(address, host);
    }
  }

  /** A name of this machine's socket, as the session may see it: the relay's own addresses are not for strangers. */
  localName(name: Endpoint): Endpoint {
    if (this.claims.interfaces) return name;
    return { family: name.family, address: name.family === 4 ? '0.0.0.0' : '::', port: name.port };
  }

  #withNames(operation: Operation): Operation {
    if (operation.name !== 'connect' && operation.name !== 'sendto') return operation;
    const name = this.#names.get(operation.at.address);
    return name === undefined ? operation : { ...operation, via: [name] };
  }
}

/** What every verdict must know of this machine. */
export function surroundings(ownPorts: readonly number[], services: Surroundings['services']): Surroundings {
  return { ownPorts, services, ownAddresses: ownAddresses() };
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
}

function isLocal(at: Endpoint): boolean {
  return ownAddresses().some((address) => address === at.address || `::ffff:${address}` === at.address);
}
