/** The state behind an object: its class, its descriptor, its limits. tcp.h and udp.h; checks of class as in auxiliar.c. */

import type { Family } from './channel.ts';
import type { ReadBuffer } from './readbuffer.ts';
import type { TcpClass, UdpClass } from './results.ts';
import type { Timeout } from './timeout.ts';

export interface TcpState {
  class: TcpClass;
  /** -1 when there is none. It may stand for nothing, or for another object's socket, after setfd. */
  descriptor: number;
  /** 0 until an address has decided it (socket.connect). */
  family: Family | 0;
  readonly timeout: Timeout;
  readonly buffer: ReadBuffer;
  /** Bytes taken out of the buffer, and bytes that the kernel took; below 0 they stand for 2^64 more (size_t). */
  received: number;
  sent: number;
  /** When the object was made, on the channel's clock, in seconds. */
  birthday: number;
  /** Reading was shut down here, so that an end may only mean "nothing there yet". */
  deaf: boolean;
}

export interface UdpState {
  class: UdpClass;
  descriptor: number;
  readonly family: Family;
  readonly timeout: Timeout;
}

export type AnyState = TcpState | UdpState;

/** auxiliar_checkclass, with the words of luaL_checkudata as Defold's fork has it. */
export function checkClass(state: AnyState, expected: TcpClass | UdpClass, method: string): void {
  if (state.class !== expected) {
    throw new TypeError(`calling '${method}' on bad self (${expected} expected, got userdata)`);
  }
}
