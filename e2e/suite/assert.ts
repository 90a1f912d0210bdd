/** Assertions that need nothing but the language, for code that runs in pages and workers too. */

function shown(value: unknown): string {
  return value === undefined ? 'undefined' : (JSON.stringify(value) ?? String(value));
}

export function equal(got: unknown, wanted: unknown, what = 'it'): void {
  if (!Object.is(got, wanted)) throw new Error(`${what} is ${shown(got)}, not ${shown(wanted)}`);
}

/** By what JSON shows of them, except that nothing at the end of a list counts as null. */
export function deepEqual(got: unknown, wanted: unknown, what = 'it'): void {
  if (shown(got) !== shown(wanted)) throw new Error(`${what} is ${shown(got)}, not ${shown(wanted)}`);
}

export function includes(text: string, part: string): void {
  if (!text.includes(part)) throw new Error(`${shown(text)} does not contain ${shown(part)}`);
}

export async function raises(
  kind: new (message?: string) => Error,
  words: string,
  run: () => Promise<unknown>,
): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof kind)) throw new Error(`${shown(String(error))} is no ${kind.name}`);
    includes(error.message, words);
    return;
  }
  throw new Error(`nothing was raised; ${kind.name} with ${shown(words)} was expected`);
}
