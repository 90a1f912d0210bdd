/** The page's connection to the relay: one at a time, opened and closed by hand. Knows no element of the page. */
import { connect, type DeniedEvent, type FrameEvent, type SocketNamespace } from 'luasocket-web';

/** What the page wants to hear. */
export interface Listener {
  /** A new session has begun. */
  opened(): void;
  state(state: string): void;
  /** The session is lost, and why. */
  lost(reason: string): void;
  frame(event: FrameEvent): void;
  resumed(): void;
  /** The relay has denied something, and says why. */
  denied(event: DeniedEvent): void;
  /** A session could not be opened; the reason in words. */
  refused(reason: string): void;
}

export class Connection {
  readonly #listener: Listener;
  #socket: SocketNamespace | null = null;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  /** LuaSocket's namespace; null while there is no session. */
  get socket(): SocketNamespace | null {
    return this.#socket;
  }

  /** @returns the namespace of the new session, or null when the relay cannot be reached. */
  async open(url: string): Promise<SocketNamespace | null> {
    this.#listener.state('connecting');
    try {
      const socket = await connect(url);
      this.#socket = socket;
      this.#listener.opened();
      socket.relay.on('frame', (event) => this.#listener.frame(event));
      socket.relay.on('resumed', () => this.#listener.resumed());
      socket.relay.on('denied', (event) => this.#listener.denied(event));
      socket.relay.on('state', (state) => {
        if (this.#socket !== socket) return;
        if (state === 'lost' || state === 'closed') this.#socket = null;
        this.#listener.state(state);
        if (state === 'lost') this.#listener.lost(socket.relay.reason ?? 'the relay is gone');
      });
      this.#listener.state(socket.relay.state);
      return socket;
    } catch (error) {
      this.#listener.refused(error instanceof Error ? error.message : String(error));
      this.#listener.state('closed');
      return null;
    }
  }

  /** Closes the session and all its sockets. */
  close(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.relay.close();
    this.#listener.state('closed');
  }
}
