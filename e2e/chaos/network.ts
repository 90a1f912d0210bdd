/**
 * A bad network before a relay: a TCP proxy that ends each of its connections in some nasty way at some byte, handshakes
 * included, until it has done so often enough; then it is a good one. It knows nothing of what it carries.
 */
import { createServer, connect as dial, type Socket } from 'node:net';
import type { Random } from './random.ts';

const KINDS = [
  /** Both ends get RST. */
  'reset',
  /** One end gets RST; the other believes that all is well, the relay until it is told otherwise, the client for a while. */
  'reset at the client',
  'reset at the relay',
  /** One end gets FIN, what it sends still passes. */
  'half-close to the client',
  'half-close to the relay',
  /** Nothing passes for a while, in both directions or one; then both get RST. */
  'stall',
  'stall one way',
] as const;
export type CutKind = (typeof KINDS)[number];

export interface BadNetwork {
  /** `ws://127.0.0.1:PORT/relay` */
  readonly url: string;
  /** Connections that were cut, by kind. */
  readonly cuts: ReadonlyMap<CutKind, number>;
  readonly cutCount: number;
  /** Pauses that healed. */
  readonly stalls: number;
  /** Resolves when all cuts are done. */
  readonly healed: Promise<void>;
  close(): Promise<void>;
}

/** When and how a connection ends: once so many bytes have passed in one direction. */
interface Plan {
  readonly kind: CutKind;
  readonly upwards: boolean;
  readonly bytes: number;
  /** Milliseconds of a pause that heals, halfway there; 0: none. */
  readonly pause: number;
  /** Milliseconds for what the kind leaves waiting. */
  readonly linger: number;
}

/** A connection that carries too little for its plan is cut then. */
const IDLE_MILLISECONDS = 1500;

export async function startBadNetwork(relayPort: number, cuts: number, random: Random): Promise<BadNetwork> {
  const wires = new Set<Wire>();
  const done = new Map<CutKind, number>();
  const counts = { planned: 0, cut: 0, stalls: 0 };
  let heal = () => {};
  const healed = new Promise<void>((resolve) => {
    heal = resolve;
  });
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const plan = counts.planned < cuts ? planOf(random) : null;
    if (plan) counts.planned++;
    const far = dial({ port: relayPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const wire = new Wire(near, far, plan, {
      stalled: () => counts.stalls++,
      cut: (kind) => {
        done.set(kind, (done.get(kind) ?? 0) + 1);
        if (++counts.cut === cuts) heal();
      },
      gone: (unused) => {
        wires.delete(wire);
        if (unused) counts.planned--;
      },
    });
    wires.add(wire);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `ws://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}/relay`,
    cuts: done,
    get cutCount() {
      return counts.cut;
    },
    get stalls() {
      return counts.stalls;
    },
    healed,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const wire of wires) wire.destroy();
      }),
  };
}

function planOf(random: Random): Plan {
  return {
    kind: random.of(KINDS),
    upwards: random.chance(0.5),
    // A quarter within the handshake, and a quarter late enough for all that is to be sent again.
    bytes: random.between(1, random.of([900, 60_000, 60_000, 400_000])),
    pause: random.chance(0.2) ? random.between(5, 150) : 0,
    linger: random.between(1, 250),
  };
}

interface WireEvents {
  stalled(): void;
  cut(kind: CutKind): void;
  /** Both ends are closed. `unused`: its plan came to nothing. */
  gone(unused: boolean): void;
}

/** One connection through the proxy. */
class Wire {
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #plan: Plan | null;
  readonly #events: WireEvents;
  readonly #timers = new Set<NodeJS.Timeout>();
  #passed = 0;
  #paused = false;
  #cut = false;
  #open = 2;
  /** Directions in which nothing passes, and what comes is dropped. */
  #dead = { up: false, down: false };

  constructor(near: Socket, far: Socket, plan: Plan | null, events: WireEvents) {
    this.#near = near;
    this.#far = far;
    this.#plan = plan;
    this.#events = events;
    this.#join(near, far, true);
    this.#join(far, near, false);
    if (plan) this.#after(IDLE_MILLISECONDS, () => this.#strike(plan));
  }

  destroy(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#near.destroy();
    this.#far.destroy();
  }

  #join(from: Socket, to: Socket, up: boolean): void {
    from.on('data', (chunk) => this.#data(chunk, from, to, up));
    from.on('end', () => (to.destroyed ? from : to).end());
    from.on('error', () => {}); // the other side's business, or our own doing
    from.on('close', () => {
      // The relay that was not told of a reset keeps its end.
      if (!(this.#cut && this.#plan?.kind === 'reset at the client' && up)) to.destroy();
      if (--this.#open > 0) return;
      for (const timer of this.#timers) clearTimeout(timer);
      this.#events.gone(this.#plan !== null && !this.#cut);
    });
  }

  #data(chunk: Buffer, from: Socket, to: Socket, up: boolean): void {
    if (up ? this.#dead.up : this.#dead.down) return;
    const plan = this.#plan;
    if (!plan || this.#cut || plan.upwards !== up) {
      this.#pass(chunk, from, to);
      return;
    }
    const left = plan.bytes - this.#passed;
    this.#passed += chunk.length;
    if (chunk.length >= left) {
      // The rest is lost where the connection ends at once; a half-close and one end's reset concern the other direction too.
      this.#pass(chunk.subarray(0, left), from, to);
      this.#strike(plan);
    } else {
      this.#pass(chunk, from, to);
      if (plan.pause > 0 && !this.#paused && this.#passed >= plan.bytes / 2) this.#pause(plan.pause);
    }
  }

  #pass(chunk: Buffer, from: Socket, to: Socket): void {
    if (to.destroyed || to.writableEnded || chunk.length === 0 || to.write(chunk)) return;
    from.pause();
    to.once('drain', () => from.resume());
  }

  /** Nothing passes for a while. */
  #pause(milliseconds: number): void {
    this.#paused = true;
    this.#events.stalled();
    this.#near.pause();
    this.#far.pause();
    this.#after(milliseconds, () => {
      this.#near.resume();
      this.#far.resume();
    });
  }

  #strike(plan: Plan): void {
    if (this.#cut) return;
    this.#cut = true;
    this.#events.cut(plan.kind);
    const reset = () => {
      this.#near.resetAndDestroy();
      this.#far.resetAndDestroy();
    };
    this.#near.resume();
    this.#far.resume();
    // From the cut on, what it cuts off is lost: a stream with a hole must not go on.
    this.#dead = deadAfter(plan);
    switch (plan.kind) {
      case 'reset':
        reset();
        return;
      case 'reset at the client':
        this.#near.resetAndDestroy();
        return;
      case 'reset at the relay':
        this.#far.resetAndDestroy();
        this.#after(plan.linger, () => this.#near.destroy());
        return;
      case 'half-close to the client':
        this.#near.end();
        return;
      case 'half-close to the relay':
        this.#far.end();
        return;
      case 'stall':
      case 'stall one way':
        this.#after(plan.linger, reset);
        return;
    }
  }

  #after(milliseconds: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, milliseconds);
    this.#timers.add(timer);
  }
}

/** The direction in which the plan was struck ends in the middle of a chunk, so nothing more may pass there. */
function deadAfter({ kind, upwards }: Plan): { up: boolean; down: boolean } {
  const both = kind === 'stall' || kind.startsWith('reset');
  const toClient = kind === 'half-close to the client';
  const toRelay = kind === 'half-close to the relay';
  return { up: both || upwards || toRelay, down: both || !upwards || toClient };
}
