/** Keys, tickets, and tickets that are none. */
import { createHmac, createPrivateKey, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import type { Random } from '../chaos/random.ts';

export interface Keys {
  /** JWK for the relay. */
  readonly publicKey: object;
  /** PKCS 8 in PEM. */
  readonly privateKey: string;
}

const AUDIENCE = 'luasocket-relay';
const KEY_ID = 'fuzz';
/** Seconds. */
const LIFETIME = 60;

export function makeKeys(): Keys {
  const pair = generateKeyPairSync('ed25519');
  return {
    publicKey: { ...pair.publicKey.export({ format: 'jwk' }), kid: KEY_ID },
    privateKey: String(pair.privateKey.export({ type: 'pkcs8', format: 'pem' })),
  };
}

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');

export interface TicketClaims {
  readonly net: object;
  /** Seconds that the session outlives its WebSocket. */
  readonly resume?: number;
}

export class Mint {
  readonly #key: KeyObject;

  constructor(privateKey: string) {
    this.#key = createPrivateKey(privateKey);
  }

  ticket(claims: TicketClaims): string {
    return this.#signed({ alg: 'EdDSA', kid: KEY_ID }, { ...this.#standard(), ...claims });
  }

  /** A ticket that no relay may take. */
  badTicket(claims: TicketClaims, random: Random): string {
    const standard = { ...this.#standard(), ...claims };
    const header = { alg: 'EdDSA', kid: KEY_ID };
    const good = this.#signed(header, standard);
    const middle = encode(standard);
    return random.of([
      () => '',
      () => 'x'.repeat(random.between(1, 8192)),
      () => good.slice(0, random.between(0, good.length - 1)),
      () => good.replace('.', '..'),
      () => `${encode({ alg: 'none', kid: KEY_ID })}.${middle}.`,
      () => {
        const text = `${encode({ alg: 'HS256', kid: KEY_ID })}.${middle}`;
        return `${text}.${createHmac('sha256', 'public').update(text).digest('base64url')}`;
      },
      () => this.#signed({ ...header, kid: '../../../dev/null' }, standard),
      () => this.#signed({ ...header, jwk: { kty: 'OKP' }, kid: 'other' }, standard),
      () => this.#signed({ ...header, crit: ['exp'] }, standard),
      () => this.#signed(header, { ...standard, exp: 0 }),
      () => this.#signed(header, { ...standard, exp: Number.MAX_SAFE_INTEGER }),
      () => this.#signed(header, { ...standard, exp: 'soon' }),
      () => this.#signed(header, { ...standard, aud: 'another' }),
      () => this.#signed(header, { ...standard, net: { tcp: ['%'] } }),
      () => this.#signed(header, { ...standard, net: [[[[[]]]]] }),
      () => this.#signed(header, { ...standard, quota: { sockets: -1 } }),
      () => this.#signed(header, { ...standard, jti: undefined }),
    ])();
  }

  #standard(): object {
    return { sub: 'player', aud: AUDIENCE, exp: Math.floor(Date.now() / 1000) + LIFETIME, jti: randomUUID() };
  }

  #signed(header: object, payload: object): string {
    const text = `${encode(header)}.${encode(payload)}`;
    return `${text}.${sign(null, Buffer.from(text), this.#key).toString('base64url')}`;
  }
}
