/** A program that was instantiated: what a system call needs of it. There is none of it before its imports are made. */
import { Heap } from './heap.ts';

/** What a program's module exports, as far as it is used here. */
interface Exports {
  readonly memory?: unknown;
  readonly malloc?: unknown;
  readonly __errno_location?: unknown;
}

export class Program {
  #heap: Heap | null = null;
  #malloc: ((size: number) => number) | null = null;
  #errnoLocation: (() => number) | null = null;

  /** The memory that it imports, if it does. */
  importing(imports: WebAssembly.Imports): void {
    for (const module of Object.values(imports)) {
      for (const value of Object.values(module)) if (value instanceof WebAssembly.Memory) this.#heap = new Heap(value);
    }
  }

  started(instance: WebAssembly.Instance): void {
    const { memory, malloc, __errno_location: errno } = instance.exports as Exports;
    if (memory instanceof WebAssembly.Memory) this.#heap = new Heap(memory);
    if (typeof malloc === 'function') this.#malloc = malloc as (size: number) => number;
    if (typeof errno === 'function') this.#errnoLocation = errno as () => number;
  }

  get heap(): Heap {
    if (this.#heap === null) throw new Error('a program without memory makes a system call');
    return this.#heap;
  }

  /** Memory that nobody else uses; 0 when there is none. The program may free it. */
  allocate(size: number): number {
    return this.#malloc?.(size) ?? 0;
  }

  setErrno(number: number): void {
    const at = this.#errnoLocation?.() ?? 0;
    if (at !== 0) this.heap.setInt(at, number);
  }
}
