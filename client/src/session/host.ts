/** What the connection needs of the place it runs in. The one file of the session that touches clocks and timers. */

import { report, soon } from '../soon.ts';

export interface Host {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Seconds since 1970 by this machine's clock. */
  wall(): number;
  /** Calls `run` after so many milliseconds, unless the returned function is called before. */
  after(milliseconds: number, run: () => void): () => void;
  /** Calls `run` at the end of this turn. */
  soon(run: () => void): void;
  /** Tells the program of an error in what it gave us to call, as though nobody had called it: by `error` events, say. */
  report(error: unknown): void;
  /** Calls `run` after this turn and the Promises that it settles. */
  later(run: () => void): void;
  /** 0 <= x < 1. */
  random(): number;
  /** HMAC-SHA-256; null where there is none, and so no way to resume: browsers keep WebCrypto from insecure pages. */
  readonly hmac: ((key: Uint8Array, data: Uint8Array) => Promise<Uint8Array>) | null;
}

/** Browsers, their workers, and Node. */
export function systemHost(): Host {
  const subtle = globalThis.crypto?.subtle;
  return {
    now: () => performance.now(),
    wall: () => Date.now() / 1000,
    after: (milliseconds, run) => {
      const timer = setTimeout(run, milliseconds);
      return () => clearTimeout(timer);
    },
    soon,
    report,
    later: laterOn(),
    random: () => Math.random(),
    hmac: subtle ? (key, data) => hmac(subtle, key, data) : null,
  };
}

/** Not by a timer, which browsers slow down in pages that are hidden. */
function laterOn(): (run: () => void) => void {
  // Node; there a channel would keep the process alive.
  const { setImmediate } = globalThis as { setImmediate?: (run: () => void) => unknown };
  if (setImmediate) return (run) => void setImmediate(run);
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return (run) => {
    waiting.push(run);
    port2.postMessage(null);
  };
}

async function hmac(subtle: SubtleCrypto, key: Uint8Array, data: Uint8Array): Promise<Uint8Array> {
  // Copies, since WebCrypto takes no views of shared memory and the types say so.
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const imported = await subtle.importKey('raw', new Uint8Array(key), algorithm, false, ['sign']);
  return new Uint8Array(await subtle.sign('HMAC', imported, new Uint8Array(data)));
}
