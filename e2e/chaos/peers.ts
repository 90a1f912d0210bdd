/** The other ends of the chaos run's sockets: plain Node servers and clients on loopback that count what reaches them. */
import { createSocket } from 'node:dgram';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import type { Flow } from './pattern.ts';
import type { Random } from './random.ts';

export interface Pace {
  readonly random: Random;
  readonly over: () => boolean;
}

/** A piece of a stream to send next, in bytes: mostly small, seldom large. */
export function pieceOf(random: Random): number {
  return random.chance(0.02) ? random.between(16_384, 131_072) : random.between(1, 4096);
}

/** Milliseconds between two pieces. */
export function pauseOf(random: Random): number {
  return random.between(0, 80);
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Sends on `out` until it is over, then FIN; takes what comes for `back`. Resolves when both directions have ended. */
export function transfer(socket: Socket, out: Flow, back: Flow, { random, over }: Pace): Promise<void> {
  const read = new Promise<void>((resolve) => {
    socket.on('data', (bytes) => back.take(bytes));
    socket.on('end', () => {
      back.ended = true;
      resolve();
    });
    socket.on('close', () => resolve());
    socket.on('error', () => {}); // told by what is missing
  });
  const write = (async () => {
    while (!over() && !socket.destroyed) {
      if (!socket.write(out.next(pieceOf(random)))) {
        await new Promise<void>((resolve) => {
          socket.once('drain', resolve);
          socket.once('close', resolve);
        });
      }
      await sleep(pauseOf(random));
    }
    socket.end();
  })();
  return Promise.all([read, write]).then(() => {});
}

export interface Counter {
  readonly port: number;
  /** How often each thing came. */
  readonly seen: Map<string, number>;
  close(): Promise<void>;
}

function count(seen: Map<string, number>, what: string): void {
  seen.set(what, (seen.get(what) ?? 0) + 1);
}

export function listen(onConnection: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer({ allowHalfOpen: true }, onConnection);
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve({ server, port: address !== null && typeof address === 'object' ? address.port : 0 });
    }),
  );
}

/** Takes connections that say one line, counts line, connection and end, and says the line back. */
export async function startLineCounter(): Promise<Counter & { readonly connections: () => number }> {
  const seen = new Map<string, number>();
  let connections = 0;
  const { server, port } = await listen((socket) => {
    connections++;
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      if (text.endsWith('\n')) socket.write(text);
    });
    socket.on('end', () => {
      count(seen, text);
      socket.end();
    });
    socket.on('error', () => {}); // told by what is not counted
  });
  return { port, seen, connections: () => connections, close: () => new Promise((done) => server.close(() => done())) };
}

/** Counts datagrams. */
export async function startDatagramCounter(): Promise<Counter> {
  const seen = new Map<string, number>();
  const socket = createSocket('udp4');
  socket.on('message', (message) => count(seen, message.toString('latin1')));
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return { port: socket.address().port, seen, close: () => new Promise((done) => socket.close(() => done())) };
}

/** Connects, says a line, and resolves to all that comes back until the end; 'reset' when it breaks. */
export function sayTo(port: number, line: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = dial(port, '127.0.0.1');
    let text = '';
    socket.write(line);
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
    });
    socket.on('end', () => resolve(text));
    socket.on('error', () => resolve('reset'));
  });
}
