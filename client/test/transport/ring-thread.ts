/** Another thread at a ring, made of the sources as they are: they need no more than to lose their types. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { transformWithOxc } from 'vite';
import { onTestFinished } from 'vitest';
import { ringMemory } from '../../src/transport/ring.ts';

export interface Shared {
  /** To the reader, or to the thread that echoes. */
  readonly ring: SharedArrayBuffer;
  /** What it echoes. */
  readonly back: SharedArrayBuffer;
  /** The test's bell, then the thread's. */
  readonly bells: SharedArrayBuffer;
}

export function newShared(): Shared {
  return { ring: ringMemory(2048), back: ringMemory(2048), bells: new SharedArrayBuffer(16) };
}

const MODULES = {
  ring: new URL('../../src/transport/ring.ts', import.meta.url),
  bell: new URL('../../src/transport/bell.ts', import.meta.url),
  seeded: new URL('./seeded.ts', import.meta.url),
};

const THREAD = `
import { parentPort, workerData } from 'node:worker_threads';
import { Bell } from './bell.mjs';
import { RingReader, RingWriter } from './ring.mjs';
import { recordOf } from './seeded.mjs';

const { what, shared, count } = workerData;
const test = new Bell(new Int32Array(shared.bells, 0, 2), null);
const mine = new Bell(new Int32Array(shared.bells, 8, 2), null);

if (what === 'write') {
  const writer = new RingWriter(shared.ring);
  let full = 0;
  for (let index = 0; index < count; index++) {
    const { kind, bytes } = recordOf(index);
    for (;;) {
      const seen = mine.count;
      if (writer.write(kind, bytes)) break;
      full++;
      mine.wait(seen, 20_000);
    }
    test.ring();
  }
  parentPort.postMessage(full);
} else {
  const reader = new RingReader(shared.ring);
  const writer = new RingWriter(shared.back);
  let done = 0;
  const look = () => {
    for (let record = reader.read(); record; record = reader.read()) {
      writer.write(record.kind, record.bytes);
      done++;
      test.ring();
    }
    if (done === count) parentPort.close();
  };
  // A port keeps the thread alive; a bell alone does not.
  parentPort.on('message', () => mine.posted(look));
  if (what === 'echo by messages') Atomics.waitAsync = undefined;
  mine.listen(look);
}
`;

export async function spawn(what: 'write' | 'echo' | 'echo by messages', shared: Shared, count: number) {
  const directory = await mkdtemp(join(tmpdir(), 'luasocket-web-ring-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  for (const [name, url] of Object.entries(MODULES)) {
    const { code } = await transformWithOxc(await readFile(url, 'utf8'), fileURLToPath(url));
    await writeFile(join(directory, `${name}.mjs`), code);
  }
  const script = join(directory, 'thread.mjs');
  await writeFile(script, THREAD);
  const thread = new Worker(pathToFileURL(script), { workerData: { what, shared, count } });
  onTestFinished(() => void thread.terminate());
  // Its script runs; what it loads comes by way of this thread's event loop.
  await new Promise((resolve) => thread.once('online', resolve));
  return thread;
}
