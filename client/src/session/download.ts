/**
 * What the relay may send, and what it is told: CREDIT for what programs have taken, and POOL where more credit would
 * make it faster. Sockets and requests are the multiplexer's.
 */
import type { Route } from '@luasocket-web/shared/bulk-limit';
import { type FlowKind, ReceivePool } from '@luasocket-web/shared/flow';
import type { ClientFrame } from '@luasocket-web/shared/frames';
import { WindowTuner } from '@luasocket-web/shared/window';

export class Download {
  readonly #pool: ReceivePool;
  readonly #tuner: WindowTuner;
  readonly #route: Route;
  readonly #emit: (frame: ClientFrame) => void;

  /** `pool`: bytes at first; more only over a route whose round trip is known. */
  constructor(pool: number, route: Route, emit: (frame: ClientFrame) => void) {
    this.#pool = new ReceivePool(pool);
    this.#tuner = new WindowTuner(this.#pool);
    this.#route = route;
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
    const more = this.#tuner.took(taken, this.#route.now(), this.#route.roundtrip());
    if (more === 0) return;
    this.#pool.grow(more);
    this.#emit({ type: 'pool', bytes: more });
  }
}
