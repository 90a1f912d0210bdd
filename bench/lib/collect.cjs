/**
 * Loaded before a relay that is Node: SIGCONT collects its garbage, so that its memory can be compared. No relay has a use for
 * that signal, and it ends none that does not know it.
 */
process.on('SIGCONT', () => {
  globalThis.gc?.();
  globalThis.gc?.();
});
