/** Microtasks where they are many, and what a program's own functions throw where nobody is who called them. */

const SETTLED = Promise.resolve();

/** Calls `run` at the end of this turn. Not by queueMicrotask, which in Node makes a resource for async_hooks each time. */
export function soon(run: () => void): void {
  void SETTLED.then(run);
}

/** Makes `error` an uncaught one; what throws behind `soon` would be an unhandled rejection. */
export function report(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
