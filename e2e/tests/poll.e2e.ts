/** Frame loops: a page that looks once in each animation frame, with real native programs at the other end. */
import { createServer } from 'node:net';
import type { SocketNamespace, TcpSocket } from 'luasocket-web';
import { expect, test } from '../fixtures/poll.ts';

interface Hosting {
  server: TcpSocket<'sync'>;
}

test('a tab hosts a server in its frame loop: its port is known at once, a LuaSocket client is served', async ({
  pollTab: tab,
  lua,
}) => {
  const [address, port] = await tab.run((socket, _frames, _, kept: Hosting) => {
    const [server] = socket.try(socket.bind('127.0.0.1', 0));
    kept.server = server;
    return server.getsockname();
  });
  expect([address, port]).toEqual(['127.0.0.1', expect.stringMatching(/^[1-9]\d*$/)]);
  const serving = tab.run(async (socket, frames, _, kept: Hosting) => {
    const c = await frames(() => kept.server.accept()[0]);
    const names = [c.getsockname().join(' '), c.getpeername().join(' ')];
    let sofar = '';
    const line = (): string | null => {
      const [whole, error, partial] = c.receive('*l', sofar);
      sofar = whole === null ? partial : '';
      if (whole === null && error !== 'timeout') throw new Error(error);
      return whole;
    };
    const hello = await frames(line);
    socket.try(c.send('welcome\n12345'));
    const long = await frames(line);
    const end = await frames(() => {
      const answer = c.receive();
      return answer[1] === 'timeout' ? null : answer;
    });
    socket.try(c.send('goodbye'));
    return { names, hello, long: long.length, end, closed: [c.close(), kept.server.close()] };
  });
  const client = await lua('client', '127.0.0.1', String(port), 'a native');
  await client.says(/^done$/m);
  const [, theirSock, theirPeer] = await client.says(/^sock (.*)\npeer (.*)\n/m);
  expect(await serving).toEqual({
    names: [theirPeer, theirSock],
    hello: 'hello from a native',
    long: 1000,
    end: [null, 'closed', ''],
    closed: [[1], [1]],
  });
  expect(client.output).toContain('got welcome\ngot 12345\nrest goodbye nil nil\nthen nil closed\ndone\n');
});

test('a client in a frame loop, by name: connect, select, lines', async ({ pollTab: tab, luaServer }) => {
  const got = await tab.run(async (socket, frames, port) => {
    const [c] = socket.try(socket.tcp());
    const steps: unknown[] = [c.connect('localhost', port), c.receive(), c.getpeername()[1]];
    await frames(() => socket.select(null, [c])[1].get(c) ?? null);
    steps.push(c.connect('localhost', port), c.getpeername());
    socket.try(c.send('lines\nfirst\nbye\n'));
    const lines: string[] = [];
    let sofar = '';
    const end = await frames(() => {
      for (;;) {
        const [line, error, partial] = c.receive('*l', sofar);
        sofar = line === null ? partial : '';
        if (line !== null) lines.push(line);
        else return error === 'timeout' ? null : error;
      }
    });
    c.close();
    return { steps, lines, end };
  }, luaServer.port);
  expect(got.steps).toEqual([
    [null, 'timeout'],
    [null, 'timeout', ''],
    'Transport endpoint is not connected',
    [1],
    ['127.0.0.1', luaServer.port, 'inet'],
  ]);
  expect(got.lines.at(-1)).toBe('bye');
  expect(got.lines[0]).toContain('first');
  expect(got.end).toBe('closed');
});

test('datagrams both ways, and the port that getsockname told', async ({ pollTab: tab, luaServer }) => {
  const got = await tab.run(async (socket, frames, port) => {
    const [u] = socket.try(socket.udp());
    const sent = u.sendto('ping', '127.0.0.1', port);
    const name = u.getsockname();
    const back = await frames(() => {
      const answer = u.receivefrom();
      return answer[0] === null && answer[1] === 'timeout' ? null : answer;
    });
    const [server] = socket.try(socket.udp());
    const bound = server.setsockname('127.0.0.1', 0);
    const [, at] = server.getsockname();
    u.sendto('to myself', '127.0.0.1', at ?? '');
    const own = await frames(() => {
      const answer = server.receivefrom();
      return answer[0] === null && answer[1] === 'timeout' ? null : answer;
    });
    return { sent, name, back, bound, own };
  }, luaServer.udpPort);
  expect(got).toEqual({
    sent: [4],
    name: ['0.0.0.0', expect.stringMatching(/^[1-9]\d*$/), 'inet'],
    back: ['ping', '127.0.0.1', luaServer.udpPort],
    bound: [1],
    own: ['to myself', '127.0.0.1', Number(got.name[1])],
  });
});

test('8 MiB both ways at once, a frame at a time', async ({ barePollTab: tab, relay, luaServer }) => {
  await tab.connect(relay.endpoint, { strings: 'bytes' });
  const size = 8 * 1024 * 1024;
  const got = await tab.run(
    async (socket: SocketNamespace<'sync', Uint8Array>, frames, { port, size }, _, tools) => {
      const [c] = socket.try(socket.connect('127.0.0.1', port));
      const noise = tools.noise(size);
      const back = new Uint8Array(size);
      const hello = new TextEncoder().encode('echo\n');
      await frames(() => c.send(hello)[0]);
      let sent = 0;
      let received = 0;
      await frames(() => {
        if (sent < size) {
          const [last, error, upTo] = c.send(noise, sent + 1);
          if (last === null && error !== 'timeout') throw new Error(error);
          sent = last ?? upTo;
        }
        for (;;) {
          const [data, error, partial] = c.receive(size - received || 1);
          const bytes = data ?? partial ?? new Uint8Array();
          back.set(bytes, received);
          received += bytes.length;
          if (received === size) return true;
          if (error === 'timeout') return null;
          if (error !== null) throw new Error(error);
        }
      });
      c.close();
      return { there: await tools.sha256(noise), back: await tools.sha256(back), stats: c.getstats().slice(0, 2) };
    },
    { port: luaServer.port, size },
  );
  expect(got.back).toBe(got.there);
  expect(got.stats).toEqual([size, size + 5]);
});

test('a refusal comes out of the next call, once; names are answered when they are known', async ({ pollTab: tab }) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  const got = await tab.run(
    async (socket, frames, port) => {
      const [server] = socket.try(socket.bind('127.0.0.1', port));
      const first = [server.class, server.accept()];
      await frames(() => socket.select([server], null)[0].get(server) ?? null);
      const told = [server.accept(), server.accept()];
      const asked = socket.dns.toip('localhost');
      const known = await frames(() => {
        const answer = socket.dns.toip('localhost');
        return answer[1] === 'timeout' ? null : answer;
      });
      let slept = '';
      try {
        socket.sleep(1);
      } catch (error) {
        slept = String(error);
      }
      return { first, told, asked, known, slept };
    },
    address !== null && typeof address === 'object' ? address.port : 0,
  );
  taken.close();
  expect(got.first).toEqual(['tcp{server}', [null, 'timeout']]);
  expect(got.told).toEqual([
    [null, 'address already in use'],
    [null, 'Invalid argument'],
  ]);
  expect(got.asked).toEqual([null, 'timeout']);
  expect(got.known).toEqual(['127.0.0.1', expect.objectContaining({ ip: ['127.0.0.1'] })]);
  expect(got.slept).toContain("'sleep' would stop the page");
});
