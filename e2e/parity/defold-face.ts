/**
 * Defold's module as a face that runs scenarios: real.lua itself, unmodified, in a coroutine of a game, in this process.
 * Its pcall is the module's, since a scenario's calls wait; and those with a limit of 0 ask the relay.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Game } from '../../client/test/defold/game.ts';
import { type Face, noAnswer } from './face.ts';
import { realLua } from './files.ts';

/** Begins the program with its standard input. */
const BEGIN = `
  local program, input = ...
  local main = assert(loadstring(program, "@real.lua"))
  io.lines = function() return input:gmatch "[^\\n]+" end
  pcall = luasocket.pcall
  printed, finished = {}, false
  print = function(line) printed[#printed + 1] = line end
  luasocket.start(function()
    local ok, err = luasocket.pcall(main)
    if not ok then print("(" .. tostring(err) .. ")") end
    finished = true
  end)`;
const FRAME_MILLISECONDS = 1;

export async function openDefoldFace(): Promise<Face> {
  const program = readFileSync(realLua, 'utf8');
  return {
    async transcribe(text, url, limit) {
      const game = await Game.start(url, { exact: true });
      try {
        game.run(BEGIN, program, Buffer.from(text, 'latin1'));
        const deadline = performance.now() + limit * 1000;
        for (;;) {
          const [finished, ...lines] = game.run('luasocket.update() return finished, unpack(printed)') as [
            boolean,
            ...string[],
          ];
          if (finished) return lines;
          if (performance.now() > deadline) return [...lines, noAnswer(limit)];
          await sleep(FRAME_MILLISECONDS);
        }
      } finally {
        game.close();
      }
    },
    close: () => Promise.resolve(),
  };
}
