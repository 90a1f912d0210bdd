/** What both ends sign with the session's key to prove who they are when a session is resumed (PROTOCOL.md, section 6). */

/**
 * The bytes under HMAC-SHA-256: role | nonce | session | u32 generation | u64 received, big-endian. The nonce makes a
 * proof good for one WebSocket, and the role keeps one end's from being sent back as the other's.
 */
export function resumeProof(
  role: 'client' | 'relay',
  nonce: Uint8Array,
  session: Uint8Array,
  generation: number,
  received: number,
): Uint8Array {
  const proof = new Uint8Array(role.length + nonce.length + session.length + 12);
  for (let i = 0; i < role.length; i++) proof[i] = role.charCodeAt(i);
  proof.set(nonce, role.length);
  proof.set(session, role.length + nonce.length);
  const view = new DataView(proof.buffer, role.length + nonce.length + session.length);
  view.setUint32(0, generation);
  view.setBigUint64(4, BigInt(received));
  return proof;
}
