/**
 * Hosts as an attacker would write them, and a second opinion about them: a naive reader of addresses that shares no code
 * with the policy. For the property test; run by itself (scripts below) it judges as many as it is told.
 */
import fc from 'fast-check';

/** Networks of IPv4 that are not public: base, and bits. Written down again on purpose. */
const BAD_V4: readonly (readonly [base: string, bits: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];

/** IPv4 as a number, from a strict dotted quad; null: it is none. */
function quad(text: string): number | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let value = 0;
  for (const part of parts) {
    if (String(Number(part)) !== part || Number(part) < 0 || Number(part) > 255) return null;
    value = value * 256 + Number(part);
  }
  return value;
}

/** IPv6 as a number, as a URL's host is read; null: it is none. */
function six(text: string): bigint | null {
  // Only digits, letters of hex, colons and dots: the URL parser would forgive more.
  if (!text.includes(':') || !/^[0-9a-fA-F:.]+$/.test(text) || !URL.canParse(`http://[${text}]/`)) return null;
  const host = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const [head = '', tail] = host.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':'));
  const before = groups(head);
  const after = groups(tail ?? '');
  const zeros = tail === undefined ? [] : Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after].reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
}

/** Whether an address, given as text, is one that strangers may reach. Names are none. */
export function isPublicNaively(text: string): boolean {
  const v4 = quad(text);
  if (v4 !== null) {
    return !BAD_V4.some(
      ([base, bits]) => Math.floor(v4 / 2 ** (32 - bits)) === Math.floor((quad(base) ?? 0) / 2 ** (32 - bits)),
    );
  }
  const v6 = six(text);
  if (v6 === null) return false;
  const top = (bits: number) => v6 >> BigInt(128 - bits);
  // 2000::/3, and in it not 2001::/23, 2001:db8::/32, 2002::/16, 3fff::/20.
  if (top(3) !== 1n || top(23) === (0x2001_00n << 7n) >> 8n || top(16) === 0x2002n) return false;
  return top(32) !== 0x2001_0db8n && top(20) !== 0x3fff_0n && top(23) !== 0x2001_0000n >> 9n;
}

const octet = fc.nat(255);
const interesting = fc.constantFrom(
  '127.0.0.1',
  '0.0.0.0',
  '10.0.0.1',
  '169.254.169.254',
  '192.168.0.1',
  '172.31.255.255',
  '100.64.0.1',
  '255.255.255.255',
  '224.0.0.1',
  '168.63.129.16',
  '8.8.8.8',
  '93.184.216.34',
);
const v4 = fc.oneof(
  fc.tuple(octet, octet, octet, octet).map((all) => all.join('.')),
  interesting,
  // The edges of the networks that are not public.
  fc.constantFrom(...BAD_V4).chain(([base, bits]) =>
    fc.constantFrom(-1, 0, 2 ** (32 - bits) - 1, 2 ** (32 - bits)).map((by) => {
      const at = ((quad(base) ?? 0) + by + 2 ** 32) % 2 ** 32;
      return [24, 16, 8, 0].map((shift) => Math.floor(at / 2 ** shift) % 256).join('.');
    }),
  ),
);
const group = fc.nat(65_535).map((value) => value.toString(16));
const v6 = fc.oneof(
  fc.array(group, { minLength: 8, maxLength: 8 }).map((all) => all.join(':')),
  fc.ipV6(),
  fc
    .tuple(
      fc.constantFrom(
        '::',
        '::ffff:',
        '::ffff:0:',
        '64:ff9b::',
        '64:ff9b:1::',
        '2002:',
        '2001::',
        '2001:db8::5efe:',
        'fe80::',
        '2606:4700::',
      ),
      v4,
    )
    .map(([prefix, address]) => prefix + address),
  fc
    .tuple(
      fc.constantFrom('2000', '2001', '2002', '3fff', '3ffe', '4000', 'fc00', 'fd00', 'fe80', 'ff02', '2a00'),
      group,
      group,
    )
    .map(([a, b, c]) => `${a}:${b}::${c}`),
);

/** One number of an IPv4 address, as inet_aton reads it. */
const aton = (value: number, radix: 8 | 10 | 16): string =>
  radix === 16 ? `0x${value.toString(16)}` : radix === 8 ? `0${value.toString(8)}` : String(value);
const odd = fc
  .tuple(v4, fc.constantFrom(1, 2, 3, 4), fc.constantFrom<8 | 10 | 16>(8, 10, 16))
  .map(([address, parts, radix]) => {
    const bytes = address.split('.').map(Number);
    const rest = bytes.slice(parts - 1).reduce((sum, byte) => sum * 256 + byte, 0);
    return [...bytes.slice(0, parts - 1), rest].map((value) => aton(value, radix)).join('.');
  });
const garnish = fc.constantFrom(
  '',
  '.',
  ' ',
  '\0',
  '\0.example.com',
  '%lo',
  '%1',
  '/8',
  ':80',
  '\t',
  '#',
  '@',
  '\u3002',
  '\u00ad',
);
const fullWidth = (text: string) => text.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));
const label = fc.stringMatching(/^[a-z0-9_*-]{1,12}$/);
const name = fc
  .tuple(
    fc.array(label, { minLength: 0, maxLength: 3 }),
    fc.constantFrom(
      'com',
      'example',
      'local',
      'localhost',
      'internal',
      'arpa',
      'test',
      'onion',
      '1',
      '0x7f',
      'xn--',
      '',
    ),
  )
  .map(([labels, top]) => [...labels, top].join('.'));

/** What stands where a host should. */
export const hosts: fc.Arbitrary<string> = fc.oneof(
  v4,
  v6,
  odd,
  name,
  fc.tuple(garnish, fc.oneof(v4, v6, odd, name), garnish).map((parts) => parts.join('')),
  fc.oneof(v4, odd).map(fullWidth),
  v6.map((address) => `[${address}]`),
  fc.oneof(v4, v6, name).map((text) => text.toUpperCase()),
  fc.string({ unit: 'binary', maxLength: 24 }),
);

/** What a name server may answer. */
export const answers: fc.Arbitrary<readonly string[]> = fc.array(fc.oneof(v4, v6), { minLength: 1, maxLength: 4 });
