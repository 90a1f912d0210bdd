/** What we use of bufferutil, which brings no types. */
declare module 'bufferutil' {
  /** Masks or unmasks `length` bytes of `source` into `output` from `offset` on, with 4 bytes of mask. */
  export function mask(source: Uint8Array, mask: Uint8Array, output: Uint8Array, offset: number, length: number): void;
  /** Masks or unmasks in place, with 4 bytes of mask. */
  export function unmask(buffer: Uint8Array, mask: Uint8Array): void;
}
