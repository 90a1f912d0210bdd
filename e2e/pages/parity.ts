/** Runs scenarios in a page: the browser's end of parity.e2e.ts. Bundled by fixtures/bundle.ts. */
import type { connect } from 'luasocket-web';
import { runScenario } from '../parity/runner.ts';
import { parseScenarios } from '../parity/scenario.ts';

/** Seconds one scenario may take. */
const LIMIT = 60;

/** Runs the scenarios of one file, each in a session of its own, and answers the lines of the transcript. */
async function transcribe(text: string, endpoint: string): Promise<string[]> {
  const { library } = globalThis as unknown as { library: { connect: typeof connect } };
  const lines: string[] = [];
  for (const scenario of parseScenarios(text)) {
    const socket = await library.connect(endpoint, { strings: 'binary' });
    // Losing the session lets a scenario that is stuck go on; its transcript then shows where.
    const limit = setTimeout(() => {
      lines.push(`(no answer within ${LIMIT} s)`);
      socket.relay.close();
    }, LIMIT * 1000);
    await runScenario(scenario, socket, 'promise', (line) => lines.push(line));
    clearTimeout(limit);
    socket.relay.close();
  }
  return lines;
}

Object.assign(globalThis, { transcribe });
