/** What a page and the Worker with its Lua say to each other. */

/** A page to its Worker. */
export type ToWorker =
  | {
      readonly type: 'start';
      readonly relay: string;
      readonly ticket: string | undefined;
      readonly files: Readonly<Record<string, string | Uint8Array>>;
    }
  | { readonly type: 'run'; readonly source: string | Uint8Array; readonly args: readonly unknown[] }
  | { readonly type: 'close' };

/** A Worker to its page. Answers to `run` come in the order of the calls. */
export type FromWorker =
  | { readonly type: 'started' }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'print'; readonly text: string }
  | { readonly type: 'returned'; readonly results: unknown[] }
  | { readonly type: 'raised'; readonly raised: Raised }
  | { readonly type: 'closed' };

/** An error that a program raised and did not catch. */
export interface Raised {
  /** What Lua's own interpreter would show. */
  readonly message: string;
  readonly traceback: string;
  /** The error object, as a result of `run` would be. */
  readonly value: unknown;
}
