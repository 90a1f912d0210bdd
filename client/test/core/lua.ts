/** A session over the kernel in memory, whose calls answer at once: LuaSocket under virtual time. */
import type { RelayStatus, SocketNamespace, StringMode, TcpSocket } from '../../src/api.ts';
import type { Context } from '../../src/core/context.ts';
import { Descriptors } from '../../src/core/descriptors.ts';
import type { Steps } from '../../src/core/except.ts';
import type { Op } from '../../src/core/op.ts';
import { createNamespace } from '../../src/namespace.ts';
import { stringsOf } from '../../src/strings.ts';
import type { Waiter } from '../../src/wait/waiter.ts';
import { Kernel, type ModelStream } from './kernel.ts';

/** Lets the kernel's time pass instead of waiting. */
class VirtualWaiter implements Waiter<'sync'> {
  readonly patience = 'waits';
  readonly #kernel: Kernel;
  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  run<T>(op: Op<T>): T {
    for (let step = op.next(); ; step = op.next()) {
      if (step.done) return step.value;
      const { ready, deadline } = step.value;
      while (!ready() && this.#kernel.clock < deadline) {
        if (!this.#kernel.pass(deadline)) throw new Error('this would wait for ever');
      }
    }
  }

  answer<T>(value: T): T {
    return value;
  }

  follow<T>(steps: Steps<T>): T {
    for (let step = steps.next(); ; step = steps.next(step.value)) {
      if (step.done) return step.value;
    }
  }
}

const NO_RELAY = null as unknown as RelayStatus;

export interface Session<B> {
  readonly kernel: Kernel;
  readonly context: Context<B>;
  readonly socket: SocketNamespace<'sync', B>;
}

/** A namespace with strings of one character per byte, unless told otherwise. */
export function session<B = string>(mode: StringMode = 'binary'): Session<B> {
  const kernel = new Kernel();
  const context: Context<B> = {
    channel: kernel,
    strings: stringsOf<B>(mode),
    patience: 'waits',
    descriptors: new Descriptors(),
  };
  return { kernel, context, socket: createNamespace(context, new VirtualWaiter(kernel), NO_RELAY) };
}

export interface Connected<B> extends Session<B> {
  readonly client: TcpSocket<'sync', B>;
  readonly accepted: TcpSocket<'sync', B>;
  /** The kernel's side of `client`. */
  readonly stream: ModelStream;
}

/** Two ends of a connection. */
export function connected<B = string>(mode: StringMode = 'binary'): Connected<B> {
  const made = session<B>(mode);
  const [server] = made.socket.bind('127.0.0.1', 0);
  if (server === null) throw new Error('bind');
  const [, port] = server.getsockname();
  const [client] = made.socket.connect('127.0.0.1', port);
  const [accepted] = server.accept();
  if (client === null || accepted === null) throw new Error('connect');
  const stream = made.context.descriptors.get(client.getfd())?.socket as ModelStream;
  return { ...made, client, accepted, stream };
}

export function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
