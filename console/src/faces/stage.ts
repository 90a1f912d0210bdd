/** What the example pages have in common: where to connect, whom to talk to, and where to print. */

interface Place {
  readonly host: string;
  readonly port: number;
}

/** The practice servers of `npm start`. */
interface Practice {
  readonly tcpEcho: Place;
  readonly udpEcho: Place;
}

export interface Stage {
  /** The relay that serves this page. */
  readonly relay: string;
  readonly practice: Practice;
  print(...values: readonly unknown[]): void;
}

/** Runs `program` and shows its source; what it throws is printed too. */
export async function play(program: (stage: Stage) => Promise<void>, source: string): Promise<void> {
  const output = element('output');
  element('program').textContent = source;
  const print = (...values: readonly unknown[]) => {
    const line = document.createElement('div');
    line.textContent = values.map(String).join(' ');
    output.append(line);
    line.scrollIntoView({ block: 'nearest' });
  };
  try {
    const relay = new URL('../relay', location.href);
    relay.protocol = relay.protocol === 'https:' ? 'wss:' : 'ws:';
    await program({ relay: relay.href, practice: await practiceServers(), print });
  } catch (error) {
    print(error);
  }
}

async function practiceServers(): Promise<Practice> {
  const answer = await fetch('../practice.json');
  if (!answer.ok) throw new Error('This relay has no practice servers: start it with npm start.');
  return (await answer.json()) as Practice;
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}
