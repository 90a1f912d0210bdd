/** What the client does while its network fails: long transfers, and short operations that must happen exactly once. */
import type { SocketNamespace, TcpSocket } from 'luasocket-web';
import type { Flow } from './pattern.ts';
import { type Pace, pauseOf, pieceOf, sayTo, sleep } from './peers.ts';

export type Namespace = SocketNamespace<'async', Uint8Array>;
export type Tcp = TcpSocket<'async', Uint8Array>;

export const text = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString('latin1');

/** The first result of a call that must succeed. */
export function made<R extends readonly unknown[]>(results: R): NonNullable<R[0]> {
  const [value, error] = results;
  if (value === null || value === undefined) throw new Error(String(error));
  return value;
}

/** A call that must succeed, and tells nothing else. */
export async function done(answer: Promise<readonly unknown[]>): Promise<void> {
  made(await answer);
}

/** Both directions of a transfer, until it is over and both have ended. */
export async function transfer(client: Tcp, out: Flow, back: Flow, { random, over }: Pace): Promise<void> {
  const write = async () => {
    while (!over()) {
      const [last] = await client.send(out.next(pieceOf(random)));
      if (last === null) return;
      await sleep(pauseOf(random));
    }
    await client.shutdown('send');
  };
  const read = async () => {
    for (;;) {
      const [data, error, partial] = await client.receive(random.between(1, 20_000));
      const bytes = data ?? partial;
      if (bytes) back.take(bytes);
      if (error === 'closed') {
        back.ended = true;
        return;
      }
    }
  };
  await Promise.all([write(), read()]);
}

/** What was asked for, and what went wrong with it. */
export class Tally {
  readonly asked: string[] = [];
  readonly failures: string[] = [];

  /** Does `task` again and again until it is over; each is named. */
  async repeat(name: string, { random, over }: Pace, task: (name: string) => Promise<void>): Promise<void> {
    for (let n = 0; !over(); n++) {
      const each = `${name} ${n}`;
      this.asked.push(each);
      try {
        await task(each);
      } catch (error) {
        this.failures.push(`${each}: ${error instanceof Error ? error.message : error}`);
        if (this.failures.length > 100) return;
      }
      await sleep(random.between(0, 30));
    }
  }
}

/** Connects, says a line, hears it, closes. */
export async function connectOnce(socket: Namespace, port: number, line: string): Promise<void> {
  const client = made(await socket.tcp());
  await done(client.connect('127.0.0.1', port));
  await done(client.send(`${line}\n`));
  const heard = text(made(await client.receive('*l')));
  if (heard !== line) throw new Error(`heard ${heard}`);
  await client.close();
}

/** A server of its own for one connection, which waits to be accepted for a while; no second one may come. */
export async function serveOnce(socket: Namespace, line: string, pause: number): Promise<void> {
  const server = made(await socket.tcp());
  await done(server.setoption('reuseaddr', true));
  await done(server.bind('127.0.0.1', 0));
  await done(server.listen(3));
  const [, port] = await server.getsockname();
  const answer = sayTo(Number(port), `${line}\n`);
  await sleep(pause);
  const client = made(await server.accept());
  const heard = text(made(await client.receive('*l')));
  if (heard !== line) throw new Error(`heard ${heard}`);
  await done(client.send(`${line} back\n`));
  server.settimeout(0);
  const [second] = await server.accept();
  if (second) throw new Error('accepted twice');
  await client.close();
  await server.close();
  const peer = await answer;
  if (peer !== `${line} back\n`) throw new Error(`the peer heard ${JSON.stringify(peer)}`);
}

/**
 * Three datagrams from a socket of its own: the first is a request of the protocol, which is never lost; the others are
 * lost with their WebSocket.
 */
export async function sendOnce(socket: Namespace, port: number, line: string): Promise<void> {
  const sender = made(await socket.udp());
  for (const part of ['a', 'b', 'c']) await done(sender.sendto(`${line} ${part}`, '127.0.0.1', port));
  // The relay's answer comes after the first was sent.
  await done(sender.getsockname());
  await sender.close();
}
