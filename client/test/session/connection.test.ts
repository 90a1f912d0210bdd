/** The connection under virtual time: handshake, acknowledgement, signs of life, and the end. */
import { ACK_FRAMES, ACK_MILLISECONDS } from '@luasocket-web/shared/limits';
import { describe, expect, test } from 'vitest';
import { begin, connectedStream, opened } from './opened.ts';
import { outcome } from './scripted.ts';

describe('the handshake', () => {
  test('HELLO goes out at once, with the ticket; the clock is known when it is over', async () => {
    const { session, relay, host, connection } = await opened();
    expect(relay.gotUnsequenced[0]).toEqual({ type: 'hello', version: 1, ticket: 'the ticket', leases: 0 });
    expect(session.channel.time()).toBeCloseTo(host.wall() + 3600, 2);
    expect(session.channel.now()).toBe(host.now() / 1000);
    expect(session.relay.stats.roundtrip).toBeCloseTo(0.01);
    expect(connection.state).toBe('connected');
  });

  test('a relay that cannot be reached', async () => {
    const { host, end, opened } = begin((relay) => {
      relay.unreachable = true;
    });
    await host.advance(100);
    expect(opened).toBe(false);
    expect(end.error?.message).toMatch(/cannot be reached.*1006/);
  });

  test('a relay that refuses says why', async () => {
    const { host, end } = begin((relay) => {
      relay.refusal = { type: 'fault', code: 'unauthorized', message: 'the ticket has expired' };
    });
    await host.advance(100);
    expect(end.error?.message).toBe('the relay refused: the ticket has expired');
  });

  test('a relay that says nothing is given up', async () => {
    const { host, end, relay } = begin((relay) => {
      relay.mute = true;
    });
    await host.advance(4000);
    expect(end).toEqual({});
    await host.advance(2000);
    expect(end.error?.message).toMatch(/handshake/);
    expect(relay.wire?.closed).not.toBeNull();
  });

  test('frames of the session before WELCOME are a fault', async () => {
    const { host, end, relay } = begin((relay) => {
      relay.refusal = { type: 'fault', code: 'limit', message: 'never comes' };
    });
    await host.advance(6);
    relay.tell({ type: 'pool', bytes: 1 });
    await host.advance(6);
    expect(end.error?.message).toMatch(/pool during the handshake/);
    expect(relay.wire?.closed).toEqual({ code: 4001, reason: 'unexpected' });
  });
});

describe('frames', () => {
  test('of one turn share a message', async () => {
    const { session, host } = await opened();
    const before = session.relay.stats;
    session.channel.tcp(4);
    session.channel.udp(4);
    session.channel.barrier();
    await host.advance(20);
    const after = session.relay.stats;
    expect(after.framesSent - before.framesSent).toBe(3);
    expect(after.messagesSent - before.messagesSent).toBe(1);
    expect(after.sockets).toBe(2);
  });

  test('are acknowledged within a second, or sooner when many came', async () => {
    const all = await opened();
    await connectedStream(all);
    const unacknowledged = () => all.relay.link.unacknowledgedFrames;
    expect(unacknowledged()).toBe(2);
    await all.host.advance(ACK_MILLISECONDS + 20);
    expect(unacknowledged()).toBe(0);
    for (let i = 0; i < ACK_FRAMES; i++) all.relay.tell({ type: 'data', socket: 1, payload: new Uint8Array(1) });
    await all.host.advance(20);
    expect(unacknowledged()).toBe(0);
  });

  test('of bulk wait only for a relay that has something to acknowledge', async () => {
    const all = await opened((relay) => {
      // Datagrams, say.
      relay.backlog = 1024 * 1024;
    });
    const stream = await connectedStream(all);
    const arrived = () =>
      all.relay.got.reduce((sum, frame) => sum + (frame.type === 'data' ? frame.payload.length : 0), 0);
    all.relay.respond = (frame) => {
      if (frame.type === 'data') all.relay.tell({ type: 'credit', socket: 1, bytes: frame.payload.length });
    };
    const payload = new Uint8Array(40_000);
    for (const total of [40_000, 80_000]) {
      expect(stream.send(payload, 0, payload.length)).toBe(payload.length);
      await all.host.advance(20);
      expect(arrived()).toBe(total);
    }
    expect(stream.send(payload, 0, payload.length)).toBe(payload.length);
    await all.host.advance(20);
    expect(arrived()).toBe(80_000);
    all.relay.tell({ type: 'ack', received: all.relay.link.takeAck() });
    await all.host.advance(20);
    expect(arrived()).toBe(120_000);
  });

  test('of an inspector’s interest are told, without secrets', async () => {
    const { session, host, relay } = await opened();
    const seen: string[] = [];
    const off = session.relay.on('frame', ({ direction, frame, bytes, time }) => {
      expect(bytes).toBeGreaterThan(0);
      expect(time).toBe(host.wall());
      seen.push(`${direction} ${frame.type}`);
      expect(frame).not.toHaveProperty('mac');
    });
    session.channel.barrier();
    await host.advance(20);
    expect(seen).toEqual(['sent barrier', 'received reply']);
    relay.cut();
    await host.advance(200);
    expect(seen).toContain('sent resume');
    expect(seen).toContain('received resumed');
    off();
    const before = seen.length;
    session.channel.barrier();
    await host.advance(20);
    expect(seen.length).toBe(before);
  });

  test('a listener that throws harms nobody else', async () => {
    const { session, host } = await opened();
    const seen: string[] = [];
    session.relay.on('frame', () => {
      throw new Error('mine');
    });
    session.relay.on('frame', ({ frame }) => seen.push(frame.type));
    const barrier = session.channel.barrier();
    await expect(host.advance(20)).rejects.toThrow('mine');
    await expect(host.advance(20)).rejects.toThrow('mine');
    await host.advance(20);
    expect(outcome(barrier)).toBeUndefined();
    expect(seen).toEqual(['barrier', 'reply']);
  });
});

describe('signs of life', () => {
  test('pings are answered, and sent', async () => {
    const { host, relay, session } = await opened();
    relay.tell({ type: 'ping', token: 7 });
    await host.advance(20);
    expect(relay.gotUnsequenced.at(-1)).toEqual({ type: 'pong', token: 7, time: expect.any(Number) });
    const { framesSent } = session.relay.stats;
    await host.advance(10_100);
    expect(session.relay.stats.framesSent).toBe(framesSent + 2);
    expect(session.relay.state).toBe('connected');
  });

  test('a relay that is silent for 15 s counts as gone, and is sought again', async () => {
    const { host, relay, states } = await opened();
    relay.alive = false;
    await host.advance(14_500);
    expect(states).toEqual(['connected']);
    await host.advance(6000);
    expect(states).toEqual(['connected', 'reconnecting', 'connected']);
  });
});

describe('ending', () => {
  test('close closes sockets, then the WebSocket, and is final', async () => {
    const all = await opened();
    const { session, host, relay, states } = all;
    const stream = await connectedStream(all);
    const waiting = session.channel.barrier();
    session.close();
    expect(states.at(-1)).toBe('closed');
    expect(outcome(waiting)).toBe('CLOSED');
    expect(stream.send(new Uint8Array(1), 0, 1)).toMatchObject({ code: 'EPIPE' });
    expect(relay.wire?.closed).toEqual({ code: 1000, reason: '' });
    session.close();
    await host.advance(60_000);
    expect(relay.wires.length).toBe(1);
  });

  test('a listener may close the session whenever it is told something', async () => {
    for (const when of ['reconnecting', 'connected'] as const) {
      const { session, host, relay, states } = await opened();
      session.relay.on('state', (state) => {
        if (state === when) session.relay.close();
      });
      relay.cut();
      await host.advance(5000);
      expect(states.at(-1)).toBe('closed');
      expect(session.relay.state).toBe('closed');
    }
  });

  test('a fault of the relay is told to it, and ends the session without an exception', async () => {
    const { session, host, relay, states, end } = await opened();
    const waiting = session.channel.barrier();
    relay.wire?.events.message(new Uint8Array([0x93, 0x7f]));
    await host.advance(20);
    expect(states).toEqual(['connected', 'lost']);
    expect(end.error).toMatchObject({ name: 'ProtocolError' });
    expect(outcome(waiting)).toBe('CLOSED');
    expect(relay.wire?.closed?.code).toBeGreaterThanOrEqual(4000);
  });

  test('a fault of ours that the relay found is the end', async () => {
    const { host, relay, states, end } = await opened();
    relay.tell({ type: 'fault', code: 'overrun', message: 'more than the credit allows' });
    await host.advance(20);
    expect(states).toEqual(['connected', 'lost']);
    expect(end.error).toMatchObject({ code: 'overrun' });
  });

  test('acknowledging what was never sent is the relay’s fault', async () => {
    const { host, relay, end } = await opened();
    relay.tell({ type: 'ack', received: 5 });
    await host.advance(20);
    expect(end.error).toMatchObject({ code: 'unexpected' });
  });
});
