/**
 * Requests and their answers: each is answered once. Also the results of look-ups, which later requests may name as
 * their target before they are known.
 */
import type { Endpoint } from '@luasocket-web/shared/address';
import { ProtocolError } from '@luasocket-web/shared/errors';
import type { Target, Value } from '@luasocket-web/shared/frames';
import { MAX_RESOLUTIONS } from '@luasocket-web/shared/limits';
import { LookupError } from '../os/resolver-library.ts';
import { SystemFailure } from '../sockets/socket.ts';
import type { Voice } from './parts.ts';

/** A look-up, perhaps still under way. */
interface Resolution {
  result: readonly Endpoint[] | Error | null;
  readonly settled: Promise<void>;
}

/** Where a request leads once `ready` is settled. */
export interface Destination {
  readonly ready: Promise<void> | null;
  /** @throws SystemFailure or LookupError when the look-up failed or is too old. */
  endpoint(): Endpoint | null;
}

export class Requests {
  readonly #voice: Voice;
  readonly #limit: number;
  readonly #reached: () => void;
  readonly #resolutions = new Map<number, Resolution>();
  readonly #open = new Set<number>();
  #last = 0;

  /** @param limit how many may be unanswered. @param reached told when that is not enough. */
  constructor(voice: Voice, limit: number, reached: () => void) {
    this.#voice = voice;
    this.#limit = limit;
    this.#reached = reached;
  }

  /** @throws ProtocolError `unexpected` when the number does not count upwards, `limit` when too many are unanswered. */
  begin(request: number): void {
    if (request <= this.#last) throw new ProtocolError('unexpected', `request ${request} after ${this.#last}`);
    if (this.#open.size >= this.#limit) {
      this.#reached();
      throw new ProtocolError('limit', `${this.#limit} requests are unanswered`);
    }
    this.#last = request;
    this.#open.add(request);
  }

  reply(request: number, value: Value): void {
    if (this.#open.delete(request)) this.#voice.send({ type: 'reply', request, value });
  }

  /** @throws `error` itself when it is no outcome but a defect. */
  fail(request: number, error: unknown): void {
    const outcome = outcomeOf(error);
    if (this.#open.delete(request)) {
      this.#voice.send({ type: 'fail', request, error: outcome.code, detail: outcome.detail });
    }
  }

  /** Answers with what `task` returns, or with its refusal. */
  answer(request: number, task: () => Value): void {
    try {
      this.reply(request, task());
    } catch (error) {
      this.fail(request, error);
    }
  }

  /** Answers a look-up when it is settled, and keeps its result as a target. */
  resolve<E extends Endpoint>(
    request: number,
    lookup: Promise<readonly E[]>,
    toValue: (found: readonly E[]) => Value,
  ): void {
    const resolution: Resolution = {
      result: null,
      settled: lookup.then(
        (found) => {
          resolution.result = found;
          this.#voice.guard(() => this.answer(request, () => toValue(found)));
        },
        (error: unknown) => {
          resolution.result = error instanceof Error ? error : new Error(String(error));
          this.#voice.guard(() => this.fail(request, error));
        },
      ),
    };
    this.#resolutions.set(request, resolution);
    for (const oldest of this.#resolutions.keys()) {
      if (this.#resolutions.size <= MAX_RESOLUTIONS) break;
      this.#resolutions.delete(oldest);
    }
  }

  /** Answers when `lookup` is settled. */
  later(request: number, lookup: Promise<Value>): void {
    lookup.then(
      (value) => this.#voice.guard(() => this.reply(request, value)),
      (error: unknown) => this.#voice.guard(() => this.fail(request, error)),
    );
  }

  destination(target: Target | null): Destination {
    if (target === null || 'family' in target) return { ready: null, endpoint: () => target };
    const resolution = this.#resolutions.get(target.request);
    return {
      ready: resolution && resolution.result === null ? resolution.settled : null,
      endpoint: () => {
        const result = resolution?.result;
        if (result === undefined || result === null) throw new SystemFailure('EINVAL');
        if (result instanceof Error) throw result;
        const endpoint = result[target.index];
        if (!endpoint) throw new LookupError('EAI_NONAME');
        return endpoint;
      },
    };
  }
}

/** How a refusal travels. @throws `error` itself when it is none. */
export function outcomeOf(error: unknown): { readonly code: string; readonly detail: string | null } {
  if (error instanceof SystemFailure) return { code: error.code, detail: error.detail ?? null };
  if (error instanceof LookupError) return { code: error.code, detail: null };
  throw error;
}
