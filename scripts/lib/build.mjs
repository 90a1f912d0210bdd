/**
 * Builds what is out of date: each part into a directory of its own that then takes the old one's place, so that
 * a build that fails leaves the old one, and a program that reads it meanwhile sees a whole one.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { copyDeclarations } from './declarations.mjs';
import { putDefold } from './defold.mjs';
import { putLove } from './love.mjs';
import { CACHE, ROOT } from './paths.mjs';
import { runNode } from './run.mjs';
import { fingerprint } from './sources.mjs';

const COMMON = ['vite.config.ts', 'pnpm-lock.yaml', 'shared/src', 'tsconfig.base.json', 'scripts/lib'];

/**
 * @typedef {object} Part
 * @property {readonly string[]} modes Builds of vite.config.ts that fill its dist/.
 * @property {readonly string[]} sources
 * @property {(stage: string) => void} [finish]
 */

/** @type {Readonly<Record<string, Part>>} In the order in which they are built. */
const PARTS = {
  client: {
    modes: ['client', 'global', 'emscripten', 'defold', 'pump', 'lua-worker'],
    sources: ['client/src', 'client/defold', 'client/package.json'],
    finish: (stage) => {
      putLua(stage);
      putDefold(stage);
    },
  },
  console: {
    modes: ['console'],
    sources: ['console', 'client/src', 'docs/love'],
    finish: (stage) => {
      putWorkers(stage);
      putLove(stage);
    },
  },
  relay: {
    modes: ['relay'],
    sources: ['relay/src', 'relay/package.json', 'console', 'client/src', 'docs/love'],
    // The relay serves the console: its package carries it.
    finish: (stage) => cpSync(`${ROOT}/console/dist`, `${stage}/console`, { recursive: true }),
  },
};

/** Packages whose declarations are published: those that `exports` names, and what they lead to. */
const TYPED = ['client', 'relay'];

/**
 * Builds the JavaScript of each part that has changed.
 * @returns {Promise<boolean>} False after a build that failed, which has said why.
 */
export async function buildPrograms() {
  for (const [name, part] of Object.entries(PARTS)) {
    const wanted = fingerprint([...COMMON, ...part.sources]);
    const stamp = `${CACHE}/built-${name}`;
    const dist = `${ROOT}/${name}/dist`;
    if (existsSync(dist) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) continue;
    console.log(`Building ${name} ...`);
    const stage = `${CACHE}/stage-${name}-${process.pid}`;
    rmSync(stage, { recursive: true, force: true });
    for (const mode of part.modes) {
      const args = [
        'build',
        '--config',
        `${ROOT}/vite.config.ts`,
        '--mode',
        mode,
        '--outDir',
        stage,
        '--logLevel',
        'warn',
      ];
      const { code } = await runNode(`${ROOT}/node_modules/vite/bin/vite.js`, args);
      if (code === 0) continue;
      rmSync(stage, { recursive: true, force: true });
      return false;
    }
    part.finish?.(stage);
    put(stage, dist);
    writeFileSync(stamp, wanted);
  }
  return true;
}

/**
 * Lua itself, for the worker of luasocket-web/lua, and what its licence asks for.
 * @param {string} stage
 */
function putLua(stage) {
  const lua = `${ROOT}/client/node_modules/wasmoon-lua5.1`;
  cpSync(`${lua}/dist/liblua5.1.wasm`, `${stage}/lua5.1.wasm`, { dereference: true });
  cpSync(`${lua}/LICENSE`, `${stage}/lua5.1.LICENSE.txt`, { dereference: true });
}

/**
 * The client's workers, for the pages of the console that start them.
 * @param {string} stage
 */
function putWorkers(stage) {
  for (const file of ['pump.js', 'lua-worker.js', 'lua5.1.wasm']) {
    cpSync(`${ROOT}/client/dist/${file}`, `${stage}/client/${file}`);
  }
}

/**
 * Puts a directory in another's place.
 * @param {string} stage
 * @param {string} dist
 */
function put(stage, dist) {
  const old = `${stage}-old`;
  // Declarations are made by another step: they stay.
  if (existsSync(`${dist}/types`)) cpSync(`${dist}/types`, `${stage}/types`, { recursive: true });
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(stage, dist);
  rmSync(old, { recursive: true, force: true });
}

/**
 * Checks the types of the whole workspace, and puts the declarations of the packages into their dist/types.
 * @returns {Promise<boolean>} False when there are errors, which have been shown.
 */
export async function buildTypes() {
  const { code } = await runNode(`${ROOT}/node_modules/typescript/bin/tsc`, ['-b', ROOT]);
  if (code !== 0) return false;
  for (const name of TYPED) {
    const { exports, dependencies = {} } = JSON.parse(readFileSync(`${ROOT}/${name}/package.json`, 'utf8'));
    /** @type {string[]} */
    const types = Object.values(exports).flatMap((entry) => entry.types ?? []);
    const entries = types.map((path) => path.replace('./dist/types/', ''));
    const stage = `${CACHE}/stage-${name}-types-${process.pid}`;
    rmSync(stage, { recursive: true, force: true });
    copyDeclarations(`${ROOT}/node_modules/.cache/tsc/${name}`, stage, entries, Object.keys(dependencies));
    mkdirSync(`${ROOT}/${name}/dist`, { recursive: true });
    put(stage, `${ROOT}/${name}/dist/types`);
  }
  return true;
}
