/** The claims of public mode for a ticket that asks for nothing special: the public internet, outward. */
import { type Claims, type Grant, NO_CLAIMS } from './claims.ts';

/** Every public address. */
export const EVERYWHERE: readonly Grant[] = [
  { net: '0.0.0.0/0', publicOnly: true },
  { net: '::/0', publicOnly: true },
];
const SERVICES: readonly Grant[] = EVERYWHERE.map((grant) => ({ ...grant, ports: 'services' }));

export const PUBLIC: Claims = {
  ...NO_CLAIMS,
  connect: { tcp: SERVICES, udp: SERVICES },
  names: true,
  reverse: EVERYWHERE,
};
