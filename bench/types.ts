/** What the parts of the suite are to each other. Types only: the programs are JavaScript, so that Node 20 runs them as they are. */

/** Where the servers behind the relays are, which run in processes of their own; see lib/servers.mjs. Ports on 127.0.0.1. */
export interface Peers {
  readonly echo: number;
  readonly source: number;
  readonly sink: number;
  readonly udpEcho: number;
  readonly udpSource: number;
}

export type StreamPeer = 'echo' | 'source' | 'sink';
export type DatagramPeer = 'udpEcho' | 'udpSource';

/** One TCP stream through a relay, or what a contender has in its place. */
export interface Stream {
  /** Resolves when it makes sense to write more. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> | void;
  /** Resolves once `size` more bytes have come; with them where the client puts them together. Rejects when the stream ends. */
  read(size: number): Promise<Uint8Array | undefined>;
  close(): void;
}

/** One UDP socket with one peer. */
interface Datagrams {
  send(bytes: Uint8Array<ArrayBuffer>): void;
  /** Resolves with the size of the next datagram. */
  receive(): Promise<number>;
  close(): void;
}

/** A page's connection to a relay; a contender that has none opens a WebSocket for each stream. */
export interface Client {
  stream(peer: StreamPeer): Promise<Stream>;
  datagrams(peer: DatagramPeer): Promise<Datagrams>;
  close(): void;
}

/** What a client needs to know of a running relay. */
export interface Place {
  /** Ends without a slash. */
  readonly url: string;
  readonly pid: number;
  readonly peers: Peers;
  /** Checkout whose build is used: ours only. */
  readonly root: string;
}

/** Opens clients of one contender; the same code in Node and in a page. */
export type Dial = (place: Place, url?: string) => Promise<Client>;

/** What the relay has cost so far. */
export interface Cost {
  /** Seconds of CPU, of all its processes and threads. */
  readonly cpu: number;
  /** KiB. */
  readonly rss: number;
}

/** What the machine's processors did so far, in any unit. */
export interface Processors {
  readonly used: number;
  /** Was asked for, and the hypervisor had something else to do. */
  readonly stolen: number;
}

/** What a case is given to measure with. */
export interface Bench {
  readonly place: Place;
  /** Length of a sample. */
  readonly seconds: number;
  readonly contender: string;
  dial(url?: string): Promise<Client>;
  cost(): Promise<Cost>;
}

export type Figures = Record<string, number>;
export type Measure = (bench: Bench) => Promise<Figures>;

export interface Metric {
  readonly key: string;
  readonly title: string;
  readonly unit: string;
  /** Which way is better. */
  readonly better: 'more' | 'less';
  /** Not measured, but made of the figures that are. */
  readonly of?: (figures: Figures) => number;
}

/** A case as the report sees it; how it is measured is in cases/. */
export interface Case {
  readonly name: string;
  /** Stands for several on the command line. */
  readonly group?: string;
  /** The name in cases/ of how it is measured, if that is another. */
  readonly as?: string;
  readonly title: string;
  readonly metrics: readonly Metric[];
  /** Who takes part; the first is ours. */
  readonly contenders: readonly string[];
  /** Each sample gets a relay and a client that have just started: for figures that depend on the past. */
  readonly fresh?: boolean;
  /** The table has a line for each figure, and not for each contender. */
  readonly tall?: boolean;
  /** Where the client runs. */
  readonly where: 'node' | 'page';
}

/** A sample, or why there is none. */
export type Sample = { readonly figures: Figures } | { readonly failed: string };

/** Lets samples be taken when the machine is quiet; see lib/quiet.mjs. */
export interface Gate {
  readonly counts: Noise;
  /** `prepare` goes before the probe, `take` after it; both again if it was noisy meanwhile. */
  sample(prepare: () => Promise<unknown>, take: () => Promise<Sample>): Promise<Sample>;
}

/** What noise did to a run. */
export interface Noise {
  readonly samples: number;
  /** Samples that were taken again, which are not in `samples`. */
  readonly again: number;
  /** Of `samples`, those that were taken in noise, for patience was used up. */
  readonly noisy: number;
}

/** What a page is to measure. */
export interface Order {
  readonly contender: string;
  /** Of the case. */
  readonly name: string;
  readonly place: Place;
  /** Length of a sample. */
  readonly seconds: number;
}

export interface Results {
  readonly machine: Record<string, string>;
  readonly rounds: number;
  readonly seconds: number;
  readonly noise: Noise;
  /** By case, contender; one sample a round. */
  readonly cases: Record<string, Record<string, readonly Sample[]>>;
  /** Contenders that could not take part, and why. */
  readonly absent: Record<string, string>;
}
