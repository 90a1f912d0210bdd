/** Keys of tickets: Ed25519 as JWK (RFC 8037), named by their `kid`. Reads the files it is told, and nothing by a `kid`. */
import { readFileSync } from 'node:fs';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import { z } from 'zod';

/** The one algorithm (RFC 8725, 3.1: never the token's choice). */
export const ALGORITHM = 'EdDSA';

const jwk = z.looseObject({
  kty: z.literal('OKP', 'not an OKP key'),
  crv: z.literal('Ed25519', 'not an Ed25519 key'),
  x: z.string(),
  d: z.string().optional(),
  kid: z.string().min(1).optional(),
});
type Ed25519 = z.output<typeof jwk>;

/** A key, a set of them (RFC 7517, section 5), or the pair that `keygen` prints. */
const keyFile = z.union([
  jwk.transform((key) => [key]),
  z.object({ keys: z.array(jwk).min(1) }).transform(({ keys }) => keys),
  z
    .object({ publicKey: jwk, privateKey: jwk })
    .transform(({ publicKey, privateKey }) => [{ ...publicKey, ...privateKey }]),
]);

/** The keys in a file or a value. @throws Error that says what is wrong. */
function read(source: string | object, name: string): readonly Ed25519[] {
  let value: unknown = source;
  try {
    if (typeof source === 'string') value = JSON.parse(readFileSync(source, 'utf8'));
  } catch (error) {
    throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const result = keyFile.safeParse(value);
  if (!result.success) throw new Error(`${name}: expected an Ed25519 key, a key set or a pair, as JWK`);
  return result.data;
}

/** Public keys by `kid`. @param sources files, or keys themselves. @throws Error naming what cannot be used. */
export async function readPublicKeys(sources: readonly (string | object)[]): Promise<ReadonlyMap<string, CryptoKey>> {
  const found = new Map<string, CryptoKey>();
  for (const source of sources) {
    const name = typeof source === 'string' ? source : 'ticket key';
    for (const { kty, crv, x, kid } of read(source, name)) {
      const bare = { kty, crv, x };
      const id = kid ?? (await calculateJwkThumbprint(bare));
      if (found.has(id)) throw new Error(`${name}: the kid ${id} is there twice`);
      found.set(id, (await importJWK(bare, ALGORITHM)) as CryptoKey);
    }
  }
  return found;
}

export interface SigningKey {
  readonly kid: string;
  readonly key: CryptoKey;
}

/** The private key in a file. @throws Error naming what cannot be used. */
export async function readPrivateKey(file: string): Promise<SigningKey> {
  const [first, second] = read(file, file).filter(({ d }) => d !== undefined);
  if (first === undefined || second !== undefined) throw new Error(`${file}: expected one private key`);
  const { kty, crv, x, d, kid } = first;
  const id = kid ?? (await calculateJwkThumbprint({ kty, crv, x }));
  return { kid: id, key: (await importJWK({ kty, crv, x, d: d ?? '' }, ALGORITHM)) as CryptoKey };
}

/** A new pair. @param kid its name; default: its thumbprint (RFC 7638). */
export async function generateKeys(kid?: string): Promise<{ readonly publicKey: JWK; readonly privateKey: JWK }> {
  const pair = await generateKeyPair(ALGORITHM, { crv: 'Ed25519', extractable: true });
  const publicKey = await exportJWK(pair.publicKey);
  const named = { alg: ALGORITHM, use: 'sig', kid: kid ?? (await calculateJwkThumbprint(publicKey)) };
  return { publicKey: { ...publicKey, ...named }, privateKey: { ...(await exportJWK(pair.privateKey)), ...named } };
}
