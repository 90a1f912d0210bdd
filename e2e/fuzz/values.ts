/** Values that are legal and seldom seen, and msgpack that is legal and seldom written. */
import type { Random } from '../chaos/random.ts';
import type { Packable } from '../fixtures/msgpack.ts';

/** Who chooses. */
type Chooser = Pick<Random, 'of'>;

export const UINTS: readonly [number, ...number[]] = [
  0,
  ...[1, 2, 3, 7, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 1023, 1024, 1025, 4095, 4096, 65_535, 65_536],
  ...[2 ** 20, 2 ** 30, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 48, 2 ** 53 - 1],
];

export const INTS: readonly [number, ...number[]] = [0, 1, -1, 5, -32, -33, 128, -129, 4096, 2 ** 31 - 1, -(2 ** 31)];

/** Hosts for look-ups; no answer of the run's name server leads outside. */
export const HOSTS: readonly [string | null, ...(string | null)[]] = [
  null,
  ...['', '*', '.', '..', '0', '127.1', '127.0.0.1', '2130706433', '0x7f000001', '0177.0.0.1', '1.2.3', '1.2.3.4.5'],
  ...['::1', '[::1]', '::1%lo', '::ffff:127.0.0.1', ':::', '1::2::3', 'fe80::1%1', '::', '2001:db8::1'],
  ...['localhost', 'LOCALHOST.', 'local', 'a', 'game.test', '-a.example', 'a-.example', 'a_b.example', '*.example'],
  ...['a..example', '.example', 'example.', 'xn--', 'xn--a', 'xn--0zwm56d.example', `${'a'.repeat(63)}.example`],
  ...[`${'a'.repeat(64)}.example`, `${'a.'.repeat(127)}a`, 'a'.repeat(8192), '127.0.0.1\0.example.com', '\0', '\n'],
  ...[
    'ｌｏｃａｌｈｏｓｔ',
    '１２７.０.０.１',
    'ü.example',
    '🦊.example',
    '\u202e.example',
    '__proto__',
    'constructor',
    '%s%n',
    '../..',
  ],
];

export const SERVICES: readonly [string | null, ...(string | null)[]] = [
  null,
  ...[
    '',
    '0',
    '80',
    '65535',
    '65536',
    '-1',
    '1e3',
    '0x50',
    ' 80',
    '80 ',
    'http',
    'nosuchservice',
    '\0',
    '9'.repeat(400),
  ],
];

export const OPTIONS: readonly [string, ...string[]] = [
  'keepalive',
  ...['reuseaddr', 'tcp-nodelay', 'linger', 'ip-multicast-loop', 'ipv6-multicast-loop', 'ip-multicast-ttl'],
  ...['ipv6-multicast-hops', 'ipv6-unicast-hops', 'ipv6-v6only', 'broadcast', 'ip-add-membership', 'error'],
  ...['ipv6-add-membership', 'ip-drop-membership', 'ipv6-drop-membership', 'ip-multicast-if', 'dontroute'],
  ...[
    'reuseport',
    'recv-buffer-size',
    'send-buffer-size',
    '',
    '__proto__',
    'constructor',
    'toString',
    'x'.repeat(8192),
  ],
];

export const OPTION_VALUES: readonly [Packable, ...Packable[]] = [
  null,
  ...[true, false, 0, 1, -1, 255, 256, 2 ** 31, -(2 ** 53 - 1), 2 ** 53 - 1, 0.5, Number.POSITIVE_INFINITY, '', 'x'],
  ...[{}, { on: true, timeout: 0 }, { on: true, timeout: 5 }, { on: true, timeout: -1 }, { on: 1, timeout: 'x' }],
  ...[{ on: true, timeout: 2 ** 40 }, { multiaddr: '239.1.1.1', interface: '127.0.0.1' }, { multiaddr: 'x' }],
  ...[
    { multiaddr: '127.0.0.1', interface: '*' },
    { multiaddr: 'ff02::1', interface: 1 },
    { __proto__x: 1, '': null },
  ],
];

/** Packs a value, choosing among all forms that msgpack has for it. */
export function packWildly(value: Packable, random: Chooser): Buffer {
  if (value === null) return Buffer.of(0xc0);
  if (typeof value === 'boolean') return Buffer.of(value ? 0xc3 : 0xc2);
  if (typeof value === 'number') return packNumber(value, random);
  if (typeof value === 'string') {
    const text = Buffer.from(value);
    return Buffer.concat([head(text.length, [0xa0, 32], [0xd9, 0xda, 0xdb], random), text]);
  }
  if (value instanceof Uint8Array) return Buffer.concat([head(value.length, null, [0xc4, 0xc5, 0xc6], random), value]);
  if (isArray(value)) {
    const items = value.map((item) => packWildly(item, random));
    return Buffer.concat([head(items.length, [0x90, 16], [null, 0xdc, 0xdd], random), ...items]);
  }
  const entries = Object.entries(value);
  const items = entries.flatMap(([key, item]) => [packWildly(key, random), packWildly(item, random)]);
  return Buffer.concat([head(entries.length, [0x80, 16], [null, 0xde, 0xdf], random), ...items]);
}

function isArray(value: Packable): value is readonly Packable[] {
  return Array.isArray(value);
}

/** The head of what has a length: in the marker itself below `fix[1]`, or in 1, 2, 4 bytes after a marker. */
function head(
  length: number,
  fix: readonly [marker: number, below: number] | null,
  [one, two, four]: readonly [number | null, number, number],
  random: Chooser,
): Buffer {
  const forms: Buffer[] = [];
  if (fix !== null && length < fix[1]) forms.push(Buffer.of(fix[0] | length));
  if (one !== null && length < 2 ** 8) forms.push(Buffer.of(one, length));
  if (length < 2 ** 16) forms.push(Buffer.of(two, length >> 8, length & 255));
  const wide = Buffer.alloc(5);
  wide[0] = four;
  wide.writeUInt32BE(length, 1);
  return random.of([wide, ...forms]);
}

function packNumber(value: number, random: Chooser): Buffer {
  const wide = Buffer.alloc(9);
  if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 63) {
    wide[0] = 0xcb;
    wide.writeDoubleBE(value, 1);
    return wide;
  }
  wide[0] = 0xd3;
  wide.writeBigInt64BE(BigInt(value), 1);
  const forms: Buffer[] = [];
  const add = (marker: number, bytes: number, fits: boolean) => {
    if (!fits) return;
    const form = Buffer.alloc(1 + bytes);
    form[0] = marker;
    // The low bytes of the widest form, which is what two's complement means.
    wide.copy(form, 1, 9 - bytes);
    forms.push(form);
  };
  if (value >= -32 && value < 128) forms.push(Buffer.of(value & 255));
  for (const [index, bytes] of [1, 2, 4].entries()) {
    add(0xcc + index, bytes, value >= 0 && value < 2 ** (8 * bytes));
    add(0xd0 + index, bytes, value >= -(2 ** (8 * bytes - 1)) && value < 2 ** (8 * bytes - 1));
  }
  add(0xcf, 8, value >= 0);
  return random.of([wide, ...forms]);
}
