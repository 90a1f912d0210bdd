/**
 * `luasocket-web/emscripten`: sockets for programs that Emscripten has made, LÖVE games among them, without a change to
 * them. To be installed before the program's script runs.
 */
import type { RelayStatus } from './api.ts';
import { install, type Level } from './emscripten/install.ts';

export type * from './api.ts';

export interface EmscriptenOptions {
  /** The relay's WebSocket endpoint: `ws:` or `wss:`, or relative to the page where the relay serves it (`/relay`). */
  relay: string | URL;
  /** The ticket that a public relay asks for. */
  ticket?: string;
  /**
   * Where sockets are served: `calls`, the system calls of a program, or `websockets`, which its runtime makes for its
   * sockets and where less can be had. By default the first where the program's imports can be read, else the second.
   */
  level?: Level;
}

export interface EmscriptenSockets {
  /** Settles when the relay has welcomed the page; rejects with an Error that says why when it does not. */
  readonly ready: Promise<RelayStatus>;
}

/**
 * Connects to a relay, and gives the sockets of every program that is started from now on in this page to it. A program
 * starts once the relay has answered. What is done, and what went wrong, is reported on the console.
 */
export function installEmscriptenSockets(options: EmscriptenOptions): EmscriptenSockets {
  return install(String(options.relay), options.ticket, options.level ?? null);
}
