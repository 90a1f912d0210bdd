/** Compares transcripts line by line. */
import type { Scenario } from './scenario.ts';

/** One line that is not as it should be; undefined where a transcript ends early. */
export interface Difference {
  /** What was run, as JSON. */
  readonly operation: string;
  readonly expected: string | undefined;
  readonly got: string | undefined;
}

/** The lines of a transcript file. */
export function linesOf(transcript: string): string[] {
  const lines = transcript.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** What was run for each line of a transcript: headers and operations. */
export function operationsOf(scenarios: readonly Scenario[]): string[] {
  return scenarios.flatMap(({ name, operations }) => [
    ...(name === '' ? [] : [JSON.stringify({ scenario: name })]),
    ...operations.map((operation) => JSON.stringify(operation)),
  ]);
}

/** Where `got` differs from `expected`. Lines for which `counts` says no are passed over. */
export function differences(
  operations: readonly string[],
  expected: readonly string[],
  got: readonly string[],
  counts: (line: number) => boolean = () => true,
): Difference[] {
  const length = Math.max(expected.length, got.length, operations.length);
  const found: Difference[] = [];
  for (let line = 0; line < length; line++) {
    if (expected[line] === got[line] || !counts(line)) continue;
    found.push({ operation: operations[line] ?? '(nothing)', expected: expected[line], got: got[line] });
  }
  return found;
}

/** A difference as text. */
export function describe({ operation, expected, got }: Difference): string {
  return `  ${operation}\n    expected ${expected ?? '(nothing)'}\n    got      ${got ?? '(nothing)'}`;
}
