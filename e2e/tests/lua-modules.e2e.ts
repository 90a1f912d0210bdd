/** LuaSocket's own modules in Lua, unmodified, in a Lua in Chromium, against real servers. */
import { BODY, expect, PLAYER, test } from '../fixtures/lua-peers.ts';

/** What `http.request` of a table answers, and the body it sank. */
const REQUEST = `
  local http, ltn12 = require "socket.http", require "ltn12"
  function request(wanted)
    local sunk = {}
    wanted.sink = ltn12.sink.table(sunk)
    local ok, status, headers = http.request(wanted)
    if not ok then return nil, status end
    return table.concat(sunk), status, headers
  end`;

test('they are the ones that were given', async ({ own }) => {
  expect(
    await own.run(`local names = {}
      for _, name in ipairs { "socket", "ltn12", "mime", "socket.http", "socket.smtp", "socket.ftp", "socket.url" } do
        names[#names + 1] = type(require(name))
      end
      return table.concat(names, " "), debug.getinfo(socket.bind).short_src, require("ltn12")._VERSION`),
  ).toEqual(['table table table table table table table', 'socket.lua', 'LTN12 1.0.3']);
});

test('http: GET, also chunked and into nothing', async ({ own, web }) => {
  expect(
    await own.run(
      `local web = ...
       local http = require "socket.http"
       local body, status, headers, line = http.request(web .. "/hello.txt")
       local chunked, _, more = http.request(web .. "/chunked.txt")
       local none, missing = http.request(web .. "/missing.txt")
       local head, ok, described = http.request { url = web .. "/hello.txt", method = "HEAD" }
       return body, status, headers["content-type"], line, chunked, more["transfer-encoding"], more["content-length"], missing,
         head, ok, described["content-length"]`,
      web,
    ),
  ).toEqual([BODY, 200, 'text/plain', 'HTTP/1.1 200 OK', BODY, 'chunked', null, 404, 1, 200, String(BODY.length)]);
});

test('http: POST, with a length and chunked, and PUT', async ({ own, web }) => {
  await own.run(REQUEST);
  expect(
    await own.run(
      `local web, text = ...
       local http, ltn12 = require "socket.http", require "ltn12"
       local simple, status, headers = http.request(web .. "/echo", "name=value")
       local chunked = request { url = web .. "/echo", method = "POST", source = ltn12.source.string(text) }
       local put, created = request { url = web .. "/upload/new.txt", method = "PUT",
         source = ltn12.source.string(text:rep(9999)), headers = { ["content-length"] = #text * 9999 } }
       local back = http.request(web .. "/upload/new.txt")
       return simple, status, headers["x-type"], chunked, created, back == text:rep(9999)`,
      web,
      'one two',
    ),
  ).toEqual(['name=value', 200, 'application/x-www-form-urlencoded', 'one two', 201, true]);
});

test('http: redirects', async ({ own, web }) => {
  await own.run(REQUEST);
  expect(
    await own.run(
      `local web = ...
       local body, status = request { url = web .. "/moved" }
       local _, stays, headers = request { url = web .. "/moved", redirect = false }
       local _, loops = request { url = web .. "/loop" }
       return #body, status, stays, headers.location:match "[^/]*$", loops`,
      web,
    ),
  ).toEqual([BODY.length, 200, 302, 'hello.txt', expect.anything()]);
});

test('http: basic authentication', async ({ own, web }) => {
  await own.run(REQUEST);
  expect(
    await own.run(
      `local web, name, password = ...
       local path = web .. "/secret/hello.txt"
       local _, refused, headers = request { url = path }
       local body, status = request { url = path, user = name, password = password }
       local _, wrong = request { url = path, user = name, password = "wrong" }
       local _, inside = request { url = path:gsub("//", "//" .. name .. ":" .. password .. "@", 1) }
       return refused, headers["www-authenticate"], #body, status, wrong, inside`,
      web,
      PLAYER.name,
      PLAYER.password,
    ),
  ).toEqual([401, 'Basic realm="players"', BODY.length, 200, 401, 200]);
});

test('http: through a proxy', async ({ own, web }) => {
  await own.run(REQUEST);
  expect(
    await own.run(
      `local web = ...
       local body, status, headers = request { url = "http://elsewhere.test/hello.txt", proxy = web }
       return #body, status, headers["x-proxy"]`,
      web,
    ),
  ).toEqual([BODY.length, 200, 'GET']);
});

test('http: refused connections and time limits are values', async ({ own }) => {
  expect(
    await own.run(
      `local http = require "socket.http"
       local server = assert(socket.bind("127.0.0.1", 0))
       local _, port = server:getsockname()
       http.TIMEOUT = 0.2
       local late, timeout = http.request("http://127.0.0.1:" .. port .. "/")
       server:close()
       local none, refused = http.request("http://127.0.0.1:" .. port .. "/")
       return late, timeout, none, refused`,
    ),
  ).toEqual([null, 'timeout', null, 'connection refused']);
});

test('smtp: a message with parts, dots and an attachment', async ({ own, mail }) => {
  expect(
    await own.run(
      `local smtp, mime, ltn12 = require "socket.smtp", require "mime", require "ltn12"
       local bytes = {}
       for i = 0, 255 do bytes[i + 1] = string.char(i) end
       bytes = table.concat(bytes)
       local source = smtp.message {
         headers = { subject = "Score", ["to"] = "you@example.com" },
         body = {
           preamble = "preamble",
           { body = mime.eol(0, "first\\n.dot\\n..dots\\n.\\n") },
           { headers = { ["content-type"] = "application/octet-stream", ["content-transfer-encoding"] = "base64" },
             body = ltn12.source.chain(ltn12.source.string(bytes),
               ltn12.filter.chain(mime.encode "base64", mime.wrap "base64")) },
         },
       }
       return smtp.send { from = "<me@example.com>", rcpt = { "<you@example.com>", "<them@example.com>" }, source = source,
         server = "127.0.0.1", port = ... }`,
      mail.port,
    ),
  ).toEqual([1]);
  const message = await mail.message(1);
  expect(message).toMatchObject({ user: null, from: 'me@example.com', to: ['you@example.com', 'them@example.com'] });
  expect(message.text).toContain('\r\nfirst\r\n.dot\r\n..dots\r\n.\r\n');
  const base64 = Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i)).toString('base64');
  expect(message.text).toContain(base64.replace(/.{76}/g, '$&\r\n'));
  expect(message.text).toMatch(/Subject: Score\r\n/i);
});

test('smtp: log in, and be refused', async ({ own, mail }) => {
  expect(
    await own.run(
      `local smtp = require "socket.smtp"
       local port, name, password = ...
       local function send(rcpt, password)
         return smtp.send { from = "<me@example.com>", rcpt = rcpt, user = name, password = password,
           source = smtp.message { headers = { subject = "hello" }, body = "text" }, server = "127.0.0.1", port = port }
       end
       local ok = send("<you@example.com>", password)
       local _, wrong = send("<you@example.com>", "wrong")
       local _, denied = send("<you@elsewhere.test>", password)
       return ok, wrong:match "%d+", denied:match "%d+"`,
      mail.port,
      PLAYER.name,
      PLAYER.password,
    ),
  ).toEqual([1, '535', '550']);
  expect(await mail.message(1)).toMatchObject({ user: PLAYER.name });
});

test('ftp: get, put and commands', async ({ own, ftp }) => {
  expect(
    await own.run(
      `local ftp, ltn12 = require "socket.ftp", require "ltn12"
       local port, name, password = ...
       local at = "127.0.0.1:" .. port
       local got = assert(ftp.get("ftp://" .. at .. "/hello.bin;type=i"))
       local right = #got == 100000
       for i = 1, #got do right = right and got:byte(i) == (i - 1) % 256 end
       local own = "ftp://" .. name .. ":" .. password .. "@" .. at
       local put = assert(ftp.put(own .. "/new.bin;type=i", got:reverse()))
       local list = {}
       local done, err = ftp.get { host = "127.0.0.1", port = port, user = name, password = password, command = "nlst",
         argument = "", type = "a", sink = ltn12.sink.table(list) }
       local denied, why = ftp.put("ftp://" .. at .. "/denied.bin", "x")
       local missing, what = ftp.get("ftp://" .. at .. "/missing.bin")
       return right, put, table.concat(list), denied, why:match "%d+", missing, what:match "%d+"`,
      ftp.port,
      PLAYER.name,
      PLAYER.password,
    ),
  ).toEqual([true, 100_000, 'hello.bin\r\nnew.bin\r\n', null, '550', null, '550']);
  expect(await ftp.read('new.bin')).toEqual((await ftp.read('hello.bin')).reverse());
});
