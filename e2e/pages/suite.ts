/** The behaviour suite as a script for pages. */
import { BEHAVIOUR } from '../suite/behaviour.ts';

Object.assign(globalThis, { BEHAVIOUR });
