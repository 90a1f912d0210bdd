/** The sockets of a session as the library tells of them, and those that have been closed, as they were last seen. */
import type { RelayStatus } from 'luasocket-web';

type SocketStatus = RelayStatus['sockets'][number];

/** Closed sockets stay until there are more of them than this. */
const CLOSED_KEPT = 50;

/** One socket, as the table shows it. */
export interface SocketRow extends Omit<SocketStatus, 'state'> {
  readonly state: string;
}

export class SocketHistory {
  readonly #open = new Map<number, SocketRow>();
  #closed: SocketRow[] = [];

  /** Takes what there is now; what is not among it any more has been closed. */
  update(now: readonly SocketStatus[]): void {
    const ids = new Set(now.map((socket) => socket.id));
    for (const row of this.#open.values()) {
      if (ids.has(row.id)) continue;
      this.#open.delete(row.id);
      this.#closed.push({ ...row, state: 'closed' });
    }
    this.#closed = this.#closed.slice(-CLOSED_KEPT);
    for (const socket of now) this.#open.set(socket.id, socket);
  }

  /** Those that are open, the oldest first; then those that were closed, the last one first. */
  rows(withClosed: boolean): readonly SocketRow[] {
    const open = [...this.#open.values()].sort((a, b) => a.id - b.id);
    return withClosed ? [...open, ...[...this.#closed].reverse()] : open;
  }
}
