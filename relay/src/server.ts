/**
 * The relay's HTTP side: health, the console page, and the door to `/relay`, where WebSockets are let in. What happens
 * on them is the sessions' business.
 */
import { existsSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import { encodeFrame } from '@luasocket-web/shared/codec';
import { FAULTS } from '@luasocket-web/shared/errors';
import fastify, { type FastifyInstance } from 'fastify';
import { WebSocket, WebSocketServer } from 'ws';
import { Carrier } from './carrier.ts';
import { clientAddress, isAmong, peerAddress } from './client-address.ts';
import { type Config, ConfigError, NODE_ID } from './config.ts';
import type { Guest, Lobby } from './lobby.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { isOriginAllowed } from './origin.ts';
import type { PracticeServers } from './practice.ts';

/** Milliseconds for a client to answer the close of its WebSocket. */
const CLOSE_MILLISECONDS = 3000;
/** Milliseconds after which whatever connection is left does not keep the server from closing. */
const PATIENCE_MILLISECONDS = CLOSE_MILLISECONDS + 1000;
const DOOR = '/relay';
/** Of the memory that all quiet WebSockets read into: as much as libuv suggests. */
const READ_BYTES = 64 * 1024;
const NOTHING = Buffer.alloc(0);

export interface ServerOptions {
  readonly config: Config;
  readonly log: Log;
  /** What runs for practice, for the console to offer; null: nothing. */
  readonly practice: PracticeServers | null;
  /** False while the relay takes no new sessions. */
  readonly isReady: () => boolean;
  /** Origins of the pages that may connect. */
  readonly origins: () => readonly string[];
  /** What GET /metrics answers. */
  readonly metrics: Metrics;
  readonly lobby: Lobby;
  /** Somebody has taken too long to say what it wants. */
  readonly slow: () => void;
  /** A WebSocket has been let in; `address` is its client's, `node` the relay it asks for (null: any). */
  readonly onConnection: (ws: WebSocket, carrier: Carrier, address: string, node: string | null, guest: Guest) => void;
}

export interface Server {
  readonly address: AddressInfo;
  /** Takes 4 s at most: connections that are left then are destroyed. */
  close(): Promise<void>;
}

/** Rejects when it cannot listen. */
export async function serve(options: ServerOptions): Promise<Server> {
  const { config, lobby } = options;
  const patience = config.limits.handshakeSeconds * 1000;
  const app = fastify({
    logger: false,
    forceCloseConnections: true,
    // Who sends its headers byte by byte is not waited for; nobody here has a body to send.
    requestTimeout: patience,
    bodyLimit: 1024,
    http: { headersTimeout: patience, connectionsCheckingInterval: Math.min(1000, patience), maxHeaderSize: 16 * 1024 },
  });
  app.server.on('connection', (socket) => lobby.arrived(socket, peerAddress(socket)));
  app.server.on('clientError', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') options.slow();
  });
  await addPages(app, options);
  // A constant of its own, because the types of ws do not know closeTimeout yet.
  const settings = {
    noServer: true,
    perMessageDeflate: false,
    clientTracking: false,
    WebSocket: StrictWebSocket,
    closeTimeout: CLOSE_MILLISECONDS,
  };
  const sockets = new WebSocketServer(settings);
  const memory = Buffer.allocUnsafeSlow(READ_BYTES);
  app.server.on('upgrade', (request, socket, head) => {
    const refusal = refuse(request, options, app.server.address());
    if (refusal !== null) {
      reject(socket, refusal);
      return;
    }
    // Gone meanwhile; there is nobody to tell.
    if (request.socket.destroyed) return;
    const address = clientAddress(request, config.trustedProxy);
    const { node = null } = doorOf(request) ?? {};
    const carrier = new Carrier(request.socket, head, memory);
    sockets.handleUpgrade(request, carrier.socket, NOTHING, (ws) =>
      options.onConnection(ws, carrier, address, node, lobby.upgraded(ws, request.socket, address)),
    );
  });
  await app.listen({ host: config.listen.host, port: config.listen.port });
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no address');
  const close = async () => {
    const late = setTimeout(() => lobby.close(), PATIENCE_MILLISECONDS);
    await app.close();
    clearTimeout(late);
  };
  return { address, close };
}

/**
 * Ends with the protocol's fault where ws, which is given control frames only (see session/incoming), would end with
 * WebSocket's own codes (RFC 6455, section 7.4.1): a close frame whose code or text may not be (1002, 1007). What a
 * client gives as its own reason to close has text with it, if only an empty one, and is answered as it came.
 */
class StrictWebSocket extends WebSocket {
  override close(code?: number, data?: string | Buffer): void {
    if ((code !== 1002 && code !== 1007) || data !== undefined) {
      super.close(code, data);
      return;
    }
    const { close, text } = FAULTS.malformed;
    if (this.readyState === WebSocket.OPEN) this.send(encodeFrame({ type: 'fault', code: 'malformed', message: text }));
    super.close(close, 'malformed');
  }
}

/** The HTTP status with which an upgrade is refused; null: welcome. */
function refuse(request: IncomingMessage, options: ServerOptions, address: unknown): number | null {
  const { config, log, isReady, origins } = options;
  const door = doorOf(request);
  if (door === null) return 404;
  const port = (address as AddressInfo | null)?.port ?? config.listen.port;
  if (!isOriginAllowed(request.headers.origin, { ...config, origins: origins() }, port)) {
    log.warn({ origin: request.headers.origin }, 'origin refused');
    return 403;
  }
  // A relay that drains lets WebSockets in too: sessions may be resumed until it is done. Where those have a path of
  // their own, who comes to the common one is new, and a balancer that is told so tries another relay.
  return config.nodeId !== undefined && door.node === null && !isReady() ? 503 : null;
}

/** Where WebSockets are let in: `/relay`, and `/relay/NODE` for sessions of that relay. Null: elsewhere. */
function doorOf(request: IncomingMessage): { readonly node: string | null } | null {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  if (path === DOOR) return { node: null };
  const node = path.startsWith(`${DOOR}/`) ? path.slice(DOOR.length + 1) : '';
  return NODE_ID.test(node) ? { node } : null;
}

function reject(socket: Duplex, status: number): void {
  const text = STATUS_CODES[status] ?? '';
  socket.on('error', () => socket.destroy());
  // The client need not close its side.
  socket.end(`HTTP/1.1 ${status} ${text}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}

async function addPages(app: FastifyInstance, { config, practice, metrics, isReady }: ServerOptions): Promise<void> {
  app.addHook('onSend', async (_request, reply) => {
    // A page that shares memory between workers must be isolated; so are all of ours.
    reply.header('Cross-Origin-Opener-Policy', 'same-origin');
    reply.header('Cross-Origin-Embedder-Policy', 'require-corp');
    reply.header('Cross-Origin-Resource-Policy', 'same-origin');
    reply.header('X-Content-Type-Options', 'nosniff');
    reply.header('Referrer-Policy', 'no-referrer');
  });
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    if (isReady()) return { status: 'ready' };
    return reply.code(503).send({ status: 'draining' });
  });
  app.get('/metrics', async (request, reply) => {
    // A proxy that we do not know may be anybody's door: what has come through it is not local.
    const direct = request.headers['x-forwarded-for'] === undefined || config.trustedProxy.length > 0;
    const address = clientAddress(request.raw, config.trustedProxy);
    if (!direct || !isAmong(address, config.metricsFrom)) return reply.code(403).send({ status: 'forbidden' });
    return reply.type(metrics.contentType).send(await metrics.text());
  });
  if (config.mode !== 'development') return;
  if (practice) app.get('/practice.json', async () => practice);
  const root = config.console === undefined ? packagedConsole() : ownConsole(config.console);
  if (root !== null) {
    await app.register(fastifyStatic, { root, index: 'index.html', redirect: true });
  } else {
    app.get('/', async (_request, reply) =>
      reply.type('text/plain; charset=utf-8').send('luasocket-relay. The WebSocket endpoint is /relay.\n'),
    );
  }
}

/** The directory that was asked for. @throws ConfigError when no page is there. */
function ownConsole(directory: string): string {
  const root = resolve(directory);
  if (existsSync(join(root, 'index.html'))) return root;
  throw new ConfigError(`console: ${directory}: no index.html is there`);
}

/** The console page in the package: beside the bundle, or under dist/ when run from its sources. */
function packagedConsole(): string | null {
  const places = ['./console', '../dist/console'].map((place) => fileURLToPath(new URL(place, import.meta.url)));
  return places.find((place) => existsSync(`${place}/index.html`)) ?? null;
}
