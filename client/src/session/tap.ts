/** Where frames can be looked at as they pass, by an inspector. */
import type { Frame } from '@luasocket-web/shared/frames';

export interface FrameTap {
  /** Asked before each frame: nothing else is done while nobody listens. */
  readonly listening: boolean;
  /** `bytes`: the length of the frame on the WebSocket, where the caller has it at hand. */
  frame(direction: 'sent' | 'received', frame: Frame, bytes?: number): void;
}
