/**
 * What the sockets of a session are doing, read off the frames that go by. Pure: it asks nobody, so watching a
 * session never changes it. What it cannot see (a port that nobody has asked for) it leaves empty.
 */
import { type Endpoint, unpackEndpoint } from '@luasocket-web/shared/address';
import { type Frame, HOW, KIND, type Target } from '@luasocket-web/shared/frames';
import type { FrameEvent } from 'luasocket-web';
import { endpointText } from './text.ts';

/** One socket, as the table shows it. */
export interface SocketRow {
  readonly id: number;
  readonly kind: string;
  state: string;
  local: string;
  peer: string;
  /** Bytes of payload. */
  received: number;
  sent: number;
  /** The last thing that went wrong, a name such as ECONNREFUSED; empty when nothing did. */
  error: string;
}

/** Sockets that are closed stay in the table until there are more of them than this. */
const CLOSED_KEPT = 50;

type Request = Extract<Frame, { request: number }>;

export class SocketTable {
  readonly #rows = new Map<number, SocketRow>();
  /** Requests without an answer yet, and look-ups that may be pointed at. */
  readonly #requests = new Map<number, Request>();
  readonly #resolved = new Map<number, readonly Endpoint[]>();

  /** In the order in which they came to be. */
  get rows(): Iterable<Readonly<SocketRow>> {
    return this.#rows.values();
  }

  /** Takes note of one frame. */
  apply(event: FrameEvent): void {
    // The library hands out its frames as they are; the table of frames says what each holds.
    const frame = event.frame as Frame;
    if (event.direction === 'sent') this.#sent(frame);
    else this.#received(frame);
  }

  #sent(frame: Frame): void {
    if ('request' in frame && frame.type !== 'reply' && frame.type !== 'fail') this.#requests.set(frame.request, frame);
    if (!('socket' in frame)) return;
    if (frame.type === 'open') this.#add(frame.socket, kindText(frame.kind, frame.family), 'open');
    const row = this.#rows.get(frame.socket);
    if (row === undefined) return;
    switch (frame.type) {
      case 'connect':
        row.peer = frame.target === null ? '' : this.#text(frame.target);
        if (frame.target !== null && row.kind.startsWith('tcp')) row.state = 'connecting';
        break;
      case 'accept':
        row.state = 'established';
        break;
      case 'shutdown':
        if (frame.how !== HOW.receive) row.state = row.state === 'peer finished' ? 'finished' : 'send side shut';
        break;
      case 'data':
      case 'datagram':
      case 'sendto':
        row.sent += frame.payload.length;
        break;
      case 'close':
        row.state = 'closed';
        this.#forgetOld();
        break;
    }
  }

  #received(frame: Frame): void {
    if (frame.type === 'reply' || frame.type === 'fail') {
      const request = this.#requests.get(frame.request);
      this.#requests.delete(frame.request);
      if (request === undefined) return;
      if (frame.type === 'reply') this.#answered(request, frame.value);
      else this.#refused(request, frame.error);
      return;
    }
    if (frame.type === 'accepted') {
      const row = this.#add(frame.socket, kindText(KIND.tcp, frame.local.family), 'waiting for accept');
      row.local = endpointText(frame.local);
      row.peer = endpointText(frame.peer);
    }
    const row = 'socket' in frame ? this.#rows.get(frame.socket) : undefined;
    if (row === undefined || row.state === 'closed') return;
    switch (frame.type) {
      case 'connected':
        row.state = 'established';
        row.local = endpointText(frame.local);
        row.peer = endpointText(frame.peer);
        break;
      case 'data':
      case 'datagram':
        row.received += frame.payload.length;
        break;
      case 'end':
        row.state = row.state === 'send side shut' ? 'finished' : 'peer finished';
        break;
      case 'error':
        row.error = frame.error;
        if (row.kind.startsWith('tcp')) row.state = row.state === 'connecting' ? 'failed' : 'broken';
        break;
    }
  }

  #answered(request: Request, value: unknown): void {
    if (request.type === 'resolve') {
      const addresses = Array.isArray(value) ? value.filter((bytes) => bytes instanceof Uint8Array) : [];
      this.#resolved.set(request.request, addresses.map(unpackEndpoint));
      return;
    }
    const row = 'socket' in request ? this.#rows.get(request.socket) : undefined;
    if (row === undefined || row.state === 'closed') return;
    const name = value instanceof Uint8Array ? endpointText(unpackEndpoint(value)) : '';
    switch (request.type) {
      case 'bind':
        row.state = 'bound';
        row.local = request.target === null ? '' : this.#text(request.target);
        break;
      case 'listen':
        row.state = 'listening';
        break;
      case 'connect':
        if (row.kind.startsWith('udp')) row.state = request.target === null ? 'open' : 'connected';
        if (name !== '') row.local = name;
        break;
      case 'getsockname':
        if (name !== '') row.local = name;
        break;
    }
  }

  #refused(request: Request, error: string): void {
    const row = 'socket' in request ? this.#rows.get(request.socket) : undefined;
    if (row === undefined || row.state === 'closed') return;
    row.error = error;
    if (request.type === 'connect' && row.kind.startsWith('tcp')) row.state = 'failed';
  }

  #add(id: number, kind: string, state: string): SocketRow {
    const row: SocketRow = { id, kind, state, local: '', peer: '', received: 0, sent: 0, error: '' };
    this.#rows.set(id, row);
    return row;
  }

  #forgetOld(): void {
    const closed = [...this.#rows.values()].filter((row) => row.state === 'closed');
    for (const row of closed.slice(0, -CLOSED_KEPT)) this.#rows.delete(row.id);
  }

  #text(target: Target): string {
    if ('address' in target) return endpointText(target);
    const found = this.#resolved.get(target.request)?.[target.index];
    if (found !== undefined) return endpointText(found);
    const request = this.#requests.get(target.request);
    return request?.type === 'resolve' ? `${request.host ?? '*'}:${request.service ?? ''}` : '';
  }
}

function kindText(kind: number, family: number): string {
  return `${kind === KIND.tcp ? 'tcp' : 'udp'}${family}`;
}
