/** Lua programs over the kernel in memory: what LuaSocket's objects, errors and modules are inside of Lua. */
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import type { RelayStatus } from '../../src/api.ts';
import { Runtime } from '../../src/lua/runtime.ts';
import { type Session, session } from '../core/lua.ts';

const WASM = createRequire(import.meta.url).resolve('wasmoon-lua5.1/dist/liblua5.1.wasm');

interface Program {
  readonly session: Session<Uint8Array>;
  readonly printed: string[];
  readonly runtime: Runtime;
  readonly ended: () => boolean;
  /** Runs a chunk and answers what it returns; throws what it raises. */
  run(source: string | Uint8Array, ...args: unknown[]): unknown[];
  /** What a chunk raises. */
  raised(source: string): string;
}

async function program(files: Record<string, string | Uint8Array> = {}): Promise<Program> {
  const made = session<Uint8Array>('bytes');
  const printed: string[] = [];
  let ended = false;
  const close = () => {
    ended = true;
  };
  const socket = { ...made.socket, relay: { close } as RelayStatus };
  const runtime = await Runtime.start({ wasm: WASM, socket, files, print: (text) => printed.push(text) });
  const run = (source: string | Uint8Array, ...args: unknown[]) => {
    const outcome = runtime.run(source, args);
    if ('raised' in outcome) throw new Error(outcome.raised.message);
    return outcome.results;
  };
  const raised = (source: string) => {
    const outcome = runtime.run(source, []);
    return 'raised' in outcome ? outcome.raised.message : 'nothing';
  };
  return { session: made, printed, runtime, ended: () => ended, run, raised };
}

/** A connection within the kernel, as globals `client`, `peer` and `server`. */
const PAIR = `
  server = assert(socket.bind("127.0.0.1", 0))
  local address, port = server:getsockname()
  client = assert(socket.connect(address, port))
  peer = assert(server:accept())`;

describe('values', () => {
  test('go in and come out', async () => {
    const { run } = await program();
    const values = [
      null,
      true,
      false,
      0,
      -1.5,
      1e300,
      '',
      'text',
      'é€😀',
      '\udc80\udcff',
      [1, 'two', [3]],
      { a: { b: 1 } },
    ];
    expect(run('return ...', ...values)).toEqual(values);
    expect(run('return nil, 1, nil')).toEqual([null, 1, null]);
    expect(run('return')).toEqual([]);
    expect(run('return select("#", ...)', undefined, null)).toEqual([2]);
  });

  test('strings are bytes in Lua', async () => {
    const { run } = await program();
    expect(run('return #(...), (...):byte(1, -1)', 'é\0')).toEqual([3, 0xc3, 0xa9, 0]);
    expect(run('return (...):byte(1, -1)', Uint8Array.of(0, 255))).toEqual([0, 255]);
    expect(run('return "\\255a\\0"')).toEqual(['\udcffa\0']);
  });

  test('tables are arrays or objects', async () => {
    const { run } = await program();
    expect(run('return {}, {1, 2}, {1, nil, 3}, {[0]=1}, {x=1, 2}, {[1.5]=true}')).toEqual([
      [],
      [1, 2],
      { 1: 1, 3: 3 },
      { 0: 1 },
      { 1: 2, x: 1 },
      { '1.5': true },
    ]);
    expect(
      run(
        'local t = ... return t.a, t[1], t[2]',
        new Map<unknown, unknown>([
          ['a', 1],
          [1, 2],
        ]),
      ),
    ).toEqual([1, 2, null]);
  });

  test('what the other side has nothing like', async () => {
    const { run, raised } = await program();
    expect(run('return print, coroutine.create(print)')).toEqual([
      expect.stringMatching(/^function: /),
      expect.stringMatching(/^thread: /),
    ]);
    expect(() => run('return 1', Symbol('x'))).toThrow('Lua has nothing like Symbol(x)');
    expect(() => raised('local t = {} t.t = t return t')).toThrow('contains itself');
    expect(run('return 1')).toEqual([1]);
  });

  test('thousands of arguments and results', async () => {
    const { run } = await program();
    const many = Array.from({ length: 5000 }, (_, i) => i);
    expect(run('return ...', ...many)).toEqual(many);
    expect(() => run('return ...', ...many, ...many)).toThrow('too many values for Lua');
    expect(run('return 1')).toEqual([1]);
  });
});

describe('errors', () => {
  test('carry their place, their value and a traceback', async () => {
    const { runtime, raised } = await program();
    expect(raised('\nerror "boom"')).toBe('main:2: boom');
    expect(raised('error("boom", 0)')).toBe('boom');
    expect(raised('return +')).toBe("main:1: unexpected symbol near '+'");
    expect(raised('error()')).toBe('(error object is a nil value)');
    expect(raised('error(setmetatable({}, { __tostring = function() return "told" end }))')).toBe('told');
    expect(runtime.run('local function f() error { code = 7 } end f()', [])).toEqual({
      raised: {
        message: '(error object is a table value)',
        traceback: expect.stringContaining("in function 'f'"),
        value: { code: 7 },
      },
    });
  });

  test('of wrong use are Lua’s own, with the caller’s place and name', async () => {
    const { raised, run } = await program();
    run(PAIR);
    expect(raised('client:receive("*x")')).toBe("main:1: bad argument #1 to 'receive' (invalid receive pattern)");
    expect(raised('client:send()')).toBe("main:1: bad argument #1 to 'send' (string expected, got no value)");
    expect(raised('client:send(nil)')).toBe("main:1: bad argument #1 to 'send' (string expected, got nil)");
    expect(raised('local s = client.send s(client, {})')).toBe(
      "main:1: bad argument #2 to 's' (string expected, got table)",
    );
    expect(raised('client:send(coroutine.create(print))')).toMatch(/string expected, got thread/);
    expect(raised('server:send("x")')).toBe("main:1: calling 'send' on bad self (tcp{client} expected, got userdata)");
    expect(raised('client.send({}, "x")')).toBe("main:1: bad argument #1 to 'send' (tcp{client} expected, got table)");
    expect(raised('client.send(socket.udp(), "x")')).toMatch(/tcp\{client\} expected, got userdata/);
    expect(raised('client.close()')).toBe("main:1: bad argument #1 to 'close' (tcp{any} expected, got no value)");
    expect(raised('client:accept()')).toMatch(/tcp\{server\} expected, got userdata/);
    expect(raised('socket.udp():accept()')).toBe("main:1: attempt to call method 'accept' (a nil value)");
    expect(raised('client:setoption("bogus", true)')).toContain('unsupported option `bogus');
    expect(raised('client:setoption("linger", { on = 1 })')).toBe(
      "main:1: bad argument #2 to 'setoption' (boolean 'on' field expected)",
    );
    expect(raised('socket.sleep({})')).toBe("main:1: bad argument #1 to 'sleep' (number expected, got table)");
    expect(raised('return socket.bind("127.0.0.1")')).toMatch(
      /^socket.lua:\d+: bad argument #2 to 'bind' \(string expected, got nil\)$/,
    );
    expect(run('return pcall(client.send, client, nil)')).toEqual([
      false,
      "bad argument #2 to '?' (string expected, got nil)",
    ]);
    expect(run('return pcall(function() return client:send() end)')).toEqual([
      false,
      "main:1: bad argument #1 to 'send' (string expected, got no value)",
    ]);
  });

  test('os.exit ends it', async () => {
    const { runtime, run, printed, ended } = await program();
    expect(run('io.write "unfinished" pcall(os.exit) print "never"')).toEqual([]);
    expect(printed).toEqual(['unfinished']);
    expect(ended()).toBe(true);
    expect(() => runtime.run('return 1', [])).toThrow('the program has ended with os.exit');
    const other = await program();
    expect(other.raised('os.exit(3)')).toBe('the program ended with status 3');
  });
});

describe('objects', () => {
  test('are userdata with a class, methods and a name', async () => {
    const { run } = await program();
    run(PAIR);
    expect(run('return type(client), client.class, server.class, socket.tcp().class, socket.udp().class')).toEqual([
      'userdata',
      'tcp{client}',
      'tcp{server}',
      'tcp{master}',
      'udp{unconnected}',
    ]);
    expect(run('return tostring(client)')).toEqual([expect.stringMatching(/^tcp\{client\}: 0x[0-9a-f]{8}$/)]);
    expect(run('return getmetatable(client).__index.class, client.nothing')).toEqual(['tcp{client}', null]);
    expect(run('return client == client, client == peer')).toEqual([true, false]);
  });

  test('keep their identity when their class changes', async () => {
    const { run } = await program();
    expect(
      run(`local s = socket.tcp() local before, names = s, { s.class }
        assert(s:bind("127.0.0.1", 0)) assert(s:listen()) names[2] = s.class
        local u = socket.udp() u:setpeername("127.0.0.1", 9) names[3] = u.class
        u:setpeername("*") names[4] = u.class
        local f = socket.tcp() f:connect("127.0.0.1", 1) names[5] = f.class
        return before == s, names`),
    ).toEqual([true, ['tcp{master}', 'tcp{server}', 'udp{connected}', 'udp{unconnected}', 'tcp{client}']]);
  });

  test('close when nobody knows them any more', async () => {
    const { run, session } = await program();
    run(PAIR);
    run('server, client, peer = nil collectgarbage() collectgarbage()');
    expect([3, 4, 5].map((fd) => session.context.descriptors.get(fd))).toEqual([undefined, undefined, undefined]);
  });

  test('are collected in time, when a program forgets thousands', async () => {
    const { run } = await program();
    expect(run('for i = 1, 3000 do assert(socket.tcp()) end return true')).toEqual([true]);
  });

  test('carry bytes', async () => {
    const { run } = await program();
    run(PAIR);
    expect(
      run(`local all = {} for i = 0, 255 do all[i + 1] = string.char(i) end
        local text = table.concat(all):rep(3000)
        local back = {}
        client:send(text) client:close()
        local received = peer:receive "*a"
        return received == text, #received`),
    ).toEqual([true, 768_000]);
    expect(run('return peer:receive(5, "ab\\0\\255")')).toEqual([null, 'closed', 'ab\0\udcff']);
  });
});

describe('calls from anywhere in Lua', () => {
  test('gsub, sort, metamethods and coroutines', async () => {
    const { run } = await program();
    run(PAIR);
    expect(
      run(`client:send("one\\ntwo\\nthree\\nfour\\nfive\\nsix\\n")
        local function line() return (assert(peer:receive())) end
        local replaced = ("x x"):gsub("x", line)
        local sorted = { 3, 1, 2 }
        table.sort(sorted, function(a, b) client:send("") return a < b end)
        local indexed = setmetatable({}, { __index = function() return line() end }).anything
        local thread = coroutine.wrap(function()
          coroutine.yield(line())
          local ok, text = pcall(line)
          coroutine.yield(text)
          error(line())
        end)
        return replaced, sorted, indexed, thread(), thread(), pcall(thread)`),
    ).toEqual(['one two', [1, 2, 3], 'three', 'four', 'five', false, 'main:11: six']);
  });

  test('errors of calls in coroutines and pcall in pcall', async () => {
    const { run } = await program();
    run(PAIR);
    expect(
      run(`local function deep(n) if n == 0 then return client:receive("*x") end return select(2, pcall(deep, n - 1)) end
        local t = coroutine.create(function() client:receive("*x") end)
        return deep(150), coroutine.resume(t)`),
    ).toEqual([
      "main:1: bad argument #1 to 'receive' (invalid receive pattern)",
      false,
      "main:2: bad argument #1 to 'receive' (invalid receive pattern)",
    ]);
    run('for i = 1, 20000 do pcall(client.receive, client, "*x") end');
  });

  test('many results where the stack is small', async () => {
    const { run } = await program();
    expect(run('return select("#", socket.skip(1, unpack({}, 1, 5000)))')).toEqual([4999]);
  });
});

describe('select', () => {
  test('takes anything with getfd and dirty, and answers doubly keyed tables', async () => {
    const { run } = await program();
    run(PAIR);
    expect(
      run(`client:send "x"
        local mine = { getfd = function() return peer:getfd() end, dirty = function() return false end }
        local r, w, e = socket.select({ mine, "text", {} }, { client }, 1)
        return r[1] == mine, r[mine], #r, w[1] == client, w[client], #w, e`),
    ).toEqual([true, 1, 1, true, 1, 1, null]);
  });

  test('dirty ones come first, in their order', async () => {
    const { run } = await program();
    run(PAIR);
    expect(
      run(`client:send "one\\ntwo\\n" peer:receive()
        local r = socket.select({ peer, peer }, nil, 0)
        return #r, r[1] == peer, r[peer]`),
    ).toEqual([2, true, 2]);
  });

  test('nothing, and wrong use', async () => {
    const { run, raised } = await program();
    expect(run('return socket.select(nil, nil, 0.1)')).toEqual([[], [], 'timeout']);
    expect(raised('socket.select("x")')).toBe("main:1: bad argument #1 to 'select' (table expected, got string)");
    expect(raised('socket.select({}, {}, {})')).toBe(
      "main:1: bad argument #3 to 'select' (number expected, got table)",
    );
    expect(raised('socket.select({ 5 })')).toContain('attempt to index a number value');
    expect(raised('socket.select({ { getfd = function() return 1024 end } })')).toBe(
      "main:1: bad argument #1 to 'select' (descriptor too large for set size)",
    );
    expect(raised('socket.select({ { getfd = function() error "mine" end } })')).toBe('main:1: mine');
  });
});

describe('exceptions', () => {
  test('try and protect', async () => {
    const { run, raised } = await program();
    expect(run('return socket.try(1, nil, 3)')).toEqual([1, null, 3]);
    expect(run('return socket.protect(function(...) return ... end)(1, nil, nil)')).toEqual([1, null, null]);
    expect(
      run(`local done
        local try = socket.newtry(function() done = true error "ignored" end)
        local f = socket.protect(function() try(nil, "why") end)
        local a, b = f()
        return a, b, done`),
    ).toEqual([null, 'why', true]);
    expect(run('return socket.protect(function() error { "mine" } end)()')).toEqual([null, 'mine']);
    expect(run('return pcall(socket.protect(function() error "plain" end))')).toEqual([false, 'main:1: plain']);
    expect(raised('socket.protect(nil)()')).toBe('attempt to call a nil value');
  });

  test('try’s exception passes protected network calls', async () => {
    const { run } = await program();
    expect(run('return socket.protect(function() socket.try(socket.connect("127.0.0.1", 1)) end)()')).toEqual([
      null,
      'connection refused',
    ]);
  });
});

describe('modules', () => {
  test('without files', async () => {
    const { run } = await program();
    expect(
      run(`local s, c = require "socket", require "socket.core"
        return s == socket, s == c, s._VERSION, s.BLOCKSIZE, s._SETSIZE, require("mime") == require("mime.core")`),
    ).toEqual([true, true, 'LuaSocket 3.0-rc1', 2048, 1024, true]);
    expect(
      run('local mime = require "mime" return mime.b64("hello"), mime.encode("base64")("hello\\0\\255!")'),
    ).toEqual(['aGVsbG8=', 'aGVsbG8A']);
    expect(
      run(`local mime = require "mime"
        local e = mime.encode "base64"
        return e("hello") .. e(nil), mime.wrap("text", 3)("abcdef"), mime.normalize()("a\\nb"), mime.stuff()("."), mime.unqp("=3D", nil)`),
    ).toEqual(['aGVsbG8=', 'abc\r\ndef', 'a\r\nb', '..', '=', null]);
  });

  test('wrong use of mime', async () => {
    const { raised } = await program();
    expect(raised('mime = require "mime" mime.wrp()')).toBe(
      "main:1: bad argument #1 to 'wrp' (number expected, got no value)",
    );
    expect(raised('mime.b64({})')).toBe("main:1: bad argument #1 to 'b64' (string expected, got table)");
    expect(raised('mime.encode "bogus"')).toBe('unknown key (bogus)');
  });

  test('from files', async () => {
    const { run, raised } = await program({
      'one.lua': 'return { name = ..., two = require "dir.two" }',
      'dir/two.lua': 'return "two"',
      named: 'return "named"',
      'box/init.lua': 'return "init"',
      'broken.lua': 'return +',
      'raises.lua': 'error "here"',
      'script.lua': '#!/usr/bin/lua\nreturn ...',
      'notes.txt': 'first\nsecond\n',
      socket: 'return "mine"',
      'dotted.name': 'return "dotted"',
      './here/path': 'return "path"',
    });
    expect(run('return require "one", require "named", require "box", require "socket"')).toEqual([
      { name: 'one', two: 'two' },
      'named',
      'init',
      'mine',
    ]);
    expect(run('return dofile "script.lua", dofile "./dir/two.lua", loadfile("script.lua")(5)')).toEqual([
      null,
      'two',
      5,
    ]);
    expect(
      run('return require "dotted.name", require "here.path", dofile "dotted/name.lua", dofile "named.lua"'),
    ).toEqual(['dotted', 'path', 'dotted', 'named']);
    expect(raised('require "broken"')).toContain(
      "error loading module 'broken' from file 'broken.lua':\n\tbroken.lua:1:",
    );
    expect(raised('dofile "raises.lua"')).toBe('raises.lua:1: here');
    expect(raised('require "missing"')).toContain("no file 'missing.lua'");
    expect(run('return loadfile "missing.lua"')).toEqual([null, expect.stringContaining('missing.lua')]);
    expect(run('local lines = {} for l in io.lines "notes.txt" do lines[#lines + 1] = l end return lines')).toEqual([
      ['first', 'second'],
    ]);
  });

  test('sources and sinks', async () => {
    const { run, raised } = await program();
    run(PAIR);
    expect(
      run(`local sink = socket.sink("close-when-done", client)
        sink "abc" sink "def" sink(nil)
        local source = socket.source("until-closed", peer)
        return source(), source(), type(source), source:getfd()`),
    ).toEqual(['abcdef', null, 'table', -1]);
    expect(raised('socket.source "bogus"')).toBe('unknown key (bogus)');
  });
});

test('print, io.write and io.stderr come line by line', async () => {
  const { run, printed } = await program();
  run(`print("a", nil, 1.5, "é")
    io.write("b", 1) io.write "c\\nd\\n"
    io.stderr:write "e" print "f"
    io.stdout:write "rest"`);
  expect(printed).toEqual(['a\tnil\t1.5\té', 'b1c\nd', 'ef', 'rest']);
});

test('closing closes all sockets and ends the session', async () => {
  const { runtime, run, session, ended } = await program();
  run(PAIR);
  runtime.close();
  expect([3, 4, 5].map((fd) => session.context.descriptors.get(fd))).toEqual([undefined, undefined, undefined]);
  expect(ended()).toBe(true);
});
