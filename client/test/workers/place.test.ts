/** Where blocking calls cannot be had, connect says why. A page's own answers are tested in Chromium. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { connect } from '../../src/blocking.ts';

test('where a thread can start no Worker', async () => {
  await expect(connect('ws://127.0.0.1:9/relay')).rejects.toThrow('a Worker can start another');
});

test('where memory is not shared: the headers that are missing', async () => {
  vi.stubGlobal('Worker', class {});
  onTestFinished(() => void vi.unstubAllGlobals());
  const refused = connect('ws://127.0.0.1:9/relay');
  await expect(refused).rejects.toThrow('"Cross-Origin-Opener-Policy: same-origin"');
  await expect(refused).rejects.toThrow('"Cross-Origin-Embedder-Policy: require-corp" (or credentialless)');
});

test('on the page’s own thread', async () => {
  vi.stubGlobal('document', {});
  onTestFinished(() => void vi.unstubAllGlobals());
  await expect(connect('ws://127.0.0.1:9/relay')).rejects.toThrow('works in a Worker only');
});

test('an abort that has happened already, and strings that are none', async () => {
  const reason = new Error('no more');
  await expect(connect('ws://127.0.0.1:9/relay', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  await expect(connect('ws://127.0.0.1:9/relay', { strings: 'utf16' as never })).rejects.toThrow();
});
