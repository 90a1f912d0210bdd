/** The gallery's LÖVE game, as `npm start` serves it: a tab hosts, another tab and a native LuaSocket client join. */
import type { BrowserContext } from '@playwright/test';
import { PlayedGame } from '../fixtures/love.ts';
import { expect, test } from '../fixtures/test.ts';

/** From the place of the other Lua programs of tests. */
const JOIN = '../../../console/gallery/tag/join';

async function open(context: BrowserContext, url: string): Promise<PlayedGame> {
  const game = new PlayedGame(await context.newPage());
  await game.page.setViewportSize({ width: 1000, height: 760 });
  await game.page.goto(url);
  await game.page.getByRole('link', { name: 'Gallery' }).click();
  await game.prints(/^tag: H hosts/);
  await expect(game.page.locator('#canvas')).toBeFocused();
  return game;
}

/** Types into the game, which looks at keys once in a frame. */
async function type(game: PlayedGame, keys: readonly string[]): Promise<void> {
  for (const key of keys) await game.page.keyboard.press(key, { delay: 40 });
}

/** From 5001 to no port yet. */
const clearPort = ['Backspace', 'Backspace', 'Backspace', 'Backspace'];

/** Where a player was when the game said so last. */
function lastPlace(game: PlayedGame, player: number): string | undefined {
  const said = game.console.filter((line) => line.startsWith(`tag: player ${player} is at `));
  return said.at(-1)?.replace(/^.* at /, '');
}

/** Until the watcher sees it: how far that is nobody knows, for the slower the machine the farther. */
async function runs(game: PlayedGame, key: string, watcher: PlayedGame, player: number): Promise<void> {
  await watcher.prints(new RegExp(`^tag: player ${player} is at \\d+ \\d+$`));
  const before = lastPlace(watcher, player);
  await game.page.keyboard.down(key);
  await expect.poll(() => lastPlace(watcher, player)).not.toBe(before);
  await game.page.keyboard.up(key);
}

test('a tab hosts, another joins, and each sees the other run; a native client plays along', async ({
  context,
  relay,
  lua,
}) => {
  const host = await open(context, relay.url);
  await type(host, [...clearPort, '0', 'h']);
  const [, port = ''] = await host.prints(/^tag: hosting on port (\d+)$/);
  expect(Number(port)).toBeGreaterThan(1023);

  const guest = await open(context, relay.url);
  await type(guest, [...clearPort, ...port, 'j']);
  await guest.prints(new RegExp(`^tag: playing as player 2 on port ${port}$`));
  await host.prints(/^tag: player 2 has come$/);
  // However far they run, nobody meets anybody, which would change the points: the host keeps its height of 190 and runs away
  // from the guest, at 280, and from where the native client runs, between 400 and 520; the guest runs straight down.
  await runs(host, 'ArrowLeft', guest, 1);
  await runs(guest, 's', host, 2);

  const native = await lua(JOIN, '127.0.0.1', port);
  await native.says(/^player 1 is at \d+ \d+ with 0 points, it$/m);
  await native.says(/^player 2 is at \d+ \d+ with 0 points$/m);
  for (const player of [1, 2]) {
    const watcher = player === 1 ? guest : host;
    await expect(() =>
      expect(native.output).toContain(`player ${player} is at ${lastPlace(watcher, player)} with 0 points`),
    ).toPass();
  }
  await host.prints(/^tag: player 3 is at 520 320$/);
  await guest.prints(/^tag: player 3 is at 520 320$/);

  await guest.page.close();
  await host.prints(/^tag: player 2 has gone$/);
  await native.stop();
  await host.prints(/^tag: player 3 has gone$/);
});

test('where nobody hosts, nobody can join, and the game goes on', async ({ context, relay }) => {
  const game = await open(context, relay.url);
  await type(game, [...clearPort, '1', 'j']);
  await game.prints(/^tag: cannot join: connection refused$/);
  await type(game, ['Backspace', ...'70000', 'j']);
  await expect.poll(() => game.console.filter((line) => line.startsWith('tag: cannot join: ')).length).toBe(2);
  await type(game, [...clearPort, 'Backspace', '0', 'h']);
  await game.prints(/^tag: hosting on port \d+$/);
});
