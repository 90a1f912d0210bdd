/** A program without code: memory, malloc, and imports that its runtime would have; calls as its C library makes them. */
import { Names } from '../../src/emscripten/names.ts';
import { Program } from '../../src/emscripten/program.ts';
import { Sockets } from '../../src/emscripten/sockets.ts';
import { SystemCalls } from '../../src/emscripten/syscalls.ts';
import type { Kernel } from '../core/kernel.ts';

/** What its own runtime answers to every call. */
export const THEIRS = -1234;

export class CProgram {
  readonly memory = new WebAssembly.Memory({ initial: 4 });
  /** Calls that were handed on to the runtime. */
  readonly passed: string[] = [];
  readonly #imports: SystemCalls['imports'];
  #free = 1024;

  constructor(kernel: Kernel) {
    const program = new Program();
    program.importing({ env: { memory: this.memory } });
    const exports = { malloc: (size: number) => this.allocate(size) };
    program.started({ exports } as unknown as WebAssembly.Instance);
    const channel = () => kernel;
    this.#imports = new SystemCalls(program, new Sockets(channel), new Names(channel)).imports;
  }

  allocate(size: number): number {
    const at = this.#free;
    this.#free += (size + 7) & ~7;
    return at;
  }

  /** Calls an import. */
  call(name: string, ...args: number[]): number {
    const wrap = this.#imports.get(name);
    if (wrap === undefined) throw new Error(`no import ${name}`);
    return wrap(() => {
      this.passed.push(name);
      return THEIRS;
    })(...args);
  }

  /** socketcall(2), as older releases have it. */
  socketcall(number: number, ...args: number[]): number {
    return this.call('__sys_socketcall', number, this.words(...args, ...new Array(6 - args.length).fill(0)));
  }

  words(...values: number[]): number {
    const at = this.allocate(4 * values.length);
    values.forEach((value, index) => {
      this.view.setInt32(at + 4 * index, value, true);
    });
    return at;
  }

  text(value: string): number {
    const bytes = new TextEncoder().encode(`${value}\0`);
    const at = this.allocate(bytes.length);
    new Uint8Array(this.memory.buffer).set(bytes, at);
    return at;
  }

  /** struct sockaddr_in */
  address(octets: readonly number[], port: number): number {
    const at = this.allocate(16);
    this.view.setInt16(at, 2, true);
    this.view.setUint16(at + 2, port, false);
    new Uint8Array(this.memory.buffer).set(octets, at + 4);
    return at;
  }

  int(at: number): number {
    return this.view.getInt32(at, true);
  }

  port(at: number): number {
    return this.view.getUint16(at + 2, false);
  }

  bytes(at: number, size: number): string {
    return new TextDecoder().decode(new Uint8Array(this.memory.buffer, at, size));
  }

  get view(): DataView {
    return new DataView(this.memory.buffer);
  }

  /** An fd_set with some descriptors. */
  set(...descriptors: number[]): number {
    const at = this.allocate(128);
    for (const descriptor of descriptors) {
      const word = at + 4 * (descriptor >>> 5);
      this.view.setInt32(word, this.view.getInt32(word, true) | (1 << (descriptor & 31)), true);
    }
    return at;
  }

  has(at: number, descriptor: number): boolean {
    return ((this.int(at + 4 * (descriptor >>> 5)) >>> (descriptor & 31)) & 1) === 1;
  }
}
