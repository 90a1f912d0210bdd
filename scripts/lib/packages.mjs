/**
 * Checks the packages as users get them: packed, unpacked into an empty folder beside nothing but what they say they
 * depend on, then imported, run, and used from TypeScript. Needs no registry.
 */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ROOT } from './paths.mjs';
import { run, runNode } from './run.mjs';

const USES = {
  'luasocket-web': {
    directory: 'client',
    run: [
      '--input-type=module',
      '-e',
      "import { connect } from 'luasocket-web'; if (typeof connect !== 'function') process.exit(1);",
    ],
    typescript: `import { connect } from 'luasocket-web';
import { connect as connectBlocking } from 'luasocket-web/blocking';
const socket = await connect('ws://127.0.0.1:8080/relay');
const [client, error] = await socket.connect('127.0.0.1', 80);
if (client === null) throw new Error(error);
const [line, reason, partial] = await client.receive('*l');
const text: string = line === null ? \`\${reason} \${partial}\` : line;
console.log(text);
const blocking = await connectBlocking('ws://127.0.0.1:8080/relay', { strings: 'bytes' });
const [bytes] = blocking.try(blocking.connect('127.0.0.1', 80))[0].receive(2);
const length: number | undefined = bytes?.length;
console.log(length);
`,
  },
  'luasocket-relay': {
    directory: 'relay',
    run: [
      '--input-type=module',
      '-e',
      `import { createRelay } from 'luasocket-relay';
const relay = await createRelay({ listen: '127.0.0.1:0', log: 'silent' });
const health = await fetch(relay.address.url.replace(/^ws/, 'http').replace(/\\/relay$/, '') + '/healthz');
await relay.close();
process.exit(health.ok ? 0 : 1);`,
    ],
    typescript: `import { createRelay } from 'luasocket-relay';
const relay = await createRelay({ listen: '127.0.0.1:0' });
const port: number = relay.address.port;
console.log(port);
await relay.close();
`,
  },
};

/** @returns {Promise<Array<{ name: string, passed: boolean }>>} */
export async function checkPackages() {
  const results = [];
  for (const [name, use] of Object.entries(USES)) {
    const source = join(ROOT, use.directory);
    const { code: lint } = await runNode(join(ROOT, 'node_modules/publint/src/cli.js'), [
      'run',
      source,
      '--strict',
      '--pack',
      'npm',
    ]);
    results.push({ name: `${name} is well packed (publint)`, passed: lint === 0 });
    const folder = mkdtempSync(join(tmpdir(), 'luasocket-web-package-'));
    try {
      await unpack(source, join(folder, 'node_modules', name), folder);
      const { code: runs } = await runNode(use.run[0] ?? '', use.run.slice(1), { cwd: folder });
      results.push({ name: `${name} runs from its package`, passed: runs === 0 });
      results.push({ name: `${name} has types in its package`, passed: await compiles(folder, use.typescript) });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return results;
}

/**
 * Packs a package and unpacks it, with links to its dependencies beside it.
 * @param {string} source
 * @param {string} target
 * @param {string} folder For the archive.
 */
async function unpack(source, target, folder) {
  const { code, output } = await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], {
    cwd: source,
    output: 'keep',
  });
  if (code !== 0) throw new Error(`npm pack in ${source} failed: ${output}`);
  const archive = readdirSync(folder).find((file) => file.endsWith('.tgz'));
  mkdirSync(target, { recursive: true });
  await run('tar', ['-xzf', join(folder, archive ?? ''), '-C', target, '--strip-components=1']);
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
    readFileSync(join(target, 'package.json'), 'utf8'),
  );
  for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies })) {
    const link = join(folder, 'node_modules', dependency);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(realpathSync(join(source, 'node_modules', dependency)), link);
  }
}

/**
 * Compiles a program that uses a package, its declarations included.
 * @param {string} folder
 * @param {string} program
 */
async function compiles(folder, program) {
  writeFileSync(join(folder, 'use.ts'), program);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const options = {
    target: 'es2022',
    module: 'nodenext',
    strict: true,
    noEmit: true,
    lib: ['es2022', 'dom'],
    types: [],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['use.ts'] }));
  const { code } = await runNode(join(ROOT, 'node_modules/typescript/bin/tsc'), ['-p', folder]);
  return code === 0;
}
