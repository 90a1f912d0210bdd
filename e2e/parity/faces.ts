/** The faces of the client that can run scenarios in Node, by name. */

import { connect } from 'luasocket-web';
import WebSocket from 'ws';
import type { Waits } from './runner.ts';

/** A namespace with a session of its own. */
interface Session {
  readonly socket: object;
  close(): void;
}

export interface Face {
  readonly waits: Waits;
  /** Opens a session with the relay at `url` (`ws://...`). */
  open(url: string): Promise<Session>;
}

export const faces: ReadonlyMap<string, Face> = new Map([
  [
    'async',
    {
      waits: 'promise',
      async open(url) {
        const socket = await connect(url, { strings: 'binary', WebSocket });
        return { socket, close: () => socket.relay.close() };
      },
    },
  ],
]);
