/** The memory of a program: reads and writes what its C code laid there. Follows it when it grows. */
import { type Endpoint, packEndpoint, unpackEndpoint } from '@luasocket-web/shared/address';

export const AF_INET = 2;
export const AF_INET6 = 10;
/** sizeof(struct sockaddr_in), sizeof(struct sockaddr_in6) */
const V4_SIZE = 16;
const V6_SIZE = 28;

/** An address in memory that cannot be one: too short, or of another family. */
export const ODD_SIZE: unique symbol = Symbol('size');
export const ODD_FAMILY: unique symbol = Symbol('family');

export class Heap {
  readonly #memory: WebAssembly.Memory;
  #buffer: ArrayBufferLike;
  #view: DataView;
  #bytes: Uint8Array;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
    this.#buffer = memory.buffer;
    this.#view = new DataView(this.#buffer);
    this.#bytes = new Uint8Array(this.#buffer);
  }

  get #data(): DataView {
    if (this.#memory.buffer !== this.#buffer) {
      this.#buffer = this.#memory.buffer;
      this.#view = new DataView(this.#buffer);
      this.#bytes = new Uint8Array(this.#buffer);
    }
    return this.#view;
  }

  get #all(): Uint8Array {
    void this.#data;
    return this.#bytes;
  }

  int(at: number): number {
    return this.#data.getInt32(at >>> 0, true);
  }

  /** An unsigned word: a pointer, or a size. */
  word(at: number): number {
    return this.#data.getUint32(at >>> 0, true);
  }

  setInt(at: number, value: number): void {
    this.#data.setInt32(at >>> 0, value, true);
  }

  /** Words, one after the other. */
  setInts(at: number, values: readonly number[]): void {
    for (const [index, value] of values.entries()) this.setInt(at + 4 * index, value);
  }

  short(at: number): number {
    return this.#data.getInt16(at >>> 0, true);
  }

  setShort(at: number, value: number): void {
    this.#data.setInt16(at >>> 0, value, true);
  }

  byte(at: number): number {
    return this.#data.getUint8(at >>> 0);
  }

  /** A copy: the program goes on using its memory. */
  read(at: number, size: number): Uint8Array {
    return new Uint8Array(this.#all.subarray(at >>> 0, (at >>> 0) + size));
  }

  write(at: number, bytes: Uint8Array): void {
    this.#all.set(bytes, at >>> 0);
  }

  /** A string that ends with NUL; null for the null pointer. */
  text(at: number): string | null {
    if (at === 0) return null;
    const from = at >>> 0;
    const end = this.#all.indexOf(0, from);
    return new TextDecoder().decode(this.read(from, (end < 0 ? from : end) - from));
  }

  /** Writes a string and its NUL; false when they do not fit into `size` bytes. */
  setText(at: number, size: number, text: string): boolean {
    const bytes = new TextEncoder().encode(`${text}\0`);
    if (bytes.length > size) return false;
    this.write(at, bytes);
    return true;
  }

  /** struct sockaddr_in or sockaddr_in6. */
  endpoint(at: number, size: number): Endpoint | typeof ODD_SIZE | typeof ODD_FAMILY {
    if (size < 2) return ODD_SIZE;
    switch (this.short(at)) {
      case AF_INET: {
        if (size < V4_SIZE) return ODD_SIZE;
        const packed = new Uint8Array(6);
        packed.set(this.read(at + 4, 4));
        packed.set(this.read(at + 2, 2), 4);
        return unpackEndpoint(packed);
      }
      case AF_INET6: {
        if (size < V6_SIZE) return ODD_SIZE;
        const packed = new Uint8Array(18);
        packed.set(this.read(at + 8, 16));
        packed.set(this.read(at + 2, 2), 16);
        const scope = this.word(at + 24);
        const endpoint = unpackEndpoint(packed);
        return scope === 0 ? endpoint : { ...endpoint, scope };
      }
      default:
        return ODD_FAMILY;
    }
  }

  /** struct in6_addr, as text. */
  address6(at: number): string {
    const packed = new Uint8Array(18);
    packed.set(this.read(at, 16));
    return unpackEndpoint(packed).address;
  }

  /** Writes an address where `sizeAt` says how much room there is, and there how long it is. Nothing for a null pointer. */
  setEndpoint(at: number, sizeAt: number, endpoint: Endpoint): void {
    if (at === 0) return;
    const bytes = sockaddr(endpoint);
    const room = sizeAt === 0 ? bytes.length : this.word(sizeAt);
    this.write(at, bytes.subarray(0, room));
    if (sizeAt !== 0) this.setInt(sizeAt, bytes.length);
  }
}

/** An address as C has it. */
export function sockaddr(endpoint: Endpoint): Uint8Array {
  const { family } = endpoint;
  const packed = packEndpoint({ family, address: endpoint.address, port: endpoint.port });
  const bytes = new Uint8Array(family === 4 ? V4_SIZE : V6_SIZE);
  bytes[0] = family === 4 ? AF_INET : AF_INET6;
  const octets = family === 4 ? 4 : 16;
  bytes.set(packed.subarray(octets, octets + 2), 2);
  bytes.set(packed.subarray(0, octets), family === 4 ? 4 : 8);
  if (family === 6) new DataView(bytes.buffer).setUint32(24, endpoint.scope ?? 0, true);
  return bytes;
}
