/**
 * Two relays behind a real HAProxy, and behind a real nginx: each session goes on where it is, and what ends with one
 * relay ends at once, and there only.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { connect, type SocketNamespace, type TcpSocket } from 'luasocket-web';
import { WebSocket } from 'ws';
import { type Cuttable, startCuttable } from '../fixtures/cuttable.ts';
import { type Kind, type Node, startBalancer, startNode } from '../fixtures/nodes.ts';
import { locate } from '../fixtures/program.ts';
import { startSharedRedis } from '../fixtures/shared-redis.ts';
import { expect, test, there } from '../fixtures/test.ts';
import { type Backend, startBackend } from '../fixtures/tickets.ts';

const ORIGIN = 'https://game.example';
/** Far longer than a test may take: who waits for it fails. */
const LONG = ['--limits-resume-seconds', '120', '--limits-drain-seconds', '120'];

interface Cluster {
  readonly backend: Backend;
  readonly nodes: readonly [Node, Node];
  readonly proxy: Cuttable;
  /** Connects, from another address of this machine if told so; each client has a stream to an echo server. */
  enter(claims?: object, from?: string): Promise<Client>;
}

interface Client {
  readonly socket: SocketNamespace;
  readonly stream: TcpSocket;
  /** Paths of all WebSockets that it has opened. */
  readonly paths: readonly string[];
  /** The node that it resumes at; empty before its first resume. */
  readonly node: string;
  /** Sends a line and has it back. */
  echo(): Promise<void>;
  resumed(): Promise<void>;
  lost(): Promise<void>;
}

const cleanups: (() => Promise<unknown> | unknown)[] = [];
test.afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startEcho(): Promise<number> {
  const server = createServer((peer) => {
    peer.on('error', () => {});
    peer.pipe(peer);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => server.close());
  return (server.address() as { port: number }).port;
}

async function startCluster(kind: Kind, flags: readonly string[] = LONG): Promise<Cluster> {
  there(locate(kind), kind);
  const redis = there(await startSharedRedis(), 'redis-server');
  cleanups.push(() => redis.stop());
  const backend = startBackend();
  const start = async (name: string): Promise<Node> => {
    const node = await startNode(name, backend, ['--redis', redis.url, ...flags]);
    cleanups.push(() => node.stop());
    return node;
  };
  const nodes = [await start('node1'), await start('node2')] as const;
  const balancer = await startBalancer(kind, nodes);
  cleanups.push(() => balancer.stop());
  const proxy = await startCuttable(balancer.port);
  cleanups.push(() => proxy.close());
  const echo = await startEcho();
  const enter = async (claims: object = {}, from?: string) => {
    const endpoint = from === undefined ? proxy.endpoint : `ws://127.0.0.1:${balancer.port}/relay`;
    const ticket = backend.ticket({ net: { tcp: [`127.0.0.1:${echo}`] }, ...claims });
    const client = await startClient(endpoint, echo, ticket, from);
    cleanups.push(() => client.socket.relay.close());
    return client;
  };
  return { backend, nodes, proxy, enter };
}

async function startClient(endpoint: string, echo: number, ticket: string, from = '127.0.0.1'): Promise<Client> {
  const paths: string[] = [];
  class GameSocket extends WebSocket {
    constructor(url: string) {
      super(url, { origin: ORIGIN, localAddress: from });
      paths.push(new URL(url).pathname);
    }
  }
  const socket = await connect(endpoint, { ticket, WebSocket: GameSocket });
  const [stream] = await socket.try(socket.connect('127.0.0.1', echo));
  let lines = 0;
  return {
    socket,
    stream,
    paths,
    get node() {
      return paths[1]?.replace('/relay/', '') ?? '';
    },
    async echo() {
      const line = `line ${++lines}`;
      await stream.send(`${line}\n`);
      expect((await stream.receive('*l'))[0]).toBe(line);
    },
    resumed: () => new Promise((resolve) => socket.relay.on('resumed', resolve)),
    lost: () =>
      new Promise((resolve) => {
        if (socket.relay.state === 'lost') resolve();
        socket.relay.on('state', (state) => state === 'lost' && resolve());
      }),
  };
}

/** Clients that have resumed once, by node; some at each. */
async function settled({ enter, proxy }: Cluster, count: number): Promise<ReadonlyMap<string, readonly Client[]>> {
  const clients = await Promise.all(Array.from({ length: count }, () => enter()));
  const resumed = Promise.all(clients.map((client) => client.resumed()));
  proxy.cut();
  await resumed;
  const byNode = new Map<string, Client[]>();
  for (const client of clients) byNode.set(client.node, [...(byNode.get(client.node) ?? []), client]);
  expect([...byNode.keys()].sort()).toEqual(['node1', 'node2']);
  return byNode;
}

for (const kind of ['haproxy', 'nginx'] as const) {
  test.describe(`behind ${kind}`, () => {
    test('a session resumes at its own node, every time', async () => {
      const cluster = await startCluster(kind);
      const clients = await Promise.all(Array.from({ length: 8 }, () => cluster.enter()));
      const cuts = 20;
      for (let cut = 0; cut < cuts; cut++) {
        const resumed = Promise.all(clients.map((client) => client.resumed()));
        const echoes = Promise.all(clients.map((client) => client.echo()));
        cluster.proxy.cut();
        await Promise.all([resumed, echoes]);
      }
      for (const { socket, paths, node } of clients) {
        expect(socket.relay.stats.resumes).toBe(cuts);
        expect(new Set(paths)).toEqual(new Set(['/relay', `/relay/${node}`]));
      }
      expect(new Set(clients.map(({ node }) => node))).toEqual(new Set(['node1', 'node2']));
      for (const node of cluster.nodes) {
        const event = (name: string) => node.metric(`luasocket_relay_session_events_total{event="${name}"}`);
        expect(await event('resumed')).toBe(clients.filter((client) => client.node === node.name).length * cuts);
        expect(await event('resume at another node')).toBeNaN();
      }
    });

    test('nothing but the door is for everybody', async () => {
      const { proxy } = await startCluster(kind);
      const { origin } = new URL(proxy.endpoint.replace('ws:', 'http:'));
      for (const path of [
        '/',
        '/metrics',
        '/readyz',
        '/relay/../metrics',
        '/relay/%2e%2e/metrics',
        '/relay/',
        '/relay/a/b',
      ]) {
        expect((await fetch(origin + path)).status, path).toBe(404);
      }
    });

    test('a node that dies: its clients hear it at once, the others nothing', async () => {
      const cluster = await startCluster(kind);
      const byNode = await settled(cluster, 8);
      const [dying = [], living = []] = ['node1', 'node2'].map((name) => byNode.get(name));
      const lost = Promise.all(dying.map((client) => client.lost()));
      cluster.nodes[0].signal('SIGKILL');
      await lost;
      for (const { stream } of dying) expect(await stream.receive()).toEqual([null, 'closed', '']);
      for (const client of living) {
        await client.echo();
        expect(client.socket.relay.stats.resumes).toBe(1);
      }
      // Who is new comes to the other one.
      const fresh = await Promise.all(Array.from({ length: 6 }, () => cluster.enter()));
      const resumed = Promise.all([...living, ...fresh].map((client) => client.resumed()));
      cluster.proxy.cut();
      await resumed;
      expect(new Set(fresh.map(({ node }) => node))).toEqual(new Set(['node2']));
    });

    test('a node that drains takes nobody new and keeps whom it has', async () => {
      const cluster = await startCluster(kind);
      const byNode = await settled(cluster, 8);
      const [draining] = cluster.nodes;
      draining.signal('SIGTERM');
      // From the very first on nobody is refused: who was quicker than the signal has a session there.
      const early: Client[] = [];
      do early.push(await cluster.enter());
      while ((await fetch(`http://127.0.0.1:${draining.port}/readyz`)).status !== 503);
      const fresh: Client[] = [];
      for (let i = 0; i < 12; i++) fresh.push(await cluster.enter());
      const all = [...byNode.values(), early, fresh].flat();
      const resumed = Promise.all(all.map((client) => client.resumed()));
      cluster.proxy.cut();
      await resumed;
      expect(new Set(fresh.map(({ node }) => node))).toEqual(new Set(['node2']));
      for (const client of all) await client.echo();
      // With its last session it ends.
      for (const { socket, node } of all) if (node === 'node1') socket.relay.close();
      expect(await draining.exited).toEqual({ code: 0, signal: null });
    });

    test('a node that drains until its deadline tells those it still has', async () => {
      const cluster = await startCluster(kind, ['--limits-resume-seconds', '120', '--limits-drain-seconds', '0.2']);
      const byNode = await settled(cluster, 8);
      const lost = Promise.all((byNode.get('node1') ?? []).map((client) => client.lost()));
      cluster.nodes[0].signal('SIGTERM');
      await lost;
      expect(await cluster.nodes[0].exited).toEqual({ code: 0, signal: null });
      for (const client of byNode.get('node2') ?? []) await client.echo();
    });

    test('a ticket is good once, a quota holds over all, and addresses are those of clients', async () => {
      const cluster = await startCluster(kind, [...LONG, '--limits-sessions-per-address', '6']);
      const jti = 'the one';
      const answers = await Promise.all(
        Array.from({ length: 6 }, () =>
          cluster.enter({ jti }).then(
            () => 'in',
            (error: Error) => error.message,
          ),
        ),
      );
      expect(answers.filter((answer) => answer === 'in')).toHaveLength(1);
      expect(answers.filter((answer) => answer.includes('the ticket has been used'))).toHaveLength(5);
      const quota = { sub: 'ben', quota: { sessions: 2 } };
      await cluster.enter(quota);
      await cluster.enter(quota);
      await expect(cluster.enter(quota)).rejects.toThrow('too many sessions with tickets for the same subject');
      for (let i = 0; i < 3; i++) await cluster.enter();
      await expect(cluster.enter()).rejects.toThrow('too many sessions from this address');
      await cluster.enter({}, '127.0.0.2');
    });
  });
}

test('a page behind HAProxy: its session goes on at its node, and is lost with it at once', async ({
  bareTab: tab,
  site,
}) => {
  const cluster = await startCluster('haproxy', [...LONG, '--origins', site.url]);
  await tab.connect(cluster.proxy.endpoint, { ticket: cluster.backend.ticket() });
  const resumed = tab.run((socket) => new Promise<void>((resolve) => socket.relay.on('resumed', () => resolve())));
  cluster.proxy.cut();
  await resumed;
  const lost = tab.run(
    (socket) => new Promise<void>((resolve) => socket.relay.on('state', (state) => state === 'lost' && resolve())),
  );
  for (const node of cluster.nodes) {
    if ((await node.metric('luasocket_relay_sessions{state="attached"}')) === 1) node.signal('SIGKILL');
  }
  await lost;
});
