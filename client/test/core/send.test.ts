import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Failure } from '../../src/core/channel.ts';
import { bytes, connected } from './lua.ts';

/** string.sub, as the Lua manual describes it. */
function sub(data: string, i: number, j: number): [from: number, to: number] {
  const start = i < 0 ? Math.max(data.length + i + 1, 1) : Math.max(i, 1);
  const end = Math.min(j < 0 ? data.length + j + 1 : j, data.length);
  return [start, end];
}

describe('send', () => {
  it('sends what string.sub would cut out, and answers the index of its last byte', () => {
    const index = fc.integer({ min: -12, max: 12 });
    fc.assert(
      fc.property(fc.string({ maxLength: 8, unit: 'binary-ascii' }), index, index, (data, i, j) => {
        const { client, stream } = connected();
        const [start, end] = sub(data, i, j);
        expect(client.send(data, i, j)).toEqual([start <= end ? end : start - 1, null, null]);
        expect(String.fromCharCode(...stream.sent)).toBe(start <= end ? data.slice(start - 1, end) : '');
      }),
    );
  });

  it('goes on where it stopped, with whatever room there is', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 8 }), (rooms) => {
        const { kernel, client, stream } = connected();
        const data = Uint8Array.from({ length: 50_000 }, (_, i) => i % 253);
        client.settimeout(0);
        let last = 0;
        for (const room of rooms) {
          stream.room = room;
          const [index, error, partial] = client.send(data, last + 1);
          const sent = Math.min(last + room, data.length);
          expect([index, error, partial]).toEqual(sent === data.length ? [sent, null, null] : [null, 'timeout', sent]);
          last = sent;
        }
        expect(Uint8Array.from(stream.sent)).toEqual(data.subarray(0, last));
        expect(client.getstats().slice(0, 2)).toEqual([0, last]);
        expect(kernel.clock).toBe(1000);
      }),
    );
  });

  it('with a zero limit goes on as long as a barrier brings room', () => {
    const { kernel, client, stream } = connected();
    client.settimeout(0);
    stream.room = 3;
    kernel.in(0, () => {
      stream.room = 4;
    });
    const before = kernel.barriers;
    expect(client.send('0123456789')).toEqual([null, 'timeout', 7]);
    expect(kernel.barriers).toBe(before + 2);
  });

  it('waits for room', () => {
    const { kernel, client, stream } = connected();
    stream.room = 4;
    kernel.in(2, () => {
      stream.room = 6;
      stream.wake();
    });
    expect(client.send('0123456789')).toEqual([10, null, null]);
    expect(kernel.clock).toBe(1002);
  });

  it('takes bytes and numbers, and keeps no memory of the caller', () => {
    const { client, stream } = connected();
    const data = bytes('abc');
    client.send(data);
    data.fill(0);
    client.send(4.5);
    client.send(42);
    expect(String.fromCharCode(...stream.sent)).toBe('abc4.542');
  });

  it('of nothing succeeds on a closed object, of something does not', () => {
    const { client } = connected();
    client.close();
    expect(client.send('')).toEqual([0, null, null]);
    expect(client.send('abc', 3, 2)).toEqual([2, null, null]);
    expect(client.send('abc', 2)).toEqual([null, 'closed', 1]);
  });

  it('says what the system says', () => {
    const { client, stream } = connected();
    stream.pending = new Failure('ECONNRESET');
    stream.mute = true;
    expect(client.send('x')).toEqual([null, 'closed', 0]);
    expect(client.send('x')).toEqual([null, 'closed', 0]);
    stream.pending = new Failure('EHOSTUNREACH');
    expect(client.send('x')).toEqual([null, 'No route to host', 0]);
    stream.pending = new Failure('EPROTO', 'a text of the system');
    expect(client.send('x')).toEqual([null, 'a text of the system', 0]);
  });

  it.each([
    [[null], TypeError, "bad argument #1 to 'send' (string expected, got nil)"],
    [[], TypeError, "bad argument #1 to 'send' (string expected, got no value)"],
    [[true], TypeError, "bad argument #1 to 'send' (string expected, got boolean)"],
    [['abc', 'x'], TypeError, "bad argument #2 to 'send' (number expected, got string)"],
    [['abc', 1, {}], TypeError, "bad argument #3 to 'send' (number expected, got table)"],
    [['\u0100'], RangeError, "bad argument #1 to 'send' (character above U+00FF in a binary string)"],
  ])('raises for %j', (args, type, message) => {
    const { client } = connected();
    const call = () => client.send(...(args as [string]));
    expect(call).toThrow(type);
    expect(call).toThrow(message);
  });
});

describe('statistics', () => {
  it('are set as C does', () => {
    const { kernel, client } = connected();
    expect(client.setstats(1.9, -2.9, '10')).toEqual([1]);
    expect(client.getstats()).toEqual([1, 2 ** 64 - 2, 10]);
    client.send('12345');
    kernel.clock += 1;
    expect(client.getstats()).toEqual([1, 3, 11]);
    expect(client.setstats(null, '5', -100)).toEqual([1]);
    expect(client.getstats()).toEqual([1, 5, -100]);
    expect(client.setstats(1, 2, 'x')).toEqual([1]);
    expect(client.getstats()[2]).toBe(-100);
    expect(() => client.setstats('x')).toThrow("bad argument #1 to 'setstats' (number expected, got string)");
  });
});
