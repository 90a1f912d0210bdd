/** The script for pages: `<script src="luasocket-web.emscripten.js" data-relay="ws://..."></script>`. */
import { installEmscriptenSockets } from '../emscripten.ts';

const { relay, ticket, level } = document.currentScript?.dataset ?? {};
if (relay === undefined) {
  // Without an address it is a library.
  Object.assign(globalThis, { installEmscriptenSockets });
} else {
  installEmscriptenSockets({
    relay,
    ...(ticket === undefined ? {} : { ticket }),
    ...(level === 'calls' || level === 'websockets' ? { level } : {}),
  });
}
