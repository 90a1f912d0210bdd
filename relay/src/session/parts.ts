/** What the parts of a session share: how to speak to the client, and the clock. No part knows the session itself. */
import type { RelayFrame } from '@luasocket-web/shared/frames';

export interface Voice {
  /** Sends a frame, or keeps it for the next WebSocket when it is sequenced. Never throws; nothing happens once the session has ended. */
  send(frame: RelayFrame): void;
  /**
   * Sends a DATA. The payload lies in the session's ReadBuffers with free headroom; it is not copied, and released when
   * the client has acknowledged it.
   */
  data(socket: number, payload: Uint8Array): void;
  /** Whether a WebSocket is there now. */
  readonly attached: boolean;
  /** Something may have to be told at the end of this turn (credit, acknowledgements). */
  stir(): void;
  /**
   * Runs what a socket tells; a defect of ours ends this session, never the process. Answers whether it has run: false when the
   * session is over.
   */
  guard(task: () => void): boolean;
}

/** Which peers are not to be read from: none, those who send much, all. */
export type Stop = 'none' | 'bulk' | 'all';

export interface Clock {
  /** Milliseconds on a clock that never runs backwards. */
  monotonic(): number;
  /** Seconds since 1970. */
  wall(): number;
}

export const SYSTEM_CLOCK: Clock = {
  monotonic: () => performance.now(),
  wall: () => Date.now() / 1000,
};
