/**
 * Runs a scenario on a face of the client and makes its transcript. Runs in Node and in a browser; knows neither
 * files nor how the client got its session.
 *
 * Operations are generators that yield whatever the client returned, so that one runner serves the faces that answer
 * with a Promise and those that answer at once (a callback from a blocking call cannot await anything).
 */
import { makeHelpers, type Results } from './helpers.ts';
import { mask, Printer, quote } from './print.ts';
import type { Json, Operation, Scenario } from './scenario.ts';
import { index, luaType, member, tableOf } from './values.ts';

/** A step that waits for what it yields. */
type Step<T> = Generator<unknown, T, unknown>;
// biome-ignore lint/complexity/noBannedTypes: whatever can be called, by its name
type Callable = Function;

/** `promise`: the face answers with promises; `never`: it answers at once, and so does the runner. */
export type Waits = 'promise' | 'never';

/** Runs one scenario on a namespace of its own session, and hands out the lines of the transcript one by one. */
export function runScenario(
  scenario: Scenario,
  socket: object,
  waits: Waits,
  emit: (line: string) => void,
): Promise<void> | void {
  const run = new Run(socket, waits);
  return drive(run.scenario(scenario, emit), waits);
}

function drive<T>(steps: Step<T>, waits: 'never'): T;
function drive<T>(steps: Step<T>, waits: Waits): Promise<T> | T;
function drive<T>(steps: Step<T>, waits: Waits): Promise<T> | T {
  return waits === 'promise' ? driveAwaiting(steps) : driveAtOnce(steps);
}

function driveAtOnce<T>(steps: Step<T>): T {
  let step = steps.next();
  while (!step.done) step = steps.next(step.value);
  return step.value;
}

async function driveAwaiting<T>(steps: Step<T>): Promise<T> {
  let step = steps.next();
  while (!step.done) {
    let value: unknown;
    try {
      value = await step.value;
    } catch (error) {
      step = steps.throw(error);
      continue;
    }
    step = steps.next(value);
  }
  return step.value;
}

class Run {
  readonly #socket: object;
  readonly #waits: Waits;
  /** Results by the id of their operation. */
  readonly #results = new Map<string, Results>();
  readonly #names = new Map<unknown, string>();
  readonly #printer = new Printer(this.#names);
  readonly #objects = new Set<object>();
  /** socket.try, and what socket.newtry made. */
  readonly #tries: Set<unknown>;
  readonly #helpers = makeHelpers();

  constructor(socket: object, waits: Waits) {
    this.#socket = socket;
    this.#tries = new Set([member(socket, 'try')]);
    this.#waits = waits;
  }

  *scenario(scenario: Scenario, emit: (line: string) => void): Step<void> {
    if (scenario.name !== '') emit(`{"scenario":${quote(scenario.name)}}`);
    for (const [position, operation] of scenario.operations.entries()) {
      emit(yield* this.#line(position + 1, operation));
    }
    for (const object of this.#objects) {
      yield* this.#call(member(object, 'close'), object, [], 'close');
    }
  }

  *#line(number: number, operation: Operation): Step<string> {
    let results: Results;
    try {
      results = yield* this.#run(operation, undefined);
    } catch (error) {
      return `{"n":${number},"raise":${this.#printer.print(raised(error))}}`;
    }
    if (operation.drop === true) return `{"n":${number},"ok":true}`;
    const masks = new Set(operation.mask);
    const keys = new Set<unknown>(operation.maskmap);
    const printed = results.map((value, i) => (masks.has(i + 1) ? mask(value) : this.#printer.print(value, keys)));
    return `{"n":${number},"ret":[${printed.join(',')}]}`;
  }

  /** Runs one operation; throws whatever it raises. `given` are the arguments of the `$do` function around it. */
  *#run(operation: Operation, given: Results | undefined): Step<Results> {
    const args = (operation.args ?? []).map((argument) => this.#resolve(argument, given));
    const results = yield* this.#perform(operation, args);
    for (const value of results) if (luaType(value) === 'userdata') this.#objects.add(value as object);
    if (operation.call === 'socket.newtry') this.#tries.add(results[0]);
    if (operation.id !== undefined) {
      this.#results.set(operation.id, results);
      const first = results[0];
      const named = luaType(first) === 'userdata' || operation.call === 'fakesock';
      if (named && !this.#names.has(first)) this.#names.set(first, operation.id);
    }
    return results;
  }

  *#perform(operation: Operation, args: Results): Step<Results> {
    if (operation.get !== undefined) return [this.#constant(operation.get)];
    const name = operation.call ?? '';
    if (operation.on !== undefined) {
      const object = this.#reference(operation.on);
      const method = index(object, name, "local 'o'");
      return yield* this.#call(method, object, args, `method '${name}'`);
    }
    const helper = this.#helpers.get(name);
    if (helper) return helper(...args);
    if (name === 'age') return [Number((yield* this.#library('socket.gettime', []))[0]) - Number(args[0])];
    const stored = this.#results.get(name);
    if (stored) return yield* this.#call(stored[0], undefined, args, "field '?'");
    return yield* this.#library(name, args);
  }

  #constant(path: string): unknown {
    let value: unknown = { socket: this.#socket };
    for (const key of path.split('.')) value = index(value, key, "local 'v'") ?? null;
    return value;
  }

  /** A library function by its dotted path, e.g. `socket.dns.toip`. */
  *#library(path: string, args: Results): Step<Results> {
    const [root = '', ...keys] = path.split('.');
    const last = keys.pop();
    let parent: unknown = root === 'socket' ? this.#socket : undefined;
    if (last === undefined) return yield* this.#call(parent, undefined, args, `global '${root}'`);
    let name = `global '${root}'`;
    for (const key of keys) {
      parent = index(parent, key, name);
      name = `field '${key}'`;
    }
    return yield* this.#call(index(parent, last, name), parent, args, `field '${last}'`);
  }

  *#call(callee: unknown, self: unknown, args: Results, name: string): Step<Results> {
    if (typeof callee !== 'function') throw new TypeError(`attempt to call ${name} (a ${luaType(callee)} value)`);
    // A try takes a lone array for the results themselves; here it is their first.
    const lone = args.length === 1 && Array.isArray(args[0]) && this.#tries.has(callee);
    return resultsOf(yield (callee as Callable).apply(self, lone ? [args] : args));
  }

  /** A decoded argument as a value for the client. */
  #resolve(json: Json, given: Results | undefined): unknown {
    if (json === null || typeof json !== 'object') return json;
    if (isArray(json)) return json.map((item) => this.#resolve(item, given));
    const { $ref, $arg, $rep, $num, $do, $pairs } = json;
    if (typeof $ref === 'string') return this.#reference($ref);
    if (typeof $arg === 'number') return given?.[$arg - 1] ?? null;
    if ($rep !== undefined) return repeat($rep);
    if (typeof $num === 'string') return { inf: Infinity, '-inf': -Infinity }[$num] ?? Number.NaN;
    if ($do !== undefined) return this.#function($do as unknown as readonly Operation[]);
    if (isArray($pairs)) {
      return tableOf(
        $pairs.map((pair) => [this.#resolve(at(pair, 0), given), this.#resolve(at(pair, 1), given)] as const),
      );
    }
    return Object.fromEntries(Object.entries(json).map(([key, item]) => [key, this.#resolve(item, given)]));
  }

  /** `id`, `id.2` (its second result), `id.1.1` (further into a table). */
  #reference(path: string): unknown {
    const [id = '', ...keys] = path.split('.');
    const results = this.#results.get(id);
    if (!results) throw new Error(`unknown id ${id}`);
    if (keys.length === 0) return results[0] ?? null;
    let value: unknown = results;
    for (const key of keys) {
      const number = Number(key);
      value = index(value, Number.isNaN(number) ? key : number, "local 'v'");
    }
    return value ?? null;
  }

  /** A function that runs operations, unprotected, and returns the results of the last. */
  #function(operations: readonly Operation[]): (...given: unknown[]) => Promise<Results> | Results {
    const run = this.#run.bind(this);
    const steps = function* (given: Results): Step<Results> {
      let last: Results = [];
      for (const operation of operations) last = yield* run(operation, given);
      return last;
    };
    return (...given) => drive(steps(given), this.#waits);
  }
}

/** Calls return an array of their results, or one bare value where they cannot fail. */
function resultsOf(value: unknown): Results {
  if (Array.isArray(value)) return value;
  return value === undefined ? [] : [value];
}

/** What was thrown as what Lua's pcall would catch. */
function raised(error: unknown): unknown {
  // By name, since the client may be another bundle.
  if (error instanceof Error && error.name === 'LuaSocketError' && 'value' in error) return [error.value];
  const value = error instanceof Error ? error.message : error;
  return typeof value === 'string' ? value.replace(/^\S+:\d+: /, '') : value;
}

function isArray(json: Json | undefined): json is readonly Json[] {
  return Array.isArray(json);
}

function at(json: Json, position: number): Json {
  return isArray(json) ? (json[position] ?? null) : null;
}

function repeat(json: Json): string {
  const [part, times] = [at(json, 0), at(json, 1)];
  return typeof part === 'string' && typeof times === 'number' ? part.repeat(Math.max(0, times)) : '';
}
