import { describe, expect, it } from 'vitest';
import { SocketHistory } from '../src/socket-history.ts';

const socket = (id: number, received = 0) =>
  ({
    id,
    kind: 'tcp',
    state: 'established',
    local: '127.0.0.1:5000',
    peer: '127.0.0.1:80',
    received,
    sent: 0,
    queued: 0,
  }) as const;

describe('the history of sockets', () => {
  it('keeps a socket that has been closed as it was last seen', () => {
    const history = new SocketHistory();
    history.update([socket(1), socket(2)]);
    history.update([socket(1, 7), socket(2)]);
    history.update([socket(2)]);
    expect(history.rows(true)).toEqual([socket(2), { ...socket(1, 7), state: 'closed' }]);
    expect(history.rows(false)).toEqual([socket(2)]);
  });

  it('forgets the oldest of many closed sockets, and never an open one', () => {
    const history = new SocketHistory();
    for (let id = 2; id <= 200; id++) history.update([socket(1), socket(id)]);
    const ids = history.rows(true).map((row) => row.id);
    expect(ids.slice(0, 3)).toEqual([1, 200, 199]);
    expect(ids.length).toBeLessThan(100);
  });
});
