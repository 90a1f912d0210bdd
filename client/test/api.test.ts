/** The public types, as programs use them: what compiles here must go on compiling. */
import { expectTypeOf, it } from 'vitest';
import type { WebSocket as NodeWebSocket } from 'ws';
import type { SocketNamespace, TcpSocket, UdpSocket, WebSocketConstructor } from '../src/api.ts';
import { connect } from '../src/index.ts';

it('results narrow by their first value', () => {
  const use = async (socket: SocketNamespace, client: TcpSocket, udp: UdpSocket) => {
    const [line, error, partial] = await client.receive('*l');
    if (line !== null) {
      expectTypeOf(line).toEqualTypeOf<string>();
      expectTypeOf(error).toEqualTypeOf<null>();
      expectTypeOf(partial).toEqualTypeOf<null>();
    } else {
      expectTypeOf(error).toExtend<string>();
      expectTypeOf(partial).toEqualTypeOf<string>();
    }
    const [index, , last] = await client.send(new Uint8Array(1), 1, -1);
    if (index === null) expectTypeOf(last).toEqualTypeOf<number>();
    else expectTypeOf(index).toEqualTypeOf<number>();
    const [made, refused] = await socket.connect('localhost', 80);
    if (made === null) expectTypeOf(refused).toExtend<string>();
    else expectTypeOf(made).toEqualTypeOf<TcpSocket>();
    const [address, port] = await client.getpeername();
    if (address !== null) expectTypeOf(port).toEqualTypeOf<number>();
    const [datagram, from] = await udp.receivefrom();
    if (datagram !== null) expectTypeOf(from).toEqualTypeOf<string>();
    const [linger] = await client.getoption('linger');
    expectTypeOf(linger).toEqualTypeOf<{ on: boolean; timeout: number } | null>();
    // @ts-expect-error there is no such option
    await client.setoption('broadcast', true);
  };
  expectTypeOf(use).toBeFunction();
});

it('try takes failures away', () => {
  const use = async (socket: SocketNamespace, client: TcpSocket) => {
    const [line] = await socket.try(client.receive());
    expectTypeOf(line).toEqualTypeOf<string>();
    const [spread] = await socket.try(...(await client.receive()));
    expectTypeOf(spread).toEqualTypeOf<string>();
    const protectedCall = socket.protect(async (count: number) => client.receive(count));
    expectTypeOf(protectedCall).parameters.toEqualTypeOf<[number]>();
    const [server] = await socket.try(socket.bind('*', 0));
    const [readable, writable, error] = await socket.select([client, server], [client], 0);
    expectTypeOf(readable[0]).toEqualTypeOf<TcpSocket | undefined>();
    expectTypeOf(writable.get(client)).toEqualTypeOf<number | undefined>();
    expectTypeOf(error).toEqualTypeOf<'timeout' | undefined>();
  };
  expectTypeOf(use).toBeFunction();
});

it('other faces answer at once, other modes with other strings', () => {
  const use = (socket: SocketNamespace<'sync', Uint8Array>, client: TcpSocket<'sync', Uint8Array>) => {
    const [bytes] = client.receive();
    expectTypeOf(bytes).toEqualTypeOf<Uint8Array | null>();
    expectTypeOf(socket.sleep(1)).toEqualTypeOf<[]>();
    expectTypeOf(socket.dns.gethostname()).not.toExtend<Promise<unknown>>();
  };
  expectTypeOf(use).toBeFunction();
  const open = () => connect('ws://127.0.0.1/relay', { strings: 'bytes' });
  expectTypeOf(open).returns.resolves.toEqualTypeOf<SocketNamespace<'async', Uint8Array>>();
  const plain = () => connect(new URL('ws://127.0.0.1/relay'));
  expectTypeOf(plain).returns.resolves.toEqualTypeOf<SocketNamespace<'async', string>>();
});

it('any WebSocket class will do', () => {
  expectTypeOf<typeof NodeWebSocket>().toExtend<WebSocketConstructor>();
  expectTypeOf<typeof globalThis.WebSocket>().toExtend<WebSocketConstructor>();
});
