/** What clients and the servers behind the relays say to each other. Pure: pages import it too. */

/** Byte i of a source is i modulo this prime, so that a lost or doubled piece shows. */
export const PATTERN = 251;

/** A sink says one byte for each so many that it has taken. */
export const REPORT_EVERY = 1 << 20;

/** Asks a source for so many bytes; 0: without end. @param {number} bytes */
export function sourceRequest(bytes) {
  const request = new Uint8Array(8);
  new DataView(request.buffer).setFloat64(0, bytes, true);
  return request;
}

/** Asks a source of datagrams for so many milliseconds of them. @param {number} milliseconds @param {number} size bytes of each */
export function datagramRequest(milliseconds, size) {
  const request = new Uint8Array(16);
  const view = new DataView(request.buffer);
  view.setFloat64(0, milliseconds, true);
  view.setFloat64(8, size, true);
  return request;
}
