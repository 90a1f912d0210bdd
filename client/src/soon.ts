/** Microtasks, for every face. Not by queueMicrotask, which in Node makes a resource for async_hooks each time. */

const SETTLED = Promise.resolve();

/** Calls `run` at the end of this turn. */
export function soon(run: () => void): void {
  void SETTLED.then(run);
}
