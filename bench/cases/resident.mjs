/**
 * Somebody who is there from a client's first sample to its last, with one socket of the kind that is measured, and does nothing. Between
 * two samples of one contender the others have theirs, for some seconds; if its last session ended before, V8 would collect what its
 * objects had in common (their maps, which code refers to weakly), and with that all that it had compiled. A relay or client of
 * much code then begins cold with each sample: ours took two to three times as much for a second or two.
 */
import { message } from './measuring.mjs';

/** @param {import('../types.ts').Dial} dial */
export function residents(dial) {
  /** @type {Map<string, Promise<void>>} By relay and kind. */
  const there = new Map();
  /** @param {import('../types.ts').Place} place @param {string} name Of the case. @returns {Promise<void>} Once somebody is there. */
  return (place, name) => {
    const kind = /udp|datagrams/.test(name) ? 'datagrams' : 'stream';
    const key = `${kind} ${place.url}`;
    const moved = there.get(key) ?? moveIn(dial, place, kind);
    there.set(key, moved);
    return moved;
  };
}

/** @param {import('../types.ts').Dial} dial @param {import('../types.ts').Place} place @param {'stream' | 'datagrams'} kind */
async function moveIn(dial, place, kind) {
  const client = await dial(place);
  const byte = message(1);
  if (kind === 'stream') {
    const stream = await client.stream('echo');
    await stream.write(byte);
    await stream.read(1);
  } else {
    const socket = await client.datagrams('udpEcho');
    socket.send(byte);
    await socket.receive();
  }
}
