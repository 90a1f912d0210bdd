/** Whether threads can share memory and block where this runs; if not, why, and what to do about it. */

/** @throws Error that tells. */
export function checkPlace(): void {
  if ('document' in globalThis) {
    throw new Error(
      'luasocket-web/blocking works in a Worker only: a page must never block. ' +
        'Connect from a Worker of this page, or use luasocket-web or luasocket-web/poll here.',
    );
  }
  if (typeof Worker === 'undefined')
    throw new Error('luasocket-web/blocking needs a browser in which a Worker can start another.');
  const { crossOriginIsolated } = globalThis as { readonly crossOriginIsolated?: boolean };
  if (crossOriginIsolated !== true || typeof SharedArrayBuffer === 'undefined') {
    throw new Error(
      'luasocket-web/blocking needs a cross-origin isolated page, for only there may threads share memory. ' +
        'Serve the page and its workers with the headers "Cross-Origin-Opener-Policy: same-origin" and ' +
        '"Cross-Origin-Embedder-Policy: require-corp" (or credentialless). See docs/faces.md of luasocket-web, and ' +
        'https://developer.mozilla.org/docs/Web/API/Window/crossOriginIsolated',
    );
  }
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1);
  } catch {
    throw new Error(
      'luasocket-web/blocking cannot work here: this kind of thread must not block. Use a dedicated Worker.',
    );
  }
}
