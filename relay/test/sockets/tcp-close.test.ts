import { randomBytes } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { createSockets } from '../../src/sockets/index.ts';
import { at, deadPort, descriptors, dial, listening, openTcp, pair, refusal, settle, until } from './support.ts';

const sockets = createSockets();

describe('the end of a TCP connection', () => {
  test('delivers everything written before a close, then ends in good order', async () => {
    const { socket, log, name } = listening(sockets);
    const peer = await dial(name);
    peer.socket.pause();
    await until(() => log.arrivals.length === 1);
    const accepted = log.arrivals[0]?.socket;
    const bytes = randomBytes(16 << 20);
    let gone = 0;
    accepted?.write(bytes);
    accepted?.close(false, () => gone++);
    await settle();
    expect(gone).toBe(0);
    peer.socket.resume();
    await until(() => peer.ended && gone === 1);
    expect(Buffer.concat(peer.chunks).equals(bytes)).toBe(true);
    expect(peer.error).toBe(undefined);
    peer.socket.destroy();
    socket.close(false);
  });

  test('gives up delivering to a peer that does not read, after a minute', async () => {
    const { socket, log, name } = listening(sockets);
    const peer = await dial(name);
    peer.socket.pause();
    await until(() => log.arrivals.length === 1);
    const before = descriptors();
    log.arrivals[0]?.socket.write(Buffer.alloc(16 << 20));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    log.arrivals[0]?.socket.close(false);
    vi.advanceTimersByTime(59_999);
    await settle();
    expect(descriptors()).toBe(before);
    vi.advanceTimersByTime(1);
    vi.useRealTimers();
    await until(() => descriptors() === before - 1);
    peer.socket.resume();
    await until(() => peer.ended || peer.closed);
    expect(peer.size).toBeLessThan(16 << 20);
    peer.socket.destroy();
    socket.close(false);
  });

  test('a close with unread data does not wait for what is still to be written', async () => {
    const { socket, log, name } = listening(sockets);
    const peer = await dial(name);
    peer.socket.pause();
    await until(() => log.arrivals.length === 1);
    const before = descriptors();
    log.arrivals[0]?.socket.write(Buffer.alloc(16 << 20));
    await new Promise<void>((resolve) => peer.socket.write('unread', () => resolve()));
    log.arrivals[0]?.socket.close(false);
    await until(() => descriptors() === before - 1);
    peer.socket.resume();
    await until(() => peer.ended || peer.closed);
    expect(peer.size).toBeLessThan(16 << 20);
    peer.socket.destroy();
    socket.close(false);
  });

  test.each([
    ['reset', (s: ReturnType<typeof openTcp>['socket']) => s.close(true)],
    [
      'linger for no time',
      (s: ReturnType<typeof openTcp>['socket']) => {
        s.setOption('linger', { on: true, timeout: 0 });
        s.close(false);
      },
    ],
  ])('%s: the peer sees a reset', async (_, close) => {
    const { socket, log, name } = listening(sockets);
    const peer = await dial(name);
    await until(() => log.arrivals.length === 1);
    const accepted = log.arrivals[0]?.socket;
    if (accepted) close(accepted);
    await until(() => peer.closed);
    expect(peer.error).toBe('ECONNRESET');
    socket.close(false);
  });

  test('unread data in the kernel makes a close reset', async () => {
    const { socket, log, name } = listening(sockets);
    const peer = await dial(name);
    await until(() => log.arrivals.length === 1);
    await new Promise<void>((resolve) => peer.socket.write('unread', () => resolve()));
    log.arrivals[0]?.socket.close(false);
    await until(() => peer.closed);
    expect(peer.error).toBe('ECONNRESET');
    socket.close(false);
  });

  test('a time to linger does not block the process', async () => {
    const { socket, log, name } = listening(sockets);
    const peer = await dial(name);
    peer.socket.pause();
    await until(() => log.arrivals.length === 1);
    const accepted = log.arrivals[0]?.socket;
    const { log: sink } = openTcp(sockets);
    accepted?.adopt(sink);
    // Longer than this test may take: a close that blocks makes it fail.
    accepted?.setOption('linger', { on: true, timeout: 20 });
    accepted?.write(Buffer.alloc(1 << 20, 7));
    // The kernel has it, the peer does not take it: there is something to linger for.
    await until(() => sink.bytesDrained === 1 << 20);
    accepted?.close(false);
    peer.socket.resume();
    await until(() => peer.ended);
    expect(peer.size).toBe(1 << 20);
    peer.socket.destroy();
    socket.close(false);
  }, 10_000);

  test('a reset by the peer is told once, after the data before it, and leaves a harmless socket', async () => {
    const { client, clientLog, accepted } = await pair(sockets);
    client.pause();
    accepted.write(Buffer.from('before the end'));
    await settle();
    accepted.close(true);
    await settle();
    client.write(Buffer.from('into nothing'));
    await settle();
    expect(clientLog.failures).toEqual([]);
    client.resume();
    await until(() => clientLog.failures.length === 1);
    expect(clientLog.text).toBe('before the end');
    expect(clientLog.codes[0]).toMatch(/^(ECONNRESET|EPIPE)$/);
    client.write(Buffer.from('x'));
    client.shutdown('both');
    client.pause();
    client.resume();
    await settle();
    expect(clientLog.failures.length).toBe(1);
    expect(clientLog.ends).toBe(0);
    expect(client.localName().port).toBeGreaterThan(0);
    expect(client.getOption('keepalive')).toBe(false);
    client.close(false);
    client.close(true);
  });

  test('a reset right behind data is a failure, not an end', async () => {
    const { client, clientLog, accepted } = await pair(sockets);
    client.pause();
    accepted.write(Buffer.from('data'));
    await settle();
    accepted.close(true);
    client.resume();
    await until(() => clientLog.failures.length + clientLog.ends > 0);
    await settle();
    expect([clientLog.text, clientLog.codes, clientLog.ends]).toEqual(['data', ['ECONNRESET'], 0]);
    client.close(false);
  });

  test('a reset is noticed on a connection whose peer has finished', async () => {
    const { client, clientLog, accepted, acceptedLog } = await pair(sockets);
    client.close(false);
    await until(() => acceptedLog.ends === 1);
    accepted.write(Buffer.from('to nobody'));
    await until(() => acceptedLog.failures.length === 1);
    expect(acceptedLog.codes).toEqual(['EPIPE']);
    expect(clientLog.failures).toEqual([]);
    accepted.close(false);
  });

  test('data that comes when both directions are shut is answered by a reset', async () => {
    const { socket, log, name } = listening(sockets);
    const peer = await dial(name);
    await until(() => log.arrivals.length === 1);
    const accepted = log.arrivals[0]?.socket;
    const { log: sink } = openTcp(sockets);
    accepted?.adopt(sink);
    accepted?.resume();
    accepted?.shutdown('both');
    await until(() => peer.ended);
    peer.socket.write('too late');
    await until(() => sink.failures.length === 1);
    expect([sink.codes, sink.text]).toEqual([['ECONNRESET'], '']);
    // Node has seen the end, and sees the reset only when it writes.
    peer.socket.write('later still');
    await until(() => peer.closed);
    expect(peer.error).toBe('EPIPE');
    expect(accepted?.getOption('keepalive')).toBe(false);
    accepted?.close(false);
    socket.close(false);
  });

  test('nothing is told after a close', async () => {
    const { client, clientLog, accepted } = await pair(sockets);
    client.close(false);
    accepted.write(Buffer.from('late'));
    await settle();
    expect([clientLog.chunks, clientLog.failures, clientLog.ends]).toEqual([[], [], 0]);
    accepted.close(false);
  });

  test('an attempt that is closed says nothing', async () => {
    const { socket, log } = openTcp(sockets);
    socket.connect(at(4, await deadPort()));
    socket.close(false);
    await settle();
    expect(log.failures).toEqual([]);
  });

  test('leaves no descriptor behind', async () => {
    await settle();
    const before = descriptors();
    for (let i = 0; i < 20; i++) {
      const { client, accepted, acceptedLog } = await pair(sockets, i % 2 ? 6 : 4);
      client.write(Buffer.from('x'));
      if (i % 3 === 0) {
        client.shutdown('send');
        accepted.shutdown('send');
        await until(() => acceptedLog.ends === 1);
        await settle();
      }
      client.close(i % 5 === 0);
      accepted.close(false);
      const { socket, log } = openTcp(sockets);
      socket.connect(at(4, await deadPort()));
      if (i % 2) await until(() => log.failures.length === 1);
      socket.close(false);
      openTcp(sockets).socket.close(true);
      const bad = openTcp(sockets).socket;
      expect(refusal(() => bad.connect(at(4, 80, '255.255.255.255')))).not.toBe(null);
      bad.close(false);
      listening(sockets).socket.close(false);
    }
    await until(() => descriptors() <= before);
  });
});
