/** The memory that a blocking thread and its pump share, and what they say to each other: both sides' one agreement. */
import type { RelayState } from '../api.ts';
import { BELL_WORDS } from '../transport/bell.ts';
import { ringMemory } from '../transport/ring.ts';
import { MIRROR_BYTES } from './mirror.ts';

/**
 * Bytes of the rings. Each takes the largest message (256 KiB), and inwards the credit that a session begins with; when
 * that has grown, the rest waits in the pump.
 */
const INWARD = 2 * 1024 * 1024;
const OUTWARD = 512 * 1024;

/** Milliseconds between the pump's signs of life. */
export const BEAT_MILLISECONDS = 500;

/** Shared memory, as it travels to the pump. */
export interface Memory {
  readonly control: SharedArrayBuffer;
  /** From the relay. */
  readonly inward: SharedArrayBuffer;
  /** To the relay. */
  readonly outward: SharedArrayBuffer;
}

/** Words of `control`, then the mirror. */
const WORDS = {
  /** Rings for the pump. */
  pumpBell: 0,
  /** Rings for the blocking thread. */
  threadBell: BELL_WORDS,
  /** Counts the pump's signs of life. */
  beat: 2 * BELL_WORDS,
  /** 1 while the pump waits for room in the ring inwards, or the blocking thread for room outwards. */
  pumpStalled: 2 * BELL_WORDS + 1,
  threadStalled: 2 * BELL_WORDS + 2,
  /** 1 while somebody looks at frames. */
  tapped: 2 * BELL_WORDS + 3,
} as const;
const MIRROR_AT = 64;

export type Flag = 'beat' | 'pumpStalled' | 'threadStalled' | 'tapped';

export function newMemory(): Memory {
  return {
    control: new SharedArrayBuffer(MIRROR_AT + MIRROR_BYTES),
    inward: ringMemory(INWARD),
    outward: ringMemory(OUTWARD),
  };
}

/** The words of `control`, by their purpose. */
export class Control {
  readonly #words: Int32Array;
  readonly mirror: SharedArrayBuffer;
  readonly mirrorAt = MIRROR_AT;

  constructor({ control }: Memory) {
    this.#words = new Int32Array(control);
    this.mirror = control;
  }

  bell(whose: 'pumpBell' | 'threadBell'): Int32Array {
    return this.#words.subarray(WORDS[whose], WORDS[whose] + BELL_WORDS);
  }

  get(flag: Flag): number {
    return Atomics.load(this.#words, WORDS[flag]);
  }

  set(flag: Flag, value: number): void {
    Atomics.store(this.#words, WORDS[flag], value);
  }

  beat(): void {
    Atomics.add(this.#words, WORDS.beat, 1);
  }
}

/** Kinds of records from the pump: a message of the relay, and what became of the connection. */
export const INWARDS = { message: 1, state: 2, resumed: 3, ended: 4, frameSent: 5, frameReceived: 6 } as const;
/** Kinds of records to the pump: frames, and how to end. */
export const OUTWARDS = { sequenced: 1, datagram: 2, fault: 3, close: 4 } as const;

/** The states that a session can change to while it lasts; a record holds the index. */
export const STATES: readonly RelayState[] = ['connecting', 'connected', 'reconnecting', 'lost', 'closed'];

/** The first message to the pump. */
export interface Start {
  readonly type: 'start';
  readonly url: string;
  readonly ticket: string | null;
  readonly memory: Memory;
  /** The blocking thread must be called back by messages. */
  readonly post: boolean;
}

/** All messages to the pump. */
export type ToPump = Start | { readonly type: 'bell' };

/** The pump's messages. `started` comes first, and tells whether it must be called back by messages. */
export type FromPump =
  | { readonly type: 'started'; readonly post: boolean }
  | {
      readonly type: 'opened';
      readonly terms: { readonly sockets: number; readonly upload: number; readonly download: number };
    }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'bell' };
