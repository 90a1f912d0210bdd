/** Turns what refused a call (an errno from os/, an error from Node) into the contract's `SystemFailure`. */
import type { Endpoint } from '@luasocket-web/shared/address';
import { isOutcomeCode, type OutcomeCode } from '@luasocket-web/shared/errors';
import type { System } from '../os/system.ts';
import { SystemFailure } from './socket.ts';

/** Passes an answer of os/ on; a negative errno is thrown. Names are never non-negative numbers. */
export function check(system: System, answer: number): number;
export function check(system: System, answer: Endpoint | number): Endpoint;
export function check(system: System, answer: Endpoint | number): Endpoint | number {
  if (typeof answer === 'number' && answer < 0) throw systemFailure(system, -answer);
  return answer;
}

export function systemFailure(system: System, errno: number): SystemFailure {
  const { code, detail } = system.outcome(errno);
  return new SystemFailure(code, detail);
}

/** An error of `net` or `dgram`. */
export function nodeFailure(error: Error): SystemFailure {
  const code = (error as NodeJS.ErrnoException).code;
  if (code !== undefined && isOutcomeCode(code)) return new SystemFailure(code);
  return new SystemFailure('EAI_SYSTEM', error.message);
}

/** For an option: LuaSocket says one thing, whatever the reason. */
export function optionFailure(code: Extract<OutcomeCode, 'SETSOCKOPT' | 'GETSOCKOPT'>): SystemFailure {
  return new SystemFailure(code);
}
