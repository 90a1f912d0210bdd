/** What the programs of the behaviour suite are made of: calls in a loop that is right for every face. */
import type { SocketNamespace, TcpSocket, UdpSocket } from 'luasocket-web';
import { equal } from './assert.ts';

/** Any face, typed as the one that answers Promises. */
export type AnyNamespace = SocketNamespace<'async'>;

/** What calls answer. */
export type Result = readonly unknown[];

/** Tools that know the namespace they work on. */
export class Program {
  readonly socket: AnyNamespace;
  readonly #turn: () => Promise<void>;

  constructor(socket: AnyNamespace, turn: () => Promise<void>) {
    this.socket = socket;
    this.#turn = turn;
  }

  /** Calls until the answer is not "timeout". */
  async eventually<T extends Result>(call: () => Promise<T>): Promise<T> {
    for (;;) {
      const result = await call();
      if (result[0] !== null || result[1] !== 'timeout') return result;
      await this.#turn();
    }
  }

  /** Lets the event loop go round until `done` holds. */
  async until(done: () => Promise<boolean>): Promise<void> {
    while (!(await done())) await this.#turn();
  }

  /** The words of a refusal, which may come out of a later call: `first` is what the call itself answered. */
  async refusal(of: TcpSocket | UdpSocket, first: Result): Promise<unknown> {
    if (first[0] === null) return first[1];
    let words: unknown = null;
    await this.until(async () => {
      const asked = of as TcpSocket;
      [words] = await asked.getoption('error');
      return words !== null;
    });
    return words;
  }

  async listen(host = '127.0.0.1'): Promise<{ server: TcpSocket; port: number }> {
    const [server] = await this.socket.try(this.socket.bind(host, 0));
    let port = 0;
    await this.until(async () => {
      port = Number((await server.getsockname())[1]);
      return port > 0;
    });
    return { server, port };
  }

  /** Connects as a program that does not wait: "timeout", then select until it is writable. */
  async connected(host: string, port: number): Promise<TcpSocket> {
    const [client, why] = await this.socket.connect(host, port);
    if (!client) throw new Error(`not connected: ${why}`);
    await this.until(async () => (await this.socket.select(null, [client], 0))[1].length === 1);
    equal((await client.getoption('error'))[0], null, 'the error of a connection that stands');
    return client;
  }

  /** Two ends of one connection. */
  async pair(): Promise<[client: TcpSocket, served: TcpSocket, server: TcpSocket]> {
    const { server, port } = await this.listen();
    const client = await this.connected('127.0.0.1', port);
    const [served] = await this.eventually(() => server.accept());
    if (!served) throw new Error('nobody was accepted');
    return [client, served, server];
  }

  async sendAll(to: TcpSocket, data: string | Uint8Array): Promise<void> {
    let from = 1;
    for (;;) {
      const [done, why, last] = await to.send(data, from);
      if (done !== null) return;
      if (why !== 'timeout') throw new Error(`not sent: ${why}`);
      from = last + 1;
      await this.#turn();
    }
  }

  /** So many bytes or until the end, whatever arrives when: partials go back in as the prefix. */
  async read(from: TcpSocket, pattern: number | '*l' | '*a'): Promise<string> {
    let prefix = '';
    for (;;) {
      const [data, why, partial] = await from.receive(pattern, prefix);
      if (data !== null) return data;
      if (why === 'closed') return partial;
      if (why !== 'timeout') throw new Error(`not received: ${why}`);
      prefix = partial;
      await this.#turn();
    }
  }

  async port(of: UdpSocket): Promise<number> {
    let port = 0;
    await this.until(async () => {
      port = Number((await of.getsockname())[1]);
      return port > 0;
    });
    return port;
  }
}

/** What a constructor made. */
export function made<T>([value, why]: readonly [T, unknown?, ...unknown[]]): NonNullable<T> {
  if (value === null || value === undefined) throw new Error(`no object was made: ${why}`);
  return value;
}

/** Both directions of one connection, without a call that waits for room while nobody reads. */
export async function bothWays(
  program: Program,
  a: TcpSocket,
  b: TcpSocket,
  toB: string,
  toA: string,
): Promise<[atB: string, atA: string]> {
  const ends = [
    { socket: a, out: toB, from: 1, wanted: toA.length, got: '' },
    { socket: b, out: toA, from: 1, wanted: toB.length, got: '' },
  ];
  for (const end of ends) end.socket.settimeout(0);
  await program.until(async () => {
    for (const end of ends) {
      if (end.from <= end.out.length) {
        const [done, why, last] = await end.socket.send(end.out, end.from);
        if (done === null && why !== 'timeout') throw new Error(`not sent: ${why}`);
        end.from = (done ?? Number(last)) + 1;
      }
      if (end.got.length < end.wanted) {
        const [data, why, partial] = await end.socket.receive(end.wanted - end.got.length);
        if (data === null && why !== 'timeout') throw new Error(`not received: ${why}`);
        end.got += data ?? partial ?? '';
      }
    }
    return ends.every((end) => end.from > end.out.length && end.got.length === end.wanted);
  });
  const [atA, atB] = ends;
  return [atB?.got ?? '', atA?.got ?? ''];
}
