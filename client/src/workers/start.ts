/** Starts a pump and waits until its session stands: after that the calling thread may block. */
import { needsMessages } from '../transport/bell.ts';
import { type FromPump, newMemory, type ToPump } from './memory.ts';
import { Thread } from './thread.ts';

/** What is used of a Worker. */
export interface PumpWorker {
  postMessage(message: ToPump): void;
  terminate(): unknown;
  addEventListener(type: 'message', listener: (event: { readonly data: FromPump }) => void): void;
  addEventListener(type: 'error' | 'messageerror', listener: (event: { readonly message?: string }) => void): void;
}

/**
 * @param spawn Makes the worker.
 * @throws Error that says why there is no session; the signal's reason when it is aborted.
 */
export function startPump(
  url: string,
  ticket: string | null,
  spawn: () => PumpWorker,
  signal?: AbortSignal,
): Promise<Thread> {
  return new Promise((resolve, reject) => {
    const memory = newMemory();
    const worker = spawn();
    let thread: Thread | null = null;
    let post: (() => void) | null = null;
    const fail = (why: string) => {
      signal?.removeEventListener('abort', abort);
      worker.terminate();
      reject(new Error(`cannot connect to ${url}: ${why}`));
    };
    const abort = () => {
      reject(signal?.reason);
      if (thread) thread.close();
      else worker.terminate();
    };
    worker.addEventListener('message', ({ data }) => {
      switch (data.type) {
        case 'started':
          post = data.post ? () => worker.postMessage({ type: 'bell' }) : null;
          return;
        case 'opened':
          thread = new Thread({
            memory,
            terms: data.terms,
            post,
            ended: (dead) => {
              signal?.removeEventListener('abort', abort);
              // Else it ends by itself, after the WebSocket was closed in good order.
              if (dead) worker.terminate();
            },
          });
          thread.start();
          resolve(thread);
          return;
        case 'failed':
          fail(data.message);
          return;
        case 'bell':
          thread?.posted();
          return;
      }
    });
    worker.addEventListener('error', ({ message }) => {
      if (thread) thread.lost();
      else if (message) fail(`the pump's worker failed: ${message}`);
      else fail("the pump's worker cannot be loaded; where its script is, options.workerUrl tells");
    });
    signal?.addEventListener('abort', abort);
    worker.postMessage({ type: 'start', url, ticket, memory, post: needsMessages() });
  });
}
