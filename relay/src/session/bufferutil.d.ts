/** What we use of bufferutil, which brings no types. */
declare module 'bufferutil' {
  /** Masks or unmasks in place, with 4 bytes of mask. */
  export function unmask(buffer: Uint8Array, mask: Uint8Array): void;
}
