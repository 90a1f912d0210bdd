/** Addresses as glibc 2.36 prints them (the hex and text below are its inet_ntop's), and what is no address. */
import { type Endpoint, packEndpoint, parseAddress, parsePort, unpackEndpoint } from '@luasocket-web/shared/address';
import { ProtocolError } from '@luasocket-web/shared/errors';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { endpoint } from './frames.ts';
import { bytesOf, hexOf } from './hex.ts';

/** in6_addr in hex, and what inet_ntop makes of it. */
const INET_NTOP: [string, string][] = [
  ['00000000000000000000000000000000', '::'],
  ['00000000000000000000000000000001', '::1'],
  ['00010000000000000000000000000000', '1::'],
  ['00000000000000000000ffff7f000001', '::ffff:127.0.0.1'],
  ['00000000000000000000000001020304', '::1.2.3.4'],
  ['00000000000000000000000000010000', '::0.1.0.0'],
  ['00000000000000000000000100000000', '::1:0:0'],
  ['00010000000000020000000000000003', '1:0:0:2::3'],
  ['00010000000000020000000000000000', '1:0:0:2::'],
  ['fe800000000000000000000000000001', 'fe80::1'],
  ['20010db8000000000000000000000000', '2001:db8::'],
  ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
  ['00010000000200000003000000040000', '1:0:2:0:3:0:4:0'],
  ['0000000000000000ffff000001020304', '::ffff:0:102:304'],
  ['0064ff9b00000000000000007f000001', '64:ff9b::7f00:1'],
  ['00000000000000000000fffe01020304', '::fffe:102:304'],
  ['00000000000000000000ffff00000000', '::ffff:0.0.0.0'],
  ['000000000000000000000000ffffffff', '::255.255.255.255'],
  ['00010002000300040005000600070008', '1:2:3:4:5:6:7:8'],
  ['00000001000200030004000500060007', '0:1:2:3:4:5:6:7'],
  ['00010002000300040005000600070000', '1:2:3:4:5:6:7:0'],
  ['00000000000100000000000000000000', '0:0:1::'],
  ['ffffffffffffffffffffffffffffffff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['00000000000300000000000600000000', '::3:0:0:6:0:0'],
  ['0000ca2600000000ffff000000010000', '0:ca26::ffff:0:1:0'],
  ['000000000000ffff0000000000000000', '0:0:0:ffff::'],
  ['ffffffff00000000ffffffffffff0001', 'ffff:ffff::ffff:ffff:ffff:1'],
  ['0000ffff000000005c0a0000ffff0000', '0:ffff::5c0a:0:ffff:0'],
  ['000000000000000000011412ffff0000', '::1:1412:ffff:0'],
  ['ffffffff00000000f2bd00009e840000', 'ffff:ffff::f2bd:0:9e84:0'],
  ['c58600000000ffff0001000000000001', 'c586::ffff:1:0:0:1'],
  ['0001000000010000ffff8e8d00000000', '1:0:1:0:ffff:8e8d::'],
  ['0000000076c30000ffff000000000001', '::76c3:0:ffff:0:0:1'],
  ['ffff0000000100010001000100000000', 'ffff:0:1:1:1:1::'],
  ['00010000ffff0000ffffffff00000000', '1:0:ffff:0:ffff:ffff::'],
  ['ffff0000000000010000000100010000', 'ffff::1:0:1:1:0'],
  ['0000af6d0001ffff00000000ffff989f', '0:af6d:1:ffff::ffff:989f'],
  ['2e98ffff00000000a8c9ffff0000cd26', '2e98:ffff::a8c9:ffff:0:cd26'],
  ['00000000000000010000000100000000', '::1:0:1:0:0'],
  ['000000000000ffff0001b0212b680001', '::ffff:1:b021:2b68:1'],
  ['0001000100000001cd822b7a00000000', '1:1:0:1:cd82:2b7a::'],
  ['ffffee42fffff2de00000000074affff', 'ffff:ee42:ffff:f2de::74a:ffff'],
  ['0001000000000000ffff000000001f2e', '1::ffff:0:0:1f2e'],
  ['0001ffffffffffff0001ffff00000000', '1:ffff:ffff:ffff:1:ffff::'],
  ['ffffffff00000000000000000000ffff', 'ffff:ffff::ffff'],
  ['0000000066180001ffff7eccffff0001', '::6618:1:ffff:7ecc:ffff:1'],
  ['00010001000025240001000000004f13', '1:1:0:2524:1::4f13'],
  ['000000000000000100000000ffff0000', '::1:0:0:ffff:0'],
  ['000000002f340000ffff00010001ffff', '::2f34:0:ffff:1:1:ffff'],
];

describe('IPv6 text', () => {
  test.each(INET_NTOP)('%s is %s', (hex, text) => {
    expect(unpackEndpoint(bytesOf(`${hex}0050`))).toEqual({ family: 6, address: text, port: 80 });
    expect(hexOf(packEndpoint({ family: 6, address: text, port: 80 }))).toBe(`${hex}0050`);
    expect(parseAddress(text)).toEqual({ family: 6, address: text });
  });

  test.each([
    ['0:0:0:0:0:0:0:1', '::1'],
    ['::FFFF:7F00:1', '::ffff:127.0.0.1'],
    ['2001:DB8::0001', '2001:db8::1'],
    ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
    ['64:ff9b::127.0.0.1', '64:ff9b::7f00:1'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['1::4:5:6:7:8', '1::4:5:6:7:8'],
  ])('%s is normalised to %s', (text, address) => {
    expect(parseAddress(text)).toEqual({ family: 6, address });
  });
});

test('IPv4 text', () => {
  for (const address of ['0.0.0.0', '127.0.0.1', '255.255.255.255', '10.20.30.40']) {
    expect(parseAddress(address)).toEqual({ family: 4, address });
  }
});

test.each([
  ['empty', ''],
  ['a name', 'localhost'],
  ['short', '127.1'],
  ['one number', '2130706433'],
  ['hex', '0x7f.0.0.1'],
  ['octal', '0177.0.0.1'],
  ['a leading zero', '127.0.0.01'],
  ['above 255', '127.0.0.256'],
  ['five parts', '1.2.3.4.5'],
  ['an empty part', '1..2.3'],
  ['a blank before', ' 127.0.0.1'],
  ['a line after', '127.0.0.1\n'],
  ['a NUL', '127.0.0.1\0'],
  ['full-width digits', '１２７.0.0.1'],
  ['a sign', '+127.0.0.1'],
  ['a star', '*'],
  ['brackets', '[::1]'],
  ['a zone', 'fe80::1%lo'],
  ['a prefix', '::1/128'],
  ['two gaps', '1::2::3'],
  ['three colons', ':::'],
  ['one colon', ':'],
  ['a colon before', ':1::2'],
  ['a colon after', '1::2:'],
  ['seven groups', '1:2:3:4:5:6:7'],
  ['nine groups', '1:2:3:4:5:6:7:8:9'],
  ['a gap for nothing', '1:2:3:4::5:6:7:8'],
  ['five digits', '::00001'],
  ['no hex', '::g'],
  ['a quad before the end', '::1.2.3.4:5'],
  ['a quad before the gap', '1.2.3.4::'],
  ['a quad too many', '1:2:3:4:5:6:7:1.2.3.4'],
  ['a bad quad', '::ffff:127.0.0.01'],
])('no address: %s', (_name, text) => {
  expect(parseAddress(text)).toBeNull();
});

test('ports', () => {
  const parsed = ['0', '1', '80', '65535'].map(parsePort);
  expect(parsed).toEqual([0, 1, 80, 65_535]);
  for (const text of [
    '',
    '65536',
    '99999',
    '100000',
    '-1',
    '+1',
    ' 1',
    '1 ',
    '01',
    '00',
    '1.0',
    '1e3',
    '0x50',
    'http',
    '８０',
    '1\n',
  ]) {
    expect([text, parsePort(text)]).toEqual([text, null]);
  }
});

describe('packing', () => {
  test('goes back to where it came from', () => {
    fc.assert(
      fc.property(endpoint, (e) => {
        expect(unpackEndpoint(packEndpoint(e))).toEqual(e);
        expect(parseAddress(e.address)).toEqual({ family: e.family, address: e.address });
      }),
    );
  });

  test('scope', () => {
    const link: Endpoint = { family: 6, address: 'fe80::1', port: 7, scope: 0x0102_0304 };
    expect(hexOf(packEndpoint(link))).toBe('fe800000000000000000000000000001000701020304');
    expect(packEndpoint({ ...link, scope: 0 })).toHaveLength(18);
    expect(unpackEndpoint(packEndpoint({ ...link, scope: 0xffff_ffff })).scope).toBe(0xffff_ffff);
  });

  test.each<[string, Endpoint]>([
    ['a name', { family: 4, address: 'localhost', port: 1 }],
    ['the other family', { family: 6, address: '127.0.0.1', port: 1 }],
    ['the other family', { family: 4, address: '::1', port: 1 }],
    ['a zone', { family: 6, address: 'fe80::1%1', port: 1 }],
    ['port 65536', { family: 4, address: '127.0.0.1', port: 65_536 }],
    ['port -1', { family: 4, address: '127.0.0.1', port: -1 }],
    ['port 1.5', { family: 4, address: '127.0.0.1', port: 1.5 }],
    ['an IPv4 scope', { family: 4, address: '127.0.0.1', port: 1, scope: 1 }],
    ['scope 2^32', { family: 6, address: 'fe80::1', port: 1, scope: 2 ** 32 }],
  ])('refuses %s', (_name, bad) => {
    expect(() => packEndpoint(bad)).toThrow(ProtocolError);
  });

  test('bytes of another length are malformed', () => {
    for (let length = 0; length < 30; length++) {
      if ([6, 18, 22].includes(length)) continue;
      expect(() => unpackEndpoint(new Uint8Array(length))).toThrow(expect.objectContaining({ code: 'malformed' }));
    }
  });
});
