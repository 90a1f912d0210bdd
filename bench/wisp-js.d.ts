/** What is used of wisp-js, which has no types. */

declare module '@mercuryworkshop/wisp-js/client' {
  interface ClientStream {
    onmessage: (bytes: Uint8Array) => void;
    onclose: (reason: number) => void;
    send(bytes: Uint8Array): void;
    close(): void;
  }

  export class ClientConnection {
    constructor(url: string, options: { wisp_version: number });
    readonly ws: WebSocket;
    onopen: () => void;
    onclose: () => void;
    onerror: () => void;
    create_stream(host: string, port: number, type?: 'udp'): ClientStream;
    close(): void;
  }

  export const client: { readonly ClientConnection: typeof ClientConnection };
}

declare module '@mercuryworkshop/wisp-js/server' {
  import type { IncomingMessage } from 'node:http';
  import type { Duplex } from 'node:stream';

  export const logging: { readonly NONE: number; set_level(level: number): void };
  export const server: {
    readonly options: Record<string, unknown>;
    routeRequest(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  };
}
