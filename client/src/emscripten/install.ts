/** What `installEmscriptenSockets` does: connects, and puts itself between programs and their sockets. */
import type { RelayStatus } from '../api.ts';
import type { Channel } from '../core/channel.ts';
import { openImpatientSession } from '../session/impatient.ts';
import { Names } from './names.ts';
import { Program } from './program.ts';
import { Sockets } from './sockets.ts';
import { Sockfs } from './sockfs.ts';
import { SystemCalls } from './syscalls.ts';
import { replaced, wrapWebAssembly } from './web-assembly.ts';

const PREFIX = 'luasocket-web:';
/** The imports that make a program one with sockets: of older releases of Emscripten, and of newer ones. */
const SOCKET_IMPORTS: ReadonlySet<string> = new Set(['__sys_socketcall', '__syscall_socketcall', '__syscall_socket']);

/** Where sockets are served: at the system calls of a program, or at the WebSockets that its runtime makes for them. */
export type Level = 'calls' | 'websockets';

/** `level`: null to choose by what a program imports. */
export function install(
  address: string,
  ticket: string | undefined,
  level: Level | null,
): { readonly ready: Promise<RelayStatus> } {
  const relay = absolute(address);
  let channel: Channel | null = null;
  let failed = false;
  const opened = openImpatientSession(relay, { WebSocket, ...(ticket === undefined ? {} : { ticket }) });
  const answered = opened.then(
    (session) => {
      channel = session.channel;
      session.relay.on('state', (state) => {
        if (state === 'lost') console.error(`${PREFIX} the relay at ${relay} is lost; sockets are closed`);
      });
      // Nobody listens in the page of a game as it is; in development somebody reads its console.
      session.relay.on('denied', ({ operation, target, reason }) => {
        console.warn(`${PREFIX} denied: ${operation}${target === null ? '' : ` ${target}`}: ${reason}`);
      });
    },
    (error: unknown) => {
      failed = true;
      console.error(`${PREFIX} ${error instanceof Error ? error.message : error}; sockets stay as they are`);
    },
  );
  let served = false;
  const serveWebSockets = (): void => {
    if (served || channel === null) return;
    served = true;
    new Sockfs(channel).install(globalThis);
    console.info(`${PREFIX} serving the WebSockets of the program's sockets over ${relay}`);
  };
  const names = new Names(() => channel);
  wrapWebAssembly({
    ready: answered,
    imports(imports) {
      if (failed) return null;
      const program = new Program();
      const calls = new SystemCalls(program, new Sockets(() => channel), names);
      const ours = level === 'websockets' ? null : replaced(imports, calls.imports, (name) => SOCKET_IMPORTS.has(name));
      if (ours === null) {
        if (level !== 'calls') serveWebSockets();
        return null;
      }
      program.importing(imports);
      console.info(`${PREFIX} serving the program's system calls over ${relay}`);
      return { imports: ours, started: (instance) => program.started(instance) };
    },
  });
  const ready = opened.then((session) => session.relay);
  // Who does not ask has read of it on the console.
  ready.catch(() => {});
  return { ready };
}

/** An address of the page's own site may be given as a page gives them: `/relay`. */
function absolute(address: string): string {
  const url = new URL(address, document.baseURI);
  if (url.protocol === 'http:') url.protocol = 'ws:';
  else if (url.protocol === 'https:') url.protocol = 'wss:';
  return url.href;
}
