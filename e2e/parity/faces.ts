/** The faces of the client that can run scenarios, by name. */
import { openAsyncFace } from './async-face.ts';
import { openBlockingFace } from './blocking-face.ts';
import { openDefoldFace } from './defold-face.ts';
import type { Face } from './face.ts';
import { openLuaFace } from './lua-face.ts';

export const faces: ReadonlyMap<string, () => Promise<Face>> = new Map([
  ['async', openAsyncFace],
  ['blocking', openBlockingFace],
  ['lua', openLuaFace],
  ['defold', openDefoldFace],
]);
