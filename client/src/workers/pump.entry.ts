/** The script of the pump's worker, `dist/pump.js`: waits to be told where to connect, and becomes a pump. */
import type { WebSocketConstructor } from '../api.ts';
import type { FromPump, ToPump } from './memory.ts';
import { Pump } from './pump.ts';

/** What is used of a DedicatedWorkerGlobalScope. */
interface Scope {
  readonly WebSocket: WebSocketConstructor;
  addEventListener(type: 'message', listener: (event: { readonly data: ToPump }) => void): void;
  addEventListener(type: 'error', listener: (event: { readonly error: unknown }) => void): void;
  addEventListener(type: 'unhandledrejection', listener: (event: { readonly reason: unknown }) => void): void;
  postMessage(message: FromPump): void;
  close(): void;
}

const scope = globalThis as unknown as Scope;
let pump: Pump | null = null;

scope.addEventListener('message', ({ data }) => {
  if (data.type === 'bell') {
    pump?.posted();
    return;
  }
  pump = new Pump(data, {
    WebSocket: scope.WebSocket,
    post: (message) => scope.postMessage(message),
    close: () => scope.close(),
  });
  pump.start();
});
// The browser tells the other thread too, but that one may be blocked.
scope.addEventListener('error', ({ error }) => pump?.abort(error));
scope.addEventListener('unhandledrejection', ({ reason }) => pump?.abort(reason));
