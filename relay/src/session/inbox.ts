/**
 * What one client has sent and the relay has not done yet. Usually nothing: a message is done as it comes. But who has
 * had its share of a turn finds the rest done in later turns, after what others have sent. Knows no WebSocket.
 */
import type { Shares } from './shares.ts';

/** Frames that are done before anybody looks at the clock. */
const SLICE = 8;
/** What share of the time is everybody's; a game takes about 0.05 ms of it for each message. */
const FREE_SHARE = 0.05;
/** Of what somebody has taken beyond it no more is remembered: a second of quiet makes good. */
const MOST_MILLISECONDS = 50;
/**
 * What comes so long after the last was done comes in another turn. (To count the turns would cost a timer in each, as
 * much as a small message does.)
 */
const GAP_MILLISECONDS = 0.1;

export interface InboxOptions<Message, Frame> {
  readonly shares: Shares;
  /** Milliseconds on a clock that never runs backwards. */
  readonly now: () => number;
  readonly decode: (message: Message) => readonly Frame[];
  readonly perform: (frames: readonly Frame[]) => void;
  /** What decoding or performing has thrown; nothing more is done then if it stops the inbox. */
  readonly failed: (error: unknown) => void;
  /** Something is left for later, so no more should be read; or nothing is. */
  readonly waits: (on: boolean) => void;
}

export class Inbox<Message, Frame> {
  readonly #options: InboxOptions<Message, Frame>;
  readonly #messages: Message[] = [];
  /** Of the message that is being done, and how many of them are. */
  #frames: readonly Frame[] = [];
  #done = 0;
  /** When the share of this turn is used up. */
  #until = 0;
  /** When the last message was done. */
  #idleSince = Number.NEGATIVE_INFINITY;
  /** Milliseconds that its messages have taken lately, beyond what everybody has. */
  #owed = 0;
  #waiting = false;
  #held = false;
  #scheduled = false;
  #stopped = false;
  #finished: (() => void) | null = null;

  constructor(options: InboxOptions<Message, Frame>) {
    this.#options = options;
  }

  /** Whether something is left for later. */
  get waiting(): boolean {
    return this.#waiting;
  }

  /** A message that came at `now`. */
  add(message: Message, now: number): void {
    this.#messages.push(message);
    if (this.#waiting || this.#stopped) return;
    const { shares } = this.#options;
    const idle = now - this.#idleSince;
    if (idle > GAP_MILLISECONDS) {
      this.#until = now + shares.slice;
      this.#owed = Math.max(0, this.#owed - idle * FREE_SHARE);
    }
    if (this.#held || now >= this.#until || !shares.hasRoom(this.#owed)) this.#wait();
    else {
      this.#work();
      shares.took(this.#account(now));
    }
  }

  /** Leaves everything to wait, or goes on. */
  hold(on: boolean): void {
    this.#held = on;
    if (!on && this.#waiting) this.#schedule();
  }

  /** No more will come: calls `then` when all that is left is done, in as many turns as that takes. */
  finish(then: () => void): void {
    this.#finished = then;
    if (this.#isEmpty()) this.#end();
  }

  /** Forgets what is left. */
  stop(): void {
    this.#stopped = true;
    this.#finished = null;
    this.#messages.length = 0;
    this.#frames = [];
  }

  /** Milliseconds since `began`, which are its own. */
  #account(began: number): number {
    const took = this.#options.now() - began;
    this.#owed = Math.min(MOST_MILLISECONDS, this.#owed + took);
    return took;
  }

  #work(): void {
    try {
      while (!this.#stopped) {
        if (this.#done >= this.#frames.length && !this.#open()) break;
        const part = this.#frames.length <= SLICE ? this.#frames : this.#frames.slice(this.#done, this.#done + SLICE);
        this.#done += part.length;
        this.#options.perform(part);
        if (!this.#isEmpty() && (this.#held || this.#options.now() >= this.#until)) {
          this.#wait();
          return;
        }
      }
      this.#idleSince = this.#options.now();
      this.#end();
    } catch (error) {
      this.#options.failed(error);
    }
  }

  /** Goes on to the next message, if there is one. */
  #open(): boolean {
    const message = this.#messages.shift();
    if (message === undefined) return false;
    this.#frames = this.#options.decode(message);
    this.#done = 0;
    return true;
  }

  #isEmpty(): boolean {
    return this.#done >= this.#frames.length && this.#messages.length === 0;
  }

  #end(): void {
    const then = this.#finished;
    this.#finished = null;
    then?.();
  }

  #wait(): void {
    if (!this.#waiting) {
      this.#waiting = true;
      this.#options.waits(true);
    }
    if (!this.#held) this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.shares.later(() => {
      this.#scheduled = false;
      if (this.#stopped || this.#held) return;
      const began = this.#options.now();
      this.#until = began + this.#options.shares.slice;
      this.#work();
      this.#account(began);
      if (this.#stopped || !this.#isEmpty()) return;
      this.#waiting = false;
      this.#options.waits(false);
    }, this.#owed);
  }
}
