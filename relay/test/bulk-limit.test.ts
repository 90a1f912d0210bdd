/** Downloads give way to small messages: a real relay, real sockets, and a client that says what it has taken. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { KIND } from '@luasocket-web/shared/frames';
import { DATAGRAM_OVERHEAD, POOL_INITIAL } from '@luasocket-web/shared/limits';
import { expect, onTestFinished, test } from 'vitest';
import { RawClient } from './support/client.ts';
import { startPeer, startRelay, until } from './support/relay.ts';
import { loopback, stream } from './support/streams.ts';

const POOL = POOL_INITIAL;
/** Four fifths of 96 KiB. */
const LIMITED = 78_643;
/** It waits with no less than that: a receiver may keep credit back then. */
const LEAST = 48 * 1024;
const [BULK, ECHO, UDP] = [1, 2, 3];

/** A client with a download that never ends and an echo, of which it takes what a test says. */
class Player {
  readonly client: RawClient;
  readonly bulk: Socket;
  /** Bytes of the download that came and were not given back. */
  outstanding = 0;

  constructor(client: RawClient, bulk: Socket) {
    this.client = client;
    this.bulk = bulk;
  }

  static async begin(): Promise<Player> {
    const relay = await startRelay();
    const client = await RawClient.connect(relay);
    // The relay measures the round trip.
    for (let probe = 0; probe < 3; probe++) {
      const { token } = await client.next('ping');
      client.send({ type: 'pong', token, time: 0 });
    }
    const bulk = await stream(client, BULK, await startPeer());
    const echo = await stream(client, ECHO, await startPeer());
    echo.pipe(echo);
    const block = Buffer.alloc(256 * 1024);
    const write = () => {
      while (bulk.write(block));
    };
    bulk.on('drain', write).resume();
    write();
    return new Player(client, bulk);
  }

  /** Looks at what has come of the download. */
  look(): number {
    const { inbox } = this.client;
    for (const frame of inbox.splice(0)) {
      if (frame.type === 'data' && frame.socket === BULK) this.outstanding += frame.payload.length;
    }
    return this.outstanding;
  }

  credit(bytes: number): void {
    this.outstanding -= bytes;
    this.client.send({ type: 'credit', socket: BULK, bytes });
  }

  /** A small message to and fro, beside what comes of the download. */
  async echo(): Promise<void> {
    const { client } = this;
    client.send({ type: 'data', socket: ECHO, payload: Buffer.alloc(64) });
    await client.next('data', ({ socket }) => socket === ECHO);
    client.send({ type: 'credit', socket: ECHO, bytes: 64 });
    this.look();
  }

  /**
   * Until `small` messages hold the download back: of all that is given back, and of some of it. On a machine that stands still for
   * a quarter of a second it has the pool in between.
   */
  async limited(small = () => this.echo()): Promise<void> {
    do {
      await small();
      for (const bytes of [this.outstanding, 10_000]) {
        this.credit(Math.min(bytes, this.outstanding));
        for (let i = 0; i < 20; i++) await small();
      }
    } while (this.outstanding > LIMITED || this.outstanding < LEAST);
  }

  /** Until it has the whole of its share, but for a crumb. Credit is what it goes on with. */
  async whole(): Promise<void> {
    await until(() => {
      if (this.look() > POOL * 0.75) return true;
      if (this.outstanding > 4096) this.credit(1024);
      return false;
    });
    expect(this.outstanding).toBeLessThanOrEqual(POOL * 0.8);
  }
}

test('a download alone has its share of the pool, 96 KiB while small messages go, and its share again after them', async () => {
  const player = await Player.begin();
  await player.whole();
  for (let round = 0; round < 5; round++) await player.limited();
  await player.whole();
});

test('datagrams have the whole of the pool meanwhile, and hold bulk back themselves', async () => {
  const player = await Player.begin();
  const { client } = player;
  await player.whole();
  await player.limited();
  const peer = createSocket('udp4').bind(0, '127.0.0.1');
  onTestFinished(() => void peer.close());
  await once(peer, 'listening');
  client.send({ type: 'open', socket: UDP, kind: KIND.udp, family: 4 });
  client.send({ type: 'datagram', socket: UDP, peer: loopback(peer.address().port), payload: Buffer.alloc(1) });
  const [, { port }] = await once(peer, 'message');
  const datagram = async (bytes: number) => {
    peer.send(Buffer.alloc(bytes), port, '127.0.0.1');
    const { payload } = await client.next('datagram');
    expect(payload.length).toBe(bytes);
    player.look();
    return payload.length + DATAGRAM_OVERHEAD;
  };
  let total = 0;
  for (let i = 0; i < 40; i++) {
    await player.echo();
    total += await datagram(4000);
  }
  client.send({ type: 'credit', socket: UDP, bytes: total });
  await player.whole();
  await player.limited(async () => {
    client.send({ type: 'credit', socket: UDP, bytes: await datagram(64) });
  });
});
