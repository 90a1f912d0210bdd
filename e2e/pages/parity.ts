/** Runs scenarios in a page or a worker: the browser's end of parity. Bundled by fixtures/bundle.ts. */
import type { connect } from 'luasocket-web';
import { runScenario, type Waits } from '../parity/runner.ts';
import { parseScenarios } from '../parity/scenario.ts';

/** Seconds one scenario may take. */
const LIMIT = 60;

/** Runs the scenarios of one file, each in a session of its own, and answers the lines of the transcript. */
async function transcribe(text: string, endpoint: string, waits: Waits): Promise<string[]> {
  const { library } = globalThis as unknown as { library: { connect: typeof connect } };
  const lines: string[] = [];
  for (const scenario of parseScenarios(text)) {
    const socket = await library.connect(endpoint, { strings: 'binary' });
    // Losing the session lets a scenario that is stuck go on; its transcript then shows where. A worker that blocks never
    // comes here: whoever started it has to see to that.
    const limit = setTimeout(() => {
      lines.push(`(no answer within ${LIMIT} s)`);
      socket.relay.close();
    }, LIMIT * 1000);
    await runScenario(scenario, socket, waits, (line) => lines.push(line));
    clearTimeout(limit);
    socket.relay.close();
  }
  return lines;
}

Object.assign(globalThis, { transcribe });
