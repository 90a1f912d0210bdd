/** docs/api-coverage.md as text, from the entries. */
import { CONSTANTS, counterpart, type Entry, entries, keyOf, NOTES } from './entries.ts';

export function coverageDocument(): string {
  const documented = entries.filter((entry) => entry.documented);
  const beyond = entries.filter((entry) => !entry.documented);
  return `# API coverage

Every entry of LuaSocket’s API document, as Defold publishes it, and what it is here. A test calls each of them on a
live connection (\`e2e/coverage/coverage.test.ts\`), and fails when this page is not what it found.

Every function answers an array of LuaSocket’s results, \`null\` for nil. \`await\` is for \`luasocket-web\`; \`dirty\`,
\`getfd\` and \`gettime\` answer bare values.

${table(documented)}

## Beside the document

LuaSocket has these too; the document does not name them.

${table(beyond)}
`;
}

function table(rows: readonly Entry[]): string {
  const lines = rows.map((entry) => {
    const written = CONSTANTS.has(entry.name) ? keyOf(entry) : `${keyOf(entry)}()`;
    return `| \`${written}\` | \`${counterpart(entry)}\` | ${NOTES.get(keyOf(entry)) ?? ''} |`;
  });
  return ['| LuaSocket | here | notes |', '|---|---|---|', ...lines].join('\n');
}
