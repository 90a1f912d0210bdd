import { describe, expect, it } from 'vitest';
import type { ModelStream } from './kernel.ts';
import { bytes, connected, session } from './lua.ts';

const fake = (fd: unknown, dirty: unknown = false) => ({ getfd: () => fd, dirty: () => dirty }) as never;

describe('select', () => {
  it('answers in the order of descriptors, each once, and by object', () => {
    const { socket, client, accepted } = connected();
    expect(client.getfd()).toBeLessThan(accepted.getfd());
    const [r, w, error] = socket.select(null, [accepted, client, accepted], 0);
    expect([...r]).toEqual([]);
    expect([...w]).toEqual([client, accepted]);
    expect(error).toBeUndefined();
    expect([w.get(client), w.get(accepted), w.get(socket)]).toEqual([1, 2, undefined]);
  });

  it('answers with as many results as LuaSocket', () => {
    const { socket, client } = connected();
    expect(socket.select(null, [client], 0)).toHaveLength(2);
    expect(socket.select([client], null, 0)).toHaveLength(3);
    expect(socket.select([client], null, 0)[2]).toBe('timeout');
  });

  it('puts what is dirty first, in the order of the list, as often as listed', () => {
    const { socket, client, accepted } = connected();
    client.send('ab');
    accepted.send('c');
    accepted.receive(1);
    expect(accepted.dirty()).toBe(true);
    const [r, w] = socket.select([accepted, client, accepted], [accepted], 5);
    expect([...r]).toEqual([accepted, accepted, client]);
    expect(r.get(accepted)).toBe(2);
    expect([...w]).toEqual([accepted]);
  });

  it('waits for whatever comes first', () => {
    const { kernel, socket, client, accepted, stream } = connected();
    kernel.in(3, () => (stream.other as ModelStream).receive(bytes('x')));
    expect([...socket.select([client, accepted], null, 10)[0]]).toEqual([accepted]);
    expect(kernel.clock).toBe(1003);
    accepted.receive(1);
    expect(socket.select([client, accepted], null, 10)[2]).toBe('timeout');
    expect(kernel.clock).toBe(1013);
  });

  it('asks the relay before it says that there is nothing to read', () => {
    const { kernel, socket, client, accepted, stream } = connected();
    const arrive = () => kernel.in(0, () => (stream.other as ModelStream).receive(bytes('x')));
    arrive();
    expect([...socket.select([accepted], null, 0)[0]]).toEqual([accepted]);
    accepted.receive(1);
    arrive();
    // Room to write is known here, and says nothing of that.
    expect([...socket.select([accepted], [client], 0)[0]]).toEqual([accepted]);
    const before = kernel.barriers;
    socket.select([accepted], [client], 0);
    socket.select(null, [client], 0);
    socket.select(null, null, 0);
    expect(kernel.barriers).toBe(before);
  });

  it('asks for the others when one is ready and this program has sent something', () => {
    const { kernel, socket, client, accepted, stream } = connected();
    const both = () => {
      stream.receive(bytes('here'));
      kernel.in(0, () => (stream.other as ModelStream).receive(bytes('on its way')));
      return [...socket.select([client, accepted], null, 5)[0]];
    };
    expect(both()).toEqual([client]);
    kernel.runDue();
    client.receive(4);
    accepted.receive(10);
    kernel.unfenced = true;
    expect(both()).toEqual([client, accepted]);
  });

  it('finds that a socket was closed while it waited', () => {
    const { kernel, socket, client, accepted } = connected();
    kernel.in(1, () => client.close());
    expect([...socket.select([client], null, 10)[0]]).toEqual([client]);
    expect(accepted.receive()).toEqual([null, 'closed', '']);
  });

  it('takes any object with a descriptor, and passes over the rest', () => {
    const { socket, client } = connected();
    const fd = client.getfd();
    const wrapper = fake(fd);
    const text = fake(String(fd), 'yes');
    const list = ['text', {}, fake(-1), fake('x'), fake(null), wrapper, new Uint8Array(1)] as never[];
    expect([...socket.select(null, list, 0)[1]]).toEqual([wrapper]);
    expect([...socket.select([text], [client], 0)[0]]).toEqual([text]);
    // The last one listed stands for the descriptor, in both lists.
    expect([...socket.select([client], [wrapper], 0)[1]]).toEqual([wrapper]);
    expect([...socket.select([fake(1, true)], null, 0)[0]]).toHaveLength(1);
  });

  it('takes tables with numbers as keys, up to the first nil', () => {
    const { socket, client, accepted } = connected();
    expect([...socket.select(null, { 1: client, 2: null, 3: accepted } as never, 0)[1]]).toEqual([client]);
    expect([...socket.select(null, [client, undefined, accepted] as never, 0)[1]]).toEqual([client]);
  });

  it.each([
    [['x'], "bad argument #1 to 'select' (table expected, got string)"],
    [[null, 5], "bad argument #2 to 'select' (table expected, got number)"],
    [[null, null, 'x'], "bad argument #3 to 'select' (number expected, got string)"],
    [[[fake(1024)]], "bad argument #1 to 'select' (descriptor too large for set size)"],
    [[[5]], 'attempt to index a number value'],
    [[[true]], 'attempt to index a boolean value'],
    [[[{ getfd: 5 }]], 'attempt to call a number value'],
    [[[fake(900)], null, 0], 'select failed'],
    [[null, null, 1e10], 'select failed'],
  ])('raises for %j', (args, message) => {
    const { socket } = session();
    expect(() => socket.select(...(args as []))).toThrow(message);
  });

  it('tells of all it was asked for where a descriptor is bad and something dirty', () => {
    const { socket, client } = connected();
    const [dirty, gone] = [fake(901, true), fake(900)];
    expect([...socket.select([gone, dirty, client], null, 0)[0]]).toEqual([dirty, client, gone]);
  });

  it.each([
    [Number.NaN, 1000],
    ['0.5', 1000.5],
    [0.0000004, 1000],
  ])('with a limit of %s ends at %d', (limit, end) => {
    const { kernel, socket } = session();
    expect(socket.select(null, null, limit)[2]).toBe('timeout');
    expect(kernel.clock).toBe(end);
  });
});
