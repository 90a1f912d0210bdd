/**
 * What the relay may send, and what it is told: CREDIT for what programs have taken, and POOL where more credit would
 * make it faster. Sockets and requests are the multiplexer's.
 */
import { type FlowKind, ReceivePool } from '@luasocket-web/shared/flow';
import type { ClientFrame } from '@luasocket-web/shared/frames';
import { WindowTuner } from '@luasocket-web/shared/window';
import type { Path } from './wire.ts';

export class Download {
  readonly #pool: ReceivePool;
  readonly #tuner: WindowTuner;
  readonly #path: Path | null;
  readonly #emit: (frame: ClientFrame) => void;

  /** `pool`: bytes at first. `path`: null: no more than that. */
  constructor(pool: number, path: Path | null, emit: (frame: ClientFrame) => void) {
    this.#pool = new ReceivePool(pool);
    this.#tuner = new WindowTuner(this.#pool);
    this.#path = path;
    this.#emit = emit;
  }

  /** `bytes` came in. @throws ProtocolError `overrun` */
  received(socket: number, bytes: number, kind: FlowKind): void {
    this.#pool.received(socket, bytes, kind);
    // What could wait so far may be waited for now.
    if (this.#pool.due) this.#tell();
  }

  /** The program has taken `bytes`. */
  consumed(socket: number, bytes: number): void {
    this.#pool.consumed(socket, bytes);
    if (this.#pool.due) this.#tell();
  }

  close(socket: number): void {
    this.#pool.close(socket);
  }

  #tell(): void {
    let taken = 0;
    for (const [socket, bytes] of this.#pool.takeCredits()) {
      this.#emit({ type: 'credit', socket, bytes });
      taken += bytes;
    }
    if (!this.#path) return;
    const { roundtrip } = this.#path;
    const more = this.#tuner.took(taken, this.#path.now() * 1000, roundtrip === null ? null : roundtrip * 1000);
    if (more === 0) return;
    this.#pool.grow(more);
    this.#emit({ type: 'pool', bytes: more });
  }
}
