/** Chance that can be had again, with odds. */
import { Random } from '../../chaos/random.ts';

export type Weighted<T> = readonly (readonly [weight: number, value: T])[];

export class Dice extends Random {
  /** @param seed a whole number; neighbours give numbers that have nothing in common */
  constructor(seed: number) {
    super(Math.imul(seed, 0x9e3779b1));
  }

  /** One of `values`, of which there must be one. */
  pick<T>(values: readonly T[]): T {
    return values[this.between(0, values.length - 1)] as T;
  }

  /** Like `pick`, with odds. */
  weighted<T>(values: Weighted<T>): T {
    let left = this.next() * values.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, value] of values) {
      left -= weight;
      if (left < 0) return value;
    }
    return (values.at(-1) as readonly [number, T])[1];
  }

  /** From `low` to `high` values that `make` makes. */
  several<T>(low: number, high: number, make: () => T): T[] {
    return Array.from({ length: this.between(low, high) }, make);
  }
}
