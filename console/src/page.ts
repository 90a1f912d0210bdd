/** The console page: a connection to a relay, a place to run snippets, and everything that happens on the way. */
import type { FrameEvent } from 'luasocket-web';
import { Connection } from './connection.ts';
import { EXAMPLES } from './examples.ts';
import { type Practice, runSnippet } from './runner.ts';
import { SocketHistory } from './socket-history.ts';
import { byId, scheduled } from './view/dom.ts';
import { FramesView } from './view/frames-view.ts';
import { OutputView, type Tone } from './view/output-view.ts';
import { SocketsView } from './view/sockets-view.ts';
import { StatsView } from './view/stats-view.ts';

/** How often counters are read while nothing else happens. */
const STATS_MILLISECONDS = 500;

export class Page {
  readonly #url = byId('url', HTMLInputElement);
  readonly #connect = byId('connect', HTMLButtonElement);
  readonly #state = byId('state', HTMLOutputElement);
  readonly #code = byId('code', HTMLTextAreaElement);
  readonly #example = byId('example', HTMLSelectElement);
  readonly #run = byId('run', HTMLButtonElement);
  readonly #stop = byId('stop', HTMLButtonElement);
  readonly #showClosed = byId('show-closed', HTMLInputElement);
  readonly #output = new OutputView();
  readonly #frames = new FramesView();
  readonly #sockets = new SocketsView();
  readonly #stats = new StatsView();
  readonly #connection = new Connection({
    opened: () => {
      this.#history = new SocketHistory();
    },
    state: (state) => this.#showState(state),
    frame: (event) => this.#show(event),
    resumed: () => this.#output.print('note', 'The connection was cut and resumed: the sockets live on.'),
    denied: ({ operation, target, reason }) =>
      this.#output.print('bad', `denied: ${operation}${target === null ? '' : ` ${target}`}: ${reason}`),
    refused: (reason) => this.#output.print('bad', `No connection to ${this.#url.value}: ${reason}`),
  });
  readonly #draw = scheduled(() => {
    const relay = this.#connection.socket?.relay;
    this.#history.update(relay?.sockets ?? []);
    this.#sockets.draw(this.#history.rows(this.#showClosed.checked));
    this.#stats.draw(relay?.stats ?? null);
  });
  #history = new SocketHistory();

  /** Fills the page in, connects it to the relay at `url`, and from then on does as it is told. */
  start(url: string): void {
    this.#url.value = url;
    this.#example.append(...EXAMPLES.map(({ name }, index) => new Option(name, `${index}`)));
    this.#chooseExample();
    this.#listen();
    setInterval(this.#draw, STATS_MILLISECONDS);
    void this.#connection.open(url);
  }

  #listen(): void {
    byId('connection', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.#connection.socket === null) void this.#connection.open(this.#url.value);
      else this.#connection.close();
    });
    this.#example.addEventListener('change', () => this.#chooseExample());
    this.#run.addEventListener('click', () => void this.#runCode());
    this.#stop.addEventListener('click', () => this.#stopCode());
    this.#code.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      void this.#runCode();
    });
    this.#showClosed.addEventListener('change', this.#draw);
  }

  #chooseExample(): void {
    this.#code.value = EXAMPLES[Number(this.#example.value)]?.code ?? '';
  }

  #showState(state: string): void {
    const open = this.#connection.socket !== null;
    this.#state.value = state;
    this.#state.dataset.state = state;
    this.#connect.textContent = open ? 'Disconnect' : 'Connect';
    this.#connect.disabled = state === 'connecting';
    this.#url.readOnly = open || state === 'connecting';
    if (state === 'lost') this.#output.print('bad', 'The connection to the relay is lost, and its sockets with it.');
    this.#draw();
  }

  #show(event: FrameEvent): void {
    // The last look at a socket that is about to go: the next drawing may come too late for it.
    if (event.frame.type === 'close') this.#history.update(this.#connection.socket?.relay.sockets ?? []);
    this.#frames.add(event);
    this.#draw();
  }

  /** Runs what stands in the editor. Connects first if need be. */
  async #runCode(): Promise<void> {
    if (this.#run.disabled) return;
    this.#run.disabled = true;
    try {
      const socket = this.#connection.socket ?? (await this.#connection.open(this.#url.value));
      if (socket === null) return;
      this.#stop.disabled = false;
      const print = this.#printer('plain');
      const complain = this.#printer('bad');
      const console = { log: print, info: print, debug: print, warn: complain, error: complain };
      const result = await runSnippet(this.#code.value, { socket, practice: await practiceServers(), print, console });
      if (result !== undefined) this.#output.print('note', 'returned', result);
      this.#output.print('note', 'done');
    } catch (error) {
      this.#output.print('bad', error instanceof Error ? `${error.name}: ${error.message}` : error);
    } finally {
      this.#run.disabled = false;
      this.#stop.disabled = true;
    }
  }

  #printer(tone: Tone) {
    return (...values: unknown[]) => this.#output.print(tone, ...values);
  }

  /** Ends a snippet the only way there is: all sockets close, so that whatever it waits for ends. */
  #stopCode(): void {
    this.#connection.close();
    void this.#connection.open(this.#url.value);
  }
}

/** The practice servers of the relay that serves this page; none where it has none. */
async function practiceServers(): Promise<Practice> {
  const answer = await fetch('./practice.json');
  return answer.ok ? ((await answer.json()) as Practice) : {};
}
