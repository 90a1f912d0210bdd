/** The console page: a connection to a relay, a place to run snippets, and everything that happens on the way. */
import type { FrameEvent, SocketNamespace } from 'luasocket-web';
import { Connection } from './connection.ts';
import { EXAMPLES } from './examples.ts';
import { errorText, type Practice, runSnippet } from './runner.ts';
import { SocketHistory } from './socket-history.ts';
import { byId, scheduled } from './view/dom.ts';
import { FramesView } from './view/frames-view.ts';
import { OutputView, type Tone } from './view/output-view.ts';
import { SocketsView } from './view/sockets-view.ts';
import { StatsView } from './view/stats-view.ts';

/** How often counters are read while nothing else happens. */
const STATS_MILLISECONDS = 500;
/** How long a snippet that is stopped, and so has lost its sockets, may take to end. */
const STOP_MILLISECONDS = 500;

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
    lost: (reason) => this.#output.print('bad', `The connection and its sockets are lost: ${reason}`),
    frame: (event) => this.#show(event),
    resumed: () => this.#output.print('note', 'The connection was cut and resumed: the sockets live on.'),
    denied: ({ operation, target, reason }) =>
      this.#output.print('bad', `denied: ${operation}${target === null ? '' : ` ${target}`}: ${reason}`),
    refused: (reason) => {
      this.#output.print('bad', reason);
      const question = `Does a relay run there, and may pages of ${location.origin} use it? (npm start, or --origins)`;
      this.#output.print('note', question);
    },
  });
  readonly #draw = scheduled(() => {
    const relay = this.#connection.socket?.relay;
    this.#history.update(relay?.sockets ?? []);
    this.#sockets.draw(this.#history.rows(this.#showClosed.checked));
    this.#stats.draw(relay?.stats ?? null);
  });
  #history = new SocketHistory();
  /** Of the snippet that runs. */
  #stopping = new AbortController();

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
      if (this.#connection.socket === null) void this.#connection.open(this.#url.value.trim());
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
    // What a snippet began and did not wait for.
    addEventListener('error', ({ error, message }) => this.#output.print('bad', errorText(error ?? message)));
    addEventListener('unhandledrejection', ({ reason }) => this.#output.print('bad', errorText(reason)));
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
      this.#stopping = new AbortController();
      this.#stop.disabled = false;
      const ended = this.#runToItsEnd(this.#code.value, socket);
      const left = await Promise.race([ended, this.#left(this.#stopping.signal)]);
      if (left) this.#output.print('note', 'stopped; what the snippet waits for is no socket, and it may go on');
    } catch (error) {
      this.#output.print('bad', errorText(error));
    } finally {
      this.#run.disabled = false;
      this.#stop.disabled = true;
    }
  }

  async #runToItsEnd(code: string, socket: SocketNamespace): Promise<false> {
    const practice = /\bpractice\b/.test(code) ? await practiceServers() : {};
    if (practice === null) {
      this.#output.print('bad', 'This relay has no practice servers: start it with --practice.');
      return false;
    }
    const print = this.#printer('plain');
    const complain = this.#printer('bad');
    const console = { log: print, info: print, debug: print, warn: complain, error: complain };
    const result = await runSnippet(code, { socket, practice, print, console });
    if (result !== undefined) this.#output.print('note', 'returned', result);
    this.#output.print('note', 'done');
    return false;
  }

  /** Resolves when a snippet that was stopped goes on all the same: what it waits for is no socket. */
  #left(stopping: AbortSignal): Promise<true> {
    return new Promise((resolve) => {
      stopping.addEventListener('abort', () => setTimeout(() => resolve(true), STOP_MILLISECONDS));
    });
  }

  #printer(tone: Tone) {
    return (...values: unknown[]) => this.#output.print(tone, ...values);
  }

  /** Ends a snippet the only way there is: all sockets close, so that whatever it waits for ends. */
  #stopCode(): void {
    this.#stopping.abort();
    this.#connection.close();
    void this.#connection.open(this.#url.value);
  }
}

/** The practice servers of the relay that serves this page; null where it has none. */
async function practiceServers(): Promise<Practice | null> {
  try {
    const answer = await fetch('./practice.json');
    return answer.ok ? ((await answer.json()) as Practice) : null;
  } catch {
    return null;
  }
}
