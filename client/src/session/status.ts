/** What users see of the connection as `socket.relay`: its state, its counters, and an inspector's view of frames. */
import { encodeFrame } from '@luasocket-web/shared/codec';
import type { Frame } from '@luasocket-web/shared/frames';
import type { DeniedEvent, FrameEvent, RelayState, RelayStats, RelayStatus, SocketStatus } from '../api.ts';
import type { SessionTap } from './tap.ts';

/** What the counters are read from. */
export interface StatusSource {
  readonly state: RelayState;
  stats(): RelayStats;
  sockets(): readonly SocketStatus[];
  /** Seconds since 1970 by this machine's clock. */
  wall(): number;
  /** Lets an error of a listener surface where it harms nobody. */
  report(error: unknown): void;
  close(): void;
}

interface Listeners {
  readonly state: Set<(state: RelayState) => void>;
  readonly frame: Set<(event: FrameEvent) => void>;
  readonly resumed: Set<() => void>;
  readonly denied: Set<(event: DeniedEvent) => void>;
}

export class Status implements RelayStatus, SessionTap {
  /** Set before the change to `lost` is told. */
  reason: string | null = null;
  readonly #source: StatusSource;
  readonly #listeners: Listeners = { state: new Set(), frame: new Set(), resumed: new Set(), denied: new Set() };

  constructor(source: StatusSource) {
    this.#source = source;
  }

  get state(): RelayState {
    return this.#source.state;
  }

  get stats(): RelayStats {
    return this.#source.stats();
  }

  get sockets(): readonly SocketStatus[] {
    return this.#source.sockets();
  }

  on(event: 'state', listener: (state: RelayState) => void): () => void;
  on(event: 'frame', listener: (event: FrameEvent) => void): () => void;
  on(event: 'resumed', listener: () => void): () => void;
  on(event: 'denied', listener: (event: DeniedEvent) => void): () => void;
  on(event: keyof Listeners, listener: (value: never) => void): () => void {
    const listeners = Object.hasOwn(this.#listeners, event) ? this.#listeners[event] : null;
    if (!listeners) throw new TypeError(`relay.on: no event '${event}'`);
    if (typeof listener !== 'function') throw new TypeError('relay.on: the listener must be a function');
    // Each registration counts for itself, also of one function twice.
    const entry = (value: never) => listener(value);
    (listeners as Set<(value: never) => void>).add(entry);
    return () => void (listeners as Set<(value: never) => void>).delete(entry);
  }

  close(): void {
    this.#source.close();
  }

  // --- what the session tells

  get listening(): boolean {
    return this.#listeners.frame.size > 0;
  }

  frame(direction: 'sent' | 'received', frame: Frame, bytes = encodeFrame(frame).length): void {
    const event: FrameEvent = { direction, time: this.#source.wall(), bytes, frame: disclosed(frame) };
    for (const listener of [...this.#listeners.frame]) this.#call(() => listener(event));
  }

  changed(state: RelayState): void {
    for (const listener of [...this.#listeners.state]) this.#call(() => listener(state));
  }

  resumed(): void {
    for (const listener of [...this.#listeners.resumed]) this.#call(listener);
  }

  denied(event: DeniedEvent): void {
    for (const listener of [...this.#listeners.denied]) this.#call(() => listener(event));
  }

  #call(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#source.report(error);
    }
  }
}

/** What lets others in as us; an inspector may show all else. */
const SECRETS = ['key', 'ticket', 'mac'];

/** The frame as it is, without copying payloads: they are views, good for as long as the listener looks at them. */
function disclosed(frame: Frame): FrameEvent['frame'] {
  if (!SECRETS.some((name) => name in frame)) return frame;
  const entries = Object.entries(frame).filter(([name]) => !SECRETS.includes(name));
  return { type: frame.type, ...Object.fromEntries(entries) };
}
