/** The TCP servers behind the relays. They say in band what was measured here, so that a client needs no other way to them. */
import { createServer } from 'node:net';
import { PATTERN, REPORT_EVERY } from './wire.mjs';

/** Bytes that a paced or endless source hands to the kernel at a time. */
const CHUNK = new Uint8Array(PATTERN * 261).map((_, index) => index % PATTERN);

/** @param {(socket: import('node:net').Socket) => void} serve */
export const listener = (serve) =>
  createServer({ noDelay: true }, (socket) => {
    // A relay may reset what it no longer wants.
    socket.on('error', () => socket.destroy());
    serve(socket);
  });

/** Sends back what comes. @param {import('node:net').Socket} socket */
export const echo = (socket) => {
  socket.on('data', (bytes) => socket.write(bytes));
};

/** Takes a float64, little endian, and sends that many bytes; 0 for no end. @param {import('node:net').Socket} socket */
export const source = (socket) => {
  socket.once('data', (request) => {
    let left = request.readDoubleLE(0) || Number.POSITIVE_INFINITY;
    const push = () => {
      while (left > 0 && !socket.destroyed) {
        const bytes = left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK;
        left -= bytes.length;
        if (!socket.write(bytes)) return;
      }
    };
    socket.on('drain', push);
    // Half-closed is closed: nobody reads any more.
    socket.on('end', () => socket.destroy());
    push();
  });
};

/** Takes everything, and says a byte for each `REPORT_EVERY` bytes. @param {import('node:net').Socket} socket */
export const sink = (socket) => {
  let unreported = 0;
  socket.on('data', ({ length }) => {
    unreported += length;
    const reports = Math.floor(unreported / REPORT_EVERY);
    unreported -= reports * REPORT_EVERY;
    if (reports > 0) socket.write(Buffer.alloc(reports));
  });
};
