/** recvmmsg(2) by hand-laid structures: everything that came, in order, from whom, and nothing else. */
import { constants } from 'node:os';
import type { Endpoint, Family } from '@luasocket-web/shared/address';
import { describe, expect, test } from 'vitest';
import { loadSystem } from '../../src/os/libc.ts';
import type { System } from '../../src/os/system.ts';

const system = loadSystem() as System;
const { batch } = system;
const ANY: Record<Family, string> = { 4: '127.0.0.1', 6: '::1' };

function bound(family: Family): { fd: number; name: Endpoint } {
  const fd = system.socket('datagram', family);
  system.bind(fd, { family, address: ANY[family], port: 0 });
  return { fd, name: system.localName(fd) as Endpoint };
}

const payload = (size: number, seed: number) => Uint8Array.from({ length: size }, (_, i) => (i * 7 + seed) & 0xff);

describe.skipIf(batch === null).each<Family>([4, 6])('a batch of datagrams, IPv%i', (family) => {
  const receive = (fd: number) => {
    const taken: { payload: Uint8Array; from: Endpoint }[] = [];
    const count = batch?.receive(fd, (view, from) => taken.push({ payload: view.slice(), from })) ?? 0;
    return { count, taken };
  };

  test('has them all, of any size, in order, with their senders', () => {
    const to = bound(family);
    const senders = [bound(family), bound(family), bound(family)];
    const sizes = [0, 1, 64, 1400, 9000, 60_000, 0, 65_507];
    const sent = sizes.map((size, i) => {
      const from = senders[i % senders.length] as (typeof senders)[0];
      const bytes = payload(size, i);
      expect(system.send(from.fd, bytes, to.name)).toBe(size);
      return { payload: bytes, from: from.name };
    });
    const { count, taken } = receive(to.fd);
    expect(count).toBe(sizes.length);
    expect(taken.map(({ from }) => from)).toEqual(sent.map(({ from }) => from));
    for (const [i, { payload: bytes }] of taken.entries()) {
      expect(Buffer.compare(bytes, sent[i]?.payload as Uint8Array), `datagram ${i}`).toBe(0);
    }
    expect(receive(to.fd)).toEqual({ count: -constants.errno.EAGAIN, taken: [] });
    for (const { fd } of [to, ...senders]) system.close(fd);
  });

  test('takes no more than fit, and leaves the rest', () => {
    const to = bound(family);
    const from = bound(family);
    const size = batch?.size ?? 0;
    for (let i = 0; i < size + 5; i++) system.send(from.fd, Uint8Array.of(i), to.name);
    const { taken } = receive(to.fd);
    expect(taken.map(({ payload: [first] }) => first)).toEqual([...Array(size).keys()]);
    expect(receive(to.fd).taken.map(({ payload: [first] }) => first)).toEqual([0, 1, 2, 3, 4].map((i) => size + i));
    for (const { fd } of [to, from]) system.close(fd);
  });

  test('answers with the error that is pending, and for a descriptor that is none', () => {
    const socket = bound(family);
    const gone = bound(family);
    system.close(gone.fd);
    system.connect(socket.fd, gone.name);
    system.send(socket.fd, Uint8Array.of(1), null);
    expect(receive(socket.fd).count).toBe(-constants.errno.ECONNREFUSED);
    expect(receive(socket.fd).count).toBe(-constants.errno.EAGAIN);
    system.close(socket.fd);
    expect(receive(socket.fd).count).toBe(-constants.errno.EBADF);
  });
});
