/** What TCP and UDP objects have in common, on their state. The same few lines stand in tcp.c and udp.c. */
import { Args } from './args.ts';
import type { Context } from './context.ts';
import { INVALID } from './descriptors.ts';
import { toInt } from './lua.ts';
import type { AnyState } from './state.ts';

type Values = readonly unknown[];

/** object:close(): its descriptor is free at once, and calls that wait on it end. */
export function close(context: Context, state: AnyState): [1] {
  const { descriptor } = state;
  state.descriptor = INVALID;
  context.descriptors.close(descriptor);
  return [1];
}

/** object:getfamily() */
export function getFamily(_context: Context, state: AnyState): ['inet4' | 'inet6'] {
  return [state.family === 6 ? 'inet6' : 'inet4'];
}

export function getFd(_context: Context, state: AnyState): number {
  return state.descriptor;
}

/** object:setfd(descriptor): the old one is neither closed nor remembered. */
export function setFd(context: Context, state: AnyState, values: Values): [] {
  state.descriptor = toInt(new Args('setfd', values, context.strings).number(1));
  return [];
}

export function setTimeout(context: Context, state: AnyState, values: Values): [1] {
  return state.timeout.set(new Args('settimeout', values, context.strings));
}
