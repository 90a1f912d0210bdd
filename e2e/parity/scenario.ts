/**
 * The scenario format: one JSON object a line, as `real.lua` reads it. Knows nothing of sockets or files.
 *
 * A string is a byte string: U+0000..U+00FF, one character for each byte. So the text of a scenario file must be
 * decoded as Latin-1, not as UTF-8.
 */

/** A JSON value, as it stands in a scenario. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One operation: a library function or helper (`call`), a method (`on` and `call`), or a constant (`get`). */
export interface Operation {
  readonly id?: string;
  readonly on?: string;
  readonly call?: string;
  readonly get?: string;
  readonly args?: readonly Json[];
  /** Indices of results (from 1) of which only the type is printed. */
  readonly mask?: readonly number[];
  /** Keys of tables whose value is printed as its type. */
  readonly maskmap?: readonly string[];
  /** Prints only that it went through. */
  readonly drop?: boolean;
}

export interface Scenario {
  /** Empty for operations that come before any header. */
  readonly name: string;
  readonly operations: readonly Operation[];
}

/** Reads the scenarios of one file; blank lines and lines that begin with `#` are skipped. Throws SyntaxError on bad JSON. */
export function parseScenarios(text: string): Scenario[] {
  const scenarios: { name: string; operations: Operation[] }[] = [];
  for (const line of text.split('\n')) {
    if (/^\s*(#|$)/.test(line)) continue;
    const json: unknown = JSON.parse(line);
    if (isHeader(json)) {
      scenarios.push({ name: json.scenario, operations: [] });
      continue;
    }
    if (!isOperation(json)) throw new SyntaxError(`not an operation: ${line}`);
    if (scenarios.length === 0) scenarios.push({ name: '', operations: [] });
    scenarios.at(-1)?.operations.push(json);
  }
  return scenarios;
}

function isHeader(json: unknown): json is { scenario: string } {
  return typeof json === 'object' && json !== null && 'scenario' in json && typeof json.scenario === 'string';
}

function isOperation(json: unknown): json is Operation {
  if (typeof json !== 'object' || json === null) return false;
  return ('call' in json && typeof json.call === 'string') || ('get' in json && typeof json.get === 'string');
}
