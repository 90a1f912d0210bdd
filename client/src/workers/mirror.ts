/**
 * Numbers that one thread keeps and another reads as they were at one moment: written under a version that is odd while
 * they change (a seqlock). Knows no meaning but their names.
 */

/** In the order in which they lie. Times in seconds, all else counts. */
const NAMES = [
  'framesSent',
  'framesReceived',
  'messagesSent',
  'messagesReceived',
  'bytesSent',
  'bytesReceived',
  'resumes',
  /** Not a number before the first. */
  'roundtrip',
  /** The relay's clock less this machine's monotonic one (performance.timeOrigin + performance.now()). */
  'offset',
] as const;

export type Mirrored = Record<(typeof NAMES)[number], number>;

/** Bytes before the numbers: the version. */
const NUMBERS_AT = 8;
export const MIRROR_BYTES = NUMBERS_AT + 8 * NAMES.length;

export class Mirror {
  readonly #version: Int32Array;
  readonly #numbers: Float64Array;
  #seen = 0;
  #values = Object.fromEntries(NAMES.map((name) => [name, 0])) as Mirrored;

  constructor(memory: SharedArrayBuffer, at: number) {
    this.#version = new Int32Array(memory, at, 1);
    this.#numbers = new Float64Array(memory, at + NUMBERS_AT, NAMES.length);
  }

  /** The one writer's. */
  write(values: Mirrored): void {
    Atomics.add(this.#version, 0, 1);
    NAMES.forEach((name, index) => {
      this.#numbers[index] = values[name];
    });
    Atomics.add(this.#version, 0, 1);
  }

  /** Changes when something was written. */
  get version(): number {
    return Atomics.load(this.#version, 0);
  }

  /** As they were at one moment. When the writer died while it wrote, as they were before. */
  read(): Mirrored {
    for (let tries = 0; tries < TRIES; tries++) {
      const before = this.version;
      if (before === this.#seen) break;
      if (before % 2 !== 0) continue;
      const values = Object.fromEntries(NAMES.map((name, index) => [name, this.#numbers[index]])) as Mirrored;
      // An addition, for a load would not keep what was read before it from being read later.
      if (Atomics.add(this.#version, 0, 0) !== before) continue;
      this.#seen = before;
      this.#values = values;
    }
    return this.#values;
  }
}

/** A writer takes far less time than so many tries, unless it is no more. */
const TRIES = 10_000;
