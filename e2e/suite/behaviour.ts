/**
 * What every face must do, written once: programs against the namespace that are their own peers, so that they run
 * wherever a face does. Every call is awaited, which is right for all of them. `eventually` is for what takes its time:
 * where calls wait the first one has the answer; where they do not, the program asks again in the next turn.
 *
 * To run it over another face: connect, and hand the namespace to `run` of each; `turn` lets the event loop go round
 * once. It uses nothing but the namespace, so that it can be bundled for a page or a worker.
 */
import type { DeniedEvent } from 'luasocket-web';
import { deepEqual, equal, includes, raises } from './assert.ts';
import { type AnyNamespace, bothWays, made, Program, type Result } from './program.ts';

export type { AnyNamespace } from './program.ts';

export interface Behaviour {
  readonly name: string;
  run(socket: AnyNamespace, turn: () => Promise<void>): Promise<void>;
}

function behaviour(name: string, run: (program: Program, socket: AnyNamespace) => Promise<void>): Behaviour {
  return { name, run: (socket, turn) => run(new Program(socket, turn), socket) };
}

export const BEHAVIOUR: readonly Behaviour[] = [
  behaviour('a server and its client agree on their names', async (program) => {
    const [client, served, server] = await program.pair();
    deepEqual([server.class, client.class, served.class], ['tcp{server}', 'tcp{client}', 'tcp{client}']);
    const [host, port] = await client.getsockname();
    deepEqual(await served.getpeername(), [host, Number(port), 'inet']);
    const [serverHost, serverPort] = await served.getsockname();
    deepEqual(await client.getpeername(), [serverHost, Number(serverPort), 'inet']);
    equal((await server.getpeername())[1], 'Transport endpoint is not connected');
    deepEqual(await server.getsockname(), [serverHost, serverPort, 'inet']);
  }),

  behaviour('lines, counts and all there is', async (program) => {
    const [client, served] = await program.pair();
    await program.sendAll(client, 'first\r\nsecond\n\nfour bytes and the rest');
    equal(await program.read(served, '*l'), 'first');
    equal(await program.read(served, '*l'), 'second');
    equal(await program.read(served, '*l'), '');
    equal(await program.read(served, 4), 'four');
    deepEqual(await client.shutdown('send'), [1]);
    equal(await program.read(served, '*a'), ' bytes and the rest');
    deepEqual(await served.receive(), [null, 'closed', '']);
  }),

  behaviour('what has come so far is the partial result, and a prefix goes in front', async (program) => {
    const [client, served] = await program.pair();
    served.settimeout(0);
    deepEqual(await served.receive(), [null, 'timeout', '']);
    deepEqual(await served.receive('*a', 'before'), [null, 'timeout', 'before']);
    deepEqual(await served.receive(3, 'before'), ['before', null, null]);
    await program.sendAll(client, 'half');
    await program.until(async () => (await program.socket.select([served], null, 0))[0].length === 1);
    deepEqual(await served.receive('*l', 'a '), [null, 'timeout', 'a half']);
    await program.sendAll(client, ' line\n');
    equal(await program.read(served, '*l'), ' line');
    await client.close();
    deepEqual(await program.eventually(() => served.receive(10)), [null, 'closed', '']);
  }),

  behaviour('send takes a range and tells how far it got', async (program) => {
    const [client, served] = await program.pair();
    deepEqual(await client.send('0123456789', 3, 5), [5, null, null]);
    deepEqual(await client.send('0123456789', -2), [10, null, null]);
    deepEqual(await client.send('nothing', 5, 4), [4, null, null]);
    equal(await program.read(served, 5), '23489');
    const [received, sent] = client.getstats();
    deepEqual([received, sent], [0, 5]);
  }),

  behaviour('1 MiB each way at once', async (program) => {
    const [client, served] = await program.pair();
    const data = 'sixteen bytes....'.slice(0, 16).repeat(65_536);
    const back = data.replaceAll('sixteen', 'anotherx'.slice(0, 7));
    const [there, here] = await bothWays(program, client, served, data, back);
    equal(there === data, true, 'what went there');
    equal(here === back, true, 'what came back');
  }),

  behaviour('a connection that is refused', async (program, socket) => {
    const { server, port } = await program.listen();
    await server.close();
    const client = made(socket.tcp());
    let answer: Result = [];
    // The port is free once the relay has closed the server, which nobody is told.
    answer = await program.eventually(() => client.connect('127.0.0.1', port));
    if (answer[1] === 'Operation already in progress') {
      await program.until(async () => (await socket.select(null, [client], 0))[1].length === 1);
      answer = await client.connect('127.0.0.1', port);
    }
    deepEqual(answer, [null, 'connection refused']);
    equal(client.class, 'tcp{client}');
  }),

  behaviour('names: localhost, its addresses, the host’s own', async (program, socket) => {
    const { port, server } = await program.listen('localhost');
    const client = await program.connected('localhost', port);
    made(await program.eventually(() => server.accept()));
    deepEqual((await client.getpeername()).slice(0, 2), ['127.0.0.1', port]);
    const [address, info] = await program.eventually(() => socket.dns.toip('localhost'));
    equal(address, '127.0.0.1');
    deepEqual((info as { ip: string[] }).ip, ['127.0.0.1']);
    const [found] = await program.eventually(() => socket.dns.getaddrinfo('127.0.0.1'));
    deepEqual(found, [{ family: 'inet', addr: '127.0.0.1' }]);
    const [name] = await program.eventually(() => socket.dns.gethostname());
    equal(typeof name, 'string');
    const [nothing, why] = await program.eventually(() => socket.dns.toip('no such name'));
    deepEqual([nothing, why], [null, 'host not found']);
  }),

  behaviour('accept and select when there is nothing, and when there is', async (program, socket) => {
    const { server, port } = await program.listen();
    server.settimeout(0);
    deepEqual(await server.accept(), [null, 'timeout']);
    const idle = await socket.select([server], null, 0);
    deepEqual([[...idle[0]], [...idle[1]], idle[2]], [[], [], 'timeout']);
    const client = await program.connected('127.0.0.1', port);
    await program.until(async () => (await socket.select([server], null, 0))[0].length === 1);
    const served = made(await server.accept());
    const [readable, writable] = await socket.select([server, served], [client, served], 0);
    deepEqual([...readable], []);
    equal(writable.length, 2);
    equal(writable.get(client), client.getfd() < served.getfd() ? 1 : 2);
    equal(writable.get(server), undefined);
  }),

  behaviour('datagrams between unconnected sockets', async (program, socket) => {
    const one = made(socket.udp());
    const other = made(socket.udp());
    deepEqual(await one.setsockname('127.0.0.1', 0), [1]);
    const port = await program.port(one);
    deepEqual(await other.sendto('hello', '127.0.0.1', port), [5]);
    const [datagram, from, fromPort] = await program.eventually(() => one.receivefrom());
    deepEqual([datagram, from, fromPort], ['hello', '127.0.0.1', await program.port(other)]);
    await one.sendto('a reply that is long', '127.0.0.1', Number(fromPort));
    deepEqual(await program.eventually(() => other.receivefrom(7)), ['a reply', '127.0.0.1', port]);
    other.settimeout(0);
    deepEqual(await other.receivefrom(), [null, 'timeout']);
    deepEqual(await one.sendto('x', 'no such name', 1), [null, 'Name or service not known']);
  }),

  behaviour('datagrams between connected sockets, and back to unconnected', async (program, socket) => {
    const one = made(socket.udp());
    const other = made(socket.udp());
    await one.setsockname('127.0.0.1', 0);
    const port = await program.port(one);
    deepEqual(await other.setpeername('127.0.0.1', port), [1]);
    equal(other.class, 'udp{connected}');
    deepEqual(await other.getpeername(), ['127.0.0.1', port, 'inet']);
    deepEqual(await other.send('ping'), [4]);
    const [datagram, , fromPort] = await program.eventually(() => one.receivefrom());
    equal(datagram, 'ping');
    await one.sendto('', '127.0.0.1', Number(fromPort));
    deepEqual(await program.eventually(() => other.receive()), ['']);
    deepEqual(await other.setpeername('*'), [1]);
    equal(other.class, 'udp{unconnected}');
  }),

  behaviour('a datagram to a closed port is refused later', async (program, socket) => {
    const gone = made(socket.udp());
    await gone.setsockname('127.0.0.1', 0);
    const port = await program.port(gone);
    await gone.close();
    const sender = made(socket.udp());
    await sender.setpeername('127.0.0.1', port);
    // Each may be on its way when the port closes, and the refusal may come out of any call after it.
    let answer: Result = await sender.send('anybody?');
    sender.settimeout(0);
    await program.until(async () => {
      if (answer[0] !== null || answer[1] === 'timeout') answer = await sender.receive();
      return answer[1] !== 'timeout';
    });
    deepEqual(answer, [null, 'connection refused']);
  }),

  behaviour('what the relay refuses is told once', async (program, socket) => {
    const { port } = await program.listen();
    const second = made(socket.tcp());
    equal(await program.refusal(second, await second.bind('127.0.0.1', port)), 'address already in use');
    deepEqual(await second.getoption('error'), [null]);
    const foreign = made(socket.tcp());
    includes(String(await program.refusal(foreign, await foreign.bind('192.0.2.1', 0))), 'assign requested address');
    const datagrams = made(socket.udp());
    await datagrams.setsockname('127.0.0.1', 0);
    const taken = await program.port(datagrams);
    const late = made(socket.udp());
    equal(await program.refusal(late, await late.setsockname('127.0.0.1', taken)), 'address already in use');
    deepEqual(await late.setsockname('127.0.0.1', 0), [1]);
    equal((await program.port(late)) > 0, true);
  }),

  behaviour(
    'a relay for development says why it denies something; the program hears LuaSocket’s words',
    async (program, socket) => {
      const told: DeniedEvent[] = [];
      const off = socket.relay.on('denied', (event) => void told.push(event));
      const client = made(socket.tcp());
      const answer = await client.connect('192.0.2.1', 80);
      equal(await program.refusal(client, answer[1] === 'timeout' ? [1] : answer), 'permission denied');
      const elsewhere = 'development mode reaches this machine only';
      deepEqual(told, [{ operation: 'connect', target: '192.0.2.1:80', reason: elsewhere }]);
      const datagrams = made(socket.udp());
      equal(await program.refusal(datagrams, await datagrams.sendto('x', '192.0.2.1', 9)), 'permission denied');
      deepEqual(told[1], { operation: 'sendto', target: '192.0.2.1:9', reason: elsewhere });
      off();
      await program.refusal(datagrams, await datagrams.sendto('x', '192.0.2.1', 9));
      equal(told.length, 2);
    },
  ),

  behaviour('options are as they were set', async (program, socket) => {
    const [client] = await program.pair();
    deepEqual(await client.setoption('tcp-nodelay', true), [1]);
    deepEqual(await client.getoption('tcp-nodelay'), [true]);
    deepEqual(await client.setoption('linger', { on: true, timeout: 3 }), [1]);
    deepEqual(await client.getoption('linger'), [{ on: true, timeout: 3 }]);
    deepEqual(await client.getoption('keepalive'), [false]);
    const datagrams = made(socket.udp());
    deepEqual(await datagrams.setoption('ip-multicast-loop', false), [1]);
    deepEqual(await datagrams.getoption('ip-multicast-loop'), [false]);
    deepEqual(await datagrams.getoption('ip-multicast-if'), ['0.0.0.0']);
  }),

  behaviour('names before there is one', async (_, socket) => {
    deepEqual(await made(socket.tcp()).getsockname(), ['0.0.0.0', '0', 'inet']);
    deepEqual(await made(socket.udp()).getsockname(), ['0.0.0.0', '0', 'inet']);
    deepEqual(await made(socket.tcp6()).getsockname(), ['::', '0', 'inet6']);
    deepEqual(await made(socket.tcp()).getpeername(), [null, 'Transport endpoint is not connected']);
    const closed = made(socket.tcp());
    deepEqual([await closed.close(), await closed.close()], [[1], [1]]);
    deepEqual(await closed.getsockname(), [null, 'Bad file descriptor']);
    equal(closed.getfd(), -1);
  }),

  behaviour('listen without bind takes some port', async (program, socket) => {
    const server = made(socket.tcp());
    deepEqual(await server.listen(), [1]);
    let port = 0;
    await program.until(async () => {
      port = Number((await server.getsockname())[1]);
      return port > 0;
    });
    const client = await program.connected('127.0.0.1', port);
    const served = made(await program.eventually(() => server.accept()));
    await program.sendAll(served, 'found\n');
    equal(await program.read(client, '*l'), 'found');
  }),

  behaviour('try, protect, sources and sinks', async (program, socket) => {
    const [client, served] = await program.pair();
    let finalized = 0;
    const attempt = socket.newtry(() => {
      finalized += 1;
    });
    const answers = socket.protect((why: string) => attempt(null, why));
    deepEqual(await answers('a reason'), [null, 'a reason']);
    equal(finalized, 1);
    deepEqual(await socket.try(1, 2), [1, 2]);
    deepEqual(socket.skip(1, 'a', 'b'), ['b']);
    const sink = socket.sink('close-when-done', client);
    deepEqual(await sink('through a sink'), [14, null, null]);
    await sink(null);
    const source = socket.source('until-closed', served);
    let text = '';
    for (;;) {
      const [chunk, why] = await program.eventually(() => source() as Promise<[string | null, string?]>);
      if (chunk === null && why === undefined) break;
      text += chunk ?? '';
    }
    equal(text, 'through a sink');
    equal(served.getfd(), -1);
  }),

  behaviour('wrong use raises with LuaSocket’s words', async (program, socket) => {
    const [client] = await program.pair();
    await raises(TypeError, 'tcp{server} expected', async () => client.accept());
    await raises(RangeError, 'invalid receive pattern', async () => client.receive('*x'));
    await raises(TypeError, "bad argument #1 to 'send' (string expected, got nil)", async () =>
      client.send(null as never),
    );
    await raises(RangeError, 'unsupported option', async () => client.getoption('nonsense' as never));
    await raises(TypeError, 'got no value', async () =>
      (made(socket.tcp()).bind as (...given: unknown[]) => unknown)(),
    );
  }),

  behaviour('descriptors are handed out like a process does it', async (_, socket) => {
    const first = made(socket.tcp());
    const second = made(socket.udp());
    equal(second.getfd(), first.getfd() + 1);
    const free = first.getfd();
    await first.close();
    const third = made(socket.tcp());
    equal(third.getfd(), free);
    second.setfd(third.getfd());
    deepEqual(await second.getsockname(), ['0.0.0.0', '0', 'inet']);
  }),

  behaviour('the end of a connection comes after all its data', async (program) => {
    const [client, served] = await program.pair();
    await program.sendAll(client, 'last words');
    await client.close();
    equal(await program.read(served, '*a'), 'last words');
    deepEqual(await served.receive('*a'), [null, 'closed', '']);
  }),
];
