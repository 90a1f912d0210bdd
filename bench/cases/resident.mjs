/**
 * Somebody who is there from a client's first sample to its last, with one socket of the kind that is measured, and does nothing. Between
 * two samples of one contender the others have theirs, for some seconds; if its last session ended before, V8 would collect what its
 * objects had in common (their maps, which code refers to weakly), and with that all that it had compiled. A relay or client of
 * much code then begins cold with each sample: ours took two to three times as much for a second or two.
 */
import { message } from './measuring.mjs';

/** Of one client, which has one relay and one case. */
export function resident() {
  /** @type {Promise<void> | null} */
  let there = null;
  /**
   * @param {import('../types.ts').Dial} dial
   * @param {import('../types.ts').Place} place
   * @param {string} name Of the case.
   * @returns {Promise<void>} Once somebody is there.
   */
  return (dial, place, name) => {
    there ??= moveIn(dial, place, /udp|datagrams/.test(name));
    return there;
  };
}

/** @param {import('../types.ts').Dial} dial @param {import('../types.ts').Place} place @param {boolean} udp */
async function moveIn(dial, place, udp) {
  const client = await dial(place);
  const byte = message(1);
  if (udp) {
    const socket = await client.datagrams('udpEcho');
    socket.send(byte);
    await socket.receive();
  } else {
    const stream = await client.stream('echo');
    await stream.write(byte);
    await stream.read(1);
  }
}
