/** The bytes that a resume's MAC covers, as PROTOCOL.md lays them out. */
import { resumeProof } from '@luasocket-web/shared/resume';
import { expect, test } from 'vitest';
import { bytesOf, hexOf } from './hex.ts';

const nonce = bytesOf('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
const session = bytesOf('a0a1a2a3a4a5a6a7a8a9aaabacadaeaf');
const hex = (text: string) => hexOf(new TextEncoder().encode(text));

test('role, nonce, session, generation, received', () => {
  const signed = `${hexOf(nonce)}${hexOf(session)}00000002000000000000012c`;
  expect(hexOf(resumeProof('client', nonce, session, 2, 300))).toBe(hex('client') + signed);
  expect(hexOf(resumeProof('relay', nonce, session, 2, 300))).toBe(hex('relay') + signed);
});

test('the largest numbers', () => {
  const proof = hexOf(resumeProof('relay', nonce, session, 0xffff_ffff, Number.MAX_SAFE_INTEGER));
  expect(proof.endsWith('ffffffff001fffffffffffff')).toBe(true);
});
