/**
 * What the client costs a page: each entry point as a bundler takes it in (minified, without what is not used), and the
 * files that pages load as they are; gzipped, against budgets. Vite bundles, as it builds everything else here.
 */
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { relative, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { ROOT } from './paths.mjs';

const CLIENT = `${ROOT}/client`;

/** LuaSocket's semantics with its names and the waiter of Promises, without the session that they run over. */
const CORE = `
export { createNamespace } from '${CLIENT}/src/namespace.ts';
export { stringsOf } from '${CLIENT}/src/strings.ts';
export { PromiseWaiter } from '${CLIENT}/src/wait/promise.ts';
export { Descriptors } from '${CLIENT}/src/core/descriptors.ts';`;

/**
 * Bytes, gzipped. The core's is a promise; the others are a little above what they were when they were set: raise one
 * knowingly, for something that is worth it.
 * @type {Readonly<Record<string, number>>}
 */
export const BUDGETS = {
  'the core: LuaSocket without a session': 15_000,
  'luasocket-web': 33_250,
  'luasocket-web/poll': 33_250,
  'luasocket-web/blocking': 31_500,
  'luasocket-web/emscripten': 31_250,
  'luasocket-web/lua': 8_500,
  'luasocket-web.global.js': 33_250,
  'luasocket-web.emscripten.js': 31_250,
  'luasocket-web.defold.js': 35_500,
  'pump.js': 14_000,
  'lua-worker.js': 80_000,
  'lua5.1.wasm': 90_000,
};

/**
 * @typedef {object} Size
 * @property {string} name
 * @property {number} bytes As it is loaded, when nothing packs it.
 * @property {number} gzip
 */

/** @returns {Promise<Size[]>} Of every entry point and every file; needs a built client. */
export async function measure() {
  /** @type {{ name: string, exports: Record<string, string | { default: string }> }} */
  const { name, exports } = JSON.parse(readFileSync(`${CLIENT}/package.json`, 'utf8'));
  const sizes = [sizeOf('the core: LuaSocket without a session', (await bundle(CORE)).code)];
  for (const [path, target] of Object.entries(exports)) {
    if (typeof target === 'string') continue;
    const { code } = await bundle(`export * from '${CLIENT}/${target.default}';`);
    sizes.push(sizeOf(path.replace('.', name), code));
  }
  const entries = new Set(sizes.map((size) => size.name));
  for (const file of Object.keys(BUDGETS)) {
    if (!entries.has(file)) sizes.push(sizeOf(file, readFileSync(`${CLIENT}/dist/${file}`)));
  }
  return sizes;
}

/**
 * @param {readonly Size[]} sizes
 * @param {Readonly<Record<string, number>>} [budgets]
 * @returns {string[]} What is above its budget, or has none.
 */
export function excess(sizes, budgets = BUDGETS) {
  return sizes.flatMap(({ name, gzip }) => {
    const budget = budgets[name];
    if (budget === undefined) return [`${name} has no budget`];
    return gzip > budget ? [`${name} is ${gzip - budget} bytes above its budget of ${budget}`] : [];
  });
}

/**
 * What the parts of `luasocket-web` weigh: how much less the whole would be, gzipped, without them. They add up to less
 * than the whole, since what is alike in two of them is packed once.
 * @param {(source: string) => string} partOf
 * @returns {Promise<Size[]>} The heaviest first.
 */
export async function weigh(partOf) {
  const { code, map } = await bundle(`export { connect } from '${CLIENT}/src/index.ts';`);
  const sources = new SourceMap(JSON.parse(map));
  const units = code.split('');
  let line = 0;
  let start = 0;
  const parts = units.map((unit, at) => {
    const entry = sources.findEntry(line, at - start);
    if (unit === '\n') {
      line++;
      start = at + 1;
    }
    return 'originalSource' in entry
      ? partOf(relative(ROOT, resolve(CLIENT, 'dist/assets', entry.originalSource)))
      : "the bundler's own";
  });
  const whole = sizeOf('', code);
  const sizes = [...new Set(parts)].map((name) => {
    const rest = sizeOf(name, units.filter((_, at) => parts[at] !== name).join(''));
    return { name, bytes: whole.bytes - rest.bytes, gzip: whole.gzip - rest.gzip };
  });
  return sizes.sort((a, b) => b.gzip - a.gzip);
}

/**
 * @param {string} name
 * @param {string | Buffer} content
 * @returns {Size}
 */
function sizeOf(name, content) {
  return { name, bytes: Buffer.byteLength(content), gzip: gzipSync(content, { level: 9 }).length };
}

/**
 * Bundles a program that has this source as bundlers do for a page.
 * @param {string} source
 * @returns {Promise<{ code: string, map: string }>} Of the program itself; workers are files of their own.
 */
async function bundle(source) {
  const id = '\0program';
  const program = {
    name: 'program',
    resolveId: (/** @type {string} */ wanted) => (wanted === id ? id : null),
    load: (/** @type {string} */ wanted) => (wanted === id ? source : null),
  };
  const built = await build({
    configFile: false,
    logLevel: 'error',
    root: CLIENT,
    plugins: [program],
    worker: { format: 'es' },
    build: {
      write: false,
      target: 'es2022',
      sourcemap: 'hidden',
      modulePreload: false,
      rolldownOptions: { input: id, preserveEntrySignatures: 'exports-only' },
    },
  });
  const chunks = 'output' in built ? built.output : [];
  const [entry, ...more] = chunks.flatMap((chunk) => (chunk.type === 'chunk' ? [chunk] : []));
  if (entry === undefined || more.length > 0) throw new Error(`a program of ${chunks.length} files`);
  return { code: entry.code, map: entry.map?.toString() ?? '' };
}
