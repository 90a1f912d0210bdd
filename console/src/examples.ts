/** The snippets in examples/: each works as it stands against the practice servers of `npm start`. */

export interface Example {
  /** Its first line, a comment. */
  readonly name: string;
  readonly code: string;
}

const sources = import.meta.glob<string>('./examples/*.js', { eager: true, query: '?raw', import: 'default' });

export const EXAMPLES: readonly Example[] = Object.values(sources).map((text) => {
  const [first = '', ...code] = text.trimEnd().split('\n');
  return { name: first.replace(/^\/\/ */, ''), code: code.join('\n') };
});
