import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Source } from '../../src/core/channel.ts';
import { Descriptors } from '../../src/core/descriptors.ts';
import { LuaSocketError } from '../../src/core/except.ts';
import { immediate, type Op } from '../../src/core/op.ts';
import { BINARY_STRINGS } from '../../src/core/strings.ts';
import { createNamespace } from '../../src/namespace.ts';
import { PromiseWaiter } from '../../src/wait/promise.ts';
import { Kernel, type ModelStream } from '../core/kernel.ts';
import { bytes } from '../core/lua.ts';

class Switch implements Source {
  on = false;
  readonly wakes = new Set<() => void>();
  subscribe(wake: () => void): () => void {
    this.wakes.add(wake);
    return () => this.wakes.delete(wake);
  }
  turn(on: boolean): void {
    this.on = on;
    for (const wake of [...this.wakes]) wake();
  }
}

function* waitFor(source: Switch, deadline = Number.POSITIVE_INFINITY): Op<boolean> {
  yield { sources: [source], ready: () => source.on, deadline };
  return source.on;
}

const now = () => performance.now() / 1000;

describe('an operation', () => {
  const waiter = new PromiseWaiter(now);
  const owner = {};

  it('that need not wait takes no turn of the event loop', async () => {
    const order: string[] = [];
    setTimeout(() => order.push('timer'));
    for (let i = 0; i < 100; i++)
      await waiter.run(
        immediate(() => i),
        owner,
        'in',
      );
    expect(order).toEqual([]);
  });

  it('begins at once, and goes on when its source says so', async () => {
    const source = new Switch();
    const answer = waiter.run(waitFor(source), owner, 'free');
    await Promise.resolve();
    expect(source.wakes.size).toBe(1);
    source.turn(false);
    await Promise.resolve();
    source.turn(true);
    expect(await answer).toBe(true);
    expect(source.wakes.size).toBe(0);
  });

  it('that cannot even begin to wait rejects, and leaves its lane free', async () => {
    function* broken(): Op<number> {
      const ready = () => {
        throw new Error('not to be looked at');
      };
      yield { sources: [], ready, deadline: 1e9 };
      return 1;
    }
    await expect(waiter.run(broken(), owner, 'in')).rejects.toThrow('not to be looked at');
    const next = immediate(() => 2);
    expect(await waiter.run(next, owner, 'in')).toBe(2);
  });

  it('that throws rejects, and leaves its lane free', async () => {
    const failing = immediate(() => {
      throw new RangeError('wrong use');
    });
    await expect(waiter.run(failing, owner, 'in')).rejects.toThrow(RangeError);
    expect(
      await waiter.run(
        immediate(() => 5),
        owner,
        'in',
      ),
    ).toBe(5);
  });
});

describe('a deadline', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('ends a wait, and its timer goes with it', async () => {
    const waiter = new PromiseWaiter(now);
    const source = new Switch();
    const late = waiter.run(waitFor(source, now() + 5), {}, 'in');
    const early = waiter.run(waitFor(source, now() + 9), {}, 'in');
    await vi.advanceTimersByTimeAsync(5000);
    expect(await late).toBe(false);
    source.turn(true);
    expect(await early).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('may be further away than a timer reaches', async () => {
    const waiter = new PromiseWaiter(now);
    const days = 24 * 3600;
    let over = false;
    const answer = waiter.run(waitFor(new Switch(), now() + 40 * days), {}, 'in').then(() => {
      over = true;
    });
    await vi.advanceTimersByTimeAsync(39 * days * 1000);
    expect(over).toBe(false);
    await vi.advanceTimersByTimeAsync(days * 1000);
    await answer;
    expect(over).toBe(true);
  });
});

/** A namespace whose Promises are settled by what the test lets arrive. */
async function namespace() {
  const kernel = new Kernel();
  const waiter = new PromiseWaiter(() => kernel.clock);
  const context = {
    channel: kernel,
    strings: BINARY_STRINGS,
    patience: waiter.patience,
    descriptors: new Descriptors(),
  };
  const socket = createNamespace(context, waiter, null as never);
  const [server] = await socket.try(socket.bind('127.0.0.1', 0));
  const [, port] = await server.getsockname();
  const [client] = socket.tcp();
  if (client === null || port === undefined) throw new Error('tcp');
  const connecting = client.connect('127.0.0.1', port);
  // What the namespace's calls on a connection that is being made do is part of what is tested.
  return { kernel, context, socket, server, client, connecting };
}

async function connection() {
  const made = await namespace();
  made.kernel.runDue();
  expect(await made.connecting).toEqual([1]);
  const [accepted] = await made.socket.try(made.server.accept());
  const stream = made.context.descriptors.get(accepted.getfd())?.socket as ModelStream;
  return { ...made, accepted, stream };
}

describe('calls on one object', () => {
  it('wait for the call that connects it', async () => {
    const { kernel, client, connecting } = await namespace();
    const sent = client.send('x');
    kernel.runDue();
    expect(await connecting).toEqual([1]);
    expect(await sent).toEqual([1, null, null]);
  });

  it('are served in order, each direction by itself', async () => {
    const { accepted, stream } = await connection();
    const lines = [accepted.receive(), accepted.receive(), accepted.receive(2)];
    expect(await accepted.send('not held up')).toEqual([11, null, null]);
    stream.receive(bytes('one\ntw'));
    stream.receive(bytes('o\n3'));
    stream.receive(bytes('4'));
    expect((await Promise.all(lines)).map(([line]) => line)).toEqual(['one', 'two', '34']);
  });

  it('end with "closed" when it is closed, and keep what had come', async () => {
    const { accepted, stream } = await connection();
    stream.room = 2;
    const waiting = [accepted.receive(10), accepted.receive(10), accepted.send('abcd')];
    stream.receive(bytes('part'));
    await new Promise((resolve) => setTimeout(resolve));
    expect(await accepted.close()).toEqual([1]);
    expect(await Promise.all(waiting)).toEqual([
      [null, 'closed', 'part'],
      [null, 'closed', ''],
      [null, 'closed', 2],
    ]);
    expect(stream.wakes.size).toBe(0);
  });

  it('shut down after what is being sent', async () => {
    const { accepted, stream } = await connection();
    stream.room = 2;
    const sent = accepted.send('abcd');
    const shut = accepted.shutdown('send');
    stream.room = 9;
    stream.wake();
    expect(await sent).toEqual([4, null, null]);
    expect(await shut).toEqual([1]);
  });

  it('raise by rejecting, except where they answer at once', async () => {
    const { socket, client, server } = await namespace();
    const [master] = socket.tcp();
    await expect(server.send('x')).rejects.toThrow(TypeError);
    await expect(master?.bind('*', {} as never)).rejects.toThrow("bad argument #2 to 'bind'");
    expect(() => server.getstats()).toThrow(TypeError);
    expect(() => client.settimeout('x')).toThrow("bad argument #1 to 'settimeout'");
    client.close();
  });
});

describe('exceptions', () => {
  it('are awaited, finalizers too', async () => {
    const { socket, accepted, stream } = await connection();
    const log: string[] = [];
    const finalizing = socket.newtry(async () => {
      await new Promise((resolve) => setTimeout(resolve));
      log.push('finalized');
    });
    const readLine = socket.protect(async (wanted: string) => {
      const [line] = await finalizing(accepted.receive());
      if (line !== wanted) await finalizing(null, `got ${line}`);
      return [line];
    });
    stream.receive(bytes('yes\nno\n'));
    expect(await readLine('yes')).toEqual(['yes']);
    expect(await readLine('yes')).toEqual([null, 'got no']);
    stream.end();
    expect(await readLine('yes')).toEqual([null, 'closed']);
    expect(log).toEqual(['finalized', 'finalized']);
    await expect(socket.try(accepted.receive())).rejects.toThrow(LuaSocketError);
    await expect(
      socket.protect(async () => {
        throw new TypeError('a mistake');
      })(),
    ).rejects.toThrow(TypeError);
  });

  it('leave sources and sinks working', async () => {
    const { socket, accepted, stream } = await connection();
    stream.receive(bytes('rest'));
    stream.end();
    const source = socket.source(accepted);
    expect(await source()).toEqual(['rest']);
    expect(await source()).toEqual([null]);
    expect(accepted.getfd()).toBe(-1);
  });
});

it('sleep(0) lets the event loop turn', async () => {
  const { socket, client } = await namespace();
  let turned = false;
  setTimeout(() => {
    turned = true;
  });
  await socket.sleep(0);
  await socket.sleep(0);
  expect(turned).toBe(true);
  client.close();
});
