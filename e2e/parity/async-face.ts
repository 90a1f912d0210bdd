/** `luasocket-web` as a face that runs scenarios: in this process. */
import { connect } from 'luasocket-web';
import WebSocket from 'ws';
import { type Face, noAnswer } from './face.ts';
import { runScenario } from './runner.ts';
import { parseScenarios, type Scenario } from './scenario.ts';

export async function openAsyncFace(): Promise<Face> {
  return {
    async transcribe(text, url, limit) {
      const lines: string[] = [];
      for (const scenario of parseScenarios(text)) lines.push(...(await transcript(scenario, url, limit)));
      return lines;
    },
    close: () => Promise.resolve(),
  };
}

async function transcript(scenario: Scenario, url: string, seconds: number): Promise<string[]> {
  const socket = await connect(url, { strings: 'binary', WebSocket });
  const lines: string[] = [];
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), seconds * 1000);
  const late = new Promise<void>((resolve) => limit.signal.addEventListener('abort', () => resolve()));
  const emit = (line: string): void => {
    // Closing the session lets a scenario that was stuck go on; nobody wants to hear it any more.
    limit.signal.throwIfAborted();
    lines.push(line);
  };
  const done = Promise.resolve(runScenario(scenario, socket, 'promise', emit));
  done.catch(() => undefined); // told by the race, or too late
  try {
    await Promise.race([done, late]);
    return limit.signal.aborted ? [...lines, noAnswer(seconds)] : lines;
  } finally {
    clearTimeout(timer);
    socket.relay.close();
  }
}
