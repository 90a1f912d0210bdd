/** The script of the pump's worker, `dist/pump.js`: waits to be told where to connect, and becomes a pump. */
import type { WebSocketConstructor } from '../api.ts';
import type { FromPump, ToPump } from './memory.ts';
import { Pump } from './pump.ts';

/** What is used of a DedicatedWorkerGlobalScope. */
interface Scope {
  readonly WebSocket: WebSocketConstructor;
  addEventListener(type: 'message', listener: (event: { readonly data: ToPump }) => void): void;
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
