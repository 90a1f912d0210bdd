/**
 * Why a relay has denied something, as text for a developer: `detail` of FAIL and ERROR with EACCES (PROTOCOL.md,
 * section 4). Relays for strangers never tell.
 */

export interface Denial {
  /** `connect`, `sendto`, `bind`, `listen`, `resolve`, `option`, `join`, ... */
  readonly operation: string;
  /** Where to: `192.0.2.1:80`, `[2001:db8::1]:80`, a host, a group, an option's name; null: nowhere in particular. */
  readonly target: string | null;
  readonly reason: string;
}

/** Characters of a target that are told; names have at most 255. */
const MAX_TARGET = 300;

/** `OPERATION TARGET: REASON`; without a target that is long or has spaces. */
export function denialText({ operation, target, reason }: Denial): string {
  const told = target !== null && target.length <= MAX_TARGET && /^\S+$/.test(target);
  return `${operation}${told ? ` ${target}` : ''}: ${reason}`;
}

/** Null: it is no such text. */
export function readDenial(text: string): Denial | null {
  const [, operation, target = null, reason] = /^(\w+)(?: (\S+))?: (.+)$/.exec(text) ?? [];
  return operation === undefined || reason === undefined ? null : { operation, target, reason };
}
