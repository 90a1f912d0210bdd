/**
 * The scenario that grows, and what is known of its sockets: only as much as it takes to keep out operations whose
 * outcome is not determined. The outcome itself nobody foretells here.
 */
import type { Json, Operation } from '../scenario.ts';
import { shortTime } from './arguments.ts';
import { Dice } from './dice.ts';

/** `rc1`: all of LuaSocket 3.0-rc1; `common`: only what 3.1.0 does in the same way. */
export type Dialect = 'rc1' | 'common';

/** Operations that stay together when a scenario is shrunk. */
export type Step = readonly Operation[];

export type Kind = 'master' | 'client' | 'server' | 'udp' | 'connected';

export interface Sock {
  readonly id: string;
  kind: Kind;
  readonly family: 4 | 6;
  /** It was closed, or its descriptor taken away. */
  closed: boolean;
  /** Where results of its getsockname are, if it has a port to which others may connect or send. */
  name: string | null;
  /** The other end of a connection, while both are known to be open. */
  peer: Sock | null;
  /** It, or the other end, was shut, closed or handed to a source or sink. */
  parted: boolean;
  /** Its sending direction was shut. */
  shut: boolean;
  /** It was bound, or has listened or connected. */
  used: boolean;
  /** Connections that wait for accept. */
  readonly queue: Sock[];
  /** Its queue holds as many as come here. */
  roomy: boolean;
  /** Bytes sent from here that the other end may not have read. */
  underway: number;
}

/** Unread bytes that fit any socket's buffers. */
export const MOST_UNDERWAY = 30_000;

/** Seconds until what an operation causes has come to the other end; real LuaSocket's kernel needs none. */
const SETTLE = 0.03;

export const call = (name: string, args: readonly Json[] = [], rest: Partial<Operation> = {}): Operation => ({
  ...rest,
  call: name,
  args,
});

export const method = (
  sock: { readonly id: string },
  name: string,
  args: readonly Json[] = [],
  rest: Partial<Operation> = {},
): Operation => ({
  ...rest,
  on: sock.id,
  call: name,
  args,
});

export const ref = (path: string): Json => ({ $ref: path });

/** A function that runs operations. */
export const doing = (operations: readonly Operation[]): Json => ({ $do: operations as unknown as readonly Json[] });

/** Gives what went before time to arrive. */
export const settle: Operation = { call: 'socket.sleep', args: [SETTLE], drop: true };

/** Closes what a failed call has left behind, so that the next descriptors are the same whenever garbage is collected. */
export const collect: Operation = { call: 'gc', args: [] };

export class World {
  readonly dice: Dice;
  readonly rc1: boolean;
  readonly steps: Step[] = [];
  readonly socks: Sock[] = [];
  #names = 0;

  constructor(seed: number, dialect: Dialect) {
    this.dice = new Dice(seed);
    this.rc1 = dialect === 'rc1';
  }

  /** An id that no operation has yet. */
  fresh(letter: string): string {
    this.#names++;
    return `${letter}${this.#names}`;
  }

  step(...operations: Operation[]): void {
    this.steps.push(operations);
  }

  add(id: string, kind: Kind, family: 4 | 6): Sock {
    const sock: Sock = {
      id,
      kind,
      family,
      closed: false,
      name: null,
      peer: null,
      parted: false,
      shut: false,
      used: false,
      queue: [],
      roomy: false,
      underway: 0,
    };
    this.socks.push(sock);
    return sock;
  }

  /** A socket for which `fits` holds, mostly one of the latest; null if there is none. */
  find(fits: (sock: Sock) => boolean = () => true): Sock | null {
    const fitting = this.socks.filter(fits);
    if (fitting.length === 0) return null;
    return this.dice.chance(0.5) ? this.dice.pick(fitting.slice(-3)) : this.dice.pick(fitting);
  }

  /** The port of a socket that has a name. */
  port(sock: Sock): Json {
    return ref(`${sock.name}.2`);
  }

  /** The operation that asks for the socket's name and keeps it. */
  named(sock: Sock): Operation {
    sock.name = this.fresh('n');
    return method(sock, 'getsockname', [], { id: sock.name, mask: [2] });
  }

  /** Both ends no longer know of each other. */
  part(sock: Sock): void {
    if (sock.peer !== null) {
      sock.peer.parted = true;
      sock.peer.peer = null;
    }
    sock.parted = true;
    sock.peer = null;
  }
}

/** The loopback address of a family. */
export const loopback = (family: 4 | 6): string => (family === 4 ? '127.0.0.1' : '::1');

/** Seconds; long enough for whatever is bound to succeed. */
export const PATIENT = 5;

/** A short time limit for a socket. */
export const short = (world: World, sock: Sock): Operation => method(sock, 'settimeout', [shortTime(world.dice)]);

/** The function that makes an object. */
export function maker(world: World, protocol: 'tcp' | 'udp', family: 4 | 6): string {
  if (family === 6) return `socket.${protocol}6`;
  return world.rc1 && world.dice.chance(0.5) ? `socket.${protocol}` : `socket.${protocol}4`;
}

export const anyFamily = (world: World): 4 | 6 => (world.dice.chance(0.75) ? 4 : 6);
