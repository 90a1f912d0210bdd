/** What a command that does not stay leaves behind: its text and its exit code. */
export interface Outcome {
  readonly exit: number;
  readonly out: string;
  readonly error: string;
}

/** Wrong use, as BSD's and GNU's tools have it. */
export const WRONG_USE = 2;

/** Where and when a command runs. */
export interface Place {
  readonly environment: { readonly [name: string]: string | undefined };
  /** Relative paths are relative to it. */
  readonly directory: string;
  /** Seconds since 1970. */
  readonly now: () => number;
}

/** Wrong use; the message says how it should be. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
