/**
 * What a game's Lua calls through `html5.run`: LuaSocket's namespace behind functions that take plain values, never throw
 * and answer with Lua source (literal.ts). An answer begins with what has changed of the sockets the game holds, which the
 * game mirrors, so that it need not ask for what it knows.
 *
 * The names an answer may use: S (an object's state), F (a descriptor's), N (makes an object), C (the connection's state),
 * D (the answer of a call that was open), and for results E (an error to raise), P (the call is open now).
 */
import type { RelayState, RelayStatus, SocketNamespace, WebSocketConstructor } from '../api.ts';
import type { Context } from '../core/context.ts';
import { Descriptors } from '../core/descriptors.ts';
import { createNamespace } from '../namespace.ts';
import { openSession } from '../session/connect.ts';
import { openImpatientSession } from '../session/impatient.ts';
import { stringsOf } from '../strings.ts';
import { luaText, luaValue } from './literal.ts';
import { type Handle, isSocket, Objects } from './objects.ts';
import { GameWaiter, OpenCall, type Outcome } from './waiter.ts';

type State = 'unconnected' | RelayState;
type Run = (...args: readonly unknown[]) => unknown;

/** A session that stands. */
interface Live {
  readonly socket: SocketNamespace<'sync'>;
  readonly relay: RelayStatus;
  readonly descriptors: Descriptors;
  readonly waiter: GameWaiter;
}

/** A call of which the game will hear. */
interface Open {
  readonly call: OpenCall;
  readonly handle: Handle | null;
  /** What makes results of its value. */
  readonly results: Results;
}

type Results = (value: unknown) => readonly unknown[];

const list: Results = (value) => (Array.isArray(value) ? value : [value]);

export class Facade {
  readonly #WebSocket: WebSocketConstructor | undefined;
  readonly #objects = new Objects();
  readonly #open = new Map<number, Open>();
  #opened = 0;
  #live: Live | null = null;
  /** Waiters of connections that have ended, whose open calls have not: one may be asleep. */
  #leaving: readonly GameWaiter[] = [];
  #state: State = 'unconnected';
  #told: State = 'unconnected';
  #why = '';
  #attempt: AbortController | null = null;

  /** `WebSocket`: the class, where there is no global one. */
  constructor(WebSocket?: WebSocketConstructor) {
    this.#WebSocket = WebSocket;
  }

  /**
   * Begins to connect to the relay at `url`, with a ticket where it asks for one. An earlier connection ends. `exact`: no
   * ephemeral ports are held in advance, which only who never waits needs.
   */
  open(url: string, ticket: string | undefined, exact: boolean): string {
    return this.#safely(() => {
      this.#end();
      const attempt = new AbortController();
      this.#attempt = attempt;
      this.#state = 'connecting';
      void this.#connect(url, ticket, exact, attempt);
      return 'return 1';
    });
  }

  /** Ends the connection; all sockets are closed. */
  close(): string {
    return this.#safely(() => {
      this.#end();
      this.#state = 'closed';
      return 'return 1';
    });
  }

  /** A method of an object. `patience`: 0 never waits, 1 waits where the object's limits say so, 2 always. */
  call(patience: number, id: number, method: string, args: readonly unknown[]): string {
    return this.#safely(() => {
      const handle = this.#objects.get(id);
      if (handle === undefined) return 'return nil,"closed"';
      const { object } = handle;
      const run = Reflect.get(object, method) as Run;
      const waits = patience === 2 || (patience === 1 && !handle.isImpatient);
      return this.#perform(waits, handle, () => {
        const value = run.apply(object, [...args]);
        if (method === 'settimeout') handle.limit(args[0], args[1]);
        return value;
      });
    });
  }

  /** A function of the library, by its name: `connect`, `dns.toip`, ... */
  library(waits: boolean, name: string, args: readonly unknown[]): string {
    return this.#safely(() => {
      if (this.#live === null) return `return nil,${this.#state === 'connecting' ? '"timeout"' : '"closed"'}`;
      const path = name.split('.');
      const last = path.pop() as string;
      const owner = path.reduce<object>((table, key) => Reflect.get(table, key) as object, this.#live.socket);
      return this.#perform(waits, null, () => (Reflect.get(owner, last) as Run)(...args));
    });
  }

  /** socket.select on descriptors; answers those that are ready. */
  select(waits: boolean, reading: readonly number[], writing: readonly number[], seconds: number): string {
    return this.#safely(() => {
      if (this.#live === null) return 'return {},{},"timeout"';
      const { socket } = this.#live;
      const listed = (descriptor: number) => ({ getfd: () => descriptor, dirty: () => false });
      type Listed = ReturnType<typeof listed>;
      const run = () => socket.select(reading.map(listed), writing.map(listed), seconds);
      const numbers = (value: unknown) => (value as readonly Listed[]).map((object) => object.getfd());
      return this.#perform(waits, null, run, (value) => {
        const [readable, writable, reason] = value as readonly unknown[];
        return [numbers(readable), numbers(writable), ...(reason === undefined ? [] : [reason])];
      });
    });
  }

  /** What has happened since: to be asked in each frame. */
  look(): string {
    return this.#safely(() => {
      const live = this.#live;
      live?.waiter.look();
      for (const waiter of this.#leaving) waiter.look();
      this.#leaving = this.#leaving.filter((waiter) => waiter.isBusy);
      let told = this.#tellState();
      for (const [id, { call, handle, results }] of [...this.#open]) {
        if (call.outcome === null) continue;
        this.#open.delete(id);
        // Making objects of results comes before what is told of them.
        const values = this.#values(call.outcome, results);
        told += `${handle?.tell() ?? ''}D(${[id, ...values].join(',')})${this.#tellNew(call.outcome)}`;
      }
      return told + this.#objects.tellDescriptors(live?.descriptors ?? null);
    });
  }

  /** Objects that the game has forgotten. */
  drop(...ids: number[]): void {
    for (const id of ids) this.#objects.drop(id);
  }

  async #connect(url: string, ticket: string | undefined, exact: boolean, attempt: AbortController): Promise<void> {
    try {
      const options = {
        signal: attempt.signal,
        ...(ticket === undefined ? {} : { ticket }),
        ...(this.#WebSocket === undefined ? {} : { WebSocket: this.#WebSocket }),
      };
      const { channel, relay } = await (exact ? openSession : openImpatientSession)(url, options);
      if (this.#attempt !== attempt) return;
      const waiter = new GameWaiter(() => channel.now());
      const descriptors = new Descriptors();
      const context: Context<string> = {
        channel,
        descriptors,
        strings: stringsOf<string>('binary'),
        get patience() {
          return waiter.patience;
        },
      };
      this.#live = { socket: createNamespace(context, waiter, relay), relay, descriptors, waiter };
      this.#state = relay.state;
      relay.on('state', (state) => {
        if (this.#attempt !== attempt) return;
        this.#state = state;
        this.#why = relay.reason ?? '';
      });
    } catch (error) {
      if (this.#attempt !== attempt) return;
      this.#state = 'lost';
      this.#why = messageOf(error);
    }
  }

  /** Ends what there is of a connection. */
  #end(): void {
    this.#objects.closeAll();
    this.#attempt?.abort(new Error('another connection takes its place'));
    this.#attempt = null;
    if (this.#live !== null) this.#leaving = [...this.#leaving, this.#live.waiter];
    this.#live = null;
    this.#why = '';
  }

  /** Runs what may answer, raise, or stay open. */
  #perform(waits: boolean, handle: Handle | null, run: () => unknown, results: Results = list): string {
    const { waiter, descriptors } = this.#live ?? {};
    const outcome = outcomeOf(() => (waits && waiter ? waiter.patiently(run) : run()));
    let told = '';
    if (handle !== null) {
      const before = handle.object.getfd();
      told = handle.tell() + this.#objects.tellDescriptor(descriptors ?? null, before);
    }
    if (outcome instanceof OpenCall) {
      this.#opened += 1;
      this.#open.set(this.#opened, { call: outcome, handle, results });
      return `${told}return P,${this.#opened}`;
    }
    const values = this.#values(outcome, results);
    return `${told}${this.#tellNew(outcome)}return ${values.join(',')}`;
  }

  /** The descriptors of objects that come with an outcome. */
  #tellNew(outcome: Outcome): string {
    if (!('value' in outcome) || !Array.isArray(outcome.value)) return '';
    const descriptors = this.#live?.descriptors ?? null;
    const sockets = (outcome.value as readonly unknown[]).filter(isSocket);
    return sockets.map((object) => this.#objects.tellDescriptor(descriptors, object.getfd())).join('');
  }

  #values(outcome: Outcome, results: Results): string[] {
    if ('error' in outcome) return ['E', luaText(messageOf(outcome.error))];
    return results(outcome.value).map((value) => (isSocket(value) ? this.#objects.add(value) : luaValue(value)));
  }

  #tellState(): string {
    if (this.#state === this.#told) return '';
    this.#told = this.#state;
    return `${this.#objects.tellObjects()}C("${this.#state}",${luaText(this.#why)})`;
  }

  /** An exception that left would end the game. */
  #safely(run: () => string): string {
    try {
      return run();
    } catch (error) {
      return `return E,${luaText(messageOf(error))}`;
    }
  }
}

function outcomeOf(run: () => unknown): Outcome | OpenCall {
  try {
    return { value: run() };
  } catch (error) {
    return error instanceof OpenCall ? error : { error };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
