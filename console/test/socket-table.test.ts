import { packEndpoint } from '@luasocket-web/shared/address';
import type { Frame } from '@luasocket-web/shared/frames';
import { describe, expect, it } from 'vitest';
import { SocketTable } from '../src/socket-table.ts';

const local = { family: 4, address: '127.0.0.1', port: 5000 } as const;
const peer = { family: 4, address: '127.0.0.1', port: 80 } as const;

/** A table that has seen these frames: those from `sent` and from `got` as they stand. */
function tableOf(...events: ReadonlyArray<{ sent: Frame } | { got: Frame }>): SocketTable {
  const table = new SocketTable();
  for (const event of events) {
    if ('sent' in event) table.apply({ direction: 'sent', time: 0, bytes: 1, frame: event.sent });
    else table.apply({ direction: 'received', time: 0, bytes: 1, frame: event.got });
  }
  return table;
}

const only = (table: SocketTable) => [...table.rows][0];
const open = { sent: { type: 'open', socket: 1, kind: 0, family: 4 } } as const;
const openUdp = { sent: { type: 'open', socket: 1, kind: 1, family: 4 } } as const;
const connect = { sent: { type: 'connect', request: 1, socket: 1, target: peer } } as const;
const begun = { got: { type: 'reply', request: 1, value: packEndpoint(local) } } as const;
const connected = { got: { type: 'connected', socket: 1, local, peer } } as const;

describe('the table of sockets', () => {
  it('follows a client from its birth to its end', () => {
    expect(only(tableOf(open))).toMatchObject({ id: 1, kind: 'tcp4', state: 'open', local: '', peer: '' });
    expect(only(tableOf(open, connect))).toMatchObject({ state: 'connecting', peer: '127.0.0.1:80' });
    expect(only(tableOf(open, connect, begun))).toMatchObject({ state: 'connecting', local: '127.0.0.1:5000' });
    const payload = new Uint8Array(7);
    const talking = [open, connect, begun, connected, { sent: { type: 'data', socket: 1, payload } }] as const;
    expect(only(tableOf(...talking))).toMatchObject({ state: 'established', sent: 7, received: 0 });
    const ended = [
      ...talking,
      { got: { type: 'data', socket: 1, payload } },
      { got: { type: 'end', socket: 1 } },
    ] as const;
    expect(only(tableOf(...ended))).toMatchObject({ state: 'peer finished', received: 7 });
    const closed = [...ended, { sent: { type: 'close', socket: 1, consumed: 7 } }] as const;
    expect(only(tableOf(...closed))).toMatchObject({ state: 'closed', received: 7, sent: 7 });
  });

  it('tells why a connection failed or broke', () => {
    const refused = { got: { type: 'error', socket: 1, error: 'ECONNREFUSED', detail: null } } as const;
    expect(only(tableOf(open, connect, begun, refused))).toMatchObject({ state: 'failed', error: 'ECONNREFUSED' });
    const reset = { got: { type: 'error', socket: 1, error: 'ECONNRESET', detail: null } } as const;
    expect(only(tableOf(open, connect, begun, connected, reset))).toMatchObject({
      state: 'broken',
      error: 'ECONNRESET',
    });
    const denied = { got: { type: 'fail', request: 1, error: 'EACCES', detail: null } } as const;
    expect(only(tableOf(open, connect, denied))).toMatchObject({ state: 'failed', error: 'EACCES' });
  });

  it('shows servers and the connections that they accept', () => {
    const table = tableOf(
      open,
      { sent: { type: 'bind', request: 1, socket: 1, target: { ...local, port: 0 } } },
      { got: { type: 'reply', request: 1, value: null } },
      { sent: { type: 'listen', request: 2, socket: 1, backlog: 32 } },
      { got: { type: 'reply', request: 2, value: null } },
      { sent: { type: 'getsockname', request: 3, socket: 1 } },
      { got: { type: 'reply', request: 3, value: packEndpoint(local) } },
      { got: { type: 'accepted', listener: 1, socket: 2 ** 30, local, peer } },
    );
    expect([...table.rows]).toMatchObject([
      { id: 1, state: 'listening', local: '127.0.0.1:5000' },
      { id: 2 ** 30, state: 'waiting for accept', local: '127.0.0.1:5000', peer: '127.0.0.1:80' },
    ]);
    table.apply({ direction: 'sent', time: 0, bytes: 1, frame: { type: 'accept', socket: 2 ** 30 } });
    expect([...table.rows][1]).toMatchObject({ state: 'established' });
  });

  it('counts datagrams, and follows a UDP socket that connects and disconnects', () => {
    const payload = new Uint8Array(3);
    const events = [openUdp, connect, { got: { type: 'reply', request: 1, value: null } }] as const;
    expect(only(tableOf(...events))).toMatchObject({ kind: 'udp4', state: 'connected', peer: '127.0.0.1:80' });
    const table = tableOf(
      ...events,
      { sent: { type: 'sendto', request: 2, socket: 1, peer: null, payload } },
      { sent: { type: 'datagram', socket: 1, peer: null, payload } },
      { got: { type: 'datagram', socket: 1, peer, payload } },
      { sent: { type: 'connect', request: 3, socket: 1, target: null } },
      { got: { type: 'reply', request: 3, value: null } },
    );
    expect(only(table)).toMatchObject({ state: 'open', peer: '', sent: 6, received: 3 });
  });

  it('names the address of a look-up that a socket was pointed at', () => {
    const table = tableOf(
      openUdp,
      { sent: { type: 'resolve', request: 1, host: 'localhost', service: '80', family: 4, kind: 1, use: 0 } },
      { got: { type: 'reply', request: 1, value: [packEndpoint(peer)] } },
      { sent: { type: 'connect', request: 2, socket: 1, target: { request: 1, index: 0 } } },
    );
    expect(only(table)).toMatchObject({ peer: '127.0.0.1:80' });
  });

  it('forgets the oldest of many closed sockets', () => {
    const table = new SocketTable();
    for (let socket = 1; socket <= 200; socket++) {
      table.apply({ direction: 'sent', time: 0, bytes: 1, frame: { type: 'open', socket, kind: 0, family: 4 } });
      if (socket === 1) continue;
      table.apply({ direction: 'sent', time: 0, bytes: 1, frame: { type: 'close', socket, consumed: 0 } });
    }
    const ids = [...table.rows].map((row) => row.id);
    expect(ids[0]).toBe(1);
    expect(ids.at(-1)).toBe(200);
    expect(ids.length).toBeLessThan(100);
  });
});
