/** Installs the workspace's packages when they are not those of the lockfile. Needs Node and npm only. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { CACHE, ROOT } from './paths.mjs';
import { run } from './run.mjs';

const STAMP = `${CACHE}/installed`;

/** What decides which packages are there: when it is as it was at the last install, there is nothing to do. */
function fingerprint() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`);
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml']) hash.update(readFileSync(`${ROOT}/${file}`));
  return hash.digest('hex');
}

/** Installs if needed; ends the process when that fails. */
export async function ensureInstalled() {
  const wanted = fingerprint();
  if (existsSync(STAMP) && existsSync(`${ROOT}/node_modules/.modules.yaml`) && readFileSync(STAMP, 'utf8') === wanted)
    return;
  console.log('Installing packages (pnpm, through npx) ...');
  // The lockfile is the repository's own: its integrity hashes are checked, its age needs no look-ups at the registry.
  const args = ['-y', 'pnpm@12', 'install', '--frozen-lockfile', '--trust-lockfile', '--reporter=append-only'];
  const { code, output } = await run('npx', args, { output: 'keep', env: { ...process.env, CI: 'true' } });
  if (code !== 0) {
    console.error(`${output}\nInstalling the packages failed (npx ${args.join(' ')}).`);
    process.exit(1);
  }
  mkdirSync(CACHE, { recursive: true });
  writeFileSync(STAMP, wanted);
}
