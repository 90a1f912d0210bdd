/** A tab hosts TCP servers; native programs come as clients. */
import { connect } from 'node:net';
import type { TcpSocket } from 'luasocket-web';
import { expect, test } from '../fixtures/test.ts';

interface Hosting {
  server: TcpSocket;
}

test('bind, listen, accept: a LuaSocket client is served, names agree', async ({ tab, lua }) => {
  const listening = await tab.run(async (socket, _, kept: Hosting) => {
    const [server] = await socket.try(socket.tcp());
    const steps = [
      server.class,
      await server.setoption('reuseaddr', true),
      await server.bind('127.0.0.1', 0),
      await server.listen(5),
      server.class,
      (await server.getpeername())[1],
    ];
    kept.server = server;
    return { steps, name: await server.getsockname() };
  });
  expect(listening.steps).toEqual(['tcp{master}', [1], [1], [1], 'tcp{server}', 'Transport endpoint is not connected']);
  const [address, port] = listening.name;
  expect([address, port]).toEqual(['127.0.0.1', expect.stringMatching(/^[1-9]\d*$/)]);

  const serving = tab.run(async (socket, _, kept: Hosting) => {
    const [c] = await socket.try(kept.server.accept());
    const names = [(await c.getsockname()).join(' '), (await c.getpeername()).join(' ')];
    const hello = await c.receive();
    await socket.try(c.send('welcome\n12345'));
    const [long] = await socket.try(c.receive());
    const end = await c.receive();
    await socket.try(c.send('goodbye'));
    const closed = await c.close();
    kept.server.settimeout(0);
    const idle = await kept.server.accept();
    await kept.server.close();
    return { class: c.class, names, hello, long: long.length, end, closed, idle, after: await kept.server.accept() };
  });
  const client = await lua('client', '127.0.0.1', String(port), 'a native');
  await client.says(/^done$/m);
  const [, theirSock, theirPeer] = await client.says(/^sock (.*)\npeer (.*)\n/m);

  const served = await serving;
  expect(served).toMatchObject({
    class: 'tcp{client}',
    names: [theirPeer, theirSock],
    hello: ['hello from a native', null, null],
    long: 1000,
    end: [null, 'closed', ''],
    closed: [1],
    idle: [null, 'timeout'],
    after: [null, 'closed'],
  });
  expect(client.output).toContain('got welcome\ngot 12345\nrest goodbye nil nil\nthen nil closed\ndone\n');
  expect((await client.exited).code).toBe(0);
});

test('nc talks to a tab, and both see the end', async ({ tab, nc }) => {
  const port = await tab.run(async (socket, _, kept: Hosting) => {
    [kept.server] = await socket.try(socket.bind('127.0.0.1', 0));
    return Number((await kept.server.getsockname())[1]);
  });
  const serving = tab.run(async (socket, _, kept: Hosting) => {
    const [c] = await socket.try(kept.server.accept());
    const [all] = await socket.try(c.receive('*a'));
    await socket.try(c.send(`${all.toUpperCase()}.`));
    await c.close();
    await kept.server.close();
    return all;
  });
  const netcat = await nc('-N', '127.0.0.1', port);
  netcat.write('typed by hand\n');
  netcat.endInput();
  expect(await netcat.exited).toEqual({ code: 0, signal: null });
  expect(netcat.output).toBe('TYPED BY HAND\n.');
  expect(await serving).toBe('typed by hand\n');
  const late = await nc('-z', '127.0.0.1', port);
  expect((await late.exited).code).toBe(1);
});

test('one select loop serves LuaSocket clients and nc at once', async ({ tab, lua, nc }) => {
  const natives = 4;
  const port = await tab.run(async (socket, _, kept: Hosting) => {
    [kept.server] = await socket.try(socket.bind('*', 0, 10));
    return Number((await kept.server.getsockname())[1]);
  });
  // The loop of LuaSocket's own samples: no call waits but select.
  const serving = tab.run(async (socket, count, kept: Hosting) => {
    const { server } = kept;
    server.settimeout(0);
    const lines = new Map<TcpSocket, string[]>();
    const partials = new Map<TcpSocket, string>();
    const seen: string[] = [];
    while (seen.length < count) {
      const [readable] = await socket.select([server, ...lines.keys()], null);
      for (const s of readable) {
        if (s === server) {
          const [c] = await socket.try(server.accept());
          c.settimeout(0);
          lines.set(c, []);
          continue;
        }
        const [line, error, partial] = await s.receive('*l', partials.get(s) ?? '');
        if (line !== null) {
          partials.delete(s);
          const heard = lines.get(s) ?? [];
          heard.push(line);
          if (heard.length === 1) await socket.try(s.send('welcome\n12345'));
        } else if (error === 'timeout') {
          partials.set(s, partial);
        } else {
          await socket.try(s.send('goodbye'));
          await s.close();
          seen.push(`${lines.get(s)?.[0]} ${lines.get(s)?.[1]?.length ?? 'nothing'} ${partials.get(s) ?? ''}`);
          lines.delete(s);
        }
      }
    }
    await server.close();
    return seen.sort();
  }, natives + 1);
  const netcat = await nc('-N', '127.0.0.1', port);
  netcat.write('by hand\n');
  const clients = await Promise.all(
    Array.from({ length: natives }, (_, index) => lua('client', '127.0.0.1', port, `native ${index}`)),
  );
  for (const client of clients) expect((await client.exited).code).toBe(0);
  await netcat.says(/welcome\n12345/);
  netcat.endInput();
  expect(await serving).toEqual(['by hand nothing ', ...clients.map((_, index) => `hello from native ${index} 1000 `)]);
  for (const client of clients) expect(client.output).toContain('rest goodbye nil nil\n');
  await netcat.says(/goodbye$/);
});

test('an IPv6 server in a tab', async ({ tab, lua }) => {
  const listening = await tab.run(async (socket, _, kept: Hosting) => {
    [kept.server] = await socket.try(socket.bind('::1', 0));
    return kept.server.getsockname();
  });
  expect(listening).toEqual(['::1', expect.any(String), 'inet6']);
  const serving = tab.run(async (socket, _, kept: Hosting) => {
    const [c] = await socket.try(kept.server.accept());
    await c.receive();
    await c.send('welcome\n12345');
    await c.receive('*a');
    await c.close();
    await kept.server.close();
    return c.class;
  });
  const client = await lua('client', '::1', Number(listening[1]), 'six');
  await client.says(/^sock ::1 \d+ inet6$/m);
  await client.says(/^done$/m);
  expect(await serving).toBe('tcp{client}');
});

test('closing a server resets those who still wait, and a page that leaves frees its port', async ({
  tab,
  relay,
  nc,
}) => {
  const port = await tab.run(async (socket, _, kept: Hosting) => {
    [kept.server] = await socket.try(socket.bind('127.0.0.1', 0));
    return Number((await kept.server.getsockname())[1]);
  });
  const waiting = await nc('127.0.0.1', port);
  await tab.run(async (socket, _, kept: Hosting) => {
    await socket.select([kept.server], null);
    return kept.server.close();
  });
  await waiting.exited; // nc ends when its connection does

  await tab.run(async (socket, at, kept: Hosting) => {
    [kept.server] = await socket.try(socket.bind('127.0.0.1', at));
    socket.relay.close();
  }, port);
  await tab.connect(relay.endpoint);
  const again = await tab.run(async (socket, at) => {
    const [server] = await socket.try(socket.bind('127.0.0.1', at));
    return [server.class, await server.close()];
  }, port);
  expect(again).toEqual(['tcp{server}', [1]]);
});

test('a hundred native connections at once', async ({ tab }) => {
  const count = 100;
  const port = await tab.run(async (socket, backlog, kept: Hosting) => {
    [kept.server] = await socket.try(socket.bind('127.0.0.1', 0, backlog));
    return Number((await kept.server.getsockname())[1]);
  }, count);
  const serving = tab.run(async (socket, clients, kept: Hosting) => {
    const serve = async (): Promise<void> => {
      const [c] = await socket.try(kept.server.accept());
      const [line] = await socket.try(c.receive());
      await socket.try(c.send(`${line} back`));
      await c.close();
    };
    await Promise.all(Array.from({ length: clients }, serve));
    return (await kept.server.close())[0];
  }, count);
  const visit = (index: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const client = connect(port, '127.0.0.1');
      let heard = '';
      client.setEncoding('utf8').on('data', (text: string) => {
        heard += text;
      });
      client.on('error', reject);
      client.on('close', () => resolve(heard));
      client.write(`${index} there\n`);
    });
  const heard = await Promise.all(Array.from({ length: count }, (_, index) => visit(index)));
  expect(heard).toEqual(Array.from({ length: count }, (_, index) => `${index} there back`));
  expect(await serving).toBe(1);
});

test('a page that is loaded again finds its port free', async ({ bareTab: tab, relay }) => {
  await tab.connect(relay.endpoint);
  const port = await tab.run(async (socket) => {
    const [server] = await socket.try(socket.bind('127.0.0.1', 0));
    return Number((await server.getsockname())[1]);
  });
  await tab.load(tab.page.url());
  await tab.connect(relay.endpoint);
  const again = await tab.run(async (socket, at) => {
    const [server] = await socket.try(socket.bind('127.0.0.1', at));
    return server.close();
  }, port);
  expect(again).toEqual([1]);
});
